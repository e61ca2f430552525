//! The engine: worlds that live in memory, their writers, and the promise that an answer is sent only when
//! everything it shows is durable.
//!
//! Each world has one writer task. It applies a group of commands under an undo log, appends one journal
//! entry for each accepted one in one transaction, and then answers. A read notes the last entry it saw and
//! is answered once that one is durable. A failed append takes the group back and answers 503.

mod codec;
mod load;
mod world_handle;
mod writer;

pub use codec::{decode_entry, encode_entry};
pub use load::{LoadError, Verified, load_world, verify_world};
pub use world_handle::wall_now;
pub use world_handle::{EngineError, Submitted, WorldHandle};
pub use writer::WriterSettings;

use crate::store::{AnyLog, Log, NewWorld, StoreError, WholeSnapshot, WorldKey};
use parking_lot::RwLock;
use sim_core::{Genesis, World};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The world that both wires show when nobody names one.
pub const DEFAULT_WORLD: &str = "default";

/// All worlds of a process.
pub struct Engine {
    log: Arc<AnyLog>,
    worlds: RwLock<BTreeMap<String, Arc<WorldHandle>>>,
    settings: WriterSettings,
}

impl Engine {
    /// An engine without worlds over a log.
    pub fn new(log: Arc<AnyLog>, settings: WriterSettings) -> Engine {
        Engine { log, worlds: RwLock::default(), settings }
    }

    /// The worlds by name.
    pub fn worlds(&self) -> Vec<Arc<WorldHandle>> {
        self.worlds.read().values().cloned().collect()
    }

    /// The world of this name.
    pub fn world(&self, name: &str) -> Option<Arc<WorldHandle>> {
        self.worlds.read().get(name).cloned()
    }

    /// Makes a world from nothing and keeps it in the engine's log.
    ///
    /// # Errors
    /// If the name is taken or the log fails.
    pub async fn create(
        &self,
        name: &str,
        genesis: Genesis,
        wall: i64,
    ) -> Result<Arc<WorldHandle>, EngineError> {
        self.create_from(name, World::new(genesis), wall).await
    }

    /// Makes a world that starts with given rows: the way of create and fork.
    ///
    /// # Errors
    /// If the name is taken or the log fails.
    pub async fn create_from(
        &self,
        name: &str,
        world: World,
        wall: i64,
    ) -> Result<Arc<WorldHandle>, EngineError> {
        if self.world(name).is_some() {
            return Err(EngineError::WorldExists(name.to_owned()));
        }
        let key = write_generation(&self.log, name, &world, wall, None).await?;
        Ok(self.adopt(name, key, world))
    }

    /// Puts other rows under the name of a world, as a new generation: the way of reset and restore.
    ///
    /// # Errors
    /// If there is no such world or the log fails.
    pub async fn replace(
        &self,
        name: &str,
        world: World,
        wall: i64,
    ) -> Result<Arc<WorldHandle>, EngineError> {
        let handle = self.world(name).ok_or_else(|| EngineError::NoWorld(name.to_owned()))?;
        handle.replace(world, wall).await?;
        Ok(handle)
    }

    /// Starts the writer of a loaded or new world.
    pub fn adopt(&self, name: &str, key: WorldKey, world: World) -> Arc<WorldHandle> {
        let handle = WorldHandle::start(name, key, world, self.log.clone(), self.settings.clone());
        self.worlds.write().insert(name.to_owned(), handle.clone());
        handle
    }

    /// Ends a world and removes it from the log.
    ///
    /// # Errors
    /// If there is no such world or the log fails.
    pub async fn delete(&self, name: &str) -> Result<(), EngineError> {
        let handle = self.worlds.write().remove(name).ok_or_else(|| EngineError::NoWorld(name.to_owned()))?;
        handle.stop().await;
        Ok(self.log.delete(handle.key()).await?)
    }

    /// The log.
    pub fn log(&self) -> &AnyLog {
        &self.log
    }

    /// Lets every writer finish what it has, write a snapshot and end; then closes the log.
    ///
    /// # Errors
    /// If the log cannot be closed.
    pub async fn shut_down(self) -> Result<(), StoreError> {
        let worlds = std::mem::take(&mut *self.worlds.write());
        for handle in worlds.values() {
            handle.stop().await;
        }
        drop(worlds);
        match Arc::into_inner(self.log) {
            Some(log) => log.close().await,
            // Someone still reads it; it closes when they are done.
            None => Ok(()),
        }
    }
}

/// Writes the first snapshot of a generation and makes it the current one.
pub(super) async fn write_generation(
    log: &AnyLog,
    name: &str,
    world: &World,
    wall: i64,
    replaces: Option<WorldKey>,
) -> Result<WorldKey, EngineError> {
    let new = NewWorld { name: name.to_owned(), created_at_ms: wall, settings: "{}".to_owned() };
    let chunks = codec::slices(world);
    let start = WholeSnapshot {
        seq: world.seq(),
        digest: world.digest().to_be_bytes(),
        rows: world.rows(),
        chunks: &chunks,
    };
    Ok(log.create(&new, replaces, start).await?.key)
}
