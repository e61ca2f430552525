//! Journals in memory: for throw-away worlds and `--db memory`. Nothing survives the process.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::log::{
    Batch, Cleared, Entry, Finish, Log, NewWorld, Result, Retention, SnapshotHead, SnapshotId, StoreError,
    WholeSnapshot, World, WorldKey, WorldMeta, check_begin, check_chunk, check_finish, check_run, in_range,
};

/// A [`Log`] without a file. It follows the same rules as the one on SQLite.
#[derive(Debug, Default)]
pub struct MemoryLog {
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JournalState {
    Staged,
    Current,
    Retired,
}

#[derive(Debug)]
struct Journal {
    meta: WorldMeta,
    state: JournalState,
    last_seq: u64,
    entries: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
enum SnapshotState {
    Writing,
    Finished(SnapshotHead),
    Dropped,
}

#[derive(Debug)]
struct Snapshot {
    world: WorldKey,
    start_seq: u64,
    state: SnapshotState,
    chunks: Vec<Vec<u8>>,
}

#[derive(Debug, Default)]
struct State {
    last_key: i64,
    last_snapshot: i64,
    journals: BTreeMap<WorldKey, Journal>,
    snapshots: BTreeMap<SnapshotId, Snapshot>,
}

impl MemoryLog {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Log for MemoryLog {
    async fn worlds(&self) -> Result<Vec<World>> {
        let state = self.state.lock();
        let current = state.journals.iter().filter(|(_, j)| j.state == JournalState::Current);
        let mut worlds: Vec<World> =
            current.map(|(&key, j)| World { key, meta: j.meta.clone(), last_seq: j.last_seq }).collect();
        worlds.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
        Ok(worlds)
    }

    async fn last_seq(&self, world: WorldKey) -> Result<u64> {
        Ok(self.state.lock().current(world)?.last_seq)
    }

    async fn entries(&self, world: WorldKey, from_seq: u64, limit: u32) -> Result<Vec<Entry>> {
        let state = self.state.lock();
        let entries = &state.current(world)?.entries;
        Ok(entries.range(from_seq..).take(limit as usize).map(|(_, e)| e.clone()).collect())
    }

    async fn newest_snapshot(&self, world: WorldKey) -> Result<SnapshotHead> {
        let state = self.state.lock();
        state.current(world)?;
        state.finished(world).next_back().cloned().ok_or(StoreError::NoFirstSnapshot(world))
    }

    async fn oldest_snapshot(&self, world: WorldKey) -> Result<SnapshotHead> {
        let state = self.state.lock();
        state.current(world)?;
        state.finished(world).next().cloned().ok_or(StoreError::NoFirstSnapshot(world))
    }

    async fn chunk(&self, snapshot: SnapshotId, part: u32) -> Result<Vec<u8>> {
        let state = self.state.lock();
        let found = state.snapshots.get(&snapshot).filter(|s| matches!(s.state, SnapshotState::Finished(_)));
        let chunk = found.and_then(|s| s.chunks.get(part as usize));
        chunk.cloned().ok_or(StoreError::NoChunk { snapshot, part })
    }

    async fn append_all(&self, batches: &[Batch<'_>]) -> Result<()> {
        let mut state = self.state.lock();
        // One world may come twice in a call, so the check follows the numbers as they would grow.
        let mut last: BTreeMap<WorldKey, u64> = BTreeMap::new();
        for batch in batches {
            check_run(batch.world, batch.entries)?;
            let Some(first) = batch.entries.first() else { continue };
            let stored = state.current(batch.world)?.last_seq;
            let last = last.entry(batch.world).or_insert(stored);
            if first.seq != *last + 1 {
                return Err(StoreError::Gap { world: batch.world, expected: *last + 1, found: first.seq });
            }
            *last += batch.entries.len() as u64;
        }
        for batch in batches.iter().filter(|b| !b.entries.is_empty()) {
            let journal = state.current_mut(batch.world)?;
            journal.last_seq += batch.entries.len() as u64;
            journal.entries.extend(batch.entries.iter().map(|e| (e.seq, e.clone())));
        }
        Ok(())
    }

    async fn create(
        &self,
        world: &NewWorld,
        replaces: Option<WorldKey>,
        start: WholeSnapshot<'_>,
    ) -> Result<World> {
        // All checks come first: what is staged here can not be rolled back.
        in_range("start_seq", start.seq.saturating_add(1))?;
        in_range("rows", start.rows)?;
        let mut state = self.state.lock();
        state.may_publish(&world.name, replaces)?;
        let key = state.stage(world);
        let id = state.begin_snapshot(key, start.seq + 1)?;
        for (part, bytes) in (0u32..).zip(start.chunks) {
            state.put_chunk(id, part, bytes)?;
        }
        state.finish_snapshot(id, start.seq, start.digest, start.rows)?;
        state.publish(key, replaces)
    }

    async fn stage(&self, world: &NewWorld) -> Result<WorldKey> {
        Ok(self.state.lock().stage(world))
    }

    async fn publish(&self, staged: WorldKey, replaces: Option<WorldKey>) -> Result<World> {
        self.state.lock().publish(staged, replaces)
    }

    async fn delete(&self, world: WorldKey) -> Result<()> {
        self.state.lock().retire(world)
    }

    async fn begin_snapshot(&self, world: WorldKey, start_seq: u64) -> Result<SnapshotId> {
        self.state.lock().begin_snapshot(world, start_seq)
    }

    async fn put_chunk(&self, snapshot: SnapshotId, part: u32, bytes: &[u8]) -> Result<()> {
        self.state.lock().put_chunk(snapshot, part, bytes)
    }

    async fn finish_snapshot(
        &self,
        snapshot: SnapshotId,
        end_seq: u64,
        digest: [u8; 16],
        rows: u64,
    ) -> Result<SnapshotHead> {
        self.state.lock().finish_snapshot(snapshot, end_seq, digest, rows)
    }

    async fn drop_snapshot(&self, snapshot: SnapshotId) -> Result<()> {
        self.state.lock().writing(snapshot)?.state = SnapshotState::Dropped;
        Ok(())
    }

    async fn prune(&self, world: WorldKey, keep: Retention, max_rows: u32) -> Result<Cleared> {
        self.state.lock().prune(world, keep, max_rows.max(1).into())
    }

    async fn sweep(&self, max_rows: u32) -> Result<Cleared> {
        Ok(self.state.lock().sweep(max_rows.max(1).into()))
    }

    async fn close(self) -> Result<()> {
        Ok(())
    }
}

impl State {
    fn current(&self, world: WorldKey) -> Result<&Journal> {
        let found = self.journals.get(&world).filter(|j| j.state == JournalState::Current);
        found.ok_or(StoreError::NotCurrent(world))
    }

    fn current_mut(&mut self, world: WorldKey) -> Result<&mut Journal> {
        let found = self.journals.get_mut(&world).filter(|j| j.state == JournalState::Current);
        found.ok_or(StoreError::NotCurrent(world))
    }

    fn named(&self, name: &str) -> bool {
        self.journals.values().any(|j| j.state == JournalState::Current && j.meta.name == name)
    }

    /// The finished snapshots of a world, oldest first.
    fn finished(&self, world: WorldKey) -> impl DoubleEndedIterator<Item = &SnapshotHead> {
        self.snapshots.values().filter_map(move |s| match &s.state {
            SnapshotState::Finished(head) if s.world == world => Some(head),
            _ => None,
        })
    }

    fn writing(&mut self, id: SnapshotId) -> Result<&mut Snapshot> {
        let found = self.snapshots.get_mut(&id).filter(|s| matches!(s.state, SnapshotState::Writing));
        found.ok_or(StoreError::NotWriting(id))
    }

    fn stage(&mut self, world: &NewWorld) -> WorldKey {
        self.last_key += 1;
        let meta = WorldMeta {
            name: world.name.clone(),
            generation: 0,
            created_at_ms: world.created_at_ms,
            settings: world.settings.clone(),
        };
        let journal = Journal { meta, state: JournalState::Staged, last_seq: 0, entries: BTreeMap::new() };
        self.journals.insert(WorldKey(self.last_key), journal);
        WorldKey(self.last_key)
    }

    /// The generation that a world of this name gets, if it may be published.
    fn may_publish(&self, name: &str, replaces: Option<WorldKey>) -> Result<u64> {
        let Some(world) = replaces else {
            return if self.named(name) { Err(StoreError::NameTaken(name.to_owned())) } else { Ok(1) };
        };
        let old = &self.current(world)?.meta;
        if old.name != name {
            return Err(StoreError::OtherName { world, found: old.name.clone(), wanted: name.to_owned() });
        }
        Ok(old.generation + 1)
    }

    fn publish(&mut self, key: WorldKey, replaces: Option<WorldKey>) -> Result<World> {
        let staged = self.journals.get(&key).filter(|j| j.state == JournalState::Staged);
        let staged = staged.ok_or(StoreError::NotStaged(key))?;
        let generation = self.may_publish(&staged.meta.name, replaces)?;
        let end_seq = self.finished(key).next_back().ok_or(StoreError::NoFirstSnapshot(key))?.end_seq;
        if let Some(old) = replaces {
            self.retire(old)?;
        }
        let journal = self.journals.get_mut(&key).ok_or(StoreError::NotStaged(key))?;
        journal.state = JournalState::Current;
        journal.last_seq = end_seq;
        journal.meta.generation = generation;
        Ok(World { key, meta: journal.meta.clone(), last_seq: end_seq })
    }

    fn retire(&mut self, world: WorldKey) -> Result<()> {
        self.current_mut(world)?.state = JournalState::Retired;
        for snapshot in self.snapshots.values_mut().filter(|s| s.world == world) {
            snapshot.state = SnapshotState::Dropped;
        }
        Ok(())
    }

    fn begin_snapshot(&mut self, world: WorldKey, start_seq: u64) -> Result<SnapshotId> {
        in_range("start_seq", start_seq)?;
        let journal = self.journals.get(&world).filter(|j| j.state != JournalState::Retired);
        let journal = journal.ok_or(StoreError::NotCurrent(world))?;
        check_begin(world, start_seq, journal.state == JournalState::Staged, journal.last_seq)?;
        for old in self.snapshots.values_mut() {
            if old.world == world && matches!(old.state, SnapshotState::Writing) {
                old.state = SnapshotState::Dropped;
            }
        }
        self.last_snapshot += 1;
        let snapshot = Snapshot { world, start_seq, state: SnapshotState::Writing, chunks: Vec::new() };
        self.snapshots.insert(SnapshotId(self.last_snapshot), snapshot);
        Ok(SnapshotId(self.last_snapshot))
    }

    fn put_chunk(&mut self, id: SnapshotId, part: u32, bytes: &[u8]) -> Result<()> {
        let snapshot = self.writing(id)?;
        check_chunk(snapshot.world, part, snapshot.chunks.len() as u32)?;
        snapshot.chunks.push(bytes.to_vec());
        Ok(())
    }

    fn finish_snapshot(
        &mut self,
        id: SnapshotId,
        end_seq: u64,
        digest: [u8; 16],
        rows: u64,
    ) -> Result<SnapshotHead> {
        in_range("end_seq", end_seq)?;
        in_range("rows", rows)?;
        let snapshot = self.writing(id)?;
        let (world, start_seq, chunks) = (snapshot.world, snapshot.start_seq, snapshot.chunks.len() as u32);
        let journal = self.journals.get(&world).ok_or(StoreError::NotWriting(id))?;
        let staged = journal.state == JournalState::Staged;
        check_finish(&Finish { world, staged, last_seq: journal.last_seq, start_seq, end_seq })?;
        let head = SnapshotHead { id, start_seq, end_seq, digest, rows, chunks };
        self.writing(id)?.state = SnapshotState::Finished(head.clone());
        Ok(head)
    }

    fn prune(&mut self, world: WorldKey, keep: Retention, max_rows: u64) -> Result<Cleared> {
        self.current(world)?;
        let first = self.finished(world).next().map(|head| head.id).filter(|_| keep.entries == u64::MAX);
        let rest = self.finished(world).rev().skip(keep.snapshots.max(1) as usize).map(|head| head.id);
        let old: Vec<SnapshotId> = rest.filter(|id| Some(*id) != first).collect();
        for id in old {
            if let Some(snapshot) = self.snapshots.get_mut(&id) {
                snapshot.state = SnapshotState::Dropped;
            }
        }
        let oldest = self.finished(world).next().ok_or(StoreError::NoFirstSnapshot(world))?.start_seq;
        let floor = oldest.saturating_sub(keep.entries);
        let entries = &mut self.current_mut(world)?.entries;
        let mut removed = 0;
        while removed < max_rows && entries.first_key_value().is_some_and(|(&seq, _)| seq < floor) {
            entries.pop_first();
            removed += 1;
        }
        Ok(Cleared { removed, more: removed == max_rows })
    }

    /// Dropped snapshots, chunk by chunk, then retired journals, entry by entry.
    fn sweep(&mut self, max_rows: u64) -> Cleared {
        let mut removed = 0;
        self.snapshots.retain(|_, snapshot| {
            while matches!(snapshot.state, SnapshotState::Dropped) && removed < max_rows {
                removed += 1;
                if snapshot.chunks.pop().is_none() {
                    return false;
                }
            }
            true
        });
        self.journals.retain(|_, journal| {
            while journal.state == JournalState::Retired && removed < max_rows {
                removed += 1;
                if journal.entries.pop_first().is_none() {
                    return false;
                }
            }
            true
        });
        Cleared { removed, more: removed == max_rows }
    }
}
