//! What the security groups of an interface make of a new session, and why.
//!
//! The order of the checks (provider documentation: security groups, 2026; ModifySecurityGroupPolicy agrees):
//!
//! | step | decides | example |
//! |---|---|---|
//! | 1 | platform | DNS at 100.100.2.136 is let through whatever the rules say |
//! | 2 | a shared basic group whose members reach each other | outranks even a drop rule of priority 1 |
//! | 3 | the rules of all groups merged: priority, then drop before accept | accept 1, drop 2, drop 1: drop 1 decides |
//! | 4 | the default of the kind | basic: in no, out yes; enterprise: in no, out no |
//!
//! Sessions that are established are not judged again; that belongs to whoever follows sessions.

use crate::ecs::eni::Eni;
use crate::ecs::eni_address;
use crate::ecs::prefix_list::PrefixList;
use crate::ecs::security_group::{GroupKind, SecurityGroup};
use crate::ecs::security_group_rule::{
    Direction, Peer, Policy, PortRange, Protocol, RuleSpec, SecurityGroupRule, of_group,
};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{SecurityGroupId, SecurityGroupRuleId, VpcId};
use crate::world::World;
use std::net::{IpAddr, Ipv4Addr};

/// The source port of a session that is not told one: the first dynamic port (RFC 6335).
pub(crate) const FIRST_DYNAMIC_PORT: u16 = 49_152;

/// The protocol of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP of IPv4.
    Icmp,
    /// ICMP of IPv6.
    Icmpv6,
    /// Generic routing encapsulation.
    Gre,
    /// Any other protocol, by its IANA number.
    Other(u8),
}

/// The first packet of a session as the member sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The protocol.
    pub protocol: PacketProtocol,
    /// The other side's address.
    pub peer: IpAddr,
    /// The member's address.
    pub own: IpAddr,
    /// The other side's port; 0 where the protocol has none.
    pub peer_port: u16,
    /// The member's port; 0 where the protocol has none.
    pub own_port: u16,
}

impl PacketProtocol {
    /// Reads a protocol's name or IANA number.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidParameter`].
    pub fn parse(text: &str) -> Outcome<PacketProtocol> {
        let number = match text {
            "tcp" => 6,
            "udp" => 17,
            "icmp" => 1,
            "icmpv6" => 58,
            "gre" => 47,
            digits => digits.parse::<u8>().map_err(|_| {
                Refusal::new(ErrorCode::InvalidParameter)
                    .field("protocol")
                    .detail(format!("{:?} was given.", digits.chars().take(64).collect::<String>()))
                    .accepted("tcp, udp, icmp, icmpv6, gre or a number from 0 to 255")
            })?,
        };
        Ok(match number {
            6 => PacketProtocol::Tcp,
            17 => PacketProtocol::Udp,
            1 => PacketProtocol::Icmp,
            58 => PacketProtocol::Icmpv6,
            47 => PacketProtocol::Gre,
            other => PacketProtocol::Other(other),
        })
    }

    /// Whether it has ports.
    pub const fn has_ports(self) -> bool {
        matches!(self, PacketProtocol::Tcp | PacketProtocol::Udp)
    }

    /// The destination and source port of a first packet: 0 where the protocol has none, and the first dynamic port
    /// (RFC 6335) for a source port that was not given.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidParameter`] for ports where there are none and for port 0; [`ErrorCode::MissingParameter`]
    /// without a destination port.
    pub fn ports(self, port: Option<u16>, source_port: Option<u16>) -> Outcome<(u16, u16)> {
        let invalid = |field: &str, detail: &str, accepted: &str| {
            Err(Refusal::new(ErrorCode::InvalidParameter).field(field).detail(detail).accepted(accepted))
        };
        if !self.has_ports() {
            return match (port, source_port) {
                (None, None) => Ok((0, 0)),
                (Some(_), _) => invalid("port", "The protocol has no ports.", "neither port nor source_port"),
                _ => invalid("source_port", "The protocol has no ports.", "neither port nor source_port"),
            };
        }
        let port = port.ok_or_else(|| {
            Refusal::new(ErrorCode::MissingParameter).field("port").accepted("a destination port such as 443")
        })?;
        let source_port = source_port.unwrap_or(FIRST_DYNAMIC_PORT);
        match (port, source_port) {
            (0, _) => invalid("port", "0 was given.", "1 to 65535"),
            (_, 0) => invalid("source_port", "0 was given.", "1 to 65535"),
            both => Ok(both),
        }
    }
}

/// Reads an address of either family as a caller writes it.
///
/// # Errors
/// [`ErrorCode::AddressMalformed`].
pub fn parse_address(text: &str, field: &str) -> Outcome<IpAddr> {
    text.parse().map_err(|_| {
        Refusal::new(ErrorCode::AddressMalformed)
            .field(field)
            .detail(format!("{:?} was given.", text.chars().take(64).collect::<String>()))
            .accepted("an address such as 10.0.1.10")
    })
}

/// A new session of an interface as a caller describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Which way it goes.
    pub direction: Direction,
    /// Its protocol.
    pub protocol: PacketProtocol,
    /// The other side's address.
    pub peer: IpAddr,
    /// The interface's address; its first one of the peer's family if absent.
    pub own: Option<IpAddr>,
    /// The destination port, for TCP and UDP.
    pub port: Option<u16>,
    /// The source port, for TCP and UDP; the first dynamic one (RFC 6335) if absent.
    pub source_port: Option<u16>,
}

impl Session {
    /// The first packet of the session as the interface sees it.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidParameter`] for an address that the interface does not hold or of another family than the
    /// peer's, and for ports where there are none; [`ErrorCode::MissingParameter`] without a destination port.
    pub fn first_packet(&self, eni: &Eni) -> Outcome<Packet> {
        let first = match self.peer {
            IpAddr::V4(_) => Some(IpAddr::from(eni.primary_ip)),
            IpAddr::V6(_) => eni.ipv6.first().map(|&address| address.into()),
        };
        let own = self.own.or(first).filter(|&own| eni.holds(own) && own.is_ipv4() == self.peer.is_ipv4());
        let own = own.ok_or_else(|| {
            let refusal = Refusal::new(ErrorCode::InvalidParameter)
                .field("own_address")
                .detail(format!("{} holds no such address of the peer's family.", eni.id));
            refusal.accepted(first.unwrap_or(eni.primary_ip.into()).to_string())
        })?;
        let (port, source) = self.protocol.ports(self.port, self.source_port)?;
        let (peer_port, own_port) = match self.direction {
            Direction::Ingress => (source, port),
            Direction::Egress => (port, source),
        };
        Ok(Packet { protocol: self.protocol, peer: self.peer, own, peer_port, own_port })
    }
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecidedBy {
    /// The platform: flows that it always lets through, and those that it always drops.
    Platform,
    /// A basic group that both sides belong to and whose members reach each other.
    InnerAccess(SecurityGroupId),
    /// A rule.
    Rule(SecurityGroupRuleId),
    /// No rule fitted: what the kind of group does then.
    Default(GroupKind),
}

/// What becomes of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is let through.
    pub allowed: bool,
    /// What decided.
    pub decided_by: DecidedBy,
}

/// The provider's DNS servers and its metadata server, which instances always reach (provider documentation: network
/// ACL, 2026, names them; for groups they are taken over).
pub const ALWAYS_REACHED: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 2, 136), Ipv4Addr::new(100, 100, 2, 138), Ipv4Addr::new(100, 100, 100, 200)];

/// Judges a new session of an interface.
pub fn evaluate(w: &World, eni: &Eni, direction: Direction, packet: &Packet) -> Verdict {
    evaluate_groups(w, eni.vpc, &eni.groups, direction, packet)
}

/// Judges a new session of a member of these groups, whatever the member is.
pub fn evaluate_groups(
    w: &World,
    vpc: VpcId,
    groups: &[SecurityGroupId],
    direction: Direction,
    packet: &Packet,
) -> Verdict {
    if let Some(allowed) = platform(direction, packet) {
        return Verdict { allowed, decided_by: DecidedBy::Platform };
    }
    // The groups of a member and those that their rules name lie in its VPC, where one interface holds an address.
    let peer = eni_address::holder(w, vpc, packet.peer);
    let rows = || groups.iter().filter_map(|id| w.get::<SecurityGroup>(id));
    let shared = |group: &SecurityGroup| peer.is_some_and(|peer| peer.groups.contains(&group.id));
    if let Some(group) = rows().find(|g| g.kind == GroupKind::Basic && g.inner_access && shared(g)) {
        return Verdict { allowed: true, decided_by: DecidedBy::InnerAccess(group.id) };
    }
    if let Some(rule) = first_match(w, groups, direction, packet, peer) {
        return Verdict { allowed: rule.spec.policy == Policy::Accept, decided_by: DecidedBy::Rule(rule.id) };
    }
    // An interface always has a group; one of a world that was loaded without its groups counts as basic.
    let kind = rows().next().map_or(GroupKind::Basic, |group| group.kind);
    Verdict {
        allowed: direction == Direction::Egress && kind == GroupKind::Basic,
        decided_by: DecidedBy::Default(kind),
    }
}

/// What the platform says whatever the groups say: DHCP, DNS and metadata pass, and mail to port 25 does not.
fn platform(direction: Direction, packet: &Packet) -> Option<bool> {
    let (udp, tcp) = (packet.protocol == PacketProtocol::Udp, packet.protocol == PacketProtocol::Tcp);
    let dhcp = udp && matches!((packet.own_port, packet.peer_port), (68, 67) | (546, 547));
    let outbound = direction == Direction::Egress;
    if dhcp || (outbound && ALWAYS_REACHED.iter().any(|&address| packet.peer == address)) {
        return Some(true);
    }
    (outbound && tcp && packet.peer_port == 25).then_some(false)
}

/// The rule that decides: of all groups' rules that fit, the one with the lowest priority, drop before accept, oldest
/// first. The rules of a group come in that order, so that its first one that fits stands for the group.
fn first_match<'w>(
    w: &'w World,
    groups: &[SecurityGroupId],
    direction: Direction,
    packet: &Packet,
    peer: Option<&Eni>,
) -> Option<&'w SecurityGroupRule> {
    let of_direction = |group: &SecurityGroupId| {
        let rules = of_group(w, *group).skip_while(move |rule| rule.direction != direction);
        rules.take_while(move |rule| rule.direction == direction)
    };
    let first = |group| of_direction(group).find(|rule| fits(w, &rule.spec, direction, packet, peer));
    groups.iter().filter_map(first).min_by_key(|rule| rule.order())
}

/// Whether a rule fits a session with `peer`, the interface that holds the other side's address, if one does.
fn fits(w: &World, spec: &RuleSpec, direction: Direction, packet: &Packet, peer: Option<&Eni>) -> bool {
    let (source_port, dest_port) = match direction {
        Direction::Ingress => (packet.peer_port, packet.own_port),
        Direction::Egress => (packet.own_port, packet.peer_port),
    };
    let within =
        |range: Option<PortRange>, port: u16| range.is_none_or(|r| (r.first..=r.last).contains(&port));
    fits_protocol(spec.protocol, packet.protocol)
        && within(spec.ports, dest_port)
        && within(spec.source_ports, source_port)
        && spec.own.is_none_or(|own| own.contains_address(packet.own))
        && match spec.peer {
            Peer::Block(block) => block.contains_address(packet.peer),
            Peer::Group(group) => peer.is_some_and(|peer| peer.groups.contains(&group)),
            Peer::List(list) => w
                .get::<PrefixList>(&list)
                .is_some_and(|list| list.entries.iter().any(|e| e.cidr.contains_address(packet.peer))),
        }
}

/// Whether a rule for `wanted` fits a packet of this protocol.
pub(crate) fn fits_protocol(wanted: Protocol, protocol: PacketProtocol) -> bool {
    match wanted {
        Protocol::All => true,
        Protocol::Tcp => protocol == PacketProtocol::Tcp,
        Protocol::Udp => protocol == PacketProtocol::Udp,
        Protocol::Icmp => protocol == PacketProtocol::Icmp,
        Protocol::Icmpv6 => protocol == PacketProtocol::Icmpv6,
        Protocol::Gre => protocol == PacketProtocol::Gre,
    }
}
