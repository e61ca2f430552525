//! Block allocation: the lowest free block of any length inside a set of parents.

use std::fmt::{self, Debug};

use thiserror::Error;

use crate::cidr::block::{AddressBits, Block, Cidr};
use crate::cidr::set::{collapse, subtract_all};
use crate::cidr::tree::{FULL, Holder, Root, Tree};

/// Why a block cannot be allocated, excluded or given back. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AllocError {
    /// No free block of the length is left, although space may be.
    #[error("no free /{len} is left: {}", Left { largest: *.largest, free: *.free_addresses })]
    Exhausted {
        /// The length asked for.
        len: u8,
        /// The lowest of the largest blocks still free.
        largest: Option<Cidr>,
        /// All free addresses together; when there are enough of them for the
        /// request, the space is fragmented rather than used up.
        free_addresses: u128,
    },
    /// The length is outside the family.
    #[error("prefix length {len} is out of range; the longest is /{max}")]
    Length {
        /// The length asked for.
        len: u8,
        /// 32 or 128.
        max: u8,
    },
    /// The block is not inside one of the parents.
    #[error("{block} is not inside any of the parent blocks")]
    Outside {
        /// The block.
        block: Cidr,
    },
    /// The block overlaps an allocated one.
    #[error("{block} overlaps {with}, which is allocated")]
    Overlaps {
        /// The block asked for.
        block: Cidr,
        /// The lowest allocated block that it overlaps.
        with: Cidr,
    },
    /// The block overlaps an excluded one.
    #[error("{block} overlaps {with}, which is excluded")]
    Excluded {
        /// The block asked for.
        block: Cidr,
        /// The lowest excluded block that it overlaps.
        with: Cidr,
    },
    /// The block was not allocated as such.
    #[error("{block} is not allocated{}", Instead(.found))]
    NotAllocated {
        /// The block to be given back.
        block: Cidr,
        /// An allocated block that overlaps it.
        found: Option<Cidr>,
    },
    /// Two parents overlap, or a parent is added twice.
    #[error("parent {block} overlaps parent {with}")]
    ParentOverlap {
        /// The parent to be added.
        block: Cidr,
        /// The parent already there.
        with: Cidr,
    },
    /// The parent is not one of the allocator's.
    #[error("{block} is not a parent block")]
    NoParent {
        /// The block.
        block: Cidr,
    },
}

struct Left {
    largest: Option<Cidr>,
    free: u128,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(largest) = self.largest else { return f.write_str("nothing is free") };
        let len = largest.prefix_len();
        write!(f, "the largest free block is a /{len} ({largest}), {} addresses are free", self.free)
    }
}

struct Instead<'a>(&'a Option<Cidr>);

impl fmt::Display for Instead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(found) => write!(f, "; {found} is"),
            None => Ok(()),
        }
    }
}

/// Hands out blocks of any length from a set of disjoint parents, lowest address
/// first; a block given back merges with its free neighbours. Two adjacent
/// parents never merge: a block lies inside one parent.
///
/// The cost of every operation depends on the prefix lengths only, not on how
/// many blocks are out: one node for each four bits between parent and block.
/// Memory follows what is cut: 6 to 12 bytes for each block of a dense allocation
/// of /24s or /29s, 84 bytes for each four bits of depth of a lone one.
#[derive(Clone)]
pub struct BlockAllocator<A = u32> {
    /// By address, disjoint.
    roots: Vec<Root<A>>,
    best: FirstFit,
    tree: Tree,
    /// Collapsed, clipped to the parents.
    excluded: Vec<Block<A>>,
    allocated: u64,
    free_addresses: u128,
}

impl<A: AddressBits> BlockAllocator<A> {
    /// An allocator over the parents, all free.
    ///
    /// # Errors
    /// [`AllocError::ParentOverlap`].
    pub fn new(parents: impl IntoIterator<Item = Block<A>>) -> Result<Self, AllocError> {
        let mut parents: Vec<Block<A>> = parents.into_iter().collect();
        parents.sort_unstable();
        // Sorted by address: if any two overlap, two neighbours do.
        if let Some([with, block]) = parents.array_windows().find(|[a, b]| a.overlaps(*b)) {
            return Err(AllocError::ParentOverlap { block: A::wrap(*block), with: A::wrap(*with) });
        }
        let best = FirstFit::new(parents.iter().map(|p| p.prefix_len()));
        let free_addresses = parents.iter().fold(0u128, |sum, p| sum.saturating_add(p.size()));
        let roots = parents.into_iter().map(Root::new).collect();
        Ok(BlockAllocator {
            roots,
            best,
            tree: Tree::default(),
            excluded: Vec::new(),
            allocated: 0,
            free_addresses,
        })
    }

    /// Adds a parent, as a secondary block is added to a VPC.
    ///
    /// # Errors
    /// [`AllocError::ParentOverlap`].
    pub fn add_parent(&mut self, block: Block<A>) -> Result<(), AllocError> {
        let at = self.roots.partition_point(|root| root.block < block);
        let near = [at.checked_sub(1), Some(at)].into_iter().flatten();
        let mut near = near.filter_map(|i| self.roots.get(i)).map(|root| root.block);
        if let Some(with) = near.find(|with| with.overlaps(block)) {
            return Err(AllocError::ParentOverlap { block: A::wrap(block), with: A::wrap(with) });
        }
        self.roots.insert(at, Root::new(block));
        self.best.insert(at, block.prefix_len());
        self.free_addresses = self.free_addresses.saturating_add(block.size());
        Ok(())
    }

    /// Removes a parent that has no allocated block; its exclusions go with it.
    ///
    /// # Errors
    /// [`AllocError::NoParent`], or [`AllocError::Overlaps`] with the first block in use.
    pub fn remove_parent(&mut self, block: Block<A>) -> Result<(), AllocError> {
        let at = self.roots.binary_search_by_key(&block, |root| root.block);
        let at = at.map_err(|_| AllocError::NoParent { block: A::wrap(block) })?;
        let (mut used, mut free) = (None, 0u128);
        self.tree.walk(block, self.roots[at].link, &mut |part, holder| match holder {
            None => free = free.saturating_add(part.size()),
            Some(Holder::Held) => used = used.or(Some(part)),
            Some(Holder::Excluded) => {}
        });
        if let Some(with) = used {
            return Err(AllocError::Overlaps { block: A::wrap(block), with: A::wrap(with) });
        }
        self.tree.discard(self.roots[at].link);
        self.roots.remove(at);
        self.best.remove(at);
        self.excluded = subtract_all(&self.excluded, &[block]);
        self.free_addresses = self.free_addresses.saturating_sub(free);
        Ok(())
    }

    /// Takes a block out of use for good. It may reach beyond the parents and may
    /// cover what is excluded already.
    ///
    /// # Errors
    /// [`AllocError::Overlaps`] when an allocated block is in the way.
    pub fn exclude(&mut self, block: Block<A>) -> Result<(), AllocError> {
        let inside: Vec<Block<A>> = self.roots.iter().filter_map(|r| common(r.block, block)).collect();
        let fresh = subtract_all(&inside, &self.excluded);
        // `fresh` may join pieces of adjacent parents; cut them apart again.
        let fresh: Vec<Block<A>> =
            self.roots.iter().flat_map(|r| fresh.iter().filter_map(|f| common(r.block, *f))).collect();
        for part in &fresh {
            let root = self.root_of(*part)?;
            if let Some((Holder::Held, with)) = self.tree.conflict(&self.roots[root], *part) {
                return Err(AllocError::Overlaps { block: A::wrap(block), with: A::wrap(with) });
            }
        }
        for part in &fresh {
            let root = self.root_of(*part)?;
            self.take(root, part.prefix_len(), Some(part.bits()), Holder::Excluded);
        }
        self.excluded = collapse(self.excluded.iter().copied().chain(fresh));
        Ok(())
    }

    /// The block that [`allocate`](Self::allocate) would hand out.
    ///
    /// # Errors
    /// [`AllocError::Exhausted`] or [`AllocError::Length`].
    pub fn next_free(&self, len: u8) -> Result<Block<A>, AllocError> {
        self.find(len).map(|(_, block)| block)
    }

    /// The lowest free block of a length that overlaps none of `avoid`.
    ///
    /// # Errors
    /// [`AllocError::Exhausted`] (which counts free space without `avoid`) or [`AllocError::Length`].
    pub fn next_free_avoiding(&self, len: u8, avoid: &[Block<A>]) -> Result<Block<A>, AllocError> {
        self.check_len(len)?;
        let avoid = collapse(avoid.iter().copied());
        let mut from = A::ZERO;
        // Each turn passes at least one block of `avoid`.
        while let Some(block) = self.next_free_from(len, from) {
            let at = avoid.partition_point(|a| a.last_bits() < block.bits());
            let Some(hit) = avoid.get(at).filter(|a| a.overlaps(block)) else { return Ok(block) };
            match hit.last_bits().max(block.last_bits()).checked_add(A::ONE) {
                Some(next) => from = next,
                None => break,
            }
        }
        Err(self.exhausted(len))
    }

    /// The lowest free block of a length at or above an address.
    fn next_free_from(&self, len: u8, from: A) -> Option<Block<A>> {
        let start = self.roots.partition_point(|root| root.block.last_bits() < from);
        let mut roots = self.roots[start..].iter();
        roots.find_map(|root| self.tree.find_from(root.block, root.link, len, from))
    }

    /// Allocates the lowest free block of a length.
    ///
    /// # Errors
    /// [`AllocError::Exhausted`] or [`AllocError::Length`].
    pub fn allocate(&mut self, len: u8) -> Result<Block<A>, AllocError> {
        self.check_len(len)?;
        let root = self.best.first(len).ok_or_else(|| self.exhausted(len))?;
        let block = self.take(root, len, None, Holder::Held).ok_or_else(|| self.exhausted(len))?;
        self.allocated += 1;
        Ok(block)
    }

    /// Allocates a given block.
    ///
    /// # Errors
    /// [`AllocError::Outside`], [`AllocError::Overlaps`] or [`AllocError::Excluded`].
    pub fn allocate_block(&mut self, block: Block<A>) -> Result<(), AllocError> {
        let root = self.check_free(block)?;
        self.take(root, block.prefix_len(), Some(block.bits()), Holder::Held);
        self.allocated += 1;
        Ok(())
    }

    /// Whether [`allocate_block`](Self::allocate_block) would succeed, and why not.
    ///
    /// # Errors
    /// [`AllocError::Outside`], [`AllocError::Overlaps`] or [`AllocError::Excluded`].
    pub fn check_block(&self, block: Block<A>) -> Result<(), AllocError> {
        self.check_free(block).map(|_| ())
    }

    /// Gives an allocated block back. It must be the block as it was allocated,
    /// not a part of one or several together.
    ///
    /// # Errors
    /// [`AllocError::NotAllocated`], with an allocated block that overlaps it.
    pub fn free(&mut self, block: Block<A>) -> Result<(), AllocError> {
        let refuse = |found| AllocError::NotAllocated { block: A::wrap(block), found };
        let at = self.root_of(block).map_err(|_| refuse(None))?;
        match self.tree.release(&mut self.roots[at], block) {
            Ok(best) => {
                if let Some(best) = best {
                    self.best.set(at, best);
                }
                self.allocated -= 1;
                self.free_addresses = self.free_addresses.saturating_add(block.size());
                Ok(())
            }
            Err(Some((Holder::Held, found))) => Err(refuse(Some(A::wrap(found)))),
            Err(_) => Err(refuse(None)),
        }
    }

    /// The lowest of the largest free blocks.
    pub fn largest_free(&self) -> Option<Block<A>> {
        let len = self.best.least();
        if len == FULL { None } else { self.find(len).ok().map(|(_, block)| block) }
    }

    /// Number of allocated blocks.
    pub fn allocated_count(&self) -> u64 {
        self.allocated
    }

    /// Number of addresses that are neither allocated nor excluded.
    pub fn free_addresses(&self) -> u128 {
        self.free_addresses
    }

    /// The parents, by address.
    pub fn parents(&self) -> impl Iterator<Item = Block<A>> {
        self.roots.iter().map(|root| root.block)
    }

    /// The excluded blocks inside the parents, collapsed.
    pub fn excluded(&self) -> &[Block<A>] {
        &self.excluded
    }

    /// The allocated blocks, by address.
    pub fn allocated(&self) -> Vec<Block<A>> {
        let mut blocks = Vec::new();
        self.walk(|block, holder| {
            if holder == Some(Holder::Held) {
                blocks.push(block);
            }
        });
        blocks
    }

    /// The free space as the fewest blocks inside the parents, by address.
    pub fn free_blocks(&self) -> Vec<Block<A>> {
        let mut blocks = Vec::new();
        for root in &self.roots {
            let mut free = Vec::new();
            self.tree.walk(root.block, root.link, &mut |block, holder| {
                if holder.is_none() {
                    free.push(block);
                }
            });
            blocks.extend(collapse(free));
        }
        blocks
    }

    /// Bytes on the heap, for those who keep many allocators.
    pub fn heap_bytes(&self) -> u64 {
        let roots = self.roots.capacity() * size_of::<Root<A>>();
        roots as u64 + self.tree.heap_bytes() + self.best.least.capacity() as u64
    }

    fn walk(&self, mut see: impl FnMut(Block<A>, Option<Holder>)) {
        for root in &self.roots {
            self.tree.walk(root.block, root.link, &mut see);
        }
    }

    fn check_len(&self, len: u8) -> Result<(), AllocError> {
        if len > A::WIDTH { Err(AllocError::Length { len, max: A::WIDTH }) } else { Ok(()) }
    }

    fn find(&self, len: u8) -> Result<(usize, Block<A>), AllocError> {
        self.check_len(len)?;
        let found = self.best.first(len);
        let found = found.and_then(|at| Some((at, self.tree.find(&self.roots[at], len)?)));
        found.ok_or_else(|| self.exhausted(len))
    }

    fn exhausted(&self, len: u8) -> AllocError {
        let largest = self.largest_free().map(A::wrap);
        AllocError::Exhausted { len, largest, free_addresses: self.free_addresses }
    }

    fn root_of(&self, block: Block<A>) -> Result<usize, AllocError> {
        let after = self.roots.partition_point(|root| root.block <= block);
        let at = after.checked_sub(1).filter(|at| self.roots[*at].block.contains(block));
        at.ok_or(AllocError::Outside { block: A::wrap(block) })
    }

    fn check_free(&self, block: Block<A>) -> Result<usize, AllocError> {
        let at = self.root_of(block)?;
        match self.tree.conflict(&self.roots[at], block) {
            None => Ok(at),
            Some((holder, with)) => {
                let (block, with) = (A::wrap(block), A::wrap(with));
                Err(match holder {
                    Holder::Held => AllocError::Overlaps { block, with },
                    Holder::Excluded => AllocError::Excluded { block, with },
                })
            }
        }
    }

    /// Takes the lowest block of a length in a root that has one, or a given free one.
    fn take(&mut self, root: usize, len: u8, place: Option<A>, holder: Holder) -> Option<Block<A>> {
        let (block, best) = self.tree.take(&mut self.roots[root], len, place, holder)?;
        if let Some(best) = best {
            self.best.set(root, best);
        }
        self.free_addresses = self.free_addresses.saturating_sub(block.size());
        Some(block)
    }
}

/// The smaller of two blocks that nest; `None` when they are disjoint.
fn common<A: AddressBits>(a: Block<A>, b: Block<A>) -> Option<Block<A>> {
    a.overlaps(b).then_some(if a.prefix_len() > b.prefix_len() { a } else { b })
}

impl<A: AddressBits> Debug for BlockAllocator<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockAllocator")
            .field("parents", &self.parents().collect::<Vec<_>>())
            .field("excluded", &self.excluded)
            .field("allocated", &self.allocated)
            .field("free_addresses", &self.free_addresses)
            .field("largest_free", &self.largest_free())
            .finish()
    }
}

/// The lengths of the parents' largest free blocks under a tree of minima, so
/// that the first parent with room is found in log2(parents) steps.
#[derive(Clone)]
struct FirstFit {
    /// Entry 1 is the least of all; entry i is the lesser of 2i and 2i+1; the
    /// second half are the parents, filled up with [`FULL`].
    least: Vec<u8>,
    parents: u32,
}

impl FirstFit {
    fn new(lens: impl IntoIterator<Item = u8>) -> FirstFit {
        let lens: Vec<u8> = lens.into_iter().collect();
        let half = lens.len().next_power_of_two();
        let mut least = vec![FULL; 2 * half];
        least[half..half + lens.len()].copy_from_slice(&lens);
        for i in (1..half).rev() {
            least[i] = least[2 * i].min(least[2 * i + 1]);
        }
        FirstFit { least, parents: lens.len() as u32 }
    }

    fn least(&self) -> u8 {
        self.least[1]
    }

    fn set(&mut self, at: usize, len: u8) {
        let mut i = at + self.least.len() / 2;
        self.least[i] = len;
        while i > 1 {
            i /= 2;
            self.least[i] = self.least[2 * i].min(self.least[2 * i + 1]);
        }
    }

    fn first(&self, len: u8) -> Option<usize> {
        let half = self.least.len() / 2;
        let mut i = 1;
        if self.least[1] > len {
            return None;
        }
        while i < half {
            i *= 2;
            if self.least[i] > len {
                i += 1;
            }
        }
        Some(i - half)
    }

    fn insert(&mut self, at: usize, len: u8) {
        let mut lens = self.lens();
        lens.insert(at, len);
        *self = FirstFit::new(lens);
    }

    fn remove(&mut self, at: usize) {
        let mut lens = self.lens();
        lens.remove(at);
        *self = FirstFit::new(lens);
    }

    fn lens(&self) -> Vec<u8> {
        let parents = self.least.iter().skip(self.least.len() / 2);
        parents.take(self.parents as usize).copied().collect()
    }
}
