//! A CIDR block: a network address and a prefix length, with no bit set to the
//! right of the length. A value of these types is always well formed.

use std::fmt::{self, Debug, Display};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::{BitAnd, BitOr, BitXor, Not, Shl, Shr};

use crate::cidr::parse::{CidrError, Problem};

mod sealed {
    pub trait Sealed {}
    impl Sealed for u32 {}
    impl Sealed for u128 {}
}

/// The integer behind an address: `u32` for IPv4, `u128` for IPv6.
///
/// Sealed: there are exactly these two families.
pub trait AddressBits:
    sealed::Sealed
    + Copy
    + Ord
    + Debug
    + std::hash::Hash
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Not<Output = Self>
    + serde::Serialize
    + for<'de> serde::Deserialize<'de>
{
    /// The address type of the standard library.
    type Address: Copy + Ord + Debug + Display + Into<IpAddr>;
    /// Width of an address in bits: 32 or 128.
    const WIDTH: u8;
    /// The integer 0.
    const ZERO: Self;
    /// The integer 1.
    const ONE: Self;
    /// All bits set.
    const MAX: Self;
    /// The same number, widened.
    fn widen(self) -> u128;
    /// The low 32 bits.
    fn low32(self) -> u32;
    /// The low bits of a wide number.
    fn narrow(wide: u128) -> Self;
    /// `self + n`, or `None` past the last address.
    fn checked_add(self, n: Self) -> Option<Self>;
    /// The number as an address.
    fn address(self) -> Self::Address;
    /// An address as its number.
    fn of(address: Self::Address) -> Self;
    /// The block as the enum of both families.
    fn wrap(block: Block<Self>) -> Cidr;
    /// The block out of the enum, if it is of this family.
    fn unwrap(cidr: Cidr) -> Option<Block<Self>>;
}

impl AddressBits for u32 {
    type Address = Ipv4Addr;
    const WIDTH: u8 = 32;
    const ZERO: Self = 0;
    const ONE: Self = 1;
    const MAX: Self = u32::MAX;
    fn widen(self) -> u128 {
        u128::from(self)
    }
    fn low32(self) -> u32 {
        self
    }
    fn narrow(wide: u128) -> Self {
        wide as u32
    }
    fn checked_add(self, n: Self) -> Option<Self> {
        u32::checked_add(self, n)
    }
    fn address(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self)
    }
    fn of(address: Ipv4Addr) -> Self {
        address.to_bits()
    }
    fn wrap(block: Cidr4) -> Cidr {
        Cidr::V4(block)
    }
    fn unwrap(cidr: Cidr) -> Option<Cidr4> {
        match cidr {
            Cidr::V4(block) => Some(block),
            Cidr::V6(_) => None,
        }
    }
}

impl AddressBits for u128 {
    type Address = Ipv6Addr;
    const WIDTH: u8 = 128;
    const ZERO: Self = 0;
    const ONE: Self = 1;
    const MAX: Self = u128::MAX;
    fn widen(self) -> u128 {
        self
    }
    fn low32(self) -> u32 {
        self as u32
    }
    fn narrow(wide: u128) -> Self {
        wide
    }
    fn checked_add(self, n: Self) -> Option<Self> {
        u128::checked_add(self, n)
    }
    fn address(self) -> Ipv6Addr {
        Ipv6Addr::from_bits(self)
    }
    fn of(address: Ipv6Addr) -> Self {
        address.to_bits()
    }
    fn wrap(block: Cidr6) -> Cidr {
        Cidr::V6(block)
    }
    fn unwrap(cidr: Cidr) -> Option<Cidr6> {
        match cidr {
            Cidr::V6(block) => Some(block),
            Cidr::V4(_) => None,
        }
    }
}

/// A network of one family. Ordered by address, then by length, so that a block
/// sorts before everything inside it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block<A> {
    bits: A,
    len: u8,
}

/// An IPv4 network, length 0..=32.
pub type Cidr4 = Block<u32>;
/// An IPv6 network, length 0..=128.
pub type Cidr6 = Block<u128>;

/// The network mask of a length as an integer. `len` must be at most `A::WIDTH`.
fn mask<A: AddressBits>(len: u8) -> A {
    if len == 0 { A::ZERO } else { A::MAX << u32::from(A::WIDTH - len) }
}

impl Cidr4 {
    /// A block from four octets, for tables of constants.
    ///
    /// # Panics
    /// On a length above 32 or on host bits; in a constant that is a compile error.
    pub const fn v4(octets: [u8; 4], len: u8) -> Cidr4 {
        let bits = u32::from_be_bytes(octets);
        assert!(len <= 32, "an IPv4 prefix length is at most 32");
        assert!(len == 32 || bits << len == 0, "host bits set");
        Block { bits, len }
    }
}

impl Cidr6 {
    /// A block from eight groups, for tables of constants.
    ///
    /// # Panics
    /// On a length above 128 or on host bits; in a constant that is a compile error.
    pub const fn v6(groups: [u16; 8], len: u8) -> Cidr6 {
        let [a, b, c, d, e, f, g, h] = groups;
        let bits = Ipv6Addr::new(a, b, c, d, e, f, g, h).to_bits();
        assert!(len <= 128, "an IPv6 prefix length is at most 128");
        assert!(len == 128 || bits << len == 0, "host bits set");
        Block { bits, len }
    }
}

impl<A: AddressBits> Block<A> {
    /// Every address of the family.
    pub const ALL: Self = Block { bits: A::ZERO, len: 0 };

    /// The block at `address` with the given length.
    ///
    /// # Errors
    /// A length beyond the family's width, or host bits set (the error suggests
    /// the block without them).
    pub fn new(address: A::Address, len: u8) -> Result<Self, CidrError> {
        let block = Self::containing(address, len)?;
        if block.bits == A::of(address) {
            return Ok(block);
        }
        Err(CidrError::new(&format!("{address}/{len}"), Problem::HostBits, Some(A::wrap(block))))
    }

    /// The block of the given length around `address`: host bits are cleared.
    ///
    /// # Errors
    /// A length beyond the family's width.
    pub fn containing(address: A::Address, len: u8) -> Result<Self, CidrError> {
        if len > A::WIDTH {
            let text = format!("{address}/{len}");
            return Err(CidrError::new(&text, Problem::LengthRange { max: A::WIDTH }, None));
        }
        Ok(Self::truncating(A::of(address), len))
    }

    /// The block of one address: /32 or /128.
    pub fn host(address: A::Address) -> Self {
        Block { bits: A::of(address), len: A::WIDTH }
    }

    /// The block of length `len` around an address given as a number. The length
    /// is the caller's promise; a longer one is cut to the width.
    pub(crate) fn truncating(bits: A, len: u8) -> Self {
        let len = len.min(A::WIDTH);
        Block { bits: bits & mask(len), len }
    }

    /// The block of a length at an address that has no host bits.
    pub(crate) fn aligned(bits: A, len: u8) -> Self {
        debug_assert!(len <= A::WIDTH && bits & !mask::<A>(len) == A::ZERO);
        Block { bits, len }
    }

    /// The network address as a number.
    pub fn bits(self) -> A {
        self.bits
    }

    /// The prefix length.
    pub fn prefix_len(self) -> u8 {
        self.len
    }

    /// The first address, which is the network address.
    pub fn first(self) -> A::Address {
        self.bits.address()
    }

    /// The last address (for IPv4 the broadcast address in classical use).
    pub fn last(self) -> A::Address {
        self.last_bits().address()
    }

    /// The last address as a number.
    pub fn last_bits(self) -> A {
        self.bits | !mask::<A>(self.len)
    }

    /// The network mask as an address, 255.255.255.0 for a /24.
    pub fn netmask(self) -> A::Address {
        mask::<A>(self.len).address()
    }

    /// Number of addresses. `::/0` holds 2^128, which no integer here can say:
    /// it answers `u128::MAX`, one too few.
    pub fn size(self) -> u128 {
        let host_bits = u32::from(A::WIDTH - self.len);
        1u128.checked_shl(host_bits).unwrap_or(u128::MAX)
    }

    /// Whether the address lies in the block.
    pub fn contains_address(self, address: A::Address) -> bool {
        self.contains_bits(A::of(address))
    }

    /// Whether the address, given as a number, lies in the block.
    pub fn contains_bits(self, bits: A) -> bool {
        (bits & mask(self.len)) == self.bits
    }

    /// Whether `other` lies in the block, which may be equal to it.
    pub fn contains(self, other: Self) -> bool {
        self.len <= other.len && self.contains_bits(other.bits)
    }

    /// Whether the two share an address. Two blocks either nest or are disjoint.
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// The block one bit shorter that contains this one; `None` at length 0.
    pub fn parent(self) -> Option<Self> {
        Some(Self::truncating(self.bits, self.len.checked_sub(1)?))
    }

    /// The other half of the parent; `None` at length 0.
    pub fn sibling(self) -> Option<Self> {
        if self.len == 0 {
            return None;
        }
        let bit = A::ONE << u32::from(A::WIDTH - self.len);
        Some(Block { bits: self.bits ^ bit, len: self.len })
    }

    /// The block of a shorter or equal length around this one; `None` for a longer one.
    pub fn supernet(self, len: u8) -> Option<Self> {
        (len <= self.len).then(|| Self::truncating(self.bits, len))
    }

    /// The two halves, lower first; `None` for a single address.
    pub fn split(self) -> Option<(Self, Self)> {
        if self.len == A::WIDTH {
            return None;
        }
        let low = Block { bits: self.bits, len: self.len + 1 };
        let bit = A::ONE << u32::from(A::WIDTH - low.len);
        Some((low, Block { bits: self.bits | bit, len: low.len }))
    }

    /// The blocks of length `len` in this one, in order. Empty when `len` is
    /// shorter than this block's or beyond the family's width.
    pub fn subnets(self, len: u8) -> Subnets<A> {
        let fits = len >= self.len && len <= A::WIDTH;
        let next = fits.then_some(Block { bits: self.bits, len });
        Subnets { next, last: self.last_bits() }
    }

    /// The block of length `len` with the given number, counted from 0; `None`
    /// when there is none.
    pub fn subnet(self, len: u8, index: u128) -> Option<Self> {
        if len < self.len || len > A::WIDTH {
            return None;
        }
        let bits = u32::from(len - self.len);
        if bits < 128 && index >> bits != 0 {
            return None;
        }
        let at = index.checked_shl(u32::from(A::WIDTH - len)).unwrap_or(0);
        Some(Block { bits: self.bits | A::narrow(at), len })
    }

    /// What is left of this block without `other`: disjoint blocks in address
    /// order, as few as possible. All of it when they are disjoint, nothing when
    /// `other` covers it.
    pub fn subtract(self, other: Self) -> Vec<Self> {
        if other.contains(self) {
            return Vec::new();
        }
        if !self.contains(other) {
            return vec![self];
        }
        let mut left = Vec::with_capacity(usize::from(other.len - self.len));
        for len in self.len + 1..=other.len {
            left.extend(Self::truncating(other.bits, len).sibling());
        }
        left.sort_unstable();
        left
    }

    /// The smallest block that contains both.
    pub fn spanning(self, other: Self) -> Self {
        let differ = (self.bits ^ other.bits).widen();
        let common = (differ.leading_zeros() - (128 - u32::from(A::WIDTH))) as u8;
        Self::truncating(self.bits, common.min(self.len).min(other.len))
    }
}

/// The blocks of one length inside a block, in address order.
#[derive(Clone, Debug)]
pub struct Subnets<A: AddressBits> {
    next: Option<Block<A>>,
    last: A,
}

impl<A: AddressBits> Iterator for Subnets<A> {
    type Item = Block<A>;

    fn next(&mut self) -> Option<Block<A>> {
        let here = self.next?;
        self.next = here
            .last_bits()
            .checked_add(A::ONE)
            .filter(|bits| *bits <= self.last)
            .map(|bits| Block { bits, len: here.len });
        Some(here)
    }
}

impl<A: AddressBits> Display for Block<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first(), self.len)
    }
}

impl<A: AddressBits> Debug for Block<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

/// A block of either family. IPv4 sorts before IPv6.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cidr {
    /// An IPv4 network.
    V4(Cidr4),
    /// An IPv6 network.
    V6(Cidr6),
}

impl Cidr {
    /// The block at `address` with the given length.
    ///
    /// # Errors
    /// A length beyond the family's width, or host bits set.
    pub fn new(address: IpAddr, len: u8) -> Result<Cidr, CidrError> {
        match address {
            IpAddr::V4(address) => Cidr4::new(address, len).map(Cidr::V4),
            IpAddr::V6(address) => Cidr6::new(address, len).map(Cidr::V6),
        }
    }

    /// The block of the given length around `address`: host bits are cleared.
    ///
    /// # Errors
    /// A length beyond the family's width.
    pub fn containing(address: IpAddr, len: u8) -> Result<Cidr, CidrError> {
        match address {
            IpAddr::V4(address) => Cidr4::containing(address, len).map(Cidr::V4),
            IpAddr::V6(address) => Cidr6::containing(address, len).map(Cidr::V6),
        }
    }

    /// The block of one address: /32 or /128.
    pub fn host(address: IpAddr) -> Cidr {
        match address {
            IpAddr::V4(address) => Cidr::V4(Cidr4::host(address)),
            IpAddr::V6(address) => Cidr::V6(Cidr6::host(address)),
        }
    }

    /// The prefix length.
    pub fn prefix_len(self) -> u8 {
        match self {
            Cidr::V4(block) => block.len,
            Cidr::V6(block) => block.len,
        }
    }

    /// The first address.
    pub fn first(self) -> IpAddr {
        match self {
            Cidr::V4(block) => IpAddr::V4(block.first()),
            Cidr::V6(block) => IpAddr::V6(block.first()),
        }
    }

    /// The last address.
    pub fn last(self) -> IpAddr {
        match self {
            Cidr::V4(block) => IpAddr::V4(block.last()),
            Cidr::V6(block) => IpAddr::V6(block.last()),
        }
    }

    /// Number of addresses, see [`Block::size`].
    pub fn size(self) -> u128 {
        match self {
            Cidr::V4(block) => block.size(),
            Cidr::V6(block) => block.size(),
        }
    }

    /// Whether it is an IPv4 network.
    pub fn is_v4(self) -> bool {
        matches!(self, Cidr::V4(_))
    }

    /// Whether `other` lies in the block. Families never contain one another.
    pub fn contains(self, other: Cidr) -> bool {
        match (self, other) {
            (Cidr::V4(a), Cidr::V4(b)) => a.contains(b),
            (Cidr::V6(a), Cidr::V6(b)) => a.contains(b),
            _ => false,
        }
    }

    /// Whether the address lies in the block.
    pub fn contains_address(self, address: IpAddr) -> bool {
        self.contains(Cidr::host(address))
    }

    /// Whether the two share an address.
    pub fn overlaps(self, other: Cidr) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// The IPv4 network, if it is one.
    pub fn v4(self) -> Option<Cidr4> {
        u32::unwrap(self)
    }

    /// The IPv6 network, if it is one.
    pub fn v6(self) -> Option<Cidr6> {
        u128::unwrap(self)
    }
}

impl Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cidr::V4(block) => Display::fmt(block, f),
            Cidr::V6(block) => Display::fmt(block, f),
        }
    }
}

impl Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl<A: AddressBits> From<Block<A>> for Cidr {
    fn from(block: Block<A>) -> Cidr {
        A::wrap(block)
    }
}

impl From<Cidr4> for ipnet::Ipv4Net {
    fn from(block: Cidr4) -> Self {
        ipnet::Ipv4Net::new_assert(block.first(), block.len)
    }
}

impl From<Cidr6> for ipnet::Ipv6Net {
    fn from(block: Cidr6) -> Self {
        ipnet::Ipv6Net::new_assert(block.first(), block.len)
    }
}

/// Refuses host bits, which `ipnet` keeps.
impl TryFrom<ipnet::Ipv4Net> for Cidr4 {
    type Error = CidrError;
    fn try_from(net: ipnet::Ipv4Net) -> Result<Self, CidrError> {
        Cidr4::new(net.addr(), net.prefix_len())
    }
}

/// Refuses host bits, which `ipnet` keeps.
impl TryFrom<ipnet::Ipv6Net> for Cidr6 {
    type Error = CidrError;
    fn try_from(net: ipnet::Ipv6Net) -> Result<Self, CidrError> {
        Cidr6::new(net.addr(), net.prefix_len())
    }
}
