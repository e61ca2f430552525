//! Changes of remedies to hosts, addresses, router interfaces, egress-only rules, load balancers and what stands behind
//! them, as requests of the native wire.

use serde_json::{Value, json};
use sim_core::id::{AnyId, LoadBalancerId};
use sim_core::slb::backend::{NewBackend, Pool};
use sim_core::slb::listener;
use sim_core::{Command, World};

/// The request that makes a change; absent for a change to something else.
pub fn balancer_request(w: &World, change: &Command) -> Option<(&'static str, String, Option<Value>)> {
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
