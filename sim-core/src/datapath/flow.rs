//! A flow: the first packet of a session, as a trace is asked about it.

use super::hop::Place;
use super::member;
use super::request::Request;
use crate::access::Caller;
use crate::cidr::{Cidr4, reserved};
use crate::ecs::eni::Eni;
use crate::ecs::group_filter::{Packet, PacketProtocol, parse_address};
use crate::ecs::security_group_rule::Direction;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::EniId;
use crate::world::World;
use std::net::{IpAddr, SocketAddr};

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An interface. Without an address its first one of the destination's family counts; an address that it neither holds
    /// nor answers for as the master of a HaVip is that of something behind its instance, such as a pod.
    Interface(EniId, Option<IpAddr>),
    /// A host on the internet.
    Outside(IpAddr),
}

/// The first packet of a session as a caller describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Who sends.
    pub source: Source,
    /// The protocol.
    pub protocol: PacketProtocol,
    /// The source port, for TCP and UDP; the first dynamic one, 49152, if absent.
    pub source_port: Option<u16>,
    /// Where to.
    pub destination: IpAddr,
    /// The destination port, for TCP and UDP.
    pub port: Option<u16>,
    /// What is asked for over HTTP on the connection, for TCP. Without it no forwarding rule is asked.
    pub request: Option<Request>,
}

/// Where a flow goes, as `10.0.2.9:80/tcp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub address: IpAddr,
    /// The port, if one is given.
    pub port: Option<u16>,
    /// The protocol; TCP if none is given.
    pub protocol: PacketProtocol,
}

impl Target {
    /// Reads `10.0.2.9:80/tcp`, `[2001:db8::9]:53/udp`, `10.0.2.9/icmp` and, with TCP meant, `10.0.2.9:80`.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidParameter`], [`ErrorCode::AddressMalformed`]; [`ErrorCode::MissingParameter`] for an IPv6 address
    /// without brackets by a protocol with ports: what looks like a port there is of the address.
    pub fn parse(text: &str, field: &str) -> Outcome<Target> {
        let (host, protocol) = match text.rsplit_once('/') {
            Some((host, protocol)) => (host, PacketProtocol::parse(protocol)?),
            None => (text, PacketProtocol::Tcp),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let (address, port) = match host.parse::<SocketAddr>() {
            Ok(both) => (both.ip(), Some(both.port())),
            Err(_) => (parse_address(bare, field).map_err(|e| e.accepted(TARGET_FORM))?, None),
        };
        if port.is_none() && protocol.has_ports() && address.is_ipv6() && bare == host {
            return Err(Refusal::new(ErrorCode::MissingParameter)
                .field(field)
                .detail(format!("{host} is an IPv6 address without a port."))
                .accepted("[ADDRESS]:PORT, such as [2001:db8::9]:443"));
        }
        Ok(Target { address, port, protocol })
    }
}

/// How a target is written.
const TARGET_FORM: &str = "ADDRESS:PORT/PROTOCOL, such as 10.0.2.9:80/tcp, or 10.0.2.9/icmp";

/// The header of a packet as it is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The protocol.
    pub protocol: PacketProtocol,
    /// Where from.
    pub source: IpAddr,
    /// 0 where the protocol has no ports.
    pub source_port: u16,
    /// Where to.
    pub destination: IpAddr,
    /// 0 where the protocol has no ports.
    pub port: u16,
}

impl Header {
    /// The header of the answer.
    #[must_use]
    #[inline]
    pub fn reply(&self) -> Header {
        Header {
            protocol: self.protocol,
            source: self.destination,
            source_port: self.port,
            destination: self.source,
            port: self.source_port,
        }
    }

    /// The packet as a member sees it that receives (`Ingress`) or sends it.
    #[inline]
    pub fn seen(&self, direction: Direction) -> Packet {
        let protocol = self.protocol;
        match direction {
            Direction::Ingress => Packet {
                protocol,
                peer: self.source,
                own: self.destination,
                peer_port: self.source_port,
                own_port: self.port,
            },
            Direction::Egress => Packet {
                protocol,
                peer: self.destination,
                own: self.source,
                peer_port: self.port,
                own_port: self.source_port,
            },
        }
    }
}

/// A flow whose form is right and whose sender exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Where the packet starts.
    pub from: Place,
    /// Its header.
    pub header: Header,
    /// What is asked for over HTTP on the connection.
    pub request: Option<Request>,
}

impl Flow {
    /// Checks the form and finds the sender.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidParameter`] for addresses of two families, a destination or an outside source that no single
    /// host has, ICMP of the other family, ports where there are none, a request over another protocol than TCP;
    /// [`ErrorCode::MissingParameter`] without a destination port; [`ErrorCode::EniNotFound`]; an interface without an address
    /// of the destination's family.
    pub fn resolve(&self, w: &World, caller: &Caller) -> Outcome<Question> {
        check_host(self.destination, "destination")?;
        let (port, source_port) = self.protocol.ports(self.port, self.source_port)?;
        let (from, source) = match self.source {
            Source::Outside(source) => {
                check_host(source, "source_address")?;
                check_family(source, self.destination)?;
                if !is_public(source) {
                    return Err(Refusal::new(ErrorCode::InvalidParameter)
                        .field("source_address")
                        .detail(format!("{source} is no address of the internet."))
                        .accepted("a public address, or a network interface beside it"));
                }
                (Place::Internet, source)
            }
            Source::Interface(id, address) => {
                let eni = w.visible::<Eni>(caller, id)?;
                let source = address.map_or_else(|| first_address(eni, self.destination), Ok)?;
                check_host(source, "source_address")?;
                check_family(source, self.destination)?;
                (if member::has(w, eni, source) { Place::Interface(id) } else { Place::Behind(id) }, source)
            }
        };
        self.check_icmp()?;
        self.check_request()?;
        let (protocol, destination, request) = (self.protocol, self.destination, self.request.clone());
        Ok(Question { from, header: Header { protocol, source, source_port, destination, port }, request })
    }

    fn check_request(&self) -> Outcome<()> {
        if self.request.is_none() || self.protocol == PacketProtocol::Tcp {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::InvalidParameter)
            .field("request")
            .detail("Only TCP carries a request.")
            .accepted("the protocol tcp with it"))
    }

    fn check_icmp(&self) -> Outcome<()> {
        if goes_by(self.protocol, self.destination.is_ipv4()) {
            return Ok(());
        }
        let (wrong, right) = match self.protocol {
            PacketProtocol::Icmp => ("icmp", "icmpv6"),
            _ => ("icmpv6", "icmp"),
        };
        Err(Refusal::new(ErrorCode::InvalidParameter)
            .field("protocol")
            .detail(format!("{wrong} does not go to {}.", self.destination))
            .accepted(right))
    }
}

/// Whether a protocol goes by a family of addresses: ICMP for IPv4 and for IPv6 are two.
pub(super) const fn goes_by(protocol: PacketProtocol, v4: bool) -> bool {
    match protocol {
        PacketProtocol::Icmp => v4,
        PacketProtocol::Icmpv6 => !v4,
        _ => true,
    }
}

fn first_address(eni: &Eni, destination: IpAddr) -> Outcome<IpAddr> {
    match destination {
        IpAddr::V4(_) => Ok(eni.primary_ip.into()),
        IpAddr::V6(_) => eni.ipv6.first().map(|&address| address.into()).ok_or_else(|| {
            Refusal::new(ErrorCode::InvalidParameter)
                .field("destination")
                .detail(format!("{} holds no IPv6 address.", eni.id))
                .accepted("an IPv4 address")
        }),
    }
}

/// One host can have the address: it is no network, no group of hosts and not the sender's own machine.
fn check_host(address: IpAddr, field: &str) -> Outcome<()> {
    let broadcast = address == IpAddr::from(std::net::Ipv4Addr::BROADCAST);
    if address.is_unspecified() || address.is_multicast() || address.is_loopback() || broadcast {
        return Err(Refusal::new(ErrorCode::InvalidParameter)
            .field(field)
            .detail(format!("{address} is no address of one host."))
            .accepted("an address such as 10.0.1.10"));
    }
    Ok(())
}

fn check_family(source: IpAddr, destination: IpAddr) -> Outcome<()> {
    if source.is_ipv4() == destination.is_ipv4() {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::InvalidParameter)
        .field("source_address")
        .detail(format!("{source} and {destination} are of two families."))
        .accepted("an address of the destination's family"))
}

/// Whether an address belongs to the internet: it is in no range with a purpose of its own.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let host = Cidr4::host(v4);
            !reserved::SPECIAL_RANGES.iter().any(|range| range.block.contains(host))
        }
        // Global unicast addresses, RFC 4291 and the IANA registry.
        IpAddr::V6(v6) => v6.segments()[0] >> 13 == 1,
    }
}
