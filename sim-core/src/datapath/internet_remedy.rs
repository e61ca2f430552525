//! Remedies about the ways between a VPC and the internet.

use super::no_path::NoPath;
use super::remedy::TRIED;
use crate::access::Owner;
use crate::cidr::{Cidr, Cidr4};
use crate::command::Command;
use crate::ecs::eni::EniKind;
use crate::ecs::eni_address;
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::ecs::instance_life::{BatchRule, RebootInstances, StartInstances};
use crate::ecs::public_address;
use crate::id::{
    AnyId, ForwardEntryId, Id, IdKind, InstanceId, NatGatewayId, RouteTableId, SnatTableId, VpcId,
};
use crate::slb::load_balancer;
use crate::vpc::eip::{Eip, EipStatus, InternetCharge};
use crate::vpc::eip_binding::{self, AssociateEip, Mode, TargetKind, UnassociateEip};
use crate::vpc::forward_entry::ForwardEntry;
use crate::vpc::ha_vip;
use crate::vpc::ipv6_bandwidth::{AddressRef, AllocateIpv6Bandwidth};
use crate::vpc::ipv6_gateway;
use crate::vpc::nat_gateway::NatGateway;
use crate::vpc::next_hop::{HopChoice, NextHopKind};
use crate::vpc::route_entry::{CreateRouteEntry, NewEntry};
use crate::vpc::snat::CreateSnatEntry;
use crate::world::World;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What may open a way to the internet for an address of a VPC, from which a packet goes to a destination.
pub(super) fn opened(
    w: &World,
    vpc: VpcId,
    address: IpAddr,
    destination: IpAddr,
    why: NoPath,
) -> Vec<Command> {
    match (why, address) {
        (NoPath::Unrouted { table, gateway, .. }, _) => {
            let everywhere = if destination.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
            // Where the default route leads elsewhere, as to the NAT gateway whose packet this is.
            let narrow = Cidr::host(destination).to_string();
            [everywhere, &narrow].into_iter().filter_map(|block| route(table, block, gateway)).collect()
        }
        (NoPath::Cut { table, .. }, IpAddr::V4(address)) => {
            let gateways = w.indexes().nat_gateways.by_vpc.of(&vpc).take(TRIED);
            let routes = gateways.filter_map(|&gateway| route(table, "0.0.0.0/0", gateway.into()));
            with_an_address(w, vpc, address).into_iter().chain(routes).collect()
        }
        (NoPath::NoSnatEntry { gateway }, IpAddr::V4(address)) => {
            with_an_address(w, vpc, address).into_iter().chain(translated(w, gateway, address)).collect()
        }
        (NoPath::NoAddress { .. }, IpAddr::V4(address)) => with_an_address(w, vpc, address),
        (NoPath::NoBandwidth, IpAddr::V6(address)) => bandwidth(w, vpc, address).into_iter().collect(),
        // Who closed a VPC or gave it no gateway means it.
        _ => Vec::new(),
    }
}

fn route(table: RouteTableId, destination: &str, gateway: AnyId) -> Option<Command> {
    let kind = match gateway.kind() {
        IdKind::NatGateway => NextHopKind::NatGateway,
        IdKind::Ipv4Gateway => NextHopKind::Ipv4Gateway,
        IdKind::Ipv6Gateway => NextHopKind::Ipv6Gateway,
        _ => return None,
    };
    let (kind, id) = (Some(kind.text().into()), Some(gateway.to_string().into()));
    let next_hop = HopChoice { kind, id, list: Vec::new() };
    let (table, destination) = (table.to_string().into(), destination.into());
    let entry = NewEntry { table, destination, next_hop, name: None, description: None };
    Some(CreateRouteEntry { entry }.into())
}

/// What gives a private address a public one of its own.
fn with_an_address(w: &World, vpc: VpcId, address: Ipv4Addr) -> Vec<Command> {
    [restarts(w, vpc, address), public_addresses(w, vpc, address)].into_iter().flatten().collect()
}

/// Starting the holder of a private address anew whose static public address waits for that.
fn restarts(w: &World, vpc: VpcId, address: Ipv4Addr) -> Option<Command> {
    let eni = eni_address::holder(w, vpc, address.into())?;
    let instance = public_address::of_primary(w, eni, address)?;
    started_anew(w, instance.id).filter(|_| instance.public.is_some_and(|public| !public.in_force))
}

/// Starting an instance anew, or for the first time.
pub(super) fn started_anew(w: &World, id: InstanceId) -> Option<Command> {
    let (instances, rule) = (vec![id], BatchRule::AllTogether);
    match w.get::<Instance>(&id)?.status {
        InstanceStatus::Stopped => Some(StartInstances { instances, rule }.into()),
        _ => Some(RebootInstances { instances, force: false, rule }.into()),
    }
}

/// Binding an elastic IP address that is free to the holder of a private address.
fn public_addresses(w: &World, vpc: VpcId, address: Ipv4Addr) -> Option<Command> {
    let holder = eni_address::holder(w, vpc, address.into());
    let (owner, kind, target, private_address) = match (holder, ha_vip::of_address(w, vpc, address)) {
        (None, None) => {
            let balancer = load_balancer::of_address(w, vpc, address)?;
            (&balancer.owner, TargetKind::SlbInstance, balancer.id.to_string(), None)
        }
        (None, Some(vip)) => (&vip.owner, TargetKind::HaVip, vip.id.to_string(), None),
        (Some(eni), _) => match (eni.kind, eni.instance) {
            (EniKind::Primary, Some(id)) => (&eni.owner, TargetKind::EcsInstance, id.to_string(), None),
            _ => (&eni.owner, TargetKind::NetworkInterface, eni.id.to_string(), Some(address)),
        },
    };
    bound(w, owner, kind, &target, private_address)
}

fn bound(
    w: &World,
    owner: &Owner,
    kind: TargetKind,
    target: &str,
    private_address: Option<Ipv4Addr>,
) -> Option<Command> {
    let mut eips = w.indexes().eips.by_owner.of(owner).filter_map(|id| w.get::<Eip>(id));
    let eip = eips.find(|eip| eip.status == EipStatus::Available)?.id;
    let (target, mode, region) = (target.into(), Mode::Nat, None);
    Some(AssociateEip { eip, kind, target, private_address, mode, region }.into())
}

/// An SNAT entry for one address, by an elastic IP address of the gateway to which no DNAT entry leads, or one for the gateway.
fn translated(w: &World, gateway: NatGatewayId, address: Ipv4Addr) -> Option<Command> {
    let row = w.get::<NatGateway>(&gateway)?;
    let ix = w.indexes();
    let eips = ix.eips.by_target.of(&gateway.into()).filter_map(|id| w.get::<Eip>(id));
    let mut free = eips.filter(|eip| {
        eip.status == EipStatus::InUse && ix.forward_entries.by_eip.of(&eip.id).next().is_none()
    });
    let Some(eip) = free.next() else {
        return bound(w, &row.owner, TargetKind::Nat, &gateway.to_string(), None);
    };
    let (table, block) = (SnatTableId::from_number(gateway.number()), Some(Cidr4::host(address)));
    let ips = vec![eip.address];
    Some(CreateSnatEntry { table, vswitch: None, block, ips, name: None, affinity: false }.into())
}

/// The least internet bandwidth for an IPv6 address, by traffic.
fn bandwidth(w: &World, vpc: VpcId, address: Ipv6Addr) -> Option<Command> {
    let gateway = ipv6_gateway::of_vpc(w, vpc)?.id;
    let (address, charge) = (AddressRef::Address(address), InternetCharge::ByTraffic);
    Some(AllocateIpv6Bandwidth { gateway, address, bandwidth: 1, charge }.into())
}

/// Taking the elastic IP address off a host that keeps a DNAT entry from doing anything.
pub(super) fn in_force_again(w: &World, entry: ForwardEntryId) -> Option<Command> {
    let entry = w.get::<ForwardEntry>(&entry)?;
    let eip = eip_binding::of_host(w, entry.vpc, entry.address)?.id;
    Some(UnassociateEip { eip, kind: None, target: None, private_address: None, force: false }.into())
}
