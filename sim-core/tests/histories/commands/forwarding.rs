//! Random commands on forwarding rules and domain extensions.

use crate::dice::Dice;
use sim_core::Command;
use sim_core::balancing::scheduler::Scheduler;
use sim_core::id::DomainExtensionId;
use sim_core::slb::certificate::ServerCertificate;
use sim_core::slb::domain_extension::{
    CreateDomainExtension, DeleteDomainExtension, DomainExtension, ModifyDomainExtension,
};
use sim_core::slb::forwarding_rule::{
    CreateForwardingRules, DeleteForwardingRules, ForwardingRule, ModifyForwardingRule, NewRule, OwnSettings,
};
use sim_core::slb::health_check::HealthCheckSettings;
use sim_core::slb::listener::{Listener, Protocol, WhichListener};
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::slb::server_group::VServerGroup;
use sim_core::world::World;

fn own(d: &mut Dice<'_>) -> OwnSettings {
    if d.once_in(2) {
        return OwnSettings { as_listener: d.maybe(|_| true), ..OwnSettings::default() };
    }
    OwnSettings {
        as_listener: d.maybe(|d| d.once_in(3)),
        scheduler: d.maybe(|d| d.pick(&[Scheduler::RoundRobin, Scheduler::SourceHash])),
        sticky: d.maybe(|d| d.once_in(3)),
        sticky_insert: d.maybe(|d| d.once_in(2)),
        cookie_timeout: d.maybe(|d| d.pick(&[60, 0])),
        cookie: None,
        health_check: HealthCheckSettings { on: d.maybe(|d| d.once_in(2)), ..HealthCheckSettings::default() },
    }
}

/// A listener, mostly one that may have rules, and a group of its load balancer if there is one.
fn place(d: &mut Dice<'_>) -> (WhichListener, Option<VServerGroup>) {
    let listeners = d.world.table::<Listener>().iter().filter(|l| l.owner.admits(d.caller));
    let fitting: Vec<&Listener> =
        listeners.filter(|l| l.protocol.is_http() && l.redirect.is_none()).collect();
    if fitting.is_empty() || d.once_in(8) {
        let which = match d.own::<Listener>() {
            Some(l) => WhichListener { load_balancer: l.load_balancer, port: l.port, protocol: None },
            None => WhichListener { load_balancer: d.id::<LoadBalancer>(), port: 80, protocol: None },
        };
        return (which, None);
    }
    let l = d.pick(&fitting);
    let which = WhichListener { load_balancer: l.load_balancer, port: l.port, protocol: Some(l.protocol) };
    (which, group_of(d.world, which))
}

fn group_of(w: &World, which: WhichListener) -> Option<VServerGroup> {
    w.table::<VServerGroup>().iter().find(|g| g.load_balancer == which.load_balancer).cloned()
}

pub fn create(d: &mut Dice<'_>) -> Command {
    let (listener, group) = place(d);
    let rule = |d: &mut Dice<'_>| NewRule {
        name: d.pick(&["shop", "cart", "api", ""]).into(),
        domain: d.pick(&["a.test", "*.test", "*.a.test", "A.test", "", "a..test"]).into(),
        url: d.pick(&["", "/a", "/ab", "/"]).into(),
        group: group.as_ref().filter(|_| !d.once_in(8)).map_or_else(|| d.id::<VServerGroup>(), |g| g.id),
        own: own(d),
    };
    CreateForwardingRules { listener, rules: (0..1 + d.roll(2)).map(|_| rule(d)).collect() }.into()
}

pub fn modify(d: &mut Dice<'_>) -> Command {
    let rule = d.own::<ForwardingRule>().map_or_else(|| d.id::<ForwardingRule>(), |rule| rule.id);
    let name = d.maybe(|d| d.pick(&["shop", "cart", "new", "{"]).into());
    let group = if d.once_in(3) { Some(d.id::<VServerGroup>()) } else { None };
    ModifyForwardingRule { rule, name, group, own: own(d) }.into()
}

pub fn delete(d: &mut Dice<'_>) -> Command {
    DeleteForwardingRules { rules: (0..1 + d.roll(2)).map(|_| d.id::<ForwardingRule>()).collect() }.into()
}

pub fn create_extension(d: &mut Dice<'_>) -> Command {
    let listeners = d.world.table::<Listener>().iter().filter(|l| l.owner.admits(d.caller));
    let fitting: Vec<&Listener> = listeners.filter(|l| l.protocol == Protocol::Https).collect();
    let listener = if fitting.is_empty() || d.once_in(8) {
        place(d).0
    } else {
        let l = d.pick(&fitting);
        WhichListener { load_balancer: l.load_balancer, port: l.port, protocol: Some(l.protocol) }
    };
    let domain = d.pick(&["a.test", "*.test", "A.test", "a..test", "b.test", "c.test"]).into();
    let certificate = if d.once_in(8) { None } else { Some(d.id::<ServerCertificate>()) };
    CreateDomainExtension { listener, domain, certificate }.into()
}

fn extension(d: &mut Dice<'_>) -> DomainExtensionId {
    d.own::<DomainExtension>().map_or_else(|| d.id::<DomainExtension>(), |extension| extension.id)
}

pub fn modify_extension(d: &mut Dice<'_>) -> Command {
    let certificate = if d.once_in(8) { None } else { Some(d.id::<ServerCertificate>()) };
    ModifyDomainExtension { extension: extension(d), certificate }.into()
}

pub fn delete_extension(d: &mut Dice<'_>) -> Command {
    DeleteDomainExtension { extension: extension(d) }.into()
}
