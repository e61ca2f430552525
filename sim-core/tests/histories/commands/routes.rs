//! Route tables and entries.

use crate::dice::Dice;
use compact_str::{CompactString, ToCompactString};
use sim_core::Command;
use sim_core::ecs::eni::Eni;
use sim_core::ecs::instance::Instance;
use sim_core::id::{EniId, InstanceId, RouteEntryId, RouteTableId, RouterInterfaceId, VpcPeerId};
use sim_core::vpc::ha_vip::HaVip;
use sim_core::vpc::next_hop::{HopChoice, WeightedHop};
use sim_core::vpc::route_entry::{self, *};
use sim_core::vpc::route_table::{AssociateType, CreateRouteTable, RouteTable, UnassociateRouteTable};
use sim_core::vpc::router_interface::{RouterInterface, RouterInterfaceStatus};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vpc_peer::{PeerStatus, VpcPeer};
use sim_core::vpc::vswitch::VSwitch;

pub fn create_table(d: &mut Dice<'_>) -> Command {
    let associate_type = if d.once_in(5) { AssociateType::Gateway } else { AssociateType::VSwitch };
    CreateRouteTable {
        vpc: d.id::<Vpc>(),
        associate_type,
        name: d.text(),
        description: d.text(),
        tags: d.tags(),
    }
    .into()
}

pub fn unassociate(d: &mut Dice<'_>) -> Command {
    let bound = d.own::<VSwitch>().filter(|s| s.route_table.is_some());
    let table = bound.and_then(|s| s.route_table).unwrap_or_else(|| d.id::<RouteTable>());
    UnassociateRouteTable { route_table: table, vswitch: bound.map_or_else(|| d.id::<VSwitch>(), |s| s.id) }
        .into()
}

pub fn destination(d: &mut Dice<'_>) -> CompactString {
    match d.roll(8) {
        0..5 => d
            .pick(&[
                "0.0.0.0/0",
                "192.168.0.0/16",
                "10.0.0.0/8",
                "10.0.5.0/24",
                "10.0.0.0/12",
                "47.1.2.3",
                "::/0",
            ])
            .into(),
        5 => d.own::<VSwitch>().map_or("10.0.0.0/24".into(), |s| s.block.to_compact_string()),
        6 => {
            d.own::<VSwitch>().map_or("10.0.0.0/25".into(), |s| d.part(s.block, 26..=32).to_compact_string())
        }
        _ => d.pick(&["100.64.0.0/10", "100.64.1.0/24", "2001:db8::/32", "10.0.0.1/8", "pl-none"]).into(),
    }
}

pub fn table_text(d: &mut Dice<'_>) -> CompactString {
    if d.once_in(20) { "vtb-none".into() } else { d.id::<RouteTable>().to_compact_string() }
}

/// The type and id of a next hop, mostly one in the VPC of the table.
pub fn hop(d: &mut Dice<'_>, table: &str) -> (CompactString, CompactString) {
    let vpc = table.parse::<RouteTableId>().ok().and_then(|id| d.world.get::<RouteTable>(&id)).map(|t| t.vpc);
    let anywhere = d.once_in(12);
    let near = |of| anywhere || vpc.is_none_or(|vpc| vpc == of);
    let enis: Vec<EniId> = d.world.table::<Eni>().iter().filter(|e| near(e.vpc)).map(|e| e.id).collect();
    let instances = d.world.table::<Instance>().iter();
    let instances: Vec<InstanceId> = instances.filter(|i| near(i.vpc)).map(|i| i.id).collect();
    let peers = d.world.table::<VpcPeer>().iter();
    let at_work = |p: &&VpcPeer| p.status == PeerStatus::Activated;
    let near = |p: &&VpcPeer| anywhere || at_work(p) && vpc.is_none_or(|vpc| p.other_side(vpc).is_some());
    let peers: Vec<VpcPeerId> = peers.filter(near).map(|p| p.id).collect();
    let interfaces = d.world.table::<RouterInterface>().iter();
    let at_work = |r: &&RouterInterface| r.status == RouterInterfaceStatus::Active;
    let near = |r: &&RouterInterface| anywhere || at_work(r) && vpc.is_none_or(|vpc| vpc == r.vpc);
    let interfaces: Vec<RouterInterfaceId> = interfaces.filter(near).map(|r| r.id).collect();
    if !interfaces.is_empty() && d.roll(3) == 0 {
        return ("RouterInterface".into(), d.pick(&interfaces).to_compact_string());
    }
    if !peers.is_empty() && d.roll(3) == 0 {
        return ("VpcPeer".into(), d.pick(&peers).to_compact_string());
    }
    match d.roll(8) {
        0..5 => ("NetworkInterface".into(), d.one_of(&enis).to_compact_string()),
        5..7 => ("Instance".into(), d.one_of(&instances).to_compact_string()),
        _ if d.once_in(2) => ("HaVip".into(), d.id::<HaVip>().to_compact_string()),
        _ => (d.pick(&["NatGateway", "Teleport"]).into(), "ngw-none".into()),
    }
}

pub fn new_entry(d: &mut Dice<'_>) -> NewEntry {
    let table = table_text(d);
    let destination = destination(d);
    let (kind, id) = hop(d, &table);
    let list = if d.once_in(16) {
        let one = |id: &str| WeightedHop { kind: "RouterInterface".into(), id: id.into(), weight: Some(1) };
        vec![one("ri-1"), one("ri-2")]
    } else {
        Vec::new()
    };
    let next_hop = if list.is_empty() {
        HopChoice { kind: Some(kind), id: Some(id), list }
    } else {
        HopChoice { kind: None, id: None, list }
    };
    NewEntry { table, destination, next_hop, name: d.text(), description: d.text() }
}

/// Names an entry that is there, system or custom, by its id or its destination.
pub fn entry_ref(d: &mut Dice<'_>) -> (EntryRef, Option<RouteEntry>) {
    let Some(table) = d.own::<RouteTable>() else {
        let entry = Some(crate::dice::nobody::<RouteEntryId>().to_compact_string());
        return (EntryRef { entry, table: None, destination: None }, None);
    };
    let mut entries: Vec<RouteEntry> = route_entry::of_table(d.world, table, None).collect();
    // What callers made comes last in a table and is the more interesting.
    entries.reverse();
    let entry = d.pick(&entries);
    let named = if d.once_in(4) {
        EntryRef {
            entry: None,
            table: Some(table.id.to_compact_string()),
            destination: Some(entry.destination.to_compact_string()),
        }
    } else {
        EntryRef { entry: Some(entry.id.to_compact_string()), table: None, destination: None }
    };
    (named, Some(entry))
}

pub fn modify_entry(d: &mut Dice<'_>) -> Command {
    let (entry, found) = entry_ref(d);
    let table = found.map(|e| e.table.to_compact_string()).unwrap_or_default();
    let new = d.maybe(|d| hop(d, &table));
    let (next_hop_kind, next_hop) = new.unzip();
    ModifyRouteEntry { entry, name: d.text(), description: d.text(), next_hop_kind, next_hop }.into()
}

pub fn delete_entry(d: &mut Dice<'_>) -> Command {
    let made: Vec<&RouteEntry> = d.world.table::<RouteEntry>().iter().collect();
    let (entry, found) = if made.is_empty() || d.once_in(3) {
        entry_ref(d)
    } else {
        let made = d.pick(&made);
        (
            EntryRef { entry: Some(made.id.to_compact_string()), table: None, destination: None },
            Some(made.clone()),
        )
    };
    let hop = found.and_then(|e| e.next_hop.id()).map(|id| id.to_compact_string());
    let next_hop = if entry.entry.is_none() || d.once_in(4) { hop } else { None };
    DeleteRouteEntry { entry, next_hop, next_hops: Vec::new() }.into()
}
