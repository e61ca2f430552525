//! The rules of security groups on the native wire.
//!
//! Of an inbound rule the peer is the source and "own" the member's side, of an outbound rule the peer is the destination.

use super::context::{Body, Context, Path, Query, id, parse_id};
use super::operations::{Operations, routes};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::parse_list;
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::ecs::authorize::{AuthorizeRules, ModifyRule, RevokeRules, WhichRule, WhichRules};
use sim_core::ecs::rule_input::{RuleTexts, ports_text, read_rules};
use sim_core::ecs::security_group::SecurityGroup;
use sim_core::ecs::security_group_rule::{
    self, Direction, Peer, RuleOrder, SecurityGroupRule, of_group_after, parse_place, place_text,
};
use sim_core::id::{SecurityGroupId, SecurityGroupRuleId};
use sim_core::{Refusal, Reply, World};
use utoipa::{IntoParams, ToSchema};

/// What the fields of a rule can be refused for.
macro_rules! with_rule_fields {
    ($($code:expr),* $(,)?) => {
        &[
            E::RuleProtocolInvalid,
            E::RulePortRangeMalformed,
            E::RulePortRangeMismatch,
            E::RuleSourcePortRangeMalformed,
            E::RulePolicyInvalid,
            E::RulePriorityInvalid,
            E::RuleDescriptionMalformed,
            E::RuleSourceCidrMalformed,
            E::RuleDestCidrMalformed,
            E::RuleSourceIpv6Malformed,
            E::RuleDestIpv6Malformed,
            E::RuleSourceAmbiguous,
            E::RuleDestAmbiguous,
            E::RuleFamiliesMixed,
            E::RuleSourceIsDest,
            E::RuleIpv4Protocol,
            E::RuleIpv6Protocol,
            E::SecurityGroupNotFound,
            E::PrefixListNotFound,
            E::RulePrefixListFamily,
            E::RuleSourceGroupNotFound,
            E::RuleDestGroupNotFound,
            E::RulePeerIsSelf,
            E::RulePeerVpcMismatch,
            E::RulePeerEnterprise,
            $($code),*
        ]
    };
}

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_security_group_rules",
        with_rule_fields![
            E::RulePortRangeMissing,
            E::RuleSourceMissing,
            E::RuleDestMissing,
            E::RulesPerCallExceeded,
            E::RuleDuplicated,
            E::EnterpriseGroupPeer,
            E::EnterpriseDropRule,
            E::GroupRulesExceeded,
            E::GroupPeerRulesExceeded,
            E::EniRulesExceeded,
            E::PrefixListAssociationsExceeded,
        ],
    ),
    ("list_security_group_rules", &[E::SecurityGroupNotFound]),
    ("get_security_group_rule", &[E::SecurityGroupNotFound, E::SecurityGroupRuleNotFound]),
    (
        "update_security_group_rule",
        with_rule_fields![
            E::SecurityGroupRuleNotFound,
            E::RuleChangeMissing,
            E::RulePeerKindFixed,
            E::RuleExists,
            E::EnterpriseDropRule,
            E::GroupRulesExceeded,
            E::EniRulesExceeded,
            E::PrefixListAssociationsExceeded,
        ],
    ),
    ("delete_security_group_rule", &[E::SecurityGroupNotFound, E::SecurityGroupRuleNotFound]),
    (
        "delete_security_group_rules",
        &[E::RulesPerCallExceeded, E::RuleIdRepeated, E::SecurityGroupNotFound, E::SecurityGroupRuleNotFound],
    ),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[(
    "delete_security_group_rules",
    &[("rules", "security_group_rule_ids"), ("security_group_rule_id", "security_group_rule_ids")],
)];

/// The operations on the rules of security groups.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_security_group_rules, list_security_group_rules))
        .routes(routes!(delete_security_group_rules))
        .routes(routes!(get_security_group_rule, update_security_group_rule, delete_security_group_rule))
}

/// A rule of a security group.
#[derive(Serialize, ToSchema)]
pub struct SecurityGroupRuleBody {
    /// Its id.
    #[schema(example = "sgr-bp12kewq32dfwrdi6fq1")]
    id: String,
    /// Its group.
    security_group_id: String,
    /// ingress: towards the member; egress: from the member.
    #[schema(example = "ingress")]
    direction: &'static str,
    /// tcp, udp, icmp, icmpv6, gre or all.
    #[schema(example = "tcp")]
    protocol: &'static str,
    /// Destination ports: first/last, or -1/-1 for a protocol without ports.
    #[schema(example = "443/443")]
    port_range: String,
    /// Source ports: first/last, or -1/-1 for any.
    #[schema(example = "-1/-1")]
    source_port_range: String,
    /// accept or drop.
    #[schema(example = "accept")]
    policy: &'static str,
    /// 1 to 100; lower ones come first, and drop before accept within a priority.
    #[schema(example = 1)]
    priority: u8,
    /// The other side as a block or address of either family; null if it is a group or a prefix list.
    #[schema(example = "10.0.0.0/8")]
    peer_cidr: Option<String>,
    /// The other side as a security group; null if it is none.
    peer_security_group_id: Option<String>,
    /// The other side as a prefix list; null if it is none.
    peer_prefix_list_id: Option<String>,
    /// The member's side, if the rule is narrowed down to a part of it; null if not.
    own_cidr: Option<String>,
    /// Its description; empty if it has none.
    description: String,
    /// When it was made, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
}

fn show(rule: &SecurityGroupRule) -> SecurityGroupRuleBody {
    let spec = &rule.spec;
    let (group, list) = match spec.peer {
        Peer::Block(_) => (None, None),
        Peer::Group(id) => (Some(id.to_string()), None),
        Peer::List(id) => (None, Some(id.to_string())),
    };
    SecurityGroupRuleBody {
        id: rule.id.to_string(),
        security_group_id: rule.group.to_string(),
        direction: rule.direction.word(),
        protocol: spec.protocol.word(),
        port_range: ports_text(spec.ports),
        source_port_range: ports_text(spec.source_ports),
        policy: spec.policy.word(),
        priority: spec.priority,
        peer_cidr: Some(rule.peer_text()).filter(|text| !text.is_empty()),
        peer_security_group_id: group,
        peer_prefix_list_id: list,
        own_cidr: Some(rule.own_text()).filter(|text| !text.is_empty()),
        description: rule.description.to_string(),
        created_at: rule.created.to_string(),
    }
}

/// Which way sessions go, seen from the member.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DirectionBody {
    /// Towards the member.
    Ingress,
    /// From the member.
    Egress,
}

impl From<DirectionBody> for Direction {
    fn from(direction: DirectionBody) -> Direction {
        match direction {
            DirectionBody::Ingress => Direction::Ingress,
            DirectionBody::Egress => Direction::Egress,
        }
    }
}

/// The fields of a rule. Of several peers a block beats a group, and either beats a prefix list, as at the provider.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"protocol": "tcp", "port_range": "443/443", "peer_cidr": "10.0.0.0/8"}))]
pub struct RuleBody {
    /// tcp, udp, icmp, icmpv6, gre or all.
    #[serde(default)]
    #[schema(example = "tcp")]
    protocol: Option<String>,
    /// Destination ports: first/last from 1 to 65535 for tcp and udp, -1/-1 for every other protocol.
    #[serde(default)]
    #[schema(example = "443/443")]
    port_range: Option<String>,
    /// Source ports in the same form; any if absent.
    #[serde(default)]
    source_port_range: Option<String>,
    /// accept or drop; accept if absent.
    #[serde(default)]
    policy: Option<String>,
    /// 1 to 100; 1 if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    priority: Option<i64>,
    /// The other side as an IPv4 block or address.
    #[serde(default)]
    #[schema(example = "10.0.0.0/8")]
    peer_cidr: Option<String>,
    /// The other side as an IPv6 block or address.
    #[serde(default)]
    peer_ipv6_cidr: Option<String>,
    /// The other side as a normal security group of the VPC.
    #[serde(default)]
    peer_security_group_id: Option<String>,
    /// The other side as a prefix list.
    #[serde(default)]
    peer_prefix_list_id: Option<String>,
    /// Only this part of the member's side, as an IPv4 block or address.
    #[serde(default)]
    own_cidr: Option<String>,
    /// Only this part of the member's side, as an IPv6 block or address.
    #[serde(default)]
    own_ipv6_cidr: Option<String>,
    /// Its description: 1 to 512 characters.
    #[serde(default)]
    description: Option<String>,
}

impl RuleBody {
    fn texts<'a>(&'a self, priority: &'a Option<String>) -> RuleTexts<'a> {
        RuleTexts {
            protocol: self.protocol.as_deref(),
            port_range: self.port_range.as_deref(),
            port_list: None,
            source_port_range: self.source_port_range.as_deref(),
            policy: self.policy.as_deref(),
            priority: priority.as_deref(),
            nic_type: None,
            peer_cidr: self.peer_cidr.as_deref(),
            peer_ipv6_cidr: self.peer_ipv6_cidr.as_deref(),
            peer_group: self.peer_security_group_id.as_deref(),
            peer_list: self.peer_prefix_list_id.as_deref(),
            own_cidr: self.own_cidr.as_deref(),
            own_ipv6_cidr: self.own_ipv6_cidr.as_deref(),
            description: self.description.as_deref(),
        }
    }

    fn priority_text(&self) -> Option<String> {
        self.priority.map(|priority| priority.to_string())
    }
}

/// Rules of one direction.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"direction": "ingress",
    "rules": [{"protocol": "tcp", "port_range": "443/443", "peer_cidr": "10.0.0.0/8"}]}))]
pub struct CreateRulesBody {
    /// Which way the sessions go.
    direction: DirectionBody,
    /// The rules: 1 to 100.
    #[schema(min_items = 1, max_items = 100)]
    rules: Vec<RuleBody>,
}

/// Rules of a security group.
#[derive(Serialize, ToSchema)]
pub struct RulesBody {
    /// The rules, in the order of the request.
    items: Vec<SecurityGroupRuleBody>,
}

/// Add rules to a security group: all of them, or none.
///
/// A rule that is there already is left as it is and shown.
#[utoipa::path(post, path = "/v1/security-groups/{security_group_id}/rules", tag = "Security group rule",
    request_body = CreateRulesBody,
    params(("security_group_id" = String, Path, description = "The security group.")),
    responses((status = 200, description = "The rules.", body = RulesBody)))]
async fn create_security_group_rules(
    ctx: Context,
    Path(group): Path<String>,
    Body(body): Body<CreateRulesBody>,
) -> Result<Response, Problem> {
    let direction = body.direction.into();
    let priorities: Vec<Option<String>> = body.rules.iter().map(RuleBody::priority_text).collect();
    let texts: Vec<RuleTexts<'_>> =
        body.rules.iter().zip(&priorities).map(|(rule, priority)| rule.texts(priority)).collect();
    let command = AuthorizeRules { group: id(&group)?, direction, rules: read_rules(direction, &texts)? };
    ctx.change(command, |w, reply| RulesBody { items: made(w, reply) }).await
}

/// The rules that a batch made or found. A repetition passes over those that have been deleted since.
fn made(w: &World, reply: &Reply) -> Vec<SecurityGroupRuleBody> {
    let Reply::CreatedMany(ids) = reply else { unreachable!("AuthorizeRules replies so") };
    let rules = ids.iter().filter_map(|&id| SecurityGroupRuleId::try_from(id).ok());
    rules.filter_map(|id| w.get::<SecurityGroupRule>(&id)).map(show).collect()
}

/// Which rules to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RuleFilter {
    /// Only ingress or only egress.
    direction: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List the rules of a security group in the order of evaluation: ingress first, then by priority, drop before accept,
/// oldest first.
#[utoipa::path(get, path = "/v1/security-groups/{security_group_id}/rules", tag = "Security group rule",
    params(("security_group_id" = String, Path, description = "The security group."), RuleFilter),
    responses((status = 200, description = "A page of rules.", body = Page<SecurityGroupRuleBody>)))]
async fn list_security_group_rules(
    ctx: Context,
    Path(group): Path<String>,
    Query(filter): Query<RuleFilter>,
) -> Result<Response, Problem> {
    let group = id::<SecurityGroupId>(&group)?;
    let (size, _) =
        PageQuery { page_size: filter.page_size, page_token: None }.cursor::<SecurityGroupId>()?;
    let after: Option<RuleOrder> = match &filter.page_token {
        None => None,
        Some(text) => Some(parse_place(text).ok_or_else(|| {
            Refusal::new(E::InvalidParameter)
                .field("page_token")
                .detail("page_token was not issued by this list.")
                .accepted("next_page_token of the page before")
        })?),
    };
    ctx.show(|w, caller| {
        w.visible::<SecurityGroup>(caller, group)?;
        let mut rules = of_group_after(w, group, after.as_ref())
            .filter(|rule| filter.direction.as_ref().is_none_or(|way| rule.direction.word() == way));
        let shown: Vec<&SecurityGroupRule> = rules.by_ref().take(size).collect();
        let next = rules.next().and_then(|_| shown.last()).map(|last| place_text(&last.order()));
        Ok(Page { items: shown.into_iter().map(show).collect(), next_page_token: next })
    })
    .await
}

/// Show a rule.
#[utoipa::path(get, path = "/v1/security-groups/{security_group_id}/rules/{security_group_rule_id}",
    tag = "Security group rule",
    params(("security_group_id" = String, Path, description = "The security group."),
        ("security_group_rule_id" = String, Path, description = "The rule.")),
    responses((status = 200, description = "The rule.", body = SecurityGroupRuleBody)))]
async fn get_security_group_rule(
    ctx: Context,
    Path((group, rule)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (group, rule) = (id::<SecurityGroupId>(&group)?, id::<SecurityGroupRuleId>(&rule)?);
    ctx.show(|w, caller| Ok(show(security_group_rule::visible(w, caller, group, rule)?))).await
}

/// Change a rule; absent fields stay. A rule keeps its direction and the kind of its peer.
#[utoipa::path(patch, path = "/v1/security-groups/{security_group_id}/rules/{security_group_rule_id}",
    tag = "Security group rule", request_body = RuleBody,
    params(("security_group_id" = String, Path, description = "The security group."),
        ("security_group_rule_id" = String, Path, description = "The rule.")),
    responses((status = 200, description = "The rule as it is now.", body = SecurityGroupRuleBody)))]
async fn update_security_group_rule(
    ctx: Context,
    Path((group, rule)): Path<(String, String)>,
    Body(body): Body<RuleBody>,
) -> Result<Response, Problem> {
    let (group, rule) = (id::<SecurityGroupId>(&group)?, id::<SecurityGroupRuleId>(&rule)?);
    // The words of a refusal tell source from destination, so the rule's direction is looked up first.
    let direction =
        ctx.read(|w, caller| Ok(security_group_rule::visible(w, caller, group, rule)?.direction)).await?;
    let priority = body.priority_text();
    let fields = body.texts(&priority).read(direction)?;
    let command = ModifyRule { group, rule: WhichRule::Id(Some(direction), rule, fields) };
    ctx.change(command, move |w, _| w.get::<SecurityGroupRule>(&rule).map(show)).await
}

/// Delete a rule.
#[utoipa::path(delete, path = "/v1/security-groups/{security_group_id}/rules/{security_group_rule_id}",
    tag = "Security group rule",
    params(("security_group_id" = String, Path, description = "The security group."),
        ("security_group_rule_id" = String, Path, description = "The rule.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_security_group_rule(
    ctx: Context,
    Path((group, rule)): Path<(String, String)>,
) -> Result<Response, Problem> {
    ctx.remove(RevokeRules { group: id(&group)?, rules: WhichRules::Ids(None, vec![id(&rule)?]) }).await
}

/// Rules to delete.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"security_group_rule_ids": ["sgr-bp12kewq32dfwrdi6fq1"]}))]
pub struct DeleteRulesBody {
    /// Their ids: 1 to 100.
    #[schema(min_items = 1, max_items = 100)]
    security_group_rule_ids: Vec<String>,
}

/// Delete rules of a security group: all of them, or none.
#[utoipa::path(post, path = "/v1/security-groups/{security_group_id}/rules/batch-delete", tag = "Security group rule",
    request_body = DeleteRulesBody,
    params(("security_group_id" = String, Path, description = "The security group.")),
    responses((status = 204, description = "They are gone.")))]
async fn delete_security_group_rules(
    ctx: Context,
    Path(group): Path<String>,
    Body(body): Body<DeleteRulesBody>,
) -> Result<Response, Problem> {
    let ids = parse_list(&body.security_group_rule_ids, parse_id)?;
    let command = RevokeRules { group: id(&group)?, rules: WhichRules::Ids(None, ids) };
    ctx.remove(command).await
}
