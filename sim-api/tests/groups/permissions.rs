//! Each rule of the rules of groups on both wires. A rule is written once, in the native wire's words:
//! `protocol=tcp port_range=80/80 peer_cidr=10.0.0.0/8`.

use crate::service::hosts::world;
use crate::service::pairs::Service;
use serde_json::{Map, Value, json};
use sim_core::ErrorCode as E;
use sim_core::settings::Provisioning;

/// Which way.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    In,
    Out,
}
use Way::{In, Out};

impl Way {
    const fn word(self) -> &'static str {
        if matches!(self, In) { "ingress" } else { "egress" }
    }

    /// The provider's name of a field, and whether the native wire has the field.
    fn provider_name(self, field: &str) -> (String, bool) {
        let (peer, own) = if self == In { ("Source", "Dest") } else { ("Dest", "Source") };
        let name = match field {
            "protocol" => "IpProtocol".to_owned(),
            "port_range" => "PortRange".to_owned(),
            "source_port_range" => "SourcePortRange".to_owned(),
            "policy" => "Policy".to_owned(),
            "priority" => "Priority".to_owned(),
            "description" => "Description".to_owned(),
            "peer_cidr" => format!("{peer}CidrIp"),
            "peer_ipv6_cidr" => format!("Ipv6{peer}CidrIp"),
            "peer_security_group_id" => format!("{peer}GroupId"),
            "peer_prefix_list_id" => format!("{peer}PrefixListId"),
            "own_cidr" => format!("{own}CidrIp"),
            "own_ipv6_cidr" => format!("Ipv6{own}CidrIp"),
            other => return (other.to_owned(), false),
        };
        (name, true)
    }
}

/// The rule as a body; none if it has a field that the native wire does not have.
fn body(way: Way, rule: &str) -> Option<Value> {
    let mut body = Map::new();
    for word in rule.split_ascii_whitespace() {
        let (field, value) = word.split_once('=').unwrap();
        if !way.provider_name(field).1 {
            return None;
        }
        let number = if field == "priority" { value.parse::<i64>().ok() } else { None };
        body.insert(field.to_owned(), number.map_or_else(|| json!(value), |number| json!(number)));
    }
    Some(body.into())
}

fn parameters(way: Way, prefix: &str, rule: &str) -> String {
    let words = rule.split_ascii_whitespace().map(|word| {
        let (field, value) = word.split_once('=').unwrap();
        format!(" {prefix}{}={value}", way.provider_name(field).0)
    });
    words.collect()
}

fn provider_action(verb: &str, way: Way) -> String {
    format!("{verb}SecurityGroup{}", if way == In { "" } else { "Egress" })
}

/// Adding rules to a group, on each wire.
fn add(way: Way, group: &str, rules: &[&str]) -> (String, String) {
    let bodies: Option<Vec<Value>> = rules.iter().map(|rule| body(way, rule)).collect();
    let rest = bodies.map_or_else(String::new, |rules| {
        let body = json!({"direction": way.word(), "rules": rules});
        format!("POST /v1/security-groups/{group}/rules {body}")
    });
    let rpc: String =
        (1..).zip(rules).map(|(n, rule)| parameters(way, &format!("Permissions.{n}."), rule)).collect();
    (rest, format!("{} SecurityGroupId={group}{rpc}", provider_action("Authorize", way)))
}

/// Changing a rule.
fn change(way: Way, group: &str, id: &str, rule: &str) -> (String, String) {
    let rest = body(way, rule)
        .map_or_else(String::new, |body| format!("PATCH /v1/security-groups/{group}/rules/{id} {body}"));
    let action = if way == In { "ModifySecurityGroupRule" } else { "ModifySecurityGroupEgressRule" };
    let fields = parameters(way, "", rule);
    (rest, format!("{action} SecurityGroupId={group} SecurityGroupRuleId={id}{fields}"))
}

async fn with_objects() -> Service {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    for (name, family) in [("pl4", "IPv4"), ("pl6", "IPv6")] {
        let body = json!({"name": name, "address_family": family, "max_entries": 100});
        service.created(name, &format!("POST /v1/prefix-lists {body}")).await;
    }
    service
}

/// A row of a table: the rule that refuses, the way, the target, the fields, and what the provider says.
struct Row {
    rule: E,
    way: Way,
    target: &'static str,
    fields: &'static str,
    provider: &'static str,
}

/// Reads `rule | in $sg | fields | Code 400`, a line a row.
fn rows(table: &'static str) -> Vec<Row> {
    let read = |line: &'static str| {
        let mut cells = line.split('|').map(str::trim);
        let mut cell = || cells.next().unwrap_or_else(|| panic!("a cell is missing in {line}"));
        let (name, place, fields, provider) = (cell(), cell(), cell(), cell());
        let (way, target) = place.split_once(' ').unwrap();
        let rule = E::ALL.iter().find(|rule| rule.native() == name);
        Row {
            rule: *rule.unwrap_or_else(|| panic!("there is no rule {name}")),
            way: if way == "in" { In } else { Out },
            target,
            fields,
            provider,
        }
    };
    table.lines().filter(|line| !line.trim().is_empty()).map(read).collect()
}

/// What holds whatever the state is.
const FORM: &str = "
rule_protocol_invalid | in $sg | protocol=sctp port_range=-1/-1 peer_cidr=10.0.0.0/8 | InvalidIpProtocol.ValueNotSupported 400
rule_protocol_invalid | out $sg | port_range=-1/-1 peer_cidr=10.0.0.0/8 | InvalidIpProtocol.ValueNotSupported 400
rule_port_range_missing | in $sg | protocol=tcp peer_cidr=10.0.0.0/8 | InvalidPortRange.Malformed 400
rule_port_range_malformed | in $sg | protocol=tcp port_range=80 peer_cidr=10.0.0.0/8 | InvalidParam.PortRange 400
rule_port_range_malformed | in $sg | protocol=tcp port_range=90/80 peer_cidr=10.0.0.0/8 | InvalidParam.PortRange 400
rule_port_range_malformed | out $sg | protocol=tcp port_range=0/80 peer_cidr=10.0.0.0/8 | InvalidParam.PortRange 400
rule_port_range_malformed | out $sg | protocol=tcp port_range=1/65536 peer_cidr=10.0.0.0/8 | InvalidParam.PortRange 400
rule_port_range_mismatch | in $sg | protocol=tcp port_range=-1/-1 peer_cidr=10.0.0.0/8 | OperationDenied 400
rule_port_range_mismatch | out $sg | protocol=icmp port_range=8/8 peer_cidr=10.0.0.0/8 | OperationDenied 400
port_list_not_found | in $sg | protocol=tcp PortRangeListId=prl-1 peer_cidr=10.0.0.0/8 | InvalidParam.PortRange 400
rule_source_port_range_malformed | in $sg | protocol=tcp port_range=80/80 source_port_range=x peer_cidr=10.0.0.0/8 | InvalidSourcePortRange.Malformed 400
rule_source_port_range_malformed | out $sg | protocol=gre port_range=-1/-1 source_port_range=1/2 peer_cidr=10.0.0.0/8 | InvalidSourcePortRange.Malformed 400
rule_policy_invalid | in $sg | protocol=all port_range=-1/-1 policy=reject peer_cidr=10.0.0.0/8 | InvalidPolicy.Malformed 400
rule_priority_invalid | in $sg | protocol=all port_range=-1/-1 priority=0 peer_cidr=10.0.0.0/8 | InvalidPriority.ValueNotSupported 400
rule_priority_invalid | out $sg | protocol=all port_range=-1/-1 priority=101 peer_cidr=10.0.0.0/8 | InvalidPriority.ValueNotSupported 400
rule_nic_type_invalid | in $sg | protocol=all port_range=-1/-1 NicType=wide peer_cidr=10.0.0.0/8 | InvalidNicType.ValueNotSupported 400
rule_nic_type_mismatch | in $sg | protocol=all port_range=-1/-1 NicType=internet peer_cidr=10.0.0.0/8 | InvalidNicType.Mismatch 400
rule_source_missing | in $sg | protocol=all port_range=-1/-1 | MissingParameter.Source 400
rule_dest_missing | out $sg | protocol=all port_range=-1/-1 | MissingParameter.Dest 400
rule_source_cidr_malformed | in $sg | protocol=all port_range=-1/-1 peer_cidr=10.0.0.1/8 | InvalidSourceCidrIp.Malformed 400
rule_source_cidr_malformed | in $sg | protocol=all port_range=-1/-1 peer_cidr=::/0 | InvalidSourceCidrIp.Malformed 400
rule_source_cidr_malformed | out $sg | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 own_cidr=x | InvalidSourceCidrIp.Malformed 400
rule_dest_cidr_malformed | out $sg | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/33 | InvalidDestCidrIp.Malformed 400
rule_dest_cidr_malformed | in $sg | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 own_cidr=10.0.0.1/8 | InvalidDestCidrIp.Malformed 400
rule_source_ipv6_malformed | in $sg | protocol=all port_range=-1/-1 peer_ipv6_cidr=10.0.0.0/8 | InvalidParam.Ipv6SourceCidrIp 400
rule_source_ipv6_malformed | out $sg | protocol=all port_range=-1/-1 peer_ipv6_cidr=::/0 own_ipv6_cidr=x | InvalidParam.Ipv6SourceCidrIp 400
rule_dest_ipv6_malformed | out $sg | protocol=all port_range=-1/-1 peer_ipv6_cidr=2001:db8::1/32 | InvalidParam.Ipv6DestCidrIp 400
rule_dest_ipv6_malformed | in $sg | protocol=all port_range=-1/-1 peer_ipv6_cidr=::/0 own_ipv6_cidr=x | InvalidParam.Ipv6DestCidrIp 400
rule_source_ambiguous | in $sg | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 peer_ipv6_cidr=::/0 | InvalidParam.SourceIp 400
rule_dest_ambiguous | out $sg | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 peer_ipv6_cidr=::/0 | InvalidParam.DestIp 400
rule_families_mixed | in $sg | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 own_ipv6_cidr=::/0 | InvalidParameter.Conflict 400
rule_source_is_dest | in $sg | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 own_cidr=10.0.0.0/8 | InvalidParamter.Conflict 400
rule_ipv4_protocol | in $sg | protocol=icmp port_range=-1/-1 peer_ipv6_cidr=::/0 | InvalidParam.Ipv4ProtocolConflictWithIpv6Address 400
rule_ipv6_protocol | out $sg | protocol=icmpv6 port_range=-1/-1 peer_cidr=0.0.0.0/0 | InvalidParam.Ipv6ProtocolConflictWithIpv4Address 400
";

/// What depends on groups and prefix lists.
const STATE: &str = "
security_group_not_found | in sg-1 | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 | InvalidSecurityGroupId.NotFound 404
security_group_not_found | out sg-1 | protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 | InvalidSecurityGroupId.NotFound 404
rule_source_group_not_found | in $sg | protocol=all port_range=-1/-1 peer_security_group_id=sg-1 | InvalidSourceGroupId.NotFound 404
rule_dest_group_not_found | out $sg | protocol=all port_range=-1/-1 peer_security_group_id=sg-1 | InvalidDestGroupId.NotFound 404
prefix_list_not_found | in $sg | protocol=all port_range=-1/-1 peer_prefix_list_id=pl-1 | InvalidPrefixListId.NotFound 404
prefix_list_not_found | out $sg | protocol=all port_range=-1/-1 peer_prefix_list_id=pl-1 | InvalidPrefixListId.NotFound 404
rule_prefix_list_family | in $sg | protocol=icmp port_range=-1/-1 peer_prefix_list_id=$pl6 | InvalidParam.PrefixListAddressFamilyMismatch 400
rule_prefix_list_family | out $sg | protocol=all port_range=-1/-1 peer_prefix_list_id=$pl4 own_ipv6_cidr=::/0 | InvalidParam.PrefixListAddressFamilyMismatch 400
rule_peer_is_self | in $sg | protocol=all port_range=-1/-1 peer_security_group_id=$sg | InvalidParamter.Conflict 403
rule_peer_is_self | out $sg | protocol=all port_range=-1/-1 peer_security_group_id=$sg | InvalidSecurityGroup.IsSame 403
rule_peer_vpc_mismatch | in $sg | protocol=all port_range=-1/-1 peer_security_group_id=$far | InvalidSourceGroupId.Mismatch 400
rule_peer_vpc_mismatch | out $sg | protocol=all port_range=-1/-1 peer_security_group_id=$far | InvalidDestGroupId.Mismatch 400
rule_peer_enterprise | in $sg | protocol=all port_range=-1/-1 peer_security_group_id=$ent | InvalidGroupAuthParameter.OperationDenied 400
enterprise_group_peer | in $ent | protocol=all port_range=-1/-1 peer_security_group_id=$sg | InvalidGroupParameter.OperationDenied 400
";

#[tokio::test]
async fn every_rule_of_adding_rules_on_both_wires() {
    let service = with_objects().await;
    for Row { rule, way, target: group, fields, provider } in rows(FORM).into_iter().chain(rows(STATE)) {
        let (rest, rpc) = add(way, group, &[fields]);
        service.refused(rule, &rest, &rpc, provider).await;
        // The older form of a call has the one rule's fields at the top, but no port lists.
        if rule == E::PortListNotFound {
            continue;
        }
        let flat = format!(
            "{} SecurityGroupId={group}{}",
            provider_action("Authorize", way),
            parameters(way, "", fields)
        );
        service.refused(rule, "", &flat, provider).await;
    }
    let long = format!("protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8 description={}", "x".repeat(513));
    let (rest, rpc) = add(In, "$sg", &[&long]);
    service
        .refused(E::RuleDescriptionMalformed, &rest, &rpc, "InvalidSecurityGroupDiscription.Malformed 400")
        .await;
    let one = "protocol=tcp port_range=80/80 peer_cidr=10.0.0.0/8";
    let again =
        "protocol=TCP port_range=80/80 peer_cidr=10.0.0.0/8 policy=Accept priority=1 description=again";
    let (rest, rpc) = add(In, "$sg", &[one, again]);
    service.refused(E::RuleDuplicated, &rest, &rpc, "InvalidParam.DuplicatePermissions 400").await;
    let many: Vec<String> =
        (1..=101).map(|n| format!("protocol=tcp port_range={n}/{n} peer_cidr=10.0.0.0/8")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (rest, rpc) = add(In, "$sg", &many);
    service.refused(E::RulesPerCallExceeded, &rest, &rpc, "InvalidParam.Permissions 400").await;
    // The problem names the rule at fault.
    let (rest, _) = add(In, "$sg", &[one, "protocol=tcp port_range=90/80 peer_cidr=10.0.0.0/8"]);
    let (_, problem) = service.rest(&rest).await;
    assert_eq!(problem["errors"][0]["pointer"], "/rules/1/port_range", "{problem}");
    // Nothing was written by any of it.
    let shown = service.rest_ok("GET /v1/security-groups/$sg").await;
    assert_eq!(shown["rule_count"], 0);
    service.stop().await;
}

/// The id of the only rule of a group in one direction.
async fn only_rule(service: &Service, group: &str, way: Way) -> String {
    let page =
        service.rest_ok(&format!("GET /v1/security-groups/{group}/rules?direction={}", way.word())).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    page["items"][0]["id"].as_str().unwrap().to_owned()
}

/// What a change of one rule can be refused for; the target is group and rule.
const CHANGES: &str = "
security_group_not_found | in sg-1 $in | priority=2 | InvalidSecurityGroupId.NotFound 404
security_group_rule_not_found | in $sg sgr-1 | priority=2 | InvalidSecurityGroupRuleId.NotFound 404
security_group_rule_not_found | in $sg2 $in | priority=2 | InvalidSecurityGroupRuleId.NotFound 404
rule_change_missing | in $sg $in |  | InvalidParam.InvalidModifyRuleRequest 400
rule_change_missing | out $sg $out |  | InvalidParam.InvalidModifyRuleRequest 400
rule_port_range_mismatch | in $sg $in | protocol=all | InvalidParam.ProtocolAndPortRangeMismatch 400
rule_ipv6_protocol | in $sg $in | protocol=icmpv6 port_range=-1/-1 | InvalidParam.Ipv6ProtocolConflictWithIpv4Address 400
rule_priority_invalid | out $sg $out | priority=101 | InvalidPriority.ValueNotSupported 400
rule_policy_invalid | in $sg $in | policy=x | InvalidPolicy.Malformed 400
rule_protocol_invalid | in $sg $in | protocol=x | InvalidIpProtocol.ValueNotSupported 400
rule_port_range_malformed | in $sg $in | port_range=2/1 | InvalidParam.PortRange 400
rule_source_port_range_malformed | in $sg $in | source_port_range=2/1 | InvalidSourcePortRange.Malformed 400
rule_source_cidr_malformed | in $sg $in | peer_cidr=10.0.0.1/8 | InvalidSourceCidrIp.Malformed 400
rule_dest_cidr_malformed | out $sg $out | peer_cidr=10.0.0.1/8 | InvalidDestCidrIp.Malformed 400
rule_source_ipv6_malformed | in $sg $in | peer_ipv6_cidr=x | InvalidParam.Ipv6SourceCidrIp 400
rule_dest_ipv6_malformed | out $sg $out | peer_ipv6_cidr=x | InvalidParam.Ipv6DestCidrIp 400
rule_source_ambiguous | in $sg $in | peer_cidr=10.0.0.0/8 peer_ipv6_cidr=::/0 | InvalidParam.SourceIp 400
rule_dest_ambiguous | out $sg $out | peer_cidr=10.0.0.0/8 peer_ipv6_cidr=::/0 | InvalidParam.DestIp 400
rule_families_mixed | in $sg $in | own_ipv6_cidr=::/0 | InvalidParameter.Conflict 400
rule_source_is_dest | in $sg $in | own_cidr=10.0.0.0/8 | InvalidParamter.Conflict 400
rule_peer_kind_fixed | in $sg $in | peer_security_group_id=$sg2 | InvalidOperation.ModifySgRuleEntityType 400
rule_peer_kind_fixed | out $sg $out | peer_prefix_list_id=$pl4 | InvalidOperation.ModifySgRuleEntityType 400
rule_exists | in $sg $in | port_range=81/81 | InvalidParam.InvalidModifyRuleRequest 400
";

#[tokio::test]
async fn every_rule_of_changing_and_taking_away_rules_on_both_wires() {
    let mut service = with_objects().await;
    for (name, way, text) in [
        ("in", In, "protocol=tcp port_range=80/80 peer_cidr=10.0.0.0/8"),
        ("out", Out, "protocol=tcp port_range=80/80 peer_cidr=10.0.0.0/8"),
    ] {
        service.rest_ok(&add(way, "$sg", &[text]).0).await;
        let id = only_rule(&service, "$sg", way).await;
        service.ids.insert(name, id);
    }
    service.rest_ok(&add(In, "$sg", &["protocol=tcp port_range=81/81 peer_cidr=10.0.0.0/8"]).0).await;
    for Row { rule, way, target, fields, provider } in rows(CHANGES) {
        let (group, id) = target.split_once(' ').unwrap();
        let (rest, rpc) = change(way, group, id, fields);
        service.refused(rule, &rest, &rpc, provider).await;
    }
    let long = format!("description={}", "x".repeat(513));
    let (rest, rpc) = change(In, "$sg", "$in", &long);
    service
        .refused(E::RuleDescriptionMalformed, &rest, &rpc, "InvalidSecurityGroupDiscription.Malformed 400")
        .await;
    // A rule of the other direction is none of the action's.
    let other = change(Out, "$sg", "$in", "priority=2").1;
    service
        .refused(E::SecurityGroupRuleNotFound, "", &other, "InvalidSecurityGroupRuleId.NotFound 404")
        .await;
    // Without an id the fields must be those of a rule, and the description changes.
    let by_fields =
        |text: &str| format!("ModifySecurityGroupRule SecurityGroupId=$sg{}", parameters(In, "", text));
    let unmatched = by_fields("protocol=tcp port_range=82/82 peer_cidr=10.0.0.0/8 description=x");
    service.refused(E::RuleUnmatched, "", &unmatched, "SecurityGroupRule.NotFound 404").await;
    service.rpc_ok(&by_fields("protocol=tcp port_range=80/80 peer_cidr=10.0.0.0/8 description=http")).await;
    assert_eq!(service.rest_ok("GET /v1/security-groups/$sg/rules/$in").await["description"], "http");

    let revoke = |ids: &[&str]| {
        let rpc: String = (1..).zip(ids).map(|(n, id)| format!(" SecurityGroupRuleId.{n}={id}")).collect();
        let body = json!({"security_group_rule_ids": ids});
        (
            format!("POST /v1/security-groups/$sg/rules/batch-delete {body}"),
            format!("RevokeSecurityGroup SecurityGroupId=$sg{rpc}"),
        )
    };
    let not_found = "InvalidSecurityGroupRuleId.NotFound 404";
    for (rule, (rest, rpc), provider) in [
        (E::RuleIdRepeated, revoke(&["$in", "$in"]), "InvalidParam.SecurityGroupRuleIdRepeated 400"),
        (E::SecurityGroupRuleNotFound, revoke(&["$in", "sgr-1"]), not_found),
        (E::RulesPerCallExceeded, revoke(&["$in"; 101]), "InvalidParam.SecurityGroupRuleId 400"),
        (
            E::SecurityGroupRuleNotFound,
            ("DELETE /v1/security-groups/$sg/rules/sgr-1".into(), String::new()),
            "",
        ),
        (
            E::SecurityGroupNotFound,
            ("DELETE /v1/security-groups/sg-1/rules/$in".into(), revoke(&["$in"]).1.replace("$sg ", "sg-1 ")),
            "InvalidSecurityGroupId.NotFound 404",
        ),
        (E::SecurityGroupRuleNotFound, ("GET /v1/security-groups/$sg2/rules/$in".into(), String::new()), ""),
        (E::SecurityGroupNotFound, ("GET /v1/security-groups/sg-1/rules".into(), String::new()), ""),
        (E::RulesPerCallExceeded, (revoke(&[]).0, String::new()), ""),
    ] {
        service.refused(rule, &rest, &rpc, provider).await;
    }
    // The rules of fields hold for revoking too; a rule that is not there is passed over.
    for Row { rule, way, target: group, fields, provider } in rows(STATE) {
        let provider = match (rule, way) {
            (E::RulePeerIsSelf, In) => "InvalidParamter.Conflict 400",
            // Only what could be there can be taken away, so kinds are not looked at; no code is documented for families.
            (E::RulePrefixListFamily | E::EnterpriseGroupPeer, _) => continue,
            _ => provider,
        };
        let rpc = add(way, group, &[fields]).1.replace("Authorize", "Revoke");
        service.refused(rule, "", &rpc, provider).await;
    }
    let absent = add(In, "$sg", &["protocol=tcp port_range=99/99 peer_cidr=10.0.0.0/8"]).1;
    service.rpc_ok(&absent.replace("Authorize", "Revoke")).await;
    service.rpc_ok(&revoke(&["$in"]).1).await;
    service.rest_ok("DELETE /v1/security-groups/$sg/rules/$out").await;
    let last = add(In, "$sg", &["protocol=tcp port_range=81/81 peer_cidr=10.0.0.0/8"]).1;
    service.rpc_ok(&last.replace("Authorize", "Revoke")).await;
    assert_eq!(service.rest_ok("GET /v1/security-groups/$sg").await["rule_count"], 0);
    service.stop().await;
}

#[tokio::test]
async fn the_quotas_of_rules_on_both_wires() {
    let mut service = with_objects().await;
    let ports = |from: u32, to: u32| -> Vec<String> {
        (from..=to).map(|n| format!("protocol=tcp port_range={n}/{n} peer_cidr=10.0.0.0/8")).collect()
    };
    let add_all = |way, group: &str, rules: &[String]| {
        add(way, group, &rules.iter().map(String::as_str).collect::<Vec<_>>())
    };
    for (way, from, to) in [(In, 1, 100), (Out, 1, 100)] {
        service.rest_ok(&add_all(way, "$sg2", &ports(from, to)).0).await;
    }
    let exceeded = "AuthorizationLimitExceed 403";
    for way in [In, Out] {
        let (rest, rpc) = add_all(way, "$sg2", &ports(101, 101));
        service.refused(E::GroupRulesExceeded, &rest, &rpc, exceeded).await;
    }
    // A rule that is there already takes no place.
    service.rpc_ok(&add_all(In, "$sg2", &ports(1, 100)).1).await;
    // A prefix list counts as what it may hold: 100 and 100 fill a group.
    let by_list = |n: u32| format!("protocol=tcp port_range={n}/{n} peer_prefix_list_id=$pl4");
    service.rest_ok(&add(In, "$sg", &[&by_list(1), &by_list(2)]).0).await;
    let (rest, rpc) = add(In, "$sg", &["protocol=all port_range=-1/-1 peer_cidr=10.0.0.0/8"]);
    service.refused(E::GroupRulesExceeded, &rest, &rpc, exceeded).await;
    let grow = (r#"PATCH /v1/prefix-lists/$pl4 {"max_entries":101}"#, "");
    service.refused(E::GroupRulesExceeded, grow.0, grow.1, "").await;
    // Rules by group: 20 in a basic group.
    let mut peers = Vec::new();
    for n in 0..21_u32 {
        let name: &'static str = ["p0", "p1", "p2"][n as usize % 3];
        if n < 3 {
            service.created(name, r#"POST /v1/security-groups {"vpc_id":"$vpc"}"#).await;
        }
        peers.push(format!("protocol=tcp port_range={0}/{0} peer_security_group_id=${name}", n + 1));
    }
    service.created("basic", r#"POST /v1/security-groups {"vpc_id":"$vpc"}"#).await;
    service.rest_ok(&add_all(In, "$basic", &peers[..20]).0).await;
    let (rest, rpc) = add_all(In, "$basic", &peers[20..]);
    service.refused(E::GroupPeerRulesExceeded, &rest, &rpc, "AuthorizedGroupRule.LimitExceed 400").await;
    // 1,000 rules over all groups of an interface: five full groups and one rule more.
    let eni = r#"POST /v1/network-interfaces {"vswitch_id":"$web","security_group_ids":["$basic"]}"#;
    service.created("eni", eni).await;
    for _ in 0..4 {
        service.created("full", r#"POST /v1/security-groups {"vpc_id":"$vpc"}"#).await;
        for way in [In, Out] {
            service.rest_ok(&add_all(way, "$full", &ports(1, 100)).0).await;
        }
        service.rest_ok("PUT /v1/security-groups/$full/members/$eni").await;
    }
    for from in [1, 91] {
        let rules = ports(from, from + 89);
        service.rest_ok(&add_all(Out, "$basic", &rules).0).await;
    }
    service.created("sixth", r#"POST /v1/security-groups {"vpc_id":"$vpc"}"#).await;
    service.rest_ok("PUT /v1/security-groups/$sixth/members/$eni").await;
    let (rest, rpc) = add_all(In, "$sixth", &ports(1, 1));
    service.refused(E::EniRulesExceeded, &rest, &rpc, exceeded).await;
    let join = (
        "PUT /v1/security-groups/$sg2/members/$eni",
        "JoinSecurityGroup SecurityGroupId=$sg2 NetworkInterfaceId=$eni",
    );
    service.refused(E::EniRulesExceeded, join.0, join.1, "AclLimitExceed 403").await;
    service.stop().await;
}
