//! A world with two VPCs, vSwitches in two zones and groups, and lines that launch into it.

use crate::service::pairs::{Ids, Service};
use sim_core::ecs::security_group::{CreateSecurityGroup, GroupKind};
use sim_core::id::{SecurityGroupId, VSwitchId, VpcId};
use sim_core::settings::Provisioning;
use sim_core::vpc::vpc::CreateVpc;
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch};
use sim_core::{AccountId, Caller, Command, Genesis, Reply, World};

/// The parameters of a launch into `$web`.
pub const LAUNCH: &str = "ImageId=aliyun_3_x64_20G_alibase_20240819.vhd InstanceType=ecs.g7.large VSwitchId=$web SecurityGroupId=$sg";

/// The body of a launch into `$web`, without its closing brace.
pub const LAUNCH_BODY: &str = r#""image_id":"aliyun_3_x64_20G_alibase_20240819.vhd","instance_type":"ecs.g7.large","vswitch_id":"$web","security_group_ids":["$sg"]"#;

/// `$vpc` with `$web` (10.0.1.0/24, IPv6), `$db` (10.0.2.0/24), `$far` (another zone), `$tiny` (/29) and groups `$sg`,
/// `$sg2`, `$enterprise`; `$other` with `$elsewhere` and `$foreign`.
pub async fn lab() -> Service {
    let mut world = World::new(Genesis { provisioning: Provisioning::Instant, ..Genesis::default() });
    let caller = Caller::new(AccountId::DEFAULT, "cn-hangzhou");
    let mut run = |command: Command| world.apply(world.now(), &caller, command).outcome.unwrap();
    let block = || Some("10.0.0.0/8".parse().unwrap());
    let made = run(CreateVpc { block: block(), ipv6: true, ..CreateVpc::default() }.into());
    let Reply::CreatedVpc { vpc, route_table, .. } = made else { panic!("{made:?}") };
    let other: VpcId = run(CreateVpc { block: block(), ..CreateVpc::default() }.into()).id();
    let mut ids = Ids::new();
    ids.insert("vpc", vpc.to_string());
    ids.insert("system", route_table.to_string());
    ids.insert("other", other.to_string());
    for (name, vpc, zone, block, ipv6_subnet) in [
        ("web", vpc, "cn-hangzhou-k", "10.0.1.0/24", Some(1)),
        ("db", vpc, "cn-hangzhou-k", "10.0.2.0/24", None),
        ("far", vpc, "cn-hangzhou-j", "10.0.3.0/24", None),
        ("tiny", vpc, "cn-hangzhou-k", "10.0.4.0/29", None),
        ("elsewhere", other, "cn-hangzhou-k", "10.0.1.0/24", None),
    ] {
        let block = BlockChoice::Given(block.parse().unwrap());
        let zone = zone.into();
        let command = CreateVSwitch {
            vpc,
            zone,
            block,
            ipv6_subnet,
            vpc_ipv6_block: None,
            name: None,
            description: None,
            tags: Vec::new(),
        };
        ids.insert(name, run(command.into()).id::<VSwitchId>().to_string());
    }
    for (name, vpc, kind) in [
        ("sg", vpc, GroupKind::Basic),
        ("sg2", vpc, GroupKind::Basic),
        ("enterprise", vpc, GroupKind::Enterprise),
        ("foreign", other, GroupKind::Basic),
    ] {
        let command = CreateSecurityGroup {
            vpc: Some(vpc),
            kind,
            name: None,
            description: None,
            resource_group: None,
            tags: Vec::new(),
        };
        ids.insert(name, run(command.into()).id::<SecurityGroupId>().to_string());
    }
    Service::over((world, ids)).await
}

/// Launches on the provider wire and gives the first instance a short name.
pub async fn launched(s: &mut Service, name: &'static str, more: &str) -> String {
    let answer = s.rpc_ok(&format!("RunInstances {LAUNCH} {more}")).await;
    let id = answer["InstanceIdSets"]["InstanceIdSet"][0].as_str().unwrap().to_owned();
    s.ids.insert(name, id.clone());
    id
}
