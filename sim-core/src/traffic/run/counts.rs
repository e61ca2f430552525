//! What is counted in a run, by interval.

use super::super::plan::Plan;
use super::super::report::{Cause, Happened, OfCause, What};
use super::US;

/// Failures by cause and interval.
pub(in super::super) struct Causes(Vec<Vec<u64>>);

impl Causes {
    fn new(intervals: usize) -> Causes {
        Causes(vec![vec![0; intervals]; Cause::ALL.len()])
    }

    /// Those that occurred.
    pub fn told(&self) -> Vec<OfCause> {
        let of = |(cause, list): (&Cause, &Vec<u64>)| OfCause {
            cause: *cause,
            number: list.iter().sum(),
            by_interval: list.clone(),
        };
        Cause::ALL.iter().zip(&self.0).map(of).filter(|of| of.number > 0).collect()
    }

    /// All of them together.
    pub fn sum<'a>(all: impl IntoIterator<Item = &'a Causes>, intervals: usize) -> Causes {
        let mut sum = Causes::new(intervals);
        for causes in all {
            for (into, from) in sum.0.iter_mut().flatten().zip(causes.0.iter().flatten()) {
                *into += from;
            }
        }
        sum
    }

    /// How many there are.
    pub fn number(&self) -> u64 {
        self.0.iter().flatten().sum()
    }
}

/// What is counted for clients of one kind, or for what serves.
pub(in super::super) struct Tally {
    /// Connections and requests over them that came, by interval.
    pub requests: Vec<u64>,
    pub causes: Causes,
    /// Redirects that were answered.
    pub redirects: u64,
    /// Connections that ended with one.
    pub not_followed: u64,
}

impl Tally {
    fn new(intervals: usize) -> Tally {
        Tally { requests: vec![0; intervals], causes: Causes::new(intervals), redirects: 0, not_followed: 0 }
    }
}

/// What is counted for a member.
pub(in super::super) struct OfMember {
    pub taken: Vec<u64>,
    pub failed: u64,
    pub most_open: u64,
}

pub(in super::super) struct Counts {
    /// The interval of what was counted last, and when the next begins; time does not go back.
    interval: usize,
    next_begins: u64,
    length: u64,
    pub members: Vec<OfMember>,
    pub crowds: Vec<Tally>,
    pub servings: Vec<Tally>,
    pub happened: Vec<Happened>,
    /// Connections that came, by kind of clients.
    pub connections: Vec<u64>,
    pub served: u64,
}

impl Counts {
    pub(super) fn new(plan: &Plan) -> Counts {
        let (interval_ms, intervals) = plan.intervals();
        let length = interval_ms * US;
        let tallies = |number: usize| (0..number).map(|_| Tally::new(intervals)).collect();
        let of_member = |_| OfMember { taken: vec![0; intervals], failed: 0, most_open: 0 };
        Counts {
            interval: 0,
            next_begins: if intervals > 1 { length } else { u64::MAX },
            length,
            members: plan.members.iter().map(of_member).collect(),
            crowds: tallies(plan.crowds.len()),
            servings: tallies(plan.servings.len()),
            happened: Vec::new(),
            connections: vec![0; plan.crowds.len()],
            served: 0,
        }
    }

    /// The interval of an instant. An end of the run that falls on an interval's border belongs to the last one.
    fn interval(&mut self, at: u64) -> usize {
        while at >= self.next_begins {
            self.interval += 1;
            let last = self.interval + 1 == self.crowds[0].requests.len();
            self.next_begins = if last { u64::MAX } else { self.next_begins + self.length };
        }
        self.interval
    }

    pub(super) fn ask(&mut self, at: u64, crowd: usize, serving: usize) {
        let interval = self.interval(at);
        self.crowds[crowd].requests[interval] += 1;
        self.servings[serving].requests[interval] += 1;
    }

    pub(super) fn take(&mut self, at: u64, member: usize, open: u64) {
        let interval = self.interval(at);
        let of = &mut self.members[member];
        of.taken[interval] += 1;
        of.most_open = of.most_open.max(open);
    }

    pub(super) fn redirect(&mut self, crowd: usize, serving: usize, followed: bool) {
        for tally in [&mut self.crowds[crowd], &mut self.servings[serving]] {
            tally.redirects += 1;
            tally.not_followed += u64::from(!followed);
        }
    }

    pub(super) fn fail(&mut self, at: u64, whose: Whose, cause: Cause, number: u64) {
        let interval = self.interval(at);
        for tally in [&mut self.crowds[whose.crowd], &mut self.servings[whose.serving]] {
            tally.causes.0[cause as usize][interval] += number;
        }
        if let Some(member) = whose.member {
            self.members[member].failed += number;
        }
    }

    pub(super) fn note(&mut self, at: u64, backend: Option<&str>, of: Option<&str>, what: What) {
        let owned = |name: Option<&str>| name.map(str::to_owned);
        self.happened.push(Happened { at_ms: at / US, backend: owned(backend), of: owned(of), what });
    }
}

/// Whose a connection is that fails: of which clients, to what, and given to which member.
#[derive(Clone, Copy)]
pub(super) struct Whose {
    pub crowd: usize,
    pub serving: usize,
    pub member: Option<usize>,
}
