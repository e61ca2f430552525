//! Each rule of attaching and detaching on both wires.

use crate::service::hosts::world;
use crate::service::pairs::{Service, WORLD};
use serde_json::json;
use sim_api::engine::Advance;
use sim_core::settings::Provisioning;
use sim_core::{ErrorCode as E, Span};

const ENI: &str = r#"POST /v1/network-interfaces {"vswitch_id":"$web","security_group_ids":["$sg"]}"#;
const TRUNK: &str =
    r#"POST /v1/network-interfaces {"vswitch_id":"$web","security_group_ids":["$sg"],"type":"Trunk"}"#;

fn attach(eni: &str, instance: &str) -> (String, String) {
    let body = json!({"instance_id": instance});
    (
        format!("POST /v1/network-interfaces/{eni}/attach {body}"),
        format!("AttachNetworkInterface NetworkInterfaceId={eni} InstanceId={instance}"),
    )
}

fn member(eni: &str, instance: &str, trunk: &str) -> (String, String) {
    let body = json!({"instance_id": instance, "trunk_network_interface_id": trunk});
    let (_, rpc) = attach(eni, instance);
    (
        format!("POST /v1/network-interfaces/{eni}/attach {body}"),
        format!("{rpc} TrunkNetworkInstanceId={trunk}"),
    )
}

fn detach(eni: &str, instance: &str) -> (String, String) {
    (
        format!("POST /v1/network-interfaces/{eni}/detach"),
        format!("DetachNetworkInterface NetworkInterfaceId={eni} InstanceId={instance}"),
    )
}

#[tokio::test]
async fn every_rule_of_attachment_on_both_wires() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    for name in ["free", "used", "extra", "carried"] {
        service.created(name, ENI).await;
    }
    for name in ["trunk", "idle"] {
        service.created(name, TRUNK).await;
    }
    service.created("remote", &ENI.replace("$web", "$away")).await;
    let rich = json!({"vswitch_id": "$web", "security_group_ids": ["$sg"],
        "addresses": {"private_ip_address_count": 10}});
    service.created("rich", &format!("POST /v1/network-interfaces {rich}")).await;
    let dual =
        json!({"vswitch_id": "$web", "security_group_ids": ["$sg"], "addresses": {"ipv6_address_count": 2}});
    service.created("dual", &format!("POST /v1/network-interfaces {dual}")).await;
    service.rest_ok(&attach("$used", "$node").0).await;
    service.rpc_ok(&attach("$trunk", "$stopped").1).await;
    service.rpc_ok(&member("$carried", "$stopped", "$trunk").1).await;
    let no_host = "i-bp1000000000000000zz";
    let rows: Vec<(E, (String, String), &str)> = vec![
        (E::EniNotFound, attach("eni-1", "$node"), "InvalidEniId.NotFound 404"),
        (E::InstanceNotFound, attach("$free", no_host), "InvalidEcsId.NotFound 404"),
        (E::EniVpcMismatch, attach("$free", "$foreign"), "InvalidOperation.VpcMismatch 403"),
        (E::EniZoneMismatch, attach("$remote", "$node"), "InvalidOperation.AvailabilityZoneMismatch 403"),
        (E::EniKindDenied, attach("$node_eni", "$stopped"), "InvalidOperation.InvalidEniType 403"),
        (E::EniStatusIncorrect, attach("$used", "$node"), "InvalidOperation.InvalidEniState 400"),
        (E::EniInstanceStatusIncorrect, attach("$free", "$starting"), "InvalidOperation.InvalidEcsState 400"),
        (
            E::EniTrunkUnsupported,
            attach("$idle", "$node"),
            "InvalidOperation.InstanceTypeNotSupportEniTrunking 403",
        ),
        (E::EniNotTrunk, member("$free", "$node", "$used"), "InvalidOperation.EniTypeNotSupportTrunking 403"),
        (E::EniNotOfInstance, member("$free", "$node", "$trunk"), "InvalidParameter.EniNotBelongEcs 403"),
        (
            E::EniCannotBeMember,
            member("$idle", "$stopped", "$trunk"),
            "InvalidOperation.EniTypeNotSupportAttachToTrunk 403",
        ),
        (E::EniTypeIpv4Exceeded, attach("$rich", "$stopped"), "InvalidOperation.Ipv4CountExceeded 403"),
        (E::EniTypeIpv6Exceeded, attach("$dual", "$stopped"), "InvalidOperation.Ipv6CountExceeded 400"),
        (E::EniNotFound, detach("eni-1", "$node"), "InvalidEniId.NotFound 404"),
        (E::InstanceNotFound, (String::new(), detach("$used", no_host).1), "InvalidEcsId.NotFound 404"),
        (
            E::EniPrimaryDetach,
            detach("$node_eni", "$node"),
            "InvalidOperation.DetachPrimaryEniNotAllowed 400",
        ),
        (E::EniStatusIncorrect, detach("$free", "$node"), "InvalidOperation.InvalidEniState 400"),
        (
            E::EniNotOfInstance,
            (String::new(), detach("$used", "$stopped").1),
            "InvalidParameter.EniNotBelongEcs 403",
        ),
        (
            E::EniNotOfTrunk,
            (String::new(), format!("{} TrunkNetworkInstanceId=$trunk", detach("$used", "$node").1)),
            "InvalidParameter.EniNotBelongTrunk 403",
        ),
        (E::EniHasMembers, detach("$trunk", "$stopped"), "InvalidOperation.HasMemberEniAttached 403"),
    ];
    for (rule, (rest, rpc), provider) in rows {
        service.refused(rule, &rest, &rpc, provider).await;
    }
    service.rest_ok(&attach("$free", "$node").0).await;
    let (rest, rpc) = attach("$extra", "$node");
    service.refused(E::EniPerInstanceExceeded, &rest, &rpc, "EniPerInstanceLimitExceeded 403").await;
    for name in ["m2", "m3", "m4"] {
        service.created(name, ENI).await;
    }
    for name in ["$m2", "$m3"] {
        service.rest_ok(&member(name, "$stopped", "$trunk").0).await;
    }
    let (rest, rpc) = member("$m4", "$stopped", "$trunk");
    service.refused(E::EniTrunkFull, &rest, &rpc, "InvalidOperation.EniTrunkDeviceFull 403").await;
    let shown = service.rpc_ok("DescribeNetworkInterfaceAttribute NetworkInterfaceId=$trunk").await;
    let ids = &service.ids;
    assert_eq!(
        shown["Attachment"]["MemberNetworkInterfaceIds"]["MemberNetworkInterfaceId"],
        json!([ids["carried"], ids["m2"], ids["m3"]])
    );
    let blocked = service.rest_ok("GET /v1/network-interfaces/$trunk/dependents").await;
    let codes: Vec<_> = blocked["dependents"].as_array().unwrap().iter().map(|d| d["code"].clone()).collect();
    assert_eq!(codes, ["eni_status_incorrect", "eni_has_members"]);
    service.stop().await;
}

#[tokio::test]
async fn transitions_are_seen_by_whoever_polls() {
    let mut service = Service::over(world(Provisioning::Documented)).await;
    service.created("eni", ENI).await;
    service.created("trunk", TRUNK).await;
    let clock = service.server.app().engine.world(WORLD).unwrap();
    let s = &service;
    let status = || async {
        let page = s.rpc_ok("DescribeNetworkInterfaces NetworkInterfaceId.1=$eni").await;
        let shown = &page["NetworkInterfaceSets"]["NetworkInterfaceSet"][0];
        (shown["Status"].as_str().unwrap().to_owned(), shown["InstanceId"].as_str().unwrap().to_owned())
    };
    let (node, none) = (s.ids["node"].clone(), String::new());
    assert_eq!(status().await, ("Available".to_owned(), none.clone()));
    let shown = s.rest_ok(&attach("$eni", "$node").0).await;
    assert_eq!((&shown["status"], &shown["instance_id"]), (&json!("Attaching"), &json!(node)));
    let (rest, rpc) = detach("$eni", "$node");
    s.refused(E::EniStatusIncorrect, &rest, &rpc, "InvalidOperation.InvalidEniState 400").await;
    clock.advance(Advance::By(Span(2_999))).await.unwrap();
    assert_eq!(status().await, ("Attaching".to_owned(), node.clone()));
    clock.advance(Advance::By(Span(1))).await.unwrap();
    assert_eq!(status().await, ("InUse".to_owned(), node.clone()));
    s.rpc_ok(&rpc).await;
    // A detachment may be asked for again.
    s.rpc_ok(&rpc).await;
    assert_eq!(status().await, ("Detaching".to_owned(), node));
    clock.advance(Advance::By(Span(3_000))).await.unwrap();
    assert_eq!(status().await, ("Available".to_owned(), none));
    s.rpc_ok(&attach("$trunk", "$stopped").1).await;
    let (rest, rpc) = member("$eni", "$stopped", "$trunk");
    s.refused(E::EniTrunkStatus, &rest, &rpc, "InvalidOperation.InvalidTrunkEniStatus 403").await;
    drop(clock);
    service.stop().await;
}
