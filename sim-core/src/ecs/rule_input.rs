//! Rules as callers write them: texts read into the fields of a rule, and the rules of form that hold whatever the
//! state is.

use crate::cidr::Cidr;
use crate::ecs::security_group_rule::{Direction, Peer, Policy, PortRange, Protocol, RuleSpec};
use crate::error::{ErrorCode, Outcome, Refusal, beginning};
use crate::id::{Id, PrefixListId, SecurityGroupId};
use crate::name::TextRule;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// The rule for a rule's description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 1,
    max: 512,
    letter_first: false,
    field: "description",
    error: ErrorCode::RuleDescriptionMalformed,
};

/// The texts of a rule. The peer is the source of an inbound and the destination of an outbound rule; "own" is the
/// member's side. Of several peers a block beats a group, and either beats a prefix list, as at the provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct RuleTexts<'a> {
    /// The protocol, whatever the case.
    pub protocol: Option<&'a str>,
    /// Destination ports: `first/last`, or `-1/-1`.
    pub port_range: Option<&'a str>,
    /// A port list, which counts where no ports are given. There are none to name.
    pub port_list: Option<&'a str>,
    /// Source ports: `first/last`, or `-1/-1`.
    pub source_port_range: Option<&'a str>,
    /// `accept` or `drop`, whatever the case.
    pub policy: Option<&'a str>,
    /// 1 to 100.
    pub priority: Option<&'a str>,
    /// `intranet`; `internet` belonged to the classic network.
    pub nic_type: Option<&'a str>,
    /// The peer as an IPv4 block or address.
    pub peer_cidr: Option<&'a str>,
    /// The peer as an IPv6 block or address.
    pub peer_ipv6_cidr: Option<&'a str>,
    /// The peer as a security group.
    pub peer_group: Option<&'a str>,
    /// The peer as a prefix list.
    pub peer_list: Option<&'a str>,
    /// The member's side as an IPv4 block or address.
    pub own_cidr: Option<&'a str>,
    /// The member's side as an IPv6 block or address.
    pub own_ipv6_cidr: Option<&'a str>,
    /// Any text.
    pub description: Option<&'a str>,
}

/// Fields of a rule; absent ones were not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFields {
    /// The protocol.
    pub protocol: Option<Protocol>,
    /// The destination ports; `Some(None)` is `-1/-1`.
    pub ports: Option<Option<PortRange>>,
    /// The source ports; `Some(None)` is `-1/-1`.
    pub source_ports: Option<Option<PortRange>>,
    /// What becomes of the session.
    pub policy: Option<Policy>,
    /// The priority.
    pub priority: Option<u8>,
    /// The peer, and whether it was written as an address without a mask.
    pub peer: Option<(Peer, bool)>,
    /// The member's side, and whether it was written as an address without a mask.
    pub own: Option<(Cidr, bool)>,
    /// The description.
    pub description: Option<CompactString>,
}

/// A whole rule as a caller gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleInput {
    /// What it fits and does.
    pub spec: RuleSpec,
    /// Whether the peer was written as an address without a mask.
    pub peer_as_address: bool,
    /// Whether the member's side was written as an address without a mask.
    pub own_as_address: bool,
    /// Its description; empty if it has none.
    pub description: CompactString,
}

/// The errors of one side of a rule.
struct Side {
    malformed4: ErrorCode,
    malformed6: ErrorCode,
    ambiguous: ErrorCode,
}

const SOURCE: Side = Side {
    malformed4: ErrorCode::RuleSourceCidrMalformed,
    malformed6: ErrorCode::RuleSourceIpv6Malformed,
    ambiguous: ErrorCode::RuleSourceAmbiguous,
};
const DEST: Side = Side {
    malformed4: ErrorCode::RuleDestCidrMalformed,
    malformed6: ErrorCode::RuleDestIpv6Malformed,
    ambiguous: ErrorCode::RuleDestAmbiguous,
};

impl RuleTexts<'_> {
    /// Reads the fields that are given.
    ///
    /// # Errors
    /// The first text that does not read; an id that is none counts as one that does not exist.
    pub fn read(&self, direction: Direction) -> Outcome<RuleFields> {
        let (peer_side, own_side) = match direction {
            Direction::Ingress => (SOURCE, DEST),
            Direction::Egress => (DEST, SOURCE),
        };
        self.nic_type.map(check_nic_type).transpose()?;
        if let (None, Some(list)) = (self.port_range, self.port_list) {
            let refusal = Refusal::new(ErrorCode::PortListNotFound).field("port_range");
            return Err(refusal
                .detail(format!("{:?} was given.", beginning(list)))
                .accepted("ports such as 80/80"));
        }
        let ports = |code, field| move |text| read_ports(text, code, field);
        Ok(RuleFields {
            protocol: self.protocol.map(Protocol::parse).transpose()?,
            ports: self.port_range.map(ports(ErrorCode::RulePortRangeMalformed, "port_range")).transpose()?,
            source_ports: self
                .source_port_range
                .map(ports(ErrorCode::RuleSourcePortRangeMalformed, "source_port_range"))
                .transpose()?,
            policy: self.policy.map(Policy::parse).transpose()?,
            priority: self.priority.map(read_priority).transpose()?,
            peer: self.read_peer(direction, &peer_side)?,
            own: read_side(self.own_cidr, self.own_ipv6_cidr, &own_side, "own")?,
            description: self.description.map(|text| DESCRIPTION.check(Some(text))).transpose()?,
        })
    }

    fn read_peer(&self, direction: Direction, side: &Side) -> Outcome<Option<(Peer, bool)>> {
        if let Some((block, bare)) = read_side(self.peer_cidr, self.peer_ipv6_cidr, side, "peer")? {
            return Ok(Some((Peer::Block(block), bare)));
        }
        if let Some(text) = self.peer_group {
            let id =
                text.parse::<SecurityGroupId>().map_err(|e| unknown_group(direction, format!("{e}.")))?;
            return Ok(Some((Peer::Group(id), false)));
        }
        let Some(text) = self.peer_list else { return Ok(None) };
        let id = text.parse::<PrefixListId>().map_err(|e| {
            Refusal::new(PrefixListId::NOT_FOUND).field("peer_prefix_list_id").detail(format!("{e}."))
        })?;
        Ok(Some((Peer::List(id), false)))
    }
}

/// Reads whole rules of one direction.
///
/// # Errors
/// Those of [`RuleTexts::read`] and [`RuleFields::complete`], with the number of the rule in the field's name.
pub fn read_rules(direction: Direction, rules: &[RuleTexts<'_>]) -> Outcome<Vec<RuleInput>> {
    let read = |(at, texts): (usize, &RuleTexts<'_>)| {
        texts
            .read(direction)
            .and_then(|fields| fields.complete(direction))
            .map_err(|refusal| at_rule(refusal, at))
    };
    rules.iter().enumerate().map(read).collect()
}

/// Names the rule at fault in a list of them.
pub(crate) fn at_rule(refusal: Refusal, at: usize) -> Refusal {
    match refusal.details().field.clone() {
        Some(field) => refusal.field(format!("rules/{at}/{field}")),
        None => refusal,
    }
}

impl RuleFields {
    /// The whole rule that the fields make: accept and priority 1 if they do not say.
    ///
    /// # Errors
    /// [`ErrorCode::RuleProtocolInvalid`], [`ErrorCode::RulePortRangeMissing`], [`ErrorCode::RuleSourceMissing`] or
    /// [`ErrorCode::RuleDestMissing`] for what must be there and is not.
    pub fn complete(self, direction: Direction) -> Outcome<RuleInput> {
        let protocol = self.protocol.ok_or_else(|| {
            Refusal::new(ErrorCode::RuleProtocolInvalid)
                .field("protocol")
                .detail("None was given.")
                .accepted("tcp")
        })?;
        let ports = self.ports.ok_or_else(|| {
            let passes = if protocol.has_ports() { "80/80" } else { "-1/-1" };
            Refusal::new(ErrorCode::RulePortRangeMissing).field("port_range").accepted(passes)
        })?;
        let (peer, peer_as_address) = self.peer.ok_or_else(|| {
            let code = match direction {
                Direction::Ingress => ErrorCode::RuleSourceMissing,
                Direction::Egress => ErrorCode::RuleDestMissing,
            };
            Refusal::new(code).field("peer_cidr").accepted("a block such as 10.0.0.0/16")
        })?;
        let spec = RuleSpec {
            protocol,
            ports,
            source_ports: self.source_ports.flatten(),
            policy: self.policy.unwrap_or(Policy::Accept),
            priority: self.priority.unwrap_or(1),
            peer,
            own: self.own.map(|(block, _)| block),
        };
        let own_as_address = self.own.is_some_and(|(_, bare)| bare);
        Ok(RuleInput {
            spec,
            peer_as_address,
            own_as_address,
            description: self.description.unwrap_or_default(),
        })
    }
}

impl Protocol {
    const WORDS: [(Protocol, &'static str); 6] = [
        (Protocol::Tcp, "tcp"),
        (Protocol::Udp, "udp"),
        (Protocol::Icmp, "icmp"),
        (Protocol::Icmpv6, "icmpv6"),
        (Protocol::Gre, "gre"),
        (Protocol::All, "all"),
    ];

    /// Whether it has ports.
    pub const fn has_ports(self) -> bool {
        matches!(self, Protocol::Tcp | Protocol::Udp)
    }

    /// The word in lower case.
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize].1
    }

    /// Reads the word, whatever the case.
    ///
    /// # Errors
    /// [`ErrorCode::RuleProtocolInvalid`].
    pub fn parse(text: &str) -> Outcome<Protocol> {
        let word = Self::WORDS.iter().find(|(_, word)| word.eq_ignore_ascii_case(text));
        word.map(|(protocol, _)| *protocol).ok_or_else(|| {
            Refusal::new(ErrorCode::RuleProtocolInvalid)
                .field("protocol")
                .detail(format!("{:?} was given.", beginning(text)))
                .accepted("tcp, udp, icmp, icmpv6, gre or all")
        })
    }
}

impl Policy {
    /// The word in lower case.
    pub const fn word(self) -> &'static str {
        match self {
            Policy::Accept => "accept",
            Policy::Drop => "drop",
        }
    }

    /// Reads the word, whatever the case.
    ///
    /// # Errors
    /// [`ErrorCode::RulePolicyInvalid`].
    pub fn parse(text: &str) -> Outcome<Policy> {
        let known = [Policy::Accept, Policy::Drop]
            .into_iter()
            .find(|policy| policy.word().eq_ignore_ascii_case(text));
        known.ok_or_else(|| {
            Refusal::new(ErrorCode::RulePolicyInvalid)
                .field("policy")
                .detail(format!("{:?} was given.", beginning(text)))
                .accepted("accept or drop")
        })
    }
}

/// Ports as the provider writes them: `first/last`, or `-1/-1` for none.
pub fn ports_text(ports: Option<PortRange>) -> String {
    ports.map_or_else(|| "-1/-1".to_owned(), |range| format!("{}/{}", range.first, range.last))
}

/// Reads ports as the provider writes them: `first/last` from 1 to 65535, or `-1/-1` for none.
///
/// # Errors
/// `code` at `field`.
pub(crate) fn read_ports(text: &str, code: ErrorCode, field: &str) -> Outcome<Option<PortRange>> {
    if text == "-1/-1" {
        return Ok(None);
    }
    let port = |text: &str| {
        text.parse::<u16>().ok().filter(|&port| port > 0 && text.bytes().all(|b| b.is_ascii_digit()))
    };
    let range = text
        .split_once('/')
        .and_then(|(first, last)| Some(PortRange { first: port(first)?, last: port(last)? }));
    range.filter(|range| range.first <= range.last).map(Some).ok_or_else(|| {
        let passes =
            port(text).map_or_else(|| "80/80, 1/65535 or -1/-1".to_owned(), |port| format!("{port}/{port}"));
        Refusal::new(code).field(field).detail(format!("{:?} was given.", beginning(text))).accepted(passes)
    })
}

fn read_priority(text: &str) -> Outcome<u8> {
    let number = text.parse::<u8>().ok().filter(|number| (1..=100).contains(number));
    number.ok_or_else(|| priority_refused(beginning(text)))
}

fn priority_refused(given: &str) -> Refusal {
    Refusal::new(ErrorCode::RulePriorityInvalid)
        .field("priority")
        .detail(format!("{given} was given."))
        .accepted("1 to 100")
}

fn check_nic_type(text: &str) -> Outcome<()> {
    let code = match text {
        "intranet" => return Ok(()),
        "internet" => ErrorCode::RuleNicTypeMismatch,
        _ => ErrorCode::RuleNicTypeInvalid,
    };
    Err(Refusal::new(code)
        .field("nic_type")
        .detail(format!("{:?} was given.", beginning(text)))
        .accepted("intranet"))
}

fn read_side(v4: Option<&str>, v6: Option<&str>, side: &Side, name: &str) -> Outcome<Option<(Cidr, bool)>> {
    let (text, code, field, is_v4) = match (v4, v6) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(Refusal::new(side.ambiguous)
                .field(format!("{name}_ipv6_cidr"))
                .accepted("one of the two"));
        }
        (Some(text), None) => (text, side.malformed4, format!("{name}_cidr"), true),
        (None, Some(text)) => (text, side.malformed6, format!("{name}_ipv6_cidr"), false),
    };
    let example = if is_v4 { "10.0.0.0/16" } else { "2001:db8::/32" };
    let block = Cidr::parse_or_host(text).map_err(|e| {
        let accepted =
            e.suggestion.map_or_else(|| format!("a block such as {example}"), |block| block.to_string());
        Refusal::new(code).field(field.clone()).detail(format!("{e}.")).accepted(accepted)
    })?;
    if block.is_v4() != is_v4 {
        let detail = format!("{block} is of the other address family.");
        return Err(Refusal::new(code)
            .field(field)
            .detail(detail)
            .accepted(format!("a block such as {example}")));
    }
    Ok(Some((block, !text.contains('/'))))
}

/// The refusal that says that the peer is no group.
pub(crate) fn unknown_group(direction: Direction, detail: String) -> Refusal {
    let code = match direction {
        Direction::Ingress => ErrorCode::RuleSourceGroupNotFound,
        Direction::Egress => ErrorCode::RuleDestGroupNotFound,
    };
    Refusal::new(code).field("peer_security_group_id").detail(detail)
}

/// Checks what holds for a rule whatever the state is.
///
/// # Errors
/// Ports that do not go with the protocol, a priority out of range, sides of different families or equal ones, and
/// protocols of the other family.
pub fn check_form(spec: &RuleSpec) -> Outcome<()> {
    let in_order = |range: Option<PortRange>| range.is_none_or(|r| r.first > 0 && r.first <= r.last);
    if !in_order(spec.ports) {
        return Err(Refusal::new(ErrorCode::RulePortRangeMalformed)
            .field("port_range")
            .detail(ports_text(spec.ports)));
    }
    if spec.ports.is_some() != spec.protocol.has_ports() {
        let passes = if spec.protocol.has_ports() { "1/65535" } else { "-1/-1" };
        return Err(Refusal::new(ErrorCode::RulePortRangeMismatch)
            .field("port_range")
            .detail(format!("{} was given for {}.", ports_text(spec.ports), spec.protocol.word()))
            .accepted(passes));
    }
    if !in_order(spec.source_ports) || (spec.source_ports.is_some() && !spec.protocol.has_ports()) {
        return Err(Refusal::new(ErrorCode::RuleSourcePortRangeMalformed)
            .field("source_port_range")
            .detail(format!("{} was given for {}.", ports_text(spec.source_ports), spec.protocol.word())));
    }
    if !(1..=100).contains(&spec.priority) {
        return Err(priority_refused(&spec.priority.to_string()));
    }
    check_families(spec)
}

fn check_families(spec: &RuleSpec) -> Outcome<()> {
    let peer = match spec.peer {
        Peer::Block(block) => Some(block),
        Peer::Group(_) | Peer::List(_) => None,
    };
    // The peer is the one to change, if there is one.
    let refuse = |code, block: Cidr, detail: String| {
        let field = match (peer.is_some(), block.is_v4()) {
            (true, true) => "peer_cidr",
            (true, false) => "peer_ipv6_cidr",
            (false, true) => "own_cidr",
            (false, false) => "own_ipv6_cidr",
        };
        Err(Refusal::new(code).field(field).detail(detail))
    };
    if let (Some(peer), Some(own)) = (peer, spec.own) {
        if peer.is_v4() != own.is_v4() {
            return refuse(ErrorCode::RuleFamiliesMixed, peer, format!("{peer} and {own} were given."));
        }
        if peer == own {
            return refuse(ErrorCode::RuleSourceIsDest, peer, format!("{peer} was given for both."));
        }
    }
    let Some(block) = peer.or(spec.own) else { return Ok(()) };
    match (spec.protocol, block.is_v4()) {
        (Protocol::Icmp, false) => refuse(ErrorCode::RuleIpv4Protocol, block, format!("{block} was given.")),
        (Protocol::Icmpv6, true) => refuse(ErrorCode::RuleIpv6Protocol, block, format!("{block} was given.")),
        _ => Ok(()),
    }
}
