//! Packet traces over the native wire and on the command line.
//!
//! `CLOUDNET_UPDATE=1 cargo test -p sim-api --test traces` rewrites `sim-api/data/trace-examples.json`, which the OpenAPI
//! document shows.

#[path = "traces/internet.rs"]
mod internet;
#[path = "traces/pictures.rs"]
mod pictures;
mod process;
mod service;

use process::{Dir, PROGRAM, Program};
use serde_json::{Value, json};
use service::Client;
use sim_api::Server;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Objects by name: `www` at 10.0.1.10 and `sql` at 10.0.2.9, each with a group of its own, and `fw` at 10.0.3.5.
struct Net {
    client: Client,
    ids: BTreeMap<&'static str, String>,
}

async fn net() -> (Server, Net) {
    let server = Server::start(service::settings()).await.unwrap();
    let mut net = Net { client: Client::new(&server), ids: BTreeMap::new() };
    net.make("vpc", "/v1/vpcs", json!({"cidr_block": "10.0.0.0/16"})).await;
    for (name, block) in [("web", "10.0.1.0/24"), ("db", "10.0.2.0/24"), ("edge", "10.0.3.0/24")] {
        let body = json!({"vpc_id": net.id("vpc"), "zone_id": "cn-hangzhou-k", "cidr_block": block});
        net.make(name, "/v1/vswitches", body).await;
    }
    for name in ["web-sg", "db-sg", "edge-sg"] {
        net.make(name, "/v1/security-groups", json!({"vpc_id": net.id("vpc")})).await;
    }
    for (name, vswitch, group, address) in [
        ("www", "web", "web-sg", "10.0.1.10"),
        ("sql", "db", "db-sg", "10.0.2.9"),
        ("fw", "edge", "edge-sg", "10.0.3.5"),
    ] {
        let body = json!({"instance_type": "ecs.g7.large", "image_id": "aliyun_3_x64_20G_alibase_20240819.vhd",
            "vswitch_id": net.id(vswitch), "security_group_ids": [net.id(group)], "primary_ip_address": address,
            "tags": [{"key": "role", "value": name}]});
        net.make(name, "/v1/instances", body).await;
    }
    net.rule("db-sg", "accept", 1, "3306/3306").await;
    net.rule("edge-sg", "accept", 1, "1/65535").await;
    (server, net)
}

impl Net {
    fn id(&self, name: &str) -> String {
        self.ids[name].clone()
    }

    async fn make(&mut self, name: &'static str, path: &str, body: Value) {
        let made = self.client.post(path, body).await.expect(201);
        self.ids.insert(name, made["id"].as_str().unwrap().to_owned());
    }

    async fn rule(&self, group: &str, policy: &str, priority: u8, ports: &str) {
        let rule = json!({"protocol": "tcp", "port_range": ports, "policy": policy, "priority": priority,
            "peer_cidr": "10.0.0.0/16"});
        let path = format!("/v1/security-groups/{}/rules", self.id(group));
        self.client.post(&path, json!({"direction": "ingress", "rules": [rule]})).await.expect(200);
    }

    async fn change(&self, method: &str, path: String, body: Option<Value>) {
        let answer = self.client.send(method, &path, body).await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.body);
    }

    async fn stop(&self, host: &str) {
        self.change("POST", format!("/v1/instances/{}/stop", self.id(host)), Some(json!({}))).await;
    }

    /// A custom table for a vSwitch.
    async fn table(&mut self, name: &'static str, vswitch: &str) {
        self.make(name, "/v1/route-tables", json!({"vpc_id": self.id("vpc")})).await;
        let path = format!("/v1/route-tables/{}/associations/{}", self.id(name), self.id(vswitch));
        self.change("PUT", path, None).await;
    }

    /// The address of an elastic IP address.
    async fn address(&self, eip: &str) -> String {
        let shown = self.client.get(&format!("/v1/eips/{}", self.id(eip))).await.expect(200);
        shown["ip_address"].as_str().unwrap_or_else(|| panic!("{shown}")).to_owned()
    }

    /// A network ACL that lets nothing out of a vSwitch.
    async fn acl(&mut self, name: &'static str, vswitch: &str) {
        self.make(name, "/v1/network-acls", json!({"vpc_id": self.id("vpc")})).await;
        let path = format!("/v1/network-acls/{}", self.id(name));
        let kept = json!({"policy": "drop", "protocol": "all", "cidr": "10.0.0.0/16", "ports": "-1/-1",
            "name": "none"});
        self.change("PUT", format!("{path}/rules"), Some(json!({"egress": [kept]}))).await;
        self.change("PUT", format!("{path}/associations/{}", self.id(vswitch)), None).await;
    }

    async fn route(&mut self, name: &'static str, table: &str, destination: &str, host: &str) {
        let body = json!({"route_table_id": self.id(table), "destination": destination,
            "next_hop_type": "Instance", "next_hop_id": self.id(host)});
        self.make(name, "/v1/route-entries", body).await;
    }

    /// The answer to one flow.
    async fn ask(&self, flow: Value) -> Value {
        let body = json!({"flows": [flow], "text": true, "remedies": true});
        self.client.post("/v1/traces", body).await.expect(200)
    }

    fn from(&self, host: &str, destination: &str, port: u16) -> Value {
        json!({"instance_id": self.id(host), "destination": destination, "port": port})
    }
}

fn end(answer: &Value) -> String {
    answer["items"][0]["end"]["kind"].as_str().unwrap().to_owned()
}

/// Carries out what a remedy says, and asks again.
async fn follow(net: &Net, flow: &Value, answer: &Value) -> Value {
    for change in answer["items"][0]["remedy"]["changes"].as_array().expect("a remedy") {
        let body = change.get("body").cloned();
        net.change(change["method"].as_str().unwrap(), change["path"].as_str().unwrap().to_owned(), body)
            .await;
    }
    net.ask(flow.clone()).await
}

/// An answer for each end at a load balancer.
async fn by_balancers(net: &mut Net) -> Vec<Value> {
    let mut found = Vec::new();
    let body = json!({"address_type": "intranet", "vswitch_id": net.id("db"), "spec": "slb.s1.small"});
    net.make("front", "/v1/load-balancers", body).await;
    let shown = net.client.get(&format!("/v1/load-balancers/{}", net.id("front"))).await.expect(200);
    let address = shown["address"].as_str().unwrap_or_else(|| panic!("{shown}")).to_owned();
    let flow = |net: &Net, from: &str, port: u16| net.from(from, &address, port);
    found.push(net.ask(flow(net, "www", 80)).await);
    let backends = json!([{"server_id": net.id("sql"), "port": 3306}]);
    let body = json!({"load_balancer_id": net.id("front"), "backends": backends});
    net.make("pool", "/v1/vserver-groups", body).await;
    let body = json!({"load_balancer_id": net.id("front"), "port": 80, "protocol": "tcp",
        "vserver_group_id": net.id("pool"), "traffic": {"scheduler": "rr"}});
    net.make("listener", "/v1/listeners", body).await;
    let stopped = net.ask(flow(net, "www", 80)).await;
    assert!(follow(net, &flow(net, "www", 80), &stopped).await["items"][0]["delivered"] == json!(false));
    found.push(stopped);
    // The listener runs, and its check has not ended.
    found.push(net.ask(flow(net, "www", 80)).await);
    let path = format!("/v1/listeners/{}", net.id("listener"));
    net.change("PATCH", path.clone(), Some(json!({"health_check": {"enabled": false}}))).await;
    let through = net.ask(flow(net, "www", 80)).await;
    assert_eq!(end(&through), "delivered");
    found.push(net.ask(flow(net, "sql", 80)).await);
    let body = json!({"name": "blocked", "entries": [{"cidr": "10.0.1.0/24"}]});
    net.make("list", "/v1/access-control-lists", body).await;
    let access = json!({"enabled": true, "type": "black", "acl_ids": [net.id("list")]});
    net.change("PATCH", path, Some(json!({"access_control": access}))).await;
    let kept_out = net.ask(flow(net, "www", 80)).await;
    assert_eq!(end(&follow(net, &flow(net, "www", 80), &kept_out).await), "delivered");
    found.push(kept_out);
    let path = format!("/v1/load-balancers/{}", net.id("front"));
    net.change("PATCH", path, Some(json!({"status": "inactive"}))).await;
    let idle = net.ask(flow(net, "www", 80)).await;
    assert_eq!(end(&follow(net, &flow(net, "www", 80), &idle).await), "delivered");
    found.push(idle);
    let path = format!("/v1/vserver-groups/{}", net.id("pool"));
    let weightless = json!({"backends": [{"server_id": net.id("sql"), "port": 3306, "weight": 0}]});
    net.change("PATCH", path, Some(weightless)).await;
    let nobody = net.ask(flow(net, "www", 80)).await;
    assert_eq!(end(&follow(net, &flow(net, "www", 80), &nobody).await), "delivered");
    let certificate = |name: &str| {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/certificates").join(name);
        std::fs::read_to_string(path).unwrap()
    };
    let body = json!({"certificate": certificate("server.pem"), "private_key": certificate("server.key")});
    net.make("certificate", "/v1/server-certificates", body).await;
    let body = json!({"load_balancer_id": net.id("front"), "port": 443, "protocol": "https",
        "vserver_group_id": net.id("pool"), "traffic": {"server_certificate_id": net.id("certificate")}});
    net.make("secure", "/v1/listeners", body).await;
    let body =
        json!({"load_balancer_id": net.id("front"), "port": 8080, "protocol": "http", "forward_port": 443});
    net.make("plain", "/v1/listeners", body).await;
    net.change("POST", format!("/v1/listeners/{}/start", net.id("plain")), None).await;
    found.push(net.ask(flow(net, "www", 8080)).await);
    found
}

/// An answer for each end.
async fn examples() -> BTreeMap<String, Value> {
    let (_server, mut net) = net().await;
    let mut found = Vec::new();
    let www = |net: &Net, destination: &str, port| net.from("www", destination, port);
    found.push(net.ask(www(&net, "10.0.2.9", 3306)).await);
    net.make("public", "/v1/eips", json!({})).await;
    found.extend(by_balancers(&mut net).await);
    for flow in [
        www(&net, "10.0.2.9", 22),
        www(&net, "192.168.7.7", 80),
        www(&net, "10.0.2.77", 3306),
        www(&net, "47.96.1.1", 443),
        json!({"source_address": "47.96.1.1", "destination": "8.8.8.8", "port": 443}),
        json!({"source_address": "47.96.1.1", "destination": "10.0.2.9", "port": 443}),
        json!({"source_address": "47.96.1.1", "destination": net.address("public").await, "port": 443}),
    ] {
        found.push(net.ask(flow).await);
    }
    let body = json!({"kind": "rds", "vswitch_id": net.id("db"), "security_group_ids": [net.id("edge-sg")],
        "private_ip_address": "10.0.2.30", "port": 5432});
    net.make("rds", "/v1/residents", body).await;
    found.push(net.ask(www(&net, "10.0.2.30", 3306)).await);
    let body = json!({"vswitch_id": net.id("db"), "security_group_ids": [net.id("db-sg")],
        "primary_ip_address": "10.0.2.20"});
    net.make("spare", "/v1/network-interfaces", body).await;
    found.push(net.ask(www(&net, "10.0.2.20", 3306)).await);
    let forged = json!({"instance_id": net.id("fw"), "source_address": "10.0.1.10", "destination": "10.0.2.9",
        "port": 3306});
    net.rule("web-sg", "accept", 1, "1/65535").await;
    found.push(net.ask(forged).await);
    net.table("via-fw", "web").await;
    net.route("out", "via-fw", "192.168.0.0/16", "fw").await;
    net.table("of-edge", "edge").await;
    net.route("home", "of-edge", "192.168.0.0/16", "www").await;
    found.push(net.ask(www(&net, "192.168.7.7", 80)).await);
    net.acl("strict", "db").await;
    found.push(net.ask(www(&net, "10.0.2.9", 3306)).await);
    net.change(
        "DELETE",
        format!("/v1/network-acls/{}/associations/{}", net.id("strict"), net.id("db")),
        None,
    )
    .await;
    net.stop("sql").await;
    found.push(net.ask(www(&net, "10.0.2.9", 3306)).await);
    let primary = net.client.get(&format!("/v1/instances/{}", net.id("fw"))).await.expect(200);
    let eni = primary["primary_network_interface_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/network-interfaces/{eni}");
    net.change("PATCH", path, Some(json!({"source_dest_check": true}))).await;
    found.push(net.ask(www(&net, "192.168.7.7", 80)).await);
    let body = json!({"route_table_id": net.id("via-fw"), "destination": "172.20.0.0/16",
        "next_hop_type": "NetworkInterface", "next_hop_id": net.id("spare")});
    net.make("gone", "/v1/route-entries", body).await;
    net.change("DELETE", format!("/v1/network-interfaces/{}", net.id("spare")), None).await;
    found.push(net.ask(www(&net, "172.20.1.1", 80)).await);
    found.into_iter().map(|answer| (end(&answer), answer)).collect()
}

#[tokio::test]
async fn the_document_has_an_example_of_each_end() {
    let examples = examples().await;
    let ends = [
        "answer_astray",
        "backend_calls_itself",
        "delivered",
        "eip_not_bound",
        "instance_not_running",
        "listener_access_drop",
        "listener_stopped",
        "load_balancer_down",
        "loop",
        "network_acl_drop",
        "next_hop_gone",
        "no_healthy_backend",
        "no_listener",
        "no_public_address",
        "no_public_path",
        "no_route",
        "nobody_there",
        "not_attached",
        "port_not_served",
        "private_from_outside",
        "redirected",
        "security_group_drop",
        "source_dest_check",
    ];
    assert_eq!(examples.keys().collect::<Vec<_>>(), ends);
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/trace-examples.json");
    let made = serde_json::to_string_pretty(&examples).unwrap() + "\n";
    if std::env::var_os("CLOUDNET_UPDATE").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written == made, "CLOUDNET_UPDATE=1 writes what came into {}", file.display());
}

#[test]
fn the_trace_in_the_readme_is_that_of_the_page() {
    let read = |path: &str| {
        std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
    };
    let (readme, page) = (read("README.md"), read("docs/datapath.md"));
    let (_, told) = page.split_once("> trace www 10.0.2.9:22/tcp\n").expect("the page has the trace");
    let told: String =
        told.lines().take_while(|line| *line != "```").map(|line| format!("  {line}\n")).collect();
    assert!(told.lines().count() == 9 && readme.contains(&told), "the README shows\n{told}");
}

#[tokio::test]
async fn a_trace_names_what_decided() {
    let (_server, net) = net().await;
    let answer = net.ask(net.from("www", "10.0.2.9", 3306)).await;
    assert_eq!((&answer["delivered"], &answer["items"][0]["delivered"]), (&json!(1), &json!(true)));
    let kinds = |leg: &str| {
        let steps = answer["items"][0][leg].as_array().unwrap();
        steps.iter().map(|step| step["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds("forward"), ["sent", "security_groups", "route", "security_groups", "taken"]);
    assert_eq!(kinds("return"), ["sent", "session", "route", "session", "taken"]);
    let judged = &answer["items"][0]["forward"][3];
    assert_eq!((&judged["decided_by"], &judged["allowed"]), (&json!("rule"), &json!(true)));
    let rule = judged["security_group_rule_id"].as_str().unwrap();
    let path = format!("/v1/security-groups/{}/rules/{rule}", net.id("db-sg"));
    assert_eq!(net.client.get(&path).await.expect(200)["port_range"], "3306/3306");
    let route = answer["items"][0]["forward"][2]["route_entry_id"].as_str().unwrap();
    let entry = net.client.get(&format!("/v1/route-entries/{route}")).await.expect(200);
    assert_eq!((&entry["destination"], &entry["type"]), (&json!("10.0.2.0/24"), &json!("System")));
    // Nothing was written.
    assert!(answer["items"][0].get("remedy").is_none());
}

#[tokio::test]
async fn what_a_remedy_says_can_be_carried_out() {
    let (_server, mut net) = net().await;
    let www = |net: &Net, destination: &str, port| net.from("www", destination, port);
    // A rule, and one in place of another.
    let flow = www(&net, "10.0.2.9", 22);
    let answer = net.ask(flow.clone()).await;
    assert_eq!(end(&answer), "security_group_drop");
    assert_eq!(end(&follow(&net, &flow, &answer).await), "delivered");
    net.rule("db-sg", "drop", 1, "8080/8080").await;
    let flow = www(&net, "10.0.2.9", 8080);
    let answer = net.ask(flow.clone()).await;
    assert_eq!(answer["items"][0]["remedy"]["changes"].as_array().unwrap().len(), 2, "{answer}");
    assert_eq!(end(&follow(&net, &flow, &answer).await), "delivered");
    // A rule of a network ACL, which keeps the others.
    net.acl("strict", "db").await;
    let flow = www(&net, "10.0.2.9", 3306);
    let answer = net.ask(flow.clone()).await;
    assert_eq!((end(&answer).as_str(), &answer["items"][0]["leg"]), ("network_acl_drop", &json!("return")));
    assert_eq!(end(&follow(&net, &flow, &answer).await), "delivered");
    let acl = net.client.get(&format!("/v1/network-acls/{}", net.id("strict"))).await.expect(200);
    let text = acl.to_string();
    assert!(text.contains("49152/49152") && text.contains("\"none\""), "{text}");
    let path = format!("/v1/network-acls/{}/associations/{}", net.id("strict"), net.id("db"));
    net.change("DELETE", path, None).await;
    // A public address.
    net.make("public", "/v1/eips", json!({})).await;
    let flow = www(&net, "47.96.1.1", 443);
    let answer = net.ask(flow.clone()).await;
    assert_eq!(end(&answer), "no_public_path");
    let answer = follow(&net, &flow, &answer).await;
    assert_eq!(end(&answer), "delivered");
    let translated = &answer["items"][0]["forward"][2];
    assert_eq!(
        (&translated["kind"], &translated["source_address"]),
        (&json!("translated"), &json!(net.address("public").await))
    );
    // A host, an interface.
    net.stop("sql").await;
    let flow = www(&net, "10.0.2.9", 22);
    let answer = net.ask(flow.clone()).await;
    assert_eq!(end(&follow(&net, &flow, &answer).await), "delivered");
    let body = json!({"vswitch_id": net.id("db"), "security_group_ids": [net.id("db-sg")],
        "primary_ip_address": "10.0.2.20"});
    net.make("spare", "/v1/network-interfaces", body).await;
    let flow = www(&net, "10.0.2.20", 3306);
    let answer = net.ask(flow.clone()).await;
    assert_eq!(end(&answer), "not_attached");
    assert_eq!(end(&follow(&net, &flow, &answer).await), "delivered");
    // A route that another table has; a circle.
    net.table("via-fw", "web").await;
    net.table("of-edge", "edge").await;
    net.route("pods", "of-edge", "172.20.0.0/16", "fw").await;
    let flow = www(&net, "172.20.1.1", 80);
    let answer = net.ask(flow.clone()).await;
    assert_eq!(end(&answer), "no_route");
    assert_eq!(end(&follow(&net, &flow, &answer).await), "delivered");
    net.route("out", "via-fw", "192.168.0.0/16", "fw").await;
    net.route("home", "of-edge", "192.168.0.0/16", "www").await;
    net.rule("web-sg", "accept", 1, "1/65535").await;
    let flow = www(&net, "192.168.7.7", 80);
    let answer = net.ask(flow.clone()).await;
    assert_eq!(end(&answer), "loop");
    assert_eq!(end(&follow(&net, &flow, &answer).await), "delivered");
    // The source/destination check.
    let primary = net.client.get(&format!("/v1/instances/{}", net.id("fw"))).await.expect(200);
    let eni = primary["primary_network_interface_id"].as_str().unwrap();
    let path = format!("/v1/network-interfaces/{eni}");
    net.change("PATCH", path, Some(json!({"source_dest_check": true}))).await;
    let answer = net.ask(flow.clone()).await;
    assert_eq!(end(&answer), "source_dest_check");
    assert_eq!(end(&follow(&net, &flow, &answer).await), "delivered");
}

#[tokio::test]
async fn ten_thousand_flows_fit_in_a_request() {
    let (_server, net) = net().await;
    let flow = |port: u16| {
        json!({"instance_id": net.id("www"), "source_address": "10.0.1.10", "protocol": "tcp",
            "destination": "10.0.2.9", "port": port, "source_port": 40_000})
    };
    let flows = |count: u16| (1..=count).map(flow).collect::<Vec<_>>();
    let ask = |body: Value| async { net.client.post("/v1/traces", body).await };
    let body = json!({"flows": flows(10_000), "evidence": "none"});
    assert!(body.to_string().len() > 1 << 20, "more than other operations take");
    let answer = ask(body).await.expect(200);
    assert_eq!((&answer["delivered"], answer["items"].as_array().unwrap().len()), (&json!(1), 10_000));
    assert_eq!(answer["items"][3305]["delivered"], true);
    assert!(answer["items"][0].get("forward").is_none() && answer["items"][0].get("text").is_none());
    let problem = ask(json!({"flows": flows(10_001), "evidence": "none"})).await.expect(422);
    assert_eq!(problem["errors"][0]["accepted"], "1 to 10000", "{problem}");
    let problem = ask(json!({"flows": flows(101), "remedies": true})).await.expect(422);
    assert_eq!(problem["errors"][0]["accepted"], "1 to 100", "{problem}");
    let mut one_wrong = flows(600);
    one_wrong[555]["port"] = json!(null);
    let problem = ask(json!({"flows": one_wrong})).await.expect(422);
    assert_eq!(problem["errors"][0]["pointer"], "/flows/555/port", "{problem}");
    let body = json!({"flows": [{"destination": "x".repeat(9 << 20)}]});
    assert_eq!(ask(body).await.status, 413);
}

#[tokio::test]
async fn sets_are_asked_by_tag_group_and_vswitch() {
    let (_server, net) = net().await;
    let ask = |body: Value| async { net.client.post("/v1/reachability", body).await.expect(200) };
    let to = json!({"security_group_id": net.id("db-sg")});
    let answer = ask(json!({"vpc_id": net.id("vpc"), "to": to, "port": 3306})).await;
    assert_eq!(answer["unreached"], json!([]), "{answer}");
    let senders = |list: &Value| -> usize {
        list.as_array().unwrap().iter().map(|item| item["from"].as_array().unwrap().len()).sum()
    };
    assert_eq!(senders(&answer["reached"]), 2, "every host but the database itself: {answer}");
    for reached in answer["reached"].as_array().unwrap() {
        assert_eq!(reached["ports"], json!(["3306/3306"]));
    }
    let from = json!({"vswitch_id": net.id("web")});
    let answer = ask(json!({"vpc_id": net.id("vpc"), "from": from, "to": to})).await;
    assert_eq!(answer["reached"][0]["ports"], json!(["3306/3306"]), "{answer}");
    let witness = answer["reached"][0]["witness"].as_str().unwrap();
    assert!(witness.starts_with("tcp 10.0.1.10:") && witness.ends_with(" -> 10.0.2.9:3306"), "{witness}");
    // Nobody, and why.
    let answer = ask(json!({"vpc_id": net.id("vpc"), "to": to, "port": 22})).await;
    assert_eq!(answer["reached"], json!([]));
    for unreached in answer["unreached"].as_array().unwrap() {
        assert_eq!(unreached["end"]["kind"], "security_group_drop", "{unreached}");
    }
    // By the tag of the instance.
    let tagged =
        |value: &str| json!({"vpc_id": net.id("vpc"), "to": {"tag": {"key": "role", "value": value}}});
    let answer = ask(tagged("sql")).await;
    assert_eq!(senders(&answer["reached"]), 2, "{answer}");
    let answer = ask(tagged("none")).await;
    assert_eq!(
        (&answer["reached"], &answer["unreached"]),
        (&json!([]), &json!([])),
        "nothing carries the tag"
    );
}

#[tokio::test]
async fn what_the_internet_reaches_is_a_set_too() {
    let (_server, mut net) = net().await;
    let ask = |client: &Client, vpc: String, from: Value| {
        let client = client.clone();
        async move { client.post("/v1/reachability", json!({"vpc_id": vpc, "from": from})).await }
    };
    let answer = ask(&net.client, net.id("vpc"), json!({"internet": true})).await.expect(200);
    assert_eq!(answer["reached"], json!([]));
    for unreached in answer["unreached"].as_array().unwrap() {
        assert_eq!(unreached["end"]["kind"], "private_from_outside", "{unreached}");
        assert!(unreached["text"].as_str().unwrap().contains("does not carry packets to"), "{unreached}");
    }
    net.make("public", "/v1/eips", json!({})).await;
    let path = format!("/v1/eips/{}/binding", net.id("public"));
    let body = json!({"target_id": net.id("fw")});
    net.change("PUT", path, Some(body)).await;
    let rule = json!({"protocol": "tcp", "port_range": "443/443", "peer_cidr": "47.0.0.0/8"});
    let path = format!("/v1/security-groups/{}/rules", net.id("edge-sg"));
    net.client.post(&path, json!({"direction": "ingress", "rules": [rule]})).await.expect(200);
    let answer = ask(&net.client, net.id("vpc"), json!({"internet": true})).await.expect(200);
    let reached = answer["reached"].as_array().unwrap();
    assert_eq!(reached.len(), 1, "{answer}");
    assert_eq!(reached[0]["ports"], json!(["443/443"]));
    let from = &reached[0]["from"][0];
    assert_eq!(
        (&from["first_address"], &from["last_address"]),
        (&json!("47.0.0.0"), &json!("47.255.255.255"))
    );
    assert!(from.get("network_interface_id").is_none());
    assert_eq!(reached[0]["to"][0]["first_address"], json!(net.address("public").await));
    let both = json!({"internet": true, "security_group_id": net.id("edge-sg")});
    let problem = ask(&net.client, net.id("vpc"), both).await.expect(422);
    assert_eq!(problem["errors"][0]["pointer"], "/from/internet", "{problem}");
}

fn run(address: SocketAddr, args: &[&str]) -> Output {
    let server = format!("http://{address}");
    Command::new(PROGRAM).args(["trace", "--server", &server]).args(args).output().unwrap()
}

#[test]
fn the_command_line_answers_with_text_and_an_exit_code() {
    let dir = Dir::new();
    let program = Program::serve(&dir, &["--clock", "manual"], &[]);
    let make = |path: &str, body: Value| {
        let (status, made) = service::http(program.address, "POST", path, &[], &body.to_string()).unwrap();
        assert!(status < 300, "{path}: {made}");
        made["id"].as_str().unwrap_or_default().to_owned()
    };
    let vpc = make("/v1/vpcs", json!({"cidr_block": "10.0.0.0/16"}));
    let body = json!({"vpc_id": vpc, "zone_id": "cn-hangzhou-k", "cidr_block": "10.0.1.0/24"});
    let vswitch = make("/v1/vswitches", body);
    let group = make("/v1/security-groups", json!({"vpc_id": vpc}));
    let other = make("/v1/security-groups", json!({"vpc_id": vpc}));
    let host = |group: &str, address: &str| {
        let image = "aliyun_3_x64_20G_alibase_20240819.vhd";
        make(
            "/v1/instances",
            json!({"instance_type": "ecs.g7.large", "image_id": image, "vswitch_id": vswitch,
                "security_group_ids": [group], "primary_ip_address": address}),
        )
    };
    let (one, _) = (host(&group, "10.0.1.10"), host(&other, "10.0.1.20"));
    service::http(program.address, "POST", "/v1/clock/advance", &[], r#"{"seconds":600}"#).unwrap();
    let said = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
    let refused = run(program.address, &["--from", &one, "--to", "10.0.1.20:80/tcp"]);
    let text = said(&refused);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(text.starts_with("tcp 10.0.1.10:49152 -> 10.0.1.20:80\nthere\n"), "{text}");
    assert!(text.contains("refused on the way there: the groups of eni-"), "{text}");
    assert!(text.ends_with(&format!(
        "it would pass with\n  in {other} a rule ingress: accept tcp 80/80 from 10.0.1.10/32, priority 1\n"
    )));
    let rule = json!({"direction": "ingress", "rules": [{"protocol": "tcp", "port_range": "80/80", "peer_cidr": "10.0.1.10"}]});
    make(&format!("/v1/security-groups/{other}/rules"), rule);
    let passed = run(program.address, &["--from", &one, "--to", "10.0.1.20:80/tcp"]);
    assert_eq!(passed.status.code(), Some(0), "{passed:?}");
    assert!(
        said(&passed).contains("\nback\n") && said(&passed).contains("\ndelivered to eni-"),
        "{passed:?}"
    );
    let json = run(program.address, &["--from", &one, "--to", "10.0.1.20:80", "--json"]);
    let answer: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((json.status.code(), &answer["end"]["kind"]), (Some(0), &json!("delivered")));
    for (args, what) in [
        (["--from", one.as_str(), "--to", "10.0.1.20/tcp"], "a destination port such as 443"),
        (["--from", one.as_str(), "--to", "10.0.1:80"], "10.0.2.9:80/tcp"),
        (
            ["--from", "eni-nothing", "--to", "10.0.1.20:80"],
            "The specified network interface does not exist.",
        ),
    ] {
        let output = run(program.address, &args);
        let error = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{output:?}");
        assert!(error.starts_with("cloudnet: ") && error.contains(what), "{error}");
    }
    let address = program.address;
    program.stop();
    let output = run(address, &["--from", &one, "--to", "10.0.1.20:80"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
