//! The single changes to a load balancer that may lift what ends a trace there.

use super::remedy::TRIED;
use crate::cidr::Cidr;
use crate::command::Command;
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::ecs::instance_life::{BatchRule, StartInstances};
use crate::ecs::outage::{self, EndOutage};
use crate::ecs::service_port::{self, ClearServicePort};
use crate::id::{ForwardingRuleId, ListenerId, LoadBalancerId};
use crate::slb::acl::{AccessControlList, AclEntry, AclKind, ModifyAccessControlList};
use crate::slb::backend::{self, Member, NewBackend, Pool, Server, SetBackends};
use crate::slb::forwarding_rule::DeleteForwardingRules;
use crate::slb::listener::{Listener, ListenerStatus, ModifyListener, StartListener, WhichListener};
use crate::slb::listener_access::AccessSettings;
use crate::slb::load_balancer::LoadBalancer;
use crate::slb::load_balancer_change::{LockLoadBalancer, ModifyLoadBalancer};
use crate::slb::member::Served;
use crate::slb::serving::{self, Serving};
use crate::slb::zones::Unserved;
use crate::world::World;
use std::net::IpAddr;

/// Taking a lock off, or letting the listeners forward.
pub(super) fn activated(w: &World, load_balancer: LoadBalancerId) -> Vec<Command> {
    let Some(balancer) = w.get::<LoadBalancer>(&load_balancer) else { return Vec::new() };
    if balancer.locked {
        return vec![LockLoadBalancer { load_balancer, locked: false }.into()];
    }
    let (name, delete_protection, modification_protection) = (None, None, None);
    let active = Some(true);
    vec![
        ModifyLoadBalancer { load_balancer, name, active, delete_protection, modification_protection }.into(),
    ]
}

/// An end of the outage of the master zone, or of those of the slave zone, which takes over then.
pub(super) fn powered(w: &World, load_balancer: LoadBalancerId, unserved: Unserved) -> Vec<Command> {
    let Some(balancer) = w.get::<LoadBalancer>(&load_balancer) else { return Vec::new() };
    let of_slave = outage::of_zone(w, &balancer.owner, &balancer.slave_zone).map(|outage| outage.id);
    let of_slave = of_slave.filter(|id| *id != unserved.outage);
    [unserved.outage].into_iter().chain(of_slave).map(|outage| EndOutage { outage }.into()).collect()
}

fn which(l: &Listener) -> WhichListener {
    WhichListener { load_balancer: l.load_balancer, port: l.port, protocol: Some(l.protocol) }
}

/// Starting the listener.
pub(super) fn started(w: &World, listener: ListenerId) -> Vec<Command> {
    let stopped = w.get::<Listener>(&listener).filter(|l| l.status == ListenerStatus::Stopped);
    stopped.map(|l| StartListener { listener: which(l) }.into()).into_iter().collect()
}

/// An entry for the client in a white list, or none of a black list that names it; or no access control.
pub(super) fn admitted(w: &World, listener: ListenerId, client: IpAddr) -> Vec<Command> {
    let Some(l) = w.get::<Listener>(&listener) else { return Vec::new() };
    let Some(access) = &l.access else { return Vec::new() };
    let lists = access.acls.iter().filter_map(|id| w.get::<AccessControlList>(id));
    let change = |acl: &AccessControlList| match (access.kind, acl.names(client)) {
        (AclKind::White, _) => {
            let entry = AclEntry { block: Cidr::host(client), comment: Default::default() };
            Some(ModifyAccessControlList { acl: acl.id, name: None, add: vec![entry], remove: Vec::new() })
        }
        (AclKind::Black, Some(block)) => {
            Some(ModifyAccessControlList { acl: acl.id, name: None, add: Vec::new(), remove: vec![block] })
        }
        (AclKind::Black, None) => None,
    };
    let off = ModifyListener {
        load_balancer: l.load_balancer,
        port: l.port,
        protocol: l.protocol,
        description: None,
        group: None,
        pair: None,
        same_kind: false,
        access: AccessSettings { on: Some(false), ..AccessSettings::default() },
        settings: Box::default(),
    };
    lists.filter_map(change).take(1).map(Command::from).chain([off.into()]).collect()
}

/// What makes one of the members healthy or gives it a weight: its instance started, an outage ended, its port as a port is
/// that nothing was told of. The members are those of a forwarding rule if one took the request; without it another rule or the
/// listener's own pool serves.
pub(super) fn made_to_serve(w: &World, listener: ListenerId, rule: Option<ForwardingRuleId>) -> Vec<Command> {
    let Some(l) = w.get::<Listener>(&listener) else { return Vec::new() };
    let mut changes: Vec<Command> = Vec::new();
    let all = serving::all(w, l);
    let Some(serving) = all.iter().find(|serving| serving.rule.map(|rule| rule.id) == rule) else {
        return changes;
    };
    for served in serving.members().take(TRIED) {
        changes.extend(serving.pool.changeable().and_then(|pool| weighed(pool, served)));
        changes.extend(mended(w, serving, served));
    }
    changes.extend(rule.map(|rule| DeleteForwardingRules { rules: vec![rule] }.into()));
    changes
}

fn weighed(pool: Pool, served: Served<'_>) -> Option<Command> {
    let backend = served.backend;
    let member = Member { server: backend.server, address: backend.address, port: backend.port };
    let backends = vec![NewBackend { member, weight: Some(100), description: None }];
    (backend.weight == 0).then(|| SetBackends { pool, name: None, backends }.into())
}

fn mended(w: &World, serving: &Serving<'_>, served: Served<'_>) -> Vec<Command> {
    let mut changes: Vec<Command> = Vec::new();
    let server = backend::serving(w, served.backend.server, served.backend.address);
    let Some((eni, _)) = server else { return changes };
    let instance = match served.backend.server {
        Server::Instance(id) => Some(id),
        Server::Eni(_) => eni.instance,
    };
    let Some(instance) = instance.and_then(|id| w.get::<Instance>(&id)) else { return changes };
    if instance.status == InstanceStatus::Stopped {
        let rule = BatchRule::AllTogether;
        changes.push(StartInstances { instances: vec![instance.id], rule }.into());
    }
    if let Some(outage) = outage::of_interface(w, eni) {
        changes.push(EndOutage { outage }.into());
    }
    let (protocol, port) = serving.health_check.asks(served.port);
    if service_port::of_instance(w, instance.id).any(|told| (told.protocol, told.port) == (protocol, port)) {
        changes.push(ClearServicePort { instance: instance.id, protocol, port }.into());
    }
    changes
}
