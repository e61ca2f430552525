//! Membership of network interfaces in security groups: what a list of groups must look like, what it adds to
//! the groups' capacity, and how an instance or an interface joins and leaves a group.
//!
//! Rules (provider documentation: ECS limits and security groups, 2026): 1 to 10 groups on an interface, all of
//! one kind and of the interface's VPC; 6,000 private addresses in a basic group, 65,536 interfaces in an
//! enterprise group; 1,000 rules over all groups of an interface, a prefix list counting as its MaxEntries.

use crate::access::Caller;
use crate::command::Reply;
use crate::ecs::eni::{Eni, EniKind, EniStatus};
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::ecs::security_group::{GroupKind, SecurityGroup};
use crate::ecs::security_group_rule;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{EniId, InstanceId, SecurityGroupId, VpcId};
use crate::quota::Quota;
use crate::world::{Indexes, World};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How many private addresses an interface brings into a basic group: each IPv4 and IPv6 address is one, an IPv4
/// prefix its 16 addresses, an IPv6 prefix one.
pub fn addresses_of(eni: &Eni) -> u64 {
    let prefixes: u64 = eni.ipv4_prefixes.iter().map(|p| p.size() as u64).sum();
    1 + eni.secondary_ips.len() as u64 + prefixes + eni.ipv6.len() as u64 + eni.ipv6_prefixes.len() as u64
}

/// Keeps the members of each group, their addresses and the distinct sets of groups true to the interfaces.
pub(crate) fn reindex(indexes: &mut Indexes, old: Option<&Eni>, new: Option<&Eni>) {
    let ix = &mut indexes.enis;
    if let Some(eni) = old {
        let (held, set) = (addresses_of(eni), sorted(&eni.groups));
        for group in &set {
            ix.by_group.remove(group, &eni.id);
            lower(&mut ix.addresses_in_group, group, held);
            let sets = ix.sets_with_group.get_mut(group).expect("the set was counted");
            lower(sets, &set, 1);
            if sets.is_empty() {
                ix.sets_with_group.remove(group);
            }
        }
    }
    if let Some(eni) = new {
        let (held, set) = (addresses_of(eni), sorted(&eni.groups));
        for &group in &set {
            ix.by_group.insert(group, eni.id);
            *ix.addresses_in_group.entry(group).or_default() += held;
            *ix.sets_with_group.entry(group).or_default().entry(set.clone()).or_default() += 1;
        }
    }
}

fn sorted(groups: &[SecurityGroupId]) -> Vec<SecurityGroupId> {
    groups.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
}

fn lower<K: Ord>(counts: &mut std::collections::BTreeMap<K, u64>, key: &K, by: u64) {
    let count = counts.get_mut(key).expect("what is taken away was counted");
    *count -= by;
    if *count == 0 {
        counts.remove(key);
    }
}

/// Who is to belong to groups, and what it belonged to before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Joining<'a> {
    /// The groups it belongs to; none if it is yet to be made.
    member_of: &'a [SecurityGroupId],
    /// How many private addresses it holds there.
    held: u64,
    /// How many it will hold.
    addresses: u64,
}

impl<'a> Joining<'a> {
    /// Something new with so many private addresses.
    pub(crate) fn new(addresses: u64) -> Joining<'a> {
        Joining { member_of: &[], held: 0, addresses }
    }

    /// A member of groups that keeps its addresses.
    pub(crate) fn again(member_of: &'a [SecurityGroupId], addresses: u64) -> Joining<'a> {
        Joining { member_of, held: addresses, addresses }
    }
}

/// Checks the groups that an interface of `vpc` is to belong to.
///
/// `existing` is the interface as it is, absent for one that is yet to be made; `addresses` is how many private
/// addresses it will hold, counted as in [`addresses_of`].
///
/// # Errors
/// In this order: [`ErrorCode::SecurityGroupsMissing`], [`ErrorCode::SecurityGroupRepeated`], an unknown group,
/// [`ErrorCode::SecurityGroupVpcMismatch`], [`ErrorCode::SecurityGroupKindsMixed`],
/// [`ErrorCode::SecurityGroupsPerEniExceeded`], [`ErrorCode::EniRulesExceeded`], [`ErrorCode::SecurityGroupFull`],
/// [`ErrorCode::EnterpriseGroupFull`].
pub fn check_membership(
    w: &World,
    caller: &Caller,
    vpc: VpcId,
    groups: &[SecurityGroupId],
    existing: Option<&Eni>,
    addresses: u64,
) -> Outcome<()> {
    let joining = match existing {
        None => Joining::new(addresses),
        Some(eni) => Joining { member_of: &eni.groups, held: addresses_of(eni), addresses },
    };
    check_membership_of(w, caller, vpc, groups, joining)
}

/// Like [`check_membership`], for whatever has private addresses.
///
/// # Errors
/// Those of [`check_membership`].
pub(crate) fn check_membership_of(
    w: &World,
    caller: &Caller,
    vpc: VpcId,
    groups: &[SecurityGroupId],
    joining: Joining<'_>,
) -> Outcome<()> {
    let refuse = |code| Refusal::new(code).field("security_group_ids");
    if groups.is_empty() {
        return Err(refuse(ErrorCode::SecurityGroupsMissing).accepted("1 to 10 groups of the VPC"));
    }
    let mut seen = BTreeSet::new();
    if let Some(&twice) = groups.iter().find(|&id| !seen.insert(id)) {
        return Err(
            refuse(ErrorCode::SecurityGroupRepeated).detail(format!("{twice} stands twice in the list."))
        );
    }
    let mut rows = Vec::with_capacity(groups.len());
    for &id in groups {
        rows.push(w.visible::<SecurityGroup>(caller, id)?);
    }
    if let Some(other) = rows.iter().find(|g| g.vpc != vpc) {
        return Err(refuse(ErrorCode::SecurityGroupVpcMismatch)
            .detail(format!("{} lies in {}.", other.id, other.vpc))
            .accepted(format!("groups of {vpc}")));
    }
    if let Some(other) = rows.iter().find(|g| g.kind != rows[0].kind) {
        let (a, b) = (&rows[0], other);
        let detail = format!("{} is {} and {} is {}.", a.id, a.kind.text(), b.id, b.kind.text());
        return Err(refuse(ErrorCode::SecurityGroupKindsMixed).detail(detail));
    }
    let count = groups.len() as u64;
    Quota::GroupsPerEni.check(w, caller.account, 0, count, ErrorCode::SecurityGroupsPerEniExceeded)?;
    let rules: u64 = groups.iter().map(|&id| security_group_rule::weight(w, id)).sum();
    Quota::RulesPerEni.check(w, caller.account, 0, rules, ErrorCode::EniRulesExceeded)?;
    rows.into_iter().try_for_each(|group| check_capacity(w, caller, group, joining))
}

/// Checks that one group has room for whoever joins.
fn check_capacity(w: &World, caller: &Caller, group: &SecurityGroup, joining: Joining<'_>) -> Outcome<()> {
    let (used, _) = capacity(w, group);
    let member = joining.member_of.contains(&group.id);
    let (quota, own, more, error) = match group.kind {
        GroupKind::Basic => {
            let more = joining.addresses;
            (Quota::AddressesPerBasicGroup, joining.held, more, ErrorCode::SecurityGroupFull)
        }
        GroupKind::Enterprise => (Quota::EnisPerEnterpriseGroup, 1, 1, ErrorCode::EnterpriseGroupFull),
    };
    let used = used.saturating_sub(if member { own } else { 0 });
    quota.check(w, caller.account, used, more, error).map_err(|refusal| refusal.blockers([group.id]))
}

/// How full a group is and how much it takes: private addresses of a basic group, interfaces of an enterprise group. A
/// managed resident counts as one of either.
pub fn capacity(w: &World, group: &SecurityGroup) -> (u64, u64) {
    let ix = &w.indexes().enis;
    let residents = w.indexes().residents.by_group.count(&group.id);
    let account = group.owner.account;
    match group.kind {
        GroupKind::Basic => {
            let used = ix.addresses_in_group.get(&group.id).copied().unwrap_or(0);
            (used + residents, Quota::AddressesPerBasicGroup.limit(w, account))
        }
        GroupKind::Enterprise => {
            (ix.by_group.count(&group.id) + residents, Quota::EnisPerEnterpriseGroup.limit(w, account))
        }
    }
}

/// Who joins or leaves a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Member {
    /// An instance: its groups are those of its primary interface.
    Instance(InstanceId),
    /// An interface that is no primary one.
    Eni(EniId),
}

impl Member {
    /// The member that a caller names: an instance or an interface, exactly one of the two.
    ///
    /// # Errors
    /// [`ErrorCode::GroupMemberMissing`], [`ErrorCode::GroupMemberAmbiguous`].
    pub fn choose(instance: Option<InstanceId>, eni: Option<EniId>) -> Outcome<Member> {
        match (instance, eni) {
            (Some(id), None) => Ok(Member::Instance(id)),
            (None, Some(id)) => Ok(Member::Eni(id)),
            (None, None) => Err(Refusal::new(ErrorCode::GroupMemberMissing).field("instance_id")),
            (Some(_), Some(_)) => Err(Refusal::new(ErrorCode::GroupMemberAmbiguous)
                .field("instance_id")
                .accepted("one of the two")),
        }
    }
}

/// Puts an instance or an interface into a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinSecurityGroup {
    /// The group.
    pub group: SecurityGroupId,
    /// Who joins.
    pub member: Member,
}

/// Handles [`JoinSecurityGroup`].
///
/// # Errors
/// An unknown group or member; another VPC; a member in the wrong state; [`ErrorCode::SecurityGroupJoined`]; those of
/// [`check_membership`].
pub fn join(w: &mut World, caller: &Caller, c: &JoinSecurityGroup) -> Outcome<Reply> {
    let group = w.visible::<SecurityGroup>(caller, c.group)?;
    let eni = find_member(w, caller, c.member)?;
    if let (Member::Instance(instance), false) = (c.member, group.vpc == eni.vpc) {
        return Err(Refusal::new(ErrorCode::InstanceGroupVpcMismatch)
            .field("security_group_id")
            .detail(format!("{} lies in {}, {instance} in {}.", c.group, group.vpc, eni.vpc)));
    }
    check_member_state(w, c.member, eni)?;
    if eni.groups.contains(&c.group) {
        return Err(Refusal::new(ErrorCode::SecurityGroupJoined)
            .field("security_group_id")
            .blockers([c.group]));
    }
    let groups: Vec<_> = eni.groups.iter().copied().chain([c.group]).collect();
    check_membership(w, caller, eni.vpc, &groups, Some(eni), addresses_of(eni))?;
    let id = eni.id;
    w.update::<Eni>(&id, |eni| eni.groups = groups);
    Ok(Reply::Done)
}

/// Takes an instance or an interface out of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaveSecurityGroup {
    /// The group.
    pub group: SecurityGroupId,
    /// Who leaves.
    pub member: Member,
}

/// Handles [`LeaveSecurityGroup`].
///
/// # Errors
/// An unknown group or member; a member in the wrong state, not in the group, or in no other one.
pub fn leave(w: &mut World, caller: &Caller, c: &LeaveSecurityGroup) -> Outcome<Reply> {
    w.visible::<SecurityGroup>(caller, c.group)?;
    let eni = find_member(w, caller, c.member)?;
    check_member_state(w, c.member, eni)?;
    let (outside, last) = match c.member {
        Member::Instance(_) => (ErrorCode::InstanceNotInGroup, ErrorCode::InstanceLastGroup),
        Member::Eni(_) => (ErrorCode::EniNotInGroup, ErrorCode::EniLastGroup),
    };
    let belongs = eni.groups.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if !eni.groups.contains(&c.group) {
        return Err(Refusal::new(outside)
            .field("security_group_id")
            .detail(format!("{} belongs to {belongs}.", eni.id)));
    }
    if eni.groups.len() == 1 {
        return Err(Refusal::new(last)
            .field("security_group_id")
            .detail(format!("{} belongs to {belongs} alone.", eni.id)));
    }
    let id = eni.id;
    w.update::<Eni>(&id, |eni| eni.groups.retain(|&group| group != c.group));
    Ok(Reply::Done)
}

/// The interface through which a member belongs to groups.
fn find_member<'w>(w: &'w World, caller: &Caller, member: Member) -> Outcome<&'w Eni> {
    match member {
        Member::Instance(id) => w.visible::<Eni>(caller, w.visible::<Instance>(caller, id)?.primary_eni),
        Member::Eni(id) => w.visible::<Eni>(caller, id),
    }
}

/// Checks that a member may join and leave groups now.
fn check_member_state(w: &World, member: Member, eni: &Eni) -> Outcome<()> {
    match member {
        Member::Instance(id) => {
            let status = w.get::<Instance>(&id).map(|instance| instance.status);
            if status == Some(InstanceStatus::Pending) {
                return Err(Refusal::new(ErrorCode::InstanceInitializing)
                    .field("instance_id")
                    .detail(format!("{id} is Pending."))
                    .accepted("the same request once the instance is Running or Stopped"));
            }
            if !matches!(status, Some(InstanceStatus::Running | InstanceStatus::Stopped)) {
                return Err(Refusal::new(ErrorCode::GroupInstanceStatusIncorrect)
                    .field("instance_id")
                    .detail(format!("{id} is neither."))
                    .accepted("the same request once the instance is Running or Stopped"));
            }
        }
        Member::Eni(id) if eni.kind == EniKind::Primary => {
            let refusal = Refusal::new(ErrorCode::GroupEniKindIncorrect).field("network_interface_id");
            let refusal = refusal.detail(format!("{id} is a primary interface."));
            return Err(match eni.instance {
                Some(instance) => refusal.accepted(format!("instance_id {instance}")),
                None => refusal,
            });
        }
        Member::Eni(id) => {
            if !matches!(eni.status, EniStatus::Available | EniStatus::InUse) {
                return Err(Refusal::new(ErrorCode::GroupEniStateIncorrect)
                    .field("network_interface_id")
                    .detail(format!("{id} is neither."))
                    .accepted("the same request once the interface is Available or InUse"));
            }
        }
    }
    Ok(())
}
