//! vSwitches on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, tag_bodies, tag_pairs};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::id::{VSwitchId, VpcId};
use sim_core::vpc::network_acl_binding::NetworkAclBinding;
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vswitch::{self, CreateVSwitch, DeleteVSwitch, ModifyVSwitch, VSwitch};
use sim_core::{World, ZoneId};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_vswitch",
        &[
            E::VSwitchCidrMalformed,
            E::VSwitchCidrMask,
            E::VSwitchCidrForbidden,
            E::VSwitchCidrOutside,
            E::VSwitchCidrOverlap,
            E::VSwitchCidrRouteConflict,
            E::VSwitchNoRoom,
            E::VSwitchNameMalformed,
            E::VSwitchDescriptionMalformed,
            E::VSwitchQuotaExceeded,
            E::VSwitchIpv6Malformed,
            E::VSwitchIpv6Exists,
            E::VSwitchIpv6Missing,
            E::VSwitchIpv6Parent,
            E::Ipv6Disabled,
            E::VpcNotFound,
            E::ZoneNotFound,
            E::VpcStatusIncorrect,
            E::VSwitchSiblingBusy,
            E::VpcRouteEntryBusy,
            E::VpcBusy,
            E::MissingParameter,
            E::InvalidParameter,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
        ],
    ),
    ("list_vswitches", &[E::VpcNotFound]),
    ("get_vswitch", &[E::VSwitchNotFound]),
    (
        "update_vswitch",
        &[
            E::VSwitchNotFound,
            E::VSwitchNameMalformed,
            E::VSwitchDescriptionMalformed,
            E::VSwitchStatusIncorrect,
            E::Ipv6Disabled,
            E::VSwitchIpv6Malformed,
            E::VSwitchCidrRouteConflict,
            E::VSwitchIpv6Exists,
            E::VSwitchIpv6Exclusive,
            E::VSwitchIpv6Missing,
            E::VSwitchIpv6Parent,
            E::VSwitchIpv6Off,
            E::VSwitchIpv6On,
            E::VSwitchIpv6InUse,
            E::VSwitchRouteEntryBusy,
        ],
    ),
    (
        "delete_vswitch",
        &[
            E::VSwitchNotFound,
            E::VSwitchStatusIncorrect,
            E::VSwitchSiblingBusy,
            E::VpcRouteEntryBusy,
            E::VpcBusy,
            E::VSwitchHasRouteTable,
            E::VSwitchHasReservation,
            E::VSwitchInUse,
            E::VSwitchHasResident,
            E::VSwitchHasSnatEntry,
            E::VSwitchHasHaVip,
            E::VSwitchHasNatGateway,
        ],
    ),
    ("list_vswitch_dependents", &[E::VSwitchNotFound]),
];

/// The operations on vSwitches.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_vswitch, list_vswitches))
        .routes(routes!(get_vswitch, update_vswitch, delete_vswitch))
        .routes(routes!(list_vswitch_dependents))
}

/// A vSwitch.
#[derive(Serialize, ToSchema)]
pub struct VSwitchBody {
    /// Its id.
    #[schema(example = "vsw-bp1d0b3cvj5xk2k9f5w7t")]
    id: String,
    /// Pending or Available.
    #[schema(example = "Available")]
    status: &'static str,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// Its VPC.
    vpc_id: String,
    /// Its zone.
    #[schema(example = "cn-hangzhou-k")]
    zone_id: String,
    /// Its IPv4 block.
    #[schema(example = "10.0.1.0/24")]
    cidr_block: String,
    /// Its IPv6 /64; null if IPv6 is off.
    ipv6_cidr_block: Option<String>,
    /// How many IPv4 addresses are free.
    #[schema(example = 252)]
    available_ip_address_count: u64,
    /// Whether it is the zone's default vSwitch.
    is_default: bool,
    /// The route table that holds for it.
    route_table_id: String,
    /// The network ACL that it is bound to, also while the binding is made or undone; null if there is none.
    network_acl_id: Option<String>,
    /// When it was made, in virtual time.
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

pub(super) fn show(w: &World, s: &VSwitch) -> VSwitchBody {
    let system = w.get::<Vpc>(&s.vpc).map(|vpc| vpc.system_table);
    VSwitchBody {
        id: s.id.to_string(),
        status: s.status.text(),
        name: s.name.to_string(),
        description: s.description.to_string(),
        vpc_id: s.vpc.to_string(),
        zone_id: s.zone.to_string(),
        cidr_block: s.block.to_string(),
        ipv6_cidr_block: s.ipv6.map(|b| b.to_string()),
        available_ip_address_count: s.available_addresses(w),
        is_default: s.is_default,
        route_table_id: s.route_table.or(system).map(|id| id.to_string()).unwrap_or_default(),
        network_acl_id: w.get::<NetworkAclBinding>(&s.id).map(|binding| binding.acl.to_string()),
        created_at: s.created.to_string(),
        tags: tag_bodies(w, s.id),
    }
}

/// What a new vSwitch should be. Give either `cidr_block` or `cidr_mask`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"vpc_id": "vpc-bp1h2ix3c8njnw9s8k7mq", "zone_id": "cn-hangzhou-k", "cidr_block": "10.0.1.0/24"}))]
pub struct CreateVSwitchBody {
    /// Its VPC.
    vpc_id: String,
    /// Its zone.
    zone_id: String,
    /// Its block: a mask of 16 to 29, inside the VPC.
    #[serde(default)]
    cidr_block: Option<String>,
    /// The mask of a block to be found: the lowest free one.
    #[serde(default)]
    #[schema(minimum = 16, maximum = 29)]
    cidr_mask: Option<u8>,
    /// The number of an IPv6 /64 inside the VPC's block.
    #[serde(default)]
    ipv6_subnet: Option<u32>,
    /// The IPv6 block of the VPC that the /64 lies in; the VPC's first one if absent.
    #[serde(default)]
    vpc_ipv6_cidr_block: Option<String>,
    /// Its name: 1 to 128 characters.
    #[serde(default)]
    name: Option<String>,
    /// Its description: 1 to 256 characters.
    #[serde(default)]
    description: Option<String>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Make a vSwitch.
///
/// With `cidr_mask` the lowest free block of that size is taken; two requests never get the same one.
#[utoipa::path(post, path = "/v1/vswitches", tag = "vSwitch", request_body = CreateVSwitchBody,
    responses((status = 201, description = "The new vSwitch.", body = VSwitchBody)))]
async fn create_vswitch(ctx: Context, Body(body): Body<CreateVSwitchBody>) -> Result<Response, Problem> {
    let block = vswitch::choose_block(body.cidr_block.as_deref(), body.cidr_mask)?;
    let command = CreateVSwitch {
        vpc: parse_id(&body.vpc_id)?,
        zone: ZoneId::from(body.zone_id.as_str()),
        block,
        ipv6_subnet: body.ipv6_subnet,
        vpc_ipv6_block: body.vpc_ipv6_cidr_block.as_deref().map(vswitch::parse_ipv6_parent).transpose()?,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<VSwitch>(&reply.id::<VSwitchId>())?;
        Some((format!("/v1/vswitches/{}", made.id), show(w, made)))
    })
    .await
}

/// Which vSwitches to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VSwitchFilter {
    /// Only those of this VPC.
    vpc_id: Option<String>,
    /// Only those in this zone.
    zone_id: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List vSwitches, oldest first.
#[utoipa::path(get, path = "/v1/vswitches", tag = "vSwitch", params(VSwitchFilter),
    responses((status = 200, description = "A page of vSwitches.", body = Page<VSwitchBody>)))]
async fn list_vswitches(ctx: Context, Query(filter): Query<VSwitchFilter>) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let zone = filter.zone_id.as_deref().map(ZoneId::from);
    let rows = Rows::<VSwitch>::all(|ix| &ix.vswitches.by_owner)
        .of(sought_id::<VpcId>(filter.vpc_id.as_deref())?, |ix| &ix.vswitches.by_vpc)
        .in_own(zone, |ix| &ix.vswitches.by_zone, |owner, zone| (owner, zone))
        .keep(filter.name, |_, s, name| s.name == *name);
    ctx.list(&page, rows, show).await
}

/// Show a vSwitch.
#[utoipa::path(get, path = "/v1/vswitches/{vswitch_id}", tag = "vSwitch",
    params(("vswitch_id" = String, Path, description = "The vSwitch.")),
    responses((status = 200, description = "The vSwitch.", body = VSwitchBody)))]
async fn get_vswitch(ctx: Context, Path(vswitch_id): Path<String>) -> Result<Response, Problem> {
    let vswitch_id = id::<VSwitchId>(&vswitch_id)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<VSwitch>(caller, vswitch_id)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "web"}))]
pub struct UpdateVSwitchBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
    /// Turns IPv6 on with this subnet number, or moves it.
    #[serde(default)]
    ipv6_subnet: Option<u32>,
    /// The IPv6 block of the VPC that the /64 lies in; the VPC's first one if absent.
    #[serde(default)]
    vpc_ipv6_cidr_block: Option<String>,
    /// Turns IPv6 on where it is off: with `ipv6_subnet`, or with the lowest number that is free.
    #[serde(default)]
    enable_ipv6: bool,
    /// Turns IPv6 off where it is on.
    #[serde(default)]
    disable_ipv6: bool,
}

/// Change a vSwitch.
#[utoipa::path(patch, path = "/v1/vswitches/{vswitch_id}", tag = "vSwitch", request_body = UpdateVSwitchBody,
    params(("vswitch_id" = String, Path, description = "The vSwitch.")),
    responses((status = 200, description = "The vSwitch as it is now.", body = VSwitchBody)))]
async fn update_vswitch(
    ctx: Context,
    Path(vswitch_id): Path<String>,
    Body(body): Body<UpdateVSwitchBody>,
) -> Result<Response, Problem> {
    let vswitch = id::<VSwitchId>(&vswitch_id)?;
    let command = ModifyVSwitch {
        vswitch,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        ipv6_subnet: body.ipv6_subnet,
        vpc_ipv6_block: body.vpc_ipv6_cidr_block.as_deref().map(vswitch::parse_ipv6_parent).transpose()?,
        enable_ipv6: body.enable_ipv6,
        disable_ipv6: body.disable_ipv6,
    };
    ctx.change_row(command, vswitch, show).await
}

/// Delete a vSwitch.
#[utoipa::path(delete, path = "/v1/vswitches/{vswitch_id}", tag = "vSwitch",
    params(("vswitch_id" = String, Path, description = "The vSwitch.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_vswitch(ctx: Context, Path(vswitch_id): Path<String>) -> Result<Response, Problem> {
    let vswitch = id::<VSwitchId>(&vswitch_id)?;
    ctx.remove(DeleteVSwitch { vswitch }).await
}

/// List what keeps a vSwitch from being deleted, in the order in which a deletion would report it.
#[utoipa::path(get, path = "/v1/vswitches/{vswitch_id}/dependents", tag = "vSwitch",
    params(("vswitch_id" = String, Path, description = "The vSwitch.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_vswitch_dependents(ctx: Context, Path(vswitch_id): Path<String>) -> Result<Response, Problem> {
    let vswitch_id = id::<VSwitchId>(&vswitch_id)?;
    ctx.show(|w, caller| Ok(dependents(vswitch::dependents(w, w.visible::<VSwitch>(caller, vswitch_id)?))))
        .await
}
