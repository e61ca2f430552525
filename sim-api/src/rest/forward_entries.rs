//! DNAT entries on the native wire.

use super::context::{Body, Context, Path, Query, id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::id::{ForwardEntryId, ForwardTableId, Id, NatGatewayId};
use sim_core::resource;
use sim_core::vpc::eip::Eip;
use sim_core::vpc::forward_entry::{
    CreateForwardEntry, DeleteForwardEntry, ForwardEntry, Mapping, ModifyForwardEntry,
};
use sim_core::vpc::forward_ports::{
    ForwardProtocol, parse_external_ip, parse_external_port, parse_internal_ip, parse_internal_port,
    ports_text,
};
use sim_core::vpc::nat_gateway::NatGateway;
use sim_core::{ErrorCode as E, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_forward_entry",
        &[
            E::ForwardTableNotFound,
            E::ForwardNameMalformed,
            E::ForwardExternalIpMalformed,
            E::ForwardInternalIpMalformed,
            E::ForwardExternalPortMalformed,
            E::ForwardInternalPortMalformed,
            E::ForwardProtocolUnknown,
            E::ForwardAnyIncomplete,
            E::ForwardPortRangeLength,
            E::NatStatusIncorrect,
            E::ForwardInternalIpOutside,
            E::ForwardExternalIpNotFound,
            E::ForwardIpNotOfGateway,
            E::ForwardEipBusy,
            E::ForwardEntryDuplicate,
            E::ForwardExternalPortDuplicate,
            E::ForwardInternalPortDuplicate,
            E::ForwardIpUsedBySnat,
            E::ForwardQuotaExceeded,
        ],
    ),
    ("list_forward_entries", &[E::NatGatewayNotFound]),
    ("get_forward_entry", &[E::NatGatewayNotFound, E::ForwardEntryNotFound]),
    (
        "update_forward_entry",
        &[
            E::ForwardTableNotFound,
            E::ForwardEntryNotFound,
            E::ForwardNameMalformed,
            E::ForwardExternalIpMalformed,
            E::ForwardInternalIpMalformed,
            E::ForwardExternalPortMalformed,
            E::ForwardInternalPortMalformed,
            E::ForwardProtocolUnknown,
            E::ForwardAnyIncomplete,
            E::ForwardPortRangeLength,
            E::ForwardEntryStatusIncorrect,
            E::ForwardInternalIpOutside,
            E::ForwardExternalIpNotFound,
            E::ForwardIpNotOfGateway,
            E::ForwardEipBusy,
            E::ForwardEntryDuplicate,
            E::ForwardExternalPortDuplicate,
            E::ForwardInternalPortDuplicate,
            E::ForwardIpUsedBySnat,
        ],
    ),
    (
        "delete_forward_entry",
        &[E::ForwardTableNotFound, E::ForwardEntryNotFound, E::ForwardEntryStatusIncorrect],
    ),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[
    ("create_forward_entry", &[("forward_table_id", "nat_gateway_id")]),
    ("update_forward_entry", &[("forward_table_id", "nat_gateway_id")]),
    ("delete_forward_entry", &[("forward_table_id", "nat_gateway_id")]),
];

/// The operations on DNAT entries.
pub fn router() -> Operations {
    Operations::new().routes(routes!(create_forward_entry, list_forward_entries)).routes(routes!(
        get_forward_entry,
        update_forward_entry,
        delete_forward_entry
    ))
}

/// A DNAT entry.
#[derive(Serialize, ToSchema)]
pub struct ForwardEntryBody {
    /// Its id.
    #[schema(example = "fwd-bp1h2ix3c8njnw9s8k7mq")]
    id: String,
    /// Pending, Available or Modifying.
    #[schema(example = "Available")]
    status: &'static str,
    /// Its NAT gateway.
    nat_gateway_id: String,
    /// Its DNAT table.
    forward_table_id: String,
    /// The public address.
    #[schema(example = "198.18.0.1")]
    external_ip: String,
    /// Its ports: one, a range, or any.
    #[schema(example = "80")]
    external_port: String,
    /// The private address where it leads.
    #[schema(example = "10.0.1.10")]
    internal_ip: String,
    /// Its ports.
    #[schema(example = "8080")]
    internal_port: String,
    /// tcp, udp or any.
    #[schema(example = "tcp")]
    ip_protocol: &'static str,
    /// Its name; empty if it has none.
    name: String,
    /// Whether ports above 1024 may be shared with SNAT entries.
    port_break: bool,
    /// When it was made, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
}

fn show(w: &World, e: &ForwardEntry) -> ForwardEntryBody {
    ForwardEntryBody {
        id: e.id.to_string(),
        status: e.status.text(),
        nat_gateway_id: e.gateway.to_string(),
        forward_table_id: ForwardTableId::from_number(e.gateway.number()).to_string(),
        external_ip: w.get::<Eip>(&e.eip).map(|eip| eip.address.to_string()).unwrap_or_default(),
        external_port: ports_text(e.external).to_string(),
        internal_ip: e.address.to_string(),
        internal_port: ports_text(e.internal).to_string(),
        ip_protocol: e.protocol.text(),
        name: e.name.to_string(),
        port_break: e.port_break,
        created_at: e.created.to_string(),
    }
}

/// What a new DNAT entry should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"external_ip": "198.18.0.1", "external_port": "80", "internal_ip": "10.0.1.10",
    "internal_port": "8080", "ip_protocol": "tcp"}))]
pub struct CreateForwardEntryBody {
    /// The public address, bound to the gateway.
    external_ip: String,
    /// Its ports: one from 1 to 65535, a range such as 10/20, or any.
    external_port: String,
    /// The private address, inside a block of the VPC.
    internal_ip: String,
    /// Its ports: as many.
    internal_port: String,
    /// tcp, udp or any; any goes with any port.
    ip_protocol: String,
    /// Its name: 2 to 128 characters, a letter first.
    #[serde(default)]
    name: Option<String>,
    /// Whether ports above 1024 may be shared with SNAT entries.
    #[serde(default)]
    port_break: bool,
}

/// The table of the gateway in the path, which has its number.
fn table(gateway: &str) -> Result<ForwardTableId, Problem> {
    Ok(ForwardTableId::from_number(id::<NatGatewayId>(gateway)?.number()))
}

/// Make a DNAT entry.
#[utoipa::path(post, path = "/v1/nat-gateways/{nat_gateway_id}/forward-entries", tag = "DNAT entry",
    request_body = CreateForwardEntryBody,
    params(("nat_gateway_id" = String, Path, description = "The NAT gateway.")),
    responses((status = 201, description = "The new DNAT entry.", body = ForwardEntryBody)))]
async fn create_forward_entry(
    ctx: Context,
    Path(gateway): Path<String>,
    Body(body): Body<CreateForwardEntryBody>,
) -> Result<Response, Problem> {
    let mapping = Mapping {
        external_ip: parse_external_ip(&body.external_ip)?,
        external: parse_external_port(&body.external_port)?,
        address: parse_internal_ip(&body.internal_ip)?,
        internal: parse_internal_port(&body.internal_port)?,
        protocol: ForwardProtocol::parse(&body.ip_protocol)?,
        port_break: body.port_break,
    };
    let command = CreateForwardEntry { table: table(&gateway)?, mapping, name: body.name.map(Into::into) };
    ctx.create(command, |w, reply| {
        let made = w.get::<ForwardEntry>(&reply.id::<ForwardEntryId>())?;
        Some((format!("/v1/nat-gateways/{}/forward-entries/{}", made.gateway, made.id), show(w, made)))
    })
    .await
}

/// Which page of DNAT entries to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ForwardEntryPage {
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List the DNAT entries of a NAT gateway, oldest first.
#[utoipa::path(get, path = "/v1/nat-gateways/{nat_gateway_id}/forward-entries", tag = "DNAT entry",
    params(("nat_gateway_id" = String, Path, description = "The NAT gateway."), ForwardEntryPage),
    responses((status = 200, description = "A page of DNAT entries.", body = Page<ForwardEntryBody>)))]
async fn list_forward_entries(
    ctx: Context,
    Path(gateway): Path<String>,
    Query(page): Query<ForwardEntryPage>,
) -> Result<Response, Problem> {
    let gateway = id::<NatGatewayId>(&gateway)?;
    let page = PageQuery { page_size: page.page_size, page_token: page.page_token };
    let rows = Rows::<ForwardEntry>::all(|ix| &ix.forward_entries.by_owner).found(move |w, caller| {
        w.visible::<NatGateway>(caller, gateway)?;
        Ok(w.indexes().forward_entries.by_gateway.of(&gateway).copied().collect())
    });
    ctx.list(&page, rows, show).await
}

/// Show a DNAT entry.
#[utoipa::path(get, path = "/v1/nat-gateways/{nat_gateway_id}/forward-entries/{forward_entry_id}",
    tag = "DNAT entry",
    params(("nat_gateway_id" = String, Path, description = "The NAT gateway."),
        ("forward_entry_id" = String, Path, description = "The DNAT entry.")),
    responses((status = 200, description = "The DNAT entry.", body = ForwardEntryBody)))]
async fn get_forward_entry(
    ctx: Context,
    Path((gateway, entry)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (gateway, entry) = (id::<NatGatewayId>(&gateway)?, id::<ForwardEntryId>(&entry)?);
    ctx.show(|w, caller| {
        w.visible::<NatGateway>(caller, gateway)?;
        let row = w.visible::<ForwardEntry>(caller, entry)?;
        if row.gateway == gateway { Ok(show(w, row)) } else { Err(resource::missing(entry)) }
    })
    .await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"internal_ip": "10.0.1.11"}))]
pub struct UpdateForwardEntryBody {
    /// Its new public address.
    #[serde(default)]
    external_ip: Option<String>,
    /// Its new external ports.
    #[serde(default)]
    external_port: Option<String>,
    /// Its new private address.
    #[serde(default)]
    internal_ip: Option<String>,
    /// Its new internal ports.
    #[serde(default)]
    internal_port: Option<String>,
    /// Its new protocol.
    #[serde(default)]
    ip_protocol: Option<String>,
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Whether ports above 1024 may be shared with SNAT entries.
    #[serde(default)]
    port_break: Option<bool>,
}

/// Change a DNAT entry.
#[utoipa::path(patch, path = "/v1/nat-gateways/{nat_gateway_id}/forward-entries/{forward_entry_id}",
    tag = "DNAT entry", request_body = UpdateForwardEntryBody,
    params(("nat_gateway_id" = String, Path, description = "The NAT gateway."),
        ("forward_entry_id" = String, Path, description = "The DNAT entry.")),
    responses((status = 200, description = "The DNAT entry as it is now.", body = ForwardEntryBody)))]
async fn update_forward_entry(
    ctx: Context,
    Path((gateway, entry)): Path<(String, String)>,
    Body(body): Body<UpdateForwardEntryBody>,
) -> Result<Response, Problem> {
    let entry = id::<ForwardEntryId>(&entry)?;
    let command = ModifyForwardEntry {
        entry,
        table: Some(table(&gateway)?),
        external_ip: body.external_ip.as_deref().map(parse_external_ip).transpose()?,
        external: body.external_port.as_deref().map(parse_external_port).transpose()?,
        address: body.internal_ip.as_deref().map(parse_internal_ip).transpose()?,
        internal: body.internal_port.as_deref().map(parse_internal_port).transpose()?,
        protocol: body.ip_protocol.as_deref().map(ForwardProtocol::parse).transpose()?,
        name: body.name.map(Into::into),
        port_break: body.port_break,
    };
    ctx.change(command, move |w, _| w.get::<ForwardEntry>(&entry).map(|e| show(w, e))).await
}

/// Delete a DNAT entry.
#[utoipa::path(delete, path = "/v1/nat-gateways/{nat_gateway_id}/forward-entries/{forward_entry_id}",
    tag = "DNAT entry",
    params(("nat_gateway_id" = String, Path, description = "The NAT gateway."),
        ("forward_entry_id" = String, Path, description = "The DNAT entry.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_forward_entry(
    ctx: Context,
    Path((gateway, entry)): Path<(String, String)>,
) -> Result<Response, Problem> {
    ctx.remove(DeleteForwardEntry { entry: id(&entry)?, table: Some(table(&gateway)?) }).await
}
