//! Checks of a mix that its form alone does not make.

use super::scenario::{Ask, Clients, Group, Listener, LoadBalancer, Member, Rule, Scenario};
use crate::datapath::Request;
use crate::error::beginning;
use crate::traffic::bad::{BadScenario, bad, length, number};
use crate::traffic::bandwidth;
use crate::traffic::check::{check_backends, check_faults, check_name, check_number, check_run};
use crate::traffic::protection::check_attacks;
use crate::traffic::run::MOST_REDIRECTS;
use crate::traffic::scenario::{LONGEST_NAME, MOST_FAULTS, place};
use crate::traffic::zone_outage::check_zone_outages;
use std::collections::{BTreeMap, BTreeSet};

/// The most kinds of clients, and the most things that one asks for.
const MOST_CLIENTS: usize = 32;
/// The most load balancers, and the most listeners: the provider's limit for one load balancer.
const MOST_LISTENERS: usize = 50;
/// The most rules of a listener (provider documentation: CLB quotas).
const MOST_RULES: usize = 40;
/// The most groups, and the most members of one.
const MOST_GROUPS: usize = 200;
/// The most that serve, and the most members of all of them: what a report tells stays within some megabytes.
const MOST_SERVE: usize = 200;
const MOST_MEMBERS: usize = 1_000;
/// The most attacks, each of which is looked at every second.
const MOST_ATTACKS: usize = 20;
/// The most source addresses, and the most that are kept by all that serve: 16 bytes each.
const MOST_ADDRESSES: u64 = 1_000_000;
const MOST_KEPT: u64 = 4_000_000;

impl Scenario {
    /// Checks what the form alone does not.
    ///
    /// # Errors
    /// The first field that is out of its range or names nothing.
    pub fn check(&self) -> Result<(), BadScenario> {
        if let Some(at) = self.clients.iter().position(|clients| clients.of_world.is_some()) {
            let problem = "a server has the world; write listener and backend here".to_owned();
            return Err(bad(&format!("clients[{at}].of_world"), problem));
        }
        check_run(self.seed, self.duration.0)?;
        self.check_lengths()?;
        check_backends(&self.backends)?;
        self.check_groups()?;
        self.check_balancers()?;
        for (at, listener) in self.listeners.iter().enumerate() {
            self.check_listener(&format!("listener[{at}]"), listener)?;
        }
        self.check_size()?;
        for (at, clients) in self.clients.iter().enumerate() {
            self.check_clients(&format!("clients[{at}]"), clients)?;
        }
        check_number(self.requests(), "clients[0].rate")?;
        check_faults(&self.faults, &self.backends, self.duration.0)
    }

    /// Lists are not too long, and names in them stand once.
    fn check_lengths(&self) -> Result<(), BadScenario> {
        length("clients", self.clients.len(), 1, MOST_CLIENTS)?;
        length("load_balancer", self.balancers.len(), 0, MOST_LISTENERS)?;
        length("listener", self.listeners.len(), 1, MOST_LISTENERS)?;
        length("group", self.groups.len(), 0, MOST_GROUPS)?;
        length("fault", self.faults.len() + self.probe_faults.len(), 0, MOST_FAULTS)?;
        names("clients", self.clients.iter().map(|clients| &clients.name))?;
        names("load_balancer", self.balancers.iter().map(|balancer| &balancer.name))?;
        names("listener", self.listeners.iter().map(|listener| &listener.name))?;
        names("group", self.groups.iter().map(|group| &group.name))
    }

    fn check_groups(&self) -> Result<(), BadScenario> {
        for (at, Group { members, .. }) in self.groups.iter().enumerate() {
            let field = format!("group[{at}].member");
            length(&field, members.len(), 0, MOST_GROUPS)?;
            let mut seen = BTreeSet::new();
            for (n, Member { backend, weight, .. }) in members.iter().enumerate() {
                if place(&self.backends, backend).is_none() {
                    return Err(unknown(
                        &format!("{field}[{n}].backend"),
                        backend,
                        "backend",
                        self.backends.iter().map(|backend| &backend.name),
                    ));
                }
                number(&format!("{field}[{n}].weight"), weight.unwrap_or(0).into(), 0, 100)?;
                if !seen.insert(backend) {
                    let problem = format!("{:?} is there twice", beginning(backend));
                    return Err(bad(&format!("{field}[{n}].backend"), problem));
                }
            }
        }
        Ok(())
    }

    fn check_balancers(&self) -> Result<(), BadScenario> {
        let attacks: usize = self.balancers.iter().map(|balancer| balancer.attacks.len()).sum();
        if attacks > MOST_ATTACKS {
            let problem = format!("there are {attacks} attacks in all; write at most {MOST_ATTACKS}");
            return Err(bad("load_balancer", problem));
        }
        for (at, balancer) in self.balancers.iter().enumerate() {
            let LoadBalancer { protection, attacks, zone_outages, bandwidth, eip_bandwidth, .. } = balancer;
            let field = format!("load_balancer[{at}]");
            let own = self.listeners_of(&balancer.name).filter_map(|listener| listener.bandwidth);
            bandwidth::check(&format!("{field}.bandwidth"), *bandwidth)?;
            bandwidth::check_eip(&format!("{field}.eip_bandwidth"), *eip_bandwidth)?;
            bandwidth::check_sum(&format!("{field}.bandwidth"), *bandwidth, own)?;
            if let Some(protection) = protection {
                protection.check(&format!("{field}.protection"))?;
            }
            let attack = format!("{field}.attack");
            check_attacks(attacks, protection.is_some(), self.duration.0, &attack)?;
            check_zone_outages(zone_outages, self.duration.0, &format!("{field}.zone_outage"))?;
        }
        Ok(())
    }

    fn check_listener(&self, at: &str, listener: &Listener) -> Result<(), BadScenario> {
        let field = |name: &str| format!("{at}.{name}");
        listener.alone().check(at)?;
        if let Some(check) = listener.health_check.as_ref().or(self.health_check.as_ref()) {
            let own = listener.health_check.is_some();
            check.check(&if own { field("health_check") } else { "health_check".to_owned() })?;
        }
        let balancers = || self.balancers.iter().map(|balancer| &balancer.name);
        match &listener.load_balancer {
            Some(name) if !balancers().any(|known| known == name) => {
                return Err(unknown(&field("load_balancer"), name, "load balancer", balancers()));
            }
            None if self.balancers.len() > 1 => {
                let problem = format!("there are several; write one of {}", list(balancers()));
                return Err(bad(&field("load_balancer"), problem));
            }
            _ => {}
        }
        self.check_redirect(at, listener)?;
        self.check_group(&field("group"), listener.group.as_deref(), listener.members.is_some())?;
        self.check_waits(at, listener)?;
        length(&field("rule"), listener.rules.len(), 0, MOST_RULES)?;
        if !listener.rules.is_empty() && (!listener.protocol.is_http() || listener.redirect.is_some()) {
            let problem = "only a listener of HTTP or HTTPS that does not redirect has rules".to_owned();
            return Err(bad(&field("rule"), problem));
        }
        names(&field("rule"), listener.rules.iter().map(|rule| &rule.name))?;
        let rules = listener.rules.iter().enumerate();
        rules
            .into_iter()
            .try_for_each(|(n, rule)| self.check_rule(&format!("{at}.rule[{n}]"), listener, rule))
    }

    fn check_redirect(&self, at: &str, listener: &Listener) -> Result<(), BadScenario> {
        let Some(name) = &listener.redirect else { return Ok(()) };
        let field = format!("{at}.redirect");
        let Some(target) = self.listener(name) else {
            return Err(unknown(&field, name, "listener", self.listeners.iter().map(|l| &l.name)));
        };
        if !listener.protocol.is_http() || !self.listeners[target].protocol.is_http() {
            let problem = "only a listener of HTTP or HTTPS redirects, and to one of them".to_owned();
            return Err(bad(&field, problem));
        }
        Ok(())
    }

    /// Over HTTP and HTTPS no member waits.
    fn check_waits(&self, at: &str, listener: &Listener) -> Result<(), BadScenario> {
        let waits = |member: &Member| {
            let usual = place(&self.backends, &member.backend).is_some_and(|at| self.backends[at].waits);
            member.waits.unwrap_or(usual)
        };
        if listener.protocol.is_http() && self.members_of(listener).iter().flatten().any(waits) {
            let problem = "backends wait over TCP and UDP only; write a group in which none does".to_owned();
            return Err(bad(&format!("{at}.group"), problem));
        }
        Ok(())
    }

    fn check_rule(&self, at: &str, listener: &Listener, rule: &Rule) -> Result<(), BadScenario> {
        let field = |name: &str| format!("{at}.{name}");
        self.check_group(&field("group"), Some(&rule.group), rule.members.is_some())?;
        for (name, text) in [("domain", &rule.domain), ("url", &rule.url)] {
            if text.as_ref().is_some_and(|text| text.len() > LONGEST_NAME) {
                return Err(bad(&field(name), format!("it is too long; write at most {LONGEST_NAME} bytes")));
            }
        }
        let same = |other: &&Rule| (&other.domain, &other.url) == (&rule.domain, &rule.url);
        if listener.rules.iter().filter(same).count() > 1 {
            let problem = "another rule has the same domain and URL".to_owned();
            return Err(bad(&field("url"), problem));
        }
        let Some(own) = &rule.own else { return Ok(()) };
        listener.alone_by(rule).check(&field("own"))?;
        own.health_check.as_ref().map_or(Ok(()), |check| check.check(&field("own.health_check")))
    }

    fn check_group(&self, at: &str, name: Option<&str>, of_world: bool) -> Result<(), BadScenario> {
        let Some(name) = name.filter(|_| !of_world) else { return Ok(()) };
        if self.groups.iter().any(|group| group.name == name) {
            return Ok(());
        }
        Err(unknown(at, name, "group", self.groups.iter().map(|group| &group.name)))
    }

    /// What is kept of a run and told of it is not too much.
    fn check_size(&self) -> Result<(), BadScenario> {
        let serve: usize = self.listeners.iter().map(|listener| listener.rules.len() + 1).sum();
        if serve > MOST_SERVE {
            let problem = format!("there are {serve} listeners and rules; write at most {MOST_SERVE}");
            return Err(bad("listener", problem));
        }
        let members: usize = self.listeners.iter().flat_map(|l| self.members_of(l)).map(|of| of.len()).sum();
        if members > MOST_MEMBERS {
            let problem = format!(
                "listeners and rules have {members} members in all; write groups of at most {MOST_MEMBERS}"
            );
            return Err(bad("listener", problem));
        }
        let addresses: u64 = self.clients.iter().map(|clients| u64::from(clients.number)).sum();
        if addresses > MOST_ADDRESSES {
            let problem = format!("there are {addresses} addresses in all; write at most {MOST_ADDRESSES}");
            return Err(bad("clients[0].number", problem));
        }
        let keeps = |listener: &Listener| {
            let by_rules = listener.rules.iter().map(|rule| listener.alone_by(rule));
            let all = std::iter::once(listener.alone()).chain(by_rules);
            all.filter(|alone| alone.keeping().is_some()).count() as u64
        };
        let kept = addresses * self.listeners.iter().map(keeps).sum::<u64>();
        if kept > MOST_KEPT {
            let problem = format!(
                "{addresses} addresses keep their backends, which makes {kept} by all listeners and rules; \
                 write fewer, so that it is at most {MOST_KEPT}"
            );
            return Err(bad("clients[0].number", problem));
        }
        Ok(())
    }

    fn check_clients(&self, at: &str, clients: &Clients) -> Result<(), BadScenario> {
        let field = |name: &str| format!("{at}.{name}");
        let alone = clients.alone();
        alone.check(at)?;
        let known = || self.listeners.iter().map(|listener| &listener.name);
        let Some(listener) = self.listener_of(clients) else {
            return Err(match &clients.listener {
                Some(name) => unknown(&field("listener"), name, "listener", known()),
                None => bad(&field("listener"), format!("there are several; write one of {}", list(known()))),
            });
        };
        let come = if clients.follow { self.on_from(listener) } else { vec![listener] };
        come.into_iter().try_for_each(|of| alone.check_judged(at, &self.listeners[of].alone()))?;
        length(&field("ask"), clients.asks.len(), 0, MOST_CLIENTS)?;
        let protocol = self.listeners[listener].protocol;
        if !clients.asks.is_empty() && !protocol.is_http() {
            let problem =
                format!("the listener speaks {}, which has no requests; write none", protocol.text());
            return Err(bad(&field("ask"), problem));
        }
        for (n, ask) in clients.asks.iter().enumerate() {
            check_ask(&format!("{at}.ask[{n}]"), ask)?;
        }
        Ok(())
    }

    /// How many connections and requests a run has to schedule at most, redirects among them.
    pub fn requests(&self) -> u64 {
        self.clients.iter().map(|clients| self.requests_of(clients)).fold(0, u64::saturating_add)
    }

    fn requests_of(&self, clients: &Clients) -> u64 {
        let connections = clients.alone().connections(self.duration.0);
        let (mut listener, mut redirects) = (self.listener_of(clients), 0);
        while redirects < MOST_REDIRECTS + 1
            && let Some(next) = listener.and_then(|at| self.listeners[at].redirect.as_deref())
        {
            (listener, redirects) = (self.listener(next), redirects + 1);
        }
        let more = listener
            .map_or(0, |at| clients.alone().requests_more(&self.listeners[at].alone(), self.duration.0));
        connections.saturating_mul(redirects + 1 + more)
    }
}

/// What is asked for is what clients can ask for.
fn check_ask(at: &str, ask: &Ask) -> Result<(), BadScenario> {
    number(&format!("{at}.share"), ask.share.into(), 1, 1_000)?;
    let Err(refusal) = Request::new(ask.host.as_deref(), ask.path.as_deref()) else { return Ok(()) };
    let told = refusal.details();
    let field = told.field.as_deref().unwrap_or_default().replacen("request", at, 1).replace('/', ".");
    let problem = &told.detail;
    let accepted = told.accepted.clone().unwrap_or_default();
    Err(bad(&field, format!("{}; write {accepted}", problem.trim_end_matches('.'))))
}

/// Names are short, and none stands twice.
fn names<'a>(at: &str, names: impl Iterator<Item = &'a String>) -> Result<(), BadScenario> {
    let mut seen = BTreeMap::new();
    for (n, name) in names.enumerate() {
        let field = format!("{at}[{n}].name");
        check_name(&field, name)?;
        if seen.insert(name, n).is_some() {
            return Err(bad(&field, format!("{:?} is there twice", beginning(name))));
        }
    }
    Ok(())
}

fn unknown<'a>(at: &str, name: &str, what: &str, known: impl Iterator<Item = &'a String>) -> BadScenario {
    bad(at, format!("{:?} is no {what}; there are {}", beginning(name), list(known)))
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    beginning(&names.map(String::as_str).collect::<Vec<_>>().join(", ")).to_string()
}
