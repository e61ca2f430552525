//! Forwarding rules of listeners on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::listener_bodies::{
    HealthCheckBody, HealthCheckShown, SchedulerBody, StickyTypeBody, health_check_shown,
};
use super::listeners::which;
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::places::{Places, PlacesOf};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::id::{ForwardingRuleId, ListenerId, VServerGroupId};
use sim_core::slb::forwarding_rule::{
    CreateForwardingRules, DeleteForwardingRules, ForwardingRule, ModifyForwardingRule, NewRule, OwnSettings,
    OwnWay,
};
use sim_core::slb::listener_rules::Sticky;
use sim_core::{ErrorCode as E, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_forwarding_rule",
        &[
            E::ForwardingRuleNameMissing,
            E::ForwardingRuleNameMalformed,
            E::ForwardingRuleEmpty,
            E::ForwardingRuleDomainMalformed,
            E::ForwardingRuleUrlMalformed,
            E::ListenerParameter,
            E::ListenerParameterMissing,
            E::ListenerNotFound,
            E::ForwardingRuleLayer,
            E::VServerGroupNotFound,
            E::ListenerOtherGroup,
            E::LoadBalancerLocked,
            E::ListenerRedirects,
            E::ListenerChanging,
            E::ListenerStopping,
            E::ForwardingRuleNameTaken,
            E::ForwardingRuleExists,
            E::ForwardingRuleQuotaExceeded,
        ],
    ),
    ("list_forwarding_rules", &[E::ListenerNotFound, E::VServerGroupNotFound]),
    ("get_forwarding_rule", &[E::ForwardingRuleNotFound]),
    (
        "update_forwarding_rule",
        &[
            E::ForwardingRuleNameMissing,
            E::ForwardingRuleNameMalformed,
            E::ForwardingRuleNotFound,
            E::ListenerParameter,
            E::ListenerParameterMissing,
            E::VServerGroupNotFound,
            E::ListenerOtherGroup,
            E::LoadBalancerLocked,
            E::ListenerChanging,
            E::ListenerStopping,
            E::ForwardingRuleNameTaken,
        ],
    ),
    (
        "delete_forwarding_rule",
        &[E::ForwardingRuleNotFound, E::LoadBalancerLocked, E::ListenerChanging, E::ListenerStopping],
    ),
];

/// Where the body of a forwarding rule has what is about its own way.
const OWN: Places = &[
    ("scheduler", "own/scheduler"),
    ("sticky_session", "own/sticky_session"),
    ("sticky_session_type", "own/sticky_session_type"),
    ("cookie_timeout", "own/cookie_timeout"),
    ("cookie", "own/cookie"),
    ("health_check", "own/health_check"),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[
    (
        "create_forwarding_rule",
        &[("rules/0", ""), ("listener_port", "listener_id"), ("load_balancer_id", "listener_id")],
    ),
    ("create_forwarding_rule", OWN),
    (
        "update_forwarding_rule",
        &[("listener_id", "forwarding_rule_id"), ("load_balancer_id", "forwarding_rule_id")],
    ),
    ("update_forwarding_rule", OWN),
];

/// The operations on forwarding rules.
pub fn router() -> Operations {
    Operations::new().routes(routes!(create_forwarding_rule, list_forwarding_rules)).routes(routes!(
        get_forwarding_rule,
        update_forwarding_rule,
        delete_forwarding_rule
    ))
}

/// What a forwarding rule does in its own way.
#[derive(Serialize, ToSchema)]
pub struct OwnWayShown {
    /// wrr, rr or wlc.
    #[schema(example = "wrr")]
    scheduler: &'static str,
    /// insert or server; null if requests are not kept together.
    sticky_session_type: Option<&'static str>,
    /// Seconds for which the load balancer's cookie holds.
    cookie_timeout: Option<u32>,
    /// The name of the backend's cookie.
    cookie: Option<String>,
    /// How members are checked.
    health_check: HealthCheckShown,
}

fn own_way(own: &OwnWay) -> OwnWayShown {
    let (sticky_session_type, cookie_timeout, cookie) = match &own.sticky {
        Sticky::Off => (None, None, None),
        Sticky::Insert(timeout) => (Some("insert"), Some(*timeout), None),
        Sticky::Server(cookie) => (Some("server"), None, Some(cookie.to_string())),
    };
    OwnWayShown {
        scheduler: own.scheduler.text(),
        sticky_session_type,
        cookie_timeout,
        cookie,
        health_check: health_check_shown(&own.health_check),
    }
}

/// A forwarding rule.
#[derive(Serialize, ToSchema)]
pub struct ForwardingRuleBody {
    /// Its id.
    #[schema(example = "rule-bp1q6jdlxn4h2vb9xkq8c")]
    id: String,
    /// Its listener.
    listener_id: String,
    /// Its name.
    #[schema(example = "shop")]
    name: String,
    /// The domain that it is for; empty for any.
    #[schema(example = "*.example.com")]
    domain: String,
    /// With what a path begins; empty for any.
    #[schema(example = "/cart")]
    url: String,
    /// The group to which requests go.
    vserver_group_id: String,
    /// What it does in its own way; null if it does all as its listener.
    own: Option<OwnWayShown>,
    /// When it was made, in virtual time.
    created_at: String,
}

fn show(_: &World, r: &ForwardingRule) -> ForwardingRuleBody {
    ForwardingRuleBody {
        id: r.id.to_string(),
        listener_id: r.listener.to_string(),
        name: r.name.to_string(),
        domain: r.domain.to_string(),
        url: r.url.to_string(),
        vserver_group_id: r.group.to_string(),
        own: r.own.as_ref().map(own_way),
        created_at: r.created.to_string(),
    }
}

/// What a forwarding rule should do in its own way; absent fields stay.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnWayBody {
    /// Whether it does all as its listener: true if nothing was ever said. With false, and only then, the rest can be said
    /// here; needed then are scheduler, sticky_session and whether members are checked.
    #[serde(default)]
    as_listener: Option<bool>,
    /// How a member is chosen.
    #[serde(default)]
    scheduler: Option<SchedulerBody>,
    /// Whether requests of one client stay with one member.
    #[serde(default)]
    sticky_session: Option<bool>,
    /// By whose cookie.
    #[serde(default)]
    sticky_session_type: Option<StickyTypeBody>,
    /// Seconds for which the load balancer's cookie holds: 1 to 86,400.
    #[serde(default)]
    cookie_timeout: Option<i32>,
    /// The name of the backend's cookie: 1 to 200 characters.
    #[serde(default)]
    cookie: Option<String>,
    /// How members are checked.
    #[serde(default)]
    health_check: HealthCheckBody,
}

impl From<OwnWayBody> for OwnSettings {
    fn from(body: OwnWayBody) -> OwnSettings {
        OwnSettings {
            as_listener: body.as_listener,
            scheduler: body.scheduler.map(Into::into),
            sticky: body.sticky_session,
            sticky_insert: body.sticky_session_type.map(|kind| kind == StickyTypeBody::Insert),
            cookie_timeout: body.cookie_timeout,
            cookie: body.cookie.map(Into::into),
            health_check: body.health_check.into(),
        }
    }
}

/// What a new forwarding rule should be. A domain, a URL or both are given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"listener_id": "lsn-bp1q6jdlxn4h2vb9xkq8c", "name": "shop", "domain": "*.example.com",
    "url": "/cart", "vserver_group_id": "rsp-bp1mv9tjmlqbm05tsp2i"}))]
pub struct CreateForwardingRuleBody {
    /// Its listener, of HTTP or HTTPS.
    listener_id: String,
    /// Its name: 1 to 40 letters, digits and - / . _
    name: String,
    /// The domain that it is for: a name, or *. and one.
    #[serde(default)]
    domain: String,
    /// With what a path begins: 2 to 80 characters, a slash first.
    #[serde(default)]
    url: String,
    /// The group to which requests go.
    vserver_group_id: String,
    /// What it does in its own way.
    #[serde(default)]
    own: OwnWayBody,
}

/// Make a forwarding rule.
#[utoipa::path(post, path = "/v1/forwarding-rules", tag = "Forwarding rule", request_body = CreateForwardingRuleBody,
    responses((status = 201, description = "The new forwarding rule.", body = ForwardingRuleBody)))]
async fn create_forwarding_rule(
    ctx: Context,
    Body(body): Body<CreateForwardingRuleBody>,
) -> Result<Response, Problem> {
    let (listener, _) = which(&ctx, id(&body.listener_id)?).await?;
    let rule = NewRule {
        name: body.name.into(),
        domain: body.domain.into(),
        url: body.url.into(),
        group: parse_id(&body.vserver_group_id)?,
        own: body.own.into(),
    };
    ctx.create(CreateForwardingRules { listener, rules: vec![rule] }, |w, reply| {
        let made = w.get::<ForwardingRule>(reply.ids::<ForwardingRuleId>().first()?)?;
        Some((format!("/v1/forwarding-rules/{}", made.id), show(w, made)))
    })
    .await
}

/// Which forwarding rules to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ForwardingRuleFilter {
    /// Only those of this listener.
    listener_id: Option<String>,
    /// Only those that send requests to this group.
    vserver_group_id: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List forwarding rules, oldest first.
#[utoipa::path(get, path = "/v1/forwarding-rules", tag = "Forwarding rule", params(ForwardingRuleFilter),
    responses((status = 200, description = "A page of forwarding rules.", body = Page<ForwardingRuleBody>)))]
async fn list_forwarding_rules(
    ctx: Context,
    Query(filter): Query<ForwardingRuleFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let listener = sought_id::<ListenerId>(filter.listener_id.as_deref())?;
    let group = sought_id::<VServerGroupId>(filter.vserver_group_id.as_deref())?;
    let rows = Rows::<ForwardingRule>::all(|ix| &ix.forwarding_rules.by_owner)
        .of(listener, |ix| &ix.forwarding_rules.by_listener)
        .of(group, |ix| &ix.forwarding_rules.by_group);
    ctx.list(&page, rows, show).await
}

/// Show a forwarding rule.
#[utoipa::path(get, path = "/v1/forwarding-rules/{forwarding_rule_id}", tag = "Forwarding rule",
    params(("forwarding_rule_id" = String, Path, description = "The forwarding rule.")),
    responses((status = 200, description = "The forwarding rule.", body = ForwardingRuleBody)))]
async fn get_forwarding_rule(ctx: Context, Path(rule): Path<String>) -> Result<Response, Problem> {
    let rule = id::<ForwardingRuleId>(&rule)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<ForwardingRule>(caller, rule)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "cart", "own": {"as_listener": false, "scheduler": "rr", "sticky_session": false,
    "health_check": {"enabled": true, "interval": 5}}}))]
pub struct UpdateForwardingRuleBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// The group to which requests go from now on.
    #[serde(default)]
    vserver_group_id: Option<String>,
    /// What it does in its own way.
    #[serde(default)]
    own: OwnWayBody,
}

/// Change a forwarding rule. Its domain and URL stay.
#[utoipa::path(patch, path = "/v1/forwarding-rules/{forwarding_rule_id}", tag = "Forwarding rule",
    request_body = UpdateForwardingRuleBody,
    params(("forwarding_rule_id" = String, Path, description = "The forwarding rule.")),
    responses((status = 200, description = "The forwarding rule as it is now.", body = ForwardingRuleBody)))]
async fn update_forwarding_rule(
    ctx: Context,
    Path(rule): Path<String>,
    Body(body): Body<UpdateForwardingRuleBody>,
) -> Result<Response, Problem> {
    let rule = id::<ForwardingRuleId>(&rule)?;
    let command = ModifyForwardingRule {
        rule,
        name: body.name.map(Into::into),
        group: body.vserver_group_id.as_deref().map(parse_id).transpose()?,
        own: body.own.into(),
    };
    ctx.change_row(command, rule, show).await
}

/// Delete a forwarding rule.
#[utoipa::path(delete, path = "/v1/forwarding-rules/{forwarding_rule_id}", tag = "Forwarding rule",
    params(("forwarding_rule_id" = String, Path, description = "The forwarding rule.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_forwarding_rule(ctx: Context, Path(rule): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeleteForwardingRules { rules: vec![id(&rule)?] }).await
}
