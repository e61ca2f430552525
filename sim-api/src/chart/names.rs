//! What objects are called in a picture: by their names where they have any, and else by their ids.

use sim_core::access::Caller;
use sim_core::ecs::eni::{Eni, EniKind};
use sim_core::ecs::instance::Instance;
use sim_core::ecs::prefix_list::PrefixList;
use sim_core::ecs::security_group::SecurityGroup;
use sim_core::id::{AnyId, IdKind};
use sim_core::resource::Resource;
use sim_core::slb::acl::AccessControlList;
use sim_core::slb::forwarding_rule::ForwardingRule;
use sim_core::slb::listener::Listener;
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::slb::master_slave_group::MasterSlaveGroup;
use sim_core::slb::server_group::VServerGroup;
use sim_core::vpc::eip::Eip;
use sim_core::vpc::forward_entry::ForwardEntry;
use sim_core::vpc::ha_vip::HaVip;
use sim_core::vpc::ipv4_gateway::Ipv4Gateway;
use sim_core::vpc::ipv6_egress_rule::Ipv6EgressRule;
use sim_core::vpc::ipv6_gateway::Ipv6Gateway;
use sim_core::vpc::nat_gateway::NatGateway;
use sim_core::vpc::network_acl::NetworkAcl;
use sim_core::vpc::resident::Resident;
use sim_core::vpc::route_table::{RouteTable, RouteTableKind};
use sim_core::vpc::router_interface::RouterInterface;
use sim_core::vpc::snat::SnatEntry;
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vpc_peer::VpcPeer;
use sim_core::vpc::vswitch::VSwitch;
use sim_core::world::World;

/// What a caller calls an object. What the caller does not see keeps its id.
pub fn called(w: &World, caller: &Caller, id: AnyId) -> String {
    name(w, caller, id).filter(|name| !name.is_empty()).unwrap_or_else(|| id.to_string())
}

/// An object that the caller sees.
fn row<'w, R: Resource<Key: TryFrom<AnyId>>>(w: &'w World, caller: &Caller, id: AnyId) -> Option<&'w R> {
    w.visible::<R>(caller, R::Key::try_from(id).ok()?).ok()
}

fn name(w: &World, caller: &Caller, id: AnyId) -> Option<String> {
    macro_rules! name_of {
        ($row:ty) => {
            row::<$row>(w, caller, id).map(|row| row.name.to_string())
        };
    }
    match id.kind() {
        IdKind::Vpc => name_of!(Vpc),
        IdKind::VSwitch => name_of!(VSwitch),
        IdKind::RouteTable => row::<RouteTable>(w, caller, id).map(|table| of_table(w, caller, table)),
        IdKind::SecurityGroup => name_of!(SecurityGroup),
        IdKind::PrefixList => name_of!(PrefixList),
        IdKind::Eni => row::<Eni>(w, caller, id).map(|eni| of_interface(w, caller, eni)),
        IdKind::Instance => name_of!(Instance),
        IdKind::Resident => name_of!(Resident),
        IdKind::Eip => row::<Eip>(w, caller, id).map(|eip| match eip.name.as_str() {
            "" => eip.address.to_string(),
            name => format!("{name} ({})", eip.address),
        }),
        IdKind::NatGateway => name_of!(NatGateway),
        IdKind::SnatEntry => name_of!(SnatEntry),
        IdKind::ForwardEntry => name_of!(ForwardEntry),
        IdKind::HaVip => name_of!(HaVip),
        IdKind::Ipv4Gateway => name_of!(Ipv4Gateway),
        IdKind::Ipv6Gateway => name_of!(Ipv6Gateway),
        IdKind::Ipv6EgressRule => name_of!(Ipv6EgressRule),
        IdKind::RouterInterface => name_of!(RouterInterface),
        IdKind::VpcPeer => name_of!(VpcPeer),
        IdKind::NetworkAcl => name_of!(NetworkAcl),
        IdKind::AccessControlList => name_of!(AccessControlList),
        IdKind::LoadBalancer => name_of!(LoadBalancer),
        IdKind::Listener => row::<Listener>(w, caller, id).map(|listener| {
            let balancer = called(w, caller, listener.load_balancer.into());
            format!("{}/{} of {balancer}", listener.port, listener.protocol.text())
        }),
        IdKind::VServerGroup => name_of!(VServerGroup),
        IdKind::MasterSlaveGroup => name_of!(MasterSlaveGroup),
        IdKind::ForwardingRule => name_of!(ForwardingRule),
        _ => None,
    }
}

/// A table without a name is its VPC's own.
fn of_table(w: &World, caller: &Caller, table: &RouteTable) -> String {
    match (table.name.as_str(), table.kind) {
        ("", RouteTableKind::System) => {
            format!("the system table of {}", called(w, caller, table.vpc.into()))
        }
        (name, _) => name.to_owned(),
    }
}

/// The primary interface of an instance has no name of its own as a rule: it is called after the instance, if that has one.
fn of_interface(w: &World, caller: &Caller, eni: &Eni) -> String {
    let host = eni.instance.filter(|_| eni.kind == EniKind::Primary && eni.name.is_empty());
    let host = host.and_then(|id| row::<Instance>(w, caller, id.into()));
    match host.filter(|host| host.name != host.id.to_string().as_str()) {
        Some(host) => format!("{}/eni", host.name),
        None => eni.name.to_string(),
    }
}
