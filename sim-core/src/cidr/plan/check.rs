//! Checking a whole address plan before anything is built.

use serde::{Deserialize, Serialize};

use super::ack::node_len;
use super::bad_input::BadInput;
use super::finding::{Finding, PlanReport, PlanRule, Severity, Thing, ThingKind};
use super::{cluster, counted, default_route_quota, peer};
use crate::cidr::allocator::BlockAllocator;
use crate::cidr::block::{Cidr, Cidr4, Cidr6};
use crate::cidr::reserved::{self, RFC1918, RuleError, SECONDARY_LENGTH_MIN, VPC_LENGTHS};
use crate::cidr::set::subtract_all;

/// Blocks that one check takes.
const MAX_PARTS: u64 = 4_096;
/// Findings that one report lists.
const MAX_FINDINGS: usize = 1_000;

/// A plan: VPCs with what is in them, and who is peered with whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PlanRequest {
    /// The VPCs.
    pub vpcs: Vec<VpcPlan>,
    /// The peerings. They do not pass traffic on, so only direct peers are compared.
    #[serde(default)]
    pub peers: Vec<PeerPlan>,
    /// Shortest length of a secondary VPC block: 16, or 8 as older documentation has it.
    #[serde(default = "secondary_length_min")]
    #[cfg_attr(feature = "openapi", schema(minimum = 8, maximum = 28))]
    pub secondary_length_min: u8,
    /// Custom entries that a route table may have.
    #[serde(default = "default_route_quota")]
    pub route_quota: u32,
}

impl Default for PlanRequest {
    fn default() -> Self {
        PlanRequest {
            vpcs: Vec::new(),
            peers: Vec::new(),
            secondary_length_min: secondary_length_min(),
            route_quota: default_route_quota(),
        }
    }
}

impl PlanRequest {
    /// A plan to start from, in which nothing is in conflict: two peered VPCs, one with a Terway and one with a Flannel
    /// cluster.
    pub fn example() -> PlanRequest {
        let block = |text: &str| text.parse().expect("the example's blocks are well formed");
        let vswitch = |name: &str, zone: &str, text: &str| VSwitchPlan {
            name: name.to_owned(),
            zone: zone.to_owned(),
            block: block(text),
            ipv6_subnet: None,
        };
        let cluster =
            |name: &str, network, pods: &str, service: &str, nodes: &str, pod_vswitches: &[&str]| {
                ClusterPlan {
                    name: name.to_owned(),
                    network,
                    pod_block: (!pods.is_empty()).then(|| block(pods)),
                    service_block: block(service),
                    service_ipv6_block: None,
                    node_len: node_len(),
                    nodes: 50,
                    node_vswitches: vec![nodes.to_owned()],
                    pod_vswitches: pod_vswitches.iter().map(ToString::to_string).collect(),
                }
            };
        let prod = VpcPlan {
            name: "prod".to_owned(),
            blocks: vec![block("10.0.0.0/16")],
            vswitches: vec![
                vswitch("nodes-h", "cn-hangzhou-h", "10.0.0.0/20"),
                vswitch("pods-h", "cn-hangzhou-h", "10.0.32.0/19"),
            ],
            routed: vec![RoutedPlan { name: "office".to_owned(), block: block("10.200.0.0/16") }],
            clusters: vec![cluster(
                "shop",
                ContainerNetwork::Terway,
                "",
                "172.21.0.0/20",
                "nodes-h",
                &["pods-h"],
            )],
            ..VpcPlan::default()
        };
        let test = VpcPlan {
            name: "test".to_owned(),
            blocks: vec![block("10.1.0.0/16")],
            vswitches: vec![vswitch("nodes-h", "cn-hangzhou-h", "10.1.0.0/20")],
            clusters: vec![cluster(
                "trial",
                ContainerNetwork::Flannel,
                "172.20.0.0/16",
                "172.22.0.0/20",
                "nodes-h",
                &[],
            )],
            ..VpcPlan::default()
        };
        let peers = vec![PeerPlan { a: "prod".to_owned(), b: "test".to_owned() }];
        PlanRequest { vpcs: vec![prod, test], peers, ..PlanRequest::default() }
    }
}

fn secondary_length_min() -> u8 {
    SECONDARY_LENGTH_MIN
}

/// A VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VpcPlan {
    /// Its name in the plan.
    pub name: String,
    /// Its IPv4 blocks, the primary one first.
    pub blocks: Vec<Cidr4>,
    /// Its IPv6 block.
    #[serde(default)]
    pub ipv6_block: Option<Cidr6>,
    /// Ranges outside RFC 1918 that it treats as private.
    #[serde(default)]
    pub user_cidrs: Vec<Cidr4>,
    /// Its vSwitches.
    #[serde(default)]
    pub vswitches: Vec<VSwitchPlan>,
    /// Blocks that custom or dynamic routes lead elsewhere, for example to a data centre.
    #[serde(default)]
    pub routed: Vec<RoutedPlan>,
    /// Its clusters.
    #[serde(default)]
    pub clusters: Vec<ClusterPlan>,
}

/// A vSwitch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VSwitchPlan {
    /// Its name, unique in the VPC.
    pub name: String,
    /// Its zone.
    #[serde(default)]
    pub zone: String,
    /// Its block.
    pub block: Cidr4,
    /// Number of its /64 in the VPC's IPv6 block.
    #[serde(default)]
    pub ipv6_subnet: Option<u32>,
}

/// A block behind a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RoutedPlan {
    /// A name for it.
    pub name: String,
    /// The destination.
    pub block: Cidr4,
}

/// How a cluster's pods are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ContainerNetwork {
    /// A pod block outside the VPC, one route a node.
    Flannel,
    /// Pods in vSwitches.
    Terway,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClusterPlan {
    /// Its name, unique in the VPC.
    pub name: String,
    /// Its container network.
    pub network: ContainerNetwork,
    /// The pod block (Flannel).
    #[serde(default)]
    pub pod_block: Option<Cidr4>,
    /// The Service block.
    pub service_block: Cidr4,
    /// The IPv6 Service block.
    #[serde(default)]
    pub service_ipv6_block: Option<Cidr6>,
    /// Length of a node's part of the pod block (Flannel).
    #[serde(default = "node_len")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 255))]
    pub node_len: u8,
    /// Nodes wanted.
    #[serde(default)]
    pub nodes: u32,
    /// Names of the nodes' vSwitches.
    #[serde(default)]
    pub node_vswitches: Vec<String>,
    /// Names of the pods' vSwitches (Terway).
    #[serde(default)]
    pub pod_vswitches: Vec<String>,
}

/// Two VPCs to be peered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PeerPlan {
    /// Name of one VPC.
    pub a: String,
    /// Name of the other.
    pub b: String,
}

/// Checks a plan and lists everything that is in conflict.
///
/// # Errors
/// A shortest length of secondary blocks outside 8 to 28.
pub fn check(request: &PlanRequest) -> Result<PlanReport, BadInput> {
    if !VPC_LENGTHS.contains(&request.secondary_length_min) {
        let why = format!("{} is no prefix length of a VPC block", request.secondary_length_min);
        return Err(BadInput::new("secondary_length_min", why, "8 to 28"));
    }
    Ok(conflicts(request))
}

fn conflicts(request: &PlanRequest) -> PlanReport {
    let mut report = Report::new(request);
    let parts: u64 = request.vpcs.iter().map(parts).sum::<u64>() + request.peers.len() as u64;
    if parts > MAX_PARTS {
        let plan = Thing::new(ThingKind::Plan, "", None);
        let why = format!("it has {parts} parts, a check takes {MAX_PARTS}");
        report.error(PlanRule::PlanSize, plan, None, why, "check it in pieces".to_owned());
        return report.done();
    }
    for (at, vpc) in request.vpcs.iter().enumerate() {
        if request.vpcs[..at].iter().any(|other| other.name == vpc.name) {
            report.duplicate(ThingKind::Vpc, &vpc.name);
        }
        check_vpc(&mut report, request, vpc);
    }
    peer::check_peers(&mut report, request);
    report.done()
}

fn parts(vpc: &VpcPlan) -> u64 {
    let clusters = vpc.clusters.iter().map(|c| 1 + c.node_vswitches.len() + c.pod_vswitches.len());
    let lists = vpc.blocks.len() + vpc.user_cidrs.len() + vpc.vswitches.len() + vpc.routed.len();
    (1 + lists + clusters.sum::<usize>()) as u64
}

/// The findings so far, and where suggestions come from.
pub(super) struct Report {
    findings: Vec<Finding>,
    truncated: bool,
    /// Private space that no block of the plan touches. Suggestions are taken from
    /// it, so that two of them never clash.
    private: Option<BlockAllocator>,
}

impl Report {
    fn new(request: &PlanRequest) -> Report {
        let mut used: Vec<Cidr4> = Vec::new();
        for vpc in &request.vpcs {
            used.extend(vpc.blocks.iter().chain(&vpc.user_cidrs));
            used.extend(vpc.vswitches.iter().map(|v| v.block).chain(vpc.routed.iter().map(|r| r.block)));
            used.extend(vpc.clusters.iter().flat_map(|c| c.pod_block.into_iter().chain([c.service_block])));
        }
        let private = BlockAllocator::new(subtract_all(&RFC1918, &used)).ok();
        Report { findings: Vec::new(), truncated: false, private }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS { self.findings.push(finding) } else { self.truncated = true }
    }

    pub(super) fn error(
        &mut self,
        rule: PlanRule,
        first: Thing,
        second: Option<Thing>,
        why: String,
        suggestion: String,
    ) {
        self.add(Finding { rule, severity: Severity::Error, first, second, why, suggestion });
    }

    pub(super) fn warning(
        &mut self,
        rule: PlanRule,
        first: Thing,
        second: Option<Thing>,
        why: String,
        suggestion: String,
    ) {
        self.add(Finding { rule, severity: Severity::Warning, first, second, why, suggestion });
    }

    pub(super) fn duplicate(&mut self, kind: ThingKind, name: &str) {
        let why = "the name is given twice".to_owned();
        self.error(PlanRule::Name, Thing::new(kind, name, None), None, why, "choose another name".to_owned());
    }

    /// Words for a private block of the length, or of the next that is free.
    pub(super) fn private_block(&mut self, len: u8) -> String {
        let found =
            self.private.as_mut().and_then(|p| (len.max(8)..=28).find_map(|len| p.allocate(len).ok()));
        match found {
            Some(block) => format!("{block} is clear of every block in the plan"),
            None => "no private space is left beside the plan; use smaller blocks".to_owned(),
        }
    }

    fn done(self) -> PlanReport {
        let errors = self.findings.iter().filter(|f| f.severity == Severity::Error).count();
        let warnings = self.findings.len() - errors;
        let more = if self.truncated { " or more" } else { "" };
        let why = match (errors, warnings) {
            (0, 0) => "nothing is in conflict".to_owned(),
            _ => {
                let (errors, warnings) =
                    (counted(errors as u64, "error"), counted(warnings as u64, "warning"));
                format!("{errors}, {warnings}{more}")
            }
        };
        PlanReport { fine: errors == 0, why, findings: self.findings, truncated: self.truncated }
    }
}

/// The name of a part of a VPC.
pub(super) fn inside(vpc: &VpcPlan, name: &str) -> String {
    format!("{}/{name}", vpc.name)
}

pub(super) fn vpc_thing(vpc: &VpcPlan, block: Cidr4) -> Thing {
    Thing::new(ThingKind::Vpc, &vpc.name, Some(block.into()))
}

pub(super) fn vswitch_thing(vpc: &VpcPlan, vswitch: &VSwitchPlan) -> Thing {
    Thing::new(ThingKind::VSwitch, &inside(vpc, &vswitch.name), Some(vswitch.block.into()))
}

pub(super) fn cluster_thing(
    vpc: &VpcPlan,
    cluster: &ClusterPlan,
    kind: ThingKind,
    block: Option<Cidr>,
) -> Thing {
    Thing::new(kind, &inside(vpc, &cluster.name), block)
}

/// A cluster's blocks outside the VPC, with what they are.
pub(super) fn cluster_blocks(vpc: &VpcPlan, cluster: &ClusterPlan) -> Vec<(Cidr4, Thing)> {
    let pod = cluster.pod_block.map(|block| (block, ThingKind::PodBlock));
    let blocks = pod.into_iter().chain([(cluster.service_block, ThingKind::ServiceBlock)]);
    blocks.map(|(block, kind)| (block, cluster_thing(vpc, cluster, kind, Some(block.into())))).collect()
}

pub(super) const OVERLAP: &str = "they overlap";

fn check_vpc(report: &mut Report, request: &PlanRequest, vpc: &VpcPlan) {
    check_vpc_blocks(report, request, vpc);
    check_user_cidrs(report, vpc);
    check_vswitches(report, vpc);
    check_ipv6(report, vpc);
    cluster::check_clusters(report, request, vpc);
}

/// What a broken block rule is at odds with, and what would pass.
fn broken(error: &RuleError) -> (Option<Thing>, String) {
    match error {
        RuleError::Length { passes, .. } => (None, format!("{passes} has a length that passes")),
        RuleError::Forbidden { range, purpose, passes, .. } => {
            let range = Thing::new(ThingKind::SpecialRange, purpose, Some((*range).into()));
            (Some(range), format!("{passes} would pass"))
        }
        RuleError::Outside { within, passes, .. } => {
            (Some(Thing::new(ThingKind::Vpc, "", Some((*within).into()))), format!("{passes} lies inside"))
        }
        other => (None, other.to_string()),
    }
}

fn check_vpc_blocks(report: &mut Report, request: &PlanRequest, vpc: &VpcPlan) {
    if vpc.blocks.is_empty() {
        let why = "it has no block".to_owned();
        let suggestion = report.private_block(16);
        report.error(PlanRule::VpcBlock, Thing::new(ThingKind::Vpc, &vpc.name, None), None, why, suggestion);
    }
    for (at, block) in vpc.blocks.iter().enumerate() {
        let result = if at == 0 {
            reserved::check_vpc_block(*block)
        } else {
            reserved::check_secondary_block(*block, request.secondary_length_min, &[])
        };
        if let Err(error) = result {
            let (second, suggestion) = broken(&error);
            report.error(PlanRule::VpcBlock, vpc_thing(vpc, *block), second, error.to_string(), suggestion);
        }
        for other in vpc.blocks[..at].iter().filter(|other| other.overlaps(*block)) {
            let suggestion = report.private_block(block.prefix_len());
            let (first, second) = (vpc_thing(vpc, *block), Some(vpc_thing(vpc, *other)));
            report.error(PlanRule::VpcBlocksDisjoint, first, second, OVERLAP.to_owned(), suggestion);
        }
        check_public(report, request, vpc, *block);
    }
}

/// Only matters where traffic leaves the VPC privately, or for clusters.
fn check_public(report: &mut Report, request: &PlanRequest, vpc: &VpcPlan, block: Cidr4) {
    let peered = request.peers.iter().any(|peer| peer.a == vpc.name || peer.b == vpc.name);
    let covered = vpc.user_cidrs.iter().any(|user| user.contains(block));
    if reserved::is_private(block) || reserved::forbidden_range(block).is_some() {
        return;
    }
    if !vpc.clusters.is_empty() {
        let why = "a block outside RFC 1918 needs a whitelist entry before clusters are made".to_owned();
        let suggestion = report.private_block(block.prefix_len());
        report.warning(PlanRule::VpcPublic, vpc_thing(vpc, block), None, why, suggestion);
    } else if peered && !covered {
        let why = "a block outside RFC 1918 counts as public: instances with a public address send it to the Internet".to_owned();
        let suggestion = format!("make {block} a user CIDR of the peers, or use an IPv4 gateway");
        report.warning(PlanRule::VpcPublic, vpc_thing(vpc, block), None, why, suggestion);
    }
}

fn check_user_cidrs(report: &mut Report, vpc: &VpcPlan) {
    let thing = |block: Option<Cidr>| Thing::new(ThingKind::UserCidr, &vpc.name, block);
    if vpc.user_cidrs.len() > reserved::USER_CIDR_MAX as usize {
        let why = format!("{} are given, at most 3 are allowed", vpc.user_cidrs.len());
        report.error(PlanRule::UserCidr, thing(None), None, why, "join them into wider ones".to_owned());
    }
    for block in &vpc.user_cidrs {
        if let Err(error) = reserved::check_user_cidr(*block) {
            let (second, suggestion) = broken(&error);
            report.error(
                PlanRule::UserCidr,
                thing(Some((*block).into())),
                second,
                error.to_string(),
                suggestion,
            );
        }
    }
}

fn check_vswitches(report: &mut Report, vpc: &VpcPlan) {
    let blocks: Vec<Cidr4> = vpc.vswitches.iter().map(|vswitch| vswitch.block).collect();
    let mut free = BlockAllocator::new(subtract_all(&vpc.blocks, &blocks)).ok();
    for (at, vswitch) in vpc.vswitches.iter().enumerate() {
        let thing = vswitch_thing(vpc, vswitch);
        if vpc.vswitches[..at].iter().any(|other| other.name == vswitch.name) {
            report.duplicate(ThingKind::VSwitch, &inside(vpc, &vswitch.name));
        }
        if let Err(error) = reserved::check_vswitch_block(vswitch.block, &vpc.blocks, &[]) {
            let (second, suggestion) = broken(&error);
            let second = second.map(|thing| match thing.kind {
                ThingKind::Vpc => Thing { name: vpc.name.clone(), ..thing },
                _ => thing,
            });
            report.error(PlanRule::VSwitchBlock, thing.clone(), second, error.to_string(), suggestion);
        }
        for other in vpc.vswitches[..at].iter().filter(|other| other.block.overlaps(vswitch.block)) {
            let len = vswitch.block.prefix_len();
            let found = free.as_mut().and_then(|free| free.allocate(len).ok());
            let suggestion = found.map_or_else(
                || format!("no /{len} is free in the VPC: add a secondary block, or use smaller vSwitches"),
                |block| format!("{block} is free in the VPC"),
            );
            let second = Some(vswitch_thing(vpc, other));
            report.error(PlanRule::VSwitchesDisjoint, thing.clone(), second, OVERLAP.to_owned(), suggestion);
        }
        for routed in vpc.routed.iter().filter(|routed| vswitch.block.contains(routed.block)) {
            let second = Thing::new(ThingKind::Routed, &inside(vpc, &routed.name), Some(routed.block.into()));
            let why = "a vSwitch must not equal or contain the destination of a route".to_owned();
            let suggestion = "route a wider block, or move the vSwitch".to_owned();
            report.error(PlanRule::VSwitchRoute, thing.clone(), Some(second), why, suggestion);
        }
    }
}

fn check_ipv6(report: &mut Report, vpc: &VpcPlan) {
    if let Some(block) = vpc.ipv6_block
        && let Err(error) = reserved::check_vpc_ipv6_block(block)
    {
        let thing = Thing::new(ThingKind::Vpc, &vpc.name, Some(block.into()));
        report.error(
            PlanRule::Ipv6,
            thing,
            None,
            error.to_string(),
            "a /56 is what a VPC is given".to_owned(),
        );
        return;
    }
    for (at, vswitch) in vpc.vswitches.iter().enumerate() {
        let Some(number) = vswitch.ipv6_subnet else { continue };
        let thing = Thing::new(ThingKind::VSwitch, &inside(vpc, &vswitch.name), None);
        let Some(block) = vpc.ipv6_block else {
            let why = "it has an IPv6 subnet number, but the VPC has no IPv6 block".to_owned();
            report.error(PlanRule::Ipv6, thing, None, why, "give the VPC an IPv6 block".to_owned());
            continue;
        };
        if let Err(error) = reserved::vswitch_ipv6_block(block, number) {
            let suggestion = "choose a smaller number".to_owned();
            report.error(PlanRule::Ipv6, thing.clone(), None, error.to_string(), suggestion);
        }
        if let Some(other) = vpc.vswitches[..at].iter().find(|other| other.ipv6_subnet == Some(number)) {
            let second = Some(Thing::new(ThingKind::VSwitch, &inside(vpc, &other.name), None));
            let used = |n: &u32| vpc.vswitches.iter().any(|v| v.ipv6_subnet == Some(*n));
            let free = reserved::max_subnet_number(block).ok().and_then(|max| (0..=max).find(|n| !used(n)));
            let suggestion = free.map_or("no number is free".to_owned(), |n| format!("number {n} is free"));
            report.error(
                PlanRule::Ipv6,
                thing,
                second,
                format!("both have IPv6 subnet number {number}"),
                suggestion,
            );
        }
    }
}
