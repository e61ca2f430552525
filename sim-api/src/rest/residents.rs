//! Managed residents of a VPC, such as database instances, on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, parse_list, tag_bodies, tag_pairs};
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ecs::eni_address::parse4;
use sim_core::id::{ResidentId, SecurityGroupId, VSwitchId, VpcId};
use sim_core::vpc::resident::{CreateResident, DeleteResident, ModifyResident, Resident};
use sim_core::{ErrorCode as E, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_resident",
        &[
            E::ResidentKindMalformed,
            E::ResidentNameMalformed,
            E::ResidentPortInvalid,
            E::AddressMalformed,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::VSwitchNotFound,
            E::SecurityGroupsMissing,
            E::SecurityGroupRepeated,
            E::SecurityGroupNotFound,
            E::SecurityGroupVpcMismatch,
            E::SecurityGroupKindsMixed,
            E::SecurityGroupsPerEniExceeded,
            E::EniRulesExceeded,
            E::SecurityGroupFull,
            E::EnterpriseGroupFull,
            E::VSwitchStatusIncorrect,
            E::AddressOutside,
            E::AddressReserved,
            E::AddressInUse,
            E::AddressQuotaExceeded,
            E::AddressExhausted,
        ],
    ),
    ("list_residents", &[E::VpcNotFound, E::VSwitchNotFound, E::SecurityGroupNotFound]),
    ("get_resident", &[E::ResidentNotFound]),
    (
        "update_resident",
        &[
            E::ResidentNameMalformed,
            E::ResidentPortInvalid,
            E::ResidentNotFound,
            E::SecurityGroupsMissing,
            E::SecurityGroupRepeated,
            E::SecurityGroupNotFound,
            E::SecurityGroupVpcMismatch,
            E::SecurityGroupKindsMixed,
            E::SecurityGroupsPerEniExceeded,
            E::EniRulesExceeded,
            E::SecurityGroupFull,
            E::EnterpriseGroupFull,
        ],
    ),
    ("delete_resident", &[E::ResidentNotFound]),
    ("list_resident_dependents", &[E::ResidentNotFound]),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[
    ("create_resident", &[("security_group_id", "security_group_ids")]),
    ("update_resident", &[("security_group_id", "security_group_ids")]),
];

/// The operations on managed residents.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_resident, list_residents))
        .routes(routes!(get_resident, update_resident, delete_resident))
        .routes(routes!(list_resident_dependents))
}

/// A managed resident.
#[derive(Serialize, ToSchema)]
pub struct ResidentBody {
    /// Its id.
    #[schema(example = "res-bp1f2o4ldh8l29zv8abc")]
    id: String,
    /// Always Available: what it serves is not modelled.
    #[schema(example = "Available")]
    status: &'static str,
    /// What it is.
    #[schema(example = "rds")]
    kind: String,
    /// Its name; empty if it has none.
    name: String,
    /// Its VPC.
    vpc_id: String,
    /// Its vSwitch.
    vswitch_id: String,
    /// Its private address.
    #[schema(example = "10.0.2.1")]
    private_ip_address: String,
    /// Its security groups.
    security_group_ids: Vec<String>,
    /// The port it serves; null if that is not known.
    port: Option<u16>,
    /// When it was made, in virtual time.
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn show(w: &World, r: &Resident) -> ResidentBody {
    ResidentBody {
        id: r.id.to_string(),
        status: "Available",
        kind: r.kind.to_string(),
        name: r.name.to_string(),
        vpc_id: r.vpc.to_string(),
        vswitch_id: r.vswitch.to_string(),
        private_ip_address: r.address.to_string(),
        security_group_ids: r.groups.iter().map(ToString::to_string).collect(),
        port: r.port,
        created_at: r.created.to_string(),
        tags: tag_bodies(w, r.id),
    }
}

/// What a new managed resident should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "rds", "vswitch_id": "vsw-bp1d0b3cvj5xk2k9f5w7t",
    "security_group_ids": ["sg-bp1fg655nh68xyz9i6fq"], "name": "orders", "port": 3306}))]
pub struct CreateResidentBody {
    /// What it is: 1 to 32 small letters, digits, hyphens and underscores, a letter first.
    #[schema(example = "rds", min_length = 1, max_length = 32, pattern = "^[a-z][a-z0-9_-]{0,31}$")]
    kind: String,
    /// Its vSwitch.
    vswitch_id: String,
    /// Its security groups: 1 to 10 of the VPC.
    security_group_ids: Vec<String>,
    /// Its private address; the lowest free one if absent.
    #[serde(default)]
    private_ip_address: Option<String>,
    /// Its name: 2 to 128 characters, a letter first.
    #[serde(default)]
    name: Option<String>,
    /// The port it serves.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 65535)]
    port: Option<u16>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Make a managed resident.
///
/// It holds one address of its vSwitch and a place in its groups, and keeps vSwitch, groups and VPC from being deleted.
#[utoipa::path(post, path = "/v1/residents", tag = "Managed resident", request_body = CreateResidentBody,
    responses((status = 201, description = "The new managed resident.", body = ResidentBody)))]
async fn create_resident(ctx: Context, Body(body): Body<CreateResidentBody>) -> Result<Response, Problem> {
    let address = body.private_ip_address.as_deref().map(|text| parse4(text, "private_ip_address"));
    let command = CreateResident {
        kind: body.kind.into(),
        vswitch: parse_id(&body.vswitch_id)?,
        groups: parse_list(&body.security_group_ids, parse_id)?,
        address: address.transpose()?,
        name: body.name.map(Into::into),
        port: body.port,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<Resident>(&reply.id::<ResidentId>())?;
        Some((format!("/v1/residents/{}", made.id), show(w, made)))
    })
    .await
}

/// Which managed residents to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ResidentFilter {
    /// Only those of this VPC.
    vpc_id: Option<String>,
    /// Only those of this vSwitch.
    vswitch_id: Option<String>,
    /// Only those in this security group.
    security_group_id: Option<String>,
    /// Only those of this kind.
    kind: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List managed residents, oldest first.
#[utoipa::path(get, path = "/v1/residents", tag = "Managed resident", params(ResidentFilter),
    responses((status = 200, description = "A page of managed residents.", body = Page<ResidentBody>)))]
async fn list_residents(ctx: Context, Query(filter): Query<ResidentFilter>) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let group = sought_id::<SecurityGroupId>(filter.security_group_id.as_deref())?;
    let rows = Rows::<Resident>::all(|ix| &ix.residents.by_owner)
        .of(sought_id::<VpcId>(filter.vpc_id.as_deref())?, |ix| &ix.residents.by_vpc)
        .of(sought_id::<VSwitchId>(filter.vswitch_id.as_deref())?, |ix| &ix.residents.by_vswitch)
        .of(group, |ix| &ix.residents.by_group)
        .keep(filter.kind, |_, r, kind| r.kind == *kind)
        .keep(filter.name, |_, r, name| r.name == *name);
    ctx.list(&page, rows, show).await
}

/// Show a managed resident.
#[utoipa::path(get, path = "/v1/residents/{resident_id}", tag = "Managed resident",
    params(("resident_id" = String, Path, description = "The managed resident.")),
    responses((status = 200, description = "The managed resident.", body = ResidentBody)))]
async fn get_resident(ctx: Context, Path(resident_id): Path<String>) -> Result<Response, Problem> {
    let resident = id::<ResidentId>(&resident_id)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<Resident>(caller, resident)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "orders", "port": 3307}))]
pub struct UpdateResidentBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new security groups, in place of those it had.
    #[serde(default)]
    security_group_ids: Option<Vec<String>>,
    /// The port it serves from now on.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 65535)]
    port: Option<u16>,
}

/// Change a managed resident.
#[utoipa::path(patch, path = "/v1/residents/{resident_id}", tag = "Managed resident",
    request_body = UpdateResidentBody,
    params(("resident_id" = String, Path, description = "The managed resident.")),
    responses((status = 200, description = "The managed resident as it is now.", body = ResidentBody)))]
async fn update_resident(
    ctx: Context,
    Path(resident_id): Path<String>,
    Body(body): Body<UpdateResidentBody>,
) -> Result<Response, Problem> {
    let resident = id::<ResidentId>(&resident_id)?;
    let command = ModifyResident {
        resident,
        name: body.name.map(Into::into),
        groups: body.security_group_ids.map(|texts| parse_list(&texts, parse_id)).transpose()?,
        port: body.port,
    };
    ctx.change_row(command, resident, show).await
}

/// Delete a managed resident; its address is free again.
#[utoipa::path(delete, path = "/v1/residents/{resident_id}", tag = "Managed resident",
    params(("resident_id" = String, Path, description = "The managed resident.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_resident(ctx: Context, Path(resident_id): Path<String>) -> Result<Response, Problem> {
    let resident = id::<ResidentId>(&resident_id)?;
    ctx.remove(DeleteResident { resident }).await
}

/// List what keeps a managed resident from being deleted: nothing ever does.
#[utoipa::path(get, path = "/v1/residents/{resident_id}/dependents", tag = "Managed resident",
    params(("resident_id" = String, Path, description = "The managed resident.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_resident_dependents(
    ctx: Context,
    Path(resident_id): Path<String>,
) -> Result<Response, Problem> {
    let resident = id::<ResidentId>(&resident_id)?;
    ctx.show(|w, caller| w.visible::<Resident>(caller, resident).map(|_| dependents(Vec::new()))).await
}
