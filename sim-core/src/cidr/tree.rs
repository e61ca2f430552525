//! The free-space tree under [`crate::cidr::BlockAllocator`].
//!
//! A node cuts a block into up to 16 slots. A slot is free, held, excluded,
//! outside, or leads to another node. Beside each slot stands the length of the
//! largest free block in it, so that the lowest free block of any length is found
//! with one look at each level: 5 levels from /8 to /24. Nodes exist only where a
//! block has been cut, 84 bytes each.
//!
//! Slots have the lengths 1, 5, ... 25, 29, 32 in IPv4, because the smallest
//! vSwitch is a /29, and the multiples of four in IPv6, because a vSwitch is a /64.

use crate::cidr::block::{AddressBits, Block};

/// "No free block": longer than every prefix length.
pub(super) const FULL: u8 = u8::MAX;

/// Bits resolved by one node.
const STRIDE: u8 = 4;
/// Deepest path: one node for each four bits of an IPv6 address.
const MAX_DEPTH: usize = 32;

/// What occupies a part of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// An allocated block.
    Held,
    /// A block taken out of use.
    Excluded,
}

/// A slot's content in four bytes: a node index, or one of the marks below.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(u32);

enum Slot {
    Free,
    Outside,
    Taken(Holder, u8),
    Node(usize),
}

impl Link {
    pub(super) const FREE: Link = Link(u32::MAX);
    const OUTSIDE: Link = Link(u32::MAX - 1);
    const HELD: u32 = 0xFFFF_0000;
    const EXCLUDED: u32 = 0xFFFF_0100;

    /// The mark of a slot that is covered by a taken block of length `len`.
    fn taken(holder: Holder, len: u8) -> Link {
        let mark = if holder == Holder::Held { Link::HELD } else { Link::EXCLUDED };
        Link(mark | u32::from(len))
    }

    fn slot(self) -> Slot {
        let len = (self.0 & 0xFF) as u8;
        match self.0 {
            0..Link::HELD => Slot::Node(self.0 as usize),
            Link::HELD..Link::EXCLUDED => Slot::Taken(Holder::Held, len),
            Link::EXCLUDED..0xFFFF_0200 => Slot::Taken(Holder::Excluded, len),
            _ if self == Link::FREE => Slot::Free,
            _ => Slot::Outside,
        }
    }
}

#[derive(Clone)]
struct Node {
    /// Length of the largest free block in each slot, or [`FULL`].
    best: [u8; 16],
    /// Bit i: slot i is wholly free.
    free: u16,
    link: [Link; 16],
}

/// One parent block and what is known of it.
#[derive(Clone)]
pub(super) struct Root<A> {
    pub(super) block: Block<A>,
    pub(super) link: Link,
}

impl<A: AddressBits> Root<A> {
    pub(super) fn new(block: Block<A>) -> Self {
        Root { block, link: Link::FREE }
    }
}

/// All nodes of an allocator; indexes of nodes given back are used again.
#[derive(Clone, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    spare: Vec<u32>,
}

/// The nodes above the one being changed, each with the slot taken in it: node
/// number times 16 plus slot.
struct Path {
    steps: [u32; MAX_DEPTH],
    depth: usize,
}

impl Path {
    fn new() -> Path {
        Path { steps: [0; MAX_DEPTH], depth: 0 }
    }

    fn push(&mut self, node: usize, slot: usize) {
        self.steps[self.depth] = (node as u32) << 4 | slot as u32;
        self.depth += 1;
    }

    fn pop(&mut self) -> Option<(usize, usize)> {
        self.depth = self.depth.checked_sub(1)?;
        let step = self.steps[self.depth];
        Some(((step >> 4) as usize, (step & 15) as usize))
    }
}

/// The remainder of the slot lengths of a family when divided by the stride.
fn phase<A: AddressBits>() -> u8 {
    if A::WIDTH == 32 { 1 } else { 0 }
}

/// The length of the slots in the node that divides a block: the next one.
fn slot_len<A: AddressBits>(divided: u8) -> u8 {
    ((divided + STRIDE - phase::<A>()) / STRIDE * STRIDE + phase::<A>()).min(A::WIDTH)
}

/// The slot length one level up, which is the length of the block that a node
/// below the root divides.
fn slot_len_above<A: AddressBits>(slot_len: u8) -> u8 {
    (slot_len - 1 - phase::<A>()) / STRIDE * STRIDE + phase::<A>()
}

/// The slot of an address among slots of a length.
fn index<A: AddressBits>(bits: A, slot_len: u8) -> usize {
    ((bits >> u32::from(A::WIDTH - slot_len)).low32() & 15) as usize
}

/// Slot number `index` in the node that divides `divided`.
fn slot_block<A: AddressBits>(divided: Block<A>, slot_len: u8, index: usize) -> Block<A> {
    let above = A::narrow(15) << u32::from(A::WIDTH - slot_len);
    let offset = A::narrow(index as u128) << u32::from(A::WIDTH - slot_len);
    Block::aligned(divided.bits() & !above | offset, slot_len)
}

/// Bits of the slots that a block of length `len` at slot `index` covers.
fn run(index: usize, slot_len: u8, len: u8) -> u16 {
    let slots = 1u32 << (slot_len - len);
    (((1u32 << slots) - 1) << index) as u16
}

/// How runs of 2, 4, 8 and 16 slots are put together from the halves: the
/// distance of the halves, and the bits where a run may start.
const RUNS: [(u8, u16); 4] = [(1, 0x5555), (2, 0x1111), (4, 0x0101), (8, 0x0001)];

/// Bits where an aligned run of `1 << order` free slots starts.
fn free_runs(free: u16, order: u8) -> u16 {
    let halves = RUNS.into_iter().take(usize::from(order));
    halves.fold(free, |runs, (shift, starts)| runs & runs >> shift & starts)
}

impl Node {
    /// A node whose slots inside `divided` are free and the others outside.
    fn dividing<A: AddressBits>(divided: Block<A>, slot_len: u8) -> Node {
        let mut node = Node { best: [FULL; 16], free: 0, link: [Link::OUTSIDE; 16] };
        let first = index(divided.bits(), slot_len);
        node.set(run(first, slot_len, divided.prefix_len()), Link::FREE, slot_len);
        node
    }

    /// Puts the same content into the slots of a mask.
    fn set(&mut self, slots: u16, link: Link, slot_len: u8) {
        let free = link == Link::FREE;
        let best = if free { slot_len } else { FULL };
        for i in bits_of(slots) {
            self.link[i] = link;
            self.best[i] = best;
        }
        self.free = if free { self.free | slots } else { self.free & !slots };
    }

    /// Length of the largest free block in the node.
    fn largest(&self, slot_len: u8) -> u8 {
        if self.free == 0 {
            return self.best.iter().fold(FULL, |best, slot| best.min(*slot));
        }
        // No run of one order, no run of the next.
        let (mut runs, mut order) = (self.free, 0);
        for (shift, starts) in RUNS {
            runs &= runs >> shift & starts;
            if runs == 0 {
                break;
            }
            order += 1;
        }
        slot_len - order
    }

    /// The lowest slot that holds or starts a free block of length `len`.
    fn first_fit(&self, slot_len: u8, len: u8) -> Option<usize> {
        let slots = if len <= slot_len {
            free_runs(self.free, slot_len - len)
        } else {
            return first_at_most(self.best, len);
        };
        (slots != 0).then(|| slots.trailing_zeros() as usize)
    }
}

/// The first of 16 bytes that is at most `limit`, comparing all of them at once.
fn first_at_most(bytes: [u8; 16], limit: u8) -> Option<usize> {
    const HIGH: u128 = u128::from_le_bytes([0x80; 16]);
    let (a, b) = (u128::from_le_bytes(bytes), u128::from_le_bytes([limit; 16]));
    // The high bit of each byte: the low seven bits of b are no less than those of a.
    let low = (b | HIGH) - (a & !HIGH);
    let at_most = (!a & b | !(a ^ b) & low) & HIGH;
    (at_most != 0).then(|| at_most.trailing_zeros() as usize / 8)
}

/// The set bits of a mask, lowest first.
fn bits_of(mut mask: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (mask != 0).then(|| mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(bit)
    })
}

impl Tree {
    /// Bytes of heap in use, for those who keep many allocators.
    pub(super) fn heap_bytes(&self) -> u64 {
        (self.nodes.capacity() * size_of::<Node>() + self.spare.capacity() * size_of::<u32>()) as u64
    }

    fn add(&mut self, node: Node) -> u32 {
        if let Some(at) = self.spare.pop() {
            self.nodes[at as usize] = node;
            return at;
        }
        self.nodes.push(node);
        let at = (self.nodes.len() - 1) as u32;
        // A path keeps node and slot in 32 bits. 2^28 nodes are 22 GB.
        assert!(at < 1 << 28, "the free-space tree has too many nodes");
        at
    }

    /// The address of the lowest free block of length `len`, if there is one.
    pub(super) fn find<A: AddressBits>(&self, root: &Root<A>, len: u8) -> Option<Block<A>> {
        let (mut at, mut link) = (root.block, root.link);
        loop {
            match link.slot() {
                Slot::Free if at.prefix_len() <= len => return Some(Block::truncating(at.bits(), len)),
                Slot::Node(n) => {
                    let slot_len = slot_len::<A>(at.prefix_len());
                    let i = self.nodes[n].first_fit(slot_len, len)?;
                    at = slot_block(at, slot_len, i);
                    if len <= slot_len {
                        return Some(Block::truncating(at.bits(), len));
                    }
                    link = self.nodes[n].link[i];
                }
                _ => return None,
            }
        }
    }

    /// The lowest free block of length `len` whose address is at least `from`.
    pub(super) fn find_from<A: AddressBits>(
        &self,
        at: Block<A>,
        link: Link,
        len: u8,
        from: A,
    ) -> Option<Block<A>> {
        if at.last_bits() < from {
            return None;
        }
        match link.slot() {
            Slot::Free if at.prefix_len() <= len => {
                let here = Block::truncating(at.bits().max(from), len);
                if here.bits() >= from {
                    return Some(here);
                }
                let next = here.last_bits().checked_add(A::ONE)?;
                at.contains_bits(next).then(|| Block::truncating(next, len))
            }
            Slot::Node(n) => {
                let (node, slot_len) = (&self.nodes[n], slot_len::<A>(at.prefix_len()));
                if len <= slot_len {
                    let starts = bits_of(free_runs(node.free, slot_len - len));
                    let mut blocks =
                        starts.map(|i| Block::truncating(slot_block(at, slot_len, i).bits(), len));
                    return blocks.find(|block| block.bits() >= from);
                }
                let fits = (0..16).filter(|i| node.best[*i] <= len);
                fits.map(|i| (slot_block(at, slot_len, i), node.link[i]))
                    .find_map(|(block, link)| self.find_from(block, link, len, from))
            }
            _ => None,
        }
    }

    /// What overlaps `block`: the first taken block, in address order. `None` when
    /// all of it is free. `block` lies in the root's.
    pub(super) fn conflict<A: AddressBits>(
        &self,
        root: &Root<A>,
        block: Block<A>,
    ) -> Option<(Holder, Block<A>)> {
        let (mut at, mut link) = (root.block, root.link);
        loop {
            match link.slot() {
                Slot::Free | Slot::Outside => return None,
                Slot::Taken(holder, len) => return Some((holder, Block::truncating(at.bits(), len))),
                Slot::Node(n) => {
                    let slot_len = slot_len::<A>(at.prefix_len());
                    let i = index(block.bits(), slot_len);
                    if block.prefix_len() <= slot_len {
                        let covered = run(i, slot_len, block.prefix_len());
                        let used = bits_of(covered & !self.nodes[n].free).next()?;
                        at = slot_block(at, slot_len, used);
                        return self.first_taken(at, self.nodes[n].link[used]);
                    }
                    at = slot_block(at, slot_len, i);
                    link = self.nodes[n].link[i];
                }
            }
        }
    }

    /// The lowest taken block under a slot.
    fn first_taken<A: AddressBits>(&self, at: Block<A>, link: Link) -> Option<(Holder, Block<A>)> {
        match link.slot() {
            Slot::Free | Slot::Outside => None,
            Slot::Taken(holder, len) => Some((holder, Block::truncating(at.bits(), len))),
            Slot::Node(n) => {
                let slot_len = slot_len::<A>(at.prefix_len());
                let links = self.nodes[n].link.iter().enumerate();
                links
                    .map(|(i, link)| (slot_block(at, slot_len, i), *link))
                    .find_map(|(block, link)| self.first_taken(block, link))
            }
        }
    }

    /// Takes a block that is known to be free: the one at `place`, or the lowest of
    /// the length. Answers the block, and the root's new largest length if that
    /// may have changed; `None` when no block of the length is free.
    pub(super) fn take<A: AddressBits>(
        &mut self,
        root: &mut Root<A>,
        len: u8,
        place: Option<A>,
        holder: Holder,
    ) -> Option<(Block<A>, Option<u8>)> {
        if len == root.block.prefix_len() {
            root.link = Link::taken(holder, len);
            return Some((root.block, Some(FULL)));
        }
        let mut path = Path::new();
        let mut at = root.block;
        let mut n = self.enter(&mut root.link, at);
        loop {
            let slot_len = slot_len::<A>(at.prefix_len());
            let node = &mut self.nodes[n];
            let i = match place {
                Some(bits) => index(bits, slot_len),
                None => node.first_fit(slot_len, len)?,
            };
            at = slot_block(at, slot_len, i);
            if len <= slot_len {
                node.set(run(i, slot_len, len), Link::taken(holder, len), slot_len);
                return Some((Block::aligned(at.bits(), len), self.settle(root, path, n, slot_len)));
            }
            path.push(n, i);
            node.free &= !(1 << i);
            let mut link = node.link[i];
            let below = self.enter(&mut link, at);
            self.nodes[n].link[i] = link;
            n = below;
        }
    }

    /// The node under a slot that is free or a node; made when it is free.
    fn enter<A: AddressBits>(&mut self, link: &mut Link, at: Block<A>) -> usize {
        if let Slot::Node(n) = link.slot() {
            return n;
        }
        let node = Node::dividing(at, slot_len::<A>(at.prefix_len()));
        let n = self.add(node);
        *link = Link(n);
        n as usize
    }

    /// Gives a taken block back if exactly this one is held; answers the root's new
    /// largest length if that may have changed, or what stands there instead.
    pub(super) fn release<A: AddressBits>(
        &mut self,
        root: &mut Root<A>,
        block: Block<A>,
    ) -> Result<Option<u8>, Option<(Holder, Block<A>)>> {
        let len = block.prefix_len();
        let held = Link::taken(Holder::Held, len);
        if len == root.block.prefix_len() && root.link == held {
            root.link = Link::FREE;
            return Ok(Some(len));
        }
        let mut path = Path::new();
        let (mut at, mut link) = (root.block, root.link);
        while let Slot::Node(n) = link.slot() {
            let slot_len = slot_len::<A>(at.prefix_len());
            let i = index(block.bits(), slot_len);
            if len <= slot_len {
                if self.nodes[n].link[i] != held {
                    break;
                }
                self.nodes[n].set(run(i, slot_len, len), Link::FREE, slot_len);
                return Ok(self.settle(root, path, n, slot_len));
            }
            path.push(n, i);
            at = slot_block(at, slot_len, i);
            link = self.nodes[n].link[i];
        }
        Err(self.conflict(root, block))
    }

    /// Carries the largest free length of node `n` up the path, as far as it changes
    /// anything; a node that has become wholly free is given back. Answers the
    /// root's largest length if that may have changed.
    fn settle<A: AddressBits>(
        &mut self,
        root: &mut Root<A>,
        mut path: Path,
        mut n: usize,
        mut slot_len: u8,
    ) -> Option<u8> {
        loop {
            let best = self.nodes[n].largest(slot_len);
            let Some((above, i)) = path.pop() else {
                if best == root.block.prefix_len() {
                    self.spare.push(n as u32);
                    root.link = Link::FREE;
                }
                return Some(best);
            };
            slot_len = slot_len_above::<A>(slot_len);
            if best == slot_len {
                self.spare.push(n as u32);
                self.nodes[above].set(1 << i, Link::FREE, slot_len);
            } else if self.nodes[above].best[i] == best {
                return None;
            } else {
                self.nodes[above].best[i] = best;
            }
            n = above;
        }
    }

    /// Gives back every node under a link.
    pub(super) fn discard(&mut self, link: Link) {
        if let Slot::Node(n) = link.slot() {
            for link in self.nodes[n].link {
                self.discard(link);
            }
            self.spare.push(n as u32);
        }
    }

    /// Calls `see` for every slot under a link, in address order: the block, and
    /// its holder or `None` when it is free. A taken block is seen once.
    pub(super) fn walk<A: AddressBits>(
        &self,
        at: Block<A>,
        link: Link,
        see: &mut impl FnMut(Block<A>, Option<Holder>),
    ) {
        match link.slot() {
            Slot::Free => see(at, None),
            Slot::Outside => {}
            Slot::Taken(holder, len) => {
                let block = Block::truncating(at.bits(), len);
                if block.bits() == at.bits() {
                    see(block, Some(holder));
                }
            }
            Slot::Node(n) => {
                let slot_len = slot_len::<A>(at.prefix_len());
                for (i, link) in self.nodes[n].link.iter().enumerate() {
                    self.walk(slot_block(at, slot_len, i), *link, see);
                }
            }
        }
    }
}
