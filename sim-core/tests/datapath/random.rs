//! Random worlds: the datapath agrees with the naive evaluator, the verdict with the trace, and remedies hold.

use crate::balancer_sketch::{self, BalancerSketch};
use crate::ha_vip_sketch::{self, HaVipSketch};
use crate::lab::*;
use crate::nat;
use crate::nat_sketch::{self, NatSketch};
use crate::net::{allocate, check, entry, host_as};
use crate::peer_sketch::{self, PeerSketch};
use crate::reference::{End, naive};
use crate::rule_sketch::{RuleSketch, acl_rule, rule};
use proptest::prelude::*;
use sim_core::command::Command;
use sim_core::datapath::hop::RuleVerdict;
use sim_core::datapath::remedy::remedy;
use sim_core::datapath::{Disposition, Ending, Flow, Hop, Question, Request, Source};
use sim_core::ecs::authorize::AuthorizeRules;
use sim_core::ecs::eni::{CreateEni, DeleteEni, Eni, EniKind, TrafficMode};
use sim_core::ecs::eni_address::{AssignAddresses, Want, Wanted};
use sim_core::ecs::eni_attachment::AttachEni;
use sim_core::ecs::group_filter::PacketProtocol;
use sim_core::ecs::rule_input::RuleInput;
use sim_core::ecs::security_group::{GroupKind, ModifySecurityGroup};
use sim_core::ecs::security_group_rule::{Direction, Peer, Policy, PortRange, Protocol, RuleSpec};
use sim_core::id::{AnyId, EniId, NatGatewayId, NetworkAclId, RouteTableId, SecurityGroupId, VSwitchId};
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::vpc::eip::Eip;
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind};
use sim_core::vpc::network_acl::CreateNetworkAcl;
use sim_core::vpc::network_acl_binding::AssociateNetworkAcl;
use sim_core::vpc::network_acl_rule::{self, UpdateNetworkAclRules};
use sim_core::vpc::resident::CreateResident;
use sim_core::vpc::route_entry::{EntryRef, ModifyRouteEntry};
use sim_core::vpc::route_table::{AssociateRouteTable, AssociateType, CreateRouteTable};
use sim_core::vpc::vswitch::VSwitch;
use sim_core::{Span, World};
use std::net::IpAddr;

#[derive(Clone, Debug)]
struct HostSketch {
    vswitch: usize,
    groups: u8,
    running: bool,
    checks: bool,
    ipv6: bool,
    /// Whether it has a static public address, and whether that is in force.
    public: Option<bool>,
}

impl HostSketch {
    fn of((vswitch, groups, state, public): (usize, u8, (bool, bool, bool), Option<bool>)) -> HostSketch {
        let (running, checks, ipv6) = state;
        HostSketch { vswitch, groups, running, checks, ipv6, public }
    }
}

/// Interfaces by number; a foreign source and another destination in place of theirs.
#[derive(Clone, Debug)]
struct QuestionSketch {
    from: usize,
    foreign: Option<&'static str>,
    to: usize,
    elsewhere: Option<&'static str>,
    protocol: PacketProtocol,
    port: u16,
}

#[derive(Clone, Debug)]
pub struct Sketch {
    enterprise: bool,
    open: [bool; 3],
    hosts: Vec<HostSketch>,
    /// Interfaces beside the hosts': vSwitch, groups, the host they are attached to, whether they are deleted later.
    spares: Vec<(usize, u8, Option<usize>, bool)>,
    rules: Vec<RuleSketch>,
    tables: [Option<usize>; 3],
    /// Table (0 is the system table), destination, next hop.
    routes: Vec<(usize, &'static str, usize)>,
    /// Custom table, vSwitch, next hop.
    redirects: Vec<(usize, usize, usize)>,
    acl_rules: Vec<RuleSketch>,
    acls: [Option<usize>; 3],
    resident: Option<(u8, Option<u16>)>,
    /// The interfaces that get an elastic IP address; one more is bound to nothing.
    eips: Vec<usize>,
    nat: NatSketch,
    balancers: Vec<BalancerSketch>,
    ha_vips: Vec<HaVipSketch>,
    peer: Option<PeerSketch>,
    questions: Vec<QuestionSketch>,
}

const DESTINATIONS: [&str; 7] =
    ["0.0.0.0/0", "172.20.0.0/16", "172.20.1.0/24", "192.168.0.0/16", "10.0.0.0/16", "47.0.0.0/8", "::/0"];
const ELSEWHERE: [&str; 15] = [
    "172.20.1.5",
    "172.20.2.5",
    "192.168.7.7",
    "10.0.77.1",
    "10.0.2.200",
    "47.1.1.1",
    "100.100.2.136",
    "100.64.9.9",
    "10.0.2.100",
    "10.0.3.100",
    "10.0.1.70",
    "10.0.2.70",
    "10.0.2.71",
    "10.0.3.70",
    "2400:3200::1",
];

/// Requests to listeners, some of which have forwarding rules.
const REQUESTS: [(&str, &str); 5] = [
    ("shop.test", "/"),
    ("shop.test:80", "/cart/1?a=b"),
    ("a.shop.test", "/cart"),
    ("b.test", "/other"),
    ("elsewhere", "/cart/1"),
];

pub fn sketch() -> impl Strategy<Value = Sketch> {
    let public = prop::option::weighted(0.25, prop::bool::weighted(0.7));
    let state = (prop::bool::weighted(0.85), prop::bool::weighted(0.15), any::<bool>());
    let host = (0..3_usize, 1..8_u8, state, public).prop_map(HostSketch::of);
    let spare = (0..3_usize, 1..8_u8, prop::option::weighted(0.6, 0..6_usize), prop::bool::weighted(0.5));
    let question = (
        0..6_usize,
        prop::option::weighted(
            0.15,
            prop::sample::select(vec!["172.20.1.5", "172.20.2.5", "10.0.1.12", "10.0.1.70", "10.0.2.70"]),
        ),
        0..8_usize,
        prop::option::weighted(0.4, prop::sample::select(ELSEWHERE.to_vec())),
        prop::sample::select(vec![PacketProtocol::Tcp, PacketProtocol::Udp, PacketProtocol::Icmp]),
        prop::sample::select(vec![80_u16, 22, 25, 3306]),
    )
        .prop_map(|(from, foreign, to, elsewhere, protocol, port)| QuestionSketch {
            from,
            foreign,
            to,
            elsewhere,
            protocol,
            port,
        });
    let place = || [prop::option::of(0..2_usize), prop::option::of(0..2_usize), prop::option::of(0..2_usize)];
    (
        (prop::bool::weighted(0.2), any::<[bool; 3]>(), prop::collection::vec(host, 3..7)),
        prop::collection::vec(spare, 0..3),
        prop::collection::vec(rule(3), 0..14),
        (
            place(),
            prop::collection::vec(
                (0..3_usize, prop::sample::select(DESTINATIONS.to_vec()), 0..16_usize),
                0..9,
            ),
            prop::collection::vec((0..2_usize, 0..3_usize, 0..9_usize), 0..4),
        ),
        (prop::collection::vec(rule(2), 0..8), place()),
        prop::option::of((1..8_u8, prop::option::of(Just(3306_u16)))),
        (
            prop::collection::vec(0..8_usize, 0..4),
            nat_sketch::sketch(),
            balancer_sketch::sketch(),
            ha_vip_sketch::sketch(),
        ),
        (prop::option::weighted(0.4, peer_sketch::sketch()), prop::collection::vec(question, 1..20)),
    )
        .prop_map(
            |(
                (enterprise, open, hosts),
                spares,
                rules,
                (tables, routes, redirects),
                (acl_rules, acls),
                resident,
                (eips, nat, balancers, ha_vips),
                (peer, questions),
            )| {
                Sketch {
                    enterprise,
                    open,
                    hosts,
                    spares,
                    rules,
                    tables,
                    routes,
                    redirects,
                    acl_rules,
                    acls,
                    resident,
                    eips,
                    nat,
                    balancers,
                    ha_vips,
                    peer,
                    questions,
                }
            },
        )
}

/// The world of a sketch and its interfaces. What a rule of the world refuses is left out.
pub fn build(sketch: &Sketch) -> (Lab, Vec<EniId>) {
    let mut lab = Lab::new();
    let vswitches = [lab.web, lab.db, lab.far];
    let kind = if sketch.enterprise { GroupKind::Enterprise } else { GroupKind::Basic };
    let vpc = lab.vpc;
    let groups: Vec<SecurityGroupId> = (0..3).map(|_| lab.ok(group(vpc, kind)).id()).collect();
    for (&group, &open) in groups.iter().zip(&sketch.open) {
        let inner_access = Some(open);
        let _ = lab.run(ModifySecurityGroup { group, name: None, description: None, inner_access });
    }
    let of = |bits: u8| (0..3).filter(|n| bits >> n & 1 == 1).map(|n| groups[n]).collect::<Vec<_>>();
    let mut enis = Vec::new();
    for (n, sketch) in sketch.hosts.iter().enumerate() {
        let vswitch = vswitches[sketch.vswitch];
        let first = lab.world.get::<VSwitch>(&vswitch).unwrap().block.bits();
        let address = (first + 10 + n as u32).to_be_bytes();
        let eni = host_as(&mut lab, vswitch, groups[0], address, sketch.public);
        let instance = lab.world.get::<Eni>(&eni).unwrap().instance.unwrap();
        let change = sim_core::ecs::instance_modify::ModifyInstance {
            groups: Some(of(sketch.groups)),
            ..crate::lab::change(instance)
        };
        lab.ok(change);
        if sketch.ipv6 {
            let wanted = Wanted { ipv6: Want::Count(1), ..Wanted::default() };
            let _ = lab.run(AssignAddresses { eni, wanted });
        }
        check(&mut lab, eni, sketch.checks);
        enis.push(eni);
    }
    let hosts = enis.clone();
    for &(vswitch, bits, attached, _) in &sketch.spares {
        let eni: EniId = lab
            .ok(CreateEni {
                vswitch: vswitches[vswitch],
                kind: EniKind::Secondary,
                groups: of(bits),
                primary_ip: None,
                wanted: Wanted { ipv4_prefixes: Want::Count(1), ..Wanted::default() },
                name: None,
                description: None,
                delete_on_release: false,
                source_dest_check: false,
                queues: None,
                traffic_mode: TrafficMode::Standard,
                resource_group: None,
                tags: Vec::new(),
            })
            .id();
        if let Some(&host) = attached.and_then(|n| hosts.get(n)) {
            let instance = lab.world.get::<Eni>(&host).unwrap().instance.unwrap();
            let _ = lab.run(AttachEni { eni, instance, trunk: None });
        }
        enis.push(eni);
    }
    if let Some((bits, port)) = sketch.resident {
        let (vswitch, address) = (lab.db, Some([10, 0, 2, 100].into()));
        let (groups, tags) = (of(bits), Vec::new());
        lab.ok(CreateResident { kind: "rds".into(), vswitch, groups, address, name: None, port, tags });
    }
    add_eips(&mut lab, sketch, &enis);
    add_rules(&mut lab, sketch, &groups);
    let vips = ha_vip_sketch::add(&mut lab, &sketch.ha_vips, &vswitches, &enis);
    let before = if sketch.nat.first { sketch.nat.gateways } else { 0 };
    let mut gateways: Vec<NatGatewayId> = (0..before).map(|_| nat::gateway(&mut lab)).collect();
    let mut ways = nat_sketch::internet_gateways(&mut lab, &sketch.nat);
    ways.extend(vips.iter().map(|&vip| AnyId::from(vip)));
    let tables = add_routes(&mut lab, sketch, &vswitches, (&hosts, &enis, &gateways), &ways);
    nat_sketch::activate(&mut lab, &sketch.nat, &tables, &hosts);
    gateways.extend((before..sketch.nat.gateways).map(|_| nat::gateway(&mut lab)));
    nat_sketch::add(&mut lab, &sketch.nat, &gateways, &hosts, &groups);
    add_acls(&mut lab, sketch, &vswitches);
    let db = lab.db;
    balancer_sketch::add(&mut lab, &sketch.balancers, db, &enis);
    for (eni, host) in hosts.iter().zip(&sketch.hosts).filter(|(_, host)| !host.running) {
        assert!(!host.running);
        let instance = lab.world.get::<Eni>(eni).unwrap().instance.unwrap();
        lab.ok(stop(&[instance]));
    }
    let mut kept = hosts;
    for (&eni, spare) in enis[kept.len()..].iter().zip(&sketch.spares) {
        if !(spare.3 && lab.run(DeleteEni { eni }).is_ok()) {
            kept.push(eni);
        }
    }
    if let Some(peer) = &sketch.peer {
        kept.extend(peer_sketch::add(&mut lab, peer, &tables));
    }
    // Probes have their time.
    lab.wait(60_000);
    (lab, kept)
}

fn way(ingress: bool) -> Direction {
    if ingress { Direction::Ingress } else { Direction::Egress }
}

fn add_eips(lab: &mut Lab, sketch: &Sketch, enis: &[EniId]) {
    lab.ok(allocate());
    for n in &sketch.eips {
        let eni = lab.world.get::<Eni>(&enis[n % enis.len()]).unwrap();
        let (kind, target) = match eni.kind {
            EniKind::Primary => (TargetKind::EcsInstance, eni.instance.unwrap().to_string()),
            _ => (TargetKind::NetworkInterface, eni.id.to_string()),
        };
        let eip = lab.ok(allocate()).id();
        let (target, private_address, mode) = (target.into(), None, Mode::Nat);
        let _ = lab.run(AssociateEip { eip, kind, target, private_address, mode, region: None });
    }
}

fn add_rules(lab: &mut Lab, sketch: &Sketch, groups: &[SecurityGroupId]) {
    for rule in &sketch.rules {
        let peer = match rule.peer_group {
            Some(n) => Peer::Group(groups[n]),
            None => Peer::Block(rule.block.parse().unwrap()),
        };
        let policy = if rule.drop { Policy::Drop } else { Policy::Accept };
        let ports = rule.ports.map(|(first, last)| PortRange { first, last });
        let (protocol, priority) = (rule.protocol, rule.priority);
        let spec = RuleSpec { protocol, ports, source_ports: None, policy, priority, peer, own: None };
        let input = RuleInput { spec, peer_as_address: false, own_as_address: false, description: "".into() };
        let (group, direction) = (groups[rule.of], way(rule.ingress));
        let _ = lab.run(AuthorizeRules { group, direction, rules: vec![input] });
    }
}

/// Routes to hosts, interfaces and NAT gateways.
fn add_routes(
    lab: &mut Lab,
    sketch: &Sketch,
    vswitches: &[VSwitchId; 3],
    (hosts, enis, gateways): (&[EniId], &[EniId], &[NatGatewayId]),
    ways: &[AnyId],
) -> Vec<RouteTableId> {
    let vpc = lab.vpc;
    let mut tables: Vec<RouteTableId> = vec![lab.table];
    for _ in 0..2 {
        let associate_type = AssociateType::VSwitch;
        let made = CreateRouteTable { vpc, associate_type, name: None, description: None, tags: Vec::new() };
        tables.push(lab.ok(made).id());
    }
    for (&vswitch, table) in vswitches.iter().zip(sketch.tables) {
        if let Some(table) = table {
            lab.ok(AssociateRouteTable { route_table: tables[table + 1], vswitch });
        }
    }
    // The first numbers are hosts as instances, the last gateways, the rest interfaces.
    let hop = |lab: &Lab, n: usize| -> AnyId {
        if let (Some(way), 12..) = (ways.get(n % 4), n) {
            return *way;
        }
        if let (Some(gateway), 9..) = (gateways.get(n % 2), n) {
            return (*gateway).into();
        }
        match hosts.get(n / 2).filter(|_| n.is_multiple_of(2)) {
            Some(host) => lab.world.get::<Eni>(host).unwrap().instance.unwrap().into(),
            None => enis[n % enis.len()].into(),
        }
    };
    for (table, gateway) in tables[1..].iter().zip(&sketch.nat.defaults) {
        if let Some(gateway) = gateway.and_then(|n| gateways.get(n)) {
            lab.ok(entry(*table, "0.0.0.0/0", *gateway));
        }
    }
    for &(table, destination, n) in &sketch.routes {
        let command = entry(tables[table], destination, hop(lab, n));
        let _ = lab.run(command);
    }
    for &(table, vswitch, n) in &sketch.redirects {
        let block = lab.world.get::<VSwitch>(&vswitches[vswitch]).unwrap().block;
        let entry = EntryRef {
            entry: None,
            table: Some(tables[table + 1].to_string().into()),
            destination: Some(block.to_string().into()),
        };
        let next_hop_kind = Some("NetworkInterface".into());
        let next_hop = Some(enis[n % enis.len()].to_string().into());
        let _ = lab.run(ModifyRouteEntry { entry, name: None, description: None, next_hop_kind, next_hop });
    }
    tables
}

fn add_acls(lab: &mut Lab, sketch: &Sketch, vswitches: &[VSwitchId; 3]) {
    let vpc = lab.vpc;
    for number in 0..2 {
        let acl: NetworkAclId = lab.ok(new_acl(vpc)).id();
        let side = |ingress: bool| {
            let rules = sketch.acl_rules.iter().filter(|r| r.of == number && r.ingress == ingress);
            let mut rules: Vec<network_acl_rule::RuleInput> = rules.map(acl_rule).collect();
            // Most ACLs end by letting the rest through, or little would get anywhere.
            if number == 0 {
                rules.push(acl_rule(&RuleSketch {
                    of: 0,
                    ingress,
                    protocol: Protocol::All,
                    ports: None,
                    drop: false,
                    priority: 1,
                    block: "0.0.0.0/0",
                    peer_group: None,
                }));
            }
            Some(rules)
        };
        lab.ok(UpdateNetworkAclRules { acl, ingress: side(true), egress: side(false) });
        let bound = vswitches.iter().zip(sketch.acls).filter(|(_, wanted)| *wanted == Some(number));
        let vswitches: Vec<VSwitchId> = bound.map(|(&vswitch, _)| vswitch).collect();
        if !vswitches.is_empty() {
            lab.ok(AssociateNetworkAcl { acl, vswitches });
        }
    }
}

fn new_acl(vpc: sim_core::id::VpcId) -> Command {
    CreateNetworkAcl { vpc, name: None, description: None, tags: Vec::new() }.into()
}

/// The questions of a sketch that can be asked in its world.
pub fn questions(w: &World, sketch: &Sketch, enis: &[EniId]) -> Vec<Question> {
    let ask = |sketch: &QuestionSketch| {
        let QuestionSketch { from, foreign, to, elsewhere, protocol, port } = *sketch;
        let from = enis[from % enis.len()];
        let target = w.get::<Eni>(&enis[to % enis.len()]).unwrap();
        let destination: IpAddr = match elsewhere {
            Some(text) => text.parse().unwrap(),
            // Sometimes the IPv6 address, sometimes one of a prefix.
            None if port == 22 && !target.ipv6.is_empty() => target.ipv6[0].into(),
            None => match target.ipv4_prefixes.first().filter(|_| port == 22) {
                Some(prefix) => prefix.last().into(),
                None => target.primary_ip.into(),
            },
        };
        let protocol = match (protocol, destination) {
            (PacketProtocol::Icmp, IpAddr::V6(_)) => PacketProtocol::Icmpv6,
            (protocol, _) => protocol,
        };
        let address = foreign.filter(|_| destination.is_ipv4()).map(|text| text.parse().unwrap());
        let port = protocol.has_ports().then_some(port);
        let source = Source::Interface(from, address);
        let flow = Flow { source, protocol, source_port: None, destination, port, request: None };
        flow.resolve(w, &caller()).ok()
    };
    let mut all: Vec<Question> = sketch.questions.iter().filter_map(ask).collect();
    // From the internet and from inside to each elastic IP address and load balancer.
    let balancers = w.table::<LoadBalancer>().iter().map(|balancer| balancer.address);
    let fixed = w.indexes().instances.by_public_address.keys().map(|&address| IpAddr::from(address));
    let eips = w.table::<Eip>().iter().map(|eip| eip.address.into());
    for address in eips.chain(fixed).chain(balancers) {
        let inside = enis.iter().map(|&eni| Source::Interface(eni, None));
        for source in inside.take(2).chain([Source::Outside([47, 1, 1, 1].into())]) {
            for (port, protocol) in [
                (80, PacketProtocol::Tcp),
                (8003, PacketProtocol::Tcp),
                (22, PacketProtocol::Tcp),
                (22, PacketProtocol::Udp),
            ] {
                let (destination, port) = (address, Some(port));
                let flow = Flow { source, protocol, source_port: None, destination, port, request: None };
                all.extend(flow.resolve(w, &caller()).ok());
            }
            for (host, path) in REQUESTS {
                let (protocol, destination, port) = (PacketProtocol::Tcp, address, Some(80));
                let request = Some(Request::new(Some(host), Some(path)).unwrap());
                let flow = Flow { source, protocol, source_port: None, destination, port, request };
                all.extend(flow.resolve(w, &caller()).ok());
            }
        }
    }
    for address in enis.iter().filter_map(|id| w.get::<Eni>(id)?.ipv6.first()) {
        let (protocol, destination, port) = (PacketProtocol::Tcp, (*address).into(), Some(80));
        let source = Source::Outside("2400:3200::1".parse().unwrap());
        let flow = Flow { source, protocol, source_port: None, destination, port, request: None };
        all.extend(flow.resolve(w, &caller()).ok());
    }
    all
}

pub fn end_of(ending: &Ending) -> End {
    let place = match ending.disposition {
        Disposition::Delivered(place) | Disposition::AnswerAstray { place } => Some(place),
        _ => None,
    };
    (ending.leg, ending.disposition.word(), place)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn traces_agree_with_a_naive_evaluator(sketch in sketch()) {
        let (lab, enis) = build(&sketch);
        for question in questions(&lab.world, &sketch, &enis) {
            let trace = question.trace(&lab.world);
            prop_assert_eq!(end_of(&trace.ending), naive(&lab.world, &question), "{:?}", trace);
            prop_assert_eq!(trace.ending, question.verdict(&lab.world));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn remedies_let_packets_through(sketch in sketch()) {
        let (lab, enis) = build(&sketch);
        let delivers = |question: &Question, changes: &[Command]| {
            let mut copy = lab.world.clone();
            for change in changes {
                let applied = copy.apply(copy.now(), &caller(), change.clone());
                copy.advance(copy.now() + Span(600_000));
                if applied.outcome.is_err() {
                    return false;
                }
            }
            naive(&copy, question).1 == "delivered"
        };
        for question in questions(&lab.world, &sketch, &enis).iter().take(4) {
            let Some(found) = remedy(&lab.world, &caller(), question) else { continue };
            prop_assert!(delivers(question, &found.changes), "{:?}", found);
            for left_out in 0..found.changes.len() {
                let mut fewer = found.changes.clone();
                fewer.remove(left_out);
                prop_assert!(!delivers(question, &fewer), "{left_out} of {:?}", found);
            }
        }
    }
}

/// How questions about random worlds end, sooner or later.
const ENDS: &[&str] = &[
    "delivered",
    "security_group_drop",
    "network_acl_drop",
    "not_attached",
    "instance_not_running",
    "source_dest_check",
    "no_route",
    "next_hop_gone",
    "loop",
    "nobody_there",
    "port_not_served",
    "no_public_path",
    "eip_not_bound",
    "answer_astray",
    "answer_foreign",
    "nat_not_forwarded",
    "ipv6_egress_only",
    "router_interface_down",
    "load_balancer_down",
    "no_listener",
    "listener_stopped",
    "listener_access_drop",
    "no_healthy_backend",
    "backend_calls_itself",
    "ha_vip_unanswered",
];
/// How many worlds may be needed for that: a new sketch shifts all of them.
const PATIENCE: usize = 1_500;

/// The worlds are worth asking: their questions end in many ways.
#[test]
fn random_worlds_end_in_many_ways() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut words = std::collections::BTreeMap::new();
    let mut ruled = std::collections::BTreeSet::new();
    for _ in 0..PATIENCE {
        let sketch = sketch().new_tree(&mut runner).unwrap().current();
        let (lab, enis) = build(&sketch);
        for question in questions(&lab.world, &sketch, &enis) {
            let ending = question.verdict(&lab.world);
            let rules = question.trace(&lab.world).forward.into_iter().filter_map(|hop| match hop {
                Hop::ForwardingRules { verdict, .. } => Some(verdict),
                _ => None,
            });
            let kind = |verdict: Option<RuleVerdict>| match verdict {
                None => "not asked",
                Some(RuleVerdict { taken_by: Some(_), .. }) => "taken",
                Some(RuleVerdict { nearest: Some(_), .. }) => "no URL",
                Some(_) => "no domain",
            };
            ruled.extend(rules.map(kind));
            *words.entry(ending.disposition.word()).or_insert(0) += 1;
        }
        if ruled.len() == 4 && ENDS.iter().all(|word| words.contains_key(word)) {
            return;
        }
    }
    let missing: Vec<_> = ENDS.iter().filter(|word| !words.contains_key(*word)).collect();
    panic!("{missing:?} of {words:?}, {ruled:?}");
}
