//! IPv4 and IPv6 gateways, and the internet bandwidth of IPv6 addresses.

use crate::dice::Dice;
use sim_core::Command;
use sim_core::ecs::eni::Eni;
use sim_core::id::RouteTableId;
use sim_core::vpc::eip::InternetCharge;
use sim_core::vpc::gateway_route_table::{
    AssociateGatewayRouteTable, DissociateGatewayRouteTable, UpdateGatewayRouteEntry,
};
use sim_core::vpc::ipv4_gateway::{
    CreateIpv4Gateway, DeleteIpv4Gateway, EnableIpv4Gateway, InternetMode, Ipv4Gateway, ModifyIpv4Gateway,
};
use sim_core::vpc::ipv6_bandwidth::{
    AddressRef, AllocateIpv6Bandwidth, BandwidthRef, DeleteIpv6Bandwidth, Ipv6Bandwidth, ModifyIpv6Bandwidth,
    address_id,
};
use sim_core::vpc::ipv6_egress_rule::{CreateIpv6EgressRule, DeleteIpv6EgressRule, Ipv6EgressRule};
use sim_core::vpc::ipv6_gateway::{
    CreateIpv6Gateway, DeleteIpv6Gateway, Ipv6Gateway, ModifyIpv6Gateway, of_vpc,
};
use sim_core::vpc::route_table::{AssociateType, RouteTable};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vswitch::VSwitch;

pub fn create4(d: &mut Dice<'_>) -> Command {
    let (vpc, name, description) = (d.id::<Vpc>(), d.text(), d.text());
    CreateIpv4Gateway { vpc, name, description, resource_group: None, tags: d.tags() }.into()
}

pub fn enable4(d: &mut Dice<'_>) -> Command {
    let own = d.own::<Ipv4Gateway>();
    let gateway = own.map_or_else(|| d.id::<Ipv4Gateway>(), |g| g.id);
    let of_vpc = d.world.table::<RouteTable>().iter().filter(|t| own.is_some_and(|g| g.vpc == t.vpc));
    let of_vpc: Vec<RouteTableId> = of_vpc.map(|t| t.id).collect();
    let tables = match d.roll(4) {
        0 => Vec::new(),
        1 => vec![d.id::<RouteTable>()],
        _ => vec![d.one_of(&of_vpc)],
    };
    EnableIpv4Gateway { gateway, tables }.into()
}

pub fn modify4(d: &mut Dice<'_>) -> Command {
    ModifyIpv4Gateway { gateway: d.id::<Ipv4Gateway>(), name: d.text(), description: d.text() }.into()
}

pub fn delete4(d: &mut Dice<'_>) -> Command {
    let mode = d.pick(&[InternetMode::Private, InternetMode::Public]);
    DeleteIpv4Gateway { gateway: d.id::<Ipv4Gateway>(), mode }.into()
}

pub fn create6(d: &mut Dice<'_>) -> Command {
    let with_ipv6 = d.own::<Vpc>().filter(|vpc| !vpc.ipv6.is_empty()).map(|vpc| vpc.id);
    let vpc = with_ipv6.unwrap_or_else(|| d.id::<Vpc>());
    let (name, description) = (d.text(), d.text());
    CreateIpv6Gateway { vpc, name, description, resource_group: None, tags: d.tags() }.into()
}

pub fn modify6(d: &mut Dice<'_>) -> Command {
    ModifyIpv6Gateway { gateway: d.id::<Ipv6Gateway>(), name: d.text(), description: d.text() }.into()
}

pub fn delete6(d: &mut Dice<'_>) -> Command {
    DeleteIpv6Gateway { gateway: d.id::<Ipv6Gateway>() }.into()
}

/// An address of an interface of the caller's, mostly where there is a gateway.
fn address<'w>(d: &mut Dice<'w>) -> (Option<&'w Eni>, AddressRef) {
    let world = d.world;
    let enis = world.table::<Eni>().iter().filter(|e| !e.ipv6.is_empty() && e.owner == d.caller.into());
    let all: Vec<&Eni> = enis.collect();
    let near: Vec<&Eni> = all.iter().copied().filter(|e| of_vpc(world, e.vpc).is_some()).collect();
    let among = if near.is_empty() || d.once_in(8) { all } else { near };
    if among.is_empty() {
        return (None, AddressRef::Id(crate::dice::nobody()));
    }
    let eni = d.pick(&among);
    let address = d.pick(&eni.ipv6);
    let named =
        if d.once_in(2) { AddressRef::Address(address) } else { AddressRef::Id(address_id(eni.id, address)) };
    (Some(eni), named)
}

pub fn allocate(d: &mut Dice<'_>) -> Command {
    let world = d.world;
    let (eni, address) = address(d);
    let own = eni.and_then(|eni| of_vpc(world, eni.vpc)).map(|g| g.id);
    let gateway = own.filter(|_| !d.once_in(8)).unwrap_or_else(|| d.id::<Ipv6Gateway>());
    let charge = d.pick(&[InternetCharge::ByBandwidth, InternetCharge::ByTraffic]);
    let bandwidth = d.pick(&[5, 100, 1_500, 0, 3_000]);
    AllocateIpv6Bandwidth { gateway, address, bandwidth, charge }.into()
}

fn bandwidth(d: &mut Dice<'_>) -> BandwidthRef {
    if d.once_in(3) { BandwidthRef::Of(address(d).1) } else { BandwidthRef::Id(d.id::<Ipv6Bandwidth>()) }
}

pub fn modify(d: &mut Dice<'_>) -> Command {
    ModifyIpv6Bandwidth { bandwidth: bandwidth(d), mbits: d.pick(&[1, 50, 1_200, 9_999]) }.into()
}

pub fn delete(d: &mut Dice<'_>) -> Command {
    DeleteIpv6Bandwidth { bandwidth: bandwidth(d) }.into()
}

/// Mostly for an address that has bandwidth.
pub fn outward(d: &mut Dice<'_>) -> Command {
    let bought = d.own::<Ipv6Bandwidth>().filter(|_| !d.once_in(5));
    let (gateway, address) = match bought {
        Some(bought) => (bought.gateway, AddressRef::Address(bought.address)),
        None => (d.id::<Ipv6Gateway>(), address(d).1),
    };
    CreateIpv6EgressRule { gateway, address, name: d.text(), description: d.text() }.into()
}

pub fn delete_outward(d: &mut Dice<'_>) -> Command {
    DeleteIpv6EgressRule { rule: d.id::<Ipv6EgressRule>() }.into()
}

/// A table for gateways of the VPC of a gateway, mostly.
fn table_of(d: &mut Dice<'_>, gateway: Option<&Ipv4Gateway>) -> RouteTableId {
    let tables = d.world.table::<RouteTable>().iter();
    let near = |t: &&RouteTable| {
        t.associate_type == AssociateType::Gateway && gateway.is_none_or(|gateway| gateway.vpc == t.vpc)
    };
    let tables: Vec<RouteTableId> = tables.filter(near).map(|t| t.id).collect();
    if tables.is_empty() || d.once_in(8) { d.id::<RouteTable>() } else { d.pick(&tables) }
}

pub fn associate_table(d: &mut Dice<'_>) -> Command {
    let own = d.own::<Ipv4Gateway>();
    let gateway = own.map_or_else(|| d.id::<Ipv4Gateway>(), |gateway| gateway.id);
    AssociateGatewayRouteTable { route_table: table_of(d, own), gateway }.into()
}

pub fn dissociate_table(d: &mut Dice<'_>) -> Command {
    let own = d.own::<Ipv4Gateway>();
    let gateway = own.map_or_else(|| d.id::<Ipv4Gateway>(), |gateway| gateway.id);
    let bound = own.and_then(|gateway| gateway.route_table);
    let route_table =
        if d.once_in(4) { d.id::<RouteTable>() } else { bound.unwrap_or_else(|| d.id::<RouteTable>()) };
    DissociateGatewayRouteTable { route_table, gateway }.into()
}

pub fn update_entry(d: &mut Dice<'_>) -> Command {
    let route_table = table_of(d, None);
    let vpc = d.world.get::<RouteTable>(&route_table).map(|t| t.vpc);
    let blocks: Vec<String> = d
        .world
        .table::<VSwitch>()
        .iter()
        .filter(|s| vpc == Some(s.vpc))
        .map(|s| s.block.to_string())
        .collect();
    let destination = if blocks.is_empty() || d.once_in(8) { "10.0.77.0/24".into() } else { d.pick(&blocks) };
    let (kind, id) = super::routes::hop(d, &route_table.to_string());
    let local = d.once_in(3);
    UpdateGatewayRouteEntry {
        route_table,
        destination: destination.into(),
        next_hop_kind: if local { "Local".into() } else { kind },
        next_hop: if local { None } else { Some(id) },
        name: if d.once_in(4) { d.text() } else { None },
        description: None,
    }
    .into()
}
