//! `cloudnet verify`: is the journal what the rules say?

use super::{Outcome, runtime};
use sim_api::engine::{load_world, verify_world};
use sim_api::store::{AnyLog, Log, SqliteLog};
use std::path::PathBuf;
use std::process::ExitCode;

/// Re-runs the journal of every world and compares digests. Exit code 0 if all agree, 1 if one differs.
#[derive(clap::Args)]
pub struct VerifyArgs {
    /// The database file, with or without the word sqlite: before it
    #[arg(value_name = "DB")]
    db: String,
    /// Only this world
    #[arg(long)]
    world: Option<String>,
}

pub fn run(args: VerifyArgs) -> Outcome {
    runtime()?.block_on(verify(args))
}

async fn verify(args: VerifyArgs) -> Outcome {
    let path = PathBuf::from(args.db.strip_prefix("sqlite:").unwrap_or(&args.db));
    if !path.exists() {
        eprintln!("cloudnet: {} does not exist", path.display());
        return Ok(ExitCode::from(2));
    }
    let log = AnyLog::Sqlite(SqliteLog::open(&path).await?);
    let mut worlds = log.worlds().await?;
    if let Some(name) = &args.world {
        worlds.retain(|w| w.meta.name == *name);
        if worlds.is_empty() {
            eprintln!("cloudnet: there is no world {name:?} in {}", path.display());
            return Ok(ExitCode::from(2));
        }
    }
    let mut agree = true;
    for world in &worlds {
        let name = &world.meta.name;
        match verify_world(&log, world.key, |checked| show_progress(name, checked, world.last_seq)).await {
            Ok(report) => println!("{name}: {report}"),
            Err(error) => {
                agree = false;
                println!("{name}: {error}");
            }
        }
        // The rows must give the same world as the commands did.
        if let Err(error) = load_world(&log, world.key, |_| {}).await {
            agree = false;
            println!("{name}: {error}");
        }
    }
    log.close().await?;
    Ok(if agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show_progress(name: &str, checked: u64, all: u64) {
    if checked > 0 && checked.is_multiple_of(100_000) {
        eprintln!("{name}: {checked} of {all} entries");
    }
}
