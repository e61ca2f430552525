//! Static public addresses of instances: who has one, when it takes effect, and what takes it away.

#[path = "ecs_lab/mod.rs"]
mod ecs_lab;

use ecs_lab::{Lab, caller};
use sim_core::ecs::instance::{Instance, InstanceStatus, StoppedMode, Terms};
use sim_core::ecs::instance_create::{CreateInstance, Launch, LaunchInterface, RunInstances};
use sim_core::ecs::instance_life::{
    BatchRule, DeleteInstances, RebootInstances, StartInstances, StopInstances,
};
use sim_core::ecs::public_address::{AllocatePublicAddress, PublicAddress, of_address};
use sim_core::id::{EipId, InstanceId};
use sim_core::settings::Provisioning;
use sim_core::vpc::eip::{AllocateEip, Eip, ReleaseEip};
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind};
use sim_core::{ErrorCode as E, Reply};
use std::net::Ipv4Addr;

fn launch(lab: &Lab, bandwidth_out: u32) -> Box<Launch> {
    Box::new(Launch {
        instance_type: "ecs.g7.large".into(),
        image: Some("aliyun_3_x64_20G_alibase_20240819.vhd".into()),
        primary: LaunchInterface {
            vswitch: Some(lab.web),
            groups: vec![lab.sg],
            ..LaunchInterface::default()
        },
        terms: Terms { bandwidth_out, ..Terms::default() },
        ..Launch::default()
    })
}

fn run(lab: &mut Lab, bandwidth_out: u32) -> InstanceId {
    let launch = launch(lab, bandwidth_out);
    let new =
        RunInstances { launch, amount: 1, min_amount: None, host_names: Vec::new(), unique_suffix: false };
    match lab.ok(new) {
        Reply::CreatedMany(made) => made[0].try_into().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn create(lab: &mut Lab, bandwidth_out: u32) -> InstanceId {
    let launch = launch(lab, bandwidth_out);
    lab.ok(CreateInstance { launch }).id()
}

fn public(lab: &Lab, instance: InstanceId) -> Option<PublicAddress> {
    lab.world.get::<Instance>(&instance).unwrap().public
}

fn address(lab: &Lab, instance: InstanceId) -> Ipv4Addr {
    public(lab, instance).unwrap().address.unwrap()
}

fn give(instance: InstanceId) -> AllocatePublicAddress {
    AllocatePublicAddress { instance, address: None }
}

fn start(instance: InstanceId) -> StartInstances {
    StartInstances { instances: vec![instance], rule: BatchRule::AllTogether }
}

fn stop(instance: InstanceId, mode: StoppedMode) -> StopInstances {
    StopInstances { instances: vec![instance], mode: Some(mode), force: false, rule: BatchRule::AllTogether }
}

fn bind(eip: EipId, instance: InstanceId) -> AssociateEip {
    let (kind, mode, target) = (TargetKind::EcsInstance, Mode::Nat, instance.to_string().into());
    AssociateEip { eip, kind, target, private_address: None, mode, region: None }
}

#[test]
fn what_starts_with_bandwidth_has_one_and_what_is_made_stopped_gets_it_by_asking() {
    let mut lab = Lab::new();
    let (bare, runs, made) = (run(&mut lab, 0), run(&mut lab, 100), create(&mut lab, 1));
    assert_eq!((public(&lab, bare), public(&lab, made)), (None, None));
    assert_eq!(public(&lab, runs).unwrap().working(), Some(address(&lab, runs)));
    lab.refuses("too much", CreateInstance { launch: launch(&lab, 101) }, E::InstanceBandwidthOut);
    lab.refuses("none", give(bare), E::PublicAddressNoBandwidth);
    // It is one of those that elastic IP addresses have, and nobody else gets it.
    let own = address(&lab, runs);
    let eip = AllocateEip { address: Some(own), ..AllocateEip::default() };
    let refusal = lab.refuses("a taken one", eip, E::EipAddressTaken);
    assert_eq!(refusal.details().blockers, [runs.into()]);
    let wanted = Ipv4Addr::new(198, 18, 9, 9);
    let asks = |address: [u8; 4]| AllocatePublicAddress { instance: made, address: Some(address.into()) };
    lab.refuses("a foreign one", asks([47, 1, 1, 1]), E::EipAddressForeign);
    lab.refuses("a taken one", asks(own.octets()), E::EipAddressTaken);
    lab.ok(asks(wanted.octets()));
    assert_eq!(public(&lab, made), Some(PublicAddress { address: Some(wanted), in_force: false }));
    // To ask again changes nothing, and another is not to be had.
    for again in [give(made), asks(wanted.octets())] {
        lab.ok(again);
        assert_eq!(address(&lab, made), wanted);
    }
    lab.refuses("another", asks([198, 18, 9, 10]), E::PublicAddressAllocated);
    lab.ok(start(made));
    assert_eq!(public(&lab, made).unwrap().working(), Some(wanted));
    assert_eq!(of_address(&lab.world, wanted).map(|instance| instance.id), Some(made));
    // It goes with the instance.
    let (instances, force, terminate_subscription) = (vec![made, runs], true, false);
    lab.ok(DeleteInstances { instances, force, terminate_subscription });
    assert!(lab.world.indexes().instances.by_public_address.is_empty());
    lab.ok(AllocateEip { address: Some(wanted), ..AllocateEip::default() });
    lab.check_replay();
}

#[test]
fn one_that_is_allocated_to_a_running_instance_waits_for_the_next_start() {
    let mut lab = Lab::new();
    let instance = create(&mut lab, 5);
    lab.ok(start(instance));
    lab.provision(Provisioning::Visible);
    lab.ok(RebootInstances { instances: vec![instance], force: false, rule: BatchRule::AllTogether });
    lab.refuses("one that restarts", give(instance), E::InstanceStatusIncorrect);
    lab.wait(10_000);
    lab.ok(give(instance));
    assert!(!public(&lab, instance).unwrap().in_force);
    let own = address(&lab, instance);
    lab.ok(stop(instance, StoppedMode::KeepCharging));
    lab.wait(10_000);
    assert_eq!(address(&lab, instance), own, "a stop that keeps everything keeps it");
    lab.ok(start(instance));
    assert_eq!(public(&lab, instance), Some(PublicAddress { address: Some(own), in_force: true }));
    lab.check_replay();
}

#[test]
fn a_stop_in_economical_mode_gives_it_back_and_the_next_start_brings_another() {
    let mut lab = Lab::new();
    let instance = run(&mut lab, 5);
    let first = address(&lab, instance);
    lab.ok(stop(instance, StoppedMode::StopCharging));
    assert_eq!(public(&lab, instance), Some(PublicAddress { address: None, in_force: false }));
    assert!(of_address(&lab.world, first).is_none());
    let eip: EipId = lab.ok(AllocateEip { address: Some(first), ..AllocateEip::default() }).id();
    lab.refuses("an elastic one meanwhile", bind(eip, instance), E::EipInstancePublic);
    lab.ok(start(instance));
    let second = public(&lab, instance).unwrap().working().unwrap();
    assert_ne!(second, first);
    lab.check_replay();
}

#[test]
fn an_instance_has_a_static_address_or_an_elastic_one() {
    let mut lab = Lab::new();
    let (fixed, made) = (run(&mut lab, 5), create(&mut lab, 5));
    let eip: EipId = lab.ok(AllocateEip::default()).id();
    lab.refuses("one with a static address", bind(eip, fixed), E::EipInstancePublic);
    lab.ok(bind(eip, made));
    let refusal = lab.refuses("one with an elastic address", give(made), E::PublicAddressBesideEip);
    assert_eq!(refusal.details().blockers, [eip.into()]);
    assert_eq!(lab.world.get::<Instance>(&made).unwrap().status, InstanceStatus::Stopped);
}

/// Elastic and static addresses come from one range of 65,534.
#[test]
fn the_last_address_is_the_last_of_both() {
    let mut lab = Lab::new();
    lab.ok(sim_core::settings::ChangeSettings { provisioning: None, quotas_lifted: Some(true) });
    let (waits, rests) = (create(&mut lab, 5), run(&mut lab, 5));
    lab.ok(stop(rests, StoppedMode::StopCharging));
    let (one, another) = (launch(&lab, 5), launch(&lab, 5));
    let mut world = lab.world.clone();
    let mut apply = |command: sim_core::Command| world.apply(world.now(), &caller(), command).outcome;
    let eips: Vec<EipId> = (0..65_533).map(|_| apply(AllocateEip::default().into()).unwrap().id()).collect();
    let many = |launch| RunInstances {
        launch,
        amount: 2,
        min_amount: Some(1),
        host_names: Vec::new(),
        unique_suffix: false,
    };
    // There is room for one of two.
    let Reply::CreatedMany(made) = apply(many(one).into()).unwrap() else { panic!("it replies so") };
    assert_eq!(made.len(), 1);
    for command in
        [give(waits).into(), start(rests).into(), many(another).into(), AllocateEip::default().into()]
    {
        assert_eq!(apply(command).unwrap_err().code(), E::EipExhausted);
    }
    apply(ReleaseEip { eip: eips[7] }.into()).unwrap();
    apply(start(rests).into()).unwrap();
    let address = world.get::<Instance>(&rests).unwrap().public.unwrap().address;
    assert!(address.is_some() && !world.table::<Eip>().iter().any(|eip| Some(eip.address) == address));
}
