//! A world from its journal: by its commands, which checks them, or by its rows, which runs no rule.

use super::World;
use crate::error::Refusal;
use crate::journal::{Change, Entry, RULES_VERSION};
use crate::table::DecodeError;
use crate::time::SimTime;

impl World {
    /// Re-runs the command of an entry and compares the digest: the check of `cloudnet verify`.
    ///
    /// # Errors
    /// The first difference: a refusal, another sequence number or another digest.
    pub fn replay(&mut self, entry: &Entry) -> Result<(), ReplayError> {
        let made = match (&entry.caller, &entry.command) {
            (Some(caller), Some(command)) => {
                let applied = self.apply(entry.at, caller, command.clone());
                if let Err(refusal) = applied.outcome {
                    return Err(ReplayError::Refused { seq: entry.seq, refusal });
                }
                applied.entry
            }
            _ => {
                let made = self.stage_advance(entry.at, entry.fired).0;
                self.confirm();
                made
            }
        };
        let Some(made) = made else { return Err(ReplayError::NoEffect { seq: entry.seq }) };
        if made.seq != entry.seq || made.digest != entry.digest {
            return Err(ReplayError::Differs { seq: entry.seq, stored: entry.digest, computed: made.digest });
        }
        Ok(())
    }

    /// Rebuilds a world from stored rows and entries, running no rule.
    pub fn load() -> Loader {
        Loader { world: World::blank() }
    }

    /// Takes an entry over by its rows, running no rule: for entries of other rules versions.
    ///
    /// # Errors
    /// If a row does not decode.
    pub fn restore(mut self, entry: &Entry) -> Result<World, DecodeError> {
        for change in &entry.changes {
            self.load_change(change)?;
        }
        Loader { world: self }.finish(entry.seq, entry.at)
    }
}

/// Why an entry does not replay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The command is refused now.
    #[error("entry {seq} was accepted and is refused now: {refusal}")]
    Refused {
        /// The entry.
        seq: u64,
        /// Why.
        refusal: Refusal,
    },
    /// The command changes nothing now.
    #[error("entry {seq} changed rows and changes none now")]
    NoEffect {
        /// The entry.
        seq: u64,
    },
    /// The rows differ.
    #[error("entry {seq}: the stored digest is {stored:032x}, the computed one {computed:032x}")]
    Differs {
        /// The entry.
        seq: u64,
        /// The digest in the journal.
        stored: u128,
        /// The digest computed now.
        computed: u128,
    },
    /// The entry was written under rules that this program no longer has.
    #[error("entry {seq} was written under rules version {rules}; this program has {RULES_VERSION}")]
    OtherRules {
        /// The entry.
        seq: u64,
        /// The rules it was written under.
        rules: u32,
    },
}

/// Fills a world with stored rows. Rows are absolute, so a snapshot that was written slice by slice while
/// the world went on is brought to one instant by applying the entries since its start over it.
#[derive(Debug)]
pub struct Loader {
    world: World,
}

impl Loader {
    /// Takes a stored row in, or out if the change is a deletion.
    ///
    /// # Errors
    /// If the bytes do not decode or come from a newer program.
    pub fn change(&mut self, change: &Change) -> Result<(), DecodeError> {
        self.world.load_change(change)
    }

    /// Derives indexes and digest: the world as of entry `seq` at `now`.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] if the rows hold no settings.
    pub fn finish(mut self, seq: u64, now: SimTime) -> Result<World, DecodeError> {
        if self.world.tables.settings.get(&()).is_none() {
            return Err(DecodeError::Malformed);
        }
        self.world.derive_all();
        self.world.seq = seq;
        self.world.now = now;
        Ok(self.world)
    }
}
