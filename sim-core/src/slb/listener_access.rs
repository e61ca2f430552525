//! Which sources a listener lets through: access control lists, white or black.

use crate::access::Caller;
use crate::cidr::Cidr;
use crate::ecs::prefix_list::AddressFamily;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AccessControlListId, ListenerId};
use crate::quota::Quota;
use crate::slb::acl::{AccessControlList, AclEntry, AclKind};
use crate::slb::listener::Listener;
use crate::slb::load_balancer::LoadBalancer;
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The access control of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Whether it is in force.
    pub on: bool,
    /// The lists: one to three.
    pub acls: Vec<AccessControlListId>,
    /// Which sources it lets through.
    pub kind: AclKind,
}

/// What the access control of a listener makes of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessVerdict {
    /// Which lists they are.
    pub kind: AclKind,
    /// Whether the client is let in.
    pub allowed: bool,
    /// The first list that names the client, if one does.
    pub named_by: Option<AccessControlListId>,
}

impl Access {
    /// Judges a client by its own address: the lists count as one (see [`AclKind::lets_in`]).
    pub fn judge(&self, w: &World, client: IpAddr) -> AccessVerdict {
        let lists = || self.acls.iter().filter_map(|id| w.get::<AccessControlList>(id));
        let named_by = lists().find(|acl| acl.names(client).is_some()).map(|acl| acl.id);
        let empty = lists().all(|acl| acl.entries.is_empty());
        let empty_white_admits = w.settings().disputed.empty_white_list_admits;
        let allowed = self.kind.lets_in(named_by.is_some(), empty, empty_white_admits);
        AccessVerdict { kind: self.kind, allowed, named_by }
    }

    /// The networks that its lists name.
    pub(crate) fn networks(&self, w: &World) -> Vec<Cidr> {
        self.acls.iter().flat_map(|id| entries_of(w, *id)).map(|entry| entry.block).collect()
    }
}

/// What is asked of the access control; absent fields stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessSettings {
    /// Whether it is in force.
    pub on: Option<bool>,
    /// The lists; none of them takes away those that are there, so that they can be deleted.
    pub acls: Option<Vec<AccessControlListId>>,
    /// Which sources it lets through.
    pub kind: Option<AclKind>,
}

/// The most access control lists of a listener.
const MOST_ACLS: usize = 3;

/// The access control as it will be: with lists that are there, of the family of the load balancer's address, without an entry
/// in common, within the quotas (provider documentation: access control, 2021). To switch it off leaves the lists where they
/// are, as the tests of the provider's Terraform provider expect; only an empty list of lists takes them away.
pub(crate) fn take_access(
    w: &World,
    caller: &Caller,
    balancer: &LoadBalancer,
    old: Option<&Access>,
    asked: &AccessSettings,
) -> Outcome<Option<Access>> {
    let on = asked.on.unwrap_or(old.is_some_and(|old| old.on));
    let acls = asked.acls.clone().or(old.map(|old| old.acls.clone())).unwrap_or_default();
    let kind = asked.kind.or(old.map(|old| old.kind));
    let missing = |field| Refusal::new(ErrorCode::ListenerParameterMissing).field(field);
    if on && acls.is_empty() {
        return Err(missing("acl_id").accepted("the id of an access control list"));
    }
    if on && kind.is_none() {
        return Err(missing("acl_type").accepted("white or black"));
    }
    if acls.len() > MOST_ACLS {
        let detail = format!("{} were given.", acls.len());
        return Err(Refusal::new(ErrorCode::ListenerAcls).field("acl_id").detail(detail).accepted("1 to 3"));
    }
    for &id in &acls {
        let acl = w.visible::<AccessControlList>(caller, id)?;
        if (acl.family == AddressFamily::Ipv4) != balancer.address.is_ipv4() {
            return Err(Refusal::new(ErrorCode::ListenerAclFamily)
                .field("acl_id")
                .detail(format!("{id} is of the other address family than {}.", balancer.id)));
        }
    }
    check_together(w, &acls)?;
    let before = old.map_or(&[][..], |old| &old.acls);
    for id in acls.iter().filter(|id| !before.contains(id)) {
        let used = w.indexes().listeners.by_acl.count(id);
        Quota::ListenersPerAccessControlList
            .check(w, caller.account, used, 1, ErrorCode::ListenerAclQuotaExceeded)
            .map_err(|refusal| refusal.field("acl_id"))?;
    }
    let entries = acls.iter().map(|id| entry_count(w, *id)).sum();
    Quota::AclEntriesPerListener
        .check(w, caller.account, 0, entries, ErrorCode::ListenerAclEntriesExceeded)
        .map_err(|refusal| refusal.field("acl_id"))?;
    Ok(kind.filter(|_| !acls.is_empty()).map(|kind| Access { on, acls, kind }))
}

/// Lists that a listener uses together are others, and have no entry in common.
fn check_together(w: &World, acls: &[AccessControlListId]) -> Outcome<()> {
    let mut seen = BTreeMap::new();
    for (id, entry) in acls.iter().flat_map(|id| entries_of(w, *id).iter().map(move |entry| (id, entry))) {
        if let Some(other) = seen.insert(entry.block, id) {
            return Err(Refusal::new(ErrorCode::ListenerAclEntryTwice)
                .field("acl_id")
                .detail(format!("{other} and {id} both have {}.", entry.block))
                .blockers([*other]));
        }
    }
    Ok(())
}

fn entries_of(w: &World, acl: AccessControlListId) -> &[AclEntry] {
    w.get::<AccessControlList>(&acl).map_or(&[], |acl| &acl.entries)
}

fn entry_count(w: &World, acl: AccessControlListId) -> u64 {
    entries_of(w, acl).len() as u64
}

/// How many entries the lists of a listener have together.
pub fn entries(w: &World, listener: &Listener) -> u64 {
    let acls = listener.access.iter().flat_map(|access| &access.acls);
    acls.map(|acl| entry_count(w, *acl)).sum()
}

/// Checks entries that come to a list against the other lists of the listeners that use it, after `gone` left it.
pub(crate) fn check_growth(
    w: &World,
    caller: &Caller,
    acl: AccessControlListId,
    add: &[AclEntry],
    gone: u64,
) -> Outcome<()> {
    for listener in using(w, acl).filter_map(|id| w.get::<Listener>(&id)) {
        let others = listener.access.iter().flat_map(|access| &access.acls).filter(|other| **other != acl);
        let there: BTreeSet<Cidr> =
            others.flat_map(|other| entries_of(w, *other)).map(|entry| entry.block).collect();
        if let Some(at) = add.iter().position(|entry| there.contains(&entry.block)) {
            return Err(Refusal::new(ErrorCode::AclEntryExists)
                .field(format!("entries/{at}/cidr"))
                .detail(format!("Another list of {} has {}.", listener.id, add[at].block))
                .blockers([listener.id]));
        }
        let used = entries(w, listener) - gone;
        Quota::AclEntriesPerListener
            .check(w, caller.account, used, add.len() as u64, ErrorCode::AclEntryQuotaExceeded)
            .map_err(|refusal| refusal.field("entries"))?;
    }
    Ok(())
}

/// The listeners that use an access control list.
pub fn using(w: &World, acl: AccessControlListId) -> impl Iterator<Item = ListenerId> {
    w.indexes().listeners.by_acl.of(&acl).copied()
}
