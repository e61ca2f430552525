//! `cloudnet traffic` and `POST /v1/traffic`: the printed example runs, gives the same bytes each time, a bad scenario is told
//! from a bad outcome, and a listener of a world is taken over as it is.

#[path = "traffic/limits.rs"]
mod limits;
#[path = "traffic/mix.rs"]
mod mix;
#[path = "traffic/nat.rs"]
mod nat;
mod process;
mod service;

use process::{Dir, Program};
use serde_json::{Value, json};
use service::Client;
use sim_api::Server;
use sim_core::balancing::scheduler::{Candidate, Chooser, Scheduler};
use std::path::PathBuf;
use std::process::{Command, Output};

fn cloudnet(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cloudnet")).args(words).output().unwrap()
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Refuses to run a scenario, and says why.
fn told_why(name: &str, scenario: &str, why: &str) {
    let done = cloudnet(&["traffic", "run", file(name, scenario).to_str().unwrap()]);
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(2), "{why}: {told}");
    assert!(told.contains(why), "{why}: {told}");
}

fn example() -> String {
    String::from_utf8(cloudnet(&["traffic", "example"]).stdout).unwrap()
}

#[test]
fn the_example_runs_and_gives_the_same_bytes_each_time() {
    let scenario = file("traffic.toml", &example());
    let scenario = scenario.to_str().unwrap();
    let chart = file("traffic.svg", "");
    let run = || cloudnet(&["traffic", "run", scenario, "--json", "--svg", chart.to_str().unwrap()]);
    let first = run();
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let picture = std::fs::read(&chart).unwrap();
    let report: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(report["connections"], 36_000);
    assert_eq!(report["served"].as_u64().unwrap() + report["failed"].as_u64().unwrap(), 36_000);
    let happened: Vec<&str> =
        report["happened"].as_array().unwrap().iter().map(|h| h["what"].as_str().unwrap()).collect();
    assert_eq!(happened, ["fault", "abnormal", "fault", "normal", "fault"]);
    let again = run();
    assert_eq!((first.stdout, picture), (again.stdout, std::fs::read(&chart).unwrap()));
    let words = cloudnet(&["traffic", "run", scenario]);
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(words.starts_with("36000 connections: "), "{words}");
}

#[test]
fn the_chart_is_xml_with_names_escaped() {
    let text = example().replace("web-3", "a<b>&c");
    let chart = file("escaped.svg", "");
    let scenario = file("escaped.toml", &text);
    let done = cloudnet(&["traffic", "run", scenario.to_str().unwrap(), "--svg", chart.to_str().unwrap()]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = std::fs::read_to_string(chart).unwrap();
    let mut reader = quick_xml::Reader::from_str(&text);
    let mut rectangles = 0;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Empty(e) if e.name().as_ref() == "rect" => rectangles += 1,
            _ => {}
        }
    }
    assert!(rectangles > 240, "{rectangles}");
    assert!(text.contains("a&lt;b&gt;&amp;c"));
}

#[test]
fn a_scenario_that_does_not_read_is_told_with_its_place() {
    for (from, to, said) in [
        ("at = \"20s\"", "at = \"20x\"", "write 500ms, 30s, 5m or 1h"),
        ("at = \"20s\"", "at = \"00000000020s\"", "write 500ms, 30s, 5m or 1h"),
        ("scheduler = \"wrr\"", "scheduler = \"best\"", "write rr, wrr, wlc, sch, tch or qch"),
        (
            "answers = \"silent\"",
            "answers = \"asleep\"",
            "write a length of time such as 5ms, refuses or silent",
        ),
        ("rate = 300", "rate = 0", "clients.rate: 0 is out of range; write 1 to 1000000"),
        ("seed = 7", "sede = 7", "unknown field `sede`"),
        ("weight = 50", "weight = 101", "backend[2].weight"),
    ] {
        told_why("bad.toml", &example().replacen(from, to, 1), said);
    }
    let fault = "\n[[fault]]\nat = \"1s\"\nbackend = \"web-1\"\nweight = 1\n";
    told_why("many.toml", &(example() + &fault.repeat(10_001)), "write 0 to 10000");
    assert_eq!(cloudnet(&["traffic", "run", "no-such-file.toml"]).status.code(), Some(2));
}

#[test]
fn names_are_short_and_a_picture_reads_whatever_they_hold() {
    let drawn = file("odd.svg", "");
    let scenario = file("odd.toml", &example().replace("\"web-1\"", "\"<a\\u0001&'b'>\""));
    let done = cloudnet(&["traffic", "run", scenario.to_str().unwrap(), "--svg", drawn.to_str().unwrap()]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let drawn = std::fs::read_to_string(drawn).unwrap();
    assert!(drawn.contains("&lt;a\u{fffd}&amp;&apos;b&apos;&gt;") && !drawn.contains('\u{1}'));
    for (name, said) in [("", "it has 0 characters"), (&*"x".repeat(81), "it has 81 characters")] {
        let named = example().replace("\"web-1\"", &format!("{name:?}"));
        told_why("named.toml", &named, &format!("backend[0].name: {said}; write 1 to 80"));
    }
    let nowhere = ["traffic", "run", scenario.to_str().unwrap(), "--svg", "no-such-directory/a.svg"];
    let told = String::from_utf8(cloudnet(&nowhere).stderr).unwrap();
    assert!(told.contains("no-such-directory/a.svg: "), "{told}");
}

#[test]
fn the_picture_in_the_readme_is_the_examples() {
    let picture = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/images/traffic.svg");
    let drawn = file("readme.svg", "");
    let scenario = file("readme.toml", &example());
    cloudnet(&["traffic", "run", scenario.to_str().unwrap(), "--svg", drawn.to_str().unwrap()]);
    let drawn = std::fs::read_to_string(drawn).unwrap();
    if std::env::var_os("CLOUDNET_UPDATE").is_some() {
        std::fs::write(&picture, &drawn).unwrap();
    }
    assert_eq!(std::fs::read_to_string(picture).unwrap(), drawn, "set CLOUDNET_UPDATE=1 to draw it anew");
}

/// A scenario as the native wire takes it.
fn body_of(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
}

fn example_body() -> Value {
    body_of(&example())
}

#[tokio::test]
async fn the_native_wire_answers_as_the_command_line_does() {
    let server = Server::start(service::settings()).await.unwrap();
    let client = Client::new(&server);
    let (scenario, chart) = (file("wire.toml", &example()), file("wire.svg", ""));
    let run = ["traffic", "run", scenario.to_str().unwrap(), "--json", "--svg", chart.to_str().unwrap()];
    let told: Value = serde_json::from_slice(&cloudnet(&run).stdout).unwrap();
    let answer = client.post("/v1/traffic", example_body()).await;
    assert_eq!((answer.status, &answer.body), (200, &told));
    let drawn = std::fs::read_to_string(chart).unwrap();
    for (client, path) in [
        (client.clone(), "/v1/traffic?format=svg"),
        (client.with("accept", "image/svg+xml,*/*;q=0.8"), "/v1/traffic"),
    ] {
        let answer = client.post(path, example_body()).await;
        assert_eq!(
            (answer.status, &answer.headers["content-type"]),
            (200, &"image/svg+xml".parse().unwrap())
        );
        assert!(answer.text == drawn);
    }
    let json = client.with("accept", "image/svg+xml").post("/v1/traffic?format=json", example_body()).await;
    assert_eq!(json.body, told);
    let answer = client.post("/v1/traffic?format=png", example_body()).await;
    assert_eq!(answer.status, 400);
    let mut wrong = example_body();
    wrong["backend"][2]["weight"] = json!(101);
    let problem = client.post("/v1/traffic", wrong).await.expect(422);
    assert_eq!(
        problem["errors"][0],
        json!({"pointer": "/backend/2/weight", "accepted": "0 to 100"}),
        "{problem}"
    );
    let mut wrong = example_body();
    wrong["clients"]["connection"] = json!("soon");
    // A whole number may be written as 1.0: the fault is elsewhere, and is said to be there.
    wrong["backend"][2]["weight"] = json!(1.0);
    let problem = client.post("/v1/traffic", wrong).await.expect(400);
    assert_eq!(problem["code"], "malformed_request", "{problem}");
    assert_eq!(problem["errors"][0]["pointer"], "/clients/connection", "{problem}");
}

/// A balancer of three hosts behind TCP port 80, which have run and been checked for a while.
struct Tier {
    balancer: String,
    listener: String,
    hosts: Vec<String>,
    vpc: String,
    vswitch: String,
}

fn tier(post: &dyn Fn(&str, Value) -> Value) -> Tier {
    let id = |made: Value| made["id"].as_str().unwrap_or_default().to_owned();
    let vpc = id(post("/v1/vpcs", json!({"cidr_block": "10.0.0.0/16"})));
    let body = json!({"vpc_id": vpc, "zone_id": "cn-hangzhou-k", "cidr_block": "10.0.1.0/24"});
    let vswitch = id(post("/v1/vswitches", body));
    let group = id(post("/v1/security-groups", json!({"vpc_id": vpc})));
    let host = |_| {
        let image = "aliyun_3_x64_20G_alibase_20240819.vhd";
        let body = json!({"instance_type": "ecs.g7.large", "image_id": image, "vswitch_id": vswitch,
            "security_group_ids": [group]});
        id(post("/v1/instances", body))
    };
    let hosts: Vec<String> = (0..3).map(host).collect();
    post("/v1/clock/advance", json!({"seconds": 600}));
    let balancer = id(post("/v1/load-balancers", json!({"spec": "slb.s1.small"})));
    let backends: Vec<Value> = hosts
        .iter()
        .zip([100, 100, 50])
        .map(|(host, weight)| json!({"server_id": host, "port": 8080, "weight": weight}))
        .collect();
    let body = json!({"load_balancer_id": balancer, "backends": backends});
    let group = id(post("/v1/vserver-groups", body));
    let body = json!({"load_balancer_id": balancer, "port": 80, "protocol": "tcp", "vserver_group_id": group,
        "traffic": {"scheduler": "wrr", "established_timeout": 60}});
    let listener = id(post("/v1/listeners", body));
    post(&format!("/v1/listeners/{listener}/start"), json!({}));
    post("/v1/clock/advance", json!({"seconds": 60}));
    Tier { balancer, listener, hosts, vpc, vswitch }
}

/// Of a primary/secondary group the secondary member takes over while the primary one is cut off, and nobody checks it.
fn waits_of_world(post: &dyn Fn(&str, Value) -> Value, balancer: &str, hosts: &[String]) {
    let member = |host: &String| json!({"server_id": host, "port": 9090});
    let group = post(
        "/v1/master-slave-server-groups",
        json!({"load_balancer_id": balancer, "primary": member(&hosts[0]), "secondary": member(&hosts[1])}),
    );
    let listener = post(
        "/v1/listeners",
        json!({"load_balancer_id": balancer, "port": 90, "protocol": "tcp",
            "master_slave_server_group_id": group["id"]}),
    );
    post(&format!("/v1/listeners/{}/start", listener["id"].as_str().unwrap()), json!({}));
    let clock = post("/v1/clock/advance", json!({"seconds": 600}));
    let now = sim_core::SimTime::parse(clock["now"].as_str().unwrap()).unwrap();
    let from = (now + sim_core::Span::seconds(60)).to_string();
    post("/v1/outages", json!({"instance_id": hosts[0], "from": from}));
    let body = json!({"duration": "2m", "clients": {"rate": 10}, "of_world": {"load_balancer_id": balancer, "port": 90}});
    let report = post("/v1/traffic", body);
    let known = |h: &&Value| h["what"] != "fault";
    let verdicts: Vec<&Value> = report["happened"].as_array().unwrap().iter().filter(known).collect();
    let expected = json!({"at_ms": 81_000, "backend": format!("{}:9090", hosts[0]), "what": "abnormal"});
    assert_eq!(verdicts, [&expected]);
    let taken: Vec<u64> =
        report["backends"].as_array().unwrap().iter().map(|b| b["taken"].as_u64().unwrap()).collect();
    assert_eq!(taken, [600, 390]);
}

#[test]
fn a_listener_of_a_world_is_taken_over_with_its_schedules() {
    let dir = Dir::new();
    let program = Program::serve(&dir, &["--clock", "manual"], &[]);
    let send = |method: &str, path: &str, body: Value| {
        let (status, made) = service::http(program.address, method, path, &[], &body.to_string()).unwrap();
        assert!(status < 300, "{path}: {made}");
        made
    };
    let post = |path: &str, body: Value| send("POST", path, body);
    let Tier { balancer, hosts, .. } = tier(&post);
    let clock = service::http(program.address, "GET", "/v1/clock", &[], "").unwrap().1;
    let now = sim_core::SimTime::parse(clock["now"].as_str().unwrap_or_default());
    let now = now.unwrap_or_else(|| panic!("{clock}"));
    let at = |seconds: i64| (now + sim_core::Span::seconds(seconds)).to_string();
    // The first host's port falls silent and comes back, the second host is cut off for a while.
    let schedule =
        json!({"schedule": [{"at": at(60), "behaviour": "silent"}, {"at": at(120), "behaviour": "answers"}]});
    send("PUT", &format!("/v1/instances/{}/ports/tcp/8080", hosts[0]), schedule);
    post("/v1/outages", json!({"instance_id": hosts[1], "from": at(200), "until": at(260)}));
    let body = json!({"duration": "5m", "clients": {"rate": 50},
        "of_world": {"load_balancer_id": balancer, "port": 80},
        "fault": [{"at": "290s", "backend": hosts[2], "weight": 0}]});
    let report = post("/v1/traffic", body);
    let names: Vec<String> = hosts.iter().map(|host| format!("{host}:8080")).collect();
    let told: Vec<&str> =
        report["backends"].as_array().unwrap().iter().map(|b| b["name"].as_str().unwrap()).collect();
    assert_eq!(told, names);
    let happened: Vec<(u64, &str, &str)> = report["happened"]
        .as_array()
        .unwrap()
        .iter()
        .map(|h| {
            let text = |field: &str| h[field].as_str().unwrap();
            (h["at_ms"].as_u64().unwrap(), text("backend"), text("what"))
        })
        .collect();
    // Probes go on every 2 s from the listener's start. One at the very instant of a fault was answered at once, before
    // it, so that the first to fail is the next: abnormal 2 s + 19 s later; an answer in time that is cut off costs the
    // rest of its 5 s.
    let expected = [
        (60_000, 0, "fault"),
        (81_000, 0, "abnormal"),
        (120_000, 0, "fault"),
        (200_000, 1, "fault"),
        (221_000, 1, "abnormal"),
        (260_000, 1, "fault"),
        (290_000, 2, "fault"),
    ];
    let faults = happened.iter().filter(|(_, _, what)| *what != "normal").copied();
    let expected = expected.map(|(at, host, what): (u64, usize, &str)| (at, names[host].as_str(), what));
    assert_eq!(faults.collect::<Vec<_>>(), expected, "{happened:?}");
    let back: Vec<&str> = happened.iter().filter(|h| h.2 == "normal").map(|h| h.1).collect();
    assert_eq!(back, [&names[0], &names[1]]);

    // The listener remembers for a minute what nothing comes over.
    let resets = |interval: &str| {
        let body = json!({"duration": "5m", "clients": {"rate": 5, "connection": "2m", "interval": interval},
            "of_world": {"load_balancer_id": balancer, "port": 80}});
        let failures = post("/v1/traffic", body)["failures"].clone();
        failures.as_array().unwrap().iter().any(|of| of["cause"] == "idle_timeout")
    };
    assert_eq!((resets("60s"), resets("61s")), (false, true));

    // The command line asks the same server and tells the same.
    let text = format!(
        "duration = \"5m\"\nclients = {{ rate = 50 }}\nof_world = {{ load_balancer_id = \"{balancer}\", port = 80 }}\n\
         [[fault]]\nat = \"290s\"\nbackend = \"{}\"\nweight = 0\n",
        hosts[2]
    );
    let scenario = file("of-world.toml", &text);
    let address = format!("http://{}", program.address);
    let run = |more: &[&str]| {
        let words = ["traffic", "run", scenario.to_str().unwrap(), "--json", "--server", &address];
        cloudnet(&[&words[..], more].concat())
    };
    let done = run(&[]);
    assert_eq!(serde_json::from_slice::<Value>(&done.stdout).unwrap(), report, "{done:?}");
    let refused = run(&["--world", "elsewhere"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    waits_of_world(&post, &balancer, &hosts);
    program.stop();
    assert_eq!(run(&[]).status.code(), Some(2));
}

#[test]
fn a_listener_of_a_world_without_a_server_has_no_answer() {
    let text =
        "duration = \"5m\"\nclients = { rate = 1 }\nof_world = { load_balancer_id = \"lb-1\", port = 80 }\n";
    let scenario = file("alone.toml", text);
    let done = cloudnet(&["traffic", "run", scenario.to_str().unwrap(), "--server", "127.0.0.1:1"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stderr).contains("127.0.0.1:1"), "{done:?}");
}

/// A scheduler ready for backends of these weights, called a, b, c and so on.
fn chooser(scheduler: Scheduler, weights: &[u8]) -> Chooser {
    let candidate = |(name, weight): (u8, &u8)| Candidate { key: vec![name], weight: *weight };
    Chooser::new(scheduler, &(b'a'..).zip(weights).map(candidate).collect::<Vec<_>>())
}

fn scheduling_order() -> String {
    let mut out = String::new();
    for &(word, scheduler) in Scheduler::WORDS {
        let hashes = matches!(word, "sch" | "tch" | "qch");
        // A backend that has left has no weight.
        let left: &[&[u8]] = if hashes { &[&[30, 20, 10], &[30, 0, 10]] } else { &[&[30, 20, 10]] };
        for weights in left {
            let mut chooser = chooser(scheduler, weights);
            let mut open = std::collections::VecDeque::new();
            let mut taken = Vec::new();
            for n in 0..12_u64 {
                if open.len() > 4 {
                    chooser.ended(open.pop_front().unwrap());
                }
                let place = chooser.choose(&n.to_le_bytes()).unwrap();
                open.push_back(place);
                taken.push(char::from(b'a' + place as u8).to_string());
            }
            out.push_str(&format!("{word:<4} {}\n", taken.join(" ")));
        }
    }
    out
}

fn scheduling_shares() -> String {
    let mut out = format!("{:<4} {:>6} {:>6} {:>6}\n", "", "a 100", "b 50", "c 50");
    for &(word, scheduler) in Scheduler::WORDS {
        let mut chooser = chooser(scheduler, &[100, 50, 50]);
        let mut taken = [0_u64; 3];
        for n in 0..6_000_u64 {
            let source = n % 1_000;
            taken[chooser.choose(&source.to_le_bytes()).unwrap()] += 1;
        }
        let percent = taken.map(|number| format!("{:>6.1}", number as f64 / 60.0));
        out.push_str(&format!("{word:<4} {}\n", percent.join(" ")));
    }
    out
}

fn scheduling_moved() -> String {
    let mut before = chooser(Scheduler::SourceHash, &[100; 10]);
    let mut after = chooser(Scheduler::SourceHash, &[100, 100, 100, 0, 100, 100, 100, 100, 100, 100]);
    let (mut had, mut moved) = (0, 0);
    for source in 0..10_000_u64 {
        let key = source.to_le_bytes();
        let (from, to) = (before.choose(&key), after.choose(&key));
        had += u64::from(from == Some(3));
        moved += u64::from(from != to);
    }
    format!("{had} had the one that leaves, {moved} move\n")
}

fn ran(scenario: &str) -> sim_core::traffic::Report {
    let scenario = toml::from_str(scenario).unwrap();
    sim_core::traffic::run(&scenario, &mut |_| true).unwrap().unwrap()
}

fn scheduling_persistence() -> String {
    let mut out = String::new();
    for (what, listener) in [
        ("none", ""),
        ("persistence of 10 s", "listener = { persistence = \"10s\" }"),
        ("a cookie of 10 s", "listener = { protocol = \"http\", cookie = \"10s\" }"),
        ("a cookie of 15 s", "listener = { protocol = \"http\", cookie = \"15s\" }"),
    ] {
        let report = ran(&format!(
            "duration = \"1m\"\nclients = {{ number = 1, rate = 1 }}\n{listener}\nbackend = [{{ name = \"a\" }}, {{ name = \"b\" }}]"
        ));
        let taken: Vec<String> =
            report.backends.iter().map(|b| format!("{} took {}", b.name, b.taken)).collect();
        out.push_str(&format!("{what:<20} {}\n", taken.join(", ")));
    }
    out
}

fn scheduling_draining() -> String {
    let mut out = String::new();
    for (what, drain) in [("without", "0s"), ("for 10 s", "10s"), ("for 30 s", "30s")] {
        let report = ran(&format!(
            "duration = \"1m\"\nclients = {{ rate = 10, connection = \"20s\" }}\nhealth_check = {{}}\n\
             listener = {{ protocol = \"http\", drain = \"{drain}\" }}\n\
             backend = [{{ name = \"a\" }}, {{ name = \"b\" }}]\n\
             fault = [{{ at = \"30s\", backend = \"a\", status = 503 }}]"
        ));
        let of = |cause| report.failures.iter().find(|of| of.cause == cause).map_or(0, |of| of.number);
        let (cut, bad) = (of(sim_core::traffic::Cause::Cut), of(sim_core::traffic::Cause::BadStatus));
        let at = report.happened.iter().find(|h| h.what == sim_core::traffic::report::What::Abnormal);
        let at = at.map_or(0, |h| h.at_ms);
        out.push_str(&format!(
            "{what:<9} abnormal at {:>2}.{:03} s, {cut:>3} cut, {bad} got 503 until it was noticed\n",
            at / 1_000,
            at % 1_000
        ));
    }
    out
}

fn scheduling_timeouts() -> String {
    let told = |(protocol, interval): (&str, &str)| {
        let report = ran(&format!(
            "duration = \"10m\"\nclients = {{ rate = 1, connection = \"5m\", interval = \"{interval}\" }}\n\
             listener = {{ protocol = \"{protocol}\", idle_timeout = \"30s\" }}\nbackend = [{{ name = \"a\" }}]"
        ));
        let (taken, most) = (report.backends[0].taken, report.backends[0].most_open);
        let what = format!("{protocol} every {interval}");
        format!(
            "{what:<15} {taken:>5} taken, {most:>3} open at once, {:>3} reset, {:>4} came anew\n",
            report.failed, report.reopened
        )
    };
    let every = |protocol| [(protocol, "30s"), (protocol, "31s")];
    ["tcp", "udp", "http"].into_iter().flat_map(every).map(told).collect()
}

fn scheduling_slow() -> String {
    let told = |timeout: &str| {
        let report = ran(&format!(
            "duration = \"1m\"\nclients = {{ rate = 100 }}\n\
             listener = {{ protocol = \"http\", request_timeout = \"{timeout}\" }}\n\
             backend = [{{ name = \"a\", answers = \"2500ms\" }}, {{ name = \"b\" }}]"
        ));
        format!("request timeout {timeout}  {:>4} of {} got 504\n", report.failed, report.connections)
    };
    ["2s", "3s"].map(told).concat()
}

/// Holds the examples of a page against what the code tells, or writes them anew.
fn hold(page: &str, examples: &[(&str, String)]) {
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let mut told = std::fs::read_to_string(&page).unwrap();
    for (name, text) in examples {
        let mark = format!("<!-- example: {name} -->\n```\n");
        let from = told.find(&mark).unwrap_or_else(|| panic!("the page has no example {name}")) + mark.len();
        let to = from + told[from..].find("```").expect("the example ends");
        told.replace_range(from..to, text);
    }
    if std::env::var_os("CLOUDNET_UPDATE").is_some() {
        std::fs::write(&page, &told).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&page).unwrap(), told, "set CLOUDNET_UPDATE=1 to write it anew");
}

#[test]
fn the_page_of_scheduling() {
    let examples = [
        ("order", scheduling_order()),
        ("shares", scheduling_shares()),
        ("moved", scheduling_moved()),
        ("persistence", scheduling_persistence()),
        ("draining", scheduling_draining()),
        ("timeouts", scheduling_timeouts()),
        ("slow", scheduling_slow()),
        ("addresses", limits::addresses_example()),
        ("bandwidth", limits::bandwidth_example()),
    ];
    hold("scheduling.md", &examples);
}
