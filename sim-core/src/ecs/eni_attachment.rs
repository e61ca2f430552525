//! Attaching network interfaces to instances and detaching them: Available, Attaching, InUse, Detaching, Available.
//!
//! An interface is attached to an instance of its VPC and zone, or through a trunk interface of the instance as a
//! member. How many an instance takes, and how many addresses each may hold, is its type's (provider
//! documentation: AttachNetworkInterface, elastic network interfaces).

use crate::access::Caller;
use crate::command::Reply;
use crate::ecs::eni::{Eni, EniKind, EniStatus, of_instance};
use crate::ecs::eni_address::check_type_slots;
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{EniId, InstanceId};
use crate::settings::Work;
use crate::timer::Due;
use crate::vpc::ha_vip_binding;
use crate::vpc::vswitch::VSwitch;
use crate::world::World;
use serde::{Deserialize, Serialize};

/// Attaches an Available interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachEni {
    /// The interface.
    pub eni: EniId,
    /// The instance.
    pub instance: InstanceId,
    /// The trunk interface of the instance, for a member.
    pub trunk: Option<EniId>,
}

/// Handles [`AttachEni`].
///
/// # Errors
/// An unknown interface, instance or trunk; another VPC or zone; a primary interface; a state other than Available;
/// an instance that is neither Running nor Stopped; the limits of the instance's type.
pub fn attach(w: &mut World, caller: &Caller, c: &AttachEni) -> Outcome<Reply> {
    let eni = w.visible::<Eni>(caller, c.eni)?;
    let instance = w.visible::<Instance>(caller, c.instance)?;
    let trunk = c.trunk.map(|id| w.visible::<Eni>(caller, id)).transpose();
    let trunk = trunk.map_err(|refusal| refusal.field("trunk_network_interface_id"))?;
    check_place(w, eni, instance)?;
    if eni.kind == EniKind::Primary {
        return Err(Refusal::new(ErrorCode::EniKindDenied)
            .field("network_interface_id")
            .detail(format!("{} is a primary interface.", eni.id))
            .accepted("a secondary or trunk interface"));
    }
    if let Some(trunk) = trunk {
        check_trunk(eni, instance, trunk)?;
    }
    check_status(eni, &[EniStatus::Available])?;
    check_instance(instance)?;
    let index = match trunk {
        Some(trunk) => member_index(w, instance, trunk)?,
        None => own_index(w, eni, instance)?,
    };
    check_type_slots(&instance.instance_type, eni.ipv4_slots(), eni.ipv6_slots())?;
    w.update::<Eni>(&c.eni, |eni| {
        eni.instance = Some(c.instance);
        eni.trunk = c.trunk;
        eni.device_index = index;
        if c.trunk.is_some() {
            eni.kind = EniKind::Member;
        }
    });
    begin(w, c.eni, EniStatus::Attaching, Work::EniAttach);
    Ok(Reply::Done)
}

/// Checks that an interface may come with a new instance, whose row is not written yet: what [`attach`] checks,
/// without the instance's status and the number of its interfaces.
pub(crate) fn check_joining(w: &World, eni: &Eni, instance: &Instance) -> Outcome<()> {
    check_place(w, eni, instance)?;
    if eni.kind == EniKind::Primary {
        return Err(Refusal::new(ErrorCode::EniKindDenied)
            .field("network_interface_id")
            .detail(format!("{} is a primary interface.", eni.id))
            .accepted("a secondary or trunk interface"));
    }
    check_status(eni, &[EniStatus::Available])?;
    check_trunking(eni, instance)?;
    check_type_slots(&instance.instance_type, eni.ipv4_slots(), eni.ipv6_slots())
}

/// A trunk interface goes to an instance whose type takes one.
fn check_trunking(eni: &Eni, instance: &Instance) -> Outcome<()> {
    if eni.kind == EniKind::Trunk && !instance.type_row().trunk {
        return Err(Refusal::new(ErrorCode::EniTrunkUnsupported)
            .field("instance_id")
            .detail(format!("{} takes no trunk interface.", instance.instance_type)));
    }
    Ok(())
}

/// An interface goes to an instance of its own VPC and zone.
fn check_place(w: &World, eni: &Eni, instance: &Instance) -> Outcome<()> {
    let refuse = |code, detail: String| Err(Refusal::new(code).field("instance_id").detail(detail));
    if eni.vpc != instance.vpc {
        let detail = format!("{} lies in {}, the instance in {}.", eni.id, eni.vpc, instance.vpc);
        return refuse(ErrorCode::EniVpcMismatch, detail);
    }
    let zone = w.get::<VSwitch>(&eni.vswitch).map(|s| &s.zone);
    match zone {
        Some(zone) if *zone != instance.zone => {
            let detail = format!("{} lies in {zone}, the instance in {}.", eni.id, instance.zone);
            refuse(ErrorCode::EniZoneMismatch, detail)
        }
        _ => Ok(()),
    }
}

/// Only a trunk of the same instance carries members, and only secondary interfaces become members.
fn check_trunk(eni: &Eni, instance: &Instance, trunk: &Eni) -> Outcome<()> {
    let refuse =
        |code, detail: String| Err(Refusal::new(code).field("trunk_network_interface_id").detail(detail));
    if trunk.kind != EniKind::Trunk {
        return refuse(ErrorCode::EniNotTrunk, format!("{} is of type {}.", trunk.id, trunk.kind.text()));
    }
    if trunk.instance != Some(instance.id) {
        return refuse(
            ErrorCode::EniNotOfInstance,
            format!("{} is not attached to {}.", trunk.id, instance.id),
        );
    }
    if eni.kind == EniKind::Trunk {
        return refuse(ErrorCode::EniCannotBeMember, format!("{} is a trunk itself.", eni.id));
    }
    if trunk.status != EniStatus::InUse {
        return refuse(ErrorCode::EniTrunkStatus, format!("{} is {}.", trunk.id, trunk.status.text()));
    }
    Ok(())
}

fn check_status(eni: &Eni, allowed: &[EniStatus]) -> Outcome<()> {
    if allowed.contains(&eni.status) {
        return Ok(());
    }
    let words: Vec<&str> = allowed.iter().map(|s| s.text()).collect();
    Err(Refusal::new(ErrorCode::EniStatusIncorrect)
        .field("network_interface_id")
        .detail(format!("{} is {}.", eni.id, eni.status.text()))
        .accepted(format!("an interface that is {}", words.join(" or "))))
}

fn check_instance(instance: &Instance) -> Outcome<()> {
    if matches!(instance.status, InstanceStatus::Running | InstanceStatus::Stopped) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::EniInstanceStatusIncorrect)
        .field("instance_id")
        .detail(format!("{} is {}.", instance.id, instance.status.text()))
        .accepted("an instance that is Running or Stopped"))
}

/// The lowest free device index of an instance; index 0 is the primary interface's.
fn own_index(w: &World, eni: &Eni, instance: &Instance) -> Outcome<u16> {
    let kind = instance.type_row();
    check_trunking(eni, instance)?;
    let attached = of_instance(w, instance);
    if attached.len() as u64 >= u64::from(kind.eni) {
        let detail = format!(
            "{} has {} interfaces; {} takes {}.",
            instance.id,
            attached.len(),
            instance.instance_type,
            kind.eni
        );
        return Err(Refusal::new(ErrorCode::EniPerInstanceExceeded).field("instance_id").detail(detail));
    }
    Ok(lowest_free(0, attached.iter().map(|e| e.device_index)))
}

/// The lowest free device index of a trunk's members, from 1.
fn member_index(w: &World, instance: &Instance, trunk: &Eni) -> Outcome<u16> {
    let kind = instance.type_row();
    let all = w.indexes().enis.by_instance.of(&instance.id).filter_map(|id| w.get::<Eni>(id));
    let members = all.filter(|e| e.trunk.is_some()).count() as u64;
    let most = u64::from(kind.eni_total.saturating_sub(kind.eni));
    if members >= most {
        return Err(Refusal::new(ErrorCode::EniTrunkFull).field("trunk_network_interface_id").detail(
            format!("{} carries {members} members; {} takes {most}.", instance.id, instance.instance_type),
        ));
    }
    let mut taken: Vec<u16> = w
        .indexes()
        .enis
        .by_trunk
        .of(&trunk.id)
        .filter_map(|id| w.get::<Eni>(id))
        .map(|e| e.device_index)
        .collect();
    taken.sort_unstable();
    Ok(lowest_free(1, taken.into_iter()))
}

/// The lowest number from `first` on that is not in an ascending list.
fn lowest_free(first: u16, taken: impl Iterator<Item = u16>) -> u16 {
    taken.fold(first, |free, index| if index == free { free + 1 } else { free })
}

/// Detaches an interface that is not primary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetachEni {
    /// The interface.
    pub eni: EniId,
    /// The instance it is attached to, if the caller names it.
    pub instance: Option<InstanceId>,
    /// The trunk it is attached through, if the caller names it.
    pub trunk: Option<EniId>,
}

/// Handles [`DetachEni`]. An interface that is being detached may be detached again, to no further effect.
///
/// # Errors
/// An unknown interface, instance or trunk; a primary interface; a state other than InUse or Detaching; an instance
/// or trunk that it is not attached to; an instance that is neither Running nor Stopped; a trunk with members.
pub fn detach(w: &mut World, caller: &Caller, c: &DetachEni) -> Outcome<Reply> {
    let eni = w.visible::<Eni>(caller, c.eni)?;
    c.instance.map(|id| w.visible::<Instance>(caller, id)).transpose()?;
    c.trunk.map(|id| w.visible::<Eni>(caller, id)).transpose()?;
    if eni.kind == EniKind::Primary {
        return Err(Refusal::new(ErrorCode::EniPrimaryDetach)
            .field("network_interface_id")
            .detail(format!("{} is a primary interface.", eni.id)));
    }
    check_status(eni, &[EniStatus::InUse, EniStatus::Detaching])?;
    if c.instance.is_some_and(|id| eni.instance != Some(id)) {
        let refusal = Refusal::new(ErrorCode::EniNotOfInstance)
            .field("instance_id")
            .detail(format!("{} is attached elsewhere.", eni.id));
        return Err(refusal.blockers(eni.instance));
    }
    if c.trunk.is_some_and(|id| eni.trunk != Some(id)) {
        return Err(Refusal::new(ErrorCode::EniNotOfTrunk)
            .field("trunk_network_interface_id")
            .detail(format!("{} is not a member of that trunk.", eni.id)));
    }
    if eni.status == EniStatus::Detaching {
        return Ok(Reply::Done);
    }
    if let Some(instance) = eni.instance.and_then(|id| w.get::<Instance>(&id)) {
        check_instance(instance)?;
    }
    let members: Vec<EniId> = w.indexes().enis.by_trunk.of(&eni.id).copied().collect();
    if !members.is_empty() {
        return Err(Refusal::new(ErrorCode::EniHasMembers).field("network_interface_id").blockers(members));
    }
    begin(w, c.eni, EniStatus::Detaching, Work::EniDetach);
    Ok(Reply::Done)
}

/// Starts a transition, or makes it at once if it takes no time.
fn begin(w: &mut World, id: EniId, status: EniStatus, work: Work) {
    let span = w.settings().provisioning.span(work);
    let ends = w.now() + span;
    w.update::<Eni>(&id, |eni| {
        eni.status = status;
        eni.settles = Some(ends);
    });
    if span.is_zero() {
        settle(w, id);
    } else {
        w.schedule(span, Due::Eni(id));
    }
}

/// Ends a transition. A timer of an earlier transition, which something else ended, does nothing.
pub(crate) fn settle(w: &mut World, id: EniId) {
    let now = w.now();
    match w.get::<Eni>(&id) {
        Some(eni) if eni.settles == Some(now) => match eni.status {
            EniStatus::Attaching => w.update::<Eni>(&id, |eni| {
                eni.status = EniStatus::InUse;
                eni.settles = None;
            }),
            EniStatus::Detaching => release(w, id),
            _ => {}
        },
        _ => {}
    }
}

/// Makes an interface Available at once: the end of a detachment, or its instance is gone.
pub(crate) fn release(w: &mut World, id: EniId) {
    ha_vip_binding::forget_eni(w, id);
    w.update::<Eni>(&id, |eni| {
        eni.status = EniStatus::Available;
        eni.settles = None;
        eni.instance = None;
        eni.trunk = None;
        eni.device_index = 0;
        if eni.kind == EniKind::Member {
            eni.kind = EniKind::Secondary;
        }
    });
}
