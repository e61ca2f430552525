//! How many creations a second one core judges, commits and digests, at several sizes of the world.
//!
//! Each figure stands beside its floor in the same run: the cost of encoding, hashing and inserting the same
//! number of rows of the same size with nothing around it. Run with `cargo bench -p sim-core --bench apply`.

// The bans of sim-core/clippy.toml are for the core; a measurement has a clock.
#![allow(clippy::disallowed_types)]

use sim_core::id::VpcId;
use sim_core::settings::ClockMode;
use sim_core::vpc::vpc::CreateVpc;
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch};
use sim_core::{AccountId, Caller, Genesis, SimTime, World};
use std::collections::BTreeMap;
use std::time::Instant;

const BATCH: u32 = 50_000;

fn main() {
    let sizes: Vec<u32> = match std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect::<Vec<u32>>()
    {
        sizes if sizes.is_empty() => vec![0, 100_000, 1_000_000],
        sizes => sizes,
    };
    println!("{:<24}{:>12}{:>14}{:>12}", "what", "existing", "a second", "ns each");
    floor();
    for size in sizes {
        vswitches(size);
    }
}

fn report(what: &str, existing: u32, count: u32, took: std::time::Duration) {
    let each = took.as_nanos() / u128::from(count);
    println!("{what:<24}{existing:>12}{:>14}{each:>12}", 1_000_000_000 / each.max(1));
}

/// Encoding, hashing and inserting a row of 150 bytes with a 16-byte key.
fn floor() {
    let mut table: BTreeMap<u128, Vec<u8>> = BTreeMap::new();
    let mut digest = 0u128;
    let started = Instant::now();
    for n in 0..BATCH {
        let row = vec![n as u8; 150];
        digest = digest.wrapping_add(xxhash_rust::xxh3::xxh3_128(&row));
        table.insert(u128::from(n) << 66, row);
    }
    report("floor: hash and insert", 0, BATCH, started.elapsed());
    assert!(digest != 0 && table.len() == BATCH as usize);
}

fn world() -> (World, Caller) {
    let genesis = Genesis { quotas_lifted: true, clock: ClockMode::Manual, ..Genesis::default() };
    (World::new(genesis), Caller::new(AccountId::DEFAULT, "cn-hangzhou"))
}

fn vswitches(existing: u32) {
    let (mut world, caller) = world();
    let mut vpcs: Vec<VpcId> = Vec::new();
    let mut made = 0u32;
    let mut create = |world: &mut World| {
        // 65,536 /28 fit in a /12.
        if made.is_multiple_of(60_000) {
            let vpc =
                CreateVpc { block: Some("172.16.0.0/12".parse().expect("a block")), ..CreateVpc::default() };
            let applied = world.apply(SimTime(0), &caller, vpc.into());
            vpcs.push(applied.outcome.expect("a VPC").id());
        }
        made += 1;
        let vswitch = CreateVSwitch {
            vpc: *vpcs.last().expect("a VPC"),
            zone: "cn-hangzhou-k".into(),
            block: BlockChoice::Mask(28),
            ipv6_subnet: None,
            name: None,
            description: None,
            tags: Vec::new(),
        };
        world.apply(SimTime(0), &caller, vswitch.into()).outcome.expect("a vSwitch");
    };
    for _ in 0..existing {
        create(&mut world);
    }
    let started = Instant::now();
    for _ in 0..BATCH {
        create(&mut world);
    }
    report("create vSwitch", existing, BATCH, started.elapsed());
}
