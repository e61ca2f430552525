//! Longest-prefix match: which of many networks is the narrowest that holds an address.
//!
//! A table of networks is compiled once into sorted intervals, each with the network that wins there, and an
//! index over the 16 bits that follow what all networks have in common. A lookup is one look into the index
//! and a binary search among the few intervals that begin under it. IPv4 and IPv6 never mix.

use crate::cidr::{AddressBits, Block, Cidr};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A compiled table of networks, each with a value.
#[derive(Clone, Debug)]
pub struct LongestPrefix<V> {
    v4: Option<Intervals<u32>>,
    v6: Option<Intervals<u128>>,
    values: Vec<V>,
}

/// In an interval that no network holds.
const NOBODY: u32 = u32::MAX;
/// The index covers at most this many bits.
const INDEX_BITS: u32 = 16;

/// The intervals of one family inside `base`, the narrowest network that holds all but the default route.
#[derive(Clone, Debug)]
struct Intervals<A> {
    /// The first address of each interval, ascending; an interval ends where the next begins.
    starts: Vec<A>,
    /// The place of the winner of each interval among the values.
    winners: Vec<u32>,
    /// For each value of the indexed bits the interval that holds the first address with these bits, and one more.
    index: Vec<u32>,
    /// The bits that all addresses inside `base` share, and what they are.
    mask: A,
    base: A,
    /// How far the indexed bits lie from the right, and how many values they have less one.
    shift: u32,
    slots: u32,
    /// The winner of every address outside of `base`: the default route's.
    outside: u32,
}

impl<V> LongestPrefix<V> {
    /// Compiles a table. Of two equal networks the first counts.
    pub fn compile(entries: impl IntoIterator<Item = (Cidr, V)>) -> LongestPrefix<V> {
        let (mut v4, mut v6, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for (block, value) in entries {
            let place = u32::try_from(values.len()).expect("a table has fewer than 2^32 entries");
            match block {
                Cidr::V4(block) => v4.push((block, place)),
                Cidr::V6(block) => v6.push((block, place)),
            }
            values.push(value);
        }
        LongestPrefix { v4: Intervals::compile(v4), v6: Intervals::compile(v6), values }
    }

    /// The value of the narrowest network that holds the address.
    #[inline]
    pub fn lookup(&self, address: IpAddr) -> Option<&V> {
        match address {
            IpAddr::V4(address) => self.lookup4(address),
            IpAddr::V6(address) => self.lookup6(address),
        }
    }

    /// Like [`LongestPrefix::lookup`], for IPv4.
    #[inline]
    pub fn lookup4(&self, address: Ipv4Addr) -> Option<&V> {
        self.values.get(self.v4.as_ref()?.winner(address.to_bits()) as usize)
    }

    /// Like [`LongestPrefix::lookup`], for IPv6.
    #[inline]
    pub fn lookup6(&self, address: Ipv6Addr) -> Option<&V> {
        self.values.get(self.v6.as_ref()?.winner(address.to_bits()) as usize)
    }

    /// The value of the default route of IPv4, whatever is narrower.
    pub fn default4(&self) -> Option<&V> {
        self.values.get(self.v4.as_ref()?.outside as usize)
    }

    /// How many networks the table has.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether the table has no network.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl<A: AddressBits> Intervals<A> {
    fn compile(mut entries: Vec<(Block<A>, u32)>) -> Option<Intervals<A>> {
        entries.sort_unstable();
        entries.dedup_by_key(|(block, _)| *block);
        // A block sorts before everything inside it, so the default route is the first.
        let (outside, inner) = match entries.split_first()? {
            ((block, place), inner) if *block == Block::ALL => (*place, inner),
            _ => (NOBODY, &entries[..]),
        };
        let base = inner.iter().map(|(block, _)| *block).reduce(Block::spanning).unwrap_or(Block::ALL);
        let (starts, winners) = sweep(base, outside, inner);
        // A small table gets a small index: eight bits more than its intervals need to be told apart.
        let bits = (8 + starts.len().ilog2()).min(INDEX_BITS).min(u32::from(A::WIDTH - base.prefix_len()));
        let mut intervals = Intervals {
            starts,
            winners,
            index: Vec::new(),
            mask: if base.prefix_len() == 0 {
                A::ZERO
            } else {
                A::MAX << u32::from(A::WIDTH - base.prefix_len())
            },
            base: base.bits(),
            shift: (u32::from(A::WIDTH - base.prefix_len()) - bits).min(u32::from(A::WIDTH) - 1),
            slots: (1 << bits) - 1,
            outside,
        };
        intervals.index = intervals.make_index();
        Some(intervals)
    }

    #[inline]
    fn slot(&self, bits: A) -> u32 {
        (bits >> self.shift).low32() & self.slots
    }

    fn make_index(&self) -> Vec<u32> {
        let last = self.starts.len() as u32 - 1;
        let mut index = vec![last; self.slots as usize + 2];
        let mut from = 0;
        for (at, &start) in self.starts.iter().enumerate() {
            // Slots up to the one in which the interval begins still begin in the interval before it.
            let begins_slot = (start >> self.shift) << self.shift == start;
            let upto = self.slot(start) + u32::from(!begins_slot);
            while from < upto {
                index[from as usize] = at as u32 - 1;
                from += 1;
            }
        }
        index
    }

    #[inline]
    fn winner(&self, bits: A) -> u32 {
        if bits & self.mask != self.base {
            return self.outside;
        }
        let slot = self.slot(bits) as usize;
        let (low, high) = (self.index[slot] as usize, self.index[slot + 1] as usize);
        let later = &self.starts[low + 1..=high];
        self.winners[low + later.partition_point(|start| *start <= bits)]
    }
}

/// The intervals inside `base` and who wins in each; `entries` are sorted, distinct and inside `base`.
fn sweep<A: AddressBits>(base: Block<A>, outside: u32, entries: &[(Block<A>, u32)]) -> (Vec<A>, Vec<u32>) {
    let (mut starts, mut winners) = (vec![base.bits()], vec![outside]);
    // The blocks that are open at the point reached, widest first.
    let mut open: Vec<(Block<A>, u32)> = Vec::new();
    let mut begin = |at: A, winner: u32| {
        if starts.last() == Some(&at) {
            *winners.last_mut().expect("there is a first interval") = winner;
        } else {
            starts.push(at);
            winners.push(winner);
        }
    };
    // Behind the last block of `base` nothing begins any more.
    let close = |open: &mut Vec<(Block<A>, u32)>, begin: &mut dyn FnMut(A, u32)| {
        let Some((closed, _)) = open.pop() else { return };
        if closed.last_bits() < base.last_bits()
            && let Some(next) = closed.last_bits().checked_add(A::ONE)
        {
            begin(next, open.last().map_or(outside, |(_, winner)| *winner));
        }
    };
    for &(block, winner) in entries {
        while open.last().is_some_and(|(outer, _)| outer.last_bits() < block.bits()) {
            close(&mut open, &mut begin);
        }
        begin(block.bits(), winner);
        open.push((block, winner));
    }
    while !open.is_empty() {
        close(&mut open, &mut begin);
    }
    (starts, winners)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the table must answer: try every network.
    fn naive(entries: &[Cidr], address: IpAddr) -> Option<usize> {
        let holding = entries.iter().enumerate().filter(|(_, block)| block.contains_address(address));
        // `max_by_key` takes the last of equals; the first counts.
        holding.rev().max_by_key(|(_, block)| block.prefix_len()).map(|(at, _)| at)
    }

    fn check(entries: &[Cidr], probes: impl IntoIterator<Item = IpAddr>) {
        let table = LongestPrefix::compile(entries.iter().enumerate().map(|(at, block)| (*block, at)));
        for address in probes {
            let (got, want) = (table.lookup(address).copied(), naive(entries, address));
            assert_eq!(got, want, "{address} in {entries:?}");
        }
    }

    /// The addresses around which the answer can change.
    fn edges(entries: &[Cidr]) -> Vec<IpAddr> {
        let mut edges = Vec::new();
        for block in entries {
            match *block {
                Cidr::V4(block) => {
                    let (first, last) = (block.bits(), block.last_bits());
                    let near = [
                        first,
                        last,
                        first.wrapping_sub(1),
                        last.wrapping_add(1),
                        first ^ ((last ^ first) / 2),
                    ];
                    edges.extend(near.map(|bits| IpAddr::V4(bits.into())));
                }
                Cidr::V6(block) => {
                    let (first, last) = (block.bits(), block.last_bits());
                    let near = [
                        first,
                        last,
                        first.wrapping_sub(1),
                        last.wrapping_add(1),
                        first ^ ((last ^ first) / 2),
                    ];
                    edges.extend(near.map(|bits| IpAddr::V6(bits.into())));
                }
            }
        }
        edges
    }

    #[test]
    fn narrowest_wins() {
        let texts =
            ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "255.255.255.255/32"];
        let entries: Vec<Cidr> = texts.iter().map(|t| t.parse().unwrap()).collect();
        let table = LongestPrefix::compile(entries.iter().zip(texts).map(|(block, text)| (*block, text)));
        for (address, want) in [
            ("1.1.1.1", "0.0.0.0/0"),
            ("10.2.0.1", "10.0.0.0/8"),
            ("10.1.0.1", "10.1.0.0/16"),
            ("10.1.2.2", "10.1.2.0/24"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("10.1.2.4", "10.1.2.0/24"),
            ("10.1.3.0", "10.1.0.0/16"),
            ("11.0.0.0", "0.0.0.0/0"),
            ("255.255.255.255", "255.255.255.255/32"),
        ] {
            assert_eq!(table.lookup(address.parse().unwrap()), Some(&want), "{address}");
        }
        assert_eq!(table.lookup("::1".parse().unwrap()), None);
        assert_eq!(table.len(), 6);
    }

    #[test]
    fn small_tables_and_whole_spaces() {
        for texts in [
            &[][..],
            &["0.0.0.0/0"],
            &["::/0"],
            &["1.2.3.4/32"],
            &["2001:db8::1/128"],
            &["255.255.255.255/32", "0.0.0.0/32"],
            &["0.0.0.0/1", "128.0.0.0/1", "0.0.0.0/0"],
            &["10.0.0.0/8", "10.0.0.0/8"],
            &["ffff::/16", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "::/0"],
        ] {
            let entries: Vec<Cidr> = texts.iter().map(|t| t.parse().unwrap()).collect();
            let more = ["0.0.0.0", "10.1.1.1", "::", "2001:db8::1", "255.255.255.255"];
            check(&entries, edges(&entries).into_iter().chain(more.map(|t| t.parse().unwrap())));
        }
    }

    /// Networks crowded into a corner, so that they nest and touch.
    fn crowded() -> impl Strategy<Value = Cidr> {
        prop_oneof![
            (0u32..1 << 12, 0u8..=32).prop_map(|(low, len)| {
                Cidr::containing(IpAddr::V4((0x0a00_0000 | low).into()), len).unwrap()
            }),
            (any::<u32>(), 0u8..=32)
                .prop_map(|(bits, len)| Cidr::containing(IpAddr::V4(bits.into()), len).unwrap()),
            (0u128..1 << 20, 32u8..=128).prop_map(|(low, len)| {
                Cidr::containing(IpAddr::V6(((0x2408_4000u128 << 96) | low << 50 | low).into()), len).unwrap()
            }),
            (any::<u128>(), 0u8..=128)
                .prop_map(|(bits, len)| Cidr::containing(IpAddr::V6(bits.into()), len).unwrap()),
        ]
    }

    proptest! {
        #[test]
        fn equals_a_naive_scan(
            entries in prop::collection::vec(crowded(), 0..120),
            v4 in prop::collection::vec(any::<u32>(), 20),
            v6 in prop::collection::vec(any::<u128>(), 20),
        ) {
            let v6 = v6.into_iter().map(|b| IpAddr::V6(b.into()));
            let random = v4.into_iter().map(|b| IpAddr::V4(b.into())).chain(v6);
            check(&entries, edges(&entries).into_iter().chain(random));
        }
    }
}
