//! NAT gateways of random worlds.

use crate::lab::*;
use crate::nat;
use proptest::prelude::*;
use sim_core::ecs::authorize::AuthorizeRules;
use sim_core::ecs::eni::Eni;
use sim_core::ecs::rule_input::RuleInput;
use sim_core::ecs::security_group_rule::{Direction, Peer, Policy, Protocol, RuleSpec};
use sim_core::id::{
    AnyId, EniId, Id, Ipv4GatewayId, Ipv6GatewayId, NatGatewayId, RouteTableId, SecurityGroupId, SnatTableId,
};
use sim_core::vpc::eip::InternetCharge;
use sim_core::vpc::forward_ports::ForwardProtocol;
use sim_core::vpc::gateway_route_table::{AssociateGatewayRouteTable, UpdateGatewayRouteEntry};
use sim_core::vpc::ipv4_gateway::{CreateIpv4Gateway, EnableIpv4Gateway};
use sim_core::vpc::ipv6_bandwidth::{AddressRef, AllocateIpv6Bandwidth};
use sim_core::vpc::ipv6_egress_rule::CreateIpv6EgressRule;
use sim_core::vpc::ipv6_gateway::CreateIpv6Gateway;
use sim_core::vpc::route_entry;
use sim_core::vpc::route_table::{AssociateType, CreateRouteTable};
use sim_core::vpc::snat::CreateSnatEntry;
use sim_core::vpc::vswitch::VSwitch;

/// NAT gateways, of which the first may come before the routes, each with two addresses.
#[derive(Clone, Debug)]
pub struct NatSketch {
    pub gateways: usize,
    /// Whether all groups let everything in.
    open: bool,
    pub first: bool,
    /// The gateway to which the default route of each custom table leads.
    pub defaults: [Option<usize>; 2],
    /// An IPv4 gateway, and the tables that get a route to it when it is activated, if it is.
    v4: Option<Option<u8>>,
    /// The vSwitch of which what comes in by the IPv4 gateway goes to an interface instead.
    redirect: Option<(usize, usize)>,
    /// An IPv6 gateway, the hosts whose address has bandwidth, and those of them that have an egress-only rule.
    v6: Option<(u8, u8)>,
    /// Gateway, source, address.
    sources: Vec<(usize, &'static str, usize)>,
    /// Gateway, address, ports outside and inside, host, protocol.
    forwards: Vec<(usize, usize, usize, usize, ForwardProtocol)>,
}

/// The first and the last port of a range.
type Ports = (u16, u16);

/// Ports outside and inside; none are all of them.
const FORWARDED: [Option<(Ports, Ports)>; 4] =
    [None, Some(((80, 80), (80, 80))), Some(((8000, 8009), (77, 86))), Some(((22, 22), (3306, 3306)))];

pub fn sketch() -> impl Strategy<Value = NatSketch> {
    let source = prop::sample::select(vec!["10.0.1.0/24", "10.0.2.0/24", "10.0.0.0/16", "10.0.1.11/32"]);
    let protocol = prop::sample::select(vec![ForwardProtocol::Tcp, ForwardProtocol::Udp]);
    (
        prop::sample::select(vec![0_usize, 0, 1, 2, 2]),
        any::<[bool; 2]>(),
        [prop::option::of(0..2_usize), prop::option::of(0..2_usize)],
        (
            prop::option::weighted(0.4, prop::option::weighted(0.8, any::<u8>())),
            prop::option::of(any::<(u8, u8)>()),
            prop::option::weighted(0.6, (0..3_usize, 0..8_usize)),
        ),
        prop::collection::vec((0..2_usize, source, 0..2_usize), 0..6),
        prop::collection::vec((0..2_usize, 0..2_usize, 0..4_usize, 0..6_usize, protocol), 0..5),
    )
        .prop_map(|(gateways, [open, first], defaults, (v4, v6, redirect), sources, forwards)| {
            NatSketch { v4, redirect, v6, gateways, open, first, defaults, sources, forwards }
        })
}

/// The IPv4 and the IPv6 gateway of the VPC.
pub fn internet_gateways(lab: &mut Lab, sketch: &NatSketch) -> Vec<AnyId> {
    let vpc = lab.vpc;
    let (name, description, resource_group, tags) = (None, None, None, Vec::new());
    let mut made = Vec::new();
    if sketch.v4.is_some() {
        let (name, description, tags) = (name.clone(), description.clone(), tags.clone());
        made.push(
            lab.ok(CreateIpv4Gateway { vpc, name, description, resource_group, tags })
                .id::<Ipv4GatewayId>()
                .into(),
        );
    }
    if sketch.v6.is_some() {
        made.push(
            lab.ok(CreateIpv6Gateway { vpc, name, description, resource_group, tags })
                .id::<Ipv6GatewayId>()
                .into(),
        );
    }
    made
}

/// Activates the IPv4 gateway and buys bandwidth for IPv6 addresses.
pub fn activate(lab: &mut Lab, sketch: &NatSketch, tables: &[RouteTableId], hosts: &[EniId]) {
    let v4 = lab.world.indexes().ipv4_gateways.by_vpc.get(&lab.vpc).copied();
    if let (Some(gateway), Some(Some(bits))) = (v4, sketch.v4) {
        // Only tables without a default route take one.
        let wanted = tables.iter().enumerate().filter(|(n, _)| bits >> n & 1 == 1).map(|(_, table)| *table);
        let tables: Vec<RouteTableId> = wanted
            .filter(|table| {
                let table = lab.world.get(table).unwrap();
                route_entry::to_destination(&lab.world, table, "0.0.0.0/0".parse().unwrap()).is_none()
            })
            .collect();
        lab.ok(EnableIpv4Gateway { gateway, tables });
        redirect(lab, sketch, gateway, hosts);
    }
    let v6 = lab.world.indexes().ipv6_gateways.by_vpc.get(&lab.vpc).copied();
    let Some((gateway, (bits, outward))) = v6.zip(sketch.v6) else { return };
    for (n, eni) in hosts.iter().enumerate().filter(|(n, _)| bits >> n & 1 == 1) {
        let Some(&address) = lab.world.get::<Eni>(eni).unwrap().ipv6.first() else { continue };
        let address = AddressRef::Address(address);
        let charge = InternetCharge::ByTraffic;
        assert!(n < 8);
        lab.ok(AllocateIpv6Bandwidth { gateway, address, bandwidth: 5, charge });
        if outward >> n & 1 == 1 {
            lab.ok(CreateIpv6EgressRule { gateway, address, name: None, description: None });
        }
    }
}

/// The route table of the IPv4 gateway, with one entry that leads elsewhere.
fn redirect(lab: &mut Lab, sketch: &NatSketch, gateway: Ipv4GatewayId, hosts: &[EniId]) {
    let Some((vswitch, host)) = sketch.redirect else { return };
    let (vpc, associate_type) = (lab.vpc, AssociateType::Gateway);
    let made = CreateRouteTable { vpc, associate_type, name: None, description: None, tags: Vec::new() };
    let route_table = lab.ok(made).id();
    lab.ok(AssociateGatewayRouteTable { route_table, gateway });
    let vswitch = [lab.web, lab.db, lab.far][vswitch];
    lab.ok(UpdateGatewayRouteEntry {
        route_table,
        destination: lab.world.get::<VSwitch>(&vswitch).unwrap().block.to_string().into(),
        next_hop_kind: "NetworkInterface".into(),
        next_hop: Some(hosts[host % hosts.len()].to_string().into()),
        name: None,
        description: None,
    });
}

/// Gives the gateways addresses and entries.
pub fn add(
    lab: &mut Lab,
    sketch: &NatSketch,
    gateways: &[NatGatewayId],
    hosts: &[EniId],
    groups: &[SecurityGroupId],
) {
    for &group in groups.iter().filter(|_| sketch.open) {
        let (protocol, peer) = (Protocol::All, Peer::Block("0.0.0.0/0".parse().unwrap()));
        let (ports, source_ports, policy, priority, own) = (None, None, Policy::Accept, 1, None);
        let spec = RuleSpec { protocol, ports, source_ports, policy, priority, peer, own };
        let rule = RuleInput { spec, peer_as_address: false, own_as_address: false, description: "".into() };
        let _ = lab.run(AuthorizeRules { group, direction: Direction::Ingress, rules: vec![rule] });
    }
    // Where an IPv4 gateway is not active no address is bound.
    if sketch.v4 == Some(None) {
        return;
    }
    let ips: Vec<_> = gateways.iter().map(|&id| [nat::equip(lab, id).1, nat::equip(lab, id).1]).collect();
    for &(n, block, ip) in sketch.sources.iter().filter(|(n, ..)| *n < gateways.len()) {
        let entry = CreateSnatEntry {
            table: SnatTableId::from_number(gateways[n].number()),
            vswitch: None,
            block: Some(block.parse().unwrap()),
            ips: vec![ips[n][ip]],
            name: None,
            affinity: false,
        };
        let _ = lab.run(entry);
    }
    for &(n, ip, ports, host, protocol) in sketch.forwards.iter().filter(|(n, ..)| *n < gateways.len()) {
        let address = lab.world.get::<Eni>(&hosts[host % hosts.len()]).unwrap().primary_ip.octets();
        let protocol = if FORWARDED[ports].is_some() { protocol } else { ForwardProtocol::Any };
        let (external, internal) = FORWARDED[ports].unwrap_or_default();
        let _ = lab.run(nat::forward(gateways[n], ips[n][ip], external, address, internal, protocol));
    }
}
