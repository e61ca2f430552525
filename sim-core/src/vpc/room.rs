//! The planner's question about room, asked of a VPC that exists.

use crate::access::Caller;
use crate::cidr::plan::RoomRequest;
use crate::error::Outcome;
use crate::id::VpcId;
use crate::quota::Quota;
use crate::vpc::vpc::Vpc;
use crate::vpc::{route_entry, vswitch};
use crate::world::World;

/// Whether `count` more vSwitches of a prefix length fit beside what the VPC has: its blocks, its vSwitches, the
/// destinations of its custom routes, and the account's quota.
///
/// # Errors
/// An unknown VPC.
pub fn question(w: &World, caller: &Caller, vpc: VpcId, prefix_len: u8, count: u32) -> Outcome<RoomRequest> {
    let vpc = w.visible::<Vpc>(caller, vpc)?;
    let vswitches: Vec<_> = crate::vpc::vpc::vswitches(w, vpc.id).map(|s| s.block).collect();
    // A vSwitch may lie inside a destination, but neither equal nor contain one.
    let destinations = vpc.blocks().flat_map(|parent| route_entry::inside(w, vpc.id, parent.into()));
    let exclude = destinations
        .filter_map(|(destination, _)| destination.v4())
        .filter(|destination| destination.prefix_len() >= prefix_len)
        .collect();
    // Default vSwitches are there and do not count.
    let free = Quota::VSwitchesPerVpc.limit(w, caller.account).saturating_sub(vswitch::counted(w, vpc));
    let quota = free.saturating_add(vswitches.len() as u64);
    Ok(RoomRequest {
        vpc: vpc.blocks().collect(),
        vswitches,
        exclude,
        prefix_len,
        count,
        vswitch_quota: u32::try_from(quota).unwrap_or(u32::MAX),
    })
}
