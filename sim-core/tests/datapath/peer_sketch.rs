//! A second VPC behind a peering connection or router interfaces, whose vSwitches overlap those of the first in part.

use crate::lab::*;
use crate::net::{entry, host};
use proptest::prelude::*;
use sim_core::ecs::security_group::GroupKind;
use sim_core::id::{
    AnyId, EniId, RouteTableId, RouterInterfaceId, SecurityGroupId, VSwitchId, VpcId, VpcPeerId,
};
use sim_core::vpc::router_connection::{ConnectRouterInterface, DeactivateRouterInterface};
use sim_core::vpc::router_interface::{CreateRouterInterface, ModifyRouterInterface, Opposite, Role, Spec};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vpc_peer::CreateVpcPeer;

#[derive(Clone, Debug)]
pub struct PeerSketch {
    /// Whether the hosts of the other VPC let everything in.
    open: bool,
    /// Whether router interfaces connect the two, and which of them are frozen in the end.
    routers: Option<u8>,
    /// Routes of the first VPC: table, destination.
    there: Vec<(usize, &'static str)>,
    /// Routes of the other VPC.
    back: Vec<&'static str>,
}

const THERE: [&str; 5] = ["10.0.9.0/24", "10.0.0.0/16", "0.0.0.0/0", "10.0.9.5/32", "47.0.0.0/8"];
const BACK: [&str; 5] = ["10.0.2.0/24", "10.0.0.0/16", "0.0.0.0/0", "10.0.3.0/24", "10.0.1.11/32"];

pub fn sketch() -> impl Strategy<Value = PeerSketch> {
    let there = prop::collection::vec((0..3_usize, prop::sample::select(THERE.to_vec())), 0..6);
    let back = prop::collection::vec(prop::sample::select(BACK.to_vec()), 0..4);
    let routers = prop::option::of(prop::sample::select(vec![0, 0, 0, 0, 1, 2]));
    (any::<bool>(), routers, there, back).prop_map(|(open, routers, there, back)| PeerSketch {
        open,
        routers,
        there,
        back,
    })
}

/// The hosts of the other VPC: two that only it has, and one whose address the first VPC can have too.
pub fn add(lab: &mut Lab, sketch: &PeerSketch, tables: &[RouteTableId]) -> Vec<EniId> {
    let other = lab.other_vpc;
    let near: VSwitchId = lab.ok(vswitch(other, "cn-hangzhou-k", "10.0.9.0/24", None)).id();
    let group: SecurityGroupId = lab.ok(group(other, GroupKind::Basic)).id();
    let elsewhere = lab.elsewhere;
    let hosts = [(near, [10, 0, 9, 5]), (near, [10, 0, 9, 6]), (elsewhere, [10, 0, 1, 11])]
        .map(|(vswitch, address)| host(lab, vswitch, group, address));
    if sketch.open {
        crate::peers::accept_all(lab, group);
    }
    let ends: [AnyId; 2] = match sketch.routers {
        Some(_) => {
            let (vpc, other) = (lab.vpc, lab.other_vpc);
            connect(lab, vpc, other).map(AnyId::from)
        }
        None => [AnyId::from(lab.ok(request(lab)).id::<VpcPeerId>()); 2],
    };
    for &(table, destination) in &sketch.there {
        let _ = lab.run(entry(tables[table], destination, ends[0]));
    }
    let table = lab.world.get::<Vpc>(&other).unwrap().system_table;
    for destination in &sketch.back {
        let _ = lab.run(entry(table, destination, ends[1]));
    }
    for (n, &end) in ends.iter().enumerate().filter(|(n, _)| sketch.routers.unwrap_or(0) >> n & 1 == 1) {
        assert!(n < 2);
        lab.ok(DeactivateRouterInterface { router_interface: end.try_into().unwrap() });
    }
    hosts.to_vec()
}

/// A connection between the two VPCs of a lab.
pub fn request(lab: &Lab) -> CreateVpcPeer {
    CreateVpcPeer {
        vpc: lab.vpc,
        accepting_account: caller().account,
        accepting_region: caller().region,
        accepting_vpc: lab.other_vpc,
        name: None,
        description: None,
        bandwidth: None,
        link_type: None,
        resource_group: None,
        tags: Vec::new(),
    }
}

/// Connects the routers of two VPCs of the caller's: the initiating side, the accepting side.
pub fn connect(lab: &mut Lab, vpc: VpcId, other: VpcId) -> [RouterInterfaceId; 2] {
    let router = |lab: &Lab, vpc: VpcId| lab.world.get::<Vpc>(&vpc).unwrap().vrouter;
    let sides = [(Role::Initiating, vpc, other), (Role::Accepting, other, vpc)];
    let ends = sides.map(|(role, own, far)| {
        let (vrouter, far) = (router(lab, own), router(lab, far));
        let opposite = Opposite {
            region: caller().region,
            account: Some(caller().account),
            vrouter: Some(far),
            router_interface: None,
        };
        let spec = (role == Role::Initiating).then(|| Spec::parse("Small.1").unwrap());
        let (name, description, resource_group, tags) = (None, None, None, Vec::new());
        lab.ok(CreateRouterInterface {
            vrouter,
            role,
            spec,
            opposite,
            name,
            description,
            resource_group,
            tags,
        })
        .id::<RouterInterfaceId>()
    });
    for (own, far) in [(ends[0], ends[1]), (ends[1], ends[0])] {
        lab.ok(ModifyRouterInterface {
            router_interface: own,
            name: None,
            description: None,
            opposite_interface: Some(far),
            opposite_vrouter: None,
            opposite_account: None,
        });
    }
    lab.ok(ConnectRouterInterface { router_interface: ends[0] });
    ends
}
