//! Traces against a naive evaluator: it scans every row, knows no index, follows a packet until its patience ends instead
//! of finding circles, and shares no code with the datapath.

use crate::facts::{
    acl_allows, addresses, block, cut_off, cut_through, gives_way, groups_allow, ha_vip, holder, is_public,
    master, own, route, vswitch_of, within,
};
use crate::reference_balancers::Balanced;
use sim_core::World;
use sim_core::cidr::Cidr;
use sim_core::datapath::{Header, Leg, Place, Question, Request};
use sim_core::ecs::eni::{Eni, EniStatus};
use sim_core::ecs::group_filter::PacketProtocol;
use sim_core::ecs::instance::{Instance, InstanceStatus};
use sim_core::id::{AnyId, EniId, NatGatewayId, SecurityGroupId, VSwitchId, VpcId, VpcPeerId};
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::vpc::eip::{Eip, EipStatus};
use sim_core::vpc::eip_binding::Target;
use sim_core::vpc::forward_entry::ForwardEntry;
use sim_core::vpc::forward_ports::ForwardProtocol;
use sim_core::vpc::ha_vip::HaVip;
use sim_core::vpc::ipv4_gateway::Ipv4Gateway;
use sim_core::vpc::ipv6_bandwidth::Ipv6Bandwidth;
use sim_core::vpc::ipv6_egress_rule::{EgressRuleStatus, Ipv6EgressRule};
use sim_core::vpc::nat_gateway::NatGateway;
use sim_core::vpc::next_hop::NextHop;
use sim_core::vpc::resident::Resident;
use sim_core::vpc::route_entry::RouteEntry;
use sim_core::vpc::snat::{SnatEntry, SnatSource};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vpc_peer::VpcPeer;
use sim_core::vpc::vswitch::VSwitch;
use std::net::IpAddr;

/// How a trace ends: the leg, the word, and where the packet is if it arrived somewhere.
pub type End = (Leg, &'static str, Option<Place>);

/// More hosts than a world of the tests has.
pub const PATIENCE: usize = 60;

/// The elastic IP address in use that stands for a private address of an interface.
fn eip_of(w: &World, eni: EniId, address: IpAddr) -> Option<&Eip> {
    let stands = |eip: &&Eip| match eip.binding.map(|b| b.target) {
        Some(Target::Instance { eni: id, .. }) => {
            id == eni && IpAddr::from(w.get::<Eni>(&id).unwrap().primary_ip) == address
        }
        Some(Target::NetworkInterface { eni: id, address: private }) => {
            id == eni && IpAddr::from(private) == address
        }
        Some(Target::HaVip { ha_vip }) => {
            let vip = w.get::<HaVip>(&ha_vip).unwrap();
            IpAddr::from(vip.address) == address && master(w, vip).is_some_and(|master| master.id == eni)
        }
        Some(Target::Nat { .. } | Target::LoadBalancer { .. }) | None => false,
    };
    w.table::<Eip>().iter().find(|eip| eip.status == EipStatus::InUse && stands(eip))
}

/// The public address in use that stands for a private address of an interface or a load balancer.
fn public_of(w: &World, sender: AnyId, address: IpAddr) -> Option<IpAddr> {
    let Ok(load_balancer) = sender.try_into() else {
        let eni = sender.try_into().unwrap();
        return eip_of(w, eni, address).map(|eip| eip.address.into()).or_else(|| fixed_of(w, eni, address));
    };
    let target = Some(Target::LoadBalancer { load_balancer });
    let mut eips = w.table::<Eip>().iter().filter(|eip| eip.status == EipStatus::InUse);
    eips.find(|eip| eip.binding.map(|b| b.target) == target).map(|eip| eip.address.into())
}

/// The static public address in force of the instance whose primary address it is.
fn fixed_of(w: &World, eni: EniId, address: IpAddr) -> Option<IpAddr> {
    let instance = w.table::<Instance>().iter().find(|i| i.primary_eni == eni)?;
    let public = instance.public.filter(|public| public.in_force)?;
    let primary = IpAddr::from(w.get::<Eni>(&eni).unwrap().primary_ip) == address;
    public.address.filter(|_| primary).map(IpAddr::from)
}

/// The instance that has a static public address.
fn fixed_at(w: &World, address: IpAddr) -> Option<&Instance> {
    let own = |i: &&Instance| i.public.and_then(|public| public.address).map(IpAddr::from) == Some(address);
    w.table::<Instance>().iter().find(own)
}

/// Whether an elastic IP address in use stands for a private address, whoever has it.
pub fn has_eip(w: &World, address: IpAddr) -> bool {
    let of_other = |eip: &Eip| match eip.binding.map(|b| b.target) {
        Some(Target::HaVip { ha_vip }) => IpAddr::from(w.get::<HaVip>(&ha_vip).unwrap().address) == address,
        Some(Target::LoadBalancer { load_balancer }) => {
            w.get::<LoadBalancer>(&load_balancer).unwrap().address == address
        }
        _ => false,
    };
    let of_eni = |eni: &Eni| eip_of(w, eni.id, address).is_some() || fixed_of(w, eni.id, address).is_some();
    w.table::<Eni>().iter().any(of_eni)
        || w.table::<Eip>().iter().any(|eip| eip.status == EipStatus::InUse && of_other(eip))
}

/// Whether the public traffic of a VPC needs a route to its IPv4 gateway.
pub fn controlled(w: &World, vpc: VpcId) -> bool {
    w.table::<Ipv4Gateway>().iter().any(|g| g.vpc == vpc && g.enabled)
}

/// Whether an IPv6 address has internet bandwidth.
fn bought(w: &World, address: IpAddr) -> bool {
    w.table::<Ipv6Bandwidth>().iter().any(|b| IpAddr::from(b.address) == address)
}

/// Whether a rule lets sessions of an IPv6 address out alone.
fn outward(w: &World, address: IpAddr) -> bool {
    let at_work = |r: &Ipv6EgressRule| r.status == EgressRuleStatus::Available;
    w.table::<Ipv6EgressRule>().iter().any(|r| IpAddr::from(r.address) == address && at_work(r))
}

fn fits(entry: &ForwardEntry, protocol: PacketProtocol) -> bool {
    match entry.protocol {
        ForwardProtocol::Any => true,
        ForwardProtocol::Tcp => protocol == PacketProtocol::Tcp,
        ForwardProtocol::Udp => protocol == PacketProtocol::Udp,
    }
}

/// The interface that a next hop is.
pub fn hop_eni(w: &World, hop: NextHop) -> Option<&Eni> {
    match hop {
        NextHop::Local => None,
        NextHop::Instance(id) => w.get::<Instance>(&id).and_then(|i| w.get::<Eni>(&i.primary_eni)),
        NextHop::NetworkInterface(id) => w.get::<Eni>(&id),
        NextHop::HaVip(id) => master(w, w.get::<HaVip>(&id).unwrap()),
        NextHop::NatGateway(_)
        | NextHop::Ipv4Gateway(_)
        | NextHop::Ipv6Gateway(_)
        | NextHop::VpcPeer(_)
        | NextHop::RouterInterface(_) => None,
    }
}

/// An address and a port.
type Socket = (IpAddr, u16);

/// One packet of a session.
pub struct Follower<'w> {
    pub w: &'w World,
    pub vpc: VpcId,
    pub header: Header,
    /// Where the first packet started.
    pub from: Place,
    answer: bool,
    /// Who let the session through on the way there, and whether outward.
    sessions: Vec<(Place, bool)>,
    /// The public address by which an SNAT entry took the packet out, and the private one.
    left: Option<(IpAddr, IpAddr)>,
    /// The gateway by which the packet came in, the public address and port, the private address and port.
    came: Option<(NatGatewayId, Socket, Socket)>,
    /// The IPv6 address that opened the session by the gateway.
    went: Option<IpAddr>,
    /// How many router interfaces the packet has crossed.
    pub crossed: usize,
    pub balanced: Option<Balanced>,
    /// What is asked for over HTTP; an answer asks for nothing.
    pub request: Option<Request>,
}

pub type Step<T> = Result<T, &'static str>;

impl Follower<'_> {
    fn groups(&mut self, member: Place, groups: &[SecurityGroupId], out: bool) -> Step<()> {
        if self.answer && self.sessions.contains(&(member, !out)) {
            return Ok(());
        }
        if !groups_allow(self.w, self.vpc, groups, out, &self.header) {
            return Err("security_group_drop");
        }
        if !self.answer {
            self.sessions.push((member, out));
        }
        Ok(())
    }

    pub fn up(&self, eni: &Eni) -> Step<()> {
        let instance = eni.instance.map(|id| self.w.get::<Instance>(&id).unwrap());
        match instance {
            Some(_) if eni.status != EniStatus::InUse => Err("not_attached"),
            None => Err("not_attached"),
            Some(instance) if instance.status != InstanceStatus::Running => Err("instance_not_running"),
            Some(_) if cut_off(self.w, eni) => Err("cut_off"),
            Some(_) => Ok(()),
        }
    }

    pub fn leaves(&mut self, eni: &Eni) -> Step<()> {
        self.up(eni)?;
        if eni.source_dest_check && !own(self.w, eni).contains(&self.header.source) {
            return Err("source_dest_check");
        }
        self.groups(Place::Interface(eni.id), &eni.groups, true)
    }

    pub fn arrives(&mut self, eni: &Eni, from: Option<VSwitchId>) -> Step<()> {
        let filtered = from != Some(eni.vswitch) && !cut_through(self.w, eni.id);
        if filtered && !acl_allows(self.w, eni.vswitch, false, &self.header) {
            return Err("network_acl_drop");
        }
        self.groups(Place::Interface(eni.id), &eni.groups, false)?;
        self.up(eni)?;
        if eni.source_dest_check && !own(self.w, eni).contains(&self.header.destination) {
            return Err("source_dest_check");
        }
        Ok(())
    }

    /// What holds an address inside the VPC takes the packet.
    pub fn inside(&mut self, from: Option<VSwitchId>) -> Step<Place> {
        let address = self.header.destination;
        if within(block("100.64.0.0/10"), address) {
            return Ok(Place::CloudService);
        }
        if let Some(eni) = holder(self.w, self.vpc, address) {
            self.arrives(eni, from)?;
            return Ok(Place::Interface(eni.id));
        }
        if let Some(vip) = ha_vip(self.w, self.vpc, address) {
            let eni = master(self.w, vip).ok_or("ha_vip_unanswered")?;
            self.arrives(eni, from)?;
            return Ok(Place::Interface(eni.id));
        }
        if let Some(balancer) = self.balancer_at(address, false) {
            return self.balance(balancer);
        }
        let mut residents = self.w.table::<Resident>().iter();
        let resident = residents.find(|r| r.vpc == self.vpc && IpAddr::from(r.address) == address);
        let Some(resident) = resident else { return Err("nobody_there") };
        self.groups(Place::Resident(resident.id), &resident.groups, false)?;
        match resident.port {
            Some(port) if self.header.protocol != PacketProtocol::Tcp || self.header.port != port => {
                Err("port_not_served")
            }
            _ => Ok(Place::Resident(resident.id)),
        }
    }

    /// From the internet to whom an elastic IP address stands for.
    fn outside_in(&mut self) -> Step<Place> {
        let address = self.header.destination;
        if within(block("10.0.0.0/8"), address) {
            return Err("private_from_outside");
        }
        if let Some(balancer) = self.balancer_at(address, true) {
            return self.balance(balancer);
        }
        if address.is_ipv6() {
            return self.outside_in6();
        }
        if let Some(instance) = fixed_at(self.w, address) {
            if !instance.public.unwrap().in_force {
                return Err("public_address_waits");
            }
            self.header.destination = self.w.get::<Eni>(&instance.primary_eni).unwrap().primary_ip.into();
            self.vpc = instance.vpc;
            return self.by_gateway_table();
        }
        let eip = self.w.table::<Eip>().iter().find(|eip| IpAddr::from(eip.address) == address);
        let Some(eip) = eip else { return Err("no_public_address") };
        if let Some((_, private)) = self.left.filter(|(public, _)| self.answer && *public == address) {
            self.header.destination = private;
            return self.inside(None);
        }
        if let Some(Target::Nat { gateway }) = eip.binding.map(|b| b.target) {
            return self.forwarded(gateway, eip);
        }
        if let (Some(Target::HaVip { ha_vip }), EipStatus::InUse) =
            (eip.binding.map(|b| b.target), eip.status)
        {
            let vip = self.w.get::<HaVip>(&ha_vip).unwrap();
            self.header.destination = vip.address.into();
            self.vpc = vip.vpc;
            return self.by_gateway_table();
        }
        if let (Some(Target::LoadBalancer { load_balancer }), EipStatus::InUse) =
            (eip.binding.map(|b| b.target), eip.status)
        {
            let balancer = self.w.get::<LoadBalancer>(&load_balancer).unwrap();
            self.header.destination = balancer.address;
            self.vpc = balancer.home.unwrap().vpc;
            return self.balance(balancer);
        }
        for eni in self.w.table::<Eni>().iter() {
            for private in addresses(eni) {
                if eip_of(self.w, eni.id, private).is_some_and(|other| other.id == eip.id) {
                    self.header.destination = private;
                    self.vpc = eni.vpc;
                    return self.by_gateway_table();
                }
            }
        }
        Err("eip_not_bound")
    }

    /// From the internet to an IPv6 address that has bandwidth.
    fn outside_in6(&mut self) -> Step<Place> {
        let Some(eni) =
            self.w.table::<Eni>().iter().find(|e| addresses(e).contains(&self.header.destination))
        else {
            return Err("no_public_address");
        };
        if !bought(self.w, self.header.destination) {
            return Err("no_public_path");
        }
        let answer = self.answer && self.went == Some(self.header.destination);
        if outward(self.w, self.header.destination) && !answer {
            return Err("ipv6_egress_only");
        }
        self.vpc = eni.vpc;
        self.inside(None)
    }

    /// Where a route leads to the IPv4 or the IPv6 gateway.
    fn by_internet_gateway(&mut self, sender: Option<AnyId>) -> Step<Place> {
        let h = self.header;
        let same = h.source.is_ipv6() == h.destination.is_ipv6();
        if !same || !is_public(self.w, self.vpc, h.destination) {
            return Err("no_public_path");
        }
        if h.source.is_ipv6() {
            if !bought(self.w, h.source) {
                return Err("no_public_path");
            }
            if !self.answer {
                self.went = Some(h.source);
            }
            let known = self.w.table::<Eni>().iter().any(|e| addresses(e).contains(&h.destination));
            return if known { self.outside_in6() } else { self.public() };
        }
        let Some(public) = sender.and_then(|id| public_of(self.w, id, h.source)) else {
            return Err("no_public_path");
        };
        self.header.source = public;
        self.public()
    }

    /// What comes in by the IPv4 gateway for a private address: its route table may lead it to an interface that forwards.
    fn by_gateway_table(&mut self) -> Step<Place> {
        let address = self.header.destination;
        let gateway = self.w.table::<Ipv4Gateway>().iter().find(|g| g.vpc == self.vpc);
        let entries = self.w.table::<RouteEntry>().iter();
        let mut entries = entries.filter(|e| Some(e.table) == gateway.and_then(|g| g.route_table));
        let Some(entry) = entries.find(|e| within(e.destination, address)) else { return self.inside(None) };
        let eni = hop_eni(self.w, entry.next_hop).ok_or("next_hop_gone")?;
        self.arrives(eni, None)?;
        if own(self.w, eni).contains(&address) {
            return Ok(Place::Interface(eni.id));
        }
        if self.behind(eni) {
            return Ok(Place::Behind(eni.id));
        }
        self.leaves(eni)?;
        self.follow(Some(eni.id.into()), eni.vswitch, !cut_through(self.w, eni.id))
    }

    /// Into the other VPC of a connection, and no further.
    fn by_peer(&mut self, peer: VpcPeerId) -> Step<Place> {
        let peer = self.w.get::<VpcPeer>(&peer).unwrap();
        self.vpc = if self.vpc == peer.vpc { peer.accepting_vpc } else { peer.vpc };
        if within(block("100.64.0.0/10"), self.header.destination) {
            return Err("nobody_there");
        }
        self.inside(None)
    }

    /// By the DNAT entry of the address that has the port.
    fn forwarded(&mut self, gateway: NatGatewayId, eip: &Eip) -> Step<Place> {
        let h = self.header;
        for entry in self.w.table::<ForwardEntry>().iter().filter(|e| e.eip == eip.id) {
            let port = match (entry.external, entry.internal) {
                (Some(from), Some(to)) => (0..=from.last - from.first)
                    .find(|n| from.first + n == h.port && fits(entry, h.protocol))
                    .map(|n| to.first + n),
                _ => Some(h.port),
            };
            let own = has_eip(self.w, entry.address.into());
            let Some(port) = port.filter(|_| !own) else { continue };
            let private = (entry.address.into(), port);
            if !self.answer {
                self.came = Some((gateway, (h.destination, h.port), private));
            }
            (self.header.destination, self.header.port) = private;
            return self.inside(None);
        }
        Err("nat_not_forwarded")
    }

    /// Out by a NAT gateway.
    fn by_gateway(&mut self, gateway: NatGatewayId) -> Step<Place> {
        let h = self.header;
        if h.source.is_ipv6() || h.destination.is_ipv6() || !is_public(self.w, self.vpc, h.destination) {
            return Err("no_public_path");
        }
        if controlled(self.w, self.vpc) {
            let vswitch = self.w.get::<NatGateway>(&gateway).unwrap().vswitch;
            if !matches!(route(self.w, self.vpc, vswitch, h.destination), Some((NextHop::Ipv4Gateway(_), _)))
            {
                return Err("no_public_path");
            }
        }
        let came =
            self.came.filter(|(by, _, private)| (*by, *private) == (gateway, (h.source, h.source_port)));
        if let Some((_, public, _)) = came.filter(|_| self.answer) {
            (self.header.source, self.header.source_port) = public;
            return self.public();
        }
        let host = self.w.table::<ForwardEntry>().iter().find(|e| {
            e.gateway == gateway
                && e.external.is_none()
                && IpAddr::from(e.address) == h.source
                && !has_eip(self.w, h.source)
        });
        if let Some(entry) = host {
            self.header.source = self.w.get::<Eip>(&entry.eip).unwrap().address.into();
            return self.public();
        }
        let length = |block: Cidr| block.to_string().split_once('/').unwrap().1.parse::<u32>().unwrap();
        let source = |e: &SnatEntry| match e.source {
            SnatSource::VSwitch(id) => Cidr::from(self.w.get::<VSwitch>(&id).unwrap().block),
            SnatSource::Block(block) => block.into(),
        };
        let snat = self.w.table::<SnatEntry>().iter();
        let snat = snat.filter(|e| e.gateway == gateway && within(source(e), h.source));
        let Some(entry) = snat.max_by_key(|e| length(source(e))) else { return Err("no_public_path") };
        self.header.source = self.w.get::<Eip>(&entry.eips[0]).unwrap().address.into();
        self.left = Some((self.header.source, h.source));
        self.public()
    }

    /// To a public address: one of this world, or the internet.
    fn public(&mut self) -> Step<Place> {
        let address = self.header.destination;
        let known = self.w.table::<Eip>().iter().any(|eip| IpAddr::from(eip.address) == address);
        let known = known || self.balancer_at(address, true).is_some() || fixed_at(self.w, address).is_some();
        if known { self.outside_in() } else { Ok(Place::Internet) }
    }

    /// Whether the interface's own table leads a packet for outside of all vSwitches to the interface itself.
    pub fn behind(&self, eni: &Eni) -> bool {
        let address = self.header.destination;
        let hop = route(self.w, self.vpc, eni.vswitch, address);
        let itself = hop.and_then(|(hop, _)| hop_eni(self.w, hop)).is_some_and(|other| other.id == eni.id);
        itself && vswitch_of(self.w, self.vpc, address).is_none()
    }

    fn run(&mut self, from: Place) -> Step<Place> {
        let back = self.balanced.filter(|(eni, ..)| self.answer && from == Place::Interface(*eni));
        if let Some((_, client, _)) = back {
            self.header = reply(&client);
        }
        let address = self.header.destination;
        let mut sender: Option<AnyId> = None;
        let (vswitch, filtered) = match (from, back) {
            (_, Some((.., None))) => return self.public(),
            (_, Some((.., Some(home)))) => {
                self.vpc = home.vpc;
                sender = self.balancer_at(self.header.source, false).map(|balancer| balancer.id.into());
                (home.vswitch, false)
            }
            (Place::CloudService, _) => return self.inside(None),
            (Place::Internet, _) => return self.outside_in(),
            (Place::Resident(id), _) => {
                let resident = self.w.get::<Resident>(&id).unwrap();
                self.groups(from, &resident.groups, true)?;
                (resident.vswitch, false)
            }
            (Place::Interface(id) | Place::Behind(id), _) => {
                let eni = self.w.get::<Eni>(&id).unwrap();
                let stays = if own(self.w, eni).contains(&address) {
                    Some(Place::Interface(id))
                } else {
                    self.behind(eni).then_some(Place::Behind(id))
                };
                if let Some(place) = stays {
                    self.up(eni)?;
                    return Ok(place);
                }
                self.leaves(eni)?;
                sender = Some(id.into());
                (eni.vswitch, !cut_through(self.w, eni.id))
            }
        };
        self.follow(sender, vswitch, filtered)
    }

    /// Routes, until somebody takes the packet.
    pub fn follow(
        &mut self,
        mut sender: Option<AnyId>,
        mut vswitch: VSwitchId,
        mut filtered: bool,
    ) -> Step<Place> {
        let address = self.header.destination;
        for _ in 0..PATIENCE {
            let (hop, default) = match route(self.w, self.vpc, vswitch, address) {
                Some((hop, length)) => (Some(hop), length == 0 || gives_way(hop)),
                None => (None, true),
            };
            let hop = hop.map(|hop| self.by_nat(vswitch, hop));
            let mine = sender.and_then(|id| public_of(self.w, id, self.header.source));
            let first = default && is_public(self.w, self.vpc, address) && !controlled(self.w, self.vpc);
            if let (Some(public), true) = (mine, first) {
                if filtered && !acl_allows(self.w, vswitch, true, &self.header) {
                    return Err("network_acl_drop");
                }
                self.header.source = public;
                return self.public();
            }
            let next = match hop {
                None => None,
                Some(NextHop::Local) if within(block("100.64.0.0/10"), address) => None,
                Some(NextHop::Local) => vswitch_of(self.w, self.vpc, address),
                Some(NextHop::HaVip(id)) => self.w.get::<HaVip>(&id).map(|vip| vip.vswitch),
                Some(hop) => hop_eni(self.w, hop).map(|eni| eni.vswitch),
            };
            if filtered && next != Some(vswitch) && !acl_allows(self.w, vswitch, true, &self.header) {
                return Err("network_acl_drop");
            }
            let Some(hop) = hop else {
                return Err(if is_public(self.w, self.vpc, address) { "no_public_path" } else { "no_route" });
            };
            if hop == NextHop::Local {
                return self.inside(Some(vswitch));
            }
            match hop {
                NextHop::NatGateway(gateway) => return self.by_gateway(gateway),
                NextHop::Ipv4Gateway(_) | NextHop::Ipv6Gateway(_) => return self.by_internet_gateway(sender),
                NextHop::VpcPeer(peer) => return self.by_peer(peer),
                NextHop::RouterInterface(id) => return self.by_router(id),
                _ => {}
            }
            let lost = if matches!(hop, NextHop::HaVip(_)) { "ha_vip_unanswered" } else { "next_hop_gone" };
            let eni: &Eni = hop_eni(self.w, hop).ok_or(lost)?;
            self.arrives(eni, Some(vswitch))?;
            if own(self.w, eni).contains(&address) {
                return Ok(Place::Interface(eni.id));
            }
            if self.behind(eni) {
                return Ok(Place::Behind(eni.id));
            }
            self.leaves(eni)?;
            (vswitch, filtered, sender) = (eni.vswitch, !cut_through(self.w, eni.id), Some(eni.id.into()));
        }
        Err("loop")
    }
}

fn reply(h: &Header) -> Header {
    let (source, source_port, destination, port) = (h.destination, h.port, h.source, h.source_port);
    Header { protocol: h.protocol, source, source_port, destination, port }
}

/// What becomes of a packet of an interface and of its answer.
pub fn naive(w: &World, question: &Question) -> End {
    let vpc = match question.from {
        Place::Interface(id) | Place::Behind(id) => w.get::<Eni>(&id).unwrap().vpc,
        // From outside the VPC is not known before the packet is in it.
        _ => w.table::<Vpc>().iter().next().unwrap().id,
    };
    let (header, sessions) = (question.header, Vec::new());
    let (from, answer) = (question.from, false);
    let request = question.request.clone();
    let (left, came, went, crossed, balanced) = (None, None, None, 0, None);
    let mut follower =
        Follower { w, vpc, header, from, answer, sessions, left, came, went, crossed, balanced, request };
    let to = match follower.run(question.from) {
        Ok(to) => to,
        Err(word) => return (Leg::Forward, word, None),
    };
    // The answer is to the packet as it arrived.
    follower.answer = true;
    follower.request = None;
    follower.header = reply(&follower.header);
    match follower.run(to) {
        Ok(back) if back == question.from => {
            let (got, sent) = (follower.header, question.header);
            if (got.source, got.source_port) == (sent.destination, sent.port) {
                (Leg::Return, "delivered", Some(to))
            } else {
                (Leg::Return, "answer_foreign", None)
            }
        }
        Ok(back) => (Leg::Return, "answer_astray", Some(back)),
        Err(word) => (Leg::Return, word, None),
    }
}
