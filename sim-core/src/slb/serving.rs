//! Which pool serves a listener, or one request to it, with which schedule, stickiness and health check.

use crate::balancing::scheduler::Scheduler;
use crate::id::{LoadBalancerId, MasterSlaveGroupId, VServerGroupId};
use crate::slb::backend::{Backend, Pool};
use crate::slb::forwarding_rule::{self, ForwardingRule};
use crate::slb::health_check::HealthCheck;
use crate::slb::listener::Listener;
use crate::slb::listener_rules::Sticky;
use crate::slb::load_balancer::LoadBalancer;
use crate::slb::master_slave_group::{MasterSlaveGroup, Role};
use crate::slb::member::Served;
use crate::slb::rule_matching::{self, Condition};
use crate::slb::server_group::VServerGroup;
use crate::world::World;

/// Where what serves stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServingPool {
    /// In the default pool of a load balancer.
    Default(LoadBalancerId),
    /// In a vServer group.
    Group(VServerGroupId),
    /// In a primary/secondary group.
    Pair(MasterSlaveGroupId),
}

impl ServingPool {
    /// The vServer group, if it is one.
    pub const fn vserver_group(self) -> Option<VServerGroupId> {
        match self {
            ServingPool::Group(id) => Some(id),
            ServingPool::Default(_) | ServingPool::Pair(_) => None,
        }
    }

    /// The primary/secondary group, if it is one.
    pub const fn pair(self) -> Option<MasterSlaveGroupId> {
        match self {
            ServingPool::Pair(id) => Some(id),
            ServingPool::Default(_) | ServingPool::Group(_) => None,
        }
    }

    /// The same as a pool whose members can be changed; those of a primary/secondary group cannot.
    pub const fn changeable(self) -> Option<Pool> {
        match self {
            ServingPool::Default(id) => Some(Pool::Default(id)),
            ServingPool::Group(id) => Some(Pool::Group(id)),
            ServingPool::Pair(_) => None,
        }
    }
}

/// What serves, and how.
#[derive(Clone, Debug)]
pub struct Serving<'w> {
    /// The forwarding rule that says so; absent if it is the listener itself.
    pub rule: Option<&'w ForwardingRule>,
    /// The forwarding rule that the request was held against first; absent if there was none, or no request.
    pub nearest: Option<&'w ForwardingRule>,
    /// The pool.
    pub pool: ServingPool,
    backends: &'w [Backend],
    /// The members, if the pool is a primary/secondary group.
    pair: Option<&'w MasterSlaveGroup>,
    /// How one of them is chosen.
    pub scheduler: Scheduler,
    /// How requests of one client stay with one of them; absent for TCP and UDP.
    pub sticky: Option<&'w Sticky>,
    /// How they are checked.
    pub health_check: &'w HealthCheck,
    /// The port of members that have none of their own: those of the default pool.
    backend_port: Option<u16>,
}

impl<'w> Serving<'w> {
    /// Its members with the ports at which they serve, in the order in which they came; a primary one before the secondary.
    pub fn members(&self) -> impl Iterator<Item = Served<'w>> + use<'w> {
        let (backends, pair, of_listener) = (self.backends, self.pair, self.backend_port);
        let of_pair = pair.into_iter().flat_map(|pair| pair.members());
        let of_pair = of_pair.map(|(role, backend)| (Some(role), backend));
        backends.iter().map(|backend| (None, backend)).chain(of_pair).filter_map(move |(role, backend)| {
            let port = backend.port.or(of_listener)?;
            Some(Served { backend, port, role })
        })
    }

    /// Those of its members whose health is checked while the check is on: not the secondary one of a group.
    pub fn checked(&self) -> impl Iterator<Item = Served<'w>> + use<'w> {
        self.members().filter(|member| member.role != Some(Role::Secondary))
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpRequest<'a> {
    /// What its Host header says; empty if it has none.
    pub host: &'a str,
    /// Its path with the query, a slash first.
    pub path: &'a str,
}

/// What serves a listener, or one request to it where it speaks HTTP; the pool of the listener itself without a request or
/// without a rule that takes it. Absent if the listener sends its clients to another one.
pub fn of<'w>(w: &'w World, listener: &'w Listener, request: Option<HttpRequest<'_>>) -> Option<Serving<'w>> {
    if listener.redirect.is_some() {
        return None;
    }
    let Some(request) = request.filter(|_| listener.protocol.is_http()) else {
        return by_listener(w, listener);
    };
    let asked = rules_asked(w, listener, request.host);
    let serving = match asked.iter().find(|rule| rule_matching::takes(&rule.url, request.path)) {
        Some(rule) => by_rule(w, listener, rule),
        None => by_listener(w, listener),
    };
    serving.map(|serving| Serving { nearest: asked.first().copied(), ..serving })
}

/// The forwarding rules of a listener that are asked for a host, in the order in which they are. The first whose URL the path
/// begins with takes a request.
pub fn rules_asked<'w>(w: &'w World, listener: &Listener, host: &str) -> Vec<&'w ForwardingRule> {
    let rules: Vec<&ForwardingRule> = forwarding_rule::of(w, listener.id).collect();
    let conditions = rules.iter().map(|rule| Condition { domain: &rule.domain, url: &rule.url });
    rule_matching::in_order(conditions, host).into_iter().map(|at| rules[at]).collect()
}

/// All that serves a listener: its own pool, and after it what its forwarding rules name, in their order.
pub fn all<'w>(w: &'w World, listener: &'w Listener) -> Vec<Serving<'w>> {
    if listener.redirect.is_some() {
        return Vec::new();
    }
    let rules = forwarding_rule::of(w, listener.id).filter_map(|rule| by_rule(w, listener, rule));
    by_listener(w, listener).into_iter().chain(rules).collect()
}

fn by_listener<'w>(w: &'w World, listener: &'w Listener) -> Option<Serving<'w>> {
    let (pool, backends, pair) = match (listener.group, listener.pair) {
        (_, Some(id)) => (ServingPool::Pair(id), &[][..], Some(w.get::<MasterSlaveGroup>(&id)?)),
        (Some(id), None) => (ServingPool::Group(id), w.get::<VServerGroup>(&id)?.backends.as_slice(), None),
        (None, None) => {
            let balancer = w.get::<LoadBalancer>(&listener.load_balancer)?;
            (ServingPool::Default(balancer.id), balancer.backends.as_slice(), None)
        }
    };
    Some(Serving {
        rule: None,
        nearest: None,
        pool,
        backends,
        pair,
        scheduler: listener.rules.scheduler,
        sticky: listener.rules.sticky(),
        health_check: &listener.rules.health_check,
        backend_port: listener.backend_port,
    })
}

fn by_rule<'w>(w: &'w World, listener: &'w Listener, rule: &'w ForwardingRule) -> Option<Serving<'w>> {
    let backends = w.get::<VServerGroup>(&rule.group)?.backends.as_slice();
    let own = rule.own.as_ref();
    Some(Serving {
        rule: Some(rule),
        nearest: None,
        pool: ServingPool::Group(rule.group),
        backends,
        pair: None,
        scheduler: own.map_or(listener.rules.scheduler, |own| own.scheduler),
        sticky: own.map(|own| &own.sticky).or(listener.rules.sticky()),
        health_check: rule.check(listener),
        backend_port: listener.backend_port,
    })
}
