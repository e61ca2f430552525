//! What the cloud controller manager, Terraform and a retrying client do with groups, call by call.

use crate::service::hosts::world;
use crate::service::pairs::Service;
use serde_json::{Value, json};
use sim_core::settings::Provisioning;

async fn permissions(service: &Service, more: &str) -> Vec<Value> {
    let shown = service.rpc_ok(&format!("DescribeSecurityGroupAttribute SecurityGroupId=$made {more}")).await;
    shown["Permissions"]["Permission"].as_array().unwrap().clone()
}

async fn make(service: &mut Service, line: &str) {
    let made = service.rpc_ok(line).await;
    service.ids.insert("made", made["SecurityGroupId"].as_str().unwrap().to_owned());
}

#[tokio::test]
async fn terraform_makes_reads_changes_and_deletes_a_group_and_its_rules() {
    let mut service = Service::over(world(Provisioning::Visible)).await;
    make(
        &mut service,
        "CreateSecurityGroup VpcId=$vpc SecurityGroupName=tf Description=made-by-terraform SecurityGroupType=normal \
         ClientToken=tf-1",
    )
    .await;
    // One rule a call, as its rule resource does, then a look for it.
    service
        .rpc_ok(
            "AuthorizeSecurityGroup SecurityGroupId=$made Permissions.1.IpProtocol=tcp Permissions.1.PortRange=22/22 \
             Permissions.1.Policy=accept Permissions.1.Priority=1 Permissions.1.NicType=intranet \
             Permissions.1.SourceCidrIp=10.0.0.0/8 Permissions.1.Description=ssh",
        )
        .await;
    service
        .rpc_ok(
            "AuthorizeSecurityGroup SecurityGroupId=$made Permissions.1.IpProtocol=all Permissions.1.PortRange=-1/-1 \
             Permissions.1.Policy=drop Permissions.1.Priority=100 Permissions.1.NicType=intranet \
             Permissions.1.SourceGroupId=$sg Permissions.1.SourceGroupOwnerAccount=",
        )
        .await;
    service
        .rpc_ok(
            "AuthorizeSecurityGroupEgress SecurityGroupId=$made Permissions.1.IpProtocol=udp \
             Permissions.1.PortRange=1/65535 Permissions.1.SourcePortRange=53/53 Permissions.1.NicType=intranet \
             Permissions.1.Ipv6DestCidrIp=2001:db8::1 Permissions.1.Ipv6SourceCidrIp=2408::/32",
        )
        .await;
    let rules = permissions(&service, "NicType=intranet Direction=all").await;
    let rule = |changes: Value, at: usize| {
        let mut rule = json!({
            "CreateTime": "2026-01-01T00:00:00Z", "Description": "", "DestCidrIp": "", "DestGroupId": "",
            "DestGroupName": "", "DestGroupOwnerAccount": "", "DestPrefixListId": "", "DestPrefixListName": "",
            "Direction": "ingress", "IpProtocol": "ALL", "Ipv6DestCidrIp": "", "Ipv6SourceCidrIp": "",
            "NicType": "intranet", "Policy": "Accept", "PortRange": "-1/-1", "PortRangeListId": "",
            "PortRangeListName": "", "Priority": "1", "SecurityGroupRuleId": rules[at]["SecurityGroupRuleId"],
            "SourceCidrIp": "", "SourceGroupId": "", "SourceGroupName": "", "SourceGroupOwnerAccount": "",
            "SourcePortRange": "-1/-1", "SourcePrefixListId": "", "SourcePrefixListName": "",
        });
        for (name, value) in changes.as_object().unwrap() {
            rule[name] = value.clone();
        }
        rule
    };
    let expected = [
        rule(
            json!({"IpProtocol": "TCP", "PortRange": "22/22", "SourceCidrIp": "10.0.0.0/8", "Description": "ssh"}),
            0,
        ),
        rule(json!({"Policy": "Drop", "Priority": "100", "SourceGroupId": service.ids["sg"]}), 1),
        rule(
            json!({"Direction": "egress", "IpProtocol": "UDP", "PortRange": "1/65535", "SourcePortRange": "53/53",
                "Ipv6DestCidrIp": "2001:db8::1", "Ipv6SourceCidrIp": "2408::/32"}),
            2,
        ),
    ];
    assert_eq!(rules, expected);
    assert_eq!(permissions(&service, "Direction=egress").await.len(), 1);
    assert_eq!(permissions(&service, "Direction=ingress NicType=internet").await.len(), 2);
    // A change of the description alone names the rule by its fields.
    service
        .rpc_ok(
            "ModifySecurityGroupRule SecurityGroupId=$made IpProtocol=tcp PortRange=22/22 Policy=accept Priority=1 \
             NicType=intranet SourceCidrIp=10.0.0.0/8 Description=admins",
        )
        .await;
    assert_eq!(permissions(&service, "").await[0]["Description"], "admins");
    let egress = rules[2]["SecurityGroupRuleId"].as_str().unwrap();
    service
        .rpc_ok(&format!(
            "ModifySecurityGroupEgressRule SecurityGroupId=$made SecurityGroupRuleId={egress} Policy=drop Priority=7"
        ))
        .await;
    let changed = permissions(&service, "Direction=egress").await;
    assert_eq!((&changed[0]["Policy"], &changed[0]["Priority"]), (&json!("Drop"), &json!("7")));
    service.rpc_ok("ModifySecurityGroupPolicy SecurityGroupId=$made InnerAccessPolicy=Drop").await;
    // It retries a deletion as long as it is refused for a dependency.
    let body = json!({"direction": "ingress",
        "rules": [{"protocol": "all", "port_range": "-1/-1", "peer_security_group_id": "$made"}]});
    service.rest_ok(&format!("POST /v1/security-groups/$sg2/rules {body}")).await;
    let (status, refused) = service.rpc("DeleteSecurityGroup SecurityGroupId=$made").await;
    assert_eq!((status, &refused["Code"]), (403, &json!("DependencyViolation")));
    assert!(refused["Message"].as_str().unwrap().contains(&service.ids["sg2"]), "{refused}");
    service
        .rpc_ok(
            "RevokeSecurityGroup SecurityGroupId=$sg2 Permissions.1.IpProtocol=all Permissions.1.PortRange=-1/-1 \
             Permissions.1.SourceGroupId=$made",
        )
        .await;
    service.rpc_ok("DeleteSecurityGroup SecurityGroupId=$made").await;
    let (status, gone) = service.rpc("DescribeSecurityGroupAttribute SecurityGroupId=$made").await;
    assert_eq!((status, &gone["Code"]), (404, &json!("InvalidSecurityGroupId.NotFound")));
    // The rules went with the group.
    assert_eq!(service.rest(&format!("GET /v1/security-groups/$sg/rules/{egress}")).await.0, 404);
    service.stop().await;
}

#[tokio::test]
async fn the_cloud_controller_manager_keeps_the_group_of_a_load_balancer() {
    let mut service = Service::over(world(Provisioning::Visible)).await;
    make(
        &mut service,
        "CreateSecurityGroup VpcId=$vpc SecurityGroupName=k8s-lb SecurityGroupType=normal \
         Tag.1.Key=kubernetes.do.not.delete Tag.1.Value=lb",
    )
    .await;
    // It finds its group by tag, compares, adds what is missing and takes away what is too much, in batches.
    let found = service
        .rpc_ok("DescribeSecurityGroups VpcId=$vpc Tag.1.Key=kubernetes.do.not.delete Tag.1.Value=lb MaxResults=100")
        .await;
    assert_eq!(found["SecurityGroups"]["SecurityGroup"][0]["SecurityGroupId"], service.ids["made"]);
    let batch = |verb: &str, ports: &[u32]| {
        let items: String = (1..)
            .zip(ports)
            .map(|(n, port)| {
                format!(
                    " Permissions.{n}.IpProtocol=tcp Permissions.{n}.PortRange={port}/{port} Permissions.{n}.Priority=1 \
                     Permissions.{n}.Policy=accept Permissions.{n}.SourceCidrIp=0.0.0.0/0"
                )
            })
            .collect();
        format!("{verb}SecurityGroup SecurityGroupId=$made{items}")
    };
    service.rpc_ok(&batch("Authorize", &[80, 443, 8080])).await;
    // What is there already is passed over, with its id.
    let before = permissions(&service, "").await;
    service.rpc_ok(&batch("Authorize", &[443, 8443])).await;
    let after = permissions(&service, "").await;
    assert_eq!(after[..3], before[..]);
    assert_eq!(after.len(), 4);
    service.rpc_ok(&batch("Revoke", &[80, 8080, 9999])).await;
    let ports: Vec<Value> =
        permissions(&service, "").await.into_iter().map(|p| p["PortRange"].clone()).collect();
    assert_eq!(ports, ["443/443", "8443/8443"]);
    let id = permissions(&service, "").await[0]["SecurityGroupRuleId"].as_str().unwrap().to_owned();
    service
        .rpc_ok(&format!(
            "ModifySecurityGroupRule SecurityGroupId=$made SecurityGroupRuleId={id} Description=https"
        ))
        .await;
    assert_eq!(permissions(&service, "").await[0]["Description"], "https");
    let ids: String = permissions(&service, "")
        .await
        .iter()
        .enumerate()
        .map(|(n, p)| {
            format!(" SecurityGroupRuleId.{}={}", n + 1, p["SecurityGroupRuleId"].as_str().unwrap())
        })
        .collect();
    service.rpc_ok(&format!("RevokeSecurityGroup SecurityGroupId=$made{ids}")).await;
    assert!(permissions(&service, "").await.is_empty());
    service.rpc_ok("DeleteSecurityGroup SecurityGroupId=$made").await;
    service.stop().await;
}

#[tokio::test]
async fn a_token_gives_the_first_answer_again() {
    let service = Service::over(world(Provisioning::Instant)).await;
    let line = "CreateSecurityGroup VpcId=$vpc SecurityGroupName=once ClientToken=t-1";
    let (first, again) = (service.rpc_ok(line).await, service.rpc_ok(line).await);
    assert_eq!(first["SecurityGroupId"], again["SecurityGroupId"]);
    let (status, body) = service.rpc(&line.replace("once", "twice")).await;
    assert_eq!((status, &body["Code"]), (400, &json!("IdempotentFailed")), "{body}");
    // A refusal binds nothing.
    let bad = "CreateSecurityGroup VpcId=$vpc SecurityGroupName=1 ClientToken=t-2";
    assert_eq!(service.rpc(bad).await.0, 400);
    service.rpc_ok("CreateSecurityGroup VpcId=$vpc SecurityGroupName=ok ClientToken=t-2").await;
    // Rules: the repetition adds nothing, even if the rule was taken away meanwhile.
    let line = "AuthorizeSecurityGroup SecurityGroupId=$sg2 ClientToken=t-3 Permissions.1.IpProtocol=all \
                Permissions.1.PortRange=-1/-1 Permissions.1.SourceCidrIp=10.0.0.0/8";
    service.rpc_ok(line).await;
    service.rpc_ok(&line.replace("Authorize", "Revoke").replace("t-3", "t-4")).await;
    service.rpc_ok(line).await;
    assert_eq!(service.rest_ok("GET /v1/security-groups/$sg2").await["rule_count"], 0);
    let key = [("Idempotency-Key", "n-1")];
    let body = r#"POST /v1/security-groups {"vpc_id":"$vpc","name":"native"}"#;
    let (first, again) = (service.rest_with(body, &key).await, service.rest_with(body, &key).await);
    assert_eq!((first.0, again.0, &first.1), (201, 201, &again.1));
    let (status, problem) = service.rest_with(&body.replace("native", "other"), &key).await;
    assert_eq!((status, &problem["code"]), (422, &json!("token_mismatch")));
    // A dry run checks and changes nothing.
    let (status, _) = service.rest("DELETE /v1/security-groups/$sg2?dry_run=true").await;
    assert_eq!(status, 204);
    assert_eq!(service.rest("GET /v1/security-groups/$sg2").await.0, 200);
    service.stop().await;
}
