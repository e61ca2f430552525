//! The program `cloudnet`.

mod cli;

/// Answers are made on one thread and dropped on another, which costs the system's allocator 30 % of the server's time
/// (docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
