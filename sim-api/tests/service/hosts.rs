//! A world with security groups, interfaces and hosts, which are stored rows: how they are made is another subject's.

use super::pairs::{Ids, stored};
use sim_core::ecs::eni::{Eni, EniKind, EniStatus, TrafficMode, mac_of};
use sim_core::ecs::instance::{Instance, InstanceStatus};
use sim_core::ecs::security_group::{CreateSecurityGroup, GroupKind};
use sim_core::id::{DiskId, EniId, Id, IdNumber, InstanceId, RegionCode, SecurityGroupId, VSwitchId, VpcId};
use sim_core::settings::{ChangeSettings, Provisioning};
use sim_core::vpc::vpc::CreateVpc;
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch, VSwitch};
use sim_core::{AccountId, Caller, Command, Genesis, Reply, World};

/// A type with 3 interfaces of 6 addresses.
pub const SMALL: &str = "ecs.g7.large";
/// A type with 3 interfaces of 10 addresses, one of which may be a trunk with 3 members.
pub const TRUNKING: &str = "ecs.u1-c1m4.xlarge";

fn caller() -> Caller {
    Caller::new(AccountId::DEFAULT, "cn-hangzhou")
}

fn vswitch(vpc: VpcId, block: &str, zone: &str, ipv6_subnet: Option<u32>) -> Command {
    CreateVSwitch {
        vpc,
        zone: zone.into(),
        block: BlockChoice::Given(block.parse().unwrap()),
        ipv6_subnet,
        vpc_ipv6_block: None,
        name: None,
        description: None,
        tags: Vec::new(),
    }
    .into()
}

fn group(vpc: VpcId, kind: GroupKind) -> Command {
    CreateSecurityGroup {
        vpc: Some(vpc),
        kind,
        name: None,
        description: None,
        resource_group: None,
        tags: Vec::new(),
    }
    .into()
}

/// A host and its primary interface with the tenth address of its vSwitch and on.
fn host(
    w: &World,
    n: u64,
    vswitch: VSwitchId,
    group: SecurityGroupId,
    instance_type: &str,
    status: InstanceStatus,
) -> (Eni, Instance) {
    let number = |n| IdNumber::new(1_000_000 + n, 7, RegionCode::from_text("bp1").unwrap());
    let place = w.get::<VSwitch>(&vswitch).unwrap();
    let (id, eni) = (InstanceId::from_number(number(100 + n)), EniId::from_number(number(n)));
    let resource_group = sim_core::resource_group::default_of(AccountId::DEFAULT);
    let eni = Eni {
        id: eni,
        owner: place.owner.clone(),
        vpc: place.vpc,
        vswitch,
        kind: EniKind::Primary,
        status: EniStatus::InUse,
        settles: None,
        mac: mac_of(eni),
        primary_ip: (place.block.bits() + 10 + n as u32).into(),
        secondary_ips: Vec::new(),
        ipv4_prefixes: Vec::new(),
        ipv6: Vec::new(),
        ipv6_prefixes: Vec::new(),
        groups: vec![group],
        instance: Some(id),
        trunk: None,
        device_index: 0,
        name: Default::default(),
        description: Default::default(),
        resource_group,
        delete_on_release: true,
        source_dest_check: false,
        queues: None,
        traffic_mode: TrafficMode::Standard,
        created: w.now(),
    };
    let instance = Instance {
        id,
        owner: eni.owner.clone(),
        vpc: eni.vpc,
        vswitch,
        zone: place.zone.clone(),
        instance_type: instance_type.into(),
        primary_eni: eni.id,
        status,
        name: Default::default(),
        host_name: Default::default(),
        description: Default::default(),
        image: Default::default(),
        resource_group,
        deletion_protection: false,
        system_disk: DiskId::from_number(number(1_000 + n)),
        transition: None,
        stopped_mode: None,
        password: None,
        user_data: None,
        terms: Default::default(),
        started: None,
        created: w.now(),
    };
    (eni, instance)
}

/// Two VPCs: `vpc` with the vSwitches `web` (IPv6), `db` and `tiny` in one zone and `away` in another, the basic groups
/// `sg` and `sg2` and the enterprise group `ent`; `other` with the vSwitch `elsewhere` and the basic group `far`. The
/// hosts `node`, `stopped` (which takes a trunk), `starting` and `foreign` (in `other`) have primary interfaces of the
/// same names with `_eni`, in `sg` and `far`.
pub fn world(provisioning: Provisioning) -> (World, Ids) {
    world_with(Genesis::default(), provisioning)
}

/// The same, set otherwise.
pub fn world_with(genesis: Genesis, provisioning: Provisioning) -> (World, Ids) {
    let mut world = World::new(genesis);
    let mut run = |command: Command| world.apply(world.now(), &caller(), command).outcome.unwrap();
    let mut ids = Ids::new();
    let vpc = CreateVpc { block: Some("10.0.0.0/8".parse().unwrap()), ipv6: true, ..CreateVpc::default() };
    let Reply::CreatedVpc { vpc, .. } = run(vpc.into()) else { panic!("a VPC") };
    let other = CreateVpc { block: Some("10.0.0.0/8".parse().unwrap()), ..CreateVpc::default() };
    let Reply::CreatedVpc { vpc: other, .. } = run(other.into()) else { panic!("a VPC") };
    let (here, there) = ("cn-hangzhou-k", "cn-hangzhou-b");
    let web: VSwitchId = run(vswitch(vpc, "10.0.1.0/24", here, Some(1))).id();
    let elsewhere: VSwitchId = run(vswitch(other, "10.0.1.0/24", here, None)).id();
    for (name, command) in [
        ("db", vswitch(vpc, "10.0.2.0/24", here, None)),
        ("tiny", vswitch(vpc, "10.0.3.0/29", here, None)),
        ("away", vswitch(vpc, "10.0.4.0/24", there, None)),
    ] {
        ids.insert(name, run(command).id::<VSwitchId>().to_string());
    }
    let sg: SecurityGroupId = run(group(vpc, GroupKind::Basic)).id();
    let far: SecurityGroupId = run(group(other, GroupKind::Basic)).id();
    for (name, kind) in [("sg2", GroupKind::Basic), ("ent", GroupKind::Enterprise)] {
        ids.insert(name, run(group(vpc, kind)).id::<SecurityGroupId>().to_string());
    }
    for (name, id) in [
        ("vpc", vpc.to_string()),
        ("other", other.to_string()),
        ("web", web.to_string()),
        ("elsewhere", elsewhere.to_string()),
        ("sg", sg.to_string()),
        ("far", far.to_string()),
    ] {
        ids.insert(name, id);
    }
    if provisioning != Provisioning::Instant {
        run(ChangeSettings { provisioning: Some(provisioning), quotas_lifted: None }.into());
    }
    let mut loader = World::load();
    world.slice(None, 10_000).0.iter().for_each(|row| loader.change(row).unwrap());
    for (n, name, eni_name, place, group, kind, status) in [
        (1, "node", "node_eni", web, sg, SMALL, InstanceStatus::Running),
        (2, "stopped", "stopped_eni", web, sg, TRUNKING, InstanceStatus::Stopped),
        (3, "starting", "starting_eni", web, sg, SMALL, InstanceStatus::Starting),
        (4, "foreign", "foreign_eni", elsewhere, far, SMALL, InstanceStatus::Running),
    ] {
        let (eni, instance) = host(&world, n, place, group, kind, status);
        ids.insert(name, instance.id.to_string());
        ids.insert(eni_name, eni.id.to_string());
        loader.change(&stored(&eni)).unwrap();
        loader.change(&stored(&instance)).unwrap();
    }
    (loader.finish(world.seq(), world.now()).unwrap(), ids)
}

/// The world with so many interfaces more in the enterprise group, as stored rows.
pub fn crowded((mut world, ids): (World, Ids), count: u32) -> (World, Ids) {
    let vpc: VpcId = ids["vpc"].parse().unwrap();
    let group: SecurityGroupId = ids["ent"].parse().unwrap();
    let mut wide = |block: &str| -> VSwitchId {
        let command = vswitch(vpc, block, "cn-hangzhou-k", None);
        world.apply(world.now(), &caller(), command).outcome.unwrap().id()
    };
    let places = [wide("10.1.0.0/16"), wide("10.2.0.0/16")];
    let (template, _) = host(&world, 0, places[0], group, SMALL, InstanceStatus::Running);
    let mut loader = World::load();
    world.slice(None, 10_000).0.iter().for_each(|row| loader.change(row).unwrap());
    for n in 0..count {
        // Half of them in each vSwitch, so that no reserved address is touched.
        let (place, at) = (places[n as usize % 2], 1 + n / 2);
        let block = world.get::<VSwitch>(&place).unwrap().block;
        let number = IdNumber::new(2_000_000 + u64::from(n), 7, RegionCode::from_text("bp1").unwrap());
        let id = EniId::from_number(number);
        let eni = Eni {
            id,
            kind: EniKind::Secondary,
            status: EniStatus::Available,
            vswitch: place,
            primary_ip: (block.bits() + at).into(),
            mac: mac_of(id),
            instance: None,
            ..template.clone()
        };
        loader.change(&stored(&eni)).unwrap();
    }
    (loader.finish(world.seq(), world.now()).unwrap(), ids)
}
