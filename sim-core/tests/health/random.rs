//! Random histories of what changes how members answer: what the world says of their health is what the prober found, at
//! every millisecond.

use crate::lab::*;
use crate::prober::{Prober, Who};
use proptest::prelude::*;
use sim_core::{SimTime, Span};

use sim_core::balancing::probe_series::Health;
use sim_core::balancing::scheduler::Scheduler;
use sim_core::command::Command;
use sim_core::ecs::eni::EniKind;
use sim_core::ecs::eni_attachment::{AttachEni, DetachEni};
use sim_core::ecs::instance_life::{BatchRule, StartInstances, StopInstances};
use sim_core::ecs::outage::{BeginOutage, EndOutage, Outage, OutageTarget};
use sim_core::ecs::service_port::*;
use sim_core::id::{
    EniId, Id, IdNumber, InstanceId, LoadBalancerId, MasterSlaveGroupId, OutageId, RegionCode, VServerGroupId,
};
use sim_core::slb::backend::{
    AddBackends, Member, NewBackend, Pool, RemoveBackends, ReplaceBackends, Server, SetBackends,
};
use sim_core::slb::forwarding_rule::{
    CreateForwardingRules, DeleteForwardingRules, ForwardingRule, ModifyForwardingRule, NewRule, OwnSettings,
};
use sim_core::slb::health;
use sim_core::slb::health_check::{CheckKind, HealthCheckSettings};
use sim_core::slb::listener::*;
use sim_core::slb::listener_access::AccessSettings;
use sim_core::slb::listener_rules::Settings;
use sim_core::slb::load_balancer::{CreateLoadBalancer, Place};
use sim_core::slb::master_slave_group::{CreateMasterSlaveGroup, NewRoleMember, Role};
use sim_core::slb::server_group::CreateVServerGroup;
use sim_core::slb::serving;
use sim_core::slb::spec::{InternetCharge, PayType};

/// A load balancer with three listeners, TCP on a group, UDP and HTTP on the default pool, HTTP with forwarding rules to a
/// second group; two hosts and an interface.
struct Scene {
    lab: Lab,
    balancer: LoadBalancerId,
    group: VServerGroupId,
    /// Where rules send requests.
    images: VServerGroupId,
    /// A primary/secondary group of the two hosts.
    pair: MasterSlaveGroupId,
    hosts: [InstanceId; 2],
    eni: EniId,
    prober: Prober,
    /// How many members had another health than the millisecond before.
    verdicts: usize,
}

const LISTENERS: [(u16, Protocol); 3] = [(80, Protocol::Tcp), (53, Protocol::Udp), (8_081, Protocol::Http)];

pub fn balancer() -> CreateLoadBalancer {
    CreateLoadBalancer {
        place: Place::Internet,
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

fn listener(balancer: LoadBalancerId, at: usize, group: Option<VServerGroupId>) -> CreateListener {
    let (port, protocol) = LISTENERS[at];
    let health_check = HealthCheckSettings {
        interval: Some(1),
        timeout: Some(1),
        healthy: Some(2),
        unhealthy: Some(2),
        ..HealthCheckSettings::default()
    };
    CreateListener {
        load_balancer: balancer,
        port,
        protocol,
        description: None,
        backend_port: Some(8_080),
        group,
        pair: None,
        redirect: None,
        access: AccessSettings::default(),
        settings: Box::new(Settings { health_check, ..Settings::default() }),
        tags: Vec::new(),
    }
}

fn pair(load_balancer: LoadBalancerId, hosts: [InstanceId; 2]) -> CreateMasterSlaveGroup {
    let member = |role, host| {
        let member = Member { server: Server::Instance(host), address: None, port: Some(80) };
        NewRoleMember { role, backend: NewBackend { member, weight: None, description: None } }
    };
    let members = vec![member(Role::Primary, hosts[0]), member(Role::Secondary, hosts[1])];
    CreateMasterSlaveGroup { load_balancer, name: None, members, tags: Vec::new() }
}

fn which(balancer: LoadBalancerId, at: usize) -> WhichListener {
    let (port, protocol) = LISTENERS[at];
    WhichListener { load_balancer: balancer, port, protocol: Some(protocol) }
}

impl Scene {
    fn new() -> Scene {
        let mut lab = Lab::new();
        let hosts = [lab.running(), lab.running()];
        let eni = lab.eni(EniKind::Secondary, false);
        lab.ok(AttachEni { eni, instance: hosts[0], trunk: None });
        let balancer: LoadBalancerId = lab.ok(balancer()).id();
        let [group, images] = [(); 2].map(|()| {
            let (name, backends, tags) = (None, Vec::new(), Vec::new());
            lab.ok(CreateVServerGroup { load_balancer: balancer, name, backends, tags }).id()
        });
        let pair = lab.ok(pair(balancer, hosts)).id();
        lab.ok(listener(balancer, 0, Some(group)));
        lab.ok(listener(balancer, 1, None));
        lab.ok(listener(balancer, 2, None));
        let prober = Prober::default();
        Scene { lab, balancer, group, images, pair, hosts, eni, prober, verdicts: 0 }
    }

    fn server(&self, n: u16) -> Server {
        match n % 3 {
            2 => Server::Eni(self.eni),
            host => Server::Instance(self.hosts[usize::from(host)]),
        }
    }

    /// The command that these numbers stand for. Not all are accepted.
    fn command(&self, kind: u16, a: u16, b: u16, c: i64) -> Command {
        let (now, instance) = (self.lab.world.now(), self.hosts[usize::from(a % 2)]);
        let in_group = b.is_multiple_of(2);
        let group = if a.is_multiple_of(5) { self.images } else { self.group };
        let pool = if in_group { Pool::Group(group) } else { Pool::Default(self.balancer) };
        let port = if in_group { Some([80, 8_080][usize::from(b / 2 % 2)]) } else { None };
        let member = Member { server: self.server(a), address: None, port };
        let weight = [None, Some(0), Some(50)][usize::from(b % 3)];
        let new = NewBackend { member, weight, description: None };
        let protocol = [PortProtocol::Tcp, PortProtocol::Udp][usize::from(b % 2)];
        let port = [80, 8_080, 9_000][usize::from(b / 2 % 3)];
        let rule = BatchRule::AllTogether;
        match kind {
            0..4 => {
                let planned = if b.is_multiple_of(3) {
                    Vec::new()
                } else {
                    let later = |n: i64| now + Span(c % 3_000 * n + n);
                    vec![
                        PlannedBehaviour { at: later(1), behaviour: behaviour(a / 7, c) },
                        PlannedBehaviour { at: later(2), behaviour: behaviour(b / 7, c / 3) },
                    ]
                };
                SetServicePort { instance, protocol, port, behaviour: Some(behaviour(a / 2, c)), planned }
                    .into()
            }
            4 => ClearServicePort { instance, protocol, port }.into(),
            5 => {
                let target = match a % 3 {
                    0 => OutageTarget::Zone("cn-hangzhou-k".into()),
                    1 => OutageTarget::Instance(instance),
                    _ => OutageTarget::Eni(self.eni),
                };
                let from = if b.is_multiple_of(2) { None } else { Some(now + Span(c % 2_000)) };
                let until = Some(now + Span(2_000 + c % 4_000));
                BeginOutage { target, from, until }.into()
            }
            6 => match self.lab.world.table::<Outage>().iter().next() {
                Some(outage) => EndOutage { outage: outage.id }.into(),
                None => ClearServicePort { instance, protocol, port }.into(),
            },
            7 if b.is_multiple_of(2) => {
                StopInstances { instances: vec![instance], mode: None, force: false, rule }.into()
            }
            7 => StartInstances { instances: vec![instance], rule }.into(),
            8 | 9 => AddBackends { pool, backends: vec![new] }.into(),
            10 => RemoveBackends { pool, members: vec![member.into()] }.into(),
            11 => SetBackends { pool, name: None, backends: vec![new] }.into(),
            12 => StartListener { listener: which(self.balancer, usize::from(a % 3)) }.into(),
            13 => StopListener { listener: which(self.balancer, usize::from(a % 3)) }.into(),
            14 if a.is_multiple_of(2) => AttachEni { eni: self.eni, instance, trunk: None }.into(),
            14 => DetachEni { eni: self.eni, instance: Some(self.hosts[0]), trunk: None }.into(),
            15 => {
                let group = self.group;
                let other = Member { server: self.server(a + 1), address: None, port: Some(80) };
                let new = vec![NewBackend { member: other, weight: None, description: None }];
                let old = vec![Member { port: Some(80), ..member }.into()];
                ReplaceBackends { group, old, new }.into()
            }
            16..20 => self.modify(a, b, c),
            _ => self.forward(a, b, c),
        }
    }

    /// A forwarding rule comes, goes, or checks its members in another way.
    fn forward(&self, a: u16, b: u16, c: i64) -> Command {
        let rule = self.lab.world.table::<ForwardingRule>().iter().next().map(|rule| rule.id);
        let check = checks(b, c);
        let health_check = HealthCheckSettings { on: check.on.or(Some(true)), ..check };
        let own = if a.is_multiple_of(3) {
            OwnSettings { as_listener: Some(true), ..OwnSettings::default() }
        } else {
            OwnSettings {
                as_listener: Some(false),
                scheduler: Some(Scheduler::RoundRobin),
                sticky: Some(false),
                health_check,
                ..OwnSettings::default()
            }
        };
        match rule {
            Some(rule) if a.is_multiple_of(7) => DeleteForwardingRules { rules: vec![rule] }.into(),
            Some(rule) => {
                let group = [None, Some(self.group), Some(self.images)][usize::from(a % 3)];
                ModifyForwardingRule { rule, name: None, group, own }.into()
            }
            None => {
                let (name, domain, url) = ("images".into(), "www.example.com".into(), "".into());
                let rules = vec![NewRule { name, domain, url, group: self.images, own }];
                CreateForwardingRules { listener: which(self.balancer, 2), rules }.into()
            }
        }
    }

    fn modify(&self, a: u16, b: u16, c: i64) -> Command {
        let (port, protocol) = LISTENERS[usize::from(a % 3)];
        let health_check = checks(b, c);
        ModifyListener {
            load_balancer: self.balancer,
            port,
            protocol,
            description: None,
            group: [None, None, Some(None), Some(Some(self.group))][usize::from(b / 6 % 4)],
            pair: [None, None, Some(None), Some(Some(self.pair))][usize::from(b / 24 % 4)],
            same_kind: false,
            access: AccessSettings::default(),
            settings: Box::new(Settings { health_check, ..Settings::default() }),
        }
        .into()
    }

    /// Time passes to `to`, a millisecond after the other, and then this happens.
    fn play(&mut self, to: i64, command: Command) {
        while self.lab.world.now().0 < to {
            let now = self.lab.world.now().0 + 1;
            self.prober.pass(now);
            // What falls due at one instant falls one after the other.
            while self.lab.world.next_due().is_some_and(|due| due.0 <= now) {
                let (entry, _) = self.lab.world.stage_advance(SimTime(now), 1);
                self.lab.world.confirm();
                self.lab.journal.extend(entry);
                self.prober.look(&self.lab.world);
            }
            if self.lab.world.now().0 < now {
                self.lab.wait(1);
            }
            self.compare();
        }
        let _accepted_or_not = self.lab.run(command);
        self.prober.look(&self.lab.world);
        self.compare();
    }

    /// The world knows of every member what the prober found, and probes nobody else.
    fn compare(&mut self) {
        let (w, prober) = (&self.lab.world, &self.prober);
        let mut found = 0;
        for l in w.table::<Listener>().iter() {
            let all = serving::all(w, l);
            let members =
                all.iter().flat_map(|serving| serving.members().map(move |member| (serving, member)));
            for (serving, served) in members {
                let (backend, port) = (served.backend, served.port);
                let address = backend.address.filter(|_| matches!(backend.server, Server::Eni(_)));
                let who: Who = (l.id, serving.rule.map(|rule| rule.id), backend.server, address, port);
                let (told, expected) = (health::of_member(w, l, serving, served), prober.health(&who));
                found += usize::from(expected.is_some());
                let takes = match expected {
                    _ if served.role == Some(Role::Secondary) => {
                        // It does while the primary one does not; that one is never weighed anew.
                        let primary = (l.id, None, Server::Instance(self.hosts[0]), None, 80);
                        let waits = match prober.health(&primary) {
                            Some((health, _)) => health == Health::Normal,
                            None => !serving.health_check.on,
                        };
                        l.started.is_some() && !waits
                    }
                    Some((health, _)) => health == Health::Normal,
                    None => !serving.health_check.on,
                };
                let reported = match expected {
                    Some(_) if backend.weight == 0 => (Health::Normal, None),
                    known => known.unwrap_or((Health::Unavailable, None)),
                };
                let since = told.since.map(|at| at.0);
                assert_eq!((told.health, since), reported, "of {who:?} at {}", w.now());
                assert_eq!(told.takes_traffic, takes && backend.weight > 0, "of {who:?} at {}", w.now());
                self.verdicts += usize::from(told.since == Some(w.now()));
            }
        }
        assert_eq!(found, prober.len(), "members that are probed at {}", w.now());
    }
}

/// One parameter of a check becomes another.
fn checks(b: u16, c: i64) -> HealthCheckSettings {
    let mut check = HealthCheckSettings::default();
    match b % 6 {
        0 => check.interval = Some(1 + (c % 3) as i32),
        1 => check.timeout = Some(1 + (c % 4) as i32),
        2 => check.kind = Some([CheckKind::Tcp, CheckKind::Http, CheckKind::Udp][c as usize % 3]),
        3 => check.port = Some([-520, 80, 9_000][c as usize % 3]),
        4 => check.codes = Some(["http_2xx", "http_3xx,http_5xx"][c as usize % 2].into()),
        _ => check.on = Some(c % 4 != 0),
    }
    check
}

fn behaviour(n: u16, c: i64) -> Behaviour {
    match n % 5 {
        0 => Behaviour::Silent,
        1 => Behaviour::Refuses,
        2 => Behaviour::Answers { after: Span(c % 3_500), status: 200 },
        3 => Behaviour::Answers { after: Span(c % 700), status: 503 },
        _ => Behaviour::DEFAULT,
    }
}

fn steps() -> impl Strategy<Value = Vec<(i64, u16, u16, u16, i64)>> {
    let wait = prop_oneof![Just(0), 1..400_i64, 400..4_000_i64, Just(1_000), Just(2_000)];
    proptest::collection::vec((wait, 0..23_u16, 0..600_u16, 0..600_u16, 0..10_000_i64), 4..18)
}

/// Members, and listeners that run, before anything random happens.
fn opening(scene: &Scene) -> Vec<Command> {
    let member = |server, port| NewBackend {
        member: Member { server, address: None, port },
        weight: None,
        description: None,
    };
    let backends = (0..3).map(|n| member(scene.server(n), Some(80))).collect();
    let defaults = (0..2).map(|n| member(scene.server(n), None)).collect();
    vec![
        AddBackends { pool: Pool::Group(scene.group), backends }.into(),
        AddBackends { pool: Pool::Group(scene.images), backends: vec![member(scene.server(1), Some(9_000))] }
            .into(),
        scene.forward(1, 0, 0),
        AddBackends { pool: Pool::Default(scene.balancer), backends: defaults }.into(),
        StartListener { listener: which(scene.balancer, 0) }.into(),
        StartListener { listener: which(scene.balancer, 1) }.into(),
        StartListener { listener: which(scene.balancer, 2) }.into(),
    ]
}

/// Plays a history; how many verdicts fell in it.
fn run(steps: &[(i64, u16, u16, u16, i64)]) -> usize {
    let mut scene = Scene::new();
    for command in opening(&scene) {
        let now = scene.lab.world.now().0;
        scene.play(now, command);
    }
    for &(wait, kind, a, b, c) in steps {
        let to = scene.lab.world.now().0 + wait;
        let command = scene.command(kind, a, b, c);
        scene.play(to, command);
    }
    let end = scene.lab.world.now().0 + 9_000;
    scene.play(end, EndOutage { outage: outage() }.into());
    scene.lab.check_replay();
    scene.verdicts
}

/// An id that no outage has.
fn outage() -> OutageId {
    let code = RegionCode::from_text("bp1").unwrap();
    OutageId::from_number(IdNumber::new(999_999, 7, code))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_world_knows_what_a_prober_finds_that_looks_at_every_millisecond(steps in steps()) {
        run(&steps);
    }
}

/// So many that they run within a minute; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    let wanted = ProptestConfig::default().cases;
    if wanted == 256 { 40 } else { wanted }
}

#[test]
fn verdicts_fall_in_random_histories() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let total: usize = (0..6).map(|_| run(&steps().new_tree(&mut runner).unwrap().current())).sum();
    assert!(total > 30, "only {total} verdicts fell");
}
