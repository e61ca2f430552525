//! What a trace costs: the verdict alone, and with every step kept.
//!
//! `cargo bench -p sim-core --bench trace`
//!
//! A packet goes from one vSwitch to another through two groups of 200 rules, a network ACL of 20 and tables of 200 entries,
//! and its answer comes back. The rule that decides is the last of its group, so that every rule before it is tried. The floor
//! is the look at the same 200 rules in a plain list.

#[path = "../common/network.rs"]
mod network;

use divan::{Bencher, black_box};
use network::Network;
use sim_core::datapath::{Flow, Question, Source};
use sim_core::ecs::authorize::AuthorizeRules;
use sim_core::ecs::eni::Eni;
use sim_core::ecs::group_filter::{PacketProtocol, evaluate};
use sim_core::ecs::instance_create::{Launch, LaunchInterface, RunInstances};
use sim_core::ecs::rule_input::RuleInput;
use sim_core::ecs::security_group::{CreateSecurityGroup, GroupKind};
use sim_core::ecs::security_group_rule::{Direction, Peer, Policy, PortRange, Protocol, RuleSpec};
use sim_core::id::{EniId, InstanceId, NetworkAclId, SecurityGroupId, VSwitchId};
use sim_core::settings::ClockMode;
use sim_core::vpc::network_acl::CreateNetworkAcl;
use sim_core::vpc::network_acl_binding::AssociateNetworkAcl;
use sim_core::vpc::network_acl_rule::{self, UpdateNetworkAclRules};
use sim_core::vpc::next_hop::HopChoice;
use sim_core::vpc::route_entry::{CreateRouteEntry, NewEntry};
use sim_core::vpc::vpc::Vpc;
use sim_core::{Command, Reply, World};

fn main() {
    divan::main();
}

const RULES: u16 = 200;

/// The world, and the packet that is followed through it.
struct Scene {
    world: World,
    question: Question,
}

fn scene() -> Scene {
    let mut network = Network::new(ClockMode::Manual, 1_767_225_600_000);
    let (front, back) = (network.vswitches[0], network.vswitches[1]);
    let sender_group = group(&mut network, Direction::Egress);
    let receiver_group = group(&mut network, Direction::Ingress);
    let sender = host(&mut network, front, sender_group);
    let receiver = host(&mut network, back, receiver_group);
    routes(&mut network, sender);
    acl(&mut network, back);
    let (world, caller) = (network.world, network.caller);
    let receiver = world.get::<Eni>(&receiver).expect("it was made").primary_ip.into();
    let source = Source::Interface(sender, None);
    let port = Some(RULES);
    let flow = Flow { source, protocol: PacketProtocol::Tcp, source_port: None, destination: receiver, port };
    let question = flow.resolve(&world, &caller).expect("it can be asked");
    assert!(question.verdict(&world).delivered());
    Scene { world, question }
}

fn run(network: &mut Network, command: impl Into<Command>) -> Reply {
    let at = network.world.now();
    network.world.apply(at, &network.caller, command.into()).outcome.expect("it is accepted")
}

/// A group of rules for one port each, of which the last fits.
fn group(network: &mut Network, direction: Direction) -> SecurityGroupId {
    let vpc = Some(network.vpcs[0]);
    let group: SecurityGroupId = network.make(CreateSecurityGroup {
        vpc,
        kind: GroupKind::Enterprise,
        name: None,
        description: None,
        resource_group: None,
        tags: Vec::new(),
    });
    let rules: Vec<RuleInput> = (1..=RULES).map(rule).collect();
    for rules in rules.chunks(100) {
        run(network, AuthorizeRules { group, direction, rules: rules.to_vec() });
    }
    group
}

fn rule(port: u16) -> RuleInput {
    let spec = RuleSpec {
        protocol: Protocol::Tcp,
        ports: Some(PortRange { first: port, last: port }),
        source_ports: None,
        policy: Policy::Accept,
        priority: 1,
        peer: Peer::Block("10.0.0.0/8".parse().expect("a block")),
        own: None,
    };
    RuleInput { spec, peer_as_address: false, own_as_address: false, description: Default::default() }
}

/// A running instance's interface.
fn host(network: &mut Network, vswitch: VSwitchId, group: SecurityGroupId) -> EniId {
    let primary =
        LaunchInterface { vswitch: Some(vswitch), groups: vec![group], ..LaunchInterface::default() };
    let launch = Launch {
        instance_type: "ecs.g7.large".into(),
        image: Some("aliyun_3_x64_20G_alibase_20240819.vhd".into()),
        primary,
        ..Launch::default()
    };
    let (launch, host_names) = (Box::new(launch), Vec::new());
    let reply =
        run(network, RunInstances { launch, amount: 1, min_amount: None, host_names, unique_suffix: false });
    let Reply::CreatedMany(ids) = reply else { panic!("instances are made") };
    let id = InstanceId::try_from(ids[0]).expect("an instance");
    network.world.get::<sim_core::ecs::instance::Instance>(&id).expect("it was made").primary_eni
}

/// 200 entries in the system table, none of which the packet takes.
fn routes(network: &mut Network, hop: EniId) {
    let table = network.world.get::<Vpc>(&network.vpcs[0]).expect("it was made").system_table;
    for number in 0..200 {
        let next_hop = HopChoice {
            kind: Some("NetworkInterface".into()),
            id: Some(hop.to_string().into()),
            list: Vec::new(),
        };
        let entry = NewEntry {
            table: table.to_string().into(),
            destination: format!("172.16.{number}.0/24").into(),
            next_hop,
            name: None,
            description: None,
        };
        run(network, CreateRouteEntry { entry });
    }
}

/// An ACL at the edge of a vSwitch, whose last rules let everything through.
fn acl(network: &mut Network, vswitch: VSwitchId) {
    let vpc = network.vpcs[0];
    let create = CreateNetworkAcl { vpc, name: None, description: None, tags: Vec::new() };
    let acl: NetworkAclId = network.make(create);
    let rule = |number: u16| network_acl_rule::RuleInput {
        id: None,
        policy: Policy::Accept,
        protocol: if number == 20 { Protocol::All } else { Protocol::Udp },
        block: "10.0.0.0/8".parse().expect("a block"),
        ports: (number < 20).then_some(PortRange { first: number, last: number }),
        name: Default::default(),
        description: Default::default(),
    };
    let rules = || Some((1..=20).map(rule).collect());
    run(network, UpdateNetworkAclRules { acl, ingress: rules(), egress: rules() });
    run(network, AssociateNetworkAcl { acl, vswitches: vec![vswitch] });
}

#[divan::bench]
fn verdict(bencher: Bencher<'_, '_>) {
    let scene = scene();
    bencher.bench_local(|| black_box(&scene.question).verdict(black_box(&scene.world)));
}

#[divan::bench]
fn trace_with_evidence(bencher: Bencher<'_, '_>) {
    let scene = scene();
    bencher.bench_local(|| black_box(&scene.question).trace(black_box(&scene.world)));
}

#[divan::bench]
fn groups_of_200_rules(bencher: Bencher<'_, '_>) {
    let Scene { world, question } = scene();
    let sim_core::datapath::Place::Interface(id) = question.from else { panic!("an interface sends") };
    let eni = world.get::<Eni>(&id).expect("it was made");
    let packet = question.header.seen(Direction::Egress);
    bencher
        .bench_local(|| evaluate(black_box(&world), black_box(eni), Direction::Egress, black_box(&packet)));
}

/// The floor: the rules in a plain list, one after the other.
#[divan::bench]
fn floor_plain_list(bencher: Bencher<'_, '_>) {
    let specs: Vec<RuleSpec> = (1..=RULES).map(|port| rule(port).spec).collect();
    let Scene { question, .. } = scene();
    let header = question.header;
    bencher.bench_local(|| {
        let header = black_box(&header);
        black_box(&specs).iter().find(|spec| {
            let ports = spec.ports.is_none_or(|r| (r.first..=r.last).contains(&header.port));
            let Peer::Block(block) = spec.peer else { return false };
            ports && block.contains_address(header.destination)
        })
    });
}
