//! Peered VPCs: what must be disjoint across the connection.

use super::check::{OVERLAP, PlanRequest, Report, VpcPlan, cluster_blocks, vpc_thing, vswitch_thing};
use super::finding::{Finding, PlanRule, Severity, Thing, ThingKind};

/// Compares the two ends of every peering.
pub(super) fn check_peers(report: &mut Report, request: &PlanRequest) {
    for (at, peer) in request.peers.iter().enumerate() {
        let thing = Thing::new(ThingKind::Peering, &format!("{} - {}", peer.a, peer.b), None);
        let find = |name: &str| request.vpcs.iter().find(|vpc| vpc.name == name);
        let (Some(a), Some(b)) = (find(&peer.a), find(&peer.b)) else {
            let missing = if find(&peer.a).is_none() { &peer.a } else { &peer.b };
            let second = Some(Thing::new(ThingKind::Vpc, missing, None));
            let (why, what) = ("there is no VPC of that name", "name a VPC of the plan");
            report.error(PlanRule::Name, thing, second, why.to_owned(), what.to_owned());
            continue;
        };
        if peer.a == peer.b {
            let (why, what) = ("a VPC is not its own peer", "name another VPC");
            report.error(PlanRule::Name, thing, None, why.to_owned(), what.to_owned());
            continue;
        }
        let same = |other: &super::PeerPlan| {
            (other.a == peer.a && other.b == peer.b) || (other.a == peer.b && other.b == peer.a)
        };
        if request.peers[..at].iter().any(same) {
            continue;
        }
        check_blocks(report, a, b);
        check_clusters(report, a, b);
        check_clusters(report, b, a);
        check_cluster_pairs(report, a, b);
    }
}

/// Overlapping VPC blocks can be peered, but a route into the peer must not lie in
/// a vSwitch of one's own: only vSwitches that are disjoint can talk.
fn check_blocks(report: &mut Report, a: &VpcPlan, b: &VpcPlan) {
    let mut clash = false;
    for theirs in &b.vswitches {
        for ours in a.vswitches.iter().filter(|ours| ours.block.overlaps(theirs.block)) {
            clash = true;
            let why = "they overlap, so neither can have a route to the other".to_owned();
            let suggestion = report.private_block(theirs.block.prefix_len());
            let suggestion = format!("{suggestion}; add it to VPC {} as a secondary block", b.name);
            let (first, second) = (vswitch_thing(b, theirs), Some(vswitch_thing(a, ours)));
            report.error(PlanRule::PeersDisjoint, first, second, why, suggestion);
        }
    }
    if clash {
        return;
    }
    // With both ends' vSwitches known to be disjoint, overlapping blocks only limit what comes later.
    let known = !a.vswitches.is_empty() && !b.vswitches.is_empty();
    for theirs in &b.blocks {
        for ours in a.blocks.iter().filter(|ours| ours.overlaps(*theirs)) {
            let severity = if known { Severity::Warning } else { Severity::Error };
            let why = if known {
                "they overlap; the vSwitches do not, but routes must name them one by one".to_owned()
            } else {
                OVERLAP.to_owned()
            };
            let suggestion = report.private_block(theirs.prefix_len());
            let (first, second) = (vpc_thing(b, *theirs), Some(vpc_thing(a, *ours)));
            report.add(Finding { rule: PlanRule::PeersDisjoint, severity, first, second, why, suggestion });
        }
    }
}

/// A cluster's blocks against the peer's VPC blocks.
fn check_clusters(report: &mut Report, own: &VpcPlan, peer: &VpcPlan) {
    for cluster in &own.clusters {
        for (block, thing) in cluster_blocks(own, cluster) {
            for other in peer.blocks.iter().filter(|other| other.overlaps(block)) {
                let suggestion = report.private_block(block.prefix_len());
                let second = Some(vpc_thing(peer, *other));
                report.error(PlanRule::ClusterPeer, thing.clone(), second, OVERLAP.to_owned(), suggestion);
            }
        }
    }
}

/// Pod and Service blocks of clusters on both ends.
fn check_cluster_pairs(report: &mut Report, a: &VpcPlan, b: &VpcPlan) {
    let ours: Vec<_> = a.clusters.iter().flat_map(|cluster| cluster_blocks(a, cluster)).collect();
    for (block, thing) in b.clusters.iter().flat_map(|cluster| cluster_blocks(b, cluster)) {
        for (_, second) in ours.iter().filter(|(other, _)| other.overlaps(block)) {
            let suggestion = report.private_block(block.prefix_len());
            let second = Some(second.clone());
            report.error(PlanRule::ClusterPeer, thing.clone(), second, OVERLAP.to_owned(), suggestion);
        }
    }
}
