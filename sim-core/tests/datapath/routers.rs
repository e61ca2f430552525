//! Packets over router interfaces.

use crate::lab::*;
use crate::net::{Net, host};
use crate::peer_sketch::connect;
use crate::peers::accept_all;
use sim_core::datapath::reach::{Senders, SetQuestion};
use sim_core::datapath::remedy::remedy;
use sim_core::datapath::{Disposition as D, Leg, Place, Source, Trace};
use sim_core::ecs::eni::Eni;
use sim_core::ecs::group_filter::PacketProtocol;
use sim_core::ecs::security_group::GroupKind;
use sim_core::id::{EniId, RouteTableId, RouterInterfaceId, VSwitchId, VpcId};
use sim_core::vpc::router_connection::{ActivateRouterInterface, DeactivateRouterInterface};
use sim_core::vpc::vpc::{CreateVpc, Vpc};

/// A network, and `there` at 10.0.9.5 of the other VPC, with connected routers and no routes.
struct Two {
    net: Net,
    there: EniId,
    ends: [RouterInterfaceId; 2],
    /// The system table of the other VPC.
    table: RouteTableId,
}

impl Two {
    fn new() -> Two {
        let mut net = Net::open();
        let lab = &mut net.lab;
        let (vpc, other, group) = (lab.vpc, lab.other_vpc, lab.other_group);
        accept_all(lab, group);
        let near: VSwitchId = lab.ok(vswitch(other, "cn-hangzhou-k", "10.0.9.0/24", None)).id();
        let there = host(lab, near, group, [10, 0, 9, 5]);
        let ends = connect(lab, vpc, other);
        let table = lab.world.get::<Vpc>(&other).unwrap().system_table;
        Two { net, there, ends, table }
    }

    /// With routes on both sides.
    fn connected() -> Two {
        let mut two = Two::new();
        let (table, back, [own, other]) = (two.net.lab.table, two.table, two.ends);
        two.net.route(table, "10.0.9.0/24", own);
        two.net.route(back, "10.0.2.0/24", other);
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
    let (system, back, [own, other]) = (two.net.lab.table, two.table, two.ends);
    let lost = two.trace(THERE);
    let (db, near) = (two.net.lab.db, two.net.lab.world.get::<Eni>(&two.there).unwrap().vswitch);
    let address = [10, 0, 9, 5].into();
    two.net.ends(&lost, Leg::Forward, D::NoRoute { vswitch: db, table: system, address });
    // Both routes are what is missing.
    let remedy = remedy(&two.net.lab.world, &caller(), &lost.question).unwrap();
    assert_eq!(remedy.changes.len(), 2, "{remedy:?}");
    two.net.route(system, "10.0.9.0/24", own);
    let address = [10, 0, 2, 9].into();
    two.net.ends(&two.trace(THERE), Leg::Return, D::NoRoute { vswitch: near, table: back, address });
    two.net.route(back, "10.0.2.9", other);
    let trace = two.trace(THERE);
    two.net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(two.there)));
    let text = two.net.text(&trace);
    let (vpc, other_vpc) = (two.net.lab.vpc, two.net.lab.other_vpc);
    for (end, vpc) in [(own, other_vpc), (other, vpc)] {
        assert!(text.contains(&format!("{end} carries it to the router of {vpc}")), "{text}");
    }
    // And the other way round.
    let inward = two.net.trace_from(Source::Interface(two.there, None), "10.0.2.9:80/tcp");
    two.net.ends(&inward, Leg::Return, D::Delivered(Place::Interface(two.net.back)));
}

#[test]
fn a_frozen_end_cuts_the_connection_both_ways() {
    let mut two = Two::connected();
    let [own, other] = two.ends;
    two.net.lab.ok(DeactivateRouterInterface { router_interface: other });
    let down =
        |router_interface, status, opposite| D::RouterInterfaceDown { router_interface, status, opposite };
    let lost = two.trace(THERE);
    two.net.ends(&lost, Leg::Forward, down(own, "Active", Some("Inactive")));
    let inward = two.net.trace_from(Source::Interface(two.there, None), "10.0.2.9:80/tcp");
    two.net.ends(&inward, Leg::Forward, down(other, "Inactive", Some("Active")));
    let found = remedy(&two.net.lab.world, &caller(), &lost.question).unwrap();
    assert_eq!(found.changes, [ActivateRouterInterface { router_interface: other }.into()]);
    two.net.lab.ok(ActivateRouterInterface { router_interface: other });
    two.net.ends(&two.trace(THERE), Leg::Return, D::Delivered(Place::Interface(two.there)));
}

/// A third VPC behind the other one, with a host at 172.16.1.5 and routes back to both.
fn third(two: &mut Two) -> (VpcId, EniId, [RouterInterfaceId; 2]) {
    let lab = &mut two.net.lab;
    let block = Some("172.16.0.0/16".parse().unwrap());
    let third: VpcId = lab.ok(CreateVpc { block, ..CreateVpc::default() }).id();
    let far: VSwitchId = lab.ok(vswitch(third, "cn-hangzhou-k", "172.16.1.0/24", None)).id();
    let group = lab.ok(group(third, GroupKind::Basic)).id();
    accept_all(lab, group);
    let end = host(lab, far, group, [172, 16, 1, 5]);
    let other = lab.other_vpc;
    let ends = connect(lab, other, third);
    let table = lab.world.get::<Vpc>(&third).unwrap().system_table;
    two.net.route(table, "10.0.0.0/8", ends[1]);
    (third, end, ends)
}

#[test]
fn a_router_sends_on_by_its_system_table() {
    let mut two = Two::connected();
    let (_, end, [next, _]) = third(&mut two);
    let (system, between, own) = (two.net.lab.table, two.table, two.ends[0]);
    two.net.route(system, "172.16.0.0/16", own);
    let address = [172, 16, 1, 5].into();
    let nobody = D::NobodyThere { vpc: two.net.lab.other_vpc, address };
    two.net.ends(&two.trace("172.16.1.5:80/tcp"), Leg::Forward, nobody);
    two.net.route(between, "172.16.0.0/16", next);
    let trace = two.trace("172.16.1.5:80/tcp");
    two.net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(end)));
    let text = two.net.text(&trace);
    assert!(text.contains(&format!("route 172.16.0.0/16 of {between}, the system table of")), "{text}");
    // What is asked about sets knows the routes of the VPC between.
    let (vpc, protocol) = (two.net.lab.vpc, PacketProtocol::Tcp);
    let (from, to) = (Senders::Interfaces(vec![two.net.back, two.net.front]), vec![end]);
    let answer =
        SetQuestion { vpc, from, to, protocol, port: Some(80), source_port: None }.answer(&two.net.lab.world);
    let reached: Vec<_> = answer.reached.iter().flat_map(|r| &r.from).map(|run| run.first).collect();
    // The answer to 10.0.1.10 goes to a vSwitch of the VPC between, where nobody holds it.
    assert_eq!(reached, [std::net::IpAddr::from([10, 0, 2, 9])]);
}

#[test]
fn routes_that_lead_from_router_to_router_in_a_circle() {
    let mut two = Two::connected();
    let (system, back, [own, other]) = (two.net.lab.table, two.table, two.ends);
    two.net.route(system, "172.31.0.0/16", own);
    let entry = two.net.route(back, "172.31.0.0/16", other);
    let trace = two.trace("172.31.0.1:80/tcp");
    let D::Loop { at, .. } = trace.ending.disposition else { panic!("{}", two.net.text(&trace)) };
    assert_eq!(at, own.into());
    assert!(
        two.net.text(&trace).contains(&entry.to_string()) || two.net.text(&trace).contains("172.31.0.0/16")
    );
    let found = remedy(&two.net.lab.world, &caller(), &trace.question);
    assert!(found.is_none(), "nobody has the address: {found:?}");
}

#[test]
fn cloud_services_and_gateways_of_another_vpc_are_not_reached() {
    let mut two = Two::connected();
    let (system, own, other_vpc) = (two.net.lab.table, two.ends[0], two.net.lab.other_vpc);
    two.net.route(system, "47.0.0.0/8", own);
    let address = [47, 1, 1, 1].into();
    two.net.ends(&two.trace("47.1.1.1:80/tcp"), Leg::Forward, D::NobodyThere { vpc: other_vpc, address });
}
