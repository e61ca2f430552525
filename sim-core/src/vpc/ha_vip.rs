//! A HaVip: a private address of a vSwitch that moves between the instances or network interfaces to which it is bound
//! (provider documentation: HaVip, CreateHaVip, DeleteHaVip); how it is bound is in `ha_vip_binding.rs`.
//!
//! Who answers for it is what the guests agree on by a protocol of their own, such as VRRP; whoever announces the address has
//! it. Here the priority is the order of binding: the master is the first bound interface whose instance runs.

use crate::access::{AccountId, Caller, Owner};
use crate::command::Reply;
use crate::ecs::eni::{Eni, EniStatus, count};
use crate::ecs::eni_address::{self, Primary, Wanted};
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::ecs::outage;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, EniId, HaVipId, ResourceGroupId, VSwitchId, VpcId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::settings::Work;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::timer::Due;
use crate::vpc::eip::Eip;
use crate::vpc::route_entry;
use crate::vpc::vswitch::{self, VSwitch};
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// Where a HaVip is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HaVipStatus {
    /// Being made.
    Creating,
    /// Ready, and bound to nothing.
    Available,
    /// Being bound to one more.
    Associating,
    /// Bound.
    InUse,
    /// Being taken off one.
    Unassociating,
    /// Being deleted.
    Deleting,
}

impl HaVipStatus {
    /// Every status, with the provider's word.
    pub const ALL: &'static [(&'static str, HaVipStatus)] = &[
        ("Creating", HaVipStatus::Creating),
        ("Available", HaVipStatus::Available),
        ("Associating", HaVipStatus::Associating),
        ("InUse", HaVipStatus::InUse),
        ("Unassociating", HaVipStatus::Unassociating),
        ("Deleting", HaVipStatus::Deleting),
    ];

    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            HaVipStatus::Creating => "Creating",
            HaVipStatus::Available => "Available",
            HaVipStatus::Associating => "Associating",
            HaVipStatus::InUse => "InUse",
            HaVipStatus::Unassociating => "Unassociating",
            HaVipStatus::Deleting => "Deleting",
        }
    }
}

/// What a HaVip is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindType {
    /// Instances, by their primary interfaces.
    EcsInstance,
    /// Network interfaces.
    NetworkInterface,
}

impl BindType {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            BindType::EcsInstance => "EcsInstance",
            BindType::NetworkInterface => "NetworkInterface",
        }
    }

    /// Reads the provider's word.
    ///
    /// # Errors
    /// [`ErrorCode::HaVipBindTypeUnknown`].
    pub fn parse(text: &str) -> Outcome<BindType> {
        match text {
            "EcsInstance" => Ok(BindType::EcsInstance),
            "NetworkInterface" => Ok(BindType::NetworkInterface),
            _ => Err(Refusal::new(ErrorCode::HaVipBindTypeUnknown)
                .field("target_type")
                .given(text)
                .accepted("EcsInstance, NetworkInterface")),
        }
    }
}

/// A HaVip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaVip {
    /// Its id.
    pub id: HaVipId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its vSwitch.
    pub vswitch: VSwitchId,
    /// The address, which never changes.
    pub address: Ipv4Addr,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// What it is bound to; counts while there are bound interfaces.
    pub bind_type: BindType,
    /// The interfaces that it is bound to, in the order of their binding; those of instances are primary.
    pub bound: Vec<EniId>,
    /// Where it is in its life.
    pub status: HaVipStatus,
    /// When it leaves Creating, Associating, Unassociating or Deleting; absent in every other status.
    pub settles: Option<SimTime>,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from HaVips.
#[derive(Clone, Debug, Default)]
pub struct HaVipIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, HaVipId>,
    /// By VPC.
    pub by_vpc: Groups<VpcId, HaVipId>,
    /// By vSwitch.
    pub by_vswitch: Groups<VSwitchId, HaVipId>,
    /// By the interfaces that they are bound to.
    pub by_eni: Groups<EniId, HaVipId>,
    /// How many an account has in all regions together.
    pub in_account: BTreeMap<AccountId, u64>,
    /// Which one is an address of a VPC.
    pub by_address: BTreeMap<(VpcId, Ipv4Addr), HaVipId>,
}

impl Row for HaVip {
    type Key = HaVipId;
    type Index = HaVipIndex;

    fn key(&self) -> HaVipId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|h| h.id) else { return };
        let ix = &mut indexes.ha_vips;
        for eni in old.iter().flat_map(|h| &h.bound) {
            ix.by_eni.remove(eni, &id);
        }
        for eni in new.iter().flat_map(|h| &h.bound) {
            ix.by_eni.insert(*eni, id);
        }
        // Where it lies and its address never change.
        let (Some(row), came) = (old.xor(new), new.is_some()) else { return };
        let (was, is) = if came { (None, Some(row)) } else { (Some(row), None) };
        ix.by_owner.shift(&id, was.map(|h| h.owner.clone()), is.map(|h| h.owner.clone()));
        ix.by_vpc.shift(&id, was.map(|h| h.vpc), is.map(|h| h.vpc));
        ix.by_vswitch.shift(&id, was.map(|h| h.vswitch), is.map(|h| h.vswitch));
        count(&mut ix.in_account, Some((&row.owner.account, 1)), came);
        if came {
            ix.by_address.insert((row.vpc, row.address), id);
        } else {
            ix.by_address.remove(&(row.vpc, row.address));
        }
        vswitch::hold(indexes, row.vpc, row.vswitch, row.address, came);
    }
}

impl Resource for HaVip {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl HaVip {
    /// The interface that answers for the address: the first one that works and is not cut off.
    pub fn master<'w>(&self, w: &'w World) -> Option<&'w Eni> {
        let runs = |eni: &&Eni| {
            let instance = eni.instance.and_then(|id| w.get::<Instance>(&id));
            let up = instance.is_some_and(|instance| instance.status == InstanceStatus::Running);
            eni.status == EniStatus::InUse && up && outage::of_interface(w, eni).is_none()
        };
        self.bound.iter().filter_map(|id| w.get::<Eni>(id)).find(runs)
    }

    /// What a bound interface is called: the instance, or the interface itself.
    pub fn called(&self, eni: &Eni) -> AnyId {
        match (self.bind_type, eni.instance) {
            (BindType::EcsInstance, Some(instance)) => instance.into(),
            _ => eni.id.into(),
        }
    }

    /// What it is bound to, in the order of binding.
    pub fn bound_to(&self, w: &World) -> Vec<AnyId> {
        self.bound.iter().filter_map(|id| w.get::<Eni>(id)).map(|eni| self.called(eni)).collect()
    }

    /// The elastic IP address that is bound to it, or is being bound or taken off.
    pub fn eip<'w>(&self, w: &'w World) -> Option<&'w Eip> {
        w.indexes().eips.by_target.of(&self.id.into()).find_map(|id| w.get::<Eip>(id))
    }

    /// Refuses changes while it is in transition.
    ///
    /// # Errors
    /// [`ErrorCode::HaVipStatusIncorrect`].
    pub(crate) fn check_settled(&self) -> Outcome<()> {
        if matches!(self.status, HaVipStatus::Available | HaVipStatus::InUse) {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::HaVipStatusIncorrect)
            .field("ha_vip_id")
            .detail(format!("{} is {}.", self.id, self.status.text()))
            .accepted("the same request once it is Available or InUse"))
    }
}

/// The HaVip that is an address of a VPC.
#[inline]
pub fn of_address(w: &World, vpc: VpcId, address: Ipv4Addr) -> Option<&HaVip> {
    w.indexes().ha_vips.by_address.get(&(vpc, address)).and_then(|id| w.get::<HaVip>(id))
}

/// The HaVips for which an interface answers, oldest first.
pub fn answered_by(w: &World, eni: EniId) -> impl Iterator<Item = &HaVip> {
    let bound = w.indexes().ha_vips.by_eni.of(&eni).filter_map(|id| w.get::<HaVip>(id));
    bound.filter(move |vip| vip.master(w).is_some_and(|master| master.id == eni))
}

/// Whether an interface answers for an address as the master of its HaVip.
#[inline]
pub fn answers(w: &World, eni: &Eni, address: IpAddr) -> bool {
    let IpAddr::V4(address) = address else { return false };
    let master = of_address(w, eni.vpc, address).and_then(|vip| vip.master(w));
    master.is_some_and(|master| master.id == eni.id)
}

/// How many an account has, in all regions together: what the quota counts.
pub fn counted(w: &World, owner: &Owner) -> u64 {
    w.indexes().ha_vips.in_account.get(&owner.account).copied().unwrap_or(0)
}

/// The rule for a HaVip's name.
pub const NAME: TextRule =
    TextRule { min: 1, max: 128, letter_first: false, field: "name", error: ErrorCode::HaVipNameMalformed };
/// The rule for a HaVip's description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 1,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::HaVipDescriptionMalformed,
};

/// Makes a HaVip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateHaVip {
    /// Its vSwitch.
    pub vswitch: VSwitchId,
    /// The address wanted; the lowest free one if absent.
    pub address: Option<Ipv4Addr>,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
    /// Its resource group: the account's default one if absent.
    pub resource_group: Option<ResourceGroupId>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreateHaVip`].
///
/// # Errors
/// The form of name, description and tags; an unknown vSwitch or resource group; a vSwitch in transition; an address that
/// is not free; the quotas.
pub fn create(w: &mut World, caller: &Caller, c: &CreateHaVip) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    tag::check(&c.tags)?;
    let vswitch = w.visible::<VSwitch>(caller, c.vswitch)?;
    let resource_group = crate::resource_group::resolve(w, caller, c.resource_group)?;
    vswitch.check_available()?;
    let vpc = vswitch.vpc;
    let primary = c.address.map_or(Primary::Lowest, Primary::Given);
    let chosen = eni_address::choose(w, vswitch, primary, &Wanted::default());
    let chosen = chosen.map_err(|refusal| match c.address {
        Some(_) => refusal.field("private_ip_address"),
        None => refusal,
    });
    let chosen = eni_address::room_last(chosen, || {
        let used = w.indexes().ha_vips.by_vpc.count(&vpc);
        Quota::HaVipsPerVpc.check(w, caller.account, used, 1, ErrorCode::HaVipVpcQuotaExceeded)?;
        let used = counted(w, &caller.into());
        Quota::HaVipsPerAccount.check(w, caller.account, used, 1, ErrorCode::HaVipQuotaExceeded)?;
        eni_address::check_vpc_quota(w, caller, vpc, 1)
    })?;
    let id = w.new_id::<HaVipId>(&caller.region)?;
    tag::put_all(w, &caller.into(), id, &c.tags);
    let created = w.now();
    w.put(HaVip {
        id,
        owner: caller.into(),
        vpc,
        vswitch: c.vswitch,
        address: chosen.primary.expect("a primary address was wanted"),
        name,
        description,
        resource_group,
        bind_type: BindType::EcsInstance,
        bound: Vec::new(),
        status: HaVipStatus::Available,
        settles: None,
        created,
    });
    begin(w, id, HaVipStatus::Creating);
    Ok(id.into())
}

/// Puts a HaVip into transition, or through it at once if it takes no time.
pub(super) fn begin(w: &mut World, id: HaVipId, status: HaVipStatus) {
    let span = w.settings().provisioning.span(Work::HaVip);
    let ends = w.now() + span;
    w.update::<HaVip>(&id, |vip| {
        vip.status = status;
        vip.settles = Some(ends);
    });
    if span.is_zero() {
        settle(w, id);
    } else {
        w.schedule(span, Due::HaVip(id));
    }
}

/// Ends a transition.
pub(crate) fn settle(w: &mut World, id: HaVipId) {
    let now = w.now();
    let Some(vip) = w.get::<HaVip>(&id).filter(|vip| vip.settles == Some(now)) else { return };
    if vip.status == HaVipStatus::Deleting {
        tag::clear(w, id);
        w.remove::<HaVip>(&id);
        return;
    }
    w.update::<HaVip>(&id, |vip| {
        vip.status = if vip.bound.is_empty() { HaVipStatus::Available } else { HaVipStatus::InUse };
        vip.settles = None;
    });
}

/// Changes a HaVip; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyHaVip {
    /// The HaVip.
    pub ha_vip: HaVipId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
}

/// Handles [`ModifyHaVip`].
///
/// # Errors
/// The form of name and description; an unknown HaVip or one in transition.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyHaVip) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    w.visible::<HaVip>(caller, c.ha_vip)?.check_settled()?;
    w.update::<HaVip>(&c.ha_vip, |vip| {
        if c.name.is_some() {
            vip.name = name;
        }
        if c.description.is_some() {
            vip.description = description;
        }
    });
    Ok(Reply::Done)
}

/// Deletes a HaVip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteHaVip {
    /// The HaVip.
    pub ha_vip: HaVipId,
}

/// Handles [`DeleteHaVip`].
///
/// # Errors
/// An unknown HaVip; one in transition; what is in the way, in the order of [`dependents`].
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteHaVip) -> Outcome<Reply> {
    let vip = w.visible::<HaVip>(caller, c.ha_vip)?;
    vip.check_settled()?;
    if let Some((code, ids)) = dependents(w, vip).into_iter().next() {
        return Err(Refusal::new(code)
            .field("ha_vip_id")
            .detail(format!("{} is still needed.", vip.id))
            .blockers(ids));
    }
    begin(w, c.ha_vip, HaVipStatus::Deleting);
    Ok(Reply::Done)
}

/// What keeps a HaVip from being deleted, in the order in which it is reported.
pub fn dependents(w: &World, vip: &HaVip) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let routes = route_entry::next_hop_users(w, vip.id).into_iter().map(AnyId::from);
    let all: [(ErrorCode, Vec<AnyId>); 3] = [
        (ErrorCode::HaVipHasRouteEntry, routes.collect()),
        (ErrorCode::HaVipHasEip, vip.eip(w).map(|eip| eip.id.into()).into_iter().collect()),
        (ErrorCode::HaVipHasBound, vip.bound_to(w)),
    ];
    all.into_iter().filter(|(_, ids)| !ids.is_empty()).collect()
}
