//! NAT gateways: the route and the address that come and go with them, their SNAT and DNAT entries, and in which order things go.

#[path = "ecs_lab/mod.rs"]
mod ecs_lab;

use ecs_lab::Lab;
use sim_core::ErrorCode as E;
use sim_core::ecs::security_group_rule::PortRange;
use sim_core::id::{EipId, ForwardEntryId, NatGatewayId, SnatEntryId, VSwitchId};
use sim_core::settings::Provisioning;
use sim_core::vpc::eip::{AllocateEip, Eip, EipStatus};
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind, UnassociateEip};
use sim_core::vpc::forward_entry::{CreateForwardEntry, DeleteForwardEntry, ForwardEntry, Mapping};
use sim_core::vpc::forward_ports::ForwardProtocol;
use sim_core::vpc::nat_gateway::{
    CreateNatGateway, DeleteNatGateway, EipBindMode, NatGateway, NatStatus, dependents,
};
use sim_core::vpc::next_hop::{HopChoice, NextHop};
use sim_core::vpc::route_entry::{self, CreateRouteEntry, DeleteRouteEntry, EntryRef, NewEntry, RouteEntry};
use sim_core::vpc::route_table::{self, RouteTable};
use sim_core::vpc::snat::{CreateSnatEntry, DeleteSnatEntry, ModifySnatEntry, NatEntryStatus, SnatEntry};
use sim_core::vpc::vpc::Vpc;
use std::net::Ipv4Addr;

fn new(lab: &Lab) -> CreateNatGateway {
    let (vpc, vswitch) = (lab.vpc, lab.web);
    CreateNatGateway {
        vpc,
        vswitch,
        name: None,
        description: None,
        icmp_reply: true,
        bind_mode: EipBindMode::MultiBinded,
        tags: Vec::new(),
    }
}

fn make(lab: &mut Lab) -> NatGatewayId {
    let command = new(lab);
    lab.ok(command).id()
}

fn row(lab: &Lab, id: NatGatewayId) -> &NatGateway {
    lab.world.get::<NatGateway>(&id).unwrap()
}

/// A new address, bound to the gateway.
fn equip(lab: &mut Lab, gateway: NatGatewayId) -> (EipId, Ipv4Addr) {
    let eip = lab.ok(AllocateEip::default()).id::<EipId>();
    let (kind, mode, target) = (TargetKind::Nat, Mode::Nat, gateway.to_string().into());
    lab.ok(AssociateEip { eip, kind, target, private_address: None, mode, region: None });
    (eip, lab.world.get::<Eip>(&eip).unwrap().address)
}

fn entry(lab: &Lab, gateway: NatGatewayId, vswitch: VSwitchId, ips: &[Ipv4Addr]) -> CreateSnatEntry {
    let (table, ips) = (row(lab, gateway).snat_table(), ips.to_vec());
    CreateSnatEntry { table, vswitch: Some(vswitch), block: None, ips, name: None, affinity: false }
}

fn delete(gateway: NatGatewayId, force: bool) -> DeleteNatGateway {
    DeleteNatGateway { gateway, force }
}

fn take_off(eip: EipId, force: bool) -> UnassociateEip {
    UnassociateEip { eip, kind: None, target: None, private_address: None, force }
}

/// Where the system table sends packets to the internet.
fn to_internet(lab: &Lab) -> Option<NextHop> {
    let table = lab.world.get::<Vpc>(&lab.vpc).unwrap().system_table;
    let table = lab.world.get::<RouteTable>(&table).unwrap();
    route_table::lookup(&lab.world, table, "8.8.8.8".parse().unwrap()).map(|entry| entry.next_hop)
}

#[test]
fn its_route_and_its_address_come_and_go_with_it() {
    let mut lab = Lab::new();
    let free = |lab: &Lab| lab.world.indexes().vswitches.pools[&lab.web].free_count();
    let before = free(&lab);
    assert_eq!(to_internet(&lab), None);
    let first = make(&mut lab);
    assert_eq!((to_internet(&lab), free(&lab)), (Some(NextHop::NatGateway(first)), before - 1));
    // The second finds the destination taken and lets it be.
    let second = make(&mut lab);
    assert_eq!(to_internet(&lab), Some(NextHop::NatGateway(first)));
    lab.ok(delete(first, false));
    assert_eq!((to_internet(&lab), free(&lab)), (None, before - 1));
    lab.ok(delete(second, false));
    assert_eq!(free(&lab), before);
    lab.check_replay();
}

#[test]
fn a_route_that_somebody_made_is_not_its_own() {
    let mut lab = Lab::new();
    let nat = make(&mut lab);
    let own = route_entry::next_hop_users(&lab.world, nat)[0];
    let table = lab.world.get::<RouteEntry>(&own).unwrap().table;
    lab.ok(DeleteRouteEntry {
        entry: EntryRef { entry: Some(own.to_string().into()), table: None, destination: None },
        next_hop: None,
        next_hops: Vec::new(),
    });
    lab.ok(CreateRouteEntry {
        entry: NewEntry {
            table: table.to_string().into(),
            destination: "0.0.0.0/0".into(),
            next_hop: HopChoice {
                kind: Some("NatGateway".into()),
                id: Some(nat.to_string().into()),
                list: Vec::new(),
            },
            name: None,
            description: None,
        },
    });
    lab.refuses("a route that was made to it", delete(nat, false), E::NatHasRouteEntry);
    lab.ok(delete(nat, true));
    assert_eq!(to_internet(&lab), None);
}

#[test]
fn it_takes_its_time_to_come_and_to_go() {
    let mut lab = Lab::new();
    lab.provision(Provisioning::Documented);
    let nat = make(&mut lab);
    assert_eq!(row(&lab, nat).status, NatStatus::Creating);
    lab.refuses("one that is being made", delete(nat, true), E::NatStatusIncorrect);
    lab.wait(179_999);
    assert_eq!(row(&lab, nat).status, NatStatus::Creating);
    lab.wait(1);
    assert_eq!(row(&lab, nat).status, NatStatus::Available);
    lab.ok(delete(nat, false));
    assert_eq!(row(&lab, nat).status, NatStatus::Deleting);
    lab.refuses("one that is being deleted", delete(nat, true), E::NatStatusIncorrect);
    lab.wait(180_000);
    assert!(lab.world.get::<NatGateway>(&nat).is_none());
    lab.check_replay();
}

#[test]
fn what_is_needed_goes_first_or_by_force() {
    let mut lab = Lab::new();
    let nat = make(&mut lab);
    let (eip, ip) = equip(&mut lab, nat);
    let command = entry(&lab, nat, lab.web, &[ip]);
    let snat = lab.ok(command).id::<SnatEntryId>();
    let codes: Vec<E> = dependents(&lab.world, row(&lab, nat)).iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [E::NatHasSnatEntry, E::NatHasEip]);
    lab.refuses("with an entry", delete(nat, false), E::NatHasSnatEntry);
    lab.refuses("an address in use", take_off(eip, false), E::EipUsedBySnat);
    let mut forced = lab.world.clone();
    let applied = forced.apply(forced.now(), &ecs_lab::caller(), delete(nat, true).into());
    applied.outcome.unwrap();
    let freed = forced.get::<Eip>(&eip).unwrap();
    assert_eq!((freed.status, freed.binding), (EipStatus::Available, None));
    assert!(forced.get::<SnatEntry>(&snat).is_none() && forced.get::<NatGateway>(&nat).is_none());
    lab.ok(DeleteSnatEntry { entry: snat, table: None });
    lab.refuses("with an address", delete(nat, false), E::NatHasEip);
    lab.ok(take_off(eip, false));
    lab.ok(delete(nat, false));
    lab.check_replay();
}

#[test]
fn an_entry_loses_an_address_that_is_taken_off_by_force() {
    let mut lab = Lab::new();
    let nat = make(&mut lab);
    let ((a, first), (b, second)) = (equip(&mut lab, nat), equip(&mut lab, nat));
    let command = entry(&lab, nat, lab.web, &[first, second]);
    let snat = lab.ok(command).id::<SnatEntryId>();
    lab.ok(take_off(a, true));
    assert_eq!(lab.world.get::<SnatEntry>(&snat).unwrap().eips, [b]);
    lab.ok(take_off(b, true));
    assert!(lab.world.get::<SnatEntry>(&snat).is_none(), "an entry without an address goes");
    lab.check_replay();
}

#[test]
fn one_change_of_entries_at_a_time() {
    let mut lab = Lab::new();
    let nat = make(&mut lab);
    let (_, ip) = equip(&mut lab, nat);
    lab.provision(Provisioning::Visible);
    let (web, db) = (entry(&lab, nat, lab.web, &[ip]), entry(&lab, nat, lab.db, &[ip]));
    let snat = lab.ok(web).id::<SnatEntryId>();
    let status = |lab: &Lab| lab.world.get::<SnatEntry>(&snat).unwrap().status;
    assert_eq!(status(&lab), NatEntryStatus::Pending);
    lab.refuses("another meanwhile", db.clone(), E::NatStatusIncorrect);
    lab.wait(200);
    assert_eq!(status(&lab), NatEntryStatus::Available);
    let change = ModifySnatEntry {
        entry: snat,
        table: None,
        ips: None,
        name: Some("hosts".into()),
        affinity: Some(true),
    };
    lab.ok(change);
    assert_eq!(status(&lab), NatEntryStatus::Modifying);
    lab.wait(200);
    lab.ok(db);
    // A gateway that goes in the middle of a change leaves no timer behind.
    lab.ok(delete(nat, true));
    lab.wait(400);
    assert!(lab.world.next_due().is_none());
    lab.check_replay();
}

fn forward(lab: &Lab, gateway: NatGatewayId, external_ip: Ipv4Addr, port: u16) -> CreateForwardEntry {
    let ports = Some(PortRange { first: port, last: port });
    let (address, protocol) = (Ipv4Addr::new(10, 0, 1, 10), ForwardProtocol::Tcp);
    let mapping =
        Mapping { external_ip, external: ports, address, internal: ports, protocol, port_break: false };
    CreateForwardEntry { table: row(lab, gateway).forward_table(), mapping, name: None }
}

#[test]
fn an_address_serves_one_table_or_both_below_1025() {
    let mut lab = Lab::new();
    let nat = make(&mut lab);
    let ((a, first), (_, second)) = (equip(&mut lab, nat), equip(&mut lab, nat));
    let low = forward(&lab, nat, first, 1024);
    lab.ok(low);
    let high = forward(&lab, nat, second, 1025);
    let high = lab.ok(high).id::<ForwardEntryId>();
    let snat = |lab: &Lab, ip| entry(lab, nat, lab.web, &[ip]);
    let refused = snat(&lab, second);
    lab.refuses("an address with a high port", refused, E::SnatIpForwarded);
    let low = snat(&lab, first);
    lab.ok(low);
    let more = forward(&lab, nat, first, 1026);
    lab.refuses("a high port of an SNAT address", more.clone(), E::ForwardIpUsedBySnat);
    lab.ok(CreateForwardEntry { mapping: Mapping { port_break: true, ..more.mapping }, ..more });
    lab.ok(DeleteForwardEntry { entry: high, table: None });
    let entry = *lab.world.indexes().snat_entries.by_gateway.of(&nat).next().unwrap();
    lab.ok(DeleteSnatEntry { entry, table: None });
    // Taken off by force, an address takes its entries along.
    lab.refuses("an address in use", take_off(a, false), E::EipUsedByForward);
    lab.refuses("a gateway with entries", delete(nat, false), E::NatHasForwardEntry);
    lab.ok(take_off(a, true));
    assert_eq!(lab.world.indexes().forward_entries.by_gateway.count(&nat), 0);
    lab.check_replay();
}

#[test]
fn a_dnat_table_takes_one_change_at_a_time_and_goes_with_its_gateway() {
    let mut lab = Lab::new();
    let nat = make(&mut lab);
    let (_, ip) = equip(&mut lab, nat);
    lab.provision(Provisioning::Visible);
    let (one, two) = (forward(&lab, nat, ip, 80), forward(&lab, nat, ip, 443));
    let made = lab.ok(one).id::<ForwardEntryId>();
    let status = |lab: &Lab| lab.world.get::<ForwardEntry>(&made).unwrap().status;
    assert_eq!(status(&lab), NatEntryStatus::Pending);
    lab.refuses("another meanwhile", two.clone(), E::NatStatusIncorrect);
    lab.wait(200);
    assert_eq!(status(&lab), NatEntryStatus::Available);
    lab.ok(two);
    lab.ok(delete(nat, true));
    lab.wait(400);
    assert!(lab.world.next_due().is_none() && lab.world.get::<ForwardEntry>(&made).is_none());
    lab.check_replay();
}
