//! Another type for an instance, or another public bandwidth (provider documentation: ModifyInstanceSpec for what is paid by
//! use, ModifyPrepayInstanceSpec for the type of a subscription).

use crate::access::Caller;
use crate::billing;
use crate::command::Reply;
use crate::ecs::eni::{Eni, EniKind};
use crate::ecs::eni_address::check_type_slots;
use crate::ecs::instance::{ChargeType, Instance, InstanceStatus, Terms, TypeLimits};
use crate::ecs::instance_kind::check_known;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::InstanceId;
use crate::world::World;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// Changes the type of a stopped instance, or the public bandwidth of one that is Running or Stopped, at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyInstanceSpec {
    /// The instance.
    pub instance: InstanceId,
    /// How it must be paid for, if the caller says so: the provider has an action for each way.
    pub charge: Option<ChargeType>,
    /// Its new type; it carries what is attached. The type that it has changes nothing.
    pub instance_type: Option<CompactString>,
    /// Its most public traffic outwards, 0 to 100 Mbit/s. It gives no instance a static public address.
    pub bandwidth_out: Option<u32>,
    /// Its most public traffic inwards, 1 to 200 Mbit/s.
    pub bandwidth_in: Option<u32>,
}

/// Handles [`ModifyInstanceSpec`]. Another type of a subscription is an order.
///
/// The provider also takes a larger type for a running subscription, which it has from its next start on; here it is stopped
/// first, as for any other type.
///
/// # Errors
/// Type and bandwidth at once, or neither; bandwidth out of range; an unknown type or instance; one that is paid for otherwise
/// than the caller says. For a type: an instance that is not Stopped; interfaces, trunks and addresses that the type does not
/// carry. For bandwidth: a subscription; an instance in transition; none for one with a static public address.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyInstanceSpec) -> Outcome<Reply> {
    let more_bandwidth = c.bandwidth_out.is_some() || c.bandwidth_in.is_some();
    check_one_change(c.instance_type.is_some(), more_bandwidth)?;
    Terms { bandwidth_out: c.bandwidth_out.unwrap_or(0), ..Terms::default() }.check_bandwidth()?;
    check_inwards(c.bandwidth_in)?;
    if let Some(kind) = &c.instance_type {
        check_known(kind)?;
    }
    let instance = w.visible::<Instance>(caller, c.instance)?;
    check_charge(instance, c)?;
    let ordered = instance.terms.charge == ChargeType::PrePaid;
    match &c.instance_type {
        Some(kind) => check_fits(w, instance, kind)?,
        None => check_bandwidth(instance, c.bandwidth_out)?,
    }
    w.update::<Instance>(&c.instance, |instance| {
        if let Some(kind) = &c.instance_type {
            instance.instance_type.clone_from(kind);
        }
        instance.terms.bandwidth_out = c.bandwidth_out.unwrap_or(instance.terms.bandwidth_out);
        instance.terms.bandwidth_in = c.bandwidth_in.unwrap_or(instance.terms.bandwidth_in);
    });
    Ok(if ordered { Reply::Ordered(billing::order(w)) } else { Reply::Done })
}

/// What the caller says of the payment is so, and the bandwidth of a subscription is not changed with its specification.
fn check_charge(instance: &Instance, c: &ModifyInstanceSpec) -> Outcome<()> {
    let refuse = |code, is: &str, accepted: &str| {
        Err(Refusal::new(code)
            .field("instance_id")
            .detail(format!("{} is paid {is}.", instance.id))
            .accepted(accepted))
    };
    match (instance.terms.charge, c.charge) {
        (ChargeType::PostPaid, Some(ChargeType::PrePaid)) => {
            refuse(ErrorCode::InstanceSpecByUse, "by use", "a subscription")
        }
        (ChargeType::PrePaid, charge)
            if charge == Some(ChargeType::PostPaid) || c.instance_type.is_none() =>
        {
            refuse(ErrorCode::InstanceSpecSubscription, "in advance", "an instance that is paid by use")
        }
        _ => Ok(()),
    }
}

/// "The instance type and the public bandwidth of an instance cannot be changed together."
fn check_one_change(of_type: bool, of_bandwidth: bool) -> Outcome<()> {
    match (of_type, of_bandwidth) {
        (true, true) => Err(Refusal::new(ErrorCode::InstanceSpecMixed)
            .field("internet_max_bandwidth_out")
            .accepted("one of the two, and the other in a call of its own")),
        (false, false) => Err(Refusal::new(ErrorCode::MissingParameter)
            .field("instance_type")
            .detail("Neither a type nor a bandwidth was given.")
            .accepted("a type such as ecs.g7.xlarge")),
        _ => Ok(()),
    }
}

/// The range of InternetMaxBandwidthIn.
fn check_inwards(wanted: Option<u32>) -> Outcome<()> {
    match wanted {
        None | Some(1..=200) => Ok(()),
        Some(wanted) => Err(Refusal::new(ErrorCode::InstanceBandwidthIn)
            .field("internet_max_bandwidth_in")
            .detail(format!("{wanted} Mbit/s were asked for."))
            .accepted("1 to 200")),
    }
}

/// The new type carries every interface with its addresses. It is for the processor of the image: the catalogue has types for
/// one processor only.
fn check_fits(w: &World, instance: &Instance, kind: &str) -> Outcome<()> {
    if instance.status != InstanceStatus::Stopped {
        return Err(instance.wrong_status(ErrorCode::InstanceNotStopped, "Stopped"));
    }
    let limits = TypeLimits::of(kind);
    let enis = w.indexes().enis.by_instance.of(&instance.id).filter_map(|id| w.get::<Eni>(id));
    let (members, own): (Vec<&Eni>, Vec<&Eni>) = enis.partition(|eni| eni.trunk.is_some());
    check_count(&own, u64::from(limits.eni), kind, "interfaces")?;
    if let Some(trunk) = own.iter().find(|eni| eni.kind == EniKind::Trunk).filter(|_| !limits.trunk) {
        return Err(Refusal::new(ErrorCode::EniTrunkUnsupported)
            .field("instance_type")
            .detail(format!("{kind} was wanted."))
            .blockers([trunk.id]));
    }
    check_count(&members, u64::from(limits.eni_total.saturating_sub(limits.eni)), kind, "members of trunks")?;
    for eni in own.into_iter().chain(members) {
        check_type_slots(kind, eni.ipv4_slots(), eni.ipv6_slots())
            .map_err(|refusal| refusal.field("instance_type").blockers([eni.id]))?;
    }
    Ok(())
}

fn check_count(enis: &[&Eni], most: u64, kind: &str, what: &str) -> Outcome<()> {
    if enis.len() as u64 <= most {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::InstanceInterfacesExceeded)
        .field("instance_type")
        .detail(format!("It has {} {what}; {kind} takes {most}.", enis.len()))
        .accepted(format!("a type that takes {}", enis.len()))
        .blockers(enis.iter().map(|eni| eni.id)))
}

/// What becomes of a static public address without bandwidth is not documented for this call, so it is refused here.
fn check_bandwidth(instance: &Instance, outwards: Option<u32>) -> Outcome<()> {
    instance.check_settled()?;
    if outwards == Some(0) && instance.public.is_some() {
        return Err(Refusal::new(ErrorCode::InstanceBandwidthNeeded)
            .field("internet_max_bandwidth_out")
            .detail(format!("{} has a static public address.", instance.id))
            .accepted("1 to 100"));
    }
    Ok(())
}
