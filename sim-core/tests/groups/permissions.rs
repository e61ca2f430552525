//! The rules of groups: form, what they name, quotas, and how they are added, changed and taken away.

use crate::lab::*;
use sim_core::ecs::authorize::*;
use sim_core::ecs::prefix_list::{AddressFamily, CreatePrefixList, ModifyPrefixList, PrefixListEntry};
use sim_core::ecs::rule_input::{RuleFields, ports_text};
use sim_core::ecs::security_group::*;
use sim_core::ecs::security_group_rule::*;
use sim_core::id::{Id, PrefixListId, SecurityGroupId, SecurityGroupRuleId};
use sim_core::settings::Disputed;
use sim_core::{Command, ErrorCode as E, Genesis, Reply};

fn list(lab: &mut Lab, family: AddressFamily, max_entries: u32) -> PrefixListId {
    let command = CreatePrefixList {
        name: "offices".into(),
        description: None,
        family,
        max_entries,
        entries: Vec::new(),
        resource_group: None,
        tags: Vec::new(),
    };
    lab.ok(command).id()
}

/// Texts that do not read or do not go together: rule, way, fields.
const MALFORMED: &str = "
rule_protocol_invalid | in | protocol=sctp port_range=-1/-1 peer_cidr=10.0.0.0/8
rule_protocol_invalid | in | protocol=6 port_range=80/80 peer_cidr=10.0.0.0/8
rule_protocol_invalid | in | port_range=80/80 peer_cidr=10.0.0.0/8
rule_port_range_missing | in | protocol=tcp peer_cidr=10.0.0.0/8
rule_port_range_missing | out | protocol=all peer_cidr=10.0.0.0/8
rule_port_range_malformed | in | protocol=tcp port_range=80 peer_cidr=10.0.0.0/8
rule_port_range_malformed | in | protocol=tcp port_range=80/ peer_cidr=10.0.0.0/8
rule_port_range_malformed | in | protocol=tcp port_range=80-90 peer_cidr=10.0.0.0/8
rule_port_range_malformed | in | protocol=tcp port_range=90/80 peer_cidr=10.0.0.0/8
rule_port_range_malformed | in | protocol=tcp port_range=0/80 peer_cidr=10.0.0.0/8
rule_port_range_malformed | in | protocol=tcp port_range=1/65536 peer_cidr=10.0.0.0/8
rule_port_range_malformed | in | protocol=tcp port_range=+1/2 peer_cidr=10.0.0.0/8
rule_port_range_malformed | in | protocol=tcp port_range=-1/80 peer_cidr=10.0.0.0/8
rule_port_range_mismatch | in | protocol=tcp port_range=-1/-1 peer_cidr=10.0.0.0/8
rule_port_range_mismatch | in | protocol=udp port_range=-1/-1 peer_cidr=10.0.0.0/8
rule_port_range_mismatch | in | protocol=icmp port_range=1/65535 peer_cidr=10.0.0.0/8
rule_port_range_mismatch | in | protocol=gre port_range=1/1 peer_cidr=10.0.0.0/8
rule_port_range_mismatch | out | protocol=all port_range=1/65535 peer_cidr=10.0.0.0/8
port_list_not_found | in | protocol=tcp port_list=prl-1 peer_cidr=10.0.0.0/8
rule_source_port_range_malformed | in | protocol=tcp port_range=1/1 source_port_range=2/1 peer_cidr=10.0.0.0/8
rule_source_port_range_malformed | in | protocol=all port_range=-1/-1 source_port_range=1/1 peer_cidr=10.0.0.0/8
rule_policy_invalid | in | protocol=all port_range=-1/-1 policy=deny peer_cidr=10.0.0.0/8
rule_priority_invalid | in | protocol=all port_range=-1/-1 priority=0 peer_cidr=10.0.0.0/8
rule_priority_invalid | in | protocol=all port_range=-1/-1 priority=101 peer_cidr=10.0.0.0/8
rule_priority_invalid | in | protocol=all port_range=-1/-1 priority=one peer_cidr=10.0.0.0/8
rule_priority_invalid | in | protocol=all port_range=-1/-1 priority=256 peer_cidr=10.0.0.0/8
rule_nic_type_invalid | in | protocol=all port_range=-1/-1 nic_type=x peer_cidr=10.0.0.0/8
rule_nic_type_mismatch | in | protocol=all port_range=-1/-1 nic_type=internet peer_cidr=10.0.0.0/8
rule_source_missing | in | protocol=all port_range=-1/-1
rule_source_missing | in | protocol=all port_range=-1/-1 own_cidr=10.0.0.0/8
rule_dest_missing | out | protocol=all port_range=-1/-1
rule_source_cidr_malformed | in | protocol=all port_range=-1/-1 peer_cidr=10.0.0.1/8
rule_source_cidr_malformed | in | protocol=all port_range=-1/-1 peer_cidr=010.0.0.0/8
rule_source_cidr_malformed | in | protocol=all port_range=-1/-1 peer_cidr=2001:db8::/32
rule_source_cidr_malformed | out | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 own_cidr=10.0.0.0/33
rule_dest_cidr_malformed | out | protocol=all port_range=-1/-1 peer_cidr=any
rule_dest_cidr_malformed | in | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 own_cidr=any
rule_source_ipv6_malformed | in | protocol=all port_range=-1/-1 peer_ipv6_cidr=10.0.0.0/8
rule_source_ipv6_malformed | out | protocol=all port_range=-1/-1 peer_ipv6_cidr=::/0 own_ipv6_cidr=::1/64
rule_dest_ipv6_malformed | out | protocol=all port_range=-1/-1 peer_ipv6_cidr=::/129
rule_dest_ipv6_malformed | in | protocol=all port_range=-1/-1 peer_ipv6_cidr=::/0 own_ipv6_cidr=::1/64
rule_source_ambiguous | in | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 peer_ipv6_cidr=::/0
rule_source_ambiguous | out | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 own_cidr=10.0.0.0/8 own_ipv6_cidr=::/0
rule_dest_ambiguous | out | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 peer_ipv6_cidr=::/0
rule_dest_ambiguous | in | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 own_cidr=10.0.0.0/8 own_ipv6_cidr=::/0
rule_families_mixed | in | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 own_ipv6_cidr=::/0
rule_families_mixed | out | protocol=tcp port_range=1/1 peer_ipv6_cidr=::/0 own_cidr=10.0.0.0/8
rule_source_is_dest | in | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 own_cidr=10.0.0.0/8
rule_ipv4_protocol | in | protocol=icmp port_range=-1/-1 peer_ipv6_cidr=::/0
rule_ipv4_protocol | in | protocol=icmp port_range=-1/-1 peer_group=$sg2 own_ipv6_cidr=::/0
rule_ipv6_protocol | in | protocol=icmpv6 port_range=-1/-1 peer_cidr=0.0.0.0/0
rule_ipv6_protocol | out | protocol=icmpv6 port_range=-1/-1 peer_group=$sg2 own_cidr=0.0.0.0/0
rule_description_malformed | in | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 description=http://a
rule_source_group_not_found | in | protocol=all port_range=-1/-1 peer_group=vpc-1
rule_dest_group_not_found | out | protocol=all port_range=-1/-1 peer_group=sg-1
prefix_list_not_found | in | protocol=all port_range=-1/-1 peer_list=pl-1
";

#[test]
fn malformed_rules_name_what_is_wrong() {
    let mut lab = Lab::new();
    let (sg, sg2) = (lab.sg, lab.sg2.to_string());
    for line in MALFORMED.lines().filter(|line| !line.is_empty()) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let direction = if cells[1] == "in" { Ingress } else { Egress };
        let text = cells[2].replace("$sg2", &sg2);
        // What reads but does not go together is refused by the command.
        let refusal = match input(direction, &text) {
            Err(refusal) => refusal,
            Ok(input) => {
                let command = AuthorizeRules { group: sg, direction, rules: vec![input] };
                lab.run(command).expect_err(line)
            }
        };
        assert_eq!(refusal.code().native(), cells[0], "{line}: {refusal}");
        let details = refusal.details();
        assert!(details.field.is_some(), "{line}: {refusal}");
        // Whatever is said to pass must not be empty, and a malformed block is shown as it should be.
        assert!(details.accepted.as_ref().is_none_or(|text| !text.is_empty()), "{line}");
    }
    let suggestion = input(Ingress, "protocol=all port_range=-1/-1 peer_cidr=10.0.0.1/8").unwrap_err();
    assert_eq!(suggestion.details().accepted.as_deref(), Some("10.0.0.0/8"));
    assert!(lab.rules_of(sg).is_empty());
}

#[test]
fn rules_are_kept_as_they_were_written() {
    let mut lab = Lab::new();
    let sg = lab.sg;
    // The text, then ports, source ports, policy, priority, peer, own side.
    for (text, kept) in [
        ("protocol=TCP port_range=1/65535 peer_cidr=0.0.0.0/0", "tcp 1/65535 -1/-1 accept 1 0.0.0.0/0 ."),
        (
            "protocol=Udp port_range=53/53 policy=DROP priority=100 peer_cidr=10.0.0.7",
            "udp 53/53 -1/-1 drop 100 10.0.0.7 .",
        ),
        (
            "protocol=udp port_range=53/53 priority=2 peer_cidr=10.0.0.8/32",
            "udp 53/53 -1/-1 accept 2 10.0.0.8/32 .",
        ),
        ("protocol=ICMP port_range=-1/-1 peer_cidr=10.0.0.0/8", "icmp -1/-1 -1/-1 accept 1 10.0.0.0/8 ."),
        (
            "protocol=icmpv6 port_range=-1/-1 peer_ipv6_cidr=2001:DB8::/32",
            "icmpv6 -1/-1 -1/-1 accept 1 2001:db8::/32 .",
        ),
        (
            "protocol=gre port_range=-1/-1 source_port_range=-1/-1 peer_cidr=10.0.0.0/8",
            "gre -1/-1 -1/-1 accept 1 10.0.0.0/8 .",
        ),
        (
            "protocol=all port_range=-1/-1 peer_ipv6_cidr=::1 own_ipv6_cidr=2408::/32",
            "all -1/-1 -1/-1 accept 1 ::1 2408::/32",
        ),
        (
            "protocol=tcp port_range=1/2 source_port_range=3/4 nic_type=intranet peer_cidr=10.0.0.0/8 own_cidr=10.0.1.9",
            "tcp 1/2 3/4 accept 1 10.0.0.0/8 10.0.1.9",
        ),
    ] {
        let [id] = lab.rules(sg, Ingress, &[text])[..] else { panic!("one id") };
        let rule = lab.world.get::<SecurityGroupRule>(&id).unwrap();
        let spec = &rule.spec;
        let own = if rule.own_text().is_empty() { ".".to_owned() } else { rule.own_text() };
        let shown = format!(
            "{} {} {} {} {} {} {own}",
            spec.protocol.word(),
            ports_text(spec.ports),
            ports_text(spec.source_ports),
            spec.policy.word(),
            spec.priority,
            rule.peer_text(),
        );
        assert_eq!(shown, kept);
        // Written again in other words it is the same rule.
        assert_eq!(lab.rules(sg, Ingress, &[text]), [id]);
    }
    // The address of a rule and the block of 32 bits are one rule; the first way of writing stays.
    let before = lab.rules_of(sg);
    lab.rules(sg, Ingress, &["protocol=udp port_range=53/53 priority=2 peer_cidr=10.0.0.8"]);
    assert_eq!(lab.rules_of(sg), before);
    // The same fields in the other direction are another rule.
    lab.rules(sg, Egress, &["protocol=udp port_range=53/53 priority=2 peer_cidr=10.0.0.8"]);
    assert_eq!(lab.rules_of(sg).len(), before.len() + 1);
    // Of several peers a block beats a group, and either beats a prefix list.
    let all = "protocol=all port_range=-1/-1";
    let sg2 = lab.sg2;
    for (peers, block) in
        [("peer_cidr=10.0.0.0/8 peer_group=sg-1 peer_list=pl-1", true), ("peer_list=pl-1", false)]
    {
        let peers = if block { peers.to_owned() } else { format!("peer_group={sg2} {peers}") };
        let rule = input(Ingress, &format!("{all} {peers}")).unwrap();
        assert_eq!(matches!(rule.spec.peer, Peer::Block(_)), block);
    }
    lab.check_replay();
}

#[test]
fn what_rules_may_name() {
    let mut lab = Lab::new();
    let (sg, sg2, ent, far) = (lab.sg, lab.sg2, lab.ent, lab.far);
    let (four, six) = (list(&mut lab, AddressFamily::Ipv4, 2), list(&mut lab, AddressFamily::Ipv6, 2));
    let no_group = SecurityGroupId::from_number(number(99));
    let no_list = PrefixListId::from_number(number(99));
    let all = "protocol=all port_range=-1/-1";
    let rows: Vec<(SecurityGroupId, Direction, String, E)> = vec![
        (no_group, Ingress, format!("{all} peer_cidr=10.0.0.0/8"), E::SecurityGroupNotFound),
        (sg, Ingress, format!("{all} peer_group={no_group}"), E::RuleSourceGroupNotFound),
        (sg, Egress, format!("{all} peer_group={no_group}"), E::RuleDestGroupNotFound),
        (sg, Ingress, format!("{all} peer_list={no_list}"), E::PrefixListNotFound),
        (sg, Ingress, format!("{all} peer_group={sg}"), E::RulePeerIsSelf),
        (sg, Egress, format!("{all} peer_group={far}"), E::RulePeerVpcMismatch),
        (sg, Ingress, format!("{all} peer_group={ent}"), E::RulePeerEnterprise),
        (ent, Ingress, format!("{all} peer_group={sg}"), E::EnterpriseGroupPeer),
        (sg, Ingress, format!("protocol=icmp port_range=-1/-1 peer_list={six}"), E::RulePrefixListFamily),
        (sg, Egress, format!("protocol=icmpv6 port_range=-1/-1 peer_list={four}"), E::RulePrefixListFamily),
        (sg, Ingress, format!("{all} peer_list={four} own_ipv6_cidr=::/0"), E::RulePrefixListFamily),
        (sg, Ingress, format!("{all} peer_list={six} own_cidr=10.0.0.0/8"), E::RulePrefixListFamily),
    ];
    for (group, direction, text, rule) in rows {
        lab.refuses(&text, add(group, direction, &[&text]), rule);
    }
    for (group, text) in [
        (sg, format!("{all} peer_group={sg2}")),
        (sg, format!("{all} peer_list={four} own_cidr=10.0.0.0/8")),
        (sg, format!("{all} peer_list={six} own_ipv6_cidr=::/0")),
        (sg, format!("protocol=icmpv6 port_range=-1/-1 peer_list={six}")),
        (ent, format!("{all} peer_list={four}")),
        (ent, format!("{all} policy=drop peer_cidr=10.0.0.0/8")),
    ] {
        lab.rules(group, Ingress, &[&text]);
    }
    lab.check_replay();
    // Whether an enterprise group may drop is in dispute.
    let disputed = Disputed { enterprise_drop_rules: false, ..Disputed::default() };
    let mut lab = Lab::with(Genesis { disputed, ..Genesis::default() });
    let drop = add(lab.ent, Ingress, &[&format!("{all} policy=drop peer_cidr=10.0.0.0/8")]);
    lab.refuses("drop", drop, E::EnterpriseDropRule);
}

#[test]
fn a_call_is_atomic() {
    let mut lab = Lab::new();
    let (sg, ent) = (lab.sg, lab.ent);
    let good = "protocol=tcp port_range=1/1 peer_cidr=10.0.0.0/8";
    let bad = format!("protocol=all port_range=-1/-1 peer_group={ent}");
    let refusal = lab.refuses("the second is bad", add(sg, Ingress, &[good, &bad]), E::RulePeerEnterprise);
    assert_eq!(refusal.details().field.as_deref(), Some("rules/1/peer_security_group_id"));
    assert!(lab.rules_of(sg).is_empty());
    let same = "protocol=TCP port_range=1/1 policy=accept priority=1 peer_cidr=10.0.0.0/8 description=again";
    let refusal = lab.refuses("one rule twice", add(sg, Ingress, &[good, same]), E::RuleDuplicated);
    assert_eq!(refusal.details().field.as_deref(), Some("rules/1"));
    lab.refuses("none", add(sg, Ingress, &[]), E::RulesPerCallExceeded);
    let many: Vec<String> = ports(1, 101);
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    lab.refuses("101", add(sg, Ingress, &many), E::RulesPerCallExceeded);
    lab.refuses("take none", take(sg, Ingress, &[]), E::RulesPerCallExceeded);
    lab.refuses("take 101", take(sg, Ingress, &many), E::RulesPerCallExceeded);
    // Taking away passes over what is not there; ids must be there, each once.
    let ids = lab.rules(sg, Ingress, &[good, many[1]]);
    let by_id = |direction, ids: Vec<SecurityGroupRuleId>| RevokeRules {
        group: sg,
        rules: WhichRules::Ids(direction, ids),
    };
    let absent = SecurityGroupRuleId::from_number(number(99));
    lab.refuses("absent id", by_id(None, vec![ids[0], absent]), E::SecurityGroupRuleNotFound);
    lab.refuses("id twice", by_id(None, vec![ids[0], ids[0]]), E::RuleIdRepeated);
    lab.refuses("no id", by_id(None, vec![]), E::RulesPerCallExceeded);
    lab.refuses("other way", by_id(Some(Egress), vec![ids[0]]), E::SecurityGroupRuleNotFound);
    let elsewhere = RevokeRules { group: lab.sg2, rules: WhichRules::Ids(None, vec![ids[0]]) };
    lab.refuses("other group", elsewhere, E::SecurityGroupRuleNotFound);
    lab.ok(take(sg, Egress, &[good]));
    lab.ok(take(sg, Ingress, &[many[7], good]));
    assert_eq!(lab.rules_of(sg).iter().map(|rule| rule.id).collect::<Vec<_>>(), [ids[1]]);
    lab.ok(by_id(Some(Ingress), vec![ids[1]]));
    assert!(lab.rules_of(sg).is_empty());
    lab.check_replay();
}

#[test]
fn changing_a_rule() {
    let mut lab = Lab::new();
    let (sg, sg2, ent) = (lab.sg, lab.sg2, lab.ent);
    let four = list(&mut lab, AddressFamily::Ipv4, 2);
    let ids = lab.rules(
        sg,
        Ingress,
        &[
            "protocol=tcp port_range=80/80 peer_cidr=10.0.0.0/8 description=web",
            "protocol=tcp port_range=81/81 peer_cidr=10.0.0.0/8",
        ],
    );
    let change = |id, fields: RuleFields| ModifyRule { group: sg, rule: WhichRule::Id(None, id, fields) };
    let with = |text: &str| change(ids[0], fields(Ingress, text).unwrap());
    let absent = SecurityGroupRuleId::from_number(number(99));
    let priority = fields(Ingress, "priority=2").unwrap();
    let rows: Vec<(&str, Command, E)> = vec![
        ("nothing", change(ids[0], RuleFields::default()).into(), E::RuleChangeMissing),
        ("absent", change(absent, priority.clone()).into(), E::SecurityGroupRuleNotFound),
        (
            "other group",
            ModifyRule { group: sg2, rule: WhichRule::Id(None, ids[0], priority.clone()) }.into(),
            E::SecurityGroupRuleNotFound,
        ),
        (
            "other way",
            ModifyRule { group: sg, rule: WhichRule::Id(Some(Egress), ids[0], priority) }.into(),
            E::SecurityGroupRuleNotFound,
        ),
        ("ports stay", with("protocol=all").into(), E::RulePortRangeMismatch),
        ("family", with("protocol=icmpv6 port_range=-1/-1").into(), E::RuleIpv6Protocol),
        ("both families", with("own_ipv6_cidr=::/0").into(), E::RuleFamiliesMixed),
        ("both sides", with("own_cidr=10.0.0.0/8").into(), E::RuleSourceIsDest),
        ("to a group", with(&format!("peer_group={sg2}")).into(), E::RulePeerKindFixed),
        ("to a list", with(&format!("peer_list={four}")).into(), E::RulePeerKindFixed),
        ("to a rule that is there", with("port_range=81/81").into(), E::RuleExists),
        (
            "by fields that none has",
            ModifyRule {
                group: sg,
                rule: WhichRule::Same(
                    Ingress,
                    input(Ingress, "protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8").unwrap(),
                ),
            }
            .into(),
            E::RuleUnmatched,
        ),
    ];
    for (what, command, rule) in rows {
        let refusal = lab.refuses(what, command, rule);
        if rule == E::RuleExists {
            assert_eq!(refusal.details().blockers, [ids[1].into()]);
        }
    }
    lab.ok(with("priority=9 policy=drop source_port_range=1/1024 peer_cidr=10.1.0.1 own_cidr=10.0.1.0/24"));
    let rule = lab.world.get::<SecurityGroupRule>(&ids[0]).unwrap();
    let shown =
        (rule.spec.priority, rule.spec.policy, rule.peer_text(), rule.own_text(), rule.description.as_str());
    assert_eq!(shown, (9, Policy::Drop, "10.1.0.1".to_owned(), "10.0.1.0/24".to_owned(), "web"));
    // It moved in the order of evaluation.
    assert_eq!(lab.rules_of(sg).iter().map(|rule| rule.id).collect::<Vec<_>>(), [ids[1], ids[0]]);
    let described =
        input(Ingress, "protocol=tcp port_range=81/81 peer_cidr=10.0.0.0/8 description=more").unwrap();
    lab.ok(ModifyRule { group: sg, rule: WhichRule::Same(Ingress, described) });
    assert_eq!(lab.world.get::<SecurityGroupRule>(&ids[1]).unwrap().description, "more");
    // A rule by group takes another group, not its own and not an enterprise one.
    let third = lab.group();
    let by_group = lab.rules(sg, Egress, &[&format!("protocol=all port_range=-1/-1 peer_group={sg2}")])[0];
    let to =
        |group: SecurityGroupId| change(by_group, fields(Egress, &format!("peer_group={group}")).unwrap());
    lab.refuses("self", to(sg), E::RulePeerIsSelf);
    lab.refuses("enterprise", to(ent), E::RulePeerEnterprise);
    lab.ok(to(third));
    assert!(referencing(&lab.world, sg2).is_empty());
    assert_eq!(referencing(&lab.world, third).into_iter().collect::<Vec<_>>(), [sg]);
    lab.check_replay();
}

#[test]
fn quotas_of_rules() {
    let mut lab = Lab::new();
    let (sg2, ent) = (lab.sg2, lab.ent);
    lab.fill(sg2, Ingress, 1, 120);
    lab.fill(sg2, Egress, 1, 80);
    let one = |n| add(sg2, Ingress, &[&ports(n, 1)[0]]);
    lab.refuses("201 rules", one(500), E::GroupRulesExceeded);
    lab.ok(one(120));
    lab.refuses(
        "one new among old ones",
        add(sg2, Ingress, &[&ports(1, 1)[0], &ports(500, 1)[0]]),
        E::GroupRulesExceeded,
    );
    lab.ok(take(sg2, Egress, &[&ports(1, 1)[0]]));
    lab.ok(one(500));
    // 20 rules of a basic group may name groups.
    let sg = lab.group();
    let peers: Vec<String> =
        (1..=21).map(|n| format!("protocol=tcp port_range={n}/{n} peer_group={sg2}")).collect();
    let twenty: Vec<&str> = peers[..20].iter().map(String::as_str).collect();
    lab.rules(sg, Ingress, &twenty);
    lab.refuses("a 21st", add(sg, Egress, &[&peers[20]]), E::GroupPeerRulesExceeded);
    lab.ok(take(sg, Ingress, &twenty[..1]));
    lab.rules(sg, Egress, &[&peers[20]]);
    // A prefix list counts as what it may hold.
    let wide = list(&mut lab, AddressFamily::Ipv4, 150);
    let by_list = |n: u32| format!("protocol=tcp port_range={n}/{n} peer_list={wide}");
    let other = lab.group();
    lab.rules(other, Ingress, &[&by_list(1)]);
    assert_eq!(weight(&lab.world, other), 150);
    lab.refuses("the list again", add(other, Ingress, &[&by_list(2)]), E::GroupRulesExceeded);
    lab.fill(other, Egress, 1, 50);
    lab.refuses("one more", add(other, Egress, &[&ports(99, 1)[0]]), E::GroupRulesExceeded);
    let grow = |max| ModifyPrefixList {
        list: wide,
        name: None,
        description: None,
        max_entries: Some(max),
        add: vec![PrefixListEntry { cidr: "10.0.0.0/8".parse().unwrap(), description: "".into() }],
        remove: Vec::new(),
    };
    let refusal = lab.refuses("the list grows", grow(151), E::GroupRulesExceeded);
    assert_eq!(
        (refusal.details().field.as_deref(), &refusal.details().blockers[..]),
        (Some("max_entries"), &[other.into()][..])
    );
    lab.ok(grow(150));
    // An interface in many groups is the tighter limit: 5 full groups, one of which uses a list of 2.
    let small = list(&mut lab, AddressFamily::Ipv4, 2);
    let mut groups = Vec::new();
    for n in 0..5 {
        let group = lab.group();
        let rules = if n == 0 { 197 } else { 200 };
        lab.fill(group, Ingress, 1, rules);
        groups.push(group);
    }
    lab.rules(groups[0], Egress, &[&format!("protocol=all port_range=-1/-1 peer_list={small}")]);
    lab.eni(&groups);
    let grow = |max| ModifyPrefixList { max_entries: Some(max), list: small, add: Vec::new(), ..grow(max) };
    lab.ok(grow(3));
    lab.refuses("its group is full", grow(4), E::GroupRulesExceeded);
    lab.ok(grow(1));
    lab.ok(take(groups[1], Ingress, &[&ports(1, 1)[0]]));
    lab.fill(groups[0], Egress, 1, 2);
    lab.refuses("group 0 is full", add(groups[0], Egress, &[&ports(9, 1)[0]]), E::GroupRulesExceeded);
    lab.ok(add(groups[1], Egress, &[&ports(1, 1)[0]]));
    assert_eq!(groups.iter().map(|&group| weight(&lab.world, group)).sum::<u64>(), 1_000);
    let _ = ent;
    lab.check_replay();
}

#[test]
fn the_journal_keeps_the_ids_of_rules() {
    let mut lab = Lab::new();
    let sg = lab.sg;
    let texts = ports(1, 3);
    let first = lab.rules(sg, Ingress, &[&texts[0], &texts[1]]);
    let Reply::CreatedMany(again) = lab.ok(add(sg, Ingress, &[&texts[2], &texts[0]])) else { panic!("ids") };
    assert_eq!(again[1], first[0].into());
    assert_ne!(again[0], first[1].into());
    let order = of_group(&lab.world, sg).map(|rule| rule.order());
    for place in order {
        assert_eq!(parse_place(&place_text(&place)), Some(place));
    }
    for text in ["", "ingress", "ingress.1.drop", "ingress.1.drop.sg-1", "up.1.drop.x", "ingress.x.drop.x"] {
        assert_eq!(parse_place(text), None, "{text}");
    }
    lab.check_replay();
}
