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
use crate::ecs::rule_filter::{PeerShape, RuleFilter, Shape, Sought};
use crate::ecs::security_group::{GroupKind, SecurityGroup};
use crate::ecs::security_group_rule::{
    Direction, Peer as RulePeer, Policy, Protocol, RuleOrder, RuleSpec, SecurityGroupRule, of_group,
};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{SecurityGroupId, SecurityGroupRuleId, VpcId};
use crate::world::World;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};

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

impl Packet {
    /// As rules of a direction look at it.
    #[inline]
    pub(crate) fn sought(&self, direction: Direction) -> Sought {
        let Packet { protocol, peer, own, peer_port, own_port } = *self;
        let (port, source_port) = match direction {
            Direction::Ingress => (own_port, peer_port),
            Direction::Egress => (peer_port, own_port),
        };
        Sought { protocol, port, source_port, peer, own }
    }
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
                    .given(digits)
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
            return match port {
                None => Ok((0, self.source_port(source_port)?)),
                Some(_) => invalid("port", "The protocol has no ports.", "neither port nor source_port"),
            };
        }
        match port {
            None => Err(Refusal::new(ErrorCode::MissingParameter)
                .field("port")
                .detail(format!(
                    "{} goes to a port.",
                    if self == PacketProtocol::Tcp { "tcp" } else { "udp" }
                ))
                .accepted("a destination port such as 443")),
            Some(0) => invalid("port", "0 was given.", "1 to 65535"),
            Some(port) => Ok((port, self.source_port(source_port)?)),
        }
    }

    /// The source port of a first packet: 0 where the protocol has none, and the first dynamic port (RFC 6335) if none was given.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidParameter`] for one where there is none and for port 0.
    pub fn source_port(self, given: Option<u16>) -> Outcome<u16> {
        let (detail, accepted) = match (given, self.has_ports()) {
            (None, true) => return Ok(FIRST_DYNAMIC_PORT),
            (None, false) => return Ok(0),
            (Some(1..), true) => return Ok(given.unwrap_or_default()),
            (Some(0), true) => ("0 was given.", "1 to 65535"),
            (Some(_), false) => ("The protocol has no ports.", "neither port nor source_port"),
        };
        Err(Refusal::new(ErrorCode::InvalidParameter).field("source_port").detail(detail).accepted(accepted))
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
            .given(text)
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

/// Which of [`ALWAYS_REACHED`] an address is.
#[inline]
pub(crate) fn always_reached(address: IpAddr) -> Option<usize> {
    let IpAddr::V4(address) = address else { return None };
    ALWAYS_REACHED.iter().position(|server| *server == address)
}

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
    let compiled = groups.iter().filter_map(|id| w.indexes().security_groups.compiled.get(id));
    evaluate_compiled(w, compiled, || eni_address::holder(w, vpc, packet.peer), direction, packet)
}

/// Like [`evaluate_groups`], for groups that were looked up. `holder` is asked at most once for the interface that holds the
/// other side's address in the VPC of the groups, in which those lie that their rules name.
#[inline]
pub(crate) fn evaluate_compiled<'w>(
    w: &'w World,
    groups: impl Iterator<Item = &'w Compiled>,
    holder: impl FnOnce() -> Option<&'w Eni>,
    direction: Direction,
    packet: &Packet,
) -> Verdict {
    if let Some(allowed) = platform(direction, packet) {
        return Verdict { allowed, decided_by: DecidedBy::Platform };
    }
    let mut peer = Peer { find: Some(holder), groups: &[] };
    let sought = packet.sought(direction);
    let (mut kind, mut first) = (None, None);
    for group in groups {
        kind = kind.or(Some(group.kind));
        if group.kind == GroupKind::Basic && group.inner_access && peer.groups().contains(&group.id) {
            return Verdict { allowed: true, decided_by: DecidedBy::InnerAccess(group.id) };
        }
        let rules = group.rules(w, direction);
        let peer_groups = if rules.filter.names_groups() { peer.groups() } else { &[] };
        let Some(found) = rules.filter.first(&sought, peer_groups).map(|at| &rules.places[at]) else {
            continue;
        };
        // The rules of a group stand in their order, so that its first one that fits stands for the group.
        first = Some(first.map_or(found, |first: &RuleOrder| first.min(found)));
    }
    if let Some(&(_, _, policy, rule)) = first {
        return Verdict { allowed: policy == Policy::Accept, decided_by: DecidedBy::Rule(rule) };
    }
    // An interface always has a group; one of a world that was loaded without its groups counts as basic.
    let kind = kind.unwrap_or(GroupKind::Basic);
    Verdict {
        allowed: direction == Direction::Egress && kind == GroupKind::Basic,
        decided_by: DecidedBy::Default(kind),
    }
}

/// The other side of a packet: the interface that holds its address is looked up if it matters.
struct Peer<'w, F> {
    find: Option<F>,
    groups: &'w [SecurityGroupId],
}

impl<'w, F: FnOnce() -> Option<&'w Eni>> Peer<'w, F> {
    fn groups(&mut self) -> &'w [SecurityGroupId] {
        if let Some(find) = self.find.take() {
            self.groups = find().map_or(&[], |eni| &eni.groups);
        }
        self.groups
    }
}

/// A group as sessions are judged by it: what of its row counts, and its rules once somebody has asked. The rules are a
/// memory of work done and no part of the derived state, so they are not shown.
#[derive(Clone)]
pub(crate) struct Compiled {
    id: SecurityGroupId,
    kind: GroupKind,
    inner_access: bool,
    ingress: OnceLock<Arc<Rules>>,
    egress: OnceLock<Arc<Rules>>,
}

/// The compiled rules of a direction.
struct Rules {
    filter: RuleFilter,
    /// Their places in the order of evaluation, in that order.
    places: Vec<RuleOrder>,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Compiled({})", self.id)
    }
}

impl Compiled {
    /// A group none of whose rules has been looked at.
    pub(crate) fn new(group: &SecurityGroup) -> Compiled {
        let SecurityGroup { id, kind, inner_access, .. } = *group;
        Compiled { id, kind, inner_access, ingress: OnceLock::new(), egress: OnceLock::new() }
    }

    /// Forgets the compiled rules, as one of them or a list that they name has changed.
    pub(crate) fn outdate(&mut self) {
        (self.ingress, self.egress) = (OnceLock::new(), OnceLock::new());
    }

    #[inline]
    fn rules(&self, w: &World, direction: Direction) -> &Rules {
        let slot = match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        };
        slot.get_or_init(|| Arc::new(Rules::compile(w, self.id, direction)))
    }
}

impl Rules {
    fn compile(w: &World, group: SecurityGroupId, direction: Direction) -> Rules {
        let rules: Vec<&SecurityGroupRule> =
            of_group(w, group).filter(|rule| rule.direction == direction).collect();
        let shapes: Vec<Shape> = rules.iter().map(|rule| shape(w, &rule.spec)).collect();
        Rules {
            filter: RuleFilter::compile(&shapes),
            places: rules.iter().map(|rule| rule.order()).collect(),
        }
    }
}

fn shape(w: &World, spec: &RuleSpec) -> Shape {
    let RuleSpec { protocol, ports, source_ports, own, .. } = *spec;
    let peer = match spec.peer {
        RulePeer::Block(block) => PeerShape::Blocks(vec![block]),
        RulePeer::Group(group) => PeerShape::Group(group),
        RulePeer::List(list) => {
            let entries = w.get::<PrefixList>(&list).into_iter().flat_map(|list| &list.entries);
            PeerShape::Blocks(entries.map(|entry| entry.cidr).collect())
        }
    };
    Shape { protocol, ports, source_ports, peer, own }
}

/// What the platform says whatever the groups say: DHCP, DNS and metadata pass, and mail to port 25 does not.
#[inline]
fn platform(direction: Direction, packet: &Packet) -> Option<bool> {
    let (udp, tcp) = (packet.protocol == PacketProtocol::Udp, packet.protocol == PacketProtocol::Tcp);
    let dhcp = udp && matches!((packet.own_port, packet.peer_port), (68, 67) | (546, 547));
    let outbound = direction == Direction::Egress;
    if dhcp || (outbound && always_reached(packet.peer).is_some()) {
        return Some(true);
    }
    (outbound && tcp && packet.peer_port == 25).then_some(false)
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
