//! `cloudnet ca`: the certificate that clients of `--tls` trust.

use super::{Outcome, print};
use sim_api::tls::{Authority, default_state_dir};
use std::path::PathBuf;
use std::process::ExitCode;

/// Print the certificate of the local authority, which `cloudnet serve --tls` takes its own from
///
/// The authority is made on first use. Its key stays in the state directory, readable by its owner alone.
#[derive(clap::Args)]
pub struct CaArgs {
    /// Where the local authority is kept [default: $XDG_STATE_HOME/cloudnet, else ~/.local/state/cloudnet]
    #[arg(long, env = "CLOUDNET_STATE_DIR", value_name = "DIRECTORY")]
    state_dir: Option<PathBuf>,
}

pub fn run(args: CaArgs) -> Outcome {
    let directory = match args.state_dir {
        Some(directory) => directory,
        None => default_state_dir()?,
    };
    print(Authority::open(&directory)?.certificate())?;
    Ok(ExitCode::SUCCESS)
}
