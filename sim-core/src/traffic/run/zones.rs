//! The zones of the load balancer: while none of them serves, nothing comes in, and what is open when another one begins to
//! serve is lost (see [`crate::slb::zones`]).

use super::super::report::{Cause, What};
use super::super::scenario::Scenario;
use super::Run;

/// What is to become of the zones, and whether one serves now.
pub(super) struct Zones {
    serve: bool,
    changes: std::vec::IntoIter<(u64, bool)>,
}

impl Zones {
    pub fn new(scenario: &Scenario) -> Zones {
        let changes: Vec<(u64, bool)> = scenario.zones.iter().map(|c| (c.at.us(), c.serves)).collect();
        Zones { serve: true, changes: changes.into_iter() }
    }

    /// When another zone begins to serve, or none does any more.
    pub fn next(&self) -> Option<u64> {
        self.changes.as_slice().first().map(|(when, _)| *when)
    }

    /// Why a connection does not come in, if it does not.
    pub fn stop(&self) -> Option<Cause> {
        (!self.serve).then_some(Cause::ZoneDown)
    }
}

impl Run<'_> {
    /// Another zone begins to serve, or none does any more.
    pub(super) fn change_zone(&mut self) {
        let Some((when, serves)) = self.zones.changes.next() else { return };
        self.zones.serve = serves;
        self.counts.note(when, None, if serves { What::ZoneTookOver } else { What::ZoneWentDown });
        (0..self.backends.len()).for_each(|place| self.cut(when, place, Cause::ZoneDown));
    }
}
