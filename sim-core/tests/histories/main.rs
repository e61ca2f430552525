//! What holds in every history of commands, whatever they are: random ones over two accounts and two regions, with time
//! passing, under each provisioning profile.
//!
//! `play.rs` says what is checked at each step and in the end; `sound.rs` what is true of the rows of every world;
//! `usage.rs` counts what quotas count; `teardown.rs` deletes everything by doing what refusals say. A bug that was
//! found so has a test of its own in `found.rs`.

mod commands;
mod dice;
mod found;
mod opening;
mod play;
mod reached;
mod sound;
mod state;
mod teardown;
mod usage;

use play::{history, play};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reached::{Reached, STATES};
use sim_core::Command;

/// So many histories that the file runs within a minute; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    let wanted = Config::default().cases;
    if wanted == 256 { 150 } else { wanted }
}

proptest! {
    #![proptest_config(Config { cases: cases(), max_shrink_iters: 4_000, ..Config::default() })]

    #[test]
    fn every_history_keeps_every_promise(history in history(150)) {
        play(&history).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn there_is_a_strategy_for_every_command() {
    let known: Vec<&str> = commands::KINDS.iter().map(|kind| kind.0).collect();
    let missing: Vec<_> = Command::NAMES.iter().filter(|name| !known.contains(name)).collect();
    assert!(missing.is_empty(), "tests/histories/commands.rs makes no {missing:?}");
}

#[test]
fn histories_reach_what_is_interesting() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
    let mut reached = Reached::default();
    for _ in 0..480 {
        let tree = history(150).new_tree(&mut runner).unwrap();
        reached.add(
            play(&proptest::strategy::ValueTree::current(&tree)).unwrap_or_else(|wrong| panic!("{wrong}")),
        );
    }
    let never = |what: &[&str], counts: &std::collections::BTreeMap<&str, u64>| -> Vec<String> {
        what.iter().filter(|name| !counts.contains_key(**name)).map(ToString::to_string).collect()
    };
    let names: Vec<&str> = Command::NAMES.to_vec();
    assert_eq!(never(STATES, &reached.states), [""; 0], "states that never came up: {:#?}", reached.states);
    assert_eq!(never(&names, &reached.accepted), [""; 0], "never accepted: {:#?}", reached.accepted);
    // Nothing is wrong with any settings.
    let names: Vec<&str> = Command::NAMES.iter().copied().filter(|name| *name != "ChangeSettings").collect();
    assert_eq!(never(&names, &reached.refused), [""; 0], "never refused: {:#?}", reached.refused);
    assert!(reached.codes.len() > 100, "only {} rules said no", reached.codes.len());
}
