//! Everything can be deleted in the end, by doing what the refusals say.

use sim_core::ecs::authorize::{RevokeRules, WhichRules};
use sim_core::ecs::eni::{DeleteEni, Eni, EniKind, EniStatus};
use sim_core::ecs::eni_attachment::DetachEni;
use sim_core::ecs::instance_life::DeleteInstances;
use sim_core::ecs::instance_modify::ModifyInstance;
use sim_core::ecs::outage::{EndOutage, Outage};
use sim_core::ecs::prefix_list::{DeletePrefixList, PrefixList};
use sim_core::ecs::security_group::{DeleteSecurityGroup, SecurityGroup};
use sim_core::ecs::security_group_rule::{Peer, SecurityGroupRule};
use sim_core::error::ErrorKind;
use sim_core::id::{AnyId, IdKind, InstanceId, Ipv4GatewayId, SecurityGroupId};
use sim_core::resource_group::{DeleteResourceGroup, ResourceGroup};
use sim_core::slb::acl::{AccessControlList, DeleteAccessControlList};
use sim_core::slb::certificate::{
    CaCertificate, DeleteCaCertificate, DeleteServerCertificate, ServerCertificate,
};
use sim_core::slb::load_balancer::{DeleteLoadBalancer, LoadBalancer};
use sim_core::slb::tls_policy::{DeleteTlsPolicy, TlsPolicy};
use sim_core::vpc::cidr_reservation::DeleteCidrReservation;
use sim_core::vpc::eip::{Eip, ModifyEip, ReleaseEip};
use sim_core::vpc::eip_binding::UnassociateEip;
use sim_core::vpc::forward_entry::DeleteForwardEntry;
use sim_core::vpc::gateway_route_table::{DissociateGatewayRouteTable, UpdateGatewayRouteEntry};
use sim_core::vpc::ha_vip::{DeleteHaVip, HaVip};
use sim_core::vpc::ha_vip_binding::UnassociateHaVip;
use sim_core::vpc::ipv4_gateway::{DeleteIpv4Gateway, InternetMode, Ipv4Gateway};
use sim_core::vpc::ipv6_bandwidth::{BandwidthRef, DeleteIpv6Bandwidth};
use sim_core::vpc::ipv6_egress_rule::DeleteIpv6EgressRule;
use sim_core::vpc::ipv6_gateway::DeleteIpv6Gateway;
use sim_core::vpc::nat_gateway::{DeleteNatGateway, ModifyNatGateway};
use sim_core::vpc::network_acl::DeleteNetworkAcl;
use sim_core::vpc::network_acl_binding::{NetworkAclBinding, UnassociateNetworkAcl};
use sim_core::vpc::resident::DeleteResident;
use sim_core::vpc::route_entry::{DeleteRouteEntry, EntryRef, RouteEntry};
use sim_core::vpc::route_table::{DeleteRouteTable, UnassociateRouteTable};
use sim_core::vpc::router_connection::DeactivateRouterInterface;
use sim_core::vpc::router_interface::DeleteRouterInterface;
use sim_core::vpc::snat::DeleteSnatEntry;
use sim_core::vpc::vpc::{DeleteVpc, Vpc};
use sim_core::vpc::vpc_peer::DeleteVpcPeer;
use sim_core::vpc::vswitch::{DeleteVSwitch, VSwitch};
use sim_core::{Caller, Command, ErrorCode, Refusal, World};

/// What stays when everything is deleted.
const STAYS: [&str; 5] = ["settings", "counters", "timers", "tokens", "quotas"];

/// Deletes everything, parents first: whatever stands in the way of one is named by its refusal and goes before it.
pub fn all(w: &mut World) {
    let vpcs: Vec<_> = w.table::<Vpc>().iter().map(|v| (v.owner.clone(), AnyId::from(v.id))).collect();
    let lists: Vec<_> =
        w.table::<PrefixList>().iter().map(|l| (l.owner.clone(), AnyId::from(l.id))).collect();
    let acls: Vec<_> =
        w.table::<AccessControlList>().iter().map(|l| (l.owner.clone(), AnyId::from(l.id))).collect();
    let eips: Vec<_> = w.table::<Eip>().iter().map(|e| (e.owner.clone(), AnyId::from(e.id))).collect();
    let balancers: Vec<_> =
        w.table::<LoadBalancer>().iter().map(|b| (b.owner.clone(), AnyId::from(b.id))).collect();
    let all = vpcs.into_iter().chain(lists).chain(balancers).chain(acls);
    // Addresses come last: what they were bound to is gone by then, and they are free.
    let outages: Vec<_> = w.table::<Outage>().iter().map(|o| (o.owner.clone(), AnyId::from(o.id))).collect();
    let servers = w.table::<ServerCertificate>().iter().map(|c| (c.owner.clone(), AnyId::from(c.id)));
    let authorities = w.table::<CaCertificate>().iter().map(|c| (c.owner.clone(), AnyId::from(c.id)));
    let policies = w.table::<TlsPolicy>().iter().map(|p| (p.owner.clone(), AnyId::from(p.id)));
    let certificates: Vec<_> = servers.chain(authorities).chain(policies).collect();
    for (owner, id) in all.chain(certificates).chain(outages).chain(eips) {
        let caller = Caller::new(owner.account, owner.region);
        remove(w, &caller, id, 0);
    }
    let groups: Vec<_> = w.table::<ResourceGroup>().iter().map(|g| (g.account, g.id)).collect();
    for (account, group) in groups {
        give(w, &Caller::new(account, "cn-hangzhou"), DeleteResourceGroup { group }.into())
            .expect("it is empty");
    }
    while let Some(due) = w.next_due() {
        w.advance(due);
    }
    w.for_each_table(|table, rows| assert!(rows == 0 || STAYS.contains(&table), "{rows} {table} are left"));
}

/// Deletes an object and first, as often as needed, what its refusal names.
fn remove(w: &mut World, caller: &Caller, id: AnyId, depth: usize) {
    assert!(depth < 8, "{id} cannot be deleted");
    for _ in 0..400 {
        // What went with another needs no deletion of its own.
        if !matches!(id.kind(), IdKind::RouteEntry) && sim_core::resource::owner_of(w, id).is_none() {
            return;
        }
        let Err(refusal) = give(w, caller, deletion(w, id)) else { return };
        // What was being deleted went while it was waited for.
        let gone = [
            ErrorCode::HaVipNotFound,
            ErrorCode::NatGatewayNotFound,
            ErrorCode::Ipv4GatewayNotFound,
            ErrorCode::Ipv6GatewayNotFound,
            ErrorCode::Ipv6EgressRuleNotFound,
            ErrorCode::RouterInterfaceNotFound,
            ErrorCode::VpcPeerNotFound,
        ];
        if gone.contains(&refusal.code()) {
            return;
        }
        match id.kind() {
            // What names a VPC's router as its opposite may lie in another region.
            IdKind::Vpc if refusal.code() == ErrorCode::VpcHasOppositeRouterInterface => {
                for opposite in refusal.details().blockers.clone() {
                    // It may have gone while another one was waited for.
                    let Some(owner) = sim_core::resource::owner_of(w, opposite).cloned() else { continue };
                    remove(w, &Caller::new(owner.account, owner.region), opposite, depth + 1);
                }
            }
            IdKind::SecurityGroup if refusal.code() == ErrorCode::SecurityGroupReferenced => {
                forget_peer(w, caller, id.try_into().unwrap(), &refusal);
            }
            IdKind::RouterInterface if refusal.code() == ErrorCode::RouterInterfaceStatusIncorrect => {
                let freeze = DeactivateRouterInterface { router_interface: id.try_into().unwrap() };
                give(w, caller, freeze.into()).expect("one that is neither Idle nor Inactive becomes Active");
            }
            IdKind::Eip if refusal.code() == ErrorCode::EipProtected => unprotect_eip(w, caller, id),
            IdKind::NatGateway if refusal.code() == ErrorCode::NatProtected => {
                unprotect_gateway(w, caller, id)
            }
            IdKind::NatGateway if refusal.code() == ErrorCode::NatHasEip => {
                let blockers = refusal.details().blockers.clone();
                blockers.into_iter().for_each(|eip| take_off(w, caller, eip));
            }
            IdKind::HaVip if refusal.code() == ErrorCode::HaVipHasEip => {
                refusal.details().blockers.clone().into_iter().for_each(|eip| take_off(w, caller, eip));
            }
            IdKind::HaVip if refusal.code() == ErrorCode::HaVipHasBound => unbind_vip(w, caller, id),
            IdKind::Instance if refusal.code() == ErrorCode::InstanceProtected => unprotect(w, caller, id),
            IdKind::LoadBalancer => {
                for command in crate::commands::balancers::release(w, id.try_into().unwrap()) {
                    give(w, caller, command).expect("locks and protections can be taken off");
                }
            }
            IdKind::Eni if refusal.code() == ErrorCode::InstanceProtected => {
                let eni = w.get::<Eni>(&id.try_into().unwrap()).unwrap();
                unprotect(w, caller, eni.instance.expect("it goes with its instance").into());
            }
            IdKind::VSwitch if refusal.code() == ErrorCode::VSwitchHasRouteTable => unbind(w, caller, id),
            IdKind::VSwitch if refusal.code() == ErrorCode::VSwitchHasNetworkAcl => unfilter(w, caller, id),
            IdKind::NetworkAcl if refusal.code() == ErrorCode::NetworkAclInUse => {
                refusal
                    .details()
                    .blockers
                    .clone()
                    .into_iter()
                    .for_each(|vswitch| unfilter(w, caller, vswitch));
            }
            IdKind::RouteEntry if refusal.code() == ErrorCode::RouteTableOfGateway => {
                let entry = w.get::<RouteEntry>(&id.try_into().unwrap()).unwrap();
                let command = UpdateGatewayRouteEntry {
                    route_table: entry.table,
                    destination: entry.destination.to_string().into(),
                    next_hop_kind: "Local".into(),
                    next_hop: None,
                    name: None,
                    description: None,
                };
                give(w, caller, command.into()).expect("an entry can lead back");
                return;
            }
            IdKind::Ipv4Gateway if refusal.code() == ErrorCode::Ipv4GatewayHasRouteTable => {
                dissociate(w, caller, id.try_into().unwrap());
            }
            IdKind::RouteTable if refusal.code() == ErrorCode::RouteTableHasGateway => {
                dissociate(w, caller, refusal.details().blockers[0].try_into().unwrap());
            }
            IdKind::RouteTable if refusal.code() == ErrorCode::RouteTableHasVSwitch => {
                refusal.details().blockers.clone().into_iter().for_each(|vswitch| unbind(w, caller, vswitch));
            }
            _ => {
                let blockers = refusal.details().blockers.clone();
                assert!(!blockers.is_empty(), "{id}: {refusal} ({:?}) names nothing", refusal.code());
                blockers.into_iter().for_each(|blocker| remove(w, caller, blocker, depth + 1));
            }
        }
    }
    panic!("{id} is not deleted, whatever one does");
}

/// Gives a command, and waits as long as something is busy.
fn give(w: &mut World, caller: &Caller, command: Command) -> Result<(), Refusal> {
    loop {
        let Err(refusal) = w.apply(w.now(), caller, command.clone()).outcome else { return Ok(()) };
        let busy = matches!(refusal.code().kind(), ErrorKind::Busy | ErrorKind::State);
        match w.next_due() {
            Some(due) if busy => drop(w.advance(due)),
            _ => return Err(refusal),
        }
    }
}

fn deletion(w: &World, id: AnyId) -> Command {
    match id.kind() {
        IdKind::Vpc => DeleteVpc { vpc: id.try_into().unwrap() }.into(),
        IdKind::VSwitch => DeleteVSwitch { vswitch: id.try_into().unwrap() }.into(),
        IdKind::CidrReservation => DeleteCidrReservation { reservation: id.try_into().unwrap() }.into(),
        IdKind::RouteTable => DeleteRouteTable { route_table: id.try_into().unwrap() }.into(),
        IdKind::RouteEntry => {
            let entry = EntryRef { entry: Some(id.to_string().into()), ..EntryRef::default() };
            DeleteRouteEntry { entry, next_hop: None, next_hops: Vec::new() }.into()
        }
        IdKind::SecurityGroup => DeleteSecurityGroup { group: id.try_into().unwrap() }.into(),
        IdKind::HaVip => DeleteHaVip { ha_vip: id.try_into().unwrap() }.into(),
        IdKind::NatGateway => DeleteNatGateway { gateway: id.try_into().unwrap(), force: false }.into(),
        IdKind::Ipv4Gateway => {
            DeleteIpv4Gateway { gateway: id.try_into().unwrap(), mode: InternetMode::Private }.into()
        }
        IdKind::VpcPeer => DeleteVpcPeer { peer: id.try_into().unwrap(), force: true }.into(),
        IdKind::Ipv6Gateway => DeleteIpv6Gateway { gateway: id.try_into().unwrap() }.into(),
        IdKind::Ipv6Bandwidth => {
            DeleteIpv6Bandwidth { bandwidth: BandwidthRef::Id(id.try_into().unwrap()) }.into()
        }
        IdKind::RouterInterface => DeleteRouterInterface { router_interface: id.try_into().unwrap() }.into(),
        IdKind::Ipv6EgressRule => DeleteIpv6EgressRule { rule: id.try_into().unwrap() }.into(),
        IdKind::ForwardEntry => DeleteForwardEntry { entry: id.try_into().unwrap(), table: None }.into(),
        IdKind::SnatEntry => DeleteSnatEntry { entry: id.try_into().unwrap(), table: None }.into(),
        IdKind::Eip => ReleaseEip { eip: id.try_into().unwrap() }.into(),
        IdKind::NetworkAcl => DeleteNetworkAcl { acl: id.try_into().unwrap() }.into(),
        IdKind::Outage => EndOutage { outage: id.try_into().unwrap() }.into(),
        IdKind::ServerCertificate => DeleteServerCertificate { certificate: id.try_into().unwrap() }.into(),
        IdKind::TlsPolicy => DeleteTlsPolicy { policy: id.try_into().unwrap() }.into(),
        IdKind::CaCertificate => DeleteCaCertificate { certificate: id.try_into().unwrap() }.into(),
        IdKind::AccessControlList => DeleteAccessControlList { acl: id.try_into().unwrap() }.into(),
        IdKind::PrefixList => DeletePrefixList { list: id.try_into().unwrap() }.into(),
        IdKind::Instance => delete_instance(id.try_into().unwrap()),
        IdKind::Resident => DeleteResident { resident: id.try_into().unwrap() }.into(),
        IdKind::LoadBalancer => DeleteLoadBalancer { load_balancer: id.try_into().unwrap() }.into(),
        IdKind::Eni => {
            let eni = id.try_into().unwrap();
            let row = w.get::<Eni>(&eni);
            // One that is being detached is waited for: to detach it again changes nothing.
            let attached = row.is_some_and(|e| e.instance.is_some() && e.status != EniStatus::Detaching);
            if let Some(instance) = row.filter(|e| e.kind == EniKind::Primary).and_then(|e| e.instance) {
                delete_instance(instance)
            } else if attached {
                DetachEni { eni, instance: None, trunk: None }.into()
            } else {
                DeleteEni { eni }.into()
            }
        }
        other => panic!("nobody knows how to delete {other:?} {id}"),
    }
}

fn delete_instance(instance: InstanceId) -> Command {
    DeleteInstances { instances: vec![instance], force: true, terminate_subscription: true }.into()
}

fn unprotect(w: &mut World, caller: &Caller, instance: AnyId) {
    let command = ModifyInstance {
        instance: instance.try_into().unwrap(),
        name: None,
        host_name: None,
        description: None,
        deletion_protection: Some(false),
        groups: None,
        password: None,
        user_data: None,
    };
    give(w, caller, command.into()).expect("protection can be taken off");
}

/// Takes the route table off a gateway.
fn dissociate(w: &mut World, caller: &Caller, gateway: Ipv4GatewayId) {
    let row = w.get::<Ipv4Gateway>(&gateway).unwrap();
    let route_table = row.route_table.expect("it has one");
    let command = DissociateGatewayRouteTable { route_table, gateway };
    give(w, caller, command.into()).expect("a table can be taken off");
}

/// Takes a HaVip off everything.
fn unbind_vip(w: &mut World, caller: &Caller, id: AnyId) {
    let ha_vip = id.try_into().unwrap();
    let vip = w.get::<HaVip>(&ha_vip).unwrap();
    let bind_type = vip.bind_type;
    for target in vip.bound_to(w) {
        let target = target.to_string().into();
        let command = UnassociateHaVip { ha_vip, bind_type, target, force: true };
        give(w, caller, command.into()).expect("it can be taken off by force");
    }
}

fn unprotect_eip(w: &mut World, caller: &Caller, eip: AnyId) {
    let command = ModifyEip {
        eip: eip.try_into().unwrap(),
        name: None,
        description: None,
        bandwidth: None,
        deletion_protection: Some(false),
    };
    give(w, caller, command.into()).expect("protection can be taken off");
}

fn unprotect_gateway(w: &mut World, caller: &Caller, gateway: AnyId) {
    let command = ModifyNatGateway {
        gateway: gateway.try_into().unwrap(),
        name: None,
        description: None,
        icmp_reply: None,
        bind_mode: None,
        deletion_protection: Some(false),
    };
    give(w, caller, command.into()).expect("protection can be taken off");
}

fn take_off(w: &mut World, caller: &Caller, eip: AnyId) {
    let eip = eip.try_into().unwrap();
    let command = UnassociateEip { eip, kind: None, target: None, private_address: None, force: false };
    // One that is being taken off is waited for, and then there is nothing left to do.
    let undone = give(w, caller, command.into());
    assert!(undone.is_ok() || w.get::<Eip>(&eip).is_some_and(|e| e.binding.is_none()), "{undone:?}");
}

fn unbind(w: &mut World, caller: &Caller, vswitch: AnyId) {
    let vswitch = vswitch.try_into().unwrap();
    let route_table = w.get::<VSwitch>(&vswitch).and_then(|s| s.route_table).expect("it is bound");
    give(w, caller, UnassociateRouteTable { route_table, vswitch }.into()).expect("a table can be unbound");
}

fn unfilter(w: &mut World, caller: &Caller, vswitch: AnyId) {
    let vswitch = vswitch.try_into().unwrap();
    let acl = w.get::<NetworkAclBinding>(&vswitch).expect("it is bound").acl;
    // One that is being unbound is waited for, and then there is nothing left to do.
    let undone = give(w, caller, UnassociateNetworkAcl { acl, vswitches: vec![vswitch] }.into());
    assert!(undone.is_ok() || w.get::<NetworkAclBinding>(&vswitch).is_none(), "{undone:?}");
}

/// Revokes the rules of the groups that a refusal names in which `peer` is the peer.
fn forget_peer(w: &mut World, caller: &Caller, peer: SecurityGroupId, refusal: &Refusal) {
    for &blocker in &refusal.details().blockers {
        let group: SecurityGroupId = blocker.try_into().unwrap();
        assert!(w.get::<SecurityGroup>(&group).is_some(), "{refusal} names a group that is gone");
        let rules = w.table::<SecurityGroupRule>().iter();
        let ids =
            rules.filter(|r| r.group == group && r.spec.peer == Peer::Group(peer)).map(|r| r.id).collect();
        let rules = WhichRules::Ids(None, ids);
        give(w, caller, RevokeRules { group, rules }.into()).expect("rules can be revoked");
    }
}
