//! A prefix list: blocks of one address family under one id, for rules to name.
//!
//! A consumer's quota counts MaxEntries, not the entries that are there (provider documentation: ECS limits, 2026).

use crate::access::Owner;
use crate::cidr::Cidr;
use crate::id::{PrefixListId, ResourceGroupId};
use crate::resource::Resource;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::world::Indexes;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// The address family of a prefix list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressFamily {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
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
    pub max_entries: u16,
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
        let ix = &mut indexes.prefix_lists;
        ix.by_owner.shift(&id, old.map(|l| l.owner.clone()), new.map(|l| l.owner.clone()));
    }
}

impl Resource for PrefixList {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}
