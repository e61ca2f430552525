//! What the naive evaluator reads off the rows of a world: who holds an address, and what groups, ACLs and routes say.

use sim_core::World;
use sim_core::cidr::Cidr;
use sim_core::datapath::Header;
use sim_core::ecs::eni::{Eni, EniStatus};
use sim_core::ecs::group_filter::PacketProtocol;
use sim_core::ecs::instance::{Instance, InstanceStatus};
use sim_core::ecs::outage::{Outage, OutageTarget};
use sim_core::ecs::prefix_list::PrefixList;
use sim_core::ecs::security_group::{GroupKind, SecurityGroup};
use sim_core::ecs::security_group_rule::{Direction, Peer, Policy, Protocol, SecurityGroupRule};
use sim_core::id::{EniId, NatGatewayId, RouteTableId, SecurityGroupId, VSwitchId, VpcId};
use sim_core::vpc::eip::Eip;
use sim_core::vpc::eip_binding::Mode;
use sim_core::vpc::ha_vip::HaVip;
use sim_core::vpc::network_acl::NetworkAcl;
use sim_core::vpc::network_acl_binding::{BindingStatus, NetworkAclBinding};
use sim_core::vpc::next_hop::NextHop;
use sim_core::vpc::route_entry::{EntryStatus, RouteEntry};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vswitch::VSwitch;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a block holds an address, bit by bit.
pub fn within(block: Cidr, address: IpAddr) -> bool {
    let text = block.to_string();
    let (first, length) = text.split_once('/').unwrap();
    let (length, first): (u32, IpAddr) = (length.parse().unwrap(), first.parse().unwrap());
    let bits = |address: IpAddr| match address {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, 32),
        IpAddr::V6(v6) => (u128::from(v6), 128),
    };
    let ((a, width), (b, other)) = (bits(first), bits(address));
    width == other && (0..length).all(|bit| (a ^ b) >> (127 - bit) & 1 == 0)
}

pub fn block(text: &str) -> Cidr {
    text.parse().unwrap()
}

pub fn addresses(eni: &Eni) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = vec![eni.primary_ip.into()];
    all.extend(eni.secondary_ips.iter().map(|&a| IpAddr::from(a)));
    for prefix in &eni.ipv4_prefixes {
        all.extend((0..16).map(|n| IpAddr::from(Ipv4Addr::from(prefix.bits() + n))));
    }
    all.extend(eni.ipv6.iter().map(|&a| IpAddr::from(a)));
    for prefix in &eni.ipv6_prefixes {
        all.extend((0..16).map(|n| IpAddr::from(Ipv6Addr::from(prefix.bits() + n))));
    }
    all
}

/// The interface that answers for a HaVip: of those that are bound the first that works.
pub fn master<'w>(w: &'w World, vip: &HaVip) -> Option<&'w Eni> {
    let bound = vip.bound.iter().map(|id| w.get::<Eni>(id).unwrap());
    bound.into_iter().find(|eni| {
        let instance = eni.instance.map(|id| w.get::<Instance>(&id).unwrap());
        let runs = instance.unwrap().status == InstanceStatus::Running;
        eni.status == EniStatus::InUse && runs && !cut_off(w, eni)
    })
}

/// Whether an outage cuts an interface off.
pub fn cut_off(w: &World, eni: &Eni) -> bool {
    let zone = &w.get::<VSwitch>(&eni.vswitch).unwrap().zone;
    w.table::<Outage>().iter().filter(|outage| outage.active && outage.owner == eni.owner).any(|outage| {
        match &outage.target {
            OutageTarget::Zone(named) => named == zone,
            OutageTarget::Instance(id) => eni.instance == Some(*id),
            OutageTarget::Eni(id) => eni.id == *id,
        }
    })
}

/// The HaVip that is an address.
pub fn ha_vip(w: &World, vpc: VpcId, address: IpAddr) -> Option<&HaVip> {
    w.table::<HaVip>().iter().find(|vip| vip.vpc == vpc && IpAddr::from(vip.address) == address)
}

/// The addresses of an interface, with those for which it answers.
pub fn own(w: &World, eni: &Eni) -> Vec<IpAddr> {
    let answered = |vip: &&HaVip| master(w, vip).is_some_and(|master| master.id == eni.id);
    let vips = w.table::<HaVip>().iter().filter(answered).map(|vip| IpAddr::from(vip.address));
    addresses(eni).into_iter().chain(vips).collect()
}

pub fn holder(w: &World, vpc: VpcId, address: IpAddr) -> Option<&Eni> {
    w.table::<Eni>().iter().find(|eni| eni.vpc == vpc && addresses(eni).contains(&address))
}

pub fn same_protocol(wanted: Protocol, protocol: PacketProtocol) -> bool {
    match wanted {
        Protocol::All => true,
        Protocol::Tcp => protocol == PacketProtocol::Tcp,
        Protocol::Udp => protocol == PacketProtocol::Udp,
        Protocol::Icmp => protocol == PacketProtocol::Icmp,
        Protocol::Icmpv6 => protocol == PacketProtocol::Icmpv6,
        Protocol::Gre => protocol == PacketProtocol::Gre,
    }
}

pub fn always_reached(address: IpAddr) -> bool {
    ["100.100.2.136", "100.100.2.138", "100.100.100.200"].iter().any(|text| address.to_string() == **text)
}

/// What groups make of a packet.
pub fn groups_allow(w: &World, vpc: VpcId, groups: &[SecurityGroupId], out: bool, h: &Header) -> bool {
    let peer = if out { h.destination } else { h.source };
    let own = if out { h.source } else { h.destination };
    let dhcp = |own: u16, peer: u16| {
        h.protocol == PacketProtocol::Udp && matches!((own, peer), (68, 67) | (546, 547))
    };
    if if out { dhcp(h.source_port, h.port) } else { dhcp(h.port, h.source_port) } {
        return true;
    }
    if out && always_reached(peer) {
        return true;
    }
    if out && h.protocol == PacketProtocol::Tcp && h.port == 25 {
        return false;
    }
    let peer_groups = holder(w, vpc, peer).map_or(Vec::new(), |eni| eni.groups.clone());
    let rows: Vec<&SecurityGroup> = groups.iter().map(|id| w.get(id).unwrap()).collect();
    if rows.iter().any(|g| g.kind == GroupKind::Basic && g.inner_access && peer_groups.contains(&g.id)) {
        return true;
    }
    let direction = if out { Direction::Egress } else { Direction::Ingress };
    let mut fitting: Vec<&SecurityGroupRule> = w
        .table::<SecurityGroupRule>()
        .iter()
        .filter(|rule| groups.contains(&rule.group) && rule.direction == direction)
        .filter(|rule| {
            let spec = &rule.spec;
            same_protocol(spec.protocol, h.protocol)
                && spec.ports.is_none_or(|r| r.first <= h.port && h.port <= r.last)
                && spec.source_ports.is_none_or(|r| r.first <= h.source_port && h.source_port <= r.last)
                && spec.own.is_none_or(|b| within(b, own))
                && match spec.peer {
                    Peer::Block(b) => within(b, peer),
                    Peer::Group(group) => peer_groups.contains(&group),
                    Peer::List(id) => {
                        let list = w.get::<PrefixList>(&id).unwrap();
                        list.entries.iter().any(|entry| within(entry.cidr, peer))
                    }
                }
        })
        .collect();
    fitting.sort_by_key(|rule| (rule.spec.priority, rule.spec.policy == Policy::Accept));
    match fitting.first() {
        Some(rule) => rule.spec.policy == Policy::Accept,
        None => out && rows[0].kind == GroupKind::Basic,
    }
}

/// What the network ACL of a vSwitch makes of a packet.
pub fn acl_allows(w: &World, vswitch: VSwitchId, out: bool, h: &Header) -> bool {
    let binding = w.table::<NetworkAclBinding>().iter().find(|b| b.vswitch == vswitch);
    let Some(binding) = binding.filter(|b| b.status != BindingStatus::Binding) else { return true };
    let acl = w.get::<NetworkAcl>(&binding.acl).unwrap();
    let peer = if out { h.destination } else { h.source };
    if always_reached(peer) {
        return true;
    }
    for rule in if out { &acl.egress } else { &acl.ingress } {
        let ports = rule.ports.is_none_or(|r| r.first <= h.port && h.port <= r.last);
        if same_protocol(rule.protocol, h.protocol) && ports && within(rule.block, peer) {
            return rule.policy == Policy::Accept;
        }
    }
    false
}

/// The NAT gateway to which the default route of a vSwitch's table leads.
pub fn default_nat(w: &World, vpc: VpcId, vswitch: VSwitchId) -> Option<NatGatewayId> {
    let custom = w.get::<VSwitch>(&vswitch).unwrap().route_table;
    let table = custom.unwrap_or(w.get::<Vpc>(&vpc).unwrap().system_table);
    let everywhere = block("0.0.0.0/0");
    let mut entries = w.table::<RouteEntry>().iter().filter(|e| e.table == table);
    let entry = entries.find(|e| e.destination == everywhere && e.status != EntryStatus::Pending)?;
    match entry.next_hop {
        NextHop::NatGateway(gateway) => Some(gateway),
        _ => None,
    }
}

/// Whether a public address of the sender comes before a narrow route by this next hop.
pub fn gives_way(hop: NextHop) -> bool {
    matches!(hop, NextHop::NatGateway(_) | NextHop::VpcPeer(_) | NextHop::RouterInterface(_))
}

/// Whether an elastic IP address is an interface's own.
pub fn cut_through(w: &World, eni: EniId) -> bool {
    let own = |eip: &Eip| eip.binding.is_some_and(|b| b.mode == Mode::Binded && b.target.id() == eni.into());
    w.table::<Eip>().iter().any(own)
}

/// The next hop of the entry with the longest mask, with that mask.
pub fn route(w: &World, vpc: VpcId, vswitch: VSwitchId, address: IpAddr) -> Option<(NextHop, u32)> {
    let custom = w.get::<VSwitch>(&vswitch).unwrap().route_table;
    route_of(w, vpc, custom.unwrap_or(w.get::<Vpc>(&vpc).unwrap().system_table), address)
}

/// What the system table of a VPC has for an address.
pub fn system_route(w: &World, vpc: VpcId, address: IpAddr) -> Option<NextHop> {
    route_of(w, vpc, w.get::<Vpc>(&vpc).unwrap().system_table, address).map(|(hop, _)| hop)
}

fn route_of(w: &World, vpc: VpcId, table: RouteTableId, address: IpAddr) -> Option<(NextHop, u32)> {
    let stored: Vec<&RouteEntry> = w.table::<RouteEntry>().iter().filter(|e| e.table == table).collect();
    let mut entries: Vec<(Cidr, NextHop)> = stored
        .iter()
        .filter(|e| e.status != EntryStatus::Pending)
        .map(|e| (e.destination, e.next_hop))
        .collect();
    let mut system = vec![block("100.64.0.0/10")];
    for vswitch in w.table::<VSwitch>().iter().filter(|s| s.vpc == vpc) {
        system.push(vswitch.block.into());
        system.extend(vswitch.ipv6.map(Cidr::from));
    }
    for destination in system {
        // One that was given another next hop is stored.
        if !stored.iter().any(|e| e.destination == destination) {
            entries.push((destination, NextHop::Local));
        }
    }
    let length = |block: Cidr| block.to_string().split_once('/').unwrap().1.parse::<u32>().unwrap();
    let holding = entries.into_iter().filter(|(destination, _)| within(*destination, address));
    let longest = holding.max_by_key(|(destination, _)| length(*destination));
    longest.map(|(destination, hop)| (hop, length(destination)))
}

pub fn vswitch_of(w: &World, vpc: VpcId, address: IpAddr) -> Option<VSwitchId> {
    let holds = |s: &&VSwitch| {
        s.vpc == vpc && (within(s.block.into(), address) || s.ipv6.is_some_and(|b| within(b.into(), address)))
    };
    w.table::<VSwitch>().iter().find(holds).map(|s| s.id)
}

pub fn is_public(w: &World, vpc: VpcId, address: IpAddr) -> bool {
    let special = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
    ];
    if special.iter().any(|text| within(block(text), address)) {
        return false;
    }
    if address.is_ipv6() && !within(block("2000::/3"), address) {
        return false;
    }
    let vpc = w.get::<Vpc>(&vpc).unwrap();
    let own: Vec<Cidr> =
        vpc.blocks().map(Cidr::from).chain(vpc.ipv6.iter().map(|b| b.block.into())).collect();
    !own.into_iter().any(|block| within(block, address))
}
