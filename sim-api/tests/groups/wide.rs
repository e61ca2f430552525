//! Limits that take many objects or a world set otherwise, on both wires.

use crate::service::hosts::{crowded, world, world_with};
use crate::service::pairs::Service;
use serde_json::{Value, json};
use sim_core::ecs::authorize::AuthorizeRules;
use sim_core::ecs::rule_input::{RuleTexts, read_rules};
use sim_core::ecs::security_group::{CreateSecurityGroup, GroupKind};
use sim_core::ecs::security_group_rule::Direction;
use sim_core::id::SecurityGroupId;
use sim_core::quota::{AdjustQuota, Quota};
use sim_core::settings::{Disputed, Provisioning};
use sim_core::{ErrorCode as E, Genesis};

#[tokio::test]
async fn an_enterprise_group_takes_65_536_interfaces() {
    let mut service = Service::over(crowded(world(Provisioning::Instant), 65_536)).await;
    let name = Quota::SecondaryEnis.row().name.to_owned();
    service.command(AdjustQuota { name, value: 10_000 }).await;
    assert_eq!(service.rest_ok("GET /v1/security-groups/$ent").await["capacity_used"], 65_536);
    let (rest, rpc) = (
        r#"POST /v1/network-interfaces {"vswitch_id":"$web","security_group_ids":["$ent"]}"#,
        "CreateNetworkInterface VSwitchId=$web SecurityGroupIds.1=$ent",
    );
    service.refused(E::EnterpriseGroupFull, rest, rpc, "SecurityGroupInstanceLimitExceed 403").await;
    service
        .command(sim_core::settings::ChangeSettings { provisioning: None, quotas_lifted: Some(true) })
        .await;
    service.created("other", r#"POST /v1/security-groups {"vpc_id":"$vpc","type":"enterprise"}"#).await;
    service.created("eni", &rest.replace("$ent", "$other")).await;
    service
        .command(sim_core::settings::ChangeSettings { provisioning: None, quotas_lifted: Some(false) })
        .await;
    let (rest, rpc) = (
        "PUT /v1/security-groups/$ent/members/$eni",
        "JoinSecurityGroup SecurityGroupId=$ent NetworkInterfaceId=$eni",
    );
    service
        .refused(E::EnterpriseGroupFull, rest, rpc, "InvalidOperation.NetworkInterfaceCountExceeded 403")
        .await;
    let (rest, rpc) = (
        r#"PATCH /v1/network-interfaces/$eni {"security_group_ids":["$ent"]}"#,
        "ModifyNetworkInterfaceAttribute NetworkInterfaceId=$eni SecurityGroupId.1=$ent",
    );
    service.refused(E::EnterpriseGroupFull, rest, rpc, "SecurityGroupInstanceLimitExceed 403").await;
    service.stop().await;
}

/// Adds a rule, which is `$rule` from then on.
async fn add_rule(service: &mut Service, group: &str, direction: &str, rule: &Value) {
    let body = json!({"direction": direction, "rules": [rule]});
    let made = service.rest_ok(&format!("POST /v1/security-groups/{group}/rules {body}")).await;
    service.ids.insert("rule", made["items"][0]["id"].as_str().unwrap().to_owned());
}

#[tokio::test]
async fn a_prefix_list_is_used_by_1_000_groups() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    service
        .created("pl", r#"POST /v1/prefix-lists {"name":"wide","address_family":"IPv4","max_entries":1}"#)
        .await;
    let name = Quota::SecurityGroups.row().name.to_owned();
    service.command(AdjustQuota { name, value: 2_000 }).await;
    let make = CreateSecurityGroup {
        vpc: Some(service.ids["vpc"].parse().unwrap()),
        kind: GroupKind::Basic,
        name: None,
        description: None,
        resource_group: None,
        tags: Vec::new(),
    };
    let list = service.ids["pl"].clone();
    let texts = RuleTexts {
        protocol: Some("all"),
        port_range: Some("-1/-1"),
        peer_list: Some(&list),
        ..RuleTexts::default()
    };
    for _ in 0..1_000 {
        let group = service.command(make.clone()).await.id::<SecurityGroupId>();
        let rules = read_rules(Direction::Ingress, &[texts]).unwrap();
        service.command(AuthorizeRules { group, direction: Direction::Ingress, rules }).await;
    }
    let body = json!({"direction": "egress",
        "rules": [{"protocol": "all", "port_range": "-1/-1", "peer_prefix_list_id": "$pl"}]});
    let rest = format!("POST /v1/security-groups/$sg/rules {body}");
    let rpc = "AuthorizeSecurityGroupEgress SecurityGroupId=$sg Permissions.1.IpProtocol=all \
               Permissions.1.PortRange=-1/-1 Permissions.1.DestPrefixListId=$pl";
    let exceeded = "LimitExceed.PrefixListAssociationResource 403";
    service.refused(E::PrefixListAssociationsExceeded, &rest, rpc, exceeded).await;
    let rpc = "AuthorizeSecurityGroup SecurityGroupId=$sg Permissions.1.IpProtocol=all \
               Permissions.1.PortRange=-1/-1 Permissions.1.SourcePrefixListId=$pl";
    service.refused(E::PrefixListAssociationsExceeded, "", rpc, exceeded).await;
    let other = r#"POST /v1/prefix-lists {"name":"other","address_family":"IPv4","max_entries":1}"#;
    service.created("other", other).await;
    let rule = json!({"protocol": "all", "port_range": "-1/-1", "peer_prefix_list_id": "$other"});
    add_rule(&mut service, "$sg", "ingress", &rule).await;
    let rest = r#"PATCH /v1/security-groups/$sg/rules/$rule {"peer_prefix_list_id":"$pl"}"#;
    let rpc = "ModifySecurityGroupRule SecurityGroupId=$sg SecurityGroupRuleId=$rule SourcePrefixListId=$pl";
    service.refused(E::PrefixListAssociationsExceeded, rest, rpc, exceeded).await;
    add_rule(&mut service, "$sg", "egress", &rule).await;
    let rpc =
        "ModifySecurityGroupEgressRule SecurityGroupId=$sg SecurityGroupRuleId=$rule DestPrefixListId=$pl";
    service.refused(E::PrefixListAssociationsExceeded, "", rpc, exceeded).await;
    service.stop().await;
}

#[tokio::test]
async fn whether_enterprise_groups_drop_is_a_setting() {
    let disputed = Disputed { enterprise_drop_rules: false, ..Disputed::default() };
    let genesis = Genesis { disputed, ..Genesis::default() };
    let mut service = Service::over(world_with(genesis, Provisioning::Instant)).await;
    let rule = json!({"protocol": "all", "port_range": "-1/-1", "policy": "drop", "peer_cidr": "10.0.0.0/8"});
    let rest =
        format!("POST /v1/security-groups/$ent/rules {}", json!({"direction": "ingress", "rules": [rule]}));
    let rpc = "AuthorizeSecurityGroup SecurityGroupId=$ent Permissions.1.IpProtocol=all \
               Permissions.1.PortRange=-1/-1 Permissions.1.Policy=drop Permissions.1.SourceCidrIp=10.0.0.0/8";
    service.refused(E::EnterpriseDropRule, &rest, rpc, "InvalidGroupParameter.OperationDenied 400").await;
    service.rpc_ok(&rpc.replace("Policy=drop", "Policy=accept")).await;
    let rule = json!({"protocol": "tcp", "port_range": "1/1", "peer_cidr": "10.0.0.0/8"});
    add_rule(&mut service, "$ent", "ingress", &rule).await;
    let rest = r#"PATCH /v1/security-groups/$ent/rules/$rule {"policy":"drop"}"#;
    let rpc = "ModifySecurityGroupRule SecurityGroupId=$ent SecurityGroupRuleId=$rule Policy=drop";
    let denied = "InvalidGroupParameter.OperationDenied 400";
    service.refused(E::EnterpriseDropRule, rest, rpc, denied).await;
    let rpc = "AuthorizeSecurityGroupEgress SecurityGroupId=$ent Permissions.1.IpProtocol=all \
               Permissions.1.PortRange=-1/-1 Permissions.1.Policy=drop Permissions.1.DestCidrIp=10.0.0.0/8";
    service.refused(E::EnterpriseDropRule, "", rpc, denied).await;
    add_rule(&mut service, "$ent", "egress", &rule).await;
    let rpc = "ModifySecurityGroupEgressRule SecurityGroupId=$ent SecurityGroupRuleId=$rule Policy=drop";
    service.refused(E::EnterpriseDropRule, "", rpc, denied).await;
    service.stop().await;
}
