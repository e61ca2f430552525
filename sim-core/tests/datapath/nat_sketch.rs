//! NAT gateways of random worlds.

use crate::lab::*;
use crate::nat;
use proptest::prelude::*;
use sim_core::ecs::authorize::AuthorizeRules;
use sim_core::ecs::eni::Eni;
use sim_core::ecs::rule_input::RuleInput;
use sim_core::ecs::security_group_rule::{Direction, Peer, Policy, Protocol, RuleSpec};
use sim_core::id::{EniId, Id, NatGatewayId, SecurityGroupId, SnatTableId};
use sim_core::vpc::forward_ports::ForwardProtocol;
use sim_core::vpc::snat::CreateSnatEntry;

/// NAT gateways, of which the first may come before the routes, each with two addresses.
#[derive(Clone, Debug)]
pub struct NatSketch {
    pub gateways: usize,
    /// Whether all groups let everything in.
    open: bool,
    pub first: bool,
    /// The gateway to which the default route of each custom table leads.
    pub defaults: [Option<usize>; 2],
    /// Gateway, source, address.
    sources: Vec<(usize, &'static str, usize)>,
    /// Gateway, address, ports outside and inside, host, protocol.
    forwards: Vec<(usize, usize, usize, usize, ForwardProtocol)>,
}

/// Ports outside and inside; none are all of them.
const FORWARDED: [Option<((u16, u16), (u16, u16))>; 4] =
    [None, Some(((80, 80), (80, 80))), Some(((8000, 8009), (77, 86))), Some(((22, 22), (3306, 3306)))];

pub fn sketch() -> impl Strategy<Value = NatSketch> {
    let source = prop::sample::select(vec!["10.0.1.0/24", "10.0.2.0/24", "10.0.0.0/16", "10.0.1.11/32"]);
    let protocol = prop::sample::select(vec![ForwardProtocol::Tcp, ForwardProtocol::Udp]);
    (
        prop::sample::select(vec![0_usize, 0, 1, 2, 2]),
        any::<[bool; 2]>(),
        [prop::option::of(0..2_usize), prop::option::of(0..2_usize)],
        prop::collection::vec((0..2_usize, source, 0..2_usize), 0..6),
        prop::collection::vec((0..2_usize, 0..2_usize, 0..4_usize, 0..6_usize, protocol), 0..5),
    )
        .prop_map(|(gateways, [open, first], defaults, sources, forwards)| NatSketch {
            gateways,
            open,
            first,
            defaults,
            sources,
            forwards,
        })
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
