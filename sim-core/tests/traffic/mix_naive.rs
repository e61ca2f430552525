//! A mix run a second way: every connection is a row of a list, what is open is counted by walking it, and turns are
//! counted one by one. The addresses of clients are cut out of a list of all of them, and a bandwidth follows all that came
//! from the beginning, and adds up what came since each earlier instant. Only the series of probes is the same, which is
//! held against a prober elsewhere.

use sim_core::SimTime;
use sim_core::balancing::probe_series::{Health, ProbeSeries};
use sim_core::balancing::scheduler::Scheduler;
use sim_core::ecs::service_port::{Behaviour, PortBehaviour};
use sim_core::slb::acl::AclKind;
use sim_core::slb::health_check::HealthCheck;
use sim_core::traffic::mix::Scenario;
use sim_core::traffic::mix::scenario::{Listener, Member, Rule};
use sim_core::traffic::report::What;
use sim_core::traffic::scenario::Answers;
use sim_core::traffic::{Cause, draw};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// How many connections a member took, and the most that it had open.
pub type OfMember = (u64, u64);

/// What is told of a mix, as far as both ways tell it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Connections, served, failed and not followed ones, and redirects, by kind of clients.
    pub clients: Vec<[u64; 5]>,
    /// Requests, failed ones, and what became of members, by what serves.
    pub servings: Vec<(u64, u64, Vec<OfMember>)>,
    pub failures: BTreeMap<Cause, u64>,
    pub verdicts: Vec<(u64, String, String, What)>,
}

struct Connection {
    end: u64,
    serving: usize,
    member: usize,
    crowd: usize,
    cut: bool,
}

impl Connection {
    fn open(&self, at: u64) -> bool {
        !self.cut && self.end > at
    }
}

/// What serves: a listener by itself, or one of its rules.
struct Serving {
    label: String,
    listener: usize,
    scheduler: Scheduler,
    keeping: Option<(u64, bool)>,
    check: Option<HealthCheck>,
    members: Vec<State>,
    /// By whom: a client, or an address.
    kept: BTreeMap<(bool, u128), (usize, u64)>,
    /// The members that took traffic last with their weights, and the turns that they have had.
    round: (Vec<(usize, u8)>, u64),
}

struct State {
    backend: usize,
    weight: u8,
    series: Option<ProbeSeries>,
    drained: Option<u64>,
    most: u64,
    taken: u64,
}

/// A bandwidth: a listener's own, what listeners of a load balancer share, or its elastic IP address's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Through {
    Own(usize),
    Shared(usize),
    Eip(usize),
}

/// Who connects.
#[derive(Clone, Copy)]
struct Caller {
    crowd: usize,
    /// Its number among all clients.
    client: u64,
    address: Option<u32>,
}

struct Naive<'s> {
    s: &'s Scenario,
    answers: Vec<(Answers, u16)>,
    servings: Vec<Serving>,
    connections: Vec<Connection>,
    /// How many came in which second by which load balancer, over HTTP or not.
    came: BTreeMap<(usize, u64, bool), u32>,
    /// The addresses of clients, by kind; none if they have none.
    addresses: Vec<Vec<u32>>,
    /// What came through which bandwidth: when, to which listener, and how many bits.
    through: BTreeMap<Through, Vec<(u64, usize, u64)>>,
    next_fault: usize,
    faults: Vec<usize>,
    told: Told,
}

fn us(length: sim_core::traffic::length::Length) -> u64 {
    length.0.0 as u64 * 1_000
}

fn found((answers, status): (Answers, u16)) -> PortBehaviour {
    PortBehaviour::Up(match answers {
        Answers::After(after) => Behaviour::Answers { after, status },
        Answers::Refuses => Behaviour::Refuses,
        Answers::Silent => Behaviour::Silent,
    })
}

pub fn run(s: &Scenario) -> Told {
    let mut naive = Naive::new(s);
    let mut arrivals = Vec::new();
    for (crowd, clients) in s.clients.iter().enumerate() {
        let times = (0..).map(|n| (n * 1_000_000 / u64::from(clients.rate), crowd, n));
        let ms = s.duration.0.0 as u64;
        arrivals.extend(times.take((ms * u64::from(clients.rate)).div_ceil(1_000) as usize));
    }
    arrivals.sort_unstable();
    for (at, crowd, n) in arrivals {
        naive.pass(at);
        naive.arrive(at, crowd, n);
    }
    naive.pass(us(s.duration));
    naive.finish()
}

impl<'s> Naive<'s> {
    fn new(s: &'s Scenario) -> Naive<'s> {
        let mut faults: Vec<usize> = (0..s.faults.len()).collect();
        faults.sort_by_key(|fault| s.faults[*fault].at.0);
        let mut naive = Naive {
            s,
            answers: s.backends.iter().map(|backend| (backend.answers, backend.status)).collect(),
            servings: Vec::new(),
            connections: Vec::new(),
            came: BTreeMap::new(),
            addresses: (0..s.clients.len()).map(|crowd| addresses(s, crowd)).collect(),
            through: BTreeMap::new(),
            next_fault: 0,
            faults,
            told: Told { clients: vec![[0; 5]; s.clients.len()], ..Told::default() },
        };
        for (at, listener) in s.listeners.iter().enumerate() {
            naive.add(at, listener, None);
            listener.rules.iter().for_each(|rule| naive.add(at, listener, Some(rule)));
        }
        naive.told.servings = naive.servings.iter().map(|_| (0, 0, Vec::new())).collect();
        naive
    }

    fn add(&mut self, at: usize, listener: &Listener, rule: Option<&Rule>) {
        let own = rule.and_then(|rule| rule.own.as_ref());
        let usual = listener.health_check.as_ref().or(self.s.health_check.as_ref());
        let check = own.map_or(usual, |own| own.health_check.as_ref()).map(|check| {
            let (timeout, interval) = (check.timeout.0.0 / 1_000, check.interval.0.0 / 1_000);
            HealthCheck {
                timeout: timeout as u16,
                interval: interval as u8,
                healthy: check.healthy,
                unhealthy: check.unhealthy,
                // Statuses of 200 to 299.
                classes: 1,
                ..HealthCheck::of(listener.protocol)
            }
        });
        let cookie = own.map_or(listener.cookie, |own| own.cookie);
        let persistence = Some(us(listener.persistence)).filter(|length| *length > 0);
        let keeping = cookie.map(|c| (us(c), false)).or(persistence.map(|length| (length, true)));
        let name = rule.map_or(listener.group.as_deref(), |rule| Some(rule.group.as_str()));
        let of_group =
            |name: &str| self.s.groups.iter().find(|group| group.name == name).unwrap().members.clone();
        let all = || {
            let of = self.s.backends.iter().map(|backend| Member {
                backend: backend.name.clone(),
                weight: None,
                waits: None,
                probes: None,
                checked: None,
            });
            of.collect()
        };
        let members = match (&listener.redirect, name) {
            (Some(_), _) => Vec::new(),
            (None, Some(name)) => of_group(name),
            (None, None) => all(),
        };
        let start = SimTime(-listener.running_for.0.0);
        let members = members.iter().map(|member| {
            let backend = self.s.backends.iter().position(|b| b.name == member.backend).unwrap();
            let answering = |check: &HealthCheck| check.answering(Some(found(self.answers[backend])));
            let mut series = check.as_ref().map(|c| ProbeSeries::new(c.rhythm(), answering(c), start));
            series.iter_mut().for_each(|series| series.bring_to(SimTime(0)));
            let weight = member.weight.unwrap_or(self.s.backends[backend].weight);
            State { backend, weight, series, drained: None, most: 0, taken: 0 }
        });
        let label = rule.map_or(listener.name.clone(), |rule| format!("{}/{}", listener.name, rule.name));
        self.servings.push(Serving {
            label,
            listener: at,
            scheduler: own.map_or(listener.scheduler, |own| own.scheduler),
            keeping,
            members: members.collect(),
            check,
            kept: BTreeMap::new(),
            round: (Vec::new(), 0),
        });
    }

    /// Everything up to an instant: faults before verdicts before what has drained.
    fn pass(&mut self, until: u64) {
        loop {
            let fault = self.faults.get(self.next_fault).map(|f| (us(self.s.faults[*f].at), 0, 0, 0));
            let mut next = vec![fault];
            for (serving, of) in self.servings.iter().enumerate() {
                for (member, state) in of.members.iter().enumerate() {
                    let change = state.series.and_then(|series| series.next_change());
                    next.push(change.map(|at| (at.0 as u64 * 1_000, 1, serving, member)));
                    next.push(state.drained.map(|at| (at, 2, serving, member)));
                }
            }
            let Some((at, what, serving, member)) = next.into_iter().flatten().min() else { return };
            if at > until {
                return;
            }
            match what {
                0 => self.strike(at),
                1 => {
                    let state = &mut self.servings[serving].members[member];
                    state.series.as_mut().unwrap().bring_to(SimTime((at / 1_000) as i64));
                    self.verdict(at, serving, member);
                }
                _ => self.cut(at, serving, member),
            }
            // Whoever takes traffic, the round of those that served begins anew with another list.
            (0..self.servings.len()).for_each(|serving| self.turn(serving));
        }
    }

    fn strike(&mut self, at: u64) {
        let fault = &self.s.faults[self.faults[self.next_fault]];
        self.next_fault += 1;
        let backend = self.s.backends.iter().position(|b| b.name == fault.backend).unwrap();
        let now = &mut self.answers[backend];
        *now = (fault.answers.unwrap_or(now.0), fault.status.unwrap_or(now.1));
        let now = *now;
        for serving in 0..self.servings.len() {
            for member in 0..self.servings[serving].members.len() {
                let check = self.servings[serving].check.clone();
                let state = &mut self.servings[serving].members[member];
                if state.backend != backend {
                    continue;
                }
                state.weight = fault.weight.unwrap_or(state.weight);
                let before = state.series.map(|series| series.health());
                if let (Some(series), Some(check)) = (&mut state.series, check) {
                    series.change(SimTime((at / 1_000) as i64), check.answering(Some(found(now))));
                }
                if state.series.map(|series| series.health()) != before {
                    self.verdict(at, serving, member);
                }
                if matches!(now.0, Answers::Refuses | Answers::Silent) {
                    self.cut(at, serving, member);
                }
            }
        }
    }

    fn verdict(&mut self, at: u64, serving: usize, member: usize) {
        let drain = us(self.s.listeners[self.servings[serving].listener].drain);
        let open = self.open(at, serving, member);
        let of = &mut self.servings[serving];
        let state = &mut of.members[member];
        let health = state.series.unwrap().health();
        state.drained = (health == Health::Abnormal && open > 0).then_some(at + drain);
        let name = self.s.backends[state.backend].name.clone();
        self.told.verdicts.push((at / 1_000, name, of.label.clone(), health.into()));
        if drain == 0 && state.drained.is_some() {
            self.cut(at, serving, member);
        }
    }

    fn cut(&mut self, at: u64, serving: usize, member: usize) {
        let mut crowds = Vec::new();
        for c in self.connections.iter_mut().filter(|c| (c.serving, c.member) == (serving, member)) {
            if c.open(at) {
                c.cut = true;
                crowds.push(c.crowd);
            }
        }
        let state = &mut self.servings[serving].members[member];
        if state.drained.is_some_and(|drained| drained <= at) {
            state.drained = None;
        }
        crowds.into_iter().for_each(|crowd| self.fail(crowd, serving, Cause::Cut));
    }

    fn open(&self, at: u64, serving: usize, member: usize) -> u64 {
        let of = self.connections.iter().filter(|c| (c.serving, c.member) == (serving, member));
        of.filter(|c| c.open(at)).count() as u64
    }

    fn fail(&mut self, crowd: usize, serving: usize, cause: Cause) {
        self.told.clients[crowd][2] += 1;
        self.told.servings[serving].1 += 1;
        *self.told.failures.entry(cause).or_default() += 1;
    }

    fn arrive(&mut self, at: u64, crowd: usize, n: u64) {
        let clients = &self.s.clients[crowd];
        let seed = self.s.seed + ((crowd as u64) << 53);
        let (least, most) =
            (us(clients.connection), us(clients.connection_max.unwrap_or(clients.connection)));
        let end = at + least + draw(seed ^ 2, n) % (most - least + 1);
        let earlier: u64 = self.s.clients[..crowd].iter().map(|c| u64::from(c.number)).sum();
        let own = draw(seed, n) % u64::from(clients.number);
        let address = self.addresses[crowd].get(own as usize).copied();
        let caller = Caller { crowd, client: earlier + own, address };
        let all: Vec<usize> =
            clients.asks.iter().enumerate().flat_map(|(a, ask)| vec![a; ask.share.into()]).collect();
        let ask = match all.len() {
            0 => None,
            _ if clients.asks.len() == 1 => Some(0),
            len => Some(all[(draw(seed ^ 3, n) % len as u64) as usize]),
        };
        self.told.clients[crowd][0] += 1;
        let named = |name: &str| self.s.listeners.iter().position(|l| l.name == name).unwrap();
        let mut listener = clients.listener.as_deref().map_or(0, named);
        for followed in 0.. {
            let serving = self.asked(listener, ask.map(|ask| &clients.asks[ask]));
            self.told.servings[serving].0 += 1;
            if let Some(cause) = self.stopped(at, caller, listener) {
                return self.fail(crowd, serving, cause);
            }
            let Some(next) = &self.s.listeners[listener].redirect else {
                return self.serve(at, caller, end, serving);
            };
            self.told.clients[crowd][4] += 1;
            if !clients.follow {
                self.told.clients[crowd][3] += 1;
                return;
            }
            if followed == 20 {
                return self.fail(crowd, serving, Cause::TooManyRedirects);
            }
            listener = named(next);
        }
    }

    /// What serves a request: of rules whose domain is as near as that of any, the one with the longest URL.
    fn asked(&self, listener: usize, ask: Option<&sim_core::traffic::mix::scenario::Ask>) -> usize {
        let own = self.servings.iter().position(|serving| serving.listener == listener).unwrap();
        let of = &self.s.listeners[listener];
        let Some(ask) = ask.filter(|_| of.redirect.is_none()) else { return own };
        let (host, path) = (ask.host.as_deref().unwrap_or(""), ask.path.as_deref().unwrap_or("/"));
        let covers = |rule: &Rule| match rule.domain.as_deref() {
            None => Some(0),
            Some(domain) if domain == host => Some(1_000),
            Some(domain) => {
                let tail = domain.strip_prefix('*')?;
                (host.ends_with(tail) && host.len() > tail.len()).then_some(tail.len())
            }
        };
        let nearest = of.rules.iter().filter_map(covers).max();
        let of_domain =
            of.rules.iter().enumerate().filter(|(_, rule)| covers(rule) == nearest && nearest.is_some());
        let url = |rule: &Rule| rule.url.clone().unwrap_or_default();
        let taking = of_domain.filter(|(_, rule)| path.starts_with(&url(rule)));
        taking.max_by_key(|(_, rule)| url(rule).len()).map_or(own, |(at, _)| own + 1 + at)
    }

    fn stopped(&mut self, at: u64, caller: Caller, listener: usize) -> Option<Cause> {
        let of = &self.s.listeners[listener];
        if let Some(kind) = of.acl_type {
            let address = IpAddr::from(Ipv4Addr::from(caller.address.unwrap()));
            if of.acl.iter().any(|network| network.0.contains_address(address)) != (kind == AclKind::White) {
                return Some(Cause::AccessControl);
            }
        }
        let name = of.load_balancer.as_ref()?;
        let balancer = self.s.balancers.iter().position(|b| b.name == *name).unwrap();
        let of = &self.s.balancers[balancer];
        let same = |c: &&Connection| {
            let l = &self.s.listeners[self.servings[c.serving].listener];
            l.load_balancer.as_ref() == Some(name) && c.open(at)
        };
        let open = self.connections.iter().filter(same).count();
        let http = self.s.listeners[listener].protocol.is_http();
        let came = self.came.get(&(balancer, at / 1_000_000, http)).copied().unwrap_or(0);
        if of.max_connections.is_some_and(|most| open >= most as usize)
            || of.new_per_second.is_some_and(|most| came >= most)
        {
            return Some(Cause::Limit);
        }
        let bits = u64::from(self.s.clients[caller.crowd].bytes) * 8;
        let through = self.bandwidths(listener);
        if !through.iter().all(|which| self.passes(*which, listener, at, bits)) {
            return Some(Cause::OverBandwidth);
        }
        for (which, _) in through {
            self.through.entry(which).or_default().push((at, listener, bits));
        }
        *self.came.entry((balancer, at / 1_000_000, http)).or_default() += 1;
        None
    }

    /// The bandwidths through which all that comes to a listener passes, in Mbit/s.
    fn bandwidths(&self, listener: usize) -> Vec<(Through, u64)> {
        let name = self.s.listeners[listener].load_balancer.as_ref();
        let balancer = self.s.balancers.iter().position(|b| Some(&b.name) == name).unwrap();
        let of = &self.s.balancers[balancer];
        let mut all = Vec::new();
        all.extend(of.eip_bandwidth.map(|mbps| (Through::Eip(balancer), mbps.into())));
        match (self.s.listeners[listener].bandwidth, of.bandwidth) {
            (Some(own), _) => all.push((Through::Own(listener), own.into())),
            (None, Some(paid)) => {
                let same = self.s.listeners.iter().filter(|l| l.load_balancer.as_ref() == Some(&of.name));
                let reserved: u32 = same.map(|l| l.bandwidth.unwrap_or(0)).sum();
                all.push((Through::Shared(balancer), (paid - reserved).into()));
            }
            (None, None) => {}
        }
        all
    }

    /// Whether so many bits of a listener fit, by all that came through before, followed from the first client on.
    fn passes(&self, (which, mbps): (Through, u64), listener: usize, at: u64, bits: u64) -> bool {
        let sharing: Vec<usize> = (0..self.s.listeners.len())
            .filter(|l| self.bandwidths(*l).iter().any(|(of, _)| *of == which))
            .collect();
        let came: &[(u64, usize, u64)] = self.through.get(&which).map_or(&[], |came| came);
        let parts = sharing.len() as u64;
        // Half a second for all, and half a second in equal parts; in parts of a bit.
        let (own, mut common) = (mbps * 500_000, mbps * 500_000 * parts);
        let mut owns: BTreeMap<usize, u64> = sharing.iter().map(|listener| (*listener, own)).collect();
        let mut before = 0;
        let mut fits = false;
        for (at, listener, bits) in came.iter().copied().chain([(at, listener, bits)]) {
            let mut over = 0;
            for has in owns.values_mut() {
                *has += mbps * (at - before);
                over += has.saturating_sub(own);
                *has = own.min(*has);
            }
            (common, before) = ((common + over).min(mbps * 500_000 * parts), at);
            let has = owns.get_mut(&listener).unwrap();
            fits = bits * parts <= *has + common;
            let of_common = (bits * parts).saturating_sub(*has);
            (*has, common) = (has.saturating_sub(bits * parts), common.saturating_sub(of_common));
        }
        let fits = fits && mbps > 0;
        // Since each instant when something came there came no more than passes since then, and in a second; who is alone
        // gets just that.
        let second = mbps * 1_000_000;
        let mut since = bits;
        let mut passes = |(when, _, bits): &(u64, usize, u64)| {
            since += bits;
            since <= second + mbps * (at - when)
        };
        let within = mbps > 0 && bits <= second && came.iter().rev().all(&mut passes);
        assert!(if parts == 1 { fits == within } else { !fits || within });
        fits
    }

    fn taking(&self, serving: usize) -> Vec<(usize, u8)> {
        let takes = |(_, state): &(usize, &State)| {
            state.weight > 0 && state.series.is_none_or(|series| series.health() == Health::Normal)
        };
        let members = self.servings[serving].members.iter().enumerate().filter(takes);
        members.map(|(at, state)| (at, state.weight)).collect()
    }

    /// The round begins anew if others take traffic, or with other weights.
    fn turn(&mut self, serving: usize) {
        let taking = self.taking(serving);
        let round = &mut self.servings[serving].round;
        if round.0 != taking {
            *round = (taking, 0);
        }
    }

    fn serve(&mut self, at: u64, caller: Caller, end: u64, serving: usize) {
        self.turn(serving);
        let crowd = caller.crowd;
        let Some(member) = self.choose(at, caller, serving) else {
            return self.fail(crowd, serving, Cause::NobodyThere);
        };
        let http = self.s.listeners[self.servings[serving].listener].protocol.is_http();
        let backend = self.servings[serving].members[member].backend;
        let cause = match self.answers[backend] {
            (Answers::Refuses, _) => Some(Cause::Refused),
            (Answers::Silent, _) => Some(Cause::NoAnswer),
            (_, status) if http && status >= 500 => Some(Cause::BadStatus),
            _ => None,
        };
        if let Some(cause) = cause {
            return self.fail(crowd, serving, cause);
        }
        self.connections.push(Connection { end, serving, member, crowd, cut: false });
        let open = self.open(at, serving, member) + u64::from(end <= at);
        let state = &mut self.servings[serving].members[member];
        state.taken += 1;
        state.most = state.most.max(open);
    }

    fn choose(&mut self, at: u64, caller: Caller, serving: usize) -> Option<usize> {
        let taking = self.taking(serving);
        let keeping = self.servings[serving].keeping;
        // Over TCP an address is known again, over HTTP a client.
        let by_address = caller.address.filter(|_| keeping.is_some_and(|(_, renewed)| renewed));
        let client = by_address.map_or((false, caller.client.into()), |address| (true, address.into()));
        let kept = self.servings[serving].kept.get(&client).copied();
        if let (Some((length, renewed)), Some((member, until))) = (keeping, kept)
            && at < until
            && taking.iter().any(|(at, _)| *at == member)
        {
            if renewed {
                self.servings[serving].kept.insert(client, (member, at + length));
            }
            return Some(member);
        }
        let member = match self.servings[serving].scheduler {
            Scheduler::WeightedLeastConnections => {
                // Fewest open for the weight: a before b if a's open times b's weight is less.
                let mut best: Option<(u64, u64, usize)> = None;
                for (member, weight) in &taking {
                    let (open, weight) = (self.open(at, serving, *member), u64::from(*weight));
                    if best.is_none_or(|(of_best, its, _)| open * its < of_best * weight) {
                        best = Some((open, weight, *member));
                    }
                }
                best?.2
            }
            scheduler => {
                let round = &mut self.servings[serving].round;
                let turn = round.1;
                round.1 += 1;
                in_turn(&taking, scheduler == Scheduler::RoundRobin, turn)?
            }
        };
        if let Some((length, _)) = keeping {
            self.servings[serving].kept.insert(client, (member, at + length));
        }
        Some(member)
    }

    fn finish(mut self) -> Told {
        for c in self.connections.iter().filter(|c| !c.cut) {
            self.told.clients[c.crowd][1] += 1;
        }
        for (told, serving) in self.told.servings.iter_mut().zip(&self.servings) {
            told.2 = serving.members.iter().map(|state| (state.taken, state.most)).collect();
        }
        self.told
    }
}

/// The addresses of clients: all that there are are cut into as many parts, and each has one of its own part.
fn addresses(s: &Scenario, crowd: usize) -> Vec<u32> {
    let Some(from) = &s.clients[crowd].from else { return Vec::new() };
    let all: Vec<u32> = from
        .iter()
        .filter_map(|network| network.0.v4())
        .flat_map(|network| network.bits()..=network.last_bits())
        .collect();
    let (len, number) = (all.len() as u64, u64::from(s.clients[crowd].number));
    let seed = s.seed + ((crowd as u64) << 53);
    let part = |k: u64| &all[(k * len / number) as usize..((k + 1) * len / number) as usize];
    let one = |k: u64| {
        let wide = u128::from(draw(seed ^ 5, k)) << 64 | u128::from(draw(seed ^ 4, k));
        part(k)[(wide % part(k).len() as u128) as usize]
    };
    (0..number).map(one).collect()
}

/// Who has the turn of this number: the level falls from the largest weight to 1, and whoever reaches it has one.
fn in_turn(taking: &[(usize, u8)], equal: bool, turn: u64) -> Option<usize> {
    let weight = |w: u8| if equal { 1 } else { w };
    let divisor = (1..=100u8).rev().find(|d| taking.iter().all(|(_, w)| weight(*w).is_multiple_of(*d)))?;
    let levels = taking.iter().map(|(_, w)| weight(*w) / divisor).max()?;
    let mut round = Vec::new();
    for level in (1..=levels).rev() {
        round.extend(taking.iter().filter(|(_, w)| weight(*w) / divisor >= level).map(|(at, _)| *at));
    }
    Some(round[(turn % round.len() as u64) as usize])
}
