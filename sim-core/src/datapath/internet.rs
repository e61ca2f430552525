//! The way between a VPC and the internet.

use super::flow::{Header, is_public};
use super::hop::Place;
use super::hop::{Disposition, Sink};
use super::trace::{Step, Walk};
use crate::cidr::Cidr;
use crate::ecs::eni_address;
use crate::id::{RouteTableId, VSwitchId, VpcId};
use crate::vpc::vpc::Vpc;
use crate::world::World;
use std::net::IpAddr;

/// A packet for which no route is left: a public destination may be reached all the same, by a public address of the
/// sender's own. Nothing in the world gives it one.
pub(super) fn leave<S: Sink>(
    walk: &mut Walk<'_, S>,
    vpc: VpcId,
    vswitch: VSwitchId,
    table: RouteTableId,
    header: &Header,
) -> Step<Place> {
    if is_outside(walk.w, vpc, header.destination) {
        return Err(Disposition::NoPublicPath { vpc, address: header.source });
    }
    Err(Disposition::NoRoute { vswitch, table, address: header.destination })
}

/// A packet from the internet: a public IPv4 address leads to what it is bound to, an IPv6 address to its holder by the
/// IPv6 gateway of the VPC. Nothing in the world has either.
pub(super) fn enter<S: Sink>(walk: &mut Walk<'_, S>, header: &Header) -> Step<Place> {
    let address = header.destination;
    if !is_public(address) {
        return Err(Disposition::PrivateFromOutside { address });
    }
    let holder = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(v6) => eni_address::holder6(walk.w, v6),
    };
    match holder {
        Some(eni) => Err(Disposition::NoPublicPath { vpc: eni.vpc, address }),
        None => Err(Disposition::NoPublicAddress { address }),
    }
}

/// Whether a VPC takes an address for one of the internet: user CIDRs and its own blocks are private to it.
fn is_outside(w: &World, vpc: VpcId, address: IpAddr) -> bool {
    let own = w.get::<Vpc>(&vpc).is_some_and(|vpc| {
        let v4 = vpc.blocks().chain(vpc.user_cidrs.iter().copied()).map(Cidr::from);
        let v6 = vpc.ipv6.iter().map(|b| Cidr::from(b.block));
        v4.chain(v6).any(|block| block.contains_address(address))
    });
    is_public(address) && !own
}
