//! What every operation of the native wire shares: conditional reads, strict bodies, tags and tokens of the document.

mod service;

use serde_json::{Value, json};
use service::Client;
use sim_api::Server;
use std::collections::BTreeSet;

async fn client() -> (Server, Client) {
    let server = Server::start(service::settings()).await.unwrap();
    let client = Client::new(&server);
    (server, client)
}

#[tokio::test]
async fn a_read_whose_answer_is_known_is_spared() {
    let (_server, client) = client().await;
    let vpc = client.post("/v1/vpcs", json!({"name": "a"})).await.expect(201);
    let path = format!("/v1/vpcs/{}", vpc["id"].as_str().unwrap());
    let first = client.get(&path).await;
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(first.expect(200), vpc);
    for known in [tag.as_str(), "*", &format!("\"x\", W/{tag}")] {
        let same = client.with("If-None-Match", known).get(&path).await;
        assert_eq!((same.status, same.headers["etag"].to_str().unwrap()), (304, tag.as_str()), "{known}");
        assert_eq!(same.body, Value::Null);
    }
    let asking = client.with("If-None-Match", &tag);
    client.patch(&path, json!({"name": "b"})).await.expect(200);
    let changed = asking.get(&path).await;
    assert_ne!(changed.headers["etag"].to_str().unwrap(), tag);
    assert_eq!(changed.expect(200)["name"], "b");
    // A missing object is missing, whatever the caller knows.
    client.delete(&path).await.expect(204);
    assert_eq!(asking.get(&path).await.refused(404), "vpc_not_found");
}

#[tokio::test]
async fn a_body_is_an_object_and_a_fault_has_its_place() {
    let (_server, client) = client().await;
    let rows = [
        (json!([]), Value::Null),
        (json!(["10.0.0.0/8", "a"]), Value::Null),
        (json!("text"), Value::Null),
        (json!({"cidr_block": 7}), json!("/cidr_block")),
        (json!({"tags": [{"key": "a"}, {"value": "b"}]}), json!("/tags/1/key")),
        (json!({"tags": [{"key": "a", "a/b": 1}]}), json!("/tags/0/a~1b")),
        (json!({"colour": "red"}), json!("/colour")),
    ];
    for (body, pointer) in rows {
        let problem = client.post("/v1/vpcs", body.clone()).await.expect(400);
        assert_eq!(problem["code"], "malformed_request", "{body}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body} {problem}");
    }
}

#[tokio::test]
async fn an_idempotency_key_is_bare_or_in_quotes() {
    let (_server, client) = client().await;
    let longest = "k".repeat(64);
    for (bare, quoted) in
        [("one".to_owned(), "\"one\"".to_owned()), (longest.clone(), format!("\"{longest}\""))]
    {
        let made = client.with("Idempotency-Key", &bare).post("/v1/vpcs", json!({})).await.expect(201);
        let again = client.with("Idempotency-Key", &quoted).post("/v1/vpcs", json!({})).await.expect(201);
        assert_eq!(made["id"], again["id"]);
    }
    for wrong in ["\"\"", &format!("k{longest}")] {
        let answer = client.with("Idempotency-Key", wrong).post("/v1/vpcs", json!({})).await;
        assert_eq!(answer.refused(422), "token_malformed", "{wrong}");
    }
}

#[test]
fn every_tag_is_described_and_the_token_is_announced() {
    let document = serde_json::to_value(sim_api::openapi::document()).unwrap();
    let described: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            let tag = operation["tags"][0].as_str().unwrap();
            assert!(described.contains(tag), "{path}: descriptions.rs has no line for the tag {tag}");
        }
    }
    assert_eq!(document["security"], json!([{}, {"bearer": []}]));
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    assert_eq!(document["info"]["license"]["identifier"], "MIT OR Apache-2.0");
}
