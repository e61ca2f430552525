//! Secondary blocks: further IPv4 and IPv6 networks of a VPC.
//!
//! At most 5 IPv4 blocks by default, apart from each other and from the primary; at most 5 IPv6 blocks, each a
//! /56 that the platform assigns (provider documentation: AssociateVpcCidrBlock).

use crate::access::Caller;
use crate::cidr::reserved::{self, RuleError};
use crate::cidr::{Cidr4, Cidr6};
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::VpcId;
use crate::quota::Quota;
use crate::vpc::vpc::{Ipv6Block, Vpc, assign_ipv6, check_isp, check_no_ipv6_gateway, users, vswitches};
use crate::world::World;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// Reads a secondary block as a caller writes it.
///
/// # Errors
/// [`ErrorCode::SecondaryCidrMalformed`] with the form that would pass.
pub fn parse_block(text: &str) -> Outcome<Cidr4> {
    crate::cidr_input::parse4(text, "cidr_block", ErrorCode::SecondaryCidrMalformed)
}

/// Reads a secondary IPv6 block.
///
/// # Errors
/// [`ErrorCode::Ipv6CidrMalformed`].
pub fn parse_block6(text: &str) -> Outcome<Cidr6> {
    text.parse().map_err(|e: crate::cidr::CidrError| {
        Refusal::new(ErrorCode::Ipv6CidrMalformed).field("ipv6_cidr_block").detail(format!("{e}."))
    })
}

/// Adds a secondary IPv4 block to a VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddSecondaryBlock {
    /// The VPC.
    pub vpc: VpcId,
    /// The block.
    pub block: Cidr4,
}

/// Handles [`AddSecondaryBlock`].
///
/// # Errors
/// The form of the block; an unknown VPC or one in transition; a block that is there, overlaps another or clashes
/// with a route; the quota.
pub fn add(w: &mut World, caller: &Caller, c: &AddSecondaryBlock) -> Outcome<Reply> {
    reserved::check_secondary_block(c.block, w.settings().disputed.secondary_mask_min, &[]).map_err(
        |broken| {
            let code = match broken {
                RuleError::Length { .. } => ErrorCode::SecondaryCidrMask,
                _ => ErrorCode::SecondaryCidrForbidden,
            };
            crate::cidr_input::refusal(code, "cidr_block", &broken)
        },
    )?;
    let vpc = w.visible::<Vpc>(caller, c.vpc)?;
    vpc.check_available()?;
    let refuse = |code, detail: String| Refusal::new(code).field("cidr_block").detail(detail);
    if vpc.secondary.contains(&c.block) {
        return Err(refuse(ErrorCode::SecondaryCidrDuplicate, format!("{} is one of its blocks.", c.block)));
    }
    if let Some(other) = vpc.blocks().find(|b| b.overlaps(c.block)) {
        return Err(refuse(ErrorCode::SecondaryCidrOverlap, format!("{} overlaps {other}.", c.block)));
    }
    let clashing = crate::vpc::route_entry::conflicts_with(w, c.vpc, c.block);
    if !clashing.is_empty() {
        let detail = format!("{} equals or contains the destination of an entry.", c.block);
        return Err(refuse(ErrorCode::SecondaryCidrRouteConflict, detail).blockers(clashing));
    }
    let used = vpc.secondary.len() as u64;
    Quota::SecondaryCidrsPerVpc.check(w, caller.account, used, 1, ErrorCode::SecondaryCidrQuota)?;
    w.update::<Vpc>(&c.vpc, |vpc| vpc.secondary.push(c.block));
    Ok(Reply::Done)
}

/// Takes a secondary IPv4 block off a VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveSecondaryBlock {
    /// The VPC.
    pub vpc: VpcId,
    /// The block.
    pub block: Cidr4,
}

/// Handles [`RemoveSecondaryBlock`].
///
/// # Errors
/// An unknown VPC or one in transition, a block it does not have, vSwitches, sources of SNAT entries or hosts of DNAT
/// entries inside the block.
pub fn remove(w: &mut World, caller: &Caller, c: &RemoveSecondaryBlock) -> Outcome<Reply> {
    let vpc = w.visible::<Vpc>(caller, c.vpc)?;
    if !vpc.secondary.contains(&c.block) {
        let known = vpc.secondary.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let refusal = Refusal::new(ErrorCode::SecondaryCidrNotFound)
            .field("cidr_block")
            .detail(format!("{} is not one of its secondary blocks.", c.block));
        return Err(if known.is_empty() { refusal } else { refusal.accepted(known) });
    }
    vpc.check_available()?;
    let inside = users(w, c.vpc, |part| c.block.contains(part));
    if !inside.is_empty() {
        return Err(Refusal::new(ErrorCode::SecondaryCidrInUse).field("cidr_block").blockers(inside));
    }
    w.update::<Vpc>(&c.vpc, |vpc| vpc.secondary.retain(|b| *b != c.block));
    Ok(Reply::Done)
}

/// Adds an IPv6 block to a VPC: a /56 that the platform assigns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddIpv6Block {
    /// The VPC.
    pub vpc: VpcId,
    /// A block that the caller wants; the platform refuses what it did not reserve.
    pub block: Option<Cidr6>,
    /// The lines it is announced on; BGP if absent.
    pub isp: Option<CompactString>,
}

/// Handles [`AddIpv6Block`].
///
/// # Errors
/// The form; an unknown VPC, one in transition or without IPv6; a block that was not reserved; the quota.
pub fn add_ipv6(w: &mut World, caller: &Caller, c: &AddIpv6Block) -> Outcome<Reply> {
    let isp = check_isp(c.isp.as_deref())?;
    if let Some(block) = c.block {
        reserved::check_vpc_ipv6_block(block).map_err(|broken| {
            crate::cidr_input::refusal(ErrorCode::Ipv6CidrMalformed, "ipv6_cidr_block", &broken)
        })?;
    }
    let vpc = w.visible::<Vpc>(caller, c.vpc)?;
    vpc.check_available()?;
    if let Some(block) = c.block {
        return Err(Refusal::new(ErrorCode::SecondaryIpv6NotReserved)
            .field("ipv6_cidr_block")
            .detail(format!("{block} was given."))
            .accepted("no block at all: the platform assigns one"));
    }
    // The first block is the VPC's own; only those beyond it count.
    let used = (vpc.ipv6.len() as u64).saturating_sub(1);
    let more = u64::from(!vpc.ipv6.is_empty());
    Quota::SecondaryIpv6CidrsPerVpc.check(w, caller.account, used, more, ErrorCode::SecondaryIpv6Quota)?;
    let block = assign_ipv6(w);
    w.update::<Vpc>(&c.vpc, |vpc| vpc.ipv6.push(Ipv6Block { block, isp }));
    Ok(Reply::Done)
}

/// Takes a secondary IPv6 block off a VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveIpv6Block {
    /// The VPC.
    pub vpc: VpcId,
    /// The block.
    pub block: Cidr6,
}

/// Handles [`RemoveIpv6Block`].
///
/// # Errors
/// An unknown VPC or one in transition, a block it does not have, vSwitches inside the block, an IPv6 gateway that would be left
/// without one.
pub fn remove_ipv6(w: &mut World, caller: &Caller, c: &RemoveIpv6Block) -> Outcome<Reply> {
    let vpc = w.visible::<Vpc>(caller, c.vpc)?;
    if !vpc.ipv6.iter().any(|b| b.block == c.block) {
        return Err(Refusal::new(ErrorCode::SecondaryIpv6NotFound)
            .field("ipv6_cidr_block")
            .detail(format!("{} is not one of its blocks.", c.block)));
    }
    vpc.check_available()?;
    let inside: Vec<_> =
        vswitches(w, c.vpc).filter(|s| s.ipv6.is_some_and(|b| c.block.contains(b))).map(|s| s.id).collect();
    if !inside.is_empty() {
        return Err(Refusal::new(ErrorCode::Ipv6InUse).field("ipv6_cidr_block").blockers(inside));
    }
    // The last one takes IPv6 away from the VPC.
    if vpc.ipv6.len() == 1 {
        check_no_ipv6_gateway(w, vpc, "ipv6_cidr_block")?;
    }
    w.update::<Vpc>(&c.vpc, |vpc| vpc.ipv6.retain(|b| b.block != c.block));
    Ok(Reply::Done)
}
