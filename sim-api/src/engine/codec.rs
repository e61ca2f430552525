//! Between the core's journal entries and the log's bytes.
//!
//! Callers and commands are stored as JSON, which a person can read and a later program can understand;
//! replies and rows in the core's canonical binary encoding.

use crate::store;
use serde::{Deserialize, Serialize};
use sim_core::{Change, Entry, SimTime, World};

/// The stored form of an entry.
pub fn encode_entry(entry: &Entry) -> store::Entry {
    let caller = entry.caller.as_ref().map(|c| serde_json::to_string(c).expect("a caller always encodes"));
    let command = entry.command.as_ref().map(|c| serde_json::to_string(c).expect("a command always encodes"));
    store::Entry {
        seq: entry.seq,
        at: entry.at.0,
        rules: entry.rules,
        caller: caller.unwrap_or_default(),
        command: command.unwrap_or_default(),
        outcome: postcard::to_stdvec(&entry.reply).expect("a reply always encodes"),
        changes: postcard::to_stdvec(&entry.changes).expect("changes always encode"),
        digest: entry.digest.to_be_bytes(),
    }
}

/// The entry of a stored form.
///
/// # Errors
/// Says which part does not decode. A command of another rules version may be unknown to this program: that
/// is no error, since only its rows count.
pub fn decode_entry(stored: &store::Entry) -> Result<Entry, String> {
    let wrong = |what: &str| format!("entry {}: the stored {what} does not decode", stored.seq);
    let same_rules = stored.rules == sim_core::journal::RULES_VERSION;
    let command = match stored.command.as_str() {
        "" => None,
        text => match serde_json::from_str(text) {
            Ok(command) => Some(command),
            Err(_) if !same_rules => None,
            Err(_) => return Err(wrong("command")),
        },
    };
    let caller = match stored.caller.as_str() {
        "" => None,
        text => Some(serde_json::from_str(text).map_err(|_| wrong("caller"))?),
    };
    let reply = match postcard::from_bytes(&stored.outcome) {
        Ok(reply) => reply,
        Err(_) if !same_rules => None,
        Err(_) => return Err(wrong("reply")),
    };
    let changes = postcard::from_bytes(&stored.changes).map_err(|_| wrong("rows"))?;
    let digest = u128::from_be_bytes(stored.digest);
    Ok(Entry {
        seq: stored.seq,
        at: SimTime(stored.at),
        rules: stored.rules,
        caller,
        command,
        reply,
        changes,
        digest,
    })
}

/// How many rows one slice of a snapshot holds: about two milliseconds of encoding.
pub const SLICE_ROWS: usize = 2_000;

/// A slice of a snapshot: rows as they were at an instant.
#[derive(Serialize, Deserialize)]
pub struct Slice {
    /// Virtual time.
    pub at: SimTime,
    /// The rows.
    pub rows: Vec<Change>,
}

impl Slice {
    /// The slice as the log keeps it.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("rows always encode")
    }

    /// Reads a slice back.
    ///
    /// # Errors
    /// If the bytes are not a slice.
    pub fn decode(bytes: &[u8]) -> Result<Slice, postcard::Error> {
        postcard::from_bytes(bytes)
    }
}

/// All slices of a world at one instant.
pub fn slices(world: &World) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    let mut cursor = None;
    loop {
        let (rows, next) = world.slice(cursor.as_ref(), SLICE_ROWS);
        chunks.push(Slice { at: world.now(), rows }.encode());
        cursor = next;
        if cursor.is_none() {
            return chunks;
        }
    }
}
