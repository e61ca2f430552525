//! The one list of served actions: product, version, name, how its parameters become a plan.

mod account;
mod billing;
mod vpc_parts;
// -- routes
mod route_entry;
mod route_table;
mod router_interface;
mod vrouter;
// -- elastic IP addresses
mod eip;
mod forward_entry;
mod gateway_route_table;
mod ha_vip;
mod ipv4_gateway;
mod ipv6_egress_rule;
mod ipv6_gateway;
mod nat_gateway;
mod snat;
mod vpc_peer;
// -- network ACLs
mod certificate;
mod cluster;
mod network_acl;
mod slb_acl;
// -- security groups, prefix lists
mod prefix_list;
mod security_group;
mod security_group_rule;
// -- network interfaces
mod eni;
mod eni_address;
// -- instances, catalogue
mod catalog;
mod disk;
mod instance;
mod instance_change;
mod instance_describe;
mod instance_extra;
mod instance_life;
// -- load balancers
mod domain_extension;
mod forwarding_rule;
mod listener;
mod load_balancer;
mod master_slave_group;
mod server_group;
mod tags;
mod tls_policy;
mod vpc;
mod vswitch;

use super::params::Scope;
use super::plan::Planned;
use crate::catalogue::ActionSpec;
use sim_core::Caller;

/// A served action.
pub struct Action {
    /// The product, for example `Vpc`.
    pub product: &'static str,
    /// The version date of the product's interface.
    pub version: &'static str,
    /// The action's name.
    pub name: &'static str,
    /// Whether it answers only what account and region tell, without state behind it.
    pub minimal: bool,
    /// Reads parameters into a plan.
    pub plan: fn(&Scope<'_>, &Caller) -> Planned,
}

impl Action {
    /// What the provider publishes about the action.
    ///
    /// # Panics
    /// Never: a test holds every served action against the catalogue.
    pub fn spec(&self) -> &'static ActionSpec {
        crate::catalogue::lookup(self.version, self.name).expect("every served action is in the catalogue")
    }

    /// Whether it may change something. The publication does not say it of every action; the name does.
    pub fn writes(&self) -> bool {
        !["Check", "Describe", "Get", "List", "Query"].iter().any(|verb| self.name.starts_with(verb))
    }

    /// Its documented parameters that are taken and change nothing, in the order of [`INERT`]; `Name.N.Member` is a
    /// member of the elements of a list.
    pub fn inert(&self) -> impl Iterator<Item = &'static str> {
        let of_name = INERT.iter().flat_map(|file| file.iter()).filter(|(action, _)| *action == self.name);
        let spec = self.spec();
        of_name.flat_map(|(_, names)| names.iter().copied()).filter(|name| spec.has(name))
    }
}

macro_rules! actions {
    ($($product:ident $version:literal { $($name:ident => $plan:path $([$minimal:ident])?;)* })*) => {
        /// Every served action, by product in the order of the list.
        pub static ACTIONS: &[Action] = &[$($(Action {
            product: stringify!($product),
            version: $version,
            name: stringify!($name),
            minimal: actions!(@ $($minimal)?),
            plan: $plan,
        }),*),*];
    };
    (@ minimal) => { true };
    (@) => { false };
}

actions! {
    Vpc "2016-04-28" {
        CreateVpc => vpc::create_vpc;
        DescribeVpcs => vpc::describe_vpcs;
        DescribeVpcAttribute => vpc::describe_vpc_attribute;
        ModifyVpcAttribute => vpc::modify_vpc_attribute;
        DeleteVpc => vpc::delete_vpc;
        CreateVSwitch => vswitch::create_vswitch;
        DescribeVSwitches => vswitch::describe_vswitches;
        DescribeVSwitchAttributes => vswitch::describe_vswitch_attributes;
        ModifyVSwitchAttribute => vswitch::modify_vswitch_attribute;
        DeleteVSwitch => vswitch::delete_vswitch;
        AssociateVpcCidrBlock => vpc_parts::associate_vpc_cidr_block;
        UnassociateVpcCidrBlock => vpc_parts::unassociate_vpc_cidr_block;
        CreateDefaultVpc => vpc_parts::create_default_vpc;
        CreateDefaultVSwitch => vpc_parts::create_default_vswitch;
        CreateVSwitchCidrReservation => vpc_parts::create_vswitch_cidr_reservation;
        DeleteVSwitchCidrReservation => vpc_parts::delete_vswitch_cidr_reservation;
        ModifyVSwitchCidrReservationAttribute => vpc_parts::modify_vswitch_cidr_reservation_attribute;
        ListVSwitchCidrReservations => vpc_parts::list_vswitch_cidr_reservations;
        CheckCanAllocateVpcPrivateIpAddress => vpc_parts::check_can_allocate;
        MoveResourceGroup => vpc_parts::move_resource_group;
        // -- vRouter, route tables, route entries
        DescribeVRouters => vrouter::describe_vrouters;
        ModifyVRouterAttribute => vrouter::modify_vrouter_attribute;
        CreateRouteTable => route_table::create_route_table;
        DescribeRouteTableList => route_table::describe_route_table_list;
        DescribeRouteTables => route_table::describe_route_tables;
        ModifyRouteTableAttributes => route_table::modify_route_table_attributes;
        DeleteRouteTable => route_table::delete_route_table;
        AssociateRouteTable => route_table::associate_route_table;
        UnassociateRouteTable => route_table::unassociate_route_table;
        CreateRouteEntry => route_entry::create_route_entry;
        CreateRouteEntries => route_entry::create_route_entries;
        DescribeRouteEntryList => route_entry::describe_route_entry_list;
        ModifyRouteEntry => route_entry::modify_route_entry;
        DeleteRouteEntry => route_entry::delete_route_entry;
        DeleteRouteEntries => route_entry::delete_route_entries;
        // -- elastic IP addresses
        AllocateEipAddress => eip::allocate_eip_address;
        DescribeEipAddresses => eip::describe_eip_addresses;
        ModifyEipAddressAttribute => eip::modify_eip_address_attribute;
        AssociateEipAddress => eip::associate_eip_address;
        UnassociateEipAddress => eip::unassociate_eip_address;
        ReleaseEipAddress => eip::release_eip_address;
        DeletionProtection => eip::deletion_protection;
        // -- route tables of gateways
        AssociateRouteTableWithGateway => gateway_route_table::associate_route_table_with_gateway;
        DissociateRouteTableFromGateway => gateway_route_table::dissociate_route_table_from_gateway;
        ListGatewayRouteTableEntries => gateway_route_table::list_gateway_route_table_entries;
        UpdateGatewayRouteTableEntryAttribute => gateway_route_table::update_gateway_route_table_entry_attribute;
        // -- HaVips
        CreateHaVip => ha_vip::create_ha_vip;
        ModifyHaVipAttribute => ha_vip::modify_ha_vip_attribute;
        DescribeHaVips => ha_vip::describe_ha_vips;
        AssociateHaVip => ha_vip::associate_ha_vip;
        UnassociateHaVip => ha_vip::unassociate_ha_vip;
        DeleteHaVip => ha_vip::delete_ha_vip;
        // -- NAT gateways
        CreateNatGateway => nat_gateway::create_nat_gateway;
        DescribeNatGateways => nat_gateway::describe_nat_gateways;
        GetNatGatewayAttribute => nat_gateway::get_nat_gateway_attribute;
        ModifyNatGatewayAttribute => nat_gateway::modify_nat_gateway_attribute;
        DeleteNatGateway => nat_gateway::delete_nat_gateway;
        CreateSnatEntry => snat::create_snat_entry;
        ModifySnatEntry => snat::modify_snat_entry;
        DeleteSnatEntry => snat::delete_snat_entry;
        DescribeSnatTableEntries => snat::describe_snat_table_entries;
        CreateForwardEntry => forward_entry::create_forward_entry;
        ModifyForwardEntry => forward_entry::modify_forward_entry;
        DeleteForwardEntry => forward_entry::delete_forward_entry;
        DescribeForwardTableEntries => forward_entry::describe_forward_table_entries;
        // -- IPv4 and IPv6 gateways
        CreateIpv4Gateway => ipv4_gateway::create_ipv4_gateway;
        EnableVpcIpv4Gateway => ipv4_gateway::enable_vpc_ipv4_gateway;
        UpdateIpv4GatewayAttribute => ipv4_gateway::update_ipv4_gateway_attribute;
        GetIpv4GatewayAttribute => ipv4_gateway::get_ipv4_gateway_attribute;
        ListIpv4Gateways => ipv4_gateway::list_ipv4_gateways;
        DeleteIpv4Gateway => ipv4_gateway::delete_ipv4_gateway;
        CreateIpv6Gateway => ipv6_gateway::create_ipv6_gateway;
        ModifyIpv6GatewayAttribute => ipv6_gateway::modify_ipv6_gateway_attribute;
        DescribeIpv6Gateways => ipv6_gateway::describe_ipv6_gateways;
        DescribeIpv6GatewayAttribute => ipv6_gateway::describe_ipv6_gateway_attribute;
        DeleteIpv6Gateway => ipv6_gateway::delete_ipv6_gateway;
        DescribeIpv6Addresses => ipv6_gateway::describe_ipv6_addresses;
        AllocateIpv6InternetBandwidth => ipv6_gateway::allocate_ipv6_internet_bandwidth;
        ModifyIpv6InternetBandwidth => ipv6_gateway::modify_ipv6_internet_bandwidth;
        DeleteIpv6InternetBandwidth => ipv6_gateway::delete_ipv6_internet_bandwidth;
        CreateRouterInterface => router_interface::create_router_interface;
        ModifyRouterInterfaceAttribute => router_interface::modify_router_interface_attribute;
        ModifyRouterInterfaceSpec => router_interface::modify_router_interface_spec;
        ConnectRouterInterface => router_interface::connect_router_interface;
        ActivateRouterInterface => router_interface::activate_router_interface;
        DeactivateRouterInterface => router_interface::deactivate_router_interface;
        DescribeRouterInterfaces => router_interface::describe_router_interfaces;
        DescribeRouterInterfaceAttribute => router_interface::describe_router_interface_attribute;
        DeleteRouterInterface => router_interface::delete_router_interface;
        CreateIpv6EgressOnlyRule => ipv6_egress_rule::create_ipv6_egress_only_rule;
        DescribeIpv6EgressOnlyRules => ipv6_egress_rule::describe_ipv6_egress_only_rules;
        DeleteIpv6EgressOnlyRule => ipv6_egress_rule::delete_ipv6_egress_only_rule;
        // -- network ACLs
        CreateNetworkAcl => network_acl::create_network_acl;
        DescribeNetworkAcls => network_acl::describe_network_acls;
        DescribeNetworkAclAttributes => network_acl::describe_network_acl_attributes;
        ModifyNetworkAclAttributes => network_acl::modify_network_acl_attributes;
        UpdateNetworkAclEntries => network_acl::update_network_acl_entries;
        AssociateNetworkAcl => network_acl::associate_network_acl;
        UnassociateNetworkAcl => network_acl::unassociate_network_acl;
        DeleteNetworkAcl => network_acl::delete_network_acl;
        TagResources => tags::vpc_tag_resources;
        UnTagResources => tags::vpc_untag_resources;
        ListTagResources => tags::vpc_list_tag_resources;
        DescribeRegions => catalog::vpc_describe_regions;
        DescribeZones => catalog::vpc_describe_zones;
    }
    Ecs "2014-05-26" {
        // -- security groups
        CreateSecurityGroup => security_group::create_security_group;
        DescribeSecurityGroups => security_group::describe_security_groups;
        ModifySecurityGroupAttribute => security_group::modify_security_group_attribute;
        ModifySecurityGroupPolicy => security_group::modify_security_group_policy;
        DeleteSecurityGroup => security_group::delete_security_group;
        JoinSecurityGroup => security_group::join_security_group;
        LeaveSecurityGroup => security_group::leave_security_group;
        DescribeSecurityGroupReferences => security_group::describe_security_group_references;
        DescribeSecurityGroupAttribute => security_group_rule::describe_security_group_attribute;
        AuthorizeSecurityGroup => security_group_rule::authorize_security_group;
        AuthorizeSecurityGroupEgress => security_group_rule::authorize_security_group_egress;
        RevokeSecurityGroup => security_group_rule::revoke_security_group;
        RevokeSecurityGroupEgress => security_group_rule::revoke_security_group_egress;
        ModifySecurityGroupRule => security_group_rule::modify_security_group_rule;
        ModifySecurityGroupEgressRule => security_group_rule::modify_security_group_egress_rule;
        // -- prefix lists
        CreatePrefixList => prefix_list::create_prefix_list;
        ModifyPrefixList => prefix_list::modify_prefix_list;
        DeletePrefixList => prefix_list::delete_prefix_list;
        DescribePrefixLists => prefix_list::describe_prefix_lists;
        DescribePrefixListAttributes => prefix_list::describe_prefix_list_attributes;
        DescribePrefixListAssociations => prefix_list::describe_prefix_list_associations;
        // -- network interfaces
        CreateNetworkInterface => eni::create_network_interface;
        DescribeNetworkInterfaces => eni::describe_network_interfaces;
        DescribeNetworkInterfaceAttribute => eni::describe_network_interface_attribute;
        ModifyNetworkInterfaceAttribute => eni::modify_network_interface_attribute;
        AttachNetworkInterface => eni::attach_network_interface;
        DetachNetworkInterface => eni::detach_network_interface;
        DeleteNetworkInterface => eni::delete_network_interface;
        AssignPrivateIpAddresses => eni_address::assign_private_ip_addresses;
        UnassignPrivateIpAddresses => eni_address::unassign_private_ip_addresses;
        AssignIpv6Addresses => eni_address::assign_ipv6_addresses;
        UnassignIpv6Addresses => eni_address::unassign_ipv6_addresses;
        // -- instances
        RunInstances => instance::run_instances;
        CreateInstance => instance::create_instance;
        StartInstance => instance_life::start_instance;
        StopInstance => instance_life::stop_instance;
        RebootInstance => instance_life::reboot_instance;
        StartInstances => instance_life::start_instances;
        StopInstances => instance_life::stop_instances;
        RebootInstances => instance_life::reboot_instances;
        AllocatePublicIpAddress => instance_life::allocate_public_ip_address;
        DeleteInstance => instance_life::delete_instance;
        DeleteInstances => instance_life::delete_instances;
        ModifyInstanceAttribute => instance_life::modify_instance_attribute;
        ModifyInstanceVpcAttribute => instance_life::modify_instance_vpc_attribute;
        ModifyInstanceSpec => instance_change::modify_instance_spec;
        ModifyPrepayInstanceSpec => instance_change::modify_prepay_instance_spec;
        ModifyInstanceChargeType => instance_change::modify_instance_charge_type;
        ModifyInstanceAutoRenewAttribute => instance_change::modify_instance_auto_renew_attribute;
        ModifyInstanceMetadataOptions => instance_change::modify_instance_metadata_options;
        ModifyInstanceMaintenanceAttributes => instance_change::modify_instance_maintenance_attributes;
        ModifyDiskAttribute => disk::modify_disk_attribute;
        DescribeInstances => instance_describe::describe_instances;
        DescribeInstanceStatus => instance_describe::describe_instance_status;
        DescribeInstanceAttribute => instance_describe::describe_instance_attribute;
        DescribeDisks => disk::describe_disks;
        DescribeInstanceAutoRenewAttribute => instance_extra::describe_auto_renew;
        DescribeInstanceAttachmentAttributes => instance_extra::describe_attachment;
        DescribeInstanceMaintenanceAttributes => instance_extra::describe_maintenance;
        DescribeInstanceRamRole => instance_extra::describe_ram_role;
        DescribeInstanceVncUrl => instance_extra::describe_vnc_url;
        DescribeUserData => instance_extra::describe_user_data;
        // -- regions, zones, types, images
        DescribeRegions => catalog::ecs_describe_regions;
        DescribeZones => catalog::ecs_describe_zones;
        DescribeInstanceTypes => catalog::describe_instance_types;
        DescribeInstanceTypeFamilies => catalog::describe_instance_type_families;
        DescribeAvailableResource => catalog::describe_available_resource;
        DescribeImages => catalog::describe_images;
        TagResources => tags::ecs_tag_resources;
        UntagResources => tags::ecs_untag_resources;
        ListTagResources => tags::ecs_list_tag_resources;
        JoinResourceGroup => vpc_parts::join_resource_group;
    }
    Slb "2014-05-15" {
        // -- access control lists
        CreateAccessControlList => slb_acl::create_access_control_list;
        DescribeAccessControlLists => slb_acl::describe_access_control_lists;
        DescribeAccessControlListAttribute => slb_acl::describe_access_control_list_attribute;
        SetAccessControlListAttribute => slb_acl::set_access_control_list_attribute;
        AddAccessControlListEntry => slb_acl::add_access_control_list_entry;
        RemoveAccessControlListEntry => slb_acl::remove_access_control_list_entry;
        DeleteAccessControlList => slb_acl::delete_access_control_list;
        // -- load balancers
        CreateLoadBalancer => load_balancer::create_load_balancer;
        DescribeLoadBalancers => load_balancer::describe_load_balancers;
        DescribeLoadBalancerAttribute => load_balancer::describe_load_balancer_attribute;
        DeleteLoadBalancer => load_balancer::delete_load_balancer;
        SetLoadBalancerName => load_balancer::set_load_balancer_name;
        SetLoadBalancerStatus => load_balancer::set_load_balancer_status;
        SetLoadBalancerDeleteProtection => load_balancer::set_load_balancer_delete_protection;
        SetLoadBalancerModificationProtection => load_balancer::set_load_balancer_modification_protection;
        ModifyLoadBalancerInternetSpec => load_balancer::modify_load_balancer_internet_spec;
        ModifyLoadBalancerInstanceSpec => load_balancer::modify_load_balancer_instance_spec;
        ModifyLoadBalancerInstanceChargeType => load_balancer::modify_load_balancer_instance_charge_type;
        ModifyLoadBalancerPayType => load_balancer::modify_load_balancer_pay_type;
        CreateLoadBalancerTCPListener => listener::create_tcp;
        SetLoadBalancerTCPListenerAttribute => listener::set_tcp;
        DescribeLoadBalancerTCPListenerAttribute => listener::describe_tcp;
        CreateLoadBalancerUDPListener => listener::create_udp;
        SetLoadBalancerUDPListenerAttribute => listener::set_udp;
        DescribeLoadBalancerUDPListenerAttribute => listener::describe_udp;
        CreateLoadBalancerHTTPListener => listener::create_http;
        SetLoadBalancerHTTPListenerAttribute => listener::set_http;
        DescribeLoadBalancerHTTPListenerAttribute => listener::describe_http;
        CreateLoadBalancerHTTPSListener => listener::create_https;
        SetLoadBalancerHTTPSListenerAttribute => listener::set_https;
        DescribeLoadBalancerHTTPSListenerAttribute => listener::describe_https;
        DescribeLoadBalancerListeners => listener::describe_listeners;
        StartLoadBalancerListener => listener::start;
        StopLoadBalancerListener => listener::stop;
        DeleteLoadBalancerListener => listener::delete;
        CreateVServerGroup => server_group::create_vserver_group;
        DescribeVServerGroups => server_group::describe_vserver_groups;
        DescribeVServerGroupAttribute => server_group::describe_vserver_group_attribute;
        SetVServerGroupAttribute => server_group::set_vserver_group_attribute;
        DeleteVServerGroup => server_group::delete_vserver_group;
        AddVServerGroupBackendServers => server_group::add_to_vserver_group;
        RemoveVServerGroupBackendServers => server_group::remove_from_vserver_group;
        ModifyVServerGroupBackendServers => server_group::modify_vserver_group;
        CreateMasterSlaveServerGroup => master_slave_group::create;
        DescribeMasterSlaveServerGroups => master_slave_group::describe_all;
        DescribeMasterSlaveServerGroupAttribute => master_slave_group::describe_one;
        DeleteMasterSlaveServerGroup => master_slave_group::delete;
        AddBackendServers => server_group::add_backend_servers;
        RemoveBackendServers => server_group::remove_backend_servers;
        SetBackendServers => server_group::set_backend_servers;
        DescribeHealthStatus => server_group::describe_health_status;
        CreateRules => forwarding_rule::create_rules;
        DescribeRules => forwarding_rule::describe_rules;
        DescribeRuleAttribute => forwarding_rule::describe_rule_attribute;
        SetRule => forwarding_rule::set_rule;
        DeleteRules => forwarding_rule::delete_rules;
        CreateDomainExtension => domain_extension::create;
        DescribeDomainExtensions => domain_extension::describe_all;
        DescribeDomainExtensionAttribute => domain_extension::describe_one;
        SetDomainExtensionAttribute => domain_extension::set;
        DeleteDomainExtension => domain_extension::delete;
        TagResources => tags::slb_tag_resources;
        UntagResources => tags::slb_untag_resources;
        ListTagResources => tags::slb_list_tag_resources;
        DescribeRegions => load_balancer::slb_describe_regions;
        DescribeZones => load_balancer::slb_describe_zones;
        DescribeAvailableResource => load_balancer::slb_describe_available_resource;
        // -- certificates
        UploadServerCertificate => certificate::upload_server_certificate;
        DescribeServerCertificates => certificate::describe_server_certificates;
        SetServerCertificateName => certificate::set_server_certificate_name;
        DeleteServerCertificate => certificate::delete_server_certificate;
        UploadCACertificate => certificate::upload_ca_certificate;
        DescribeCACertificates => certificate::describe_ca_certificates;
        SetCACertificateName => certificate::set_ca_certificate_name;
        DeleteCACertificate => certificate::delete_ca_certificate;
        CreateTLSCipherPolicy => tls_policy::create;
        ListTLSCipherPolicies => tls_policy::describe;
        SetTLSCipherPolicyAttribute => tls_policy::set;
        DeleteTLSCipherPolicy => tls_policy::delete;
    }
    VpcPeer "2022-01-01" {
        CreateVpcPeerConnection => vpc_peer::create_vpc_peer_connection;
        AcceptVpcPeerConnection => vpc_peer::accept_vpc_peer_connection;
        RejectVpcPeerConnection => vpc_peer::reject_vpc_peer_connection;
        ModifyVpcPeerConnection => vpc_peer::modify_vpc_peer_connection;
        GetVpcPeerConnectionAttribute => vpc_peer::get_vpc_peer_connection_attribute;
        ListVpcPeerConnections => vpc_peer::list_vpc_peer_connections;
        DeleteVpcPeerConnection => vpc_peer::delete_vpc_peer_connection;
        TagResources => vpc_peer::tag_resources;
        UnTagResources => vpc_peer::untag_resources;
        ListTagResources => vpc_peer::list_tag_resources;
        MoveResourceGroup => vpc_peer::move_resource_group;
    }
    Location "2015-06-12" {
        DescribeEndpoints => account::describe_endpoints;
    }
    Sts "2015-04-01" {
        GetCallerIdentity => account::get_caller_identity [minimal];
    }
    ResourceManager "2020-03-31" {
        ListResourceGroups => account::list_resource_groups;
    }
    Cs "2015-12-15" {
        DescribeClusterDetail => cluster::describe_cluster_detail;
    }
    BssOpenApi "2017-12-14" {
        QueryAvailableInstances => billing::query_available_instances;
    }
}

/// Documented parameters that an action takes and that change nothing, by file.
pub const INERT: &[&[(&str, &[&str])]] = &[
    account::INERT,
    tags::INERT,
    vpc::INERT,
    vpc_parts::INERT,
    vswitch::INERT,
    // -- certificates
    certificate::INERT,
    // -- routes
    route_entry::INERT,
    route_table::INERT,
    // -- elastic IP addresses
    eip::INERT,
    nat_gateway::INERT,
    snat::INERT,
    ipv6_gateway::INERT,
    router_interface::INERT,
    vpc_peer::INERT,
    // -- security groups, prefix lists
    security_group::INERT,
    security_group_rule::INERT,
    // -- network interfaces
    eni::INERT,
    // -- instances, catalogue
    catalog::INERT,
    instance::INERT,
    instance_life::INERT,
    instance_change::INERT,
    instance_describe::INERT,
    disk::INERT,
    // -- load balancers
    load_balancer::INERT,
    server_group::INERT,
    master_slave_group::INERT,
];

/// The action of this version and name.
pub fn find(version: &str, name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name && action.version == version)
}

/// The product with this version date, if any action of it is served.
pub fn product_of(version: &str) -> Option<&'static str> {
    ACTIONS.iter().find(|action| action.version == version).map(|action| action.product)
}

/// Whether actions of this product are served; products are named in any case.
pub fn is_served_product(name: &str) -> bool {
    ACTIONS.iter().any(|action| action.product.eq_ignore_ascii_case(name))
}

/// Whether any product serves an action of this name.
pub fn is_served(name: &str) -> bool {
    ACTIONS.iter().any(|action| action.name == name)
}
