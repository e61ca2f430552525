//! The one door: what every command and every history must obey, shown on a first VPC.

use sim_core::id::VpcId;
use sim_core::settings::{ClockMode, Provisioning, SetClock};
use sim_core::vpc::route_table::Status;
use sim_core::vpc::vpc::{CreateVpc, DeleteVpc, Vpc};
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch};
use sim_core::{AccountId, Caller, ErrorCode, Genesis, SimTime, Span, Token, World};

fn caller() -> Caller {
    Caller::new(AccountId::DEFAULT, "cn-hangzhou")
}

fn vswitch(vpc: VpcId, block: &str) -> CreateVSwitch {
    CreateVSwitch {
        vpc,
        zone: "cn-hangzhou-k".into(),
        block: BlockChoice::Given(block.parse().unwrap()),
        ipv6_subnet: None,
        vpc_ipv6_block: None,
        name: None,
        description: None,
        tags: Vec::new(),
    }
}

#[test]
fn a_vpc_is_made_used_and_replayed() {
    let mut world = World::new(Genesis::default());
    let t = SimTime(1_767_225_600_000);
    let wanted = CreateVpc { block: Some("10.0.0.0/16".parse().unwrap()), ..CreateVpc::default() };
    let made = world.apply(t, &caller(), wanted.into());
    let vpc = made.outcome.as_ref().unwrap().id::<VpcId>();
    let first = world.apply(t, &caller(), vswitch(vpc, "10.0.1.0/24").into());
    assert!(first.outcome.is_ok());
    let digest = world.digest();
    let refused = world.apply(t, &caller(), vswitch(vpc, "10.0.1.128/25").into());
    let refusal = refused.outcome.unwrap_err();
    assert_eq!(refusal.code(), ErrorCode::VSwitchCidrOverlap);
    assert_eq!(refusal.details().accepted.as_deref(), Some("10.0.0.0/25"));
    assert_eq!(refused.entry, None);
    assert_eq!(world.digest(), digest);
    let blocked = world.apply(t, &caller(), DeleteVpc { vpc }.into()).outcome.unwrap_err();
    assert_eq!(blocked.code(), ErrorCode::VpcHasVSwitch);

    let mut again = World::new(Genesis::default());
    for applied in [made, first] {
        again.replay(&applied.entry.unwrap()).unwrap();
    }
    assert_eq!(again.digest(), digest);
}

#[test]
fn a_token_makes_a_retry_safe() {
    let mut world = World::new(Genesis::default());
    let caller = caller().with_token(Token::parse("t-1").unwrap());
    let t = SimTime(0);
    let first = world.apply(t, &caller, CreateVpc::default().into());
    let again = world.apply(t, &caller, CreateVpc::default().into());
    assert_eq!(first.outcome, again.outcome);
    assert!(again.replayed && again.entry.is_none());
    assert_eq!(world.table::<Vpc>().len(), 1);
    let other = CreateVpc { name: Some("b".into()), ..CreateVpc::default() };
    assert_eq!(world.apply(t, &caller, other.into()).outcome.unwrap_err().code(), ErrorCode::TokenMismatch);
}

#[test]
fn rows_restore_the_world_without_any_rule() {
    let mut world = World::new(Genesis::default());
    let mut loader = World::load();
    let (rows, rest) = world.slice(None, 1000);
    assert!(rest.is_none());
    rows.iter().for_each(|row| loader.change(row).unwrap());
    let vpc = world.apply(SimTime(0), &caller(), CreateVpc::default().into());
    let id = vpc.outcome.as_ref().unwrap().id::<VpcId>();
    let sub = world.apply(SimTime(0), &caller(), vswitch(id, "172.16.0.0/24").into());
    for applied in [vpc, sub] {
        applied.entry.unwrap().changes.iter().for_each(|change| loader.change(change).unwrap());
    }
    let loaded = loader.finish(world.seq(), world.now()).unwrap();
    assert_eq!(loaded.digest(), world.digest());
    let mut rows = Vec::new();
    let mut cursor = None;
    loop {
        let (slice, next) = loaded.slice(cursor.as_ref(), 2);
        rows.extend(slice);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(rows, world.slice(None, 1000).0);
}

#[test]
fn slices_of_a_long_advance_replay_to_the_same_digest() {
    let genesis = Genesis { provisioning: Provisioning::Documented, ..Genesis::default() };
    let mut world = World::new(genesis.clone());
    let start = world.now();
    let mut entries = Vec::new();
    // Seven timers of one instant, taken two at a time.
    for _ in 0..7 {
        entries.extend(world.apply(start, &caller(), CreateVpc::default().into()).entry);
    }
    let mut slices = 0;
    let to = start + Span::hours(1);
    loop {
        let (entry, reached) = world.stage_advance(to, 2);
        world.confirm();
        entries.extend(entry);
        slices += 1;
        if reached {
            break;
        }
    }
    assert_eq!((slices, world.now()), (4, to));
    assert!(world.table::<Vpc>().iter().all(|vpc| vpc.status == Status::Available));
    // Time alone makes an entry too: a promise that it passed must outlive the process.
    entries.push(world.advance(to + Span(1)).unwrap());
    assert_eq!(entries.last().unwrap().changes, []);
    assert_eq!(world.advance(to), None);

    let mut again = World::new(genesis.clone());
    entries.iter().for_each(|entry| again.replay(entry).unwrap());
    assert_eq!((again.digest(), again.now(), again.seq()), (world.digest(), world.now(), world.seq()));

    let mut whole = World::new(genesis);
    (0..7).for_each(|_| drop(whole.apply(start, &caller(), CreateVpc::default().into())));
    whole.advance(to + Span(1));
    assert_eq!((whole.digest(), whole.now()), (world.digest(), world.now()));
}

#[test]
fn a_new_era_keeps_objects_and_never_repeats_an_id() {
    let mut world = World::new(Genesis::default());
    let t = world.now();
    let old = world.apply(t, &caller(), CreateVpc::default().into()).outcome.unwrap().id::<VpcId>();
    let mut fork = world.clone().begin_era(77, 1_000);
    let rows = fork.slice(None, 1000).0;
    let mut loader = World::load();
    rows.iter().for_each(|row| loader.change(row).unwrap());
    assert_eq!(loader.finish(0, t).unwrap().digest(), fork.digest());
    assert!(fork.get::<Vpc>(&old).is_some());
    let here = world.apply(t, &caller(), CreateVpc::default().into()).outcome.unwrap().id::<VpcId>();
    let there = fork.apply(t, &caller(), CreateVpc::default().into()).outcome.unwrap().id::<VpcId>();
    assert_ne!(here, there);
    // The same seed gives the same ids.
    let mut same = World::new(Genesis { wall: 5, ..Genesis::default() });
    assert_eq!(same.apply(t, &caller(), CreateVpc::default().into()).outcome.unwrap().id::<VpcId>(), old);
}

#[test]
fn a_world_began_when_it_began_whatever_its_clock_does_later() {
    let start = SimTime(1_767_225_600_000);
    let mut world = World::new(Genesis { at: start, ..Genesis::default() });
    for (after, mode) in [(5_000, ClockMode::Manual), (9_000, ClockMode::Real)] {
        let set = SetClock { mode, wall: 1_800_000_000_000 };
        assert!(world.apply(start + Span(after), &caller(), set.into()).outcome.is_ok());
        assert_eq!(
            (world.settings().began, world.settings().clock.anchor_virtual),
            (start, start + Span(after))
        );
    }
}
