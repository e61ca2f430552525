//! What a trace costs: the verdict alone, with every step kept, by the ten thousand, and after a change; and what answers
//! about sets of interfaces cost.
//!
//! `cargo bench -p sim-core --bench trace`
//!
//! A packet goes from one vSwitch to another through two groups of 200 rules, a network ACL of 20 and tables of 200 entries,
//! and its answer comes back. The rule that decides is the last of its group, so that a scan tries every rule before it. The
//! floor is the look at the same 200 rules in a plain list. Sets lie in a VPC with 100 groups of 50 rules and 10 custom
//! tables; the floor is one walk over the rows of the interfaces.

#[path = "../common/network.rs"]
mod network;

use divan::{Bencher, black_box};
use network::Network;
use sim_core::datapath::reach::{Senders, SetQuestion};
use sim_core::datapath::{Flow, Header, Judge, Question, Source};
use sim_core::ecs::authorize::{AuthorizeRules, RevokeRules, WhichRules};
use sim_core::ecs::eni::Eni;
use sim_core::ecs::group_filter::{PacketProtocol, evaluate};
use sim_core::ecs::instance::Instance;
use sim_core::ecs::instance_create::{Launch, LaunchInterface, RunInstances};
use sim_core::ecs::rule_input::RuleInput;
use sim_core::ecs::security_group::{CreateSecurityGroup, GroupKind};
use sim_core::ecs::security_group_rule::{Direction, Peer, Policy, PortRange, Protocol, RuleSpec};
use sim_core::id::{AnyId, EniId, InstanceId, NetworkAclId, RouteTableId, SecurityGroupId, VSwitchId};
use sim_core::settings::ClockMode;
use sim_core::vpc::network_acl::CreateNetworkAcl;
use sim_core::vpc::network_acl_binding::AssociateNetworkAcl;
use sim_core::vpc::network_acl_rule::{self, UpdateNetworkAclRules};
use sim_core::vpc::next_hop::HopChoice;
use sim_core::vpc::route_entry::{CreateRouteEntry, NewEntry};
use sim_core::vpc::route_table::{AssociateRouteTable, AssociateType, CreateRouteTable};
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
    /// The same packet from each sender to each receiver.
    pairs: Vec<Question>,
}

fn scene() -> Scene {
    crowd(1)
}

/// So many senders and as many receivers.
fn crowd(many: u16) -> Scene {
    let mut network = Network::new(ClockMode::Manual, 1_767_225_600_000);
    let (front, back) = (network.vswitches[0], network.vswitches[1]);
    let sender_group = group(&mut network, Direction::Egress);
    let receiver_group = group(&mut network, Direction::Ingress);
    let senders = hosts(&mut network, front, sender_group, many);
    let receivers = hosts(&mut network, back, receiver_group, many);
    routes(&mut network, senders[0]);
    acl(&mut network, back);
    let (world, caller) = (network.world, network.caller);
    let pair = |sender: EniId, receiver: EniId| {
        let destination = world.get::<Eni>(&receiver).expect("it was made").primary_ip.into();
        let (source, port) = (Source::Interface(sender, None), Some(RULES));
        let protocol = PacketProtocol::Tcp;
        let flow = Flow { source, protocol, source_port: None, destination, port, request: None };
        let question = flow.resolve(&world, &caller).expect("it can be asked");
        assert!(question.verdict(&world).delivered());
        question
    };
    let pairs: Vec<Question> =
        senders.iter().flat_map(|sender| receivers.iter().map(|receiver| pair(*sender, *receiver))).collect();
    Scene { question: pairs[0].clone(), pairs, world }
}

fn run(network: &mut Network, command: impl Into<Command>) -> Reply {
    let at = network.world.now();
    network.world.apply(at, &network.caller, command.into()).outcome.expect("it is accepted")
}

/// A group of rules for one port each, of which the last fits.
fn group(network: &mut Network, direction: Direction) -> SecurityGroupId {
    group_of(network, direction, &(1..=RULES).map(rule).collect::<Vec<_>>())
}

fn group_of(network: &mut Network, direction: Direction, rules: &[RuleInput]) -> SecurityGroupId {
    let vpc = Some(network.vpcs[0]);
    let group: SecurityGroupId = network.make(CreateSecurityGroup {
        vpc,
        kind: GroupKind::Enterprise,
        name: None,
        description: None,
        resource_group: None,
        tags: Vec::new(),
    });
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

/// The interfaces of running instances, at most 100.
fn hosts(network: &mut Network, vswitch: VSwitchId, group: SecurityGroupId, amount: u16) -> Vec<EniId> {
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
        run(network, RunInstances { launch, amount, min_amount: None, host_names, unique_suffix: false });
    let Reply::CreatedMany(ids) = reply else { panic!("instances are made") };
    let eni = |id: &AnyId| {
        let id = InstanceId::try_from(*id).expect("an instance");
        network.world.get::<Instance>(&id).expect("it was made").primary_eni
    };
    ids.iter().map(eni).collect()
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

/// By who has judged packets between the same two before: these differ in their ports, and rules let all of them through.
#[divan::bench(sample_size = 4_096)]
fn verdict_resolved(bencher: Bencher<'_, '_>) {
    let Scene { world, question, .. } = scene();
    let packets = packets(&question, |draw| (PacketProtocol::Tcp, open(draw)));
    assert!(packets.iter().all(|packet| packet.verdict(&world).delivered()));
    judge_all(bencher, &world, &packets);
}

/// The same with packets of which two in five are refused, since no rule is for their protocol or port.
#[divan::bench(sample_size = 4_096)]
fn verdict_resolved_mixed(bencher: Bencher<'_, '_>) {
    let Scene { world, question, .. } = scene();
    let packets = packets(&question, |draw| match draw % 10 {
        0 => (PacketProtocol::Udp, open(draw)),
        1 => (PacketProtocol::Icmp, 0),
        2 | 3 => (PacketProtocol::Tcp, RULES + 1 + draw % 1_000),
        _ => (PacketProtocol::Tcp, open(draw)),
    });
    let delivered = packets.iter().filter(|packet| packet.verdict(&world).delivered()).count();
    assert!((2_300..2_600).contains(&delivered), "{delivered}");
    judge_all(bencher, &world, &packets);
}

/// By who has judged packets between the same before: from any of 32 hosts to any of 32 others, in no order.
#[divan::bench(sample_size = 4_096)]
fn verdict_resolved_among_64_hosts(bencher: Bencher<'_, '_>) {
    let Scene { world, pairs, .. } = crowd(32);
    let mut random = Random(7);
    let packets: Vec<Question> = packets(&pairs[0], |draw| (PacketProtocol::Tcp, open(draw)))
        .into_iter()
        .map(|packet| {
            let pair = &pairs[random.next() as usize % pairs.len()];
            let Header { source, destination, .. } = pair.header;
            let header = Header { source, destination, ..packet.header };
            Question { from: pair.from, header, request: None }
        })
        .collect();
    assert!(packets.iter().all(|packet| packet.verdict(&world).delivered()));
    judge_all(bencher, &world, &packets);
}

/// A linear congruential generator (Knuth, MMIX); its upper bits are used.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }
}

/// One of the ports that rules let through; the platform lets no mail out.
fn open(draw: u16) -> u16 {
    match 1 + draw % RULES {
        25 => 26,
        port => port,
    }
}

/// 4,096 packets of a sender to a receiver, from ports drawn at random, to what is made of another draw.
fn packets(question: &Question, to: impl Fn(u16) -> (PacketProtocol, u16)) -> Vec<Question> {
    let mut random = Random(1);
    let packet = |_| {
        let (source_port, (protocol, port)) =
            (1_024 + random.next() as u16 % 60_000, to(random.next() as u16));
        let source_port = if protocol.has_ports() { source_port } else { 0 };
        let header = Header { protocol, source_port, port, ..question.header };
        Question { header, ..question.clone() }
    };
    (0..4_096).map(packet).collect()
}

fn judge_all(bencher: Bencher<'_, '_>, world: &World, packets: &[Question]) {
    let mut judge = Judge::new(world);
    // Who has judged all of them before.
    for _ in 0..2 {
        for packet in packets {
            black_box(judge.verdict(packet));
        }
    }
    let mut packets = packets.iter().cycle();
    bencher.bench_local(|| judge.verdict(black_box(packets.next().expect("they never end"))));
}

#[divan::bench]
fn trace_with_evidence(bencher: Bencher<'_, '_>) {
    let scene = scene();
    bencher.bench_local(|| black_box(&scene.question).trace(black_box(&scene.world)));
}

#[divan::bench]
fn groups_of_200_rules(bencher: Bencher<'_, '_>) {
    let Scene { world, question, .. } = scene();
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

/// Ten thousand flows of one request, each of them found and judged.
#[divan::bench]
fn batch_of_10000_verdicts(bencher: Bencher<'_, '_>) {
    let Scene { world, question, .. } = scene();
    let sim_core::datapath::Place::Interface(id) = question.from else { panic!("an interface sends") };
    let caller = sim_core::Caller::new(sim_core::AccountId::DEFAULT, network::REGION);
    let flow = |n: u16| Flow {
        source: Source::Interface(id, None),
        protocol: PacketProtocol::Tcp,
        source_port: Some(40_000),
        destination: question.header.destination,
        port: Some(1 + n % RULES),
        request: None,
    };
    let flows: Vec<Flow> = (0..10_000).map(flow).collect();
    bencher.bench_local(|| {
        let mut judge = Judge::new(black_box(&world));
        let asked = flows.iter().map(|flow| flow.resolve(&world, &caller).expect("it can be asked"));
        asked.filter(|question| judge.verdict(question).delivered()).count()
    });
}

/// A VPC with 100 groups of 50 rules each, whose interfaces lie in ten vSwitches with a table each.
struct Estate {
    network: Network,
    groups: Vec<SecurityGroupId>,
    enis: Vec<EniId>,
}

impl Estate {
    fn new(count: usize) -> Estate {
        Estate::of(count, 100, 100)
    }

    /// Interfaces in so many groups, so many of a group launched together.
    fn of(count: usize, group_count: u16, together: usize) -> Estate {
        let mut network = Network::new(ClockMode::Manual, 1_767_225_600_000);
        let rules = |group: u16| -> Vec<RuleInput> {
            let rule = |n: u16| {
                let mut input = rule(3_000 + n * 10);
                let block = format!("10.{}.{}.0/24", n % 10, (group * 7 + n * 5) % 256);
                input.spec.peer = Peer::Block(block.parse().expect("a block"));
                input
            };
            (0..49).map(rule).chain([crate::rule(443)]).collect()
        };
        let mut groups = Vec::new();
        for number in 0..group_count {
            let group = group_of(&mut network, Direction::Ingress, &rules(number));
            let mut out = rule(1);
            out.spec.ports = Some(PortRange { first: 1, last: 65_535 });
            run(&mut network, AuthorizeRules { group, direction: Direction::Egress, rules: vec![out] });
            groups.push(group);
        }
        for number in 0..10 {
            let (vpc, vswitch) = (network.vpcs[0], network.vswitches[number]);
            let create = CreateRouteTable {
                vpc,
                associate_type: AssociateType::VSwitch,
                name: None,
                description: None,
                tags: Vec::new(),
            };
            let route_table: RouteTableId = network.make(create);
            run(&mut network, AssociateRouteTable { route_table, vswitch });
        }
        let mut enis = Vec::new();
        while enis.len() < count {
            let number = enis.len() / together;
            let (vswitch, group) = (network.vswitches[number % 10], groups[number % groups.len()]);
            enis.extend(hosts(&mut network, vswitch, group, together.min(count - enis.len()) as u16));
        }
        Estate { network, groups, enis }
    }

    fn question(&self, to: Vec<EniId>, port: Option<u16>) -> SetQuestion {
        let from = Senders::Interfaces(self.enis.clone());
        SetQuestion {
            vpc: self.network.vpcs[0],
            from,
            to,
            protocol: PacketProtocol::Tcp,
            port,
            source_port: None,
        }
    }
}

/// Who of 1,000 reaches whom of the same 1,000 on one port.
#[divan::bench(sample_count = 10)]
fn reachability_1000_by_1000(bencher: Bencher<'_, '_>) {
    let estate = Estate::new(1_000);
    let question = estate.question(estate.enis.clone(), Some(443));
    bencher.bench_local(|| black_box(&question).answer(black_box(&estate.network.world)));
}

/// The same where every interface has a group of its own, so that no two are alike.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn reachability_1000_by_1000_all_different(bencher: Bencher<'_, '_>) {
    let estate = Estate::of(1_000, 1_000, 1);
    let question = estate.question(estate.enis.clone(), Some(443));
    bencher.bench_local(|| black_box(&question).answer(black_box(&estate.network.world)));
}

/// Who of 100,000 reaches ten of them on one port.
#[divan::bench(sample_count = 10)]
fn set_query_in_100000(bencher: Bencher<'_, '_>) {
    let estate = Estate::new(100_000);
    let question = estate.question(estate.enis[..10].to_vec(), Some(3_010));
    bencher.bench_local(|| black_box(&question).answer(black_box(&estate.network.world)));
}

/// The floor: one walk over the rows of 100,000 interfaces.
#[divan::bench(sample_count = 10)]
fn floor_walk_over_100000(bencher: Bencher<'_, '_>) {
    let estate = Estate::new(100_000);
    bencher.bench_local(|| {
        let rows = black_box(&estate.network.world).table::<Eni>().iter();
        rows.map(|eni| u64::from(eni.primary_ip.to_bits())).sum::<u64>()
    });
}

/// Takes a rule of a group with 10,000 members back and gives it again.
fn flip(estate: &mut Estate) {
    let (group, direction) = (estate.groups[0], Direction::Ingress);
    let input = rule(443);
    let same = WhichRules::Same(direction, vec![input.clone()]);
    run(&mut estate.network, RevokeRules { group, rules: same });
    run(&mut estate.network, AuthorizeRules { group, direction, rules: vec![input] });
}

/// The first verdict after two changes of a group's rules.
#[divan::bench(sample_count = 20)]
fn verdict_after_a_changed_rule(bencher: Bencher<'_, '_>) {
    let mut estate = Estate::new(10_000);
    let question = first_question(&estate);
    bencher.bench_local(|| {
        flip(&mut estate);
        black_box(&question).verdict(&estate.network.world)
    });
}

/// The floor: the two changes alone.
#[divan::bench(sample_count = 20)]
fn floor_changed_rule(bencher: Bencher<'_, '_>) {
    let mut estate = Estate::new(10_000);
    bencher.bench_local(|| flip(&mut estate));
}

/// From a member of the second group to one of the first.
fn first_question(estate: &Estate) -> Question {
    let Estate { network, enis, .. } = estate;
    let destination = network.world.get::<Eni>(&enis[0]).expect("it was made").primary_ip.into();
    let flow = Flow {
        source: Source::Interface(enis[100], None),
        protocol: PacketProtocol::Tcp,
        source_port: None,
        destination,
        port: Some(443),
        request: None,
    };
    let question = flow.resolve(&network.world, &network.caller).expect("it can be asked");
    assert!(question.verdict(&network.world).delivered());
    question
}
