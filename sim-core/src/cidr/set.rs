//! Sets of blocks: the fewest blocks that say the same.

use crate::cidr::block::{AddressBits, Block};

/// The fewest disjoint blocks that cover exactly the same addresses, in order.
/// Nested blocks disappear and sibling halves join, again and again.
pub fn collapse<A: AddressBits>(blocks: impl IntoIterator<Item = Block<A>>) -> Vec<Block<A>> {
    let mut sorted: Vec<Block<A>> = blocks.into_iter().collect();
    sorted.sort_unstable();
    let mut done: Vec<Block<A>> = Vec::new();
    for block in sorted {
        // A block sorts before what it contains, so only the last one can cover this.
        if done.last().is_some_and(|last| last.contains(block)) {
            continue;
        }
        done.push(block);
        join_tail(&mut done);
    }
    done
}

/// Joins the last two blocks while they are halves of one.
fn join_tail<A: AddressBits>(blocks: &mut Vec<Block<A>>) {
    while let [.., low, high] = blocks.as_slice() {
        let (low, high) = (*low, *high);
        let (Some(sibling), Some(parent)) = (low.sibling(), low.parent()) else { return };
        if sibling != high {
            return;
        }
        blocks.truncate(blocks.len() - 2);
        blocks.push(parent);
    }
}

/// What is left of `from` without `what`: the fewest disjoint blocks, in order.
pub fn subtract_all<A: AddressBits>(from: &[Block<A>], what: &[Block<A>]) -> Vec<Block<A>> {
    let what = collapse(what.iter().copied());
    let mut left = Vec::new();
    for block in collapse(from.iter().copied()) {
        // `what` is disjoint and ordered: those inside `block` stand together.
        let start = what.partition_point(|w| w.last_bits() < block.bits());
        let mut rest = vec![block];
        for hole in what[start..].iter().take_while(|w| w.bits() <= block.last_bits()) {
            // The pieces are the largest blocks between the holes so far, so one piece
            // contains the whole of the next hole.
            let Some(at) = rest.iter().rposition(|piece| piece.overlaps(*hole)) else { continue };
            let tail = rest.split_off(at);
            rest.extend(tail.into_iter().flat_map(|piece| piece.subtract(*hole)));
        }
        left.extend(rest);
    }
    left
}

/// The fewest blocks that cover exactly the addresses `first..=last`, in order;
/// none when `first` is above `last`.
pub fn summarise_range<A: AddressBits>(first: A::Address, last: A::Address) -> Vec<Block<A>> {
    let (mut at, last) = (A::of(first), A::of(last));
    let mut blocks = Vec::new();
    while at <= last {
        // Grow the block at `at` while it stays aligned and inside the range.
        let mut block: Block<A> = Block::host(at.address());
        while let Some(wider) = block.parent().filter(|p| p.bits() == at && p.last_bits() <= last) {
            block = wider;
        }
        blocks.push(block);
        match block.last_bits().checked_add(A::ONE) {
            Some(next) => at = next,
            None => break,
        }
    }
    blocks
}
