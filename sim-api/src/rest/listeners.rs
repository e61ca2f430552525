//! Listeners of load balancers on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::listener_bodies::{
    AccessBody, AccessShown, HealthCheckBody, HealthCheckShown, IN_BODY, ProtocolBody, TrafficBody,
    TrafficShown, access_shown, health_check_shown, settings, traffic_shown,
};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{TagBody, tag_bodies, tag_pairs};
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::id::{ListenerId, LoadBalancerId, MasterSlaveGroupId, VServerGroupId};
use sim_core::slb::listener::{
    CreateListener, DeleteListener, Listener, ModifyListener, Protocol, StartListener, StopListener,
    WhichListener,
};
use sim_core::{ErrorCode as E, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_listener",
        &[
            E::ListenerDescriptionMalformed,
            E::ListenerPortReserved,
            E::ListenerParameter,
            E::ListenerParameterMissing,
            E::ListenerCheckRequest,
            E::ListenerCheckRequestLength,
            E::ListenerCheckAnswer,
            E::ListenerCheckAnswerLength,
            E::ListenerCertificateMissing,
            E::ListenerTargetMissing,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::LoadBalancerNotFound,
            E::ListenerGroupsBoth,
            E::ListenerMasterSlaveLayer,
            E::ListenerMasterSlaveUnchecked,
            E::VServerGroupNotFound,
            E::ListenerOtherGroup,
            E::MasterSlaveGroupNotFound,
            E::ListenerOtherMasterSlaveGroup,
            E::ListenerAcls,
            E::AclNotFound,
            E::ListenerAclFamily,
            E::ListenerAclEntryTwice,
            E::ListenerAclQuotaExceeded,
            E::ListenerAclEntriesExceeded,
            E::ServerCertificateNotFound,
            E::CaCertificateNotFound,
            E::TlsPolicyNotFound,
            E::TlsPolicyConfiguring,
            E::LoadBalancerLocked,
            E::ListenersProcessing,
            E::ListenerBackendsConfiguring,
            E::ListenerPortTaken,
            E::ListenerRedirectTarget,
            E::ListenerBandwidthExceeded,
            E::ListenerQuotaExceeded,
        ],
    ),
    ("list_listeners", &[E::LoadBalancerNotFound]),
    ("get_listener", &[E::ListenerNotFound]),
    (
        "update_listener",
        &[
            E::ListenerDescriptionMalformed,
            E::ListenerNotFound,
            E::ListenerParameter,
            E::ListenerParameterMissing,
            E::ListenerCheckRequest,
            E::ListenerCheckRequestLength,
            E::ListenerCheckAnswer,
            E::ListenerCheckAnswerLength,
            E::ListenerGroupsBoth,
            E::ListenerMasterSlaveLayer,
            E::ListenerMasterSlaveUnchecked,
            E::VServerGroupNotFound,
            E::ListenerOtherGroup,
            E::MasterSlaveGroupNotFound,
            E::ListenerOtherMasterSlaveGroup,
            E::ListenerAcls,
            E::AclNotFound,
            E::ListenerAclFamily,
            E::ListenerAclEntryTwice,
            E::ListenerAclQuotaExceeded,
            E::ListenerAclEntriesExceeded,
            E::ServerCertificateNotFound,
            E::CaCertificateNotFound,
            E::TlsPolicyNotFound,
            E::TlsPolicyConfiguring,
            E::LoadBalancerLocked,
            E::ListenerRedirects,
            E::ListenerChanging,
            E::ListenerStopping,
            E::ListenerBackendsConfiguring,
            E::ListenerBandwidthExceeded,
            E::ListenerNeedsGroup,
        ],
    ),
    (
        "start_listener",
        &[
            E::ListenerNotFound,
            E::LoadBalancerLocked,
            E::ListenerBusy,
            E::ListenerStopping,
            E::ListenerStatusIncorrect,
        ],
    ),
    (
        "stop_listener",
        &[
            E::ListenerNotFound,
            E::LoadBalancerLocked,
            E::ListenerBusy,
            E::ListenerStopping,
            E::ListenerStatusIncorrect,
        ],
    ),
    (
        "delete_listener",
        &[
            E::ListenerNotFound,
            E::LoadBalancerLocked,
            E::ListenerBusy,
            E::ListenerStopping,
            E::ListenerRedirected,
        ],
    ),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[
    ("create_listener", &[("listener_port", "port"), ("listener_protocol", "protocol")]),
    ("create_listener", IN_BODY),
    ("update_listener", &[("listener_port", "listener_id"), ("load_balancer_id", "listener_id")]),
    ("update_listener", IN_BODY),
];

/// The operations on listeners.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_listener, list_listeners))
        .routes(routes!(get_listener, update_listener, delete_listener))
        .routes(routes!(start_listener))
        .routes(routes!(stop_listener))
}

/// A listener.
#[derive(Serialize, ToSchema)]
pub struct ListenerBody {
    /// Its id on this wire; the provider knows a listener by load balancer, port and protocol.
    #[schema(example = "lsn-bp1q6jdlxn4h2vb9xkq8c")]
    id: String,
    /// stopped, starting, running, configuring or stopping.
    #[schema(example = "running")]
    status: &'static str,
    /// Its load balancer.
    load_balancer_id: String,
    /// Its port.
    #[schema(example = 80)]
    port: u16,
    /// tcp, udp, http or https.
    #[schema(example = "tcp")]
    protocol: &'static str,
    /// Its description; empty if it has none.
    description: String,
    /// The port of the members of the default pool; null if it was made without one.
    backend_server_port: Option<u16>,
    /// The vServer group that it forwards to, if it is one.
    vserver_group_id: Option<String>,
    /// The primary/secondary group that it forwards to, if it is one; without either it is the default pool.
    master_slave_server_group_id: Option<String>,
    /// The HTTPS port to which it sends clients instead of forwarding; null if it forwards.
    forward_port: Option<u16>,
    /// Which sources it lets through; null if it lets all through.
    access_control: Option<AccessShown>,
    /// How backends are checked.
    health_check: HealthCheckShown,
    /// What it does with traffic.
    traffic: TrafficShown,
    /// When it was made, in virtual time.
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn show(w: &World, l: &Listener) -> ListenerBody {
    ListenerBody {
        id: l.id.to_string(),
        status: l.status.text(),
        load_balancer_id: l.load_balancer.to_string(),
        port: l.port,
        protocol: l.protocol.text(),
        description: l.description.to_string(),
        backend_server_port: l.backend_port,
        vserver_group_id: l.group.map(|group| group.to_string()),
        master_slave_server_group_id: l.pair.map(|pair| pair.to_string()),
        forward_port: l.redirect,
        access_control: l.access.as_ref().map(access_shown),
        health_check: health_check_shown(&l.rules.health_check),
        traffic: traffic_shown(&l.rules),
        created_at: l.created.to_string(),
        tags: tag_bodies(w, l.id),
    }
}

/// What a new listener should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"load_balancer_id": "lb-bp1b6c719dfa08exfuca5", "port": 80, "protocol": "tcp",
    "backend_server_port": 8080, "traffic": {"scheduler": "rr"}}))]
pub struct CreateListenerBody {
    /// Its load balancer.
    load_balancer_id: String,
    /// Its port.
    #[schema(minimum = 1, maximum = 65535)]
    port: u16,
    /// What it speaks.
    protocol: ProtocolBody,
    /// Its description: 1 to 256 characters.
    #[serde(default)]
    description: Option<String>,
    /// The port of the members of the default pool.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 65535)]
    backend_server_port: Option<u16>,
    /// The vServer group that it forwards to.
    #[serde(default)]
    vserver_group_id: Option<String>,
    /// The primary/secondary group that it forwards to instead; TCP and UDP.
    #[serde(default)]
    master_slave_server_group_id: Option<String>,
    /// The HTTPS port to which an HTTP listener sends clients instead of forwarding; then nothing else counts.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 65535)]
    forward_port: Option<u16>,
    /// Which sources it lets through.
    #[serde(default)]
    access_control: AccessBody,
    /// How backends are checked.
    #[serde(default)]
    health_check: HealthCheckBody,
    /// What it does with traffic.
    #[serde(default)]
    traffic: TrafficBody,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Make a listener. It is stopped.
#[utoipa::path(post, path = "/v1/listeners", tag = "Listener", request_body = CreateListenerBody,
    responses((status = 201, description = "The new listener.", body = ListenerBody)))]
async fn create_listener(ctx: Context, Body(body): Body<CreateListenerBody>) -> Result<Response, Problem> {
    let command = CreateListener {
        load_balancer: parse_id(&body.load_balancer_id)?,
        port: body.port,
        protocol: body.protocol.into(),
        description: body.description.map(Into::into),
        backend_port: body.backend_server_port,
        group: body.vserver_group_id.as_deref().map(parse_id::<VServerGroupId>).transpose()?,
        pair: body.master_slave_server_group_id.as_deref().map(parse_id::<MasterSlaveGroupId>).transpose()?,
        redirect: body.forward_port,
        access: body.access_control.settings()?,
        settings: Box::new(settings(body.traffic, body.health_check)?),
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<Listener>(&reply.id::<ListenerId>())?;
        Some((format!("/v1/listeners/{}", made.id), show(w, made)))
    })
    .await
}

/// Which listeners to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListenerFilter {
    /// Only those of this load balancer.
    load_balancer_id: Option<String>,
    /// Only those on this port.
    #[param(minimum = 0, maximum = 65535)]
    port: Option<u16>,
    /// Only tcp, udp, http or https.
    protocol: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List listeners, oldest first.
#[utoipa::path(get, path = "/v1/listeners", tag = "Listener", params(ListenerFilter),
    responses((status = 200, description = "A page of listeners.", body = Page<ListenerBody>)))]
async fn list_listeners(ctx: Context, Query(filter): Query<ListenerFilter>) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let balancer = sought_id::<LoadBalancerId>(filter.load_balancer_id.as_deref())?;
    let rows = Rows::<Listener>::all(|ix| &ix.listeners.by_owner)
        .of(balancer, |ix| &ix.listeners.by_load_balancer)
        .keep(filter.port, |_, l, port| l.port == *port)
        .keep(filter.protocol, |_, l, protocol| l.protocol.text() == protocol);
    ctx.list(&page, rows, show).await
}

/// Show a listener.
#[utoipa::path(get, path = "/v1/listeners/{listener_id}", tag = "Listener",
    params(("listener_id" = String, Path, description = "The listener.")),
    responses((status = 200, description = "The listener.", body = ListenerBody)))]
async fn get_listener(ctx: Context, Path(listener): Path<String>) -> Result<Response, Problem> {
    let listener = id::<ListenerId>(&listener)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<Listener>(caller, listener)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"health_check": {"interval": 5}}))]
pub struct UpdateListenerBody {
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
    /// The vServer group that it forwards to from now on.
    #[serde(default)]
    vserver_group_id: Option<String>,
    /// The primary/secondary group that it forwards to from now on; TCP and UDP.
    #[serde(default)]
    master_slave_server_group_id: Option<String>,
    /// Whether it forwards to the default pool from now on.
    #[serde(default)]
    default_pool: bool,
    /// Which sources it lets through.
    #[serde(default)]
    access_control: AccessBody,
    /// How backends are checked.
    #[serde(default)]
    health_check: HealthCheckBody,
    /// What it does with traffic.
    #[serde(default)]
    traffic: TrafficBody,
}

/// What the provider knows a listener by.
pub(super) async fn which(ctx: &Context, listener: ListenerId) -> Result<(WhichListener, Protocol), Problem> {
    ctx.read(|w, caller| {
        let l = w.visible::<Listener>(caller, listener)?;
        let which =
            WhichListener { load_balancer: l.load_balancer, port: l.port, protocol: Some(l.protocol) };
        Ok((which, l.protocol))
    })
    .await
}

/// Change a listener.
#[utoipa::path(patch, path = "/v1/listeners/{listener_id}", tag = "Listener", request_body = UpdateListenerBody,
    params(("listener_id" = String, Path, description = "The listener.")),
    responses((status = 200, description = "The listener as it is now.", body = ListenerBody)))]
async fn update_listener(
    ctx: Context,
    Path(listener): Path<String>,
    Body(body): Body<UpdateListenerBody>,
) -> Result<Response, Problem> {
    let listener = id::<ListenerId>(&listener)?;
    let (which, protocol) = which(&ctx, listener).await?;
    let named = body.vserver_group_id.as_deref().map(parse_id::<VServerGroupId>).transpose()?;
    let pair = body.master_slave_server_group_id.as_deref();
    let pair = pair.map(parse_id::<MasterSlaveGroupId>).transpose()?;
    let command = ModifyListener {
        load_balancer: which.load_balancer,
        port: which.port,
        protocol,
        description: body.description.map(Into::into),
        group: if body.default_pool { Some(None) } else { named.map(Some) },
        pair: if body.default_pool { Some(None) } else { pair.map(Some) },
        same_kind: false,
        access: body.access_control.settings()?,
        settings: Box::new(settings(body.traffic, body.health_check)?),
    };
    ctx.change_row(command, listener, show).await
}

/// Start a listener.
#[utoipa::path(post, path = "/v1/listeners/{listener_id}/start", tag = "Listener",
    params(("listener_id" = String, Path, description = "The listener.")),
    responses((status = 200, description = "The listener as it is now.", body = ListenerBody)))]
async fn start_listener(ctx: Context, Path(listener): Path<String>) -> Result<Response, Problem> {
    let listener = id::<ListenerId>(&listener)?;
    let (which, _) = which(&ctx, listener).await?;
    let command = StartListener { listener: which };
    ctx.change_row(command, listener, show).await
}

/// Stop a listener.
#[utoipa::path(post, path = "/v1/listeners/{listener_id}/stop", tag = "Listener",
    params(("listener_id" = String, Path, description = "The listener.")),
    responses((status = 200, description = "The listener as it is now.", body = ListenerBody)))]
async fn stop_listener(ctx: Context, Path(listener): Path<String>) -> Result<Response, Problem> {
    let listener = id::<ListenerId>(&listener)?;
    let (which, _) = which(&ctx, listener).await?;
    let command = StopListener { listener: which };
    ctx.change_row(command, listener, show).await
}

/// Delete a listener.
#[utoipa::path(delete, path = "/v1/listeners/{listener_id}", tag = "Listener",
    params(("listener_id" = String, Path, description = "The listener.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_listener(ctx: Context, Path(listener): Path<String>) -> Result<Response, Problem> {
    let (which, _) = which(&ctx, id::<ListenerId>(&listener)?).await?;
    ctx.remove(DeleteListener { listener: which }).await
}
