//! What a load balancer does with a packet and its answer.
//!
//! The load balancer is active and one of its zones serves, a listener runs on the port, its access control lets the client
//! in, its forwarding rules say which pool serves a request, and of the members of that one takes the connection. A TCP or
//! UDP listener keeps the client's address, one of HTTP or HTTPS connects from 100.64.0.0/10 (provider documentation: CLB,
//! real client addresses), as does one whose client comes by IPv6, since backends have IPv4. What comes to a backend is
//! judged neither by its security groups (100.64.0.0/10 needs no rule, and the nodes of managed clusters take what layer 4
//! brings without one) nor by network ACLs (network ACL, 2026: traffic of CLB is not filtered). The answer goes back to the
//! load balancer, whatever the routes of the backend are, and from there to the client as from any other in the load
//! balancer's vSwitch, or to the internet.

use super::flow::Header;
use super::hop::{Disposition, Hop, Leg, Place, RuleVerdict};
use super::request::Request;
use super::sink::Sink;
use super::trace::{Step, Walk};
use super::{internet, member, routing};
use crate::ecs::eni::Eni;
use crate::ecs::group_filter::{DecidedBy, PacketProtocol, Verdict};
use crate::ecs::security_group_rule::Direction;
use crate::id::{EniId, ListenerId, LoadBalancerId};
use crate::slb::backend;
use crate::slb::forwarding_rule;
use crate::slb::listener::{self, Listener};
use crate::slb::load_balancer::LoadBalancer;
use crate::slb::member::{Connection, Served, first_choice};
use crate::slb::serving::{self, Serving};
use crate::slb::zones;
use std::net::{IpAddr, Ipv4Addr};

/// The address from which a load balancer connects where it does not keep the client's. The provider has many in
/// 100.64.0.0/10 and publishes none; nothing tells them apart.
const OWN_ADDRESS: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);

/// What a load balancer knows of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct BalancerSession {
    balancer: LoadBalancerId,
    listener: ListenerId,
    /// The interface of the backend.
    backend: EniId,
    /// The header with which the client came.
    client: Header,
}

/// A packet comes to the address of a load balancer.
pub(super) fn take<S: Sink>(walk: &mut Walk<'_, S>, balancer: &LoadBalancer, header: &Header) -> Step<Place> {
    let (w, load_balancer) = (walk.w, balancer.id);
    if !balancer.forwards() {
        return Err(Disposition::BalancerDown { load_balancer, status: balancer.status() });
    }
    match zones::serving(w, balancer) {
        Ok(zone) if *zone == balancer.master_zone => {}
        Ok(_) => walk.step(|| Hop::StandbyZone { load_balancer }),
        Err(unserved) => return Err(Disposition::ZonesDown { load_balancer, unserved }),
    }
    let udp = match header.protocol {
        PacketProtocol::Tcp => Some(false),
        PacketProtocol::Udp => Some(true),
        _ => None,
    };
    let found = udp.and_then(|udp| listener::at(w, load_balancer, header.port, udp));
    let listener = found.ok_or(Disposition::NoListener { load_balancer, port: header.port })?;
    let id = listener.id;
    if !listener.status.forwards() {
        return Err(Disposition::ListenerStopped { listener: id, status: listener.status });
    }
    walk.step(|| Hop::Listener { load_balancer, listener: id });
    if let Some(access) = listener.access.as_ref().filter(|access| access.on) {
        let verdict = access.judge(w, header.source);
        walk.step(|| Hop::ListenerAccess { listener: id, verdict });
        if !verdict.allowed {
            return Err(Disposition::ListenerAccessDrop { listener: id, verdict });
        }
    }
    if let Some(port) = listener.redirect {
        return Err(Disposition::Redirected { listener: id, port });
    }
    // Without a request the listener's own pool serves, as for one that no forwarding rule takes.
    let serving = serving::of(w, listener, walk.request().map(Request::asked));
    ask_rules(walk, listener, serving.as_ref());
    match serving {
        Some(serving) => forward(walk, balancer, listener, &serving, header),
        None => Err(Disposition::NoHealthyBackend { listener: id, rule: None, members: 0 }),
    }
}

/// Tells what the forwarding rules of a listener made of a request, if it has any.
fn ask_rules<S: Sink>(walk: &mut Walk<'_, S>, listener: &Listener, serving: Option<&Serving<'_>>) {
    let (w, id) = (walk.w, listener.id);
    let rules = if listener.protocol.is_http() { forwarding_rule::of(w, id).count() } else { 0 };
    if rules == 0 {
        return;
    }
    let verdict = walk.request().map(|_| RuleVerdict {
        nearest: serving.and_then(|serving| serving.nearest).map(|rule| rule.id),
        taken_by: serving.and_then(|serving| serving.rule).map(|rule| rule.id),
    });
    walk.step(|| Hop::ForwardingRules { listener: id, rules, verdict });
}

/// The listener chooses a member and sends the packet on to it.
fn forward<S: Sink>(
    walk: &mut Walk<'_, S>,
    balancer: &LoadBalancer,
    listener: &Listener,
    serving: &Serving<'_>,
    header: &Header,
) -> Step<Place> {
    let (w, id) = (walk.w, listener.id);
    let client = (header.source, header.source_port);
    let connection = Connection { client, asked: (header.destination, header.port) };
    let Some(Served { backend, port, .. }) = first_choice(w, listener, serving, &connection) else {
        let (rule, members) = (serving.rule.map(|rule| rule.id), serving.members().count());
        return Err(Disposition::NoHealthyBackend { listener: id, rule, members });
    };
    let eni = backend::interface(w, backend.server).and_then(|id| w.get::<Eni>(&id));
    let eni = eni.expect("a member leaves its pools before its server goes");
    let keeps = !listener.protocol.is_http() && header.source.is_ipv4();
    if keeps && is_sender(walk, eni) {
        return Err(Disposition::BackendCallsItself { listener: id, eni: eni.id });
    }
    let address = backend.address.unwrap_or(eni.primary_ip);
    let source = if keeps { header.source } else { OWN_ADDRESS.into() };
    let sent = Header { source, destination: address.into(), port, ..*header };
    walk.pass_on(sent, |header| Hop::Balanced {
        load_balancer: balancer.id,
        listener: id,
        pool: serving.pool,
        scheduler: serving.scheduler,
        server: backend.server,
        header,
    });
    if !eni.holds(IpAddr::V4(address)) {
        return Err(Disposition::NobodyThere { vpc: eni.vpc, address: address.into() });
    }
    walk.balanced =
        Some(BalancerSession { balancer: balancer.id, listener: id, backend: eni.id, client: *header });
    arrive(walk, eni.id)
}

/// Whether the packet was sent by the instance of an interface.
fn is_sender<S>(walk: &Walk<'_, S>, eni: &Eni) -> bool {
    let (Place::Interface(id) | Place::Behind(id)) = walk.sender else { return false };
    let sender = walk.w.get::<Eni>(&id).and_then(|sender| sender.instance);
    id == eni.id || (sender.is_some() && sender == eni.instance)
}

/// A backend takes what its load balancer brings.
fn arrive<S: Sink>(walk: &mut Walk<'_, S>, eni: EniId) -> Step<Place> {
    let (member, direction) = (Place::Interface(eni), Direction::Ingress);
    let verdict = Verdict { allowed: true, decided_by: DecidedBy::Platform };
    walk.step(|| Hop::Groups { member, direction, verdict });
    let host = walk.met.host(walk.w, eni).expect("the listener found it in this world");
    member::check_up(walk, &host)?;
    Ok(routing::taken(walk, member))
}

/// The session to which an answer of a backend belongs, if a load balancer brought the packet.
pub(super) fn session<S>(walk: &Walk<'_, S>, from: Place) -> Option<BalancerSession> {
    let backend = |session: &BalancerSession| from == Place::Interface(session.backend);
    walk.balanced.filter(|session| walk.leg == Leg::Return && backend(session))
}

/// The answer of a backend goes back by the load balancer.
pub(super) fn back<S: Sink>(walk: &mut Walk<'_, S>, session: BalancerSession) -> Step<Place> {
    let w = walk.w;
    let balancer = w.get::<LoadBalancer>(&session.balancer).expect("it brought the packet in this world");
    let (load_balancer, listener) = (session.balancer, session.listener);
    let header = session.client.reply();
    walk.pass_on(header, |header| Hop::Returned { load_balancer, listener, header });
    match balancer.home {
        Some(home) => routing::from_balancer(walk, load_balancer, home, &header),
        None => internet::to_public(walk, &header),
    }
}
