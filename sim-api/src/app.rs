//! What every request shares: the engine, the settings, the request log.

use crate::counters::Counters;
use crate::doors::Usher;
use crate::engine::{Engine, WorldHandle};
use crate::metadata::Issued;
use crate::problem::Problem;
use crate::recording::Recorder;
use crate::requests::RequestLog;
use crate::rpc::{Credentials, NonceCache};
use crate::settings::ServeSettings;
use axum::http::StatusCode;
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// The state behind every handler.
pub type AppState = Arc<App>;

/// The service, sockets aside.
pub struct App {
    /// The worlds.
    pub engine: Engine,
    /// What the service is set to.
    pub settings: ServeSettings,
    /// The last requests.
    pub requests: RequestLog,
    /// Who may sign requests; anyone if absent.
    pub credentials: Option<Credentials>,
    /// The nonces of signed requests.
    pub nonces: Mutex<NonceCache>,
    /// Where the service listens.
    pub address: SocketAddr,
    /// How many requests are being answered.
    pub in_flight: AtomicU64,
    /// What the service counts.
    pub metrics: Counters,
    /// What the metadata service gave out.
    pub metadata: Issued,
    /// Who writes the provider wire down; set once the worlds are what they shall be.
    pub recorder: OnceLock<Recorder>,
    /// Who brings tunnels in; set once the service listens.
    pub usher: OnceLock<Usher>,
    loaded: AtomicBool,
    ready: AtomicBool,
    stopping: watch::Sender<bool>,
}

impl App {
    /// A service that has not loaded its worlds yet.
    pub fn new(
        engine: Engine,
        settings: ServeSettings,
        credentials: Option<Credentials>,
        address: SocketAddr,
    ) -> App {
        App {
            engine,
            requests: RequestLog::new(crate::requests::CAPACITY),
            nonces: Mutex::new(NonceCache::default()),
            credentials,
            settings,
            address,
            in_flight: AtomicU64::new(0),
            metrics: Counters::default(),
            metadata: Issued::default(),
            recorder: OnceLock::new(),
            usher: OnceLock::new(),
            loaded: AtomicBool::new(false),
            ready: AtomicBool::new(false),
            stopping: watch::Sender::new(false),
        }
    }

    /// Whether the worlds are loaded and seeded, so that everybody is answered.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Says that the service stops: what would go on without end must end.
    pub fn set_stopping(&self) {
        self.stopping.send_replace(true);
    }

    /// Becomes true when the service stops.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Says that the worlds are loaded. Only a seed sends requests before the service is ready.
    pub fn set_loaded(&self) {
        self.loaded.store(true, Ordering::Release);
    }

    /// Says that the worlds are what they shall be.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Refuses while the worlds are being loaded.
    ///
    /// # Errors
    /// 503.
    pub fn check_ready(&self) -> Result<(), Problem> {
        if self.loaded.load(Ordering::Acquire) { Ok(()) } else { Err(App::loading()) }
    }

    /// The answer to whoever comes too early.
    pub fn loading() -> Problem {
        Problem::service(
            StatusCode::SERVICE_UNAVAILABLE,
            "loading",
            "The worlds are being loaded.",
            "The journal is being read; /readyz says when that is done.",
        )
    }

    /// The world of this name.
    ///
    /// # Errors
    /// 503 while the worlds are being loaded, 404 for an unknown one.
    pub fn ready_world(&self, name: &str) -> Result<Arc<WorldHandle>, Problem> {
        self.check_ready()?;
        self.engine.world(name).ok_or_else(|| crate::engine::EngineError::NoWorld(name.to_owned()).into())
    }
}
