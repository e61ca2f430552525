//! What is true of the rows of load balancers in every world.

use sim_core::World;
use sim_core::id::TlsPolicyId;
use sim_core::slb::backend::{self, Backend};
use sim_core::slb::backend_places;
use sim_core::slb::domain_extension::DomainExtension;
use sim_core::slb::forwarding_rule::ForwardingRule;
use sim_core::slb::health::{self, BackendCheck};
use sim_core::slb::listener::{self, Listener, Protocol};
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::slb::master_slave_group::{MasterSlaveGroup, Role};
use sim_core::slb::server_group::VServerGroup;
use sim_core::slb::tls_policy::TlsPolicy;
use sim_core::slb::{serving, zones};
use sim_core::vpc::vswitch::VSwitch;
use std::collections::BTreeSet;

pub fn check(w: &World) {
    balancers(w);
    pairs(w);
    extensions(w);
    checks(w);
}

/// No member stands twice in a pool; each has a port if the pool is a group.
fn members(backends: &[Backend], in_group: bool) {
    let distinct: BTreeSet<_> = backends.iter().map(Backend::member).collect();
    assert_eq!(distinct.len(), backends.len(), "members stand twice in {backends:?}");
    assert!(backends.iter().all(|b| b.weight <= 100 && b.port.is_some() == in_group));
}

/// Load balancers lie where they say, and no two have one address of the internet.
fn balancers(w: &World) {
    let mut public = BTreeSet::new();
    for b in w.table::<LoadBalancer>().iter() {
        match b.home {
            Some(home) => {
                let vswitch = w.get::<VSwitch>(&home.vswitch).expect("it lies in a vSwitch");
                assert_eq!((home.vpc, &b.owner), (vswitch.vpc, &vswitch.owner));
                assert_eq!(b.bandwidth, None, "{} has no traffic with the internet", b.id);
            }
            None => assert!(public.insert(b.address), "two load balancers have {}", b.address),
        }
        let groups = w.table::<VServerGroup>().iter().filter(|g| g.load_balancer == b.id);
        let pairs = w.table::<MasterSlaveGroup>().iter().filter(|g| g.load_balancer == b.id);
        let in_pairs = pairs.map(|g| g.members().count()).sum::<usize>();
        let counted = groups.map(|g| g.backends.len()).sum::<usize>() + in_pairs + b.backends.len();
        assert_eq!(backend_places::counted(w, b), counted as u64, "members of {}", b.id);
        members(&b.backends, false);
        let foreseen = zones::foreseen(w, b, w.now());
        assert_eq!(foreseen, [(w.now(), zones::serving(w, b).ok())], "zones of {}", b.id);
        assert!(!b.name.is_empty() && b.bandwidth.is_none_or(|mbit| b.spec.is_some() && mbit > 0));
    }
    let mut places = BTreeSet::new();
    for l in w.table::<Listener>().iter() {
        assert!(places.insert((l.load_balancer, l.port, l.protocol.is_udp())), "two listeners have a place");
        let balancer =
            w.get::<LoadBalancer>(&l.load_balancer).expect("a listener goes with its load balancer");
        assert_eq!(l.owner, balancer.owner);
        let group = l.group.map(|id| w.get::<VServerGroup>(&id).expect("a group that is used stays"));
        assert!(group.is_none_or(|group| group.load_balancer == l.load_balancer));
        let pair = l.pair.map(|id| w.get::<MasterSlaveGroup>(&id).expect("a group that is used stays"));
        let fits = |pair: &MasterSlaveGroup| {
            let checked = l.protocol != Protocol::Tcp || l.rules.health_check.on;
            pair.load_balancer == l.load_balancer && !l.protocol.is_http() && checked && l.group.is_none()
        };
        assert!(pair.is_none_or(fits), "{} forwards to {pair:?}", l.id);
        assert!(l.redirect.is_some() || l.backend_port.is_some() || l.group.is_some() || l.pair.is_some());
        let policy = l.rules.tls().and_then(|tls| tls.policy.parse::<TlsPolicyId>().ok());
        let owned = |id| w.get::<TlsPolicy>(&id).expect("a policy that is used stays").owner == l.owner;
        assert!(policy.is_none_or(owned), "{} uses the policy of another account", l.id);
        assert_eq!(l.status.forwards(), l.started.is_some(), "{} is {}", l.id, l.status.text());
        let found = listener::of(w, l.load_balancer).any(|other| other == l);
        assert!(found, "{} is not found by its load balancer", l.id);
    }
    for r in w.table::<ForwardingRule>().iter() {
        let l = w.get::<Listener>(&r.listener).expect("a rule goes with its listener");
        let group = w.get::<VServerGroup>(&r.group).expect("a group that is used stays");
        assert!(l.protocol.is_http() && l.redirect.is_none() && group.load_balancer == l.load_balancer);
        assert!(r.owner == l.owner && !(r.domain.is_empty() && r.url.is_empty()));
        let others = w.table::<ForwardingRule>().iter().filter(|o| o.id != r.id && o.listener == r.listener);
        for other in others {
            let same = other.domain.eq_ignore_ascii_case(&r.domain) && other.url == r.url;
            assert!(!same && other.name != r.name, "{} and {} are one", r.id, other.id);
        }
    }
    for g in w.table::<VServerGroup>().iter() {
        let balancer = w.get::<LoadBalancer>(&g.load_balancer).expect("a group goes with its load balancer");
        assert_eq!(g.owner, balancer.owner);
        members(&g.backends, true);
    }
}

/// A primary/secondary group goes with its load balancer, and its members differ and have ports.
fn pairs(w: &World) {
    for g in w.table::<MasterSlaveGroup>().iter() {
        let balancer = w.get::<LoadBalancer>(&g.load_balancer).expect("a group goes with its load balancer");
        assert_eq!(g.owner, balancer.owner);
        members(&g.members().map(|(_, backend)| backend.clone()).collect::<Vec<_>>(), true);
    }
}

/// A domain extension goes with its listener of HTTPS, one for a domain.
fn extensions(w: &World) {
    let mut domains = BTreeSet::new();
    for e in w.table::<DomainExtension>().iter() {
        let l = w.get::<Listener>(&e.listener).expect("an extension goes with its listener");
        assert!(l.protocol == Protocol::Https && l.owner == e.owner);
        assert!(domains.insert((e.listener, e.domain.to_lowercase())), "two extensions for {}", e.domain);
    }
}

/// The members of listeners that check are checked, at the interface by which they serve, and nobody else is.
fn checks(w: &World) {
    let mut expected = BTreeSet::new();
    for l in w.table::<Listener>().iter() {
        for serving in serving::all(w, l).iter().filter(|serving| health::probes(l, serving)) {
            let rule = serving.rule.map(|rule| rule.id);
            expected.extend(serving.members().filter(|m| m.role != Some(Role::Secondary)).map(|served| {
                let eni = backend::interface(w, served.backend.server);
                (l.id, rule, served.backend.server, served.backend.address, served.port, eni)
            }));
        }
    }
    let rows = w.table::<BackendCheck>().iter();
    let there: BTreeSet<_> = rows.map(|c| (c.listener, c.rule, c.server, c.address, c.port, c.eni)).collect();
    assert_eq!(there, expected);
}
