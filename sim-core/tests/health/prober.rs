//! A prober that knows nothing of arithmetic: it looks at the world whenever something happens, and makes its probes one
//! millisecond after another.

use sim_core::balancing::probe_series::Health;
use sim_core::ecs::eni::{Eni, EniStatus};
use sim_core::ecs::instance::{Instance, InstanceStatus};
use sim_core::ecs::outage::{Outage, OutageTarget};
use sim_core::ecs::service_port::{Behaviour, PortProtocol, ServicePort};
use sim_core::id::{ForwardingRuleId, ListenerId, VServerGroupId};
use sim_core::slb::backend::{Backend, Server};
use sim_core::slb::forwarding_rule::ForwardingRule;
use sim_core::slb::health_check::{CheckKind, HealthCheck};
use sim_core::slb::listener::Listener;
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::slb::master_slave_group::MasterSlaveGroup;
use sim_core::slb::server_group::VServerGroup;
use sim_core::vpc::vswitch::VSwitch;
use sim_core::{SimTime, World};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Whose health it is.
pub type Who = (ListenerId, Option<ForwardingRuleId>, Server, Option<Ipv4Addr>, u16);

/// What comes back from a probe, and after how many milliseconds; nothing if absent.
type Answer = Option<(bool, i64)>;

/// One member as a listener probes it.
struct Probed {
    check: HealthCheck,
    answer: Answer,
    /// When the probe under way began, and what will come back of it: nothing if things changed since.
    under_way: Option<(i64, Answer)>,
    next: i64,
    health: Health,
    since: Option<i64>,
    good: u8,
    bad: u8,
}

#[derive(Default)]
pub struct Prober {
    probed: BTreeMap<Who, Probed>,
}

/// A member with its port, by which rule it serves, and how it is probed.
type Found = (Option<ForwardingRuleId>, HealthCheck, Backend, u16);

/// The members of a listener that it probes.
fn members(w: &World, l: &Listener) -> Vec<Found> {
    if l.started.is_none() || l.redirect.is_some() {
        return Vec::new();
    }
    let group = |id: VServerGroupId| &w.get::<VServerGroup>(&id).unwrap().backends;
    let own = match (l.group, l.pair) {
        // The secondary member of a pair is not probed.
        (_, Some(id)) => &w.get::<MasterSlaveGroup>(&id).unwrap().primary.iter().cloned().collect(),
        (Some(id), None) => group(id),
        (None, None) => &w.get::<LoadBalancer>(&l.load_balancer).unwrap().backends,
    };
    let mut pools = vec![(None, &l.rules.health_check, own)];
    for rule in w.table::<ForwardingRule>().iter().filter(|rule| rule.listener == l.id) {
        let check = rule.own.as_ref().map_or(&l.rules.health_check, |own| &own.health_check);
        pools.push((Some(rule.id), check, group(rule.group)));
    }
    let mut found = Vec::new();
    for (rule, check, pool) in pools.into_iter().filter(|(_, check, _)| check.on) {
        found.extend(
            pool.iter().map(|b| (rule, check.clone(), b.clone(), b.port.or(l.backend_port).unwrap())),
        );
    }
    found
}

/// Whether the member's host works, holds the address, and nothing cuts it off; the host then.
fn host(w: &World, backend: &Backend) -> Option<Instance> {
    let eni = w.table::<Eni>().iter().find(|eni| match backend.server {
        Server::Instance(id) => eni.instance == Some(id) && eni.device_index == 0,
        Server::Eni(id) => eni.id == id,
    })?;
    let holds = backend.address.is_none_or(|address| eni.ipv4().any(|own| own == address));
    let instance = w.table::<Instance>().iter().find(|i| eni.instance == Some(i.id))?;
    let zone = &w.get::<VSwitch>(&eni.vswitch).unwrap().zone;
    let cut = w.table::<Outage>().iter().any(|outage| {
        let begun = outage.from <= w.now() && outage.until.is_none_or(|until| until > w.now());
        begun
            && match &outage.target {
                OutageTarget::Eni(id) => *id == eni.id,
                OutageTarget::Instance(id) => *id == instance.id,
                OutageTarget::Zone(cut) => cut == zone,
            }
    });
    let works = eni.status == EniStatus::InUse && instance.status == InstanceStatus::Running;
    (holds && works && !cut).then(|| instance.clone())
}

/// What comes back from a probe that is sent now.
fn answer(w: &World, check: &HealthCheck, backend: &Backend, port: u16) -> Answer {
    let protocol = if check.kind == CheckKind::Udp { PortProtocol::Udp } else { PortProtocol::Tcp };
    let port = check.port.unwrap_or(port);
    let told = |i: Instance| {
        let told = w
            .table::<ServicePort>()
            .iter()
            .find(|p| (p.instance, p.protocol, p.port) == (i.id, protocol, port));
        told.map_or(Behaviour::DEFAULT, |told| told.behaviour)
    };
    let patience = i64::from(check.timeout).max(i64::from(check.interval)) * 1_000;
    let silence = (check.kind == CheckKind::Udp && check.expected.is_empty()).then_some((true, patience));
    match host(w, backend).map(told) {
        None | Some(Behaviour::Silent) => silence,
        Some(Behaviour::Refuses) => Some((false, 0)),
        Some(Behaviour::Answers { after, .. }) if after.0 > patience => silence,
        Some(Behaviour::Answers { after, status }) => {
            let class = ["http_2xx", "http_3xx", "http_4xx", "http_5xx"].get(usize::from(status) / 100 - 2);
            let codes = check.codes();
            let good = class.is_some_and(|class| codes.split(',').any(|code| code == *class));
            Some((check.kind != CheckKind::Http || good, after.0))
        }
    }
}

impl Prober {
    /// Something may have happened at this instant, after the probes of it: [`Prober::pass`].
    pub fn look(&mut self, w: &World) {
        let now = w.now().0;
        let mut there = BTreeMap::new();
        for l in w.table::<Listener>().iter() {
            for (rule, check, backend, port) in members(w, l) {
                let check = &check;
                let address = backend.address.filter(|_| matches!(backend.server, Server::Eni(_)));
                let who = (l.id, rule, backend.server, address, port);
                let answer = answer(w, check, &backend, port);
                let turn = turn(l.started.unwrap(), check, now);
                let probed = match self.probed.remove(&who) {
                    None => Probed::new(check, answer, turn, Health::Unavailable),
                    Some(old) if old.check != *check => {
                        let fresh = Probed::new(check, answer, turn, old.health);
                        Probed { since: old.since, ..fresh }
                    }
                    Some(mut old) => {
                        if old.answer != answer {
                            old.answer = answer;
                            // A probe that has just begun meets what is there now.
                            if let Some((began, coming)) = &mut old.under_way {
                                *coming = if *began == now { answer } else { None };
                            }
                        }
                        old
                    }
                };
                there.insert(who, probed);
            }
        }
        self.probed = there;
        self.pass(now);
    }

    /// Probes end and begin whose time has come. An answer that takes no time is there at once.
    pub fn pass(&mut self, now: i64) {
        for probed in self.probed.values_mut() {
            probed.end(now);
            if probed.under_way.is_none() && probed.next <= now {
                probed.under_way = Some((now, probed.answer));
                probed.end(now);
            }
        }
    }

    /// What is known of a member that is probed, and since when.
    pub fn health(&self, who: &Who) -> Option<(Health, Option<i64>)> {
        self.probed.get(who).map(|probed| (probed.health, probed.since))
    }

    pub fn len(&self) -> usize {
        self.probed.len()
    }
}

/// The first instant from now on that is a whole number of intervals after the listener's start.
fn turn(started: SimTime, check: &HealthCheck, now: i64) -> i64 {
    let mut turn = started.0;
    while turn < now {
        turn += i64::from(check.interval) * 1_000;
    }
    turn
}

impl Probed {
    fn new(check: &HealthCheck, answer: Answer, next: i64, health: Health) -> Probed {
        Probed { check: check.clone(), answer, under_way: None, next, health, since: None, good: 0, bad: 0 }
    }

    fn end(&mut self, now: i64) {
        let Some((began, coming)) = self.under_way else { return };
        let patience = i64::from(self.check.timeout.max(self.check.interval.into())) * 1_000;
        let success = match coming {
            Some((success, takes)) if now - began >= takes => success,
            _ if now - began >= patience => false,
            _ => return,
        };
        self.under_way = None;
        self.next = now + i64::from(self.check.interval) * 1_000;
        (self.good, self.bad) =
            if success { (self.good.saturating_add(1), 0) } else { (0, self.bad.saturating_add(1)) };
        let verdict = match () {
            () if self.good >= self.check.healthy => Health::Normal,
            () if self.bad >= self.check.unhealthy => Health::Abnormal,
            () => return,
        };
        if verdict != self.health {
            (self.health, self.since) = (verdict, Some(now));
        }
    }
}
