//! A prefix list: blocks of one address family under one id, for rules to name.
//!
//! A consumer's quota counts MaxEntries, not the entries that are there (provider documentation: ECS limits, 2026).

use crate::access::{Caller, Owner};
use crate::cidr::Cidr;
use crate::command::Reply;
use crate::ecs::{rule_quota, security_group};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, PrefixListId, ResourceGroupId, SecurityGroupId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The address family of a prefix list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressFamily {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl AddressFamily {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            AddressFamily::Ipv4 => "IPv4",
            AddressFamily::Ipv6 => "IPv6",
        }
    }

    /// Reads the provider's word.
    ///
    /// # Errors
    /// [`ErrorCode::PrefixListFamilyInvalid`].
    pub fn parse(text: &str) -> Outcome<AddressFamily> {
        match text {
            "IPv4" => Ok(AddressFamily::Ipv4),
            "IPv6" => Ok(AddressFamily::Ipv6),
            other => Err(Refusal::new(ErrorCode::PrefixListFamilyInvalid)
                .field("address_family")
                .given(other)
                .accepted("IPv4 or IPv6")),
        }
    }

    /// Whether a block is of this family.
    pub fn admits(self, cidr: Cidr) -> bool {
        cidr.is_v4() == (self == AddressFamily::Ipv4)
    }
}

/// A block of a prefix list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixListEntry {
    /// The block.
    pub cidr: Cidr,
    /// Its description; empty if it has none.
    pub description: CompactString,
}

/// A prefix list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixList {
    /// Its id.
    pub id: PrefixListId,
    /// Whose it is.
    pub owner: Owner,
    /// Its name.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// The family of its blocks.
    pub family: AddressFamily,
    /// How many entries it may hold: 1 to 200.
    pub max_entries: u32,
    /// Its entries, oldest first.
    pub entries: Vec<PrefixListEntry>,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from prefix lists.
#[derive(Clone, Debug, Default)]
pub struct PrefixListIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, PrefixListId>,
}

impl Row for PrefixList {
    type Key = PrefixListId;
    type Index = PrefixListIndex;

    fn key(&self) -> PrefixListId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|l| l.id) else { return };
        let users: Vec<SecurityGroupId> = indexes.security_group_rules.by_list.of(&id).copied().collect();
        users.into_iter().for_each(|group| security_group::outdate(indexes, group));
        let ix = &mut indexes.prefix_lists;
        ix.by_owner.shift(&id, old.map(|l| l.owner.clone()), new.map(|l| l.owner.clone()));
    }
}

impl Resource for PrefixList {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

const NAME: TextRule = TextRule {
    min: 2,
    max: 128,
    letter_first: true,
    field: "name",
    error: ErrorCode::PrefixListNameMalformed,
};
const DESCRIPTION: TextRule = TextRule {
    min: 2,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::PrefixListDescriptionMalformed,
};
const ENTRY_DESCRIPTION: TextRule = TextRule {
    min: 2,
    max: 32,
    letter_first: false,
    field: "entries/description",
    error: ErrorCode::PrefixListEntryDescriptionMalformed,
};

/// Reads the block of an entry.
///
/// # Errors
/// [`ErrorCode::PrefixListCidrMalformed`] with the form that would pass.
pub fn parse_cidr(text: &str) -> Outcome<Cidr> {
    text.parse::<Cidr>().map_err(|e| {
        let refusal =
            Refusal::new(ErrorCode::PrefixListCidrMalformed).field("entries/cidr").detail(format!("{e}."));
        let accepted =
            e.suggestion.map_or_else(|| "a block such as 10.0.0.0/16".to_owned(), |block| block.to_string());
        refusal.accepted(accepted)
    })
}

/// Checks a name that must be there.
fn check_name(name: &str) -> Outcome<CompactString> {
    let banned = ["com.aliyun", "com.alibabacloud"].iter().find(|prefix| name.starts_with(**prefix));
    let reason = match banned {
        Some(prefix) => format!("It starts with {prefix}."),
        None if name.is_empty() => "It is empty.".to_owned(),
        None => return NAME.check(Some(name)),
    };
    Err(Refusal::new(NAME.error).field(NAME.field).detail(reason).accepted("a name such as offices"))
}

/// Checks the form of entries that are to be added.
fn check_entries(entries: &[PrefixListEntry]) -> Outcome<()> {
    let mut seen = BTreeSet::new();
    for (at, entry) in entries.iter().enumerate() {
        ENTRY_DESCRIPTION
            .check(Some(&entry.description))
            .map_err(|r| r.field(format!("entries/{at}/description")))?;
        if !seen.insert(entry.cidr) {
            return Err(Refusal::new(ErrorCode::PrefixListCidrDuplicated)
                .field(format!("entries/{at}/cidr"))
                .detail(format!("{} stands twice in the request.", entry.cidr)));
        }
    }
    Ok(())
}

fn check_family(family: AddressFamily, entries: &[PrefixListEntry]) -> Outcome<()> {
    match entries.iter().position(|entry| !family.admits(entry.cidr)) {
        None => Ok(()),
        Some(at) => Err(Refusal::new(ErrorCode::PrefixListCidrMalformed)
            .field(format!("entries/{at}/cidr"))
            .detail(format!("{} is not {}.", entries[at].cidr, family.text()))
            .accepted(format!("{} blocks", family.text()))),
    }
}

fn check_max_entries(w: &World, caller: &Caller, wanted: u32) -> Outcome<()> {
    let limit = Quota::PrefixListEntries.limit(w, caller.account);
    if wanted >= 1 && u64::from(wanted) <= limit {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::PrefixListMaxEntriesInvalid)
        .field("max_entries")
        .detail(format!("{wanted} was given."))
        .accepted(Quota::PrefixListEntries.range_from_one(w, caller.account, Some(u32::MAX.into()))))
}

fn check_count(max_entries: u32, count: usize) -> Outcome<()> {
    if count as u64 <= u64::from(max_entries) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::PrefixListFull)
        .field("entries")
        .detail(format!("It would hold {count}, and its MaxEntries is {max_entries}.")))
}

/// Makes a prefix list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatePrefixList {
    /// Its name.
    pub name: CompactString,
    /// Its description.
    pub description: Option<CompactString>,
    /// The family of its blocks.
    pub family: AddressFamily,
    /// How many entries it may hold: 1 to 200.
    pub max_entries: u32,
    /// Its entries.
    pub entries: Vec<PrefixListEntry>,
    /// Its resource group; the account's default one if absent.
    pub resource_group: Option<ResourceGroupId>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreatePrefixList`].
///
/// # Errors
/// The form of the fields; more entries than MaxEntries; the region; an unknown resource group;
/// [`ErrorCode::PrefixListQuotaExceeded`].
pub fn create(w: &mut World, caller: &Caller, c: &CreatePrefixList) -> Outcome<Reply> {
    let name = check_name(&c.name)?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    tag::check(&c.tags)?;
    check_max_entries(w, caller, c.max_entries)?;
    check_entries(&c.entries)?;
    check_family(c.family, &c.entries)?;
    check_count(c.max_entries, c.entries.len())?;
    crate::region::check(w, &caller.region)?;
    let resource_group = crate::resource_group::resolve(w, caller, c.resource_group)?;
    let owner = Owner::from(caller);
    let used = w.indexes().prefix_lists.by_owner.count(&owner);
    Quota::PrefixLists.check(w, caller.account, used, 1, ErrorCode::PrefixListQuotaExceeded)?;
    let id = w.new_id::<PrefixListId>(&caller.region)?;
    tag::put_all(w, &caller.into(), id, &c.tags);
    let created = w.now();
    let (family, max_entries, entries) = (c.family, c.max_entries, c.entries.clone());
    w.put(PrefixList { id, owner, name, description, family, max_entries, entries, resource_group, created });
    Ok(id.into())
}

/// Changes a prefix list; absent fields stay. Entries go before others come, so that a block can be given another
/// description in one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyPrefixList {
    /// The list.
    pub list: PrefixListId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
    /// How many entries it may hold from now on.
    pub max_entries: Option<u32>,
    /// Entries that come.
    pub add: Vec<PrefixListEntry>,
    /// Blocks that go; those that are not there are passed over.
    pub remove: Vec<Cidr>,
}

/// Handles [`ModifyPrefixList`].
///
/// # Errors
/// The form of the fields; an unknown list; blocks of another family or already there; more entries than MaxEntries;
/// a MaxEntries that exceeds the quota on rules of a group that uses the list or of one of its members.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyPrefixList) -> Outcome<Reply> {
    let name = c.name.as_deref().map(check_name).transpose()?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    if let Some(wanted) = c.max_entries {
        check_max_entries(w, caller, wanted)?;
    }
    check_entries(&c.add)?;
    let list = w.visible::<PrefixList>(caller, c.list)?;
    check_family(list.family, &c.add)?;
    let gone: BTreeSet<Cidr> = c.remove.iter().copied().collect();
    let mut entries: Vec<PrefixListEntry> =
        list.entries.iter().filter(|e| !gone.contains(&e.cidr)).cloned().collect();
    let kept: BTreeSet<Cidr> = entries.iter().map(|e| e.cidr).collect();
    if let Some(at) = c.add.iter().position(|entry| kept.contains(&entry.cidr)) {
        return Err(Refusal::new(ErrorCode::PrefixListCidrDuplicated)
            .field(format!("entries/{at}/cidr"))
            .detail(format!("{} has {} already.", c.list, c.add[at].cidr)));
    }
    entries.extend(c.add.iter().cloned());
    let max_entries = c.max_entries.unwrap_or(list.max_entries);
    check_count(max_entries, entries.len())?;
    rule_quota::check_list_growth(w, caller, list, max_entries)?;
    w.update::<PrefixList>(&c.list, |list| {
        if let Some(name) = name {
            list.name = name;
        }
        if c.description.is_some() {
            list.description = description;
        }
        list.max_entries = max_entries;
        list.entries = entries;
    });
    Ok(Reply::Done)
}

/// Deletes a prefix list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletePrefixList {
    /// The list.
    pub list: PrefixListId,
}

/// Handles [`DeletePrefixList`].
///
/// # Errors
/// An unknown list; [`ErrorCode::PrefixListInUse`].
pub fn delete(w: &mut World, caller: &Caller, c: &DeletePrefixList) -> Outcome<Reply> {
    let list = w.visible::<PrefixList>(caller, c.list)?;
    if let Some((code, ids)) = dependents(w, list).into_iter().next() {
        return Err(Refusal::new(code).field("prefix_list_id").blockers(ids));
    }
    tag::clear(w, c.list);
    w.remove::<PrefixList>(&c.list);
    Ok(Reply::Done)
}

/// The security groups whose rules name the list, in order of their ids, after one of them or all.
pub fn associations_after<'w>(
    w: &'w World,
    list: PrefixListId,
    after: Option<&SecurityGroupId>,
) -> impl DoubleEndedIterator<Item = &'w SecurityGroupId> + use<'w> {
    w.indexes().security_group_rules.by_list.after(&list, after)
}

/// What keeps a prefix list from being deleted.
pub fn dependents(w: &World, list: &PrefixList) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let users: Vec<AnyId> = associations_after(w, list.id, None).map(|&id| id.into()).collect();
    if users.is_empty() { Vec::new() } else { vec![(ErrorCode::PrefixListInUse, users)] }
}
