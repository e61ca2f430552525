//! Cs: what ACK says of a cluster, as far as the network shows it (`sim_core::cluster`). Versions, names and add-ons of clusters
//! are not known here, and are left out.

use crate::rpc::params::Scope;
use crate::rpc::plan::{Planned, read};
use serde_json::{Value, json};
use sim_core::Caller;
use sim_core::cluster::{self, CLUSTER_TAG, Cluster};

/// The cluster whose tag `ClusterId` names: its VPC, vSwitches, security group and nodes. It runs as long as something of
/// it is there; its control plane is none of its nodes, as in a managed cluster.
pub fn describe_cluster_detail(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = p.required("ClusterId")?.to_owned();
    read(move |w, caller| Ok(show(&id, &cluster::find(w, caller, &id)?)))
}

fn show(id: &str, cluster: &Cluster) -> Value {
    let vswitches: Vec<String> = cluster.vswitches.iter().map(ToString::to_string).collect();
    let pods = cluster.pods.map(|block| block.to_string()).unwrap_or_default();
    json!({
        "cluster_id": id,
        "cluster_type": "ManagedKubernetes",
        "state": "running",
        "region_id": cluster.owner.region.to_string(),
        "zone_id": cluster.zone.as_ref().map(ToString::to_string).unwrap_or_default(),
        "network_mode": "vpc",
        "vpc_id": cluster.vpc.to_string(),
        "vswitch_id": vswitches.join(","),
        "vswitch_ids": vswitches,
        "security_group_id": cluster.security_group.map(|id| id.to_string()).unwrap_or_default(),
        "resource_group_id": cluster.resource_group.to_string(),
        "size": cluster.nodes.len(),
        "container_cidr": pods,
        "subnet_cidr": pods,
        "created": cluster.created.to_seconds_text(),
        "extra_sans": [],
        "tags": [{ "key": CLUSTER_TAG, "value": id }],
    })
}
