//! Journal entries: what happened, and which rows it changed.

use crate::access::Caller;
use crate::command::{Command, Reply};
use crate::table::TableId;
use crate::time::SimTime;
use serde::{Deserialize, Serialize};

/// The version of the rules. Raised when the same command at the same instant would change other rows than
/// before; entries of another version are restored from their rows and not re-run.
pub const RULES_VERSION: u32 = 1;

/// A row as it is after an entry; absent if the entry removed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The table.
    pub table: TableId,
    /// The version of the row's encoding.
    pub version: u8,
    /// The encoded key.
    pub key: Vec<u8>,
    /// The encoded row.
    pub row: Option<Vec<u8>>,
}

/// One entry of the journal: an accepted command, or the passing of time if there is no command.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The place in the journal, from 1, without gaps.
    pub seq: u64,
    /// Virtual time at which the command was judged.
    pub at: SimTime,
    /// The version of the rules.
    pub rules: u32,
    /// Who.
    pub caller: Option<Caller>,
    /// What.
    pub command: Option<Command>,
    /// The reply.
    pub reply: Option<Reply>,
    /// How many timers fired, if there is no command; else 0. A slice of a long advance may stop between two
    /// timers of one instant, so the instant alone does not say how far it went.
    pub fired: u64,
    /// The rows that changed, by table and key.
    pub changes: Vec<Change>,
    /// The digest of all rows after the entry.
    pub digest: u128,
}

impl Entry {
    /// The name of the command; `Advance` for the passing of time.
    pub fn name(&self) -> &'static str {
        self.command.as_ref().map_or("Advance", Command::name)
    }
}
