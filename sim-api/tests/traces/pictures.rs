//! Traces as pictures: over the wire, on the command line, with names that would break out of them; and ports that were told
//! what to do, which the picture tells too.

use super::{Net, net, run};
use crate::process::{Dir, PROGRAM, Program};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The texts of a picture, which is well-formed; titles and the description among them.
fn texts(picture: &str) -> Vec<String> {
    let (mut reader, mut found, mut text) = (Reader::from_str(picture), Vec::new(), String::new());
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error}\n{picture}")) {
            Event::Eof => return found,
            Event::Start(_) => text.clear(),
            Event::Text(part) => text.push_str(&part),
            Event::GeneralRef(name) => match &*name {
                "amp" => text.push('&'),
                "lt" => text.push('<'),
                "gt" => text.push('>'),
                "quot" => text.push('"'),
                "apos" => text.push('\''),
                other => panic!("a reference to {other}\n{picture}"),
            },
            Event::End(_) => found.push(std::mem::take(&mut text)),
            _ => {}
        }
    }
}

/// The names of all elements of a picture.
fn elements(picture: &str) -> Vec<String> {
    let (mut reader, mut found) = (Reader::from_str(picture), Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return found,
            Event::Start(e) | Event::Empty(e) => found.push(e.name().as_ref().to_owned()),
            _ => {}
        }
    }
}

fn wanted(net: &Net, port: u16) -> Value {
    json!({"flows": [net.from("www", "10.0.2.9", port)], "remedies": true})
}

#[tokio::test]
async fn the_wire_answers_a_picture_to_whoever_asks_for_one() {
    let (_server, net) = net().await;
    let mut body = wanted(&net, 22);
    body["pictures"] = json!(true);
    body["text"] = json!(true);
    let told = net.client.post("/v1/traces", body.clone()).await.expect(200);
    let picture = told["items"][0]["picture"].as_str().unwrap();
    for (client, path) in [
        (net.client.clone(), "/v1/traces?format=svg"),
        (net.client.with("accept", "image/svg+xml,*/*;q=0.8"), "/v1/traces"),
    ] {
        let drawn = client.post(path, wanted(&net, 22)).await;
        assert_eq!((drawn.status, &drawn.headers["content-type"]), (200, &"image/svg+xml".parse().unwrap()));
        assert_eq!(drawn.text, picture, "the same trace gives the same bytes");
    }
    let json = net.client.with("accept", "image/svg+xml");
    let json = json.post("/v1/traces?format=json", wanted(&net, 22)).await.expect(200);
    assert!(json["items"][0].get("picture").is_none() && json["items"][0]["forward"].is_array(), "{json}");
    let texts = texts(picture);
    // The description is the text; the title says how it ends.
    assert_eq!(texts[1], told["items"][0]["text"].as_str().unwrap());
    assert!(
        texts[0].starts_with("tcp 10.0.1.10:49152 -> 10.0.2.9:22: refused on the way there"),
        "{texts:?}"
    );
    for said in ["there", "it would pass with"] {
        assert!(texts.iter().any(|text| text == said), "{said} is not in {texts:?}");
    }
    assert!(!texts.contains(&"back".to_owned()), "{texts:?}");
}

#[tokio::test]
async fn a_picture_shows_one_flow() {
    let (_server, net) = net().await;
    let flows = |count: u16| (1..=count).map(|port| net.from("www", "10.0.2.9", port)).collect::<Vec<_>>();
    let two = json!({"flows": flows(2)});
    let problem = net.client.post("/v1/traces?format=svg", two.clone()).await.expect(422);
    assert_eq!(problem["errors"][0]["pointer"], "/flows", "{problem}");
    let both = json!({"flows": flows(2), "pictures": true, "evidence": "none"});
    let answer = net.client.post("/v1/traces", both).await.expect(200);
    for item in answer["items"].as_array().unwrap() {
        assert!(texts(item["picture"].as_str().unwrap()).contains(&"there".to_owned()), "{item}");
        assert!(item.get("forward").is_none(), "{item}");
    }
    let many = json!({"flows": flows(101), "pictures": true});
    let problem = net.client.post("/v1/traces", many).await.expect(422);
    assert_eq!(problem["errors"][0]["accepted"], "1 to 100", "{problem}");
    assert!((400..500).contains(&net.client.post("/v1/traces?format=png", two).await.status));
}

#[tokio::test]
async fn names_stay_texts() {
    let (_server, net) = net().await;
    let script = "x<script>alert(\"1\")</script>&'\u{202e}\u{fffe}\u{ffff}]]>";
    let long: String = ('\u{4e00}'..).take(128).collect();
    let word = "W".repeat(128);
    for (path, name) in [
        (format!("/v1/instances/{}", net.id("www")), script),
        (format!("/v1/instances/{}", net.id("sql")), &long),
        (format!("/v1/security-groups/{}", net.id("db-sg")), &word),
        (format!("/v1/vswitches/{}", net.id("db")), &long),
    ] {
        net.change("PATCH", path, Some(json!({"name": name}))).await;
    }
    let mut body = wanted(&net, 22);
    let path = format!("/\"><script>alert('1')</script>&amp;{}", "a".repeat(2000));
    body["flows"][0]["request"] = json!({"host": "shop.example", "path": path});
    let picture = net.client.post("/v1/traces?format=svg", body).await.text;
    let known = ["svg", "g", "title", "desc", "rect", "text", "path"];
    assert!(elements(&picture).iter().all(|name| known.contains(&name.as_str())), "{picture}");
    assert!(!picture.contains("<script") && !picture.contains(['\u{fffe}', '\u{ffff}']), "{picture}");
    let texts = texts(&picture);
    let kept = script.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    let all = [format!("{kept}/eni"), format!("{long}/eni"), word, path];
    for whole in &all {
        assert!(texts.iter().any(|text| text.contains(whole)), "{whole} is nowhere whole");
    }
    // What is drawn is short, and says that it was cut.
    let drawn = picture.lines().filter_map(|line| line.strip_prefix("<text ")?.split_once('>'));
    let drawn: Vec<&str> = drawn.map(|(_, text)| text).collect();
    assert!(drawn.iter().filter(|text| text.ends_with("…</text>")).count() >= 2, "{drawn:?}");
    assert!(drawn.iter().all(|text| text.chars().count() < 200), "{drawn:?}");
}

/// What the port was told, in JSON, in words and in the picture.
async fn told(net: &Net, flow: &Value) -> (Value, String) {
    let body = json!({"flows": [flow], "text": true, "pictures": true});
    let answer = net.client.post("/v1/traces", body).await.expect(200);
    let item = &answer["items"][0];
    assert_eq!((&item["delivered"], &item["end"]["kind"]), (&json!(true), &json!("delivered")), "{item}");
    let text = item["text"].as_str().unwrap();
    let (_, last) = text.trim_end().rsplit_once('\n').unwrap();
    let last = if last.starts_with("delivered") { "" } else { last };
    let by_name = last.replace(&net.id("sql"), "sql");
    assert!(last.is_empty() || texts(item["picture"].as_str().unwrap()).contains(&by_name), "{item}");
    (item.get("told_port").cloned().unwrap_or_default(), last.to_owned())
}

#[tokio::test]
async fn what_waits_at_a_port_is_told_and_judges_nothing() {
    let (_server, mut net) = net().await;
    net.change("PATCH", format!("/v1/instances/{}", net.id("sql")), Some(json!({"name": "sql"}))).await;
    let sql = net.id("sql");
    let flow = net.from("www", "10.0.2.9", 3306);
    assert_eq!(told(&net, &flow).await, (Value::Null, String::new()), "nobody told the port anything");
    let path = format!("/v1/instances/{sql}/ports/tcp/3306");
    for (body, values, words) in [
        (json!({"behaviour": "refuses"}), json!({"behaviour": "refuses"}), "refuses connections"),
        (json!({"behaviour": "silent"}), json!({"behaviour": "silent"}), "drops what comes"),
        (
            json!({"behaviour": "answers", "after_ms": 250, "http_status": 503}),
            json!({"behaviour": "answers", "after_ms": 250, "http_status": 503}),
            "answers after 250 ms, over HTTP with the status 503",
        ),
    ] {
        net.change("PUT", path.clone(), Some(body)).await;
        let (value, said) = told(&net, &flow).await;
        let mut expected = json!({"instance_id": sql, "protocol": "tcp", "port": 3306});
        expected.as_object_mut().unwrap().extend(values.as_object().unwrap().clone());
        assert_eq!(value, expected);
        assert_eq!(said, format!("3306/tcp of {sql} {words}, as it was told to"));
    }
    // A verdict says nothing of it, and of another port nothing was told.
    let verdict = json!({"flows": [flow], "evidence": "none"});
    let verdict = net.client.post("/v1/traces", verdict).await.expect(200);
    assert!(verdict["items"][0].get("told_port").is_none(), "{verdict}");
    net.rule("db-sg", "accept", 1, "80/80").await;
    assert_eq!(told(&net, &net.from("www", "10.0.2.9", 80)).await.0, Value::Null);
    // Behind a listener it is the port of the backend.
    let body = json!({"address_type": "intranet", "vswitch_id": net.id("db"), "spec": "slb.s1.small"});
    net.make("front", "/v1/load-balancers", body).await;
    let body = json!({"load_balancer_id": net.id("front"), "backends": [{"server_id": sql, "port": 3306}]});
    net.make("pool", "/v1/vserver-groups", body).await;
    let body = json!({"load_balancer_id": net.id("front"), "port": 80, "protocol": "tcp",
        "vserver_group_id": net.id("pool"), "health_check": {"enabled": false}});
    net.make("listener", "/v1/listeners", body).await;
    net.change("POST", format!("/v1/listeners/{}/start", net.id("listener")), None).await;
    let shown = net.client.get(&format!("/v1/load-balancers/{}", net.id("front"))).await.expect(200);
    let (value, said) = told(&net, &net.from("www", shown["address"].as_str().unwrap(), 80)).await;
    assert_eq!((&value["port"], &value["http_status"]), (&json!(3306), &json!(503)));
    assert!(said.starts_with("3306/tcp of "), "{said}");
    net.change("DELETE", path, None).await;
    assert_eq!(told(&net, &flow).await, (Value::Null, String::new()));
}

/// The words of the command in the README that begins like this.
fn command(readme: &str, begins: &str) -> Vec<String> {
    let line = readme.lines().find_map(|line| Some(format!("{begins}{}", line.trim().strip_prefix(begins)?)));
    let line = line.unwrap_or_else(|| panic!("the README has no line {begins}"));
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_commands_of_the_readme_draw_its_picture() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let serve = command(&readme, "cloudnet serve --seed examples/seeds/lost-answer.toml ");
    let trace = command(&readme, "cloudnet trace --from i-");
    let seed = root.join(&serve[3]);
    let mut arguments = vec!["--seed", seed.to_str().unwrap()];
    arguments.extend(serve[4..].iter().map(String::as_str));
    let dir = Dir::new();
    let program = Program::serve(&dir, &arguments, &[]);
    let drawn = dir.file("trace.svg");
    let (last, words) = trace.split_last().unwrap();
    assert_eq!((words.last().unwrap().as_str(), last.as_str()), ("--svg", "trace.svg"));
    let mut arguments: Vec<&str> = words[2..].iter().map(String::as_str).collect();
    arguments.push(drawn.to_str().unwrap());
    let first = run(program.address, &arguments);
    assert_eq!(first.status.code(), Some(1), "{first:?}");
    let picture = std::fs::read_to_string(&drawn).unwrap();
    assert_eq!(texts(&picture)[1], String::from_utf8(first.stdout.clone()).unwrap());
    // Who reaches whom in the same world.
    let reach = command(&readme, "cloudnet reach --vpc vpc-");
    let words = reach[2..].iter().map(String::as_str).take_while(|word| *word != "#");
    let asked: Vec<&str> = words.collect();
    let server = format!("http://{}", program.address);
    let output = Command::new(PROGRAM).arg("reach").args(&asked).args(["--server", &server]).output();
    let output = output.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.starts_with("nobody\n") && text.contains("the network ACL of"), "{text}");
    arguments.push("--json");
    let json = run(program.address, &arguments);
    assert_eq!(std::fs::read_to_string(&drawn).unwrap(), picture, "the same trace gives the same bytes");
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["leg"], &json["end"]["kind"]), (&json!("return"), &json!("network_acl_drop")));
    assert!(json.get("picture").is_none());
    let nowhere: PathBuf = dir.file("no-such-folder").join("trace.svg");
    *arguments.iter_mut().rev().nth(1).unwrap() = nowhere.to_str().unwrap();
    let failed = run(program.address, &arguments);
    assert_eq!((failed.status.code(), failed.stdout.is_empty()), (Some(2), true), "{failed:?}");
    let kept = root.join("docs/images/trace.svg");
    if std::env::var_os("CLOUDNET_UPDATE").is_some() {
        std::fs::write(&kept, &picture).unwrap();
    }
    assert_eq!(std::fs::read_to_string(kept).unwrap(), picture, "set CLOUDNET_UPDATE=1 to draw it anew");
}
