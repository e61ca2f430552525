//! The one writer of a world: apply a group, append it, answer. Snapshots are written in slices between groups.

use super::codec::{SLICE_ROWS, Slice, encode_entry};
use super::world_handle::{Durable, EngineError, Finish, Job, wall_now};
use crate::store::{AnyLog, Log, Retention, SnapshotId, StoreError, WorldKey};
use parking_lot::RwLock;
use sim_core::world::{Cursor, Mark};
use sim_core::{Applied, Caller, Command, Entry, SimTime, World};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// What a writer is set to.
#[derive(Clone, Debug)]
pub struct WriterSettings {
    /// How many commands may wait.
    pub queue: usize,
    /// How many commands one transaction holds at most.
    pub group: usize,
    /// A snapshot is written when more entries than this, and than rows in the world, came since the last one.
    pub snapshot_after: u64,
    /// How much of the past is kept.
    pub retention: Retention,
}

impl Default for WriterSettings {
    fn default() -> WriterSettings {
        WriterSettings {
            queue: 4_096,
            group: 256,
            snapshot_after: 10_000,
            retention: Retention { snapshots: 2, entries: u64::MAX },
        }
    }
}

/// How many timers fire before waiting commands and reads get their turn.
const ADVANCE_SLICE: u64 = 1_000;

pub(super) struct Writer {
    name: String,
    key: WorldKey,
    state: Arc<RwLock<World>>,
    log: Arc<AnyLog>,
    settings: WriterSettings,
    announce: watch::Sender<Durable>,
    snapshot: Option<Running>,
    last_snapshot: u64,
}

/// A snapshot that is being written.
struct Running {
    id: SnapshotId,
    part: u32,
    rows: u64,
    cursor: Option<Cursor>,
}

impl Writer {
    pub fn new(
        name: String,
        key: WorldKey,
        state: Arc<RwLock<World>>,
        log: Arc<AnyLog>,
        settings: WriterSettings,
        announce: watch::Sender<Durable>,
    ) -> Writer {
        let last_snapshot = state.read().seq();
        Writer { name, key, state, log, settings, announce, snapshot: None, last_snapshot }
    }

    pub async fn run(mut self, mut inbox: mpsc::Receiver<Job>) {
        loop {
            let first = if self.snapshot.is_some() {
                self.snapshot_slice().await;
                match inbox.try_recv() {
                    Ok(job) => Some(job),
                    Err(mpsc::error::TryRecvError::Empty) => continue,
                    Err(mpsc::error::TryRecvError::Disconnected) => None,
                }
            } else {
                inbox.recv().await
            };
            let Some(first) = first else { break };
            if self.serve(first, &mut inbox).await {
                break;
            }
            self.begin_snapshot_if_due().await;
        }
        self.finish_with_snapshot().await;
    }

    /// Serves a job and the commands that wait behind it; true if the writer must end.
    async fn serve(&mut self, first: Job, inbox: &mut mpsc::Receiver<Job>) -> bool {
        let mut next = Some(first);
        let mut group = Vec::new();
        while let Some(job) = next.take() {
            match job {
                Job::Apply { caller, command, look } => {
                    group.push((caller, command, look));
                    if group.len() < self.settings.group {
                        next = inbox.try_recv().ok();
                    }
                    if next.is_none() {
                        self.commit(std::mem::take(&mut group)).await;
                    }
                }
                other => {
                    self.commit(std::mem::take(&mut group)).await;
                    match other {
                        Job::Advance { to, done } => self.advance(to, done).await,
                        Job::Replace { world, wall, done } => self.replace(*world, wall, done).await,
                        Job::Stop => return true,
                        Job::Apply { .. } => unreachable!("handled above"),
                    }
                }
            }
        }
        false
    }

    async fn commit(&mut self, group: Vec<(Caller, Command, super::world_handle::Look)>) {
        if group.is_empty() {
            return;
        }
        let (start, entries, finishes) = self.apply_group(group);
        let result = self.append(start, &entries).await;
        for finish in finishes {
            finish(result.clone().map_err(EngineError::NotDurable));
        }
    }

    /// Applies a group under the write lock; the views look while nothing later has happened.
    fn apply_group(
        &mut self,
        group: Vec<(Caller, Command, super::world_handle::Look)>,
    ) -> (Mark, Vec<Entry>, Vec<Finish>) {
        let mut world = self.state.write();
        let start = world.mark();
        let mut entries = Vec::with_capacity(group.len());
        let mut finishes = Vec::with_capacity(group.len());
        for (caller, command, look) in group {
            let applied = guarded(&mut world, |world| {
                let at = world.settings().clock.at(wall_now());
                world.stage(at, &caller, command)
            });
            let applied = applied.map(|mut applied: Applied| {
                entries.extend(applied.entry.take());
                applied
            });
            match catch_unwind(AssertUnwindSafe(|| look(&world, applied))) {
                Ok(finish) => finishes.push(finish),
                // The caller's channel went with the view: it is told that the answer is lost.
                Err(_) => tracing::error!(world = self.name, "a view of the world panicked"),
            }
        }
        (start, entries, finishes)
    }

    /// Makes entries durable and says so, or takes everything since `start` back.
    async fn append(&mut self, start: Mark, entries: &[Entry]) -> Result<(), Arc<StoreError>> {
        let Some(last) = entries.last().map(|e| e.seq) else {
            self.state.write().confirm();
            return Ok(());
        };
        let stored: Vec<_> = entries.iter().map(encode_entry).collect();
        match self.log.append(self.key, &stored).await {
            Ok(()) => {
                self.state.write().confirm();
                self.announce.send_modify(|d| d.seq = last);
                Ok(())
            }
            Err(error) => {
                tracing::error!(world = self.name, %error, "the journal could not be written; the group is taken back");
                // Readers that saw the group must learn of it before they can see the older state.
                let mut world = self.state.write();
                self.announce.send_modify(|d| d.failures += 1);
                world.roll_back(start);
                world.confirm();
                Err(Arc::new(error))
            }
        }
    }

    async fn advance(&mut self, to: Option<SimTime>, done: oneshot::Sender<Result<SimTime, EngineError>>) {
        loop {
            let (start, entry, reached) = {
                let mut world = self.state.write();
                let start = world.mark();
                let to = to.unwrap_or_else(|| world.settings().clock.at(wall_now()));
                match guarded(&mut world, |world| world.stage_advance(to, ADVANCE_SLICE)) {
                    Ok((entry, reached)) => (start, entry, reached),
                    Err(error) => {
                        let _ = done.send(Err(error));
                        return;
                    }
                }
            };
            if let Err(error) = self.append(start, entry.as_slice()).await {
                let _ = done.send(Err(EngineError::NotDurable(error)));
                return;
            }
            if reached {
                let _ = done.send(Ok(self.state.read().now()));
                return;
            }
            if done.is_closed() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn replace(
        &mut self,
        world: World,
        wall: i64,
        done: oneshot::Sender<Result<WorldKey, EngineError>>,
    ) {
        let written = super::write_generation(&self.log, &self.name, &world, wall, Some(self.key)).await;
        if let Ok(key) = &written {
            let seq = world.seq();
            let mut state = self.state.write();
            *state = world;
            self.key = *key;
            self.snapshot = None;
            self.last_snapshot = seq;
            // What readers saw of the old generation is durable or refused by now; waiting ones are told to ask again.
            self.announce.send_modify(|d| *d = Durable { seq, failures: d.failures + 1 });
        }
        let _ = done.send(written);
    }

    async fn begin_snapshot_if_due(&mut self) {
        let (seq, rows) = {
            let world = self.state.read();
            (world.seq(), world.rows())
        };
        let due = seq.saturating_sub(self.last_snapshot) > self.settings.snapshot_after.max(rows);
        if self.snapshot.is_some() || !due {
            return;
        }
        match self.log.begin_snapshot(self.key, seq + 1).await {
            Ok(id) => self.snapshot = Some(Running { id, part: 0, rows: 0, cursor: None }),
            Err(error) => {
                tracing::error!(world = self.name, %error, "a snapshot could not be begun");
                self.last_snapshot = seq;
            }
        }
    }

    /// Writes one slice. Nothing undurable is in the world between two groups, so a slice never holds it.
    async fn snapshot_slice(&mut self) {
        let Some(running) = self.snapshot.take() else { return };
        let (slice, next, seq, digest) = {
            let world = self.state.read();
            let (rows, next) = world.slice(running.cursor.as_ref(), SLICE_ROWS);
            (Slice { at: world.now(), rows }, next, world.seq(), world.digest())
        };
        let rows = running.rows + slice.rows.len() as u64;
        let put = self.log.put_chunk(running.id, running.part, &slice.encode()).await;
        let result = match (put, next) {
            (Err(error), _) => Err(error),
            (Ok(()), Some(cursor)) => {
                self.snapshot =
                    Some(Running { id: running.id, part: running.part + 1, rows, cursor: Some(cursor) });
                return;
            }
            (Ok(()), None) => {
                self.log.finish_snapshot(running.id, seq, digest.to_be_bytes(), rows).await.map(drop)
            }
        };
        self.last_snapshot = seq;
        match result {
            Ok(()) => self.prune().await,
            Err(error) => tracing::error!(world = self.name, %error, "a snapshot could not be written"),
        }
    }

    async fn prune(&self) {
        loop {
            match self.log.prune(self.key, self.settings.retention, 1_000).await {
                Ok(cleared) if cleared.more => tokio::task::yield_now().await,
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(world = self.name, %error, "old entries could not be removed");
                    return;
                }
            }
        }
    }

    /// At a clean stop the next start need not read the journal.
    async fn finish_with_snapshot(&mut self) {
        let seq = self.state.read().seq();
        if self.snapshot.is_none() && seq > self.last_snapshot {
            match self.log.begin_snapshot(self.key, seq + 1).await {
                Ok(id) => self.snapshot = Some(Running { id, part: 0, rows: 0, cursor: None }),
                Err(error) => tracing::warn!(world = self.name, %error, "no snapshot at the stop"),
            }
        }
        while self.snapshot.is_some() {
            self.snapshot_slice().await;
        }
    }
}

/// Runs `work`; a panic is undone like a refusal.
fn guarded<T>(world: &mut World, work: impl FnOnce(&mut World) -> T) -> Result<T, EngineError> {
    let mark = world.mark();
    catch_unwind(AssertUnwindSafe(|| work(world))).map_err(|panic| {
        world.roll_back(mark);
        let text =
            panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        EngineError::Panicked(text.unwrap_or("a panic without text").to_owned())
    })
}
