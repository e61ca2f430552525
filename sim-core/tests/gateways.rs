//! IPv4 and IPv6 gateways: their states, what their VPC is without them, and in which order things go.

#[path = "ecs_lab/mod.rs"]
mod ecs_lab;

use ecs_lab::Lab;
use sim_core::ErrorCode as E;
use sim_core::ecs::eni::Eni;
use sim_core::ecs::eni_address::{AssignAddresses, UnassignAddresses, Want, Wanted};
use sim_core::id::{Ipv4GatewayId, Ipv6BandwidthId, Ipv6EgressRuleId, Ipv6GatewayId, RouteEntryId};
use sim_core::settings::Provisioning;
use sim_core::vpc::eip::InternetCharge;
use sim_core::vpc::ipv4_gateway::{
    CreateIpv4Gateway, DeleteIpv4Gateway, EnableIpv4Gateway, GatewayStatus, InternetMode, Ipv4Gateway,
    is_controlled,
};
use sim_core::vpc::ipv6_bandwidth::{
    AddressRef, AllocateIpv6Bandwidth, BandwidthRef, DeleteIpv6Bandwidth, Ipv6Bandwidth, address_id,
    is_public,
};
use sim_core::vpc::ipv6_egress_rule::{
    CreateIpv6EgressRule, DeleteIpv6EgressRule, EgressRuleStatus, Ipv6EgressRule, in_force,
};
use sim_core::vpc::ipv6_gateway::{CreateIpv6Gateway, DeleteIpv6Gateway, Ipv6Gateway, Ipv6GatewayStatus};
use sim_core::vpc::next_hop::NextHop;
use sim_core::vpc::route_entry::{self, DeleteRouteEntry, EntryRef, RouteEntry};
use sim_core::vpc::route_table::RouteTable;
use sim_core::vpc::vpc::Vpc;

fn v4(lab: &Lab) -> CreateIpv4Gateway {
    CreateIpv4Gateway { vpc: lab.vpc, name: None, description: None, resource_group: None, tags: Vec::new() }
}

fn v6(lab: &Lab) -> CreateIpv6Gateway {
    CreateIpv6Gateway { vpc: lab.vpc, name: None, description: None, resource_group: None, tags: Vec::new() }
}

fn default_route(lab: &Lab, destination: &str) -> Option<RouteEntry> {
    let table = lab.world.get::<Vpc>(&lab.vpc).unwrap().system_table;
    let table = lab.world.get::<RouteTable>(&table).unwrap();
    route_entry::to_destination(&lab.world, table, destination.parse().unwrap())
}

fn drop_route(entry: RouteEntryId) -> DeleteRouteEntry {
    let entry = EntryRef { entry: Some(entry.to_string().into()), ..EntryRef::default() };
    DeleteRouteEntry { entry, next_hop: None, next_hops: Vec::new() }
}

#[test]
fn an_ipv4_gateway_takes_its_time_and_then_control() {
    let mut lab = Lab::new();
    lab.provision(Provisioning::Documented);
    let made = v4(&lab);
    let gateway: Ipv4GatewayId = lab.ok(made.clone()).id();
    let status = |lab: &Lab| lab.world.get::<Ipv4Gateway>(&gateway).unwrap().status;
    let tables = vec![lab.world.get::<Vpc>(&lab.vpc).unwrap().system_table];
    let enable = EnableIpv4Gateway { gateway, tables };
    assert_eq!(status(&lab), GatewayStatus::Creating);
    lab.refuses("one that is being made", enable.clone(), E::Ipv4GatewayStatusIncorrect);
    lab.refuses("a second one", made, E::VpcHasIpv4GatewayAlready);
    lab.wait(1_000);
    lab.ok(enable.clone());
    assert_eq!(status(&lab), GatewayStatus::Activating);
    assert!(!is_controlled(&lab.world, lab.vpc));
    lab.wait(1_000);
    assert!(is_controlled(&lab.world, lab.vpc));
    lab.refuses("an active one", enable, E::Ipv4GatewayEnabledAlready);
    let route = default_route(&lab, "0.0.0.0/0").unwrap();
    assert_eq!(route.next_hop, NextHop::Ipv4Gateway(gateway));
    let delete = DeleteIpv4Gateway { gateway, mode: InternetMode::Private };
    lab.refuses("one with a route", delete.clone(), E::Ipv4GatewayHasRouteEntry);
    lab.ok(drop_route(route.id));
    lab.ok(delete);
    assert_eq!(status(&lab), GatewayStatus::Deleting);
    lab.wait(1_000);
    assert!(lab.world.get::<Ipv4Gateway>(&gateway).is_none() && is_controlled(&lab.world, lab.vpc));
    lab.check_replay();
}

#[test]
fn a_gateway_that_was_never_active_leaves_the_vpc_as_it_is() {
    let mut lab = Lab::new();
    let made = v4(&lab);
    let gateway: Ipv4GatewayId = lab.ok(made).id();
    lab.ok(DeleteIpv4Gateway { gateway, mode: InternetMode::Private });
    assert!(!is_controlled(&lab.world, lab.vpc));
    lab.check_replay();
}

#[test]
fn an_ipv6_gateway_comes_with_its_route_and_goes_after_its_bandwidth() {
    let mut lab = Lab::new();
    let made = v6(&lab);
    let gateway: Ipv6GatewayId = lab.ok(made.clone()).id();
    lab.refuses("a second one", made.clone(), E::VpcHasIpv6GatewayAlready);
    assert_eq!(default_route(&lab, "::/0").unwrap().next_hop, NextHop::Ipv6Gateway(gateway));
    let eni = lab.eni(&[lab.sg]);
    lab.ok(AssignAddresses { eni, wanted: Wanted { ipv6: Want::Count(2), ..Wanted::default() } });
    let own = lab.world.get::<Eni>(&eni).unwrap().ipv6.clone();
    let buy = |n: usize, bandwidth: u32| {
        let address = AddressRef::Id(address_id(eni, own[n]));
        AllocateIpv6Bandwidth { gateway, address, bandwidth, charge: InternetCharge::ByBandwidth }
    };
    lab.refuses("too much", buy(0, 2_001), E::Ipv6BandwidthInvalid);
    let first: Ipv6BandwidthId = lab.ok(buy(0, 2_000)).id();
    lab.refuses("twice", buy(0, 5), E::Ipv6BandwidthExists);
    assert!(is_public(&lab.world, own[0]) && !is_public(&lab.world, own[1]));
    lab.refuses("one with bandwidth", DeleteIpv6Gateway { gateway }, E::Ipv6GatewayHasBandwidth);
    // Bandwidth goes with its address.
    let lost = UnassignAddresses {
        eni,
        ipv4: Vec::new(),
        ipv4_prefixes: Vec::new(),
        ipv6: vec![own[0]],
        ipv6_prefixes: Vec::new(),
    };
    lab.ok(lost);
    assert!(lab.world.get::<Ipv6Bandwidth>(&first).is_none());
    lab.provision(Provisioning::Visible);
    lab.ok(DeleteIpv6Gateway { gateway });
    assert_eq!(default_route(&lab, "::/0"), None);
    assert_eq!(lab.world.get::<Ipv6Gateway>(&gateway).unwrap().status, Ipv6GatewayStatus::Deleting);
    lab.wait(200);
    assert!(lab.world.get::<Ipv6Gateway>(&gateway).is_none());
    lab.check_replay();
}

#[test]
fn an_egress_only_rule_wants_bandwidth_and_keeps_its_gateway() {
    let mut lab = Lab::new();
    let made = v6(&lab);
    let gateway: Ipv6GatewayId = lab.ok(made).id();
    let eni = lab.eni(&[lab.sg]);
    lab.ok(AssignAddresses { eni, wanted: Wanted { ipv6: Want::Count(1), ..Wanted::default() } });
    let own = lab.world.get::<Eni>(&eni).unwrap().ipv6[0];
    let address = AddressRef::Address(own);
    let rule = CreateIpv6EgressRule { gateway, address, name: None, description: None };
    lab.refuses("an address without bandwidth", rule.clone(), E::Ipv6EgressRuleNoBandwidth);
    let (bandwidth, charge) = (5, InternetCharge::ByTraffic);
    let buy = AllocateIpv6Bandwidth { gateway, address, bandwidth, charge };
    let bought: Ipv6BandwidthId = lab.ok(buy.clone()).id();
    lab.provision(Provisioning::Documented);
    let id: Ipv6EgressRuleId = lab.ok(rule.clone()).id();
    let status = |lab: &Lab| lab.world.get::<Ipv6EgressRule>(&id).map(|rule| rule.status);
    assert_eq!(status(&lab), Some(EgressRuleStatus::Pending));
    assert!(in_force(&lab.world, own).is_none());
    lab.refuses("a second one", rule.clone(), E::Ipv6EgressRuleExists);
    lab.refuses(
        "one that is being made",
        DeleteIpv6EgressRule { rule: id },
        E::Ipv6EgressRuleStatusIncorrect,
    );
    lab.wait(1_000);
    assert_eq!(in_force(&lab.world, own).map(|rule| rule.id), Some(id));
    // It outlives the bandwidth, and the gateway outlives it.
    lab.ok(DeleteIpv6Bandwidth { bandwidth: BandwidthRef::Id(bought) });
    lab.refuses("one with a rule", DeleteIpv6Gateway { gateway }, E::Ipv6GatewayHasEgressRule);
    lab.ok(buy);
    lab.ok(DeleteIpv6EgressRule { rule: id });
    assert_eq!(status(&lab), Some(EgressRuleStatus::Deleting));
    lab.wait(1_000);
    assert_eq!(status(&lab), None);
    // It goes with its address, in the middle of its transition too.
    lab.ok(rule);
    lab.ok(UnassignAddresses {
        eni,
        ipv4: Vec::new(),
        ipv4_prefixes: Vec::new(),
        ipv6: vec![own],
        ipv6_prefixes: Vec::new(),
    });
    assert!(lab.world.table::<Ipv6EgressRule>().is_empty());
    lab.wait(1_000);
    lab.ok(DeleteIpv6Gateway { gateway });
}
