//! Quotas: what is used of each, counted from the rows alone, and what is allowed.

use sim_core::ecs::eni::{Eni, EniKind};
use sim_core::ecs::prefix_list::PrefixList;
use sim_core::ecs::security_group::{GroupKind, SecurityGroup};
use sim_core::ecs::security_group_rule::{Peer, SecurityGroupRule};
use sim_core::id::SecurityGroupId;
use sim_core::quota::Quota;
use sim_core::slb::acl::AccessControlList;
use sim_core::slb::backend::Backend;
use sim_core::slb::certificate::{CaCertificate, ServerCertificate};
use sim_core::slb::domain_extension::DomainExtension;
use sim_core::slb::forwarding_rule::ForwardingRule;
use sim_core::slb::listener::Listener;
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::slb::master_slave_group::MasterSlaveGroup;
use sim_core::slb::server_group::VServerGroup;
use sim_core::slb::tls_policy::TlsPolicy;
use sim_core::tag::Tag;
use sim_core::vpc::cidr_reservation::CidrReservation;
use sim_core::vpc::eip::{Eip, InternetCharge};
use sim_core::vpc::eip_binding::Target;
use sim_core::vpc::forward_entry::ForwardEntry;
use sim_core::vpc::ha_vip::HaVip;
use sim_core::vpc::ipv6_egress_rule::Ipv6EgressRule;
use sim_core::vpc::ipv6_gateway::Ipv6Gateway;
use sim_core::vpc::nat_gateway::NatGateway;
use sim_core::vpc::network_acl::NetworkAcl;
use sim_core::vpc::network_acl_rule::NetworkAclRule;
use sim_core::vpc::next_hop::NextHop;
use sim_core::vpc::resident::Resident;
use sim_core::vpc::route_entry::RouteEntry;
use sim_core::vpc::route_table::{AssociateType, RouteTable, RouteTableKind};
use sim_core::vpc::router_interface::RouterInterface;
use sim_core::vpc::snat::SnatEntry;
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vswitch::VSwitch;
use sim_core::{AccountId, World};
use std::collections::{BTreeMap, BTreeSet};

/// Quota and what it is counted over: used, allowed.
pub type Usage = BTreeMap<(Quota, String), (u64, u64)>;

struct Count<'w>(&'w World, Usage);

impl Count<'_> {
    fn add(&mut self, quota: Quota, account: AccountId, over: impl ToString, count: u64) {
        let limit = quota.limit(self.0, account);
        self.1.entry((quota, over.to_string())).or_insert((0, limit)).0 += count;
    }
}

/// What a group counts: one for a rule, and the list's size for a rule that names a list.
fn weight(w: &World, group: SecurityGroupId) -> u64 {
    let rules = w.table::<SecurityGroupRule>().iter().filter(|r| r.group == group);
    rules
        .map(|r| match r.spec.peer {
            Peer::List(list) => w.get::<PrefixList>(&list).map_or(0, |l| u64::from(l.max_entries)),
            _ => 1,
        })
        .sum()
}

pub fn of(w: &World) -> Usage {
    let mut c = Count(w, Usage::new());
    for vpc in w.table::<Vpc>().iter() {
        let (account, region) = (vpc.owner.account, &vpc.owner.region);
        c.add(Quota::VpcsPerRegion, account, format!("{account} {region}"), u64::from(!vpc.is_default));
        c.add(Quota::SecondaryCidrsPerVpc, account, vpc.id, vpc.secondary.len() as u64);
        c.add(Quota::SecondaryIpv6CidrsPerVpc, account, vpc.id, (vpc.ipv6.len() as u64).saturating_sub(1));
        c.add(Quota::UserCidrsPerVpc, account, vpc.id, vpc.user_cidrs.len() as u64);
    }
    for s in w.table::<VSwitch>().iter() {
        c.add(Quota::VSwitchesPerVpc, s.owner.account, s.vpc, u64::from(!s.is_default));
    }
    for r in w.table::<CidrReservation>().iter() {
        let quota = if r.block.is_v4() { Quota::ReservedIpv4PerVpc } else { Quota::ReservedIpv6PerVpc };
        c.add(quota, r.owner.account, r.vpc, 1);
    }
    for t in w.table::<RouteTable>().iter() {
        let custom = u64::from(t.kind == RouteTableKind::Custom);
        let quota = match t.associate_type {
            AssociateType::VSwitch => Quota::RouteTablesPerVpc,
            AssociateType::Gateway => Quota::GatewayRouteTablesPerVpc,
        };
        c.add(quota, t.owner.account, t.vpc, custom);
    }
    for e in w.table::<RouteEntry>().iter().filter(|e| !e.replaces_system()) {
        let account = w.get::<RouteTable>(&e.table).expect("an entry lies in a table").owner.account;
        c.add(Quota::RouteEntriesPerTable, account, e.table, 1);
        c.add(Quota::HaVipRouteEntries, account, e.table, u64::from(matches!(e.next_hop, NextHop::HaVip(_))));
    }
    for cert in w.table::<ServerCertificate>().iter() {
        let (account, region) = (cert.owner.account, &cert.owner.region);
        c.add(Quota::ServerCertificates, account, format!("{account} {region}"), 1);
    }
    for policy in w.table::<TlsPolicy>().iter() {
        let (account, region) = (policy.owner.account, &policy.owner.region);
        c.add(Quota::TlsPolicies, account, format!("{account} {region}"), 1);
    }
    for cert in w.table::<CaCertificate>().iter() {
        let (account, region) = (cert.owner.account, &cert.owner.region);
        c.add(Quota::CaCertificates, account, format!("{account} {region}"), 1);
    }
    for acl in w.table::<AccessControlList>().iter() {
        let (account, region) = (acl.owner.account, &acl.owner.region);
        c.add(Quota::AccessControlLists, account, format!("{account} {region}"), 1);
        c.add(Quota::AccessControlListEntries, account, acl.id, acl.entries.len() as u64);
    }
    for g in w.table::<NatGateway>().iter() {
        let account = g.owner.account;
        c.add(Quota::NatGatewaysPerVpc, account, g.vpc, 1);
        c.add(Quota::PrivateIpsPerVpc, account, g.vpc, 1);
    }
    for r in w.table::<RouterInterface>().iter() {
        c.add(Quota::RouterInterfacesPerVpc, r.owner.account, r.vpc, 1);
    }
    for rule in w.table::<Ipv6EgressRule>().iter() {
        let vpc = w.get::<Ipv6Gateway>(&rule.gateway).expect("a gateway outlives its rules").vpc;
        c.add(Quota::Ipv6EgressRulesPerVpc, rule.owner.account, vpc, 1);
    }
    for vip in w.table::<HaVip>().iter() {
        let account = vip.owner.account;
        c.add(Quota::HaVipsPerVpc, account, vip.vpc, 1);
        c.add(Quota::HaVipsPerAccount, account, account, 1);
        c.add(Quota::PrivateIpsPerVpc, account, vip.vpc, 1);
        c.add(Quota::BindingsPerHaVip, account, vip.id, vip.bound.len() as u64);
        for instance in vip.bound.iter().filter_map(|eni| w.get::<Eni>(eni)?.instance) {
            c.add(Quota::HaVipsPerInstance, account, instance, 1);
        }
    }
    for entry in w.table::<ForwardEntry>().iter() {
        c.add(Quota::ForwardEntries, entry.owner.account, entry.gateway, 1);
    }
    for entry in w.table::<SnatEntry>().iter() {
        c.add(Quota::SnatEntries, entry.owner.account, entry.gateway, 1);
        c.add(Quota::EipsPerSnatEntry, entry.owner.account, entry.id, entry.eips.len() as u64);
    }
    for eip in w.table::<Eip>().iter() {
        if let Some(Target::Nat { gateway }) = eip.binding.map(|b| b.target) {
            let by_traffic = u64::from(eip.charge == InternetCharge::ByTraffic);
            c.add(Quota::EipsPerNatGateway, eip.owner.account, gateway, 1);
            c.add(Quota::TrafficEipsPerNatGateway, eip.owner.account, gateway, by_traffic);
        }
        c.add(Quota::EipsPerAccount, eip.owner.account, eip.owner.account, 1);
    }
    for acl in w.table::<NetworkAcl>().iter() {
        let account = acl.owner.account;
        c.add(Quota::NetworkAclsPerVpc, account, acl.vpc, 1);
        let count =
            |rules: &[NetworkAclRule], v4| rules.iter().filter(|r| r.block.is_v4() == v4).count() as u64;
        for v4 in [true, false] {
            let over = format!("{} {v4}", acl.id);
            c.add(Quota::NetworkAclIngressRules, account, &over, count(&acl.ingress, v4));
            c.add(Quota::NetworkAclEgressRules, account, &over, count(&acl.egress, v4));
        }
    }
    for tag in w.table::<Tag>().iter() {
        c.add(Quota::TagsPerResource, AccountId::DEFAULT, tag.resource, 1);
    }
    groups(w, &mut c);
    for eni in w.table::<Eni>().iter() {
        let (account, region) = (eni.owner.account, &eni.owner.region);
        if eni.kind != EniKind::Primary {
            c.add(Quota::SecondaryEnis, account, format!("{account} {region}"), 1);
        }
        let v4 = 1 + eni.secondary_ips.len() as u64 + 16 * eni.ipv4_prefixes.len() as u64;
        c.add(Quota::PrivateIpsPerVpc, account, eni.vpc, v4);
        c.add(Quota::GroupsPerEni, account, eni.id, eni.groups.len() as u64);
        c.add(Quota::RulesPerEni, account, eni.id, eni.groups.iter().map(|&g| weight(w, g)).sum());
        for id in &eni.groups {
            let Some(group) = w.get::<SecurityGroup>(id) else { continue };
            match group.kind {
                GroupKind::Basic => {
                    let v6 = eni.ipv6.len() as u64 + eni.ipv6_prefixes.len() as u64;
                    c.add(Quota::AddressesPerBasicGroup, account, id, v4 + v6);
                }
                GroupKind::Enterprise => c.add(Quota::EnisPerEnterpriseGroup, account, id, 1),
            }
        }
    }
    for b in w.table::<LoadBalancer>().iter() {
        let (account, region) = (b.owner.account, &b.owner.region);
        c.add(Quota::LoadBalancers, account, format!("{account} {region}"), 1);
        c.add(Quota::BackendsPerLoadBalancer, account, b.id, b.backends.len() as u64);
        attached(&mut c, account, b.backends.iter());
        if let Some(home) = b.home {
            c.add(Quota::PrivateIpsPerVpc, account, home.vpc, 1);
        }
    }
    for l in w.table::<Listener>().iter() {
        c.add(Quota::ListenersPerLoadBalancer, l.owner.account, l.load_balancer, 1);
        for acl in l.access.iter().flat_map(|access| &access.acls) {
            c.add(Quota::ListenersPerAccessControlList, l.owner.account, acl, 1);
            let entries = w.get::<AccessControlList>(acl).map_or(0, |acl| acl.entries.len() as u64);
            c.add(Quota::AclEntriesPerListener, l.owner.account, l.id, entries);
        }
    }
    for r in w.table::<ForwardingRule>().iter() {
        c.add(Quota::ForwardingRulesPerListener, r.owner.account, r.listener, 1);
    }
    for e in w.table::<DomainExtension>().iter() {
        c.add(Quota::DomainExtensionsPerListener, e.owner.account, e.listener, 1);
    }
    for g in w.table::<VServerGroup>().iter() {
        let count = g.backends.len() as u64;
        c.add(Quota::BackendsPerLoadBalancer, g.owner.account, g.load_balancer, count);
        attached(&mut c, g.owner.account, g.backends.iter());
    }
    for g in w.table::<MasterSlaveGroup>().iter() {
        let count = g.members().count() as u64;
        c.add(Quota::BackendsPerLoadBalancer, g.owner.account, g.load_balancer, count);
        attached(&mut c, g.owner.account, g.members().map(|(_, backend)| backend));
    }
    for r in w.table::<Resident>().iter() {
        let account = r.owner.account;
        c.add(Quota::PrivateIpsPerVpc, account, r.vpc, 1);
        for group in r.groups.iter().filter_map(|id| w.get::<SecurityGroup>(id)) {
            let quota = match group.kind {
                GroupKind::Basic => Quota::AddressesPerBasicGroup,
                GroupKind::Enterprise => Quota::EnisPerEnterpriseGroup,
            };
            c.add(quota, account, group.id, 1);
        }
    }
    c.1
}

fn attached<'w>(c: &mut Count<'_>, account: AccountId, backends: impl Iterator<Item = &'w Backend>) {
    backends.for_each(|backend| c.add(Quota::AttachmentsPerServer, account, backend.server.id(), 1));
}

fn groups(w: &World, c: &mut Count<'_>) {
    for group in w.table::<SecurityGroup>().iter() {
        let (account, region) = (group.owner.account, &group.owner.region);
        c.add(Quota::SecurityGroups, account, format!("{account} {region}"), 1);
        c.add(Quota::RulesPerGroup, account, group.id, weight(w, group.id));
        let peers = w.table::<SecurityGroupRule>().iter().filter(|r| r.group == group.id);
        let peers = peers.filter(|r| matches!(r.spec.peer, Peer::Group(_))).count() as u64;
        c.add(Quota::GroupRulesPerGroup, account, group.id, peers);
    }
    for list in w.table::<PrefixList>().iter() {
        let (account, region) = (list.owner.account, &list.owner.region);
        c.add(Quota::PrefixLists, account, format!("{account} {region}"), 1);
        c.add(Quota::PrefixListEntries, account, list.id, u64::from(list.max_entries));
        let users: BTreeSet<SecurityGroupId> = w
            .table::<SecurityGroupRule>()
            .iter()
            .filter(|r| r.spec.peer == Peer::List(list.id))
            .map(|r| r.group)
            .collect();
        c.add(Quota::PrefixListAssociations, account, list.id, users.len() as u64);
    }
}

/// A command may bring what is used up to the limit and not beyond. A limit that was lowered takes nothing away.
pub fn check(before: &Usage, after: &Usage) {
    for ((quota, over), &(used, limit)) in after {
        let was = before.get(&(*quota, over.clone())).map_or(0, |&(used, _)| used);
        assert!(
            used <= was || used <= limit,
            "{quota:?} of {over}: {was} before, {used} now, {limit} allowed"
        );
    }
}
