//! Clients of several listeners, simulated together over virtual time: each asks for hosts and paths of its own, at a
//! rate of its own; forwarding rules take its requests to their groups, each with its own weights, scheduler,
//! stickiness and health; listeners and load balancers share backends, and what happens to a backend happens wherever
//! it is a member.
//!
//! A listener that redirects answers so, and clients follow at the same instant by another connection to the listener
//! that it names, or do not (provider documentation: ListenerForward, ForwardPort). Chosen here, where nothing is
//! published: a redirect counts as a request in the limits of its load balancer; who follows does so for every
//! connection anew and asks for the same host and path; after 20 redirects a client gives up, as browsers do. Limits
//! of a specification are those of a load balancer, so that its listeners share them: open connections together, new
//! ones a second over TCP and UDP, requests over HTTP and HTTPS.
//!
//! The same scenario gives the same report, and a mix of one kind of clients of one listener what [`super::run()`] does.

mod check;
pub mod of_world;
mod plan;
pub mod report;
pub mod scenario;

use super::bad::BadScenario;
use super::run::drive;
pub use report::Report;
pub use scenario::Scenario;

/// Runs a mix. `progress` is told how many connections have come and answers whether to go on; a run that is given up
/// has no report.
///
/// # Errors
/// See [`Scenario::check`].
pub fn run(
    scenario: &Scenario,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<Option<Report>, BadScenario> {
    scenario.check()?;
    let plan = plan::of(scenario);
    Ok(drive(&plan, progress).map(|outcome| Report::of(scenario, &plan, outcome)))
}
