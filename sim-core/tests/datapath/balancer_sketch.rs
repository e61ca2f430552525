//! Load balancers of random worlds.

use crate::lab::*;
use proptest::prelude::*;
use sim_core::balancing::scheduler::Scheduler;
use sim_core::cidr::Cidr;
use sim_core::command::Command;
use sim_core::ecs::eni::Eni;
use sim_core::ecs::prefix_list::AddressFamily;
use sim_core::ecs::service_port::{Behaviour, PortProtocol, SetServicePort};
use sim_core::id::{AccessControlListId, EniId, LoadBalancerId, VServerGroupId, VSwitchId};
use sim_core::slb::acl::{AclEntry, AclKind, CreateAccessControlList};
use sim_core::slb::backend::{AddBackends, Member, NewBackend, Pool, Server};
use sim_core::slb::health_check::HealthCheckSettings;
use sim_core::slb::listener::{CreateListener, Protocol, StartListener, WhichListener};
use sim_core::slb::listener_access::AccessSettings;
use sim_core::slb::listener_rules::Settings;
use sim_core::slb::load_balancer::{CreateLoadBalancer, Place};
use sim_core::slb::load_balancer_change::{LockLoadBalancer, ModifyLoadBalancer};
use sim_core::slb::server_group::CreateVServerGroup;
use sim_core::slb::spec::{InternetCharge, PayType};

#[derive(Clone, Debug)]
struct ListenerSketch {
    port: u16,
    protocol: Protocol,
    /// Whether it forwards to the group, else to the default pool.
    group: bool,
    checks: bool,
    scheduler: Scheduler,
    runs: bool,
    access: Option<(AclKind, Vec<&'static str>)>,
}

/// A load balancer with a group.
#[derive(Clone, Debug)]
pub struct BalancerSketch {
    internet: bool,
    active: bool,
    locked: bool,
    listeners: Vec<ListenerSketch>,
    /// Whether of the group, an interface, whether the interface itself rather than its instance, port, weight.
    members: Vec<(bool, usize, bool, u16, i32)>,
    /// Hosts whose port 80 is silent or refuses.
    broken: Vec<(usize, bool)>,
}

pub fn sketch() -> impl Strategy<Value = Vec<BalancerSketch>> {
    let protocol = prop::sample::select(vec![Protocol::Tcp, Protocol::Tcp, Protocol::Udp, Protocol::Http]);
    let scheduler = prop::sample::select(vec![
        Scheduler::RoundRobin,
        Scheduler::WeightedRoundRobin,
        Scheduler::WeightedLeastConnections,
    ]);
    let block = prop::sample::select(vec!["10.0.1.0/24", "10.0.0.0/8", "47.0.0.0/8", "10.0.1.11/32"]);
    let kind = prop::sample::select(vec![AclKind::White, AclKind::Black]);
    let access = prop::option::weighted(0.4, (kind, prop::collection::vec(block, 0..3)));
    let listener =
        (
            prop::sample::select(vec![80_u16, 80, 22, 3306]),
            (protocol, scheduler),
            any::<[bool; 2]>(),
            prop::bool::weighted(0.85),
            access,
        )
            .prop_map(|(port, (protocol, scheduler), [group, checks], runs, access)| {
                ListenerSketch { port, protocol, group, checks, scheduler, runs, access }
            });
    let weight = prop::sample::select(vec![0, 50, 50, 100]);
    let port = prop::sample::select(vec![80_u16, 8080]);
    let member = (any::<bool>(), 0..8_usize, any::<bool>(), port, weight);
    let balancer = (
        any::<bool>(),
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.1),
        prop::collection::vec(listener, 1..4),
        prop::collection::vec(member, 0..6),
        prop::collection::vec((0..6_usize, any::<bool>()), 0..3),
    )
        .prop_map(|(internet, active, locked, listeners, members, broken)| BalancerSketch {
            internet,
            active,
            locked,
            listeners,
            members,
            broken,
        });
    prop::collection::vec(balancer, 0..3)
}

pub fn balancer(place: Place) -> CreateLoadBalancer {
    CreateLoadBalancer {
        place,
        name: None,
        master_zone: None,
        slave_zone: None,
        instance_charge: None,
        spec: Some("slb.s1.small".into()),
        internet_charge: InternetCharge::ByTraffic,
        bandwidth: -1,
        pay_type: PayType::OnDemand,
        delete_protection: false,
        modification_protection: None,
        resource_group: None,
        tags: Vec::new(),
    }
}

/// A listener with settings; `group` or else the port 80 of the default pool.
pub fn listener(
    load_balancer: LoadBalancerId,
    port: u16,
    protocol: Protocol,
    group: Option<VServerGroupId>,
    settings: Settings,
) -> CreateListener {
    CreateListener {
        load_balancer,
        port,
        protocol,
        description: None,
        backend_port: Some(80),
        group,
        redirect: None,
        access: AccessSettings::default(),
        settings: Box::new(settings),
        tags: Vec::new(),
    }
}

pub fn list(blocks: &[&str]) -> CreateAccessControlList {
    let entry = |block: &&str| AclEntry { block: block.parse::<Cidr>().unwrap(), comment: "".into() };
    let mut entries: Vec<AclEntry> = blocks.iter().map(entry).collect();
    entries.dedup_by_key(|entry| entry.block);
    let (name, family) = ("clients".into(), AddressFamily::Ipv4);
    CreateAccessControlList { name, family, entries, resource_group: None, tags: Vec::new() }
}

/// Makes the load balancers; what a rule of the world refuses is left out.
pub fn add(lab: &mut Lab, sketches: &[BalancerSketch], vswitch: VSwitchId, enis: &[EniId]) {
    for (n, sketch) in sketches.iter().enumerate() {
        let address = Some([10, 0, 2, 60 + n as u8].into());
        let intranet = Place::Intranet { vswitch, vpc: None, address };
        let place = if sketch.internet { Place::Internet } else { intranet };
        let id: LoadBalancerId = lab.ok(balancer(place)).id();
        let (name, backends, tags) = (None, Vec::new(), Vec::new());
        let group = lab.ok(CreateVServerGroup { load_balancer: id, name, backends, tags }).id();
        for &(in_group, eni, itself, port, weight) in &sketch.members {
            let eni: &Eni = lab.world.get(&enis[eni % enis.len()]).unwrap();
            let server = match eni.instance.filter(|_| !itself) {
                Some(instance) => Server::Instance(instance),
                None => Server::Eni(eni.id),
            };
            let member = Member { server, address: None, port: in_group.then_some(port) };
            let backends = vec![NewBackend { member, weight: Some(weight), description: None }];
            let pool = if in_group { Pool::Group(group) } else { Pool::Default(id) };
            let _ = lab.run(AddBackends { pool, backends });
        }
        for listener in &sketch.listeners {
            listen(lab, id, group, listener);
        }
        for &(host, silent) in &sketch.broken {
            let eni: &Eni = lab.world.get(&enis[host % enis.len()]).unwrap();
            let Some(instance) = eni.instance else { continue };
            let behaviour = Some(if silent { Behaviour::Silent } else { Behaviour::Refuses });
            let (protocol, port, planned) = (PortProtocol::Tcp, 80, Vec::new());
            lab.ok(SetServicePort { instance, protocol, port, behaviour, planned });
        }
        let (delete_protection, modification_protection) = (None, None);
        let active = Some(sketch.active);
        let change: Command = ModifyLoadBalancer {
            load_balancer: id,
            name: None,
            active,
            delete_protection,
            modification_protection,
        }
        .into();
        lab.ok(change);
        lab.ok(LockLoadBalancer { load_balancer: id, locked: sketch.locked });
    }
}

fn listen(lab: &mut Lab, id: LoadBalancerId, group: VServerGroupId, sketch: &ListenerSketch) {
    let check = HealthCheckSettings { on: Some(sketch.checks), ..HealthCheckSettings::default() };
    let settings = Settings { health_check: check, scheduler: Some(sketch.scheduler), ..Settings::default() };
    let access = match &sketch.access {
        Some((kind, blocks)) => {
            let acl: AccessControlListId = lab.ok(list(blocks)).id();
            AccessSettings { on: Some(true), acls: vec![acl], kind: Some(*kind) }
        }
        None => AccessSettings::default(),
    };
    let group = sketch.group.then_some(group);
    let listener = listener(id, sketch.port, sketch.protocol, group, settings);
    let made = lab.run(CreateListener { access, ..listener });
    if made.is_ok() && sketch.runs {
        let which = WhichListener { load_balancer: id, port: sketch.port, protocol: Some(sketch.protocol) };
        lab.ok(StartListener { listener: which });
    }
}
