//! What a HaVip is bound to: up to ten instances, by their primary interfaces, or up to ten network interfaces, all of its
//! vSwitch and each on an instance of its own (provider documentation: limits of HaVips, AssociateHaVip,
//! UnassociateHaVip). A binding holds at once; the HaVip is Associating or Unassociating meanwhile.

use crate::access::Caller;
use crate::command::Reply;
use crate::ecs::eni::{Eni, EniStatus};
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{EniId, HaVipId, Id, InstanceId};
use crate::quota::Quota;
use crate::vpc::ha_vip::{BindType, HaVip, HaVipStatus, begin};
use crate::world::World;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// Binds a HaVip to an instance or a network interface of its vSwitch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssociateHaVip {
    /// The HaVip.
    pub ha_vip: HaVipId,
    /// What the target is.
    pub bind_type: BindType,
    /// The id of the instance or interface.
    pub target: CompactString,
}

fn parse_target<I: Id>(text: &str) -> Outcome<I> {
    text.parse().map_err(|e: crate::id::IdError| {
        Refusal::new(I::NOT_FOUND).field("target_id").detail(format!("{e}."))
    })
}

/// The interface that a target is: an instance's primary one.
fn find<'w>(w: &'w World, caller: &Caller, bind_type: BindType, target: &str) -> Outcome<&'w Eni> {
    match bind_type {
        BindType::EcsInstance => {
            let instance = w.visible::<Instance>(caller, parse_target::<InstanceId>(target)?);
            instance.map(|instance| instance.primary(w))
        }
        BindType::NetworkInterface => w.visible::<Eni>(caller, parse_target::<EniId>(target)?),
    }
    .map_err(|refusal| refusal.field("target_id"))
}

/// Handles [`AssociateHaVip`].
///
/// # Errors
/// An unknown HaVip or target; a HaVip in transition; a target of another vSwitch, of the other type, bound already, in a
/// state that does not allow it, or with too many; too many targets.
pub fn associate(w: &mut World, caller: &Caller, c: &AssociateHaVip) -> Outcome<Reply> {
    let vip = w.visible::<HaVip>(caller, c.ha_vip)?;
    let eni = find(w, caller, c.bind_type, &c.target)?;
    vip.check_settled()?;
    if eni.vswitch != vip.vswitch {
        return Err(Refusal::new(ErrorCode::HaVipOtherVSwitch)
            .field("target_id")
            .detail(format!("{} is in {}, {} in {}.", c.target, eni.vswitch, vip.id, vip.vswitch)));
    }
    check_usable(w, eni)?;
    check_mates(w, vip, c.bind_type, eni)?;
    let bound = vip.bound.len() as u64;
    let (full, held) = (ErrorCode::HaVipBoundExceeded, held(w, eni.instance));
    Quota::BindingsPerHaVip.check(w, caller.account, bound, 1, full)?;
    Quota::HaVipsPerInstance.check(w, caller.account, held, 1, ErrorCode::HaVipsOnInstanceExceeded)?;
    let eni = eni.id;
    w.update::<HaVip>(&c.ha_vip, |vip| {
        vip.bind_type = c.bind_type;
        vip.bound.push(eni);
    });
    begin(w, c.ha_vip, HaVipStatus::Associating);
    Ok(Reply::Done)
}

/// How many HaVips are bound to the interfaces of an instance.
pub fn held(w: &World, instance: Option<InstanceId>) -> u64 {
    let ix = w.indexes();
    let enis = instance.iter().flat_map(|id| ix.enis.by_instance.of(id));
    enis.map(|eni| ix.ha_vips.by_eni.count(eni)).sum()
}

/// The instance is Running or Stopped, and an interface is attached to one.
fn check_usable(w: &World, eni: &Eni) -> Outcome<()> {
    let instance = eni.instance.filter(|_| eni.status == EniStatus::InUse);
    let Some(instance) = instance.and_then(|id| w.get::<Instance>(&id)) else {
        return Err(Refusal::new(ErrorCode::HaVipInterfaceFree)
            .field("target_id")
            .detail(format!("{} is {}.", eni.id, eni.status.text()))
            .accepted("an interface that is attached to an instance"));
    };
    check_instance(instance)
}

fn check_instance(instance: &Instance) -> Outcome<()> {
    if matches!(instance.status, InstanceStatus::Running | InstanceStatus::Stopped) {
        return Ok(());
    }
    Err(instance.wrong_status(ErrorCode::HaVipInstanceStatus, "Running or Stopped"))
}

/// Others that it is bound to are of one type, and on other instances.
fn check_mates(w: &World, vip: &HaVip, bind_type: BindType, eni: &Eni) -> Outcome<()> {
    if vip.bound.contains(&eni.id) {
        return Err(Refusal::new(ErrorCode::HaVipBoundAlready)
            .field("target_id")
            .detail(format!("{} is bound to it.", vip.id)));
    }
    if !vip.bound.is_empty() && vip.bind_type != bind_type {
        return Err(Refusal::new(ErrorCode::HaVipMixedTypes)
            .field("target_type")
            .detail(format!("{} is bound to {}s.", vip.id, vip.bind_type.text()))
            .accepted(vip.bind_type.text()));
    }
    let mate = vip.bound.iter().filter_map(|id| w.get::<Eni>(id)).find(|mate| mate.instance == eni.instance);
    match mate {
        None => Ok(()),
        Some(mate) => Err(Refusal::new(ErrorCode::HaVipSameInstance)
            .field("target_id")
            .detail(format!("{} is on the same instance.", mate.id))
            .blockers([mate.id])),
    }
}

/// Takes a HaVip off an instance or a network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnassociateHaVip {
    /// The HaVip.
    pub ha_vip: HaVipId,
    /// What the target is.
    pub bind_type: BindType,
    /// The id of the instance or interface.
    pub target: CompactString,
    /// Whether it is taken off its master, too.
    pub force: bool,
}

/// Handles [`UnassociateHaVip`].
///
/// # Errors
/// An unknown HaVip or target; a HaVip in transition; a target that it is not bound to, or whose instance is in transition;
/// the master, without `force`.
pub fn unassociate(w: &mut World, caller: &Caller, c: &UnassociateHaVip) -> Outcome<Reply> {
    let vip = w.visible::<HaVip>(caller, c.ha_vip)?;
    let eni = find(w, caller, c.bind_type, &c.target)?;
    vip.check_settled()?;
    if !vip.bound.contains(&eni.id) || vip.bind_type != c.bind_type {
        return Err(Refusal::new(ErrorCode::HaVipNotBound)
            .field("target_id")
            .detail(format!("{} is not bound to {}.", vip.id, c.target)));
    }
    if let Some(instance) = eni.instance.and_then(|id| w.get::<Instance>(&id)) {
        check_instance(instance)?;
    }
    if !c.force && vip.master(w).is_some_and(|master| master.id == eni.id) {
        return Err(Refusal::new(ErrorCode::HaVipMaster)
            .field("target_id")
            .detail(format!("{} is its master.", c.target))
            .accepted("force set to true"));
    }
    let eni = eni.id;
    w.update::<HaVip>(&c.ha_vip, |vip| vip.bound.retain(|other| *other != eni));
    begin(w, c.ha_vip, HaVipStatus::Unassociating);
    Ok(Reply::Done)
}

/// Takes HaVips off an interface that goes, or is attached to nothing any more.
pub(crate) fn forget_eni(w: &mut World, eni: EniId) {
    let vips: Vec<HaVipId> = w.indexes().ha_vips.by_eni.of(&eni).copied().collect();
    for id in vips {
        w.update::<HaVip>(&id, |vip| {
            vip.bound.retain(|other| *other != eni);
            if vip.bound.is_empty() && vip.status == HaVipStatus::InUse {
                vip.status = HaVipStatus::Available;
            }
        });
    }
}
