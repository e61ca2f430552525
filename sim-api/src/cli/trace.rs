//! `cloudnet trace`: what becomes of a packet in a world of a running server.

use super::client::Connection;
use serde_json::{Value, json};
use sim_core::datapath::Target;
use sim_core::datapath::text::protocol_word;
use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Follow a packet and its answer hop by hop through a world of a server
///
/// Each step names the object and the rule, route or group that decided. For a refused packet the smallest set of changes
/// follows that would let it through, each of them tried on a copy of the world. Nothing is changed. The exit code is 0 if
/// the packet is delivered and its answer comes back, 1 if not, and 2 if there is no answer: for bad input, or no server.
/// What the port does to which it is delivered is told if somebody told the port so, and judges nothing.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cloudnet trace --from eni-bp16tm3erds1hum36exg --to 10.0.2.9:80/tcp
  cloudnet trace --from i-bp14fshsqp65fwoc0qls --to 100.100.2.136:53/udp
  cloudnet trace --from eni-bp16tm3erds1hum36exg --source 172.20.1.5 --to 10.0.2.9/icmp    a pod behind the interface
  cloudnet trace --from 47.96.1.1 --to 47.97.2.2:443                                       from the internet
  cloudnet trace --from 47.96.1.1 --to 198.19.0.1:80 --host shop.example --path /cart      a request to a listener
  cloudnet trace --from i-bp14fshsqp65fwoc0qls --to 10.0.2.9:22 --svg trace.svg            the same as a picture")]
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
    /// The host of a request over HTTP on the connection; none if absent
    #[arg(long, value_name = "HOST[:PORT]")]
    host: Option<String>,
    /// The path of a request over HTTP on the connection, with its query; / if only a host is given
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Where to: ADDRESS:PORT/PROTOCOL, or ADDRESS/PROTOCOL; tcp if no protocol is given
    #[arg(long, value_name = "TARGET")]
    to: String,
    #[command(flatten)]
    connection: Connection,
    /// The answer of POST /v1/traces as JSON instead of text
    #[arg(long)]
    json: bool,
    /// Draw the trace into this file as an SVG image, with the names of objects in place of their ids
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
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
    let mut body = json!({"flows": [args.flow()?], "text": true, "remedies": true});
    if args.svg.is_some() {
        body["pictures"] = true.into();
    }
    let mut answer: Value = serde_json::from_str(&args.connection.ask("/v1/traces", &body.to_string())?)?;
    let trace = answer.pointer_mut("/items/0").ok_or("the server answered without a trace")?;
    if let Some(file) = &args.svg {
        let picture = trace.as_object_mut().and_then(|trace| trace.remove("picture"));
        let picture =
            picture.as_ref().and_then(Value::as_str).ok_or("the server answered without a picture")?;
        std::fs::write(file, picture).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(trace)?)?;
    } else {
        write!(out, "{}", trace["text"].as_str().unwrap_or_default())?;
    }
    Ok(trace["delivered"] == true)
}

impl TraceArgs {
    /// The flow as the native wire takes it.
    fn flow(&self) -> Result<Value, Box<dyn std::error::Error>> {
        let target = Target::parse(&self.to, "--to")?;
        let mut flow = json!({
            "destination": target.address.to_string(),
            "protocol": protocol_word(target.protocol),
        });
        let sender = match &self.from {
            id if id.starts_with("eni-") => "network_interface_id",
            id if id.starts_with("i-") => "instance_id",
            address if address.parse::<IpAddr>().is_ok() => "source_address",
            other => {
                let accepted =
                    "write a network interface (eni-...), an instance (i-...) or an address of the internet";
                return Err(format!("--from {other:?} is no sender; {accepted}").into());
            }
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
        if self.host.is_some() || self.path.is_some() {
            flow["request"] = json!({"host": self.host, "path": self.path});
        }
        Ok(flow)
    }
}
