//! The addresses of one IPv6 vSwitch.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::net::{IpAddr, Ipv6Addr};

use crate::cidr::bit_set::BitSet;
use crate::cidr::block::{Block, Cidr, Cidr6};
use crate::cidr::free_set::FreeSet;
use crate::cidr::pool::PoolError;
use crate::cidr::reserved::{RESERVED_IPV6_FIRST, RESERVED_IPV6_LAST, VSWITCH_IPV6_LENGTH};

/// Length of an IPv6 prefix that a network interface can be assigned.
pub const PREFIX_LEN_IPV6: u8 = 80;
/// Lengths of a reservation for prefixes.
const RESERVATION_LENGTHS: std::ops::RangeInclusive<u8> = VSWITCH_IPV6_LENGTH + 1..=PREFIX_LEN_IPV6;
/// Bits of an address inside such a prefix.
const PREFIX_BITS: u32 = 48;
/// /80s in a /64.
const PREFIXES: u32 = 1 << 16;
/// The first of the addresses kept at the end.
const TAIL: u64 = u64::MAX - (RESERVED_IPV6_LAST as u64 - 1);

/// The addresses of an IPv6 vSwitch, a /64: single addresses, aligned /80
/// prefixes and reservations for prefixes, lowest first. The provider keeps the
/// first and the last nine.
///
/// A reservation serves prefixes only; while there is one, a prefix without a
/// given place comes from reservations alone (vSwitch CIDR reservation).
///
/// What is used is kept as intervals, so memory follows the holes and not the
/// 2^64 addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressPool6 {
    block: Cidr6,
    /// Used addresses as first to last, disjoint and not touching one another.
    /// The kept and the reserved addresses are among them.
    used: BTreeMap<u64, u64>,
    /// /80s with nothing in them.
    open: FreeSet,
    /// Single addresses in a /80, where there are any.
    singles: BTreeMap<u16, u64>,
    /// Numbers of the /80s that are assigned.
    assigned: BitSet,
    /// Disjoint, by address.
    reservations: Vec<Cidr6>,
    free_count: u64,
}

impl AddressPool6 {
    /// A pool over a vSwitch block with nothing in use.
    ///
    /// # Errors
    /// [`PoolError::Length`] unless the block is a /64.
    pub fn new(block: Cidr6) -> Result<AddressPool6, PoolError> {
        if block.prefix_len() != VSWITCH_IPV6_LENGTH {
            let (min, max) = (VSWITCH_IPV6_LENGTH, VSWITCH_IPV6_LENGTH);
            return Err(PoolError::Length { block: block.into(), min, max });
        }
        let head = u64::from(RESERVED_IPV6_FIRST) - 1;
        Ok(AddressPool6 {
            block,
            used: BTreeMap::from([(0, head), (TAIL, u64::MAX)]),
            // The first and the last /80 hold the kept addresses.
            open: FreeSet::new(PREFIXES, 1, 1),
            singles: BTreeMap::new(),
            assigned: BitSet::default(),
            reservations: Vec::new(),
            // 2^64 less the kept ones; the sum never reaches 2^64.
            free_count: u64::MAX - u64::from(RESERVED_IPV6_FIRST + RESERVED_IPV6_LAST) + 1,
        })
    }

    /// The vSwitch block.
    pub fn block(&self) -> Cidr6 {
        self.block
    }

    /// Free addresses: 2^64 less the kept ones, those in use, those in prefixes and those in reservations.
    pub fn free_count(&self) -> u64 {
        self.free_count
    }

    /// Assigned prefixes.
    pub fn prefix_count(&self) -> u32 {
        self.assigned.len()
    }

    /// The reserved blocks, by address.
    pub fn reservations(&self) -> &[Cidr6] {
        &self.reservations
    }

    /// The address that [`take`](Self::take) would hand out.
    pub fn next_free(&self) -> Option<Ipv6Addr> {
        self.lowest().map(|n| self.address(n))
    }

    /// Takes the lowest free address.
    ///
    /// # Errors
    /// [`PoolError::Exhausted`].
    pub fn take(&mut self) -> Result<Ipv6Addr, PoolError> {
        let n = self.lowest().ok_or(PoolError::Exhausted { block: self.block.into() })?;
        self.take_number(n);
        Ok(self.address(n))
    }

    /// Takes a given address.
    ///
    /// # Errors
    /// Outside, kept by the system, in use, in a prefix, or in a reservation.
    pub fn take_address(&mut self, address: Ipv6Addr) -> Result<(), PoolError> {
        let n = self.number(address)?;
        if self.is_used(n) {
            return Err(self.refusal(n));
        }
        self.take_number(n);
        Ok(())
    }

    /// Gives a single address back.
    ///
    /// # Errors
    /// Outside, kept by the system, in a prefix, in a reservation, or not in use.
    pub fn give_back(&mut self, address: Ipv6Addr) -> Result<(), PoolError> {
        let n = self.number(address)?;
        if !self.is_used(n) {
            return Err(PoolError::NotTaken { what: Cidr::host(IpAddr::V6(address)) });
        }
        if is_kept(n) || self.assigned.contains(group(n).into()) || self.reservation_of(group(n)).is_some() {
            return Err(self.refusal(n));
        }
        self.remove_interval(n, n);
        self.free_count += 1;
        let group = group(n);
        if let Some(count) = self.singles.get_mut(&group) {
            *count -= 1;
            if *count == 0 {
                self.singles.remove(&group);
                self.reopen(group);
            }
        }
        Ok(())
    }

    /// Whether the address can be taken. False outside the block.
    pub fn is_free(&self, address: Ipv6Addr) -> bool {
        self.number(address).is_ok_and(|n| !self.is_used(n))
    }

    /// Takes the lowest /80 with nothing in it, from the reservations if there are any.
    ///
    /// # Errors
    /// [`PoolError::NoPrefix`].
    pub fn take_prefix(&mut self) -> Result<Cidr6, PoolError> {
        let (block, free) = (self.block.into(), self.free_count);
        let found = match self.reservations.is_empty() {
            true => self.open.first().map(|group| group as u16),
            false => self.reserved_group(),
        };
        let group = found.ok_or(PoolError::NoPrefix { block, len: PREFIX_LEN_IPV6, free })?;
        self.assign(group);
        Ok(self.prefix(group))
    }

    /// Takes a given /80, inside a reservation or in open space.
    ///
    /// # Errors
    /// Another length, outside, or with a kept or used address in it.
    pub fn take_prefix_block(&mut self, prefix: Cidr6) -> Result<(), PoolError> {
        let group = self.prefix_group(prefix)?;
        let what = Cidr::V6(prefix);
        if group == 0 || group == u16::MAX {
            return Err(PoolError::System { what, block: self.block.into() });
        }
        let waiting = !self.assigned.contains(group.into()) && self.reservation_of(group).is_some();
        if !waiting && !self.open.contains(u32::from(group)) {
            return Err(PoolError::Taken { what });
        }
        self.assign(group);
        Ok(())
    }

    /// Gives an assigned /80 back.
    ///
    /// # Errors
    /// Another length, outside, or not assigned.
    pub fn give_back_prefix(&mut self, prefix: Cidr6) -> Result<(), PoolError> {
        let group = self.prefix_group(prefix)?;
        if !self.assigned.remove(group.into()) {
            return Err(PoolError::NotTaken { what: prefix.into() });
        }
        if self.reservation_of(group).is_none() {
            let (first, last) = numbers(prefix);
            self.remove_interval(first, last);
            self.free_count += 1 << PREFIX_BITS;
            self.reopen(group);
        }
        Ok(())
    }

    /// Reserves a block for prefixes: a /65 to /80 without kept addresses, wholly free.
    ///
    /// # Errors
    /// The rule that the block breaks.
    pub fn reserve(&mut self, block: Cidr6) -> Result<(), PoolError> {
        let what = Cidr::V6(block);
        if !RESERVATION_LENGTHS.contains(&block.prefix_len()) {
            let (min, max) = (*RESERVATION_LENGTHS.start(), *RESERVATION_LENGTHS.end());
            return Err(PoolError::PartLength { what, min, max });
        }
        if !self.block.contains(block) {
            return Err(PoolError::Outside { what, block: self.block.into() });
        }
        let (first, last) = numbers(block);
        if is_kept(first) || is_kept(last) {
            return Err(PoolError::System { what, block: self.block.into() });
        }
        if let Some(other) = self.reservations.iter().find(|other| other.overlaps(block)) {
            return Err(PoolError::Reserved { what, reservation: (*other).into() });
        }
        if !self.is_open(first, last) {
            return Err(PoolError::Taken { what });
        }
        self.add_interval(first, last);
        self.free_count -= last - first + 1;
        groups(block).for_each(|group| self.open.remove(u32::from(group)));
        let at = self.reservations.partition_point(|other| *other < block);
        self.reservations.insert(at, block);
        Ok(())
    }

    /// Reserves the lowest free block of a length.
    ///
    /// # Errors
    /// [`PoolError::PartLength`] or [`PoolError::NoPrefix`].
    pub fn reserve_next(&mut self, len: u8) -> Result<Cidr6, PoolError> {
        if !RESERVATION_LENGTHS.contains(&len) {
            let (min, max) = (*RESERVATION_LENGTHS.start(), *RESERVATION_LENGTHS.end());
            let what = Cidr::V6(Block::truncating(self.block.bits(), len.min(128)));
            return Err(PoolError::PartLength { what, min, max });
        }
        let open = |block: &Cidr6| {
            let (first, last) = numbers(*block);
            self.is_open(first, last)
        };
        let (block, free) = (self.block.into(), self.free_count);
        let found = self.block.subnets(len).find(open).ok_or(PoolError::NoPrefix { block, len, free })?;
        self.reserve(found)?;
        Ok(found)
    }

    /// Ends a reservation from which no prefix is assigned.
    ///
    /// # Errors
    /// [`PoolError::NotTaken`] or [`PoolError::ReservationInUse`].
    pub fn unreserve(&mut self, block: Cidr6) -> Result<(), PoolError> {
        let what = Cidr::V6(block);
        let at = self.reservations.iter().position(|other| *other == block);
        let at = at.ok_or(PoolError::NotTaken { what })?;
        if let Some(group) = groups(block).find(|group| self.assigned.contains(u32::from(*group))) {
            return Err(PoolError::ReservationInUse { what, prefix: self.prefix(group).into() });
        }
        self.reservations.remove(at);
        let (first, last) = numbers(block);
        self.remove_interval(first, last);
        self.free_count += last - first + 1;
        groups(block).for_each(|group| self.reopen(group));
        Ok(())
    }

    /// The reservation that a /80 lies in.
    fn reservation_of(&self, group: u16) -> Option<Cidr6> {
        self.reservations.iter().copied().find(|block| groups(*block).contains(&group))
    }

    /// The lowest /80 of the reservations that is not assigned.
    fn reserved_group(&self) -> Option<u16> {
        let mut all = self.reservations.iter().flat_map(|block| groups(*block));
        all.find(|group| !self.assigned.contains(u32::from(*group)))
    }

    /// Whether none of these addresses is used.
    fn is_open(&self, first: u64, last: u64) -> bool {
        self.used.range(..=last).next_back().is_none_or(|(_, end)| *end < first)
    }

    fn address(&self, n: u64) -> Ipv6Addr {
        Ipv6Addr::from_bits(self.block.bits() | u128::from(n))
    }

    fn number(&self, address: Ipv6Addr) -> Result<u64, PoolError> {
        if self.block.contains_address(address) {
            return Ok(address.to_bits() as u64);
        }
        Err(PoolError::Outside { what: Cidr::host(IpAddr::V6(address)), block: self.block.into() })
    }

    fn prefix(&self, group: u16) -> Cidr6 {
        Block::truncating(self.block.bits() | u128::from(group) << PREFIX_BITS, PREFIX_LEN_IPV6)
    }

    fn prefix_group(&self, prefix: Cidr6) -> Result<u16, PoolError> {
        let what = Cidr::V6(prefix);
        if prefix.prefix_len() != PREFIX_LEN_IPV6 {
            return Err(PoolError::PartLength { what, min: PREFIX_LEN_IPV6, max: PREFIX_LEN_IPV6 });
        }
        self.number(prefix.first()).map(group)
    }

    /// The number after the first interval, which always starts at 0.
    fn lowest(&self) -> Option<u64> {
        self.used.first_key_value().and_then(|(_, last)| last.checked_add(1))
    }

    fn is_used(&self, n: u64) -> bool {
        self.used.range(..=n).next_back().is_some_and(|(_, last)| *last >= n)
    }

    /// Why a used address is refused.
    fn refusal(&self, n: u64) -> PoolError {
        let what = Cidr::host(IpAddr::V6(self.address(n)));
        if is_kept(n) {
            return PoolError::System { what, block: self.block.into() };
        }
        if self.assigned.contains(group(n).into()) {
            return PoolError::InPrefix { what, prefix: self.prefix(group(n)).into() };
        }
        match self.reservation_of(group(n)) {
            Some(reservation) => PoolError::Reserved { what, reservation: reservation.into() },
            None => PoolError::Taken { what },
        }
    }

    fn take_number(&mut self, n: u64) {
        self.add_interval(n, n);
        self.free_count -= 1;
        let count = self.singles.entry(group(n)).or_insert(0);
        *count += 1;
        if *count == 1 {
            self.open.remove(u32::from(group(n)));
        }
    }

    fn assign(&mut self, group: u16) {
        self.assigned.insert(group.into());
        // What is reserved is used already.
        if self.reservation_of(group).is_none() {
            self.open.remove(u32::from(group));
            let (first, last) = numbers(self.prefix(group));
            self.add_interval(first, last);
            self.free_count -= 1 << PREFIX_BITS;
        }
    }

    fn reopen(&mut self, group: u16) {
        if group != 0 && group != u16::MAX {
            self.open.insert(u32::from(group));
        }
    }

    /// Marks a free range as used and joins it with its neighbours.
    fn add_interval(&mut self, first: u64, last: u64) {
        let after = last.checked_add(1).and_then(|next| self.used.remove(&next));
        let last = after.unwrap_or(last);
        if let Some((_, end)) = self.used.range_mut(..first).next_back()
            && end.checked_add(1) == Some(first)
        {
            *end = last;
            return;
        }
        self.used.insert(first, last);
    }

    /// Marks a range, all of it in one interval, as free.
    fn remove_interval(&mut self, first: u64, last: u64) {
        let Some((start, end)) = self.used.range(..=first).next_back().map(|(s, e)| (*s, *e)) else {
            return;
        };
        if end > last {
            self.used.insert(last + 1, end);
        }
        if start == first {
            self.used.remove(&start);
        } else {
            self.used.insert(start, first - 1);
        }
    }
}

/// The first and the last number of a part of the block.
fn numbers(part: Cidr6) -> (u64, u64) {
    (part.bits() as u64, part.last_bits() as u64)
}

/// The /80s of a part of the block.
fn groups(part: Cidr6) -> std::ops::RangeInclusive<u16> {
    let (first, last) = numbers(part);
    group(first)..=group(last)
}

/// The /80 of an address.
fn group(n: u64) -> u16 {
    (n >> PREFIX_BITS) as u16
}

fn is_kept(n: u64) -> bool {
    n < u64::from(RESERVED_IPV6_FIRST) || n >= TAIL
}

impl Debug for AddressPool6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressPool6")
            .field("block", &self.block)
            .field("free_count", &self.free_count)
            .field("prefix_count", &self.prefix_count())
            .field("reservations", &self.reservations())
            .field("next_free", &self.next_free())
            .finish()
    }
}
