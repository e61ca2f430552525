//! Which blocks a VPC and its parts may use, and which addresses the provider keeps.
//!
//! Source: the provider's VPC documentation and API reference; ranges of special
//! purpose from RFC 1918, RFC 6598 and RFC 6890.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use thiserror::Error;

use crate::cidr::block::{Block, Cidr4, Cidr6};

/// Addresses kept at the start of an IPv4 vSwitch.
pub const RESERVED_IPV4_FIRST: u32 = 1;
/// Addresses kept at the end of an IPv4 vSwitch.
pub const RESERVED_IPV4_LAST: u32 = 3;
/// Addresses kept at the start of an IPv6 vSwitch.
pub const RESERVED_IPV6_FIRST: u32 = 1;
/// Addresses kept at the end of an IPv6 vSwitch.
pub const RESERVED_IPV6_LAST: u32 = 9;

/// Lengths of a VPC's primary IPv4 block.
pub const VPC_LENGTHS: RangeInclusive<u8> = 8..=28;
/// Lengths of an IPv4 vSwitch.
pub const VSWITCH_LENGTHS: RangeInclusive<u8> = 16..=29;
/// Longest length of a secondary IPv4 block.
pub const SECONDARY_LENGTH_MAX: u8 = 28;
/// Shortest length of a secondary IPv4 block in the newest documentation. The
/// older API description and Terraform say 8.
pub const SECONDARY_LENGTH_MIN: u8 = 16;
/// Length of the IPv6 block that a VPC is given; an address pool can give /52 and /60 too.
pub const VPC_IPV6_LENGTH: u8 = 56;
/// Lengths of a VPC's IPv6 block.
pub const VPC_IPV6_LENGTHS: [u8; 3] = [52, 56, 60];
/// Length of an IPv6 vSwitch.
pub const VSWITCH_IPV6_LENGTH: u8 = 64;
/// User CIDRs of one VPC.
pub const USER_CIDR_MAX: u32 = 3;

/// The shared range of RFC 6598, which the provider uses for its own services.
pub const CLOUD_SERVICES: Cidr4 = Cidr4::v4([100, 64, 0, 0], 10);

/// The private ranges of RFC 1918.
pub const RFC1918: [Cidr4; 3] =
    [Cidr4::v4([10, 0, 0, 0], 8), Cidr4::v4([172, 16, 0, 0], 12), Cidr4::v4([192, 168, 0, 0], 16)];

/// Unique local IPv6 addresses, RFC 4193.
pub const UNIQUE_LOCAL: Cidr6 = Cidr6::v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7);

/// A range that has a purpose of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecialRange {
    /// The range.
    pub block: Cidr4,
    /// What it is for.
    pub purpose: &'static str,
    /// Whether the blocks of a VPC and its vSwitches must stay clear of it.
    pub forbidden: bool,
}

/// Special ranges of IPv4, by address.
pub const SPECIAL_RANGES: [SpecialRange; 9] = [
    SpecialRange { block: Cidr4::v4([0, 0, 0, 0], 8), purpose: "this network", forbidden: true },
    SpecialRange { block: RFC1918[0], purpose: "private use", forbidden: false },
    SpecialRange { block: CLOUD_SERVICES, purpose: "cloud services", forbidden: true },
    SpecialRange { block: Cidr4::v4([127, 0, 0, 0], 8), purpose: "loopback", forbidden: true },
    SpecialRange { block: Cidr4::v4([169, 254, 0, 0], 16), purpose: "link-local", forbidden: true },
    SpecialRange { block: RFC1918[1], purpose: "private use", forbidden: false },
    SpecialRange { block: RFC1918[2], purpose: "private use", forbidden: false },
    SpecialRange { block: Cidr4::v4([224, 0, 0, 0], 4), purpose: "multicast", forbidden: true },
    SpecialRange {
        block: Cidr4::v4([240, 0, 0, 0], 4),
        purpose: "reserved for future use",
        forbidden: false,
    },
];

/// The forbidden range that a block shares addresses with, if any.
pub fn forbidden_range(block: Cidr4) -> Option<SpecialRange> {
    SPECIAL_RANGES.into_iter().find(|range| range.forbidden && range.block.overlaps(block))
}

/// Whether the block lies in RFC 1918 space.
pub fn is_private(block: Cidr4) -> bool {
    RFC1918.iter().any(|range| range.contains(block))
}

/// Which rule a block breaks, and what would pass.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RuleError {
    /// The prefix length is out of range.
    #[error("{block} has a prefix length outside {min} to {max}; {} would pass", .passes)]
    Length {
        /// The block.
        block: Cidr4,
        /// Shortest length.
        min: u8,
        /// Longest length.
        max: u8,
        /// The block nearest to it with a length in range.
        passes: Cidr4,
    },
    /// The block touches a range with a purpose of its own.
    #[error("{block} overlaps {range} ({purpose}); {} would pass", .passes)]
    Forbidden {
        /// The block.
        block: Cidr4,
        /// The range.
        range: Cidr4,
        /// What the range is for.
        purpose: &'static str,
        /// A private block of the same length, or of the nearest that exists.
        passes: Cidr4,
    },
    /// The block reaches beyond the one that must contain it.
    #[error("{block} is not inside {within}; {} would pass", .passes)]
    Outside {
        /// The block.
        block: Cidr4,
        /// What must contain it; the first one when there are several.
        within: Cidr4,
        /// A block of the same length that lies inside, or all of it.
        passes: Cidr4,
    },
    /// Two blocks that must be disjoint are not.
    #[error("{block} overlaps {with}")]
    Overlap {
        /// The block.
        block: Cidr4,
        /// The one already there.
        with: Cidr4,
    },
    /// More entries than allowed.
    #[error("{what}: {count} given, at most {max} are allowed")]
    Count {
        /// What is counted.
        what: &'static str,
        /// How many were given.
        count: u32,
        /// The limit.
        max: u32,
    },
    /// The IPv6 subnet number is too large.
    #[error("subnet number {number} is above {max}, the last /64 of {block}")]
    SubnetNumber {
        /// The VPC's IPv6 block.
        block: Cidr6,
        /// The number.
        number: u32,
        /// The largest number.
        max: u32,
    },
    /// The VPC's IPv6 block has another length than the platform gives.
    #[error("{block} is not a /52, /56 or /60; {} would pass", .passes)]
    Ipv6Length {
        /// The block.
        block: Cidr6,
        /// The /56 at its address.
        passes: Cidr6,
    },
}

/// A VPC's primary IPv4 block: /8 to /28, clear of the forbidden ranges (neither
/// inside one nor around one), first octet not 0.
///
/// # Errors
/// The first rule broken, in that order.
pub fn check_vpc_block(block: Cidr4) -> Result<(), RuleError> {
    check_length(block, VPC_LENGTHS)?;
    check_forbidden(block)
}

/// A secondary IPv4 block: length `length_min`..=28 ([`SECONDARY_LENGTH_MIN`], or
/// 8 as older documentation has it), clear of the forbidden ranges, disjoint from
/// the blocks the VPC has.
///
/// # Errors
/// The first rule broken, in that order.
pub fn check_secondary_block(block: Cidr4, length_min: u8, present: &[Cidr4]) -> Result<(), RuleError> {
    check_length(block, length_min..=SECONDARY_LENGTH_MAX)?;
    check_forbidden(block)?;
    check_disjoint(block, present)
}

/// An IPv4 vSwitch: /16 to /29, clear of the forbidden ranges, inside one of the
/// VPC's blocks, disjoint from the vSwitches there are.
///
/// # Errors
/// The first rule broken, in that order.
pub fn check_vswitch_block(block: Cidr4, vpc: &[Cidr4], vswitches: &[Cidr4]) -> Result<(), RuleError> {
    check_length(block, VSWITCH_LENGTHS)?;
    check_forbidden(block)?;
    if !vpc.iter().any(|within| within.contains(block)) {
        // A block without any parent is outside of itself: callers give at least one.
        let within = vpc.iter().copied().find(|v| v.prefix_len() <= block.prefix_len());
        let within = within.or(vpc.first().copied()).unwrap_or(block);
        let len = block.prefix_len().max(within.prefix_len()).clamp(16, 29);
        let passes = Block::truncating(within.bits(), len);
        return Err(RuleError::Outside { block, within, passes });
    }
    check_disjoint(block, vswitches)
}

/// The user CIDRs of a VPC: at most three, none touching 100.64.0.0/10. They may
/// nest (the wider one counts).
///
/// # Errors
/// The first rule broken.
pub fn check_user_cidrs(blocks: &[Cidr4]) -> Result<(), RuleError> {
    let count = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
    if count > USER_CIDR_MAX {
        return Err(RuleError::Count { what: "user CIDRs", count, max: USER_CIDR_MAX });
    }
    blocks.iter().try_for_each(|block| check_user_cidr(*block))
}

/// One user CIDR: it must not touch 100.64.0.0/10.
///
/// # Errors
/// [`RuleError::Forbidden`].
pub fn check_user_cidr(block: Cidr4) -> Result<(), RuleError> {
    if !block.overlaps(CLOUD_SERVICES) {
        return Ok(());
    }
    Err(forbidden(block, CLOUD_SERVICES, "cloud services"))
}

/// A VPC's IPv6 block: /56, or /52 and /60 from an address pool.
///
/// # Errors
/// [`RuleError::Ipv6Length`].
pub fn check_vpc_ipv6_block(block: Cidr6) -> Result<(), RuleError> {
    if VPC_IPV6_LENGTHS.contains(&block.prefix_len()) {
        return Ok(());
    }
    let passes = Block::truncating(block.bits(), VPC_IPV6_LENGTH);
    Err(RuleError::Ipv6Length { block, passes })
}

/// The largest subnet number under a VPC's IPv6 block: 255, 15 or 4,095.
///
/// # Errors
/// [`RuleError::Ipv6Length`].
pub fn max_subnet_number(vpc: Cidr6) -> Result<u32, RuleError> {
    check_vpc_ipv6_block(vpc)?;
    Ok((1 << (VSWITCH_IPV6_LENGTH - vpc.prefix_len())) - 1)
}

/// The /64 of a vSwitch, by its number under the VPC's IPv6 block.
///
/// # Errors
/// [`RuleError::Ipv6Length`] or [`RuleError::SubnetNumber`].
pub fn vswitch_ipv6_block(vpc: Cidr6, number: u32) -> Result<Cidr6, RuleError> {
    let max = max_subnet_number(vpc)?;
    let block = vpc.subnet(VSWITCH_IPV6_LENGTH, u128::from(number));
    block.ok_or(RuleError::SubnetNumber { block: vpc, number, max })
}

/// Addresses left by the formula 2^(32 - length) - 4, whether or not a vSwitch
/// can be that wide: 65,532 for /16, 1,048,572 for /12, 16,777,212 for /8. Zero
/// for /30 to /32; 0 beyond.
pub fn usable_addresses(len: u8) -> u64 {
    let all = 1u64.checked_shl(32u32.saturating_sub(u32::from(len))).unwrap_or(0);
    all.saturating_sub(u64::from(RESERVED_IPV4_FIRST + RESERVED_IPV4_LAST))
}

/// The addresses the provider keeps in an IPv4 vSwitch, by address: the first and
/// the last three. In a block of four or fewer that is every one.
pub fn reserved_addresses(vswitch: Cidr4) -> Vec<Ipv4Addr> {
    let last = vswitch.last_bits();
    let tail =
        last.saturating_sub(RESERVED_IPV4_LAST - 1).max(vswitch.bits() + u32::from(last > vswitch.bits()));
    let first = std::iter::once(vswitch.bits());
    let mut kept: Vec<u32> = first.chain(tail..=last).collect();
    kept.dedup();
    kept.into_iter().map(Ipv4Addr::from_bits).collect()
}

/// The addresses the provider keeps in an IPv6 vSwitch: the first and the last nine.
pub fn reserved_ipv6_addresses(vswitch: Cidr6) -> Vec<Ipv6Addr> {
    let (first, last) = (vswitch.bits(), vswitch.last_bits());
    let tail = last.saturating_sub(u128::from(RESERVED_IPV6_LAST) - 1);
    let mut kept: Vec<u128> = std::iter::once(first).chain(tail.max(first)..=last).collect();
    kept.dedup();
    kept.into_iter().map(Ipv6Addr::from_bits).collect()
}

/// The default gateway of instances in a vSwitch: the last address but two, .253
/// in a /24 (as seen on instances; not in the reference).
pub fn gateway_address(vswitch: Cidr4) -> Ipv4Addr {
    Ipv4Addr::from_bits(vswitch.last_bits().saturating_sub(2).max(vswitch.bits()))
}

fn check_length(block: Cidr4, lengths: RangeInclusive<u8>) -> Result<(), RuleError> {
    if lengths.contains(&block.prefix_len()) {
        return Ok(());
    }
    let (min, max) = (*lengths.start(), *lengths.end());
    let nearest = block.prefix_len().clamp(min, max);
    let passes = Block::truncating(block.bits(), nearest);
    Err(RuleError::Length { block, min, max, passes })
}

fn check_forbidden(block: Cidr4) -> Result<(), RuleError> {
    match forbidden_range(block) {
        Some(range) => Err(forbidden(block, range.block, range.purpose)),
        None => Ok(()),
    }
}

fn forbidden(block: Cidr4, range: Cidr4, purpose: &'static str) -> RuleError {
    // 10.0.0.0/8 has room for any length from 8 on.
    let passes = Block::truncating(RFC1918[0].bits(), block.prefix_len().max(8));
    RuleError::Forbidden { block, range, purpose, passes }
}

fn check_disjoint(block: Cidr4, present: &[Cidr4]) -> Result<(), RuleError> {
    match present.iter().find(|other| other.overlaps(block)) {
        Some(with) => Err(RuleError::Overlap { block, with: *with }),
        None => Ok(()),
    }
}
