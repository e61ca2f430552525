//! Listeners of a world as a mix: those that clients come to, those to which they redirect, their rules with their
//! groups, and their load balancers. The members of a group are taken over where a request comes to it, each with the
//! health that the world knows of it there; what the schedules of ports and outages hold for the time of the run
//! comes as faults.

use super::plan::rule_of;
use super::scenario::{
    Listener, LoadBalancer, Member, OfWorld, OwnWay, ProbeFault, Rule, Scenario, ServingPlace,
};
use crate::access::Caller;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::LoadBalancerId;
use crate::slb::forwarding_rule;
use crate::slb::listener::{self, Listener as Row};
use crate::slb::listener_limits::shared_bandwidth;
use crate::slb::load_balancer::LoadBalancer as BalancerRow;
use crate::slb::member::{Served, key_of};
use crate::slb::serving::{self, Serving, ServingPool};
use crate::time::SimTime;
use crate::traffic::bad::{BadScenario, bad};
use crate::traffic::length::Length;
use crate::traffic::of_world::{
    Future, check_forwards, check_from, check_of, eip_bandwidth_of, end_of, listener_of, name_in_full,
    protection_of, zones_of,
};
use crate::traffic::scenario::{self as one, Backend, Fault};
use crate::world::World;
use std::net::Ipv4Addr;

/// Takes the listeners that clients come to over into a mix; one that describes its own stays as it is.
///
/// A listener is called by its load balancer and port as `lb-…:80`, over UDP `lb-…:53/udp`, and a rule by its id. A
/// backend is called `i-…:80`, `eni-…:80`, or with its address between the two if a server has several, and with
/// `/udp` over UDP; a fault may name the server alone if it is one backend.
///
/// # Errors
/// [`ErrorCode::InvalidParameter`] for a mix that describes what the world has, or some of whose clients come to no
/// world; an unknown load balancer or listener, two of one port; [`ErrorCode::ListenerStatusIncorrect`] for a
/// listener that does not forward, or that redirects to one that does not.
pub fn take_over(w: &World, caller: &Caller, mut scenario: Scenario) -> Outcome<Scenario> {
    if scenario.clients.iter().all(|clients| clients.of_world.is_none()) {
        return Ok(scenario);
    }
    check_apart(&scenario)?;
    let mut taker = Taker { w, rows: Vec::new(), places: Vec::new(), until: end_of(w, scenario.duration) };
    for (at, clients) in scenario.clients.iter_mut().enumerate() {
        let row = taker.find(caller, at, clients.of_world.take())?;
        let name = taker.add(row, at)?;
        let balancer = w.visible::<BalancerRow>(caller, row.load_balancer)?;
        check_from(balancer, clients.from.as_deref(), &format!("clients/{at}/from"))?;
        clients.listener = Some(name);
    }
    for row in taker.rows.clone() {
        scenario.listeners.push(taker.describe(row));
        let balancer = w.get::<BalancerRow>(&row.load_balancer);
        let known = |balancer: &&BalancerRow| {
            scenario.balancers.iter().any(|other| other.name == balancer.id.to_string())
        };
        scenario.balancers.extend(
            balancer.filter(|balancer| !known(balancer)).map(|balancer| taker.describe_balancer(balancer)),
        );
    }
    taker.take_members(&mut scenario);
    name_in_full(&scenario.backends, &mut scenario.faults);
    Ok(scenario)
}

/// What the world has is not described beside it, and all clients come to it.
fn check_apart(scenario: &Scenario) -> Result<(), BadScenario> {
    for (at, clients) in scenario.clients.iter().enumerate() {
        if clients.of_world.is_none() {
            let problem = "others come to listeners of a world; write of_world here too".to_owned();
            return Err(bad(&format!("clients[{at}].of_world"), problem));
        }
        if clients.listener.is_some() {
            let problem = "of_world has it; write one of the two".to_owned();
            return Err(bad(&format!("clients[{at}].listener"), problem));
        }
    }
    let described = [
        ("listener", !scenario.listeners.is_empty()),
        ("load_balancer", !scenario.balancers.is_empty()),
        ("health_check", scenario.health_check.is_some()),
        ("group", !scenario.groups.is_empty()),
        ("backend", !scenario.backends.is_empty()),
    ];
    match described.iter().find(|(_, is)| *is) {
        Some((field, _)) => Err(bad(field, "of_world has it; write one of the two".to_owned())),
        None => Ok(()),
    }
}

/// Who serves at which place: a member is one backend wherever it serves the same port of the same address.
#[derive(Clone, PartialEq, Eq)]
struct Place {
    server: String,
    address: Option<Ipv4Addr>,
    port: u16,
    udp: bool,
}

struct Taker<'w> {
    w: &'w World,
    /// The listeners in the order in which they are first come to.
    rows: Vec<&'w Row>,
    /// The places of backends, in their order.
    places: Vec<Place>,
    until: SimTime,
}

impl<'w> Taker<'w> {
    /// The listener that clients come to.
    fn find(&self, caller: &Caller, at: usize, of_world: Option<OfWorld>) -> Outcome<&'w Row> {
        let field = |name: &str| format!("clients/{at}/of_world/{name}");
        let unknown = || Refusal::new(ErrorCode::LoadBalancerNotFound).field(field("load_balancer_id"));
        let of_world = of_world.ok_or_else(unknown)?;
        let id: LoadBalancerId = of_world.load_balancer_id.parse().map_err(|_| unknown())?;
        let within = |refusal: Refusal| match refusal.details().field.as_deref() {
            Some("load_balancer_id") => refusal.field(field("load_balancer_id")),
            _ => refusal.field(field("port")),
        };
        listener::find(self.w, caller, id, of_world.port, of_world.protocol).map_err(within)
    }

    /// Adds a listener and the one to which it redirects; its name.
    fn add(&mut self, row: &'w Row, at: usize) -> Outcome<String> {
        let target = row.redirect.and_then(|port| listener::at(self.w, row.load_balancer, port, false));
        for of in std::iter::once(row).chain(target) {
            let balancer = self.w.get::<BalancerRow>(&of.load_balancer).expect("a listener goes with it");
            check_forwards(balancer, of, &format!("clients/{at}/of_world/port"))?;
            if !self.rows.iter().any(|known| known.id == of.id) {
                self.rows.push(of);
            }
        }
        Ok(name_of(row))
    }

    fn describe_balancer(&self, balancer: &BalancerRow) -> LoadBalancer {
        LoadBalancer {
            name: balancer.id.to_string(),
            spec: balancer.spec,
            max_connections: None,
            new_per_second: None,
            bandwidth: None,
            eip_bandwidth: eip_bandwidth_of(self.w, balancer),
            shared_bandwidth: shared_bandwidth(self.w, balancer),
            protection: protection_of(self.w, balancer),
            attacks: Vec::new(),
            zone_outages: Vec::new(),
            zones: zones_of(self.w, balancer, self.until),
        }
    }

    /// A listener with its rules, as yet without members.
    fn describe(&self, row: &'w Row) -> Listener {
        let w = self.w;
        let own = serving::of(w, row, None);
        let alone = |serving: Option<&Serving<'_>>| {
            let balancer = w.get::<BalancerRow>(&row.load_balancer).expect("a listener goes with it");
            listener_of(w, balancer, row, serving)
        };
        let rules = serving::all(w, row);
        let rules =
            rules.iter().filter_map(|serving| Some((serving.rule?, serving))).map(|(rule, serving)| {
                let one::Listener { scheduler, cookie, .. } = alone(Some(serving));
                let health_check = Some(serving.health_check).filter(|check| check.on).map(check_of);
                Rule {
                    name: rule.id.to_string(),
                    domain: Some(rule.domain.to_string()).filter(|domain| !domain.is_empty()),
                    url: Some(rule.url.to_string()).filter(|url| !url.is_empty()),
                    group: rule.group.to_string(),
                    own: Some(OwnWay { scheduler, cookie, health_check }),
                    members: Some(Vec::new()),
                }
            });
        let one::Listener { protocol, scheduler, persistence, cookie, drain, running_for, .. } =
            alone(own.as_ref());
        let one::Listener { idle_timeout, request_timeout, bandwidth, access, .. } = alone(own.as_ref());
        let target = row.redirect.and_then(|port| listener::at(w, row.load_balancer, port, false));
        Listener {
            name: name_of(row),
            load_balancer: Some(row.load_balancer.to_string()),
            protocol,
            redirect: target.map(name_of),
            group: own.as_ref().map(|own| pool_name(own.pool)),
            rules: rules.collect(),
            scheduler,
            persistence,
            cookie,
            health_check: own.map(|own| own.health_check).filter(|check| check.on).map(check_of),
            drain,
            idle_timeout,
            request_timeout,
            bandwidth,
            acl_type: None,
            acl: Vec::new(),
            access,
            running_for,
            members: Some(Vec::new()),
        }
    }

    /// Takes the members over of all that requests come to, with how they answer now and during the run.
    fn take_members(&mut self, scenario: &mut Scenario) {
        let (w, rows) = (self.w, self.rows.clone());
        let mut places: Vec<Vec<Place>> = Vec::new();
        let mut all: Vec<(ServingPlace, &'w Row, Serving<'w>)> = Vec::new();
        for (at, row) in rows.into_iter().enumerate() {
            for rule in asked(scenario, at) {
                let Some(serving) = find_serving(w, row, scenario, at, rule) else { continue };
                places.push(serving.members().map(|served| place_of(row, &served)).collect());
                all.push(((at, rule), row, serving));
            }
        }
        let mut faults = Vec::new();
        let addressed = scenario.clients.iter().any(|clients| clients.from.is_some());
        for ((of, row, serving), places_here) in all.iter().zip(&places) {
            let mut members = Vec::new();
            for (served, place) in serving.members().zip(places_here) {
                let name = name_of_place(place, places.iter().flatten());
                let future = Future { w, member: served, serving, listener: row, until: self.until };
                let backend = future.backend(&name);
                let checked =
                    backend.check_answers.map(|answers| (answers, backend.check_status.unwrap_or(200)));
                let (weight, waits, probes) = (Some(backend.weight), Some(backend.waits), backend.probes);
                self.add_probe_faults(scenario, &future, (*of, members.len()));
                members.push(Member { backend: name.clone(), weight, waits, probes, checked });
                if !self.places.contains(place) {
                    self.places.push(place.clone());
                    faults.extend(self.faults(&future, &name));
                    let (check_answers, check_status) = (None, None);
                    let key = addressed.then(|| key_of(&served));
                    let alone =
                        Backend { check_answers, check_status, waits: false, probes: None, key, ..backend };
                    scenario.backends.push(alone);
                }
            }
            let listener = &mut scenario.listeners[of.0];
            match of.1 {
                Some(rule) => listener.rules[rule].members = Some(members),
                None => listener.members = Some(members),
            }
        }
        scenario.faults.extend(faults);
    }

    /// What the world has in store for a backend.
    fn faults(&self, future: &Future<'_>, name: &str) -> Vec<Fault> {
        let later = future.to_clients().into_iter().skip(1);
        let fault = |(when, answers, status)| Fault {
            answers: Some(answers),
            status: Some(status),
            ..Fault::of(Length(when - self.w.now()), name)
        };
        later.map(fault).collect()
    }

    /// What the world has in store for the probes of a member, where they go to another port.
    fn add_probe_faults(
        &self,
        scenario: &mut Scenario,
        future: &Future<'_>,
        (of, member): (ServingPlace, usize),
    ) {
        let later = future.to_probes().into_iter().skip(1);
        scenario.probe_faults.extend(later.map(|(when, answers, status)| ProbeFault {
            at: Length(when - self.w.now()),
            of,
            member,
            answers,
            status,
        }));
    }
}

/// What of a listener is asked: its own pool, or which of its rules, each once.
fn asked(scenario: &Scenario, at: usize) -> Vec<Option<usize>> {
    let listener = &scenario.listeners[at];
    let comes = |name: Option<&String>| {
        let first = name.and_then(|name| scenario.listener(name));
        let then = first.and_then(|first| scenario.listeners[first].redirect.as_ref());
        first == Some(at) || then.and_then(|name| scenario.listener(name)) == Some(at)
    };
    let mut all = Vec::new();
    for clients in scenario.clients.iter().filter(|clients| comes(clients.listener.as_ref())) {
        if clients.asks.is_empty() {
            all.push(None);
        }
        all.extend(clients.asks.iter().map(|ask| rule_of(listener, Some(ask))));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// What serves where a rule of a listener takes a request, or none does.
fn find_serving<'w>(
    w: &'w World,
    row: &'w Row,
    scenario: &Scenario,
    at: usize,
    rule: Option<usize>,
) -> Option<Serving<'w>> {
    let Some(rule) = rule else { return serving::of(w, row, None) };
    let name = &scenario.listeners[at].rules[rule].name;
    let id = forwarding_rule::of(w, row.id).find(|rule| rule.id.to_string() == *name)?.id;
    serving::all(w, row).into_iter().find(|serving| serving.rule.is_some_and(|rule| rule.id == id))
}

fn place_of(row: &Row, served: &Served<'_>) -> Place {
    let Served { backend, port, .. } = served;
    Place {
        server: backend.server.id().to_string(),
        address: backend.address,
        port: *port,
        udp: row.protocol.is_udp(),
    }
}

/// What a backend is called: by its address too where its server has another at the same port.
fn name_of_place<'p>(place: &Place, all: impl Iterator<Item = &'p Place>) -> String {
    let Place { server, address, port, udp } = place;
    let twin = |other: &Place| {
        (&other.server, other.port, other.udp) == (server, *port, *udp) && other.address != *address
    };
    let several = all.into_iter().any(twin);
    let udp = if *udp { "/udp" } else { "" };
    match address.filter(|_| several) {
        Some(address) => format!("{server}:{address}:{port}{udp}"),
        None => format!("{server}:{port}{udp}"),
    }
}

fn name_of(row: &Row) -> String {
    format!("{}:{}{}", row.load_balancer, row.port, if row.protocol.is_udp() { "/udp" } else { "" })
}

fn pool_name(pool: ServingPool) -> String {
    match pool {
        ServingPool::Default(id) => id.to_string(),
        ServingPool::Group(id) => id.to_string(),
        ServingPool::Pair(id) => id.to_string(),
    }
}
