//! Opening: whose file it is, who else has it, and whether its schema is ours.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::Mutex;

use super::{SqliteLog, Writer};
use crate::store::lock::{FileLock, lock_path};
use crate::store::log::{Result, StoreError};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Marks a file as ours ("clnt"): SQLite keeps it in bytes 68 to 71 of the file.
const APPLICATION_ID: i32 = 0x636c_6e74;

/// First SQLite without the WAL-reset bug, which can corrupt a database.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// Rows of some hundred bytes waste less of a page of 8 KiB than of the usual 4.
const PAGE_BYTES: u32 = 8192;

/// How to open a database.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    path: PathBuf,
    wal_limit: u64,
}

impl SqliteOptions {
    /// The usual settings for a file.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), wal_limit: 64 << 20 }
    }

    /// Size of the write-ahead log, in bytes, beyond which appends wait shortly for a reader so that
    /// the log can start anew. 64 MiB unless told; SQLite's own checkpoints keep it near 8 MiB as
    /// long as readers come and go.
    pub fn wal_limit(mut self, bytes: u64) -> Self {
        self.wal_limit = bytes;
        self
    }

    /// Opens the database, or makes it if the file is missing or empty.
    ///
    /// # Errors
    /// Those of [`SqliteLog::open`].
    pub async fn open(self) -> Result<SqliteLog> {
        let path = resolve(&self.path)?;
        let named = path.clone();
        self.open_resolved(path).await.map_err(|error| match error {
            StoreError::Database(source) => StoreError::Unopened { path: named, source },
            other => other,
        })
    }

    async fn open_resolved(self, path: PathBuf) -> Result<SqliteLog> {
        // Reading a database and closing it again drops the locks that this very process has on it
        // (POSIX), so it is looked at before the lock only if nobody can have it open.
        if !lock_path(&path).exists() {
            inspect(&path)?;
        }
        let lock = FileLock::take(&path)?;
        inspect(&path)?;

        let connect = options(&path);
        let mut writer = connect.clone().create_if_missing(true).connect().await?;
        check_version(&mut writer).await?;
        claim(&mut writer, &path).await?;
        check_schema(&mut writer, &path).await?;
        sqlx::query("PRAGMA journal_mode = WAL").execute(&mut writer).await?;
        // `run` is not `Send` for a single connection; this is what it calls.
        MIGRATIONS.run_direct(None, &mut writer, false).await?;
        abandon(&mut writer).await?;
        let reader = connect.clone().pragma("query_only", "ON").connect().await?;

        let mut wal_path = path.into_os_string();
        wal_path.push("-wal");
        let (writer, wal_limit) =
            (Writer { conn: writer, unclean: false, force_at: self.wal_limit }, self.wal_limit);
        let (writer, reader) = (Mutex::new(writer), Mutex::new(reader));
        Ok(SqliteLog { connect, wal_path: wal_path.into(), wal_limit, writer, reader, lock })
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .page_size(PAGE_BYTES)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("wal_autocheckpoint", "1000")
        .disable_statement_logging()
}

/// The file's one true name, so that two ways to it meet at one lock.
fn resolve(path: &Path) -> Result<PathBuf> {
    let io = |source| StoreError::Io { path: path.to_owned(), source };
    match path.canonicalize() {
        Ok(path) => return Ok(path),
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) if e.kind() == ErrorKind::NotADirectory => {}
        Err(e) => return Err(io(e)),
    }
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let missing = || StoreError::NoDirectory(directory.to_owned());
    let resolved = directory.canonicalize().map_err(|_| missing())?;
    let name = path.file_name().ok_or_else(missing)?;
    if resolved.is_dir() { Ok(resolved.join(name)) } else { Err(missing()) }
}

/// Accepts a file that is missing, empty or ours.
fn inspect(path: &Path) -> Result<()> {
    let io = |source| StoreError::Io { path: path.to_owned(), source };
    let not_ours = |reason: String| Err(StoreError::NotCloudnet { path: path.to_owned(), reason });
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(io(e)),
    };
    if !file.metadata().map_err(io)?.is_file() {
        return not_ours("it is no regular file".to_owned());
    }
    let mut head = Vec::new();
    file.take(100).read_to_end(&mut head).map_err(io)?;
    if head.is_empty() {
        return Ok(());
    }
    let Some(id) = head.get(68..72).filter(|_| head.starts_with(b"SQLite format 3\0")) else {
        return not_ours("it is no SQLite database".to_owned());
    };
    if id != APPLICATION_ID.to_be_bytes() {
        return not_ours("it is the SQLite database of another program".to_owned());
    }
    Ok(())
}

async fn check_version(conn: &mut SqliteConnection) -> Result<()> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(conn).await?;
    if is_safe(&version) { Ok(()) } else { Err(StoreError::SqliteTooOld(version)) }
}

/// Whether a version, as `3.51.3`, has the fix. One that can not be read has not.
fn is_safe(version: &str) -> bool {
    let parts: std::result::Result<Vec<u32>, _> = version.split('.').map(str::parse).collect();
    parts.is_ok_and(|parts| parts.len() >= 3 && parts.as_slice() >= OLDEST_SQLITE.as_slice())
}

/// Writes our mark into a database that has nothing in it. Done before the switch to WAL, so that
/// the mark is in the file itself from the first moment on.
async fn claim(conn: &mut SqliteConnection, path: &Path) -> Result<()> {
    let id: i32 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *conn).await?;
    if id == APPLICATION_ID {
        return Ok(());
    }
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *conn).await?;
    if id != 0 || tables != 0 {
        let reason = "it is the SQLite database of another program".to_owned();
        return Err(StoreError::NotCloudnet { path: path.to_owned(), reason });
    }
    // The number is that of `APPLICATION_ID`; a pragma takes no parameters.
    sqlx::query("PRAGMA application_id = 1668050548").execute(conn).await?;
    Ok(())
}

async fn check_schema(conn: &mut SqliteConnection, path: &Path) -> Result<()> {
    const TABLE: &str = "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    let tables: i64 = sqlx::query_scalar(TABLE).fetch_one(&mut *conn).await?;
    if tables == 0 {
        return Ok(());
    }
    const NEWEST: &str = "SELECT coalesce(max(version), 0) FROM _sqlx_migrations";
    let found: i64 = sqlx::query_scalar(NEWEST).fetch_one(conn).await?;
    let supported = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0);
    if found > supported {
        return Err(StoreError::NewerSchema { path: path.to_owned(), found, supported });
    }
    Ok(())
}

/// What the last process had begun and not ended belongs to nobody: staged generations and
/// snapshots that were being written. [`sweep`](crate::store::Log::sweep) removes it.
async fn abandon(conn: &mut SqliteConnection) -> Result<()> {
    const ABANDON: &str = "BEGIN IMMEDIATE;
        UPDATE snapshot SET state = 2
            WHERE state = 0 OR state = 1 AND journal IN (SELECT key FROM journal WHERE state = 0);
        UPDATE journal SET state = 2 WHERE state = 0;
        COMMIT";
    sqlx::raw_sql(ABANDON).execute(conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::log::Log;

    #[test]
    fn versions_of_sqlite() {
        let cases = [
            ("3.51.3", true),
            ("3.51.10", true),
            ("3.53.0", true),
            ("4.0.0", true),
            ("3.51.2", false),
            ("3.9.9", false),
            ("3.51", false),
            ("", false),
            ("3.x.3", false),
        ];
        for (version, safe) in cases {
            assert_eq!(is_safe(version), safe, "{version}");
        }
    }

    #[tokio::test]
    async fn every_writer_syncs_each_commit() {
        let path = std::env::temp_dir().join(format!("cloudnet-open-{}.db", std::process::id()));
        let log = SqliteOptions::new(&path).open().await.unwrap();
        let mut anew = log.connect.connect().await.unwrap();
        let mut writer = log.writer.lock().await;
        for conn in [&mut writer.conn, &mut anew] {
            for (pragma, expected) in [
                ("PRAGMA synchronous", 2),
                ("PRAGMA foreign_keys", 1),
                ("PRAGMA busy_timeout", 5000),
                ("PRAGMA wal_autocheckpoint", 1000),
                ("PRAGMA page_size", i64::from(PAGE_BYTES)),
                ("PRAGMA application_id", i64::from(APPLICATION_ID)),
            ] {
                let found: i64 = sqlx::query_scalar(pragma).fetch_one(&mut *conn).await.unwrap();
                assert_eq!(found, expected, "{pragma}");
            }
        }
        drop(writer);
        log.close().await.unwrap();
        for suffix in ["", "-wal", "-shm", ".lock"] {
            let mut name = path.clone().into_os_string();
            name.push(suffix);
            let _ = std::fs::remove_file(name);
        }
    }

    #[test]
    fn the_mark_is_the_number_in_the_pragma() {
        assert_eq!(APPLICATION_ID, 1_668_050_548);
    }
}
