//! `cloudnet traffic`: the printed example runs, gives the same bytes each time, and a bad scenario is told from a bad outcome.

use serde_json::Value;
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
        let scenario = file("bad.toml", &example().replacen(from, to, 1));
        let done = cloudnet(&["traffic", "run", scenario.to_str().unwrap()]);
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(2), "{to}: {told}");
        assert!(told.contains(said), "{to}: {told}");
    }
    assert_eq!(cloudnet(&["traffic", "run", "no-such-file.toml"]).status.code(), Some(2));
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
