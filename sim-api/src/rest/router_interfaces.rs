//! Router interfaces on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, tag_bodies, tag_pairs};
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::id::{Id, RouterInterfaceId, VpcId};
use sim_core::vpc::router_connection::{
    ActivateRouterInterface, ConnectRouterInterface, DeactivateRouterInterface,
};
use sim_core::vpc::router_interface::{
    self, CreateRouterInterface, DeleteRouterInterface, ModifyRouterInterface, ModifyRouterInterfaceSpec,
    NEGATIVE, Opposite, Role, RouterInterface, Spec,
};
use sim_core::{AccountId, ErrorCode as E, Outcome, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_router_interface",
        &[
            E::VRouterNotFound,
            E::RouterInterfaceNotFound,
            E::RegionNotFound,
            E::ResourceGroupNotFound,
            E::RouterInterfaceRoleUnknown,
            E::RouterInterfaceSpecUnknown,
            E::RouterInterfaceSpecRole,
            E::RouterInterfaceAccountMalformed,
            E::RouterInterfaceNameMalformed,
            E::RouterInterfaceDescriptionMalformed,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::VpcStatusIncorrect,
            E::RouterInterfaceOnlyOne,
            E::RouterInterfaceQuotaExceeded,
        ],
    ),
    ("get_router_interface", &[E::RouterInterfaceNotFound]),
    (
        "update_router_interface",
        &[
            E::RouterInterfaceNotFound,
            E::VRouterNotFound,
            E::RouterInterfaceAccountMalformed,
            E::RouterInterfaceNameMalformed,
            E::RouterInterfaceDescriptionMalformed,
            E::RouterInterfaceStatusIncorrect,
            E::RouterInterfaceConnected,
        ],
    ),
    (
        "set_router_interface_specification",
        &[
            E::RouterInterfaceNotFound,
            E::RouterInterfaceSpecUnknown,
            E::RouterInterfaceSpecRole,
            E::RouterInterfaceStatusIncorrect,
        ],
    ),
    (
        "connect_router_interface",
        &[
            E::RouterInterfaceNotFound,
            E::RouterInterfaceNotInitiating,
            E::RouterInterfaceStatusIncorrect,
            E::RouterInterfaceOppositeNotSet,
            E::RouterInterfaceSameRouter,
            E::RouterInterfaceOppositeMissing,
            E::RouterInterfaceOppositeAccount,
            E::RouterInterfaceOppositeRegion,
            E::RouterInterfaceOppositeRouter,
            E::RouterInterfaceOppositeRole,
            E::RouterInterfaceBackInterface,
            E::RouterInterfaceBackRouter,
            E::RouterInterfaceBackAccount,
            E::RouterInterfaceBackRegion,
            E::RouterInterfaceOnlyOne,
        ],
    ),
    (
        "activate_router_interface",
        &[E::RouterInterfaceNotFound, E::RouterInterfaceStatusIncorrect, E::RouterInterfaceOppositeDeleted],
    ),
    ("deactivate_router_interface", &[E::RouterInterfaceNotFound, E::RouterInterfaceStatusIncorrect]),
    (
        "delete_router_interface",
        &[E::RouterInterfaceNotFound, E::RouterInterfaceStatusIncorrect, E::RouterInterfaceHasRouteEntry],
    ),
    ("list_router_interface_dependents", &[E::RouterInterfaceNotFound]),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[("create_router_interface", &[("vpc_id", "vrouter_id")])];

/// The operations on router interfaces.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_router_interface, list_router_interfaces))
        .routes(routes!(get_router_interface, update_router_interface, delete_router_interface))
        .routes(routes!(set_router_interface_specification))
        .routes(routes!(connect_router_interface))
        .routes(routes!(activate_router_interface))
        .routes(routes!(deactivate_router_interface))
        .routes(routes!(list_router_interface_dependents))
}

/// A router interface.
#[derive(Serialize, ToSchema)]
pub struct RouterInterfaceBody {
    /// Its id.
    #[schema(example = "ri-bp1h2ix3c8njnw9s8k7mq")]
    id: String,
    /// Idle, Connecting, AcceptingConnecting, Activating, Active, Modifying, Deactivating, Inactive or Deleting. Packets cross
    /// while both ends are Active.
    #[schema(example = "Active")]
    status: &'static str,
    /// Its router.
    vrouter_id: String,
    /// The VPC of its router.
    vpc_id: String,
    /// InitiatingSide or AcceptingSide.
    #[schema(example = "InitiatingSide")]
    role: &'static str,
    /// Its specification; Negative on the accepting side.
    #[schema(example = "Small.1")]
    specification: &'static str,
    /// Its bandwidth in Mbit/s; 0 on the accepting side.
    #[schema(example = 10)]
    bandwidth: u32,
    /// The region of the other end.
    #[schema(example = "cn-hangzhou")]
    opposite_region_id: String,
    /// The account of the other end, if it is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    opposite_account_id: Option<String>,
    /// The router of the other end, if it is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    opposite_vrouter_id: Option<String>,
    /// The other end, if it is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    opposite_interface_id: Option<String>,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// Its resource group.
    resource_group_id: String,
    /// Its region.
    #[schema(example = "cn-hangzhou")]
    region_id: String,
    /// When it was connected, in virtual time; absent if it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    connected_at: Option<String>,
    /// When it was made, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
    /// When it was made or last changed, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    modified_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn show(w: &World, r: &RouterInterface) -> RouterInterfaceBody {
    RouterInterfaceBody {
        id: r.id.to_string(),
        status: r.status.text(),
        vrouter_id: r.vrouter.to_string(),
        vpc_id: r.vpc.to_string(),
        role: r.role.text(),
        specification: r.spec_text(),
        bandwidth: r.bandwidth(),
        opposite_region_id: r.opposite.region.to_string(),
        opposite_account_id: r.opposite.account.map(|account| account.to_string()),
        opposite_vrouter_id: r.opposite.vrouter.map(|id| id.to_string()),
        opposite_interface_id: r.opposite.router_interface.map(|id| id.to_string()),
        name: r.name.to_string(),
        description: r.description.to_string(),
        resource_group_id: r.resource_group.to_string(),
        region_id: r.owner.region.to_string(),
        connected_at: r.connected.map(|at| at.to_string()),
        created_at: r.created.to_string(),
        modified_at: r.modified.to_string(),
        tags: tag_bodies(w, r.id),
    }
}

/// What a new router interface should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"vrouter_id": "vrt-bp1h2ix3c8njnw9s8k7mq", "role": "InitiatingSide", "specification": "Small.1"}))]
pub struct CreateRouterInterfaceBody {
    /// Its router: that of a VPC.
    vrouter_id: String,
    /// InitiatingSide, which connects the two, or AcceptingSide.
    role: String,
    /// Mini.2, Mini.5, Small.1, Small.2, Small.5, Middle.1, Middle.2, Middle.5, Large.1, Large.2, Large.5 or Xlarge.1: from 2
    /// Mbit/s to 10 Gbit/s. The accepting side has none, or Negative.
    #[serde(default)]
    #[schema(example = "Small.1")]
    specification: Option<String>,
    /// The region of the other end: the own one if absent.
    #[serde(default)]
    #[schema(example = "cn-hangzhou")]
    opposite_region_id: Option<String>,
    /// The account of the other end. It may be set later.
    #[serde(default)]
    #[schema(example = "1000000000000001")]
    opposite_account_id: Option<String>,
    /// The router of the other end. It may be set later.
    #[serde(default)]
    opposite_vrouter_id: Option<String>,
    /// The other end. It may be set later.
    #[serde(default)]
    opposite_interface_id: Option<String>,
    /// Its name: 2 to 128 characters, a letter first.
    #[serde(default)]
    name: Option<String>,
    /// Its description: 2 to 256 characters, a letter first.
    #[serde(default)]
    description: Option<String>,
    /// Its resource group: the account's default one if absent.
    #[serde(default)]
    resource_group_id: Option<String>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Negative is none.
fn spec(text: &str) -> Outcome<Option<Spec>> {
    if text == NEGATIVE { Ok(None) } else { Spec::parse(text).map(Some) }
}

fn account(text: &str) -> Outcome<AccountId> {
    router_interface::parse_account(text)
}

/// An id of the other end.
fn opposite<I: Id>(text: Option<&str>, field: &str) -> Outcome<Option<I>> {
    text.map(parse_id).transpose().map_err(|refusal| refusal.field(field))
}

/// Make a router interface: one end of a connection between the routers of two VPCs.
///
/// It is Idle until the initiating side connects the two.
#[utoipa::path(post, path = "/v1/router-interfaces", tag = "Router interface",
    request_body = CreateRouterInterfaceBody,
    responses((status = 201, description = "The new router interface.", body = RouterInterfaceBody)))]
async fn create_router_interface(
    ctx: Context,
    Body(body): Body<CreateRouterInterfaceBody>,
) -> Result<Response, Problem> {
    let region = ctx.caller.region.clone();
    let command = CreateRouterInterface {
        vrouter: parse_id(&body.vrouter_id)?,
        role: Role::parse(&body.role)?,
        spec: body.specification.as_deref().map_or(Ok(None), spec)?,
        opposite: Opposite {
            region: body.opposite_region_id.map_or(region, |text| text.as_str().into()),
            account: body.opposite_account_id.as_deref().map(account).transpose()?,
            vrouter: opposite(body.opposite_vrouter_id.as_deref(), "opposite_vrouter_id")?,
            router_interface: opposite(body.opposite_interface_id.as_deref(), "opposite_interface_id")?,
        },
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        resource_group: body.resource_group_id.as_deref().map(parse_id).transpose()?,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<RouterInterface>(&reply.id::<RouterInterfaceId>())?;
        Some((format!("/v1/router-interfaces/{}", made.id), show(w, made)))
    })
    .await
}

/// Which router interfaces to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RouterInterfaceFilter {
    /// Only those of the router of this VPC.
    vpc_id: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List router interfaces, oldest first.
#[utoipa::path(get, path = "/v1/router-interfaces", tag = "Router interface", params(RouterInterfaceFilter),
    responses((status = 200, description = "A page of router interfaces.", body = Page<RouterInterfaceBody>)))]
async fn list_router_interfaces(
    ctx: Context,
    Query(filter): Query<RouterInterfaceFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let rows = Rows::<RouterInterface>::all(|ix| &ix.router_interfaces.by_owner)
        .of(sought_id::<VpcId>(filter.vpc_id.as_deref())?, |ix| &ix.router_interfaces.by_vpc)
        .keep(filter.name, |_, r, name| r.name == *name);
    ctx.list(&page, rows, show).await
}

/// Show a router interface.
#[utoipa::path(get, path = "/v1/router-interfaces/{router_interface_id}", tag = "Router interface",
    params(("router_interface_id" = String, Path, description = "The router interface.")),
    responses((status = 200, description = "The router interface.", body = RouterInterfaceBody)))]
async fn get_router_interface(ctx: Context, Path(interface): Path<String>) -> Result<Response, Problem> {
    let interface = id::<RouterInterfaceId>(&interface)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<RouterInterface>(caller, interface)?))).await
}

/// What to change; absent fields stay. The other end is named only while the interface is Idle.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "to-shared"}))]
pub struct UpdateRouterInterfaceBody {
    /// Its new name: 2 to 128 characters, a letter first.
    #[serde(default)]
    name: Option<String>,
    /// Its new description: 2 to 256 characters, a letter first.
    #[serde(default)]
    description: Option<String>,
    /// The account of the other end.
    #[serde(default)]
    opposite_account_id: Option<String>,
    /// The router of the other end.
    #[serde(default)]
    opposite_vrouter_id: Option<String>,
    /// The other end.
    #[serde(default)]
    opposite_interface_id: Option<String>,
}

/// Change a router interface.
#[utoipa::path(patch, path = "/v1/router-interfaces/{router_interface_id}", tag = "Router interface",
    request_body = UpdateRouterInterfaceBody,
    params(("router_interface_id" = String, Path, description = "The router interface.")),
    responses((status = 200, description = "The router interface as it is now.", body = RouterInterfaceBody)))]
async fn update_router_interface(
    ctx: Context,
    Path(interface): Path<String>,
    Body(body): Body<UpdateRouterInterfaceBody>,
) -> Result<Response, Problem> {
    let router_interface = id::<RouterInterfaceId>(&interface)?;
    let command = ModifyRouterInterface {
        router_interface,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        opposite_interface: opposite(body.opposite_interface_id.as_deref(), "opposite_interface_id")?,
        opposite_vrouter: opposite(body.opposite_vrouter_id.as_deref(), "opposite_vrouter_id")?,
        opposite_account: body.opposite_account_id.as_deref().map(account).transpose()?,
    };
    ctx.change_row(command, router_interface, show).await
}

/// Another specification.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"specification": "Middle.1"}))]
pub struct RouterInterfaceSpecificationBody {
    /// The new specification, such as Middle.1.
    specification: String,
}

/// Give the initiating side another specification; it works on meanwhile.
#[utoipa::path(put, path = "/v1/router-interfaces/{router_interface_id}/specification", tag = "Router interface",
    request_body = RouterInterfaceSpecificationBody,
    params(("router_interface_id" = String, Path, description = "The router interface.")),
    responses((status = 200, description = "The router interface as it is now.", body = RouterInterfaceBody)))]
async fn set_router_interface_specification(
    ctx: Context,
    Path(interface): Path<String>,
    Body(body): Body<RouterInterfaceSpecificationBody>,
) -> Result<Response, Problem> {
    let router_interface = id::<RouterInterfaceId>(&interface)?;
    let command = ModifyRouterInterfaceSpec { router_interface, spec: spec(&body.specification)? };
    ctx.change_row(command, router_interface, show).await
}

/// Connect an interface of the initiating side with the other end, which names it in turn.
///
/// Both are Active afterwards. Nothing crosses before routes of both VPCs lead to them.
#[utoipa::path(post, path = "/v1/router-interfaces/{router_interface_id}/connect", tag = "Router interface",
    params(("router_interface_id" = String, Path, description = "The router interface.")),
    responses((status = 200, description = "The router interface as it is now.", body = RouterInterfaceBody)))]
async fn connect_router_interface(ctx: Context, Path(interface): Path<String>) -> Result<Response, Problem> {
    let router_interface = id::<RouterInterfaceId>(&interface)?;
    ctx.change_row(ConnectRouterInterface { router_interface }, router_interface, show).await
}

/// Activate a frozen router interface.
#[utoipa::path(post, path = "/v1/router-interfaces/{router_interface_id}/activate", tag = "Router interface",
    params(("router_interface_id" = String, Path, description = "The router interface.")),
    responses((status = 200, description = "The router interface as it is now.", body = RouterInterfaceBody)))]
async fn activate_router_interface(ctx: Context, Path(interface): Path<String>) -> Result<Response, Problem> {
    let router_interface = id::<RouterInterfaceId>(&interface)?;
    ctx.change_row(ActivateRouterInterface { router_interface }, router_interface, show).await
}

/// Freeze a router interface: nothing crosses until it is activated again.
#[utoipa::path(post, path = "/v1/router-interfaces/{router_interface_id}/deactivate", tag = "Router interface",
    params(("router_interface_id" = String, Path, description = "The router interface.")),
    responses((status = 200, description = "The router interface as it is now.", body = RouterInterfaceBody)))]
async fn deactivate_router_interface(
    ctx: Context,
    Path(interface): Path<String>,
) -> Result<Response, Problem> {
    let router_interface = id::<RouterInterfaceId>(&interface)?;
    ctx.change_row(DeactivateRouterInterface { router_interface }, router_interface, show).await
}

/// Delete a router interface that is Idle or frozen and that no route leads to.
#[utoipa::path(delete, path = "/v1/router-interfaces/{router_interface_id}", tag = "Router interface",
    params(("router_interface_id" = String, Path, description = "The router interface.")),
    responses((status = 204, description = "It is gone, or on its way there.")))]
async fn delete_router_interface(ctx: Context, Path(interface): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeleteRouterInterface { router_interface: id(&interface)? }).await
}

/// List what keeps a router interface from being deleted: the routes to it.
#[utoipa::path(get, path = "/v1/router-interfaces/{router_interface_id}/dependents", tag = "Router interface",
    params(("router_interface_id" = String, Path, description = "The router interface.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_router_interface_dependents(
    ctx: Context,
    Path(interface): Path<String>,
) -> Result<Response, Problem> {
    let interface = id::<RouterInterfaceId>(&interface)?;
    let blockers = |w: &World, r: &RouterInterface| dependents(router_interface::dependents(w, r));
    ctx.show(|w, caller| Ok(blockers(w, w.visible::<RouterInterface>(caller, interface)?))).await
}
