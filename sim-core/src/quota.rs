//! The quota table: every limit on how many things there may be, written once.
//!
//! A count quota can be lifted for a whole world (`--quotas lifted`) and, where the provider says so,
//! adjusted for an account up to its ceiling. Rules about form (masks, ports, characters) are not quotas
//! and cannot be lifted.

use crate::access::AccountId;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::table::Row;
use crate::world::World;
use serde::{Deserialize, Serialize};

/// One row of the quota table.
#[derive(Debug)]
pub struct QuotaRow {
    /// The provider's quota name where it has one, else a dotted name of ours.
    pub name: &'static str,
    /// What is counted, and in what.
    pub what: &'static str,
    /// The value for an account that never asked for more.
    pub default: u32,
    /// Whether an account can have it adjusted.
    pub adjustable: bool,
    /// The most that an adjustment may ask for.
    pub ceiling: u32,
}

/// How far an adjustable quota can be raised: the provider publishes no ceiling, so this is a setting of ours.
pub const CEILING_FACTOR: u32 = 100;

macro_rules! quotas {
    ($($variant:ident $name:literal $default:literal $adjustable:literal $what:literal;)*) => {
        /// The name of a quota: a row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Quota { $(#[doc = $what] $variant),* }

        impl Quota {
            /// Every row, in the order of the table.
            pub const ALL: &'static [Quota] = &[$(Quota::$variant),*];

            /// The row.
            pub const fn row(self) -> &'static QuotaRow {
                match self {
                    $(Quota::$variant => {
                        const ROW: QuotaRow = QuotaRow {
                            name: $name,
                            what: $what,
                            default: $default,
                            adjustable: $adjustable,
                            ceiling: if $adjustable { $default * CEILING_FACTOR } else { $default },
                        };
                        &ROW
                    })*
                }
            }
        }
    };
}

quotas! {
    VpcsPerRegion "vpc_quota_instances_num" 10 true "VPCs in one region";
    VSwitchesPerVpc "vpc_quota_vswitches_num" 150 true "vSwitches in one VPC";
    SecondaryCidrsPerVpc "vpc_quota_secondary_cidr_num" 5 true "secondary IPv4 blocks in one VPC";
    SecondaryIpv6CidrsPerVpc "vpc.secondary_ipv6_cidrs" 5 false "secondary IPv6 blocks in one VPC";
    ReservedIpv4PerVpc "vpc.reserved_cidrs_ipv4" 100 false "reserved IPv4 blocks inside vSwitches of one VPC";
    ReservedIpv6PerVpc "vpc.reserved_cidrs_ipv6" 100 false "reserved IPv6 blocks inside vSwitches of one VPC";
    UserCidrsPerVpc "vpc.user_cidrs" 3 false "user CIDR blocks of one VPC";
    PrivateIpsPerVpc "vpc.private_ips" 300000 false "private addresses used by cloud resources in one VPC";
    TagsPerResource "vpc.tags" 20 false "tags on one resource";
    RouteTablesPerVpc "vpc_quota_route_tables_num" 9 true "custom route tables in one VPC, beside the system table";
    GatewayRouteTablesPerVpc "vpc.gateway_route_tables" 1 false "route tables for gateways in one VPC";
    RouteEntriesPerTable "vpc_quota_route_entrys_num" 200 true "custom entries in one route table";
    SecurityGroups "q_security-groups" 100 true "security groups of one account in one region";
    GroupsPerEni "sg.per_eni" 10 true "security groups on one network interface";
    RulesPerEni "sg.rules_per_eni" 1000 false "rules, both directions, over all groups of one network interface";
    RulesPerGroup "sg.rules_per_group" 200 true "rules, both directions, in one security group";
    GroupRulesPerGroup "sg.group_auth_rules" 20 false "rules of one basic group whose peer is a security group";
    AddressesPerBasicGroup "q_vpc-normal-security-group-ip-count" 6000 true "private addresses in one basic group";
    EnisPerEnterpriseGroup "sg.enterprise_members" 65536 false "network interfaces in one enterprise group";
    PermissionsPerCall "sg.permissions_per_call" 100 false "rules in one authorize call";
    PrefixLists "ecs.prefix_lists" 100 false "ECS prefix lists in one region";
    PrefixListEntries "ecs.prefix_list_entries" 200 false "entries in one ECS prefix list";
    PrefixListAssociations "ecs.prefix_list_associations" 1000 false "resources on one ECS prefix list";
    EipsPerAccount "eip.per_account" 20 true "elastic IP addresses of one account, in all regions together";
    NatGatewaysPerVpc "natgw.per_vpc" 5 true "NAT gateways in one VPC";
    EipsPerNatGateway "natgw_quota_eip_num_per_nat" 20 true "elastic IP addresses on one NAT gateway";
    TrafficEipsPerNatGateway "natgw.traffic_eips" 10 true "elastic IP addresses on one NAT gateway that are paid by traffic";
    SnatEntries "natgw_quota_snat_entry_num" 40 true "SNAT entries of one NAT gateway";
    ForwardEntries "natgw.dnat_entries" 100 true "DNAT entries of one NAT gateway";
    HaVipsPerVpc "havip.per_vpc" 50 false "HaVips in one VPC";
    HaVipsPerAccount "havip.per_account" 50 false "HaVips of one account, in all regions together";
    HaVipsPerInstance "havip.per_instance" 5 false "HaVips that are bound to one instance by any of its interfaces";
    BindingsPerHaVip "havip.bindings" 10 false "instances or network interfaces to which one HaVip is bound";
    HaVipRouteEntries "vpc_quota_havip_custom_route_entry" 5 true "custom entries of one route table that lead to HaVips";
    EipsPerSnatEntry "natgw.eips_per_snat" 64 false "elastic IP addresses of one SNAT entry";
    Ipv6EgressRulesPerVpc "vpc.ipv6_egress_rules" 200 false "egress-only rules of the IPv6 gateway of one VPC";
    RouterInterfacesPerVpc "vpc.router_interfaces" 5 false "router interfaces of the vRouter of one VPC";
    VpcPeersPerRegion "vpc_quota_peer_num" 20 true "peering connections that one account asked for in one region";
    IntraRegionPeersPerVpc "vpc_quota_intra_region_peer_num_per_vpc" 10 true "peering connections of one VPC inside its region";
    CrossRegionPeersPerVpc "vpc_quota_cross_region_peer_num_per_vpc" 20 true "peering connections of one VPC to other regions";
    NetworkAclsPerVpc "nacl_quota_vpc_create_count" 20 true "network ACLs in one VPC";
    NetworkAclIngressRules "vpc_quota_nacl_ingress_entry" 20 true "inbound rules of one network ACL, for IPv4 and IPv6 each";
    NetworkAclEgressRules "vpc_quota_nacl_egress_entry" 20 true "outbound rules of one network ACL, for IPv4 and IPv6 each";
    // -- access control lists of load balancers
    AccessControlLists "slb_quota_acls_num" 200 true "access control lists of one account in one region";
    AccessControlListEntries "slb_quota_acl_entries" 300 true "entries in one access control list";
    ListenersPerAccessControlList "slb.listeners_per_acl" 50 true "listeners that use one access control list";
    AclEntriesPerListener "slb.acl_entries_per_listener" 1000 false "entries in all access control lists of one listener";
    // -- certificates
    ServerCertificates "slb_quota_certs_num" 100 true "server certificates of one account in one region";
    CaCertificates "slb_quota_ca_certs_num" 100 true "CA certificates of one account in one region";
    TlsPolicies "slb.tls_cipher_policies" 50 true "TLS cipher policies of one account in one region";
    SecondaryEnis "q_elastic-network-interfaces" 100 true "secondary network interfaces of one account in one region";
    // -- load balancers
    LoadBalancers "slb_quota_instances_num" 30 true "load balancers of one account in one region";
    BackendsPerLoadBalancer "slb_quota_backendservers_num" 200 true "backend servers in all pools of one load balancer";
    ListenersPerLoadBalancer "slb_quota_listeners_num" 50 true "listeners of one load balancer";
    AttachmentsPerServer "slb_quota_backendserver_attached_num" 50 true "times that one server stands in pools of load balancers";
    BackendsPerCall "slb.backends_per_call" 40 false "backend servers in one call";
    ForwardingRulesPerListener "slb_quota_rules_num" 40 false "forwarding rules of one HTTP or HTTPS listener";
    DomainExtensionsPerListener "slb_quota_domain_extensions_num" 3 true "domain extensions of one HTTPS listener";
    ForwardingRulesPerCall "slb.rules_per_call" 10 false "forwarding rules in one call";
}

impl Quota {
    /// The quota of this name.
    pub fn by_name(name: &str) -> Option<Quota> {
        Quota::ALL.iter().copied().find(|q| q.row().name == name)
    }

    /// The value in force for an account: adjusted, default, or no limit where the world lifts count quotas.
    pub fn limit(self, world: &World, account: AccountId) -> u64 {
        if world.settings().quotas_lifted {
            return u64::MAX;
        }
        let adjusted = world.get::<QuotaAdjustment>(&(account, self));
        u64::from(adjusted.map_or(self.row().default, |row| row.value))
    }

    /// What a number from 1 on may be, as a refusal says it: up to the value in force, or to `ceiling` where there is no limit.
    pub(crate) fn range_from_one(self, world: &World, account: AccountId, ceiling: Option<u64>) -> String {
        match (self.limit(world, account), ceiling) {
            (u64::MAX, None) => "at least 1".to_owned(),
            (u64::MAX, Some(most)) | (most, _) => format!("1 to {most}"),
        }
    }

    /// Checks that `used + more` stays within the quota.
    ///
    /// # Errors
    /// `error`, with the quota's name and value.
    pub fn check(
        self,
        world: &World,
        account: AccountId,
        used: u64,
        more: u64,
        error: ErrorCode,
    ) -> Outcome<()> {
        let limit = self.limit(world, account);
        if used.saturating_add(more) <= limit {
            return Ok(());
        }
        let row = self.row();
        let detail = format!("{}: {used} in use, {more} wanted, quota {} is {limit}.", row.what, row.name);
        let refusal = Refusal::new(error).detail(detail);
        let wanted = used.saturating_add(more);
        if row.adjustable && wanted <= u64::from(row.ceiling) {
            let most = row.ceiling;
            return Err(refusal.accepted(format!("quota {} raised to {wanted}, at most {most}", row.name)));
        }
        Err(refusal)
    }
}

/// A quota value that an account asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaAdjustment {
    /// The account.
    pub account: AccountId,
    /// The quota.
    pub quota: Quota,
    /// The value in force.
    pub value: u32,
}

impl Row for QuotaAdjustment {
    type Key = (AccountId, Quota);
    type Index = ();
    fn key(&self) -> Self::Key {
        (self.account, self.quota)
    }
}

/// Sets the value of an adjustable quota for the caller's account, in all regions. A value below what is in use takes
/// nothing away; it only lets nothing more in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustQuota {
    /// The quota's name in the table.
    pub name: String,
    /// The new value, from 1 to the row's ceiling.
    pub value: u32,
}

/// Handles [`AdjustQuota`].
///
/// # Errors
/// [`ErrorCode::QuotaUnknown`], [`ErrorCode::QuotaNotAdjustable`], [`ErrorCode::QuotaValueInvalid`].
pub fn adjust(w: &mut World, caller: &crate::Caller, c: &AdjustQuota) -> Outcome<crate::Reply> {
    let Some(quota) = Quota::by_name(&c.name) else {
        return Err(Refusal::new(ErrorCode::QuotaUnknown)
            .field("name")
            .detail(format!("{:?} is not in the table.", c.name.chars().take(64).collect::<String>()))
            .accepted("a name that the list of quotas has"));
    };
    let row = quota.row();
    if !row.adjustable {
        return Err(Refusal::new(ErrorCode::QuotaNotAdjustable)
            .field("name")
            .detail(format!("{} is fixed at {}.", row.name, row.default))
            .accepted("a world with lifted quotas"));
    }
    if c.value == 0 || c.value > row.ceiling {
        return Err(Refusal::new(ErrorCode::QuotaValueInvalid)
            .field("value")
            .detail(format!("{} was asked for.", c.value))
            .accepted(format!("1 to {}", row.ceiling)));
    }
    w.put(QuotaAdjustment { account: caller.account, quota, value: c.value });
    Ok(crate::Reply::Done)
}
