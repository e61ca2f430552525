//! The metadata service of an instance, as it is inside of one at `http://100.100.100.200/latest/`.
//!
//! A real instance is known by where it asks from. Here a request may say which it is: by its path
//! (`/metadata/INSTANCE/latest/...`), by the header `Cloudnet-Instance`, or as user of the proxy that it comes through
//! (`http://INSTANCE:x@127.0.0.1:8080`). Else the instance is the one of the setting, else the one that has the source
//! address. INSTANCE is an id or a name, with `@WORLD` behind it for another world than `default`.
//!
//! Items, tokens and refusals are those of the provider's page on instance metadata. An instance may have switched the service
//! off, or ask with tokens only; the pages name no statuses for that: 403 and 401 are chosen here.

mod issued;
mod items;

pub use issued::Issued;

use crate::app::{App, AppState};
use crate::doors::Peer;
use crate::engine::{DEFAULT_WORLD, WorldHandle, wall_now};
use crate::proxy::proxy_user;
use crate::requests::shorten;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::json;
use sim_core::ecs::eni::Eni;
use sim_core::ecs::instance::{Instance, InstanceStatus};
use sim_core::ecs::metadata_options::MetadataOptions;
use sim_core::id::InstanceId;
use sim_core::vpc::vpc::Vpc;
use sim_core::{SimTime, World};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

const TOKEN: &str = "x-aliyun-ecs-metadata-token";
const TOKEN_TTL: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";
/// How long a token may live, in seconds (provider documentation: instance metadata, security hardening mode).
const TOKEN_SECONDS: std::ops::RangeInclusive<i64> = 1..=21_600;
/// Where the keys of a role are.
const ROLE_KEYS: &str = "ram/security-credentials/";

/// The metadata of whichever instance asks.
pub async fn here(State(app): State<AppState>, Path(path): Path<String>, request: Parts) -> Response {
    answer(&app, None, &path, &request).await.unwrap_or_else(Refused::into_response)
}

/// The metadata of the instance in the path.
pub async fn of_instance(
    State(app): State<AppState>,
    Path((instance, path)): Path<(String, String)>,
    request: Parts,
) -> Response {
    answer(&app, Some(&instance), &path, &request).await.unwrap_or_else(Refused::into_response)
}

/// What is below `/latest/` for whichever instance asks.
pub async fn top_here(State(app): State<AppState>, request: Parts) -> Response {
    answer(&app, None, "", &request).await.unwrap_or_else(Refused::into_response)
}

/// What is below `/latest/` for the instance in the path.
pub async fn top_of_instance(
    State(app): State<AppState>,
    Path(instance): Path<String>,
    request: Parts,
) -> Response {
    answer(&app, Some(&instance), "", &request).await.unwrap_or_else(Refused::into_response)
}

/// Why there is no answer.
#[derive(Debug)]
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, self.1 + "\n").into_response()
    }
}

fn not_found(text: impl Into<String>) -> Refused {
    Refused(StatusCode::NOT_FOUND, text.into())
}

fn unavailable(error: impl ToString) -> Refused {
    Refused(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

async fn answer(app: &App, named: Option<&str>, path: &str, request: &Parts) -> Result<Response, Refused> {
    let asker = Asker::of(app, named, request)?;
    let (world, id, options) = asker.find(app).await?;
    if !options.enabled {
        let text = format!("The metadata service of {id} is disabled (ModifyInstanceMetadataOptions).");
        return Err(Refused(StatusCode::FORBIDDEN, text));
    }
    if path == "api/token" {
        return give_token(app, &world, id, request);
    }
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(Refused(StatusCode::METHOD_NOT_ALLOWED, "Metadata is read with GET.".to_owned()));
    }
    let now = wall_now() / 1000;
    // Without a token an instance is answered in the provider's normal mode only; a token that is sent must hold.
    let wrong = match request.headers.get(TOKEN) {
        None if options.tokens_required => "The instance asks with a token only",
        Some(token)
            if !token.to_str().is_ok_and(|token| app.metadata.knows_token(token, world.name(), id, now)) =>
        {
            "The token is unknown, expired or another instance's"
        }
        _ => "",
    };
    if !wrong.is_empty() {
        let text = format!("{wrong}; PUT /latest/api/token with {TOKEN_TTL}.");
        return Err(Refused(StatusCode::UNAUTHORIZED, text));
    }
    match path.trim_end_matches('/') {
        "user-data" => return user_data(&world, id).await,
        "" => return top(&world, id).await,
        "api" => return Ok("token".into_response()),
        _ => {}
    }
    let Some(item) = path.strip_prefix("meta-data").filter(|rest| rest.is_empty() || rest.starts_with('/'))
    else {
        return Err(not_found(format!(
            "There is no {:?}; there are meta-data/, user-data and api/token.",
            shorten(path)
        )));
    };
    let item = item.trim_start_matches('/');
    let (items, instance) = world
        .read(|w| w.get::<Instance>(&id).map(|instance| (items::of(w, instance), instance.clone())))
        .await
        .map_err(unavailable)?
        .ok_or_else(|| not_found("The instance is gone."))?;
    if let Some(role) = item.strip_prefix(ROLE_KEYS).filter(|role| !role.is_empty()) {
        return role_keys(app, &world, &instance, role, now);
    }
    let text =
        look_up(&items, item).ok_or_else(|| not_found(format!("There is no item {:?}.", shorten(item))))?;
    Ok(text.into_response())
}

/// The value of an item, or the names of what is one level below, those of directories with a slash.
fn look_up(items: &BTreeMap<String, String>, item: &str) -> Option<String> {
    if let Some(value) = items.get(item.trim_end_matches('/')) {
        return Some(value.clone());
    }
    let directory = match item.trim_end_matches('/') {
        "" => String::new(),
        some => format!("{some}/"),
    };
    let mut names: Vec<&str> = Vec::new();
    for rest in items.keys().filter_map(|path| path.strip_prefix(directory.as_str())) {
        let name = rest.find('/').map_or(rest, |at| &rest[..=at]);
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    Some(names.join("\n")).filter(|_| !names.is_empty())
}

/// GET /latest/: what can be asked for; user data only of an instance that has any.
async fn top(world: &WorldHandle, id: InstanceId) -> Result<Response, Refused> {
    let has_data = world
        .read(|w| w.get::<Instance>(&id).is_some_and(|instance| instance.user_data.is_some()))
        .await
        .map_err(unavailable)?;
    Ok(if has_data { "api/\nmeta-data/\nuser-data" } else { "api/\nmeta-data/" }.into_response())
}

/// GET /latest/user-data: decoded, as it was before whoever made the instance encoded it.
async fn user_data(world: &WorldHandle, id: InstanceId) -> Result<Response, Refused> {
    // A text whose last character has bits that decode to nothing is accepted when it is given.
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    let given = world
        .read(|w| w.get::<Instance>(&id).and_then(|instance| instance.user_data.clone()))
        .await
        .map_err(unavailable)?
        .ok_or_else(|| not_found("The instance has no user data."))?;
    let plain = LENIENT.decode(given.encoded()).expect("user data was accepted as Base64");
    Ok(plain.into_response())
}

/// PUT /latest/api/token.
fn give_token(app: &App, world: &WorldHandle, id: InstanceId, request: &Parts) -> Result<Response, Refused> {
    if request.method != Method::PUT {
        return Err(Refused(StatusCode::METHOD_NOT_ALLOWED, "A token is asked for with PUT.".to_owned()));
    }
    if request.headers.contains_key("x-forwarded-for") {
        let text = "Forbidden: a request for a token must not be forwarded (X-Forwarded-For).";
        return Err(Refused(StatusCode::FORBIDDEN, text.to_owned()));
    }
    let sent = request.headers.get(TOKEN_TTL).and_then(|ttl| ttl.to_str().ok()?.trim().parse().ok());
    match sent.filter(|ttl| TOKEN_SECONDS.contains(ttl)) {
        Some(ttl) => Ok(app.metadata.give_token(world.name(), id, wall_now() / 1000 + ttl).into_response()),
        None => {
            let text = format!("Missing or Invalid Parameters: {TOKEN_TTL} is a number from 1 to 21600.");
            Err(Refused(StatusCode::BAD_REQUEST, text))
        }
    }
}

/// The keys of the instance's role, which the provider wire takes until they expire.
fn role_keys(
    app: &App,
    world: &WorldHandle,
    instance: &Instance,
    role: &str,
    now: i64,
) -> Result<Response, Refused> {
    if instance.terms.ram_role != role {
        return Err(not_found(format!("The instance {} has no role {role:?}.", instance.id)));
    }
    let key = app.metadata.role_keys(world.name(), instance, now);
    let time = |seconds: i64| SimTime(seconds * 1000).to_seconds_text();
    let body = json!({
        "AccessKeyId": key.credential.access_key_id,
        "AccessKeySecret": key.credential.access_key_secret,
        "SecurityToken": key.credential.security_token,
        "Expiration": time(key.expires),
        "LastUpdated": time(key.given),
        "Code": "Success",
    });
    let kind = (header::CONTENT_TYPE, "application/json");
    Ok(([kind, (header::CACHE_CONTROL, "no-store")], body.to_string()).into_response())
}

/// Who asks, as far as the request says.
enum Asker {
    /// An instance by id or name.
    Named { instance: String, world: String },
    /// Whoever has this address.
    At(Ipv4Addr),
}

impl Asker {
    fn of(app: &App, named: Option<&str>, request: &Parts) -> Result<Asker, Refused> {
        let peer = request.extensions.get::<ConnectInfo<Peer>>().map(|ConnectInfo(peer)| peer);
        let chosen = named
            .map(str::to_owned)
            .or_else(|| header_text(&request.headers, "cloudnet-instance"))
            .or_else(|| proxy_user(&request.headers))
            .or_else(|| peer?.user.as_deref().map(str::to_owned));
        let remote = peer.map(|peer| peer.address.ip()).filter(|ip| !ip.is_loopback());
        if let Some(chosen) = chosen {
            // Whoever may name an instance gets the keys of its role.
            if app.credentials.is_some() && remote.is_some() {
                let text =
                    "With a credentials file only a client on this machine names the instance that it is.";
                return Err(Refused(StatusCode::FORBIDDEN, text.to_owned()));
            }
            return Ok(Asker::named(&chosen));
        }
        match (remote, &app.settings.metadata_instance) {
            (Some(IpAddr::V4(address)), None) => Ok(Asker::At(address)),
            (_, Some(setting)) => Ok(Asker::named(setting)),
            _ => Err(not_found(
                "Nothing says which instance asks: set --metadata-instance, ask /metadata/INSTANCE/latest/..., send \
                 Cloudnet-Instance, or use http://INSTANCE:x@HOST:PORT as proxy.",
            )),
        }
    }

    fn named(text: &str) -> Asker {
        let (instance, world) = text.rsplit_once('@').unwrap_or((text, DEFAULT_WORLD));
        Asker::Named { instance: instance.to_owned(), world: world.to_owned() }
    }

    /// The instance that asks. One that does not run asks nothing.
    async fn find(&self, app: &App) -> Result<(Arc<WorldHandle>, InstanceId, MetadataOptions), Refused> {
        let name = match self {
            Asker::Named { world, .. } => world,
            Asker::At(_) => DEFAULT_WORLD,
        };
        let world = app.ready_world(name).map_err(|problem| {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::NOT_FOUND);
            Refused(status, format!("{} {}", problem.title, problem.detail))
        })?;
        let found = world
            .read(|w| {
                let instance = match self {
                    Asker::Named { instance, .. } => by_text(w, instance)?,
                    Asker::At(address) => by_address(w, *address)?,
                };
                match instance.status {
                    InstanceStatus::Starting | InstanceStatus::Running | InstanceStatus::Stopping => {
                        Ok((instance.id, instance.metadata))
                    }
                    other => Err(not_found(format!("{} is {}: it asks nothing.", instance.id, other.text()))),
                }
            })
            .await
            .map_err(unavailable)?;
        let (id, options) = found?;
        Ok((world, id, options))
    }
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned).filter(|text| !text.is_empty())
}

fn by_text<'w>(w: &'w World, text: &str) -> Result<&'w Instance, Refused> {
    if let Some(instance) = text.parse::<InstanceId>().ok().and_then(|id| w.get::<Instance>(&id)) {
        return Ok(instance);
    }
    let mut called = w.table::<Instance>().iter().filter(|instance| instance.name == text);
    match (called.next(), called.next()) {
        (Some(instance), None) => Ok(instance),
        (Some(_), Some(_)) => Err(not_found(format!("Several instances are called {text:?}; use an id."))),
        (None, _) => Err(not_found(format!("There is no instance {text:?}."))),
    }
}

fn by_address(w: &World, address: Ipv4Addr) -> Result<&Instance, Refused> {
    let holders = &w.indexes().enis.by_address;
    let mut found = w
        .table::<Vpc>()
        .iter()
        .filter_map(|vpc| w.get::<Eni>(holders.get(&(vpc.id, address))?))
        .filter_map(|eni| w.get::<Instance>(&eni.instance?));
    match (found.next(), found.next()) {
        (Some(instance), None) => Ok(instance),
        (Some(_), Some(_)) => {
            Err(not_found(format!("Instances of several VPCs have the address {address}.")))
        }
        (None, _) => Err(not_found(format!(
            "The request comes from {address}, which no instance has; --metadata-instance names one."
        ))),
    }
}
