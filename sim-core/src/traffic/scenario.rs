//! What is simulated: clients, a listener, its health check, backends and what happens to them.

use super::length::{self, Length};
use crate::balancing::probe_series::Rhythm;
use crate::balancing::scheduler::Scheduler;
use crate::slb::listener::Protocol;
use crate::time::Span;
use serde::{Deserialize, Deserializer, de};

/// The longest run.
const LONGEST: Span = Span::hours(24 * 366);
/// The most connections of a run.
const MOST_CONNECTIONS: u64 = 1_000_000_000;
/// The most backends: the provider's limit for a load balancer (provider documentation: CLB quotas).
const MOST_BACKENDS: usize = 200;

/// A whole scenario.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What draws grow from.
    #[serde(default)]
    pub seed: u64,
    /// How long clients come.
    pub duration: Length,
    /// Who comes.
    pub clients: Clients,
    /// What they come to.
    #[serde(default)]
    pub listener: Listener,
    /// How backends are probed; not at all if absent, and all of them take traffic then.
    pub health_check: Option<HealthCheck>,
    /// The backends, in the order of their group.
    #[serde(rename = "backend")]
    pub backends: Vec<Backend>,
    /// What happens to backends.
    #[serde(default, rename = "fault")]
    pub faults: Vec<Fault>,
}

/// Who comes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clients {
    /// How many source addresses there are: 1 to 1,000,000. Each connection is drawn to one of them.
    #[serde(default = "Clients::usual_number")]
    pub number: u32,
    /// New connections a second, evenly spaced: 1 to 1,000,000.
    pub rate: u32,
    /// How long a connection lasts at least.
    #[serde(default = "Clients::usual_length")]
    pub connection: Length,
    /// How long it lasts at most; `connection` if absent. Each is drawn evenly between the two.
    pub connection_max: Option<Length>,
}

impl Clients {
    fn usual_number() -> u32 {
        100
    }

    fn usual_length() -> Length {
        Length(Span::seconds(1))
    }
}

/// What clients connect to.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listener {
    /// What is spoken. Over UDP a connection is a flow, and a probe that is not answered has succeeded; over HTTP and HTTPS it is
    /// a request, and a status of 500 and above has failed.
    pub protocol: Protocol,
    /// Who is next.
    #[serde(deserialize_with = "scheduler")]
    pub scheduler: Scheduler,
    /// How long a source address keeps its backend; 0s for never.
    pub persistence: Length,
    /// How long connections of a backend live that turned abnormal; 0s cuts them at once.
    pub drain: Length,
    /// Connections that are open at once at most, as a specification has it; no limit if absent.
    pub max_connections: Option<u32>,
    /// New connections a second at most; no limit if absent.
    pub new_per_second: Option<u32>,
    /// How long the listener and its health check have run when the first client comes.
    pub running_for: Length,
}

impl Default for Listener {
    fn default() -> Listener {
        Listener {
            protocol: Protocol::Tcp,
            scheduler: Scheduler::WeightedRoundRobin,
            persistence: Length(Span::ZERO),
            drain: Length(Span::ZERO),
            max_connections: None,
            new_per_second: None,
            running_for: Length(Span::seconds(600)),
        }
    }
}

fn scheduler<'de, D: Deserializer<'de>>(d: D) -> Result<Scheduler, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
    let found = Scheduler::WORDS.iter().find(|(word, _)| *word == text);
    found.map(|(_, scheduler)| *scheduler).ok_or_else(|| {
        de::Error::custom(format!("{text:?} is no scheduler; write rr, wrr, wlc, sch, tch or qch"))
    })
}

/// How backends are probed. The defaults are those of a TCP listener.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HealthCheck {
    /// From the end of a probe to the start of the next: 1s to 50s.
    pub interval: Length,
    /// How long an answer is waited for: 1s to 300s.
    pub timeout: Length,
    /// Successes in a row that make a backend normal: 2 to 10.
    pub healthy: u8,
    /// Failures in a row that make it abnormal: 2 to 10.
    pub unhealthy: u8,
}

impl Default for HealthCheck {
    fn default() -> HealthCheck {
        HealthCheck {
            interval: Length(Span::seconds(2)),
            timeout: Length(Span::seconds(5)),
            healthy: 3,
            unhealthy: 3,
        }
    }
}

impl HealthCheck {
    /// As the probe series takes it.
    pub fn rhythm(&self) -> Rhythm {
        Rhythm {
            interval: self.interval.0,
            timeout: self.timeout.0,
            healthy: self.healthy,
            unhealthy: self.unhealthy,
        }
    }
}

/// A backend.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backend {
    /// Its name.
    pub name: String,
    /// Its weight, 0 to 100.
    #[serde(default = "Backend::usual_weight")]
    pub weight: u8,
    /// How it answers at first.
    #[serde(default = "Answers::usual")]
    pub answers: Answers,
    /// The status that it answers with, for HTTP.
    #[serde(default = "Backend::usual_status")]
    pub status: u16,
}

impl Backend {
    fn usual_weight() -> u8 {
        100
    }

    fn usual_status() -> u16 {
        200
    }
}

/// How a backend answers: a length of time after which it does, `refuses` or `silent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// After so long.
    After(Span),
    /// The connection is refused.
    Refuses,
    /// Nothing comes back.
    Silent,
}

impl Answers {
    fn usual() -> Answers {
        Answers::After(Span(1))
    }
}

impl<'de> Deserialize<'de> for Answers {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Answers, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        match &*text {
            "refuses" => Ok(Answers::Refuses),
            "silent" => Ok(Answers::Silent),
            other => length::parse(other).map(Answers::After).map_err(|_| {
                de::Error::custom(format!(
                    "{other:?} is no answer; write a length of time such as 5ms, refuses or silent"
                ))
            }),
        }
    }
}

/// What happens to a backend. What is absent stays.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// When, from the first client on.
    pub at: Length,
    /// The backend's name.
    pub backend: String,
    /// How it answers from then on.
    pub answers: Option<Answers>,
    /// The status that it answers with from then on, for HTTP.
    pub status: Option<u16>,
    /// Its weight from then on.
    pub weight: Option<u8>,
}

/// What is wrong with a scenario: the field, and what would pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct BadScenario {
    /// The field, as in `clients.rate`.
    pub field: String,
    /// What is wrong and what would pass.
    pub problem: String,
}

impl Scenario {
    /// Checks what the form alone does not.
    ///
    /// # Errors
    /// The first field that is out of its range or names nothing.
    pub fn check(&self) -> Result<(), BadScenario> {
        self.check_clients()?;
        self.check_health()?;
        self.check_backends()?;
        self.faults.iter().enumerate().try_for_each(|(at, fault)| self.check_fault(at, fault))
    }

    fn check_clients(&self) -> Result<(), BadScenario> {
        between("duration", self.duration.0, Span(1), LONGEST)?;
        number("clients.number", self.clients.number, 1, 1_000_000)?;
        number("clients.rate", self.clients.rate, 1, 1_000_000)?;
        between("clients.connection", self.clients.connection.0, Span::ZERO, LONGEST)?;
        if let Some(most) = self.clients.connection_max {
            between("clients.connection_max", most.0, self.clients.connection.0, LONGEST)?;
        }
        let connections = self.connections();
        if connections > MOST_CONNECTIONS {
            return Err(bad(
                "clients.rate",
                format!("{connections} connections are more than {MOST_CONNECTIONS}"),
            ));
        }
        between("listener.persistence", self.listener.persistence.0, Span::ZERO, Span::seconds(3_600))?;
        between("listener.drain", self.listener.drain.0, Span::ZERO, Span::seconds(900))?;
        between("listener.running_for", self.listener.running_for.0, Span::ZERO, LONGEST)
    }

    fn check_health(&self) -> Result<(), BadScenario> {
        let Some(check) = &self.health_check else { return Ok(()) };
        between("health_check.interval", check.interval.0, Span::seconds(1), Span::seconds(50))?;
        between("health_check.timeout", check.timeout.0, Span::seconds(1), Span::seconds(300))?;
        number("health_check.healthy", check.healthy.into(), 2, 10)?;
        number("health_check.unhealthy", check.unhealthy.into(), 2, 10)
    }

    fn check_backends(&self) -> Result<(), BadScenario> {
        if !(1..=MOST_BACKENDS).contains(&self.backends.len()) {
            let problem = format!("there are {}; write 1 to {MOST_BACKENDS}", self.backends.len());
            return Err(bad("backend", problem));
        }
        for (at, backend) in self.backends.iter().enumerate() {
            number(&format!("backend[{at}].weight"), backend.weight.into(), 0, 100)?;
            number(&format!("backend[{at}].status"), backend.status.into(), 100, 599)?;
            if self.backends[..at].iter().any(|other| other.name == backend.name) {
                return Err(bad(
                    &format!("backend[{at}].name"),
                    format!("{:?} is there twice", backend.name),
                ));
            }
        }
        Ok(())
    }

    fn check_fault(&self, at: usize, fault: &Fault) -> Result<(), BadScenario> {
        let field = |name: &str| format!("fault[{at}].{name}");
        between(&field("at"), fault.at.0, Span::ZERO, self.duration.0)?;
        number(&field("weight"), fault.weight.unwrap_or(0).into(), 0, 100)?;
        number(&field("status"), fault.status.unwrap_or(200).into(), 100, 599)?;
        if self.place(&fault.backend).is_none() {
            let known: Vec<&str> = self.backends.iter().map(|backend| backend.name.as_str()).collect();
            let problem = format!("{:?} is no backend; there are {}", fault.backend, known.join(", "));
            return Err(bad(&field("backend"), problem));
        }
        if fault.answers.is_none() && fault.status.is_none() && fault.weight.is_none() {
            return Err(bad(
                &field("answers"),
                "nothing changes; write answers, status or weight".to_owned(),
            ));
        }
        Ok(())
    }

    /// The place of a backend in their order.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.backends.iter().position(|backend| backend.name == name)
    }

    /// How many connections come.
    pub fn connections(&self) -> u64 {
        (self.duration.0.0.unsigned_abs() * u64::from(self.clients.rate)).div_ceil(1_000)
    }
}

fn bad(field: &str, problem: String) -> BadScenario {
    BadScenario { field: field.to_owned(), problem }
}

fn number(field: &str, value: u32, least: u32, most: u32) -> Result<(), BadScenario> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(bad(field, format!("{value} is out of range; write {least} to {most}")))
}

fn between(field: &str, value: Span, least: Span, most: Span) -> Result<(), BadScenario> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(bad(field, format!("{} ms is out of range; write {}ms to {}ms", value.0, least.0, most.0)))
}
