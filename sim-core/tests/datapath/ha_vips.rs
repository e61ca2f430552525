//! Packets to and from HaVips: their masters answer for them, and nobody else.

use crate::lab::*;
use crate::net::{Net, allocate, host};
use sim_core::datapath::remedy::remedy;
use sim_core::datapath::{Disposition as D, Hop, Leg, NoPath, Place, Source};
use sim_core::id::{EipId, EniId, HaVipId, InstanceId, VSwitchId};
use sim_core::vpc::eip::Eip;
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind};
use sim_core::vpc::ha_vip::{BindType, CreateHaVip};
use sim_core::vpc::ha_vip_binding::{AssociateHaVip, UnassociateHaVip};
use std::net::Ipv4Addr;

pub fn new(vswitch: VSwitchId, address: Ipv4Addr) -> CreateHaVip {
    CreateHaVip {
        vswitch,
        address: Some(address),
        name: None,
        description: None,
        resource_group: None,
        tags: Vec::new(),
    }
}

/// Gives a HaVip an elastic IP address.
pub fn address(eip: EipId, ha_vip: HaVipId) -> AssociateEip {
    let (kind, target, mode) = (TargetKind::HaVip, ha_vip.to_string().into(), Mode::Nat);
    AssociateEip { eip, kind, target, private_address: None, mode, region: None }
}

fn bind(ha_vip: HaVipId, instance: InstanceId) -> AssociateHaVip {
    AssociateHaVip { ha_vip, bind_type: BindType::EcsInstance, target: instance.to_string().into() }
}

/// A HaVip at 10.0.2.60, and beside `back` another host of its vSwitch.
fn pair() -> (Net, HaVipId, EniId) {
    let mut net = Net::open();
    let (db, group) = (net.lab.db, net.back_group);
    let other = host(&mut net.lab, db, group, [10, 0, 2, 10]);
    let vip = net.lab.ok(new(db, [10, 0, 2, 60].into())).id();
    (net, vip, other)
}

const VIP: &str = "10.0.2.60:80/tcp";

#[test]
fn the_first_that_works_answers() {
    let (mut net, ha_vip, other) = pair();
    let trace = net.trace(VIP);
    net.ends(&trace, Leg::Forward, D::HaVipUnanswered { ha_vip, bound: 0 });
    assert!(remedy(&net.lab.world, &caller(), &trace.question).is_none());
    let (first, second) = (net.instance(net.back), net.instance(other));
    net.lab.ok(bind(ha_vip, first));
    net.lab.ok(bind(ha_vip, second));
    let trace = net.trace(VIP);
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(net.back)));
    assert!(trace.forward.contains(&Hop::Answered { ha_vip, eni: net.back }));
    assert!(net.text(&trace).contains("its master"));
    // The other takes over while it is stopped, and gives back.
    net.lab.ok(stop(&[first]));
    net.ends(&net.trace(VIP), Leg::Return, D::Delivered(Place::Interface(other)));
    net.lab.ok(stop(&[second]));
    let trace = net.trace(VIP);
    net.ends(&trace, Leg::Forward, D::HaVipUnanswered { ha_vip, bound: 2 });
    let found = remedy(&net.lab.world, &caller(), &trace.question).unwrap();
    assert_eq!(found.changes.len(), 1);
    net.lab.ok(found.changes[0].clone());
    net.ends(&net.trace(VIP), Leg::Return, D::Delivered(Place::Interface(net.back)));
}

#[test]
fn the_master_alone_sends_from_the_address() {
    let (mut net, ha_vip, other) = pair();
    for eni in [net.back, other] {
        net.check(eni, true);
        let instance = net.instance(eni);
        net.lab.ok(bind(ha_vip, instance));
    }
    let address: std::net::IpAddr = [10, 0, 2, 60].into();
    let trace = net.trace_from(Source::Interface(net.back, Some(address)), "10.0.1.10:80/tcp");
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(net.front)));
    let trace = net.trace_from(Source::Interface(other, Some(address)), "10.0.1.10:80/tcp");
    let foreign = D::SourceDestCheck { eni: other, address };
    net.ends(&trace, Leg::Forward, foreign);
    // Without the check the packet goes, and its answer to the master.
    net.check(other, false);
    let trace = net.trace_from(Source::Interface(other, Some(address)), "10.0.1.10:80/tcp");
    net.ends(&trace, Leg::Return, D::AnswerAstray { place: Place::Interface(net.back) });
    // Taken off, it holds the address no longer.
    let (bind_type, target) = (BindType::EcsInstance, net.instance(net.back).to_string().into());
    net.lab.ok(UnassociateHaVip { ha_vip, bind_type, target, force: true });
    let trace = net.trace_from(Source::Interface(other, Some(address)), "10.0.1.10:80/tcp");
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(net.front)));
}

#[test]
fn an_elastic_ip_address_leads_to_the_master() {
    let (mut net, ha_vip, other) = pair();
    let eip: EipId = net.lab.ok(allocate()).id();
    net.lab.ok(address(eip, ha_vip));
    let ip = net.lab.world.get::<Eip>(&eip).unwrap().address;
    let target = format!("{ip}:80/tcp");
    let outside = Source::Outside([47, 1, 1, 1].into());
    net.ends(&net.trace_from(outside, &target), Leg::Forward, D::HaVipUnanswered { ha_vip, bound: 0 });
    let instance = net.instance(other);
    net.lab.ok(bind(ha_vip, instance));
    let trace = net.trace_from(outside, &target);
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(other)));
    // On the way out it stands for the HaVip's address alone.
    let from = Source::Interface(other, Some([10, 0, 2, 60].into()));
    net.ends(&net.trace_from(from, "47.1.1.1:80/tcp"), Leg::Return, D::Delivered(Place::Internet));
    let vpc = net.lab.vpc;
    let why = NoPath::Cut { vswitch: net.lab.db, table: net.lab.table };
    let no_path = D::NoPublicPath { vpc, address: [10, 0, 2, 10].into(), why };
    net.ends(&net.trace_from(Source::Interface(other, None), "47.1.1.1:80/tcp"), Leg::Forward, no_path);
}

#[test]
fn routes_lead_to_the_master() {
    let (mut net, ha_vip, other) = pair();
    let table = net.lab.table;
    net.route(table, "172.20.0.0/16", ha_vip);
    let trace = net.trace("172.20.1.5:80/tcp");
    net.ends(&trace, Leg::Forward, D::HaVipUnanswered { ha_vip, bound: 0 });
    let instance = net.instance(other);
    net.lab.ok(bind(ha_vip, instance));
    let trace = net.trace("172.20.1.5:80/tcp");
    net.ends(&trace, Leg::Return, D::Delivered(Place::Behind(other)));
}
