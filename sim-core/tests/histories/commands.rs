//! A random command of each kind, mostly sensible in the world as it is.

use crate::dice::Dice;
use compact_str::{CompactString, ToCompactString};
use sim_core::cidr::{Cidr, Cidr4, Cidr6};
use sim_core::ecs::authorize::*;
use sim_core::ecs::eni::{CreateEni, DeleteEni, Eni, EniKind, ModifyEni, TrafficMode};
use sim_core::ecs::eni_address::{AssignAddresses, UnassignAddresses, Want, Wanted};
use sim_core::ecs::eni_attachment::{AttachEni, DetachEni};
use sim_core::ecs::instance::Instance;
use sim_core::ecs::membership::{JoinSecurityGroup, LeaveSecurityGroup, Member};
use sim_core::ecs::prefix_list::*;
use sim_core::ecs::rule_input::{RuleFields, RuleInput};
use sim_core::ecs::security_group::*;
use sim_core::ecs::security_group_rule::*;
use sim_core::id::{EniId, InstanceId, RouteEntryId, RouteTableId, SecurityGroupRuleId};
use sim_core::quota::{AdjustQuota, Quota};
use sim_core::resource_group::*;
use sim_core::settings::{ChangeSettings, ClockMode, Provisioning, SetClock};
use sim_core::tag::{TagResources, UntagResources};
use sim_core::vpc::cidr_reservation::*;
use sim_core::vpc::default_network::{CreateDefaultVSwitch, CreateDefaultVpc};
use sim_core::vpc::next_hop::{HopChoice, WeightedHop};
use sim_core::vpc::route_entry::{self, *};
use sim_core::vpc::route_table::{
    AssociateRouteTable, AssociateType, CreateRouteTable, DeleteRouteTable, ModifyRouteTable, RouteTable,
    UnassociateRouteTable,
};
use sim_core::vpc::secondary_block::*;
use sim_core::vpc::vpc::{CreateVpc, DeleteVpc, ModifyVpc, Vpc};
use sim_core::vpc::vrouter::{ModifyVRouter, VRouter};
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch, DeleteVSwitch, ModifyVSwitch, VSwitch};
use sim_core::{Command, ZoneId};

/// What makes a command of one kind.
pub type Make = fn(&mut Dice<'_>) -> Command;

/// The kinds of commands: name, how often, how.
pub const KINDS: &[(&str, usize, Make)] = &[
    ("CreateVSwitch", 10, create_vswitch),
    ("CreateVpc", 5, create_vpc),
    ("CreateEni", 10, create_eni),
    ("CreateSecurityGroup", 5, create_group),
    ("ModifyVpc", 3, modify_vpc),
    ("DeleteVpc", 2, |d| DeleteVpc { vpc: d.id::<Vpc>() }.into()),
    ("ModifyVSwitch", 3, modify_vswitch),
    ("DeleteVSwitch", 2, |d| DeleteVSwitch { vswitch: d.id::<VSwitch>() }.into()),
    ("AddSecondaryBlock", 4, |d| {
        AddSecondaryBlock { vpc: d.id::<Vpc>(), block: d.pick(&further_blocks()) }.into()
    }),
    ("RemoveSecondaryBlock", 2, remove_secondary),
    ("AddIpv6Block", 2, add_ipv6),
    ("RemoveIpv6Block", 2, remove_ipv6),
    ("CreateDefaultVpc", 1, |d| {
        CreateDefaultVpc { ipv6: d.once_in(2), resource_group: d.resource_group() }.into()
    }),
    ("CreateDefaultVSwitch", 2, |d| {
        CreateDefaultVSwitch { zone: zone(d), ipv6_subnet: d.maybe(|d| d.roll(4) as u32) }.into()
    }),
    ("CreateCidrReservation", 5, create_reservation),
    ("DeleteCidrReservation", 2, |d| DeleteCidrReservation { reservation: d.id::<CidrReservation>() }.into()),
    ("CreateResourceGroup", 2, |d| {
        CreateResourceGroup { name: d.pick(&["team-a", "team-b", "1"]).into() }.into()
    }),
    ("DeleteResourceGroup", 1, |d| DeleteResourceGroup { group: some_group(d) }.into()),
    ("MoveToResourceGroup", 2, |d| {
        MoveToResourceGroup { resource: d.resource(), group: some_group(d) }.into()
    }),
    ("ModifyVRouter", 1, |d| {
        ModifyVRouter { vrouter: d.id::<VRouter>(), name: d.text(), description: d.text() }.into()
    }),
    ("CreateRouteTable", 5, create_table),
    ("ModifyRouteTable", 1, |d| {
        ModifyRouteTable {
            route_table: d.id::<RouteTable>(),
            name: d.text(),
            description: d.text(),
            propagation: d.maybe(|d| d.once_in(2)),
        }
        .into()
    }),
    ("DeleteRouteTable", 2, |d| DeleteRouteTable { route_table: d.id::<RouteTable>() }.into()),
    ("AssociateRouteTable", 5, |d| {
        AssociateRouteTable { route_table: d.id::<RouteTable>(), vswitch: d.id::<VSwitch>() }.into()
    }),
    ("UnassociateRouteTable", 3, unassociate),
    ("CreateRouteEntry", 8, |d| CreateRouteEntry { entry: new_entry(d) }.into()),
    ("CreateRouteEntries", 3, |d| {
        CreateRouteEntries { entries: (0..d.roll(4)).map(|_| new_entry(d)).collect() }.into()
    }),
    ("ModifyRouteEntry", 8, modify_entry),
    ("DeleteRouteEntry", 3, delete_entry),
    ("DeleteRouteEntries", 2, |d| {
        let old = |d: &mut Dice<'_>| OldEntry { entry: entry_ref(d).0, next_hop: None };
        DeleteRouteEntries { entries: (0..d.roll(4)).map(|_| old(d)).collect() }.into()
    }),
    ("ModifySecurityGroup", 2, |d| {
        ModifySecurityGroup {
            group: d.id::<SecurityGroup>(),
            name: d.text(),
            description: d.text(),
            inner_access: d.maybe(|d| d.once_in(2)),
        }
        .into()
    }),
    ("DeleteSecurityGroup", 2, |d| DeleteSecurityGroup { group: d.id::<SecurityGroup>() }.into()),
    ("JoinSecurityGroup", 5, |d| {
        JoinSecurityGroup { group: d.id::<SecurityGroup>(), member: member(d) }.into()
    }),
    ("LeaveSecurityGroup", 3, |d| {
        LeaveSecurityGroup { group: d.id::<SecurityGroup>(), member: member(d) }.into()
    }),
    ("AuthorizeRules", 10, |d| {
        let rules = (0..1 + d.roll(3)).map(|_| rule(d)).collect();
        AuthorizeRules { group: d.id::<SecurityGroup>(), direction: direction(d), rules }.into()
    }),
    ("RevokeRules", 3, revoke),
    ("ModifyRule", 3, modify_rule),
    ("CreatePrefixList", 3, create_list),
    ("ModifyPrefixList", 3, modify_list),
    ("DeletePrefixList", 1, |d| DeletePrefixList { list: d.id::<PrefixList>() }.into()),
    ("ModifyEni", 3, modify_eni),
    ("DeleteEni", 3, |d| DeleteEni { eni: d.id::<Eni>() }.into()),
    ("AssignAddresses", 8, |d| {
        let own = d.own::<Eni>();
        let eni = own.map_or_else(|| d.id::<Eni>(), |eni| eni.id);
        let wanted = wanted(d, own.and_then(|eni| d.world.get::<VSwitch>(&eni.vswitch)));
        AssignAddresses { eni, wanted }.into()
    }),
    ("UnassignAddresses", 4, unassign),
    ("AttachEni", 3, |d| {
        AttachEni { eni: d.id::<Eni>(), instance: d.id::<Instance>(), trunk: trunk(d) }.into()
    }),
    ("DetachEni", 2, |d| DetachEni { eni: d.id::<Eni>(), instance: None, trunk: None }.into()),
    ("TagResources", 3, |d| {
        let resources = (0..1 + d.roll(3)).map(|_| d.resource()).collect();
        TagResources { resources, tags: d.tags() }.into()
    }),
    ("UntagResources", 2, |d| {
        UntagResources { resources: vec![d.resource()], keys: d.maybe(|_| vec!["env".into()]) }.into()
    }),
    ("AdjustQuota", 3, adjust_quota),
    ("ChangeSettings", 2, |d| {
        let provisioning =
            d.maybe(|d| d.pick(&[Provisioning::Instant, Provisioning::Visible, Provisioning::Documented]));
        ChangeSettings { provisioning, quotas_lifted: d.maybe(|d| d.once_in(2)) }.into()
    }),
    ("SetClock", 1, |d| {
        let mode = d.pick(&[ClockMode::Manual, ClockMode::Scaled(60), ClockMode::Real, ClockMode::Scaled(0)]);
        SetClock { mode, wall: 1_000 * d.roll(100) as i64 }.into()
    }),
];

fn zone(d: &mut Dice<'_>) -> ZoneId {
    let zones: &[&str] = match d.caller.region.0.as_str() {
        "cn-beijing" => &["cn-beijing-h", "cn-beijing-g"],
        _ => &["cn-hangzhou-k", "cn-hangzhou-j"],
    };
    if d.once_in(30) { "cn-nowhere-z".into() } else { d.pick(zones).into() }
}

fn block4(text: &str) -> Cidr4 {
    text.parse().unwrap()
}

fn further_blocks() -> Vec<Cidr4> {
    [
        "192.168.0.0/16",
        "10.1.0.0/16",
        "172.31.0.0/16",
        "10.0.0.0/16",
        "10.0.128.0/17",
        "192.168.0.0/30",
        "127.0.0.0/16",
    ]
    .map(block4)
    .to_vec()
}

fn create_vpc(d: &mut Dice<'_>) -> Command {
    let block =
        ["10.0.0.0/16", "10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12", "10.0.0.0/28", "100.64.0.0/16"];
    let users = ["30.0.0.0/16", "30.0.1.0/24", "100.64.0.0/16", "31.0.0.0/16"];
    CreateVpc {
        block: d.maybe(|d| block4(d.pick(&block))),
        name: d.text(),
        description: d.text(),
        ipv6: d.once_in(2),
        ipv6_isp: None,
        user_cidrs: (0..d.roll(6).saturating_sub(2)).map(|_| block4(d.pick(&users))).collect(),
        resource_group: d.resource_group(),
        tags: d.tags(),
    }
    .into()
}

fn modify_vpc(d: &mut Dice<'_>) -> Command {
    let Some(vpc) = d.own::<Vpc>() else {
        let vpc = d.id::<Vpc>();
        let (name, description, block, ipv6, ipv6_isp, dns_hostnames) = (None, None, None, None, None, None);
        return ModifyVpc { vpc, name, description, block, ipv6, ipv6_isp, dns_hostnames }.into();
    };
    let block = d.maybe(|d| match d.roll(4) {
        0 => vpc.original_block,
        1 => d.pick(&further_blocks()),
        _ => d.part(vpc.original_block, 9..=24),
    });
    ModifyVpc {
        vpc: vpc.id,
        name: d.text(),
        description: d.text(),
        block,
        ipv6: d.maybe(|d| d.roll(2) == 0),
        ipv6_isp: None,
        dns_hostnames: d.maybe(|d| d.once_in(2)),
    }
    .into()
}

fn create_vswitch(d: &mut Dice<'_>) -> Command {
    let own = d.own::<Vpc>();
    let vpc = own.map_or_else(|| d.id::<Vpc>(), |vpc| vpc.id);
    let blocks: Vec<Cidr4> = own.map(|vpc| vpc.blocks().collect()).unwrap_or_default();
    let parent = if blocks.is_empty() { block4("10.0.0.0/16") } else { d.pick(&blocks) };
    let block = match d.roll(6) {
        0..3 => BlockChoice::Given(d.part(parent, 24..=29)),
        3 => BlockChoice::Mask(20 + d.roll(12) as u8),
        4 => BlockChoice::Given(d.part(parent, 16..=24)),
        _ => BlockChoice::Given(d.pick(&further_blocks())),
    };
    CreateVSwitch {
        vpc,
        zone: zone(d),
        block,
        ipv6_subnet: d.maybe(|d| d.roll(4) as u32),
        name: d.text(),
        description: d.text(),
        tags: d.tags(),
    }
    .into()
}

fn modify_vswitch(d: &mut Dice<'_>) -> Command {
    ModifyVSwitch {
        vswitch: d.id::<VSwitch>(),
        name: d.text(),
        description: d.text(),
        ipv6_subnet: d.maybe(|d| d.roll(4) as u32),
        disable_ipv6: d.once_in(3),
    }
    .into()
}

fn remove_secondary(d: &mut Dice<'_>) -> Command {
    let Some(vpc) = d.own::<Vpc>().filter(|vpc| !vpc.secondary.is_empty()) else {
        return RemoveSecondaryBlock { vpc: d.id::<Vpc>(), block: d.pick(&further_blocks()) }.into();
    };
    RemoveSecondaryBlock { vpc: vpc.id, block: d.pick(&vpc.secondary) }.into()
}

fn add_ipv6(d: &mut Dice<'_>) -> Command {
    let block = if d.once_in(8) { Some("2408:4000:1::/56".parse().unwrap()) } else { None };
    let isp = if d.once_in(8) { Some("Nobody".into()) } else { None };
    AddIpv6Block { vpc: d.id::<Vpc>(), block, isp }.into()
}

fn remove_ipv6(d: &mut Dice<'_>) -> Command {
    let none: Cidr6 = "2408:9999::/56".parse().unwrap();
    let Some(vpc) = d.own::<Vpc>() else { return RemoveIpv6Block { vpc: d.id::<Vpc>(), block: none }.into() };
    let mut blocks: Vec<Cidr6> = vpc.ipv6.iter().map(|b| b.block).collect();
    blocks.push(none);
    RemoveIpv6Block { vpc: vpc.id, block: d.pick(&blocks) }.into()
}

fn create_reservation(d: &mut Dice<'_>) -> Command {
    let own = d.own::<VSwitch>();
    let block = match (d.roll(6), own, own.and_then(|s| s.ipv6)) {
        (0..2, Some(s), _) => ReservationChoice::Given(d.part(s.block, 25..=28).into()),
        (2, ..) => ReservationChoice::Mask4(24 + d.roll(6) as u8),
        (3, _, Some(v6)) => ReservationChoice::Given(d.part(v6, 72..=80).into()),
        (4, ..) => ReservationChoice::Mask6(d.pick(&[80, 76, 64, 90])),
        _ => ReservationChoice::Mask4(28),
    };
    CreateCidrReservation {
        vswitch: own.map_or_else(|| d.id::<VSwitch>(), |s| s.id),
        block,
        name: d.text(),
        description: d.text(),
        tags: d.tags(),
    }
    .into()
}

fn some_group(d: &mut Dice<'_>) -> sim_core::id::ResourceGroupId {
    let account = d.caller.account;
    d.resource_group().unwrap_or_else(|| default_of(account))
}

fn create_table(d: &mut Dice<'_>) -> Command {
    let associate_type = if d.once_in(12) { AssociateType::Gateway } else { AssociateType::VSwitch };
    CreateRouteTable {
        vpc: d.id::<Vpc>(),
        associate_type,
        name: d.text(),
        description: d.text(),
        tags: d.tags(),
    }
    .into()
}

fn unassociate(d: &mut Dice<'_>) -> Command {
    let bound = d.own::<VSwitch>().filter(|s| s.route_table.is_some());
    let table = bound.and_then(|s| s.route_table).unwrap_or_else(|| d.id::<RouteTable>());
    UnassociateRouteTable { route_table: table, vswitch: bound.map_or_else(|| d.id::<VSwitch>(), |s| s.id) }
        .into()
}

fn destination(d: &mut Dice<'_>) -> CompactString {
    match d.roll(8) {
        0..5 => d
            .pick(&[
                "0.0.0.0/0",
                "192.168.0.0/16",
                "10.0.0.0/8",
                "10.0.5.0/24",
                "10.0.0.0/12",
                "47.1.2.3",
                "::/0",
            ])
            .into(),
        5 => d.own::<VSwitch>().map_or("10.0.0.0/24".into(), |s| s.block.to_compact_string()),
        6 => {
            d.own::<VSwitch>().map_or("10.0.0.0/25".into(), |s| d.part(s.block, 26..=32).to_compact_string())
        }
        _ => d.pick(&["100.64.0.0/10", "100.64.1.0/24", "2001:db8::/32", "10.0.0.1/8", "pl-none"]).into(),
    }
}

fn table_text(d: &mut Dice<'_>) -> CompactString {
    if d.once_in(20) { "vtb-none".into() } else { d.id::<RouteTable>().to_compact_string() }
}

/// The type and id of a next hop, mostly one in the VPC of the table.
fn hop(d: &mut Dice<'_>, table: &str) -> (CompactString, CompactString) {
    let vpc = table.parse::<RouteTableId>().ok().and_then(|id| d.world.get::<RouteTable>(&id)).map(|t| t.vpc);
    let anywhere = d.once_in(12);
    let near = |of| anywhere || vpc.is_none_or(|vpc| vpc == of);
    let enis: Vec<EniId> = d.world.table::<Eni>().iter().filter(|e| near(e.vpc)).map(|e| e.id).collect();
    let instances = d.world.table::<Instance>().iter();
    let instances: Vec<InstanceId> = instances.filter(|i| near(i.vpc)).map(|i| i.id).collect();
    match d.roll(8) {
        0..5 => ("NetworkInterface".into(), d.one_of(&enis).to_compact_string()),
        5..7 => ("Instance".into(), d.one_of(&instances).to_compact_string()),
        _ => (d.pick(&["NatGateway", "Teleport"]).into(), "ngw-none".into()),
    }
}

fn new_entry(d: &mut Dice<'_>) -> NewEntry {
    let table = table_text(d);
    let destination = destination(d);
    let (kind, id) = hop(d, &table);
    let list = if d.once_in(16) {
        let one = |id: &str| WeightedHop { kind: "RouterInterface".into(), id: id.into(), weight: Some(1) };
        vec![one("ri-1"), one("ri-2")]
    } else {
        Vec::new()
    };
    let next_hop = if list.is_empty() {
        HopChoice { kind: Some(kind), id: Some(id), list }
    } else {
        HopChoice { kind: None, id: None, list }
    };
    NewEntry { table, destination, next_hop, name: d.text(), description: d.text() }
}

/// Names an entry that is there, system or custom, by its id or its destination.
fn entry_ref(d: &mut Dice<'_>) -> (EntryRef, Option<RouteEntry>) {
    let Some(table) = d.own::<RouteTable>() else {
        let entry = Some(crate::dice::nobody::<RouteEntryId>().to_compact_string());
        return (EntryRef { entry, table: None, destination: None }, None);
    };
    let mut entries: Vec<RouteEntry> = route_entry::of_table(d.world, table, None).collect();
    // What callers made comes last in a table and is the more interesting.
    entries.reverse();
    let entry = d.pick(&entries);
    let named = if d.once_in(4) {
        EntryRef {
            entry: None,
            table: Some(table.id.to_compact_string()),
            destination: Some(entry.destination.to_compact_string()),
        }
    } else {
        EntryRef { entry: Some(entry.id.to_compact_string()), table: None, destination: None }
    };
    (named, Some(entry))
}

fn modify_entry(d: &mut Dice<'_>) -> Command {
    let (entry, found) = entry_ref(d);
    let table = found.map(|e| e.table.to_compact_string()).unwrap_or_default();
    let new = d.maybe(|d| hop(d, &table));
    let (next_hop_kind, next_hop) = new.unzip();
    ModifyRouteEntry { entry, name: d.text(), description: d.text(), next_hop_kind, next_hop }.into()
}

fn delete_entry(d: &mut Dice<'_>) -> Command {
    let (entry, found) = entry_ref(d);
    let hop = found.and_then(|e| e.next_hop.id()).map(|id| id.to_compact_string());
    let next_hop = if entry.entry.is_none() || d.once_in(4) { hop } else { None };
    DeleteRouteEntry { entry, next_hop, next_hops: Vec::new() }.into()
}

fn create_group(d: &mut Dice<'_>) -> Command {
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

fn member(d: &mut Dice<'_>) -> Member {
    if d.once_in(4) { Member::Instance(d.id::<Instance>()) } else { Member::Eni(d.id::<Eni>()) }
}

fn direction(d: &mut Dice<'_>) -> Direction {
    d.pick(&[Direction::Ingress, Direction::Egress])
}

fn peer(d: &mut Dice<'_>) -> Peer {
    let block: Cidr = d.pick(&["0.0.0.0/0", "10.0.0.0/8", "10.0.1.5/32", "::/0"]).parse().unwrap();
    match d.roll(6) {
        0..2 => Peer::Block(block),
        2..4 => Peer::Group(d.id::<SecurityGroup>()),
        _ => Peer::List(d.id::<PrefixList>()),
    }
}

fn rule(d: &mut Dice<'_>) -> RuleInput {
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
fn some_rule(d: &mut Dice<'_>) -> Option<SecurityGroupRule> {
    let groups: Vec<_> =
        d.world.table::<SecurityGroup>().iter().filter(|g| g.owner.admits(d.caller)).map(|g| g.id).collect();
    let rules: Vec<&SecurityGroupRule> = groups.iter().flat_map(|&g| of_group(d.world, g)).collect();
    if rules.is_empty() { None } else { Some(d.pick(&rules).clone()) }
}

fn as_input(rule: &SecurityGroupRule) -> RuleInput {
    RuleInput {
        spec: rule.spec,
        peer_as_address: rule.peer_as_address,
        own_as_address: rule.own_as_address,
        description: rule.description.clone(),
    }
}

fn revoke(d: &mut Dice<'_>) -> Command {
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

fn modify_rule(d: &mut Dice<'_>) -> Command {
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

fn list_entries(d: &mut Dice<'_>) -> Vec<PrefixListEntry> {
    let blocks = ["10.0.0.0/8", "192.168.0.0/16", "47.0.0.0/8", "2001:db8::/32"];
    let entry = |d: &mut Dice<'_>| PrefixListEntry {
        cidr: d.pick(&blocks).parse().unwrap(),
        description: CompactString::default(),
    };
    (0..d.roll(3)).map(|_| entry(d)).collect()
}

fn create_list(d: &mut Dice<'_>) -> Command {
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

fn modify_list(d: &mut Dice<'_>) -> Command {
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

/// Addresses beside a primary one, mostly of the vSwitch.
fn wanted(d: &mut Dice<'_>, vswitch: Option<&VSwitch>) -> Wanted {
    let block = vswitch.map_or(block4("10.0.0.0/24"), |s| s.block);
    let v6: Cidr6 = vswitch.and_then(|s| s.ipv6).unwrap_or("2408:4000::/64".parse().unwrap());
    let mut wanted = Wanted::default();
    match d.roll(6) {
        0 | 1 => {
            // The last free addresses, where these are few.
            let free = vswitch.map_or(1, |s| s.available_addresses(d.world)).min(48) as u16;
            wanted.ipv4 = Want::Count(d.pick(&[1, 2, free, free + 1, 0]));
        }
        2 => wanted.ipv4 = Want::These((0..1 + d.roll(2)).map(|_| d.part(block, 32..=32).first()).collect()),
        _ => {}
    }
    match d.roll(8) {
        0 => wanted.ipv4_prefixes = Want::Count(1 + d.roll(2) as u16),
        1 => wanted.ipv4_prefixes = Want::These(vec![d.part(block, 28..=28)]),
        _ => {}
    }
    match d.roll(8) {
        0 => wanted.ipv6 = Want::Count(d.pick(&[1, 2, 10, 11])),
        1 => wanted.ipv6 = Want::These(vec![d.part(v6, 128..=128).first()]),
        2 => wanted.ipv6_prefixes = Want::Count(1),
        3 => wanted.ipv6_prefixes = Want::These(vec![d.part(v6, 80..=80)]),
        _ => {}
    }
    wanted
}

/// Some groups of a VPC: mostly of one kind.
fn groups_of(d: &mut Dice<'_>, vpc: Option<sim_core::id::VpcId>) -> Vec<sim_core::id::SecurityGroupId> {
    let kind = if d.once_in(4) { GroupKind::Enterprise } else { GroupKind::Basic };
    let all = d.world.table::<SecurityGroup>().iter();
    let ids: Vec<_> = all.filter(|g| Some(g.vpc) == vpc && g.kind == kind).map(|g| g.id).collect();
    let mut groups = vec![d.one_of(&ids)];
    if d.once_in(3) {
        groups.push(d.id::<SecurityGroup>());
    }
    groups
}

fn create_eni(d: &mut Dice<'_>) -> Command {
    let own = d.own::<VSwitch>();
    let block = own.map_or(block4("10.0.0.0/24"), |s| s.block);
    CreateEni {
        vswitch: own.map_or_else(|| d.id::<VSwitch>(), |s| s.id),
        kind: d.pick(&[EniKind::Secondary, EniKind::Secondary, EniKind::Trunk, EniKind::Primary]),
        groups: groups_of(d, own.map(|s| s.vpc)),
        primary_ip: d.maybe(|d| d.part(block, 32..=32).first()),
        wanted: if d.once_in(3) { wanted(d, own) } else { Wanted::default() },
        name: d.text(),
        description: d.text(),
        delete_on_release: d.once_in(2),
        source_dest_check: false,
        queues: None,
        traffic_mode: TrafficMode::Standard,
        resource_group: d.resource_group(),
        tags: d.tags(),
    }
    .into()
}

fn modify_eni(d: &mut Dice<'_>) -> Command {
    let own = d.own::<Eni>();
    ModifyEni {
        eni: own.map_or_else(|| d.id::<Eni>(), |eni| eni.id),
        name: d.text(),
        description: d.text(),
        groups: d.maybe(|d| groups_of(d, own.map(|eni| eni.vpc))),
        delete_on_release: d.maybe(|d| d.once_in(2)),
        source_dest_check: None,
        queues: None,
        traffic_mode: None,
    }
    .into()
}

fn unassign(d: &mut Dice<'_>) -> Command {
    let Some(eni) = d.own::<Eni>() else {
        let eni = d.id::<Eni>();
        let (ipv4, ipv4_prefixes, ipv6, ipv6_prefixes) = Default::default();
        return UnassignAddresses { eni, ipv4, ipv4_prefixes, ipv6, ipv6_prefixes }.into();
    };
    let keep = |d: &mut Dice<'_>| d.roll(3) < 2;
    let mut ipv4: Vec<_> = eni.secondary_ips.iter().copied().filter(|_| keep(d)).collect();
    if d.once_in(12) {
        ipv4.push(eni.primary_ip);
    }
    UnassignAddresses {
        eni: eni.id,
        ipv4,
        ipv4_prefixes: eni.ipv4_prefixes.iter().copied().filter(|_| keep(d)).collect(),
        ipv6: eni.ipv6.iter().copied().filter(|_| keep(d)).collect(),
        ipv6_prefixes: eni.ipv6_prefixes.iter().copied().filter(|_| keep(d)).collect(),
    }
    .into()
}

fn trunk(d: &mut Dice<'_>) -> Option<EniId> {
    let trunks: Vec<EniId> =
        d.world.table::<Eni>().iter().filter(|e| e.kind == EniKind::Trunk).map(|e| e.id).collect();
    (d.once_in(4) && !trunks.is_empty()).then(|| d.pick(&trunks))
}

/// Small values, so that quotas are met.
fn adjust_quota(d: &mut Dice<'_>) -> Command {
    let names: Vec<&str> = Quota::ALL.iter().filter(|q| q.row().adjustable).map(|q| q.row().name).collect();
    let name = if d.once_in(12) { d.pick(&["vpc.tags", "no.such"]) } else { d.pick(&names) };
    AdjustQuota { name: name.to_owned(), value: d.pick(&[3, 5, 10, 1, 0, 60, u32::MAX]) }.into()
}
