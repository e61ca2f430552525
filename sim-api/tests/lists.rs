//! Lists against the plain filter that they stand for: every condition alone and together, every style of page, and
//! rows that come and go while a long list is being made.

use proptest::prelude::*;
use sim_api::listing::{Part, Rows, Walk};
use sim_core::id::{VSwitchId, VpcId};
use sim_core::tag::{self, TagPair};
use sim_core::vpc::vpc::CreateVpc;
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch, DeleteVSwitch, VSwitch};
use sim_core::{AccountId, Caller, Genesis, Owner, World, ZoneId};
use std::ops::ControlFlow;

const ZONES: [&str; 2] = ["cn-hangzhou-j", "cn-hangzhou-k"];

fn caller(number: u64) -> Caller {
    Caller::new(AccountId(AccountId::DEFAULT.0 + number), "cn-hangzhou")
}

fn pair(key: &str, value: &str) -> TagPair {
    TagPair { key: key.into(), value: value.into() }
}

fn vpc(w: &mut World, caller: &Caller) -> VpcId {
    let command = CreateVpc { block: Some("10.0.0.0/8".parse().unwrap()), ..CreateVpc::default() };
    w.apply(w.now(), caller, command.into()).outcome.unwrap().id()
}

fn vswitch(
    w: &mut World,
    caller: &Caller,
    vpc: VpcId,
    zone: &str,
    name: &str,
    tags: Vec<TagPair>,
) -> VSwitchId {
    let command = CreateVSwitch {
        vpc,
        zone: zone.into(),
        block: BlockChoice::Mask(28),
        ipv6_subnet: None,
        vpc_ipv6_block: None,
        name: Some(name.into()),
        description: None,
        tags,
    };
    w.apply(w.now(), caller, command.into()).outcome.unwrap().id()
}

fn lifted() -> World {
    World::new(Genesis { quotas_lifted: true, ..Genesis::default() })
}

/// Two accounts with two VPCs each, and vSwitches as the choices say.
fn world(choices: &[(u8, u8, u8, u8)]) -> (World, Vec<VpcId>) {
    let mut w = lifted();
    let vpcs: Vec<VpcId> = (0..4).map(|n| vpc(&mut w, &caller(n / 2))).collect();
    for &(place, zone, name, tags) in choices {
        let tags = match tags % 4 {
            0 => vec![],
            1 => vec![pair("env", "a")],
            2 => vec![pair("env", "b")],
            _ => vec![pair("env", "a"), pair("team", "x")],
        };
        let place = u64::from(place % 4);
        let name = ["red", "blue"][usize::from(name % 2)];
        let zone = ZONES[usize::from(zone % 2)];
        vswitch(&mut w, &caller(place / 2), vpcs[place as usize], zone, name, tags);
    }
    (w, vpcs)
}

/// What a list is asked for.
#[derive(Clone, Debug)]
struct Asked {
    vpc: Option<Option<usize>>,
    zone: Option<usize>,
    name: Option<bool>,
    tags: Vec<TagPair>,
    named: Vec<usize>,
}

fn asked() -> impl Strategy<Value = Asked> {
    let tag = prop_oneof![Just(pair("env", "a")), Just(pair("env", "")), Just(pair("team", "x"))];
    let vpc = proptest::option::of(proptest::option::weighted(0.9, 0..4usize));
    let (zone, name) = (proptest::option::of(0..2usize), proptest::option::of(any::<bool>()));
    let named = prop_oneof![3 => Just(vec![]), 1 => proptest::collection::vec(0..60usize, 1..8)];
    (vpc, zone, name, proptest::collection::vec(tag, 0..3), named)
        .prop_map(|(vpc, zone, name, tags, named)| Asked { vpc, zone, name, tags, named })
}

impl Asked {
    fn names(&self, all: &[VSwitchId]) -> Vec<String> {
        let name = |at: &usize| all.get(*at).map_or_else(|| "vsw-nothing".to_owned(), ToString::to_string);
        self.named.iter().map(name).collect()
    }

    fn rows(&self, vpcs: &[VpcId], all: &[VSwitchId]) -> Rows<VSwitch> {
        let name = self.name.map(|red| if red { "red" } else { "blue" });
        Rows::<VSwitch>::all(|ix| &ix.vswitches.by_owner)
            .named(&self.names(all))
            .of(self.vpc.map(|vpc| vpc.map(|at| vpcs[at])), |ix| &ix.vswitches.by_vpc)
            .in_own(self.zone.map(|at| ZoneId::from(ZONES[at])), |ix| &ix.vswitches.by_zone, |o, z| (o, z))
            .tagged(self.tags.clone())
            .keep(name, |_, s, name| s.name == *name)
    }

    /// The plain filter.
    fn fits(&self, w: &World, vpcs: &[VpcId], all: &[VSwitchId], caller: &Caller, s: &VSwitch) -> bool {
        let has = |want: &TagPair| {
            tag::of(w, s.id).any(|t| t.key == want.key && (want.value.is_empty() || t.value == want.value))
        };
        s.owner == Owner::from(caller)
            && self.vpc.is_none_or(|vpc| vpc.is_some_and(|at| s.vpc == vpcs[at]))
            && self.zone.is_none_or(|at| s.zone.0 == ZONES[at])
            && self.name.is_none_or(|red| s.name == if red { "red" } else { "blue" })
            && self.tags.iter().all(has)
            && (self.named.is_empty() || self.names(all).contains(&s.id.to_string()))
    }
}

fn run(
    w: &World,
    caller: &Caller,
    rows: Rows<VSwitch>,
    part: Part<VSwitchId>,
) -> (Vec<VSwitchId>, u64, Option<VSwitchId>) {
    let mut walk = Walk::new(rows, part, |_, s: &VSwitch| s.id);
    loop {
        if let ControlFlow::Break(found) = walk.step(w, caller) {
            let found = found.unwrap();
            return (found.items, found.total, found.next);
        }
    }
}

proptest! {
    #[test]
    fn a_list_is_the_plain_filter(
        choices in proptest::collection::vec(any::<(u8, u8, u8, u8)>(), 0..60),
        asked in asked(),
        account in 0..3u64,
        size in 1..9usize,
    ) {
        let (w, vpcs) = world(&choices);
        let all: Vec<VSwitchId> = w.table::<VSwitch>().iter().map(|s| s.id).collect();
        let caller = caller(account);
        let rows = w.table::<VSwitch>().iter();
        let wanted: Vec<VSwitchId> =
            rows.filter(|s| asked.fits(&w, &vpcs, &all, &caller, s)).map(|s| s.id).collect();
        let total = wanted.len() as u64;

        // By number: every page, and one behind the last.
        for number in 0..=wanted.len().div_ceil(size) {
            let part = Part { after: None, skip: (number * size) as u64, size, count: true };
            let (items, counted, next) = run(&w, &caller, asked.rows(&vpcs, &all), part);
            let page: Vec<VSwitchId> = wanted.iter().copied().skip(number * size).take(size).collect();
            prop_assert_eq!(&items, &page);
            prop_assert_eq!(counted, total);
            prop_assert_eq!(next.is_some(), (number + 1) * size < wanted.len());
        }
        // By token, counted and not.
        for count in [false, true] {
            let (mut after, mut seen) = (None, Vec::new());
            loop {
                let part = Part { after, skip: 0, size, count };
                let (items, counted, next) = run(&w, &caller, asked.rows(&vpcs, &all), part);
                prop_assert!(!count || counted == total);
                prop_assert!(next.is_none() || next == items.last().copied());
                seen.extend(items);
                match next {
                    None => break,
                    token => after = token,
                }
            }
            prop_assert_eq!(&seen, &wanted);
        }
    }
}

/// A list over more rows than a slice holds, while others come and go between its slices.
#[test]
fn what_exists_throughout_is_neither_missed_nor_doubled() {
    const ROWS: usize = 9_000;
    for (name, skip) in [(None, 0), (Some("red"), 0), (Some("red"), 5_000), (None, 8_000)] {
        let mut w = lifted();
        let own = caller(0);
        let place = vpc(&mut w, &own);
        let made: Vec<VSwitchId> =
            (0..ROWS).map(|_| vswitch(&mut w, &own, place, ZONES[0], "red", vec![])).collect();
        let rows = Rows::<VSwitch>::all(|ix| &ix.vswitches.by_owner).keep(name, |_, s, name| s.name == *name);
        let part = Part { after: None, skip, size: ROWS, count: true };
        let mut walk = Walk::new(rows, part, |_, s: &VSwitch| s.id);
        let (mut slices, mut gone) = (0, Vec::new());
        let found = loop {
            slices += 1;
            if let ControlFlow::Break(found) = walk.step(&w, &own) {
                break found.unwrap();
            }
            // One of the first rows, which were seen, and one of the last, which were not.
            for at in [slices, ROWS - slices] {
                let command = DeleteVSwitch { vswitch: made[at] };
                w.apply(w.now(), &own, command.into()).outcome.unwrap();
                gone.push(made[at]);
            }
            vswitch(&mut w, &own, place, ZONES[0], "red", vec![]);
        };
        assert!(name.is_none() || slices > 2, "{slices} slices");
        let mut once = found.items.clone();
        once.dedup();
        assert_eq!(once, found.items, "doubled or out of order");
        if skip == 0 {
            let missed = made.iter().filter(|id| !gone.contains(id) && !found.items.contains(id)).count();
            assert_eq!(missed, 0);
        } else {
            assert!(found.items.len().abs_diff(ROWS - skip as usize) <= 2 * slices);
        }
        assert!((found.total as usize).abs_diff(ROWS) <= 2 * slices, "{} counted", found.total);
    }
}
