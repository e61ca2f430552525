//! What came of a run.

use crate::balancing::probe_series::Health;
use serde::Serialize;

/// Why a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The backend refused it.
    Refused,
    /// The backend did not answer.
    NoAnswer,
    /// The backend answered with a status of 500 or above.
    BadStatus,
    /// It was open when its backend failed or turned abnormal.
    Cut,
    /// No backend takes traffic: for HTTP the client sees 502.
    NobodyThere,
    /// The limit of open connections or of new ones a second was reached.
    Limit,
}

impl Cause {
    /// Every cause.
    pub const ALL: &'static [Cause] =
        &[Cause::Refused, Cause::NoAnswer, Cause::BadStatus, Cause::Cut, Cause::NobodyThere, Cause::Limit];
}

/// The report of a run. Times are milliseconds from the first client on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How long clients came.
    pub duration_ms: u64,
    /// How long each interval of the counts is; the last may be shorter.
    pub interval_ms: u64,
    /// Connections that were tried.
    pub connections: u64,
    /// Those that a backend took and that were not cut.
    pub served: u64,
    /// Those that failed.
    pub failed: u64,
    /// By backend, in their order.
    pub backends: Vec<OfBackend>,
    /// By cause, those that occurred.
    pub failures: Vec<OfCause>,
    /// What happened to backends, in order of time.
    pub happened: Vec<Happened>,
}

/// What a backend got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfBackend {
    /// Its name.
    pub name: String,
    /// Connections that it took.
    pub taken: u64,
    /// Connections that it was given and that failed, cut ones included.
    pub failed: u64,
    /// The most that were open at once.
    pub most_open: u64,
    /// Connections that it took, by interval.
    pub taken_by_interval: Vec<u64>,
}

/// Failures of one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfCause {
    /// The cause.
    pub cause: Cause,
    /// How many.
    pub number: u64,
    /// How many, by interval.
    pub by_interval: Vec<u64>,
}

/// Something that happened to a backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Happened {
    /// When.
    pub at_ms: u64,
    /// To which.
    pub backend: String,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A fault of the scenario.
    Fault,
    /// Its health check says that it is normal.
    Normal,
    /// Its health check says that it is abnormal.
    Abnormal,
    /// Its health check knows nothing yet.
    Unavailable,
}

impl From<Health> for What {
    fn from(health: Health) -> What {
        match health {
            Health::Normal => What::Normal,
            Health::Abnormal => What::Abnormal,
            Health::Unavailable => What::Unavailable,
        }
    }
}
