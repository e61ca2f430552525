//! The health of what stands behind a load balancer.

use super::context::{Context, Path, Query, id};
use super::listener_bodies::ProtocolBody;
use super::operations::{Operations, routes};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::balancing::probe_series::Health;
use sim_core::id::LoadBalancerId;
use sim_core::slb::health::{self, MemberHealth};
use sim_core::slb::listener::Listener;
use sim_core::slb::member::Served;
use sim_core::slb::serving::{self, Serving};
use sim_core::{ErrorCode as E, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals =
    &[("list_backend_health", &[E::LoadBalancerNotFound, E::ListenerNotFound, E::ListenerAmbiguous])];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf =
    &[("list_backend_health", &[("listener_port", "port"), ("listener_protocol", "protocol")])];

/// The operations on the health of backends.
pub fn router() -> Operations {
    Operations::new().routes(routes!(list_backend_health))
}

/// What a health check says of a backend.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum HealthWord {
    /// Too few probes have ended, or there are none.
    Unavailable,
    /// It takes traffic.
    Normal,
    /// It takes none.
    Abnormal,
}

impl From<Health> for HealthWord {
    fn from(health: Health) -> HealthWord {
        match health {
            Health::Unavailable => HealthWord::Unavailable,
            Health::Normal => HealthWord::Normal,
            Health::Abnormal => HealthWord::Abnormal,
        }
    }
}

/// A backend as a listener sees it.
#[derive(Serialize, ToSchema)]
pub struct BackendHealthBody {
    /// The listener.
    #[schema(example = "lsn-bp1s0vzbfxld0re4r7kcu")]
    listener_id: String,
    /// The listener's port.
    #[schema(example = 80)]
    listener_port: u16,
    /// The forwarding rule by which it serves; null if the listener's own pool has it.
    #[schema(example = "rule-bp1s0vzbfxld0re4r7kcu")]
    forwarding_rule_id: Option<String>,
    /// tcp, udp, http or https.
    #[schema(example = "tcp")]
    protocol: &'static str,
    /// The instance or network interface.
    #[schema(example = "i-bp1fdv1h9qu0ts0wqhkb")]
    server_id: String,
    /// ecs or eni.
    #[schema(example = "ecs")]
    r#type: &'static str,
    /// The address at which it serves: the one that it came with, which stays when the server loses it, or the primary one.
    #[schema(example = "10.0.1.1")]
    address: Option<String>,
    /// The port at which it serves.
    #[schema(example = 8080)]
    port: u16,
    /// Its share of new requests: 0 to 100. With 0 it gets none and is reported as normal.
    #[schema(example = 100)]
    weight: u8,
    /// unavailable while too few probes have ended, or where there are none.
    health: HealthWord,
    /// Since when it is so, in virtual time; null if no verdict has fallen.
    #[schema(example = "2026-01-01T00:00:04.000Z")]
    since: Option<String>,
    /// When a verdict falls next if the backend goes on to answer as it does; null if none does.
    #[schema(example = "2026-01-01T00:00:23.000Z")]
    next_change_at: Option<String>,
    /// Whether it gets new connections.
    takes_traffic: bool,
}

/// The health of what stands behind a load balancer.
#[derive(Serialize, ToSchema)]
pub struct BackendHealthList {
    /// By listener, in the order of ports: the members of its own pool in the order in which they came, and after them those of
    /// its forwarding rules.
    items: Vec<BackendHealthBody>,
}

fn show(w: &World, l: &Listener, serving: &Serving<'_>, served: Served<'_>) -> BackendHealthBody {
    let MemberHealth { health, since, next_change, takes_traffic } = health::of_member(w, l, serving, served);
    let backend = served.backend;
    BackendHealthBody {
        listener_id: l.id.to_string(),
        listener_port: l.port,
        forwarding_rule_id: serving.rule.map(|rule| rule.id.to_string()),
        protocol: l.protocol.text(),
        server_id: backend.server.id().to_string(),
        r#type: backend.server.type_text(),
        address: backend.known_address(w).map(|address| address.to_string()),
        port: served.port,
        weight: backend.weight,
        health: health.into(),
        since: since.map(|at| at.to_string()),
        next_change_at: next_change.map(|at| at.to_string()),
        takes_traffic,
    }
}

/// Whose health to show.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HealthFilter {
    /// Only of the listener on this port: 1 to 65535.
    #[param(minimum = 1, maximum = 65535)]
    port: Option<u16>,
    /// Only of listeners of this protocol; needed if the port has two.
    protocol: Option<ProtocolBody>,
}

/// Show the health of what stands behind a load balancer, at the present instant of virtual time.
#[utoipa::path(get, path = "/v1/load-balancers/{load_balancer_id}/health", tag = "Backend server",
    params(("load_balancer_id" = String, Path, description = "The load balancer."), HealthFilter),
    responses((status = 200, description = "The backends of each listener.", body = BackendHealthList)))]
async fn list_backend_health(
    ctx: Context,
    Path(balancer): Path<String>,
    Query(filter): Query<HealthFilter>,
) -> Result<Response, Problem> {
    let balancer = id::<LoadBalancerId>(&balancer)?;
    let protocol = filter.protocol.map(Into::into);
    ctx.show(|w, caller| {
        let listeners = health::listeners_asked(w, caller, balancer, filter.port, protocol)?;
        let of = |l: &&Listener| {
            let l: &Listener = l;
            let all = serving::all(w, l);
            let members =
                |s: &Serving<'_>| s.members().map(|served| show(w, l, s, served)).collect::<Vec<_>>();
            all.iter().flat_map(members).collect::<Vec<_>>()
        };
        Ok(BackendHealthList { items: listeners.iter().flat_map(of).collect() })
    })
    .await
}
