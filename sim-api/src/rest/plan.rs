//! The address planner on the native wire: the same questions, types and answers as `cloudnet plan`.

use super::context::{Body, Context, parse_id};
use super::operations::{Operations, routes};
use crate::problem::Problem;
use crate::refusals::Refusals;
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sim_core::cidr::Cidr4;
use sim_core::cidr::plan::{self, BadInput};
use sim_core::id::VpcId;
use sim_core::{ErrorCode as E, Refusal};
use utoipa::ToSchema;

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    ("plan_split", &[E::InvalidParameter]),
    ("plan_room", &[E::InvalidParameter, E::VpcNotFound]),
    ("plan_check", &[E::InvalidParameter]),
    ("plan_ack", &[E::InvalidParameter]),
];

/// The operations of the planner.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(plan_split))
        .routes(routes!(plan_room))
        .routes(routes!(plan_check))
        .routes(routes!(plan_ack))
}

/// An answer, whether it is yes or no; only bad input is refused.
fn answer(answer: Result<impl Serialize, BadInput>) -> Result<Response, Problem> {
    Ok(Json(answer.map_err(Refusal::from)?).into_response())
}

/// Cut a VPC block into vSwitches over zones, and say what that costs.
///
/// A VPC of /16, /12 or /8 is said to have 65,532, 1,048,572 or 16,777,212 addresses: its size less 4. But the provider
/// keeps 4 addresses in every vSwitch, and what lies in no vSwitch cannot be used either; `cost` counts both.
#[utoipa::path(post, path = "/v1/plan/split", tag = "Plan",
    request_body(content = plan::SplitRequest,
        example = json!({"block": "10.0.0.0/16", "zones": ["cn-hangzhou-h", "cn-hangzhou-i", "cn-hangzhou-j"]})),
    responses((status = 200, description = "The division, or why there is none.", body = plan::SplitPlan)))]
async fn plan_split(Body(request): Body<plan::SplitRequest>) -> Result<Response, Problem> {
    answer(plan::split(&request))
}

/// How many vSwitches of which size are to be added to a VPC of the world, or to one that is described.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"vpc": ["10.0.0.0/16"], "vswitches": ["10.0.0.0/24"], "prefix_len": 24, "count": 8}))]
pub struct RoomBody {
    /// A VPC of the world: its blocks, vSwitches, custom routes and quota count.
    #[serde(default)]
    vpc_id: Option<String>,
    /// The blocks of a VPC, primary and secondary, instead of an id.
    #[serde(default)]
    vpc: Vec<Cidr4>,
    /// The vSwitches there are, beside `vpc`.
    #[serde(default)]
    vswitches: Vec<Cidr4>,
    /// Blocks to stay clear of.
    #[serde(default)]
    exclude: Vec<Cidr4>,
    /// Length of the new ones: 16 to 29.
    #[schema(minimum = 16, maximum = 29)]
    prefix_len: u8,
    /// Number of new ones.
    count: u32,
    /// vSwitches that the VPC may have; 150, or the account's quota beside an id, if absent.
    #[serde(default)]
    vswitch_quota: Option<u32>,
}

/// Say whether so many more vSwitches of a size fit, and where they would lie.
///
/// The VPC is one of the world by `vpc_id`, or described by `vpc` and `vswitches`. Nothing is made.
#[utoipa::path(post, path = "/v1/plan/room", tag = "Plan", request_body = RoomBody,
    responses((status = 200, description = "Whether they fit.", body = plan::Room)))]
async fn plan_room(ctx: Context, Body(body): Body<RoomBody>) -> Result<Response, Problem> {
    let RoomBody { vpc_id, vpc, vswitches, exclude, prefix_len, count, vswitch_quota } = body;
    let Some(id) = vpc_id else {
        let vswitch_quota = vswitch_quota.unwrap_or(plan::VSWITCH_QUOTA);
        return answer(plan::room(&plan::RoomRequest {
            vpc,
            vswitches,
            exclude,
            prefix_len,
            count,
            vswitch_quota,
        }));
    };
    if !vpc.is_empty() || !vswitches.is_empty() {
        let field = if vpc.is_empty() { "vswitches" } else { "vpc" };
        return Err(Refusal::new(E::InvalidParameter)
            .field(field)
            .detail(format!("{field} and vpc_id exclude each other."))
            .accepted("one of the two")
            .into());
    }
    let id = parse_id::<VpcId>(&id)?;
    let mut request =
        ctx.read(|w, caller| sim_core::vpc::room::question(w, caller, id, prefix_len, count)).await?;
    request.exclude.extend(exclude);
    request.vswitch_quota = vswitch_quota.unwrap_or(request.vswitch_quota);
    answer(plan::room(&request))
}

/// Find every conflict in a plan of VPCs, vSwitches, peers, routes and clusters.
#[utoipa::path(post, path = "/v1/plan/check", tag = "Plan",
    request_body(content = plan::PlanRequest, example = json!(plan::PlanRequest::example())),
    responses((status = 200, description = "What was found.", body = plan::PlanReport)))]
async fn plan_check(Body(request): Body<plan::PlanRequest>) -> Result<Response, Problem> {
    answer(plan::check(&request))
}

/// A container network whose nodes and pods are to be counted: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AckBody {
    /// Every node takes a part of the pod block and one route.
    #[serde(default)]
    flannel: Option<plan::FlannelRequest>,
    /// Pods take addresses of vSwitches.
    #[serde(default)]
    terway: Option<plan::TerwayRequest>,
}

/// What a container network holds.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AckAnswer {
    /// A Flannel cluster.
    Flannel(plan::FlannelPlan),
    /// A Terway cluster.
    Terway(plan::TerwayPlan),
}

/// Count the nodes and pods that a container network holds.
#[utoipa::path(post, path = "/v1/plan/ack", tag = "Plan",
    request_body(content = AckBody, examples(
        ("flannel" = (summary = "Flannel", value = json!({"flannel": {"pod_block": "172.20.0.0/16", "node_len": 26, "nodes": 150}}))),
        ("terway" = (summary = "Terway", value = json!({"terway":
            {"mode": "shared_eni", "instance_type": "ecs.g7.2xlarge", "pod_vswitches": ["10.0.32.0/19"], "nodes": 60}}))))),
    responses((status = 200, description = "What it holds.", body = AckAnswer)))]
async fn plan_ack(Body(body): Body<AckBody>) -> Result<Response, Problem> {
    match (body.flannel, body.terway) {
        (Some(request), None) => answer(plan::flannel(&request).map(AckAnswer::Flannel)),
        (None, Some(request)) => answer(plan::terway(&request).map(AckAnswer::Terway)),
        _ => Err(Refusal::new(E::InvalidParameter)
            .field("flannel")
            .detail("The question is about one container network.")
            .accepted("one of flannel and terway")
            .into()),
    }
}
