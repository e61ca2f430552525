//! A run: arrivals, ends, faults and verdicts in the order of their time.

mod counts;
mod happenings;
mod timeouts;
mod zones;

pub(super) use self::counts::{Causes, OfMember};
use self::counts::{Counts, Whose};
use self::timeouts::Timeouts;
use self::zones::Zones;
use super::bandwidth::Bucket;
use super::ends::{End, Ends};
use super::plan::{Plan, Way};
use super::protection::{Guard, Load};
use super::report::Cause;
use super::scenario::{Answers, Backend};
use crate::balancing::probe_series::ProbeSeries;
use crate::balancing::scheduler::{Candidate, Chooser, Scheduler};
use crate::slb::member::source_key;
use crate::time::SimTime;
use compact_str::format_compact;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How many intervals a report has.
pub(super) const INTERVALS: u64 = 120;
/// Connections between two calls of `progress`.
pub(super) const TELL_EVERY: u64 = 1 << 16;
/// Microseconds in a millisecond: connections come closer together than milliseconds.
pub(super) const US: u64 = 1_000;
/// How many redirects a client follows, one after the other, until it gives up (WHATWG Fetch: HTTP-redirect fetch).
pub(super) const MOST_REDIRECTS: u64 = 20;

/// Runs a plan. `progress` is told how many connections have come and answers whether to go on; a run that is given up has
/// no outcome.
pub(super) fn drive(plan: &Plan, progress: &mut dyn FnMut(u64) -> bool) -> Option<Outcome> {
    let mut run = Run::new(plan);
    let mut arrivals = Arrivals::of(plan);
    let mut come = 0;
    while let Some((crowd, n, at)) = arrivals.next() {
        if come % TELL_EVERY == 0 && !progress(come) {
            return None;
        }
        come += 1;
        run.bring_to(at);
        run.arrive(crowd, n, at);
    }
    run.bring_to(plan.duration.0.unsigned_abs() * US);
    progress(come);
    let Run { mut counts, open, timeouts, .. } = run;
    // What is open at the end was taken and not cut, and what is between two requests has not failed.
    counts.served += open + timeouts.between;
    Some(Outcome { counts, backends: run.backends_open, reopened: timeouts.reopened })
}

/// What came of a run.
pub(super) struct Outcome {
    pub counts: Counts,
    /// The most connections that a backend had open at once, wherever it is a member.
    pub backends: Vec<Open>,
    pub reopened: u64,
}

/// Connections that come, in the order of their time; at one instant in the order of those who come.
struct Arrivals<'p> {
    plan: &'p Plan,
    /// The next of each kind of clients: when it comes, and its number.
    next: Vec<(u64, u64)>,
    numbers: Vec<u64>,
}

impl<'p> Arrivals<'p> {
    fn of(plan: &'p Plan) -> Arrivals<'p> {
        let numbers = plan.crowds.iter().map(|crowd| crowd.connections(plan.duration)).collect();
        Arrivals { plan, next: vec![(0, 0); plan.crowds.len()], numbers }
    }

    /// Of which clients the next is, its number among theirs, and when it comes.
    fn next(&mut self) -> Option<(usize, u64, u64)> {
        let crowd = (0..self.next.len()).min_by_key(|crowd| self.next[*crowd].0)?;
        let (at, n) = self.next[crowd];
        if at == u64::MAX {
            return None;
        }
        let then = n + 1;
        let rate = u64::from(self.plan.crowds[crowd].clients.rate);
        let when = if then < self.numbers[crowd] { then * 1_000_000 / rate } else { u64::MAX };
        self.next[crowd] = (when, then);
        Some((crowd, n, at))
    }
}

struct Run<'p> {
    plan: &'p Plan,
    /// Backends as they are now.
    backends: Vec<Backend>,
    backends_open: Vec<Open>,
    /// Where each backend is a member.
    members_of: Vec<Vec<usize>>,
    members: Vec<State>,
    /// Open connections of each member by the kind of clients.
    open_of: Vec<u64>,
    choices: Vec<Choice>,
    fronts: Vec<Front>,
    buckets: Vec<Bucket>,
    next_fault: usize,
    /// Ends of connections.
    ends: Ends,
    open: u64,
    /// When the next verdict falls, and of whom.
    next_verdict: Option<(u64, usize)>,
    /// When connections of a backend that turned abnormal are cut next.
    next_drained: Option<u64>,
    /// When protections look next at what has come in.
    next_look: Option<u64>,
    timeouts: Timeouts,
    zones: Zones,
    counts: Counts,
}

/// Connections that are open, and the most that were.
#[derive(Clone, Copy, Default)]
pub(super) struct Open {
    now: u64,
    pub most: u64,
}

/// A member as it is now.
struct State {
    weight: u8,
    /// How it answers probes of this member alone.
    checked: Option<(Answers, u16)>,
    series: Option<ProbeSeries>,
    /// Its place in the chooser, if it has one.
    place: Option<usize>,
    open: u64,
    /// Connections of an earlier life were cut and end no more.
    life: u32,
    /// When its connections are cut, after it turned abnormal.
    drained: Option<u64>,
}

/// Who is next.
struct Choice {
    chooser: Chooser,
    /// The member at each place of the chooser.
    eligible: Vec<usize>,
    /// The member that each client keeps, and until when.
    kept: Vec<(u32, u64)>,
}

/// A load balancer as it is now.
struct Front {
    /// Whether one of its zones serves.
    serves: bool,
    open: u64,
    second: u64,
    /// How many came in that second: over TCP and UDP, and over HTTP and HTTPS.
    came: [u32; 2],
    guard: Option<Guard>,
    /// What a connection brings in, by the kind of clients.
    loads: Vec<Load>,
}

/// A connection, or the next request of one: of which clients, which of theirs, and what it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    n: u64,
    crowd: u16,
    way: u32,
}

impl<'p> Run<'p> {
    fn new(plan: &'p Plan) -> Run<'p> {
        let mut members_of = vec![Vec::new(); plan.backends.len()];
        for (at, member) in plan.members.iter().enumerate() {
            members_of[member.backend as usize].push(at);
        }
        let choice = |serving: &super::plan::Serving| {
            let clients = if serving.keeping.is_some() { plan.clients() as usize } else { 0 };
            let chooser = Chooser::new(serving.scheduler, &[]);
            Choice { chooser, eligible: Vec::new(), kept: vec![(0, 0); clients] }
        };
        let front = |balancer: &super::plan::Balancer| Front {
            serves: true,
            open: 0,
            second: 0,
            came: [0; 2],
            guard: balancer.protection.clone().map(|of| Guard::of(of, balancer.attacks.clone())),
            loads: plan.crowds.iter().map(|crowd| Load::of(crowd.clients.bytes)).collect(),
        };
        let mut run = Run {
            plan,
            backends: plan.backends.clone(),
            backends_open: vec![Open::default(); plan.backends.len()],
            members_of,
            members: plan.members.iter().map(|member| State::of(plan, member)).collect(),
            open_of: vec![0; plan.members.len() * plan.crowds.len()],
            choices: plan.servings.iter().map(choice).collect(),
            fronts: plan.balancers.iter().map(front).collect(),
            buckets: (0..)
                .zip(&plan.bandwidths)
                .map(|(at, bandwidth)| Bucket::of(*bandwidth, plan.sharing(at)))
                .collect(),
            next_fault: 0,
            ends: Ends::new(),
            open: 0,
            next_verdict: None,
            next_drained: None,
            next_look: None,
            timeouts: Timeouts::default(),
            zones: Zones::new(plan),
            counts: Counts::new(plan),
        };
        run.next_look = run.fronts.iter().filter_map(|f| f.guard.as_ref()).map(Guard::next_look).min();
        (0..plan.servings.len()).for_each(|serving| run.choose_anew(serving));
        run.find_verdict();
        run
    }

    fn end_one(&mut self, End { member, crowd, life, .. }: End) {
        self.counts.served += u64::from(self.close(member.into(), crowd.into(), life));
    }

    /// Closes a connection, unless it was cut before.
    fn close(&mut self, member: usize, crowd: usize, life: u32) -> bool {
        let state = &mut self.members[member];
        if state.life != life {
            return false;
        }
        state.open -= 1;
        let place = state.place;
        self.open_of[member * self.plan.crowds.len() + crowd] -= 1;
        self.no_longer_open(member, 1);
        if let Some(place) = place {
            self.choices[self.plan.members[member].serving as usize].chooser.ended(place);
        }
        true
    }

    /// So many connections of a member have ended.
    fn no_longer_open(&mut self, member: usize, number: u64) {
        let spec = &self.plan.members[member];
        self.open -= number;
        self.backends_open[spec.backend as usize].now -= number;
        let balancer = self.plan.listener_of(spec.serving as usize).balancer;
        self.fronts[balancer as usize].open -= number;
    }

    /// Makes a scheduler ready for whoever takes traffic now.
    fn choose_anew(&mut self, serving: usize) {
        let spec = &self.plan.servings[serving];
        let taking = |waits: bool| -> Vec<usize> {
            let of = |n: &usize| self.plan.members[*n].waits == waits && self.members[*n].takes();
            spec.members.clone().filter(of).collect()
        };
        let mut eligible = taking(false);
        if eligible.is_empty() {
            eligible = taking(true);
        }
        let now = eligible.iter().map(|n| (*n, self.members[*n].weight));
        let choice = &self.choices[serving];
        // A chooser that has the same members keeps its place in the round.
        if now.eq(choice.eligible.iter().copied().zip(choice.chooser.weights().iter().copied())) {
            return;
        }
        let candidate = |n: &usize| Candidate {
            key: self.plan.backends[self.plan.members[*n].backend as usize].ring_key(),
            weight: self.members[*n].weight,
        };
        let candidates: Vec<Candidate> = eligible.iter().map(candidate).collect();
        let mut chooser = Chooser::new(spec.scheduler, &candidates);
        spec.members.clone().for_each(|n| self.members[n].place = None);
        for (place, member) in eligible.iter().enumerate() {
            self.members[*member].place = Some(place);
            chooser.opened(place, self.members[*member].open);
        }
        (self.choices[serving].chooser, self.choices[serving].eligible) = (chooser, eligible);
    }

    fn arrive(&mut self, crowd: usize, n: u64, at: u64) {
        self.counts.connections[crowd] += 1;
        let spec = &self.plan.crowds[crowd];
        let clients = &spec.clients;
        let (least, most) =
            (clients.connection.us(), clients.connection_max.unwrap_or(clients.connection).us());
        let length = least + draw(spec.seed ^ 2, n) % (most - least + 1);
        self.connect(Call { n, crowd: crowd as u16, way: spec.way(n) }, at, length);
    }

    /// A connection comes, or comes anew, that goes on for so long; where it is redirected it comes to the other listener at the
    /// same instant.
    fn connect(&mut self, mut call: Call, at: u64, length: u64) {
        let mut followed = 0;
        loop {
            let way = &self.plan.ways[call.way as usize];
            let (crowd, serving) = (usize::from(call.crowd), way.serving as usize);
            let whose = Whose { crowd, serving, member: None };
            self.counts.ask(at, crowd, serving);
            if let Some(cause) = self.stopped(call, way, at) {
                return self.counts.fail(at, whose, cause, 1);
            }
            let Some(next) = way.next else { return self.forward(call, way, at, length) };
            let follows = self.plan.crowds[crowd].follows;
            self.counts.redirect(crowd, serving, follows);
            if !follows {
                return;
            }
            if followed == MOST_REDIRECTS {
                return self.counts.fail(at, whose, Cause::TooManyRedirects, 1);
            }
            followed += 1;
            call.way = next;
        }
    }

    /// Why a load balancer lets a connection no further; it counts the connection if it does.
    fn stopped(&mut self, call: Call, way: &Way, at: u64) -> Option<Cause> {
        let listener = &self.plan.listeners[way.listener as usize];
        let spec = &self.plan.balancers[listener.balancer as usize];
        let front = &mut self.fronts[listener.balancer as usize];
        if !front.serves {
            return Some(Cause::ZoneDown);
        }
        let load = front.loads[usize::from(call.crowd)];
        if let Some(cause) = front.guard.as_mut().and_then(|guard| guard.stops(load)) {
            return Some(cause);
        }
        if let Some(gate) = &listener.gate {
            let crowd = &self.plan.crowds[usize::from(call.crowd)];
            if !gate.lets_in(crowd.address(crowd.client(call.n))) {
                return Some(Cause::AccessControl);
            }
        }
        let kind = usize::from(listener.protocol.is_http());
        let second = at / 1_000_000;
        if front.second != second {
            (front.second, front.came) = (second, [0; 2]);
        }
        let full = spec.most_open.is_some_and(|most| front.open >= u64::from(most));
        if full || spec.most_new[kind].is_some_and(|most| front.came[kind] >= most) {
            return Some(Cause::Limit);
        }
        if !listener.through.is_empty() {
            let buckets = &mut self.buckets;
            let bits = load.bits();
            let through = || listener.through.iter().map(|(bucket, of)| (*bucket as usize, *of as usize));
            if !through().all(|(bucket, of)| buckets[bucket].has(at, of, bits)) {
                return Some(Cause::OverBandwidth);
            }
            through().for_each(|(bucket, of)| buckets[bucket].take(of, bits));
        }
        front.came[kind] += 1;
        None
    }

    /// Gives a connection to a backend.
    fn forward(&mut self, call: Call, way: &Way, at: u64, length: u64) {
        let serving = way.serving as usize;
        let whose = Whose { crowd: usize::from(call.crowd), serving, member: None };
        let Some(member) = self.pick(call, serving, at) else {
            return self.counts.fail(at, whose, Cause::NobodyThere, 1);
        };
        let listener = &self.plan.listeners[way.listener as usize];
        let backend = &self.backends[self.plan.members[member].backend as usize];
        let failure = match backend.answers {
            Answers::Refuses => Some(Cause::Refused),
            Answers::Silent => Some(Cause::NoAnswer),
            answers if listener.loses_patience(answers) => None,
            Answers::After(_) if listener.protocol.is_http() && backend.status >= 500 => {
                Some(Cause::BadStatus)
            }
            Answers::After(_) => None,
        };
        match failure {
            Some(cause) => {
                self.counts.fail(at, Whose { member: Some(member), ..whose }, cause, 1);
                if let Some(place) = self.members[member].place {
                    self.choices[serving].chooser.ended(place);
                }
            }
            None => self.open_one(call, member, at, length),
        }
    }

    /// The member that takes a connection: the one that its client keeps while it takes traffic, else whose turn it is.
    fn pick(&mut self, call: Call, serving: usize, at: u64) -> Option<usize> {
        let crowd = &self.plan.crowds[usize::from(call.crowd)];
        let client = crowd.client(call.n);
        let Some((length, renewed)) = self.plan.servings[serving].keeping else {
            return self.choose(call, serving, client);
        };
        // A cookie is a client's own; a source is its address, whoever else has it.
        let source = crowd.first_there.get(client as usize).filter(|_| renewed);
        let keeper = source.copied().unwrap_or(crowd.first + client) as usize;
        let (kept, until) = self.choices[serving].kept[keeper];
        if at < until
            && let Some(place) = self.members[kept as usize].place
        {
            let choice = &mut self.choices[serving];
            choice.chooser.opened(place, 1);
            if renewed {
                choice.kept[keeper].1 = at + length;
            }
            return Some(kept as usize);
        }
        let member = self.choose(call, serving, client)?;
        self.choices[serving].kept[keeper] = (member as u32, at + length);
        Some(member)
    }

    /// The member whose turn it is.
    fn choose(&mut self, call: Call, serving: usize, client: u64) -> Option<usize> {
        // What hashing schedulers hash: the source address, with the four-tuple what differs by connection too, and the id of a
        // QUIC connection alone, which is drawn for each. A client without an address is a number.
        let crowd = &self.plan.crowds[usize::from(call.crowd)];
        let scheduler = self.plan.servings[serving].scheduler;
        let drawn = || draw(crowd.seed ^ 1, call.n);
        if matches!(scheduler, Scheduler::SourceHash | Scheduler::TupleHash)
            && let Some(address) = crowd.address(client)
        {
            let mut key = source_key(address);
            if scheduler == Scheduler::TupleHash {
                key = format_compact!("{key},{}", drawn());
            }
            let choice = &mut self.choices[serving];
            return Some(choice.eligible[choice.chooser.choose(key.as_bytes())?]);
        }
        let client = crowd.first + client;
        let (client, connection) = match scheduler {
            Scheduler::TupleHash => (client, drawn()),
            Scheduler::QuicHash => (0, drawn()),
            _ => (client, 0),
        };
        let mut key = [0; 16];
        key[..8].copy_from_slice(&client.to_le_bytes());
        key[8..].copy_from_slice(&connection.to_le_bytes());
        let choice = &mut self.choices[serving];
        Some(choice.eligible[choice.chooser.choose(&key)?])
    }

    fn open_one(&mut self, call: Call, member: usize, at: u64, length: u64) {
        let spec = &self.plan.members[member];
        let state = &mut self.members[member];
        state.open += 1;
        self.counts.take(at, member, state.open);
        self.open += 1;
        self.open_of[member * self.plan.crowds.len() + usize::from(call.crowd)] += 1;
        let of_backend = &mut self.backends_open[spec.backend as usize];
        of_backend.now += 1;
        of_backend.most = of_backend.most.max(of_backend.now);
        let balancer = self.plan.listener_of(spec.serving as usize).balancer;
        self.fronts[balancer as usize].open += 1;
        self.let_go_on(call, member, at, length);
    }
}

/// What a run draws for its connection or client number `n`: XXH3 of the number as eight bytes, the lowest first, with the
/// seed. Each use has a seed of its own, the scenario's with a small number added without carry; in a mix each kind of clients
/// has its number in the bits above those of the scenario's seed.
pub fn draw(seed: u64, n: u64) -> u64 {
    xxh3_64_with_seed(&n.to_le_bytes(), seed)
}
