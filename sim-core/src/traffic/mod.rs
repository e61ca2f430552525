//! Clients of one listener, simulated over virtual time: who takes each connection, what clients see while backends fail,
//! and when health checks notice.
//!
//! A run is a question and no state: it depends on its scenario alone, and the same scenario gives the same report.

pub mod length;
pub mod report;
mod run;
pub mod scenario;

pub use report::{Cause, Happened, Report};
pub use run::run;
pub use scenario::Scenario;
