//! The addresses of one IPv4 vSwitch.

use std::fmt::{self, Debug};
use std::net::{IpAddr, Ipv4Addr};

use thiserror::Error;

use crate::cidr::bit_set::BitSet;
use crate::cidr::block::{Block, Cidr, Cidr4};
use crate::cidr::free_set::FreeSet;
use crate::cidr::reserved::{RESERVED_IPV4_FIRST, RESERVED_IPV4_LAST, VSWITCH_LENGTHS};

/// Length of an IPv4 prefix that a network interface can be assigned.
pub const PREFIX_LEN_IPV4: u8 = 28;
/// Addresses in such a prefix.
const PREFIX_SIZE: u32 = 16;

/// Why an address, a prefix or a reservation was refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PoolError {
    /// The block cannot be a vSwitch.
    #[error("a pool over {block} needs a prefix length from {min} to {max}")]
    Length {
        /// The block of the pool.
        block: Cidr,
        /// Shortest length.
        min: u8,
        /// Longest length.
        max: u8,
    },
    /// Every address is in use.
    #[error("no free address is left in {block}")]
    Exhausted {
        /// The block of the pool.
        block: Cidr,
    },
    /// No prefix of the length asked for is wholly free, although addresses may be.
    #[error("no free /{len} is left in {block}; {free} single addresses are")]
    NoPrefix {
        /// The block of the pool.
        block: Cidr,
        /// Length of the prefix.
        len: u8,
        /// Free single addresses.
        free: u64,
    },
    /// The address or block is not inside the pool's block.
    #[error("{what} is not inside {block}")]
    Outside {
        /// What was asked for.
        what: Cidr,
        /// The block of the pool.
        block: Cidr,
    },
    /// The provider keeps the address, or one in the block, for itself.
    #[error("{what} is reserved by the system in {block}")]
    System {
        /// What was asked for.
        what: Cidr,
        /// The block of the pool.
        block: Cidr,
    },
    /// The address, or one in the block, is in use.
    #[error("{what} is already in use")]
    Taken {
        /// What was asked for.
        what: Cidr,
    },
    /// The address lies in a prefix that is assigned as a whole.
    #[error("{what} is part of the assigned prefix {prefix}")]
    InPrefix {
        /// What was asked for.
        what: Cidr,
        /// The assigned prefix.
        prefix: Cidr,
    },
    /// The address lies in a block reserved for prefixes.
    #[error("{what} is inside the reserved block {reservation}")]
    Reserved {
        /// What was asked for.
        what: Cidr,
        /// The reserved block.
        reservation: Cidr,
    },
    /// What was to be given back is not in use.
    #[error("{what} is not in use")]
    NotTaken {
        /// The address or prefix.
        what: Cidr,
    },
    /// The prefix or reservation has an unsuitable length.
    #[error("{what} needs a prefix length from {min} to {max}")]
    PartLength {
        /// What was asked for.
        what: Cidr,
        /// Shortest length that passes.
        min: u8,
        /// Longest length that passes.
        max: u8,
    },
    /// A reservation still holds an assigned prefix.
    #[error("{what} is in use by the prefix {prefix}")]
    ReservationInUse {
        /// The reservation.
        what: Cidr,
        /// The lowest prefix assigned from it.
        prefix: Cidr,
    },
}

/// What an address of the pool's block is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressState {
    /// Free to be taken.
    Free,
    /// Taken as a single address.
    Taken,
    /// One of the first 1 or last 3 addresses.
    System,
    /// Part of an assigned /28.
    InPrefix(Cidr4),
    /// Inside a reservation and not assigned.
    Reserved(Cidr4),
}

/// The addresses of an IPv4 vSwitch, /16 to /29: single addresses, /28 prefixes
/// (16 addresses each, aligned) and reservations for prefixes, lowest first.
///
/// The provider keeps the first and the last three addresses. A reservation
/// serves prefixes only; while there is one, a prefix without a given place
/// comes from reservations alone (vSwitch CIDR reservation).
#[derive(Clone, PartialEq, Eq)]
pub struct AddressPool {
    block: Cidr4,
    free: FreeSet,
    free_count: u32,
    /// No word below this one has room for a prefix. Only a hint for the search:
    /// every give back lowers it again.
    prefix_floor: u32,
    /// Absent until the first prefix or reservation: most vSwitches have none.
    prefixes: Option<Box<Prefixes>>,
}

#[derive(Clone, Default, PartialEq, Eq)]
struct Prefixes {
    /// Numbers of the /28s of the block that are assigned.
    assigned: BitSet,
    /// Disjoint, by address.
    reservations: Vec<Cidr4>,
}

impl Prefixes {
    fn reservation_of(&self, block: Cidr4) -> Option<Cidr4> {
        self.reservations.iter().copied().find(|r| r.overlaps(block))
    }
}

impl AddressPool {
    /// A pool over a vSwitch block with nothing in use.
    ///
    /// # Errors
    /// [`PoolError::Length`] unless the block is a /16 to /29.
    pub fn new(block: Cidr4) -> Result<AddressPool, PoolError> {
        if !VSWITCH_LENGTHS.contains(&block.prefix_len()) {
            let (min, max) = (*VSWITCH_LENGTHS.start(), *VSWITCH_LENGTHS.end());
            return Err(PoolError::Length { block: block.into(), min, max });
        }
        let size = block.size() as u32;
        let free = FreeSet::new(size, RESERVED_IPV4_FIRST as u8, RESERVED_IPV4_LAST as u8);
        let free_count = size - RESERVED_IPV4_FIRST - RESERVED_IPV4_LAST;
        Ok(AddressPool { block, free, free_count, prefix_floor: 0, prefixes: None })
    }

    /// The vSwitch block.
    pub fn block(&self) -> Cidr4 {
        self.block
    }

    /// Free single addresses: all, without the system's, those in use, those in
    /// prefixes and those in reservations (`AvailableIpAddressCount`).
    pub fn free_count(&self) -> u32 {
        self.free_count
    }

    /// Assigned prefixes.
    pub fn prefix_count(&self) -> u32 {
        self.prefixes.as_ref().map_or(0, |p| p.assigned.len())
    }

    /// The reserved blocks, by address.
    pub fn reservations(&self) -> &[Cidr4] {
        self.prefixes.as_ref().map_or(&[], |p| &p.reservations)
    }

    /// The address that [`take`](Self::take) would hand out.
    pub fn next_free(&self) -> Option<Ipv4Addr> {
        self.free.first().map(|n| self.address(n))
    }

    /// Takes the lowest free address.
    ///
    /// # Errors
    /// [`PoolError::Exhausted`].
    pub fn take(&mut self) -> Result<Ipv4Addr, PoolError> {
        let n = self.free.first().ok_or(PoolError::Exhausted { block: self.block.into() })?;
        self.free.remove(n);
        self.free_count -= 1;
        Ok(self.address(n))
    }

    /// Takes a given address.
    ///
    /// # Errors
    /// Outside, kept by the system, in use, in a prefix, or in a reservation.
    pub fn take_address(&mut self, address: Ipv4Addr) -> Result<(), PoolError> {
        let n = self.number(address)?;
        if !self.free.contains(n) {
            return Err(self.refusal(address));
        }
        self.free.remove(n);
        self.free_count -= 1;
        Ok(())
    }

    /// Gives a single address back.
    ///
    /// # Errors
    /// Outside, kept by the system, in a prefix, in a reservation, or not in use.
    pub fn give_back(&mut self, address: Ipv4Addr) -> Result<(), PoolError> {
        let n = self.number(address)?;
        let taken = !self.free.contains(n) && !self.is_system(n) && self.prefixes.is_none();
        if !taken && self.state(address)? != AddressState::Taken {
            return Err(self.refusal(address));
        }
        self.free.insert(n);
        self.free_count += 1;
        self.prefix_floor = self.prefix_floor.min(n / 64);
        Ok(())
    }

    /// Whether the address can be taken. False outside the block.
    pub fn is_free(&self, address: Ipv4Addr) -> bool {
        self.number(address).is_ok_and(|n| self.free.contains(n))
    }

    /// What an address is used for.
    ///
    /// # Errors
    /// [`PoolError::Outside`].
    pub fn state(&self, address: Ipv4Addr) -> Result<AddressState, PoolError> {
        let n = self.number(address)?;
        if self.free.contains(n) {
            return Ok(AddressState::Free);
        }
        if self.is_system(n) {
            return Ok(AddressState::System);
        }
        let Some(prefixes) = &self.prefixes else { return Ok(AddressState::Taken) };
        if prefixes.assigned.contains(n / PREFIX_SIZE) {
            return Ok(AddressState::InPrefix(self.prefix(n / PREFIX_SIZE)));
        }
        let reserved = prefixes.reservation_of(Cidr4::host(address));
        Ok(reserved.map_or(AddressState::Taken, AddressState::Reserved))
    }

    /// Takes the lowest free /28, from the reservations if there are any.
    ///
    /// # Errors
    /// [`PoolError::NoPrefix`].
    pub fn take_prefix(&mut self) -> Result<Cidr4, PoolError> {
        let index = if self.reservations().is_empty() { self.open_prefix() } else { self.reserved_prefix() };
        let Some(index) = index else {
            let (block, free) = (self.block.into(), u64::from(self.free_count));
            return Err(PoolError::NoPrefix { block, len: PREFIX_LEN_IPV4, free });
        };
        self.assign(index);
        Ok(self.prefix(index))
    }

    /// Takes a given /28, inside a reservation or in open space.
    ///
    /// # Errors
    /// Another length, outside, overlapping a system address or anything in use.
    pub fn take_prefix_block(&mut self, prefix: Cidr4) -> Result<(), PoolError> {
        let index = self.prefix_index(prefix)?;
        let open = self.free.contains_run(index * PREFIX_SIZE, PREFIX_SIZE);
        if !open {
            let kept = self.prefixes.as_ref();
            let waiting =
                kept.is_some_and(|p| !p.assigned.contains(index) && p.reservation_of(prefix).is_some());
            if !waiting {
                return Err(self.part_refusal(prefix));
            }
        }
        self.assign(index);
        Ok(())
    }

    /// Gives an assigned /28 back.
    ///
    /// # Errors
    /// Another length, outside, or not assigned.
    pub fn give_back_prefix(&mut self, prefix: Cidr4) -> Result<(), PoolError> {
        let index = self.prefix_index(prefix)?;
        let refuse = PoolError::NotTaken { what: prefix.into() };
        let Some(prefixes) = self.prefixes.as_mut() else { return Err(refuse) };
        if !prefixes.assigned.remove(index) {
            return Err(refuse);
        }
        if prefixes.reservation_of(prefix).is_none() {
            self.release(prefix);
        }
        Ok(())
    }

    /// Reserves a block for prefixes: a /28 or larger, a proper part of the
    /// vSwitch, without system addresses, wholly free.
    ///
    /// # Errors
    /// The rule that the block breaks.
    pub fn reserve(&mut self, block: Cidr4) -> Result<(), PoolError> {
        let (start, size) = self.part(block, self.block.prefix_len() + 1)?;
        if !self.free.contains_run(start, size) {
            return Err(self.part_refusal(block));
        }
        self.free.remove_run(start, size);
        self.free_count -= size;
        let reservations = &mut self.prefixes.get_or_insert_default().reservations;
        let at = reservations.partition_point(|r| *r < block);
        reservations.insert(at, block);
        Ok(())
    }

    /// Reserves the lowest free block of a length, which must be at least two
    /// bits longer than the vSwitch's.
    ///
    /// # Errors
    /// [`PoolError::PartLength`] or [`PoolError::NoPrefix`].
    pub fn reserve_next(&mut self, len: u8) -> Result<Cidr4, PoolError> {
        let min = self.block.prefix_len() + 2;
        if len < min || len > PREFIX_LEN_IPV4 {
            let what = Cidr4::truncating(self.block.bits(), len).into();
            return Err(PoolError::PartLength { what, min, max: PREFIX_LEN_IPV4 });
        }
        let size = 1u32 << (32 - len);
        let found = self.block.subnets(len).find(|b| self.free.contains_run(self.offset(b.bits()), size));
        let (block, free) = (self.block.into(), u64::from(self.free_count));
        let found = found.ok_or(PoolError::NoPrefix { block, len, free })?;
        self.reserve(found)?;
        Ok(found)
    }

    /// Ends a reservation from which no prefix is assigned.
    ///
    /// # Errors
    /// [`PoolError::NotTaken`] or [`PoolError::ReservationInUse`].
    pub fn unreserve(&mut self, block: Cidr4) -> Result<(), PoolError> {
        let missing = PoolError::NotTaken { what: block.into() };
        let Some(prefixes) = &self.prefixes else { return Err(missing) };
        let Some(at) = prefixes.reservations.iter().position(|r| *r == block) else { return Err(missing) };
        if let Some(index) = self.indexes(block).find(|index| prefixes.assigned.contains(*index)) {
            let prefix = self.prefix(index).into();
            return Err(PoolError::ReservationInUse { what: block.into(), prefix });
        }
        if let Some(prefixes) = &mut self.prefixes {
            prefixes.reservations.remove(at);
        }
        self.release(block);
        Ok(())
    }

    /// Bytes on the heap; a /29 to /26 without prefixes has none.
    pub fn heap_bytes(&self) -> u64 {
        let prefixes = self.prefixes.as_ref().map_or(0, |p| {
            size_of::<Prefixes>() + p.assigned.heap_bytes() + p.reservations.capacity() * size_of::<Cidr4>()
        });
        self.free.heap_bytes() + prefixes as u64
    }

    fn address(&self, n: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.block.bits() + n)
    }

    fn offset(&self, bits: u32) -> u32 {
        bits - self.block.bits()
    }

    fn number(&self, address: Ipv4Addr) -> Result<u32, PoolError> {
        if self.block.contains_address(address) {
            return Ok(self.offset(address.to_bits()));
        }
        Err(PoolError::Outside { what: Cidr::host(IpAddr::V4(address)), block: self.block.into() })
    }

    fn is_system(&self, n: u32) -> bool {
        n < RESERVED_IPV4_FIRST || n >= self.block.size() as u32 - RESERVED_IPV4_LAST
    }

    fn prefix(&self, index: u32) -> Cidr4 {
        Block::truncating(self.block.bits() + index * PREFIX_SIZE, PREFIX_LEN_IPV4)
    }

    /// Numbers of the /28s in a part of the block.
    fn indexes(&self, part: Cidr4) -> std::ops::Range<u32> {
        let start = self.offset(part.bits()) / PREFIX_SIZE;
        start..start + part.size() as u32 / PREFIX_SIZE
    }

    /// Why a taken or kept address is refused.
    fn refusal(&self, address: Ipv4Addr) -> PoolError {
        let what = Cidr::host(IpAddr::V4(address));
        match self.state(address) {
            Ok(AddressState::System) => PoolError::System { what, block: self.block.into() },
            Ok(AddressState::InPrefix(prefix)) => PoolError::InPrefix { what, prefix: prefix.into() },
            Ok(AddressState::Reserved(r)) => PoolError::Reserved { what, reservation: r.into() },
            Ok(AddressState::Taken) => PoolError::Taken { what },
            Ok(AddressState::Free) => PoolError::NotTaken { what },
            Err(outside) => outside,
        }
    }

    /// Start and size of a part of the block, checked for length and place.
    fn part(&self, part: Cidr4, min: u8) -> Result<(u32, u32), PoolError> {
        let (what, block) = (Cidr::V4(part), Cidr::V4(self.block));
        if part.prefix_len() < min || part.prefix_len() > PREFIX_LEN_IPV4 {
            return Err(PoolError::PartLength { what, min, max: PREFIX_LEN_IPV4 });
        }
        if !self.block.contains(part) {
            return Err(PoolError::Outside { what, block });
        }
        Ok((self.offset(part.bits()), part.size() as u32))
    }

    /// Why a part of the block cannot be taken as a whole: the most telling reason.
    fn part_refusal(&self, part: Cidr4) -> PoolError {
        let what = Cidr::V4(part);
        let (start, end) = (self.offset(part.bits()), self.offset(part.last_bits()));
        if self.is_system(start) || self.is_system(end) {
            return PoolError::System { what, block: self.block.into() };
        }
        let Some(prefixes) = &self.prefixes else { return PoolError::Taken { what } };
        if let Some(index) = self.indexes(part).find(|index| prefixes.assigned.contains(*index)) {
            return PoolError::InPrefix { what, prefix: self.prefix(index).into() };
        }
        match prefixes.reservation_of(part) {
            Some(reservation) => PoolError::Reserved { what, reservation: reservation.into() },
            None => PoolError::Taken { what },
        }
    }

    fn prefix_index(&self, prefix: Cidr4) -> Result<u32, PoolError> {
        let (start, _) = self.part(prefix, PREFIX_LEN_IPV4)?;
        Ok(start / PREFIX_SIZE)
    }

    /// The lowest wholly free /28 in open space.
    fn open_prefix(&mut self) -> Option<u32> {
        for word in self.prefix_floor..self.free.words() {
            let groups = whole_groups(self.free.word(word));
            if groups != 0 {
                return Some(word * 4 + groups.trailing_zeros() / PREFIX_SIZE);
            }
            self.prefix_floor = word + 1;
        }
        None
    }

    /// The lowest /28 of the reservations that is not assigned.
    fn reserved_prefix(&self) -> Option<u32> {
        let prefixes = self.prefixes.as_ref()?;
        let mut indexes = prefixes.reservations.iter().flat_map(|r| self.indexes(*r));
        indexes.find(|index| !prefixes.assigned.contains(*index))
    }

    fn assign(&mut self, index: u32) {
        let start = index * PREFIX_SIZE;
        if self.free.contains_run(start, PREFIX_SIZE) {
            self.free.remove_run(start, PREFIX_SIZE);
            self.free_count -= PREFIX_SIZE;
        }
        self.prefixes.get_or_insert_default().assigned.insert(index);
    }

    fn release(&mut self, part: Cidr4) {
        let (start, size) = (self.offset(part.bits()), part.size() as u32);
        self.free.insert_run(start, size);
        self.free_count += size;
        self.prefix_floor = self.prefix_floor.min(start / 64);
    }
}

/// Bits 0, 16, 32, 48: the aligned groups of 16 that are all ones.
fn whole_groups(word: u64) -> u64 {
    let mut w = word & word >> 1;
    w &= w >> 2;
    w &= w >> 4;
    w &= w >> 8;
    w & 0x0001_0001_0001_0001
}

impl Debug for AddressPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressPool")
            .field("block", &self.block)
            .field("free_count", &self.free_count)
            .field("prefix_count", &self.prefix_count())
            .field("reservations", &self.reservations())
            .field("next_free", &self.next_free())
            .finish()
    }
}
