//! Ten thousand packet traces in one request, beside a bare handler that reads the same request and sends an answer of the
//! same size.

use crate::load::{self, Report, post};
use crate::network::Network;
use crate::servers::{Process, bare, cloudnet, directory};
use sim_core::ecs::authorize::AuthorizeRules;
use sim_core::ecs::eni::Eni;
use sim_core::ecs::instance::Instance;
use sim_core::ecs::instance_create::{Launch, LaunchInterface, RunInstances};
use sim_core::ecs::rule_input::RuleInput;
use sim_core::ecs::security_group_rule::{Direction, Peer, Policy, PortRange, Protocol, RuleSpec};
use sim_core::id::{EniId, InstanceId};
use sim_core::settings::ClockMode;
use sim_core::{Command, Reply};

const FLOWS: usize = 10_000;
const RULES: u16 = 200;
/// Beyond port 25, which the platform closes.
const FIRST_PORT: u16 = 1_000;

/// A VPC with 1,000 hosts in ten vSwitches and a group of 200 rules, each for one port.
pub fn network() -> (Network, Vec<EniId>) {
    let mut network = Network::new(ClockMode::Real, sim_api::engine::wall_now());
    let group = network.groups[0];
    let rules: Vec<RuleInput> = (FIRST_PORT..FIRST_PORT + RULES).map(rule).collect();
    for rules in rules.chunks(100) {
        run(&mut network, AuthorizeRules { group, direction: Direction::Ingress, rules: rules.to_vec() });
    }
    let mut enis = Vec::new();
    for number in 0..10 {
        let vswitch = Some(network.vswitches[number]);
        let primary = LaunchInterface { vswitch, groups: vec![group], ..LaunchInterface::default() };
        let launch = Box::new(Launch {
            instance_type: "ecs.g7.large".into(),
            image: Some("aliyun_3_x64_20G_alibase_20240819.vhd".into()),
            primary,
            ..Launch::default()
        });
        let (min_amount, host_names) = (None, Vec::new());
        let launch = RunInstances { launch, amount: 100, min_amount, host_names, unique_suffix: false };
        let Reply::CreatedMany(ids) = run(&mut network, launch) else { panic!("instances are made") };
        let eni = |id: &sim_core::id::AnyId| {
            let id = InstanceId::try_from(*id).expect("an instance");
            network.world.get::<Instance>(&id).expect("it was made").primary_eni
        };
        enis.extend(ids.iter().map(eni));
    }
    (network, enis)
}

fn run(network: &mut Network, command: impl Into<Command>) -> Reply {
    let at = network.world.now();
    network.world.apply(at, &network.caller, command.into()).outcome.expect("it is accepted")
}

fn rule(port: u16) -> RuleInput {
    let spec = RuleSpec {
        protocol: Protocol::Tcp,
        ports: Some(PortRange { first: port, last: port }),
        source_ports: None,
        policy: Policy::Accept,
        priority: 1,
        peer: Peer::Block("10.0.0.0/8".parse().expect("a block")),
        own: None,
    };
    RuleInput { spec, peer_as_address: false, own_as_address: false, description: Default::default() }
}

/// The request: from one host to another in another vSwitch, on a port that a rule lets in.
fn body(network: &Network, enis: &[EniId], evidence: &str) -> String {
    let flow = |n: usize| {
        let (from, to) = (enis[n % enis.len()], enis[(n * 7 + 100) % enis.len()]);
        let to = network.world.get::<Eni>(&to).expect("it was made").primary_ip;
        let port = usize::from(FIRST_PORT) + n % usize::from(RULES);
        format!(r#"{{"network_interface_id":"{from}","destination":"{to}","protocol":"tcp","port":{port}}}"#)
    };
    let flows: Vec<String> = (0..FLOWS).map(flow).collect();
    format!(r#"{{"evidence":"{evidence}","flows":[{}]}}"#, flows.join(","))
}

/// Measures both kinds of evidence; `line` prints a figure.
pub fn measure(
    seed: impl Fn(&std::path::Path, Network) -> Network,
    line: impl Fn(&str, &Report, Option<f64>),
) {
    let home = directory("traces");
    let (network, enis) = network();
    let network = seed(&home, network);
    let (server, ..) = cloudnet(&home);
    for (what, evidence) in [("verdicts", "none"), ("full evidence", "full")] {
        let body = body(&network, &enis, evidence);
        let request = post("/v1/traces", &body);
        let answer = load::once(server.address, &request).expect("an answer");
        let text = String::from_utf8_lossy(&answer.body);
        assert!(text.ends_with(&format!("\"delivered\":{FLOWS}}}")), "every flow is delivered");
        let bare = bare(answer.body.len());
        let floor = repeat(&bare, post("/bare/traces", &body));
        line(&format!("floor: bare handler, {} KiB back", answer.body.len() >> 10), &floor, None);
        line(&format!("POST /v1/traces, 10,000 {what}"), &repeat(&server, request), Some(floor.rate()));
    }
    server.stop();
    let _ = std::fs::remove_dir_all(home);
}

fn repeat(server: &Process, request: Vec<u8>) -> Report {
    load::run(server.address, 1, 40, move |_| request.clone()).check("traces")
}
