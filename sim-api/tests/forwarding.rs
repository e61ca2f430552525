//! Requests to a listener with forwarding rules, over the native wire: where packets and simulated clients go; and what
//! is answered to questions that make no sense.

mod service;

use serde_json::{Value, json};
use service::Client;
use sim_api::Server;
use std::collections::BTreeMap;
use std::path::PathBuf;

const IMAGE: &str = "aliyun_3_x64_20G_alibase_20240819.vhd";

/// A listener on port 80 of HTTP, whose own group has `own` and whose rules for shop.example send `/cart` and
/// `/cart/old` to a group with `cart`. Its members are found healthy.
struct Shop {
    client: Client,
    ids: BTreeMap<&'static str, String>,
    address: String,
}

async fn shop() -> (Server, Shop) {
    let server = Server::start(service::settings()).await.unwrap();
    let mut shop = Shop { client: Client::new(&server), ids: BTreeMap::new(), address: String::new() };
    shop.make("vpc", "/v1/vpcs", json!({"cidr_block": "10.0.0.0/16"})).await;
    let body = json!({"vpc_id": shop.id("vpc"), "zone_id": "cn-hangzhou-k", "cidr_block": "10.0.1.0/24"});
    shop.make("vswitch", "/v1/vswitches", body).await;
    shop.make("group", "/v1/security-groups", json!({"vpc_id": shop.id("vpc")})).await;
    for name in ["client", "own", "cart"] {
        let body = json!({"instance_type": "ecs.g7.large", "image_id": IMAGE, "vswitch_id": shop.id("vswitch"),
            "security_group_ids": [shop.id("group")]});
        shop.make(name, "/v1/instances", body).await;
    }
    shop.make("lb", "/v1/load-balancers", json!({"spec": "slb.s1.small"})).await;
    let shown = shop.client.get(&format!("/v1/load-balancers/{}", shop.id("lb"))).await.expect(200);
    shown["address"].as_str().unwrap().clone_into(&mut shop.address);
    for (pool, server) in [("owns", "own"), ("carts", "cart")] {
        let body = json!({"load_balancer_id": shop.id("lb"), "backends": [{"server_id": shop.id(server), "port": 80}]});
        shop.make(pool, "/v1/vserver-groups", body).await;
    }
    let body = json!({"load_balancer_id": shop.id("lb"), "port": 80, "protocol": "http",
        "vserver_group_id": shop.id("owns")});
    shop.make("listener", "/v1/listeners", body).await;
    for (name, url) in [("rule", "/cart"), ("old", "/cart/old")] {
        let body = json!({"listener_id": shop.id("listener"), "name": name, "domain": "shop.example", "url": url,
            "vserver_group_id": shop.id("carts")});
        shop.make(name, "/v1/forwarding-rules", body).await;
    }
    shop.change("POST", format!("/v1/listeners/{}/start", shop.id("listener")), None).await;
    shop.advance(10).await;
    (server, shop)
}

impl Shop {
    fn id(&self, name: &str) -> String {
        self.ids[name].clone()
    }

    async fn make(&mut self, name: &'static str, path: &str, body: Value) {
        let made = self.client.post(path, body).await.expect(201);
        self.ids.insert(name, made["id"].as_str().unwrap().to_owned());
    }

    async fn change(&self, method: &str, path: String, body: Option<Value>) {
        let answer = self.client.send(method, &path, body).await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.body);
    }

    async fn advance(&self, seconds: u32) {
        self.change("POST", "/v1/clock/advance".to_owned(), Some(json!({"seconds": seconds}))).await;
    }

    /// What becomes of a request from the internet, or of a packet that asks for nothing.
    async fn ask(&self, request: Value) -> Value {
        let flow = json!({"source_address": "47.96.1.1", "destination": self.address, "port": 80, "request": request});
        let body = json!({"flows": [flow], "text": true, "remedies": true});
        self.client.post("/v1/traces", body).await.expect(200)["items"][0].clone()
    }

    /// Carries out what a remedy says, and asks again.
    async fn follow(&self, request: &Value, item: &Value) -> Value {
        for change in item["remedy"]["changes"].as_array().expect("a remedy") {
            let (method, path) = (change["method"].as_str().unwrap(), change["path"].as_str().unwrap());
            self.change(method, path.to_owned(), change.get("body").cloned()).await;
        }
        self.ask(request.clone()).await
    }

    /// The report on simulated clients of the listener.
    async fn traffic(&self, request: Value) -> Value {
        let mut listener = json!({"load_balancer_id": self.id("lb"), "port": 80});
        for (name, value) in request.as_object().unwrap() {
            listener[name] = value.clone();
        }
        let body = json!({"duration": "60s", "clients": {"number": 20, "rate": 10}, "of_world": listener});
        self.client.post("/v1/traffic", body).await.expect(200)
    }
}

fn step(item: &Value, kind: &str) -> Value {
    let steps = item["forward"].as_array().unwrap();
    steps.iter().find(|step| step["kind"] == kind).cloned().unwrap_or_else(|| panic!("{item}"))
}

#[tokio::test]
async fn a_request_is_sent_where_its_forwarding_rule_says() {
    let (_server, shop) = shop().await;
    let cart = json!({"host": "shop.example", "path": "/cart/1"});
    let item = shop.ask(cart.clone()).await;
    let asked = step(&item, "forwarding_rules");
    let rule = json!(shop.id("rule"));
    assert_eq!((&asked["forwarding_rule_id"], &asked["forwarding_rules"]), (&rule, &json!(2)), "{asked}");
    let order: Vec<&Value> = asked["asked"].as_array().unwrap().iter().map(|rule| &rule["url"]).collect();
    assert_eq!(order, ["/cart/old", "/cart"]);
    let of_group = |item: &Value| step(item, "balanced")["vserver_group_id"].clone();
    assert_eq!((of_group(&item), &item["request"]), (json!(shop.id("carts")), &cart));
    let item = shop.ask(Value::Null).await;
    let asked = step(&item, "forwarding_rules");
    assert!(asked.get("asked").is_none() && asked.get("forwarding_rule_id").is_none(), "{asked}");
    assert_eq!((of_group(&item), item.get("request")), (json!(shop.id("owns")), None));
    // The rule's group is what is broken; what the remedy says can be carried out.
    let path = format!("/v1/vserver-groups/{}", shop.id("carts"));
    let member = json!({"server_id": shop.id("cart"), "port": 80, "weight": 0});
    shop.change("PATCH", path.clone(), Some(json!({"backends": [member]}))).await;
    let item = shop.ask(cart.clone()).await;
    let kind = |item: &Value| item["end"]["kind"].as_str().unwrap().to_owned();
    assert_eq!((kind(&item).as_str(), &item["end"]["forwarding_rule_id"]), ("no_healthy_backend", &rule));
    assert_eq!(kind(&shop.follow(&cart, &item).await), "delivered");
    let member = json!({"server_id": shop.id("cart"), "port": 80});
    shop.change("POST", format!("{path}/backends/remove"), Some(json!({"backends": [member]}))).await;
    let item = shop.ask(cart.clone()).await;
    assert_eq!(item["end"]["members"], 0, "{item}");
    let item = shop.follow(&cart, &item).await;
    assert_eq!((kind(&item).as_str(), of_group(&item)), ("delivered", json!(shop.id("owns"))));
}

#[tokio::test]
async fn simulated_clients_go_where_the_rule_of_their_request_says() {
    let (_server, shop) = shop().await;
    let names = |report: &Value| -> Vec<String> {
        report["backends"]
            .as_array()
            .unwrap()
            .iter()
            .map(|b| b["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let (own, cart) = (format!("{}:80", shop.id("own")), format!("{}:80", shop.id("cart")));
    let request = json!({"host": "shop.example", "path": "/cart/1"});
    let report = shop.traffic(request.clone()).await;
    assert_eq!(
        (names(&report), &report["forwarding_rule_id"]),
        (vec![cart.clone()], &json!(shop.id("rule")))
    );
    assert_eq!((&report["served"], &report["failed"]), (&json!(600), &json!(0)));
    for request in [json!({}), json!({"path": "/"}), json!({"host": "elsewhere.example", "path": "/cart"})] {
        let report = shop.traffic(request).await;
        assert_eq!((names(&report), report.get("forwarding_rule_id")), (vec![own.clone()], None));
    }
    // The rule's own way: it keeps clients by a cookie of its own and probes the group by its own check, of which a
    // status of 404 is no success. One second apart, two failures are known after a second.
    let way = json!({"as_listener": false, "scheduler": "rr", "sticky_session": true, "sticky_session_type": "insert",
        "cookie_timeout": 3600, "health_check": {"enabled": true, "interval": 1, "unhealthy_threshold": 2}});
    let body = json!({"own": way});
    shop.change("PATCH", format!("/v1/forwarding-rules/{}", shop.id("rule")), Some(body)).await;
    shop.advance(30).await;
    let path = format!("/v1/instances/{}/ports/tcp/80", shop.id("cart"));
    shop.change("PUT", path, Some(json!({"behaviour": "answers", "http_status": 404}))).await;
    let report = shop.traffic(request).await;
    let abnormal = report["happened"].as_array().unwrap().iter().find(|h| h["what"] == "abnormal");
    let at = abnormal.unwrap_or_else(|| panic!("{report}"))["at_ms"].as_u64().unwrap();
    assert!((1000..=2000).contains(&at), "two failures one second apart, the first within a second: {at}");
    assert_eq!(report["backends"][0]["name"], json!(cart), "{report}");
}

/// What the schema of a step says of its kind is what the core has.
#[test]
fn the_schema_of_a_step_names_every_end() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../openapi/cloudnet.json");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let kind = document.pointer("/components/schemas/StepBody/properties/kind/description").unwrap();
    let (_, ends) = kind.as_str().unwrap().split_once("Ends: ").unwrap();
    let mut named: Vec<&str> = ends.trim_end_matches('.').split(',').map(str::trim).collect();
    let mut known = sim_core::datapath::Disposition::WORDS.to_vec();
    named.sort_unstable();
    known.sort_unstable();
    assert_eq!(named, known);
}

/// A body with another value at each of its places, and without each of its members.
fn variants(base: &Value, wrong: &Value) -> Vec<(String, Value)> {
    fn places(value: &Value, at: &str, all: &mut Vec<String>) {
        all.push(at.to_owned());
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, inner)| places(inner, &format!("{at}/{name}"), all))
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(n, inner)| places(inner, &format!("{at}/{n}"), all))
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    places(base, "", &mut all);
    all.into_iter()
        .filter(|place| !place.is_empty())
        .map(|place| {
            let mut body = base.clone();
            *body.pointer_mut(&place).unwrap() = wrong.clone();
            (place, body)
        })
        .collect()
}

/// Values that no field takes, or few: each is refused with its place, or taken, and nothing breaks.
#[tokio::test]
async fn whatever_is_asked_there_is_an_answer_and_a_refusal_names_its_place() {
    let (_server, shop) = shop().await;
    let [client, own, lb, vpc] = ["client", "own", "lb", "vpc"].map(|name| shop.id(name));
    let flow = json!({"instance_id": client, "source_address": "10.0.1.1", "destination": shop.address,
        "protocol": "tcp", "port": 80, "source_port": 1000, "request": {"host": "shop.example", "path": "/cart"}});
    let traces = json!({"flows": [flow], "evidence": "full", "text": true, "remedies": true});
    let sets = json!({"vpc_id": vpc, "from": {"tag": {"key": "a", "value": "b"}},
        "to": {"vswitch_id": shop.id("vswitch")}, "protocol": "tcp", "port": 80});
    let listener =
        json!({"load_balancer_id": lb, "port": 80, "protocol": "http", "host": "a.b", "path": "/x"});
    let fault = json!({"at": "1s", "backend": own, "answers": "refuses", "weight": 1, "status": 500});
    let clients =
        json!({"number": 10, "rate": 5, "connection": "500ms", "connection_max": "1s", "bytes": 10});
    let of_world =
        json!({"seed": 1, "duration": "10s", "clients": clients, "of_world": listener, "fault": [fault]});
    let backend = json!({"name": "a", "weight": 5, "answers": "5ms", "status": 200,
        "check_answers": "5ms", "check_status": 200});
    let own_listener = json!({"protocol": "tcp", "scheduler": "wrr", "persistence": "0s", "drain": "0s",
        "spec": "slb.s1.small", "max_connections": 5, "new_per_second": 5, "running_for": "1s"});
    let described = json!({"duration": "10s", "clients": clients, "listener": own_listener, "backend": [backend],
        "health_check": {"interval": "2s", "timeout": "5s", "healthy": 3, "unhealthy": 3},
        "protection": {"bandwidth": 200}, "attack": [{"at": "1s", "lasts": "2s", "mbps": 3000}]});
    let planned =
        json!({"at": "2027-01-01T00:00:00Z", "behaviour": "answers", "after_ms": 5, "http_status": 200});
    let port = json!({"behaviour": "answers", "after_ms": 5, "http_status": 200, "schedule": [planned]});
    let outage = json!({"instance_id": own, "from": "2027-01-01T00:00:00Z", "until": "2028-01-01T00:00:00Z"});
    let bases = [
        ("POST", "/v1/traces".to_owned(), traces),
        ("POST", "/v1/reachability".to_owned(), sets),
        ("POST", "/v1/traffic".to_owned(), of_world),
        ("POST", "/v1/traffic".to_owned(), described),
        ("PUT", format!("/v1/instances/{own}/ports/tcp/80"), port),
        ("POST", "/v1/outages".to_owned(), outage),
    ];
    let long = "x".repeat(100_000);
    let wrong = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(65_536),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("\u{1f600}"),
        json!(long),
        json!("0.0.0.0"),
        json!("::ffff:10.0.0.1"),
        json!("99999999999h"),
        json!("-1s"),
        json!("9999-12-31T23:59:59.999Z"),
        json!([]),
        json!([null]),
        json!({}),
        json!({"moon": 1}),
    ];
    for (method, path, base) in bases {
        let answer = shop.client.send(method, &path, Some(base.clone())).await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.body);
        for (place, body) in wrong.iter().flat_map(|wrong| variants(&base, wrong)) {
            let answer = shop.client.send(method, &path, Some(body)).await;
            assert!(answer.status < 500, "{method} {path} {place}: {}", answer.body);
            if answer.status >= 400 {
                let told =
                    answer.body["errors"][0]["pointer"].as_str().is_some_and(|pointer| pointer.len() > 1);
                assert!(told, "{method} {path} {place}: {}", answer.body);
                assert!(answer.body.to_string().len() < 2000, "{method} {path} {place} tells it all again");
            }
        }
        for name in base.as_object().unwrap().keys() {
            let mut body = base.clone();
            body.as_object_mut().unwrap().remove(name);
            let answer = shop.client.send(method, &path, Some(body)).await;
            let told = answer.status < 300 || answer.body["errors"][0]["pointer"].as_str().is_some();
            assert!(answer.status < 500 && told, "{method} {path} without {name}: {}", answer.body);
        }
    }
    for (query, name) in
        [("port=0x1", "port"), ("protocol=x", "protocol"), ("moon=1", "moon"), ("port=65536", "port")]
    {
        let problem = shop.client.get(&format!("/v1/load-balancers/{lb}/health?{query}")).await.expect(400);
        assert_eq!(problem["errors"][0]["parameter"], name, "{problem}");
    }
    let problem = shop.client.post("/v1/traces", json!({})).await.expect(400);
    assert_eq!(problem["errors"][0]["pointer"], "/flows", "{problem}");
    let problem = shop.client.post("/v1/traces", json!({"flows": [{}]})).await.expect(400);
    assert_eq!(problem["errors"][0]["pointer"], "/flows/0/destination", "{problem}");
}

#[tokio::test]
async fn a_world_goes_on_at_the_last_instant_of_all() {
    let (server, shop) = shop().await;
    shop.client.post("/v1/clock/advance", json!({"to": "9999-12-31T23:59:59.999Z"})).await.expect(200);
    // Verdicts that would fall later fall never.
    for turn in ["stop", "start"] {
        shop.change("POST", format!("/v1/listeners/{}/{turn}", shop.id("listener")), None).await;
    }
    shop.client.post("/v1/vpcs", json!({})).await.expect(201);
    server.stop().await.unwrap();
}
