//! An elastic IP address: a public IPv4 address that an account holds and binds to one thing after another.
//!
//! It is allocated, changed and released here; what it is bound to is in `eip_binding.rs` (provider documentation: elastic
//! IP address, AllocateEipAddress, ModifyEipAddressAttribute, ReleaseEipAddress).

use crate::access::{AccountId, Caller, Owner};
use crate::cidr::Cidr4;
use crate::command::Reply;
use crate::ecs::eni::count;
use crate::ecs::instance::ChargeType;
use crate::ecs::public_address;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, EipId, EniId, ResourceGroupId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::subscription::Period;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::timer::Counter;
use crate::vpc::eip_binding::Binding;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Where elastic IP addresses come from: half of the range that RFC 2544 keeps for benchmarks. Nobody on the internet has
/// such an address, so that a client that takes one for real reaches nobody. The other half is for load balancers. Static
/// addresses of instances come from here too.
pub const ADDRESSES: Cidr4 = Cidr4::v4([198, 18, 0, 0], 16);
/// How many addresses of the range are given out: the first and the last stay free.
const MOST: u64 = (1 << 16) - 2;

/// Where an elastic IP address is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EipStatus {
    /// Bound to nothing.
    Available,
    /// Being bound.
    Associating,
    /// Bound.
    InUse,
    /// Being taken off.
    Unassociating,
}

impl EipStatus {
    /// Every status, with the provider's word.
    pub const ALL: &'static [(&'static str, EipStatus)] = &[
        ("Available", EipStatus::Available),
        ("Associating", EipStatus::Associating),
        ("InUse", EipStatus::InUse),
        ("Unassociating", EipStatus::Unassociating),
    ];

    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            EipStatus::Available => "Available",
            EipStatus::Associating => "Associating",
            EipStatus::InUse => "InUse",
            EipStatus::Unassociating => "Unassociating",
        }
    }
}

/// What is paid for: it bounds the bandwidth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InternetCharge {
    /// The bandwidth, whether it is used or not.
    #[default]
    ByBandwidth,
    /// What is sent.
    ByTraffic,
}

impl InternetCharge {
    /// Each with the provider's word.
    pub const ALL: &'static [(&'static str, InternetCharge)] =
        &[("PayByBandwidth", InternetCharge::ByBandwidth), ("PayByTraffic", InternetCharge::ByTraffic)];

    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            InternetCharge::ByBandwidth => "PayByBandwidth",
            InternetCharge::ByTraffic => "PayByTraffic",
        }
    }

    /// The most bandwidth, in Mbit/s.
    pub const fn most(self) -> u32 {
        match self {
            InternetCharge::ByBandwidth => 500,
            InternetCharge::ByTraffic => 200,
        }
    }
}

/// The bandwidth of an elastic IP address for which nobody named one, in Mbit/s.
pub const USUAL_BANDWIDTH: u32 = 5;

/// The lines by which an address is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isp {
    /// Several lines.
    #[default]
    Bgp,
    /// Several lines, the better ones to the mainland of China.
    BgpPro,
}

impl Isp {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            Isp::Bgp => "BGP",
            Isp::BgpPro => "BGP_PRO",
        }
    }

    /// Reads the provider's word.
    ///
    /// # Errors
    /// [`ErrorCode::EipIspUnsupported`].
    pub fn parse(text: &str) -> Outcome<Isp> {
        match text {
            "BGP" => Ok(Isp::Bgp),
            "BGP_PRO" => Ok(Isp::BgpPro),
            other => Err(Refusal::new(ErrorCode::EipIspUnsupported)
                .field("isp")
                .given(other)
                .accepted("BGP, BGP_PRO")),
        }
    }
}

/// An elastic IP address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eip {
    /// Its id.
    pub id: EipId,
    /// Whose it is.
    pub owner: Owner,
    /// The address, which never changes.
    pub address: Ipv4Addr,
    /// Its bandwidth in Mbit/s.
    pub bandwidth: u32,
    /// What is paid for.
    pub charge: InternetCharge,
    /// How it is paid for.
    pub payment: ChargeType,
    /// When its subscription ends; absent for one that is paid by use. Nothing happens then.
    pub ends: Option<SimTime>,
    /// The lines by which it is reached.
    pub isp: Isp,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Whether a release is refused.
    pub deletion_protection: bool,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// Where it is in its life.
    pub status: EipStatus,
    /// When it leaves Associating or Unassociating; absent in every other status.
    pub settles: Option<SimTime>,
    /// What it is bound to; absent if and only if it is Available.
    pub binding: Option<Binding>,
    /// When it was allocated.
    pub created: SimTime,
}

/// What is derived from elastic IP addresses.
#[derive(Clone, Debug, Default)]
pub struct EipIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, EipId>,
    /// How many an account has in all regions together.
    pub in_account: BTreeMap<AccountId, u64>,
    /// Who has an address.
    pub by_address: BTreeMap<Ipv4Addr, EipId>,
    /// By the network interface to which they lead.
    pub by_eni: Groups<EniId, EipId>,
    /// By the object that they are bound to.
    pub by_target: Groups<AnyId, EipId>,
}

impl Row for Eip {
    type Key = EipId;
    type Index = EipIndex;

    fn key(&self) -> EipId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|e| e.id) else { return };
        let ix = &mut indexes.eips;
        let eni = |e: &Eip| e.binding.as_ref().and_then(|b| b.target.eni());
        ix.by_eni.shift(&id, old.and_then(eni), new.and_then(eni));
        let target = |e: &Eip| e.binding.as_ref().map(|b| b.target.id());
        ix.by_target.shift(&id, old.and_then(target), new.and_then(target));
        // Owner and address never change.
        let (Some(row), came) = (old.xor(new), new.is_some()) else { return };
        let (was, is) = if came { (None, Some(row)) } else { (Some(row), None) };
        ix.by_owner.shift(&id, was.map(|e| e.owner.clone()), is.map(|e| e.owner.clone()));
        count(&mut ix.in_account, Some((&row.owner.account, 1)), came);
        if came {
            ix.by_address.insert(row.address, id);
        } else {
            ix.by_address.remove(&row.address);
        }
    }
}

impl Resource for Eip {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl Eip {
    /// Refuses an operation unless the address has one of these statuses.
    ///
    /// # Errors
    /// [`ErrorCode::EipStatusIncorrect`].
    pub(crate) fn check_status(&self, allowed: &[EipStatus]) -> Outcome<()> {
        if allowed.contains(&self.status) {
            return Ok(());
        }
        let words: Vec<&str> = allowed.iter().map(|s| s.text()).collect();
        Err(Refusal::new(ErrorCode::EipStatusIncorrect)
            .field("eip_id")
            .detail(format!("{} is {}.", self.id, self.status.text()))
            .accepted(format!("an elastic IP address that is {}", words.join(" or ")))
            .blockers(self.binding.as_ref().map(|b| b.target.id())))
    }
}

/// How many an account has, in all regions together: what the quota counts.
pub fn counted(w: &World, owner: &Owner) -> u64 {
    w.indexes().eips.in_account.get(&owner.account).copied().unwrap_or(0)
}

/// The rule for the name of an elastic IP address.
pub const NAME: TextRule =
    TextRule { min: 1, max: 128, letter_first: true, field: "name", error: ErrorCode::EipNameMalformed };
/// The rule for the description of an elastic IP address.
pub const DESCRIPTION: TextRule = TextRule {
    min: 2,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::EipDescriptionMalformed,
};

/// Reads a bandwidth as the provider's wire has it: a number in a text.
///
/// # Errors
/// [`ErrorCode::EipBandwidthInvalid`].
pub fn parse_bandwidth(text: &str) -> Outcome<u32> {
    text.parse().map_err(|_| {
        Refusal::new(ErrorCode::EipBandwidthInvalid)
            .field("bandwidth")
            .given(text)
            .accepted("1 to 200, or 500 if it is paid by bandwidth")
    })
}

fn check_bandwidth(charge: InternetCharge, bandwidth: u32) -> Outcome<()> {
    if (1..=charge.most()).contains(&bandwidth) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::EipBandwidthInvalid)
        .field("bandwidth")
        .detail(format!("{bandwidth} Mbit/s were asked for, {}.", charge.text()))
        .accepted(format!("1 to {}", charge.most())))
}

/// Allocates an elastic IP address, which is Available at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocateEip {
    /// The address wanted, such as one that was released; the next one if absent.
    pub address: Option<Ipv4Addr>,
    /// Its bandwidth in Mbit/s; [`USUAL_BANDWIDTH`] if absent.
    pub bandwidth: Option<u32>,
    /// What is paid for.
    pub charge: InternetCharge,
    /// How it is paid for.
    pub payment: ChargeType,
    /// For how many months a subscription is bought; one if absent.
    pub months: Option<u32>,
    /// The lines by which it is reached.
    pub isp: Isp,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
    /// Its resource group; the account's default one if absent.
    pub resource_group: Option<ResourceGroupId>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`AllocateEip`].
///
/// # Errors
/// The form of bandwidth, months, name, description and tags; an unknown region or resource group; an address out of the range or
/// allocated already; the quota; no address left.
pub fn allocate(w: &mut World, caller: &Caller, c: &AllocateEip) -> Outcome<Reply> {
    let bandwidth = c.bandwidth.unwrap_or(USUAL_BANDWIDTH);
    check_bandwidth(c.charge, bandwidth)?;
    let subscribed = c.payment == ChargeType::PrePaid;
    let period = subscribed.then(|| Period::of_months(c.months)).transpose()?;
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    tag::check(&c.tags)?;
    if let Some(address) = c.address {
        check_address(address)?;
    }
    crate::region::check(w, &caller.region)?;
    let resource_group = crate::resource_group::resolve(w, caller, c.resource_group)?;
    let owner = Owner::from(caller);
    if let Some(address) = c.address {
        check_free(w, address, &owner)?;
    }
    Quota::EipsPerAccount.check(w, caller.account, counted(w, &owner), 1, ErrorCode::EipQuotaExceeded)?;
    check_room(w, 1)?;
    let address = c.address.unwrap_or_else(|| next_address(w));
    let (id, created) = (w.new_id::<EipId>(&caller.region)?, w.now());
    tag::put_all(w, &owner, id, &c.tags);
    w.put(Eip {
        id,
        owner,
        address,
        bandwidth,
        charge: c.charge,
        payment: c.payment,
        ends: period.map(|period| period.end(created)),
        isp: c.isp,
        name,
        description,
        deletion_protection: false,
        resource_group,
        status: EipStatus::Available,
        settles: None,
        binding: None,
        created,
    });
    Ok(id.into())
}

/// Nobody has an address of the pool: neither as an elastic nor as a static one.
pub(crate) fn check_free(w: &World, address: Ipv4Addr, owner: &Owner) -> Outcome<()> {
    let eip = w.indexes().eips.by_address.get(&address).and_then(|id| w.get::<Eip>(id));
    let instance = public_address::of_address(w, address);
    if eip.is_none() && instance.is_none() {
        return Ok(());
    }
    // Whose it is stays unsaid if it is another's.
    let elastic = eip.filter(|eip| eip.owner == *owner).map(|eip| AnyId::from(eip.id));
    let fixed = instance.filter(|instance| instance.owner == *owner).map(|instance| instance.id.into());
    Err(Refusal::new(ErrorCode::EipAddressTaken)
        .field("address")
        .accepted("no address: the next one is taken then")
        .blockers(elastic.or(fixed)))
}

/// The pool has so many addresses left.
pub(crate) fn check_room(w: &World, wanted: u64) -> Outcome<()> {
    let ix = w.indexes();
    let taken = ix.eips.by_address.len() + ix.instances.by_public_address.len();
    if taken as u64 + wanted <= MOST {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::EipExhausted)
        .field("address")
        .detail(format!("All {MOST} addresses of {ADDRESSES} are allocated.")))
}

pub(crate) fn check_address(address: Ipv4Addr) -> Outcome<()> {
    let edge = address == ADDRESSES.first() || address == ADDRESSES.last();
    if ADDRESSES.contains_address(address) && !edge {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::EipAddressForeign)
        .field("address")
        .detail(format!("{address} was given."))
        .accepted("an address from 198.18.0.1 to 198.18.255.254, or none"))
}

/// The next address that is free; there is one (see [`check_room`]). They are given out in turn, so that one that was
/// released does not come back at once.
pub(crate) fn next_address(w: &mut World) -> Ipv4Addr {
    loop {
        let number = (w.count_up(Counter::EIPS) - 1) % MOST;
        let address = Ipv4Addr::from(u32::from(ADDRESSES.first()) + 1 + number as u32);
        let ix = w.indexes();
        if !ix.eips.by_address.contains_key(&address)
            && !ix.instances.by_public_address.contains_key(&address)
        {
            return address;
        }
    }
}

/// Changes an elastic IP address; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyEip {
    /// The address.
    pub eip: EipId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
    /// Its new bandwidth in Mbit/s.
    pub bandwidth: Option<u32>,
    /// Whether a release is refused from now on.
    pub deletion_protection: Option<bool>,
}

/// Handles [`ModifyEip`].
///
/// # Errors
/// The form of the fields; an unknown address; one in transition; bandwidth or protection of one that is paid in advance.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyEip) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    let eip = w.visible::<Eip>(caller, c.eip)?;
    if let Some(bandwidth) = c.bandwidth {
        check_bandwidth(eip.charge, bandwidth)?;
    }
    eip.check_status(&[EipStatus::Available, EipStatus::InUse])?;
    if eip.payment == ChargeType::PrePaid {
        let field = match (c.bandwidth, c.deletion_protection) {
            (Some(_), _) => Some("bandwidth"),
            (_, Some(true)) => Some("deletion_protection"),
            _ => None,
        };
        if let Some(field) = field {
            return Err(subscription(eip, field));
        }
    }
    w.update::<Eip>(&c.eip, |eip| {
        if c.name.is_some() {
            eip.name = name;
        }
        if c.description.is_some() {
            eip.description = description;
        }
        eip.bandwidth = c.bandwidth.unwrap_or(eip.bandwidth);
        eip.deletion_protection = c.deletion_protection.unwrap_or(eip.deletion_protection);
    });
    Ok(Reply::Done)
}

fn subscription(eip: &Eip, field: &str) -> Refusal {
    Refusal::new(ErrorCode::EipSubscription)
        .field(field)
        .detail(format!("{} is paid in advance.", eip.id))
        .accepted("an elastic IP address that is paid by use")
}

/// Releases an elastic IP address that is bound to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseEip {
    /// The address.
    pub eip: EipId,
}

/// Handles [`ReleaseEip`].
///
/// # Errors
/// An unknown address; one that is not Available, is paid in advance or protected.
pub fn release(w: &mut World, caller: &Caller, c: &ReleaseEip) -> Outcome<Reply> {
    let eip = w.visible::<Eip>(caller, c.eip)?;
    eip.check_status(&[EipStatus::Available])?;
    if eip.payment == ChargeType::PrePaid {
        return Err(subscription(eip, "eip_id"));
    }
    if eip.deletion_protection {
        return Err(Refusal::new(ErrorCode::EipProtected)
            .field("eip_id")
            .detail(format!("{} is protected.", eip.id))
            .accepted("the same request after deletion_protection was set to false"));
    }
    tag::clear(w, c.eip);
    w.remove::<Eip>(&c.eip);
    Ok(Reply::Done)
}
