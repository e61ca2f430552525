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
async fn a_write_upon_a_condition_is_refused_and_changes_nothing() {
    let (_server, client) = client().await;
    let vpc = client.post("/v1/vpcs", json!({"name": "a"})).await.expect(201);
    let path = format!("/v1/vpcs/{}", vpc["id"].as_str().unwrap());
    let tag = client.get(&path).await.headers["etag"].to_str().unwrap().to_owned();
    for (name, value) in
        [("if-match", tag.as_str()), ("if-unmodified-since", "Tue, 01 Jul 2025 00:00:00 GMT")]
    {
        let asking = client.with(name, value);
        for refused in [asking.patch(&path, json!({"name": "b"})).await, asking.delete(&path).await] {
            let problem = refused.expect(400);
            assert_eq!(problem["errors"][0]["parameter"], name, "{problem}");
        }
        assert_eq!(asking.get(&path).await.expect(200), vpc);
    }
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
        (json!({"tags": [["k", "v"]]}), json!("/tags/0")),
    ];
    for (body, pointer) in rows {
        let problem = client.post("/v1/vpcs", body.clone()).await.expect(400);
        assert_eq!(problem["code"], "malformed_request", "{body}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body} {problem}");
    }
}

/// Serde takes the members of an object as a list too, in the order in which the program has them.
#[tokio::test]
async fn a_list_is_no_object_on_any_level() {
    let (_server, client) = client().await;
    let balancer = client.post("/v1/load-balancers", json!({"spec": "slb.s1.small"})).await.expect(201);
    let listener = json!({"load_balancer_id": balancer["id"], "port": 80, "protocol": "tcp",
        "backend_server_port": 80});
    let listener = client.post("/v1/listeners", listener).await.expect(201);
    let path = format!("/v1/listeners/{}", listener["id"].as_str().unwrap());
    let refused = client.patch(&path, json!({"health_check": [false]})).await.expect(400);
    assert_eq!(refused["errors"][0]["pointer"], "/health_check", "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("expected an object"), "{refused}");
    assert_eq!(client.get(&path).await.expect(200)["health_check"]["enabled"], true);
    let clients = json!({"duration": "1m", "clients": [5, 10], "backend": [{"name": "a"}]});
    let refused = client.post("/v1/traffic", clients).await.expect(400);
    assert_eq!(refused["errors"][0]["pointer"], "/clients", "{refused}");
    let backends = json!({"duration": "1m", "clients": {"rate": 1.0}, "backend": [["a"]]});
    let refused = client.post("/v1/traffic", backends).await.expect(400);
    assert_eq!(refused["errors"][0]["pointer"], "/backend/0", "{refused}");
}

/// The bodies of new instances are joined of two structs.
#[tokio::test]
async fn a_fault_in_the_body_of_a_launch_has_its_place() {
    let (_server, client) = client().await;
    let whole = json!({"instance_type": "ecs.g7.large", "image_id": "aliyun_3_x64_20G_alibase_20240819.vhd",
        "security_group_ids": []});
    let with = |more: Value| {
        let mut body = whole.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let rows = [
        ("/v1/instances", json!({"startt": false}), "/startt"),
        ("/v1/instances", json!({"start": "no"}), "/start"),
        ("/v1/instances", json!({"name": 5}), "/name"),
        ("/v1/instances", json!({"network_interfaces": [{"trunk": 1}]}), "/network_interfaces/0/trunk"),
        ("/v1/instances", json!({"system_disk": ["cloud_essd"]}), "/system_disk"),
        ("/v1/instances/batch-create", json!({"amount": "2"}), "/amount"),
        ("/v1/instances/batch-create", json!({"amount": 2, "min_ammount": 1}), "/min_ammount"),
        ("/v1/instances/batch-create", json!({"amount": 2, "tags": [{"kee": "a"}]}), "/tags/0/kee"),
        ("/v1/instances/batch-create", json!({}), "/amount"),
    ];
    for (path, more, pointer) in rows {
        let problem = client.post(path, with(more.clone())).await.expect(400);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{path} {more} {problem}");
    }
}

/// What the document does not have, no operation has: parameters too.
#[tokio::test]
async fn an_unknown_parameter_is_refused_everywhere() {
    let (_server, client) = client().await;
    let document = serde_json::to_value(sim_api::openapi::document()).unwrap();
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let known: Vec<&str> = parameters
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let sent = format!("{}?page_sise=1", path.replace(['{', '}'], ""));
            let answer = client.send(&method.to_uppercase(), &sent, None).await;
            let problem = answer.expect(400);
            assert_eq!(problem["errors"][0]["parameter"], "page_sise", "{method} {sent} {problem}");
            let accepted = problem["errors"][0]["accepted"].as_str().unwrap();
            assert!(known.iter().all(|name| accepted.contains(name)), "{method} {sent} {problem}");
            seen += 1;
        }
    }
    assert!(seen >= 300, "{seen}");
    client.get("/v1/outages?page_size=1").await.expect(200);
}

#[tokio::test]
async fn a_parameter_is_percent_encoded_text() {
    let (_server, client) = client().await;
    for query in ["name=%zz", "name=%ff", "name=a%2"] {
        let problem = client.get(&format!("/v1/vpcs?{query}")).await.expect(400);
        let wanted = json!([{"parameter": "name", "accepted": "percent-encoded UTF-8"}]);
        assert_eq!(problem["errors"], wanted, "{query} {problem}");
    }
    assert_eq!(client.get("/v1/vpcs?%zz=1").await.refused(400), "malformed_request");
    client.get("/v1/vpcs?name=%C3%BC+1").await.expect(200);
}

/// What is to be tried must not be done because of how it is written.
#[tokio::test]
async fn a_dry_run_is_one_however_it_is_encoded() {
    let (_server, client) = client().await;
    client.send("POST", "/v1/vpcs?dry%5Frun=%74rue", Some(json!({}))).await.expect(204);
    for unclear in ["/v1/vpcs?dry_run", "/v1/vpcs?dry_run=", "/v1/vpcs?dry_run=1"] {
        let problem = client.send("POST", unclear, Some(json!({}))).await.expect(400);
        assert_eq!(problem["errors"][0]["accepted"], "true or false", "{unclear}");
    }
    // Time cannot be tried.
    let advance = client.send("POST", "/v1/clock/advance?dry_run=true", Some(json!({"seconds": 1}))).await;
    assert_eq!(advance.expect(400)["errors"][0]["parameter"], "dry_run");
    assert_eq!(client.get("/v1/vpcs").await.expect(200)["items"], json!([]));
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
