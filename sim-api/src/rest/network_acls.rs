//! Network ACLs on the native wire: the ACLs, their rules, their vSwitches, and what one makes of a packet.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::operations::{Operations, routes};
use super::security_group_rules::DirectionBody;
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, tag_bodies, tag_pairs};
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::ecs::group_filter::{Packet, PacketProtocol, parse_address};
use sim_core::ecs::rule_input::ports_text;
use sim_core::ecs::security_group_rule::Direction;
use sim_core::id::{NetworkAclId, VSwitchId, VpcId};
use sim_core::vpc::network_acl::{self, CreateNetworkAcl, DeleteNetworkAcl, ModifyNetworkAcl, NetworkAcl};
use sim_core::vpc::network_acl_binding::{
    AssociateNetworkAcl, NetworkAclBinding, UnassociateNetworkAcl, of_acl,
};
use sim_core::vpc::network_acl_filter::evaluate;
use sim_core::vpc::network_acl_rule::{RuleInput, RuleTexts, UpdateNetworkAclRules, in_order};
use sim_core::{Outcome, World};
use std::net::IpAddr;
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_network_acl",
        &[
            E::NetworkAclNameMalformed,
            E::NetworkAclNameLength,
            E::NetworkAclDescriptionMalformed,
            E::NetworkAclDescriptionLength,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::VpcNotFound,
            E::VpcStatusIncorrect,
            E::NetworkAclQuotaExceeded,
        ],
    ),
    ("list_network_acls", &[E::VpcNotFound, E::VSwitchNotFound]),
    ("get_network_acl", &[E::NetworkAclNotFound]),
    (
        "update_network_acl",
        &[
            E::NetworkAclNameMalformed,
            E::NetworkAclNameLength,
            E::NetworkAclDescriptionMalformed,
            E::NetworkAclDescriptionLength,
            E::NetworkAclNotFound,
        ],
    ),
    ("delete_network_acl", &[E::NetworkAclNotFound, E::NetworkAclModifying, E::NetworkAclInUse]),
    ("list_network_acl_dependents", &[E::NetworkAclNotFound]),
    (
        "replace_network_acl_rules",
        &[
            E::NetworkAclIngressRuleNotFound,
            E::NetworkAclEgressRuleNotFound,
            E::NetworkAclRulePolicyInvalid,
            E::NetworkAclRuleProtocolInvalid,
            E::NetworkAclRulePortInvalid,
            E::NetworkAclRuleSourceInvalid,
            E::NetworkAclRuleDestinationInvalid,
            E::NetworkAclNameMalformed,
            E::NetworkAclNameLength,
            E::NetworkAclDescriptionMalformed,
            E::NetworkAclDescriptionLength,
            E::NetworkAclNotFound,
            E::NetworkAclModifying,
            E::VSwitchStatusIncorrect,
            E::Ipv6Disabled,
            E::NetworkAclRuleQuotaExceeded,
        ],
    ),
    (
        "associate_network_acl",
        &[
            E::NetworkAclNotFound,
            E::VSwitchNotFound,
            E::NetworkAclOtherVpc,
            E::NetworkAclModifying,
            E::VSwitchStatusIncorrect,
            E::NetworkAclAlreadyBound,
        ],
    ),
    (
        "unassociate_network_acl",
        &[
            E::NetworkAclNotFound,
            E::VSwitchNotFound,
            E::NetworkAclOtherVpc,
            E::NetworkAclModifying,
            E::VSwitchStatusIncorrect,
            E::NetworkAclNotBound,
            E::NetworkAclOtherBound,
        ],
    ),
    (
        "evaluate_packet",
        &[E::InvalidParameter, E::MissingParameter, E::AddressMalformed, E::NetworkAclNotFound],
    ),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[("replace_network_acl_rules", &[("vswitch_id", "network_acl_id")])];

/// The operations on network ACLs.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_network_acl, list_network_acls))
        .routes(routes!(get_network_acl, update_network_acl, delete_network_acl))
        .routes(routes!(list_network_acl_dependents))
        .routes(routes!(replace_network_acl_rules))
        .routes(routes!(associate_network_acl, unassociate_network_acl))
        .routes(routes!(evaluate_packet))
}

/// A rule of a network ACL.
#[derive(Serialize, ToSchema)]
pub struct NetworkAclRuleBody {
    /// Its id.
    #[schema(example = "nae-bp1opexmiy1hi2l8fzabc")]
    id: String,
    /// service: the provider's, tried first; custom: the caller's; system: the provider's, tried last.
    #[schema(example = "custom")]
    r#type: &'static str,
    /// accept or drop.
    #[schema(example = "accept")]
    policy: &'static str,
    /// tcp, udp, icmp, icmpv6, gre or all.
    #[schema(example = "tcp")]
    protocol: &'static str,
    /// The source of an inbound packet, the destination of an outbound one.
    #[schema(example = "10.0.0.0/8")]
    cidr: String,
    /// Destination ports, first/last; -1/-1 for protocols without ports.
    #[schema(example = "443/443")]
    ports: String,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
}

/// A vSwitch of a network ACL.
#[derive(Serialize, ToSchema)]
pub struct NetworkAclBindingBody {
    /// The vSwitch.
    #[schema(example = "vsw-bp1dw34dup93h2tvkrabc")]
    vswitch_id: String,
    /// BINDING: does not filter yet; BINDED: filters; UNBINDING: filters until it is gone.
    #[schema(example = "BINDED")]
    status: &'static str,
}

/// A network ACL.
#[derive(Serialize, ToSchema)]
pub struct NetworkAclBody {
    /// Its id.
    #[schema(example = "nacl-bp1lhl0taikrbgnhabcd")]
    id: String,
    /// Available or Modifying.
    #[schema(example = "Available")]
    status: &'static str,
    /// Its VPC.
    vpc_id: String,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// The rules for packets into its vSwitches, in the order in which they are tried: the first that fits decides.
    ingress: Vec<NetworkAclRuleBody>,
    /// The rules for packets out of its vSwitches, in the order in which they are tried.
    egress: Vec<NetworkAclRuleBody>,
    /// Its vSwitches.
    vswitches: Vec<NetworkAclBindingBody>,
    /// When it was made, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn rules(w: &World, acl: &NetworkAcl, direction: Direction) -> Vec<NetworkAclRuleBody> {
    in_order(w, acl, direction)
        .into_iter()
        .map(|(kind, rule)| NetworkAclRuleBody {
            id: rule.id(acl.id).to_string(),
            r#type: kind.text(),
            policy: rule.policy.word(),
            protocol: rule.protocol.word(),
            cidr: rule.block.to_string(),
            ports: ports_text(rule.ports),
            name: rule.name.to_string(),
            description: rule.description.to_string(),
        })
        .collect()
}

fn show(w: &World, acl: &NetworkAcl) -> NetworkAclBody {
    let binding = |b: &NetworkAclBinding| NetworkAclBindingBody {
        vswitch_id: b.vswitch.to_string(),
        status: b.status.text(),
    };
    NetworkAclBody {
        id: acl.id.to_string(),
        status: acl.status.text(),
        vpc_id: acl.vpc.to_string(),
        name: acl.name.to_string(),
        description: acl.description.to_string(),
        ingress: rules(w, acl, Direction::Ingress),
        egress: rules(w, acl, Direction::Egress),
        vswitches: of_acl(w, acl.id).map(binding).collect(),
        created_at: acl.created.to_string(),
        tags: tag_bodies(w, acl.id),
    }
}

/// What a new network ACL should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"vpc_id": "vpc-bp1h2ix3c8njnw9s8k7mq", "name": "web"}))]
pub struct CreateNetworkAclBody {
    /// Its VPC.
    vpc_id: String,
    /// Its name: 1 to 128 characters.
    #[serde(default)]
    name: Option<String>,
    /// Its description: 1 to 256 characters.
    #[serde(default)]
    description: Option<String>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Make a network ACL. Its one custom rule of each direction and address family lets everything through.
#[utoipa::path(post, path = "/v1/network-acls", tag = "Network ACL", request_body = CreateNetworkAclBody,
    responses((status = 201, description = "The new network ACL.", body = NetworkAclBody)))]
async fn create_network_acl(
    ctx: Context,
    Body(body): Body<CreateNetworkAclBody>,
) -> Result<Response, Problem> {
    let command = CreateNetworkAcl {
        vpc: parse_id(&body.vpc_id)?,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<NetworkAcl>(&reply.id::<NetworkAclId>())?;
        Some((format!("/v1/network-acls/{}", made.id), show(w, made)))
    })
    .await
}

/// Which network ACLs to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NetworkAclFilter {
    /// Only those of this VPC.
    vpc_id: Option<String>,
    /// Only the one of this vSwitch.
    vswitch_id: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List network ACLs, oldest first.
#[utoipa::path(get, path = "/v1/network-acls", tag = "Network ACL", params(NetworkAclFilter),
    responses((status = 200, description = "A page of network ACLs.", body = Page<NetworkAclBody>)))]
async fn list_network_acls(
    ctx: Context,
    Query(filter): Query<NetworkAclFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let mut rows = Rows::<NetworkAcl>::all(|ix| &ix.network_acls.by_owner)
        .of(sought_id::<VpcId>(filter.vpc_id.as_deref())?, |ix| &ix.network_acls.by_vpc)
        .keep(filter.name, |_, acl, name| acl.name == *name);
    if let Some(text) = filter.vswitch_id {
        let vswitch = parse_id::<VSwitchId>(&text)?;
        rows = rows.found(move |w, caller| {
            w.visible::<sim_core::vpc::vswitch::VSwitch>(caller, vswitch)?;
            Ok(w.get::<NetworkAclBinding>(&vswitch).map(|binding| binding.acl).into_iter().collect())
        });
    }
    ctx.list(&page, rows, show).await
}

/// Show a network ACL.
#[utoipa::path(get, path = "/v1/network-acls/{network_acl_id}", tag = "Network ACL",
    params(("network_acl_id" = String, Path, description = "The network ACL.")),
    responses((status = 200, description = "The network ACL.", body = NetworkAclBody)))]
async fn get_network_acl(ctx: Context, Path(acl): Path<String>) -> Result<Response, Problem> {
    let acl = id::<NetworkAclId>(&acl)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<NetworkAcl>(caller, acl)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "web-2"}))]
pub struct UpdateNetworkAclBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
}

/// Change name and description of a network ACL.
#[utoipa::path(patch, path = "/v1/network-acls/{network_acl_id}", tag = "Network ACL", request_body = UpdateNetworkAclBody,
    params(("network_acl_id" = String, Path, description = "The network ACL.")),
    responses((status = 200, description = "The network ACL as it is now.", body = NetworkAclBody)))]
async fn update_network_acl(
    ctx: Context,
    Path(acl): Path<String>,
    Body(body): Body<UpdateNetworkAclBody>,
) -> Result<Response, Problem> {
    let acl = id::<NetworkAclId>(&acl)?;
    let command = ModifyNetworkAcl {
        acl,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
    };
    ctx.change_row(command, acl, show).await
}

/// Delete a network ACL that no vSwitch is bound to.
#[utoipa::path(delete, path = "/v1/network-acls/{network_acl_id}", tag = "Network ACL",
    params(("network_acl_id" = String, Path, description = "The network ACL.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_network_acl(ctx: Context, Path(acl): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeleteNetworkAcl { acl: id(&acl)? }).await
}

/// List what keeps a network ACL from being deleted.
#[utoipa::path(get, path = "/v1/network-acls/{network_acl_id}/dependents", tag = "Network ACL",
    params(("network_acl_id" = String, Path, description = "The network ACL.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_network_acl_dependents(ctx: Context, Path(acl): Path<String>) -> Result<Response, Problem> {
    let acl = id::<NetworkAclId>(&acl)?;
    ctx.show(|w, caller| Ok(dependents(network_acl::dependents(w, w.visible::<NetworkAcl>(caller, acl)?))))
        .await
}

/// A custom rule as it should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"policy": "accept", "protocol": "tcp", "cidr": "10.0.0.0/8", "ports": "443/443"}))]
pub struct NetworkAclRuleInput {
    /// The id of a custom rule of the ACL, to keep it; a new rule if absent.
    #[serde(default)]
    id: Option<String>,
    /// accept or drop.
    policy: String,
    /// tcp, udp, icmp, icmpv6, gre or all.
    protocol: String,
    /// The source of an inbound packet, the destination of an outbound one: a block or an address.
    cidr: String,
    /// Destination ports, first/last from 1 to 65535; -1/-1 if absent, for protocols without ports.
    #[serde(default = "no_ports")]
    #[schema(example = "443/443")]
    ports: String,
    /// Its name: 1 to 128 characters.
    #[serde(default)]
    name: Option<String>,
    /// Its description: 1 to 256 characters.
    #[serde(default)]
    description: Option<String>,
}

fn no_ports() -> String {
    "-1/-1".to_owned()
}

/// The rules as they should be; those of an absent direction stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ingress": [{"policy": "accept", "protocol": "tcp", "cidr": "10.0.0.0/8", "ports": "443/443"}]}))]
pub struct ReplaceNetworkAclRulesBody {
    /// All custom inbound rules, in the order in which they are to be tried.
    #[serde(default)]
    ingress: Option<Vec<NetworkAclRuleInput>>,
    /// All custom outbound rules, in the order in which they are to be tried.
    #[serde(default)]
    egress: Option<Vec<NetworkAclRuleInput>>,
}

fn read_rules(direction: Direction, rules: &[NetworkAclRuleInput]) -> Outcome<Vec<RuleInput>> {
    let read = |(at, rule): (usize, &NetworkAclRuleInput)| {
        let texts = RuleTexts {
            id: rule.id.as_deref(),
            policy: &rule.policy,
            protocol: &rule.protocol,
            block: &rule.cidr,
            ports: &rule.ports,
            ip_version: None,
            name: rule.name.as_deref(),
            description: rule.description.as_deref(),
        };
        texts.read(direction).map_err(|refusal| {
            let field = refusal.details().field.clone().unwrap_or_default();
            refusal.field(format!("{}/{at}/{field}", direction.word()))
        })
    };
    rules.iter().enumerate().map(read).collect()
}

/// Replace the custom rules of one or both directions. The fixed rules stay before and behind them.
#[utoipa::path(put, path = "/v1/network-acls/{network_acl_id}/rules", tag = "Network ACL",
    request_body = ReplaceNetworkAclRulesBody,
    params(("network_acl_id" = String, Path, description = "The network ACL.")),
    responses((status = 200, description = "The network ACL as it is now.", body = NetworkAclBody)))]
async fn replace_network_acl_rules(
    ctx: Context,
    Path(acl): Path<String>,
    Body(body): Body<ReplaceNetworkAclRulesBody>,
) -> Result<Response, Problem> {
    let acl = id::<NetworkAclId>(&acl)?;
    let read =
        |direction, rules: Option<Vec<_>>| rules.map(|rules| read_rules(direction, &rules)).transpose();
    let command = UpdateNetworkAclRules {
        acl,
        ingress: read(Direction::Ingress, body.ingress)?,
        egress: read(Direction::Egress, body.egress)?,
    };
    ctx.change_row(command, acl, show).await
}

/// Bind a vSwitch of the same VPC to a network ACL.
#[utoipa::path(put, path = "/v1/network-acls/{network_acl_id}/associations/{vswitch_id}", tag = "Network ACL",
    params(("network_acl_id" = String, Path, description = "The network ACL."),
        ("vswitch_id" = String, Path, description = "The vSwitch.")),
    responses((status = 200, description = "The network ACL as it is now.", body = NetworkAclBody)))]
async fn associate_network_acl(
    ctx: Context,
    Path((acl, vswitch)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let acl = id::<NetworkAclId>(&acl)?;
    let command = AssociateNetworkAcl { acl, vswitches: vec![id::<VSwitchId>(&vswitch)?] };
    ctx.change_row(command, acl, show).await
}

/// Take a vSwitch away from its network ACL.
#[utoipa::path(delete, path = "/v1/network-acls/{network_acl_id}/associations/{vswitch_id}", tag = "Network ACL",
    params(("network_acl_id" = String, Path, description = "The network ACL."),
        ("vswitch_id" = String, Path, description = "The vSwitch.")),
    responses((status = 204, description = "The vSwitch has no network ACL, or none soon.")))]
async fn unassociate_network_acl(
    ctx: Context,
    Path((acl, vswitch)): Path<(String, String)>,
) -> Result<Response, Problem> {
    ctx.remove(UnassociateNetworkAcl { acl: id(&acl)?, vswitches: vec![id(&vswitch)?] }).await
}

/// A packet that crosses the edge of a bound vSwitch.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PacketQuery {
    /// ingress: into the vSwitch; egress: out of it.
    #[param(inline)]
    direction: DirectionBody,
    /// tcp, udp, icmp, icmpv6, gre, or the number of a protocol.
    #[param(example = "tcp")]
    protocol: String,
    /// The address outside: the source of an inbound packet, the destination of an outbound one.
    #[param(example = "10.0.1.60")]
    peer_address: String,
    /// The destination port, for tcp and udp.
    #[param(maximum = 65535, example = 443)]
    port: Option<u16>,
}

/// What becomes of a packet.
#[derive(Serialize, ToSchema)]
pub struct PacketVerdictBody {
    /// Whether it is let through.
    allowed: bool,
    /// The rule that decided: the first that fits.
    #[schema(example = "nae-bp1opexmiy1hi2l8fzabc")]
    network_acl_rule_id: String,
    /// service, custom or system, as the rule is.
    #[schema(example = "custom")]
    rule_type: &'static str,
}

fn read_packet(query: &PacketQuery, direction: Direction) -> Outcome<Packet> {
    let protocol = PacketProtocol::parse(&query.protocol)?;
    let peer = parse_address(&query.peer_address, "peer_address")?;
    // It looks at destination ports alone.
    let (port, _) = protocol.ports(query.port, None)?;
    let own = IpAddr::from([0, 0, 0, 0]);
    let (peer_port, own_port) = match direction {
        Direction::Ingress => (0, port),
        Direction::Egress => (port, 0),
    };
    Ok(Packet { protocol, peer, own, peer_port, own_port })
}

/// Ask what a network ACL makes of a packet, and which rule decides. It remembers nothing: the answer is a packet of
/// its own, in the other direction.
#[utoipa::path(get, path = "/v1/network-acls/{network_acl_id}/verdict", tag = "Network ACL",
    params(("network_acl_id" = String, Path, description = "The network ACL."), PacketQuery),
    responses((status = 200, description = "What becomes of the packet.", body = PacketVerdictBody)))]
async fn evaluate_packet(
    ctx: Context,
    Path(acl): Path<String>,
    Query(query): Query<PacketQuery>,
) -> Result<Response, Problem> {
    let direction = Direction::from(query.direction);
    let packet = read_packet(&query, direction)?;
    let acl = id::<NetworkAclId>(&acl)?;
    ctx.show(|w, caller| {
        let verdict = evaluate(w, w.visible::<NetworkAcl>(caller, acl)?, direction, &packet);
        Ok(PacketVerdictBody {
            allowed: verdict.allowed,
            network_acl_rule_id: verdict.rule.to_string(),
            rule_type: verdict.kind.text(),
        })
    })
    .await
}
