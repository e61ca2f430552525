//! Quotas over the native wire: shown with what is in use, adjusted, enforced on both wires, lifted.

mod service;

use serde_json::{Value, json};
use service::Client;
use sim_api::Server;
use sim_core::quota::Quota;

async fn client() -> (Server, Client) {
    let server = Server::start(service::settings()).await.unwrap();
    let client = Client::new(&server);
    (server, client)
}

async fn made(client: &Client, path: &str, body: Value) -> String {
    client.post(path, body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

async fn quota(client: &Client, name: &str) -> Value {
    let list = client.get("/v1/quotas").await.expect(200);
    let items = list["items"].as_array().unwrap().clone();
    items.into_iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("{name} is not listed"))
}

#[tokio::test]
async fn every_row_of_the_table_is_listed_with_its_figures() {
    let (_server, client) = client().await;
    let list = client.get("/v1/quotas").await.expect(200);
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), Quota::ALL.len());
    for (item, quota) in items.iter().zip(Quota::ALL) {
        let row = quota.row();
        assert_eq!(item["name"], row.name);
        assert_eq!(item["default"], row.default);
        assert_eq!(item["value"], row.default, "{}", row.name);
        assert_eq!((&item["ceiling"], &item["adjustable"]), (&json!(row.ceiling), &json!(row.adjustable)));
        assert_eq!(item["scope"], quota.scope().text());
        // Nothing is there yet, and a limit on one request never has a usage.
        let expected = if item["scope"] == "request" { Value::Null } else { json!(0) };
        assert_eq!(item["used"], expected, "{}", row.name);
        let one = client.get(&format!("/v1/quotas/{}", row.name)).await.expect(200);
        assert_eq!(one["uses"], json!([]));
        assert_eq!(one["name"], row.name);
    }
}

#[tokio::test]
async fn a_full_quota_is_shown_refuses_and_can_be_raised() {
    let (_server, client) = client().await;
    let name = "vpc_quota_instances_num";
    for _ in 0..10 {
        made(&client, "/v1/vpcs", json!({})).await;
    }
    let full = quota(&client, name).await;
    assert_eq!((&full["used"], &full["value"]), (&json!(10), &json!(10)));

    let refused = client.post("/v1/vpcs", json!({})).await.expect(403);
    assert_eq!(refused["code"], "vpc_quota_exceeded");
    let told = refused["detail"].as_str().unwrap();
    assert!(told.contains("10 in use") && told.contains(name), "{told}");
    let provider = client.action("any", "CreateVpc").await.expect(400);
    assert_eq!(provider["Code"], "QuotaExceeded.Vpc");

    let raised = client.put(&format!("/v1/quotas/{name}"), json!({"value": 11})).await.expect(200);
    assert_eq!((&raised["value"], &raised["default"], &raised["used"]), (&json!(11), &json!(10), &json!(10)));
    client.action("any", "CreateVpc").await.expect(200);
    client.post("/v1/vpcs", json!({})).await.expect(403);
    // Another account, and the same account in another region, count for themselves.
    client.with("Cloudnet-Account", "1000000000000002").post("/v1/vpcs", json!({})).await.expect(201);
    client.with("Cloudnet-Region", "cn-beijing").post("/v1/vpcs", json!({})).await.expect(201);

    client.patch("/v1/settings", json!({"quotas": "lifted"})).await.expect(200);
    let lifted = quota(&client, name).await;
    assert_eq!((&lifted["value"], &lifted["used"]), (&Value::Null, &json!(11)));
    client.post("/v1/vpcs", json!({})).await.expect(201);
}

#[tokio::test]
async fn the_objects_that_use_most_are_shown_with_what_they_have_left() {
    let (_server, client) = client().await;
    let name = "vpc_quota_vswitches_num";
    let path = format!("/v1/quotas/{name}");
    let mut vpcs = Vec::new();
    for count in [1, 3, 2] {
        let vpc = made(&client, "/v1/vpcs", json!({"cidr_block": "10.0.0.0/8"})).await;
        for n in 0..count {
            let body =
                json!({"vpc_id": vpc, "zone_id": "cn-hangzhou-k", "cidr_block": format!("10.{n}.0.0/16")});
            made(&client, "/v1/vswitches", body).await;
        }
        vpcs.push(vpc);
    }
    let listed = quota(&client, name).await;
    assert_eq!((&listed["used"], &listed["used_by"]), (&json!(3), &json!(vpcs[1])));
    let one = client.get(&path).await.expect(200);
    let uses = |vpc: &str, used: u64| json!({"resource_id": vpc, "used": used, "left": 150 - used});
    assert_eq!(one["uses"], json!([uses(&vpcs[1], 3), uses(&vpcs[2], 2), uses(&vpcs[0], 1)]));
    let top = client.get(&format!("{path}?limit=1")).await.expect(200);
    assert_eq!(top["uses"], json!([uses(&vpcs[1], 3)]));
    let of = client.get(&format!("{path}?resource_id={}", vpcs[0])).await.expect(200);
    assert_eq!(of["uses"], json!([uses(&vpcs[0], 1)]));

    client.put(&path, json!({"value": 1})).await.expect(200);
    let over = client.get(&path).await.expect(200);
    assert_eq!(over["uses"][0]["left"], 0);
    let body = json!({"vpc_id": vpcs[0], "zone_id": "cn-hangzhou-k", "cidr_block": "10.9.0.0/16"});
    assert_eq!(client.post("/v1/vswitches", body).await.refused(403), "vswitch_quota_exceeded");
}

#[tokio::test]
async fn what_cannot_be_had_is_refused_with_what_can() {
    let (_server, client) = client().await;
    let rows = [
        ("vpc_quota_instances_num", json!({"value": 0}), 422, "quota_value_invalid"),
        ("vpc_quota_instances_num", json!({"value": 1001}), 422, "quota_value_invalid"),
        ("vpc_quota_instances_num", json!({"value": -1}), 400, "malformed_request"),
        ("vpc_quota_instances_num", json!({}), 400, "malformed_request"),
        ("vpc.user_cidrs", json!({"value": 4}), 403, "quota_not_adjustable"),
        ("vpcs", json!({"value": 4}), 404, "quota_unknown"),
    ];
    for (name, body, status, code) in rows {
        let answer = client.put(&format!("/v1/quotas/{name}"), body.clone()).await;
        assert_eq!(answer.refused(status), code, "{name} {body}");
    }
    let problem = client.put("/v1/quotas/vpc_quota_instances_num", json!({"value": 1001})).await.expect(422);
    assert_eq!(problem["errors"], json!([{"pointer": "/value", "accepted": "1 to 1000"}]));
    let elsewhere = made(&client.with("Cloudnet-Region", "cn-beijing"), "/v1/vpcs", json!({})).await;
    let foreign = format!("vpc_quota_vswitches_num?resource_id={elsewhere}");
    for (query, status, code) in [
        ("vpcs", 404, "quota_unknown"),
        ("sg.per_eni?limit=0", 400, "malformed_request"),
        ("sg.per_eni?limit=1001", 400, "malformed_request"),
        ("sg.per_eni?resource_id=x", 404, "resource_not_found"),
        (foreign.as_str(), 404, "vpc_not_found"),
        ("sg.per_eni?unknown=1", 400, "malformed_request"),
    ] {
        let answer = client.get(&format!("/v1/quotas/{query}")).await;
        assert_eq!(answer.refused(status), code, "{query}");
    }
    // A dry run judges and changes nothing.
    let dry = client.put("/v1/quotas/vpc_quota_instances_num?dry_run=true", json!({"value": 20})).await;
    assert_eq!(dry.status, 204);
    assert_eq!(quota(&client, "vpc_quota_instances_num").await["value"], 10);
}
