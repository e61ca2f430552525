//! Secondary blocks, default networks and CIDR reservations on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, tag_bodies, tag_pairs};
use crate::rest::places::PlacesOf;
use crate::rest::vpcs::{VpcBody, show as show_vpc};
use crate::rest::vswitches::{VSwitchBody, show as show_vswitch};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::id::{CidrReservationId, VSwitchId, VpcId};
use sim_core::vpc::cidr_reservation::{
    self, CidrReservation, CreateCidrReservation, DeleteCidrReservation, ModifyCidrReservation,
};
use sim_core::vpc::default_network::{CreateDefaultVSwitch, CreateDefaultVpc};
use sim_core::vpc::secondary_block::{
    self, AddIpv6Block, AddSecondaryBlock, RemoveIpv6Block, RemoveSecondaryBlock,
};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vswitch::VSwitch;
use sim_core::{Command, Refusal, World, ZoneId};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "add_vpc_cidr_block",
        &[
            E::SecondaryCidrMissing,
            E::SecondaryCidrExclusive,
            E::SecondaryCidrMalformed,
            E::SecondaryCidrMask,
            E::SecondaryCidrForbidden,
            E::SecondaryCidrDuplicate,
            E::SecondaryCidrOverlap,
            E::SecondaryCidrRouteConflict,
            E::SecondaryCidrQuota,
            E::SecondaryIpv6Quota,
            E::SecondaryIpv6NotReserved,
            E::Ipv6CidrMalformed,
            E::Ipv6IspUnsupported,
            E::VpcNotFound,
            E::VpcStatusIncorrect,
        ],
    ),
    (
        "remove_vpc_cidr_block",
        &[
            E::SecondaryCidrMalformed,
            E::SecondaryCidrNotFound,
            E::SecondaryCidrInUse,
            E::SecondaryIpv6NotFound,
            E::Ipv6GatewayInVpc,
            E::Ipv6CidrMalformed,
            E::Ipv6InUse,
            E::VpcNotFound,
            E::VpcStatusIncorrect,
        ],
    ),
    ("create_default_vpc", &[E::DefaultVpcExists, E::RegionNotFound, E::ResourceGroupNotFound]),
    (
        "create_default_vswitch",
        &[
            E::DefaultVpcMissing,
            E::DefaultVSwitchExists,
            E::ZoneNotFound,
            E::VpcStatusIncorrect,
            E::VSwitchSiblingBusy,
            E::VpcRouteEntryBusy,
            E::VpcBusy,
            E::VSwitchCidrRouteConflict,
            E::VSwitchNoRoom,
            E::Ipv6Disabled,
            E::VSwitchIpv6Malformed,
            E::VSwitchIpv6Exists,
        ],
    ),
    (
        "create_cidr_reservation",
        &[
            E::CidrReservationChoice,
            E::CidrReservationBoth,
            E::CidrReservationMalformed,
            E::CidrReservationMask,
            E::CidrReservationOutside,
            E::CidrReservationSystem,
            E::CidrReservationUsed,
            E::CidrReservationNoRoom,
            E::CidrReservationQuota,
            E::CidrReservationIpv6,
            E::VSwitchNotFound,
            E::VSwitchStatusIncorrect,
            E::ReservationNameMalformed,
            E::ReservationDescriptionMalformed,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
        ],
    ),
    ("list_cidr_reservations", &[E::VSwitchNotFound]),
    ("get_cidr_reservation", &[E::CidrReservationNotFound]),
    (
        "update_cidr_reservation",
        &[E::ReservationNameMalformed, E::ReservationDescriptionMalformed, E::CidrReservationNotFound],
    ),
    ("delete_cidr_reservation", &[E::CidrReservationNotFound, E::CidrReservationInUse]),
    ("list_cidr_reservation_dependents", &[E::CidrReservationNotFound]),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[
    ("remove_vpc_cidr_block", &[("ipv6_cidr_block", "cidr_block")]),
    ("create_default_vswitch", &[("vpc_id", "Cloudnet-Region"), ("cidr_mask", "Cloudnet-Region")]),
];

/// The operations.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(add_vpc_cidr_block, remove_vpc_cidr_block))
        .routes(routes!(create_default_vpc))
        .routes(routes!(create_default_vswitch))
        .routes(routes!(create_cidr_reservation, list_cidr_reservations))
        .routes(routes!(get_cidr_reservation, update_cidr_reservation, delete_cidr_reservation))
        .routes(routes!(list_cidr_reservation_dependents))
}

/// A block to add. Give either `cidr_block`, or `ipv6: true` for an IPv6 block that the platform assigns.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"cidr_block": "192.168.0.0/16"}))]
pub struct AddCidrBlockBody {
    /// An IPv4 block: a mask of 16 to 28, apart from the VPC's other blocks.
    #[serde(default)]
    cidr_block: Option<String>,
    /// Whether to add an IPv6 /56.
    #[serde(default)]
    ipv6: bool,
    /// A reserved IPv6 block to add.
    #[serde(default)]
    ipv6_cidr_block: Option<String>,
    /// The lines of the IPv6 block.
    #[serde(default)]
    ipv6_isp: Option<String>,
}

/// Add a secondary block to a VPC.
#[utoipa::path(post, path = "/v1/vpcs/{vpc_id}/cidr-blocks", tag = "VPC", request_body = AddCidrBlockBody,
    params(("vpc_id" = String, Path, description = "The VPC.")),
    responses((status = 200, description = "The VPC as it is now.", body = VpcBody)))]
async fn add_vpc_cidr_block(
    ctx: Context,
    Path(vpc_id): Path<String>,
    Body(body): Body<AddCidrBlockBody>,
) -> Result<Response, Problem> {
    let vpc = id::<VpcId>(&vpc_id)?;
    let ipv6 = body.ipv6 || body.ipv6_cidr_block.is_some();
    let command: Command = match (body.cidr_block, ipv6) {
        (Some(_), true) => {
            let member = if body.ipv6 { "ipv6" } else { "ipv6_cidr_block" };
            return Err(Refusal::new(E::SecondaryCidrExclusive).field(member).into());
        }
        (Some(text), false) => AddSecondaryBlock { vpc, block: secondary_block::parse_block(&text)? }.into(),
        (None, true) => {
            let block = body.ipv6_cidr_block.as_deref().map(secondary_block::parse_block6).transpose()?;
            AddIpv6Block { vpc, block, isp: body.ipv6_isp.map(Into::into) }.into()
        }
        (None, false) => {
            return Err(Refusal::new(E::SecondaryCidrMissing)
                .field("cidr_block")
                .accepted("192.168.0.0/16")
                .into());
        }
    };
    ctx.change_row(command, vpc, show_vpc).await
}

/// Which block to take off.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RemoveBlock {
    /// The IPv4 or IPv6 block.
    #[param(example = "192.168.0.0/16")]
    cidr_block: String,
}

/// Take a secondary block off a VPC.
#[utoipa::path(delete, path = "/v1/vpcs/{vpc_id}/cidr-blocks", tag = "VPC",
    params(("vpc_id" = String, Path, description = "The VPC."), RemoveBlock),
    responses((status = 204, description = "It is gone.")))]
async fn remove_vpc_cidr_block(
    ctx: Context,
    Path(vpc_id): Path<String>,
    Query(query): Query<RemoveBlock>,
) -> Result<Response, Problem> {
    let vpc = id::<VpcId>(&vpc_id)?;
    if query.cidr_block.contains(':') {
        return ctx
            .remove(RemoveIpv6Block { vpc, block: secondary_block::parse_block6(&query.cidr_block)? })
            .await;
    }
    ctx.remove(RemoveSecondaryBlock { vpc, block: secondary_block::parse_block(&query.cidr_block)? }).await
}

/// What the default VPC should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"enable_ipv6": false}))]
pub struct CreateDefaultVpcBody {
    /// Whether to assign an IPv6 /56.
    #[serde(default)]
    enable_ipv6: bool,
    /// Its resource group; the account's default one if absent.
    #[serde(default)]
    resource_group_id: Option<String>,
}

/// Make the region's default VPC.
#[utoipa::path(post, path = "/v1/default-vpc", tag = "VPC", request_body = CreateDefaultVpcBody,
    responses((status = 201, description = "The new VPC.", body = VpcBody)))]
async fn create_default_vpc(
    ctx: Context,
    Body(body): Body<CreateDefaultVpcBody>,
) -> Result<Response, Problem> {
    let resource_group = body.resource_group_id.as_deref().map(parse_id).transpose()?;
    ctx.create(CreateDefaultVpc { ipv6: body.enable_ipv6, resource_group }, |w, reply| {
        let vpc = w.get::<Vpc>(&reply.id::<VpcId>())?;
        Some((format!("/v1/vpcs/{}", vpc.id), show_vpc(w, vpc)))
    })
    .await
}

/// What the default vSwitch should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"zone_id": "cn-hangzhou-k"}))]
pub struct CreateDefaultVSwitchBody {
    /// Its zone.
    zone_id: String,
    /// The number of an IPv6 /64 inside the VPC's block.
    #[serde(default)]
    ipv6_subnet: Option<u32>,
}

/// Make a zone's default vSwitch in the region's default VPC.
#[utoipa::path(post, path = "/v1/default-vswitches", tag = "vSwitch", request_body = CreateDefaultVSwitchBody,
    responses((status = 201, description = "The new vSwitch.", body = VSwitchBody)))]
async fn create_default_vswitch(
    ctx: Context,
    Body(body): Body<CreateDefaultVSwitchBody>,
) -> Result<Response, Problem> {
    let command =
        CreateDefaultVSwitch { zone: ZoneId::from(body.zone_id.as_str()), ipv6_subnet: body.ipv6_subnet };
    ctx.create(command, |w, reply| {
        let made = w.get::<VSwitch>(&reply.id::<VSwitchId>())?;
        Some((format!("/v1/vswitches/{}", made.id), show_vswitch(w, made)))
    })
    .await
}

/// A part of a vSwitch that only interface prefixes are taken from.
#[derive(Serialize, ToSchema)]
pub struct CidrReservationBody {
    /// Its id.
    id: String,
    /// Its VPC.
    vpc_id: String,
    /// Its vSwitch.
    vswitch_id: String,
    /// The block.
    #[schema(example = "10.0.1.16/28")]
    cidr_block: String,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// When it was made, in virtual time.
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn show(w: &World, r: &CidrReservation) -> CidrReservationBody {
    CidrReservationBody {
        id: r.id.to_string(),
        vpc_id: r.vpc.to_string(),
        vswitch_id: r.vswitch.to_string(),
        cidr_block: r.block.to_string(),
        name: r.name.to_string(),
        description: r.description.to_string(),
        created_at: r.created.to_string(),
        tags: tag_bodies(w, r.id),
    }
}

/// What to reserve. Give either `cidr_block` or `cidr_mask`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"vswitch_id": "vsw-bp1d0b3cvj5xk2k9f5w7t", "cidr_mask": 28}))]
pub struct CreateCidrReservationBody {
    /// The vSwitch.
    vswitch_id: String,
    /// The block: a proper part of the vSwitch's.
    #[serde(default)]
    cidr_block: Option<String>,
    /// The mask of a block to be found.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 128)]
    cidr_mask: Option<u8>,
    /// Whether the reservation is an IPv6 one.
    #[serde(default)]
    ipv6: bool,
    /// Its name.
    #[serde(default)]
    name: Option<String>,
    /// Its description.
    #[serde(default)]
    description: Option<String>,
    /// Its tags.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Reserve a part of a vSwitch for interface prefixes.
#[utoipa::path(post, path = "/v1/cidr-reservations", tag = "vSwitch", request_body = CreateCidrReservationBody,
    responses((status = 201, description = "The new reservation.", body = CidrReservationBody)))]
async fn create_cidr_reservation(
    ctx: Context,
    Body(body): Body<CreateCidrReservationBody>,
) -> Result<Response, Problem> {
    let command = CreateCidrReservation {
        vswitch: parse_id(&body.vswitch_id)?,
        block: cidr_reservation::choose(body.cidr_block.as_deref(), body.cidr_mask, !body.ipv6)?,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<CidrReservation>(&reply.id::<CidrReservationId>())?;
        Some((format!("/v1/cidr-reservations/{}", made.id), show(w, made)))
    })
    .await
}

/// Which reservations to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReservationFilter {
    /// Only those of this vSwitch.
    vswitch_id: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List CIDR reservations, oldest first.
#[utoipa::path(get, path = "/v1/cidr-reservations", tag = "vSwitch", params(ReservationFilter),
    responses((status = 200, description = "A page of reservations.", body = Page<CidrReservationBody>)))]
async fn list_cidr_reservations(
    ctx: Context,
    Query(filter): Query<ReservationFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let vswitch = sought_id::<VSwitchId>(filter.vswitch_id.as_deref())?;
    let rows = Rows::<CidrReservation>::all(|ix| &ix.cidr_reservations.by_owner)
        .of(vswitch, |ix| &ix.cidr_reservations.by_vswitch);
    ctx.list(&page, rows, show).await
}

/// Show a CIDR reservation.
#[utoipa::path(get, path = "/v1/cidr-reservations/{cidr_reservation_id}", tag = "vSwitch",
    params(("cidr_reservation_id" = String, Path, description = "The reservation.")),
    responses((status = 200, description = "The reservation.", body = CidrReservationBody)))]
async fn get_cidr_reservation(ctx: Context, Path(text): Path<String>) -> Result<Response, Problem> {
    let reservation = id::<CidrReservationId>(&text)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<CidrReservation>(caller, reservation)?))).await
}

/// What a CIDR reservation should be from now on; absent members stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "pods"}))]
pub struct UpdateCidrReservationBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
}

/// Change the name or the description of a CIDR reservation.
#[utoipa::path(patch, path = "/v1/cidr-reservations/{cidr_reservation_id}", tag = "vSwitch",
    request_body = UpdateCidrReservationBody,
    params(("cidr_reservation_id" = String, Path, description = "The reservation.")),
    responses((status = 200, description = "The reservation as it is now.", body = CidrReservationBody)))]
async fn update_cidr_reservation(
    ctx: Context,
    Path(text): Path<String>,
    Body(body): Body<UpdateCidrReservationBody>,
) -> Result<Response, Problem> {
    let reservation = id::<CidrReservationId>(&text)?;
    let command = ModifyCidrReservation {
        reservation,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
    };
    ctx.change_row(command, reservation, show).await
}

/// Give a CIDR reservation back.
#[utoipa::path(delete, path = "/v1/cidr-reservations/{cidr_reservation_id}", tag = "vSwitch",
    params(("cidr_reservation_id" = String, Path, description = "The reservation.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_cidr_reservation(ctx: Context, Path(text): Path<String>) -> Result<Response, Problem> {
    let reservation = id::<CidrReservationId>(&text)?;
    ctx.remove(DeleteCidrReservation { reservation }).await
}

/// List what keeps a CIDR reservation from being deleted.
#[utoipa::path(get, path = "/v1/cidr-reservations/{cidr_reservation_id}/dependents", tag = "vSwitch",
    params(("cidr_reservation_id" = String, Path, description = "The reservation.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_cidr_reservation_dependents(
    ctx: Context,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let reservation = id::<CidrReservationId>(&text)?;
    ctx.show(|w, caller| {
        Ok(dependents(cidr_reservation::dependents(w, w.visible::<CidrReservation>(caller, reservation)?)))
    })
    .await
}
