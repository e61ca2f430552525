//! What would let a packet through: each set delivers it, and no change of it can be left out.

use crate::lab::*;
use crate::net::{Net, allocate};
use sim_core::datapath::remedy::remedy;
use sim_core::datapath::text::Words;
use sim_core::datapath::{Question, Source};
use sim_core::ecs::security_group_rule::Direction::{Egress, Ingress};
use sim_core::id::{EipId, NetworkAclId};
use sim_core::settings::{ChangeSettings, Provisioning};
use sim_core::vpc::network_acl::CreateNetworkAcl;
use sim_core::vpc::network_acl_binding::AssociateNetworkAcl;
use sim_core::vpc::network_acl_rule::UpdateNetworkAclRules;
use sim_core::{Command, Span, World};

fn delivers(w: &World, question: &Question, changes: &[Command]) -> bool {
    let mut copy = w.clone();
    for change in changes {
        let _ = copy.apply(copy.now(), &caller(), change.clone());
        copy.advance(copy.now() + Span(600_000));
    }
    question.verdict(&copy).delivered()
}

/// The changes for a packet, checked, in words.
#[track_caller]
pub fn changes(net: &Net, question: &Question) -> Vec<String> {
    let w = &net.lab.world;
    let digest = w.digest();
    let found = remedy(w, &caller(), question).expect("a remedy");
    assert_eq!(w.digest(), digest);
    assert!(delivers(w, question, &found.changes), "{found:?}");
    for left_out in 0..found.changes.len() {
        let mut fewer = found.changes.clone();
        fewer.remove(left_out);
        assert!(!delivers(w, question, &fewer), "{left_out} of {found:?} is not needed");
    }
    let words = Words::new(w);
    found.changes.iter().map(|change| words.change(change)).collect()
}

pub fn front(net: &Net, target: &str) -> Question {
    net.ask(Source::Interface(net.front, None), target).unwrap()
}

#[test]
fn a_packet_that_passes_needs_nothing() {
    let net = Net::open();
    assert_eq!(remedy(&net.lab.world, &caller(), &front(&net, "10.0.2.9:80")), None);
}

#[test]
fn a_rule_is_added_before_what_drops() {
    let mut net = Net::new();
    let group = net.back_group;
    let rule = |priority: u8| {
        format!("in {group} a rule ingress: accept tcp 80/80 from 10.0.1.10/32, priority {priority}")
    };
    assert_eq!(changes(&net, &front(&net, "10.0.2.9:80")), [rule(1)]);
    net.rule(group, Ingress, "drop", "7", "tcp", "1/100", "10.0.0.0/8");
    assert_eq!(changes(&net, &front(&net, "10.0.2.9:80")), [rule(6)]);
    // Nothing stands before a drop of priority 1, so it has to go, and the default drops still.
    net.rule(group, Ingress, "drop", "1", "tcp", "80/80", "10.0.1.0/24");
    let told = changes(&net, &front(&net, "10.0.2.9:80"));
    assert!(told[0].starts_with("without rule ") && told[1] == rule(6) && told.len() == 2, "{told:?}");
}

#[test]
fn several_obstacles_are_lifted_one_after_the_other() {
    let mut net = Net::new();
    net.rule(net.front_group, Egress, "drop", "5", "all", "-1/-1", "0.0.0.0/0");
    let instance = net.instance(net.back);
    net.lab.ok(stop(&[instance]));
    let told = changes(&net, &front(&net, "10.0.2.9/icmp"));
    assert_eq!(
        told,
        [
            format!("in {} a rule egress: accept icmp to 10.0.2.9/32, priority 4", net.front_group),
            format!("in {} a rule ingress: accept icmp from 10.0.1.10/32, priority 1", net.back_group),
            format!("{instance} started"),
        ]
    );
}

#[test]
fn a_black_hole_is_filled_or_gone_round() {
    let mut net = Net::open();
    let table = net.table(net.lab.web);
    net.redirect(table, "10.0.2.0/24", net.mid);
    net.check(net.mid, true);
    let told = changes(&net, &front(&net, "10.0.2.9:80"));
    assert_eq!(told, [format!("the source/destination check of {} off", net.mid)]);
    let node = net.instance(net.back);
    net.lab.ok(stop(&[node]));
    assert_eq!(changes(&net, &front(&net, "10.0.2.9:80")).len(), 2);
}

#[test]
fn a_route_that_a_sibling_has_is_added() {
    let mut net = Net::open();
    net.table(net.lab.web);
    let node = net.instance(net.back);
    net.route(net.lab.table, "172.20.1.0/26", node);
    let told = changes(&net, &front(&net, "172.20.1.5:80"));
    assert!(told.len() == 1 && told[0].starts_with("a route 172.20.1.0/26 to i-"), "{told:?}");
}

#[test]
fn a_circle_is_cut() {
    let mut net = Net::open();
    let node = net.instance(net.back);
    net.route(net.lab.table, "172.16.0.0/12", node);
    let (far, web) = (net.table(net.lab.far), net.table(net.lab.web));
    net.route(web, "172.20.0.0/16", net.mid);
    net.route(far, "172.20.0.0/16", net.front);
    net.route(web, "172.16.0.0/12", node);
    net.route(far, "172.16.0.0/12", node);
    assert_eq!(changes(&net, &front(&net, "172.20.1.5:80")).len(), 1);
}

#[test]
fn a_network_acl_gets_a_rule_each_way() {
    let mut net = Net::open();
    let (vpc, vswitches) = (net.lab.vpc, vec![net.lab.db]);
    let acl: NetworkAclId =
        net.lab.ok(CreateNetworkAcl { vpc, name: None, description: None, tags: Vec::new() }).id();
    net.lab.ok(AssociateNetworkAcl { acl, vswitches });
    let nothing = || Some(Vec::new());
    net.lab.ok(UpdateNetworkAclRules { acl, ingress: nothing(), egress: None });
    let inbound =
        format!("in {acl} a rule ingress, before what drops it: accept tcp 80/80 from 10.0.1.10/32");
    assert_eq!(changes(&net, &front(&net, "10.0.2.9:80")), [inbound]);
    // Without the ACL one change does where two rules would.
    net.lab.ok(UpdateNetworkAclRules { acl, ingress: None, egress: nothing() });
    let told = changes(&net, &front(&net, "10.0.2.9:80"));
    assert_eq!(told, [format!("{} without {acl}", net.lab.db)]);
}

#[test]
fn a_free_elastic_address_is_bound() {
    let mut net = Net::open();
    let question = front(&net, "47.1.1.1:443");
    assert_eq!(remedy(&net.lab.world, &caller(), &question), None);
    let eip: EipId = net.lab.ok(allocate()).id();
    let instance = net.instance(net.front);
    assert_eq!(changes(&net, &question), [format!("{eip} bound to {instance}")]);
}

#[test]
fn what_is_in_transition_is_waited_for() {
    let mut net = Net::open();
    let node = net.instance(net.back);
    net.lab.ok(stop(&[node]));
    net.lab.ok(ChangeSettings { provisioning: Some(Provisioning::Visible), quotas_lifted: None });
    net.lab.ok(start(&[node]));
    let question = front(&net, "10.0.2.9:80");
    assert!(!question.verdict(&net.lab.world).delivered());
    let found = remedy(&net.lab.world, &caller(), &question).unwrap();
    assert_eq!(found.changes, []);
}

#[test]
fn nothing_helps_where_nobody_is() {
    let net = Net::open();
    for target in ["10.0.2.77:80", "10.0.77.1:80", "10.0.2.9:25"] {
        assert_eq!(remedy(&net.lab.world, &caller(), &front(&net, target)), None, "{target}");
    }
}
