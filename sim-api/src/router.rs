//! All routes of the service, and what every request passes through.

use crate::app::AppState;
use crate::gate;
use crate::metadata;
use crate::openapi;
use crate::problem::Problem;
use crate::proxy;
use crate::rpc::dispatch;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, Uri, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use serde_json::json;
use std::any::Any;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The whole service.
pub fn service(app: AppState) -> Router {
    let docs = SwaggerUi::new("/swagger-ui").config(Config::from("/openapi.json"));
    Router::new()
        .merge(openapi::native_router())
        .merge(docs)
        .route("/", any(provider_or_welcome))
        .route("/clusters/{id}", get(roa))
        .route("/latest/", any(metadata::top_here))
        .route("/latest/{*path}", any(metadata::here))
        .route("/metadata/{instance}/latest/", any(metadata::top_of_instance))
        .route("/metadata/{instance}/latest/{*path}", any(metadata::of_instance))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/openapi.json", get(document))
        .route("/metrics", get(metrics))
        .route("/version", get(version))
        .route("/problems/{code}", get(problem_page))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(app.settings.body_limit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(app.clone(), proxy::pass))
        .layer(middleware::from_fn_with_state(app.clone(), gate::pass))
        .with_state(app)
}

/// A browser that opens the address is sent to Swagger UI; everything else at `/` is the provider's protocol.
async fn provider_or_welcome(State(app): State<AppState>, request: axum::extract::Request) -> Response {
    let wants_page = request
        .headers()
        .get(header::ACCEPT)
        .is_some_and(|accept| accept.to_str().is_ok_and(|text| text.contains("text/html")));
    if wants_page && request.uri().query().is_none() {
        return axum::response::Redirect::to("/swagger-ui/").into_response();
    }
    dispatch::from_request(app, request).await
}

/// An action of the provider that has an address of its own.
async fn roa(State(app): State<AppState>, request: axum::extract::Request) -> Response {
    dispatch::from_request(app, request).await
}

async fn ready(State(app): State<AppState>) -> Response {
    if app.is_ready() {
        let worlds: Vec<String> = app.engine.worlds().iter().map(|w| w.name().to_owned()).collect();
        return Json(json!({ "ready": true, "worlds": worlds })).into_response();
    }
    let problem = Problem::service(
        StatusCode::SERVICE_UNAVAILABLE,
        "loading",
        "The worlds are being loaded.",
        "The journal is being read.",
    );
    problem.into_response()
}

async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], openapi::text()).into_response()
}

async fn metrics(State(app): State<AppState>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.render()).into_response()
}

async fn version() -> Response {
    Json(json!({
        "name": "cloudnet",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": sim_core::journal::RULES_VERSION,
    }))
    .into_response()
}

/// The page behind a problem's `type`.
async fn problem_page(axum::extract::Path(code): axum::extract::Path<String>) -> Response {
    let row = sim_core::ErrorCode::ALL.iter().find(|c| c.native() == code);
    let Some(row) = row.map(|c| c.row()) else {
        return unknown_problem(&code);
    };
    Json(json!({
        "code": code,
        "title": row.message,
        "status": row.kind.http_status(),
        "provider_codes": row.provider_codes,
        "provider_status": row.provider_status,
    }))
    .into_response()
}

fn unknown_problem(code: &str) -> Response {
    let detail = format!("No problem is called {code:?}; docs/reference/errors.md lists them.");
    Problem::service(StatusCode::NOT_FOUND, "problem_not_found", "There is no such problem.", detail)
        .into_response()
}

async fn unknown_route(uri: Uri) -> Problem {
    let detail = format!("{} is no address of this service; /openapi.json lists them all.", uri.path());
    Problem::service(StatusCode::NOT_FOUND, "route_not_found", "There is nothing at this address.", detail)
}

async fn wrong_method(method: axum::http::Method, uri: Uri) -> Problem {
    let detail = format!("{} does not answer {method}.", uri.path());
    Problem::service(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "The address has no such method.",
        detail,
    )
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("a panic without text"), "a handler panicked");
    Problem::service(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal_error",
        "The service failed inside.",
        "This is a defect of cloudnet; the log has the details.",
    )
    .into_response()
}
