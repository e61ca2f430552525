//! The journal of a world on the native wire: its accepted commands, as an audit trail.

use super::context::{Context, Query};
use super::operations::{Operations, routes};
use crate::engine::{EngineError, LoadError, decode_entry};
use crate::page::{DEFAULT_PAGE, MAX_PAGE};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::store::Log;
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sim_core::{Entry, ErrorCode, Refusal, SimTime};
use utoipa::{IntoParams, ToSchema};

/// What the operation can refuse.
pub const REFUSALS: Refusals = &[];

/// The operation on journals.
pub fn router() -> Operations {
    Operations::new().routes(routes!(list_journal))
}

/// One page of a journal.
#[derive(Serialize, ToSchema)]
pub struct JournalPage {
    /// The generation of the journal: a reset or restore begins a new one.
    generation: u64,
    /// When the generation began: wall clock.
    #[schema(example = "2026-11-24T03:51:07.250Z")]
    began_at: String,
    /// The entries in order.
    items: Vec<JournalEntry>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// One row of a journal.
#[derive(Serialize, ToSchema)]
pub struct JournalEntry {
    /// Its number, without gaps.
    seq: u64,
    /// What it is: the snapshot that the generation begins with, an accepted command, or time that passed.
    kind: EntryKind,
    /// Virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    /// The command's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "CreateVpc")]
    action: Option<String>,
    /// Who asked: account, region and, if there was one, the idempotency token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"account": 1000000000000001_u64, "region": "cn-hangzhou"}))]
    caller: Option<Value>,
    /// What was asked. Secrets were replaced before they came here, and user data is not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    command: Option<Value>,
    /// What was answered: the ids of what was made; absent if nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    reply: Option<Value>,
    /// How many rows changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_changed: Option<u64>,
    /// The digest of all rows after it.
    #[schema(example = "8f14e45fceea167a5a36dedd4bea2543")]
    digest: String,
}

/// What a row of a journal is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// The rows that the generation begins with.
    Snapshot,
    /// An accepted command.
    Command,
    /// Time that passed by itself.
    Time,
}

fn show(entry: &Entry) -> JournalEntry {
    let json =
        |value: Result<Value, serde_json::Error>| value.expect("what was stored as JSON encodes as JSON");
    JournalEntry {
        seq: entry.seq,
        kind: if entry.command.is_some() { EntryKind::Command } else { EntryKind::Time },
        at: Some(entry.at.to_string()),
        action: entry.command.as_ref().map(|c| c.name().to_owned()),
        caller: entry.caller.as_ref().map(|c| json(serde_json::to_value(c))),
        // The command is shown without its name, which is the action.
        command: entry.command.as_ref().map(|c| json(serde_json::to_value(c))).map(|c| match c {
            Value::Object(tagged) => {
                tagged.into_iter().next().map_or(Value::Null, |(_, input)| without_user_data(input))
            }
            other => other,
        }),
        reply: entry
            .reply
            .as_ref()
            .filter(|r| !matches!(r, sim_core::Reply::Done))
            .map(|r| json(serde_json::to_value(r))),
        rows_changed: Some(entry.changes.len() as u64),
        digest: format!("{:032x}", entry.digest),
    }
}

/// What was asked without user data, at any depth.
fn without_user_data(mut asked: Value) -> Value {
    fn hide(value: &mut Value) {
        match value {
            Value::Object(members) => members.iter_mut().for_each(|(name, value)| match value {
                Value::String(text) if name == "user_data" => "***".clone_into(text),
                value => hide(value),
            }),
            Value::Array(items) => items.iter_mut().for_each(hide),
            _ => {}
        }
    }
    hide(&mut asked);
    asked
}

/// The largest number that every JSON reader keeps whole; no journal gets that far.
const LAST_SEQ: u64 = (1 << 53) - 1;

/// Which part of the journal.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct JournalFilter {
    /// The first entry: its number.
    #[param(minimum = 0, maximum = 9007199254740991_i64)]
    from_seq: Option<u64>,
    /// How many entries at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

impl JournalFilter {
    fn start(&self) -> Result<Option<u64>, Problem> {
        if self.from_seq.is_some_and(|seq| seq > LAST_SEQ) {
            let problem = format!("from_seq is {}.", self.from_seq.unwrap_or_default());
            return Err(Problem::parameter("from_seq", problem, format!("0 to {LAST_SEQ}")));
        }
        let Some(token) = &self.page_token else { return Ok(self.from_seq) };
        let seq = token.parse().map_err(|_| {
            Refusal::new(ErrorCode::InvalidParameter)
                .field("page_token")
                .detail("page_token was not issued by this list.")
                .accepted("next_page_token of the page before")
        })?;
        Ok(Some(seq))
    }

    fn size(&self) -> Result<u32, Problem> {
        let size = self.page_size.unwrap_or(DEFAULT_PAGE);
        if (1..=MAX_PAGE).contains(&size) {
            return Ok(size);
        }
        Err(Problem::parameter("page_size", format!("page_size is {size}."), "1 to 1000"))
    }
}

/// List the accepted commands of a world, oldest first.
///
/// The journal begins with the snapshot that its generation started from. Refusals and reads are not in it; `GET
/// /v1/requests` has the last of them.
#[utoipa::path(get, path = "/v1/journal", tag = "Journal", params(JournalFilter),
    responses((status = 200, description = "A page of the journal.", body = JournalPage)))]
async fn list_journal(ctx: Context, Query(filter): Query<JournalFilter>) -> Result<Response, Problem> {
    let (size, start) = (filter.size()?, filter.start()?);
    let (key, meta) = (ctx.world.key(), ctx.world.meta());
    let log = ctx.world.log();
    let mut items = Vec::new();
    if start.is_none() {
        let first = log.newest_snapshot(key).await.map_err(EngineError::from)?;
        items.push(JournalEntry {
            seq: first.end_seq,
            kind: EntryKind::Snapshot,
            at: None,
            action: None,
            caller: None,
            command: None,
            reply: None,
            rows_changed: Some(first.rows),
            digest: format!("{:032x}", u128::from_be_bytes(first.digest)),
        });
    }
    // One more than is shown says whether there is another page.
    let stored = log.entries(key, start.unwrap_or(0), size + 1).await.map_err(EngineError::from)?;
    for entry in stored.iter().take(size as usize) {
        let entry = decode_entry(entry).map_err(|reason| EngineError::from(LoadError::Malformed(reason)))?;
        items.push(show(&entry));
    }
    let next_page_token = stored.get(size as usize).map(|next| next.seq.to_string());
    let began_at = SimTime(meta.created_at_ms).to_string();
    Ok(Json(JournalPage { generation: meta.generation, began_at, items, next_page_token }).into_response())
}
