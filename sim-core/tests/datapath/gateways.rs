//! The way to the internet by an IPv4 and an IPv6 gateway.

use crate::nat::{equip, forward, gateway};
use crate::net::{Net, allocate, host};
use sim_core::datapath::remedy::remedy;
use sim_core::datapath::{Disposition as D, Flow, Hop, Leg, NoPath, Place, Source, Target};
use sim_core::ecs::eni::Eni;
use sim_core::ecs::eni_address::{AssignAddresses, Want, Wanted};
use sim_core::id::{EipId, Ipv4GatewayId, Ipv6BandwidthId, Ipv6EgressRuleId, Ipv6GatewayId, VSwitchId};
use sim_core::vpc::eip::{Eip, InternetCharge};
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind};
use sim_core::vpc::forward_ports::ForwardProtocol;
use sim_core::vpc::ipv4_gateway::{CreateIpv4Gateway, DeleteIpv4Gateway, EnableIpv4Gateway, InternetMode};
use sim_core::vpc::ipv6_bandwidth::{AddressRef, AllocateIpv6Bandwidth, BandwidthRef, DeleteIpv6Bandwidth};
use sim_core::vpc::ipv6_egress_rule::{CreateIpv6EgressRule, DeleteIpv6EgressRule};
use sim_core::vpc::ipv6_gateway::CreateIpv6Gateway;
use sim_core::vpc::route_entry::{DeleteRouteEntry, EntryRef};

fn outside() -> Source {
    Source::Outside([47, 1, 1, 1].into())
}

fn expose(net: &mut Net) -> std::net::Ipv4Addr {
    let eip: EipId = net.lab.ok(allocate()).id();
    let (kind, target) = (TargetKind::EcsInstance, net.instance(net.front).to_string().into());
    net.lab.ok(AssociateEip { eip, kind, target, private_address: None, mode: Mode::Nat, region: None });
    net.lab.world.get::<Eip>(&eip).unwrap().address
}

fn v4(net: &mut Net) -> Ipv4GatewayId {
    let (vpc, tags) = (net.lab.vpc, Vec::new());
    net.lab.ok(CreateIpv4Gateway { vpc, name: None, description: None, resource_group: None, tags }).id()
}

#[test]
fn an_active_ipv4_gateway_wants_routes() {
    let mut net = Net::open();
    let ip = expose(&mut net);
    let (vpc, front) = (net.lab.vpc, net.front);
    let out = D::Delivered(Place::Internet);
    let gateway = v4(&mut net);
    net.ends(&net.trace("47.1.1.1:443/tcp"), Leg::Return, out);
    net.lab.ok(EnableIpv4Gateway { gateway, tables: Vec::new() });
    let (web, system) = (net.lab.web, net.lab.table);
    let no_path = |why| D::NoPublicPath { vpc, address: [10, 0, 1, 10].into(), why };
    let unrouted = no_path(NoPath::Unrouted { vswitch: web, table: system, gateway: gateway.into() });
    net.ends(&net.trace("47.1.1.1:443/tcp"), Leg::Forward, unrouted);
    // What comes in needs no route, its answer does.
    let inward = |net: &Net| net.trace_from(outside(), &format!("{ip}:80/tcp"));
    net.ends(&inward(&net), Leg::Return, unrouted);
    let table = net.lab.table;
    let route = net.route(table, "47.0.0.0/8", gateway);
    net.ends(&net.trace("47.1.1.1:443/tcp"), Leg::Return, out);
    net.ends(&net.trace("8.8.8.8:443/tcp"), Leg::Forward, unrouted);
    net.ends(&inward(&net), Leg::Return, D::Delivered(Place::Interface(front)));
    // Closed: nothing comes in either.
    let entry = EntryRef { entry: Some(route.to_string().into()), ..EntryRef::default() };
    net.lab.ok(DeleteRouteEntry { entry, next_hop: None, next_hops: Vec::new() });
    net.lab.ok(DeleteIpv4Gateway { gateway, mode: InternetMode::Private });
    net.ends(&inward(&net), Leg::Forward, no_path(NoPath::Closed));
    net.ends(&net.trace("47.1.1.1:443/tcp"), Leg::Forward, no_path(NoPath::Closed));
    let gateway = v4(&mut net);
    net.lab.ok(EnableIpv4Gateway { gateway, tables: Vec::new() });
    net.lab.ok(DeleteIpv4Gateway { gateway, mode: InternetMode::Public });
    net.ends(&net.trace("47.1.1.1:443/tcp"), Leg::Return, out);
}

#[test]
fn a_nat_gateway_leaves_by_the_ipv4_gateway() {
    let mut net = Net::open();
    let nat = gateway(&mut net.lab);
    let (_, ip) = equip(&mut net.lab, nat);
    net.lab.ok(forward(nat, ip, (0, 0), [10, 0, 2, 9], (0, 0), ForwardProtocol::Any));
    let way = v4(&mut net);
    let from_back = |net: &Net| net.trace_from(Source::Interface(net.back, None), "47.1.1.1:443/tcp");
    net.ends(&from_back(&net), Leg::Return, D::Delivered(Place::Internet));
    net.lab.ok(EnableIpv4Gateway { gateway: way, tables: Vec::new() });
    let (vswitch, table) = (net.lab.web, net.lab.table);
    let why = NoPath::Unrouted { vswitch, table, gateway: way.into() };
    let no_path = D::NoPublicPath { vpc: net.lab.vpc, address: [10, 0, 2, 9].into(), why };
    net.ends(&from_back(&net), Leg::Forward, no_path);
    // The second look-up of one route is the gateway's own, in its vSwitch.
    let asked = from_back(&net).forward.into_iter().filter_map(|hop| match hop {
        Hop::Route { gateway, .. } => Some(gateway),
        _ => None,
    });
    assert_eq!(asked.collect::<Vec<_>>(), [None, Some(nat)]);
    // The vSwitch of the NAT gateway has a table of its own, which leads on.
    let web: VSwitchId = net.lab.web;
    let table = net.table(web);
    net.route(table, "0.0.0.0/0", way);
    net.ends(&from_back(&net), Leg::Return, D::Delivered(Place::Internet));
    let inward = net.trace_from(outside(), &format!("{ip}:22/tcp"));
    net.ends(&inward, Leg::Return, D::Delivered(Place::Interface(net.back)));
}

#[test]
fn an_ipv6_address_is_public_while_it_has_bandwidth() {
    let mut net = Net::open();
    for group in [net.front_group, net.back_group] {
        net.accept(group, "all", "-1/-1", "::/0");
    }
    let (web, group) = (net.lab.web, net.back_group);
    let other = host(&mut net.lab, web, group, [10, 0, 1, 20]);
    for eni in [net.front, other] {
        net.lab.ok(AssignAddresses { eni, wanted: Wanted { ipv6: Want::Count(1), ..Wanted::default() } });
    }
    let own = |net: &Net, eni| net.lab.world.get::<Eni>(&eni).unwrap().ipv6[0];
    let (front, back) = (own(&net, net.front), own(&net, other));
    let vpc = net.lab.vpc;
    let out = |net: &Net| net.trace("[2400:3200::1]:443/tcp");
    let inward = |net: &Net| {
        net.trace_from(Source::Outside("2400:3200::1".parse().unwrap()), &format!("[{front}]:80/tcp"))
    };
    let no_path = |why| D::NoPublicPath { vpc, address: front.into(), why };
    net.ends(&out(&net), Leg::Forward, no_path(NoPath::NoIpv6Gateway));
    let made =
        CreateIpv6Gateway { vpc, name: None, description: None, resource_group: None, tags: Vec::new() };
    let gateway: Ipv6GatewayId = net.lab.ok(made).id();
    net.ends(&out(&net), Leg::Forward, no_path(NoPath::NoBandwidth));
    net.ends(&inward(&net), Leg::Forward, no_path(NoPath::NoBandwidth));
    let (address, charge) = (AddressRef::Address(front), InternetCharge::ByTraffic);
    let bought: Ipv6BandwidthId =
        net.lab.ok(AllocateIpv6Bandwidth { gateway, address, bandwidth: 10, charge }).id();
    net.ends(&out(&net), Leg::Return, D::Delivered(Place::Internet));
    net.ends(&inward(&net), Leg::Return, D::Delivered(Place::Interface(net.front)));
    // Inside the VPC an address needs none.
    net.ends(&net.trace(&format!("[{back}]:80/tcp")), Leg::Return, D::Delivered(Place::Interface(other)));
    net.lab.ok(DeleteIpv6Bandwidth { bandwidth: BandwidthRef::Id(bought) });
    net.ends(&inward(&net), Leg::Forward, no_path(NoPath::NoBandwidth));
}

#[test]
fn an_egress_only_rule_lets_sessions_out_and_none_in() {
    let mut net = Net::open();
    for group in [net.front_group, net.back_group] {
        net.accept(group, "all", "-1/-1", "::/0");
    }
    let (web, group, vpc) = (net.lab.web, net.back_group, net.lab.vpc);
    let other = host(&mut net.lab, web, group, [10, 0, 1, 20]);
    for eni in [net.front, other] {
        net.lab.ok(AssignAddresses { eni, wanted: Wanted { ipv6: Want::Count(1), ..Wanted::default() } });
    }
    let own = |net: &Net, eni| net.lab.world.get::<Eni>(&eni).unwrap().ipv6[0];
    let (front, back) = (own(&net, net.front), own(&net, other));
    let made =
        CreateIpv6Gateway { vpc, name: None, description: None, resource_group: None, tags: Vec::new() };
    let gateway: Ipv6GatewayId = net.lab.ok(made).id();
    let (address, charge) = (AddressRef::Address(front), InternetCharge::ByTraffic);
    let bought: Ipv6BandwidthId =
        net.lab.ok(AllocateIpv6Bandwidth { gateway, address, bandwidth: 10, charge }).id();
    let rule: Ipv6EgressRuleId =
        net.lab.ok(CreateIpv6EgressRule { gateway, address, name: None, description: None }).id();
    let out = |net: &Net| net.trace("[2400:3200::1]:443/tcp");
    let inward = |net: &Net| {
        net.trace_from(Source::Outside("2400:3200::1".parse().unwrap()), &format!("[{front}]:80/tcp"))
    };
    let (sent, taken) = (D::Delivered(Place::Internet), D::Delivered(Place::Interface(net.front)));
    // The answer comes back by the gateway that let the session out.
    net.ends(&out(&net), Leg::Return, sent);
    net.ends(&inward(&net), Leg::Forward, D::EgressOnly { rule, address: front.into() });
    // Inside the VPC the rule holds nothing up, either way.
    net.ends(&net.trace(&format!("[{back}]:80/tcp")), Leg::Return, D::Delivered(Place::Interface(other)));
    let from_other =
        net.trace_from(Source::Interface(other, Some(back.into())), &format!("[{front}]:80/tcp"));
    net.ends(&from_other, Leg::Return, taken);
    // What lets the session in is to take the rule away.
    let target = Target::parse(&format!("[{front}]:80/tcp"), "destination").unwrap();
    let (destination, port, protocol) = (target.address, target.port, target.protocol);
    let source = Source::Outside("2400:3200::1".parse().unwrap());
    let flow = Flow { source, protocol, source_port: None, destination, port, request: None };
    let question = flow.resolve(&net.lab.world, &crate::lab::caller()).unwrap();
    let found = remedy(&net.lab.world, &crate::lab::caller(), &question).unwrap();
    assert_eq!(found.changes, [DeleteIpv6EgressRule { rule }.into()]);
    // Without bandwidth nothing passes; with new bandwidth the rule holds as before.
    net.lab.ok(DeleteIpv6Bandwidth { bandwidth: BandwidthRef::Id(bought) });
    net.ends(
        &inward(&net),
        Leg::Forward,
        D::NoPublicPath { vpc, address: front.into(), why: NoPath::NoBandwidth },
    );
    net.lab.ok(AllocateIpv6Bandwidth { gateway, address, bandwidth: 10, charge });
    net.ends(&inward(&net), Leg::Forward, D::EgressOnly { rule, address: front.into() });
    net.lab.ok(DeleteIpv6EgressRule { rule });
    net.ends(&inward(&net), Leg::Return, taken);
}
