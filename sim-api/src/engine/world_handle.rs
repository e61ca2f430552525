//! A running world as the wires see it: submit a command, read, wait for what is durable.

use super::codec::Image;
use super::polling::PollingHint;
use super::writer::{self, WriterSettings};
use crate::faults::Faults;
use crate::store::{self, AnyLog, StoreError, WorldKey};
use parking_lot::{Mutex, RwLock};
use sim_core::slb::health;
use sim_core::{Applied, Caller, Command, SimTime, Span, World};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Why the engine could not answer, rules aside.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The log refused the group that the command was in; nothing of it is left.
    #[error("the journal could not be written; nothing was changed: {0}")]
    NotDurable(Arc<StoreError>),
    /// What was read was taken back because the log refused it.
    #[error("the journal could not be written; what was read never came to be")]
    Retracted,
    /// A handler panicked; what it did was undone.
    #[error("the command failed inside; nothing was changed: {0}")]
    Panicked(String),
    /// The world is stopping.
    #[error("the world {0:?} is stopping")]
    Stopping(String),
    /// There is no such world.
    #[error("there is no world {0:?}")]
    NoWorld(String),
    /// The name is taken.
    #[error("there is a world {0:?} already")]
    WorldExists(String),
    /// There are as many worlds as a process holds.
    #[error("there are {0} worlds already, which is the most that one process holds; delete one")]
    TooManyWorlds(usize),
    /// The world `default` cannot be deleted.
    #[error("the world {0:?} is the one that requests without a world get; reset it instead")]
    WorldKept(String),
    /// There is no such snapshot.
    #[error("the world {world:?} has no snapshot {snapshot:?}")]
    NoSnapshot {
        /// The world.
        world: String,
        /// The snapshot.
        snapshot: String,
    },
    /// The snapshot's name is taken.
    #[error("the world {world:?} has a snapshot {snapshot:?} already")]
    SnapshotExists {
        /// The world.
        world: String,
        /// The snapshot.
        snapshot: String,
    },
    /// The world has as many snapshots as it may keep.
    #[error("the world {0:?} keeps {1} snapshots already, which is the most; delete one")]
    TooManySnapshots(String, usize),
    /// Only a manual clock can be advanced by hand.
    #[error("the clock of the world {0:?} follows the wall clock; set it to manual first")]
    ClockNotManual(String),
    /// The stored rows of a snapshot cannot be read.
    #[error(transparent)]
    Load(Arc<super::LoadError>),
    /// The log refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<super::LoadError> for EngineError {
    fn from(error: super::LoadError) -> EngineError {
        EngineError::Load(Arc::new(error))
    }
}

/// What came of a submitted command, and what the caller's view made of it.
#[derive(Debug)]
pub struct Submitted<T> {
    /// What the view returned. It ran on the world as the command left it.
    pub view: T,
    /// Whether the reply is a repetition owed to an idempotency token.
    pub replayed: bool,
}

/// What is durable, and how often a group was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Durable {
    pub seq: u64,
    pub failures: u64,
    /// Replacements of the world by other rows. What was read before one was durable by then.
    pub replaced: u64,
}

/// Runs once the outcome is durable or lost.
pub(super) type Finish = Box<dyn FnOnce(Result<(), EngineError>) + Send>;
/// Looks at the world right after the command.
pub(super) type Look = Box<dyn FnOnce(&World, Result<Applied, EngineError>) -> Finish + Send>;

/// How far time shall go.
#[derive(Clone, Copy, Debug)]
pub enum Advance {
    /// To what the clock shows.
    ToClock,
    /// To an instant; only a manual clock.
    To(SimTime),
    /// By a span from where the world is when its turn comes; only a manual clock.
    By(Span),
}

/// What a writer is asked to do.
pub(super) enum Job {
    Apply { caller: Caller, command: Command, look: Look },
    Advance { how_far: Advance, done: oneshot::Sender<Result<SimTime, EngineError>> },
    Copy { done: oneshot::Sender<Image> },
    Replace { world: Box<World>, wall: i64, done: oneshot::Sender<Result<(), EngineError>> },
    Stop,
}

/// What the writer and the readers of a world share.
pub(super) struct Shared {
    pub world: RwLock<World>,
    /// Where a running advance goes.
    pub advancing: Mutex<Option<SimTime>>,
    pub stopping: AtomicBool,
    /// Whether the log has it no more.
    pub deleted: AtomicBool,
    /// The generation that is current.
    pub stored: RwLock<store::World>,
    /// Whether the log holds rows that belong to nobody any more.
    pub litter: AtomicBool,
}

/// How long a world lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Until it is deleted; in the engine's log.
    Kept,
    /// Until nobody has used it for so many milliseconds of wall clock; in memory only.
    ThrowAway {
        /// Milliseconds.
        idle_ms: i64,
    },
}

/// A running world.
pub struct WorldHandle {
    name: String,
    lifetime: Lifetime,
    log: Arc<AnyLog>,
    pub(super) shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
    durable: watch::Receiver<Durable>,
    last_use: AtomicI64,
    hint: PollingHint,
    faults: Faults,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl WorldHandle {
    /// Starts the writer of a world.
    pub(super) fn start(
        stored: store::World,
        world: World,
        log: Arc<AnyLog>,
        lifetime: Lifetime,
        settings: WriterSettings,
    ) -> Arc<WorldHandle> {
        let name = stored.meta.name.clone();
        let (jobs, inbox) = mpsc::channel(settings.queue);
        let (announce, durable) = watch::channel(Durable { seq: world.seq(), ..Durable::default() });
        let shared = Arc::new(Shared {
            world: RwLock::new(world),
            advancing: Mutex::new(None),
            stopping: AtomicBool::new(false),
            deleted: AtomicBool::new(false),
            stored: RwLock::new(stored),
            litter: AtomicBool::new(true),
        });
        let writer = writer::Writer::new(name.clone(), shared.clone(), log.clone(), settings, announce);
        let writer = Mutex::new(Some(tokio::spawn(writer.run(inbox))));
        let last_use = AtomicI64::new(wall_now());
        let hint = PollingHint::default();
        let faults = Faults::default();
        Arc::new(WorldHandle { name, lifetime, log, shared, jobs, durable, last_use, hint, faults, writer })
    }

    /// The world's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key of the world's generation in the log.
    pub fn key(&self) -> WorldKey {
        self.shared.stored.read().key
    }

    /// What the log knows of the current generation.
    pub fn meta(&self) -> store::WorldMeta {
        self.shared.stored.read().meta.clone()
    }

    /// The seed of the world's present era.
    pub fn seed(&self) -> u64 {
        self.shared.world.read().settings().seed
    }

    /// What goes wrong on the provider wire of this world.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// How long the world lives.
    pub fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// The log that the world is kept in.
    pub fn log(&self) -> &Arc<AnyLog> {
        &self.log
    }

    /// When the world was last used, wall clock in milliseconds since 1970.
    pub fn last_use(&self) -> i64 {
        self.last_use.load(Ordering::Relaxed)
    }

    /// Where a running advance goes, if one runs.
    pub fn advancing(&self) -> Option<SimTime> {
        *self.shared.advancing.lock()
    }

    fn used(&self) {
        self.last_use.store(wall_now(), Ordering::Relaxed);
    }

    /// Submits a command. `view` looks at the world right after it, before any later command; its result is
    /// handed out when everything it saw is durable.
    ///
    /// # Errors
    /// If the journal failed, a handler or the view panicked (the command is undone), or the world is stopping.
    /// A refusal by a rule is not an error here: `view` gets it.
    pub async fn submit<T: Send + 'static>(
        &self,
        caller: Caller,
        command: Command,
        view: impl FnOnce(&World, &Applied) -> T + Send + 'static,
    ) -> Result<Submitted<T>, EngineError> {
        self.used();
        let (done, answer) = oneshot::channel();
        let look: Look = Box::new(move |world, applied| {
            let seen =
                applied.map(|applied| Submitted { view: view(world, &applied), replayed: applied.replayed });
            Box::new(move |durable| {
                // The caller may have gone; then nobody waits for the answer.
                let _ = done.send(durable.and(seen));
            })
        });
        self.send(Job::Apply { caller, command, look }).await?;
        answer.await.unwrap_or_else(|_| Err(self.lost()))
    }

    /// Why the world takes nothing any more: it was deleted, or the service stops.
    fn ended(&self) -> EngineError {
        if self.shared.deleted.load(Ordering::Acquire) {
            EngineError::NoWorld(self.name.clone())
        } else {
            EngineError::Stopping(self.name.clone())
        }
    }

    /// Why no answer came.
    fn lost(&self) -> EngineError {
        if self.shared.stopping.load(Ordering::Acquire) {
            self.ended()
        } else {
            EngineError::Panicked("its answer could not be made".to_owned())
        }
    }

    /// Reads the world and waits until everything that was seen is durable.
    ///
    /// # Errors
    /// If the group that was seen could not be made durable, or the world is stopping.
    pub async fn read<T>(&self, look: impl FnOnce(&World) -> T) -> Result<T, EngineError> {
        self.used();
        self.catch_up().await?;
        self.inspect(|world| {
            self.hint.note(&self.name, world);
            look(world)
        })
        .await
    }

    /// Like [`WorldHandle::read`], but lets no time pass and does not count as a use.
    ///
    /// # Errors
    /// As for [`WorldHandle::read`].
    pub async fn inspect<T>(&self, look: impl FnOnce(&World) -> T) -> Result<T, EngineError> {
        // A read lock is never held across an await.
        let (value, seq, seen) = {
            let world = self.shared.world.read();
            // Failures are counted before the state changes back, so an old count means an old state.
            let seen = *self.durable.borrow();
            (look(&world), world.seq(), seen)
        };
        self.made_durable(seq, seen).await.map(|()| value)
    }

    /// Like [`WorldHandle::read`], for a look that takes long: the world is read slice by slice, and let go in between.
    ///
    /// # Errors
    /// As for [`WorldHandle::read`]; [`EngineError::Retracted`] too if the world was replaced between two slices.
    pub async fn read_in_slices<T>(
        &self,
        mut slice: impl FnMut(&World) -> ControlFlow<T>,
    ) -> Result<T, EngineError> {
        self.used();
        self.catch_up().await?;
        let mut first = None;
        loop {
            let (flow, seq, seen) = {
                let world = self.shared.world.read();
                let seen = *self.durable.borrow();
                if first.is_none() {
                    self.hint.note(&self.name, &world);
                }
                (slice(&world), world.seq(), seen)
            };
            let first = *first.get_or_insert(seen);
            if (seen.failures, seen.replaced) != (first.failures, first.replaced) {
                return Err(EngineError::Retracted);
            }
            match flow {
                ControlFlow::Break(value) => return self.made_durable(seq, first).await.map(|()| value),
                ControlFlow::Continue(()) => tokio::task::yield_now().await,
            }
        }
    }

    /// Waits until entry `seq` is durable, which was seen when `seen` was announced.
    async fn made_durable(&self, seq: u64, seen: Durable) -> Result<(), EngineError> {
        // What was announced then covers most reads.
        if seen.seq >= seq {
            return Ok(());
        }
        let mut durable = self.durable.clone();
        let over = |d: &Durable| d.seq >= seq || d.failures != seen.failures || d.replaced != seen.replaced;
        let reached = durable.wait_for(over).await.map(|d| *d);
        match reached {
            Ok(d) if d.failures == seen.failures => Ok(()),
            Ok(_) if self.shared.deleted.load(Ordering::Acquire) => Err(self.ended()),
            Ok(_) => Err(EngineError::Retracted),
            Err(_) => Err(self.ended()),
        }
    }

    /// Lets the writer fire what has fallen due by now, if anything has.
    async fn catch_up(&self) -> Result<(), EngineError> {
        let due = is_due(&self.shared.world.read());
        if due { self.advance(Advance::ToClock).await.map(drop) } else { Ok(()) }
    }

    /// Lets time pass, slice by slice. Returns virtual time then. If the future is dropped, time stops after the
    /// slice that is under way.
    ///
    /// # Errors
    /// [`EngineError::ClockNotManual`], and as for [`WorldHandle::submit`]; slices before the error stay.
    pub async fn advance(&self, how_far: Advance) -> Result<SimTime, EngineError> {
        self.used();
        let (done, answer) = oneshot::channel();
        self.send(Job::Advance { how_far, done }).await?;
        answer.await.unwrap_or_else(|_| Err(self.lost()))
    }

    /// The world as it is between two commands; everything inside is durable.
    ///
    /// # Errors
    /// If the world is stopping.
    pub async fn copy(&self) -> Result<Image, EngineError> {
        self.used();
        let (done, answer) = oneshot::channel();
        self.send(Job::Copy { done }).await?;
        answer.await.map_err(|_| self.lost())
    }

    /// Puts other rows under the name, as a new generation: the way of reset and restore.
    ///
    /// # Errors
    /// If the log fails or the world is stopping.
    pub(super) async fn replace(&self, world: World, wall: i64) -> Result<(), EngineError> {
        self.used();
        let (done, answer) = oneshot::channel();
        self.send(Job::Replace { world: Box::new(world), wall, done }).await?;
        answer.await.unwrap_or_else(|_| Err(self.lost()))
    }

    /// The log has deleted it: who still waits is told so.
    pub(super) fn note_deleted(&self) {
        self.shared.deleted.store(true, Ordering::Release);
    }

    /// Lets the writer finish the commands it has and end; an advance under way is cut off.
    pub async fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        let writer = self.writer.lock().take();
        if self.send(Job::Stop).await.is_ok()
            && let Some(writer) = writer
            && let Err(error) = writer.await
        {
            tracing::error!(world = self.name, %error, "the writer of a world failed");
        }
    }

    async fn send(&self, job: Job) -> Result<(), EngineError> {
        self.jobs.send(job).await.map_err(|_| self.ended())
    }
}

/// Whether something has fallen due by what the world's clock shows now, or is left of the instant at which a slice
/// of an advance ended. A verdict of a health check counts: it is read off the instant, and no timer would move that.
pub(super) fn is_due(world: &World) -> bool {
    let shown = world.now().max(world.settings().clock.at(wall_now()));
    let due = world.next_due().into_iter().chain(health::next_verdict(world));
    due.min().is_some_and(|due| due <= shown)
}

/// The wall clock, milliseconds since 1970.
pub fn wall_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
