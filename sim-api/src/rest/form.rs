//! The form of an answer that can be drawn: values, or a picture of them.

use axum::Json;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

/// How the answer is told.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FormQuery {
    /// json for the answer, svg for its picture; by the header Accept if absent.
    #[param(inline)]
    format: Option<Form>,
}

impl FormQuery {
    /// The form that is asked for, by the header if the query does not say.
    pub(super) fn form(&self, headers: &HeaderMap) -> Form {
        self.format.unwrap_or_else(|| accepted(headers))
    }

    /// A report as an answer, in that form.
    pub(super) fn told<R: Serialize>(
        &self,
        headers: &HeaderMap,
        report: R,
        chart: impl FnOnce(&R) -> String,
    ) -> Response {
        match self.form(headers) {
            Form::Json => Json(report).into_response(),
            Form::Svg => svg(chart(&report)),
        }
    }
}

/// A form of the answer.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    Json,
    Svg,
}

/// A picture as an answer.
pub(super) fn svg(picture: String) -> Response {
    ([(header::CONTENT_TYPE, "image/svg+xml")], picture).into_response()
}

/// A picture is answered to whoever asks for one by name and not for JSON before it.
fn accepted(headers: &HeaderMap) -> Form {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let first = accept.split(',').map(|kind| kind.split(';').next().unwrap_or_default().trim());
    match first.into_iter().find(|kind| ["application/json", "image/svg+xml"].contains(kind)) {
        Some("image/svg+xml") => Form::Svg,
        _ => Form::Json,
    }
}
