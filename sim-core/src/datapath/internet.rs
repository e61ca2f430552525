//! The way between a VPC and the internet.
//!
//! A private address that an elastic IP address stands for is translated on the way out and back on the way in; groups and
//! ACLs see the private one. The static public address of an instance is like an elastic one of its primary address. It
//! comes before a default route, before SNAT, and before a route of any width to a NAT gateway, a peering connection or a
//! router interface: what lies outside of RFC 1918, the VPC's own blocks and its user CIDRs is the internet, even where a
//! route leads to another VPC that has it, and whoever has no address leaves by the NAT gateway of the default route
//! (provider documentation: VPC peering connections and private use of public blocks by an IPv4 gateway, 2026; ECS, 2021:
//! an instance with an elastic IP address uses it before SNAT). A route to a part of the internet by an instance, an
//! interface or a HaVip comes before it (chosen here: the documents do not speak of them). What is sent to an elastic IP
//! address or a load balancer of this world comes in there.
//!
//! A route to a NAT gateway leads out by the narrowest of its SNAT entries, and the gateway takes the answer back to the
//! private address; what comes in by it of its own follows its DNAT entries. An entry for every port takes its host out too,
//! before SNAT entries. What comes in by an elastic IP address of a load balancer goes to its listeners, and their answers
//! leave as those of hosts do. In a VPC with an active IPv4 gateway public IPv4 traffic leaves where a route leads to it; what
//! comes in needs none. IPv6 goes by the IPv6 gateway, for addresses with bandwidth; an egress-only rule keeps out what is no
//! answer of a session that left by the gateway.

use super::flow::{Header, is_public};
use super::hop::{Disposition, Hop, Leg, NatEntryId, Place};
use super::met::Host;
use super::no_path::NoPath;
use super::sink::Sink;
use super::trace::{DnatSession, SnatSession, Step, Walk};
use super::{balancer, routing};
use crate::cidr::Cidr;
use crate::ecs::eni::Eni;
use crate::ecs::eni_address;
use crate::ecs::instance::Instance;
use crate::ecs::public_address::{self, PublicAddress};
use crate::id::{InstanceId, Ipv4GatewayId, LoadBalancerId, NatGatewayId, RouteTableId, VSwitchId, VpcId};
use crate::slb::load_balancer::LoadBalancer;
use crate::vpc::eip::{Eip, EipStatus};
use crate::vpc::eip_binding::{self, Target};
use crate::vpc::nat_gateway::NatGateway;
use crate::vpc::next_hop::NextHop;
use crate::vpc::route_table::Chosen;
use crate::vpc::vpc::Vpc;
use crate::vpc::{forward_entry, ipv4_gateway, ipv6_bandwidth, ipv6_egress_rule, ipv6_gateway, snat};
use crate::world::World;
use std::net::{IpAddr, Ipv4Addr};

/// What a packet leaves inside a VPC, for which a public address may stand.
#[derive(Clone, Copy)]
pub(super) enum Sender<'w> {
    /// An interface.
    Interface(Host<'w>),
    /// An intranet load balancer, with an answer.
    Balancer(LoadBalancerId),
    /// A managed resident, which has no public address.
    Resident,
}

/// Whether a public address in use stands for a private one that an interface has.
pub(super) fn has_public_address(w: &World, eni: &Eni, private: Ipv4Addr) -> bool {
    public_of(w, eni, private).is_some()
}

fn public_of<'w>(w: &'w World, eni: &Eni, private: Ipv4Addr) -> Option<Public<'w>> {
    let fixed = || public_address::used_by(w, eni, private);
    let eip = eip_binding::used_by(w, eni, private).map(Public::Eip);
    eip.or_else(|| fixed().map(|(instance, address)| Public::Fixed(instance.id, address)))
}

impl<'w> Sender<'w> {
    /// The public address in use that stands for a private address of it.
    fn public(self, w: &'w World, private: Ipv4Addr) -> Option<Public<'w>> {
        match self {
            Sender::Interface(Host { eni, .. }) => public_of(w, eni, private),
            Sender::Balancer(id) => {
                let eip = eip_binding::of_balancer(w, id).filter(|eip| eip.status == EipStatus::InUse);
                eip.map(Public::Eip)
            }
            Sender::Resident => None,
        }
    }
}

/// A public address that stands for a private one.
#[derive(Clone, Copy)]
pub(super) enum Public<'w> {
    /// An elastic IP address.
    Eip(&'w Eip),
    /// The static one of an instance.
    Fixed(InstanceId, Ipv4Addr),
}

/// The public address by which a packet leaves, if it leaves by one.
#[inline]
pub(super) fn way_out<'w>(
    w: &'w World,
    vpc: VpcId,
    sender: Sender<'w>,
    entry: Option<&Chosen>,
    header: &Header,
) -> Option<Public<'w>> {
    let (IpAddr::V4(source), IpAddr::V4(_)) = (header.source, header.destination) else { return None };
    if entry.is_some_and(|entry| entry.destination.prefix_len() > 0 && !gives_way(entry.next_hop))
        || !is_outside(w, vpc, header.destination)
        || ipv4_gateway::is_controlled(w, vpc)
    {
        return None;
    }
    sender.public(w, source)
}

/// Whether a public address of the sender comes before a route to a part of the internet by this next hop.
const fn gives_way(next_hop: NextHop) -> bool {
    match next_hop {
        NextHop::NatGateway(_) | NextHop::VpcPeer(_) | NextHop::RouterInterface(_) => true,
        NextHop::Local
        | NextHop::Instance(_)
        | NextHop::NetworkInterface(_)
        | NextHop::HaVip(_)
        | NextHop::Ipv4Gateway(_)
        | NextHop::Ipv6Gateway(_) => false,
    }
}

/// Whether a NAT gateway takes a packet to the internet where a narrower route leads to another VPC: it has an entry for the
/// sender, and the VPC's public traffic needs no route to an IPv4 gateway.
pub(super) fn leaves_by_nat(w: &World, vpc: VpcId, gateway: NatGatewayId, header: &Header) -> bool {
    let (IpAddr::V4(private), IpAddr::V4(_)) = (header.source, header.destination) else { return false };
    is_outside(w, vpc, header.destination)
        && !ipv4_gateway::is_controlled(w, vpc)
        && (forward_entry::way_out(w, gateway, vpc, private).is_some()
            || snat::way_out(w, gateway, private).is_some())
}

/// A packet leaves by a public address of its sender.
pub(super) fn leave_by<S: Sink>(walk: &mut Walk<'_, S>, public: Public<'_>, header: &Header) -> Step<Place> {
    match public {
        Public::Eip(eip) => go_out(walk, eip, None, header),
        Public::Fixed(instance, address) => {
            let header = Header { source: address.into(), ..*header };
            walk.pass_on(header, |header| Hop::Masked { instance, header });
            to_public(walk, &header)
        }
    }
}

/// A packet that a route led to the IPv4 gateway: it leaves by the public address of its sender.
pub(super) fn leave_by_ipv4_gateway<'w, S: Sink>(
    walk: &mut Walk<'w, S>,
    vpc: VpcId,
    gateway: Ipv4GatewayId,
    sender: Sender<'w>,
    header: &Header,
) -> Step<Place> {
    check_outside(walk.w, vpc, header)?;
    let private = match header.source {
        IpAddr::V4(private) => Some(private),
        IpAddr::V6(_) => None,
    };
    let public = private.and_then(|private| sender.public(walk.w, private));
    leave_by(walk, public.ok_or_else(|| no_path(vpc, header.source, NoPath::NoAddress { gateway }))?, header)
}

/// A packet that a route led to the IPv6 gateway: it leaves if its source has internet bandwidth.
pub(super) fn leave_by_ipv6_gateway<S: Sink>(
    walk: &mut Walk<'_, S>,
    vpc: VpcId,
    header: &Header,
) -> Step<Place> {
    check_outside(walk.w, vpc, header)?;
    let no_bandwidth = no_path(vpc, header.source, NoPath::NoBandwidth);
    let (IpAddr::V6(source), IpAddr::V6(destination)) = (header.source, header.destination) else {
        return Err(no_bandwidth);
    };
    if !ipv6_bandwidth::is_public(walk.w, source) {
        return Err(no_bandwidth);
    }
    if walk.leg == Leg::Forward {
        walk.left6 = Some(source);
    }
    if eni_address::holder6(walk.w, destination).is_some() {
        return enter(walk, header);
    }
    to_public(walk, header)
}

/// A packet for the internet that a route led to a NAT gateway.
pub(super) fn leave_by_gateway<S: Sink>(
    walk: &mut Walk<'_, S>,
    vpc: VpcId,
    gateway: NatGatewayId,
    header: &Header,
) -> Step<Place> {
    check_outside(walk.w, vpc, header)?;
    let no_entry = no_path(vpc, header.source, NoPath::NoSnatEntry { gateway });
    // Routes to NAT gateways, and so what follows them, are IPv4.
    let IpAddr::V4(private) = header.source else { return Err(no_entry) };
    let row = walk.w.get::<NatGateway>(&gateway).ok_or(no_entry)?;
    let unrouted = |why| no_path(vpc, header.source, why);
    routing::find_ipv4_gateway(walk, row, header.destination).map_err(unrouted)?;
    // The answer of a session that came in by the gateway goes back as it came.
    if let Some(dnat) = walk.dnat.filter(|dnat| {
        walk.leg == Leg::Return && (dnat.gateway, dnat.private) == (gateway, (private, header.source_port))
    }) {
        let eip = walk.w.get::<Eip>(&dnat.eip).expect("the session's address was looked up in this world");
        let header = Header { source_port: dnat.port, ..*header };
        return go_out(walk, eip, Some(NatEntryId::Forward(dnat.entry)), &header);
    }
    if let Some((entry, eip)) = forward_entry::way_out(walk.w, gateway, vpc, private) {
        return go_out(walk, eip, Some(NatEntryId::Forward(entry.id)), header);
    }
    let (entry, eip) = snat::way_out(walk.w, gateway, private).ok_or(no_entry)?;
    walk.snat = Some(SnatSession { entry: entry.id, eip: eip.id, vpc, private });
    go_out(walk, eip, Some(NatEntryId::Snat(entry.id)), header)
}

fn go_out<S: Sink>(
    walk: &mut Walk<'_, S>,
    eip: &Eip,
    by: Option<NatEntryId>,
    header: &Header,
) -> Step<Place> {
    let header = Header { source: eip.address.into(), ..*header };
    walk.translate(eip.id, by, header);
    to_public(walk, &header)
}

/// A packet is on the internet: it comes in again if somebody of this world has the destination.
pub(super) fn to_public<S: Sink>(walk: &mut Walk<'_, S>, header: &Header) -> Step<Place> {
    let ix = walk.w.indexes();
    let held = |v4: &Ipv4Addr| {
        ix.eips.by_address.contains_key(v4) || ix.instances.by_public_address.contains_key(v4)
    };
    let to_host = matches!(&header.destination, IpAddr::V4(v4) if held(v4));
    if to_host || ix.load_balancers.by_public_address.contains_key(&header.destination) {
        return enter(walk, header);
    }
    Ok(routing::taken(walk, Place::Internet))
}

/// A packet for which there is neither a route nor a public address of the sender's own.
pub(super) fn leave<S: Sink>(
    walk: &mut Walk<'_, S>,
    vpc: VpcId,
    vswitch: VSwitchId,
    table: RouteTableId,
    header: &Header,
) -> Step<Place> {
    if !is_outside(walk.w, vpc, header.destination) {
        return Err(Disposition::NoRoute { vswitch, table, address: header.destination });
    }
    let gateway = match header.destination {
        IpAddr::V4(_) => ipv4_gateway::of_vpc(walk.w, vpc).map(|gateway| gateway.id.into()),
        IpAddr::V6(_) => ipv6_gateway::of_vpc(walk.w, vpc).map(|gateway| gateway.id.into()),
    };
    let needs_route = header.destination.is_ipv6() || ipv4_gateway::is_controlled(walk.w, vpc);
    let why = match gateway.filter(|_| needs_route) {
        _ if header.destination.is_ipv4() && is_closed(walk.w, vpc) => NoPath::Closed,
        Some(gateway) => NoPath::Unrouted { vswitch, table, gateway },
        None if header.destination.is_ipv6() => NoPath::NoIpv6Gateway,
        None => NoPath::Cut { vswitch, table },
    };
    Err(no_path(vpc, header.source, why))
}

/// No way to the internet for an address of a VPC.
fn no_path(vpc: VpcId, address: IpAddr, why: NoPath) -> Disposition {
    Disposition::NoPublicPath { vpc, address, why }
}

/// What a route leads to a gateway to the internet is for the internet.
fn check_outside(w: &World, vpc: VpcId, header: &Header) -> Step<()> {
    if is_outside(w, vpc, header.destination) {
        return Ok(());
    }
    Err(no_path(vpc, header.source, NoPath::Private { destination: header.destination }))
}

fn is_closed(w: &World, vpc: VpcId) -> bool {
    w.get::<Vpc>(&vpc).is_some_and(|vpc| vpc.closed)
}

/// A packet from the internet: a public IPv4 address leads to what it is bound to, an IPv6 address with bandwidth to its
/// holder.
pub(super) fn enter<S: Sink>(walk: &mut Walk<'_, S>, header: &Header) -> Step<Place> {
    let address = header.destination;
    if !is_public(address) {
        return Err(Disposition::PrivateFromOutside { address });
    }
    let balancer = walk.w.indexes().load_balancers.by_public_address.get(&address);
    if let Some(balancer) = balancer.and_then(|id| walk.w.get::<LoadBalancer>(id)) {
        return balancer::take(walk, balancer, header);
    }
    match address {
        IpAddr::V6(v6) => {
            let eni = eni_address::holder6(walk.w, v6).ok_or(Disposition::NoPublicAddress { address })?;
            if !ipv6_bandwidth::is_public(walk.w, v6) {
                return Err(no_path(eni.vpc, address, NoPath::NoBandwidth));
            }
            let answer = walk.leg == Leg::Return && walk.left6 == Some(v6);
            if let Some(rule) = ipv6_egress_rule::in_force(walk.w, v6).filter(|_| !answer) {
                return Err(Disposition::EgressOnly { rule: rule.id, address });
            }
            routing::from_outside(walk, eni.vpc, header)
        }
        IpAddr::V4(v4) => {
            if let Some(instance) = public_address::of_address(walk.w, v4) {
                return enter_fixed(walk, instance, header);
            }
            let eip = walk.w.indexes().eips.by_address.get(&v4).and_then(|id| walk.w.get::<Eip>(id));
            enter_by(walk, eip.ok_or(Disposition::NoPublicAddress { address })?, header)
        }
    }
}

/// A packet to the static public address of an instance.
fn enter_fixed<S: Sink>(walk: &mut Walk<'_, S>, instance: &Instance, header: &Header) -> Step<Place> {
    let (id, vpc) = (instance.id, instance.vpc);
    if instance.public.and_then(PublicAddress::working).is_none() {
        return Err(Disposition::PublicAddressWaits { instance: id });
    }
    let header = Header { destination: instance.primary(walk.w).primary_ip.into(), ..*header };
    walk.pass_on(header, |header| Hop::Masked { instance: id, header });
    come_in(walk, vpc, &header)
}

fn enter_by<S: Sink>(walk: &mut Walk<'_, S>, eip: &Eip, header: &Header) -> Step<Place> {
    if let Some(nat) = walk.snat.filter(|nat| walk.leg == Leg::Return && nat.eip == eip.id) {
        let header = Header { destination: nat.private.into(), ..*header };
        walk.translate(eip.id, Some(NatEntryId::Snat(nat.entry)), header);
        check_open(walk, nat.vpc, &header)?;
        return routing::from_outside(walk, nat.vpc, &header);
    }
    let unbound = Disposition::EipNotBound { eip: eip.id, status: eip.status };
    let target = eip.binding.filter(|_| eip.status == EipStatus::InUse).map(|binding| binding.target);
    if let Some(Target::Nat { gateway }) = target {
        return enter_by_gateway(walk, eip, gateway, header);
    }
    let vpc = target.and_then(|target| target.vpc(walk.w)).ok_or(unbound)?;
    let private = target.and_then(|target| target.private_address(walk.w)).ok_or(unbound)?;
    let header = Header { destination: private.into(), ..*header };
    walk.translate(eip.id, None, header);
    if let Some(Target::LoadBalancer { .. }) = target {
        check_open(walk, vpc, &header)?;
        return routing::from_outside(walk, vpc, &header);
    }
    come_in(walk, vpc, &header)
}

/// A packet to an elastic IP address of a NAT gateway. What the gateway sends on comes from inside the VPC, and asks no table
/// of an IPv4 gateway.
fn enter_by_gateway<S: Sink>(
    walk: &mut Walk<'_, S>,
    eip: &Eip,
    gateway: NatGatewayId,
    header: &Header,
) -> Step<Place> {
    let found = forward_entry::way_in(walk.w, eip.id, header.protocol, header.port);
    let (entry, address, port) = found.ok_or_else(|| {
        let inert = forward_entry::inert(walk.w, eip.id, header.protocol, header.port);
        Disposition::NotForwarded { eip: eip.id, gateway, inert }
    })?;
    if walk.leg == Leg::Forward {
        let (eip, private) = (eip.id, (address, port));
        walk.dnat = Some(DnatSession { entry: entry.id, gateway, eip, port: header.port, private });
    }
    let header = Header { destination: address.into(), port, ..*header };
    walk.translate(eip.id, Some(NatEntryId::Forward(entry.id)), header);
    check_open(walk, entry.vpc, &header)?;
    routing::from_outside(walk, entry.vpc, &header)
}

/// A VPC that is closed lets nothing in.
fn check_open<S: Sink>(walk: &Walk<'_, S>, vpc: VpcId, header: &Header) -> Step<()> {
    if is_closed(walk.w, vpc) {
        return Err(no_path(vpc, header.destination, NoPath::Closed));
    }
    Ok(())
}

/// A packet that was translated to a host's private address comes into its VPC.
fn come_in<S: Sink>(walk: &mut Walk<'_, S>, vpc: VpcId, header: &Header) -> Step<Place> {
    check_open(walk, vpc, header)?;
    routing::from_ipv4_gateway(walk, vpc, header)
}

/// Whether a VPC takes an address for one of the internet: user CIDRs and its own blocks are private to it.
fn is_outside(w: &World, vpc: VpcId, address: IpAddr) -> bool {
    let own = |vpc: &Vpc| {
        let v4 = vpc.blocks().chain(vpc.user_cidrs.iter().copied()).map(Cidr::from);
        let v6 = vpc.ipv6.iter().map(|b| Cidr::from(b.block));
        v4.chain(v6).any(|block| block.contains_address(address))
    };
    is_public(address) && !w.get::<Vpc>(&vpc).is_some_and(own)
}
