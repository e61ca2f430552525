//! VPCs on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, parse_list, tag_bodies, tag_pairs};
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::World;
use sim_core::id::VpcId;
use sim_core::vpc::vpc::{self, CreateVpc, DeleteVpc, ModifyVpc, Vpc};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_vpc",
        &[
            E::VpcCidrMalformed,
            E::VpcCidrMask,
            E::VpcCidrForbidden,
            E::VpcNameMalformed,
            E::VpcDescriptionMalformed,
            E::UserCidrMalformed,
            E::UserCidrQuota,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::Ipv6IspUnsupported,
            E::Ipv6NotAsked,
            E::RegionNotFound,
            E::ResourceGroupNotFound,
            E::VpcQuotaExceeded,
        ],
    ),
    ("get_vpc", &[E::VpcNotFound]),
    (
        "update_vpc",
        &[
            E::VpcNotFound,
            E::VpcNameMalformed,
            E::VpcDescriptionMalformed,
            E::VpcCidrMalformed,
            E::VpcCidrMask,
            E::VpcCidrForbidden,
            E::VpcCidrOutsidePrimary,
            E::VpcCidrInUse,
            E::VpcCidrOverlap,
            E::VpcStatusIncorrect,
            E::Ipv6InUse,
            E::Ipv6GatewayInVpc,
            E::Ipv6IspUnsupported,
            E::VpcChangeExclusive,
        ],
    ),
    (
        "delete_vpc",
        &[
            E::VpcNotFound,
            E::VpcStatusIncorrect,
            E::VpcHasNatGateway,
            E::VpcHasIpv4Gateway,
            E::VpcHasIpv6Gateway,
            E::VpcHasRouterInterface,
            E::VpcHasOppositeRouterInterface,
            E::VpcHasVpcPeer,
            E::VpcHasVSwitch,
            E::VpcHasRouteTable,
            E::VpcHasGatewayRouteTable,
            E::VpcHasRouteEntry,
            E::VpcHasSecurityGroup,
        ],
    ),
    ("list_vpc_dependents", &[E::VpcNotFound]),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[("update_vpc", &[("ipv6", "enable_ipv6")])];

/// The operations on VPCs.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_vpc, list_vpcs))
        .routes(routes!(get_vpc, update_vpc, delete_vpc))
        .routes(routes!(list_vpc_dependents))
}

/// A VPC.
#[derive(Serialize, ToSchema)]
pub struct VpcBody {
    /// Its id.
    #[schema(example = "vpc-bp1h2ix3c8njnw9s8k7mq")]
    id: String,
    /// Pending or Available.
    #[schema(example = "Available")]
    status: &'static str,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// Its primary IPv4 block.
    #[schema(example = "10.0.0.0/8")]
    cidr_block: String,
    /// Its secondary IPv4 blocks.
    secondary_cidr_blocks: Vec<String>,
    /// Its user CIDRs: destinations to be treated as private.
    user_cidrs: Vec<String>,
    /// Its IPv6 blocks.
    ipv6_cidr_blocks: Vec<String>,
    /// Whether it is the region's default VPC.
    is_default: bool,
    /// Its vRouter.
    vrouter_id: String,
    /// Its system route table.
    system_route_table_id: String,
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

pub(super) fn show(w: &World, vpc: &Vpc) -> VpcBody {
    VpcBody {
        id: vpc.id.to_string(),
        status: vpc.status.text(),
        name: vpc.name.to_string(),
        description: vpc.description.to_string(),
        cidr_block: vpc.block.to_string(),
        secondary_cidr_blocks: vpc.secondary.iter().map(ToString::to_string).collect(),
        user_cidrs: vpc.user_cidrs.iter().map(ToString::to_string).collect(),
        ipv6_cidr_blocks: vpc.ipv6.iter().map(|b| b.block.to_string()).collect(),
        is_default: vpc.is_default,
        vrouter_id: vpc.vrouter.to_string(),
        system_route_table_id: vpc.system_table.to_string(),
        resource_group_id: vpc.resource_group.to_string(),
        region_id: vpc.owner.region.to_string(),
        created_at: vpc.created.to_string(),
        tags: tag_bodies(w, vpc.id),
    }
}

/// What a new VPC should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"cidr_block": "10.0.0.0/8", "name": "prod", "tags": [{"key": "env", "value": "prod"}]}))]
pub struct CreateVpcBody {
    /// Its primary block: a mask of 8 to 28; 172.16.0.0/12 if absent.
    #[serde(default)]
    cidr_block: Option<String>,
    /// Its name: 1 to 128 characters.
    #[serde(default)]
    name: Option<String>,
    /// Its description: 1 to 256 characters.
    #[serde(default)]
    description: Option<String>,
    /// Whether to assign an IPv6 /56.
    #[serde(default)]
    enable_ipv6: bool,
    /// The lines of the IPv6 block: BGP (if absent), ChinaMobile, ChinaUnicom or ChinaTelecom.
    #[serde(default)]
    ipv6_isp: Option<String>,
    /// Whether instances get host names in DNS.
    #[serde(default)]
    enable_dns_hostnames: bool,
    /// At most 3 destinations outside RFC 1918 to be treated as private.
    #[serde(default)]
    user_cidrs: Vec<String>,
    /// Its resource group; the account's default one if absent.
    #[serde(default)]
    resource_group_id: Option<String>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Make a VPC.
///
/// A VPC is born with one vRouter and one system route table.
#[utoipa::path(post, path = "/v1/vpcs", tag = "VPC", request_body = CreateVpcBody,
    responses((status = 201, description = "The new VPC.", body = VpcBody)))]
async fn create_vpc(ctx: Context, Body(body): Body<CreateVpcBody>) -> Result<Response, Problem> {
    let user_cidr =
        |text: &str| sim_core::cidr_input::parse4(text, "user_cidrs", sim_core::ErrorCode::UserCidrMalformed);
    let command = CreateVpc {
        block: body.cidr_block.as_deref().map(vpc::parse_block).transpose()?,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        ipv6: body.enable_ipv6,
        ipv6_isp: body.ipv6_isp.map(Into::into),
        dns_hostnames: body.enable_dns_hostnames,
        user_cidrs: parse_list(&body.user_cidrs, user_cidr)?,
        resource_group: body.resource_group_id.as_deref().map(parse_id).transpose()?,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let vpc = w.get::<Vpc>(&reply.id::<VpcId>())?;
        Some((format!("/v1/vpcs/{}", vpc.id), show(w, vpc)))
    })
    .await
}

/// Which VPCs to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VpcFilter {
    /// Only this name.
    name: Option<String>,
    /// Only the region's default VPC, or only the others.
    is_default: Option<bool>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List VPCs, oldest first.
#[utoipa::path(get, path = "/v1/vpcs", tag = "VPC", params(VpcFilter),
    responses((status = 200, description = "A page of VPCs.", body = Page<VpcBody>)))]
async fn list_vpcs(ctx: Context, Query(filter): Query<VpcFilter>) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let rows = Rows::<Vpc>::all(|ix| &ix.vpcs.by_owner)
        .keep(filter.name, |_, vpc, name| vpc.name == *name)
        .keep(filter.is_default, |_, vpc, is| vpc.is_default == *is);
    ctx.list(&page, rows, show).await
}

/// Show a VPC.
#[utoipa::path(get, path = "/v1/vpcs/{vpc_id}", tag = "VPC", params(("vpc_id" = String, Path, description = "The VPC.")),
    responses((status = 200, description = "The VPC.", body = VpcBody)))]
async fn get_vpc(ctx: Context, Path(vpc_id): Path<String>) -> Result<Response, Problem> {
    let vpc_id = id::<VpcId>(&vpc_id)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<Vpc>(caller, vpc_id)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "prod-2", "description": "the production network"}))]
pub struct UpdateVpcBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
    /// Its new primary block, inside the original one.
    #[serde(default)]
    cidr_block: Option<String>,
    /// Whether it has an IPv6 block.
    #[serde(default)]
    enable_ipv6: Option<bool>,
    /// The lines of a new IPv6 block.
    #[serde(default)]
    ipv6_isp: Option<String>,
    /// Whether instances get host names in DNS.
    #[serde(default)]
    enable_dns_hostnames: Option<bool>,
}

/// Change a VPC.
#[utoipa::path(patch, path = "/v1/vpcs/{vpc_id}", tag = "VPC", request_body = UpdateVpcBody,
    params(("vpc_id" = String, Path, description = "The VPC.")),
    responses((status = 200, description = "The VPC as it is now.", body = VpcBody)))]
async fn update_vpc(
    ctx: Context,
    Path(vpc_id): Path<String>,
    Body(body): Body<UpdateVpcBody>,
) -> Result<Response, Problem> {
    let vpc_id = id::<VpcId>(&vpc_id)?;
    let command = ModifyVpc {
        vpc: vpc_id,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        block: body.cidr_block.as_deref().map(vpc::parse_block).transpose()?,
        ipv6: body.enable_ipv6,
        ipv6_isp: body.ipv6_isp.map(Into::into),
        dns_hostnames: body.enable_dns_hostnames,
    };
    ctx.change_row(command, vpc_id, show).await
}

/// Delete a VPC with its vRouter and system route table.
#[utoipa::path(delete, path = "/v1/vpcs/{vpc_id}", tag = "VPC", params(("vpc_id" = String, Path, description = "The VPC.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_vpc(ctx: Context, Path(vpc_id): Path<String>) -> Result<Response, Problem> {
    let vpc = id::<VpcId>(&vpc_id)?;
    ctx.remove(DeleteVpc { vpc }).await
}

/// List what keeps a VPC from being deleted, in the order in which a deletion would report it.
#[utoipa::path(get, path = "/v1/vpcs/{vpc_id}/dependents", tag = "VPC",
    params(("vpc_id" = String, Path, description = "The VPC.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_vpc_dependents(ctx: Context, Path(vpc_id): Path<String>) -> Result<Response, Problem> {
    let vpc_id = id::<VpcId>(&vpc_id)?;
    ctx.show(|w, caller| Ok(dependents(vpc::dependents(w, w.visible::<Vpc>(caller, vpc_id)?)))).await
}
