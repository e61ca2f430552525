//! Random commands on listeners.

use crate::dice::Dice;
use sim_core::Command;
use sim_core::balancing::scheduler::Scheduler;
use sim_core::slb::acl::{AccessControlList, AclKind};
use sim_core::slb::certificate::{CaCertificate, ServerCertificate};
use sim_core::slb::health_check::{CheckKind, HealthCheckSettings};
use sim_core::slb::listener::{
    CreateListener, DeleteListener, Listener, ModifyListener, Protocol, StartListener, StopListener,
    WhichListener,
};
use sim_core::slb::listener_access::AccessSettings;
use sim_core::slb::listener_rules::Settings;
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::slb::master_slave_group::MasterSlaveGroup;
use sim_core::slb::server_group::VServerGroup;
use sim_core::slb::tls_policy::TlsPolicy;

const PROTOCOLS: [Protocol; 4] = [Protocol::Tcp, Protocol::Udp, Protocol::Http, Protocol::Https];

fn access(d: &mut Dice<'_>) -> AccessSettings {
    if !d.once_in(4) {
        return AccessSettings::default();
    }
    AccessSettings {
        on: d.maybe(|d| d.once_in(2)),
        acls: d.maybe(|d| if d.once_in(4) { Vec::new() } else { vec![d.id::<AccessControlList>()] }),
        kind: d.maybe(|d| d.pick(&[AclKind::White, AclKind::Black])),
    }
}

fn settings(d: &mut Dice<'_>, protocol: Protocol) -> Settings {
    let mut out = Settings {
        scheduler: if d.once_in(3) {
            Some(d.pick(&[Scheduler::RoundRobin, Scheduler::SourceHash]))
        } else {
            None
        },
        health_check: HealthCheckSettings {
            interval: if d.once_in(3) { Some(d.pick(&[5, 50, 51])) } else { None },
            kind: if d.once_in(6) { Some(CheckKind::Http) } else { None },
            ..HealthCheckSettings::default()
        },
        ..Settings::default()
    };
    match protocol {
        Protocol::Tcp | Protocol::Udp => out.drain_timeout = d.maybe(|d| d.pick(&[10, 900, 5])),
        Protocol::Http => out.idle = d.maybe(|d| d.pick(&[30, 60, 61])),
        Protocol::Https => {
            out.certificate = if d.once_in(8) { None } else { Some(d.id::<ServerCertificate>()) };
            out.tls_policy = d.maybe(|d| match d.roll(3) {
                0 => "tls_cipher_policy_1_2".into(),
                1 => "tls_cipher_policy_9".into(),
                _ => d.id::<TlsPolicy>().to_string().into(),
            });
            out.client_ca = if d.once_in(8) { Some(d.maybe(|d| d.id::<CaCertificate>())) } else { None };
        }
    }
    out
}

pub fn create(d: &mut Dice<'_>) -> Command {
    let own = d.own::<LoadBalancer>();
    let protocol = d.pick(&PROTOCOLS);
    let redirect = protocol == Protocol::Http && d.once_in(3);
    CreateListener {
        load_balancer: own.map_or_else(|| d.id::<LoadBalancer>(), |b| b.id),
        port: d.pick(&[80, 443, 53, 8080, 4789]),
        protocol,
        description: d.text(),
        backend_port: if d.once_in(5) { None } else { Some(8080) },
        group: if d.once_in(3) { Some(d.id::<VServerGroup>()) } else { None },
        pair: if d.once_in(6) { Some(d.id::<MasterSlaveGroup>()) } else { None },
        redirect: redirect.then_some(443),
        access: access(d),
        settings: Box::new(settings(d, protocol)),
        tags: d.tags(),
    }
    .into()
}

fn which(d: &mut Dice<'_>) -> WhichListener {
    match d.own::<Listener>() {
        Some(l) if !d.once_in(8) => WhichListener {
            load_balancer: l.load_balancer,
            port: l.port,
            protocol: if d.once_in(4) { None } else { Some(l.protocol) },
        },
        _ => WhichListener { load_balancer: d.id::<LoadBalancer>(), port: 80, protocol: None },
    }
}

pub fn modify(d: &mut Dice<'_>) -> Command {
    let which = which(d);
    let protocol = which.protocol.unwrap_or(Protocol::Tcp);
    ModifyListener {
        load_balancer: which.load_balancer,
        port: which.port,
        protocol,
        description: d.text(),
        group: match d.roll(4) {
            2 => Some(None),
            3 => Some(Some(d.id::<VServerGroup>())),
            _ => None,
        },
        pair: match d.roll(8) {
            6 => Some(None),
            7 => Some(Some(d.id::<MasterSlaveGroup>())),
            _ => None,
        },
        same_kind: d.once_in(4),
        access: access(d),
        settings: Box::new(settings(d, protocol)),
    }
    .into()
}

pub fn start(d: &mut Dice<'_>) -> Command {
    StartListener { listener: which(d) }.into()
}

pub fn stop(d: &mut Dice<'_>) -> Command {
    StopListener { listener: which(d) }.into()
}

pub fn delete(d: &mut Dice<'_>) -> Command {
    DeleteListener { listener: which(d) }.into()
}
