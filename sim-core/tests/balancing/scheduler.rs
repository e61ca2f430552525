//! Schedulers: weights are kept, hashes stay, nobody of weight 0 is chosen.

use proptest::prelude::*;
use sim_core::balancing::scheduler::{Candidate, Chooser, Scheduler, first};
use std::collections::BTreeMap;

fn candidates(weights: &[u8]) -> Vec<Candidate> {
    let key = |n: usize| format!("i-{n}:80").into_bytes();
    weights.iter().enumerate().map(|(n, weight)| Candidate { key: key(n), weight: *weight }).collect()
}

fn picks(scheduler: Scheduler, weights: &[u8], number: usize) -> Vec<usize> {
    let mut chooser = Chooser::new(scheduler, &candidates(weights));
    (0..number).filter_map(|n| chooser.choose(&(n as u64).to_le_bytes())).collect()
}

fn shares(picks: &[usize], backends: usize) -> Vec<usize> {
    (0..backends).map(|place| picks.iter().filter(|pick| **pick == place).count()).collect()
}

#[test]
fn rounds() {
    for (scheduler, weights, expected) in [
        (Scheduler::RoundRobin, &[1, 100, 7][..], &[0, 1, 2, 0, 1, 2][..]),
        (Scheduler::RoundRobin, &[1, 0, 7], &[0, 2, 0, 2]),
        (Scheduler::WeightedRoundRobin, &[3, 2, 1], &[0, 0, 1, 0, 1, 2, 0, 0, 1]),
        (Scheduler::WeightedRoundRobin, &[60, 40, 20], &[0, 0, 1, 0, 1, 2]),
        (Scheduler::WeightedRoundRobin, &[100, 100], &[0, 1, 0, 1]),
        (Scheduler::WeightedRoundRobin, &[0, 5], &[1, 1]),
        (Scheduler::WeightedLeastConnections, &[1, 1, 2], &[0, 1, 2, 2, 0]),
    ] {
        assert_eq!(picks(scheduler, weights, expected.len()), expected, "{scheduler:?} {weights:?}");
    }
}

#[test]
fn nobody_without_a_weight() {
    for (_, scheduler) in Scheduler::WORDS {
        assert!(picks(*scheduler, &[0, 0], 3).is_empty(), "{scheduler:?}");
        assert!(picks(*scheduler, &[], 3).is_empty(), "{scheduler:?}");
    }
}

#[test]
fn least_connections_follow_what_ended() {
    let mut chooser = Chooser::new(Scheduler::WeightedLeastConnections, &candidates(&[1, 1]));
    assert_eq!([chooser.choose(b""), chooser.choose(b"")], [Some(0), Some(1)]);
    chooser.ended(1);
    assert_eq!([chooser.choose(b""), chooser.choose(b"")], [Some(1), Some(0)]);
}

#[test]
fn hashed_shares_are_as_even_as_the_weights() {
    let picks = picks(Scheduler::SourceHash, &[100, 100, 50, 100], 70_000);
    for (share, expected) in shares(&picks, 4).into_iter().zip([20_000, 20_000, 10_000, 20_000]) {
        assert!(share.abs_diff(expected) * 100 < expected * 15, "{share} of {expected}");
    }
}

fn weights() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(0u8..=100, 1..30)
}

proptest! {
    /// A whole round gives each backend exactly its share, and never anything to one of weight 0.
    #[test]
    fn the_first_choice_is_that_of_a_scheduler_that_was_just_made(weights in weights(), key in any::<u64>()) {
        for (_, scheduler) in Scheduler::WORDS {
            let (candidates, key) = (candidates(&weights), key.to_le_bytes());
            let chosen = Chooser::new(*scheduler, &candidates).choose(&key);
            prop_assert_eq!(first(*scheduler, &candidates, &key), chosen, "{:?}", scheduler);
        }
    }

    #[test]
    fn weighted_rounds_keep_the_weights(weights in weights(), rounds in 1usize..4) {
        let divisor = weights.iter().fold(0u32, |a, b| num_gcd(a, u32::from(*b)));
        prop_assume!(divisor > 0);
        let round: usize = weights.iter().map(|w| usize::from(*w) / divisor as usize).sum();
        let picks = picks(Scheduler::WeightedRoundRobin, &weights, round * rounds);
        let expected: Vec<usize> = weights.iter().map(|w| usize::from(*w) / divisor as usize * rounds).collect();
        prop_assert_eq!(shares(&picks, weights.len()), expected);
    }

    /// Connections that never end are spread by weight: no backend is more than one ahead of its share.
    #[test]
    fn least_connections_keep_the_weights(weights in weights(), number in 1usize..400) {
        prop_assume!(weights.iter().any(|w| *w > 0));
        let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
        let picks = picks(Scheduler::WeightedLeastConnections, &weights, number);
        for (share, weight) in shares(&picks, weights.len()).into_iter().zip(&weights) {
            let fair = number as u64 * u64::from(*weight);
            prop_assert!(share as u64 * total <= fair + total, "{} of {}", share, weight);
            prop_assert!(*weight > 0 || share == 0);
        }
    }

    /// When a backend leaves, only its own keys move.
    #[test]
    fn a_hash_moves_only_the_keys_of_whoever_leaves(weights in proptest::collection::vec(1u8..=100, 2..12), gone in 0usize..12) {
        let gone = gone % weights.len();
        let all = candidates(&weights);
        let mut rest = all.clone();
        rest.remove(gone);
        let (mut before, mut after) = (Chooser::new(Scheduler::TupleHash, &all), Chooser::new(Scheduler::TupleHash, &rest));
        let mut kept = BTreeMap::new();
        for n in 0..500u64 {
            let key = n.to_le_bytes();
            let (was, is) = (before.choose(&key).unwrap(), after.choose(&key).unwrap());
            if was != gone {
                prop_assert_eq!(&all[was].key, &rest[is].key);
                *kept.entry(was).or_insert(0) += 1;
            }
        }
        prop_assert!(!kept.contains_key(&gone));
    }
}

fn num_gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { num_gcd(b, a % b) }
}
