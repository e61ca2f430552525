//! How many creations a second one core judges, commits and digests, at several sizes of the world; how much memory
//! the world takes; how fast its journal is verified.
//!
//! Each figure stands beside its floor in the same run: the cost of encoding, hashing and inserting the same
//! number of rows of the same size with nothing around it. Run with `cargo bench -p sim-core --bench apply`, or with
//! sizes behind `--`, which stand for 100,000 and 1,000,000.

// The bans of sim-core/clippy.toml are for the core; a measurement has a clock and looks at its own memory.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

#[path = "../common/network.rs"]
mod network;

use network::{Network, vswitch};
use sim_core::settings::ClockMode;
use sim_core::vpc::vpc::CreateVpc;
use sim_core::vpc::vswitch::BlockChoice;
use sim_core::{Command, Entry};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How many creations are timed at each size.
const BATCH: usize = 50_000;
const START: i64 = 1_767_225_600_000;

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![100_000, 1_000_000] } else { sizes };
    println!("{:<28}{:>12}{:>14}{:>12}{:>16}", "what", "existing", "a second", "ns each", "bytes each");
    floor(150);
    vswitches(&sizes);
    floor(120);
    enis(&sizes);
    verify();
}

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

fn report(what: &str, existing: usize, count: usize, took: Duration, bytes: Option<usize>) {
    let each = took.as_nanos() / count as u128;
    let bytes = bytes.map(|b| b.to_string()).unwrap_or_default();
    println!("{what:<28}{existing:>12}{:>14}{each:>12}{bytes:>16}", 1_000_000_000 / each.max(1));
}

/// Encoding, hashing and inserting a row of so many bytes with a 16-byte key.
fn floor(bytes: usize) {
    let mut table: BTreeMap<u128, Vec<u8>> = BTreeMap::new();
    let mut digest = 0u128;
    let before = resident();
    let started = Instant::now();
    for n in 0..BATCH {
        let row = vec![n as u8; bytes];
        digest = digest.wrapping_add(xxhash_rust::xxh3::xxh3_128(&row));
        table.insert((n as u128) << 66, row);
    }
    let took = started.elapsed();
    report("floor: hash and insert", 0, BATCH, took, Some((resident() - before) / BATCH));
    assert!(digest != 0 && table.len() == BATCH);
}

/// Creates vSwitches of /28 in VPCs of /8, the lowest free block each, up to each size, and times a batch there.
fn vswitches(sizes: &[usize]) {
    let before = resident();
    let mut network = Network::new(ClockMode::Manual, START);
    let mut vpcs = Vec::new();
    for _ in 0..sizes.iter().max().unwrap_or(&0) / 500_000 + 1 {
        let block = Some("10.0.0.0/8".parse().expect("a block"));
        vpcs.push(network.make(CreateVpc { block, ..CreateVpc::default() }));
    }
    let mut made = 0;
    let mut create = |network: &mut Network| {
        let vpc = vpcs[made % vpcs.len()];
        made += 1;
        network.make::<sim_core::id::VSwitchId>(vswitch(vpc, BlockChoice::Mask(28)));
    };
    let mut existing = 0;
    for &size in sizes {
        for _ in existing..size {
            create(&mut network);
        }
        let bytes = (resident() - before) / size;
        let started = Instant::now();
        for _ in 0..BATCH {
            create(&mut network);
        }
        report("create vSwitch", size, BATCH, started.elapsed(), Some(bytes));
        existing = size + BATCH;
    }
}

/// Creates interfaces with the lowest free address of their vSwitch.
fn enis(sizes: &[usize]) {
    let before = resident();
    let mut network = Network::new(ClockMode::Manual, START);
    let mut existing = 0;
    for &size in sizes {
        for n in existing..size {
            network.make::<sim_core::id::EniId>(network.eni(n, Vec::new()));
        }
        let bytes = (resident() - before) / size;
        let commands: Vec<Command> =
            (size..size + BATCH).map(|n| network.eni(n, Vec::new()).into()).collect();
        let started = Instant::now();
        for command in commands {
            network.make::<sim_core::id::EniId>(command);
        }
        report("create network interface", size, BATCH, started.elapsed(), Some(bytes));
        existing = size + BATCH;
    }
}

/// Re-runs a journal as `cloudnet verify` does.
fn verify() {
    let mut network = Network::new(ClockMode::Manual, START);
    let mut again = network.world.clone();
    let entries: Vec<Entry> = (0..2 * BATCH)
        .map(|n| {
            let command = network.eni(n, Vec::new()).into();
            network.world.apply(network.world.now(), &network.caller, command).entry.expect("accepted")
        })
        .collect();
    let started = Instant::now();
    for entry in &entries {
        again.replay(entry).expect("the same rows");
    }
    report("verify", 0, entries.len(), started.elapsed(), None);
    assert_eq!(again.digest(), network.world.digest());
}
