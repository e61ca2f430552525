//! What a journal's storage is: entries, snapshots and the trait that keeps them.

use std::future::Future;
use std::path::PathBuf;

use super::lock::LockError;

/// The result of every storage call.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The key of one generation of one world. It is given out once and never again, so a writer that
/// still holds the key of a replaced generation is refused instead of writing into its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorldKey(pub i64);

/// The key of a snapshot, unique in its database and never given out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId(pub i64);

/// What is known of a world beside its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldMeta {
    /// The world's name, unique among the worlds that exist.
    pub name: String,
    /// 1 for a new world; one more for every reset or restore.
    pub generation: u64,
    /// Wall clock when this generation was made, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// JSON text; the storage does not look inside.
    pub settings: String,
}

/// A world as the storage lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// Key of the current generation.
    pub key: WorldKey,
    /// Its name, generation and settings.
    pub meta: WorldMeta,
    /// Number of the newest durable entry.
    pub last_seq: u64,
}

/// A generation to be made. Its number follows from what it replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWorld {
    /// The world's name.
    pub name: String,
    /// Wall clock, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// JSON text.
    pub settings: String,
}

/// One accepted command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Place in the journal: one more than the entry before it. At most `i64::MAX`.
    pub seq: u64,
    /// Virtual time in milliseconds.
    pub at: i64,
    /// Version of the rules that judged the command.
    pub rules: u32,
    /// Who asked, as JSON.
    pub caller: String,
    /// What was asked, as JSON.
    pub command: String,
    /// What was answered.
    pub outcome: Vec<u8>,
    /// The rows that changed, with their new values.
    pub changes: Vec<u8>,
    /// Digest of the world after the command.
    pub digest: [u8; 16],
}

/// Entries for one world, part of an append.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The generation they belong to.
    pub world: WorldKey,
    /// Consecutive entries; the first follows the newest one stored.
    pub entries: &'a [Entry],
}

/// The header of a finished snapshot.
///
/// It is *fuzzy*: it was written while the journal went on. The world at `end_seq` is the
/// snapshot's rows with the changes of the entries `start_seq..=end_seq` applied over them; those
/// are absolute values, so applying one that is already inside does no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotHead {
    /// Its key.
    pub id: SnapshotId,
    /// First entry that may be missing from some of the rows.
    pub start_seq: u64,
    /// Last entry that may be inside; `start_seq - 1` if none was appended meanwhile.
    pub end_seq: u64,
    /// Digest of the world at `end_seq`.
    pub digest: [u8; 16],
    /// How many rows the chunks hold, as told by the writer.
    pub rows: u64,
    /// How many chunks there are, numbered from 0.
    pub chunks: u32,
}

/// A snapshot that is given in one piece: the start of a generation.
#[derive(Clone, Copy, Debug)]
pub struct WholeSnapshot<'a> {
    /// The last entry it contains. The new generation's first entry is the next number.
    pub seq: u64,
    /// Digest of the world at `seq`.
    pub digest: [u8; 16],
    /// How many rows the chunks hold.
    pub rows: u64,
    /// The bytes.
    pub chunks: &'a [Vec<u8>],
}

/// How much of the past [`Log::prune`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Finished snapshots kept, newest first; 0 counts as 1.
    pub snapshots: u32,
    /// Entries kept before the first one that the oldest kept snapshot needs. `u64::MAX` keeps them all, and with
    /// them the generation's first snapshot, so that the whole journal can be verified.
    pub entries: u64,
}

/// What one bounded slice of clearing did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// Rows removed: entries, snapshots, their chunks and retired worlds.
    pub removed: u64,
    /// Whether another call may find more.
    pub more: bool,
}

/// Why the storage refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the database open.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The directory that should hold the database is missing or is no directory.
    #[error("the directory {} of the database does not exist; create it or name another file", .0.display())]
    NoDirectory(PathBuf),
    /// The file is something else. It was not changed.
    #[error("{} is not a cloudnet database ({reason}); it was left as it is, name another file", path.display())]
    NotCloudnet {
        /// The file.
        path: PathBuf,
        /// What was found in it.
        reason: String,
    },
    /// The file was written by a newer version. It was not changed.
    #[error(
        "{} has schema version {found}, this program knows versions up to {supported}; open it with a newer cloudnet",
        path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The newest migration in the file.
        found: i64,
        /// The newest migration this program has.
        supported: i64,
    },
    /// The SQLite library is older than the first version without the WAL-reset corruption bug.
    #[error("SQLite {0} can corrupt a database in WAL mode; 3.51.3 or newer is needed")]
    SqliteTooOld(String),
    /// The entries do not follow the newest one stored. Nothing was stored.
    #[error("world {}: entry {found} does not follow; the next entry is {expected}", .world.0)]
    Gap {
        /// The world.
        world: WorldKey,
        /// The only number that may come next.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// The key is not that of a world's current generation: it was replaced, deleted, is not
    /// published yet or never existed.
    #[error("world {} is not a current generation; it was replaced, deleted or never published", .0.0)]
    NotCurrent(WorldKey),
    /// The world's journal cannot be read back.
    #[error("the journal of world {} cannot be read back", .0.0)]
    Unreadable(WorldKey),
    /// The key is not that of a staged generation.
    #[error("world {} is not a staged generation", .0.0)]
    NotStaged(WorldKey),
    /// A world of that name exists and was not named as the one to be replaced.
    #[error("a world named {0:?} exists")]
    NameTaken(String),
    /// A generation replaces one of the same world only.
    #[error("world {} is named {found:?} and can not be replaced by a generation of {wanted:?}", .world.0)]
    OtherName {
        /// The generation to be replaced.
        world: WorldKey,
        /// Its name.
        found: String,
        /// The staged generation's name.
        wanted: String,
    },
    /// A generation starts with a finished snapshot, and this one has none.
    #[error("world {} has no finished snapshot to start with", .0.0)]
    NoFirstSnapshot(WorldKey),
    /// The snapshot is not being written: it is finished, was dropped or never existed.
    #[error("snapshot {} is not being written", .0.0)]
    NotWriting(SnapshotId),
    /// The snapshot has no such chunk, or was removed meanwhile.
    #[error("snapshot {} has no chunk {part}", .snapshot.0)]
    NoChunk {
        /// The snapshot.
        snapshot: SnapshotId,
        /// The chunk's number.
        part: u32,
    },
    /// The snapshot can not be begun or finished like this. It stays as it was.
    #[error("snapshot of world {}: {reason}", .world.0)]
    BadSnapshot {
        /// The world.
        world: WorldKey,
        /// The rule that was broken, with the numbers.
        reason: String,
    },
    /// A number is beyond what is stored: 2^63 - 1.
    #[error("{field} {value} is out of range; at most 9223372036854775807 can be stored")]
    OutOfRange {
        /// The field's name.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// A fault that a test asked for.
    #[error("injected fault at append {0}")]
    Injected(u64),
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Its reason.
        source: std::io::Error,
    },
    /// The database cannot be opened: it is damaged, locked by another program, or may not be written.
    #[error("{} cannot be opened: {source}", path.display())]
    Unopened {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// The database refused.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("schema: {0}")]
    Schema(#[from] sqlx::migrate::MigrateError),
}

/// Storage of journals: gapless lists of entries and the snapshots they start from.
///
/// Every call is whole or not at all, and what a call that returned `Ok` has written is durable.
/// If a future is dropped before its end, its work was either done whole or not at all; ask
/// [`Log::last_seq`] which. A call that failed has left nothing behind.
pub trait Log: Send + Sync {
    /// The worlds that exist, by name.
    fn worlds(&self) -> impl Future<Output = Result<Vec<World>>> + Send;

    /// Number of the newest durable entry of a current generation.
    fn last_seq(&self, world: WorldKey) -> impl Future<Output = Result<u64>> + Send;

    /// Up to `limit` entries in order, from `from_seq` (or the oldest one kept) on. A short page is
    /// the last one.
    fn entries(
        &self,
        world: WorldKey,
        from_seq: u64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Entry>>> + Send;

    /// The newest finished snapshot of a current generation; there always is one.
    fn newest_snapshot(&self, world: WorldKey) -> impl Future<Output = Result<SnapshotHead>> + Send;

    /// The oldest finished snapshot of a current generation that is kept: where a verification begins.
    fn oldest_snapshot(&self, world: WorldKey) -> impl Future<Output = Result<SnapshotHead>> + Send;

    /// One chunk of a finished snapshot.
    fn chunk(&self, snapshot: SnapshotId, part: u32) -> impl Future<Output = Result<Vec<u8>>> + Send;

    /// Appends to one or more worlds in one transaction: all entries or none.
    ///
    /// # Errors
    /// [`StoreError::Gap`] if the first entry does not follow the newest one stored or one inside
    /// the batch does not follow its neighbour, [`StoreError::NotCurrent`] if the generation was
    /// replaced; after either the caller's picture of the journal is wrong and must be loaded anew.
    fn append_all(&self, batches: &[Batch<'_>]) -> impl Future<Output = Result<()>> + Send;

    /// Appends to one world; see [`Log::append_all`].
    fn append(&self, world: WorldKey, entries: &[Entry]) -> impl Future<Output = Result<()>> + Send {
        async move { self.append_all(&[Batch { world, entries }]).await }
    }

    /// Makes a generation with its first snapshot, at once: [`Log::stage`], the snapshot calls and
    /// [`Log::publish`] in one transaction. For a world small enough to be written in one go.
    fn create(
        &self,
        world: &NewWorld,
        replaces: Option<WorldKey>,
        start: WholeSnapshot<'_>,
    ) -> impl Future<Output = Result<World>> + Send;

    /// Prepares a generation that nobody sees until it is published, so that a large first snapshot
    /// can be written in slices. What is staged when the process ends is removed at the next start.
    fn stage(&self, world: &NewWorld) -> impl Future<Output = Result<WorldKey>> + Send;

    /// Makes a staged generation with a finished snapshot the current one: of a new world, or in
    /// place of the generation `replaces`, which is retired.
    fn publish(
        &self,
        staged: WorldKey,
        replaces: Option<WorldKey>,
    ) -> impl Future<Output = Result<World>> + Send;

    /// Removes a world. Its rows go with [`Log::sweep`].
    fn delete(&self, world: WorldKey) -> impl Future<Output = Result<()>> + Send;

    /// Starts a snapshot of a current or staged generation; one that was being written is dropped.
    /// `start_seq` is the number of the next entry, at least 1; a staged generation takes any.
    fn begin_snapshot(
        &self,
        world: WorldKey,
        start_seq: u64,
    ) -> impl Future<Output = Result<SnapshotId>> + Send;

    /// Adds the chunk number `part`, counted from 0 without holes.
    fn put_chunk(
        &self,
        snapshot: SnapshotId,
        part: u32,
        bytes: &[u8],
    ) -> impl Future<Output = Result<()>> + Send;

    /// Makes the snapshot visible. `end_seq` must be durable already: at least `start_seq - 1`, at
    /// most the newest entry.
    fn finish_snapshot(
        &self,
        snapshot: SnapshotId,
        end_seq: u64,
        digest: [u8; 16],
        rows: u64,
    ) -> impl Future<Output = Result<SnapshotHead>> + Send;

    /// Gives up a snapshot that is being written. Its chunks go with [`Log::sweep`].
    fn drop_snapshot(&self, snapshot: SnapshotId) -> impl Future<Output = Result<()>> + Send;

    /// Removes old snapshots and entries of a current generation, at most `max_rows` rows a call.
    /// What the newest snapshot needs always stays.
    fn prune(
        &self,
        world: WorldKey,
        keep: Retention,
        max_rows: u32,
    ) -> impl Future<Output = Result<Cleared>> + Send;

    /// Removes what belongs to nobody any more (retired generations, dropped snapshots), at most
    /// `max_rows` rows a call.
    fn sweep(&self, max_rows: u32) -> impl Future<Output = Result<Cleared>> + Send;

    /// Closes the storage and releases its lock.
    fn close(self) -> impl Future<Output = Result<()>> + Send
    where
        Self: Sized;
}

/// The entries of a batch follow each other, and their numbers can be stored.
pub(super) fn check_run(world: WorldKey, entries: &[Entry]) -> Result<()> {
    for entry in entries {
        in_range("seq", entry.seq)?;
    }
    for pair in entries.windows(2) {
        let (expected, found) = (pair[0].seq + 1, pair[1].seq);
        if found != expected {
            return Err(StoreError::Gap { world, expected, found });
        }
    }
    Ok(())
}

/// Numbers are stored as signed 64-bit integers.
pub(super) fn in_range(field: &'static str, value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| StoreError::OutOfRange { field, value })
}

/// The rules of [`Log::begin_snapshot`]. `staged` or current; `last_seq` counts for current ones only.
pub(super) fn check_begin(world: WorldKey, start_seq: u64, staged: bool, last_seq: u64) -> Result<()> {
    let reason = if start_seq == 0 {
        "start_seq must be at least 1".to_owned()
    } else if !staged && start_seq != last_seq + 1 {
        format!("start_seq {start_seq} must be the next entry, {}", last_seq + 1)
    } else {
        return Ok(());
    };
    Err(StoreError::BadSnapshot { world, reason })
}

/// The rule of [`Log::put_chunk`].
pub(super) fn check_chunk(world: WorldKey, part: u32, next: u32) -> Result<()> {
    if part == next {
        return Ok(());
    }
    Err(StoreError::BadSnapshot { world, reason: format!("chunk {part} must be chunk {next}") })
}

/// What is known of a snapshot when it is to be finished.
pub(super) struct Finish {
    pub world: WorldKey,
    pub staged: bool,
    pub last_seq: u64,
    pub start_seq: u64,
    pub end_seq: u64,
}

/// The rules of [`Log::finish_snapshot`].
pub(super) fn check_finish(f: &Finish) -> Result<()> {
    let first = f.start_seq - 1;
    let newest = if f.staged { first } else { f.last_seq };
    if (first..=newest).contains(&f.end_seq) {
        return Ok(());
    }
    let reason = format!("end_seq {} must be from {first} to {newest}", f.end_seq);
    Err(StoreError::BadSnapshot { world: f.world, reason })
}
