//! A set of small numbers, as bits: copied at once and searched in order.

/// A set of numbers. Memory follows the largest of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BitSet {
    /// Bit i of the words: i is in the set. The last word is never 0, so that equal sets are equal values.
    words: Vec<u64>,
    count: u32,
}

impl BitSet {
    /// How many numbers there are.
    pub(super) fn len(&self) -> u32 {
        self.count
    }

    pub(super) fn contains(&self, n: u32) -> bool {
        self.words.get(n as usize / 64).is_some_and(|word| word >> (n % 64) & 1 == 1)
    }

    /// Puts a number in; says whether it was absent.
    pub(super) fn insert(&mut self, n: u32) -> bool {
        let absent = !self.contains(n);
        if absent {
            let at = n as usize / 64;
            if self.words.len() <= at {
                self.words.resize(at + 1, 0);
            }
            self.words[at] |= 1 << (n % 64);
            self.count += 1;
        }
        absent
    }

    /// Takes a number out; says whether it was there.
    pub(super) fn remove(&mut self, n: u32) -> bool {
        let there = self.contains(n);
        if there {
            self.words[n as usize / 64] &= !(1 << (n % 64));
            self.count -= 1;
            while self.words.last() == Some(&0) {
                self.words.pop();
            }
        }
        there
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::BitSet;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn agrees_with_an_ordered_set(steps in prop::collection::vec((any::<bool>(), 0u32..300), 0..200)) {
            let (mut set, mut model) = (BitSet::default(), BTreeSet::new());
            for (insert, n) in steps {
                let (done, expected) =
                    if insert { (set.insert(n), model.insert(n)) } else { (set.remove(n), model.remove(&n)) };
                prop_assert_eq!(done, expected);
                prop_assert_eq!(set.len() as usize, model.len());
                prop_assert!((0..300).all(|n| set.contains(n) == model.contains(&n)));
            }
            let mut fresh = BitSet::default();
            model.iter().for_each(|n| assert!(fresh.insert(*n)));
            prop_assert_eq!(set, fresh);
        }
    }
}
