//! Clusters: what is seen of one in the objects that carry its tag.

#[path = "ecs_lab/mod.rs"]
mod ecs_lab;

use ecs_lab::{Lab, caller};
use sim_core::cluster::{self, CLUSTER_TAG, Cluster};
use sim_core::ecs::instance::Instance;
use sim_core::id::AnyId;
use sim_core::tag::{Named, TagPair, TagResources, UntagResources};
use sim_core::vpc::next_hop::HopChoice;
use sim_core::vpc::route_entry::{CreateRouteEntry, NewEntry};
use sim_core::vpc::vpc::Vpc;
use sim_core::{Caller, ErrorCode as E};

fn tag(id: &str) -> TagPair {
    TagPair { key: CLUSTER_TAG.into(), value: id.into() }
}

fn put(lab: &mut Lab, resource: impl Into<AnyId>, id: &str) {
    lab.ok(TagResources { resources: vec![Named::Id(resource.into())], tags: vec![tag(id)] });
}

fn find(lab: &Lab, id: &str) -> Result<Cluster, E> {
    cluster::find(&lab.world, &caller(), id).map_err(|refusal| refusal.code())
}

#[test]
fn a_cluster_is_there_as_long_as_something_carries_its_tag() {
    let mut lab = Lab::new();
    let vpc = lab.vpc;
    assert_eq!(find(&lab, "c1").unwrap_err(), E::ClusterNotFound);
    put(&mut lab, vpc, "c1");
    let seen = find(&lab, "c1").unwrap();
    assert_eq!((seen.vpc, seen.vswitches, seen.nodes, seen.pods), (vpc, vec![], vec![], None));
    // Neither a part of its id nor an empty one names it.
    for other in ["", "c", "c11"] {
        assert_eq!(find(&lab, other).unwrap_err(), E::ClusterNotFound, "{other:?}");
    }
    // It is found from every region of its account, and from no other account.
    let far = Caller { region: "cn-beijing".into(), ..caller() };
    assert_eq!(cluster::find(&lab.world, &far, "c1").unwrap().vpc, vpc);
    let stranger = Caller { account: sim_core::AccountId(9), ..caller() };
    assert_eq!(cluster::find(&lab.world, &stranger, "c1").unwrap_err().code(), E::ClusterNotFound);
    lab.ok(UntagResources { resources: vec![vpc.into()], keys: None });
    assert_eq!(find(&lab, "c1").unwrap_err(), E::ClusterNotFound);
}

#[test]
fn its_parts_are_those_of_its_nodes_and_routes() {
    let mut lab = Lab::new();
    let (node, sg, db) = (lab.node, lab.sg, lab.db);
    put(&mut lab, node, "c1");
    let seen = find(&lab, "c1").unwrap();
    let instance = lab.world.get::<Instance>(&node).unwrap();
    assert_eq!((seen.vpc, seen.zone.as_ref()), (lab.vpc, Some(&instance.zone)));
    assert_eq!((seen.vswitches, seen.nodes), (vec![instance.vswitch], vec![node]));
    assert_eq!((seen.security_group, seen.pods), (None, None));
    // What carries the tag itself goes before what its nodes have.
    put(&mut lab, db, "c1");
    put(&mut lab, sg, "c1");
    let seen = find(&lab, "c1").unwrap();
    assert_eq!((seen.vswitches, seen.security_group), (vec![db], Some(sg)));
    // Routes to its nodes are for the blocks of their pods.
    let table = lab.world.get::<Vpc>(&lab.vpc).unwrap().system_table;
    for (block, pods) in [("172.20.0.0/24", "172.20.0.0/24"), ("172.20.3.0/24", "172.20.0.0/22")] {
        let next_hop =
            HopChoice { kind: Some("Instance".into()), id: Some(node.to_string().into()), list: Vec::new() };
        let (name, description) = (None, None);
        let entry = NewEntry {
            table: table.to_string().into(),
            destination: block.into(),
            next_hop,
            name,
            description,
        };
        lab.ok(CreateRouteEntry { entry });
        lab.wait(10_000);
        assert_eq!(find(&lab, "c1").unwrap().pods.unwrap().to_string(), pods);
    }
}
