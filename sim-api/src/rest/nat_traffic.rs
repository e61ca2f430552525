//! Simulated hosts behind a NAT gateway on the native wire: a scenario in, the report or its chart out. Nothing is made or
//! changed.

use super::context::{Body, Context, Query};
use super::form::FormQuery;
use super::operations::{Operations, routes};
use super::traffic::{check_number, simulate};
use crate::chart;
use crate::problem::Problem;
use crate::refusals::Refusals;
use axum::http::HeaderMap;
use axum::response::Response;
use sim_core::traffic::nat::{self, Report, Scenario, of_world};
use sim_core::{ErrorCode as E, Refusal};

/// What the operation can refuse.
pub const REFUSALS: Refusals =
    &[("run_nat_traffic", &[E::InvalidParameter, E::SnatEntryNotFound, E::SnatEntryStatusIncorrect])];

/// The operation on scenarios of hosts behind a NAT gateway.
pub fn router() -> Operations {
    Operations::new().routes(routes!(run_nat_traffic))
}

/// Simulate hosts that go out through a NAT gateway over virtual time, and report who found no port.
///
/// An address has 55,000 ports for each destination. The scenario says who connects, to how many destinations, and by how many
/// addresses; or it names an SNAT entry of the world by `of_world`, whose addresses and affinity are taken over. The report
/// tells sessions and ports in use by address over time, failures by cause, and when a destination had no port left. The same
/// scenario gives the same bytes. A run has at most 5,000,000 connections here; the command line takes more. The chart is an SVG
/// image of ports in use over time.
#[utoipa::path(post, path = "/v1/traffic/nat", tag = "Traffic", params(FormQuery),
    request_body(content = Scenario, examples(
        ("crawler" = (summary = "Connections to one server that hold their port after they were closed", value = json!({
            "seed": 7, "duration": "10m", "hosts": {"number": 40, "rate": 400, "connection": "5s", "connection_max": "1m"},
            "nat": {"addresses": 1}}))),
        ("of_world" = (summary = "An SNAT entry of the world, whose hosts forget to close", value = json!({
            "duration": "30m", "hosts": {"rate": 50, "connection": "10s", "abandoned": 20, "destinations": 3},
            "of_world": {"snat_entry_id": "snat-bp1vcgcf8tm0plqcg4cs0"}}))),
        ("udp" = (summary = "Flows that come anew because they were idle for more than a minute", value = json!({
            "duration": "10m", "hosts": {"rate": 20, "protocol": "udp", "connection": "5m", "interval": "70s"},
            "nat": {"addresses": 2, "affinity": true}}))))),
    responses((status = 200, description = "What came of it.", content(
        (Report = "application/json"), (String = "image/svg+xml")))))]
async fn run_nat_traffic(
    ctx: Context,
    Query(query): Query<FormQuery>,
    headers: HeaderMap,
    Body(scenario): Body<Scenario>,
) -> Result<Response, Problem> {
    let scenario = ctx.read(|w, caller| of_world::take_over(w, caller, scenario)).await?;
    scenario.check().map_err(Refusal::from)?;
    check_number(scenario.sessions(), "hosts/rate")?;
    let report = simulate(move |progress| nat::run(&scenario, progress)).await?;
    Ok(query.told(&headers, report, chart::nat::svg))
}
