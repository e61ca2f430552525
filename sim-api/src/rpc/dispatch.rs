//! The way of a request on the provider wire: decode, believe, find the action, carry out, answer.

use super::actions::{self, Action};
use super::encoding;
use super::envelope::{self, RequestId};
use super::params::Asked;
use super::plan::{BadParams, Plan};
use super::request::{self, RawRequest, RpcRequest};
use super::sign;
use super::{Credentials, ProviderError};
use crate::app::{App, AppState};
use crate::catalogue::{ActionSpec, Code, UnknownParam, Violation};
use crate::engine::{DEFAULT_WORLD, EngineError, WorldHandle};
use crate::faults::Replica;
use crate::problem::Problem;
use crate::recording::Moment;
use crate::rest::context::DEFAULT_REGION;
use crate::rest::worlds::virtual_now;
use crate::seal::Seal;
use crate::settings::UnknownParams;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use sim_core::ecs::ram_role::RoleSession;
use sim_core::error::ErrorKind;
use sim_core::{AccountId, Caller, ErrorCode, Outcome, Refusal, Token, World};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What the request log is told about a request on the provider wire.
#[derive(Clone, Debug, Default)]
pub struct Noted {
    /// The action's name.
    pub action: String,
    /// The parameters without secrets.
    pub params: BTreeMap<String, String>,
    /// The world.
    pub world: String,
    /// The account.
    pub account: String,
    /// The provider's code of a refusal.
    pub code: String,
    /// The core's rule behind it.
    pub rule: String,
    /// Parameters that no document knows.
    pub unknown: Vec<String>,
    /// The injected faults that struck it.
    pub faults: Vec<u64>,
    /// Whether a fault loses its answer.
    pub lost: bool,
    /// Whether the answer is a fault's: its refusal, or what an old copy of the world shows.
    pub faulty: bool,
    /// What the world was when it answered; absent if it was not asked.
    pub moment: Option<Moment>,
    /// Whether the world was changed.
    pub wrote: bool,
}

/// Where a request on the provider wire goes: everything at `/`.
pub async fn from_request(app: AppState, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let request_id =
        parts.extensions.get::<RequestId>().cloned().expect("the gate gives every request an id");
    let raw_head = (&parts.method, &parts.uri, &parts.headers);
    // What is announced to be too large is not waited for.
    if body.size_hint().lower() > app.settings.body_limit as u64 {
        return too_large(&app, &request_id, parts.headers);
    }
    let body = match axum::body::to_bytes(body, app.settings.body_limit).await {
        Ok(body) => body,
        Err(_) => return too_large(&app, &request_id, parts.headers),
    };
    let raw = RawRequest::new(raw_head.0, raw_head.1, raw_head.2, &body);
    let mut noted = Noted::default();
    let format = request::preferred_format(&raw);
    let decoded = request::decode(&raw);
    let outcome = match &decoded {
        Ok(request) => answer(&app, &raw, request, &mut noted).await.map(|value| (request, value)),
        Err(error) => Err(error.clone().into()),
    };
    if let (Some(recorder), Ok(request), DEFAULT_WORLD) = (app.recorder.get(), &decoded, noted.world.as_str())
    {
        recorder.note(&raw, request, &noted, outcome.as_ref().map(|(_, value)| value));
    }
    let mut response = match outcome {
        Ok((request, value)) => {
            envelope::success(request.format, &request.action, &request_id, &value).into_response()
        }
        Err(error) => {
            noted.code = error.code.to_string();
            envelope::refusal(format, &error, &request_id, raw.host().unwrap_or_default()).into_response()
        }
    };
    if noted.lost {
        response = lost();
    }
    if !noted.faults.is_empty() {
        let numbers = noted.faults.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        response.headers_mut().extend(HeaderValue::from_str(&numbers).map(|v| (FAULTS_HEADER, v)));
    }
    if let Some(value) = unknown_header(&noted.unknown) {
        response.headers_mut().insert("x-cloudnet-unknown-parameters", value);
    }
    response.extensions_mut().insert(noted);
    response
}

/// Names the injected faults that touched an answer.
const FAULTS_HEADER: HeaderName = HeaderName::from_static("x-cloudnet-faults");

/// A response whose body fails at once: the connection is closed before anything is sent.
fn lost() -> Response {
    let nothing =
        futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("the answer is lost")) });
    Response::new(Body::from_stream(nothing))
}

/// The longest list of unknown parameters in an answer, in bytes: clients take header lines of 8 KiB at least.
const MOST_UNKNOWN: usize = 4096;

/// The names of unknown parameters, percent-encoded, with commas between them; `...` stands for those beyond [`MOST_UNKNOWN`].
fn unknown_header(names: &[String]) -> Option<HeaderValue> {
    let mut told = String::new();
    for name in names {
        let name = encoding::percent_encode(name);
        if told.len() + name.len() >= MOST_UNKNOWN {
            told.push_str(",...");
            break;
        }
        if !told.is_empty() {
            told.push(',');
        }
        told.push_str(&name);
    }
    HeaderValue::from_str(told.trim_start_matches(',')).ok().filter(|_| !told.is_empty())
}

fn too_large(app: &App, request_id: &RequestId, headers: HeaderMap) -> Response {
    let message = format!("The body has more than {} bytes.", app.settings.body_limit);
    let error = ProviderError::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message);
    let host = headers.get("host").and_then(|h| h.to_str().ok()).unwrap_or_default();
    envelope::refusal(request::Format::Json, &error, request_id, host).into_response()
}

async fn answer(
    app: &App,
    raw: &RawRequest<'_>,
    request: &RpcRequest,
    noted: &mut Noted,
) -> Result<Value, ProviderError> {
    noted.action = request.action.clone();
    noted.params = request
        .params
        .iter()
        .filter(|(name, _)| !super::params::COMMON.contains(name))
        .map(show_param)
        .collect();
    let Believed { world, account, role } = believe(app, raw, request)?;
    noted.world = world.name().to_owned();
    noted.account = account.to_string();
    let action = find_action(request)?;
    let spec = action.spec();
    let stale = meet_faults(&world, action, noted).await?;
    check_parameters(app, request, spec, noted)?;
    // What the action does not have must not be read by code that several actions share.
    let known = request.params.without(&noted.unknown);
    let asked = Asked { tls: app.usher.get().is_some_and(|usher| usher.tls().is_some()), role };
    let scope = known.root().of_asked(&asked);
    let mut caller = Caller::new(account, request.region_id.as_deref().unwrap_or(DEFAULT_REGION));
    // Where an action does not have these, the real service ignores them.
    if let Some(token) = request.client_token()
        && spec.param("ClientToken").is_some()
    {
        caller.token = Some(Token::parse(token).map_err(|r| refused(action, &r, noted))?);
    }
    if spec.param("DryRun").is_some() {
        caller.dry_run =
            scope.bool("DryRun").map_err(|e| bad_params(action, e.into(), noted))?.unwrap_or(false);
    }
    let plan = (action.plan)(&scope, &caller).map_err(|e| bad_params(action, e, noted))?;
    // An action that takes a region looks into one that exists.
    let takes_region = spec.param("RegionId").is_some();
    let known_region =
        |w: &World| if takes_region { sim_core::region::check(w, &caller.region) } else { Ok(()) };
    let plan = match plan {
        Plan::Sealed(secrets, make, show) => Plan::Write(make(secrets.seal(Seal::of(&world))), show),
        open => open,
    };
    let mut moment = None;
    let result = match plan {
        Plan::Sealed(..) => unreachable!("secrets were sealed"),
        Plan::Read(look) => {
            let look = |w: &World| {
                moment = Some(Moment::of(w));
                known_region(w).and_then(|()| look(w, &caller))
            };
            let seen = match &stale {
                Some(copy) => look(copy),
                None => world.read(look).await.map_err(unavailable)?,
            };
            looked(&caller, seen)
        }
        Plan::List(mut slice) => {
            let mut slice = |w: &World| {
                moment.get_or_insert_with(|| Moment::of(w));
                match known_region(w) {
                    Ok(()) => slice(w, &caller),
                    Err(refusal) => ControlFlow::Break(Err(refusal)),
                }
            };
            let seen = match &stale {
                Some(copy) => loop {
                    if let ControlFlow::Break(seen) = slice(copy) {
                        break seen;
                    }
                },
                None => world.read_in_slices(slice).await.map_err(unavailable)?,
            };
            looked(&caller, seen)
        }
        Plan::Write(command, show) => {
            let dry_run = caller.dry_run;
            let shown_to = caller.clone();
            let submitted = world.submit(caller, command, move |w, applied| {
                let view = match &applied.outcome {
                    Ok(_) if dry_run => Err(Refusal::new(ErrorCode::DryRun)),
                    Ok(reply) => Ok(show(w, &shown_to, reply)),
                    Err(refusal) => Err(refusal.clone()),
                };
                (Moment::of(w), view)
            });
            let submitted = submitted.await.map_err(unavailable)?;
            let (then, view) = submitted.view;
            moment = Some(then);
            noted.wrote = view.is_ok() && !submitted.replayed;
            view
        }
    };
    noted.moment = moment;
    let value = result.map_err(|refusal| refused(action, &refusal, noted))?;
    #[cfg(debug_assertions)]
    hold_to_contract(action, &value)?;
    Ok(value)
}

/// Lets the world's injected faults strike the request; a copy of the world for a stale read.
async fn meet_faults(
    world: &WorldHandle,
    action: &Action,
    noted: &mut Noted,
) -> Result<Option<Arc<World>>, ProviderError> {
    if world.faults().is_empty() {
        return Ok(None);
    }
    let now = world.read(virtual_now).await.map_err(unavailable)?;
    let struck = world.faults().meet(action.name, now);
    noted.faults = struck.faults;
    noted.lost = struck.lost;
    tokio::time::sleep(struck.delay).await;
    if let Some((status, code, message)) = struck.refusal {
        noted.rule = "injected_fault".to_owned();
        noted.faulty = true;
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return Err(ProviderError::new(status, code, message));
    }
    let Some((fault, age)) = struck.stale.filter(|_| !action.writes()) else { return Ok(None) };
    noted.faulty = true;
    if let Some(copy) = world.faults().replica(fault, age, now) {
        return Ok(Some(copy.world));
    }
    let renew = |w: &World| Replica { at: virtual_now(w), world: Arc::new(w.clone()) };
    let copy = world.read(renew).await.map_err(unavailable)?;
    world.faults().renew(fault, copy.clone());
    Ok(Some(copy.world))
}

/// An answer that breaks the published contract is a defect of this program, and is answered as one.
#[cfg(debug_assertions)]
fn hold_to_contract(action: &Action, answer: &Value) -> Result<(), ProviderError> {
    let faults = super::contract::faults(action.product, action.version, action.name, answer).join("; ");
    if faults.is_empty() {
        return Ok(());
    }
    tracing::error!(action = action.name, faults, "the answer breaks the published contract");
    let message = format!("The answer of {} breaks the published contract: {faults}.", action.name);
    Err(ProviderError::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message))
}

/// What a look at the world saw; a dry run that passes every check is told so.
fn looked(caller: &Caller, seen: Outcome<Value>) -> Outcome<Value> {
    if caller.dry_run { seen.and(Err(Refusal::new(ErrorCode::DryRun))) } else { seen }
}

fn show_param((name, value): (&str, &str)) -> (String, String) {
    let shown =
        if crate::requests::is_secret(name) { "***".to_owned() } else { crate::requests::shorten(value) };
    (name.to_owned(), shown)
}

/// Who sent a request.
struct Believed {
    world: Arc<WorldHandle>,
    account: AccountId,
    /// The role whose keys they are, if they are a role's.
    role: Option<RoleSession>,
}

/// Who sent the request: the key's world and account, with a signature where credentials are configured. Without a
/// credentials file any key is good but those of roles, which come with their token.
fn believe(app: &App, raw: &RawRequest<'_>, request: &RpcRequest) -> Result<Believed, ProviderError> {
    let find = |name: &str| app.ready_world(name).map_err(world_unavailable);
    let now = crate::engine::wall_now() / 1000;
    // Keys that the metadata service gave out count beside those of the file.
    let of_role =
        request.access_key_id.as_deref().map(|key| app.metadata.role_key(key, now)).transpose()?.flatten();
    let (of_role, role) = of_role.unzip();
    let of_account = |world, account| Believed { world, account, role: None };
    if let Some(credentials) = &app.credentials {
        let of_role = of_role.map(Credentials::one);
        let verified = sign::verify(raw, request, of_role.as_ref().unwrap_or(credentials), now)?;
        if let Some(nonce) = &request.nonce {
            app.nonces.lock().claim(verified.access_key_id(), nonce, now)?;
        }
        let credential = verified.credential;
        let account =
            credential.account.parse().map(AccountId).map_err(|_| unknown_key(&credential.access_key_id))?;
        let world = find(credential.world.as_deref().unwrap_or(DEFAULT_WORLD))?;
        return Ok(Believed { world, account, role });
    }
    if let Some(credential) = of_role {
        sign::check_security_token(&credential, request.security_token.as_deref())?;
        let account = credential.account.parse().map(AccountId);
        let account = account.map_err(|_| unknown_key(&credential.access_key_id))?;
        let world = find(credential.world.as_deref().unwrap_or(DEFAULT_WORLD))?;
        return Ok(Believed { world, account, role });
    }
    let key = request.access_key_id.as_deref().unwrap_or_default();
    let Some(selector) = key.strip_prefix("w-") else {
        return Ok(of_account(find(DEFAULT_WORLD)?, AccountId::DEFAULT));
    };
    // The account comes last and is all digits, so that a world's name may hold "-a-" itself.
    let (name, account) = match selector.rsplit_once("-a-") {
        Some((name, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            (name, digits.parse().map(AccountId).map_err(|_| unknown_key(key))?)
        }
        _ => (selector, AccountId::DEFAULT),
    };
    match app.ready_world(name) {
        Ok(world) => Ok(of_account(world, account)),
        Err(problem) if problem.status == 404 => Err(unknown_key(key)),
        Err(problem) => Err(world_unavailable(problem)),
    }
}

fn unknown_key(key: &str) -> ProviderError {
    let message = format!(
        "Specified access key is not found: {key:?} selects no world; write w-WORLD or w-WORLD-a-ACCOUNT."
    );
    ProviderError::new(StatusCode::NOT_FOUND, "InvalidAccessKeyId.NotFound", message)
}

fn world_unavailable(problem: Problem) -> ProviderError {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    ProviderError::new(status, "ServiceUnavailable", format!("{} {}", problem.title, problem.detail))
}

fn unavailable(error: EngineError) -> ProviderError {
    match error {
        EngineError::Panicked(_) => {
            ProviderError::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", error.to_string())
        }
        _ => ProviderError::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", error.to_string()),
    }
}

fn find_action(request: &RpcRequest) -> Result<&'static Action, ProviderError> {
    if let Some(action) = actions::find(&request.version, &request.action) {
        return Ok(action);
    }
    let not_found =
        |code: &'static str, message: String| Err(ProviderError::new(StatusCode::NOT_FOUND, code, message));
    match actions::product_of(&request.version) {
        Some(product) => not_found(
            "InvalidAction.NotFound",
            format!(
                "Specified api is not found, please check your url and method: {product} {} is not served.",
                request.action
            ),
        ),
        None => not_found(
            "InvalidVersion",
            format!("Specified parameter Version is not valid: {:?}.", request.version),
        ),
    }
}

/// Holds the parameters against the published description of the action: whether they are there, their kinds, ranges
/// and numbers. The real service ignores names that it does not know; here they are named in a warning, or refused if
/// the settings say so.
fn check_parameters(
    app: &App,
    request: &RpcRequest,
    spec: &ActionSpec,
    noted: &mut Noted,
) -> Result<(), ProviderError> {
    let mut pairs: Vec<(&str, &str)> = Vec::with_capacity(request.params.len() + 1);
    pairs.extend(request.params.iter());
    // The region may come in a header; it counts as the parameter then.
    if let Some(region) = &request.region_id
        && request.params.get("RegionId").is_none_or(str::is_empty)
    {
        let at = pairs.partition_point(|(name, _)| *name < "RegionId");
        match pairs.get_mut(at) {
            Some(sent) if sent.0 == "RegionId" => sent.1 = region,
            _ => pairs.insert(at, ("RegionId", region)),
        }
    }
    let unknown = spec.validate_sorted(&pairs).map_err(|violation| {
        noted.rule = "malformed_request".to_owned();
        violated(violation)
    })?;
    if unknown.is_empty() {
        return Ok(());
    }
    let names = unknown.iter().map(describe_unknown).collect::<Vec<_>>().join(", ");
    noted.unknown = unknown.into_iter().map(|unknown| unknown.name).collect();
    if app.settings.unknown_params == UnknownParams::Refuse {
        noted.rule = "unknown_parameter".to_owned();
        let message = format!("{} has no parameter {names}.", request.action);
        return Err(ProviderError::bad_request("InvalidParameter", message));
    }
    tracing::warn!(action = request.action, parameters = names, "unknown parameters were ignored");
    Ok(())
}

/// The name, and what was probably meant.
fn describe_unknown(unknown: &UnknownParam) -> String {
    match &unknown.hint {
        Some(hint) => format!("{} ({hint})", unknown.name),
        None => unknown.name.clone(),
    }
}

fn violated(violation: Violation) -> ProviderError {
    let status = StatusCode::from_u16(violation.status).unwrap_or(StatusCode::BAD_REQUEST);
    ProviderError::new(status, violation.code, violation.message)
}

fn bad_params(action: &Action, error: BadParams, noted: &mut Noted) -> ProviderError {
    match error {
        BadParams::Param(error) => {
            noted.rule = "malformed_request".to_owned();
            let missing = error.problem == super::params::Problem::Missing;
            let documented = action.spec().documented_code(&error.name, missing);
            match documented.filter(|_| error.code.is_none()) {
                Some(Code(code, status)) => {
                    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
                    ProviderError::new(status, code, error.to_string())
                }
                // The product Slb has one code for values that do not fit, whatever their names (its table of common errors).
                None if action.product == "Slb" && !missing && error.code.is_none() => {
                    with_documented_status(action, error.with_code("InvalidParameter").into())
                }
                None => with_documented_status(action, error.into()),
            }
        }
        BadParams::Rule(refusal) => refused(action, &refusal, noted),
    }
}

/// A code that an action's own reading of its parameters chose goes with the status that the action documents for it.
fn with_documented_status(action: &Action, mut error: ProviderError) -> ProviderError {
    let status =
        crate::catalogue::documented_status(action.version, action.name, &error.code, error.status.as_u16());
    if let Some(status) = status.and_then(|status| StatusCode::from_u16(status).ok()) {
        error.status = status;
    }
    error
}

/// How an action spells a refusal: as it documents it, else as other actions of its product do. Clients of all products
/// branch on one spelling for a token that was used otherwise.
pub(super) fn code_in(version: &str, action: &str, refusal: &Refusal) -> &'static str {
    let codes = refusal.code().row().provider_codes;
    let own = |code: &&&str| crate::catalogue::documents(version, action, code);
    let of_product = |code: &&&str| crate::catalogue::product_documents(version, code).is_some();
    let borrows = refusal.code().kind() != ErrorKind::Token;
    codes.iter().find(own).or_else(|| codes.iter().find(of_product).filter(|_| borrows)).unwrap_or(&codes[0])
}

/// The provider's code, status and message of a refusal in this action.
fn refused(action: &Action, refusal: &Refusal, noted: &mut Noted) -> ProviderError {
    noted.rule = refusal.code().native();
    let row = refusal.code().row();
    let code = code_in(action.version, action.name, refusal);
    let usual = row.provider_status;
    // The row's status belongs to its first code; another for which the action has none has its product's, the row's if
    // there are several, or the protocol's usual one where no table has any, as for the codes that only clients know.
    let borrowed = || {
        let known = crate::catalogue::product_documents(action.version, code);
        known.and_then(|known| known.get(&usual).or(known.first())).copied().unwrap_or(400)
    };
    let status = crate::catalogue::documented_status(action.version, action.name, code, usual)
        .unwrap_or_else(|| if code == row.provider_codes[0] { usual } else { borrowed() });
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    ProviderError::new(status, code, refusal.to_string())
}
