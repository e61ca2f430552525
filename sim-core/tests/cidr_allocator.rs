//! The block allocator against the naive model, and its errors word for word.

use proptest::prelude::*;
use sim_core::cidr::testkit::{
    Choice, NaiveAllocator, Operation, Settings, check_allocator, histories, operations,
};
use sim_core::cidr::{AddressBits, AllocError, Block, BlockAllocator, Cidr4, Cidr6, collapse};

fn c4(text: &str) -> Cidr4 {
    text.parse().unwrap()
}

fn over(parents: &[&str]) -> BlockAllocator {
    BlockAllocator::new(parents.iter().map(|p| c4(p))).unwrap()
}

#[test]
fn passes_its_own_test_kit() {
    let settings = Settings { cases: 512, max_operations: 96, ..Settings::default() };
    assert_eq!(check_allocator::<BlockAllocator>(settings).map_err(|c| c.to_string()), Ok(512));
    let settings = Settings { choice: Choice::AnyFree, seed: 7, ..settings };
    assert_eq!(check_allocator::<BlockAllocator>(settings).map_err(|c| c.to_string()), Ok(512));
}

/// Everything that can be asked, against the model.
fn same<A: AddressBits>(fast: &BlockAllocator<A>, naive: &NaiveAllocator<A>) {
    assert_eq!(fast.allocated(), naive.allocated());
    assert_eq!(fast.allocated_count(), naive.allocated().len() as u64);
    assert_eq!(fast.largest_free(), naive.largest_free());
    assert_eq!(fast.free_blocks(), naive.free_blocks());
    assert_eq!(fast.free_addresses(), naive.free_blocks().iter().map(|b| b.size()).sum::<u128>());
}

/// Two parents, blocks as long as the family allows, compared after every step.
fn history<A: AddressBits>(parents: [Block<A>; 2], steps: &[(u8, u8, u32)]) {
    let mut fast = BlockAllocator::new(parents).unwrap();
    let mut naive = NaiveAllocator::new(&parents, &[]);
    for (kind, len, pick) in steps {
        let parent = parents[*pick as usize % 2];
        let len = parent.prefix_len() + len % (A::WIDTH - parent.prefix_len() + 1);
        let index = u128::from(*pick) % (1 << u32::from(len - parent.prefix_len()).min(32));
        let block = parent.subnet(len, index).unwrap();
        match kind {
            0 => assert_eq!(fast.allocate(len).ok(), naive.allocate(len)),
            1 => assert_eq!(fast.allocate_block(block).is_ok(), naive.allocate_block(block)),
            2 => assert_eq!(fast.free(block).is_ok(), naive.free(block)),
            _ => {
                let allocated = naive.allocated();
                if let Some(block) = allocated.get(*pick as usize % allocated.len().max(1)) {
                    assert!(fast.free(*block).is_ok() && naive.free(*block));
                }
            }
        }
        same(&fast, &naive);
    }
}

proptest! {
    #[test]
    fn agrees_with_the_model_in_wide_ipv4_parents(
        a in 8u8..=30, b in 0u8..=6,
        steps in prop::collection::vec((0u8..4, any::<u8>(), any::<u32>()), 1..40),
    ) {
        let low: Cidr4 = Cidr4::containing("10.0.0.0".parse().unwrap(), a).unwrap();
        let high: Cidr4 = Cidr4::containing("128.0.0.0".parse().unwrap(), b.max(1)).unwrap();
        history([low, high], &steps);
    }

    #[test]
    fn agrees_with_the_model_in_ipv6_parents(
        a in 17u8..=128, b in 16u8..=128,
        steps in prop::collection::vec((0u8..4, any::<u8>(), any::<u32>()), 1..40),
    ) {
        let low = Cidr6::containing("2001:db8::".parse().unwrap(), a).unwrap();
        let high = Cidr6::containing("fd00:1234:5678:9abc:def0:1122:3344:5566".parse().unwrap(), b).unwrap();
        history([low, high], &steps);
    }

    #[test]
    fn exclusions_and_avoided_blocks_are_never_handed_out(case in histories(48), avoid in operations(22..=30, 6)) {
        let mut fast = BlockAllocator::new(case.parents.iter().copied()).unwrap();
        let mut naive = NaiveAllocator::new(&case.parents, &case.excluded);
        for block in &case.excluded {
            fast.exclude(*block).unwrap();
        }
        same(&fast, &naive);
        for operation in &case.operations {
            if let Operation::Allocate { len } = operation {
                assert_eq!(fast.allocate(*len).ok(), naive.allocate(*len));
            }
        }
        let parent = case.parents[0];
        let avoid: Vec<Cidr4> = avoid.iter().filter_map(|op| match op {
            Operation::Place { len, pick } => parent.subnets((*len).max(parent.prefix_len())).nth(*pick as usize % 64),
            _ => None,
        }).collect();
        let taken: Vec<Cidr4> = naive.allocated().into_iter().chain(case.excluded).chain(avoid.iter().copied()).collect();
        let model = NaiveAllocator::new(&case.parents, &taken);
        for len in 20..=30 {
            prop_assert_eq!(fast.next_free_avoiding(len, &avoid).ok(), model.next_free(len));
        }
    }

    /// What is out and what is free are disjoint and together everything, and
    /// what was cut grows together again.
    #[test]
    fn nothing_is_lost_and_merging_gives_everything_back(case in histories(64)) {
        let mut fast = BlockAllocator::new(case.parents.iter().copied()).unwrap();
        let whole = collapse(case.parents.iter().copied());
        for operation in &case.operations {
            match operation {
                Operation::Allocate { len } => drop(fast.allocate(*len)),
                Operation::Free { pick } => {
                    let allocated = fast.allocated();
                    if !allocated.is_empty() {
                        fast.free(allocated[*pick as usize % allocated.len()]).unwrap();
                    }
                }
                _ => {}
            }
            let parts: Vec<Cidr4> = fast.allocated().into_iter().chain(fast.free_blocks()).collect();
            let sum: u128 = parts.iter().map(|p| p.size()).sum();
            prop_assert_eq!(sum, whole.iter().map(|p| p.size()).sum::<u128>());
            prop_assert_eq!(collapse(parts), whole.clone());
        }
        for block in fast.allocated() {
            fast.free(block).unwrap();
        }
        let mut parents = case.parents;
        parents.sort();
        prop_assert_eq!(fast.free_blocks(), parents);
    }
}

#[test]
fn lowest_address_first_across_parents() {
    let mut a = over(&["192.168.0.0/24", "10.0.0.0/30", "172.16.0.0/28"]);
    let got: Vec<String> = (0..4).map(|_| a.allocate(29).unwrap().to_string()).collect();
    assert_eq!(got, ["172.16.0.0/29", "172.16.0.8/29", "192.168.0.0/29", "192.168.0.8/29"]);
    assert_eq!(a.allocate(30).unwrap(), c4("10.0.0.0/30"));
}

#[test]
fn adjacent_parents_do_not_merge() {
    let a = over(&["10.0.0.0/9", "10.128.0.0/9"]);
    assert_eq!(a.largest_free(), Some(c4("10.0.0.0/9")));
    assert!(matches!(a.next_free(8), Err(AllocError::Exhausted { len: 8, .. })));
    let mut a = over(&["10.0.0.0/9", "10.128.0.0/9"]);
    a.exclude(c4("10.0.0.0/8")).unwrap();
    a.remove_parent(c4("10.0.0.0/9")).unwrap();
    assert_eq!(a.excluded(), [c4("10.128.0.0/9")]);
}

/// One row is one request on an allocator with 10.0.0.0/24 (10.0.0.0/26 allocated,
/// 10.0.0.128/25 excluded) and the words of its refusal.
#[test]
fn refusals_word_for_word() {
    let mut a = over(&["10.0.0.0/24", "10.1.0.0/28"]);
    a.allocate_block(c4("10.0.0.0/26")).unwrap();
    a.exclude(c4("10.0.0.128/25")).unwrap();
    let before = format!("{a:?} {:?}", a.free_blocks());
    type Request = Box<dyn Fn(&mut BlockAllocator) -> Result<(), AllocError>>;
    let allocate = |len: u8| -> Request { Box::new(move |a| a.allocate(len).map(|_| ())) };
    let take = |t: &'static str| -> Request { Box::new(move |a| a.allocate_block(c4(t))) };
    let free = |t: &'static str| -> Request { Box::new(move |a| a.free(c4(t))) };
    let exclude = |t: &'static str| -> Request { Box::new(move |a| a.exclude(c4(t))) };
    let add = |t: &'static str| -> Request { Box::new(move |a| a.add_parent(c4(t))) };
    let remove = |t: &'static str| -> Request { Box::new(move |a| a.remove_parent(c4(t))) };
    let rows: Vec<(Request, &str)> = vec![
        (
            allocate(25),
            "no free /25 is left: the largest free block is a /26 (10.0.0.64/26), 80 addresses are free",
        ),
        (allocate(33), "prefix length 33 is out of range; the longest is /32"),
        (take("10.2.0.0/24"), "10.2.0.0/24 is not inside any of the parent blocks"),
        (take("10.0.0.0/16"), "10.0.0.0/16 is not inside any of the parent blocks"),
        (take("10.0.0.0/24"), "10.0.0.0/24 overlaps 10.0.0.0/26, which is allocated"),
        (take("10.0.0.32/27"), "10.0.0.32/27 overlaps 10.0.0.0/26, which is allocated"),
        (take("10.0.0.192/28"), "10.0.0.192/28 overlaps 10.0.0.128/25, which is excluded"),
        (free("10.0.0.0/27"), "10.0.0.0/27 is not allocated; 10.0.0.0/26 is"),
        (free("10.0.0.0/25"), "10.0.0.0/25 is not allocated; 10.0.0.0/26 is"),
        (free("10.0.0.64/26"), "10.0.0.64/26 is not allocated"),
        (free("10.0.0.128/25"), "10.0.0.128/25 is not allocated"),
        (free("11.0.0.0/8"), "11.0.0.0/8 is not allocated"),
        (exclude("10.0.0.0/28"), "10.0.0.0/28 overlaps 10.0.0.0/26, which is allocated"),
        (add("10.1.0.0/16"), "parent 10.1.0.0/16 overlaps parent 10.1.0.0/28"),
        (add("10.0.0.0/24"), "parent 10.0.0.0/24 overlaps parent 10.0.0.0/24"),
        (remove("10.0.0.0/24"), "10.0.0.0/24 overlaps 10.0.0.0/26, which is allocated"),
        (remove("10.0.0.0/25"), "10.0.0.0/25 is not a parent block"),
    ];
    for (request, expected) in rows {
        assert_eq!(request(&mut a).unwrap_err().to_string(), expected);
        assert_eq!(format!("{a:?} {:?}", a.free_blocks()), before, "a refusal changes nothing");
    }
    let overlap = BlockAllocator::new([c4("10.0.0.0/8"), c4("10.9.0.0/16")]).unwrap_err();
    assert_eq!(overlap.to_string(), "parent 10.9.0.0/16 overlaps parent 10.0.0.0/8");
    let empty = BlockAllocator::<u32>::new([]).unwrap().allocate(24).unwrap_err();
    assert_eq!(empty.to_string(), "no free /24 is left: nothing is free");
}

#[test]
fn everything_is_a_parent_too() {
    let mut a = BlockAllocator::new([Cidr4::ALL]).unwrap();
    assert_eq!(a.allocate(0), Ok(Cidr4::ALL));
    a.free(Cidr4::ALL).unwrap();
    assert_eq!(a.allocate(1), Ok(c4("0.0.0.0/1")));
    assert_eq!(a.allocate(32), Ok(c4("128.0.0.0/32")));
    a.allocate_block(c4("255.255.255.255/32")).unwrap();
    assert_eq!(a.largest_free(), Some(c4("160.0.0.0/3")));
    assert_eq!(a.free_addresses(), (1 << 31) - 2);
    let host = c4("192.0.2.1/32");
    let mut a = BlockAllocator::new([host]).unwrap();
    assert_eq!((a.allocate(32), a.free(host), a.largest_free()), (Ok(host), Ok(()), Some(host)));
    let host: Cidr6 = "::1/128".parse().unwrap();
    let mut a = BlockAllocator::new([Cidr6::ALL]).unwrap();
    a.allocate_block(host).unwrap();
    assert_eq!(a.allocate(128).unwrap().to_string(), "::/128");
    a.free(host).unwrap();
    assert_eq!(a.allocate(128), Ok(host));
}

#[test]
fn many_parents_come_and_go() {
    let parents: Vec<Cidr4> = c4("10.0.0.0/16").subnets(24).collect();
    let mut a = BlockAllocator::<u32>::new([]).unwrap();
    for parent in parents.iter().rev() {
        a.add_parent(*parent).unwrap();
    }
    for parent in &parents {
        assert_eq!(a.allocate(24).unwrap(), *parent);
    }
    assert!(a.allocate(32).is_err());
    a.free(parents[200]).unwrap();
    assert_eq!(a.next_free(32).unwrap(), c4("10.0.200.0/32"));
    a.remove_parent(parents[200]).unwrap();
    assert!(a.next_free(32).is_err());
    assert_eq!(a.parents().count(), 255);
}

/// A /8 cut into /29s where it is touched only: memory follows use.
#[test]
fn memory_is_in_proportion() {
    let mut a = over(&["10.0.0.0/8"]);
    assert!(a.heap_bytes() < 100, "{}", a.heap_bytes());
    a.allocate_block(c4("10.200.3.8/29")).unwrap();
    assert!(a.heap_bytes() < 1_000, "{}", a.heap_bytes());
    for _ in 0..65_536 {
        a.allocate(29).unwrap();
    }
    assert!(a.heap_bytes() < 65_536 * 16, "{}", a.heap_bytes());
    let copy = a.clone();
    for block in copy.allocated() {
        a.free(block).unwrap();
    }
    assert_eq!((a.free_blocks(), copy.allocated_count()), (vec![c4("10.0.0.0/8")], 65_537));
}
