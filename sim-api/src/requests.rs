//! The request log: the last requests of a process, bounded, with live follow.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::broadcast;
use utoipa::ToSchema;

/// How many requests are kept.
pub const CAPACITY: usize = 10_000;

/// One answered request.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RequestRecord {
    /// Its place among the requests of this process, from 1.
    pub number: u64,
    /// The id that the answer carries.
    #[schema(example = "5A0D6A5C-4B1F-4E0F-9D8B-0C9C7F0E5B1A")]
    pub request_id: String,
    /// When it came: wall clock, RFC 3339.
    pub at: String,
    /// `provider` or `native`.
    #[schema(example = "provider")]
    pub wire: String,
    /// The action, or method and path.
    #[schema(example = "CreateVpc")]
    pub action: String,
    /// Its parameters without secrets.
    pub params: BTreeMap<String, String>,
    /// The world.
    pub world: String,
    /// The account.
    pub account: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The code of a refusal; empty for a success.
    pub code: String,
    /// The rule that refused it, in the native wire's words; empty for a success.
    pub rule: String,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// Parameters that no document knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_params: Vec<String>,
    /// The injected faults that struck it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<u64>,
}

/// The last requests.
pub struct RequestLog {
    ring: Mutex<Ring>,
    live: broadcast::Sender<Arc<RequestRecord>>,
}

struct Ring {
    records: VecDeque<Arc<RequestRecord>>,
    capacity: usize,
    next: u64,
}

impl RequestLog {
    /// An empty log that keeps `capacity` requests.
    pub fn new(capacity: usize) -> RequestLog {
        let (live, _) = broadcast::channel(1_024);
        RequestLog { ring: Mutex::new(Ring { records: VecDeque::new(), capacity, next: 1 }), live }
    }

    /// Takes a request in and forgets the oldest one beyond the capacity.
    pub fn push(&self, mut record: RequestRecord) {
        let mut ring = self.ring.lock();
        record.number = ring.next;
        ring.next += 1;
        let record = Arc::new(record);
        if ring.records.len() == ring.capacity {
            ring.records.pop_front();
        }
        ring.records.push_back(record.clone());
        // Nobody may be following.
        let _ = self.live.send(record);
    }

    /// The newest `limit` requests that fit, newest first.
    pub fn newest(&self, limit: usize, fits: impl Fn(&RequestRecord) -> bool) -> Vec<Arc<RequestRecord>> {
        self.ring.lock().records.iter().rev().filter(|r| fits(r)).take(limit).cloned().collect()
    }

    /// Follows requests from now on. A follower that falls far behind misses some and is told how many.
    pub fn follow(&self) -> broadcast::Receiver<Arc<RequestRecord>> {
        self.live.subscribe()
    }
}

/// Names of parameters whose values are never shown. The token of a page is no secret, nor is whether the metadata service wants
/// tokens.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "password",
        "secret",
        "privatekey",
        "userdata",
        "signature",
        "securitytoken",
        "token",
        "private_key",
        "user_data",
    ]
    .iter()
    .any(|word| name.contains(word))
        && !["nexttoken", "httptokens"].contains(&name.as_str())
}

/// A value as the log shows it: short, and without a private key that came in a place where none belongs.
pub fn shorten(value: &str) -> String {
    if value.contains("PRIVATE KEY") {
        return "***".to_owned();
    }
    match value.char_indices().nth(200) {
        None => value.to_owned(),
        Some((at, _)) => format!("{}…", &value[..at]),
    }
}

/// Notes which rule refused which operation in the file that `CLOUDNET_REFUSALS` names, one line each, so that a run of
/// all tests tells which pairs of operation and rule none of them has seen (`tools/untested_pairs.py`).
#[cfg(debug_assertions)]
pub fn note_refusal(wire: &str, operation: &str, rule: &str) {
    use std::io::Write;
    static FILE: std::sync::OnceLock<Option<std::fs::File>> = std::sync::OnceLock::new();
    if rule.is_empty() {
        return;
    }
    let open = || {
        let path = std::env::var_os("CLOUDNET_REFUSALS")?;
        std::fs::File::options().create(true).append(true).open(path).ok()
    };
    if let Some(mut file) = FILE.get_or_init(open).as_ref() {
        // One write, so that lines of several processes do not mix; a lost note only makes a pair look untested.
        let _ = file.write_all(format!("{wire}\t{operation}\t{rule}\n").as_bytes());
    }
}
