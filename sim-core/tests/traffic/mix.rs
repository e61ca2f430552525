//! Mixes: clients of several listeners, rules and load balancers in one run.

use crate::mix_any::any_mix;
use crate::mix_naive::{self, Told};
use proptest::prelude::*;
use serde_json::json;
use sim_core::traffic::mix::scenario::{Clients, Group, Member};
use sim_core::traffic::mix::{Report, Scenario, run};
use sim_core::traffic::report::What;
use sim_core::traffic::{self, Cause};
use std::collections::BTreeMap;

pub fn mix(text: serde_json::Value) -> Scenario {
    serde_json::from_value(text).unwrap()
}

pub fn report(scenario: &Scenario) -> Report {
    let report = run(scenario, &mut |_| true).unwrap().expect("it was not given up");
    assert_eq!(report.connections, scenario.connections());
    sums(&report);
    report
}

/// Every connection has one outcome, and every sum is the same from whichever side.
fn sums(report: &Report) {
    assert_eq!(report.served + report.failed + report.not_followed, report.connections);
    let all = |of: fn(&traffic::mix::report::OfClients) -> u64| report.clients.iter().map(of).sum::<u64>();
    assert_eq!(all(|of| of.served), report.served);
    assert_eq!(all(|of| of.failed), report.failed);
    let of_failures = |list: &[traffic::report::OfCause]| {
        list.iter().for_each(|of| assert_eq!(of.by_interval.iter().sum::<u64>(), of.number));
        list.iter().map(|of| of.number).sum::<u64>()
    };
    assert_eq!(of_failures(&report.failures), report.failed);
    for of in &report.clients {
        assert_eq!(of_failures(&of.failures), of.failed);
        assert_eq!(of.served + of.failed + of.not_followed, of.connections);
    }
    let mut requests = 0;
    for of in &report.servings {
        assert_eq!(of_failures(&of.failures), of.failed);
        assert_eq!(of.requests_by_interval.iter().sum::<u64>(), of.requests);
        assert_eq!(of.members.iter().map(|member| member.taken).sum::<u64>(), of.taken);
        requests += of.requests;
    }
    let asked = report.clients.iter().flat_map(|of| &of.requests_by_interval).sum::<u64>();
    assert_eq!(requests, asked);
    for backend in &report.backends {
        let members = report.servings.iter().flat_map(|of| &of.members);
        let taken: u64 = members.filter(|of| of.name == backend.name).map(|of| of.taken).sum();
        assert_eq!(backend.taken, taken, "{}", backend.name);
        assert_eq!(backend.taken_by_interval.iter().sum::<u64>(), taken);
    }
}

fn taken(report: &Report, at: usize) -> Vec<u64> {
    report.servings[at].members.iter().map(|member| member.taken).collect()
}

/// A shop behind an HTTP listener that redirects and an HTTPS listener with a rule for carts, and a service over TCP;
/// all on the same three hosts.
pub fn shop() -> Scenario {
    mix(json!({
        "seed": 7, "duration": "1m",
        "clients": [
            {"name": "browsers", "listener": "http", "rate": 40,
                "ask": [{"host": "shop.example", "share": 3}, {"host": "shop.example", "path": "/cart/1"}]},
            {"name": "apps", "listener": "https", "rate": 30, "ask": [{"host": "shop.example", "path": "/cart"}]},
            {"name": "devices", "listener": "tcp", "rate": 20}],
        "listener": [
            {"name": "http", "protocol": "http", "redirect": "https"},
            {"name": "https", "protocol": "https", "group": "pages", "rule": [
                {"name": "cart", "domain": "shop.example", "url": "/cart", "group": "carts",
                    "own": {"scheduler": "rr", "health_check": {"interval": "1s", "timeout": "1s"}}}]},
            {"name": "tcp", "scheduler": "wrr"}],
        "health_check": {},
        "group": [
            {"name": "pages", "member": [{"backend": "a", "weight": 20}, {"backend": "b", "weight": 10}]},
            {"name": "carts", "member": [{"backend": "b"}, {"backend": "c"}]}],
        "backend": [{"name": "a"}, {"name": "b"}, {"name": "c", "weight": 50}]}))
}

#[test]
fn each_request_goes_to_the_group_of_its_rule_by_the_weights_there() {
    let report = report(&shop());
    let connections: Vec<u64> = report.clients.iter().map(|of| of.connections).collect();
    assert_eq!(connections, [2_400, 1_800, 1_200]);
    assert_eq!((report.failed, report.not_followed, report.redirects), (0, 0, 2_400));
    let names: Vec<_> = report.servings.iter().map(|of| (of.listener.as_str(), of.rule.as_deref())).collect();
    assert_eq!(names, [("http", None), ("https", None), ("https", Some("cart")), ("tcp", None)]);
    assert_eq!((report.servings[0].requests, report.servings[0].taken), (2_400, 0));
    // A fourth of what browsers ask is drawn for the cart.
    let to_cart = report.servings[2].requests - 1_800;
    assert!((520..680).contains(&to_cart), "{to_cart}");
    assert_eq!(report.servings[1].requests, 2_400 - to_cart);
    let pages = taken(&report, 1);
    assert!(pages[0].abs_diff(2 * pages[1]) <= 2, "{pages:?}");
    let carts = taken(&report, 2);
    assert!(carts[0].abs_diff(carts[1]) <= 1, "{carts:?}");
    assert_eq!(taken(&report, 3), [480, 480, 240]);
}

#[test]
fn a_fault_is_common_to_all_and_each_check_finds_it_by_itself() {
    let mut scenario = shop();
    scenario.faults = vec![crate::fault(20_000, "b", traffic::scenario::Answers::Refuses)];
    let report = report(&scenario);
    let found: Vec<(u64, &str)> = report
        .happened
        .iter()
        .filter(|h| h.what == What::Abnormal)
        .map(|h| (h.at_ms, h.of.as_deref().unwrap_or("-")))
        .collect();
    // The rule's own check asks every second, the others every two: three failures are two intervals apart, and the first comes
    // within one.
    assert_eq!(found.iter().map(|(_, of)| *of).collect::<Vec<_>>(), ["https/cart", "https", "tcp"]);
    assert!((22_000..=23_001).contains(&found[0].0), "{found:?}");
    assert!(found[1..].iter().all(|(at, _)| (24_000..=26_002).contains(at)), "{found:?}");
    let faults: Vec<_> = report.happened.iter().filter(|h| h.what == What::Fault).collect();
    assert_eq!((faults.len(), faults[0].of.as_deref()), (1, None));
    let refused = |at: usize| {
        report.servings[at].failures.iter().find(|of| of.cause == Cause::Refused).map_or(0, |of| of.number)
    };
    // Half of the carts until it is noticed, a third of the pages, two fifths over TCP.
    assert!(refused(1) > 0 && refused(2) > 0 && refused(3) > 0);
    assert_eq!(refused(0), 0);
}

#[test]
fn a_redirect_is_followed_or_not() {
    let mut scenario = shop();
    scenario.clients[0].follow = false;
    let report = report(&scenario);
    assert_eq!((report.redirects, report.not_followed, report.failed), (2_400, 2_400, 0));
    assert_eq!((report.clients[0].served, report.clients[0].not_followed), (0, 2_400));
    assert_eq!(report.servings[1].requests, 0);
}

#[test]
fn a_client_gives_up_after_twenty_redirects() {
    let mut scenario = shop();
    scenario.listeners[1].redirect = Some("http".into());
    scenario.listeners[1].rules.clear();
    let there_and_back = report(&scenario);
    assert_eq!(there_and_back.clients[0].failures[0].cause, Cause::TooManyRedirects);
    assert_eq!((there_and_back.clients[0].failed, there_and_back.clients[1].failed), (2_400, 1_800));
    // Twenty are followed, and the answer to the last request is one more.
    assert_eq!(there_and_back.redirects, 21 * 4_200);
    assert_eq!(scenario.requests(), 22 * 4_200 + 1_200);
    scenario.listeners[1].redirect = Some("https".into());
    assert_eq!(report(&scenario).redirects, 21 * 1_800 + 21 * 2_400);
}

#[test]
fn listeners_share_the_limits_of_their_load_balancer() {
    let mut scenario = shop();
    let limited = json!({"name": "lb", "new_per_second": 50});
    scenario.balancers = vec![serde_json::from_value(limited).unwrap()];
    let report = report(&scenario);
    // 40 requests for redirects, 40 that follow and 30 of apps a second are too many; 20 over TCP are counted by themselves.
    assert_eq!(report.failures.len(), 1);
    assert_eq!(report.failures[0].cause, Cause::Limit);
    assert_eq!(report.redirects + report.clients[0].served + report.clients[1].served, 50 * 60);
    assert_eq!(report.clients[2].failed, 0);
    scenario.balancers[0].new_per_second = None;
    scenario.balancers[0].max_connections = Some(10);
    let full = self::report(&scenario);
    assert!(full.backends.iter().map(|of| of.most_open).sum::<u64>() >= 10);
    assert!(full.servings.iter().flat_map(|of| &of.members).all(|of| of.most_open <= 10));
    // Another load balancer has limits of its own.
    let other = json!({"name": "other"});
    scenario.balancers.push(serde_json::from_value(other).unwrap());
    for (listener, balancer) in scenario.listeners.iter_mut().zip(["lb", "lb", "other"]) {
        listener.load_balancer = Some(balancer.into());
    }
    assert_eq!(self::report(&scenario).clients[2].failed, 0);
}

#[test]
fn a_black_hole_of_one_load_balancer_leaves_the_other() {
    let mut scenario = shop();
    let attacked = json!({"name": "dark", "protection": {"bandwidth": 100},
        "attack": [{"at": "10s", "lasts": "5s", "mbps": 3000}]});
    let calm = json!({"name": "calm", "protection": {"bandwidth": 100}});
    scenario.balancers = [attacked, calm].into_iter().map(|of| serde_json::from_value(of).unwrap()).collect();
    for (listener, balancer) in scenario.listeners.iter_mut().zip(["dark", "dark", "calm"]) {
        listener.load_balancer = Some(balancer.into());
    }
    let report = report(&scenario);
    let began = report.happened.iter().find(|h| h.what == What::BlackHoleBegan).unwrap();
    assert_eq!((began.at_ms, began.of.as_deref()), (11_000, Some("dark")));
    assert!(report.failures.iter().any(|of| of.cause == Cause::BlackHole));
    assert_eq!(report.clients[2].failed, 0);
}

#[test]
fn each_field_of_a_mix_has_its_range() {
    type Change = fn(&mut Scenario);
    let table: &[(&str, Change)] = &[
        ("seed", |s| s.seed = 1 << 53),
        ("duration", |s| s.duration = crate::ms(0)),
        ("clients", |s| s.clients.clear()),
        ("clients[1].name", |s| s.clients[1].name = "browsers".into()),
        ("clients[0].name", |s| s.clients[0].name.clear()),
        ("clients[0].of_world", |s| {
            let of_world = json!({"load_balancer_id": "lb-1", "port": 80});
            s.clients[0].of_world = Some(serde_json::from_value(of_world).unwrap());
        }),
        ("clients[0].listener", |s| s.clients[0].listener = None),
        ("clients[0].listener", |s| s.clients[0].listener = Some("moon".into())),
        ("clients[2].rate", |s| s.clients[2].rate = 0),
        ("clients[2].number", |s| s.clients[2].number = 0),
        ("clients[0].number", |s| s.clients[2].number = 1_000_000),
        ("clients[0].number", |s| {
            s.clients[0].number = 900_000;
            s.listeners = (0..5).map(|n| cookie_listener(s, n)).collect();
        }),
        ("clients[0].rate", |s| s.clients[0].interval = Some(crate::ms(1)).filter(|_| long(s))),
        ("clients[2].ask", |s| s.clients[2].asks = s.clients[1].asks.clone()),
        ("clients[0].ask", |s| s.clients[0].asks = vec![s.clients[0].asks[0].clone(); 33]),
        ("clients[0].ask[1].share", |s| s.clients[0].asks[1].share = 0),
        ("clients[0].ask[0].host", |s| s.clients[0].asks[0].host = Some("a b".into())),
        ("clients[0].ask[0].path", |s| s.clients[0].asks[0].path = Some("cart".into())),
        ("listener", |s| s.listeners.clear()),
        ("listener", |s| s.listeners = (0..50).map(|n| cookie_listener(s, n)).collect()),
        ("listener[0].name", |s| s.listeners[0].name = "x".repeat(81)),
        ("listener[0].redirect", |s| s.listeners[0].redirect = Some("moon".into())),
        ("listener[0].redirect", |s| s.listeners[0].redirect = Some("tcp".into())),
        ("listener[1].group", |s| s.listeners[1].group = Some("moon".into())),
        ("listener[1].group", |s| s.backends[0].waits = true),
        ("listener[1].cookie", |s| s.listeners[1].cookie = Some(crate::ms(1))),
        ("listener[2].rule", |s| s.listeners[2].rules = s.listeners[1].rules.clone()),
        ("listener[1].rule", |s| s.listeners[1].redirect = Some("http".into())),
        ("listener[1].rule[1].name", |s| {
            let rule = s.listeners[1].rules[0].clone();
            s.listeners[1].rules.push(rule);
        }),
        ("listener[1].rule[0].url", |s| {
            let mut rule = s.listeners[1].rules[0].clone();
            rule.name = "again".into();
            s.listeners[1].rules.push(rule);
        }),
        ("listener[1].rule[0].domain", |s| s.listeners[1].rules[0].domain = Some("x".repeat(81))),
        ("listener[1].rule[0].group", |s| s.listeners[1].rules[0].group = "moon".into()),
        ("listener[1].rule[0].own.health_check.healthy", |s| {
            let own = s.listeners[1].rules[0].own.as_mut().unwrap();
            own.health_check.as_mut().unwrap().healthy = 1;
        }),
        ("listener[0].load_balancer", |s| s.listeners[0].load_balancer = Some("moon".into())),
        ("listener[0].load_balancer", |s| {
            let named = |name: &str| serde_json::from_value(json!({"name": name})).unwrap();
            s.balancers = ["a", "b"].map(named).into();
        }),
        ("load_balancer[0].attack", |s| {
            let attacked = json!({"name": "a", "attack": [{"at": "1s", "lasts": "1s", "mbps": 1}]});
            s.balancers = vec![serde_json::from_value(attacked).unwrap()];
        }),
        ("load_balancer", |s| {
            let attacks = vec![json!({"at": "1s", "lasts": "1s", "mbps": 1}); 21];
            let attacked = json!({"name": "a", "protection": {"bandwidth": 1}, "attack": attacks});
            s.balancers = vec![serde_json::from_value(attacked).unwrap()];
        }),
        ("load_balancer[0].zone_outage[0].at", |s| {
            let down = json!({"name": "a", "zone_outage": [{"at": "2h"}]});
            s.balancers = vec![serde_json::from_value(down).unwrap()];
        }),
        ("load_balancer[0].protection.bandwidth", |s| {
            let protected = json!({"name": "a", "protection": {"bandwidth": 0}});
            s.balancers = vec![serde_json::from_value(protected).unwrap()];
        }),
        ("health_check.healthy", |s| s.health_check.as_mut().unwrap().healthy = 11),
        ("group[0].member[1].backend", |s| s.groups[0].members[1].backend = "a".into()),
        ("group[0].member[0].backend", |s| s.groups[0].members[0].backend = "moon".into()),
        ("group[0].member[0].weight", |s| s.groups[0].members[0].weight = Some(101)),
        ("group[1].name", |s| s.groups[1].name = "pages".into()),
        ("backend", |s| s.backends.clear()),
        ("fault", |s| s.faults = vec![crate::fault(1, "a", traffic::scenario::Answers::Silent); 10_001]),
        ("fault[0].backend", |s| {
            s.faults = vec![crate::fault(1, "moon", traffic::scenario::Answers::Silent)]
        }),
    ];
    assert_eq!(shop().check(), Ok(()));
    for (n, (field, change)) in table.iter().enumerate() {
        let mut scenario = shop();
        change(&mut scenario);
        assert_eq!(scenario.check().map_err(|bad| bad.field), Err((*field).to_owned()), "row {n}");
    }
}

fn long(s: &mut Scenario) -> bool {
    s.clients[0].connection = crate::ms(24 * 3_600_000);
    s.duration = crate::ms(24 * 3_600_000);
    true
}

fn cookie_listener(s: &Scenario, n: usize) -> traffic::mix::scenario::Listener {
    let mut listener = s.listeners[1].clone();
    listener.name = format!("l{n}");
    listener.cookie = Some(crate::ms(60_000));
    listener.rules = (0..if n < 10 { 0 } else { 4 })
        .map(|r| {
            let mut rule = listener.rules[0].clone();
            (rule.name, rule.url) = (format!("r{r}"), Some(format!("/{r}")));
            rule
        })
        .collect();
    listener
}

#[test]
fn a_mix_can_be_given_up() {
    assert_eq!(run(&shop(), &mut |_| false).unwrap(), None);
}

/// A scenario of one listener as a mix of one.
fn as_mix(one: &traffic::Scenario) -> Scenario {
    let clients = &one.clients;
    let listener = &one.listener;
    let member = |backend: &traffic::scenario::Backend| Member {
        backend: backend.name.clone(),
        weight: Some(backend.weight),
        waits: Some(backend.waits),
        probes: None,
        checked: None,
    };
    Scenario {
        seed: one.seed,
        duration: one.duration,
        clients: vec![Clients {
            name: "all".into(),
            listener: None,
            of_world: None,
            asks: Vec::new(),
            follow: true,
            number: clients.number,
            from: clients.from.clone(),
            rate: clients.rate,
            connection: clients.connection,
            connection_max: clients.connection_max,
            interval: clients.interval,
            bytes: clients.bytes,
        }],
        balancers: vec![traffic::mix::scenario::LoadBalancer {
            name: "only".into(),
            spec: None,
            max_connections: None,
            new_per_second: None,
            bandwidth: listener.load_balancer_bandwidth,
            eip_bandwidth: listener.eip_bandwidth,
            protection: None,
            attacks: Vec::new(),
            zone_outages: one.zone_outages.clone(),
            zones: Vec::new(),
            shared_bandwidth: None,
        }],
        listeners: vec![traffic::mix::scenario::Listener {
            name: "only".into(),
            load_balancer: None,
            protocol: listener.protocol,
            redirect: None,
            group: Some("all".into()),
            rules: Vec::new(),
            scheduler: listener.scheduler,
            persistence: listener.persistence,
            cookie: listener.cookie,
            health_check: None,
            drain: listener.drain,
            idle_timeout: listener.idle_timeout,
            request_timeout: listener.request_timeout,
            bandwidth: listener.bandwidth,
            acl_type: listener.acl_type,
            acl: listener.acl.clone(),
            access: None,
            running_for: listener.running_for,
            members: None,
        }],
        health_check: one.health_check.clone(),
        groups: vec![Group { name: "all".into(), members: one.backends.iter().map(member).collect() }],
        backends: one.backends.clone(),
        faults: one.faults.clone(),
        probe_faults: Vec::new(),
    }
}

/// A mix of one kind of clients of one listener is the run of that listener.
pub fn same_as_alone(one: &traffic::Scenario, alone: &traffic::Report) {
    let mut mixed = report(&as_mix(one));
    mixed.happened.iter_mut().for_each(|happened| happened.of = None);
    assert_eq!(
        (mixed.connections, mixed.served, mixed.failed),
        (alone.connections, alone.served, alone.failed)
    );
    assert_eq!((mixed.reopened, &mixed.backends), (alone.reopened, &alone.backends));
    assert_eq!((&mixed.failures, &mixed.happened), (&alone.failures, &alone.happened));
}

fn told(report: &Report) -> Told {
    let of_client = |of: &traffic::mix::report::OfClients| {
        [of.connections, of.served, of.failed, of.not_followed, of.redirects]
    };
    let of_serving = |of: &traffic::mix::report::OfServing| {
        (of.requests, of.failed, of.members.iter().map(|of| (of.taken, of.most_open)).collect())
    };
    let verdicts = report.happened.iter().filter(|h| h.what != What::Fault);
    Told {
        clients: report.clients.iter().map(of_client).collect(),
        servings: report.servings.iter().map(of_serving).collect(),
        failures: report.failures.iter().map(|of| (of.cause, of.number)).collect::<BTreeMap<_, _>>(),
        verdicts: verdicts
            .map(|h| (h.at_ms, h.backend.clone().unwrap(), h.of.clone().unwrap(), h.what))
            .collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn a_mix_is_what_a_naive_run_of_it_is(scenario in any_mix()) {
        let report = report(&scenario);
        prop_assert_eq!(&report, &run(&scenario, &mut |_| true).unwrap().unwrap());
        prop_assert_eq!(told(&report), mix_naive::run(&scenario));
    }

    /// While nothing happens each group keeps its weights exactly, round for round, and nobody without a weight takes
    /// anything.
    #[test]
    fn weights_are_kept_in_each_group(mut scenario in any_mix()) {
        scenario.faults.clear();
        for listener in &mut scenario.listeners {
            (listener.persistence, listener.cookie) = (crate::ms(0), None);
            listener.scheduler = sim_core::balancing::scheduler::Scheduler::WeightedRoundRobin;
            listener.rules.iter_mut().for_each(|rule| rule.own = None);
        }
        let report = report(&scenario);
        for of in &report.servings {
            let weight = |name: &str| {
                let own = scenario.backends.iter().find(|b| b.name == name).map(|b| b.weight);
                let group = scenario.groups.iter().find(|g| Some(&g.name) == of.group.as_ref());
                let member = group.and_then(|g| g.members.iter().find(|m| m.backend == name));
                member.and_then(|m| m.weight).or(own).map_or(0, u64::from)
            };
            let all: u64 = of.members.iter().map(|member| weight(&member.name)).sum();
            for member in &of.members {
                let due = of.taken * weight(&member.name);
                // At no time is anybody a round of its own weight away from its share.
                prop_assert!((member.taken * all).abs_diff(due) <= all * weight(&member.name), "{of:?}");
            }
        }
    }
}
