//! SNAT entries on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::id::{Id, NatGatewayId, SnatEntryId, SnatTableId};
use sim_core::resource;
use sim_core::vpc::eip::Eip;
use sim_core::vpc::nat_gateway::NatGateway;
use sim_core::vpc::snat::{
    CreateSnatEntry, DeleteSnatEntry, ModifySnatEntry, SnatEntry, parse_ips, parse_source,
};
use sim_core::{ErrorCode as E, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_snat_entry",
        &[
            E::SnatTableNotFound,
            E::SnatNameMalformed,
            E::SnatSourceMalformed,
            E::SnatIpsMalformed,
            E::SnatSourceExclusive,
            E::MissingParameter,
            E::VSwitchNotFound,
            E::SnatVSwitchOtherVpc,
            E::SnatVSwitchHasHaVip,
            E::SnatSourceOutside,
            E::NatStatusIncorrect,
            E::SnatVSwitchDuplicate,
            E::SnatCidrConflict,
            E::SnatIpNotOfGateway,
            E::SnatEipBusy,
            E::SnatIpForwarded,
            E::SnatIpsExceeded,
            E::SnatQuotaExceeded,
        ],
    ),
    ("list_snat_entries", &[E::NatGatewayNotFound]),
    ("get_snat_entry", &[E::NatGatewayNotFound, E::SnatEntryNotFound]),
    (
        "update_snat_entry",
        &[
            E::SnatTableNotFound,
            E::SnatNameMalformed,
            E::SnatIpsMalformed,
            E::SnatEntryNotFound,
            E::SnatEntryStatusIncorrect,
            E::NatStatusIncorrect,
            E::SnatIpNotOfGateway,
            E::SnatEipBusy,
            E::SnatIpForwarded,
            E::SnatIpsExceeded,
        ],
    ),
    ("delete_snat_entry", &[E::SnatTableNotFound, E::SnatEntryNotFound, E::SnatEntryStatusIncorrect]),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[
    ("create_snat_entry", &[("snat_table_id", "nat_gateway_id"), ("vswitch_id", "source_vswitch_id")]),
    ("update_snat_entry", &[("snat_table_id", "nat_gateway_id")]),
    ("delete_snat_entry", &[("snat_table_id", "nat_gateway_id")]),
];

/// The operations on SNAT entries.
pub fn router() -> Operations {
    Operations::new().routes(routes!(create_snat_entry, list_snat_entries)).routes(routes!(
        get_snat_entry,
        update_snat_entry,
        delete_snat_entry
    ))
}

/// An SNAT entry.
#[derive(Serialize, ToSchema)]
pub struct SnatEntryBody {
    /// Its id.
    #[schema(example = "snat-bp1h2ix3c8njnw9s8k7mq")]
    id: String,
    /// Pending, Available or Modifying.
    #[schema(example = "Available")]
    status: &'static str,
    /// Its NAT gateway.
    nat_gateway_id: String,
    /// Its SNAT table.
    snat_table_id: String,
    /// The vSwitch whose hosts it is for; null if it is for a block.
    source_vswitch_id: Option<String>,
    /// The addresses that it is for: those of its block, or of its vSwitch.
    #[schema(example = "10.0.1.0/24")]
    source_cidr: String,
    /// The public addresses that stand for them.
    snat_ips: Vec<String>,
    /// Its name; empty if it has none.
    name: String,
    /// Whether one source keeps one address; kept and shown.
    eip_affinity: bool,
    /// When it was made, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
}

fn show(w: &World, e: &SnatEntry) -> SnatEntryBody {
    let ips = e.eips.iter().filter_map(|id| w.get::<Eip>(id));
    SnatEntryBody {
        id: e.id.to_string(),
        status: e.status.text(),
        nat_gateway_id: e.gateway.to_string(),
        snat_table_id: SnatTableId::from_number(e.gateway.number()).to_string(),
        source_vswitch_id: e.source.vswitch().map(|id| id.to_string()),
        source_cidr: e.source.block(w).map(|block| block.to_string()).unwrap_or_default(),
        snat_ips: ips.map(|eip| eip.address.to_string()).collect(),
        name: e.name.to_string(),
        eip_affinity: e.affinity,
        created_at: e.created.to_string(),
    }
}

/// What a new SNAT entry should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"source_vswitch_id": "vsw-bp1d0b3cvj5xk2k9f5w7t", "snat_ips": ["198.18.0.1"]}))]
pub struct CreateSnatEntryBody {
    /// The vSwitch whose hosts it is for. Either this or a block is given.
    #[serde(default)]
    source_vswitch_id: Option<String>,
    /// The block, inside one of the VPC, whose addresses it is for.
    #[serde(default)]
    source_cidr: Option<String>,
    /// The public addresses, bound to the gateway: 1 to 64.
    snat_ips: Vec<String>,
    /// Its name: 2 to 128 characters, a letter first.
    #[serde(default)]
    name: Option<String>,
    /// Whether one source keeps one address.
    #[serde(default)]
    eip_affinity: bool,
}

/// The table of the gateway in the path, which has its number.
fn table(gateway: &str) -> Result<SnatTableId, Problem> {
    Ok(SnatTableId::from_number(id::<NatGatewayId>(gateway)?.number()))
}

/// Make an SNAT entry.
#[utoipa::path(post, path = "/v1/nat-gateways/{nat_gateway_id}/snat-entries", tag = "SNAT entry",
    request_body = CreateSnatEntryBody,
    params(("nat_gateway_id" = String, Path, description = "The NAT gateway.")),
    responses((status = 201, description = "The new SNAT entry.", body = SnatEntryBody)))]
async fn create_snat_entry(
    ctx: Context,
    Path(gateway): Path<String>,
    Body(body): Body<CreateSnatEntryBody>,
) -> Result<Response, Problem> {
    let command = CreateSnatEntry {
        table: table(&gateway)?,
        vswitch: body.source_vswitch_id.as_deref().map(parse_id).transpose()?,
        block: body.source_cidr.as_deref().map(parse_source).transpose()?,
        ips: parse_ips(&body.snat_ips)?,
        name: body.name.map(Into::into),
        affinity: body.eip_affinity,
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<SnatEntry>(&reply.id::<SnatEntryId>())?;
        Some((format!("/v1/nat-gateways/{}/snat-entries/{}", made.gateway, made.id), show(w, made)))
    })
    .await
}

/// Which page of SNAT entries to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SnatEntryPage {
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List the SNAT entries of a NAT gateway, oldest first.
#[utoipa::path(get, path = "/v1/nat-gateways/{nat_gateway_id}/snat-entries", tag = "SNAT entry",
    params(("nat_gateway_id" = String, Path, description = "The NAT gateway."), SnatEntryPage),
    responses((status = 200, description = "A page of SNAT entries.", body = Page<SnatEntryBody>)))]
async fn list_snat_entries(
    ctx: Context,
    Path(gateway): Path<String>,
    Query(page): Query<SnatEntryPage>,
) -> Result<Response, Problem> {
    let gateway = id::<NatGatewayId>(&gateway)?;
    let page = PageQuery { page_size: page.page_size, page_token: page.page_token };
    let rows = Rows::<SnatEntry>::all(|ix| &ix.snat_entries.by_owner).found(move |w, caller| {
        w.visible::<NatGateway>(caller, gateway)?;
        Ok(w.indexes().snat_entries.by_gateway.of(&gateway).copied().collect())
    });
    ctx.list(&page, rows, show).await
}

/// Show an SNAT entry.
#[utoipa::path(get, path = "/v1/nat-gateways/{nat_gateway_id}/snat-entries/{snat_entry_id}", tag = "SNAT entry",
    params(("nat_gateway_id" = String, Path, description = "The NAT gateway."),
        ("snat_entry_id" = String, Path, description = "The SNAT entry.")),
    responses((status = 200, description = "The SNAT entry.", body = SnatEntryBody)))]
async fn get_snat_entry(
    ctx: Context,
    Path((gateway, entry)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (gateway, entry) = (id::<NatGatewayId>(&gateway)?, id::<SnatEntryId>(&entry)?);
    ctx.show(|w, caller| {
        w.visible::<NatGateway>(caller, gateway)?;
        let row = w.visible::<SnatEntry>(caller, entry)?;
        if row.gateway == gateway { Ok(show(w, row)) } else { Err(resource::missing(entry)) }
    })
    .await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"snat_ips": ["198.18.0.1", "198.18.0.2"]}))]
pub struct UpdateSnatEntryBody {
    /// Its new public addresses.
    #[serde(default)]
    snat_ips: Option<Vec<String>>,
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Whether one source keeps one address.
    #[serde(default)]
    eip_affinity: Option<bool>,
}

/// Change an SNAT entry.
#[utoipa::path(patch, path = "/v1/nat-gateways/{nat_gateway_id}/snat-entries/{snat_entry_id}", tag = "SNAT entry",
    request_body = UpdateSnatEntryBody,
    params(("nat_gateway_id" = String, Path, description = "The NAT gateway."),
        ("snat_entry_id" = String, Path, description = "The SNAT entry.")),
    responses((status = 200, description = "The SNAT entry as it is now.", body = SnatEntryBody)))]
async fn update_snat_entry(
    ctx: Context,
    Path((gateway, entry)): Path<(String, String)>,
    Body(body): Body<UpdateSnatEntryBody>,
) -> Result<Response, Problem> {
    let entry = id::<SnatEntryId>(&entry)?;
    let command = ModifySnatEntry {
        entry,
        table: Some(table(&gateway)?),
        ips: body.snat_ips.as_ref().map(|ips| parse_ips(ips)).transpose()?,
        name: body.name.map(Into::into),
        affinity: body.eip_affinity,
    };
    ctx.change_row(command, entry, show).await
}

/// Delete an SNAT entry.
#[utoipa::path(delete, path = "/v1/nat-gateways/{nat_gateway_id}/snat-entries/{snat_entry_id}", tag = "SNAT entry",
    params(("nat_gateway_id" = String, Path, description = "The NAT gateway."),
        ("snat_entry_id" = String, Path, description = "The SNAT entry.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_snat_entry(
    ctx: Context,
    Path((gateway, entry)): Path<(String, String)>,
) -> Result<Response, Problem> {
    ctx.remove(DeleteSnatEntry { entry: id(&entry)?, table: Some(table(&gateway)?) }).await
}
