//! One row for each rule of an operation on instances.

use crate::lab::*;
use sim_core::ecs::disk::{DiskCategory, SystemDisk};
use sim_core::ecs::eni::EniKind;
use sim_core::ecs::eni_address::{Want, Wanted};
use sim_core::ecs::instance_create::{
    CreateInstance, Launch, LaunchInterface, RunInstances, Secondary, choose_primary,
};
use sim_core::ecs::instance_modify::{ModifyInstance, MoveInstance};
use sim_core::ecs::security_group::GroupKind;
use sim_core::ecs::user_data::UserData;
use sim_core::id::{EniId, Id, InstanceId, ResourceGroupId, SecurityGroupId, VSwitchId};
use sim_core::secret::Fingerprint;
use sim_core::settings::Provisioning;
use sim_core::tag::TagPair;
use sim_core::vpc::default_network::{CreateDefaultVSwitch, CreateDefaultVpc};
use sim_core::{AccountId, Caller, Command, ErrorCode as E, ZoneId};

/// An id that nothing has.
fn unknown<I: Id>() -> I {
    I::from_number(sim_core::id::IdNumber::new(
        9_999_999,
        7,
        sim_core::id::RegionCode::from_text("bp1").unwrap(),
    ))
}

#[test]
fn launch_rules() {
    let mut lab = Lab::new();
    let good = lab.launch();
    let long = |n: usize| Some("x".repeat(n).into());
    let with = |change: &dyn Fn(&mut Launch)| {
        let mut launch = good.clone();
        change(&mut launch);
        Command::from(run_many(launch, 1))
    };
    let disk = |disk: SystemDisk| with(&move |l| l.system_disk = disk.clone());
    let interface = |change: &dyn Fn(&mut LaunchInterface)| with(&|l| change(&mut l.primary));
    let further = |list: Vec<Secondary>| with(&move |l| l.secondary = list.clone());
    let new = LaunchInterface::default;
    let available = lab.eni(EniKind::Secondary, false);
    let far = Secondary::New(LaunchInterface { vswitch: Some(lab.far), ..new() });
    let abroad = Secondary::New(LaunchInterface {
        vswitch: Some(lab.elsewhere),
        groups: vec![lab.other_group],
        ..new()
    });
    let many = |change: &dyn Fn(&mut RunInstances)| {
        let mut run = run_many(good.clone(), 2);
        change(&mut run);
        Command::from(run)
    };
    let (group, second, enterprise, other_group) =
        (lab.group, lab.second_group, lab.enterprise, lab.other_group);
    let rows: Vec<(&str, Command, E)> = vec![
        ("name", with(&|l| l.name = Some("1a".into())), E::InstanceNameMalformed),
        ("long name", with(&|l| l.name = long(129)), E::InstanceNameMalformed),
        ("name pattern", with(&|l| l.name = Some("web-[1]".into())), E::InstanceNamePattern),
        ("host name", with(&|l| l.host_name = Some("-a".into())), E::HostNameMalformed),
        (
            "host name of Windows",
            with(&|l| {
                l.image = Some(WINDOWS.into());
                l.host_name = Some("web.prod".into());
            }),
            E::HostNameMalformed,
        ),
        ("description", with(&|l| l.description = Some("http://a".into())), E::InstanceDescriptionMalformed),
        (
            "disk name",
            disk(SystemDisk { name: Some("1".into()), ..SystemDisk::default() }),
            E::DiskNameMalformed,
        ),
        (
            "disk description",
            disk(SystemDisk { description: long(257), ..SystemDisk::default() }),
            E::DiskDescriptionMalformed,
        ),
        ("disk level", disk(SystemDisk { level: Some(1), ..SystemDisk::default() }), E::DiskPerformanceLevel),
        (
            "small disk",
            disk(SystemDisk { size_gib: Some(19), ..SystemDisk::default() }),
            E::SystemDiskTooSmall,
        ),
        (
            "large disk",
            disk(SystemDisk {
                size_gib: Some(501),
                category: Some(DiskCategory::Cloud),
                ..SystemDisk::default()
            }),
            E::SystemDiskTooLarge,
        ),
        (
            "tag",
            with(&|l| l.tags = vec![TagPair { key: "acs:a".into(), value: "".into() }]),
            E::TagKeyMalformed,
        ),
        ("type", with(&|l| l.instance_type = "ecs.none.large".into()), E::InstanceTypeUnknown),
        ("image", with(&|l| l.image = Some("m-1".into())), E::ImageNotFound),
        (
            "image family",
            with(&|l| (l.image, l.image_family) = (None, Some("acs:none".into()))),
            E::ImageFamilyNotFound,
        ),
        ("both images", with(&|l| l.image_family = Some("acs:ubuntu_22_04_x64".into())), E::ImageAndFamily),
        ("no image", with(&|l| l.image = None), E::MissingParameter),
        ("an image for ARM", with(&|l| l.image = Some(ARM.into())), E::ImageArchitecture),
        ("zone", with(&|l| l.zone = Some("cn-hangzhou-z".into())), E::ZoneNotFound),
        ("another zone", with(&|l| l.zone = Some("cn-hangzhou-j".into())), E::InstanceZoneMismatch),
        ("no vSwitch", interface(&|i| i.vswitch = None), E::InstanceVSwitchMissing),
        ("unknown vSwitch", interface(&|i| i.vswitch = Some(unknown())), E::VSwitchNotFound),
        (
            "resource group",
            with(&|l| l.resource_group = Some(unknown::<ResourceGroupId>())),
            E::ResourceGroupNotFound,
        ),
        ("no group", interface(&|i| i.groups = Vec::new()), E::SecurityGroupsMissing),
        (
            "unknown group",
            interface(&|i| i.groups = vec![unknown::<SecurityGroupId>()]),
            E::SecurityGroupNotFound,
        ),
        ("group twice", interface(&|i| i.groups = vec![group, group]), E::SecurityGroupRepeated),
        ("group of another VPC", interface(&|i| i.groups = vec![other_group]), E::SecurityGroupVpcMismatch),
        ("mixed groups", interface(&|i| i.groups = vec![second, enterprise]), E::SecurityGroupKindsMixed),
        ("address outside", interface(&|i| i.primary_ip = Some([10, 9, 0, 1].into())), E::AddressOutside),
        ("reserved address", interface(&|i| i.primary_ip = Some([10, 0, 1, 254].into())), E::AddressReserved),
        ("taken address", interface(&|i| i.primary_ip = Some([10, 0, 1, 1].into())), E::AddressInUse),
        (
            "IPv6 in a vSwitch without",
            interface(&|i| {
                i.vswitch = Some(lab.db);
                i.wanted = Wanted { ipv6: Want::Count(1), ..Wanted::default() };
            }),
            E::EniVSwitchIpv6Disabled,
        ),
        (
            "more IPv6 than the type takes",
            interface(&|i| i.wanted = Wanted { ipv6: Want::Count(7), ..Wanted::default() }),
            E::EniTypeIpv6Exceeded,
        ),
        (
            "more IPv4 than the type takes",
            further(vec![Secondary::New(LaunchInterface {
                wanted: Wanted { ipv4: Want::Count(6), ..Wanted::default() },
                ..new()
            })]),
            E::EniTypeIpv4Exceeded,
        ),
        (
            "0 addresses",
            interface(&|i| i.wanted = Wanted { ipv6: Want::Count(0), ..Wanted::default() }),
            E::EniAddressCount,
        ),
        (
            "interfaces",
            further(vec![Secondary::New(new()), Secondary::New(new()), Secondary::New(new())]),
            E::InstanceInterfacesExceeded,
        ),
        ("an interface in another zone", further(vec![far]), E::EniZoneMismatch),
        ("an interface in another VPC", further(vec![abroad]), E::EniVpcMismatch),
        ("an unknown interface", further(vec![Secondary::Existing(unknown::<EniId>())]), E::EniNotFound),
        (
            "a trunk",
            further(vec![Secondary::New(LaunchInterface { trunk: true, ..new() })]),
            E::EniTrunkUnsupported,
        ),
        (
            "an interface's name",
            further(vec![Secondary::New(LaunchInterface { name: Some("1".into()), ..new() })]),
            E::EniNameMalformed,
        ),
        (
            "an interface's description",
            further(vec![Secondary::New(LaunchInterface { description: Some("http://".into()), ..new() })]),
            E::EniDescriptionMalformed,
        ),
        ("none", many(&|r| r.amount = 0), E::InstanceAmount),
        ("too many", many(&|r| r.amount = 1_001), E::InstanceAmount),
        ("none at least", many(&|r| r.min_amount = Some(0)), E::InstanceMinAmount),
        ("more at least than in all", many(&|r| r.min_amount = Some(3)), E::InstanceMinAmount),
        (
            "one host name and many",
            many(&|r| {
                r.launch.host_name = Some("web".into());
                r.host_names = vec!["a1".into(), "a2".into()];
            }),
            E::HostNamesConflict,
        ),
        ("too few host names", many(&|r| r.host_names = vec!["a1".into()]), E::HostNamesCount),
        ("a bad one", many(&|r| r.host_names = vec!["a1".into(), "a".into()]), E::HostNameMalformed),
        (
            "addresses for two",
            many(&|r| {
                let address = "2408:4000:0:101::1000".parse().unwrap();
                r.launch.primary.wanted = Wanted { ipv6: Want::These(vec![address]), ..Wanted::default() };
            }),
            E::InstanceAddressesForMany,
        ),
        (
            "an address of an interface for two",
            many(&|r| {
                let one = LaunchInterface { primary_ip: Some([10, 0, 1, 9].into()), ..new() };
                r.launch.secondary = vec![Secondary::New(one)];
            }),
            E::InstanceAddressesForMany,
        ),
        (
            "one interface for two",
            many(&|r| r.launch.secondary = vec![Secondary::Existing(available)]),
            E::InstanceInterfaceForMany,
        ),
        (
            "addresses beyond the last one",
            many(&|r| r.launch.primary.primary_ip = Some([255, 255, 255, 255].into())),
            E::AddressOutside,
        ),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    let instance = lab.running();
    let primary = lab.instance(instance).primary_eni;
    let mut launch = lab.launch();
    launch.secondary = vec![Secondary::Existing(primary)];
    lab.refuses("a primary interface", CreateInstance { launch: Box::new(launch) }, E::EniKindDenied);
    lab.check_replay();
}

#[test]
fn two_descriptions_of_the_primary_interface() {
    let one = || LaunchInterface { primary_ip: Some([10, 0, 1, 9].into()), ..LaunchInterface::default() };
    let none = LaunchInterface::default;
    assert_eq!(choose_primary(one(), Vec::new()), Ok(one()));
    assert_eq!(choose_primary(none(), vec![one()]), Ok(one()));
    for (fields, listed) in [(none(), vec![one(), one()]), (one(), vec![one()])] {
        let refusal = choose_primary(fields, listed).unwrap_err();
        assert_eq!(refusal.code(), E::InstanceInterfacesInvalid);
    }
}

#[test]
fn a_vswitch_in_transition_takes_no_instance() {
    let mut lab = Lab::in_profile(Provisioning::Documented);
    let launch = lab.launch();
    let down = lab.made(launch);
    lab.wait(10_000);
    let young: VSwitchId = lab.ok(vswitch(lab.vpc, "cn-hangzhou-k", "10.0.9.0/24", None)).id();
    let mut launch = lab.launch();
    launch.primary.vswitch = Some(young);
    lab.refuses("launch", run_many(launch.clone(), 1), E::VSwitchStatusIncorrect);
    lab.refuses("move", relocate(down, young), E::VSwitchStatusIncorrect);
    lab.wait(2_000);
    lab.ok(run_many(launch, 1));
    lab.ok(relocate(down, young));
    lab.check_replay();
}

#[test]
fn a_default_vswitch_is_taken_where_none_is_given() {
    let mut lab = Lab::new();
    let vpc = lab.ok(CreateDefaultVpc { ipv6: false, resource_group: None }).id();
    let zone = ZoneId::from("cn-hangzhou-j");
    let default: VSwitchId = lab.ok(CreateDefaultVSwitch { zone: zone.clone(), ipv6_subnet: None }).id();
    let group = lab.ok(group(vpc, GroupKind::Basic)).id();
    let mut launch = lab.launch();
    launch.primary = LaunchInterface { groups: vec![group], ..LaunchInterface::default() };
    let id = lab.made(launch.clone());
    assert_eq!((lab.instance(id).vswitch, &lab.instance(id).zone), (default, &zone));
    launch.zone = Some("cn-hangzhou-k".into());
    lab.refuses("none in the zone", run_many(launch, 1), E::InstanceVSwitchMissing);
    lab.check_replay();
}

#[test]
fn life_rules() {
    let mut lab = Lab::new();
    let up = lab.running();
    let launch = lab.launch();
    let down = lab.made(launch);
    let nobody: InstanceId = unknown();
    let too_many = vec![up; 101];
    let rows: Vec<(&str, Command, E)> = vec![
        ("start nothing", start(&[]).into(), E::InstanceBatchSize),
        ("start too many", start(&too_many).into(), E::InstanceBatchSize),
        ("start twice", start(&[down, down]).into(), E::InstanceRepeated),
        ("start nobody", start(&[nobody]).into(), E::InstanceNotFound),
        ("start what runs", start(&[up]).into(), E::InstanceStatusIncorrect),
        ("stop nothing", stop(&[]).into(), E::InstanceBatchSize),
        ("stop twice", stop(&[up, up]).into(), E::InstanceRepeated),
        ("stop nobody", stop(&[nobody]).into(), E::InstanceNotFound),
        ("stop what is down", stop(&[down]).into(), E::InstanceStatusIncorrect),
        ("reboot nothing", reboot(&[]).into(), E::InstanceBatchSize),
        ("reboot twice", reboot(&[up, up]).into(), E::InstanceRepeated),
        ("reboot nobody", reboot(&[nobody]).into(), E::InstanceNotFound),
        ("reboot what is down", reboot(&[down]).into(), E::InstanceStatusIncorrect),
        ("delete nothing", delete(&[], false).into(), E::InstanceBatchSize),
        ("delete twice", delete(&[down, down], false).into(), E::InstanceRepeated),
        ("delete nobody", delete(&[nobody], false).into(), E::InstanceNotFound),
        ("delete what runs", delete(&[up], false).into(), E::InstanceStatusIncorrect),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    // Another account sees none of them.
    let stranger = Caller::new(AccountId(2), "cn-hangzhou");
    let outcome = lab.world.apply(lab.world.now(), &stranger, delete(&[down], false).into()).outcome;
    assert_eq!(outcome.unwrap_err().code(), E::InstanceNotFound);
    lab.check_replay();
}

#[test]
fn change_rules() {
    let mut lab = Lab::new();
    let up = lab.running();
    let (group, second, enterprise, other) = (lab.group, lab.second_group, lab.enterprise, lab.other_group);
    let groups = |list: &[SecurityGroupId]| {
        Command::from(ModifyInstance { groups: Some(list.to_vec()), ..change(up) })
    };
    let text = |text: &str| Some(text.into());
    let rows: Vec<(&str, Command, E)> = vec![
        ("name", ModifyInstance { name: text("1"), ..change(up) }.into(), E::InstanceNameMalformed),
        (
            "description",
            ModifyInstance { description: text("https://a"), ..change(up) }.into(),
            E::InstanceDescriptionMalformed,
        ),
        ("host name", ModifyInstance { host_name: text("a..b"), ..change(up) }.into(), E::HostNameMalformed),
        ("nobody", change(unknown()).into(), E::InstanceNotFound),
        ("no groups", groups(&[]), E::SecurityGroupsMissing),
        ("group twice", groups(&[group, group]), E::SecurityGroupRepeated),
        ("mixed groups", groups(&[group, enterprise]), E::SecurityGroupKindsMixed),
        ("group of another VPC", groups(&[other]), E::SecurityGroupVpcMismatch),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    lab.ok(ModifyInstance {
        name: text("web"),
        host_name: text("web-1"),
        description: text("the first"),
        deletion_protection: Some(true),
        groups: Some(vec![second]),
        password: Some(Fingerprint(1)),
        ..change(up)
    });
    let instance = lab.instance(up).clone();
    assert_eq!((instance.name.as_str(), instance.host_name.as_str()), ("web", "web-1"));
    assert!(instance.deletion_protection && instance.password.is_some());
    assert_eq!(lab.primary(up).groups, [second]);
    // User data is changed while it runs and while it is stopped, and stays when something else is changed.
    let data = |text| UserData::parse(Some(text)).unwrap();
    lab.ok(ModifyInstance { user_data: data("QQ=="), ..change(up) });
    lab.ok(ModifyInstance { user_data: None, name: text("web-2"), ..change(up) });
    assert_eq!(lab.instance(up).user_data, data("QQ=="));
    lab.ok(stop(&[up]));
    lab.ok(ModifyInstance { user_data: data("Qg=="), name: text(""), ..change(up) });
    assert_eq!(
        (lab.instance(up).name.clone(), lab.instance(up).user_data.clone()),
        (up.to_string().into(), data("Qg=="))
    );
    lab.check_replay();
}

#[test]
fn move_rules() {
    let mut lab = Lab::new();
    let up = lab.running();
    let launch = lab.launch();
    let down = lab.made(launch.clone());
    let mut with_addresses = launch.clone();
    with_addresses.primary.wanted = Wanted { ipv4: Want::Count(1), ..Wanted::default() };
    let with_addresses = lab.made(with_addresses);
    let mut with_ipv6 = launch.clone();
    with_ipv6.primary.wanted = Wanted { ipv6: Want::Count(1), ..Wanted::default() };
    let with_ipv6 = lab.made(with_ipv6);
    let with_eni = lab.made(Launch { secondary: vec![Secondary::New(LaunchInterface::default())], ..launch });
    let (web, db, far, tiny) = (lab.web, lab.db, lab.far, lab.tiny);
    let abroad = |id| MoveInstance {
        vpc: Some(lab.other_vpc),
        groups: vec![lab.other_group],
        ..relocate(id, lab.elsewhere)
    };
    let at = |address: [u8; 4]| MoveInstance { primary_ip: Some(address.into()), ..relocate(down, web) };
    let rows: Vec<(&str, Command, E)> = vec![
        ("nobody", relocate(unknown(), db).into(), E::InstanceNotFound),
        ("nowhere", relocate(down, unknown::<VSwitchId>()).into(), E::VSwitchNotFound),
        ("no VPC", MoveInstance { vpc: Some(unknown()), ..relocate(down, db) }.into(), E::VpcNotFound),
        ("another VPC unsaid", relocate(down, lab.elsewhere).into(), E::InstanceVSwitchOtherVpc),
        ("another zone", relocate(down, far).into(), E::InstanceVSwitchOtherZone),
        (
            "groups at home",
            MoveInstance { groups: vec![lab.group], ..relocate(down, db) }.into(),
            E::InstanceGroupsUnexpected,
        ),
        (
            "no groups abroad",
            MoveInstance { groups: Vec::new(), ..abroad(down) }.into(),
            E::SecurityGroupsMissing,
        ),
        ("up", relocate(up, db).into(), E::InstanceStatusIncorrect),
        ("secondary addresses", relocate(with_addresses, db).into(), E::InstanceSecondaryAddresses),
        ("IPv6", relocate(with_ipv6, db).into(), E::InstanceIpv6Held),
        ("another interface", abroad(with_eni).into(), E::InstanceEniAttached),
        ("address outside", at([10, 0, 2, 9]).into(), E::AddressOutside),
        ("reserved address", at([10, 0, 1, 255]).into(), E::AddressReserved),
        ("taken address", at([10, 0, 1, 1]).into(), E::AddressInUse),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    let mut full = lab.launch();
    full.primary.vswitch = Some(tiny);
    lab.ok(run_many(full, 4));
    lab.refuses("no address left", relocate(down, tiny), E::AddressExhausted);
    lab.check_replay();
}
