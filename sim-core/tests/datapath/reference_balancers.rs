//! What a load balancer does with a packet, as the naive evaluator has it: in a world in which all that was begun has ended
//! long ago, and probes have had their time.

use crate::facts::{addresses, cut_off, within};
use crate::reference::{Follower, Step};
use sim_core::ZoneId;
use sim_core::balancing::scheduler::Scheduler;
use sim_core::datapath::{Header, Place};
use sim_core::ecs::eni::{Eni, EniStatus};
use sim_core::ecs::group_filter::PacketProtocol;
use sim_core::ecs::instance::{Instance, InstanceStatus};
use sim_core::ecs::outage::{Outage, OutageTarget};
use sim_core::ecs::service_port::{Behaviour, PortProtocol, ServicePort};
use sim_core::id::EniId;
use sim_core::slb::acl::{AccessControlList, AclKind};
use sim_core::slb::backend::{Backend, Server};
use sim_core::slb::forwarding_rule::ForwardingRule;
use sim_core::slb::listener::{Listener, ListenerStatus, Protocol};
use sim_core::slb::load_balancer::{Home, LoadBalancer};
use sim_core::slb::master_slave_group::MasterSlaveGroup;
use sim_core::slb::server_group::VServerGroup;
use std::net::IpAddr;

/// The backend that a load balancer chose, the header of the client, and where the load balancer lies.
pub type Balanced = (EniId, Header, Option<Home>);

impl<'w> Follower<'w> {
    /// The load balancer that serves at the destination, in the VPC or on the internet.
    pub fn balancer_at(&self, address: IpAddr, outside: bool) -> Option<&'w LoadBalancer> {
        let here = |b: &&LoadBalancer| match b.home {
            Some(home) => !outside && home.vpc == self.vpc,
            None => outside,
        };
        self.w.table::<LoadBalancer>().iter().find(|b| b.address == address && here(b))
    }

    pub fn balance(&mut self, balancer: &LoadBalancer) -> Step<Place> {
        let h = self.header;
        if balancer.locked || !balancer.active {
            return Err("load_balancer_down");
        }
        // Outages of zones have lasted for a minute.
        let down = |zone| {
            let mut outages = self.w.table::<Outage>().iter();
            outages.any(|o| o.owner == balancer.owner && o.target == OutageTarget::Zone(ZoneId::clone(zone)))
        };
        if down(&balancer.master_zone) && down(&balancer.slave_zone) {
            return Err("load_balancer_zones_down");
        }
        let listeners = self.w.table::<Listener>().iter().filter(|l| l.load_balancer == balancer.id);
        let found = listeners.filter(|l| l.port == h.port).find(|l| match h.protocol {
            PacketProtocol::Tcp => l.protocol != Protocol::Udp,
            PacketProtocol::Udp => l.protocol == Protocol::Udp,
            _ => false,
        });
        let Some(l) = found else { return Err("no_listener") };
        if l.status != ListenerStatus::Running {
            return Err("listener_stopped");
        }
        if !self.admitted(l) {
            return Err("listener_access_drop");
        }
        if l.redirect.is_some() {
            return Err("redirected");
        }
        let ruled = self.rule(l);
        let pool = match ruled.map(|rule| rule.group).or(l.group) {
            Some(group) => &self.w.get::<VServerGroup>(&group).unwrap().backends,
            None => &balancer.backends,
        };
        let serving: Vec<&Backend> = pool.iter().filter(|b| b.weight > 0 && self.healthy(l, b)).collect();
        let heaviest = serving.iter().map(|b| b.weight).max();
        let chosen = match l.rules.scheduler {
            Scheduler::WeightedRoundRobin => serving.iter().find(|b| Some(b.weight) == heaviest),
            _ => serving.first(),
        };
        // Of a pair the first serves if it can, else the second, of whose health nobody asks.
        let pair = l.pair.map(|pair| self.w.get::<MasterSlaveGroup>(&pair).unwrap());
        let of_pair = pair.map(|pair| {
            let primary = pair.primary.as_ref().filter(|b| b.weight > 0 && self.healthy(l, b));
            primary.or(pair.secondary.as_ref().filter(|b| b.weight > 0))
        });
        let Some(backend) = of_pair.unwrap_or(chosen.copied()) else { return Err("no_healthy_backend") };
        let eni = self.interface(backend);
        let keeps = matches!(l.protocol, Protocol::Tcp | Protocol::Udp) && h.source.is_ipv4();
        if let Place::Interface(id) | Place::Behind(id) = self.from {
            let sender = self.w.get::<Eni>(&id).unwrap();
            let same = id == eni.id || (sender.instance.is_some() && sender.instance == eni.instance);
            if keeps && same {
                return Err("backend_calls_itself");
            }
        }
        let address = backend.address.unwrap_or(eni.primary_ip);
        self.balanced = Some((eni.id, h, balancer.home));
        self.header.destination = address.into();
        self.header.port = backend.port.or(l.backend_port).unwrap();
        if !keeps {
            self.header.source = [100, 64, 0, 1].into();
        }
        self.vpc = eni.vpc;
        if !addresses(eni).contains(&address.into()) {
            return Err("nobody_there");
        }
        self.up(eni)?;
        Ok(Place::Interface(eni.id))
    }

    /// The forwarding rule that takes the request: tries the domains that cover the host one after the other, and under the
    /// first that a rule names every beginning of the path, the longest first.
    fn rule(&self, l: &Listener) -> Option<&'w ForwardingRule> {
        let request =
            self.request.as_ref().filter(|_| matches!(l.protocol, Protocol::Http | Protocol::Https))?;
        let host = request.host().split(':').next().unwrap();
        let dots =
            host.match_indices('.').filter(|(at, _)| *at > 0).map(|(at, _)| format!("*{}", &host[at..]));
        for domain in [host.to_owned()].into_iter().chain(dots).chain([String::new()]) {
            let rules = self.w.table::<ForwardingRule>().iter().filter(|rule| rule.listener == l.id);
            let of: Vec<&ForwardingRule> = rules.filter(|rule| rule.domain == domain).collect();
            if !of.is_empty() {
                let path = request.path();
                let ends = (0..=path.len()).rev();
                return ends.filter_map(|end| of.iter().find(|rule| rule.url == path[..end])).next().copied();
            }
        }
        None
    }

    fn admitted(&self, l: &Listener) -> bool {
        let Some(access) = l.access.as_ref().filter(|access| access.on) else { return true };
        let lists = || access.acls.iter().map(|id| self.w.get::<AccessControlList>(id).unwrap());
        let entries = || lists().flat_map(|acl| &acl.entries);
        let listed = entries().any(|entry| within(entry.block, self.header.source));
        match access.kind {
            // As the interface documents it.
            AclKind::White => listed || entries().next().is_none(),
            AclKind::Black => !listed,
        }
    }

    fn interface(&self, backend: &Backend) -> &'w Eni {
        let id = match backend.server {
            Server::Instance(id) => self.w.get::<Instance>(&id).unwrap().primary_eni,
            Server::Eni(id) => id,
        };
        self.w.get(&id).unwrap()
    }

    /// Whether the last probes of a member have succeeded, if there are any.
    fn healthy(&self, l: &Listener, backend: &Backend) -> bool {
        if !l.rules.health_check.on {
            return true;
        }
        let eni = self.interface(backend);
        let instance = eni.instance.and_then(|id| self.w.get::<Instance>(&id));
        let up = eni.status == EniStatus::InUse
            && instance.is_some_and(|instance| instance.status == InstanceStatus::Running)
            && !cut_off(self.w, eni)
            && addresses(eni).contains(&backend.address.unwrap_or(eni.primary_ip).into());
        if l.protocol == Protocol::Udp {
            // Nothing was told of a UDP port, and silence is health.
            return true;
        }
        let port = backend.port.or(l.backend_port).unwrap();
        let told = self.w.table::<ServicePort>().iter().find(|told| {
            Some(told.instance) == eni.instance && (told.protocol, told.port) == (PortProtocol::Tcp, port)
        });
        up && told.is_none_or(|told| matches!(told.behaviour, Behaviour::Answers { .. }))
    }
}
