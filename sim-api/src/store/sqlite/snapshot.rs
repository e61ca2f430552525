//! Snapshots: written in slices, shown at once, pruned. All inside a transaction of the caller.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{digest, generation, journal, number};
use crate::store::log::{
    Cleared, Finish, Result, Retention, SnapshotHead, SnapshotId, StoreError, WorldKey, check_begin,
    check_chunk, check_finish, in_range,
};

pub(super) async fn begin(
    conn: &mut SqliteConnection,
    world: WorldKey,
    start_seq: u64,
) -> Result<SnapshotId> {
    let start = in_range("start_seq", start_seq)?;
    let (staged, last_seq) = generation::living(conn, world).await?;
    check_begin(world, start_seq, staged, last_seq)?;
    const DROP_OTHER: &str = "UPDATE snapshot SET state = 2 WHERE journal = ? AND state = 0";
    sqlx::query(DROP_OTHER).bind(world.0).execute(&mut *conn).await?;
    const BEGIN: &str = "INSERT INTO snapshot (journal, state, start_seq) VALUES (?, 0, ?)";
    let begun = sqlx::query(BEGIN).bind(world.0).bind(start).execute(conn).await?;
    Ok(SnapshotId(begun.last_insert_rowid()))
}

/// World, first entry and number of chunks of a snapshot that is being written.
async fn writing(conn: &mut SqliteConnection, id: SnapshotId) -> Result<(WorldKey, u64, u32)> {
    // The largest number is found through the index; counting would read every chunk's key.
    const ROW: &str = "SELECT journal, start_seq,
        (SELECT coalesce(max(part) + 1, 0) FROM snapshot_chunk WHERE snapshot = id) AS chunks
        FROM snapshot WHERE id = ? AND state = 0";
    let row = sqlx::query(ROW).bind(id.0).fetch_optional(conn).await?.ok_or(StoreError::NotWriting(id))?;
    Ok((WorldKey(row.try_get("journal")?), number(&row, "start_seq")?, number(&row, "chunks")?))
}

pub(super) async fn put_chunk(
    conn: &mut SqliteConnection,
    id: SnapshotId,
    part: u32,
    bytes: &[u8],
) -> Result<()> {
    let (world, _, chunks) = writing(conn, id).await?;
    check_chunk(world, part, chunks)?;
    const PUT: &str = "INSERT INTO snapshot_chunk (snapshot, part, bytes) VALUES (?, ?, ?)";
    sqlx::query(PUT).bind(id.0).bind(part).bind(bytes).execute(conn).await?;
    Ok(())
}

pub(super) async fn finish(
    conn: &mut SqliteConnection,
    id: SnapshotId,
    end_seq: u64,
    digest: [u8; 16],
    rows: u64,
) -> Result<SnapshotHead> {
    let (end, row_count) = (in_range("end_seq", end_seq)?, in_range("rows", rows)?);
    let (world, start_seq, chunks) = writing(conn, id).await?;
    let (staged, last_seq) = generation::living(conn, world).await?;
    check_finish(&Finish { world, staged, last_seq, start_seq, end_seq })?;
    const FINISH: &str = "UPDATE snapshot SET state = 1, end_seq = ?, digest = ?, row_count = ?, chunks = ?
        WHERE id = ?";
    sqlx::query(FINISH)
        .bind(end)
        .bind(digest.as_slice())
        .bind(row_count)
        .bind(chunks)
        .bind(id.0)
        .execute(conn)
        .await?;
    Ok(SnapshotHead { id, start_seq, end_seq, digest, rows, chunks })
}

pub(super) async fn drop_writing(conn: &mut SqliteConnection, id: SnapshotId) -> Result<()> {
    const DROP: &str = "UPDATE snapshot SET state = 2 WHERE id = ? AND state = 0";
    if sqlx::query(DROP).bind(id.0).execute(conn).await?.rows_affected() == 0 {
        return Err(StoreError::NotWriting(id));
    }
    Ok(())
}

/// The newest finished snapshot of a journal, whatever the journal's state.
pub(super) async fn newest(conn: &mut SqliteConnection, world: WorldKey) -> Result<Option<SnapshotHead>> {
    const NEWEST: &str = "SELECT id, start_seq, end_seq, digest, row_count, chunks FROM snapshot
        WHERE journal = ? AND state = 1 ORDER BY id DESC LIMIT 1";
    let row = sqlx::query(NEWEST).bind(world.0).fetch_optional(conn).await?;
    row.as_ref().map(head_of).transpose()
}

/// The oldest finished snapshot of a journal.
pub(super) async fn oldest(conn: &mut SqliteConnection, world: WorldKey) -> Result<Option<SnapshotHead>> {
    const OLDEST: &str = "SELECT id, start_seq, end_seq, digest, row_count, chunks FROM snapshot
        WHERE journal = ? AND state = 1 ORDER BY id LIMIT 1";
    let row = sqlx::query(OLDEST).bind(world.0).fetch_optional(conn).await?;
    row.as_ref().map(head_of).transpose()
}

fn head_of(row: &SqliteRow) -> Result<SnapshotHead> {
    Ok(SnapshotHead {
        id: SnapshotId(row.try_get("id")?),
        start_seq: number(row, "start_seq")?,
        end_seq: number(row, "end_seq")?,
        digest: digest(row)?,
        rows: number(row, "row_count")?,
        chunks: number(row, "chunks")?,
    })
}

pub(super) async fn chunk(conn: &mut SqliteConnection, snapshot: SnapshotId, part: u32) -> Result<Vec<u8>> {
    const CHUNK: &str = "SELECT bytes FROM snapshot_chunk c JOIN snapshot s ON s.id = c.snapshot
        WHERE c.snapshot = ? AND c.part = ? AND s.state = 1";
    let bytes = sqlx::query_scalar(CHUNK).bind(snapshot.0).bind(part).fetch_optional(conn).await?;
    bytes.ok_or(StoreError::NoChunk { snapshot, part })
}

/// Drops the snapshots beyond those kept, then removes entries that the oldest kept one can spare.
pub(super) async fn prune(
    conn: &mut SqliteConnection,
    world: WorldKey,
    keep: Retention,
    max_rows: u32,
) -> Result<Cleared> {
    let Some((super::CURRENT, _)) = journal(conn, world).await? else {
        return Err(StoreError::NotCurrent(world));
    };
    const DROP_OLD: &str = "UPDATE snapshot SET state = 2 WHERE id IN (SELECT id FROM snapshot
        WHERE journal = ?1 AND state = 1 ORDER BY id DESC LIMIT -1 OFFSET ?2)
        AND NOT (?3 AND id = (SELECT min(id) FROM snapshot WHERE journal = ?1 AND state = 1))";
    let kept = i64::from(keep.snapshots.max(1));
    let keep_first = keep.entries == u64::MAX;
    sqlx::query(DROP_OLD).bind(world.0).bind(kept).bind(keep_first).execute(&mut *conn).await?;

    const OLDEST: &str = "SELECT start_seq FROM snapshot WHERE journal = ? AND state = 1 ORDER BY id LIMIT 1";
    let oldest = sqlx::query(OLDEST).bind(world.0).fetch_optional(&mut *conn).await?;
    let oldest = oldest.ok_or(StoreError::NoFirstSnapshot(world))?;
    let floor = number::<u64>(&oldest, "start_seq")?.saturating_sub(keep.entries);

    const REMOVE: &str = "DELETE FROM entry WHERE rowid IN (SELECT rowid FROM entry
        WHERE journal = ? AND seq < ? ORDER BY seq LIMIT ?)";
    let floor = in_range("start_seq", floor)?;
    let removed =
        sqlx::query(REMOVE).bind(world.0).bind(floor).bind(max_rows).execute(conn).await?.rows_affected();
    Ok(Cleared { removed, more: removed == u64::from(max_rows) })
}
