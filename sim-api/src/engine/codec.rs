//! Between the core's journal entries and the log's bytes.
//!
//! Callers and commands are stored as JSON, which a person can read and a later program can understand;
//! replies and rows in the core's canonical binary encoding.

use super::load::LoadError;
use crate::store;
use serde::{Deserialize, Serialize};
use sim_core::{Change, Entry, SimTime, World};

/// The stored form of the passing of time, in the place of a command.
#[derive(Serialize, Deserialize)]
struct TimePassed {
    #[serde(rename = "Advance")]
    advance: Fired,
}

#[derive(Serialize, Deserialize)]
struct Fired {
    fired: u64,
}

/// The stored form of an entry.
pub fn encode_entry(entry: &Entry) -> store::Entry {
    let caller = entry.caller.as_ref().map(|c| serde_json::to_string(c).expect("a caller always encodes"));
    let command = match &entry.command {
        Some(command) => serde_json::to_string(command),
        None => serde_json::to_string(&TimePassed { advance: Fired { fired: entry.fired } }),
    };
    store::Entry {
        seq: entry.seq,
        at: entry.at.0,
        rules: entry.rules,
        caller: caller.unwrap_or_default(),
        command: command.expect("a command always encodes"),
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
    let (command, fired) = match serde_json::from_str::<TimePassed>(&stored.command) {
        Ok(time) => (None, time.advance.fired),
        Err(_) => match serde_json::from_str(&stored.command) {
            Ok(command) => (Some(command), 0),
            Err(_) if !same_rules => (None, 0),
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
        fired,
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

/// A world at one instant, as bytes: what a generation of a journal starts with.
pub struct Image {
    /// The last entry inside.
    pub seq: u64,
    /// Virtual time.
    pub at: SimTime,
    /// The digest of all rows.
    pub digest: u128,
    /// How many rows there are.
    pub rows: u64,
    /// The slices.
    pub chunks: Vec<Vec<u8>>,
}

impl Image {
    /// An image of `world` without its rows, to be filled with [`Image::chunks`].
    pub fn begin(world: &World) -> Image {
        Image {
            seq: world.seq(),
            at: world.now(),
            digest: world.digest(),
            rows: world.rows(),
            chunks: Vec::new(),
        }
    }

    /// The image of a world.
    pub fn of(world: &World) -> Image {
        let mut image = Image::begin(world);
        let mut cursor = None;
        loop {
            let (rows, next) = world.slice(cursor.as_ref(), SLICE_ROWS);
            image.chunks.push(Slice { at: image.at, rows }.encode());
            cursor = next;
            if cursor.is_none() {
                return image;
            }
        }
    }

    /// The world of the image.
    ///
    /// # Errors
    /// If the bytes do not decode or give another digest: a defect of the encoding.
    pub fn world(&self) -> Result<World, LoadError> {
        let mut loader = World::load();
        for (part, bytes) in self.chunks.iter().enumerate() {
            let slice =
                Slice::decode(bytes).map_err(|e| LoadError::Malformed(format!("slice {part}: {e}")))?;
            for row in &slice.rows {
                loader.change(row)?;
            }
        }
        let world = loader.finish(self.seq, self.at)?;
        if world.digest() != self.digest {
            return Err(LoadError::Digest { seq: self.seq, stored: self.digest, computed: world.digest() });
        }
        Ok(world)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::vpc::vpc::CreateVpc;
    use sim_core::{AccountId, Caller, Command, Genesis, Span};

    #[test]
    fn entries_come_back_as_they_were() {
        // The word that stands for the passing of time must never name a command.
        assert!(!Command::NAMES.contains(&"Advance"));
        let mut world = World::new(Genesis::default());
        let caller = Caller::new(AccountId::DEFAULT, "cn-hangzhou");
        let made = world.apply(world.now(), &caller, CreateVpc::default().into()).entry.unwrap();
        let time = world.advance(world.now() + Span::hours(1)).unwrap();
        for entry in [made, time] {
            assert_eq!(decode_entry(&encode_entry(&entry)), Ok(entry));
        }
        assert_eq!(Image::of(&world).world().unwrap().digest(), world.digest());
    }
}
