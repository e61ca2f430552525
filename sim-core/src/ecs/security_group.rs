//! A security group: rules for the traffic of its member interfaces. Membership is the interfaces' (`Eni::groups`).
//!
//! A basic group lets its members reach each other unless told otherwise and can be the peer of rules; an enterprise
//! group isolates its members and holds many more (provider documentation: security group overview, 2026).

use crate::access::{Caller, Owner};
use crate::command::Reply;
use crate::ecs::group_filter::Compiled;
use crate::ecs::security_group_rule::SecurityGroupRule;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, ResourceGroupId, SecurityGroupId, SecurityGroupRuleId, VpcId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::vpc::vpc::Vpc;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub use crate::ecs::group_filter::evaluate;
pub use crate::ecs::membership::check_membership;

/// What sort of group it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// `normal` at the provider: members reach each other unless told otherwise; groups can be peers.
    Basic,
    /// `enterprise` at the provider: members are isolated; many more of them.
    Enterprise,
}

impl GroupKind {
    /// The provider's word: `normal` or `enterprise`.
    pub const fn text(self) -> &'static str {
        match self {
            GroupKind::Basic => "normal",
            GroupKind::Enterprise => "enterprise",
        }
    }

    /// Reads the provider's word.
    ///
    /// # Errors
    /// [`ErrorCode::SecurityGroupTypeInvalid`].
    pub fn parse(text: &str) -> Outcome<GroupKind> {
        match text {
            "normal" => Ok(GroupKind::Basic),
            "enterprise" => Ok(GroupKind::Enterprise),
            other => Err(Refusal::new(ErrorCode::SecurityGroupTypeInvalid)
                .field("type")
                .given(other)
                .accepted("normal or enterprise")),
        }
    }
}

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Its id.
    pub id: SecurityGroupId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// What sort it is.
    pub kind: GroupKind,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Whether members of a basic group reach each other.
    pub inner_access: bool,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from security groups.
#[derive(Clone, Debug, Default)]
pub struct SecurityGroupIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, SecurityGroupId>,
    /// By VPC.
    pub by_vpc: Groups<VpcId, SecurityGroupId>,
    /// Each group as sessions are judged by it: compiled by the first one after a change, never by a command.
    pub(crate) compiled: BTreeMap<SecurityGroupId, Compiled>,
}

/// Forgets the compiled rules of a group.
pub(crate) fn outdate(ix: &mut Indexes, group: SecurityGroupId) {
    if let Some(compiled) = ix.security_groups.compiled.get_mut(&group) {
        compiled.outdate();
    }
}

impl Row for SecurityGroup {
    type Key = SecurityGroupId;
    type Index = SecurityGroupIndex;

    fn key(&self) -> SecurityGroupId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|g| g.id) else { return };
        let ix = &mut indexes.security_groups;
        ix.by_owner.shift(&id, old.map(|g| g.owner.clone()), new.map(|g| g.owner.clone()));
        ix.by_vpc.shift(&id, old.map(|g| g.vpc), new.map(|g| g.vpc));
        match new {
            Some(group) => ix.compiled.insert(id, Compiled::new(group)),
            None => ix.compiled.remove(&id),
        };
    }
}

impl Resource for SecurityGroup {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The rule for a security group's name.
pub const NAME: TextRule = TextRule {
    min: 2,
    max: 128,
    letter_first: true,
    field: "name",
    error: ErrorCode::SecurityGroupNameMalformed,
};
/// The rule for a security group's description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 2,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::SecurityGroupDescriptionMalformed,
};

/// Makes a security group without rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateSecurityGroup {
    /// Its VPC. The provider made groups outside of a VPC in its classic network, which is gone; one must be given.
    pub vpc: Option<VpcId>,
    /// What sort it is.
    pub kind: GroupKind,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
    /// Its resource group; the account's default one if absent.
    pub resource_group: Option<ResourceGroupId>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreateSecurityGroup`].
///
/// # Errors
/// The form of name, description and tags; an absent or unknown VPC or one in transition; an unknown resource group;
/// [`ErrorCode::SecurityGroupQuotaExceeded`].
pub fn create(w: &mut World, caller: &Caller, c: &CreateSecurityGroup) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    tag::check(&c.tags)?;
    let vpc = c.vpc.ok_or_else(|| {
        let code = match c.kind {
            GroupKind::Basic => ErrorCode::SecurityGroupVpcMissing,
            GroupKind::Enterprise => ErrorCode::EnterpriseGroupVpcMissing,
        };
        Refusal::new(code).field("vpc_id").accepted("the id of a VPC")
    })?;
    let resource_group = crate::resource_group::resolve(w, caller, c.resource_group)?;
    w.visible::<Vpc>(caller, vpc)?.check_available()?;
    let owner = Owner::from(caller);
    let used = w.indexes().security_groups.by_owner.count(&owner);
    Quota::SecurityGroups.check(w, caller.account, used, 1, ErrorCode::SecurityGroupQuotaExceeded)?;
    let id = w.new_id::<SecurityGroupId>(&caller.region)?;
    let inner_access = c.kind == GroupKind::Basic;
    let created = w.now();
    tag::put_all(w, &caller.into(), id, &c.tags);
    w.put(SecurityGroup {
        id,
        owner,
        vpc,
        kind: c.kind,
        name,
        description,
        inner_access,
        resource_group,
        created,
    });
    Ok(id.into())
}

/// Changes a security group's name or description; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifySecurityGroup {
    /// The group.
    pub group: SecurityGroupId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
    /// Whether members of a basic group reach each other from now on.
    pub inner_access: Option<bool>,
}

/// Handles [`ModifySecurityGroup`].
///
/// # Errors
/// The form of the fields; an unknown group; [`ErrorCode::InnerAccessPolicyEnterprise`].
pub fn modify(w: &mut World, caller: &Caller, c: &ModifySecurityGroup) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    let group = w.visible::<SecurityGroup>(caller, c.group)?;
    if c.inner_access.is_some() && group.kind == GroupKind::Enterprise {
        return Err(Refusal::new(ErrorCode::InnerAccessPolicyEnterprise)
            .field("inner_access_policy")
            .detail(format!("{} is an enterprise group.", c.group)));
    }
    w.update::<SecurityGroup>(&c.group, |group| {
        if c.name.is_some() {
            group.name = name;
        }
        if c.description.is_some() {
            group.description = description;
        }
        group.inner_access = c.inner_access.unwrap_or(group.inner_access);
    });
    Ok(Reply::Done)
}

/// Reads the policy inside a group: `Accept` or `Drop`, whatever the case.
///
/// # Errors
/// [`ErrorCode::InnerAccessPolicyInvalid`].
pub fn parse_inner_access(text: &str) -> Outcome<bool> {
    match text.to_ascii_lowercase().as_str() {
        "accept" => Ok(true),
        "drop" => Ok(false),
        _ => Err(Refusal::new(ErrorCode::InnerAccessPolicyInvalid)
            .field("inner_access_policy")
            .given(text)
            .accepted("Accept or Drop")),
    }
}

/// Deletes a security group with its rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteSecurityGroup {
    /// The group.
    pub group: SecurityGroupId,
}

/// Handles [`DeleteSecurityGroup`].
///
/// # Errors
/// An unknown group; whatever still needs it, in the order of [`dependents`].
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteSecurityGroup) -> Outcome<Reply> {
    let group = w.visible::<SecurityGroup>(caller, c.group)?;
    if let Some((code, ids)) = dependents(w, group).into_iter().next() {
        return Err(Refusal::new(code).field("security_group_id").blockers(ids));
    }
    let rules: Vec<SecurityGroupRuleId> =
        w.indexes().security_group_rules.by_group.of(&c.group).map(|order| order.3).collect();
    for rule in rules {
        w.remove::<SecurityGroupRule>(&rule);
    }
    tag::clear(w, c.group);
    w.remove::<SecurityGroup>(&c.group);
    Ok(Reply::Done)
}

/// What keeps a security group from being deleted, in the order in which it is reported: its members, then the groups
/// whose rules name it.
pub fn dependents(w: &World, group: &SecurityGroup) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let residents = w.indexes().residents.by_group.of(&group.id).map(|&id| AnyId::from(id));
    let members = w.indexes().enis.by_group.of(&group.id).map(|&id| AnyId::from(id)).chain(residents);
    let referencing = referencing(w, group.id).into_iter().map(AnyId::from);
    [
        (ErrorCode::SecurityGroupHasMembers, members.collect::<Vec<_>>()),
        (ErrorCode::SecurityGroupReferenced, referencing.collect()),
    ]
    .into_iter()
    .filter(|(_, ids)| !ids.is_empty())
    .collect()
}

/// The groups whose rules name `group` as the peer.
pub fn referencing(w: &World, group: SecurityGroupId) -> BTreeSet<SecurityGroupId> {
    let rules = w.indexes().security_group_rules.by_peer.of(&group);
    rules.filter_map(|id| w.get::<SecurityGroupRule>(id)).map(|rule| rule.group).collect()
}

/// The provider's word for the policy inside a group; members of an enterprise group are always isolated.
pub const fn inner_access_text(group: &SecurityGroup) -> &'static str {
    if group.inner_access { "Accept" } else { "Drop" }
}
