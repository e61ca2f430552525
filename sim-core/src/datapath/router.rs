//! What router interfaces carry: from the router of one VPC to that of another.
//!
//! The router where a packet comes out looks the destination up in its system table: it delivers inside its VPC, sends the
//! packet on by another router interface, or gives it to an instance or an interface that forwards. The custom tables of
//! its vSwitches are for what its own interfaces send. It takes nothing to the internet and nothing on over a peering
//! connection for another VPC, and reaches no cloud services for it, as is true of peering. No page says what it does with
//! a destination of another VPC's; that its own table holds is chosen here, as its routes are made by hand on both sides.

use super::flow::Header;
use super::hop::{Disposition, Hop, Place};
use super::member;
use super::routing::{self, Next};
use super::sink::Sink;
use super::trace::{Step, Walk};
use crate::id::{RouteEntryId, RouterInterfaceId};
use crate::vpc::next_hop::NextHop;
use crate::vpc::route_table;
use crate::vpc::router_connection;
use crate::vpc::router_interface::RouterInterface;
use crate::vpc::vpc::Vpc;

/// A packet that an entry leads to a router interface. One that comes to the same a second time would do so for ever.
pub(super) fn cross<S: Sink>(
    walk: &mut Walk<'_, S>,
    mut id: RouterInterfaceId,
    mut entry: RouteEntryId,
    header: &Header,
) -> Step<Place> {
    let w = walk.w;
    loop {
        if walk.crossed.contains(&id) {
            return Err(Disposition::Loop { at: id.into(), entry });
        }
        walk.crossed.push(id);
        let own = w.get::<RouterInterface>(&id).expect("an interface outlives the routes to it");
        let Some(other) = router_connection::across(w, own) else {
            let opposite = router_connection::other_end(w, own).map(|other| other.status.text());
            let status = own.status.text();
            return Err(Disposition::RouterInterfaceDown { router_interface: id, status, opposite });
        };
        let vpc = other.vpc;
        walk.step(|| Hop::Crossed { router_interface: id, vpc });
        let nobody = Disposition::NobodyThere { vpc, address: header.destination };
        if routing::in_cloud_services(header.destination) {
            return Err(nobody);
        }
        let table = w.get::<Vpc>(&vpc).expect("a VPC outlives the interfaces of its router").system_table;
        let entries = route_table::compiled(w, table).expect("a VPC outlives no system table");
        let chosen = entries.lookup(header.destination).copied().ok_or(nobody)?;
        if chosen.next_hop == NextHop::Local {
            return routing::from_outside(walk, vpc, header);
        }
        let (destination, next_hop) = (chosen.destination, chosen.next_hop);
        walk.step(|| Hop::RouterRoute { vpc, table, entry: chosen.id, destination, next_hop });
        let next = Next::of(walk, vpc, next_hop, header.destination);
        match routing::answered(walk, next)? {
            Next::Router(next) => (id, entry) = (next, chosen.id),
            Next::Interface(host) if !member::has(w, host.eni, header.destination) => {
                return routing::pass_on(walk, &host, header);
            }
            Next::Gone => return Err(Disposition::NextHopGone { entry: chosen.id, next_hop }),
            reached => return routing::deliver(walk, vpc, None, reached, header),
        }
    }
}
