//! The default VPC of a region and the default vSwitch of a zone.
//!
//! One each, outside the quotas; the VPC has 172.N.0.0/16 with the lowest free N from 16 to 31, a vSwitch the
//! lowest free /20 of it (provider documentation: CreateDefaultVpc, CreateDefaultVSwitch).

use crate::access::{Caller, Owner, ZoneId};
use crate::cidr::Cidr4;
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{ResourceGroupId, VSwitchId, VpcId};
use crate::vpc::route_table::Status;
use crate::vpc::vpc::{self, Ipv6Block, Vpc, vswitches};
use crate::vpc::vswitch::{self, BlockChoice, VSwitch};
use crate::world::World;
use serde::{Deserialize, Serialize};

/// The mask of a default vSwitch.
const VSWITCH_MASK: u8 = 20;

/// Makes the region's default VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateDefaultVpc {
    /// Whether to assign an IPv6 /56.
    pub ipv6: bool,
    /// Its resource group; the account's default one if absent.
    pub resource_group: Option<ResourceGroupId>,
}

/// Handles [`CreateDefaultVpc`].
///
/// # Errors
/// An unknown region or resource group; [`ErrorCode::DefaultVpcExists`].
pub fn create_vpc(w: &mut World, caller: &Caller, c: &CreateDefaultVpc) -> Outcome<Reply> {
    crate::region::check(w, &caller.region)?;
    let resource_group = crate::resource_group::resolve(w, caller, c.resource_group)?;
    let owner = Owner::from(caller);
    if let Some(&there) = w.indexes().vpcs.default.get(&owner) {
        return Err(Refusal::new(ErrorCode::DefaultVpcExists).blockers([there]));
    }
    let block = default_block(w, &owner);
    let id = w.new_id::<VpcId>(&caller.region)?;
    let ipv6 =
        if c.ipv6 { vec![Ipv6Block { block: vpc::assign_ipv6(w), isp: "BGP".into() }] } else { Vec::new() };
    let vpc = Vpc {
        id,
        owner,
        block,
        original_block: block,
        secondary: Vec::new(),
        user_cidrs: Vec::new(),
        ipv6,
        name: Default::default(),
        description: "System created default VPC.".into(),
        is_default: true,
        dns_hostnames: false,
        closed: false,
        resource_group,
        status: Status::Available,
        created: w.now(),
        vrouter: w.new_id(&caller.region)?,
        system_table: w.new_id(&caller.region)?,
    };
    Ok(vpc::insert(w, vpc, &[]))
}

/// The lowest 172.N.0.0/16 that no VPC of the owner has; 172.16.0.0/16 if all are taken, since blocks may overlap.
fn default_block(w: &World, owner: &Owner) -> Cidr4 {
    let taken: Vec<Cidr4> =
        w.indexes().vpcs.by_owner.of(owner).filter_map(|id| w.get::<Vpc>(id)).flat_map(Vpc::blocks).collect();
    let mut blocks = (16..=31).map(|n| Cidr4::v4([172, n, 0, 0], 16));
    blocks.find(|b| !taken.iter().any(|t| t.overlaps(*b))).unwrap_or(Cidr4::v4([172, 16, 0, 0], 16))
}

/// Makes the default vSwitch of a zone in the region's default VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateDefaultVSwitch {
    /// The zone.
    pub zone: ZoneId,
    /// The subnet number inside the VPC's IPv6 block, if IPv6 is wanted.
    pub ipv6_subnet: Option<u32>,
}

/// Handles [`CreateDefaultVSwitch`].
///
/// # Errors
/// An unknown zone; no default VPC or one in transition; [`ErrorCode::DefaultVSwitchExists`]; no room.
pub fn create_vswitch(w: &mut World, caller: &Caller, c: &CreateDefaultVSwitch) -> Outcome<Reply> {
    crate::region::check_zone(w, &caller.region, &c.zone)?;
    let default = w.indexes().vpcs.default.get(&Owner::from(caller));
    let Some(vpc) = default.and_then(|id| w.get::<Vpc>(id)) else {
        return Err(Refusal::new(ErrorCode::DefaultVpcMissing).detail(format!("{} has none.", caller.region)));
    };
    vpc.check_available()?;
    if let Some(there) = vswitches(w, vpc.id).find(|s| s.is_default && s.zone == c.zone) {
        return Err(Refusal::new(ErrorCode::DefaultVSwitchExists).field("zone_id").blockers([there.id]));
    }
    vswitch::check_siblings(w, vpc)?;
    let ipv6 =
        c.ipv6_subnet.map(|number| crate::vpc::vswitch_ipv6::subnet6(w, vpc, None, number)).transpose()?;
    let block = vswitch::find_block(w, vpc, BlockChoice::Mask(VSWITCH_MASK))?;
    let vpc = vpc.id;
    let made = VSwitch {
        id: w.new_id::<VSwitchId>(&caller.region)?,
        owner: caller.into(),
        vpc,
        zone: c.zone.clone(),
        block,
        ipv6,
        name: Default::default(),
        description: "System created default virtual switch.".into(),
        is_default: true,
        route_table: None,
        status: Status::Available,
        created: w.now(),
    };
    Ok(vswitch::insert(w, made, &[]))
}
