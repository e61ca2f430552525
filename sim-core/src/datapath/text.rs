//! A trace in words, for those who read it. Programs take the values.

use super::flow::Header;
use super::hop::{Disposition, Ending, Hop, Leg, Place, RuleVerdict, SESSION_LIFETIME};
use super::remedy::Remedy;
use super::request::Request;
use super::trace::Trace;
use crate::access::ZoneId;
use crate::command::Command;
use crate::ecs::group_filter::{DecidedBy, PacketProtocol, Verdict};
use crate::ecs::security_group_rule::{
    Direction, Peer, Policy, PortRange, Protocol, RuleSpec, SecurityGroupRule,
};
use crate::id::{
    AnyId, ForwardingRuleId, ListenerId, LoadBalancerId, NetworkAclId, NetworkAclRuleId, SecurityGroupRuleId,
};
use crate::slb::backend::{NewBackend, Pool};
use crate::slb::forwarding_rule::ForwardingRule;
use crate::slb::listener::{self, WhichListener};
use crate::slb::listener_access::AccessVerdict;
use crate::slb::load_balancer::LoadBalancer;
use crate::slb::serving::ServingPool;
use crate::vpc::network_acl::NetworkAcl;
use crate::vpc::network_acl_rule::NetworkAclRule;
use crate::vpc::next_hop::NextHop;
use crate::world::World;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

/// Makes words of traces: what objects are called, and the world they are in.
pub struct Words<'a> {
    w: &'a World,
    called: &'a dyn Fn(AnyId) -> String,
}

impl<'a> Words<'a> {
    /// Words in which objects are called by their ids.
    pub fn new(w: &'a World) -> Words<'a> {
        Words { w, called: &|id| id.to_string() }
    }

    /// Words in which objects have other names.
    pub fn with_names(w: &'a World, called: &'a dyn Fn(AnyId) -> String) -> Words<'a> {
        Words { w, called }
    }

    fn id(&self, id: impl Into<AnyId>) -> String {
        (self.called)(id.into())
    }

    /// The zones of a load balancer.
    fn zones(&self, id: LoadBalancerId) -> (&ZoneId, &ZoneId) {
        let balancer = self.w.get::<LoadBalancer>(&id).expect("a trace is told in its world");
        (&balancer.master_zone, &balancer.slave_zone)
    }

    /// The whole trace, a line for each step.
    pub fn trace(&self, trace: &Trace) -> String {
        let request = trace.question.request.as_ref().map(Request::words).unwrap_or_default();
        let mut out = format!("{}{request}\n", header(&trace.question.header));
        let mut number = 0;
        for (leg, hops) in [("there", &trace.forward), ("back", &trace.back)] {
            if hops.is_empty() {
                continue;
            }
            out.push_str(leg);
            out.push('\n');
            for hop in hops {
                number += 1;
                let _ = writeln!(out, "  {number:>2}  {}", self.hop(hop));
            }
        }
        out.push_str(&self.ending(&trace.ending));
        out.push('\n');
        out
    }

    /// A step.
    pub fn hop(&self, hop: &Hop) -> String {
        match *hop {
            Hop::Sent { place, header } => {
                format!("{} sends from {}", self.place(place), header.source)
            }
            Hop::Groups { member, direction, verdict } => {
                let Verdict { allowed, decided_by } = verdict;
                let does = if allowed { "let it" } else { "drop it going" };
                let by = self.decided_by(decided_by, direction);
                format!("groups of {} {does} {} by {by}", self.place(member), way(direction))
            }
            Hop::Session { member, direction } => format!(
                "groups of {} let it {} as the answer of a session, which they remember for {} s",
                self.place(member),
                way(direction),
                SESSION_LIFETIME.0 / 1000
            ),
            Hop::NetworkAcl { vswitch, acl, direction, verdict } => format!(
                "{}, the network ACL of {}, {} {} by rule {}",
                self.id(acl),
                self.id(vswitch),
                if verdict.allowed { "lets it" } else { "drops it going" },
                way(direction),
                self.acl_rule(acl, verdict.rule, direction)
            ),
            Hop::Route { vswitch, table, destination, next_hop, .. } => format!(
                "route {destination} of {}, the table of {}, leads {}",
                self.id(table),
                self.id(vswitch),
                self.next_hop(next_hop)
            ),
            Hop::GatewayRoute { gateway, table, destination, next_hop, .. } => format!(
                "route {destination} of {}, the table of {}, leads {}",
                self.id(table),
                self.id(gateway),
                self.next_hop(next_hop)
            ),
            Hop::Answered { ha_vip, eni } => {
                format!("{} is answered by {}, its master", self.id(ha_vip), self.id(eni))
            }
            Hop::Translated { eip, by, header: changed } => {
                let by = by.map(|entry| format!(" by {}", self.id(entry))).unwrap_or_default();
                format!("{} translates it{by} to {}", self.id(eip), header(&changed))
            }
            Hop::StandbyZone { load_balancer } => {
                let (master, slave) = self.zones(load_balancer);
                format!("{} serves from {slave}, since {master} is down", self.id(load_balancer))
            }
            Hop::Masked { instance, header: changed } => {
                format!("the public address of {} makes it {}", self.id(instance), header(&changed))
            }
            Hop::Listener { load_balancer, listener } => {
                format!("{} takes it at {}", self.id(load_balancer), self.id(listener))
            }
            Hop::ListenerAccess { listener, verdict } => {
                let does = if verdict.allowed { "let the client in" } else { "keep the client out" };
                format!("{}, {does}", self.access(listener, verdict))
            }
            Hop::ForwardingRules { listener, rules, verdict } => {
                format!("{} {}", self.id(listener), self.ruled(rules, verdict))
            }
            Hop::Balanced { load_balancer, pool, scheduler, server, header: changed, .. } => {
                let (pool, how) = match pool {
                    ServingPool::Default(_) => ("its default pool".to_owned(), scheduler.text()),
                    ServingPool::Group(group) => (self.id(group), scheduler.text()),
                    ServingPool::Pair(pair) => (self.id(pair), "its role"),
                };
                format!(
                    "{} chooses {} of {pool} by {how} and sends on {}",
                    self.id(load_balancer),
                    self.id(server.id()),
                    header(&changed)
                )
            }
            Hop::Returned { load_balancer, header: changed, .. } => {
                format!("{} takes it back and sends on {}", self.id(load_balancer), header(&changed))
            }
            Hop::Forwarded { instance, eni } => {
                format!("{} forwards it by {}", self.id(instance), self.id(eni))
            }
            Hop::Crossed { router_interface, vpc } => {
                format!("{} carries it to the router of {}", self.id(router_interface), self.id(vpc))
            }
            Hop::RouterRoute { vpc, table, entry: _, destination, next_hop } => {
                let to = next_hop.id().map_or_else(|| next_hop.text().to_owned(), |id| self.id(id));
                let (table, vpc) = (self.id(table), self.id(vpc));
                format!("route {destination} of {table}, the system table of {vpc}, leads to {to}")
            }
            Hop::Peered { peer, vpc } => format!("{} carries it into {}", self.id(peer), self.id(vpc)),
            Hop::Taken { place } => format!("{} takes it", self.place(place)),
        }
    }

    /// How it ends.
    pub fn ending(&self, ending: &Ending) -> String {
        match (ending.disposition, ending.leg) {
            (Disposition::Redirected { .. }, _) => self.disposition(ending.disposition),
            (Disposition::Delivered(place), _) => format!("delivered to {}", self.place(place)),
            (end, Leg::Forward) => format!("refused on the way there: {}", self.disposition(end)),
            (end, Leg::Return) => format!("answer refused on the way back: {}", self.disposition(end)),
        }
    }

    fn disposition(&self, end: Disposition) -> String {
        match end {
            Disposition::Delivered(place) => format!("delivered to {}", self.place(place)),
            Disposition::GroupsDrop { member, direction, decided_by } => {
                let by = self.decided_by(decided_by, direction);
                format!("the groups of {} do not let it {}, by {by}", self.place(member), way(direction))
            }
            Disposition::AclDrop { vswitch, acl, direction, rule } => format!(
                "{}, the network ACL of {}, does not let it {}, by rule {}",
                self.id(acl),
                self.id(vswitch),
                way(direction),
                self.acl_rule(acl, rule, direction)
            ),
            Disposition::NotAttached { eni, status } => {
                format!("{} is {} and works for no instance", self.id(eni), status.text())
            }
            Disposition::InstanceDown { instance, status, .. } => {
                format!("{} is {}", self.id(instance), status.text())
            }
            Disposition::CutOff { eni, outage } => {
                format!("{} is cut off by {}", self.id(eni), self.id(outage))
            }
            Disposition::SourceDestCheck { eni, address } => {
                format!("{} checks addresses and does not hold {address}", self.id(eni))
            }
            Disposition::NoRoute { vswitch, table, address } => {
                let (table, vswitch) = (self.id(table), self.id(vswitch));
                format!("{table}, the table of {vswitch}, has no route to {address}")
            }
            Disposition::NextHopGone { next_hop, .. } => {
                format!("the next hop {} does not exist any more", self.next_hop_name(next_hop))
            }
            Disposition::Loop { at, .. } => {
                format!("routes lead it to {} again, which it has passed", self.id(at))
            }
            Disposition::RouterInterfaceDown { router_interface, status, opposite } => {
                let opposite = opposite.map_or("deleted", |status| status);
                format!("{} is {status}, and its other end {opposite}", self.id(router_interface))
            }
            Disposition::NobodyThere { vpc, address } => {
                format!("nobody in {} holds {address}", self.id(vpc))
            }
            Disposition::HaVipUnanswered { ha_vip, bound: 0 } => {
                format!("{} is bound to nothing, and nobody answers", self.id(ha_vip))
            }
            Disposition::HaVipUnanswered { ha_vip, bound } => {
                format!("nothing works of what {} is bound to, {bound} in all", self.id(ha_vip))
            }
            Disposition::BalancerDown { load_balancer, status } => {
                format!("{} is {status} and forwards nothing", self.id(load_balancer))
            }
            Disposition::ZonesDown { load_balancer, unserved } => {
                let (master, slave) = self.zones(load_balancer);
                let then = match unserved.takeover {
                    Some(at) => format!("{slave} takes over at {at}"),
                    None => format!("{slave} cannot take over"),
                };
                format!("{} serves from {master}, which is down, and {then}", self.id(load_balancer))
            }
            Disposition::NoListener { load_balancer, port: 0 } => {
                format!("{} has listeners for tcp and udp alone", self.id(load_balancer))
            }
            Disposition::NoListener { load_balancer, port } => {
                format!("{} has no listener on port {port}", self.id(load_balancer))
            }
            Disposition::ListenerStopped { listener, status } => {
                format!("{} is {} and forwards nothing", self.id(listener), status.text())
            }
            Disposition::ListenerAccessDrop { listener, verdict } => {
                format!("{}, keep the client out", self.access(listener, verdict))
            }
            Disposition::Redirected { listener, port } => {
                format!("{} answers itself and sends the client to https on port {port}", self.id(listener))
            }
            Disposition::NoHealthyBackend { listener, rule, members } => {
                let whose = match rule {
                    Some(rule) => format!("the group of {}, a rule of {},", self.id(rule), self.id(listener)),
                    None => self.id(listener),
                };
                let of = if members == 1 { "backend" } else { "backends" };
                match members {
                    0 => format!("{whose} has no backend"),
                    _ => format!("{whose} has {members} {of}, and none has a weight and is healthy"),
                }
            }
            Disposition::BackendCallsItself { listener, eni } => {
                format!("{} calls {} and would be called by itself", self.id(eni), self.id(listener))
            }
            Disposition::NotServed { resident, serves } => {
                format!("{} serves tcp port {serves} alone", self.id(resident))
            }
            Disposition::NoPublicPath { vpc, address } => {
                format!("{} has no way to the internet for {address}", self.id(vpc))
            }
            Disposition::EgressOnly { rule, address } => {
                format!("{} lets sessions of {address} out and none in", self.id(rule))
            }
            Disposition::EipNotBound { eip, status } => {
                format!("{} is {} and leads nowhere", self.id(eip), status.text())
            }
            Disposition::PublicAddressWaits { instance } => {
                format!("the public address of {} waits for its next start", self.id(instance))
            }
            Disposition::NotForwarded { eip, gateway } => {
                format!("{} has no DNAT entry in force of {} for it", self.id(gateway), self.id(eip))
            }
            Disposition::NoPublicAddress { address } => format!("nobody has the public address {address}"),
            Disposition::PrivateFromOutside { address } => {
                format!("the internet does not carry packets to {address}")
            }
            Disposition::AnswerAstray { place } => {
                format!("it went to {} instead of the sender", self.place(place))
            }
            Disposition::AnswerForeign { address, port } => {
                let from = match port {
                    0 => address.to_string(),
                    _ => SocketAddr::new(address, port).to_string(),
                };
                format!("it comes from {from}, where the sender sent nothing")
            }
        }
    }

    /// The lists of a listener that judge, and the one that names the client, if one does.
    fn access(&self, listener: ListenerId, verdict: AccessVerdict) -> String {
        let named = match verdict.named_by {
            Some(acl) => format!("of which {} names it", self.id(acl)),
            None => "of which none names it".to_owned(),
        };
        format!("the {} lists of {}, {named}", verdict.kind.text(), self.id(listener))
    }

    /// What a listener does with its forwarding rules.
    fn ruled(&self, rules: usize, verdict: Option<RuleVerdict>) -> String {
        let number = if rules == 1 { "rule".to_owned() } else { format!("{rules} rules") };
        let Some(RuleVerdict { nearest, taken_by }) = verdict else {
            return format!("does not ask its {number}, since there is no request to ask them with");
        };
        let row = |id: Option<ForwardingRuleId>| id.and_then(|id| self.w.get::<ForwardingRule>(&id));
        let domain = |rule: &ForwardingRule| match rule.domain.as_str() {
            "" => "any host".to_owned(),
            domain => domain.to_owned(),
        };
        match (row(nearest), row(taken_by)) {
            (_, Some(rule)) => {
                let url = match rule.url.as_str() {
                    "" => "it takes the paths that no URL fits".to_owned(),
                    url => format!("{url} is the longest URL that fits"),
                };
                let (by, domain) = (self.id(rule.id), domain(rule));
                format!(
                    "asks its {number}: {by} takes the request; {domain} is the nearest domain, and {url}"
                )
            }
            (Some(rule), None) => {
                let domain = domain(rule);
                format!("asks its {number}: {domain} is the nearest domain, and none of its URLs fits")
            }
            (None, None) => format!("asks its {number}: none is for the host"),
        }
    }

    fn place(&self, place: Place) -> String {
        match place {
            Place::Interface(id) => self.id(id),
            Place::Behind(id) => format!("what lies behind {}", self.id(id)),
            Place::Resident(id) => self.id(id),
            Place::CloudService => "a cloud service".to_owned(),
            Place::Internet => "the internet".to_owned(),
        }
    }

    fn decided_by(&self, decided_by: DecidedBy, direction: Direction) -> String {
        match decided_by {
            DecidedBy::Platform => "the platform".to_owned(),
            DecidedBy::InnerAccess(group) => {
                format!("{}, whose members reach each other", self.id(group))
            }
            DecidedBy::Default(kind) => format!("the default of {} groups", kind.text()),
            DecidedBy::Rule(id) => self.rule(id, direction),
        }
    }

    fn rule(&self, id: SecurityGroupRuleId, direction: Direction) -> String {
        match self.w.get::<SecurityGroupRule>(&id) {
            Some(rule) => {
                format!("{} of {}: {}", self.id(id), self.id(rule.group), self.spec(&rule.spec, direction))
            }
            None => self.id(id),
        }
    }

    /// A rule of a network ACL by its number in the list, from 1, or what it is for if it is the provider's.
    fn acl_rule(&self, acl: NetworkAclId, id: NetworkAclRuleId, direction: Direction) -> String {
        let Some(row) = self.w.get::<NetworkAcl>(&acl) else { return self.id(id) };
        let custom = row.custom(direction).iter().zip(1..).find(|(rule, _)| rule.id(acl) == id);
        match custom {
            Some((rule, number)) => {
                let NetworkAclRule { policy, protocol, block, ports, .. } = rule;
                format!("{number}: {}", rule_words(*policy, *protocol, *ports, block.to_string(), direction))
            }
            None => self.id(id),
        }
    }

    fn spec(&self, spec: &RuleSpec, direction: Direction) -> String {
        let peer = match spec.peer {
            Peer::Block(block) => block.to_string(),
            Peer::Group(group) => self.id(group),
            Peer::List(list) => self.id(list),
        };
        let what = rule_words(spec.policy, spec.protocol, spec.ports, peer, direction);
        format!("{what}, priority {}", spec.priority)
    }

    fn next_hop(&self, next_hop: NextHop) -> String {
        match next_hop {
            NextHop::Local => "into the VPC".to_owned(),
            _ => {
                format!("to {}", self.next_hop_name(next_hop))
            }
        }
    }

    fn next_hop_name(&self, next_hop: NextHop) -> String {
        next_hop.id().map_or_else(|| next_hop.text().to_owned(), |id| self.id(id))
    }

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
                crate::ecs::authorize::WhichRules::Ids(_, ids) => {
                    let ids: Vec<String> = ids.iter().map(|&id| self.id(id)).collect();
                    format!("without rule {} of {}", ids.join(", "), self.id(c.group))
                }
                crate::ecs::authorize::WhichRules::Same(..) => {
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

/// A rule as `accept tcp 80/80 from 10.0.0.0/8`.
fn rule_words(
    policy: Policy,
    protocol: Protocol,
    ports: Option<PortRange>,
    peer: String,
    direction: Direction,
) -> String {
    let ports = ports.map_or(String::new(), |p| format!(" {}/{}", p.first, p.last));
    let side = match direction {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    };
    format!("{} {}{ports} {side} {peer}", policy.word(), protocol.word())
}

fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "in",
        Direction::Egress => "out",
    }
}

/// A header as `tcp 10.0.1.10:49152 -> 10.0.2.9:80`.
pub fn header(header: &Header) -> String {
    let side = |address: IpAddr, port: u16| match (header.protocol.has_ports(), address) {
        (false, _) => address.to_string(),
        (true, IpAddr::V4(_)) => format!("{address}:{port}"),
        (true, IpAddr::V6(_)) => format!("[{address}]:{port}"),
    };
    format!(
        "{} {} -> {}",
        protocol_word(header.protocol),
        side(header.source, header.source_port),
        side(header.destination, header.port)
    )
}

/// A protocol's name, or its number.
pub fn protocol_word(protocol: PacketProtocol) -> String {
    match protocol {
        PacketProtocol::Tcp => "tcp".to_owned(),
        PacketProtocol::Udp => "udp".to_owned(),
        PacketProtocol::Icmp => "icmp".to_owned(),
        PacketProtocol::Icmpv6 => "icmpv6".to_owned(),
        PacketProtocol::Gre => "gre".to_owned(),
        PacketProtocol::Other(number) => number.to_string(),
    }
}
