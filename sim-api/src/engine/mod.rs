//! The engine: worlds that live in memory, their writers, and the promise that an answer is sent only when
//! everything it shows is durable.
//!
//! Each world has one writer task. It applies a group of commands under an undo log, appends one journal
//! entry for each accepted one in one transaction, and then answers. A read notes the last entry it saw and
//! is answered once that one is durable. A failed append takes the group back and answers 503.

mod codec;
mod load;
mod names;
mod polling;
mod snapshots;
mod world_handle;
mod writer;

pub use codec::{Image, decode_entry, encode_entry};
pub use load::{LoadError, Verified, load_world, verify_world};
pub use names::check_name;
pub use snapshots::{MAX_SNAPSHOTS, SnapshotInfo, is_snapshot};
pub use world_handle::wall_now;
pub use world_handle::{Advance, EngineError, Lifetime, Submitted, WorldHandle};
pub use writer::WriterSettings;

use crate::store::{self, AnyLog, Log, MemoryLog, NewWorld, StoreError, WholeSnapshot, WorldKey};
use parking_lot::RwLock;
use sim_core::{Genesis, World};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Mutex;

/// The world that both wires show when nobody names one.
pub const DEFAULT_WORLD: &str = "default";

/// How many rows that belong to nobody are removed in one transaction.
const SWEEP_ROWS: u32 = 1_000;

/// All worlds of a process.
pub struct Engine {
    log: Arc<AnyLog>,
    worlds: RwLock<BTreeMap<String, Arc<WorldHandle>>>,
    /// Held while worlds come, go or are replaced, so that a name is never given out twice.
    changing: Mutex<()>,
    settings: WriterSettings,
    /// Whether deleted worlds left rows in the log.
    litter: AtomicBool,
}

impl Engine {
    /// An engine without worlds over a log.
    pub fn new(log: Arc<AnyLog>, settings: WriterSettings) -> Engine {
        Engine {
            log,
            worlds: RwLock::default(),
            changing: Mutex::new(()),
            settings,
            litter: AtomicBool::new(true),
        }
    }

    /// The worlds by name.
    pub fn worlds(&self) -> Vec<Arc<WorldHandle>> {
        self.worlds.read().values().cloned().collect()
    }

    /// The world of this name.
    pub fn world(&self, name: &str) -> Option<Arc<WorldHandle>> {
        self.worlds.read().get(name).cloned()
    }

    fn existing(&self, name: &str) -> Result<Arc<WorldHandle>, EngineError> {
        self.world(name).ok_or_else(|| EngineError::NoWorld(name.to_owned()))
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
        self.create_from(name, World::new(genesis), Lifetime::Kept, wall).await
    }

    /// Makes a world that starts with given rows. A throw-away one gets a log of its own in memory.
    ///
    /// # Errors
    /// If the name is taken, there are too many worlds, or the log fails.
    pub async fn create_from(
        &self,
        name: &str,
        world: World,
        lifetime: Lifetime,
        wall: i64,
    ) -> Result<Arc<WorldHandle>, EngineError> {
        let _changing = self.changing.lock().await;
        if self.world(name).is_some() {
            return Err(EngineError::WorldExists(name.to_owned()));
        }
        if self.worlds.read().len() >= self.settings.worlds {
            return Err(EngineError::TooManyWorlds(self.settings.worlds));
        }
        let log = match lifetime {
            Lifetime::Kept => self.log.clone(),
            Lifetime::ThrowAway { .. } => Arc::new(AnyLog::Memory(MemoryLog::new())),
        };
        let stored = write_generation(&log, name, &Image::of(&world), wall, None).await?;
        Ok(self.start(stored, world, log, lifetime))
    }

    /// Starts the writer of a world that was loaded from the engine's log.
    pub fn adopt(&self, stored: store::World, world: World) -> Arc<WorldHandle> {
        self.start(stored, world, self.log.clone(), Lifetime::Kept)
    }

    fn start(
        &self,
        stored: store::World,
        world: World,
        log: Arc<AnyLog>,
        lifetime: Lifetime,
    ) -> Arc<WorldHandle> {
        let handle = WorldHandle::start(stored, world, log, lifetime, self.settings.clone());
        self.worlds.write().insert(handle.name().to_owned(), handle.clone());
        handle
    }

    /// Makes a world that starts as another one is now. It keeps the ids of objects and draws its own from then on.
    ///
    /// # Errors
    /// If there is no such world, the new name is taken, or the log fails.
    pub async fn fork(
        &self,
        from: &str,
        to: &str,
        seed: u64,
        lifetime: Lifetime,
        wall: i64,
    ) -> Result<Arc<WorldHandle>, EngineError> {
        let source = self.existing(from)?;
        if self.world(to).is_some() {
            return Err(EngineError::WorldExists(to.to_owned()));
        }
        let world = source.copy().await?.world()?.begin_era(seed, wall);
        self.create_from(to, world, lifetime, wall).await
    }

    /// Wipes a world: it starts anew from `genesis`, as a new generation of its journal.
    ///
    /// # Errors
    /// If there is no such world or the log fails.
    pub async fn reset(
        &self,
        name: &str,
        genesis: Genesis,
        wall: i64,
    ) -> Result<Arc<WorldHandle>, EngineError> {
        let _changing = self.changing.lock().await;
        let handle = self.existing(name)?;
        handle.replace(World::new(genesis), wall).await?;
        Ok(handle)
    }

    /// Ends a world and removes it and its snapshots from its log.
    ///
    /// # Errors
    /// If there is no such world, it is `default`, or the log fails.
    pub async fn delete(&self, name: &str) -> Result<(), EngineError> {
        if name == DEFAULT_WORLD {
            return Err(EngineError::WorldKept(name.to_owned()));
        }
        let _changing = self.changing.lock().await;
        let handle = self.existing(name)?;
        // The log first: if it refuses, the world is still there.
        for snapshot in snapshots::of(&handle).await? {
            handle.log().delete(snapshot.key).await?;
        }
        handle.log().delete(handle.key()).await?;
        handle.note_deleted();
        self.worlds.write().remove(name);
        handle.stop().await;
        self.litter.store(true, Ordering::Release);
        Ok(())
    }

    /// Deletes the throw-away worlds that nobody has used for their idle time when the wall clock shows `wall`.
    /// Returns their names.
    pub async fn expire(&self, wall: i64) -> Vec<String> {
        let idle = |handle: &WorldHandle| match handle.lifetime() {
            Lifetime::Kept => false,
            // A world at work is no idle world, however long that takes.
            Lifetime::ThrowAway { idle_ms } => {
                handle.advancing().is_none() && wall.saturating_sub(handle.last_use()) >= idle_ms
            }
        };
        let mut gone = Vec::new();
        for handle in self.worlds().into_iter().filter(|handle| idle(handle)) {
            match self.delete(handle.name()).await {
                Ok(()) => {
                    tracing::info!(
                        world = handle.name(),
                        "a throw-away world was not used any more and is gone"
                    );
                    gone.push(handle.name().to_owned());
                }
                // Somebody else deleted it first.
                Err(EngineError::NoWorld(_)) => {}
                Err(error) => {
                    tracing::warn!(world = handle.name(), %error, "an idle world could not be deleted")
                }
            }
        }
        gone
    }

    /// Removes what replaced and deleted generations left in the logs, in slices, until `stop` says so.
    pub async fn sweep(&self, stop: impl Fn() -> bool) {
        let mut own = self.litter.swap(false, Ordering::AcqRel);
        for handle in self.worlds() {
            let litter = handle.shared.litter.swap(false, Ordering::AcqRel);
            match handle.lifetime() {
                Lifetime::Kept => own |= litter,
                Lifetime::ThrowAway { .. } if litter => sweep_log(handle.log(), &stop).await,
                Lifetime::ThrowAway { .. } => {}
            }
        }
        if own {
            sweep_log(&self.log, &stop).await;
        }
    }

    /// The log.
    pub fn log(&self) -> &AnyLog {
        &self.log
    }

    /// Lets every writer finish what it has, write a snapshot and end.
    pub async fn stop(&self) {
        let worlds = std::mem::take(&mut *self.worlds.write());
        // All at once: each waits for its own disk writes only.
        let stopping: Vec<_> =
            worlds.into_values().map(|world| tokio::spawn(async move { world.stop().await })).collect();
        for world in stopping {
            if let Err(error) = world.await {
                tracing::error!(%error, "a world did not stop cleanly");
            }
        }
    }

    /// Closes the log, once every writer has ended.
    ///
    /// # Errors
    /// If it cannot be closed.
    pub async fn close(self) -> Result<(), StoreError> {
        self.stop().await;
        match Arc::into_inner(self.log) {
            Some(log) => log.close().await,
            // Someone still reads it; it closes when they are done.
            None => Ok(()),
        }
    }
}

async fn sweep_log(log: &AnyLog, stop: &impl Fn() -> bool) {
    while !stop() {
        match log.sweep(SWEEP_ROWS).await {
            Ok(cleared) if cleared.more => tokio::task::yield_now().await,
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, "the rows of old generations could not be removed");
                return;
            }
        }
    }
}

/// Writes the first snapshot of a generation and makes it the current one.
async fn write_generation(
    log: &AnyLog,
    name: &str,
    image: &Image,
    wall: i64,
    replaces: Option<WorldKey>,
) -> Result<store::World, EngineError> {
    let new = NewWorld { name: name.to_owned(), created_at_ms: wall, settings: "{}".to_owned() };
    Ok(log.create(&new, replaces, whole(image)).await?)
}

fn whole(image: &Image) -> WholeSnapshot<'_> {
    WholeSnapshot {
        seq: image.seq,
        digest: image.digest.to_be_bytes(),
        rows: image.rows,
        chunks: &image.chunks,
    }
}
