//! Primary/secondary groups on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::operations::{Operations, routes};
use super::server_groups::{BackendBody, NewBackendBody, backend, new_backend};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{TagBody, tag_bodies, tag_pairs};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::id::{LoadBalancerId, MasterSlaveGroupId};
use sim_core::slb::backend::Backend;
use sim_core::slb::master_slave_group::{
    CreateMasterSlaveGroup, DeleteMasterSlaveGroup, MasterSlaveGroup, NewRoleMember, Role,
};
use sim_core::{ErrorCode as E, Outcome, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_master_slave_server_group",
        &[
            E::MasterSlaveGroupNameMalformed,
            E::AddressMalformed,
            E::BackendIpv6,
            E::BackendTypeUnknown,
            E::MasterSlaveMembers,
            E::MasterSlavePortMissing,
            E::BackendPort,
            E::BackendWeight,
            E::BackendDescriptionMalformed,
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
            E::MasterSlaveRepeated,
            E::BackendQuotaExceeded,
            E::BackendAttachmentsExceeded,
        ],
    ),
    ("list_master_slave_server_groups", &[E::LoadBalancerNotFound]),
    ("get_master_slave_server_group", &[E::MasterSlaveGroupNotFound]),
    (
        "delete_master_slave_server_group",
        &[E::MasterSlaveGroupNotFound, E::LoadBalancerLocked, E::MasterSlaveGroupInUse],
    ),
];

/// The operations on primary/secondary groups.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_master_slave_server_group, list_master_slave_server_groups))
        .routes(routes!(get_master_slave_server_group, delete_master_slave_server_group))
}

/// A primary/secondary group.
#[derive(Serialize, ToSchema)]
pub struct MasterSlaveServerGroupBody {
    /// Its id.
    #[schema(example = "msrsp-bp1mv9tjmlqbm05tsp2i")]
    id: String,
    /// Its load balancer.
    load_balancer_id: String,
    /// Its name; empty if it has none.
    name: String,
    /// The member that takes every new connection while it is healthy; null if the group was made empty, or once its server
    /// is gone.
    primary: Option<BackendBody>,
    /// The member that does while the primary one does not; null as the primary one.
    secondary: Option<BackendBody>,
    /// When it was made, in virtual time.
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn show(w: &World, g: &MasterSlaveGroup) -> MasterSlaveServerGroupBody {
    let member = |b: &Backend| backend(w, b, b.port);
    MasterSlaveServerGroupBody {
        id: g.id.to_string(),
        load_balancer_id: g.load_balancer.to_string(),
        name: g.name.to_string(),
        primary: g.primary.as_ref().map(member),
        secondary: g.secondary.as_ref().map(member),
        created_at: g.created.to_string(),
        tags: tag_bodies(w, g.id),
    }
}

/// What a new primary/secondary group should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"load_balancer_id": "lb-bp1b6c719dfa08exfuca5", "name": "db",
    "primary": {"server_id": "i-bp1fdv1h9qu0ts0wqhkb", "port": 3306},
    "secondary": {"server_id": "i-bp1fdv1h9qu0ts0wqhkb", "port": 3307}}))]
pub struct CreateMasterSlaveServerGroupBody {
    /// Its load balancer.
    load_balancer_id: String,
    /// Its name: 1 to 80 characters.
    #[serde(default)]
    name: Option<String>,
    /// The member that takes every new connection while it is healthy. Without both members the group stays empty.
    #[serde(default)]
    primary: Option<NewBackendBody>,
    /// The member that does while the primary one does not.
    #[serde(default)]
    secondary: Option<NewBackendBody>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

fn member(role: Role, body: NewBackendBody) -> Outcome<NewRoleMember> {
    let backend = new_backend(body).map_err(|refusal| refusal.within(role.word()))?;
    Ok(NewRoleMember { role, backend })
}

/// Make a primary/secondary group. Its members cannot be changed.
#[utoipa::path(post, path = "/v1/master-slave-server-groups", tag = "Backend server",
    request_body = CreateMasterSlaveServerGroupBody,
    responses((status = 201, description = "The new group.", body = MasterSlaveServerGroupBody)))]
async fn create_master_slave_server_group(
    ctx: Context,
    Body(body): Body<CreateMasterSlaveServerGroupBody>,
) -> Result<Response, Problem> {
    let primary = body.primary.map(|body| member(Role::Primary, body)).transpose()?;
    let secondary = body.secondary.map(|body| member(Role::Secondary, body)).transpose()?;
    let command = CreateMasterSlaveGroup {
        load_balancer: parse_id(&body.load_balancer_id)?,
        name: body.name.map(Into::into),
        members: primary.into_iter().chain(secondary).collect(),
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<MasterSlaveGroup>(&reply.id::<MasterSlaveGroupId>())?;
        Some((format!("/v1/master-slave-server-groups/{}", made.id), show(w, made)))
    })
    .await
}

/// Which primary/secondary groups to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MasterSlaveGroupFilter {
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

/// List primary/secondary groups, oldest first.
#[utoipa::path(get, path = "/v1/master-slave-server-groups", tag = "Backend server", params(MasterSlaveGroupFilter),
    responses((status = 200, description = "A page of groups.", body = Page<MasterSlaveServerGroupBody>)))]
async fn list_master_slave_server_groups(
    ctx: Context,
    Query(filter): Query<MasterSlaveGroupFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let balancer = sought_id::<LoadBalancerId>(filter.load_balancer_id.as_deref())?;
    let rows = Rows::<MasterSlaveGroup>::all(|ix| &ix.master_slave_groups.by_owner)
        .of(balancer, |ix| &ix.master_slave_groups.by_load_balancer)
        .keep(filter.name, |_, g, name| g.name == *name);
    ctx.list(&page, rows, show).await
}

/// Show a primary/secondary group.
#[utoipa::path(get, path = "/v1/master-slave-server-groups/{master_slave_server_group_id}", tag = "Backend server",
    params(("master_slave_server_group_id" = String, Path, description = "The group.")),
    responses((status = 200, description = "The group.", body = MasterSlaveServerGroupBody)))]
async fn get_master_slave_server_group(ctx: Context, Path(group): Path<String>) -> Result<Response, Problem> {
    let group = id::<MasterSlaveGroupId>(&group)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<MasterSlaveGroup>(caller, group)?))).await
}

/// Delete a primary/secondary group.
#[utoipa::path(delete, path = "/v1/master-slave-server-groups/{master_slave_server_group_id}", tag = "Backend server",
    params(("master_slave_server_group_id" = String, Path, description = "The group.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_master_slave_server_group(
    ctx: Context,
    Path(group): Path<String>,
) -> Result<Response, Problem> {
    ctx.remove(DeleteMasterSlaveGroup { group: id(&group)? }).await
}
