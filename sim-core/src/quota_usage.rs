//! How much of each quota is in use: one line for each row of the quota table, which calls what the checks count with.
//!
//! A row of the table without a line here does not compile.

use crate::access::{Caller, Owner};
use crate::ecs::eni::Eni;
use crate::ecs::instance::Instance;
use crate::ecs::prefix_list::PrefixList;
use crate::ecs::security_group::{GroupKind, SecurityGroup};
use crate::ecs::security_group_rule::{Direction, weight};
use crate::error::Outcome;
use crate::id::AnyId;
use crate::quota::Quota;
use crate::slb::acl::AccessControlList;
use crate::slb::backend::Server;
use crate::slb::backend_places;
use crate::slb::listener::Listener;
use crate::slb::load_balancer::LoadBalancer;
use crate::slb::{listener, listener_access};
use crate::table::Groups;
use crate::tag::Tag;
use crate::vpc::ha_vip::{self, HaVip};
use crate::vpc::nat_gateway::{self, NatGateway};
use crate::vpc::network_acl::NetworkAcl;
use crate::vpc::route_table::{self, AssociateType, RouteTable};
use crate::vpc::vpc::Vpc;
use crate::vpc::vpc_peer;
use crate::vpc::{ha_vip_binding, ipv6_egress_rule, next_hop, router_interface, snat};
use crate::world::World;

/// Within what a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QuotaScope {
    /// One account in one region.
    Region,
    /// One VPC.
    Vpc,
    /// One route table.
    RouteTable,
    /// One security group.
    SecurityGroup,
    /// One prefix list.
    PrefixList,
    /// One access control list of load balancers.
    AccessControlList,
    /// One NAT gateway.
    NatGateway,
    /// One HaVip.
    HaVip,
    /// One network ACL.
    NetworkAcl,
    /// One instance.
    Instance,
    /// One network interface.
    Eni,
    /// One load balancer.
    LoadBalancer,
    /// One listener.
    Listener,
    /// One object of any kind.
    Resource,
    /// One request: nothing is in use between two of them.
    Call,
}

impl QuotaScope {
    /// The native wire's word.
    pub const fn text(self) -> &'static str {
        match self {
            QuotaScope::Region => "region",
            QuotaScope::Vpc => "vpc",
            QuotaScope::RouteTable => "route_table",
            QuotaScope::SecurityGroup => "security_group",
            QuotaScope::PrefixList => "prefix_list",
            QuotaScope::AccessControlList => "access_control_list",
            QuotaScope::NatGateway => "nat_gateway",
            QuotaScope::HaVip => "ha_vip",
            QuotaScope::NetworkAcl => "network_acl",
            QuotaScope::Instance => "instance",
            QuotaScope::Eni => "network_interface",
            QuotaScope::LoadBalancer => "load_balancer",
            QuotaScope::Listener => "listener",
            QuotaScope::Resource => "resource",
            QuotaScope::Call => "request",
        }
    }
}

/// How a quota is counted. A count of an object is absent where the quota does not hold for it.
enum Counter {
    Region(fn(&World, &Owner) -> u64),
    Vpc(fn(&World, &Vpc) -> u64),
    RouteTable(fn(&World, &RouteTable) -> u64),
    SecurityGroup(fn(&World, &SecurityGroup) -> Option<u64>),
    PrefixList(fn(&World, &PrefixList) -> u64),
    AccessControlList(fn(&World, &AccessControlList) -> u64),
    NatGateway(fn(&World, &NatGateway) -> u64),
    HaVip(fn(&World, &HaVip) -> u64),
    NetworkAcl(fn(&World, &NetworkAcl) -> u64),
    Instance(fn(&World, &Instance) -> u64),
    Eni(fn(&World, &Eni) -> u64),
    LoadBalancer(fn(&World, &LoadBalancer) -> u64),
    Listener(fn(&World, &Listener) -> u64),
    Resource(fn(&World, AnyId) -> u64),
    Call,
}

const fn counter(quota: Quota) -> Counter {
    match quota {
        Quota::VpcsPerRegion => Counter::Region(crate::vpc::vpc::counted),
        Quota::SecurityGroups => {
            Counter::Region(|w, owner| w.indexes().security_groups.by_owner.count(owner))
        }
        Quota::PrefixLists => Counter::Region(|w, owner| w.indexes().prefix_lists.by_owner.count(owner)),
        Quota::SecondaryEnis => {
            Counter::Region(|w, owner| w.indexes().enis.secondary.get(owner).copied().unwrap_or(0))
        }
        Quota::EipsPerAccount => Counter::Region(crate::vpc::eip::counted),
        // -- load balancers
        Quota::BackendsPerLoadBalancer => Counter::LoadBalancer(backend_places::counted),
        // Interfaces that serve by themselves count alike, each for itself.
        Quota::AttachmentsPerServer => {
            Counter::Instance(|w, instance| backend_places::attachments(w, Server::Instance(instance.id)))
        }
        Quota::ListenersPerLoadBalancer => {
            Counter::LoadBalancer(|w, b| w.indexes().listeners.by_load_balancer.count(&b.id))
        }
        Quota::ForwardingRulesPerListener => {
            Counter::Listener(|w, l| w.indexes().forwarding_rules.by_listener.count(&l.id))
        }
        Quota::DomainExtensionsPerListener => {
            Counter::Listener(|w, l| w.indexes().domain_extensions.by_listener.count(&l.id))
        }
        Quota::BackendsPerCall | Quota::ForwardingRulesPerCall => Counter::Call,
        Quota::LoadBalancers => Counter::Region(|w, owner| w.indexes().load_balancers.by_owner.count(owner)),
        Quota::VSwitchesPerVpc => Counter::Vpc(crate::vpc::vswitch::counted),
        Quota::SecondaryCidrsPerVpc => Counter::Vpc(|_, vpc| vpc.secondary.len() as u64),
        // The first block is the VPC's own; only those beyond it count.
        Quota::SecondaryIpv6CidrsPerVpc => Counter::Vpc(|_, vpc| (vpc.ipv6.len() as u64).saturating_sub(1)),
        Quota::ReservedIpv4PerVpc => Counter::Vpc(|w, vpc| reservations(w, vpc, true)),
        Quota::ReservedIpv6PerVpc => Counter::Vpc(|w, vpc| reservations(w, vpc, false)),
        Quota::UserCidrsPerVpc => Counter::Vpc(|_, vpc| vpc.user_cidrs.len() as u64),
        Quota::PrivateIpsPerVpc => {
            Counter::Vpc(|w, vpc| w.indexes().enis.addresses_in_vpc.get(&vpc.id).copied().unwrap_or(0))
        }
        // The system table does not count.
        Quota::RouteTablesPerVpc => {
            Counter::Vpc(|w, vpc| route_table::counted(w, vpc.id, AssociateType::VSwitch))
        }
        Quota::GatewayRouteTablesPerVpc => {
            Counter::Vpc(|w, vpc| route_table::counted(w, vpc.id, AssociateType::Gateway))
        }
        Quota::RouteEntriesPerTable => {
            Counter::RouteTable(|w, table| w.indexes().route_entries.customs.count(&table.id))
        }
        Quota::RulesPerGroup => Counter::SecurityGroup(|w, group| Some(weight(w, group.id))),
        Quota::GroupRulesPerGroup => Counter::SecurityGroup(|w, group| {
            let peers = w.indexes().security_group_rules.group_peers.get(&group.id).copied().unwrap_or(0);
            (group.kind == GroupKind::Basic).then_some(peers)
        }),
        Quota::AddressesPerBasicGroup => Counter::SecurityGroup(|w, group| {
            let held = w.indexes().enis.addresses_in_group.get(&group.id).copied().unwrap_or(0);
            (group.kind == GroupKind::Basic).then_some(held)
        }),
        Quota::EnisPerEnterpriseGroup => Counter::SecurityGroup(|w, group| {
            let members = w.indexes().enis.by_group.count(&group.id);
            (group.kind == GroupKind::Enterprise).then_some(members)
        }),
        // What a list may hold is what its users count with.
        Quota::PrefixListEntries => Counter::PrefixList(|_, list| u64::from(list.max_entries)),
        Quota::PrefixListAssociations => {
            Counter::PrefixList(|w, list| w.indexes().security_group_rules.by_list.count(&list.id))
        }
        Quota::GroupsPerEni => Counter::Eni(|_, eni| eni.groups.len() as u64),
        Quota::RulesPerEni => {
            Counter::Eni(|w, eni| eni.groups.iter().map(|&group| weight(w, group)).sum::<u64>())
        }
        Quota::ServerCertificates => {
            Counter::Region(|w, owner| w.indexes().server_certificates.by_owner.count(owner))
        }
        Quota::CaCertificates => {
            Counter::Region(|w, owner| w.indexes().ca_certificates.by_owner.count(owner))
        }
        Quota::TlsPolicies => Counter::Region(|w, owner| w.indexes().tls_policies.by_owner.count(owner)),
        Quota::AccessControlLists => {
            Counter::Region(|w, owner| w.indexes().access_control_lists.by_owner.count(owner))
        }
        Quota::ListenersPerAccessControlList => {
            Counter::AccessControlList(|w, acl| w.indexes().listeners.by_acl.count(&acl.id))
        }
        // What the listener with the most has: a listener is no object of its own for a quota.
        Quota::AclEntriesPerListener => Counter::LoadBalancer(|w, balancer| {
            let listeners = listener::of(w, balancer.id);
            listeners.map(|listener| listener_access::entries(w, listener)).max().unwrap_or(0)
        }),
        Quota::AccessControlListEntries => Counter::AccessControlList(|_, acl| acl.entries.len() as u64),
        Quota::NatGatewaysPerVpc => Counter::Vpc(|w, vpc| w.indexes().nat_gateways.by_vpc.count(&vpc.id)),
        Quota::EipsPerNatGateway => Counter::NatGateway(|w, gateway| gateway.eips(w).count() as u64),
        Quota::TrafficEipsPerNatGateway => Counter::NatGateway(nat_gateway::traffic_eips),
        Quota::SnatEntries => {
            Counter::NatGateway(|w, gateway| w.indexes().snat_entries.by_gateway.count(&gateway.id))
        }
        Quota::ForwardEntries => {
            Counter::NatGateway(|w, gateway| w.indexes().forward_entries.by_gateway.count(&gateway.id))
        }
        Quota::HaVipsPerAccount => Counter::Region(ha_vip::counted),
        Quota::HaVipsPerInstance => {
            Counter::Instance(|w, instance| ha_vip_binding::held(w, Some(instance.id)))
        }
        Quota::BindingsPerHaVip => Counter::HaVip(|_, vip| vip.bound.len() as u64),
        Quota::HaVipsPerVpc => Counter::Vpc(|w, vpc| w.indexes().ha_vips.by_vpc.count(&vpc.id)),
        Quota::HaVipRouteEntries => {
            Counter::RouteTable(|w, table| next_hop::ha_vip_entries(w, table.id).count() as u64)
        }
        // What the largest entry has: an entry is no object of its own for a quota.
        Quota::EipsPerSnatEntry => Counter::NatGateway(|w, gateway| {
            snat::of_gateway(w, gateway.id).map(|entry| entry.eips.len() as u64).max().unwrap_or(0)
        }),
        Quota::Ipv6EgressRulesPerVpc => Counter::Vpc(|w, vpc| ipv6_egress_rule::counted(w, vpc.id)),
        Quota::RouterInterfacesPerVpc => Counter::Vpc(|w, vpc| router_interface::counted(w, vpc.id)),
        Quota::VpcPeersPerRegion => {
            Counter::Region(|w, owner| w.indexes().vpc_peers.by_requester.count(owner))
        }
        Quota::IntraRegionPeersPerVpc => Counter::Vpc(|w, vpc| vpc_peer::counted(w, vpc.id, false)),
        Quota::CrossRegionPeersPerVpc => Counter::Vpc(|w, vpc| vpc_peer::counted(w, vpc.id, true)),
        Quota::NetworkAclsPerVpc => Counter::Vpc(|w, vpc| w.indexes().network_acls.by_vpc.count(&vpc.id)),
        Quota::NetworkAclIngressRules => Counter::NetworkAcl(|_, acl| acl.counted(Direction::Ingress)),
        Quota::NetworkAclEgressRules => Counter::NetworkAcl(|_, acl| acl.counted(Direction::Egress)),
        Quota::TagsPerResource => Counter::Resource(|w, id| crate::tag::of(w, id).count() as u64),
        Quota::PermissionsPerCall => Counter::Call,
    }
}

fn reservations(w: &World, vpc: &Vpc, ipv4: bool) -> u64 {
    w.indexes().cidr_reservations.by_vpc.count(&(vpc.id, ipv4))
}

/// How much of a quota one object uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectUsage {
    /// The object.
    pub object: AnyId,
    /// How much it uses.
    pub used: u64,
}

impl Quota {
    /// Within what the quota counts.
    pub const fn scope(self) -> QuotaScope {
        match counter(self) {
            Counter::Region(_) => QuotaScope::Region,
            Counter::Vpc(_) => QuotaScope::Vpc,
            Counter::RouteTable(_) => QuotaScope::RouteTable,
            Counter::SecurityGroup(_) => QuotaScope::SecurityGroup,
            Counter::PrefixList(_) => QuotaScope::PrefixList,
            Counter::AccessControlList(_) => QuotaScope::AccessControlList,
            Counter::NatGateway(_) => QuotaScope::NatGateway,
            Counter::HaVip(_) => QuotaScope::HaVip,
            Counter::NetworkAcl(_) => QuotaScope::NetworkAcl,
            Counter::Instance(_) => QuotaScope::Instance,
            Counter::Eni(_) => QuotaScope::Eni,
            Counter::LoadBalancer(_) => QuotaScope::LoadBalancer,
            Counter::Listener(_) => QuotaScope::Listener,
            Counter::Resource(_) => QuotaScope::Resource,
            Counter::Call => QuotaScope::Call,
        }
    }

    /// How much an account uses in a region; absent for a quota that counts within something else.
    pub fn used_in_region(self, w: &World, owner: &Owner) -> Option<u64> {
        match counter(self) {
            Counter::Region(count) => Some(count(w, owner)),
            _ => None,
        }
    }

    /// How much one of the caller's objects uses; absent if the quota does not count within such an object.
    ///
    /// # Errors
    /// The kind's "no such object".
    pub fn used_by(self, w: &World, caller: &Caller, object: AnyId) -> Outcome<Option<u64>> {
        crate::resource::find(w, caller, object)?;
        let used = match counter(self) {
            Counter::Region(_) | Counter::Call => None,
            Counter::Vpc(count) => row::<Vpc>(w, object).map(|vpc| count(w, vpc)),
            Counter::RouteTable(count) => row::<RouteTable>(w, object).map(|table| count(w, table)),
            Counter::SecurityGroup(count) => {
                row::<SecurityGroup>(w, object).and_then(|group| count(w, group))
            }
            Counter::PrefixList(count) => row::<PrefixList>(w, object).map(|list| count(w, list)),
            Counter::AccessControlList(count) => row::<AccessControlList>(w, object).map(|acl| count(w, acl)),
            Counter::NatGateway(count) => row::<NatGateway>(w, object).map(|gateway| count(w, gateway)),
            Counter::HaVip(count) => row::<HaVip>(w, object).map(|vip| count(w, vip)),
            Counter::NetworkAcl(count) => row::<NetworkAcl>(w, object).map(|acl| count(w, acl)),
            Counter::Instance(count) => row::<Instance>(w, object).map(|instance| count(w, instance)),
            Counter::Eni(count) => row::<Eni>(w, object).map(|eni| count(w, eni)),
            Counter::LoadBalancer(count) => row::<LoadBalancer>(w, object).map(|b| count(w, b)),
            Counter::Listener(count) => row::<Listener>(w, object).map(|l| count(w, l)),
            Counter::Resource(count) => Some(count(w, object)),
        };
        Ok(used)
    }

    /// The objects of an account in a region that use most, the highest first and the older first among equals; at
    /// most `limit`, and none that uses nothing. Looks at every object of the quota's kind.
    pub fn highest(self, w: &World, owner: &Owner, limit: usize) -> Vec<ObjectUsage> {
        let mut top = Top { limit, uses: Vec::new() };
        let ix = w.indexes();
        match counter(self) {
            Counter::Region(_) | Counter::Call => {}
            Counter::Vpc(count) => top.of(w, &ix.vpcs.by_owner, owner, |vpc| Some(count(w, vpc))),
            Counter::RouteTable(count) => {
                top.of(w, &ix.route_tables.by_owner, owner, |table| Some(count(w, table)));
            }
            Counter::SecurityGroup(count) => {
                top.of(w, &ix.security_groups.by_owner, owner, |group| count(w, group));
            }
            Counter::PrefixList(count) => {
                top.of(w, &ix.prefix_lists.by_owner, owner, |list| Some(count(w, list)))
            }
            Counter::AccessControlList(count) => {
                top.of(w, &ix.access_control_lists.by_owner, owner, |acl| Some(count(w, acl)));
            }
            Counter::NatGateway(count) => {
                top.of(w, &ix.nat_gateways.by_owner, owner, |gateway| Some(count(w, gateway)));
            }
            Counter::HaVip(count) => top.of(w, &ix.ha_vips.by_owner, owner, |vip| Some(count(w, vip))),
            Counter::Instance(count) => {
                top.of(w, &ix.instances.by_owner, owner, |instance| Some(count(w, instance)));
            }
            Counter::NetworkAcl(count) => {
                top.of(w, &ix.network_acls.by_owner, owner, |acl| Some(count(w, acl)));
            }
            Counter::Eni(count) => top.of(w, &ix.enis.by_owner, owner, |eni| Some(count(w, eni))),
            Counter::LoadBalancer(count) => {
                top.of(w, &ix.load_balancers.by_owner, owner, |b| Some(count(w, b)));
            }
            Counter::Listener(count) => top.of(w, &ix.listeners.by_owner, owner, |l| Some(count(w, l))),
            Counter::Resource(_) => top.of_tags(w, owner),
        }
        top.uses
    }
}

fn row<R: crate::world::Stored>(w: &World, object: AnyId) -> Option<&R>
where
    R::Key: TryFrom<AnyId>,
{
    w.get::<R>(&R::Key::try_from(object).ok()?)
}

/// The highest usages so far.
struct Top {
    limit: usize,
    uses: Vec<ObjectUsage>,
}

impl Top {
    /// Objects come in the order of their age, so that a later one goes behind its equals.
    fn add(&mut self, object: AnyId, used: u64) {
        let full = self.uses.len() >= self.limit;
        if used == 0 || full && self.uses.last().is_none_or(|last| last.used >= used) {
            return;
        }
        let at = self.uses.partition_point(|other| other.used >= used);
        self.uses.insert(at, ObjectUsage { object, used });
        self.uses.truncate(self.limit);
    }

    fn of<R: crate::resource::Resource>(
        &mut self,
        w: &World,
        by_owner: &Groups<Owner, R::Key>,
        owner: &Owner,
        count: impl Fn(&R) -> Option<u64>,
    ) where
        R::Key: Into<AnyId> + Copy,
    {
        for &id in by_owner.of(owner) {
            if let Some(used) = w.get::<R>(&id).and_then(&count) {
                self.add(id.into(), used);
            }
        }
    }

    /// Tags lie object by object, so one walk over them counts all.
    fn of_tags(&mut self, w: &World, owner: &Owner) {
        let mut run: Option<(AnyId, u64)> = None;
        let mut end = |run: Option<(AnyId, u64)>| {
            if let Some((id, count)) = run
                && crate::resource::owner_of(w, id) == Some(owner)
            {
                self.add(id, count);
            }
        };
        for tag in w.table::<Tag>().iter() {
            match &mut run {
                Some((id, count)) if *id == tag.resource => *count += 1,
                _ => end(run.replace((tag.resource, 1))),
            }
        }
        end(run);
    }
}
