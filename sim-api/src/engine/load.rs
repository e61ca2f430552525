//! From the log back to a world: by rows at a start, by commands for `verify`.

use super::codec::{Slice, decode_entry};
use crate::store::{AnyLog, Log, StoreError, WorldKey};
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
    #[error("the stored rows of the world cannot be read: {0}")]
    Rows(#[from] DecodeError),
    /// A slice or entry does not decode.
    #[error("{0}")]
    Malformed(String),
    /// The rows do not give the stored digest.
    #[error("the rows up to entry {seq} give the digest {computed:032x}, the journal says {stored:032x}: the file is damaged")]
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
pub async fn load_world(log: &AnyLog, key: WorldKey, mut progress: impl FnMut(u64)) -> Result<World, LoadError> {
    let head = log.newest_snapshot(key).await?;
    let mut loader = World::load();
    let (mut now, mut seq, mut digest, mut read) = (SimTime(i64::MIN), head.end_seq, u128::from_be_bytes(head.digest), 0);
    for part in 0..head.chunks {
        let bytes = log.chunk(head.id, part).await?;
        let slice = Slice::decode(&bytes).map_err(|e| LoadError::Malformed(format!("slice {part} of the snapshot: {e}")))?;
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
        for stored in &page {
            let entry = decode_entry(stored).map_err(LoadError::Malformed)?;
            for row in &entry.changes {
                loader.change(row)?;
            }
            (now, seq, digest, from) = (now.max(entry.at), entry.seq, entry.digest, entry.seq + 1);
        }
        read += page.len() as u64;
        progress(read);
        if page.len() < PAGE as usize {
            break;
        }
    }
    let world = loader.finish(seq, now)?;
    if world.digest() != digest {
        return Err(LoadError::Digest { seq, stored: digest, computed: world.digest() });
    }
    Ok(world)
}

/// Re-runs the commands of a world's journal and compares every digest. Returns how many entries were checked.
///
/// # Errors
/// The first difference, by sequence number; entries of another rules version are restored from their rows.
pub async fn verify_world(
    log: &AnyLog,
    key: WorldKey,
    start: World,
    mut progress: impl FnMut(u64),
) -> Result<u64, LoadError> {
    let mut world = start;
    let mut checked = 0;
    loop {
        let page = log.entries(key, world.seq() + 1, PAGE).await?;
        for stored in &page {
            let entry = decode_entry(stored).map_err(LoadError::Malformed)?;
            if entry.rules != sim_core::journal::RULES_VERSION {
                return Err(ReplayError::OtherRules { seq: entry.seq, rules: entry.rules }.into());
            }
            world.replay(&entry)?;
            checked += 1;
        }
        progress(checked);
        if page.len() < PAGE as usize {
            return Ok(checked);
        }
    }
}
