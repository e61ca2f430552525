//! `cloudnet tail`: the requests of a server as they come.

use super::{Outcome, runtime};
use sim_api::exchange;
use sim_api::requests::RequestRecord;
use std::process::ExitCode;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Follow the requests that a server gets
///
/// A line has when it was answered, the world, the status, how long it took, the action, the code and the rule of a
/// refusal, and the parameters without secrets. Filters narrow each other down.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cloudnet tail                                        everything that 127.0.0.1:8080 gets
  cloudnet tail --refused --world default              what is refused in a world
  cloudnet tail --action CreateVSwitch --json          one action of the provider wire, as JSON
  cloudnet tail --action 'POST /v1/vpcs' --count 1     the next VPC that is made over REST")]
pub struct TailArgs {
    /// The server
    #[arg(
        long,
        alias = "address",
        env = "CLOUDNET_ADDRESS",
        default_value = "127.0.0.1:8080",
        value_name = "URL"
    )]
    server: String,
    /// Only requests of this world
    #[arg(long)]
    world: Option<String>,
    /// Only this action, such as CreateVpc or 'POST /v1/vpcs'
    #[arg(long)]
    action: Option<String>,
    /// Only this code of a refusal, of either wire
    #[arg(long)]
    code: Option<String>,
    /// Only one wire: native or provider
    #[arg(long, value_parser = ["native", "provider"])]
    wire: Option<String>,
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
    let server = exchange::host(&args.server);
    let mut stream = TcpStream::connect(server).await.map_err(|e| format!("{server}: {e}"))?;
    let token = args.token.as_ref().map(|t| format!("Authorization: Bearer {t}\r\n")).unwrap_or_default();
    // HTTP/1.0: the answer is not chunked and ends with the connection.
    let request = format!("GET /v1/requests/follow HTTP/1.0\r\nHost: {server}\r\n{token}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut lines = BufReader::new(stream).lines();
    let status = lines.next_line().await?.unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(format!("{server} answered {status}").into());
    }
    let mut shown = 0;
    while let Some(line) = lines.next_line().await? {
        let Some(json) = line.strip_prefix('{').map(|_| &line) else { continue };
        if let Ok(Missed { missed }) = serde_json::from_str(json) {
            eprintln!("cloudnet: {missed} requests came faster than they could be shown");
            continue;
        }
        let record: RequestRecord = serde_json::from_str(json)?;
        if !args.wants(&record) {
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

impl TailArgs {
    fn wants(&self, r: &RequestRecord) -> bool {
        self.world.as_ref().is_none_or(|world| *world == r.world)
            && self.action.as_ref().is_none_or(|action| *action == r.action)
            && self.code.as_ref().is_none_or(|code| *code == r.code || *code == r.rule)
            && self.wire.as_ref().is_none_or(|wire| *wire == r.wire)
            && (!self.refused || r.status >= 400)
    }
}

/// What comes in the place of requests that a slow follower missed.
#[derive(serde::Deserialize)]
struct Missed {
    missed: u64,
}

fn text(r: &RequestRecord) -> String {
    let params = r.params.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ");
    // On the native wire the code is the rule's own name.
    let code = match (r.code.as_str(), r.rule.as_str()) {
        ("", _) => "ok".to_owned(),
        (code, rule) if code == rule || rule.is_empty() => code.to_owned(),
        (code, rule) => format!("{code} ({rule})"),
    };
    format!(
        "{} {} {:>3} {:>7.1} ms  {} {code}  {params}",
        r.at,
        r.world,
        r.status,
        r.duration_us as f64 / 1000.0,
        r.action
    )
}
