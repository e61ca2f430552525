//! What is true of the rows of peering connections in every world.

use sim_core::World;
use sim_core::vpc::route_entry::{self, RouteEntry};
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
