//! Route tables of gateways on the native wire: their bindings and entries.

use super::context::{Body, Context, Path, Query, id, parse_id};
use super::operations::{Operations, routes};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::places::PlacesOf;
use crate::rest::route_entries::{self, RouteEntryBody};
use crate::rest::route_tables::{self, RouteTableBody};
use axum::response::Response;
use serde::Deserialize;
use sim_core::cidr::Cidr;
use sim_core::id::RouteTableId;
use sim_core::vpc::gateway_route_table::{
    self, AssociateGatewayRouteTable, DissociateGatewayRouteTable, UpdateGatewayRouteEntry,
};
use sim_core::vpc::route_table::RouteTable;
use sim_core::{ErrorCode as E, Reply, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "associate_gateway_route_table",
        &[
            E::RouteTableNotFound,
            E::Ipv4GatewayNotFound,
            E::RouteTableOfVSwitches,
            E::GatewayTableOtherVpc,
            E::RouteTableStatusIncorrect,
            E::Ipv4GatewayStatusIncorrect,
            E::Ipv4GatewayNotActive,
            E::GatewayTableAssociated,
        ],
    ),
    (
        "dissociate_gateway_route_table",
        &[
            E::RouteTableNotFound,
            E::Ipv4GatewayNotFound,
            E::RouteTableOfVSwitches,
            E::RouteTableStatusIncorrect,
            E::Ipv4GatewayStatusIncorrect,
            E::GatewayTableNotAssociated,
        ],
    ),
    (
        "update_gateway_route_entry",
        &[
            E::RouteEntryNameMalformed,
            E::RouteEntryDescriptionMalformed,
            E::GatewayHopUnsupported,
            E::GatewayHopExclusive,
            E::MissingParameter,
            E::GatewayLocalText,
            E::RouteDestinationMalformed,
            E::RouteTableNotFound,
            E::RouteTableOfVSwitches,
            E::GatewayEntryNotFound,
            E::RouteEntryStatusIncorrect,
            E::RouteTableStatusIncorrect,
            E::RouteEntrySiblingBusy,
            E::VpcBusy,
            E::RouteInstanceNotFound,
            E::RouteEniNotFound,
            E::RouteNextHopStatus,
            E::RouteInstanceOtherVpc,
            E::RouteEniOtherVpc,
            E::EipInterfaceNextHop,
            E::GatewayEntryRedirected,
            E::GatewayHopEniKind,
        ],
    ),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf =
    &[("update_gateway_route_entry", &[("route_entry_id", "destination"), ("vpc_id", "route_table_id")])];

/// The operations on route tables of gateways.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(associate_gateway_route_table, dissociate_gateway_route_table))
        .routes(routes!(update_gateway_route_entry))
}

/// What to bind a route table to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ipv4_gateway_id": "ipv4gw-bp1h2ix3c8njnw9s8k7mq"}))]
pub struct AssociateGatewayBody {
    /// The IPv4 gateway, which is active.
    ipv4_gateway_id: String,
}

/// Bind a route table for gateways to the IPv4 gateway, which is Modifying meanwhile.
///
/// From then on what comes into the VPC by the gateway goes where the table leads it.
#[utoipa::path(put, path = "/v1/route-tables/{route_table_id}/gateway", tag = "Route table",
    request_body = AssociateGatewayBody,
    params(("route_table_id" = String, Path, description = "The route table.")),
    responses((status = 200, description = "The route table as it is now.", body = RouteTableBody)))]
async fn associate_gateway_route_table(
    ctx: Context,
    Path(table): Path<String>,
    Body(body): Body<AssociateGatewayBody>,
) -> Result<Response, Problem> {
    let route_table = id::<RouteTableId>(&table)?;
    let gateway = parse_id(&body.ipv4_gateway_id)?;
    ctx.change_row(AssociateGatewayRouteTable { route_table, gateway }, route_table, route_tables::show).await
}

/// From what to take a route table.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DissociateQuery {
    /// The IPv4 gateway.
    ipv4_gateway_id: String,
}

/// Take a route table off its gateway, which is Modifying meanwhile.
#[utoipa::path(delete, path = "/v1/route-tables/{route_table_id}/gateway", tag = "Route table",
    params(("route_table_id" = String, Path, description = "The route table."), DissociateQuery),
    responses((status = 204, description = "It is bound to no gateway.")))]
async fn dissociate_gateway_route_table(
    ctx: Context,
    Path(table): Path<String>,
    Query(query): Query<DissociateQuery>,
) -> Result<Response, Problem> {
    let (route_table, gateway) = (id(&table)?, parse_id(&query.ipv4_gateway_id)?);
    ctx.remove(DissociateGatewayRouteTable { route_table, gateway }).await
}

/// Where an entry of a gateway's table is to lead.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"destination": "10.0.1.0/24", "next_hop_type": "Instance", "next_hop_id": "i-bp1h2ix3c8njnw9s8k7mq"}))]
pub struct UpdateGatewayEntryBody {
    /// The entry's destination: the block of a vSwitch.
    destination: String,
    /// Instance, NetworkInterface or Local.
    next_hop_type: String,
    /// The instance or network interface; none for Local.
    #[serde(default)]
    next_hop_id: Option<String>,
    /// The entry's name, 1 to 128 characters; none for Local.
    #[serde(default)]
    name: Option<String>,
    /// The entry's description, 1 to 256 characters; none for Local.
    #[serde(default)]
    description: Option<String>,
}

/// Lead what comes in by a gateway for a vSwitch to an instance or a network interface, or back into the VPC.
#[utoipa::path(patch, path = "/v1/route-tables/{route_table_id}/gateway-entries", tag = "Route table",
    request_body = UpdateGatewayEntryBody,
    params(("route_table_id" = String, Path, description = "The route table.")),
    responses((status = 200, description = "The entry as it is now.", body = RouteEntryBody)))]
async fn update_gateway_route_entry(
    ctx: Context,
    Path(table): Path<String>,
    Body(body): Body<UpdateGatewayEntryBody>,
) -> Result<Response, Problem> {
    let route_table = id::<RouteTableId>(&table)?;
    let destination = Cidr::parse_or_host(&body.destination).ok();
    let command = UpdateGatewayRouteEntry {
        route_table,
        destination: body.destination.into(),
        next_hop_kind: body.next_hop_type.into(),
        next_hop: body.next_hop_id.map(Into::into),
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
    };
    let shown = move |w: &World, _: &Reply| {
        let table = w.get::<RouteTable>(&route_table)?;
        let entry = gateway_route_table::entries(w, table).find(|e| Some(e.destination) == destination)?;
        Some(route_entries::show(&entry))
    };
    ctx.change(command, shown).await
}
