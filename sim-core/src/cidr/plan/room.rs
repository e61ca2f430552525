//! Whether more vSwitches fit beside those there are.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::bad_input::{BadInput, check_vswitch_len};
use super::split::places;
use super::{MAX_LISTED, counted, default_vswitch_quota, yes_no};
use crate::cidr::allocator::{AllocError, BlockAllocator};
use crate::cidr::block::Cidr4;

/// How many vSwitches of which size are to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RoomRequest {
    /// The blocks of the VPC: primary and secondary.
    pub vpc: Vec<Cidr4>,
    /// The vSwitches there are.
    #[serde(default)]
    pub vswitches: Vec<Cidr4>,
    /// Blocks to stay clear of.
    #[serde(default)]
    pub exclude: Vec<Cidr4>,
    /// Length of the new ones, 16 to 29.
    #[cfg_attr(feature = "openapi", schema(minimum = 16, maximum = 29))]
    pub prefix_len: u8,
    /// Number of new ones.
    pub count: u32,
    /// vSwitches that the VPC may have.
    #[serde(default = "default_vswitch_quota")]
    pub vswitch_quota: u32,
}

/// What limits the number of new vSwitches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RoomLimit {
    /// Free addresses in blocks of the size.
    Addresses,
    /// The quota of vSwitches.
    Quota,
}

/// Whether they fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Room {
    /// Whether all of them fit.
    pub fits: bool,
    /// Why, or why not.
    pub why: String,
    /// How many of the size fit.
    pub fitting: u64,
    /// What stops the next one.
    pub limit: RoomLimit,
    /// Where the new ones would lie, lowest first; as many as asked for and fit.
    pub blocks: Vec<Cidr4>,
    /// The lowest of the largest free blocks.
    pub largest_free: Option<Cidr4>,
    /// Free addresses in all.
    pub free_addresses: u64,
    /// Whether enough addresses are free, but not in blocks of the size.
    pub fragmented: bool,
}

/// Whether so many vSwitches of a size fit.
///
/// # Errors
/// No block, or blocks that overlap; vSwitches that overlap or lie outside; a size that no vSwitch has.
pub fn room(request: &RoomRequest) -> Result<Room, BadInput> {
    let (len, count) = (request.prefix_len, u64::from(request.count));
    check_vswitch_len(len)?;
    let mut allocator = occupied(request)?;
    let free = allocator.free_blocks();
    let free_addresses = allocator.free_addresses() as u64;
    let largest_free = allocator.largest_free();
    let (by_addresses, present) = (places(&free, len), request.vswitches.len() as u64);
    let by_quota = u64::from(request.vswitch_quota).saturating_sub(present);
    let fitting = by_addresses.min(by_quota);
    let limit = if by_addresses <= by_quota { RoomLimit::Addresses } else { RoomLimit::Quota };
    let listed = count.min(fitting).min(u64::from(MAX_LISTED));
    let blocks = (0..listed).map_while(|_| allocator.allocate(len).ok()).collect();
    let fits = count <= fitting;
    let fragmented = count > by_addresses && free_addresses >= count << (32 - len);
    let only =
        if fitting == 0 { "no vSwitch".to_owned() } else { format!("only {}", counted(fitting, "vSwitch")) };
    let why = match (fits, limit) {
        (true, _) => {
            format!("there is room for {} of /{len}, and for {fitting} in all", counted(count, "vSwitch"))
        }
        (false, RoomLimit::Quota) => {
            format!("there is room for {}: the VPC has {present} of {}", only, request.vswitch_quota)
        }
        (false, RoomLimit::Addresses) => {
            let largest = largest_free
                .map_or("nothing is free".to_owned(), |b| format!("the largest free block is {b}"));
            let kind = if fragmented { "; enough addresses are free, but in smaller blocks" } else { "" };
            format!("there is room for {} of /{len}: {largest}{kind}", only)
        }
    };
    Ok(Room { fits, why, fitting, limit, blocks, largest_free, free_addresses, fragmented })
}

/// The VPC with its vSwitches and excluded blocks in place.
fn occupied(request: &RoomRequest) -> Result<BlockAllocator, BadInput> {
    let bad = |field: String, error: AllocError| BadInput::new(field, error.to_string(), "");
    if request.vpc.is_empty() {
        return Err(BadInput::new("vpc", "no block is given", "at least one block"));
    }
    let mut allocator =
        BlockAllocator::new(request.vpc.iter().copied()).map_err(|error| bad("vpc".to_owned(), error))?;
    for (at, block) in request.vswitches.iter().enumerate() {
        allocator.allocate_block(*block).map_err(|error| bad(format!("vswitches/{at}"), error))?;
    }
    for (at, block) in request.exclude.iter().enumerate() {
        // A vSwitch inside an excluded block is there all the same.
        for part in crate::cidr::set::subtract_all(&[*block], &request.vswitches) {
            allocator.exclude(part).map_err(|error| bad(format!("exclude/{at}"), error))?;
        }
    }
    Ok(allocator)
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", yes_no(self.fits), self.why)?;
        self.blocks.iter().try_for_each(|block| write!(f, "\n  {block}"))?;
        write!(f, "\n{} addresses are free", self.free_addresses)
    }
}
