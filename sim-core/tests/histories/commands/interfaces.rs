//! Network interfaces and their addresses.

use crate::dice::Dice;
use sim_core::Command;
use sim_core::cidr::Cidr6;
use sim_core::ecs::eni::{CreateEni, Eni, EniKind, ModifyEni, TrafficMode};
use sim_core::ecs::eni_address::{UnassignAddresses, Want, Wanted};
use sim_core::ecs::security_group::*;
use sim_core::vpc::vswitch::VSwitch;

use super::networks::block4;

/// Addresses beside a primary one, mostly of the vSwitch.
pub fn wanted(d: &mut Dice<'_>, vswitch: Option<&VSwitch>) -> Wanted {
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
pub fn groups_of(d: &mut Dice<'_>, vpc: Option<sim_core::id::VpcId>) -> Vec<sim_core::id::SecurityGroupId> {
    let kind = if d.once_in(4) { GroupKind::Enterprise } else { GroupKind::Basic };
    let all = d.world.table::<SecurityGroup>().iter();
    let ids: Vec<_> = all.filter(|g| Some(g.vpc) == vpc && g.kind == kind).map(|g| g.id).collect();
    let mut groups = vec![d.one_of(&ids)];
    if d.once_in(3) {
        groups.push(d.id::<SecurityGroup>());
    }
    groups
}

pub fn create_eni(d: &mut Dice<'_>) -> Command {
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

pub fn modify_eni(d: &mut Dice<'_>) -> Command {
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

pub fn unassign(d: &mut Dice<'_>) -> Command {
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
