//! Rules compiled for looking up: which of an ordered list of rules is the first that fits a packet.
//!
//! Every field that a rule looks at cuts the values of a packet into intervals in which no rule can tell two values apart.
//! For each interval a row of bits says which rules fit there, the first rule in the lowest bit, so that the first rule
//! that fits in all fields is the lowest bit that is set in all rows. An index finds the interval of a value, and each row
//! knows its first word that is not empty, so that looking up costs a few steps for each field and seldom more than one word,
//! whatever the number of rules; the plain scan over rules stays as what it is tested against.

use crate::cidr::Cidr;
use crate::ecs::group_filter::PacketProtocol;
use crate::ecs::security_group_rule::{PortRange, Protocol};
use crate::id::SecurityGroupId;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What a rule looks at.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub protocol: Protocol,
    pub ports: Option<PortRange>,
    pub source_ports: Option<PortRange>,
    pub peer: PeerShape,
    pub own: Option<Cidr>,
}

/// The other side of a rule.
#[derive(Clone, Debug)]
pub(crate) enum PeerShape {
    /// Any address of these blocks.
    Blocks(Vec<Cidr>),
    /// Any address that a member of the group holds.
    Group(SecurityGroupId),
}

/// What is looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sought {
    pub protocol: PacketProtocol,
    pub port: u16,
    pub source_port: u16,
    pub peer: IpAddr,
    pub own: IpAddr,
}

/// The compiled rules.
#[derive(Debug)]
pub(crate) struct RuleFilter {
    /// How many words a row of bits has.
    words: usize,
    /// Which rules fit each protocol, a row for each of [`class_of`].
    protocols: Vec<u64>,
    /// The first word of each of these rows that is not empty.
    first_words: [u32; CLASSES],
    ports: Option<Field<u16>>,
    source_ports: Option<Field<u16>>,
    peer4: Field<u32>,
    peer6: Field<u128>,
    own: Option<(Field<u32>, Field<u128>)>,
    /// Which rules name each group as the other side.
    groups: Vec<(SecurityGroupId, Vec<u64>)>,
    /// Whether rules look at no more than most do: protocols, destination ports and blocks of the other side.
    plain: bool,
}

/// Protocols that rules tell apart.
const CLASSES: usize = 6;

const fn class_of(protocol: PacketProtocol) -> usize {
    match protocol {
        PacketProtocol::Tcp => 0,
        PacketProtocol::Udp => 1,
        PacketProtocol::Icmp => 2,
        PacketProtocol::Icmpv6 => 3,
        PacketProtocol::Gre => 4,
        PacketProtocol::Other(_) => 5,
    }
}

const fn classes_of(protocol: Protocol) -> std::ops::Range<usize> {
    match protocol {
        Protocol::Tcp => 0..1,
        Protocol::Udp => 1..2,
        Protocol::Icmp => 2..3,
        Protocol::Icmpv6 => 3..4,
        Protocol::Gre => 4..5,
        Protocol::All => 0..CLASSES,
    }
}

impl RuleFilter {
    /// Compiles rules in the order in which they are tried.
    pub fn compile(shapes: &[Shape]) -> RuleFilter {
        let words = shapes.len().div_ceil(64).max(1);
        let mut protocols = vec![0; CLASSES * words];
        let mut groups: BTreeMap<SecurityGroupId, Vec<u64>> = BTreeMap::new();
        for (number, shape) in shapes.iter().enumerate() {
            for class in classes_of(shape.protocol) {
                set(&mut protocols[class * words..], number);
            }
            if let PeerShape::Group(group) = shape.peer {
                set(groups.entry(group).or_insert_with(|| vec![0; words]), number);
            }
        }
        let any = [(0, u16::MAX)];
        let ports = |of: fn(&Shape) -> Option<PortRange>| {
            let limited = shapes.iter().any(|shape| of(shape).is_some());
            limited.then(|| {
                let ranges = |shape: &Shape| of(shape).map_or(any, |range| [(range.first, range.last)]);
                Field::compile(words, shapes.iter().map(|shape| ranges(shape).to_vec()))
            })
        };
        let narrowed = shapes.iter().any(|shape| shape.own.is_some());
        let own4 =
            |shape: &Shape| shape.own.map_or(vec![(0, u32::MAX)], |own| v4(&own).into_iter().collect());
        let own6 =
            |shape: &Shape| shape.own.map_or(vec![(0, u128::MAX)], |own| v6(&own).into_iter().collect());
        let source_ports = ports(|shape| shape.source_ports);
        RuleFilter {
            words,
            plain: groups.is_empty() && source_ports.is_none() && !narrowed,
            first_words: std::array::from_fn(|class| first_word(&protocols[class * words..][..words])),
            protocols,
            ports: ports(|shape| shape.ports),
            source_ports,
            peer4: Field::compile(words, shapes.iter().map(|s| s.blocks().iter().filter_map(v4).collect())),
            peer6: Field::compile(words, shapes.iter().map(|s| s.blocks().iter().filter_map(v6).collect())),
            own: narrowed.then(|| {
                let own4 = Field::compile(words, shapes.iter().map(own4));
                (own4, Field::compile(words, shapes.iter().map(own6)))
            }),
            groups: groups.into_iter().collect(),
        }
    }

    /// Whether a rule names a group as the other side, so that the groups of the packet's other side matter.
    pub fn names_groups(&self) -> bool {
        !self.groups.is_empty()
    }

    /// The place of the first rule that fits; `peer_groups` are those of the interface that holds the other side's address.
    #[inline]
    pub fn first(&self, sought: &Sought, peer_groups: &[SecurityGroupId]) -> Option<usize> {
        if self.plain { self.first_plain(sought) } else { self.first_by_all(sought, peer_groups) }
    }

    /// Like [`RuleFilter::first`], where rules look at no more than most do.
    fn first_plain(&self, sought: &Sought) -> Option<usize> {
        let protocols = self.protocols(sought);
        let peer = self.peer(sought);
        let ports = self.ports.as_ref().map_or(protocols, |field| field.row(sought.port));
        let empty = protocols.first.max(peer.first).max(ports.first);
        let [protocols, peer, ports] = [protocols, peer, ports].map(|row| row.cut(self.words));
        let mut words = empty as usize..self.words;
        words.find_map(|word| first_bit(word, protocols[word] & peer[word] & ports[word]))
    }

    /// Like [`RuleFilter::first`], by all that rules can look at.
    fn first_by_all(&self, sought: &Sought, peer_groups: &[SecurityGroupId]) -> Option<usize> {
        let (protocols, peer) = (self.protocols(sought), self.peer(sought));
        let ports = self.ports.as_ref().map(|field| field.row(sought.port));
        let source_ports = self.source_ports.as_ref().map(|field| field.row(sought.source_port));
        let own = self.own.as_ref().map(|(own4, own6)| match sought.own {
            IpAddr::V4(own) => own4.row(own.to_bits()),
            IpAddr::V6(own) => own6.row(own.to_bits()),
        });
        let named = |word: usize| {
            let rows = self.groups.iter().filter(|(group, _)| peer_groups.contains(group));
            rows.fold(0, |bits, (_, row)| bits | row[word])
        };
        let by_group = !self.groups.is_empty() && !peer_groups.is_empty();
        let limits = [ports, source_ports, own].map(|row| row.unwrap_or(protocols));
        let empty = limits.iter().fold(protocols.first, |empty, row| empty.max(row.first));
        let empty = if by_group { empty } else { empty.max(peer.first) };
        let words = self.words;
        let (protocols, peers, limits) =
            (protocols.cut(words), peer.cut(words), limits.map(|row| row.cut(words)));
        let mut words = empty as usize..words;
        words.find_map(|word| {
            let peers = if by_group { peers[word] | named(word) } else { peers[word] };
            first_bit(word, limits.iter().fold(peers & protocols[word], |bits, row| bits & row[word]))
        })
    }

    #[inline]
    fn protocols(&self, sought: &Sought) -> Row<'_> {
        let class = class_of(sought.protocol);
        Row { first: self.first_words[class], bits: &self.protocols[class * self.words..] }
    }

    #[inline]
    fn peer(&self, sought: &Sought) -> Row<'_> {
        match sought.peer {
            IpAddr::V4(peer) => self.peer4.row(peer.to_bits()),
            IpAddr::V6(peer) => self.peer6.row(peer.to_bits()),
        }
    }
}

/// A row of bits.
#[derive(Clone, Copy)]
struct Row<'f> {
    /// Its first word that is not empty.
    first: u32,
    /// Its words, and those of other rows behind them.
    bits: &'f [u64],
}

impl<'f> Row<'f> {
    /// Its words: every row has so many. Said once for each row, no word is checked for it.
    #[inline]
    fn cut(self, words: usize) -> &'f [u64] {
        &self.bits[..words]
    }
}

/// The number of words if all are empty.
fn first_word(row: &[u64]) -> u32 {
    row.iter().position(|word| *word != 0).unwrap_or(row.len()) as u32
}

/// The place of the lowest bit that is set in a word of a row.
#[inline]
fn first_bit(word: usize, bits: u64) -> Option<usize> {
    (bits != 0).then(|| word * 64 + bits.trailing_zeros() as usize)
}

impl Shape {
    fn blocks(&self) -> &[Cidr] {
        match &self.peer {
            PeerShape::Blocks(blocks) => blocks,
            PeerShape::Group(_) => &[],
        }
    }
}

fn set(row: &mut [u64], number: usize) {
    row[number / 64] |= 1 << (number % 64);
}

fn v4(block: &Cidr) -> Option<(u32, u32)> {
    match block {
        Cidr::V4(block) => Some((block.bits(), block.last_bits())),
        Cidr::V6(_) => None,
    }
}

fn v6(block: &Cidr) -> Option<(u128, u128)> {
    match block {
        Cidr::V6(block) => Some((block.bits(), block.last_bits())),
        Cidr::V4(_) => None,
    }
}

/// A field's values: intervals, each with the row of bits of the rules that fit there.
#[derive(Debug)]
struct Field<V> {
    /// The first value of each interval, ascending, the lowest first.
    starts: Vec<V>,
    /// Where the row of each interval begins, and its first word that is not empty.
    rows: Vec<(u32, u32)>,
    bits: Vec<u64>,
    /// The start of the second interval. From there on the values are cut into slots of `1 << shift`, and `index` has for each
    /// slot the interval that holds its first value; behind the last slot lies the last interval.
    base: V,
    shift: u32,
    index: Vec<u32>,
}

/// A field has at most about so many slots for each interval.
const SLOTS: u128 = 2;

/// A value that has a next one.
trait Value: Copy + Ord {
    const LOWEST: Self;
    fn next(self) -> Option<Self>;
    /// How far it lies from a lower one.
    fn above(self, base: Self) -> u128;
    /// The number of the slot where it lies, from a base on that is not above it.
    fn slot(self, base: Self, shift: u32) -> usize;
}

macro_rules! values {
    ($($kind:ty)*) => {$(
        impl Value for $kind {
            const LOWEST: Self = 0;
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }
            fn above(self, base: Self) -> u128 {
                u128::from(self - base)
            }
            #[inline]
            fn slot(self, base: Self, shift: u32) -> usize {
                // No field has so many slots.
                ((self - base) >> shift).min(Self::try_from(i32::MAX).unwrap_or(Self::MAX)) as usize
            }
        }
    )*};
}

values! { u16 u32 u128 }

impl<V: Value> Field<V> {
    /// Compiles the ranges of each rule; a rule may have several, or none.
    fn compile(words: usize, rules: impl Iterator<Item = Vec<(V, V)>>) -> Field<V> {
        let ranges: Vec<(usize, V, V)> = rules
            .enumerate()
            .flat_map(|(number, ranges)| ranges.into_iter().map(move |(first, last)| (number, first, last)))
            .collect();
        let edges = ranges.iter().flat_map(|(_, first, last)| [Some(*first), last.next()]);
        let mut starts: Vec<V> = edges.flatten().chain([V::LOWEST]).collect();
        starts.sort_unstable();
        starts.dedup();
        let mut all = vec![0; starts.len() * words];
        for (number, first, last) in ranges {
            let from = starts.partition_point(|start| *start < first);
            let to = starts.partition_point(|start| *start <= last);
            for interval in from..to {
                set(&mut all[interval * words..], number);
            }
        }
        // Many intervals have the same rules; each row is kept once.
        let (mut known, mut bits) = (BTreeMap::new(), Vec::new());
        let rows = all.chunks_exact(words).map(|row| {
            *known.entry(row).or_insert_with(|| {
                bits.extend_from_slice(row);
                ((bits.len() - words) as u32, first_word(row))
            })
        });
        let rows = rows.collect();
        let (base, shift, index) = index(&starts);
        Field { starts, rows, bits, base, shift, index }
    }

    /// The row of the interval that holds a value.
    #[inline]
    fn row(&self, value: V) -> Row<'_> {
        let (at, first) = self.rows[self.interval(value)];
        Row { first, bits: &self.bits[at as usize..] }
    }

    #[inline]
    fn interval(&self, value: V) -> usize {
        if value < self.base {
            return 0;
        }
        let slot = value.slot(self.base, self.shift);
        let Some(&[low, high]) = self.index.get(slot..slot + 2) else { return self.starts.len() - 1 };
        let later = &self.starts[low as usize + 1..=high as usize];
        low as usize + later.partition_point(|start| *start <= value)
    }
}

/// The slots of a field: where they begin, how wide each is, and the interval that holds the first value of each.
fn index<V: Value>(starts: &[V]) -> (V, u32, Vec<u32>) {
    let (Some(&base), Some(&last)) = (starts.get(1), starts.last()) else {
        return (V::LOWEST, 0, Vec::new());
    };
    let most = SLOTS * starts.len() as u128;
    let shift = (0..).find(|shift| last.above(base) >> shift < most).expect("nothing is left in the end");
    let slots = last.slot(base, shift) + 1;
    let mut index = Vec::with_capacity(slots + 1);
    for (interval, &start) in starts.iter().enumerate().skip(1) {
        // A slot in which an interval begins later than at its first value begins in the interval before.
        let first = start.above(base).div_ceil(1 << shift) as usize;
        index.resize(first.max(index.len()), interval as u32 - 1);
    }
    index.resize(slots + 1, starts.len() as u32 - 1);
    (base, shift, index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::group_filter::fits_protocol;
    use crate::id::{Id, IdNumber, RegionCode};
    use proptest::prelude::*;

    fn group(n: u64) -> SecurityGroupId {
        SecurityGroupId::from_number(IdNumber::new(1 + n, 7, RegionCode::from_text("bp1").unwrap()))
    }

    /// What the compiled form must answer: try every rule.
    fn scan(shapes: &[Shape], sought: &Sought, peer_groups: &[SecurityGroupId]) -> Option<usize> {
        let within =
            |range: Option<PortRange>, port| range.is_none_or(|r| (r.first..=r.last).contains(&port));
        shapes.iter().position(|shape| {
            fits_protocol(shape.protocol, sought.protocol)
                && within(shape.ports, sought.port)
                && within(shape.source_ports, sought.source_port)
                && shape.own.is_none_or(|own| own.contains_address(sought.own))
                && match &shape.peer {
                    PeerShape::Blocks(blocks) => blocks.iter().any(|b| b.contains_address(sought.peer)),
                    PeerShape::Group(group) => peer_groups.contains(group),
                }
        })
    }

    fn address() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            (0u32..16).prop_map(|low| IpAddr::V4((0x0a00_0000 | low).into())),
            (0u128..16).prop_map(|low| IpAddr::V6((0x2408_4000_u128 << 96 | low).into())),
            any::<u32>().prop_map(|bits| IpAddr::V4(bits.into())),
            any::<u128>().prop_map(|bits| IpAddr::V6(bits.into())),
            prop::sample::select(vec!["0.0.0.0", "255.255.255.255", "::", "ffff::"])
                .prop_map(|text| text.parse().unwrap()),
        ]
    }

    fn block() -> impl Strategy<Value = Cidr> {
        (address(), prop_oneof![Just(0u8), Just(8), 1..=32_u8, 26..=32_u8, 124..=128_u8]).prop_map(
            |(address, len)| {
                let most = if address.is_ipv4() { 32 } else { 128 };
                Cidr::containing(address, len.min(most)).unwrap()
            },
        )
    }

    fn port() -> impl Strategy<Value = u16> {
        prop_oneof![0u16..12, Just(65_534), Just(65_535), any::<u16>()]
    }

    fn shape() -> impl Strategy<Value = Shape> {
        let range = || (port(), port()).prop_map(|(a, b)| PortRange { first: a.min(b), last: a.max(b) });
        let protocol = prop::sample::select(vec![
            Protocol::Tcp,
            Protocol::Udp,
            Protocol::Icmp,
            Protocol::Icmpv6,
            Protocol::Gre,
            Protocol::All,
        ]);
        let peer = prop_oneof![
            prop::collection::vec(block(), 0..3).prop_map(PeerShape::Blocks),
            (0u64..3).prop_map(|n| PeerShape::Group(group(n))),
        ];
        (
            protocol,
            prop::option::of(range()),
            prop::option::weighted(0.3, range()),
            peer,
            prop::option::weighted(0.3, block()),
        )
            .prop_map(|(protocol, ports, source_ports, peer, own)| Shape {
                protocol,
                ports,
                source_ports,
                peer,
                own,
            })
    }

    /// The rule if its other side is no group, without what few rules look at.
    fn plain_shape(shape: Shape) -> Option<Shape> {
        let by_blocks = matches!(shape.peer, PeerShape::Blocks(_));
        by_blocks.then_some(Shape { source_ports: None, own: None, ..shape })
    }

    fn sought() -> impl Strategy<Value = (Sought, Vec<SecurityGroupId>)> {
        let protocol = prop::sample::select(vec![
            PacketProtocol::Tcp,
            PacketProtocol::Udp,
            PacketProtocol::Icmp,
            PacketProtocol::Icmpv6,
            PacketProtocol::Gre,
            PacketProtocol::Other(89),
        ]);
        let groups = prop::collection::vec((0u64..4).prop_map(group), 0..3);
        (protocol, port(), port(), address(), address(), groups).prop_map(
            |(protocol, port, source_port, peer, own, groups)| {
                (Sought { protocol, port, source_port, peer, own }, groups)
            },
        )
    }

    /// The edges of all intervals, and the values beside them.
    fn edges<V: Value>(starts: &[V], before: impl Fn(V) -> Option<V>) -> Vec<V> {
        starts.iter().flat_map(|&at| [Some(at), at.next(), before(at)]).flatten().collect()
    }

    proptest! {
        #[test]
        fn an_index_finds_the_interval(
            ports in prop::collection::vec((port(), port()), 0..80),
            addresses in prop::collection::vec((any::<u32>(), any::<u32>(), 0u32..30), 0..80),
            wide in prop::collection::vec((any::<u128>(), any::<u128>(), 0u32..120), 0..40),
        ) {
            let field = Field::compile(2, ports.iter().map(|&(a, b)| vec![(a.min(b), a.max(b))]));
            for value in (0..=u16::MAX).step_by(7).chain(edges(&field.starts, |at: u16| at.checked_sub(1))) {
                let found = field.starts.partition_point(|start| *start <= value) - 1;
                prop_assert_eq!(field.interval(value), found, "{} in {:?}", value, field);
            }
            let ranges = addresses.iter().map(|&(a, b, cut)| (a >> cut, b >> cut));
            let field = Field::compile(2, ranges.map(|(a, b)| vec![(a.min(b), a.max(b))]));
            for value in [0, 1 << 31, u32::MAX].into_iter().chain(edges(&field.starts, |at: u32| at.checked_sub(1))) {
                let found = field.starts.partition_point(|start| *start <= value) - 1;
                prop_assert_eq!(field.interval(value), found, "{} in {:?}", value, field);
            }
            let ranges = wide.iter().map(|&(a, b, cut)| (a >> cut, b >> cut));
            let field = Field::compile(2, ranges.map(|(a, b)| vec![(a.min(b), a.max(b))]));
            for value in [0, 1 << 127, u128::MAX].into_iter().chain(edges(&field.starts, |at: u128| at.checked_sub(1))) {
                let found = field.starts.partition_point(|start| *start <= value) - 1;
                prop_assert_eq!(field.interval(value), found, "{} in {:?}", value, field);
            }
        }

        #[test]
        fn equals_a_plain_scan(
            shapes in prop::collection::vec(shape(), 0..150),
            plain in any::<bool>(),
            asked in prop::collection::vec(sought(), 40),
        ) {
            let shapes = if plain { shapes.into_iter().filter_map(plain_shape).collect() } else { shapes };
            let filter = RuleFilter::compile(&shapes);
            prop_assert!(filter.plain || !plain);
            for (sought, groups) in &asked {
                prop_assert_eq!(filter.first(sought, groups), scan(&shapes, sought, groups), "{:?}", sought);
            }
        }
    }
}
