//! Pages, filters and the shape of answers about interfaces.

use crate::service::hosts::world;
use crate::service::pairs::Service;
use serde_json::{Value, json};
use sim_core::settings::Provisioning;

fn eni(vswitch: &str, groups: Value) -> String {
    format!("POST /v1/network-interfaces {}", json!({"vswitch_id": vswitch, "security_group_ids": groups}))
}

async fn ids(service: &Service, filter: &str) -> Vec<String> {
    let page = service.rpc_ok(&format!("DescribeNetworkInterfaces PageSize=100 {filter}")).await;
    let shown = page["NetworkInterfaceSets"]["NetworkInterfaceSet"].as_array().unwrap();
    shown.iter().map(|e| e["NetworkInterfaceId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn interfaces_by_every_filter() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    for (name, vswitch, groups) in [
        ("one", "$web", json!(["$sg"])),
        ("two", "$web", json!(["$sg", "$sg2"])),
        ("three", "$db", json!(["$sg2"])),
        ("four", "$elsewhere", json!(["$far"])),
    ] {
        service.created(name, &eni(vswitch, groups)).await;
    }
    let body = json!({"vswitch_id": "$away", "security_group_ids": ["$ent"], "type": "Trunk", "name": "carrier",
        "primary_ip_address": "10.0.4.77", "tags": [{"key": "cluster", "value": "c1"}]});
    service.created("trunk", &format!("POST /v1/network-interfaces {body}")).await;
    service.rpc_ok("AssignPrivateIpAddresses NetworkInterfaceId=$two PrivateIpAddress.1=10.0.1.99").await;
    service.rpc_ok("AssignIpv6Addresses NetworkInterfaceId=$two Ipv6Address.1=2408:4000:0:101::99").await;
    service.rpc_ok("AttachNetworkInterface NetworkInterfaceId=$one InstanceId=$node").await;
    let s = &service;
    let sorted = |names: &[&str]| -> Vec<String> {
        let mut ids: Vec<String> = names.iter().map(|name| s.ids[name].clone()).collect();
        ids.sort();
        ids
    };
    let all =
        ["node_eni", "stopped_eni", "starting_eni", "foreign_eni", "one", "two", "three", "four", "trunk"];
    let here: Vec<&str> =
        all.iter().copied().filter(|name| !["foreign_eni", "four"].contains(name)).collect();
    for (filter, native, wanted) in [
        ("", "", &all[..]),
        ("VpcId=$vpc", "vpc_id=$vpc", &here),
        ("VpcId=vpc-1", "", &[]),
        ("VSwitchId=$db", "vswitch_id=$db", &["three"]),
        ("InstanceId=$node", "instance_id=$node", &["node_eni", "one"]),
        ("InstanceId=$node Type=Secondary", "instance_id=$node&type=Secondary", &["one"]),
        ("SecurityGroupId=$sg2", "security_group_id=$sg2", &["two", "three"]),
        ("SecurityGroupId=$sg2 VSwitchId=$web", "security_group_id=$sg2&vswitch_id=$web", &["two"]),
        ("Status=InUse Type=Secondary", "status=InUse&type=Secondary", &["one"]),
        ("Type=Trunk", "type=Trunk", &["trunk"]),
        ("NetworkInterfaceName=carrier", "name=carrier", &["trunk"]),
        ("PrimaryIpAddress=10.0.4.77", "", &["trunk"]),
        ("VpcId=$vpc PrivateIpAddress.1=10.0.1.99", "vpc_id=$vpc&private_ip_address=10.0.1.99", &["two"]),
        ("PrivateIpAddress.1=10.0.1.99 PrivateIpAddress.2=10.0.4.77", "", &["two", "trunk"]),
        ("PrivateIpAddress.1=10.0.1.98", "private_ip_address=10.0.1.98", &[]),
        ("Ipv6Address.1=2408:4000:0:101::99", "", &["two"]),
        (
            "NetworkInterfaceId.1=$one NetworkInterfaceId.2=$four NetworkInterfaceId.3=eni-1",
            "",
            &["one", "four"],
        ),
        ("Tag.1.Key=cluster Tag.1.Value=c1", "", &["trunk"]),
        ("Tag.1.Key=cluster Tag.1.Value=c2", "", &[]),
        ("ServiceManaged=true", "", &[]),
        ("ResourceGroupId=rg-1", "", &[]),
    ] {
        let mut found = ids(s, filter).await;
        found.sort();
        assert_eq!(found, sorted(wanted), "{filter}");
        if !native.is_empty() {
            let page = s.rest_ok(&format!("GET /v1/network-interfaces?{native}")).await;
            let mut found: Vec<String> = page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|e| e["id"].as_str().unwrap().to_owned())
                .collect();
            found.sort();
            assert_eq!(found, sorted(wanted), "{native}");
        }
    }
    for native in ["vpc_id=vpc-1", "vswitch_id=vsw-1", "instance_id=i-1", "security_group_id=sg-1"] {
        assert_eq!(s.rest(&format!("GET /v1/network-interfaces?{native}")).await.0, 404, "{native}");
    }
    let (_, other) = s.rpc_as("w-lab-a-7", "DescribeNetworkInterfaces InstanceId=$node").await;
    assert_eq!(other["TotalCount"], 0);
    service.stop().await;
}

#[tokio::test]
async fn walks_by_number_and_by_token_see_each_once() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    for _ in 0..20 {
        service.created("eni", &eni("$db", json!(["$sg"]))).await;
    }
    let all = ids(&service, "VSwitchId=$db").await;
    assert_eq!(all.len(), 20);
    let names = |page: &Value| -> Vec<String> {
        let shown = page["NetworkInterfaceSets"]["NetworkInterfaceSet"].as_array().unwrap();
        shown.iter().map(|e| e["NetworkInterfaceId"].as_str().unwrap().to_owned()).collect()
    };
    let mut seen = Vec::new();
    for number in 1..=3 {
        let line = format!("DescribeNetworkInterfaces VSwitchId=$db PageSize=7 PageNumber={number}");
        let page = service.rpc_ok(&line).await;
        assert_eq!((&page["TotalCount"], &page["PageSize"]), (&json!(20), &json!(7)));
        seen.extend(names(&page));
    }
    assert_eq!(seen, all);
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let line = format!("DescribeNetworkInterfaces VSwitchId=$db MaxResults=6 NextToken={token}");
        let page = service.rpc_ok(&line).await;
        seen.extend(names(&page));
        // Clients that stop at a short page look at PageSize.
        assert_eq!(page["PageSize"], 6);
        token = page["NextToken"].as_str().unwrap().to_owned();
        if token.is_empty() {
            break;
        }
        let last = seen.last().unwrap().clone();
        service.rpc_ok(&format!("DeleteNetworkInterface NetworkInterfaceId={last}")).await;
        service.created("late", &eni("$web", json!(["$sg"]))).await;
    }
    assert_eq!(seen, all);
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page =
            service.rest_ok(&format!("GET /v1/network-interfaces?vswitch_id=$db&page_size=5{token}")).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_page_token"].as_str() else { break };
        token = format!("&page_token={next}");
    }
    assert_eq!(seen, ids(&service, "VSwitchId=$db").await);
    service.stop().await;
}

#[tokio::test]
async fn what_an_interface_is_shown_as() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    let made = service
        .rpc_ok(
            "CreateNetworkInterface VSwitchId=$web SecurityGroupIds.1=$sg SecurityGroupIds.2=$sg2 \
             NetworkInterfaceName=pod Description=pods PrimaryIpAddress=10.0.1.7 PrivateIpAddress.1=10.0.1.8 \
             Ipv6AddressCount=1 DeleteOnRelease=false SourceDestCheck=true QueueNumber=4 Tag.1.Key=env Tag.1.Value=prod",
        )
        .await;
    service.ids.insert("eni", made["NetworkInterfaceId"].as_str().unwrap().to_owned());
    let s = &service;
    let set = json!({"PrivateIpSet": [
        {"PrivateIpAddress": "10.0.1.7", "Primary": true}, {"PrivateIpAddress": "10.0.1.8", "Primary": false}]});
    assert_eq!(made["PrivateIpSets"], set);
    assert_eq!(made["Tags"], json!({"Tag": [{"TagKey": "env", "TagValue": "prod"}]}));
    assert_eq!((&made["Status"], &made["Type"]), (&json!("Available"), &json!("Secondary")));
    s.rpc_ok("AttachNetworkInterface NetworkInterfaceId=$eni InstanceId=$node NetworkCardIndex=0").await;
    s.rpc_ok("AssignPrivateIpAddresses NetworkInterfaceId=$eni Ipv4PrefixCount=1").await;
    let page = s.rpc_ok("DescribeNetworkInterfaces NetworkInterfaceId.1=$eni").await;
    let shown = &page["NetworkInterfaceSets"]["NetworkInterfaceSet"][0];
    let address = |text: &str, primary: bool| json!({"PrivateIpAddress": text, "Primary": primary, "AssociatedPublicIp": {}});
    let mut expected = json!({
        "NetworkInterfaceId": s.ids["eni"], "NetworkInterfaceName": "pod", "Description": "pods", "Status": "InUse",
        "Type": "Secondary", "VpcId": s.ids["vpc"], "VSwitchId": s.ids["web"], "ZoneId": "cn-hangzhou-k",
        "MacAddress": shown["MacAddress"], "PrivateIpAddress": "10.0.1.7",
        "PrivateIpSets": {"PrivateIpSet": [address("10.0.1.7", true), address("10.0.1.8", false)]},
        "Ipv6Sets": {"Ipv6Set": [{"Ipv6Address": "2408:4000:0:101::1", "Primary": false}]},
        "Ipv4PrefixSets": {"Ipv4PrefixSet": [{"Ipv4Prefix": "10.0.1.32/28"}]},
        "Ipv6PrefixSets": {"Ipv6PrefixSet": []},
        "SecurityGroupIds": {"SecurityGroupId": [s.ids["sg"], s.ids["sg2"]]},
        "OwnerId": sim_core::AccountId::DEFAULT.to_string(), "ResourceGroupId": shown["ResourceGroupId"],
        "ServiceManaged": false, "SourceDestCheck": true, "AssociatedPublicIp": {}, "DeleteOnRelease": false,
        "CreationTime": "2026-01-01T00:00:00Z", "InstanceId": s.ids["node"], "QueueNumber": 4,
        "NetworkInterfaceTrafficMode": "Standard", "Tags": {"Tag": [{"TagKey": "env", "TagValue": "prod"}]},
        "Attachment": {"InstanceId": s.ids["node"], "DeviceIndex": 1, "NetworkCardIndex": 0, "TrunkNetworkInterfaceId": ""},
    });
    // The lowest free prefix depends on where the hosts' addresses lie.
    expected["Ipv4PrefixSets"] = shown["Ipv4PrefixSets"].clone();
    assert_eq!(*shown, expected);
    let native = s.rest_ok("GET /v1/network-interfaces/$eni").await;
    let expected = json!({
        "id": s.ids["eni"], "status": "InUse", "type": "Secondary", "name": "pod", "description": "pods",
        "vpc_id": s.ids["vpc"], "vswitch_id": s.ids["web"], "zone_id": "cn-hangzhou-k",
        "mac_address": shown["MacAddress"], "primary_ip_address": "10.0.1.7", "private_ip_addresses": ["10.0.1.8"],
        "ipv4_prefixes": [shown["Ipv4PrefixSets"]["Ipv4PrefixSet"][0]["Ipv4Prefix"]],
        "ipv6_addresses": ["2408:4000:0:101::1"], "ipv6_prefixes": [],
        "security_group_ids": [s.ids["sg"], s.ids["sg2"]], "instance_id": s.ids["node"],
        "trunk_network_interface_id": null, "device_index": 1, "delete_on_release": false,
        "source_dest_check": true, "resource_group_id": native["resource_group_id"],
        "created_at": "2026-01-01T00:00:00.000Z", "tags": [{"key": "env", "value": "prod"}], "eip_ids": [],
    });
    assert_eq!(native, expected);
    // Changes by either wire, and tags by the product's own action.
    s.rpc_ok(
        "ModifyNetworkInterfaceAttribute NetworkInterfaceId=$eni NetworkInterfaceName=pod-2 Description= \
         SecurityGroupId.1=$sg2 SourceDestCheck=false DeleteOnRelease=true",
    )
    .await;
    s.rpc_ok("Ecs:TagResources ResourceType=eni ResourceId.1=$eni Tag.1.Key=env Tag.1.Value=dev").await;
    let native = s.rest_ok(r#"PATCH /v1/network-interfaces/$eni {"name":"pod-3"}"#).await;
    assert_eq!((&native["name"], &native["description"]), (&json!("pod-3"), &json!("")));
    assert_eq!(native["security_group_ids"], json!([s.ids["sg2"]]));
    assert_eq!(native["tags"], json!([{"key": "env", "value": "dev"}]));
    assert_eq!((&native["source_dest_check"], &native["delete_on_release"]), (&json!(false), &json!(true)));
    service.stop().await;
}
