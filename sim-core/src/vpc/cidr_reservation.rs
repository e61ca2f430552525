//! A CIDR reservation: a part of a vSwitch's block that only interface prefixes are taken from.
//!
//! An IPv4 reservation has a mask of at most 28 and, if found by mask, one at least 2 longer than the vSwitch's; it
//! is a proper part of the vSwitch's block and contains no address that the provider keeps or that is in use
//! (provider documentation: CreateVSwitchCidrReservation). It lowers the vSwitch's count of free addresses.

use crate::access::{Caller, Owner};
use crate::cidr::{Cidr, PREFIX_LEN_IPV4, PREFIX_LEN_IPV6, PoolError};
use crate::command::Reply;
use crate::ecs::eni_choice;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, CidrReservationId, EniId, VSwitchId, VpcId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::vpc::vswitch::VSwitch;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// A reserved part of a vSwitch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CidrReservation {
    /// Its id.
    pub id: CidrReservationId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its vSwitch.
    pub vswitch: VSwitchId,
    /// The block.
    pub block: Cidr,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// When it was made.
    pub created: SimTime,
}

/// The reservations of each vSwitch and VPC.
#[derive(Clone, Debug, Default)]
pub struct CidrReservationIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, CidrReservationId>,
    /// By vSwitch.
    pub by_vswitch: Groups<VSwitchId, CidrReservationId>,
    /// By VPC, IPv4 (`true`) and IPv6 apart, since each has a quota.
    pub by_vpc: Groups<(VpcId, bool), CidrReservationId>,
}

impl Row for CidrReservation {
    type Key = CidrReservationId;
    type Index = CidrReservationIndex;

    fn key(&self) -> CidrReservationId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|r| r.id) else { return };
        let ix = &mut indexes.cidr_reservations;
        ix.by_owner.shift(&id, old.map(|r| r.owner.clone()), new.map(|r| r.owner.clone()));
        ix.by_vswitch.shift(&id, old.map(|r| r.vswitch), new.map(|r| r.vswitch));
        let family = |r: &CidrReservation| (r.vpc, r.block.is_v4());
        ix.by_vpc.shift(&id, old.map(family), new.map(family));
        if old.map(|r| r.block) == new.map(|r| r.block) {
            return;
        }
        if let Some(r) = old {
            change_pool(indexes, r, false);
        }
        if let Some(r) = new {
            change_pool(indexes, r, true);
        }
    }
}

/// Takes a block out of the pool of its vSwitch, or gives it back.
fn change_pool(indexes: &mut Indexes, r: &CidrReservation, take: bool) {
    match r.block {
        Cidr::V4(block) => {
            let pool = indexes.vswitches.pools.get_mut(&r.vswitch);
            let pool = pool.expect("a vSwitch outlives its reservations");
            let done = if take { pool.reserve(block) } else { pool.unreserve(block) };
            done.expect("the block was checked to be free, or was reserved");
        }
        Cidr::V6(block) => eni_choice::reserve6(&mut indexes.enis, r.vswitch, block, take),
    }
}

impl Resource for CidrReservation {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

const NAME: TextRule = TextRule {
    min: 1,
    max: 128,
    letter_first: false,
    field: "name",
    error: ErrorCode::ReservationNameMalformed,
};
const DESCRIPTION: TextRule = TextRule {
    min: 1,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::ReservationDescriptionMalformed,
};

/// What to reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReservationChoice {
    /// This block.
    Given(Cidr),
    /// The lowest free IPv4 block with this mask.
    Mask4(u8),
    /// The lowest free IPv6 block with this mask.
    Mask6(u8),
}

/// The block given as text, or the mask of a block to be found: exactly one of the two.
///
/// # Errors
/// Neither or both, and the form of the text.
pub fn choose(text: Option<&str>, mask: Option<u8>, ipv4: bool) -> Outcome<ReservationChoice> {
    match (text, mask) {
        (None, None) => Err(Refusal::new(ErrorCode::CidrReservationChoice)
            .field("cidr_block")
            .detail("Neither a block nor a mask was given.")
            .accepted("one of the two")),
        (Some(_), Some(_)) => {
            Err(Refusal::new(ErrorCode::CidrReservationBoth).field("cidr_mask").accepted("one of the two"))
        }
        (None, Some(mask)) if ipv4 => Ok(ReservationChoice::Mask4(mask)),
        (None, Some(mask)) => Ok(ReservationChoice::Mask6(mask)),
        (Some(text), None) => {
            let block = text.parse::<Cidr>().ok().filter(|block| block.is_v4() == ipv4);
            block.map(ReservationChoice::Given).ok_or_else(|| {
                Refusal::new(ErrorCode::CidrReservationMalformed)
                    .field("cidr_block")
                    .detail(format!("{text:?} is not an {} network.", if ipv4 { "IPv4" } else { "IPv6" }))
                    .accepted(if ipv4 {
                        "a block such as 10.0.0.16/28"
                    } else {
                        "a block such as 2408:4000::/80"
                    })
            })
        }
    }
}

/// Reserves a part of a vSwitch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateCidrReservation {
    /// The vSwitch.
    pub vswitch: VSwitchId,
    /// What to reserve.
    pub block: ReservationChoice,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreateCidrReservation`].
///
/// # Errors
/// The form; an unknown vSwitch or one in transition; a block that is not a proper part, holds addresses that are
/// kept or in use, or cannot be found; the quota.
pub fn create(w: &mut World, caller: &Caller, c: &CreateCidrReservation) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    tag::check(&c.tags)?;
    let vswitch = w.visible::<VSwitch>(caller, c.vswitch)?;
    vswitch.check_available()?;
    let (vpc, vswitch_block) = (vswitch.vpc, vswitch.block);
    let ipv4 = match c.block {
        ReservationChoice::Given(block) => block.is_v4(),
        ReservationChoice::Mask4(_) => true,
        ReservationChoice::Mask6(_) => false,
    };
    let quota = if ipv4 { Quota::ReservedIpv4PerVpc } else { Quota::ReservedIpv6PerVpc };
    let used = w.indexes().cidr_reservations.by_vpc.count(&(vpc, ipv4));
    let block = if ipv4 { find4(w, vswitch, c.block)? } else { find6(w, vswitch, c.block)? };
    debug_assert!(!ipv4 || block != Cidr::from(vswitch_block));
    quota.check(w, caller.account, used, 1, ErrorCode::CidrReservationQuota)?;
    let id = w.new_id::<CidrReservationId>(&caller.region)?;
    tag::put_all(w, &caller.into(), id, &c.tags);
    let (owner, created) = (caller.into(), w.now());
    w.put(CidrReservation { id, owner, vpc, vswitch: c.vswitch, block, name, description, created });
    Ok(id.into())
}

/// The IPv4 block to reserve, tried on a copy of the vSwitch's pool.
fn find4(w: &World, vswitch: &VSwitch, choice: ReservationChoice) -> Outcome<Cidr> {
    let mut trial = w.indexes().vswitches.pools.get(&vswitch.id).expect("every vSwitch has a pool").clone();
    let found = match choice {
        ReservationChoice::Given(Cidr::V4(block)) => trial.reserve(block).map(|()| block),
        ReservationChoice::Mask4(mask) => trial.reserve_next(mask),
        _ => unreachable!("the family was looked at"),
    };
    found.map(Cidr::from).map_err(|error| {
        let mask_was_given = matches!(choice, ReservationChoice::Mask4(_));
        let shortest = vswitch.block.prefix_len() + if mask_was_given { 2 } else { 1 };
        refusal(&error, mask_was_given, vswitch.block.into(), shortest..=PREFIX_LEN_IPV4)
    })
}

/// The IPv6 block to reserve, tried on a copy of what is free in the vSwitch.
fn find6(w: &World, vswitch: &VSwitch, choice: ReservationChoice) -> Outcome<Cidr> {
    let Some(whole) = vswitch.ipv6 else {
        return Err(Refusal::new(ErrorCode::CidrReservationIpv6)
            .field("vswitch_id")
            .detail(format!("{} has none.", vswitch.id)));
    };
    let mut trial = eni_choice::pool6(w, vswitch.id, whole);
    let found = match choice {
        ReservationChoice::Given(Cidr::V6(block)) => trial.reserve(block).map(|()| block),
        ReservationChoice::Mask6(mask) => trial.reserve_next(mask),
        _ => unreachable!("the family was looked at"),
    };
    found.map(Cidr::from).map_err(|error| {
        let mask_was_given = matches!(choice, ReservationChoice::Mask6(_));
        refusal(&error, mask_was_given, whole.into(), whole.prefix_len() + 1..=PREFIX_LEN_IPV6)
    })
}

/// What the pool of a vSwitch says of a block to reserve, and what would pass.
fn refusal(
    error: &PoolError,
    mask_was_given: bool,
    whole: Cidr,
    masks: std::ops::RangeInclusive<u8>,
) -> Refusal {
    let (code, field) = match error {
        PoolError::PartLength { .. } if mask_was_given => (ErrorCode::CidrReservationMask, "cidr_mask"),
        PoolError::PartLength { .. } => (ErrorCode::CidrReservationOutside, "cidr_block"),
        PoolError::Outside { .. } => (ErrorCode::CidrReservationOutside, "cidr_block"),
        PoolError::System { .. } => (ErrorCode::CidrReservationSystem, "cidr_block"),
        PoolError::NoPrefix { .. } | PoolError::Exhausted { .. } => {
            (ErrorCode::CidrReservationNoRoom, "cidr_mask")
        }
        _ => (ErrorCode::CidrReservationUsed, "cidr_block"),
    };
    let (from, to) = masks.into_inner();
    Refusal::new(code)
        .field(field)
        .detail(format!("{error}."))
        .accepted(format!("a free part of {whole} with a mask from {from} to {to}"))
}

/// The reservations of a vSwitch by age.
pub fn of_vswitch(w: &World, vswitch: VSwitchId) -> impl Iterator<Item = &CidrReservation> {
    w.indexes().cidr_reservations.by_vswitch.of(&vswitch).filter_map(|id| w.get::<CidrReservation>(id))
}

/// Changes the name and the description of a reservation; absent ones stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyCidrReservation {
    /// The reservation.
    pub reservation: CidrReservationId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
}

/// Handles [`ModifyCidrReservation`].
///
/// # Errors
/// The form of the texts; an unknown reservation.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyCidrReservation) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    w.visible::<CidrReservation>(caller, c.reservation)?;
    w.update::<CidrReservation>(&c.reservation, |reservation| {
        if c.name.is_some() {
            reservation.name = name;
        }
        if c.description.is_some() {
            reservation.description = description;
        }
    });
    Ok(Reply::Done)
}

/// Gives a reservation back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteCidrReservation {
    /// The reservation.
    pub reservation: CidrReservationId,
}

/// Handles [`DeleteCidrReservation`].
///
/// # Errors
/// An unknown reservation; interfaces that still hold prefixes of it.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteCidrReservation) -> Outcome<Reply> {
    let reservation = w.visible::<CidrReservation>(caller, c.reservation)?;
    if let Some((code, ids)) = dependents(w, reservation).into_iter().next() {
        return Err(Refusal::new(code).field("cidr_reservation_id").blockers(ids));
    }
    tag::clear(w, c.reservation);
    w.remove::<CidrReservation>(&c.reservation);
    Ok(Reply::Done)
}

/// What keeps a reservation from being deleted.
pub fn dependents(w: &World, reservation: &CidrReservation) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let holders: Vec<AnyId> = holders(w, reservation).map(AnyId::from).collect();
    if holders.is_empty() { Vec::new() } else { vec![(ErrorCode::CidrReservationInUse, holders)] }
}

/// The interfaces that hold prefixes of a reservation.
fn holders(w: &World, reservation: &CidrReservation) -> impl Iterator<Item = EniId> {
    let block = reservation.block;
    w.indexes().enis.by_vswitch.of(&reservation.vswitch).copied().filter(move |id| {
        let eni = w.get::<crate::ecs::eni::Eni>(id);
        eni.is_some_and(|eni| {
            let prefixes = eni.ipv4_prefixes.iter().map(|p| Cidr::from(*p));
            prefixes
                .chain(eni.ipv6_prefixes.iter().map(|p| Cidr::from(*p)))
                .any(|prefix| block.contains(prefix))
        })
    })
}
