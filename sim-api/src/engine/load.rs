//! From the log back to a world: by rows at a start, by commands for `verify`.

use super::codec::{Slice, decode_entry};
use crate::store::{AnyLog, Log, SnapshotHead, StoreError, WorldKey};
use sim_core::table::DecodeError;
use sim_core::world::ReplayError;
use sim_core::{SimTime, World};

/// Why a world cannot be loaded or does not verify.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The log refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row does not decode.
    #[error(
        "the stored rows of the world cannot be read: {0}. The file is damaged, or another build of cloudnet wrote it: \
         before the first release the form of rows changes without conversion, so that this file needs the build that wrote it"
    )]
    Rows(#[from] DecodeError),
    /// A slice or entry does not decode.
    #[error("{0}")]
    Malformed(String),
    /// The rows do not give the stored digest.
    #[error(
        "the rows up to entry {seq} give the digest {computed:032x}, the journal says {stored:032x}: the file is damaged"
    )]
    Digest {
        /// The last entry.
        seq: u64,
        /// What the journal says.
        stored: u128,
        /// What the rows give.
        computed: u128,
    },
    /// An entry does not replay.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

const PAGE: u32 = 1_000;

/// Loads a world from its newest snapshot and the rows of the entries since, running no rule.
///
/// `progress` is told now and then how many rows or entries were read.
///
/// # Errors
/// If the log fails, bytes do not decode, or the digest is not the stored one.
pub async fn load_world(log: &AnyLog, key: WorldKey, progress: impl FnMut(u64)) -> Result<World, LoadError> {
    let head = log.newest_snapshot(key).await?;
    load_from(log, key, &head, u64::MAX, progress).await
}

/// The rows of a snapshot with those of the entries up to `last` (or the last one stored) over them.
async fn load_from(
    log: &AnyLog,
    key: WorldKey,
    head: &SnapshotHead,
    last: u64,
    mut progress: impl FnMut(u64),
) -> Result<World, LoadError> {
    let mut loader = World::load();
    let (mut now, mut seq, mut digest) = (SimTime(i64::MIN), head.end_seq, u128::from_be_bytes(head.digest));
    let mut read = 0;
    for part in 0..head.chunks {
        let bytes = log.chunk(head.id, part).await?;
        let slice = Slice::decode(&bytes)
            .map_err(|e| LoadError::Malformed(format!("slice {part} of the snapshot: {e}")))?;
        now = now.max(slice.at);
        for row in &slice.rows {
            loader.change(row)?;
        }
        read += slice.rows.len() as u64;
        progress(read);
    }
    let mut from = head.start_seq;
    loop {
        let page = log.entries(key, from, PAGE).await?;
        for stored in page.iter().take_while(|e| e.seq <= last) {
            let entry = decode_entry(stored).map_err(LoadError::Malformed)?;
            for row in &entry.changes {
                loader.change(row)?;
            }
            (now, seq, digest, from) = (now.max(entry.at), entry.seq, entry.digest, entry.seq + 1);
        }
        read += page.len() as u64;
        progress(read);
        if page.len() < PAGE as usize || from > last {
            break;
        }
    }
    let world = loader.finish(seq, now)?;
    if world.digest() != digest {
        return Err(LoadError::Digest { seq, stored: digest, computed: world.digest() });
    }
    Ok(world)
}

/// What `verify` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Entries whose commands were run again.
    pub replayed: u64,
    /// Entries of other rules versions, which were taken over by their rows.
    pub restored: u64,
    /// The first entry that was looked at.
    pub from: u64,
    /// The digest of all rows at the end.
    pub digest: u128,
}

impl std::fmt::Display for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} entries replayed from {} on, every digest agrees: {:032x}",
            self.replayed, self.from, self.digest
        )?;
        if self.restored > 0 {
            write!(f, "; {} entries of other rules versions were taken over by their rows", self.restored)?;
        }
        Ok(())
    }
}

/// Re-runs the commands of a world's journal from its oldest snapshot on and compares every digest.
///
/// # Errors
/// The first difference, by sequence number.
pub async fn verify_world(
    log: &AnyLog,
    key: WorldKey,
    mut progress: impl FnMut(u64),
) -> Result<Verified, LoadError> {
    let head = log.oldest_snapshot(key).await?;
    let mut world = load_from(log, key, &head, head.end_seq, |_| {}).await?;
    let mut found = Verified { replayed: 0, restored: 0, from: world.seq() + 1, digest: world.digest() };
    loop {
        let page = log.entries(key, world.seq() + 1, PAGE).await?;
        for stored in &page {
            let entry = decode_entry(stored).map_err(LoadError::Malformed)?;
            if entry.rules == sim_core::journal::RULES_VERSION {
                world.replay(&entry)?;
                found.replayed += 1;
            } else {
                world = world.restore(&entry)?;
                found.restored += 1;
            }
            progress(found.replayed + found.restored);
        }
        found.digest = world.digest();
        if page.len() < PAGE as usize {
            return Ok(found);
        }
    }
}
