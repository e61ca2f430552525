//! What answers show of the world: fields that were constant once, and parameters that were lost on their way in.

use crate::service::{self, Client, settings};
use crate::wire::Wire;
use serde_json::{Value, json};
use sim_api::Server;
use sim_api::rpc::encoding::percent_encode;
use sim_api::settings::UnknownParams;

/// A load balancer with a server certificate, under `$lb` and `$cert`.
async fn balancer() -> Wire {
    let mut wire = Wire::start().await;
    wire.succeed("Slb CreateLoadBalancer LoadBalancerSpec=slb.s1.small", "lb=/LoadBalancerId").await;
    let upload = "Slb UploadServerCertificate ServerCertificate={@server.pem} PrivateKey={@server.key}";
    wire.succeed(upload, "cert=/ServerCertificateId").await;
    wire
}

/// The listener on a port in the list of all, and what it shows in the object of its kind.
async fn listed(wire: &mut Wire, port: u16) -> (Value, Value) {
    let list = wire.succeed("Slb DescribeLoadBalancerListeners LoadBalancerId.1=$lb", "").await;
    let found = list["Listeners"].as_array().unwrap().iter().find(|l| l["ListenerPort"] == port).unwrap();
    let of_kind = found.as_object().unwrap().iter().find(|(name, _)| name.ends_with("ListenerConfig"));
    (found.clone(), of_kind.unwrap().1.clone())
}

#[tokio::test]
async fn a_vswitch_shows_its_network_acl_on_both_wires() {
    let mut wire = Wire::start().await;
    wire.succeed("Vpc CreateVpc CidrBlock=10.0.0.0/8", "vpc=/VpcId").await;
    wire.succeed("Vpc CreateVSwitch VpcId=$vpc ZoneId=cn-hangzhou-k CidrBlock=10.0.1.0/24", "vsw=/VSwitchId")
        .await;
    let vswitch = wire.succeed("Vpc DescribeVSwitchAttributes VSwitchId=$vsw", "").await;
    assert_eq!(vswitch["NetworkAclId"], "");
    let native = format!("/v1/vswitches/{}", vswitch["VSwitchId"].as_str().unwrap());
    assert_eq!(wire.native().get(&native).await.expect(200)["network_acl_id"], Value::Null);
    let acl = wire.succeed("Vpc CreateNetworkAcl VpcId=$vpc", "acl=/NetworkAclId").await;
    let bind = "NetworkAclId=$acl Resource.1.ResourceType=VSwitch Resource.1.ResourceId=$vsw";
    wire.succeed(&format!("Vpc AssociateNetworkAcl {bind}"), "").await;
    let vswitch = wire.succeed("Vpc DescribeVSwitchAttributes VSwitchId=$vsw", "").await;
    assert_eq!(vswitch["NetworkAclId"], acl["NetworkAclId"]);
    let all = wire.succeed("Vpc DescribeVSwitches VpcId=$vpc", "").await;
    assert_eq!(all["VSwitches"]["VSwitch"][0]["NetworkAclId"], acl["NetworkAclId"]);
    assert_eq!(wire.native().get(&native).await.expect(200)["network_acl_id"], acl["NetworkAclId"]);
    wire.stop().await;
}

#[tokio::test]
async fn an_access_control_list_shows_the_listeners_that_use_it() {
    let mut wire = balancer().await;
    wire.succeed("Slb CreateAccessControlList AclName=offices", "acl=/AclId").await;
    let show = "Slb DescribeAccessControlListAttribute AclId=$acl";
    assert_eq!(wire.succeed(show, "").await["RelatedListeners"], json!({ "RelatedListener": [] }));
    let listener = "Slb CreateLoadBalancerUDPListener LoadBalancerId=$lb ListenerPort=53 Bandwidth=-1";
    let access = "BackendServerPort=53 AclStatus=on AclType=black AclId=$acl";
    wire.succeed(&format!("{listener} {access}"), "").await;
    let balancers = wire.succeed("Slb DescribeLoadBalancers", "").await;
    let id = &balancers["LoadBalancers"]["LoadBalancer"][0]["LoadBalancerId"];
    let related =
        json!([{ "LoadBalancerId": id, "ListenerPort": 53, "Protocol": "udp", "AclType": "black" }]);
    assert_eq!(wire.succeed(show, "").await["RelatedListeners"]["RelatedListener"], related);
    let off = "Slb SetLoadBalancerUDPListenerAttribute LoadBalancerId=$lb ListenerPort=53 AclStatus=off";
    wire.succeed(off, "").await;
    assert_eq!(wire.succeed(show, "").await["RelatedListeners"]["RelatedListener"], related);
    wire.stop().await;
}

#[tokio::test]
async fn a_listener_is_tagged_by_load_balancer_protocol_and_port() {
    let mut wire = balancer().await;
    for kind in ["TCP", "UDP"] {
        let create = format!("Slb CreateLoadBalancer{kind}Listener LoadBalancerId=$lb ListenerPort=80");
        wire.succeed(&format!("{create} Bandwidth=-1 BackendServerPort=80"), "").await;
    }
    let udp = "ResourceType=listener ResourceId.1=$lb_udp_80";
    wire.succeed(&format!("Slb TagResources {udp} Tag.1.Key=team Tag.1.Value=dns"), "").await;
    let found = wire.succeed("Slb ListTagResources ResourceType=listener Tag.1.Key=team", "").await;
    let found = found["TagResources"]["TagResource"].as_array().unwrap().clone();
    assert_eq!(found.len(), 1);
    assert!(found[0]["ResourceId"].as_str().unwrap().ends_with("_udp_80"), "{found:?}");
    assert_eq!((&found[0]["ResourceType"], &found[0]["TagValue"]), (&json!("listener"), &json!("dns")));
    let by_id = wire.succeed(&format!("Slb ListTagResources {udp}"), "").await;
    assert_eq!(by_id["TagResources"]["TagResource"], json!(found));
    let shown = "Slb DescribeLoadBalancerUDPListenerAttribute LoadBalancerId=$lb ListenerPort=80";
    assert_eq!(wire.succeed(shown, "").await["Tags"]["Tag"][0]["TagValue"], "dns");
    wire.succeed(&format!("Slb UntagResources {udp} TagKey.1=team"), "").await;
    assert_eq!(wire.succeed(shown, "").await["Tags"]["Tag"], json!([]));
    wire.stop().await;
}

#[tokio::test]
async fn the_headers_of_client_certificates_are_kept_and_shown() {
    const HEADERS: [&str; 4] = ["SubjectDN", "IssuerDN", "Fingerprint", "ClientVerify"];
    let mut wire = balancer().await;
    let create = "Slb CreateLoadBalancerHTTPSListener LoadBalancerId=$lb ListenerPort=443 Bandwidth=-1 \
         BackendServerPort=80 HealthCheck=off StickySession=off ServerCertificateId=$cert";
    wire.succeed(&format!("{create} XForwardedFor_ClientCertSubjectDN=on"), "").await;
    for asked in
        ["XForwardedFor=on", "XForwardedFor_ClientCertFingerprint=on XForwardedFor_ClientCertSubjectDN=off"]
    {
        let fingerprint = asked.contains("Fingerprint");
        let set =
            format!("Slb SetLoadBalancerHTTPSListenerAttribute LoadBalancerId=$lb ListenerPort=443 {asked}");
        let answer = wire.call(&set).await;
        assert_eq!((answer.status, answer.headers.get("x-cloudnet-unknown-parameters")), (200, None));
        let flat = "Slb DescribeLoadBalancerHTTPSListenerAttribute LoadBalancerId=$lb ListenerPort=443";
        let flat = wire.succeed(flat, "").await;
        let (_, nested) = listed(&mut wire, 443).await;
        for header in HEADERS {
            let on = if fingerprint { header == "Fingerprint" } else { header == "SubjectDN" };
            let name = format!("XForwardedFor_ClientCert{header}");
            let word = if on { "on" } else { "off" };
            assert_eq!((&flat[&name], &nested[&name]), (&json!(word), &json!(word)), "{name}, {asked}");
        }
    }
    wire.stop().await;
}

#[tokio::test]
async fn both_shapes_of_a_listener_say_the_same_of_redirects_and_checks() {
    let mut wire = balancer().await;
    let https = "Slb CreateLoadBalancerHTTPSListener LoadBalancerId=$lb ListenerPort=443 Bandwidth=-1 \
         BackendServerPort=80 HealthCheck=off StickySession=off ServerCertificateId=$cert";
    wire.succeed(https, "").await;
    let http = "Slb CreateLoadBalancerHTTPListener LoadBalancerId=$lb";
    wire.succeed(&format!("{http} ListenerPort=80 HealthCheck=off ListenerForward=on ForwardPort=443"), "")
        .await;
    let flat = "Slb DescribeLoadBalancerHTTPListenerAttribute LoadBalancerId=$lb ListenerPort=80";
    let flat = wire.succeed(flat, "").await;
    let (all, nested) = listed(&mut wire, 80).await;
    for name in ["BackendServerPort", "Bandwidth", "HealthCheck", "Gzip", "StickySession", "IdleTimeout"] {
        assert_eq!((flat.get(name), all.get(name), nested.get(name)), (None, None, None), "{name}");
    }
    assert_eq!((&nested["ListenerForward"], &nested["ForwardPort"]), (&json!("on"), &json!(443)));
    let (_, https) = listed(&mut wire, 443).await;
    assert_eq!(https["HealthCheck"], "off");
    wire.stop().await;
}

#[tokio::test]
async fn the_time_of_draining_is_kept_while_connections_are_cut() {
    let mut wire = balancer().await;
    let create = "Slb CreateLoadBalancerTCPListener LoadBalancerId=$lb ListenerPort=80 Bandwidth=-1";
    wire.succeed(&format!("{create} BackendServerPort=80 ConnectionDrainTimeout=30"), "").await;
    let set = "Slb SetLoadBalancerTCPListenerAttribute LoadBalancerId=$lb ListenerPort=80";
    for (asked, on) in [("Scheduler=rr", "off"), ("ConnectionDrain=on", "on"), ("ConnectionDrain=off", "off")]
    {
        wire.succeed(&format!("{set} {asked}"), "").await;
        let flat = "Slb DescribeLoadBalancerTCPListenerAttribute LoadBalancerId=$lb ListenerPort=80";
        let flat = wire.succeed(flat, "").await;
        assert_eq!((&flat["ConnectionDrain"], &flat["ConnectionDrainTimeout"]), (&json!(on), &json!(30)));
        assert_eq!(flat["HealthCheckMethod"], "get", "an HTTP check of a TCP listener is a GET");
        let native = wire.native().get("/v1/listeners").await.expect(200);
        let traffic = &native["items"][0]["traffic"];
        assert_eq!(
            (&traffic["connection_drain"], &traffic["connection_drain_timeout"]),
            (&json!(on == "on"), &json!(30))
        );
    }
    wire.stop().await;
}

#[tokio::test]
async fn an_unknown_name_inside_json_is_treated_like_any_other() {
    let mut wire = balancer().await;
    wire.succeed("Slb CreateVServerGroup LoadBalancerId=$lb", "group=/VServerGroupId").await;
    wire.succeed("Slb CreateAccessControlList AclName=offices", "acl=/AclId").await;
    let unknown = |answer: &service::Answer| {
        let header = answer.headers.get("x-cloudnet-unknown-parameters");
        header.map(|names| names.to_str().unwrap().to_owned())
    };
    let entries = r#"[{"entry":"10.0.0.0/8"},{"entry":"10.1.0.0/16","Bogus":1,"Comment":"a"}]"#;
    let answer = wire.call(&format!("Slb AddAccessControlListEntry AclId=$acl AclEntrys={entries}")).await;
    assert_eq!((answer.status, unknown(&answer)), (200, Some("AclEntrys.2.Bogus".to_owned())));
    // What the provider documents and what clients send of their own is known, in any case.
    let known =
        r#"[{"serverId":"i-none","Port":80,"ServerRegionId":"cn-hangzhou","TargetRef":{"Kind":"Pod"}}]"#;
    let add = "Slb AddVServerGroupBackendServers VServerGroupId=$group";
    let answer = wire.call(&format!("{add} BackendServers={known}")).await;
    assert_eq!((answer.status, unknown(&answer)), (400, None), "{}", answer.body);
    wire.stop().await;

    let strict = sim_api::ServeSettings { unknown_params: UnknownParams::Refuse, ..settings() };
    let server = Server::start(strict).await.unwrap();
    let client = Client::new(&server);
    let list = percent_encode(r#"[{"ServerId":"i-1","Port":80,"Wieght":5}]"#);
    let call = "/?Action=AddVServerGroupBackendServers&Version=2014-05-15&RegionId=cn-hangzhou&Format=JSON";
    let refused = client.get(&format!("{call}&VServerGroupId=rsp-1&BackendServers={list}")).await;
    assert_eq!((refused.status, &refused.body["Code"]), (400, &json!("InvalidParameter")));
    let message = refused.body["Message"].as_str().unwrap();
    assert!(message.contains("BackendServers.1.Wieght"), "{message}");
    drop(client);
    server.stop().await.unwrap();
}
