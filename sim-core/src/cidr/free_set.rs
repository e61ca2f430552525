//! A set of small numbers that starts full and answers its lowest member at once.
//!
//! Members are bits in words of 64; above them stand one or two levels of words
//! that say which words below are not empty. Words come into being when something
//! in them is taken, so a set of 8 needs no heap and one of 65,536 at most 8.3 KiB.

/// A subset of `0..size`, where `size` is a power of two up to 65,536.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct FreeSet {
    /// Up to 64 members: the members. Up to 4,096: which words are not empty.
    /// Beyond: which middle words are not empty.
    top: u64,
    mid: Vec<u64>,
    words: Vec<u64>,
    size: u32,
    /// Numbers missing for good at the low and at the high end.
    head: u8,
    tail: u8,
}

const DIRECT: u32 = 64;
const TWO_LEVELS: u32 = 64 * 64;

/// The low `n` bits, `n` up to 64.
fn low_bits(n: u32) -> u64 {
    u64::MAX.checked_shl(n).map_or(u64::MAX, |high| !high)
}

impl FreeSet {
    /// All of `0..size` but the first `head` and the last `tail`; both are below
    /// 64 and together below `size`.
    pub(super) fn new(size: u32, head: u8, tail: u8) -> FreeSet {
        let mut set = FreeSet { top: 0, mid: Vec::new(), words: Vec::new(), size, head, tail };
        set.top = match size {
            0..=DIRECT => set.fresh(0),
            65..=TWO_LEVELS => low_bits(size / 64),
            _ => low_bits(size / TWO_LEVELS),
        };
        set
    }

    /// A word from which nothing has been taken.
    fn fresh(&self, word: u32) -> u64 {
        let mut bits = low_bits(self.size.min(64));
        if word == 0 {
            bits &= !low_bits(u32::from(self.head));
        }
        if word + 1 >= self.size.div_ceil(64) {
            bits &= low_bits(self.size.min(64) - u32::from(self.tail));
        }
        bits
    }

    /// Number of words.
    pub(super) fn words(&self) -> u32 {
        self.size.div_ceil(64)
    }

    /// The members `64 * word ..` as bits.
    pub(super) fn word(&self, word: u32) -> u64 {
        if self.size <= DIRECT {
            return self.top;
        }
        self.words.get(word as usize).copied().unwrap_or_else(|| self.fresh(word))
    }

    /// The lowest member.
    pub(super) fn first(&self) -> Option<u32> {
        if self.top == 0 {
            return None;
        }
        let mut at = self.top.trailing_zeros();
        if self.size <= DIRECT {
            return Some(at);
        }
        if self.size > TWO_LEVELS {
            let mid = self.mid.get(at as usize).copied().unwrap_or(u64::MAX);
            at = at * 64 + mid.trailing_zeros();
        }
        Some(at * 64 + self.word(at).trailing_zeros())
    }

    /// Whether `n`, below the size, is a member.
    pub(super) fn contains(&self, n: u32) -> bool {
        self.word(n / 64) >> (n % 64) & 1 == 1
    }

    /// Takes a member out.
    pub(super) fn remove(&mut self, n: u32) {
        self.put_word(n / 64, self.word(n / 64) & !(1 << (n % 64)));
    }

    /// Puts a number back.
    pub(super) fn insert(&mut self, n: u32) {
        self.put_word(n / 64, self.word(n / 64) | 1 << (n % 64));
    }

    /// Whether all of an aligned power-of-two range are members.
    pub(super) fn contains_run(&self, start: u32, count: u32) -> bool {
        let mut pieces = pieces(start, count);
        pieces.all(|(word, bits)| self.word(word) & bits == bits)
    }

    /// Takes an aligned power-of-two range out.
    pub(super) fn remove_run(&mut self, start: u32, count: u32) {
        pieces(start, count).for_each(|(word, bits)| self.put_word(word, self.word(word) & !bits));
    }

    /// Puts an aligned power-of-two range back.
    pub(super) fn insert_run(&mut self, start: u32, count: u32) {
        pieces(start, count).for_each(|(word, bits)| self.put_word(word, self.word(word) | bits));
    }

    fn put_word(&mut self, word: u32, bits: u64) {
        if self.size <= DIRECT {
            self.top = bits;
            return;
        }
        let at = word as usize;
        while self.words.len() <= at {
            self.words.push(self.fresh(self.words.len() as u32));
        }
        self.words[at] = bits;
        if self.size <= TWO_LEVELS {
            set_bit(&mut self.top, word, bits != 0);
            return;
        }
        let above = at / 64;
        if self.mid.len() <= above {
            self.mid.resize(above + 1, u64::MAX);
        }
        set_bit(&mut self.mid[above], word % 64, bits != 0);
        set_bit(&mut self.top, above as u32, self.mid[above] != 0);
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> u64 {
        ((self.mid.capacity() + self.words.capacity()) * size_of::<u64>()) as u64
    }
}

fn set_bit(word: &mut u64, bit: u32, on: bool) {
    *word = *word & !(1 << bit) | u64::from(on) << bit;
}

/// An aligned power-of-two range as words and the bits it covers in each.
fn pieces(start: u32, count: u32) -> impl Iterator<Item = (u32, u64)> {
    let bits = low_bits(count.min(64)) << (start % 64);
    (start / 64..(start + count).div_ceil(64)).map(move |word| (word, bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ends_are_missing_and_nothing_else() {
        for size in [8u32, 16, 32, 64, 128, 4096, 8192, 65_536] {
            let set = FreeSet::new(size, 1, 3);
            let members: Vec<u32> = (0..size).filter(|n| set.contains(*n)).collect();
            assert_eq!(members, (1..size - 3).collect::<Vec<_>>(), "size {size}");
            assert_eq!(set.heap_bytes(), 0, "size {size}");
        }
    }

    #[test]
    fn drains_in_order_and_refills() {
        for size in [8u32, 64, 128, 4096, 65_536] {
            let mut set = FreeSet::new(size, 1, 3);
            for n in 1..size - 3 {
                assert_eq!(set.first(), Some(n));
                set.remove(n);
            }
            assert_eq!(set.first(), None);
            assert!(set.heap_bytes() <= 8_192 + 128, "size {size}: {}", set.heap_bytes());
            for n in (1..size - 3).rev() {
                set.insert(n);
                assert_eq!(set.first(), Some(n));
            }
        }
    }

    #[test]
    fn runs_agree_with_single_steps() {
        for (size, start, count) in [(64u32, 16, 16), (256, 64, 32), (4096, 128, 128), (65_536, 4096, 4096)] {
            let (mut runs, mut steps) = (FreeSet::new(size, 0, 0), FreeSet::new(size, 0, 0));
            assert!(runs.contains_run(start, count));
            runs.remove_run(start, count);
            (start..start + count).for_each(|n| steps.remove(n));
            assert!(runs == steps && !runs.contains_run(start, count));
            runs.insert(start);
            assert!(!runs.contains_run(start, count), "one member is not the run");
            runs.insert_run(start, count);
            let all: BTreeSet<u32> = (0..size).filter(|n| runs.contains(*n)).collect();
            assert_eq!(all.len() as u32, size);
        }
    }
}
