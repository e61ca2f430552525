//! The one writer of a world: apply a group, append it, answer. Snapshots are written in slices between groups.

use super::codec::{Image, SLICE_ROWS, Slice, encode_entry};
use super::world_handle::{Advance, Durable, EngineError, Finish, Job, Look, Shared, is_due, wall_now};
use crate::store::{AnyLog, Log, Retention, SnapshotId, StoreError, WorldKey};
use sim_core::settings::ClockMode;
use sim_core::world::{Cursor, Mark};
use sim_core::{Caller, Command, Entry, SimTime, World};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
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
    /// How many worlds there may be.
    pub worlds: usize,
}

impl Default for WriterSettings {
    fn default() -> WriterSettings {
        WriterSettings {
            queue: 4_096,
            group: 256,
            snapshot_after: 10_000,
            retention: Retention { snapshots: 2, entries: u64::MAX },
            worlds: 10_000,
        }
    }
}

/// How many timers fire before waiting commands and reads get their turn.
const ADVANCE_SLICE: u64 = 1_000;

pub(super) struct Writer {
    name: String,
    shared: Arc<Shared>,
    log: Arc<AnyLog>,
    settings: WriterSettings,
    announce: watch::Sender<Durable>,
    snapshot: Option<Running>,
    advances: VecDeque<Advancing>,
    last_snapshot: u64,
    /// After a failed append whose outcome could not be asked for: the log may hold more than the world.
    uncertain: bool,
}

/// A snapshot that is being written.
struct Running {
    id: SnapshotId,
    part: u32,
    rows: u64,
    cursor: Option<Cursor>,
}

/// An advance that is under way or waits for the one before it.
struct Advancing {
    how_far: Advance,
    /// Known once it has begun.
    to: Option<SimTime>,
    done: oneshot::Sender<Result<SimTime, EngineError>>,
}

/// A command and what looks at the world after it.
type Asked = (Caller, Command, Look);

impl Writer {
    pub fn new(
        name: String,
        shared: Arc<Shared>,
        log: Arc<AnyLog>,
        settings: WriterSettings,
        announce: watch::Sender<Durable>,
    ) -> Writer {
        let last_snapshot = shared.world.read().seq();
        let advances = VecDeque::new();
        Writer {
            name,
            shared,
            log,
            settings,
            announce,
            snapshot: None,
            advances,
            last_snapshot,
            uncertain: false,
        }
    }

    fn key(&self) -> WorldKey {
        self.shared.stored.read().key
    }

    pub async fn run(mut self, mut inbox: mpsc::Receiver<Job>) {
        match self.log.newest_snapshot(self.key()).await {
            Ok(head) => self.last_snapshot = head.end_seq,
            Err(error) => {
                tracing::warn!(world = self.name, %error, "the newest snapshot could not be asked for")
            }
        }
        loop {
            self.begin_snapshot_if_due().await;
            let first = if self.snapshot.is_some() || !self.advances.is_empty() {
                self.snapshot_slice().await;
                self.advance_slice().await;
                // Others get their turn between two slices, whatever the log is.
                tokio::task::yield_now().await;
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
                        Job::Advance { how_far, done } => {
                            self.advances.push_back(Advancing { how_far, to: None, done });
                        }
                        Job::Copy { done } => self.copy(done).await,
                        Job::Replace { world, wall, done } => self.replace(*world, wall, done).await,
                        Job::Stop => return true,
                        Job::Apply { .. } => unreachable!("handled above"),
                    }
                }
            }
        }
        false
    }

    async fn commit(&mut self, group: Vec<Asked>) {
        if group.is_empty() {
            return;
        }
        let ready = self.reconcile().await;
        if let Err(error) = ready {
            for (_, _, look) in group {
                let refused = look(&self.shared.world.read(), Err(self.not_durable(error.clone())));
                refused(Ok(()));
            }
            return;
        }
        // What fell due while nobody looked is fired in slices, not inside the first command.
        while is_due(&self.shared.world.read()) {
            if !matches!(self.slice_to(None).await, Ok(false)) {
                break;
            }
        }
        let (start, entries, finishes) = self.apply_group(group);
        let result = self.append(start, &entries).await;
        for finish in finishes {
            finish(result.clone().map_err(|error| self.not_durable(error)));
        }
    }

    /// Applies a group under the write lock; the views look while nothing later has happened.
    fn apply_group(&mut self, group: Vec<Asked>) -> (Mark, Vec<Entry>, Vec<Finish>) {
        let mut world = self.shared.world.write();
        let start = world.mark();
        let mut entries = Vec::with_capacity(group.len());
        let mut finishes = Vec::with_capacity(group.len());
        for (caller, command, look) in group {
            let before = world.mark();
            let applied = guarded(&mut world, |world| {
                let at = world.settings().clock.at(wall_now());
                world.stage(at, &caller, command)
            });
            let (applied, entry) = match applied {
                Ok(mut applied) => {
                    let entry = applied.entry.take();
                    (Ok(applied), entry)
                }
                Err(error) => (Err(error), None),
            };
            match catch_unwind(AssertUnwindSafe(|| look(&world, applied))) {
                Ok(finish) => {
                    finishes.push(finish);
                    entries.extend(entry);
                }
                // The caller's channel went with the view: it is told that the answer is lost. What could not
                // be answered must not stay, or a retry would do it twice.
                Err(_) => {
                    tracing::error!(world = self.name, "an answer could not be made; the command is undone");
                    world.roll_back(before);
                }
            }
        }
        (start, entries, finishes)
    }

    /// Makes entries durable and says so, or takes everything since `start` back.
    async fn append(&mut self, start: Mark, entries: &[Entry]) -> Result<(), Arc<StoreError>> {
        let Some(last) = entries.last().map(|e| e.seq) else {
            self.shared.world.write().confirm();
            return Ok(());
        };
        let stored: Vec<_> = entries.iter().map(encode_entry).collect();
        let error = match self.log.append(self.key(), &stored).await {
            Ok(()) => {
                self.confirm(last);
                return Ok(());
            }
            Err(error) => error,
        };
        // The answer may have been lost on the way while the entries were stored.
        match self.log.last_seq(self.key()).await {
            Ok(stored) if stored == last => {
                tracing::warn!(world = self.name, %error, "an append reported a failure and was stored");
                self.confirm(last);
                return Ok(());
            }
            Ok(_) => {}
            Err(_) => self.uncertain = true,
        }
        let deleted = matches!(error, StoreError::NotCurrent(_));
        if deleted {
            tracing::debug!(world = self.name, "the world was deleted; the group is taken back");
        } else {
            tracing::error!(world = self.name, %error, "the journal could not be written; the group is taken back");
        }
        // Readers that saw the group must learn of it before they can see the older state.
        let mut world = self.shared.world.write();
        self.shared.deleted.fetch_or(deleted, Ordering::AcqRel);
        self.announce.send_modify(|d| d.failures += 1);
        world.roll_back(start);
        world.confirm();
        Err(Arc::new(error))
    }

    /// Why a group was taken back: its world was deleted meanwhile, or the log failed.
    fn not_durable(&self, error: Arc<StoreError>) -> EngineError {
        match *error {
            StoreError::NotCurrent(_) => EngineError::NoWorld(self.name.clone()),
            _ => EngineError::NotDurable(error),
        }
    }

    fn confirm(&self, last: u64) {
        self.shared.world.write().confirm();
        self.announce.send_modify(|d| d.seq = last);
    }

    /// Brings the world in line with the log after an append whose outcome is not known.
    async fn reconcile(&mut self) -> Result<(), Arc<StoreError>> {
        if !self.uncertain {
            return Ok(());
        }
        let stored = self.log.last_seq(self.key()).await.map_err(Arc::new)?;
        if stored != self.shared.world.read().seq() {
            match super::load_world(&self.log, self.key(), |_| {}).await {
                Ok(loaded) => {
                    let mut world = self.shared.world.write();
                    self.announce.send_modify(|d| d.seq = loaded.seq());
                    *world = loaded;
                }
                Err(super::LoadError::Store(error)) => return Err(Arc::new(error)),
                Err(error) => {
                    tracing::error!(world = self.name, %error, "the journal cannot be read back");
                    return Err(Arc::new(StoreError::Unreadable(self.key())));
                }
            }
        }
        self.uncertain = false;
        Ok(())
    }

    /// Does one slice of the first advance that waits.
    async fn advance_slice(&mut self) {
        let Some(mut first) = self.advances.pop_front() else { return };
        if first.done.is_closed() {
            *self.shared.advancing.lock() = None;
            return;
        }
        let result = match self.target(&mut first) {
            Err(error) => Err(error),
            Ok(to) => match self.reconcile().await {
                Err(error) => Err(self.not_durable(error)),
                Ok(()) => self.slice_to(to).await,
            },
        };
        let answer = match result {
            Ok(true) => Ok(self.shared.world.read().now()),
            Ok(false) => {
                self.advances.push_front(first);
                return;
            }
            Err(error) => Err(error),
        };
        *self.shared.advancing.lock() = None;
        // Nobody may be waiting any more.
        let _ = first.done.send(answer);
    }

    /// Where an advance goes; absent if it follows the clock.
    fn target(&self, advancing: &mut Advancing) -> Result<Option<SimTime>, EngineError> {
        if matches!(advancing.how_far, Advance::ToClock) {
            return Ok(None);
        }
        let world = self.shared.world.read();
        if world.settings().clock.mode != ClockMode::Manual {
            return Err(EngineError::ClockNotManual(self.name.clone()));
        }
        let to = match (advancing.to, advancing.how_far) {
            (Some(to), _) | (None, Advance::To(to)) => to,
            (None, Advance::By(span)) => world.now() + span,
            (None, Advance::ToClock) => return Ok(None),
        };
        advancing.to = Some(to);
        *self.shared.advancing.lock() = Some(to);
        Ok(Some(to))
    }

    /// Fires one slice of timers on the way to `to`, or to what the clock shows; true if that was reached.
    async fn slice_to(&mut self, to: Option<SimTime>) -> Result<bool, EngineError> {
        let (start, entry, reached) = {
            let mut world = self.shared.world.write();
            let start = world.mark();
            let to = to.unwrap_or_else(|| world.settings().clock.at(wall_now()));
            let (entry, reached) = guarded(&mut world, |world| world.stage_advance(to, ADVANCE_SLICE))?;
            (start, entry, reached)
        };
        self.append(start, entry.as_slice()).await.map_err(|error| self.not_durable(error))?;
        Ok(reached)
    }

    /// Encodes the world in slices. No command is applied meanwhile, so they are of one instant; reads go on.
    async fn copy(&mut self, done: oneshot::Sender<Image>) {
        let mut image = Image::begin(&self.shared.world.read());
        let mut cursor = None;
        loop {
            let (rows, next) = self.shared.world.read().slice(cursor.as_ref(), SLICE_ROWS);
            image.chunks.push(Slice { at: image.at, rows }.encode());
            cursor = next;
            if cursor.is_none() {
                break;
            }
            tokio::task::yield_now().await;
        }
        // Nobody may be waiting any more.
        let _ = done.send(image);
    }

    async fn replace(&mut self, world: World, wall: i64, done: oneshot::Sender<Result<(), EngineError>>) {
        let image = Image::of(&world);
        let written = super::write_generation(&self.log, &self.name, &image, wall, Some(self.key())).await;
        let answer = written.map(|stored| {
            let seq = world.seq();
            let mut state = self.shared.world.write();
            *state = world;
            *self.shared.stored.write() = stored;
            self.shared.litter.store(true, Ordering::Release);
            self.snapshot = None;
            self.last_snapshot = seq;
            self.uncertain = false;
            self.announce.send_modify(|d| *d = Durable { seq, replaced: d.replaced + 1, ..*d });
        });
        // Nobody may be waiting any more.
        let _ = done.send(answer);
    }

    async fn begin_snapshot_if_due(&mut self) {
        let (seq, rows) = {
            let world = self.shared.world.read();
            (world.seq(), world.rows())
        };
        let due = seq.saturating_sub(self.last_snapshot) > self.settings.snapshot_after.max(rows);
        if self.snapshot.is_some() || !due {
            return;
        }
        match self.log.begin_snapshot(self.key(), seq + 1).await {
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
            let world = self.shared.world.read();
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
            match self.log.prune(self.key(), self.settings.retention, 1_000).await {
                Ok(cleared) if cleared.more => tokio::task::yield_now().await,
                Ok(_) => {
                    self.shared.litter.store(true, Ordering::Release);
                    return;
                }
                Err(error) => {
                    tracing::warn!(world = self.name, %error, "old entries could not be removed");
                    return;
                }
            }
        }
    }

    /// At a clean stop the next start need not read the journal.
    async fn finish_with_snapshot(&mut self) {
        let seq = self.shared.world.read().seq();
        if self.snapshot.is_none() && seq > self.last_snapshot {
            match self.log.begin_snapshot(self.key(), seq + 1).await {
                Ok(id) => self.snapshot = Some(Running { id, part: 0, rows: 0, cursor: None }),
                // The world was deleted.
                Err(StoreError::NotCurrent(_)) => {}
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
