//! Talking to a service in tests: in process without a socket, or over one.
#![allow(dead_code)]

pub mod hosts;
pub mod pairs;

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use serde_json::Value;
use sim_api::settings::{ClockSetting, Database};
use sim_api::{ServeSettings, Server};
use sim_core::settings::ClockMode;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tower::ServiceExt;

/// A free port, worlds in memory, a manual clock, a fixed seed.
pub fn settings() -> ServeSettings {
    ServeSettings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        db: Database::Memory,
        clock: ClockSetting(ClockMode::Manual),
        provisioning: sim_api::settings::ProvisioningSetting::Instant,
        world_seed: Some(1),
        ..ServeSettings::default()
    }
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// Null if it is no JSON.
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// The body of an answer with this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The code of a problem with this status.
    #[track_caller]
    pub fn refused(self, status: u16) -> String {
        self.expect(status)["code"].as_str().expect("a problem has a code").to_owned()
    }
}

/// A client of a service in this process; no socket is involved.
#[derive(Clone)]
pub struct Client {
    router: axum::Router,
    headers: Vec<(&'static str, String)>,
}

impl Client {
    pub fn new(server: &Server) -> Client {
        Client { router: sim_api::router::service(server.app().clone()), headers: Vec::new() }
    }

    /// The same client with a header on every request.
    pub fn with(&self, name: &'static str, value: &str) -> Client {
        let mut other = self.clone();
        other.headers.push((name, value.to_owned()));
        other
    }

    /// The same client in another world.
    pub fn world(&self, name: &str) -> Client {
        self.with("Cloudnet-World", name)
    }

    pub async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !self.headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost");
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = match body {
            None => request.body(Body::empty()),
            Some(body) => {
                request.header("content-type", "application/json").body(Body::from(body.to_string()))
            }
        };
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), 64 << 20).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, body, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None).await
    }

    /// An action of the provider wire with this access key id.
    pub async fn action(&self, key: &str, action: &str) -> Answer {
        let query = format!(
            "/?Action={action}&Version=2016-04-28&AccessKeyId={key}&RegionId=cn-hangzhou&Format=JSON"
        );
        self.get(&query).await
    }
}

/// One request over a socket of its own; none if the server is gone or does not answer whole.
pub fn http(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    if !body.is_empty() {
        head.push_str("Content-Type: application/json\r\n");
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let text = String::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head
        .lines()
        .find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length:").map(|n| n.trim().to_owned()));
    if length.is_some_and(|n| n.parse() != Ok(body.len())) {
        return None;
    }
    Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
}
