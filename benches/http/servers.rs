//! The servers under measurement, each a process of its own: cloudnet as it is released, and a bare handler that does
//! nothing but read a body of the same shape and answer with as many bytes.

use super::load::{self, get};
use axum::extract::{DefaultBodyLimit, Path};
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::{get as on_get, post as on_post};
use axum::{Json, Router};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{self, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server process, which ends with this value.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Resident memory in KiB.
    pub fn rss_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    }

    /// Processor time used so far, user and system.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|t| t.parse::<u64>().ok()).unwrap_or(0);
        Duration::from_millis((ticks(11) + ticks(12)) * 10)
    }

    /// Asks the process to stop, and waits until it has.
    pub fn stop(mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// A new directory for one measurement.
pub fn directory(name: &str) -> PathBuf {
    let directory =
        path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("http-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("a directory");
    directory
}

/// Starts cloudnet over the database in a directory. Returns it with the time from the start to the first answer and
/// to the answer that the worlds are loaded.
pub fn cloudnet(directory: &path::Path) -> (Process, Duration, Duration) {
    // A free port: bound once, let go, and taken by the server a moment later.
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let started = Instant::now();
    let child = Command::new(env!("CARGO_BIN_EXE_cloudnet"))
        .args(["serve", "--listen", &port.to_string(), "--provisioning", "instant", "--quotas", "lifted"])
        .arg("--db")
        .arg(format!("sqlite:{}", directory.join("cloudnet.db").display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts");
    let process = Process { child, address: port };
    let first = wait(port, "/healthz", started);
    let ready = wait(port, "/readyz", started);
    (process, first, ready)
}

fn wait(address: SocketAddr, path: &str, started: Instant) -> Duration {
    let request = get(path);
    loop {
        if load::once(address, &request).is_ok_and(|answer| answer.status == 200) {
            return started.elapsed();
        }
        assert!(started.elapsed() < Duration::from_secs(120), "the server does not answer {path}");
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// Starts the bare handler: this program again, with another argument.
pub fn bare(bytes: usize) -> Process {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let program = std::env::current_exe().expect("this program");
    let child = Command::new(program)
        .args(["--bare", &port.to_string(), &bytes.to_string()])
        .spawn()
        .expect("the bare handler starts");
    let process = Process { child, address: port };
    wait(port, "/healthz", Instant::now());
    process
}

/// What a creation's body holds.
#[derive(Deserialize)]
struct Body {
    vswitch_id: String,
    security_group_ids: Vec<String>,
}

/// What a request for traces holds.
#[derive(Deserialize)]
struct Flows {
    evidence: String,
    flows: Vec<Flow>,
}

#[derive(Deserialize)]
struct Flow {
    network_interface_id: String,
    destination: String,
    protocol: String,
    port: u16,
}

const JSON: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

/// Runs the bare handler until the process is killed.
pub fn serve_bare(address: &str, bytes: usize) {
    let text: &'static str = "x".repeat(bytes).leak();
    let create = move |Json(body): Json<Body>| async move {
        let location = format!("/bare/{}", body.vswitch_id.len() + body.security_group_ids.len());
        (StatusCode::CREATED, [(header::LOCATION, location)], JSON, text)
    };
    let traces = move |Json(body): Json<Flows>| async move {
        let whole = |flow: &Flow| {
            [&flow.network_interface_id, &flow.destination, &flow.protocol]
                .iter()
                .all(|text| !text.is_empty())
                && flow.port > 0
        };
        assert!(!body.evidence.is_empty() && body.flows.iter().all(whole));
        (JSON, text)
    };
    let show = move |Path(id): Path<String>| async move {
        assert!(!id.is_empty());
        (JSON, text)
    };
    let router = Router::new()
        .route("/bare", on_post(create))
        .route("/bare/traces", on_post(traces).layer(DefaultBodyLimit::disable()))
        .route("/bare/{id}", on_get(show))
        .route("/healthz", on_get(|| async { "ok\n" }));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.expect("the address is free");
        axum::serve(listener, router).await.expect("it serves");
    });
}
