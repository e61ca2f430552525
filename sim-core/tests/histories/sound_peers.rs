//! What is true of the rows of peering connections and router interfaces in every world.

use sim_core::World;
use sim_core::vpc::route_entry::{self, RouteEntry};
use sim_core::vpc::router_interface::{Role, RouterInterface, RouterInterfaceStatus};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vpc_peer::{PeerStatus, VpcPeer};
use std::collections::BTreeSet;

/// Both VPCs of a connection are there, no other connects them, and only one that is at work has routes.
pub fn check(w: &World) {
    let mut pairs = BTreeSet::new();
    for p in w.table::<VpcPeer>().iter() {
        assert!(p.vpc != p.accepting_vpc);
        assert!(
            pairs.insert([p.vpc.min(p.accepting_vpc), p.vpc.max(p.accepting_vpc)]),
            "{} is a second one",
            p.id
        );
        for (vpc, owner) in [(p.vpc, &p.owner), (p.accepting_vpc, &p.accepter)] {
            assert_eq!(w.get::<Vpc>(&vpc).expect("a VPC outlives its connections").owner, *owner);
        }
        let line = p.crosses_regions();
        assert_eq!((p.bandwidth.is_some(), p.link_type.is_some()), (line, line));
        let moving = matches!(p.status, PeerStatus::Creating | PeerStatus::Updating | PeerStatus::Deleting);
        assert_eq!(p.settles.is_some(), moving);
        let carries =
            p.status == PeerStatus::Activated || p.status == PeerStatus::Updating && p.expires.is_none();
        for entry in route_entry::next_hop_users(w, p.id) {
            let vpc = w.get::<RouteEntry>(&entry).unwrap().vpc;
            assert!(carries && p.other_side(vpc).is_some(), "{entry} leads to {}", p.id);
        }
    }
}

/// An interface is of the router of a VPC of its owner's; one that was connected names the other end, which names it in turn
/// while it is there, and only one that was connected has routes.
pub fn check_router_interfaces(w: &World) {
    let mut pairs = BTreeSet::new();
    for r in w.table::<RouterInterface>().iter() {
        let vpc = w.get::<Vpc>(&r.vpc).expect("a VPC outlives the interfaces of its router");
        assert_eq!((vpc.vrouter, &vpc.owner), (r.vrouter, &r.owner));
        assert_eq!(r.spec.is_some(), r.role == Role::Initiating);
        assert_eq!(r.settles.is_none(), r.status.is_settled());
        assert!(r.status != RouterInterfaceStatus::Idle || r.connected.is_none());
        let routes = route_entry::next_hop_users(w, r.id);
        assert!(routes.is_empty() || r.connected.is_some(), "{} is not connected", r.id);
        for entry in routes {
            assert_eq!(w.get::<RouteEntry>(&entry).unwrap().vpc, r.vpc);
        }
        if r.connected.is_none() {
            continue;
        }
        let id = r.opposite.router_interface.expect("one that was connected names the other end");
        assert!(pairs.insert((r.vrouter, r.opposite.vrouter)), "{} is a second one", r.id);
        if let Some(other) = w.get::<RouterInterface>(&id) {
            assert_eq!(other.opposite.router_interface, Some(r.id));
            assert!(other.role != r.role && other.owner.region == r.opposite.region);
            assert_eq!(Some(other.vrouter), r.opposite.vrouter);
            assert_eq!(Some(other.owner.account), r.opposite.account);
        }
    }
}
