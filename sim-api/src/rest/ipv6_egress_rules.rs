//! Egress-only rules of IPv6 gateways on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ecs::eni_wanted::parse6;
use sim_core::id::{EniId, Ipv6EgressRuleId, Ipv6GatewayId};
use sim_core::vpc::ipv6_bandwidth::AddressRef;
use sim_core::vpc::ipv6_egress_rule::{CreateIpv6EgressRule, DeleteIpv6EgressRule, Ipv6EgressRule};
use sim_core::{ErrorCode as E, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_ipv6_egress_only_rule",
        &[
            E::AddressMalformed,
            E::Ipv6EgressRuleNameMalformed,
            E::Ipv6EgressRuleDescriptionMalformed,
            E::Ipv6GatewayNotFound,
            E::Ipv6AddressNotFound,
            E::Ipv6EgressRuleOtherVpc,
            E::Ipv6EgressRuleNoBandwidth,
            E::Ipv6EgressRuleExists,
            E::Ipv6EgressRuleQuotaExceeded,
        ],
    ),
    ("get_ipv6_egress_only_rule", &[E::Ipv6EgressRuleNotFound]),
    ("delete_ipv6_egress_only_rule", &[E::Ipv6EgressRuleNotFound, E::Ipv6EgressRuleStatusIncorrect]),
];

/// The operations on egress-only rules.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_ipv6_egress_only_rule, list_ipv6_egress_only_rules))
        .routes(routes!(get_ipv6_egress_only_rule, delete_ipv6_egress_only_rule))
}

/// An egress-only rule of an IPv6 gateway.
#[derive(Serialize, ToSchema)]
pub struct Ipv6EgressOnlyRuleBody {
    /// Its id.
    #[schema(example = "ipv6py-bp1h2ix3c8njnw9s8k7mq")]
    id: String,
    /// Pending, Available or Deleting. It is in force while it is Available.
    #[schema(example = "Available")]
    status: &'static str,
    /// The IPv6 gateway of the address's VPC.
    ipv6_gateway_id: String,
    /// The address, which opens sessions to the internet and to which the internet opens none.
    #[schema(example = "2408:4000:0:100::5")]
    ipv6_address: String,
    /// The interface that holds it.
    network_interface_id: String,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// When it was made, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
}

fn show(_: &World, r: &Ipv6EgressRule) -> Ipv6EgressOnlyRuleBody {
    Ipv6EgressOnlyRuleBody {
        id: r.id.to_string(),
        status: r.status.text(),
        ipv6_gateway_id: r.gateway.to_string(),
        ipv6_address: r.address.to_string(),
        network_interface_id: r.eni.to_string(),
        name: r.name.to_string(),
        description: r.description.to_string(),
        created_at: r.created.to_string(),
    }
}

/// Which address lets sessions out and none in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ipv6_gateway_id": "ipv6gw-bp1h2ix3c8njnw9s8k7mq", "ipv6_address": "2408:4000:0:100::5"}))]
pub struct CreateIpv6EgressOnlyRuleBody {
    /// The IPv6 gateway of the address's VPC.
    ipv6_gateway_id: String,
    /// The address, of an interface, with internet bandwidth.
    ipv6_address: String,
    /// Its name: 1 to 128 characters.
    #[serde(default)]
    name: Option<String>,
    /// Its description: 1 to 256 characters.
    #[serde(default)]
    description: Option<String>,
}

/// Make an egress-only rule for an IPv6 address.
///
/// From then on the address opens sessions to the internet and has their answers back, and the internet opens none to it.
#[utoipa::path(post, path = "/v1/ipv6-egress-only-rules", tag = "IPv6 egress-only rule",
    request_body = CreateIpv6EgressOnlyRuleBody,
    responses((status = 201, description = "The new rule.", body = Ipv6EgressOnlyRuleBody)))]
async fn create_ipv6_egress_only_rule(
    ctx: Context,
    Body(body): Body<CreateIpv6EgressOnlyRuleBody>,
) -> Result<Response, Problem> {
    let command = CreateIpv6EgressRule {
        gateway: parse_id(&body.ipv6_gateway_id)?,
        address: AddressRef::Address(parse6(&body.ipv6_address, "ipv6_address")?),
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<Ipv6EgressRule>(&reply.id::<Ipv6EgressRuleId>())?;
        Some((format!("/v1/ipv6-egress-only-rules/{}", made.id), show(w, made)))
    })
    .await
}

/// Which rules to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Ipv6EgressOnlyRuleFilter {
    /// Only those of this IPv6 gateway.
    ipv6_gateway_id: Option<String>,
    /// Only those of addresses of this interface.
    network_interface_id: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List egress-only rules, oldest first.
#[utoipa::path(get, path = "/v1/ipv6-egress-only-rules", tag = "IPv6 egress-only rule",
    params(Ipv6EgressOnlyRuleFilter),
    responses((status = 200, description = "A page of rules.", body = Page<Ipv6EgressOnlyRuleBody>)))]
async fn list_ipv6_egress_only_rules(
    ctx: Context,
    Query(filter): Query<Ipv6EgressOnlyRuleFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let rows = Rows::<Ipv6EgressRule>::all(|ix| &ix.ipv6_egress_rules.by_owner)
        .of(sought_id::<Ipv6GatewayId>(filter.ipv6_gateway_id.as_deref())?, |ix| {
            &ix.ipv6_egress_rules.by_gateway
        })
        .of(sought_id::<EniId>(filter.network_interface_id.as_deref())?, |ix| &ix.ipv6_egress_rules.by_eni)
        .keep(filter.name, |_, rule, name| rule.name == *name);
    ctx.list(&page, rows, show).await
}

/// Show an egress-only rule.
#[utoipa::path(get, path = "/v1/ipv6-egress-only-rules/{ipv6_egress_only_rule_id}", tag = "IPv6 egress-only rule",
    params(("ipv6_egress_only_rule_id" = String, Path, description = "The rule.")),
    responses((status = 200, description = "The rule.", body = Ipv6EgressOnlyRuleBody)))]
async fn get_ipv6_egress_only_rule(ctx: Context, Path(rule): Path<String>) -> Result<Response, Problem> {
    let rule = id::<Ipv6EgressRuleId>(&rule)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<Ipv6EgressRule>(caller, rule)?))).await
}

/// Delete an egress-only rule: the internet may open sessions to its address again.
#[utoipa::path(delete, path = "/v1/ipv6-egress-only-rules/{ipv6_egress_only_rule_id}", tag = "IPv6 egress-only rule",
    params(("ipv6_egress_only_rule_id" = String, Path, description = "The rule.")),
    responses((status = 204, description = "It is gone, or on its way there.")))]
async fn delete_ipv6_egress_only_rule(ctx: Context, Path(rule): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeleteIpv6EgressRule { rule: id(&rule)? }).await
}
