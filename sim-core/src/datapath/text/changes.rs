//! What would let a packet through, in words.

use super::{Words, rule_words};
use crate::command::Command;
use crate::datapath::remedy::Remedy;
use crate::ecs::authorize::WhichRules;
use crate::ecs::security_group_rule::Direction;
use crate::id::{AnyId, Id, NatGatewayId};
use crate::slb::backend::{NewBackend, Pool};
use crate::slb::listener::{self, WhichListener};
use crate::vpc::ipv6_bandwidth::AddressRef;
use std::fmt::Write;

impl Words<'_> {
    /// What would let the packet through, a line for each change.
    pub fn remedy(&self, remedy: Option<&Remedy>) -> String {
        match remedy {
            None => "no change is known that would let it through\n".to_owned(),
            Some(Remedy { changes }) if changes.is_empty() => {
                "it would pass once what is in transition has settled\n".to_owned()
            }
            Some(Remedy { changes }) => {
                let mut out = "it would pass with\n".to_owned();
                for change in changes {
                    let _ = writeln!(out, "  {}", self.change(change));
                }
                out
            }
        }
    }

    /// A change of a remedy.
    pub fn change(&self, change: &Command) -> String {
        match change {
            Command::AuthorizeRules(c) => {
                let rules: Vec<String> = c.rules.iter().map(|r| self.spec(&r.spec, c.direction)).collect();
                format!("in {} a rule {}: {}", self.id(c.group), c.direction.word(), rules.join("; "))
            }
            Command::RevokeRules(c) => match &c.rules {
                WhichRules::Ids(_, ids) => {
                    let ids: Vec<String> = ids.iter().map(|&id| self.id(id)).collect();
                    format!("without rule {} of {}", ids.join(", "), self.id(c.group))
                }
                WhichRules::Same(..) => {
                    format!("with fewer rules of {}", self.id(c.group))
                }
            },
            Command::UpdateNetworkAclRules(c) => {
                let sides = [(Direction::Ingress, &c.ingress), (Direction::Egress, &c.egress)];
                let rules =
                    sides.iter().flat_map(|(way, rules)| rules.iter().flatten().map(move |r| (*way, r)));
                // Those that the ACL has already have ids.
                let added = rules.filter(|(_, rule)| rule.id.is_none()).map(|(way, r)| {
                    let words = rule_words(r.policy, r.protocol, r.ports, r.block.to_string(), way);
                    format!("a rule {}, before what drops it: {words}", way.word())
                });
                format!("in {} {}", self.id(c.acl), added.collect::<Vec<_>>().join("; "))
            }
            Command::UnassociateNetworkAcl(c) => {
                let ids: Vec<String> = c.vswitches.iter().map(|&id| self.id(id)).collect();
                format!("{} without {}", ids.join(", "), self.id(c.acl))
            }
            Command::AttachEni(c) => format!("{} attached to {}", self.id(c.eni), self.id(c.instance)),
            Command::StartInstances(c) => {
                let ids: Vec<String> = c.instances.iter().map(|&id| self.id(id)).collect();
                format!("{} started", ids.join(", "))
            }
            Command::RebootInstances(c) => {
                let ids: Vec<String> = c.instances.iter().map(|&id| self.id(id)).collect();
                format!("{} restarted", ids.join(", "))
            }
            Command::AssociateEip(c) => {
                let target = c.target.parse::<AnyId>();
                let target = target.map_or_else(|_| c.target.to_string(), |id| self.id(id));
                format!("{} bound to {target}", self.id(c.eip))
            }
            Command::UnassociateEip(c) => format!("{} bound to nothing", self.id(c.eip)),
            Command::CreateSnatEntry(c) => {
                let gateway = self.id(NatGatewayId::from_number(c.table.number()));
                let source = c.block.map(|block| block.to_string()).unwrap_or_default();
                let ips: Vec<String> = c.ips.iter().map(ToString::to_string).collect();
                format!("in {gateway} an SNAT entry for {source} by {}", ips.join(", "))
            }
            Command::AllocateIpv6Bandwidth(c) => match c.address {
                AddressRef::Address(address) => {
                    format!("internet bandwidth of {} Mbit/s for {address}", c.bandwidth)
                }
                AddressRef::Id(_) => format!("internet bandwidth of {} Mbit/s", c.bandwidth),
            },
            Command::ModifySecurityGroup(c) => format!("members of {} reaching each other", self.id(c.group)),
            Command::ModifyEni(c) => format!("the source/destination check of {} off", self.id(c.eni)),
            Command::CreateRouteEntry(c) => {
                let hop = c.entry.next_hop.id.as_deref().unwrap_or_default();
                let named =
                    |text: &str| text.parse::<AnyId>().map_or_else(|_| text.to_owned(), |id| self.id(id));
                format!("a route {} to {} in {}", c.entry.destination, named(hop), named(&c.entry.table))
            }
            Command::UpdateGatewayRouteEntry(c) => {
                format!("route {} of {} led into the VPC", c.destination, self.id(c.route_table))
            }
            Command::DeleteRouteEntry(c) => {
                let id = c.entry.entry.as_deref().unwrap_or_default();
                format!(
                    "without route {}",
                    id.parse::<AnyId>().map_or_else(|_| id.to_owned(), |id| self.id(id))
                )
            }
            Command::ActivateRouterInterface(c) => format!("{} activated", self.id(c.router_interface)),
            Command::DeleteIpv6EgressRule(c) => format!("without {}", self.id(c.rule)),
            other => self.balancer_change(other).unwrap_or_else(|| other.name().to_owned()),
        }
    }

    /// A change to a load balancer or to what stands behind it.
    fn balancer_change(&self, change: &Command) -> Option<String> {
        Some(match change {
            Command::LockLoadBalancer(c) => format!("the lock of {} taken off", self.id(c.load_balancer)),
            Command::ModifyLoadBalancer(c) => format!("{} active", self.id(c.load_balancer)),
            Command::StartListener(c) => format!("{} started", self.listener(&c.listener)),
            Command::ModifyListener(c) => {
                let (load_balancer, port, protocol) = (c.load_balancer, c.port, Some(c.protocol));
                let which = WhichListener { load_balancer, port, protocol };
                format!("the access control of {} off", self.listener(&which))
            }
            Command::ModifyAccessControlList(c) => {
                let added = c.add.iter().map(|entry| format!("with {}", entry.block));
                let removed = c.remove.iter().map(|block| format!("without {block}"));
                format!("{} {}", self.id(c.acl), added.chain(removed).collect::<Vec<_>>().join(", "))
            }
            Command::SetBackends(c) => {
                let pool = match c.pool {
                    Pool::Default(id) => format!("the default pool of {}", self.id(id)),
                    Pool::Group(id) => self.id(id),
                };
                let weight = |new: &NewBackend| {
                    let weight = new.weight.unwrap_or_default();
                    format!("the weight {weight} for {}", self.id(new.member.server.id()))
                };
                let weights: Vec<String> = c.backends.iter().map(weight).collect();
                format!("{} in {pool}", weights.join(", "))
            }
            Command::ClearServicePort(c) => {
                let (port, protocol) = (c.port, c.protocol.word());
                format!("{port}/{protocol} of {} answering as if nothing was told of it", self.id(c.instance))
            }
            Command::DeleteForwardingRules(c) => {
                let rules: Vec<String> = c.rules.iter().map(|&id| self.id(id)).collect();
                format!("without forwarding rule {}", rules.join(", "))
            }
            Command::EndOutage(c) => format!("{} ended", self.id(c.outage)),
            _ => return None,
        })
    }

    fn listener(&self, which: &WhichListener) -> String {
        let udp = which.protocol.is_some_and(|protocol| protocol.is_udp());
        match listener::at(self.w, which.load_balancer, which.port, udp) {
            Some(listener) => self.id(listener.id),
            None => format!("port {} of {}", which.port, self.id(which.load_balancer)),
        }
    }
}
