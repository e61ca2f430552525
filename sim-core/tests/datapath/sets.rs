//! Set queries agree with tracing every pair of interfaces with the same source port, on every port that could make a
//! difference.

use crate::lab::Lab;
use crate::net::{Net, host};
use crate::random::{build, sketch};
use crate::reference::naive;
use proptest::prelude::*;
use sim_core::datapath::reach::{Holder, Run, Senders, SetQuestion};
use sim_core::datapath::{Disposition, Header, Place, Question};
use sim_core::ecs::eni::Eni;
use sim_core::ecs::eni_address::{AssignAddresses, Want, Wanted};
use sim_core::ecs::group_filter::PacketProtocol;
use sim_core::ecs::outage::{BeginOutage, OutageTarget};
use sim_core::ecs::security_group_rule::{Policy, PortRange, Protocol};
use sim_core::id::{EniId, NetworkAclId};
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::vpc::eip::Eip;
use sim_core::vpc::eip_binding::Target;
use sim_core::vpc::network_acl::CreateNetworkAcl;
use sim_core::vpc::network_acl_binding::AssociateNetworkAcl;
use sim_core::vpc::network_acl_rule::{RuleInput, UpdateNetworkAclRules};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn set_queries_agree_with_exhaustive_tracing(sketch in sketch(), source_port in source_port()) {
        let (lab, enis) = build(&sketch);
        for (protocol, source_port) in [
            (PacketProtocol::Tcp, None),
            (PacketProtocol::Tcp, source_port),
            (PacketProtocol::Udp, source_port),
            (PacketProtocol::Icmp, None),
            (PacketProtocol::Icmpv6, None),
        ] {
            check_sets(&lab, &enis, protocol, source_port);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_the_internet_reaches_agrees_with_exhaustive_tracing(
        sketch in sketch(),
        source_port in source_port(),
    ) {
        let (lab, enis) = build(&sketch);
        for (protocol, source_port) in [
            (PacketProtocol::Tcp, None),
            (PacketProtocol::Tcp, source_port),
            (PacketProtocol::Udp, source_port),
            (PacketProtocol::Icmp, None),
            (PacketProtocol::Icmpv6, None),
        ] {
            check_internet(&lab, &enis, protocol, source_port);
        }
    }
}

/// A source port of each class that the sketches can make.
fn source_port() -> impl Strategy<Value = Option<u16>> {
    prop::sample::select(vec![1_u16, 22, 25, 67, 68, 80, 81, 444, 1_024, 49_153]).prop_map(Some)
}

/// The source port of the packets that a question is about, as a trace is asked for it.
fn asked_from(protocol: PacketProtocol, source_port: Option<u16>) -> u16 {
    protocol.ports(protocol.has_ports().then_some(80), source_port).unwrap().1
}

/// Whether a protocol goes by IPv4, or by IPv6.
fn goes(protocol: PacketProtocol, v4: bool) -> bool {
    protocol != if v4 { PacketProtocol::Icmpv6 } else { PacketProtocol::Icmp }
}

fn interface(run: &Run) -> EniId {
    match run.holder {
        Holder::Interface(eni) => eni,
        other => panic!("{other:?} is no interface"),
    }
}

/// Every elastic IP address is tried from hosts everywhere on every port that could make a difference.
fn check_internet(lab: &Lab, enis: &[EniId], protocol: PacketProtocol, source_port: Option<u16>) {
    let w = &lab.world;
    let (vpc, to) = (lab.vpc, enis.to_vec());
    let question = SetQuestion { vpc, from: Senders::Internet, to, protocol, port: None, source_port };
    let answer = question.answer(w);
    let source_port = asked_from(protocol, source_port);
    // The naive evaluator knows the IPv4 internet alone.
    for unreached in answer.unreached.iter().filter(|u| u.witness.header.source.is_ipv4()) {
        assert_eq!(unreached.ending.disposition.word(), naive(w, &unreached.witness).1);
    }
    // Who stands on either side, and on which ports.
    let mut told = BTreeMap::new();
    let sides = answer.reached.iter().map(|r| (&r.from, &r.to, &r.ports[..]));
    for (from, to, ports) in sides.chain(answer.unreached.iter().map(|u| (&u.from, &u.to, &[][..]))) {
        for (s, r) in from.iter().flat_map(|s| to.iter().map(move |r| (s, r))) {
            assert_eq!(s.holder, Holder::Internet);
            let twice = told.insert((s.first, s.last, r.holder, r.first), ports);
            assert!(twice.is_none(), "{s:?} {r:?} stands twice");
        }
    }
    for witness in answer.reached.iter().map(|reached| &reached.witness) {
        assert!(naive(w, witness).1 == "delivered");
    }
    let sources: Vec<IpAddr> = ["1.1.1.1", "47.96.1.1", "8.8.8.8", "223.255.255.254", "2400::1"]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    let mut targets: Vec<IpAddr> = w.table::<Eip>().iter().map(|eip| IpAddr::from(eip.address)).collect();
    targets.extend(w.indexes().instances.by_public_address.keys().map(|&address| IpAddr::from(address)));
    for eni in enis.iter().map(|id| w.get::<Eni>(id).unwrap()) {
        targets.push(eni.primary_ip.into());
        targets.extend(eni.ipv6.iter().map(|&address| IpAddr::from(address)));
    }
    let elastic = w.table::<Eip>().iter().filter_map(|eip| match eip.binding?.target {
        Target::LoadBalancer { load_balancer } => Some((eip.address.into(), load_balancer)),
        _ => None,
    });
    let of_internet = w.table::<LoadBalancer>().iter().filter(|balancer| balancer.home.is_none());
    let balancers: BTreeMap<IpAddr, Holder> = of_internet
        .map(|balancer| (balancer.address, balancer.id))
        .chain(elastic)
        .map(|(address, id)| (address, Holder::LoadBalancer(id)))
        .collect();
    targets.extend(w.table::<LoadBalancer>().iter().map(|balancer| balancer.address));
    let pairs = sources.iter().flat_map(|s| targets.iter().map(move |t| (s, t)));
    let carried = |(s, t): &(&IpAddr, &IpAddr)| s.is_ipv4() == t.is_ipv4() && goes(protocol, s.is_ipv4());
    for (&source, &destination) in pairs.filter(carried) {
        for (port, _) in tried(protocol, &[]) {
            let header = Header { protocol, source, source_port, destination, port };
            let ending = (Question { from: Place::Internet, header, request: None }).verdict(w);
            let found: BTreeSet<Holder> = match ending.disposition {
                Disposition::Delivered(Place::Interface(eni)) => {
                    [balancers.get(&destination).copied().unwrap_or(Holder::Interface(eni))].into()
                }
                _ => BTreeSet::new(),
            };
            let said = told.iter().filter(|((first, last, _, to), ports)| {
                (first..=last).contains(&&source)
                    && *to == destination
                    && ports.iter().any(|range| (range.first..=range.last).contains(&port))
            });
            let said: BTreeSet<Holder> = said.map(|((_, _, holder, _), _)| *holder).collect();
            assert_eq!(said, found, "{source} {destination} {port}");
        }
    }
    // Every interface stands in the answer for every host.
    for (eni, source) in enis.iter().flat_map(|eni| sources.iter().map(move |source| (eni, source))) {
        let holder = Holder::Interface(*eni);
        let stands =
            told.keys().any(|(first, last, of, _)| *of == holder && (first..=last).contains(&source));
        let v6 = !w.get::<Eni>(eni).unwrap().ipv6.is_empty();
        let expected = goes(protocol, source.is_ipv4()) && (source.is_ipv4() || v6);
        assert_eq!(stands, expected, "{eni} from {source}");
    }
}

/// Every pair of interfaces and addresses stands in one list of the answer, and traces say the same on every port tried.
fn check_sets(lab: &Lab, enis: &[EniId], protocol: PacketProtocol, source_port: Option<u16>) {
    let w = &lab.world;
    let (vpc, from, to) = (lab.vpc, Senders::Interfaces(enis.to_vec()), enis.to_vec());
    let answer = SetQuestion { vpc, from, to, protocol, port: None, source_port }.answer(w);
    let source_port = asked_from(protocol, source_port);
    let mut pairs = BTreeSet::new();
    let mut check = |from: &[Run], to: &[Run], ports: &[PortRange]| {
        for (s, r) in
            from.iter().flat_map(|s| to.iter().map(move |r| (s, r))).filter(|(s, r)| s.holder != r.holder)
        {
            assert!(pairs.insert((*s, *r)), "{s:?} {r:?} stands twice");
            for (source, destination) in [(s.first, r.first), (s.last, r.last)] {
                let question = |port| Question {
                    from: Place::Interface(interface(s)),
                    header: Header { protocol, source, source_port, destination, port },
                    request: None,
                };
                for (port, expected) in tried(protocol, ports) {
                    let end = question(port).verdict(w).disposition;
                    let found = end == Disposition::Delivered(Place::Interface(interface(r)));
                    assert_eq!(found, expected, "{s:?} {r:?} {port}");
                }
            }
        }
    };
    for reached in &answer.reached {
        assert!(naive(w, &reached.witness).1 == "delivered");
        check(&reached.from, &reached.to, &reached.ports);
    }
    for unreached in &answer.unreached {
        assert_eq!(unreached.ending.disposition.word(), naive(w, &unreached.witness).1);
        check(&unreached.from, &unreached.to, &[]);
    }
    let addresses = |family: fn(&IpAddr) -> bool| -> Vec<(EniId, usize)> {
        let runs: BTreeSet<Run> = pairs.iter().map(|(s, _)| *s).filter(|run| family(&run.first)).collect();
        enis.iter()
            .map(|&eni| (eni, runs.iter().filter(|run| run.holder == Holder::Interface(eni)).count()))
            .collect()
    };
    for (s, r) in &pairs {
        assert!(goes(protocol, s.first.is_ipv4()), "{s:?} {r:?} by {protocol:?}");
    }
    // Each ordered pair of runs of different interfaces and one family.
    let expected: usize = [addresses(IpAddr::is_ipv4), addresses(IpAddr::is_ipv6)]
        .iter()
        .map(|runs| {
            let all: usize = runs.iter().map(|(_, count)| count).sum();
            runs.iter().map(|(_, count)| count * (all - count)).sum::<usize>()
        })
        .sum();
    assert_eq!(pairs.len(), expected);
    assert!(enis.len() < 2 || expected > 0 || protocol == PacketProtocol::Icmpv6);
}

/// Ports on both sides of every range of the sketches, and whether they are said to be open.
fn tried(protocol: PacketProtocol, open: &[PortRange]) -> Vec<(u16, bool)> {
    let ports: &[u16] = match protocol.has_ports() {
        true => &[1, 21, 22, 25, 26, 79, 80, 81, 443, 444, 1023, 1024, 49_152, 65_535],
        false => &[0],
    };
    let said = |port: u16| open.iter().any(|range| (range.first..=range.last).contains(&port));
    ports.iter().map(|&port| (port, said(port))).collect()
}

/// Whether `from` reaches `to` on port 80, and the source port of the packet that shows it.
fn reaches(net: &Net, from: EniId, to: EniId, source_port: Option<u16>) -> (bool, u16) {
    let question = SetQuestion {
        vpc: net.lab.vpc,
        from: Senders::Interfaces(vec![from]),
        to: vec![to],
        protocol: PacketProtocol::Tcp,
        port: Some(80),
        source_port,
    };
    let answer = question.answer(&net.lab.world);
    let yes = answer.reached.first().map(|reached| (true, reached.witness.header.source_port));
    yes.unwrap_or_else(|| (false, answer.unreached[0].witness.header.source_port))
}

#[test]
fn an_interface_that_routes_lead_to_is_a_class_of_its_own() {
    let mut net = Net::open();
    let (web, group) = (net.lab.web, net.front_group);
    let twin = host(&mut net.lab, web, group, [10, 0, 1, 11]);
    // Answers to both go by the one, which takes its own and minds the other's.
    let (table, front) = (net.table(net.lab.db), net.front);
    net.redirect(table, "10.0.1.0/24", front);
    net.check(front, true);
    net.check(twin, true);
    let (from, to, protocol) = (Senders::Interfaces(vec![front, twin]), vec![net.back], PacketProtocol::Tcp);
    let answer = SetQuestion { vpc: net.lab.vpc, from, to, protocol, port: Some(80), source_port: None }
        .answer(&net.lab.world);
    let senders = |runs: &[Run]| runs.iter().map(interface).collect::<Vec<_>>();
    assert_eq!(answer.reached.iter().flat_map(|r| senders(&r.from)).collect::<Vec<_>>(), [front]);
    assert_eq!(answer.unreached.iter().flat_map(|u| senders(&u.from)).collect::<Vec<_>>(), [twin]);
    assert_eq!(answer.reasons().len(), 1);
}

#[test]
fn an_interface_that_is_cut_off_is_in_no_class_with_one_that_is_not() {
    let mut net = Net::open();
    let (web, group, front) = (net.lab.web, net.front_group, net.front);
    let twin = host(&mut net.lab, web, group, [10, 0, 1, 11]);
    let both = |net: &Net| {
        let (from, to, protocol) =
            (Senders::Interfaces(vec![front, twin]), vec![net.back], PacketProtocol::Tcp);
        SetQuestion { vpc: net.lab.vpc, from, to, protocol, port: Some(80), source_port: None }
            .answer(&net.lab.world)
    };
    let senders = |runs: &[Run]| runs.iter().map(interface).collect::<Vec<_>>();
    assert_eq!(senders(&both(&net).reached[0].from), [front, twin]);
    net.lab.ok(BeginOutage { target: OutageTarget::Eni(twin), from: None, until: None });
    let answer = both(&net);
    assert_eq!(senders(&answer.reached[0].from), [front]);
    assert_eq!(senders(&answer.unreached[0].from), [twin]);
    assert_eq!(answer.unreached[0].ending.disposition.word(), "cut_off");
}

#[test]
fn answers_come_back_to_the_source_port_that_is_asked_about() {
    let mut net = Net::open();
    let (vpc, vswitches) = (net.lab.vpc, vec![net.lab.db]);
    let acl: NetworkAclId =
        net.lab.ok(CreateNetworkAcl { vpc, name: None, description: None, tags: Vec::new() }).id();
    let answers = RuleInput {
        id: None,
        policy: Policy::Accept,
        protocol: Protocol::Tcp,
        block: "10.0.0.0/8".parse().unwrap(),
        ports: Some(PortRange { first: 2_000, last: 2_999 }),
        name: "".into(),
        description: "".into(),
    };
    net.lab.ok(UpdateNetworkAclRules { acl, ingress: None, egress: Some(vec![answers]) });
    assert_eq!(reaches(&net, net.front, net.back, None), (true, 49_152));
    net.lab.ok(AssociateNetworkAcl { acl, vswitches });
    // Few clients have such a port, and none can be told to use it.
    assert_eq!(reaches(&net, net.front, net.back, None), (false, 49_152));
    for (source_port, passes) in [(1_999, false), (2_000, true), (2_999, true), (3_000, false)] {
        assert_eq!(reaches(&net, net.front, net.back, Some(source_port)), (passes, source_port));
    }
}

#[test]
fn icmp_goes_by_its_own_family_alone() {
    let mut net = Net::open();
    let (web, group) = (net.lab.web, net.back_group);
    let other = host(&mut net.lab, web, group, [10, 0, 1, 20]);
    for eni in [net.front, other] {
        net.lab.ok(AssignAddresses { eni, wanted: Wanted { ipv6: Want::Count(1), ..Wanted::default() } });
    }
    let families = |protocol| -> BTreeSet<bool> {
        let (from, to) = (Senders::Interfaces(vec![net.front]), vec![other]);
        let (vpc, port, source_port) = (net.lab.vpc, None, None);
        let answer = SetQuestion { vpc, from, to, protocol, port, source_port }.answer(&net.lab.world);
        let runs = answer.reached.iter().flat_map(|r| &r.to);
        runs.chain(answer.unreached.iter().flat_map(|u| &u.to)).map(|run| run.first.is_ipv4()).collect()
    };
    assert_eq!(families(PacketProtocol::Icmp), [true].into());
    assert_eq!(families(PacketProtocol::Icmpv6), [false].into());
    assert_eq!(families(PacketProtocol::Gre), [false, true].into());
}
