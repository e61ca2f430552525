//! Checks of a scenario that its form alone does not make. Parts are checked with the field at which they stand,
//! since a mix has several of them.

use super::bad::{BadScenario, bad, between, length, number};
use super::protection::check_attacks;
use super::scenario::{
    Backend, Clients, Fault, HealthCheck, LONGEST, LONGEST_NAME, Listener, MAX_SEED, MOST_BACKENDS,
    MOST_CONNECTIONS, MOST_FAULTS, Scenario, place,
};
use super::zone_outage::check_zone_outages;
use crate::error::beginning;
use crate::slb::health_check::CLASSES;
use crate::slb::listener::Protocol;
use crate::time::Span;

impl Scenario {
    /// Checks what the form alone does not.
    ///
    /// # Errors
    /// The first field that is out of its range or names nothing.
    pub fn check(&self) -> Result<(), BadScenario> {
        if self.of_world.is_some() {
            return Err(bad(
                "of_world",
                "a server has the world; write listener and backend here".to_owned(),
            ));
        }
        check_run(self.seed, self.duration.0)?;
        self.clients.check("clients")?;
        check_number(self.requests(), "clients.rate")?;
        self.listener.check("listener")?;
        self.clients.check_judged("clients", &self.listener)?;
        if let Some(check) = &self.health_check {
            check.check("health_check")?;
        }
        if let Some(protection) = &self.protection {
            protection.check("protection")?;
        }
        check_attacks(&self.attacks, self.protection.is_some(), self.duration.0, "attack")?;
        check_zone_outages(&self.zone_outages, self.duration.0, "zone_outage")?;
        check_backends(&self.backends)?;
        for (at, backend) in self.backends.iter().enumerate() {
            if backend.waits && self.listener.protocol.is_http() {
                let problem = "backends wait over TCP and UDP only; write false".to_owned();
                return Err(bad(&format!("backend[{at}].waits"), problem));
            }
        }
        length("fault", self.faults.len(), 0, MOST_FAULTS)?;
        check_faults(&self.faults, &self.backends, self.duration.0)
    }
}

/// Checks what draws grow from, and how long clients come.
pub(super) fn check_run(seed: u64, duration: Span) -> Result<(), BadScenario> {
    if seed > MAX_SEED {
        return Err(bad("seed", format!("{seed} is out of range; write 0 to {MAX_SEED}")));
    }
    between("duration", duration, Span(1), LONGEST)
}

/// Checks how many connections and requests there are.
pub(super) fn check_number(requests: u64, at: &str) -> Result<(), BadScenario> {
    if requests <= MOST_CONNECTIONS {
        return Ok(());
    }
    Err(bad(at, format!("{requests} connections and requests are more than {MOST_CONNECTIONS}")))
}

impl Clients {
    pub(super) fn check(&self, at: &str) -> Result<(), BadScenario> {
        let field = |name: &str| format!("{at}.{name}");
        number(&field("number"), self.number, 1, 1_000_000)?;
        self.check_from(at)?;
        number(&field("rate"), self.rate, 1, 1_000_000)?;
        between(&field("connection"), self.connection.0, Span::ZERO, LONGEST)?;
        if let Some(most) = self.connection_max {
            between(&field("connection_max"), most.0, self.connection.0, LONGEST)?;
        }
        if let Some(interval) = self.interval {
            between(&field("interval"), interval.0, Span(1), LONGEST)?;
        }
        Ok(())
    }
}

impl Listener {
    pub(super) fn check(&self, at: &str) -> Result<(), BadScenario> {
        let field = |name: &str| format!("{at}.{name}");
        let Listener { protocol, scheduler, persistence, cookie, drain, running_for, .. } = self;
        if !scheduler.serves(*protocol) {
            let problem = format!(
                "a listener of {} has no {}; write rr, wrr or wlc",
                protocol.text(),
                scheduler.text()
            );
            return Err(bad(&field("scheduler"), problem));
        }
        if protocol.is_http() && !persistence.0.is_zero() {
            let problem = "a listener of HTTP knows clients by a cookie; write cookie instead";
            return Err(bad(&field("persistence"), problem.to_owned()));
        }
        if !protocol.is_http() && cookie.is_some() {
            let problem = "TCP and UDP have no cookies; write persistence instead";
            return Err(bad(&field("cookie"), problem.to_owned()));
        }
        between(&field("persistence"), persistence.0, Span::ZERO, Span::seconds(3_600))?;
        if let Some(cookie) = cookie {
            between(&field("cookie"), cookie.0, Span::seconds(1), Span::hours(24))?;
        }
        between(&field("drain"), drain.0, Span::ZERO, Span::seconds(900))?;
        self.check_timeouts(at)?;
        self.check_bandwidth(at)?;
        self.check_access(at)?;
        between(&field("running_for"), running_for.0, Span::ZERO, LONGEST)
    }

    /// Checks how long it waits.
    fn check_timeouts(&self, at: &str) -> Result<(), BadScenario> {
        let field = |name: &str| format!("{at}.{name}");
        let (least, most) = match self.protocol {
            Protocol::Tcp => (10, 900),
            Protocol::Udp => (1, 900),
            Protocol::Http | Protocol::Https => (1, 60),
        };
        let idle = self.idle_timeout().0;
        between(&field("idle_timeout"), idle, Span::seconds(least), Span::seconds(most))?;
        let Some(answer) = self.request_timeout else { return Ok(()) };
        if !self.protocol.is_http() {
            let problem = "only a listener of HTTP waits for answers; write idle_timeout instead";
            return Err(bad(&field("request_timeout"), problem.to_owned()));
        }
        between(&field("request_timeout"), answer.0, Span::seconds(1), Span::seconds(180))
    }
}

impl HealthCheck {
    pub(super) fn check(&self, at: &str) -> Result<(), BadScenario> {
        let field = |name: &str| format!("{at}.{name}");
        between(&field("interval"), self.interval.0, Span::seconds(1), Span::seconds(50))?;
        between(&field("timeout"), self.timeout.0, Span::seconds(1), Span::seconds(300))?;
        for (name, length) in [("interval", self.interval), ("timeout", self.timeout)] {
            if length.0.0 % 1_000 != 0 {
                return Err(bad(&field(name), format!("{length} is no whole number of seconds")));
            }
        }
        number(&field("healthy"), self.healthy.into(), 2, 10)?;
        number(&field("unhealthy"), self.unhealthy.into(), 2, 10)?;
        let unknown = |class: &&String| !CLASSES.contains(&class.as_str());
        match self.codes.iter().find(unknown) {
            None => Ok(()),
            Some(class) => {
                let problem = format!("{class:?} is no class of statuses; write {}", CLASSES.join(", "));
                Err(bad(&field("codes"), problem))
            }
        }
    }
}

/// Checks a name.
pub(super) fn check_name(at: &str, name: &str) -> Result<(), BadScenario> {
    match name.chars().count() {
        1..=LONGEST_NAME => Ok(()),
        characters => Err(bad(at, format!("it has {characters} characters; write 1 to {LONGEST_NAME}"))),
    }
}

pub(super) fn check_backends(backends: &[Backend]) -> Result<(), BadScenario> {
    length("backend", backends.len(), 1, MOST_BACKENDS)?;
    for (at, backend) in backends.iter().enumerate() {
        check_name(&format!("backend[{at}].name"), &backend.name)?;
        number(&format!("backend[{at}].weight"), backend.weight.into(), 0, 100)?;
        number(&format!("backend[{at}].status"), backend.status.into(), 100, 599)?;
        let status = backend.check_status.unwrap_or(200).into();
        number(&format!("backend[{at}].check_status"), status, 100, 599)?;
        if place(backends, &backend.name) != Some(at) {
            return Err(bad(
                &format!("backend[{at}].name"),
                format!("{:?} is there twice", beginning(&backend.name)),
            ));
        }
    }
    Ok(())
}

pub(super) fn check_faults(
    faults: &[Fault],
    backends: &[Backend],
    duration: Span,
) -> Result<(), BadScenario> {
    faults.iter().enumerate().try_for_each(|(at, fault)| check_fault(at, fault, backends, duration))
}

fn check_fault(at: usize, fault: &Fault, backends: &[Backend], duration: Span) -> Result<(), BadScenario> {
    let field = |name: &str| format!("fault[{at}].{name}");
    between(&field("at"), fault.at.0, Span::ZERO, duration)?;
    number(&field("weight"), fault.weight.unwrap_or(0).into(), 0, 100)?;
    number(&field("status"), fault.status.unwrap_or(200).into(), 100, 599)?;
    number(&field("check_status"), fault.check_status.unwrap_or(200).into(), 100, 599)?;
    if place(backends, &fault.backend).is_none() {
        let known: Vec<&str> = backends.iter().map(|backend| backend.name.as_str()).collect();
        let problem = format!(
            "{:?} is no backend; there are {}",
            beginning(&fault.backend),
            beginning(&known.join(", "))
        );
        return Err(bad(&field("backend"), problem));
    }
    if !fault.changes() {
        return Err(bad(
            &field("answers"),
            "nothing changes; write answers, status, weight, check_answers or check_status".to_owned(),
        ));
    }
    Ok(())
}
