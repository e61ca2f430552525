//! Who judges many packets judges each as who judges it alone, whatever was judged before.

use crate::random::{build, end_of, questions, sketch};
use crate::reference::naive;
use proptest::prelude::*;
use sim_core::World;
use sim_core::datapath::{Header, Judge, Question};
use sim_core::ecs::group_filter::PacketProtocol;

/// A question again and again, and between the same two addresses on other ports and by other protocols.
fn variants(question: &Question) -> Vec<Question> {
    let Header { source_port, port, protocol, .. } = question.header;
    let other = |protocol: PacketProtocol, source_port, port| {
        let (source_port, port) = if protocol.has_ports() { (source_port, port) } else { (0, 0) };
        let request = question.request.clone().filter(|_| protocol == PacketProtocol::Tcp);
        let header = Header { protocol, source_port, port, ..question.header };
        Question { header, request, ..question.clone() }
    };
    let icmp = if question.header.source.is_ipv4() { PacketProtocol::Icmp } else { PacketProtocol::Icmpv6 };
    let ports = [22, 25, 80, 81, 1_000, 3_306, 8_003].into_iter();
    let ports = ports.flat_map(|at| [(at, port), (source_port, at), (at, at)]);
    let by_tcp = ports.clone().map(|(source_port, port)| other(PacketProtocol::Tcp, source_port, port));
    let by_udp = ports.map(|(source_port, port)| other(PacketProtocol::Udp, source_port, port));
    let rest = [icmp, PacketProtocol::Gre, PacketProtocol::Other(89), protocol];
    let rest = rest.map(|protocol| other(protocol, source_port, port));
    let same = [(); 3].map(|()| question.clone());
    same.into_iter().chain(by_tcp).chain(by_udp).chain(rest).chain([question.clone()]).collect()
}

/// Judges a question and others like it by one who has judged them before.
#[track_caller]
pub fn judged_alike(w: &World, question: &Question) {
    let mut judge = Judge::new(w);
    for question in variants(question) {
        assert_eq!(judge.verdict(&question), question.verdict(w), "{question:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, ..ProptestConfig::default() })]

    #[test]
    fn who_judges_many_packets_judges_as_who_judges_one(sketch in sketch()) {
        let (lab, enis) = build(&sketch);
        let (w, mut judge) = (&lab.world, Judge::new(&lab.world));
        for question in questions(w, &sketch, &enis) {
            for question in variants(&question) {
                let ending = judge.verdict(&question);
                prop_assert_eq!(ending, question.verdict(w), "{:?}", question);
                prop_assert_eq!(end_of(&ending), naive(w, &question), "{:?}", question);
            }
        }
    }
}
