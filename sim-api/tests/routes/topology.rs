//! A world with two VPCs and next hops.

use crate::service::hosts::stored;
pub use crate::service::pairs::Service;
use serde_json::json;
use sim_core::ecs::eni::{Eni, EniKind, EniStatus, TrafficMode};
use sim_core::ecs::instance::{Instance, InstanceStatus};
use sim_core::id::{DiskId, EniId, Id, IdNumber, InstanceId, RegionCode};
use sim_core::settings::Provisioning;
use sim_core::vpc::vpc::CreateVpc;
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch, VSwitch};
use sim_core::{AccountId, Caller, Command, Genesis, Reply, Span, World};
use std::collections::BTreeMap;

/// Two VPCs with a vSwitch each, another vSwitch, and next hops, which are stored rows: how they are made is
/// another subject's.
pub fn world(provisioning: Provisioning) -> (World, BTreeMap<&'static str, String>) {
    let mut world = World::new(Genesis { provisioning, ..Genesis::default() });
    let caller = Caller::new(AccountId::DEFAULT, "cn-hangzhou");
    let mut ids = BTreeMap::new();
    let mut run = |command: Command| {
        let reply = world.apply(world.now(), &caller, command).outcome.unwrap();
        world.advance(world.now() + Span(5_000));
        reply
    };
    let block = |text: &str| Some(text.parse().unwrap());
    let vpc = CreateVpc { block: block("10.0.0.0/8"), ipv6: true, ..CreateVpc::default() };
    let Reply::CreatedVpc { vpc, vrouter, route_table } = run(vpc.into()) else { panic!("a VPC") };
    let other = CreateVpc { block: block("10.0.0.0/8"), ..CreateVpc::default() };
    let Reply::CreatedVpc { vpc: other, route_table: other_table, .. } = run(other.into()) else {
        panic!("a VPC")
    };
    let vswitch = |vpc, text: &str, ipv6_subnet| CreateVSwitch {
        vpc,
        zone: "cn-hangzhou-k".into(),
        block: BlockChoice::Given(text.parse().unwrap()),
        ipv6_subnet,
        vpc_ipv6_block: None,
        name: None,
        description: None,
        tags: Vec::new(),
    };
    let web = run(vswitch(vpc, "10.0.1.0/24", Some(1)).into()).id();
    let db = run(vswitch(vpc, "10.0.2.0/24", None).into()).id();
    let elsewhere = run(vswitch(other, "10.0.1.0/24", None).into()).id();
    let number = |n| IdNumber::new(1_000_000 + n, 7, RegionCode::from_text("bp1").unwrap());
    let mut loader = World::load();
    world.slice(None, 10_000).0.iter().for_each(|row| loader.change(row).unwrap());
    for (n, name, eni_name, vswitch, status, instance_status) in [
        (1, "node", "primary", web, EniStatus::InUse, InstanceStatus::Running),
        (2, "starting", "attaching", db, EniStatus::Attaching, InstanceStatus::Pending),
        (3, "foreign", "foreign_eni", elsewhere, EniStatus::InUse, InstanceStatus::Running),
        (4, "stopped", "eni", web, EniStatus::Available, InstanceStatus::Stopped),
        (5, "node_5", "two", web, EniStatus::InUse, InstanceStatus::Running),
    ] {
        let place = world.get::<VSwitch>(&vswitch).unwrap();
        let v6 = |i: u128| place.ipv6.map(|b| (b.bits() + 100 + u128::from(n) * 10 + i).into());
        let eni = Eni {
            id: EniId::from_number(number(n)),
            owner: place.owner.clone(),
            vpc: place.vpc,
            vswitch,
            kind: if n < 4 { EniKind::Primary } else { EniKind::Secondary },
            status,
            settles: None,
            mac: n,
            primary_ip: (place.block.bits() + 10 + n as u32).into(),
            secondary_ips: Vec::new(),
            ipv4_prefixes: Vec::new(),
            ipv6: if n == 5 { v6(0).into_iter().chain(v6(1)).collect() } else { Vec::new() },
            ipv6_prefixes: Vec::new(),
            groups: Vec::new(),
            instance: None,
            trunk: None,
            device_index: 0,
            name: Default::default(),
            description: Default::default(),
            resource_group: sim_core::resource_group::default_of(AccountId::DEFAULT),
            delete_on_release: false,
            source_dest_check: true,
            queues: None,
            traffic_mode: TrafficMode::Standard,
            created: world.now(),
        };
        let instance = Instance {
            id: InstanceId::from_number(number(10 + n)),
            owner: eni.owner.clone(),
            vpc: eni.vpc,
            vswitch,
            zone: place.zone.clone(),
            instance_type: "ecs.g7.large".into(),
            primary_eni: eni.id,
            status: instance_status,
            name: Default::default(),
            host_name: Default::default(),
            description: Default::default(),
            image: Default::default(),
            resource_group: eni.resource_group,
            deletion_protection: false,
            system_disk: DiskId::from_number(number(1_000 + n)),
            transition: None,
            stopped_mode: None,
            password: None,
            user_data: None,
            metadata: Default::default(),
            maintenance: Default::default(),
            terms: Default::default(),
            ends: None,
            public: None,
            started: None,
            created: world.now(),
        };
        ids.insert(name, instance.id.to_string());
        ids.insert(eni_name, eni.id.to_string());
        loader.change(&stored(&eni)).unwrap();
        loader.change(&stored(&instance)).unwrap();
    }
    for (name, id) in [
        ("vpc", vpc.to_string()),
        ("other", other.to_string()),
        ("vrouter", vrouter.to_string()),
        ("system", route_table.to_string()),
        ("far", other_table.to_string()),
        ("web", web.to_string()),
        ("db", db.to_string()),
        ("elsewhere", elsewhere.to_string()),
    ] {
        ids.insert(name, id);
    }
    (loader.finish(world.seq(), world.now()).unwrap(), ids)
}

pub const CUSTOM: &str = r#"POST /v1/route-tables {"vpc_id":"$vpc","name":"custom"}"#;

/// A native creation of an entry, as far as the destination, and the provider's.
pub fn create(table: &str, destination: &str, kind: &str, id: &str) -> (String, String) {
    let body = json!({"route_table_id": table, "destination": destination, "next_hop_type": kind, "next_hop_id": id});
    (
        format!("POST /v1/route-entries {body}"),
        format!(
            "CreateRouteEntry RouteTableId={table} DestinationCidrBlock={destination} NextHopType={kind} NextHopId={id}"
        ),
    )
}
