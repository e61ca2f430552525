//! Making, changing and deleting interfaces: one row for each rule, then what the rules let through.

use crate::lab::*;
use sim_core::cidr::{Cidr4, Cidr6};
use sim_core::ecs::eni::*;
use sim_core::ecs::eni_address::{Want, Wanted, parse_prefix, parse4, parse6};
use sim_core::id::{EniId, Id, ResourceGroupId, SecurityGroupId, VSwitchId, VpcId};
use sim_core::quota::{AdjustQuota, Quota};
use sim_core::resource_group::{CreateResourceGroup, DeleteResourceGroup};
use sim_core::settings::{ChangeSettings, Provisioning};
use sim_core::tag::{self, TagPair};
use sim_core::vpc::vpc::{CreateVpc, DeleteVpc};
use sim_core::vpc::vswitch::{DeleteVSwitch, VSwitch};
use sim_core::{AccountId, Caller, Command, ErrorCode as E};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

fn v4(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn change(eni: EniId) -> ModifyEni {
    ModifyEni {
        eni,
        name: None,
        description: None,
        groups: None,
        delete_on_release: None,
        source_dest_check: None,
        queues: None,
        traffic_mode: None,
    }
}

#[test]
fn rules_of_making_an_interface() {
    let mut lab = Lab::new();
    let (web, db, tiny, sg, ent, far) = (lab.web, lab.db, lab.tiny, lab.sg, lab.ent, lab.far);
    let taken = lab.eni(&[sg]);
    let base = || eni(web, &[sg]);
    let with = |wanted: Wanted| CreateEni { wanted, ..base() };
    let these4 = |list: &[&str]| Wanted {
        ipv4: Want::These(list.iter().map(|text| v4(text)).collect()),
        ..Wanted::default()
    };
    let count4 = |n| Wanted { ipv4: Want::Count(n), ..Wanted::default() };
    let prefixes4 = |list: &[&str]| Wanted {
        ipv4_prefixes: Want::These(list.iter().map(|text| text.parse::<Cidr4>().unwrap()).collect()),
        ..Wanted::default()
    };
    let prefix_count4 = |n| Wanted { ipv4_prefixes: Want::Count(n), ..Wanted::default() };
    let these6 = |list: &[&str]| Wanted {
        ipv6: Want::These(list.iter().map(|text| text.parse::<Ipv6Addr>().unwrap()).collect()),
        ..Wanted::default()
    };
    let count6 = |n| Wanted { ipv6: Want::Count(n), ..Wanted::default() };
    let prefixes6 = |list: &[&str]| Wanted {
        ipv6_prefixes: Want::These(list.iter().map(|text| text.parse::<Cidr6>().unwrap()).collect()),
        ..Wanted::default()
    };
    let eleven: Vec<String> = (10..21).map(|n| format!("10.0.1.{n}")).collect();
    let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
    let primary = |text: &str| CreateEni { primary_ip: Some(v4(text)), ..base() };
    let tag = |key: &str| TagPair { key: key.into(), value: "".into() };
    let rows: Vec<(&str, Command, E)> = vec![
        ("name", CreateEni { name: Some("x".into()), ..base() }.into(), E::EniNameMalformed),
        ("digit first", CreateEni { name: Some("1x".into()), ..base() }.into(), E::EniNameMalformed),
        (
            "description",
            CreateEni { description: Some("http://x".into()), ..base() }.into(),
            E::EniDescriptionMalformed,
        ),
        ("tag", CreateEni { tags: vec![tag("aliyun")], ..base() }.into(), E::TagKeyMalformed),
        ("tag twice", CreateEni { tags: vec![tag("a"), tag("a")], ..base() }.into(), E::TagKeyDuplicated),
        ("primary kind", CreateEni { kind: EniKind::Primary, ..base() }.into(), E::InvalidParameter),
        ("member kind", CreateEni { kind: EniKind::Member, ..base() }.into(), E::InvalidParameter),
        ("11 listed", with(these4(&eleven)).into(), E::EniAddressCount),
        ("none counted", with(count4(0)).into(), E::EniAddressCount),
        ("50 counted", with(count4(50)).into(), E::EniAddressCount),
        ("11 prefixes", with(prefix_count4(11)).into(), E::EniAddressCount),
        ("11 of IPv6", with(count6(11)).into(), E::EniAddressCount),
        ("twice", with(these4(&["10.0.1.9", "10.0.1.8", "10.0.1.9"])).into(), E::EniAddressRepeated),
        ("prefix twice", with(prefixes4(&["10.0.1.16/28", "10.0.1.16/28"])).into(), E::EniAddressRepeated),
        ("prefix of 27", with(prefixes4(&["10.0.1.32/27"])).into(), E::EniPrefixMask),
        ("IPv6 prefix of 64", with(prefixes6(&["2408:4000:0:101::/64"])).into(), E::EniPrefixMask),
        ("no vSwitch", eni(VSwitchId::from_number(number(99)), &[sg]).into(), E::VSwitchNotFound),
        (
            "no resource group",
            CreateEni { resource_group: Some(ResourceGroupId::from_number(number(99))), ..base() }.into(),
            E::ResourceGroupNotFound,
        ),
        ("no group", eni(web, &[]).into(), E::SecurityGroupsMissing),
        ("group twice", eni(web, &[sg, sg]).into(), E::SecurityGroupRepeated),
        (
            "unknown group",
            eni(web, &[SecurityGroupId::from_number(number(99))]).into(),
            E::SecurityGroupNotFound,
        ),
        ("group elsewhere", eni(web, &[far]).into(), E::SecurityGroupVpcMismatch),
        ("two kinds", eni(web, &[sg, ent]).into(), E::SecurityGroupKindsMixed),
        ("outside", primary("10.0.2.9").into(), E::AddressOutside),
        ("the first", primary("10.0.1.0").into(), E::AddressReserved),
        ("the gateway", primary("10.0.1.253").into(), E::AddressReserved),
        ("the last", primary("10.0.1.255").into(), E::AddressReserved),
        ("in use", primary("10.0.1.1").into(), E::AddressInUse),
        ("secondary outside", with(these4(&["10.0.9.9"])).into(), E::AddressOutside),
        ("secondary reserved", with(these4(&["10.0.1.254"])).into(), E::AddressReserved),
        ("secondary in use", with(these4(&["10.0.1.1"])).into(), E::AddressInUse),
        (
            "secondary is the primary",
            CreateEni { primary_ip: Some(v4("10.0.1.9")), ..with(these4(&["10.0.1.9"])) }.into(),
            E::AddressInUse,
        ),
        ("prefix with the first", with(prefixes4(&["10.0.1.0/28"])).into(), E::AddressReserved),
        ("prefix with a host", with(prefixes4(&["10.0.1.192/28"])).into(), E::EniPrefixInUse),
        ("prefix outside", with(prefixes4(&["10.0.9.0/28"])).into(), E::AddressOutside),
        ("no IPv6", CreateEni { vswitch: db, ..with(count6(1)) }.into(), E::EniVSwitchIpv6Disabled),
        ("IPv6 outside", with(these6(&["2001:db8::1"])).into(), E::Ipv6AddressOutside),
        ("IPv6 reserved", with(these6(&["2408:4000:0:101::"])).into(), E::AddressReserved),
        (
            "more than the vSwitch has",
            CreateEni { vswitch: tiny, ..with(count4(4)) }.into(),
            E::AddressExhausted,
        ),
        (
            "no prefix in a /29",
            CreateEni { vswitch: tiny, ..with(prefix_count4(1)) }.into(),
            E::EniPrefixExhausted,
        ),
    ];
    for (what, command, rule) in rows {
        let refusal = lab.refuses(what, command, rule);
        assert!(refusal.details().field.is_some(), "{what}: {refusal}");
        if what == "in use" {
            assert_eq!(refusal.details().blockers, [taken.into()]);
            assert_eq!(refusal.details().accepted.as_deref(), Some("10.0.1.2"));
        }
    }
    lab.check_replay();
}

#[test]
fn texts_that_wires_hand_over() {
    assert!(parse4("10.0.1.7", "f").is_ok() && parse6("2408::1", "f").is_ok());
    for text in ["10.0.1", "10.0.1.07", "10.0.1.7/32", "::1", ""] {
        assert_eq!(parse4(text, "f").unwrap_err().code(), E::AddressMalformed, "{text}");
    }
    for text in ["2408::1::", "10.0.1.7", ""] {
        assert_eq!(parse6(text, "f").unwrap_err().code(), E::AddressMalformed, "{text}");
    }
    let refusal = parse_prefix::<Cidr4>("10.0.1.17/28", "f").unwrap_err();
    assert_eq!(refusal.code(), E::EniPrefixMalformed);
    assert_eq!(refusal.details().accepted.as_deref(), Some("10.0.1.16/28"));
    assert!(parse_prefix::<Cidr6>("2408::/80", "f").is_ok());
    let refused = |outcome: sim_core::Outcome<Want<u8>>| outcome.unwrap_err().code();
    assert_eq!(refused(Want::choose(vec![1], Some(1), "f")), E::EniAddressesConflict);
    assert_eq!(Want::choose(vec![1], None, "f"), Ok(Want::These(vec![1])));
    assert_eq!(Want::choose(Vec::<u8>::new(), Some(2), "f"), Ok(Want::Count(2)));
    let (one, two) = (SecurityGroupId::from_number(number(1)), SecurityGroupId::from_number(number(2)));
    assert_eq!(choose_groups(Some(one), Vec::new()), Ok(vec![one]));
    assert_eq!(choose_groups(None, vec![one, two]), Ok(vec![one, two]));
    assert_eq!(choose_groups(Some(one), vec![two]).unwrap_err().code(), E::EniGroupsConflict);
}

#[test]
fn a_new_interface_is_available_with_the_lowest_free_addresses() {
    let mut lab = Lab::new();
    let (web, sg, sg2) = (lab.web, lab.sg, lab.sg2);
    lab.provision(Provisioning::Documented);
    let wanted = Wanted {
        ipv4: Want::Count(2),
        ipv4_prefixes: Want::Count(1),
        ipv6: Want::Count(1),
        ipv6_prefixes: Want::Count(1),
    };
    let tags = vec![TagPair { key: "env".into(), value: "prod".into() }];
    let command = CreateEni {
        name: Some("pod".into()),
        description: Some("of a pod".into()),
        delete_on_release: false,
        source_dest_check: true,
        queues: Some(4),
        traffic_mode: TrafficMode::Standard,
        wanted,
        tags,
        ..eni(web, &[sg, sg2])
    };
    let id = lab.ok(command).id::<EniId>();
    let e = lab.get(id);
    assert_eq!(
        (e.kind, e.status, e.instance, e.trunk, e.device_index),
        (EniKind::Secondary, EniStatus::Available, None, None, 0)
    );
    assert_eq!((e.name.as_str(), e.description.as_str()), ("pod", "of a pod"));
    assert_eq!(
        (e.delete_on_release, e.source_dest_check, e.queues, e.traffic_mode),
        (false, true, Some(4), TrafficMode::Standard)
    );
    assert_eq!((e.primary_ip, &e.secondary_ips[..]), (v4("10.0.1.1"), &[v4("10.0.1.2"), v4("10.0.1.3")][..]));
    assert_eq!(e.ipv4_prefixes, ["10.0.1.16/28".parse::<Cidr4>().unwrap()]);
    assert_eq!(e.ipv6, ["2408:4000:0:101::1".parse::<Ipv6Addr>().unwrap()]);
    assert_eq!(e.ipv6_prefixes.len(), 1);
    assert_eq!(e.groups, [sg, sg2]);
    assert!(e.mac_text().starts_with("00:16:3e:"), "{}", e.mac_text());
    assert_eq!(tag::of(&lab.world, id).map(|t| t.value.as_str()).collect::<Vec<_>>(), ["prod"]);
    // Three hosts hold addresses of the vSwitch beside it.
    let free = lab.world.get::<VSwitch>(&web).unwrap().available_addresses(&lab.world);
    assert_eq!(free, 252 - 3 - 3 - 16);
    // What is given back is given out again, lowest first.
    let second = lab.eni(&[sg]);
    assert_eq!(lab.get(second).primary_ip, v4("10.0.1.4"));
    lab.ok(DeleteEni { eni: id });
    assert_eq!(tag::of(&lab.world, id).count(), 0);
    assert_eq!(lab.world.get::<VSwitch>(&web).unwrap().available_addresses(&lab.world), 252 - 3 - 1);
    let third = lab.eni(&[sg]);
    assert_eq!(lab.get(third).primary_ip, v4("10.0.1.1"));
    assert_ne!(third, id);
    // The vSwitch stays while interfaces are in it.
    let refusal = lab.refuses("vSwitch", DeleteVSwitch { vswitch: web }, E::VSwitchInUse);
    assert!(refusal.details().blockers.contains(&second.into()));
    lab.check_replay();
}

#[test]
fn no_two_interfaces_share_a_mac_address() {
    let mut lab = Lab::new();
    let (sg, db, web) = (lab.sg, lab.db, lab.web);
    lab.ok(ChangeSettings { provisioning: None, quotas_lifted: Some(true) });
    let mut seen = BTreeSet::new();
    for vswitch in [db, web] {
        for _ in 0..240 {
            let id = lab.ok(eni(vswitch, &[sg])).id::<EniId>();
            let mac = lab.get(id).mac;
            assert_eq!(mac >> 40 & 1, 0, "a unicast address");
            assert!(seen.insert(mac));
        }
    }
}

#[test]
fn quotas_of_interfaces() {
    let mut lab = Lab::new();
    let (sg, db, web, tiny) = (lab.sg, lab.db, lab.web, lab.tiny);
    for _ in 0..100 {
        lab.eni(&[sg]);
    }
    lab.refuses("101 secondary ones", eni(web, &[sg]), E::EniQuotaExceeded);
    lab.refuses("a trunk", CreateEni { kind: EniKind::Trunk, ..eni(web, &[sg]) }, E::EniQuotaExceeded);
    // Lack of room is reported last: the quota comes before a full vSwitch.
    let wide = CreateEni { wanted: Wanted { ipv4: Want::Count(9), ..Wanted::default() }, ..eni(tiny, &[sg]) };
    lab.refuses("full and over the quota", wide.clone(), E::EniQuotaExceeded);
    lab.ok(AdjustQuota { name: Quota::SecondaryEnis.row().name.to_owned(), value: 10_000 });
    lab.refuses("full", wide, E::AddressExhausted);
    for _ in 0..4 {
        lab.ok(eni(tiny, &[sg]));
    }
    lab.refuses("the last address is gone", eni(tiny, &[sg]), E::AddressExhausted);
    // Another account has interfaces of its own.
    let other = Caller::new(AccountId(2), "cn-hangzhou");
    assert_eq!(lab.run_as(&other, eni(db, &[sg])).unwrap_err().code(), E::VSwitchNotFound);
    lab.check_replay();
}

#[test]
fn rules_of_changing_an_interface() {
    let mut lab = Lab::new();
    let (sg, sg2, ent, node) = (lab.sg, lab.sg2, lab.ent, lab.node);
    let id = lab.eni(&[sg]);
    let primary = lab.primary(node);
    let unknown = EniId::from_number(number(99));
    let rows: Vec<(&str, Command, E)> = vec![
        ("name", ModifyEni { name: Some("1".into()), ..change(id) }.into(), E::EniNameMalformed),
        (
            "text",
            ModifyEni { description: Some("x".into()), ..change(id) }.into(),
            E::EniDescriptionMalformed,
        ),
        ("unknown", change(unknown).into(), E::EniNotFound),
        ("no groups", ModifyEni { groups: Some(vec![]), ..change(id) }.into(), E::SecurityGroupsMissing),
        (
            "two kinds",
            ModifyEni { groups: Some(vec![sg, ent]), ..change(id) }.into(),
            E::SecurityGroupKindsMixed,
        ),
        (
            "groups of a primary",
            ModifyEni { groups: Some(vec![sg2]), ..change(primary) }.into(),
            E::EniPrimaryFixed,
        ),
        (
            "release of a primary",
            ModifyEni { delete_on_release: Some(false), ..change(primary) }.into(),
            E::EniPrimaryFixed,
        ),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    lab.ok(ModifyEni {
        name: Some("web".into()),
        description: Some("front".into()),
        groups: Some(vec![ent]),
        delete_on_release: Some(false),
        source_dest_check: Some(true),
        queues: Some(2),
        traffic_mode: Some(TrafficMode::HighPerformance),
        ..change(id)
    });
    let e = lab.get(id);
    let shown = (e.name.as_str(), e.description.as_str(), e.delete_on_release, e.source_dest_check, e.queues);
    assert_eq!(shown, ("web", "front", false, true, Some(2)));
    assert_eq!(e.groups, [ent]);
    lab.ok(ModifyEni { description: Some("".into()), ..change(id) });
    let e = lab.get(id);
    assert_eq!((e.name.as_str(), e.description.as_str(), e.queues), ("web", "", Some(2)));
    // A primary interface has a name of its own.
    lab.ok(ModifyEni { name: Some("eth".into()), source_dest_check: Some(true), ..change(primary) });
    assert_eq!(lab.get(primary).name, "eth");
    lab.check_replay();
}

#[test]
fn rules_of_deleting_an_interface() {
    let mut lab = Lab::new();
    let (sg, node, web) = (lab.sg, lab.node, lab.web);
    let id = lab.eni(&[sg]);
    let primary = lab.primary(node);
    lab.refuses("unknown", DeleteEni { eni: EniId::from_number(number(99)) }, E::EniNotFound);
    let refusal = lab.refuses("primary", DeleteEni { eni: primary }, E::EniKindDenied);
    assert_eq!(refusal.details().blockers, [node.into()]);
    lab.ok(sim_core::ecs::eni_attachment::AttachEni { eni: id, instance: node, trunk: None });
    lab.refuses("attached", DeleteEni { eni: id }, E::EniStatusIncorrect);
    lab.ok(sim_core::ecs::eni_attachment::DetachEni { eni: id, instance: None, trunk: None });
    let holder = lab.ok(CreateResourceGroup { name: "team".into() }).id::<ResourceGroupId>();
    let held: EniId = lab.ok(CreateEni { resource_group: Some(holder), ..eni(web, &[sg]) }).id();
    lab.refuses("held", DeleteResourceGroup { group: holder }, E::ResourceGroupInUse);
    lab.ok(DeleteEni { eni: held });
    lab.ok(DeleteResourceGroup { group: holder });
    lab.ok(DeleteEni { eni: id });
    lab.refuses("gone", DeleteEni { eni: id }, E::EniNotFound);
    let stranger = Caller::new(AccountId(2), "cn-hangzhou");
    assert_eq!(lab.run_as(&stranger, DeleteEni { eni: primary }).unwrap_err().code(), E::EniNotFound);
    let vpc = lab.ok(CreateVpc::default()).id::<VpcId>();
    lab.ok(DeleteVpc { vpc });
    lab.check_replay();
}

#[test]
fn an_interface_waits_for_its_vswitch() {
    let mut lab = Lab::new();
    lab.provision(Provisioning::Visible);
    let (vpc, sg) = (lab.vpc, lab.sg);
    let fresh: VSwitchId = lab.ok(vswitch(vpc, "10.0.9.0/24", "cn-hangzhou-k", None)).id();
    lab.refuses("while it is made", eni(fresh, &[sg]), E::VSwitchStatusIncorrect);
    lab.wait(200);
    lab.ok(eni(fresh, &[sg]));
}
