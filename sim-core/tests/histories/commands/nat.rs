//! NAT gateways and their SNAT entries.

use crate::dice::Dice;
use sim_core::Command;
use sim_core::id::{NatGatewayId, VSwitchId};
use sim_core::vpc::eip::{Eip, EipStatus};
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind};
use sim_core::vpc::nat_gateway::{CreateNatGateway, DeleteNatGateway, ModifyNatGateway, NatGateway};
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

pub fn create_entry(d: &mut Dice<'_>) -> Command {
    let gateways: Vec<&NatGateway> = d.world.table::<NatGateway>().iter().collect();
    // Those with addresses, mostly.
    let equipped: Vec<&NatGateway> =
        gateways.iter().copied().filter(|g| g.eips(d.world).next().is_some()).collect();
    let own = if equipped.is_empty() { d.own::<NatGateway>() } else { Some(d.pick(&equipped)) };
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
