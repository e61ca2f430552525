//! A second VPC behind a peering connection, whose vSwitches overlap those of the first in part.

use crate::lab::*;
use crate::net::{entry, host};
use proptest::prelude::*;
use sim_core::ecs::security_group::GroupKind;
use sim_core::id::{EniId, RouteTableId, SecurityGroupId, VSwitchId, VpcPeerId};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vpc_peer::CreateVpcPeer;

#[derive(Clone, Debug)]
pub struct PeerSketch {
    /// Whether the hosts of the other VPC let everything in.
    open: bool,
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
    (any::<bool>(), there, back).prop_map(|(open, there, back)| PeerSketch { open, there, back })
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
    let peer: VpcPeerId = lab.ok(request(lab)).id();
    for &(table, destination) in &sketch.there {
        let _ = lab.run(entry(tables[table], destination, peer));
    }
    let table = lab.world.get::<Vpc>(&other).unwrap().system_table;
    for destination in &sketch.back {
        let _ = lab.run(entry(table, destination, peer));
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
