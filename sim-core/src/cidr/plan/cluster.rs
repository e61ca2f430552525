//! Clusters: their blocks against the VPC, and what their container network needs.

use super::ack::{FlannelRequest, NODE_LENGTHS, flannel};
use super::check::{
    ClusterPlan, ContainerNetwork, OVERLAP, PlanRequest, Report, VSwitchPlan, VpcPlan, cluster_blocks,
    cluster_thing, inside, vpc_thing, vswitch_thing,
};
use super::counted;
use super::finding::{Finding, PlanRule, Severity, Thing, ThingKind};
use crate::cidr::block::Cidr4;
use crate::cidr::reserved::{SPECIAL_RANGES, UNIQUE_LOCAL};

/// Checks the clusters of a VPC.
pub(super) fn check_clusters(report: &mut Report, request: &PlanRequest, vpc: &VpcPlan) {
    for (at, cluster) in vpc.clusters.iter().enumerate() {
        if vpc.clusters[..at].iter().any(|other| other.name == cluster.name) {
            report.duplicate(ThingKind::Cluster, &inside(vpc, &cluster.name));
        }
        check_cluster_blocks(report, vpc, at);
        match cluster.network {
            ContainerNetwork::Flannel => check_flannel(report, vpc, cluster),
            ContainerNetwork::Terway => check_terway(report, vpc, cluster),
        }
    }
    check_route_quota(report, request, vpc);
}

/// Pod and Service blocks against the VPC, each other, and the clusters before.
fn check_cluster_blocks(report: &mut Report, vpc: &VpcPlan, at: usize) {
    let cluster = &vpc.clusters[at];
    for (block, thing) in cluster_blocks(vpc, cluster) {
        let pod = thing.kind == ThingKind::PodBlock;
        for other in vpc.blocks.iter().filter(|other| other.overlaps(block)) {
            let rule = if pod { PlanRule::PodVpc } else { PlanRule::ServiceVpc };
            let suggestion = report.private_block(block.prefix_len());
            report.error(rule, thing.clone(), Some(vpc_thing(vpc, *other)), OVERLAP.to_owned(), suggestion);
        }
        for routed in
            vpc.routed.iter().filter(|routed| routed.block.overlaps(block) && !is_default(routed.block))
        {
            let second = Thing::new(ThingKind::Routed, &inside(vpc, &routed.name), Some(routed.block.into()));
            let suggestion = report.private_block(block.prefix_len());
            // The rule speaks of pods; a Service block only hides what lies behind the route.
            let severity = if pod { Severity::Error } else { Severity::Warning };
            let (rule, why, second) = (PlanRule::ClusterRouted, OVERLAP.to_owned(), Some(second));
            report.add(Finding { rule, severity, first: thing.clone(), second, why, suggestion });
        }
        if !(16..=24).contains(&block.prefix_len()) {
            let why = "the console takes /16 to /24".to_owned();
            let suggestion = format!("a /{} would pass", block.prefix_len().clamp(16, 24));
            report.warning(PlanRule::ClusterBlockLength, thing.clone(), None, why, suggestion);
        }
        check_range(report, block, &thing);
    }
    if let Some(pod) = cluster.pod_block.filter(|pod| pod.overlaps(cluster.service_block)) {
        let first = cluster_thing(vpc, cluster, ThingKind::ServiceBlock, Some(cluster.service_block.into()));
        let second = cluster_thing(vpc, cluster, ThingKind::PodBlock, Some(pod.into()));
        let suggestion = report.private_block(cluster.service_block.prefix_len());
        report.error(PlanRule::PodService, first, Some(second), OVERLAP.to_owned(), suggestion);
    }
    vpc.clusters[..at].iter().for_each(|other| check_neighbours(report, vpc, cluster, other));
    check_service_ipv6(report, vpc, cluster);
}

fn is_default(block: Cidr4) -> bool {
    block == Cidr4::ALL
}

/// A cluster block must not lie in a range that the host or the cloud uses itself.
fn check_range(report: &mut Report, block: Cidr4, thing: &Thing) {
    let forbidden = SPECIAL_RANGES.iter().find(|range| range.forbidden && range.block.overlaps(block));
    let Some(range) = forbidden else { return };
    let second = Thing::new(ThingKind::SpecialRange, range.purpose, Some(range.block.into()));
    let suggestion = report.private_block(block.prefix_len());
    let rule = if thing.kind == ThingKind::PodBlock { PlanRule::PodVpc } else { PlanRule::ServiceVpc };
    report.error(rule, thing.clone(), Some(second), OVERLAP.to_owned(), suggestion);
}

/// Two clusters of one VPC: pod blocks are disjoint; Service blocks may coincide.
fn check_neighbours(report: &mut Report, vpc: &VpcPlan, cluster: &ClusterPlan, other: &ClusterPlan) {
    for (block, thing) in cluster_blocks(vpc, cluster) {
        for (other_block, second) in cluster_blocks(vpc, other) {
            let (a, b) = (thing.kind, second.kind);
            if !block.overlaps(other_block) || (a == b && a == ThingKind::ServiceBlock) {
                continue;
            }
            let rule = if a == b { PlanRule::PodsDisjoint } else { PlanRule::PodService };
            let suggestion = report.private_block(block.prefix_len());
            report.error(rule, thing.clone(), Some(second), OVERLAP.to_owned(), suggestion);
        }
    }
}

fn check_service_ipv6(report: &mut Report, vpc: &VpcPlan, cluster: &ClusterPlan) {
    let Some(block) = cluster.service_ipv6_block else { return };
    let thing = cluster_thing(vpc, cluster, ThingKind::ServiceBlock, Some(block.into()));
    if cluster.network == ContainerNetwork::Flannel {
        let why = "Flannel has no IPv6".to_owned();
        report.error(PlanRule::ServiceIpv6, thing.clone(), None, why, "use Terway".to_owned());
    }
    if !UNIQUE_LOCAL.contains(block) || !(112..=120).contains(&block.prefix_len()) {
        let why = "it is not a /112 to /120 inside fc00::/7".to_owned();
        report.error(PlanRule::ServiceIpv6, thing, None, why, "fd00::/112 would pass".to_owned());
    }
}

fn check_flannel(report: &mut Report, vpc: &VpcPlan, cluster: &ClusterPlan) {
    let thing = cluster_thing(vpc, cluster, ThingKind::Cluster, None);
    let Some(pod_block) = cluster.pod_block else {
        let suggestion = report.private_block(16);
        report.error(PlanRule::FlannelNodes, thing, None, "Flannel needs a pod block".to_owned(), suggestion);
        return;
    };
    let first = cluster_thing(vpc, cluster, ThingKind::PodBlock, Some(pod_block.into()));
    // The routes are counted for all clusters of the VPC together, below.
    let why = match flannel(&FlannelRequest {
        pod_block,
        node_len: cluster.node_len,
        nodes: Some(cluster.nodes),
        route_quota: u32::MAX,
        other_routes: 0,
    }) {
        Ok(plan) if plan.possible => return,
        Ok(plan) => plan.why,
        Err(bad) => bad.why,
    };
    let suggestion = if NODE_LENGTHS.contains(&cluster.node_len) {
        let bits = u64::from(cluster.nodes.max(1)).next_power_of_two().trailing_zeros() as u8;
        report.private_block(cluster.node_len.saturating_sub(bits))
    } else {
        format!("/{} would pass", cluster.node_len.clamp(24, 28))
    };
    report.error(PlanRule::FlannelNodes, first, None, why, suggestion);
}

/// Every Flannel node takes a custom entry of the VPC's system route table.
fn check_route_quota(report: &mut Report, request: &PlanRequest, vpc: &VpcPlan) {
    let flannel = vpc.clusters.iter().filter(|c| c.network == ContainerNetwork::Flannel);
    let nodes: u64 = flannel.map(|cluster| u64::from(cluster.nodes)).sum();
    let routes = nodes + vpc.routed.len() as u64;
    if nodes == 0 || routes <= u64::from(request.route_quota) {
        return;
    }
    let why = format!(
        "{} and {} need {}, the table takes {}",
        counted(nodes, "Flannel node"),
        counted(vpc.routed.len() as u64, "routed block"),
        counted(routes, "custom route"),
        request.route_quota
    );
    let suggestion = "use Terway, fewer nodes, or a raised quota".to_owned();
    report.error(PlanRule::RouteQuota, Thing::new(ThingKind::Vpc, &vpc.name, None), None, why, suggestion);
}

fn check_terway(report: &mut Report, vpc: &VpcPlan, cluster: &ClusterPlan) {
    let thing = cluster_thing(vpc, cluster, ThingKind::Cluster, None);
    if let Some(block) = cluster.pod_block {
        let first = cluster_thing(vpc, cluster, ThingKind::PodBlock, Some(block.into()));
        let why = "Terway takes pod addresses from vSwitches, the pod block is not used".to_owned();
        report.warning(PlanRule::TerwayVSwitches, first, None, why, "leave it out".to_owned());
    }
    if cluster.pod_vswitches.is_empty() {
        let why = "Terway needs at least one pod vSwitch".to_owned();
        let suggestion = "name a vSwitch in each zone of the nodes".to_owned();
        report.error(PlanRule::TerwayVSwitches, thing.clone(), None, why, suggestion);
        return;
    }
    let pods = named(report, vpc, cluster, &cluster.pod_vswitches);
    for node in named(report, vpc, cluster, &cluster.node_vswitches) {
        if !pods.iter().any(|pod| pod.zone == node.zone) {
            let why = format!("no pod vSwitch is in the nodes' zone {}", node.zone);
            let suggestion = format!("add a pod vSwitch in {}", node.zone);
            let second = Some(vswitch_thing(vpc, node));
            report.error(PlanRule::TerwayVSwitches, thing.clone(), second, why, suggestion);
        }
    }
}

/// The vSwitches of these names; a name that is none is a finding.
fn named<'a>(
    report: &mut Report,
    vpc: &'a VpcPlan,
    cluster: &ClusterPlan,
    names: &[String],
) -> Vec<&'a VSwitchPlan> {
    let mut found = Vec::new();
    for name in names {
        match vpc.vswitches.iter().find(|vswitch| vswitch.name == *name) {
            Some(vswitch) => found.push(vswitch),
            None => {
                let first = cluster_thing(vpc, cluster, ThingKind::Cluster, None);
                let second = Some(Thing::new(ThingKind::VSwitch, &inside(vpc, name), None));
                let why = "there is no vSwitch of that name".to_owned();
                let known: Vec<&str> = vpc.vswitches.iter().take(8).map(|v| v.name.as_str()).collect();
                let suggestion = format!("the VPC has: {}", known.join(", "));
                report.error(PlanRule::Name, first, second, why, suggestion);
            }
        }
    }
    found
}
