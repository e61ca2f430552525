//! Route tables on the native wire: the tables themselves, their vSwitches, and which entry an address takes.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::operations::{Operations, routes};
use super::route_entries::{self, RouteEntryBody};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, tag_bodies, tag_pairs};
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::World;
use sim_core::id::{RouteTableId, VSwitchId, VpcId};
use sim_core::vpc::gateway_route_table;
use sim_core::vpc::route_table::{
    self, AssociateRouteTable, AssociateType, CreateRouteTable, DeleteRouteTable, ModifyRouteTable,
    RouteTable, UnassociateRouteTable,
};
use sim_core::{ErrorCode as E, Refusal};
use std::net::IpAddr;
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_route_table",
        &[
            E::RouteTableNameMalformed,
            E::RouteTableDescriptionMalformed,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::VpcNotFound,
            E::VpcStatusIncorrect,
            E::RouteTableVpcBusy,
            E::RouteTableQuotaExceeded,
            E::GatewayTableQuotaExceeded,
        ],
    ),
    ("list_route_tables", &[E::VpcNotFound]),
    ("get_route_table", &[E::RouteTableNotFound]),
    (
        "update_route_table",
        &[
            E::RouteTableNotFound,
            E::RouteTableNameMalformed,
            E::RouteTableDescriptionMalformed,
            E::VpcStatusIncorrect,
            E::RouteTableStatusIncorrect,
        ],
    ),
    (
        "delete_route_table",
        &[
            E::RouteTableNotFound,
            E::RouteTableIsSystem,
            E::RouteTableHasVSwitch,
            E::RouteTableHasGateway,
            E::RouteTableHasRouteEntry,
            E::RouteTableStatusIncorrect,
            E::RouteTableVpcBusy,
        ],
    ),
    ("list_route_table_dependents", &[E::RouteTableNotFound]),
    (
        "associate_route_table",
        &[
            E::RouteTableNotFound,
            E::VSwitchNotFound,
            E::RouteTableOtherVpc,
            E::RouteTableSwitchToSystem,
            E::RouteTableOfGateway,
            E::RouteTableStatusIncorrect,
            E::VSwitchStatusIncorrect,
            E::RouteTableVpcBusy,
            E::RouteTableAlreadyAssociated,
        ],
    ),
    (
        "unassociate_route_table",
        &[
            E::RouteTableNotFound,
            E::VSwitchNotFound,
            E::RouteTableUnbindSystem,
            E::RouteTableStatusIncorrect,
            E::VSwitchStatusIncorrect,
            E::RouteTableVpcBusy,
            E::RouteTableNotAssociated,
        ],
    ),
    ("lookup_route", &[E::RouteTableNotFound, E::InvalidParameter]),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[("update_route_table", &[("vpc_id", "route_table_id")])];

/// The operations on route tables.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_route_table, list_route_tables))
        .routes(routes!(get_route_table, update_route_table, delete_route_table))
        .routes(routes!(list_route_table_dependents))
        .routes(routes!(associate_route_table, unassociate_route_table))
        .routes(routes!(lookup_route))
}

/// A route table.
#[derive(Serialize, ToSchema)]
pub struct RouteTableBody {
    /// Its id.
    #[schema(example = "vtb-bp145q7glnuzdvzu2k0qa")]
    id: String,
    /// Pending or Available.
    #[schema(example = "Available")]
    status: &'static str,
    /// System or Custom.
    #[schema(example = "Custom")]
    r#type: &'static str,
    /// What it can be bound to: vSwitches or a gateway.
    associate_type: AssociateTypeBody,
    /// Its VPC.
    vpc_id: String,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// The vSwitches for which it holds.
    vswitch_ids: Vec<String>,
    /// The gateway to which it is bound, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_id: Option<String>,
    /// How many custom entries it has.
    #[schema(example = 3)]
    custom_entry_count: u64,
    /// Whether it takes routes that others announce. It is kept; nothing announces any yet.
    route_propagation: bool,
    /// Its resource group: that of its VPC.
    resource_group_id: String,
    /// When it was made, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

pub(super) fn show(w: &World, t: &RouteTable) -> RouteTableBody {
    let entries = &w.indexes().route_entries;
    RouteTableBody {
        id: t.id.to_string(),
        status: t.status.text(),
        r#type: t.kind.text(),
        associate_type: match t.associate_type {
            AssociateType::VSwitch => AssociateTypeBody::Vswitch,
            AssociateType::Gateway => AssociateTypeBody::Gateway,
        },
        gateway_id: gateway_route_table::gateway_of(w, t).map(|gateway| gateway.id.to_string()),
        vpc_id: t.vpc.to_string(),
        name: t.name.to_string(),
        description: t.description.to_string(),
        vswitch_ids: t.vswitches(w).map(|s| s.id.to_string()).collect(),
        custom_entry_count: entries.customs.count(&t.id) + entries.replaced.count(&t.id),
        route_propagation: t.propagation,
        resource_group_id: t.resource_group(w).map(|group| group.to_string()).unwrap_or_default(),
        created_at: t.created.to_string(),
        tags: tag_bodies(w, t.id),
    }
}

/// What a new route table should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"vpc_id": "vpc-bp1h2ix3c8njnw9s8k7mq", "name": "egress"}))]
pub struct CreateRouteTableBody {
    /// Its VPC.
    vpc_id: String,
    /// What it is to be bound to: vswitch if absent. A VPC has one table for gateways.
    #[serde(default)]
    associate_type: AssociateTypeBody,
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

/// What a route table is bound to.
#[derive(Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AssociateTypeBody {
    /// To vSwitches.
    #[default]
    Vswitch,
    /// To a gateway.
    Gateway,
}

/// Make a custom route table.
#[utoipa::path(post, path = "/v1/route-tables", tag = "Route table", request_body = CreateRouteTableBody,
    responses((status = 201, description = "The new route table.", body = RouteTableBody)))]
async fn create_route_table(
    ctx: Context,
    Body(body): Body<CreateRouteTableBody>,
) -> Result<Response, Problem> {
    let command = CreateRouteTable {
        vpc: parse_id(&body.vpc_id)?,
        associate_type: match body.associate_type {
            AssociateTypeBody::Vswitch => AssociateType::VSwitch,
            AssociateTypeBody::Gateway => AssociateType::Gateway,
        },
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<RouteTable>(&reply.id::<RouteTableId>())?;
        Some((format!("/v1/route-tables/{}", made.id), show(w, made)))
    })
    .await
}

/// Which route tables to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RouteTableFilter {
    /// Only those of this VPC.
    vpc_id: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// Only System or only Custom.
    r#type: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List route tables, oldest first.
#[utoipa::path(get, path = "/v1/route-tables", tag = "Route table", params(RouteTableFilter),
    responses((status = 200, description = "A page of route tables.", body = Page<RouteTableBody>)))]
async fn list_route_tables(
    ctx: Context,
    Query(filter): Query<RouteTableFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let rows = Rows::<RouteTable>::all(|ix| &ix.route_tables.by_owner)
        .of(sought_id::<VpcId>(filter.vpc_id.as_deref())?, |ix| &ix.route_tables.by_vpc)
        .keep(filter.name, |_, t, name| t.name == *name)
        .keep(filter.r#type, |_, t, kind| t.kind.text() == kind);
    ctx.list(&page, rows, show).await
}

/// Show a route table.
#[utoipa::path(get, path = "/v1/route-tables/{route_table_id}", tag = "Route table",
    params(("route_table_id" = String, Path, description = "The route table.")),
    responses((status = 200, description = "The route table.", body = RouteTableBody)))]
async fn get_route_table(ctx: Context, Path(table): Path<String>) -> Result<Response, Problem> {
    let table = id::<RouteTableId>(&table)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<RouteTable>(caller, table)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "egress-2"}))]
pub struct UpdateRouteTableBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
    /// Whether it takes routes that others announce.
    #[serde(default)]
    route_propagation: Option<bool>,
}

/// Change a route table.
#[utoipa::path(patch, path = "/v1/route-tables/{route_table_id}", tag = "Route table", request_body = UpdateRouteTableBody,
    params(("route_table_id" = String, Path, description = "The route table.")),
    responses((status = 200, description = "The route table as it is now.", body = RouteTableBody)))]
async fn update_route_table(
    ctx: Context,
    Path(table): Path<String>,
    Body(body): Body<UpdateRouteTableBody>,
) -> Result<Response, Problem> {
    let route_table = id::<RouteTableId>(&table)?;
    let command = ModifyRouteTable {
        route_table,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        propagation: body.route_propagation,
    };
    ctx.change_row(command, route_table, show).await
}

/// Delete a custom route table that no vSwitch is bound to and that has no custom entry.
#[utoipa::path(delete, path = "/v1/route-tables/{route_table_id}", tag = "Route table",
    params(("route_table_id" = String, Path, description = "The route table.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_route_table(ctx: Context, Path(table): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeleteRouteTable { route_table: id(&table)? }).await
}

/// List what keeps a route table from being deleted, in the order in which a deletion would report it.
#[utoipa::path(get, path = "/v1/route-tables/{route_table_id}/dependents", tag = "Route table",
    params(("route_table_id" = String, Path, description = "The route table.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_route_table_dependents(ctx: Context, Path(table): Path<String>) -> Result<Response, Problem> {
    let table = id::<RouteTableId>(&table)?;
    ctx.show(|w, caller| Ok(dependents(route_table::dependents(w, w.visible::<RouteTable>(caller, table)?))))
        .await
}

/// Bind a vSwitch to a custom route table. The vSwitch is Pending meanwhile.
#[utoipa::path(put, path = "/v1/route-tables/{route_table_id}/associations/{vswitch_id}", tag = "Route table",
    params(("route_table_id" = String, Path, description = "The route table."),
        ("vswitch_id" = String, Path, description = "The vSwitch.")),
    responses((status = 200, description = "The route table as it is now.", body = RouteTableBody)))]
async fn associate_route_table(
    ctx: Context,
    Path((table, vswitch)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let route_table = id::<RouteTableId>(&table)?;
    let command = AssociateRouteTable { route_table, vswitch: id::<VSwitchId>(&vswitch)? };
    ctx.change_row(command, route_table, show).await
}

/// Take a vSwitch back to the system route table. The vSwitch is Pending meanwhile.
#[utoipa::path(delete, path = "/v1/route-tables/{route_table_id}/associations/{vswitch_id}", tag = "Route table",
    params(("route_table_id" = String, Path, description = "The route table."),
        ("vswitch_id" = String, Path, description = "The vSwitch.")),
    responses((status = 204, description = "The vSwitch is bound to the system table.")))]
async fn unassociate_route_table(
    ctx: Context,
    Path((table, vswitch)): Path<(String, String)>,
) -> Result<Response, Problem> {
    ctx.remove(UnassociateRouteTable { route_table: id(&table)?, vswitch: id(&vswitch)? }).await
}

/// Which address to look up.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LookupQuery {
    /// An IPv4 or IPv6 address.
    #[param(example = "10.0.1.7")]
    address: String,
}

/// The entry that an address takes.
#[derive(Serialize, ToSchema)]
pub struct LookupBody {
    /// The address.
    #[schema(example = "10.0.1.7")]
    address: String,
    /// The entry in force with the narrowest destination that holds the address; null if there is none.
    route_entry: Option<RouteEntryBody>,
}

/// Find the entry that a packet to an address takes: the longest prefix wins.
#[utoipa::path(get, path = "/v1/route-tables/{route_table_id}/lookup", tag = "Route table",
    params(("route_table_id" = String, Path, description = "The route table."), LookupQuery),
    responses((status = 200, description = "The entry, if one holds the address.", body = LookupBody)))]
async fn lookup_route(
    ctx: Context,
    Path(table): Path<String>,
    Query(query): Query<LookupQuery>,
) -> Result<Response, Problem> {
    let table = id::<RouteTableId>(&table)?;
    let address: IpAddr = query.address.parse().map_err(|_| {
        let detail = format!("{:?} is no address.", query.address.chars().take(64).collect::<String>());
        Refusal::new(E::InvalidParameter)
            .field("address")
            .detail(detail)
            .accepted("an address such as 10.0.1.7 or 2408:4000::1")
    })?;
    ctx.show(|w, caller| {
        let table = w.visible::<RouteTable>(caller, table)?;
        let found = route_table::lookup(w, table, address);
        Ok(LookupBody {
            address: address.to_string(),
            route_entry: found.map(|entry| route_entries::show(&entry)),
        })
    })
    .await
}
