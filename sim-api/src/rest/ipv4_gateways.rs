//! IPv4 gateways on the native wire.

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
use sim_core::id::{Ipv4GatewayId, VpcId};
use sim_core::vpc::ipv4_gateway::{
    self, CreateIpv4Gateway, DeleteIpv4Gateway, EnableIpv4Gateway, InternetMode, Ipv4Gateway,
    ModifyIpv4Gateway,
};
use sim_core::{ErrorCode as E, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_ipv4_gateway",
        &[
            E::VpcNotFound,
            E::ResourceGroupNotFound,
            E::GatewayNameMalformed,
            E::GatewayDescriptionMalformed,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::VpcStatusIncorrect,
            E::VpcHasIpv4GatewayAlready,
            E::Ipv4GatewayDirectEip,
        ],
    ),
    ("get_ipv4_gateway", &[E::Ipv4GatewayNotFound]),
    (
        "update_ipv4_gateway",
        &[
            E::Ipv4GatewayNotFound,
            E::GatewayNameMalformed,
            E::GatewayDescriptionMalformed,
            E::Ipv4GatewayStatusIncorrect,
        ],
    ),
    (
        "enable_ipv4_gateway",
        &[
            E::Ipv4GatewayNotFound,
            E::Ipv4GatewayStatusIncorrect,
            E::Ipv4GatewayEnabledAlready,
            E::RouteTableNotFound,
            E::RouteTableOfGateway,
            E::RouteTableStatusIncorrect,
            E::Ipv4GatewayRouteConflict,
            E::RouteEntryQuotaExceeded,
        ],
    ),
    (
        "delete_ipv4_gateway",
        &[
            E::Ipv4GatewayNotFound,
            E::Ipv4GatewayInternetModeUnknown,
            E::Ipv4GatewayStatusIncorrect,
            E::Ipv4GatewayHasRouteEntry,
            E::Ipv4GatewayHasRouteTable,
        ],
    ),
    ("list_ipv4_gateway_dependents", &[E::Ipv4GatewayNotFound]),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[("enable_ipv4_gateway", &[("route_table_id", "route_table_ids")])];

/// The operations on IPv4 gateways.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_ipv4_gateway, list_ipv4_gateways))
        .routes(routes!(get_ipv4_gateway, update_ipv4_gateway, delete_ipv4_gateway))
        .routes(routes!(enable_ipv4_gateway))
        .routes(routes!(list_ipv4_gateway_dependents))
}

/// An IPv4 gateway.
#[derive(Serialize, ToSchema)]
pub struct Ipv4GatewayBody {
    /// Its id.
    #[schema(example = "ipv4gw-bp1h2ix3c8njnw9s8k7mq")]
    id: String,
    /// Creating, Activating, Created, Modifying or Deleting.
    #[schema(example = "Created")]
    status: &'static str,
    /// Its VPC.
    vpc_id: String,
    /// Whether it is active: public IPv4 traffic of the VPC then needs a route to it.
    enabled: bool,
    /// The route table that what comes in by it asks, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    route_table_id: Option<String>,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// Its resource group.
    resource_group_id: String,
    /// Its region.
    #[schema(example = "cn-hangzhou")]
    region_id: String,
    /// When it was made, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn show(w: &World, g: &Ipv4Gateway) -> Ipv4GatewayBody {
    Ipv4GatewayBody {
        id: g.id.to_string(),
        status: g.status.text(),
        vpc_id: g.vpc.to_string(),
        enabled: g.enabled,
        route_table_id: g.route_table.map(|id| id.to_string()),
        name: g.name.to_string(),
        description: g.description.to_string(),
        resource_group_id: g.resource_group.to_string(),
        region_id: g.owner.region.to_string(),
        created_at: g.created.to_string(),
        tags: tag_bodies(w, g.id),
    }
}

/// What a new IPv4 gateway should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"vpc_id": "vpc-bp1h2ix3c8njnw9s8k7mq"}))]
pub struct CreateIpv4GatewayBody {
    /// Its VPC, which has no other.
    vpc_id: String,
    /// Its name: 1 to 128 characters.
    #[serde(default)]
    name: Option<String>,
    /// Its description: 1 to 256 characters.
    #[serde(default)]
    description: Option<String>,
    /// Its resource group: the account's default one if absent.
    #[serde(default)]
    resource_group_id: Option<String>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Make an IPv4 gateway.
///
/// It does nothing before it is active.
#[utoipa::path(post, path = "/v1/ipv4-gateways", tag = "IPv4 gateway", request_body = CreateIpv4GatewayBody,
    responses((status = 201, description = "The new IPv4 gateway.", body = Ipv4GatewayBody)))]
async fn create_ipv4_gateway(
    ctx: Context,
    Body(body): Body<CreateIpv4GatewayBody>,
) -> Result<Response, Problem> {
    let command = CreateIpv4Gateway {
        vpc: parse_id(&body.vpc_id)?,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        resource_group: body.resource_group_id.as_deref().map(parse_id).transpose()?,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<Ipv4Gateway>(&reply.id::<Ipv4GatewayId>())?;
        Some((format!("/v1/ipv4-gateways/{}", made.id), show(w, made)))
    })
    .await
}

/// Which IPv4 gateways to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Ipv4GatewayFilter {
    /// Only that of this VPC.
    vpc_id: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List IPv4 gateways, oldest first.
#[utoipa::path(get, path = "/v1/ipv4-gateways", tag = "IPv4 gateway", params(Ipv4GatewayFilter),
    responses((status = 200, description = "A page of IPv4 gateways.", body = Page<Ipv4GatewayBody>)))]
async fn list_ipv4_gateways(
    ctx: Context,
    Query(filter): Query<Ipv4GatewayFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let mut rows = Rows::<Ipv4Gateway>::all(|ix| &ix.ipv4_gateways.by_owner)
        .keep(filter.name, |_, g, name| g.name == *name);
    if let Some(sought) = sought_id::<VpcId>(filter.vpc_id.as_deref())? {
        rows = rows.found(move |w, _| {
            Ok(sought.and_then(|vpc| ipv4_gateway::of_vpc(w, vpc)).into_iter().map(|g| g.id).collect())
        });
    }
    ctx.list(&page, rows, show).await
}

/// Show an IPv4 gateway.
#[utoipa::path(get, path = "/v1/ipv4-gateways/{ipv4_gateway_id}", tag = "IPv4 gateway",
    params(("ipv4_gateway_id" = String, Path, description = "The IPv4 gateway.")),
    responses((status = 200, description = "The IPv4 gateway.", body = Ipv4GatewayBody)))]
async fn get_ipv4_gateway(ctx: Context, Path(gateway): Path<String>) -> Result<Response, Problem> {
    let gateway = id::<Ipv4GatewayId>(&gateway)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<Ipv4Gateway>(caller, gateway)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "edge"}))]
pub struct UpdateIpv4GatewayBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
}

/// Change an IPv4 gateway.
#[utoipa::path(patch, path = "/v1/ipv4-gateways/{ipv4_gateway_id}", tag = "IPv4 gateway",
    request_body = UpdateIpv4GatewayBody,
    params(("ipv4_gateway_id" = String, Path, description = "The IPv4 gateway.")),
    responses((status = 200, description = "The IPv4 gateway as it is now.", body = Ipv4GatewayBody)))]
async fn update_ipv4_gateway(
    ctx: Context,
    Path(gateway): Path<String>,
    Body(body): Body<UpdateIpv4GatewayBody>,
) -> Result<Response, Problem> {
    let gateway = id::<Ipv4GatewayId>(&gateway)?;
    let (name, description) = (body.name.map(Into::into), body.description.map(Into::into));
    ctx.change_row(ModifyIpv4Gateway { gateway, name, description }, gateway, show).await
}

/// What to activate it with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"route_table_ids": ["vtb-bp1h2ix3c8njnw9s8k7mq"]}))]
pub struct EnableIpv4GatewayBody {
    /// The route tables of its VPC that get the route 0.0.0.0/0 to it: at most 10.
    #[serde(default)]
    route_table_ids: Vec<String>,
}

/// Activate an IPv4 gateway.
///
/// From then on the public IPv4 traffic of its VPC leaves where a route leads to it, and nowhere else.
#[utoipa::path(post, path = "/v1/ipv4-gateways/{ipv4_gateway_id}/enable", tag = "IPv4 gateway",
    request_body = EnableIpv4GatewayBody,
    params(("ipv4_gateway_id" = String, Path, description = "The IPv4 gateway.")),
    responses((status = 200, description = "The IPv4 gateway as it is now.", body = Ipv4GatewayBody)))]
async fn enable_ipv4_gateway(
    ctx: Context,
    Path(gateway): Path<String>,
    Body(body): Body<EnableIpv4GatewayBody>,
) -> Result<Response, Problem> {
    let gateway = id::<Ipv4GatewayId>(&gateway)?;
    let tables = body.route_table_ids.iter().map(|table| parse_id(table)).collect::<Result<_, _>>()?;
    ctx.change_row(EnableIpv4Gateway { gateway, tables }, gateway, show).await
}

/// How to delete.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeleteQuery {
    /// What the VPC is once its active gateway is gone: private (as if absent) or public.
    internet_mode: Option<String>,
}

/// Delete an IPv4 gateway.
///
/// Once an active one is gone, the VPC has no public IPv4 traffic, or with `public` as much as before there was one.
#[utoipa::path(delete, path = "/v1/ipv4-gateways/{ipv4_gateway_id}", tag = "IPv4 gateway",
    params(("ipv4_gateway_id" = String, Path, description = "The IPv4 gateway."), DeleteQuery),
    responses((status = 204, description = "It is gone, or on its way there.")))]
async fn delete_ipv4_gateway(
    ctx: Context,
    Path(gateway): Path<String>,
    Query(query): Query<DeleteQuery>,
) -> Result<Response, Problem> {
    let mode = query.internet_mode.as_deref().map(InternetMode::parse).transpose()?.unwrap_or_default();
    ctx.remove(DeleteIpv4Gateway { gateway: id(&gateway)?, mode }).await
}

/// List what keeps an IPv4 gateway from being deleted, in the order in which a deletion would report it.
#[utoipa::path(get, path = "/v1/ipv4-gateways/{ipv4_gateway_id}/dependents", tag = "IPv4 gateway",
    params(("ipv4_gateway_id" = String, Path, description = "The IPv4 gateway.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_ipv4_gateway_dependents(
    ctx: Context,
    Path(gateway): Path<String>,
) -> Result<Response, Problem> {
    let gateway = id::<Ipv4GatewayId>(&gateway)?;
    let blockers = |w: &World, g: &Ipv4Gateway| dependents(ipv4_gateway::dependents(w, g));
    ctx.show(|w, caller| Ok(blockers(w, w.visible::<Ipv4Gateway>(caller, gateway)?))).await
}
