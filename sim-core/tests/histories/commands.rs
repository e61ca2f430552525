//! A random command of each kind, mostly sensible in the world as it is.

mod acls;
mod backends;
pub mod balancers;
mod eips;
mod forwarding;
mod gateways;
mod groups;
mod ha_vips;
mod host_changes;
mod hosts;
mod interfaces;
mod listeners;
mod nat;
mod networks;
mod peers;
mod router_interfaces;
mod routes;

use crate::dice::Dice;
use groups::*;
use interfaces::*;
use networks::*;
use routes::*;
use sim_core::Command;
use sim_core::ecs::authorize::*;
use sim_core::ecs::eni::{DeleteEni, Eni};
use sim_core::ecs::eni_address::AssignAddresses;
use sim_core::ecs::membership::JoinSecurityGroup;
use sim_core::ecs::outage::{EndOutage, Outage};
use sim_core::ecs::prefix_list::*;
use sim_core::ecs::security_group::*;
use sim_core::quota::{AdjustQuota, Quota};
use sim_core::resource_group::*;
use sim_core::settings::{ChangeSettings, ClockMode, Provisioning, SetClock};
use sim_core::slb::acl::{AccessControlList, DeleteAccessControlList};
use sim_core::slb::certificate::{
    CaCertificate, DeleteCaCertificate, DeleteServerCertificate, RenameCaCertificate,
    RenameServerCertificate, ServerCertificate,
};
use sim_core::slb::tls_policy::{DeleteTlsPolicy, TlsPolicy};
use sim_core::tag::{TagResources, UntagResources};
use sim_core::vpc::cidr_reservation::*;
use sim_core::vpc::default_network::{CreateDefaultVSwitch, CreateDefaultVpc};
use sim_core::vpc::ha_vip::{DeleteHaVip, HaVip, ModifyHaVip};
use sim_core::vpc::network_acl::{DeleteNetworkAcl, ModifyNetworkAcl, NetworkAcl};
use sim_core::vpc::route_entry::*;
use sim_core::vpc::route_table::{AssociateRouteTable, DeleteRouteTable, ModifyRouteTable, RouteTable};
use sim_core::vpc::secondary_block::*;
use sim_core::vpc::vpc::{DeleteVpc, Vpc};
use sim_core::vpc::vrouter::{ModifyVRouter, VRouter};
use sim_core::vpc::vswitch::{DeleteVSwitch, VSwitch};

/// What makes a command of one kind.
pub type Make = fn(&mut Dice<'_>) -> Command;

/// The kinds of commands: name, how often, how.
pub const KINDS: &[(&str, usize, Make)] = &[
    ("CreateVSwitch", 10, create_vswitch),
    ("CreateVpc", 5, create_vpc),
    ("CreateEni", 10, create_eni),
    ("CreateSecurityGroup", 5, create_group),
    ("ModifyVpc", 3, modify_vpc),
    ("DeleteVpc", 2, |d| DeleteVpc { vpc: d.id::<Vpc>() }.into()),
    ("ModifyVSwitch", 3, modify_vswitch),
    ("DeleteVSwitch", 2, |d| DeleteVSwitch { vswitch: d.id::<VSwitch>() }.into()),
    ("AddSecondaryBlock", 4, |d| {
        AddSecondaryBlock { vpc: d.id::<Vpc>(), block: d.pick(&further_blocks()) }.into()
    }),
    ("RemoveSecondaryBlock", 2, remove_secondary),
    ("AddIpv6Block", 2, networks::add_ipv6),
    ("RemoveIpv6Block", 2, networks::remove_ipv6),
    ("CreateDefaultVpc", 2, |d| {
        CreateDefaultVpc { ipv6: d.once_in(2), resource_group: d.resource_group() }.into()
    }),
    ("CreateDefaultVSwitch", 4, |d| {
        CreateDefaultVSwitch { zone: zone(d), ipv6_subnet: d.maybe(|d| d.roll(4) as u32) }.into()
    }),
    ("CreateCidrReservation", 5, create_reservation),
    ("ModifyCidrReservation", 2, |d| {
        let reservation = d.id::<CidrReservation>();
        ModifyCidrReservation { reservation, name: d.text(), description: d.text() }.into()
    }),
    ("DeleteCidrReservation", 2, |d| DeleteCidrReservation { reservation: d.id::<CidrReservation>() }.into()),
    ("CreateResourceGroup", 2, |d| {
        CreateResourceGroup { name: d.pick(&["team-a", "team-b", "1"]).into() }.into()
    }),
    ("DeleteResourceGroup", 7, |d| DeleteResourceGroup { group: some_group(d) }.into()),
    ("MoveToResourceGroup", 2, |d| {
        MoveToResourceGroup { resource: d.resource(), group: some_group(d) }.into()
    }),
    ("ModifyVRouter", 2, |d| {
        ModifyVRouter { vrouter: d.id::<VRouter>(), name: d.text(), description: d.text() }.into()
    }),
    ("CreateRouteTable", 5, create_table),
    ("ModifyRouteTable", 2, |d| {
        ModifyRouteTable {
            route_table: d.id::<RouteTable>(),
            name: d.text(),
            description: d.text(),
            propagation: d.maybe(|d| d.once_in(2)),
        }
        .into()
    }),
    ("DeleteRouteTable", 2, |d| DeleteRouteTable { route_table: d.id::<RouteTable>() }.into()),
    ("AssociateRouteTable", 5, |d| {
        AssociateRouteTable { route_table: d.id::<RouteTable>(), vswitch: d.id::<VSwitch>() }.into()
    }),
    ("UnassociateRouteTable", 3, unassociate),
    ("CreateRouteEntry", 8, |d| CreateRouteEntry { entry: new_entry(d) }.into()),
    ("CreateRouteEntries", 3, |d| {
        CreateRouteEntries { entries: (0..d.roll(4)).map(|_| new_entry(d)).collect() }.into()
    }),
    ("ModifyRouteEntry", 8, modify_entry),
    ("DeleteRouteEntry", 6, delete_entry),
    ("DeleteRouteEntries", 2, |d| {
        let old = |d: &mut Dice<'_>| OldEntry { entry: entry_ref(d).0, next_hop: None };
        DeleteRouteEntries { entries: (0..d.roll(4)).map(|_| old(d)).collect() }.into()
    }),
    ("AllocateEip", 6, eips::allocate),
    ("ModifyEip", 2, eips::modify),
    ("ReleaseEip", 2, eips::release),
    ("AssociateEip", 10, eips::associate),
    ("UnassociateEip", 5, eips::unassociate),
    ("CreateHaVip", 5, ha_vips::create),
    ("ModifyHaVip", 2, |d| {
        ModifyHaVip { ha_vip: d.id::<HaVip>(), name: d.text(), description: d.text() }.into()
    }),
    ("AssociateHaVip", 10, ha_vips::associate),
    ("UnassociateHaVip", 8, ha_vips::unassociate),
    ("DeleteHaVip", 4, |d| DeleteHaVip { ha_vip: d.id::<HaVip>() }.into()),
    ("CreateNatGateway", 8, nat::create_gateway),
    ("ModifyNatGateway", 2, nat::modify_gateway),
    ("DeleteNatGateway", 2, nat::delete_gateway),
    ("AssociateEip", 6, nat::associate),
    ("CreateSnatEntry", 8, nat::create_entry),
    ("ModifySnatEntry", 5, nat::modify_entry),
    ("DeleteSnatEntry", 3, nat::delete_entry),
    ("CreateForwardEntry", 8, nat::create_forward),
    ("ModifyForwardEntry", 5, nat::modify_forward),
    ("DeleteForwardEntry", 3, nat::delete_forward),
    ("CreateIpv4Gateway", 3, gateways::create4),
    ("EnableIpv4Gateway", 5, gateways::enable4),
    ("ModifyIpv4Gateway", 3, gateways::modify4),
    ("DeleteIpv4Gateway", 3, gateways::delete4),
    ("AssociateGatewayRouteTable", 6, gateways::associate_table),
    ("DissociateGatewayRouteTable", 4, gateways::dissociate_table),
    ("UpdateGatewayRouteEntry", 8, gateways::update_entry),
    ("CreateIpv6Gateway", 4, gateways::create6),
    ("ModifyIpv6Gateway", 3, gateways::modify6),
    ("DeleteIpv6Gateway", 2, gateways::delete6),
    ("AllocateIpv6Bandwidth", 14, gateways::allocate),
    ("ModifyIpv6Bandwidth", 9, gateways::modify),
    ("DeleteIpv6Bandwidth", 6, gateways::delete),
    ("CreateIpv6EgressRule", 12, gateways::outward),
    ("DeleteIpv6EgressRule", 8, gateways::delete_outward),
    ("CreateRouterInterface", 16, router_interfaces::create),
    ("ModifyRouterInterface", 14, router_interfaces::modify),
    ("ModifyRouterInterfaceSpec", 4, router_interfaces::modify_spec),
    ("ConnectRouterInterface", 12, router_interfaces::connect),
    ("ActivateRouterInterface", 5, router_interfaces::activate),
    ("DeactivateRouterInterface", 4, router_interfaces::deactivate),
    ("DeleteRouterInterface", 3, router_interfaces::delete),
    ("CreateVpcPeer", 14, peers::create),
    ("AcceptVpcPeer", 6, peers::accept),
    ("RejectVpcPeer", 6, peers::reject),
    ("ModifyVpcPeer", 8, peers::modify),
    ("DeleteVpcPeer", 3, peers::delete),
    ("CreateNetworkAcl", 5, acls::create_acl),
    ("ModifyNetworkAcl", 2, |d| {
        ModifyNetworkAcl { acl: d.id::<NetworkAcl>(), name: d.text(), description: d.text() }.into()
    }),
    ("DeleteNetworkAcl", 2, |d| DeleteNetworkAcl { acl: d.id::<NetworkAcl>() }.into()),
    ("UpdateNetworkAclRules", 5, acls::update_rules),
    ("AssociateNetworkAcl", 7, acls::associate),
    ("UnassociateNetworkAcl", 9, acls::unassociate),
    ("UploadServerCertificate", 3, acls::upload_server),
    ("RenameServerCertificate", 2, |d| {
        RenameServerCertificate { certificate: d.id::<ServerCertificate>(), name: d.text() }.into()
    }),
    ("DeleteServerCertificate", 2, |d| {
        DeleteServerCertificate { certificate: d.id::<ServerCertificate>() }.into()
    }),
    ("UploadCaCertificate", 3, acls::upload_ca),
    ("RenameCaCertificate", 2, |d| {
        RenameCaCertificate { certificate: d.id::<CaCertificate>(), name: d.text() }.into()
    }),
    ("CreateTlsPolicy", 3, acls::create_policy),
    ("ModifyTlsPolicy", 3, acls::modify_policy),
    ("DeleteTlsPolicy", 2, |d| DeleteTlsPolicy { policy: d.id::<TlsPolicy>() }.into()),
    ("DeleteCaCertificate", 2, |d| DeleteCaCertificate { certificate: d.id::<CaCertificate>() }.into()),
    ("CreateAccessControlList", 3, acls::create_list),
    ("ModifyAccessControlList", 8, acls::modify_list),
    ("DeleteAccessControlList", 4, |d| DeleteAccessControlList { acl: d.id::<AccessControlList>() }.into()),
    ("ModifySecurityGroup", 2, |d| {
        ModifySecurityGroup {
            group: d.id::<SecurityGroup>(),
            name: d.text(),
            description: d.text(),
            inner_access: d.maybe(|d| d.once_in(2)),
        }
        .into()
    }),
    ("DeleteSecurityGroup", 2, |d| DeleteSecurityGroup { group: d.id::<SecurityGroup>() }.into()),
    ("JoinSecurityGroup", 5, |d| {
        JoinSecurityGroup { group: d.id::<SecurityGroup>(), member: member(d) }.into()
    }),
    ("LeaveSecurityGroup", 4, leave),
    ("AuthorizeRules", 10, |d| {
        let rules = (0..1 + d.roll(3)).map(|_| rule(d)).collect();
        AuthorizeRules { group: d.id::<SecurityGroup>(), direction: direction(d), rules }.into()
    }),
    ("RevokeRules", 3, groups::revoke),
    ("ModifyRule", 3, modify_rule),
    ("CreatePrefixList", 3, create_list),
    ("ModifyPrefixList", 3, modify_list),
    ("DeletePrefixList", 2, |d| DeletePrefixList { list: d.id::<PrefixList>() }.into()),
    ("ModifyEni", 3, modify_eni),
    ("DeleteEni", 3, |d| DeleteEni { eni: d.id::<Eni>() }.into()),
    ("AssignAddresses", 8, |d| {
        let own = d.own::<Eni>();
        let eni = own.map_or_else(|| d.id::<Eni>(), |eni| eni.id);
        let wanted = wanted(d, own.and_then(|eni| d.world.get::<VSwitch>(&eni.vswitch)));
        AssignAddresses { eni, wanted }.into()
    }),
    ("UnassignAddresses", 4, unassign),
    ("RunInstances", 10, hosts::run_instances),
    ("CreateInstance", 5, hosts::create_instance),
    ("StartInstances", 4, hosts::start),
    ("StopInstances", 5, hosts::stop),
    ("RebootInstances", 2, hosts::reboot),
    ("AllocatePublicAddress", 6, hosts::public_address),
    ("DeleteInstances", 3, hosts::delete),
    ("ModifyInstance", 3, hosts::modify),
    ("MoveInstance", 4, hosts::relocate),
    ("ModifyInstanceSpec", 4, host_changes::spec),
    ("ModifyInstanceCharge", 3, host_changes::charge),
    ("ModifyRenewal", 4, host_changes::renewal),
    ("ModifyMetadataOptions", 2, host_changes::metadata),
    ("ModifyMaintenance", 2, host_changes::maintenance),
    ("ModifyDisks", 2, host_changes::disks),
    ("AttachEni", 6, hosts::attach),
    ("DetachEni", 4, hosts::detach),
    ("SetServicePort", 6, hosts::set_port),
    ("ClearServicePort", 4, hosts::clear_port),
    ("BeginOutage", 6, hosts::begin_outage),
    ("EndOutage", 3, |d| EndOutage { outage: d.id::<Outage>() }.into()),
    ("CreateResident", 8, hosts::create_resident),
    ("ModifyResident", 8, hosts::modify_resident),
    ("DeleteResident", 8, hosts::delete_resident),
    // -- load balancers
    ("CreateLoadBalancer", 4, balancers::create),
    ("ModifyLoadBalancer", 1, balancers::modify),
    ("LockLoadBalancer", 1, balancers::lock),
    ("ModifyLoadBalancerTerms", 3, balancers::modify_terms),
    ("DeleteLoadBalancer", 1, balancers::delete),
    ("CreateListener", 12, listeners::create),
    ("ModifyListener", 14, listeners::modify),
    ("StartListener", 12, listeners::start),
    ("StopListener", 12, listeners::stop),
    ("DeleteListener", 2, listeners::delete),
    ("CreateForwardingRules", 12, forwarding::create),
    ("ModifyForwardingRule", 12, forwarding::modify),
    ("DeleteForwardingRules", 4, forwarding::delete),
    ("CreateDomainExtension", 12, forwarding::create_extension),
    ("ModifyDomainExtension", 8, forwarding::modify_extension),
    ("DeleteDomainExtension", 4, forwarding::delete_extension),
    ("CreateVServerGroup", 4, backends::create_group),
    ("DeleteVServerGroup", 1, backends::delete_group),
    ("CreateMasterSlaveGroup", 8, backends::create_pair),
    ("DeleteMasterSlaveGroup", 2, backends::delete_pair),
    ("AddBackends", 6, backends::add),
    ("RemoveBackends", 2, backends::remove),
    ("SetBackends", 8, backends::set),
    ("ReplaceBackends", 14, backends::replace),
    ("TagResources", 3, |d| {
        let resources = (0..1 + d.roll(3)).map(|_| d.resource().into()).collect();
        TagResources { resources, tags: d.tags() }.into()
    }),
    ("UntagResources", 2, |d| {
        UntagResources { resources: vec![d.resource().into()], keys: d.maybe(|_| vec!["env".into()]) }.into()
    }),
    ("AdjustQuota", 3, adjust_quota),
    ("ChangeSettings", 2, |d| {
        let provisioning =
            d.maybe(|d| d.pick(&[Provisioning::Instant, Provisioning::Visible, Provisioning::Documented]));
        ChangeSettings { provisioning, quotas_lifted: d.maybe(|d| d.once_in(2)) }.into()
    }),
    ("SetClock", 2, |d| {
        let mode = d.pick(&[ClockMode::Manual, ClockMode::Scaled(60), ClockMode::Real, ClockMode::Scaled(0)]);
        SetClock { mode, wall: 1_000 * d.roll(100) as i64 }.into()
    }),
];

fn some_group(d: &mut Dice<'_>) -> sim_core::id::ResourceGroupId {
    let account = d.caller.account;
    d.resource_group().unwrap_or_else(|| default_of(account))
}

/// Small values, so that quotas are met.
fn adjust_quota(d: &mut Dice<'_>) -> Command {
    let names: Vec<&str> = Quota::ALL.iter().filter(|q| q.row().adjustable).map(|q| q.row().name).collect();
    let name = if d.once_in(12) { d.pick(&["vpc.tags", "no.such"]) } else { d.pick(&names) };
    AdjustQuota { name: name.to_owned(), value: d.pick(&[3, 5, 10, 1, 0, 60, u32::MAX]) }.into()
}
