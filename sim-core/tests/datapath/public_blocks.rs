//! What is public to a VPC and private elsewhere: an address of the sender's own comes before routes there. And interfaces that
//! an elastic IP address was given to, which no network ACL filters.

use crate::dispositions::eip;
use crate::lab::*;
use crate::nat::{equip, gateway};
use crate::net::{Net, allocate, host};
use crate::peers::accept_all;
use sim_core::datapath::reach::{Holder, Senders, SetQuestion};
use sim_core::datapath::{Disposition as D, Leg, Place, Source};
use sim_core::ecs::eni::{CreateEni, EniKind, TrafficMode};
use sim_core::ecs::eni_address::Wanted;
use sim_core::ecs::eni_attachment::AttachEni;
use sim_core::ecs::group_filter::PacketProtocol;
use sim_core::ecs::security_group::GroupKind;
use sim_core::id::VpcPeerId;
use sim_core::id::{
    EipId, EniId, Id, Ipv4GatewayId, NetworkAclId, SecurityGroupId, SnatTableId, VSwitchId, VpcId,
};
use sim_core::vpc::eip::Eip;
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind};
use sim_core::vpc::ipv4_gateway::{CreateIpv4Gateway, EnableIpv4Gateway};
use sim_core::vpc::network_acl::CreateNetworkAcl;
use sim_core::vpc::network_acl_binding::AssociateNetworkAcl;
use sim_core::vpc::network_acl_rule::UpdateNetworkAclRules;
use sim_core::vpc::snat::CreateSnatEntry;
use sim_core::vpc::vpc::{CreateVpc, Vpc};
use sim_core::vpc::vpc_peer::CreateVpcPeer;
use std::net::IpAddr;

/// A network, and a host at 30.0.1.10 in a VPC of 30.0.0.0/16 that is peered with it, with routes on both sides.
fn with_a_public_neighbour() -> (Net, EniId) {
    let mut net = Net::open();
    let block = Some("30.0.0.0/16".parse().unwrap());
    let there: VpcId = net.lab.ok(CreateVpc { block, ..CreateVpc::default() }).id();
    let near: VSwitchId = net.lab.ok(vswitch(there, "cn-hangzhou-k", "30.0.1.0/24", None)).id();
    let group: SecurityGroupId = net.lab.ok(group(there, GroupKind::Basic)).id();
    accept_all(&mut net.lab, group);
    let host = host(&mut net.lab, near, group, [30, 0, 1, 10]);
    let request = CreateVpcPeer { accepting_vpc: there, ..crate::peer_sketch::request(&net.lab) };
    let peer: VpcPeerId = net.lab.ok(request).id();
    let (table, back) = (net.lab.table, net.lab.world.get::<Vpc>(&there).unwrap().system_table);
    net.route(table, "30.0.0.0/16", peer);
    net.route(back, "10.0.0.0/16", peer);
    (net, host)
}

#[test]
fn an_address_of_the_senders_own_comes_before_a_route_to_a_public_block() {
    let (mut net, there) = with_a_public_neighbour();
    let (front, back) = (net.front, net.back);
    let from = |net: &Net, eni| net.trace_from(Source::Interface(eni, None), "30.0.1.10:80/tcp");
    let (reached, out) = (D::Delivered(Place::Interface(there)), D::Delivered(Place::Internet));
    net.ends(&from(&net, front), Leg::Return, reached);
    eip(&mut net, front);
    net.ends(&from(&net, front), Leg::Return, out);
    net.ends(&from(&net, back), Leg::Return, reached);
    // The answer leaves by the address too, so that it comes from elsewhere than it was asked of.
    let inward = net.trace_from(Source::Interface(there, None), "10.0.1.10:80/tcp");
    assert_eq!((inward.ending.leg, inward.ending.disposition.word()), (Leg::Return, "answer_astray"));
    // Sets tell the two apart, of which nothing else differs.
    let (web, group) = (net.lab.web, net.front_group);
    let twin = host(&mut net.lab, web, group, [10, 0, 1, 11]);
    let (from_both, to, protocol) =
        (Senders::Interfaces(vec![front, twin]), vec![there], PacketProtocol::Tcp);
    let (vpc, port, source_port) = (net.lab.vpc, Some(80), None);
    let question = SetQuestion { vpc, from: from_both, to, protocol, port, source_port };
    let answer = question.answer(&net.lab.world);
    let reaching: Vec<Holder> = answer.reached.iter().flat_map(|r| &r.from).map(|run| run.holder).collect();
    assert_eq!(reaching, [Holder::Interface(twin)]);
    assert_eq!(answer.unreached.len(), 1);
    // With an active IPv4 gateway the block is the route's.
    let (name, description, resource_group, tags) = (None, None, None, Vec::new());
    let made = CreateIpv4Gateway { vpc, name, description, resource_group, tags };
    let gateway: Ipv4GatewayId = net.lab.ok(made).id();
    net.lab.ok(EnableIpv4Gateway { gateway, tables: Vec::new() });
    net.ends(&from(&net, front), Leg::Return, reached);
}

#[test]
fn a_nat_gateway_comes_before_a_route_to_a_public_block() {
    let (mut net, there) = with_a_public_neighbour();
    let (front, back, vpc) = (net.front, net.back, net.lab.vpc);
    let nat = gateway(&mut net.lab);
    let (_, shared) = equip(&mut net.lab, nat);
    let from = |net: &Net, eni| net.trace_from(Source::Interface(eni, None), "30.0.1.10:80/tcp");
    let (reached, out) = (D::Delivered(Place::Interface(there)), D::Delivered(Place::Internet));
    // Without an entry for it a host has no way to the internet but the route.
    net.ends(&from(&net, front), Leg::Return, reached);
    net.lab.ok(CreateSnatEntry {
        table: SnatTableId::from_number(nat.number()),
        vswitch: None,
        block: Some("10.0.1.0/28".parse().unwrap()),
        ips: vec![shared],
        name: None,
        affinity: false,
    });
    net.ends(&from(&net, front), Leg::Return, out);
    net.ends(&from(&net, back), Leg::Return, reached);
    // Sets tell apart by the sources of entries what nothing else does.
    let (web, group) = (net.lab.web, net.front_group);
    let twin = host(&mut net.lab, web, group, [10, 0, 1, 30]);
    let (from_both, to, protocol) =
        (Senders::Interfaces(vec![front, twin]), vec![there], PacketProtocol::Tcp);
    let question = SetQuestion { vpc, from: from_both, to, protocol, port: Some(80), source_port: None };
    let answer = question.answer(&net.lab.world);
    let reaching: Vec<Holder> = answer.reached.iter().flat_map(|r| &r.from).map(|run| run.holder).collect();
    assert_eq!(reaching, [Holder::Interface(twin)]);
}

#[test]
fn an_address_of_the_senders_own_comes_before_a_narrow_route_to_a_nat_gateway() {
    let mut net = Net::open();
    let nat = gateway(&mut net.lab);
    let (_, shared) = equip(&mut net.lab, nat);
    let (front, table) = (net.front, net.lab.table);
    net.route(table, "47.0.0.0/8", nat);
    net.lab.ok(CreateSnatEntry {
        table: SnatTableId::from_number(nat.number()),
        vswitch: None,
        block: Some("10.0.0.0/16".parse().unwrap()),
        ips: vec![shared],
        name: None,
        affinity: false,
    });
    let (id, own) = eip(&mut net, front);
    let out = net.trace("47.1.1.1:443/tcp");
    net.ends(&out, Leg::Return, D::Delivered(Place::Internet));
    let by = |hop: &sim_core::datapath::Hop| match hop {
        sim_core::datapath::Hop::Translated { eip, by, .. } => Some((*eip, *by)),
        _ => None,
    };
    assert_eq!(out.forward.iter().find_map(by), Some((id, None)));
    // So a session that comes in by the address is answered from it.
    let inward = net.trace_from(Source::Outside([47, 1, 1, 1].into()), &format!("{own}:443/tcp"));
    net.ends(&inward, Leg::Return, D::Delivered(Place::Interface(front)));
    // A route to an appliance comes first, whatever its width.
    let hop = net.mid;
    net.route(table, "48.0.0.0/8", hop);
    let led = net.trace("48.1.1.1:443/tcp");
    let routed = |hop: &sim_core::datapath::Hop| matches!(hop, sim_core::datapath::Hop::Route { .. });
    assert!(led.forward.iter().any(routed), "{led:?}");
}

#[test]
fn an_interface_in_cut_through_mode_is_not_filtered() {
    let mut net = Net::open();
    let (web, group) = (net.lab.web, net.front_group);
    let spare = |net: &mut Net| -> EniId {
        let (vswitch, groups) = (web, vec![group]);
        net.lab
            .ok(CreateEni {
                vswitch,
                kind: EniKind::Secondary,
                groups,
                primary_ip: None,
                wanted: Wanted::default(),
                name: None,
                description: None,
                delete_on_release: false,
                source_dest_check: false,
                queues: None,
                traffic_mode: TrafficMode::Standard,
                resource_group: None,
                tags: Vec::new(),
            })
            .id()
    };
    let (bare, usual) = (spare(&mut net), spare(&mut net));
    let bind = |net: &mut Net, eni: EniId, mode| {
        let eip: EipId = net.lab.ok(allocate()).id();
        let (kind, target) = (TargetKind::NetworkInterface, eni.to_string().into());
        net.lab.ok(AssociateEip { eip, kind, target, private_address: None, mode, region: None });
        net.lab.world.get::<Eip>(&eip).unwrap().address
    };
    let (open, shut) = (bind(&mut net, bare, Mode::Binded), bind(&mut net, usual, Mode::Nat));
    let instance = net.instance(net.front);
    for eni in [bare, usual] {
        net.lab.ok(AttachEni { eni, instance, trunk: None });
    }
    let (vpc, name, description) = (net.lab.vpc, None, None);
    let acl: NetworkAclId = net.lab.ok(CreateNetworkAcl { vpc, name, description, tags: Vec::new() }).id();
    net.lab.ok(UpdateNetworkAclRules { acl, ingress: Some(Vec::new()), egress: Some(Vec::new()) });
    net.lab.ok(AssociateNetworkAcl { acl, vswitches: vec![web] });
    let outside = Source::Outside([47, 1, 1, 1].into());
    let to = |net: &Net, address: std::net::Ipv4Addr| net.trace_from(outside, &format!("{address}:80/tcp"));
    net.ends(&to(&net, open), Leg::Return, D::Delivered(Place::Interface(bare)));
    assert_eq!(to(&net, shut).ending.disposition.word(), "network_acl_drop");
    let out = net.trace_from(Source::Interface(bare, None), "47.1.1.1:443/tcp");
    net.ends(&out, Leg::Return, D::Delivered(Place::Internet));
    // Sets tell the two apart.
    let (from, to, protocol) = (Senders::Internet, vec![bare, usual], PacketProtocol::Tcp);
    let question = SetQuestion { vpc, from, to, protocol, port: Some(80), source_port: None };
    let answer = question.answer(&net.lab.world);
    let reached: std::collections::BTreeSet<IpAddr> =
        answer.reached.iter().flat_map(|r| &r.to).map(|run| run.first).collect();
    assert_eq!(reached, [IpAddr::from(open)].into());
}
