//! Hosts behind a NAT gateway: what the documented figures come to, and every count against a model that follows each packet.

use crate::ms;
use proptest::prelude::*;
use sim_core::ecs::service_port::PortProtocol;
use sim_core::traffic::nat::report::{Exhausted, OfAddress};
use sim_core::traffic::nat::scenario::{Hosts, Nat, NatSpec, OfWorld};
use sim_core::traffic::nat::{Report, Scenario, run};
use sim_core::traffic::report::OfCause;
use sim_core::traffic::{Cause, draw};

/// A hundred hosts that open ten connections a second of a second each, to one destination.
fn scenario() -> Scenario {
    let hosts = Hosts {
        number: 100,
        rate: 10,
        destinations: 1,
        protocol: PortProtocol::Tcp,
        connection: ms(1_000),
        connection_max: None,
        interval: None,
        abandoned: 0,
    };
    Scenario { seed: 1, duration: ms(60_000), hosts, of_world: None, nat: Nat::default() }
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

#[test]
fn an_address_has_55_000_ports_for_each_destination() {
    let mut scenario = scenario();
    (scenario.duration, scenario.hosts.rate) = (ms(100_000), 1_000);
    scenario.hosts.connection = ms(3_600_000);
    // A thousand a second that do not end: the first address is full after 55 s.
    let one = report(&scenario);
    assert_eq!((one.served, one.addresses[0].most_ports), (55_000, 55_000));
    let exhausted = Exhausted { destination: 1, from_ms: 55_000, until_ms: None, failed: 45_000 };
    assert_eq!((one.exhausted, one.exhausted_more), (vec![exhausted], 0));
    // n addresses, n times as many, whichever of them each takes.
    scenario.nat.addresses = Some(2);
    let two = report(&scenario);
    assert_eq!(two.failed, 0);
    scenario.duration = ms(120_000);
    let two = report(&scenario);
    assert_eq!(two.served, 110_000);
    assert_eq!(two.addresses.iter().map(|of| of.most_ports).collect::<Vec<_>>(), [55_000, 55_000]);
    // Of two destinations each has ports of its own.
    (scenario.nat.addresses, scenario.hosts.destinations) = (None, 2);
    scenario.duration = ms(100_000);
    let apart = report(&scenario);
    assert_eq!((apart.failed, apart.addresses[0].most_open), (0, 100_000));
    assert!(apart.addresses[0].most_ports < 51_000, "{}", apart.addresses[0].most_ports);
}

#[test]
fn a_closed_session_holds_its_port_and_an_abandoned_one_until_it_is_forgotten() {
    let mut scenario = scenario();
    scenario.duration = ms(2_000_000);
    // Ten a second: those of the last second, and of the 120 s of TIME_WAIT before.
    assert_eq!(report(&scenario).addresses[0].most_open, 10 * 121);
    scenario.nat.time_wait = Some(ms(0));
    assert_eq!(report(&scenario).addresses[0].most_open, 10);
    scenario.hosts.abandoned = 100;
    assert_eq!(report(&scenario).addresses[0].most_open, 10 * 901);
    // Over UDP nobody closes: 60 s after the last datagram.
    (scenario.hosts.abandoned, scenario.nat.time_wait) = (0, None);
    scenario.hosts.protocol = PortProtocol::Udp;
    assert_eq!(report(&scenario).addresses[0].most_open, 10 * 61);
}

#[test]
fn who_is_silent_for_too_long_is_reset_over_tcp_and_comes_anew_over_udp() {
    let mut scenario = scenario();
    scenario.duration = ms(7_200_000);
    (scenario.hosts.rate, scenario.hosts.connection) = (1, ms(3_600_000));
    scenario.hosts.interval = Some(ms(900_000));
    // A request at the very instant still finds the session.
    assert_eq!(report(&scenario).failed, 0);
    scenario.hosts.interval = Some(ms(900_001));
    let reset = report(&scenario);
    // Each second's connection is reset 900.001 s later, unless the run ends before.
    assert_eq!(failures(&reset, Cause::IdleTimeout), 7_200 - 900);
    assert_eq!(reset.addresses[0].most_open, 900);
    scenario.hosts.protocol = PortProtocol::Udp;
    let anew = report(&scenario);
    assert_eq!(anew.failed, 0);
    // Four sessions each within the hour: one at the beginning and three more.
    assert!(anew.addresses[0].sessions > 3 * anew.connections, "{}", anew.addresses[0].sessions);
}

#[test]
fn affinity_keeps_a_host_at_one_address_though_others_have_ports_left() {
    let mut scenario = scenario();
    scenario.hosts.number = 1;
    scenario.nat = Nat { addresses: Some(4), ports: Some(100), ..Nat::default() };
    assert_eq!(report(&scenario).failed, 600 - 4 * 100);
    scenario.nat.affinity = Some(true);
    let kept = report(&scenario);
    assert_eq!(kept.failed, 600 - 100);
    assert_eq!(kept.addresses.iter().filter(|of| of.sessions > 0).count(), 1);
}

#[test]
fn a_specification_has_limits_of_its_own() {
    let mut scenario = scenario();
    (scenario.hosts.rate, scenario.duration) = (1_200, ms(5_000));
    scenario.nat.spec = Some(NatSpec::Small);
    assert_eq!(failures(&report(&scenario), Cause::Limit), 5 * 200);
    scenario.nat.new_per_second = Some(2_000);
    scenario.duration = ms(10_000);
    assert_eq!(failures(&report(&scenario), Cause::Limit), 12_000 - 10_000);
    scenario.nat.spec = Some(NatSpec::Large);
    assert_eq!(report(&scenario).failed, 0);
}

#[test]
fn exhaustion_begins_with_the_first_that_fails_and_ends_when_none_did_for_ten_seconds() {
    let mut scenario = scenario();
    // Five hundred ports fill after 50 s, and are all free again 121 s after the first was taken.
    scenario.nat.ports = Some(500);
    scenario.duration = ms(400_000);
    let told = report(&scenario).exhausted;
    let ends: Vec<(u64, Option<u64>)> = told.iter().map(|of| (of.from_ms, of.until_ms)).collect();
    assert_eq!(ends, [(50_000, Some(121_000)), (171_000, Some(242_000)), (292_000, Some(363_000))]);
    assert_eq!(told.iter().map(|of| of.failed).collect::<Vec<_>>(), [710, 710, 710]);
}

#[test]
fn a_run_can_be_given_up() {
    assert_eq!(run(&scenario(), &mut |_| false).unwrap(), None);
}

#[test]
fn each_field_has_its_range() {
    type Change = fn(&mut Scenario);
    let table: &[(&str, Change)] = &[
        ("seed", |s| s.seed = 1 << 53),
        ("duration", |s| s.duration = ms(0)),
        ("of_world", |s| s.of_world = Some(OfWorld { snat_entry_id: "snat-1".into() })),
        ("hosts.number", |s| s.hosts.number = 0),
        ("hosts.rate", |s| s.hosts.rate = 1_000_001),
        ("hosts.rate", |s| (s.hosts.rate, s.duration) = (1_000_000, ms(3_600_000))),
        ("hosts.rate", |s| {
            (s.hosts.protocol, s.hosts.rate, s.duration) = (PortProtocol::Udp, 100, ms(24 * 3_600_000));
            (s.hosts.connection, s.hosts.interval) = (s.duration, Some(ms(60_001)));
        }),
        ("hosts.destinations", |s| s.hosts.destinations = 1_001),
        ("hosts.connection", |s| s.hosts.connection = ms(24 * 367 * 3_600_000)),
        ("hosts.connection_max", |s| s.hosts.connection_max = Some(ms(999))),
        ("hosts.interval", |s| s.hosts.interval = Some(ms(0))),
        ("hosts.abandoned", |s| s.hosts.abandoned = 101),
        ("hosts.abandoned", |s| (s.hosts.protocol, s.hosts.abandoned) = (PortProtocol::Udp, 1)),
        ("nat.addresses", |s| s.nat.addresses = Some(65)),
        ("nat.ports", |s| s.nat.ports = Some(64_512)),
        ("nat.idle_timeout", |s| s.nat.idle_timeout = Some(ms(999))),
        ("nat.time_wait", |s| s.nat.time_wait = Some(ms(86_400_001))),
        ("nat.time_wait", |s| (s.hosts.protocol, s.nat.time_wait) = (PortProtocol::Udp, Some(ms(1)))),
    ];
    for (field, change) in table {
        let mut scenario = scenario();
        change(&mut scenario);
        assert_eq!(scenario.check().map_err(|bad| bad.field), Err((*field).to_owned()));
    }
}

/// A packet of a connection.
#[derive(Clone, Copy, PartialEq)]
enum Packet {
    Request,
    Close,
}

/// A session as the model knows it: from when to when it holds which port.
struct Session {
    from: u64,
    until: u64,
    address: usize,
    destination: usize,
}

/// The run again, by following each packet, and by looking at all sessions whenever one is made.
struct Model<'s> {
    scenario: &'s Scenario,
    sessions: Vec<Session>,
    failures: Vec<(u64, Cause)>,
    /// Attempts to make a session: when, to where, and whether it found a port.
    attempts: Vec<(u64, usize, bool)>,
    new: Vec<u64>,
}

impl Model<'_> {
    fn drawn(&self, salt: u64, n: u64, of: u64) -> u64 {
        draw(self.scenario.seed ^ salt, n) % of
    }

    /// The packets of a connection, by how long after its beginning they come.
    fn packets(&self, n: u64) -> Vec<(u64, Packet)> {
        let hosts = &self.scenario.hosts;
        let us = |length: sim_core::traffic::length::Length| length.0.0 as u64 * 1_000;
        let (least, most) = (us(hosts.connection), us(hosts.connection_max.unwrap_or(hosts.connection)));
        let length = least + self.drawn(2, n, most - least + 1);
        let mut packets = vec![(0, Packet::Request)];
        match hosts.interval {
            Some(interval) => packets.extend(
                (1..)
                    .map(|k| k * us(interval))
                    .take_while(|at| *at <= length)
                    .map(|at| (at, Packet::Request)),
            ),
            // Packets come all the time: one for each idle time is enough to tell.
            None => {
                let idle = us(self.scenario.idle_timeout());
                packets.extend(
                    (1..).map(|k| k * idle).take_while(|at| *at < length).map(|at| (at, Packet::Request)),
                );
                packets.push((length, Packet::Request));
            }
        }
        if hosts.protocol == PortProtocol::Tcp && self.drawn(4, n, 100) >= hosts.abandoned.into() {
            packets.push((length, Packet::Close));
        }
        packets
    }

    /// A connection of which these packets are left makes a session, and says when the next one is needed for which packets.
    fn attempt(&mut self, n: u64, at: u64, packets: &[(u64, Packet)]) -> Option<(u64, Vec<(u64, Packet)>)> {
        let scenario = self.scenario;
        let destination = self.drawn(3, n, scenario.hosts.destinations.into()) as usize;
        let (most_open, most_new) = scenario.limits();
        let alive: Vec<&Session> = self.sessions.iter().filter(|s| s.until > at).collect();
        let new = self.new.iter().filter(|new| **new / 1_000_000 == at / 1_000_000).count();
        if most_open.is_some_and(|most| alive.len() >= most as usize)
            || most_new.is_some_and(|most| new >= most as usize)
        {
            self.failures.push((at, Cause::Limit));
            return None;
        }
        self.new.push(at);
        let in_use =
            |address| alive.iter().filter(|s| (s.address, s.destination) == (address, destination)).count();
        let all = scenario.addresses();
        let free: Vec<usize> =
            (0..all).filter(|address| in_use(*address) < scenario.ports() as usize).collect();
        let own = if scenario.nat.affinity == Some(true) {
            let host = self.drawn(0, n, scenario.hosts.number.into());
            Some(self.drawn(6, host, all as u64) as usize).filter(|own| free.contains(own))
        } else {
            let first = self.drawn(1, n, all as u64) as usize;
            let other = || free.get(self.drawn(5, n, free.len().max(1) as u64) as usize).copied();
            if free.contains(&first) { Some(first) } else { other() }
        };
        self.attempts.push((at, destination, own.is_some()));
        let Some(address) = own else {
            self.failures.push((at, Cause::SnatPortsExhausted));
            return None;
        };
        let us = |length: sim_core::traffic::length::Length| length.0.0 as u64 * 1_000;
        let (idle, began) = (us(scenario.idle_timeout()), packets[0].0);
        let mut last = began;
        for (place, (when, packet)) in packets.iter().enumerate().skip(1) {
            let until = at + last - began + idle;
            if when - last > idle {
                self.sessions.push(Session { from: at, until, address, destination });
                let now = at + when - began;
                return match (packet, scenario.hosts.protocol) {
                    (Packet::Close, _) => None,
                    (Packet::Request, PortProtocol::Tcp) => {
                        self.failures.push((now, Cause::IdleTimeout));
                        None
                    }
                    (Packet::Request, PortProtocol::Udp) => Some((now, packets[place..].to_vec())),
                };
            }
            last = *when;
        }
        let closed = packets.last().is_some_and(|(_, packet)| *packet == Packet::Close);
        let held = if closed { us(scenario.time_wait()) } else { idle };
        self.sessions.push(Session { from: at, until: at + last - began + held, address, destination });
        None
    }
}

/// Packets that are to come: when, whether for the first time, of which connection, and when each after that.
type Waiting = (u64, bool, u64, Vec<(u64, Packet)>);

fn model(scenario: &Scenario) -> Report {
    let mut model =
        Model { scenario, sessions: Vec::new(), failures: Vec::new(), attempts: Vec::new(), new: Vec::new() };
    let (number, end) = (scenario.connections(), scenario.duration.0.0 as u64 * 1_000);
    // Those that come anew are before those that come for the first time at the same instant.
    let mut waiting: Vec<Waiting> = (0..number)
        .map(|n| (n * 1_000_000 / u64::from(scenario.hosts.rate), true, n, model.packets(n)))
        .collect();
    while let Some(next) = (0..waiting.len()).min_by_key(|place| {
        let (at, first, n, _) = &waiting[*place];
        (*at, *first, *n)
    }) {
        let (at, _, n, packets) = waiting.swap_remove(next);
        if at > end {
            break;
        }
        waiting.extend(model.attempt(n, at, &packets).map(|(at, packets)| (at, false, n, packets)));
    }
    let interval_ms = (end / 1_000).div_ceil(120).max(1);
    let intervals = (end / 1_000).div_ceil(interval_ms) as usize;
    let interval = |at: u64| ((at / 1_000 / interval_ms) as usize).min(intervals - 1);
    let failures = Cause::ALL.iter().map(|cause| {
        let mut by_interval = vec![0; intervals];
        let of = model.failures.iter().filter(|(at, of)| of == cause && *at <= end);
        of.for_each(|(at, _)| by_interval[interval(*at)] += 1);
        OfCause { cause: *cause, number: by_interval.iter().sum(), by_interval }
    });
    let failures: Vec<OfCause> = failures.filter(|of| of.number > 0).collect();
    let failed = failures.iter().map(|of| of.number).sum();
    Report {
        duration_ms: end / 1_000,
        interval_ms,
        connections: number,
        served: number - failed,
        failed,
        ports: scenario.ports(),
        addresses: (0..scenario.addresses())
            .map(|address| model.of_address(address, interval_ms, intervals))
            .collect(),
        failures,
        exhausted: model.exhausted(end),
        exhausted_more: 0,
    }
}

impl Model<'_> {
    fn of_address(&self, address: usize, interval_ms: u64, intervals: usize) -> OfAddress {
        let own: Vec<(usize, &Session)> =
            self.sessions.iter().enumerate().filter(|(_, s)| s.address == address).collect();
        let destinations = self.scenario.hosts.destinations as usize;
        // The most at the interval's beginning and after each session that is made in it, of those that a question is about.
        let peak = |k: usize, asked: &dyn Fn(&Session) -> bool| {
            let (from, to) = (k as u64 * interval_ms * 1_000, (k as u64 + 1) * interval_ms * 1_000);
            let to = if k + 1 == intervals { u64::MAX } else { to };
            let asked: Vec<&(usize, &Session)> = own.iter().filter(|(_, s)| asked(s)).collect();
            let there = asked.iter().filter(|(_, s)| s.from < from && s.until >= from).count();
            let made = asked.iter().filter(|(_, s)| s.from >= from && s.from < to);
            let after = made.map(|(place, s)| {
                asked.iter().filter(|(other, of)| other <= place && of.until > s.from).count()
            });
            after.chain([there]).max().unwrap_or(0) as u32
        };
        let open_by_interval: Vec<u32> = (0..intervals).map(|k| peak(k, &|_| true)).collect();
        let ports = |k| (0..destinations).map(|to| peak(k, &|s| s.destination == to)).max().unwrap_or(0);
        let ports_by_interval: Vec<u32> = (0..intervals).map(ports).collect();
        OfAddress {
            name: format!("eip-{}", address + 1),
            sessions: own.len() as u64,
            most_open: open_by_interval.iter().copied().max().unwrap_or(0),
            most_ports: ports_by_interval.iter().copied().max().unwrap_or(0),
            open_by_interval,
            ports_by_interval,
        }
    }

    fn exhausted(&self, end: u64) -> Vec<Exhausted> {
        let mut told = Vec::new();
        for destination in 0..self.scenario.hosts.destinations as usize {
            let of: Vec<(u64, bool)> =
                self.attempts.iter().filter(|a| a.1 == destination).map(|a| (a.0, a.2)).collect();
            let lost: Vec<(usize, u64)> =
                of.iter().enumerate().filter(|(_, a)| !a.1).map(|(place, a)| (place, a.0)).collect();
            for times in lost.chunk_by(|(_, one), (_, next)| next - one <= 10_000_000) {
                let (place, last) = times[times.len() - 1];
                let found = of[place..].iter().find(|(_, found)| *found).filter(|_| end - last >= 10_000_000);
                told.push((
                    times[0].1,
                    Exhausted {
                        destination: destination as u32 + 1,
                        from_ms: times[0].1 / 1_000,
                        until_ms: found.map(|(at, _)| at / 1_000),
                        failed: times.len() as u64,
                    },
                ));
            }
        }
        told.sort_by_key(|(from, _)| *from);
        told.into_iter().map(|(_, of)| of).collect()
    }
}

fn any_scenario() -> impl Strategy<Value = Scenario> {
    let hosts = (1u32..6, 1u32..14, 1u32..4, any::<bool>(), 0i64..8_000, 0i64..8_000, 0u8..=100);
    let times = (proptest::option::of(1i64..4_000), 1_000i64..4_000, 0i64..3_000, 1i64..30_000);
    let nat =
        (1u32..4, any::<bool>(), 1u32..12, proptest::option::of(1u32..40), proptest::option::of(1u32..14));
    (0..1_u64 << 53, hosts, times, nat).prop_map(|(seed, hosts, times, nat)| {
        let (number, rate, destinations, tcp, connection, more, abandoned) = hosts;
        let (interval, idle_timeout, time_wait, duration) = times;
        let (addresses, affinity, ports, max_connections, new_per_second) = nat;
        let protocol = if tcp { PortProtocol::Tcp } else { PortProtocol::Udp };
        let hosts = Hosts {
            number,
            rate,
            destinations,
            protocol,
            connection: ms(connection),
            connection_max: Some(ms(connection + more)),
            interval: interval.map(ms),
            abandoned: if tcp { abandoned } else { 0 },
        };
        let nat = Nat {
            addresses: Some(addresses),
            affinity: Some(affinity),
            ports: Some(ports),
            idle_timeout: Some(ms(idle_timeout)),
            time_wait: tcp.then_some(ms(time_wait)),
            max_connections,
            new_per_second,
            ..Nat::default()
        };
        Scenario { seed, duration: ms(duration), hosts, of_world: None, nat }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The whole report, to the last count, is what following each packet comes to.
    #[test]
    fn every_count_is_that_of_a_model_that_follows_each_packet(scenario in any_scenario()) {
        prop_assert_eq!(report(&scenario), model(&scenario));
    }
}
