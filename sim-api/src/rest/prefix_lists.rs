//! Prefix lists on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, parse_list, tag_bodies, tag_pairs};
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::ecs::prefix_list::{
    self, AddressFamily, CreatePrefixList, DeletePrefixList, ModifyPrefixList, PrefixList, PrefixListEntry,
    associations_after, parse_cidr,
};
use sim_core::id::{PrefixListId, SecurityGroupId};
use sim_core::{Outcome, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_prefix_list",
        &[
            E::PrefixListNameMalformed,
            E::PrefixListDescriptionMalformed,
            E::PrefixListEntryDescriptionMalformed,
            E::PrefixListFamilyInvalid,
            E::PrefixListMaxEntriesInvalid,
            E::PrefixListCidrMalformed,
            E::PrefixListCidrDuplicated,
            E::PrefixListFull,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::RegionNotFound,
            E::ResourceGroupNotFound,
            E::PrefixListQuotaExceeded,
        ],
    ),
    ("list_prefix_lists", &[E::PrefixListFamilyInvalid]),
    ("get_prefix_list", &[E::PrefixListNotFound]),
    (
        "update_prefix_list",
        &[
            E::PrefixListNameMalformed,
            E::PrefixListDescriptionMalformed,
            E::PrefixListEntryDescriptionMalformed,
            E::PrefixListMaxEntriesInvalid,
            E::PrefixListCidrMalformed,
            E::PrefixListNotFound,
            E::PrefixListCidrDuplicated,
            E::PrefixListFull,
            E::GroupRulesExceeded,
            E::EniRulesExceeded,
        ],
    ),
    ("delete_prefix_list", &[E::PrefixListNotFound, E::PrefixListInUse]),
    ("list_prefix_list_dependents", &[E::PrefixListNotFound]),
    ("list_prefix_list_associations", &[E::PrefixListNotFound]),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[("update_prefix_list", &[("entries", "add_entries")])];

/// The operations on prefix lists.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_prefix_list, list_prefix_lists))
        .routes(routes!(get_prefix_list, update_prefix_list, delete_prefix_list))
        .routes(routes!(list_prefix_list_dependents))
        .routes(routes!(list_prefix_list_associations))
}

/// A block of a prefix list.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryBody {
    /// The block.
    #[schema(example = "192.168.0.0/16")]
    cidr: String,
    /// Its description: 2 to 32 characters; empty if it has none.
    #[serde(default)]
    #[schema(example = "office")]
    description: String,
}

fn read_entry(at: usize, entry: &EntryBody, member: &str) -> Outcome<PrefixListEntry> {
    let cidr = parse_cidr(&entry.cidr).map_err(|refusal| refusal.field(format!("{member}/{at}/cidr")))?;
    Ok(PrefixListEntry { cidr, description: entry.description.as_str().into() })
}

fn read_entries(entries: &[EntryBody], member: &str) -> Outcome<Vec<PrefixListEntry>> {
    entries.iter().enumerate().map(|(at, entry)| read_entry(at, entry, member)).collect()
}

/// A prefix list.
#[derive(Serialize, ToSchema)]
pub struct PrefixListBody {
    /// Its id.
    #[schema(example = "pl-x1j1k5ykzqlixdcy5qxg")]
    id: String,
    /// Its name.
    #[schema(example = "offices")]
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// IPv4 or IPv6.
    #[schema(example = "IPv4")]
    address_family: &'static str,
    /// How many entries it may hold, which is what counts against the quotas of those who use it.
    #[schema(example = 20)]
    max_entries: u32,
    /// Its entries, oldest first.
    entries: Vec<EntryBody>,
    /// How many security groups use it.
    #[schema(example = 1)]
    association_count: u64,
    /// Its resource group.
    resource_group_id: String,
    /// When it was made, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn show(w: &World, list: &PrefixList) -> PrefixListBody {
    let entry =
        |e: &PrefixListEntry| EntryBody { cidr: e.cidr.to_string(), description: e.description.to_string() };
    PrefixListBody {
        id: list.id.to_string(),
        name: list.name.to_string(),
        description: list.description.to_string(),
        address_family: list.family.text(),
        max_entries: list.max_entries,
        entries: list.entries.iter().map(entry).collect(),
        association_count: w.indexes().security_group_rules.by_list.count(&list.id),
        resource_group_id: list.resource_group.to_string(),
        created_at: list.created.to_string(),
        tags: tag_bodies(w, list.id),
    }
}

/// What a new prefix list should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "offices", "address_family": "IPv4", "max_entries": 20,
    "entries": [{"cidr": "192.168.0.0/16", "description": "office"}]}))]
pub struct CreatePrefixListBody {
    /// Its name: 2 to 128 characters, a letter first.
    name: String,
    /// Its description: 2 to 256 characters.
    #[serde(default)]
    description: Option<String>,
    /// IPv4 or IPv6.
    #[schema(example = "IPv4")]
    address_family: String,
    /// How many entries it may hold: 1 to 200, unless quotas are lifted.
    #[schema(minimum = 1, maximum = 4294967295_u64)]
    max_entries: u32,
    /// Its entries.
    #[serde(default)]
    entries: Vec<EntryBody>,
    /// Its resource group; the account's default one if absent.
    #[serde(default)]
    resource_group_id: Option<String>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Make a prefix list.
#[utoipa::path(post, path = "/v1/prefix-lists", tag = "Prefix list", request_body = CreatePrefixListBody,
    responses((status = 201, description = "The new prefix list.", body = PrefixListBody)))]
async fn create_prefix_list(
    ctx: Context,
    Body(body): Body<CreatePrefixListBody>,
) -> Result<Response, Problem> {
    let command = CreatePrefixList {
        name: body.name.into(),
        description: body.description.map(Into::into),
        family: AddressFamily::parse(&body.address_family)?,
        max_entries: body.max_entries,
        entries: read_entries(&body.entries, "entries")?,
        resource_group: body.resource_group_id.as_deref().map(parse_id).transpose()?,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<PrefixList>(&reply.id::<PrefixListId>())?;
        Some((format!("/v1/prefix-lists/{}", made.id), show(w, made)))
    })
    .await
}

/// Which prefix lists to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PrefixListFilter {
    /// Only this name.
    name: Option<String>,
    /// Only IPv4 or only IPv6.
    address_family: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List prefix lists, oldest first.
#[utoipa::path(get, path = "/v1/prefix-lists", tag = "Prefix list", params(PrefixListFilter),
    responses((status = 200, description = "A page of prefix lists.", body = Page<PrefixListBody>)))]
async fn list_prefix_lists(
    ctx: Context,
    Query(filter): Query<PrefixListFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let family = filter.address_family.as_deref().map(AddressFamily::parse).transpose()?;
    let rows = Rows::<PrefixList>::all(|ix| &ix.prefix_lists.by_owner)
        .keep(filter.name, |_, list, name| list.name == *name)
        .keep(family, |_, list, family| list.family == *family);
    ctx.list(&page, rows, show).await
}

/// Show a prefix list.
#[utoipa::path(get, path = "/v1/prefix-lists/{prefix_list_id}", tag = "Prefix list",
    params(("prefix_list_id" = String, Path, description = "The prefix list.")),
    responses((status = 200, description = "The prefix list.", body = PrefixListBody)))]
async fn get_prefix_list(ctx: Context, Path(list): Path<String>) -> Result<Response, Problem> {
    let list = id::<PrefixListId>(&list)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<PrefixList>(caller, list)?))).await
}

/// What to change; absent fields stay. Entries go before others come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"add_entries": [{"cidr": "172.16.0.0/12"}], "remove_cidrs": ["192.168.0.0/16"]}))]
pub struct UpdatePrefixListBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
    /// How many entries it may hold from now on: 1 to 200, unless quotas are lifted.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 4294967295_u64)]
    max_entries: Option<u32>,
    /// Entries that come.
    #[serde(default)]
    add_entries: Vec<EntryBody>,
    /// The blocks of entries that go; those that are not there are passed over.
    #[serde(default)]
    remove_cidrs: Vec<String>,
}

/// Change a prefix list.
#[utoipa::path(patch, path = "/v1/prefix-lists/{prefix_list_id}", tag = "Prefix list", request_body = UpdatePrefixListBody,
    params(("prefix_list_id" = String, Path, description = "The prefix list.")),
    responses((status = 200, description = "The prefix list as it is now.", body = PrefixListBody)))]
async fn update_prefix_list(
    ctx: Context,
    Path(list): Path<String>,
    Body(body): Body<UpdatePrefixListBody>,
) -> Result<Response, Problem> {
    let list = id::<PrefixListId>(&list)?;
    let remove = |text: &str| parse_cidr(text).map_err(|refusal| refusal.field("remove_cidrs"));
    let command = ModifyPrefixList {
        list,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        max_entries: body.max_entries,
        add: read_entries(&body.add_entries, "add_entries")?,
        remove: parse_list(&body.remove_cidrs, remove)?,
    };
    ctx.change_row(command, list, show).await
}

/// Delete a prefix list that no security group's rules name.
#[utoipa::path(delete, path = "/v1/prefix-lists/{prefix_list_id}", tag = "Prefix list",
    params(("prefix_list_id" = String, Path, description = "The prefix list.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_prefix_list(ctx: Context, Path(list): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeletePrefixList { list: id(&list)? }).await
}

/// List what keeps a prefix list from being deleted.
#[utoipa::path(get, path = "/v1/prefix-lists/{prefix_list_id}/dependents", tag = "Prefix list",
    params(("prefix_list_id" = String, Path, description = "The prefix list.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_prefix_list_dependents(ctx: Context, Path(list): Path<String>) -> Result<Response, Problem> {
    let list = id::<PrefixListId>(&list)?;
    ctx.show(|w, caller| Ok(dependents(prefix_list::dependents(w, w.visible::<PrefixList>(caller, list)?))))
        .await
}

/// What uses a prefix list.
#[derive(Serialize, ToSchema)]
pub struct AssociationBody {
    /// A security group whose rules name it.
    #[schema(example = "sg-bp1fg655nh68xyz9i6fq")]
    security_group_id: String,
}

/// List the security groups whose rules name a prefix list, oldest first.
#[utoipa::path(get, path = "/v1/prefix-lists/{prefix_list_id}/associations", tag = "Prefix list",
    params(("prefix_list_id" = String, Path, description = "The prefix list."), PageQuery),
    responses((status = 200, description = "A page of those that use it.", body = Page<AssociationBody>)))]
async fn list_prefix_list_associations(
    ctx: Context,
    Path(list): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Response, Problem> {
    let list = id::<PrefixListId>(&list)?;
    let (size, after) = page.cursor::<SecurityGroupId>()?;
    ctx.show(|w, caller| {
        w.visible::<PrefixList>(caller, list)?;
        let users = associations_after(w, list, after.as_ref());
        Ok(Page::take(users, size, |id| **id, |id| AssociationBody { security_group_id: id.to_string() }))
    })
    .await
}
