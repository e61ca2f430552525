//! The request log on the native wire: the last requests of the process, and those to come.

use super::context::Query;
use super::operations::{Operations, routes};
use crate::app::AppState;
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::requests::{CAPACITY, RequestRecord};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, StreamExt, unfold};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[];

/// The operations on the request log.
pub fn router() -> Operations {
    Operations::new().routes(routes!(list_requests)).routes(routes!(follow_requests))
}

/// Which requests.
#[derive(Clone, IntoParams)]
#[into_params(parameter_in = Query)]
struct RequestFilter {
    /// Only this world.
    world: Option<String>,
    /// Only this code of a refusal, of either wire.
    code: Option<String>,
    /// Only this action, as in `CreateVpc` or `POST /v1/vpcs`.
    action: Option<String>,
    /// Only `provider` or `native`.
    wire: Option<String>,
    /// Only refused requests, or only others.
    refused: Option<bool>,
}

impl RequestFilter {
    fn fits(&self, r: &RequestRecord) -> bool {
        self.world.as_ref().is_none_or(|world| *world == r.world)
            && self.code.as_ref().is_none_or(|code| *code == r.code || *code == r.rule)
            && self.action.as_ref().is_none_or(|action| *action == r.action)
            && self.wire.as_ref().is_none_or(|wire| *wire == r.wire)
            && self.refused.is_none_or(|refused| refused == (r.status >= 400))
    }
}

/// The last requests.
#[derive(Serialize, ToSchema)]
pub struct RequestList {
    /// Newest first.
    #[schema(value_type = Vec<RequestRecord>)]
    items: Vec<Arc<RequestRecord>>,
}

/// Which requests, and how many.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListFilter {
    /// Only this world.
    world: Option<String>,
    /// Only this code of a refusal, of either wire.
    code: Option<String>,
    /// Only this action, as in `CreateVpc` or `POST /v1/vpcs`.
    action: Option<String>,
    /// Only `provider` or `native`.
    wire: Option<String>,
    /// Only refused requests, or only others.
    refused: Option<bool>,
    /// How many at most: 1 to 10,000; 100 if absent.
    #[param(minimum = 1, maximum = 10000, example = 100)]
    limit: Option<u32>,
}

/// List the last requests of this process, newest first.
///
/// The log holds 10,000 of both wires, refusals and reads included, and forgets the oldest first. Secrets are left out.
#[utoipa::path(get, path = "/v1/requests", tag = "Requests", params(ListFilter),
    responses((status = 200, description = "The last requests.", body = RequestList)))]
async fn list_requests(
    State(app): State<AppState>,
    Query(query): Query<ListFilter>,
) -> Result<Response, Problem> {
    let limit = query.limit.unwrap_or(100) as usize;
    if !(1..=CAPACITY).contains(&limit) {
        return Err(Problem::parameter("limit", format!("limit is {limit}."), format!("1 to {CAPACITY}")));
    }
    let ListFilter { world, code, action, wire, refused, .. } = query;
    let filter = RequestFilter { world, code, action, wire, refused };
    let items = app.requests.newest(limit, |record| filter.fits(record));
    Ok(Json(RequestList { items }).into_response())
}

/// Follow the requests of this process as they are answered: one JSON object a line.
///
/// A follower that reads too slowly misses some and gets a line `{"missed": N}` instead. The stream ends when the
/// server stops.
#[utoipa::path(get, path = "/v1/requests/follow", tag = "Requests", params(RequestFilter, FollowUntil),
    responses((status = 200, description = "Requests, one a line.", body = RequestRecord, content_type = "application/x-ndjson")))]
async fn follow_requests(State(app): State<AppState>, Query(query): Query<FollowQuery>) -> Response {
    let FollowQuery { world, code, action, wire, refused, limit, seconds } = query;
    let filter = RequestFilter { world, code, action, wire, refused };
    let (limit, seconds) = (limit.unwrap_or(u32::MAX), seconds.unwrap_or(u32::MAX));
    let over = tokio::time::sleep(Duration::from_secs(seconds.into()));
    let stream = lines(app.requests.follow(), app.stopping(), filter).take(limit as usize).take_until(over);
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(stream)).into_response()
}

/// How long to follow.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes the fields of FollowQuery")]
struct FollowUntil {
    /// End after this many requests.
    #[param(minimum = 0, example = 10)]
    limit: Option<u32>,
    /// End after this many seconds; 0 ends at once.
    #[param(minimum = 0, example = 60)]
    seconds: Option<u32>,
}

/// Which requests, and how long; serde takes strict fields in one struct only.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FollowQuery {
    world: Option<String>,
    code: Option<String>,
    action: Option<String>,
    wire: Option<String>,
    refused: Option<bool>,
    limit: Option<u32>,
    seconds: Option<u32>,
}

fn lines(
    records: broadcast::Receiver<Arc<RequestRecord>>,
    stopping: watch::Receiver<bool>,
    filter: RequestFilter,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    unfold((records, stopping, filter), |(mut records, mut stopping, filter)| async move {
        loop {
            let record = tokio::select! {
                // What was answered before the stop is still shown.
                biased;
                record = records.recv() => record,
                _ = stopping.wait_for(|stop| *stop) => return None,
            };
            let line = match record {
                Ok(record) if filter.fits(&record) => {
                    serde_json::to_string(&*record).expect("a record always encodes")
                }
                Ok(_) => continue,
                Err(RecvError::Lagged(missed)) => format!("{{\"missed\":{missed}}}"),
                Err(RecvError::Closed) => return None,
            };
            return Some((Ok(Bytes::from(line + "\n")), (records, stopping, filter)));
        }
    })
}
