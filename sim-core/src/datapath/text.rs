//! A trace in words, for those who read it. Programs take the values.

mod changes;
mod internet;

use super::flow::{Header, Question};
use super::hop::{Disposition, Ending, Hop, Leg, Place, RuleVerdict, SESSION_LIFETIME};
use super::port::ToldPort;
use super::request::Request;
use super::trace::Trace;
use crate::access::ZoneId;
use crate::cidr::Cidr;
use crate::ecs::group_filter::{DecidedBy, PacketProtocol, Verdict};
use crate::ecs::security_group_rule::{
    Direction, Peer, Policy, PortRange, Protocol, RuleSpec, SecurityGroupRule,
};
use crate::ecs::service_port::{Behaviour, PortProtocol};
use crate::id::{
    AnyId, ForwardingRuleId, ListenerId, LoadBalancerId, NetworkAclId, NetworkAclRuleId, RouteTableId,
    SecurityGroupRuleId,
};
use crate::slb::forwarding_rule::ForwardingRule;
use crate::slb::listener_access::AccessVerdict;
use crate::slb::load_balancer::LoadBalancer;
use crate::slb::serving::ServingPool;
use crate::time::Span;
use crate::vpc::network_acl::NetworkAcl;
use crate::vpc::network_acl_rule::NetworkAclRule;
use crate::vpc::next_hop::NextHop;
use crate::world::World;
use std::fmt::{self, Write};
use std::net::{IpAddr, SocketAddr};

impl Trace {
    /// The steps of each leg, and what it is called for those who read it.
    pub fn legs(&self) -> [(Leg, &'static str, &[Hop]); 2] {
        [(Leg::Forward, "there", &self.forward), (Leg::Return, "back", &self.back)]
    }
}

/// A step in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Who or what acts.
    pub who: String,
    /// What it is, or what is known of it, where its name does not say so.
    pub being: Option<String>,
    /// What it does, and by what.
    pub does: String,
}

impl Said {
    fn new(who: String, does: String) -> Said {
        Said { who, being: None, does }
    }

    fn being(self, being: String) -> Said {
        Said { being: Some(being), ..self }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Said { who, being, does } = self;
        match being {
            Some(being) => write!(f, "{who}, {being}, {does}"),
            None => write!(f, "{who} {does}"),
        }
    }
}

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

    /// What was asked: the first packet, and what it asks for.
    pub fn question(&self, question: &Question) -> String {
        let request = question.request.as_ref().map(Request::words).unwrap_or_default();
        header(&question.header) + &request
    }

    /// The whole trace, a line for each step.
    pub fn trace(&self, trace: &Trace) -> String {
        let mut out = self.question(&trace.question) + "\n";
        let mut number = 0;
        for (_, leg, hops) in trace.legs() {
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
        if let Some(told) = trace.told_port(self.w) {
            let _ = writeln!(out, "{}", self.told_port(&told));
        }
        out
    }

    /// A step in a sentence.
    pub fn hop(&self, hop: &Hop) -> String {
        self.said(hop).to_string()
    }

    /// A step: who does what.
    pub fn said(&self, hop: &Hop) -> Said {
        match *hop {
            Hop::Sent { place, header } => {
                Said::new(self.place(place), format!("sends from {}", header.source))
            }
            Hop::Groups { member, direction, verdict } => {
                let Verdict { allowed, decided_by } = verdict;
                let does = if allowed { "let it" } else { "drop it going" };
                let by = self.decided_by(decided_by, direction);
                Said::new(self.groups(member), format!("{does} {} by {by}", way(direction)))
            }
            Hop::Session { member, direction } => {
                let seconds = SESSION_LIFETIME.0 / 1000;
                let known = format!("as the answer of a session, which they remember for {seconds} s");
                Said::new(self.groups(member), format!("let it {} {known}", way(direction)))
            }
            Hop::NetworkAcl { vswitch, acl, direction, verdict } => {
                let does = if verdict.allowed { "lets it" } else { "drops it going" };
                let rule = self.acl_rule(acl, verdict.rule, direction);
                Said::new(self.id(acl), format!("{does} {} by rule {rule}", way(direction)))
                    .being(format!("the network ACL of {}", self.id(vswitch)))
            }
            Hop::Route { vswitch, table, destination, next_hop, gateway, .. } => {
                let here = gateway.map(|gateway| format!(", where {} is", self.id(gateway)));
                self.route(destination, table, format!("leads {}", self.next_hop(next_hop))).being(format!(
                    "the table of {}{}",
                    self.id(vswitch),
                    here.unwrap_or_default()
                ))
            }
            Hop::GatewayRoute { gateway, table, destination, next_hop, .. } => self
                .route(destination, table, format!("leads {}", self.next_hop(next_hop)))
                .being(format!("the table of {}", self.id(gateway))),
            Hop::RouterRoute { vpc, table, destination, next_hop, .. } => self
                .route(destination, table, format!("leads to {}", self.next_hop_name(next_hop)))
                .being(format!("the system table of {}", self.id(vpc))),
            Hop::Answered { ha_vip, eni } => {
                Said::new(self.id(ha_vip), format!("is answered by {}, its master", self.id(eni)))
            }
            Hop::Translated { eip, by, header: changed } => {
                let by = by.map(|entry| format!(" by {}", self.id(entry))).unwrap_or_default();
                Said::new(self.id(eip), format!("translates it{by} to {}", header(&changed)))
            }
            Hop::StandbyZone { load_balancer } => {
                let (master, slave) = self.zones(load_balancer);
                Said::new(self.id(load_balancer), format!("serves from {slave}, since {master} is down"))
            }
            Hop::Masked { instance, header: changed } => {
                let who = format!("the public address of {}", self.id(instance));
                Said::new(who, format!("makes it {}", header(&changed)))
            }
            Hop::Listener { load_balancer, listener } => {
                Said::new(self.id(load_balancer), format!("takes it at {}", self.id(listener)))
            }
            Hop::ListenerAccess { listener, verdict } => {
                let does = if verdict.allowed { "let the client in" } else { "keep the client out" };
                self.access(listener, verdict, does)
            }
            Hop::ForwardingRules { listener, rules, verdict } => {
                Said::new(self.id(listener), self.ruled(rules, verdict))
            }
            Hop::Balanced { load_balancer, pool, scheduler, server, header: changed, .. } => {
                let (pool, how) = match pool {
                    ServingPool::Default(_) => ("its default pool".to_owned(), scheduler.text()),
                    ServingPool::Group(group) => (self.id(group), scheduler.text()),
                    ServingPool::Pair(pair) => (self.id(pair), "its role"),
                };
                let (server, sent) = (self.id(server.id()), header(&changed));
                let does = format!("chooses {server} of {pool} by {how} and sends on {sent}");
                Said::new(self.id(load_balancer), does)
            }
            Hop::Returned { load_balancer, header: changed, .. } => {
                Said::new(self.id(load_balancer), format!("takes it back and sends on {}", header(&changed)))
            }
            Hop::Forwarded { instance, eni } => {
                Said::new(self.id(instance), format!("forwards it by {}", self.id(eni)))
            }
            Hop::Crossed { router_interface, vpc } => {
                Said::new(self.id(router_interface), format!("carries it to the router of {}", self.id(vpc)))
            }
            Hop::Peered { peer, vpc } => {
                Said::new(self.id(peer), format!("carries it into {}", self.id(vpc)))
            }
            Hop::Taken { place } => Said::new(self.place(place), "takes it".to_owned()),
        }
    }

    fn groups(&self, member: Place) -> String {
        format!("groups of {}", self.place(member))
    }

    fn route(&self, destination: Cidr, table: RouteTableId, does: String) -> Said {
        Said::new(format!("route {destination} of {}", self.id(table)), does)
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

    /// An end alone, without the way on which it came.
    pub fn disposition(&self, end: Disposition) -> String {
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
            Disposition::NobodyThere { vpc, address } => self.nobody(vpc, address),
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
                self.access(listener, verdict, "keep the client out").to_string()
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
            Disposition::NoPublicPath { vpc, address, why } => self.no_path(vpc, address, why),
            Disposition::EgressOnly { rule, address } => {
                format!("{} lets sessions of {address} out and none in", self.id(rule))
            }
            Disposition::EipNotBound { eip, status } => {
                format!("{} is {} and leads nowhere", self.id(eip), status.text())
            }
            Disposition::PublicAddressWaits { instance } => {
                format!("the public address of {} waits for its next start", self.id(instance))
            }
            Disposition::NotForwarded { eip, gateway, inert } => self.not_forwarded(eip, gateway, inert),
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

    /// What a port does where a packet was delivered, since somebody told it to.
    pub fn told_port(&self, told: &ToldPort) -> String {
        let ToldPort { instance, protocol, port, behaviour } = *told;
        let does = match (behaviour, protocol) {
            (Behaviour::Refuses, PortProtocol::Tcp) => "refuses connections".to_owned(),
            (Behaviour::Refuses, PortProtocol::Udp) => "answers that it is unreachable".to_owned(),
            (Behaviour::Silent, _) => "drops what comes".to_owned(),
            (Behaviour::Answers { after, status }, protocol) => {
                let after = match after {
                    Span::ZERO => "at once".to_owned(),
                    Span(ms) => format!("after {ms} ms"),
                };
                let http = match protocol {
                    PortProtocol::Tcp => format!(", over HTTP with the status {status}"),
                    PortProtocol::Udp => String::new(),
                };
                format!("answers {after}{http}")
            }
        };
        format!("{port}/{} of {} {does}, as it was told to", protocol.word(), self.id(instance))
    }

    /// The lists of a listener that judge, the one that names the client, if one does, and what they do.
    fn access(&self, listener: ListenerId, verdict: AccessVerdict, do_what: &str) -> Said {
        let named = match verdict.named_by {
            Some(acl) => format!("of which {} names it", self.id(acl)),
            None => "of which none names it".to_owned(),
        };
        let who = format!("the {} lists of {}", verdict.kind.text(), self.id(listener));
        Said::new(who, do_what.to_owned()).being(named)
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
