//! Actions on egress-only rules of IPv6 gateways.

use crate::listing::Rows;
use crate::rpc::params::Scope;
use crate::rpc::plan::{BadParams, NumberedPage, Planned, done, required_id, sought, text, write};
use serde_json::json;
use sim_core::id::{Ipv6AddressId, Ipv6EgressRuleId, Ipv6GatewayId};
use sim_core::vpc::ipv6_bandwidth::{self, AddressRef};
use sim_core::vpc::ipv6_egress_rule::{CreateIpv6EgressRule, DeleteIpv6EgressRule, Ipv6EgressRule};
use sim_core::{Caller, ErrorCode, Refusal};

/// The one type of instance that has rules.
const TYPE: &str = "Ipv6Address";

/// `InstanceType`, if it is given.
fn check_type(p: &Scope<'_>) -> Result<(), BadParams> {
    match p.str("InstanceType") {
        None | Some(TYPE) => Ok(()),
        Some(other) => Err(Refusal::new(ErrorCode::Ipv6EgressRuleTypeUnknown)
            .field("instance_type")
            .given(other)
            .accepted(TYPE)
            .into()),
    }
}

pub fn create_ipv6_egress_only_rule(p: &Scope<'_>, _: &Caller) -> Planned {
    check_type(p)?;
    let command = CreateIpv6EgressRule {
        gateway: required_id(p, "Ipv6GatewayId")?,
        address: AddressRef::Id(required_id::<Ipv6AddressId>(p, "InstanceId")?),
        name: p.str("Name").map(Into::into),
        description: p.str("Description").map(Into::into),
    };
    write(command, |_, _, reply| json!({ "Ipv6EgressRuleId": reply.id::<Ipv6EgressRuleId>().to_string() }))
}

pub fn delete_ipv6_egress_only_rule(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteIpv6EgressRule { rule: required_id(p, "Ipv6EgressOnlyRuleId")? })
}

pub fn describe_ipv6_egress_only_rules(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 50)?;
    p.required("Ipv6GatewayId")?;
    let gateway = sought::<Ipv6GatewayId>(p, "Ipv6GatewayId");
    let rows = Rows::<Ipv6EgressRule>::all(|ix| &ix.ipv6_egress_rules.by_owner)
        .named(p.str("Ipv6EgressOnlyRuleId").as_slice())
        .of(gateway, |ix| &ix.ipv6_egress_rules.by_gateway)
        .keep(text(p, "Name"), |_, rule, name| rule.name == *name)
        .keep(text(p, "InstanceType"), |_, _, kind| kind == TYPE)
        .keep(sought::<Ipv6AddressId>(p, "InstanceId"), |_, rule, id| {
            Some(ipv6_bandwidth::address_id(rule.eni, rule.address)) == *id
        });
    page.list(rows, "Ipv6EgressOnlyRules", "Ipv6EgressOnlyRule", |_, rule| {
        json!({
            "Ipv6EgressOnlyRuleId": rule.id.to_string(),
            "InstanceId": ipv6_bandwidth::address_id(rule.eni, rule.address).to_string(),
            "InstanceType": TYPE,
            "Name": rule.name,
            "Description": rule.description,
            "Status": rule.status.text(),
        })
    })
}
