//! Appending, the one hot path of the storage.
//!
//! A call of SQLite through its thread costs a few tens of microseconds, so a small append is one
//! call: transaction, guard, rows and commit in one text. The texts are constant: there is one for
//! each power of two, and places without a row are left NULL and filtered out.

use sqlx::SqliteConnection;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};

use super::{CURRENT, SqliteLog, journal};
use crate::store::log::{Batch, Entry, Result, StoreError, WorldKey, check_run};

/// Rows of the largest statement.
const MOST_ROWS: usize = 64;

/// Consecutive entries of one world, 1 to [`MOST_ROWS`].
type Run<'a> = (WorldKey, &'a [Entry]);

/// The guard fails (NULL in a NOT NULL column) unless the journal is current and the rows follow its
/// newest entry; for a journal that does not exist the foreign key of the rows fails.
macro_rules! guarded_rows {
    ($rows:expr) => {
        concat!(
            "UPDATE journal SET last_seq = CASE WHEN last_seq = ? AND state = 1 THEN ? END WHERE key = ?;",
            "INSERT INTO entry (journal, seq, at, rules, caller, command, outcome, changes, digest) ",
            "SELECT column1, column2, column3, column4, column5, column6, column7, column8, column9 ",
            "FROM (VALUES ",
            $rows,
            ") WHERE column2 IS NOT NULL"
        )
    };
}

macro_rules! alone {
    ($rows:expr) => {
        concat!("BEGIN IMMEDIATE;", guarded_rows!($rows), ";COMMIT")
    };
}

macro_rules! twice {
    ($rows:expr) => {
        concat!($rows, ",", $rows)
    };
}

macro_rules! per_size {
    ($text:ident) => {
        [
            $text!("(?,?,?,?,?,?,?,?,?)"),
            $text!(twice!("(?,?,?,?,?,?,?,?,?)")),
            $text!(twice!(twice!("(?,?,?,?,?,?,?,?,?)"))),
            $text!(twice!(twice!(twice!("(?,?,?,?,?,?,?,?,?)")))),
            $text!(twice!(twice!(twice!(twice!("(?,?,?,?,?,?,?,?,?)"))))),
            $text!(twice!(twice!(twice!(twice!(twice!("(?,?,?,?,?,?,?,?,?)")))))),
            $text!(twice!(twice!(twice!(twice!(twice!(twice!("(?,?,?,?,?,?,?,?,?)"))))))),
        ]
    };
}

/// By the binary logarithm of the number of rows: a whole transaction.
const ALONE: [&str; 7] = per_size!(alone);
/// By the binary logarithm of the number of rows: a part of a transaction.
const PART: [&str; 7] = per_size!(guarded_rows);

pub(super) async fn append_all(log: &SqliteLog, batches: &[Batch<'_>]) -> Result<()> {
    for batch in batches {
        check_run(batch.world, batch.entries)?;
    }
    let runs: Vec<Run<'_>> =
        batches.iter().flat_map(|b| b.entries.chunks(MOST_ROWS).map(|entries| (b.world, entries))).collect();
    match runs.as_slice() {
        [] => Ok(()),
        [run] => append_alone(log, *run).await,
        runs => append_parts(log, runs).await,
    }
}

async fn append_alone(log: &SqliteLog, run: Run<'_>) -> Result<()> {
    let mut write = log.write().await?;
    let outcome = insert(write.conn(), &ALONE, run).await;
    write.ended(outcome).await
}

async fn append_parts(log: &SqliteLog, runs: &[Run<'_>]) -> Result<()> {
    let mut write = log.begin().await?;
    let outcome = insert_parts(write.conn(), runs).await;
    write.end(outcome).await
}

async fn insert_parts(conn: &mut SqliteConnection, runs: &[Run<'_>]) -> Result<()> {
    for run in runs {
        insert(conn, &PART, *run).await?;
    }
    Ok(())
}

/// Stores a run.
async fn insert(conn: &mut SqliteConnection, texts: &[&'static str; 7], (world, run): Run<'_>) -> Result<()> {
    let (Some(first), Some(last)) = (run.first(), run.last()) else {
        return Ok(());
    };
    let text = texts[run.len().next_power_of_two().ilog2() as usize];
    // `check_run` has seen that the numbers fit.
    let query = sqlx::query(text).bind(first.seq as i64 - 1).bind(last.seq as i64).bind(world.0);
    let query = run.iter().fold(query, |query, entry| bind(query, world, entry));
    match query.execute(&mut *conn).await {
        Ok(_) => Ok(()),
        Err(error) => Err(explain(conn, error, world, first.seq).await),
    }
}

fn bind<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    world: WorldKey,
    entry: &'q Entry,
) -> Query<'q, Sqlite, SqliteArguments> {
    query
        .bind(world.0)
        .bind(entry.seq as i64)
        .bind(entry.at)
        .bind(entry.rules)
        .bind(entry.caller.as_str())
        .bind(entry.command.as_str())
        .bind(entry.outcome.as_slice())
        .bind(entry.changes.as_slice())
        .bind(entry.digest.as_slice())
}

/// Says what was wrong when the guard or the foreign key has failed.
async fn explain(conn: &mut SqliteConnection, error: sqlx::Error, world: WorldKey, found: u64) -> StoreError {
    // Extended result codes SQLITE_CONSTRAINT_FOREIGNKEY and SQLITE_CONSTRAINT_NOTNULL.
    let guarded = error.as_database_error().and_then(|e| e.code()).is_some_and(|c| c == "787" || c == "1299");
    if !guarded {
        return error.into();
    }
    match journal(conn, world).await {
        Ok(Some((CURRENT, last))) => StoreError::Gap { world, expected: last + 1, found },
        Ok(_) => StoreError::NotCurrent(world),
        Err(_) => error.into(),
    }
}
