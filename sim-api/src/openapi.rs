//! The OpenAPI 3.1 document of the native wire. Operations come from the router itself; examples of every
//! refusal come from the core's error table.

use crate::app::AppState;
use crate::problem::Problem;
use crate::rest;
use axum::{Router, middleware};
use bytes::Bytes;
use std::sync::OnceLock;
use utoipa::openapi::OpenApi;
use utoipa::{Modify, OpenApi as _};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "cloudnet",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        description = "A cloud network that runs on a laptop: the native wire. The provider's own RPC protocol is \
            served on the same port at `/`. Every refusal is a problem document (RFC 9457) that names the rule, the \
            field and what would be accepted.\n\n\
            The headers `Cloudnet-World`, `Cloudnet-Account` and `Cloudnet-Region` choose whose objects a request is \
            about; without them it is the world `default`, its first account and `cn-hangzhou`. A write takes \
            `dry_run=true` (every check, no change) and an `Idempotency-Key` (a retry gives the first answer). A \
            server with a credentials file wants a bearer token: see \"Authorize\"."
    ),
    servers((url = "/", description = "This server.")),
    components(schemas(Problem))
)]
struct Document;

/// The routes of the native wire.
pub fn native_router() -> Router<AppState> {
    rest::router().layer(middleware::from_fn(rest::places::pass)).served()
}

/// The document as committed in `openapi/cloudnet.json`. It is not kept: as a tree it takes ten times the memory of its text.
pub fn document() -> OpenApi {
    let mut document = rest::router().described(Document::openapi());
    Derived.modify(&mut document);
    document
}

/// The text of the document, made when somebody first asks for it.
pub fn text() -> Bytes {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    TEXT.get_or_init(|| document().to_json().expect("the document always encodes").into()).clone()
}

/// Adds to each operation the problems it can answer, with an example for each, to each answer that makes something
/// where its id can go, and what the document says as a whole.
struct Derived;

impl Modify for Derived {
    fn modify(&self, document: &mut OpenApi) {
        crate::refusals::describe(document);
        crate::links::describe(document);
        crate::descriptions::describe(document);
        rest::traces::describe(document);
    }
}
