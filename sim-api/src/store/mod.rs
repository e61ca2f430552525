//! Where journals are kept: the command log of every world and the snapshots it starts from.
//!
//! The storage knows bytes, numbers and text only; what they mean is the engine's. It promises that
//! a journal is gapless, that what was acknowledged is durable, and that a failed append has left
//! nothing behind.

pub mod fault;
pub mod lock;
mod log;
mod memory;
mod sqlite;

use std::path::Path;

pub use fault::FailingLog;
pub use log::{
    Batch, Cleared, Entry, Log, NewWorld, Result, Retention, SnapshotHead, SnapshotId, StoreError,
    WholeSnapshot, World, WorldKey, WorldMeta,
};
pub use memory::MemoryLog;
pub use sqlite::{SqliteLog, SqliteOptions};

/// One of the storages, chosen when the program runs.
#[derive(Debug)]
pub enum AnyLog {
    /// In a file.
    Sqlite(SqliteLog),
    /// In memory.
    Memory(MemoryLog),
    /// In a file, with faults on request; for tests.
    FailingSqlite(FailingLog<SqliteLog>),
    /// In memory, with faults on request; for tests.
    FailingMemory(FailingLog<MemoryLog>),
}

impl AnyLog {
    /// Opens what the setting `db` names: the word `memory`, or a file.
    ///
    /// # Errors
    /// Those of [`SqliteLog::open`].
    pub async fn open(db: &str) -> Result<Self> {
        if db == "memory" {
            return Ok(Self::Memory(MemoryLog::new()));
        }
        Ok(Self::Sqlite(SqliteLog::open(Path::new(db)).await?))
    }
}

/// The same call on whichever storage it is.
macro_rules! each {
    ($any:expr, $log:ident => $call:expr) => {
        match $any {
            AnyLog::Sqlite($log) => $call,
            AnyLog::Memory($log) => $call,
            AnyLog::FailingSqlite($log) => $call,
            AnyLog::FailingMemory($log) => $call,
        }
    };
}

impl Log for AnyLog {
    async fn worlds(&self) -> Result<Vec<World>> {
        each!(self, log => log.worlds().await)
    }

    async fn last_seq(&self, world: WorldKey) -> Result<u64> {
        each!(self, log => log.last_seq(world).await)
    }

    async fn entries(&self, world: WorldKey, from_seq: u64, limit: u32) -> Result<Vec<Entry>> {
        each!(self, log => log.entries(world, from_seq, limit).await)
    }

    async fn newest_snapshot(&self, world: WorldKey) -> Result<SnapshotHead> {
        each!(self, log => log.newest_snapshot(world).await)
    }

    async fn oldest_snapshot(&self, world: WorldKey) -> Result<SnapshotHead> {
        each!(self, log => log.oldest_snapshot(world).await)
    }

    async fn chunk(&self, snapshot: SnapshotId, part: u32) -> Result<Vec<u8>> {
        each!(self, log => log.chunk(snapshot, part).await)
    }

    async fn append_all(&self, batches: &[Batch<'_>]) -> Result<()> {
        each!(self, log => log.append_all(batches).await)
    }

    async fn create(
        &self,
        world: &NewWorld,
        replaces: Option<WorldKey>,
        start: WholeSnapshot<'_>,
    ) -> Result<World> {
        each!(self, log => log.create(world, replaces, start).await)
    }

    async fn stage(&self, world: &NewWorld) -> Result<WorldKey> {
        each!(self, log => log.stage(world).await)
    }

    async fn publish(&self, staged: WorldKey, replaces: Option<WorldKey>) -> Result<World> {
        each!(self, log => log.publish(staged, replaces).await)
    }

    async fn delete(&self, world: WorldKey) -> Result<()> {
        each!(self, log => log.delete(world).await)
    }

    async fn begin_snapshot(&self, world: WorldKey, start_seq: u64) -> Result<SnapshotId> {
        each!(self, log => log.begin_snapshot(world, start_seq).await)
    }

    async fn put_chunk(&self, snapshot: SnapshotId, part: u32, bytes: &[u8]) -> Result<()> {
        each!(self, log => log.put_chunk(snapshot, part, bytes).await)
    }

    async fn finish_snapshot(
        &self,
        snapshot: SnapshotId,
        end_seq: u64,
        digest: [u8; 16],
        rows: u64,
    ) -> Result<SnapshotHead> {
        each!(self, log => log.finish_snapshot(snapshot, end_seq, digest, rows).await)
    }

    async fn drop_snapshot(&self, snapshot: SnapshotId) -> Result<()> {
        each!(self, log => log.drop_snapshot(snapshot).await)
    }

    async fn prune(&self, world: WorldKey, keep: Retention, max_rows: u32) -> Result<Cleared> {
        each!(self, log => log.prune(world, keep, max_rows).await)
    }

    async fn sweep(&self, max_rows: u32) -> Result<Cleared> {
        each!(self, log => log.sweep(max_rows).await)
    }

    async fn close(self) -> Result<()> {
        each!(self, log => log.close().await)
    }
}
