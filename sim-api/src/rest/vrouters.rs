//! vRouters on the native wire.

use super::context::{Body, Context, Path, Query, id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::World;
use sim_core::id::{VRouterId, VpcId};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vrouter::{ModifyVRouter, VRouter};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    ("get_vrouter", &[E::VRouterNotFound]),
    (
        "update_vrouter",
        &[E::VRouterNotFound, E::VRouterNameMalformed, E::VRouterDescriptionMalformed, E::VpcStatusIncorrect],
    ),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[("update_vrouter", &[("vpc_id", "vrouter_id")])];

/// The operations on vRouters.
pub fn router() -> Operations {
    Operations::new().routes(routes!(list_vrouters)).routes(routes!(get_vrouter, update_vrouter))
}

/// The router of a VPC.
#[derive(Serialize, ToSchema)]
pub struct VRouterBody {
    /// Its id.
    #[schema(example = "vrt-bp1lhl0taikrteen8w3z1")]
    id: String,
    /// Its VPC.
    vpc_id: String,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// The route tables of the VPC: the system table and custom ones.
    route_table_ids: Vec<String>,
}

fn show(w: &World, r: &VRouter) -> VRouterBody {
    VRouterBody {
        id: r.id.to_string(),
        vpc_id: r.vpc.to_string(),
        name: r.name.to_string(),
        description: r.description.to_string(),
        route_table_ids: w.indexes().route_tables.by_vpc.of(&r.vpc).map(ToString::to_string).collect(),
    }
}

/// Which vRouters to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VRouterFilter {
    /// Only that of this VPC.
    vpc_id: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List vRouters, oldest first.
#[utoipa::path(get, path = "/v1/vrouters", tag = "vRouter", params(VRouterFilter),
    responses((status = 200, description = "A page of vRouters.", body = Page<VRouterBody>)))]
async fn list_vrouters(ctx: Context, Query(filter): Query<VRouterFilter>) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let mut rows = Rows::<VRouter>::all(|ix| &ix.vrouters.by_owner);
    if let Some(vpc) = filter.vpc_id.map(|text| text.parse::<VpcId>()) {
        let router_of = move |w: &World| w.get::<Vpc>(vpc.as_ref().ok()?).map(|vpc| vpc.vrouter);
        rows = rows.found(move |w, _| Ok(router_of(w).into_iter().collect()));
    }
    ctx.list(&page, rows, show).await
}

/// Show a vRouter.
#[utoipa::path(get, path = "/v1/vrouters/{vrouter_id}", tag = "vRouter",
    params(("vrouter_id" = String, Path, description = "The vRouter.")),
    responses((status = 200, description = "The vRouter.", body = VRouterBody)))]
async fn get_vrouter(ctx: Context, Path(vrouter_id): Path<String>) -> Result<Response, Problem> {
    let vrouter_id = id::<VRouterId>(&vrouter_id)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<VRouter>(caller, vrouter_id)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "core"}))]
pub struct UpdateVRouterBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
}

/// Change a vRouter.
#[utoipa::path(patch, path = "/v1/vrouters/{vrouter_id}", tag = "vRouter", request_body = UpdateVRouterBody,
    params(("vrouter_id" = String, Path, description = "The vRouter.")),
    responses((status = 200, description = "The vRouter as it is now.", body = VRouterBody)))]
async fn update_vrouter(
    ctx: Context,
    Path(vrouter_id): Path<String>,
    Body(body): Body<UpdateVRouterBody>,
) -> Result<Response, Problem> {
    let vrouter = id::<VRouterId>(&vrouter_id)?;
    let command = ModifyVRouter {
        vrouter,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
    };
    ctx.change_row(command, vrouter, show).await
}
