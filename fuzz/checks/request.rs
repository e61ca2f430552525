//! What either wire owes to any request: an answer that is no 5xx, and a reason where it is a refusal.

use axum::body::Body;
use http::{HeaderValue, Request};
use sim_api::engine::DEFAULT_WORLD;
use sim_api::settings::{ClockSetting, Database};
use sim_api::{ServeSettings, Server};
use sim_core::Genesis;
use sim_core::settings::ClockMode;
use std::net::SocketAddr;
use tower::ServiceExt;

/// A service without a socket between it and the bytes.
pub struct Door {
    runtime: tokio::runtime::Runtime,
    server: Server,
    router: axum::Router,
}

impl Door {
    /// A service in memory with a clock that stands still.
    pub fn open() -> Door {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let settings = ServeSettings {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            db: Database::Memory,
            clock: ClockSetting(ClockMode::Manual),
            world_seed: Some(1),
            ..ServeSettings::default()
        };
        let server = runtime.block_on(Server::start(settings)).expect("a free port");
        let router = sim_api::router::service(server.app().clone());
        Door { runtime, server, router }
    }

    /// A world with one VPC, always under the same id, in place of the one that was.
    pub fn renew(&self) {
        let genesis = Genesis { seed: 1, ..Genesis::default() };
        let reset = self.server.app().engine.reset(DEFAULT_WORLD, genesis, 0);
        self.runtime.block_on(reset).expect("memory does not fail");
        let vpc = b"POST /v1/vpcs\ncontent-type: application/json\n\n{\"cidr_block\":\"10.0.0.0/16\"}";
        assert_eq!(self.ask(vpc), Some(201));
    }

    /// Sends the bytes as a request: the first line is `METHOD TARGET`, the lines up to an empty one are headers, the
    /// rest is the body. Returns the status of the answer; none if no request can be made of them.
    ///
    /// # Panics
    /// If the answer is a 5xx, or a refusal without a code.
    pub fn ask(&self, data: &[u8]) -> Option<u16> {
        let blank = data.windows(2).position(|pair| pair == b"\n\n");
        let (head, body) = blank.map_or((data, &[][..]), |at| (&data[..at], &data[at + 2..]));
        let head = std::str::from_utf8(head).ok()?;
        let mut lines = head.lines();
        let (method, target) = lines.next()?.split_once(' ')?;
        // These never end, or take as long as they are told to.
        if target.contains("/follow") || target.contains("/clock") {
            return None;
        }
        let mut request = Request::builder().method(method).uri(target).header("host", "localhost");
        for (name, value) in lines.filter_map(|line| line.split_once(':')).take(32) {
            request = request.header(name.trim(), HeaderValue::from_str(value.trim()).ok()?);
        }
        let request = request.body(Body::from(body.to_vec())).ok()?;
        let answer = self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.expect("the service answers everything");
            let (parts, body) = answer.into_parts();
            (parts, axum::body::to_bytes(body, 16 << 20).await.expect("the answer ends"))
        });
        let (parts, bytes) = answer;
        let status = parts.status.as_u16();
        let text = String::from_utf8_lossy(&bytes);
        assert!(status < 500, "{status} for {head:?}: {text}");
        let json = parts.headers.get("content-type").is_some_and(|t| t.as_bytes().ends_with(b"json"));
        if status >= 400 && json {
            let body: serde_json::Value = serde_json::from_slice(&bytes).expect("it says that it is JSON");
            let code = body.get("code").or(body.get("Code")).and_then(|code| code.as_str());
            assert!(
                code.is_some_and(|code| !code.is_empty()),
                "a refusal of {head:?} without a code: {text}"
            );
        }
        Some(status)
    }
}
