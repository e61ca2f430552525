//! What the security groups of a network interface make of a new session, and why.

use super::context::{Context, Path, Query, id};
use super::operations::{Operations, routes};
use super::security_group_rules::DirectionBody;
use crate::problem::Problem;
use crate::refusals::Refusals;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::ecs::eni::Eni;
use sim_core::ecs::group_filter::{DecidedBy, PacketProtocol, Session, evaluate, parse_address};
use sim_core::id::EniId;
use utoipa::{IntoParams, ToSchema};

/// What the operation can refuse.
pub const REFUSALS: Refusals =
    &[("evaluate_session", &[E::InvalidParameter, E::MissingParameter, E::AddressMalformed, E::EniNotFound])];

/// The operation on sessions.
pub fn router() -> Operations {
    Operations::new().routes(routes!(evaluate_session))
}

/// A new session of an interface.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SessionQuery {
    /// ingress: towards the interface; egress: from it.
    #[param(inline)]
    direction: DirectionBody,
    /// tcp, udp, icmp, icmpv6, gre, or the number of a protocol.
    #[param(example = "tcp")]
    protocol: String,
    /// The other side's address.
    #[param(example = "10.0.1.60")]
    peer_address: String,
    /// The interface's address: its first one of the peer's family if absent.
    own_address: Option<String>,
    /// The destination port, for tcp and udp.
    #[param(maximum = 65535, example = 443)]
    port: Option<u16>,
    /// The source port, for tcp and udp; 49152 if absent.
    #[param(maximum = 65535)]
    source_port: Option<u16>,
}

/// What becomes of a session.
#[derive(Serialize, ToSchema)]
pub struct VerdictBody {
    /// Whether it is let through.
    allowed: bool,
    /// What decided: platform, inner_access, rule or default.
    #[schema(example = "rule")]
    decided_by: &'static str,
    /// The group whose members reach each other, if that decided; null if not.
    security_group_id: Option<String>,
    /// The rule, if one decided; null if not.
    security_group_rule_id: Option<String>,
}

/// Ask what the security groups of a network interface make of a new session.
///
/// The platform comes first, then a shared normal group whose members reach each other, then the rules of all groups
/// by priority, drop before accept, and then what the type of the groups does without a rule.
#[utoipa::path(get, path = "/v1/network-interfaces/{network_interface_id}/verdict", tag = "Network interface",
    params(("network_interface_id" = String, Path, description = "The network interface."), SessionQuery),
    responses((status = 200, description = "What becomes of the session.", body = VerdictBody)))]
async fn evaluate_session(
    ctx: Context,
    Path(network_interface_id): Path<String>,
    Query(query): Query<SessionQuery>,
) -> Result<Response, Problem> {
    let session = Session {
        direction: query.direction.into(),
        protocol: PacketProtocol::parse(&query.protocol)?,
        peer: parse_address(&query.peer_address, "peer_address")?,
        own: query.own_address.as_deref().map(|text| parse_address(text, "own_address")).transpose()?,
        port: query.port,
        source_port: query.source_port,
    };
    let eni = id::<EniId>(&network_interface_id)?;
    ctx.show(|w, caller| {
        let eni = w.visible::<Eni>(caller, eni)?;
        let verdict = evaluate(w, eni, session.direction, &session.first_packet(eni)?);
        let (decided_by, group, rule) = match verdict.decided_by {
            DecidedBy::Platform => ("platform", None, None),
            DecidedBy::InnerAccess(group) => ("inner_access", Some(group.to_string()), None),
            DecidedBy::Rule(rule) => ("rule", None, Some(rule.to_string())),
            DecidedBy::Default(_) => ("default", None, None),
        };
        Ok(VerdictBody {
            allowed: verdict.allowed,
            decided_by,
            security_group_id: group,
            security_group_rule_id: rule,
        })
    })
    .await
}
