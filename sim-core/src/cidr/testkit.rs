//! Property tests for anyone's block allocator (cargo feature `testkit`).
//!
//! [`check_allocator`] runs random histories against an allocator and against
//! [`NaiveAllocator`], a model simple enough to be read as the specification, and
//! answers with the shortest history it finds in which they part. Equal
//! [`Settings`] give equal histories, on every machine.

use std::fmt::{self, Display};

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::cidr::block::{AddressBits, Block, Cidr4};
use crate::cidr::{AllocError, BlockAllocator, subtract_all};

/// An IPv4 block allocator that can be checked.
pub trait BlockAllocatorUnderTest: Sized {
    /// An empty allocator over disjoint parents; no block may touch `excluded`.
    fn over(parents: &[Cidr4], excluded: &[Cidr4]) -> Self;

    /// Allocates a free block of the length; `None` when there is none.
    fn allocate(&mut self, len: u8) -> Option<Cidr4>;

    /// Allocates a given block; false when it is not wholly free inside one parent.
    fn allocate_block(&mut self, block: Cidr4) -> bool;

    /// Gives a block back; false unless exactly this block is allocated.
    fn free(&mut self, block: Cidr4) -> bool;

    /// The allocated blocks in any order, if the allocator can list them.
    fn allocated(&self) -> Option<Vec<Cidr4>> {
        None
    }
}

impl BlockAllocatorUnderTest for BlockAllocator {
    fn over(parents: &[Cidr4], excluded: &[Cidr4]) -> Self {
        let made = BlockAllocator::new(parents.iter().copied()).and_then(|mut allocator| {
            excluded.iter().try_for_each(|block| allocator.exclude(*block))?;
            Ok(allocator)
        });
        // The trait promises disjoint parents, and nothing is allocated yet.
        made.unwrap_or_else(|error: AllocError| panic!("{error}"))
    }

    fn allocate(&mut self, len: u8) -> Option<Cidr4> {
        BlockAllocator::allocate(self, len).ok()
    }

    fn allocate_block(&mut self, block: Cidr4) -> bool {
        BlockAllocator::allocate_block(self, block).is_ok()
    }

    fn free(&mut self, block: Cidr4) -> bool {
        BlockAllocator::free(self, block).is_ok()
    }

    fn allocated(&self) -> Option<Vec<Cidr4>> {
        Some(BlockAllocator::allocated(self))
    }
}

/// The specification: lists of blocks, searched from the front.
#[derive(Clone, Debug)]
pub struct NaiveAllocator<A: AddressBits = u32> {
    parents: Vec<Block<A>>,
    excluded: Vec<Block<A>>,
    allocated: Vec<Block<A>>,
}

impl<A: AddressBits> NaiveAllocator<A> {
    /// An empty model over disjoint parents.
    pub fn new(parents: &[Block<A>], excluded: &[Block<A>]) -> Self {
        let mut parents = parents.to_vec();
        parents.sort_unstable();
        NaiveAllocator { parents, excluded: excluded.to_vec(), allocated: Vec::new() }
    }

    /// Whether a block is free: inside one parent, clear of all that is taken.
    pub fn is_free(&self, block: Block<A>) -> bool {
        self.parents.iter().any(|parent| parent.contains(block)) && self.hit(block).is_none()
    }

    /// The lowest free block of a length: every candidate against every block.
    pub fn next_free(&self, len: u8) -> Option<Block<A>> {
        self.parents.iter().find_map(|parent| {
            let mut candidate = parent.subnets(len).next()?;
            while let Some(hit) = self.hit(candidate) {
                let end = hit.last_bits().max(candidate.last_bits());
                let next = end.checked_add(A::ONE).filter(|next| parent.contains_bits(*next))?;
                candidate = Block::truncating(next, len);
            }
            Some(candidate)
        })
    }

    /// The lowest of the largest free blocks.
    pub fn largest_free(&self) -> Option<Block<A>> {
        (0..=A::WIDTH).find_map(|len| self.next_free(len))
    }

    /// Allocates the lowest free block of a length.
    pub fn allocate(&mut self, len: u8) -> Option<Block<A>> {
        let block = self.next_free(len)?;
        self.allocated.push(block);
        Some(block)
    }

    /// Allocates a given block.
    pub fn allocate_block(&mut self, block: Block<A>) -> bool {
        let free = self.is_free(block);
        if free {
            self.allocated.push(block);
        }
        free
    }

    /// Gives back a block that is allocated as such.
    pub fn free(&mut self, block: Block<A>) -> bool {
        let at = self.allocated.iter().position(|a| *a == block);
        at.map(|at| self.allocated.remove(at)).is_some()
    }

    /// The allocated blocks, by address.
    pub fn allocated(&self) -> Vec<Block<A>> {
        let mut blocks = self.allocated.clone();
        blocks.sort_unstable();
        blocks
    }

    /// The free space, by address, in the fewest blocks inside each parent.
    pub fn free_blocks(&self) -> Vec<Block<A>> {
        let taken: Vec<Block<A>> = self.excluded.iter().chain(&self.allocated).copied().collect();
        self.parents.iter().flat_map(|parent| subtract_all(&[*parent], &taken)).collect()
    }

    fn hit(&self, block: Block<A>) -> Option<Block<A>> {
        let mut taken = self.excluded.iter().chain(&self.allocated);
        taken.find(|other| other.overlaps(block)).copied()
    }
}

/// One step of a history. `pick` chooses among what there is when the step runs,
/// so that a history still means something after parts of it are cut away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Allocate any block of a length.
    Allocate {
        /// The length.
        len: u8,
    },
    /// Allocate a given block.
    Place {
        /// The length.
        len: u8,
        /// Chooses the parent and the place in it.
        pick: u32,
    },
    /// Give back one of the allocated blocks.
    Free {
        /// Chooses the block.
        pick: u32,
    },
    /// Give back a block that is usually not allocated.
    FreeOther {
        /// The length.
        len: u8,
        /// Chooses the parent and the place in it.
        pick: u32,
    },
}

/// A whole test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Disjoint parents.
    pub parents: Vec<Cidr4>,
    /// Blocks out of use, anywhere.
    pub excluded: Vec<Cidr4>,
    /// The steps.
    pub operations: Vec<Operation>,
}

/// Any well formed IPv4 block of the lengths.
pub fn blocks(lens: std::ops::RangeInclusive<u8>) -> impl Strategy<Value = Cidr4> {
    (any::<u32>(), lens).prop_map(|(bits, len)| Cidr4::truncating(bits, len))
}

/// Disjoint blocks of the lengths inside one block, between 1 and `max` of them.
pub fn disjoint_blocks(
    within: Cidr4,
    lens: std::ops::RangeInclusive<u8>,
    max: usize,
) -> impl Strategy<Value = Vec<Cidr4>> {
    let inside = move |(pick, len): (u32, u8)| place(&[within], len, pick);
    vec((any::<u32>(), lens).prop_map(inside), 1..=max).prop_map(|candidates| {
        let mut chosen: Vec<Cidr4> = Vec::new();
        for block in candidates {
            if !chosen.iter().any(|other| other.overlaps(block)) {
                chosen.push(block);
            }
        }
        chosen
    })
}

/// Steps on blocks of the lengths, `max` at most.
pub fn operations(lens: std::ops::RangeInclusive<u8>, max: usize) -> impl Strategy<Value = Vec<Operation>> {
    let len = move || lens.clone();
    let operation = prop_oneof![
        4 => len().prop_map(|len| Operation::Allocate { len }),
        2 => (len(), any::<u32>()).prop_map(|(len, pick)| Operation::Place { len, pick }),
        3 => any::<u32>().prop_map(|pick| Operation::Free { pick }),
        1 => (len(), any::<u32>()).prop_map(|(len, pick)| Operation::FreeOther { len, pick }),
    ];
    vec(operation, 1..=max)
}

/// Histories small enough to run out of space: up to four parents /20 to /28
/// inside 10.0.0.0/19, blocks of /20 to /30.
pub fn histories(max_operations: usize) -> impl Strategy<Value = History> {
    let within = Cidr4::v4([10, 0, 0, 0], 19);
    let excluded = prop_oneof![Just(Vec::new()), disjoint_blocks(within, 22..=31, 4)];
    (disjoint_blocks(within, 20..=28, 4), excluded, operations(20..=30, max_operations))
        .prop_map(|(parents, excluded, operations)| History { parents, excluded, operations })
}

/// The block of a length that `pick` means: the parent, then the place in it.
fn place(parents: &[Cidr4], len: u8, pick: u32) -> Cidr4 {
    let count = parents.len().max(1) as u32;
    let parent = parents.get((pick % count) as usize).copied().unwrap_or(Cidr4::ALL);
    let len = len.max(parent.prefix_len());
    let index = u128::from(pick / count) % (1u128 << (len - parent.prefix_len()));
    parent.subnet(len, index).unwrap_or(parent)
}

/// Which free block an allocator must choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The lowest address.
    Lowest,
    /// Any that is free. Refusing while one is free is still a fault.
    AnyFree,
}

/// How to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Number of histories.
    pub cases: u32,
    /// Longest history.
    pub max_operations: u32,
    /// The rule for [`BlockAllocatorUnderTest::allocate`].
    pub choice: Choice,
    /// Chooses the histories.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { cases: 256, max_operations: 64, choice: Choice::Lowest, seed: 0 }
    }
}

/// A short history in which an allocator breaks the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterExample {
    /// The history, cut down as far as it still fails.
    pub history: History,
    /// What was asked and answered, step by step.
    pub steps: Vec<String>,
    /// The fault, in words.
    pub fault: String,
}

impl Display for CounterExample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "parents  {:?}", self.history.parents)?;
        if !self.history.excluded.is_empty() {
            writeln!(f, "excluded {:?}", self.history.excluded)?;
        }
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:>3}  {step}", number + 1)?;
        }
        write!(f, "fault: {}", self.fault)
    }
}

/// Runs random histories against an allocator; answers how many passed.
///
/// A panic of the allocator is a fault like any other.
///
/// # Errors
/// The shrunk counter-example.
pub fn check_allocator<T: BlockAllocatorUnderTest>(settings: Settings) -> Result<u32, Box<CounterExample>> {
    let config = Config { cases: settings.cases, failure_persistence: None, ..Config::default() };
    let mut seed = [0u8; 32];
    seed[..8].copy_from_slice(&settings.seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&histories(settings.max_operations as usize), |history| {
        run::<T>(&history, settings.choice).map_err(|found| TestCaseError::fail(found.fault))
    });
    match result {
        Ok(()) => Ok(settings.cases),
        Err(TestError::Fail(reason, history)) => {
            let again = run::<T>(&history, settings.choice);
            Err(again.err().unwrap_or_else(|| {
                let fault = format!("fails only sometimes: {reason}");
                Box::new(CounterExample { history, steps: Vec::new(), fault })
            }))
        }
        Err(TestError::Abort(reason)) => {
            let history = History { parents: Vec::new(), excluded: Vec::new(), operations: Vec::new() };
            let fault = format!("no histories could be made: {reason}");
            Err(Box::new(CounterExample { history, steps: Vec::new(), fault }))
        }
    }
}

/// Runs one history.
///
/// # Errors
/// The first step that breaks the specification.
pub fn run<T: BlockAllocatorUnderTest>(history: &History, choice: Choice) -> Result<(), Box<CounterExample>> {
    let mut steps = Vec::new();
    let walk = || walk_history::<T>(history, choice, &mut steps);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(walk));
    let fault = match outcome {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(fault)) => fault,
        Err(_) => "the allocator panicked".to_owned(),
    };
    Err(Box::new(CounterExample { history: history.clone(), steps, fault }))
}

fn walk_history<T: BlockAllocatorUnderTest>(
    history: &History,
    choice: Choice,
    steps: &mut Vec<String>,
) -> Result<(), String> {
    let mut model = NaiveAllocator::new(&history.parents, &history.excluded);
    let mut tested = T::over(&history.parents, &history.excluded);
    for operation in &history.operations {
        step(*operation, &mut model, &mut tested, choice, steps)?;
        let listed = tested.allocated().map(|mut blocks| {
            blocks.sort_unstable();
            blocks
        });
        if let Some(listed) = listed.filter(|listed| *listed != model.allocated()) {
            return Err(format!("lists {listed:?} as allocated, expected {:?}", model.allocated()));
        }
    }
    give_everything_back(&mut model, &mut tested, steps)
}

fn step<T: BlockAllocatorUnderTest>(
    operation: Operation,
    model: &mut NaiveAllocator,
    tested: &mut T,
    choice: Choice,
    steps: &mut Vec<String>,
) -> Result<(), String> {
    match operation {
        Operation::Allocate { len } => {
            steps.push(format!("allocate /{len}"));
            let answer = tested.allocate(len);
            note(steps, &answer.map_or("none".to_owned(), |block| block.to_string()));
            judge(model, len, answer, choice)
        }
        Operation::Place { len, pick } => {
            let block = place(&model.parents, len, pick);
            allocate_block(model, tested, block, steps)
        }
        Operation::Free { pick } => {
            let allocated = model.allocated();
            if allocated.is_empty() {
                return Ok(());
            }
            free(model, tested, allocated[pick as usize % allocated.len()], steps)
        }
        Operation::FreeOther { len, pick } => {
            let block = place(&model.parents, len, pick);
            free(model, tested, block, steps)
        }
    }
}

/// Compares an answer with what the model allows, and follows it.
fn judge(model: &mut NaiveAllocator, len: u8, answer: Option<Cidr4>, choice: Choice) -> Result<(), String> {
    let lowest = model.next_free(len);
    let Some(block) = answer else {
        return match lowest {
            Some(free) => Err(format!("no /{len} found, but {free} is free")),
            None => Ok(()),
        };
    };
    if block.prefix_len() != len {
        return Err(format!("{block} is not a /{len}"));
    }
    if let Some(hit) = model.hit(block) {
        return Err(format!("{block} overlaps {hit}"));
    }
    if !model.is_free(block) {
        return Err(format!("{block} is not inside a parent"));
    }
    if choice == Choice::Lowest && lowest != Some(block) {
        let lowest = lowest.map_or("none".to_owned(), |free| free.to_string());
        return Err(format!("{block} is not the lowest free /{len}, {lowest} is"));
    }
    model.allocate_block(block);
    Ok(())
}

fn allocate_block<T: BlockAllocatorUnderTest>(
    model: &mut NaiveAllocator,
    tested: &mut T,
    block: Cidr4,
    steps: &mut Vec<String>,
) -> Result<(), String> {
    steps.push(format!("allocate {block}"));
    let (answer, expected) = (tested.allocate_block(block), model.allocate_block(block));
    note(steps, if answer { "done" } else { "refused" });
    match (answer, expected) {
        (true, false) => Err(format!("{block} is allocated, but was not free")),
        (false, true) => Err(format!("{block} is refused, but was free")),
        _ => Ok(()),
    }
}

fn free<T: BlockAllocatorUnderTest>(
    model: &mut NaiveAllocator,
    tested: &mut T,
    block: Cidr4,
    steps: &mut Vec<String>,
) -> Result<(), String> {
    steps.push(format!("free {block}"));
    let (answer, expected) = (tested.free(block), model.free(block));
    note(steps, if answer { "done" } else { "refused" });
    match (answer, expected) {
        (true, false) => Err(format!("{block} is given back, but was not allocated")),
        (false, true) => Err(format!("{block} cannot be given back, but was allocated")),
        _ => Ok(()),
    }
}

/// After the history: everything goes back, and then all space must be there
/// again in one piece.
fn give_everything_back<T: BlockAllocatorUnderTest>(
    model: &mut NaiveAllocator,
    tested: &mut T,
    steps: &mut Vec<String>,
) -> Result<(), String> {
    for block in model.allocated() {
        free(model, tested, block, steps)?;
    }
    for block in model.free_blocks() {
        allocate_block(model, tested, block, steps)?;
    }
    Ok(())
}

fn note(steps: &mut [String], answer: &str) {
    if let Some(step) = steps.last_mut() {
        step.push_str(" -> ");
        step.push_str(answer);
    }
}
