//! Set queries agree with tracing every pair of interfaces on every port that could make a difference.

use crate::lab::Lab;
use crate::net::{Net, host};
use crate::random::{build, sketch};
use crate::reference::naive;
use proptest::prelude::*;
use sim_core::datapath::reach::{Holder, Run, Senders, SetQuestion};
use sim_core::datapath::{Disposition, Header, Place, Question};
use sim_core::ecs::eni::Eni;
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
    fn set_queries_agree_with_exhaustive_tracing(sketch in sketch()) {
        let (lab, enis) = build(&sketch);
        for protocol in [PacketProtocol::Tcp, PacketProtocol::Icmp] {
            check_sets(&lab, &enis, protocol);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_the_internet_reaches_agrees_with_exhaustive_tracing(sketch in sketch()) {
        let (lab, enis) = build(&sketch);
        for protocol in [PacketProtocol::Tcp, PacketProtocol::Udp, PacketProtocol::Icmp] {
            check_internet(&lab, &enis, protocol);
        }
    }
}

fn interface(run: &Run) -> EniId {
    match run.holder {
        Holder::Interface(eni) => eni,
        other => panic!("{other:?} is no interface"),
    }
}

/// Every elastic IP address is tried from hosts everywhere on every port that could make a difference.
fn check_internet(lab: &Lab, enis: &[EniId], protocol: PacketProtocol) {
    let w = &lab.world;
    let question =
        SetQuestion { vpc: lab.vpc, from: Senders::Internet, to: enis.to_vec(), protocol, port: None };
    let answer = question.answer(w);
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
    for (&source, &destination) in pairs.filter(|(s, t)| s.is_ipv4() == t.is_ipv4()) {
        for (port, _) in tried(protocol, &[]) {
            let found: BTreeSet<Holder> = source_ports(protocol)
                .iter()
                .filter_map(|&source_port| {
                    let header = Header { protocol, source, source_port, destination, port };
                    match (Question { from: Place::Internet, header, request: None }).verdict(w).disposition {
                        Disposition::Delivered(Place::Interface(eni)) => {
                            Some(balancers.get(&destination).copied().unwrap_or(Holder::Interface(eni)))
                        }
                        _ => None,
                    }
                })
                .collect();
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
        assert_eq!(stands, source.is_ipv4() || v6, "{eni} from {source}");
    }
}

/// Every pair of interfaces and addresses stands in one list of the answer, and traces say the same on every port tried.
fn check_sets(lab: &Lab, enis: &[EniId], protocol: PacketProtocol) {
    let w = &lab.world;
    let (vpc, from, to) = (lab.vpc, Senders::Interfaces(enis.to_vec()), enis.to_vec());
    let answer = SetQuestion { vpc, from, to, protocol, port: None }.answer(w);
    let mut pairs = BTreeSet::new();
    let mut check = |from: &[Run], to: &[Run], ports: &[PortRange]| {
        for (s, r) in
            from.iter().flat_map(|s| to.iter().map(move |r| (s, r))).filter(|(s, r)| s.holder != r.holder)
        {
            assert!(pairs.insert((*s, *r)), "{s:?} {r:?} stands twice");
            for (source, destination) in [(s.first, r.first), (s.last, r.last)] {
                let question = |source_port, port| Question {
                    from: Place::Interface(interface(s)),
                    header: Header { protocol, source, source_port, destination, port },
                    request: None,
                };
                for (port, expected) in tried(protocol, ports) {
                    let found = source_ports(protocol)
                        .iter()
                        .map(|&source_port| question(source_port, port).verdict(w).disposition)
                        .any(|end| end == Disposition::Delivered(Place::Interface(interface(r))));
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
    // Each ordered pair of runs of different interfaces and one family.
    let expected: usize = [addresses(IpAddr::is_ipv4), addresses(IpAddr::is_ipv6)]
        .iter()
        .map(|runs| {
            let all: usize = runs.iter().map(|(_, count)| count).sum();
            runs.iter().map(|(_, count)| count * (all - count)).sum::<usize>()
        })
        .sum();
    assert_eq!(pairs.len(), expected);
    assert!(enis.len() < 2 || expected > 0);
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

/// A source port of each class that the sketches can make.
fn source_ports(protocol: PacketProtocol) -> &'static [u16] {
    match protocol.has_ports() {
        true => &[49_152, 1, 22, 68, 80, 81, 444, 1_024, 49_153],
        false => &[0],
    }
}

/// Who reaches `to` from `from` on port 80, and the source port of a witness.
fn reaches(net: &Net, from: EniId, to: EniId) -> Option<u16> {
    let question = SetQuestion {
        vpc: net.lab.vpc,
        from: Senders::Interfaces(vec![from]),
        to: vec![to],
        protocol: PacketProtocol::Tcp,
        port: Some(80),
    };
    let answer = question.answer(&net.lab.world);
    answer.reached.first().map(|reached| reached.witness.header.source_port)
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
    let answer = SetQuestion { vpc: net.lab.vpc, from, to, protocol, port: Some(80) }.answer(&net.lab.world);
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
        SetQuestion { vpc: net.lab.vpc, from, to, protocol, port: Some(80) }.answer(&net.lab.world)
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
fn a_source_port_is_found_for_which_the_answer_comes_back() {
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
    assert_eq!(reaches(&net, net.front, net.back), Some(49_152));
    net.lab.ok(AssociateNetworkAcl { acl, vswitches });
    assert_eq!(reaches(&net, net.front, net.back), Some(2_000));
}
