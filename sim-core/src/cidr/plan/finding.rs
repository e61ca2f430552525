//! What a check of a plan finds.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::yes_no;
use crate::cidr::block::Cidr;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The plan cannot be built, or will not work.
    Error,
    /// It can be built, with a drawback.
    Warning,
}

/// The rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PlanRule {
    /// The plan has more parts than a check takes.
    PlanSize,
    /// Names are unique within their kind, and a reference names something.
    Name,
    /// A VPC block is /8 to /28 (secondary: /16 to /28) and clear of the special ranges.
    VpcBlock,
    /// The blocks of one VPC are disjoint.
    VpcBlocksDisjoint,
    /// A block outside RFC 1918 counts as public unless a user CIDR covers it, and
    /// needs a whitelist entry for clusters.
    VpcPublic,
    /// At most three user CIDRs, clear of 100.64.0.0/10.
    UserCidr,
    /// A vSwitch is /16 to /29, inside one VPC block and clear of the special ranges.
    VSwitchBlock,
    /// The vSwitches of one VPC are disjoint.
    VSwitchesDisjoint,
    /// IPv6 blocks: /52, /56 or /60 for a VPC, one subnet number for each vSwitch.
    Ipv6,
    /// A vSwitch neither equals nor contains the destination of a custom route.
    VSwitchRoute,
    /// Peers talk only where their blocks are disjoint.
    PeersDisjoint,
    /// A Flannel pod block is clear of VPC blocks.
    PodVpc,
    /// Pod and Service blocks are disjoint.
    PodService,
    /// Pod blocks of clusters in one VPC are disjoint.
    PodsDisjoint,
    /// Pod and Service blocks are clear of what is routed to other networks.
    ClusterRouted,
    /// A Service block is clear of VPC blocks.
    ServiceVpc,
    /// A cluster's blocks are clear of everything in a peered VPC.
    ClusterPeer,
    /// Pod and Service blocks are /16 to /24 in the console.
    ClusterBlockLength,
    /// A Flannel cluster has a pod block, and a node's part of it is /24 to /28.
    FlannelNodes,
    /// Flannel takes one custom route for each node.
    RouteQuota,
    /// Terway pod vSwitches: at least one, in every zone that has nodes.
    TerwayVSwitches,
    /// An IPv6 Service block is a unique local /112 to /120.
    ServiceIpv6,
}

/// What kind of thing a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ThingKind {
    /// A VPC or one of its blocks.
    Vpc,
    /// A user CIDR of a VPC.
    UserCidr,
    /// A vSwitch.
    VSwitch,
    /// A block routed to another network.
    Routed,
    /// A cluster.
    Cluster,
    /// A cluster's pod block.
    PodBlock,
    /// A cluster's Service block.
    ServiceBlock,
    /// A range with a purpose of its own.
    SpecialRange,
    /// A peering connection.
    Peering,
    /// The plan as a whole.
    Plan,
}

/// One side of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Thing {
    /// Its kind.
    pub kind: ThingKind,
    /// Its name; a vSwitch or cluster carries its VPC's name in front.
    pub name: String,
    /// The block in question, if it is one.
    pub block: Option<Cidr>,
}

impl Thing {
    pub(super) fn new(kind: ThingKind, name: &str, block: Option<Cidr>) -> Thing {
        Thing { kind, name: name.to_owned(), block }
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ThingKind::Vpc => "VPC",
            ThingKind::UserCidr => "user CIDR of VPC",
            ThingKind::VSwitch => "vSwitch",
            ThingKind::Routed => "routed block",
            ThingKind::Cluster => "cluster",
            ThingKind::PodBlock => "pod block of cluster",
            ThingKind::ServiceBlock => "Service block of cluster",
            ThingKind::SpecialRange => "range",
            ThingKind::Peering => "peering",
            ThingKind::Plan => "plan",
        };
        f.write_str(kind)?;
        if !self.name.is_empty() {
            write!(f, " {}", self.name)?;
        }
        self.block.map_or(Ok(()), |block| write!(f, " ({block})"))
    }
}

/// A broken rule: what is in conflict with what, and what would pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// The rule.
    pub rule: PlanRule,
    /// How bad it is.
    pub severity: Severity,
    /// What to change.
    pub first: Thing,
    /// What it is in conflict with, if it is not at odds with the rule alone.
    pub second: Option<Thing>,
    /// Why it is a conflict.
    pub why: String,
    /// What would pass.
    pub suggestion: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = if self.severity == Severity::Error { "error" } else { "warning" };
        write!(f, "{severity}: {}", self.first)?;
        if let Some(second) = &self.second {
            write!(f, " and {second}")?;
        }
        write!(f, ": {}", self.why)?;
        if !self.suggestion.is_empty() {
            write!(f, "\n  suggestion: {}", self.suggestion)?;
        }
        Ok(())
    }
}

/// All that a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanReport {
    /// Whether the plan can be built and works: no errors, perhaps warnings.
    pub fine: bool,
    /// Why, or why not.
    pub why: String,
    /// What was found, in the order of the plan.
    pub findings: Vec<Finding>,
    /// Whether there are more findings than are listed.
    pub truncated: bool,
}

impl fmt::Display for PlanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", yes_no(self.fine), self.why)?;
        self.findings.iter().try_for_each(|finding| write!(f, "\n{finding}"))?;
        if self.truncated { f.write_str("\n...") } else { Ok(()) }
    }
}
