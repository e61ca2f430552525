//! Internet bandwidth of IPv6 addresses on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::eips::InternetChargeBody;
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ecs::eni_wanted::parse6;
use sim_core::id::{EniId, Ipv6BandwidthId, Ipv6GatewayId};
use sim_core::vpc::ipv6_bandwidth::{
    AddressRef, AllocateIpv6Bandwidth, BandwidthRef, DeleteIpv6Bandwidth, Ipv6Bandwidth, ModifyIpv6Bandwidth,
};
use sim_core::{ErrorCode as E, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "allocate_ipv6_bandwidth",
        &[
            E::AddressMalformed,
            E::Ipv6BandwidthInvalid,
            E::Ipv6GatewayNotFound,
            E::Ipv6AddressNotFound,
            E::Ipv6GatewayStatusIncorrect,
            E::Ipv6BandwidthOtherVpc,
            E::Ipv6BandwidthExists,
        ],
    ),
    ("get_ipv6_bandwidth", &[E::Ipv6BandwidthNotFound]),
    ("update_ipv6_bandwidth", &[E::Ipv6BandwidthNotFound, E::Ipv6BandwidthInvalid]),
    ("delete_ipv6_bandwidth", &[E::Ipv6BandwidthNotFound]),
];

/// The operations on bandwidths.
pub fn router() -> Operations {
    Operations::new().routes(routes!(allocate_ipv6_bandwidth, list_ipv6_bandwidths)).routes(routes!(
        get_ipv6_bandwidth,
        update_ipv6_bandwidth,
        delete_ipv6_bandwidth
    ))
}

/// The internet bandwidth of an IPv6 address.
#[derive(Serialize, ToSchema)]
pub struct Ipv6BandwidthBody {
    /// Its id.
    #[schema(example = "ipv6bw-bp1h2ix3c8njnw9s8k7mq")]
    id: String,
    /// The IPv6 gateway of the address's VPC.
    ipv6_gateway_id: String,
    /// The address.
    #[schema(example = "2408:4000:0:100::5")]
    ipv6_address: String,
    /// The interface that holds it.
    network_interface_id: String,
    /// In Mbit/s.
    #[schema(example = 100)]
    bandwidth: u32,
    /// PayByBandwidth or PayByTraffic.
    #[schema(example = "PayByTraffic")]
    internet_charge_type: &'static str,
    /// When it was bought, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
}

fn show(_: &World, b: &Ipv6Bandwidth) -> Ipv6BandwidthBody {
    Ipv6BandwidthBody {
        id: b.id.to_string(),
        ipv6_gateway_id: b.gateway.to_string(),
        ipv6_address: b.address.to_string(),
        network_interface_id: b.eni.to_string(),
        bandwidth: b.bandwidth,
        internet_charge_type: b.charge.text(),
        created_at: b.created.to_string(),
    }
}

/// For which address how much.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ipv6_gateway_id": "ipv6gw-bp1h2ix3c8njnw9s8k7mq", "ipv6_address": "2408:4000:0:100::5",
    "bandwidth": 100}))]
pub struct AllocateIpv6BandwidthBody {
    /// The IPv6 gateway of the address's VPC.
    ipv6_gateway_id: String,
    /// The address, of an interface.
    ipv6_address: String,
    /// In Mbit/s: 1 to 2,000, or 1,000 if traffic is paid for.
    bandwidth: u32,
    /// PayByBandwidth, as if absent, or PayByTraffic.
    #[serde(default)]
    internet_charge_type: InternetChargeBody,
}

/// Buy internet bandwidth for an IPv6 address.
///
/// Without it an address is private to its VPC.
#[utoipa::path(post, path = "/v1/ipv6-bandwidths", tag = "IPv6 bandwidth", request_body = AllocateIpv6BandwidthBody,
    responses((status = 201, description = "The new bandwidth.", body = Ipv6BandwidthBody)))]
async fn allocate_ipv6_bandwidth(
    ctx: Context,
    Body(body): Body<AllocateIpv6BandwidthBody>,
) -> Result<Response, Problem> {
    let command = AllocateIpv6Bandwidth {
        gateway: parse_id(&body.ipv6_gateway_id)?,
        address: AddressRef::Address(parse6(&body.ipv6_address, "ipv6_address")?),
        bandwidth: body.bandwidth,
        charge: body.internet_charge_type.into(),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<Ipv6Bandwidth>(&reply.id::<Ipv6BandwidthId>())?;
        Some((format!("/v1/ipv6-bandwidths/{}", made.id), show(w, made)))
    })
    .await
}

/// Which bandwidths to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Ipv6BandwidthFilter {
    /// Only those of this IPv6 gateway.
    ipv6_gateway_id: Option<String>,
    /// Only those of this interface.
    network_interface_id: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List bandwidths, oldest first.
#[utoipa::path(get, path = "/v1/ipv6-bandwidths", tag = "IPv6 bandwidth", params(Ipv6BandwidthFilter),
    responses((status = 200, description = "A page of bandwidths.", body = Page<Ipv6BandwidthBody>)))]
async fn list_ipv6_bandwidths(
    ctx: Context,
    Query(filter): Query<Ipv6BandwidthFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let rows = Rows::<Ipv6Bandwidth>::all(|ix| &ix.ipv6_bandwidths.by_owner)
        .of(sought_id::<Ipv6GatewayId>(filter.ipv6_gateway_id.as_deref())?, |ix| {
            &ix.ipv6_bandwidths.by_gateway
        })
        .of(sought_id::<EniId>(filter.network_interface_id.as_deref())?, |ix| &ix.ipv6_bandwidths.by_eni);
    ctx.list(&page, rows, show).await
}

/// Show a bandwidth.
#[utoipa::path(get, path = "/v1/ipv6-bandwidths/{ipv6_bandwidth_id}", tag = "IPv6 bandwidth",
    params(("ipv6_bandwidth_id" = String, Path, description = "The bandwidth.")),
    responses((status = 200, description = "The bandwidth.", body = Ipv6BandwidthBody)))]
async fn get_ipv6_bandwidth(ctx: Context, Path(bandwidth): Path<String>) -> Result<Response, Problem> {
    let bandwidth = id::<Ipv6BandwidthId>(&bandwidth)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<Ipv6Bandwidth>(caller, bandwidth)?))).await
}

/// What to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"bandwidth": 200}))]
pub struct UpdateIpv6BandwidthBody {
    /// In Mbit/s.
    bandwidth: u32,
}

/// Change a bandwidth.
#[utoipa::path(patch, path = "/v1/ipv6-bandwidths/{ipv6_bandwidth_id}", tag = "IPv6 bandwidth",
    request_body = UpdateIpv6BandwidthBody,
    params(("ipv6_bandwidth_id" = String, Path, description = "The bandwidth.")),
    responses((status = 200, description = "The bandwidth as it is now.", body = Ipv6BandwidthBody)))]
async fn update_ipv6_bandwidth(
    ctx: Context,
    Path(bandwidth): Path<String>,
    Body(body): Body<UpdateIpv6BandwidthBody>,
) -> Result<Response, Problem> {
    let bandwidth = id::<Ipv6BandwidthId>(&bandwidth)?;
    let command = ModifyIpv6Bandwidth { bandwidth: BandwidthRef::Id(bandwidth), mbits: body.bandwidth };
    ctx.change_row(command, bandwidth, show).await
}

/// Give a bandwidth back: the address is private again.
#[utoipa::path(delete, path = "/v1/ipv6-bandwidths/{ipv6_bandwidth_id}", tag = "IPv6 bandwidth",
    params(("ipv6_bandwidth_id" = String, Path, description = "The bandwidth.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_ipv6_bandwidth(ctx: Context, Path(bandwidth): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeleteIpv6Bandwidth { bandwidth: BandwidthRef::Id(id(&bandwidth)?) }).await
}
