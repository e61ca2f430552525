//! HaVips on the native wire.

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
use sim_core::ecs::eni::Eni;
use sim_core::ecs::eni_address::parse4;
use sim_core::id::{EniId, HaVipId, VSwitchId, VpcId};
use sim_core::vpc::ha_vip::{self, BindType, CreateHaVip, DeleteHaVip, HaVip, ModifyHaVip};
use sim_core::vpc::ha_vip_binding::{AssociateHaVip, UnassociateHaVip};
use sim_core::{ErrorCode as E, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_ha_vip",
        &[
            E::VSwitchNotFound,
            E::ResourceGroupNotFound,
            E::HaVipNameMalformed,
            E::HaVipDescriptionMalformed,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::VSwitchStatusIncorrect,
            E::AddressMalformed,
            E::AddressOutside,
            E::AddressReserved,
            E::AddressInUse,
            E::AddressExhausted,
            E::HaVipVpcQuotaExceeded,
            E::HaVipQuotaExceeded,
            E::AddressQuotaExceeded,
        ],
    ),
    ("get_ha_vip", &[E::HaVipNotFound]),
    (
        "update_ha_vip",
        &[E::HaVipNotFound, E::HaVipNameMalformed, E::HaVipDescriptionMalformed, E::HaVipStatusIncorrect],
    ),
    (
        "associate_ha_vip",
        &[
            E::HaVipNotFound,
            E::HaVipBindTypeUnknown,
            E::InstanceNotFound,
            E::EniNotFound,
            E::HaVipStatusIncorrect,
            E::HaVipOtherVSwitch,
            E::HaVipInterfaceFree,
            E::HaVipInstanceStatus,
            E::HaVipBoundAlready,
            E::HaVipMixedTypes,
            E::HaVipSameInstance,
            E::HaVipBoundExceeded,
            E::HaVipsOnInstanceExceeded,
        ],
    ),
    (
        "unassociate_ha_vip",
        &[
            E::HaVipNotFound,
            E::HaVipBindTypeUnknown,
            E::InstanceNotFound,
            E::EniNotFound,
            E::HaVipStatusIncorrect,
            E::HaVipNotBound,
            E::HaVipInstanceStatus,
            E::HaVipMaster,
        ],
    ),
    (
        "delete_ha_vip",
        &[E::HaVipNotFound, E::HaVipStatusIncorrect, E::HaVipHasRouteEntry, E::HaVipHasEip, E::HaVipHasBound],
    ),
    ("list_ha_vip_dependents", &[E::HaVipNotFound]),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[
    ("associate_ha_vip", &[("instance_id", "target_id"), ("network_interface_id", "target_id")]),
    ("unassociate_ha_vip", &[("instance_id", "target_id"), ("network_interface_id", "target_id")]),
];

/// The operations on HaVips.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_ha_vip, list_ha_vips))
        .routes(routes!(get_ha_vip, update_ha_vip, delete_ha_vip))
        .routes(routes!(associate_ha_vip, unassociate_ha_vip))
        .routes(routes!(list_ha_vip_dependents))
}

/// A HaVip: a private address that moves between the instances or network interfaces to which it is bound.
#[derive(Serialize, ToSchema)]
pub struct HaVipBody {
    /// Its id.
    #[schema(example = "havip-bp1h2ix3c8njnw9s8k7mq")]
    id: String,
    /// Creating, Available, Associating, InUse, Unassociating or Deleting.
    #[schema(example = "Available")]
    status: &'static str,
    /// Its VPC.
    vpc_id: String,
    /// Its vSwitch.
    vswitch_id: String,
    /// The address.
    #[schema(example = "10.0.1.100")]
    private_ip_address: String,
    /// What it is bound to: EcsInstance or NetworkInterface; absent if it is bound to nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_type: Option<&'static str>,
    /// The instances or network interfaces to which it is bound, in the order of binding.
    target_ids: Vec<String>,
    /// Which of them answers for the address; absent if none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    master_id: Option<String>,
    /// The elastic IP address that is bound to it, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    eip_id: Option<String>,
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

fn show(w: &World, vip: &HaVip) -> HaVipBody {
    HaVipBody {
        id: vip.id.to_string(),
        status: vip.status.text(),
        vpc_id: vip.vpc.to_string(),
        vswitch_id: vip.vswitch.to_string(),
        private_ip_address: vip.address.to_string(),
        target_type: (!vip.bound.is_empty()).then(|| vip.bind_type.text()),
        target_ids: vip.bound_to(w).iter().map(ToString::to_string).collect(),
        master_id: vip.master(w).map(|eni: &Eni| vip.called(eni).to_string()),
        eip_id: vip.eip(w).map(|eip| eip.id.to_string()),
        name: vip.name.to_string(),
        description: vip.description.to_string(),
        resource_group_id: vip.resource_group.to_string(),
        region_id: vip.owner.region.to_string(),
        created_at: vip.created.to_string(),
        tags: tag_bodies(w, vip.id),
    }
}

/// What a new HaVip should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"vswitch_id": "vsw-bp1d0b3cvj5xk2k9f5w7t", "private_ip_address": "10.0.1.100"}))]
pub struct CreateHaVipBody {
    /// Its vSwitch, from which it takes one address.
    vswitch_id: String,
    /// The address wanted: the lowest free one if absent.
    #[serde(default)]
    private_ip_address: Option<String>,
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

/// Make a HaVip.
///
/// Nobody answers for it before it is bound.
#[utoipa::path(post, path = "/v1/ha-vips", tag = "HaVip", request_body = CreateHaVipBody,
    responses((status = 201, description = "The new HaVip.", body = HaVipBody)))]
async fn create_ha_vip(ctx: Context, Body(body): Body<CreateHaVipBody>) -> Result<Response, Problem> {
    let address = body.private_ip_address.as_deref().map(|text| parse4(text, "private_ip_address"));
    let command = CreateHaVip {
        vswitch: parse_id(&body.vswitch_id)?,
        address: address.transpose()?,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        resource_group: body.resource_group_id.as_deref().map(parse_id).transpose()?,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<HaVip>(&reply.id::<HaVipId>())?;
        Some((format!("/v1/ha-vips/{}", made.id), show(w, made)))
    })
    .await
}

/// Which HaVips to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HaVipFilter {
    /// Only those of this VPC.
    vpc_id: Option<String>,
    /// Only those in this vSwitch.
    vswitch_id: Option<String>,
    /// Only those that are bound to this network interface, by its instance or by itself.
    network_interface_id: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// Only this status.
    status: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List HaVips, oldest first.
#[utoipa::path(get, path = "/v1/ha-vips", tag = "HaVip", params(HaVipFilter),
    responses((status = 200, description = "A page of HaVips.", body = Page<HaVipBody>)))]
async fn list_ha_vips(ctx: Context, Query(filter): Query<HaVipFilter>) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let rows = Rows::<HaVip>::all(|ix| &ix.ha_vips.by_owner)
        .of(sought_id::<VpcId>(filter.vpc_id.as_deref())?, |ix| &ix.ha_vips.by_vpc)
        .of(sought_id::<VSwitchId>(filter.vswitch_id.as_deref())?, |ix| &ix.ha_vips.by_vswitch)
        .of(sought_id::<EniId>(filter.network_interface_id.as_deref())?, |ix| &ix.ha_vips.by_eni)
        .keep(filter.name, |_, vip, name| vip.name == *name)
        .keep(filter.status, |_, vip, status| vip.status.text() == status);
    ctx.list(&page, rows, show).await
}

/// Show a HaVip.
#[utoipa::path(get, path = "/v1/ha-vips/{ha_vip_id}", tag = "HaVip",
    params(("ha_vip_id" = String, Path, description = "The HaVip.")),
    responses((status = 200, description = "The HaVip.", body = HaVipBody)))]
async fn get_ha_vip(ctx: Context, Path(vip): Path<String>) -> Result<Response, Problem> {
    let vip = id::<HaVipId>(&vip)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<HaVip>(caller, vip)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "front"}))]
pub struct UpdateHaVipBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
}

/// Change a HaVip.
#[utoipa::path(patch, path = "/v1/ha-vips/{ha_vip_id}", tag = "HaVip", request_body = UpdateHaVipBody,
    params(("ha_vip_id" = String, Path, description = "The HaVip.")),
    responses((status = 200, description = "The HaVip as it is now.", body = HaVipBody)))]
async fn update_ha_vip(
    ctx: Context,
    Path(vip): Path<String>,
    Body(body): Body<UpdateHaVipBody>,
) -> Result<Response, Problem> {
    let ha_vip = id::<HaVipId>(&vip)?;
    let (name, description) = (body.name.map(Into::into), body.description.map(Into::into));
    ctx.change_row(ModifyHaVip { ha_vip, name, description }, ha_vip, show).await
}

/// Delete a HaVip that nothing needs.
#[utoipa::path(delete, path = "/v1/ha-vips/{ha_vip_id}", tag = "HaVip",
    params(("ha_vip_id" = String, Path, description = "The HaVip.")),
    responses((status = 204, description = "It is gone, or on its way there.")))]
async fn delete_ha_vip(ctx: Context, Path(vip): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeleteHaVip { ha_vip: id(&vip)? }).await
}

/// What to bind a HaVip to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"target_id": "i-bp1h2ix3c8njnw9s8k7mq"}))]
pub struct AssociateHaVipBody {
    /// EcsInstance (if absent) or NetworkInterface; the same as what it is bound to already.
    #[serde(default)]
    target_type: Option<String>,
    /// The instance or network interface, in the HaVip's vSwitch.
    target_id: String,
}

fn bind_type(text: Option<&str>) -> Result<BindType, Problem> {
    Ok(text.map_or(Ok(BindType::EcsInstance), BindType::parse)?)
}

/// Bind a HaVip to one more instance or network interface. It is Associating meanwhile.
///
/// Of those that run, the one that was bound first answers for the address.
#[utoipa::path(post, path = "/v1/ha-vips/{ha_vip_id}/bindings", tag = "HaVip", request_body = AssociateHaVipBody,
    params(("ha_vip_id" = String, Path, description = "The HaVip.")),
    responses((status = 200, description = "The HaVip as it is now.", body = HaVipBody)))]
async fn associate_ha_vip(
    ctx: Context,
    Path(vip): Path<String>,
    Body(body): Body<AssociateHaVipBody>,
) -> Result<Response, Problem> {
    let ha_vip = id::<HaVipId>(&vip)?;
    let bind_type = bind_type(body.target_type.as_deref())?;
    ctx.change_row(AssociateHaVip { ha_vip, bind_type, target: body.target_id.into() }, ha_vip, show).await
}

/// What to take a HaVip off, and how.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UnassociateQuery {
    /// EcsInstance (if absent) or NetworkInterface.
    target_type: Option<String>,
    /// The instance or network interface.
    target_id: String,
    /// Whether it is taken off its master, too.
    force: Option<bool>,
}

/// Take a HaVip off an instance or a network interface. It is Unassociating meanwhile.
#[utoipa::path(delete, path = "/v1/ha-vips/{ha_vip_id}/bindings", tag = "HaVip",
    params(("ha_vip_id" = String, Path, description = "The HaVip."), UnassociateQuery),
    responses((status = 204, description = "It is not bound there any more.")))]
async fn unassociate_ha_vip(
    ctx: Context,
    Path(vip): Path<String>,
    Query(query): Query<UnassociateQuery>,
) -> Result<Response, Problem> {
    let (ha_vip, bind_type) = (id(&vip)?, bind_type(query.target_type.as_deref())?);
    let (target, force) = (query.target_id.into(), query.force.unwrap_or(false));
    ctx.remove(UnassociateHaVip { ha_vip, bind_type, target, force }).await
}

/// List what keeps a HaVip from being deleted, in the order in which a deletion would report it.
#[utoipa::path(get, path = "/v1/ha-vips/{ha_vip_id}/dependents", tag = "HaVip",
    params(("ha_vip_id" = String, Path, description = "The HaVip.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_ha_vip_dependents(ctx: Context, Path(vip): Path<String>) -> Result<Response, Problem> {
    let vip = id::<HaVipId>(&vip)?;
    let blockers = |w: &World, vip: &HaVip| dependents(ha_vip::dependents(w, vip));
    ctx.show(|w, caller| Ok(blockers(w, w.visible::<HaVip>(caller, vip)?))).await
}
