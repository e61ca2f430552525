//! Prefix lists: one row for each rule, and what uses them.

use crate::lab::*;
use sim_core::ecs::prefix_list::*;
use sim_core::ecs::security_group::DeleteSecurityGroup;
use sim_core::id::{Id, PrefixListId, ResourceGroupId};
use sim_core::resource_group::{CreateResourceGroup, DeleteResourceGroup};
use sim_core::tag::TagPair;
use sim_core::{AccountId, Caller, Command, ErrorCode as E};

fn create() -> CreatePrefixList {
    CreatePrefixList {
        name: "offices".into(),
        description: None,
        family: AddressFamily::Ipv4,
        max_entries: 2,
        entries: Vec::new(),
        resource_group: None,
        tags: Vec::new(),
    }
}

fn entry(cidr: &str, description: &str) -> PrefixListEntry {
    PrefixListEntry { cidr: cidr.parse().unwrap(), description: description.into() }
}

fn change(list: PrefixListId) -> ModifyPrefixList {
    ModifyPrefixList {
        list,
        name: None,
        description: None,
        max_entries: None,
        add: Vec::new(),
        remove: Vec::new(),
    }
}

#[test]
fn rules_of_prefix_lists() {
    let mut lab = Lab::new();
    let list: PrefixListId =
        lab.ok(CreatePrefixList { entries: vec![entry("10.0.0.0/8", "")], ..create() }).id();
    let unknown = PrefixListId::from_number(number(99));
    let named = |name: &str| CreatePrefixList { name: name.into(), ..create() };
    let holding = |entries: Vec<PrefixListEntry>| CreatePrefixList { entries, ..create() };
    let adding = |entries: Vec<PrefixListEntry>| ModifyPrefixList { add: entries, ..change(list) };
    let long: String = "x".repeat(257);
    let tag = |key: &str| TagPair { key: key.into(), value: "".into() };
    let rows: Vec<(&str, Command, E)> = vec![
        ("no name", named("").into(), E::PrefixListNameMalformed),
        ("one letter", named("x").into(), E::PrefixListNameMalformed),
        ("129 letters", named(&long[..129]).into(), E::PrefixListNameMalformed),
        ("digit first", named("1st").into(), E::PrefixListNameMalformed),
        ("a scheme", named("http://a").into(), E::PrefixListNameMalformed),
        ("the provider's", named("com.aliyun.x").into(), E::PrefixListNameMalformed),
        ("the provider's too", named("com.alibabacloud.x").into(), E::PrefixListNameMalformed),
        (
            "long text",
            CreatePrefixList { description: Some(long.as_str().into()), ..create() }.into(),
            E::PrefixListDescriptionMalformed,
        ),
        ("tag", CreatePrefixList { tags: vec![tag("acs:a")], ..create() }.into(), E::TagKeyMalformed),
        (
            "tag twice",
            CreatePrefixList { tags: vec![tag("a"), tag("a")], ..create() }.into(),
            E::TagKeyDuplicated,
        ),
        ("none", CreatePrefixList { max_entries: 0, ..create() }.into(), E::PrefixListMaxEntriesInvalid),
        ("201", CreatePrefixList { max_entries: 201, ..create() }.into(), E::PrefixListMaxEntriesInvalid),
        (
            "a letter of entry",
            holding(vec![entry("10.0.0.0/8", "x")]).into(),
            E::PrefixListEntryDescriptionMalformed,
        ),
        (
            "33 letters of entry",
            holding(vec![entry("10.0.0.0/8", &long[..33])]).into(),
            E::PrefixListEntryDescriptionMalformed,
        ),
        ("other family", holding(vec![entry("2001:db8::/32", "")]).into(), E::PrefixListCidrMalformed),
        (
            "other family of IPv6",
            CreatePrefixList { family: AddressFamily::Ipv6, ..holding(vec![entry("10.0.0.0/8", "")]) }.into(),
            E::PrefixListCidrMalformed,
        ),
        (
            "twice",
            holding(vec![entry("10.0.0.0/8", ""), entry("10.0.0.0/8", "ab")]).into(),
            E::PrefixListCidrDuplicated,
        ),
        (
            "three in two",
            holding(vec![entry("1.0.0.0/8", ""), entry("2.0.0.0/8", ""), entry("3.0.0.0/8", "")]).into(),
            E::PrefixListFull,
        ),
        (
            "resource group",
            CreatePrefixList { resource_group: Some(ResourceGroupId::from_number(number(99))), ..create() }
                .into(),
            E::ResourceGroupNotFound,
        ),
        (
            "change none",
            ModifyPrefixList { max_entries: Some(3), ..change(unknown) }.into(),
            E::PrefixListNotFound,
        ),
        (
            "bad name",
            ModifyPrefixList { name: Some("x".into()), ..change(list) }.into(),
            E::PrefixListNameMalformed,
        ),
        (
            "no name left",
            ModifyPrefixList { name: Some("".into()), ..change(list) }.into(),
            E::PrefixListNameMalformed,
        ),
        (
            "bad text",
            ModifyPrefixList { description: Some("x".into()), ..change(list) }.into(),
            E::PrefixListDescriptionMalformed,
        ),
        (
            "201 from now on",
            ModifyPrefixList { max_entries: Some(201), ..change(list) }.into(),
            E::PrefixListMaxEntriesInvalid,
        ),
        ("there already", adding(vec![entry("10.0.0.0/8", "ab")]).into(), E::PrefixListCidrDuplicated),
        ("other family comes", adding(vec![entry("::/0", "")]).into(), E::PrefixListCidrMalformed),
        ("too many", adding(vec![entry("1.0.0.0/8", ""), entry("2.0.0.0/8", "")]).into(), E::PrefixListFull),
        (
            "too few places",
            ModifyPrefixList { max_entries: Some(1), ..adding(vec![entry("1.0.0.0/8", "")]) }.into(),
            E::PrefixListFull,
        ),
        ("delete none", DeletePrefixList { list: unknown }.into(), E::PrefixListNotFound),
    ];
    for (what, command, rule) in rows {
        let refusal = lab.refuses(what, command, rule);
        assert!(refusal.details().field.is_some(), "{what}");
    }
    for (text, fits) in
        [("10.0.0.0/8", true), ("::/0", true), ("10.0.0.1/8", false), ("10.0.0.1", false), ("x", false)]
    {
        assert_eq!(parse_cidr(text).is_ok(), fits, "{text}");
    }
    for (text, family) in
        [("IPv4", Some(AddressFamily::Ipv4)), ("IPv6", Some(AddressFamily::Ipv6)), ("ipv4", None)]
    {
        assert_eq!(AddressFamily::parse(text).ok(), family, "{text}");
    }
    let nowhere = Caller::new(AccountId::DEFAULT, "mars-1");
    assert_eq!(lab.run_as(&nowhere, create()).unwrap_err().code(), E::RegionNotFound);
    let stranger = Caller::new(AccountId(2), "cn-hangzhou");
    assert_eq!(lab.run_as(&stranger, DeletePrefixList { list }).unwrap_err().code(), E::PrefixListNotFound);
    // One request describes a block anew; another takes away what is not there.
    lab.ok(ModifyPrefixList {
        remove: vec!["10.0.0.0/8".parse().unwrap()],
        ..adding(vec![entry("10.0.0.0/8", "home")])
    });
    lab.ok(ModifyPrefixList {
        remove: vec!["9.0.0.0/8".parse().unwrap()],
        ..adding(vec![entry("11.0.0.0/8", "")])
    });
    let now = lab.world.get::<PrefixList>(&list).unwrap();
    assert_eq!(now.entries, [entry("10.0.0.0/8", "home"), entry("11.0.0.0/8", "")]);
    for _ in 1..100 {
        lab.ok(create());
    }
    lab.refuses("101 lists", create(), E::PrefixListQuotaExceeded);
    lab.check_replay();
}

#[test]
fn a_list_in_use_stays() {
    let mut lab = Lab::new();
    let (sg2, ent) = (lab.sg2, lab.ent);
    let list: PrefixListId = lab.ok(create()).id();
    let rule = |n: u32| format!("protocol=tcp port_range={n}/{n} peer_list={list}");
    lab.rules(sg2, Ingress, &[&rule(1), &rule(2)]);
    lab.rules(ent, Egress, &[&rule(1)]);
    let users = |lab: &Lab| associations_after(&lab.world, list, None).copied().collect::<Vec<_>>();
    assert_eq!(users(&lab), [sg2, ent]);
    assert_eq!(associations_after(&lab.world, list, Some(&sg2)).copied().collect::<Vec<_>>(), [ent]);
    let refusal = lab.refuses("in use", DeletePrefixList { list }, E::PrefixListInUse);
    assert_eq!(refusal.details().blockers, [sg2.into(), ent.into()]);
    lab.ok(take(sg2, Ingress, &[&rule(1)]));
    assert_eq!(users(&lab), [sg2, ent]);
    lab.ok(DeleteSecurityGroup { group: sg2 });
    assert_eq!(users(&lab), [ent]);
    lab.ok(take(ent, Egress, &[&rule(1)]));
    lab.ok(DeletePrefixList { list });
    // A resource group that holds one stays.
    let holder = lab.ok(CreateResourceGroup { name: "team".into() }).id::<ResourceGroupId>();
    let held: PrefixListId = lab.ok(CreatePrefixList { resource_group: Some(holder), ..create() }).id();
    lab.refuses("holder", DeleteResourceGroup { group: holder }, E::ResourceGroupInUse);
    lab.ok(DeletePrefixList { list: held });
    lab.ok(DeleteResourceGroup { group: holder });
    lab.check_replay();
}

#[test]
fn a_list_is_used_by_so_many_groups() {
    let mut lab = Lab::new();
    let list: PrefixListId = lab.ok(create()).id();
    let rule = format!("protocol=all port_range=-1/-1 peer_list={list}");
    let name = sim_core::quota::Quota::SecurityGroups.row().name.to_owned();
    lab.ok(sim_core::quota::AdjustQuota { name, value: 2_000 });
    let groups: Vec<_> = (0..1_001).map(|_| lab.group()).collect();
    for &group in &groups[..1_000] {
        lab.rules(group, Ingress, &[&rule]);
    }
    let refusal =
        lab.refuses("1,001", add(groups[1_000], Ingress, &[&rule]), E::PrefixListAssociationsExceeded);
    assert_eq!(refusal.details().blockers, [list.into()]);
    // A group that uses it already may name it again.
    lab.rules(groups[0], Egress, &[&rule]);
}
