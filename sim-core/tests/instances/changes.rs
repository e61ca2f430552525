//! Another type, bandwidth, payment, metadata service, maintenance and disk for instances that exist.

use crate::lab::{Lab, SMALL, delete, ids, run_many, start, stop};
use sim_core::catalog::{self, Architecture};
use sim_core::ecs::disk::{Disk, DiskCategory, ModifyDisks, SystemDisk};
use sim_core::ecs::eni::EniKind;
use sim_core::ecs::eni_address::{Want, Wanted};
use sim_core::ecs::instance::{ChargeType, InstanceStatus, Renewal, SpotStrategy, StoppedMode, Terms};
use sim_core::ecs::instance_charge::{ModifyInstanceCharge, ModifyRenewal, NewCharge};
use sim_core::ecs::instance_create::{Launch, LaunchInterface, Secondary};
use sim_core::ecs::instance_spec::ModifyInstanceSpec;
use sim_core::ecs::maintenance::{Maintenance, MaintenanceAction, MaintenanceWindow, ModifyMaintenance};
use sim_core::ecs::metadata_options::{MetadataChange, MetadataOptions, ModifyMetadataOptions};
use sim_core::id::{DiskId, Id, IdNumber, InstanceId, RegionCode};
use sim_core::settings::Provisioning;
use sim_core::subscription::{Period, PeriodUnit};
use sim_core::{Command, ErrorCode as E, Reply, SimTime, Span};

/// Three interfaces, of which one may be a trunk with three members.
const TRUNKING: &str = "ecs.u1-c1m4.xlarge";
/// Four interfaces with 15 addresses of each family.
const LARGE: &str = "ecs.g7.xlarge";
/// As many, of which one may be a trunk that has room for no member.
const NO_MEMBERS: &str = "ecs.g7.2xlarge";

fn unknown<I: Id>() -> I {
    I::from_number(IdNumber::new(99, 7, RegionCode::from_text("bp1").unwrap()))
}

fn to_type(instance: InstanceId, kind: &str) -> ModifyInstanceSpec {
    let (bandwidth_out, bandwidth_in) = (None, None);
    ModifyInstanceSpec {
        instance,
        charge: None,
        instance_type: Some(kind.into()),
        bandwidth_out,
        bandwidth_in,
    }
}

fn to_bandwidth(instance: InstanceId, out: u32) -> ModifyInstanceSpec {
    ModifyInstanceSpec {
        charge: None,
        instance_type: None,
        bandwidth_out: Some(out),
        ..to_type(instance, "")
    }
}

#[test]
fn another_type() {
    let mut lab = Lab::new();
    let up = lab.running();
    let launch = lab.launch();
    let down = lab.made(launch.clone());
    let terms = Terms { charge: ChargeType::PrePaid, ..Terms::default() };
    let subscribed = lab.made(Launch { terms, ..launch.clone() });
    let said = |instance, charge| ModifyInstanceSpec { charge: Some(charge), ..to_type(instance, LARGE) };
    let wide = Launch { instance_type: LARGE.into(), ..launch.clone() };
    let next = || Secondary::New(LaunchInterface::default());
    let many = lab.made(Launch { secondary: vec![next(), next(), next()], ..wide.clone() });
    let trunk = Secondary::New(LaunchInterface { trunk: true, ..LaunchInterface::default() });
    let trunking = lab.made(Launch { secondary: vec![trunk], ..wide.clone() });
    let mut full = wide;
    full.primary.wanted = Wanted { ipv4: Want::Count(6), ..Wanted::default() };
    let full = lab.made(full);
    let mut six = launch.clone();
    six.primary.wanted = Wanted { ipv6: Want::Count(2), ..Wanted::default() };
    let six = lab.made(six);
    let both = ModifyInstanceSpec { bandwidth_out: Some(5), ..to_type(down, LARGE) };
    let neither = ModifyInstanceSpec { instance_type: None, ..to_type(down, "") };
    let rows: Vec<(&str, ModifyInstanceSpec, E)> = vec![
        ("type and bandwidth", both, E::InstanceSpecMixed),
        ("neither", neither, E::MissingParameter),
        ("no such type", to_type(down, "ecs.none.large"), E::InstanceTypeUnknown),
        ("nobody", to_type(unknown(), LARGE), E::InstanceNotFound),
        ("said to be by use", said(subscribed, ChargeType::PostPaid), E::InstanceSpecSubscription),
        ("said to be a subscription", said(down, ChargeType::PrePaid), E::InstanceSpecByUse),
        ("a subscription's bandwidth", to_bandwidth(subscribed, 5), E::InstanceSpecSubscription),
        ("one that runs", to_type(up, LARGE), E::InstanceNotStopped),
        ("four interfaces", to_type(many, SMALL), E::InstanceInterfacesExceeded),
        ("seven addresses", to_type(full, SMALL), E::EniTypeIpv4Exceeded),
        ("a trunk", to_type(trunking, SMALL), E::EniTrunkUnsupported),
        ("no IPv6", to_type(six, "ecs.ic5.large"), E::EniTypeNoIpv6),
        ("two IPv6 addresses", to_type(six, "ecs.g6.large"), E::EniTypeIpv6Exceeded),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    assert_eq!(lab.ok(to_type(down, LARGE)), Reply::Done);
    assert_eq!(lab.instance(down).instance_type, LARGE);
    // Another type of a subscription is an order, and each order has its own number.
    let first = lab.ok(said(subscribed, ChargeType::PrePaid)).order();
    assert_eq!(lab.instance(subscribed).instance_type, LARGE);
    assert_eq!(lab.ok(to_type(subscribed, SMALL)).order(), first + 1);
    // The type that it has is no mistake, and what is carried by it may be attached now.
    lab.ok(to_type(down, LARGE));
    lab.ok(start(&[down]));
    for _ in 0..3 {
        let eni = lab.eni(EniKind::Secondary, true);
        lab.attach(eni, down, None);
    }
    lab.ok(stop(&[down]));
    lab.refuses("back with four interfaces", to_type(down, SMALL), E::InstanceInterfacesExceeded);
    lab.check_replay();
}

#[test]
fn no_type_is_for_another_processor_than_the_images_of_the_rest() {
    let all = catalog::instance_types().iter().map(|kind| Architecture::of_type(kind.id));
    assert!(
        all.into_iter().all(|architecture| architecture == Architecture::X86),
        "then another type needs a check"
    );
}

#[test]
fn members_of_trunks_count() {
    let mut lab = Lab::new();
    let mut launch = lab.launch();
    launch.instance_type = TRUNKING.into();
    let trunk = Secondary::New(LaunchInterface { trunk: true, ..LaunchInterface::default() });
    let host = lab.made(Launch { secondary: vec![trunk], ..launch });
    let trunk = sim_core::ecs::eni::of_instance(&lab.world, lab.instance(host))[1].id;
    let member = lab.eni(EniKind::Secondary, true);
    lab.attach(member, host, Some(trunk));
    let refusal = lab.refuses("a type without trunks", to_type(host, SMALL), E::EniTrunkUnsupported);
    assert_eq!(refusal.details().blockers, [trunk.into()]);
    let refusal =
        lab.refuses("no room for members", to_type(host, NO_MEMBERS), E::InstanceInterfacesExceeded);
    assert_eq!(refusal.details().blockers, [member.into()]);
    lab.ok(to_type(host, LARGE));
    lab.check_replay();
}

#[test]
fn another_bandwidth() {
    let mut lab = Lab::in_profile(Provisioning::Visible);
    let launch = lab.launch();
    let fixed = Launch { terms: Terms { bandwidth_out: 5, ..Terms::default() }, ..launch.clone() };
    let seen = ids(&lab.ok(run_many(fixed, 1)))[0];
    lab.refuses("what is being made", to_bandwidth(seen, 6), E::InstanceInitializing);
    lab.wait(3_600_000);
    let quiet = ids(&lab.ok(run_many(launch, 1)))[0];
    lab.wait(3_600_000);
    lab.refuses("too much", to_bandwidth(seen, 101), E::InstanceBandwidthOut);
    lab.refuses("none for an address", to_bandwidth(seen, 0), E::InstanceBandwidthNeeded);
    lab.ok(to_bandwidth(seen, 100));
    assert_eq!(lab.instance(seen).terms.bandwidth_out, 100);
    // It gives nobody an address.
    lab.ok(ModifyInstanceSpec { bandwidth_in: Some(20), ..to_bandwidth(quiet, 10) });
    let terms = &lab.instance(quiet).terms;
    assert_eq!((terms.bandwidth_out, terms.bandwidth_in, lab.instance(quiet).public), (10, 20, None));
    lab.ok(to_bandwidth(quiet, 0));
    lab.ok(stop(&[quiet]));
    lab.refuses("what stops", to_bandwidth(quiet, 5), E::InstanceStatusIncorrect);
    lab.check_replay();
}

fn pay(instances: &[InstanceId], charge: NewCharge) -> ModifyInstanceCharge {
    ModifyInstanceCharge { instances: instances.to_vec(), charge }
}

#[test]
fn another_payment() {
    let mut lab = Lab::in_profile(Provisioning::Visible);
    let launch = lab.launch();
    let month = NewCharge::PrePaid { period: Some(1), unit: PeriodUnit::Month };
    let for_period = |period, unit| NewCharge::PrePaid { period, unit };
    let bidding = Terms { spot: SpotStrategy::SpotAsPriceGo, ..Terms::default() };
    let bidding = ids(&lab.ok(run_many(Launch { terms: bidding, ..launch.clone() }, 1)))[0];
    let one = ids(&lab.ok(run_many(launch, 1)))[0];
    lab.refuses("what is being made", pay(&[one], month), E::InstanceInitializing);
    lab.wait(3_600_000);
    let rows: Vec<(&str, Command, E)> = vec![
        ("nobody", pay(&[], month).into(), E::InstanceChargeBatch),
        ("21", pay(&[one; 21], month).into(), E::InstanceChargeBatch),
        ("one twice", pay(&[one, one], month).into(), E::InstanceRepeated),
        ("no period", pay(&[one], for_period(None, PeriodUnit::Month)).into(), E::InstancePeriod),
        ("for nothing", pay(&[one], for_period(Some(0), PeriodUnit::Month)).into(), E::InstancePeriod),
        ("ten months", pay(&[one], for_period(Some(10), PeriodUnit::Month)).into(), E::InstancePeriodUnit),
        ("five weeks", pay(&[one], for_period(Some(5), PeriodUnit::Week)).into(), E::InstancePeriodUnit),
        ("a stranger", pay(&[one, unknown()], month).into(), E::InstanceNotFound),
        ("by use already", pay(&[one], NewCharge::PostPaid).into(), E::InstanceChargeSame),
        ("one that bids", pay(&[one, bidding], month).into(), E::InstanceSpotPrepaid),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    lab.ok(stop(&[one]));
    lab.refuses("what stops", pay(&[one], month), E::InstanceStatusIncorrect);
    lab.wait(3_600_000);
    assert_eq!(lab.instance(one).stopped_mode, Some(StoppedMode::KeepCharging));
    lab.ok(pay(&[one], for_period(Some(4), PeriodUnit::Week)));
    let paid = lab.instance(one);
    assert_eq!((paid.terms.charge, paid.stopped_mode), (ChargeType::PrePaid, None));
    let weeks = Period { count: 4, unit: PeriodUnit::Week };
    assert_eq!(paid.ends, Some(weeks.end(lab.world.now())));
    lab.refuses("in advance already", pay(&[one], month), E::InstanceChargeSame);
    lab.refuses("a deletion before the end", delete(&[one], true), E::InstanceSubscription);
    lab.ok(pay(&[one], NewCharge::PostPaid));
    let paid = lab.instance(one);
    assert_eq!(
        (paid.terms.charge, paid.stopped_mode),
        (ChargeType::PostPaid, Some(StoppedMode::KeepCharging))
    );
    assert_eq!(paid.ends, None);
    lab.ok(delete(&[one], true));
    lab.check_replay();
}

#[test]
fn renewal() {
    let mut lab = Lab::in_profile(Provisioning::Visible);
    let launch = lab.launch();
    let terms = Terms { charge: ChargeType::PrePaid, ..Terms::default() };
    let by_use = ids(&lab.ok(run_many(launch.clone(), 1)))[0];
    let paid = ids(&lab.ok(run_many(Launch { terms, ..launch }, 1)))[0];
    let renew = |instances: &[InstanceId], renewal| ModifyRenewal { instances: instances.to_vec(), renewal };
    lab.refuses("what is being made", renew(&[paid], Renewal::Never), E::InstanceInitializing);
    lab.wait(3_600_000);
    let rows = [
        ("nobody", renew(&[], Renewal::Never), E::InstanceBatchSize),
        ("one twice", renew(&[paid, paid], Renewal::Never), E::InstanceRepeated),
        ("four months", renew(&[paid], Renewal::Auto(4)), E::InstanceRenewalMonths),
        ("a stranger", renew(&[unknown()], Renewal::Never), E::InstanceNotFound),
        ("paid by use", renew(&[paid, by_use], Renewal::Never), E::InstanceNotSubscription),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    let bought = Period::default().end(lab.instance(paid).created);
    let seen = |lab: &Lab| lab.instance(paid).ends_at(lab.world.now());
    assert_eq!(seen(&lab), Some(bought));
    // It renews itself at its end, and what it has renewed itself for stays bought.
    lab.ok(renew(&[paid], Renewal::Auto(1)));
    lab.wait((bought - lab.world.now()).0);
    let next = SimTime(bought.0 + Span::hours(8).0).plus_months(1).0 - Span::hours(8).0;
    assert_eq!((seen(&lab), lab.instance(paid).ends), (Some(SimTime(next)), Some(bought)));
    lab.ok(renew(&[paid], Renewal::Never));
    assert_eq!(lab.instance(paid).ends, Some(SimTime(next)));
    // Nothing happens at an end that nobody renews.
    lab.wait(Span::hours(24 * 40).0);
    assert_eq!((seen(&lab), lab.instance(paid).status), (Some(SimTime(next)), InstanceStatus::Running));
    for renewal in [Renewal::Auto(12), Renewal::Never, Renewal::Normal, Renewal::Auto(60)] {
        lab.ok(renew(&[paid], renewal));
        assert_eq!(lab.instance(paid).terms.renewal, renewal);
    }
    // What is paid by use ends at no time.
    lab.ok(pay(&[paid], NewCharge::PostPaid));
    assert_eq!(lab.instance(paid).terms.renewal, Renewal::Normal);
    lab.ok(pay(&[paid], NewCharge::PrePaid { period: Some(1), unit: PeriodUnit::Month }));
    lab.ok(stop(&[paid]));
    lab.refuses("what stops", renew(&[paid], Renewal::Never), E::InstanceStatusIncorrect);
    lab.check_replay();
}

#[test]
fn metadata_options() {
    let mut lab = Lab::new();
    let launch = lab.launch();
    let change = |hop_limit| MetadataChange { hop_limit: Some(hop_limit), ..MetadataChange::default() };
    let wrong = Launch { metadata: change(0), ..launch.clone() };
    lab.refuses("a launch that crosses nothing", run_many(wrong, 1), E::MetadataHopLimit);
    let plain = lab.made(launch.clone());
    assert_eq!(lab.instance(plain).metadata, MetadataOptions::default());
    let tokens = MetadataChange { tokens_required: Some(true), ..change(64) };
    let one = lab.made(Launch { metadata: tokens, ..launch });
    let modify = |change| ModifyMetadataOptions { instance: one, change };
    lab.refuses("65 routers", modify(change(65)), E::MetadataHopLimit);
    let nobody = ModifyMetadataOptions { instance: unknown(), change: change(1) };
    lab.refuses("nobody", nobody, E::InstanceNotFound);
    lab.ok(modify(MetadataChange { enabled: Some(false), ..MetadataChange::default() }));
    let now = MetadataOptions { enabled: false, tokens_required: true, hop_limit: 64 };
    assert_eq!(lab.instance(one).metadata, now);
    lab.check_replay();
}

#[test]
fn maintenance() {
    let mut lab = Lab::new();
    let (one, two) = (lab.running(), lab.running());
    let window = |end| MaintenanceWindow::parse(Some("22:00:00"), Some(end)).unwrap();
    assert_eq!(
        MaintenanceWindow::parse(Some("22:00"), None).unwrap_err().code(),
        E::MaintenanceWindowInvalid
    );
    let change = |instances: &[InstanceId]| ModifyMaintenance {
        instances: instances.to_vec(),
        action: None,
        notify: None,
        window: None,
    };
    lab.refuses("no instance", change(&[]), E::InstanceBatchSize);
    lab.refuses("one twice", change(&[one, one]), E::InstanceRepeated);
    let told = ModifyMaintenance { notify: Some(true), ..change(&[one, unknown()]) };
    lab.refuses("a stranger", told, E::InstanceNotFound);
    lab.ok(ModifyMaintenance {
        action: Some(MaintenanceAction::Stop),
        notify: Some(true),
        window: Some(window("02:00:00")),
        ..change(&[one, two])
    });
    lab.ok(ModifyMaintenance { window: Some(window("03:00:00")), ..change(&[two]) });
    let says = |id| lab.instance(id).maintenance;
    let (action, notify) = (MaintenanceAction::Stop, true);
    assert_eq!(says(one), Maintenance { action, notify, window: Some(window("02:00:00")) });
    assert_eq!(says(two), Maintenance { action, notify, window: Some(window("03:00:00")) });
    lab.check_replay();
}

#[test]
fn disks() {
    let mut lab = Lab::new();
    let launch = lab.launch();
    let bursts = SystemDisk { bursting: true, ..SystemDisk::default() };
    let wrong = Launch { system_disk: bursts.clone(), ..launch.clone() };
    lab.refuses("a launch with bursts", run_many(wrong, 1), E::DiskBursting);
    let auto = SystemDisk { category: Some(DiskCategory::CloudAuto), ..bursts };
    let (plain, auto) = (lab.made(launch.clone()), lab.made(Launch { system_disk: auto, ..launch }));
    let (plain, auto) = (lab.instance(plain).system_disk, lab.instance(auto).system_disk);
    let change = |disks: &[DiskId]| ModifyDisks { disks: disks.to_vec(), ..ModifyDisks::default() };
    let text = |text: &str| Some(text.into());
    let rows: Vec<(&str, ModifyDisks, E)> = vec![
        ("nothing", change(&[plain]), E::DiskNoChange),
        ("name", ModifyDisks { name: text("1"), ..change(&[plain]) }, E::DiskNameMalformed),
        (
            "description",
            ModifyDisks { description: text("http://a"), ..change(&[plain]) },
            E::DiskDescriptionMalformed,
        ),
        ("kept", ModifyDisks { delete_with_instance: Some(false), ..change(&[plain]) }, E::DiskNotPortable),
        ("nobody", ModifyDisks { name: text("root"), ..change(&[plain, unknown()]) }, E::DiskNotFound),
        ("bursts", ModifyDisks { bursting: Some(true), ..change(&[auto, plain]) }, E::DiskBursting),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    lab.ok(ModifyDisks {
        name: text("root"),
        description: text("The system"),
        delete_with_instance: Some(true),
        bursting: Some(false),
        auto_snapshot: Some(false),
        delete_auto_snapshot: Some(true),
        ..change(&[plain, auto])
    });
    let disk = |lab: &Lab, id| lab.world.get::<Disk>(&id).unwrap().clone();
    let now = disk(&lab, auto);
    assert_eq!((now.name.as_str(), now.description.as_str()), ("root", "The system"));
    assert_eq!((now.bursting, now.auto_snapshot, now.delete_auto_snapshot), (false, false, true));
    // An empty text takes away, an absent one does not.
    lab.ok(ModifyDisks { description: text(""), ..change(&[plain]) });
    let now = disk(&lab, plain);
    assert_eq!((now.name.as_str(), now.description.as_str()), ("root", ""));
    lab.ok(ModifyDisks { bursting: Some(true), ..change(&[auto]) });
    assert!(disk(&lab, auto).bursting);
    lab.check_replay();
}
