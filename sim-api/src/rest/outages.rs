//! Outages of zones, instances and interfaces.

use super::context::{Body, Context, Path, Query, id, parse_id};
use super::operations::{Operations, routes};
use super::worlds::instant;
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ecs::outage::{BeginOutage, EndOutage, Outage, OutageTarget};
use sim_core::id::OutageId;
use sim_core::{ErrorCode as E, Outcome, Refusal, SimTime, World, ZoneId};
use utoipa::ToSchema;

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "begin_outage",
        &[E::OutageTargetInvalid, E::OutageTimes, E::ZoneNotFound, E::InstanceNotFound, E::EniNotFound],
    ),
    ("list_outages", &[]),
    ("get_outage", &[E::OutageNotFound]),
    ("end_outage", &[E::OutageNotFound]),
];

/// The operations on outages.
pub fn router() -> Operations {
    Operations::new().routes(routes!(begin_outage, list_outages)).routes(routes!(get_outage, end_outage))
}

/// An outage.
#[derive(Serialize, ToSchema)]
pub struct OutageBody {
    /// Its id.
    #[schema(example = "out-bp1l0kk4gxce43kabcde")]
    id: String,
    /// The zone that is cut off, for this account; null if it is none.
    zone_id: Option<String>,
    /// The instance that is cut off with all its interfaces; null if it is none.
    instance_id: Option<String>,
    /// The interface that is cut off; null if it is none.
    network_interface_id: Option<String>,
    /// Whether it has begun.
    active: bool,
    /// From when on.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    from: String,
    /// Until when; null until somebody ends it.
    #[schema(example = "2026-01-01T00:05:00.000Z")]
    until: Option<String>,
}

fn show(_: &World, outage: &Outage) -> OutageBody {
    let mut body = OutageBody {
        id: outage.id.to_string(),
        zone_id: None,
        instance_id: None,
        network_interface_id: None,
        active: outage.active,
        from: outage.from.to_string(),
        until: outage.until.map(|until| until.to_string()),
    };
    match &outage.target {
        OutageTarget::Zone(zone) => body.zone_id = Some(zone.to_string()),
        OutageTarget::Instance(instance) => body.instance_id = Some(instance.to_string()),
        OutageTarget::Eni(eni) => body.network_interface_id = Some(eni.to_string()),
    }
    body
}

/// What shall be cut off: one of the three.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"zone_id": "cn-hangzhou-k", "from": "2026-01-01T00:01:00Z", "until": "2026-01-01T00:06:00Z"}))]
pub struct BeginOutageBody {
    /// A zone of the region, for this account.
    #[serde(default)]
    zone_id: Option<String>,
    /// An instance with all its interfaces.
    #[serde(default)]
    instance_id: Option<String>,
    /// An interface.
    #[serde(default)]
    network_interface_id: Option<String>,
    /// From when on: an instant of virtual time, RFC 3339 in UTC; now if absent.
    #[serde(default)]
    from: Option<String>,
    /// Until when; until somebody ends it if absent.
    #[serde(default)]
    until: Option<String>,
}

impl BeginOutageBody {
    fn target(&self) -> Outcome<OutageTarget> {
        match (&self.zone_id, &self.instance_id, &self.network_interface_id) {
            (Some(zone), None, None) => Ok(OutageTarget::Zone(ZoneId(zone.as_str().into()))),
            (None, Some(instance), None) => parse_id(instance).map(OutageTarget::Instance),
            (None, None, Some(eni)) => parse_id(eni).map(OutageTarget::Eni),
            _ => Err(Refusal::new(E::OutageTargetInvalid)
                .field("zone_id")
                .accepted("one of zone_id, instance_id and network_interface_id")),
        }
    }
}

/// An instant that does not read breaks the rule of an outage's times.
fn time(field: &str, text: Option<&str>) -> Outcome<Option<SimTime>> {
    let read = |text| {
        instant(field, text).map_err(|refusal| {
            let detail = refusal.details().detail.clone();
            Refusal::new(E::OutageTimes).field(field).detail(detail).accepted("2026-01-01T00:00:00Z")
        })
    };
    text.map(read).transpose()
}

/// Cut off a zone, an instance or an interface, now or later, for a time or until somebody ends it.
#[utoipa::path(post, path = "/v1/outages", tag = "Outage", request_body = BeginOutageBody,
    responses((status = 201, description = "The new outage.", body = OutageBody)))]
async fn begin_outage(ctx: Context, Body(body): Body<BeginOutageBody>) -> Result<Response, Problem> {
    let command = BeginOutage {
        target: body.target()?,
        from: time("from", body.from.as_deref())?,
        until: time("until", body.until.as_deref())?,
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<Outage>(&reply.id::<OutageId>())?;
        Some((format!("/v1/outages/{}", made.id), show(w, made)))
    })
    .await
}

/// List the outages that are under way or to come, oldest first.
#[utoipa::path(get, path = "/v1/outages", tag = "Outage", params(PageQuery),
    responses((status = 200, description = "A page of outages.", body = Page<OutageBody>)))]
async fn list_outages(ctx: Context, Query(page): Query<PageQuery>) -> Result<Response, Problem> {
    ctx.list(&page, Rows::<Outage>::all(|ix| &ix.outages.by_owner), show).await
}

/// Show an outage that is under way or to come.
#[utoipa::path(get, path = "/v1/outages/{outage_id}", tag = "Outage",
    params(("outage_id" = String, Path, description = "The outage.")),
    responses((status = 200, description = "The outage.", body = OutageBody)))]
async fn get_outage(ctx: Context, Path(outage): Path<String>) -> Result<Response, Problem> {
    let outage = id::<OutageId>(&outage)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<Outage>(caller, outage)?))).await
}

/// End an outage, or call one off that has not begun.
#[utoipa::path(delete, path = "/v1/outages/{outage_id}", tag = "Outage",
    params(("outage_id" = String, Path, description = "The outage.")),
    responses((status = 204, description = "It is over.")))]
async fn end_outage(ctx: Context, Path(outage): Path<String>) -> Result<Response, Problem> {
    ctx.remove(EndOutage { outage: id(&outage)? }).await
}
