//! Outages of the two zones of a described load balancer; [`crate::slb::zones`] says from which zone it serves meanwhile.

use super::bad::{BadScenario, between, length};
use super::length::Length;
use super::scenario::{LONGEST, ZoneChange};
use crate::ecs::outage::Downtime;
use crate::slb::zones::{Which, timetable};
use crate::time::{SimTime, Span};
use serde::Deserialize;

/// The most outages of the zones of one load balancer.
pub(super) const MOST_ZONE_OUTAGES: usize = 100;

/// A zone of the load balancer goes down. Backends in it do not go with it: that is a fault of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficZoneOutage))]
#[serde(deny_unknown_fields)]
pub struct ZoneOutage {
    /// When, from the first client on.
    pub at: Length,
    /// How long; to the end if absent.
    #[serde(default)]
    pub lasts: Option<Length>,
    /// Which of the two: `master` or `slave`; the master zone if absent.
    #[serde(default = "ZoneOutage::usual_zone")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, default = "master", pattern = "^(master|slave)$"))]
    pub zone: Which,
}

impl ZoneOutage {
    const fn usual_zone() -> Which {
        Which::Master
    }

    fn downtime(&self) -> Downtime {
        let from = SimTime(0) + self.at.0;
        Downtime { from, until: self.lasts.map(|lasts| from + lasts.0), since: from }
    }
}

/// Checks outages in a run of so long; `at` is their field.
pub(super) fn check_zone_outages(
    outages: &[ZoneOutage],
    duration: Span,
    at: &str,
) -> Result<(), BadScenario> {
    length(at, outages.len(), 0, MOST_ZONE_OUTAGES)?;
    for (n, outage) in outages.iter().enumerate() {
        between(&format!("{at}[{n}].at"), outage.at.0, Span::ZERO, duration)?;
        if let Some(lasts) = outage.lasts {
            between(&format!("{at}[{n}].lasts"), lasts.0, Span(1), LONGEST)?;
        }
    }
    Ok(())
}

/// What becomes of the zones, in order of time; one serves before.
pub(super) fn changes(outages: &[ZoneOutage], duration: Span) -> Vec<ZoneChange> {
    let of = |zone: Which| -> Vec<Downtime> {
        outages.iter().filter(|outage| outage.zone == zone).map(ZoneOutage::downtime).collect()
    };
    let (start, end) = (SimTime(0), SimTime(0) + duration);
    let told = timetable(&of(Which::Master), Some(&of(Which::Slave)), start, end).into_iter();
    ZoneChange::all(told.map(|(at, which)| (at - start, which.is_some())))
}
