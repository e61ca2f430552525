//! What changed since a mark, and how it is taken back.

use super::{Stored, Undo, World, encode_undo_row, table_version};
use crate::journal::Change;
use crate::table::TableId;
use crate::time::SimTime;

/// A point to which a world can be rolled back until [`World::confirm`] is called.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pub(super) undo: usize,
    pub(super) digest: u128,
    pub(super) now: SimTime,
    pub(super) seq: u64,
}

/// A row that a command touched, and where its undo lies.
struct Touched {
    key: (TableId, Vec<u8>),
    at: usize,
}

pub(super) fn encode<T: serde::Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::to_extend(value, Vec::with_capacity(224)).expect("rows always encode")
}

/// Keys are short: an id takes 15 bytes.
pub(super) fn encode_key<T: serde::Serialize + ?Sized>(key: &T) -> Vec<u8> {
    postcard::to_extend(key, Vec::with_capacity(24)).expect("keys always encode")
}

/// The 128-bit hash of one row: XXH3 of the row, seeded with the XXH3 of its key, seeded with its table. It finds
/// mistakes, not attackers.
pub(crate) fn row_hash(table: TableId, key: &[u8], row: &[u8]) -> u128 {
    let seed = xxhash_rust::xxh3::xxh3_64_with_seed(key, u64::from(table));
    xxhash_rust::xxh3::xxh3_128_with_seed(row, seed)
}

impl World {
    /// The point to roll back to.
    pub fn mark(&self) -> Mark {
        Mark { undo: self.undo.len(), digest: self.digest, now: self.now, seq: self.seq }
    }

    /// Takes back everything since `mark`.
    pub fn roll_back(&mut self, mark: Mark) {
        while self.undo.len() > mark.undo {
            let undo = self.undo.pop().expect("the length was checked");
            self.take_back(undo);
        }
        self.digest = mark.digest;
        self.now = mark.now;
        self.seq = mark.seq;
    }

    /// What changed since `mark`, in order: each row as it was before.
    pub(crate) fn changed_since(&self, mark: Mark) -> &[Undo] {
        &self.undo[mark.undo..]
    }

    /// Makes everything so far final.
    pub fn confirm(&mut self) {
        self.undo.clear();
    }

    /// Encodes what changed since `from` and brings the digest up to date.
    pub(super) fn changes_since(&mut self, from: usize) -> Vec<Change> {
        let mut touched: Vec<Touched> = Vec::with_capacity(self.undo.len() - from);
        for (at, undo) in self.undo[from..].iter().enumerate() {
            touched.push(Touched { key: self.encode_undo_key(undo), at: from + at });
        }
        // The first undo of a row holds the row as it was before; the order is that of table and key.
        touched.sort_by(|a, b| (a.key.0, &a.key.1, a.at).cmp(&(b.key.0, &b.key.1, b.at)));
        touched.dedup_by(|later, first| later.key == first.key);
        let mut changes = Vec::with_capacity(touched.len());
        for Touched { key: (table, key), at } in touched {
            let undo = &self.undo[at];
            let row = self.encode_now(undo);
            let old = encode_undo_row(undo);
            if old == row {
                continue;
            }
            if let Some(old) = old {
                self.digest = self.digest.wrapping_sub(row_hash(table, &key, &old));
            }
            if let Some(row) = &row {
                self.digest = self.digest.wrapping_add(row_hash(table, &key, row));
            }
            changes.push(Change { table, version: table_version(table), key, row });
        }
        changes
    }

    pub(super) fn reset_row<R: Stored>(&mut self, key: R::Key, old: Option<Box<R>>) {
        let now = match old {
            Some(row) => {
                R::reindex(&mut self.indexes, R::of(&self.tables).get(&key), Some(&row));
                R::of_mut(&mut self.tables).put(row);
                return;
            }
            None => R::of_mut(&mut self.tables).take(&key),
        };
        R::reindex(&mut self.indexes, now.as_deref(), None);
    }
}
