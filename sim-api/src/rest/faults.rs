//! Faults of the provider wire, set on the native wire: for testing that a client retries rightly.

use super::context::{Body, Context, Path};
use super::operations::{Operations, routes};
use super::worlds::{instant, virtual_now};
use crate::faults::{Effect, Fault, Kind, MAX_FAULTS, MILLION, Met, Replica};
use crate::problem::Problem;
use crate::refusals::{Refusals, ServiceRefusals, service_title};
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sim_core::{ErrorCode as E, Refusal, SimTime, Span};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// What the operations can refuse by rules of the core.
pub const REFUSALS: Refusals = &[("create_fault", &[E::SettingInvalid])];

/// What the operations can refuse beside those.
pub const SERVICE_REFUSALS: ServiceRefusals = &[
    ("create_fault", &[(403, "too_many_faults")]),
    ("get_fault", &[(404, "fault_not_found")]),
    ("delete_fault", &[(404, "fault_not_found")]),
];

/// The operations on faults.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_fault, list_faults, delete_faults))
        .routes(routes!(get_fault, delete_fault))
}

/// The longest delay: longer than any client waits, within the time of a request.
const MAX_DELAY_MS: u64 = 600_000;

/// A fault, and how often it struck.
#[derive(Serialize, ToSchema)]
pub struct FaultBody {
    /// Its number in the world, from 1.
    #[schema(example = 1)]
    id: u64,
    /// What it does.
    kind: Kind,
    /// The action that it strikes; absent for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "CreateVSwitch")]
    action: Option<String>,
    /// The provider's code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "OperationConflict")]
    code: Option<String>,
    /// The HTTP status of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 400)]
    status: Option<u16>,
    /// The text of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// How much later the answer comes, or how old a stale read may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
    /// How likely it strikes.
    #[schema(example = 1.0)]
    probability: f64,
    /// How many matching requests pass before it strikes.
    skip: u64,
    /// How often it strikes at most; absent for always.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// From which virtual time it strikes.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Until which virtual time it strikes, which is not included.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// What its draws grow from.
    seed: u64,
    /// How many matching requests it has met within its time.
    seen: u64,
    /// How many of them it struck.
    struck: u64,
}

fn show((fault, met): (Fault, Met)) -> FaultBody {
    let (mut code, mut status, mut message, mut milliseconds) = (None, None, None, None);
    match fault.effect {
        Effect::Refuse { status: s, code: c, message: m } => {
            (code, status, message) = (Some(c), Some(s), Some(m));
        }
        Effect::Delay(by) => milliseconds = u64::try_from(by.as_millis()).ok(),
        Effect::StaleRead(age) => milliseconds = u64::try_from(age.0).ok(),
        Effect::LostAnswer => {}
    }
    FaultBody {
        id: fault.number,
        kind: fault.kind,
        action: fault.action,
        code,
        status,
        message,
        milliseconds,
        probability: f64::from(fault.per_million) / f64::from(MILLION),
        skip: fault.skip,
        count: fault.count,
        from: fault.from.map(|at| at.to_string()),
        until: fault.until.map(|at| at.to_string()),
        seed: fault.seed,
        seen: met.seen,
        struck: met.struck,
    }
}

/// What the fault should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "busy", "action": "CreateVSwitch", "code": "TaskConflict", "count": 2}))]
pub struct CreateFaultBody {
    /// What it does.
    kind: Kind,
    /// The action of the provider wire that it strikes, which must be a served one; any if absent.
    #[serde(default)]
    #[schema(example = "CreateVSwitch")]
    action: Option<String>,
    /// The provider's code: for `error`, which needs it, and `busy`.
    #[serde(default)]
    code: Option<String>,
    /// The HTTP status from 400 to 599: for `error`, where it is 400 if absent, and `busy`.
    #[serde(default)]
    #[schema(minimum = 400, maximum = 599)]
    status: Option<u16>,
    /// The text of a refusal.
    #[serde(default)]
    message: Option<String>,
    /// For `delay` (1 to 600000, wall clock) and `stale_read` (1 or more, virtual time), which need it.
    #[serde(default)]
    #[schema(minimum = 1)]
    milliseconds: Option<u64>,
    /// How likely it strikes: 0 to 1; always if absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1)]
    probability: Option<f64>,
    /// How many matching requests pass before it strikes; none if absent.
    #[serde(default)]
    skip: u64,
    /// How often it strikes at most; always if absent.
    #[serde(default)]
    #[schema(minimum = 1)]
    count: Option<u64>,
    /// From which virtual time it strikes, RFC 3339 in UTC.
    #[serde(default)]
    from: Option<String>,
    /// Until which virtual time it strikes, which is not included.
    #[serde(default)]
    until: Option<String>,
    /// What its draws grow from: the same seed draws the same.
    #[serde(default)]
    seed: u64,
}

fn invalid(field: &str, detail: impl Into<String>, accepted: &str) -> Refusal {
    Refusal::new(E::SettingInvalid).field(field).detail(detail).accepted(accepted)
}

impl CreateFaultBody {
    fn read(self) -> Result<Fault, Refusal> {
        self.check_fields()?;
        if let Some(action) = &self.action
            && !crate::rpc::actions::ACTIONS.iter().any(|served| served.name == action)
        {
            let detail = format!("{:?} is no served action.", crate::requests::shorten(action));
            return Err(invalid("action", detail, "an action such as CreateVSwitch; none for all of them"));
        }
        let per_million = match self.probability {
            None => MILLION,
            Some(p) if (0.0..=1.0).contains(&p) => (p * f64::from(MILLION)).round() as u32,
            Some(p) => return Err(invalid("probability", format!("{p} is no probability."), "0 to 1")),
        };
        if self.count == Some(0) {
            return Err(invalid("count", "A fault that never strikes is none.", "1 or more"));
        }
        let from = self.from.as_deref().map(|text| instant("from", text)).transpose()?;
        let until = self.until.as_deref().map(|text| instant("until", text)).transpose()?;
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            return Err(invalid("until", "It ends before it begins.", "an instant after from"));
        }
        let (kind, action, skip, count, seed) =
            (self.kind, self.action.clone(), self.skip, self.count, self.seed);
        let effect = self.effect()?;
        Ok(Fault { number: 0, kind, action, effect, per_million, skip, count, from, until, seed })
    }

    /// A field that the kind does not have would have no effect.
    fn check_fields(&self) -> Result<(), Refusal> {
        let own_code = matches!(self.kind, Kind::Error | Kind::Busy);
        let refuses =
            own_code || matches!(self.kind, Kind::Throttling | Kind::Unavailable | Kind::InternalError);
        let timed = matches!(self.kind, Kind::Delay | Kind::StaleRead);
        for (field, given, has) in [
            ("code", self.code.is_some(), own_code),
            ("status", self.status.is_some(), own_code),
            ("message", self.message.is_some(), refuses),
            ("milliseconds", self.milliseconds.is_some(), timed),
        ] {
            if given && !has {
                return Err(invalid(field, "This kind of fault has no such field.", "a fault without it"));
            }
        }
        Ok(())
    }

    fn effect(self) -> Result<Effect, Refusal> {
        let refuse = |status, code: &str, usual: &str| {
            let message = self.message.clone().unwrap_or_else(|| usual.to_owned());
            let status = self.status.unwrap_or(status);
            if !(400..=599).contains(&status) {
                return Err(invalid("status", format!("{status} is no refusal."), "400 to 599"));
            }
            let code = self.code.clone().unwrap_or_else(|| code.to_owned());
            if code.is_empty() || code.len() > 128 || !code.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(invalid("code", "A code is 1 to 128 printable characters.", "TaskConflict"));
            }
            Ok(Effect::Refuse { status, code, message })
        };
        let milliseconds = |most: u64| match self.milliseconds {
            Some(ms) if (1..=most).contains(&ms) => Ok(ms),
            Some(ms) => {
                Err(invalid("milliseconds", format!("{ms} is out of range."), &format!("1 to {most}")))
            }
            None => Err(invalid("milliseconds", "This kind of fault needs a time.", "100")),
        };
        match self.kind {
            Kind::Throttling => {
                refuse(400, "Throttling.User", "Request was denied due to user flow control.")
            }
            Kind::Busy => {
                refuse(400, "OperationConflict", "Another operation is under way. Try again later.")
            }
            Kind::Unavailable => refuse(
                503,
                "ServiceUnavailable",
                "The request has failed due to a temporary failure of the server.",
            ),
            Kind::InternalError => {
                refuse(500, "InternalError", "The request processing has failed due to some unknown error.")
            }
            Kind::Error if self.code.is_none() => {
                Err(invalid("code", "An error has a code.", "TaskConflict"))
            }
            Kind::Error => refuse(400, "", "An injected fault."),
            Kind::Delay => milliseconds(MAX_DELAY_MS).map(|ms| Effect::Delay(Duration::from_millis(ms))),
            Kind::LostAnswer => Ok(Effect::LostAnswer),
            Kind::StaleRead => milliseconds(SimTime::MAX.0.unsigned_abs())
                .map(|ms| Effect::StaleRead(Span(i64::try_from(ms).unwrap_or(i64::MAX)))),
        }
    }
}

/// Set a fault.
///
/// It strikes requests of the provider wire to this world from now on. Faults are no state of the world: they are in no
/// journal, snapshot or fork, and end with the process. Several may strike one request: delays add up, the first refusal
/// holds. Whether one strikes is drawn from its seed and from how many requests it has met, so the same requests in
/// the same order meet the same faults. An answer that a fault touched has its numbers in `x-cloudnet-faults`.
///
/// A `stale_read` costs a copy of the world each time that it is brought up to date.
#[utoipa::path(post, path = "/v1/faults", tag = "Faults", request_body = CreateFaultBody,
    responses((status = 201, description = "The fault.", body = FaultBody)))]
async fn create_fault(ctx: Context, Body(body): Body<CreateFaultBody>) -> Result<Response, Problem> {
    let fault = body.read()?;
    if ctx.caller.dry_run {
        return Ok(super::context::passed());
    }
    let replica = match fault.effect {
        Effect::StaleRead(_) => Some(replica(&ctx).await?),
        _ => None,
    };
    let Some(fault) = ctx.world.faults().add(fault, replica) else {
        return Err(Problem::service(
            StatusCode::FORBIDDEN,
            "too_many_faults",
            service_title("too_many_faults"),
            format!("A world has at most {MAX_FAULTS} faults; delete one."),
        ));
    };
    let location = format!("/v1/faults/{}", fault.number);
    let body = show((fault, Met::default()));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(body)).into_response())
}

async fn replica(ctx: &Context) -> Result<Replica, Problem> {
    Ok(ctx.world.read(|w| Replica { at: virtual_now(w), world: Arc::new(w.clone()) }).await?)
}

/// The faults of a world.
#[derive(Serialize, ToSchema)]
pub struct FaultList {
    /// In the order in which they were set; at most 100.
    items: Vec<FaultBody>,
}

/// List the faults of a world.
#[utoipa::path(get, path = "/v1/faults", tag = "Faults",
    responses((status = 200, description = "The faults.", body = FaultList)))]
async fn list_faults(ctx: Context) -> Result<Response, Problem> {
    let items = ctx.world.faults().all().into_iter().map(show).collect();
    Ok(Json(FaultList { items }).into_response())
}

/// Take all faults away.
#[utoipa::path(delete, path = "/v1/faults", tag = "Faults",
    responses((status = 204, description = "There are none any more.")))]
async fn delete_faults(ctx: Context) -> Result<Response, Problem> {
    if ctx.caller.dry_run {
        return Ok(super::context::passed());
    }
    ctx.world.faults().clear();
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn unknown(id: u64) -> Problem {
    let detail = format!("This world has no fault {id}; GET /v1/faults lists them.");
    Problem::service(StatusCode::NOT_FOUND, "fault_not_found", service_title("fault_not_found"), detail)
}

/// Show a fault and how often it struck.
#[utoipa::path(get, path = "/v1/faults/{fault_id}", tag = "Faults",
    params(("fault_id" = u64, Path, description = "The fault.")),
    responses((status = 200, description = "The fault.", body = FaultBody)))]
async fn get_fault(ctx: Context, Path(id): Path<u64>) -> Result<Response, Problem> {
    let found = ctx.world.faults().all().into_iter().find(|(fault, _)| fault.number == id);
    found.map(|found| Json(show(found)).into_response()).ok_or_else(|| unknown(id))
}

/// Take a fault away.
#[utoipa::path(delete, path = "/v1/faults/{fault_id}", tag = "Faults",
    params(("fault_id" = u64, Path, description = "The fault.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_fault(ctx: Context, Path(id): Path<u64>) -> Result<Response, Problem> {
    if ctx.caller.dry_run {
        let known = ctx.world.faults().all().iter().any(|(fault, _)| fault.number == id);
        return if known { Ok(super::context::passed()) } else { Err(unknown(id)) };
    }
    if ctx.world.faults().remove(id) { Ok(StatusCode::NO_CONTENT.into_response()) } else { Err(unknown(id)) }
}
