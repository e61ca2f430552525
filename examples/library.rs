//! The core alone: make a VPC, carve vSwitches out of it, read a refusal as a value, and replay the journal.
//!
//!     cargo run -p sim-core --example library

use sim_core::id::VpcId;
use sim_core::vpc::vpc::CreateVpc;
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch, VSwitch};
use sim_core::{AccountId, Caller, Command, Entry, ErrorCode, Genesis, World};

/// Runs from the command line and from the tests.
pub fn main() {
    let caller = Caller::new(AccountId::DEFAULT, "cn-hangzhou");
    let (mut world, mut journal) = (World::new(Genesis::default()), Vec::<Entry>::new());
    let mut give = |world: &mut World, command: Command| {
        let applied = world.apply(world.now(), &caller, command);
        journal.extend(applied.entry);
        applied.outcome
    };

    let vpc = CreateVpc { block: Some("10.0.0.0/16".parse().unwrap()), ..CreateVpc::default() };
    let vpc: VpcId = give(&mut world, vpc.into()).unwrap().id();
    let vswitch = |block| CreateVSwitch {
        vpc,
        zone: "cn-hangzhou-k".into(),
        block,
        ipv6_subnet: None,
        vpc_ipv6_block: None,
        name: None,
        description: None,
        tags: Vec::new(),
    };
    // Two subnets found by size, lowest free address first.
    give(&mut world, vswitch(BlockChoice::Mask(24)).into()).unwrap();
    give(&mut world, vswitch(BlockChoice::Mask(20)).into()).unwrap();
    let blocks: Vec<String> = world.table::<VSwitch>().iter().map(|s| s.block.to_string()).collect();
    assert_eq!(blocks, ["10.0.0.0/24", "10.0.16.0/20"]);

    // A refusal is a value: the rule, the field, and what would pass.
    let taken = vswitch(BlockChoice::Given("10.0.0.128/25".parse().unwrap()));
    let refusal = give(&mut world, taken.into()).unwrap_err();
    assert_eq!(refusal.code(), ErrorCode::VSwitchCidrOverlap);
    assert_eq!(refusal.details().accepted.as_deref(), Some("10.0.1.0/25"));
    println!("{refusal}");

    // The journal gives the same world again, row for row.
    let mut again = World::new(Genesis::default());
    journal.iter().for_each(|entry| again.replay(entry).unwrap());
    assert_eq!(again.digest(), world.digest());
}
