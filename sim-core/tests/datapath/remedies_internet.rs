//! What would open a way to the internet, and the cause that is told of there being none.

use crate::dispositions::eip;
use crate::lab::*;
use crate::nat::{equip, forward, gateway};
use crate::net::{Net, host};
use crate::remedies::{changes, front};
use sim_core::datapath::text::Words;
use sim_core::datapath::{Question, Source};
use sim_core::ecs::eni::{CreateEni, Eni, EniKind, TrafficMode};
use sim_core::ecs::eni_address::{AssignAddresses, Want, Wanted};
use sim_core::ecs::security_group::ModifySecurityGroup;
use sim_core::ecs::security_group_rule::Direction::{Egress, Ingress};
use sim_core::id::{EniId, ForwardEntryId, Id, Ipv4GatewayId, NatGatewayId, SnatTableId};
use sim_core::vpc::forward_entry::ModifyForwardEntry;
use sim_core::vpc::forward_ports::ForwardProtocol;
use sim_core::vpc::ipv4_gateway::{CreateIpv4Gateway, EnableIpv4Gateway};
use sim_core::vpc::ipv6_gateway::CreateIpv6Gateway;
use sim_core::vpc::nat_gateway::NatGateway;
use sim_core::vpc::route_entry::{DeleteRouteEntry, EntryRef, RouteEntry};
use sim_core::vpc::snat::CreateSnatEntry;
use std::net::Ipv4Addr;

const OUT: &str = "47.1.1.1:443";

/// How a question ends, in words.
fn told(net: &Net, question: &Question) -> String {
    Words::new(&net.lab.world).disposition(question.verdict(&net.lab.world).disposition)
}

fn without_default_route(net: &mut Net) {
    let everywhere = "0.0.0.0/0".parse().unwrap();
    let entry = net.lab.world.table::<RouteEntry>().iter().find(|e| e.destination == everywhere).unwrap().id;
    let entry = EntryRef { entry: Some(entry.to_string().into()), ..EntryRef::default() };
    net.lab.ok(DeleteRouteEntry { entry, next_hop: None, next_hops: Vec::new() });
}

fn snat(net: &mut Net, nat: NatGatewayId, ip: Ipv4Addr) {
    let (table, block) = (SnatTableId::from_number(nat.number()), Some("10.0.0.0/16".parse().unwrap()));
    net.lab.ok(CreateSnatEntry { table, vswitch: None, block, ips: vec![ip], name: None, affinity: false });
}

#[test]
fn a_route_to_the_ipv4_gateway_is_added() {
    let mut net = Net::open();
    let (vpc, from, table) = (net.lab.vpc, net.front, net.lab.table);
    eip(&mut net, from);
    let (name, description, resource_group, tags) = (None, None, None, Vec::new());
    let made = CreateIpv4Gateway { vpc, name, description, resource_group, tags };
    let gateway: Ipv4GatewayId = net.lab.ok(made).id();
    net.lab.ok(EnableIpv4Gateway { gateway, tables: Vec::new() });
    let question = front(&net, OUT);
    assert_eq!(changes(&net, &question), [format!("a route 0.0.0.0/0 to {gateway} in {table}")]);
    let web = net.lab.web;
    assert_eq!(
        told(&net, &question),
        format!("{table}, the table of {web}, has no route to {gateway} for it")
    );
}

#[test]
fn a_route_to_the_nat_gateway_is_added() {
    let mut net = Net::open();
    let (table, web) = (net.lab.table, net.lab.web);
    let nat = gateway(&mut net.lab);
    let (_, ip) = equip(&mut net.lab, nat);
    snat(&mut net, nat, ip);
    without_default_route(&mut net);
    let question = front(&net, OUT);
    assert_eq!(changes(&net, &question), [format!("a route 0.0.0.0/0 to {nat} in {table}")]);
    let why = format!("10.0.1.10 has no public address, and {table}, the table of {web}, no route for it");
    assert_eq!(told(&net, &question), why);
}

#[test]
fn an_snat_entry_is_added() {
    let mut net = Net::open();
    let nat = gateway(&mut net.lab);
    let (_, ip) = equip(&mut net.lab, nat);
    let question = front(&net, OUT);
    assert_eq!(changes(&net, &question), [format!("in {nat} an SNAT entry for 10.0.1.10/32 by {ip}")]);
    assert_eq!(told(&net, &question), format!("{nat} has no SNAT entry in force for 10.0.1.10"));
    // Where nothing is on the internet no entry helps, and the destination is what is told.
    let private = front(&net, "192.168.1.1:443");
    assert_eq!(sim_core::datapath::remedy::remedy(&net.lab.world, &caller(), &private), None);
    let vpc = net.lab.vpc;
    assert_eq!(told(&net, &private), format!("192.168.1.1 is private to {vpc}, and not of the internet"));
    // The gateway's own address in the VPC is not nobody's.
    let own = net.lab.world.get::<NatGateway>(&nat).unwrap().address;
    let inside = front(&net, &format!("{own}:80"));
    assert_eq!(told(&net, &inside), format!("{own} in {vpc} is of {nat}, which takes nothing there"));
}

#[test]
fn internet_bandwidth_is_bought() {
    let mut net = Net::open();
    let (web, group, vpc) = (net.lab.web, net.front_group, net.lab.vpc);
    let one = host(&mut net.lab, web, group, [10, 0, 1, 20]);
    let wanted = Wanted { ipv6: Want::Count(1), ..Wanted::default() };
    net.lab.ok(AssignAddresses { eni: one, wanted });
    let address = net.lab.world.get::<Eni>(&one).unwrap().ipv6[0];
    let question = net.ask(Source::Interface(one, None), "[2400:3200::1]:443").unwrap();
    assert_eq!(told(&net, &question), format!("{vpc} has no IPv6 gateway"));
    let (name, description, resource_group, tags) = (None, None, None, Vec::new());
    net.lab.ok(CreateIpv6Gateway { vpc, name, description, resource_group, tags });
    assert_eq!(changes(&net, &question), [format!("internet bandwidth of 1 Mbit/s for {address}")]);
    assert_eq!(told(&net, &question), format!("{address} has no internet bandwidth"));
}

#[test]
fn an_address_is_taken_off_a_host_to_which_a_dnat_entry_leads() {
    let mut net = Net::open();
    let nat = gateway(&mut net.lab);
    let (_, ip) = equip(&mut net.lab, nat);
    let from = net.front;
    let entry: ForwardEntryId =
        net.lab.ok(forward(nat, ip, (80, 80), [10, 0, 2, 9], (80, 80), ForwardProtocol::Tcp)).id();
    let (own, _) = eip(&mut net, from);
    net.lab.ok(ModifyForwardEntry {
        entry,
        table: None,
        external_ip: None,
        external: None,
        address: Some([10, 0, 1, 10].into()),
        internal: None,
        protocol: None,
        name: None,
        port_break: None,
    });
    let question = net.ask(Source::Outside([47, 1, 1, 1].into()), &format!("{ip}:80")).unwrap();
    assert_eq!(changes(&net, &question), [format!("{own} bound to nothing")]);
    let why = format!("{entry} of {nat} does nothing while its host, 10.0.1.10, has {own}");
    assert_eq!(told(&net, &question), why);
}

#[test]
fn members_of_a_group_may_reach_each_other() {
    let mut net = Net::new();
    let (web, group) = (net.lab.web, net.front_group);
    host(&mut net.lab, web, group, [10, 0, 1, 20]);
    let inner_access = Some(false);
    net.lab.ok(ModifySecurityGroup { group, name: None, description: None, inner_access });
    net.rule(group, Egress, "drop", "1", "tcp", "80/80", "0.0.0.0/0");
    net.rule(group, Ingress, "drop", "1", "tcp", "80/80", "0.0.0.0/0");
    let question = front(&net, "10.0.1.20:80");
    assert_eq!(changes(&net, &question), [format!("members of {group} reaching each other")]);
}

#[test]
fn an_interface_is_attached_to_another_than_the_sender() {
    let mut net = Net::open();
    let (web, group) = (net.lab.web, net.front_group);
    let made = CreateEni {
        vswitch: web,
        kind: EniKind::Secondary,
        groups: vec![group],
        primary_ip: Some([10, 0, 1, 60].into()),
        wanted: Wanted::default(),
        name: None,
        description: None,
        delete_on_release: false,
        source_dest_check: false,
        queues: None,
        traffic_mode: TrafficMode::Standard,
        resource_group: None,
        tags: Vec::new(),
    };
    let spare: EniId = net.lab.ok(made).id();
    host(&mut net.lab, web, group, [10, 0, 1, 20]);
    let question = front(&net, "10.0.1.60:80");
    let told = changes(&net, &question);
    assert!(told[0].starts_with(&format!("{spare} attached to i-")), "{told:?}");
    assert_ne!(told[0], format!("{spare} attached to {}", net.instance(net.front)));
}
