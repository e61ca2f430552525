//! Faults that are injected into the provider wire.

mod service;

use serde_json::{Value, json};
use service::{Answer, Client, settings};
use sim_api::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn start() -> (Server, Client) {
    let server = Server::start(settings()).await.unwrap();
    let client = Client::new(&server);
    (server, client)
}

async fn set(client: &Client, fault: Value) -> Value {
    client.post("/v1/faults", fault).await.expect(201)
}

/// The path of a call on the provider wire.
fn call(line: &str) -> String {
    let fields = line.replace(' ', "&");
    format!("/?Version=2016-04-28&Format=JSON&AccessKeyId=any&RegionId=cn-hangzhou&Action={fields}")
}

async fn ask(client: &Client, line: &str) -> Answer {
    client.send("POST", &call(line), None).await
}

/// Code and status of a call.
async fn code(client: &Client, line: &str) -> (String, u16) {
    let answer = ask(client, line).await;
    (answer.body["Code"].as_str().unwrap_or_default().to_owned(), answer.status)
}

async fn vpcs(client: &Client) -> usize {
    client.get("/v1/vpcs").await.expect(200)["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn refusals_change_nothing_and_end_after_their_count() {
    let (server, client) = start().await;
    for (fault, expected) in [
        (json!({"kind": "throttling"}), ("Throttling.User", 400)),
        (json!({"kind": "busy"}), ("OperationConflict", 400)),
        (json!({"kind": "busy", "code": "TaskConflict", "status": 409}), ("TaskConflict", 409)),
        (json!({"kind": "unavailable"}), ("ServiceUnavailable", 503)),
        (json!({"kind": "internal_error"}), ("InternalError", 500)),
        (json!({"kind": "error", "code": "SystemBusy"}), ("SystemBusy", 400)),
    ] {
        let mut fault = fault;
        fault["action"] = json!("CreateVpc");
        fault["count"] = json!(2);
        let made = set(&client, fault.clone()).await;
        assert_eq!(code(&client, "DescribeVpcs").await, (String::new(), 200), "{fault}: another action");
        for _ in 0..2 {
            assert_eq!(code(&client, "CreateVpc").await, (expected.0.to_owned(), expected.1), "{fault}");
        }
        assert_eq!(vpcs(&client).await, 0, "{fault}");
        let id = made["id"].as_u64().unwrap();
        let answer = ask(&client, "CreateVpc CidrBlock=moon").await;
        assert!(answer.headers.get("x-cloudnet-faults").is_none(), "{fault}: it has struck twice");
        let now = client.get(&format!("/v1/faults/{id}")).await.expect(200);
        assert_eq!((&now["seen"], &now["struck"]), (&json!(3), &json!(2)));
        client.delete(&format!("/v1/faults/{id}")).await.expect(204);
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_says_which_faults_struck_it() {
    let (server, client) = start().await;
    set(&client, json!({"kind": "delay", "milliseconds": 1, "message": null})).await;
    set(&client, json!({"kind": "busy", "message": "not now"})).await;
    let answer = ask(&client, "DescribeVpcs").await;
    assert_eq!((answer.headers["x-cloudnet-faults"].to_str().unwrap(), answer.status), ("1,2", 400));
    assert_eq!(answer.body["Message"], "not now");
    let log = client.get("/v1/requests?limit=1&wire=provider").await.expect(200);
    assert_eq!(log["items"][0]["faults"], json!([1, 2]));
    assert_eq!(log["items"][0]["rule"], "injected_fault");
    client.delete("/v1/faults").await.expect(204);
    assert_eq!(client.get("/v1/faults").await.expect(200)["items"], json!([]));
    assert_eq!(code(&client, "DescribeVpcs").await.1, 200);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_delay_is_waited_for() {
    let (server, client) = start().await;
    // Longer than this test could ever take.
    set(&client, json!({"kind": "delay", "action": "DescribeVpcs", "milliseconds": 600_000})).await;
    tokio::select! {
        biased;
        _ = ask(&client, "DescribeVpcs") => panic!("it was answered at once"),
        answer = ask(&client, "DescribeVSwitches") => assert_eq!(answer.status, 200),
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_was_carried_out_and_its_token_gives_the_outcome() {
    let (server, client) = start().await;
    set(&client, json!({"kind": "lost_answer", "action": "CreateVpc", "count": 1})).await;
    let mut socket = TcpStream::connect(server.address()).await.unwrap();
    let line = "CreateVpc CidrBlock=10.0.0.0/8 ClientToken=retry-1";
    let request =
        format!("POST {} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n", call(line), server.address());
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut got = Vec::new();
    // The connection may also be reset, which is an error.
    let _ = socket.read_to_end(&mut got).await;
    let got = String::from_utf8_lossy(&got);
    assert_eq!(got, "", "not a byte of it is sent");
    assert_eq!(vpcs(&client).await, 1);
    let again = ask(&client, line).await.expect(200);
    assert!(again["VpcId"].as_str().is_some(), "{again}");
    assert_eq!(vpcs(&client).await, 1, "the retry made no second one");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_stale_read_lags_behind_in_virtual_time() {
    let (server, client) = start().await;
    set(&client, json!({"kind": "stale_read", "milliseconds": 5000})).await;
    ask(&client, "CreateVpc CidrBlock=10.0.0.0/8").await.expect(200);
    let total = async |line: &str| ask(&client, line).await.expect(200)["TotalCount"].clone();
    assert_eq!(vpcs(&client).await, 1, "the native wire is as it is");
    assert_eq!(total("DescribeVpcs").await, 0);
    client.post("/v1/clock/advance", json!({"milliseconds": 4_999})).await.expect(200);
    assert_eq!(total("DescribeVpcs").await, 0);
    client.post("/v1/clock/advance", json!({"milliseconds": 1})).await.expect(200);
    assert_eq!(total("DescribeVpcs").await, 1);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_fault_has_a_time_window_and_a_likelihood() {
    let (server, client) = start().await;
    let window = json!({"kind": "busy", "from": "2026-01-01T00:00:10Z", "until": "2026-01-01T00:00:20Z"});
    set(&client, window).await;
    for (seconds, status) in [(0, 200), (10, 400), (9, 400), (1, 200)] {
        if seconds > 0 {
            client.post("/v1/clock/advance", json!({"seconds": seconds})).await.expect(200);
        }
        assert_eq!(code(&client, "DescribeVpcs").await.1, status, "{seconds} s later");
    }
    let mut runs = Vec::new();
    for _ in 0..2 {
        client.delete("/v1/faults").await.expect(204);
        set(&client, json!({"kind": "busy", "probability": 0.5, "seed": 3})).await;
        let mut run = Vec::new();
        for _ in 0..20 {
            run.push(code(&client, "DescribeVpcs").await.1);
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&200) && runs[0].contains(&400), "{runs:?}");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn faults_are_no_state_and_belong_to_one_world() {
    let (server, client) = start().await;
    client.post("/v1/worlds", json!({"name": "calm"})).await.expect(201);
    let digest = async || client.get("/v1/worlds/default").await.expect(200)["digest"].clone();
    let before = digest().await;
    set(&client, json!({"kind": "busy"})).await;
    assert_eq!(code(&client, "DescribeVpcs").await.1, 400);
    assert_eq!(digest().await, before);
    let calm = call("DescribeVpcs").replace("AccessKeyId=any", "AccessKeyId=w-calm");
    client.send("POST", &calm, None).await.expect(200);
    client.post("/v1/worlds/default/fork", json!({"name": "copy"})).await.expect(201);
    assert_eq!(client.world("copy").get("/v1/faults").await.expect(200)["items"], json!([]));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn each_rule_of_faults() {
    let (server, client) = start().await;
    for (fault, pointer) in [
        (json!({"kind": "busy", "action": "CreateMoon"}), "/action"),
        (json!({"kind": "error"}), "/code"),
        (json!({"kind": "error", "code": ""}), "/code"),
        (json!({"kind": "error", "code": "a b"}), "/code"),
        (json!({"kind": "error", "code": "x".repeat(129)}), "/code"),
        (json!({"kind": "throttling", "code": "A"}), "/code"),
        (json!({"kind": "busy", "status": 399}), "/status"),
        (json!({"kind": "busy", "status": 600}), "/status"),
        (json!({"kind": "unavailable", "status": 500}), "/status"),
        (json!({"kind": "delay"}), "/milliseconds"),
        (json!({"kind": "delay", "milliseconds": 0}), "/milliseconds"),
        (json!({"kind": "delay", "milliseconds": 600_001}), "/milliseconds"),
        (json!({"kind": "stale_read"}), "/milliseconds"),
        (json!({"kind": "stale_read", "milliseconds": u64::MAX}), "/milliseconds"),
        (json!({"kind": "busy", "milliseconds": 1}), "/milliseconds"),
        (json!({"kind": "delay", "milliseconds": 1, "message": "m"}), "/message"),
        (json!({"kind": "busy", "probability": 1.1}), "/probability"),
        (json!({"kind": "busy", "probability": -0.1}), "/probability"),
        (json!({"kind": "busy", "count": 0}), "/count"),
        (json!({"kind": "busy", "from": "tomorrow"}), "/from"),
        (json!({"kind": "busy", "until": "2026-01-01"}), "/until"),
        (json!({"kind": "busy", "from": "2026-01-02T00:00:00Z", "until": "2026-01-02T00:00:00Z"}), "/until"),
    ] {
        let answer = client.post("/v1/faults", fault.clone()).await;
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{fault}: {}", answer.body);
        assert_eq!(answer.refused(422), "setting_invalid", "{fault}");
    }
    for fault in [
        json!({}),
        json!({"kind": "moon"}),
        json!({"kind": "busy", "colour": 1}),
        json!({"kind": "busy", "skip": -1}),
    ] {
        assert_eq!(
            client.post("/v1/faults", fault.clone()).await.refused(400),
            "malformed_request",
            "{fault}"
        );
    }
    assert_eq!(client.get("/v1/faults/1").await.refused(404), "fault_not_found");
    assert_eq!(client.delete("/v1/faults/1").await.refused(404), "fault_not_found");
    assert_eq!(client.get("/v1/faults/moon").await.refused(400), "malformed_request");
    for _ in 0..sim_api::faults::MAX_FAULTS {
        set(&client, json!({"kind": "busy"})).await;
    }
    assert_eq!(client.post("/v1/faults", json!({"kind": "busy"})).await.refused(403), "too_many_faults");
    server.stop().await.unwrap();
}
