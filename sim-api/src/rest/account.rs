//! What an account has beside its network: tags, resource groups, regions and zones, on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id};
use super::operations::{Operations, routes};
use crate::page::Page;
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, tag_bodies, tag_pairs};
use crate::rest::places::PlacesOf;
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::id::{AnyId, ResourceGroupId};
use sim_core::resource_group::{
    self, CreateResourceGroup, DeleteResourceGroup, MoveToResourceGroup, ResourceGroup,
};
use sim_core::tag::{TagResources, UntagResources};
use sim_core::{Refusal, RegionId};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    ("list_tags", &[E::ResourceNotFound, E::VpcNotFound]),
    (
        "put_tags",
        &[
            E::ResourceNotFound,
            E::VpcNotFound,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::TagListMissing,
            E::TagListSize,
        ],
    ),
    ("delete_tags", &[E::ResourceNotFound, E::VpcNotFound, E::TagListSize]),
    ("create_resource_group", &[E::ResourceGroupNameMalformed]),
    ("get_resource_group", &[E::ResourceGroupNotFound]),
    ("delete_resource_group", &[E::ResourceGroupNotFound, E::ResourceGroupDefault, E::ResourceGroupInUse]),
    ("list_resource_group_dependents", &[E::ResourceGroupNotFound]),
    (
        "move_to_resource_group",
        &[
            E::ResourceGroupNotFound,
            E::ResourceNotFound,
            E::VpcNotFound,
            E::VpcStatusIncorrect,
            E::ResourceTypeUnknown,
        ],
    ),
    ("list_zones", &[E::RegionNotFound]),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[
    ("delete_tags", &[("tags", "keys")]),
    ("put_tags", &[("*", "resource_id")]),
    ("move_to_resource_group", &[("*", "resource_id")]),
];

/// The operations.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(list_tags, put_tags, delete_tags))
        .routes(routes!(create_resource_group, list_resource_groups))
        .routes(routes!(get_resource_group, delete_resource_group))
        .routes(routes!(list_resource_group_dependents))
        .routes(routes!(move_to_resource_group))
        .routes(routes!(list_regions))
        .routes(routes!(list_zones))
}

fn any(text: &str) -> Result<AnyId, Problem> {
    let missing =
        || Refusal::new(E::ResourceNotFound).field("resource_id").detail(format!("There is no {text:?}."));
    Ok(text.parse().map_err(|_| missing())?)
}

/// The tags of an object.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"tags": [{"key": "env", "value": "prod"}]}))]
pub struct TagsBody {
    /// The tags, by key.
    tags: Vec<TagBody>,
}

/// List the tags of an object of any kind.
#[utoipa::path(get, path = "/v1/resources/{resource_id}/tags", tag = "Tag",
    params(("resource_id" = String, Path, description = "Any object.")),
    responses((status = 200, description = "Its tags.", body = TagsBody)))]
async fn list_tags(ctx: Context, Path(text): Path<String>) -> Result<Response, Problem> {
    let resource = any(&text)?;
    ctx.show(|w, caller| {
        sim_core::resource::find(w, caller, resource)?;
        Ok(TagsBody { tags: tag_bodies(w, resource) })
    })
    .await
}

/// Put tags on an object of any kind; a key that is there gets the new value.
#[utoipa::path(put, path = "/v1/resources/{resource_id}/tags", tag = "Tag", request_body = TagsBody,
    params(("resource_id" = String, Path, description = "Any object.")),
    responses((status = 200, description = "Its tags as they are now.", body = TagsBody)))]
async fn put_tags(
    ctx: Context,
    Path(text): Path<String>,
    Body(body): Body<TagsBody>,
) -> Result<Response, Problem> {
    let resource = any(&text)?;
    if body.tags.is_empty() {
        return Err(Refusal::new(E::TagListMissing).field("tags").accepted("at least one tag").into());
    }
    let command = TagResources { resources: vec![resource.into()], tags: tag_pairs(body.tags) };
    ctx.change(command, move |w, _| TagsBody { tags: tag_bodies(w, resource) }).await
}

/// Which tags to take off.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TagKeys {
    /// The keys, separated by commas; all tags if absent.
    #[param(example = "env")]
    keys: Option<String>,
}

/// Take tags off an object of any kind.
#[utoipa::path(delete, path = "/v1/resources/{resource_id}/tags", tag = "Tag",
    params(("resource_id" = String, Path, description = "Any object."), TagKeys),
    responses((status = 204, description = "They are gone.")))]
async fn delete_tags(
    ctx: Context,
    Path(text): Path<String>,
    Query(query): Query<TagKeys>,
) -> Result<Response, Problem> {
    let resource = any(&text)?;
    let keys = query.keys.map(|keys| keys.split(',').map(Into::into).collect());
    ctx.remove(UntagResources { resources: vec![resource.into()], keys }).await
}

/// A resource group.
#[derive(Serialize, ToSchema)]
pub struct ResourceGroupBody {
    /// Its id.
    id: String,
    /// Its name.
    #[schema(example = "payments")]
    name: String,
    /// Whether it is the account's default one, which always exists.
    is_default: bool,
}

fn show(group: &ResourceGroup) -> ResourceGroupBody {
    ResourceGroupBody { id: group.id.to_string(), name: group.name.to_string(), is_default: false }
}

/// What a new resource group should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "payments"}))]
pub struct CreateResourceGroupBody {
    /// Its name: 2 to 50 characters, a letter first.
    name: String,
}

/// Make a resource group.
#[utoipa::path(post, path = "/v1/resource-groups", tag = "Resource group", request_body = CreateResourceGroupBody,
    responses((status = 201, description = "The new group.", body = ResourceGroupBody)))]
async fn create_resource_group(
    ctx: Context,
    Body(body): Body<CreateResourceGroupBody>,
) -> Result<Response, Problem> {
    ctx.create(CreateResourceGroup { name: body.name.into() }, |w, reply| {
        let group = w.get::<ResourceGroup>(&reply.id::<ResourceGroupId>())?;
        Some((format!("/v1/resource-groups/{}", group.id), show(group)))
    })
    .await
}

/// List the resource groups of the account, the default one first.
#[utoipa::path(get, path = "/v1/resource-groups", tag = "Resource group",
    responses((status = 200, description = "All groups.", body = Page<ResourceGroupBody>)))]
async fn list_resource_groups(ctx: Context) -> Result<Response, Problem> {
    ctx.show(|w, caller| {
        let default = resource_group::default_of(caller.account);
        let first =
            ResourceGroupBody { id: default.to_string(), name: "default".to_owned(), is_default: true };
        let made = w.indexes().resource_groups.by_account.of(&caller.account);
        let made = made.filter_map(|id| w.get::<ResourceGroup>(id)).map(show);
        Ok(Page { items: std::iter::once(first).chain(made).collect(), next_page_token: None })
    })
    .await
}

/// Show a resource group.
#[utoipa::path(get, path = "/v1/resource-groups/{resource_group_id}", tag = "Resource group",
    params(("resource_group_id" = String, Path, description = "The group.")),
    responses((status = 200, description = "The group.", body = ResourceGroupBody)))]
async fn get_resource_group(ctx: Context, Path(text): Path<String>) -> Result<Response, Problem> {
    let group = id::<ResourceGroupId>(&text)?;
    ctx.show(|w, caller| {
        let group = resource_group::resolve(w, caller, Some(group))?;
        let default =
            ResourceGroupBody { id: group.to_string(), name: "default".to_owned(), is_default: true };
        Ok(w.get::<ResourceGroup>(&group).map_or(default, show))
    })
    .await
}

/// Delete a resource group that holds nothing.
#[utoipa::path(delete, path = "/v1/resource-groups/{resource_group_id}", tag = "Resource group",
    params(("resource_group_id" = String, Path, description = "The group.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_resource_group(ctx: Context, Path(text): Path<String>) -> Result<Response, Problem> {
    let group = id::<ResourceGroupId>(&text)?;
    ctx.remove(DeleteResourceGroup { group }).await
}

/// List what keeps a resource group from being deleted; at most 100 objects.
#[utoipa::path(get, path = "/v1/resource-groups/{resource_group_id}/dependents", tag = "Resource group",
    params(("resource_group_id" = String, Path, description = "The group.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_resource_group_dependents(ctx: Context, Path(text): Path<String>) -> Result<Response, Problem> {
    let group = id::<ResourceGroupId>(&text)?;
    ctx.show(|w, caller| {
        Ok(dependents(resource_group::dependents(w, resource_group::resolve(w, caller, Some(group))?)))
    })
    .await
}

/// Where to move an object.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"resource_group_id": "rg-acf6reb5ui4yujket0rb"}))]
pub struct MoveBody {
    /// The group.
    resource_group_id: String,
}

/// Move a VPC, security group, network interface, instance or load balancer to another resource group.
#[utoipa::path(put, path = "/v1/resources/{resource_id}/resource-group", tag = "Resource group", request_body = MoveBody,
    params(("resource_id" = String, Path, description = "The object.")),
    responses((status = 204, description = "It is there.")))]
async fn move_to_resource_group(
    ctx: Context,
    Path(text): Path<String>,
    Body(body): Body<MoveBody>,
) -> Result<Response, Problem> {
    let resource = any(&text)?;
    ctx.remove(MoveToResourceGroup { resource, group: parse_id(&body.resource_group_id)? }).await
}

/// A region.
#[derive(Serialize, ToSchema)]
pub struct RegionBody {
    /// Its id.
    #[schema(example = "cn-hangzhou")]
    id: String,
    /// Its zones.
    zones: Vec<String>,
}

/// List the regions of the world with their zones.
#[utoipa::path(get, path = "/v1/regions", tag = "Region",
    responses((status = 200, description = "All regions.", body = Page<RegionBody>)))]
async fn list_regions(ctx: Context) -> Result<Response, Problem> {
    ctx.show(|w, _| {
        let show = |region: RegionId| RegionBody {
            zones: sim_core::region::zones(w, &region).iter().map(ToString::to_string).collect(),
            id: region.to_string(),
        };
        Ok(Page {
            items: sim_core::region::regions(w).into_iter().map(show).collect(),
            next_page_token: None,
        })
    })
    .await
}

/// List the zones of a region.
#[utoipa::path(get, path = "/v1/regions/{region_id}/zones", tag = "Region",
    params(("region_id" = String, Path, description = "The region.")),
    responses((status = 200, description = "Its zones.", body = Page<String>)))]
async fn list_zones(ctx: Context, Path(text): Path<String>) -> Result<Response, Problem> {
    let region = RegionId::from(text.as_str());
    let zones = ctx
        .read(|w, _| {
            sim_core::region::check(w, &region)?;
            Ok(sim_core::region::zones(w, &region).iter().map(ToString::to_string).collect::<Vec<String>>())
        })
        .await?;
    Ok(Json(Page { items: zones, next_page_token: None }).into_response())
}
