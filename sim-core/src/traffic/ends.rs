//! When connections end: a radix heap (Ahuja, Mehlhorn, Orlin and Tarjan, 1990), which keeps what is due in order as long as
//! nothing is added before what was taken last. An entry moves a few times through lists that are walked from front to
//! back, where a binary heap of a million entries would miss the caches at every level.

/// The end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// When, in microseconds.
    pub when: u64,
    /// Of which member.
    pub member: u16,
    /// Of which clients.
    pub crowd: u16,
    /// Which life of that member the connection belongs to.
    pub life: u32,
}

/// Ends that lie ahead.
pub(super) struct Ends {
    /// The time of the last one taken, or an earlier one: nothing is added before it.
    last: u64,
    /// List n holds those whose time first differs from `last` in bit n - 1; list 0 those of that very time.
    lists: [Vec<End>; 64],
    /// The earliest time in each list.
    first: [u64; 64],
    /// Which lists hold something.
    filled: u64,
}

impl Ends {
    pub fn new() -> Ends {
        Ends { last: 0, lists: std::array::from_fn(|_| Vec::new()), first: [u64::MAX; 64], filled: 0 }
    }

    /// Adds an end at or after the last one taken, before 2^63 microseconds.
    pub fn add(&mut self, end: End) {
        debug_assert!(end.when >= self.last, "nothing is added before what was taken");
        let list = (u64::BITS - (end.when ^ self.last).leading_zeros()) as usize;
        self.lists[list].push(end);
        self.first[list] = self.first[list].min(end.when);
        self.filled |= 1 << list;
    }

    /// Takes the earliest end, or one of them, if it is at or before `limit`.
    pub fn take(&mut self, limit: u64) -> Option<End> {
        let list = self.filled.trailing_zeros() as usize;
        if *self.first.get(list)? > limit {
            return None;
        }
        if list > 0 {
            self.spread(list);
        }
        let end = self.lists[0].pop()?;
        if self.lists[0].is_empty() {
            self.empty(0);
        }
        Some(end)
    }

    /// Goes on to the earliest time of the first list that holds something: all of it belongs to lists before it now.
    fn spread(&mut self, list: usize) {
        self.last = self.first[list];
        self.empty(list);
        let mut ends = std::mem::take(&mut self.lists[list]);
        ends.drain(..).for_each(|end| self.add(end));
        // Its room is wanted again.
        self.lists[list] = ends;
    }

    fn empty(&mut self, list: usize) {
        self.first[list] = u64::MAX;
        self.filled &= !(1 << list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    proptest! {
        #[test]
        fn equals_a_binary_heap(
            steps in prop::collection::vec((0u64..50, prop_oneof![0u64..40, 0u64..1 << 40]), 0..400),
        ) {
            let (mut ends, mut heap, mut now) = (Ends::new(), BinaryHeap::new(), 0);
            for (passes, length) in steps {
                now += passes;
                while let Some(Reverse(when)) = heap.peek().copied().filter(|Reverse(when)| *when <= now) {
                    heap.pop();
                    prop_assert_eq!(ends.take(now).map(|end| end.when), Some(when));
                }
                prop_assert_eq!(ends.take(now), None);
                heap.push(Reverse(now + length));
                ends.add(End { when: now + length, member: 0, crowd: 0, life: 0 });
            }
        }
    }
}
