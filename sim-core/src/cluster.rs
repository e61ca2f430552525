//! What is seen of a Kubernetes cluster in the network: the objects that carry its tag.
//!
//! ACK puts the tag `ack.aliyun.com` with the cluster's id on what it makes for a cluster, and its components find their
//! objects by it (provider documentation: "Cloud resources used by ACK clusters"; `ClusterTagKey` of the cloud controller
//! manager). There is no object for the cluster itself: it is there as long as something carries its tag.

use crate::access::{Caller, Owner, ZoneId};
use crate::cidr::Cidr4;
use crate::ecs::instance::Instance;
use crate::ecs::security_group::SecurityGroup;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, IdKind, InstanceId, ResourceGroupId, SecurityGroupId, VSwitchId, VpcId};
use crate::region;
use crate::slb::load_balancer::LoadBalancer;
use crate::tag::TagPair;
use crate::time::SimTime;
use crate::vpc::route_entry::RouteEntry;
use crate::vpc::vpc::Vpc;
use crate::vpc::vswitch::VSwitch;
use crate::world::World;
use compact_str::CompactString;
use std::collections::BTreeSet;

/// The key of the tag whose value is the cluster's id.
pub const CLUSTER_TAG: &str = "ack.aliyun.com";

/// A cluster as its tagged objects show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Whose it is, and in which region.
    pub owner: Owner,
    /// The VPC of its objects.
    pub vpc: VpcId,
    /// Its vSwitches: those that carry the tag, else those of its nodes, else that of its load balancer.
    pub vswitches: Vec<VSwitchId>,
    /// The zone of the first node, else of the first vSwitch; absent without either.
    pub zone: Option<ZoneId>,
    /// Its nodes: the instances that carry the tag.
    pub nodes: Vec<InstanceId>,
    /// The first security group of the VPC that carries the tag.
    pub security_group: Option<SecurityGroupId>,
    /// The smallest block over the IPv4 routes to its nodes, which are the blocks of their pods with Flannel; absent without
    /// such routes, as with Terway.
    pub pods: Option<Cidr4>,
    /// The resource group of its VPC.
    pub resource_group: ResourceGroupId,
    /// When the first of its objects was made.
    pub created: SimTime,
}

/// The account's cluster with an id, in the caller's region or else in any other: ids are unique across regions.
///
/// # Errors
/// [`ErrorCode::ClusterNotFound`] if nothing in a VPC carries its tag.
pub fn find(w: &World, caller: &Caller, id: &str) -> Outcome<Cluster> {
    let own = std::iter::once(caller.region.clone());
    let regions = own.chain(region::regions(w).into_iter().filter(|other| *other != caller.region));
    let mut clusters = regions.filter_map(|region| {
        let there = Caller { region, ..caller.clone() };
        of_tagged(w, &there, &Tagged::find(w, &there, id))
    });
    clusters.next().ok_or_else(|| {
        Refusal::new(ErrorCode::ClusterNotFound)
            .field("cluster_id")
            .given(id)
            .accepted(format!("the value of the tag {CLUSTER_TAG} of an object in a VPC"))
    })
}

/// The objects that carry one cluster's tag in one region, each kind in the order of its ids.
struct Tagged<'a> {
    vpcs: Vec<&'a Vpc>,
    vswitches: Vec<&'a VSwitch>,
    nodes: Vec<&'a Instance>,
    groups: Vec<&'a SecurityGroup>,
    balancers: Vec<&'a LoadBalancer>,
}

impl<'a> Tagged<'a> {
    fn find(w: &'a World, caller: &Caller, id: &str) -> Self {
        let tag = TagPair { key: CLUSTER_TAG.into(), value: CompactString::from(id) };
        let of = |kind: IdKind| -> Vec<AnyId> {
            // An empty value would fit every cluster.
            if id.is_empty() {
                Vec::new()
            } else {
                w.indexes().tags.tagged(caller, kind, &tag).after(None).copied().collect()
            }
        };
        macro_rules! rows {
            ($kind:ident) => {
                of(IdKind::$kind).into_iter().filter_map(|id| w.get(&id.try_into().ok()?)).collect()
            };
        }
        Self {
            vpcs: rows!(Vpc),
            vswitches: rows!(VSwitch),
            nodes: rows!(Instance),
            groups: rows!(SecurityGroup),
            balancers: rows!(LoadBalancer),
        }
    }

    /// The VPC that the most telling of them lies in.
    fn vpc(&self) -> Option<VpcId> {
        let of_vswitches = self.vswitches.iter().map(|s| s.vpc);
        let of_nodes = self.nodes.iter().map(|i| i.vpc);
        let of_groups = self.groups.iter().map(|g| g.vpc);
        let of_balancers = self.balancers.iter().filter_map(|b| b.home.as_ref().map(|home| home.vpc));
        let vpcs = self.vpcs.iter().map(|v| v.id);
        vpcs.chain(of_nodes).chain(of_vswitches).chain(of_groups).chain(of_balancers).next()
    }

    fn created(&self) -> Option<SimTime> {
        let (vpcs, vswitches) =
            (self.vpcs.iter().map(|v| v.created), self.vswitches.iter().map(|s| s.created));
        let (nodes, groups) = (self.nodes.iter().map(|i| i.created), self.groups.iter().map(|g| g.created));
        vpcs.chain(vswitches).chain(nodes).chain(groups).chain(self.balancers.iter().map(|b| b.created)).min()
    }
}

fn of_tagged(w: &World, caller: &Caller, tagged: &Tagged<'_>) -> Option<Cluster> {
    let vpc = w.get::<Vpc>(&tagged.vpc()?)?;
    // What carries the tag in another VPC is none of its parts.
    let here: Vec<&Instance> = tagged.nodes.iter().copied().filter(|i| i.vpc == vpc.id).collect();
    let mut vswitches: Vec<VSwitchId> =
        tagged.vswitches.iter().filter(|s| s.vpc == vpc.id).map(|s| s.id).collect();
    if vswitches.is_empty() {
        vswitches = here.iter().map(|i| i.vswitch).collect::<BTreeSet<_>>().into_iter().collect();
    }
    if vswitches.is_empty() {
        let homes = tagged.balancers.iter().filter_map(|b| b.home.as_ref());
        vswitches = homes.filter(|home| home.vpc == vpc.id).map(|home| home.vswitch).take(1).collect();
    }
    let of_vswitch = || vswitches.first().and_then(|id| w.get::<VSwitch>(id)).map(|s| s.zone.clone());
    Some(Cluster {
        owner: caller.into(),
        zone: here.first().map(|i| i.zone.clone()).or_else(of_vswitch),
        nodes: here.iter().map(|i| i.id).collect(),
        security_group: tagged.groups.iter().find(|g| g.vpc == vpc.id).map(|g| g.id),
        pods: pods(w, &here),
        resource_group: vpc.resource_group,
        created: tagged.created()?,
        vswitches,
        vpc: vpc.id,
    })
}

/// The smallest block over the IPv4 routes to the nodes.
fn pods(w: &World, nodes: &[&Instance]) -> Option<Cidr4> {
    let entries = nodes.iter().flat_map(|node| w.indexes().route_entries.by_next_hop.of(&node.id.into()));
    let blocks = entries.filter_map(|id| w.get::<RouteEntry>(id)?.destination.v4());
    blocks.reduce(Cidr4::spanning)
}
