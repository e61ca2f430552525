//! What a network ACL makes of one packet, and which rule decided.
//!
//! The rules of the packet's direction are tried in their order and the first that fits decides. Nothing is remembered
//! between packets: the answer to one that was let through is judged like any other. It filters what crosses the edge of
//! the vSwitch, so not what goes from one interface of a vSwitch to another of the same; whoever walks a packet asks
//! for that edge alone (provider documentation: network ACL, 2026).

use crate::ecs::group_filter::{Packet, always_reached, fits_protocol};
use crate::ecs::rule_filter::{PeerShape, RuleFilter, Shape};
use crate::ecs::security_group_rule::{Direction, Policy};
use crate::id::NetworkAclRuleId;
use crate::vpc::network_acl::NetworkAcl;
use crate::vpc::network_acl_rule::{NetworkAclRule, RuleKind, last_id, service_id};
use crate::world::World;
use std::sync::{Arc, OnceLock};

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is let through.
    pub allowed: bool,
    /// The rule that decided.
    pub rule: NetworkAclRuleId,
    /// Whose that rule is.
    pub kind: RuleKind,
}

/// Judges a packet that crosses the edge of a bound vSwitch. `packet` is seen from the inside: its peer is the source of
/// an inbound packet and the destination of an outbound one.
pub fn evaluate(w: &World, acl: &NetworkAcl, direction: Direction, packet: &Packet) -> Verdict {
    Filtering::new(w, acl).judge(direction, packet)
}

/// A network ACL as packets are judged by it.
#[derive(Clone, Copy)]
pub(crate) struct Filtering<'w> {
    /// The network ACL.
    pub acl: &'w NetworkAcl,
    compiled: Option<&'w Compiled>,
}

impl<'w> Filtering<'w> {
    pub fn new(w: &'w World, acl: &'w NetworkAcl) -> Filtering<'w> {
        Filtering { acl, compiled: w.indexes().network_acls.compiled.get(&acl.id) }
    }

    /// See [`evaluate`].
    #[inline]
    pub fn judge(self, direction: Direction, packet: &Packet) -> Verdict {
        let acl = self.acl;
        if let Some(server) = always_reached(packet.peer) {
            return Verdict {
                allowed: true,
                rule: service_id(acl.id, server, direction),
                kind: RuleKind::Service,
            };
        }
        match self.first(direction, packet) {
            Some(rule) => Verdict {
                allowed: rule.policy == Policy::Accept,
                rule: rule.id(acl.id),
                kind: RuleKind::Custom,
            },
            None => {
                let rule = last_id(acl.id, packet.peer.is_ipv4(), direction);
                Verdict { allowed: false, rule, kind: RuleKind::System }
            }
        }
    }

    /// The first custom rule that fits.
    #[inline]
    fn first(self, direction: Direction, packet: &Packet) -> Option<&'w NetworkAclRule> {
        let rules = self.acl.custom(direction);
        match self.compiled.filter(|_| rules.len() > FEW) {
            Some(compiled) => {
                let filter = compiled.filter(rules, direction);
                filter.first(&packet.sought(direction), &[]).map(|at| &rules[at])
            }
            None => rules.iter().find(|rule| fits(rule, direction, packet)),
        }
    }
}

/// So many rules are tried as quickly as they are looked up.
const FEW: usize = 4;

/// The rules of an ACL as packets are judged by them, once somebody has asked: a memory of work done and no part of the
/// derived state, so it is not shown.
#[derive(Clone, Default)]
pub(crate) struct Compiled {
    ingress: OnceLock<Arc<RuleFilter>>,
    egress: OnceLock<Arc<RuleFilter>>,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compiled")
    }
}

impl Compiled {
    #[inline]
    fn filter(&self, rules: &[NetworkAclRule], direction: Direction) -> &RuleFilter {
        let slot = match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        };
        let shape = |rule: &NetworkAclRule| Shape {
            protocol: rule.protocol,
            ports: rule.ports,
            source_ports: None,
            peer: PeerShape::Blocks(vec![rule.block]),
            own: None,
        };
        slot.get_or_init(|| Arc::new(RuleFilter::compile(&rules.iter().map(shape).collect::<Vec<_>>())))
    }
}

/// Whether a rule fits a packet. Its ports are destination ports in both directions.
pub fn fits(rule: &NetworkAclRule, direction: Direction, packet: &Packet) -> bool {
    let port = match direction {
        Direction::Ingress => packet.own_port,
        Direction::Egress => packet.peer_port,
    };
    fits_protocol(rule.protocol, packet.protocol)
        && rule.ports.is_none_or(|range| (range.first..=range.last).contains(&port))
        && rule.block.contains_address(packet.peer)
}
