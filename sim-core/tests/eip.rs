//! Elastic IP addresses: where they come from, what they are bound to, and what frees them.

#[path = "ecs_lab/mod.rs"]
mod ecs_lab;

use compact_str::ToCompactString;
use ecs_lab::{Lab, caller, eni};
use sim_core::ecs::eni::DeleteEni;
use sim_core::ecs::eni_address::{AssignAddresses, UnassignAddresses, Want, Wanted};
use sim_core::ecs::eni_attachment::{AttachEni, DetachEni};
use sim_core::ecs::instance::ChargeType;
use sim_core::ecs::instance_life::DeleteInstances;
use sim_core::id::{AnyId, EipId, EniId, Id, IdKind, LoadBalancerId};
use sim_core::settings::Provisioning;
use sim_core::slb::load_balancer::{CreateLoadBalancer, DeleteLoadBalancer, LoadBalancer, Place};
use sim_core::slb::load_balancer_change::LockLoadBalancer;
use sim_core::slb::spec::{InternetCharge as BalancerCharge, PayType};
use sim_core::vpc::eip::{AllocateEip, Eip, EipStatus, InternetCharge, ModifyEip, ReleaseEip};
use sim_core::vpc::eip_binding::{
    AssociateEip, Mode, TargetKind, UnassociateEip, of_address, of_balancer, of_eni, of_instance,
};
use sim_core::vpc::next_hop::HopChoice;
use sim_core::vpc::route_entry::{CreateRouteEntry, NewEntry};
use sim_core::vpc::vpc::Vpc;
use sim_core::{AccountId, Caller, ErrorCode as E};
use std::net::Ipv4Addr;

fn allocate(lab: &mut Lab) -> EipId {
    lab.ok(AllocateEip::default()).id()
}

fn row(lab: &Lab, eip: EipId) -> &Eip {
    lab.world.get::<Eip>(&eip).unwrap()
}

fn bind(eip: EipId, target: impl Into<AnyId>) -> AssociateEip {
    let target: AnyId = target.into();
    let kind = match target.kind() {
        IdKind::Eni => TargetKind::NetworkInterface,
        IdKind::LoadBalancer => TargetKind::SlbInstance,
        _ => TargetKind::EcsInstance,
    };
    let target = target.to_compact_string();
    AssociateEip { eip, kind, target, private_address: None, mode: Mode::Nat, region: None }
}

fn cut_through(eip: EipId, target: EniId) -> AssociateEip {
    AssociateEip { mode: Mode::Binded, ..bind(eip, target) }
}

fn unbind(eip: EipId) -> UnassociateEip {
    UnassociateEip { eip, kind: None, target: None, private_address: None, force: false }
}

fn modify(eip: EipId) -> ModifyEip {
    ModifyEip { eip, name: None, description: None, bandwidth: None, deletion_protection: None }
}

/// An interface of `web` with so many secondary addresses.
fn interface(lab: &mut Lab, secondary: u16) -> EniId {
    let ipv4 = if secondary == 0 { Want::Nothing } else { Want::Count(secondary) };
    let new = eni(lab.web, &[lab.sg]);
    lab.ok(sim_core::ecs::eni::CreateEni { wanted: Wanted { ipv4, ..Wanted::default() }, ..new }).id()
}

fn assert_free(lab: &Lab, eip: EipId) {
    let row = row(lab, eip);
    assert_eq!((row.status, row.binding, row.settles), (EipStatus::Available, None, None));
}

#[test]
fn addresses_are_given_out_in_turn_and_come_back_when_asked_for() {
    let mut lab = Lab::new();
    let (first, second) = (allocate(&mut lab), allocate(&mut lab));
    assert_eq!(row(&lab, first).address, Ipv4Addr::new(198, 18, 0, 1));
    assert_eq!(row(&lab, second).address, Ipv4Addr::new(198, 18, 0, 2));
    lab.ok(ReleaseEip { eip: first });
    let third = allocate(&mut lab);
    assert_eq!(row(&lab, third).address, Ipv4Addr::new(198, 18, 0, 3), "not one that was just released");
    let wanted = |address: [u8; 4]| AllocateEip { address: Some(address.into()), ..AllocateEip::default() };
    let again = lab.ok(wanted([198, 18, 0, 1])).id::<EipId>();
    assert_eq!(row(&lab, again).address, Ipv4Addr::new(198, 18, 0, 1));
    lab.ok(wanted([198, 18, 0, 4]));
    let fifth = allocate(&mut lab);
    assert_eq!(row(&lab, fifth).address, Ipv4Addr::new(198, 18, 0, 5), "the fourth is taken");
    lab.refuses("a taken address", wanted([198, 18, 0, 2]), E::EipAddressTaken);
    for foreign in [[198, 18, 0, 0], [198, 18, 255, 255], [198, 19, 0, 1], [47, 1, 2, 3]] {
        lab.refuses("a foreign address", wanted(foreign), E::EipAddressForeign);
    }
    // Another account's are unknown, and its addresses are taken all the same.
    let stranger = Caller::new(AccountId(7), "cn-hangzhou");
    let theirs = lab.run_as(&stranger, AllocateEip::default()).unwrap().id::<EipId>();
    assert_eq!(lab.run_as(&stranger, ReleaseEip { eip: fifth }).unwrap_err().code(), E::EipNotFound);
    let refusal = lab.refuses("a stranger's", wanted(row(&lab, theirs).address.octets()), E::EipAddressTaken);
    assert_eq!(refusal.details().blockers, []);
    lab.check_replay();
}

#[test]
fn what_is_paid_for_bounds_the_bandwidth() {
    let mut lab = Lab::new();
    let new =
        |charge, bandwidth| AllocateEip { charge, bandwidth: Some(bandwidth), ..AllocateEip::default() };
    for (charge, most) in [(InternetCharge::ByBandwidth, 500), (InternetCharge::ByTraffic, 200)] {
        let eip = lab.ok(new(charge, most)).id::<EipId>();
        for wrong in [0, most + 1] {
            lab.refuses("a bandwidth", new(charge, wrong), E::EipBandwidthInvalid);
            let change = ModifyEip { bandwidth: Some(wrong), ..modify(eip) };
            lab.refuses("a bandwidth", change, E::EipBandwidthInvalid);
        }
        lab.ok(ModifyEip { bandwidth: Some(1), ..modify(eip) });
        assert_eq!(row(&lab, eip).bandwidth, 1);
    }
}

#[test]
fn each_step_takes_its_time_and_lets_nothing_in_between() {
    let mut lab = Lab::new();
    let (eip, node, trunking) = (allocate(&mut lab), lab.node, lab.trunking);
    lab.provision(Provisioning::Visible);
    let busy = |lab: &mut Lab, status| {
        assert_eq!(row(lab, eip).status, status);
        lab.refuses("to bind it", bind(eip, trunking), E::EipStatusIncorrect);
        lab.refuses("to take it off", unbind(eip), E::EipStatusIncorrect);
        lab.refuses("to change it", ModifyEip { bandwidth: Some(9), ..modify(eip) }, E::EipStatusIncorrect);
        lab.refuses("to release it", ReleaseEip { eip }, E::EipStatusIncorrect);
        lab.wait(200);
    };
    lab.ok(bind(eip, node));
    busy(&mut lab, EipStatus::Associating);
    assert_eq!(row(&lab, eip).status, EipStatus::InUse);
    assert_eq!(of_instance(&lab.world, node).map(|e| e.id), Some(eip));
    lab.refuses("to bind it twice", bind(eip, trunking), E::EipStatusIncorrect);
    lab.refuses("to release it", ReleaseEip { eip }, E::EipStatusIncorrect);
    lab.ok(unbind(eip));
    busy(&mut lab, EipStatus::Unassociating);
    assert_free(&lab, eip);
    lab.ok(ReleaseEip { eip });
    assert!(lab.world.get::<Eip>(&eip).is_none());
    lab.check_replay();
}

#[test]
fn targets_that_do_not_take_one() {
    let mut lab = Lab::new();
    let (eip, other) = (allocate(&mut lab), allocate(&mut lab));
    let (node, web_eni) = (lab.node, interface(&mut lab, 1));
    let attached = interface(&mut lab, 0);
    lab.ok(AttachEni { eni: attached, instance: node, trunk: None });
    let primary = lab.primary(node);
    let kind = |kind, target: &str| AssociateEip { kind, target: target.into(), ..bind(eip, node) };
    let nobody = EniId::from_number(ecs_lab::number(999));
    let own: Ipv4Addr = lab.get(web_eni).primary_ip;
    let cases = [
        (
            "another region",
            AssociateEip { region: Some("cn-beijing".into()), ..bind(eip, node) },
            E::EipRegionMismatch,
        ),
        (
            "cut-through of an instance",
            AssociateEip { mode: Mode::Binded, ..bind(eip, node) },
            E::EipModeOnlyInterface,
        ),
        ("an instance that starts", bind(eip, lab.starting), E::EipInstanceStatus),
        ("an interface nobody has", bind(eip, nobody), E::EipTargetNotFound),
        ("what is no id", kind(TargetKind::EcsInstance, "moon"), E::EipTargetNotFound),
        (
            "an interface as an instance",
            kind(TargetKind::EcsInstance, &web_eni.to_string()),
            E::EipTargetNotFound,
        ),
        ("a load balancer", kind(TargetKind::SlbInstance, "lb-1"), E::EipTargetNotFound),
        ("a virtual address", kind(TargetKind::HaVip, "havip-1"), E::EipTargetNotFound),
        ("an address", kind(TargetKind::IpAddress, "10.0.1.77"), E::EipBareAddressUnsupported),
        ("a primary interface", bind(eip, primary), E::EipInterfacePrimary),
        (
            "an address that the instance does not hold",
            AssociateEip { private_address: Some(own), ..bind(eip, node) },
            E::EipPrivateAddressNotHeld,
        ),
        (
            "an address that the interface does not hold",
            AssociateEip { private_address: Some(Ipv4Addr::new(10, 0, 1, 250)), ..bind(eip, web_eni) },
            E::EipPrivateAddressNotHeld,
        ),
        ("cut-through with a secondary address", cut_through(eip, web_eni), E::EipInterfaceHasMore),
        ("cut-through of one that is attached", cut_through(eip, attached), E::EipInterfaceAttached),
    ];
    for (what, command, rule) in cases {
        lab.refuses(what, command, rule);
    }
    // An address of a prefix is none of the interface's own.
    let ipv4_prefixes = Want::Count(1);
    lab.ok(AssignAddresses { eni: web_eni, wanted: Wanted { ipv4_prefixes, ..Wanted::default() } });
    let inside = lab.get(web_eni).ipv4_prefixes[0].first();
    let prefix = AssociateEip { private_address: Some(inside), ..bind(eip, web_eni) };
    lab.refuses("an address of a prefix", prefix, E::EipPrefixAddress);
    lab.ok(bind(other, node));
    let refusal = lab.refuses("an instance that has one", bind(eip, node), E::EipTargetBound);
    assert_eq!(refusal.details().blockers, [other.into()]);
}

#[test]
fn an_interface_has_one_for_each_address_and_all_in_one_mode() {
    let mut lab = Lab::new();
    let nic = interface(&mut lab, 1);
    let [a, b, c] = [allocate(&mut lab), allocate(&mut lab), allocate(&mut lab)];
    let second = lab.get(nic).secondary_ips[0];
    lab.ok(AssociateEip { private_address: Some(second), ..bind(a, nic) });
    let same = AssociateEip { private_address: Some(second), ..bind(b, nic) };
    lab.refuses("an address that has one", same, E::EipTargetBound);
    for mode in [Mode::Binded, Mode::MultiBinded] {
        lab.refuses("a second mode", AssociateEip { mode, ..bind(b, nic) }, E::EipModeConflict);
    }
    lab.ok(bind(b, nic));
    assert_eq!(of_address(&lab.world, nic, lab.get(nic).primary_ip).map(|e| e.id), Some(b));
    assert_eq!(of_eni(&lab.world, nic).count(), 2);
    lab.refuses("one more than there are addresses", bind(c, nic), E::EipTargetFull);
    let elsewhere = UnassociateEip { target: Some(lab.node.to_compact_string()), ..unbind(a) };
    lab.refuses("off something else", elsewhere, E::EipNotBoundThere);
    // While the interface is in transition nothing is bound to it or taken off.
    lab.provision(Provisioning::Visible);
    let node = lab.node;
    lab.ok(AttachEni { eni: nic, instance: node, trunk: None });
    lab.refuses("off one that is being attached", unbind(a), E::EipInterfaceStatus);
    lab.refuses("to one that is being attached", bind(c, nic), E::EipInterfaceStatus);
    lab.wait(200);
    lab.ok(unbind(a));
    lab.wait(200);
    assert_free(&lab, a);
    lab.check_replay();
}

#[test]
fn cut_through_gives_the_address_to_the_interface_alone() {
    let mut lab = Lab::new();
    let (eip, nic, hop) = (allocate(&mut lab), interface(&mut lab, 0), interface(&mut lab, 0));
    let table = lab.world.get::<Vpc>(&lab.vpc).unwrap().system_table.to_compact_string();
    let route = |eni: EniId, destination: &str| CreateRouteEntry {
        entry: NewEntry {
            table: table.clone(),
            destination: destination.into(),
            next_hop: HopChoice {
                kind: Some("NetworkInterface".into()),
                id: Some(eni.to_compact_string()),
                list: Vec::new(),
            },
            name: None,
            description: None,
        },
    };
    lab.ok(route(hop, "192.168.0.0/16"));
    let refusal = lab.refuses("a next hop", cut_through(eip, hop), E::EipInterfaceNextHop);
    assert_eq!(refusal.details().blockers.len(), 1);
    lab.ok(cut_through(eip, nic));
    lab.refuses("a route to it", route(nic, "192.168.1.0/24"), E::EipInterfaceNextHop);
    let more = AssignAddresses { eni: nic, wanted: Wanted { ipv4: Want::Count(1), ..Wanted::default() } };
    lab.refuses("a secondary address", more, E::EniCutThrough);
    // It is attached afterwards, and taken off once it is detached.
    let instance = lab.node;
    lab.ok(AttachEni { eni: nic, instance, trunk: None });
    lab.refuses("off one that is attached", unbind(eip), E::EipInterfaceAttached);
    lab.ok(DetachEni { eni: nic, instance: None, trunk: None });
    lab.ok(unbind(eip));
    assert_free(&lab, eip);
}

#[test]
fn what_it_is_bound_to_frees_it_by_going() {
    let mut lab = Lab::new();
    let [of_host, of_nic, of_second, on_the_way] = [0; 4].map(|_| allocate(&mut lab));
    let (nic, node) = (interface(&mut lab, 1), lab.trunking);
    let second = lab.get(nic).secondary_ips[0];
    lab.ok(bind(of_host, lab.node));
    lab.ok(AssociateEip { private_address: Some(lab.get(nic).primary_ip), ..bind(of_nic, nic) });
    lab.ok(AssociateEip { private_address: Some(second), ..bind(of_second, nic) });
    lab.provision(Provisioning::Visible);
    lab.ok(bind(on_the_way, node));
    let gone =
        |instance| DeleteInstances { instances: vec![instance], force: true, terminate_subscription: false };
    for (eip, instance) in [(of_host, lab.node), (on_the_way, node)] {
        assert_eq!(of_eni(&lab.world, lab.primary(instance)).map(|e| e.id).collect::<Vec<_>>(), [eip]);
    }
    let fewer = UnassignAddresses {
        eni: nic,
        ipv4: vec![second],
        ipv4_prefixes: Vec::new(),
        ipv6: Vec::new(),
        ipv6_prefixes: Vec::new(),
    };
    lab.ok(fewer);
    assert_free(&lab, of_second);
    assert_eq!(row(&lab, of_nic).status, EipStatus::InUse);
    lab.ok(DeleteEni { eni: nic });
    assert_free(&lab, of_nic);
    lab.ok(gone(node));
    assert_free(&lab, on_the_way);
    lab.ok(gone(lab.node));
    assert_free(&lab, of_host);
    lab.wait(400);
    assert_free(&lab, on_the_way);
    lab.check_replay();
}

/// A load balancer in a vSwitch, or of the internet.
fn balancer(lab: &mut Lab, intranet: bool) -> LoadBalancerId {
    let vswitch = lab.web;
    let inside = Place::Intranet { vswitch, vpc: None, address: None };
    let new = CreateLoadBalancer {
        place: if intranet { inside } else { Place::Internet },
        name: None,
        master_zone: None,
        slave_zone: None,
        instance_charge: None,
        spec: Some("slb.s1.small".into()),
        internet_charge: BalancerCharge::ByTraffic,
        bandwidth: -1,
        pay_type: PayType::OnDemand,
        months: None,
        delete_protection: false,
        modification_protection: None,
        resource_group: None,
        tags: Vec::new(),
    };
    lab.ok(new).id()
}

#[test]
fn an_intranet_load_balancer_has_one_and_frees_it_by_going() {
    let mut lab = Lab::new();
    let [eip, other] = [allocate(&mut lab), allocate(&mut lab)];
    let (inside, outside) = (balancer(&mut lab, true), balancer(&mut lab, false));
    let own = lab.world.get::<LoadBalancer>(&inside).unwrap().private_address();
    let lock = |locked| LockLoadBalancer { load_balancer: inside, locked };
    lab.refuses("one of the internet", bind(eip, outside), E::EipBalancerPublic);
    let another = AssociateEip { private_address: Some([10, 0, 1, 77].into()), ..bind(eip, inside) };
    lab.refuses("an address that it does not hold", another, E::EipPrivateAddressNotHeld);
    lab.refuses(
        "cut-through",
        AssociateEip { mode: Mode::Binded, ..bind(eip, inside) },
        E::EipModeOnlyInterface,
    );
    lab.ok(lock(true));
    lab.refuses("a locked one", bind(eip, inside), E::EipBalancerLocked);
    lab.ok(lock(false));
    lab.ok(AssociateEip { private_address: own, ..bind(eip, inside) });
    let target = row(&lab, eip).binding.unwrap().target;
    assert_eq!((target.private_address(&lab.world), target.vpc(&lab.world)), (own, Some(lab.vpc)));
    assert_eq!(of_balancer(&lab.world, inside).map(|eip| eip.id), Some(eip));
    let refusal = lab.refuses("one that has one", bind(other, inside), E::EipTargetBound);
    assert_eq!(refusal.details().blockers, [eip.into()]);
    lab.ok(lock(true));
    lab.refuses("off a locked one", unbind(eip), E::EipBalancerLocked);
    lab.ok(lock(false));
    lab.ok(unbind(eip));
    assert_free(&lab, eip);
    // It goes while the address is on its way to it.
    lab.provision(Provisioning::Visible);
    lab.ok(bind(other, inside));
    lab.ok(DeleteLoadBalancer { load_balancer: inside });
    assert_free(&lab, other);
    lab.wait(400);
    assert_free(&lab, other);
    lab.check_replay();
}

#[test]
fn what_is_protected_or_paid_in_advance_stays() {
    let mut lab = Lab::new();
    let eip = allocate(&mut lab);
    lab.ok(ModifyEip { deletion_protection: Some(true), ..modify(eip) });
    lab.refuses("a protected one", ReleaseEip { eip }, E::EipProtected);
    lab.ok(ModifyEip { deletion_protection: Some(false), ..modify(eip) });
    lab.ok(ReleaseEip { eip });
    lab.refuses("one that is gone", ReleaseEip { eip }, E::EipNotFound);
    let paid = AllocateEip { payment: ChargeType::PrePaid, ..AllocateEip::default() };
    let eip = lab.ok(paid).id::<EipId>();
    lab.refuses("one paid in advance", ReleaseEip { eip }, E::EipSubscription);
    for change in [
        ModifyEip { bandwidth: Some(10), ..modify(eip) },
        ModifyEip { deletion_protection: Some(true), ..modify(eip) },
    ] {
        lab.refuses("one paid in advance", change, E::EipSubscription);
    }
    lab.ok(ModifyEip { name: Some("ingress".into()), ..modify(eip) });
    assert_eq!(row(&lab, eip).name, "ingress");
}

/// The range has 65,534 addresses; when all are taken, the next one says so.
#[test]
fn the_last_address_is_the_last() {
    let mut lab = Lab::new();
    lab.ok(sim_core::settings::ChangeSettings { provisioning: None, quotas_lifted: Some(true) });
    let mut world = lab.world.clone();
    for _ in 0..65_534 {
        world.apply(world.now(), &caller(), AllocateEip::default().into()).outcome.unwrap();
    }
    let refusal = world.apply(world.now(), &caller(), AllocateEip::default().into()).outcome.unwrap_err();
    assert_eq!(refusal.code(), E::EipExhausted);
    let free = *world.indexes().eips.by_address.get(&Ipv4Addr::new(198, 18, 77, 7)).unwrap();
    world.apply(world.now(), &caller(), ReleaseEip { eip: free }.into()).outcome.unwrap();
    let made = world.apply(world.now(), &caller(), AllocateEip::default().into()).outcome.unwrap();
    let made = made.id::<EipId>();
    assert_eq!(world.get::<Eip>(&made).unwrap().address, Ipv4Addr::new(198, 18, 77, 7));
}
