//! The command line: one file per subcommand.

mod ca;
mod client;
mod plan;
mod reach;
mod replay;
mod serve;
mod tail;
mod trace;
mod traffic;
mod verify;

use clap::{Parser, Subcommand};
use sim_api::ServeOptions;
use std::path::PathBuf;
use std::process::ExitCode;

/// A cloud network that runs on a laptop.
///
/// Without a subcommand it serves on 127.0.0.1:8080 and keeps its worlds in ./cloudnet.db, exactly as
/// `cloudnet serve --listen 127.0.0.1:8080 --db sqlite:./cloudnet.db --clock real` does.
#[derive(Parser)]
#[command(name = "cloudnet", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Serve both wires and Swagger UI
    Serve(ServeArgs),
    /// Re-run the journal of a database and compare every digest
    Verify(verify::VerifyArgs),
    Ca(ca::CaArgs),
    Replay(replay::ReplayArgs),
    Tail(tail::TailArgs),
    Trace(trace::TraceArgs),
    Reach(reach::ReachArgs),
    Traffic(traffic::TrafficArgs),
    Plan(plan::PlanArgs),
    /// Print the OpenAPI document of the native wire
    Openapi,
}

#[derive(clap::Args)]
struct ServeArgs {
    #[command(flatten)]
    options: ServeOptions,
    /// A TOML file with any of these settings; the command line and the environment win over it
    #[arg(long, env = "CLOUDNET_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the program. Exit code 0 is success or yes, 1 is failure or no, 2 is bad input.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Ca(args) => ca::run(args),
        Command::Replay(args) => return replay::run(&args),
        Command::Tail(args) => tail::run(args),
        Command::Trace(args) => return trace::run(args),
        Command::Reach(args) => return reach::run(&args),
        Command::Traffic(args) => traffic::run(args),
        Command::Plan(args) => plan::run(args),
        Command::Openapi => {
            let document =
                sim_api::openapi::document().to_pretty_json().expect("the document always encodes");
            print(&(document + "\n")).map(|()| ExitCode::SUCCESS).map_err(Into::into)
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("cloudnet: {error}");
        ExitCode::FAILURE
    })
}

/// What a subcommand returns.
type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

/// Prints a text. Whoever reads it may have read enough, as `head` does.
fn print(text: &str) -> std::io::Result<()> {
    use std::io::{ErrorKind, Write};
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// A runtime for the subcommands that need one.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
