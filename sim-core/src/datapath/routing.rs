//! Routes inside a VPC: the longest prefix of the vSwitch's table, next hops that forward, local delivery.

use super::flow::Header;
use super::hop::{Disposition, Hop, Place};
use super::internet::Sender;
use super::met::Host;
use super::no_path::NoPath;
use super::sink::Sink;
use super::trace::{Step, Walk};
use super::{balancer, edge, internet, member, router};
use crate::cidr::{Cidr, Cidr4, reserved};
use crate::ecs::eni::Eni;
use crate::ecs::instance::Instance;
use crate::id::{
    EniId, Ipv4GatewayId, LoadBalancerId, NatGatewayId, RouteTableId, RouterInterfaceId, VSwitchId, VpcId,
    VpcPeerId,
};
use crate::slb::load_balancer::{self, Home, LoadBalancer};
use crate::vpc::gateway_route_table;
use crate::vpc::ha_vip::{self, HaVip};
use crate::vpc::ipv4_gateway;
use crate::vpc::longest_prefix::LongestPrefix;
use crate::vpc::nat_gateway::NatGateway;
use crate::vpc::next_hop::NextHop;
use crate::vpc::resident::Resident;
use crate::vpc::route_table::{self, Chosen};
use crate::vpc::vpc::{self, Vpc};
use crate::vpc::vpc_peer::VpcPeer;
use crate::vpc::vswitch::VSwitch;
use crate::world::World;
use std::net::IpAddr;

/// A packet of an interface, or of something behind it, sets out.
///
/// What an interface sends to itself or to what lies behind it never leaves its instance.
pub(super) fn from_interface<'w, S: Sink>(
    walk: &mut Walk<'w, S>,
    host: &Host<'w>,
    header: &Header,
) -> Step<Place> {
    let eni = host.eni;
    if member::has(walk.w, eni, header.destination) {
        member::check_up(walk, host)?;
        return Ok(taken(walk, Place::Interface(eni.id)));
    }
    let choice = Choice::at(host, header.destination);
    if leads_behind(walk.w, eni, choice.entry, header.destination) {
        member::check_up(walk, host)?;
        return Ok(taken(walk, Place::Behind(eni.id)));
    }
    member::leave(walk, host, header)?;
    follow(walk, eni.vpc, choice, Sender::Interface(*host), Vec::new(), header)
}

/// A packet of a managed resident sets out.
pub(super) fn from_resident<'w, S: Sink>(
    walk: &mut Walk<'w, S>,
    resident: &'w Resident,
    header: &Header,
) -> Step<Place> {
    member::leave_resident(walk, resident, header)?;
    let choice = Choice::of(walk, resident.vpc, resident.vswitch, header.destination);
    follow(walk, resident.vpc, choice, Sender::Resident, Vec::new(), header)
}

/// An answer leaves an intranet load balancer.
pub(super) fn from_balancer<S: Sink>(
    walk: &mut Walk<'_, S>,
    balancer: LoadBalancerId,
    home: Home,
    header: &Header,
) -> Step<Place> {
    let choice = Choice::of(walk, home.vpc, home.vswitch, header.destination);
    follow(walk, home.vpc, choice, Sender::Balancer(balancer), Vec::new(), header)
}

/// What the table that holds for a vSwitch has for a destination.
struct Choice<'w> {
    vswitch: VSwitchId,
    table: RouteTableId,
    entry: Option<&'w Chosen>,
}

/// The table that holds for a vSwitch, ready to be looked up.
#[derive(Clone, Copy)]
pub(super) struct TableOf<'w> {
    id: RouteTableId,
    entries: &'w LongestPrefix<Chosen>,
}

impl<'w> TableOf<'w> {
    pub(super) fn new(w: &'w World, vpc: VpcId, vswitch: VSwitchId) -> TableOf<'w> {
        let custom = w.get::<VSwitch>(&vswitch).and_then(|s| s.route_table);
        let id =
            custom.unwrap_or_else(|| w.get::<Vpc>(&vpc).expect("a VPC outlives what is in it").system_table);
        let entries = route_table::compiled(w, id).expect("a table outlives the vSwitches that it holds for");
        TableOf { id, entries }
    }
}

impl<'w> Choice<'w> {
    fn of<S>(walk: &mut Walk<'w, S>, vpc: VpcId, vswitch: VSwitchId, destination: IpAddr) -> Choice<'w> {
        let table = walk.met.table(walk.w, vpc, vswitch);
        Choice { vswitch, table: table.id, entry: table.entries.lookup(destination) }
    }

    /// The same where an interface sends.
    #[inline]
    fn at(host: &Host<'w>, destination: IpAddr) -> Choice<'w> {
        let Host { eni, table, .. } = *host;
        Choice { vswitch: eni.vswitch, table: table.id, entry: table.entries.lookup(destination) }
    }
}

/// The default route in place of a narrower one to another VPC, if the NAT gateway to which it leads takes the packet to the
/// internet.
fn by_nat<'w>(
    w: &'w World,
    vpc: VpcId,
    table: RouteTableId,
    narrow: &'w Chosen,
    header: &Header,
) -> &'w Chosen {
    if !matches!(narrow.next_hop, NextHop::VpcPeer(_) | NextHop::RouterInterface(_)) {
        return narrow;
    }
    let default = route_table::compiled(w, table).and_then(LongestPrefix::default4);
    let takes = |entry: &&Chosen| match entry.next_hop {
        NextHop::NatGateway(gateway) => internet::leaves_by_nat(w, vpc, gateway, header),
        _ => false,
    };
    default.filter(takes).unwrap_or(narrow)
}

/// Where a route leads.
pub(super) enum Next<'w> {
    /// To an interface: the destination's, or one that is to forward.
    Interface(Host<'w>),
    /// To a managed resident.
    Resident(&'w Resident),
    /// To whoever answers for a HaVip.
    HaVip(&'w HaVip),
    /// To a load balancer.
    Balancer(&'w LoadBalancer),
    /// To the provider's network.
    CloudService,
    /// Into a vSwitch where nobody holds the destination.
    Nobody,
    /// To a NAT gateway.
    Gateway(NatGatewayId),
    /// To the IPv4 gateway.
    Ipv4Gateway(Ipv4GatewayId),
    /// To the IPv6 gateway.
    Ipv6Gateway,
    /// By a peering connection to its other VPC.
    Peer(VpcPeerId, VpcId),
    /// To the other end of a router interface.
    Router(RouterInterfaceId),
    /// To a next hop that does not exist any more.
    Gone,
}

impl<'w> Next<'w> {
    pub(super) fn of<S>(
        walk: &mut Walk<'w, S>,
        vpc: VpcId,
        next_hop: NextHop,
        destination: IpAddr,
    ) -> Next<'w> {
        let w = walk.w;
        let eni = match next_hop {
            NextHop::Local => return Next::local(walk, vpc, destination),
            NextHop::Instance(id) => w.get::<Instance>(&id).map(|instance| instance.primary_eni),
            NextHop::NetworkInterface(id) => Some(id),
            NextHop::HaVip(id) => return w.get::<HaVip>(&id).map_or(Next::Gone, Next::HaVip),
            // A gateway takes the routes to it along when it goes.
            NextHop::NatGateway(id) => return Next::Gateway(id),
            NextHop::Ipv4Gateway(id) => return Next::Ipv4Gateway(id),
            NextHop::Ipv6Gateway(_) => return Next::Ipv6Gateway,
            NextHop::RouterInterface(id) => return Next::Router(id),
            // So does a peering connection.
            NextHop::VpcPeer(id) => {
                let other = w.get::<VpcPeer>(&id).and_then(|peer| peer.other_side(vpc));
                return Next::Peer(id, other.expect("a connection outlives the routes to it"));
            }
        };
        eni.and_then(|id| walk.met.host(w, id)).map_or(Next::Gone, Next::Interface)
    }

    fn local<S>(walk: &mut Walk<'w, S>, vpc: VpcId, destination: IpAddr) -> Next<'w> {
        let w = walk.w;
        if in_cloud_services(destination) {
            return Next::CloudService;
        }
        if let Some(host) = walk.met.holder(w, vpc, destination) {
            return Next::Interface(host);
        }
        let IpAddr::V4(v4) = destination else { return Next::Nobody };
        if let Some(vip) = ha_vip::of_address(w, vpc, v4) {
            return Next::HaVip(vip);
        }
        if let Some(balancer) = load_balancer::of_address(w, vpc, v4) {
            return Next::Balancer(balancer);
        }
        let resident = w.indexes().residents.by_address.get(&(vpc, v4));
        resident.and_then(|id| w.get::<Resident>(id)).map_or(Next::Nobody, Next::Resident)
    }

    /// The vSwitch where it is, if it is in one.
    fn vswitch(&self, w: &World, vpc: VpcId, destination: IpAddr) -> Option<VSwitchId> {
        match self {
            Next::Interface(host) => Some(host.eni.vswitch),
            Next::Resident(resident) => Some(resident.vswitch),
            // It is bound in its own vSwitch alone.
            Next::HaVip(vip) => Some(vip.vswitch),
            Next::Balancer(balancer) => balancer.home.map(|home| home.vswitch),
            Next::Nobody => vswitch_of(w, vpc, destination),
            Next::CloudService
            | Next::Gateway(_)
            | Next::Ipv4Gateway(_)
            | Next::Ipv6Gateway
            | Next::Peer(..)
            | Next::Router(_)
            | Next::Gone => None,
        }
    }
}

/// Follows routes until the packet is delivered or lost. A packet that comes to an interface a second time would do
/// so for ever, since nothing about it has changed. `sender` is what the packet leaves, and `passed` are the interfaces that it
/// has come to before.
fn follow<'w, S: Sink>(
    walk: &mut Walk<'w, S>,
    vpc: VpcId,
    mut choice: Choice<'w>,
    mut sender: Sender<'w>,
    mut passed: Vec<EniId>,
    header: &Header,
) -> Step<Place> {
    let w = walk.w;
    loop {
        let Choice { vswitch, table, entry } = choice;
        if let Some(public) = internet::way_out(w, vpc, sender, entry, header) {
            if let Sender::Interface(host) = &sender {
                edge::leave(walk, host, None, header)?;
            }
            return internet::leave_by(walk, public, header);
        }
        let entry = entry.map(|entry| by_nat(w, vpc, table, entry, header));
        let next = entry.map(|entry| Next::of(walk, vpc, entry.next_hop, header.destination));
        if let Sender::Interface(host) = &sender {
            let to = next.as_ref().and_then(|next| next.vswitch(w, vpc, header.destination));
            edge::leave(walk, host, to, header)?;
        }
        let (Some(entry), Some(next)) = (entry, next) else {
            return internet::leave(walk, vpc, vswitch, table, header);
        };
        let Chosen { destination, next_hop, .. } = *entry;
        walk.step(|| Hop::Route { vswitch, table, entry: entry.id, destination, next_hop, gateway: None });
        let host = match answered(walk, next)? {
            Next::Interface(host) if !member::has(w, host.eni, header.destination) => host,
            Next::Gateway(id) => return internet::leave_by_gateway(walk, vpc, id, header),
            Next::Ipv4Gateway(id) => {
                return internet::leave_by_ipv4_gateway(walk, vpc, id, sender, header);
            }
            Next::Ipv6Gateway => return internet::leave_by_ipv6_gateway(walk, vpc, header),
            Next::Peer(peer, other) => {
                walk.step(|| Hop::Peered { peer, vpc: other });
                return from_peer(walk, other, header);
            }
            Next::Router(id) => return router::cross(walk, id, entry.id, header),
            Next::Gone => return Err(Disposition::NextHopGone { entry: entry.id, next_hop }),
            reached => return deliver(walk, vpc, Some(vswitch), reached, header),
        };
        let eni = host.eni.id;
        if passed.contains(&eni) {
            return Err(Disposition::Loop { at: eni.into(), entry: entry.id });
        }
        passed.push(eni);
        choice = match pass(walk, Some(vswitch), &host, header)? {
            Passed::Behind => return Ok(taken(walk, Place::Behind(eni))),
            Passed::On(choice) => choice,
        };
        sender = Sender::Interface(host);
    }
}

/// What an interface does with a packet that is for another.
enum Passed<'w> {
    /// It is for what lies behind its instance.
    Behind,
    /// It goes on by the table of its vSwitch.
    On(Choice<'w>),
}

/// A packet comes to an interface that forwards.
fn pass<'w, S: Sink>(
    walk: &mut Walk<'w, S>,
    from: Option<VSwitchId>,
    host: &Host<'w>,
    header: &Header,
) -> Step<Passed<'w>> {
    let eni = host.eni;
    edge::enter(walk, from, host, header)?;
    member::arrive(walk, host, header)?;
    let choice = Choice::at(host, header.destination);
    if leads_behind(walk.w, eni, choice.entry, header.destination) {
        return Ok(Passed::Behind);
    }
    if let Some(instance) = eni.instance {
        walk.step(|| Hop::Forwarded { instance, eni: eni.id });
    }
    member::leave(walk, host, header)?;
    Ok(Passed::On(choice))
}

/// What comes in by the IPv4 gateway of a VPC asks the gateway's route table, if it has one.
pub(super) fn from_ipv4_gateway<S: Sink>(walk: &mut Walk<'_, S>, vpc: VpcId, header: &Header) -> Step<Place> {
    let w = walk.w;
    let found = match header.destination {
        IpAddr::V4(v4) => gateway_route_table::redirection(w, vpc, v4),
        IpAddr::V6(_) => None,
    };
    let Some((gateway, entry)) = found else { return from_outside(walk, vpc, header) };
    let (table, destination, next_hop) = (entry.table, entry.destination, entry.next_hop);
    walk.step(|| Hop::GatewayRoute { gateway, table, entry: entry.id, destination, next_hop });
    let host = match Next::of(walk, vpc, next_hop, header.destination) {
        Next::Interface(host) if !member::has(w, host.eni, header.destination) => host,
        Next::Gone => return Err(Disposition::NextHopGone { entry: entry.id, next_hop }),
        reached => return deliver(walk, vpc, None, reached, header),
    };
    pass_on(walk, &host, header)
}

/// A packet comes into a VPC from outside of it to an interface that forwards, and goes on from there.
pub(super) fn pass_on<'w, S: Sink>(walk: &mut Walk<'w, S>, host: &Host<'w>, header: &Header) -> Step<Place> {
    let eni = host.eni;
    match pass(walk, None, host, header)? {
        Passed::Behind => Ok(taken(walk, Place::Behind(eni.id))),
        Passed::On(choice) => follow(walk, eni.vpc, choice, Sender::Interface(*host), vec![eni.id], header),
    }
}

/// The master of a HaVip takes what comes to its address, or is led to it.
#[inline]
pub(super) fn answered<'w, S: Sink>(walk: &mut Walk<'w, S>, next: Next<'w>) -> Step<Next<'w>> {
    let Next::HaVip(vip) = next else { return Ok(next) };
    let ha_vip = vip.id;
    let unanswered = Disposition::HaVipUnanswered { ha_vip, bound: vip.bound.len() };
    let master = vip.master(walk.w).ok_or(unanswered)?;
    walk.step(|| Hop::Answered { ha_vip, eni: master.id });
    let host = walk.met.host(walk.w, master.id).expect("the master was found in this world");
    Ok(Next::Interface(host))
}

/// What a NAT gateway sends out of its vSwitch finds the IPv4 gateway, if its VPC has it find one; otherwise why it does not.
pub(super) fn find_ipv4_gateway<S: Sink>(
    walk: &mut Walk<'_, S>,
    nat: &NatGateway,
    destination: IpAddr,
) -> Result<(), NoPath> {
    let (vpc, vswitch) = (nat.vpc, nat.vswitch);
    if !ipv4_gateway::is_controlled(walk.w, vpc) {
        return Ok(());
    }
    let Some(own) = ipv4_gateway::of_vpc(walk.w, vpc) else { return Err(NoPath::Closed) };
    let Choice { vswitch, table, entry } = Choice::of(walk, vpc, vswitch, destination);
    let unrouted = NoPath::Unrouted { vswitch, table, gateway: own.id.into() };
    let Some(entry) = entry else { return Err(unrouted) };
    let Chosen { destination, next_hop, .. } = *entry;
    let gateway = Some(nat.id);
    walk.step(|| Hop::Route { vswitch, table, entry: entry.id, destination, next_hop, gateway });
    if matches!(next_hop, NextHop::Ipv4Gateway(_)) { Ok(()) } else { Err(unrouted) }
}

/// Delivers a packet that comes into a VPC from outside of it.
pub(super) fn from_outside<S: Sink>(walk: &mut Walk<'_, S>, vpc: VpcId, header: &Header) -> Step<Place> {
    let local = Next::local(walk, vpc, header.destination);
    let next = answered(walk, local)?;
    deliver(walk, vpc, None, next, header)
}

/// Delivers a packet that comes into a VPC over a peering connection: to what lies in it, and to nothing that its routes
/// lead to, cloud services among them.
fn from_peer<S: Sink>(walk: &mut Walk<'_, S>, vpc: VpcId, header: &Header) -> Step<Place> {
    if in_cloud_services(header.destination) {
        return Err(Disposition::NobodyThere { vpc, address: header.destination });
    }
    from_outside(walk, vpc, header)
}

pub(super) fn deliver<'w, S: Sink>(
    walk: &mut Walk<'w, S>,
    vpc: VpcId,
    from: Option<VSwitchId>,
    next: Next<'w>,
    header: &Header,
) -> Step<Place> {
    let place = match next {
        Next::Interface(host) => {
            edge::enter(walk, from, &host, header)?;
            member::arrive(walk, &host, header)?;
            Place::Interface(host.eni.id)
        }
        Next::Resident(resident) => {
            member::arrive_at_resident(walk, resident, header)?;
            Place::Resident(resident.id)
        }
        Next::Balancer(balancer) => {
            return balancer::take(walk, balancer, header);
        }
        Next::CloudService => Place::CloudService,
        Next::Nobody
        | Next::HaVip(_)
        | Next::Gateway(_)
        | Next::Ipv4Gateway(_)
        | Next::Ipv6Gateway
        | Next::Peer(..)
        | Next::Router(_)
        | Next::Gone => {
            return Err(Disposition::NobodyThere { vpc, address: header.destination });
        }
    };
    Ok(taken(walk, place))
}

pub(super) fn taken<S: Sink>(walk: &mut Walk<'_, S>, place: Place) -> Place {
    walk.step(|| Hop::Taken { place });
    place
}

/// Whether a destination lies behind the instance of an interface.
///
/// What the guest does with a packet that is not for it is not modelled; but where the table of the interface's own
/// vSwitch leads to the interface itself, forwarding the packet there would bring it back, so that the route only makes
/// sense if the destination is inside the guest, as the container network of a node is. An address of a vSwitch is not.
#[inline]
fn leads_behind(w: &World, eni: &Eni, entry: Option<&Chosen>, destination: IpAddr) -> bool {
    let by_it = match entry.map(|entry| entry.next_hop) {
        Some(NextHop::NetworkInterface(id)) => id == eni.id,
        Some(NextHop::Instance(id)) => {
            w.get::<Instance>(&id).is_some_and(|instance| instance.primary_eni == eni.id)
        }
        Some(NextHop::HaVip(id)) => {
            w.get::<HaVip>(&id).and_then(|vip| vip.master(w)).is_some_and(|master| master.id == eni.id)
        }
        Some(
            NextHop::Local
            | NextHop::NatGateway(_)
            | NextHop::Ipv4Gateway(_)
            | NextHop::Ipv6Gateway(_)
            | NextHop::VpcPeer(_)
            | NextHop::RouterInterface(_),
        )
        | None => false,
    };
    by_it && vswitch_of(w, eni.vpc, destination).is_none()
}

/// The vSwitch of a VPC in whose blocks an address lies.
fn vswitch_of(w: &World, vpc: VpcId, address: IpAddr) -> Option<VSwitchId> {
    let holds = |s: &&VSwitch| {
        Cidr::from(s.block).contains_address(address)
            || s.ipv6.is_some_and(|block| Cidr::from(block).contains_address(address))
    };
    vpc::vswitches(w, vpc).find(holds).map(|vswitch| vswitch.id)
}

/// Whether an address lies in the network of cloud services.
#[inline]
pub(super) fn in_cloud_services(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if reserved::CLOUD_SERVICES.contains(Cidr4::host(v4)))
}
