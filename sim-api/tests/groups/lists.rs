//! Pages, filters and tags of security groups and their rules.

use crate::service::hosts::world;
use crate::service::pairs::Service;
use serde_json::{Value, json};
use sim_core::settings::Provisioning;

/// The ids of groups on the default page of a filter, provider wire.
async fn ids(service: &Service, filter: &str) -> Vec<String> {
    let page = service.rpc_ok(&format!("DescribeSecurityGroups {filter}")).await;
    let groups = page["SecurityGroups"]["SecurityGroup"].as_array().unwrap();
    assert_eq!(page["TotalCount"], groups.len(), "{filter}: {page}");
    groups.iter().map(|g| g["SecurityGroupId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn groups_by_every_filter() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    let made = service
        .rpc_ok("CreateSecurityGroup VpcId=$other SecurityGroupName=web Tag.1.Key=env Tag.1.Value=prod Tag.2.Key=app")
        .await;
    service.ids.insert("tagged", made["SecurityGroupId"].as_str().unwrap().to_owned());
    let s = &service;
    let sorted = |names: &[&str]| -> Vec<String> { names.iter().map(|name| s.ids[name].clone()).collect() };
    for (filter, wanted) in [
        ("", &["sg", "sg2", "ent", "far", "tagged"][..]),
        ("VpcId=$vpc", &["sg", "sg2", "ent"]),
        ("VpcId=$other", &["far", "tagged"]),
        ("VpcId=vpc-1", &[]),
        ("SecurityGroupId=$sg2", &["sg2"]),
        (r#"SecurityGroupIds=["$ent","$sg","sg-1"]"#, &["sg", "ent"]),
        (r#"SecurityGroupIds=["$ent","$far"] VpcId=$vpc"#, &["ent"]),
        ("SecurityGroupName=web", &["tagged"]),
        ("SecurityGroupType=enterprise", &["ent"]),
        ("SecurityGroupType=normal VpcId=$vpc", &["sg", "sg2"]),
        ("NetworkType=vpc VpcId=$other", &["far", "tagged"]),
        ("NetworkType=classic", &[]),
        ("ServiceManaged=true", &[]),
        ("ServiceManaged=false VpcId=$other", &["far", "tagged"]),
        ("ResourceGroupId=rg-1", &[]),
        ("Tag.1.Key=env Tag.1.Value=prod", &["tagged"]),
        ("Tag.1.Key=env", &["tagged"]),
        ("Tag.1.Key=env Tag.1.Value=prod Tag.2.Key=app", &["tagged"]),
        ("Tag.1.Key=env Tag.1.Value=dev", &[]),
        ("Tag.1.Key=env Tag.1.Value=prod VpcId=$vpc", &[]),
    ] {
        assert_eq!(ids(s, filter).await, sorted(wanted), "{filter}");
    }
    for (parameter, code) in [
        ("MaxResults=0", "InvalidParameter"),
        ("PageSize=101", "InvalidParameter"),
        ("NextToken=x", "InValidParameter.NextToken"),
        ("SecurityGroupType=x", "InvalidParameter.SecurityGroupType"),
        ("SecurityGroupIds=sg-1", "InvalidParameter"),
        ("NetworkType=x", "InvalidNetworkType"),
    ] {
        let (status, body) = s.rpc(&format!("DescribeSecurityGroups {parameter}")).await;
        assert_eq!((status, &body["Code"]), (400, &json!(code)), "{body}");
    }
    for (filter, wanted) in [
        ("vpc_id=$vpc", 3),
        ("vpc_id=$vpc&type=enterprise", 1),
        ("name=web", 1),
        ("name=we", 0),
        ("type=normal", 4),
    ] {
        let page = s.rest_ok(&format!("GET /v1/security-groups?{filter}")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), wanted, "{filter}: {page}");
    }
    // Another account sees nothing of it.
    let (_, other) = s.rpc_as("w-lab-a-7", "DescribeSecurityGroups").await;
    assert_eq!(other["TotalCount"], 0);
    let (status, body) = s.rpc_as("w-lab-a-7", "DescribeSecurityGroupAttribute SecurityGroupId=$sg").await;
    assert_eq!((status, &body["Code"]), (404, &json!("InvalidSecurityGroupId.NotFound")));
    service.stop().await;
}

#[tokio::test]
async fn what_a_group_is_shown_as() {
    let service = Service::over(world(Provisioning::Instant)).await;
    service
        .rpc_ok("Ecs:TagResources ResourceType=securitygroup ResourceId.1=$sg Tag.1.Key=env Tag.1.Value=prod")
        .await;
    service
        .rpc_ok(
            "AuthorizeSecurityGroup SecurityGroupId=$sg Permissions.1.IpProtocol=tcp Permissions.1.PortRange=80/80 \
             Permissions.1.SourceCidrIp=0.0.0.0/0 Permissions.2.IpProtocol=all Permissions.2.PortRange=-1/-1 \
             Permissions.2.SourceGroupId=$sg2",
        )
        .await;
    service
        .rpc_ok("ModifySecurityGroupAttribute SecurityGroupId=$sg SecurityGroupName=web Description=front")
        .await;
    let s = &service;
    let page = s.rpc_ok("DescribeSecurityGroups SecurityGroupId=$sg IsQueryEcsCount=true").await;
    let shown = &page["SecurityGroups"]["SecurityGroup"][0];
    let expected = json!({
        "SecurityGroupId": s.ids["sg"], "SecurityGroupName": "web", "SecurityGroupType": "normal",
        "Description": "front", "VpcId": s.ids["vpc"], "ResourceGroupId": shown["ResourceGroupId"],
        "CreationTime": "2026-01-01T00:00:00Z", "RuleCount": 2, "GroupToGroupRuleCount": 1,
        "ServiceManaged": false, "Tags": {"Tag": [{"TagKey": "env", "TagValue": "prod"}]},
        "EcsCount": 3, "AvailableInstanceAmount": 5_997,
    });
    assert_eq!(*shown, expected);
    assert_eq!((&page["RegionId"], &page["PageSize"]), (&json!("cn-hangzhou"), &json!(10)));
    let native = s.rest_ok("GET /v1/security-groups/$sg").await;
    let expected = json!({
        "id": s.ids["sg"], "type": "normal", "vpc_id": s.ids["vpc"], "name": "web", "description": "front",
        "inner_access_policy": "Accept", "rule_count": 2, "member_count": 3, "capacity_used": 3,
        "resource_group_id": native["resource_group_id"], "created_at": "2026-01-01T00:00:00.000Z",
        "tags": [{"key": "env", "value": "prod"}],
    });
    assert_eq!(native, expected);
    let tags = s.rpc_ok("Ecs:ListTagResources ResourceType=securitygroup Tag.1.Key=env").await;
    assert_eq!(tags["TagResources"]["TagResource"][0]["ResourceId"], s.ids["sg"]);
    s.rpc_ok("UntagResources ResourceType=securitygroup ResourceId.1=$sg TagKey.1=env").await;
    assert_eq!(s.rest_ok("GET /v1/security-groups/$sg").await["tags"], json!([]));
    // The policy inside a group, by either wire.
    s.rpc_ok("ModifySecurityGroupPolicy SecurityGroupId=$sg InnerAccessPolicy=drop").await;
    assert_eq!(s.rest_ok("GET /v1/security-groups/$sg").await["inner_access_policy"], "Drop");
    let changed =
        s.rest_ok(r#"PATCH /v1/security-groups/$sg {"inner_access_policy":"accept","name":"api"}"#).await;
    assert_eq!((&changed["inner_access_policy"], &changed["name"]), (&json!("Accept"), &json!("api")));
    let attribute = s.rpc_ok("DescribeSecurityGroupAttribute SecurityGroupId=$sg").await;
    assert_eq!(
        (&attribute["InnerAccessPolicy"], &attribute["Description"]),
        (&json!("Accept"), &json!("front"))
    );
    let references =
        s.rpc_ok("DescribeSecurityGroupReferences SecurityGroupId.1=$sg2 SecurityGroupId.2=$sg").await;
    let account = sim_core::AccountId::DEFAULT.to_string();
    let expected = json!({"SecurityGroupReference": [
        {"SecurityGroupId": s.ids["sg2"], "ReferencingSecurityGroups": {"ReferencingSecurityGroup": [
            {"SecurityGroupId": s.ids["sg"], "AliUid": account}]}},
        {"SecurityGroupId": s.ids["sg"], "ReferencingSecurityGroups": {"ReferencingSecurityGroup": []}},
    ]});
    assert_eq!(references["SecurityGroupReferences"], expected);
    service.stop().await;
}

#[tokio::test]
async fn walks_neither_miss_nor_double() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    for _ in 0..17 {
        service.rest_ok(r#"POST /v1/security-groups {"vpc_id":"$other"}"#).await;
    }
    let all = ids(&service, "VpcId=$other PageSize=100").await;
    assert_eq!(all.len(), 18);
    // By number.
    let mut seen = Vec::new();
    for number in 1..=4 {
        let line = format!("DescribeSecurityGroups VpcId=$other PageSize=5 PageNumber={number}");
        let page = service.rpc_ok(&line).await;
        assert_eq!((&page["TotalCount"], &page["PageNumber"]), (&json!(18), &json!(number)));
        seen.extend(page["SecurityGroups"]["SecurityGroup"].as_array().unwrap().clone());
    }
    let number = |groups: &[Value]| -> Vec<String> {
        groups.iter().map(|g| g["SecurityGroupId"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(number(&seen), all);
    // By token, while the first group of each page is deleted and another is made.
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = service.rpc_ok(&format!("DescribeSecurityGroups VpcId=$other MaxResults=5 {token}")).await;
        let groups = page["SecurityGroups"]["SecurityGroup"].as_array().unwrap().clone();
        assert!(groups.len() <= 5);
        seen.extend(groups);
        let last = seen.last().unwrap()["SecurityGroupId"].as_str().unwrap().to_owned();
        if last != service.ids["far"] {
            service.rest_ok(&format!("DELETE /v1/security-groups/{last}")).await;
            service.created("late", r#"POST /v1/security-groups {"vpc_id":"$other"}"#).await;
        }
        match page["NextToken"].as_str().unwrap() {
            "" => break,
            next => token = format!("NextToken={next}"),
        }
        assert!(seen.len() < 60);
    }
    let walked = number(&seen);
    assert!(all.iter().all(|id| walked.iter().filter(|seen| *seen == id).count() == 1));
    // The same natively.
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page =
            service.rest_ok(&format!("GET /v1/security-groups?vpc_id=$other&page_size=4{token}")).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|g| g["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_page_token"].as_str() else { break };
        token = format!("&page_token={next}");
    }
    assert_eq!(seen, ids(&service, "VpcId=$other PageSize=100").await);
    service.stop().await;
}

#[tokio::test]
async fn rules_are_listed_in_the_order_of_evaluation() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    let rule = |priority: u8, policy: &str, port: u32| {
        json!({"protocol": "tcp", "port_range": format!("{port}/{port}"), "peer_cidr": "10.0.0.0/8",
            "policy": policy, "priority": priority})
    };
    for (way, rules) in [
        ("egress", json!([rule(1, "accept", 1)])),
        (
            "ingress",
            json!([rule(2, "drop", 1), rule(1, "accept", 2), rule(1, "drop", 3), rule(1, "accept", 4)]),
        ),
    ] {
        let body = json!({"direction": way, "rules": rules});
        let made = service.rest_ok(&format!("POST /v1/security-groups/$sg/rules {body}")).await;
        // The answer is in the order of the request.
        let asked: Vec<&Value> = rules.as_array().unwrap().iter().map(|rule| &rule["port_range"]).collect();
        let got: Vec<&Value> =
            made["items"].as_array().unwrap().iter().map(|rule| &rule["port_range"]).collect();
        assert_eq!(asked, got);
    }
    let ports = |page: &Value| -> Vec<String> {
        let text = |rule: &Value| rule["port_range"].as_str().unwrap().split('/').next().unwrap().to_owned();
        page["items"].as_array().unwrap().iter().map(text).collect()
    };
    let all = service.rest_ok("GET /v1/security-groups/$sg/rules").await;
    assert_eq!(ports(&all), ["3", "2", "4", "1", "1"]);
    let out = service.rest_ok("GET /v1/security-groups/$sg/rules?direction=egress").await;
    assert_eq!(ports(&out), ["1"]);
    let (mut walked, mut token) = (Vec::new(), String::new());
    loop {
        let page = service.rest_ok(&format!("GET /v1/security-groups/$sg/rules?page_size=2{token}")).await;
        walked.extend(page["items"].as_array().unwrap().clone());
        // The last rule of a page may go; the walk goes on after its place.
        let last = walked.last().unwrap()["id"].as_str().unwrap().to_owned();
        service.rest_ok(&format!("DELETE /v1/security-groups/$sg/rules/{last}")).await;
        let Some(next) = page["next_page_token"].as_str() else { break };
        token = format!("&page_token={next}");
    }
    assert_eq!(json!(walked), all["items"]);
    for bad in ["page_token=sgr-1", "page_size=0"] {
        assert!(
            [400, 422].contains(&service.rest(&format!("GET /v1/security-groups/$sg/rules?{bad}")).await.0)
        );
    }
    // Provider pages hold at least 10 at the provider; smaller ones are taken here.
    let many: Vec<Value> = (1..=25).map(|port| rule(1, "accept", port)).collect();
    service.created("many", r#"POST /v1/security-groups {"vpc_id":"$vpc"}"#).await;
    let body = json!({"direction": "ingress", "rules": many});
    service.rest_ok(&format!("POST /v1/security-groups/$many/rules {body}")).await;
    let (mut count, mut token) = (0, String::new());
    loop {
        let line = format!("DescribeSecurityGroupAttribute SecurityGroupId=$many MaxResults=10 {token}");
        let page = service.rpc_ok(&line).await;
        count += page["Permissions"]["Permission"].as_array().unwrap().len();
        match page["NextToken"].as_str().unwrap() {
            "" => break,
            next => token = format!("NextToken={next}"),
        }
    }
    assert_eq!(count, 25);
    for (parameter, code) in [
        ("Direction=up", "InvalidParamter"),
        ("MaxResults=1001", "InvalidParamter"),
        ("NextToken=x", "InvalidParamter"),
        ("NicType=x", "InvalidNicType.ValueNotSupported"),
    ] {
        let line = format!("DescribeSecurityGroupAttribute SecurityGroupId=$many {parameter}");
        let (status, body) = service.rpc(&line).await;
        assert_eq!((status, &body["Code"]), (400, &json!(code)), "{body}");
    }
    service.stop().await;
}
