//! The address pools against an ordered set, their refusals, and the address rules.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use sim_core::cidr::reserved::*;
use sim_core::cidr::{AddressPool, AddressPool6, AddressState, Cidr4, Cidr6};

fn c4(text: &str) -> Cidr4 {
    text.parse().unwrap()
}
fn c6(text: &str) -> Cidr6 {
    text.parse().unwrap()
}
fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

/// Figures of the provider's documentation.
#[test]
fn documented_figures() {
    let rows = [(29, 4), (28, 12), (24, 252), (20, 4_092), (16, 65_532), (12, 1_048_572), (8, 16_777_212)];
    for (len, usable) in rows {
        assert_eq!(usable_addresses(len), usable, "/{len}");
    }
    assert_eq!((usable_addresses(30), usable_addresses(32), usable_addresses(200)), (0, 0, 0));
    let kept: Vec<String> = reserved_addresses(c4("192.168.1.0/24")).iter().map(|a| a.to_string()).collect();
    assert_eq!(kept, ["192.168.1.0", "192.168.1.253", "192.168.1.254", "192.168.1.255"]);
    assert_eq!(gateway_address(c4("192.168.1.0/24")), ip("192.168.1.253"));
    let kept = reserved_ipv6_addresses(c6("2001:db8::/64"));
    assert_eq!(
        (kept.len(), kept[0], kept[1]),
        (10, "2001:db8::".parse().unwrap(), "2001:db8::ffff:ffff:ffff:fff7".parse().unwrap())
    );
    for block in [c4("10.0.0.0/30"), c4("255.255.255.254/31"), c4("0.0.0.0/32"), c4("255.255.255.255/32")] {
        let all: Vec<Ipv4Addr> = block.subnets(32).map(|b| b.first()).collect();
        assert_eq!(reserved_addresses(block), all, "{block}");
    }
    for len in 16..=29 {
        let pool = AddressPool::new(Cidr4::containing(ip("10.0.0.0"), len).unwrap()).unwrap();
        assert_eq!(u64::from(pool.free_count()), usable_addresses(len));
    }
}

/// One row is one block and what the rule says of it ("" passes).
#[test]
fn block_rules_word_for_word() {
    let vpc = [
        ("10.0.0.0/8", ""),
        ("192.168.0.0/28", ""),
        ("8.0.0.0/8", ""),
        ("100.0.0.0/10", ""),
        ("100.128.0.0/9", ""),
        ("240.0.0.0/8", ""),
        ("10.0.0.0/7", "10.0.0.0/7 has a prefix length outside 8 to 28; 10.0.0.0/8 would pass"),
        ("10.0.0.0/29", "10.0.0.0/29 has a prefix length outside 8 to 28; 10.0.0.0/28 would pass"),
        ("100.64.0.0/10", "100.64.0.0/10 overlaps 100.64.0.0/10 (cloud services); 10.0.0.0/10 would pass"),
        ("100.100.0.0/16", "100.100.0.0/16 overlaps 100.64.0.0/10 (cloud services); 10.0.0.0/16 would pass"),
        ("100.0.0.0/8", "100.0.0.0/8 overlaps 100.64.0.0/10 (cloud services); 10.0.0.0/8 would pass"),
        ("127.0.0.0/8", "127.0.0.0/8 overlaps 127.0.0.0/8 (loopback); 10.0.0.0/8 would pass"),
        ("169.254.1.0/24", "169.254.1.0/24 overlaps 169.254.0.0/16 (link-local); 10.0.0.0/24 would pass"),
        ("169.0.0.0/8", "169.0.0.0/8 overlaps 169.254.0.0/16 (link-local); 10.0.0.0/8 would pass"),
        ("239.0.0.0/8", "239.0.0.0/8 overlaps 224.0.0.0/4 (multicast); 10.0.0.0/8 would pass"),
        ("0.1.0.0/16", "0.1.0.0/16 overlaps 0.0.0.0/8 (this network); 10.0.0.0/16 would pass"),
    ];
    let words = |result: Result<(), RuleError>| result.map_or_else(|e| e.to_string(), |()| String::new());
    for (block, expected) in vpc {
        assert_eq!(words(check_vpc_block(c4(block))), expected, "{block}");
    }
    let (parents, vswitches) = ([c4("10.0.0.0/8"), c4("172.16.0.0/24")], [c4("10.0.0.0/24")]);
    let vswitch = [
        ("10.0.1.0/24", ""),
        ("10.1.0.0/16", ""),
        ("172.16.0.0/24", ""),
        ("10.0.0.0/15", "10.0.0.0/15 has a prefix length outside 16 to 29; 10.0.0.0/16 would pass"),
        ("10.0.0.0/30", "10.0.0.0/30 has a prefix length outside 16 to 29; 10.0.0.0/29 would pass"),
        ("10.0.0.8/29", "10.0.0.8/29 overlaps 10.0.0.0/24"),
        ("10.0.0.0/16", "10.0.0.0/16 overlaps 10.0.0.0/24"),
        ("11.0.0.0/24", "11.0.0.0/24 is not inside 10.0.0.0/8; 10.0.0.0/24 would pass"),
        ("100.64.0.0/16", "100.64.0.0/16 overlaps 100.64.0.0/10 (cloud services); 10.0.0.0/16 would pass"),
    ];
    for (block, expected) in vswitch {
        assert_eq!(words(check_vswitch_block(c4(block), &parents, &vswitches)), expected, "{block}");
    }
    let narrow = check_vswitch_block(c4("172.16.0.0/16"), &[c4("172.16.0.0/24")], &[]);
    assert_eq!(words(narrow), "172.16.0.0/16 is not inside 172.16.0.0/24; 172.16.0.0/24 would pass");
    let secondary = [
        ("172.16.0.0/16", 16, ""),
        ("172.16.0.0/12", 8, ""),
        ("172.16.0.0/12", 16, "172.16.0.0/12 has a prefix length outside 16 to 28; 172.16.0.0/16 would pass"),
        ("10.3.0.0/16", 16, "10.3.0.0/16 overlaps 10.0.0.0/8"),
    ];
    for (block, min, expected) in secondary {
        assert_eq!(words(check_secondary_block(c4(block), min, &[c4("10.0.0.0/8")])), expected, "{block}");
    }
    assert_eq!(words(check_user_cidrs(&[c4("30.0.0.0/8"), c4("30.1.0.0/16"), c4("44.0.0.0/8")])), "");
    let four = [c4("30.0.0.0/8"), c4("31.0.0.0/8"), c4("32.0.0.0/8"), c4("33.0.0.0/8")];
    assert_eq!(words(check_user_cidrs(&four)), "user CIDRs: 4 given, at most 3 are allowed");
    let shared = "100.64.0.0/24 overlaps 100.64.0.0/10 (cloud services); 10.0.0.0/24 would pass";
    assert_eq!(words(check_user_cidr(c4("100.64.0.0/24"))), shared);
}

#[test]
fn ipv6_subnet_numbers() {
    let rows = [("2001:db8::/56", 255), ("2001:db8::/52", 4_095), ("2001:db8::/60", 15)];
    for (vpc, max) in rows {
        assert_eq!(max_subnet_number(c6(vpc)), Ok(max));
        let last = vswitch_ipv6_block(c6(vpc), max).unwrap();
        assert_eq!((last.prefix_len(), last.last()), (64, c6(vpc).last()));
        let beyond = vswitch_ipv6_block(c6(vpc), max + 1).unwrap_err().to_string();
        assert_eq!(beyond, format!("subnet number {} is above {max}, the last /64 of {vpc}", max + 1));
    }
    assert_eq!(vswitch_ipv6_block(c6("2001:db8::/56"), 171), Ok(c6("2001:db8:0:ab::/64")));
    let bad = check_vpc_ipv6_block(c6("2001:db8::/48")).unwrap_err().to_string();
    assert_eq!(bad, "2001:db8::/48 is not a /52, /56 or /60; 2001:db8::/56 would pass");
}

/// The pool as sets, read straight from the rules.
struct Model {
    block: Cidr4,
    free: BTreeSet<u32>,
    single: BTreeSet<u32>,
    prefixes: BTreeSet<u32>,
    reserved: BTreeSet<Cidr4>,
}

impl Model {
    fn new(block: Cidr4) -> Model {
        let free = (block.bits() + 1..=block.last_bits() - 3).collect();
        Model { block, free, single: BTreeSet::new(), prefixes: BTreeSet::new(), reserved: BTreeSet::new() }
    }
    fn take(&mut self) -> Option<u32> {
        let n = self.free.pop_first()?;
        self.single.insert(n);
        Some(n)
    }
    fn all_free(&self, b: Cidr4) -> bool {
        (b.bits()..=b.last_bits()).all(|n| self.free.contains(&n))
    }
    fn drop_free(&mut self, b: Cidr4) {
        self.free.retain(|n| !b.contains_bits(*n));
    }
    fn can_prefix(&self, b: Cidr4) -> bool {
        let waiting = self.reserved.iter().any(|r| r.contains(b)) && !self.prefixes.contains(&b.bits());
        self.block.contains(b) && (waiting || self.all_free(b))
    }
    fn take_prefix(&mut self) -> Option<Cidr4> {
        let open = self.reserved.is_empty();
        let inside = |b: &Cidr4| open || self.reserved.iter().any(|r| r.contains(*b));
        let block = self.block.subnets(28).find(|b| inside(b) && self.can_prefix(*b))?;
        self.place_prefix(block);
        Some(block)
    }
    fn place_prefix(&mut self, b: Cidr4) {
        self.drop_free(b);
        self.prefixes.insert(b.bits());
    }
    fn drop_prefix(&mut self, b: Cidr4) -> bool {
        let had = self.prefixes.remove(&b.bits());
        if had && !self.reserved.iter().any(|r| r.contains(b)) {
            self.free.extend(b.bits()..=b.last_bits());
        }
        had
    }
    fn reserve(&mut self, b: Cidr4) -> bool {
        let fine = self.block.contains(b) && b != self.block && b.prefix_len() <= 28 && self.all_free(b);
        if fine {
            self.drop_free(b);
            self.reserved.insert(b);
        }
        fine
    }
    fn unreserve(&mut self, b: Cidr4) -> bool {
        let fine = self.reserved.contains(&b) && !self.prefixes.iter().any(|p| b.contains_bits(*p));
        if fine {
            self.reserved.remove(&b);
            self.free.extend(b.bits()..=b.last_bits());
        }
        fine
    }
}

proptest! {
    #[test]
    fn pool_agrees_with_sets(
        len in 19u8..=29,
        steps in prop::collection::vec((0u8..12, any::<u32>(), 20u8..=29), 1..200),
    ) {
        let block = Cidr4::containing(ip("10.7.0.0"), len).unwrap();
        let (mut pool, mut model) = (AddressPool::new(block).unwrap(), Model::new(block));
        for (kind, pick, sub) in steps {
            // Mostly near the start, where things are; one in eight anywhere.
            let near = if pick % 8 == 0 { pick / 8 } else { pick / 8 % 100 };
            let n = block.bits() + near % block.size() as u32;
            let part = Cidr4::containing(n.into(), sub.max(len).min(32)).unwrap();
            let prefix = Cidr4::containing(n.into(), 28).unwrap();
            match kind {
                0..=3 => prop_assert_eq!(pool.take().ok().map(Ipv4Addr::to_bits), model.take()),
                4 => {
                    let expected = model.free.remove(&n) && model.single.insert(n);
                    prop_assert_eq!(pool.take_address(n.into()).is_ok(), expected);
                }
                5 | 6 => {
                    let expected = model.single.remove(&n) && model.free.insert(n);
                    prop_assert_eq!(pool.give_back(n.into()).is_ok(), expected);
                }
                7 => prop_assert_eq!(pool.take_prefix().ok(), model.take_prefix()),
                8 => {
                    let expected = model.can_prefix(prefix);
                    if expected { model.place_prefix(prefix) }
                    prop_assert_eq!(pool.take_prefix_block(prefix).is_ok(), expected);
                }
                9 => prop_assert_eq!(pool.give_back_prefix(prefix).is_ok(), model.drop_prefix(prefix)),
                10 => prop_assert_eq!(pool.reserve(part).is_ok(), model.reserve(part)),
                _ => {
                    let part = model.reserved.first().copied().filter(|_| pick % 2 == 0).unwrap_or(part);
                    prop_assert_eq!(pool.unreserve(part).is_ok(), model.unreserve(part));
                }
            }
            prop_assert_eq!(pool.free_count() as usize, model.free.len());
            prop_assert_eq!(pool.next_free().map(Ipv4Addr::to_bits), model.free.first().copied());
            prop_assert_eq!(pool.is_free(n.into()), model.free.contains(&n));
            prop_assert_eq!(pool.prefix_count() as usize, model.prefixes.len());
            prop_assert_eq!(pool.reservations().to_vec(), model.reserved.iter().copied().collect::<Vec<_>>());
        }
    }

    #[test]
    fn pool6_agrees_with_sets(steps in prop::collection::vec((0u8..8, 0u8..4, 0u64..24), 1..120)) {
        let block = c6("2001:db8:0:1::/64");
        let mut pool = AddressPool6::new(block).unwrap();
        // Single addresses and /80s that are out; the rest is free.
        let (mut single, mut prefixes) = (BTreeSet::new(), BTreeSet::new());
        for (kind, group, low) in steps {
            let group = [0u64, 1, 2, 0xFFFF][usize::from(group)];
            let low = if group == 0xFFFF { (1 << 48) - 24 + low } else { low };
            let n = group << 48 | low;
            let address = Ipv6Addr::from_bits(block.bits() | u128::from(n));
            let prefix = Cidr6::containing(address, 80).unwrap();
            let kept = |n: u64| n == 0 || n >= u64::MAX - 8;
            let free = |n: u64, s: &BTreeSet<u64>, p: &BTreeSet<u64>| !kept(n) && !s.contains(&n) && !p.contains(&(n >> 48));
            let open = |g: u64, s: &BTreeSet<u64>, p: &BTreeSet<u64>| g != 0 && g != 0xFFFF && !p.contains(&g) && s.range(g << 48..(g + 1) << 48).next().is_none();
            match kind {
                0..=2 => {
                    let expected = (0..200u64).chain((1..4).flat_map(|g| (g << 48)..(g << 48) + 200)).find(|n| free(*n, &single, &prefixes)).unwrap();
                    prop_assert_eq!(pool.take().unwrap().to_bits() as u64, expected);
                    single.insert(expected);
                }
                3 => {
                    let expected = free(n, &single, &prefixes);
                    if expected { single.insert(n); }
                    prop_assert_eq!(pool.take_address(address).is_ok(), expected);
                }
                4 => prop_assert_eq!(pool.give_back(address).is_ok(), single.remove(&n)),
                5 => {
                    let expected = (1..200).find(|g| open(*g, &single, &prefixes)).unwrap();
                    prop_assert_eq!(pool.take_prefix().unwrap().bits() as u64 >> 48, expected);
                    prefixes.insert(expected);
                }
                6 => {
                    let expected = open(group, &single, &prefixes);
                    if expected { prefixes.insert(group); }
                    prop_assert_eq!(pool.take_prefix_block(prefix).is_ok(), expected);
                }
                _ => prop_assert_eq!(pool.give_back_prefix(prefix).is_ok(), prefixes.remove(&group)),
            }
            let out = 10 + single.len() as u128 + ((prefixes.len() as u128) << 48);
            prop_assert_eq!(u128::from(pool.free_count()), (1u128 << 64) - out);
            prop_assert_eq!(pool.is_free(address), free(n, &single, &prefixes));
            prop_assert_eq!(pool.prefix_count() as usize, prefixes.len());
        }
    }
}

#[test]
fn refusals_word_for_word() {
    let mut p = AddressPool::new(c4("192.168.1.0/24")).unwrap();
    p.take_address(ip("192.168.1.5")).unwrap();
    p.take_prefix_block(c4("192.168.1.16/28")).unwrap();
    p.reserve(c4("192.168.1.64/27")).unwrap();
    p.take_prefix().unwrap();
    let before = p.clone();
    let single = |r: Result<(), _>| r.map_err(|e: sim_core::cidr::PoolError| e.to_string()).unwrap_err();
    let rows = [
        (single(p.take_address(ip("192.168.1.5"))), "192.168.1.5/32 is already in use"),
        (single(p.take_address(ip("192.168.2.1"))), "192.168.2.1/32 is not inside 192.168.1.0/24"),
        (
            single(p.take_address(ip("192.168.1.253"))),
            "192.168.1.253/32 is reserved by the system in 192.168.1.0/24",
        ),
        (
            single(p.take_address(ip("192.168.1.17"))),
            "192.168.1.17/32 is part of the assigned prefix 192.168.1.16/28",
        ),
        (
            single(p.take_address(ip("192.168.1.81"))),
            "192.168.1.81/32 is inside the reserved block 192.168.1.64/27",
        ),
        (single(p.give_back(ip("192.168.1.6"))), "192.168.1.6/32 is not in use"),
        (
            single(p.give_back(ip("192.168.1.0"))),
            "192.168.1.0/32 is reserved by the system in 192.168.1.0/24",
        ),
        (
            single(p.give_back(ip("192.168.1.16"))),
            "192.168.1.16/32 is part of the assigned prefix 192.168.1.16/28",
        ),
        (
            single(p.take_prefix_block(c4("192.168.1.0/28"))),
            "192.168.1.0/28 is reserved by the system in 192.168.1.0/24",
        ),
        (
            single(p.take_prefix_block(c4("192.168.1.16/28"))),
            "192.168.1.16/28 is part of the assigned prefix 192.168.1.16/28",
        ),
        (
            single(p.take_prefix_block(c4("192.168.1.32/27"))),
            "192.168.1.32/27 needs a prefix length from 28 to 28",
        ),
        (single(p.give_back_prefix(c4("192.168.1.32/28"))), "192.168.1.32/28 is not in use"),
        (single(p.reserve(c4("192.168.1.0/24"))), "192.168.1.0/24 needs a prefix length from 25 to 28"),
        (
            single(p.reserve(c4("192.168.1.128/25"))),
            "192.168.1.128/25 is reserved by the system in 192.168.1.0/24",
        ),
        (
            single(p.reserve(c4("192.168.1.64/28"))),
            "192.168.1.64/28 is part of the assigned prefix 192.168.1.64/28",
        ),
        (
            single(p.reserve(c4("192.168.1.80/28"))),
            "192.168.1.80/28 is inside the reserved block 192.168.1.64/27",
        ),
        (
            single(p.unreserve(c4("192.168.1.64/27"))),
            "192.168.1.64/27 is in use by the prefix 192.168.1.64/28",
        ),
        (single(p.unreserve(c4("192.168.1.96/27"))), "192.168.1.96/27 is not in use"),
        (single(p.reserve_next(25).map(drop_block)), "192.168.1.0/25 needs a prefix length from 26 to 28"),
        (
            single(AddressPool::new(c4("10.0.0.0/15")).map(drop)),
            "a pool over 10.0.0.0/15 needs a prefix length from 16 to 29",
        ),
        (
            single(AddressPool6::new(c6("2001:db8::/56")).map(drop)),
            "a pool over 2001:db8::/56 needs a prefix length from 64 to 64",
        ),
    ];
    for (found, expected) in rows {
        assert_eq!(found, expected);
    }
    assert!(p == before, "a refusal changes nothing");
    assert_eq!(p.state(ip("192.168.1.81")), Ok(AddressState::Reserved(c4("192.168.1.64/27"))));
    assert_eq!(p.state(ip("192.168.1.66")), Ok(AddressState::InPrefix(c4("192.168.1.64/28"))));
    let mut full = AddressPool::new(c4("10.0.0.0/29")).unwrap();
    (0..4).for_each(|_| assert!(full.take().is_ok()));
    assert_eq!(single(full.take().map(|_| ())), "no free address is left in 10.0.0.0/29");
    let none = single(AddressPool::new(c4("10.0.0.0/28")).unwrap().take_prefix().map(drop_block));
    assert_eq!(none, "no free /28 is left in 10.0.0.0/28; 12 single addresses are");
}

/// Reservations of an IPv6 pool: prefixes come from them, single addresses never do, and all is given back.
#[test]
fn an_ipv6_reservation_serves_prefixes_alone() {
    let mut p = AddressPool6::new(c6("2001:db8::/64")).unwrap();
    let whole = p.free_count();
    p.take_address("2001:db8::4001:0:0:5".parse().unwrap()).unwrap();
    let taken = p.reserve(c6("2001:db8:0:0:4000::/72")).unwrap_err().to_string();
    assert_eq!(taken, "2001:db8:0:0:4000::/72 is already in use");
    p.give_back("2001:db8::4001:0:0:5".parse().unwrap()).unwrap();
    p.reserve(c6("2001:db8:0:0:4000::/72")).unwrap();
    assert_eq!(p.free_count(), whole - (1 << 56));
    assert!(!p.is_free("2001:db8::4001:0:0:5".parse().unwrap()));
    assert!(p.take_address("2001:db8::4001:0:0:5".parse().unwrap()).is_err());
    assert!(p.give_back("2001:db8::4001:0:0:5".parse().unwrap()).is_err());
    assert!(p.reserve(c6("2001:db8:0:0:4001::/80")).is_err(), "it overlaps the other one");
    assert_eq!(p.reserve_next(80), Ok(c6("2001:db8:0:0:1::/80")), "the first holds a kept address");
    assert_eq!(p.take_prefix(), Ok(c6("2001:db8:0:0:1::/80")));
    assert_eq!(p.take_prefix(), Ok(c6("2001:db8:0:0:4000::/80")));
    assert!(p.unreserve(c6("2001:db8:0:0:4000::/72")).is_err(), "a prefix of it is assigned");
    p.give_back_prefix(c6("2001:db8:0:0:4000::/80")).unwrap();
    p.give_back_prefix(c6("2001:db8:0:0:1::/80")).unwrap();
    for block in [c6("2001:db8:0:0:4000::/72"), c6("2001:db8:0:0:1::/80")] {
        p.unreserve(block).unwrap();
        assert!(p.unreserve(block).is_err(), "it is gone");
    }
    assert_eq!(p.free_count(), whole);
    assert_eq!(p.reservations(), []);
    p.take_address("2001:db8::4001:0:0:5".parse().unwrap()).unwrap();
    assert_eq!(p.take_prefix(), Ok(c6("2001:db8:0:0:1::/80")));
}

fn drop_block(_: Cidr4) {}

#[test]
fn reservations_by_length_take_the_lowest_place() {
    let mut p = AddressPool::new(c4("10.0.0.0/16")).unwrap();
    assert_eq!(p.reserve_next(18), Ok(c4("10.0.64.0/18")), "the first has the system's address");
    assert_eq!(p.reserve_next(28), Ok(c4("10.0.0.16/28")));
    assert_eq!(p.take_prefix(), Ok(c4("10.0.0.16/28")));
    assert_eq!(p.take_prefix(), Ok(c4("10.0.64.0/28")));
    assert_eq!(p.free_count(), 65_532 - 16_384 - 16);
}

/// Many vSwitches are kept in memory: small ones cost nothing beyond themselves.
#[test]
fn memory_is_in_proportion() {
    assert!(size_of::<AddressPool>() <= 104, "{}", size_of::<AddressPool>());
    let mut rows = BTreeMap::new();
    for len in [29u8, 26, 24, 20, 16] {
        let mut pool = AddressPool::new(Cidr4::containing(ip("10.0.0.0"), len).unwrap()).unwrap();
        assert_eq!(pool.heap_bytes(), 0, "/{len} empty");
        while pool.take().is_ok() {}
        rows.insert(len, pool.heap_bytes());
    }
    assert_eq!((rows[&29], rows[&26]), (0, 0));
    assert!(rows[&24] <= 32 && rows[&20] <= 512 && rows[&16] <= 8_192 + 128, "{rows:?}");
}
