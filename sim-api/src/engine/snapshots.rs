//! Named snapshots of worlds.
//!
//! A snapshot is a journal without entries beside the world's own, in the same log, under the name
//! `WORLD/SNAPSHOT`; no world has a slash in its name. So it is written in one transaction, survives a restart, and
//! `cloudnet verify` checks it like a world.

use super::{Engine, EngineError, WorldHandle, load_world, whole};
use crate::store::{Log, NewWorld, StoreError, WorldKey};
use serde::{Deserialize, Serialize};
use sim_core::SimTime;
use std::sync::Arc;

/// The most snapshots that a world keeps.
pub const MAX_SNAPSHOTS: usize = 100;

/// A named snapshot of a world.
#[derive(Clone, Debug)]
pub struct SnapshotInfo {
    pub(super) key: WorldKey,
    /// Its name.
    pub name: String,
    /// The last journal entry inside.
    pub seq: u64,
    /// When it was taken, wall clock in milliseconds since 1970.
    pub created_at_ms: i64,
    /// Virtual time inside.
    pub at: SimTime,
    /// The digest of its rows.
    pub digest: u128,
    /// How many rows it has.
    pub rows: u64,
}

/// What is kept beside a snapshot's rows.
#[derive(Serialize, Deserialize)]
struct Note {
    at: SimTime,
    digest: String,
    rows: u64,
}

/// Whether a journal of the log is a snapshot and no world.
pub fn is_snapshot(journal: &str) -> bool {
    journal.contains('/')
}

fn journal_name(world: &str, snapshot: &str) -> String {
    format!("{world}/{snapshot}")
}

/// The snapshots of a world, by name.
pub(super) async fn of(world: &WorldHandle) -> Result<Vec<SnapshotInfo>, EngineError> {
    let prefix = journal_name(world.name(), "");
    let mut found = Vec::new();
    for stored in world.log().worlds().await? {
        let Some(name) = stored.meta.name.strip_prefix(&prefix) else { continue };
        let note: Note = serde_json::from_str(&stored.meta.settings)
            .map_err(|e| super::LoadError::Malformed(format!("the note of snapshot {name:?}: {e}")))?;
        let digest = u128::from_str_radix(&note.digest, 16)
            .map_err(|e| super::LoadError::Malformed(format!("the digest of snapshot {name:?}: {e}")))?;
        found.push(SnapshotInfo {
            key: stored.key,
            name: name.to_owned(),
            seq: stored.last_seq,
            created_at_ms: stored.meta.created_at_ms,
            at: note.at,
            digest,
            rows: note.rows,
        });
    }
    Ok(found)
}

impl Engine {
    /// The snapshots of a world, by name.
    ///
    /// # Errors
    /// If there is no such world or the log fails.
    pub async fn snapshots(&self, world: &str) -> Result<Vec<SnapshotInfo>, EngineError> {
        of(&*self.existing(world)?).await
    }

    async fn snapshot(&self, world: &WorldHandle, snapshot: &str) -> Result<SnapshotInfo, EngineError> {
        let missing =
            || EngineError::NoSnapshot { world: world.name().to_owned(), snapshot: snapshot.to_owned() };
        of(world).await?.into_iter().find(|s| s.name == snapshot).ok_or_else(missing)
    }

    /// Keeps the world as it is now under a name.
    ///
    /// # Errors
    /// If there is no such world, the name is taken, there are [`MAX_SNAPSHOTS`], or the log fails.
    pub async fn take_snapshot(
        &self,
        world: &str,
        name: &str,
        wall: i64,
    ) -> Result<SnapshotInfo, EngineError> {
        let _changing = self.changing.lock().await;
        let handle = self.existing(world)?;
        if of(&handle).await?.len() >= MAX_SNAPSHOTS {
            return Err(EngineError::TooManySnapshots(world.to_owned(), MAX_SNAPSHOTS));
        }
        let image = handle.copy().await?;
        let note = Note { at: image.at, digest: format!("{:032x}", image.digest), rows: image.rows };
        let settings = serde_json::to_string(&note).expect("a note always encodes");
        let new = NewWorld { name: journal_name(world, name), created_at_ms: wall, settings };
        let stored = match handle.log().create(&new, None, whole(&image)).await {
            Err(StoreError::NameTaken(_)) => {
                return Err(EngineError::SnapshotExists {
                    world: world.to_owned(),
                    snapshot: name.to_owned(),
                });
            }
            other => other?,
        };
        Ok(SnapshotInfo {
            key: stored.key,
            name: name.to_owned(),
            seq: image.seq,
            created_at_ms: wall,
            at: image.at,
            digest: image.digest,
            rows: image.rows,
        })
    }

    /// Puts a world back to a snapshot, as a new generation of its journal with ids of its own from then on.
    ///
    /// # Errors
    /// If there is no such world or snapshot, or the log fails.
    pub async fn restore(
        &self,
        world: &str,
        snapshot: &str,
        seed: u64,
        wall: i64,
    ) -> Result<Arc<WorldHandle>, EngineError> {
        let _changing = self.changing.lock().await;
        let handle = self.existing(world)?;
        let info = self.snapshot(&handle, snapshot).await?;
        let rows = load_world(handle.log(), info.key, |_| {}).await?;
        handle.replace(rows.begin_era(seed, wall), wall).await?;
        Ok(handle)
    }

    /// Forgets a snapshot.
    ///
    /// # Errors
    /// If there is no such world or snapshot, or the log fails.
    pub async fn delete_snapshot(&self, world: &str, snapshot: &str) -> Result<(), EngineError> {
        let _changing = self.changing.lock().await;
        let handle = self.existing(world)?;
        let info = self.snapshot(&handle, snapshot).await?;
        handle.log().delete(info.key).await?;
        handle.shared.litter.store(true, std::sync::atomic::Ordering::Release);
        Ok(())
    }
}
