//! `cloudnet plan`: address questions, answered without a server.

use super::Outcome;
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sim_api::objects;
use sim_core::cidr::Cidr4;
use sim_core::cidr::plan::{self, BadInput};
use std::fmt::Display;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

/// Answer questions about address plans: split, room, check, ack
///
/// No server is needed and nothing is made. The first word of an answer is yes or no, and the reason follows. The exit code is 0 for yes, 1 for no, and 2 for
/// input that is no question. With --json the answer is the JSON that POST /v1/plan/... of a server gives.
#[derive(Args)]
#[command(after_help = "Examples:
  cloudnet plan split 10.0.0.0/16 --zones cn-hangzhou-h,cn-hangzhou-i,cn-hangzhou-j
  cloudnet plan room 10.0.0.0/16 --vswitch 10.0.0.0/24 --prefix-len 24 --count 8
  cloudnet plan check --example > plan.json && cloudnet plan check plan.json
  cloudnet plan ack flannel 172.20.0.0/16 --node-len 26 --nodes 150
  cloudnet plan ack terway --type ecs.g7.2xlarge --pod-vswitch 10.0.32.0/19 --nodes 60")]
pub struct PlanArgs {
    #[command(subcommand)]
    question: Question,
    /// Print the answer as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Question {
    Split(SplitArgs),
    Room(RoomArgs),
    Check(CheckArgs),
    /// Count the nodes and pods that a container network holds
    #[command(subcommand)]
    Ack(AckQuestion),
}

/// Cut a VPC block into equal vSwitches over zones, and say what that costs
///
/// A VPC of /16, /12 or /8 is said to have 65,532, 1,048,572 or 16,777,212 addresses: its size less 4. But the provider
/// keeps 4 addresses in every vSwitch, and what lies in no vSwitch cannot be used either; the answer counts both.
#[derive(Args)]
#[command(after_help = "Examples:
  One vSwitch in each of three zones, as large as fits:
    cloudnet plan split 10.0.0.0/16 --zones cn-hangzhou-h,cn-hangzhou-i,cn-hangzhou-j
  Two in each zone, with room for 1,000 instances each, clear of what is there:
    cloudnet plan split 10.0.0.0/16 --zones a,b --per-zone 2 --addresses 1000 --exclude 10.0.0.0/20")]
struct SplitArgs {
    /// The VPC block: /8 to /28
    block: Cidr4,
    /// The zones, each once
    #[arg(long, value_delimiter = ',', required = true, value_name = "ZONE,...")]
    zones: Vec<String>,
    /// vSwitches in each zone
    #[arg(long, default_value_t = 1, value_name = "N")]
    per_zone: u32,
    /// Prefix length of every vSwitch: 16 to 29; without a size they are as large as fits
    #[arg(long, visible_alias = "mask", value_name = "LENGTH")]
    prefix_len: Option<u8>,
    /// Addresses that every vSwitch must offer, instead of a prefix length
    #[arg(long, value_name = "N")]
    addresses: Option<u32>,
    /// Blocks to stay clear of
    #[arg(long, value_delimiter = ',', value_name = "BLOCK,...")]
    exclude: Vec<Cidr4>,
    /// vSwitches that the VPC may have
    #[arg(long, default_value_t = plan::VSWITCH_QUOTA, value_name = "N")]
    vswitch_quota: u32,
}

/// Say whether so many more vSwitches of a size fit beside those there are, and where they would lie
#[derive(Args)]
#[command(after_help = "Examples:
  Eight more /24 in a VPC with a secondary block:
    cloudnet plan room 10.0.0.0/20 10.64.0.0/20 --vswitch 10.0.0.0/22,10.0.4.0/24 --prefix-len 24 --count 8
  A VPC of a running server is asked by POST /v1/plan/room with its vpc_id.")]
struct RoomArgs {
    /// The blocks of the VPC: primary and secondary
    #[arg(required = true, value_name = "BLOCK")]
    vpc: Vec<Cidr4>,
    /// The vSwitches there are
    #[arg(long = "vswitch", value_delimiter = ',', value_name = "BLOCK,...")]
    vswitches: Vec<Cidr4>,
    /// Blocks to stay clear of
    #[arg(long, value_delimiter = ',', value_name = "BLOCK,...")]
    exclude: Vec<Cidr4>,
    /// Prefix length of the new ones: 16 to 29
    #[arg(long, visible_alias = "mask", value_name = "LENGTH")]
    prefix_len: u8,
    /// Number of new ones
    #[arg(long, default_value_t = 1, value_name = "N")]
    count: u32,
    /// vSwitches that the VPC may have
    #[arg(long, default_value_t = plan::VSWITCH_QUOTA, value_name = "N")]
    vswitch_quota: u32,
}

/// Find every conflict in a plan of VPCs, vSwitches, peers, routes and clusters
///
/// The plan is JSON: VPCs with blocks, vSwitches, routed blocks and clusters, and which VPCs are peered. Checked are the
/// blocks themselves, overlaps inside a VPC and between peers, pod, Service and node ranges, and the quotas on routes.
#[derive(Args)]
#[command(after_help = "Examples:
  cloudnet plan check --example > plan.json     a plan to start from
  cloudnet plan check plan.json
  cloudnet plan check - < plan.json")]
struct CheckArgs {
    /// The file with the plan; - for standard input
    #[arg(required_unless_present = "example")]
    file: Option<PathBuf>,
    /// Print a plan to start from
    #[arg(long, conflicts_with = "file")]
    example: bool,
}

#[derive(Subcommand)]
enum AckQuestion {
    Flannel(FlannelArgs),
    Terway(TerwayArgs),
}

/// Count the nodes and pods of a Flannel cluster
///
/// Nodes are limited by the parts that the pod block has, and by the custom entries of the VPC's route table: one for
/// each node.
#[derive(Args)]
#[command(after_help = "Examples:
  cloudnet plan ack flannel 172.20.0.0/16
  cloudnet plan ack flannel 172.20.0.0/16 --node-len 26 --nodes 300 --route-quota 400 --other-routes 12")]
struct FlannelArgs {
    /// The pod block of the cluster
    pod_block: Cidr4,
    /// Prefix length of a node's part of it: 24 (256 pods) to 28 (16 pods)
    #[arg(long, visible_alias = "node-mask", default_value_t = 24, value_name = "LENGTH")]
    node_len: u8,
    /// Nodes wanted
    #[arg(long, value_name = "N")]
    nodes: Option<u32>,
    /// Custom entries that the route table may have
    #[arg(long, default_value_t = plan::ROUTE_QUOTA, value_name = "N")]
    route_quota: u32,
    /// Custom entries that it has for other purposes
    #[arg(long, default_value_t = 0, value_name = "N")]
    other_routes: u32,
}

/// Count the pods of a Terway node, and the nodes that the pod vSwitches hold with all their pods
#[derive(Args)]
#[command(after_help = "Examples:
  cloudnet plan ack terway --type ecs.g7.2xlarge
  cloudnet plan ack terway --type ecs.g7.2xlarge --mode prefix --pod-vswitch 10.0.32.0/19,10.0.64.0/19 --nodes 40
  A type that the catalogue does not have:
    cloudnet plan ack terway --eni 4 --ipv4-per-eni 10")]
struct TerwayArgs {
    /// How pods get addresses
    #[arg(long, value_enum, default_value_t = Mode::SharedEni)]
    mode: Mode,
    /// The nodes' instance type
    #[arg(long = "type", value_name = "TYPE", conflicts_with_all = ["eni", "ipv4_per_eni"])]
    instance_type: Option<String>,
    /// Interfaces of the type, the primary one included, instead of --type
    #[arg(long, value_name = "N", requires = "ipv4_per_eni")]
    eni: Option<u32>,
    /// IPv4 addresses of one interface, the primary one included
    #[arg(long, value_name = "N", requires = "eni")]
    ipv4_per_eni: Option<u32>,
    /// IPv6 addresses of one interface
    #[arg(long, value_name = "N", default_value_t = 0, requires = "eni")]
    ipv6_per_eni: u32,
    /// Interfaces with the members of a trunk
    #[arg(long, value_name = "N", requires = "eni")]
    eni_total: Option<u32>,
    /// The type takes a trunk interface
    #[arg(long, requires = "eni")]
    trunk: bool,
    /// The pod vSwitches, empty of other things; without them addresses are not counted
    #[arg(long = "pod-vswitch", value_delimiter = ',', value_name = "BLOCK,...")]
    pod_vswitches: Vec<Cidr4>,
    /// Nodes wanted
    #[arg(long, value_name = "N")]
    nodes: Option<u32>,
    /// Pods get an IPv6 address too
    #[arg(long)]
    dual_stack: bool,
}

/// How Terway gives addresses to pods.
#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Secondary addresses of shared interfaces
    SharedEni,
    /// An interface for each pod
    ExclusiveEni,
    /// A member interface of the trunk for each pod
    Trunk,
    /// /28 prefixes of shared interfaces
    Prefix,
}

impl From<Mode> for plan::TerwayMode {
    fn from(mode: Mode) -> plan::TerwayMode {
        match mode {
            Mode::SharedEni => plan::TerwayMode::SharedEni,
            Mode::ExclusiveEni => plan::TerwayMode::ExclusiveEni,
            Mode::Trunk => plan::TerwayMode::Trunk,
            Mode::Prefix => plan::TerwayMode::Prefix,
        }
    }
}

pub fn run(args: PlanArgs) -> Outcome {
    let json = args.json;
    match args.question {
        Question::Split(args) => say(json, plan::split(&args.into()), |answer| answer.possible),
        Question::Room(args) => say(json, plan::room(&args.into()), |answer| answer.fits),
        Question::Ack(AckQuestion::Flannel(args)) => {
            say(json, plan::flannel(&args.into()), |answer| answer.possible)
        }
        Question::Ack(AckQuestion::Terway(args)) => {
            say(json, plan::terway(&args.into()), |answer| answer.possible)
        }
        Question::Check(CheckArgs { file: Some(file), .. }) => {
            say(json, read(&file)?.and_then(|request| plan::check(&request)), |report| report.fine)
        }
        Question::Check(CheckArgs { file: None, .. }) => {
            println!("{}", serde_json::to_string_pretty(&plan::PlanRequest::example())?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Prints an answer, or what is wrong with the question.
fn say<A: Display + Serialize>(json: bool, answer: Result<A, BadInput>, yes: impl Fn(&A) -> bool) -> Outcome {
    match answer {
        Ok(answer) => {
            if json {
                println!("{}", serde_json::to_string_pretty(&answer)?);
            } else {
                println!("{answer}");
            }
            Ok(if yes(&answer) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(bad) => {
            if json {
                println!("{}", serde_json::to_string_pretty(&Refused { bad_input: &bad })?);
            } else {
                eprintln!("bad input: {bad}");
            }
            Ok(ExitCode::from(2))
        }
    }
}

/// What `--json` prints of input that is no question.
#[derive(Serialize)]
struct Refused<'a> {
    bad_input: &'a BadInput,
}

/// A question in a file; one that does not read is bad input in the place that the parser names.
fn read<T: DeserializeOwned>(file: &PathBuf) -> Result<Result<T, BadInput>, Box<dyn std::error::Error>> {
    let mut text = String::new();
    let found = match file.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text).map(drop),
        _ => std::fs::read_to_string(file).map(|read| text = read),
    };
    let bad = |field: String, why: String| {
        Ok(Err(BadInput {
            field,
            why,
            accepted: "a plan such as `cloudnet plan check --example` prints".into(),
        }))
    };
    if let Err(error) = found {
        return bad(file.display().to_string(), error.to_string());
    }
    match objects::read(&mut serde_json::Deserializer::from_str(&text)) {
        Ok(question) => Ok(Ok(question)),
        Err(error) => {
            let place = error.path().to_string();
            let place = if place == "." { file.display().to_string() } else { place };
            bad(place, error.inner().to_string())
        }
    }
}

impl From<SplitArgs> for plan::SplitRequest {
    fn from(args: SplitArgs) -> plan::SplitRequest {
        let SplitArgs { block, zones, per_zone, prefix_len, addresses, exclude, vswitch_quota } = args;
        plan::SplitRequest { block, zones, per_zone, prefix_len, addresses, exclude, vswitch_quota }
    }
}

impl From<RoomArgs> for plan::RoomRequest {
    fn from(args: RoomArgs) -> plan::RoomRequest {
        let RoomArgs { vpc, vswitches, exclude, prefix_len, count, vswitch_quota } = args;
        plan::RoomRequest { vpc, vswitches, exclude, prefix_len, count, vswitch_quota }
    }
}

impl From<FlannelArgs> for plan::FlannelRequest {
    fn from(args: FlannelArgs) -> plan::FlannelRequest {
        let FlannelArgs { pod_block, node_len, nodes, route_quota, other_routes } = args;
        plan::FlannelRequest { pod_block, node_len, nodes, route_quota, other_routes }
    }
}

impl From<TerwayArgs> for plan::TerwayRequest {
    fn from(args: TerwayArgs) -> plan::TerwayRequest {
        let limits = args.eni.zip(args.ipv4_per_eni).map(|(eni, ipv4_per_eni)| plan::InstanceTypeLimits {
            eni,
            ipv4_per_eni,
            ipv6_per_eni: args.ipv6_per_eni,
            eni_total: args.eni_total,
            trunk: args.trunk,
        });
        plan::TerwayRequest {
            mode: args.mode.into(),
            instance_type: args.instance_type,
            instance: limits,
            pod_vswitches: args.pod_vswitches,
            nodes: args.nodes,
            dual_stack: args.dual_stack,
        }
    }
}
