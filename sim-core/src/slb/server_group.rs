//! A vServer group: servers with ports and weights behind one load balancer, for listeners and forwarding rules to name.

use crate::access::{Caller, Owner};
use crate::command::Reply;
use crate::ecs::eni::count;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{ForwardingRuleId, ListenerId, LoadBalancerId, VServerGroupId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::slb::backend::{self, Backend, NewBackend, Server};
use crate::slb::backend_places::{check_attachments, check_quota};
use crate::slb::load_balancer::LoadBalancer;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A vServer group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VServerGroup {
    /// Its id.
    pub id: VServerGroupId,
    /// Whose it is.
    pub owner: Owner,
    /// Its load balancer, with which it goes.
    pub load_balancer: LoadBalancerId,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its members, in the order in which they came.
    pub backends: Vec<Backend>,
    /// When the last change of its members is carried out, or was; absent if no change took time.
    pub backends_applied: Option<SimTime>,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from vServer groups.
#[derive(Clone, Debug, Default)]
pub struct VServerGroupIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, VServerGroupId>,
    /// By load balancer.
    pub by_load_balancer: Groups<LoadBalancerId, VServerGroupId>,
    /// By server that is a member.
    pub by_server: Groups<Server, VServerGroupId>,
    /// How many members the groups of a load balancer have.
    pub backends: BTreeMap<LoadBalancerId, u64>,
}

impl Row for VServerGroup {
    type Key = VServerGroupId;
    type Index = VServerGroupIndex;

    fn key(&self) -> VServerGroupId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|g| g.id) else { return };
        let ix = &mut indexes.vserver_groups;
        ix.by_owner.shift(&id, old.map(|g| g.owner.clone()), new.map(|g| g.owner.clone()));
        ix.by_load_balancer.shift(&id, old.map(|g| g.load_balancer), new.map(|g| g.load_balancer));
        for backend in old.iter().flat_map(|g| &g.backends) {
            ix.by_server.remove(&backend.server, &id);
        }
        for backend in new.iter().flat_map(|g| &g.backends) {
            ix.by_server.insert(backend.server, id);
        }
        let held = |g: Option<&VServerGroup>| g.map(|g| (g.load_balancer, g.backends.len() as u64));
        count(&mut ix.backends, held(old).as_ref().map(|(id, n)| (id, *n)), false);
        count(&mut ix.backends, held(new).as_ref().map(|(id, n)| (id, *n)), true);
    }
}

impl Resource for VServerGroup {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The rule for a group's name.
pub const NAME: TextRule = TextRule {
    min: 1,
    max: 80,
    letter_first: false,
    field: "name",
    error: ErrorCode::VServerGroupNameMalformed,
};

/// Makes a vServer group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateVServerGroup {
    /// Its load balancer.
    pub load_balancer: LoadBalancerId,
    /// Its name: 1 to 80 characters.
    pub name: Option<CompactString>,
    /// Its first members: at most 40.
    pub backends: Vec<NewBackend>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreateVServerGroup`].
///
/// # Errors
/// The form of name, members and tags; an unknown load balancer or a locked one; an unknown server, one that does not
/// run, lies in another VPC or lacks the address; a member that is given twice; the quotas.
pub fn create(w: &mut World, caller: &Caller, c: &CreateVServerGroup) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    backend::check_form(&c.backends, true)?;
    let (quota, code) = (Quota::BackendsPerCall, ErrorCode::BackendListSize);
    quota.check(w, caller.account, 0, c.backends.len() as u64, code).map_err(|r| r.field("backends"))?;
    tag::check_balancing(&c.tags)?;
    let balancer = w.visible::<LoadBalancer>(caller, c.load_balancer)?;
    balancer.check_unlocked()?;
    let backends = backend::admit(w, caller, balancer, &c.backends)?;
    backend::check_apart(w, &[], &backends)?;
    check_quota(w, caller, balancer, backends.len())?;
    check_attachments(w, caller, &[], &backends)?;
    let (id, created) = (w.new_id::<VServerGroupId>(&caller.region)?, w.now());
    tag::put_all(w, &caller.into(), id, &c.tags);
    let (owner, load_balancer) = (caller.into(), c.load_balancer);
    w.put(VServerGroup { id, owner, load_balancer, name, backends, backends_applied: None, created });
    Ok(id.into())
}

/// Deletes a vServer group that nothing forwards to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteVServerGroup {
    /// The group.
    pub group: VServerGroupId,
}

/// Handles [`DeleteVServerGroup`].
///
/// # Errors
/// An unknown group, or one of a locked load balancer; one whose members are being changed; one to which a listener or a
/// forwarding rule sends requests.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteVServerGroup) -> Outcome<Reply> {
    let group = w.visible::<VServerGroup>(caller, c.group)?;
    w.visible::<LoadBalancer>(caller, group.load_balancer)?.check_unlocked()?;
    backend::check_applied(w, group.backends_applied, group.id, ErrorCode::VServerGroupProcessing)?;
    let users: Vec<ListenerId> = w.indexes().listeners.by_group.of(&c.group).copied().collect();
    if !users.is_empty() {
        return Err(Refusal::new(ErrorCode::VServerGroupInUse).field("vserver_group_id").blockers(users));
    }
    let rules: Vec<ForwardingRuleId> = w.indexes().forwarding_rules.by_group.of(&c.group).copied().collect();
    if !rules.is_empty() {
        return Err(Refusal::new(ErrorCode::VServerGroupInRule).field("vserver_group_id").blockers(rules));
    }
    erase(w, c.group);
    Ok(Reply::Done)
}

/// Takes a group and its tags out of the world.
pub(crate) fn erase(w: &mut World, group: VServerGroupId) {
    tag::clear(w, group);
    w.remove::<VServerGroup>(&group);
}
