//! Quotas on the native wire: what may be had, what is in use, and how to be allowed more.

use super::context::{Body, Context, Path, Query};
use super::operations::{Operations, routes};
use crate::page::Page;
use crate::problem::Problem;
use crate::refusals::Refusals;
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::id::AnyId;
use sim_core::quota::{AdjustQuota, Quota};
use sim_core::quota_usage::ObjectUsage;
use sim_core::{Caller, Owner, Refusal, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    ("get_quota", &[E::QuotaUnknown, E::ResourceNotFound, E::VpcNotFound]),
    ("adjust_quota", &[E::QuotaUnknown, E::QuotaNotAdjustable, E::QuotaValueInvalid]),
];

/// The operations on quotas.
pub fn router() -> Operations {
    Operations::new().routes(routes!(list_quotas)).routes(routes!(get_quota, adjust_quota))
}

/// The most objects that a quota's answer lists.
const MAX_USES: u32 = 1_000;
/// The objects that a quota's answer lists if the request does not say.
const DEFAULT_USES: u32 = 20;

/// A quota of the caller's account.
#[derive(Serialize, ToSchema)]
pub struct QuotaBody {
    /// The provider's name of the quota where it has one, else a dotted name of ours.
    #[schema(example = "vpc_quota_vswitches_num")]
    name: &'static str,
    /// What is counted, and within what.
    #[schema(example = "vSwitches in one VPC")]
    description: &'static str,
    /// Within what it counts.
    scope: ScopeBody,
    /// The value for an account that never asked for more.
    #[schema(example = 150)]
    default: u32,
    /// The value in force; absent in a world with lifted quotas, where there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 150)]
    value: Option<u32>,
    /// The highest value that the account can set.
    #[schema(example = 15000)]
    ceiling: u32,
    /// Whether the account can set it.
    adjustable: bool,
    /// How much is in use: in the region, or by the object that uses most. Absent for a limit on a single request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 12)]
    used: Option<u64>,
    /// The object that uses most; absent for a quota of the region, and where nothing is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "vpc-bp1h2ix3c8njnw9s8k7mq")]
    used_by: Option<String>,
}

/// Within what a quota counts.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, example = "vpc")]
struct ScopeBody(&'static str);

/// A quota, and the objects that use most of it.
#[derive(Serialize, ToSchema)]
pub struct QuotaUsageBody {
    /// The quota.
    #[serde(flatten)]
    quota: QuotaBody,
    /// The objects that use most, the highest first; of a quota of the region or of a request there are none.
    uses: Vec<UseBody>,
}

/// How much of a quota one object uses.
#[derive(Serialize, ToSchema)]
pub struct UseBody {
    /// The object.
    #[schema(example = "vpc-bp1h2ix3c8njnw9s8k7mq")]
    resource_id: String,
    /// How much it uses.
    #[schema(example = 12)]
    used: u64,
    /// How much more it may use; absent in a world with lifted quotas.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 138)]
    left: Option<u64>,
}

/// The value in force; none if quotas are lifted.
fn value(w: &World, caller: &Caller, quota: Quota) -> Option<u32> {
    u32::try_from(quota.limit(w, caller.account)).ok()
}

fn show(w: &World, caller: &Caller, quota: Quota, highest: Option<&ObjectUsage>) -> QuotaBody {
    let row = quota.row();
    let owner = Owner::from(caller);
    let used = quota.used_in_region(w, &owner).or_else(|| match quota.scope() {
        sim_core::quota_usage::QuotaScope::Call => None,
        _ => Some(highest.map_or(0, |top| top.used)),
    });
    QuotaBody {
        name: row.name,
        description: row.what,
        scope: ScopeBody(quota.scope().text()),
        default: row.default,
        value: value(w, caller, quota),
        ceiling: row.ceiling,
        adjustable: row.adjustable,
        used,
        used_by: highest.map(|top| top.object.to_string()),
    }
}

fn show_highest(w: &World, caller: &Caller, quota: Quota) -> QuotaBody {
    let highest = quota.highest(w, &Owner::from(caller), 1);
    show(w, caller, quota, highest.first())
}

/// List all quotas, with what is in use of each.
///
/// A quota of the region shows how much the account uses in the region; one of an object, such as the vSwitches in one
/// VPC, shows the object that uses most. An account's values hold in all regions.
#[utoipa::path(get, path = "/v1/quotas", tag = "Quota",
    responses((status = 200, description = "All quotas.", body = Page<QuotaBody>)))]
async fn list_quotas(ctx: Context) -> Result<Response, Problem> {
    let mut items = Vec::with_capacity(Quota::ALL.len());
    // A read for each: counting may take a while in a large world, and others get their turn between two of them.
    for &quota in Quota::ALL {
        items.push(ctx.read(|w, caller| Ok(show_highest(w, caller, quota))).await?);
    }
    Ok(Json(Page { items, next_page_token: None }).into_response())
}

fn by_name(name: &str) -> Result<Quota, Refusal> {
    Quota::by_name(name).ok_or_else(|| {
        Refusal::new(E::QuotaUnknown)
            .field("name")
            .detail(format!("{:?} is not in the table.", name.chars().take(64).collect::<String>()))
            .accepted("a name that GET /v1/quotas shows")
    })
}

/// Whose use to show.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UseFilter {
    /// Only this object.
    #[param(example = "vpc-bp1h2ix3c8njnw9s8k7mq")]
    resource_id: Option<String>,
    /// How many objects at most: 1 to 1,000; 20 if absent.
    #[param(minimum = 1, maximum = 1000, example = 20)]
    limit: Option<u32>,
}

/// Show a quota and which objects use most of it.
#[utoipa::path(get, path = "/v1/quotas/{name}", tag = "Quota",
    params(("name" = String, Path, description = "The quota's name.", example = "vpc_quota_vswitches_num"), UseFilter),
    responses((status = 200, description = "The quota.", body = QuotaUsageBody)))]
async fn get_quota(
    ctx: Context,
    Path(name): Path<String>,
    Query(filter): Query<UseFilter>,
) -> Result<Response, Problem> {
    let quota = by_name(&name)?;
    let limit = filter.limit.unwrap_or(DEFAULT_USES);
    if !(1..=MAX_USES).contains(&limit) {
        return Err(Problem::parameter("limit", format!("limit is {limit}."), format!("1 to {MAX_USES}")));
    }
    let object = filter.resource_id.as_deref().map(object).transpose()?;
    ctx.show(|w, caller| {
        let highest = quota.highest(w, &Owner::from(caller), limit as usize);
        let shown = match object {
            None => highest.clone(),
            Some(object) => {
                let used = quota.used_by(w, caller, object)?;
                used.map(|used| ObjectUsage { object, used }).into_iter().collect()
            }
        };
        let value = value(w, caller, quota);
        let uses = shown.iter().map(|one| UseBody {
            resource_id: one.object.to_string(),
            used: one.used,
            left: value.map(|value| u64::from(value).saturating_sub(one.used)),
        });
        Ok(QuotaUsageBody { quota: show(w, caller, quota, highest.first()), uses: uses.collect() })
    })
    .await
}

fn object(text: &str) -> Result<AnyId, Refusal> {
    text.parse().map_err(|_| {
        let text: String = text.chars().take(64).collect();
        Refusal::new(E::ResourceNotFound).field("resource_id").detail(format!("There is no {text:?}."))
    })
}

/// The value that a quota shall have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"value": 20}))]
pub struct AdjustQuotaBody {
    /// From 1 to the quota's ceiling.
    #[schema(minimum = 1, example = 20)]
    value: u32,
}

/// Set the value of an adjustable quota for the account, in all regions.
///
/// It holds from the next request on. A value below what is in use takes nothing away; it only lets nothing more in.
#[utoipa::path(put, path = "/v1/quotas/{name}", tag = "Quota", request_body = AdjustQuotaBody,
    params(("name" = String, Path, description = "The quota's name.", example = "vpc_quota_instances_num")),
    responses((status = 200, description = "The quota as it is now.", body = QuotaBody)))]
async fn adjust_quota(
    ctx: Context,
    Path(name): Path<String>,
    Body(body): Body<AdjustQuotaBody>,
) -> Result<Response, Problem> {
    let quota = by_name(&name)?;
    let caller = ctx.caller.clone();
    let command = AdjustQuota { name, value: body.value };
    ctx.change(command, move |w, _| show_highest(w, &caller, quota)).await
}
