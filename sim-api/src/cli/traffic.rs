//! `cloudnet traffic`: clients of a load balancer over virtual time, answered here, or by a server whose world has the
//! listener.

use super::Outcome;
use super::client::Connection;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use sim_core::traffic::{self, Report, Scenario};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Simulate clients of a load balancer: who takes their connections, and what they see while backends fail
///
/// Nothing is made. A scenario that names a listener of a world by `of_world` is run by the server; for others none is needed.
/// The same scenario gives the same report, byte for byte.
#[derive(Args)]
#[command(after_help = "Examples:
  cloudnet traffic example > outage.toml
  cloudnet traffic run outage.toml --svg outage.svg
  cloudnet traffic run outage.toml --json | jq .failures
  cloudnet traffic run of-world.toml --server http://127.0.0.1:8080 --world default    a listener of a running server:

    duration = \"5m\"
    clients = { rate = 100 }
    of_world = { load_balancer_id = \"lb-bp1b6c719dfa08exfuca5\", port = 80 }")]
pub struct TrafficArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Run(RunArgs),
    /// Print a scenario to begin with
    Example,
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

/// Runs `cloudnet traffic`.
pub fn run(args: TrafficArgs) -> Outcome {
    match args.what {
        What::Example => {
            super::print(EXAMPLE)?;
            Ok(ExitCode::SUCCESS)
        }
        What::Run(args) => run_scenario(&args),
    }
}

fn run_scenario(args: &RunArgs) -> Outcome {
    let report = match read(&args.scenario).and_then(|(text, scenario)| args.report(&text, &scenario)) {
        Ok(report) => report,
        Err(reason) => {
            eprintln!("cloudnet: {}: {reason}", args.scenario.display());
            return Ok(ExitCode::from(2));
        }
    };
    if let Some(file) = &args.svg {
        std::fs::write(file, sim_api::chart::svg(&report))?;
    }
    let told = if args.json { serde_json::to_string_pretty(&report)? + "\n" } else { words(&report) };
    super::print(&told)?;
    Ok(ExitCode::SUCCESS)
}

/// The text of a scenario, and what it says.
fn read(file: &Path) -> Result<(String, Scenario), String> {
    let text = std::fs::read_to_string(file).map_err(|e| e.to_string())?;
    let scenario = toml::from_str(&text).map_err(|e| e.to_string())?;
    Ok((text, scenario))
}

impl RunArgs {
    /// Runs a scenario here, or has the server run it whose world it names.
    fn report(&self, text: &str, scenario: &Scenario) -> Result<Report, String> {
        if scenario.of_world.is_none() {
            return simulate(scenario);
        }
        let form: toml::Table = toml::from_str(text).map_err(|e| e.to_string())?;
        let body = serde_json::to_string(&form).map_err(|e| e.to_string())?;
        let answer = self.connection.ask("/v1/traffic", &body).map_err(|e| e.to_string())?;
        serde_json::from_str(&answer).map_err(|e| e.to_string())
    }
}

fn simulate(scenario: &Scenario) -> Result<Report, String> {
    // Nothing is drawn where standard error is no terminal.
    let bar = ProgressBar::new(scenario.connections());
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} connections, {eta} to go");
    bar.set_style(style.expect("the template reads"));
    let mut progress = |connections| {
        bar.set_position(connections);
        true
    };
    let report = traffic::run(scenario, &mut progress).map_err(|bad| bad.to_string())?;
    bar.finish_and_clear();
    Ok(report.expect("nobody gave it up"))
}

/// The report for people.
fn words(report: &Report) -> String {
    let Report { connections, served, failed, .. } = report;
    let mut lines = vec![format!("{connections} connections: {served} served, {failed} failed")];
    lines.extend(report.failures.iter().map(|of| format!("  {:>10} {}", of.number, of.cause.words())));
    lines.push(format!("{:<16} {:>10} {:>10} {:>10}", "backend", "taken", "failed", "most open"));
    lines.extend(
        report
            .backends
            .iter()
            .map(|b| format!("{:<16} {:>10} {:>10} {:>10}", b.name, b.taken, b.failed, b.most_open)),
    );
    lines.extend(report.happened.iter().map(|h| {
        let whose = h.backend.as_deref().unwrap_or("the load balancer");
        format!("{:>8}.{:03} s  {whose} {}", h.at_ms / 1000, h.at_ms % 1000, h.what.words())
    }));
    lines.join("\n") + "\n"
}
