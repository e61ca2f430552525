//! Which backend takes the next connection or request.
//!
//! `rr` takes backends in turn and knows no weights; `wrr` gives each its share of a round in the interleaved order of the
//! Linux virtual server, which the provider's layer 4 is built on; `wlc` takes the one with the fewest connections for
//! its weight; `sch`, `tch` and `qch` hash the source address, the four-tuple or the QUIC connection id. A backend of
//! weight 0 gets nothing, whatever the scheduler. Where the provider publishes no tie-break, the earlier backend wins.

use super::hash_ring::HashRing;
use crate::slb::listener::Protocol;
use serde::{Deserialize, Serialize};

/// How a backend is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheduler {
    /// In turn, by weight: the default.
    #[default]
    WeightedRoundRobin,
    /// In turn, whatever the weights.
    RoundRobin,
    /// By weight and open connections. Older documents have it, newer ones do not; it is still taken.
    WeightedLeastConnections,
    /// By the source address; TCP and UDP.
    SourceHash,
    /// By both addresses and ports; TCP and UDP.
    TupleHash,
    /// By the QUIC connection id; UDP.
    QuicHash,
}

impl Scheduler {
    /// Each scheduler with the provider's word.
    pub const WORDS: &'static [(&'static str, Scheduler)] = &[
        ("wrr", Scheduler::WeightedRoundRobin),
        ("rr", Scheduler::RoundRobin),
        ("wlc", Scheduler::WeightedLeastConnections),
        ("sch", Scheduler::SourceHash),
        ("tch", Scheduler::TupleHash),
        ("qch", Scheduler::QuicHash),
    ];

    /// The provider's word.
    pub fn text(self) -> &'static str {
        Scheduler::WORDS.iter().find(|(_, scheduler)| *scheduler == self).map_or("wrr", |(word, _)| *word)
    }

    /// Whether a listener of a protocol may choose its backends so (provider documentation: Scheduler).
    pub fn serves(self, protocol: Protocol) -> bool {
        match self {
            Scheduler::WeightedRoundRobin | Scheduler::RoundRobin | Scheduler::WeightedLeastConnections => {
                true
            }
            Scheduler::SourceHash | Scheduler::TupleHash => !protocol.is_http(),
            Scheduler::QuicHash => protocol == Protocol::Udp,
        }
    }

    /// Whether it looks at whom a connection is from.
    pub const fn hashes(self) -> bool {
        matches!(self, Scheduler::SourceHash | Scheduler::TupleHash | Scheduler::QuicHash)
    }
}

/// The place of the backend that takes the very first connection: what a [`Chooser`] that was just made chooses.
pub fn first(scheduler: Scheduler, candidates: &[Candidate], key: &[u8]) -> Option<usize> {
    let weighs = |place: &usize| candidates[*place].weight > 0;
    match scheduler {
        Scheduler::RoundRobin | Scheduler::WeightedLeastConnections => (0..candidates.len()).find(weighs),
        Scheduler::WeightedRoundRobin => {
            let heaviest = candidates.iter().map(|candidate| candidate.weight).max()?;
            (0..candidates.len()).filter(weighs).find(|place| candidates[*place].weight == heaviest)
        }
        Scheduler::SourceHash | Scheduler::TupleHash | Scheduler::QuicHash => {
            Chooser::new(scheduler, candidates).choose(key)
        }
    }
}

/// A backend that may be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What it is known by for hashing: stable as long as the backend is the same.
    pub key: Vec<u8>,
    /// Its weight, 0 to 100.
    pub weight: u8,
}

/// A choice among backends, made ready for a list of them.
#[derive(Clone, Debug)]
pub struct Chooser {
    how: How,
    weights: Vec<u8>,
}

#[derive(Clone, Debug)]
enum How {
    /// The places of one whole round, and which is next.
    Round {
        places: Vec<u32>,
        next: usize,
    },
    /// Open connections, by place.
    Fewest {
        open: Vec<u32>,
    },
    Hash(HashRing),
}

impl Chooser {
    /// Makes a scheduler ready for backends that can take traffic, in their order.
    pub fn new(scheduler: Scheduler, candidates: &[Candidate]) -> Chooser {
        let weights: Vec<u8> = candidates.iter().map(|c| c.weight).collect();
        let how = match scheduler {
            Scheduler::RoundRobin => {
                let places = (0..).zip(&weights).filter(|(_, weight)| **weight > 0).map(|(place, _)| place);
                How::Round { places: places.collect(), next: 0 }
            }
            Scheduler::WeightedRoundRobin => How::Round { places: weighted_round(&weights), next: 0 },
            Scheduler::WeightedLeastConnections => How::Fewest { open: vec![0; weights.len()] },
            Scheduler::SourceHash | Scheduler::TupleHash | Scheduler::QuicHash => {
                How::Hash(HashRing::new(candidates.iter().map(|c| (c.key.as_slice(), c.weight))))
            }
        };
        Chooser { how, weights }
    }

    /// The place of the backend that takes the next connection; `None` if none has a weight. `key` is what hashing
    /// schedulers hash.
    pub fn choose(&mut self, key: &[u8]) -> Option<usize> {
        match &mut self.how {
            How::Round { places, next } => {
                let place = *places.get(*next)?;
                *next = if *next + 1 == places.len() { 0 } else { *next + 1 };
                Some(place as usize)
            }
            How::Fewest { open } => {
                let place = fewest(open, &self.weights)?;
                open[place] += 1;
                Some(place)
            }
            How::Hash(ring) => ring.find(key).map(|place| place as usize),
        }
    }

    /// The weights that it was made for, in their order.
    pub fn weights(&self) -> &[u8] {
        &self.weights
    }

    /// The backend at this place got so many connections that it was not chosen for.
    pub fn opened(&mut self, place: usize, number: u64) {
        if let How::Fewest { open } = &mut self.how {
            open[place] = open[place].saturating_add(number.try_into().unwrap_or(u32::MAX));
        }
    }

    /// A connection to the backend at this place has ended.
    pub fn ended(&mut self, place: usize) {
        if let How::Fewest { open } = &mut self.how {
            open[place] = open[place].saturating_sub(1);
        }
    }
}

/// The place with the fewest connections for its weight: `open / weight`, compared without division.
fn fewest(open: &[u32], weights: &[u8]) -> Option<usize> {
    let mut best: Option<usize> = None;
    for place in (0..open.len()).filter(|place| weights[*place] > 0) {
        let load = |at: usize, against: usize| u64::from(open[at]) * u64::from(weights[against]);
        if best.is_none_or(|best| load(place, best) < load(best, place)) {
            best = Some(place);
        }
    }
    best
}

/// One round of weighted round robin: the level falls from the largest weight by their greatest common divisor, and at
/// each level every backend whose weight reaches it takes one turn.
fn weighted_round(weights: &[u8]) -> Vec<u32> {
    let step = weights.iter().fold(0, |divisor, weight| gcd(divisor, *weight));
    let Some(largest) = weights.iter().max().copied().filter(|largest| *largest > 0) else {
        return Vec::new();
    };
    let levels = (1..=largest / step).rev().map(|n| n * step);
    let at_level = |level| (0..).zip(weights).filter(move |(_, w)| **w >= level).map(|(place, _)| place);
    levels.flat_map(at_level).collect()
}

fn gcd(a: u8, b: u8) -> u8 {
    if b == 0 { a } else { gcd(b, a % b) }
}
