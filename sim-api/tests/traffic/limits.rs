//! Clients with addresses and bandwidths: the examples of the page, listeners of a world with access control, paid
//! bandwidth or an elastic IP address, and traces that say the same of a client.

use crate::process::{Dir, Program};
use crate::{Tier, cloudnet, example, file, ran, service, tier, told_why};
use serde_json::{Value, json};
use sim_core::traffic::{Cause, Report, mix};

fn failures(report: &Report, cause: Cause) -> u64 {
    report.failures.iter().find(|of| of.cause == cause).map_or(0, |of| of.number)
}

/// What lists make of a hundred clients, and to whom the source hash takes them.
pub fn addresses_example() -> String {
    let mut out = String::new();
    for kind in ["black", "white"] {
        let report = ran(&format!(
            "duration = \"1m\"\nclients = {{ rate = 100, number = 100, from = [\"203.0.113.0/24\"] }}\n\
             listener = {{ acl_type = \"{kind}\", acl = [\"203.0.113.64/26\"] }}\nbackend = [{{ name = \"a\" }}]"
        ));
        let kept_out = failures(&report, Cause::AccessControl);
        out.push_str(&format!("{kind}  {} let in, {kept_out} kept out\n", report.served));
    }
    out
}

/// A load balancer of 10 Mbit/s as the provider describes it: listener A has 4 of them, B and C have none of their own.
pub fn bandwidth_example() -> String {
    let told = |what: &str, brings: [u32; 3], own: [u32; 3]| {
        let mut text = "duration = \"1m\"\nbackend = [{ name = \"host\" }]\n\
                        load_balancer = [{ name = \"lb\", bandwidth = 10 }]\n"
            .to_owned();
        for (name, own) in ["a", "b", "c"].iter().zip(own) {
            let own = if own > 0 { format!("bandwidth = {own}\n") } else { String::new() };
            text.push_str(&format!("[[listener]]\nname = \"{name}\"\n{own}"));
        }
        for (name, rate) in ["a", "b", "c"].iter().zip(brings).filter(|(_, rate)| *rate > 0) {
            text.push_str(&format!(
                "[[clients]]\nname = \"{name}\"\nlistener = \"{name}\"\nrate = {rate}\nbytes = 10000\n"
            ));
        }
        let report = mix::run(&toml::from_str(&text).unwrap(), &mut |_| true).unwrap().unwrap();
        let mbits = |name: &str| {
            let of = report.clients.iter().find(|of| of.name == name);
            // Ten thousand bytes over a minute, in hundredths of a Mbit/s.
            let [came, served] = of.map_or([0; 2], |of| [of.connections, of.served].map(|n| n * 8 / 60));
            format!("{:>2}.{:02} of {:>2}.{:02}", served / 100, served % 100, came / 100, came % 100)
        };
        format!("{what:<22} {}   {}   {}\n", mbits("a"), mbits("b"), mbits("c"))
    };
    [
        format!("{:<22} {:<14}   {:<14}   {}\n", "Mbit/s that come in", "A", "B", "C"),
        told("A has 4, B is alone", [0, 100, 0], [4, 0, 0]),
        told("A has 4, B and C more", [100, 100, 100], [4, 0, 0]),
        told("A has 4, B has 6", [100, 50, 10], [4, 6, 0]),
    ]
    .concat()
}

#[test]
fn a_scenario_with_addresses_and_bandwidths_that_does_not_read_is_told_with_its_place() {
    let from = |text: &str| ("number = 200", format!("number = 200\nfrom = {text}"));
    let listener = |text: &str| ("protocol = \"tcp\"", format!("protocol = \"tcp\"\n{text}"));
    for ((at, with), said) in [
        (from("[\"10.0.0.1/8\"]"), "10.0.0.1/8 has host bits set; write 10.0.0.0/8"),
        (from("[\"10.0.0.0/8\", \"somewhere\"]"), "somewhere does not start with an IPv4 or IPv6 address"),
        (
            from("[\"10.0.0.0/25\"]"),
            "clients.number: 200 are more than the 128 addresses of from; write 1 to 128",
        ),
        (
            from("[\"10.0.0.0/8\", \"10.1.0.0/16\"]"),
            "clients.from[1]: 10.1.0.0/16 has addresses of 10.0.0.0/8",
        ),
        (
            listener("acl = [\"10.0.0.0/8\"]"),
            "listener.acl_type: acl says nothing without it; write white or black",
        ),
        (listener("acl_type = \"grey\""), "unknown variant `grey`, expected `white` or `black`"),
        (
            listener("acl_type = \"white\"\nacl = [\"10.0.0.0/8\"]"),
            "clients.from: the listener has a white list and judges clients by their addresses; write the networks",
        ),
        (listener("bandwidth = 0"), "listener.bandwidth: 0 is out of range; write 1 to 5120"),
        (listener("eip_bandwidth = 501"), "listener.eip_bandwidth: 501 is out of range; write 1 to 500"),
    ] {
        told_why("bad-limits.toml", &example().replacen(at, &with, 1), said);
    }
    // What the example has in comments runs.
    let told = example().replace("# from = ", "from = ").replace("# bytes = ", "bytes = ");
    let told = told.replace("# bandwidth = ", "bandwidth = ").replace("# acl", "acl");
    let told = cloudnet(&["traffic", "run", file("limits.toml", &told).to_str().unwrap()]);
    let words = String::from_utf8(told.stdout).unwrap();
    assert!(
        words.contains(" kept out by access control\n") && words.contains(" over bandwidth\n"),
        "{words}"
    );
}

/// What the first packet of a client meets: whether it is kept out, or the server that takes it.
fn traced(post: &dyn Fn(&str, Value) -> Value, client: &str, address: &Value) -> Option<String> {
    let flow = json!({"source_address": client, "destination": address, "port": 80});
    let trace = post("/v1/traces", json!({"flows": [flow]}))["items"][0].clone();
    let steps = trace["forward"].as_array().unwrap();
    let server = steps.iter().find_map(|step| step["server_id"].as_str());
    assert_eq!(server.is_none(), trace["end"]["kind"] == "listener_access_drop", "{trace}");
    server.map(str::to_owned)
}

#[test]
fn a_listener_of_a_world_lets_those_in_and_takes_them_where_traces_say() {
    let dir = Dir::new();
    let program = Program::serve(&dir, &["--clock", "manual"], &[]);
    let send = |method: &str, path: &str, body: Value| {
        service::http(program.address, method, path, &[], &body.to_string()).unwrap()
    };
    let post = |path: &str, body: Value| {
        let (status, made) = send("POST", path, body);
        assert!(status < 300, "{path}: {made}");
        made
    };
    let Tier { balancer, listener, .. } = tier(&post);
    let address = send("GET", &format!("/v1/load-balancers/{balancer}"), json!({})).1["address"].clone();
    let of_world = json!({"load_balancer_id": balancer, "port": 80});
    let run = |from: &Value| {
        let clients = json!({"rate": 10, "number": 1, "from": from});
        send("POST", "/v1/traffic", json!({"duration": "1s", "clients": clients, "of_world": of_world}))
    };
    let listen = |body: Value| {
        let (status, told) = send("PATCH", &format!("/v1/listeners/{listener}"), body);
        assert_eq!(status, 200, "{told}");
    };
    listen(json!({"traffic": {"scheduler": "sch"}}));
    let acl = post("/v1/access-control-lists", json!({"name": "a", "entries": [{"cidr": "203.0.113.0/29"}]}));
    let clients: Vec<String> = (0..16).map(|n| format!("203.0.113.{n}")).collect();
    let mut servers = std::collections::BTreeSet::new();
    for kind in ["none", "white", "black"] {
        if kind != "none" {
            listen(json!({"access_control": {"enabled": true, "type": kind, "acl_ids": [acl["id"]]}}));
        }
        for (n, client) in clients.iter().enumerate() {
            let report = run(&json!([client])).1;
            let taken = report["backends"].as_array().unwrap().iter().find(|of| of["taken"] == 10);
            let server = taken.map(|of| of["name"].as_str().unwrap().split(':').next().unwrap().to_owned());
            assert_eq!(server, traced(&post, client, &address), "{kind} {client}: {report}");
            assert_eq!(server.is_some(), kind == "none" || (n < 8) == (kind == "white"), "{kind} {client}");
            if server.is_none() {
                assert_eq!(report["failures"][0]["cause"], "access_control", "{report}");
            }
            servers.extend(server);
        }
    }
    assert_eq!(servers.len(), 3, "{servers:?}");
    // Nobody is let in or kept out unjudged.
    let (status, problem) = run(&Value::Null);
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/clients/from")), "{problem}");
    let (status, problem) = run(&json!(["2001:db8::1"]));
    let expected = json!({"pointer": "/clients/from/0", "accepted": "IPv4 networks"});
    assert_eq!((status, &problem["errors"][0]), (422, &expected), "{problem}");
    let (status, problem) = run(&json!(["203.0.113.0/25", "203.0.113.129/25"]));
    assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!("/clients/from/1")), "{problem}");
    // A list without entries asks nobody for an address.
    let list = format!("/v1/access-control-lists/{}", acl["id"].as_str().unwrap());
    let (status, told) = send("PATCH", &list, json!({"remove_cidrs": ["203.0.113.0/29"]}));
    assert_eq!(status, 200, "{told}");
    assert_eq!(run(&Value::Null).1["served"], 10);
    program.stop();
}

#[test]
fn bandwidths_of_a_world_limit_what_comes_in() {
    let dir = Dir::new();
    let program = Program::serve(&dir, &["--clock", "manual"], &[]);
    let send = |method: &str, path: &str, body: Value| {
        let (status, made) = service::http(program.address, method, path, &[], &body.to_string()).unwrap();
        assert!(status < 300, "{path}: {made}");
        made
    };
    let post = |path: &str, body: Value| send("POST", path, body);
    let Tier { hosts, vpc, vswitch, .. } = tier(&post);
    let balancer_of = |mut body: Value, bandwidths: &[i32]| {
        body["spec"] = json!("slb.s1.small");
        let balancer = post("/v1/load-balancers", body)["id"].as_str().unwrap().to_owned();
        post(
            &format!("/v1/load-balancers/{balancer}/backends"),
            json!({"backends": [{"server_id": hosts[0]}]}),
        );
        for (n, bandwidth) in bandwidths.iter().enumerate() {
            let body = json!({"load_balancer_id": balancer, "port": 80 + n, "protocol": "tcp",
                "backend_server_port": 8080, "traffic": {"bandwidth": bandwidth}});
            let listener = post("/v1/listeners", body)["id"].as_str().unwrap().to_owned();
            post(&format!("/v1/listeners/{listener}/start"), json!({}));
        }
        balancer
    };
    let paid = balancer_of(json!({"internet_charge_type": "paybybandwidth", "bandwidth": 10}), &[4, -1, -1]);
    let free = balancer_of(json!({}), &[4, -1]);
    let intranet = json!({"address_type": "intranet", "vpc_id": vpc, "vswitch_id": vswitch});
    let inner = balancer_of(intranet, &[-1]);
    post("/v1/clock/advance", json!({"seconds": 60}));
    // A hundred a second of 80,000 bits each for a minute; a bucket that is full at first adds a second's worth.
    let served = |balancer: &str, port: u16| {
        let body = json!({"duration": "1m", "clients": {"rate": 100, "bytes": 10_000},
            "of_world": {"load_balancer_id": balancer, "port": port}});
        post("/v1/traffic", body)["served"].as_u64().unwrap()
    };
    assert_eq!((served(&paid, 80), served(&paid, 81)), (3_049, 4_574));
    assert_eq!((served(&free, 80), served(&free, 81), served(&inner, 80)), (3_049, 6_000, 6_000));
    let eip = post("/v1/eips", json!({"bandwidth": 5}))["id"].as_str().unwrap().to_owned();
    let target = json!({"target_id": inner, "target_type": "SlbInstance"});
    send("PUT", &format!("/v1/eips/{eip}/binding"), target);
    post("/v1/clock/advance", json!({"seconds": 60}));
    assert_eq!(served(&inner, 80), 3_811);
    let clients = |port: u16| {
        json!({"name": port.to_string(), "rate": 100, "bytes": 10_000,
            "of_world": {"load_balancer_id": paid, "port": port}})
    };
    let body = json!({"duration": "1m", "clients": [clients(80), clients(81), clients(82)]});
    let report: mix::Report = serde_json::from_value(post("/v1/traffic/mix", body)).unwrap();
    let served: Vec<u64> = report.clients.iter().map(|of| of.served).collect();
    assert_eq!(served, [3_049, 2_287, 2_287]);
    assert_eq!(report.failures.iter().map(|of| of.cause).collect::<Vec<_>>(), [Cause::OverBandwidth]);
    program.stop();
}
