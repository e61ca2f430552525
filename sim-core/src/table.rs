//! Rows and tables: the stored state of a world.
//!
//! Everything that is state is a row of a table; everything else (indexes, address pools, counts) is
//! derived from rows by [`Row::reindex`] and can be rebuilt from them. A row has one canonical encoding,
//! from which journal, snapshot and digest are made.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::fmt::Debug;
use std::iter::Peekable;
use std::ops::{Bound, RangeBounds};

/// A number that names a table in journals and snapshots; never reused.
pub type TableId = u8;

/// One stored row.
pub trait Row: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What the row is found by.
    type Key: Clone + Ord + Debug + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What is derived from the rows of this table.
    type Index: Default + Clone + Debug + Send + Sync + 'static;
    /// The version of the row's encoding; raised when a field is added, with a case in [`Row::upgrade`].
    const VERSION: u8 = 1;

    /// The row's key, which never changes.
    fn key(&self) -> Self::Key;

    /// Keeps the derived state true when a row comes (`new`), goes (`old`) or changes (both).
    fn reindex(_indexes: &mut crate::world::Indexes, _old: Option<&Self>, _new: Option<&Self>) {}

    /// Decodes a row written by an older version of this program.
    fn upgrade(version: u8, bytes: &[u8]) -> Result<Self, DecodeError> {
        if version == Self::VERSION {
            postcard::from_bytes(bytes).map_err(|_| DecodeError::Malformed)
        } else {
            Err(DecodeError::UnknownVersion(version))
        }
    }
}

/// Why stored bytes are not a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes do not decode.
    #[error("the stored bytes do not decode")]
    Malformed,
    /// The row was written by a newer program.
    #[error("the row has version {0}, which this program does not know")]
    UnknownVersion(u8),
    /// The table is not known.
    #[error("table {0} is not known to this program")]
    UnknownTable(TableId),
}

/// The rows of one kind, ordered by key.
///
/// A row has a place of its own, since the nodes of an ordered map that grows at its end stay half empty; what a change
/// replaces moves to the undo log without a copy.
#[derive(Clone, Debug)]
pub struct Table<R: Row> {
    rows: BTreeMap<R::Key, Box<R>>,
}

impl<R: Row> Default for Table<R> {
    fn default() -> Self {
        Table { rows: BTreeMap::new() }
    }
}

impl<R: Row> Table<R> {
    /// The row with this key.
    pub fn get(&self, key: &R::Key) -> Option<&R> {
        self.rows.get(key).map(Box::as_ref)
    }

    /// All rows by key.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.rows.values().map(Box::as_ref)
    }

    /// The rows whose keys lie in a range.
    pub fn range(&self, range: impl RangeBounds<R::Key>) -> impl DoubleEndedIterator<Item = &R> {
        self.rows.range(range).map(|(_, row)| row.as_ref())
    }

    /// The rows after `key`, or all of them.
    pub fn after(&self, key: Option<&R::Key>) -> impl DoubleEndedIterator<Item = &R> {
        let start = key.map_or(Bound::Unbounded, Bound::Excluded);
        self.rows.range((start, Bound::Unbounded)).map(|(_, row)| row.as_ref())
    }

    /// Looks rows up whose keys come in order.
    pub fn reader(&self) -> Reader<'_, R> {
        Reader { table: self, next: None }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn put(&mut self, row: Box<R>) -> Option<Box<R>> {
        self.rows.insert(row.key(), row)
    }

    pub(crate) fn take(&mut self, key: &R::Key) -> Option<Box<R>> {
        self.rows.remove(key)
    }
}

/// Looks rows up whose keys come in order: a row that stands close behind the last one is stepped to, which costs a
/// few nanoseconds where a search costs a hundred.
#[derive(Debug)]
pub struct Reader<'w, R: Row> {
    table: &'w Table<R>,
    /// The rows after the last one.
    next: Option<Peekable<btree_map::Range<'w, R::Key, Box<R>>>>,
}

impl<'w, R: Row> Reader<'w, R> {
    /// How many rows are stepped over before a search begins.
    const STEPS: u32 = 6;

    /// The row with this key.
    pub fn get(&mut self, key: &R::Key) -> Option<&'w R> {
        for _ in 0..Self::STEPS {
            let Some(next) = self.next.as_mut() else { break };
            match next.peek() {
                Some((at, _)) if *at < key => drop(next.next()),
                Some((at, _)) if *at == key => return next.next().map(|(_, row)| row.as_ref()),
                _ => break,
            }
        }
        let next = self.next.insert(self.table.rows.range(key..).peekable());
        next.next_if(|(at, _)| *at == key).map(|(_, row)| row.as_ref())
    }
}

/// The members of one group of an index, in order.
#[derive(Clone, Copy, Debug)]
pub struct Members<'w, M>(Option<&'w BTreeSet<M>>);

impl<'w, M: Ord + Clone> Members<'w, M> {
    /// How many there are.
    pub fn count(self) -> u64 {
        self.0.map_or(0, |set| set.len() as u64)
    }

    /// Whether `member` is one of them.
    pub fn contains(self, member: &M) -> bool {
        self.0.is_some_and(|set| set.contains(member))
    }

    /// Those after `member`, or all of them.
    pub fn after(self, member: Option<&M>) -> impl DoubleEndedIterator<Item = &'w M> + use<'w, M> {
        let start = member.map_or(Bound::Unbounded, |m| Bound::Excluded(m.clone()));
        self.0.into_iter().flat_map(move |set| set.range((start.clone(), Bound::Unbounded)))
    }
}

/// A derived one-to-many index: the members of each group, in order.
#[derive(Clone, Debug)]
pub struct Groups<G: Ord + Clone, M: Ord + Clone> {
    sets: BTreeMap<G, BTreeSet<M>>,
}

impl<G: Ord + Clone, M: Ord + Clone> Default for Groups<G, M> {
    fn default() -> Self {
        Groups { sets: BTreeMap::new() }
    }
}

impl<G: Ord + Clone, M: Ord + Clone> Groups<G, M> {
    /// The members of `group` in order.
    pub fn of<'a>(&'a self, group: &G) -> impl DoubleEndedIterator<Item = &'a M> + use<'a, G, M> {
        self.sets.get(group).into_iter().flatten()
    }

    /// The members of `group` after `member`, or all of them.
    pub fn after<'a>(
        &'a self,
        group: &G,
        member: Option<&M>,
    ) -> impl DoubleEndedIterator<Item = &'a M> + use<'a, G, M> {
        self.members(group).after(member)
    }

    /// The members of `group` as one thing, to be counted, searched and walked.
    pub fn members(&self, group: &G) -> Members<'_, M> {
        Members(self.sets.get(group))
    }

    /// How many members `group` has.
    pub fn count(&self, group: &G) -> u64 {
        self.sets.get(group).map_or(0, |set| set.len() as u64)
    }

    /// Whether `member` belongs to `group`.
    pub fn contains(&self, group: &G, member: &M) -> bool {
        self.sets.get(group).is_some_and(|set| set.contains(member))
    }

    /// The groups that have members, in order.
    pub fn groups(&self) -> impl DoubleEndedIterator<Item = &G> {
        self.sets.keys()
    }

    /// Moves `member` from the group it was in to the group it is in.
    pub(crate) fn shift(&mut self, member: &M, old: Option<G>, new: Option<G>) {
        if old == new {
            return;
        }
        if let Some(old) = old {
            self.remove(&old, member);
        }
        if let Some(new) = new {
            self.insert(new, member.clone());
        }
    }

    pub(crate) fn insert(&mut self, group: G, member: M) {
        self.sets.entry(group).or_default().insert(member);
    }

    pub(crate) fn remove(&mut self, group: &G, member: &M) {
        if let Some(set) = self.sets.get_mut(group) {
            set.remove(member);
            if set.is_empty() {
                self.sets.remove(group);
            }
        }
    }
}
