//! What health checks cost in virtual time: a month of 1,000 load balancers with 200 backends each, without a change and
//! with 200,000, and what it costs to ask for every verdict.
//!
//! `cargo bench -p sim-core --bench health`
//!
//! Each of 200 hosts stands behind all load balancers, behind each at a port of its own, so that a change of a port concerns
//! one check of 200,000. The floor is the arithmetic alone: the same changes of the same number of series, without a world.

#[path = "../common/network.rs"]
mod network;

use divan::{Bencher, black_box};
use network::{Network, ZONE};
use sim_core::balancing::probe_series::{Answering, Health, ProbeSeries, Rhythm};
use sim_core::ecs::instance_create::{Launch, LaunchInterface, RunInstances};
use sim_core::ecs::service_port::{Behaviour, PlannedBehaviour, PortProtocol, SetServicePort};
use sim_core::id::{InstanceId, LoadBalancerId, VServerGroupId};
use sim_core::settings::ClockMode;
use sim_core::slb::backend::{AddBackends, Member, NewBackend, Pool, Server};
use sim_core::slb::health;
use sim_core::slb::listener::{CreateListener, Listener, Protocol, StartListener, WhichListener};
use sim_core::slb::listener_access::AccessSettings;
use sim_core::slb::load_balancer::{CreateLoadBalancer, Place};
use sim_core::slb::server_group::CreateVServerGroup;
use sim_core::slb::serving;
use sim_core::slb::spec::{InternetCharge, PayType};
use sim_core::{Command, Reply, SimTime, Span, World};

fn main() {
    divan::main();
}

const BALANCERS: u16 = 1_000;
const HOSTS: usize = 200;
const CHANGES: usize = 200_000;
const MONTH: Span = Span::hours(30 * 24);
const START: i64 = 1_767_225_600_000;

/// The world, and the hosts behind every load balancer.
struct Scene {
    network: Network,
    hosts: Vec<InstanceId>,
}

impl Scene {
    fn new() -> Scene {
        let mut scene = Scene { network: Network::new(ClockMode::Manual, START), hosts: Vec::new() };
        for _ in 0..HOSTS / 100 {
            scene.launch();
        }
        (0..BALANCERS).for_each(|number| scene.balancer(number));
        scene
    }

    fn run(&mut self, command: impl Into<Command>) -> Reply {
        let at = self.network.world.now();
        let reply = self.network.world.apply(at, &self.network.caller, command.into()).outcome;
        reply.expect("it is accepted")
    }

    fn launch(&mut self) {
        let (vswitch, group) = self.network.place(0);
        let primary =
            LaunchInterface { vswitch: Some(vswitch), groups: vec![group], ..LaunchInterface::default() };
        let launch = Box::new(Launch {
            instance_type: "ecs.g7.large".into(),
            image: Some("aliyun_3_x64_20G_alibase_20240819.vhd".into()),
            primary,
            ..Launch::default()
        });
        let (min_amount, host_names) = (None, Vec::new());
        let run = RunInstances { launch, amount: 100, min_amount, host_names, unique_suffix: false };
        let Reply::CreatedMany(ids) = self.run(run) else { panic!("instances are made") };
        self.hosts.extend(ids.iter().map(|id| InstanceId::try_from(*id).expect("an instance")));
    }

    /// A load balancer with all hosts behind port 80, at the port of its number.
    fn balancer(&mut self, number: u16) {
        let load_balancer: LoadBalancerId = self.network.make(balancer());
        let (name, backends, tags) = (None, Vec::new(), Vec::new());
        let group: VServerGroupId =
            self.network.make(CreateVServerGroup { load_balancer, name, backends, tags });
        for some in self.hosts.clone().chunks(40) {
            let backend = |host: &InstanceId| NewBackend {
                member: Member { server: Server::Instance(*host), address: None, port: Some(port(number)) },
                weight: None,
                description: None,
            };
            self.run(AddBackends { pool: Pool::Group(group), backends: some.iter().map(backend).collect() });
        }
        self.run(CreateListener {
            load_balancer,
            port: 80,
            protocol: Protocol::Tcp,
            description: None,
            backend_port: None,
            group: Some(group),
            pair: None,
            redirect: None,
            access: AccessSettings::default(),
            settings: Box::default(),
            tags: Vec::new(),
        });
        let listener = WhichListener { load_balancer, port: 80, protocol: None };
        self.run(StartListener { listener });
    }

    /// How many backends are known to be healthy.
    fn healthy(&self) -> usize {
        let w = &self.network.world;
        w.table::<Listener>().iter().map(|listener| healthy(w, listener)).sum()
    }
}

fn healthy(w: &World, listener: &Listener) -> usize {
    let known = |serving: &serving::Serving<'_>| {
        let verdicts = serving.members().map(|member| health::of_member(w, listener, serving, member));
        verdicts.filter(|known| known.health == Health::Normal).count()
    };
    serving::all(w, listener).iter().map(known).sum()
}

const fn port(number: u16) -> u16 {
    10_000 + number
}

fn balancer() -> CreateLoadBalancer {
    CreateLoadBalancer {
        place: Place::Internet,
        name: None,
        master_zone: Some(ZONE.into()),
        slave_zone: None,
        instance_charge: None,
        spec: Some("slb.s3.large".into()),
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

/// The time passes, and nobody asks.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn month_without_change(bencher: Bencher<'_, '_>) {
    let mut scene = Scene::new();
    bencher.bench_local(|| {
        let to = scene.network.world.now() + MONTH;
        black_box(scene.network.world.advance(to));
    });
    assert_eq!(scene.healthy(), HOSTS * usize::from(BALANCERS));
}

/// The time passes, and every verdict is asked for.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn month_without_change_all_verdicts(bencher: Bencher<'_, '_>) {
    let mut scene = Scene::new();
    bencher.bench_local(|| {
        let to = scene.network.world.now() + MONTH;
        scene.network.world.advance(to);
        assert_eq!(scene.healthy(), HOSTS * usize::from(BALANCERS));
    });
}

/// Each check's port falls silent in one month and answers again in the next, one change after the other.
#[divan::bench(sample_count = 4, sample_size = 1)]
fn month_with_200_000_changes(bencher: Bencher<'_, '_>) {
    let mut scene = Scene::new();
    let mut silent = false;
    bencher.bench_local(|| {
        silent = !silent;
        let start = scene.network.world.now();
        for change in 0..CHANGES {
            let at = SimTime(start.0 + MONTH.0 / CHANGES as i64 * (change as i64 + 1));
            let (number, host) = (change / HOSTS, scene.hosts[change % HOSTS]);
            let behaviour = if silent { Behaviour::Silent } else { Behaviour::DEFAULT };
            let set = SetServicePort {
                instance: host,
                protocol: PortProtocol::Tcp,
                port: port(number as u16),
                behaviour: Some(behaviour),
                planned: Vec::new(),
            };
            let applied = scene.network.world.apply(at, &scene.network.caller, set.into());
            applied.outcome.expect("it is accepted");
        }
        let to = scene.network.world.now() + Span::hours(1);
        scene.network.world.advance(to);
        let expected = if silent { 0 } else { CHANGES };
        assert_eq!(scene.healthy(), expected);
    });
}

/// Each of 20,000 ports of 200 hosts has a change planned, and each plan is replaced by another.
#[divan::bench(sample_count = 4, sample_size = 1)]
fn replace_20_000_plans(bencher: Bencher<'_, '_>) {
    let mut scene = Scene { network: Network::new(ClockMode::Manual, START), hosts: Vec::new() };
    (0..HOSTS / 100).for_each(|_| scene.launch());
    let mut round = 0;
    let mut plan_all = move |scene: &mut Scene| {
        round += 1;
        for number in 0..20_000 {
            let at = SimTime(START + MONTH.0 + round * 1_000);
            let planned = vec![PlannedBehaviour { at, behaviour: Behaviour::Silent }];
            let set = SetServicePort {
                instance: scene.hosts[number % HOSTS],
                protocol: PortProtocol::Tcp,
                port: port((number / HOSTS) as u16),
                behaviour: None,
                planned,
            };
            scene.run(set);
        }
    };
    plan_all(&mut scene);
    bencher.bench_local(|| plan_all(&mut scene));
}

/// The floor of the month with changes: 200,000 series change and are asked, and there is no world.
#[divan::bench(sample_count = 4, sample_size = 1)]
fn floor_200_000_series(bencher: Bencher<'_, '_>) {
    let second = Span::seconds(1);
    let rhythm = Rhythm { interval: Span::seconds(2), timeout: Span::seconds(5), healthy: 3, unhealthy: 3 };
    let fresh = ProbeSeries::new(rhythm, Answering::Well(Span::ZERO), SimTime(START));
    let mut series = vec![fresh; CHANGES];
    let (mut silent, mut start) = (false, START);
    bencher.bench_local(|| {
        silent = !silent;
        let answering = if silent { Answering::Silent } else { Answering::Well(Span::ZERO) };
        for (change, series) in series.iter_mut().enumerate() {
            let at = SimTime(start + MONTH.0 / CHANGES as i64 * (change as i64 + 1));
            series.change(at, answering);
        }
        start += MONTH.0 + second.0 * 3_600;
        let healthy = |series: &ProbeSeries| {
            let mut series = *series;
            series.bring_to(SimTime(start));
            series.health() == Health::Normal
        };
        assert_eq!(series.iter().filter(|series| healthy(series)).count(), if silent { 0 } else { CHANGES });
    });
}
