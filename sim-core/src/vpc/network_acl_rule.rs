//! A rule of a network ACL, and how the list of rules is replaced.
//!
//! A rule names a block, the source of a packet that comes in or the destination of one that goes out, a protocol and,
//! for TCP and UDP, destination ports in both directions (provider documentation: network ACL, 2026).

use crate::access::Caller;
use crate::cidr::{Cidr, Cidr4, Cidr6};
use crate::command::Reply;
use crate::ecs::group_filter::ALWAYS_REACHED;
use crate::ecs::rule_input::{ports_text, read_ports};
use crate::ecs::security_group_rule::{Direction, Policy, PortRange, Protocol};
use crate::error::{ErrorCode, Outcome, Refusal, beginning};
use crate::id::{Id, NetworkAclId, NetworkAclRuleId, VSwitchId};
use crate::quota::Quota;
use crate::vpc::network_acl::{self, NetworkAcl, check_description, check_name};
use crate::vpc::vpc::Vpc;
use crate::vpc::vswitch::VSwitch;
use crate::world::World;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A rule of a network ACL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAclRule {
    /// Its number in the ACL, of which its id is made; never used again.
    pub number: u32,
    /// What becomes of a packet that it fits.
    pub policy: Policy,
    /// The protocol.
    pub protocol: Protocol,
    /// The source of an inbound packet, the destination of an outbound one.
    pub block: Cidr,
    /// The destination ports, for TCP and UDP; absent, written -1/-1, for the rest.
    pub ports: Option<PortRange>,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
}

/// Whose a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// The provider's, for its own servers; tried first and fixed.
    Service,
    /// The caller's.
    Custom,
    /// The provider's, that drops the rest; tried last and fixed.
    System,
}

impl RuleKind {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            RuleKind::Service => "service",
            RuleKind::Custom => "custom",
            RuleKind::System => "system",
        }
    }
}

impl NetworkAclRule {
    /// Numbers up to this one are for fixed rules, those of a direction one after the other: servers from 1 and from 7, the last
    /// IPv4 and IPv6 rule 14 and 15, and 12 and 13.
    pub(crate) const LAST_FIXED: u32 = 15;
    const SERVERS: [u32; 2] = [1, 7];
    const LAST_V4: [u32; 2] = [14, 12];
    const LAST_V6: [u32; 2] = [15, 13];

    fn of_all(number: u32, policy: Policy, block: Cidr, description: &'static str) -> NetworkAclRule {
        NetworkAclRule {
            number,
            policy,
            protocol: Protocol::All,
            block,
            ports: None,
            name: CompactString::default(),
            description: CompactString::const_new(description),
        }
    }

    /// The custom rule that a new ACL has for each address family.
    pub(crate) fn allow_all(number: u32, v4: bool) -> NetworkAclRule {
        NetworkAclRule::of_all(number, Policy::Accept, everything(v4), "")
    }

    /// The rule's id in an ACL.
    pub fn id(&self, acl: NetworkAclId) -> NetworkAclRuleId {
        id_of(acl, self.number)
    }
}

/// Every address of a family.
fn everything(v4: bool) -> Cidr {
    if v4 { Cidr4::ALL.into() } else { Cidr6::ALL.into() }
}

/// The id of the rule with this number.
pub(crate) fn id_of(acl: NetworkAclId, number: u32) -> NetworkAclRuleId {
    NetworkAclRuleId::from_number(acl.number().derive(u64::from(number)))
}

/// The number of a fixed rule of a direction.
fn fixed(numbers: [u32; 2], direction: Direction) -> u32 {
    match direction {
        Direction::Ingress => numbers[0],
        Direction::Egress => numbers[1],
    }
}

/// The id of the fixed rule of a direction for one of the provider's servers, by its place in the list of them.
pub(crate) fn service_id(acl: NetworkAclId, server: usize, direction: Direction) -> NetworkAclRuleId {
    id_of(acl, fixed(NetworkAclRule::SERVERS, direction) + server as u32)
}

/// The id of the rule of a direction that drops what no other rule of its address family fits.
pub(crate) fn last_id(acl: NetworkAclId, v4: bool, direction: Direction) -> NetworkAclRuleId {
    let numbers = if v4 { NetworkAclRule::LAST_V4 } else { NetworkAclRule::LAST_V6 };
    id_of(acl, fixed(numbers, direction))
}

/// All rules of a direction in the order in which they are tried, with the fixed ones: the last IPv6 rule is there if the
/// VPC has IPv6.
pub fn in_order(w: &World, acl: &NetworkAcl, direction: Direction) -> Vec<(RuleKind, NetworkAclRule)> {
    let numbers = fixed(NetworkAclRule::SERVERS, direction)..;
    let servers = ALWAYS_REACHED.iter().zip(numbers).map(|(&server, number)| {
        let block = Cidr::host(server.into());
        NetworkAclRule::of_all(number, Policy::Accept, block, "DNS or metadata of the provider")
    });
    let last = |numbers, v4| {
        let number = fixed(numbers, direction);
        NetworkAclRule::of_all(number, Policy::Drop, everything(v4), "what no other rule fits")
    };
    let ipv6 = w.get::<Vpc>(&acl.vpc).is_some_and(|vpc| !vpc.ipv6.is_empty());
    let mut rules: Vec<_> = servers.map(|rule| (RuleKind::Service, rule)).collect();
    rules.extend(acl.custom(direction).iter().map(|rule| (RuleKind::Custom, rule.clone())));
    rules.push((RuleKind::System, last(NetworkAclRule::LAST_V4, true)));
    if ipv6 {
        rules.push((RuleKind::System, last(NetworkAclRule::LAST_V6, false)));
    }
    rules
}

/// A rule as a caller writes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct RuleTexts<'a> {
    /// The id of a rule of the ACL that it changes; a new rule if absent.
    pub id: Option<&'a str>,
    /// accept or drop.
    pub policy: &'a str,
    /// tcp, udp, icmp, icmpv6, gre or all.
    pub protocol: &'a str,
    /// The block, or an address for it alone.
    pub block: &'a str,
    /// `first/last`, or `-1/-1`.
    pub ports: &'a str,
    /// IPv4 or IPv6, whatever the case; the block tells if absent.
    pub ip_version: Option<&'a str>,
    /// Its name.
    pub name: Option<&'a str>,
    /// Its description.
    pub description: Option<&'a str>,
}

/// A rule as a command has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleInput {
    /// The rule of the ACL that it changes; a new one if absent.
    pub id: Option<NetworkAclRuleId>,
    /// What becomes of a packet that it fits.
    pub policy: Policy,
    /// The protocol.
    pub protocol: Protocol,
    /// The source of an inbound packet, the destination of an outbound one.
    pub block: Cidr,
    /// The destination ports.
    pub ports: Option<PortRange>,
    /// Its name.
    pub name: CompactString,
    /// Its description.
    pub description: CompactString,
}

/// The error for a rule that an ACL does not have.
const fn unknown(direction: Direction) -> ErrorCode {
    match direction {
        Direction::Ingress => ErrorCode::NetworkAclIngressRuleNotFound,
        Direction::Egress => ErrorCode::NetworkAclEgressRuleNotFound,
    }
}

impl RuleTexts<'_> {
    /// Reads a rule of a direction.
    ///
    /// # Errors
    /// The error of the first field that does not read, under the field's name.
    pub fn read(&self, direction: Direction) -> Outcome<RuleInput> {
        let id = self.id.map(|text| {
            let missing = |_| {
                Refusal::new(unknown(direction))
                    .field("id")
                    .detail(format!("{:?} is no rule.", beginning(text)))
            };
            text.parse::<NetworkAclRuleId>().map_err(missing)
        });
        let wrong = |code, field: &str, text: &str, accepted: &str| {
            let detail = format!("{:?} was given.", beginning(text));
            Refusal::new(code).field(field).detail(detail).accepted(accepted)
        };
        let rule = RuleInput {
            id: id.transpose()?,
            policy: Policy::parse(self.policy).map_err(|_| {
                wrong(ErrorCode::NetworkAclRulePolicyInvalid, "policy", self.policy, "accept or drop")
            })?,
            protocol: Protocol::parse(self.protocol).map_err(|_| {
                let accepted = "tcp, udp, icmp, icmpv6, gre or all";
                wrong(ErrorCode::NetworkAclRuleProtocolInvalid, "protocol", self.protocol, accepted)
            })?,
            block: self.read_block(direction)?,
            ports: read_ports(self.ports, ErrorCode::NetworkAclRulePortInvalid, "ports")?,
            name: self.name.unwrap_or_default().into(),
            description: self.description.unwrap_or_default().into(),
        };
        let v4 = match self.ip_version {
            None => rule.block.is_v4(),
            Some(text) if text.eq_ignore_ascii_case("ipv4") => true,
            Some(text) if text.eq_ignore_ascii_case("ipv6") => false,
            Some(text) => {
                return Err(wrong(ErrorCode::NetworkAclRuleFamily, "ip_version", text, "IPv4 or IPv6"));
            }
        };
        if v4 != rule.block.is_v4() {
            return Err(Refusal::new(ErrorCode::NetworkAclRuleFamily)
                .field("ip_version")
                .detail(format!("{} is of the other family.", rule.block))
                .accepted(if v4 { "IPv6" } else { "IPv4" }));
        }
        Ok(rule)
    }

    fn read_block(&self, direction: Direction) -> Outcome<Cidr> {
        let code = match direction {
            Direction::Ingress => ErrorCode::NetworkAclRuleSourceInvalid,
            Direction::Egress => ErrorCode::NetworkAclRuleDestinationInvalid,
        };
        Cidr::parse_or_host(self.block).map_err(|e| {
            let accepted =
                e.suggestion.map_or_else(|| "a block such as 10.0.0.0/16".to_owned(), |b| b.to_string());
            Refusal::new(code).field("cidr").detail(format!("{e}.")).accepted(accepted)
        })
    }
}

impl RuleInput {
    /// Checks what holds for a rule whatever the state is, and cleans its texts.
    fn check(&self, at: &str) -> Outcome<(CompactString, CompactString)> {
        let name = check_name(Some(&self.name), &format!("{at}/name"))?;
        let description = check_description(Some(&self.description), &format!("{at}/description"))?;
        let of_family = match self.protocol {
            Protocol::Icmp => self.block.is_v4(),
            Protocol::Icmpv6 => !self.block.is_v4(),
            _ => true,
        };
        if !of_family {
            return Err(Refusal::new(ErrorCode::NetworkAclRuleProtocolInvalid)
                .field(format!("{at}/protocol"))
                .detail(format!("{} does not go with {}.", self.protocol.word(), self.block))
                .accepted(if self.block.is_v4() { "icmp" } else { "icmpv6" }));
        }
        let in_order = self.ports.is_none_or(|range| range.first > 0 && range.first <= range.last);
        if !in_order || self.ports.is_some() != self.protocol.has_ports() {
            let passes = if self.protocol.has_ports() { "1/65535" } else { "-1/-1" };
            return Err(Refusal::new(ErrorCode::NetworkAclRulePortInvalid)
                .field(format!("{at}/ports"))
                .detail(format!("{} was given for {}.", ports_text(self.ports), self.protocol.word()))
                .accepted(passes));
        }
        Ok((name, description))
    }
}

/// Replaces the custom rules of one or both directions; the rules of an absent direction stay. Rules that are named by
/// their ids keep them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateNetworkAclRules {
    /// The network ACL.
    pub acl: NetworkAclId,
    /// The inbound rules, in the order in which they are tried.
    pub ingress: Option<Vec<RuleInput>>,
    /// The outbound rules, in the order in which they are tried.
    pub egress: Option<Vec<RuleInput>>,
}

/// Handles [`UpdateNetworkAclRules`]. New rules hold at once; the ACL is Modifying for as long as its provisioning takes.
///
/// # Errors
/// The form of the rules; an unknown ACL; ids of rules that it does not have; the ACL or a vSwitch bound to it in
/// transition; IPv6 rules in a VPC without IPv6; [`ErrorCode::NetworkAclRuleQuotaExceeded`].
pub fn update(w: &mut World, caller: &Caller, c: &UpdateNetworkAclRules) -> Outcome<Reply> {
    let sides = [(Direction::Ingress, &c.ingress), (Direction::Egress, &c.egress)];
    let mut last = w.get::<NetworkAcl>(&c.acl).map_or(0, |acl| acl.last_rule);
    let mut made: Vec<(Direction, Vec<NetworkAclRule>)> = Vec::new();
    for (direction, rules) in sides {
        let Some(rules) = rules else { continue };
        made.push((direction, number_rules(c.acl, direction, rules, &mut last)?));
    }
    let acl = w.visible::<NetworkAcl>(caller, c.acl)?;
    for (direction, rules) in sides {
        check_ids(acl, direction, rules.as_deref().unwrap_or_default())?;
    }
    acl.check_available()?;
    let bound: Vec<VSwitchId> = w.indexes().network_acl_bindings.by_acl.of(&c.acl).copied().collect();
    for vswitch in bound.iter().filter_map(|id| w.get::<VSwitch>(id)) {
        vswitch.check_available()?;
    }
    check_ipv6(w, acl, &made)?;
    for (direction, rules) in &made {
        let quota = match direction {
            Direction::Ingress => Quota::NetworkAclIngressRules,
            Direction::Egress => Quota::NetworkAclEgressRules,
        };
        let v4 = rules.iter().filter(|rule| rule.block.is_v4()).count();
        let more = v4.max(rules.len() - v4) as u64;
        let field = direction.word();
        let full = ErrorCode::NetworkAclRuleQuotaExceeded;
        quota.check(w, caller.account, 0, more, full).map_err(|refusal| refusal.field(field))?;
    }
    w.update::<NetworkAcl>(&c.acl, |acl| {
        acl.last_rule = last;
        for (direction, rules) in made {
            match direction {
                Direction::Ingress => acl.ingress = rules,
                Direction::Egress => acl.egress = rules,
            }
        }
    });
    network_acl::begin_transition(w, c.acl);
    Ok(Reply::Done)
}

/// The rules of a direction with their numbers: those of the ids, and new ones.
fn number_rules(
    acl: NetworkAclId,
    direction: Direction,
    rules: &[RuleInput],
    last: &mut u32,
) -> Outcome<Vec<NetworkAclRule>> {
    let mut out = Vec::with_capacity(rules.len());
    for (at, rule) in rules.iter().enumerate() {
        let (name, description) = rule.check(&format!("{}/{at}", direction.word()))?;
        let kept = rule
            .id
            .and_then(|id| acl.number().mask_of(id.number()))
            .and_then(|mask| u32::try_from(mask).ok());
        let number = match kept {
            Some(number) => number,
            None => {
                *last = last.checked_add(1).ok_or_else(|| Refusal::new(ErrorCode::WorldFull))?;
                *last
            }
        };
        let (policy, protocol, block, ports) = (rule.policy, rule.protocol, rule.block, rule.ports);
        out.push(NetworkAclRule { number, policy, protocol, block, ports, name, description });
    }
    Ok(out)
}

/// Every id is that of a custom rule of the direction and stands once.
fn check_ids(acl: &NetworkAcl, direction: Direction, rules: &[RuleInput]) -> Outcome<()> {
    let mut known: BTreeSet<NetworkAclRuleId> =
        acl.custom(direction).iter().map(|rule| rule.id(acl.id)).collect();
    for (at, id) in rules.iter().enumerate().filter_map(|(at, rule)| Some((at, rule.id?))) {
        if !known.remove(&id) {
            return Err(Refusal::new(unknown(direction))
                .field(format!("{}/{at}/id", direction.word()))
                .detail(format!("{id} stands twice, or is no custom rule of {} in this direction.", acl.id))
                .accepted("a rule without an id, for a new one"));
        }
    }
    Ok(())
}

fn check_ipv6(w: &World, acl: &NetworkAcl, made: &[(Direction, Vec<NetworkAclRule>)]) -> Outcome<()> {
    if w.get::<Vpc>(&acl.vpc).is_some_and(|vpc| !vpc.ipv6.is_empty()) {
        return Ok(());
    }
    for (direction, rules) in made {
        if let Some(at) = rules.iter().position(|rule| !rule.block.is_v4()) {
            return Err(Refusal::new(ErrorCode::Ipv6Disabled)
                .field(format!("{}/{at}/cidr", direction.word()))
                .detail(format!("{} has none.", acl.vpc))
                .accepted("IPv4 blocks, or a VPC with IPv6 enabled"));
        }
    }
    Ok(())
}
