//! A vSwitch: a subnet of a VPC in one zone.
//!
//! Its block has a mask of 16 to 29, lies inside one block of the VPC and overlaps no other vSwitch. The
//! first and the last three IPv4 addresses are the provider's, as are the first and the last nine IPv6
//! addresses (provider documentation: VPC and vSwitch, 2026).

use crate::access::{Caller, Owner, ZoneId};
use crate::cidr::{
    AddressPool, AllocError, BlockAllocator, Cidr4, Cidr6,
    reserved::{self, RuleError},
};
use crate::command::Reply;
use crate::ecs::eni::count;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, RouteTableId, VSwitchId, VpcId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::settings::{Provisioning, Work};
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::timer::Due;
use crate::vpc::network_acl_binding::NetworkAclBinding;
use crate::vpc::route_entry;
use crate::vpc::route_table::{self, Status};
use crate::vpc::vpc::Vpc;
pub use crate::vpc::vswitch_ipv6::parse_ipv6_parent;
use crate::vpc::vswitch_ipv6::{check_ipv6_form, check_ipv6_unused, free_subnet6, subnet6};
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A vSwitch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VSwitch {
    /// Its id.
    pub id: VSwitchId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its zone.
    pub zone: ZoneId,
    /// Its IPv4 block, which never changes.
    pub block: Cidr4,
    /// Its IPv6 /64, if IPv6 is on.
    pub ipv6: Option<Cidr6>,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Whether it is the zone's default vSwitch.
    pub is_default: bool,
    /// The custom route table bound to it; the VPC's system table holds if there is none.
    pub route_table: Option<RouteTableId>,
    /// Whether it is ready.
    pub status: Status,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from vSwitches.
#[derive(Clone, Debug, Default)]
pub struct VSwitchIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, VSwitchId>,
    /// By VPC.
    pub by_vpc: Groups<VpcId, VSwitchId>,
    /// By account, region and zone.
    pub by_zone: Groups<(Owner, ZoneId), VSwitchId>,
    /// Those in transition, by VPC.
    pub pending: Groups<VpcId, VSwitchId>,
    /// Those bound to a custom route table.
    pub by_route_table: Groups<RouteTableId, VSwitchId>,
    /// The blocks of each VPC that vSwitches take.
    pub blocks: BTreeMap<VpcId, BlockAllocator>,
    /// The IPv4 addresses of each vSwitch that are taken.
    pub pools: BTreeMap<VSwitchId, AddressPool>,
}

impl Row for VSwitch {
    type Key = VSwitchId;
    type Index = VSwitchIndex;

    fn key(&self) -> VSwitchId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|s| s.id) else { return };
        let ix = &mut indexes.vswitches;
        ix.by_owner.shift(&id, old.map(|s| s.owner.clone()), new.map(|s| s.owner.clone()));
        ix.by_vpc.shift(&id, old.map(|s| s.vpc), new.map(|s| s.vpc));
        let zone = |s: &VSwitch| (s.owner.clone(), s.zone.clone());
        ix.by_zone.shift(&id, old.map(zone), new.map(zone));
        let pending = |s: &VSwitch| (s.status == Status::Pending).then_some(s.vpc);
        ix.pending.shift(&id, old.and_then(pending), new.and_then(pending));
        ix.by_route_table.shift(&id, old.and_then(|s| s.route_table), new.and_then(|s| s.route_table));
        match (old, new) {
            (None, Some(new)) => {
                let blocks = ix.blocks.get_mut(&new.vpc).expect("a vSwitch lies in a VPC");
                blocks.allocate_block(new.block).expect("the block was checked to be free");
                ix.pools.insert(id, AddressPool::new(new.block).expect("the mask was checked"));
            }
            (Some(old), None) => {
                let blocks = ix.blocks.get_mut(&old.vpc).expect("a VPC outlives its vSwitches");
                blocks.free(old.block).expect("the block was allocated");
                ix.pools.remove(&id);
            }
            _ => {}
        }
        if old.map(|s| s.ipv6) != new.map(|s| s.ipv6)
            && let Some(vpc) = old.or(new).map(|s| s.vpc)
        {
            route_table::outdate_all(indexes, vpc);
        }
    }
}

impl Resource for VSwitch {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// Keeps the block allocator of a VPC true to its blocks.
pub(crate) fn reindex_vpc(indexes: &mut Indexes, old: Option<&Vpc>, new: Option<&Vpc>) {
    let ix = &mut indexes.vswitches.blocks;
    match (old, new) {
        (Some(old), None) => {
            ix.remove(&old.id);
        }
        (old, Some(new)) if old.is_none_or(|old| !old.blocks().eq(new.blocks())) => {
            let mut fresh = BlockAllocator::new(new.blocks()).expect("the blocks of a VPC are disjoint");
            let taken = ix.get(&new.id).map(|blocks| blocks.allocated());
            for block in taken.into_iter().flatten() {
                fresh.allocate_block(block).expect("used blocks stay inside");
            }
            ix.insert(new.id, fresh);
        }
        _ => {}
    }
}

impl VSwitch {
    /// Refuses writes while the vSwitch is in transition.
    ///
    /// # Errors
    /// [`ErrorCode::VSwitchStatusIncorrect`].
    pub fn check_available(&self) -> Outcome<()> {
        match self.status {
            Status::Available => Ok(()),
            Status::Pending => Err(Refusal::new(ErrorCode::VSwitchStatusIncorrect)
                .field("vswitch_id")
                .detail(format!("{} is Pending.", self.id))
                .accepted("the same request once the vSwitch is Available")),
        }
    }

    /// How many IPv4 addresses are free.
    pub fn available_addresses(&self, w: &World) -> u64 {
        w.indexes().vswitches.pools.get(&self.id).map_or(0, |pool| u64::from(pool.free_count()))
    }
}

/// The rule for a vSwitch's name.
pub const NAME: TextRule =
    TextRule { min: 1, max: 128, letter_first: false, field: "name", error: ErrorCode::VSwitchNameMalformed };
/// The rule for a vSwitch's description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 1,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::VSwitchDescriptionMalformed,
};

/// Makes a vSwitch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateVSwitch {
    /// Its VPC.
    pub vpc: VpcId,
    /// Its zone.
    pub zone: ZoneId,
    /// Its block, or the mask of a block to be found: lowest free address first.
    pub block: BlockChoice,
    /// The subnet number inside the VPC's IPv6 block, if IPv6 is wanted.
    pub ipv6_subnet: Option<u32>,
    /// The IPv6 block of the VPC that the subnet lies in; the VPC's first one if absent.
    pub vpc_ipv6_block: Option<Cidr6>,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// A block given, or a mask for which one is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockChoice {
    /// This block.
    Given(Cidr4),
    /// The next free block with this mask.
    Mask(u8),
}

/// Reads a vSwitch block as a caller writes it.
///
/// # Errors
/// [`ErrorCode::VSwitchCidrMalformed`] with the form that would pass.
pub fn parse_block(text: &str) -> Outcome<Cidr4> {
    crate::cidr_input::parse4(text, "cidr_block", ErrorCode::VSwitchCidrMalformed)
}

/// The block given as text, or the mask of a block to be found: exactly one of the two.
///
/// # Errors
/// [`ErrorCode::MissingParameter`] for neither, [`ErrorCode::InvalidParameter`] for both, and the form of the text.
pub fn choose_block(text: Option<&str>, mask: Option<u8>) -> Outcome<BlockChoice> {
    match (text, mask) {
        (Some(text), None) => parse_block(text).map(BlockChoice::Given),
        (None, Some(mask)) => Ok(BlockChoice::Mask(mask)),
        (None, None) => Err(Refusal::new(ErrorCode::MissingParameter)
            .field("cidr_block")
            .detail("Neither a block nor a mask was given.")
            .accepted("a block such as 10.0.1.0/24, or a mask from 16 to 29")),
        (Some(_), Some(_)) => Err(Refusal::new(ErrorCode::InvalidParameter)
            .field("cidr_mask")
            .detail("Both a block and a mask were given.")
            .accepted("one of the two")),
    }
}

/// Handles [`CreateVSwitch`].
///
/// # Errors
/// The form of names, tags and block; an unknown VPC or zone; a VPC in transition; a block outside the VPC,
/// taken or in conflict with a route; the quota; no room for a wanted mask.
pub fn create(w: &mut World, caller: &Caller, c: &CreateVSwitch) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    tag::check(&c.tags)?;
    check_form(c.block)?;
    check_ipv6_form(c.ipv6_subnet, c.vpc_ipv6_block)?;
    let vpc = w.visible::<Vpc>(caller, c.vpc)?;
    crate::region::check_zone(w, &caller.region, &c.zone)?;
    vpc.check_available()?;
    check_siblings(w, vpc)?;
    let ipv6 = c.ipv6_subnet.map(|number| subnet6(w, vpc, c.vpc_ipv6_block, number)).transpose()?;
    let used = counted(w, vpc);
    Quota::VSwitchesPerVpc.check(w, caller.account, used, 1, ErrorCode::VSwitchQuotaExceeded)?;
    let block = find_block(w, vpc, c.block)?;
    let id = w.new_id::<VSwitchId>(&caller.region)?;
    let vswitch = VSwitch {
        id,
        owner: caller.into(),
        vpc: c.vpc,
        zone: c.zone.clone(),
        block,
        ipv6,
        name,
        description,
        is_default: false,
        route_table: None,
        status: Status::Available,
        created: w.now(),
    };
    Ok(insert(w, vswitch, &c.tags))
}

/// How many vSwitches of a VPC count against the quota: default ones do not.
pub fn counted(w: &World, vpc: &Vpc) -> u64 {
    let all = w.indexes().vswitches.by_vpc.count(&vpc.id);
    if !vpc.is_default {
        return all;
    }
    all - crate::vpc::vpc::vswitches(w, vpc.id).filter(|s| s.is_default).count() as u64
}

/// Writes a new vSwitch with its tags and starts its transition.
pub(crate) fn insert(w: &mut World, vswitch: VSwitch, tags: &[TagPair]) -> Reply {
    let id = vswitch.id;
    tag::put_all(w, &vswitch.owner, id, tags);
    w.put(vswitch);
    begin_transition(w, id);
    id.into()
}

/// Makes a vSwitch Pending for as long as its provisioning takes.
pub(crate) fn begin_transition(w: &mut World, id: VSwitchId) {
    let span = w.settings().provisioning.span(Work::VSwitch);
    if !span.is_zero() {
        w.update::<VSwitch>(&id, |s| s.status = Status::Pending);
        w.schedule(span, Due::VSwitch(id));
    }
}

/// Ends a vSwitch's transition.
pub(crate) fn settle(w: &mut World, id: VSwitchId) {
    if w.get::<VSwitch>(&id).is_some() {
        w.update::<VSwitch>(&id, |s| s.status = Status::Available);
    }
}

/// The rules that hold for a block whatever the VPC is.
fn check_form(choice: BlockChoice) -> Outcome<()> {
    let block = match choice {
        BlockChoice::Given(block) => block,
        // Only the mask counts; the address is found later.
        BlockChoice::Mask(mask) => {
            Cidr4::containing([10, 0, 0, 0].into(), mask.min(32)).expect("a mask up to 32")
        }
    };
    reserved::check_vswitch_block(block, &[block], &[]).map_err(|broken| {
        let code = match broken {
            RuleError::Length { .. } => ErrorCode::VSwitchCidrMask,
            _ => ErrorCode::VSwitchCidrForbidden,
        };
        crate::cidr_input::refusal(code, "cidr_block", &broken)
    })
}

/// With documented provisioning one vSwitch of a VPC changes at a time, and nothing else of it meanwhile.
pub(crate) fn check_siblings(w: &World, vpc: &Vpc) -> Outcome<()> {
    if w.settings().provisioning != Provisioning::Documented {
        return Ok(());
    }
    if let Some(&busy) = w.indexes().route_entries.busy_in_vpc.of(&vpc.id).next() {
        return Err(Refusal::new(ErrorCode::VpcRouteEntryBusy)
            .field("vpc_id")
            .blockers([busy])
            .accepted("the same request once the route entry is Available"));
    }
    match w.indexes().vswitches.pending.of(&vpc.id).next() {
        None => route_table::check_idle(w, vpc.id, ErrorCode::VpcBusy),
        Some(&busy) => Err(Refusal::new(ErrorCode::VSwitchSiblingBusy).field("vpc_id").blockers([busy])),
    }
}

/// The block to use: the given one if it is free, or the next free one. It must not equal or contain the
/// destination of a custom route entry (provider documentation: route tables, 2026).
pub(crate) fn find_block(w: &World, vpc: &Vpc, choice: BlockChoice) -> Outcome<Cidr4> {
    let blocks = w.indexes().vswitches.blocks.get(&vpc.id).expect("every VPC has an allocator");
    match choice {
        BlockChoice::Mask(mask) => next_free(w, vpc, blocks, mask).map_err(|e| no_room(mask, &e)),
        BlockChoice::Given(block) => {
            if !vpc.blocks().any(|b| b.contains(block)) {
                let lies_in = vpc.blocks().map(|b| b.to_string()).collect::<Vec<_>>().join(", ");
                let refusal = Refusal::new(ErrorCode::VSwitchCidrOutside)
                    .field("cidr_block")
                    .detail(format!("{block} does not lie in {lies_in}."));
                return Err(suggest(refusal, w, vpc, blocks, block.prefix_len()));
            }
            if let Err(taken) = blocks.check_block(block) {
                let others = crate::vpc::vpc::vswitches(w, vpc.id).filter(|s| s.block.overlaps(block));
                let refusal = Refusal::new(ErrorCode::VSwitchCidrOverlap)
                    .field("cidr_block")
                    .detail(format!("{taken}."))
                    .blockers(others.map(|s| s.id));
                return Err(suggest(refusal, w, vpc, blocks, block.prefix_len()));
            }
            if let Some((destination, entry)) = route_entry::inside(w, vpc.id, block.into()).next() {
                let refusal = Refusal::new(ErrorCode::VSwitchCidrRouteConflict)
                    .field("cidr_block")
                    .detail(format!("A route leads to {destination}, which lies in {block}."))
                    .blockers([entry]);
                return Err(suggest(refusal, w, vpc, blocks, block.prefix_len()));
            }
            Ok(block)
        }
    }
}

/// The lowest free block of a size that holds no destination of a custom route entry.
fn next_free(w: &World, vpc: &Vpc, blocks: &BlockAllocator, mask: u8) -> Result<Cidr4, AllocError> {
    let block = blocks.next_free(mask)?;
    if route_entry::inside(w, vpc.id, block.into()).next().is_none() {
        return Ok(block);
    }
    // A destination that is wider than the block does not stand in its way.
    let narrow = |b: Cidr4| b.prefix_len() >= mask;
    let inside = vpc.blocks().flat_map(|parent| route_entry::inside(w, vpc.id, parent.into()));
    let avoid: Vec<Cidr4> =
        inside.filter_map(|(destination, _)| destination.v4()).filter(|b| narrow(*b)).collect();
    blocks.next_free_avoiding(mask, &avoid)
}

/// Adds the next free block of the same size to a refusal.
fn suggest(refusal: Refusal, w: &World, vpc: &Vpc, blocks: &BlockAllocator, mask: u8) -> Refusal {
    match next_free(w, vpc, blocks, mask) {
        Ok(free) => refusal.accepted(free.to_string()),
        Err(_) => refusal,
    }
}

fn no_room(mask: u8, error: &AllocError) -> Refusal {
    Refusal::new(ErrorCode::VSwitchNoRoom)
        .field("cidr_mask")
        .detail(format!("A /{mask} was wanted: {error}."))
}

/// Whether an address of the vSwitch could be given to someone now.
///
/// # Errors
/// [`ErrorCode::AddressMismatch`] for an address outside the vSwitch's blocks.
pub fn can_allocate(w: &World, vswitch: &VSwitch, address: std::net::IpAddr) -> Outcome<bool> {
    use std::net::IpAddr;
    let outside = |block: String| {
        Refusal::new(ErrorCode::AddressMismatch)
            .field("private_ip_address")
            .detail(format!("{address} does not lie in {block}."))
            .accepted(format!("an address of {block}"))
    };
    match address {
        IpAddr::V4(address) if vswitch.block.contains_address(address) => {
            Ok(w.indexes().vswitches.pools.get(&vswitch.id).is_some_and(|pool| pool.is_free(address)))
        }
        IpAddr::V4(_) => Err(outside(vswitch.block.to_string())),
        IpAddr::V6(address) => match vswitch.ipv6 {
            Some(block) if block.contains_address(address) => {
                Ok(crate::ecs::eni_choice::pool6(w, vswitch.id, block).is_free(address))
            }
            Some(block) => Err(outside(block.to_string())),
            None => Err(outside(format!("any IPv6 block of {}", vswitch.id))),
        },
    }
}

/// Changes a vSwitch; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyVSwitch {
    /// The vSwitch.
    pub vswitch: VSwitchId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
    /// Turns IPv6 on with this subnet number.
    pub ipv6_subnet: Option<u32>,
    /// The IPv6 block of the VPC that the subnet lies in; the VPC's first one if absent.
    pub vpc_ipv6_block: Option<Cidr6>,
    /// Turns IPv6 on where it is off: with the subnet number, or with the lowest that is free.
    pub enable_ipv6: bool,
    /// Turns IPv6 off.
    pub disable_ipv6: bool,
}

/// Handles [`ModifyVSwitch`].
///
/// # Errors
/// The form of the fields; an unknown vSwitch or one in transition; IPv6 that is as wanted already; IPv6 that the VPC
/// lacks, or a number that is taken; an IPv6 block that is used, or to which a route entry in transition leads.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyVSwitch) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    check_ipv6_form(c.ipv6_subnet, c.vpc_ipv6_block)?;
    if c.disable_ipv6 && (c.ipv6_subnet.is_some() || c.enable_ipv6) {
        return Err(Refusal::new(ErrorCode::VSwitchIpv6Exclusive)
            .field("ipv6_subnet")
            .accepted("one of the two"));
    }
    let vswitch = w.visible::<VSwitch>(caller, c.vswitch)?;
    vswitch.check_available()?;
    let vpc = w.visible::<Vpc>(caller, vswitch.vpc)?;
    let already = match vswitch.ipv6 {
        None => c.disable_ipv6.then_some(ErrorCode::VSwitchIpv6Off),
        Some(_) => c.enable_ipv6.then_some(ErrorCode::VSwitchIpv6On),
    };
    if let Some(already) = already {
        return Err(Refusal::new(already).field(if c.enable_ipv6 { "enable_ipv6" } else { "disable_ipv6" }));
    }
    let ipv6 = match c.ipv6_subnet {
        None if c.enable_ipv6 => Some(free_subnet6(w, vpc)?),
        None => None,
        Some(number) => Some(subnet6(w, vpc, c.vpc_ipv6_block, number)?),
    };
    let gives_up = c.disable_ipv6 || ipv6.is_some_and(|block| vswitch.ipv6 != Some(block));
    if gives_up {
        check_ipv6_unused(w, c.vswitch)?;
        if let Some(busy) = route_entry::busy_to_ipv6(w, vswitch) {
            return Err(Refusal::new(ErrorCode::VSwitchRouteEntryBusy)
                .field("vswitch_id")
                .blockers([busy])
                .accepted("the same request once the route entry is Available"));
        }
        route_entry::forget(w, c.vswitch, true);
    }
    w.update::<VSwitch>(&c.vswitch, |s| {
        if c.name.is_some() {
            s.name = name;
        }
        if c.description.is_some() {
            s.description = description;
        }
        if c.disable_ipv6 {
            s.ipv6 = None;
        }
        s.ipv6 = ipv6.or(s.ipv6);
    });
    Ok(Reply::Done)
}

/// Deletes a vSwitch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteVSwitch {
    /// The vSwitch.
    pub vswitch: VSwitchId,
}

/// Handles [`DeleteVSwitch`].
///
/// # Errors
/// An unknown vSwitch or one in transition; whatever still uses it, in the order of [`dependents`].
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteVSwitch) -> Outcome<Reply> {
    let vswitch = w.visible::<VSwitch>(caller, c.vswitch)?;
    vswitch.check_available()?;
    check_siblings(w, w.visible::<Vpc>(caller, vswitch.vpc)?)?;
    if let Some((code, ids)) = dependents(w, vswitch).into_iter().next() {
        return Err(Refusal::new(code).field("vswitch_id").blockers(ids));
    }
    tag::clear(w, c.vswitch);
    route_entry::forget(w, c.vswitch, false);
    w.remove::<VSwitch>(&c.vswitch);
    Ok(Reply::Done)
}

/// What keeps a vSwitch from being deleted, in the order in which it is reported.
pub fn dependents(w: &World, vswitch: &VSwitch) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let table = vswitch.route_table.map(AnyId::from);
    let reservations = crate::vpc::cidr_reservation::of_vswitch(w, vswitch.id).map(|r| r.id.into());
    let ix = w.indexes();
    let enis = ix.enis.by_vswitch.of(&vswitch.id).map(|&id| AnyId::from(id));
    let instances = ix.instances.by_vswitch.of(&vswitch.id).map(|&id| AnyId::from(id));
    let residents = ix.residents.by_vswitch.of(&vswitch.id).map(|&id| AnyId::from(id));
    let acl = w.get::<NetworkAclBinding>(&vswitch.id).map(|binding| AnyId::from(binding.acl));
    let balancers = ix.load_balancers.by_vswitch.of(&vswitch.id).map(|&id| AnyId::from(id));
    let gateways = ix.nat_gateways.by_vswitch.of(&vswitch.id).map(|&id| AnyId::from(id));
    let vips = ix.ha_vips.by_vswitch.of(&vswitch.id).map(|&id| AnyId::from(id));
    let sources = ix.snat_entries.by_vswitch.of(&vswitch.id).map(|&id| AnyId::from(id));
    let all: [(ErrorCode, Vec<AnyId>); 8] = [
        (ErrorCode::VSwitchHasRouteTable, table.into_iter().collect()),
        (ErrorCode::VSwitchHasNetworkAcl, acl.into_iter().collect()),
        (ErrorCode::VSwitchHasReservation, reservations.collect()),
        (ErrorCode::VSwitchHasHaVip, vips.collect()),
        (ErrorCode::VSwitchHasSnatEntry, sources.collect()),
        (ErrorCode::VSwitchHasNatGateway, gateways.collect()),
        (ErrorCode::VSwitchInUse, instances.chain(enis).chain(balancers).collect()),
        (ErrorCode::VSwitchHasResident, residents.collect()),
    ];
    all.into_iter().filter(|(_, ids)| !ids.is_empty()).collect()
}

/// Takes an address of a vSwitch out of its pool for something that holds one and no interface, or gives it back, and counts
/// it among those of the VPC.
///
/// # Panics
/// If the address is not free, or was not taken: the handler checked it.
pub(crate) fn hold(indexes: &mut Indexes, vpc: VpcId, vswitch: VSwitchId, address: Ipv4Addr, came: bool) {
    let pool = indexes.vswitches.pools.get_mut(&vswitch).expect("a vSwitch outlives what lies in it");
    if came {
        pool.take_address(address).expect("the address was checked to be free");
    } else {
        pool.give_back(address).expect("the address was taken");
    }
    count(&mut indexes.enis.addresses_in_vpc, Some((&vpc, 1)), came);
}
