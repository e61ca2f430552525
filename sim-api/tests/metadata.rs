//! The metadata service: whose it is, what it says, tokens, and keys that the provider wire takes.

mod process;
mod service;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use process::Dir;
use serde_json::{Value, json};
use service::{Client, settings};
use sim_api::doors::Peer;
use sim_api::rpc::Params;
use sim_api::rpc::sign::{v1_signature, v1_string_to_sign};
use sim_api::{ServeSettings, Server};
use std::fs;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::ServiceExt;

/// The action that tells who calls, and its version.
const IDENTITY: (&str, &str) = ("GetCallerIdentity", "2015-04-01");
const TTL: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aliyun-ecs-metadata-token";

const SEED: &str = r#"
[[vpcs]]
name = "net"
cidr_block = "10.0.0.0/16"
enable_ipv6 = true

[[vswitches]]
name = "rack"
vpc_id = "@net"
zone_id = "cn-hangzhou-k"
cidr_block = "10.0.1.0/24"
ipv6_subnet = 4

[[security-groups]]
as = "group"
vpc_id = "@net"

[[instances]]
name = "node"
host_name = "node-1"
instance_type = "ecs.g7.large"
image_id = "aliyun_3_x64_20G_alibase_20240819.vhd"
vswitch_id = "@rack"
security_group_ids = ["@group"]
primary_ip_address = "10.0.1.7"
addresses = { ipv6_address_count = 1 }
ram_role_name = "node-role"
user_data = "IyEvYmluL3NoCmVjaG8gdHdvCg=="

[[instances]]
as = "other"
name = "twin"
instance_type = "ecs.g7.large"
image_id = "aliyun_3_x64_20G_alibase_20240819.vhd"
vswitch_id = "@rack"
security_group_ids = ["@group"]

[[instances]]
as = "stopped"
name = "twin"
instance_type = "ecs.g7.large"
image_id = "aliyun_3_x64_20G_alibase_20240819.vhd"
vswitch_id = "@rack"
security_group_ids = ["@group"]
start = false

[[network-interfaces]]
as = "card"
vswitch_id = "@rack"
security_group_ids = ["@group"]

[[network-interfaces.attach]]
instance_id = "@node"

[[eips]]
as = "ip"

[[calls]]
call = "PUT /v1/eips/@ip/binding"
body = { target_id = "@node" }
"#;

/// A server with the seed; what is said to it.
struct Lab {
    server: Server,
    _dir: Dir,
}

impl Lab {
    async fn start(change: impl FnOnce(ServeSettings) -> ServeSettings) -> Lab {
        let dir = Dir::new();
        let seed = dir.file("seed.toml");
        fs::write(&seed, SEED).unwrap();
        let settings = change(ServeSettings { seed: Some(seed), ..settings() });
        let server = Server::start(settings).await.unwrap_or_else(|error| panic!("{error}"));
        Lab { server, _dir: dir }
    }

    /// One request; its status and text.
    async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        from: Option<&str>,
    ) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(path).header("host", "100.100.100.200");
        if path.starts_with("/metadata/") || path.starts_with("/?") {
            request = Request::builder().method(method).uri(path).header("host", "localhost");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        if let Some(address) = from {
            let address = format!("{address}:9").parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(Peer { address, user: None }));
        }
        let router = sim_api::router::service(self.server.app().clone());
        let response = router.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn item(&self, item: &str) -> String {
        let (status, text) =
            self.ask("GET", &format!("/metadata/node/latest/meta-data/{item}"), &[], None).await;
        assert_eq!(status, 200, "{item}: {text}");
        text
    }

    /// Who the keys of the role of `node` say that they are.
    async fn is_told_its_role(&self, keys: &Value) {
        let request = signed_call(IDENTITY, keys, keys["SecurityToken"].as_str());
        let (status, text) = self.ask("GET", &request, &[], None).await;
        assert_eq!(status, 200, "{text}");
        let mut seen: Value = serde_json::from_str(&text).unwrap();
        seen.as_object_mut().unwrap().remove("RequestId");
        let node =
            self.ask("GET", "/metadata/node/latest/meta-data/instance-id", &[], Some("127.0.0.1")).await.1;
        let (account, role) = ("1000000000000001", seen["RoleId"].as_str().unwrap().to_owned());
        assert!(role.len() == 18 && role.bytes().all(|b| b.is_ascii_digit()), "{role}");
        let wanted = json!({
            "AccountId": account,
            "Arn": format!("acs:ram::{account}:assumed-role/node-role/vm-ram-{node}"),
            "IdentityType": "AssumedRoleUser",
            "PrincipalId": format!("{role}:vm-ram-{node}"),
            "RoleId": role,
            "UserId": "",
        });
        assert_eq!(seen, wanted);
    }

    /// An object of the native wire.
    async fn object(&self, path: &str, name: &str) -> Value {
        let page = Client::new(&self.server).get(path).await.expect(200);
        let found = page["items"].as_array().unwrap().iter().find(|one| one["name"] == name);
        found.unwrap_or_else(|| panic!("{page}")).clone()
    }
}

#[tokio::test]
async fn every_item_is_that_of_the_world() {
    let lab = Lab::start(|s| s).await;
    let node = lab.object("/v1/instances", "node").await;
    let net = lab.object("/v1/vpcs", "net").await;
    let rack = lab.object("/v1/vswitches", "rack").await;
    let eip = Client::new(&lab.server).get("/v1/eips").await.expect(200)["items"][0]["ip_address"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mac = lab.item("mac").await;
    let cards = lab.item("network/interfaces/macs/").await;
    assert_eq!(cards.split('\n').count(), 2, "{cards}");
    assert!(cards.split('\n').any(|card| card == format!("{mac}/")), "{cards}");
    let card = |name: &str| format!("network/interfaces/macs/{mac}/{name}");
    let ipv6 = text(&rack["ipv6_cidr_block"]);
    let gateway = ipv6.replace("::/64", ":ffff:ffff:ffff:fff7");
    let rows = [
        ("instance-id".to_owned(), text(&node["id"])),
        ("instance/instance-type".to_owned(), "ecs.g7.large".to_owned()),
        ("instance/instance-name".to_owned(), "node".to_owned()),
        ("hostname".to_owned(), "node-1".to_owned()),
        ("image-id".to_owned(), text(&node["image_id"])),
        ("region-id".to_owned(), "cn-hangzhou".to_owned()),
        ("zone-id".to_owned(), "cn-hangzhou-k".to_owned()),
        ("owner-account-id".to_owned(), "1000000000000001".to_owned()),
        ("network-type".to_owned(), "vpc".to_owned()),
        ("dns-conf/nameservers".to_owned(), "100.100.2.136\n100.100.2.138".to_owned()),
        ("vpc-id".to_owned(), text(&net["id"])),
        ("vpc-cidr-block".to_owned(), "10.0.0.0/16".to_owned()),
        ("vswitch-id".to_owned(), text(&rack["id"])),
        ("vswitch-cidr-block".to_owned(), "10.0.1.0/24".to_owned()),
        ("private-ipv4".to_owned(), "10.0.1.7".to_owned()),
        ("eipv4".to_owned(), text(&eip)),
        ("ram/security-credentials/".to_owned(), "node-role".to_owned()),
        (card("network-interface-id"), text(&node["primary_network_interface_id"])),
        (card("vpc-id"), text(&net["id"])),
        (card("vswitch-id"), text(&rack["id"])),
        (card("primary-ip-address"), "10.0.1.7".to_owned()),
        (card("private-ipv4s"), "[\"10.0.1.7\"]".to_owned()),
        (card("vswitch-cidr-block"), "10.0.1.0/24".to_owned()),
        (card("vpc-cidr-block"), "10.0.0.0/16".to_owned()),
        (card("netmask"), "255.255.255.0".to_owned()),
        (card("gateway"), "10.0.1.253".to_owned()),
        (card("vswitch-ipv6-cidr-block"), ipv6.clone()),
        (card("ipv6-gateway"), gateway),
    ];
    for (item, wanted) in rows {
        assert_eq!(lab.item(&item).await, wanted, "{item}");
    }
    assert!(lab.item(&card("ipv6s")).await.starts_with(&format!("[{}", ipv6.trim_end_matches(":/64"))));
    let disk = lab.item("disks/").await;
    assert_eq!(lab.item(&format!("disks/{disk}id")).await, text(&node["system_disk"]["id"]));
    let (status, script) = lab.ask("GET", "/metadata/node/latest/user-data", &[], None).await;
    assert_eq!((status, script.as_str()), (200, "#!/bin/sh\necho two\n"));
    // A level names what is below it, directories with a slash.
    assert_eq!(lab.item("instance/").await, "instance-name\ninstance-type");
    let level = async |path: &str| lab.ask("GET", &format!("/metadata/node/latest/{path}"), &[], None).await;
    assert_eq!(level("").await, (200, "api/\nmeta-data/\nuser-data".to_owned()));
    assert_eq!(level("api/").await, (200, "token".to_owned()));
    let top = lab.item("").await;
    for name in ["instance-id", "network/", "ram/", "disks/"] {
        assert!(top.split('\n').any(|one| one == name), "{name} in {top}");
    }
    lab.server.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let lab = Lab::start(|s| s).await;
    let other = lab.object("/v1/instances", "twin").await["id"].as_str().unwrap().to_owned();
    let rows = [
        ("/metadata/node/latest/meta-data/nothing", "There is no item \"nothing\""),
        ("/metadata/node/latest/meta-datas", "there are meta-data/, user-data and api/token"),
        ("/metadata/node/latest/meta-data/ram/security-credentials/admin", "has no role \"admin\""),
        ("/metadata/nobody/latest/meta-data/", "There is no instance \"nobody\""),
        ("/metadata/nobody/latest/", "There is no instance \"nobody\""),
        ("/latest/", "--metadata-instance"),
        ("/metadata/twin/latest/meta-data/", "Several instances are called \"twin\""),
        ("/metadata/node@elsewhere/latest/meta-data/", "elsewhere"),
        ("/latest/meta-data/instance-id", "--metadata-instance"),
    ];
    for (path, wanted) in rows {
        let (status, text) = lab.ask("GET", path, &[], None).await;
        assert!(status == 404 && text.contains(wanted), "{path}: {status} {text}");
    }
    // Neither addresses of version 6 nor a role are made up for whoever has none.
    let page = Client::new(&lab.server).get("/v1/instances").await.expect(200);
    let twins = page["items"].as_array().unwrap().iter().filter(|one| one["name"] == "twin");
    let running = twins.clone().find(|one| one["status"] == "Running").unwrap()["id"].as_str().unwrap();
    let stopped = twins.clone().find(|one| one["status"] == "Stopped").unwrap()["id"].as_str().unwrap();
    let at = |id: &str, item: &str| format!("/metadata/{id}/latest/meta-data/{item}");
    let (_, mac) = lab.ask("GET", &at(running, "mac"), &[], None).await;
    for item in
        [format!("network/interfaces/macs/{mac}/ipv6s"), "ram/security-credentials/".into(), "eipv4".into()]
    {
        assert_eq!(lab.ask("GET", &at(running, &item), &[], None).await.0, 404, "{item}");
    }
    let (status, text) = lab.ask("GET", &format!("/metadata/{running}/latest/user-data"), &[], None).await;
    assert!(status == 404 && text.contains("has no user data"), "{status} {text}");
    let (_, text) = lab.ask("GET", &format!("/metadata/{running}/latest/"), &[], None).await;
    assert_eq!(text, "api/\nmeta-data/", "what it does not have is not listed");
    let (status, text) = lab.ask("GET", &at(stopped, "mac"), &[], None).await;
    assert!(status == 404 && text.contains("is Stopped: it asks nothing"), "{status} {text}");
    assert_eq!(lab.ask("POST", &at(&other, "mac"), &[], None).await.0, 405);
    lab.server.stop().await.unwrap();
}

#[tokio::test]
async fn tokens_are_for_one_instance_and_end() {
    let lab = Lab::start(|s| s).await;
    let put = "/metadata/node/latest/api/token";
    let (status, token) = lab.ask("PUT", put, &[(TTL, "21600")], None).await;
    assert_eq!(status, 200, "{token}");
    let mac = "/metadata/node/latest/meta-data/mac";
    assert_eq!(lab.ask("GET", mac, &[(TOKEN, &token)], None).await.0, 200);
    for ttl in ["0", "21601", "-1", "long", ""] {
        let (status, text) = lab.ask("PUT", put, &[(TTL, ttl)], None).await;
        assert!(status == 400 && text.contains("Missing or Invalid Parameters"), "{ttl}: {status} {text}");
    }
    assert_eq!(lab.ask("PUT", put, &[], None).await.0, 400);
    assert_eq!(lab.ask("GET", put, &[(TTL, "60")], None).await.0, 405);
    let forwarded = [(TTL, "60"), ("x-forwarded-for", "10.0.0.1")];
    assert_eq!(lab.ask("PUT", put, &forwarded, None).await.0, 403);
    assert_eq!(lab.ask("GET", mac, &[(TOKEN, "another")], None).await.0, 401);
    let twins = Client::new(&lab.server).get("/v1/instances").await.expect(200);
    let twins = twins["items"].as_array().unwrap();
    let twin = twins.iter().find(|i| i["name"] == "twin" && i["status"] == "Running").unwrap();
    let path = format!("/metadata/{}/latest/meta-data/mac", twin["id"].as_str().unwrap());
    assert_eq!(lab.ask("GET", &path, &[(TOKEN, &token)], None).await.0, 401, "another instance's");
    lab.server.stop().await.unwrap();
}

#[tokio::test]
async fn an_instance_asks_with_a_token_only_or_not_at_all() {
    let lab = Lab::start(|s| s).await;
    let options =
        format!("/v1/instances/{}/metadata-options", lab.object("/v1/instances", "node").await["id"]);
    let options = options.replace('"', "");
    let client = Client::new(&lab.server);
    let put = "/metadata/node/latest/api/token";
    let (_, token) = lab.ask("PUT", put, &[(TTL, "60")], None).await;
    let asked = ["/metadata/node/latest/meta-data/mac", "/metadata/node/latest/user-data"];
    client.patch(&options, json!({"tokens_required": true})).await.expect(200);
    for path in asked {
        let (status, text) = lab.ask("GET", path, &[], None).await;
        assert!(
            status == 401 && text.contains("asks with a token only; PUT /latest/api/token"),
            "{status} {text}"
        );
        assert_eq!(lab.ask("GET", path, &[(TOKEN, &token)], None).await.0, 200, "{path}");
        assert_eq!(lab.ask("GET", path, &[(TOKEN, "another")], None).await.0, 401, "{path}");
    }
    assert_eq!(lab.ask("PUT", put, &[(TTL, "60")], None).await.0, 200);
    client.patch(&options, json!({"enabled": false, "tokens_required": false})).await.expect(200);
    for (method, path) in [("GET", asked[0]), ("GET", asked[1]), ("PUT", put)] {
        let (status, text) = lab.ask(method, path, &[(TOKEN, &token), (TTL, "60")], None).await;
        assert!(status == 403 && text.contains("is disabled"), "{path}: {status} {text}");
    }
    client.patch(&options, json!({"enabled": true})).await.expect(200);
    assert_eq!(lab.ask("GET", asked[0], &[], None).await.0, 200);
    lab.server.stop().await.unwrap();
}

#[tokio::test]
async fn the_instance_is_the_one_that_is_chosen() {
    let lab = Lab::start(|s| ServeSettings { metadata_instance: Some("node".into()), ..s }).await;
    let node = lab.item("instance-id").await;
    let path = "/latest/meta-data/instance-id";
    assert_eq!(lab.ask("GET", path, &[], None).await, (200, node.clone()), "by the setting");
    assert_eq!(lab.ask("GET", "/latest/", &[], None).await.1, "api/\nmeta-data/\nuser-data");
    let from_twin =
        lab.object("/v1/instances", "twin").await["primary_ip_address"].as_str().map(str::to_owned);
    assert_eq!(
        lab.ask("GET", path, &[], from_twin.as_deref()).await.1,
        node,
        "the setting goes before the address"
    );
    assert_eq!(lab.ask("GET", path, &[], Some("127.0.0.1")).await.1, node);
    for (name, value) in [("cloudnet-instance", "nobody"), ("proxy-authorization", "Basic bm9ib2R5Og==")] {
        let (status, text) = lab.ask("GET", path, &[(name, value)], None).await;
        assert!(status == 404 && text.contains("\"nobody\""), "{name}: {status} {text}");
    }
    lab.server.stop().await.unwrap();

    let lab = Lab::start(|s| s).await;
    assert_eq!(lab.ask("GET", path, &[], Some("10.0.1.7")).await, (200, node.clone()), "by its address");
    let (status, text) = lab.ask("GET", path, &[], Some("10.0.1.99")).await;
    assert!(status == 404 && text.contains("10.0.1.99, which no instance has"), "{text}");
    // The same address in a second VPC says no more who asks.
    let client = Client::new(&lab.server);
    let vpc = client.post("/v1/vpcs", json!({"cidr_block": "10.0.0.0/16"})).await.expect(201)["id"].clone();
    let body = json!({"vpc_id": vpc, "zone_id": "cn-hangzhou-k", "cidr_block": "10.0.1.0/24"});
    let vswitch = client.post("/v1/vswitches", body).await.expect(201)["id"].clone();
    let group = client.post("/v1/security-groups", json!({"vpc_id": vpc})).await.expect(201)["id"].clone();
    let body = json!({"instance_type": "ecs.g7.large", "image_id": "aliyun_3_x64_20G_alibase_20240819.vhd",
        "vswitch_id": vswitch, "security_group_ids": [group], "primary_ip_address": "10.0.1.7"});
    client.post("/v1/instances", body).await.expect(201);
    let (status, text) = lab.ask("GET", path, &[], Some("10.0.1.7")).await;
    assert!(status == 404 && text.contains("several VPCs"), "{text}");
    // A world of its own is named behind the instance.
    client.post("/v1/worlds/default/fork", json!({"name": "copy"})).await.expect(201);
    let (status, text) = lab.ask("GET", "/metadata/node@copy/latest/meta-data/instance-id", &[], None).await;
    assert_eq!((status, text), (200, node));
    lab.server.stop().await.unwrap();
}

/// A signed request of the provider wire.
fn signed(keys: &Value, token: Option<&str>) -> String {
    signed_call(("DescribeVpcs", "2016-04-28"), keys, token)
}

/// A signed request for an action of a version.
fn signed_call((action, version): (&str, &str), keys: &Value, token: Option<&str>) -> String {
    static NONCES: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let nonce = NONCES.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
    let now = sim_core::SimTime(sim_api::engine::wall_now()).to_seconds_text();
    let mut pairs = vec![
        ("Action", action),
        ("Version", version),
        ("Format", "JSON"),
        ("RegionId", "cn-hangzhou"),
        ("AccessKeyId", keys["AccessKeyId"].as_str().unwrap()),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", nonce.as_str()),
        ("Timestamp", now.as_str()),
    ];
    pairs.extend(token.map(|token| ("SecurityToken", token)));
    let text = v1_string_to_sign(&axum::http::Method::GET, &Params::from_pairs(pairs.clone()).unwrap());
    let signature = v1_signature(keys["AccessKeySecret"].as_str().unwrap(), &text);
    pairs.push(("Signature", &signature));
    let encode = sim_api::rpc::encoding::percent_encode;
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("/?{}", pairs.join("&"))
}

#[tokio::test]
async fn the_keys_of_a_role_are_taken_by_the_provider_wire() {
    let file = Dir::new();
    let credentials = file.file("keys.toml");
    fs::write(&credentials, "[[credential]]\naccess_key_id='a'\naccess_key_secret='s'\naccount='2'\n")
        .unwrap();
    let lab = Lab::start(|s| ServeSettings { credentials: Some(credentials), ..s }).await;
    let path = "/metadata/node/latest/meta-data/ram/security-credentials/node-role";
    let (status, text) = lab.ask("GET", path, &[], Some("127.0.0.1")).await;
    assert_eq!(status, 200, "{text}");
    let keys: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(keys["Code"], "Success");
    assert!(keys["Expiration"].as_str().unwrap() > keys["LastUpdated"].as_str().unwrap(), "{keys}");
    let token = keys["SecurityToken"].as_str().unwrap();
    let (status, seen) = lab.ask("GET", &signed(&keys, Some(token)), &[], None).await;
    // They are the account of the instance, not that of the file.
    assert!(status == 200 && seen.contains("\"TotalCount\":1"), "{seen}");
    lab.is_told_its_role(&keys).await;
    let own = json!({"AccessKeyId": "a", "AccessKeySecret": "s"});
    let (status, seen) = lab.ask("GET", &signed_call(IDENTITY, &own, None), &[], None).await;
    let seen: Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(
        (status, &seen["IdentityType"], &seen["Arn"]),
        (200, &json!("Account"), &json!("acs:ram::2:root"))
    );
    assert_eq!((&seen["UserId"], seen.get("RoleId")), (&json!("2"), None));
    // Asked again, the same keys: they hold for hours.
    assert_eq!(lab.ask("GET", path, &[], Some("127.0.0.1")).await.1, text);
    let mut wrong = keys.clone();
    wrong["AccessKeySecret"] = "another".into();
    let mut unknown = keys.clone();
    unknown["AccessKeyId"] = "STS.unknown".into();
    let rows = [
        (signed(&keys, None), 400, "MissingSecurityToken"),
        (signed(&keys, Some("another")), 400, "InvalidSecurityToken.MismatchWithAccessKey"),
        (signed(&wrong, Some(token)), 400, "SignatureDoesNotMatch"),
        (signed(&own, Some("nonsense")), 400, "InvalidSecurityToken.Malformed"),
        (signed(&unknown, Some(token)), 404, "InvalidAccessKeyId.NotFound"),
    ];
    for (request, status, code) in rows {
        let (got, text) = lab.ask("GET", &request, &[], None).await;
        assert!(got == status && text.contains(code), "{code}: {got} {text}");
    }
    // Nobody from another machine says which instance it is, and so gets its keys.
    let (status, text) = lab.ask("GET", path, &[], Some("10.0.1.99")).await;
    assert!(status == 403 && text.contains("only a client on this machine"), "{text}");
    // An expired key says so.
    let app = lab.server.app();
    let later = sim_api::engine::wall_now() / 1000 + 6 * 60 * 60;
    let expired = app.metadata.role_key(keys["AccessKeyId"].as_str().unwrap(), later).unwrap_err();
    assert_eq!(expired.code, "InvalidSecurityToken.Expired");
    let earlier = later - 60 * 60;
    assert!(app.metadata.role_key(keys["AccessKeyId"].as_str().unwrap(), earlier).unwrap().is_some());
    lab.server.stop().await.unwrap();
}

#[tokio::test]
async fn without_a_credentials_file_the_keys_choose_world_and_account() {
    let lab = Lab::start(|s| s).await;
    let client = Client::new(&lab.server);
    client.post("/v1/worlds/default/fork", json!({"name": "copy"})).await.expect(201);
    client.world("copy").post("/v1/vpcs", json!({"name": "second"})).await.expect(201);
    let path = "/metadata/node@copy/latest/meta-data/ram/security-credentials/node-role";
    let keys: Value = serde_json::from_str(&lab.ask("GET", path, &[], None).await.1).unwrap();
    let token = keys["SecurityToken"].as_str();
    let (_, seen) = lab.ask("GET", &signed(&keys, token), &[], None).await;
    assert!(seen.contains("\"TotalCount\":2"), "{seen}");
    lab.is_told_its_role(&keys).await;
    let rows =
        [(None, "MissingSecurityToken"), (Some("other"), "InvalidSecurityToken.MismatchWithAccessKey")];
    for (token, code) in rows {
        let (status, text) = lab.ask("GET", &signed(&keys, token), &[], None).await;
        assert!(status == 400 && text.contains(code), "{code}: {status} {text}");
    }
    // Other keys are nobody's: there is nothing to hold a token against.
    let any = json!({"AccessKeyId": "any", "AccessKeySecret": "any"});
    let (status, seen) = lab.ask("GET", &signed_call(IDENTITY, &any, Some("token")), &[], None).await;
    assert!(status == 200 && seen.contains("acs:ram::1000000000000001:root"), "{status} {seen}");
    lab.server.stop().await.unwrap();
}

#[tokio::test]
async fn a_proxy_leads_there_with_the_instance_as_its_user() {
    let lab = Lab::start(|s| s).await;
    let node = lab.item("instance-id").await;
    let user = "Proxy-Authorization: Basic bm9kZTo=\r\n";
    let absolute = format!(
        "GET http://100.100.100.200/latest/meta-data/instance-id HTTP/1.1\r\nHost: 100.100.100.200\r\n{user}Connection: close\r\n\r\n"
    );
    let tunnelled = format!(
        "CONNECT 100.100.100.200:80 HTTP/1.1\r\nHost: 100.100.100.200:80\r\n{user}\r\nGET /latest/meta-data/instance-id \
         HTTP/1.1\r\nHost: 100.100.100.200\r\nConnection: close\r\n\r\n"
    );
    for request in [absolute, tunnelled] {
        let mut stream = TcpStream::connect(lab.server.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with(&node), "{answer}");
    }
    lab.server.stop().await.unwrap();
}
