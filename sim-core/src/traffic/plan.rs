//! A scenario made ready to run: what it names are places in lists, forwarding rules have been asked, and times are
//! microseconds from the first client on.
//!
//! One listener and one kind of clients are a plan with one of each; a mix has several, which share backends and load
//! balancers.

use super::addresses::{self, Gate};
use super::protection::{Attack, Protection};
use super::scenario::{Answers, Backend, Clients, Fault, Listener, Scenario, ZoneChange};
use super::zone_outage::{self, ZoneOutage};
use crate::balancing::probe_series::ProbeSeries;
use crate::balancing::scheduler::Scheduler;
use crate::slb::health_check::HealthCheck;
use crate::slb::listener::Protocol;
use crate::time::Span;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

/// What is run.
pub(super) struct Plan {
    /// How long clients come.
    pub duration: Span,
    /// Who comes.
    pub crowds: Vec<Crowd>,
    /// Where limits and protection are.
    pub balancers: Vec<Balancer>,
    /// What is come to.
    pub listeners: Vec<ListenerPlan>,
    /// What serves: each listener by itself, and each of its forwarding rules.
    pub servings: Vec<Serving>,
    /// The members of what serves, those of one beside each other.
    pub members: Vec<Member>,
    /// The backends that members stand for, as they are at first.
    pub backends: Vec<Backend>,
    /// What requests come to.
    pub ways: Vec<Way>,
    /// Bandwidths in Mbit/s that limit what comes in.
    pub bandwidths: Vec<u32>,
    /// What happens, in the order of its time.
    pub faults: Vec<Planned>,
}

/// Clients who ask for the same, at a rate of their own.
pub(super) struct Crowd {
    pub clients: Clients,
    /// What its draws grow from.
    pub seed: u64,
    /// How many clients come before it.
    pub first: u64,
    /// The address of each, if they have addresses.
    pub addresses: Vec<IpAddr>,
    /// The first client of all that has the address of each, if some of several kinds have the same.
    pub first_there: Vec<u64>,
    /// Its ways, each with the sum of the shares up to it.
    pub ways: Vec<(u64, u32)>,
    /// Whether redirects are followed.
    pub follows: bool,
}

/// A load balancer.
#[derive(Default)]
pub(super) struct Balancer {
    /// Its name, empty where there is no other.
    pub name: String,
    /// The most connections at once.
    pub most_open: Option<u32>,
    /// The most new connections a second over TCP and UDP, and the most requests over HTTP and HTTPS.
    pub most_new: [Option<u32>; 2],
    pub protection: Option<Protection>,
    pub attacks: Vec<Attack>,
    /// What becomes of its zones.
    pub zones: Vec<ZoneChange>,
    /// The place of the bandwidth that its listeners share, and of that of its elastic IP address.
    pub shared: Option<u32>,
    pub eip: Option<u32>,
}

/// A listener.
pub(super) struct ListenerPlan {
    pub balancer: u32,
    pub protocol: Protocol,
    /// How long connections of a backend live that turned abnormal.
    pub drain: u64,
    /// How long a connection is remembered that nothing comes over.
    pub idle: u64,
    /// How long an answer may take, over HTTP and HTTPS.
    pub answer: Option<u64>,
    /// Whom it lets in; everybody if absent.
    pub gate: Option<Gate>,
    /// The bandwidths through which all that comes to it passes: the place of each, and its own place among the listeners that
    /// share it.
    pub through: Vec<(u32, u32)>,
}

impl ListenerPlan {
    pub fn of(listener: &Listener, balancer: u32) -> ListenerPlan {
        ListenerPlan {
            balancer,
            protocol: listener.protocol,
            drain: listener.drain.us(),
            idle: listener.idle_timeout().us(),
            answer: listener.request_timeout().map(|timeout| timeout.us()),
            gate: listener.access().as_ref().map(Gate::of),
            through: Vec::new(),
        }
    }
}

/// A listener by itself, or one of its forwarding rules.
pub(super) struct Serving {
    /// What it is called where several serve.
    pub label: Option<String>,
    pub listener: u32,
    pub scheduler: Scheduler,
    /// How long a client keeps its backend in microseconds, and whether each connection makes it anew.
    pub keeping: Option<(u64, bool)>,
    pub check: Option<HealthCheck>,
    /// How long it has been checked when the first client comes.
    pub running_for: Span,
    /// Where its members are.
    pub members: Range<usize>,
}

/// A backend as a member of what serves.
pub(super) struct Member {
    pub serving: u32,
    pub backend: u32,
    pub weight: u8,
    /// Whether it takes connections only while none of the others does.
    pub waits: bool,
    /// Its probes up to now, if it is of a world.
    pub probes: Option<ProbeSeries>,
    /// How it answers probes of this member alone.
    pub checked: Option<(Answers, u16)>,
}

/// What a request comes to.
pub(super) struct Way {
    pub listener: u32,
    pub serving: u32,
    /// The way on, if the listener redirects.
    pub next: Option<u32>,
}

/// Something that happens.
pub(super) struct Planned {
    pub at: u64,
    pub strikes: Strikes,
}

/// To whom.
pub(super) enum Strikes {
    /// To a backend, wherever it is a member.
    Backend(u32, Fault),
    /// To the probes of one member.
    Probes { member: u32, answers: Answers, status: u16 },
}

impl Plan {
    /// One listener and those who come to it.
    pub fn of(scenario: &Scenario) -> Plan {
        let Scenario { listener, clients, backends, .. } = scenario;
        let member = |(at, backend): (usize, &Backend)| Member {
            serving: 0,
            backend: at as u32,
            weight: backend.weight,
            waits: backend.waits,
            probes: backend.probes,
            checked: None,
        };
        let (most_open, most_new) = listener.limits();
        let fault = |fault: &Fault| {
            let place = scenario.place(&fault.backend).expect("the scenario was checked");
            Planned { at: fault.at.us(), strikes: Strikes::Backend(place as u32, fault.clone()) }
        };
        let mut bandwidths = Vec::new();
        let shared = add_bandwidth(&mut bandwidths, listener.own_or_shared());
        let eip = add_bandwidth(&mut bandwidths, listener.eip_bandwidth);
        let through = eip.into_iter().chain(shared).map(|bandwidth| (bandwidth, 0)).collect();
        let mut plan = Plan {
            duration: scenario.duration.0,
            crowds: vec![Crowd::of(clients, scenario.seed, 0, vec![(1, 0)], false)],
            balancers: vec![Balancer {
                name: String::new(),
                most_open,
                most_new: [most_new; 2],
                protection: scenario.protection.clone(),
                attacks: scenario.attacks.clone(),
                zones: zones_of(&scenario.zones, &scenario.zone_outages, scenario.duration.0),
                shared,
                eip,
            }],
            listeners: vec![ListenerPlan { through, ..ListenerPlan::of(listener, 0) }],
            servings: vec![Serving {
                label: None,
                listener: 0,
                scheduler: listener.scheduler,
                keeping: listener.keeping().map(|(length, renewed)| (length.us(), renewed)),
                check: scenario.health_check.as_ref().map(|check| check.of_listener(listener.protocol)),
                running_for: listener.running_for.0,
                members: 0..backends.len(),
            }],
            members: backends.iter().enumerate().map(member).collect(),
            backends: backends.clone(),
            ways: vec![Way { listener: 0, serving: 0, next: None }],
            bandwidths,
            faults: scenario.faults.iter().map(fault).collect(),
        };
        plan.put_faults_in_order();
        plan
    }

    /// Those of one instant stay in the order in which they are written.
    pub fn put_faults_in_order(&mut self) {
        self.faults.sort_by_key(|fault| fault.at);
    }

    /// How many listeners share a bandwidth.
    pub fn sharing(&self, bandwidth: u32) -> usize {
        let passes = |listener: &&ListenerPlan| listener.through.iter().any(|(of, _)| *of == bandwidth);
        self.listeners.iter().filter(passes).count()
    }

    /// Finds clients of several kinds that have the same address.
    pub fn find_same_addresses(&mut self) {
        if self.crowds.iter().filter(|crowd| !crowd.addresses.is_empty()).count() < 2 {
            return;
        }
        let mut first = BTreeMap::new();
        for crowd in &mut self.crowds {
            let there = (crowd.first..).zip(&crowd.addresses);
            crowd.first_there =
                there.map(|(client, address)| *first.entry(*address).or_insert(client)).collect();
        }
    }

    /// The listener of what serves.
    pub fn listener_of(&self, serving: usize) -> &ListenerPlan {
        &self.listeners[self.servings[serving].listener as usize]
    }

    /// How many clients there are in all.
    pub fn clients(&self) -> u64 {
        self.crowds.last().map_or(0, |last| last.first + u64::from(last.clients.number))
    }

    /// How long the report's intervals are, and how many there are.
    pub fn intervals(&self) -> (u64, usize) {
        let duration = self.duration.0.unsigned_abs();
        let interval_ms = duration.div_ceil(super::INTERVALS).max(1);
        (interval_ms, duration.div_ceil(interval_ms) as usize)
    }
}

/// What becomes of the zones of a load balancer: as its world has it, or as outages are described.
pub(super) fn zones_of(of_world: &[ZoneChange], outages: &[ZoneOutage], duration: Span) -> Vec<ZoneChange> {
    if outages.is_empty() { of_world.to_vec() } else { zone_outage::changes(outages, duration) }
}

/// Adds a bandwidth in Mbit/s, if there is one; its place.
pub(super) fn add_bandwidth(bandwidths: &mut Vec<u32>, bandwidth: Option<u32>) -> Option<u32> {
    bandwidths.push(bandwidth?);
    Some(bandwidths.len() as u32 - 1)
}

impl Crowd {
    /// Clients with the number of those before them.
    pub fn of(clients: &Clients, seed: u64, first: u64, ways: Vec<(u64, u32)>, follows: bool) -> Crowd {
        let from = clients.from.as_deref();
        let addresses = from.map(|from| addresses::drawn(from, clients.number, seed)).unwrap_or_default();
        Crowd { clients: clients.clone(), seed, first, addresses, first_there: Vec::new(), ways, follows }
    }

    /// Which of these clients its connection number `n` is of.
    pub fn client(&self, n: u64) -> u64 {
        super::draw(self.seed, n) % u64::from(self.clients.number)
    }

    /// The address of one of these clients, if they have any.
    pub fn address(&self, client: u64) -> Option<IpAddr> {
        self.addresses.get(client as usize).copied()
    }

    /// How many connections come in so long.
    pub fn connections(&self, duration: Span) -> u64 {
        self.clients.connections(duration)
    }

    /// The way of its connection number `n`.
    pub fn way(&self, n: u64) -> u32 {
        let (Some((shares, last)), true) = (self.ways.last(), self.ways.len() > 1) else {
            return self.ways[0].1;
        };
        let drawn = super::draw(self.seed ^ 3, n) % shares;
        self.ways.iter().find(|(up_to, _)| drawn < *up_to).map_or(*last, |(_, way)| *way)
    }
}
