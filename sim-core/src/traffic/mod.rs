//! Clients of one listener, simulated over virtual time: who takes each connection, what clients see while backends fail,
//! and when health checks notice.
//!
//! A run is a question and no state: it depends on its scenario alone, and the same scenario gives the same report. A
//! scenario may name a listener of a world instead of describing one; [`of_world::take_over`] then reads the rows.
//! [`nat`] simulates the other way: hosts that go out through a NAT gateway.

pub mod bad;
mod ends;
pub mod length;
pub mod nat;
pub mod of_world;
pub mod protection;
pub mod report;
mod run;
pub mod scenario;
#[cfg(feature = "openapi")]
mod schema;
mod timeouts;

pub use report::{Cause, Happened, Report};
use run::{INTERVALS, TELL_EVERY, US};
pub use run::{draw, run};
pub use scenario::Scenario;
