//! Each rule of making, changing and deleting interfaces on both wires.

use crate::service::hosts::world;
use crate::service::pairs::Service;
use serde_json::{Value, json};
use sim_core::ErrorCode as E;
use sim_core::settings::Provisioning;

/// A creation: the usual body with some members changed, and the provider's parameters with the same.
fn create(change: Value, rpc: &str) -> (String, String) {
    let mut body = json!({"vswitch_id": "$web", "security_group_ids": ["$sg"]});
    let mut parameters = vec!["VSwitchId=$web".to_owned(), "SecurityGroupIds.1=$sg".to_owned()];
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    for word in rpc.split_ascii_whitespace() {
        let name = word.split_once('=').unwrap().0;
        parameters.retain(|p| p.split_once('=').unwrap().0 != name);
        parameters.push(word.to_owned());
    }
    parameters.retain(|p| !p.ends_with("=-"));
    (
        format!("POST /v1/network-interfaces {body}"),
        format!("CreateNetworkInterface {}", parameters.join(" ")),
    )
}

/// A creation that wants more addresses.
fn wanting(addresses: Value, rpc: &str) -> (String, String) {
    create(json!({"addresses": addresses}), rpc)
}

fn change(eni: &str, body: Value, rpc: &str) -> (String, String) {
    (
        format!("PATCH /v1/network-interfaces/{eni} {body}"),
        format!("ModifyNetworkInterfaceAttribute NetworkInterfaceId={eni} {rpc}"),
    )
}

fn delete(eni: &str) -> (String, String) {
    (
        format!("DELETE /v1/network-interfaces/{eni}"),
        format!("DeleteNetworkInterface NetworkInterfaceId={eni}"),
    )
}

fn numbered(name: &str, values: &[String]) -> String {
    (1..).zip(values).map(|(n, value)| format!("{name}.{n}={value} ")).collect()
}

#[tokio::test]
async fn every_rule_of_making_an_interface_on_both_wires() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    service.created("eni", &create(json!({}), "").0).await;
    let eleven: Vec<String> = (20..31).map(|n| format!("10.0.1.{n}")).collect();
    let long = "x".repeat(129);
    let rows: Vec<(E, (String, String), &str)> = vec![
        (
            E::EniNameMalformed,
            create(json!({"name": long}), &format!("NetworkInterfaceName={long}")),
            "InvalidParams.NetworkInterfaceName 403",
        ),
        (
            E::EniDescriptionMalformed,
            create(json!({"description": "http://x"}), "Description=http://x"),
            "InvalidParameter 400",
        ),
        (
            E::TagKeyMalformed,
            create(json!({"tags": [{"key": "acs:x"}]}), "Tag.1.Key=acs:x"),
            "InvalidTagKey.Malformed 400",
        ),
        (
            E::AddressMalformed,
            create(json!({"primary_ip_address": "10.0.1"}), "PrimaryIpAddress=10.0.1"),
            "InvalidIp.Address 403",
        ),
        (
            E::AddressMalformed,
            wanting(json!({"private_ip_addresses": ["x"]}), "PrivateIpAddress.1=x"),
            "InvalidIp.Address 403",
        ),
        (
            E::EniAddressCount,
            wanting(json!({"private_ip_addresses": eleven}), &numbered("PrivateIpAddress", &eleven)),
            "InvalidParameter 400",
        ),
        (
            E::EniAddressRepeated,
            wanting(
                json!({"private_ip_addresses": ["10.0.1.9", "10.0.1.9"]}),
                "PrivateIpAddress.1=10.0.1.9 PrivateIpAddress.2=10.0.1.9",
            ),
            "InvalidIp.IpRepeated 403",
        ),
        (
            E::EniAddressesConflict,
            wanting(
                json!({"private_ip_addresses": ["10.0.1.9"], "private_ip_address_count": 1}),
                "PrivateIpAddress.1=10.0.1.9 SecondaryPrivateIpAddressCount=1",
            ),
            "InvalidParameter.Conflict 400",
        ),
        (
            E::EniPrefixMalformed,
            wanting(json!({"ipv4_prefixes": ["10.0.1.17/28"]}), "Ipv4Prefix.1=10.0.1.17/28"),
            "InvalidIp.IpPrefixNotStrict 403",
        ),
        (
            E::EniPrefixMask,
            wanting(json!({"ipv4_prefixes": ["10.0.1.32/27"]}), "Ipv4Prefix.1=10.0.1.32/27"),
            "InvalidIp.IpPrefixMaskInvalid 403",
        ),
        (
            E::VSwitchNotFound,
            create(json!({"vswitch_id": "vsw-1"}), "VSwitchId=vsw-1"),
            "InvalidVSwitchId.NotFound 404",
        ),
        (
            E::ResourceGroupNotFound,
            create(json!({"resource_group_id": "rg-1"}), "ResourceGroupId=rg-1"),
            "InvalidResourceGroup.NotFound 404",
        ),
        (
            E::SecurityGroupsMissing,
            create(json!({"security_group_ids": []}), "SecurityGroupIds.1=-"),
            "MissingParameter 400",
        ),
        (
            E::EniGroupsConflict,
            (String::new(), create(json!({}), "SecurityGroupId=$sg2").1),
            "InvalidSecurityGroupId.SingleIdAndMultiIdConflict 400",
        ),
        (
            E::SecurityGroupRepeated,
            create(json!({"security_group_ids": ["$sg", "$sg"]}), "SecurityGroupIds.2=$sg"),
            "InvalidParameter.SecurityGroupIdRepeated 400",
        ),
        (
            E::SecurityGroupNotFound,
            create(json!({"security_group_ids": ["sg-1"]}), "SecurityGroupIds.1=sg-1"),
            "InvalidSecurityGroupId.NotFound 404",
        ),
        (
            E::SecurityGroupVpcMismatch,
            create(json!({"security_group_ids": ["$far"]}), "SecurityGroupIds.1=$far"),
            "InvalidOperation.VpcMismatch 403",
        ),
        (
            E::SecurityGroupKindsMixed,
            create(json!({"security_group_ids": ["$sg", "$ent"]}), "SecurityGroupIds.2=$ent"),
            "EnterpriseGroupLimited.MutliGroupType 403",
        ),
        (
            E::AddressOutside,
            create(json!({"primary_ip_address": "10.0.2.9"}), "PrimaryIpAddress=10.0.2.9"),
            "InvalidVSwitchId.IpInvalid 403",
        ),
        (
            E::AddressReserved,
            create(json!({"primary_ip_address": "10.0.1.253"}), "PrimaryIpAddress=10.0.1.253"),
            "InvalidVSwitchId.IpInvalid 403",
        ),
        (
            E::AddressInUse,
            create(json!({"primary_ip_address": "10.0.1.1"}), "PrimaryIpAddress=10.0.1.1"),
            "InvalidPrivateIpAddress.Duplicated 400",
        ),
        (
            E::EniVSwitchIpv6Disabled,
            create(
                json!({"vswitch_id": "$db", "addresses": {"ipv6_address_count": 1}}),
                "VSwitchId=$db Ipv6AddressCount=1",
            ),
            "InvalidOperation.VSwitchIpv6Disabled 404",
        ),
        (
            E::AddressExhausted,
            create(
                json!({"vswitch_id": "$tiny", "addresses": {"private_ip_address_count": 4}}),
                "VSwitchId=$tiny SecondaryPrivateIpAddressCount=4",
            ),
            "InvalidVSwitchId.IpNotEnough 403",
        ),
        (
            E::EniPrefixExhausted,
            create(
                json!({"vswitch_id": "$tiny", "addresses": {"ipv4_prefix_count": 1}}),
                "VSwitchId=$tiny Ipv4PrefixCount=1",
            ),
            "InvalidVSwitchId.IpPrefixNotEnough 403",
        ),
    ];
    for (rule, (rest, rpc), provider) in rows {
        service.refused(rule, &rest, &rpc, provider).await;
    }
    // A prefix with an address in use.
    let (rest, rpc) = wanting(json!({"ipv4_prefixes": ["10.0.1.16/28"]}), "Ipv4Prefix.1=10.0.1.16/28");
    service.created("other", &create(json!({"primary_ip_address": "10.0.1.17"}), "").0).await;
    service.refused(E::EniPrefixInUse, &rest, &rpc, "InvalidIp.IpPrefixNotAvailable 403").await;
    // The problem says who holds the address, and which one would pass.
    let (_, problem) = service.rest(&create(json!({"primary_ip_address": "10.0.1.1"}), "").0).await;
    assert_eq!(problem["blockers"], json!([service.ids["eni"]]));
    assert_eq!(problem["errors"], json!([{"pointer": "/primary_ip_address", "accepted": "10.0.1.2"}]));
    for kind in ["Primary", "Member", "trunk"] {
        let (rest, rpc) = create(json!({"type": kind}), &format!("InstanceType={kind}"));
        assert_eq!(service.rest(&rest).await.0, 400);
        let (status, body) = service.rpc(&rpc).await;
        assert_eq!((status, &body["Code"]), (400, &json!("InvalidParameter")), "{body}");
    }
    let (status, body) = service.rpc("CreateNetworkInterface SecurityGroupIds.1=$sg").await;
    assert_eq!((status, &body["Code"]), (400, &json!("MissingParameter")), "{body}");
    service.stop().await;
}

#[tokio::test]
async fn every_rule_of_changing_and_deleting_an_interface_on_both_wires() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    service.created("eni", &create(json!({}), "").0).await;
    service.created("used", &create(json!({}), "").0).await;
    service.rest_ok(r#"POST /v1/network-interfaces/$used/attach {"instance_id":"$node"}"#).await;
    let fixed = "InvalidOperation.PrimaryEniOnlySupportModifyNameAndDesc 404";
    let rows: Vec<(E, (String, String), &str)> = vec![
        (
            E::EniNameMalformed,
            change("$eni", json!({"name": "1"}), "NetworkInterfaceName=1"),
            "InvalidParams.NetworkInterfaceName 403",
        ),
        (
            E::EniDescriptionMalformed,
            change("$eni", json!({"description": "x"}), "Description=x"),
            "InvalidParameter 400",
        ),
        (
            E::EniNotFound,
            change("eni-1", json!({"name": "web"}), "NetworkInterfaceName=web"),
            "InvalidEniId.NotFound 404",
        ),
        (
            E::EniPrimaryFixed,
            change("$node_eni", json!({"security_group_ids": ["$sg2"]}), "SecurityGroupId.1=$sg2"),
            fixed,
        ),
        (
            E::EniPrimaryFixed,
            change("$node_eni", json!({"delete_on_release": false}), "DeleteOnRelease=false"),
            fixed,
        ),
        (
            E::SecurityGroupsMissing,
            (change("$eni", json!({"security_group_ids": []}), "").0, String::new()),
            "",
        ),
        (
            E::SecurityGroupRepeated,
            change(
                "$eni",
                json!({"security_group_ids": ["$sg", "$sg"]}),
                "SecurityGroupId.1=$sg SecurityGroupId.2=$sg",
            ),
            "InvalidParameter 400",
        ),
        (
            E::SecurityGroupNotFound,
            change("$eni", json!({"security_group_ids": ["sg-1"]}), "SecurityGroupId.1=sg-1"),
            "InvalidSecurityGroupId.NotFound 404",
        ),
        (
            E::SecurityGroupVpcMismatch,
            change("$eni", json!({"security_group_ids": ["$far"]}), "SecurityGroupId.1=$far"),
            "InvalidOperation.VpcMismatch 403",
        ),
        (
            E::SecurityGroupKindsMixed,
            change(
                "$eni",
                json!({"security_group_ids": ["$sg", "$ent"]}),
                "SecurityGroupId.1=$sg SecurityGroupId.2=$ent",
            ),
            "InvalidOperation.MultiGroupType 403",
        ),
        (E::EniNotFound, delete("eni-1"), "InvalidEniId.NotFound 404"),
        (E::EniKindDenied, delete("$node_eni"), "InvalidOperation.InvalidEniType 403"),
        (E::EniStatusIncorrect, delete("$used"), "InvalidOperation.InvalidEniState 400"),
        (
            E::EniNotFound,
            (
                "GET /v1/network-interfaces/eni-1".into(),
                "DescribeNetworkInterfaceAttribute NetworkInterfaceId=eni-1".into(),
            ),
            "InvalidEniId.NotFound 404",
        ),
        (E::EniNotFound, ("GET /v1/network-interfaces/eni-1/dependents".into(), String::new()), ""),
    ];
    for (rule, (rest, rpc), provider) in rows {
        service.refused(rule, &rest, &rpc, provider).await;
    }
    let blocked = service.rest_ok("GET /v1/network-interfaces/$used/dependents").await;
    assert_eq!(blocked["dependents"][0]["ids"], json!([service.ids["node"]]));
    let free = service.rest_ok("GET /v1/network-interfaces/$eni/dependents").await;
    assert_eq!(free, json!({"deletable": true, "dependents": []}));
    service.stop().await;
}

#[tokio::test]
async fn the_quotas_of_interfaces_on_both_wires() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    // The account's quota of secondary interfaces, here of 3.
    let name = sim_core::quota::Quota::SecondaryEnis.row().name.to_owned();
    service.command(sim_core::quota::AdjustQuota { name, value: 3 }).await;
    for _ in 0..3 {
        service.created("eni", &create(json!({}), "").0).await;
    }
    let (rest, rpc) = create(json!({}), "");
    service.refused(E::EniQuotaExceeded, &rest, &rpc, "MaxEniCountExceeded 403").await;
    // Groups: 10 on an interface; a full one.
    let name = sim_core::quota::Quota::GroupsPerEni.row().name.to_owned();
    service.command(sim_core::quota::AdjustQuota { name, value: 1 }).await;
    let (rest, rpc) = create(json!({"security_group_ids": ["$sg", "$sg2"]}), "SecurityGroupIds.2=$sg2");
    service.refused(E::SecurityGroupsPerEniExceeded, &rest, &rpc, "JoinedGroupLimitExceed 400").await;
    let (rest, rpc) = change(
        "$eni",
        json!({"security_group_ids": ["$sg", "$sg2"]}),
        "SecurityGroupId.1=$sg SecurityGroupId.2=$sg2",
    );
    service.refused(E::SecurityGroupsPerEniExceeded, &rest, &rpc, "JoinedGroupLimitExceed 400").await;
    let name = sim_core::quota::Quota::AddressesPerBasicGroup.row().name.to_owned();
    service.command(sim_core::quota::AdjustQuota { name, value: 1 }).await;
    let (rest, rpc) = create(json!({}), "");
    service.refused(E::SecurityGroupFull, &rest, &rpc, "SecurityGroupInstanceLimitExceed 403").await;
    service.stop().await;
}
