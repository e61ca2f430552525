//! Worlds: isolated, wiped, kept, put back, copied, thrown away.

mod service;

use serde_json::{Value, json};
use service::{Client, settings};
use sim_api::engine::{MAX_SNAPSHOTS, wall_now};
use sim_api::settings::Database;
use sim_api::{ServeSettings, Server};

async fn start() -> (Server, Client) {
    let server = Server::start(settings()).await.unwrap();
    let client = Client::new(&server);
    (server, client)
}

async fn make_vpc(client: &Client) -> String {
    let body = client.post("/v1/vpcs", json!({"cidr_block": "10.0.0.0/8"})).await.expect(201);
    body["id"].as_str().unwrap().to_owned()
}

async fn count_vpcs(client: &Client) -> usize {
    client.get("/v1/vpcs").await.expect(200)["items"].as_array().unwrap().len()
}

async fn world(client: &Client, name: &str) -> Value {
    client.get(&format!("/v1/worlds/{name}")).await.expect(200)
}

#[tokio::test]
async fn there_are_only_so_many_worlds_and_snapshots() {
    let server = Server::start(ServeSettings { max_worlds: 2, ..settings() }).await.unwrap();
    let client = Client::new(&server);
    client.post("/v1/worlds", json!({"name": "second"})).await.expect(201);
    let third = client.post("/v1/worlds", json!({"name": "third"})).await;
    assert_eq!(third.refused(403), "too_many_worlds");
    let copy = client.post("/v1/worlds/default/fork", json!({"name": "copy"})).await;
    assert_eq!(copy.refused(403), "too_many_worlds");
    for n in 0..MAX_SNAPSHOTS {
        client.post("/v1/worlds/second/snapshots", json!({"name": format!("s-{n}")})).await.expect(201);
    }
    let more = client.post("/v1/worlds/second/snapshots", json!({"name": "more"})).await;
    assert_eq!(more.refused(403), "too_many_snapshots");
    client.delete("/v1/worlds/second").await.expect(204);
    client.post("/v1/worlds", json!({"name": "third"})).await.expect(201);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_world_is_made_as_asked_and_is_isolated() {
    let (server, client) = start().await;
    let made = client
        .post(
            "/v1/worlds",
            json!({"name": "t-1", "seed": 7, "clock": "scaled:60", "quotas": "lifted",
            "start_time": "2030-01-01T00:00:00Z"}),
        )
        .await;
    assert_eq!(made.headers["location"], "/v1/worlds/t-1");
    let made = made.expect(201);
    assert_eq!(
        made["settings"],
        json!({"seed": 7, "clock": "scaled:60", "provisioning": "visible", "quotas": "lifted"})
    );
    assert!(made["now"].as_str().unwrap().starts_with("2030-01-01T00:0"), "{made}");
    assert_eq!(
        (&made["generation"], &made["seq"], &made["throw_away"]),
        (&json!(1), &json!(0), &json!(false))
    );
    let there = client.world("t-1");
    make_vpc(&there).await;
    assert_eq!((count_vpcs(&client).await, count_vpcs(&there).await), (0, 1));
    assert_eq!(world(&client, "t-1").await["objects"]["vpcs"], 1);

    let drawn = client.post("/v1/worlds", json!({})).await.expect(201);
    assert!(drawn["name"].as_str().unwrap().starts_with("world-"), "{drawn}");
    let listed = client.get("/v1/worlds").await.expect(200);
    let names: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|w| w["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 3);
    assert!(names.is_sorted(), "{names:?}");

    client.delete("/v1/worlds/t-1").await.expect(204);
    assert_eq!(there.get("/v1/vpcs").await.refused(404), "world_not_found");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn who_comes_while_a_world_is_deleted_is_told_that_it_is_gone() {
    let (server, client) = start().await;
    for round in 0..20 {
        client.post("/v1/worlds", json!({"name": "t-2", "quotas": "lifted"})).await.expect(201);
        // Each goes on until it is refused, and the first deletes the world beside the others after so many of its own.
        let write = |deletes: Option<u32>| {
            let (client, there) = (client.clone(), client.world("t-2"));
            async move {
                for n in 0.. {
                    if deletes == Some(n) {
                        client.delete("/v1/worlds/t-2").await.expect(204);
                    }
                    let answer = there.post("/v1/vpcs", json!({})).await;
                    if answer.status != 201 {
                        return answer.refused(404);
                    }
                }
                unreachable!("the world is deleted at some time")
            }
        };
        let (a, b, c) = tokio::join!(write(Some(round)), write(None), write(None));
        assert_eq!([a, b, c], ["world_not_found"; 3]);
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_refusal_does_not_repeat_a_whole_request() {
    let (server, client) = start().await;
    let refused = client.post("/v1/worlds", json!({"name": "x".repeat(100_000)})).await.expect(422);
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.ends_with('…') && detail.chars().count() == 1_001, "{} bytes", detail.len());
    server.stop().await.unwrap();
}

#[tokio::test]
async fn each_rule_of_the_world_operations_is_refused() {
    let (server, client) = start().await;
    client.post("/v1/worlds", json!({"name": "taken"})).await.expect(201);
    client.post("/v1/worlds/taken/snapshots", json!({"name": "s"})).await.expect(201);
    let table = [
        ("POST", "/v1/worlds", json!({"name": "taken"}), 409, "world_exists"),
        ("POST", "/v1/worlds", json!({"name": "a/b"}), 422, "setting_invalid"),
        ("POST", "/v1/worlds", json!({"name": "x-a-12"}), 422, "setting_invalid"),
        ("POST", "/v1/worlds", json!({"clock": "fast"}), 422, "setting_invalid"),
        ("POST", "/v1/worlds", json!({"clock": "scaled:0"}), 422, "setting_invalid"),
        ("POST", "/v1/worlds", json!({"seed": 9007199254740992_u64}), 422, "setting_invalid"),
        ("POST", "/v1/worlds", json!({"start_time": "tomorrow"}), 422, "setting_invalid"),
        ("POST", "/v1/worlds", json!({"idle_seconds": 60}), 422, "setting_invalid"),
        ("POST", "/v1/worlds", json!({"throw_away": true, "idle_seconds": 0}), 422, "setting_invalid"),
        ("POST", "/v1/worlds", json!({"provisioning": "slow"}), 400, "malformed_request"),
        ("POST", "/v1/worlds", json!({"colour": "red"}), 400, "malformed_request"),
        ("DELETE", "/v1/worlds/default", Value::Null, 409, "world_kept"),
        ("DELETE", "/v1/worlds/none", Value::Null, 404, "world_not_found"),
        ("GET", "/v1/worlds/none", Value::Null, 404, "world_not_found"),
        ("POST", "/v1/worlds/none/reset", json!({}), 404, "world_not_found"),
        ("POST", "/v1/worlds/none/fork", json!({}), 404, "world_not_found"),
        ("POST", "/v1/worlds/default/fork", json!({"name": "taken"}), 409, "world_exists"),
        ("POST", "/v1/worlds/none/snapshots", json!({"name": "s"}), 404, "world_not_found"),
        ("GET", "/v1/worlds/none/snapshots", Value::Null, 404, "world_not_found"),
        ("POST", "/v1/worlds/taken/snapshots", json!({"name": "s"}), 409, "snapshot_exists"),
        ("POST", "/v1/worlds/taken/snapshots", json!({"name": ""}), 422, "setting_invalid"),
        ("POST", "/v1/worlds/taken/snapshots/none/restore", json!({}), 404, "snapshot_not_found"),
        ("DELETE", "/v1/worlds/taken/snapshots/none", Value::Null, 404, "snapshot_not_found"),
        ("PUT", "/v1/clock", json!({"clock": "scaled:1000001"}), 422, "setting_invalid"),
        ("POST", "/v1/clock/advance", json!({}), 422, "setting_invalid"),
        ("POST", "/v1/clock/advance", json!({"seconds": 1, "milliseconds": 1}), 422, "setting_invalid"),
        ("POST", "/v1/clock/advance", json!({"seconds": u64::MAX}), 422, "setting_invalid"),
        ("POST", "/v1/clock/advance", json!({"to": "2025-12-31T23:59:59Z"}), 422, "setting_invalid"),
        ("POST", "/v1/clock/advance?dry_run=true", json!({"seconds": 1}), 400, "malformed_request"),
        ("GET", "/v1/journal?page_size=0", Value::Null, 400, "malformed_request"),
        ("GET", "/v1/journal?page_token=x", Value::Null, 422, "invalid_parameter"),
        ("GET", "/v1/requests?limit=10001", Value::Null, 400, "malformed_request"),
        ("PATCH", "/v1/settings", json!({"quotas": "none"}), 400, "malformed_request"),
    ];
    let before = world(&client, "default").await["digest"].clone();
    for (method, path, body, status, code) in table {
        let body = (!body.is_null()).then_some(body);
        let answer = client.send(method, path, body.clone()).await;
        assert_eq!(answer.refused(status), code, "{method} {path} {body:?}");
    }
    client.put("/v1/clock", json!({"clock": "real"})).await.expect(200);
    assert_ne!(world(&client, "default").await["digest"], before, "the clock's anchor is state");
    assert_eq!(
        client.post("/v1/clock/advance", json!({"seconds": 1})).await.refused(409),
        "clock_not_manual"
    );
    client.put("/v1/clock", json!({"clock": "manual"})).await.expect(200);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_snapshot_brings_the_rows_back_and_never_an_old_id() {
    let (server, client) = start().await;
    let kept = make_vpc(&client).await;
    let snapshot = client.post("/v1/worlds/default/snapshots", json!({"name": "s1"})).await.expect(201);
    let then = world(&client, "default").await;
    assert_eq!((&snapshot["digest"], &snapshot["seq"]), (&then["digest"], &then["seq"]));
    let lost = make_vpc(&client).await;
    client.post("/v1/clock/advance", json!({"seconds": 3600})).await.expect(200);

    let back = client.post("/v1/worlds/default/snapshots/s1/restore", json!({"seed": 99})).await.expect(200);
    assert_eq!((&back["generation"], &back["now"]), (&json!(2), &json!("2026-01-01T00:00:00.000Z")));
    client.get(&format!("/v1/vpcs/{kept}")).await.expect(200);
    client.get(&format!("/v1/vpcs/{lost}")).await.expect(404);
    assert_ne!(make_vpc(&client).await, lost);
    let journal = client.get("/v1/journal").await.expect(200);
    assert_eq!((&journal["generation"], &journal["items"][0]["kind"]), (&json!(2), &json!("snapshot")));
    assert_eq!(journal["items"][1]["action"], "CreateVpc");
    assert_eq!(journal["items"].as_array().unwrap().len(), 2);

    // The same seed gives the same world again.
    let again = client.post("/v1/worlds/default/snapshots/s1/restore", json!({"seed": 99})).await.expect(200);
    assert_eq!(again["digest"], back["digest"]);
    assert_eq!(client.get("/v1/worlds/default/snapshots").await.expect(200)["items"], json!([snapshot]));
    client.delete("/v1/worlds/default/snapshots/s1").await.expect(204);
    assert_eq!(client.get("/v1/worlds/default/snapshots").await.expect(200)["items"], json!([]));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_fork_keeps_ids_and_goes_its_own_way() {
    let (server, client) = start().await;
    let shared = make_vpc(&client).await;
    let copy =
        client.post("/v1/worlds/default/fork", json!({"name": "copy", "throw_away": true})).await.expect(201);
    assert_eq!(
        (&copy["throw_away"], &copy["idle_seconds"], &copy["objects"]["vpcs"]),
        (&json!(true), &json!(600), &json!(1))
    );
    let there = client.world("copy");
    there.get(&format!("/v1/vpcs/{shared}")).await.expect(200);
    let (here_new, there_new) = (make_vpc(&client).await, make_vpc(&there).await);
    assert_ne!(here_new, there_new);
    there.delete(&format!("/v1/vpcs/{shared}")).await.expect(204);
    client.get(&format!("/v1/vpcs/{shared}")).await.expect(200);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_reset_wipes_and_a_seed_makes_it_the_same_again() {
    let (server, client) = start().await;
    let fresh = world(&client, "default").await;
    let first = make_vpc(&client).await;
    let wiped = client.post("/v1/worlds/default/reset", json!({})).await.expect(200);
    assert_eq!(
        (&wiped["generation"], &wiped["seq"], &wiped["objects"]["vpcs"]),
        (&json!(2), &json!(0), &Value::Null)
    );
    assert_ne!(make_vpc(&client).await, first, "a wiped world issues no old id");
    let same = client.post("/v1/worlds/default/reset", json!({"seed": 1})).await.expect(200);
    assert_eq!(same["digest"], fresh["digest"]);
    assert_eq!(make_vpc(&client).await, first);
    let other = client
        .post("/v1/worlds/default/reset", json!({"clock": "real", "quotas": "lifted"}))
        .await
        .expect(200);
    assert_eq!(
        (&other["settings"]["clock"], &other["settings"]["provisioning"]),
        (&json!("real"), &json!("visible"))
    );
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_throw_away_world_goes_when_nobody_uses_it() {
    let (server, client) = start().await;
    client
        .post("/v1/worlds", json!({"name": "short", "throw_away": true, "idle_seconds": 60}))
        .await
        .expect(201);
    client.post("/v1/worlds", json!({"name": "kept"})).await.expect(201);
    let there = client.world("short");
    make_vpc(&there).await;
    let engine = &server.app().engine;
    let used = engine.world("short").unwrap().last_use();
    assert_eq!(engine.expire(used + 59_999).await, Vec::<String>::new());
    // Showing it in a list does not keep it alive.
    client.get("/v1/worlds").await.expect(200);
    assert_eq!(engine.expire(used + 60_000).await, ["short"]);
    assert_eq!(there.get("/v1/vpcs").await.refused(404), "world_not_found");
    assert_eq!(engine.expire(wall_now() + 1_000_000_000).await, Vec::<String>::new());
    client.get("/v1/worlds/kept").await.expect(200);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_key_id_selects_world_and_account_and_never_makes_one() {
    let (server, client) = start().await;
    client.post("/v1/worlds", json!({"name": "k-a-b"})).await.expect(201);
    make_vpc(&client.world("k-a-b").with("Cloudnet-Account", "42")).await;
    let table = [
        ("any", 200, json!(0)),
        ("w-k-a-b", 200, json!(0)),
        ("w-k-a-b-a-42", 200, json!(1)),
        ("w-k-a-b-a-43", 200, json!(0)),
        ("w-none", 404, Value::Null),
        ("w-none-a-42", 404, Value::Null),
    ];
    for (key, status, count) in table {
        let answer = client.action(key, "DescribeVpcs").await;
        assert_eq!((answer.status, &answer.body["TotalCount"]), (status, &count), "{key}: {}", answer.body);
    }
    assert_eq!(client.get("/v1/worlds").await.expect(200)["items"].as_array().unwrap().len(), 2);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn worlds_snapshots_and_generations_survive_a_restart() {
    let file = std::env::temp_dir().join(format!("cloudnet-worlds-{}.db", std::process::id()));
    let clean = || {
        for end in ["", "-wal", "-shm", ".lock"] {
            let mut name = file.clone().into_os_string();
            name.push(end);
            // Missing ones are as good as removed ones.
            let _ = std::fs::remove_file(name);
        }
    };
    clean();
    let durable = || ServeSettings { db: Database::Sqlite(file.clone()), ..settings() };
    let server = Server::start(durable()).await.unwrap();
    let client = Client::new(&server);
    client.post("/v1/worlds", json!({"name": "other", "seed": 3})).await.expect(201);
    client.post("/v1/worlds", json!({"name": "gone", "throw_away": true})).await.expect(201);
    make_vpc(&client.world("other")).await;
    client.post("/v1/worlds/other/snapshots", json!({"name": "s"})).await.expect(201);
    client.post("/v1/worlds/other/snapshots/s/restore", json!({})).await.expect(200);
    let moved = client.world("other").post("/v1/clock/advance", json!({"seconds": 86400})).await.expect(200);
    assert_eq!(moved["now"], "2026-01-02T00:00:00.000Z");
    let mut before = world(&client, "other").await;
    drop(client);
    server.stop().await.unwrap();

    let server = Server::start(durable()).await.unwrap();
    let client = Client::new(&server);
    let mut after = world(&client, "other").await;
    before["last_used_at"].take();
    after["last_used_at"].take();
    assert_eq!(after, before);
    assert_eq!(client.get("/v1/worlds/gone").await.refused(404), "world_not_found");
    let names = client.get("/v1/worlds").await.expect(200)["items"].as_array().unwrap().len();
    assert_eq!(names, 2, "a snapshot is no world");
    client.post("/v1/worlds/other/snapshots/s/restore", json!({})).await.expect(200);
    drop(client);
    server.stop().await.unwrap();
    clean();
}

/// Verdicts of health checks are worked out when they are asked for, and no timer fires when one falls: who only looks must
/// see it all the same once the clock has come there.
#[tokio::test]
async fn a_verdict_is_seen_without_a_command_in_between() {
    let (server, client) = start().await;
    let world = json!({"name": "fast", "clock": "scaled:10000", "provisioning": "instant"});
    client.post("/v1/worlds", world).await.expect(201);
    let there = client.world("fast");
    let make = async |path: &str, body: Value| {
        let made = there.post(&format!("/v1/{path}"), body).await.expect(201);
        made["id"].as_str().unwrap().to_owned()
    };
    let vpc = make("vpcs", json!({"cidr_block": "10.0.0.0/8"})).await;
    let block = json!({"vpc_id": vpc, "zone_id": "cn-hangzhou-k", "cidr_block": "10.0.1.0/24"});
    let vswitch = make("vswitches", block).await;
    let group = make("security-groups", json!({"vpc_id": vpc})).await;
    let instance = json!({"instance_type": "ecs.g7.large", "image_id": "aliyun_3_x64_20G_alibase_20240819.vhd",
        "vswitch_id": vswitch, "security_group_ids": [group], "start": true});
    let instance = make("instances", instance).await;
    let balancer = make("load-balancers", json!({"spec": "slb.s1.small"})).await;
    let servers = json!({"load_balancer_id": balancer, "backends": [{"server_id": instance, "port": 8080}]});
    let servers = make("vserver-groups", servers).await;
    let listener =
        json!({"load_balancer_id": balancer, "port": 80, "protocol": "tcp", "vserver_group_id": servers});
    let listener = make("listeners", listener).await;
    there.post(&format!("/v1/listeners/{listener}/start"), json!({})).await.expect(200);
    let mut seen = Value::Null;
    for _ in 0..10_000 {
        seen = there.get(&format!("/v1/load-balancers/{balancer}/health")).await.expect(200);
        if seen["items"][0]["health"] != "unavailable" {
            break;
        }
    }
    assert_eq!(seen["items"][0]["health"], "normal", "{seen}");
    server.stop().await.unwrap();
}
