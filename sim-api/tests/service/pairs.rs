//! Both wires of one service side by side: a rule once as the provider words it and once as a problem.

use super::settings;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use serde_json::Value;
use sim_api::engine::Lifetime;
use sim_api::server::Server;
use sim_core::{AccountId, Caller, Command, ErrorCode as E, Reply, World};
use std::collections::BTreeMap;
use tower::ServiceExt;

/// The name of the world in the service.
pub const WORLD: &str = "lab";

/// What lies in a world, by a short name.
pub type Ids = BTreeMap<&'static str, String>;

/// A service over one world, asked without a socket, and the ids of what lies in the world by a short name.
pub struct Service {
    pub server: Server,
    pub router: Router,
    pub ids: Ids,
}

impl Service {
    pub async fn over((world, ids): (World, Ids)) -> Service {
        let server = Server::start(settings()).await.unwrap();
        server.app().engine.create_from(WORLD, world, Lifetime::Kept, 0).await.unwrap();
        let router = sim_api::router::service(server.app().clone());
        Service { server, router, ids }
    }

    /// `$name` in a text is the id of that name.
    pub fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        // Long names first, so that $custom does not eat the beginning of another name.
        for (name, id) in self.ids.iter().rev() {
            text = text.replace(&format!("${name}"), id);
        }
        text
    }

    pub async fn send(&self, request: Request<Body>) -> (u16, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), 8 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// `POST /v1/vpcs {...}` on the native wire.
    pub async fn rest(&self, line: &str) -> (u16, Value) {
        self.rest_with(line, &[]).await
    }

    /// The same with more headers.
    pub async fn rest_with(&self, line: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let line = self.fill(line);
        let (method, rest) = line.split_once(' ').unwrap();
        let (path, body) = rest.split_once(' ').unwrap_or((rest, ""));
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1")
            .header("Cloudnet-World", WORLD)
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// `CreateVpc CidrBlock=10.0.0.0/8` on the provider wire, of whichever product has the action. `Ecs:` before an action
    /// that both have chooses that product.
    pub async fn rpc(&self, line: &str) -> (u16, Value) {
        self.rpc_as(&format!("w-{WORLD}"), line).await
    }

    /// The same with another key id.
    pub async fn rpc_as(&self, key: &str, line: &str) -> (u16, Value) {
        let line = self.fill(line);
        let mut words = line.split_ascii_whitespace();
        let action = words.next().unwrap();
        let (action, of_vpc) = match action.strip_prefix("Ecs:") {
            Some(action) => (action, false),
            None => (action, sim_api::catalogue::lookup("2016-04-28", action).is_some()),
        };
        let version = if of_vpc { "2016-04-28" } else { "2014-05-26" };
        let mut form =
            format!("Version={version}&Format=JSON&RegionId=cn-hangzhou&AccessKeyId={key}&Action={action}");
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or_else(|| panic!("{word} is no parameter"));
            form.push_str(&format!("&{name}={}", encode(value)));
        }
        let request = Request::builder().method("POST").uri("/").header(header::HOST, "127.0.0.1");
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form)).unwrap()).await
    }

    /// Makes an object on the native wire and gives it a short name.
    pub async fn created(&mut self, name: &'static str, line: &str) {
        let (status, body) = self.rest(line).await;
        assert_eq!(status, 201, "{line}: {body}");
        self.ids.insert(name, body["id"].as_str().unwrap().to_owned());
    }

    /// What the native wire answers with this status.
    #[track_caller]
    pub fn rest_ok(&self, line: &str) -> impl Future<Output = Value> {
        let (line, at) = (line.to_owned(), std::panic::Location::caller());
        async move {
            let (status, body) = self.rest(&line).await;
            assert!((200..300).contains(&status), "{at}: {line}: {status} {body}");
            body
        }
    }

    /// What the provider wire answers with 200.
    #[track_caller]
    pub fn rpc_ok(&self, line: &str) -> impl Future<Output = Value> {
        let (line, at) = (line.to_owned(), std::panic::Location::caller());
        async move {
            let (status, body) = self.rpc(&line).await;
            assert_eq!(status, 200, "{at}: {line}: {body}");
            body
        }
    }

    /// A rule on both wires; an empty line leaves a wire out. `provider` is code and status.
    pub async fn refused(&self, rule: E, rest: &str, rpc: &str, provider: &str) {
        if !rest.is_empty() {
            let (status, body) = self.rest(rest).await;
            assert_eq!(body["code"], rule.native(), "{rest}: {body}");
            assert_eq!(status, rule.kind().http_status(), "{rest}: {body}");
        }
        if !rpc.is_empty() {
            let (status, body) = self.rpc(rpc).await;
            let got = format!("{} {status}", body["Code"].as_str().unwrap_or_default());
            assert_eq!(got, provider, "{rpc}: {body}");
        }
    }

    /// Carries out a command that no wire offers, or none in a form that a test wants.
    pub async fn command(&self, command: impl Into<Command>) -> Reply {
        let world = self.server.app().engine.world(WORLD).unwrap();
        let caller = Caller::new(AccountId::DEFAULT, "cn-hangzhou");
        let submitted = world.submit(caller, command.into(), |_, applied| applied.outcome.clone());
        submitted.await.unwrap().view.unwrap()
    }

    pub async fn stop(self) {
        drop(self.router);
        self.server.stop().await.unwrap();
    }
}

/// A value as a form holds it.
fn encode(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    value.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
