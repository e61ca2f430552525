//! Each rule of groups and of membership on both wires.

use crate::service::hosts::world;
use crate::service::pairs::Service;
use serde_json::json;
use sim_core::ErrorCode as E;
use sim_core::quota::{AdjustQuota, Quota};
use sim_core::settings::Provisioning;

fn lines(rest: impl Into<String>, rpc: impl Into<String>) -> (String, String) {
    (rest.into(), rpc.into())
}

/// A creation with one more field on each wire.
fn create(field: &str, name: &str, value: &str) -> (String, String) {
    let mut body = json!({"vpc_id": "$vpc"});
    body[field] = json!(value);
    let vpc = if field == "vpc_id" { "" } else { "VpcId=$vpc " };
    lines(format!("POST /v1/security-groups {body}"), format!("CreateSecurityGroup {vpc}{name}={value}"))
}

fn change(group: &str, field: &str, name: &str, value: &str) -> (String, String) {
    let mut body = json!({});
    body[field] = json!(value);
    lines(
        format!("PATCH /v1/security-groups/{group} {body}"),
        format!("ModifySecurityGroupAttribute SecurityGroupId={group} {name}={value}"),
    )
}

fn policy(group: &str, value: &str) -> (String, String) {
    let (rest, _) = change(group, "inner_access_policy", "", value);
    (rest, format!("ModifySecurityGroupPolicy SecurityGroupId={group} InnerAccessPolicy={value}"))
}

fn delete(group: &str) -> (String, String) {
    lines(
        format!("DELETE /v1/security-groups/{group}"),
        format!("DeleteSecurityGroup SecurityGroupId={group}"),
    )
}

/// `kind` is the provider's name of the member's id.
fn join(group: &str, kind: &str, member: &str) -> (String, String) {
    lines(
        format!("PUT /v1/security-groups/{group}/members/{member}"),
        format!("JoinSecurityGroup SecurityGroupId={group} {kind}={member}"),
    )
}

fn leave(group: &str, kind: &str, member: &str) -> (String, String) {
    let (rest, rpc) = join(group, kind, member);
    (rest.replace("PUT", "DELETE"), rpc.replace("Join", "Leave"))
}

const ENI: &str = "NetworkInterfaceId";
const HOST: &str = "InstanceId";

#[tokio::test]
async fn every_rule_of_groups_on_both_wires() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    let long = "x".repeat(257);
    let tags = |tags: serde_json::Value, rpc: &str| {
        let body = json!({"vpc_id": "$vpc", "tags": tags});
        lines(format!("POST /v1/security-groups {body}"), format!("CreateSecurityGroup VpcId=$vpc {rpc}"))
    };
    let many: Vec<_> = (0..21).map(|n| json!({"key": format!("k{n}")})).collect();
    let many_rpc: String = (1..=21).map(|n| format!("Tag.{n}.Key=k{n} ")).collect();
    let rows: Vec<(E, (String, String), &str)> = vec![
        (
            E::SecurityGroupNameMalformed,
            create("name", "SecurityGroupName", "1st"),
            "InvalidSecurityGroupName.Malformed 400",
        ),
        (
            E::SecurityGroupDescriptionMalformed,
            create("description", "Description", &long),
            "InvalidSecurityGroupDiscription.Malformed 400",
        ),
        (
            E::SecurityGroupTypeInvalid,
            create("type", "SecurityGroupType", "huge"),
            "InvalidParams.GroupType 400",
        ),
        (
            E::SecurityGroupVpcMissing,
            lines("POST /v1/security-groups {}", "CreateSecurityGroup"),
            "InvalidVpcId.NotFound 403",
        ),
        (
            E::EnterpriseGroupVpcMissing,
            lines(
                r#"POST /v1/security-groups {"type":"enterprise"}"#,
                "CreateSecurityGroup SecurityGroupType=enterprise",
            ),
            "InvalidParams.VpcIdGroupType 400",
        ),
        (E::VpcNotFound, create("vpc_id", "VpcId", "vpc-1"), "InvalidVpcId.NotFound 404"),
        (
            E::ResourceGroupNotFound,
            create("resource_group_id", "ResourceGroupId", "rg-1"),
            "InvalidResourceGroup.NotFound 404",
        ),
        (
            E::TagKeyMalformed,
            tags(json!([{"key": "aliyun-x"}]), "Tag.1.Key=aliyun-x"),
            "InvalidTagKey.Malformed 400",
        ),
        (
            E::TagValueMalformed,
            tags(json!([{"key": "a", "value": "acs:x"}]), "Tag.1.Key=a Tag.1.Value=acs:x"),
            "InvalidTagValue.Malformed 400",
        ),
        (
            E::TagKeyDuplicated,
            tags(json!([{"key": "a"}, {"key": "a"}]), "Tag.1.Key=a Tag.2.Key=a"),
            "Duplicate.TagKey 400",
        ),
        (E::TagQuotaExceeded, tags(json!(many), &many_rpc), "QuotaExceed.Tags 403"),
        (
            E::SecurityGroupNameMalformed,
            change("$sg", "name", "SecurityGroupName", "http://a"),
            "InvalidSecurityGroupName.Malformed 400",
        ),
        (
            E::SecurityGroupDescriptionMalformed,
            change("$sg", "description", "Description", "x"),
            "InvalidSecurityGroupDiscription.Malformed 400",
        ),
        (
            E::SecurityGroupNotFound,
            change("sg-1", "name", "SecurityGroupName", "ab"),
            "InvalidSecurityGroupId.NotFound 404",
        ),
        (E::InnerAccessPolicyInvalid, policy("$sg", "Maybe"), "InvalidPolicy.Malformed 400"),
        (E::InnerAccessPolicyEnterprise, policy("$ent", "Accept"), "InvalidParameter.InnerAccessPolicy 404"),
        (E::SecurityGroupNotFound, policy("sg-1", "Accept"), "InvalidSecurityGroupId.NotFound 404"),
        (E::SecurityGroupNotFound, delete("sg-1"), "InvalidSecurityGroupId.NotFound 404"),
        (E::SecurityGroupHasMembers, delete("$sg"), "DependencyViolation 403"),
        (
            E::SecurityGroupNotFound,
            lines("GET /v1/security-groups/sg-1", "DescribeSecurityGroupAttribute SecurityGroupId=sg-1"),
            "InvalidSecurityGroupId.NotFound 404",
        ),
        (
            E::SecurityGroupNotFound,
            lines(
                "GET /v1/security-groups/sg-1/references",
                "DescribeSecurityGroupReferences SecurityGroupId.1=$sg SecurityGroupId.2=sg-1",
            ),
            "InvalidSecurityGroupId.NotFound 404",
        ),
        (E::SecurityGroupNotFound, lines("GET /v1/security-groups/sg-1/dependents", ""), ""),
        (E::VpcNotFound, lines("GET /v1/security-groups?vpc_id=vpc-1", ""), ""),
        (E::ResourceGroupNotFound, lines("GET /v1/security-groups?resource_group_id=rg-1", ""), ""),
    ];
    for (rule, (rest, rpc), provider) in rows {
        service.refused(rule, &rest, &rpc, provider).await;
    }
    // Rules of other groups that name a group come after its members.
    let body = json!({"direction": "ingress",
        "rules": [{"protocol": "all", "port_range": "-1/-1", "peer_security_group_id": "$sg2"}]});
    service.rest_ok(&format!("POST /v1/security-groups/$sg/rules {body}")).await;
    let (rest, rpc) = delete("$sg2");
    service.refused(E::SecurityGroupReferenced, &rest, &rpc, "DependencyViolation 403").await;
    let blocked = service.rest_ok("GET /v1/security-groups/$sg2/dependents").await;
    assert_eq!(blocked["deletable"], false);
    assert_eq!(blocked["dependents"][0]["ids"], json!([service.ids["sg"]]));
    let users = service.rest_ok("GET /v1/security-groups/$sg2/references").await;
    assert_eq!(users["security_group_ids"], json!([service.ids["sg"]]));
    // A group made while its VPC is made.
    let quick = r#"POST /v1/vpcs {"cidr_block":"192.168.0.0/16"}"#;
    service.rest_ok(r#"PATCH /v1/settings {"provisioning":"visible"}"#).await;
    service.created("fresh", quick).await;
    let (rest, rpc) =
        lines(r#"POST /v1/security-groups {"vpc_id":"$fresh"}"#, "CreateSecurityGroup VpcId=$fresh");
    service.refused(E::VpcStatusIncorrect, &rest, &rpc, "IncorrectVpcStatus 400").await;
    for _ in 4..100 {
        service.rest_ok(r#"POST /v1/security-groups {"vpc_id":"$vpc"}"#).await;
    }
    let (rest, rpc) =
        lines(r#"POST /v1/security-groups {"vpc_id":"$vpc"}"#, "CreateSecurityGroup VpcId=$vpc");
    service.refused(E::SecurityGroupQuotaExceeded, &rest, &rpc, "QuotaExceed.SecurityGroup 403").await;
    service.stop().await;
}

#[tokio::test]
async fn every_rule_of_membership_on_both_wires() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    let eni = r#"POST /v1/network-interfaces {"vswitch_id":"$web","security_group_ids":["$sg"]}"#;
    service.created("eni", eni).await;
    let rows: Vec<(E, (String, String), &str)> = vec![
        (E::SecurityGroupNotFound, join("sg-1", ENI, "$eni"), "InvalidSecurityGroupId.NotFound 404"),
        (E::EniNotFound, join("$sg2", ENI, "eni-1"), "InvalidEniId.NotFound 404"),
        (E::InstanceNotFound, join("$sg2", HOST, "i-bp1000000000000000zz"), "InvalidInstanceId.NotFound 404"),
        (E::GroupMemberMissing, lines("", "JoinSecurityGroup SecurityGroupId=$sg2"), "MissingParameter 400"),
        (
            E::GroupMemberAmbiguous,
            lines("", "JoinSecurityGroup SecurityGroupId=$sg2 NetworkInterfaceId=$eni InstanceId=$node"),
            "InvalidParam.EniIdAndInstanceId.Conflict 403",
        ),
        (E::InstanceGroupVpcMismatch, join("$far", HOST, "$node"), "InvalidInstanceId.Mismatch 400"),
        (E::SecurityGroupVpcMismatch, join("$far", ENI, "$eni"), "InvalidOperation.VpcMismatch 403"),
        (E::GroupInstanceStatusIncorrect, join("$sg2", HOST, "$starting"), "IncorrectInstanceStatus 403"),
        (E::GroupEniKindIncorrect, join("$sg2", ENI, "$node_eni"), "InvalidOperation.InvalidEniType 403"),
        (E::SecurityGroupJoined, join("$sg", HOST, "$node"), "InvalidInstanceId.AlreadyExists 403"),
        (E::SecurityGroupJoined, join("$sg", ENI, "$eni"), "InvalidInstanceId.AlreadyExists 403"),
        (E::SecurityGroupKindsMixed, join("$ent", HOST, "$node"), "InvalidOperation.MultiGroupType 400"),
        (E::SecurityGroupNotFound, leave("sg-1", ENI, "$eni"), "InvalidSecurityGroupId.NotFound 404"),
        (E::EniNotFound, leave("$sg", ENI, "eni-1"), "InvalidEniId.NotFound 404"),
        (E::InstanceNotFound, leave("$sg", HOST, "i-bp1000000000000000zz"), "InvalidInstanceId.NotFound 404"),
        (E::GroupInstanceStatusIncorrect, leave("$sg", HOST, "$starting"), "IncorrectInstanceStatus 403"),
        (E::GroupEniKindIncorrect, leave("$sg", ENI, "$node_eni"), "InvalidOperation.InvalidEniType 403"),
        (E::InstanceNotInGroup, leave("$sg2", HOST, "$node"), "InstanceNotInSecurityGroup 403"),
        (E::EniNotInGroup, leave("$sg2", ENI, "$eni"), "InvalidSecurityGroupAssociation.NotFound 400"),
        (E::InstanceLastGroup, leave("$sg", HOST, "$node"), "InstanceLastSecurityGroup 403"),
        (E::EniLastGroup, leave("$sg", ENI, "$eni"), "InvalidOperation.AtLeastInOneGroup 403"),
    ];
    for (rule, (rest, rpc), provider) in rows {
        service.refused(rule, &rest, &rpc, provider).await;
    }
    // Both wires move both kinds of member; the instance's groups are those of its primary interface.
    let groups = |who: &'static str| {
        let service = &service;
        async move {
            let line = format!("DescribeNetworkInterfaces NetworkInterfaceId.1=${who}");
            let shown = service.rpc_ok(&line).await;
            shown["NetworkInterfaceSets"]["NetworkInterfaceSet"][0]["SecurityGroupIds"]["SecurityGroupId"]
                .clone()
        }
    };
    let (sg, sg2) = (&service.ids["sg"], &service.ids["sg2"]);
    for (kind, member, eni) in [(HOST, "$node", "node_eni"), (ENI, "$eni", "eni")] {
        let (rest, rpc) = join("$sg2", kind, member);
        let (leave_rest, leave_rpc) = leave("$sg2", kind, member);
        service.rpc_ok(&rpc).await;
        assert_eq!(groups(eni).await, json!([sg, sg2]));
        service.rest_ok(&leave_rest).await;
        assert_eq!(groups(eni).await, json!([sg]));
        let shown = service.rest_ok(&rest).await;
        assert_eq!(shown["member_count"], 1);
        service.rpc_ok(&leave_rpc).await;
        assert_eq!(groups(eni).await, json!([sg]));
    }
    // An interface in transition.
    service.rest_ok(r#"PATCH /v1/settings {"provisioning":"visible"}"#).await;
    service.rest_ok(r#"POST /v1/network-interfaces/$eni/attach {"instance_id":"$node"}"#).await;
    let state = "InvalidOperation.InvalidEniState 400";
    for (rest, rpc) in [join("$sg2", ENI, "$eni"), leave("$sg", ENI, "$eni")] {
        service.refused(E::GroupEniStateIncorrect, &rest, &rpc, state).await;
    }
    service.stop().await;
}

#[tokio::test]
async fn the_quotas_of_membership_on_both_wires() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    let eni = r#"POST /v1/network-interfaces {"vswitch_id":"$web","security_group_ids":["$sg"]}"#;
    service.created("eni", eni).await;
    for _ in 0..9 {
        service.created("more", r#"POST /v1/security-groups {"vpc_id":"$vpc"}"#).await;
        service.rest_ok("PUT /v1/security-groups/$more/members/$eni").await;
    }
    let (rest, rpc) = join("$sg2", ENI, "$eni");
    let limit = "InstanceSecurityGroupLimitExceeded 400";
    service.refused(E::SecurityGroupsPerEniExceeded, &rest, &rpc, limit).await;
    service.rest_ok("DELETE /v1/security-groups/$more/members/$eni").await;
    // The quota is lowered to be reached.
    let name = Quota::AddressesPerBasicGroup.row().name.to_owned();
    service.command(AdjustQuota { name, value: 1 }).await;
    service.created("one", eni.replace("$sg", "$sg2").as_str()).await;
    service.refused(E::SecurityGroupFull, &rest, &rpc, "SecurityGroupInstanceLimitExceeded 403").await;
    service.stop().await;
}
