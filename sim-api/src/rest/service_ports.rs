//! How the ports of an instance answer: told from outside, since no system runs inside.

use super::context::{Body, Context, Path, id};
use super::operations::{Operations, routes};
use super::worlds::instant;
use crate::problem::Problem;
use crate::refusals::Refusals;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ecs::instance::Instance;
use sim_core::ecs::service_port::{
    Behaviour, ClearServicePort, PlannedBehaviour, PortProtocol, ServicePort, SetServicePort, of_instance,
};
use sim_core::id::InstanceId;
use sim_core::{ErrorCode as E, Outcome, Refusal, Span, World};
use utoipa::ToSchema;

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    ("list_service_ports", &[E::InstanceNotFound]),
    (
        "set_service_port",
        &[
            E::ServicePortInvalid,
            E::ServiceDelayInvalid,
            E::ServiceStatusInvalid,
            E::ServiceScheduleInvalid,
            E::InstanceNotFound,
        ],
    ),
    ("clear_service_port", &[E::ServicePortInvalid, E::InstanceNotFound, E::ServicePortNotFound]),
];

/// The operations on ports of instances.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(list_service_ports))
        .routes(routes!(set_service_port, clear_service_port))
}

/// How a port answers.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum BehaviourWord {
    /// It takes connections or datagrams and answers.
    Answers,
    /// Nothing listens: a connection is reset, a datagram is answered by "port unreachable".
    Refuses,
    /// Whatever comes is dropped.
    Silent,
}

/// How a port answers from an instant on.
#[derive(Serialize, ToSchema)]
pub struct PlannedBehaviourBody {
    /// When, in virtual time.
    #[schema(example = "2026-01-01T00:01:00.000Z")]
    at: String,
    /// answers, refuses or silent.
    behaviour: BehaviourWord,
    /// How long an answer takes, in milliseconds; null where nothing answers.
    #[schema(minimum = 0, maximum = 3600000, example = 20)]
    after_ms: Option<i64>,
    /// The status of an answer over HTTP; null where nothing answers.
    #[schema(minimum = 100, maximum = 599, example = 200)]
    http_status: Option<u16>,
}

/// A port that something was told of. The others answer at once, over HTTP with the status 200.
#[derive(Serialize, ToSchema)]
pub struct ServicePortBody {
    /// tcp or udp.
    #[schema(example = "tcp")]
    protocol: &'static str,
    /// The port.
    #[schema(minimum = 1, maximum = 65535, example = 80)]
    port: u16,
    /// answers, refuses or silent.
    behaviour: BehaviourWord,
    /// How long an answer takes, in milliseconds; null where nothing answers.
    #[schema(minimum = 0, maximum = 3600000, example = 20)]
    after_ms: Option<i64>,
    /// The status of an answer over HTTP; null where nothing answers.
    #[schema(minimum = 100, maximum = 599, example = 200)]
    http_status: Option<u16>,
    /// How it will answer, in the order of time.
    schedule: Vec<PlannedBehaviourBody>,
}

/// The ports of an instance that something was told of.
#[derive(Serialize, ToSchema)]
pub struct ServicePortsBody {
    /// TCP before UDP, in order.
    items: Vec<ServicePortBody>,
}

fn parts(behaviour: Behaviour) -> (BehaviourWord, Option<i64>, Option<u16>) {
    match behaviour {
        Behaviour::Answers { after, status } => (BehaviourWord::Answers, Some(after.0), Some(status)),
        Behaviour::Refuses => (BehaviourWord::Refuses, None, None),
        Behaviour::Silent => (BehaviourWord::Silent, None, None),
    }
}

fn show(told: &ServicePort) -> ServicePortBody {
    let planned = |planned: &PlannedBehaviour| {
        let (behaviour, after_ms, http_status) = parts(planned.behaviour);
        PlannedBehaviourBody { at: planned.at.to_string(), behaviour, after_ms, http_status }
    };
    let (behaviour, after_ms, http_status) = parts(told.behaviour);
    ServicePortBody {
        protocol: told.protocol.word(),
        port: told.port,
        behaviour,
        after_ms,
        http_status,
        schedule: told.planned.iter().map(planned).collect(),
    }
}

/// List the ports of an instance that something was told of.
#[utoipa::path(get, path = "/v1/instances/{instance_id}/ports", tag = "Service port",
    params(("instance_id" = String, Path, description = "The instance.")),
    responses((status = 200, description = "The ports.", body = ServicePortsBody)))]
async fn list_service_ports(ctx: Context, Path(instance): Path<String>) -> Result<Response, Problem> {
    let instance = id::<InstanceId>(&instance)?;
    ctx.show(|w, caller| {
        w.visible::<Instance>(caller, instance)?;
        Ok(ServicePortsBody { items: of_instance(w, instance).map(show).collect() })
    })
    .await
}

/// How a port shall answer from an instant on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedBehaviourInput {
    /// When: an instant of virtual time to come, RFC 3339 in UTC.
    #[schema(example = "2026-01-01T00:01:00Z")]
    at: String,
    /// answers, refuses or silent.
    behaviour: BehaviourWord,
    /// How long an answer takes, in milliseconds: 0 if absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 3600000)]
    after_ms: Option<u32>,
    /// The status of an answer over HTTP: 200 if absent.
    #[serde(default)]
    #[schema(minimum = 100, maximum = 599)]
    http_status: Option<u16>,
}

/// How a port shall answer. What was told before is forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"behaviour": "answers", "http_status": 200,
    "schedule": [{"at": "2026-01-01T00:01:00Z", "behaviour": "silent"}]}))]
pub struct SetServicePortBody {
    /// answers, refuses or silent, from now on; as it does now if absent.
    #[serde(default)]
    behaviour: Option<BehaviourWord>,
    /// How long an answer takes, in milliseconds: 0 if absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 3600000)]
    after_ms: Option<u32>,
    /// The status of an answer over HTTP: 200 if absent.
    #[serde(default)]
    #[schema(minimum = 100, maximum = 599)]
    http_status: Option<u16>,
    /// Changes to come, in the order of time, at most 1,000.
    #[serde(default)]
    schedule: Vec<PlannedBehaviourInput>,
}

/// A delay and a status say how an answer is given, so they go with nothing else.
fn behaviour(
    word: BehaviourWord,
    after: Option<u32>,
    status: Option<u16>,
    field: &str,
) -> Outcome<Behaviour> {
    let code = if after.is_some() { E::ServiceDelayInvalid } else { E::ServiceStatusInvalid };
    let name = if after.is_some() { "after_ms" } else { "http_status" };
    match word {
        BehaviourWord::Answers => Ok(Behaviour::Answers {
            after: Span(i64::from(after.unwrap_or(0))),
            status: status.unwrap_or(200),
        }),
        _ if after.is_some() || status.is_some() => Err(Refusal::new(code)
            .field(format!("{field}{name}"))
            .detail("Only a port that answers has one.")
            .accepted("behaviour answers")),
        BehaviourWord::Refuses => Ok(Behaviour::Refuses),
        BehaviourWord::Silent => Ok(Behaviour::Silent),
    }
}

fn port_of(protocol: &str, port: &str) -> Outcome<(PortProtocol, u16)> {
    let number = port.parse::<u16>().ok().filter(|number| *number > 0).ok_or_else(|| {
        Refusal::new(E::ServicePortInvalid)
            .field("port")
            .detail(format!("{:?} was given.", crate::requests::shorten(port)))
            .accepted("1 to 65535")
    })?;
    Ok((PortProtocol::parse(protocol)?, number))
}

fn shown(w: &World, key: (InstanceId, PortProtocol, u16)) -> Option<ServicePortBody> {
    w.get::<ServicePort>(&key).map(show)
}

/// Tell how a port of an instance answers, from now on and on a schedule in virtual time.
#[utoipa::path(put, path = "/v1/instances/{instance_id}/ports/{protocol}/{port}", tag = "Service port",
    request_body = SetServicePortBody,
    params(("instance_id" = String, Path, description = "The instance."),
        ("protocol" = String, Path, description = "tcp or udp.", example = "tcp"),
        ("port" = String, Path, description = "1 to 65535.", example = "80")),
    responses((status = 200, description = "The port as it is now.", body = ServicePortBody)))]
async fn set_service_port(
    ctx: Context,
    Path((instance, protocol, port)): Path<(String, String, String)>,
    Body(body): Body<SetServicePortBody>,
) -> Result<Response, Problem> {
    let (protocol, port) = port_of(&protocol, &port)?;
    let planned = |(at, change): (usize, &PlannedBehaviourInput)| {
        let field = format!("schedule/{at}/");
        Ok(PlannedBehaviour {
            at: instant(&format!("{field}at"), &change.at).map_err(|refusal| refused_instant(&refusal))?,
            behaviour: behaviour(change.behaviour, change.after_ms, change.http_status, &field)?,
        })
    };
    let now = match body.behaviour {
        Some(word) => Some(behaviour(word, body.after_ms, body.http_status, "")?),
        None if body.after_ms.is_some() || body.http_status.is_some() => {
            Some(behaviour(BehaviourWord::Answers, body.after_ms, body.http_status, "")?)
        }
        None => None,
    };
    let planned: Outcome<Vec<PlannedBehaviour>> = body.schedule.iter().enumerate().map(planned).collect();
    let instance = id::<InstanceId>(&instance)?;
    let command = SetServicePort { instance, protocol, port, behaviour: now, planned: planned? };
    ctx.change(command, move |w, _| shown(w, (instance, protocol, port))).await
}

/// An instant that does not read breaks the rule of schedules.
fn refused_instant(refusal: &Refusal) -> Refusal {
    let details = refusal.details();
    Refusal::new(E::ServiceScheduleInvalid)
        .field(details.field.clone().unwrap_or_default())
        .detail(details.detail.clone())
        .accepted("2026-01-01T00:00:00Z")
}

/// Forget what was told of a port: it answers at once again, over HTTP with the status 200.
#[utoipa::path(delete, path = "/v1/instances/{instance_id}/ports/{protocol}/{port}", tag = "Service port",
    params(("instance_id" = String, Path, description = "The instance."),
        ("protocol" = String, Path, description = "tcp or udp.", example = "tcp"),
        ("port" = String, Path, description = "1 to 65535.", example = "80")),
    responses((status = 204, description = "Nothing is told of it any more.")))]
async fn clear_service_port(
    ctx: Context,
    Path((instance, protocol, port)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let (protocol, port) = port_of(&protocol, &port)?;
    ctx.remove(ClearServicePort { instance: id(&instance)?, protocol, port }).await
}
