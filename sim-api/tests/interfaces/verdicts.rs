//! What the groups of an interface make of a session, as the native wire shows it.

use crate::service::hosts::world;
use crate::service::pairs::Service;
use serde_json::json;
use sim_core::ErrorCode as E;
use sim_core::settings::Provisioning;

#[tokio::test]
async fn a_verdict_says_what_decided() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    let body = json!({"direction": "ingress",
        "rules": [{"protocol": "tcp", "port_range": "443/443", "peer_cidr": "0.0.0.0/0"}]});
    let made = service.rest_ok(&format!("POST /v1/security-groups/$sg/rules {body}")).await;
    let rule = made["items"][0]["id"].clone();
    let eni = r#"POST /v1/network-interfaces {"vswitch_id":"$web","security_group_ids":["$sg"]}"#;
    service.created("eni", eni).await;
    let peer = service.rest_ok("GET /v1/network-interfaces/$node_eni").await["primary_ip_address"].clone();
    let inner = format!("direction=ingress&protocol=tcp&peer_address={}&port=22", peer.as_str().unwrap());
    for (query, allowed, by) in [
        ("direction=ingress&protocol=tcp&peer_address=9.9.9.9&port=443", true, "rule"),
        ("direction=ingress&protocol=6&peer_address=9.9.9.9&port=443&own_address=10.0.1.1", true, "rule"),
        ("direction=ingress&protocol=tcp&peer_address=9.9.9.9&port=444", false, "default"),
        ("direction=egress&protocol=udp&peer_address=9.9.9.9&port=53&source_port=1", true, "default"),
        ("direction=egress&protocol=tcp&peer_address=9.9.9.9&port=25", false, "platform"),
        ("direction=ingress&protocol=icmp&peer_address=9.9.9.9", false, "default"),
        (&inner, true, "inner_access"),
    ] {
        let verdict = service.rest_ok(&format!("GET /v1/network-interfaces/$eni/verdict?{query}")).await;
        assert_eq!((&verdict["allowed"], &verdict["decided_by"]), (&json!(allowed), &json!(by)), "{query}");
        let decided = if by == "rule" { rule.clone() } else { json!(null) };
        assert_eq!(verdict["security_group_rule_id"], decided, "{query}");
        let group = if by == "inner_access" { json!(service.ids["sg"]) } else { json!(null) };
        assert_eq!(verdict["security_group_id"], group, "{query}");
    }
    let tcp = "direction=ingress&protocol=tcp&peer_address=9.9.9.9";
    for (rule, eni, query) in [
        (E::EniNotFound, "eni-1", format!("{tcp}&port=1")),
        (E::MissingParameter, "$eni", tcp.to_owned()),
        (E::InvalidParameter, "$eni", tcp.replace("tcp", "http")),
        (E::InvalidParameter, "$eni", tcp.replace("tcp", "256")),
        (E::InvalidParameter, "$eni", format!("{}&port=1", tcp.replace("tcp", "gre"))),
        (E::InvalidParameter, "$eni", format!("{tcp}&port=1&own_address=10.0.1.9")),
        (E::InvalidParameter, "$eni", "direction=ingress&protocol=icmpv6&peer_address=::1".to_owned()),
        (E::AddressMalformed, "$eni", tcp.replace("9.9.9.9", "9.9.9")),
    ] {
        service.refused(rule, &format!("GET /v1/network-interfaces/{eni}/verdict?{query}"), "", "").await;
    }
    service.stop().await;
}
