//! Journals in one SQLite file: one writer connection, one reader, WAL, `synchronous=FULL`.

mod append;
mod generation;
mod open;
mod snapshot;

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use tokio::sync::{Mutex, MutexGuard};

use super::lock::FileLock;
use super::log::{
    Batch, Cleared, Entry, Log, NewWorld, Result, Retention, SnapshotHead, SnapshotId, StoreError,
    WholeSnapshot, World, WorldKey, WorldMeta,
};

pub use open::SqliteOptions;

/// States of a row of the table `journal`; the statements have them as numbers.
const STAGED: i64 = 0;
const CURRENT: i64 = 1;
const RETIRED: i64 = 2;

/// A [`Log`] in a file.
///
/// The writer connection is marked as unclean while it is in use. What a dropped future or a failure
/// leaves on it (statements still queued, an open transaction) is ended by the next use with a
/// rollback, which the connection's thread reaches only after all that was queued before.
#[derive(Debug)]
pub struct SqliteLog {
    connect: SqliteConnectOptions,
    wal_path: PathBuf,
    wal_limit: u64,
    writer: Mutex<Writer>,
    reader: Mutex<SqliteConnection>,
    /// Declared last: the file is unlocked after the connections are gone.
    lock: FileLock,
}

#[derive(Debug)]
struct Writer {
    conn: SqliteConnection,
    /// Whether the last use has not come to a clean end.
    unclean: bool,
    /// Size of the write-ahead log, in bytes, from which on a checkpoint is forced.
    force_at: u64,
}

impl Writer {
    /// Ends what the last use has left. After that nothing of it can still happen.
    async fn settle(&mut self, connect: &SqliteConnectOptions) -> Result<()> {
        if !self.unclean {
            return Ok(());
        }
        if let Err(error) = sqlx::query("ROLLBACK").execute(&mut self.conn).await {
            // SQLITE_ERROR here means that no transaction is open. Anything else, and the connection
            // is not to be trusted; closing it rolls back as well.
            let none_open = error.as_database_error().and_then(|e| e.code()).is_some_and(|c| c == "1");
            if !none_open {
                self.conn = connect.connect().await?;
            }
        }
        self.unclean = false;
        Ok(())
    }
}

/// The writer in use.
struct Write<'a> {
    log: &'a SqliteLog,
    writer: MutexGuard<'a, Writer>,
}

impl Write<'_> {
    fn conn(&mut self) -> &mut SqliteConnection {
        &mut self.writer.conn
    }

    /// Ends a transaction: commits after success, rolls back after a refusal.
    async fn end<T>(mut self, outcome: Result<T>) -> Result<T> {
        let outcome = match outcome {
            Ok(value) => {
                sqlx::query("COMMIT").execute(self.conn()).await.map(|_| value).map_err(StoreError::from)
            }
            Err(error) => Err(error),
        };
        self.ended(outcome).await
    }

    /// After a transaction has ended itself, or failed.
    async fn ended<T>(mut self, outcome: Result<T>) -> Result<T> {
        if outcome.is_err() {
            // Should this fail too, the next use tries again; the first error is the one to tell.
            let _ = self.writer.settle(&self.log.connect).await;
            return outcome;
        }
        if self.log.wal_size() >= self.writer.force_at {
            self.force_checkpoint().await;
        }
        self.writer.unclean = false;
        outcome
    }

    /// SQLite's own checkpoints never wait, so a reader that is always there would let the file grow.
    /// Past the limit we wait for it, shortly. If it does not leave, the next try comes when the
    /// file has doubled, so that a reader who never leaves can not slow down every append.
    async fn force_checkpoint(&mut self) {
        let emptied = match checkpoint(self.conn()).await {
            Ok(emptied) => emptied,
            Err(error) => {
                tracing::warn!(%error, "checkpoint failed");
                false
            }
        };
        let doubled = if emptied { 0 } else { self.log.wal_size().saturating_mul(2) };
        self.writer.force_at = doubled.max(self.log.wal_limit);
    }
}

/// Moves the write-ahead log into the database and empties it. Answers whether it could; a reader may
/// be in the way. Appends wait meanwhile, so the wait for a reader is shorter than usual.
async fn checkpoint(conn: &mut SqliteConnection) -> Result<bool> {
    sqlx::query("PRAGMA busy_timeout = 50").execute(&mut *conn).await?;
    let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *conn).await?;
    sqlx::query("PRAGMA busy_timeout = 5000").execute(&mut *conn).await?;
    Ok(row.try_get::<i64, _>(0)? == 0)
}

impl SqliteLog {
    /// Opens a database, or makes it if the file is missing or empty.
    ///
    /// # Errors
    /// [`StoreError::Lock`] if another process has it, [`StoreError::NoDirectory`],
    /// [`StoreError::NotCloudnet`], [`StoreError::NewerSchema`] (the file is left as it was), or
    /// what the system and SQLite report.
    pub async fn open(path: &Path) -> Result<Self> {
        SqliteOptions::new(path).open().await
    }

    /// Takes the writer, which nobody else has until the answer is dropped.
    async fn write(&self) -> Result<Write<'_>> {
        let mut writer = self.writer.lock().await;
        writer.settle(&self.connect).await?;
        writer.unclean = true;
        Ok(Write { log: self, writer })
    }

    /// Starts a transaction that may write at once; a deferred one could fail half-way for lack of
    /// the write lock.
    async fn begin(&self) -> Result<Write<'_>> {
        let mut write = self.write().await?;
        sqlx::query("BEGIN IMMEDIATE").execute(write.conn()).await?;
        Ok(write)
    }

    fn wal_size(&self) -> u64 {
        std::fs::metadata(&self.wal_path).map_or(0, |m| m.len())
    }
}

impl Log for SqliteLog {
    async fn worlds(&self) -> Result<Vec<World>> {
        const WORLDS: &str = "SELECT key, name, generation, created_at_ms, settings, last_seq
            FROM journal WHERE state = 1 ORDER BY name";
        let rows = sqlx::query(WORLDS).fetch_all(&mut *self.reader.lock().await).await?;
        rows.iter().map(world_of).collect()
    }

    async fn last_seq(&self, world: WorldKey) -> Result<u64> {
        // An append whose future was dropped may still be on its way.
        self.writer.lock().await.settle(&self.connect).await?;
        let mut reader = self.reader.lock().await;
        match journal(&mut reader, world).await? {
            Some((CURRENT, last_seq)) => Ok(last_seq),
            _ => Err(StoreError::NotCurrent(world)),
        }
    }

    async fn entries(&self, world: WorldKey, from_seq: u64, limit: u32) -> Result<Vec<Entry>> {
        const PAGE: &str = "SELECT seq, at, rules, caller, command, outcome, changes, digest
            FROM entry WHERE journal = ? AND seq >= ? ORDER BY seq LIMIT ?";
        // No entry can have a number beyond what is stored.
        let from = i64::try_from(from_seq).unwrap_or(i64::MAX);
        let mut reader = self.reader.lock().await;
        let rows =
            sqlx::query(PAGE).bind(world.0).bind(from).bind(i64::from(limit)).fetch_all(&mut *reader).await?;
        // Asked after the page: a generation that is current now was not being swept then.
        match journal(&mut reader, world).await? {
            Some((CURRENT, _)) => rows.iter().map(entry_of).collect(),
            _ => Err(StoreError::NotCurrent(world)),
        }
    }

    async fn newest_snapshot(&self, world: WorldKey) -> Result<SnapshotHead> {
        let mut reader = self.reader.lock().await;
        let Some((CURRENT, _)) = journal(&mut reader, world).await? else {
            return Err(StoreError::NotCurrent(world));
        };
        snapshot::newest(&mut reader, world).await?.ok_or(StoreError::NoFirstSnapshot(world))
    }

    async fn oldest_snapshot(&self, world: WorldKey) -> Result<SnapshotHead> {
        let mut reader = self.reader.lock().await;
        let Some((CURRENT, _)) = journal(&mut reader, world).await? else {
            return Err(StoreError::NotCurrent(world));
        };
        snapshot::oldest(&mut reader, world).await?.ok_or(StoreError::NoFirstSnapshot(world))
    }

    async fn chunk(&self, snapshot: SnapshotId, part: u32) -> Result<Vec<u8>> {
        snapshot::chunk(&mut *self.reader.lock().await, snapshot, part).await
    }

    async fn append_all(&self, batches: &[Batch<'_>]) -> Result<()> {
        append::append_all(self, batches).await
    }

    async fn create(
        &self,
        world: &NewWorld,
        replaces: Option<WorldKey>,
        start: WholeSnapshot<'_>,
    ) -> Result<World> {
        let mut write = self.begin().await?;
        let outcome = generation::create(write.conn(), world, replaces, start).await;
        write.end(outcome).await
    }

    async fn stage(&self, world: &NewWorld) -> Result<WorldKey> {
        let mut write = self.begin().await?;
        let outcome = generation::stage(write.conn(), world).await;
        write.end(outcome).await
    }

    async fn publish(&self, staged: WorldKey, replaces: Option<WorldKey>) -> Result<World> {
        let mut write = self.begin().await?;
        let outcome = generation::publish(write.conn(), staged, replaces).await;
        write.end(outcome).await
    }

    async fn delete(&self, world: WorldKey) -> Result<()> {
        let mut write = self.begin().await?;
        let outcome = generation::retire(write.conn(), world).await;
        write.end(outcome).await
    }

    async fn begin_snapshot(&self, world: WorldKey, start_seq: u64) -> Result<SnapshotId> {
        let mut write = self.begin().await?;
        let outcome = snapshot::begin(write.conn(), world, start_seq).await;
        write.end(outcome).await
    }

    async fn put_chunk(&self, snapshot: SnapshotId, part: u32, bytes: &[u8]) -> Result<()> {
        let mut write = self.begin().await?;
        let outcome = snapshot::put_chunk(write.conn(), snapshot, part, bytes).await;
        write.end(outcome).await
    }

    async fn finish_snapshot(
        &self,
        snapshot: SnapshotId,
        end_seq: u64,
        digest: [u8; 16],
        rows: u64,
    ) -> Result<SnapshotHead> {
        let mut write = self.begin().await?;
        let outcome = snapshot::finish(write.conn(), snapshot, end_seq, digest, rows).await;
        write.end(outcome).await
    }

    async fn drop_snapshot(&self, snapshot: SnapshotId) -> Result<()> {
        let mut write = self.begin().await?;
        let outcome = snapshot::drop_writing(write.conn(), snapshot).await;
        write.end(outcome).await
    }

    async fn prune(&self, world: WorldKey, keep: Retention, max_rows: u32) -> Result<Cleared> {
        let mut write = self.begin().await?;
        let outcome = snapshot::prune(write.conn(), world, keep, max_rows.max(1)).await;
        write.end(outcome).await
    }

    async fn sweep(&self, max_rows: u32) -> Result<Cleared> {
        let mut write = self.begin().await?;
        let outcome = generation::sweep(write.conn(), max_rows.max(1)).await;
        write.end(outcome).await
    }

    async fn close(self) -> Result<()> {
        // The writer last: the last connection to close checkpoints and removes the write-ahead log.
        self.reader.into_inner().close().await?;
        self.writer.into_inner().conn.close().await?;
        drop(self.lock);
        Ok(())
    }
}

/// State and newest entry of a journal.
async fn journal(conn: &mut SqliteConnection, world: WorldKey) -> Result<Option<(i64, u64)>> {
    const JOURNAL: &str = "SELECT state, last_seq FROM journal WHERE key = ?";
    let row = sqlx::query(JOURNAL).bind(world.0).fetch_optional(conn).await?;
    row.map(|row| Ok((row.try_get("state")?, number(&row, "last_seq")?))).transpose()
}

fn world_of(row: &SqliteRow) -> Result<World> {
    let meta = WorldMeta {
        name: row.try_get("name")?,
        generation: number(row, "generation")?,
        created_at_ms: row.try_get("created_at_ms")?,
        settings: row.try_get("settings")?,
    };
    Ok(World { key: WorldKey(row.try_get("key")?), meta, last_seq: number(row, "last_seq")? })
}

fn entry_of(row: &SqliteRow) -> Result<Entry> {
    Ok(Entry {
        seq: number(row, "seq")?,
        at: row.try_get("at")?,
        rules: number(row, "rules")?,
        caller: row.try_get("caller")?,
        command: row.try_get("command")?,
        outcome: row.try_get("outcome")?,
        changes: row.try_get("changes")?,
        digest: digest(row)?,
    })
}

/// A stored number as the unsigned type that it was.
fn number<T>(row: &SqliteRow, column: &str) -> Result<T>
where
    T: TryFrom<i64>,
    T::Error: std::error::Error + Send + Sync + 'static,
{
    let stored: i64 = row.try_get(column)?;
    T::try_from(stored).map_err(|source| decode(column, source))
}

fn digest(row: &SqliteRow) -> Result<[u8; 16]> {
    let stored: &[u8] = row.try_get("digest")?;
    stored.try_into().map_err(|source| decode("digest", source))
}

fn decode(column: &str, source: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Database(sqlx::Error::ColumnDecode { index: column.to_owned(), source: Box::new(source) })
}
