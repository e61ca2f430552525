//! `cloudnet reach`: who reaches whom, as text, as a table and as JSON, with an exit code.

mod process;
mod service;

use process::{Dir, PROGRAM, Program};
use serde_json::{Value, json};
use std::process::Command;

/// Two hosts with a group each, 10.0.1.10 and 10.0.1.20, of which the one may reach the other on port 80; the VPC and the groups.
fn hosts(program: &Program) -> [String; 3] {
    let make = |path: &str, body: Value| {
        let (status, made) = service::http(program.address, "POST", path, &[], &body.to_string()).unwrap();
        assert!(status < 300, "{path}: {made}");
        made["id"].as_str().unwrap_or_default().to_owned()
    };
    let vpc = make("/v1/vpcs", json!({"cidr_block": "10.0.0.0/16"}));
    let body = json!({"vpc_id": vpc, "zone_id": "cn-hangzhou-k", "cidr_block": "10.0.1.0/24"});
    let vswitch = make("/v1/vswitches", body);
    let [one, other] = ["10.0.1.10", "10.0.1.20"].map(|address| {
        let group = make("/v1/security-groups", json!({"vpc_id": vpc}));
        let image = "aliyun_3_x64_20G_alibase_20240819.vhd";
        let body = json!({"instance_type": "ecs.g7.large", "image_id": image, "vswitch_id": vswitch,
            "security_group_ids": [group], "primary_ip_address": address});
        make("/v1/instances", body);
        group
    });
    let rule = json!({"protocol": "tcp", "port_range": "80/80", "peer_cidr": "10.0.1.10"});
    make(&format!("/v1/security-groups/{other}/rules"), json!({"direction": "ingress", "rules": [rule]}));
    make("/v1/clock/advance", json!({"seconds": 600}));
    [vpc, one, other]
}

#[test]
fn sets_are_told_in_words_with_an_exit_code() {
    let dir = Dir::new();
    let program = Program::serve(&dir, &["--clock", "manual"], &[]);
    let [vpc, one, other] = hosts(&program);
    let (vpc, one, other) = (vpc.as_str(), one.as_str(), other.as_str());
    let server = format!("http://{}", program.address);
    let run = |args: &[&str]| -> (Option<i32>, String, String) {
        let args = [&["reach"], args].concat();
        let output = Command::new(PROGRAM).args(args).args(["--server", &server]).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, text, _) = run(&["--vpc", vpc, "--from", one, "--to", other]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(" 10.0.1.10\n  reach eni-") && text.contains(" by tcp on 80/80\n"), "{text}");
    assert!(text.contains("\n  witness: tcp 10.0.1.10:49152 -> 10.0.1.20:80\n"), "{text}");
    let (code, text, _) = run(&["--vpc", vpc, "--from", one, "--to", other, "--port", "22"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.starts_with("nobody\neni-") && text.contains("refused on the way there: the groups of"),
        "{text}"
    );
    let (code, text, _) = run(&["--vpc", vpc, "--from", "internet"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("the internet does not carry packets to 10.0.1."), "{text}");
    let (code, text, _) = run(&["--vpc", vpc, "--to", other, "--json"]);
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &answer["reached"][0]["ports"]), (Some(0), &json!(["80/80"])));
    let (code, text, _) = run(&["matrix", "--vpc", vpc]);
    assert_eq!(code, Some(0), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    // Each stands in one row, since nothing is said of either and itself, and in a column of its own.
    assert!(lines[0].starts_with("from 1: eni-") && lines[0].contains(", eni-"), "{text}");
    let (shut, open) = (&lines[1..3], lines[1..3].iter().position(|line| line.ends_with(" 10.0.1.20")));
    assert!(shut.iter().any(|line| line.ends_with(" 10.0.1.10")), "{text}");
    let cells: Vec<&str> = lines[4].split_whitespace().skip(2).collect();
    let expected = if open == Some(0) { ["80", "-"] } else { ["-", "80"] };
    assert_eq!((lines.len(), cells), (5, expected.to_vec()), "{text}");
    // An instance stands for its interfaces, and another source port for other clients.
    let (_, listed) = service::http(program.address, "GET", "/v1/instances", &[], "").unwrap();
    let sender = listed["items"].as_array().unwrap().iter().find(|i| i["primary_ip_address"] == "10.0.1.10");
    let sender = sender.unwrap_or_else(|| panic!("{listed}"))["id"].as_str().unwrap();
    let (code, text, _) = run(&["--vpc", vpc, "--from", sender, "--port", "80", "--source-port", "1024"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("\n  witness: tcp 10.0.1.10:1024 -> 10.0.1.20:80\n"), "{text}");
    // A VPC without interfaces, and a set of it as seen from another.
    let empty = json!({"cidr_block": "10.7.0.0/16"}).to_string();
    let (_, made) = service::http(program.address, "POST", "/v1/vpcs", &[], &empty).unwrap();
    let empty = made["id"].as_str().unwrap();
    let nobody = "there is nobody to ask about\n".to_owned();
    assert_eq!(run(&["matrix", "--vpc", empty]), (Some(0), nobody.clone(), String::new()));
    assert_eq!(run(&["--vpc", vpc, "--to", empty]), (Some(1), nobody.clone(), String::new()));
    assert_eq!(run(&["--vpc", vpc, "--to", &format!("{empty}:role=db")]), (Some(1), nobody, String::new()));
    let (code, text, _) = run(&["matrix", "--vpc", vpc, "--internet", "--json"]);
    assert_eq!(
        (code, serde_json::from_str::<Value>(&text).unwrap()["reached"].clone()),
        (Some(0), json!([]))
    );
    for (args, what) in [
        (vec!["--vpc", vpc, "--from", "moon"], "KEY=VALUE, or internet"),
        (vec!["--vpc", vpc, "--to", "moon"], "vpc-... or KEY=VALUE\n"),
        (vec!["--vpc", vpc, "--to", "internet"], "internet is for --from alone"),
        (vec!["--vpc", vpc, "--to", "i-nothing"], "instance does not exist"),
        (vec!["--vpc", vpc, "--source-port", "0"], "1 to 65535"),
        (vec!["--vpc", "vpc-nothing"], "VPC"),
        (vec!["--vpc", vpc, "--protocol", "icmp", "--port", "80"], "1 to 65535 with tcp or udp"),
        (vec!["--from", "all"], "--vpc"),
    ] {
        let (code, text, error) = run(&args);
        assert_eq!((code, text.as_str()), (Some(2), ""), "{error}");
        assert!(error.contains(what), "{error}");
    }
    program.stop();
}
