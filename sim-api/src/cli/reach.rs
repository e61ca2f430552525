//! `cloudnet reach`: who reaches whom in a VPC of a running server, and what the internet can reach.

use super::client::Connection;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::process::ExitCode;

/// Find who reaches whom in a VPC, or what the internet can reach
///
/// The answer is computed on sets of addresses and ports and holds for every packet, not for those
/// that were tried: each "yes" comes with a packet as its witness, and each "no" with the rule, route
/// or state that stops such packets. Packets have the source port 49152, as those of cloudnet trace do,
/// so that both say the same; --source-port asks about another one. Senders and receivers are told as one of
///
///   all                 every network interface of the VPC (the default)
///   eni-A,eni-B         these network interfaces
///   i-...               the network interfaces of an instance
///   sg-...              the members of a security group
///   vsw-...             the network interfaces of a vSwitch
///   KEY=VALUE           those that carry a tag, or whose instance does
///   vpc-...             all of another VPC, which a peering connection joins to this one; vpc-...:SET a set of its
///   internet            every host on the internet; senders only
///
/// The exit code is 0 if somebody is reached, 1 if nobody is, and 2 if there is no answer: for bad
/// input, or no server.
#[derive(Args)]
#[command(verbatim_doc_comment, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:
  cloudnet reach --vpc vpc-bp13tecdq2pya5n9s4gp --to role=db --port 3306     who can reach the database?
  cloudnet reach --vpc vpc-bp13tecdq2pya5n9s4gp --from internet              what can the internet reach?
  cloudnet reach --vpc vpc-bp13tecdq2pya5n9s4gp --to vpc-bp1c6ryn4o06psjf0sos:role=db --port 3306    across a peering connection
  cloudnet reach --vpc vpc-bp13tecdq2pya5n9s4gp --from vsw-bp15oq1vkqdfmwfv2g8dg --to sg-bp162jsvj2v8f9zh76wr --protocol icmp
  cloudnet reach matrix --vpc vpc-bp13tecdq2pya5n9s4gp                       everybody to everybody, by port")]
pub struct ReachArgs {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    question: QuestionArgs,
}

#[derive(Subcommand)]
enum What {
    Matrix(MatrixArgs),
}

#[derive(Args)]
struct QuestionArgs {
    #[command(flatten)]
    about: About,
    /// Who might send
    #[arg(long, value_name = "SET", default_value = "all")]
    from: String,
    /// Who might be reached
    #[arg(long, value_name = "SET", default_value = "all")]
    to: String,
}

/// Show who reaches whom in a VPC as a table, with the open ports where they meet
///
/// Each row is a set of senders that the rest of the table does not tell apart, each column such a set of receivers; `-` stands
/// where nothing passes. The exit code is 0, and 2 if there is no answer.
#[derive(Args)]
struct MatrixArgs {
    #[command(flatten)]
    about: About,
    /// A row for the internet instead of rows for the interfaces
    #[arg(long)]
    internet: bool,
}

/// The VPC, protocol and port of a question, and who is asked.
#[derive(Args)]
struct About {
    /// The VPC
    #[arg(long, value_name = "VPC", required = true)]
    vpc: Option<String>,
    /// tcp, udp, icmp, icmpv6, gre, or the number of a protocol
    #[arg(long, default_value = "tcp")]
    protocol: String,
    /// The destination port, for tcp and udp; any if absent
    #[arg(long)]
    port: Option<u16>,
    /// The source port, for tcp and udp; 49152 if absent, as in a trace
    #[arg(long, value_name = "PORT")]
    source_port: Option<u16>,
    /// The answer of POST /v1/reachability as JSON instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// The exit code of a question that has no answer.
const NO_ANSWER: u8 = 2;

#[derive(Deserialize)]
struct Answer {
    reached: Vec<Reached>,
    unreached: Vec<Unreached>,
}

#[derive(Deserialize)]
struct Reached {
    from: Vec<Run>,
    to: Vec<Run>,
    ports: Vec<String>,
    witness: String,
}

#[derive(Deserialize)]
struct Unreached {
    from: Vec<Run>,
    to: Vec<Run>,
    witness: String,
    text: String,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Run {
    network_interface_id: Option<String>,
    load_balancer_id: Option<String>,
    first_address: String,
    last_address: String,
}

pub fn run(args: &ReachArgs) -> ExitCode {
    let answered = match &args.what {
        Some(What::Matrix(args)) => matrix(args),
        None => question(&args.question),
    };
    match answered {
        Ok(code) => code,
        Err(error) => {
            eprintln!("cloudnet: {error}");
            ExitCode::from(NO_ANSWER)
        }
    }
}

/// What came of a command, or why there is no answer.
type Told = Result<ExitCode, Box<dyn std::error::Error>>;

fn question(args: &QuestionArgs) -> Told {
    let (from, to) = (senders(&args.from)?, interfaces("--to", &args.to)?);
    let (text, answer) = args.about.ask(from, to)?;
    let told = if args.about.json { pretty(&text)? } else { words(&answer, &args.about.protocol) };
    super::print(&told)?;
    Ok(ExitCode::from(u8::from(answer.reached.is_empty())))
}

fn matrix(args: &MatrixArgs) -> Told {
    let from = if args.internet { json!({"internet": true}) } else { json!({}) };
    let (text, answer) = args.about.ask(from, json!({}))?;
    super::print(&if args.about.json { pretty(&text)? } else { table(&answer) })?;
    Ok(ExitCode::SUCCESS)
}

fn pretty(text: &str) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(&serde_json::from_str::<Value>(text)?)? + "\n")
}

impl About {
    /// The answer as it came, and read.
    fn ask(&self, from: Value, to: Value) -> Result<(String, Answer), Box<dyn std::error::Error>> {
        let mut body = json!({"vpc_id": self.vpc, "from": from, "to": to, "protocol": self.protocol});
        if let Some(port) = self.port {
            body["port"] = port.into();
        }
        if let Some(port) = self.source_port {
            body["source_port"] = port.into();
        }
        let text = self.connection.ask("/v1/reachability", &body.to_string())?;
        let answer = serde_json::from_str(&text)?;
        Ok((text, answer))
    }
}

/// Who might send, as the native wire takes it.
fn senders(text: &str) -> Result<Value, String> {
    match text {
        "internet" => Ok(json!({"internet": true})),
        text => interfaces("--from", text),
    }
}

/// A set of interfaces as the native wire takes it, given by an option of this name.
fn interfaces(option: &str, text: &str) -> Result<Value, String> {
    if text.starts_with("vpc-") {
        let (vpc, set) = text.split_once(':').unwrap_or((text, "all"));
        let mut body = interfaces(option, set)?;
        body["vpc_id"] = vpc.into();
        return Ok(body);
    }
    if let Some((key, value)) = text.split_once('=') {
        return Ok(json!({"tag": {"key": key, "value": value}}));
    }
    match text {
        "all" => Ok(json!({})),
        "internet" if option == "--to" => {
            Err("internet is for --from alone; cloudnet trace tells what reaches the internet".to_owned())
        }
        ids if ids.starts_with("eni-") => {
            Ok(json!({"network_interface_ids": ids.split(',').collect::<Vec<_>>()}))
        }
        id if id.starts_with("i-") => Ok(json!({"instance_id": id})),
        id if id.starts_with("sg-") => Ok(json!({"security_group_id": id})),
        id if id.starts_with("vsw-") => Ok(json!({"vswitch_id": id})),
        other => {
            let internet = if option == "--from" { ", or internet" } else { "" };
            Err(format!(
                "{option} {other:?} is no set of interfaces; write all, eni-..., i-..., sg-..., vsw-..., vpc-... or \
                 KEY=VALUE{internet}"
            ))
        }
    }
}

/// What is said where no two interfaces are to ask about.
const NOBODY_THERE: &str = "there is nobody to ask about";

/// How many members of a set are named before the rest is counted.
const NAMED: usize = 6;

/// The answer for people: who reaches, with a witness, and then who does not, and why.
fn words(answer: &Answer, protocol: &str) -> String {
    let mut out = String::new();
    for Reached { from, to, ports, witness } in &answer.reached {
        let _ = writeln!(out, "{}\n  reach {} by {protocol}{}", members(from), members(to), on(ports));
        let _ = writeln!(out, "  witness: {witness}");
    }
    if answer.reached.is_empty() {
        let nobody = if answer.unreached.is_empty() { NOBODY_THERE } else { "nobody" };
        let _ = writeln!(out, "{nobody}");
    }
    for Unreached { from, to, witness, text } in &answer.unreached {
        let _ = writeln!(out, "{}\n  do not reach {}", members(from), members(to));
        let _ = writeln!(out, "  {text}\n  as {witness}");
    }
    out
}

/// Ports as `, on 22/22 and 80/90`; nothing for a protocol without ports.
fn on(ports: &[String]) -> String {
    match ports {
        [none] if none == "-1/-1" => String::new(),
        ports => format!(" on {}", ports.join(" and ")),
    }
}

/// Members of a set by name, the first of many.
fn members(runs: &[Run]) -> String {
    let mut told: Vec<String> = runs.iter().take(NAMED).map(Run::text).collect();
    if runs.len() > NAMED {
        told.push(format!("and {} more", runs.len() - NAMED));
    }
    told.join(", ")
}

impl Run {
    fn text(&self) -> String {
        let addresses = match self.first_address == self.last_address {
            true => self.first_address.clone(),
            false => format!("{} to {}", self.first_address, self.last_address),
        };
        match self.network_interface_id.as_ref().or(self.load_balancer_id.as_ref()) {
            Some(id) => format!("{id} {addresses}"),
            None => addresses,
        }
    }
}

/// The answer as a table. Those whom the whole answer treats alike share a row, or a column.
fn table(answer: &Answer) -> String {
    if answer.reached.is_empty() && answer.unreached.is_empty() {
        return format!("{NOBODY_THERE}\n");
    }
    let mut cells: BTreeMap<(&Run, &Run), String> = BTreeMap::new();
    let (mut senders, mut receivers) = (BTreeSet::new(), BTreeSet::new());
    for (from, to, ports) in answer
        .reached
        .iter()
        .map(|r| (&r.from, &r.to, Some(&r.ports)))
        .chain(answer.unreached.iter().map(|u| (&u.from, &u.to, None)))
    {
        senders.extend(from);
        receivers.extend(to);
        for (s, r) in from.iter().flat_map(|s| to.iter().map(move |r| (s, r))) {
            if let Some(ports) = ports.filter(|_| s.network_interface_id != r.network_interface_id) {
                cells.insert((s, r), cell(ports));
            }
        }
    }
    // Nothing is said of what an interface sends to itself.
    let at = |s: &Run, r: &Run| {
        let itself = s.network_interface_id.is_some() && s.network_interface_id == r.network_interface_id;
        (!itself).then(|| cells.get(&(s, r)).cloned().unwrap_or_else(|| "-".to_owned()))
    };
    let rows = alike(&senders, &|s, _| receivers.iter().map(|r| at(s, r)).collect());
    let columns = alike(&receivers, &|_, place| rows.iter().map(|row| row.cells[place].clone()).collect());
    let mut out = String::new();
    for (word, sets) in [("from", &rows), ("to", &columns)] {
        for (number, set) in (1..).zip(sets) {
            let runs: Vec<Run> = set.members.iter().map(|run| (*run).clone()).collect();
            let _ = writeln!(out, "{word} {number}: {}", members(&runs));
        }
    }
    let mut lines: Vec<Vec<String>> = vec![
        std::iter::once(String::new())
            .chain((1..=columns.len()).map(|number| format!("to {number}")))
            .collect(),
    ];
    for number in 0..rows.len() {
        let open =
            columns.iter().map(|column| column.cells[number].clone().unwrap_or_else(|| "-".to_owned()));
        lines.push(std::iter::once(format!("from {}", number + 1)).chain(open).collect());
    }
    let width = |n: usize| lines.iter().map(|line| line[n].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..=columns.len()).map(width).collect();
    for line in &lines {
        let told: Vec<String> =
            line.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}")).collect();
        let _ = writeln!(out, "{}", told.join("  ").trim_end());
    }
    out
}

/// Open ports as they stand in a cell; `all` for every port, `yes` where there are none.
fn cell(ports: &[String]) -> String {
    let one = |ports: &String| match ports.as_str() {
        "-1/-1" => "yes".to_owned(),
        "1/65535" => "all".to_owned(),
        range => match range.split_once('/') {
            Some((first, last)) if first == last => first.to_owned(),
            Some((first, last)) => format!("{first}-{last}"),
            None => range.to_owned(),
        },
    };
    ports.iter().map(one).collect::<Vec<_>>().join(",")
}

/// Members of a side that the other side does not tell apart, with the cells that they share.
struct Alike<'a> {
    members: Vec<&'a Run>,
    /// Absent where only an interface and itself meet.
    cells: Vec<Option<String>>,
}

/// Puts members of a side with the same cells together, in their order. An absent cell is like any other, and takes the
/// content of the first that is there.
fn alike<'a>(
    side: &BTreeSet<&'a Run>,
    cells: &dyn Fn(&'a Run, usize) -> Vec<Option<String>>,
) -> Vec<Alike<'a>> {
    let mut sets: Vec<Alike<'_>> = Vec::new();
    for (place, run) in side.iter().enumerate() {
        let own = cells(run, place);
        let like = |other: &Alike<'_>| {
            other.cells.iter().zip(&own).all(|(a, b)| a.is_none() || b.is_none() || a == b)
        };
        match sets.iter_mut().find(|other| like(other)) {
            Some(set) => {
                set.cells.iter_mut().zip(own).for_each(|(known, cell)| *known = known.take().or(cell));
                set.members.push(run);
            }
            None => sets.push(Alike { members: vec![run], cells: own }),
        }
    }
    sets
}
