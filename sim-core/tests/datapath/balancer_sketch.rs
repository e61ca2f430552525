//! Load balancers of random worlds.

use crate::lab::*;
use crate::net::allocate;
use proptest::prelude::*;
use sim_core::balancing::scheduler::Scheduler;
use sim_core::cidr::Cidr;
use sim_core::command::Command;
use sim_core::ecs::eni::Eni;
use sim_core::ecs::outage::{BeginOutage, OutageTarget};
use sim_core::ecs::prefix_list::AddressFamily;
use sim_core::ecs::service_port::{Behaviour, PortProtocol, SetServicePort};
use sim_core::id::{
    AccessControlListId, EipId, EniId, LoadBalancerId, MasterSlaveGroupId, VServerGroupId, VSwitchId,
};
use sim_core::slb::acl::{AclEntry, AclKind, CreateAccessControlList};
use sim_core::slb::backend::{AddBackends, Member, NewBackend, Pool, Server};
use sim_core::slb::forwarding_rule::{CreateForwardingRules, NewRule, OwnSettings};
use sim_core::slb::health_check::HealthCheckSettings;
use sim_core::slb::listener::{CreateListener, Protocol, StartListener, WhichListener};
use sim_core::slb::listener_access::AccessSettings;
use sim_core::slb::listener_rules::Settings;
use sim_core::slb::load_balancer::{CreateLoadBalancer, LoadBalancer, Place};
use sim_core::slb::load_balancer_change::{LockLoadBalancer, ModifyLoadBalancer};
use sim_core::slb::master_slave_group::{CreateMasterSlaveGroup, NewRoleMember, Role};
use sim_core::slb::server_group::CreateVServerGroup;
use sim_core::slb::spec::{InternetCharge, PayType};
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind};

#[derive(Clone, Debug)]
struct ListenerSketch {
    port: u16,
    protocol: Protocol,
    /// Whether it forwards to the group, else to the default pool.
    group: bool,
    /// Whether it forwards to the primary/secondary group instead, where it can.
    pair: bool,
    checks: bool,
    scheduler: Scheduler,
    runs: bool,
    access: Option<(AclKind, Vec<&'static str>)>,
}

/// A load balancer with a group.
#[derive(Clone, Debug)]
pub struct BalancerSketch {
    internet: bool,
    /// Whether it has an elastic IP address, if it is an intranet one.
    elastic: bool,
    active: bool,
    locked: bool,
    listeners: Vec<ListenerSketch>,
    /// Whether of the group, an interface, whether the interface itself rather than its instance, port, weight.
    members: Vec<(bool, usize, bool, u16, i32)>,
    /// The members of the primary/secondary group: an interface, port, weight.
    pair: [(usize, u16, i32); 2],
    /// Interface and weight of the members of a second group, on port 80.
    second: Vec<(usize, i32)>,
    /// Forwarding rules: the listener's port, domain, URL, whether to the second group.
    rules: Vec<(u16, &'static str, &'static str, bool)>,
    /// Hosts whose port 80 is silent or refuses.
    broken: Vec<(usize, bool)>,
    /// Whether its master zone is down, and its slave zone.
    down: (bool, bool),
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
    let listener = (
        prop::sample::select(vec![80_u16, 80, 22, 3306]),
        (protocol, scheduler),
        (any::<[bool; 2]>(), prop::bool::weighted(0.3)),
        prop::bool::weighted(0.85),
        access,
    )
        .prop_map(|(port, (protocol, scheduler), ([group, checks], pair), runs, access)| {
            ListenerSketch { port, protocol, group, pair, checks, scheduler, runs, access }
        });
    let weight = prop::sample::select(vec![0, 50, 50, 100]);
    let port = prop::sample::select(vec![80_u16, 8080]);
    let rule = (
        prop::sample::select(vec![80_u16, 80, 22]),
        prop::sample::select(vec!["", "shop.test", "*.shop.test", "*.test"]),
        prop::sample::select(vec!["", "/cart", "/ca", "/cart/1"]),
        prop::bool::weighted(0.8),
    );
    let waiting = || (0..8_usize, port.clone(), weight.clone());
    let pair = (waiting(), waiting()).prop_map(|(primary, secondary)| [primary, secondary]);
    let member = (any::<bool>(), 0..8_usize, any::<bool>(), port.clone(), weight.clone());
    let balancer = (
        any::<[bool; 2]>(),
        prop::bool::weighted(0.9),
        (prop::bool::weighted(0.1), (prop::bool::weighted(0.1), prop::bool::weighted(0.15))),
        prop::collection::vec(listener, 1..4),
        (prop::collection::vec(member, 0..6), pair),
        prop::collection::vec((0..6_usize, any::<bool>()), 0..3),
        prop::collection::vec((0..8_usize, prop::sample::select(vec![0, 50, 100])), 0..4),
        prop::collection::vec(rule, 0..5),
    )
        .prop_map(
            |(
                [internet, elastic],
                active,
                (locked, down),
                listeners,
                (members, pair),
                broken,
                second,
                rules,
            )| {
                BalancerSketch {
                    internet,
                    elastic,
                    active,
                    locked,
                    listeners,
                    members,
                    pair,
                    second,
                    rules,
                    broken,
                    down,
                }
            },
        );
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
        months: None,
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
        pair: None,
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

/// Binds an elastic IP address to a load balancer.
pub fn elastic(eip: EipId, load_balancer: LoadBalancerId) -> AssociateEip {
    let (kind, mode, target) = (TargetKind::SlbInstance, Mode::Nat, load_balancer.to_string().into());
    AssociateEip { eip, kind, target, private_address: None, mode, region: None }
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
        let pair = pair_of(lab, id, sketch, enis);
        for listener in &sketch.listeners {
            listen(lab, id, group, pair, listener);
        }
        add_rules(lab, sketch, id, group, enis);
        for &(host, silent) in &sketch.broken {
            let eni: &Eni = lab.world.get(&enis[host % enis.len()]).unwrap();
            let Some(instance) = eni.instance else { continue };
            let behaviour = Some(if silent { Behaviour::Silent } else { Behaviour::Refuses });
            let (protocol, port, planned) = (PortProtocol::Tcp, 80, Vec::new());
            lab.ok(SetServicePort { instance, protocol, port, behaviour, planned });
        }
        if sketch.elastic && !sketch.internet {
            let eip = lab.ok(allocate()).id();
            // Where an IPv4 gateway is not active no address is bound.
            let _ = lab.run(elastic(eip, id));
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
        cut_off(lab, id, sketch.down);
    }
}

/// Outages of the zones of a load balancer.
fn cut_off(lab: &mut Lab, id: LoadBalancerId, (master, slave): (bool, bool)) {
    let balancer: &LoadBalancer = lab.world.get(&id).unwrap();
    let zones = [(balancer.master_zone.clone(), master), (balancer.slave_zone.clone(), slave)];
    for (zone, _) in zones.into_iter().filter(|(_, down)| *down) {
        lab.ok(BeginOutage { target: OutageTarget::Zone(zone), from: None, until: None });
    }
}

/// A second group, and forwarding rules to it and to the first; listeners of layer 4 refuse them.
fn add_rules(
    lab: &mut Lab,
    sketch: &BalancerSketch,
    id: LoadBalancerId,
    first: VServerGroupId,
    enis: &[EniId],
) {
    let (name, backends, tags) = (None, Vec::new(), Vec::new());
    let second = lab.ok(CreateVServerGroup { load_balancer: id, name, backends, tags }).id();
    for &(eni, weight) in &sketch.second {
        let server = Server::Eni(enis[eni % enis.len()]);
        let member = Member { server, address: None, port: Some(80) };
        let backends = vec![NewBackend { member, weight: Some(weight), description: None }];
        let _ = lab.run(AddBackends { pool: Pool::Group(second), backends });
    }
    for (n, &(port, domain, url, to_second)) in sketch.rules.iter().enumerate() {
        let listener = WhichListener { load_balancer: id, port, protocol: None };
        let group = if to_second { second } else { first };
        let _ = lab
            .run(CreateForwardingRules { listener, rules: vec![rule(&format!("r{n}"), domain, url, group)] });
    }
}

/// A forwarding rule that does all as its listener.
pub fn rule(name: &str, domain: &str, url: &str, group: VServerGroupId) -> NewRule {
    let (name, domain, url, own) = (name.into(), domain.into(), url.into(), OwnSettings::default());
    NewRule { name, domain, url, group, own }
}

/// The primary/secondary group; absent if a rule of the world refuses it.
fn pair_of(
    lab: &mut Lab,
    load_balancer: LoadBalancerId,
    sketch: &BalancerSketch,
    enis: &[EniId],
) -> Option<MasterSlaveGroupId> {
    let member = |role, (eni, port, weight): (usize, u16, i32)| {
        let server = Server::Eni(enis[eni % enis.len()]);
        let member = Member { server, address: None, port: Some(port) };
        NewRoleMember { role, backend: NewBackend { member, weight: Some(weight), description: None } }
    };
    let [primary, secondary] = sketch.pair;
    let members = vec![member(Role::Primary, primary), member(Role::Secondary, secondary)];
    let made = lab.run(CreateMasterSlaveGroup { load_balancer, name: None, members, tags: Vec::new() });
    made.ok().map(|reply| reply.id())
}

fn listen(
    lab: &mut Lab,
    id: LoadBalancerId,
    group: VServerGroupId,
    pair: Option<MasterSlaveGroupId>,
    sketch: &ListenerSketch,
) {
    let check = HealthCheckSettings { on: Some(sketch.checks), ..HealthCheckSettings::default() };
    let settings = Settings { health_check: check, scheduler: Some(sketch.scheduler), ..Settings::default() };
    let access = match &sketch.access {
        Some((kind, blocks)) => {
            let acl: AccessControlListId = lab.ok(list(blocks)).id();
            AccessSettings { on: Some(true), acls: Some(vec![acl]), kind: Some(*kind) }
        }
        None => AccessSettings::default(),
    };
    // A TCP listener checks the pair that it forwards to, and HTTP has none.
    let can = match sketch.protocol {
        Protocol::Tcp => sketch.checks,
        protocol => protocol == Protocol::Udp,
    };
    let pair = pair.filter(|_| sketch.pair && can);
    let group = (sketch.group && pair.is_none()).then_some(group);
    let listener = listener(id, sketch.port, sketch.protocol, group, settings);
    let made = lab.run(CreateListener { access, pair, ..listener });
    if made.is_ok() && sketch.runs {
        let which = WhichListener { load_balancer: id, port: sketch.port, protocol: Some(sketch.protocol) };
        lab.ok(StartListener { listener: which });
    }
}
