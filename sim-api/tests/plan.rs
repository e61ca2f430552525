//! The planner over the native wire: the same questions and answers as on the command line, and of a VPC that exists.

mod service;

use serde_json::{Value, json};
use service::Client;
use sim_api::Server;
use sim_core::ecs::security_group::{CreateSecurityGroup, GroupKind};
use sim_core::id::SecurityGroupId;
use sim_core::{AccountId, Caller};
use std::process::Command;

async fn client() -> (Server, Client) {
    let server = Server::start(service::settings()).await.unwrap();
    let client = Client::new(&server);
    (server, client)
}

async fn made(client: &Client, path: &str, body: Value) -> Value {
    client.post(path, body).await.expect(201)
}

/// A security group, which an interface needs.
async fn group_in(server: &Server, vpc: &str) -> String {
    let command = CreateSecurityGroup {
        vpc: Some(vpc.parse().unwrap()),
        kind: GroupKind::Basic,
        name: None,
        description: None,
        resource_group: None,
        tags: Vec::new(),
    };
    let caller = Caller::new(AccountId::DEFAULT, "cn-hangzhou");
    let world = server.app().engine.world("default").unwrap();
    let submitted = world.submit(caller, command.into(), |_, applied| applied.outcome.clone()).await.unwrap();
    submitted.view.unwrap().id::<SecurityGroupId>().to_string()
}

/// What the command line answers as JSON.
fn cli(args: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_cloudnet")).args(args).arg("--json").output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn both_doors_give_the_same_answer() {
    let (_server, client) = client().await;
    let rows: [(&str, Value, &[&str]); 5] = [
        (
            "split",
            json!({"block": "10.0.0.0/16", "zones": ["a", "b"], "addresses": 500}),
            &["plan", "split", "10.0.0.0/16", "--zones", "a,b", "--addresses", "500"],
        ),
        (
            "split",
            json!({"block": "10.0.0.0/28", "zones": ["a", "b", "c"]}),
            &["plan", "split", "10.0.0.0/28", "--zones", "a,b,c"],
        ),
        (
            "room",
            json!({"vpc": ["10.0.0.0/20"], "vswitches": ["10.0.0.0/24"], "prefix_len": 22, "count": 9}),
            &["plan", "room", "10.0.0.0/20", "--vswitch", "10.0.0.0/24", "--mask", "22", "--count", "9"],
        ),
        (
            "ack",
            json!({"flannel": {"pod_block": "172.20.0.0/16", "nodes": 250}}),
            &["plan", "ack", "flannel", "172.20.0.0/16", "--nodes", "250"],
        ),
        (
            "ack",
            json!({"terway": {"mode": "prefix", "instance_type": "ecs.g7.2xlarge"}}),
            &["plan", "ack", "terway", "--type", "ecs.g7.2xlarge", "--mode", "prefix"],
        ),
    ];
    for (question, body, args) in rows {
        let answer = client.post(&format!("/v1/plan/{question}"), body.clone()).await.expect(200);
        let answer =
            if question == "ack" { answer.as_object().unwrap().values().next().unwrap() } else { &answer };
        assert_eq!(*answer, cli(args), "{body}");
    }
    let example = cli(&["plan", "check", "--example"]);
    let report = client.post("/v1/plan/check", example).await.expect(200);
    assert_eq!(
        report,
        json!({"fine": true, "why": "nothing is in conflict", "findings": [], "truncated": false})
    );
}

#[tokio::test]
async fn the_documented_figures_hold_and_the_cost_is_told() {
    let (_server, client) = client().await;
    for (block, formula, per_zone) in
        [("192.168.0.0/16", 65_532, 1), ("172.16.0.0/12", 1_048_572, 16), ("10.0.0.0/8", 16_777_212, 150)]
    {
        let body = json!({"block": block, "zones": ["a"], "per_zone": per_zone, "prefix_len": 16});
        let cost = client.post("/v1/plan/split", body).await.expect(200)["cost"].clone();
        let figure = |name: &str| cost[name].as_u64().unwrap();
        assert_eq!(figure("formula"), formula);
        assert_eq!(figure("reserved_beyond_formula"), 4 * per_zone - 4);
        assert_eq!(figure("usable") + figure("reserved_beyond_formula") + figure("unused"), formula);
    }
}

#[tokio::test]
async fn room_in_a_vpc_of_the_world_counts_what_is_there() {
    let (server, client) = client().await;
    let made_vpc = made(&client, "/v1/vpcs", json!({"cidr_block": "10.0.0.0/22"})).await;
    let (vpc, table) = (&made_vpc["id"], &made_vpc["system_route_table_id"]);
    let ask = |client: Client, prefix_len: u8, count: u32| {
        let body = json!({"vpc_id": vpc, "prefix_len": prefix_len, "count": count});
        async move { client.post("/v1/plan/room", body).await.expect(200) }
    };
    let empty = ask(client.clone(), 24, 4).await;
    assert_eq!(empty["blocks"], json!(["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"]));

    let body = json!({"vpc_id": vpc, "zone_id": "cn-hangzhou-k", "cidr_block": "10.0.1.0/24"});
    let vswitch = made(&client, "/v1/vswitches", body).await;
    let group = group_in(&server, vpc.as_str().unwrap()).await;
    let body = json!({"vswitch_id": vswitch["id"], "security_group_ids": [group]});
    let eni = made(&client, "/v1/network-interfaces", body).await;
    let body = json!({
        "route_table_id": table, "destination": "10.0.2.128/25",
        "next_hop_type": "NetworkInterface", "next_hop_id": eni["id"],
    });
    made(&client, "/v1/route-entries", body).await;
    // A vSwitch must not hold the destination of a route, but may lie inside it.
    assert_eq!(ask(client.clone(), 24, 9).await["blocks"], json!(["10.0.0.0/24", "10.0.3.0/24"]));
    let inside = ask(client.clone(), 26, 100).await;
    assert!(inside["blocks"].as_array().unwrap().contains(&json!("10.0.2.128/26")), "{inside}");

    // What the planner proposes is what the world takes, and no more.
    for block in ["10.0.0.0/24", "10.0.3.0/24"] {
        let body = json!({"vpc_id": vpc, "zone_id": "cn-hangzhou-k", "cidr_block": block});
        made(&client, "/v1/vswitches", body).await;
    }
    assert_eq!(ask(client.clone(), 24, 1).await["fits"], false);
    let body = json!({"vpc_id": vpc, "zone_id": "cn-hangzhou-k", "cidr_block": "10.0.2.0/24"});
    assert_eq!(client.post("/v1/vswitches", body).await.refused(409), "vswitch_cidr_route_conflict");

    client.put("/v1/quotas/vpc_quota_vswitches_num", json!({"value": 4})).await.expect(200);
    let limited = ask(client.clone(), 28, 2).await;
    assert_eq!(
        (&limited["fits"], &limited["limit"], &limited["fitting"]),
        (&json!(false), &json!("quota"), &json!(1))
    );
    // Nothing was made by asking.
    let list = client.get("/v1/vswitches").await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn bad_input_names_the_field_and_what_would_pass() {
    let (_server, client) = client().await;
    let split = |more: Value| {
        let mut body = json!({"block": "10.0.0.0/16", "zones": ["a"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let rows = [
        ("split", split(json!({"block": "10.0.0.0/7"})), "/block", "10.0.0.0/8"),
        ("split", split(json!({"zones": []})), "/zones", "at least one zone"),
        ("split", split(json!({"zones": ["a", "a"]})), "/zones/1", "each zone once"),
        ("split", split(json!({"per_zone": 0})), "/per_zone", "1 or more"),
        ("split", split(json!({"prefix_len": 30})), "/prefix_len", "16 to 29"),
        ("room", json!({"prefix_len": 24, "count": 1}), "/vpc", "at least one block"),
        ("room", json!({"vpc": ["10.0.0.0/24"], "prefix_len": 30, "count": 1}), "/prefix_len", "16 to 29"),
        (
            "room",
            json!({"vpc_id": "vpc-x", "vpc": ["10.0.0.0/24"], "prefix_len": 30, "count": 1}),
            "/vpc",
            "one of the two",
        ),
        ("ack", json!({"flannel": {"pod_block": "172.20.0.0/16", "node_len": 29}}), "/node_len", "24 to 28"),
        ("check", json!({"vpcs": [], "secondary_length_min": 255}), "/secondary_length_min", "8 to 28"),
        ("ack", json!({}), "/flannel", "one of flannel and terway"),
        ("ack", json!({"terway": {"mode": "trunk"}}), "/instance_type", "a type such as ecs.g7.large"),
    ];
    for (question, body, pointer, accepted) in rows {
        let problem = client.post(&format!("/v1/plan/{question}"), body.clone()).await.expect(422);
        assert_eq!(problem["code"], "invalid_parameter", "{body}");
        assert_eq!(problem["errors"], json!([{"pointer": pointer, "accepted": accepted}]), "{body}");
    }
    let gone = json!({"vpc_id": "vpc-x", "prefix_len": 24, "count": 1});
    assert_eq!(client.post("/v1/plan/room", gone).await.refused(404), "vpc_not_found");
    // What does not read is told apart from what reads and is refused, and the place is named as well.
    for (question, body, pointer) in [
        ("split", split(json!({"exclude": ["10.0.0.0/24", "10.0.1.1/24"]})), "/exclude/1"),
        ("split", split(json!({"perzone": 2})), "/perzone"),
        (
            "check",
            json!({"vpcs": [{"name": "a", "blocks": [], "vswitches": [{"name": 1}]}]}),
            "/vpcs/0/vswitches/0/name",
        ),
    ] {
        let problem = client.post(&format!("/v1/plan/{question}"), body.clone()).await.expect(400);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body} {problem}");
    }
}
