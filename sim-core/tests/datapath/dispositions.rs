//! One case for each end of a trace, there and on the way back.

use crate::lab::*;
use crate::net::{Net, allocate, host, public_host};
use sim_core::datapath::remedy::remedy;
use sim_core::datapath::text::Words;
use sim_core::datapath::{Disposition as D, Hop, Leg, NatEntryId, NoPath, Place, Source};
use sim_core::ecs::eni::{CreateEni, EniKind, EniStatus, TrafficMode};
use sim_core::ecs::eni_address::{AssignAddresses, Want, Wanted};
use sim_core::ecs::eni_attachment::{AttachEni, DetachEni};
use sim_core::ecs::group_filter::DecidedBy;
use sim_core::ecs::instance::{Instance, InstanceStatus};
use sim_core::ecs::instance_life::{BatchRule, RebootInstances};
use sim_core::ecs::security_group::GroupKind;
use sim_core::ecs::security_group_rule::Direction::{Egress, Ingress};
use sim_core::id::{
    EipId, EniId, Id, NatGatewayId, NetworkAclId, NetworkAclRuleId, ResidentId, SnatEntryId, SnatTableId,
};
use sim_core::settings::Provisioning;
use sim_core::vpc::eip::{Eip, EipStatus};
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind};
use sim_core::vpc::nat_gateway::{CreateNatGateway, EipBindMode};
use sim_core::vpc::network_acl::CreateNetworkAcl;
use sim_core::vpc::network_acl_binding::AssociateNetworkAcl;
use sim_core::vpc::network_acl_rule::{UpdateNetworkAclRules, in_order};
use sim_core::vpc::next_hop::NextHop;
use sim_core::vpc::resident::CreateResident;
use sim_core::vpc::snat::CreateSnatEntry;
use std::net::{IpAddr, Ipv4Addr};

/// The kinds of some steps.
pub fn kinds(hops: &[Hop]) -> String {
    let kind = |hop: &Hop| match hop {
        Hop::Sent { .. } => "sent",
        Hop::Groups { .. } => "groups",
        Hop::Session { .. } => "session",
        Hop::NetworkAcl { .. } => "acl",
        Hop::Route { .. } => "route",
        Hop::Answered { .. } => "answered",
        Hop::GatewayRoute { .. } => "gateway_route",
        Hop::Translated { .. } => "translated",
        Hop::StandbyZone { .. } => "standby",
        Hop::Masked { .. } => "masked",
        Hop::Listener { .. } => "listener",
        Hop::ListenerAccess { .. } => "access",
        Hop::ForwardingRules { .. } => "rules",
        Hop::Balanced { .. } => "balanced",
        Hop::Returned { .. } => "returned",
        Hop::Forwarded { .. } => "forwarded",
        Hop::Peered { .. } => "peered",
        Hop::Crossed { .. } => "crossed",
        Hop::RouterRoute { .. } => "router_route",
        Hop::Taken { .. } => "taken",
    };
    hops.iter().map(kind).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_packet_is_delivered_and_its_answer_comes_back() {
    let mut net = Net::new();
    net.accept(net.back_group, "tcp", "80/80", "10.0.1.0/24");
    let trace = net.trace("10.0.2.9:80/tcp");
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(net.back)));
    assert_eq!(kinds(&trace.forward), "sent groups route groups taken");
    assert_eq!(kinds(&trace.back), "sent session route session taken");
    // The rule holds for one port; the default of a basic group takes nothing else in.
    let trace = net.trace("10.0.2.9:81/tcp");
    let decided_by = DecidedBy::Default(GroupKind::Basic);
    let member = Place::Interface(net.back);
    net.ends(&trace, Leg::Forward, D::GroupsDrop { member, direction: Ingress, decided_by });
}

#[test]
fn the_groups_of_the_sender_come_first() {
    let mut net = Net::open();
    net.rule(net.front_group, Egress, "drop", "1", "tcp", "80/80", "10.0.2.0/24");
    let trace = net.trace("10.0.2.9:80/tcp");
    let D::GroupsDrop { member, direction, decided_by: DecidedBy::Rule(_) } = trace.ending.disposition else {
        panic!("{}", net.text(&trace))
    };
    assert_eq!((member, direction), (Place::Interface(net.front), Egress));
    assert!(net.trace("10.0.2.9:81/tcp").ending.delivered());
    assert!(!net.trace("10.0.2.9:25/tcp").ending.delivered(), "the platform lets no mail out");
}

#[test]
fn only_a_running_instance_sends_and_receives() {
    let mut net = Net::open();
    for (eni, leg) in [(net.back, Leg::Forward), (net.front, Leg::Forward)] {
        let instance = net.instance(eni);
        net.lab.ok(stop(&[instance]));
        let status = InstanceStatus::Stopped;
        net.ends(&net.trace("10.0.2.9:80/tcp"), leg, D::InstanceDown { instance, eni, status });
        net.lab.ok(start(&[instance]));
        assert!(net.trace("10.0.2.9:80/tcp").ending.delivered());
    }
}

fn secondary(net: &mut Net) -> EniId {
    let command = CreateEni {
        vswitch: net.lab.db,
        kind: EniKind::Secondary,
        groups: vec![net.back_group],
        primary_ip: Some([10, 0, 2, 20].into()),
        wanted: Wanted { ipv4_prefixes: Want::Count(1), ..Wanted::default() },
        name: None,
        description: None,
        delete_on_release: false,
        source_dest_check: false,
        queues: None,
        traffic_mode: TrafficMode::Standard,
        resource_group: None,
        tags: Vec::new(),
    };
    net.lab.ok(command).id()
}

#[test]
fn an_interface_works_while_it_is_attached() {
    let mut net = Net::open();
    let eni = secondary(&mut net);
    let status = EniStatus::Available;
    net.ends(&net.trace("10.0.2.20:80/tcp"), Leg::Forward, D::NotAttached { eni, status });
    let instance = net.instance(net.back);
    net.lab.ok(AttachEni { eni, instance, trunk: None });
    assert!(net.trace("10.0.2.20:80/tcp").ending.delivered());
    // Each address of a prefix is its holder's.
    let prefix = net.lab.world.get::<sim_core::ecs::eni::Eni>(&eni).unwrap().ipv4_prefixes[0];
    let trace = net.trace(&format!("{}:80/tcp", prefix.last()));
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(eni)));
    net.lab.ok(sim_core::settings::ChangeSettings {
        provisioning: Some(Provisioning::Visible),
        quotas_lifted: None,
    });
    net.lab.ok(DetachEni { eni, instance: Some(instance), trunk: None });
    let status = EniStatus::Detaching;
    net.ends(&net.trace("10.0.2.20:80/tcp"), Leg::Forward, D::NotAttached { eni, status });
}

#[test]
fn a_destination_without_route_or_holder() {
    let mut net = Net::open();
    let (vswitch, table, vpc) = (net.lab.web, net.lab.table, net.lab.vpc);
    for text in ["192.168.7.7", "10.0.77.1", "169.254.1.1"] {
        let trace = net.trace(&format!("{text}:80/tcp"));
        net.ends(&trace, Leg::Forward, D::NoRoute { vswitch, table, address: text.parse().unwrap() });
    }
    let address = [10, 0, 2, 77].into();
    net.ends(&net.trace("10.0.2.77:80/tcp"), Leg::Forward, D::NobodyThere { vpc, address });
    let address = [10, 0, 1, 10].into();
    net.ends(
        &net.trace("47.1.1.1:80/tcp"),
        Leg::Forward,
        D::NoPublicPath { vpc, address, why: NoPath::Cut { vswitch, table } },
    );
    // Another VPC's addresses are not reached.
    let (elsewhere, group) = (net.lab.elsewhere, net.lab.other_group);
    host(&mut net.lab, elsewhere, group, [10, 0, 1, 99]);
    let address = [10, 0, 1, 99].into();
    net.ends(&net.trace("10.0.1.99:80/tcp"), Leg::Forward, D::NobodyThere { vpc, address });
}

#[test]
fn from_outside() {
    let net = Net::open();
    let outside = |target: &str| net.trace_from(Source::Outside([47, 1, 1, 1].into()), target);
    let address = [10, 0, 2, 9].into();
    net.ends(&outside("10.0.2.9:80/tcp"), Leg::Forward, D::PrivateFromOutside { address });
    let address = [8, 8, 8, 8].into();
    net.ends(&outside("8.8.8.8:80/tcp"), Leg::Forward, D::NoPublicAddress { address });
}

#[test]
fn cloud_services_and_what_is_always_reached() {
    let mut net = Net::open();
    net.rule(net.front_group, Egress, "drop", "1", "all", "-1/-1", "0.0.0.0/0");
    for target in ["100.100.2.136:53/udp", "100.100.2.138:53/tcp", "100.100.100.200:80/tcp"] {
        let trace = net.trace(target);
        net.ends(&trace, Leg::Return, D::Delivered(Place::CloudService));
    }
    let trace = net.trace("100.118.28.1:80/tcp");
    assert_eq!(trace.ending.disposition.word(), "security_group_drop");
}

#[test]
fn a_managed_resident_serves_its_port() {
    let mut net = Net::open();
    let resident: ResidentId = net
        .lab
        .ok(CreateResident {
            kind: "rds".into(),
            vswitch: net.lab.db,
            groups: vec![net.back_group],
            address: Some([10, 0, 2, 30].into()),
            name: None,
            port: Some(3306),
            tags: Vec::new(),
        })
        .id();
    let trace = net.trace("10.0.2.30:3306/tcp");
    net.ends(&trace, Leg::Return, D::Delivered(Place::Resident(resident)));
    for target in ["10.0.2.30:3307/tcp", "10.0.2.30:3306/udp"] {
        net.ends(&net.trace(target), Leg::Forward, D::NotServed { resident, serves: 3306 });
    }
}

#[test]
fn an_instance_forwards_what_routes_lead_to_it() {
    let mut net = Net::open();
    let table = net.table(net.lab.web);
    net.redirect(table, "10.0.2.0/24", net.mid);
    let trace = net.trace("10.0.2.9:80/tcp");
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(net.back)));
    let forwarded = Hop::Forwarded { instance: net.instance(net.mid), eni: net.mid };
    assert!(trace.forward.contains(&forwarded), "{}", net.text(&trace));
    assert!(!trace.back.contains(&forwarded), "the answer takes the table of its own vSwitch");
    // It minds foreign addresses, is stopped, is no more.
    net.check(net.mid, true);
    let address = [10, 0, 2, 9].into();
    net.ends(&net.trace("10.0.2.9:80/tcp"), Leg::Forward, D::SourceDestCheck { eni: net.mid, address });
    net.check(net.mid, false);
    let instance = net.instance(net.mid);
    net.lab.ok(stop(&[instance]));
    let status = InstanceStatus::Stopped;
    let end = D::InstanceDown { instance, eni: net.mid, status };
    net.ends(&net.trace("10.0.2.9:80/tcp"), Leg::Forward, end);
}

#[test]
fn the_groups_of_a_forwarder_judge_both_ways() {
    let mut net = Net::open();
    let table = net.table(net.lab.web);
    net.redirect(table, "10.0.2.0/24", net.mid);
    net.rule(net.mid_group, Egress, "drop", "1", "tcp", "80/80", "10.0.2.9/32");
    let trace = net.trace("10.0.2.9:80/tcp");
    let D::GroupsDrop { member, direction: Egress, .. } = trace.ending.disposition else {
        panic!("{}", net.text(&trace))
    };
    assert_eq!(member, Place::Interface(net.mid));
}

#[test]
fn a_next_hop_that_is_gone_is_a_black_hole() {
    let mut net = Net::open();
    let eni = secondary(&mut net);
    let entry = net.route(net.lab.table, "192.168.0.0/16", eni);
    net.lab.ok(sim_core::ecs::eni::DeleteEni { eni });
    let next_hop = NextHop::NetworkInterface(eni);
    net.ends(&net.trace("192.168.7.7:80/tcp"), Leg::Forward, D::NextHopGone { entry, next_hop });
}

#[test]
fn a_pod_lies_behind_its_node() {
    let mut net = Net::open();
    let node = net.instance(net.back);
    net.route(net.lab.table, "172.20.1.0/26", node);
    let trace = net.trace("172.20.1.5:80/tcp");
    net.ends(&trace, Leg::Return, D::Delivered(Place::Behind(net.back)));
    // And back: the pod asks, the answer goes the same way.
    let pod = Source::Interface(net.back, Some([172, 20, 1, 5].into()));
    let trace = net.trace_from(pod, "10.0.1.10:80/tcp");
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(net.front)));
    // A node that minds foreign addresses lets no pod out.
    net.check(net.back, true);
    let address = [172, 20, 1, 5].into();
    let trace = net.trace_from(pod, "10.0.1.10:80/tcp");
    net.ends(&trace, Leg::Forward, D::SourceDestCheck { eni: net.back, address });
    // Without a route the answer to a pod is lost.
    let pod = Source::Interface(net.mid, Some([172, 20, 9, 9].into()));
    let trace = net.trace_from(pod, "10.0.1.10:80/tcp");
    let (vswitch, table, address) = (net.lab.web, net.lab.table, [172, 20, 9, 9].into());
    net.ends(&trace, Leg::Return, D::NoRoute { vswitch, table, address });
}

#[test]
fn routes_that_lead_in_a_circle() {
    let mut net = Net::open();
    let (far, web) = (net.table(net.lab.far), net.table(net.lab.web));
    net.route(web, "192.168.0.0/16", net.mid);
    let entry = net.route(far, "192.168.0.0/16", net.front);
    let trace = net.trace("192.168.7.7:80/tcp");
    // The sender is passed once more before the circle closes.
    let D::Loop { at, .. } = trace.ending.disposition else { panic!("{}", net.text(&trace)) };
    assert_eq!(at, net.mid.into());
    assert!(trace.forward.iter().any(|hop| matches!(hop, Hop::Route { entry: by, .. } if *by == entry)));
}

#[test]
fn an_answer_can_go_astray_or_be_lost() {
    let mut net = Net::open();
    let table = net.table(net.lab.db);
    net.redirect(table, "10.0.1.0/24", net.mid);
    // By the forwarder, which has not seen the session but lets it through.
    let trace = net.trace("10.0.2.9:80/tcp");
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(net.back)));
    let instance = net.instance(net.mid);
    net.lab.ok(stop(&[instance]));
    let status = InstanceStatus::Stopped;
    let end = D::InstanceDown { instance, eni: net.mid, status };
    net.ends(&net.trace("10.0.2.9:80/tcp"), Leg::Return, end);
    net.lab.ok(start(&[instance]));
    // A packet with another host's address as its source: the answer goes to that host.
    let forged = Source::Interface(net.mid, Some([10, 0, 1, 10].into()));
    let trace = net.trace_from(forged, "10.0.2.9:80/tcp");
    net.ends(&trace, Leg::Return, D::AnswerAstray { place: Place::Interface(net.front) });
}

#[test]
fn what_an_interface_sends_to_itself_stays_inside() {
    let net = Net::new();
    let trace = net.trace("10.0.1.10:80/tcp");
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(net.front)));
    assert_eq!(trace.forward.len(), 2);
}

#[test]
fn ipv6_goes_by_its_own_routes_and_rules() {
    let mut net = Net::open();
    let web = net.lab.web;
    let other = host(&mut net.lab, web, net.back_group, [10, 0, 1, 20]);
    for eni in [net.front, other] {
        let wanted = Wanted { ipv6: Want::Count(1), ..Wanted::default() };
        net.lab.ok(AssignAddresses { eni, wanted });
    }
    let address = net.lab.world.get::<sim_core::ecs::eni::Eni>(&other).unwrap().ipv6[0];
    let trace = net.trace(&format!("[{address}]:80/tcp"));
    assert_eq!(trace.ending.disposition.word(), "security_group_drop", "the rules are of IPv4");
    net.rule(net.back_group, Ingress, "accept", "1", "all", "-1/-1", "::/0");
    let trace = net.trace(&format!("[{address}]:80/tcp"));
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(other)));
    assert!(net.trace(&format!("{address}/icmpv6")).ending.delivered());
    let vpc = net.lab.vpc;
    let trace = net.trace("[2400:3200::1]:53/udp");
    let own = trace.question.header.source;
    net.ends(&trace, Leg::Forward, D::NoPublicPath { vpc, address: own, why: NoPath::NoIpv6Gateway });
    let from = Source::Outside("2400:3200::1".parse().unwrap());
    let trace = net.trace_from(from, &format!("[{address}]:80/tcp"));
    let no_path = D::NoPublicPath { vpc, address: address.into(), why: NoPath::NoBandwidth };
    net.ends(&trace, Leg::Forward, no_path);
    let trace = net.trace_from(from, "[2400:3200::2]:80/tcp");
    assert_eq!(trace.ending.disposition.word(), "no_public_address");
}

#[test]
fn a_network_acl_judges_what_crosses_its_vswitch() {
    let mut net = Net::open();
    let (vpc, db) = (net.lab.vpc, net.lab.db);
    let acl: NetworkAclId =
        net.lab.ok(CreateNetworkAcl { vpc, name: None, description: None, tags: Vec::new() }).id();
    net.lab.ok(AssociateNetworkAcl { acl, vswitches: vec![db] });
    let group = net.back_group;
    let neighbour = host(&mut net.lab, db, group, [10, 0, 2, 10]);
    assert!(net.trace("10.0.2.9:80/tcp").ending.delivered(), "a new ACL lets everything through");
    net.lab.ok(UpdateNetworkAclRules { acl, ingress: None, egress: Some(Vec::new()) });
    let rule = last_rule(&net, acl, Egress);
    // The packet comes in; its answer does not get out.
    let end = D::AclDrop { vswitch: db, acl, direction: Egress, rule };
    net.ends(&net.trace("10.0.2.9:80/tcp"), Leg::Return, end);
    net.lab.ok(UpdateNetworkAclRules { acl, ingress: Some(Vec::new()), egress: None });
    let rule = last_rule(&net, acl, Ingress);
    let end = D::AclDrop { vswitch: db, acl, direction: Ingress, rule };
    net.ends(&net.trace("10.0.2.9:80/tcp"), Leg::Forward, end);
    // Inside the vSwitch nothing crosses its edge, and the provider's servers are always reached.
    for target in ["10.0.2.9:80/tcp", "100.100.2.136:53/udp"] {
        let trace = net.trace_from(Source::Interface(neighbour, None), target);
        assert!(trace.ending.delivered(), "{}", net.text(&trace));
    }
    let trace = net.trace_from(Source::Interface(neighbour, None), "100.64.1.1:80/tcp");
    assert_eq!(trace.ending.disposition.word(), "network_acl_drop");
}

fn last_rule(
    net: &Net,
    acl: NetworkAclId,
    direction: sim_core::ecs::security_group_rule::Direction,
) -> NetworkAclRuleId {
    let rules = in_order(&net.lab.world, net.lab.world.get(&acl).unwrap(), direction);
    let last = rules.iter().rfind(|(_, rule)| rule.block.is_v4()).unwrap();
    last.1.id(acl)
}

pub fn eip(net: &mut Net, eni: EniId) -> (EipId, Ipv4Addr) {
    let eip: EipId = net.lab.ok(allocate()).id();
    let target = net.instance(eni).to_string().into();
    let kind = TargetKind::EcsInstance;
    net.lab.ok(AssociateEip { eip, kind, target, private_address: None, mode: Mode::Nat, region: None });
    (eip, net.lab.world.get::<Eip>(&eip).unwrap().address)
}

#[test]
fn an_elastic_address_leads_out_and_in() {
    let mut net = Net::open();
    let (front, back) = (net.front, net.back);
    let (id, address) = eip(&mut net, front);
    let trace = net.trace("47.1.1.1:443/tcp");
    net.ends(&trace, Leg::Return, D::Delivered(Place::Internet));
    let translated = |hops: &[Hop]| {
        let found = hops.iter().find_map(|hop| match hop {
            Hop::Translated { eip, header, .. } => Some((*eip, header.source, header.destination)),
            _ => None,
        });
        found.unwrap()
    };
    let (outside, private) = (IpAddr::from([47, 1, 1, 1]), IpAddr::from([10, 0, 1, 10]));
    assert_eq!(translated(&trace.forward), (id, address.into(), outside));
    assert_eq!(translated(&trace.back), (id, outside, private));
    let from = Source::Outside(outside);
    let trace = net.trace_from(from, &format!("{address}:80/tcp"));
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(net.front)));
    assert_eq!(translated(&trace.back), (id, address.into(), outside));
    // The groups see the private address and judge the client's.
    net.rule(net.front_group, Ingress, "drop", "1", "tcp", "81/81", "47.1.0.0/16");
    let trace = net.trace_from(from, &format!("{address}:81/tcp"));
    assert_eq!(trace.ending.disposition.word(), "security_group_drop");
    // Another one of this world is reached from inside by its public address, and so is the first.
    let (_, other) = eip(&mut net, back);
    let trace = net.trace(&format!("{other}:80/tcp"));
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(net.back)));
    let back = Source::Interface(back, None);
    assert!(net.trace_from(back, &format!("{address}:80/tcp")).ending.delivered());
    let mid = Source::Interface(net.mid, None);
    assert_eq!(net.trace_from(mid, &format!("{address}:80/tcp")).ending.disposition.word(), "no_public_path");
}

#[test]
fn a_static_address_leads_out_and_in_once_it_is_in_force() {
    let mut net = Net::open();
    let (web, group) = (net.lab.web, net.front_group);
    let host = public_host(&mut net.lab, web, group, [10, 0, 1, 20], false);
    let instance = net.instance(host);
    let public = net.lab.world.get::<Instance>(&instance).unwrap().public.unwrap().address.unwrap();
    let (out, outside) = (Source::Interface(host, None), Source::Outside([47, 1, 1, 1].into()));
    let target = format!("{public}:80/tcp");
    let waits = D::PublicAddressWaits { instance };
    net.ends(&net.trace_from(outside, &target), Leg::Forward, waits);
    let vpc = net.lab.vpc;
    let why = NoPath::Cut { vswitch: net.lab.web, table: net.lab.table };
    let no_path = D::NoPublicPath { vpc, address: [10, 0, 1, 20].into(), why };
    net.ends(&net.trace_from(out, "47.1.1.1:443/tcp"), Leg::Forward, no_path);
    for (source, target) in [(outside, target.as_str()), (out, "47.1.1.1:443/tcp")] {
        let question = net.ask(source, target).unwrap();
        let found = remedy(&net.lab.world, &caller(), &question).expect("a remedy");
        let words = Words::new(&net.lab.world);
        let told: Vec<String> = found.changes.iter().map(|change| words.change(change)).collect();
        assert_eq!(told, [format!("{instance} restarted")]);
    }
    let (instances, rule) = (vec![instance], BatchRule::AllTogether);
    net.lab.ok(RebootInstances { instances, force: false, rule });
    let trace = net.trace_from(outside, &target);
    net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(host)));
    assert_eq!(kinds(&trace.forward), "sent masked groups taken");
    assert_eq!(kinds(&trace.back), "sent session masked taken");
    let trace = net.trace_from(out, "47.1.1.1:443/tcp");
    net.ends(&trace, Leg::Return, D::Delivered(Place::Internet));
    assert_eq!(kinds(&trace.forward), "sent groups masked taken");
}

#[test]
fn an_elastic_address_that_is_bound_to_nothing_leads_nowhere() {
    let mut net = Net::open();
    let eip: EipId = net.lab.ok(allocate()).id();
    let address = net.lab.world.get::<Eip>(&eip).unwrap().address;
    let from = Source::Outside([47, 1, 1, 1].into());
    let trace = net.trace_from(from, &format!("{address}:80/tcp"));
    net.ends(&trace, Leg::Forward, D::EipNotBound { eip, status: EipStatus::Available });
}

#[test]
fn a_nat_gateway_takes_out_what_an_entry_says_and_the_answer_back() {
    let mut net = Net::open();
    let (vpc, vswitch) = (net.lab.vpc, net.lab.web);
    let made = CreateNatGateway {
        vpc,
        vswitch,
        name: None,
        description: None,
        icmp_reply: true,
        bind_mode: EipBindMode::MultiBinded,
        tags: Vec::new(),
    };
    let nat: NatGatewayId = net.lab.ok(made).id();
    let (address, why) = ([10, 0, 1, 10].into(), NoPath::NoSnatEntry { gateway: nat });
    let no_path = D::NoPublicPath { vpc, address, why };
    net.ends(&net.trace("47.1.1.1:443/tcp"), Leg::Forward, no_path);
    // What is private to the VPC is not for the gateway, whatever entries it has.
    let why = NoPath::Private { destination: [192, 168, 1, 1].into() };
    let private = D::NoPublicPath { vpc, address, why };
    net.ends(&net.trace("192.168.1.1:443/tcp"), Leg::Forward, private);
    let bind = |net: &mut Net| {
        let eip: EipId = net.lab.ok(allocate()).id();
        let (kind, mode, target) = (TargetKind::Nat, Mode::Nat, nat.to_string().into());
        net.lab.ok(AssociateEip { eip, kind, target, private_address: None, mode, region: None });
        (eip, net.lab.world.get::<Eip>(&eip).unwrap().address)
    };
    let ((wide, first), (narrow, second)) = (bind(&mut net), bind(&mut net));
    let enter = |net: &mut Net, block: &str, ip| {
        let block = Some(block.parse().unwrap());
        let table = SnatTableId::from_number(nat.number());
        let entry =
            CreateSnatEntry { table, vswitch: None, block, ips: vec![ip], name: None, affinity: false };
        net.lab.ok(entry).id::<SnatEntryId>()
    };
    enter(&mut net, "10.0.0.0/16", first);
    let translated = |hops: &[Hop]| {
        hops.iter().find_map(|hop| match hop {
            Hop::Translated { eip, by, header } => {
                Some((*eip, by.and_then(NatEntryId::snat), header.source, header.destination))
            }
            _ => None,
        })
    };
    let (outside, private) = ("47.1.1.1".parse().unwrap(), "10.0.1.10".parse().unwrap());
    let trace = net.trace("47.1.1.1:443/tcp");
    net.ends(&trace, Leg::Return, D::Delivered(Place::Internet));
    assert_eq!(translated(&trace.forward).unwrap().0, wide);
    // The narrowest source decides, and the answer comes back by the same entry.
    let entry = enter(&mut net, "10.0.1.0/24", second);
    let trace = net.trace("47.1.1.1:443/tcp");
    assert_eq!(translated(&trace.forward), Some((narrow, Some(entry), second.into(), outside)));
    assert_eq!(translated(&trace.back), Some((narrow, Some(entry), outside, private)));
    net.ends(&trace, Leg::Return, D::Delivered(Place::Internet));
    // Nothing comes in of its own.
    let from = Source::Outside([47, 1, 1, 1].into());
    let trace = net.trace_from(from, &format!("{second}:80/tcp"));
    net.ends(&trace, Leg::Forward, D::NotForwarded { eip: narrow, gateway: nat, inert: None });
}

#[test]
fn an_elastic_address_comes_before_a_default_route_alone() {
    let mut net = Net::open();
    let front = net.front;
    eip(&mut net, front);
    let table = net.lab.table;
    net.route(table, "0.0.0.0/0", net.mid);
    net.ends(&net.trace("47.1.1.1:443/tcp"), Leg::Return, D::Delivered(Place::Internet));
    net.route(table, "47.0.0.0/8", net.mid);
    net.ends(&net.trace("47.1.1.1:443/tcp"), Leg::Return, D::Delivered(Place::Behind(net.mid)));
}
