//! What things cost, counted and not timed: timers fired, rows changed, entries written.

use sim_core::ecs::eni::{CreateEni, EniKind, ModifyEni, TrafficMode};
use sim_core::ecs::eni_address::{AssignAddresses, Want, Wanted};
use sim_core::ecs::security_group::{CreateSecurityGroup, GroupKind};
use sim_core::id::{EniId, SecurityGroupId, VSwitchId, VpcId};
use sim_core::settings::Provisioning;
use sim_core::timer::Timer;
use sim_core::token::Remembered;
use sim_core::vpc::vpc::{CreateVpc, DeleteVpc, Vpc};
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch};
use sim_core::{AccountId, Applied, Caller, Command, Genesis, Span, Token, World};

const MONTH: Span = Span::hours(30 * 24);

fn caller() -> Caller {
    Caller::new(AccountId::DEFAULT, "cn-hangzhou")
}

fn world(provisioning: Provisioning) -> World {
    World::new(Genesis { provisioning, quotas_lifted: true, ..Genesis::default() })
}

fn give(world: &mut World, command: impl Into<Command>) -> Applied {
    let applied = world.apply(world.now(), &caller(), command.into());
    assert!(applied.outcome.is_ok(), "{:?}", applied.outcome);
    applied
}

fn vpc(world: &mut World) -> VpcId {
    give(world, CreateVpc::default()).outcome.unwrap().id()
}

/// How many rows a command changed.
fn rows(applied: &Applied) -> usize {
    applied.entry.as_ref().map_or(0, |entry| entry.changes.len())
}

#[test]
fn a_month_without_change_fires_nothing_and_changes_no_row() {
    let mut world = world(Provisioning::Visible);
    for _ in 0..500 {
        vpc(&mut world);
    }
    world.advance(world.now() + Span(200));
    assert_eq!(
        (world.next_due(), world.table::<Timer>().len()),
        (None, 0),
        "what is settled waits for nothing"
    );
    let digest = world.digest();
    let (entry, reached) = world.stage_advance(world.now() + MONTH, 0);
    world.confirm();
    let entry = entry.unwrap();
    assert!(reached, "not one timer had to be fired");
    assert_eq!((entry.fired, entry.changes.len(), world.digest()), (0, 0, digest));
}

#[test]
fn a_month_costs_what_is_due_in_it() {
    for pending in [1, 7, 300] {
        let mut world = world(Provisioning::Documented);
        for _ in 0..pending {
            vpc(&mut world);
        }
        assert_eq!(world.table::<Timer>().len(), pending, "one timer for each transition");
        let entry = world.advance(world.now() + MONTH).unwrap();
        assert_eq!(entry.fired, pending as u64);
        // Each VPC and each timer.
        assert_eq!(entry.changes.len(), 2 * pending);
    }
}

#[test]
fn a_slice_of_an_advance_fires_no_more_than_it_is_told() {
    let mut world = world(Provisioning::Documented);
    for _ in 0..25 {
        vpc(&mut world);
    }
    let to = world.now() + MONTH;
    let mut slices = Vec::new();
    loop {
        let (entry, reached) = world.stage_advance(to, 10);
        world.confirm();
        slices.push(entry.unwrap().fired);
        if reached {
            break;
        }
    }
    assert_eq!(slices, [10, 10, 5]);
}

/// How many rows each of a few commands changes in a world in which each kind of object is there so often.
fn costs(size: usize) -> Vec<(&'static str, usize)> {
    let mut world = world(Provisioning::Instant);
    let main = vpc(&mut world);
    for _ in 0..size {
        vpc(&mut world);
    }
    let vswitch = |block| CreateVSwitch {
        vpc: main,
        zone: "cn-hangzhou-k".into(),
        block,
        ipv6_subnet: None,
        vpc_ipv6_block: None,
        name: None,
        description: None,
        tags: Vec::new(),
    };
    let home: VSwitchId = give(&mut world, vswitch(BlockChoice::Mask(20))).outcome.unwrap().id();
    for _ in 0..size {
        give(&mut world, vswitch(BlockChoice::Mask(28)));
    }
    let group = CreateSecurityGroup {
        vpc: Some(main),
        kind: GroupKind::Basic,
        name: None,
        description: None,
        resource_group: None,
        tags: Vec::new(),
    };
    let group: SecurityGroupId = give(&mut world, group).outcome.unwrap().id();
    let eni = CreateEni {
        vswitch: home,
        kind: EniKind::Secondary,
        groups: vec![group],
        primary_ip: None,
        wanted: Wanted::default(),
        name: None,
        description: None,
        delete_on_release: false,
        source_dest_check: false,
        queues: None,
        traffic_mode: TrafficMode::Standard,
        resource_group: None,
        tags: Vec::new(),
    };
    let first: EniId = give(&mut world, eni.clone()).outcome.unwrap().id();
    for _ in 0..size {
        give(&mut world, eni.clone());
    }
    let rename = ModifyEni {
        eni: first,
        name: Some("front".into()),
        description: None,
        groups: None,
        delete_on_release: None,
        source_dest_check: None,
        queues: None,
        traffic_mode: None,
    };
    let more = Wanted { ipv4: Want::Count(3), ..Wanted::default() };
    let made = give(&mut world, CreateVpc::default());
    let gone: VpcId = made.outcome.as_ref().unwrap().id();
    vec![
        ("CreateVpc", rows(&made)),
        ("DeleteVpc", rows(&give(&mut world, DeleteVpc { vpc: gone }))),
        ("CreateVSwitch", rows(&give(&mut world, vswitch(BlockChoice::Mask(28))))),
        ("CreateEni", rows(&give(&mut world, eni))),
        ("ModifyEni", rows(&give(&mut world, rename))),
        ("AssignAddresses", rows(&give(&mut world, AssignAddresses { eni: first, wanted: more }))),
    ]
}

#[test]
fn a_command_changes_as_many_rows_in_a_large_world_as_in_a_small_one() {
    let small = costs(1);
    assert_eq!(small, costs(400));
    // A VPC with router and table, the counter of objects; an object and the counter; a row.
    let expected = [
        ("CreateVpc", 4),
        ("DeleteVpc", 3),
        ("CreateVSwitch", 2),
        ("CreateEni", 2),
        ("ModifyEni", 1),
        ("AssignAddresses", 1),
    ];
    assert_eq!(small, expected);
}

#[test]
fn a_refusal_and_a_dry_run_write_nothing() {
    let mut world = world(Provisioning::Instant);
    let there = vpc(&mut world);
    let seq = world.seq();
    let mut dry = caller();
    dry.dry_run = true;
    for _ in 0..100 {
        let applied = world.apply(world.now(), &dry, DeleteVpc { vpc: there }.into());
        assert!(applied.outcome.is_ok() && applied.entry.is_none());
    }
    assert_eq!((world.seq(), world.table::<Vpc>().len()), (seq, 1));
}

#[test]
fn one_command_never_pays_for_the_tokens_of_a_whole_day() {
    let mut world = world(Provisioning::Instant);
    let with = |n: usize| caller().with_token(Token::parse(&format!("t-{n}")).unwrap());
    for n in 0..1_000 {
        assert!(world.apply(world.now(), &with(n), CreateVpc::default().into()).outcome.is_ok());
    }
    world.advance(world.now() + Span::hours(25));
    let bare = rows(&give(&mut world, CreateVpc::default()));
    let mut left = world.table::<Remembered>().len();
    for n in 1_000..1_100 {
        let applied = world.apply(world.now(), &with(n), CreateVpc::default().into());
        // Its own token and the counter of tokens, and four old ones at most.
        assert!(rows(&applied) <= bare + 6, "{} rows", rows(&applied));
        assert!(world.table::<Remembered>().len() < left, "old tokens go faster than new ones come");
        left = world.table::<Remembered>().len();
    }
}
