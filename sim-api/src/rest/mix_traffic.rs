//! Mixes of simulated clients on the native wire: a scenario in, the report or its chart out. Nothing is made or
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
use sim_core::traffic::mix::{self, Report, Scenario, of_world};
use sim_core::{ErrorCode as E, Refusal};

/// What the operation can refuse.
pub const REFUSALS: Refusals = &[(
    "run_mix_traffic",
    &[
        E::InvalidParameter,
        E::LoadBalancerNotFound,
        E::ListenerNotFound,
        E::ListenerAmbiguous,
        E::ListenerStatusIncorrect,
    ],
)];

/// The operation on mixes.
pub fn router() -> Operations {
    Operations::new().routes(routes!(run_mix_traffic))
}

/// Simulate clients of several listeners together over virtual time, and report what came of it.
///
/// Each kind of clients has a rate of its own, and asks for hosts and paths by shares. Each request asks the
/// forwarding rules of its listener and goes to the group of the one that takes it, with the weights, scheduler,
/// stickiness and health check there; listeners and load balancers share backends, and a fault is common to them. A
/// listener that redirects answers so, and clients follow it to the other listener or do not; after 20 redirects they
/// give up. Access control judges clients by the addresses that they have `from`; listeners with a bandwidth have it for
/// themselves and others share what is left of their load balancer's. The scenario describes all that, or its clients name
/// listeners of the world by `of_world`. The report
/// tells requests and failures over time by clients, by listener and rule, and by backend. The same scenario gives
/// the same bytes. A run has at most 5,000,000 connections here, with requests over them and redirects; the command
/// line takes more. The chart is an SVG image.
#[utoipa::path(post, path = "/v1/traffic/mix", tag = "Traffic", params(FormQuery),
    request_body(content = Scenario, examples(
        ("shop" = (summary = "Pages and carts behind HTTPS, with a redirect from HTTP, on the same hosts", value = json!({
            "seed": 7, "duration": "2m",
            "clients": [
                {"name": "browsers", "listener": "http", "rate": 100, "ask": [
                    {"host": "shop.example", "share": 3}, {"host": "shop.example", "path": "/cart/1", "share": 1}]},
                {"name": "apps", "listener": "https", "rate": 50, "ask": [{"host": "shop.example", "path": "/cart"}]}],
            "listener": [
                {"name": "http", "protocol": "http", "redirect": "https"},
                {"name": "https", "protocol": "https", "group": "pages", "rule": [
                    {"name": "cart", "domain": "shop.example", "url": "/cart", "group": "carts"}]}],
            "health_check": {},
            "group": [
                {"name": "pages", "member": [{"backend": "web-1"}, {"backend": "web-2", "weight": 50}]},
                {"name": "carts", "member": [{"backend": "web-2"}, {"backend": "web-3"}]}],
            "backend": [{"name": "web-1"}, {"name": "web-2"}, {"name": "web-3"}],
            "fault": [{"at": "30s", "backend": "web-2", "answers": "refuses"},
                {"at": "1m", "backend": "web-2", "answers": "5ms"}]}))),
        ("of_world" = (summary = "Two listeners of the world", value = json!({
            "duration": "5m",
            "clients": [
                {"name": "browsers", "rate": 100, "of_world": {"load_balancer_id": "lb-bp1b6c719dfa08exfuca5", "port": 80}},
                {"name": "apps", "rate": 50, "of_world": {"load_balancer_id": "lb-bp1b6c719dfa08exfuca5", "port": 443},
                    "ask": [{"host": "shop.example", "path": "/cart"}]}],
            "fault": [{"at": "1m", "backend": "i-bp14fshsqp65fwoc0qls", "answers": "refuses"}]}))))),
    responses((status = 200, description = "What came of it.", content(
        (Report = "application/json"), (String = "image/svg+xml")))))]
async fn run_mix_traffic(
    ctx: Context,
    Query(query): Query<FormQuery>,
    headers: HeaderMap,
    Body(scenario): Body<Scenario>,
) -> Result<Response, Problem> {
    let scenario = ctx.read(|w, caller| of_world::take_over(w, caller, scenario)).await?;
    scenario.check().map_err(Refusal::from)?;
    check_number(scenario.requests(), "clients/0/rate")?;
    let report = simulate(move |progress| mix::run(&scenario, progress)).await?;
    Ok(query.told(&headers, report, chart::mix::svg))
}
