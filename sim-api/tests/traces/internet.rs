//! What opens a way to the internet can be carried out as a remedy says, and the cause of there being none is told.

use super::{Net, end, follow, net};
use serde_json::{Value, json};

/// The cause of an end, and how many changes lift it.
fn told(answer: &Value) -> (String, usize) {
    let item = &answer["items"][0];
    let changes = item["remedy"]["changes"].as_array().unwrap_or_else(|| panic!("{answer}")).len();
    (item["end"]["cause"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned(), changes)
}

/// Asks about a flow that finds no way to the internet for this cause, and opens one by a single change.
async fn open(net: &Net, flow: &Value, cause: &str) {
    let answer = net.ask(flow.clone()).await;
    assert_eq!((end(&answer).as_str(), told(&answer)), ("no_public_path", (cause.to_owned(), 1)));
    let opened = follow(net, flow, &answer).await;
    assert_eq!(end(&opened), "delivered", "{opened}");
}

#[tokio::test]
async fn ways_to_the_internet_are_opened_as_remedies_say() {
    let (_server, mut net) = net().await;
    let flow = net.from("www", "47.96.1.1", 443);
    let body = json!({"vpc_id": net.id("vpc"), "vswitch_id": net.id("edge")});
    net.make("nat", "/v1/nat-gateways", body).await;
    net.make("shared", "/v1/eips", json!({})).await;
    let path = format!("/v1/eips/{}/binding", net.id("shared"));
    let target = json!({"target_type": "Nat", "target_id": net.id("nat")});
    net.change("PUT", path, Some(target)).await;
    open(&net, &flow, "no_snat_entry").await;
    // With an IPv4 gateway the way goes on to that, by a table of the NAT gateway's own vSwitch.
    net.table("of-nat", "edge").await;
    net.make("gate", "/v1/ipv4-gateways", json!({"vpc_id": net.id("vpc")})).await;
    net.change("POST", format!("/v1/ipv4-gateways/{}/enable", net.id("gate")), Some(json!({}))).await;
    open(&net, &flow, "no_route_to_gateway").await;
    let steps = net.ask(flow.clone()).await["items"][0]["forward"].clone();
    let asked: Vec<&Value> =
        steps.as_array().unwrap().iter().filter(|step| step["kind"] == "route").collect();
    assert_eq!(asked.len(), 2, "{steps}");
    assert_eq!((asked[0].get("nat_gateway_id"), &asked[1]["nat_gateway_id"]), (None, &json!(net.id("nat"))));
}

#[tokio::test]
async fn an_ipv6_address_gets_bandwidth_as_a_remedy_says() {
    let (_server, mut net) = net().await;
    let body = json!({"cidr_block": "10.1.0.0/16", "enable_ipv6": true});
    net.make("dual", "/v1/vpcs", body).await;
    let body = json!({"vpc_id": net.id("dual"), "zone_id": "cn-hangzhou-k", "cidr_block": "10.1.1.0/24",
        "ipv6_subnet": 1});
    net.make("six", "/v1/vswitches", body).await;
    net.make("six-sg", "/v1/security-groups", json!({"vpc_id": net.id("dual")})).await;
    let body = json!({"instance_type": "ecs.g7.large", "image_id": "aliyun_3_x64_20G_alibase_20240819.vhd",
        "vswitch_id": net.id("six"), "security_group_ids": [net.id("six-sg")],
        "addresses": {"ipv6_address_count": 1}});
    net.make("host", "/v1/instances", body).await;
    net.make("street", "/v1/ipv6-gateways", json!({"vpc_id": net.id("dual")})).await;
    let flow = net.from("host", "2400:3200::1", 443);
    open(&net, &flow, "no_ipv6_bandwidth").await;
}

#[tokio::test]
async fn members_of_a_group_reach_each_other_as_a_remedy_says() {
    let (_server, mut net) = net().await;
    let body = json!({"instance_type": "ecs.g7.large", "image_id": "aliyun_3_x64_20G_alibase_20240819.vhd",
        "vswitch_id": net.id("web"), "security_group_ids": [net.id("web-sg")],
        "primary_ip_address": "10.0.1.11"});
    net.make("twin", "/v1/instances", body).await;
    let path = format!("/v1/security-groups/{}", net.id("web-sg"));
    net.change("PATCH", path, Some(json!({"inner_access_policy": "Drop"}))).await;
    // In the place of one rule another would be needed.
    net.rule("web-sg", "drop", 1, "80/80").await;
    let flow = net.from("www", "10.0.1.11", 80);
    let answer = net.ask(flow.clone()).await;
    assert_eq!(end(&answer), "security_group_drop");
    let changes = &answer["items"][0]["remedy"]["changes"];
    assert_eq!(changes.as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(changes[0]["body"], json!({"inner_access_policy": "Accept"}));
    assert_eq!(end(&follow(&net, &flow, &answer).await), "delivered");
}
