//! Access control lists of load balancers on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{TagBody, parse_list, tag_bodies, tag_pairs};
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::ecs::group_filter::parse_address;
use sim_core::ecs::prefix_list::AddressFamily;
use sim_core::id::AccessControlListId;
use sim_core::slb::acl::{
    AccessControlList, AclEntry, AclKind, CreateAccessControlList, DeleteAccessControlList,
    ModifyAccessControlList, admits, parse_entry,
};
use sim_core::{Outcome, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_access_control_list",
        &[
            E::AclNameMalformed,
            E::AclEntryMalformed,
            E::AclEntriesPerCall,
            E::AclCommentMalformed,
            E::AclEntryExists,
            E::AclEntryFamily,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::RegionNotFound,
            E::ResourceGroupNotFound,
            E::AclQuotaExceeded,
            E::AclEntryQuotaExceeded,
        ],
    ),
    ("list_access_control_lists", &[]),
    ("get_access_control_list", &[E::AclNotFound]),
    (
        "update_access_control_list",
        &[
            E::AclNameMalformed,
            E::AclEntryMalformed,
            E::AclEntriesPerCall,
            E::AclCommentMalformed,
            E::AclNotFound,
            E::AclEntryFamily,
            E::AclEntryExists,
            E::AclEntryQuotaExceeded,
        ],
    ),
    ("delete_access_control_list", &[E::AclNotFound, E::AclInUse]),
    ("evaluate_client", &[E::AddressMalformed, E::AclNotFound]),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[("update_access_control_list", &[("entries", "add_entries")])];

/// The operations on access control lists.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_access_control_list, list_access_control_lists))
        .routes(routes!(get_access_control_list, update_access_control_list, delete_access_control_list))
        .routes(routes!(evaluate_client))
}

/// A network of an access control list.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AclEntryBody {
    /// The network; an address stands for itself alone.
    #[schema(example = "192.168.0.0/16")]
    cidr: String,
    /// What is said about it: at most 100 characters.
    #[serde(default)]
    #[schema(example = "office")]
    comment: String,
}

fn read_entries(entries: &[AclEntryBody], member: &str) -> Outcome<Vec<AclEntry>> {
    let read = |(at, entry): (usize, &AclEntryBody)| {
        let block =
            parse_entry(&entry.cidr).map_err(|refusal| refusal.field(format!("{member}/{at}/cidr")))?;
        Ok(AclEntry { block, comment: entry.comment.as_str().into() })
    };
    entries.iter().enumerate().map(read).collect()
}

/// An access control list.
#[derive(Serialize, ToSchema)]
pub struct AccessControlListBody {
    /// Its id.
    #[schema(example = "acl-bp1l0kk4gxce43kabcde")]
    id: String,
    /// Its name.
    #[schema(example = "offices")]
    name: String,
    /// IPv4 or IPv6.
    #[schema(example = "IPv4")]
    address_family: &'static str,
    /// Its entries, oldest first.
    entries: Vec<AclEntryBody>,
    /// Its resource group.
    resource_group_id: String,
    /// When it was made, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn show(w: &World, acl: &AccessControlList) -> AccessControlListBody {
    let entry = |e: &AclEntry| AclEntryBody { cidr: e.block.to_string(), comment: e.comment.to_string() };
    AccessControlListBody {
        id: acl.id.to_string(),
        name: acl.name.to_string(),
        address_family: acl.family.text(),
        entries: acl.entries.iter().map(entry).collect(),
        resource_group_id: acl.resource_group.to_string(),
        created_at: acl.created.to_string(),
        tags: tag_bodies(w, acl.id),
    }
}

/// An address family.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
enum AddressFamilyBody {
    /// IPv4.
    #[default]
    #[serde(rename = "IPv4")]
    Ipv4,
    /// IPv6.
    #[serde(rename = "IPv6")]
    Ipv6,
}

impl From<AddressFamilyBody> for AddressFamily {
    fn from(family: AddressFamilyBody) -> AddressFamily {
        match family {
            AddressFamilyBody::Ipv4 => AddressFamily::Ipv4,
            AddressFamilyBody::Ipv6 => AddressFamily::Ipv6,
        }
    }
}

/// What a new access control list should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "offices", "entries": [{"cidr": "192.168.0.0/16", "comment": "office"}]}))]
pub struct CreateAccessControlListBody {
    /// Its name: 1 to 80 letters, digits and - / . _
    name: String,
    /// IPv4 or IPv6; IPv4 if absent.
    #[serde(default)]
    #[schema(example = "IPv4")]
    address_family: AddressFamilyBody,
    /// Its entries, at most 50 here.
    #[serde(default)]
    entries: Vec<AclEntryBody>,
    /// Its resource group; the account's default one if absent.
    #[serde(default)]
    resource_group_id: Option<String>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Make an access control list.
#[utoipa::path(post, path = "/v1/access-control-lists", tag = "Access control list",
    request_body = CreateAccessControlListBody,
    responses((status = 201, description = "The new access control list.", body = AccessControlListBody)))]
async fn create_access_control_list(
    ctx: Context,
    Body(body): Body<CreateAccessControlListBody>,
) -> Result<Response, Problem> {
    let command = CreateAccessControlList {
        name: body.name.into(),
        family: body.address_family.into(),
        entries: read_entries(&body.entries, "entries")?,
        resource_group: body.resource_group_id.as_deref().map(parse_id).transpose()?,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<AccessControlList>(&reply.id::<AccessControlListId>())?;
        Some((format!("/v1/access-control-lists/{}", made.id), show(w, made)))
    })
    .await
}

/// Which access control lists to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AccessControlListFilter {
    /// Only this name.
    name: Option<String>,
    /// Only IPv4 or only IPv6.
    #[param(inline)]
    address_family: Option<AddressFamilyBody>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List access control lists, oldest first.
#[utoipa::path(get, path = "/v1/access-control-lists", tag = "Access control list", params(AccessControlListFilter),
    responses((status = 200, description = "A page of access control lists.", body = Page<AccessControlListBody>)))]
async fn list_access_control_lists(
    ctx: Context,
    Query(filter): Query<AccessControlListFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let family = filter.address_family.map(AddressFamily::from);
    let rows = Rows::<AccessControlList>::all(|ix| &ix.access_control_lists.by_owner)
        .keep(filter.name, |_, acl, name| acl.name == *name)
        .keep(family, |_, acl, family| acl.family == *family);
    ctx.list(&page, rows, show).await
}

/// Show an access control list.
#[utoipa::path(get, path = "/v1/access-control-lists/{access_control_list_id}", tag = "Access control list",
    params(("access_control_list_id" = String, Path, description = "The access control list.")),
    responses((status = 200, description = "The access control list.", body = AccessControlListBody)))]
async fn get_access_control_list(ctx: Context, Path(acl): Path<String>) -> Result<Response, Problem> {
    let acl = id::<AccessControlListId>(&acl)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<AccessControlList>(caller, acl)?))).await
}

/// What to change; absent fields stay. Entries go before others come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"add_entries": [{"cidr": "172.16.0.0/12"}], "remove_cidrs": ["192.168.0.0/16"]}))]
pub struct UpdateAccessControlListBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Entries that come, at most 50 in a call.
    #[serde(default)]
    add_entries: Vec<AclEntryBody>,
    /// The networks of entries that go; those that are not there are passed over.
    #[serde(default)]
    remove_cidrs: Vec<String>,
}

/// Change an access control list.
#[utoipa::path(patch, path = "/v1/access-control-lists/{access_control_list_id}", tag = "Access control list",
    request_body = UpdateAccessControlListBody,
    params(("access_control_list_id" = String, Path, description = "The access control list.")),
    responses((status = 200, description = "The access control list as it is now.", body = AccessControlListBody)))]
async fn update_access_control_list(
    ctx: Context,
    Path(acl): Path<String>,
    Body(body): Body<UpdateAccessControlListBody>,
) -> Result<Response, Problem> {
    let acl = id::<AccessControlListId>(&acl)?;
    let remove = |text: &str| parse_entry(text).map_err(|refusal| refusal.field("remove_cidrs"));
    let command = ModifyAccessControlList {
        acl,
        name: body.name.map(Into::into),
        add: read_entries(&body.add_entries, "add_entries")?,
        remove: parse_list(&body.remove_cidrs, remove)?,
    };
    ctx.change_row(command, acl, show).await
}

/// Delete an access control list.
#[utoipa::path(delete, path = "/v1/access-control-lists/{access_control_list_id}", tag = "Access control list",
    params(("access_control_list_id" = String, Path, description = "The access control list.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_access_control_list(ctx: Context, Path(acl): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeleteAccessControlList { acl: id(&acl)? }).await
}

/// What a listener would use the list for.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AclKindBody {
    /// Only clients in the list are let in.
    White,
    /// Clients in the list are kept out.
    Black,
}

/// A client of a listener.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ClientQuery {
    /// What the listener uses the list for.
    #[param(inline)]
    r#type: AclKindBody,
    /// The client's address.
    #[param(example = "192.168.1.7")]
    source_address: String,
}

/// Whether a client is let in.
#[derive(Serialize, ToSchema)]
pub struct ClientVerdictBody {
    /// Whether it is let in.
    allowed: bool,
}

/// Ask whether a listener with this list would let a client in.
#[utoipa::path(get, path = "/v1/access-control-lists/{access_control_list_id}/verdict", tag = "Access control list",
    params(("access_control_list_id" = String, Path, description = "The access control list."), ClientQuery),
    responses((status = 200, description = "Whether the client is let in.", body = ClientVerdictBody)))]
async fn evaluate_client(
    ctx: Context,
    Path(acl): Path<String>,
    Query(query): Query<ClientQuery>,
) -> Result<Response, Problem> {
    let source = parse_address(&query.source_address, "source_address")?;
    let kind = match query.r#type {
        AclKindBody::White => AclKind::White,
        AclKindBody::Black => AclKind::Black,
    };
    let acl = id::<AccessControlListId>(&acl)?;
    ctx.show(|w, caller| {
        let acl = w.visible::<AccessControlList>(caller, acl)?;
        Ok(ClientVerdictBody { allowed: admits(w, acl, kind, source) })
    })
    .await
}
