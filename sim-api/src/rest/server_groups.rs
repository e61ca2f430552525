//! vServer groups, and what stands behind a load balancer, on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{TagBody, read_each, tag_bodies, tag_pairs};
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::id::{LoadBalancerId, VServerGroupId};
use sim_core::slb::backend::{
    AddBackends, Backend, Leaving, Member, NewBackend, Pool, RemoveBackends, ReplaceBackends, Server,
    SetBackends,
};
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::slb::member::parse_address;
use sim_core::slb::server_group::{CreateVServerGroup, DeleteVServerGroup, VServerGroup};
use sim_core::{ErrorCode as E, Outcome, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_vserver_group",
        &[
            E::VServerGroupNameMalformed,
            E::AddressMalformed,
            E::BackendIpv6,
            E::BackendTypeUnknown,
            E::BackendPort,
            E::BackendWeight,
            E::BackendDescriptionMalformed,
            E::BackendListSize,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::LoadBalancerNotFound,
            E::LoadBalancerLocked,
            E::BackendNotFound,
            E::BackendEniNotFound,
            E::BackendNotRunning,
            E::BackendAddress,
            E::BackendOtherVpc,
            E::BackendPresent,
            E::BackendQuotaExceeded,
            E::BackendAttachmentsExceeded,
        ],
    ),
    ("list_vserver_groups", &[E::LoadBalancerNotFound]),
    ("get_vserver_group", &[E::VServerGroupNotFound]),
    (
        "update_vserver_group",
        &[
            E::VServerGroupNameMalformed,
            E::AddressMalformed,
            E::BackendIpv6,
            E::BackendTypeUnknown,
            E::BackendNotFound,
            E::BackendEniNotFound,
            E::BackendPort,
            E::BackendWeight,
            E::BackendDescriptionMalformed,
            E::BackendListSize,
            E::VServerGroupNotFound,
            E::LoadBalancerLocked,
            E::BackendsConfiguring,
            E::BackendNotMember,
        ],
    ),
    (
        "delete_vserver_group",
        &[
            E::VServerGroupNotFound,
            E::LoadBalancerLocked,
            E::VServerGroupProcessing,
            E::VServerGroupInUse,
            E::VServerGroupInRule,
        ],
    ),
    (
        "add_vserver_group_backends",
        &[
            E::AddressMalformed,
            E::BackendIpv6,
            E::BackendTypeUnknown,
            E::BackendPort,
            E::BackendWeight,
            E::BackendDescriptionMalformed,
            E::BackendListSize,
            E::VServerGroupNotFound,
            E::LoadBalancerLocked,
            E::BackendsConfiguring,
            E::BackendNotFound,
            E::BackendEniNotFound,
            E::BackendNotRunning,
            E::BackendAddress,
            E::BackendOtherVpc,
            E::BackendPresent,
            E::BackendQuotaExceeded,
            E::BackendAttachmentsExceeded,
        ],
    ),
    (
        "remove_vserver_group_backends",
        &[
            E::AddressMalformed,
            E::BackendIpv6,
            E::BackendTypeUnknown,
            E::BackendPort,
            E::BackendListSize,
            E::VServerGroupNotFound,
            E::LoadBalancerLocked,
            E::BackendsConfiguring,
        ],
    ),
    (
        "replace_vserver_group_backends",
        &[
            E::AddressMalformed,
            E::BackendIpv6,
            E::BackendTypeUnknown,
            E::BackendPort,
            E::BackendWeight,
            E::BackendDescriptionMalformed,
            E::BackendRepeated,
            E::BackendListSize,
            E::VServerGroupNotFound,
            E::LoadBalancerLocked,
            E::BackendsConfiguring,
            E::BackendNotFound,
            E::BackendEniNotFound,
            E::BackendNotRunning,
            E::BackendAddress,
            E::BackendOtherVpc,
            E::BackendPresent,
            E::BackendQuotaExceeded,
            E::BackendAttachmentsExceeded,
        ],
    ),
    ("list_backends", &[E::LoadBalancerNotFound]),
    (
        "add_backends",
        &[
            E::AddressMalformed,
            E::BackendIpv6,
            E::BackendTypeUnknown,
            E::BackendPort,
            E::BackendWeight,
            E::BackendDescriptionMalformed,
            E::BackendListSize,
            E::LoadBalancerNotFound,
            E::LoadBalancerLocked,
            E::BackendsConfiguring,
            E::BackendNotFound,
            E::BackendEniNotFound,
            E::BackendNotRunning,
            E::BackendAddress,
            E::BackendOtherVpc,
            E::BackendPresent,
            E::BackendQuotaExceeded,
            E::BackendAttachmentsExceeded,
        ],
    ),
    (
        "update_backends",
        &[
            E::AddressMalformed,
            E::BackendIpv6,
            E::BackendTypeUnknown,
            E::BackendNotFound,
            E::BackendEniNotFound,
            E::BackendPort,
            E::BackendWeight,
            E::BackendDescriptionMalformed,
            E::BackendListSize,
            E::LoadBalancerNotFound,
            E::LoadBalancerLocked,
            E::BackendsConfiguring,
            E::BackendNotMember,
        ],
    ),
    (
        "remove_backends",
        &[
            E::AddressMalformed,
            E::BackendIpv6,
            E::BackendTypeUnknown,
            E::BackendPort,
            E::BackendListSize,
            E::LoadBalancerNotFound,
            E::LoadBalancerLocked,
            E::BackendsConfiguring,
        ],
    ),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[
    ("update_vserver_group", &[("load_balancer_id", "vserver_group_id")]),
    ("add_vserver_group_backends", &[("load_balancer_id", "vserver_group_id")]),
    ("remove_vserver_group_backends", &[("load_balancer_id", "vserver_group_id")]),
    ("replace_vserver_group_backends", &[("load_balancer_id", "vserver_group_id"), ("backends", "new")]),
];

/// The operations on vServer groups and default pools.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_vserver_group, list_vserver_groups))
        .routes(routes!(get_vserver_group, update_vserver_group, delete_vserver_group))
        .routes(routes!(add_vserver_group_backends))
        .routes(routes!(remove_vserver_group_backends))
        .routes(routes!(replace_vserver_group_backends))
        .routes(routes!(list_backends, add_backends, update_backends))
        .routes(routes!(remove_backends))
}

/// A server behind a load balancer.
#[derive(Serialize, ToSchema)]
pub struct BackendBody {
    /// The instance or network interface.
    #[schema(example = "i-bp1fdv1h9qu0ts0wqhkb")]
    server_id: String,
    /// ecs or eni.
    #[schema(example = "ecs")]
    r#type: &'static str,
    /// The address at which it serves: the one that it came with, which stays when the server loses it, or the primary one.
    #[schema(example = "10.0.1.1")]
    address: Option<String>,
    /// The port; null in a default pool, where it is the listener's.
    #[schema(example = 80)]
    port: Option<u16>,
    /// Its share of new requests: 0 to 100.
    #[schema(example = 100)]
    weight: u8,
    /// Its description; empty if it has none.
    description: String,
}

/// Shows a member with the port at which it serves, if that is known.
pub(super) fn backend(w: &World, b: &Backend, port: Option<u16>) -> BackendBody {
    BackendBody {
        server_id: b.server.id().to_string(),
        r#type: b.server.type_text(),
        address: b.known_address(w).map(|address| address.to_string()),
        port,
        weight: b.weight,
        description: b.description.to_string(),
    }
}

/// A vServer group.
#[derive(Serialize, ToSchema)]
pub struct VServerGroupBody {
    /// Its id.
    #[schema(example = "rsp-bp1mv9tjmlqbm05tsp2i")]
    id: String,
    /// Its load balancer.
    load_balancer_id: String,
    /// Its name; empty if it has none.
    name: String,
    /// Its members, in the order in which they came.
    backends: Vec<BackendBody>,
    /// When it was made, in virtual time.
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn show(w: &World, g: &VServerGroup) -> VServerGroupBody {
    VServerGroupBody {
        id: g.id.to_string(),
        load_balancer_id: g.load_balancer.to_string(),
        name: g.name.to_string(),
        backends: g.backends.iter().map(|b| backend(w, b, b.port)).collect(),
        created_at: g.created.to_string(),
        tags: tag_bodies(w, g.id),
    }
}

/// A member that is named.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberBody {
    /// The instance or network interface.
    server_id: String,
    /// ecs if absent; eni for a network interface.
    #[serde(default)]
    r#type: Option<String>,
    /// The address, where it is not the primary one of the server. In a default pool all addresses of an interface are
    /// meant if it is absent.
    #[serde(default)]
    address: Option<String>,
    /// The port; in a vServer group only, and needed there.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 65535)]
    port: Option<u16>,
}

/// A member that comes, or what becomes of one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBackendBody {
    /// The instance or network interface.
    server_id: String,
    /// ecs if absent; eni for a network interface.
    #[serde(default)]
    r#type: Option<String>,
    /// The address, where it is not the primary one of the server.
    #[serde(default)]
    address: Option<String>,
    /// The port; in a group only, and needed there.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 65535)]
    port: Option<u16>,
    /// Its share of new requests, 0 to 100; a new one has 100 if it is absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    weight: Option<i32>,
    /// Its description: 1 to 80 characters.
    #[serde(default)]
    description: Option<String>,
}

pub(super) fn new_backend(body: NewBackendBody) -> Outcome<NewBackend> {
    let NewBackendBody { server_id, r#type, address, port, weight, description } = body;
    let address = address.as_deref().map(|text| parse_address(text, "address")).transpose()?;
    let member = Member { server: Server::parse(&server_id, r#type.as_deref())?, address, port };
    Ok(NewBackend { member, weight, description: description.map(Into::into) })
}

fn leaving(body: MemberBody) -> Outcome<Leaving> {
    let address = body.address.as_deref().map(|text| parse_address(text, "address")).transpose()?;
    let server = Server::parse_leaving(&body.server_id, body.r#type.as_deref())?;
    Ok(Leaving { server, address, port: body.port })
}

/// What a new vServer group should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"load_balancer_id": "lb-bp1b6c719dfa08exfuca5", "name": "web",
    "backends": [{"server_id": "i-bp1fdv1h9qu0ts0wqhkb", "port": 80}]}))]
pub struct CreateVServerGroupBody {
    /// Its load balancer.
    load_balancer_id: String,
    /// Its name: 1 to 80 characters.
    #[serde(default)]
    name: Option<String>,
    /// Its first members: at most 40.
    #[serde(default)]
    backends: Vec<NewBackendBody>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Make a vServer group.
#[utoipa::path(post, path = "/v1/vserver-groups", tag = "Backend server", request_body = CreateVServerGroupBody,
    responses((status = 201, description = "The new vServer group.", body = VServerGroupBody)))]
async fn create_vserver_group(
    ctx: Context,
    Body(body): Body<CreateVServerGroupBody>,
) -> Result<Response, Problem> {
    let command = CreateVServerGroup {
        load_balancer: parse_id(&body.load_balancer_id)?,
        name: body.name.map(Into::into),
        backends: read_each(body.backends, "backends", new_backend)?,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<VServerGroup>(&reply.id::<VServerGroupId>())?;
        Some((format!("/v1/vserver-groups/{}", made.id), show(w, made)))
    })
    .await
}

/// Which vServer groups to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VServerGroupFilter {
    /// Only those of this load balancer.
    load_balancer_id: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List vServer groups, oldest first.
#[utoipa::path(get, path = "/v1/vserver-groups", tag = "Backend server", params(VServerGroupFilter),
    responses((status = 200, description = "A page of vServer groups.", body = Page<VServerGroupBody>)))]
async fn list_vserver_groups(
    ctx: Context,
    Query(filter): Query<VServerGroupFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let balancer = sought_id::<LoadBalancerId>(filter.load_balancer_id.as_deref())?;
    let rows = Rows::<VServerGroup>::all(|ix| &ix.vserver_groups.by_owner)
        .of(balancer, |ix| &ix.vserver_groups.by_load_balancer)
        .keep(filter.name, |_, g, name| g.name == *name);
    ctx.list(&page, rows, show).await
}

/// Show a vServer group.
#[utoipa::path(get, path = "/v1/vserver-groups/{vserver_group_id}", tag = "Backend server",
    params(("vserver_group_id" = String, Path, description = "The vServer group.")),
    responses((status = 200, description = "The vServer group.", body = VServerGroupBody)))]
async fn get_vserver_group(ctx: Context, Path(group): Path<String>) -> Result<Response, Problem> {
    let group = id::<VServerGroupId>(&group)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<VServerGroup>(caller, group)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "web", "backends": [{"server_id": "i-bp1fdv1h9qu0ts0wqhkb", "port": 80, "weight": 50}]}))]
pub struct UpdateVServerGroupBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Members with new weights or descriptions.
    #[serde(default)]
    backends: Vec<NewBackendBody>,
}

/// Change the name of a vServer group, and weights and descriptions of its members.
#[utoipa::path(patch, path = "/v1/vserver-groups/{vserver_group_id}", tag = "Backend server",
    request_body = UpdateVServerGroupBody,
    params(("vserver_group_id" = String, Path, description = "The vServer group.")),
    responses((status = 200, description = "The vServer group as it is now.", body = VServerGroupBody)))]
async fn update_vserver_group(
    ctx: Context,
    Path(group): Path<String>,
    Body(body): Body<UpdateVServerGroupBody>,
) -> Result<Response, Problem> {
    let group = id::<VServerGroupId>(&group)?;
    let (name, backends) = (body.name.map(Into::into), read_each(body.backends, "backends", new_backend)?);
    ctx.change_row(SetBackends { pool: Pool::Group(group), name, backends }, group, show).await
}

/// Delete a vServer group.
#[utoipa::path(delete, path = "/v1/vserver-groups/{vserver_group_id}", tag = "Backend server",
    params(("vserver_group_id" = String, Path, description = "The vServer group.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_vserver_group(ctx: Context, Path(group): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeleteVServerGroup { group: id(&group)? }).await
}

/// Members that come, or what becomes of some.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"backends": [{"server_id": "i-bp1fdv1h9qu0ts0wqhkb", "weight": 100}]}))]
pub struct BackendsBody {
    /// The members.
    backends: Vec<NewBackendBody>,
}

/// Members that go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"backends": [{"server_id": "i-bp1fdv1h9qu0ts0wqhkb"}]}))]
pub struct MembersBody {
    /// The members; those that are not there are passed over.
    backends: Vec<MemberBody>,
}

/// Add members to a vServer group.
#[utoipa::path(post, path = "/v1/vserver-groups/{vserver_group_id}/backends", tag = "Backend server",
    request_body = BackendsBody,
    params(("vserver_group_id" = String, Path, description = "The vServer group.")),
    responses((status = 200, description = "The vServer group as it is now.", body = VServerGroupBody)))]
async fn add_vserver_group_backends(
    ctx: Context,
    Path(group): Path<String>,
    Body(body): Body<BackendsBody>,
) -> Result<Response, Problem> {
    let group = id::<VServerGroupId>(&group)?;
    let backends = read_each(body.backends, "backends", new_backend)?;
    ctx.change_row(AddBackends { pool: Pool::Group(group), backends }, group, show).await
}

/// Take members out of a vServer group.
#[utoipa::path(post, path = "/v1/vserver-groups/{vserver_group_id}/backends/remove", tag = "Backend server",
    request_body = MembersBody,
    params(("vserver_group_id" = String, Path, description = "The vServer group.")),
    responses((status = 200, description = "The vServer group as it is now.", body = VServerGroupBody)))]
async fn remove_vserver_group_backends(
    ctx: Context,
    Path(group): Path<String>,
    Body(body): Body<MembersBody>,
) -> Result<Response, Problem> {
    let group = id::<VServerGroupId>(&group)?;
    let members = read_each(body.backends, "backends", leaving)?;
    ctx.change_row(RemoveBackends { pool: Pool::Group(group), members }, group, show).await
}

/// Members that go and members that come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"old": [{"server_id": "i-bp1fdv1h9qu0ts0wqhkb", "port": 80}],
    "new": [{"server_id": "i-bp1fdv1h9qu0ts0wqhkb", "port": 8080}]}))]
pub struct ReplaceBackendsBody {
    /// The members that go.
    old: Vec<MemberBody>,
    /// The members that come.
    new: Vec<NewBackendBody>,
}

/// Replace members of a vServer group by others.
#[utoipa::path(post, path = "/v1/vserver-groups/{vserver_group_id}/backends/replace", tag = "Backend server",
    request_body = ReplaceBackendsBody,
    params(("vserver_group_id" = String, Path, description = "The vServer group.")),
    responses((status = 200, description = "The vServer group as it is now.", body = VServerGroupBody)))]
async fn replace_vserver_group_backends(
    ctx: Context,
    Path(group): Path<String>,
    Body(body): Body<ReplaceBackendsBody>,
) -> Result<Response, Problem> {
    let group = id::<VServerGroupId>(&group)?;
    let (old, new) = (read_each(body.old, "old", leaving)?, read_each(body.new, "new", new_backend)?);
    ctx.change_row(ReplaceBackends { group, old, new }, group, show).await
}

/// The default pool of a load balancer.
#[derive(Serialize, ToSchema)]
pub struct DefaultPoolBody {
    /// The load balancer.
    load_balancer_id: String,
    /// Its members, in the order in which they came.
    backends: Vec<BackendBody>,
}

fn pool(w: &World, b: &LoadBalancer) -> DefaultPoolBody {
    let backends = b.backends.iter().map(|member| backend(w, member, None)).collect();
    DefaultPoolBody { load_balancer_id: b.id.to_string(), backends }
}

/// Show the default pool of a load balancer.
#[utoipa::path(get, path = "/v1/load-balancers/{load_balancer_id}/backends", tag = "Backend server",
    params(("load_balancer_id" = String, Path, description = "The load balancer.")),
    responses((status = 200, description = "The default pool.", body = DefaultPoolBody)))]
async fn list_backends(ctx: Context, Path(balancer): Path<String>) -> Result<Response, Problem> {
    let balancer = id::<LoadBalancerId>(&balancer)?;
    ctx.show(|w, caller| Ok(pool(w, w.visible::<LoadBalancer>(caller, balancer)?))).await
}

/// Add members to the default pool of a load balancer.
#[utoipa::path(post, path = "/v1/load-balancers/{load_balancer_id}/backends", tag = "Backend server",
    request_body = BackendsBody,
    params(("load_balancer_id" = String, Path, description = "The load balancer.")),
    responses((status = 200, description = "The default pool as it is now.", body = DefaultPoolBody)))]
async fn add_backends(
    ctx: Context,
    Path(balancer): Path<String>,
    Body(body): Body<BackendsBody>,
) -> Result<Response, Problem> {
    let balancer = id::<LoadBalancerId>(&balancer)?;
    let backends = read_each(body.backends, "backends", new_backend)?;
    ctx.change_row(AddBackends { pool: Pool::Default(balancer), backends }, balancer, pool).await
}

/// Change weights and descriptions of members of the default pool of a load balancer.
#[utoipa::path(patch, path = "/v1/load-balancers/{load_balancer_id}/backends", tag = "Backend server",
    request_body = BackendsBody,
    params(("load_balancer_id" = String, Path, description = "The load balancer.")),
    responses((status = 200, description = "The default pool as it is now.", body = DefaultPoolBody)))]
async fn update_backends(
    ctx: Context,
    Path(balancer): Path<String>,
    Body(body): Body<BackendsBody>,
) -> Result<Response, Problem> {
    let balancer = id::<LoadBalancerId>(&balancer)?;
    let backends = read_each(body.backends, "backends", new_backend)?;
    ctx.change_row(SetBackends { pool: Pool::Default(balancer), name: None, backends }, balancer, pool).await
}

/// Take members out of the default pool of a load balancer.
#[utoipa::path(post, path = "/v1/load-balancers/{load_balancer_id}/backends/remove", tag = "Backend server",
    request_body = MembersBody,
    params(("load_balancer_id" = String, Path, description = "The load balancer.")),
    responses((status = 200, description = "The default pool as it is now.", body = DefaultPoolBody)))]
async fn remove_backends(
    ctx: Context,
    Path(balancer): Path<String>,
    Body(body): Body<MembersBody>,
) -> Result<Response, Problem> {
    let balancer = id::<LoadBalancerId>(&balancer)?;
    let members = read_each(body.backends, "backends", leaving)?;
    ctx.change_row(RemoveBackends { pool: Pool::Default(balancer), members }, balancer, pool).await
}
