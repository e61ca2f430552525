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
pub use load::{LoadError, load_world, verify_world};
pub use world_handle::{EngineError, Submitted, WorldHandle};
pub use writer::WriterSettings;

use crate::store::{AnyLog, StoreError, WorldMeta};
use parking_lot::RwLock;
use sim_core::{Genesis, World};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The world that both wires show when nobody names one.
pub const DEFAULT_WORLD: &str = "default";

/// All worlds of a process.
pub struct Engine {
    log: AnyLog,
    worlds: RwLock<BTreeMap<String, Arc<WorldHandle>>>,
    settings: WriterSettings,
}

impl Engine {
    /// An engine without worlds over a log.
    pub fn new(log: AnyLog, settings: WriterSettings) -> Engine {
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
    pub async fn create(&self, name: &str, genesis: Genesis, wall_ms: i64) -> Result<Arc<WorldHandle>, EngineError> {
        self.create_from(name, World::new(genesis), wall_ms).await
    }

    /// Makes a world that starts as a copy of rows: the way of create, restore and fork.
    ///
    /// # Errors
    /// If the name is taken or the log fails.
    pub async fn create_from(&self, name: &str, world: World, wall_ms: i64) -> Result<Arc<WorldHandle>, EngineError> {
        if self.world(name).is_some() {
            return Err(EngineError::WorldExists(name.to_owned()));
        }
        let meta = WorldMeta { name: name.to_owned(), created_at_ms: wall_ms, ..WorldMeta::default() };
        let snapshot = codec::encode_snapshot(&world);
        let key = self.log.create_world(&meta, &snapshot).await.map_err(EngineError::Store)?;
        Ok(self.adopt(name, key, world))
    }

    /// Starts the writer of a loaded or new world.
    pub fn adopt(&self, name: &str, key: crate::store::WorldKey, world: World) -> Arc<WorldHandle> {
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
        self.log.delete_world(handle.key()).await.map_err(EngineError::Store)
    }

    /// The log.
    pub fn log(&self) -> &AnyLog {
        &self.log
    }

    /// Lets every writer finish what it has, write a snapshot and end; then closes the log.
    ///
    /// # Errors
    /// If the log cannot be closed.
    pub async fn shut_down(&self) -> Result<(), StoreError> {
        for handle in self.worlds() {
            handle.stop().await;
        }
        self.log.close().await
    }
}
