//! The IPv6 block of a vSwitch: a /64 with a number, inside an IPv6 block of its VPC.

use crate::cidr::Cidr6;
use crate::ecs::eni::Eni;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, VSwitchId};
use crate::vpc::route_entry;
use crate::vpc::vpc::{Ipv6Block, Vpc};
use crate::world::World;

/// The block of an IPv6 subnet is given with the subnet's number.
pub(crate) fn check_ipv6_form(subnet: Option<u32>, parent: Option<Cidr6>) -> Outcome<()> {
    match (subnet, parent) {
        (None, Some(parent)) => Err(Refusal::new(ErrorCode::VSwitchIpv6Missing)
            .field("ipv6_subnet")
            .detail(format!("{parent} was given alone."))
            .accepted("the number of a /64 of the block")),
        _ => Ok(()),
    }
}

/// Reads the IPv6 block of a VPC as a caller writes it; one that does not read is none of the VPC's.
///
/// # Errors
/// [`ErrorCode::VSwitchIpv6Parent`].
pub fn parse_ipv6_parent(text: &str) -> Outcome<Cidr6> {
    text.parse().map_err(|e: crate::cidr::CidrError| {
        Refusal::new(ErrorCode::VSwitchIpv6Parent).field("vpc_ipv6_cidr_block").detail(format!("{e}."))
    })
}

/// The IPv6 block of the VPC that a subnet lies in: the first one, or the one that is given.
pub(crate) fn parent6(vpc: &Vpc, given: Option<Cidr6>) -> Outcome<&Ipv6Block> {
    let Some(first) = vpc.ipv6.first() else {
        return Err(Refusal::new(ErrorCode::Ipv6Disabled)
            .field("ipv6_subnet")
            .detail(format!("{} has none.", vpc.id))
            .accepted("a VPC with IPv6 enabled"));
    };
    let Some(given) = given else { return Ok(first) };
    vpc.ipv6.iter().find(|parent| parent.block == given).ok_or_else(|| {
        let blocks: Vec<String> = vpc.ipv6.iter().map(|parent| parent.block.to_string()).collect();
        Refusal::new(ErrorCode::VSwitchIpv6Parent)
            .field("vpc_ipv6_cidr_block")
            .detail(format!("{given} was given."))
            .accepted(blocks.join(", "))
    })
}

/// The /64 with this number inside an IPv6 block of the VPC.
pub(crate) fn subnet6(w: &World, vpc: &Vpc, given: Option<Cidr6>, number: u32) -> Outcome<Cidr6> {
    let parent = parent6(vpc, given)?;
    let block = parent.block.subnet(64, u128::from(number)).ok_or_else(|| {
        let most = (1u32 << (64 - parent.block.prefix_len())) - 1;
        Refusal::new(ErrorCode::VSwitchIpv6Malformed)
            .field("ipv6_subnet")
            .detail(format!("{number} was given."))
            .accepted(format!("0 to {most}"))
    })?;
    if let Some(other) = crate::vpc::vpc::vswitches(w, vpc.id).find(|s| s.ipv6 == Some(block)) {
        return Err(Refusal::new(ErrorCode::VSwitchIpv6Exists).field("ipv6_subnet").blockers([other.id]));
    }
    match route_entry::inside(w, vpc.id, block.into()).next() {
        None => Ok(block),
        Some((destination, entry)) => Err(Refusal::new(ErrorCode::VSwitchCidrRouteConflict)
            .field("ipv6_subnet")
            .detail(format!("A route leads to {destination}, which lies in {block}."))
            .blockers([entry])),
    }
}

/// The lowest /64 of the VPC's first IPv6 block that a vSwitch could have.
pub(crate) fn free_subnet6(w: &World, vpc: &Vpc) -> Outcome<Cidr6> {
    let subnets = 1u32 << (64 - parent6(vpc, None)?.block.prefix_len()).min(12);
    let mut free = (0..subnets).filter_map(|number| subnet6(w, vpc, None, number).ok());
    free.next().ok_or_else(|| {
        Refusal::new(ErrorCode::VSwitchIpv6Exists).field("enable_ipv6").detail("Every IPv6 subnet is taken.")
    })
}

/// A vSwitch keeps its IPv6 block while interfaces hold addresses of it or parts of it are reserved.
pub(crate) fn check_ipv6_unused(w: &World, vswitch: VSwitchId) -> Outcome<()> {
    let enis = w.indexes().enis.by_vswitch.of(&vswitch).filter_map(|id| w.get::<Eni>(id));
    let holders = enis.filter(|e| e.ipv6_slots() > 0).map(|e| AnyId::from(e.id));
    let reserved = crate::vpc::cidr_reservation::of_vswitch(w, vswitch).filter(|r| !r.block.is_v4());
    let users: Vec<AnyId> = holders.chain(reserved.map(|r| r.id.into())).take(20).collect();
    if users.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::VSwitchIpv6InUse).field("ipv6_subnet").blockers(users))
}
