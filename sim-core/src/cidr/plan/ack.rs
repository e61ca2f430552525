//! How many nodes and pods a container network holds.
//!
//! Source: the provider's container service planning pages and Terway.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::bad_input::BadInput;
use super::{counted, default_route_quota, yes_no};
use crate::catalog::instance_type;
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FlannelRequest {
    /// The pod block of the cluster.
    pub pod_block: Cidr4,
    /// Length of a node's part, 24 to 28.
    #[serde(default = "node_len")]
    #[cfg_attr(feature = "openapi", schema(minimum = 24, maximum = 28))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
///
/// # Errors
/// A node length outside 24 to 28.
pub fn flannel(request: &FlannelRequest) -> Result<FlannelPlan, BadInput> {
    let (pod_len, node_len) = (request.pod_block.prefix_len(), request.node_len);
    if !NODE_LENGTHS.contains(&node_len) {
        return Err(BadInput::new(
            "node_len",
            format!("/{node_len} is no length of a node's part"),
            "24 to 28",
        ));
    }
    if pod_len > node_len {
        let why = format!("{} has no room for one node of /{node_len}", request.pod_block);
        return Ok(FlannelPlan {
            possible: false,
            why,
            max_nodes: 0,
            node_cap: 0,
            pods_per_node: 0,
            pods: 0,
        });
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
    let why = format!("{} with {pods_per_node} pods each, limited by {limit}", counted(node_cap, "node"));
    let possible = wanted <= node_cap;
    let why = if possible { why } else { format!("{} wanted, but {why}", counted(wanted, "node")) };
    Ok(FlannelPlan { possible, why, max_nodes, node_cap, pods_per_node, pods: node_cap * pods_per_node })
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TerwayRequest {
    /// How pods get addresses.
    pub mode: TerwayMode,
    /// The nodes' instance type, such as `ecs.g7.large`; or its limits in `instance`.
    #[serde(default)]
    pub instance_type: Option<String>,
    /// The limits of the nodes' instance type, for one that the catalogue does not have.
    #[serde(default)]
    pub instance: Option<InstanceTypeLimits>,
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
///
/// # Errors
/// No instance type, an unknown one, or limits that none has; pod vSwitches that are none or overlap.
pub fn terway(request: &TerwayRequest) -> Result<TerwayPlan, BadInput> {
    let limits = limits(request)?;
    check_pod_vswitches(&request.pod_vswitches)?;
    let mut plan = TerwayPlan {
        possible: false,
        why: String::new(),
        pods_per_node: 0,
        addresses_per_node: 0,
        addresses: 0,
        node_cap: None,
        notes: Vec::new(),
    };
    plan.addresses = request.pod_vswitches.iter().map(|b| usable_addresses(b.prefix_len())).sum();
    match pods_per_node(request, limits) {
        Ok(pods) => plan.pods_per_node = pods,
        Err(why) => return Ok(TerwayPlan { why, ..plan }),
    }
    plan.addresses_per_node = addresses_per_node(request, limits, plan.pods_per_node);
    plan.node_cap = node_cap(request, limits, plan.addresses, plan.addresses_per_node);
    notes(request, limits, &mut plan);
    let wanted = u64::from(request.nodes.unwrap_or(1));
    plan.possible = plan.node_cap.is_none_or(|cap| wanted <= cap);
    plan.why = match plan.node_cap {
        None => format!("{} on each node", counted(plan.pods_per_node, "pod")),
        Some(cap) if plan.possible => {
            format!(
                "{} on each node, the pod vSwitches hold {}",
                counted(plan.pods_per_node, "pod"),
                counted(cap, "full node")
            )
        }
        Some(cap) => format!(
            "{} wanted, the pod vSwitches hold {cap}: {} each, {} usable",
            counted(wanted, "full node"),
            counted(plan.addresses_per_node, "address"),
            plan.addresses
        ),
    };
    Ok(plan)
}

/// The limits of the nodes' type: from the catalogue or as given.
fn limits(request: &TerwayRequest) -> Result<InstanceTypeLimits, BadInput> {
    let limits = match (&request.instance_type, request.instance) {
        (Some(id), None) => {
            let known = instance_type(id).ok_or_else(|| {
                let id = crate::error::beginning(id);
                let why = format!("{id} is not in the catalogue");
                BadInput::new("instance_type", why, "a known type such as ecs.g7.large, or its limits")
            })?;
            InstanceTypeLimits {
                eni: known.eni_quantity.into(),
                ipv4_per_eni: known.ipv4_per_eni.into(),
                ipv6_per_eni: known.ipv6_per_eni.into(),
                eni_total: Some(known.eni_total.into()),
                trunk: known.trunk,
            }
        }
        (None, Some(limits)) => limits,
        (None, None) => {
            return Err(BadInput::new("instance_type", "no type is given", "a type such as ecs.g7.large"));
        }
        (Some(_), Some(_)) => {
            let why = "an instance type is given too";
            return Err(BadInput::new("instance", why, "a type or its limits"));
        }
    };
    let figures = [limits.eni, limits.ipv4_per_eni, limits.ipv6_per_eni].into_iter().chain(limits.eni_total);
    match figures.max().filter(|figure| *figure > MAX_PER_TYPE) {
        None => Ok(limits),
        Some(large) => {
            let why = format!("{large} is more than any type has");
            Err(BadInput::new("instance", why, format!("limits up to {MAX_PER_TYPE}")))
        }
    }
}

fn check_pod_vswitches(blocks: &[Cidr4]) -> Result<(), BadInput> {
    for (at, block) in blocks.iter().enumerate() {
        let field = format!("pod_vswitches/{at}");
        if !VSWITCH_LENGTHS.contains(&block.prefix_len()) {
            return Err(BadInput::new(field, format!("{block} is no block of a vSwitch"), "a /16 to /29"));
        }
        if let Some(with) = blocks[..at].iter().find(|other| other.overlaps(*block)) {
            return Err(BadInput::new(field, format!("{block} overlaps {with}"), "disjoint blocks"));
        }
    }
    Ok(())
}

fn pods_per_node(request: &TerwayRequest, limits: InstanceTypeLimits) -> Result<u64, String> {
    let InstanceTypeLimits { eni, ipv4_per_eni, ipv6_per_eni, eni_total, trunk } = limits;
    let others = u64::from(eni.saturating_sub(1));
    if others == 0 && request.mode != TerwayMode::Trunk {
        return Err(format!(
            "a type with {} has none for pods, at least 2 are needed",
            counted(eni.into(), "interface")
        ));
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
        TerwayMode::Prefix => others * prefixes_per_eni(limits) * PODS_PER_PREFIX,
    };
    if pods == 0 {
        return Err("the type leaves no address for a pod".to_owned());
    }
    Ok(pods)
}

/// The primary address takes one of an interface's places; a prefix takes one too.
fn prefixes_per_eni(limits: InstanceTypeLimits) -> u64 {
    u64::from(limits.ipv4_per_eni.saturating_sub(1))
}

fn addresses_per_node(request: &TerwayRequest, limits: InstanceTypeLimits, pods: u64) -> u64 {
    let others = u64::from(limits.eni.saturating_sub(1));
    // In prefix mode the interfaces' own addresses come on top of the prefixes.
    if request.mode == TerwayMode::Prefix { pods + others } else { pods }
}

fn node_cap(
    request: &TerwayRequest,
    limits: InstanceTypeLimits,
    addresses: u64,
    per_node: u64,
) -> Option<u64> {
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
    let others = u64::from(limits.eni.saturating_sub(1));
    let fits = |nodes: u64| {
        let single = (nodes * others).saturating_sub(edges).div_ceil(PODS_PER_PREFIX);
        nodes * others * prefixes_per_eni(limits) + single <= prefixes
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

fn notes(request: &TerwayRequest, limits: InstanceTypeLimits, plan: &mut TerwayPlan) {
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
