//! A route table of an IPv4 gateway: what comes into the VPC by the gateway asks it where to go on.
//!
//! A VPC has one such table. It has the system entries to the vSwitches and no others; each can be given an instance or a
//! network interface as its next hop, and back to Local (provider documentation: route tables, 2026;
//! AssociateRouteTableWithGateway, UpdateGatewayRouteTableEntryAttribute).

use crate::access::Caller;
use crate::cidr::Cidr;
use crate::command::Reply;
use crate::ecs::eni::{Eni, EniKind};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{Ipv4GatewayId, RouteTableId, VpcId};
use crate::vpc::ipv4_gateway::{self, GatewayStatus, Ipv4Gateway};
use crate::vpc::next_hop::{self, Hops, NextHop, NextHopKind};
use crate::vpc::route_entry::{self, DESCRIPTION, NAME, RouteEntry};
use crate::vpc::route_table::{AssociateType, RouteTable};
use crate::world::World;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// Binds a route table of its VPC to an active IPv4 gateway, which is Modifying meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssociateGatewayRouteTable {
    /// The route table.
    pub route_table: RouteTableId,
    /// The gateway.
    pub gateway: Ipv4GatewayId,
}

/// Reads the provider's word for a type of gateway: route tables are bound to IPv4 gateways.
///
/// # Errors
/// [`ErrorCode::GatewayTypeUnknown`], [`ErrorCode::GatewayTypeIpv6`].
pub fn check_gateway_type(text: &str) -> Outcome<()> {
    let code = match text {
        "IPv4Gateway" | "Ipv4Gateway" => return Ok(()),
        "IPv6Gateway" | "Ipv6Gateway" => ErrorCode::GatewayTypeIpv6,
        _ => ErrorCode::GatewayTypeUnknown,
    };
    Err(Refusal::new(code).field("gateway_type").given(text).accepted("IPv4Gateway"))
}

fn check_of_gateway(table: &RouteTable) -> Outcome<()> {
    if table.associate_type == AssociateType::Gateway {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::RouteTableOfVSwitches)
        .field("route_table_id")
        .detail(format!("{} is for vSwitches.", table.id))
        .accepted("a route table that was made for gateways"))
}

/// Handles [`AssociateGatewayRouteTable`].
///
/// # Errors
/// An unknown table or gateway; a table for vSwitches; another VPC; either in transition; a gateway that is not active;
/// either bound already.
pub fn associate(w: &mut World, caller: &Caller, c: &AssociateGatewayRouteTable) -> Outcome<Reply> {
    let table = w.visible::<RouteTable>(caller, c.route_table)?;
    let gateway = w.visible::<Ipv4Gateway>(caller, c.gateway)?;
    check_of_gateway(table)?;
    if table.vpc != gateway.vpc {
        return Err(Refusal::new(ErrorCode::GatewayTableOtherVpc)
            .field("ipv4_gateway_id")
            .detail(format!("{} is in {}, {} in {}.", table.id, table.vpc, gateway.id, gateway.vpc)));
    }
    table.check_available()?;
    gateway.check_created()?;
    if !gateway.enabled {
        return Err(Refusal::new(ErrorCode::Ipv4GatewayNotActive)
            .field("ipv4_gateway_id")
            .detail(format!("{} is not active.", gateway.id))
            .accepted("a gateway that was activated"));
    }
    if gateway.route_table == Some(table.id) {
        return Err(Refusal::new(ErrorCode::GatewayTableAssociated)
            .field("route_table_id")
            .detail(format!("{} is bound to {}.", table.id, gateway.id))
            .blockers([gateway.id]));
    }
    w.update::<Ipv4Gateway>(&c.gateway, |gateway| gateway.route_table = Some(c.route_table));
    ipv4_gateway::begin(w, c.gateway, GatewayStatus::Modifying);
    Ok(Reply::Done)
}

/// Takes a route table off its gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DissociateGatewayRouteTable {
    /// The route table.
    pub route_table: RouteTableId,
    /// The gateway.
    pub gateway: Ipv4GatewayId,
}

/// Handles [`DissociateGatewayRouteTable`].
///
/// # Errors
/// An unknown table or gateway; a table for vSwitches; either in transition; a table that is not the gateway's.
pub fn dissociate(w: &mut World, caller: &Caller, c: &DissociateGatewayRouteTable) -> Outcome<Reply> {
    let table = w.visible::<RouteTable>(caller, c.route_table)?;
    let gateway = w.visible::<Ipv4Gateway>(caller, c.gateway)?;
    check_of_gateway(table)?;
    table.check_available()?;
    gateway.check_created()?;
    if gateway.route_table != Some(table.id) {
        return Err(Refusal::new(ErrorCode::GatewayTableNotAssociated)
            .field("ipv4_gateway_id")
            .detail(format!("{} is not bound to {}.", table.id, gateway.id))
            .blockers(gateway.route_table));
    }
    w.update::<Ipv4Gateway>(&c.gateway, |gateway| gateway.route_table = None);
    ipv4_gateway::begin(w, c.gateway, GatewayStatus::Modifying);
    Ok(Reply::Done)
}

/// The gateway to which a route table is bound.
pub fn gateway_of<'w>(w: &'w World, table: &RouteTable) -> Option<&'w Ipv4Gateway> {
    ipv4_gateway::of_vpc(w, table.vpc).filter(|gateway| gateway.route_table == Some(table.id))
}

/// The entries of a gateway's table: those to vSwitches, by IPv4.
pub fn entries<'w>(w: &'w World, table: &RouteTable) -> impl Iterator<Item = RouteEntry> + use<'w> {
    let cloud = Cidr::from(crate::cidr::reserved::CLOUD_SERVICES);
    route_entry::of_table(w, table, None).filter(move |e| e.destination.is_v4() && e.destination != cloud)
}

/// The route table of gateways with this id.
///
/// # Errors
/// [`ErrorCode::RouteTableNotFound`], [`ErrorCode::RouteTableOfVSwitches`].
pub fn find<'w>(w: &'w World, caller: &Caller, id: RouteTableId) -> Outcome<&'w RouteTable> {
    let table = w.visible::<RouteTable>(caller, id)?;
    check_of_gateway(table)?;
    Ok(table)
}

/// The entry by which what comes into a VPC by its IPv4 gateway is led elsewhere than to its destination.
pub fn redirection(w: &World, vpc: VpcId, destination: Ipv4Addr) -> Option<(Ipv4GatewayId, RouteEntry)> {
    let gateway = ipv4_gateway::of_vpc(w, vpc)?;
    let table = w.get::<RouteTable>(&gateway.route_table?)?;
    let entry = crate::vpc::route_table::lookup(w, table, destination.into())?;
    (entry.next_hop != NextHop::Local).then_some((gateway.id, entry))
}

/// Gives an entry of a gateway's table another next hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateGatewayRouteEntry {
    /// The route table.
    pub route_table: RouteTableId,
    /// The destination of the entry: the block of a vSwitch.
    pub destination: CompactString,
    /// Instance, NetworkInterface or Local.
    pub next_hop_kind: CompactString,
    /// The id of the next hop; none for Local.
    pub next_hop: Option<CompactString>,
    /// The name of the entry, which a local one has not.
    pub name: Option<CompactString>,
    /// The description of the entry, which a local one has not.
    pub description: Option<CompactString>,
}

/// The new next hop as the caller gives it: none is Local.
fn check_hop(c: &UpdateGatewayRouteEntry) -> Outcome<Option<Hops<'_>>> {
    let kind = match c.next_hop_kind.as_str() {
        text if text.eq_ignore_ascii_case("local") => None,
        "Instance" => Some(NextHopKind::Instance),
        "NetworkInterface" => Some(NextHopKind::NetworkInterface),
        other => {
            let shown = crate::error::beginning(other);
            return Err(Refusal::new(ErrorCode::GatewayHopUnsupported)
                .field("next_hop_type")
                .detail(format!("{shown:?} was given."))
                .accepted("Instance, NetworkInterface, Local"));
        }
    };
    match (kind, &c.next_hop) {
        (None, Some(_)) => Err(Refusal::new(ErrorCode::GatewayHopExclusive)
            .field("next_hop_id")
            .accepted("no id beside the type Local")),
        (Some(_), None) => Err(Refusal::new(ErrorCode::MissingParameter).field("next_hop_id")),
        (None, None) if c.name.is_some() || c.description.is_some() => {
            Err(Refusal::new(ErrorCode::GatewayLocalText)
                .field("name")
                .accepted("neither name nor description"))
        }
        (None, None) => Ok(None),
        (Some(kind), Some(id)) => Ok(Some(Hops::One(kind, id))),
    }
}

/// Handles [`UpdateGatewayRouteEntry`].
///
/// # Errors
/// The form of name, description, destination and next hop; an unknown table, or one for vSwitches; no such entry; table, VPC
/// or entry in transition or busy; a next hop in place of another; a next hop that does not exist, is in transition, in
/// another VPC, or a trunk or member.
pub fn update(w: &mut World, caller: &Caller, c: &UpdateGatewayRouteEntry) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    let hops = check_hop(c)?;
    let destination = route_entry::parse_destination(&c.destination)?;
    let table = find(w, caller, c.route_table)?;
    let entry = entries(w, table).find(|entry| entry.destination == destination).ok_or_else(|| {
        Refusal::new(ErrorCode::GatewayEntryNotFound)
            .field("destination")
            .detail(format!("{} has no entry for {destination}.", table.id))
            .accepted("the block of a vSwitch")
    })?;
    entry.check_available()?;
    route_entry::check_writable(w, caller, table)?;
    let Some(hops) = hops else {
        w.remove::<RouteEntry>(&entry.id);
        return Ok(Reply::Done);
    };
    let next_hop = next_hop::resolve(w, caller, table, destination, hops)?;
    if entry.next_hop != NextHop::Local && entry.next_hop != next_hop {
        return Err(Refusal::new(ErrorCode::GatewayEntryRedirected)
            .field("next_hop_id")
            .detail(format!("{} leads to another next hop.", entry.id))
            .accepted("the type Local first, and then the new next hop")
            .blockers(entry.next_hop.id()));
    }
    check_ordinary(w, next_hop)?;
    let next_hop = Some(next_hop).filter(|next_hop| *next_hop != entry.next_hop);
    let name = c.name.as_ref().map(|_| name);
    let description = c.description.as_ref().map(|_| description);
    route_entry::put_changed(w, entry, next_hop, name, description);
    Ok(Reply::Done)
}

/// A next hop of a gateway's table is neither a trunk nor a member of one.
fn check_ordinary(w: &World, next_hop: NextHop) -> Outcome<()> {
    let NextHop::NetworkInterface(id) = next_hop else { return Ok(()) };
    match w.get::<Eni>(&id) {
        Some(eni) if matches!(eni.kind, EniKind::Trunk | EniKind::Member) => {
            Err(Refusal::new(ErrorCode::GatewayHopEniKind)
                .field("next_hop_id")
                .detail(format!("{id} is of the type {}.", eni.kind.text()))
                .accepted("a primary or secondary network interface"))
        }
        _ => Ok(()),
    }
}
