//! Adding, taking away and changing the rules of a security group. Each call is atomic: every rule passes, or none is
//! written.

use crate::access::Caller;
use crate::command::Reply;
use crate::ecs::prefix_list::{AddressFamily, PrefixList};
use crate::ecs::rule_input::{self, RuleFields, RuleInput, at_rule};
use crate::ecs::rule_quota;
use crate::ecs::security_group::{GroupKind, SecurityGroup};
use crate::ecs::security_group_rule::{
    Direction, Peer, Policy, Protocol, RuleSpec, SecurityGroupRule, of_group,
};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{SecurityGroupId, SecurityGroupRuleId};
use crate::quota::Quota;
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Adds rules to a group. A rule that is there already is passed over, as the provider does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizeRules {
    /// The group.
    pub group: SecurityGroupId,
    /// Which way the sessions go.
    pub direction: Direction,
    /// The rules: 1 to 100.
    pub rules: Vec<RuleInput>,
}

/// Handles [`AuthorizeRules`]; replies with the id of each rule, new or not, in the order of the input.
///
/// # Errors
/// The form of the rules; an unknown group or peer; peers in another VPC or of a kind that does not go; the quotas.
pub fn authorize(w: &mut World, caller: &Caller, c: &AuthorizeRules) -> Outcome<Reply> {
    check_call(w, caller, c.rules.len())?;
    check_inputs(&c.rules)?;
    let group = w.visible::<SecurityGroup>(caller, c.group)?;
    for (at, rule) in c.rules.iter().enumerate() {
        check_peer(w, caller, group, c.direction, &rule.spec).map_err(|refusal| at_rule(refusal, at))?;
        check_kind(w, group, &rule.spec).map_err(|refusal| at_rule(refusal, at))?;
    }
    let there = specs(w, c.group, c.direction);
    let added: Vec<RuleSpec> =
        c.rules.iter().map(|r| r.spec).filter(|spec| !there.contains_key(spec)).collect();
    rule_quota::check_exchange(w, caller, c.group, &[], &added)?;
    let created = w.now();
    let mut ids = Vec::with_capacity(c.rules.len());
    for rule in &c.rules {
        if let Some(&id) = there.get(&rule.spec) {
            ids.push(id.into());
            continue;
        }
        let id = w.new_id::<SecurityGroupRuleId>(&caller.region)?;
        w.put(SecurityGroupRule {
            id,
            group: c.group,
            direction: c.direction,
            spec: rule.spec,
            peer_as_address: rule.peer_as_address,
            own_as_address: rule.own_as_address,
            description: rule.description.clone(),
            created,
        });
        ids.push(id.into());
    }
    Ok(Reply::CreatedMany(ids))
}

/// Which rules are meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhichRules {
    /// Those with these ids, 1 to 100, in one direction or in either.
    Ids(Option<Direction>, Vec<SecurityGroupRuleId>),
    /// Those in one direction that are the same as these but for the description: 1 to 100.
    Same(Direction, Vec<RuleInput>),
}

/// Takes rules away from a group. A rule given by its fields that is not there is passed over, as the provider does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeRules {
    /// The group.
    pub group: SecurityGroupId,
    /// The rules.
    pub rules: WhichRules,
}

/// Handles [`RevokeRules`].
///
/// # Errors
/// The form of the rules; an unknown group, peer or rule id.
pub fn revoke(w: &mut World, caller: &Caller, c: &RevokeRules) -> Outcome<Reply> {
    let gone: Vec<SecurityGroupRuleId> = match &c.rules {
        WhichRules::Ids(direction, ids) => {
            check_call(w, caller, ids.len())?;
            let mut seen = BTreeSet::new();
            if let Some(twice) = ids.iter().find(|id| !seen.insert(**id)) {
                let refusal = Refusal::new(ErrorCode::RuleIdRepeated).field("security_group_rule_ids");
                return Err(refusal.detail(format!("{twice} stands twice in the list.")));
            }
            w.visible::<SecurityGroup>(caller, c.group)?;
            for &id in ids {
                find_rule(w, c.group, *direction, id)?;
            }
            ids.clone()
        }
        WhichRules::Same(direction, rules) => {
            check_call(w, caller, rules.len())?;
            check_inputs(rules)?;
            let group = w.visible::<SecurityGroup>(caller, c.group)?;
            for (at, rule) in rules.iter().enumerate() {
                check_peer(w, caller, group, *direction, &rule.spec)
                    .map_err(|refusal| at_rule(refusal, at))?;
            }
            let there = specs(w, c.group, *direction);
            rules.iter().filter_map(|rule| there.get(&rule.spec).copied()).collect()
        }
    };
    for id in gone {
        w.remove::<SecurityGroupRule>(&id);
    }
    Ok(Reply::Done)
}

/// Which one rule is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhichRule {
    /// The one with this id, in one direction or in either, of which the given fields change.
    Id(Option<Direction>, SecurityGroupRuleId, RuleFields),
    /// The one in this direction that is the same but for the description, which changes to the given one.
    Same(Direction, RuleInput),
}

/// Changes a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyRule {
    /// The group.
    pub group: SecurityGroupId,
    /// The rule, and what changes.
    pub rule: WhichRule,
}

/// Handles [`ModifyRule`].
///
/// # Errors
/// Those of [`authorize`]; an unknown rule; nothing to change; another kind of peer; a rule that is there already.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyRule) -> Outcome<Reply> {
    match &c.rule {
        WhichRule::Id(direction, id, fields) => modify_by_id(w, caller, c.group, *direction, *id, fields),
        WhichRule::Same(direction, input) => {
            rule_input::check_form(&input.spec)?;
            rule_input::DESCRIPTION.check(Some(&input.description))?;
            let group = w.visible::<SecurityGroup>(caller, c.group)?;
            check_peer(w, caller, group, *direction, &input.spec)?;
            let there = specs(w, c.group, *direction);
            let id = there.get(&input.spec).copied().ok_or_else(|| {
                Refusal::new(ErrorCode::RuleUnmatched)
                    .field("security_group_rule_id")
                    .detail(format!("{} has none.", c.group))
            })?;
            w.update::<SecurityGroupRule>(&id, |rule| rule.description = input.description.clone());
            Ok(Reply::Done)
        }
    }
}

fn modify_by_id(
    w: &mut World,
    caller: &Caller,
    group: SecurityGroupId,
    direction: Option<Direction>,
    id: SecurityGroupRuleId,
    fields: &RuleFields,
) -> Outcome<Reply> {
    if *fields == RuleFields::default() {
        return Err(
            Refusal::new(ErrorCode::RuleChangeMissing).accepted("a field such as policy or description")
        );
    }
    rule_input::DESCRIPTION.check(fields.description.as_deref())?;
    let group = w.visible::<SecurityGroup>(caller, group)?;
    let rule = find_rule(w, group.id, direction, id)?;
    let mut new = rule.clone();
    apply(&mut new, fields);
    rule_input::check_form(&new.spec)?;
    if std::mem::discriminant(&rule.spec.peer) != std::mem::discriminant(&new.spec.peer) {
        return Err(Refusal::new(ErrorCode::RulePeerKindFixed)
            .field("peer_cidr")
            .detail(format!("The rule is {id}.")));
    }
    check_peer(w, caller, group, rule.direction, &new.spec)?;
    check_kind(w, group, &new.spec)?;
    if let Some(&other) = specs(w, group.id, rule.direction).get(&new.spec).filter(|&&other| other != id) {
        return Err(Refusal::new(ErrorCode::RuleExists).field("security_group_rule_id").blockers([other]));
    }
    rule_quota::check_exchange(w, caller, group.id, &[rule.spec], &[new.spec])?;
    w.put(new);
    Ok(Reply::Done)
}

fn apply(rule: &mut SecurityGroupRule, fields: &RuleFields) {
    let spec = &mut rule.spec;
    spec.protocol = fields.protocol.unwrap_or(spec.protocol);
    spec.ports = fields.ports.unwrap_or(spec.ports);
    spec.source_ports = fields.source_ports.unwrap_or(spec.source_ports);
    spec.policy = fields.policy.unwrap_or(spec.policy);
    spec.priority = fields.priority.unwrap_or(spec.priority);
    if let Some((peer, as_address)) = fields.peer {
        (spec.peer, rule.peer_as_address) = (peer, as_address);
    }
    if let Some((own, as_address)) = fields.own {
        (spec.own, rule.own_as_address) = (Some(own), as_address);
    }
    if let Some(description) = &fields.description {
        rule.description = description.clone();
    }
}

fn check_call(w: &World, caller: &Caller, count: usize) -> Outcome<()> {
    let limit = Quota::PermissionsPerCall.limit(w, caller.account);
    if count >= 1 && count as u64 <= limit {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::RulesPerCallExceeded)
        .field("rules")
        .detail(format!("{count} were given."))
        .accepted(Quota::PermissionsPerCall.range_from_one(w, caller.account, None)))
}

/// Checks the form of the rules of one call, and that none is there twice.
fn check_inputs(rules: &[RuleInput]) -> Outcome<()> {
    let mut seen = BTreeSet::new();
    for (at, rule) in rules.iter().enumerate() {
        let form = rule_input::check_form(&rule.spec)
            .and_then(|()| rule_input::DESCRIPTION.check(Some(&rule.description)).map(drop));
        form.map_err(|refusal| at_rule(refusal, at))?;
        if !seen.insert(&rule.spec) {
            return Err(Refusal::new(ErrorCode::RuleDuplicated).field(format!("rules/{at}")));
        }
    }
    Ok(())
}

/// Checks that the peer exists for the caller and goes with the group and the rest of the rule.
fn check_peer(
    w: &World,
    caller: &Caller,
    group: &SecurityGroup,
    direction: Direction,
    spec: &RuleSpec,
) -> Outcome<()> {
    match spec.peer {
        Peer::Block(_) => Ok(()),
        Peer::List(id) => {
            let list = w.visible::<PrefixList>(caller, id)?;
            let clash = match spec.protocol {
                Protocol::Icmp => list.family == AddressFamily::Ipv6,
                Protocol::Icmpv6 => list.family == AddressFamily::Ipv4,
                _ => false,
            };
            if clash || spec.own.is_some_and(|own| !list.family.admits(own)) {
                let detail = format!("{id} is an {} list.", list.family.text());
                return Err(Refusal::new(ErrorCode::RulePrefixListFamily)
                    .field("peer_prefix_list_id")
                    .detail(detail));
            }
            Ok(())
        }
        Peer::Group(id) => {
            let field = "peer_security_group_id";
            let peer = w
                .visible::<SecurityGroup>(caller, id)
                .map_err(|refusal| rule_input::unknown_group(direction, refusal.details().detail.clone()))?;
            if id == group.id {
                return Err(Refusal::new(ErrorCode::RulePeerIsSelf)
                    .field(field)
                    .accepted("another group of the VPC"));
            }
            if peer.vpc != group.vpc {
                let detail = format!("{id} lies in {}, {} in {}.", peer.vpc, group.id, group.vpc);
                return Err(Refusal::new(ErrorCode::RulePeerVpcMismatch).field(field).detail(detail));
            }
            if peer.kind == GroupKind::Enterprise {
                return Err(Refusal::new(ErrorCode::RulePeerEnterprise)
                    .field(field)
                    .detail(format!("{id} is one.")));
            }
            Ok(())
        }
    }
}

/// Checks what an enterprise group does not take.
fn check_kind(w: &World, group: &SecurityGroup, spec: &RuleSpec) -> Outcome<()> {
    if group.kind == GroupKind::Basic {
        return Ok(());
    }
    if let Peer::Group(_) = spec.peer {
        return Err(Refusal::new(ErrorCode::EnterpriseGroupPeer)
            .field("peer_security_group_id")
            .accepted("a block or a prefix list"));
    }
    if spec.policy == Policy::Drop && !w.settings().disputed.enterprise_drop_rules {
        return Err(Refusal::new(ErrorCode::EnterpriseDropRule).field("policy").accepted("accept"));
    }
    Ok(())
}

/// The rules of a group in one direction by what they fit and do.
fn specs(w: &World, group: SecurityGroupId, direction: Direction) -> BTreeMap<RuleSpec, SecurityGroupRuleId> {
    of_group(w, group).filter(|rule| rule.direction == direction).map(|rule| (rule.spec, rule.id)).collect()
}

/// The rule of a group with this id, in one direction or in either.
fn find_rule(
    w: &World,
    group: SecurityGroupId,
    direction: Option<Direction>,
    id: SecurityGroupRuleId,
) -> Outcome<&SecurityGroupRule> {
    let rule = w.get::<SecurityGroupRule>(&id).filter(|rule| rule.group == group);
    rule.filter(|rule| direction.is_none_or(|direction| rule.direction == direction)).ok_or_else(|| {
        let way = direction.map_or_else(String::new, |direction| format!("{} ", direction.word()));
        Refusal::new(ErrorCode::SecurityGroupRuleNotFound)
            .field("security_group_rule_id")
            .detail(format!("{group} has no {way}rule {id}."))
    })
}
