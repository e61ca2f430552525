//! From which of its two zones a load balancer serves.
//!
//! The slave zone stands by, and nobody can switch by hand. When the master zone is down, as by a loss of power, the slave zone
//! takes over after about 30 seconds; when it is back, it serves again by itself. Servers that fail move nothing, and a zone
//! that is down takes the servers in it down too (provider documentation: CLB regions and zones). The zones by name stay what
//! they were; which of them serves is not on the provider's wire.
//!
//! Chosen where nothing is published: the 30 seconds are exact, the way back takes no time, and every change cuts what is open,
//! since a session table is kept in step inside the cluster of a zone alone.

use crate::access::ZoneId;
use crate::ecs::outage::{self, Downtime, Outage, OutageTarget};
use crate::id::OutageId;
use crate::slb::load_balancer::LoadBalancer;
use crate::time::{SimTime, Span};
use crate::world::World;
use serde::Deserialize;

/// How long the master zone is down when the slave zone takes over.
pub const TAKEOVER: Span = Span::seconds(30);

/// Why a load balancer serves from no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unserved {
    /// An outage of the master zone.
    pub outage: OutageId,
    /// When the slave zone takes over; absent if it is down too, or the same zone.
    pub takeover: Option<SimTime>,
}

/// The zone from which a load balancer serves at present.
///
/// # Errors
/// While its master zone is down and the slave zone does not serve, yet or at all.
pub fn serving<'w>(w: &'w World, balancer: &'w LoadBalancer) -> Result<&'w ZoneId, Unserved> {
    let LoadBalancer { owner, master_zone, slave_zone, .. } = balancer;
    let Some(down) = outage::of_zone(w, owner, master_zone).min_by_key(|outage| outage.since) else {
        return Ok(master_zone);
    };
    let stands_by = slave_zone != master_zone && outage::of_zone(w, owner, slave_zone).next().is_none();
    let takeover = Some(down.since + TAKEOVER).filter(|_| stands_by);
    match takeover {
        Some(at) if at <= w.now() => Ok(slave_zone),
        takeover => Err(Unserved { outage: down.id, takeover }),
    }
}

/// One of the two zones of a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The one from which it serves while it is up.
    Master,
    /// The one that stands by.
    Slave,
}

/// From which zone a load balancer serves from now on, as far as outages are planned: at present, and from each instant before
/// `until` at which it changes. `None` is no zone.
pub fn foreseen<'w>(
    w: &'w World,
    balancer: &'w LoadBalancer,
    until: SimTime,
) -> Vec<(SimTime, Option<&'w ZoneId>)> {
    let LoadBalancer { owner, master_zone, slave_zone, .. } = balancer;
    let of = |zone: &ZoneId| -> Vec<Downtime> {
        let meant = |outage: &&Outage| {
            outage.owner == *owner && matches!(&outage.target, OutageTarget::Zone(named) if named == zone)
        };
        w.table::<Outage>().iter().filter(meant).map(Outage::downtime).collect()
    };
    let slave = (slave_zone != master_zone).then(|| of(slave_zone));
    let told = timetable(&of(master_zone), slave.as_deref(), w.now(), until);
    let zone = |which| if which == Which::Master { master_zone } else { slave_zone };
    told.into_iter().map(|(at, which)| (at, which.map(zone))).collect()
}

/// Which zone serves from `now` on, and from each instant before `until` at which it changes; `None` is neither. Without times
/// of a slave zone there is none.
pub(crate) fn timetable(
    master: &[Downtime],
    slave: Option<&[Downtime]>,
    now: SimTime,
    until: SimTime,
) -> Vec<(SimTime, Option<Which>)> {
    let serves = |at: SimTime| match down_since(master, at) {
        None => Some(Which::Master),
        Some(since) => {
            let stands_by = slave.is_some_and(|slave| down_since(slave, at).is_none());
            (stands_by && since + TAKEOVER <= at).then_some(Which::Slave)
        }
    };
    let edges =
        |down: &Downtime| [Some(down.from), Some(down.since + TAKEOVER), down.until].into_iter().flatten();
    let all = master.iter().chain(slave.unwrap_or_default());
    let later = all.flat_map(edges).filter(|at| (now..until).contains(at));
    let mut instants: Vec<SimTime> = later.chain([now]).collect();
    instants.sort_unstable();
    let mut told: Vec<(SimTime, Option<Which>)> = instants.into_iter().map(|at| (at, serves(at))).collect();
    told.dedup_by_key(|(_, which)| *which);
    told
}

/// Since when one of these times, of one zone, has lasted without a break; absent if none lasts at this instant.
fn down_since(times: &[Downtime], at: SimTime) -> Option<SimTime> {
    let lasting = |at: SimTime| times.iter().filter(move |down| down.lasts_at(at));
    let mut since = lasting(at).map(|down| down.since).min()?;
    // One that was under way when the first of them began, and is over.
    while let Some(earlier) = lasting(since).map(|down| down.since).filter(|from| *from < since).min() {
        since = earlier;
    }
    Some(since)
}
