//! A mix made ready to run.

use super::scenario::{Ask, Clients, Listener, Member, Scenario};
use crate::slb::rule_matching::{self, Condition};
use crate::traffic::bandwidth::shared;
use crate::traffic::plan::{
    self, Balancer, Crowd, ListenerPlan, Plan, Planned, Serving, Strikes, Way, add_bandwidth, zones_of,
};
use crate::traffic::scenario::{Backend, place};
use std::collections::BTreeMap;

/// Where the number of clients begins in the seed of their draws: above the bits of the scenario's.
const CROWD_BITS: u32 = 53;

/// Makes a mix ready that was checked.
pub(super) fn of(scenario: &Scenario) -> Plan {
    let mut plan = Plan {
        duration: scenario.duration.0,
        crowds: Vec::new(),
        balancers: Vec::new(),
        listeners: Vec::new(),
        servings: Vec::new(),
        members: Vec::new(),
        backends: scenario.backends.clone(),
        ways: Vec::new(),
        bandwidths: Vec::new(),
        faults: Vec::new(),
    };
    add_balancers(&mut plan, scenario);
    let mut first_servings = Vec::new();
    for listener in &scenario.listeners {
        first_servings.push(plan.servings.len());
        add_listener(&mut plan, scenario, listener);
    }
    let mut first = 0;
    for (at, clients) in scenario.clients.iter().enumerate() {
        add_crowd(&mut plan, scenario, &first_servings, (at, clients), first);
        first += u64::from(clients.number);
    }
    plan.find_same_addresses();
    add_faults(&mut plan, scenario, &first_servings);
    plan
}

/// The load balancers, or one without limits.
fn add_balancers(plan: &mut Plan, scenario: &Scenario) {
    if scenario.balancers.is_empty() {
        return plan.balancers.push(Balancer::default());
    }
    for balancer in &scenario.balancers {
        let row = balancer.spec.map(|spec| spec.row());
        let new = |of_spec: Option<u32>| balancer.new_per_second.or(of_spec);
        let own = scenario.listeners_of(&balancer.name).filter_map(|listener| listener.bandwidth);
        let shared = balancer.shared_bandwidth.or(shared(balancer.bandwidth, own));
        plan.balancers.push(Balancer {
            name: balancer.name.clone(),
            most_open: balancer.max_connections.or(row.map(|row| row.max_connections)),
            most_new: [
                new(row.map(|row| row.connections_per_second)),
                new(row.map(|row| row.requests_per_second)),
            ],
            protection: balancer.protection.clone(),
            attacks: balancer.attacks.clone(),
            zones: zones_of(&balancer.zones, &balancer.zone_outages, scenario.duration.0),
            shared: add_bandwidth(&mut plan.bandwidths, shared),
            eip: add_bandwidth(&mut plan.bandwidths, balancer.eip_bandwidth),
        });
    }
}

/// A listener, and what serves there: itself first, then its rules.
fn add_listener(plan: &mut Plan, scenario: &Scenario, listener: &Listener) {
    let named = |name: &String| plan.balancers.iter().position(|balancer| balancer.name == *name);
    let balancer = listener.load_balancer.as_ref().and_then(named).unwrap_or(0);
    let at = plan.listeners.len() as u32;
    let Balancer { shared, eip, .. } = plan.balancers[balancer];
    let through = eip.into_iter().chain(add_bandwidth(&mut plan.bandwidths, listener.bandwidth).or(shared));
    let through = through.map(|bandwidth| (bandwidth, plan.sharing(bandwidth) as u32)).collect();
    plan.listeners.push(ListenerPlan { through, ..ListenerPlan::of(&listener.alone(), balancer as u32) });
    let usual_check = listener.health_check.as_ref().or(scenario.health_check.as_ref());
    let own = (listener.name.clone(), listener.alone(), usual_check);
    let of_rules = listener.rules.iter().map(|rule| {
        let check = rule.own.as_ref().map_or(usual_check, |own| own.health_check.as_ref());
        (format!("{}/{}", listener.name, rule.name), listener.alone_by(rule), check)
    });
    let servings = std::iter::once(own).chain(of_rules);
    for ((label, alone, check), members) in servings.zip(scenario.members_of(listener)) {
        let serving = plan.servings.len() as u32;
        let from = plan.members.len();
        plan.members.extend(members.iter().map(|member| plan_member(&plan.backends, member, serving)));
        plan.servings.push(Serving {
            label: Some(label),
            listener: at,
            scheduler: alone.scheduler,
            keeping: alone.keeping().map(|(length, renewed)| (length.us(), renewed)),
            check: check.map(|check| check.of_listener(alone.protocol)),
            running_for: alone.running_for.0,
            members: from..plan.members.len(),
        });
    }
}

fn plan_member(backends: &[Backend], member: &Member, serving: u32) -> plan::Member {
    let backend = place(backends, &member.backend).expect("the scenario was checked");
    plan::Member {
        serving,
        backend: backend as u32,
        weight: member.weight.unwrap_or(backends[backend].weight),
        waits: member.waits.unwrap_or(backends[backend].waits),
        probes: member.probes,
        checked: member.checked,
    }
}

/// Clients with their ways, whose addresses begin at `first`.
fn add_crowd(
    plan: &mut Plan,
    scenario: &Scenario,
    first_servings: &[usize],
    (at, clients): (usize, &Clients),
    first: u64,
) {
    let listener = scenario.listener_of(clients).expect("the scenario was checked");
    let mut ways = Vec::new();
    let mut shares = 0;
    if clients.asks.is_empty() {
        ways.push((1, add_way(plan, scenario, first_servings, listener, None)));
    }
    for ask in &clients.asks {
        shares += u64::from(ask.share);
        ways.push((shares, add_way(plan, scenario, first_servings, listener, Some(ask))));
    }
    let seed = scenario.seed | (at as u64) << CROWD_BITS;
    plan.crowds.push(Crowd::of(&clients.alone(), seed, first, ways, clients.follow));
}

/// The way of a request that comes to a listener, and those on from there where it is redirected; back at a listener
/// where it has been, it goes round.
fn add_way(
    plan: &mut Plan,
    scenario: &Scenario,
    first_servings: &[usize],
    listener: usize,
    ask: Option<&Ask>,
) -> u32 {
    let start = plan.ways.len() as u32;
    let mut been = BTreeMap::new();
    let mut next = Some(listener);
    while let Some(at) = next {
        been.insert(at, plan.ways.len() as u32);
        let of = &scenario.listeners[at];
        let serving = first_servings[at] + rule_of(of, ask).map_or(0, |rule| rule + 1);
        next = of.redirect.as_deref().and_then(|name| scenario.listener(name));
        let on = next.map(|next| been.get(&next).copied().unwrap_or(plan.ways.len() as u32 + 1));
        plan.ways.push(Way { listener: at as u32, serving: serving as u32, next: on });
        next = next.filter(|next| !been.contains_key(next));
    }
    start
}

/// The rule of a listener that takes what is asked for, if one does.
pub(super) fn rule_of(listener: &Listener, ask: Option<&Ask>) -> Option<usize> {
    let ask = ask.filter(|_| listener.protocol.is_http() && listener.redirect.is_none())?;
    let text = |text: &'_ Option<String>| text.clone().unwrap_or_default();
    let conditions: Vec<(String, String)> =
        listener.rules.iter().map(|rule| (text(&rule.domain), text(&rule.url))).collect();
    let asked = conditions.iter().map(|(domain, url)| Condition { domain, url });
    let path = ask.path.as_deref().unwrap_or("/");
    let asked = rule_matching::in_order(asked, ask.host.as_deref().unwrap_or_default());
    asked.into_iter().find(|rule| rule_matching::takes(&conditions[*rule].1, path))
}

/// What happens to backends, and to probes of single members.
fn add_faults(plan: &mut Plan, scenario: &Scenario, first_servings: &[usize]) {
    let to_backends = scenario.faults.iter().map(|fault| {
        let backend = place(&scenario.backends, &fault.backend).expect("the scenario was checked");
        Planned { at: fault.at.us(), strikes: Strikes::Backend(backend as u32, fault.clone()) }
    });
    let to_probes = scenario.probe_faults.iter().map(|fault| {
        let serving = first_servings[fault.of.0] + fault.of.1.map_or(0, |rule| rule + 1);
        let member = (plan.servings[serving].members.start + fault.member) as u32;
        let (answers, status) = (fault.answers, fault.status);
        Planned { at: fault.at.us(), strikes: Strikes::Probes { member, answers, status } }
    });
    let faults = to_backends.chain(to_probes).collect();
    plan.faults = faults;
    plan.put_faults_in_order();
}
