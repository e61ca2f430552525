//! The one door: what every command and every history must obey, shown on a first VPC.

use sim_core::id::VpcId;
use sim_core::vpc::vpc::{CreateVpc, DeleteVpc, Vpc};
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch};
use sim_core::{AccountId, Caller, ErrorCode, Genesis, SimTime, Token, World};

fn caller() -> Caller {
    Caller::new(AccountId::DEFAULT, "cn-hangzhou")
}

fn vswitch(vpc: VpcId, block: &str) -> CreateVSwitch {
    CreateVSwitch {
        vpc,
        zone: "cn-hangzhou-k".into(),
        block: BlockChoice::Given(block.parse().unwrap()),
        ipv6_subnet: None,
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
