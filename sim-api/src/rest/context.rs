//! What every native operation needs: the world, the caller, and strict readers of path, query and body.

use crate::app::AppState;
use crate::engine::{DEFAULT_WORLD, WorldHandle};
use crate::listing::{Rows, Sought, Walk};
use crate::objects;
use crate::page::{Page, PageQuery};
use crate::problem::{FieldProblem, Problem};
use crate::requests::shorten;
use crate::rpc::encoding::{pairs, percent_decode};
use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use sim_core::id::Id;
use sim_core::resource::Resource;
use sim_core::world::Stored;
use sim_core::{AccountId, Caller, Command, Outcome, Reply, Token, World};
use std::sync::Arc;

/// The world and the caller of a native request.
///
/// The headers `Cloudnet-World`, `Cloudnet-Account` and `Cloudnet-Region` choose them; absent ones mean the
/// world `default`, its first account and `cn-hangzhou`. `Idempotency-Key` makes a retry safe.
#[derive(Clone)]
pub struct Context {
    /// The world.
    pub world: Arc<WorldHandle>,
    /// Who calls.
    pub caller: Caller,
    /// What the caller has already: `If-None-Match`.
    known: Option<String>,
}

/// The region of a request that names none.
pub const DEFAULT_REGION: &str = "cn-hangzhou";

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match value.to_str() {
        Ok(text) if !text.is_empty() => Ok(Some(text)),
        _ => Err(Problem::parameter(
            name,
            format!("The header {name} is empty or not text."),
            "printable text",
        )),
    }
}

impl FromRequestParts<AppState> for Context {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Context, Problem> {
        let name = text(&parts.headers, "Cloudnet-World")?.unwrap_or(DEFAULT_WORLD);
        let world = app.ready_world(name)?;
        let account = match text(&parts.headers, "Cloudnet-Account")? {
            None => AccountId::DEFAULT,
            Some(digits) => AccountId(digits.parse().map_err(|_| {
                let detail = format!("The header Cloudnet-Account is {digits:?}, which is not a number.");
                Problem::parameter("Cloudnet-Account", detail, AccountId::DEFAULT.to_string())
            })?),
        };
        let region = text(&parts.headers, "Cloudnet-Region")?.unwrap_or(DEFAULT_REGION);
        let mut caller = Caller::new(account, region);
        if let Some(key) = text(&parts.headers, "Idempotency-Key")? {
            // The IETF draft writes the key as a quoted string; both forms are taken.
            let quoted = key.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            caller.token = Some(Token::parse(quoted.unwrap_or(key))?);
        }
        caller.dry_run = dry_run(parts.uri.query())?;
        refuse_condition(parts)?;
        let known = parts.headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
        Ok(Context { world, caller, known: known.map(str::to_owned) })
    }
}

/// A write upon a condition is refused, since none is judged (docs/decisions/0005-native-wire.md).
fn refuse_condition(parts: &Parts) -> Result<(), Problem> {
    let conditions = [header::IF_MATCH, header::IF_UNMODIFIED_SINCE];
    let sent = conditions.iter().find(|name| parts.headers.contains_key(*name));
    match sent.filter(|_| !parts.method.is_safe()) {
        None => Ok(()),
        Some(name) => {
            let detail = format!("Writes are not judged by {name}: the latest one holds.");
            Err(Problem::parameter(name.as_str(), detail, "a request without it"))
        }
    }
}

fn dry_run(query: Option<&str>) -> Result<bool, Problem> {
    let mut sent = pairs(query.unwrap_or_default().as_bytes());
    match sent.find(|(name, _)| is_dry_run(name)).map(|(_, value)| percent_decode(value)) {
        None => Ok(false),
        Some(Ok(value)) if value == "false" => Ok(false),
        Some(Ok(value)) if value == "true" => Ok(true),
        Some(other) => {
            let detail = format!("dry_run is {:?}.", other.unwrap_or_default());
            Err(Problem::parameter("dry_run", detail, "true or false"))
        }
    }
}

/// Whether this is the name `dry_run`, however it is encoded.
fn is_dry_run(name: &[u8]) -> bool {
    percent_decode(name).is_ok_and(|name| name == "dry_run")
}

impl Context {
    /// Carries out a command and answers 201 with the new object and its address.
    ///
    /// # Errors
    /// The refusal, or why the engine could not answer.
    pub async fn create<T: Serialize + Send + 'static>(
        self,
        command: impl Into<Command>,
        show: impl FnOnce(&World, &Reply) -> Option<(String, T)> + Send + 'static,
    ) -> Result<Response, Problem> {
        let dry_run = self.caller.dry_run;
        let shown = self.carry_out(command.into(), show).await?;
        match shown {
            _ if dry_run => Ok(passed()),
            Some((location, body)) => {
                Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(body)).into_response())
            }
            // Only a repetition can find its object gone.
            None => Err(Problem::service(
                StatusCode::GONE,
                "object_gone",
                "The object was deleted.",
                "The idempotency key belongs to a request that succeeded; what it made has been deleted since.",
            )),
        }
    }

    /// Carries out a command and answers 200 with what `show` makes of the world.
    ///
    /// # Errors
    /// The refusal, or why the engine could not answer.
    pub async fn change<T: Serialize + Send + 'static>(
        self,
        command: impl Into<Command>,
        show: impl FnOnce(&World, &Reply) -> T + Send + 'static,
    ) -> Result<Response, Problem> {
        if self.caller.dry_run {
            self.carry_out(command.into(), |_, _| ()).await?;
            return Ok(passed());
        }
        Ok(Json(self.carry_out(command.into(), show).await?).into_response())
    }

    /// Carries out a command and answers 200 with one row as it is then.
    ///
    /// # Errors
    /// The refusal, or why the engine could not answer.
    pub async fn change_row<R: Stored, T: Serialize + Send + 'static>(
        self,
        command: impl Into<Command>,
        key: R::Key,
        show: fn(&World, &R) -> T,
    ) -> Result<Response, Problem>
    where
        R::Key: Send + 'static,
    {
        self.change(command, move |w, _| w.get::<R>(&key).map(|row| show(w, row))).await
    }

    /// Carries out a command and answers 204.
    ///
    /// # Errors
    /// The refusal, or why the engine could not answer.
    pub async fn remove(self, command: impl Into<Command>) -> Result<Response, Problem> {
        self.carry_out(command.into(), |_, _| ()).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    async fn carry_out<T: Send + 'static>(
        self,
        command: Command,
        show: impl FnOnce(&World, &Reply) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let view = move |world: &World, applied: &sim_core::Applied| match &applied.outcome {
            Ok(reply) => Ok(show(world, reply)),
            Err(refusal) => Err(refusal.clone()),
        };
        let done = self.world.submit(self.caller, command, view).await?;
        Ok(done.view?)
    }

    /// Reads the world.
    ///
    /// # Errors
    /// The refusal, or why the engine could not answer.
    pub async fn read<T>(&self, look: impl FnOnce(&World, &Caller) -> Outcome<T>) -> Result<T, Problem> {
        Ok(self.world.read(|world| look(world, &self.caller)).await??)
    }

    /// Answers 200 with a page of a list.
    ///
    /// # Errors
    /// A page that cannot be, the refusal, or why the engine could not answer.
    pub async fn list<R: Resource, T: Serialize + Send + 'static>(
        &self,
        page: &PageQuery,
        rows: Rows<R>,
        show: impl Fn(&World, &R) -> T + Send + 'static,
    ) -> Result<Response, Problem> {
        let mut walk = Walk::new(rows, page.part()?, show);
        let found = self.world.read_in_slices(|world| walk.step(world, &self.caller)).await??;
        Ok(Json(Page::from(found)).into_response())
    }

    /// Reads one object and answers 200 with the tag of what it shows, or 304 if the caller has that already.
    ///
    /// # Errors
    /// The refusal, or why the engine could not answer.
    pub async fn show<T: Serialize>(
        &self,
        look: impl FnOnce(&World, &Caller) -> Outcome<T>,
    ) -> Result<Response, Problem> {
        let body = serde_json::to_vec(&self.read(look).await?).expect("what is shown always encodes");
        let tag = format!("\"{:032x}\"", xxhash_rust::xxh3::xxh3_128(&body));
        if self.known.as_ref().is_some_and(|known| has_tag(known, &tag)) {
            return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
        }
        let kind = (header::CONTENT_TYPE, "application/json".to_owned());
        Ok(([kind, (header::ETAG, tag)], body).into_response())
    }
}

/// Whether a list of tags, as `If-None-Match` has it, names this one (RFC 9110: weak comparison, `*` for any).
fn has_tag(known: &str, tag: &str) -> bool {
    known.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

/// A dry run that passed every check: 204, on every operation that writes.
pub(super) fn passed() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// Reads an id out of a path or body; one that does not parse is one that does not exist.
///
/// # Errors
/// The kind's "no such object".
pub fn id<I: Id>(text: &str) -> Result<I, Problem> {
    Ok(parse_id(text)?)
}

/// Reads an id to filter by, if one was given.
///
/// # Errors
/// The kind's "no such object".
pub fn sought_id<I: Id>(text: Option<&str>) -> Result<Sought<I>, Problem> {
    Ok(text.map(parse_id).transpose()?.map(Some))
}

/// Like [`id`], as a refusal of the core.
///
/// # Errors
/// The kind's "no such object".
pub fn parse_id<I: Id>(text: &str) -> Outcome<I> {
    text.parse().map_err(|e: sim_core::id::IdError| {
        sim_core::Refusal::new(I::NOT_FOUND)
            .field(sim_core::resource::field_of(I::KIND))
            .detail(format!("{e}."))
    })
}

/// A JSON body whose every field is known.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, app: &AppState) -> Result<Body<T>, Problem> {
        let Json(text) = Json::<Box<RawValue>>::from_request(request, app).await?;
        match objects::read(&mut serde_json::Deserializer::from_str(text.get())) {
            Ok(body) => Ok(Body(body)),
            Err(error) => with_whole_numbers(text.get(), error).map(Body).map_err(|error| misshapen(&error)),
        }
    }
}

/// Reads a body in which a whole number is written as 20.0, which is an integer to JSON Schema though not to serde. What is
/// wrong with a body beyond that is said in place of `error`.
fn with_whole_numbers<T: DeserializeOwned>(text: &str, error: BodyError) -> Result<T, BodyError> {
    let Ok(mut body) = serde_json::from_str::<Value>(text) else { return Err(error) };
    if !make_whole(&mut body) {
        return Err(error);
    }
    objects::read(body)
}

/// Makes integers of whole numbers; says whether there were any that were none.
fn make_whole(value: &mut Value) -> bool {
    let of_all = |found: bool, inner: &mut Value| make_whole(inner) || found;
    match value {
        Value::Number(number) => {
            // Below 2^53, where every whole number is a float.
            let whole = number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9_007_199_254_740_992.0);
            let Some(whole) = whole.filter(|_| number.is_f64()) else { return false };
            *number = (whole as i64).into();
            true
        }
        Value::Array(items) => items.iter_mut().fold(false, of_all),
        Value::Object(members) => members.values_mut().fold(false, of_all),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Why a body does not fit, and where.
type BodyError = serde_path_to_error::Error<serde_json::Error>;

/// A body of the right syntax and the wrong shape does not read either.
fn misshapen(error: &BodyError) -> Problem {
    use serde_path_to_error::Segment;
    let said = error.inner().to_string();
    // A member that is missing is no part of the path to where it is missed.
    let missing =
        said.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')).map(|(name, _)| name);
    let pointer: String = error
        .path()
        .iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .chain(missing.map(|name| format!("/{name}")))
        .collect();
    let detail = format!("The body does not fit: {}.", shorten(&said));
    Problem::malformed(
        detail,
        Some(pointer).filter(|to| !to.is_empty()).map(|to| FieldProblem::pointer(to, "")),
    )
}

/// Query parameters. `dry_run`, which every write takes, is the [`Context`]'s affair.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Query<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Query<T>, Problem> {
        if parts.method == Method::GET {
            return Ok(Query(axum::extract::Query::<T>::try_from_uri(&parts.uri)?.0));
        }
        let sent = parts.uri.query().unwrap_or_default();
        let name = |pair: &str| pair.split('=').next().is_some_and(|name| is_dry_run(name.as_bytes()));
        let own: Vec<&str> = sent.split('&').filter(|pair| !name(pair)).collect();
        let uri = format!("/?{}", own.join("&")).parse().unwrap_or_else(|_| parts.uri.clone());
        Ok(Query(axum::extract::Query::<T>::try_from_uri(&uri)?.0))
    }
}

/// A path parameter.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Path<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Path<T>, Problem> {
        let axum::extract::Path(path) = axum::extract::Path::<T>::from_request_parts(parts, app).await?;
        Ok(Path(path))
    }
}
