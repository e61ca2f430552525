//! What simulated clients cost: connections a second of wall time on one core, each drawn, scheduled, kept open and ended.
//!
//! `cargo bench -p sim-core --bench traffic`
//!
//! 200 backends of different weights with a health check take 2,000,000 connections, a million in each simulated second, so
//! that up to a million are open at once. The floor draws a client for each and counts it at a backend in turn: nothing is
//! ever open. The mix is four kinds of clients at a quarter of the rate each, who ask for two paths of one listener with eight
//! rules, whose groups share the backends.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use sim_core::traffic::{Scenario, mix, run};
use xxhash_rust::xxh3::xxh3_64_with_seed;

fn main() {
    divan::main();
}

const CONNECTIONS: u64 = 2_000_000;
const BACKENDS: usize = 200;

/// The scenario: how connections are spread, how long they last, and faults in every one of how many seconds.
fn scenario(listener: &str, clients: &str, faults: bool) -> Scenario {
    let backend = |n: usize| format!(r#"{{"name":"b{n}","weight":{}}}"#, 10 + n % 7 * 15);
    let backends: Vec<String> = (0..BACKENDS).map(backend).collect();
    // Every hundredth of a second a backend goes, and the one before it comes back.
    let fault = |n: usize| {
        let (at, gone, back) = (n * 10, n % BACKENDS, (n + BACKENDS - 1) % BACKENDS);
        format!(
            r#"{{"at":"{at}ms","backend":"b{gone}","weight":0}},{{"at":"{at}ms","backend":"b{back}","weight":50}}"#
        )
    };
    let faults: Vec<String> = (1..if faults { 200 } else { 1 }).map(fault).collect();
    let text = format!(
        r#"{{"duration":"2s","clients":{{"number":10000,"rate":1000000,{clients}}},
            "listener":{{{listener},"running_for":"1h"}},"health_check":{{}},
            "backend":[{}],"fault":[{}]}}"#,
        backends.join(","),
        faults.join(",")
    );
    let scenario: Scenario = serde_json::from_str(&text).expect("a scenario");
    assert_eq!(scenario.connections(), CONNECTIONS);
    scenario
}

fn measure(bencher: Bencher<'_, '_>, scenario: &Scenario) {
    bencher.counter(ItemsCount::new(CONNECTIONS)).bench_local(|| {
        let report = run(black_box(scenario), &mut |_| true).expect("it is checked").expect("it ends");
        assert_eq!((report.connections, report.served + report.failed), (CONNECTIONS, CONNECTIONS));
        report
    });
}

const SECOND: &str = r#""connection":"1s""#;
const MIXED: &str = r#""connection":"10ms","connection_max":"1900ms""#;

#[divan::bench(sample_count = 5, sample_size = 1)]
fn wrr_one_second(bencher: Bencher<'_, '_>) {
    measure(bencher, &scenario(r#""scheduler":"wrr""#, SECOND, false));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn wrr_mixed_lengths(bencher: Bencher<'_, '_>) {
    measure(bencher, &scenario(r#""scheduler":"wrr""#, MIXED, false));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn wrr_mixed_lengths_and_398_faults(bencher: Bencher<'_, '_>) {
    measure(bencher, &scenario(r#""scheduler":"wrr""#, MIXED, true));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn wlc_mixed_lengths(bencher: Bencher<'_, '_>) {
    measure(bencher, &scenario(r#""scheduler":"wlc""#, MIXED, false));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn sch_mixed_lengths(bencher: Bencher<'_, '_>) {
    measure(bencher, &scenario(r#""scheduler":"sch""#, MIXED, false));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn wrr_with_persistence(bencher: Bencher<'_, '_>) {
    measure(bencher, &scenario(r#""scheduler":"wrr","persistence":"1s""#, MIXED, false));
}

/// Four kinds of clients, eight rules with groups of 50 of the backends each.
fn mixed() -> mix::Scenario {
    let each =
        |number: usize, of: &dyn Fn(usize) -> String| (0..number).map(of).collect::<Vec<_>>().join(",");
    let clients = each(4, &|n| {
        let asks = format!(r#"{{"path":"/{}"}},{{"path":"/{}","share":3}}"#, 2 * n, 2 * n + 1);
        format!(r#"{{"name":"c{n}","number":2500,"rate":250000,{MIXED},"ask":[{asks}]}}"#)
    });
    let rules = each(8, &|n| format!(r#"{{"name":"r{n}","url":"/{n}","group":"g{n}"}}"#));
    let groups = each(8, &|n| {
        let member = |m| format!(r#"{{"backend":"b{}","weight":{}}}"#, n * 20 + m, 10 + m % 7 * 15);
        format!(r#"{{"name":"g{n}","member":[{}]}}"#, each(50, &member))
    });
    let backends = each(BACKENDS, &|n| format!(r#"{{"name":"b{n}"}}"#));
    let text = format!(
        r#"{{"duration":"2s","clients":[{clients}],"listener":[{{"name":"l","protocol":"http","rule":[{rules}],
            "running_for":"1h"}}],"health_check":{{}},"group":[{groups}],"backend":[{backends}]}}"#
    );
    serde_json::from_str(&text).expect("a mix")
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn mix_of_four_kinds_and_eight_rules(bencher: Bencher<'_, '_>) {
    let scenario = mixed();
    assert_eq!(scenario.connections(), CONNECTIONS);
    bencher.counter(ItemsCount::new(CONNECTIONS)).bench_local(|| {
        let report = mix::run(black_box(&scenario), &mut |_| true).expect("it is checked").expect("it ends");
        assert_eq!((report.connections, report.served + report.failed), (CONNECTIONS, CONNECTIONS));
        report
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn floor_draw_and_count(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(CONNECTIONS)).bench_local(|| {
        let (mut taken, mut clients) = ([0u64; BACKENDS], 0);
        for n in 0..black_box(CONNECTIONS) {
            clients += xxh3_64_with_seed(&n.to_le_bytes(), 7) % 10_000;
            taken[n as usize % BACKENDS] += 1;
        }
        (taken, clients)
    });
}
