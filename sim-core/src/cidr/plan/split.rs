//! Cutting a VPC block into vSwitches over zones.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::bad_input::{BadInput, Unable, check_vswitch_len};
use super::{MAX_LISTED, counted, default_vswitch_quota, yes_no};
use crate::cidr::allocator::{AllocError, BlockAllocator};
use crate::cidr::block::Cidr4;
use crate::cidr::reserved::{VSWITCH_LENGTHS, check_vpc_block, usable_addresses};

/// How to cut a block. Give `prefix_len` or `addresses` for the size, `per_zone`
/// for the number, or neither: then one vSwitch a zone, as large as fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SplitRequest {
    /// The VPC block.
    pub block: Cidr4,
    /// The zones, each once.
    pub zones: Vec<String>,
    /// vSwitches in each zone, at least 1.
    #[serde(default = "one")]
    pub per_zone: u32,
    /// Length of every vSwitch, 16 to 29.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 16, maximum = 29))]
    pub prefix_len: Option<u8>,
    /// Usable addresses that every vSwitch needs.
    #[serde(default)]
    pub addresses: Option<u32>,
    /// Blocks to stay clear of, for example vSwitches that exist.
    #[serde(default)]
    pub exclude: Vec<Cidr4>,
    /// vSwitches that the VPC may have.
    #[serde(default = "default_vswitch_quota")]
    pub vswitch_quota: u32,
}

fn one() -> u32 {
    1
}

/// A vSwitch of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannedVSwitch {
    /// Its zone.
    pub zone: String,
    /// Its block.
    pub block: Cidr4,
    /// Its addresses without the four kept by the provider.
    pub usable: u64,
}

/// What a division costs. `formula` = `usable` + `reserved_beyond_formula` + `unused`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SplitCost {
    /// The plain formula for the whole block: its size less 4.
    pub formula: u64,
    /// Addresses that the vSwitches really offer.
    pub usable: u64,
    /// Addresses kept by the provider: 4 in every vSwitch.
    pub reserved: u64,
    /// Those among them that the plain formula does not count: 4 in every
    /// vSwitch but one.
    pub reserved_beyond_formula: u64,
    /// Addresses of the block in no vSwitch of this plan.
    pub unused: u64,
}

/// A division, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SplitPlan {
    /// Whether the division exists.
    pub possible: bool,
    /// Why, or why not.
    pub why: String,
    /// Length of the vSwitches.
    pub prefix_len: Option<u8>,
    /// The vSwitches, zone by zone, by address.
    pub vswitches: Vec<PlannedVSwitch>,
    /// What the division costs.
    pub cost: Option<SplitCost>,
    /// What stays free, for later vSwitches.
    pub left: Vec<Cidr4>,
}

/// Cuts a VPC block into equal vSwitches, lowest address first.
///
/// # Errors
/// A block that no VPC can have; no zone, or one twice; a size that no vSwitch has, or two sizes.
pub fn split(request: &SplitRequest) -> Result<SplitPlan, BadInput> {
    match try_split(request) {
        Ok(plan) => Ok(plan),
        Err(Unable::Input(bad)) => Err(bad),
        Err(Unable::No(why)) => Ok(SplitPlan {
            possible: false,
            why,
            prefix_len: None,
            vswitches: Vec::new(),
            cost: None,
            left: Vec::new(),
        }),
    }
}

fn try_split(request: &SplitRequest) -> Result<SplitPlan, Unable> {
    check_form(request)?;
    let count = count(request).map_err(Unable::No)?;
    let bad_exclude = |at, error: AllocError| BadInput::new(format!("exclude/{at}"), error.to_string(), "");
    let mut allocator = BlockAllocator::new([request.block])
        .map_err(|error| BadInput::new("block", error.to_string(), ""))?;
    for (at, block) in request.exclude.iter().enumerate() {
        allocator.exclude(*block).map_err(|error| bad_exclude(at, error))?;
    }
    let len = size(request, count, &allocator).map_err(Unable::No)?;
    let mut vswitches = Vec::new();
    for zone in &request.zones {
        for _ in 0..request.per_zone {
            let block =
                allocator.allocate(len).map_err(|error| Unable::No(short(count, len, &allocator, &error)))?;
            vswitches.push(PlannedVSwitch { zone: zone.clone(), block, usable: usable_addresses(len) });
        }
    }
    let cost = cost(request.block, len, u64::from(count));
    let zones = request.zones.len();
    let fit = if count == 1 { "fits" } else { "fit" };
    let (vswitches_of, over) = (counted(count.into(), "vSwitch"), counted(zones as u64, "zone"));
    let why = format!("{vswitches_of} of /{len} over {over} {fit} in {}", request.block);
    let left = allocator.free_blocks();
    Ok(SplitPlan { possible: true, why, prefix_len: Some(len), vswitches, cost: Some(cost), left })
}

/// Checks what has nothing to do with room.
fn check_form(request: &SplitRequest) -> Result<(), BadInput> {
    check_vpc_block(request.block).map_err(|error| {
        let text = error.to_string();
        let (why, passes) = text.split_once("; ").unwrap_or((&text, ""));
        BadInput::new("block", why, passes.trim_end_matches(" would pass"))
    })?;
    if request.zones.is_empty() {
        return Err(BadInput::new("zones", "none is given", "at least one zone"));
    }
    if let Some((at, zone)) = request.zones.iter().enumerate().find(|(i, z)| request.zones[..*i].contains(z))
    {
        return Err(BadInput::new(format!("zones/{at}"), format!("{zone} is given twice"), "each zone once"));
    }
    if request.per_zone == 0 {
        return Err(BadInput::new("per_zone", "0 is given", "1 or more"));
    }
    if request.prefix_len.is_some() && request.addresses.is_some() {
        let why = "prefix_len is given too";
        return Err(BadInput::new("addresses", why, "a prefix length or a number of addresses"));
    }
    request.prefix_len.map_or(Ok(()), check_vswitch_len)
}

/// Number of vSwitches, checked against the quota.
fn count(request: &SplitRequest) -> Result<u32, String> {
    let zones = u32::try_from(request.zones.len()).unwrap_or(u32::MAX);
    let count = zones.saturating_mul(request.per_zone);
    let quota = request.vswitch_quota.min(MAX_LISTED);
    if count > quota {
        return Err(format!(
            "{} with {} each are more than the {quota} of one VPC",
            counted(zones.into(), "zone"),
            counted(request.per_zone.into(), "vSwitch")
        ));
    }
    Ok(count)
}

/// Length of the vSwitches: given, or from the addresses, or as short as fits. The form has been checked.
fn size(request: &SplitRequest, count: u32, allocator: &BlockAllocator) -> Result<u8, String> {
    let (min, max) = (*VSWITCH_LENGTHS.start(), *VSWITCH_LENGTHS.end());
    match (request.prefix_len, request.addresses) {
        (Some(len), _) => Ok(len),
        (None, Some(addresses)) => {
            let fits = |len: &u8| usable_addresses(*len) >= u64::from(addresses);
            let most = usable_addresses(min);
            let len = VSWITCH_LENGTHS.rev().find(fits);
            len.ok_or_else(|| {
                format!("{addresses} addresses are more than the {most} of the largest vSwitch, a /{min}")
            })
        }
        (None, None) => {
            let free = allocator.free_blocks();
            let mut lens = VSWITCH_LENGTHS;
            let len = lens.find(|len| places(&free, *len) >= u64::from(count));
            len.ok_or_else(|| {
                format!(
                    "{} do not fit in {}, not even as /{max}",
                    counted(count.into(), "vSwitch"),
                    request.block
                )
            })
        }
    }
}

/// How many blocks of a length free blocks hold.
pub(super) fn places(free: &[Cidr4], len: u8) -> u64 {
    free.iter().filter(|b| b.prefix_len() <= len).map(|b| 1u64 << (len - b.prefix_len())).sum()
}

fn short(count: u32, len: u8, allocator: &BlockAllocator, error: &AllocError) -> String {
    let made = allocator.allocated_count();
    format!("only {made} of {count} vSwitches of /{len} fit: {error}")
}

fn cost(block: Cidr4, len: u8, count: u64) -> SplitCost {
    let size = block.size() as u64;
    let usable = count * usable_addresses(len);
    let reserved = count * ((1u64 << (32 - len)) - usable_addresses(len));
    SplitCost {
        formula: usable_addresses(block.prefix_len()),
        usable,
        reserved,
        reserved_beyond_formula: reserved - reserved / count.max(1),
        unused: size - usable - reserved,
    }
}

impl fmt::Display for SplitPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", yes_no(self.possible), self.why)?;
        for vswitch in &self.vswitches {
            write!(f, "\n  {:<18}  {}  {} usable", vswitch.block.to_string(), vswitch.zone, vswitch.usable)?;
        }
        if let Some(cost) = &self.cost {
            write!(f, "\nusable {} of {} by the plain formula: ", cost.usable, cost.formula)?;
            write!(
                f,
                "{} more are kept by the provider, {} are in no vSwitch",
                cost.reserved_beyond_formula, cost.unused
            )?;
        }
        if !self.left.is_empty() {
            write!(f, "\nleft:")?;
            self.left.iter().try_for_each(|block| write!(f, " {block}"))?;
        }
        Ok(())
    }
}
