//! One story in which every served action succeeds at least once.
//!
//! The service itself holds each answer against its published tree (builds with debug assertions do, see
//! `sim_api::rpc::contract`) and answers 500 for one that breaks it, so a step that succeeds has kept the contract.

use crate::wire::Wire;
use sim_api::rpc::actions::ACTIONS;
use std::collections::BTreeSet;

/// A call a line, and behind `|` what later steps need of its answer.
const STORY: &str = include_str!("story.txt");

/// Served actions that the story does not reach, each with the reason. The list is compared exactly.
const UNREACHED: &[(&str, &str)] = &[];

#[tokio::test]
async fn every_served_action_succeeds_and_keeps_the_contract() {
    let mut wire = Wire::start().await;
    let mut reached = BTreeSet::new();
    for line in STORY.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (call, keep) = line.split_once('|').unwrap_or((line, ""));
        wire.succeed(call.trim(), keep).await;
        let mut words = call.split_whitespace();
        reached.insert(format!("{} {}", words.next().unwrap(), words.next().unwrap()));
    }
    let served: BTreeSet<String> = ACTIONS.iter().map(|a| format!("{} {}", a.product, a.name)).collect();
    let missed: Vec<&str> = served.difference(&reached).map(String::as_str).collect();
    let allowed: Vec<&str> = UNREACHED.iter().map(|(action, _)| *action).collect();
    assert_eq!(missed, allowed, "the story must reach every served action; UNREACHED may only shrink");
    wire.stop().await;
}
