//! The server: open the log, bind, load the worlds, answer, stop.
//!
//! [`Server::start`] runs a whole cloudnet inside a process on a free port and installs nothing process-wide,
//! so several of them fit in one test program.

use crate::app::{App, AppState};
use crate::connections;
use crate::doors::{Doors, Usher};
use crate::engine::{Engine, LoadError, WriterSettings, is_snapshot, load_world, wall_now};
use crate::recording::Recorder;
use crate::rpc::Credentials;
use crate::seed::{Seed, SeedError};
use crate::settings::{Database, ServeSettings};
use crate::store::{AnyLog, Log, MemoryLog, Retention, SqliteLog, StoreError};
use crate::tls::{AuthorityError, Tls, default_state_dir};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}; choose another with --listen, port 0 takes a free one")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The database does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A world does not load.
    #[error("world {world:?}: {source}")]
    Load {
        /// The world.
        world: String,
        /// Why.
        source: LoadError,
    },
    /// The credentials file does not read.
    #[error("{path}: {reason}")]
    Credentials {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file of addresses cannot be written.
    #[error("{path}: {source}")]
    ReadyFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is no certificate for TLS.
    #[error(transparent)]
    Tls(#[from] AuthorityError),
    /// Nothing can be recorded.
    #[error("{path}: {reason}")]
    Record {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The seed is not applied.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The world `default` cannot be made.
    #[error(transparent)]
    Engine(#[from] crate::engine::EngineError),
}

/// A running cloudnet.
pub struct Server {
    app: AppState,
    serving: JoinHandle<()>,
    maintaining: JoinHandle<()>,
    loading: Option<JoinHandle<Result<(), StartError>>>,
    guard: StopOnDrop,
}

/// A server that is dropped stops, without grace.
struct StopOnDrop(AppState);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.set_stopping();
    }
}

impl Server {
    /// Opens the database, binds the address and begins to answer; worlds are loaded behind that.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn bind(settings: ServeSettings) -> Result<Server, StartError> {
        let log = match &settings.db {
            Database::Memory => AnyLog::Memory(MemoryLog::new()),
            Database::Sqlite(path) => AnyLog::Sqlite(SqliteLog::open(path).await?),
        };
        Server::bind_over(log, settings).await
    }

    /// Like [`Server::bind`], over a log that is open already instead of the one that the settings name.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn bind_over(log: AnyLog, settings: ServeSettings) -> Result<Server, StartError> {
        let credentials = settings.credentials.as_ref().map(read_credentials).transpose()?;
        let seed = settings.seed.as_deref().map(Seed::read).transpose()?;
        let listener = TcpListener::bind(settings.listen)
            .await
            .map_err(|source| StartError::Listen { address: settings.listen, source })?;
        let address = listener
            .local_addr()
            .map_err(|source| StartError::Listen { address: settings.listen, source })?;
        let writer = WriterSettings {
            retention: Retention { entries: settings.keep_entries, ..WriterSettings::default().retention },
            worlds: settings.max_worlds as usize,
            ..WriterSettings::default()
        };
        let engine = Engine::new(Arc::new(log), writer);
        let tls = tls_of(&settings, address)?;
        let (usher, doors) = Usher::new(tls, settings.head_timeout);
        let app = Arc::new(App::new(engine, settings, credentials, address));
        app.usher.get_or_init(|| usher.clone());
        let serving = tokio::spawn(serve(usher, listener, doors, app.clone()));
        let maintaining = tokio::spawn(maintain(app.clone()));
        let loading = Some(tokio::spawn(load(app.clone(), seed)));
        let guard = StopOnDrop(app.clone());
        Ok(Server { app, serving, maintaining, loading, guard })
    }

    /// Like [`Server::bind`], and waits until the worlds are loaded.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(settings: ServeSettings) -> Result<Server, StartError> {
        let mut server = Server::bind(settings).await?;
        server.wait_ready().await?;
        Ok(server)
    }

    /// Waits until the worlds are loaded.
    ///
    /// # Errors
    /// If one does not load.
    pub async fn wait_ready(&mut self) -> Result<(), StartError> {
        match self.loading.take() {
            Some(loading) => loading.await.expect("loading does not panic"),
            None => Ok(()),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.app.address
    }

    /// Its address as clients write it: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.app.address)
    }

    /// What is behind it.
    pub fn app(&self) -> &AppState {
        &self.app
    }

    /// Takes no more requests, gives those under way the grace of the settings, writes snapshots and closes the
    /// database. Streams and advances that would go on are cut off.
    ///
    /// # Errors
    /// If the database cannot be closed.
    pub async fn stop(self) -> Result<(), StoreError> {
        let Server { app, mut serving, maintaining, loading, guard } = self;
        drop(guard);
        if tokio::time::timeout(app.settings.grace, &mut serving).await.is_err() {
            tracing::warn!("requests were still under way when their grace was over");
            serving.abort();
            let _ = serving.await;
        }
        if let Some(loading) = loading {
            loading.abort();
            let _ = loading.await;
        }
        // The task ends now, or it has panicked, which the log says.
        let _ = maintaining.await;
        app.engine.stop().await;
        match Arc::into_inner(app) {
            Some(app) => app.engine.close().await,
            // A request that outlived its grace still holds it; the file is closed with it.
            None => Ok(()),
        }
    }
}

fn read_credentials(path: &PathBuf) -> Result<Credentials, StartError> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| StartError::Credentials { path: path.clone(), reason: e.to_string() })?;
    Credentials::parse(&text)
        .map_err(|e| StartError::Credentials { path: path.clone(), reason: e.to_string() })
}

/// The certificate of a server that speaks TLS.
fn tls_of(settings: &ServeSettings, address: SocketAddr) -> Result<Option<Tls>, StartError> {
    if !settings.tls {
        return Ok(None);
    }
    let directory = match &settings.state_dir {
        Some(directory) => directory.clone(),
        None => default_state_dir()?,
    };
    Ok(Some(Tls::new(&directory, address.ip(), &settings.hosts, &settings.zones)?))
}

async fn serve(usher: Usher, listener: TcpListener, doors: Doors, app: AppState) {
    let stopping = app.stopping();
    let listening = tokio::spawn(usher.listen(listener, app.stopping()));
    let head = app.settings.head_timeout;
    connections::serve(doors, crate::router::service(app), head, stopping).await;
    // The address is free again once this has ended.
    let _ = listening.await;
}

/// How often idle worlds and rows that belong to nobody are looked for.
const MAINTENANCE: Duration = Duration::from_secs(1);

/// Deletes idle throw-away worlds and sweeps the logs until the server stops.
async fn maintain(app: AppState) {
    let mut stopping = app.stopping();
    loop {
        tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(MAINTENANCE) => {}
        }
        app.metrics.upkeep();
        if !app.is_ready() {
            continue;
        }
        app.engine.expire(wall_now()).await;
        let stopped = app.stopping();
        app.engine.sweep(|| *stopped.borrow()).await;
    }
}

/// Loads every world of the log, makes `default` if it is missing, applies the seed, and says so.
async fn load(app: AppState, seed: Option<Seed>) -> Result<(), StartError> {
    let worlds = app.engine.log().worlds().await?;
    for stored in worlds.into_iter().filter(|w| !is_snapshot(&w.meta.name)) {
        let name = stored.meta.name.clone();
        let mut told = 0;
        let world = load_world(app.engine.log(), stored.key, |read| {
            if read - told >= 100_000 {
                told = read;
                tracing::info!(world = name, rows = read, "loading");
            }
        })
        .await
        .map_err(|source| StartError::Load { world: name.clone(), source })?;
        app.engine.adopt(stored, world);
    }
    if app.engine.world(crate::engine::DEFAULT_WORLD).is_none() {
        let wall = wall_now();
        let seed = app.settings.world_seed.unwrap_or_else(draw_seed);
        app.engine.create(crate::engine::DEFAULT_WORLD, app.settings.genesis(seed, wall), wall).await?;
    }
    app.set_loaded();
    let entries = entries_of_default(&app).await?;
    if let Some(seed) = &seed {
        seed.apply(&app).await?;
    }
    if let Some(path) = &app.settings.record {
        record(&app, path, entries, seed.as_ref()).await?;
    }
    app.set_ready();
    if let Some(path) = &app.settings.ready_file {
        write_ready_file(path, &app)?;
    }
    Ok(())
}

/// How many entries the journal of the world `default` has.
async fn entries_of_default(app: &App) -> Result<u64, StartError> {
    match app.engine.world(crate::engine::DEFAULT_WORLD) {
        Some(world) => Ok(world.inspect(|w| w.seq()).await?),
        None => Ok(0),
    }
}

/// Begins to record the world `default`, which had this many entries when it was loaded.
async fn record(app: &App, path: &Path, entries: u64, seed: Option<&Seed>) -> Result<(), StartError> {
    let failed = |reason: String| StartError::Record { path: path.to_owned(), reason };
    if entries > 0 {
        return Err(failed(format!(
            "the world default has {entries} journal entries; a recording begins with an empty world, so take another --db"
        )));
    }
    let Some(world) = app.engine.world(crate::engine::DEFAULT_WORLD) else { return Ok(()) };
    let seed = seed.map(Seed::snapshot);
    let recorder = world.inspect(|w| Recorder::begin(path, &app.settings, seed, w)).await?;
    let recorder = recorder.map_err(|e| failed(e.to_string()))?;
    app.recorder.get_or_init(|| recorder);
    Ok(())
}

/// A seed for a new world: 53 bits, which every JSON reader keeps whole.
pub fn draw_seed() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0 >> 11
}

/// Writes the addresses in one step, so that a script never reads half a file.
fn write_ready_file(path: &PathBuf, app: &App) -> Result<(), StartError> {
    let address = app.address;
    let url = format!("http://{address}");
    let mut text = serde_json::json!({
        "address": address.to_string(),
        "url": url,
        "swagger_ui": format!("{url}/swagger-ui/"),
        "openapi": format!("{url}/openapi.json"),
        "provider_endpoint": address.to_string(),
        "pid": std::process::id(),
    });
    if let Some(tls) = app.usher.get().and_then(Usher::tls) {
        text["https_url"] = format!("https://{address}").into();
        text["ca"] = tls.ca.display().to_string().into();
    }
    let failed = |source| StartError::ReadyFile { path: path.clone(), source };
    let mut fresh = path.clone().into_os_string();
    fresh.push(".new");
    std::fs::write(&fresh, format!("{text}\n")).map_err(failed)?;
    std::fs::rename(&fresh, path).map_err(failed)
}
