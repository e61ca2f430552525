//! `cloudnet tail`: the requests of a server as they come.

use super::{Outcome, runtime};
use sim_api::requests::RequestRecord;
use std::process::ExitCode;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Follows the requests that a server gets: action, parameters without secrets, code, rule, duration, world.
#[derive(clap::Args)]
pub struct TailArgs {
    /// The server's address
    #[arg(long, env = "CLOUDNET_ADDRESS", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    address: String,
    /// Only requests of this world
    #[arg(long)]
    world: Option<String>,
    /// Only refused requests
    #[arg(long)]
    refused: bool,
    /// One JSON object a line instead of text
    #[arg(long)]
    json: bool,
    /// The bearer token of a server with a credentials file
    #[arg(long, env = "CLOUDNET_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// End after this many requests
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

pub fn run(args: TailArgs) -> Outcome {
    runtime()?.block_on(tail(args))
}

async fn tail(args: TailArgs) -> Outcome {
    let mut stream = TcpStream::connect(&args.address).await.map_err(|e| format!("{}: {e}", args.address))?;
    let token = args.token.as_ref().map(|t| format!("Authorization: Bearer {t}\r\n")).unwrap_or_default();
    // HTTP/1.0: the answer is not chunked and ends with the connection.
    let request = format!("GET /v1/requests/follow HTTP/1.0\r\nHost: {}\r\n{token}\r\n", args.address);
    stream.write_all(request.as_bytes()).await?;
    let mut lines = BufReader::new(stream).lines();
    let status = lines.next_line().await?.unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(format!("{} answered {status}", args.address).into());
    }
    let mut shown = 0;
    while let Some(line) = lines.next_line().await? {
        let Some(json) = line.strip_prefix('{').map(|_| &line) else { continue };
        if let Ok(Missed { missed }) = serde_json::from_str(json) {
            eprintln!("cloudnet: {missed} requests came faster than they could be shown");
            continue;
        }
        let record: RequestRecord = serde_json::from_str(json)?;
        let wanted =
            args.world.as_ref().is_none_or(|w| *w == record.world) && (!args.refused || record.status >= 400);
        if !wanted {
            continue;
        }
        if args.json {
            println!("{json}")
        } else {
            println!("{}", text(&record))
        }
        shown += 1;
        if args.count == Some(shown) {
            return Ok(ExitCode::SUCCESS);
        }
    }
    Err("the server closed the connection".into())
}

/// What comes in the place of requests that a slow follower missed.
#[derive(serde::Deserialize)]
struct Missed {
    missed: u64,
}

fn text(r: &RequestRecord) -> String {
    let params = r.params.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ");
    let code = if r.code.is_empty() { "ok".to_owned() } else { format!("{} ({})", r.code, r.rule) };
    format!(
        "{} {} {:>3} {:>7.1} ms  {} {code}  {params}",
        r.at,
        r.world,
        r.status,
        r.duration_us as f64 / 1000.0,
        r.action
    )
}
