//! Actions on the rules of security groups.

use super::eni::take_inert;
use crate::rpc::params::Scope;
use crate::rpc::plan::{BadParams, Planned, done, read, required_id};
use serde_json::{Value, json};
use sim_core::ecs::authorize::{AuthorizeRules, ModifyRule, RevokeRules, WhichRule, WhichRules};
use sim_core::ecs::prefix_list::PrefixList;
use sim_core::ecs::rule_input::{RuleTexts, ports_text, read_rules};
use sim_core::ecs::security_group::{SecurityGroup, inner_access_text};
use sim_core::ecs::security_group_rule::{
    Direction, Peer, Policy, Protocol, SecurityGroupRule, of_group_after, parse_place, place_text,
};
use sim_core::id::{SecurityGroupId, SecurityGroupRuleId};
use sim_core::{Caller, World};

/// Parameters that are taken and change nothing: who owns the peer group, which is looked for in the caller's account,
/// and network types, of which a VPC has one.
pub const INERT: &[(&str, &[&str])] = &[
    ("AuthorizeSecurityGroup", IN_INERT),
    ("RevokeSecurityGroup", IN_INERT),
    ("ModifySecurityGroupRule", IN_OWNER),
    ("AuthorizeSecurityGroupEgress", OUT_INERT),
    ("RevokeSecurityGroupEgress", OUT_INERT),
    ("ModifySecurityGroupEgressRule", OUT_OWNER),
    ("DescribeSecurityGroupAttribute", &["Attribute", "NicType"]),
];
const IN_OWNER: &[&str] = &["SourceGroupOwnerAccount", "SourceGroupOwnerId"];
const OUT_OWNER: &[&str] = &["DestGroupOwnerAccount", "DestGroupOwnerId"];
const IN_INERT: &[&str] = &[
    "SourceGroupOwnerAccount",
    "SourceGroupOwnerId",
    "Permissions.N.SourceGroupOwnerAccount",
    "Permissions.N.SourceGroupOwnerId",
];
const OUT_INERT: &[&str] = &[
    "DestGroupOwnerAccount",
    "DestGroupOwnerId",
    "Permissions.N.DestGroupOwnerAccount",
    "Permissions.N.DestGroupOwnerId",
];

/// The fields of a rule under their names in one direction: the request itself, or an item of `Permissions`.
fn texts<'a>(p: &Scope<'a>, direction: Direction) -> RuleTexts<'a> {
    let (source, dest) = (["SourceCidrIp", "Ipv6SourceCidrIp"], ["DestCidrIp", "Ipv6DestCidrIp"]);
    let (peer, own, group, list, inert) = match direction {
        Direction::Ingress => (source, dest, "SourceGroupId", "SourcePrefixListId", IN_OWNER),
        Direction::Egress => (dest, source, "DestGroupId", "DestPrefixListId", OUT_OWNER),
    };
    take_inert(p, inert);
    RuleTexts {
        protocol: p.str("IpProtocol"),
        port_range: p.str("PortRange"),
        port_list: p.str("PortRangeListId"),
        source_port_range: p.str("SourcePortRange"),
        policy: p.str("Policy"),
        priority: p.str("Priority"),
        nic_type: p.str("NicType"),
        peer_cidr: p.str(peer[0]),
        peer_ipv6_cidr: p.str(peer[1]),
        peer_group: p.str(group),
        peer_list: p.str(list),
        own_cidr: p.str(own[0]),
        own_ipv6_cidr: p.str(own[1]),
        description: p.raw("Description"),
    }
}

/// The rules of a call: `Permissions`, or the one rule of the older form. Beside `Permissions` the older form's fields
/// stay unread and are reported as unknown.
fn rules<'a>(p: &Scope<'a>, direction: Direction) -> Result<Vec<RuleTexts<'a>>, BadParams> {
    // The core knows how many rules a call takes and says so with the documented code.
    let items = p.objects("Permissions", 1000)?;
    if items.is_empty() {
        return Ok(vec![texts(p, direction)]);
    }
    Ok(items.iter().map(|item| texts(item, direction)).collect())
}

fn authorize(p: &Scope<'_>, direction: Direction) -> Planned {
    let group = required_id(p, "SecurityGroupId")?;
    done(AuthorizeRules { group, direction, rules: read_rules(direction, &rules(p, direction)?)? })
}

fn revoke(p: &Scope<'_>, direction: Direction) -> Planned {
    let group = required_id(p, "SecurityGroupId")?;
    let ids = p.strings("SecurityGroupRuleId", 1000)?;
    let rules = if ids.is_empty() {
        WhichRules::Same(direction, read_rules(direction, &rules(p, direction)?)?)
    } else {
        let ids = ids.into_iter().map(crate::rest::context::parse_id).collect::<Result<_, _>>()?;
        WhichRules::Ids(Some(direction), ids)
    };
    done(RevokeRules { group, rules })
}

fn modify(p: &Scope<'_>, direction: Direction) -> Planned {
    let group = required_id(p, "SecurityGroupId")?;
    let fields = texts(p, direction).read(direction)?;
    let rule = match crate::rpc::plan::optional_id::<SecurityGroupRuleId>(p, "SecurityGroupRuleId")? {
        Some(id) => WhichRule::Id(Some(direction), id, fields),
        None => WhichRule::Same(direction, fields.complete(direction)?),
    };
    done(ModifyRule { group, rule })
}

pub fn authorize_security_group(p: &Scope<'_>, _: &Caller) -> Planned {
    authorize(p, Direction::Ingress)
}

pub fn authorize_security_group_egress(p: &Scope<'_>, _: &Caller) -> Planned {
    authorize(p, Direction::Egress)
}

pub fn revoke_security_group(p: &Scope<'_>, _: &Caller) -> Planned {
    revoke(p, Direction::Ingress)
}

pub fn revoke_security_group_egress(p: &Scope<'_>, _: &Caller) -> Planned {
    revoke(p, Direction::Egress)
}

pub fn modify_security_group_rule(p: &Scope<'_>, _: &Caller) -> Planned {
    modify(p, Direction::Ingress)
}

pub fn modify_security_group_egress_rule(p: &Scope<'_>, _: &Caller) -> Planned {
    modify(p, Direction::Egress)
}

pub fn describe_security_group_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    p.mark_known("Attribute");
    // In a VPC there is one network type, whichever is asked for.
    p.choice("NicType", &[("intranet", ()), ("internet", ())])
        .map_err(|e| e.with_code("InvalidNicType.ValueNotSupported"))?;
    let id = required_id::<SecurityGroupId>(p, "SecurityGroupId")?;
    const DIRECTIONS: &[(&str, Option<Direction>)] =
        &[("all", None), ("ingress", Some(Direction::Ingress)), ("egress", Some(Direction::Egress))];
    let bad = |e: crate::rpc::params::ParamError| e.with_code("InvalidParamter");
    let direction = p.choice("Direction", DIRECTIONS).map_err(bad)?.flatten();
    let size = p.int("MaxResults", 1..=1000).map_err(bad)?.unwrap_or(500) as usize;
    let after = match p.str("NextToken") {
        None => None,
        Some(text) => {
            let wrong = || bad(p.invalid("NextToken", "it is not the NextToken of an answer"));
            Some(parse_place(text).ok_or_else(wrong)?)
        }
    };
    read(move |w, caller| {
        let group = w.visible::<SecurityGroup>(caller, id)?;
        let rules = of_group_after(w, id, after.as_ref());
        let mut rules = rules.filter(|rule| direction.is_none_or(|wanted| rule.direction == wanted));
        let shown: Vec<&SecurityGroupRule> = rules.by_ref().take(size).collect();
        let next = rules.next().and_then(|_| shown.last()).map(|last| place_text(&last.order()));
        Ok(json!({
            "SecurityGroupId": group.id.to_string(),
            "SecurityGroupName": group.name,
            "Description": group.description,
            "VpcId": group.vpc.to_string(),
            "RegionId": group.owner.region.to_string(),
            "InnerAccessPolicy": inner_access_text(group),
            "Permissions": { "Permission": shown.into_iter().map(|rule| show(w, rule)).collect::<Vec<_>>() },
            "SnapshotPolicyIds": { "SnapshotPolicyId": [] },
            "NextToken": next.unwrap_or_default(),
        }))
    })
}

/// A rule as the provider shows it: every member is a text, and one that does not apply is empty.
fn show(w: &World, rule: &SecurityGroupRule) -> Value {
    let spec = &rule.spec;
    let (peer, own) = (rule.peer_text(), rule.own_text());
    // The two families have members of their own.
    let split = |text: String| if text.contains(':') { (String::new(), text) } else { (text, String::new()) };
    let (peer4, peer6) = split(peer);
    let (own4, own6) = split(own);
    let (group, list) = match spec.peer {
        Peer::Group(id) => (w.get::<SecurityGroup>(&id), None),
        Peer::List(id) => (None, w.get::<PrefixList>(&id)),
        Peer::Block(_) => (None, None),
    };
    let (toward, from) = match rule.direction {
        Direction::Ingress => ("Source", "Dest"),
        Direction::Egress => ("Dest", "Source"),
    };
    let mut shown = json!({
        "SecurityGroupRuleId": rule.id.to_string(),
        "Direction": rule.direction.word(),
        "IpProtocol": protocol_text(spec.protocol),
        "PortRange": ports_text(spec.ports),
        "PortRangeListId": "",
        "PortRangeListName": "",
        "SourcePortRange": ports_text(spec.source_ports),
        "Policy": policy_text(spec.policy),
        "Priority": spec.priority.to_string(),
        "NicType": "intranet",
        "Description": rule.description,
        "CreateTime": rule.created.to_seconds_text(),
    });
    let mut put = |name: String, value: String| shown[name] = json!(value);
    put(format!("{toward}CidrIp"), peer4);
    put(format!("Ipv6{toward}CidrIp"), peer6);
    put(format!("{from}CidrIp"), own4);
    put(format!("Ipv6{from}CidrIp"), own6);
    for side in [toward, from] {
        let group = group.filter(|_| side == toward);
        let list = list.filter(|_| side == toward);
        put(format!("{side}GroupId"), group.map(|g| g.id.to_string()).unwrap_or_default());
        put(format!("{side}GroupName"), group.map(|g| g.name.to_string()).unwrap_or_default());
        put(format!("{side}GroupOwnerAccount"), String::new());
        put(format!("{side}PrefixListId"), list.map(|l| l.id.to_string()).unwrap_or_default());
        put(format!("{side}PrefixListName"), list.map(|l| l.name.to_string()).unwrap_or_default());
    }
    shown
}

/// The protocol as answers write it, which requests may write in any case.
const fn protocol_text(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
        Protocol::Icmp => "ICMP",
        Protocol::Icmpv6 => "ICMPv6",
        Protocol::Gre => "GRE",
        Protocol::All => "ALL",
    }
}

const fn policy_text(policy: Policy) -> &'static str {
    match policy {
        Policy::Accept => "Accept",
        Policy::Drop => "Drop",
    }
}
