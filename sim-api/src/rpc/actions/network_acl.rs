//! Actions on network ACLs.

use super::tags::filter;
use crate::listing::Rows;
use crate::rpc::params::{MAX_LIST_INDEX, ParamError, Scope};
use crate::rpc::plan::{
    BadParams, NumberedPage, Plan, Planned, done, read, required_id, show_tags_key_value, sought, tags, text,
    write,
};
use serde_json::{Value, json};
use sim_core::ecs::rule_input::ports_text;
use sim_core::ecs::security_group_rule::Direction;
use sim_core::id::{NetworkAclId, VSwitchId, VpcId};
use sim_core::vpc::network_acl::{CreateNetworkAcl, DeleteNetworkAcl, ModifyNetworkAcl, NetworkAcl};
use sim_core::vpc::network_acl_binding::{
    AssociateNetworkAcl, NetworkAclBinding, UnassociateNetworkAcl, of_acl,
};
use sim_core::vpc::network_acl_rule::{RuleInput, RuleKind, RuleTexts, UpdateNetworkAclRules, in_order};
use sim_core::{Caller, ErrorCode, Refusal, World};
use std::ops::ControlFlow;

/// Bindings are to vSwitches alone.
const VSWITCH: &str = "VSwitch";

pub fn create_network_acl(p: &Scope<'_>, _: &Caller) -> Planned {
    let command = CreateNetworkAcl {
        vpc: required_id(p, "VpcId")?,
        name: p.str("NetworkAclName").map(Into::into),
        description: p.str("Description").map(Into::into),
        tags: tags(p)?,
    };
    write(command, |w, _, reply| {
        let id = reply.id::<NetworkAclId>();
        // A repetition may find it gone.
        let shown = w.get::<NetworkAcl>(&id).map(|acl| show(w, acl, false)).unwrap_or_else(|| json!({}));
        json!({ "NetworkAclId": id.to_string(), "NetworkAclAttribute": shown })
    })
}

pub fn modify_network_acl_attributes(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyNetworkAcl {
        acl: required_id(p, "NetworkAclId")?,
        name: p.str("NetworkAclName").map(Into::into),
        description: p.raw("Description").map(Into::into),
    })
}

pub fn delete_network_acl(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteNetworkAcl { acl: required_id(p, "NetworkAclId")? })
}

/// `Resource.N.ResourceType` and `Resource.N.ResourceId`: vSwitches.
fn vswitches(p: &Scope<'_>) -> Result<Vec<VSwitchId>, BadParams> {
    let read = |resource: Scope<'_>| -> Result<VSwitchId, BadParams> {
        let kind = resource.required("ResourceType")?;
        if !kind.eq_ignore_ascii_case(VSWITCH) {
            return Err(Refusal::new(ErrorCode::NetworkAclResourceType)
                .field("resource_type")
                .given(kind)
                .accepted(VSWITCH)
                .into());
        }
        required_id(&resource, "ResourceId")
    };
    p.objects("Resource", MAX_LIST_INDEX as usize)?.into_iter().map(read).collect()
}

pub fn associate_network_acl(p: &Scope<'_>, _: &Caller) -> Planned {
    done(AssociateNetworkAcl { acl: required_id(p, "NetworkAclId")?, vswitches: vswitches(p)? })
}

pub fn unassociate_network_acl(p: &Scope<'_>, _: &Caller) -> Planned {
    done(UnassociateNetworkAcl { acl: required_id(p, "NetworkAclId")?, vswitches: vswitches(p)? })
}

/// The rules of a direction. What the provider put there (types system and service) stands in the lists that clients
/// read and write back; it is fixed, so it is passed over.
fn rules(p: &Scope<'_>, direction: Direction) -> Result<Vec<RuleInput>, BadParams> {
    let (list, cidr) = match direction {
        Direction::Ingress => ("IngressAclEntries", "SourceCidrIp"),
        Direction::Egress => ("EgressAclEntries", "DestinationCidrIp"),
    };
    let cidr_missing = match direction {
        Direction::Ingress => "ParameterMissing.SourceCidrIp",
        Direction::Egress => "ParameterMissing.DestinationCidrIp",
    };
    let read = |entry: Scope<'_>| -> Result<Option<RuleInput>, BadParams> {
        let need = |name, code| entry.required(name).map_err(|e: ParamError| e.with_code(code));
        let ours =
            entry.str("EntryType").is_none_or(|kind| kind.eq_ignore_ascii_case(RuleKind::Custom.text()));
        let texts = RuleTexts {
            id: entry.str("NetworkAclEntryId"),
            policy: need("Policy", "ParameterMissing.Policy")?,
            protocol: need("Protocol", "ParameterMissing.Protocol")?,
            block: need(cidr, cidr_missing)?,
            ports: need("Port", "ParameterMissing.Port")?,
            ip_version: entry.str("IpVersion"),
            name: entry.str("NetworkAclEntryName"),
            description: entry.str("Description"),
        };
        if !ours {
            return Ok(None);
        }
        let refused = |refusal: Refusal| {
            let field = refusal.details().field.clone().unwrap_or_default();
            refusal.field(format!("{}/{field}", direction.word()))
        };
        Ok(Some(texts.read(direction).map_err(refused)?))
    };
    let found: Result<Vec<_>, _> = p.objects(list, MAX_LIST_INDEX as usize)?.into_iter().map(read).collect();
    Ok(found?.into_iter().flatten().collect())
}

/// A direction is replaced if its flag says so, or if it has entries and no flag is sent.
pub fn update_network_acl_entries(p: &Scope<'_>, _: &Caller) -> Planned {
    let wanted = |flag, direction| -> Result<Option<Vec<RuleInput>>, BadParams> {
        let rules = rules(p, direction)?;
        let replace = p.bool(flag)?.unwrap_or(!rules.is_empty());
        Ok(replace.then_some(rules))
    };
    done(UpdateNetworkAclRules {
        acl: required_id(p, "NetworkAclId")?,
        ingress: wanted("UpdateIngressAclEntries", Direction::Ingress)?,
        egress: wanted("UpdateEgressAclEntries", Direction::Egress)?,
    })
}

pub fn describe_network_acls(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 50)?;
    let mut rows = Rows::<NetworkAcl>::all(|ix| &ix.network_acls.by_owner)
        .named(p.str("NetworkAclId").as_slice())
        .of::<VpcId>(sought(p, "VpcId"), |ix| &ix.network_acls.by_vpc)
        .tagged(filter(p, "Tags")?)
        .keep(text(p, "NetworkAclName"), |_, acl, name| acl.name == *name)
        .keep(text(p, "ResourceType"), |_, _, kind| kind.eq_ignore_ascii_case(VSWITCH));
    if let Some(vswitch) = sought::<VSwitchId>(p, "ResourceId") {
        rows = rows.found(move |w, _| {
            let binding = vswitch.and_then(|vswitch| w.get::<NetworkAclBinding>(&vswitch));
            Ok(binding.map(|binding| binding.acl).into_iter().collect())
        });
    }
    let plan = page.list(rows, "NetworkAcls", "NetworkAcl", |w, acl| show(w, acl, true))?;
    // This list alone counts in texts.
    let Plan::List(mut slice) = plan else { return Ok(plan) };
    Ok(Plan::List(Box::new(move |w, caller| match slice(w, caller) {
        ControlFlow::Break(Ok(mut answer)) => {
            for name in ["TotalCount", "PageNumber", "PageSize"] {
                answer[name] = answer[name].to_string().into();
            }
            ControlFlow::Break(Ok(answer))
        }
        flow => flow,
    })))
}

pub fn describe_network_acl_attributes(p: &Scope<'_>, _: &Caller) -> Planned {
    let acl = required_id::<NetworkAclId>(p, "NetworkAclId")?;
    read(move |w, caller| {
        Ok(json!({ "NetworkAclAttribute": show(w, w.visible::<NetworkAcl>(caller, acl)?, true) }))
    })
}

/// An ACL. The answer to its creation has fewer members than the others.
fn show(w: &World, acl: &NetworkAcl, whole: bool) -> Value {
    let resources: Vec<Value> = of_acl(w, acl.id)
        .map(|b| json!({ "ResourceId": b.vswitch.to_string(), "ResourceType": VSWITCH, "Status": b.status.text() }))
        .collect();
    let mut shown = json!({
        "NetworkAclId": acl.id.to_string(),
        "NetworkAclName": acl.name,
        "Description": acl.description,
        "VpcId": acl.vpc.to_string(),
        "RegionId": acl.owner.region.to_string(),
        "Status": acl.status.text(),
        "CreationTime": acl.created.to_seconds_text(),
        "IngressAclEntries": { "IngressAclEntry": entries(w, acl, Direction::Ingress, whole) },
        "EgressAclEntries": { "EgressAclEntry": entries(w, acl, Direction::Egress, whole) },
        "Resources": { "Resource": resources },
    });
    if whole {
        shown["OwnerId"] = json!(acl.owner.account);
        shown["Tags"] = show_tags_key_value(w, acl.id);
    }
    shown
}

fn entries(w: &World, acl: &NetworkAcl, direction: Direction, whole: bool) -> Vec<Value> {
    let cidr = match direction {
        Direction::Ingress => "SourceCidrIp",
        Direction::Egress => "DestinationCidrIp",
    };
    let rules = in_order(w, acl, direction).into_iter().map(|(kind, rule)| {
        let mut shown = json!({
            "NetworkAclEntryId": rule.id(acl.id).to_string(),
            "NetworkAclEntryName": rule.name,
            "Description": rule.description,
            "Policy": rule.policy.word(),
            "Protocol": rule.protocol.word(),
            "Port": ports_text(rule.ports),
        });
        shown[cidr] = rule.block.to_string().into();
        if whole {
            shown["EntryType"] = kind.text().into();
            shown["IpVersion"] = if rule.block.is_v4() { "IPv4" } else { "IPv6" }.into();
        }
        shown
    });
    rules.collect()
}
