//! The clock of a world on the native wire: read it, set it, let time pass.

use super::context::{Body, Context};
use super::operations::{Operations, routes};
use super::worlds::{clock as read_clock, instant, virtual_now};
use crate::app::AppState;
use crate::engine::{Advance, EngineError, wall_now};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::settings::ClockSetting;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sim_core::settings::SetClock;
use sim_core::{ErrorCode as E, Refusal, SimTime, Span, World};
use utoipa::ToSchema;

/// What the operations can refuse.
pub const REFUSALS: Refusals =
    &[("set_clock", &[E::SettingInvalid]), ("advance_clock", &[E::SettingInvalid, E::ClockNotManual])];

/// The operations on clocks.
pub fn router() -> Operations {
    Operations::new().routes(routes!(get_clock, set_clock)).routes(routes!(advance_clock))
}

/// The clock of a world.
#[derive(Serialize, ToSchema)]
pub struct ClockBody {
    /// Virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    now: String,
    /// How it passes: `real`, `manual` or `scaled:N`.
    #[schema(example = "manual")]
    clock: String,
    /// When something falls due next; absent if nothing is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-01-01T00:00:02.000Z")]
    next_due: Option<String>,
    /// Where an advance that is under way goes; `now` shows how far it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    advancing_to: Option<String>,
}

fn show(w: &World, advancing: Option<SimTime>) -> ClockBody {
    ClockBody {
        now: virtual_now(w).to_string(),
        clock: ClockSetting(w.settings().clock.mode).to_string(),
        next_due: w.next_due().map(|due| due.to_string()),
        advancing_to: advancing.map(|to| to.to_string()),
    }
}

/// Show virtual time and how it passes.
#[utoipa::path(get, path = "/v1/clock", tag = "Clock",
    responses((status = 200, description = "The clock.", body = ClockBody)))]
async fn get_clock(ctx: Context) -> Result<Response, Problem> {
    let advancing = ctx.world.advancing();
    ctx.show(|w, _| Ok(show(w, advancing))).await
}

/// How time shall pass.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"clock": "manual"}))]
pub struct SetClockBody {
    /// `real`, `manual` or `scaled:N` with N from 1 to 1000000.
    clock: String,
}

/// Set how time passes from now on. Virtual time itself does not jump.
#[utoipa::path(put, path = "/v1/clock", tag = "Clock", request_body = SetClockBody,
    responses((status = 200, description = "The clock as it is now.", body = ClockBody)))]
async fn set_clock(ctx: Context, Body(body): Body<SetClockBody>) -> Result<Response, Problem> {
    let command = SetClock { mode: read_clock(&body.clock)?, wall: wall_now() };
    let advancing = ctx.world.advancing();
    ctx.change(command, move |w, _| show(w, advancing)).await
}

/// How far time shall go: one of the three.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"seconds": 60}))]
pub struct AdvanceBody {
    /// By so many seconds.
    #[serde(default)]
    #[schema(example = 60)]
    seconds: Option<u64>,
    /// By so many milliseconds.
    #[serde(default)]
    milliseconds: Option<u64>,
    /// To an instant, RFC 3339 in UTC, that is not before virtual time.
    #[serde(default)]
    #[schema(example = "2026-01-01T01:00:00Z")]
    to: Option<String>,
}

impl AdvanceBody {
    fn how_far(&self) -> Result<Advance, Refusal> {
        let span = |field: &str, ms: Option<u64>| {
            let ms = ms.and_then(|ms| i64::try_from(ms).ok()).filter(|ms| *ms <= SimTime::MAX.0);
            ms.map(|ms| Advance::By(Span(ms))).ok_or_else(|| {
                Refusal::new(E::SettingInvalid)
                    .field(field)
                    .detail("The calendar ends with the year 9999.")
                    .accepted("a span of less than 8000 years")
            })
        };
        match (self.seconds, self.milliseconds, &self.to) {
            (Some(s), None, None) => span("seconds", s.checked_mul(1000)),
            (None, Some(ms), None) => span("milliseconds", Some(ms)),
            (None, None, Some(text)) => Ok(Advance::To(instant("to", text)?)),
            _ => Err(Refusal::new(E::SettingInvalid)
                .field("seconds")
                .detail("An advance has one of seconds, milliseconds and to.")
                .accepted("{\"seconds\": 60}")),
        }
    }
}

/// Let time pass in a world with a manual clock.
///
/// What falls due on the way happens at its own instant. A long advance is cut into slices: other requests get their
/// turn between two of them, `GET /v1/clock` shows how far it came, and if the client hangs up it ends after the slice
/// that is under way; time stays where it came to. It has no time limit.
#[utoipa::path(post, path = "/v1/clock/advance", tag = "Clock", request_body = AdvanceBody,
    responses((status = 200, description = "The clock as it is now.", body = ClockBody)))]
async fn advance_clock(
    State(app): State<AppState>,
    ctx: Context,
    Body(body): Body<AdvanceBody>,
) -> Result<Response, Problem> {
    let how_far = body.how_far()?;
    if ctx.caller.dry_run {
        let problem = "An advance has no dry run; GET /v1/clock says what falls due next.";
        return Err(Problem::parameter("dry_run", problem, "false"));
    }
    if let Advance::To(to) = how_far {
        let now = ctx.world.inspect(World::now).await?;
        if to < now {
            return Err(Refusal::new(E::SettingInvalid)
                .field("to")
                .detail(format!("{to} is over; it is {now} in this world."))
                .accepted(now.to_string())
                .into());
        }
    }
    let mut stopping = app.stopping();
    tokio::select! {
        reached = ctx.world.advance(how_far) => reached.map(drop)?,
        _ = stopping.wait_for(|stop| *stop) => return Err(EngineError::Stopping(ctx.world.name().to_owned()).into()),
    }
    let advancing = ctx.world.advancing();
    Ok(Json(ctx.world.inspect(|w| show(w, advancing)).await?).into_response())
}
