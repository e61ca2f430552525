//! What a longest-prefix match costs, beside its floors measured in the same run.
//!
//! `cargo bench -p sim-core --bench longest_prefix`
//!
//! A run of 65,536 lookups of different addresses is one sample, so that neither caches nor branch predictors learn
//! them. Independent lookups overlap in the processor (throughput); in a chain each address waits for the answer
//! before it (latency).

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use sim_core::cidr::{Cidr, Cidr4, Cidr6};
use sim_core::vpc::longest_prefix::LongestPrefix;
use std::collections::BTreeMap;
use std::net::IpAddr;

fn main() {
    divan::main();
}

const SIZES: [u32; 4] = [100, 10_000, 100_000, 1_000_000];
const LOOKUPS: usize = 65_536;

/// A fixed stream of numbers: the finaliser of SplitMix64.
fn stream(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Distinct networks with lengths as in a large routing table: more than half of them /24.
fn networks4(count: u32) -> Vec<Cidr4> {
    let mut next = stream(7);
    let mut networks = std::collections::BTreeSet::new();
    while networks.len() < count as usize {
        let len = match next() % 100 {
            0..58 => 24,
            58..70 => 22 + (next() % 2) as u8,
            70..85 => 19 + (next() % 3) as u8,
            85..95 => 16 + (next() % 3) as u8,
            95..98 => 8 + (next() % 8) as u8,
            _ => 25 + (next() % 8) as u8,
        };
        networks.insert(Cidr4::containing((next() as u32).into(), len).unwrap());
    }
    networks.into_iter().collect()
}

fn networks6(count: u32) -> Vec<Cidr6> {
    let mut next = stream(8);
    let mut networks = std::collections::BTreeSet::new();
    while networks.len() < count as usize {
        let bits = 0x2408_4000u128 << 96 | u128::from(next()) << 40 | u128::from(next());
        networks.insert(Cidr6::containing(bits.into(), 48 + (next() % 5) as u8 * 4).unwrap());
    }
    networks.into_iter().collect()
}

/// Half of the addresses lie in a network, half anywhere.
fn probes4(networks: &[Cidr4]) -> Vec<u32> {
    let mut next = stream(9);
    let inside = |at: u64, bits: u64| {
        let block = networks[at as usize % networks.len()];
        block.bits() | bits as u32 & !u32::MAX.checked_shl(32 - u32::from(block.prefix_len())).unwrap_or(0)
    };
    (0..LOOKUPS).map(|i| if i % 2 == 0 { inside(next(), next()) } else { next() as u32 }).collect()
}

fn table4(count: u32) -> (LongestPrefix<u32>, Vec<u32>) {
    let networks = networks4(count);
    let probes = probes4(&networks);
    let entries = networks.into_iter().zip(0..).map(|(block, n)| (Cidr::from(block), n));
    (LongestPrefix::compile(entries), probes)
}

#[divan::bench(args = SIZES)]
fn compiled_independent(bencher: Bencher, count: u32) {
    let (table, probes) = table4(count);
    bencher.counter(ItemsCount::new(LOOKUPS)).bench_local(|| {
        let hit = |bits: &u32| table.lookup4((*black_box(bits)).into()).copied().unwrap_or(0);
        probes.iter().map(hit).fold(0u32, u32::wrapping_add)
    });
}

#[divan::bench(args = SIZES)]
fn compiled_dependent(bencher: Bencher, count: u32) {
    let (table, probes) = table4(count);
    bencher.counter(ItemsCount::new(LOOKUPS)).bench_local(|| {
        // The answer's top bit is never set, so the address stays as it is and still has to wait for the answer.
        let chain = |last: u32, bits: &u32| {
            let bits = bits.wrapping_add(last >> 31);
            table.lookup4(bits.into()).copied().unwrap_or(0)
        };
        black_box(&probes).iter().fold(0u32, chain)
    });
}

#[divan::bench(args = [100, 10_000])]
fn compiled_ipv6_independent(bencher: Bencher, count: u32) {
    let networks = networks6(count);
    let mut next = stream(10);
    let probes: Vec<u128> = (0..LOOKUPS)
        .map(|_| networks[next() as usize % networks.len()].bits() | u128::from(next()))
        .collect();
    let table =
        LongestPrefix::compile(networks.into_iter().zip(0u32..).map(|(block, n)| (Cidr::from(block), n)));
    bencher.counter(ItemsCount::new(LOOKUPS)).bench_local(|| {
        let hit = |bits: &u128| table.lookup6((*black_box(bits)).into()).copied().unwrap_or(0);
        probes.iter().map(hit).fold(0u32, u32::wrapping_add)
    });
}

/// The entry point that does not know the family.
#[divan::bench(args = [100])]
fn compiled_any_family(bencher: Bencher, count: u32) {
    let (table, probes) = table4(count);
    let probes: Vec<IpAddr> = probes.into_iter().map(|bits| IpAddr::V4(bits.into())).collect();
    bencher.counter(ItemsCount::new(LOOKUPS)).bench_local(|| {
        let hit = |address: &IpAddr| table.lookup(*black_box(address)).copied().unwrap_or(0);
        probes.iter().map(hit).fold(0u32, u32::wrapping_add)
    });
}

/// The floor of a small table: networks by falling length, the first that holds the address wins.
#[divan::bench(args = [100])]
fn floor_linear_scan(bencher: Bencher, count: u32) {
    let networks = networks4(count);
    let probes = probes4(&networks);
    let mut rows: Vec<(u8, u32, u32)> = networks
        .iter()
        .map(|b| {
            (b.prefix_len(), b.bits(), u32::MAX.checked_shl(32 - u32::from(b.prefix_len())).unwrap_or(0))
        })
        .collect();
    rows.sort_unstable_by_key(|(len, ..)| std::cmp::Reverse(*len));
    bencher.counter(ItemsCount::new(LOOKUPS)).bench_local(|| {
        let hit = |bits: &u32| {
            let bits = *black_box(bits);
            rows.iter().position(|(_, first, mask)| bits & mask == *first).map_or(0, |at| at as u32)
        };
        probes.iter().map(hit).fold(0u32, u32::wrapping_add)
    });
}

/// The floor of an editable table: one ordered map, asked for each length from 32 down.
#[divan::bench(args = [100, 10_000, 1_000_000])]
fn floor_ordered_map(bencher: Bencher, count: u32) {
    let networks = networks4(count);
    let probes = probes4(&networks);
    let rows: BTreeMap<(u8, u32), u32> =
        networks.iter().zip(0..).map(|(b, n)| ((b.prefix_len(), b.bits()), n)).collect();
    bencher.counter(ItemsCount::new(LOOKUPS)).bench_local(|| {
        let hit = |bits: &u32| {
            let bits = *black_box(bits);
            let of = |len: u8| {
                let mask = u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0);
                rows.get(&(len, bits & mask)).copied()
            };
            (0..=32).rev().find_map(of).unwrap_or(0)
        };
        probes.iter().map(hit).fold(0u32, u32::wrapping_add)
    });
}

/// What the first lookup after a change pays.
#[divan::bench(args = [100, 10_000, 1_000_000])]
fn compile(bencher: Bencher, count: u32) {
    let entries: Vec<(Cidr, u32)> =
        networks4(count).into_iter().zip(0..).map(|(b, n)| (Cidr::from(b), n)).collect();
    bencher.bench_local(|| LongestPrefix::compile(black_box(&entries).iter().copied()));
}
