//! NAT gateways on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, tag_bodies, tag_pairs};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::id::{NatGatewayId, VSwitchId, VpcId};
use sim_core::vpc::nat_gateway::{
    self, CreateNatGateway, DeleteNatGateway, EipBindMode, ModifyNatGateway, NatGateway,
};
use sim_core::{ErrorCode as E, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_nat_gateway",
        &[
            E::InvalidParameter,
            E::NatNameMalformed,
            E::NatDescriptionMalformed,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::VpcNotFound,
            E::VSwitchNotFound,
            E::NatVSwitchOtherVpc,
            E::VSwitchStatusIncorrect,
            E::NatQuotaExceeded,
            E::NatVSwitchFull,
        ],
    ),
    ("get_nat_gateway", &[E::NatGatewayNotFound]),
    (
        "update_nat_gateway",
        &[
            E::InvalidParameter,
            E::NatBindModeAlready,
            E::NatBindModeFixed,
            E::NatEipBusy,
            E::NatGatewayNotFound,
            E::NatNameMalformed,
            E::NatDescriptionMalformed,
            E::NatStatusIncorrect,
        ],
    ),
    (
        "delete_nat_gateway",
        &[
            E::NatGatewayNotFound,
            E::NatStatusIncorrect,
            E::NatProtected,
            E::NatHasSnatEntry,
            E::NatHasForwardEntry,
            E::NatHasEip,
            E::NatHasRouteEntry,
        ],
    ),
    ("list_nat_gateway_dependents", &[E::NatGatewayNotFound]),
];

/// The operations on NAT gateways.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_nat_gateway, list_nat_gateways))
        .routes(routes!(get_nat_gateway, update_nat_gateway, delete_nat_gateway))
        .routes(routes!(list_nat_gateway_dependents))
}

/// A NAT gateway.
#[derive(Serialize, ToSchema)]
pub struct NatGatewayBody {
    /// Its id.
    #[schema(example = "ngw-bp1h2ix3c8njnw9s8k7mq")]
    id: String,
    /// Creating, Available or Deleting.
    #[schema(example = "Available")]
    status: &'static str,
    /// Its VPC.
    vpc_id: String,
    /// Its vSwitch.
    vswitch_id: String,
    /// Its private address.
    #[schema(example = "10.0.1.4")]
    private_ip_address: String,
    /// The elastic IP addresses that are bound to it.
    eip_ids: Vec<String>,
    /// Its SNAT table.
    snat_table_id: String,
    /// How many SNAT entries it has.
    #[schema(example = 1)]
    snat_entry_count: u64,
    /// Its DNAT table.
    forward_table_id: String,
    /// How many DNAT entries it has.
    #[schema(example = 1)]
    forward_entry_count: u64,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// Whether a deletion is refused.
    deletion_protection: bool,
    /// Whether it answers echo requests to its addresses; kept and shown, nobody answers them here.
    icmp_reply: bool,
    /// How its elastic IP addresses are seen by it: MULTI_BINDED or NAT.
    #[schema(example = "MULTI_BINDED")]
    eip_bind_mode: &'static str,
    /// Its region.
    #[schema(example = "cn-hangzhou")]
    region_id: String,
    /// When it was made, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn show(w: &World, g: &NatGateway) -> NatGatewayBody {
    NatGatewayBody {
        id: g.id.to_string(),
        status: g.status.text(),
        vpc_id: g.vpc.to_string(),
        vswitch_id: g.vswitch.to_string(),
        private_ip_address: g.address.to_string(),
        eip_ids: g.eips(w).map(|eip| eip.id.to_string()).collect(),
        snat_table_id: g.snat_table().to_string(),
        snat_entry_count: w.indexes().snat_entries.by_gateway.count(&g.id),
        forward_table_id: g.forward_table().to_string(),
        forward_entry_count: w.indexes().forward_entries.by_gateway.count(&g.id),
        name: g.name.to_string(),
        description: g.description.to_string(),
        deletion_protection: g.deletion_protection,
        icmp_reply: g.icmp_reply,
        eip_bind_mode: g.bind_mode.text(),
        region_id: g.owner.region.to_string(),
        created_at: g.created.to_string(),
        tags: tag_bodies(w, g.id),
    }
}

/// What a new NAT gateway should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"vpc_id": "vpc-bp1h2ix3c8njnw9s8k7mq", "vswitch_id": "vsw-bp1d0b3cvj5xk2k9f5w7t"}))]
pub struct CreateNatGatewayBody {
    /// Its VPC.
    vpc_id: String,
    /// Its vSwitch, from which it takes one address.
    vswitch_id: String,
    /// Its name: 2 to 128 characters, a letter first.
    #[serde(default)]
    name: Option<String>,
    /// Its description: 2 to 256 characters.
    #[serde(default)]
    description: Option<String>,
    /// Whether it answers echo requests, which is kept and shown: yes if absent.
    #[serde(default)]
    icmp_reply: Option<bool>,
    /// How its elastic IP addresses are seen by it: MULTI_BINDED (if absent) or NAT; kept and shown.
    #[serde(default)]
    eip_bind_mode: Option<String>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Make a NAT gateway to the internet.
///
/// The VPC's system route table gets the route 0.0.0.0/0 to it, unless it has one already.
#[utoipa::path(post, path = "/v1/nat-gateways", tag = "NAT gateway", request_body = CreateNatGatewayBody,
    responses((status = 201, description = "The new NAT gateway.", body = NatGatewayBody)))]
async fn create_nat_gateway(
    ctx: Context,
    Body(body): Body<CreateNatGatewayBody>,
) -> Result<Response, Problem> {
    let command = CreateNatGateway {
        vpc: parse_id(&body.vpc_id)?,
        vswitch: parse_id(&body.vswitch_id)?,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        icmp_reply: body.icmp_reply.unwrap_or(true),
        bind_mode: body.eip_bind_mode.as_deref().map(EipBindMode::parse).transpose()?.unwrap_or_default(),
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<NatGateway>(&reply.id::<NatGatewayId>())?;
        Some((format!("/v1/nat-gateways/{}", made.id), show(w, made)))
    })
    .await
}

/// Which NAT gateways to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NatGatewayFilter {
    /// Only those of this VPC.
    vpc_id: Option<String>,
    /// Only those in this vSwitch.
    vswitch_id: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List NAT gateways, oldest first.
#[utoipa::path(get, path = "/v1/nat-gateways", tag = "NAT gateway", params(NatGatewayFilter),
    responses((status = 200, description = "A page of NAT gateways.", body = Page<NatGatewayBody>)))]
async fn list_nat_gateways(
    ctx: Context,
    Query(filter): Query<NatGatewayFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let rows = Rows::<NatGateway>::all(|ix| &ix.nat_gateways.by_owner)
        .of(sought_id::<VpcId>(filter.vpc_id.as_deref())?, |ix| &ix.nat_gateways.by_vpc)
        .of(sought_id::<VSwitchId>(filter.vswitch_id.as_deref())?, |ix| &ix.nat_gateways.by_vswitch)
        .keep(filter.name, |_, g, name| g.name == *name);
    ctx.list(&page, rows, show).await
}

/// Show a NAT gateway.
#[utoipa::path(get, path = "/v1/nat-gateways/{nat_gateway_id}", tag = "NAT gateway",
    params(("nat_gateway_id" = String, Path, description = "The NAT gateway.")),
    responses((status = 200, description = "The NAT gateway.", body = NatGatewayBody)))]
async fn get_nat_gateway(ctx: Context, Path(gateway): Path<String>) -> Result<Response, Problem> {
    let gateway = id::<NatGatewayId>(&gateway)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<NatGateway>(caller, gateway)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "egress", "deletion_protection": true}))]
pub struct UpdateNatGatewayBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
    /// Whether it answers echo requests.
    #[serde(default)]
    icmp_reply: Option<bool>,
    /// NAT, in place of MULTI_BINDED; it never changes back.
    #[serde(default)]
    eip_bind_mode: Option<String>,
    /// Whether a deletion is refused from now on.
    #[serde(default)]
    deletion_protection: Option<bool>,
}

/// Change a NAT gateway.
#[utoipa::path(patch, path = "/v1/nat-gateways/{nat_gateway_id}", tag = "NAT gateway", request_body = UpdateNatGatewayBody,
    params(("nat_gateway_id" = String, Path, description = "The NAT gateway.")),
    responses((status = 200, description = "The NAT gateway as it is now.", body = NatGatewayBody)))]
async fn update_nat_gateway(
    ctx: Context,
    Path(gateway): Path<String>,
    Body(body): Body<UpdateNatGatewayBody>,
) -> Result<Response, Problem> {
    let gateway = id::<NatGatewayId>(&gateway)?;
    let command = ModifyNatGateway {
        gateway,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        icmp_reply: body.icmp_reply,
        bind_mode: body.eip_bind_mode.as_deref().map(EipBindMode::parse).transpose()?,
        deletion_protection: body.deletion_protection,
    };
    ctx.change_row(command, gateway, show).await
}

/// How to delete.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeleteQuery {
    /// Whether SNAT entries and routes to it are deleted with it and its addresses are taken off.
    force: Option<bool>,
}

/// Delete a NAT gateway. The route that was made with it goes with it.
#[utoipa::path(delete, path = "/v1/nat-gateways/{nat_gateway_id}", tag = "NAT gateway",
    params(("nat_gateway_id" = String, Path, description = "The NAT gateway."), DeleteQuery),
    responses((status = 204, description = "It is gone, or on its way there.")))]
async fn delete_nat_gateway(
    ctx: Context,
    Path(gateway): Path<String>,
    Query(query): Query<DeleteQuery>,
) -> Result<Response, Problem> {
    let force = query.force.unwrap_or(false);
    ctx.remove(DeleteNatGateway { gateway: id(&gateway)?, force }).await
}

/// List what keeps a NAT gateway from being deleted, in the order in which a deletion would report it.
#[utoipa::path(get, path = "/v1/nat-gateways/{nat_gateway_id}/dependents", tag = "NAT gateway",
    params(("nat_gateway_id" = String, Path, description = "The NAT gateway.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_nat_gateway_dependents(ctx: Context, Path(gateway): Path<String>) -> Result<Response, Problem> {
    let gateway = id::<NatGatewayId>(&gateway)?;
    let blockers = |w: &World, g: &NatGateway| dependents(nat_gateway::dependents(w, g));
    ctx.show(|w, caller| Ok(blockers(w, w.visible::<NatGateway>(caller, gateway)?))).await
}
