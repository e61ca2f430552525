//! Playing a recording: the same requests, in the order in which the world answered them, in a world of the same seed whose
//! clock is set to the time of each.

use super::{FORM, Head, Line, Text, to_be_written};
use crate::certificate;
use crate::engine::DEFAULT_WORLD;
use crate::exchange;
use crate::rpc::encoding::percent_encode;
use crate::seed::{Seed, SeedError};
use crate::server::{Server, StartError, draw_seed};
use crate::settings::{ClockSetting, Database, ServeSettings};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use sim_core::SimTime;
use sim_core::settings::ClockMode;
use std::path::{Path, PathBuf};
use tower::ServiceExt;

/// The header with the host that a request is addressed to.
const HOST: &str = "Host";

/// Why a recording is not played.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be read or written.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A line is no part of a recording.
    #[error("{path}:{line}: {message}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// The recording began with a seed, and another or none was given.
    #[error("{path}: it was recorded in a world with the seed {wanted}; {given}")]
    OtherSeed {
        /// The file.
        path: PathBuf,
        /// The name of the seed's snapshot; `none` if there was none.
        wanted: String,
        /// What was given.
        given: String,
    },
    /// The seed is refused.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The world does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The server cannot be asked.
    #[error(transparent)]
    Server(#[from] std::io::Error),
    /// The server does not make the world or does not set its clock.
    #[error("{request} was answered {status}: {answer}")]
    World {
        /// What it was asked.
        request: String,
        /// The status.
        status: u16,
        /// The answer.
        answer: Value,
    },
}

/// Where a recording is played.
#[derive(Clone, Debug)]
pub enum Place {
    /// In a new server in this process, with the seed that the recorded world began with.
    Here {
        /// The seed's file.
        seed: Option<PathBuf>,
    },
    /// In a throw-away world of the server at this address.
    There(String),
}

/// An answer that is not the recorded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line of the recording, from 1.
    pub line: usize,
    /// The action.
    pub action: String,
    /// The first member that differs, as JSON Pointer; empty for the status.
    pub pointer: String,
    /// What was recorded.
    pub recorded: String,
    /// What is answered now.
    pub now: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = if self.pointer.is_empty() { "status" } else { &self.pointer };
        write!(f, "{}: {} {place}: recorded {}, now {}", self.line, self.action, self.recorded, self.now)
    }
}

/// A recording that was played.
#[derive(Debug)]
pub struct Replay {
    /// How many requests were sent.
    pub sent: usize,
    /// How many were not: an injected fault answered them, or nothing stands in for a secret of theirs.
    pub skipped: usize,
    /// What differs, by line; at most one for each request.
    pub differences: Vec<Difference>,
    head: Head,
    /// The recorded requests with the answers that they have now, by line.
    lines: Vec<(usize, Line)>,
}

impl Replay {
    /// Plays the recording. `keys` are private keys as PEM texts: a certificate that was uploaded with its key is uploaded
    /// again with the one of them that belongs to it.
    ///
    /// # Errors
    /// See [`ReplayError`]. Answers that differ are no error.
    pub async fn of(path: &Path, place: &Place, keys: &[String]) -> Result<Replay, ReplayError> {
        let (head, mut lines) = read(path)?;
        let wire = match place {
            Place::Here { seed } => Wire::here(path, &head, seed.as_deref()).await?,
            Place::There(server) => Wire::there(path, &head, server).await?,
        };
        // A write is what made its entry; whoever saw that entry came after it.
        lines.sort_by_key(|(number, line)| (line.moment.seq, !line.wrote, line.moment.at, *number));
        let (mut sent, mut differences) = (0, Vec::new());
        let mut now = head.start;
        for (number, line) in &mut lines {
            let Some(form) = form(&wire.world, line, keys) else { continue };
            if line.moment.at > now {
                now = line.moment.at;
                wire.order("/v1/clock/advance", &json!({ "to": SimTime(now).to_string() })).await?;
            }
            sent += 1;
            let (status, answer) = wire.send("/", &headers(line), form).await?;
            differences.extend(compare(*number, line, status, answer, head.start));
        }
        wire.close().await?;
        differences.sort_by_key(|difference| difference.line);
        lines.sort_by_key(|(number, _)| *number);
        Ok(Replay { sent, skipped: lines.len() - sent, differences, head, lines })
    }

    /// Writes the recording anew with the answers that its requests have now. What was sent stays what a client sent;
    /// so this is for answers that say more than before, not for requests that are judged otherwise: a client would have
    /// gone on in another way.
    ///
    /// # Errors
    /// If the file cannot be written, or a status differs.
    pub fn renew(&self, path: &Path) -> Result<(), ReplayError> {
        let failed = |reason: String| ReplayError::File { path: path.to_owned(), reason };
        if let Some(other) = self.differences.iter().find(|difference| difference.pointer.is_empty()) {
            return Err(failed(format!("it has to be recorded again: line {other}")));
        }
        let mut text = Text::default();
        let head = text.head(&self.head);
        let lines = self.lines.iter().map(|(_, line)| text.line(line));
        let whole = std::iter::once(head).chain(lines).collect::<Result<String, _>>();
        let text = whole.map_err(|e| failed(e.to_string()))?;
        std::fs::write(path, text).map_err(|e| failed(e.to_string()))
    }

    /// The requests of a recording, in the order of the file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn calls(path: &Path) -> Result<Vec<Call>, ReplayError> {
        let (_, lines) = read(path)?;
        let call = |line: Line| Call {
            version: line.version,
            action: line.action,
            client: line.client,
            answered: line.status == 200,
        };
        Ok(lines.into_iter().map(|(_, line)| call(line)).collect())
    }
}

/// A request of a recording.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// The version of the product's interface.
    pub version: String,
    /// The action.
    pub action: String,
    /// How the client calls itself.
    pub client: String,
    /// Whether it was answered with 200.
    pub answered: bool,
}

/// A world that requests are sent to.
struct Wire {
    world: String,
    /// Absent for a server elsewhere.
    here: Option<(Router, Server)>,
    server: String,
}

impl Wire {
    /// The world `default` of a new server.
    async fn here(path: &Path, head: &Head, seed: Option<&Path>) -> Result<Wire, ReplayError> {
        let seed = seed.map(Seed::read).transpose()?;
        check_seed(path, head.seed.as_deref(), seed.as_ref().map(Seed::snapshot))?;
        let bad = |message: String| ReplayError::Line { path: path.to_owned(), line: 1, message };
        let settings = ServeSettings {
            listen: ([127, 0, 0, 1], 0).into(),
            db: Database::Memory,
            clock: ClockSetting(ClockMode::Manual),
            provisioning: head.provisioning,
            quotas: head.quotas,
            unknown_params: head.unknown_params,
            disputed: head.disputed,
            zones: head.zones.iter().map(|zone| zone.parse()).collect::<Result<_, String>>().map_err(bad)?,
            ..ServeSettings::default()
        };
        let server = Server::start(settings).await?;
        let router = crate::router::service(server.app().clone());
        let app = server.app().clone();
        let address = server.address().to_string();
        let world = DEFAULT_WORLD.to_owned();
        let wire = Wire { world, here: Some((router, server)), server: address };
        wire.order(&format!("/v1/worlds/{DEFAULT_WORLD}/reset"), &head.options()).await?;
        if let Some(seed) = seed {
            seed.apply(&app).await?;
        }
        Ok(wire)
    }

    /// A throw-away world of a running server.
    async fn there(path: &Path, head: &Head, server: &str) -> Result<Wire, ReplayError> {
        if let Some(wanted) = &head.seed {
            return Err(ReplayError::OtherSeed {
                path: path.to_owned(),
                wanted: wanted.clone(),
                given: "a world of a running server gets none; leave --to out and give it with --seed"
                    .to_owned(),
            });
        }
        let world = format!("replay-{:012x}", draw_seed());
        let wire = Wire { world, here: None, server: server.to_owned() };
        let mut body = head.options();
        body["name"] = wire.world.as_str().into();
        body["throw_away"] = true.into();
        wire.order("/v1/worlds", &body).await?;
        Ok(wire)
    }

    /// Asks the native wire for something that has to be.
    async fn order(&self, path: &str, body: &Value) -> Result<(), ReplayError> {
        let headers = [("Cloudnet-World", self.world.as_str()), ("Content-Type", "application/json")];
        // The world that a request makes is not there yet.
        let headers = if path.starts_with("/v1/worlds") { &headers[1..] } else { &headers[..] };
        match self.send(path, headers, body.to_string()).await? {
            (200..=299, _) => Ok(()),
            (status, answer) => Err(ReplayError::World { request: format!("POST {path}"), status, answer }),
        }
    }

    /// Posts a request; the status and the answer.
    async fn send(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<(u16, Value), ReplayError> {
        let Some((router, _)) = &self.here else {
            let (status, text) = exchange::send(&self.server, "POST", path, headers, &body).await?;
            return Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))));
        };
        let mut request = Request::post(path);
        if !headers.iter().any(|(name, _)| *name == HOST) {
            request = request.header(HOST, &self.server);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).map_err(std::io::Error::other)?;
        let response = match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status().as_u16();
        let bytes =
            axum::body::to_bytes(response.into_body(), usize::MAX).await.map_err(std::io::Error::other)?;
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        Ok((status, serde_json::from_slice(&bytes).unwrap_or_else(|_| text())))
    }

    /// Takes the world away.
    async fn close(self) -> Result<(), ReplayError> {
        match self.here {
            Some((router, server)) => {
                drop(router);
                server.stop().await.map_err(|e| ReplayError::Start(e.into()))
            }
            None => {
                let path = format!("/v1/worlds/{}", self.world);
                exchange::send(&self.server, "DELETE", &path, &[], "").await?;
                Ok(())
            }
        }
    }
}

impl Head {
    /// The body of a request for a world like the recorded one.
    fn options(&self) -> Value {
        json!({
            "seed": self.world_seed,
            "clock": "manual",
            "provisioning": self.provisioning,
            "quotas": self.quotas,
            "start_time": SimTime(self.start).to_string(),
        })
    }
}

fn check_seed(path: &Path, wanted: Option<&str>, given: Option<&str>) -> Result<(), ReplayError> {
    if wanted == given {
        return Ok(());
    }
    let given = match given {
        None => "give the same file with --seed".to_owned(),
        Some(name) => format!("the file that is given is {name}"),
    };
    let wanted = wanted.unwrap_or("none").to_owned();
    Err(ReplayError::OtherSeed { path: path.to_owned(), wanted, given })
}

/// The head of a recording, and its lines with their numbers.
fn read(path: &Path) -> Result<(Head, Vec<(usize, Line)>), ReplayError> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| ReplayError::File { path: path.to_owned(), reason: e.to_string() })?;
    let bad = |line: usize, message: String| ReplayError::Line { path: path.to_owned(), line, message };
    let mut lines = text.lines().enumerate();
    let (_, first) = lines.next().ok_or_else(|| bad(1, "the file is empty".to_owned()))?;
    let head: Head =
        serde_json::from_str(first).map_err(|e| bad(1, format!("this begins no recording: {e}")))?;
    if head.recording != FORM {
        return Err(bad(
            1,
            format!("a recording of form {}; this program plays form {FORM}", head.recording),
        ));
    }
    let mut read: Vec<(usize, Line)> = Vec::new();
    for (at, text) in lines {
        let number = at + 1;
        let mut line: Line = serde_json::from_str(text).map_err(|e| bad(number, e.to_string()))?;
        if let Some(same) = line.same.take() {
            // The first request is on line 2.
            let first = same.checked_sub(2).and_then(|index| read.get(index));
            let (_, first) =
                first.ok_or_else(|| bad(number, format!("no request is on line {same} above")))?;
            line.answer = first.answer.clone();
        }
        read.push((number, line));
    }
    Ok((head, read))
}

/// What is sent in place of a secret that is not in the recording.
fn stand_in<'k>(line: &Line, hidden: &str, keys: &'k [String]) -> Option<&'k str> {
    match hidden {
        "PrivateKey" => {
            let certificate = line.params.get("ServerCertificate").map(String::as_str);
            let fits = |key: &&String| certificate::server_facts(certificate, Some(key)).is_ok();
            keys.iter().find(fits).map(String::as_str)
        }
        "Password" => Some("Stand-in-0"),
        // An empty script, in base64.
        "UserData" => Some("IyEvYmluL3NoCg=="),
        _ => None,
    }
}

/// The form that a recorded request is sent as; absent if it is not sent.
fn form(world: &str, line: &Line, keys: &[String]) -> Option<String> {
    // A refusal may be of the very secret; it changed nothing, so it can be left out.
    if line.faulty || !line.hidden.is_empty() && line.status != 200 {
        return None;
    }
    let key = format!("w-{world}-a-{}", line.account);
    let own = [("Action", &line.action), ("Version", &line.version), ("AccessKeyId", &key)];
    let own = own.into_iter().map(|(name, value)| (name, value.as_str()));
    let sent = line.params.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let hidden =
        line.hidden.iter().map(|name| stand_in(line, name, keys).map(|value| (name.as_str(), value)));
    let hidden = hidden.collect::<Option<Vec<_>>>()?;
    let pairs = own.chain([("Format", "JSON")]).chain(sent).chain(hidden);
    let form: Vec<String> =
        pairs.map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value))).collect();
    Some(form.join("&"))
}

fn headers(line: &Line) -> Vec<(&str, &str)> {
    let region = line.region.as_deref().filter(|_| !line.params.contains_key("RegionId"));
    let kind = ("Content-Type", "application/x-www-form-urlencoded");
    let region = region.map(|region| ("x-acs-region-id", region));
    let host = line.host.as_deref().map(|host| (HOST, host));
    std::iter::once(kind).chain(region).chain(host).collect()
}

/// The first difference between an answer and the recorded one, whose place it takes.
fn compare(number: usize, line: &mut Line, status: u16, answer: Value, start: i64) -> Option<Difference> {
    let mut now = to_be_written(answer);
    if let Some(members) = now.as_object_mut() {
        members.remove("RequestId");
        if line.status != 200 {
            members.retain(|name, _| name == "Code" || name == "Message");
        }
    }
    let told = |status: u16, answer: &Value| match answer["Code"].as_str() {
        Some(code) => format!("{status} {code}"),
        None => status.to_string(),
    };
    let (old_status, old) = (std::mem::replace(&mut line.status, status), line.answer.take());
    let found = if status == old_status {
        first_difference(&old, &now, &SimTime(start).to_seconds_text())
    } else {
        Some((String::new(), told(old_status, &old), told(status, &now)))
    };
    // Times before the start are those of the seed, which takes another while each time.
    line.answer = if found.is_some() { now } else { old };
    let (pointer, recorded, now) = found?;
    Some(Difference { line: number, action: line.action.clone(), pointer, recorded, now })
}

/// Where two values differ first, and what they are there.
fn first_difference(recorded: &Value, now: &Value, start: &str) -> Option<(String, String, String)> {
    let under = |name: &str, (pointer, a, b): (String, String, String)| (format!("/{name}{pointer}"), a, b);
    match (recorded, now) {
        (Value::Object(a), Value::Object(b)) => {
            let names = a.keys().chain(b.keys().filter(|name| !a.contains_key(*name)));
            names.into_iter().find_map(|name| {
                let (a, b) = (a.get(name).unwrap_or(&Value::Null), b.get(name).unwrap_or(&Value::Null));
                first_difference(a, b, start).map(|found| under(name, found))
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(at, (a, b))| {
                first_difference(a, b, start).map(|found| under(&at.to_string(), found))
            })
        }
        (Value::String(a), Value::String(b)) if a == b || is_before(a, start) && is_before(b, start) => None,
        (a, b) if a == b => None,
        (a, b) => Some((String::new(), a.to_string(), b.to_string())),
    }
}

/// Whether a text is a time that is not after the start: what a seed made in the first moment of a world is made in no time
/// when it is made again.
fn is_before(text: &str, start: &str) -> bool {
    let form = |pattern: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(byte, like)| match like {
                b'0' => byte.is_ascii_digit(),
                like => byte == like,
            })
    };
    let shape = ["0000-00-00T00:00:00Z", "0000-00-00T00:00Z"].into_iter().find(|pattern| form(pattern));
    shape.is_some_and(|shape| text[..shape.len() - 1] <= start[..shape.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_named() {
        let start = "2026-01-01T00:00:10Z";
        let table = [
            (json!({"A": 1}), json!({"A": 1}), None),
            (json!({"A": {"B": [1, 2]}}), json!({"A": {"B": [1, 3]}}), Some("/A/B/1")),
            (json!({"A": [1]}), json!({"A": [1, 2]}), Some("/A")),
            (json!({"A": 1}), json!({}), Some("/A")),
            (json!({}), json!({"A": 1}), Some("/A")),
            (json!({"T": "2026-01-01T00:00:09Z"}), json!({"T": "2026-01-01T00:00:10Z"}), None),
            (json!({"T": "2026-01-01T00:00:10Z"}), json!({"T": "2026-01-01T00:00:11Z"}), Some("/T")),
            (json!({"T": "2025-12-31T23:59Z"}), json!({"T": "2026-01-01T00:00Z"}), None),
            (json!({"T": "2026-01-01T00:01Z"}), json!({"T": "2026-01-01T00:00Z"}), Some("/T")),
            (json!({"T": "a"}), json!({"T": "b"}), Some("/T")),
        ];
        for (recorded, now, wanted) in table {
            let found = first_difference(&recorded, &now, start).map(|(pointer, ..)| pointer);
            assert_eq!(found.as_deref(), wanted, "{recorded} {now}");
        }
    }
}
