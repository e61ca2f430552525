//! How many nodes and pods a container network holds.
//!
//! Source: the provider's container service planning pages and Terway.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{default_route_quota, yes_no};
use crate::cidr::block::Cidr4;
use crate::cidr::reserved::{VSWITCH_LENGTHS, usable_addresses};

/// Lengths of one node's part of a Flannel pod block.
pub const NODE_LENGTHS: std::ops::RangeInclusive<u8> = 24..=28;
/// Terway gives pods whole interfaces only on nodes with more interfaces than this.
const EXCLUSIVE_ENI_ABOVE: u32 = 6;
/// Pods of one /28.
const PODS_PER_PREFIX: u64 = 16;
/// Below this many pods a shared-interface node is commonly not admitted.
const SHARED_PODS_COMMON_MIN: u64 = 12;
/// No instance type comes near this many interfaces or addresses of one.
const MAX_PER_TYPE: u32 = 1_000;

/// A Flannel cluster: every node takes a part of the pod block and one route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlannelRequest {
    /// The pod block of the cluster.
    pub pod_block: Cidr4,
    /// Length of a node's part, 24 to 28.
    #[serde(default = "node_len")]
    pub node_len: u8,
    /// Nodes wanted.
    #[serde(default)]
    pub nodes: Option<u32>,
    /// Custom entries that the route table may have.
    #[serde(default = "default_route_quota")]
    pub route_quota: u32,
    /// Custom entries it has for other purposes.
    #[serde(default)]
    pub other_routes: u32,
}

pub(super) fn node_len() -> u8 {
    24
}

/// What a Flannel cluster holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlannelPlan {
    /// Whether at least one node, and the nodes wanted, fit.
    pub possible: bool,
    /// Why, or why not.
    pub why: String,
    /// Nodes by addresses: 2^(node length - pod length).
    pub max_nodes: u64,
    /// Nodes by addresses and routes.
    pub node_cap: u64,
    /// Pods of a node: 2^(32 - node length), gross.
    pub pods_per_node: u64,
    /// Pods of all nodes under the cap.
    pub pods: u64,
}

/// The arithmetic of a Flannel cluster.
pub fn flannel(request: &FlannelRequest) -> FlannelPlan {
    let (pod_len, node_len) = (request.pod_block.prefix_len(), request.node_len);
    let refuse =
        |why| FlannelPlan { possible: false, why, max_nodes: 0, node_cap: 0, pods_per_node: 0, pods: 0 };
    if !NODE_LENGTHS.contains(&node_len) {
        return refuse(format!("node_len: {node_len} is outside 24 to 28"));
    }
    if pod_len > node_len {
        return refuse(format!("{} has no room for one node of /{node_len}", request.pod_block));
    }
    let max_nodes = 1u64 << (node_len - pod_len);
    let routes = u64::from(request.route_quota.saturating_sub(request.other_routes));
    let node_cap = max_nodes.min(routes);
    let pods_per_node = 1u64 << (32 - node_len);
    let wanted = u64::from(request.nodes.unwrap_or(1));
    let limit = if routes < max_nodes {
        format!("routes: {} less {} in use", request.route_quota, request.other_routes)
    } else {
        format!("addresses: {} in parts of /{node_len}", request.pod_block)
    };
    let why = format!("{node_cap} nodes with {pods_per_node} pods each, limited by {limit}");
    let possible = wanted <= node_cap;
    let why = if possible { why } else { format!("{wanted} nodes are wanted, but {why}") };
    FlannelPlan { possible, why, max_nodes, node_cap, pods_per_node, pods: node_cap * pods_per_node }
}

impl fmt::Display for FlannelPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", yes_no(self.possible), self.why)?;
        write!(f, "\nnodes by addresses {}, node cap {}, ", self.max_nodes, self.node_cap)?;
        write!(f, "pods per node {}, pods {}", self.pods_per_node, self.pods)
    }
}

/// What an instance type allows, from the table of instance types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceTypeLimits {
    /// Interfaces with the primary one (EniQuantity).
    pub eni: u32,
    /// IPv4 addresses of an interface with its primary one (EniPrivateIpAddressQuantity).
    pub ipv4_per_eni: u32,
    /// IPv6 addresses of an interface (EniIpv6AddressQuantity).
    #[serde(default)]
    pub ipv6_per_eni: u32,
    /// Interfaces with trunk members (EniTotalQuantity); absent: as `eni`.
    #[serde(default)]
    pub eni_total: Option<u32>,
    /// Whether a trunk interface is supported (EniTrunkSupported).
    #[serde(default)]
    pub trunk: bool,
}

/// How Terway gives addresses to pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TerwayMode {
    /// Secondary addresses of shared interfaces.
    SharedEni,
    /// An interface for each pod.
    ExclusiveEni,
    /// A member interface of the trunk for each pod.
    Trunk,
    /// /28 prefixes of shared interfaces.
    Prefix,
}

/// A Terway cluster of nodes of one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerwayRequest {
    /// How pods get addresses.
    pub mode: TerwayMode,
    /// The nodes' instance type.
    pub instance: InstanceTypeLimits,
    /// The pod vSwitches, /16 to /29, empty of other things; none: addresses are not counted.
    #[serde(default)]
    pub pod_vswitches: Vec<Cidr4>,
    /// Nodes wanted.
    #[serde(default)]
    pub nodes: Option<u32>,
    /// Whether pods get an IPv6 address too.
    #[serde(default)]
    pub dual_stack: bool,
}

/// What a Terway cluster holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerwayPlan {
    /// Whether the mode works on the type and the nodes wanted fit.
    pub possible: bool,
    /// Why, or why not.
    pub why: String,
    /// Pods of a node.
    pub pods_per_node: u64,
    /// Addresses that a full node takes from the pod vSwitches.
    pub addresses_per_node: u64,
    /// Usable addresses of the pod vSwitches; 0 when none are given.
    pub addresses: u64,
    /// Full nodes that the pod vSwitches hold; absent when none are given.
    pub node_cap: Option<u64>,
    /// Things worth knowing that do not decide.
    pub notes: Vec<String>,
}

/// The arithmetic of a Terway cluster. Every node is counted with all its pods.
pub fn terway(request: &TerwayRequest) -> TerwayPlan {
    let mut plan = TerwayPlan {
        possible: false,
        why: String::new(),
        pods_per_node: 0,
        addresses_per_node: 0,
        addresses: 0,
        node_cap: None,
        notes: Vec::new(),
    };
    match pods_per_node(request) {
        Ok(pods) => plan.pods_per_node = pods,
        Err(why) => return TerwayPlan { why, ..plan },
    }
    for (at, block) in request.pod_vswitches.iter().enumerate() {
        if !VSWITCH_LENGTHS.contains(&block.prefix_len()) {
            let why = format!("pod_vswitches[{at}]: {block} is not a /16 to /29");
            return TerwayPlan { why, ..plan };
        }
        if let Some(with) = request.pod_vswitches[..at].iter().find(|other| other.overlaps(*block)) {
            let why = format!("pod_vswitches[{at}]: {block} overlaps {with}");
            return TerwayPlan { why, ..plan };
        }
    }
    plan.addresses_per_node = addresses_per_node(request, plan.pods_per_node);
    plan.addresses = request.pod_vswitches.iter().map(|b| usable_addresses(b.prefix_len())).sum();
    plan.node_cap = node_cap(request, plan.addresses, plan.addresses_per_node);
    notes(request, &mut plan);
    let wanted = u64::from(request.nodes.unwrap_or(1));
    plan.possible = plan.node_cap.is_none_or(|cap| wanted <= cap);
    plan.why = match plan.node_cap {
        None => format!("{} pods on each node", plan.pods_per_node),
        Some(cap) if plan.possible => {
            format!("{} pods on each node, the pod vSwitches hold {cap} full nodes", plan.pods_per_node)
        }
        Some(cap) => format!(
            "{wanted} full nodes are wanted, the pod vSwitches hold {cap}: {} addresses each, {} usable",
            plan.addresses_per_node, plan.addresses
        ),
    };
    plan
}

fn pods_per_node(request: &TerwayRequest) -> Result<u64, String> {
    let InstanceTypeLimits { eni, ipv4_per_eni, ipv6_per_eni, eni_total, trunk } = request.instance;
    if let Some(large) =
        [eni, ipv4_per_eni, ipv6_per_eni].into_iter().chain(eni_total).find(|n| *n > MAX_PER_TYPE)
    {
        return Err(format!("instance: {large} is more than {MAX_PER_TYPE}, which no type has"));
    }
    let others = u64::from(eni.saturating_sub(1));
    if others == 0 && request.mode != TerwayMode::Trunk {
        return Err(format!("a type with {eni} interfaces has none for pods, at least 2 are needed"));
    }
    let pods = match request.mode {
        TerwayMode::SharedEni if request.dual_stack && ipv6_per_eni != ipv4_per_eni => {
            return Err(format!(
                "dual stack on shared interfaces needs as many IPv6 as IPv4 addresses, the type has {ipv6_per_eni} and {ipv4_per_eni}"
            ));
        }
        TerwayMode::SharedEni => others * u64::from(ipv4_per_eni),
        TerwayMode::ExclusiveEni if eni <= EXCLUSIVE_ENI_ABOVE => {
            return Err(format!(
                "an interface for each pod needs a type with more than 6 interfaces, it has {eni}"
            ));
        }
        TerwayMode::ExclusiveEni => others,
        TerwayMode::Trunk if !trunk => return Err("the type does not support a trunk interface".to_owned()),
        TerwayMode::Trunk => u64::from(eni_total.unwrap_or(eni).saturating_sub(eni)),
        TerwayMode::Prefix => others * prefixes_per_eni(request) * PODS_PER_PREFIX,
    };
    if pods == 0 {
        return Err("the type leaves no address for a pod".to_owned());
    }
    Ok(pods)
}

/// The primary address takes one of an interface's places; a prefix takes one too.
fn prefixes_per_eni(request: &TerwayRequest) -> u64 {
    u64::from(request.instance.ipv4_per_eni.saturating_sub(1))
}

fn addresses_per_node(request: &TerwayRequest, pods: u64) -> u64 {
    let others = u64::from(request.instance.eni.saturating_sub(1));
    // In prefix mode the interfaces' own addresses come on top of the prefixes.
    if request.mode == TerwayMode::Prefix { pods + others } else { pods }
}

fn node_cap(request: &TerwayRequest, addresses: u64, per_node: u64) -> Option<u64> {
    if request.pod_vswitches.is_empty() {
        return None;
    }
    if request.mode != TerwayMode::Prefix {
        return Some(addresses / per_node);
    }
    // The first and last /28 of a vSwitch hold kept addresses, so they can only serve
    // the interfaces themselves; what those need beyond that cuts into the prefixes.
    let edges: u64 = request.pod_vswitches.iter().map(|b| edge_addresses(b.prefix_len())).sum();
    let prefixes: u64 = request.pod_vswitches.iter().map(|b| whole_prefixes(b.prefix_len())).sum();
    let others = u64::from(request.instance.eni.saturating_sub(1));
    let fits = |nodes: u64| {
        let single = (nodes * others).saturating_sub(edges).div_ceil(PODS_PER_PREFIX);
        nodes * others * prefixes_per_eni(request) + single <= prefixes
    };
    let (mut low, mut high) = (0u64, prefixes + 1);
    while high - low > 1 {
        let middle = low.midpoint(high);
        if fits(middle) { low = middle } else { high = middle }
    }
    Some(low)
}

/// /28s of a vSwitch without a kept address.
fn whole_prefixes(len: u8) -> u64 {
    1u64.checked_shl(u32::from(28u8.saturating_sub(len))).map_or(0, |all| all.saturating_sub(2))
}

/// Usable addresses of a vSwitch outside of those /28s.
fn edge_addresses(len: u8) -> u64 {
    usable_addresses(len) - whole_prefixes(len) * PODS_PER_PREFIX
}

fn notes(request: &TerwayRequest, plan: &mut TerwayPlan) {
    let limits = request.instance;
    if request.mode == TerwayMode::SharedEni && plan.pods_per_node < SHARED_PODS_COMMON_MIN {
        let pods = plan.pods_per_node;
        plan.notes
            .push(format!("{pods} pods may be too few: nodes are commonly admitted with more than 11 only"));
    }
    if request.mode == TerwayMode::Trunk {
        let bound = limits.eni_total.unwrap_or(limits.eni).saturating_sub(2);
        plan.notes.push(format!("upper bound by the total of interfaces: {bound} pods"));
    }
    if request.mode == TerwayMode::Prefix && request.dual_stack {
        plan.notes.push("every interface takes one IPv6 prefix as well".to_owned());
    }
}

impl fmt::Display for TerwayPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", yes_no(self.possible), self.why)?;
        self.notes.iter().try_for_each(|note| write!(f, "\nnote: {note}"))
    }
}
