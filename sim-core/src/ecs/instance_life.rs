//! The life of an instance: started, stopped, restarted, deleted.
//!
//! A stopped instance starts, a running one stops or restarts; an instance in transition does neither (provider
//! documentation: instance lifecycle, StartInstance, StopInstance, RebootInstance, DeleteInstance).

use crate::access::Caller;
use crate::command::Reply;
use crate::ecs::disk::Disk;
use crate::ecs::eni::{self, Eni, EniKind};
use crate::ecs::eni_attachment;
use crate::ecs::instance::{ChargeType, Instance, InstanceStatus, StoppedMode, Transition};
use crate::ecs::public_address;
use crate::ecs::service_port;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, EniId, InstanceId};
use crate::settings::Work;
use crate::tag;
use crate::timer::Due;
use crate::vpc::route_entry;
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most instances of one batch.
pub const MAX_BATCH: usize = 100;

/// The status that an instance has at once when it goes from `status` to `to`, and the transition that then runs.
/// Steps that take no time are skipped.
pub(crate) fn enter(
    w: &World,
    status: InstanceStatus,
    to: InstanceStatus,
) -> (InstanceStatus, Option<Transition>) {
    let work = match status {
        InstanceStatus::Pending => Work::InstanceCreate,
        InstanceStatus::Starting => Work::InstanceStart,
        InstanceStatus::Stopping => Work::InstanceStop,
        InstanceStatus::Running | InstanceStatus::Stopped => return (status, None),
    };
    let span = w.settings().provisioning.span(work);
    if !span.is_zero() {
        return (status, Some(Transition { at: w.now() + span, to }));
    }
    match to {
        InstanceStatus::Starting => enter(w, to, InstanceStatus::Running),
        settled => (settled, None),
    }
}

/// Brings an instance into a status and sets the timer that ends it.
fn begin(w: &mut World, id: InstanceId, status: InstanceStatus, to: InstanceStatus) {
    let starts = status == InstanceStatus::Starting;
    if starts {
        public_address::start(w, id);
    }
    let (status, transition) = enter(w, status, to);
    let now = w.now();
    w.update::<Instance>(&id, |instance| {
        instance.status = status;
        instance.transition = transition;
        if starts {
            instance.started = Some(now);
            instance.stopped_mode = None;
        }
    });
    if let Some(transition) = transition {
        w.schedule(transition.at - now, Due::Instance(id));
    }
}

/// Ends a transition. A timer of an earlier transition, or of an instance that is gone, does nothing.
pub(crate) fn settle(w: &mut World, id: InstanceId) {
    let now = w.now();
    let Some(instance) = w.get::<Instance>(&id) else { return };
    let Some(transition) = instance.transition.filter(|t| t.at == now) else { return };
    let subscription = instance.terms.charge == ChargeType::PrePaid;
    match transition.to {
        InstanceStatus::Starting => begin(w, id, InstanceStatus::Starting, InstanceStatus::Running),
        to => w.update::<Instance>(&id, |instance| {
            instance.status = to;
            instance.transition = None;
            if to == InstanceStatus::Stopped && !subscription {
                instance.stopped_mode = instance.stopped_mode.or(Some(StoppedMode::KeepCharging));
            }
        }),
    }
}

/// Whether a batch stands or falls as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchRule {
    /// One refusal refuses all.
    #[default]
    AllTogether,
    /// Each instance for itself.
    SuccessFirst,
}

impl BatchRule {
    /// Each rule with the provider's word.
    pub const ALL: &'static [(&'static str, BatchRule)] =
        &[("AllTogether", BatchRule::AllTogether), ("SuccessFirst", BatchRule::SuccessFirst)];
}

/// Starts stopped instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartInstances {
    /// The instances: 1 to [`MAX_BATCH`].
    pub instances: Vec<InstanceId>,
    /// Whether they start together or not at all.
    pub rule: BatchRule,
}

/// Handles [`StartInstances`].
///
/// # Errors
/// The size of the batch; an unknown instance or one that is not Stopped; no public address left for one that gave its own back.
pub fn start(w: &mut World, caller: &Caller, c: &StartInstances) -> Outcome<Reply> {
    check_batch(&c.instances)?;
    public_address::check_start(w, &c.instances)?;
    each(w, caller, &c.instances, c.rule, InstanceStatus::Stopped, |w, id| {
        begin(w, id, InstanceStatus::Starting, InstanceStatus::Running);
    })
}

/// Stops running instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopInstances {
    /// The instances: 1 to [`MAX_BATCH`].
    pub instances: Vec<InstanceId>,
    /// What they keep; everything if absent. A subscription always keeps everything.
    pub mode: Option<StoppedMode>,
    /// Whether the power is cut instead of the system asked. It makes no difference here: there is no system to ask.
    pub force: bool,
    /// Whether they stop together or not at all.
    pub rule: BatchRule,
}

/// Handles [`StopInstances`].
///
/// # Errors
/// The size of the batch; an unknown instance or one that is not Running.
pub fn stop(w: &mut World, caller: &Caller, c: &StopInstances) -> Outcome<Reply> {
    each(w, caller, &c.instances, c.rule, InstanceStatus::Running, |w, id| {
        w.update::<Instance>(&id, |instance| {
            let keeps = instance.terms.charge == ChargeType::PostPaid;
            instance.stopped_mode = keeps.then(|| c.mode.unwrap_or(StoppedMode::KeepCharging));
            public_address::stop(instance);
        });
        begin(w, id, InstanceStatus::Stopping, InstanceStatus::Stopped);
    })
}

/// Restarts running instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RebootInstances {
    /// The instances: 1 to [`MAX_BATCH`].
    pub instances: Vec<InstanceId>,
    /// Whether the power is cut instead of the system asked. It makes no difference here.
    pub force: bool,
    /// Whether they restart together or not at all.
    pub rule: BatchRule,
}

/// Handles [`RebootInstances`]. A restarted instance is Starting, then Running.
///
/// # Errors
/// The size of the batch; an unknown instance or one that is not Running.
pub fn reboot(w: &mut World, caller: &Caller, c: &RebootInstances) -> Outcome<Reply> {
    each(w, caller, &c.instances, c.rule, InstanceStatus::Running, |w, id| {
        begin(w, id, InstanceStatus::Starting, InstanceStatus::Running);
    })
}

/// Does something to each instance that has the wanted status.
fn each(
    w: &mut World,
    caller: &Caller,
    ids: &[InstanceId],
    rule: BatchRule,
    wanted: InstanceStatus,
    act: impl Fn(&mut World, InstanceId),
) -> Outcome<Reply> {
    check_batch(ids)?;
    let check =
        |w: &World, id| w.visible::<Instance>(caller, id)?.check_status(wanted).map(|()| Some(id.into()));
    let outcomes: Vec<Outcome<Option<AnyId>>> = ids.iter().map(|id| check(w, *id)).collect();
    if rule == BatchRule::AllTogether
        && let Some(refusal) = outcomes.iter().find_map(|outcome| outcome.as_ref().err())
    {
        return Err(refusal.clone());
    }
    for (id, _) in ids.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()) {
        act(w, *id);
    }
    Ok(Reply::Batch(outcomes))
}

/// A batch has 1 to [`MAX_BATCH`] instances, each once.
pub(crate) fn check_batch(ids: &[InstanceId]) -> Outcome<()> {
    if !(1..=MAX_BATCH).contains(&ids.len()) {
        return Err(Refusal::new(ErrorCode::InstanceBatchSize)
            .field("instance_ids")
            .detail(format!("{} were named.", ids.len())));
    }
    check_each_once(ids)
}

/// No instance is named twice.
pub(crate) fn check_each_once(ids: &[InstanceId]) -> Outcome<()> {
    let mut seen = BTreeSet::new();
    match ids.iter().find(|id| !seen.insert(**id)) {
        None => Ok(()),
        Some(twice) => Err(Refusal::new(ErrorCode::InstanceRepeated)
            .field("instance_ids")
            .detail(format!("{twice} stands twice in the list."))),
    }
}

/// Deletes instances: all of them, or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteInstances {
    /// The instances: 1 to [`MAX_BATCH`].
    pub instances: Vec<InstanceId>,
    /// Whether a running instance is deleted too.
    pub force: bool,
    /// Whether a subscription is deleted before its end.
    pub terminate_subscription: bool,
}

/// Handles [`DeleteInstances`].
///
/// The primary interface and the system disk go with the instance, as do other interfaces that say so; the rest become
/// Available. Route entries to an interface that goes stay and drop packets.
///
/// # Errors
/// The size of the batch; an unknown instance; one that is protected, a subscription, in transition or, without
/// `force`, not Stopped; one that is the next hop of a route entry.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteInstances) -> Outcome<Reply> {
    check_batch(&c.instances)?;
    for &id in &c.instances {
        check_deletion(w, w.visible::<Instance>(caller, id)?, c)?;
    }
    for &id in &c.instances {
        erase(w, id);
    }
    Ok(Reply::Done)
}

fn check_deletion(w: &World, instance: &Instance, c: &DeleteInstances) -> Outcome<()> {
    let refuse = |code| Refusal::new(code).field("instance_id");
    if instance.deletion_protection {
        return Err(refuse(ErrorCode::InstanceProtected)
            .detail(format!("{} is protected.", instance.id))
            .accepted("the same request after deletion_protection was set to false"));
    }
    if instance.terms.charge == ChargeType::PrePaid && !c.terminate_subscription {
        return Err(refuse(ErrorCode::InstanceSubscription)
            .detail(format!("{} is paid in advance.", instance.id))
            .accepted("terminate_subscription set to true"));
    }
    instance.check_settled()?;
    if instance.status == InstanceStatus::Running && !c.force {
        return Err(
            instance.wrong_status(ErrorCode::InstanceStatusIncorrect, "Stopped, or force set to true")
        );
    }
    match dependents(w, instance).into_iter().next() {
        None => Ok(()),
        Some((code, ids)) => Err(refuse(code).blockers(ids)),
    }
}

/// What keeps an instance from being deleted: the route entries that lead to it.
pub fn dependents(w: &World, instance: &Instance) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let routes: Vec<AnyId> =
        route_entry::next_hop_users(w, instance.id).into_iter().map(Into::into).collect();
    if routes.is_empty() { Vec::new() } else { vec![(ErrorCode::InstanceHasRouteEntry, routes)] }
}

/// Takes an instance out of the world with what goes with it, and lets the rest of its interfaces go.
fn erase(w: &mut World, id: InstanceId) {
    let enis: Vec<EniId> = w.indexes().enis.by_instance.of(&id).copied().collect();
    for eni in enis {
        let goes = w.get::<Eni>(&eni).is_some_and(|e| e.kind == EniKind::Primary || e.delete_on_release);
        if goes {
            eni::erase(w, eni);
        } else {
            eni_attachment::release(w, eni);
        }
    }
    if let Some(disk) = w.get::<Instance>(&id).map(|instance| instance.system_disk) {
        tag::clear(w, disk);
        w.remove::<Disk>(&disk);
    }
    crate::slb::backend_places::forget(w, crate::slb::backend::Server::Instance(id));
    tag::clear(w, id);
    service_port::forget(w, id);
    w.remove::<Instance>(&id);
}
