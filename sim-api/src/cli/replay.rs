//! `cloudnet replay`: is the provider wire still answered as it was recorded?

use super::runtime;
use sim_api::recording::{Place, Replay, ReplayError};
use std::path::PathBuf;
use std::process::ExitCode;

/// Send the requests of a recording again, in a world of their own, and compare the answers
///
/// `cloudnet serve --record FILE` makes recordings. Exit code 0 if every answer is the recorded one, 1 if one differs, 2 if
/// the recording cannot be played.
#[derive(clap::Args)]
pub struct ReplayArgs {
    /// The recording
    #[arg(value_name = "FILE")]
    recording: PathBuf,
    /// A running server without a credentials file, which gets a throw-away world for it; a new one in this process if absent
    #[arg(long, value_name = "URL", conflicts_with = "seed")]
    to: Option<String>,
    /// The seed that the recorded world began with
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// A private key in PEM of a certificate that the client uploaded; may be repeated
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
}

/// How many differences are shown.
const SHOWN: usize = 20;

pub fn run(args: &ReplayArgs) -> ExitCode {
    match play(args) {
        Ok(replay) => tell(args, &replay),
        Err(error) => {
            eprintln!("cloudnet: {error}");
            ExitCode::from(2)
        }
    }
}

fn play(args: &ReplayArgs) -> Result<Replay, Box<dyn std::error::Error>> {
    let place = match &args.to {
        Some(url) => Place::There(url.clone()),
        None => Place::Here { seed: args.seed.clone() },
    };
    let key = |path: &PathBuf| std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()));
    let keys: Vec<String> = args.key.iter().map(key).collect::<Result<_, _>>()?;
    let played: Result<Replay, ReplayError> = runtime()?.block_on(Replay::of(&args.recording, &place, &keys));
    Ok(played?)
}

fn tell(args: &ReplayArgs, replay: &Replay) -> ExitCode {
    let count = replay.differences.len();
    for d in replay.differences.iter().take(SHOWN) {
        println!("{}:{d}", args.recording.display());
    }
    if count > SHOWN {
        println!("and {} more", count - SHOWN);
    }
    println!("{} requests, {count} answered otherwise, {} not sent", replay.sent, replay.skipped);
    if count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
