//! A run: arrivals, ends, faults and verdicts in the order of their time.

mod timeouts;
mod zones;

use self::timeouts::Timeouts;
use self::zones::Zones;
use super::bad::BadScenario;
use super::ends::{End, Ends};
use super::length::Length;
use super::protection::Guard;
use super::report::{Cause, Happened, OfBackend, OfCause, Report, What};
use super::scenario::{Answers, Backend, Scenario};
use crate::balancing::probe_series::{Health, ProbeSeries};
use crate::balancing::scheduler::{Candidate, Chooser, Scheduler};
use crate::slb::health_check::HealthCheck;
use crate::time::SimTime;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How many intervals a report has.
pub(super) const INTERVALS: u64 = 120;
/// Connections between two calls of `progress`.
pub(super) const TELL_EVERY: u64 = 1 << 16;
/// Microseconds in a millisecond: connections come closer together than milliseconds.
pub(super) const US: u64 = 1_000;

/// Runs a scenario. `progress` is told how many connections have come and answers whether to go on; a run that is given
/// up has no report.
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
    let rate = u64::from(scenario.clients.rate);
    for n in 0..number {
        if n.is_multiple_of(TELL_EVERY) && !progress(n) {
            return Ok(None);
        }
        let at = n * 1_000_000 / rate;
        run.bring_to(at);
        run.arrive(n, at);
    }
    run.bring_to(scenario.duration.us());
    progress(number);
    Ok(Some(run.report()))
}

struct Run<'s> {
    scenario: &'s Scenario,
    check: Option<HealthCheck>,
    backends: Vec<State>,
    faults: Vec<(u64, usize)>,
    next_fault: usize,
    chooser: Chooser,
    /// The backend at each place of the chooser.
    eligible: Vec<usize>,
    /// The place in the chooser of each backend, if it has one.
    places: Vec<Option<usize>>,
    /// Ends of connections.
    ends: Ends,
    /// How long a client keeps its backend, and whether each connection makes it anew.
    keeping: Option<(Length, bool)>,
    /// The backend that each client keeps, and until when.
    kept: Vec<(u32, u64)>,
    /// The most connections at once and the most new ones a second.
    limits: (Option<u32>, Option<u32>),
    open: u64,
    second: (u64, u32),
    /// When the next verdict falls, and of whom.
    next_verdict: Option<(u64, usize)>,
    /// When connections of a backend that turned abnormal are cut next.
    next_drained: Option<u64>,
    guard: Option<Guard>,
    timeouts: Timeouts,
    zones: Zones,
    counts: Counts,
}

/// A backend as it is now.
struct State {
    spec: Backend,
    series: Option<ProbeSeries>,
    open: u64,
    /// Connections of an earlier life were cut and end no more.
    life: u32,
    /// When the connections of a backend that turned abnormal are cut.
    drained: Option<u64>,
}

struct Counts {
    interval_ms: u64,
    taken: Vec<Vec<u64>>,
    failed: Vec<u64>,
    most_open: Vec<u64>,
    causes: Vec<Vec<u64>>,
    happened: Vec<Happened>,
    connections: u64,
    served: u64,
}

impl<'s> Run<'s> {
    fn new(scenario: &'s Scenario) -> Run<'s> {
        let check = scenario.health_check.as_ref().map(|c| c.of_listener(scenario.listener.protocol));
        let start = SimTime(-scenario.listener.running_for.0.0);
        let state = |spec: &Backend| {
            let series = check.as_ref().filter(|_| !spec.waits).map(|check| {
                let anew =
                    || ProbeSeries::new(check.rhythm(), check.answering(Some(spec.to_probes())), start);
                let mut series = spec.probes.unwrap_or_else(anew);
                series.bring_to(SimTime(0));
                series
            });
            State { spec: spec.clone(), series, open: 0, life: 0, drained: None }
        };
        let backends: Vec<State> = scenario.backends.iter().map(state).collect();
        let mut faults: Vec<(u64, usize)> =
            scenario.faults.iter().enumerate().map(|(at, fault)| (fault.at.us(), at)).collect();
        faults.sort_unstable();
        let keeping = scenario.listener.keeping();
        let kept = if keeping.is_some() { scenario.clients.number as usize } else { 0 };
        let mut run = Run {
            counts: Counts::new(scenario),
            scenario,
            check,
            faults,
            next_fault: 0,
            chooser: Chooser::new(scenario.listener.scheduler, &[]),
            eligible: Vec::new(),
            places: vec![None; backends.len()],
            ends: Ends::new(),
            keeping,
            kept: vec![(0, 0); kept],
            limits: scenario.listener.limits(),
            open: 0,
            second: (0, 0),
            next_verdict: None,
            next_drained: None,
            guard: Guard::of(scenario),
            timeouts: Timeouts::new(scenario),
            zones: Zones::new(scenario),
            backends,
        };
        run.choose_anew();
        run
    }

    /// Lets everything happen that falls at or before `at`, in order; at one instant ends come first, then
    /// timeouts, then zones, then faults, then verdicts, then what drained, then what the protection measured.
    fn bring_to(&mut self, at: u64) {
        loop {
            let fault = self.faults.get(self.next_fault).map(|(when, _)| *when);
            let verdict = self.next_verdict.map(|(when, _)| when);
            let look = self.guard.as_ref().map(Guard::next_look);
            let fate = self.timeouts.next();
            let zone = self.zones.next();
            let first = [fate, zone, fault, verdict, self.next_drained, look].into_iter().flatten().min();
            let first = first.filter(|first| *first <= at);
            while let Some(end) = self.ends.take(first.unwrap_or(at)) {
                self.end_one(end);
            }
            let Some(first) = first else { return };
            if fate == Some(first) {
                self.meet_fate();
            } else if zone == Some(first) {
                self.change_zone();
            } else if fault == Some(first) {
                self.strike();
            } else if verdict == Some(first) {
                self.judge();
            } else if self.next_drained == Some(first) {
                self.cut_drained(first);
            } else {
                self.look(first);
            }
        }
    }

    /// The protection looks at the second that ends.
    fn look(&mut self, when: u64) {
        let Some(guard) = &mut self.guard else { return };
        let changes: Vec<What> = guard.look().collect();
        for what in changes {
            self.counts.note(when, None, what);
            if what == What::BlackHoleBegan {
                (0..self.backends.len()).for_each(|place| self.cut(when, place, Cause::BlackHole));
            }
        }
    }

    fn end_one(&mut self, End { backend, life, .. }: End) {
        self.counts.served += u64::from(self.close(backend, life));
    }

    /// Closes a connection, unless it was cut before.
    fn close(&mut self, backend: u32, life: u32) -> bool {
        let state = &mut self.backends[backend as usize];
        if state.life != life {
            return false;
        }
        state.open -= 1;
        self.open -= 1;
        if let Some(place) = self.places[backend as usize] {
            self.chooser.ended(place);
        }
        true
    }

    fn strike(&mut self) {
        let (when, number) = self.faults[self.next_fault];
        self.next_fault += 1;
        let fault = &self.scenario.faults[number];
        let place = self.scenario.place(&fault.backend).expect("the scenario was checked");
        let state = &mut self.backends[place];
        fault.strike(&mut state.spec);
        let dead = matches!(state.spec.answers, Answers::Refuses | Answers::Silent);
        let known = state.series.map(|series| series.health());
        if let (Some(series), Some(check)) = (&mut state.series, &self.check) {
            let answering = check.answering(Some(state.spec.to_probes()));
            series.change(SimTime((when / US) as i64), answering);
        }
        let changed = state.series.map(|series| series.health()) != known;
        self.counts.note(when, Some(&fault.backend), What::Fault);
        if changed {
            self.note_health(when, place);
        }
        if dead {
            self.cut(when, place, Cause::Cut);
        }
        self.choose_anew();
    }

    fn judge(&mut self) {
        let Some((when, place)) = self.next_verdict else { return };
        if let Some(series) = &mut self.backends[place].series {
            series.bring_to(SimTime((when / US) as i64));
        }
        self.note_health(when, place);
        self.choose_anew();
    }

    /// A verdict has fallen: without draining, the connections of an abnormal backend are cut.
    fn note_health(&mut self, when: u64, place: usize) {
        let state = &mut self.backends[place];
        let Some(health) = state.series.map(|series| series.health()) else { return };
        let drain = self.scenario.listener.drain.us();
        state.drained = (health == Health::Abnormal && state.open > 0).then_some(when + drain);
        self.next_drained = self.backends.iter().filter_map(|b| b.drained).min();
        self.counts.note(when, Some(&self.scenario.backends[place].name), health.into());
        if drain == 0 {
            self.cut_drained(when);
        }
    }

    fn cut_drained(&mut self, when: u64) {
        for place in 0..self.backends.len() {
            if self.backends[place].drained.is_some_and(|drained| drained <= when) {
                self.backends[place].drained = None;
                self.cut(when, place, Cause::Cut);
            }
        }
        self.next_drained = self.backends.iter().filter_map(|b| b.drained).min();
    }

    /// Every open connection of a backend fails.
    fn cut(&mut self, when: u64, place: usize, cause: Cause) {
        let state = &mut self.backends[place];
        let lost = std::mem::take(&mut state.open);
        state.life += 1;
        self.open -= lost;
        self.counts.fail(when, Some(place), cause, lost);
        if let Some(at) = self.places[place] {
            (0..lost).for_each(|_| self.chooser.ended(at));
        }
    }

    /// Makes the scheduler ready for whoever takes traffic now, and finds the next verdict.
    fn choose_anew(&mut self) {
        let takes = |state: &State| {
            state.spec.weight > 0 && state.series.is_none_or(|series| series.health() == Health::Normal)
        };
        let taking = |waits: bool| -> Vec<usize> {
            let of = |n: &usize| self.backends[*n].spec.waits == waits && takes(&self.backends[*n]);
            (0..self.backends.len()).filter(of).collect()
        };
        let mut eligible = taking(false);
        if eligible.is_empty() {
            eligible = taking(true);
        }
        let weights = |list: &[usize], run: &Run<'_>| -> Vec<(usize, u8)> {
            list.iter().map(|n| (*n, run.backends[*n].spec.weight)).collect()
        };
        // A chooser that has the same backends keeps its place in the round.
        if weights(&eligible, self) != self.chooser_made_for() {
            let candidate = |n: &usize| Candidate {
                key: self.backends[*n].spec.name.clone().into_bytes(),
                weight: self.backends[*n].spec.weight,
            };
            let candidates: Vec<Candidate> = eligible.iter().map(candidate).collect();
            self.chooser = Chooser::new(self.scenario.listener.scheduler, &candidates);
            self.places = vec![None; self.backends.len()];
            for (place, backend) in eligible.iter().enumerate() {
                self.places[*backend] = Some(place);
                self.chooser.opened(place, self.backends[*backend].open);
            }
            self.eligible = eligible;
        }
        let verdict = |(place, state): (usize, &State)| {
            state.series.and_then(|series| series.next_change()).map(|at| (at.0.unsigned_abs() * US, place))
        };
        self.next_verdict = self.backends.iter().enumerate().filter_map(verdict).min();
    }

    fn chooser_made_for(&self) -> Vec<(usize, u8)> {
        self.eligible.iter().zip(self.chooser.weights()).map(|(n, weight)| (*n, *weight)).collect()
    }

    fn arrive(&mut self, n: u64, at: u64) {
        self.counts.connections += 1;
        let clients = &self.scenario.clients;
        let (least, most) =
            (clients.connection.us(), clients.connection_max.unwrap_or(clients.connection).us());
        let length = least + draw(self.scenario.seed ^ 2, n) % (most - least + 1);
        self.connect(n, at, length);
    }

    /// A connection comes, or comes anew, that goes on for so long.
    fn connect(&mut self, n: u64, at: u64, length: u64) {
        if let Some(cause) = self.zones.stop().or_else(|| self.guard.as_mut().and_then(Guard::stops)) {
            return self.counts.fail(at, None, cause, 1);
        }
        if self.at_limit(at) {
            return self.counts.fail(at, None, Cause::Limit, 1);
        }
        let client = draw(self.scenario.seed, n) % u64::from(self.scenario.clients.number);
        let Some(backend) = self.pick(client, n, at) else {
            return self.counts.fail(at, None, Cause::NobodyThere, 1);
        };
        let State { spec, .. } = &self.backends[backend];
        let failure = match spec.answers {
            Answers::Refuses => Some(Cause::Refused),
            Answers::Silent => Some(Cause::NoAnswer),
            answers if self.timeouts.loses_patience(answers) => None,
            Answers::After(_) if self.scenario.listener.protocol.is_http() && spec.status >= 500 => {
                Some(Cause::BadStatus)
            }
            Answers::After(_) => None,
        };
        match failure {
            Some(cause) => {
                self.counts.fail(at, Some(backend), cause, 1);
                if let Some(place) = self.places[backend] {
                    self.chooser.ended(place);
                }
            }
            None => self.open_one(backend, n, at, length),
        }
    }

    /// Whether a limit of the specification is reached; it counts the connection if not.
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

    /// The backend of a connection: the one that its client keeps while it takes traffic, else whose turn it is.
    fn pick(&mut self, client: u64, n: u64, at: u64) -> Option<usize> {
        let Some((length, renewed)) = self.keeping else { return self.choose(client, n) };
        let (kept, until) = self.kept[client as usize];
        let kept = kept as usize;
        if at < until
            && let Some(place) = self.places[kept]
        {
            self.chooser.opened(place, 1);
            if renewed {
                self.kept[client as usize].1 = at + length.us();
            }
            return Some(kept);
        }
        let backend = self.choose(client, n)?;
        self.kept[client as usize] = (backend as u32, at + length.us());
        Some(backend)
    }

    /// The backend whose turn it is.
    fn choose(&mut self, client: u64, n: u64) -> Option<usize> {
        let key = self.key(client, n);
        Some(self.eligible[self.chooser.choose(&key)?])
    }

    /// What hashing schedulers hash: the source address, and for the four-tuple and QUIC what differs by connection.
    fn key(&self, client: u64, n: u64) -> [u8; 16] {
        let connection = match self.scenario.listener.scheduler {
            Scheduler::TupleHash | Scheduler::QuicHash => draw(self.scenario.seed ^ 1, n),
            _ => 0,
        };
        let mut key = [0; 16];
        key[..8].copy_from_slice(&client.to_le_bytes());
        key[8..].copy_from_slice(&connection.to_le_bytes());
        key
    }

    fn open_one(&mut self, backend: usize, n: u64, at: u64, length: u64) {
        let state = &mut self.backends[backend];
        state.open += 1;
        self.open += 1;
        self.counts.take(at, backend, state.open);
        self.let_go_on(backend, n, at, length);
    }

    fn report(self) -> Report {
        let Run { scenario, counts, open, timeouts, .. } = self;
        let total = |list: &Vec<u64>| list.iter().sum::<u64>();
        let backends = scenario.backends.iter().enumerate().map(|(at, backend)| OfBackend {
            name: backend.name.clone(),
            taken: total(&counts.taken[at]),
            failed: counts.failed[at],
            most_open: counts.most_open[at],
            taken_by_interval: counts.taken[at].clone(),
        });
        let backends = backends.collect();
        let failures = Cause::ALL.iter().zip(&counts.causes).filter(|(_, list)| total(list) > 0);
        let failures: Vec<OfCause> = failures
            .map(|(cause, list)| OfCause { cause: *cause, number: total(list), by_interval: list.clone() })
            .collect();
        Report {
            duration_ms: scenario.duration.0.0.unsigned_abs(),
            interval_ms: counts.interval_ms,
            forwarding_rule_id: scenario.rule.clone(),
            connections: counts.connections,
            // What is open at the end was taken and not cut, and what is between two requests has not failed.
            served: counts.served + open + timeouts.between,
            reopened: timeouts.reopened,
            failed: failures.iter().map(|of| of.number).sum(),
            backends,
            failures,
            happened: counts.happened,
        }
    }
}

impl Counts {
    fn new(scenario: &Scenario) -> Counts {
        let duration = scenario.duration.0.0.unsigned_abs();
        let interval_ms = duration.div_ceil(INTERVALS).max(1);
        // An end of the run that falls on an interval's border belongs to the last one.
        let intervals = duration.div_ceil(interval_ms) as usize;
        let number = scenario.backends.len();
        Counts {
            interval_ms,
            taken: vec![vec![0; intervals]; number],
            failed: vec![0; number],
            most_open: vec![0; number],
            causes: vec![vec![0; intervals]; Cause::ALL.len()],
            happened: Vec::new(),
            connections: 0,
            served: 0,
        }
    }

    fn interval(&self, at: u64) -> usize {
        ((at / US / self.interval_ms) as usize).min(self.causes[0].len() - 1)
    }

    fn take(&mut self, at: u64, backend: usize, open: u64) {
        let interval = self.interval(at);
        self.taken[backend][interval] += 1;
        self.most_open[backend] = self.most_open[backend].max(open);
    }

    fn fail(&mut self, at: u64, backend: Option<usize>, cause: Cause, number: u64) {
        let interval = self.interval(at);
        self.causes[cause as usize][interval] += number;
        if let Some(backend) = backend {
            self.failed[backend] += number;
        }
    }

    fn note(&mut self, at: u64, backend: Option<&str>, what: What) {
        self.happened.push(Happened { at_ms: at / US, backend: backend.map(str::to_owned), what });
    }
}

/// What a run draws for its connection or client number `n`: XXH3 of the number as eight bytes, the lowest first, with the
/// seed. Each use has a seed of its own, the scenario's with a small number added without carry.
pub fn draw(seed: u64, n: u64) -> u64 {
    xxh3_64_with_seed(&n.to_le_bytes(), seed)
}
