//! What came of a mix.

use super::scenario::Scenario;
use crate::traffic::plan::Plan;
use crate::traffic::report::{Happened, OfBackend, OfCause, never};
use crate::traffic::run::{Causes, OfMember, Outcome};
use serde::{Deserialize, Serialize};

/// The report of a mix. Times are milliseconds from the first client on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MixReport))]
pub struct Report {
    /// How long clients came.
    pub duration_ms: u64,
    /// How long each interval of the counts is; the last may be shorter.
    pub interval_ms: u64,
    /// Connections that were tried; those by which clients follow redirects are not counted again.
    pub connections: u64,
    /// Those that a backend took and that were not cut.
    pub served: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that ended with a redirect, since their clients follow none.
    #[serde(default, skip_serializing_if = "never")]
    pub not_followed: u64,
    /// Redirects that were answered.
    #[serde(default, skip_serializing_if = "never")]
    pub redirects: u64,
    /// How often one came by a new connection or flow, because it was idle for longer than the listener remembers:
    /// over UDP, HTTP and HTTPS.
    #[serde(default, skip_serializing_if = "never")]
    pub reopened: u64,
    /// By kind of clients, in their order.
    pub clients: Vec<OfClients>,
    /// By listener and forwarding rule: each listener by itself, and after it its rules.
    pub servings: Vec<OfServing>,
    /// By backend, wherever it is a member, in their order.
    pub backends: Vec<OfBackend>,
    /// By cause, those that occurred.
    pub failures: Vec<OfCause>,
    /// What happened to backends and load balancers, in order of time.
    pub happened: Vec<Happened>,
}

/// What became of the connections of some clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MixOfClients))]
pub struct OfClients {
    /// What they are called.
    pub name: String,
    /// Connections that they tried.
    pub connections: u64,
    /// Those that a backend took and that were not cut.
    pub served: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that ended with a redirect.
    #[serde(default, skip_serializing_if = "never")]
    pub not_followed: u64,
    /// Redirects that were answered to them.
    #[serde(default, skip_serializing_if = "never")]
    pub redirects: u64,
    /// Connections and requests over them, by interval: first ones, those that follow a redirect, and later ones.
    pub requests_by_interval: Vec<u64>,
    /// Failures by cause, those that occurred.
    pub failures: Vec<OfCause>,
}

/// What a listener by itself or one of its rules got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MixOfServing))]
pub struct OfServing {
    /// The listener.
    pub listener: String,
    /// The rule; absent for what no rule took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The group; absent if it is all backends, or if it redirects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Connections and requests over them that came.
    pub requests: u64,
    /// Those that a backend took.
    pub taken: u64,
    /// Those that failed, cut ones included.
    pub failed: u64,
    /// Those that were answered with a redirect.
    #[serde(default, skip_serializing_if = "never")]
    pub redirects: u64,
    /// Connections and requests that came, by interval.
    pub requests_by_interval: Vec<u64>,
    /// By member, in their order.
    pub members: Vec<OfBackend>,
    /// Failures by cause, those that occurred.
    pub failures: Vec<OfCause>,
}

impl Report {
    pub(super) fn of(scenario: &Scenario, plan: &Plan, outcome: Outcome) -> Report {
        let (interval_ms, intervals) = plan.intervals();
        let counts = &outcome.counts;
        let causes = Causes::sum(counts.servings.iter().map(|tally| &tally.causes), intervals);
        let sum = |of: fn(&OfClients) -> u64, clients: &[OfClients]| clients.iter().map(of).sum();
        let clients: Vec<OfClients> = of_clients(scenario, &outcome);
        Report {
            duration_ms: scenario.duration.0.0.unsigned_abs(),
            interval_ms,
            connections: sum(|of| of.connections, &clients),
            served: counts.served,
            failed: causes.number(),
            not_followed: sum(|of| of.not_followed, &clients),
            redirects: sum(|of| of.redirects, &clients),
            reopened: outcome.reopened,
            servings: of_servings(scenario, plan, &outcome),
            backends: of_backends(plan, &outcome, intervals),
            failures: causes.told(),
            clients,
            happened: outcome.counts.happened,
        }
    }
}

fn of_clients(scenario: &Scenario, outcome: &Outcome) -> Vec<OfClients> {
    let counts = &outcome.counts;
    let all = scenario.clients.iter().zip(counts.crowds.iter().zip(&counts.connections));
    let told = all.map(|(clients, (tally, connections))| {
        let failed = tally.causes.number();
        OfClients {
            name: clients.name.clone(),
            connections: *connections,
            served: connections - failed - tally.not_followed,
            failed,
            not_followed: tally.not_followed,
            redirects: tally.redirects,
            requests_by_interval: tally.requests.clone(),
            failures: tally.causes.told(),
        }
    });
    told.collect()
}

fn of_servings(scenario: &Scenario, plan: &Plan, outcome: &Outcome) -> Vec<OfServing> {
    let names = scenario.listeners.iter().flat_map(|listener| {
        let own = (listener, None, listener.group.as_ref().filter(|_| listener.redirect.is_none()));
        let rules = listener.rules.iter().map(move |rule| (listener, Some(&rule.name), Some(&rule.group)));
        std::iter::once(own).chain(rules)
    });
    let told = names.zip(&plan.servings).zip(&outcome.counts.servings);
    let told = told.map(|(((listener, rule, group), serving), tally)| {
        let members: Vec<OfBackend> = serving
            .members
            .clone()
            .map(|at| {
                let name = &plan.backends[plan.members[at].backend as usize].name;
                outcome.counts.members[at].told(name)
            })
            .collect();
        OfServing {
            listener: listener.name.clone(),
            rule: rule.cloned(),
            group: group.cloned(),
            requests: tally.requests.iter().sum(),
            taken: members.iter().map(|member| member.taken).sum(),
            failed: tally.causes.number(),
            redirects: tally.redirects,
            requests_by_interval: tally.requests.clone(),
            members,
            failures: tally.causes.told(),
        }
    });
    told.collect()
}

/// Backends with all that came to them as members of whatever they are.
fn of_backends(plan: &Plan, outcome: &Outcome, intervals: usize) -> Vec<OfBackend> {
    let none = || OfMember { taken: vec![0; intervals], failed: 0, most_open: 0 };
    let mut all: Vec<OfMember> = plan.backends.iter().map(|_| none()).collect();
    for (member, of) in plan.members.iter().zip(&outcome.counts.members) {
        let backend = &mut all[member.backend as usize];
        backend.taken.iter_mut().zip(&of.taken).for_each(|(sum, taken)| *sum += taken);
        backend.failed += of.failed;
    }
    for (of, open) in all.iter_mut().zip(&outcome.backends) {
        of.most_open = open.most;
    }
    plan.backends.iter().zip(&all).map(|(spec, of)| of.told(&spec.name)).collect()
}
