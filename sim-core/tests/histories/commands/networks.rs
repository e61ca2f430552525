//! VPCs, their blocks, vSwitches and reservations.

use crate::dice::Dice;
use sim_core::cidr::{Cidr4, Cidr6};
use sim_core::vpc::cidr_reservation::*;
use sim_core::vpc::secondary_block::*;
use sim_core::vpc::vpc::{CreateVpc, ModifyVpc, Vpc};
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch, ModifyVSwitch, VSwitch};
use sim_core::{Command, ZoneId};

pub fn zone(d: &mut Dice<'_>) -> ZoneId {
    let zones: &[&str] = match d.caller.region.0.as_str() {
        "cn-beijing" => &["cn-beijing-h", "cn-beijing-g"],
        _ => &["cn-hangzhou-k", "cn-hangzhou-j"],
    };
    if d.once_in(30) { "cn-nowhere-z".into() } else { d.pick(zones).into() }
}

pub fn block4(text: &str) -> Cidr4 {
    text.parse().unwrap()
}

pub fn further_blocks() -> Vec<Cidr4> {
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

pub fn create_vpc(d: &mut Dice<'_>) -> Command {
    let block =
        ["10.0.0.0/16", "10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12", "10.0.0.0/28", "100.64.0.0/16"];
    let users = ["30.0.0.0/16", "30.0.1.0/24", "100.64.0.0/16", "31.0.0.0/16"];
    CreateVpc {
        block: d.maybe(|d| block4(d.pick(&block))),
        name: d.text(),
        description: d.text(),
        ipv6: d.once_in(2),
        ipv6_isp: None,
        dns_hostnames: d.once_in(4),
        user_cidrs: (0..d.roll(6).saturating_sub(2)).map(|_| block4(d.pick(&users))).collect(),
        resource_group: d.resource_group(),
        tags: d.tags(),
    }
    .into()
}

pub fn modify_vpc(d: &mut Dice<'_>) -> Command {
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

pub fn create_vswitch(d: &mut Dice<'_>) -> Command {
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
        vpc_ipv6_block: None,
        name: d.text(),
        description: d.text(),
        tags: d.tags(),
    }
    .into()
}

pub fn modify_vswitch(d: &mut Dice<'_>) -> Command {
    ModifyVSwitch {
        vswitch: d.id::<VSwitch>(),
        name: d.text(),
        description: d.text(),
        ipv6_subnet: d.maybe(|d| d.roll(4) as u32),
        vpc_ipv6_block: None,
        enable_ipv6: false,
        disable_ipv6: d.once_in(3),
    }
    .into()
}

pub fn remove_secondary(d: &mut Dice<'_>) -> Command {
    let Some(vpc) = d.own::<Vpc>().filter(|vpc| !vpc.secondary.is_empty()) else {
        return RemoveSecondaryBlock { vpc: d.id::<Vpc>(), block: d.pick(&further_blocks()) }.into();
    };
    RemoveSecondaryBlock { vpc: vpc.id, block: d.pick(&vpc.secondary) }.into()
}

pub fn add_ipv6(d: &mut Dice<'_>) -> Command {
    let block = if d.once_in(8) { Some("2408:4000:1::/56".parse().unwrap()) } else { None };
    let isp = if d.once_in(8) { Some("Nobody".into()) } else { None };
    AddIpv6Block { vpc: d.id::<Vpc>(), block, isp }.into()
}

pub fn remove_ipv6(d: &mut Dice<'_>) -> Command {
    let none: Cidr6 = "2408:9999::/56".parse().unwrap();
    let Some(vpc) = d.own::<Vpc>() else { return RemoveIpv6Block { vpc: d.id::<Vpc>(), block: none }.into() };
    let mut blocks: Vec<Cidr6> = vpc.ipv6.iter().map(|b| b.block).collect();
    blocks.push(none);
    RemoveIpv6Block { vpc: vpc.id, block: d.pick(&blocks) }.into()
}

pub fn create_reservation(d: &mut Dice<'_>) -> Command {
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
