//! Problem documents (RFC 9457): the body of every answer of the native wire that is not a success.

use crate::engine::EngineError;
use crate::refusals::service_title;
use crate::requests::shorten;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sim_core::Refusal;
use utoipa::ToSchema;

/// Why a request was not carried out, and what would be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The page that describes the problem, relative to this server.
    #[schema(example = "/problems/vswitch_cidr_overlap")]
    pub r#type: String,
    /// The rule in one sentence.
    #[schema(example = "The block overlaps another vSwitch of the VPC.")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 409)]
    pub status: u16,
    /// The stable code that a program can branch on.
    #[schema(example = "vswitch_cidr_overlap")]
    pub code: String,
    /// What is wrong in this case.
    #[schema(example = "10.0.1.0/24 overlaps 10.0.0.0/16, which is allocated.")]
    pub detail: String,
    /// The input fields at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// The objects that stand in the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blockers: Vec<String>,
    /// The request's id, as in the header `X-Request-Id` and in the log.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
}

/// One input field at fault: a member of the body, which `pointer` leads to, or a `parameter`. What belongs to the object
/// of the path, such as its VPC, is named by the parameter of that object.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    /// A JSON Pointer to the member of the request's body, or to where it is missing; absent if it is a parameter.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(example = "/cidr_block")]
    pub pointer: String,
    /// The name of the parameter of path or query, or of the header; absent if it is a member of the body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub parameter: String,
    /// A value, or a description of values, that would pass.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(example = "10.0.2.0/24")]
    pub accepted: String,
}

impl FieldProblem {
    /// A member of the body.
    pub fn pointer(pointer: impl Into<String>, accepted: impl Into<String>) -> FieldProblem {
        FieldProblem { pointer: pointer.into(), accepted: accepted.into(), ..FieldProblem::default() }
    }

    /// A parameter or header.
    pub fn parameter(name: impl Into<String>, accepted: impl Into<String>) -> FieldProblem {
        FieldProblem { parameter: name.into(), accepted: accepted.into(), ..FieldProblem::default() }
    }
}

impl Problem {
    /// A problem of the service itself, outside the core's error table.
    pub fn service(status: StatusCode, code: &str, title: &str, detail: impl Into<String>) -> Problem {
        Problem {
            r#type: format!("/problems/{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: sim_core::error::bounded(detail.into()),
            errors: Vec::new(),
            blockers: Vec::new(),
            request_id: String::new(),
        }
    }

    /// A parameter or header that does not read.
    pub fn parameter(name: &str, detail: impl Into<String>, accepted: impl Into<String>) -> Problem {
        Problem::malformed(detail, [FieldProblem::parameter(name, accepted)])
    }

    /// A request that does not read, for what is wrong with these of its fields.
    pub fn malformed(detail: impl Into<String>, errors: impl IntoIterator<Item = FieldProblem>) -> Problem {
        let title = "The request does not read.";
        let problem = Problem::service(StatusCode::BAD_REQUEST, "malformed_request", title, detail);
        Problem { errors: errors.into_iter().collect(), ..problem }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let details = refusal.details();
        let row = details.code.row();
        let code = details.code.native();
        let accepted = details.accepted.clone().unwrap_or_default();
        // The core's field, for which the operation may have another place: `rest::places` finds it.
        let errors = details.field.iter();
        let errors = errors.map(|field| FieldProblem::pointer(format!("/{field}"), accepted.clone()));
        Problem {
            r#type: format!("/problems/{code}"),
            title: row.message.to_owned(),
            status: row.kind.http_status(),
            detail: if details.detail.is_empty() { row.message.to_owned() } else { details.detail.clone() },
            errors: errors.collect(),
            blockers: details.blockers.iter().map(ToString::to_string).collect(),
            request_id: String::new(),
            code,
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Problem {
        let (status, code, title) = match &error {
            EngineError::NotDurable(_) | EngineError::Retracted => {
                (StatusCode::SERVICE_UNAVAILABLE, "journal_unavailable", "The journal could not be written.")
            }
            EngineError::Panicked(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "The service failed inside.")
            }
            EngineError::Stopping(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "stopping", "The world is stopping.")
            }
            EngineError::NoWorld(_) => (StatusCode::NOT_FOUND, "world_not_found", "There is no such world."),
            EngineError::WorldExists(_) => {
                (StatusCode::CONFLICT, "world_exists", service_title("world_exists"))
            }
            EngineError::TooManyWorlds(_) => {
                (StatusCode::FORBIDDEN, "too_many_worlds", service_title("too_many_worlds"))
            }
            EngineError::WorldKept(_) => (StatusCode::CONFLICT, "world_kept", service_title("world_kept")),
            EngineError::NoSnapshot { .. } => {
                (StatusCode::NOT_FOUND, "snapshot_not_found", service_title("snapshot_not_found"))
            }
            EngineError::SnapshotExists { .. } => {
                (StatusCode::CONFLICT, "snapshot_exists", service_title("snapshot_exists"))
            }
            EngineError::TooManySnapshots(..) => {
                (StatusCode::FORBIDDEN, "too_many_snapshots", service_title("too_many_snapshots"))
            }
            EngineError::ClockNotManual(_) => {
                return sim_core::Refusal::new(sim_core::ErrorCode::ClockNotManual)
                    .detail(format!("{error}."))
                    .into();
            }
            EngineError::Load(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "The service failed inside.")
            }
            EngineError::Store(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "journal_unavailable", "The journal could not be used.")
            }
        };
        let detail = match &error {
            EngineError::NoWorld(name) => format!("{name:?} is no world of this server."),
            error => error.to_string(),
        };
        Problem::service(status, code, title, detail)
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Problem {
        let status = match rejection.status() {
            // A body of the right syntax and the wrong shape does not read either.
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            other => other,
        };
        Problem::service(status, "malformed_request", "The request does not read.", rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Problem {
        Problem::service(
            rejection.status(),
            "malformed_request",
            "The request does not read.",
            rejection.body_text(),
        )
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Problem {
        let text = rejection.body_text();
        // What the parser says begins with the name of the parameter, if it got as far as one.
        let said = text.split_once("query string: ").map_or(text.as_str(), |(_, said)| said);
        let name = said.split_once(": ").map(|(name, _)| name).filter(|name| is_name(name));
        Problem::malformed(shorten(&text), name.map(|name| FieldProblem::parameter(name, "")))
    }
}

/// Whether a text is a name as parameters have them, and no other part of a sentence.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).expect("a problem always encodes");
        let mut response = (status, body).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        // For the request log, which looks at the answer from outside.
        response.extensions_mut().insert(self);
        response
    }
}
