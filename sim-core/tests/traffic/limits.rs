//! Whom access control lets in, and how much bandwidths let through.

use crate::{backend, failures, mix, ms, report, scenario};
use proptest::prelude::*;
use serde_json::json;
use sim_core::balancing::scheduler::{Candidate, Chooser, Scheduler};
use sim_core::cidr::Cidr;
use sim_core::slb::acl::AclKind;
use sim_core::slb::listener::Protocol;
use sim_core::traffic::addresses::{Access, Network};
use sim_core::traffic::scenario::Clients;
use sim_core::traffic::{Cause, Scenario, draw, run};

fn networks(texts: &[&str]) -> Vec<Network> {
    texts.iter().map(|text| Network(Cidr::parse_or_host(text).unwrap())).collect()
}

/// Sixteen clients, one for each address of a network of sixteen.
fn addressed(from: &str) -> Scenario {
    let mut scenario = scenario();
    (scenario.clients.number, scenario.clients.from) = (16, Some(networks(&[from])));
    scenario
}

fn with_list(mut scenario: Scenario, kind: AclKind, acl: &[&str]) -> Scenario {
    (scenario.listener.acl_type, scenario.listener.acl) = (Some(kind), networks(acl));
    scenario
}

/// How many connections of these clients there are.
fn of_clients(scenario: &Scenario, clients: std::ops::Range<u64>) -> u64 {
    let client = |n| draw(scenario.seed, n) % u64::from(scenario.clients.number);
    (0..scenario.connections()).filter(|n| clients.contains(&client(*n))).count() as u64
}

#[test]
fn a_list_lets_in_or_keeps_out_whom_it_names() {
    for (from, acl) in [("203.0.113.16/28", "203.0.113.20/30"), ("2001:db8::40/124", "2001:db8::44/126")] {
        let whole = addressed(from);
        // Client k has the address number k where there are as many of both.
        let named = of_clients(&whole, 4..8);
        let black = report(&with_list(whole.clone(), AclKind::Black, &[acl]));
        assert_eq!((failures(&black, Cause::AccessControl), black.failed), (named, named));
        let white = report(&with_list(whole.clone(), AclKind::White, &[acl]));
        assert_eq!((white.served, white.failed), (named, whole.connections() - named));
        let all = with_list(whole, AclKind::Black, &[acl, from]);
        assert_eq!(report(&all).served, 0);
    }
}

#[test]
fn lists_of_a_world_without_networks_ask_for_no_addresses() {
    let mut scenario = scenario();
    let mut failed = |kind, empty_white_admits| {
        scenario.listener.access = Some(Access { kind, networks: Vec::new(), empty_white_admits });
        report(&scenario).failed
    };
    assert_eq!(failed(AclKind::Black, false), 0);
    assert_eq!(failed(AclKind::White, true), 0);
    assert_eq!(failed(AclKind::White, false), 6_000);
}

#[test]
fn addresses_change_nothing_that_does_not_ask_for_them() {
    let plain = report(&scenario());
    let mut from = scenario();
    from.clients.from = Some(networks(&["203.0.113.0/24"]));
    assert_eq!(report(&from), plain);
    assert_eq!(report(&with_list(from, AclKind::Black, &["198.51.100.0/24"])), plain);
}

#[test]
fn the_source_hash_hashes_the_text_of_the_address() {
    let mut scenario = addressed("203.0.113.16/28");
    scenario.listener.scheduler = Scheduler::SourceHash;
    scenario.backends = vec![backend("a", 100), backend("b", 100), backend("c", 50)];
    let candidates =
        scenario.backends.iter().map(|b| Candidate { key: b.name.clone().into(), weight: b.weight });
    let mut chooser = Chooser::new(Scheduler::SourceHash, &candidates.collect::<Vec<_>>());
    let mut expected = [0; 3];
    for client in 0..16 {
        let place = chooser.choose(format!("203.0.113.{}", 16 + client).as_bytes()).unwrap();
        expected[place] += of_clients(&scenario, client..client + 1);
    }
    let taken: Vec<u64> = report(&scenario).backends.iter().map(|b| b.taken).collect();
    assert_eq!(taken, expected);
    scenario.listener.scheduler = Scheduler::TupleHash;
    let spread: Vec<u64> = report(&scenario).backends.iter().map(|b| b.taken).collect();
    assert!(spread != taken && spread.iter().all(|taken| *taken > 1_000), "{spread:?}");
}

#[test]
fn clients_of_two_kinds_at_one_address_are_one_source() {
    let both = |protocol: &str, keep: &str, from: [&str; 2]| {
        let clients =
            |name: &str, from: &str| format!(r#"{{"name":"{name}","rate":5,"number":1,"from":["{from}"]}}"#);
        let (one, two) = (clients("one", from[0]), clients("two", from[1]));
        let text = format!(
            r#"{{"duration":"1m","clients":[{one},{two}],"listener":[{{"name":"l","protocol":"{protocol}",{keep}}}],
                "backend":[{{"name":"a"}},{{"name":"b"}}]}}"#
        );
        let told = mix::report(&serde_json::from_str(&text).unwrap());
        told.backends.iter().map(|of| of.taken).collect::<Vec<_>>()
    };
    let keep = r#""persistence":"10s""#;
    assert_eq!(both("tcp", keep, ["203.0.113.7", "203.0.113.7"]), [600, 0]);
    assert_eq!(both("tcp", keep, ["203.0.113.7", "203.0.113.8"]), [300, 300]);
    // A cookie is a client's own, wherever it is.
    assert_eq!(both("http", r#""cookie":"1h""#, ["203.0.113.7", "203.0.113.7"]), [300, 300]);
}

/// A hundred connections a second of `bytes` each, through a bandwidth of the listener.
fn narrow(bandwidth: u32, bytes: u32) -> Scenario {
    let mut scenario = scenario();
    (scenario.listener.bandwidth, scenario.clients.bytes) = (Some(bandwidth), bytes);
    scenario
}

#[test]
fn what_does_not_fit_through_the_bandwidth_is_lost() {
    // 100 x 80,000 bits a second are 8 Mbit/s: all of it fits through as much.
    assert_eq!(report(&narrow(8, 10_000)).failed, 0);
    // Through 4 Mbit/s fit half of it, and once as much more as the bucket holds: 4 Mbit, 50 connections. The last one
    // comes 10 ms before the minute ends, when 40,000 bits are still to come.
    let half = report(&narrow(4, 10_000));
    assert_eq!((half.served, failures(&half, Cause::OverBandwidth)), (3_049, 2_951));
    // A connection of more than a second's worth never fits.
    assert_eq!(report(&narrow(1, 125_000)).served, 60);
    assert_eq!(report(&narrow(1, 125_001)).served, 0);
    // What brings nothing in is not limited.
    assert_eq!(report(&narrow(1, 0)).failed, 0);
}

#[test]
fn a_bandwidth_of_its_own_is_reserved_and_others_share_what_is_left() {
    // Of 10 Mbit/s the first listener has 4; each would have 8 (provider documentation: bandwidth sharing).
    let served = |paid: u32, own: [Option<u32>; 3], rates: [u32; 3], eip: Option<u32>| {
        let names = ["a", "b", "c"];
        let listener = |(name, own): (&str, Option<u32>)| json!({"name": name, "bandwidth": own});
        let listeners: Vec<_> = names.into_iter().zip(own).map(listener).collect();
        let clients =
            |(of, rate): (&str, u32)| json!({"name": of, "listener": of, "rate": rate, "bytes": 10_000});
        let clients: Vec<_> = names.into_iter().zip(rates).map(clients).collect();
        let text = json!({"duration": "1m", "clients": clients, "listener": listeners,
            "load_balancer": [{"name": "lb", "bandwidth": paid, "eip_bandwidth": eip}], "backend": [{"name": "x"}]});
        let told = mix::report(&serde_json::from_value(text).unwrap());
        told.clients.iter().map(|of| of.served).collect::<Vec<_>>()
    };
    let equal = [100; 3];
    // 50 a second and a bucket of 50; 37.5 a second for each of the others, and half of a bucket of 75.
    assert_eq!(served(10, [Some(4), None, None], equal, None), [3_049, 2_287, 2_287]);
    // Who brings more than an equal share has no more of it while the other wants its own, but for the common half of the
    // bucket, 37 connections; and it has all that the other leaves.
    let [_, b, c] = served(10, [Some(4), None, None], [1, 200, 50], None)[..] else { panic!("three") };
    assert!(b.abs_diff(c) < 40 && b + c > 4_560, "{b} {c}");
    let [_, b, c] = served(10, [Some(4), None, None], [1, 200, 10], None)[..] else { panic!("three") };
    assert!(c == 600 && b + c > 4_550, "{b} {c}");
    // Nothing is left for the last one.
    assert_eq!(served(10, [Some(4), Some(6), None], equal, None), [3_049, 4_574, 0]);
    // All pass the elastic IP address too, which has less; too little for one more is left of its parts.
    assert_eq!(served(16, [Some(8), None, None], equal, Some(8)).iter().sum::<u64>(), 6_098);
}

#[test]
fn what_is_refused_otherwise_takes_no_bandwidth() {
    let mut scenario = narrow(4, 10_000);
    scenario.listener.new_per_second = Some(50);
    // Fifty a second fit, whichever of the two is asked first.
    let told = report(&scenario);
    assert_eq!((failures(&told, Cause::Limit), failures(&told, Cause::OverBandwidth)), (3_000, 0));
    let clients = Clients { bytes: 10_000, rate: 200, ..addressed("203.0.113.0/28").clients };
    let black = Scenario { clients, ..narrow(8, 10_000) };
    let black = with_list(black, AclKind::Black, &["203.0.113.0/29"]);
    let told = report(&black);
    let kept_out = of_clients(&black, 0..8);
    // Sixteen Mbit/s come, and what is let in is half of it, give or take what was drawn.
    assert_eq!(failures(&told, Cause::AccessControl), kept_out);
    assert!(failures(&told, Cause::OverBandwidth) < 400, "{:?}", told.failures);
}

#[test]
fn each_field_of_addresses_and_bandwidths_has_its_range() {
    type Change = fn(&mut Scenario);
    let table: &[(&str, Change)] = &[
        ("clients.from", |s| s.clients.from = Some(Vec::new())),
        ("clients.from", |s| s.clients.from = Some(networks(&["10.0.0.0/8"; 1_001]))),
        ("clients.from[1]", |s| s.clients.from = Some(networks(&["10.0.0.0/8", "2001:db8::/32"]))),
        ("clients.from[0]", |s| {
            s.clients.from = Some(networks(&["10.1.0.0/16", "11.0.0.0/8", "10.0.0.0/8"]))
        }),
        ("clients.from[1]", |s| s.clients.from = Some(networks(&["10.1.0.0/16", "10.1.0.0/16"]))),
        ("clients.number", |s| s.clients.from = Some(networks(&["10.0.0.0/28", "10.0.1.0/28"]))),
        ("clients.from", |s| *s = with_list(s.clone(), AclKind::Black, &["10.0.0.0/8"])),
        ("clients.from[0]", |s| {
            s.clients.from = Some(networks(&["2001:db8::/32"]));
            *s = with_list(s.clone(), AclKind::White, &["10.0.0.0/8"]);
        }),
        ("listener.acl_type", |s| s.listener.acl = networks(&["10.0.0.0/8"])),
        ("listener.acl", |s| s.listener.acl_type = Some(AclKind::White)),
        ("listener.acl", |s| *s = with_list(s.clone(), AclKind::White, &["10.0.0.0/8"; 1_001])),
        ("listener.acl[1]", |s| *s = with_list(s.clone(), AclKind::White, &["10.0.0.0/8", "::/0"])),
        ("listener.bandwidth", |s| s.listener.bandwidth = Some(0)),
        ("listener.bandwidth", |s| s.listener.bandwidth = Some(5_121)),
        ("listener.bandwidth", |s| {
            (s.listener.bandwidth, s.listener.load_balancer_bandwidth) = (Some(11), Some(10));
        }),
        ("listener.load_balancer_bandwidth", |s| s.listener.load_balancer_bandwidth = Some(5_121)),
        ("listener.eip_bandwidth", |s| s.listener.eip_bandwidth = Some(501)),
    ];
    for (n, (field, change)) in table.iter().enumerate() {
        let mut scenario = scenario();
        change(&mut scenario);
        assert_eq!(scenario.check().map_err(|bad| bad.field), Err((*field).to_owned()), "row {n}");
    }
    let mut whole = scenario();
    (whole.clients.from, whole.clients.number) = (Some(networks(&["::/0"])), 1_000_000);
    assert_eq!(whole.check(), Ok(()));
    assert_eq!(report(&whole).failed, 0);
}

#[test]
fn each_of_them_in_a_mix_has_its_range() {
    type Change = fn(&mut sim_core::traffic::mix::Scenario);
    fn balancer(s: &mut sim_core::traffic::mix::Scenario, text: serde_json::Value) {
        s.balancers = vec![serde_json::from_value(text).unwrap()];
    }
    let table: &[(&str, Change)] = &[
        ("clients[2].from", |s| s.clients[2].from = Some(Vec::new())),
        ("clients[1].number", |s| s.clients[1].from = Some(networks(&["10.0.0.0/28"]))),
        // Who follows a redirect is judged where it leads.
        ("clients[0].from", |s| {
            (s.listeners[1].acl_type, s.listeners[1].acl) = (Some(AclKind::White), networks(&["10.0.0.0/8"]));
        }),
        ("clients[1].from", |s| {
            s.clients[0].follow = false;
            (s.listeners[1].acl_type, s.listeners[1].acl) = (Some(AclKind::White), networks(&["10.0.0.0/8"]));
        }),
        ("listener[2].acl_type", |s| s.listeners[2].acl = networks(&["10.0.0.0/8"])),
        ("listener[2].bandwidth", |s| s.listeners[2].bandwidth = Some(5_121)),
        ("load_balancer[0].bandwidth", |s| balancer(s, json!({"name": "a", "bandwidth": 0}))),
        ("load_balancer[0].eip_bandwidth", |s| balancer(s, json!({"name": "a", "eip_bandwidth": 501}))),
        ("load_balancer[0].bandwidth", |s| {
            balancer(s, json!({"name": "a", "bandwidth": 7}));
            s.listeners[0].bandwidth = Some(4);
            s.listeners[2].bandwidth = Some(4);
        }),
    ];
    for (n, (field, change)) in table.iter().enumerate() {
        let mut scenario = mix::shop();
        change(&mut scenario);
        assert_eq!(scenario.check().map_err(|bad| bad.field), Err((*field).to_owned()), "row {n}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Over no second, and over no time from the first client on, more comes through than the bandwidth lets through and the
    /// bucket holds; and whatever is even and fits is not lost.
    #[test]
    fn no_more_comes_through_than_the_bandwidth(
        rate in 1u32..60,
        bytes in 1u32..400_000,
        bandwidth in 1u32..100,
        shares in any::<bool>(),
        http in any::<bool>(),
    ) {
        let mut scenario = scenario();
        scenario.duration = ms(120_000);
        (scenario.clients.rate, scenario.clients.bytes) = (rate, bytes);
        if http {
            scenario.listener.protocol = Protocol::Http;
        }
        let field = if shares { &mut scenario.listener.load_balancer_bandwidth } else { &mut scenario.listener.bandwidth };
        *field = Some(bandwidth);
        let told = report(&scenario);
        mix::same_as_alone(&scenario, &told);
        prop_assert_eq!(told.interval_ms, 1_000);
        let (bits, second) = (u64::from(bytes) * 8, u64::from(bandwidth) * 1_000_000);
        let taken = |n: usize| told.backends.iter().map(|b| b.taken_by_interval[n]).sum::<u64>() * bits;
        let mut sum = 0;
        for n in 0..120 {
            sum += taken(n);
            prop_assert!(taken(n) <= 2 * second);
            prop_assert!(sum <= second * (n as u64 + 2));
        }
        prop_assert_eq!(told.failed, failures(&told, Cause::OverBandwidth));
        if bits <= second && bits * u64::from(rate) <= second {
            prop_assert_eq!(told.failed, 0);
        }
        // Above it, the bandwidth is used: the bucket never has room for more than one of them at the end.
        if bits <= second && bits * u64::from(rate) > second {
            prop_assert!(sum + bits + second / u64::from(rate) + second / 500 >= second * 120, "{sum}");
        }
    }

    /// Nobody gets in whom a black list names, nobody else is kept out, and a white list does the opposite.
    #[test]
    fn black_and_white_are_opposites(
        seed in 0..1_u64 << 53,
        number in 1u32..200,
        from in 0usize..3,
        acl in proptest::collection::vec((0u32..1 << 12, 20u8..=32), 1..20),
    ) {
        let from = [&["10.0.0.0/20"][..], &["10.0.3.0/24", "10.0.15.0/25"], &["10.0.0.0/8"]][from];
        let mut scenario = scenario();
        (scenario.seed, scenario.clients.number, scenario.clients.from) = (seed, number, Some(networks(from)));
        let block = |(low, len): (u32, u8)| {
            let address = std::net::Ipv4Addr::from((10 << 24) + low);
            Network(Cidr::containing(address.into(), len).unwrap())
        };
        scenario.listener.acl = acl.into_iter().map(block).collect();
        let mut told = |kind| {
            scenario.listener.acl_type = Some(kind);
            let told = report(&scenario);
            mix::same_as_alone(&scenario, &told);
            told
        };
        let (black, white) = (told(AclKind::Black), told(AclKind::White));
        prop_assert_eq!((black.served, black.failed), (white.failed, white.served));
        prop_assert_eq!(black.failed, failures(&black, Cause::AccessControl));
        scenario.listener.acl = networks(from);
        prop_assert_eq!(run(&scenario, &mut |_| true).unwrap().unwrap().served, 6_000);
        scenario.listener.acl_type = Some(AclKind::Black);
        prop_assert_eq!(run(&scenario, &mut |_| true).unwrap().unwrap().served, 0);
    }
}
