//! Seeds: a file with what the world `default` holds when a server starts.
//!
//! Every entry is a request of the native wire, sent through the same handlers, so a seed can make whatever `/v1` can
//! make and is refused for the same reasons; `docs/seeds.md` describes the file. A seed is for an empty world and is
//! applied whole or not at all: what an entry refuses resets the world. A world that was seeded from the same text
//! keeps a snapshot of that moment, by which the next start knows that there is nothing to do.

mod file;
mod tree;

use crate::app::AppState;
use crate::engine::{DEFAULT_WORLD, wall_now};
use crate::openapi;
use crate::problem::Problem;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use file::Entry;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tower::ServiceExt;
use tree::Form;

/// Why a seed is not applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// The file cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A line of it is wrong, or what it asks for is refused.
    #[error("{path}:{line}: {message}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// The world has content of its own.
    #[error(
        "{path}: the world default has {entries} journal entries and was not seeded from this text; a seed is for an \
         empty world: leave --seed out, take another --db, or reset the world with POST /v1/worlds/default/reset"
    )]
    NotEmpty {
        /// The file.
        path: PathBuf,
        /// How many.
        entries: u64,
    },
    /// The service failed beside the content of the file.
    #[error("{path}: {reason}")]
    Service {
        /// The file.
        path: PathBuf,
        /// What failed.
        reason: String,
    },
}

/// A seed that was read and has no mistake that can be seen without a world.
#[derive(Clone, Debug)]
pub struct Seed {
    path: PathBuf,
    entries: Vec<Entry>,
    /// The name of the snapshot that a seeded world keeps: `seed-` and 16 digits of the text's hash.
    snapshot: String,
}

impl Seed {
    /// Reads a seed file: YAML if it is called `.yaml` or `.yml`, else TOML.
    ///
    /// # Errors
    /// [`SeedError::File`] and [`SeedError::Line`].
    pub fn read(path: &Path) -> Result<Seed, SeedError> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| SeedError::File { path: path.to_owned(), reason: e.to_string() })?;
        let form = match path.extension().and_then(|extension| extension.to_str()) {
            Some("yaml" | "yml") => Form::Yaml,
            _ => Form::Toml,
        };
        let entries = file::parse(&text, form).map_err(|fault| SeedError::Line {
            path: path.to_owned(),
            line: fault.line,
            message: fault.message,
        })?;
        let hash = xxhash_rust::xxh3::xxh3_64(text.as_bytes());
        Ok(Seed { path: path.to_owned(), entries, snapshot: format!("seed-{hash:016x}") })
    }

    /// The name of the snapshot that a seeded world keeps.
    pub fn snapshot(&self) -> &str {
        &self.snapshot
    }

    /// Makes the content of the world `default`, unless it was made from the same text before.
    ///
    /// # Errors
    /// What an entry was refused for; the world is empty again then.
    pub async fn apply(&self, app: &AppState) -> Result<(), SeedError> {
        let failed = |reason: String| SeedError::Service { path: self.path.clone(), reason };
        let world = app.engine.world(DEFAULT_WORLD).ok_or_else(|| failed("there is no world".into()))?;
        let (entries, seed) =
            world.read(|w| (w.seq(), w.settings().seed)).await.map_err(|e| failed(e.to_string()))?;
        let mut work =
            Work { router: openapi::native_router().with_state(app.clone()), made: Made::default() };
        let kept = format!("/v1/worlds/{DEFAULT_WORLD}/snapshots");
        if entries > 0 {
            let (_, snapshots) = work.send(&Method::GET, &kept, &[], None).await;
            if snapshots["items"].as_array().into_iter().flatten().any(|one| one["name"] == self.snapshot) {
                tracing::info!(seed = %self.path.display(), "the world default was seeded from this text before");
                return Ok(());
            }
            return Err(SeedError::NotEmpty { path: self.path.clone(), entries });
        }
        if let Err(error) = self.make(&mut work).await {
            let genesis = app.settings.genesis(seed, wall_now());
            app.engine.reset(DEFAULT_WORLD, genesis, wall_now()).await.map_err(|e| failed(e.to_string()))?;
            return Err(error);
        }
        let (status, answer) =
            work.send(&Method::POST, &kept, &[], Some(&json!({ "name": self.snapshot }))).await;
        // A world that was reset keeps its snapshots, this one too.
        if status != StatusCode::CREATED && status != StatusCode::CONFLICT {
            return Err(failed(format!("the snapshot {} could not be kept: {answer}", self.snapshot)));
        }
        tracing::info!(seed = %self.path.display(), entries = self.entries.len(), "the world default is seeded");
        Ok(())
    }

    /// Sends every entry. Changes take no time meanwhile, so that each entry finds the one before it ready.
    async fn make(&self, work: &mut Work) -> Result<(), SeedError> {
        let (_, settings) = work.send(&Method::GET, "/v1/settings", &[], None).await;
        let usual = &settings["provisioning"];
        let hurries = *usual != "instant";
        if hurries {
            self.provision(work, &json!("instant")).await?;
        }
        for (number, entry) in self.entries.iter().enumerate() {
            work.carry_out(number, entry).await.map_err(|fault| SeedError::Line {
                path: self.path.clone(),
                line: fault.line,
                message: format!("{}: {}", entry.title(), fault.message),
            })?;
        }
        if hurries {
            self.provision(work, usual).await?;
        }
        Ok(())
    }

    async fn provision(&self, work: &Work, how: &Value) -> Result<(), SeedError> {
        let body = json!({ "provisioning": how });
        match work.send(&Method::PATCH, "/v1/settings", &[], Some(&body)).await {
            (StatusCode::OK, _) => Ok(()),
            (_, answer) => Err(SeedError::Service { path: self.path.clone(), reason: answer.to_string() }),
        }
    }
}

/// A mistake and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    line: usize,
    message: String,
}

/// What the entries so far made.
#[derive(Default)]
struct Made {
    /// The answer to each entry, by its number.
    answers: Vec<Value>,
    /// The entries of each name, in the order of the file.
    names: BTreeMap<String, Vec<(usize, usize)>>,
}

impl Made {
    /// What `@NAME` or `@NAME/POINTER` stands for: the id of what the entry of that name made, or another member of
    /// the answer to it.
    fn resolve(&self, reference: &str) -> Result<String, String> {
        let (name, pointer) = match reference.split_once('/') {
            Some((name, rest)) if !self.names.contains_key(reference) => (name, format!("/{rest}")),
            _ => (reference, "/id".to_owned()),
        };
        let entry = match self.names.get(name).map(Vec::as_slice) {
            Some(&[(number, _)]) => number,
            None | Some([]) => {
                return Err(format!(
                    "@{name}: no entry above is called {name:?}; an entry is called by `as` or `name`"
                ));
            }
            Some(several) => {
                let lines: Vec<String> = several.iter().map(|(_, line)| line.to_string()).collect();
                return Err(format!(
                    "@{name}: the entries of the lines {} are all called {name:?}; give the one that is meant an `as` of \
                     its own",
                    lines.join(", ")
                ));
            }
        };
        match self.answers[entry].pointer(&pointer) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            _ => {
                let members: Vec<&str> = self.answers[entry]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name.as_str())
                    .collect();
                Err(format!(
                    "@{name}{pointer}: the answer to that entry has no text or number there; it has {}",
                    members.join(", ")
                ))
            }
        }
    }
}

/// Sends entries, in order.
struct Work {
    router: Router,
    made: Made,
}

impl Work {
    async fn carry_out(&mut self, number: usize, entry: &Entry) -> Result<(), Fault> {
        let path = entry.path_with(|reference| match reference {
            None => {
                let parent = entry.parent.expect("a nested entry has a parent");
                let id = self.made.answers[parent]["id"].as_str();
                id.map(str::to_owned).ok_or_else(|| "what it belongs to has no id".to_owned())
            }
            Some(reference) => self.made.resolve(reference),
        })?;
        let mut body = entry.body.clone();
        if let Some(body) = &mut body {
            replace(body, &mut String::new(), &|reference| self.made.resolve(reference))
                .map_err(|(pointer, message)| Fault { line: entry.line_of(&pointer), message })?;
        }
        let headers = [("Cloudnet-Account", &entry.account), ("Cloudnet-Region", &entry.region)];
        let headers: Vec<(&str, &str)> =
            headers.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect();
        let (status, answer) = self.send(&entry.method, &path, &headers, body.as_ref()).await;
        if !status.is_success() {
            return Err(refused(entry, status, &answer));
        }
        self.made.answers.push(answer);
        if let Some(name) = &entry.name {
            self.made.names.entry(name.clone()).or_default().push((number, entry.line));
        }
        Ok(())
    }

    /// Sends one request of the native wire; the answer's status and body.
    async fn send(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let request = match request.body(body) {
            Ok(request) => request,
            Err(error) => return (StatusCode::BAD_REQUEST, json!({ "detail": error.to_string() })),
        };
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

/// Puts what a reference stands for in place of each text that is one: `@NAME`. `@@` is an `@`.
///
/// # Errors
/// The JSON Pointer of a reference that stands for nothing, and why.
fn replace(
    value: &mut Value,
    pointer: &mut String,
    resolve: &dyn Fn(&str) -> Result<String, String>,
) -> Result<(), (String, String)> {
    let length = pointer.len();
    match value {
        Value::String(text) => match text.strip_prefix('@') {
            Some(plain) if plain.starts_with('@') => *text = plain.to_owned(),
            Some(reference) => *text = resolve(reference).map_err(|message| (pointer.clone(), message))?,
            None => {}
        },
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                pointer.push_str(&format!("/{index}"));
                replace(item, pointer, resolve)?;
                pointer.truncate(length);
            }
        }
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                pointer.push_str(&format!("/{name}"));
                replace(member, pointer, resolve)?;
                pointer.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

/// What the native wire said no to, with the line of the field at fault.
fn refused(entry: &Entry, status: StatusCode, answer: &Value) -> Fault {
    let Ok(problem) = serde_json::from_value::<Problem>(answer.clone()) else {
        // The router's own 404 and 405 have no body.
        let message = format!("{} is no request of the native wire ({status})", entry.request());
        return Fault { line: entry.line, message };
    };
    let field = problem.errors.first();
    let line = field.map_or(entry.line, |field| entry.line_of(&field.pointer));
    let mut message = format!("{} {}", problem.title, problem.detail);
    if problem.title == problem.detail {
        message = problem.title;
    }
    if let Some(field) = field {
        let name = if field.parameter.is_empty() { &field.pointer } else { &field.parameter };
        message = format!("{}: {message}", name.trim_start_matches('/'));
        if !field.accepted.is_empty() {
            message.push_str(&format!(" {} would pass.", field.accepted));
        }
    }
    Fault { line, message: format!("{message} ({})", problem.code) }
}
