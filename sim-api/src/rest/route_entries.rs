//! Route entries on the native wire, one by one and in batches.

use super::context::{Body, Context, Path, Query, id};
use super::operations::{Operations, routes};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, dependents};
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::Reply;
use sim_core::cidr::Cidr;
use sim_core::id::{RouteEntryId, RouteTableId};
use sim_core::vpc::next_hop::{HopChoice, WeightedHop};
use sim_core::vpc::route_entry::{
    self, CreateRouteEntries, CreateRouteEntry, DeleteRouteEntries, DeleteRouteEntry, EntryRef,
    ModifyRouteEntry, NewEntry, OldEntry, RouteEntry,
};
use sim_core::vpc::route_table::RouteTable;
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse. What is wrong with an item of a batch stands in the answer.
pub const REFUSALS: Refusals = &[
    (
        "create_route_entry",
        &[
            E::RouteTableOfGateway,
            E::RouteEntryNameMalformed,
            E::RouteEntryDescriptionMalformed,
            E::RouteNextHopBothNull,
            E::RouteNextHopBothGiven,
            E::MissingParameter,
            E::RouteNextHopType,
            E::RouteEcmpSize,
            E::RouteEcmpType,
            E::RouteEcmpWeight,
            E::RouteEcmpDuplicate,
            E::RouteDestinationMalformed,
            E::RoutePrefixListNotFound,
            E::RouteTableNotFound,
            E::VpcStatusIncorrect,
            E::RouteTableStatusIncorrect,
            E::RouteEntrySiblingBusy,
            E::VpcBusy,
            E::RouteIpv6Disabled,
            E::RouteDestinationDuplicate,
            E::RouteDestinationInVSwitch,
            E::RouteDestinationInVSwitchIpv6,
            E::RouteDestinationCloudServices,
            E::RouteEntryQuotaExceeded,
            E::RouteEcmpIpv6,
            E::RouteEcmpCustomTable,
            E::RouteNextHopNotFound,
            E::RouteInstanceNotFound,
            E::RouteEniNotFound,
            E::RouteHaVipNotFound,
            E::RouteVpnGatewayNotFound,
            E::RouteNatGatewayNotFound,
            E::RouteIpv6GatewayNotFound,
            E::RouteIpv4GatewayNotFound,
            E::RouteAttachmentNotFound,
            E::RouteVpcPeerNotFound,
            E::RouteEcrNotFound,
            E::RouteNextHopStatus,
            E::RouteInstanceOtherVpc,
            E::RouteEniOtherVpc,
            E::RouteHaVipOtherVpc,
            E::RouteHaVipQuotaExceeded,
            E::HaVipStatusIncorrect,
            E::RouteNatGatewayOtherVpc,
            E::RouteIpv4GatewayStatus,
            E::RouteVpcPeerStatus,
            E::RouteRouterInterfaceStatus,
            E::RouteRouterInterfaceOtherVpc,
            E::RouteVpcPeerOtherVpc,
            E::RouteIpv4GatewayOtherVpc,
            E::RouteIpv6GatewayOtherVpc,
            E::RouteIpv6GatewayDestination,
            E::EipInterfaceNextHop,
            E::RouteNextHopNoIpv6,
            E::RouteNextHopPrimaryEni,
            E::RouteNextHopManyIpv6,
        ],
    ),
    ("list_route_entries", &[E::RouteTableNotFound]),
    ("get_route_entry", &[E::RouteEntryIdNotFound]),
    (
        "update_route_entry",
        &[
            E::RouteTableOfGateway,
            E::RouteEntryIdNotFound,
            E::RouteEntryNameMalformed,
            E::RouteEntryDescriptionMalformed,
            E::RouteNextHopIdMissing,
            E::RouteNextHopTypeMissing,
            E::RouteNextHopType,
            E::RouteEntrySystemText,
            E::RouteNextHopFixed,
            E::RouteEntryStatusIncorrect,
            E::VpcStatusIncorrect,
            E::RouteTableStatusIncorrect,
            E::RouteEntrySiblingBusy,
            E::VpcBusy,
            E::RouteNextHopUnchanged,
            E::RouteInstanceNotFound,
            E::RouteEniNotFound,
            E::RouteNextHopNotFound,
            E::RouteNextHopStatus,
            E::RouteInstanceOtherVpc,
            E::RouteEniOtherVpc,
            E::RouteHaVipOtherVpc,
            E::RouteHaVipQuotaExceeded,
            E::HaVipStatusIncorrect,
            E::RouteNatGatewayOtherVpc,
            E::RouteIpv4GatewayStatus,
            E::RouteVpcPeerStatus,
            E::RouteRouterInterfaceStatus,
            E::RouteRouterInterfaceOtherVpc,
            E::RouteVpcPeerOtherVpc,
            E::RouteIpv4GatewayOtherVpc,
            E::RouteIpv6GatewayOtherVpc,
            E::RouteIpv6GatewayDestination,
            E::EipInterfaceNextHop,
        ],
    ),
    (
        "delete_route_entry",
        &[
            E::RouteTableOfGateway,
            E::RouteEntryIdNotFound,
            E::RouteEntryIsSystem,
            E::RouteEntryKeepsLocal,
            E::RouteEntryStatusIncorrect,
            E::RouteEntrySiblingBusy,
            E::VpcBusy,
        ],
    ),
    ("list_route_entry_dependents", &[E::RouteEntryIdNotFound]),
    ("create_route_entries", &[E::InvalidParameter]),
    ("delete_route_entries", &[E::InvalidParameter]),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[
    ("create_route_entry", &[("vpc_id", "route_table_id")]),
    (
        "update_route_entry",
        &[
            ("destination", "route_entry_id"),
            ("route_table_id", "route_entry_id"),
            ("vpc_id", "route_entry_id"),
        ],
    ),
];

/// The operations on route entries.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_route_entry, list_route_entries))
        .routes(routes!(create_route_entries))
        .routes(routes!(delete_route_entries))
        .routes(routes!(get_route_entry, update_route_entry, delete_route_entry))
        .routes(routes!(list_route_entry_dependents))
}

/// A route entry.
#[derive(Serialize, ToSchema)]
pub struct RouteEntryBody {
    /// Its id.
    #[schema(example = "rte-bp1mnnr2al0naomnpvs5h")]
    id: String,
    /// Pending, Available or Modifying.
    #[schema(example = "Available")]
    status: &'static str,
    /// System or Custom.
    #[schema(example = "Custom")]
    r#type: &'static str,
    /// Its route table.
    route_table_id: String,
    /// The VPC of its route table.
    vpc_id: String,
    /// The networks that it is for.
    #[schema(example = "192.168.0.0/24")]
    destination: String,
    /// The type of its next hop: local, Instance, NetworkInterface, HaVip, NatGateway, Ipv4Gateway, IPv6Gateway or VpcPeer.
    #[schema(example = "Instance")]
    next_hop_type: &'static str,
    /// Its next hop; null if that is local.
    next_hop_id: Option<String>,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// When it was made or last changed, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    modified_at: String,
}

/// An entry as this wire shows it.
pub fn show(e: &RouteEntry) -> RouteEntryBody {
    RouteEntryBody {
        id: e.id.to_string(),
        status: e.status.text(),
        r#type: e.kind.text(),
        route_table_id: e.table.to_string(),
        vpc_id: e.vpc.to_string(),
        destination: e.destination.to_string(),
        next_hop_type: e.next_hop.text(),
        next_hop_id: e.next_hop.id().map(|id| id.to_string()),
        name: e.name.to_string(),
        description: e.description.to_string(),
        modified_at: e.modified.to_string(),
    }
}

/// What a new route entry should be. Give either one next hop or `next_hops`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"route_table_id": "vtb-bp145q7glnuzdvzu2k0qa", "destination": "192.168.0.0/24",
    "next_hop_type": "Instance", "next_hop_id": "i-bp1hyb7g3mj0kqbmvjp2w"}))]
pub struct CreateRouteEntryBody {
    /// Its route table.
    route_table_id: String,
    /// The networks that it is for: a network, or a bare address for /32 or /128.
    destination: String,
    /// The type of its next hop: Instance if absent.
    #[serde(default)]
    next_hop_type: Option<String>,
    /// Its next hop.
    #[serde(default)]
    next_hop_id: Option<String>,
    /// Router interfaces that share the traffic: 2 to 4.
    #[serde(default)]
    next_hops: Vec<WeightedHopBody>,
    /// Its name: 1 to 128 characters.
    #[serde(default)]
    name: Option<String>,
    /// Its description: 1 to 256 characters.
    #[serde(default)]
    description: Option<String>,
}

/// One of several next hops.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightedHopBody {
    /// Its type: RouterInterface.
    r#type: String,
    /// Its id.
    id: String,
    /// Its weight: 0 to 255.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 255)]
    weight: Option<u32>,
}

impl From<CreateRouteEntryBody> for NewEntry {
    fn from(body: CreateRouteEntryBody) -> NewEntry {
        let hop =
            |h: WeightedHopBody| WeightedHop { kind: h.r#type.into(), id: h.id.into(), weight: h.weight };
        NewEntry {
            table: body.route_table_id.into(),
            destination: body.destination.into(),
            next_hop: HopChoice {
                kind: body.next_hop_type.map(Into::into),
                id: body.next_hop_id.map(Into::into),
                list: body.next_hops.into_iter().map(hop).collect(),
            },
            name: body.name.map(Into::into),
            description: body.description.map(Into::into),
        }
    }
}

/// Make a custom route entry.
#[utoipa::path(post, path = "/v1/route-entries", tag = "Route entry", request_body = CreateRouteEntryBody,
    responses((status = 201, description = "The new route entry.", body = RouteEntryBody)))]
async fn create_route_entry(
    ctx: Context,
    Body(body): Body<CreateRouteEntryBody>,
) -> Result<Response, Problem> {
    ctx.create(CreateRouteEntry { entry: body.into() }, |w, reply| {
        let made = w.get::<RouteEntry>(&reply.id::<RouteEntryId>())?;
        Some((format!("/v1/route-entries/{}", made.id), show(made)))
    })
    .await
}

/// Which entries to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RouteEntryFilter {
    /// The route table.
    route_table_id: String,
    /// Only System or only Custom.
    r#type: Option<String>,
    /// Only this destination.
    destination: Option<String>,
    /// Only those with this next hop.
    next_hop_id: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List the entries of a route table: system entries first, then the others, oldest first.
#[utoipa::path(get, path = "/v1/route-entries", tag = "Route entry", params(RouteEntryFilter),
    responses((status = 200, description = "A page of route entries.", body = Page<RouteEntryBody>)))]
async fn list_route_entries(
    ctx: Context,
    Query(filter): Query<RouteEntryFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let (size, after) = page.cursor::<RouteEntryId>()?;
    let table = id::<RouteTableId>(&filter.route_table_id)?;
    ctx.show(|w, caller| {
        let table = w.visible::<RouteTable>(caller, table)?;
        let wanted = route_entry::of_table(w, table, after).filter(|e| {
            let same = |text: &String| Cidr::parse_or_host(text).is_ok_and(|block| block == e.destination);
            let hop = |text: &String| e.next_hop.id().is_some_and(|id| id.to_string() == *text);
            filter.r#type.as_ref().is_none_or(|kind| e.kind.text() == kind)
                && filter.destination.as_ref().is_none_or(same)
                && filter.next_hop_id.as_ref().is_none_or(hop)
        });
        Ok(Page::take(wanted, size, |e| e.id, |e| show(&e)))
    })
    .await
}

/// Show a route entry.
#[utoipa::path(get, path = "/v1/route-entries/{route_entry_id}", tag = "Route entry",
    params(("route_entry_id" = String, Path, description = "The route entry.")),
    responses((status = 200, description = "The route entry.", body = RouteEntryBody)))]
async fn get_route_entry(ctx: Context, Path(entry): Path<String>) -> Result<Response, Problem> {
    let entry = id::<RouteEntryId>(&entry)?;
    ctx.show(|w, caller| Ok(show(&route_entry::find(w, caller, entry)?.1))).await
}

/// What to change; absent fields stay. A next hop has both type and id.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"next_hop_type": "NetworkInterface", "next_hop_id": "eni-bp14v2sdd3v8htln9wfu"}))]
pub struct UpdateRouteEntryBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
    /// The type of its new next hop.
    #[serde(default)]
    next_hop_type: Option<String>,
    /// Its new next hop.
    #[serde(default)]
    next_hop_id: Option<String>,
}

fn by_id(entry: RouteEntryId) -> EntryRef {
    EntryRef { entry: Some(entry.to_string().into()), ..EntryRef::default() }
}

/// Change a route entry.
///
/// A system entry of a custom table becomes a Custom one by a new next hop; deleting that brings it back.
#[utoipa::path(patch, path = "/v1/route-entries/{route_entry_id}", tag = "Route entry", request_body = UpdateRouteEntryBody,
    params(("route_entry_id" = String, Path, description = "The route entry.")),
    responses((status = 200, description = "The route entry as it is now.", body = RouteEntryBody)))]
async fn update_route_entry(
    ctx: Context,
    Path(entry): Path<String>,
    Body(body): Body<UpdateRouteEntryBody>,
) -> Result<Response, Problem> {
    let entry = id::<RouteEntryId>(&entry)?;
    let command = ModifyRouteEntry {
        entry: by_id(entry),
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        next_hop_kind: body.next_hop_type.map(Into::into),
        next_hop: body.next_hop_id.map(Into::into),
    };
    let caller = ctx.caller.clone();
    ctx.change(command, move |w, _| route_entry::find(w, &caller, entry).map(|(_, e)| show(&e)).ok()).await
}

/// Delete a custom route entry. A system entry that was given another next hop becomes what it was.
#[utoipa::path(delete, path = "/v1/route-entries/{route_entry_id}", tag = "Route entry",
    params(("route_entry_id" = String, Path, description = "The route entry.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_route_entry(ctx: Context, Path(entry): Path<String>) -> Result<Response, Problem> {
    let entry = by_id(id(&entry)?);
    ctx.remove(DeleteRouteEntry { entry, next_hop: None, next_hops: Vec::new() }).await
}

/// List what keeps a route entry from being deleted.
#[utoipa::path(get, path = "/v1/route-entries/{route_entry_id}/dependents", tag = "Route entry",
    params(("route_entry_id" = String, Path, description = "The route entry.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_route_entry_dependents(ctx: Context, Path(entry): Path<String>) -> Result<Response, Problem> {
    let entry = id::<RouteEntryId>(&entry)?;
    ctx.show(|w, caller| Ok(dependents(route_entry::dependents(&route_entry::find(w, caller, entry)?.1))))
        .await
}

/// What came of each item of a batch, in the order of the items.
#[derive(Serialize, ToSchema)]
pub struct BatchBody {
    /// How many items were carried out.
    succeeded: u32,
    /// How many were refused.
    failed: u32,
    /// The items.
    outcomes: Vec<BatchOutcome>,
}

/// What came of one item: an id, a problem, or neither if it was deleted.
#[derive(Serialize, ToSchema)]
struct BatchOutcome {
    /// The new route entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    route_entry_id: Option<String>,
    /// Why the item was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

fn show_batch(reply: &Reply) -> BatchBody {
    let Reply::Batch(outcomes) = reply else { unreachable!("a batch replies so") };
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count() as u32;
    let show = |outcome: &Result<Option<sim_core::id::AnyId>, sim_core::Refusal>| BatchOutcome {
        route_entry_id: outcome.as_ref().ok().and_then(|id| id.map(|id| id.to_string())),
        problem: outcome.as_ref().err().map(|refusal| refusal.clone().into()),
    };
    BatchBody {
        succeeded: outcomes.len() as u32 - failed,
        failed,
        outcomes: outcomes.iter().map(show).collect(),
    }
}

/// Route entries to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"entries": [{"route_table_id": "vtb-bp145q7glnuzdvzu2k0qa",
    "destination": "192.168.0.0/24", "next_hop_id": "i-bp1hyb7g3mj0kqbmvjp2w"}]}))]
pub struct CreateRouteEntriesBody {
    /// The entries: 1 to 50.
    #[schema(min_items = 1, max_items = 50)]
    entries: Vec<CreateRouteEntryBody>,
}

/// Make up to 50 custom route entries, each on its own.
#[utoipa::path(post, path = "/v1/route-entries/batch-create", tag = "Route entry", request_body = CreateRouteEntriesBody,
    responses((status = 200, description = "What came of each entry.", body = BatchBody)))]
async fn create_route_entries(
    ctx: Context,
    Body(body): Body<CreateRouteEntriesBody>,
) -> Result<Response, Problem> {
    let entries = body.entries.into_iter().map(Into::into).collect();
    ctx.change(CreateRouteEntries { entries }, |_, reply| show_batch(reply)).await
}

/// Route entries to delete.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"entries": [{"route_entry_id": "rte-bp1mnnr2al0naomnpvs5h"}]}))]
pub struct DeleteRouteEntriesBody {
    /// The entries: 1 to 50.
    #[schema(min_items = 1, max_items = 50)]
    entries: Vec<OldEntryBody>,
}

/// A route entry to delete: by its id, or by route table and destination.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OldEntryBody {
    /// Its id.
    #[serde(default)]
    route_entry_id: Option<String>,
    /// Its route table.
    #[serde(default)]
    route_table_id: Option<String>,
    /// Its destination.
    #[serde(default)]
    destination: Option<String>,
    /// Its next hop; an entry with another one stays.
    #[serde(default)]
    next_hop_id: Option<String>,
}

/// Delete up to 50 custom route entries, each on its own.
#[utoipa::path(post, path = "/v1/route-entries/batch-delete", tag = "Route entry", request_body = DeleteRouteEntriesBody,
    responses((status = 200, description = "What came of each entry.", body = BatchBody)))]
async fn delete_route_entries(
    ctx: Context,
    Body(body): Body<DeleteRouteEntriesBody>,
) -> Result<Response, Problem> {
    let old = |old: OldEntryBody| OldEntry {
        entry: EntryRef {
            entry: old.route_entry_id.map(Into::into),
            table: old.route_table_id.map(Into::into),
            destination: old.destination.map(Into::into),
        },
        next_hop: old.next_hop_id.map(Into::into),
    };
    let entries = body.entries.into_iter().map(old).collect();
    ctx.change(DeleteRouteEntries { entries }, |_, reply| show_batch(reply)).await
}
