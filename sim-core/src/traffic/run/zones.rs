//! The zones of load balancers: while none of one serves, nothing comes in there, and what is open when another one begins to
//! serve is lost (see [`crate::slb::zones`]).

use super::super::plan::Plan;
use super::super::report::{Cause, What};
use super::Run;

/// What is to become of zones: when, of which load balancer, and whether one serves from then on.
pub(super) struct Zones(std::vec::IntoIter<(u64, usize, bool)>);

impl Zones {
    pub fn new(plan: &Plan) -> Zones {
        let balancers = plan.balancers.iter().enumerate();
        let changes = balancers.flat_map(|(at, balancer)| {
            balancer.zones.iter().map(move |zone| (zone.at.us(), at, zone.serves))
        });
        let mut changes: Vec<(u64, usize, bool)> = changes.collect();
        changes.sort_by_key(|(when, ..)| *when);
        Zones(changes.into_iter())
    }

    /// When another zone begins to serve, or none does any more.
    pub fn next(&self) -> Option<u64> {
        self.0.as_slice().first().map(|(when, ..)| *when)
    }
}

impl Run<'_> {
    /// Another zone begins to serve, or none does any more.
    pub(super) fn change_zone(&mut self) {
        let Some((when, balancer, serves)) = self.zones.0.next() else { return };
        self.fronts[balancer].serves = serves;
        let what = if serves { What::ZoneTookOver } else { What::ZoneWentDown };
        self.note_balancer(when, balancer, what);
        self.cut_all(when, balancer, Cause::ZoneDown);
    }
}
