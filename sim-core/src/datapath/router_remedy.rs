//! Remedies about router interfaces.

use super::remedy::TRIED;
use crate::cidr::Cidr;
use crate::command::Command;
use crate::id::{RouteTableId, RouterInterfaceId};
use crate::vpc::next_hop::{HopChoice, NextHopKind};
use crate::vpc::route_entry::{CreateRouteEntry, NewEntry};
use crate::vpc::route_table::RouteTable;
use crate::vpc::router_connection::{self, ActivateRouterInterface};
use crate::vpc::router_interface::{RouterInterface, RouterInterfaceStatus};
use crate::vpc::vpc;
use crate::world::World;
use std::net::IpAddr;

/// Activating what is frozen of a connection; the other end is the caller's only if it is of the same account and region.
pub(super) fn activated(w: &World, id: RouterInterfaceId) -> Vec<Command> {
    let own = w.get::<RouterInterface>(&id);
    let other = own.and_then(|own| router_connection::other_end(w, own));
    let frozen = own.into_iter().chain(other).filter(|r| r.status == RouterInterfaceStatus::Inactive);
    frozen.map(|r| ActivateRouterInterface { router_interface: r.id }.into()).collect()
}

/// The routes over router interfaces into vSwitches of the VPCs at their other ends in which an address lies.
pub(super) fn routes_across(w: &World, table: RouteTableId, address: IpAddr) -> Vec<Command> {
    let Some(lacking) = w.get::<RouteTable>(&table) else { return Vec::new() };
    let of_vpc = w.indexes().router_interfaces.by_vpc.of(&lacking.vpc);
    let own = of_vpc.filter_map(|id| w.get::<RouterInterface>(id));
    let route = |r: &RouterInterface| {
        let there = vpc::vswitches(w, router_connection::across(w, r)?.vpc);
        let mut blocks = there.map(|vswitch| Cidr::from(vswitch.block));
        let block = blocks.find(|block| block.contains_address(address))?;
        let (kind, id) = (NextHopKind::RouterInterface.text(), r.id.to_string());
        let next_hop = HopChoice { kind: Some(kind.into()), id: Some(id.into()), list: Vec::new() };
        let (table, destination) = (table.to_string().into(), block.to_string().into());
        let entry = NewEntry { table, destination, next_hop, name: None, description: None };
        Some(CreateRouteEntry { entry }.into())
    };
    own.filter_map(route).take(TRIED).collect()
}
