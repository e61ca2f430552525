//! Changes of remedies as requests of the native wire that make them.

use serde::Serialize;
use serde_json::{Value, json};
use sim_core::datapath::text::Words;
use sim_core::ecs::authorize::{AuthorizeRules, WhichRules};
use sim_core::ecs::security_group_rule::{Peer, PortRange};
use sim_core::id::{AnyId, Id, LoadBalancerId, NatGatewayId};
use sim_core::slb::backend::{NewBackend, Pool};
use sim_core::slb::listener;
use sim_core::vpc::ipv6_bandwidth::AddressRef;
use sim_core::vpc::network_acl_rule::RuleInput;
use sim_core::{Command, World};
use utoipa::ToSchema;

/// A change, and the request of this wire that makes it.
#[derive(Clone, Serialize, ToSchema)]
pub struct ChangeBody {
    /// The change in words.
    #[schema(example = "i-bp14fshsqp65fwoc0qls started")]
    text: String,
    /// The method of the request.
    #[schema(example = "POST")]
    method: &'static str,
    /// Its path.
    #[schema(example = "/v1/instances/i-bp14fshsqp65fwoc0qls/start")]
    path: String,
    /// Its body; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    body: Option<Value>,
}

impl ChangeBody {
    /// Shows a change of a remedy.
    pub fn new(w: &World, words: &Words<'_>, change: &Command) -> ChangeBody {
        let resource = balancer_request(w, change).or_else(|| internet_request(change));
        let (method, path, body) = resource.unwrap_or_else(|| request(change));
        ChangeBody { text: words.change(change), method, path, body }
    }
}

/// The request that makes a change to a way to the internet, or to a group; absent for a change to something else.
fn internet_request(change: &Command) -> Option<(&'static str, String, Option<Value>)> {
    Some(match change {
        Command::UnassociateEip(c) => ("DELETE", format!("/v1/eips/{}/binding", c.eip), None),
        Command::CreateSnatEntry(c) => {
            let gateway = NatGatewayId::from_number(c.table.number());
            let ips: Vec<String> = c.ips.iter().map(ToString::to_string).collect();
            let body = json!({"source_cidr": c.block.map(|block| block.to_string()), "snat_ips": ips});
            ("POST", format!("/v1/nat-gateways/{gateway}/snat-entries"), Some(body))
        }
        Command::AllocateIpv6Bandwidth(c) => {
            let AddressRef::Address(address) = c.address else { unreachable!("remedies name addresses") };
            let body = json!({
                "ipv6_gateway_id": c.gateway.to_string(),
                "ipv6_address": address.to_string(),
                "bandwidth": c.bandwidth,
                "internet_charge_type": c.charge.text(),
            });
            ("POST", "/v1/ipv6-bandwidths".to_owned(), Some(body))
        }
        Command::ModifySecurityGroup(c) => {
            let body = json!({"inner_access_policy": "Accept"});
            ("PATCH", format!("/v1/security-groups/{}", c.group), Some(body))
        }
        _ => return None,
    })
}

/// The request that makes a change to a host, an address, a router interface, a load balancer or what stands behind it;
/// absent for a change to something else.
fn balancer_request(w: &World, change: &Command) -> Option<(&'static str, String, Option<Value>)> {
    let listener = |balancer: LoadBalancerId, port: u16, udp: bool| {
        listener::at(w, balancer, port, udp).map(|l| format!("/v1/listeners/{}", l.id))
    };
    Some(match change {
        Command::LockLoadBalancer(c) => {
            let path = format!("/v1/load-balancers/{}/lock", c.load_balancer);
            ("PUT", path, Some(json!({"locked": c.locked})))
        }
        Command::ModifyLoadBalancer(c) => {
            let status = if c.active == Some(false) { "inactive" } else { "active" };
            ("PATCH", format!("/v1/load-balancers/{}", c.load_balancer), Some(json!({"status": status})))
        }
        Command::StartListener(c) => {
            let udp = c.listener.protocol.is_some_and(|protocol| protocol.is_udp());
            let path = listener(c.listener.load_balancer, c.listener.port, udp)?;
            ("POST", format!("{path}/start"), None)
        }
        Command::ModifyListener(c) => {
            let path = listener(c.load_balancer, c.port, c.protocol.is_udp())?;
            ("PATCH", path, Some(json!({"access_control": {"enabled": c.access.on}})))
        }
        Command::ModifyAccessControlList(c) => {
            let add: Vec<Value> =
                c.add.iter().map(|entry| json!({"cidr": entry.block.to_string()})).collect();
            let remove: Vec<String> = c.remove.iter().map(ToString::to_string).collect();
            let body = json!({"add_entries": add, "remove_cidrs": remove});
            ("PATCH", format!("/v1/access-control-lists/{}", c.acl), Some(body))
        }
        Command::SetBackends(c) => {
            let body = json!({"backends": c.backends.iter().map(backend).collect::<Vec<_>>()});
            match c.pool {
                Pool::Default(id) => ("PATCH", format!("/v1/load-balancers/{id}/backends"), Some(body)),
                Pool::Group(id) => ("PATCH", format!("/v1/vserver-groups/{id}"), Some(body)),
            }
        }
        Command::ClearServicePort(c) => {
            let (instance, protocol, port) = (c.instance, c.protocol.word(), c.port);
            ("DELETE", format!("/v1/instances/{instance}/ports/{protocol}/{port}"), None)
        }
        Command::DeleteForwardingRules(c) => {
            let rule = c.rules.first().expect("remedies take one rule away");
            ("DELETE", format!("/v1/forwarding-rules/{rule}"), None)
        }
        Command::AttachEni(c) => {
            let body = json!({"instance_id": c.instance.to_string()});
            ("POST", format!("/v1/network-interfaces/{}/attach", c.eni), Some(body))
        }
        Command::StartInstances(c) => {
            let instance = c.instances.first().expect("remedies start one instance");
            ("POST", format!("/v1/instances/{instance}/start"), None)
        }
        Command::RebootInstances(c) => {
            let instance = c.instances.first().expect("remedies restart one instance");
            ("POST", format!("/v1/instances/{instance}/reboot"), None)
        }
        Command::AssociateEip(c) => {
            let mut body = json!({"target_type": c.kind.text(), "target_id": c.target});
            if let Some(address) = c.private_address {
                body["private_ip_address"] = address.to_string().into();
            }
            ("PUT", format!("/v1/eips/{}/binding", c.eip), Some(body))
        }
        Command::ModifyEni(c) => {
            let body = json!({"source_dest_check": c.source_dest_check});
            ("PATCH", format!("/v1/network-interfaces/{}", c.eni), Some(body))
        }
        Command::DeleteIpv6EgressRule(c) => {
            ("DELETE", format!("/v1/ipv6-egress-only-rules/{}", c.rule), None)
        }
        Command::ActivateRouterInterface(c) => {
            ("POST", format!("/v1/router-interfaces/{}/activate", c.router_interface), None)
        }
        Command::EndOutage(c) => ("DELETE", format!("/v1/outages/{}", c.outage), None),
        _ => return None,
    })
}

fn backend(new: &NewBackend) -> Value {
    let id: AnyId = new.member.server.id();
    let mut body =
        json!({"server_id": id.to_string(), "type": new.member.server.type_text(), "weight": new.weight});
    if let Some(address) = new.member.address {
        body["address"] = address.to_string().into();
    }
    if let Some(port) = new.member.port {
        body["port"] = port.into();
    }
    body
}

/// The request that makes a change.
fn request(change: &Command) -> (&'static str, String, Option<Value>) {
    match change {
        Command::AuthorizeRules(c) => {
            ("POST", format!("/v1/security-groups/{}/rules", c.group), Some(rules(c)))
        }
        Command::RevokeRules(c) => {
            let WhichRules::Ids(_, ids) = &c.rules else { unreachable!("remedies name rules by their ids") };
            let body =
                json!({"security_group_rule_ids": ids.iter().map(ToString::to_string).collect::<Vec<_>>()});
            ("POST", format!("/v1/security-groups/{}/rules/batch-delete", c.group), Some(body))
        }
        Command::UpdateNetworkAclRules(c) => {
            let mut body = json!({});
            for (direction, rules) in [("ingress", &c.ingress), ("egress", &c.egress)] {
                if let Some(rules) = rules {
                    body[direction] = rules.iter().map(acl_rule).collect();
                }
            }
            ("PUT", format!("/v1/network-acls/{}/rules", c.acl), Some(body))
        }
        Command::UnassociateNetworkAcl(c) => {
            let vswitch = c.vswitches.first().expect("remedies take one vSwitch away");
            ("DELETE", format!("/v1/network-acls/{}/associations/{vswitch}", c.acl), None)
        }
        Command::CreateRouteEntry(c) => {
            let body = json!({
                "route_table_id": c.entry.table,
                "destination": c.entry.destination,
                "next_hop_type": c.entry.next_hop.kind,
                "next_hop_id": c.entry.next_hop.id,
            });
            ("POST", "/v1/route-entries".to_owned(), Some(body))
        }
        Command::UpdateGatewayRouteEntry(c) => {
            let body = json!({"destination": c.destination, "next_hop_type": c.next_hop_kind});
            ("PATCH", format!("/v1/route-tables/{}/gateway-entries", c.route_table), Some(body))
        }
        Command::DeleteRouteEntry(c) => {
            let entry = c.entry.entry.as_deref().expect("remedies name entries by their ids");
            ("DELETE", format!("/v1/route-entries/{entry}"), None)
        }
        other => unreachable!("no remedy has a {}", other.name()),
    }
}

fn range(ports: Option<PortRange>) -> String {
    ports.map_or_else(|| "-1/-1".to_owned(), |ports| format!("{}/{}", ports.first, ports.last))
}

/// A rule of a network ACL as its list takes it; one that is there already keeps its id.
fn acl_rule(rule: &RuleInput) -> Value {
    let mut body = json!({
        "policy": rule.policy.word(),
        "protocol": rule.protocol.word(),
        "cidr": rule.block.to_string(),
        "ports": range(rule.ports),
    });
    let id = rule.id.map(|id| id.to_string()).unwrap_or_default();
    let texts =
        [("id", id.as_str()), ("name", rule.name.as_str()), ("description", rule.description.as_str())];
    for (name, text) in texts {
        if !text.is_empty() {
            body[name] = text.into();
        }
    }
    body
}

fn rules(c: &AuthorizeRules) -> Value {
    let rules: Vec<Value> = c
        .rules
        .iter()
        .map(|rule| {
            let Peer::Block(block) = rule.spec.peer else { unreachable!("remedies name addresses") };
            let peer = if block.is_v4() { "peer_cidr" } else { "peer_ipv6_cidr" };
            json!({
                "protocol": rule.spec.protocol.word(),
                "port_range": range(rule.spec.ports),
                "policy": rule.spec.policy.word(),
                "priority": rule.spec.priority,
                peer: block.to_string(),
            })
        })
        .collect();
    json!({"direction": c.direction.word(), "rules": rules})
}
