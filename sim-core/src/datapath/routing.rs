//! Routes inside a VPC: the longest prefix of the vSwitch's table, next hops that forward, local delivery.

use super::flow::Header;
use super::hop::{Disposition, Hop, Place, Sink};
use super::trace::{Step, Walk};
use super::{internet, member};
use crate::cidr::{Cidr, Cidr4, reserved};
use crate::ecs::eni::Eni;
use crate::ecs::eni_address;
use crate::ecs::instance::Instance;
use crate::id::{EniId, RouteTableId, VSwitchId, VpcId};
use crate::vpc::next_hop::NextHop;
use crate::vpc::resident::Resident;
use crate::vpc::route_entry::RouteEntry;
use crate::vpc::route_table::{self, RouteTable};
use crate::vpc::vpc::{self, Vpc};
use crate::vpc::vswitch::VSwitch;
use crate::world::World;
use std::net::IpAddr;

/// A packet of an interface, or of something behind it, sets out.
///
/// What an interface sends to itself or to what lies behind it never leaves its instance.
pub(super) fn from_interface<S: Sink>(walk: &mut Walk<'_, S>, eni: &Eni, header: &Header) -> Step<Place> {
    if eni.holds(header.destination) {
        member::check_up(walk, eni)?;
        return Ok(taken(walk, Place::Interface(eni.id)));
    }
    let (table, entry) = chosen(walk.w, eni.vpc, eni.vswitch, header.destination);
    if leads_behind(walk.w, eni, entry.as_ref(), header.destination) {
        member::check_up(walk, eni)?;
        return Ok(taken(walk, Place::Behind(eni.id)));
    }
    member::leave(walk, eni, header)?;
    follow_from(walk, eni.vpc, eni.vswitch, (table, entry), header)
}

/// Follows routes from a vSwitch.
pub(super) fn follow<S: Sink>(
    walk: &mut Walk<'_, S>,
    vpc: VpcId,
    vswitch: VSwitchId,
    header: &Header,
) -> Step<Place> {
    let first = chosen(walk.w, vpc, vswitch, header.destination);
    follow_from(walk, vpc, vswitch, first, header)
}

/// Follows routes until the packet is delivered or lost. A packet that comes to an interface a second time would do
/// so for ever, since nothing about it has changed.
fn follow_from<S: Sink>(
    walk: &mut Walk<'_, S>,
    vpc: VpcId,
    mut vswitch: VSwitchId,
    first: (RouteTableId, Option<RouteEntry>),
    header: &Header,
) -> Step<Place> {
    let (mut table, mut chosen_entry) = first;
    let mut passed: Vec<EniId> = Vec::new();
    loop {
        let Some(entry) = chosen_entry else {
            return internet::leave(walk, vpc, vswitch, table, header);
        };
        walk.step(|| Hop::Route {
            vswitch,
            table,
            entry: entry.id,
            destination: entry.destination,
            next_hop: entry.next_hop,
        });
        let eni = match entry.next_hop {
            NextHop::Local => return local(walk, vpc, header),
            NextHop::Instance(id) => walk.w.get::<Instance>(&id).map(|instance| instance.primary(walk.w)),
            NextHop::NetworkInterface(id) => walk.w.get::<Eni>(&id),
        };
        let eni = eni.ok_or(Disposition::NextHopGone { entry: entry.id, next_hop: entry.next_hop })?;
        if eni.holds(header.destination) {
            return to_interface(walk, eni, header);
        }
        if passed.contains(&eni.id) {
            return Err(Disposition::Loop { eni: eni.id, entry: entry.id });
        }
        passed.push(eni.id);
        member::arrive(walk, eni, header)?;
        vswitch = eni.vswitch;
        (table, chosen_entry) = chosen(walk.w, vpc, vswitch, header.destination);
        if leads_behind(walk.w, eni, chosen_entry.as_ref(), header.destination) {
            return Ok(taken(walk, Place::Behind(eni.id)));
        }
        if let Some(instance) = eni.instance {
            walk.step(|| Hop::Forwarded { instance, eni: eni.id });
        }
        member::leave(walk, eni, header)?;
    }
}

/// Delivers a packet inside a VPC, or to the network of cloud services.
pub(super) fn local<S: Sink>(walk: &mut Walk<'_, S>, vpc: VpcId, header: &Header) -> Step<Place> {
    let address = header.destination;
    if in_cloud_services(address) {
        return Ok(taken(walk, Place::CloudService));
    }
    if let Some(eni) = eni_address::holder(walk.w, vpc, address) {
        return to_interface(walk, eni, header);
    }
    let IpAddr::V4(v4) = address else { return Err(Disposition::NobodyThere { vpc, address }) };
    let resident = walk.w.indexes().residents.by_address.get(&(vpc, v4));
    let resident = resident.and_then(|id| walk.w.get::<Resident>(id));
    let resident = resident.ok_or(Disposition::NobodyThere { vpc, address })?;
    member::arrive_at_resident(walk, resident, header)?;
    Ok(taken(walk, Place::Resident(resident.id)))
}

fn to_interface<S: Sink>(walk: &mut Walk<'_, S>, eni: &Eni, header: &Header) -> Step<Place> {
    member::arrive(walk, eni, header)?;
    Ok(taken(walk, Place::Interface(eni.id)))
}

fn taken<S: Sink>(walk: &mut Walk<'_, S>, place: Place) -> Place {
    walk.step(|| Hop::Taken { place });
    place
}

/// The table that holds for a vSwitch, and its entry for a destination.
fn chosen(
    w: &World,
    vpc: VpcId,
    vswitch: VSwitchId,
    destination: IpAddr,
) -> (RouteTableId, Option<RouteEntry>) {
    let custom = w.get::<VSwitch>(&vswitch).and_then(|s| s.route_table);
    let id = custom.unwrap_or_else(|| w.get::<Vpc>(&vpc).expect("a VPC outlives what is in it").system_table);
    let table = w.get::<RouteTable>(&id).expect("a table outlives the vSwitches that it holds for");
    (id, route_table::lookup(w, table, destination))
}

/// Whether a destination lies behind the instance of an interface.
///
/// What the guest does with a packet that is not for it is not modelled; but where the table of the interface's own
/// vSwitch leads to the interface itself, forwarding the packet there would bring it back, so that the route only makes
/// sense if the destination is inside the guest, as the container network of a node is. An address of a vSwitch is not.
fn leads_behind(w: &World, eni: &Eni, entry: Option<&RouteEntry>, destination: IpAddr) -> bool {
    let by_it = match entry.map(|entry| entry.next_hop) {
        Some(NextHop::NetworkInterface(id)) => id == eni.id,
        Some(NextHop::Instance(id)) => {
            w.get::<Instance>(&id).is_some_and(|instance| instance.primary_eni == eni.id)
        }
        Some(NextHop::Local) | None => false,
    };
    by_it && !in_vswitch(w, eni.vpc, destination)
}

fn in_vswitch(w: &World, vpc: VpcId, address: IpAddr) -> bool {
    let holds = |s: &VSwitch| {
        Cidr::from(s.block).contains_address(address)
            || s.ipv6.is_some_and(|block| Cidr::from(block).contains_address(address))
    };
    vpc::vswitches(w, vpc).any(holds)
}

/// Whether an address lies in the network of cloud services.
fn in_cloud_services(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if reserved::CLOUD_SERVICES.contains(Cidr4::host(v4)))
}
