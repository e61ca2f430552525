//! Connections that are idle for too long, and requests that take too long.

use crate::{failures, fault, ms, report, scenario, verdicts};
use sim_core::Span;
use sim_core::slb::listener::Protocol;
use sim_core::traffic::report::What;
use sim_core::traffic::scenario::{Answers, Fault};
use sim_core::traffic::{Cause, Scenario};

/// One connection a second for ten minutes, each five minutes long, with a request every so often; nobody is probed.
fn patient(protocol: Protocol, interval: i64) -> Scenario {
    let mut scenario = scenario();
    (scenario.duration, scenario.health_check) = (ms(600_000), None);
    (scenario.clients.rate, scenario.clients.connection) = (1, ms(300_000));
    scenario.clients.interval = Some(ms(interval));
    scenario.listener.protocol = protocol;
    scenario
}

#[test]
fn a_tcp_connection_that_is_idle_for_too_long_is_forgotten_and_reset() {
    let mut scenario = patient(Protocol::Tcp, 10_000);
    scenario.listener.idle_timeout = Some(ms(10_000));
    let kept = report(&scenario);
    assert_eq!(kept.failed, 0, "a request at the very instant still finds it");
    assert_eq!(kept.backends.iter().map(|b| b.most_open).sum::<u64>(), 300);
    scenario.clients.interval = Some(ms(10_001));
    let reset = report(&scenario);
    // Each is reset 10.001 s after it came, unless the run ends before; nothing is open for longer than 10 s.
    assert_eq!(failures(&reset, Cause::IdleTimeout), 600 - 10);
    assert_eq!(reset.backends.iter().map(|b| b.most_open).sum::<u64>(), 10);
    assert_eq!(reset.backends.iter().map(|b| b.failed).sum::<u64>(), 590);
    // The usual 900 s are longer than any connection here.
    scenario.listener.idle_timeout = None;
    assert_eq!(report(&scenario).failed, 0);
    // One that ends before its next request is forgotten too, and nobody sees it.
    scenario.listener.idle_timeout = Some(ms(10_000));
    scenario.clients.interval = Some(ms(300_001));
    let quiet = report(&scenario);
    assert_eq!((quiet.failed, quiet.backends[0].most_open), (0, 5));
}

#[test]
fn a_udp_flow_that_is_idle_for_too_long_is_scheduled_anew() {
    let mut scenario = patient(Protocol::Udp, 60_000);
    assert_eq!((report(&scenario).failed, report(&scenario).reopened), (0, 0));
    scenario.listener.idle_timeout = Some(ms(59_999));
    let anew = report(&scenario);
    // Five datagrams after the first, at every minute, unless the run ends before.
    let expected: u64 = (0..600).map(|at| (1..=5).filter(|n| at + 60 * n <= 600).count() as u64).sum();
    assert_eq!((anew.failed, anew.reopened), (0, expected));
    assert_eq!(anew.backends.iter().map(|b| b.taken).sum::<u64>(), 600 + expected);
    // A backend that is taken out gets none of the later datagrams either.
    scenario.faults = vec![Fault { weight: Some(0), ..Fault::of(ms(299_999), "a") }];
    let taken = &report(&scenario).backends[0].taken_by_interval;
    assert!(taken[..60].iter().all(|n| *n > 0) && taken[60..].iter().all(|n| *n == 0), "{taken:?}");
}

#[test]
fn an_http_connection_is_closed_after_idling_and_each_request_is_scheduled_by_itself() {
    let mut scenario = patient(Protocol::Http, 15_001);
    let slept = report(&scenario);
    let requests: u64 =
        (0..600).map(|at| (1..=19).filter(|n| at * 1_000 + 15_001 * n <= 600_000).count() as u64).sum();
    // The backend answers after 1 ms, so that 15 s are left until the next request.
    assert_eq!((slept.failed, slept.reopened), (0, 0));
    assert_eq!(slept.backends.iter().map(|b| b.taken).sum::<u64>(), 600 + requests);
    scenario.clients.interval = Some(ms(15_002));
    let closed = report(&scenario);
    assert_eq!(closed.failed, 0, "clients come by another connection");
    assert_eq!(closed.reopened + 600, closed.backends.iter().map(|b| b.taken).sum::<u64>());
    // A later request finds what has become of its backend.
    scenario.faults = vec![Fault { status: Some(500), ..Fault::of(ms(595_000), "a") }];
    let late = failures(&report(&scenario), Cause::BadStatus);
    assert!(late > 20, "five seconds bring three first requests to it, and many others: {late}");
}

#[test]
fn a_request_that_takes_too_long_is_answered_504() {
    let mut scenario = scenario();
    scenario.listener.protocol = Protocol::Http;
    scenario.listener.request_timeout = Some(ms(2_000));
    scenario.health_check = None;
    scenario.backends[0].answers = Answers::After(Span(2_000));
    assert_eq!(report(&scenario).failed, 0);
    scenario.backends[0].answers = Answers::After(Span(2_001));
    let slow = report(&scenario);
    // Every second request, unless the run ends before its time is over, and its backend has them open until then.
    assert_eq!(failures(&slow, Cause::RequestTimeout), 2_901);
    assert_eq!((slow.backends[0].failed, slow.backends[0].most_open), (2_901, 100));
    // A bad status comes too late to be one.
    scenario.backends[0].status = 500;
    assert_eq!(report(&scenario), slow);
    // The usual time is a minute.
    (scenario.listener.request_timeout, scenario.backends[0].status) = (None, 200);
    assert_eq!(report(&scenario).failed, 0);
    scenario.duration = ms(120_000);
    scenario.backends[0].answers = Answers::After(Span(60_001));
    assert_eq!(failures(&report(&scenario), Cause::RequestTimeout), 3_001);
    // Over TCP nobody looks into what is said.
    scenario.listener.protocol = Protocol::Tcp;
    assert_eq!(report(&scenario).failed, 0);
}

#[test]
fn what_waits_for_an_answer_is_cut_with_its_backend_and_fails_once() {
    let mut scenario = scenario();
    scenario.listener.protocol = Protocol::Http;
    scenario.listener.request_timeout = Some(ms(10_000));
    scenario.health_check.as_mut().unwrap().timeout = ms(30_000);
    scenario.backends[0].answers = Answers::After(Span(20_000));
    scenario.faults = vec![fault(25_000, "a", Answers::Refuses)];
    let report = report(&scenario);
    // Those of the first 15 s were given up by then, and those of the next ten are cut.
    assert_eq!(failures(&report, Cause::RequestTimeout), 15 * 50 + 1);
    assert_eq!(failures(&report, Cause::Cut), 10 * 50 - 1);
    assert_eq!(verdicts(&report)[0], (25_000, "a", What::Fault));
}

#[test]
fn a_persistent_client_keeps_its_backend_and_clients_are_shared_by_weight() {
    for (protocol, cookie) in [(Protocol::Tcp, None), (Protocol::Http, Some(ms(86_400_000)))] {
        let mut scenario = scenario();
        (scenario.clients.number, scenario.clients.rate) = (600, 1_000);
        (scenario.listener.protocol, scenario.listener.cookie) = (protocol, cookie);
        scenario.listener.persistence = ms(if cookie.is_none() { 3_600_000 } else { 0 });
        scenario.backends[1].weight = 50;
        let kept = report(&scenario);
        // Clients come one after the other to a, b, a as the round says, and stay: two thirds of what all of them send.
        let share = kept.backends[0].taken * 1_000 / kept.connections;
        assert!((640..694).contains(&share), "{share} of a thousand");
        // With weight 0 they leave it, and do not come back with the weight: what they keep is b now.
        let weight = |at, weight| Fault { weight: Some(weight), ..Fault::of(ms(at), "a") };
        scenario.faults = vec![weight(20_000, 0), weight(40_000, 100)];
        let moved = report(&scenario);
        let taken = &moved.backends[0].taken_by_interval;
        assert!(taken[..40].iter().all(|n| *n > 0), "{taken:?}");
        assert!(taken[40..].iter().all(|n| *n == 0), "{taken:?}");
        assert_eq!(moved.failed, 0);
    }
}

#[test]
fn requests_that_come_anew_count_in_how_many_a_run_may_have() {
    let mut scenario = patient(Protocol::Http, 1);
    assert_eq!(scenario.requests(), 600 * 300_001);
    scenario.duration = ms(24 * 3_600_000);
    assert_eq!(scenario.check().map_err(|bad| bad.field), Err("clients.rate".to_owned()));
    scenario.listener.protocol = Protocol::Tcp;
    assert_eq!(scenario.requests(), scenario.connections());
}
