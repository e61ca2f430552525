//! Outages: a zone, an instance or an interface is cut off, at once or from an instant of virtual time, until an instant
//! or until somebody ends it. Nothing comes back from what is cut off; its rows and states stay as they are.
//!
//! An outage of a zone is that of one account: others in the zone go on. Load balancers move to their other zone (see
//! [`crate::slb::zones`]).

use crate::access::{Caller, Owner, ZoneId};
use crate::command::Reply;
use crate::ecs::eni::Eni;
use crate::ecs::instance::Instance;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{EniId, InstanceId, OutageId};
use crate::resource::Resource;
use crate::slb::zones::TAKEOVER;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::timer::Due;
use crate::vpc::vswitch::VSwitch;
use crate::world::{Indexes, World};
use serde::{Deserialize, Serialize};

/// What is cut off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutageTarget {
    /// Everything of the account in a zone.
    Zone(ZoneId),
    /// An instance with all its interfaces.
    Instance(InstanceId),
    /// An interface.
    Eni(EniId),
}

/// An outage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// Its id.
    pub id: OutageId,
    /// Whose it is.
    pub owner: Owner,
    /// What is cut off.
    pub target: OutageTarget,
    /// From when on.
    pub from: SimTime,
    /// Until when; until somebody ends it if absent.
    pub until: Option<SimTime>,
    /// Whether it has begun.
    pub active: bool,
    /// Since when its target has been cut off without a break: `from`, or earlier if another outage of it was under way then.
    pub since: SimTime,
}

/// What is derived from outages.
#[derive(Clone, Debug, Default)]
pub struct OutageIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, OutageId>,
    /// Those that have begun, by what they cut off.
    pub active: Groups<(Owner, OutageTarget), OutageId>,
}

impl Row for Outage {
    type Key = OutageId;
    type Index = OutageIndex;

    fn key(&self) -> OutageId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|o| o.id) else { return };
        let ix = &mut indexes.outages;
        let target = |o: &Outage| (o.owner.clone(), o.target.clone());
        let active = |o: &Outage| o.active.then(|| target(o));
        ix.by_owner.shift(&id, old.map(|o| o.owner.clone()), new.map(|o| o.owner.clone()));
        ix.active.shift(&id, old.and_then(active), new.and_then(active));
    }
}

impl Resource for Outage {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The outage by which an interface is cut off, if one is: its own, its instance's or its zone's, the oldest first.
pub fn of_interface(w: &World, eni: &Eni) -> Option<OutageId> {
    let active = &w.indexes().outages.active;
    let first = |target| active.of(&(eni.owner.clone(), target)).next().copied();
    // Hardly ever is anything cut off, and every packet asks.
    active.groups().next()?;
    first(OutageTarget::Eni(eni.id))
        .or_else(|| eni.instance.and_then(|instance| first(OutageTarget::Instance(instance))))
        .or_else(|| {
            let zone = w.get::<VSwitch>(&eni.vswitch).map(|vswitch| vswitch.zone.clone());
            zone.and_then(|zone| first(OutageTarget::Zone(zone)))
        })
}

/// The outages of a zone that have begun, for one account.
pub(crate) fn of_zone<'w>(
    w: &'w World,
    owner: &Owner,
    zone: &ZoneId,
) -> impl Iterator<Item = &'w Outage> + use<'w> {
    let active = &w.indexes().outages.active;
    // Hardly ever is anything cut off, and every packet to a load balancer asks.
    let any = active.groups().next().is_some();
    let target = any.then(|| (owner.clone(), OutageTarget::Zone(zone.clone())));
    target.into_iter().flat_map(|target| active.of(&target)).filter_map(|id| w.get::<Outage>(id))
}

/// A time in which something is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downtime {
    /// From when on.
    pub from: SimTime,
    /// Until when; for good if absent.
    pub until: Option<SimTime>,
    /// Since when it has been cut off without a break: `from`, or earlier if another such time was under way then.
    pub since: SimTime,
}

impl Downtime {
    /// Whether it lasts at an instant, as far as is known now.
    pub fn lasts_at(&self, at: SimTime) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

impl Outage {
    /// When it is.
    pub fn downtime(&self) -> Downtime {
        let Outage { from, until, since, .. } = *self;
        Downtime { from, until, since }
    }

    /// Whether it lasts at an instant, as far as is known now.
    pub fn lasts_at(&self, at: SimTime) -> bool {
        self.downtime().lasts_at(at)
    }
}

/// Every outage by which an interface is or will be cut off.
pub fn foreseen<'w>(w: &'w World, eni: &'w Eni) -> impl Iterator<Item = &'w Outage> {
    let zone = w.get::<VSwitch>(&eni.vswitch).map(|vswitch| &vswitch.zone);
    let meant = move |outage: &&Outage| match &outage.target {
        OutageTarget::Eni(id) => *id == eni.id,
        OutageTarget::Instance(id) => eni.instance == Some(*id),
        OutageTarget::Zone(named) => zone == Some(named),
    };
    w.table::<Outage>().iter().filter(|outage| outage.owner == eni.owner).filter(meant)
}

/// Begins an outage, now or later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginOutage {
    /// What is cut off.
    pub target: OutageTarget,
    /// From when on; now if absent.
    pub from: Option<SimTime>,
    /// Until when; until somebody ends it if absent.
    pub until: Option<SimTime>,
}

/// Handles [`BeginOutage`].
///
/// # Errors
/// [`ErrorCode::OutageTimes`]; an unknown zone, instance or interface.
pub fn begin(w: &mut World, caller: &Caller, c: &BeginOutage) -> Outcome<Reply> {
    let now = w.now();
    let from = c.from.unwrap_or(now);
    let wrong = |field: &str, given: SimTime, after: SimTime| {
        Err(Refusal::new(ErrorCode::OutageTimes)
            .field(field)
            .detail(format!("{given} was given, and it is {now}."))
            .accepted(format!("an instant after {after}")))
    };
    if c.from.is_some() && (from < now || from > SimTime::MAX) {
        return wrong("from", from, now);
    }
    if let Some(until) = c.until.filter(|&until| until <= from || until > SimTime::MAX) {
        return wrong("until", until, from);
    }
    match &c.target {
        OutageTarget::Zone(zone) => crate::region::check_zone(w, &caller.region, zone)?,
        OutageTarget::Instance(instance) => {
            w.visible::<Instance>(caller, *instance)?;
        }
        OutageTarget::Eni(eni) => {
            w.visible::<Eni>(caller, *eni)?;
        }
    }
    let id = w.new_id::<OutageId>(&caller.region)?;
    let (owner, target) = (Owner::from(caller), c.target.clone());
    for at in [Some(from).filter(|_| from > now), c.until].into_iter().flatten() {
        w.schedule(at - now, Due::Outage(id));
    }
    w.put(Outage { id, owner, target, from, until: c.until, active: false, since: from });
    if from <= now {
        cut_off(w, id);
    }
    Ok(id.into())
}

/// An outage is under way from now on.
fn cut_off(w: &mut World, id: OutageId) {
    let (Some(outage), now) = (w.get::<Outage>(&id), w.now()) else { return };
    let others = w.indexes().outages.active.of(&(outage.owner.clone(), outage.target.clone()));
    // One that ends as this one begins leaves a break between the two, whichever is told first.
    let lasting = others.filter_map(|id| w.get::<Outage>(id)).filter(|other| other.lasts_at(now));
    let since = lasting.map(|other| other.since).fold(outage.from, SimTime::min);
    let of_zone = matches!(outage.target, OutageTarget::Zone(_));
    w.update::<Outage>(&id, |outage| (outage.active, outage.since) = (true, since));
    // No row changes when other zones take over, but what is shown of load balancers does.
    if of_zone && since + TAKEOVER > now {
        w.schedule(since + TAKEOVER - now, Due::Outage(id));
    }
}

/// Begins or ends an outage whose time has come.
pub(crate) fn settle(w: &mut World, id: OutageId) {
    let now = w.now();
    let Some(outage) = w.get::<Outage>(&id) else { return };
    if outage.until.is_some_and(|until| until <= now) {
        erase(w, id);
    } else if outage.from <= now && !outage.active {
        cut_off(w, id);
    }
}

/// Ends an outage, or calls one off that has not begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndOutage {
    /// The outage.
    pub outage: OutageId,
}

/// Handles [`EndOutage`].
///
/// # Errors
/// An unknown outage, or one that is over.
pub fn end(w: &mut World, caller: &Caller, c: &EndOutage) -> Outcome<Reply> {
    w.visible::<Outage>(caller, c.outage)?;
    erase(w, c.outage);
    Ok(Reply::Done)
}

/// Takes an outage out of the world with what is due of it.
fn erase(w: &mut World, id: OutageId) {
    w.unschedule(Due::Outage(id));
    w.remove::<Outage>(&id);
}

/// Forgets the outages of something that goes.
pub(crate) fn forget(w: &mut World, target: &OutageTarget) {
    let of_target = w.table::<Outage>().iter().filter(|outage| outage.target == *target);
    let ids: Vec<OutageId> = of_target.map(|outage| outage.id).collect();
    ids.into_iter().for_each(|id| erase(w, id));
}
