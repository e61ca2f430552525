//! Hosts behind a NAT gateway: the printed example, its picture, the page, and an SNAT entry of a world.

use crate::process::{Dir, Program};
use crate::service::{self, Client};
use crate::{body_of, cloudnet, file, hold, told_why};
use serde_json::{Value, json};
use sim_api::Server;
use sim_core::traffic::nat;
use std::path::PathBuf;

fn nat_example() -> String {
    String::from_utf8(cloudnet(&["traffic", "example", "nat"]).stdout).unwrap()
}

fn nat_ran(scenario: &str) -> nat::Report {
    nat::run(&toml::from_str(scenario).unwrap(), &mut |_| true).unwrap().unwrap()
}

/// What came of a scenario in one line: the most ports in use of any address, what failed, and when that began and ended.
fn nat_line(what: &str, report: &nat::Report) -> String {
    let most = report.addresses.iter().map(|address| address.most_ports).max().unwrap_or(0);
    let mut line =
        format!("{what:<18} {most:>6} ports in use, {:>6} of {} failed", report.failed, report.connections);
    let second = |ms: u64| format!("{}.{:03} s", ms / 1_000, ms % 1_000);
    for times in &report.exhausted {
        let until = times.until_ms.map_or_else(|| "the end".to_owned(), second);
        line.push_str(&format!(", none left from {} to {until}", second(times.from_ms)));
    }
    line + "\n"
}

fn snat_addresses() -> String {
    let told = |(addresses, destinations): (u32, u32)| {
        let report = nat_ran(&format!(
            "duration = \"10m\"\nhosts = {{ rate = 600, connection = \"1m\", destinations = {destinations} }}\n\
             nat = {{ addresses = {addresses} }}"
        ));
        nat_line(&format!("{addresses} for {destinations}"), &report)
    };
    [(1, 1), (2, 1), (1, 2), (1, 3)].map(told).concat()
}

fn snat_lifetimes() -> String {
    let told = |(what, hosts): (&str, &str)| {
        let report =
            nat_ran(&format!("duration = \"30m\"\nhosts = {{ rate = 50, connection = \"10s\", {hosts} }}"));
        nat_line(what, &report)
    };
    [
        ("closed", "protocol = \"tcp\""),
        ("a tenth abandoned", "abandoned = 10"),
        ("all abandoned", "abandoned = 100"),
        ("udp", "protocol = \"udp\""),
    ]
    .map(told)
    .concat()
}

fn snat_idle() -> String {
    let told = |(what, interval, protocol): (&str, &str, &str)| {
        let report = nat_ran(&format!(
            "duration = \"2h\"\nhosts = {{ rate = 1, connection = \"1h\", interval = \"{interval}\", protocol = \"{protocol}\" }}"
        ));
        let sessions: u64 = report.addresses.iter().map(|address| address.sessions).sum();
        format!(
            "{what:<18} {:>5} connections, {sessions:>6} sessions, {:>5} reset\n",
            report.connections, report.failed
        )
    };
    [
        ("tcp every 15 min", "15m", "tcp"),
        ("tcp every 16 min", "16m", "tcp"),
        ("udp every 60 s", "60s", "udp"),
        ("udp every 61 s", "61s", "udp"),
    ]
    .map(told)
    .concat()
}

#[test]
fn the_page_of_snat() {
    let examples = [("addresses", snat_addresses()), ("lifetimes", snat_lifetimes()), ("idle", snat_idle())];
    hold("snat.md", &examples);
}

#[test]
fn the_example_of_nat_runs_and_its_picture_is_that_of_the_page() {
    let scenario = file("nat.toml", &nat_example());
    let scenario = scenario.to_str().unwrap();
    let chart = file("nat.svg", "");
    let run = || cloudnet(&["traffic", "run", scenario, "--json", "--svg", chart.to_str().unwrap()]);
    let first = run();
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let drawn = std::fs::read_to_string(&chart).unwrap();
    let report: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(report["connections"], 240_000);
    assert_eq!(report["addresses"][0]["most_ports"], 55_000);
    assert_eq!(report["failures"][0]["cause"], "snat_ports_exhausted");
    assert_eq!(report["failures"][0]["number"], report["failed"]);
    assert_eq!(report["exhausted"][0]["destination"], 1);
    let again = run();
    assert_eq!((first.stdout, &drawn), (again.stdout, &std::fs::read_to_string(&chart).unwrap()));
    let words = String::from_utf8(cloudnet(&["traffic", "run", scenario]).stdout).unwrap();
    assert!(
        words.contains("no SNAT port left") && words.contains("destination 1: no port left from"),
        "{words}"
    );
    let bad = nat_example().replacen("rate = 400", "rate = 0", 1);
    told_why("bad-nat.toml", &bad, "hosts.rate: 0 is out of range; write 1 to 1000000");
    let picture = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/images/snat.svg");
    if std::env::var_os("CLOUDNET_UPDATE").is_some() {
        std::fs::write(&picture, &drawn).unwrap();
    }
    assert_eq!(std::fs::read_to_string(picture).unwrap(), drawn, "set CLOUDNET_UPDATE=1 to draw it anew");
}

#[test]
fn an_snat_entry_of_a_world_is_taken_over_with_its_addresses() {
    let dir = Dir::new();
    let program = Program::serve(&dir, &["--clock", "manual"], &[]);
    let send = |method: &str, path: &str, body: Value| {
        let (status, made) = service::http(program.address, method, path, &[], &body.to_string()).unwrap();
        assert!(status < 300, "{path}: {made}");
        made
    };
    let make = |path: &str, body: Value| send("POST", path, body);
    let id = |made: &Value| made["id"].as_str().unwrap_or_default().to_owned();
    let vpc = id(&make("/v1/vpcs", json!({"cidr_block": "10.0.0.0/16"})));
    let body = json!({"vpc_id": vpc, "zone_id": "cn-hangzhou-k", "cidr_block": "10.0.1.0/24"});
    let vswitch = id(&make("/v1/vswitches", body));
    let gateway = make("/v1/nat-gateways", json!({"vpc_id": vpc, "vswitch_id": vswitch}));
    make("/v1/clock/advance", json!({"seconds": 600}));
    let bind = |_| {
        let eip = make("/v1/eips", json!({}));
        let body = json!({"target_id": id(&gateway), "target_type": "Nat"});
        send("PUT", &format!("/v1/eips/{}/binding", id(&eip)), body);
        eip
    };
    let eips: Vec<Value> = (0..3).map(bind).collect();
    make("/v1/clock/advance", json!({"seconds": 600}));
    let body = json!({"source_vswitch_id": vswitch, "eip_affinity": true,
        "snat_ips": [eips[2]["ip_address"], eips[0]["ip_address"]]});
    let entry = id(&make(&format!("/v1/nat-gateways/{}/snat-entries", id(&gateway)), body));
    make("/v1/clock/advance", json!({"seconds": 60}));
    let text = format!(
        "duration = \"5m\"\nhosts = {{ rate = 50, number = 1 }}\nof_world = {{ snat_entry_id = \"{entry}\" }}\n\
         nat = {{ ports = 1000 }}\n"
    );
    let report = make("/v1/traffic/nat", body_of(&text));
    let told: Vec<(&str, u64)> = report["addresses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| (of["name"].as_str().unwrap(), of["most_ports"].as_u64().unwrap()))
        .collect();
    // The entry's addresses in its order, and one host keeps one of them.
    assert_eq!(told.iter().map(|of| of.0.to_owned()).collect::<Vec<_>>(), [id(&eips[2]), id(&eips[0])]);
    assert_eq!(told.iter().map(|of| of.1).max(), Some(1_000));
    assert_eq!(told.iter().map(|of| of.1).min(), Some(0));
    // The command line asks the same server and tells the same.
    let scenario = file("nat-of-world.toml", &text);
    let address = format!("http://{}", program.address);
    let words = ["traffic", "run", scenario.to_str().unwrap(), "--json", "--server", &address];
    let done = cloudnet(&words);
    assert_eq!(serde_json::from_slice::<Value>(&done.stdout).unwrap(), report, "{done:?}");
    program.stop();
    assert_eq!(cloudnet(&words).status.code(), Some(2));
}

#[tokio::test]
async fn the_native_wire_answers_of_nat_as_the_command_line_does() {
    let server = Server::start(service::settings()).await.unwrap();
    let client = Client::new(&server);
    let (scenario, chart) = (file("nat-wire.toml", &nat_example()), file("nat-wire.svg", ""));
    let run = ["traffic", "run", scenario.to_str().unwrap(), "--json", "--svg", chart.to_str().unwrap()];
    let told: Value = serde_json::from_slice(&cloudnet(&run).stdout).unwrap();
    let answer = client.post("/v1/traffic/nat", body_of(&nat_example())).await;
    assert_eq!((answer.status, &answer.body), (200, &told));
    let answer = client.post("/v1/traffic/nat?format=svg", body_of(&nat_example())).await;
    assert_eq!((answer.status, &answer.headers["content-type"]), (200, &"image/svg+xml".parse().unwrap()));
    assert!(answer.text == std::fs::read_to_string(chart).unwrap());
    let mut wrong = body_of(&nat_example());
    wrong["nat"]["idle_timeout"] = json!("25h");
    let problem = client.post("/v1/traffic/nat", wrong).await.expect(422);
    assert_eq!(problem["errors"][0]["pointer"], "/nat/idle_timeout", "{problem}");
}
