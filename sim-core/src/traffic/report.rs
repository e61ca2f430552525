//! What came of a run.

use super::plan::Plan;
use super::run::{OfMember, Outcome};
use super::scenario::Scenario;
use crate::balancing::probe_series::Health;
use serde::{Deserialize, Serialize};

/// Why a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficCause))]
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
    /// Cleaning let no more in.
    Cleaned,
    /// A black hole took it, or cut it.
    BlackHole,
    /// It was idle for longer than it is remembered, and its next request was reset.
    IdleTimeout,
    /// Its backend did not answer within the request timeout: over HTTP the client sees 504.
    RequestTimeout,
    /// No address of the SNAT entry had a port left for its destination.
    SnatPortsExhausted,
    /// No zone of the load balancer served, or another one began to while it was open.
    ZoneDown,
    /// Its client followed 20 redirects and gave up at the next.
    TooManyRedirects,
    /// The access control of the listener kept the client's address out.
    AccessControl,
    /// More came in than the bandwidth of the listener, the load balancer or its elastic IP address lets through.
    OverBandwidth,
}

impl Cause {
    /// Every cause.
    pub const ALL: &'static [Cause] = &[
        Cause::Refused,
        Cause::NoAnswer,
        Cause::BadStatus,
        Cause::Cut,
        Cause::NobodyThere,
        Cause::Limit,
        Cause::Cleaned,
        Cause::BlackHole,
        Cause::IdleTimeout,
        Cause::RequestTimeout,
        Cause::SnatPortsExhausted,
        Cause::ZoneDown,
        Cause::TooManyRedirects,
        Cause::AccessControl,
        Cause::OverBandwidth,
    ];

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Cause::Refused => "refused",
            Cause::NoAnswer => "no answer",
            Cause::BadStatus => "bad status",
            Cause::Cut => "cut",
            Cause::NobodyThere => "nobody there",
            Cause::Limit => "limit",
            Cause::Cleaned => "cleaned",
            Cause::BlackHole => "black hole",
            Cause::IdleTimeout => "reset after idling",
            Cause::RequestTimeout => "answered 504: too slow",
            Cause::SnatPortsExhausted => "no SNAT port left",
            Cause::ZoneDown => "zone down",
            Cause::TooManyRedirects => "too many redirects",
            Cause::AccessControl => "kept out by access control",
            Cause::OverBandwidth => "over bandwidth",
        }
    }
}

/// The report of a run. Times are milliseconds from the first client on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficReport))]
pub struct Report {
    /// How long clients came.
    pub duration_ms: u64,
    /// How long each interval of the counts is; the last may be shorter.
    pub interval_ms: u64,
    /// The forwarding rule of the world that took the requests; absent if none did, and the listener's own pool served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "rule-bp1s0vzbfxld0re4r7kcu"))]
    pub forwarding_rule_id: Option<String>,
    /// Connections that were tried.
    pub connections: u64,
    /// Those that a backend took and that were not cut.
    pub served: u64,
    /// Those that failed.
    pub failed: u64,
    /// How often one came by a new connection or flow, because it was idle for longer than the listener remembers: over UDP, HTTP
    /// and HTTPS.
    #[serde(default, skip_serializing_if = "never")]
    pub reopened: u64,
    /// By backend, in their order.
    pub backends: Vec<OfBackend>,
    /// By cause, those that occurred.
    pub failures: Vec<OfCause>,
    /// What happened to backends, in order of time.
    pub happened: Vec<Happened>,
}

impl Report {
    /// What came of the run of a scenario.
    pub(super) fn of(scenario: &Scenario, plan: &Plan, outcome: Outcome) -> Report {
        let Outcome { counts, reopened, .. } = outcome;
        let failures = counts.servings[0].causes.told();
        let backends = plan.backends.iter().zip(&counts.members).map(|(spec, of)| of.told(&spec.name));
        Report {
            duration_ms: scenario.duration.0.0.unsigned_abs(),
            interval_ms: plan.intervals().0,
            forwarding_rule_id: scenario.rule.clone(),
            connections: counts.connections[0],
            served: counts.served,
            reopened,
            failed: failures.iter().map(|of| of.number).sum(),
            backends: backends.collect(),
            failures,
            happened: counts.happened,
        }
    }
}

impl OfMember {
    /// As a report has it, with the name of its backend.
    pub(super) fn told(&self, name: &str) -> OfBackend {
        OfBackend {
            name: name.to_owned(),
            taken: self.taken.iter().sum(),
            failed: self.failed,
            most_open: self.most_open,
            taken_by_interval: self.taken.clone(),
        }
    }
}

pub(super) fn never(number: &u64) -> bool {
    *number == 0
}

/// What a backend got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficOfBackend))]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficOfCause))]
pub struct OfCause {
    /// The cause.
    pub cause: Cause,
    /// How many.
    pub number: u64,
    /// How many, by interval.
    pub by_interval: Vec<u64>,
}

/// Something that happened to a backend, or to the load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficHappened))]
pub struct Happened {
    /// When.
    pub at_ms: u64,
    /// To which backend; absent if it happened to the load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// In a mix: by the check of which listener, or of which rule of it as in `https/cart`, or to which load balancer; absent if
    /// it happened wherever the backend is a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// What.
    pub what: What,
}

impl Happened {
    /// To whom, in words: a backend, in a mix with the listener or rule by whose check, or a load balancer.
    pub fn whose(&self) -> String {
        match (&self.backend, &self.of) {
            (Some(backend), Some(of)) => format!("{backend} of {of}"),
            (Some(name), None) | (None, Some(name)) => name.clone(),
            (None, None) => "the load balancer".to_owned(),
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficWhat))]
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
    /// More came in than the protection lets through uncleaned.
    CleaningBegan,
    /// What came in needed no cleaning any more.
    CleaningEnded,
    /// More came in than the protection can clean: nothing comes in from then on.
    BlackHoleBegan,
    /// The black hole was lifted.
    BlackHoleEnded,
    /// The zone of the load balancer that served went down, and no other one serves.
    ZoneWentDown,
    /// A zone of the load balancer began to serve: the slave zone, or the master zone again.
    ZoneTookOver,
}

impl What {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            What::Fault => "fault",
            What::Normal => "normal",
            What::Abnormal => "abnormal",
            What::Unavailable => "unavailable",
            What::CleaningBegan => "cleaning began",
            What::CleaningEnded => "cleaning ended",
            What::BlackHoleBegan => "black hole began",
            What::BlackHoleEnded => "black hole ended",
            What::ZoneWentDown => "zone went down",
            What::ZoneTookOver => "zone took over",
        }
    }
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
