//! Faults on request, so that tests see what the engine does when the disk says no.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::log::{
    Batch, Cleared, Entry, Log, NewWorld, Result, Retention, SnapshotHead, SnapshotId, StoreError,
    WholeSnapshot, World, WorldKey,
};

/// When an append fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is stored.
    Before,
    /// Everything is stored, and the caller is told otherwise: the answer was lost.
    After,
}

/// The switchboard of a [`FailingLog`]; clones share it.
#[derive(Clone, Debug)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
    held: Arc<watch::Sender<bool>>,
}

#[derive(Debug, Default)]
struct Plan {
    /// Appends seen so far, failed ones too.
    seen: u64,
    /// The appends that fail, by number.
    nth: Vec<(u64, Fault)>,
    /// Every append fails.
    all: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self { plan: Arc::default(), held: Arc::new(watch::Sender::new(false)) }
    }
}

impl Faults {
    /// The `nth` append from now on fails, 1 being the next.
    pub fn fail_nth(&self, nth: u64, fault: Fault) {
        let mut plan = self.plan.lock();
        let number = plan.seen + nth;
        plan.nth.push((number, fault));
    }

    /// Every append fails without a trace (`true`), or none but the numbered ones does.
    pub fn fail_all(&self, all: bool) {
        self.plan.lock().all = all;
    }

    /// Appends wait (`true`) until they are let go: what a slow disk looks like.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Appends seen so far, failed ones too; one that is held has been seen.
    pub fn appends(&self) -> u64 {
        self.plan.lock().seen
    }

    /// Counts an append and says what becomes of it.
    fn next(&self) -> (u64, Option<Fault>) {
        let mut plan = self.plan.lock();
        plan.seen += 1;
        let seen = plan.seen;
        let planned = plan.nth.iter().find(|(number, _)| *number == seen).map(|(_, fault)| *fault);
        (seen, planned.or(plan.all.then_some(Fault::Before)))
    }

    async fn let_go(&self) {
        // The sender lives as long as self, so the wait can only end by being let go.
        let _ = self.held.subscribe().wait_for(|held| !held).await;
    }
}

/// A [`Log`] whose appends fail when a test says so. All other calls go through.
#[derive(Debug)]
pub struct FailingLog<L> {
    inner: L,
    faults: Faults,
}

impl<L: Log> FailingLog<L> {
    /// Wraps a storage.
    pub fn new(inner: L, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

impl<L: Log> Log for FailingLog<L> {
    async fn worlds(&self) -> Result<Vec<World>> {
        self.inner.worlds().await
    }

    async fn last_seq(&self, world: WorldKey) -> Result<u64> {
        self.inner.last_seq(world).await
    }

    async fn entries(&self, world: WorldKey, from_seq: u64, limit: u32) -> Result<Vec<Entry>> {
        self.inner.entries(world, from_seq, limit).await
    }

    async fn newest_snapshot(&self, world: WorldKey) -> Result<SnapshotHead> {
        self.inner.newest_snapshot(world).await
    }

    async fn oldest_snapshot(&self, world: WorldKey) -> Result<SnapshotHead> {
        self.inner.oldest_snapshot(world).await
    }

    async fn chunk(&self, snapshot: SnapshotId, part: u32) -> Result<Vec<u8>> {
        self.inner.chunk(snapshot, part).await
    }

    async fn append_all(&self, batches: &[Batch<'_>]) -> Result<()> {
        let (number, fault) = self.faults.next();
        self.faults.let_go().await;
        if fault != Some(Fault::Before) {
            self.inner.append_all(batches).await?;
        }
        match fault {
            None => Ok(()),
            Some(_) => Err(StoreError::Injected(number)),
        }
    }

    async fn create(
        &self,
        world: &NewWorld,
        replaces: Option<WorldKey>,
        start: WholeSnapshot<'_>,
    ) -> Result<World> {
        self.inner.create(world, replaces, start).await
    }

    async fn stage(&self, world: &NewWorld) -> Result<WorldKey> {
        self.inner.stage(world).await
    }

    async fn publish(&self, staged: WorldKey, replaces: Option<WorldKey>) -> Result<World> {
        self.inner.publish(staged, replaces).await
    }

    async fn delete(&self, world: WorldKey) -> Result<()> {
        self.inner.delete(world).await
    }

    async fn begin_snapshot(&self, world: WorldKey, start_seq: u64) -> Result<SnapshotId> {
        self.inner.begin_snapshot(world, start_seq).await
    }

    async fn put_chunk(&self, snapshot: SnapshotId, part: u32, bytes: &[u8]) -> Result<()> {
        self.inner.put_chunk(snapshot, part, bytes).await
    }

    async fn finish_snapshot(
        &self,
        snapshot: SnapshotId,
        end_seq: u64,
        digest: [u8; 16],
        rows: u64,
    ) -> Result<SnapshotHead> {
        self.inner.finish_snapshot(snapshot, end_seq, digest, rows).await
    }

    async fn drop_snapshot(&self, snapshot: SnapshotId) -> Result<()> {
        self.inner.drop_snapshot(snapshot).await
    }

    async fn prune(&self, world: WorldKey, keep: Retention, max_rows: u32) -> Result<Cleared> {
        self.inner.prune(world, keep, max_rows).await
    }

    async fn sweep(&self, max_rows: u32) -> Result<Cleared> {
        self.inner.sweep(max_rows).await
    }

    async fn close(self) -> Result<()> {
        self.inner.close().await
    }
}
