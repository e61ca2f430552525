//! What an allocation costs, each beside a floor measured in the same run.
//!
//! `cargo bench -p sim-core --bench cidr`

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;

use divan::Bencher;
use sim_core::cidr::{AddressPool, AddressPool6, BlockAllocator, Cidr4};

fn main() {
    divan::main();
}

const WIDE: Cidr4 = Cidr4::v4([10, 0, 0, 0], 8);
/// How many of the 65,536 /24s of 10.0.0.0/8 are out.
const FILLS: [u32; 4] = [0, 256, 4_096, 65_535];
const MILLION: u32 = 1_000_000;
/// Odd and without a pattern: visits every residue of a power of two.
const STEP: u32 = 2_654_435_761;

fn filled(len: u8, blocks: u32) -> BlockAllocator {
    let mut allocator = BlockAllocator::new([WIDE]).unwrap();
    (0..blocks).for_each(|_| assert!(allocator.allocate(len).unwrap().prefix_len() > 0));
    allocator
}

/// Next free /24 without taking it.
#[divan::bench(args = FILLS)]
fn block_next_free(bencher: Bencher, blocks: u32) {
    let allocator = filled(24, blocks);
    bencher.bench_local(|| black_box(&allocator).next_free(black_box(24)));
}

/// Allocate the lowest free /24 and give it back.
#[divan::bench(args = FILLS)]
fn block_allocate_and_free(bencher: Bencher, blocks: u32) {
    let mut allocator = filled(24, blocks);
    bencher.bench_local(|| {
        let block = allocator.allocate(black_box(24)).unwrap();
        allocator.free(block).unwrap();
    });
}

/// Give back one of 65,536 scattered /24s and allocate it again as the lowest.
#[divan::bench]
fn block_full_free_scattered_then_allocate(bencher: Bencher) {
    let mut allocator = filled(24, 65_536);
    let mut n = 0u32;
    bencher.bench_local(|| {
        n = n.wrapping_add(STEP);
        let block = WIDE.subnet(24, u128::from(n & 0xFFFF)).unwrap();
        allocator.free(block).unwrap();
        allocator.allocate(24).unwrap()
    });
}

/// The same among a million /28s (the first million of 2^20).
#[divan::bench]
fn block_million_free_scattered_then_allocate(bencher: Bencher) {
    let mut allocator = filled(28, MILLION);
    let mut n = 0u32;
    bencher.bench_local(|| {
        n = n.wrapping_add(STEP);
        let block = WIDE.subnet(28, u128::from(n % MILLION)).unwrap();
        allocator.free(block).unwrap();
        allocator.allocate(28).unwrap()
    });
}

/// Next free /28 above a million allocated ones.
#[divan::bench]
fn block_million_next_free(bencher: Bencher) {
    let allocator = filled(28, MILLION);
    bencher.bench_local(|| black_box(&allocator).next_free(black_box(28)));
}

/// Floor for one length only: the first zero bit of a flat bitmap of 65,536.
#[divan::bench(args = FILLS)]
fn floor_bitmap_scan(bencher: Bencher, blocks: u32) {
    let mut words = vec![u64::MAX; 1024];
    (0..blocks).for_each(|n| words[n as usize / 64] &= !(1 << (n % 64)));
    bencher.bench_local(|| {
        let at = black_box(&words).iter().position(|word| *word != 0);
        at.map(|at| at as u32 * 64 + words[at].trailing_zeros())
    });
}

/// Floor for a plain ordered set of the free /24s: first, remove, insert.
#[divan::bench(args = FILLS)]
fn floor_btree_set(bencher: Bencher, blocks: u32) {
    let mut free: BTreeSet<u32> = (blocks..65_536).collect();
    bencher.bench_local(|| {
        let first = *black_box(&mut free).iter().next().unwrap();
        free.remove(&first);
        free.insert(first);
    });
}

fn pool(len: u8, taken: u32) -> AddressPool {
    let mut pool = AddressPool::new(Cidr4::v4([10, 0, 0, 0], len)).unwrap();
    (0..taken).for_each(|_| assert!(!pool.take().unwrap().is_unspecified()));
    pool
}

/// Take the lowest address of a /16 and give it back, with so many taken.
#[divan::bench(args = [0, 256, 4_096, 65_531])]
fn pool_take_and_give_back(bencher: Bencher, taken: u32) {
    let mut pool = pool(16, taken);
    bencher.bench_local(|| {
        let address = pool.take().unwrap();
        pool.give_back(address).unwrap();
    });
}

/// Give back a scattered address of a full /16 and take it again as the lowest.
#[divan::bench]
fn pool_full_scattered(bencher: Bencher) {
    let mut pool = pool(16, 65_532);
    let base = pool.block().bits();
    let mut n = 0u32;
    bencher.bench_local(|| {
        n = n.wrapping_add(STEP);
        pool.give_back((base + 1 + n % 65_532).into()).unwrap();
        pool.take().unwrap()
    });
}

/// The same in a /24.
#[divan::bench]
fn pool_small_take_and_give_back(bencher: Bencher) {
    let mut pool = pool(24, 100);
    bencher.bench_local(|| {
        let address = pool.take().unwrap();
        pool.give_back(address).unwrap();
    });
}

/// Take the lowest /28 prefix of a /16 and give it back, with so many taken.
#[divan::bench(args = [0, 4_093])]
fn pool_prefix_take_and_give_back(bencher: Bencher, taken: u32) {
    let mut pool = pool(16, 0);
    (0..taken).for_each(|_| assert!(pool.take_prefix().unwrap().prefix_len() > 0));
    bencher.bench_local(|| {
        let prefix = pool.take_prefix().unwrap();
        pool.give_back_prefix(prefix).unwrap();
    });
}

/// Take the lowest address of a /64 and give it back, with so many taken.
#[divan::bench(args = [0, 4_096])]
fn pool6_take_and_give_back(bencher: Bencher, taken: u32) {
    let mut pool = AddressPool6::new("2001:db8::/64".parse().unwrap()).unwrap();
    (0..taken).for_each(|_| assert!(!pool.take().unwrap().is_unspecified()));
    bencher.bench_local(|| {
        let address = pool.take().unwrap();
        pool.give_back(address).unwrap();
    });
}

/// Floor of a pool: the ordered intervals of free addresses in a map.
#[divan::bench]
fn floor_btree_map_intervals(bencher: Bencher) {
    let mut free: BTreeMap<u32, u32> = (0..4_096).map(|n| (n * 16, n * 16 + 7)).collect();
    bencher.bench_local(|| {
        let (start, end) = black_box(&mut free).pop_first().unwrap();
        free.insert(start + 1, end);
        free.remove(&(start + 1));
        free.insert(start, end);
    });
}
