//! Elastic IP addresses.

use crate::dice::Dice;
use compact_str::{CompactString, ToCompactString};
use sim_core::Command;
use sim_core::ecs::eni::{Eni, EniKind};
use sim_core::ecs::instance::Instance;
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::vpc::eip::{AllocateEip, Eip, EipStatus, InternetCharge, ModifyEip, ReleaseEip};
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind, UnassociateEip};
use sim_core::vpc::ha_vip::HaVip;
use std::net::Ipv4Addr;

/// Paid by use: what is paid in advance can never be released.
pub fn allocate(d: &mut Dice<'_>) -> Command {
    let address = match d.roll(8) {
        6 => Some(Ipv4Addr::new(198, 18, 0, 1 + d.roll(6) as u8)),
        7 => Some(d.pick(&[Ipv4Addr::new(198, 18, 0, 0), Ipv4Addr::new(47, 1, 2, 3)])),
        _ => None,
    };
    AllocateEip {
        address,
        bandwidth: d.maybe(|d| d.pick(&[5, 200, 201, 0])),
        charge: d.pick(&[InternetCharge::ByBandwidth, InternetCharge::ByTraffic]),
        name: d.text(),
        description: d.text(),
        resource_group: d.resource_group(),
        tags: d.tags(),
        ..AllocateEip::default()
    }
    .into()
}

pub fn modify(d: &mut Dice<'_>) -> Command {
    ModifyEip {
        eip: d.id::<Eip>(),
        name: d.text(),
        description: d.text(),
        bandwidth: d.maybe(|d| d.pick(&[10, 200, 500, 501])),
        deletion_protection: d.maybe(|d| d.once_in(2)),
    }
    .into()
}

pub fn release(d: &mut Dice<'_>) -> Command {
    ReleaseEip { eip: d.id::<Eip>() }.into()
}

/// One of the caller's that has a status, or any.
fn with_status(d: &mut Dice<'_>, status: EipStatus) -> sim_core::id::EipId {
    let rows = d.world.table::<Eip>().iter();
    let ids: Vec<_> =
        rows.filter(|e| e.status == status && e.owner == d.caller.into()).map(|e| e.id).collect();
    if ids.is_empty() || d.once_in(8) { d.id::<Eip>() } else { d.pick(&ids) }
}

pub fn associate(d: &mut Dice<'_>) -> Command {
    let eip = with_status(d, EipStatus::Available);
    let target = if d.once_in(3) {
        (TargetKind::EcsInstance, d.id::<Instance>().to_compact_string(), None, Mode::Nat)
    } else {
        to_eni(d)
    };
    let (kind, target, private_address, mode) = match d.roll(18) {
        16.. => (TargetKind::SlbInstance, d.id::<LoadBalancer>().to_compact_string(), None, Mode::Nat),
        14 => (d.pick(&[TargetKind::Nat, TargetKind::IpAddress]), "ngw-none".into(), None, Mode::Nat),
        12..14 => (TargetKind::HaVip, d.id::<HaVip>().to_compact_string(), None, Mode::Nat),
        15 => (TargetKind::EcsInstance, target.1, None, Mode::Binded),
        _ => target,
    };
    let region = if d.once_in(16) { Some("cn-beijing".into()) } else { None };
    AssociateEip { eip, kind, target, private_address, mode, region }.into()
}

fn to_eni(d: &mut Dice<'_>) -> (TargetKind, CompactString, Option<Ipv4Addr>, Mode) {
    let rows = d.world.table::<Eni>().iter();
    let mut secondary: Vec<&Eni> =
        rows.filter(|e| e.kind != EniKind::Primary && e.owner == d.caller.into()).collect();
    let mode = d.pick(&[Mode::Nat, Mode::Binded, Mode::Binded, Mode::MultiBinded]);
    // What is free and bare, mostly: cut-through mode asks for it.
    let bare: Vec<&Eni> = secondary.iter().copied().filter(|e| is_bare(e)).collect();
    if mode == Mode::Binded && !bare.is_empty() && !d.once_in(4) {
        secondary = bare;
    }
    if secondary.is_empty() || d.once_in(12) {
        return (TargetKind::NetworkInterface, d.id::<Eni>().to_compact_string(), None, mode);
    }
    let eni = d.pick(&secondary);
    let mut addresses: Vec<Ipv4Addr> = eni.ipv4().collect();
    addresses.extend(eni.ipv4_prefixes.iter().map(|p| p.first()));
    let address = d.maybe(|d| d.pick(&addresses));
    (TargetKind::NetworkInterface, eni.id.to_compact_string(), address, mode)
}

fn is_bare(eni: &Eni) -> bool {
    eni.instance.is_none() && eni.private_addresses() == 1
}

pub fn unassociate(d: &mut Dice<'_>) -> Command {
    let eip = with_status(d, EipStatus::InUse);
    let target = d.world.get::<Eip>(&eip).and_then(|e| e.binding).map(|b| b.target.id().to_compact_string());
    let wrong = d.once_in(12);
    UnassociateEip {
        eip,
        kind: if wrong { Some(TargetKind::HaVip) } else { None },
        target: if d.once_in(2) { target } else { None },
        private_address: None,
        force: d.once_in(2),
    }
    .into()
}
