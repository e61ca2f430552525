//! Commands: everything that can be asked of a world, and where each is judged.

use crate::access::Caller;
use crate::cidr::{Cidr4, Cidr6};
use crate::error::Outcome;
use crate::id::{AnyId, EniId, Id, RouteTableId, VRouterId, VpcId};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The one list of commands: name, input, handler.
macro_rules! commands {
    ($($name:ident($input:path) => $handler:path;)*) => {
        /// Something asked of a world.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Command { $(#[doc = concat!("See [`", stringify!($input), "`].")] $name($input)),* }

        impl Command {
            /// The names of all commands.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The command's name.
            pub const fn name(&self) -> &'static str {
                match self { $(Command::$name(_) => stringify!($name)),* }
            }
        }

        $(impl From<$input> for Command {
            fn from(input: $input) -> Command { Command::$name(input) }
        })*

        /// Judges a command: look up, check, check, check, write.
        pub(crate) fn dispatch(w: &mut World, caller: &Caller, command: &Command) -> Outcome<Reply> {
            match command { $(Command::$name(input) => $handler(w, caller, input)),* }
        }
    };
}

commands! {
    SetClock(crate::settings::SetClock) => crate::settings::set_clock;
    ChangeSettings(crate::settings::ChangeSettings) => crate::settings::change;
    AdjustQuota(crate::quota::AdjustQuota) => crate::quota::adjust;
    TagResources(crate::tag::TagResources) => crate::tag::tag_resources;
    UntagResources(crate::tag::UntagResources) => crate::tag::untag_resources;
    CreateVpc(crate::vpc::vpc::CreateVpc) => crate::vpc::vpc::create;
    ModifyVpc(crate::vpc::vpc::ModifyVpc) => crate::vpc::vpc::modify;
    DeleteVpc(crate::vpc::vpc::DeleteVpc) => crate::vpc::vpc::delete;
    CreateVSwitch(crate::vpc::vswitch::CreateVSwitch) => crate::vpc::vswitch::create;
    ModifyVSwitch(crate::vpc::vswitch::ModifyVSwitch) => crate::vpc::vswitch::modify;
    DeleteVSwitch(crate::vpc::vswitch::DeleteVSwitch) => crate::vpc::vswitch::delete;
    AddSecondaryBlock(crate::vpc::secondary_block::AddSecondaryBlock) => crate::vpc::secondary_block::add;
    RemoveSecondaryBlock(crate::vpc::secondary_block::RemoveSecondaryBlock) => crate::vpc::secondary_block::remove;
    AddIpv6Block(crate::vpc::secondary_block::AddIpv6Block) => crate::vpc::secondary_block::add_ipv6;
    RemoveIpv6Block(crate::vpc::secondary_block::RemoveIpv6Block) => crate::vpc::secondary_block::remove_ipv6;
    CreateDefaultVpc(crate::vpc::default_network::CreateDefaultVpc) => crate::vpc::default_network::create_vpc;
    CreateDefaultVSwitch(crate::vpc::default_network::CreateDefaultVSwitch) => crate::vpc::default_network::create_vswitch;
    CreateCidrReservation(crate::vpc::cidr_reservation::CreateCidrReservation) => crate::vpc::cidr_reservation::create;
    ModifyCidrReservation(crate::vpc::cidr_reservation::ModifyCidrReservation) => crate::vpc::cidr_reservation::modify;
    DeleteCidrReservation(crate::vpc::cidr_reservation::DeleteCidrReservation) => crate::vpc::cidr_reservation::delete;
    CreateResourceGroup(crate::resource_group::CreateResourceGroup) => crate::resource_group::create;
    DeleteResourceGroup(crate::resource_group::DeleteResourceGroup) => crate::resource_group::delete;
    MoveToResourceGroup(crate::resource_group::MoveToResourceGroup) => crate::resource_group::move_to;
    // -- vRouter, route tables, route entries
    ModifyVRouter(crate::vpc::vrouter::ModifyVRouter) => crate::vpc::vrouter::modify;
    CreateRouteTable(crate::vpc::route_table::CreateRouteTable) => crate::vpc::route_table::create;
    ModifyRouteTable(crate::vpc::route_table::ModifyRouteTable) => crate::vpc::route_table::modify;
    DeleteRouteTable(crate::vpc::route_table::DeleteRouteTable) => crate::vpc::route_table::delete;
    AssociateRouteTable(crate::vpc::route_table::AssociateRouteTable) => crate::vpc::route_table::associate;
    UnassociateRouteTable(crate::vpc::route_table::UnassociateRouteTable) => crate::vpc::route_table::unassociate;
    CreateRouteEntry(crate::vpc::route_entry::CreateRouteEntry) => crate::vpc::route_entry::create;
    CreateRouteEntries(crate::vpc::route_entry::CreateRouteEntries) => crate::vpc::route_entry::create_many;
    ModifyRouteEntry(crate::vpc::route_entry::ModifyRouteEntry) => crate::vpc::route_entry::modify;
    DeleteRouteEntry(crate::vpc::route_entry::DeleteRouteEntry) => crate::vpc::route_entry::delete;
    DeleteRouteEntries(crate::vpc::route_entry::DeleteRouteEntries) => crate::vpc::route_entry::delete_many;
    // -- security groups, prefix lists
    CreateSecurityGroup(crate::ecs::security_group::CreateSecurityGroup) => crate::ecs::security_group::create;
    ModifySecurityGroup(crate::ecs::security_group::ModifySecurityGroup) => crate::ecs::security_group::modify;
    DeleteSecurityGroup(crate::ecs::security_group::DeleteSecurityGroup) => crate::ecs::security_group::delete;
    JoinSecurityGroup(crate::ecs::membership::JoinSecurityGroup) => crate::ecs::membership::join;
    LeaveSecurityGroup(crate::ecs::membership::LeaveSecurityGroup) => crate::ecs::membership::leave;
    AuthorizeRules(crate::ecs::authorize::AuthorizeRules) => crate::ecs::authorize::authorize;
    RevokeRules(crate::ecs::authorize::RevokeRules) => crate::ecs::authorize::revoke;
    ModifyRule(crate::ecs::authorize::ModifyRule) => crate::ecs::authorize::modify;
    CreatePrefixList(crate::ecs::prefix_list::CreatePrefixList) => crate::ecs::prefix_list::create;
    ModifyPrefixList(crate::ecs::prefix_list::ModifyPrefixList) => crate::ecs::prefix_list::modify;
    DeletePrefixList(crate::ecs::prefix_list::DeletePrefixList) => crate::ecs::prefix_list::delete;
    // -- network interfaces
    CreateEni(crate::ecs::eni::CreateEni) => crate::ecs::eni::create;
    ModifyEni(crate::ecs::eni::ModifyEni) => crate::ecs::eni::modify;
    DeleteEni(crate::ecs::eni::DeleteEni) => crate::ecs::eni::delete;
    AssignAddresses(crate::ecs::eni_address::AssignAddresses) => crate::ecs::eni_address::assign;
    UnassignAddresses(crate::ecs::eni_address::UnassignAddresses) => crate::ecs::eni_address::unassign;
    AttachEni(crate::ecs::eni_attachment::AttachEni) => crate::ecs::eni_attachment::attach;
    DetachEni(crate::ecs::eni_attachment::DetachEni) => crate::ecs::eni_attachment::detach;
    // -- instances, disks, residents
    RunInstances(crate::ecs::instance_create::RunInstances) => crate::ecs::instance_create::run;
    CreateInstance(crate::ecs::instance_create::CreateInstance) => crate::ecs::instance_create::create;
    StartInstances(crate::ecs::instance_life::StartInstances) => crate::ecs::instance_life::start;
    StopInstances(crate::ecs::instance_life::StopInstances) => crate::ecs::instance_life::stop;
    RebootInstances(crate::ecs::instance_life::RebootInstances) => crate::ecs::instance_life::reboot;
    DeleteInstances(crate::ecs::instance_life::DeleteInstances) => crate::ecs::instance_life::delete;
    AllocatePublicAddress(crate::ecs::public_address::AllocatePublicAddress) => crate::ecs::public_address::allocate;
    ModifyInstance(crate::ecs::instance_modify::ModifyInstance) => crate::ecs::instance_modify::modify;
    MoveInstance(crate::ecs::instance_modify::MoveInstance) => crate::ecs::instance_modify::relocate;
    ModifyInstanceSpec(crate::ecs::instance_spec::ModifyInstanceSpec) => crate::ecs::instance_spec::modify;
    ModifyInstanceCharge(crate::ecs::instance_charge::ModifyInstanceCharge) => crate::ecs::instance_charge::modify;
    ModifyRenewal(crate::ecs::instance_charge::ModifyRenewal) => crate::ecs::instance_charge::renew;
    ModifyMetadataOptions(crate::ecs::metadata_options::ModifyMetadataOptions) => crate::ecs::metadata_options::modify;
    ModifyMaintenance(crate::ecs::maintenance::ModifyMaintenance) => crate::ecs::maintenance::modify;
    ModifyDisks(crate::ecs::disk::ModifyDisks) => crate::ecs::disk::modify;
    CreateResident(crate::vpc::resident::CreateResident) => crate::vpc::resident::create;
    ModifyResident(crate::vpc::resident::ModifyResident) => crate::vpc::resident::modify;
    DeleteResident(crate::vpc::resident::DeleteResident) => crate::vpc::resident::delete;
    // -- elastic IP addresses
    AllocateEip(crate::vpc::eip::AllocateEip) => crate::vpc::eip::allocate;
    ModifyEip(crate::vpc::eip::ModifyEip) => crate::vpc::eip::modify;
    ReleaseEip(crate::vpc::eip::ReleaseEip) => crate::vpc::eip::release;
    AssociateEip(crate::vpc::eip_binding::AssociateEip) => crate::vpc::eip_binding::associate;
    UnassociateEip(crate::vpc::eip_binding::UnassociateEip) => crate::vpc::eip_binding::unassociate;
    // -- how ports answer, outages
    SetServicePort(crate::ecs::service_port::SetServicePort) => crate::ecs::service_port::set;
    ClearServicePort(crate::ecs::service_port::ClearServicePort) => crate::ecs::service_port::clear;
    BeginOutage(crate::ecs::outage::BeginOutage) => crate::ecs::outage::begin;
    EndOutage(crate::ecs::outage::EndOutage) => crate::ecs::outage::end;
    // -- NAT gateways
    CreateNatGateway(crate::vpc::nat_gateway::CreateNatGateway) => crate::vpc::nat_gateway::create;
    ModifyNatGateway(crate::vpc::nat_gateway::ModifyNatGateway) => crate::vpc::nat_gateway::modify;
    DeleteNatGateway(crate::vpc::nat_gateway::DeleteNatGateway) => crate::vpc::nat_gateway::delete;
    CreateSnatEntry(crate::vpc::snat::CreateSnatEntry) => crate::vpc::snat::create;
    ModifySnatEntry(crate::vpc::snat::ModifySnatEntry) => crate::vpc::snat::modify;
    DeleteSnatEntry(crate::vpc::snat::DeleteSnatEntry) => crate::vpc::snat::delete;
    CreateForwardEntry(crate::vpc::forward_entry::CreateForwardEntry) => crate::vpc::forward_entry::create;
    ModifyForwardEntry(crate::vpc::forward_entry::ModifyForwardEntry) => crate::vpc::forward_entry::modify;
    DeleteForwardEntry(crate::vpc::forward_entry::DeleteForwardEntry) => crate::vpc::forward_entry::delete;
    AssociateGatewayRouteTable(crate::vpc::gateway_route_table::AssociateGatewayRouteTable) => crate::vpc::gateway_route_table::associate;
    DissociateGatewayRouteTable(crate::vpc::gateway_route_table::DissociateGatewayRouteTable) => crate::vpc::gateway_route_table::dissociate;
    UpdateGatewayRouteEntry(crate::vpc::gateway_route_table::UpdateGatewayRouteEntry) => crate::vpc::gateway_route_table::update;
    // -- HaVips
    CreateHaVip(crate::vpc::ha_vip::CreateHaVip) => crate::vpc::ha_vip::create;
    ModifyHaVip(crate::vpc::ha_vip::ModifyHaVip) => crate::vpc::ha_vip::modify;
    AssociateHaVip(crate::vpc::ha_vip_binding::AssociateHaVip) => crate::vpc::ha_vip_binding::associate;
    UnassociateHaVip(crate::vpc::ha_vip_binding::UnassociateHaVip) => crate::vpc::ha_vip_binding::unassociate;
    DeleteHaVip(crate::vpc::ha_vip::DeleteHaVip) => crate::vpc::ha_vip::delete;
    // -- gateways
    CreateIpv4Gateway(crate::vpc::ipv4_gateway::CreateIpv4Gateway) => crate::vpc::ipv4_gateway::create;
    EnableIpv4Gateway(crate::vpc::ipv4_gateway::EnableIpv4Gateway) => crate::vpc::ipv4_gateway::enable;
    ModifyIpv4Gateway(crate::vpc::ipv4_gateway::ModifyIpv4Gateway) => crate::vpc::ipv4_gateway::modify;
    DeleteIpv4Gateway(crate::vpc::ipv4_gateway::DeleteIpv4Gateway) => crate::vpc::ipv4_gateway::delete;
    CreateIpv6Gateway(crate::vpc::ipv6_gateway::CreateIpv6Gateway) => crate::vpc::ipv6_gateway::create;
    ModifyIpv6Gateway(crate::vpc::ipv6_gateway::ModifyIpv6Gateway) => crate::vpc::ipv6_gateway::modify;
    DeleteIpv6Gateway(crate::vpc::ipv6_gateway::DeleteIpv6Gateway) => crate::vpc::ipv6_gateway::delete;
    AllocateIpv6Bandwidth(crate::vpc::ipv6_bandwidth::AllocateIpv6Bandwidth) => crate::vpc::ipv6_bandwidth::allocate;
    ModifyIpv6Bandwidth(crate::vpc::ipv6_bandwidth::ModifyIpv6Bandwidth) => crate::vpc::ipv6_bandwidth::modify;
    DeleteIpv6Bandwidth(crate::vpc::ipv6_bandwidth::DeleteIpv6Bandwidth) => crate::vpc::ipv6_bandwidth::delete;
    CreateIpv6EgressRule(crate::vpc::ipv6_egress_rule::CreateIpv6EgressRule) => crate::vpc::ipv6_egress_rule::create;
    DeleteIpv6EgressRule(crate::vpc::ipv6_egress_rule::DeleteIpv6EgressRule) => crate::vpc::ipv6_egress_rule::delete;
    // -- peering
    CreateRouterInterface(crate::vpc::router_interface::CreateRouterInterface) => crate::vpc::router_interface::create;
    ModifyRouterInterface(crate::vpc::router_interface::ModifyRouterInterface) => crate::vpc::router_interface::modify;
    ModifyRouterInterfaceSpec(crate::vpc::router_interface::ModifyRouterInterfaceSpec) => crate::vpc::router_interface::modify_spec;
    DeleteRouterInterface(crate::vpc::router_interface::DeleteRouterInterface) => crate::vpc::router_interface::delete;
    ConnectRouterInterface(crate::vpc::router_connection::ConnectRouterInterface) => crate::vpc::router_connection::connect;
    ActivateRouterInterface(crate::vpc::router_connection::ActivateRouterInterface) => crate::vpc::router_connection::activate;
    DeactivateRouterInterface(crate::vpc::router_connection::DeactivateRouterInterface) => crate::vpc::router_connection::deactivate;
    CreateVpcPeer(crate::vpc::vpc_peer::CreateVpcPeer) => crate::vpc::vpc_peer::create;
    AcceptVpcPeer(crate::vpc::vpc_peer::AcceptVpcPeer) => crate::vpc::vpc_peer::accept;
    RejectVpcPeer(crate::vpc::vpc_peer::RejectVpcPeer) => crate::vpc::vpc_peer::reject;
    ModifyVpcPeer(crate::vpc::vpc_peer::ModifyVpcPeer) => crate::vpc::vpc_peer::modify;
    DeleteVpcPeer(crate::vpc::vpc_peer::DeleteVpcPeer) => crate::vpc::vpc_peer::delete;
    // -- network ACLs
    CreateNetworkAcl(crate::vpc::network_acl::CreateNetworkAcl) => crate::vpc::network_acl::create;
    ModifyNetworkAcl(crate::vpc::network_acl::ModifyNetworkAcl) => crate::vpc::network_acl::modify;
    DeleteNetworkAcl(crate::vpc::network_acl::DeleteNetworkAcl) => crate::vpc::network_acl::delete;
    UpdateNetworkAclRules(crate::vpc::network_acl_rule::UpdateNetworkAclRules) => crate::vpc::network_acl_rule::update;
    AssociateNetworkAcl(crate::vpc::network_acl_binding::AssociateNetworkAcl) => crate::vpc::network_acl_binding::associate;
    UnassociateNetworkAcl(crate::vpc::network_acl_binding::UnassociateNetworkAcl) => crate::vpc::network_acl_binding::unassociate;
    // -- access control lists of load balancers
    CreateAccessControlList(crate::slb::acl::CreateAccessControlList) => crate::slb::acl::create;
    ModifyAccessControlList(crate::slb::acl::ModifyAccessControlList) => crate::slb::acl::modify;
    DeleteAccessControlList(crate::slb::acl::DeleteAccessControlList) => crate::slb::acl::delete;
    // -- load balancers
    CreateLoadBalancer(crate::slb::load_balancer::CreateLoadBalancer) => crate::slb::load_balancer::create;
    ModifyLoadBalancer(crate::slb::load_balancer_change::ModifyLoadBalancer) => crate::slb::load_balancer_change::modify;
    LockLoadBalancer(crate::slb::load_balancer_change::LockLoadBalancer) => crate::slb::load_balancer_change::lock;
    ModifyLoadBalancerTerms(crate::slb::load_balancer_change::ModifyLoadBalancerTerms) => crate::slb::load_balancer_change::modify_terms;
    DeleteLoadBalancer(crate::slb::load_balancer::DeleteLoadBalancer) => crate::slb::load_balancer::delete;
    CreateListener(crate::slb::listener::CreateListener) => crate::slb::listener::create;
    ModifyListener(crate::slb::listener::ModifyListener) => crate::slb::listener::modify;
    StartListener(crate::slb::listener::StartListener) => crate::slb::listener::start;
    StopListener(crate::slb::listener::StopListener) => crate::slb::listener::stop;
    DeleteListener(crate::slb::listener::DeleteListener) => crate::slb::listener::delete;
    CreateVServerGroup(crate::slb::server_group::CreateVServerGroup) => crate::slb::server_group::create;
    DeleteVServerGroup(crate::slb::server_group::DeleteVServerGroup) => crate::slb::server_group::delete;
    CreateMasterSlaveGroup(crate::slb::master_slave_group::CreateMasterSlaveGroup) => crate::slb::master_slave_group::create;
    DeleteMasterSlaveGroup(crate::slb::master_slave_group::DeleteMasterSlaveGroup) => crate::slb::master_slave_group::delete;
    AddBackends(crate::slb::backend::AddBackends) => crate::slb::backend::add;
    RemoveBackends(crate::slb::backend::RemoveBackends) => crate::slb::backend::remove;
    SetBackends(crate::slb::backend::SetBackends) => crate::slb::backend::set;
    ReplaceBackends(crate::slb::backend::ReplaceBackends) => crate::slb::backend::replace;
    CreateForwardingRules(crate::slb::forwarding_rule::CreateForwardingRules) => crate::slb::forwarding_rule::create;
    ModifyForwardingRule(crate::slb::forwarding_rule::ModifyForwardingRule) => crate::slb::forwarding_rule::modify;
    DeleteForwardingRules(crate::slb::forwarding_rule::DeleteForwardingRules) => crate::slb::forwarding_rule::delete;
    CreateDomainExtension(crate::slb::domain_extension::CreateDomainExtension) => crate::slb::domain_extension::create;
    ModifyDomainExtension(crate::slb::domain_extension::ModifyDomainExtension) => crate::slb::domain_extension::modify;
    DeleteDomainExtension(crate::slb::domain_extension::DeleteDomainExtension) => crate::slb::domain_extension::delete;
    // -- certificates
    UploadServerCertificate(crate::slb::certificate::UploadServerCertificate) => crate::slb::certificate::upload_server;
    RenameServerCertificate(crate::slb::certificate::RenameServerCertificate) => crate::slb::certificate::rename_server;
    DeleteServerCertificate(crate::slb::certificate::DeleteServerCertificate) => crate::slb::certificate::delete_server;
    UploadCaCertificate(crate::slb::certificate::UploadCaCertificate) => crate::slb::certificate::upload_ca;
    RenameCaCertificate(crate::slb::certificate::RenameCaCertificate) => crate::slb::certificate::rename_ca;
    DeleteCaCertificate(crate::slb::certificate::DeleteCaCertificate) => crate::slb::certificate::delete_ca;
    // -- TLS cipher policies
    CreateTlsPolicy(crate::slb::tls_policy::CreateTlsPolicy) => crate::slb::tls_policy::create;
    ModifyTlsPolicy(crate::slb::tls_policy::ModifyTlsPolicy) => crate::slb::tls_policy::modify;
    DeleteTlsPolicy(crate::slb::tls_policy::DeleteTlsPolicy) => crate::slb::tls_policy::delete;
}

/// What an accepted command answers: ids of what was made. Wires read the rest from the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Nothing but success.
    Done,
    /// One new object.
    Created(AnyId),
    /// Several new objects.
    CreatedMany(Vec<AnyId>),
    /// A new VPC with what comes with it.
    CreatedVpc {
        /// The VPC.
        vpc: VpcId,
        /// Its vRouter.
        vrouter: VRouterId,
        /// Its system route table.
        route_table: RouteTableId,
    },
    /// Addresses given to a network interface.
    Addresses {
        /// The network interface.
        eni: EniId,
        /// Single IPv4 addresses.
        ipv4: Vec<Ipv4Addr>,
        /// IPv4 prefixes.
        ipv4_prefixes: Vec<Cidr4>,
        /// Single IPv6 addresses.
        ipv6: Vec<Ipv6Addr>,
        /// IPv6 prefixes.
        ipv6_prefixes: Vec<Cidr6>,
    },
    /// The number of an order.
    Ordered(u64),
    /// The outcome of each item of a batch that is not atomic, in order.
    Batch(Vec<Result<Option<AnyId>, crate::error::Refusal>>),
}

impl Reply {
    /// The id of the one new object.
    ///
    /// # Panics
    /// If the command makes none of that kind: a mistake of the program, not of a caller.
    pub fn id<I: Id + TryFrom<AnyId>>(&self) -> I {
        let any = match self {
            Reply::Created(id) => *id,
            Reply::CreatedVpc { vpc, .. } => (*vpc).into(),
            other => panic!("{other:?} names no single new object"),
        };
        I::try_from(any).unwrap_or_else(|_| panic!("{any} is not of kind {}", I::KIND.name()))
    }

    /// The number of the order.
    ///
    /// # Panics
    /// If the command orders nothing: a mistake of the program, not of a caller.
    pub fn order(&self) -> u64 {
        match self {
            Reply::Ordered(number) => *number,
            other => panic!("{other:?} names no order"),
        }
    }

    /// The ids of the new objects that are of this kind.
    pub fn ids<I: Id + TryFrom<AnyId>>(&self) -> Vec<I> {
        match self {
            Reply::Created(id) => I::try_from(*id).into_iter().collect(),
            Reply::CreatedMany(ids) => ids.iter().filter_map(|id| I::try_from(*id).ok()).collect(),
            _ => Vec::new(),
        }
    }
}

impl<I: Into<AnyId>> From<I> for Reply {
    fn from(id: I) -> Reply {
        Reply::Created(id.into())
    }
}
