//! The test kit finds mistakes: the example's, and one of every other kind.

use sim_core::cidr::testkit::{BlockAllocatorUnderTest, Choice, NaiveAllocator, Settings, check_allocator};
use sim_core::cidr::{BlockAllocator, Cidr4};

#[allow(dead_code)]
#[path = "../../examples/allocator_under_test.rs"]
mod example;

#[test]
fn the_example_passes_the_good_one_and_finds_the_mistake() {
    let verdicts = example::verdicts();
    assert_eq!(verdicts.library.map_err(|found| found.to_string()), Ok(256));
    let found = verdicts.mistaken.unwrap_err();
    assert!(found.fault.contains("overlaps") || found.fault.contains("was not free"), "{found}");
    // Shrunk: a narrow block, then a wide one over it.
    assert_eq!(found.steps.len(), 2, "{found}");
    assert_eq!(found.history.parents.len(), 1, "{found}");
    assert!(found.history.excluded.is_empty(), "{found}");
    assert_eq!(example::verdicts().mistaken.unwrap_err(), found, "the same every time");
}

/// Wraps the model and spoils one answer.
struct Spoilt<const MISTAKE: u8>(NaiveAllocator);

const HIGHEST_FIRST: u8 = 0;
const IGNORES_EXCLUSIONS: u8 = 1;
const GIVES_UP_EARLY: u8 = 2;
const FREES_PARTS: u8 = 3;
const FORGETS_TO_FREE: u8 = 4;
const WRONG_LENGTH: u8 = 5;
const PANICS: u8 = 6;
const LISTS_NOTHING: u8 = 7;

impl<const MISTAKE: u8> BlockAllocatorUnderTest for Spoilt<MISTAKE> {
    fn over(parents: &[Cidr4], excluded: &[Cidr4]) -> Self {
        let excluded = if MISTAKE == IGNORES_EXCLUSIONS { &[] } else { excluded };
        Spoilt(NaiveAllocator::new(parents, excluded))
    }

    fn allocate(&mut self, len: u8) -> Option<Cidr4> {
        match MISTAKE {
            HIGHEST_FIRST => {
                let free = self.0.free_blocks();
                let block = free.iter().rev().find_map(|b| b.subnets(len).next())?;
                self.0.allocate_block(block).then_some(block)
            }
            GIVES_UP_EARLY if self.0.allocated().len() >= 3 => None,
            WRONG_LENGTH => self.0.allocate(len).and_then(|block| block.split()).map(|(low, _)| low),
            // Without the hook, which would print every attempt at shrinking.
            PANICS if len == 24 => std::panic::resume_unwind(Box::new("a slip")),
            _ => self.0.allocate(len),
        }
    }

    fn allocate_block(&mut self, block: Cidr4) -> bool {
        self.0.allocate_block(block)
    }

    fn free(&mut self, block: Cidr4) -> bool {
        match MISTAKE {
            FREES_PARTS => {
                let allocated = self.0.allocated();
                let around = allocated.into_iter().find(|a| a.contains(block));
                around.is_some_and(|around| self.0.free(around))
            }
            FORGETS_TO_FREE => self.0.allocated().contains(&block),
            _ => self.0.free(block),
        }
    }

    fn allocated(&self) -> Option<Vec<Cidr4>> {
        Some(if MISTAKE == LISTS_NOTHING { Vec::new() } else { self.0.allocated() })
    }
}

fn fault<const MISTAKE: u8>(choice: Choice) -> Result<u32, String> {
    let settings = Settings { choice, ..Settings::default() };
    check_allocator::<Spoilt<MISTAKE>>(settings).map_err(|found| found.fault)
}

#[test]
fn every_kind_of_mistake_is_found() {
    let rows: [(Result<u32, String>, &str); 8] = [
        (fault::<HIGHEST_FIRST>(Choice::Lowest), "is not the lowest free"),
        (fault::<IGNORES_EXCLUSIONS>(Choice::AnyFree), "overlaps"),
        (fault::<GIVES_UP_EARLY>(Choice::AnyFree), "is free"),
        (fault::<FREES_PARTS>(Choice::AnyFree), "is given back, but was not allocated"),
        (fault::<FORGETS_TO_FREE>(Choice::AnyFree), "is refused, but was free"),
        (fault::<WRONG_LENGTH>(Choice::AnyFree), "is not a /"),
        (fault::<PANICS>(Choice::AnyFree), "panicked"),
        (fault::<LISTS_NOTHING>(Choice::AnyFree), "as allocated, expected"),
    ];
    for (found, expected) in rows {
        let fault = found.expect_err(expected);
        assert!(fault.contains(expected), "{fault} has no {expected:?}");
    }
    // Highest first is a free choice, and a sound one.
    assert_eq!(fault::<HIGHEST_FIRST>(Choice::AnyFree), Ok(256));
    assert_eq!(fault::<255>(Choice::Lowest), Ok(256));
}

#[test]
fn another_seed_is_another_set_of_histories_with_the_same_verdict() {
    for seed in 1..5 {
        let settings = Settings { seed, cases: 64, ..Settings::default() };
        assert!(check_allocator::<BlockAllocator>(settings).is_ok());
        assert!(check_allocator::<example::GapFinder>(settings).is_err());
    }
}
