//! What instances do: every profile, batches, what goes with an instance and what stays, names, quotas.

use crate::lab::*;
use sim_core::ecs::disk::Disk;
use sim_core::ecs::eni::{self, DeleteEni, Eni, EniKind, EniStatus};
use sim_core::ecs::eni_address::{Want, Wanted};
use sim_core::ecs::eni_attachment::AttachEni;
use sim_core::ecs::instance::{ChargeType, Instance, InstanceStatus as S, StoppedMode, Terms};
use sim_core::ecs::instance_create::{CreateInstance, Launch, LaunchInterface, RunInstances, Secondary};
use sim_core::ecs::instance_life::{BatchRule, DeleteInstances, StopInstances, dependents};
use sim_core::ecs::instance_modify::MoveInstance;
use sim_core::id::{AnyId, EniId, InstanceId};
use sim_core::quota::AdjustQuota;
use sim_core::settings::Provisioning;
use sim_core::tag::{self, TagPair};
use sim_core::vpc::route_entry::{DeleteRouteEntry, EntryRef};
use sim_core::vpc::vpc::{self, DeleteVpc, Vpc};
use sim_core::vpc::vswitch::{self, DeleteVSwitch, VSwitch};
use sim_core::{ErrorCode as E, Reply};

/// How long creation, start and stop take in a profile.
fn spans(profile: Provisioning) -> (i64, i64, i64) {
    match profile {
        Provisioning::Instant => (0, 0, 0),
        Provisioning::Visible => (200, 200, 200),
        Provisioning::Documented => (10_000, 20_000, 10_000),
    }
}

/// Waits until just before the end of a step and then its end; both statuses are looked at.
fn passes(lab: &mut Lab, id: InstanceId, during: S, span: i64, after: S) {
    if span > 0 {
        assert_eq!(lab.status(id), during);
        lab.wait(span - 1);
        assert_eq!(lab.status(id), during);
        lab.wait(1);
    }
    assert_eq!(lab.status(id), after);
}

#[test]
fn a_life_in_every_profile() {
    for profile in [Provisioning::Instant, Provisioning::Visible, Provisioning::Documented] {
        let (create, up, down) = spans(profile);
        let mut lab = Lab::in_profile(profile);
        let id = lab.running();
        if create > 0 {
            passes(&mut lab, id, S::Pending, create, S::Starting);
        }
        passes(&mut lab, id, S::Starting, up, S::Running);
        lab.ok(reboot(&[id]));
        passes(&mut lab, id, S::Starting, up, S::Running);
        assert_eq!(lab.instance(id).stopped_mode, None);
        lab.ok(StopInstances { mode: Some(StoppedMode::StopCharging), ..stop(&[id]) });
        passes(&mut lab, id, S::Stopping, down, S::Stopped);
        assert_eq!(lab.instance(id).stopped_mode, Some(StoppedMode::StopCharging));
        let began = lab.world.now();
        lab.ok(start(&[id]));
        passes(&mut lab, id, S::Starting, up, S::Running);
        assert_eq!(lab.instance(id).started, Some(began));
        let launch = lab.launch();
        let made = lab.made(launch);
        passes(&mut lab, made, S::Pending, create, S::Stopped);
        assert_eq!(lab.instance(made).started, None);
        lab.ok(delete(&[id, made], true));
        assert_eq!(lab.world.table::<Instance>().len(), 0);
        assert_eq!(lab.world.next_due(), None);
        lab.check_replay();
    }
}

#[test]
fn an_instance_in_transition_refuses_writes_and_its_siblings_do_not() {
    let mut lab = Lab::in_profile(Provisioning::Documented);
    let launch = lab.launch();
    let sibling = lab.made(launch);
    lab.wait(10_000);
    let id = lab.running();
    let eni = lab.eni(EniKind::Secondary, true);
    let primary = lab.instance(id).primary_eni;
    for status in [S::Pending, S::Starting] {
        assert_eq!(lab.status(id), status);
        let code = if status == S::Pending { E::InstanceInitializing } else { E::InstanceStatusIncorrect };
        let attach = AttachEni { eni, instance: id, trunk: None };
        lab.refuses("attach", attach, E::EniInstanceStatusIncorrect);
        lab.refuses("rename", change(id), code);
        lab.refuses("delete", delete(&[id], true), code);
        lab.refuses("start", start(&[id]), code);
        lab.refuses("stop", stop(&[id]), code);
        lab.refuses("reboot", reboot(&[id]), code);
        lab.refuses("move", relocate(id, lab.db), code);
        let more = sim_core::ecs::eni_address::AssignAddresses {
            eni: primary,
            wanted: Wanted { ipv4: Want::Count(1), ..Wanted::default() },
        };
        lab.refuses("addresses of its primary interface", more, E::EniInstanceStatusIncorrect);
        lab.ok(change(sibling));
        lab.wait(10_000);
    }
    lab.wait(10_000);
    assert_eq!(lab.status(id), S::Running);
    lab.ok(stop(&[id]));
    lab.refuses("rename while it stops", change(id), E::InstanceStatusIncorrect);
    lab.check_replay();
}

#[test]
fn a_timer_of_a_deleted_instance_does_nothing() {
    let mut lab = Lab::in_profile(Provisioning::Visible);
    let id = lab.running();
    lab.wait(400);
    lab.ok(stop(&[id]));
    lab.wait(200);
    lab.ok(start(&[id]));
    lab.wait(100);
    lab.refuses("it starts", delete(&[id], true), E::InstanceStatusIncorrect);
    lab.wait(100);
    lab.ok(stop(&[id]));
    lab.wait(200);
    lab.ok(delete(&[id], false));
    lab.wait(1_000);
    lab.check_replay();
}

#[test]
fn an_instance_brings_its_interface_its_disk_and_its_tags() {
    let mut lab = Lab::new();
    let tags = vec![TagPair { key: "env".into(), value: "prod".into() }];
    let launch = Launch { tags: tags.clone(), ..lab.launch() };
    let id = lab.made(launch);
    let (instance, primary) = (lab.instance(id).clone(), lab.primary(id).clone());
    assert_eq!(instance.name, id.to_string());
    assert_eq!(instance.host_name, format!("iZ{}Z", id.to_string().trim_start_matches("i-")));
    assert_eq!(instance.zone.to_string(), "cn-hangzhou-k");
    assert_eq!((primary.kind, primary.status, primary.device_index), (EniKind::Primary, EniStatus::InUse, 0));
    assert_eq!((primary.instance, primary.primary_ip.to_string()), (Some(id), "10.0.1.1".to_owned()));
    let disk = lab.world.get::<Disk>(&instance.system_disk).unwrap();
    assert_eq!((disk.instance, disk.size_gib), (id, 40));
    for thing in [AnyId::from(id), primary.id.into(), disk.id.into()] {
        assert_eq!(tag::of(&lab.world, thing).count(), 1, "{thing}");
    }
    // Primary interfaces do not count against the quota of the others.
    assert_eq!(lab.world.indexes().enis.secondary.len(), 0);
    lab.ok(delete(&[id], false));
    let rows = lab.world.table::<Eni>().len() + lab.world.table::<Disk>().len();
    assert_eq!((rows, lab.world.table::<tag::Tag>().len()), (0, 0));
    let again = lab.launch();
    let again = lab.made(again);
    assert_eq!(lab.primary(again).primary_ip.to_string(), "10.0.1.1", "the address was given back");
    lab.check_replay();
}

#[test]
fn interfaces_go_with_their_instance_or_become_available() {
    let mut lab = Lab::new();
    let launch = Launch { instance_type: "ecs.g6.16xlarge".into(), ..lab.launch() };
    let id = lab.made(launch);
    let goes = lab.eni(EniKind::Secondary, true);
    let stays = lab.eni(EniKind::Secondary, false);
    let trunk = lab.eni(EniKind::Trunk, false);
    let member_goes = lab.eni(EniKind::Secondary, true);
    let member_stays = lab.eni(EniKind::Secondary, false);
    for eni in [goes, stays, trunk] {
        lab.attach(eni, id, None);
    }
    for eni in [member_goes, member_stays] {
        lab.attach(eni, id, Some(trunk));
    }
    let primary = lab.instance(id).primary_eni;
    lab.refuses("the primary interface alone", DeleteEni { eni: primary }, E::EniKindDenied);
    lab.ok(delete(&[id], false));
    for (eni, kind) in [
        (primary, None),
        (goes, None),
        (stays, Some(EniKind::Secondary)),
        (trunk, Some(EniKind::Trunk)),
        (member_goes, None),
        (member_stays, Some(EniKind::Secondary)),
    ] {
        let row = lab.world.get::<Eni>(&eni);
        assert_eq!(row.map(|e| e.kind), kind, "{eni}");
        let free = |e: &Eni| e.status == EniStatus::Available && e.instance.is_none() && e.trunk.is_none();
        assert!(row.is_none_or(free), "{row:?}");
    }
    lab.check_replay();
}

#[test]
fn an_interface_on_its_way_comes_free_when_its_instance_goes() {
    let mut lab = Lab::in_profile(Provisioning::Documented);
    let launch = lab.launch();
    let id = lab.made(launch);
    lab.wait(10_000);
    let eni = lab.eni(EniKind::Secondary, false);
    lab.attach(eni, id, None);
    lab.wait(1_000);
    lab.ok(delete(&[id], false));
    let status = |lab: &Lab| lab.world.get::<Eni>(&eni).unwrap().status;
    assert_eq!(status(&lab), EniStatus::Available);
    lab.wait(10_000);
    assert_eq!(status(&lab), EniStatus::Available, "the timer of the attachment does nothing");
    lab.check_replay();
}

#[test]
fn deletion_has_an_order() {
    let mut lab = Lab::new();
    let (web, vpc) = (lab.web, lab.vpc);
    let launch = Launch { deletion_protection: true, ..lab.launch() };
    let id = ids(&lab.ok(run_many(launch, 1)))[0];
    let route = lab.route("192.168.0.0/16", id);
    let group = lab.group;
    let primary: AnyId = lab.instance(id).primary_eni.into();
    let refusal = lab.refuses("vSwitch", DeleteVSwitch { vswitch: web }, E::VSwitchInUse);
    assert_eq!(refusal.details().blockers, [id.into(), primary]);
    let drop_group = sim_core::ecs::security_group::DeleteSecurityGroup { group };
    let refusal = lab.refuses("group", drop_group, E::SecurityGroupHasMembers);
    assert_eq!(refusal.details().blockers, [primary]);
    let codes: Vec<E> =
        vpc::dependents(&lab.world, lab.world.get::<Vpc>(&vpc).unwrap()).into_iter().map(|d| d.0).collect();
    assert_eq!(codes, [E::VpcHasVSwitch, E::VpcHasRouteEntry, E::VpcHasInstance, E::VpcHasSecurityGroup]);
    lab.refuses("VPC", DeleteVpc { vpc }, E::VpcHasVSwitch);

    // Protection, then status, then routes.
    lab.refuses("protected", delete(&[id], true), E::InstanceProtected);
    lab.ok(sim_core::ecs::instance_modify::ModifyInstance { deletion_protection: Some(false), ..change(id) });
    lab.refuses("running", delete(&[id], false), E::InstanceStatusIncorrect);
    let refusal = lab.refuses("next hop", delete(&[id], true), E::InstanceHasRouteEntry);
    assert_eq!(refusal.details().blockers, [route.into()]);
    assert_eq!(dependents(&lab.world, lab.instance(id))[0].1, [route.into()]);
    let entry = EntryRef { entry: Some(route.to_string().into()), ..EntryRef::default() };
    lab.ok(DeleteRouteEntry { entry, next_hop: None, next_hops: Vec::new() });
    lab.ok(delete(&[id], true));
    let left = vswitch::dependents(&lab.world, lab.world.get::<VSwitch>(&web).unwrap());
    assert_eq!(left, []);
    lab.ok(DeleteVSwitch { vswitch: web });
    lab.check_replay();
}

#[test]
fn a_subscription_ends_only_when_told_to() {
    let mut lab = Lab::new();
    let terms = Terms { charge: ChargeType::PrePaid, ..Terms::default() };
    let launch = Launch { terms, ..lab.launch() };
    let id = ids(&lab.ok(run_many(launch, 1)))[0];
    lab.ok(StopInstances { mode: Some(StoppedMode::StopCharging), ..stop(&[id]) });
    assert_eq!(lab.instance(id).stopped_mode, None, "a subscription has no mode");
    lab.refuses("subscription", delete(&[id], false), E::InstanceSubscription);
    lab.ok(DeleteInstances { terminate_subscription: true, ..delete(&[id], false) });
    lab.check_replay();
}

#[test]
fn many_at_once_have_names_of_their_own() {
    let mut lab = Lab::new();
    let launch = Launch { name: Some("web-[9,2]".into()), host_name: Some("web".into()), ..lab.launch() };
    let made = ids(&lab.ok(RunInstances { unique_suffix: true, ..run_many(launch, 3) }));
    let names: Vec<_> = made
        .iter()
        .map(|id| (lab.instance(*id).name.to_string(), lab.instance(*id).host_name.to_string()))
        .collect();
    let name = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(names, [name("web-09", "web001"), name("web-10", "web002"), name("web-11", "web003")]);
    let launch = lab.launch();
    let host_names = vec!["a1".into(), "b2".into()];
    let made = ids(&lab.ok(RunInstances { host_names, ..run_many(launch, 2) }));
    assert_eq!(made.iter().map(|id| lab.instance(*id).host_name.as_str()).collect::<Vec<_>>(), ["a1", "b2"]);
    let mut launch = lab.launch();
    launch.primary.primary_ip = Some([10, 0, 1, 100].into());
    let made = ids(&lab.ok(run_many(launch, 3)));
    let addresses: Vec<_> = made.iter().map(|id| lab.primary(*id).primary_ip.to_string()).collect();
    assert_eq!(addresses, ["10.0.1.100", "10.0.1.101", "10.0.1.102"]);
    lab.check_replay();
}

#[test]
fn as_many_as_there_is_room_for() {
    let mut lab = Lab::new();
    let mut launch = lab.launch();
    launch.primary.vswitch = Some(lab.tiny);
    lab.refuses("five of five", run_many(launch.clone(), 5), E::AddressExhausted);
    lab.refuses(
        "five at least",
        RunInstances { min_amount: Some(5), ..run_many(launch.clone(), 9) },
        E::AddressExhausted,
    );
    let made = ids(&lab.ok(RunInstances { min_amount: Some(2), ..run_many(launch.clone(), 9) }));
    assert_eq!(made.len(), 4, "a /29 has four addresses");
    // What is no lack of room refuses all.
    launch.primary.primary_ip = Some([10, 0, 4, 1].into());
    launch.primary.vswitch = Some(lab.tiny);
    let taken = RunInstances { min_amount: Some(1), ..run_many(launch, 2) };
    lab.refuses("a taken address", taken, E::AddressInUse);
    lab.ok(delete(&made, true));
    assert_eq!(lab.world.table::<Eni>().len() + lab.world.table::<Disk>().len(), 0);
    lab.check_replay();
}

#[test]
fn further_interfaces_come_with_it() {
    let mut lab = Lab::new();
    let existing = lab.eni(EniKind::Secondary, false);
    let new = LaunchInterface {
        wanted: Wanted { ipv4: Want::Count(2), ipv6: Want::Count(1), ..Wanted::default() },
        name: Some("data".into()),
        ..LaunchInterface::default()
    };
    let secondary = vec![Secondary::New(new), Secondary::Existing(existing)];
    let launch = Launch { secondary: secondary.clone(), ..lab.launch() };
    let id = lab.made(launch);
    let shown: Vec<(u16, EniKind, EniId)> = eni::of_instance(&lab.world, lab.instance(id))
        .iter()
        .map(|e| (e.device_index, e.kind, e.id))
        .collect();
    assert_eq!(shown.len(), 3);
    assert_eq!((shown[0].0, shown[0].1, shown[2]), (0, EniKind::Primary, (2, EniKind::Secondary, existing)));
    let data = lab.world.get::<Eni>(&shown[1].2).unwrap();
    assert_eq!((data.name.as_str(), data.secondary_ips.len(), data.ipv6.len()), ("data", 2, 1));
    assert_eq!((data.vswitch, &data.groups), (lab.web, &vec![lab.group]));
    let launch = Launch { secondary, ..lab.launch() };
    lab.refuses("an interface in use", CreateInstance { launch: Box::new(launch) }, E::EniStatusIncorrect);
    lab.ok(delete(&[id], false));
    let left: Vec<EniId> = lab.world.table::<Eni>().iter().map(|e| e.id).collect();
    assert_eq!(left, [existing]);
    // One interface counts against the quota of secondary ones, which is full.
    lab.ok(AdjustQuota { name: "q_elastic-network-interfaces".into(), value: 1 });
    let launch = Launch { secondary: vec![Secondary::New(LaunchInterface::default())], ..lab.launch() };
    lab.refuses("quota", CreateInstance { launch: Box::new(launch) }, E::EniQuotaExceeded);
    lab.check_replay();
}

#[test]
fn a_batch_stands_together_or_each_for_itself() {
    let mut lab = Lab::new();
    let up = lab.running();
    let launch = lab.launch();
    let down = lab.made(launch);
    lab.refuses("one is down", stop(&[up, down]), E::InstanceStatusIncorrect);
    let reply = lab.ok(StopInstances { rule: BatchRule::SuccessFirst, ..stop(&[up, down]) });
    let Reply::Batch(outcomes) = reply else { panic!("{reply:?}") };
    assert_eq!(outcomes[0], Ok(Some(up.into())));
    assert_eq!(outcomes[1].as_ref().unwrap_err().code(), E::InstanceStatusIncorrect);
    assert_eq!((lab.status(up), lab.status(down)), (S::Stopped, S::Stopped));
    lab.ok(start(&[up, down]));
    lab.ok(reboot(&[up, down]));
    lab.refuses("delete one running", delete(&[up, down], false), E::InstanceStatusIncorrect);
    lab.ok(delete(&[up, down], true));
    lab.check_replay();
}

#[test]
fn a_stopped_instance_moves() {
    let mut lab = Lab::new();
    let launch = lab.launch();
    let id = lab.made(launch);
    lab.ok(MoveInstance { primary_ip: Some([10, 0, 1, 50].into()), ..relocate(id, lab.web) });
    assert_eq!(lab.primary(id).primary_ip.to_string(), "10.0.1.50");
    lab.ok(relocate(id, lab.db));
    assert_eq!((lab.instance(id).vswitch, lab.primary(id).vswitch), (lab.db, lab.db));
    assert_eq!(lab.primary(id).primary_ip.to_string(), "10.0.2.1");
    let free = |lab: &Lab, s| lab.world.get::<VSwitch>(s).unwrap().available_addresses(&lab.world);
    assert_eq!((free(&lab, &lab.web), free(&lab, &lab.db)), (252, 251));
    let abroad = MoveInstance {
        vpc: Some(lab.other_vpc),
        groups: vec![lab.other_group],
        ..relocate(id, lab.elsewhere)
    };
    let route = lab.route("192.168.0.0/16", id);
    lab.refuses("a route leads to it", abroad.clone(), E::InstanceHasRouteEntry);
    let entry = EntryRef { entry: Some(route.to_string().into()), ..EntryRef::default() };
    lab.ok(DeleteRouteEntry { entry, next_hop: None, next_hops: Vec::new() });
    lab.ok(abroad);
    let (instance, primary) = (lab.instance(id), lab.primary(id));
    assert_eq!(
        (instance.vpc, primary.vpc, &primary.groups),
        (lab.other_vpc, lab.other_vpc, &vec![lab.other_group])
    );
    assert_eq!(lab.world.indexes().instances.by_vpc.count(&lab.vpc), 0);
    lab.check_replay();
}
