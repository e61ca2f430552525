//! The quotas on rules: 200 in a group, 1,000 over all groups of an interface, 20 with a group as the peer in a basic
//! group, 1,000 resources on a prefix list. A rule that names a prefix list counts as the list's MaxEntries
//! (provider documentation: ECS limits, 2026).

use crate::access::Caller;
use crate::ecs::prefix_list::PrefixList;
use crate::ecs::security_group_rule::{Peer, RuleSpec, weight};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{PrefixListId, SecurityGroupId};
use crate::quota::Quota;
use crate::world::World;
use std::collections::BTreeSet;

/// How much a rule counts.
fn cost(w: &World, spec: &RuleSpec) -> u64 {
    match spec.peer {
        Peer::List(list) => w.get::<PrefixList>(&list).map_or(1, |list| u64::from(list.max_entries)),
        Peer::Block(_) | Peer::Group(_) => 1,
    }
}

/// Checks that `added` rules can take the place of `removed` ones in a group.
///
/// # Errors
/// [`ErrorCode::GroupRulesExceeded`], [`ErrorCode::GroupPeerRulesExceeded`], [`ErrorCode::EniRulesExceeded`],
/// [`ErrorCode::PrefixListAssociationsExceeded`].
pub fn check_exchange(
    w: &World,
    caller: &Caller,
    group: SecurityGroupId,
    removed: &[RuleSpec],
    added: &[RuleSpec],
) -> Outcome<()> {
    let ix = &w.indexes().security_group_rules;
    let sum = |specs: &[RuleSpec]| specs.iter().map(|spec| cost(w, spec)).sum::<u64>();
    let (gone, come) = (sum(removed), sum(added));
    let used = weight(w, group) - gone;
    if come > gone {
        Quota::RulesPerGroup.check(w, caller.account, used, come, ErrorCode::GroupRulesExceeded)?;
    }
    let peers =
        |specs: &[RuleSpec]| specs.iter().filter(|spec| matches!(spec.peer, Peer::Group(_))).count() as u64;
    let (peers_gone, peers_come) = (peers(removed), peers(added));
    if peers_come > peers_gone {
        let used = ix.group_peers.get(&group).copied().unwrap_or(0) - peers_gone;
        Quota::GroupRulesPerGroup.check(
            w,
            caller.account,
            used,
            peers_come,
            ErrorCode::GroupPeerRulesExceeded,
        )?;
    }
    if come > gone {
        check_interfaces(w, caller, group, |id| if id == group { come - gone } else { 0 })?;
    }
    let lists: BTreeSet<PrefixListId> = added
        .iter()
        .filter_map(|spec| match spec.peer {
            Peer::List(list) => Some(list),
            Peer::Block(_) | Peer::Group(_) => None,
        })
        .collect();
    for list in lists.into_iter().filter(|list| !ix.by_list.contains(list, &group)) {
        let used = ix.by_list.count(&list);
        let error = ErrorCode::PrefixListAssociationsExceeded;
        Quota::PrefixListAssociations
            .check(w, caller.account, used, 1, error)
            .map_err(|refusal| refusal.blockers([list]))?;
    }
    Ok(())
}

/// Checks the sum of rules on every interface in `group` after each group grew by `growth`. Interfaces with the same
/// groups are judged once.
fn check_interfaces(
    w: &World,
    caller: &Caller,
    group: SecurityGroupId,
    growth: impl Fn(SecurityGroupId) -> u64,
) -> Outcome<()> {
    for set in w.indexes().enis.sets_with_group.get(&group).into_iter().flat_map(|sets| sets.keys()) {
        let used: u64 = set.iter().map(|&id| weight(w, id)).sum();
        let more: u64 = set.iter().map(|&id| growth(id)).sum();
        Quota::RulesPerEni
            .check(w, caller.account, used, more, ErrorCode::EniRulesExceeded)
            .map_err(|refusal: Refusal| refusal.blockers(set.iter().copied()))?;
    }
    Ok(())
}

/// Checks that every group that uses a list, and every interface in it, has room for the list's new MaxEntries.
///
/// # Errors
/// [`ErrorCode::GroupRulesExceeded`], [`ErrorCode::EniRulesExceeded`].
pub fn check_list_growth(w: &World, caller: &Caller, list: &PrefixList, max_entries: u32) -> Outcome<()> {
    if max_entries <= list.max_entries {
        return Ok(());
    }
    let step = u64::from(max_entries - list.max_entries);
    let ix = &w.indexes().security_group_rules;
    let growth = |group: SecurityGroupId| {
        step * ix.list_uses.get(&group).and_then(|uses| uses.get(&list.id)).copied().unwrap_or(0)
    };
    for &group in ix.by_list.of(&list.id) {
        Quota::RulesPerGroup
            .check(w, caller.account, weight(w, group), growth(group), ErrorCode::GroupRulesExceeded)
            .map_err(|refusal| refusal.field("max_entries").blockers([group]))?;
        check_interfaces(w, caller, group, growth).map_err(|refusal| refusal.field("max_entries"))?;
    }
    Ok(())
}
