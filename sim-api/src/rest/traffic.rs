//! Simulated clients on the native wire: a scenario in, the report or its chart out. Nothing is made or changed.

use super::context::{Body, Context, Query};
use super::form::FormQuery;
use super::operations::{Operations, routes};
use crate::chart;
use crate::engine::EngineError;
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::GiveUp;
use axum::http::HeaderMap;
use axum::response::Response;
use sim_core::traffic::bad::BadScenario;
use sim_core::traffic::{self, Report, Scenario, of_world};
use sim_core::{ErrorCode as E, Refusal};
use std::sync::atomic::Ordering;
use tokio::sync::Semaphore;

/// What the operation can refuse.
pub const REFUSALS: Refusals = &[(
    "run_traffic",
    &[
        E::InvalidParameter,
        E::LoadBalancerNotFound,
        E::ListenerNotFound,
        E::ListenerAmbiguous,
        E::ListenerStatusIncorrect,
    ],
)];

/// The most connections of a run on this wire; the command line takes more.
const MOST_CONNECTIONS: u64 = 5_000_000;
/// How many runs go on at a time; others wait.
static RUNS: Semaphore = Semaphore::const_new(2);

/// The operation on scenarios.
pub fn router() -> Operations {
    Operations::new().routes(routes!(run_traffic))
}

/// Refuses a run of more connections than this wire takes.
pub(super) fn check_number(connections: u64, field: &'static str) -> Result<(), Refusal> {
    if connections <= MOST_CONNECTIONS {
        return Ok(());
    }
    Err(Refusal::new(E::InvalidParameter)
        .field(field)
        .detail(format!("{connections} connections and requests would come."))
        .accepted(format!("at most {MOST_CONNECTIONS}, or the command line")))
}

/// Simulate clients of a load balancer's listener over virtual time, and report what came of it.
///
/// The scenario says who comes, what they come to, how backends answer and what happens to them; or it names a listener of
/// the world by `of_world`, whose scheduler, stickiness, limits, health check, members and schedules are taken over; with a host
/// or a path those of the forwarding rule that takes the request. Its access control judges clients by the addresses that they
/// have `from`, and one whose lists would judge clients without is refused; bandwidths that are paid limit what they bring in. A
/// run depends on its scenario alone: the same scenario gives the same bytes. It has at most 5,000,000 connections here, and
/// requests over them; the command line takes more. The chart is an SVG image of connections and failures over time.
#[utoipa::path(post, path = "/v1/traffic", tag = "Traffic", params(FormQuery),
    request_body(content = Scenario, examples(
        ("outage" = (summary = "A backend falls silent and comes back", value = json!({
            "seed": 7, "duration": "2m", "clients": {"number": 200, "rate": 300, "connection": "500ms", "connection_max": "4s"},
            "listener": {"protocol": "tcp", "scheduler": "wrr", "spec": "slb.s2.small"}, "health_check": {},
            "backend": [{"name": "web-1"}, {"name": "web-2"}, {"name": "web-3", "weight": 50}],
            "fault": [{"at": "20s", "backend": "web-1", "answers": "silent"}, {"at": "1m", "backend": "web-1", "answers": "5ms"}]}))),
        ("of_world" = (summary = "A listener of the world", value = json!({
            "duration": "5m", "clients": {"rate": 100},
            "of_world": {"load_balancer_id": "lb-bp1b6c719dfa08exfuca5", "port": 80, "host": "shop.example", "path": "/cart"},
            "fault": [{"at": "1m", "backend": "i-bp14fshsqp65fwoc0qls", "answers": "refuses"}]}))),
        ("access" = (summary = "A list that keeps a network out, and a bandwidth", value = json!({
            "duration": "1m", "clients": {"rate": 100, "bytes": 20000, "from": ["203.0.113.0/24"]},
            "listener": {"acl_type": "black", "acl": ["203.0.113.64/26"], "bandwidth": 10}, "backend": [{"name": "web-1"}]}))),
        ("attack" = (summary = "An attack that ends in a black hole", value = json!({
            "duration": "4h", "clients": {"rate": 10}, "backend": [{"name": "web-1"}], "protection": {"bandwidth": 200},
            "attack": [{"at": "5m", "lasts": "10m", "mbps": 3000}]}))))),
    responses((status = 200, description = "What came of it.", content(
        (Report = "application/json"), (String = "image/svg+xml")))))]
async fn run_traffic(
    ctx: Context,
    Query(query): Query<FormQuery>,
    headers: HeaderMap,
    Body(scenario): Body<Scenario>,
) -> Result<Response, Problem> {
    let scenario = ctx.read(|w, caller| of_world::take_over(w, caller, scenario)).await?;
    scenario.check().map_err(Refusal::from)?;
    check_number(scenario.requests(), "clients/rate")?;
    let report = simulate(move |progress| traffic::run(&scenario, progress)).await?;
    Ok(query.told(&headers, report, chart::svg))
}

/// Runs a scenario beside the server's other work; it ends early if the request does.
pub(super) async fn simulate<R: Send + 'static>(
    run: impl FnOnce(&mut dyn FnMut(u64) -> bool) -> Result<Option<R>, BadScenario> + Send + 'static,
) -> Result<R, Problem> {
    let permit = RUNS.acquire().await.map_err(|e| EngineError::Panicked(e.to_string()))?;
    let guard = GiveUp::default();
    let given_up = guard.seen();
    let run = move || {
        let _permit = permit;
        run(&mut |_| !given_up.load(Ordering::Relaxed))
    };
    let report = tokio::task::spawn_blocking(run).await.map_err(|e| EngineError::Panicked(e.to_string()))?;
    drop(guard);
    let report = report.map_err(Refusal::from)?;
    Ok(report.ok_or_else(|| EngineError::Panicked("a run ended before its request".to_owned()))?)
}
