//! NAT gateways, their SNAT and their DNAT entries.

use crate::dice::Dice;
use sim_core::Command;
use sim_core::ecs::eni::Eni;
use sim_core::ecs::security_group_rule::PortRange;
use sim_core::id::{NatGatewayId, VSwitchId};
use sim_core::vpc::eip::{Eip, EipStatus};
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind};
use sim_core::vpc::forward_entry::{
    CreateForwardEntry, DeleteForwardEntry, ForwardEntry, Mapping, ModifyForwardEntry,
};
use sim_core::vpc::forward_ports::{ForwardProtocol, Ports};
use sim_core::vpc::nat_gateway::{
    CreateNatGateway, DeleteNatGateway, EipBindMode, ModifyNatGateway, NatGateway,
};
use sim_core::vpc::snat::{CreateSnatEntry, DeleteSnatEntry, ModifySnatEntry, SnatEntry};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vswitch::VSwitch;
use std::net::Ipv4Addr;

pub fn create_gateway(d: &mut Dice<'_>) -> Command {
    let own = d.own::<VSwitch>();
    let vpc = own.filter(|_| !d.once_in(12)).map_or_else(|| d.id::<Vpc>(), |s| s.vpc);
    CreateNatGateway {
        vpc,
        vswitch: own.map_or_else(|| d.id::<VSwitch>(), |s| s.id),
        name: if d.once_in(4) { d.text() } else { None },
        description: if d.once_in(4) { d.text() } else { None },
        icmp_reply: d.once_in(2),
        bind_mode: d.pick(&[EipBindMode::MultiBinded, EipBindMode::Nat]),
        tags: d.tags(),
    }
    .into()
}

pub fn modify_gateway(d: &mut Dice<'_>) -> Command {
    ModifyNatGateway {
        gateway: d.id::<NatGateway>(),
        name: d.text(),
        description: None,
        icmp_reply: d.maybe(|d| d.once_in(2)),
        bind_mode: if d.once_in(3) { Some(EipBindMode::Nat) } else { None },
        deletion_protection: d.maybe(|d| d.once_in(4)),
    }
    .into()
}

pub fn delete_gateway(d: &mut Dice<'_>) -> Command {
    DeleteNatGateway { gateway: d.id::<NatGateway>(), force: d.once_in(2) }.into()
}

/// Binds a free address to a gateway of the caller's.
pub fn associate(d: &mut Dice<'_>) -> Command {
    let free = d.world.table::<Eip>().iter();
    let free: Vec<_> = free
        .filter(|e| e.status == EipStatus::Available && e.owner == d.caller.into())
        .map(|e| e.id)
        .collect();
    let eip = if free.is_empty() { d.id::<Eip>() } else { d.pick(&free) };
    let target = d.id::<NatGateway>().to_string().into();
    let private_address = if d.once_in(12) { Some(Ipv4Addr::new(10, 0, 0, 9)) } else { None };
    AssociateEip { eip, kind: TargetKind::Nat, target, private_address, mode: Mode::Nat, region: None }.into()
}

/// Addresses of a gateway, mostly.
fn ips(d: &mut Dice<'_>, gateway: Option<&NatGateway>) -> Vec<Ipv4Addr> {
    let own: Vec<Ipv4Addr> = gateway.iter().flat_map(|g| g.eips(d.world)).map(|e| e.address).collect();
    if own.is_empty() || d.once_in(10) {
        return d.pick(&[vec![], vec![Ipv4Addr::new(198, 18, 0, 1)], vec![Ipv4Addr::new(47, 1, 2, 3); 2]]);
    }
    let count = 1 + d.roll(own.len());
    own[..count].to_vec()
}

/// A gateway, mostly one with addresses.
fn equipped<'w>(d: &mut Dice<'w>) -> Option<&'w NatGateway> {
    let gateways = d.world.table::<NatGateway>().iter();
    let equipped: Vec<&NatGateway> = gateways.filter(|g| g.eips(d.world).next().is_some()).collect();
    if equipped.is_empty() || d.once_in(10) { d.own::<NatGateway>() } else { Some(d.pick(&equipped)) }
}

pub fn create_entry(d: &mut Dice<'_>) -> Command {
    let own = equipped(d);
    let near = d.world.table::<VSwitch>().iter().filter(|s| own.is_some_and(|g| g.vpc == s.vpc));
    let near: Vec<VSwitchId> = near.map(|s| s.id).collect();
    let block = |d: &mut Dice<'_>| d.pick(&["10.0.0.0/24", "10.0.0.7/32", "172.31.0.0/24"]).parse().unwrap();
    let (vswitch, block) = match d.roll(8) {
        0..5 => (Some(d.one_of(&near)), None),
        5..7 => (None, Some(block(d))),
        _ => (Some(d.one_of(&near)), Some(block(d))),
    };
    let table = own.map_or_else(crate::dice::nobody, NatGateway::snat_table);
    let name = if d.once_in(6) { d.text() } else { None };
    CreateSnatEntry { table, vswitch, block, ips: ips(d, own), name, affinity: d.once_in(2) }.into()
}

fn gateway_of(d: &Dice<'_>, entry: Option<&SnatEntry>) -> Option<NatGatewayId> {
    entry.map(|e| e.gateway).filter(|id| d.world.get::<NatGateway>(id).is_some())
}

pub fn modify_entry(d: &mut Dice<'_>) -> Command {
    let own = d.own::<SnatEntry>();
    let gateway = gateway_of(d, own).and_then(|id| d.world.get::<NatGateway>(&id));
    ModifySnatEntry {
        entry: own.map_or_else(|| d.id::<SnatEntry>(), |e| e.id),
        table: if d.once_in(8) { Some(crate::dice::nobody()) } else { gateway.map(NatGateway::snat_table) },
        ips: d.maybe(|d| ips(d, gateway)),
        name: if d.once_in(4) { d.text() } else { None },
        affinity: d.maybe(|d| d.once_in(2)),
    }
    .into()
}

pub fn delete_entry(d: &mut Dice<'_>) -> Command {
    DeleteSnatEntry { entry: d.id::<SnatEntry>(), table: None }.into()
}

fn ports(d: &mut Dice<'_>) -> Ports {
    let range = |first, last| Some(PortRange { first, last });
    d.pick(&[range(80, 80), range(443, 443), range(8000, 8010), range(9000, 9010), range(2000, 2020), None])
}

/// An address of the VPC, mostly of a host there.
fn host(d: &mut Dice<'_>, gateway: Option<&NatGateway>) -> Ipv4Addr {
    let enis = d.world.table::<Eni>().iter().filter(|e| gateway.is_some_and(|g| g.vpc == e.vpc));
    let all: Vec<Ipv4Addr> = enis.map(|e| e.primary_ip).collect();
    let other = [Ipv4Addr::new(10, 0, 0, 77), Ipv4Addr::new(172, 31, 0, 9)];
    if all.is_empty() || d.once_in(6) { d.pick(&other) } else { d.pick(&all) }
}

fn external_ip(d: &mut Dice<'_>, gateway: Option<&NatGateway>) -> Ipv4Addr {
    ips(d, gateway).first().copied().unwrap_or(Ipv4Addr::new(198, 18, 0, 200))
}

pub fn create_forward(d: &mut Dice<'_>) -> Command {
    let own = equipped(d);
    let any = d.once_in(5);
    let external = if any { None } else { ports(d) };
    let internal = if d.once_in(3) { ports(d) } else { external };
    let words = [ForwardProtocol::Tcp, ForwardProtocol::Udp];
    let protocol = if external.is_none() { ForwardProtocol::Any } else { d.pick(&words) };
    let (external_ip, address, port_break) = (external_ip(d, own), host(d, own), d.once_in(2));
    let mapping = Mapping { external_ip, external, address, internal, protocol, port_break };
    let table = own.map_or_else(crate::dice::nobody, NatGateway::forward_table);
    let name = if d.once_in(6) { d.text() } else { None };
    CreateForwardEntry { table, mapping, name }.into()
}

pub fn modify_forward(d: &mut Dice<'_>) -> Command {
    let own = d.own::<ForwardEntry>();
    let gateway = own.and_then(|e| d.world.get::<NatGateway>(&e.gateway));
    ModifyForwardEntry {
        entry: own.map_or_else(|| d.id::<ForwardEntry>(), |e| e.id),
        table: if d.once_in(8) {
            Some(crate::dice::nobody())
        } else {
            gateway.map(NatGateway::forward_table)
        },
        external_ip: if d.once_in(3) { Some(external_ip(d, gateway)) } else { None },
        external: if d.once_in(4) { Some(ports(d)) } else { None },
        address: d.maybe(|d| host(d, gateway)),
        internal: if d.once_in(4) { Some(ports(d)) } else { None },
        protocol: if d.once_in(4) { Some(ForwardProtocol::Udp) } else { None },
        name: if d.once_in(4) { d.text() } else { None },
        port_break: d.maybe(|d| d.once_in(2)),
    }
    .into()
}

pub fn delete_forward(d: &mut Dice<'_>) -> Command {
    DeleteForwardEntry { entry: d.id::<ForwardEntry>(), table: None }.into()
}
