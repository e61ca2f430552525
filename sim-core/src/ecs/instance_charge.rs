//! How instances are paid for: by use, or in advance (provider documentation: ModifyInstanceChargeType), and what becomes of
//! those that are paid in advance at their end (ModifyInstanceAutoRenewAttribute). Nothing costs anything here and nothing
//! happens at the end; what changes is when that is, and what a deletion and a stop ask about.

use crate::access::Caller;
use crate::billing;
use crate::command::Reply;
use crate::ecs::instance::{ChargeType, Instance, InstanceStatus, Renewal, StoppedMode, Terms};
use crate::ecs::instance_life::{check_batch, check_each_once};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::InstanceId;
use crate::subscription::{Period, PeriodUnit};
use crate::world::World;
use serde::{Deserialize, Serialize};

/// The most instances of one call (parameter InstanceIds of ModifyInstanceChargeType).
pub const MOST: usize = 20;

/// How instances are to be paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewCharge {
    /// By use, from now on.
    PostPaid,
    /// In advance, for a period from now on.
    PrePaid {
        /// How many units; needed.
        period: Option<u32>,
        /// The unit.
        unit: PeriodUnit,
    },
}

impl NewCharge {
    /// The period that is bought, if one is.
    fn check(self) -> Outcome<Option<Period>> {
        let NewCharge::PrePaid { period, unit } = self else { return Ok(None) };
        let Some(count) = period else {
            return Err(Refusal::new(ErrorCode::InstancePeriod)
                .field("period")
                .detail("None was given.")
                .accepted("a number of weeks or months, such as 1"));
        };
        let period = Period { count, unit };
        period.check()?;
        Ok(Some(period))
    }
}

/// Changes how instances are paid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyInstanceCharge {
    /// The instances: 1 to [`MOST`], each once, Running or Stopped.
    pub instances: Vec<InstanceId>,
    /// How they are to be paid for.
    pub charge: NewCharge,
}

/// Handles [`ModifyInstanceCharge`], for all instances or for none, which is one order.
///
/// What becomes a subscription keeps everything while it is stopped; what was one does not renew itself any more and, if it is
/// stopped, keeps everything too. Protection from deletion stays as it is.
///
/// # Errors
/// The size of the batch; a period that is not sold; an unknown instance, one in transition, one that is paid for so already,
/// one that bids for spare capacity.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyInstanceCharge) -> Outcome<Reply> {
    if !(1..=MOST).contains(&c.instances.len()) {
        return Err(Refusal::new(ErrorCode::InstanceChargeBatch)
            .field("instance_ids")
            .detail(format!("{} were named.", c.instances.len())));
    }
    check_each_once(&c.instances)?;
    let period = c.charge.check()?;
    let charge = if period.is_some() { ChargeType::PrePaid } else { ChargeType::PostPaid };
    for id in &c.instances {
        check_change(w.visible::<Instance>(caller, *id)?, charge)?;
    }
    let ends = period.map(|period| period.end(w.now()));
    for id in &c.instances {
        w.update::<Instance>(id, |instance| {
            instance.terms.charge = charge;
            instance.terms.period = period.unwrap_or_default();
            instance.ends = ends;
            instance.terms.renewal = Renewal::Normal;
            let keeps = instance.status == InstanceStatus::Stopped && charge == ChargeType::PostPaid;
            instance.stopped_mode = keeps.then_some(StoppedMode::KeepCharging);
        });
    }
    Ok(Reply::Ordered(billing::order(w)))
}

fn check_change(instance: &Instance, charge: ChargeType) -> Outcome<()> {
    instance.check_settled()?;
    if instance.terms.charge == charge {
        return Err(Refusal::new(ErrorCode::InstanceChargeSame).field("instance_ids").detail(format!(
            "{} is {}.",
            instance.id,
            charge.text()
        )));
    }
    Terms { charge, ..instance.terms.clone() }.check_spot().map_err(|refusal| refusal.field("instance_ids"))
}

/// For how many months a subscription can renew itself (parameter Duration of ModifyInstanceAutoRenewAttribute).
const RENEWED_MONTHS: &[u16] = &[1, 2, 3, 6, 12, 24, 36, 48, 60];

/// Changes what becomes of subscriptions at their end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyRenewal {
    /// The instances: 1 to 100, each once.
    pub instances: Vec<InstanceId>,
    /// What becomes of them.
    pub renewal: Renewal,
}

/// Handles [`ModifyRenewal`], for all instances or for none.
///
/// # Errors
/// The size of the batch; a number of months that is not sold; an unknown instance, one that is paid by use, one in transition.
pub fn renew(w: &mut World, caller: &Caller, c: &ModifyRenewal) -> Outcome<Reply> {
    check_batch(&c.instances)?;
    if let Some(months) = c.renewal.months().filter(|months| !RENEWED_MONTHS.contains(months)) {
        let listed = RENEWED_MONTHS.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        return Err(Refusal::new(ErrorCode::InstanceRenewalMonths)
            .field("months")
            .detail(format!("{months} months were given."))
            .accepted(listed));
    }
    for id in &c.instances {
        let instance = w.visible::<Instance>(caller, *id)?;
        if instance.terms.charge == ChargeType::PostPaid {
            return Err(Refusal::new(ErrorCode::InstanceNotSubscription)
                .field("instance_id")
                .detail(format!("{} is paid by use.", instance.id))
                .accepted("a subscription"));
        }
        instance.check_settled()?;
    }
    let now = w.now();
    for id in &c.instances {
        w.update::<Instance>(id, |instance| {
            // What it has renewed itself for is bought.
            instance.ends = instance.ends_at(now);
            instance.terms.renewal = c.renewal;
        });
    }
    Ok(Reply::Done)
}
