//! The program `cloudnet`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
