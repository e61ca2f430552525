//! What comes in by the DNAT entries of a NAT gateway, and how its answers leave.

use crate::lab::*;
use crate::net::{Net, allocate};
use sim_core::datapath::{Disposition as D, Hop, Leg, NoPath, Place, Source};
use sim_core::ecs::security_group_rule::PortRange;
use sim_core::id::{EipId, ForwardEntryId, ForwardTableId, Id, NatGatewayId, SnatTableId};
use sim_core::vpc::eip::Eip;
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind};
use sim_core::vpc::forward_entry::{CreateForwardEntry, DeleteForwardEntry, Mapping, ModifyForwardEntry};
use sim_core::vpc::forward_ports::{ForwardProtocol, Ports};
use sim_core::vpc::nat_gateway::{CreateNatGateway, EipBindMode};
use sim_core::vpc::snat::CreateSnatEntry;
use std::net::{IpAddr, Ipv4Addr};

pub fn gateway(lab: &mut Lab) -> NatGatewayId {
    let (vpc, vswitch) = (lab.vpc, lab.web);
    let made = CreateNatGateway {
        vpc,
        vswitch,
        name: None,
        description: None,
        icmp_reply: true,
        bind_mode: EipBindMode::MultiBinded,
        tags: Vec::new(),
    };
    lab.ok(made).id()
}

/// A new address, bound to a gateway.
pub fn equip(lab: &mut Lab, nat: NatGatewayId) -> (EipId, Ipv4Addr) {
    let eip: EipId = lab.ok(allocate()).id();
    let (kind, mode, target) = (TargetKind::Nat, Mode::Nat, nat.to_string().into());
    lab.ok(AssociateEip { eip, kind, target, private_address: None, mode, region: None });
    (eip, lab.world.get::<Eip>(&eip).unwrap().address)
}

pub fn forward(
    nat: NatGatewayId,
    external_ip: Ipv4Addr,
    external: (u16, u16),
    address: [u8; 4],
    internal: (u16, u16),
    protocol: ForwardProtocol,
) -> CreateForwardEntry {
    let ports = |(first, last)| Some(PortRange { first, last }).filter(|ports| ports.first > 0);
    let (external, internal): (Ports, Ports) = (ports(external), ports(internal));
    let address = address.into();
    let mapping = Mapping { external_ip, external, address, internal, protocol, port_break: true };
    CreateForwardEntry { table: ForwardTableId::from_number(nat.number()), mapping, name: None }
}

const FRONT: [u8; 4] = [10, 0, 1, 10];
const BACK: [u8; 4] = [10, 0, 2, 9];

fn outside() -> Source {
    Source::Outside([47, 1, 1, 1].into())
}

type Translation = (IpAddr, u16, IpAddr, u16);

fn translated(hops: &[Hop]) -> Vec<Translation> {
    let found = hops.iter().filter_map(|hop| match hop {
        Hop::Translated { header: h, .. } => Some((h.source, h.source_port, h.destination, h.port)),
        _ => None,
    });
    found.collect()
}

#[test]
fn ports_lead_to_hosts_and_answers_back() {
    let mut net = Net::open();
    let nat = gateway(&mut net.lab);
    let (eip, ip) = equip(&mut net.lab, nat);
    net.lab.ok(forward(nat, ip, (8000, 8009), FRONT, (80, 89), ForwardProtocol::Tcp));
    let trace = net.trace_from(outside(), &format!("{ip}:8003/tcp"));
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(net.front)));
    let (client, front) = (IpAddr::from([47, 1, 1, 1]), IpAddr::from(FRONT));
    assert_eq!(translated(&trace.forward), [(client, 49152, front, 83)]);
    assert_eq!(translated(&trace.back), [(ip.into(), 8003, client, 49152)]);
    let lost = D::NotForwarded { eip, gateway: nat, inert: None };
    for target in ["8010/tcp", "8003/udp"] {
        net.ends(&net.trace_from(outside(), &format!("{ip}:{target}")), Leg::Forward, lost);
    }
    net.ends(&net.trace_from(outside(), &format!("{ip}/icmp")), Leg::Forward, lost);
    // By itself the host has no way out, since no entry says so.
    let why = NoPath::NoSnatEntry { gateway: nat };
    let no_path = D::NoPublicPath { vpc: net.lab.vpc, address: front, why };
    net.ends(&net.trace("47.1.1.1:443/tcp"), Leg::Forward, no_path);
}

#[test]
fn an_entry_for_every_port_leads_out_too_and_before_snat() {
    let mut net = Net::open();
    let nat = gateway(&mut net.lab);
    let ((_, own), (_, shared)) = (equip(&mut net.lab, nat), equip(&mut net.lab, nat));
    let entry: ForwardEntryId =
        net.lab.ok(forward(nat, own, (0, 0), FRONT, (0, 0), ForwardProtocol::Any)).id();
    let snat = CreateSnatEntry {
        table: SnatTableId::from_number(nat.number()),
        vswitch: None,
        block: Some("10.0.0.0/16".parse().unwrap()),
        ips: vec![shared],
        name: None,
        affinity: false,
    };
    net.lab.ok(snat);
    let source = |net: &Net| translated(&net.trace("47.1.1.1:443/tcp").forward)[0].0;
    net.ends(&net.trace("47.1.1.1:443/tcp"), Leg::Return, D::Delivered(Place::Internet));
    assert_eq!(source(&net), IpAddr::from(own));
    net.ends(
        &net.trace_from(outside(), &format!("{own}/icmp")),
        Leg::Return,
        D::Delivered(Place::Interface(net.front)),
    );
    net.lab.ok(DeleteForwardEntry { entry, table: None });
    assert_eq!(source(&net), IpAddr::from(shared));
}

#[test]
fn one_gateway_leads_out_and_in_again() {
    let mut net = Net::open();
    let nat = gateway(&mut net.lab);
    let (_, ip) = equip(&mut net.lab, nat);
    net.lab.ok(forward(nat, ip, (443, 443), BACK, (8443, 8443), ForwardProtocol::Tcp));
    let snat = CreateSnatEntry {
        table: SnatTableId::from_number(nat.number()),
        vswitch: Some(net.lab.web),
        block: None,
        ips: vec![ip],
        name: None,
        affinity: false,
    };
    net.lab.ok(snat);
    let trace = net.trace(&format!("{ip}:443/tcp"));
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(net.back)));
    let (ip, front, back) = (IpAddr::from(ip), IpAddr::from(FRONT), IpAddr::from(BACK));
    assert_eq!(translated(&trace.forward), [(ip, 49152, ip, 443), (ip, 49152, back, 8443)]);
    assert_eq!(translated(&trace.back), [(ip, 443, ip, 49152), (ip, 443, front, 49152)]);
}

#[test]
fn an_answer_by_another_way_is_not_known() {
    let mut net = Net::open();
    let (nat, other) = (gateway(&mut net.lab), gateway(&mut net.lab));
    let ((_, ip), (_, second)) = (equip(&mut net.lab, nat), equip(&mut net.lab, other));
    // The route of the system table leads to the first gateway, whose entries say nothing of the other's sessions.
    net.lab.ok(forward(other, second, (80, 80), FRONT, (80, 80), ForwardProtocol::Tcp));
    let why = NoPath::NoSnatEntry { gateway: nat };
    let no_path = D::NoPublicPath { vpc: net.lab.vpc, address: FRONT.into(), why };
    net.ends(&net.trace_from(outside(), &format!("{second}:80/tcp")), Leg::Return, no_path);
    let snat = CreateSnatEntry {
        table: SnatTableId::from_number(nat.number()),
        vswitch: Some(net.lab.web),
        block: None,
        ips: vec![ip],
        name: None,
        affinity: false,
    };
    net.lab.ok(snat);
    let foreign = D::AnswerForeign { address: ip.into(), port: 80 };
    net.ends(&net.trace_from(outside(), &format!("{second}:80/tcp")), Leg::Return, foreign);
}

#[test]
fn a_host_with_an_address_of_its_own_is_not_forwarded_to() {
    let mut net = Net::open();
    let nat = gateway(&mut net.lab);
    let (eip, ip) = equip(&mut net.lab, nat);
    let entry: ForwardEntryId =
        net.lab.ok(forward(nat, ip, (80, 80), BACK, (80, 80), ForwardProtocol::Tcp)).id();
    let own: EipId = net.lab.ok(allocate()).id();
    let (kind, target) = (TargetKind::EcsInstance, net.instance(net.front).to_string().into());
    net.lab.ok(AssociateEip { eip: own, kind, target, private_address: None, mode: Mode::Nat, region: None });
    let to_front = ModifyForwardEntry {
        entry,
        table: None,
        external_ip: None,
        external: None,
        address: Some(FRONT.into()),
        internal: None,
        protocol: None,
        name: None,
        port_break: None,
    };
    net.lab.ok(to_front);
    let lost = D::NotForwarded { eip, gateway: nat, inert: Some(entry) };
    net.ends(&net.trace_from(outside(), &format!("{ip}:80/tcp")), Leg::Forward, lost);
}
