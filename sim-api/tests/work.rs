//! What the engine does not do: nothing is appended for reads, refusals and time in which nothing happens.

mod service;

use serde_json::json;
use service::{Client, settings};
use sim_api::store::fault::Faults;
use sim_api::store::{AnyLog, FailingLog, MemoryLog};
use sim_api::{ServeSettings, Server};

async fn counting(settings: ServeSettings) -> (Server, Client, Faults) {
    let faults = Faults::default();
    let log = AnyLog::FailingMemory(FailingLog::new(MemoryLog::new(), faults.clone()));
    let mut server = Server::bind_over(log, settings).await.unwrap();
    server.wait_ready().await.unwrap();
    let client = Client::new(&server);
    (server, client, faults)
}

#[tokio::test]
async fn reads_and_refusals_append_nothing() {
    let (server, client, faults) = counting(settings()).await;
    client.post("/v1/vpcs", json!({"name": "a"})).await.expect(201);
    let seen = faults.appends();
    for _ in 0..50 {
        client.get("/v1/vpcs").await.expect(200);
        client.action("any", "DescribeVpcs").await.expect(200);
        client.post("/v1/vpcs", json!({"cidr_block": "10.0.0.1/8"})).await.refused(422);
        client.post("/v1/vpcs?dry_run=true", json!({"name": "b"})).await;
    }
    assert_eq!(faults.appends(), seen);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_month_is_one_append_and_costs_what_is_due_in_it() {
    let slow = sim_api::settings::ProvisioningSetting::Documented;
    let (server, client, faults) = counting(ServeSettings { provisioning: slow, ..settings() }).await;
    client.patch("/v1/settings", json!({"quotas": "lifted"})).await.expect(200);
    for _ in 0..40 {
        client.post("/v1/vpcs", json!({})).await.expect(201);
    }
    for _ in 0..2 {
        let seen = faults.appends();
        client.post("/v1/clock/advance", json!({"seconds": 30 * 24 * 3600})).await.expect(200);
        assert_eq!(faults.appends(), seen + 1);
    }
    let journal = client.get("/v1/journal?page_size=100").await.expect(200);
    let items = journal["items"].as_array().unwrap();
    let rows: Vec<_> =
        items.iter().filter(|e| e["kind"] == "time").map(|e| e["rows_changed"].clone()).collect();
    assert_eq!(rows, [json!(80), json!(0)], "VPCs and timers in the first month, nothing in the second");
    server.stop().await.unwrap();
}
