//! A running world as the wires see it: submit a command, read, wait for what is durable.

use super::writer::{self, WriterSettings};
use crate::store::{AnyLog, StoreError, WorldKey};
use parking_lot::{Mutex, RwLock};
use sim_core::{Applied, Caller, Command, SimTime, World};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
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
    /// The log refused.
    #[error(transparent)]
    Store(#[from] StoreError),
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
}

/// Runs once the outcome is durable or lost.
pub(super) type Finish = Box<dyn FnOnce(Result<(), EngineError>) + Send>;
/// Looks at the world right after the command.
pub(super) type Look = Box<dyn FnOnce(&World, Result<Applied, EngineError>) -> Finish + Send>;

/// What a writer is asked to do.
pub(super) enum Job {
    Apply { caller: Caller, command: Command, look: Look },
    Advance { to: Option<SimTime>, done: oneshot::Sender<Result<SimTime, EngineError>> },
    Replace { world: Box<World>, wall: i64, done: oneshot::Sender<Result<WorldKey, EngineError>> },
    Stop,
}

/// A running world.
pub struct WorldHandle {
    name: String,
    key: RwLock<WorldKey>,
    pub(super) state: Arc<RwLock<World>>,
    jobs: mpsc::Sender<Job>,
    durable: watch::Receiver<Durable>,
    last_use: AtomicI64,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl WorldHandle {
    /// Starts the writer of a world.
    pub fn start(
        name: &str,
        key: WorldKey,
        world: World,
        log: Arc<AnyLog>,
        settings: WriterSettings,
    ) -> Arc<WorldHandle> {
        let (jobs, inbox) = mpsc::channel(settings.queue);
        let (announce, durable) = watch::channel(Durable { seq: world.seq(), failures: 0 });
        let state = Arc::new(RwLock::new(world));
        let writer = writer::Writer::new(name.to_owned(), key, state.clone(), log, settings, announce);
        let writer = Mutex::new(Some(tokio::spawn(writer.run(inbox))));
        let last_use = AtomicI64::new(wall_now());
        Arc::new(WorldHandle {
            name: name.to_owned(),
            key: RwLock::new(key),
            state,
            jobs,
            durable,
            last_use,
            writer,
        })
    }

    /// The world's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key of the world's generation in the log.
    pub fn key(&self) -> WorldKey {
        *self.key.read()
    }

    /// When the world was last used, wall clock in milliseconds since 1970.
    pub fn last_use(&self) -> i64 {
        self.last_use.load(Ordering::Relaxed)
    }

    /// Submits a command. `view` looks at the world right after it, before any later command; its result is
    /// handed out when everything it saw is durable.
    ///
    /// # Errors
    /// If the journal failed, a handler panicked, or the world is stopping. A refusal by a rule is not an
    /// error here: `view` gets it.
    pub async fn submit<T: Send + 'static>(
        &self,
        caller: Caller,
        command: Command,
        view: impl FnOnce(&World, &Applied) -> T + Send + 'static,
    ) -> Result<Submitted<T>, EngineError> {
        self.last_use.store(wall_now(), Ordering::Relaxed);
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
        answer.await.unwrap_or_else(|_| Err(EngineError::Stopping(self.name.clone())))
    }

    /// Reads the world and waits until everything that was seen is durable.
    ///
    /// # Errors
    /// If the group that was seen could not be made durable, or the world is stopping.
    pub async fn read<T>(&self, look: impl FnOnce(&World) -> T) -> Result<T, EngineError> {
        self.last_use.store(wall_now(), Ordering::Relaxed);
        self.catch_up().await?;
        // A read lock is never held across an await.
        let (value, seq, failures) = {
            let world = self.state.read();
            // Failures are counted before the state changes back, so an old count means an old state.
            let failures = self.durable.borrow().failures;
            (look(&world), world.seq(), failures)
        };
        self.wait_durable(seq, failures).await?;
        Ok(value)
    }

    async fn wait_durable(&self, seq: u64, failures: u64) -> Result<(), EngineError> {
        let mut durable = self.durable.clone();
        let reached = durable.wait_for(|d| d.seq >= seq || d.failures != failures).await;
        match reached.map(|d| *d) {
            Ok(d) if d.failures == failures => Ok(()),
            Ok(_) => Err(EngineError::Retracted),
            Err(_) => Err(EngineError::Stopping(self.name.clone())),
        }
    }

    /// Lets the writer fire what has fallen due by now, if anything has.
    async fn catch_up(&self) -> Result<(), EngineError> {
        let due = {
            let world = self.state.read();
            let now = world.settings().clock.at(wall_now());
            world.next_due().is_some_and(|due| due <= now)
        };
        if due { self.advance(None).await.map(drop) } else { Ok(()) }
    }

    /// Lets time pass up to `to`, or up to what the clock shows. Returns virtual time then.
    ///
    /// # Errors
    /// As for [`WorldHandle::submit`].
    pub async fn advance(&self, to: Option<SimTime>) -> Result<SimTime, EngineError> {
        let (done, answer) = oneshot::channel();
        self.send(Job::Advance { to, done }).await?;
        answer.await.unwrap_or_else(|_| Err(EngineError::Stopping(self.name.clone())))
    }

    /// Puts other rows under the name, as a new generation: the way of reset and restore.
    ///
    /// # Errors
    /// If the log fails or the world is stopping.
    pub async fn replace(&self, world: World, wall: i64) -> Result<(), EngineError> {
        let (done, answer) = oneshot::channel();
        self.send(Job::Replace { world: Box::new(world), wall, done }).await?;
        let key = answer.await.map_err(|_| EngineError::Stopping(self.name.clone()))??;
        *self.key.write() = key;
        Ok(())
    }

    /// Lets the writer finish what it has and end.
    pub async fn stop(&self) {
        let writer = self.writer.lock().take();
        if self.send(Job::Stop).await.is_ok()
            && let Some(writer) = writer
            && let Err(error) = writer.await
        {
            tracing::error!(world = self.name, %error, "the writer of a world failed");
        }
    }

    async fn send(&self, job: Job) -> Result<(), EngineError> {
        self.jobs.send(job).await.map_err(|_| EngineError::Stopping(self.name.clone()))
    }
}

/// The wall clock, milliseconds since 1970.
pub fn wall_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
