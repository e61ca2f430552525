//! Random mixes: clients with addresses and bytes or without, listeners with rules, access control and bandwidths.

use crate::mix::mix;
use proptest::prelude::*;
use serde_json::json;
use sim_core::traffic::mix::Scenario;

/// Where clients come from, so that some of one kind have the addresses of another, and which of them lists name.
const FROM: &[&[&str]] = &[&["10.0.0.0/28"], &["10.0.0.8/29", "10.0.1.0/29"], &["10.0.0.0/24", "10.0.1.7"]];
const ACLS: &[&[&str]] = &[&["10.0.0.0/29"], &["10.0.0.9", "10.0.0.8/30", "10.0.1.0/24"], &["10.0.0.0/23"]];

fn any_clients(name: &'static str) -> impl Strategy<Value = serde_json::Value> {
    let ask = (0usize..4, 0usize..4, 1u16..4).prop_map(|(host, path, share)| {
        let host = [None, Some("a.example"), Some("b.example"), Some("b.test")][host];
        let path = [None, Some("/x"), Some("/xy/z"), Some("/other")][path];
        json!({"host": host, "path": path, "share": share})
    });
    let asks = proptest::collection::vec(ask, 0..4);
    let brings = (0usize..FROM.len(), prop_oneof![Just(0u32), 1u32..200_000]);
    (0usize..3, 1u32..20, 1u32..15, 0i64..2_000, 0i64..2_000, any::<bool>(), asks, brings).prop_map(
        move |(listener, rate, number, least, more, follow, asks, (from, bytes))| {
            let listener = ["l0", "l1", "l2"][listener];
            let (connection, most) = (format!("{least}ms"), format!("{}ms", least + more));
            json!({"name": name, "listener": listener, "rate": rate, "number": number, "follow": follow,
                "connection": connection, "connection_max": most, "ask": asks, "from": FROM[from],
                "bytes": bytes})
        },
    )
}

fn any_rule() -> impl Strategy<Value = serde_json::Value> {
    let scheduler = prop::sample::select(vec!["rr", "wrr", "wlc"]);
    let own = (scheduler, any::<bool>(), any::<bool>()).prop_map(|(scheduler, cookie, checked)| {
        let check = json!({"interval": "1s", "timeout": "1s", "healthy": 2, "unhealthy": 2});
        let (cookie, check) = (cookie.then_some("3s"), checked.then_some(check));
        json!({"scheduler": scheduler, "cookie": cookie, "health_check": check})
    });
    (0usize..3, proptest::option::of(own)).prop_map(|(group, own)| {
        let group = format!("g{group}");
        json!({"group": group, "own": own})
    })
}

/// The first listener speaks TCP, the others HTTP and HTTPS, so that they redirect to each other.
fn any_listener(n: usize) -> impl Strategy<Value = serde_json::Value> {
    let scheduler = prop::sample::select(vec!["rr", "wrr", "wlc"]);
    let rules = proptest::collection::btree_map((0usize..3, 0usize..3), any_rule(), 0..4);
    let redirect = prop_oneof![3 => Just(None), 1 => (1usize..3).prop_map(Some)];
    let settings = (any::<bool>(), any::<bool>(), any::<bool>());
    let kind = prop_oneof![2 => Just(None), 1 => Just(Some("white")), 1 => Just(Some("black"))];
    let lets_in = (kind, 0usize..ACLS.len(), proptest::option::of(1u32..4));
    (scheduler, 0usize..4, redirect, rules, settings, lets_in).prop_map(
        move |(scheduler, group, redirect, rules, (keeps, drains, limited), (kind, acl, bandwidth))| {
            let http = n > 0;
            let redirect = redirect.filter(|_| http).map(|to| format!("l{to}"));
            let rules = rules.into_iter().filter(|_| http && redirect.is_none());
            let rules = rules.map(|((domain, url), mut rule)| {
                rule["name"] = json!(format!("r{domain}{url}"));
                rule["domain"] = json!([None, Some("a.example"), Some("*.example")][domain]);
                rule["url"] = json!([None, Some("/x"), Some("/xy")][url]);
                rule
            });
            let rules: Vec<serde_json::Value> = rules.collect();
            let (name, protocol) = (format!("l{n}"), ["tcp", "http", "https"][n]);
            let group = (group < 3).then(|| format!("g{group}"));
            let persistence = if keeps && !http { "2s" } else { "0s" };
            let cookie = (keeps && http).then_some("5s");
            let drain = if drains { "1s" } else { "0s" };
            let balancer = if limited { "lb0" } else { "lb1" };
            json!({"name": name, "protocol": protocol, "redirect": redirect, "scheduler": scheduler,
                "group": group, "rule": rules, "persistence": persistence, "cookie": cookie,
                "drain": drain, "load_balancer": balancer, "running_for": "1m", "bandwidth": bandwidth,
                "acl_type": kind, "acl": kind.map_or(&[][..], |_| ACLS[acl])})
        },
    )
}

fn any_fault() -> impl Strategy<Value = serde_json::Value> {
    (0i64..15_000, 0usize..3, 0usize..5, proptest::option::of(0u8..=100)).prop_map(
        |(at, backend, answers, weight)| {
            let answers = [None, Some("refuses"), Some("silent"), Some("3ms"), Some("1500ms")][answers];
            let weight = if answers.is_none() { Some(weight.unwrap_or(0)) } else { weight };
            let status = if at % 3 == 0 { 503 } else { 200 };
            let (at, backend) = (format!("{at}ms"), ["a", "b", "c"][backend]);
            json!({"at": at, "backend": backend, "answers": answers, "weight": weight, "status": status})
        },
    )
}

pub fn any_mix() -> impl Strategy<Value = Scenario> {
    let weights = || proptest::collection::vec(prop_oneof![Just(0u8), 1u8..=100], 3);
    let groups = proptest::collection::vec((weights(), 0usize..8), 3);
    let limits = (proptest::option::of(5u32..40), proptest::option::of(3u32..40));
    let bandwidths = (proptest::option::of(0u32..4), proptest::option::of(1u32..8), any::<bool>());
    (
        0u64..1 << 53,
        1usize..4,
        (any_clients("one"), any_clients("two"), any_clients("three")),
        (any_listener(0), any_listener(1), any_listener(2)),
        groups,
        proptest::collection::vec(any_fault(), 0..8),
        limits,
        bandwidths,
    )
        .prop_map(
            |(seed, number, clients, listeners, groups, faults, (open, new), (more, eip, addressed))| {
                let mut clients = vec![clients.0, clients.1, clients.2];
                clients.truncate(number);
                for of in clients.iter_mut().filter(|of| of["listener"] == "l0") {
                    of["ask"] = json!([]);
                }
                let groups = groups.into_iter().enumerate().map(|(n, (weights, left_out))| {
                    let names = ["a", "b", "c"].into_iter().zip(weights).enumerate();
                    let members: Vec<_> = names
                        .filter(|(at, _)| left_out != *at)
                        .map(|(_, (name, weight))| json!({"backend": name, "weight": weight}))
                        .collect();
                    let name = format!("g{n}");
                    json!({"name": name, "member": members})
                });
                let groups: Vec<_> = groups.collect();
                let mut listeners = [listeners.0, listeners.1, listeners.2];
                if !addressed {
                    clients.iter_mut().for_each(|of| of["from"] = json!(null));
                    listeners
                        .iter_mut()
                        .for_each(|of| (of["acl_type"], of["acl"]) = (json!(null), json!([])));
                }
                // What is left of the first load balancer's bandwidth is shared, and may be nothing.
                let of_first = listeners.iter().filter(|of| of["load_balancer"] == "lb0");
                let own: u64 = of_first.filter_map(|of| of["bandwidth"].as_u64()).sum();
                let all = more.map(|more| own + u64::from(more)).filter(|all| *all > 0);
                let balancers = json!([{"name": "lb0", "max_connections": open, "new_per_second": new,
                "bandwidth": all}, {"name": "lb1", "eip_bandwidth": eip}]);
                let check = json!({"interval": "2s", "timeout": "2s", "healthy": 2, "unhealthy": 2});
                let backends =
                    json!([{"name": "a"}, {"name": "b", "weight": 50}, {"name": "c", "weight": 30}]);
                mix(json!({"seed": seed, "duration": "15s", "clients": clients, "load_balancer": balancers,
                "listener": listeners, "group": groups, "health_check": check, "backend": backends,
                "fault": faults}))
            },
        )
}
