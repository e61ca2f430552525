//! `cloudnet traffic`: clients of a load balancer, mixes of them, or hosts behind a NAT gateway, over virtual time; answered
//! here, or by a server whose world has the listeners or the SNAT entry.

use super::Outcome;
use super::client::Connection;
use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sim_api::chart;
use sim_api::objects::read_toml;
use sim_core::traffic::bad::BadScenario;
use sim_core::traffic::report::{OfBackend, OfCause};
use sim_core::traffic::{self, Happened, Report, Scenario, mix, nat};
use std::path::PathBuf;
use std::process::ExitCode;

/// Simulate clients of a load balancer, or hosts behind a NAT gateway: who takes their connections, and what they see
///
/// Nothing is made. A scenario with `clients` is about a listener, one with several `[[clients]]` about a mix of requests to
/// several, one with `hosts` about an SNAT entry. One that names those of a world by `of_world` is run by the server; for
/// others none is needed. Clients that say where they come `from` have addresses, which access control judges and the source hash
/// hashes; what they bring in by `bytes` passes the bandwidths of listener, load balancer and elastic IP address.
/// The same scenario gives the same report, byte for byte.
#[derive(Args)]
#[command(after_help = "Examples:
  cloudnet traffic example > outage.toml
  cloudnet traffic run outage.toml --svg outage.svg
  cloudnet traffic run outage.toml --json | jq .failures
  cloudnet traffic example mix > shop.toml && cloudnet traffic run shop.toml --svg shop.svg    hosts, paths and redirects
  cloudnet traffic example nat > crawler.toml && cloudnet traffic run crawler.toml    when does an address run out of ports?
  cloudnet traffic run of-world.toml --server http://127.0.0.1:8080 --world default    a listener of a running server:

    duration = \"5m\"
    clients = { rate = 100 }
    of_world = { load_balancer_id = \"lb-bp1b6c719dfa08exfuca5\", port = 80 }

  one whose access control has a list, in front of a bandwidth:

    clients = { rate = 100, bytes = 20000, from = [\"203.0.113.0/24\", \"198.51.100.7\"] }")]
pub struct TrafficArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Run(RunArgs),
    /// Print a scenario to begin with
    Example {
        /// What it is about
        #[arg(value_enum, default_value_t = Kind::Listener)]
        kind: Kind,
    },
}

/// What a scenario is about.
#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Clients of a load balancer's listener
    Listener,
    /// Clients who ask several listeners for different hosts and paths
    Mix,
    /// Hosts behind a NAT gateway
    Nat,
}

/// Run a scenario and report what came of it
///
/// The exit code is 0 once it ran, whatever came of it, and 2 for a scenario that does not read.
#[derive(Args)]
struct RunArgs {
    /// The scenario, a TOML file; `cloudnet traffic example` prints one
    scenario: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Draw connections and failures over time into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

const EXAMPLE: &str = include_str!("../../data/traffic-example.toml");
const MIX_EXAMPLE: &str = include_str!("../../data/traffic-mix-example.toml");
const NAT_EXAMPLE: &str = include_str!("../../data/traffic-nat-example.toml");

/// Runs `cloudnet traffic`.
pub fn run(args: TrafficArgs) -> Outcome {
    match args.what {
        What::Example { kind } => {
            super::print(match kind {
                Kind::Listener => EXAMPLE,
                Kind::Mix => MIX_EXAMPLE,
                Kind::Nat => NAT_EXAMPLE,
            })?;
            Ok(ExitCode::SUCCESS)
        }
        What::Run(args) => run_scenario(&args),
    }
}

fn run_scenario(args: &RunArgs) -> Outcome {
    let told = match args.told() {
        Ok(told) => told,
        Err(reason) => {
            eprintln!("cloudnet: {}: {reason}", args.scenario.display());
            return Ok(ExitCode::from(2));
        }
    };
    if let Some(file) = &args.svg {
        std::fs::write(file, told.svg).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    super::print(if args.json { &told.json } else { &told.words })?;
    Ok(ExitCode::SUCCESS)
}

/// A report in each of its forms.
struct Told {
    json: String,
    svg: String,
    words: String,
}

impl RunArgs {
    /// Runs the scenario here, or has the server run it whose world it names.
    fn told(&self) -> Result<Told, String> {
        let text = std::fs::read_to_string(&self.scenario).map_err(|e| e.to_string())?;
        let form: toml::Table = toml::from_str(&text).map_err(|e| e.to_string())?;
        if form.contains_key("hosts") {
            let scenario: nat::Scenario = read_toml(&text).map_err(|e| e.to_string())?;
            let report: nat::Report = match scenario.of_world {
                Some(_) => self.asked("/v1/traffic/nat", &form)?,
                None => simulate(scenario.connections(), |progress| nat::run(&scenario, progress))?,
            };
            return told(&report, chart::nat::svg(&report), nat_words(&report));
        }
        if form.get("clients").is_some_and(toml::Value::is_array) {
            let scenario: mix::Scenario = read_toml(&text).map_err(|e| e.to_string())?;
            let of_world = scenario.clients.iter().any(|clients| clients.of_world.is_some());
            let report: mix::Report = if of_world {
                self.asked("/v1/traffic/mix", &form)?
            } else {
                simulate(scenario.connections(), |progress| mix::run(&scenario, progress))?
            };
            return told(&report, chart::mix::svg(&report), mix_words(&report));
        }
        let scenario: Scenario = read_toml(&text).map_err(|e| e.to_string())?;
        let report: Report = match scenario.of_world {
            Some(_) => self.asked("/v1/traffic", &form)?,
            None => simulate(scenario.connections(), |progress| traffic::run(&scenario, progress))?,
        };
        told(&report, chart::svg(&report), words(&report))
    }

    /// The report of the server.
    fn asked<R: DeserializeOwned>(&self, path: &str, form: &toml::Table) -> Result<R, String> {
        let body = serde_json::to_string(form).map_err(|e| e.to_string())?;
        let answer = self.connection.ask(path, &body).map_err(|e| e.to_string())?;
        serde_json::from_str(&answer).map_err(|e| e.to_string())
    }
}

fn told(report: &impl Serialize, svg: String, words: String) -> Result<Told, String> {
    let json = serde_json::to_string_pretty(report).map_err(|e| e.to_string())? + "\n";
    Ok(Told { json, svg, words })
}

fn simulate<R>(
    connections: u64,
    run: impl FnOnce(&mut dyn FnMut(u64) -> bool) -> Result<Option<R>, BadScenario>,
) -> Result<R, String> {
    // Nothing is drawn where standard error is no terminal.
    let bar = ProgressBar::new(connections);
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} connections, {eta} to go");
    bar.set_style(style.expect("the template reads"));
    let mut progress = |connections| {
        bar.set_position(connections);
        true
    };
    let report = run(&mut progress).map_err(|bad| bad.to_string())?;
    bar.finish_and_clear();
    Ok(report.expect("nobody gave it up"))
}

/// How many connections came to what.
fn outcome(connections: u64, served: u64, failed: u64, failures: &[OfCause]) -> Vec<String> {
    let mut lines = vec![format!("{connections} connections: {served} served, {failed} failed")];
    lines.extend(failures.iter().map(|of| format!("  {:>10} {}", of.number, of.cause.words())));
    lines
}

/// The report of hosts behind a NAT gateway for people.
fn nat_words(report: &nat::Report) -> String {
    let nat::Report { connections, served, failed, ports, .. } = report;
    let mut lines = outcome(*connections, *served, *failed, &report.failures);
    lines.push(format!(
        "{:<26} {:>10} {:>10} {:>10} of {ports}",
        "address", "sessions", "most open", "most ports"
    ));
    lines.extend(
        report
            .addresses
            .iter()
            .map(|a| format!("{:<26} {:>10} {:>10} {:>10}", a.name, a.sessions, a.most_open, a.most_ports)),
    );
    let second = |ms: u64| format!("{}.{:03} s", ms / 1000, ms % 1000);
    lines.extend(report.exhausted.iter().map(|of| {
        let until = of.until_ms.map_or_else(|| "the end".to_owned(), second);
        format!(
            "destination {}: no port left from {} to {until}, {} failed",
            of.destination,
            second(of.from_ms),
            of.failed
        )
    }));
    if report.exhausted_more > 0 {
        lines.push(format!("and {} times more", report.exhausted_more));
    }
    lines.join("\n") + "\n"
}

/// The report for people.
fn words(report: &Report) -> String {
    let Report { connections, served, failed, .. } = report;
    let mut lines = outcome(*connections, *served, *failed, &report.failures);
    if report.reopened > 0 {
        lines.push(format!("  {:>10} came anew after idling", report.reopened));
    }
    lines.extend(backends(&report.backends));
    lines.extend(report.happened.iter().map(happened));
    lines.join("\n") + "\n"
}

/// What backends got.
fn backends(backends: &[OfBackend]) -> Vec<String> {
    let mut lines = vec![format!("{:<16} {:>10} {:>10} {:>10}", "backend", "taken", "failed", "most open")];
    lines.extend(
        backends
            .iter()
            .map(|b| format!("{:<16} {:>10} {:>10} {:>10}", b.name, b.taken, b.failed, b.most_open)),
    );
    lines
}

fn happened(h: &Happened) -> String {
    format!("{:>8}.{:03} s  {} {}", h.at_ms / 1000, h.at_ms % 1000, h.whose(), h.what.words())
}

/// The report of a mix for people.
fn mix_words(report: &mix::Report) -> String {
    let mut lines = outcome(report.connections, report.served, report.failed, &report.failures);
    if report.redirects > 0 {
        lines.push(format!(
            "  {:>10} redirects, of which {} not followed",
            report.redirects, report.not_followed
        ));
    }
    if report.reopened > 0 {
        lines.push(format!("  {:>10} came anew after idling", report.reopened));
    }
    lines.push(format!(
        "{:<16} {:>11} {:>10} {:>10} {:>10}",
        "clients", "connections", "served", "failed", "redirects"
    ));
    lines.extend(report.clients.iter().map(|of| {
        let mix::report::OfClients { name, connections, served, failed, redirects, .. } = of;
        format!("{name:<16} {connections:>11} {served:>10} {failed:>10} {redirects:>10}")
    }));
    lines.push(format!(
        "{:<28} {:>10} {:>10} {:>10} {:>10}",
        "listener/rule", "requests", "taken", "failed", "redirects"
    ));
    for of in &report.servings {
        let mix::report::OfServing { listener, requests, taken, failed, redirects, .. } = of;
        let name = of.rule.as_ref().map_or(listener.clone(), |rule| format!("{listener}/{rule}"));
        lines.push(format!("{name:<28} {requests:>10} {taken:>10} {failed:>10} {redirects:>10}"));
        let member =
            |of: &OfBackend| format!("  {:<26} {:>10} {:>10} {:>10}", of.name, "", of.taken, of.failed);
        lines.extend(of.members.iter().map(member));
    }
    lines.extend(backends(&report.backends));
    lines.extend(report.happened.iter().map(happened));
    lines.join("\n") + "\n"
}
