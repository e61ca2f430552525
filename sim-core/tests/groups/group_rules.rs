//! Groups and their members: one row for each rule, then the quotas and what the rules let through.

use crate::lab::*;
use sim_core::ecs::eni::ModifyEni;
use sim_core::ecs::eni_address::{AssignAddresses, Want, Wanted};
use sim_core::ecs::eni_attachment::AttachEni;
use sim_core::ecs::membership::{JoinSecurityGroup, LeaveSecurityGroup, Member, capacity};
use sim_core::ecs::security_group::*;
use sim_core::id::{EniId, Id, InstanceId, ResourceGroupId, SecurityGroupId, VpcId};
use sim_core::quota::{AdjustQuota, Quota};
use sim_core::resource_group::{CreateResourceGroup, DeleteResourceGroup};
use sim_core::settings::{ChangeSettings, Provisioning};
use sim_core::tag::TagPair;
use sim_core::vpc::vpc::{CreateVpc, DeleteVpc};
use sim_core::{AccountId, Caller, Command, ErrorCode as E};

fn text(length: usize) -> Option<compact_str::CompactString> {
    Some("x".repeat(length).into())
}

fn rename(group: SecurityGroupId) -> ModifySecurityGroup {
    ModifySecurityGroup { group, name: None, description: None, inner_access: None }
}

fn set_groups(eni: EniId, groups: &[SecurityGroupId]) -> ModifyEni {
    ModifyEni {
        eni,
        name: None,
        description: None,
        groups: Some(groups.to_vec()),
        delete_on_release: None,
        source_dest_check: None,
        queues: None,
        traffic_mode: None,
    }
}

fn quota(quota: Quota, value: u32) -> AdjustQuota {
    AdjustQuota { name: quota.row().name.to_owned(), value }
}

#[test]
fn rules_of_groups() {
    let mut lab = Lab::new();
    let (vpc, sg, ent) = (lab.vpc, lab.sg, lab.ent);
    let basic = || group(vpc, GroupKind::Basic);
    let unknown = SecurityGroupId::from_number(number(99));
    let tag = |key: &str, value: &str| TagPair { key: key.into(), value: value.into() };
    let many: Vec<TagPair> = (0..21).map(|n| tag(&format!("k{n}"), "")).collect();
    let rows: Vec<(&str, Command, E)> = vec![
        (
            "one letter",
            CreateSecurityGroup { name: text(1), ..basic() }.into(),
            E::SecurityGroupNameMalformed,
        ),
        (
            "long name",
            CreateSecurityGroup { name: text(129), ..basic() }.into(),
            E::SecurityGroupNameMalformed,
        ),
        (
            "digit first",
            CreateSecurityGroup { name: Some("1a".into()), ..basic() }.into(),
            E::SecurityGroupNameMalformed,
        ),
        (
            "a scheme",
            CreateSecurityGroup { name: Some("https://a".into()), ..basic() }.into(),
            E::SecurityGroupNameMalformed,
        ),
        (
            "one letter of text",
            CreateSecurityGroup { description: text(1), ..basic() }.into(),
            E::SecurityGroupDescriptionMalformed,
        ),
        (
            "long text",
            CreateSecurityGroup { description: text(257), ..basic() }.into(),
            E::SecurityGroupDescriptionMalformed,
        ),
        (
            "tag key",
            CreateSecurityGroup { tags: vec![tag("acs:a", "")], ..basic() }.into(),
            E::TagKeyMalformed,
        ),
        (
            "tag value",
            CreateSecurityGroup { tags: vec![tag("a", "acs:a")], ..basic() }.into(),
            E::TagValueMalformed,
        ),
        (
            "tag twice",
            CreateSecurityGroup { tags: vec![tag("a", ""), tag("a", "b")], ..basic() }.into(),
            E::TagKeyDuplicated,
        ),
        ("21 tags", CreateSecurityGroup { tags: many, ..basic() }.into(), E::TagQuotaExceeded),
        ("no VPC", CreateSecurityGroup { vpc: None, ..basic() }.into(), E::SecurityGroupVpcMissing),
        (
            "no VPC, enterprise",
            CreateSecurityGroup { vpc: None, ..group(vpc, GroupKind::Enterprise) }.into(),
            E::EnterpriseGroupVpcMissing,
        ),
        ("unknown VPC", group(VpcId::from_number(number(99)), GroupKind::Basic).into(), E::VpcNotFound),
        (
            "unknown resource group",
            CreateSecurityGroup { resource_group: Some(ResourceGroupId::from_number(number(99))), ..basic() }
                .into(),
            E::ResourceGroupNotFound,
        ),
        (
            "rename badly",
            ModifySecurityGroup { name: text(1), ..rename(sg) }.into(),
            E::SecurityGroupNameMalformed,
        ),
        (
            "describe badly",
            ModifySecurityGroup { description: text(257), ..rename(sg) }.into(),
            E::SecurityGroupDescriptionMalformed,
        ),
        ("change none", rename(unknown).into(), E::SecurityGroupNotFound),
        (
            "policy of an enterprise group",
            ModifySecurityGroup { inner_access: Some(true), ..rename(ent) }.into(),
            E::InnerAccessPolicyEnterprise,
        ),
        ("delete none", DeleteSecurityGroup { group: unknown }.into(), E::SecurityGroupNotFound),
        ("delete with members", DeleteSecurityGroup { group: sg }.into(), E::SecurityGroupHasMembers),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    for (word, kind) in
        [("normal", Some(GroupKind::Basic)), ("enterprise", Some(GroupKind::Enterprise)), ("Normal", None)]
    {
        assert_eq!(GroupKind::parse(word).ok(), kind, "{word}");
    }
    for (word, open) in [("Accept", Some(true)), ("accept", Some(true)), ("DROP", Some(false)), ("no", None)]
    {
        assert_eq!(parse_inner_access(word).ok(), open, "{word}");
    }
    // A stranger sees no group of another account or region.
    for stranger in [Caller::new(AccountId(2), "cn-hangzhou"), Caller::new(AccountId::DEFAULT, "cn-beijing")]
    {
        let refusal = lab.run_as(&stranger, rename(sg)).unwrap_err();
        assert_eq!(refusal.code(), E::SecurityGroupNotFound);
    }
    lab.ok(ModifySecurityGroup {
        name: Some("front".into()),
        description: Some("of the web".into()),
        inner_access: Some(false),
        ..rename(sg)
    });
    let now = lab.world.get::<SecurityGroup>(&sg).unwrap();
    assert_eq!(
        (now.name.as_str(), now.description.as_str(), now.inner_access),
        ("front", "of the web", false)
    );
    // Absent fields stay, empty ones are cleared.
    lab.ok(ModifySecurityGroup { description: Some("".into()), ..rename(sg) });
    let now = lab.world.get::<SecurityGroup>(&sg).unwrap();
    assert_eq!((now.name.as_str(), now.description.as_str(), now.inner_access), ("front", "", false));
    lab.check_replay();
}

#[test]
fn a_group_is_deleted_when_nothing_needs_it() {
    let mut lab = Lab::new();
    let (sg2, ent, vpc) = (lab.sg2, lab.ent, lab.vpc);
    let doomed = lab.group();
    let member = lab.eni(&[doomed]);
    let all = "protocol=all port_range=-1/-1";
    for user in [doomed, sg2] {
        let peer = if user == doomed { sg2 } else { doomed };
        lab.rules(user, Ingress, &[&format!("{all} peer_group={peer}")]);
    }
    lab.rules(sg2, Egress, &[&format!("{all} peer_group={doomed}")]);
    let order = |lab: &Lab| -> Vec<E> {
        dependents(&lab.world, lab.world.get(&doomed).unwrap()).into_iter().map(|(code, _)| code).collect()
    };
    assert_eq!(order(&lab), [E::SecurityGroupHasMembers, E::SecurityGroupReferenced]);
    let delete = || DeleteSecurityGroup { group: doomed };
    assert_eq!(
        lab.refuses("member", delete(), E::SecurityGroupHasMembers).details().blockers,
        [member.into()]
    );
    lab.ok(sim_core::ecs::eni::DeleteEni { eni: member });
    // The two rules of one group count as one that names it.
    let refusal = lab.refuses("named", delete(), E::SecurityGroupReferenced);
    assert_eq!(refusal.details().blockers, [sg2.into()]);
    assert_eq!(referencing(&lab.world, doomed).into_iter().collect::<Vec<_>>(), [sg2]);
    lab.ok(take(sg2, Ingress, &[&format!("{all} peer_group={doomed}")]));
    lab.refuses("still named", delete(), E::SecurityGroupReferenced);
    lab.ok(take(sg2, Egress, &[&format!("{all} peer_group={doomed}")]));
    lab.ok(delete());
    // Its own rules went with it, and what they named is free of them.
    assert!(lab.rules_of(doomed).is_empty());
    assert!(referencing(&lab.world, sg2).is_empty());
    lab.ok(DeleteSecurityGroup { group: sg2 });
    lab.ok(DeleteSecurityGroup { group: ent });
    lab.refuses("VPC", DeleteVpc { vpc }, E::VpcHasVSwitch);
    let empty: VpcId = lab.ok(CreateVpc::default()).id();
    let only = lab.ok(group(empty, GroupKind::Basic)).id::<SecurityGroupId>();
    let refusal = lab.refuses("VPC with a group", DeleteVpc { vpc: empty }, E::VpcHasSecurityGroup);
    assert_eq!(refusal.details().blockers, [only.into()]);
    // A resource group that holds one stays.
    let holder = lab.ok(CreateResourceGroup { name: "team".into() }).id::<ResourceGroupId>();
    lab.ok(CreateSecurityGroup { resource_group: Some(holder), ..group(vpc, GroupKind::Basic) });
    lab.refuses("resource group", DeleteResourceGroup { group: holder }, E::ResourceGroupInUse);
    lab.check_replay();
}

#[test]
fn rules_of_membership() {
    let mut lab = Lab::new();
    let (sg, sg2, ent, far) = (lab.sg, lab.sg2, lab.ent, lab.far);
    let (node, starting, foreign) = (lab.node, lab.starting, lab.foreign);
    let (primary, foreign_primary) = (lab.primary(node), lab.primary(foreign));
    let free = lab.eni(&[sg]);
    let unknown = SecurityGroupId::from_number(number(99));
    let join = |group, member| JoinSecurityGroup { group, member };
    let leave = |group, member| LeaveSecurityGroup { group, member };
    let host = Member::Instance(node);
    let one = Member::Eni(free);
    let no_host = Member::Instance(InstanceId::from_number(number(199)));
    let no_eni = Member::Eni(EniId::from_number(number(99)));
    let rows: Vec<(&str, Command, E)> = vec![
        ("unknown group", join(unknown, one).into(), E::SecurityGroupNotFound),
        ("unknown host", join(sg2, no_host).into(), E::InstanceNotFound),
        ("unknown interface", join(sg2, no_eni).into(), E::EniNotFound),
        ("host elsewhere", join(far, host).into(), E::InstanceGroupVpcMismatch),
        ("interface elsewhere", join(far, one).into(), E::SecurityGroupVpcMismatch),
        ("starting", join(sg2, Member::Instance(starting)).into(), E::GroupInstanceStatusIncorrect),
        ("primary by itself", join(sg2, Member::Eni(primary)).into(), E::GroupEniKindIncorrect),
        ("joined by a host", join(sg, host).into(), E::SecurityGroupJoined),
        ("joined by an interface", join(sg, one).into(), E::SecurityGroupJoined),
        ("two kinds", join(ent, one).into(), E::SecurityGroupKindsMixed),
        ("leave no group", leave(unknown, one).into(), E::SecurityGroupNotFound),
        ("no host leaves", leave(sg, no_host).into(), E::InstanceNotFound),
        ("no interface leaves", leave(sg, no_eni).into(), E::EniNotFound),
        (
            "a starting one leaves",
            leave(sg, Member::Instance(starting)).into(),
            E::GroupInstanceStatusIncorrect,
        ),
        ("a primary leaves", leave(far, Member::Eni(foreign_primary)).into(), E::GroupEniKindIncorrect),
        ("host outside", leave(sg2, host).into(), E::InstanceNotInGroup),
        ("interface outside", leave(sg2, one).into(), E::EniNotInGroup),
        ("last of a host", leave(sg, host).into(), E::InstanceLastGroup),
        ("last of an interface", leave(sg, one).into(), E::EniLastGroup),
        ("no groups", set_groups(free, &[]).into(), E::SecurityGroupsMissing),
        ("a group twice", set_groups(free, &[sg, sg2, sg]).into(), E::SecurityGroupRepeated),
        ("no such group", set_groups(free, &[sg, unknown]).into(), E::SecurityGroupNotFound),
        ("a group elsewhere", set_groups(free, &[far]).into(), E::SecurityGroupVpcMismatch),
        ("kinds mixed", set_groups(free, &[sg, ent]).into(), E::SecurityGroupKindsMixed),
        ("groups of a primary", set_groups(primary, &[sg2]).into(), E::EniPrimaryFixed),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    assert_eq!(Member::choose(Some(node), None), Ok(host));
    assert_eq!(Member::choose(None, Some(free)), Ok(one));
    assert_eq!(Member::choose(None, None).unwrap_err().code(), E::GroupMemberMissing);
    assert_eq!(Member::choose(Some(node), Some(free)).unwrap_err().code(), E::GroupMemberAmbiguous);
    // A host's groups are those of its primary interface.
    lab.ok(join(sg2, host));
    assert_eq!(lab.get(primary).groups, [sg, sg2]);
    lab.ok(leave(sg, host));
    assert_eq!(lab.get(primary).groups, [sg2]);
    // An interface changes its kind of groups as a whole.
    lab.ok(set_groups(free, &[ent]));
    assert_eq!(lab.get(free).groups, [ent]);
    lab.ok(set_groups(free, &[sg2, sg]));
    // In transition it does neither.
    lab.provision(Provisioning::Visible);
    lab.ok(AttachEni { eni: free, instance: node, trunk: None });
    let third = lab.group();
    lab.refuses("join while attaching", join(third, one), E::GroupEniStateIncorrect);
    lab.refuses("leave while attaching", leave(sg, one), E::GroupEniStateIncorrect);
    lab.wait(200);
    lab.ok(join(third, one));
    assert_eq!(lab.get(free).groups, [sg2, sg, third]);
    lab.check_replay();
}

#[test]
fn capacity_of_basic_groups_counts_addresses() {
    let mut lab = Lab::new();
    let (sg2, web) = (lab.sg2, lab.web);
    let used = |lab: &Lab| capacity(&lab.world, lab.world.get(&sg2).unwrap());
    assert_eq!(used(&lab), (0, 6_000));
    // One primary, two more, an IPv4 prefix (16), one IPv6 address and one IPv6 prefix (1): 21.
    let wanted = Wanted {
        ipv4: Want::Count(2),
        ipv4_prefixes: Want::Count(1),
        ipv6: Want::Count(1),
        ipv6_prefixes: Want::Count(1),
    };
    let full =
        lab.ok(sim_core::ecs::eni::CreateEni { wanted: wanted.clone(), ..eni(web, &[sg2]) }).id::<EniId>();
    assert_eq!(used(&lab), (21, 6_000));
    lab.ok(quota(Quota::AddressesPerBasicGroup, 22));
    let more =
        |n| AssignAddresses { eni: full, wanted: Wanted { ipv4: Want::Count(n), ..Wanted::default() } };
    lab.refuses("two more addresses", more(2), E::SecurityGroupFull);
    lab.ok(more(1));
    let refusal = lab.refuses("one more interface", eni(web, &[sg2]), E::SecurityGroupFull);
    assert_eq!(refusal.details().blockers, [sg2.into()]);
    // The interface itself is not counted twice when its groups change.
    let third = lab.group();
    lab.ok(set_groups(full, &[sg2, third]));
    let fourth = lab.group();
    let other = lab.eni(&[fourth]);
    lab.refuses(
        "join a full group",
        JoinSecurityGroup { group: sg2, member: Member::Eni(other) },
        E::SecurityGroupFull,
    );
    lab.ok(ChangeSettings { provisioning: None, quotas_lifted: Some(true) });
    lab.ok(JoinSecurityGroup { group: sg2, member: Member::Eni(other) });
    lab.check_replay();
}

#[test]
fn quotas_of_groups_and_members() {
    let mut lab = Lab::new();
    let (vpc, sg, ent, web) = (lab.vpc, lab.sg, lab.ent, lab.web);
    // 4 groups are there.
    for _ in 4..100 {
        lab.group();
    }
    lab.refuses("101 groups", group(vpc, GroupKind::Basic), E::SecurityGroupQuotaExceeded);
    lab.ok(quota(Quota::SecurityGroups, 101));
    lab.ok(group(vpc, GroupKind::Enterprise));
    lab.refuses("102 groups", group(vpc, GroupKind::Basic), E::SecurityGroupQuotaExceeded);
    // Another region has groups of its own.
    let elsewhere = Caller::new(AccountId::DEFAULT, "cn-beijing");
    let there: VpcId = lab.run_as(&elsewhere, CreateVpc::default()).unwrap().id();
    lab.run_as(&elsewhere, group(there, GroupKind::Basic)).unwrap();
    // 10 groups on an interface.
    let all: Vec<SecurityGroupId> = lab
        .world
        .indexes()
        .security_groups
        .by_vpc
        .of(&vpc)
        .copied()
        .filter(|id| *id != ent)
        .take(11)
        .collect();
    lab.refuses("11 groups", eni(web, &all), E::SecurityGroupsPerEniExceeded);
    let ten = lab.eni(&all[..10]);
    let eleventh = JoinSecurityGroup { group: all[10], member: Member::Eni(ten) };
    lab.refuses("an eleventh", eleventh.clone(), E::SecurityGroupsPerEniExceeded);
    lab.ok(quota(Quota::GroupsPerEni, 11));
    lab.ok(eleventh);
    // An enterprise group counts interfaces, whatever they hold; its quota cannot be adjusted.
    let rich = Wanted { ipv4: Want::Count(5), ..Wanted::default() };
    lab.ok(sim_core::ecs::eni::CreateEni { wanted: rich, ..eni(web, &[ent]) });
    assert_eq!(capacity(&lab.world, lab.world.get(&ent).unwrap()), (1, 65_536));
    lab.refuses("adjust", quota(Quota::EnisPerEnterpriseGroup, 9), E::QuotaNotAdjustable);
    let _ = sg;
    lab.check_replay();
}

#[test]
fn the_rules_over_all_groups_of_an_interface_are_limited() {
    let mut lab = Lab::new();
    let (sg2, web) = (lab.sg2, lab.web);
    let full: Vec<SecurityGroupId> = (0..5)
        .map(|_| {
            let group = lab.group();
            lab.fill(group, Ingress, 1, 200);
            group
        })
        .collect();
    let one = lab.eni(&full);
    let (all, lone) = ([&full[..], &[sg2]].concat(), "protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8");
    lab.ok(JoinSecurityGroup { group: sg2, member: Member::Eni(one) });
    let refusal = lab.refuses("a rule more", add(sg2, Ingress, &[lone]), E::EniRulesExceeded);
    assert_eq!(refusal.details().blockers.len(), 6);
    lab.ok(LeaveSecurityGroup { group: sg2, member: Member::Eni(one) });
    lab.rules(sg2, Egress, &[lone]);
    lab.refuses("join", JoinSecurityGroup { group: sg2, member: Member::Eni(one) }, E::EniRulesExceeded);
    lab.refuses("all at once", eni(web, &all), E::EniRulesExceeded);
    lab.refuses("instead", set_groups(one, &all), E::EniRulesExceeded);
    // One rule away, and it fits.
    lab.ok(take(full[0], Ingress, &[&ports(1, 1)[0]]));
    lab.ok(JoinSecurityGroup { group: sg2, member: Member::Eni(one) });
    // Where no such interface is, the group may grow to its own limit.
    lab.refuses("the one taken away", add(full[0], Ingress, &[&ports(1, 1)[0]]), E::EniRulesExceeded);
    lab.ok(LeaveSecurityGroup { group: sg2, member: Member::Eni(one) });
    lab.rules(full[0], Ingress, &[&ports(1, 1)[0]]);
    lab.refuses("its own limit", add(full[0], Ingress, &[lone]), E::GroupRulesExceeded);
    lab.check_replay();
}

#[test]
fn a_group_waits_for_its_vpc() {
    let mut lab = Lab::new();
    lab.provision(Provisioning::Visible);
    let fresh: VpcId = lab.ok(CreateVpc::default()).id();
    lab.refuses("while the VPC is made", group(fresh, GroupKind::Basic), E::VpcStatusIncorrect);
    lab.wait(200);
    lab.ok(group(fresh, GroupKind::Basic));
}
