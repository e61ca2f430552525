//! Mixes: the printed example, its picture and its page, the scenarios among the examples, and listeners of a world
//! with rules, redirects and schedules.

use crate::process::{Dir, Program};
use crate::service::{self, Client};
use crate::{body_of, cloudnet, file, hold, told_why};
use serde_json::{Value, json};
use sim_api::Server;
use sim_core::traffic::mix;
use std::path::PathBuf;

fn mix_example() -> String {
    String::from_utf8(cloudnet(&["traffic", "example", "mix"]).stdout).unwrap()
}

#[test]
fn the_example_of_a_mix_runs_and_gives_the_same_bytes_each_time() {
    let scenario = file("mix.toml", &mix_example());
    let chart = file("mix.svg", "");
    let run = ["traffic", "run", scenario.to_str().unwrap(), "--json", "--svg", chart.to_str().unwrap()];
    let first = cloudnet(&run);
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let picture = std::fs::read(&chart).unwrap();
    let report: mix::Report = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!((report.connections, report.redirects), (26_400, 14_400));
    assert_eq!(report.served + report.failed, report.connections);
    let again = cloudnet(&run);
    assert_eq!((first.stdout, picture), (again.stdout, std::fs::read(&chart).unwrap()));
}

#[test]
fn the_picture_of_a_mix_is_the_examples() {
    let picture = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/images/traffic-mix.svg");
    let (scenario, drawn) = (file("mixed.toml", &mix_example()), file("mixed.svg", ""));
    cloudnet(&["traffic", "run", scenario.to_str().unwrap(), "--svg", drawn.to_str().unwrap()]);
    let drawn = std::fs::read_to_string(drawn).unwrap();
    let mut reader = quick_xml::Reader::from_str(&drawn);
    while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
    if std::env::var_os("CLOUDNET_UPDATE").is_some() {
        std::fs::write(&picture, &drawn).unwrap();
    }
    assert_eq!(std::fs::read_to_string(picture).unwrap(), drawn, "set CLOUDNET_UPDATE=1 to draw it anew");
}

/// What the command line tells of a scenario.
fn words(scenario: &str) -> String {
    let scenario = file("words.toml", scenario);
    let done = cloudnet(&["traffic", "run", scenario.to_str().unwrap()]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// The example with redirects that nobody follows, and with listeners that redirect to each other.
fn mix_redirects() -> String {
    let mut out = String::new();
    let loops = ("protocol = \"https\"\n", "protocol = \"https\"\nredirect = \"http\"\n");
    for (what, from, to) in [
        ("followed", "", ""),
        ("not followed", "follow = true", "follow = false"),
        ("round and round", loops.0, loops.1),
    ] {
        let mut text = mix_example().replacen(from, to, 1);
        if what == "round and round" {
            let (rules, end) = (
                text.find("[[listener.rule]]").unwrap(),
                text.find("[[listener]]\nname = \"ingest\"").unwrap(),
            );
            text.replace_range(rules..end, "");
        }
        let report = mix::run(&toml::from_str(&text).unwrap(), &mut |_| true).unwrap().unwrap();
        let browsers = &report.clients[0];
        let mix::report::OfClients { connections, served, failed, not_followed, redirects, .. } = browsers;
        out.push_str(&format!(
            "{what:<16} {connections} connections of browsers, {redirects:>6} redirects: {served:>5} served, {failed:>5} failed, \
             {not_followed:>5} ended with one\n"
        ));
    }
    out
}

#[test]
fn the_page_of_mixes() {
    hold("mixes.md", &[("mix", words(&mix_example())), ("redirects", mix_redirects())]);
}

#[test]
fn the_scenarios_among_the_examples_run() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/traffic");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let done = cloudnet(&["traffic", "run", path.to_str().unwrap(), "--json"]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let report: mix::Report = serde_json::from_slice(&done.stdout).unwrap();
        let happened: Vec<_> = report.happened.iter().map(|h| (h.whose(), h.what.words())).collect();
        // The black hole takes one load balancer, and both find the fault.
        assert!(happened.contains(&("internet".into(), "black hole began")), "{happened:?}");
        assert!(happened.contains(&("app-2 of web".into(), "abnormal")), "{happened:?}");
        assert!(happened.contains(&("app-2 of api".into(), "abnormal")), "{happened:?}");
        assert!(report.clients[1].failures.iter().all(|of| of.cause != sim_core::traffic::Cause::BlackHole));
    }
}

#[test]
fn a_mix_that_does_not_read_is_told_with_its_place() {
    for (from, to, said) in [
        ("rate = 120", "rate = 0", "clients[0].rate: 0 is out of range; write 1 to 1000000"),
        (
            "listener = \"http\"",
            "listener = \"moon\"",
            "clients[0].listener: \"moon\" is no listener; there are http, https, ingest",
        ),
        ("redirect = \"https\"", "redirect = \"ingest\"", "listener[0].redirect"),
        (
            "group = \"carts\"",
            "group = \"moon\"",
            "listener[1].rule[0].group: \"moon\" is no group; there are pages, carts",
        ),
        ("share = 3", "share = 0", "clients[0].ask[0].share: 0 is out of range; write 1 to 1000"),
        ("path = \"/\"", "path = \"x\"", "clients[0].ask[0].path"),
        ("follow = true", "folow = true", "unknown field `folow`"),
    ] {
        told_why("bad-mix.toml", &mix_example().replacen(from, to, 1), said);
    }
}

#[tokio::test]
async fn the_native_wire_answers_a_mix_as_the_command_line_does() {
    let server = Server::start(service::settings()).await.unwrap();
    let client = Client::new(&server);
    let (scenario, chart) = (file("mix-wire.toml", &mix_example()), file("mix-wire.svg", ""));
    let run = ["traffic", "run", scenario.to_str().unwrap(), "--json", "--svg", chart.to_str().unwrap()];
    let told: Value = serde_json::from_slice(&cloudnet(&run).stdout).unwrap();
    let body = body_of(&mix_example());
    let answer = client.post("/v1/traffic/mix", body.clone()).await;
    assert_eq!((answer.status, &answer.body), (200, &told));
    let answer = client.post("/v1/traffic/mix?format=svg", body.clone()).await;
    assert_eq!((answer.status, answer.text), (200, std::fs::read_to_string(chart).unwrap()));
    let mut wrong = body;
    wrong["listener"][1]["rule"][0]["group"] = json!("moon");
    let problem = client.post("/v1/traffic/mix", wrong).await.expect(422);
    assert_eq!(problem["errors"][0]["pointer"], "/listener/1/rule/0/group", "{problem}");
}

/// Two hosts behind a load balancer with listeners for TCP at 90, HTTPS at 443 with a rule for carts, and HTTP at 80
/// that redirects there; the rule has its own check of another port.
struct Shop {
    balancer: String,
    hosts: Vec<String>,
    rule: String,
}

fn shop(post: &dyn Fn(&str, Value) -> Value) -> Shop {
    let id = |made: Value| made["id"].as_str().unwrap_or_default().to_owned();
    let vpc = id(post("/v1/vpcs", json!({"cidr_block": "10.0.0.0/16"})));
    let body = json!({"vpc_id": vpc, "zone_id": "cn-hangzhou-k", "cidr_block": "10.0.1.0/24"});
    let vswitch = id(post("/v1/vswitches", body));
    let group = id(post("/v1/security-groups", json!({"vpc_id": vpc})));
    let host = |_| {
        let body = json!({"instance_type": "ecs.g7.large", "image_id": "aliyun_3_x64_20G_alibase_20240819.vhd",
            "vswitch_id": vswitch, "security_group_ids": [group]});
        id(post("/v1/instances", body))
    };
    let hosts: Vec<String> = (0..2).map(host).collect();
    post("/v1/clock/advance", json!({"seconds": 600}));
    let balancer = id(post("/v1/load-balancers", json!({"spec": "slb.s1.small"})));
    let group_of = |weights: &[u8]| {
        let members = hosts.iter().zip(weights);
        let backends: Vec<Value> =
            members.map(|(host, w)| json!({"server_id": host, "port": 80, "weight": w})).collect();
        id(post("/v1/vserver-groups", json!({"load_balancer_id": balancer, "backends": backends})))
    };
    let (pages, carts) = (group_of(&[100, 50]), group_of(&[0, 100]));
    let certificate = |name: &str| {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/certificates").join(name);
        std::fs::read_to_string(path).unwrap()
    };
    let body = json!({"certificate": certificate("server.pem"), "private_key": certificate("server.key")});
    let certificate = id(post("/v1/server-certificates", body));
    let listen = |more: Value| {
        let mut body = json!({"load_balancer_id": balancer});
        more.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        let listener = id(post("/v1/listeners", body));
        post(&format!("/v1/listeners/{listener}/start"), json!({}));
        listener
    };
    let https = listen(json!({"port": 443, "protocol": "https", "vserver_group_id": pages,
        "traffic": {"scheduler": "wrr", "server_certificate_id": certificate}}));
    listen(json!({"port": 80, "protocol": "http", "forward_port": 443}));
    listen(
        json!({"port": 90, "protocol": "tcp", "vserver_group_id": pages, "traffic": {"scheduler": "wrr"}}),
    );
    let rule = id(post(
        "/v1/forwarding-rules",
        json!({"listener_id": https, "name": "cart", "domain": "shop.example", "url": "/cart", "vserver_group_id": carts}),
    ));
    post("/v1/clock/advance", json!({"seconds": 60}));
    Shop { balancer, hosts, rule }
}

#[test]
fn listeners_of_a_world_are_taken_over_together() {
    let dir = Dir::new();
    let program = Program::serve(&dir, &["--clock", "manual"], &[]);
    let send = |method: &str, path: &str, body: Value| {
        let (status, made) = service::http(program.address, method, path, &[], &body.to_string()).unwrap();
        assert!(status < 300, "{path}: {made}");
        made
    };
    let post = |path: &str, body: Value| send("POST", path, body);
    let Shop { balancer, hosts, rule } = shop(&post);
    let at = |port: u16| json!({"load_balancer_id": balancer, "port": port});
    let cart = json!({"host": "shop.example", "path": "/cart/1"});
    let body = json!({"duration": "1m",
        "clients": [
            {"name": "browsers", "rate": 10, "of_world": at(80), "ask": [cart, {"host": "shop.example", "share": 2}]},
            {"name": "apps", "rate": 6, "of_world": at(443)},
            {"name": "devices", "rate": 3, "of_world": at(90)}],
        "fault": [{"at": "30s", "backend": hosts[0], "weight": 0}]});
    let report = post("/v1/traffic/mix", body.clone());
    let named = |port: u16| json!(format!("{balancer}:{port}"));
    let servings: Vec<(&Value, Option<&Value>, &Value)> = report["servings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| (&of["listener"], of.get("rule"), &of["requests"]))
        .collect();
    assert_eq!((servings[0].0, servings[0].2), (&named(80), &json!(600)));
    assert_eq!((servings[1].0, servings[1].1), (&named(443), None));
    assert_eq!((servings[2].0, servings[2].1), (&named(443), Some(&json!(rule))));
    assert_eq!((servings[3].0, servings[3].2), (&named(90), &json!(180)));
    assert_eq!((&report["redirects"], &report["failed"]), (&json!(600), &json!(0)));
    let to_cart = servings[2].2.as_u64().unwrap();
    assert!((150..250).contains(&to_cart), "{to_cart}");
    let backends: Vec<&Value> = report["backends"].as_array().unwrap().iter().map(|of| &of["name"]).collect();
    assert_eq!(backends, [&json!(format!("{}:80", hosts[0])), &json!(format!("{}:80", hosts[1]))]);
    let taken = |serving: usize, member: usize| {
        report["servings"][serving]["members"][member]["taken"].as_u64().unwrap()
    };
    // Of a group in which it has no weight a host gets nothing; of the other two thirds of what comes in the first half.
    assert_eq!((taken(2, 0), taken(2, 1)), (0, to_cart));
    assert_eq!((taken(3, 0), taken(3, 1)), (60, 120));

    // An outage of the world is common to all of them, and each check finds it.
    let clock = service::http(program.address, "GET", "/v1/clock", &[], "").unwrap().1;
    let now = sim_core::SimTime::parse(clock["now"].as_str().unwrap()).unwrap();
    post(
        "/v1/outages",
        json!({"instance_id": hosts[1], "from": (now + sim_core::Span::seconds(10)).to_string()}),
    );
    let dark = post("/v1/traffic/mix", body.clone());
    let what = |h: &&Value| h["what"] == "abnormal";
    let mut of: Vec<&str> =
        dark["happened"].as_array().unwrap().iter().filter(what).map(|h| h["of"].as_str().unwrap()).collect();
    of.sort_unstable();
    let mut expected =
        vec![format!("{balancer}:443"), format!("{balancer}:443/{rule}"), format!("{balancer}:90")];
    expected.sort_unstable();
    assert_eq!(of, expected);

    // Clients who do not follow see the redirect alone, and the command line asks the same server.
    let text = format!(
        "duration = \"1m\"\n[[clients]]\nname = \"tools\"\nrate = 10\nfollow = false\n\
         of_world = {{ load_balancer_id = \"{balancer}\", port = 80 }}\n"
    );
    let scenario = file("mix-of-world.toml", &text);
    let address = format!("http://{}", program.address);
    let done = cloudnet(&["traffic", "run", scenario.to_str().unwrap(), "--json", "--server", &address]);
    let told: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"));
    assert_eq!((&told["not_followed"], &told["served"]), (&json!(600), &json!(0)));
    program.stop();
}
