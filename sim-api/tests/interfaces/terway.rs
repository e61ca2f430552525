//! What Terway and the cloud controller manager do with interfaces, call by call.

use crate::service::hosts::world;
use crate::service::pairs::{Service, WORLD};
use serde_json::{Value, json};
use sim_api::engine::Advance;
use sim_core::Span;
use sim_core::settings::Provisioning;

fn set(page: &Value) -> &Vec<Value> {
    page["NetworkInterfaceSets"]["NetworkInterfaceSet"].as_array().unwrap()
}

async fn pass(service: &Service, ms: i64) {
    let world = service.server.app().engine.world(WORLD).unwrap();
    world.advance(Advance::By(Span(ms))).await.unwrap();
}

#[tokio::test]
async fn an_interface_for_many_pods_from_birth_to_death() {
    let mut service = Service::over(world(Provisioning::Visible)).await;
    let create = "CreateNetworkInterface VSwitchId=$web InstanceType=Secondary NetworkInterfaceTrafficMode=Standard \
                  SecurityGroupIds.1=$sg Description=interface-create-by-terway SecondaryPrivateIpAddressCount=2 \
                  Ipv6AddressCount=3 DeleteOnRelease=true SourceDestCheck=false Tag.1.Key=creator Tag.1.Value=terway \
                  ClientToken=c-1";
    let made = service.rpc_ok(create).await;
    service.ids.insert("eni", made["NetworkInterfaceId"].as_str().unwrap().to_owned());
    assert_eq!(made["PrivateIpSets"]["PrivateIpSet"].as_array().unwrap().len(), 3);
    assert_eq!(made["Ipv6Sets"]["Ipv6Set"].as_array().unwrap().len(), 3);
    assert!(made["MacAddress"].as_str().unwrap().starts_with("00:16:3e:"));
    // A lost answer: the same token gives the same interface; other arguments are refused with the code it knows.
    let again = service.rpc_ok(create).await;
    assert_eq!(again["NetworkInterfaceId"], made["NetworkInterfaceId"]);
    let (status, other) = service.rpc(&create.replace("Count=2", "Count=1")).await;
    assert_eq!((status, &other["Code"]), (400, &json!("IdempotentFailed")), "{other}");
    service.rpc_ok("AttachNetworkInterface NetworkInterfaceId=$eni InstanceId=$node").await;
    let list = "DescribeNetworkInterfaces NetworkInterfaceId.1=$eni MaxResults=500";
    let page = service.rpc_ok(list).await;
    assert_eq!((&set(&page)[0]["Status"], &page["NextToken"]), (&json!("Attaching"), &json!("")));
    pass(&service, 200).await;
    assert_eq!(set(&service.rpc_ok(list).await)[0]["Status"], "InUse");
    // By count, by address, and back; the token of an assignment repeats its answer.
    let assign =
        "AssignPrivateIpAddresses NetworkInterfaceId=$eni SecondaryPrivateIpAddressCount=1 ClientToken=a-1";
    let first = service.rpc_ok(assign).await;
    let again = service.rpc_ok(assign).await;
    let given = &first["AssignedPrivateIpAddressesSet"];
    assert_eq!(given, &again["AssignedPrivateIpAddressesSet"]);
    assert_eq!(given["NetworkInterfaceId"], service.ids["eni"]);
    let address = given["PrivateIpSet"]["PrivateIpAddress"][0].as_str().unwrap().to_owned();
    assert_eq!(
        set(&service.rpc_ok(list).await)[0]["PrivateIpSets"]["PrivateIpSet"].as_array().unwrap().len(),
        4
    );
    let by_address =
        service.rpc_ok("AssignPrivateIpAddresses NetworkInterfaceId=$eni PrivateIpAddress.1=10.0.1.90").await;
    let given = &by_address["AssignedPrivateIpAddressesSet"]["PrivateIpSet"]["PrivateIpAddress"];
    assert_eq!(*given, json!(["10.0.1.90"]));
    let six = service.rpc_ok("AssignIpv6Addresses NetworkInterfaceId=$eni Ipv6AddressCount=1").await;
    let six = six["Ipv6Sets"]["Ipv6Address"][0].as_str().unwrap().to_owned();
    // The type allows 6 addresses; the next one is refused with the code that stops the allocator.
    service.rpc_ok("AssignPrivateIpAddresses NetworkInterfaceId=$eni SecondaryPrivateIpAddressCount=1").await;
    let (status, full) = service
        .rpc("AssignPrivateIpAddresses NetworkInterfaceId=$eni SecondaryPrivateIpAddressCount=1")
        .await;
    assert_eq!((status, &full["Code"]), (403, &json!("InvalidOperation.Ipv4CountExceeded")));
    let free = "UnassignPrivateIpAddresses NetworkInterfaceId=$eni";
    service.rpc_ok(&format!("{free} PrivateIpAddress.1={address} PrivateIpAddress.2=10.0.1.90")).await;
    // Gone already counts as success for the plugin, by this code.
    let (status, gone) = service.rpc(&format!("{free} PrivateIpAddress.1={address}")).await;
    assert_eq!((status, &gone["Code"]), (403, &json!("InvalidIp.IpUnassigned")));
    service.rpc_ok(&format!("UnassignIpv6Addresses NetworkInterfaceId=$eni Ipv6Address.1={six}")).await;
    let shown = set(&service.rpc_ok(list).await)[0].clone();
    assert_eq!(shown["PrivateIpSets"]["PrivateIpSet"].as_array().unwrap().len(), 4);
    // The end: detach, wait, delete, and the list is empty.
    service.rpc_ok("DetachNetworkInterface NetworkInterfaceId=$eni InstanceId=$node").await;
    let (status, busy) = service.rpc("DeleteNetworkInterface NetworkInterfaceId=$eni").await;
    assert_eq!((status, &busy["Code"]), (400, &json!("InvalidOperation.InvalidEniState")));
    pass(&service, 200).await;
    service.rpc_ok("DeleteNetworkInterface NetworkInterfaceId=$eni").await;
    assert!(set(&service.rpc_ok(list).await).is_empty());
    let (status, gone) = service.rpc("DetachNetworkInterface NetworkInterfaceId=$eni InstanceId=$node").await;
    assert_eq!((status, &gone["Code"]), (404, &json!("InvalidEniId.NotFound")));
    // The token that made it still answers, with its id.
    assert_eq!(service.rpc_ok(create).await["NetworkInterfaceId"], made["NetworkInterfaceId"]);
    service.stop().await;
}

#[tokio::test]
async fn prefixes_for_pods() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    let made = service
        .rpc_ok("CreateNetworkInterface VSwitchId=$web SecurityGroupIds.1=$sg Ipv4PrefixCount=2 Ipv6PrefixCount=2")
        .await;
    service.ids.insert("eni", made["NetworkInterfaceId"].as_str().unwrap().to_owned());
    assert_eq!(made["Ipv4PrefixSets"]["Ipv4PrefixSet"].as_array().unwrap().len(), 2);
    assert_eq!(made["Ipv6PrefixSets"]["Ipv6PrefixSet"].as_array().unwrap().len(), 2);
    let given = service.rpc_ok("AssignPrivateIpAddresses NetworkInterfaceId=$eni Ipv4PrefixCount=1").await;
    let prefix = given["AssignedPrivateIpAddressesSet"]["Ipv4PrefixSet"]["Ipv4Prefixes"][0]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(prefix.ends_with("/28"));
    let switch = || async {
        let page = service.rpc_ok("DescribeVSwitches VSwitchId=$web").await;
        page["VSwitches"]["VSwitch"][0]["AvailableIpAddressCount"].as_i64().unwrap()
    };
    // Three hosts, the interface's own address and three prefixes of 16.
    assert_eq!(switch().await, 252 - 3 - 1 - 48);
    service
        .rpc_ok(&format!("UnassignPrivateIpAddresses NetworkInterfaceId=$eni Ipv4Prefix.1={prefix}"))
        .await;
    assert_eq!(switch().await, 252 - 3 - 1 - 32);
    let six = service.rpc_ok("AssignIpv6Addresses NetworkInterfaceId=$eni Ipv6PrefixCount=1").await;
    let prefix = six["Ipv6PrefixSets"]["Ipv6Prefix"][0].as_str().unwrap().to_owned();
    assert!(prefix.ends_with("/80"));
    service.rpc_ok(&format!("UnassignIpv6Addresses NetworkInterfaceId=$eni Ipv6Prefix.1={prefix}")).await;
    let (status, gone) =
        service.rpc(&format!("UnassignIpv6Addresses NetworkInterfaceId=$eni Ipv6Prefix.1={prefix}")).await;
    assert_eq!((status, &gone["Code"]), (403, &json!("InvalidIp.IpUnassigned")));
    service.stop().await;
}

#[tokio::test]
async fn a_full_vswitch_is_told_apart() {
    let service = Service::over(world(Provisioning::Instant)).await;
    let make = "CreateNetworkInterface VSwitchId=$tiny SecurityGroupIds.1=$sg";
    for _ in 0..4 {
        service.rpc_ok(make).await;
    }
    let (status, full) = service.rpc(make).await;
    assert_eq!((status, &full["Code"]), (403, &json!("InvalidVSwitchId.IpNotEnough")));
    let page = service.rpc_ok("DescribeVSwitches VSwitchId=$tiny").await;
    assert_eq!(page["VSwitches"]["VSwitch"][0]["AvailableIpAddressCount"], 0);
    service.stop().await;
}

#[tokio::test]
async fn trunk_and_members() {
    let mut service = Service::over(world(Provisioning::Visible)).await;
    for (name, kind) in [("trunk", "Trunk"), ("pod", "Secondary")] {
        let made = service
            .rpc_ok(&format!(
                "CreateNetworkInterface VSwitchId=$web SecurityGroupIds.1=$sg InstanceType={kind}"
            ))
            .await;
        service.ids.insert(name, made["NetworkInterfaceId"].as_str().unwrap().to_owned());
        assert_eq!(made["Type"], kind);
    }
    service.rpc_ok("AttachNetworkInterface NetworkInterfaceId=$trunk InstanceId=$stopped").await;
    pass(&service, 200).await;
    service
        .rpc_ok("AttachNetworkInterface NetworkInterfaceId=$pod InstanceId=$stopped TrunkNetworkInstanceId=$trunk")
        .await;
    pass(&service, 200).await;
    let page = service.rpc_ok("DescribeNetworkInterfaces InstanceId=$stopped Type=Member").await;
    let shown = &set(&page)[0];
    assert_eq!(shown["NetworkInterfaceId"], service.ids["pod"]);
    assert_eq!(shown["Attachment"]["TrunkNetworkInterfaceId"], service.ids["trunk"]);
    assert_eq!((&shown["Attachment"]["DeviceIndex"], &shown["Type"]), (&json!(1), &json!("Member")));
    let native = service.rest_ok("GET /v1/network-interfaces/$pod").await;
    assert_eq!(native["trunk_network_interface_id"], service.ids["trunk"]);
    service
        .rpc_ok("DetachNetworkInterface NetworkInterfaceId=$pod InstanceId=$stopped TrunkNetworkInstanceId=$trunk")
        .await;
    pass(&service, 200).await;
    let native = service.rest_ok("GET /v1/network-interfaces/$pod").await;
    assert_eq!((&native["type"], &native["status"]), (&json!("Secondary"), &json!("Available")));
    service.stop().await;
}

#[tokio::test]
async fn the_cloud_controller_manager_finds_nodes_by_address_and_opens_them() {
    let service = Service::over(world(Provisioning::Instant)).await;
    let node = service.rest_ok("GET /v1/network-interfaces/$node_eni").await;
    let stopped = service.rest_ok("GET /v1/network-interfaces/$stopped_eni").await;
    let page = service
        .rpc_ok(&format!(
            "DescribeNetworkInterfaces VpcId=$vpc Status=InUse MaxResults=100 PrivateIpAddress.1={} PrivateIpAddress.2={}",
            node["primary_ip_address"].as_str().unwrap(),
            stopped["primary_ip_address"].as_str().unwrap(),
        ))
        .await;
    let found: Vec<&Value> = set(&page).iter().map(|e| &e["NetworkInterfaceId"]).collect();
    assert_eq!(found, [&json!(service.ids["node_eni"]), &json!(service.ids["stopped_eni"])]);
    assert_eq!(page["PageSize"], 100);
    // The same address in another VPC is not found.
    let other = service.rpc_ok("DescribeNetworkInterfaces VpcId=$other PrivateIpAddress.1=10.0.1.201").await;
    assert!(set(&other).is_empty());
    service
        .rpc_ok("ModifyNetworkInterfaceAttribute NetworkInterfaceId=$node_eni SourceDestCheck=false")
        .await;
    let shown = service.rpc_ok("DescribeNetworkInterfaces NetworkInterfaceId.1=$node_eni").await;
    assert_eq!(set(&shown)[0]["SourceDestCheck"], false);
    service.stop().await;
}
