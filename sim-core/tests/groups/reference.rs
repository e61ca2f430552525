//! The evaluation of groups against a naive one: no index, no early end, every rule looked at.

use crate::lab::*;
use proptest::prelude::*;
use sim_core::World;
use sim_core::cidr::Cidr;
use sim_core::ecs::eni::{CreateEni, Eni};
use sim_core::ecs::eni_address::{Want, Wanted};
use sim_core::ecs::group_filter::{DecidedBy, Packet, PacketProtocol, evaluate};
use sim_core::ecs::prefix_list::{AddressFamily, CreatePrefixList, PrefixList, PrefixListEntry};
use sim_core::ecs::security_group::{GroupKind, ModifySecurityGroup, SecurityGroup};
use sim_core::ecs::security_group_rule::{Direction, Peer, Policy, Protocol, SecurityGroupRule};
use sim_core::id::{EniId, PrefixListId, SecurityGroupId};
use std::net::IpAddr;

/// A rule before ids are known: group and peer by number.
#[derive(Clone, Debug)]
struct RuleSketch {
    group: usize,
    ingress: bool,
    protocol: &'static str,
    ports: (u16, u16),
    source_ports: Option<(u16, u16)>,
    drop: bool,
    priority: u8,
    peer: PeerSketch,
    own: Option<&'static str>,
}

#[derive(Clone, Debug)]
enum PeerSketch {
    Block(&'static str),
    Group(usize),
    List,
}

#[derive(Clone, Debug)]
struct Sketch {
    enterprise: bool,
    open: [bool; 3],
    /// The groups of each interface as bits, and whether it has a prefix beside its addresses.
    members: Vec<(u8, bool)>,
    list: Vec<&'static str>,
    rules: Vec<RuleSketch>,
    packets: Vec<(bool, PacketProtocol, IpAddr, u16, u16)>,
}

const BLOCKS: [&str; 6] =
    ["0.0.0.0/0", "10.0.1.0/24", "10.0.1.0/29", "10.0.1.4", "9.0.0.0/8", "10.0.1.16/28"];
const PROTOCOLS: [&str; 5] = ["tcp", "udp", "icmp", "gre", "all"];

fn rule() -> impl Strategy<Value = RuleSketch> {
    let ports = prop::sample::select(vec![(1, 65535), (1, 2), (2, 2), (25, 25), (3, 9)]);
    let peer = prop_oneof![
        3 => prop::sample::select(BLOCKS.to_vec()).prop_map(PeerSketch::Block),
        2 => (0..3_usize).prop_map(PeerSketch::Group),
        1 => Just(PeerSketch::List),
    ];
    let own =
        prop::option::weighted(0.3, prop::sample::select(vec!["10.0.1.0/28", "10.0.1.128/25", "10.0.1.1"]));
    (
        (0..3_usize, any::<bool>(), prop::sample::select(PROTOCOLS.to_vec()), ports.clone()),
        (prop::option::weighted(0.3, ports), any::<bool>(), 1..4_u8, peer, own),
    )
        .prop_map(|((group, ingress, protocol, ports), (source_ports, drop, priority, peer, own))| {
            RuleSketch { group, ingress, protocol, ports, source_ports, drop, priority, peer, own }
        })
}

fn packet() -> impl Strategy<Value = (bool, PacketProtocol, IpAddr, u16, u16)> {
    let protocol = prop::sample::select(vec![
        PacketProtocol::Tcp,
        PacketProtocol::Udp,
        PacketProtocol::Icmp,
        PacketProtocol::Gre,
        PacketProtocol::Other(50),
    ]);
    let peer = prop_oneof![
        4 => (0..40_u8).prop_map(|last| IpAddr::from([10, 0, 1, last])),
        2 => Just(IpAddr::from([9, 9, 9, 9])),
        1 => Just(IpAddr::from([100, 100, 2, 136])),
    ];
    let port = || prop::sample::select(vec![1_u16, 2, 5, 25, 67, 68]);
    (any::<bool>(), protocol, peer, port(), port())
}

fn sketch() -> impl Strategy<Value = Sketch> {
    (
        prop::bool::weighted(0.25),
        any::<[bool; 3]>(),
        prop::collection::vec((1..8_u8, prop::bool::weighted(0.2)), 1..6),
        prop::collection::vec(prop::sample::select(vec!["10.0.1.8/29", "9.9.0.0/16", "10.0.1.32/30"]), 0..3),
        prop::collection::vec(rule(), 0..14),
        prop::collection::vec(packet(), 1..24),
    )
        .prop_map(|(enterprise, open, members, list, rules, packets)| Sketch {
            enterprise,
            open,
            members,
            list,
            rules,
            packets,
        })
}

/// The world of a sketch; the first interface is the one that is judged.
fn build(sketch: &Sketch) -> (Lab, EniId) {
    let mut lab = Lab::new();
    let kind = if sketch.enterprise { GroupKind::Enterprise } else { GroupKind::Basic };
    let vpc = lab.vpc;
    let groups: Vec<SecurityGroupId> = (0..3).map(|_| lab.ok(group(vpc, kind)).id()).collect();
    for (&group, &open) in groups.iter().zip(&sketch.open) {
        if !sketch.enterprise {
            let inner_access = Some(open);
            lab.ok(ModifySecurityGroup { group, name: None, description: None, inner_access });
        }
    }
    let mut entries: Vec<&str> = sketch.list.clone();
    entries.dedup();
    entries.sort_unstable();
    entries.dedup();
    let list: PrefixListId = lab
        .ok(CreatePrefixList {
            name: "list".into(),
            description: None,
            family: AddressFamily::Ipv4,
            max_entries: 5,
            entries: entries
                .iter()
                .map(|block| PrefixListEntry { cidr: block.parse().unwrap(), description: "".into() })
                .collect(),
            resource_group: None,
            tags: Vec::new(),
        })
        .id();
    let mut members = Vec::new();
    for (bits, prefix) in &sketch.members {
        let of: Vec<SecurityGroupId> = (0..3).filter(|n| bits >> n & 1 == 1).map(|n| groups[n]).collect();
        let prefixes = if *prefix { Want::Count(1) } else { Want::Nothing };
        let wanted = Wanted { ipv4: Want::Count(1), ipv4_prefixes: prefixes, ..Wanted::default() };
        members.push(lab.ok(CreateEni { wanted, ..eni(lab.web, &of) }).id::<EniId>());
    }
    for rule in &sketch.rules {
        let ported = matches!(rule.protocol, "tcp" | "udp");
        let ports = if ported { format!("{}/{}", rule.ports.0, rule.ports.1) } else { "-1/-1".to_owned() };
        let mut text = format!(
            "protocol={} port_range={ports} policy={} priority={}",
            rule.protocol,
            if rule.drop { "drop" } else { "accept" },
            rule.priority
        );
        if let (Some((first, last)), true) = (rule.source_ports, ported) {
            text.push_str(&format!(" source_port_range={first}/{last}"));
        }
        match rule.peer {
            PeerSketch::Block(block) => text.push_str(&format!(" peer_cidr={block}")),
            PeerSketch::Group(peer) => text.push_str(&format!(" peer_group={}", groups[peer])),
            PeerSketch::List => text.push_str(&format!(" peer_list={list}")),
        }
        if let Some(own) = rule.own {
            text.push_str(&format!(" own_cidr={own}"));
        }
        let direction = if rule.ingress { Ingress } else { Egress };
        // A rule that names its own group, or any group from an enterprise one, is refused and left out.
        let _ = lab.run(add(groups[rule.group], direction, &[&text]));
    }
    (lab, members[0])
}

/// Every address that an interface holds, one by one.
fn addresses(eni: &Eni) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = vec![eni.primary_ip.into()];
    all.extend(eni.secondary_ips.iter().map(|&a| IpAddr::from(a)));
    for prefix in &eni.ipv4_prefixes {
        all.extend((0..16).map(|n| IpAddr::from(std::net::Ipv4Addr::from(prefix.bits() + n))));
    }
    all
}

fn in_group(w: &World, group: SecurityGroupId, address: IpAddr) -> bool {
    w.table::<Eni>().iter().any(|eni| eni.groups.contains(&group) && addresses(eni).contains(&address))
}

fn within(block: Cidr, address: IpAddr) -> bool {
    let IpAddr::V4(address) = address else { return false };
    let text = block.to_string();
    let (first, mask) = text.split_once('/').unwrap();
    let Ok(first) = first.parse::<std::net::Ipv4Addr>() else { return false };
    let mask = u32::MAX.checked_shl(32 - mask.parse::<u32>().unwrap()).unwrap_or(0);
    u32::from(address) & mask == u32::from(first) & mask
}

/// Whether a rule fits, field by field.
fn fits(w: &World, rule: &SecurityGroupRule, packet: &Packet) -> bool {
    let spec = &rule.spec;
    let inbound = rule.direction == Direction::Ingress;
    let (source, dest) =
        if inbound { (packet.peer_port, packet.own_port) } else { (packet.own_port, packet.peer_port) };
    let protocol = match spec.protocol {
        Protocol::All => true,
        Protocol::Tcp => packet.protocol == PacketProtocol::Tcp,
        Protocol::Udp => packet.protocol == PacketProtocol::Udp,
        Protocol::Icmp => packet.protocol == PacketProtocol::Icmp,
        Protocol::Icmpv6 => packet.protocol == PacketProtocol::Icmpv6,
        Protocol::Gre => packet.protocol == PacketProtocol::Gre,
    };
    let ports = spec.ports.is_none_or(|r| r.first <= dest && dest <= r.last);
    let source_ports = spec.source_ports.is_none_or(|r| r.first <= source && source <= r.last);
    let own = spec.own.is_none_or(|block| within(block, packet.own));
    let peer = match spec.peer {
        Peer::Block(block) => within(block, packet.peer),
        Peer::Group(group) => in_group(w, group, packet.peer),
        Peer::List(list) => {
            let list = w.get::<PrefixList>(&list).unwrap();
            list.entries.iter().any(|entry| within(entry.cidr, packet.peer))
        }
    };
    protocol && ports && source_ports && own && peer
}

/// The verdict, by looking at everything.
fn naive(w: &World, eni: &Eni, direction: Direction, packet: &Packet) -> (bool, DecidedBy) {
    let outbound = direction == Direction::Egress;
    let udp = packet.protocol == PacketProtocol::Udp;
    if udp && packet.own_port == 68 && packet.peer_port == 67 {
        return (true, DecidedBy::Platform);
    }
    if outbound && packet.peer == IpAddr::from([100, 100, 2, 136]) {
        return (true, DecidedBy::Platform);
    }
    if outbound && packet.protocol == PacketProtocol::Tcp && packet.peer_port == 25 {
        return (false, DecidedBy::Platform);
    }
    let groups: Vec<&SecurityGroup> = eni.groups.iter().map(|id| w.get(id).unwrap()).collect();
    for group in &groups {
        if group.kind == GroupKind::Basic && group.inner_access && in_group(w, group.id, packet.peer) {
            return (true, DecidedBy::InnerAccess(group.id));
        }
    }
    let mut fitting: Vec<&SecurityGroupRule> = w
        .table::<SecurityGroupRule>()
        .iter()
        .filter(|rule| {
            eni.groups.contains(&rule.group) && rule.direction == direction && fits(w, rule, packet)
        })
        .collect();
    fitting.sort_by_key(|rule| (rule.spec.priority, rule.spec.policy == Policy::Accept, rule.id));
    if let Some(rule) = fitting.first() {
        return (rule.spec.policy == Policy::Accept, DecidedBy::Rule(rule.id));
    }
    (outbound && groups[0].kind == GroupKind::Basic, DecidedBy::Default(groups[0].kind))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_evaluation_agrees_with_a_naive_one(sketch in sketch()) {
        let (lab, member) = build(&sketch);
        let eni = lab.get(member);
        for &(inbound, protocol, peer, peer_port, own_port) in &sketch.packets {
            let own = eni.primary_ip.into();
            let ported = matches!(protocol, PacketProtocol::Tcp | PacketProtocol::Udp);
            let (peer_port, own_port) = if ported { (peer_port, own_port) } else { (0, 0) };
            let packet = Packet { protocol, peer, own, peer_port, own_port };
            let direction = if inbound { Direction::Ingress } else { Direction::Egress };
            let verdict = evaluate(&lab.world, eni, direction, &packet);
            let expected = naive(&lab.world, eni, direction, &packet);
            prop_assert_eq!((verdict.allowed, verdict.decided_by), expected, "{:?}", packet);
        }
    }
}
