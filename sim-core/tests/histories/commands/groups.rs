//! Security groups, rules and prefix lists.

use crate::dice::Dice;
use compact_str::CompactString;
use sim_core::Command;
use sim_core::cidr::Cidr;
use sim_core::ecs::authorize::*;
use sim_core::ecs::eni::{Eni, EniKind};
use sim_core::ecs::instance::Instance;
use sim_core::ecs::membership::{LeaveSecurityGroup, Member};
use sim_core::ecs::prefix_list::*;
use sim_core::ecs::rule_input::{RuleFields, RuleInput};
use sim_core::ecs::security_group::*;
use sim_core::ecs::security_group_rule::*;
use sim_core::id::SecurityGroupRuleId;
use sim_core::vpc::vpc::Vpc;

pub fn create_group(d: &mut Dice<'_>) -> Command {
    let vpc = if d.once_in(20) { None } else { Some(d.id::<Vpc>()) };
    CreateSecurityGroup {
        vpc,
        kind: if d.roll(4) == 3 { GroupKind::Enterprise } else { GroupKind::Basic },
        name: d.text(),
        description: d.text(),
        resource_group: d.resource_group(),
        tags: d.tags(),
    }
    .into()
}

pub fn member(d: &mut Dice<'_>) -> Member {
    if d.once_in(4) { Member::Instance(d.id::<Instance>()) } else { Member::Eni(d.id::<Eni>()) }
}

pub fn leave(d: &mut Dice<'_>) -> Command {
    let of_two = d.world.table::<Eni>().iter().filter(|e| e.owner.admits(d.caller) && e.groups.len() > 1);
    let of_two: Vec<&Eni> = of_two.collect();
    if of_two.is_empty() || d.once_in(4) {
        return LeaveSecurityGroup { group: d.id::<SecurityGroup>(), member: member(d) }.into();
    }
    let eni = d.pick(&of_two);
    let primary = if eni.kind == EniKind::Primary { eni.instance } else { None };
    let member = primary.map_or(Member::Eni(eni.id), Member::Instance);
    LeaveSecurityGroup { group: d.pick(&eni.groups), member }.into()
}

pub fn direction(d: &mut Dice<'_>) -> Direction {
    d.pick(&[Direction::Ingress, Direction::Egress])
}

pub fn peer(d: &mut Dice<'_>) -> Peer {
    let block: Cidr = d.pick(&["0.0.0.0/0", "10.0.0.0/8", "10.0.1.5/32", "::/0"]).parse().unwrap();
    match d.roll(6) {
        0..2 => Peer::Block(block),
        2..4 => Peer::Group(d.id::<SecurityGroup>()),
        _ => Peer::List(d.id::<PrefixList>()),
    }
}

pub fn rule(d: &mut Dice<'_>) -> RuleInput {
    let protocol = d.pick(&[
        Protocol::Tcp,
        Protocol::All,
        Protocol::Udp,
        Protocol::Icmp,
        Protocol::Icmpv6,
        Protocol::Gre,
    ]);
    let range = |d: &mut Dice<'_>| d.pick(&[(22, 22), (80, 443), (1, 65_535), (9, 1)]);
    let ports = (protocol.has_ports() != d.once_in(20)).then(|| range(d));
    let ports = ports.map(|(first, last)| PortRange { first, last });
    let own = if d.once_in(6) { Some("10.0.0.0/24".parse().unwrap()) } else { None };
    let spec = RuleSpec {
        protocol,
        ports,
        source_ports: None,
        policy: d.pick(&[Policy::Accept, Policy::Drop]),
        priority: d.pick(&[1, 1, 2, 100, 101]),
        peer: peer(d),
        own,
    };
    RuleInput {
        spec,
        peer_as_address: false,
        own_as_address: false,
        description: d.text().unwrap_or_default(),
    }
}

/// A rule that is there, with its group.
pub fn some_rule(d: &mut Dice<'_>) -> Option<SecurityGroupRule> {
    let groups: Vec<_> =
        d.world.table::<SecurityGroup>().iter().filter(|g| g.owner.admits(d.caller)).map(|g| g.id).collect();
    let rules: Vec<&SecurityGroupRule> = groups.iter().flat_map(|&g| of_group(d.world, g)).collect();
    if rules.is_empty() { None } else { Some(d.pick(&rules).clone()) }
}

pub fn as_input(rule: &SecurityGroupRule) -> RuleInput {
    RuleInput {
        spec: rule.spec,
        peer_as_address: rule.peer_as_address,
        own_as_address: rule.own_as_address,
        description: rule.description.clone(),
    }
}

pub fn revoke(d: &mut Dice<'_>) -> Command {
    let Some(found) = some_rule(d) else {
        let ids = vec![crate::dice::nobody::<SecurityGroupRuleId>()];
        return RevokeRules { group: d.id::<SecurityGroup>(), rules: WhichRules::Ids(None, ids) }.into();
    };
    let rules = match d.roll(4) {
        0..2 => WhichRules::Ids(Some(found.direction), vec![found.id]),
        2 => WhichRules::Ids(None, vec![found.id, found.id]),
        _ => WhichRules::Same(found.direction, vec![as_input(&found), rule(d)]),
    };
    RevokeRules { group: found.group, rules }.into()
}

pub fn modify_rule(d: &mut Dice<'_>) -> Command {
    let Some(found) = some_rule(d) else {
        let id = crate::dice::nobody::<SecurityGroupRuleId>();
        let rule = WhichRule::Id(None, id, RuleFields { priority: Some(2), ..RuleFields::default() });
        return ModifyRule { group: d.id::<SecurityGroup>(), rule }.into();
    };
    let rule = if d.once_in(4) {
        WhichRule::Same(found.direction, RuleInput { description: "told anew".into(), ..as_input(&found) })
    } else {
        let fields = RuleFields {
            policy: d.maybe(|d| d.pick(&[Policy::Accept, Policy::Drop])),
            priority: d.maybe(|d| d.pick(&[1, 2, 3])),
            peer: d.maybe(|d| (peer(d), false)),
            description: d.text(),
            ..RuleFields::default()
        };
        WhichRule::Id(None, found.id, fields)
    };
    ModifyRule { group: found.group, rule }.into()
}

pub fn list_entries(d: &mut Dice<'_>) -> Vec<PrefixListEntry> {
    let blocks = ["10.0.0.0/8", "192.168.0.0/16", "47.0.0.0/8", "2001:db8::/32"];
    let entry = |d: &mut Dice<'_>| PrefixListEntry {
        cidr: d.pick(&blocks).parse().unwrap(),
        description: CompactString::default(),
    };
    (0..d.roll(3)).map(|_| entry(d)).collect()
}

pub fn create_list(d: &mut Dice<'_>) -> Command {
    CreatePrefixList {
        name: d.pick(&["offices", "partners", ""]).into(),
        description: d.text(),
        family: d.pick(&[AddressFamily::Ipv4, AddressFamily::Ipv4, AddressFamily::Ipv6]),
        max_entries: d.pick(&[3, 2, 100, 200, 201]),
        entries: list_entries(d),
        resource_group: d.resource_group(),
        tags: d.tags(),
    }
    .into()
}

pub fn modify_list(d: &mut Dice<'_>) -> Command {
    ModifyPrefixList {
        list: d.id::<PrefixList>(),
        name: None,
        description: d.text(),
        max_entries: d.maybe(|d| d.pick(&[1, 3, 100, 200])),
        add: list_entries(d),
        remove: list_entries(d).into_iter().map(|e| e.cidr).collect(),
    }
    .into()
}
