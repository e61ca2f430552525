//! `cloudnet trace`: what becomes of a packet in a world of a running server.

use super::runtime;
use serde_json::{Value, json};
use sim_api::problem::Problem;
use sim_core::datapath::Target;
use sim_core::datapath::text::protocol_word;
use std::io::Write;
use std::process::ExitCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Follow a packet and its answer hop by hop through a world of a server
///
/// Each step names the object and the rule, route or group that decided. For a refused packet the smallest set of changes
/// follows that would let it through, each of them tried on a copy of the world. Nothing is changed. The exit code is 0 if
/// the packet is delivered and its answer comes back, 1 if not, and 2 if there is no answer: for bad input, or no server.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cloudnet trace --from eni-bp16tm3erds1hum36exg --to 10.0.2.9:80/tcp
  cloudnet trace --from i-bp14fshsqp65fwoc0qls --to 100.100.2.136:53/udp
  cloudnet trace --from eni-bp16tm3erds1hum36exg --source 172.20.1.5 --to 10.0.2.9/icmp    a pod behind the interface
  cloudnet trace --from 47.96.1.1 --to 47.97.2.2:443                                       from the internet")]
pub struct TraceArgs {
    /// Who sends: a network interface, an instance (by its primary interface), or an address of the internet
    #[arg(long, value_name = "ENI|INSTANCE|ADDRESS")]
    from: String,
    /// The address that sends: one of the interface, or of something behind it; its first one if absent
    #[arg(long, value_name = "ADDRESS")]
    source: Option<String>,
    /// The source port, for tcp and udp; 49152 if absent
    #[arg(long, value_name = "PORT")]
    source_port: Option<u16>,
    /// Where to: ADDRESS:PORT/PROTOCOL, or ADDRESS/PROTOCOL; tcp if no protocol is given
    #[arg(long, value_name = "TARGET")]
    to: String,
    /// The server
    #[arg(long, env = "CLOUDNET_ADDRESS", default_value = "127.0.0.1:8080", value_name = "URL")]
    server: String,
    /// The world; default if absent
    #[arg(long)]
    world: Option<String>,
    /// The account, if it is not the world's first one
    #[arg(long)]
    account: Option<String>,
    /// The region; cn-hangzhou if absent
    #[arg(long)]
    region: Option<String>,
    /// The answer of POST /v1/traces as JSON instead of text
    #[arg(long)]
    json: bool,
    /// The bearer token of a server with a credentials file
    #[arg(long, env = "CLOUDNET_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// The exit code of a question that has no answer.
const NO_ANSWER: u8 = 2;

pub fn run(args: TraceArgs) -> ExitCode {
    match ask(&args) {
        Ok(delivered) => ExitCode::from(u8::from(!delivered)),
        Err(error) => {
            eprintln!("cloudnet: {error}");
            ExitCode::from(NO_ANSWER)
        }
    }
}

/// Asks, prints, and says whether the packet was delivered.
fn ask(args: &TraceArgs) -> Result<bool, Box<dyn std::error::Error>> {
    let body = json!({"flows": [args.flow()?], "text": true, "remedies": true}).to_string();
    let (status, text) = runtime()?.block_on(args.post("/v1/traces", &body))?;
    if status != 200 {
        return Err(refused(status, &text).into());
    }
    let answer: Value = serde_json::from_str(&text)?;
    let trace = answer.pointer("/items/0").ok_or("the server answered without a trace")?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(trace)?)?;
    } else {
        write!(out, "{}", trace["text"].as_str().unwrap_or_default())?;
    }
    Ok(trace["delivered"] == true)
}

/// What a problem document says, in a line.
fn refused(status: u16, text: &str) -> String {
    let Ok(problem) = serde_json::from_str::<Problem>(text) else {
        return format!("the server answered {status}: {}", text.chars().take(200).collect::<String>());
    };
    let accepted = problem.errors.iter().filter(|field| !field.accepted.is_empty());
    let accepted: Vec<String> = accepted.map(|field| format!(" Accepted: {}.", field.accepted)).collect();
    format!("{} {}{}", problem.title, problem.detail, accepted.concat())
}

impl TraceArgs {
    /// The flow as the native wire takes it.
    fn flow(&self) -> Result<Value, sim_core::Refusal> {
        let target = Target::parse(&self.to, "--to")?;
        let mut flow = json!({
            "destination": target.address.to_string(),
            "protocol": protocol_word(target.protocol),
        });
        let sender = match &self.from {
            id if id.starts_with("eni-") => "network_interface_id",
            id if id.starts_with("i-") => "instance_id",
            _ => "source_address",
        };
        let optional = [
            ("port", target.port.map(Value::from)),
            ("source_port", self.source_port.map(Value::from)),
            ("source_address", self.source.as_deref().map(Value::from)),
            (sender, Some(Value::from(self.from.as_str()))),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                flow[name] = value;
            }
        }
        Ok(flow)
    }

    /// Sends a request and reads the whole answer: its status and its body.
    async fn post(&self, path: &str, body: &str) -> Result<(u16, String), Box<dyn std::error::Error>> {
        let server = self.server.strip_prefix("http://").unwrap_or(&self.server).trim_end_matches('/');
        let mut stream = TcpStream::connect(server).await.map_err(|e| format!("{server}: {e}"))?;
        // HTTP/1.0: the answer is not chunked and ends with the connection.
        let mut request = format!(
            "POST {path} HTTP/1.0\r\nHost: {server}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        );
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let headers = [
            ("Authorization", bearer.as_deref()),
            ("Cloudnet-World", self.world.as_deref()),
            ("Cloudnet-Account", self.account.as_deref()),
            ("Cloudnet-Region", self.region.as_deref()),
        ];
        for (name, value) in headers {
            let Some(value) = value else { continue };
            if value.contains(['\r', '\n']) {
                return Err(format!("{name} has a line break").into());
            }
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("\r\n{body}"));
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("the server closed the connection")?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.ok_or("the server does not speak HTTP")?, body.to_owned()))
    }
}
