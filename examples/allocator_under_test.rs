//! Property tests for your own address allocator.
//!
//! Implement `BlockAllocatorUnderTest` for it and call `check_allocator`. Here two
//! allocators are checked: the library's, which passes, and one with a mistake
//! that is easy to make, for which the shortest history that shows it is printed.
//!
//!     cargo run -p sim-core --features testkit --example allocator_under_test
//!
//! Exit code 0: the library's allocator passed and the mistake was found.

use std::collections::BTreeSet;
use std::process::ExitCode;

use sim_core::cidr::testkit::{BlockAllocatorUnderTest, CounterExample, Settings, check_allocator};
use sim_core::cidr::{BlockAllocator, Cidr4};

/// Keeps the allocated blocks in order and looks for a gap between neighbours.
///
/// The mistake: a candidate is compared with the block before and the block after
/// it by their first addresses only, so a wide block may be laid over narrow ones.
pub struct GapFinder {
    parents: Vec<Cidr4>,
    taken: BTreeSet<Cidr4>,
    excluded: Vec<Cidr4>,
}

impl GapFinder {
    fn looks_free(&self, candidate: Cidr4) -> bool {
        let before = self.taken.range(..=candidate).next_back();
        before.is_none_or(|before| !before.contains(candidate))
            && !self.excluded.iter().any(|block| block.overlaps(candidate))
    }
}

impl BlockAllocatorUnderTest for GapFinder {
    fn over(parents: &[Cidr4], excluded: &[Cidr4]) -> Self {
        let mut parents = parents.to_vec();
        parents.sort();
        GapFinder { parents, taken: BTreeSet::new(), excluded: excluded.to_vec() }
    }

    fn allocate(&mut self, len: u8) -> Option<Cidr4> {
        let mut candidates = self.parents.iter().flat_map(|parent| parent.subnets(len));
        let block = candidates.find(|candidate| self.looks_free(*candidate))?;
        self.taken.insert(block);
        Some(block)
    }

    fn allocate_block(&mut self, block: Cidr4) -> bool {
        let inside = self.parents.iter().any(|parent| parent.contains(block));
        inside && self.looks_free(block) && self.taken.insert(block)
    }

    fn free(&mut self, block: Cidr4) -> bool {
        self.taken.remove(&block)
    }
}

/// The verdicts on both allocators.
pub struct Verdicts {
    /// Histories that the library's allocator passed, or where it fails.
    pub library: Result<u32, Box<CounterExample>>,
    /// The same for the one with the mistake.
    pub mistaken: Result<u32, Box<CounterExample>>,
}

/// Checks both.
pub fn verdicts() -> Verdicts {
    let settings = Settings::default();
    Verdicts {
        library: check_allocator::<BlockAllocator>(settings),
        mistaken: check_allocator::<GapFinder>(settings),
    }
}

fn main() -> ExitCode {
    let Verdicts { library, mistaken } = verdicts();
    match &library {
        Ok(cases) => println!("BlockAllocator: {cases} histories passed"),
        Err(found) => println!("BlockAllocator is wrong:\n{found}"),
    }
    match &mistaken {
        Ok(cases) => println!("GapFinder: {cases} histories passed, the mistake was missed"),
        Err(found) => println!("GapFinder is wrong, shortest history:\n{found}"),
    }
    if library.is_ok() && mistaken.is_err() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
