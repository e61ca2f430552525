//! Simulated clients: what they see while backends fail, against what the rules say.

mod limits;
mod mix;
mod mix_any;
mod mix_naive;
mod nat;
mod timeouts;

use proptest::prelude::*;
use sim_core::Span;
use sim_core::balancing::scheduler::Scheduler;
use sim_core::slb::listener::Protocol;
use sim_core::slb::spec::Spec;
use sim_core::slb::zones::Which;
use sim_core::traffic::length::Length;
use sim_core::traffic::protection::{Attack, Protection};
use sim_core::traffic::report::What;
use sim_core::traffic::scenario::{
    Answers, Backend, Clients, Fault, HealthCheck, Listener, OfWorld, ZoneChange,
};
use sim_core::traffic::zone_outage::ZoneOutage;
use sim_core::traffic::{Cause, Report, Scenario, run};

fn ms(ms: i64) -> Length {
    Length(Span(ms))
}

fn backend(name: &str, weight: u8) -> Backend {
    Backend {
        name: name.to_owned(),
        weight,
        answers: Answers::After(Span(1)),
        status: 200,
        check_answers: None,
        check_status: None,
        waits: false,
        probes: None,
        key: None,
    }
}

fn fault(at: i64, backend: &str, answers: Answers) -> Fault {
    Fault { answers: Some(answers), ..Fault::of(ms(at), backend) }
}

/// Two backends, a hundred connections a second of half a second each, probed as a TCP listener does by default.
fn scenario() -> Scenario {
    Scenario {
        seed: 1,
        duration: ms(60_000),
        clients: Clients {
            number: 50,
            from: None,
            rate: 100,
            connection: ms(500),
            connection_max: None,
            interval: None,
            bytes: 0,
        },
        listener: Listener::default(),
        health_check: Some(HealthCheck::default()),
        backends: vec![backend("a", 100), backend("b", 100)],
        faults: Vec::new(),
        of_world: None,
        rule: None,
        zones: Vec::new(),
        zone_outages: Vec::new(),
        protection: None,
        attacks: Vec::new(),
    }
}

#[test]
fn while_no_zone_serves_nothing_comes_in_and_what_is_open_is_lost() {
    let change = |at, serves| ZoneChange { at: ms(at), serves };
    let whole = report(&scenario());
    let mut down = scenario();
    down.zones = vec![change(20_000, false), change(50_000, true), change(55_000, true)];
    let told = report(&down);
    // 30 s of clients, and half a second of those that were open, twice.
    assert_eq!(failures(&told, Cause::ZoneDown), 3_000 + 2 * 49);
    assert_eq!(told.served + told.failed, whole.served);
    let seen: Vec<(u64, What)> = told.happened.iter().map(|h| (h.at_ms, h.what)).collect();
    let expected = [(20_000, What::ZoneWentDown), (50_000, What::ZoneTookOver), (55_000, What::ZoneTookOver)];
    assert_eq!(seen, expected);
}

fn zone_outage(at: i64, lasts: Option<i64>, zone: Which) -> ZoneOutage {
    ZoneOutage { at: ms(at), lasts: lasts.map(ms), zone }
}

#[test]
fn the_slave_zone_serves_thirty_seconds_after_the_master_zone_went_down() {
    let told = |outages: Vec<ZoneOutage>| {
        let scenario = Scenario { zone_outages: outages, ..scenario() };
        let told = report(&scenario);
        mix::same_as_alone(&scenario, &told);
        told.happened.iter().map(|h| (h.at_ms, h.what)).collect::<Vec<_>>()
    };
    let master = zone_outage(20_000, Some(35_000), Which::Master);
    let both = [(20_000, What::ZoneWentDown), (50_000, What::ZoneTookOver), (55_000, What::ZoneTookOver)];
    assert_eq!(told(vec![master]), both);
    // Two that overlap are one; where one begins as the other ends, the zone was back.
    let halves = |ends: i64| {
        let halves = [(20_000, ends - 20_000), (35_000, 20_000)];
        halves.map(|(at, lasts)| zone_outage(at, Some(lasts), Which::Master)).to_vec()
    };
    assert_eq!(told(halves(35_001)), both);
    assert_eq!(told(halves(35_000)), [both[0], both[2]]);
    // Nobody stands by, and then somebody does.
    let slave = zone_outage(0, Some(52_000), Which::Slave);
    assert_eq!(told(vec![master, slave]), [both[0], (52_000, What::ZoneTookOver), both[2]]);
    assert_eq!(told(vec![slave]), []);
    // One that does not end, and one from the first client on.
    assert_eq!(told(vec![zone_outage(20_000, None, Which::Master)]), both[..2]);
    let first = [(0, What::ZoneWentDown), (29_999, What::ZoneTookOver)];
    assert_eq!(told(vec![zone_outage(0, Some(29_999), Which::Master)]), first);
}

fn attack(at: i64, lasts: i64, mbps: u32) -> Attack {
    Attack { at: ms(at), lasts: ms(lasts), mbps, packets: 0 }
}

fn attacked(scenario: &mut Scenario, attack: Attack) {
    scenario.protection = Some(Protection::of(100));
    scenario.attacks = vec![attack];
}

fn report(scenario: &Scenario) -> Report {
    let report = run(scenario, &mut |_| true).unwrap().expect("it was not given up");
    assert_eq!(report.connections, scenario.connections());
    assert_eq!(report.served + report.failed, report.connections, "every connection has one outcome");
    report
}

fn failures(report: &Report, cause: Cause) -> u64 {
    report.failures.iter().find(|of| of.cause == cause).map_or(0, |of| of.number)
}

fn verdicts(report: &Report) -> Vec<(u64, &str, What)> {
    report.happened.iter().map(|h| (h.at_ms, h.backend.as_deref().unwrap_or("-"), h.what)).collect()
}

#[test]
fn without_faults_everything_is_served_by_weight() {
    let mut scenario = scenario();
    scenario.backends = vec![backend("a", 100), backend("b", 50), backend("c", 0)];
    let report = report(&scenario);
    assert_eq!((report.served, report.failed), (6_000, 0));
    let taken: Vec<u64> = report.backends.iter().map(|b| b.taken).collect();
    assert_eq!(taken, [4_000, 2_000, 0]);
    assert_eq!(report.backends[0].taken_by_interval.iter().sum::<u64>(), 4_000);
    assert!(report.happened.is_empty());
}

#[test]
fn clients_fail_until_the_health_check_notices_and_no_longer() {
    let mut scenario = scenario();
    // Probes start every 2,001 ms. The verdict falls 5 x 3 + 2 x 2 = 19 s after the first one that fails began.
    scenario.faults = vec![fault(20_000, "a", Answers::Silent)];
    let report = report(&scenario);
    let noticed = verdicts(&report)[1];
    assert_eq!((noticed.1, noticed.2), ("a", What::Abnormal));
    let first_failing = noticed.0 - 19_000;
    assert!((20_000 - 1..22_001).contains(&first_failing), "{first_failing}");
    // Every second connection goes to the silent one until then.
    let lost = failures(&report, Cause::NoAnswer);
    assert_eq!(lost, (noticed.0 - 20_000).div_ceil(20));
    // It got one every 20 ms, and those of the last 500 ms were open when it fell silent.
    assert_eq!(failures(&report, Cause::Cut), 24);
    assert_eq!(report.failed, lost + 24);
}

#[test]
fn a_refusing_backend_is_noticed_sooner_and_comes_back() {
    let mut scenario = scenario();
    scenario.faults = vec![fault(10_000, "a", Answers::Refuses), fault(30_000, "a", Answers::After(Span(1)))];
    let report = report(&scenario);
    let seen: Vec<What> = report.happened.iter().map(|h| h.what).collect();
    assert_eq!(seen, [What::Fault, What::Abnormal, What::Fault, What::Normal]);
    let at = |n: usize| report.happened[n].at_ms;
    // Three refusals are 4 s apart in all; the first comes within a period.
    assert!((4_000..6_001 + 5_000).contains(&(at(1) - at(0))), "{}", at(1) - at(0));
    // Three successes of 1 ms, 2 s apart.
    assert!((4_000..6_003).contains(&(at(3) - at(2))), "{}", at(3) - at(2));
    assert_eq!(failures(&report, Cause::NobodyThere), 0);
}

#[test]
fn a_backend_that_waits_takes_over_while_the_other_is_abnormal_and_gives_back() {
    let mut s = scenario();
    s.backends[1].waits = true;
    s.faults = vec![fault(10_000, "a", Answers::Refuses), fault(30_000, "a", Answers::After(Span(1)))];
    let report = report(&s);
    // Refusals and health are known after some 4 s; the second is never probed.
    let fell = |(_, _, what): &(u64, &str, What)| *what != What::Fault;
    let verdicts: Vec<_> = verdicts(&report).into_iter().filter(fell).collect();
    assert_eq!(verdicts, [(14_305, "a", What::Abnormal), (34_308, "a", What::Normal)]);
    let [a, b] = &report.backends[..] else { panic!("two backends") };
    assert_eq!((a.taken, b.taken), (3_569, 2_000));
    assert_eq!(failures(&report, Cause::Refused), 431);
    s.faults.push(fault(20_000, "b", Answers::Silent));
    let report = self::report(&s);
    // Nobody asks whether it answers, so that clients go on to be sent to it.
    assert_eq!(failures(&report, Cause::NoAnswer), 1_431);
    assert_eq!(failures(&report, Cause::NobodyThere), 0);
}

#[test]
fn nobody_there_when_all_are_abnormal() {
    let mut scenario = scenario();
    scenario.faults = vec![fault(0, "a", Answers::Refuses), fault(0, "b", Answers::Refuses)];
    let report = report(&scenario);
    let last = report.happened.last().unwrap().at_ms;
    assert_eq!(failures(&report, Cause::NobodyThere), (60_000 - last) / 10);
}

#[test]
fn weight_0_keeps_what_is_open_and_takes_nothing_new() {
    let mut scenario = scenario();
    let stop = Fault { weight: Some(0), ..Fault::of(ms(30_000), "a") };
    scenario.faults = vec![stop];
    let report = report(&scenario);
    assert_eq!(report.failed, 0);
    assert_eq!(report.backends[0].taken, 1_500);
}

#[test]
fn draining_lets_connections_of_an_abnormal_backend_end() {
    let mut scenario = scenario();
    scenario.listener.protocol = Protocol::Http;
    scenario.clients.connection = ms(20_000);
    let sick = Fault { status: Some(503), ..Fault::of(ms(30_000), "a") };
    scenario.faults = vec![sick];
    let cut = report(&scenario);
    assert!(failures(&cut, Cause::Cut) > 0);
    scenario.listener.drain = ms(900_000);
    let drained = report(&scenario);
    assert_eq!(failures(&drained, Cause::Cut), 0);
    assert_eq!(failures(&cut, Cause::BadStatus), failures(&drained, Cause::BadStatus));
}

#[test]
fn limits_drop_what_is_above_them() {
    let mut scenario = scenario();
    scenario.listener.new_per_second = Some(60);
    assert_eq!(failures(&report(&scenario), Cause::Limit), 60 * 40);
    scenario.listener.new_per_second = None;
    // Fifty are open at a time; ten may be.
    scenario.listener.max_connections = Some(10);
    let report = report(&scenario);
    assert!(report.backends.iter().all(|b| b.most_open <= 10));
    assert_eq!(report.served, 10 * 120);
}

#[test]
fn a_source_keeps_its_backend_while_that_takes_traffic() {
    let mut scenario = scenario();
    scenario.clients.number = 1;
    scenario.listener.persistence = ms(60_000);
    let kept = report(&scenario);
    assert_eq!((kept.backends[0].taken, kept.backends[1].taken), (6_000, 0));
    scenario.faults = vec![fault(30_000, "a", Answers::Refuses)];
    assert!(report(&scenario).backends[1].taken > 2_000, "it yields when the backend is abnormal");
}

#[test]
fn a_cookie_holds_from_the_first_request_on() {
    let mut scenario = scenario();
    (scenario.clients.number, scenario.clients.rate) = (1, 1);
    scenario.listener.protocol = Protocol::Http;
    scenario.listener.cookie = Some(ms(10_000));
    // One request a second, ten by each cookie, whatever comes in between; the scheduler is asked six times.
    let taken: Vec<u64> = report(&scenario).backends.iter().map(|b| b.taken).collect();
    assert_eq!(taken, [30, 30]);
}

#[test]
fn a_specification_stands_for_its_limits() {
    let mut scenario = scenario();
    (scenario.clients.rate, scenario.duration) = (6_000, ms(2_000));
    scenario.listener.spec = Some(Spec::S1Small);
    // 3,000 connections a second, and 1,000 requests.
    assert_eq!(failures(&report(&scenario), Cause::Limit), 2 * 3_000);
    scenario.listener.protocol = Protocol::Http;
    assert_eq!(failures(&report(&scenario), Cause::Limit), 2 * 5_000);
    scenario.listener.new_per_second = Some(6_000);
    // 5,000 at once; each lasts half a second, so that 3,000 are open.
    assert_eq!(failures(&report(&scenario), Cause::Limit), 0);
    scenario.clients.connection = ms(1_000);
    assert!(failures(&report(&scenario), Cause::Limit) > 0);
}

#[test]
fn a_checked_port_may_lie() {
    let mut scenario = scenario();
    scenario.backends[0].check_answers = Some(Answers::After(Span(1)));
    scenario.faults = vec![fault(10_000, "a", Answers::Refuses)];
    let lied = report(&scenario);
    // Nothing is noticed: every second connection fails to the end.
    assert_eq!(verdicts(&lied), [(10_000, "a", What::Fault)]);
    assert_eq!(failures(&lied, Cause::Refused), 50 * 50);
    let sick = Fault { check_answers: Some(Answers::Refuses), ..Fault::of(ms(10_000), "a") };
    scenario.faults = vec![sick];
    let sick = report(&scenario);
    assert_eq!((failures(&sick, Cause::Refused), verdicts(&sick)[1].2), (0, What::Abnormal));
}

#[test]
fn an_http_check_goes_by_classes_of_statuses() {
    let mut scenario = scenario();
    scenario.listener.protocol = Protocol::Http;
    scenario.faults = vec![Fault { status: Some(301), ..Fault::of(ms(10_000), "a") }];
    assert_eq!(verdicts(&report(&scenario))[1].2, What::Abnormal);
    scenario.health_check.as_mut().unwrap().codes = vec!["http_2xx".into(), "http_3xx".into()];
    assert_eq!(verdicts(&report(&scenario)).len(), 1);
}

#[test]
fn thresholds_follow_the_bandwidth() {
    let of = |bandwidth| {
        let protection = Protection::of(bandwidth);
        (protection.cleaning_mbps(), protection.cleaning_packets(), protection.black_hole_mbps())
    };
    assert_eq!(of(50), (1_000, 300_000, 2_000));
    assert_eq!(of(1_000), (1_200, 300_000, 2_000));
    assert_eq!(of(5_000), (6_000, 1_500_000, 7_500));
}

#[test]
fn an_attack_is_cleaned_and_a_larger_one_is_dropped_with_all_clients() {
    let mut scenario = scenario();
    attacked(&mut scenario, attack(10_000, 5_000, 1_500));
    let cleaned = report(&scenario);
    assert_eq!(verdicts(&cleaned), [(11_000, "-", What::CleaningBegan), (16_000, "-", What::CleaningEnded)]);
    assert_eq!(cleaned.failed, 0, "clients are let through");
    scenario.attacks[0].mbps = 2_500;
    scenario.protection.as_mut().unwrap().black_hole = ms(30 * 60_000);
    scenario.duration = ms(40 * 60_000);
    let dark = report(&scenario);
    let end = 15_000 + 30 * 60_000;
    assert_eq!(
        verdicts(&dark).into_iter().filter(|(_, _, what)| *what != What::CleaningBegan).collect::<Vec<_>>(),
        [
            (11_000, "-", What::BlackHoleBegan),
            (16_000, "-", What::CleaningEnded),
            (end, "-", What::BlackHoleEnded)
        ]
    );
    // A hundred a second find nothing, and those that came in the last half second were cut.
    assert_eq!(failures(&dark, Cause::BlackHole), (end - 11_000) / 10 + 49);
}

#[test]
fn clients_alone_can_cross_a_threshold() {
    let mut scenario = scenario();
    scenario.protection = Some(Protection::of(100));
    scenario.clients.bytes = 1_500_000;
    // 100 a second of 12 Mbit each are 1,200 Mbit/s: cleaning begins after the first, and lets 83 in.
    let report = report(&scenario);
    assert_eq!(verdicts(&report), [(1_000, "-", What::CleaningBegan)]);
    assert_eq!(failures(&report, Cause::Cleaned), 59 * 17);
}

#[test]
fn udp_takes_silence_for_health() {
    let mut scenario = scenario();
    scenario.listener.protocol = Protocol::Udp;
    scenario.faults = vec![fault(10_000, "a", Answers::Silent)];
    assert_eq!(verdicts(&report(&scenario)), [(10_000, "a", What::Fault)]);
    scenario.health_check.as_mut().unwrap().expects_answer = true;
    assert_eq!(verdicts(&report(&scenario))[1].2, What::Abnormal);
}

#[test]
fn a_run_can_be_given_up() {
    assert_eq!(run(&scenario(), &mut |_| false).unwrap(), None);
}

#[test]
fn each_field_of_a_scenario_has_its_range() {
    type Change = fn(&mut Scenario);
    let table: &[(&str, Change)] = &[
        ("seed", |s| s.seed = 1 << 53),
        ("duration", |s| s.duration = ms(0)),
        ("clients.number", |s| s.clients.number = 0),
        ("clients.rate", |s| s.clients.rate = 0),
        ("clients.rate", |s| s.clients.rate = 1_000_001),
        ("clients.rate", |s| (s.clients.rate, s.duration) = (1_000_000, ms(3_600_000))),
        ("clients.connection_max", |s| s.clients.connection_max = Some(ms(499))),
        ("backend[1].waits", |s| {
            s.listener.protocol = Protocol::Http;
            s.backends[1].waits = true;
        }),
        ("of_world", |s| {
            let load_balancer_id = "lb-1".into();
            s.of_world = Some(OfWorld { load_balancer_id, port: 80, protocol: None, host: None, path: None });
        }),
        ("listener.scheduler", |s| s.listener.scheduler = Scheduler::QuicHash),
        ("listener.persistence", |s| s.listener.persistence = ms(3_600_001)),
        ("listener.persistence", |s| {
            (s.listener.protocol, s.listener.persistence) = (Protocol::Http, ms(1_000));
        }),
        ("listener.cookie", |s| s.listener.cookie = Some(ms(1_000))),
        ("listener.cookie", |s| (s.listener.protocol, s.listener.cookie) = (Protocol::Http, Some(ms(999)))),
        ("health_check.codes", |s| s.health_check.as_mut().unwrap().codes = vec!["http_6xx".into()]),
        ("backend[1].check_status", |s| s.backends[1].check_status = Some(600)),
        ("fault[0].check_status", |s| {
            s.faults = vec![Fault { check_status: Some(99), ..Fault::of(ms(1), "a") }];
        }),
        ("protection.bandwidth", |s| s.protection = Some(Protection::of(0))),
        ("protection.black_hole", |s| {
            s.protection = Some(Protection { black_hole: ms(60_000), ..Protection::of(100) });
        }),
        ("attack", |s| s.attacks = vec![attack(1_000, 1_000, 100)]),
        ("attack[0].at", |s| attacked(s, attack(60_001, 1_000, 100))),
        ("attack[0].lasts", |s| attacked(s, attack(0, 0, 100))),
        ("attack[0].mbps", |s| attacked(s, attack(0, 1_000, 1_000_001))),
        ("attack[0].mbps", |s| attacked(s, attack(0, 1_000, 0))),
        ("attack[0].packets", |s| attacked(s, Attack { packets: 1_000_000_001, ..attack(0, 1_000, 1) })),
        ("zone_outage[1].at", |s| {
            s.zone_outages = [0, 60_001].map(|at| zone_outage(at, None, Which::Slave)).into();
        }),
        ("zone_outage[0].lasts", |s| s.zone_outages = vec![zone_outage(0, Some(0), Which::Master)]),
        ("zone_outage", |s| s.zone_outages = vec![zone_outage(0, None, Which::Master); 101]),
        ("clients.interval", |s| s.clients.interval = Some(ms(0))),
        ("listener.idle_timeout", |s| s.listener.idle_timeout = Some(ms(9_999))),
        ("listener.idle_timeout", |s| {
            (s.listener.protocol, s.listener.idle_timeout) = (Protocol::Http, Some(ms(60_001)));
        }),
        ("listener.idle_timeout", |s| {
            (s.listener.protocol, s.listener.idle_timeout) = (Protocol::Udp, Some(ms(900_001)));
        }),
        ("listener.request_timeout", |s| s.listener.request_timeout = Some(ms(1_000))),
        ("listener.request_timeout", |s| {
            (s.listener.protocol, s.listener.request_timeout) = (Protocol::Http, Some(ms(180_001)));
        }),
        ("listener.drain", |s| s.listener.drain = ms(900_001)),
        ("health_check.interval", |s| s.health_check.as_mut().unwrap().interval = ms(999)),
        ("health_check.timeout", |s| s.health_check.as_mut().unwrap().timeout = ms(300_001)),
        ("health_check.interval", |s| s.health_check.as_mut().unwrap().interval = ms(1_500)),
        ("health_check.healthy", |s| s.health_check.as_mut().unwrap().healthy = 1),
        ("health_check.unhealthy", |s| s.health_check.as_mut().unwrap().unhealthy = 11),
        ("backend", |s| s.backends.clear()),
        ("backend[0].weight", |s| s.backends[0].weight = 101),
        ("backend[1].status", |s| s.backends[1].status = 99),
        ("backend[1].name", |s| s.backends[1].name = "a".into()),
        ("fault[0].at", |s| s.faults = vec![fault(60_001, "a", Answers::Silent)]),
        ("fault[0].backend", |s| s.faults = vec![fault(1, "moon", Answers::Silent)]),
        ("fault[0].answers", |s| s.faults = vec![Fault { answers: None, ..fault(1, "a", Answers::Silent) }]),
        ("fault[0].weight", |s| {
            s.faults = vec![Fault { weight: Some(101), ..fault(1, "a", Answers::Silent) }]
        }),
        ("fault[0].status", |s| {
            s.faults = vec![Fault { status: Some(600), ..fault(1, "a", Answers::Silent) }]
        }),
    ];
    for (field, change) in table {
        let mut scenario = scenario();
        change(&mut scenario);
        assert_eq!(scenario.check().map_err(|bad| bad.field), Err((*field).to_owned()));
    }
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let answers = proptest::option::of(prop_oneof![
        Just(Answers::Silent),
        Just(Answers::Refuses),
        (0i64..3_000).prop_map(|ms| Answers::After(Span(ms))),
    ]);
    (0i64..=40_000, 0usize..3, answers, proptest::option::of(0u8..=100)).prop_map(
        |(at, place, answers, weight)| {
            let weight = if answers.is_none() { Some(weight.unwrap_or(0)) } else { weight };
            Fault { answers, weight, ..Fault::of(ms(at), ["a", "b", "c"][place]) }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever happens: each connection has one outcome, an abnormal backend and one of weight 0 take nothing, and the
    /// same scenario gives the same report.
    #[test]
    fn random_histories(
        seed in 0..1_u64 << 53,
        scheduler in 0usize..6,
        persistence in prop_oneof![Just(0i64), Just(5_000)],
        drain in prop_oneof![Just(0i64), Just(3_000)],
        longest in 0i64..4_000,
        interval in proptest::option::of(200i64..3_000),
        idle_timeout in 1_000i64..2_000,
        faults in proptest::collection::vec(any_fault(), 0..12),
    ) {
        let mut scenario = scenario();
        scenario.seed = seed;
        scenario.duration = ms(40_000);
        let interval = interval.map(ms);
        let connection_max = Some(ms(longest));
        let spread = Clients { number: 20, rate: 50, connection: ms(0), connection_max, ..scenario.clients };
        scenario.clients = Clients { interval, ..spread };
        scenario.listener.scheduler = Scheduler::WORDS[scheduler].1;
        if scenario.listener.scheduler == Scheduler::QuicHash {
            scenario.listener.protocol = Protocol::Udp;
            scenario.listener.idle_timeout = Some(ms(idle_timeout));
        } else if !scenario.listener.scheduler.hashes() && persistence == 0 {
            scenario.listener.protocol = Protocol::Http;
            scenario.listener.idle_timeout = Some(ms(idle_timeout));
            scenario.listener.request_timeout = Some(ms(idle_timeout));
        }
        scenario.listener.persistence = ms(persistence);
        scenario.listener.drain = ms(drain);
        scenario.backends = vec![backend("a", 10), backend("b", 30), backend("c", 60)];
        scenario.faults = faults;
        let report = report(&scenario);
        prop_assert_eq!(&report, &run(&scenario, &mut |_| true).unwrap().unwrap());
        mix::same_as_alone(&scenario, &report);
        for (place, of) in report.backends.iter().enumerate() {
            prop_assert!(nothing_taken_while_out(&scenario, &report, place), "{}: {:?}", of.name, report.happened);
        }
    }
}

/// Whether a backend took nothing in every interval that lay whole within a time when it was abnormal or had no weight.
fn nothing_taken_while_out(scenario: &Scenario, report: &Report, place: usize) -> bool {
    let name = &scenario.backends[place].name;
    let mut changes: Vec<(u64, bool, bool)> = Vec::new();
    let mut weighted: Vec<(u64, u8)> = scenario
        .faults
        .iter()
        .filter(|fault| fault.backend == *name)
        .filter_map(|fault| fault.weight.map(|weight| (fault.at.0.0.unsigned_abs(), weight)))
        .collect();
    weighted.sort_by_key(|(at, _)| *at);
    changes.extend(weighted.iter().map(|(at, weight)| (*at, true, *weight == 0)));
    let health = report.happened.iter().filter(|h| h.backend.as_ref() == Some(name) && h.what != What::Fault);
    changes.extend(health.map(|h| (h.at_ms, false, h.what != What::Normal)));
    changes.sort_by_key(|(at, ..)| *at);
    let (mut weightless, mut abnormal) = (false, false);
    let mut out_since = None;
    let mut spans = Vec::new();
    for (at, of_weight, out) in changes.into_iter().chain([(u64::MAX, true, false), (u64::MAX, false, false)])
    {
        if of_weight {
            weightless = out;
        } else {
            abnormal = out;
        }
        match (out_since, weightless || abnormal) {
            (None, true) => out_since = Some(at),
            (Some(since), false) => {
                spans.push((since, at));
                out_since = None;
            }
            _ => {}
        }
    }
    let width = report.interval_ms;
    let inside = |n: u64| spans.iter().any(|(from, to)| *from <= n * width && (n + 1) * width <= *to);
    (0..).zip(&report.backends[place].taken_by_interval).all(|(n, taken)| *taken == 0 || !inside(n))
}
