//! An access control list: networks whose clients listeners of load balancers let in (white list) or keep out (black list).
//!
//! A list has one address family and no order: a listener that uses it says which of the two it is. It is judged by the
//! client's own address, before a backend is chosen (provider documentation: access control, 2021).

use crate::access::{Caller, Owner};
use crate::cidr::Cidr;
use crate::command::Reply;
use crate::ecs::prefix_list::AddressFamily;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AccessControlListId, ListenerId, ResourceGroupId};
use crate::quota::Quota;
use crate::resource::Resource;
use crate::slb::listener_access;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// An access control list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessControlList {
    /// Its id.
    pub id: AccessControlListId,
    /// Whose it is.
    pub owner: Owner,
    /// Its name.
    pub name: CompactString,
    /// The family of its networks.
    pub family: AddressFamily,
    /// Its entries, oldest first.
    pub entries: Vec<AclEntry>,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// When it was made.
    pub created: SimTime,
}

/// A network of an access control list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclEntry {
    /// The network.
    pub block: Cidr,
    /// What is said about it; empty if nothing is.
    pub comment: CompactString,
}

/// What a listener uses a list for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AclKind {
    /// Only clients in the list are let in.
    White,
    /// Clients in the list are kept out.
    Black,
}

impl AclKind {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            AclKind::White => "white",
            AclKind::Black => "black",
        }
    }

    /// Reads the provider's word.
    pub fn parse(text: &str) -> Option<AclKind> {
        [AclKind::White, AclKind::Black].into_iter().find(|kind| kind.text() == text)
    }

    /// Whether lists that are used so let a client in. `named` says whether one of them names it, `empty` whether none has
    /// an entry: white ones without any let everybody in, as the interface says, or nobody, as the guide says, which
    /// `empty_white_admits` tells (see [`crate::settings::Disputed`]).
    pub const fn lets_in(self, named: bool, empty: bool, empty_white_admits: bool) -> bool {
        match self {
            AclKind::White if empty => empty_white_admits,
            AclKind::White => named,
            AclKind::Black => !named,
        }
    }
}

/// What is derived from access control lists.
#[derive(Clone, Debug, Default)]
pub struct AccessControlListIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, AccessControlListId>,
}

impl Row for AccessControlList {
    type Key = AccessControlListId;
    type Index = AccessControlListIndex;

    fn key(&self) -> AccessControlListId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|acl| acl.id) else { return };
        let ix = &mut indexes.access_control_lists;
        ix.by_owner.shift(&id, old.map(|acl| acl.owner.clone()), new.map(|acl| acl.owner.clone()));
    }
}

impl Resource for AccessControlList {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl AccessControlList {
    /// The narrowest network of the list that holds an address.
    pub fn names(&self, source: IpAddr) -> Option<Cidr> {
        let holding =
            self.entries.iter().map(|entry| entry.block).filter(|block| block.contains_address(source));
        holding.max_by_key(|block| block.prefix_len())
    }
}

/// Whether a listener that uses a list as `kind` lets a client in (see [`AclKind::lets_in`]).
pub fn admits(w: &World, acl: &AccessControlList, kind: AclKind, source: IpAddr) -> bool {
    let empty_white_admits = w.settings().disputed.empty_white_list_admits;
    kind.lets_in(acl.names(source).is_some(), acl.entries.is_empty(), empty_white_admits)
}

/// The most entries that one call adds (provider documentation: AddAccessControlListEntry).
pub const ENTRIES_PER_CALL: usize = 50;
/// The longest comment: the provider publishes no figure, so this is ours.
const COMMENT: usize = 100;

fn check_name(name: &str) -> Outcome<CompactString> {
    let count = name.chars().count();
    let plain = |c: char| c.is_alphanumeric() || "-/._".contains(c);
    if (1..=80).contains(&count) && name.chars().all(plain) {
        return Ok(name.into());
    }
    Err(Refusal::new(ErrorCode::AclNameMalformed)
        .field("name")
        .detail(format!("{:?} was given, of {count} characters.", name.chars().take(64).collect::<String>()))
        .accepted("1 to 80 letters, digits and - / . _"))
}

/// Reads the network of an entry; an address without a mask is a network of its own.
///
/// # Errors
/// [`ErrorCode::AclEntryMalformed`] with the form that would pass.
pub fn parse_entry(text: &str) -> Outcome<Cidr> {
    Cidr::parse_or_host(text).map_err(|e| {
        let accepted =
            e.suggestion.map_or_else(|| "a network such as 10.0.0.0/16".to_owned(), |b| b.to_string());
        let refusal = Refusal::new(ErrorCode::AclEntryMalformed).field("entries/cidr");
        refusal.detail(format!("{e}.")).accepted(accepted)
    })
}

/// Checks the form of entries that are to be added.
fn check_entries(entries: &[AclEntry]) -> Outcome<()> {
    if entries.len() > ENTRIES_PER_CALL {
        return Err(Refusal::new(ErrorCode::AclEntriesPerCall)
            .field("entries")
            .detail(format!("{} were given.", entries.len()))
            .accepted(format!("1 to {ENTRIES_PER_CALL} in a call")));
    }
    let mut seen = BTreeSet::new();
    for (at, entry) in entries.iter().enumerate() {
        let count = entry.comment.chars().count();
        if count > COMMENT || entry.comment.chars().any(char::is_control) {
            return Err(Refusal::new(ErrorCode::AclCommentMalformed)
                .field(format!("entries/{at}/comment"))
                .detail(format!("It has {count} characters."))
                .accepted(format!("at most {COMMENT} characters without control characters")));
        }
        if !seen.insert(entry.block) {
            return Err(exists(at, format!("{} stands twice in the request.", entry.block)));
        }
    }
    Ok(())
}

fn exists(at: usize, detail: String) -> Refusal {
    Refusal::new(ErrorCode::AclEntryExists).field(format!("entries/{at}/cidr")).detail(detail)
}

fn check_family(family: AddressFamily, entries: &[AclEntry]) -> Outcome<()> {
    match entries.iter().position(|entry| !family.admits(entry.block)) {
        None => Ok(()),
        Some(at) => Err(Refusal::new(ErrorCode::AclEntryFamily)
            .field(format!("entries/{at}/cidr"))
            .detail(format!("{} is not {}.", entries[at].block, family.text()))
            .accepted(format!("{} networks", family.text()))),
    }
}

/// Makes an access control list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateAccessControlList {
    /// Its name.
    pub name: CompactString,
    /// The family of its networks.
    pub family: AddressFamily,
    /// Its entries.
    pub entries: Vec<AclEntry>,
    /// Its resource group; the account's default one if absent.
    pub resource_group: Option<ResourceGroupId>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreateAccessControlList`].
///
/// # Errors
/// The form of name, entries and tags; an unknown region or resource group; entries of another family;
/// [`ErrorCode::AclQuotaExceeded`], [`ErrorCode::AclEntryQuotaExceeded`].
pub fn create(w: &mut World, caller: &Caller, c: &CreateAccessControlList) -> Outcome<Reply> {
    let name = check_name(&c.name)?;
    tag::check_balancing(&c.tags)?;
    check_entries(&c.entries)?;
    check_family(c.family, &c.entries)?;
    crate::region::check(w, &caller.region)?;
    let resource_group = crate::resource_group::resolve(w, caller, c.resource_group)?;
    let owner = Owner::from(caller);
    let used = w.indexes().access_control_lists.by_owner.count(&owner);
    Quota::AccessControlLists.check(w, caller.account, used, 1, ErrorCode::AclQuotaExceeded)?;
    check_count(w, caller, 0, c.entries.len())?;
    let id = w.new_id::<AccessControlListId>(&caller.region)?;
    tag::put_all(w, &owner, id, &c.tags);
    let (family, entries, created) = (c.family, c.entries.clone(), w.now());
    w.put(AccessControlList { id, owner, name, family, entries, resource_group, created });
    Ok(id.into())
}

fn check_count(w: &World, caller: &Caller, used: usize, more: usize) -> Outcome<()> {
    let full = ErrorCode::AclEntryQuotaExceeded;
    Quota::AccessControlListEntries
        .check(w, caller.account, used as u64, more as u64, full)
        .map_err(|refusal| refusal.field("entries"))
}

/// Changes an access control list; absent fields stay. Entries go before others come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyAccessControlList {
    /// The list.
    pub acl: AccessControlListId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Entries that come.
    pub add: Vec<AclEntry>,
    /// Networks that go; those that are not there are passed over.
    pub remove: Vec<Cidr>,
}

/// Handles [`ModifyAccessControlList`].
///
/// # Errors
/// The form of name and entries; an unknown list; entries of another family or already there, be it in another list of a
/// listener; [`ErrorCode::AclEntryQuotaExceeded`].
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyAccessControlList) -> Outcome<Reply> {
    let name = c.name.as_deref().map(check_name).transpose()?;
    check_entries(&c.add)?;
    let acl = w.visible::<AccessControlList>(caller, c.acl)?;
    check_family(acl.family, &c.add)?;
    let gone: BTreeSet<Cidr> = c.remove.iter().copied().collect();
    let mut entries: Vec<AclEntry> =
        acl.entries.iter().filter(|e| !gone.contains(&e.block)).cloned().collect();
    let kept: BTreeSet<Cidr> = entries.iter().map(|entry| entry.block).collect();
    if let Some(at) = c.add.iter().position(|entry| kept.contains(&entry.block)) {
        return Err(exists(at, format!("{} has {} already.", c.acl, c.add[at].block)));
    }
    check_count(w, caller, entries.len(), c.add.len())?;
    listener_access::check_growth(w, caller, c.acl, &c.add, (acl.entries.len() - entries.len()) as u64)?;
    entries.extend(c.add.iter().cloned());
    w.update::<AccessControlList>(&c.acl, |acl| {
        if let Some(name) = name {
            acl.name = name;
        }
        acl.entries = entries;
    });
    Ok(Reply::Done)
}

/// Deletes an access control list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteAccessControlList {
    /// The list.
    pub acl: AccessControlListId,
}

/// Handles [`DeleteAccessControlList`].
///
/// # Errors
/// An unknown list, or one that a listener uses.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteAccessControlList) -> Outcome<Reply> {
    w.visible::<AccessControlList>(caller, c.acl)?;
    let users: Vec<ListenerId> = listener_access::using(w, c.acl).collect();
    if !users.is_empty() {
        return Err(Refusal::new(ErrorCode::AclInUse).field("access_control_list_id").blockers(users));
    }
    tag::clear(w, c.acl);
    w.remove::<AccessControlList>(&c.acl);
    Ok(Reply::Done)
}
