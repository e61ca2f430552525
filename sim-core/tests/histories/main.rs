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
mod sound_balancers;
mod sound_peers;
mod state;
mod teardown;
mod usage;

use play::{History, history, play};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reached::{Reached, STATES};
use sim_core::Command;
use std::num::NonZero;

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

/// How many histories may be needed until every command was once accepted and once refused, and every state came up. A new
/// command shifts all of them, so that a fixed number would fail now and then for no reason.
const PATIENCE: usize = 2_000;
/// How many are played before one looks again at what is still missing.
const TOGETHER: usize = 20;

#[test]
fn histories_reach_what_is_interesting() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
    let mut reached = Reached::default();
    let mut missing = Vec::new();
    for _ in 0..PATIENCE / TOGETHER {
        let draw = |_| history(150).new_tree(&mut runner).unwrap().current();
        let histories: Vec<History> = (0..TOGETHER).map(draw).collect();
        play_all(&histories).into_iter().for_each(|of_one| reached.add(of_one));
        missing = not_reached(&reached);
        if missing.is_empty() {
            return;
        }
    }
    panic!("in {PATIENCE} histories: {missing:#?}");
}

/// Plays histories on all processors. What they reach does not depend on how many there are.
fn play_all(histories: &[History]) -> Vec<Reached> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let some = |part: &[History]| -> Vec<Reached> {
        part.iter().map(|one| play(one).unwrap_or_else(|wrong| panic!("{wrong}"))).collect()
    };
    std::thread::scope(|scope| {
        let parts = histories.chunks(histories.len().div_ceil(threads));
        let running: Vec<_> = parts.map(|part| scope.spawn(move || some(part))).collect();
        let ended = running.into_iter().map(|thread| thread.join());
        ended.flat_map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

/// What no history has shown yet.
fn not_reached(reached: &Reached) -> Vec<String> {
    let states = STATES.iter().filter(|name| !reached.states.contains_key(**name));
    let states = states.map(|name| format!("state never came up: {name}"));
    let accepted = Command::NAMES.iter().filter(|name| !reached.accepted.contains_key(**name));
    let accepted = accepted.map(|name| format!("never accepted: {name}"));
    // Nothing is wrong with any settings.
    let refusable = Command::NAMES.iter().filter(|name| **name != "ChangeSettings");
    let refused = refusable.filter(|name| !reached.refused.contains_key(**name));
    let refused = refused.map(|name| format!("never refused: {name}"));
    let rules = (reached.codes.len() <= 100).then(|| format!("only {} rules said no", reached.codes.len()));
    states.chain(accepted).chain(refused).chain(rules).collect()
}
