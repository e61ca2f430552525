//! A rule of a security group: which new sessions it accepts or drops.
//!
//! Rules are rows of their own. An inbound rule names a source as its peer, an outbound one a destination; both may
//! narrow down the other side (five-tuple rules). Lower priorities come first, and within a priority drop comes
//! before accept (provider documentation: security group rules, 2026).

use crate::cidr::Cidr;
use crate::ecs::prefix_list::PrefixList;
use crate::ecs::security_group;
use crate::id::{PrefixListId, SecurityGroupId, SecurityGroupRuleId};
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which way the sessions go that a rule judges, seen from the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Towards the member.
    Ingress,
    /// From the member.
    Egress,
}

impl Direction {
    /// The provider's word.
    pub const fn word(self) -> &'static str {
        match self {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        }
    }

    /// Reads the provider's word.
    pub fn parse(text: &str) -> Option<Direction> {
        [Direction::Ingress, Direction::Egress].into_iter().find(|direction| direction.word() == text)
    }
}

/// The protocols that a rule can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP, of IPv4 only.
    Icmp,
    /// ICMP of IPv6.
    Icmpv6,
    /// Generic routing encapsulation.
    Gre,
    /// Every protocol.
    All,
}

/// What a rule does with a session that it fits. Drop comes before accept within a priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Drop it silently.
    Drop,
    /// Let it through.
    Accept,
}

/// A range of ports: 1 to 65535, the first not above the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PortRange {
    /// The first port.
    pub first: u16,
    /// The last port.
    pub last: u16,
}

/// The other side of a rule: the source of an inbound and the destination of an outbound one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    /// The addresses of a block.
    Block(Cidr),
    /// The private addresses of the members of a basic group.
    Group(SecurityGroupId),
    /// The addresses of a prefix list.
    List(PrefixListId),
}

/// What a rule fits and does. Two rules of a group in one direction are the same if this is equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RuleSpec {
    /// The protocol.
    pub protocol: Protocol,
    /// The destination ports; absent for protocols without ports, written -1/-1.
    pub ports: Option<PortRange>,
    /// The source ports; absent for any.
    pub source_ports: Option<PortRange>,
    /// What becomes of the session.
    pub policy: Policy,
    /// 1 to 100; lower ones come first.
    pub priority: u8,
    /// The other side.
    pub peer: Peer,
    /// The member's side, if it is narrowed down: the destination of an inbound and the source of an outbound rule.
    pub own: Option<Cidr>,
}

/// A rule of a security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRule {
    /// Its id.
    pub id: SecurityGroupRuleId,
    /// Its group.
    pub group: SecurityGroupId,
    /// Which way the sessions go.
    pub direction: Direction,
    /// What it fits and does.
    pub spec: RuleSpec,
    /// Whether the peer was written as an address without a mask, which is how it is shown again.
    pub peer_as_address: bool,
    /// Whether the member's side was written as an address without a mask.
    pub own_as_address: bool,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// When it was made.
    pub created: SimTime,
}

/// The place of a rule among those of its group: direction, priority, drop before accept, age.
pub type RuleOrder = (Direction, u8, Policy, SecurityGroupRuleId);

/// What is derived from rules.
#[derive(Clone, Debug, Default)]
pub struct RuleIndex {
    /// By group, in the order of evaluation.
    pub by_group: Groups<SecurityGroupId, RuleOrder>,
    /// By the group that they name as the peer.
    pub by_peer: Groups<SecurityGroupId, SecurityGroupRuleId>,
    /// How many rules of a group name a group as the peer.
    pub group_peers: BTreeMap<SecurityGroupId, u64>,
    /// How many rules of a group name each prefix list.
    pub list_uses: BTreeMap<SecurityGroupId, BTreeMap<PrefixListId, u64>>,
    /// The groups whose rules name a prefix list.
    pub by_list: Groups<PrefixListId, SecurityGroupId>,
}

impl SecurityGroupRule {
    /// Its place among the rules of its group.
    pub fn order(&self) -> RuleOrder {
        (self.direction, self.spec.priority, self.spec.policy, self.id)
    }
}

impl Row for SecurityGroupRule {
    type Key = SecurityGroupRuleId;
    type Index = RuleIndex;

    fn key(&self) -> SecurityGroupRuleId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        old.iter().chain(&new).for_each(|rule| security_group::outdate(indexes, rule.group));
        let ix = &mut indexes.security_group_rules;
        if let Some(rule) = old {
            ix.by_group.remove(&rule.group, &rule.order());
            match rule.spec.peer {
                Peer::Block(_) => {}
                Peer::Group(peer) => {
                    ix.by_peer.remove(&peer, &rule.id);
                    count_down(&mut ix.group_peers, &rule.group);
                }
                Peer::List(list) => {
                    let uses = ix.list_uses.get_mut(&rule.group).expect("the rule's list was counted");
                    if count_down(uses, &list) {
                        ix.by_list.remove(&list, &rule.group);
                    }
                    if uses.is_empty() {
                        ix.list_uses.remove(&rule.group);
                    }
                }
            }
        }
        if let Some(rule) = new {
            ix.by_group.insert(rule.group, rule.order());
            match rule.spec.peer {
                Peer::Block(_) => {}
                Peer::Group(peer) => {
                    ix.by_peer.insert(peer, rule.id);
                    *ix.group_peers.entry(rule.group).or_default() += 1;
                }
                Peer::List(list) => {
                    *ix.list_uses.entry(rule.group).or_default().entry(list).or_default() += 1;
                    ix.by_list.insert(list, rule.group);
                }
            }
        }
    }
}

/// Takes one off a count; true if none is left.
fn count_down<K: Ord>(counts: &mut BTreeMap<K, u64>, key: &K) -> bool {
    let count = counts.get_mut(key).expect("what is taken away was counted");
    *count -= 1;
    let last = *count == 0;
    if last {
        counts.remove(key);
    }
    last
}

impl SecurityGroupRule {
    /// The member's side as it was written; empty if it is not narrowed down.
    pub fn own_text(&self) -> String {
        self.spec.own.map(|own| shown(own, self.own_as_address)).unwrap_or_default()
    }

    /// The peer's block as it was written; empty if the peer is no block.
    pub fn peer_text(&self) -> String {
        match self.spec.peer {
            Peer::Block(block) => shown(block, self.peer_as_address),
            Peer::Group(_) | Peer::List(_) => String::new(),
        }
    }
}

fn shown(block: Cidr, as_address: bool) -> String {
    if as_address { block.first().to_string() } else { block.to_string() }
}

/// The rules of a group in the order of evaluation, inbound first.
pub fn of_group(w: &World, group: SecurityGroupId) -> impl DoubleEndedIterator<Item = &SecurityGroupRule> {
    w.indexes()
        .security_group_rules
        .by_group
        .of(&group)
        .filter_map(|order| w.get::<SecurityGroupRule>(&order.3))
}

/// The rules of a group in the order of evaluation that come after a place in it, or all of them.
pub fn of_group_after<'w>(
    w: &'w World,
    group: SecurityGroupId,
    place: Option<&RuleOrder>,
) -> impl Iterator<Item = &'w SecurityGroupRule> + use<'w> {
    let places = w.indexes().security_group_rules.by_group.after(&group, place);
    places.filter_map(|order| w.get::<SecurityGroupRule>(&order.3))
}

/// A place in the order of evaluation as a cursor of a list: `ingress.1.drop.sgr-...`.
pub fn place_text(place: &RuleOrder) -> String {
    let (direction, priority, policy, id) = place;
    format!("{}.{priority}.{}.{id}", direction.word(), policy.word())
}

/// Reads what [`place_text`] wrote.
pub fn parse_place(text: &str) -> Option<RuleOrder> {
    let mut parts = text.splitn(4, '.');
    let direction = Direction::parse(parts.next()?)?;
    let priority = parts.next()?.parse().ok()?;
    let policy = Policy::parse(parts.next()?).ok()?;
    Some((direction, priority, policy, parts.next()?.parse().ok()?))
}

/// How much a group counts against the quotas on rules: one for each rule, and for one that names a prefix list the
/// list's MaxEntries.
pub fn weight(w: &World, group: SecurityGroupId) -> u64 {
    let ix = &w.indexes().security_group_rules;
    let uses = ix.list_uses.get(&group).into_iter().flatten();
    uses.fold(ix.by_group.count(&group), |sum, (list, count)| {
        let entries = w.get::<PrefixList>(list).map_or(1, |list| u64::from(list.max_entries));
        sum - count + count * entries
    })
}

/// The rule with this id, if its group is the caller's.
///
/// # Errors
/// An unknown group or rule.
pub fn visible<'w>(
    w: &'w World,
    caller: &crate::Caller,
    group: SecurityGroupId,
    id: SecurityGroupRuleId,
) -> crate::Outcome<&'w SecurityGroupRule> {
    w.visible::<crate::ecs::security_group::SecurityGroup>(caller, group)?;
    w.get::<SecurityGroupRule>(&id)
        .filter(|rule| rule.group == group)
        .ok_or_else(|| crate::resource::missing(id))
}
