//! Recordings of the provider wire: what clients sent and what they were answered, one JSON object a line.
//!
//! The first line says what the world was like; each further one is a request with its answer. Neither keys nor
//! signatures are in it, and secret parameters are named without their values. Requests that were refused before it was
//! known who asks, and those of other worlds than `default`, are not in it. `docs/recordings.md` describes the file.

mod replay;

pub use replay::{Call, Difference, Place, Replay, ReplayError};

use crate::gate::is_provider_host;
use crate::rpc::request::RawRequest;
use crate::rpc::{ProviderError, RpcRequest};
use crate::settings::{ExtraZone, ProvisioningSetting, QuotasSetting, ServeSettings, UnknownParams};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sim_core::World;
use sim_core::settings::Disputed;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// The version of the file's form.
const FORM: u32 = 1;

/// The first line: the world in which the requests were answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    /// [`FORM`].
    recording: u32,
    /// The version of the program.
    cloudnet: String,
    /// Which client was recorded, where its `User-Agent` does not tell, as with a build from source; whoever records it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// The seed of the world.
    world_seed: u64,
    /// Virtual time at the beginning, in milliseconds.
    start: i64,
    provisioning: ProvisioningSetting,
    quotas: QuotasSetting,
    unknown_params: UnknownParams,
    disputed: Disputed,
    zones: Vec<String>,
    /// The snapshot that the seed file left; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// What the world was when it answered.
    #[serde(flatten)]
    moment: Moment,
    /// Whether it changed the world.
    wrote: bool,
    /// How the client calls itself.
    client: String,
    account: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// The host that was addressed, where that is one of the provider's or the answer names it: a client that asks for the
    /// endpoint of a product is told what it asked itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    version: String,
    action: String,
    params: BTreeMap<String, String>,
    /// The parameters that are not shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hidden: Vec<String>,
    /// Whether it is the answer of an injected fault.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    faulty: bool,
    status: u16,
    /// The answer without its `RequestId`; of a refusal `Code` and `Message`. Null in a file if `same` is there.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    answer: Value,
    /// The line of the file that has this answer already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    same: Option<usize>,
}

/// An answer of as many bytes of JSON is written once, and further lines name the line that has it.
const LONG: usize = 1000;

/// The text of a recording as it grows: how many lines it has, and which of them has each long answer.
#[derive(Default)]
struct Text {
    lines: usize,
    answers: HashMap<u128, usize>,
}

impl Text {
    /// The next line, with its end.
    fn head(&mut self, head: &Head) -> serde_json::Result<String> {
        self.lines += 1;
        Ok(serde_json::to_string(head)? + "\n")
    }

    /// The next line, with its end.
    fn line(&mut self, line: &Line) -> serde_json::Result<String> {
        self.lines += 1;
        let answer = serde_json::to_vec(&line.answer)?;
        if answer.len() < LONG {
            return Ok(serde_json::to_string(line)? + "\n");
        }
        let first = *self.answers.entry(xxhash_rust::xxh3::xxh3_128(&answer)).or_insert(self.lines);
        if first == self.lines {
            return Ok(serde_json::to_string(line)? + "\n");
        }
        let short = Line { answer: Value::Null, same: Some(first), ..line.clone() };
        Ok(serde_json::to_string(&short)? + "\n")
    }
}

impl Line {
    /// Whether it is the same request with the same answer, at another time.
    fn repeats(&self, before: &Line) -> bool {
        !self.wrote && Line { moment: self.moment, ..before.clone() } == *self
    }
}

/// A state of a world: what its journal had and what time it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    /// The number of its last journal entry.
    pub seq: u64,
    /// Its virtual time, in milliseconds.
    pub at: i64,
}

impl Moment {
    /// The state of this world.
    pub fn of(w: &World) -> Moment {
        Moment { seq: w.seq(), at: w.now().0 }
    }
}

/// What stands in an answer for user data, which is not written.
const HIDDEN: &str = "***";

/// The answer without the user data that it tells, and without the protocols of endpoints, which are the server's and
/// not the world's.
fn to_be_written(mut answer: Value) -> Value {
    if let Some(told) = answer.get_mut("UserData").filter(|told| told.as_str() != Some("")) {
        *told = HIDDEN.into();
    }
    let endpoints = answer.pointer_mut("/Endpoints/Endpoint").and_then(Value::as_array_mut);
    for endpoint in endpoints.into_iter().flatten().filter_map(Value::as_object_mut) {
        endpoint.remove("Protocols");
    }
    answer
}

/// Parameters that say who asks; they are left out.
const KEYS: [&str; 11] = [
    "AccessKeyId",
    "Action",
    "BearerToken",
    "Format",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Version",
];

/// Whether an answer is what it is because of the host that was addressed.
fn is_told(host: &str, answer: &Value) -> bool {
    match answer {
        _ if is_provider_host(host.split(':').next().unwrap_or_default()) => true,
        Value::String(text) => text == host,
        Value::Array(items) => items.iter().any(|item| is_told(host, item)),
        Value::Object(members) => members.values().any(|item| is_told(host, item)),
        _ => false,
    }
}

/// Writes a recording.
pub struct Recorder(Mutex<Open>);

struct Open {
    file: File,
    text: Text,
    /// The last state that a request saw, for those that are refused before they see any.
    last: Moment,
    /// The last line. A client that polls sends the same many times and is answered the same; that is written once.
    line: Option<Line>,
    failed: bool,
}

impl Recorder {
    /// Begins a recording of this world in a new file.
    ///
    /// # Errors
    /// If the file exists or cannot be written.
    pub fn begin(
        path: &Path,
        settings: &ServeSettings,
        seed: Option<&str>,
        w: &World,
    ) -> std::io::Result<Recorder> {
        let own = w.settings();
        let head = Head {
            recording: FORM,
            cloudnet: env!("CARGO_PKG_VERSION").to_owned(),
            client: None,
            world_seed: own.seed,
            start: w.now().max(own.clock.at(crate::engine::wall_now())).0,
            provisioning: own.provisioning.into(),
            quotas: if own.quotas_lifted { QuotasSetting::Lifted } else { QuotasSetting::Documented },
            unknown_params: settings.unknown_params,
            disputed: settings.disputed,
            zones: settings.zones.iter().map(|ExtraZone(region, zone)| format!("{region}={zone}")).collect(),
            seed: seed.map(str::to_owned),
        };
        let mut file = File::create_new(path)?;
        let mut text = Text::default();
        file.write_all(text.head(&head)?.as_bytes())?;
        Ok(Recorder(Mutex::new(Open { file, text, last: Moment::of(w), line: None, failed: false })))
    }

    /// Writes down a request of the recorded world and what came of it.
    pub fn note(
        &self,
        raw: &RawRequest<'_>,
        request: &RpcRequest,
        noted: &crate::rpc::dispatch::Noted,
        outcome: Result<&Value, &ProviderError>,
    ) {
        let mut open = self.0.lock();
        let moment = noted.moment.unwrap_or(open.last);
        open.last = open.last.max(moment);
        let mut hidden = Vec::new();
        let mut params = BTreeMap::new();
        for (name, value) in
            request.params.iter().filter(|(name, _)| !KEYS.contains(name) && *name != "Timestamp")
        {
            // A token of idempotency is no secret, and decides what is answered.
            if name != "ClientToken" && crate::requests::is_secret(name) || value.contains("PRIVATE KEY") {
                hidden.push(name.to_owned());
            } else {
                params.insert(name.to_owned(), value.to_owned());
            }
        }
        let (status, answer) = match outcome {
            Ok(value) => (200, to_be_written(value.clone())),
            Err(error) => {
                (error.status.as_u16(), serde_json::json!({ "Code": error.code, "Message": error.message }))
            }
        };
        let line = Line {
            moment,
            wrote: noted.wrote,
            client: raw.header("user-agent").unwrap_or_default().to_owned(),
            account: noted.account.clone(),
            region: request.region_id.clone(),
            host: raw.host().filter(|host| is_told(host, &answer)).map(str::to_owned),
            version: request.version.clone(),
            action: request.action.clone(),
            params,
            hidden,
            faulty: noted.faulty,
            status,
            answer,
            same: None,
        };
        if open.line.as_ref().is_some_and(|before| line.repeats(before)) {
            return;
        }
        let text = open.text.line(&line).map_err(std::io::Error::from);
        let failed = text.and_then(|text| open.file.write_all(text.as_bytes())).err();
        open.line = Some(line);
        if let Some(error) = failed.filter(|_| !open.failed) {
            tracing::error!(%error, "the recording cannot be written any more; what follows is not in it");
            open.failed = true;
        }
    }
}
