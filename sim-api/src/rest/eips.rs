//! Elastic IP addresses on the native wire, and what each is bound to.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{TagBody, tag_bodies, tag_pairs};
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ecs::eni_address::parse4;
use sim_core::ecs::instance::ChargeType;
use sim_core::id::{AnyId, EipId, EniId};
use sim_core::vpc::eip::{AllocateEip, Eip, InternetCharge, Isp, ModifyEip, ReleaseEip};
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind, UnassociateEip};
use sim_core::{ErrorCode as E, World};
use std::net::Ipv4Addr;
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "allocate_eip",
        &[
            E::AddressMalformed,
            E::EipBandwidthInvalid,
            E::SubscriptionMonths,
            E::EipNameMalformed,
            E::EipDescriptionMalformed,
            E::EipIspUnsupported,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::EipAddressForeign,
            E::RegionNotFound,
            E::ResourceGroupNotFound,
            E::EipAddressTaken,
            E::EipQuotaExceeded,
            E::EipExhausted,
        ],
    ),
    ("get_eip", &[E::EipNotFound]),
    (
        "update_eip",
        &[
            E::EipNotFound,
            E::EipNameMalformed,
            E::EipDescriptionMalformed,
            E::EipBandwidthInvalid,
            E::EipStatusIncorrect,
            E::EipSubscription,
        ],
    ),
    ("release_eip", &[E::EipNotFound, E::EipStatusIncorrect, E::EipSubscription, E::EipProtected]),
    (
        "associate_eip",
        &[
            E::EipNotFound,
            E::AddressMalformed,
            E::EipTargetTypeUnknown,
            E::EipModeUnknown,
            E::EipModeOnlyInterface,
            E::EipRegionMismatch,
            E::EipTargetNotFound,
            E::EipBareAddressUnsupported,
            E::EipInterfacePrimary,
            E::EipInstancePublic,
            E::EipBalancerPublic,
            E::EipPrivateAddressNotHeld,
            E::EipPrefixAddress,
            E::EipStatusIncorrect,
            E::EipInstanceStatus,
            E::EipInterfaceStatus,
            E::EipBalancerLocked,
            E::EipModeConflict,
            E::EipModeIpv4Gateway,
            E::EipIpv4GatewayInactive,
            E::EipInterfaceAttached,
            E::EipInterfaceHasMore,
            E::EipInterfaceNextHop,
            E::EipTargetBound,
            E::EipTargetFull,
            E::EipTargetForwarded,
            E::EipHaVipForwarded,
            E::HaVipStatusIncorrect,
            E::NatStatusIncorrect,
            E::NatEipQuotaExceeded,
            E::NatTrafficEipQuotaExceeded,
        ],
    ),
    (
        "unassociate_eip",
        &[
            E::EipNotFound,
            E::EipStatusIncorrect,
            E::EipInstanceStatus,
            E::EipInterfaceStatus,
            E::EipInterfaceAttached,
            E::EipBalancerLocked,
            E::HaVipStatusIncorrect,
            E::EipUsedBySnat,
            E::EipUsedByForward,
        ],
    ),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[
    ("allocate_eip", &[("address", "ip_address")]),
    (
        "associate_eip",
        &[
            ("instance_id", "target_id"),
            ("nat_gateway_id", "target_id"),
            ("network_interface_id", "target_id"),
            ("load_balancer_id", "target_id"),
            ("ha_vip_id", "target_id"),
        ],
    ),
];

/// The operations on elastic IP addresses.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(allocate_eip, list_eips))
        .routes(routes!(get_eip, update_eip, release_eip))
        .routes(routes!(associate_eip, unassociate_eip))
}

/// An elastic IP address.
#[derive(Serialize, ToSchema)]
pub struct EipBody {
    /// Its id.
    #[schema(example = "eip-bp1h2ix3c8njnw9s8k7mq")]
    id: String,
    /// Available, Associating, InUse or Unassociating.
    #[schema(example = "InUse")]
    status: &'static str,
    /// The public address.
    #[schema(example = "198.18.0.1")]
    ip_address: String,
    /// Its bandwidth in Mbit/s.
    #[schema(example = 5)]
    bandwidth: u32,
    /// What is paid for: PayByBandwidth or PayByTraffic.
    #[schema(example = "PayByTraffic")]
    internet_charge_type: &'static str,
    /// PostPaid or PrePaid.
    #[schema(example = "PostPaid")]
    charge_type: &'static str,
    /// When its subscription ends, in virtual time; null for one that is paid by use. Nothing happens then.
    ends_at: Option<String>,
    /// The lines by which it is reached: BGP or BGP_PRO.
    #[schema(example = "BGP")]
    isp: &'static str,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// Whether a release is refused.
    deletion_protection: bool,
    /// What it is bound to; null while it is Available.
    binding: Option<BindingBody>,
    /// Its resource group.
    resource_group_id: String,
    /// Its region.
    #[schema(example = "cn-hangzhou")]
    region_id: String,
    /// When it was allocated, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

/// What an elastic IP address is bound to.
#[derive(Serialize, ToSchema)]
pub struct BindingBody {
    /// EcsInstance, NetworkInterface, SlbInstance, Nat or HaVip.
    #[schema(example = "EcsInstance")]
    target_type: &'static str,
    /// The instance, network interface, load balancer, NAT gateway or HaVip.
    target_id: String,
    /// The network interface to which packets go; null if they go to none.
    network_interface_id: Option<String>,
    /// The private address that it stands for; null for a NAT gateway.
    #[schema(example = "10.0.1.10")]
    private_ip_address: Option<String>,
    /// How it is seen there: NAT, BINDED or MULTI_BINDED.
    #[schema(example = "NAT")]
    mode: &'static str,
}

fn show(w: &World, eip: &Eip) -> EipBody {
    let binding = eip.binding.map(|b| BindingBody {
        target_type: b.target.kind().text(),
        target_id: b.target.id().to_string(),
        network_interface_id: b.target.eni().map(|id| id.to_string()),
        private_ip_address: b.target.private_address(w).map(|a| a.to_string()),
        mode: b.mode.text(),
    });
    EipBody {
        id: eip.id.to_string(),
        status: eip.status.text(),
        ip_address: eip.address.to_string(),
        bandwidth: eip.bandwidth,
        internet_charge_type: eip.charge.text(),
        charge_type: eip.payment.text(),
        ends_at: eip.ends.map(|end| end.to_string()),
        isp: eip.isp.text(),
        name: eip.name.to_string(),
        description: eip.description.to_string(),
        deletion_protection: eip.deletion_protection,
        binding,
        resource_group_id: eip.resource_group.to_string(),
        region_id: eip.owner.region.to_string(),
        created_at: eip.created.to_string(),
        tags: tag_bodies(w, eip.id),
    }
}

/// What is paid for.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
pub(super) enum InternetChargeBody {
    /// The bandwidth, whether it is used or not.
    #[default]
    PayByBandwidth,
    /// What is sent.
    PayByTraffic,
}

impl From<InternetChargeBody> for InternetCharge {
    fn from(body: InternetChargeBody) -> InternetCharge {
        match body {
            InternetChargeBody::PayByBandwidth => InternetCharge::ByBandwidth,
            InternetChargeBody::PayByTraffic => InternetCharge::ByTraffic,
        }
    }
}

/// How it is paid for.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
enum ChargeTypeBody {
    /// By use.
    #[default]
    PostPaid,
    /// In advance; it is not released then.
    PrePaid,
}

/// What a new elastic IP address should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"bandwidth": 100, "internet_charge_type": "PayByTraffic", "name": "ingress"}))]
pub struct AllocateEipBody {
    /// The address wanted, of 198.18.0.0/16; the next one if absent.
    #[serde(default)]
    ip_address: Option<String>,
    /// Its bandwidth in Mbit/s: 5 if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 500)]
    bandwidth: Option<u32>,
    /// What is paid for.
    #[serde(default)]
    internet_charge_type: InternetChargeBody,
    /// How it is paid for.
    #[serde(default)]
    charge_type: ChargeTypeBody,
    /// For how many months a subscription is bought: 1 if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 60)]
    months: Option<u32>,
    /// The lines by which it is reached: BGP (if absent) or BGP_PRO.
    #[serde(default)]
    isp: Option<String>,
    /// Its name: 1 to 128 characters, a letter first.
    #[serde(default)]
    name: Option<String>,
    /// Its description: 2 to 256 characters.
    #[serde(default)]
    description: Option<String>,
    /// Its resource group; the account's default one if absent.
    #[serde(default)]
    resource_group_id: Option<String>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Allocate an elastic IP address.
///
/// Addresses are given out in turn from 198.18.0.0/16, a range that RFC 2544 keeps for benchmarks: nobody has them for real.
#[utoipa::path(post, path = "/v1/eips", tag = "Elastic IP address", request_body = AllocateEipBody,
    responses((status = 201, description = "The new elastic IP address.", body = EipBody)))]
async fn allocate_eip(ctx: Context, Body(body): Body<AllocateEipBody>) -> Result<Response, Problem> {
    let command = AllocateEip {
        address: body.ip_address.as_deref().map(|text| parse4(text, "ip_address")).transpose()?,
        bandwidth: body.bandwidth,
        charge: body.internet_charge_type.into(),
        payment: match body.charge_type {
            ChargeTypeBody::PostPaid => ChargeType::PostPaid,
            ChargeTypeBody::PrePaid => ChargeType::PrePaid,
        },
        months: body.months,
        isp: body.isp.as_deref().map_or(Ok(Isp::Bgp), Isp::parse)?,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        resource_group: body.resource_group_id.as_deref().map(parse_id).transpose()?,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let eip = w.get::<Eip>(&reply.id::<EipId>())?;
        Some((format!("/v1/eips/{}", eip.id), show(w, eip)))
    })
    .await
}

/// Which elastic IP addresses to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EipFilter {
    /// Only this address.
    ip_address: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// Only those with this status: Available, Associating, InUse or Unassociating.
    status: Option<String>,
    /// Only those bound to this object.
    target_id: Option<String>,
    /// Only those that lead to this network interface, by its instance or by itself.
    network_interface_id: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List elastic IP addresses, oldest first.
#[utoipa::path(get, path = "/v1/eips", tag = "Elastic IP address", params(EipFilter),
    responses((status = 200, description = "A page of elastic IP addresses.", body = Page<EipBody>)))]
async fn list_eips(ctx: Context, Query(filter): Query<EipFilter>) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let mut rows = Rows::<Eip>::all(|ix| &ix.eips.by_owner)
        .of(sought_id::<EniId>(filter.network_interface_id.as_deref())?, |ix| &ix.eips.by_eni)
        .keep(filter.name, |_, eip, name| eip.name == *name)
        .keep(filter.status, |_, eip, status| eip.status.text() == status);
    if let Some(text) = filter.ip_address {
        let address = text.parse::<Ipv4Addr>().ok();
        rows = rows.found(move |w, _| {
            Ok(address.and_then(|a| w.indexes().eips.by_address.get(&a).copied()).into_iter().collect())
        });
    }
    if let Some(text) = filter.target_id {
        let target = text.parse::<AnyId>().ok();
        rows = rows.found(move |w, _| {
            Ok(target.iter().flat_map(|id| w.indexes().eips.by_target.of(id).copied()).collect())
        });
    }
    ctx.list(&page, rows, show).await
}

/// Show an elastic IP address.
#[utoipa::path(get, path = "/v1/eips/{eip_id}", tag = "Elastic IP address",
    params(("eip_id" = String, Path, description = "The elastic IP address.")),
    responses((status = 200, description = "The elastic IP address.", body = EipBody)))]
async fn get_eip(ctx: Context, Path(eip): Path<String>) -> Result<Response, Problem> {
    let eip = id::<EipId>(&eip)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<Eip>(caller, eip)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"bandwidth": 200, "deletion_protection": true}))]
pub struct UpdateEipBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
    /// Its new bandwidth in Mbit/s.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 500)]
    bandwidth: Option<u32>,
    /// Whether a release is refused from now on.
    #[serde(default)]
    deletion_protection: Option<bool>,
}

/// Change an elastic IP address.
#[utoipa::path(patch, path = "/v1/eips/{eip_id}", tag = "Elastic IP address", request_body = UpdateEipBody,
    params(("eip_id" = String, Path, description = "The elastic IP address.")),
    responses((status = 200, description = "The elastic IP address as it is now.", body = EipBody)))]
async fn update_eip(
    ctx: Context,
    Path(eip): Path<String>,
    Body(body): Body<UpdateEipBody>,
) -> Result<Response, Problem> {
    let eip = id::<EipId>(&eip)?;
    let command = ModifyEip {
        eip,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        bandwidth: body.bandwidth,
        deletion_protection: body.deletion_protection,
    };
    ctx.change_row(command, eip, show).await
}

/// Release an elastic IP address that is bound to nothing.
#[utoipa::path(delete, path = "/v1/eips/{eip_id}", tag = "Elastic IP address",
    params(("eip_id" = String, Path, description = "The elastic IP address.")),
    responses((status = 204, description = "It is gone.")))]
async fn release_eip(ctx: Context, Path(eip): Path<String>) -> Result<Response, Problem> {
    ctx.remove(ReleaseEip { eip: id(&eip)? }).await
}

/// What to bind an elastic IP address to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"target_id": "i-bp1h2ix3c8njnw9s8k7mq"}))]
pub struct AssociateEipBody {
    /// EcsInstance (if absent), NetworkInterface, SlbInstance, Nat or HaVip. The provider knows IpAddress, too.
    #[serde(default)]
    target_type: Option<String>,
    /// The object.
    target_id: String,
    /// The private address that it stands for; the instance's, or the first of the interface that has none, if absent.
    #[serde(default)]
    private_ip_address: Option<String>,
    /// How it is seen there: NAT (if absent), or BINDED or MULTI_BINDED for a network interface.
    #[serde(default)]
    mode: Option<String>,
    /// The region of the object; it must be that of the address.
    #[serde(default)]
    target_region_id: Option<String>,
}

/// Bind an elastic IP address. It is Associating meanwhile.
#[utoipa::path(put, path = "/v1/eips/{eip_id}/binding", tag = "Elastic IP address", request_body = AssociateEipBody,
    params(("eip_id" = String, Path, description = "The elastic IP address.")),
    responses((status = 200, description = "The elastic IP address as it is now.", body = EipBody)))]
async fn associate_eip(
    ctx: Context,
    Path(eip): Path<String>,
    Body(body): Body<AssociateEipBody>,
) -> Result<Response, Problem> {
    let eip = id::<EipId>(&eip)?;
    let command = AssociateEip {
        eip,
        kind: body.target_type.as_deref().map_or(Ok(TargetKind::EcsInstance), TargetKind::parse)?,
        target: body.target_id.into(),
        private_address: body
            .private_ip_address
            .as_deref()
            .map(|text| parse4(text, "private_ip_address"))
            .transpose()?,
        mode: body.mode.as_deref().map_or(Ok(Mode::Nat), Mode::parse)?,
        region: body.target_region_id.map(|region| region.as_str().into()),
    };
    ctx.change_row(command, eip, show).await
}

/// Take an elastic IP address off what it is bound to. It is Unassociating meanwhile.
#[utoipa::path(delete, path = "/v1/eips/{eip_id}/binding", tag = "Elastic IP address",
    params(("eip_id" = String, Path, description = "The elastic IP address."), UnassociateQuery),
    responses((status = 204, description = "It is bound to nothing, or on its way there.")))]
async fn unassociate_eip(
    ctx: Context,
    Path(eip): Path<String>,
    Query(query): Query<UnassociateQuery>,
) -> Result<Response, Problem> {
    let (eip, force) = (id(&eip)?, query.force.unwrap_or(false));
    ctx.remove(UnassociateEip { eip, kind: None, target: None, private_address: None, force }).await
}

/// How to take an address off.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UnassociateQuery {
    /// Whether SNAT entries that use it lose it: one that has no other address is deleted.
    force: Option<bool>,
}
