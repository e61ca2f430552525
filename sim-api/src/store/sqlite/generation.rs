//! Generations of worlds: staged, published, retired, swept away. All inside a transaction of the caller.

use sqlx::{Row, SqliteConnection};

use super::{STAGED, journal, number, snapshot};
use crate::store::log::{Cleared, NewWorld, Result, StoreError, WholeSnapshot, World, WorldKey, WorldMeta};

/// A generation with its first snapshot, published at once.
pub(super) async fn create(
    conn: &mut SqliteConnection,
    world: &NewWorld,
    replaces: Option<WorldKey>,
    start: WholeSnapshot<'_>,
) -> Result<World> {
    let key = stage(conn, world).await?;
    let id = snapshot::begin(conn, key, start.seq.saturating_add(1)).await?;
    for (part, bytes) in (0u32..).zip(start.chunks) {
        snapshot::put_chunk(conn, id, part, bytes).await?;
    }
    snapshot::finish(conn, id, start.seq, start.digest, start.rows).await?;
    publish(conn, key, replaces).await
}

pub(super) async fn stage(conn: &mut SqliteConnection, world: &NewWorld) -> Result<WorldKey> {
    const STAGE: &str = "INSERT INTO journal (name, generation, state, created_at_ms, settings, last_seq)
        VALUES (?, 0, 0, ?, ?, 0)";
    let staged = sqlx::query(STAGE)
        .bind(world.name.as_str())
        .bind(world.created_at_ms)
        .bind(world.settings.as_str())
        .execute(conn)
        .await?;
    Ok(WorldKey(staged.last_insert_rowid()))
}

pub(super) async fn publish(
    conn: &mut SqliteConnection,
    key: WorldKey,
    replaces: Option<WorldKey>,
) -> Result<World> {
    const STAGED_ROW: &str = "SELECT name, created_at_ms, settings FROM journal WHERE key = ? AND state = 0";
    let row = sqlx::query(STAGED_ROW).bind(key.0).fetch_optional(&mut *conn).await?;
    let row = row.ok_or(StoreError::NotStaged(key))?;
    let name: String = row.try_get("name")?;
    let generation = may_publish(conn, &name, replaces).await?;
    let start = snapshot::newest(conn, key).await?.ok_or(StoreError::NoFirstSnapshot(key))?;
    if let Some(old) = replaces {
        retire(conn, old).await?;
    }
    const PUBLISH: &str = "UPDATE journal SET state = 1, generation = ?, last_seq = ? WHERE key = ?";
    // Both came out of the database and fit into it.
    let (generation_stored, last_seq) = (generation as i64, start.end_seq as i64);
    sqlx::query(PUBLISH).bind(generation_stored).bind(last_seq).bind(key.0).execute(conn).await?;
    let (created_at_ms, settings) = (row.try_get("created_at_ms")?, row.try_get("settings")?);
    Ok(World { key, meta: WorldMeta { name, generation, created_at_ms, settings }, last_seq: start.end_seq })
}

/// The generation that a world of this name gets, if it may be published.
async fn may_publish(conn: &mut SqliteConnection, name: &str, replaces: Option<WorldKey>) -> Result<u64> {
    let Some(world) = replaces else {
        const NAMED: &str = "SELECT count(*) FROM journal WHERE name = ? AND state = 1";
        let named: i64 = sqlx::query_scalar(NAMED).bind(name).fetch_one(conn).await?;
        return if named > 0 { Err(StoreError::NameTaken(name.to_owned())) } else { Ok(1) };
    };
    const OLD: &str = "SELECT name, generation FROM journal WHERE key = ? AND state = 1";
    let row =
        sqlx::query(OLD).bind(world.0).fetch_optional(conn).await?.ok_or(StoreError::NotCurrent(world))?;
    let found: String = row.try_get("name")?;
    if found != name {
        return Err(StoreError::OtherName { world, found, wanted: name.to_owned() });
    }
    Ok(number::<u64>(&row, "generation")? + 1)
}

/// Makes a current generation invisible, with its snapshots.
pub(super) async fn retire(conn: &mut SqliteConnection, world: WorldKey) -> Result<()> {
    const RETIRE: &str = "UPDATE journal SET state = 2 WHERE key = ? AND state = 1";
    if sqlx::query(RETIRE).bind(world.0).execute(&mut *conn).await?.rows_affected() == 0 {
        return Err(StoreError::NotCurrent(world));
    }
    const DROP: &str = "UPDATE snapshot SET state = 2 WHERE journal = ?";
    sqlx::query(DROP).bind(world.0).execute(conn).await?;
    Ok(())
}

/// Whether a journal can take a snapshot, as `(staged, last_seq)`.
pub(super) async fn living(conn: &mut SqliteConnection, world: WorldKey) -> Result<(bool, u64)> {
    match journal(conn, world).await? {
        Some((state, last_seq)) if state != super::RETIRED => Ok((state == STAGED, last_seq)),
        _ => Err(StoreError::NotCurrent(world)),
    }
}

/// Removes what is dropped or retired, children before parents.
pub(super) async fn sweep(conn: &mut SqliteConnection, max_rows: u32) -> Result<Cleared> {
    const SLICES: [&str; 4] = [
        "DELETE FROM snapshot_chunk WHERE rowid IN (SELECT c.rowid FROM snapshot_chunk c
            JOIN snapshot s ON s.id = c.snapshot WHERE s.state = 2 LIMIT ?)",
        "DELETE FROM snapshot WHERE id IN (SELECT id FROM snapshot WHERE state = 2 LIMIT ?)",
        "DELETE FROM entry WHERE rowid IN (SELECT e.rowid FROM journal j
            JOIN entry e ON e.journal = j.key WHERE j.state = 2 LIMIT ?)",
        "DELETE FROM journal WHERE key IN (SELECT key FROM journal WHERE state = 2 LIMIT ?)",
    ];
    let mut left = u64::from(max_rows);
    for slice in SLICES {
        // A slice only starts when the one before has found less than it might have taken, so that
        // no parent goes before its children.
        if left > 0 {
            left -= sqlx::query(slice).bind(left as i64).execute(&mut *conn).await?.rows_affected();
        }
    }
    Ok(Cleared { removed: u64::from(max_rows) - left, more: left == 0 })
}
