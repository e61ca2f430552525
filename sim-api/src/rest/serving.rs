//! Which pool serves a listener, or one request to it, on the native wire.

use super::context::{Context, Path, Query, id};
use super::listener_bodies::{HealthCheckShown, health_check_shown};
use super::operations::{Operations, routes};
use super::server_groups::{BackendBody, backend};
use crate::problem::Problem;
use crate::refusals::Refusals;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::id::ListenerId;
use sim_core::slb::domain_extension;
use sim_core::slb::listener::Listener;
use sim_core::slb::serving::{self, HttpRequest, Serving, ServingPool};
use sim_core::{ErrorCode as E, Refusal, World};
use utoipa::{IntoParams, ToSchema};

/// What the operation can refuse.
pub const REFUSALS: Refusals = &[("get_serving_pool", &[E::ListenerNotFound, E::ListenerParameter])];

/// The operation.
pub fn router() -> Operations {
    Operations::new().routes(routes!(get_serving_pool))
}

/// What serves a listener, or one request to it.
#[derive(Serialize, ToSchema)]
pub struct ServingBody {
    /// The forwarding rule that takes the request; null if none does.
    forwarding_rule_id: Option<String>,
    /// default, vserver_group or master_slave_server_group; null if the listener sends its clients to another.
    #[schema(example = "vserver_group")]
    pool: Option<&'static str>,
    /// The vServer group, if it is one.
    vserver_group_id: Option<String>,
    /// The primary/secondary group, if it is one.
    master_slave_server_group_id: Option<String>,
    /// The HTTPS port to which the listener sends its clients; null if it forwards.
    forward_port: Option<u16>,
    /// The certificate that a client sees who asks for the host by its name; null if the listener speaks no TLS.
    server_certificate_id: Option<String>,
    /// How a member is chosen.
    scheduler: Option<&'static str>,
    /// How members are checked.
    health_check: Option<HealthCheckShown>,
    /// The members, each with the port at which it serves.
    backends: Vec<BackendBody>,
}

fn show(w: &World, listener: &Listener, host: &str, serving: Option<&Serving<'_>>) -> ServingBody {
    let pool = serving.map(|serving| serving.pool);
    let word = |pool| match pool {
        ServingPool::Default(_) => "default",
        ServingPool::Group(_) => "vserver_group",
        ServingPool::Pair(_) => "master_slave_server_group",
    };
    let members = |serving: &Serving<'_>| {
        serving.members().map(|member| backend(w, member.backend, Some(member.port))).collect()
    };
    ServingBody {
        forwarding_rule_id: serving.and_then(|serving| serving.rule).map(|rule| rule.id.to_string()),
        pool: pool.map(word),
        vserver_group_id: pool.and_then(ServingPool::vserver_group).map(|id| id.to_string()),
        master_slave_server_group_id: pool.and_then(ServingPool::pair).map(|id| id.to_string()),
        forward_port: listener.redirect,
        server_certificate_id: domain_extension::certificate_for(w, listener, host).map(|id| id.to_string()),
        scheduler: serving.map(|serving| serving.scheduler.text()),
        health_check: serving.map(|serving| health_check_shown(serving.health_check)),
        backends: serving.map(members).unwrap_or_default(),
    }
}

/// What a request asks for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RequestQuery {
    /// What its Host header says; none if absent.
    #[param(example = "www.example.com")]
    host: Option<String>,
    /// Its path with the query; / if absent.
    #[param(example = "/cart/1")]
    path: Option<String>,
}

/// Show which pool serves a listener, or one request to it where it speaks HTTP.
///
/// Of the forwarding rules those of the nearest domain are asked, and of them the one with the longest URL with which the
/// path begins takes the request; then comes the listener's own group, then the default pool.
#[utoipa::path(get, path = "/v1/listeners/{listener_id}/serving-pool", tag = "Forwarding rule",
    params(("listener_id" = String, Path, description = "The listener."), RequestQuery),
    responses((status = 200, description = "The pool and its members.", body = ServingBody)))]
async fn get_serving_pool(
    ctx: Context,
    Path(listener): Path<String>,
    Query(request): Query<RequestQuery>,
) -> Result<Response, Problem> {
    let listener = id::<ListenerId>(&listener)?;
    let (host, path) = (request.host.unwrap_or_default(), request.path.unwrap_or_else(|| "/".to_owned()));
    if !path.starts_with('/') {
        return Err(Refusal::new(E::ListenerParameter)
            .field("path")
            .accepted("a path, a slash first")
            .into());
    }
    ctx.show(|w, caller| {
        let listener = w.visible::<Listener>(caller, listener)?;
        let request = HttpRequest { host: &host, path: &path };
        Ok(show(w, listener, &host, serving::of(w, listener, Some(request)).as_ref()))
    })
    .await
}
