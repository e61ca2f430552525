//! A run: connections, and the sessions they make, in the order of their time.

use super::report::{Exhausted, OfAddress, Report};
use super::scenario::Scenario;
use crate::ecs::service_port::PortProtocol;
use crate::traffic::bad::BadScenario;
use crate::traffic::report::{Cause, OfCause};
use crate::traffic::{INTERVALS, TELL_EVERY, US, draw};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How long no connection may have failed for a time of exhaustion to be over.
const QUIET: u64 = 10_000 * US;
/// How many times of exhaustion a report names.
const NAMED: usize = 1_000;

/// Runs a scenario. `progress` is told how many connections were tried and answers whether to go on; a run that is given up
/// has no report.
///
/// # Errors
/// See [`Scenario::check`].
pub fn run(
    scenario: &Scenario,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<Option<Report>, BadScenario> {
    scenario.check()?;
    let mut run = Run::new(scenario);
    let number = scenario.connections();
    for n in 0..number {
        if n.is_multiple_of(TELL_EVERY) && !progress(n) {
            return Ok(None);
        }
        let at = n * 1_000_000 / u64::from(scenario.hosts.rate);
        run.bring_to(at);
        run.step(at);
        let length = run.length(n);
        run.open(n, at, length);
    }
    run.bring_to(scenario.duration.us());
    progress(number);
    Ok(Some(run.report()))
}

/// What happens to a session or a connection later; at one instant in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The port of an address to a destination is free again.
    Freed { address: u32, destination: u32 },
    /// A request comes over a connection whose session was forgotten.
    Reset,
    /// A datagram comes after its session was forgotten: of which connection, which goes on for how long.
    Again { n: u64, left: u64 },
}

struct Run<'s> {
    scenario: &'s Scenario,
    idle: u64,
    ports: u32,
    /// The most sessions at once and the most new ones a second.
    limits: (Option<u32>, Option<u32>),
    addresses: Vec<Address>,
    events: BinaryHeap<Reverse<(u64, Event)>>,
    open: u64,
    second: (u64, u32),
    interval_ms: u64,
    /// The interval that the counts have come to.
    interval: usize,
    causes: Vec<Vec<u64>>,
    /// By destination.
    shortages: Vec<Shortage>,
    exhausted: Vec<Exhausted>,
    exhausted_more: u64,
}

/// An address as it is now.
#[derive(Clone)]
struct Address {
    /// Ports in use to each destination.
    in_use: Vec<u32>,
    open: u32,
    sessions: u64,
    open_by_interval: Vec<u32>,
    ports_by_interval: Vec<u32>,
}

/// What is known of a destination's last time of exhaustion.
#[derive(Clone, Copy, Default)]
struct Shortage {
    /// When the last connection failed, if one did.
    last: Option<u64>,
    /// Where the report has the time, unless it has no room for more.
    place: Option<usize>,
}

impl<'s> Run<'s> {
    fn new(scenario: &'s Scenario) -> Run<'s> {
        let duration = scenario.duration.0.0.unsigned_abs();
        let interval_ms = duration.div_ceil(INTERVALS).max(1);
        // An end of the run that falls on an interval's border belongs to the last one.
        let intervals = duration.div_ceil(interval_ms) as usize;
        let destinations = scenario.hosts.destinations as usize;
        let address = Address {
            in_use: vec![0; destinations],
            open: 0,
            sessions: 0,
            open_by_interval: vec![0; intervals],
            ports_by_interval: vec![0; intervals],
        };
        Run {
            scenario,
            idle: scenario.idle_timeout().us(),
            ports: scenario.ports(),
            limits: scenario.limits(),
            addresses: vec![address; scenario.addresses()],
            events: BinaryHeap::new(),
            open: 0,
            second: (0, 0),
            interval_ms,
            interval: 0,
            causes: vec![vec![0; intervals]; Cause::ALL.len()],
            shortages: vec![Shortage::default(); destinations],
            exhausted: Vec::new(),
            exhausted_more: 0,
        }
    }

    /// Lets everything happen that falls at or before `at`, in order.
    fn bring_to(&mut self, at: u64) {
        while let Some(&Reverse((when, event))) = self.events.peek().filter(|Reverse((when, _))| *when <= at)
        {
            self.events.pop();
            self.step(when);
            match event {
                Event::Freed { address, destination } => {
                    let address = &mut self.addresses[address as usize];
                    address.in_use[destination as usize] -= 1;
                    address.open -= 1;
                    self.open -= 1;
                }
                Event::Reset => self.fail(Cause::IdleTimeout),
                Event::Again { n, left } => self.open(n, when, left),
            }
        }
    }

    /// Brings the counts to the interval of an instant: what is there when an interval begins is the least of its peaks.
    fn step(&mut self, at: u64) {
        let last = self.causes[0].len() - 1;
        let now = ((at / US / self.interval_ms) as usize).min(last);
        if now == self.interval {
            return;
        }
        for address in &mut self.addresses {
            let ports = address.in_use.iter().copied().max().unwrap_or(0);
            for interval in self.interval + 1..=now {
                address.open_by_interval[interval] = address.open;
                address.ports_by_interval[interval] = ports;
            }
        }
        self.interval = now;
    }

    fn fail(&mut self, cause: Cause) {
        self.causes[cause as usize][self.interval] += 1;
    }

    /// What is drawn for a connection: evenly from 0 to below `of`.
    fn drawn(&self, salt: u64, n: u64, of: u64) -> u64 {
        draw(self.scenario.seed ^ salt, n) % of
    }

    fn length(&self, n: u64) -> u64 {
        let hosts = &self.scenario.hosts;
        let (least, most) = (hosts.connection.us(), hosts.connection_max.unwrap_or(hosts.connection).us());
        least + self.drawn(2, n, most - least + 1)
    }

    /// A connection makes a session that goes on for so long, if it is let.
    fn open(&mut self, n: u64, at: u64, length: u64) {
        if self.at_limit(at) {
            return self.fail(Cause::Limit);
        }
        let destination = self.drawn(3, n, self.scenario.hosts.destinations.into()) as usize;
        let Some(place) = self.pick(n, destination) else {
            self.fail(Cause::SnatPortsExhausted);
            return self.note_shortage(at, destination);
        };
        self.note_relief(at, destination);
        let address = &mut self.addresses[place];
        address.in_use[destination] += 1;
        address.open += 1;
        address.sessions += 1;
        self.open += 1;
        let open = &mut address.open_by_interval[self.interval];
        *open = (*open).max(address.open);
        let ports = &mut address.ports_by_interval[self.interval];
        *ports = (*ports).max(address.in_use[destination]);
        let (held, then) = self.life(n, at, length);
        let freed = Event::Freed { address: place as u32, destination: destination as u32 };
        self.events.push(Reverse((held, freed)));
        self.events.extend(then.map(Reverse));
    }

    /// Whether a limit of the gateway is reached; it counts the session if not.
    fn at_limit(&mut self, at: u64) -> bool {
        let (most_open, most_new) = self.limits;
        let second = at / 1_000_000;
        if self.second.0 != second {
            self.second = (second, 0);
        }
        let full = most_open.is_some_and(|most| self.open >= u64::from(most));
        if full || most_new.is_some_and(|most| self.second.1 >= most) {
            return true;
        }
        self.second.1 += 1;
        false
    }

    /// The address of a session: its host's own with affinity, else one that is drawn of those that have a port left.
    fn pick(&self, n: u64, destination: usize) -> Option<usize> {
        let number = self.addresses.len() as u64;
        let free = |place: &usize| self.addresses[*place].in_use[destination] < self.ports;
        if self.scenario.nat.affinity == Some(true) {
            let host = self.drawn(0, n, self.scenario.hosts.number.into());
            return Some(self.drawn(6, host, number) as usize).filter(free);
        }
        // Whoever is drawn of all and has a port is drawn as evenly of those that have one.
        let first = self.drawn(1, n, number) as usize;
        if free(&first) {
            return Some(first);
        }
        let left: Vec<usize> = (0..self.addresses.len()).filter(free).collect();
        let drawn = self.drawn(5, n, (left.len() as u64).max(1)) as usize;
        left.get(drawn).copied()
    }

    /// When a session's port is free again, and what comes after that, for one that is made now.
    fn life(&self, n: u64, at: u64, length: u64) -> (u64, Option<(u64, Event)>) {
        let hosts = &self.scenario.hosts;
        let tcp = hosts.protocol == PortProtocol::Tcp;
        let interval = hosts.interval.map(|interval| interval.us());
        if let Some(interval) = interval.filter(|interval| *interval > self.idle && *interval <= length) {
            let then = if tcp { Event::Reset } else { Event::Again { n, left: length - interval } };
            return (at + self.idle, Some((at + interval, then)));
        }
        // The last request; without intervals packets come until the end.
        let last = interval.map_or(length, |interval| length / interval * interval);
        let closed = tcp && self.drawn(4, n, 100) >= hosts.abandoned.into();
        if closed && length - last <= self.idle {
            (at + length + self.scenario.time_wait().us(), None)
        } else {
            (at + last + self.idle, None)
        }
    }

    /// A connection to a destination has found no port.
    fn note_shortage(&mut self, at: u64, destination: usize) {
        let shortage = &mut self.shortages[destination];
        if shortage.last.replace(at).is_none_or(|last| at - last > QUIET) {
            let has_room = self.exhausted.len() < NAMED;
            shortage.place = has_room.then_some(self.exhausted.len());
            self.exhausted_more += u64::from(!has_room);
            if has_room {
                let destination = destination as u32 + 1;
                self.exhausted.push(Exhausted { destination, from_ms: at / US, until_ms: None, failed: 0 });
            }
        }
        if let Some(place) = shortage.place {
            let exhausted = &mut self.exhausted[place];
            exhausted.until_ms = None;
            exhausted.failed += 1;
        }
    }

    /// A connection to a destination has found one.
    fn note_relief(&mut self, at: u64, destination: usize) {
        if let Some(place) = self.shortages[destination].place {
            self.exhausted[place].until_ms.get_or_insert(at / US);
        }
    }

    fn report(mut self) -> Report {
        let Run { scenario, interval_ms, .. } = self;
        self.step(scenario.duration.us());
        // A connection that found a port ends a time of exhaustion only if the run saw that none failed after it for long enough.
        let end = scenario.duration.us();
        for shortage in &self.shortages {
            if let Shortage { last: Some(last), place: Some(place) } = shortage
                && end - last < QUIET
            {
                self.exhausted[*place].until_ms = None;
            }
        }
        let failures = Cause::ALL.iter().zip(self.causes);
        let failures = failures.map(|(cause, by_interval)| OfCause {
            cause: *cause,
            number: by_interval.iter().sum(),
            by_interval,
        });
        let failures: Vec<OfCause> = failures.filter(|of| of.number > 0).collect();
        let failed = failures.iter().map(|of| of.number).sum();
        let most = |list: &[u32]| list.iter().copied().max().unwrap_or(0);
        let addresses = self.addresses.into_iter().enumerate().map(|(place, address)| OfAddress {
            name: scenario.name(place),
            sessions: address.sessions,
            most_open: most(&address.open_by_interval),
            most_ports: most(&address.ports_by_interval),
            open_by_interval: address.open_by_interval,
            ports_by_interval: address.ports_by_interval,
        });
        let connections = scenario.connections();
        Report {
            duration_ms: scenario.duration.0.0.unsigned_abs(),
            interval_ms,
            connections,
            served: connections - failed,
            failed,
            ports: self.ports,
            addresses: addresses.collect(),
            failures,
            exhausted: self.exhausted,
            exhausted_more: self.exhausted_more,
        }
    }
}
