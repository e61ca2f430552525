//! The native wire: REST under `/v1`. One file per resource: types, handlers and documentation together.

pub mod common;
pub mod context;
mod vpcs;
mod vswitches;

use crate::app::AppState;
use utoipa_axum::router::OpenApiRouter;

/// Every operation of the native wire.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(vpcs::router()).merge(vswitches::router())
}
