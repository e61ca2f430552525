//! Each rule of giving addresses to interfaces and taking them away, on both wires.

use crate::service::hosts::world;
use crate::service::pairs::Service;
use serde_json::{Value, json};
use sim_core::ErrorCode as E;
use sim_core::settings::Provisioning;

/// Giving addresses; `six` chooses the provider's action for IPv6.
fn give(eni: &str, body: Value, rpc: &str, six: bool) -> (String, String) {
    let action = if six { "AssignIpv6Addresses" } else { "AssignPrivateIpAddresses" };
    (
        format!("POST /v1/network-interfaces/{eni}/addresses {body}"),
        format!("{action} NetworkInterfaceId={eni} {rpc}"),
    )
}

fn take(eni: &str, body: Value, rpc: &str, six: bool) -> (String, String) {
    let (rest, rpc) = give(eni, body, rpc, six);
    (rest.replace("POST", "DELETE"), rpc.replace("Assign", "Unassign"))
}

fn numbered(name: &str, values: &[String]) -> String {
    (1..).zip(values).map(|(n, value)| format!("{name}.{n}={value} ")).collect()
}

const ENI: &str = r#"POST /v1/network-interfaces {"vswitch_id":"$web","security_group_ids":["$sg2"]}"#;

#[tokio::test]
async fn every_rule_of_addresses_on_both_wires() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    service.created("eni", ENI).await;
    service.created("other", ENI).await;
    service.created("plain", &ENI.replace("$web", "$db")).await;
    service.created("narrow", &ENI.replace("$web", "$tiny")).await;
    let many: Vec<String> = (30..63).map(|n| format!("10.0.1.{n}")).collect();
    let (four, six) = (false, true);
    let repeated = "InvalidIp.IpRepeated 403";
    let unassigned = "InvalidIp.IpUnassigned 403";
    let rows: Vec<(E, (String, String), &str)> = vec![
        (E::MissingParameter, give("$eni", json!({}), "", four), "MissingParameter 400"),
        (E::MissingParameter, give("$eni", json!({}), "", six), "MissingParameter 400"),
        (
            E::AddressMalformed,
            give("$eni", json!({"private_ip_addresses": ["x"]}), "PrivateIpAddress.1=x", four),
            "InvalidPrivateIpAddress.Malformed 400",
        ),
        (
            E::AddressMalformed,
            give("$eni", json!({"ipv6_addresses": ["x"]}), "Ipv6Address.1=x", six),
            "InvalidIp.Address 403",
        ),
        (
            E::EniAddressCount,
            give("$eni", json!({"private_ip_addresses": many}), &numbered("PrivateIpAddress", &many), four),
            "InvalidParameter 400",
        ),
        (
            E::EniAddressRepeated,
            give(
                "$eni",
                json!({"private_ip_addresses": ["10.0.1.9", "10.0.1.9"]}),
                "PrivateIpAddress.1=10.0.1.9 PrivateIpAddress.2=10.0.1.9",
                four,
            ),
            repeated,
        ),
        (
            E::EniAddressesConflict,
            give(
                "$eni",
                json!({"private_ip_addresses": ["10.0.1.9"], "private_ip_address_count": 1}),
                "PrivateIpAddress.1=10.0.1.9 SecondaryPrivateIpAddressCount=1",
                four,
            ),
            "InvalidParameter.Conflict 400",
        ),
        (
            E::EniPrefixMalformed,
            give("$eni", json!({"ipv4_prefixes": ["10.0.1.1/28"]}), "Ipv4Prefix.1=10.0.1.1/28", four),
            "InvalidIp.IpPrefixNotStrict 403",
        ),
        (
            E::EniPrefixMask,
            give("$eni", json!({"ipv4_prefixes": ["10.0.1.32/27"]}), "Ipv4Prefix.1=10.0.1.32/27", four),
            "InvalidIp.IpPrefixMaskInvalid 403",
        ),
        (
            E::EniNotFound,
            give("eni-1", json!({"private_ip_address_count": 1}), "SecondaryPrivateIpAddressCount=1", four),
            "InvalidEniId.NotFound 404",
        ),
        (
            E::EniInstanceStatusIncorrect,
            give(
                "$starting_eni",
                json!({"private_ip_address_count": 1}),
                "SecondaryPrivateIpAddressCount=1",
                four,
            ),
            "InvalidOperation.InvalidEcsState 400",
        ),
        (
            E::AddressOutside,
            give("$eni", json!({"private_ip_addresses": ["10.0.2.9"]}), "PrivateIpAddress.1=10.0.2.9", four),
            "InvalidVSwitchId.IpInvalid 403",
        ),
        (
            E::AddressInUse,
            give("$eni", json!({"private_ip_addresses": ["10.0.1.2"]}), "PrivateIpAddress.1=10.0.1.2", four),
            "InvalidPrivateIpAddress.Duplicated 400",
        ),
        (
            E::EniVSwitchIpv6Disabled,
            give("$plain", json!({"ipv6_address_count": 1}), "Ipv6AddressCount=1", six),
            "InvalidOperation.VSwitchIpv6Disabled 404",
        ),
        (
            E::AddressExhausted,
            give("$narrow", json!({"private_ip_address_count": 4}), "SecondaryPrivateIpAddressCount=4", four),
            "InvalidVSwitchId.IpNotEnough 403",
        ),
        (
            E::EniPrefixExhausted,
            give("$narrow", json!({"ipv4_prefix_count": 1}), "Ipv4PrefixCount=1", four),
            "InvalidVSwitchId.IpPrefixNotEnough 403",
        ),
        (
            E::EniTypeIpv4Exceeded,
            give(
                "$node_eni",
                json!({"private_ip_address_count": 6}),
                "SecondaryPrivateIpAddressCount=6",
                four,
            ),
            "InvalidOperation.Ipv4CountExceeded 403",
        ),
        (
            E::EniTypeIpv6Exceeded,
            give("$stopped_eni", json!({"ipv6_address_count": 2}), "Ipv6AddressCount=2", six),
            "InvalidOperation.Ipv6CountExceeded 403",
        ),
        (E::MissingParameter, take("$eni", json!({}), "", four), "MissingParameter 400"),
        (
            E::EniNotFound,
            take("eni-1", json!({"private_ip_addresses": ["10.0.1.1"]}), "PrivateIpAddress.1=10.0.1.1", four),
            "InvalidEniId.NotFound 404",
        ),
        (
            E::EniAddressUnassigned,
            take("$eni", json!({"private_ip_addresses": ["10.0.1.1"]}), "PrivateIpAddress.1=10.0.1.1", four),
            unassigned,
        ),
        (
            E::EniAddressUnassigned,
            take("$eni", json!({"private_ip_addresses": ["10.0.1.2"]}), "PrivateIpAddress.1=10.0.1.2", four),
            unassigned,
        ),
        (
            E::EniAddressUnassigned,
            take("$eni", json!({"ipv4_prefixes": ["10.0.1.32/28"]}), "Ipv4Prefix.1=10.0.1.32/28", four),
            unassigned,
        ),
        (
            E::EniAddressUnassigned,
            take("$eni", json!({"ipv6_addresses": ["2408::1"]}), "Ipv6Address.1=2408::1", six),
            unassigned,
        ),
        (
            E::EniInstanceStatusIncorrect,
            take(
                "$starting_eni",
                json!({"private_ip_addresses": ["10.0.1.9"]}),
                "PrivateIpAddress.1=10.0.1.9",
                four,
            ),
            "InvalidOperation.InvalidEcsState 400",
        ),
    ];
    for (rule, (rest, rpc), provider) in rows {
        service.refused(rule, &rest, &rpc, provider).await;
    }
    service.stop().await;
}

#[tokio::test]
async fn an_available_interface_holds_49_and_10_on_both_wires() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    service.created("eni", ENI).await;
    service
        .rpc_ok("AssignPrivateIpAddresses NetworkInterfaceId=$eni SecondaryPrivateIpAddressCount=49")
        .await;
    service.rpc_ok("AssignIpv6Addresses NetworkInterfaceId=$eni Ipv6AddressCount=10").await;
    let (rest, rpc) =
        give("$eni", json!({"private_ip_address_count": 1}), "SecondaryPrivateIpAddressCount=1", false);
    service.refused(E::EniAvailableIpv4Exceeded, &rest, &rpc, "MaxEniPrivateIpsCountExceeded 403").await;
    let (rest, rpc) = give("$eni", json!({"ipv6_address_count": 1}), "Ipv6AddressCount=1", true);
    service.refused(E::EniAvailableIpv6Exceeded, &rest, &rpc, "MaxEniIpv6IpsCountExceeded 403").await;
    // The group's quota, reached by addresses alone.
    service.created("thin", ENI).await;
    let name = sim_core::quota::Quota::AddressesPerBasicGroup.row().name.to_owned();
    service.command(sim_core::quota::AdjustQuota { name, value: 61 }).await;
    let (rest, rpc) =
        give("$thin", json!({"private_ip_address_count": 1}), "SecondaryPrivateIpAddressCount=1", false);
    service.refused(E::SecurityGroupFull, &rest, &rpc, "SecurityGroupInstanceLimitExceed 403").await;
    service.stop().await;
}

#[tokio::test]
async fn addresses_wait_for_the_interface_on_both_wires() {
    let mut service = Service::over(world(Provisioning::Visible)).await;
    service.created("eni", ENI).await;
    service.rest_ok(r#"POST /v1/network-interfaces/$eni/attach {"instance_id":"$node"}"#).await;
    let state = "InvalidOperation.InvalidEniState 400";
    let (rest, rpc) =
        give("$eni", json!({"private_ip_address_count": 1}), "SecondaryPrivateIpAddressCount=1", false);
    service.refused(E::EniStatusIncorrect, &rest, &rpc, state).await;
    let (rest, rpc) =
        take("$eni", json!({"private_ip_addresses": ["10.0.1.9"]}), "PrivateIpAddress.1=10.0.1.9", false);
    service.refused(E::EniStatusIncorrect, &rest, &rpc, state).await;
    service.stop().await;
}
