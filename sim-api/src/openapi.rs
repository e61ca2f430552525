//! The OpenAPI 3.1 document of the native wire. Operations come from the router itself; examples of every
//! refusal come from the core's error table.

use crate::app::AppState;
use crate::problem::Problem;
use crate::rest;
use axum::Router;
use utoipa::openapi::{OpenApi, OpenApiBuilder};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "cloudnet",
        description = "A cloud network that runs on a laptop: the native wire. The provider's own RPC protocol is \
            served on the same port at `/`. Every refusal is a problem document (RFC 9457) that names the rule, the \
            field and what would be accepted."
    ),
    components(schemas(Problem))
)]
struct Document;

/// The routes of the native wire and their document.
pub fn native_router() -> (Router<AppState>, OpenApi) {
    let start = OpenApiBuilder::from(Document::openapi()).build();
    let (router, mut document) = OpenApiRouter::with_openapi(start).merge(rest::router()).split_for_parts();
    Derived.modify(&mut document);
    (router, document)
}

/// The document as committed in `openapi/cloudnet.json`.
pub fn document() -> OpenApi {
    native_router().1
}

/// Adds to each operation the problems it can answer, with an example for each, and to each answer that makes
/// something where its id can go.
struct Derived;

impl Modify for Derived {
    fn modify(&self, document: &mut OpenApi) {
        crate::refusals::describe(document);
        crate::links::describe(document);
    }
}
