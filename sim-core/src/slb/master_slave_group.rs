//! A primary/secondary group: two servers of which one serves while the other waits.
//!
//! It has one primary and one secondary member, or none if it was made without; its members cannot be changed. Only
//! TCP and UDP listeners forward to it. The primary alone is checked: while it is healthy it takes every new connection,
//! and while it is not, or is gone, the secondary does, which nobody checks (provider documentation:
//! CreateMasterSlaveServerGroup, primary/secondary server groups, 2021).

use crate::access::{Caller, Owner};
use crate::command::Reply;
use crate::ecs::eni::count;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{ListenerId, LoadBalancerId, MasterSlaveGroupId};
use crate::name::TextRule;
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

/// What a member of a primary/secondary group is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It takes every new connection while it is healthy.
    Primary,
    /// It does while the primary one does not.
    Secondary,
}

impl Role {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            Role::Primary => "Master",
            Role::Secondary => "Slave",
        }
    }

    /// The native wire's word.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Primary => "primary",
            Role::Secondary => "secondary",
        }
    }

    /// Reads the provider's word: a primary member if nothing is said.
    ///
    /// # Errors
    /// [`ErrorCode::MasterSlaveRoleUnknown`].
    pub fn parse(text: Option<&str>) -> Outcome<Role> {
        match text {
            None | Some("Master") => Ok(Role::Primary),
            Some("Slave") => Ok(Role::Secondary),
            Some(other) => Err(Refusal::new(ErrorCode::MasterSlaveRoleUnknown)
                .field("server_type")
                .given(other)
                .accepted("Master or Slave")),
        }
    }
}

/// A primary/secondary group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterSlaveGroup {
    /// Its id.
    pub id: MasterSlaveGroupId,
    /// Whose it is.
    pub owner: Owner,
    /// Its load balancer, with which it goes.
    pub load_balancer: LoadBalancerId,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// The member that serves; absent if the group was made empty, or once its server is gone.
    pub primary: Option<Backend>,
    /// The member that waits; absent as the primary one.
    pub secondary: Option<Backend>,
    /// When it was made.
    pub created: SimTime,
}

impl MasterSlaveGroup {
    /// Its members, the primary one first.
    pub fn members(&self) -> impl Iterator<Item = (Role, &Backend)> {
        let primary = self.primary.iter().map(|backend| (Role::Primary, backend));
        primary.chain(self.secondary.iter().map(|backend| (Role::Secondary, backend)))
    }
}

/// What is derived from primary/secondary groups.
#[derive(Clone, Debug, Default)]
pub struct MasterSlaveGroupIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, MasterSlaveGroupId>,
    /// By load balancer.
    pub by_load_balancer: Groups<LoadBalancerId, MasterSlaveGroupId>,
    /// By server that is a member.
    pub by_server: Groups<Server, MasterSlaveGroupId>,
    /// How many members the groups of a load balancer have.
    pub backends: BTreeMap<LoadBalancerId, u64>,
}

impl Row for MasterSlaveGroup {
    type Key = MasterSlaveGroupId;
    type Index = MasterSlaveGroupIndex;

    fn key(&self) -> MasterSlaveGroupId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|g| g.id) else { return };
        let ix = &mut indexes.master_slave_groups;
        ix.by_owner.shift(&id, old.map(|g| g.owner.clone()), new.map(|g| g.owner.clone()));
        ix.by_load_balancer.shift(&id, old.map(|g| g.load_balancer), new.map(|g| g.load_balancer));
        for (_, backend) in old.iter().flat_map(|g| g.members()) {
            ix.by_server.remove(&backend.server, &id);
        }
        for (_, backend) in new.iter().flat_map(|g| g.members()) {
            ix.by_server.insert(backend.server, id);
        }
        let held = |g: Option<&MasterSlaveGroup>| g.map(|g| (g.load_balancer, g.members().count() as u64));
        count(&mut ix.backends, held(old).as_ref().map(|(id, n)| (id, *n)), false);
        count(&mut ix.backends, held(new).as_ref().map(|(id, n)| (id, *n)), true);
    }
}

impl Resource for MasterSlaveGroup {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The rule for a group's name: that of a vServer group (provider documentation: server groups).
pub const NAME: TextRule =
    TextRule { error: ErrorCode::MasterSlaveGroupNameMalformed, ..crate::slb::server_group::NAME };

/// A member that comes with its group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRoleMember {
    /// Whether it serves or waits.
    pub role: Role,
    /// Which one, and its weight and description.
    pub backend: NewBackend,
}

/// Makes a primary/secondary group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateMasterSlaveGroup {
    /// Its load balancer.
    pub load_balancer: LoadBalancerId,
    /// Its name: 1 to 80 characters.
    pub name: Option<CompactString>,
    /// Its members: a primary one and a secondary one, or none for a group that stays empty.
    pub members: Vec<NewRoleMember>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreateMasterSlaveGroup`].
///
/// # Errors
/// The form of name, members and tags; members that are not one of each role; an unknown load balancer or a locked one; an
/// unknown server, one that does not run, lies in another VPC or lacks the address; one server and port twice; the quotas.
pub fn create(w: &mut World, caller: &Caller, c: &CreateMasterSlaveGroup) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    check_roles(&c.members)?;
    let new: Vec<NewBackend> = c.members.iter().map(|member| member.backend.clone()).collect();
    if let Some(at) = new.iter().position(|new| new.member.port.is_none()) {
        let field = format!("{}/port", c.members[at].role.word());
        return Err(Refusal::new(ErrorCode::MasterSlavePortMissing).field(field).accepted("1 to 65535"));
    }
    backend::check_form(&new, true).map_err(|refusal| by_role(refusal, &c.members))?;
    tag::check_balancing(&c.tags)?;
    let balancer = w.visible::<LoadBalancer>(caller, c.load_balancer)?;
    balancer.check_unlocked()?;
    let backends = backend::admit(w, caller, balancer, &new).map_err(|r| by_role(r, &c.members))?;
    backend::check_apart(w, &[], &backends).map_err(|_| {
        let refusal = Refusal::new(ErrorCode::MasterSlaveRepeated).field(c.members[1].role.word());
        refusal.accepted("another server, or another port")
    })?;
    check_quota(w, caller, balancer, backends.len())?;
    check_attachments(w, caller, &[], &backends).map_err(|r| by_role(r, &c.members))?;
    let (id, created) = (w.new_id::<MasterSlaveGroupId>(&caller.region)?, w.now());
    tag::put_all(w, &caller.into(), id, &c.tags);
    let (owner, load_balancer) = (caller.into(), c.load_balancer);
    let (mut primary, mut secondary) = (None, None);
    for (member, backend) in c.members.iter().zip(backends) {
        match member.role {
            Role::Primary => primary = Some(backend),
            Role::Secondary => secondary = Some(backend),
        }
    }
    w.put(MasterSlaveGroup { id, owner, load_balancer, name, primary, secondary, created });
    Ok(id.into())
}

/// A group has a member of each role, or none at all.
fn check_roles(members: &[NewRoleMember]) -> Outcome<()> {
    match members {
        [] => Ok(()),
        [one, other] if one.role != other.role => Ok(()),
        [one, other] => Err(Refusal::new(ErrorCode::MasterSlaveRoles)
            .field(other.role.word())
            .detail(format!("Both are {}.", one.role.text()))
            .accepted("one Master and one Slave")),
        _ => Err(Refusal::new(ErrorCode::MasterSlaveMembers)
            .field("secondary")
            .detail(format!("{} were given.", members.len()))
            .accepted("two, or none")),
    }
}

/// A refusal that names a member by its place, or as what stands in the way, names it by its role.
fn by_role(refusal: Refusal, members: &[NewRoleMember]) -> Refusal {
    let field = refusal.details().field.clone().unwrap_or_default();
    let named = members.iter().enumerate().find_map(|(at, member)| {
        let rest = match field.strip_prefix("backends")? {
            "" => refusal.details().blockers.contains(&member.backend.member.server.id()).then_some("")?,
            rest => rest.strip_prefix(&format!("/{at}"))?,
        };
        Some(format!("{}{rest}", member.role.word()))
    });
    match named {
        Some(named) => refusal.field(named),
        None => refusal,
    }
}

/// Deletes a primary/secondary group that nothing forwards to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteMasterSlaveGroup {
    /// The group.
    pub group: MasterSlaveGroupId,
}

/// Handles [`DeleteMasterSlaveGroup`].
///
/// # Errors
/// An unknown group, or one of a locked load balancer; one to which a listener forwards.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteMasterSlaveGroup) -> Outcome<Reply> {
    let group = w.visible::<MasterSlaveGroup>(caller, c.group)?;
    w.visible::<LoadBalancer>(caller, group.load_balancer)?.check_unlocked()?;
    let users: Vec<ListenerId> = w.indexes().listeners.by_pair.of(&c.group).copied().collect();
    if !users.is_empty() {
        return Err(Refusal::new(ErrorCode::MasterSlaveGroupInUse)
            .field("master_slave_server_group_id")
            .blockers(users));
    }
    erase(w, c.group);
    Ok(Reply::Done)
}

/// Takes a group and its tags out of the world.
pub(crate) fn erase(w: &mut World, group: MasterSlaveGroupId) {
    tag::clear(w, group);
    w.remove::<MasterSlaveGroup>(&group);
}

/// Takes a server that goes out of every group.
pub(crate) fn forget(w: &mut World, server: Server) {
    let groups: Vec<MasterSlaveGroupId> =
        w.indexes().master_slave_groups.by_server.of(&server).copied().collect();
    for id in groups {
        w.update::<MasterSlaveGroup>(&id, |group| {
            for member in [&mut group.primary, &mut group.secondary] {
                if member.as_ref().is_some_and(|backend| backend.server == server) {
                    *member = None;
                }
            }
        });
    }
}

/// How often a server is a member of groups.
pub(crate) fn attachments(w: &World, server: Server) -> usize {
    let groups = w.indexes().master_slave_groups.by_server.of(&server);
    let members = groups.filter_map(|id| w.get::<MasterSlaveGroup>(id)).flat_map(MasterSlaveGroup::members);
    members.filter(|(_, backend)| backend.server == server).count()
}

/// The members of all groups of a load balancer.
pub(crate) fn members_of(w: &World, balancer: LoadBalancerId) -> impl Iterator<Item = &Backend> {
    let groups = w.indexes().master_slave_groups.by_load_balancer.of(&balancer);
    let rows = groups.filter_map(|id| w.get::<MasterSlaveGroup>(id));
    rows.flat_map(|group| group.members().map(|(_, backend)| backend))
}
