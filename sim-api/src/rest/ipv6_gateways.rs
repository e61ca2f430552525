//! IPv6 gateways on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, tag_bodies, tag_pairs};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::id::{Ipv6GatewayId, VpcId};
use sim_core::vpc::ipv6_gateway::{
    self, CreateIpv6Gateway, DeleteIpv6Gateway, Ipv6Gateway, ModifyIpv6Gateway,
};
use sim_core::{ErrorCode as E, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_ipv6_gateway",
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
            E::Ipv6GatewayVpcIpv6Disabled,
            E::VpcHasIpv6GatewayAlready,
        ],
    ),
    ("get_ipv6_gateway", &[E::Ipv6GatewayNotFound]),
    (
        "update_ipv6_gateway",
        &[
            E::Ipv6GatewayNotFound,
            E::GatewayNameMalformed,
            E::GatewayDescriptionMalformed,
            E::Ipv6GatewayStatusIncorrect,
        ],
    ),
    (
        "delete_ipv6_gateway",
        &[
            E::Ipv6GatewayNotFound,
            E::Ipv6GatewayStatusIncorrect,
            E::Ipv6GatewayHasBandwidth,
            E::Ipv6GatewayHasEgressRule,
            E::Ipv6GatewayRouteBusy,
        ],
    ),
    ("list_ipv6_gateway_dependents", &[E::Ipv6GatewayNotFound]),
];

/// The operations on IPv6 gateways.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_ipv6_gateway, list_ipv6_gateways))
        .routes(routes!(get_ipv6_gateway, update_ipv6_gateway, delete_ipv6_gateway))
        .routes(routes!(list_ipv6_gateway_dependents))
}

/// An IPv6 gateway.
#[derive(Serialize, ToSchema)]
pub struct Ipv6GatewayBody {
    /// Its id.
    #[schema(example = "ipv6gw-bp1h2ix3c8njnw9s8k7mq")]
    id: String,
    /// Pending, Available or Deleting.
    #[schema(example = "Available")]
    status: &'static str,
    /// Its VPC.
    vpc_id: String,
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

fn show(w: &World, g: &Ipv6Gateway) -> Ipv6GatewayBody {
    Ipv6GatewayBody {
        id: g.id.to_string(),
        status: g.status.text(),
        vpc_id: g.vpc.to_string(),

        name: g.name.to_string(),
        description: g.description.to_string(),
        resource_group_id: g.resource_group.to_string(),
        region_id: g.owner.region.to_string(),
        created_at: g.created.to_string(),
        tags: tag_bodies(w, g.id),
    }
}

/// What a new IPv6 gateway should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"vpc_id": "vpc-bp1h2ix3c8njnw9s8k7mq"}))]
pub struct CreateIpv6GatewayBody {
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

/// Make an IPv6 gateway.
///
/// The VPC's system route table gets the route ::/0 to it, unless it has one already.
#[utoipa::path(post, path = "/v1/ipv6-gateways", tag = "IPv6 gateway", request_body = CreateIpv6GatewayBody,
    responses((status = 201, description = "The new IPv6 gateway.", body = Ipv6GatewayBody)))]
async fn create_ipv6_gateway(
    ctx: Context,
    Body(body): Body<CreateIpv6GatewayBody>,
) -> Result<Response, Problem> {
    let command = CreateIpv6Gateway {
        vpc: parse_id(&body.vpc_id)?,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        resource_group: body.resource_group_id.as_deref().map(parse_id).transpose()?,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<Ipv6Gateway>(&reply.id::<Ipv6GatewayId>())?;
        Some((format!("/v1/ipv6-gateways/{}", made.id), show(w, made)))
    })
    .await
}

/// Which IPv6 gateways to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Ipv6GatewayFilter {
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

/// List IPv6 gateways, oldest first.
#[utoipa::path(get, path = "/v1/ipv6-gateways", tag = "IPv6 gateway", params(Ipv6GatewayFilter),
    responses((status = 200, description = "A page of IPv6 gateways.", body = Page<Ipv6GatewayBody>)))]
async fn list_ipv6_gateways(
    ctx: Context,
    Query(filter): Query<Ipv6GatewayFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let mut rows = Rows::<Ipv6Gateway>::all(|ix| &ix.ipv6_gateways.by_owner)
        .keep(filter.name, |_, g, name| g.name == *name);
    if let Some(sought) = sought_id::<VpcId>(filter.vpc_id.as_deref())? {
        rows = rows.found(move |w, _| {
            Ok(sought.and_then(|vpc| ipv6_gateway::of_vpc(w, vpc)).into_iter().map(|g| g.id).collect())
        });
    }
    ctx.list(&page, rows, show).await
}

/// Show an IPv6 gateway.
#[utoipa::path(get, path = "/v1/ipv6-gateways/{ipv6_gateway_id}", tag = "IPv6 gateway",
    params(("ipv6_gateway_id" = String, Path, description = "The IPv6 gateway.")),
    responses((status = 200, description = "The IPv6 gateway.", body = Ipv6GatewayBody)))]
async fn get_ipv6_gateway(ctx: Context, Path(gateway): Path<String>) -> Result<Response, Problem> {
    let gateway = id::<Ipv6GatewayId>(&gateway)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<Ipv6Gateway>(caller, gateway)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "edge"}))]
pub struct UpdateIpv6GatewayBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
}

/// Change an IPv6 gateway.
#[utoipa::path(patch, path = "/v1/ipv6-gateways/{ipv6_gateway_id}", tag = "IPv6 gateway",
    request_body = UpdateIpv6GatewayBody,
    params(("ipv6_gateway_id" = String, Path, description = "The IPv6 gateway.")),
    responses((status = 200, description = "The IPv6 gateway as it is now.", body = Ipv6GatewayBody)))]
async fn update_ipv6_gateway(
    ctx: Context,
    Path(gateway): Path<String>,
    Body(body): Body<UpdateIpv6GatewayBody>,
) -> Result<Response, Problem> {
    let gateway = id::<Ipv6GatewayId>(&gateway)?;
    let (name, description) = (body.name.map(Into::into), body.description.map(Into::into));
    ctx.change_row(ModifyIpv6Gateway { gateway, name, description }, gateway, show).await
}

/// Delete an IPv6 gateway, and the routes to it.
#[utoipa::path(delete, path = "/v1/ipv6-gateways/{ipv6_gateway_id}", tag = "IPv6 gateway",
    params(("ipv6_gateway_id" = String, Path, description = "The IPv6 gateway.")),
    responses((status = 204, description = "It is gone, or on its way there.")))]
async fn delete_ipv6_gateway(ctx: Context, Path(gateway): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeleteIpv6Gateway { gateway: id(&gateway)? }).await
}

/// List what keeps an IPv6 gateway from being deleted, in the order in which a deletion would report it.
#[utoipa::path(get, path = "/v1/ipv6-gateways/{ipv6_gateway_id}/dependents", tag = "IPv6 gateway",
    params(("ipv6_gateway_id" = String, Path, description = "The IPv6 gateway.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_ipv6_gateway_dependents(
    ctx: Context,
    Path(gateway): Path<String>,
) -> Result<Response, Problem> {
    let gateway = id::<Ipv6GatewayId>(&gateway)?;
    let blockers = |w: &World, g: &Ipv6Gateway| dependents(ipv6_gateway::dependents(w, g));
    ctx.show(|w, caller| Ok(blockers(w, w.visible::<Ipv6Gateway>(caller, gateway)?))).await
}
