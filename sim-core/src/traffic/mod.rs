//! Clients of one listener, simulated over virtual time: who takes each connection, what clients see while backends fail,
//! and when health checks notice.
//!
//! A run is a question and no state: it depends on its scenario alone, and the same scenario gives the same report. A
//! scenario may name a listener of a world instead of describing one; [`of_world::take_over`] then reads the rows.
//! [`mix`] simulates clients of several listeners together; [`nat`] the other way: hosts that go out through a NAT gateway.

pub mod addresses;
pub mod bad;
mod bandwidth;
mod check;
mod ends;
pub mod length;
pub mod mix;
pub mod nat;
pub mod of_world;
mod plan;
pub mod protection;
pub mod report;
mod run;
pub mod scenario;
#[cfg(feature = "openapi")]
mod schema;
mod timeouts;
pub mod zone_outage;

use bad::BadScenario;
use plan::Plan;
pub use report::{Cause, Happened, Report};
pub use run::draw;
use run::{INTERVALS, TELL_EVERY, US};
pub use scenario::Scenario;

/// Runs a scenario. `progress` is told how many connections have come and answers whether to go on; a run that is given
/// up has no report.
///
/// # Errors
/// See [`Scenario::check`].
pub fn run(
    scenario: &Scenario,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<Option<Report>, BadScenario> {
    scenario.check()?;
    let plan = Plan::of(scenario);
    Ok(run::drive(&plan, progress).map(|outcome| Report::of(scenario, &plan, outcome)))
}
