//! The settings of a world on the native wire.

use super::context::{Body, Context};
use super::operations::{Operations, routes};
use super::worlds::{WorldSettingsBody, show_settings};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::settings::{ProvisioningSetting, QuotasSetting};
use axum::response::Response;
use serde::Deserialize;
use sim_core::settings::ChangeSettings;
use utoipa::ToSchema;

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[];

/// The operations on settings.
pub fn router() -> Operations {
    Operations::new().routes(routes!(get_settings, update_settings))
}

/// Show what a world is set to.
#[utoipa::path(get, path = "/v1/settings", tag = "Settings",
    responses((status = 200, description = "The settings.", body = WorldSettingsBody)))]
async fn get_settings(ctx: Context) -> Result<Response, Problem> {
    ctx.show(|w, _| Ok(show_settings(w.settings()))).await
}

/// What to change; absent fields stay. `PUT /v1/clock` sets the clock.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"provisioning": "documented"}))]
pub struct UpdateSettingsBody {
    /// How long changes of state take that begin from now on.
    #[serde(default)]
    provisioning: Option<ProvisioningSetting>,
    /// Which quotas hold.
    #[serde(default)]
    quotas: Option<QuotasSetting>,
}

/// Change how a world behaves.
#[utoipa::path(patch, path = "/v1/settings", tag = "Settings", request_body = UpdateSettingsBody,
    responses((status = 200, description = "The settings as they are now.", body = WorldSettingsBody)))]
async fn update_settings(ctx: Context, Body(body): Body<UpdateSettingsBody>) -> Result<Response, Problem> {
    let command = ChangeSettings {
        provisioning: body.provisioning.map(Into::into),
        quotas_lifted: body.quotas.map(|q| q == QuotasSetting::Lifted),
    };
    ctx.change(command, |w, _| show_settings(w.settings())).await
}
