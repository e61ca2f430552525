//! Packets over peering connections.

use crate::lab::*;
use crate::net::{Net, host};
use crate::peer_sketch::request;
use sim_core::datapath::reach::{Senders, SetQuestion};
use sim_core::datapath::remedy::remedy;
use sim_core::datapath::{Disposition as D, Leg, Place, Source, Trace};
use sim_core::ecs::authorize::AuthorizeRules;
use sim_core::ecs::eni::Eni;
use sim_core::ecs::group_filter::PacketProtocol;
use sim_core::ecs::rule_input::RuleTexts;
use sim_core::ecs::security_group_rule::Direction;
use sim_core::id::{EniId, RouteTableId, SecurityGroupId, VSwitchId, VpcPeerId};
use sim_core::vpc::vpc::{CreateVpc, Vpc};
use sim_core::vpc::vpc_peer::{CreateVpcPeer, DeleteVpcPeer};

pub fn accept_all(lab: &mut Lab, group: SecurityGroupId) {
    let texts = RuleTexts {
        protocol: Some("all"),
        port_range: Some("-1/-1"),
        policy: Some("accept"),
        priority: Some("1"),
        peer_cidr: Some("0.0.0.0/0"),
        ..RuleTexts::default()
    };
    let direction = Direction::Ingress;
    let rules = vec![texts.read(direction).unwrap().complete(direction).unwrap()];
    lab.ok(AuthorizeRules { group, direction, rules });
}

/// A network, and `there` at 10.0.9.5 of the other VPC, with a connection between the two and no routes.
struct Two {
    net: Net,
    there: EniId,
    group: SecurityGroupId,
    peer: VpcPeerId,
    /// The system table of the other VPC.
    table: RouteTableId,
}

impl Two {
    fn new() -> Two {
        let mut net = Net::open();
        let lab = &mut net.lab;
        let (other, group) = (lab.other_vpc, lab.other_group);
        accept_all(lab, group);
        let near: VSwitchId = lab.ok(vswitch(other, "cn-hangzhou-k", "10.0.9.0/24", None)).id();
        let there = host(lab, near, group, [10, 0, 9, 5]);
        let peer = lab.ok(request(lab)).id();
        let table = lab.world.get::<Vpc>(&other).unwrap().system_table;
        Two { net, there, group, peer, table }
    }

    /// With routes on both sides.
    fn connected() -> Two {
        let mut two = Two::new();
        let (table, back, peer) = (two.net.lab.table, two.table, two.peer);
        two.net.route(table, "10.0.9.0/24", peer);
        two.net.route(back, "10.0.0.0/16", peer);
        two
    }

    /// The trace from `back`, whose vSwitch the other VPC does not have.
    fn trace(&self, target: &str) -> Trace {
        self.net.trace_from(Source::Interface(self.net.back, None), target)
    }
}

const THERE: &str = "10.0.9.5:80/tcp";

#[test]
fn routes_of_both_sides_lead_over_a_connection() {
    let mut two = Two::new();
    let (system, back, peer) = (two.net.lab.table, two.table, two.peer);
    let lost = two.trace(THERE);
    let address = [10, 0, 9, 5].into();
    let (web, near) = (two.net.lab.db, two.net.lab.world.get::<Eni>(&two.there).unwrap().vswitch);
    two.net.ends(&lost, Leg::Forward, D::NoRoute { vswitch: web, table: system, address });
    // Both routes are what is missing.
    let remedy = remedy(&two.net.lab.world, &caller(), &lost.question).unwrap();
    assert_eq!(remedy.changes.len(), 2, "{remedy:?}");
    two.net.route(system, "10.0.9.0/24", peer);
    let address = [10, 0, 2, 9].into();
    two.net.ends(&two.trace(THERE), Leg::Return, D::NoRoute { vswitch: near, table: back, address });
    two.net.route(back, "10.0.2.9", peer);
    let trace = two.trace(THERE);
    two.net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(two.there)));
    let (vpc, other) = (two.net.lab.vpc, two.net.lab.other_vpc);
    let text = two.net.text(&trace);
    for (peer, vpc) in [(peer, other), (peer, vpc)] {
        assert!(text.contains(&format!("{peer} carries it into {vpc}")), "{text}");
    }
    // And the other way round.
    let inward = two.net.trace_from(Source::Interface(two.there, None), "10.0.2.9:80/tcp");
    two.net.ends(&inward, Leg::Return, D::Delivered(Place::Interface(two.net.back)));
    let force = DeleteVpcPeer { peer, force: true };
    two.net.lab.ok(force);
    let address = [10, 0, 9, 5].into();
    two.net.ends(&two.trace(THERE), Leg::Forward, D::NoRoute { vswitch: web, table: system, address });
}

#[test]
fn groups_of_the_other_side_judge_by_addresses() {
    let mut two = Two::connected();
    two.net.rule(two.group, Direction::Ingress, "drop", "1", "tcp", "80/80", "10.0.2.0/24");
    let trace = two.trace(THERE);
    assert!(
        matches!(trace.ending.disposition, D::GroupsDrop { member: Place::Interface(id), .. } if id == two.there)
    );
    let other = two.net.trace_from(Source::Interface(two.net.mid, None), THERE);
    two.net.ends(&other, Leg::Return, D::Delivered(Place::Interface(two.there)));
}

#[test]
fn what_a_vswitch_of_the_own_vpc_holds_stays_there() {
    // The block of `web` is that of a vSwitch of the other VPC too.
    let mut two = Two::connected();
    let lab = &mut two.net.lab;
    let (elsewhere, group) = (lab.elsewhere, two.group);
    let twin = host(lab, elsewhere, group, [10, 0, 1, 10]);
    let own = two.net.trace_from(Source::Interface(two.net.back, None), "10.0.1.10:80/tcp");
    two.net.ends(&own, Leg::Return, D::Delivered(Place::Interface(two.net.front)));
    // The answer to it goes to who holds the address in the asked one's own VPC.
    let astray = two.net.trace_from(Source::Interface(twin, None), "10.0.2.9:80/tcp");
    two.net.ends(&astray, Leg::Return, D::AnswerAstray { place: Place::Interface(two.net.front) });
}

#[test]
fn a_connection_leads_no_further_than_its_other_vpc() {
    let mut two = Two::connected();
    let lab = &mut two.net.lab;
    let block = Some("172.16.0.0/16".parse().unwrap());
    let third = lab.ok(CreateVpc { block, ..CreateVpc::default() }).id();
    let far: VSwitchId = lab.ok(vswitch(third, "cn-hangzhou-k", "172.16.1.0/24", None)).id();
    let group = lab.ok(group(third, sim_core::ecs::security_group::GroupKind::Basic)).id();
    accept_all(lab, group);
    let end = host(lab, far, group, [172, 16, 1, 5]);
    let (other, own) = (lab.other_vpc, lab.world.get::<Vpc>(&third).unwrap().system_table);
    let next: VpcPeerId = lab.ok(CreateVpcPeer { vpc: other, accepting_vpc: third, ..request(lab) }).id();
    let (system, between) = (lab.table, two.table);
    two.net.route(system, "172.16.0.0/16", two.peer);
    two.net.route(between, "172.16.0.0/16", next);
    two.net.route(own, "10.0.0.0/8", next);
    let direct = two.net.trace_from(Source::Interface(two.there, None), "172.16.1.5:80/tcp");
    two.net.ends(&direct, Leg::Return, D::Delivered(Place::Interface(end)));
    let address = [172, 16, 1, 5].into();
    two.net.ends(&two.trace("172.16.1.5:80/tcp"), Leg::Forward, D::NobodyThere { vpc: other, address });
    // Routes that lead to one another across a connection make no circle.
    two.net.route(system, "172.31.0.0/16", two.peer);
    two.net.route(between, "172.31.0.0/16", two.peer);
    let address = [172, 31, 0, 1].into();
    two.net.ends(&two.trace("172.31.0.1:80/tcp"), Leg::Forward, D::NobodyThere { vpc: other, address });
}

#[test]
fn sets_of_interfaces_of_both_vpcs_are_asked_about() {
    let two = Two::connected();
    let (from, to) = (vec![two.net.back, two.net.mid, two.there], vec![two.there]);
    let (vpc, protocol) = (two.net.lab.vpc, PacketProtocol::Tcp);
    let question =
        SetQuestion { vpc, from: Senders::Interfaces(from), to, protocol, port: Some(80), source_port: None };
    let answer = question.answer(&two.net.lab.world);
    assert!(answer.unreached.is_empty());
    assert_eq!(answer.reached.iter().map(|r| r.from.len()).sum::<usize>(), 2);
}
