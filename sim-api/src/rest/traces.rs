//! Packet traces on the native wire: what becomes of up to 10,000 flows, and what would let a refused one through.

use super::context::{Body, Context, Query, parse_id};
use super::form::{self, Form, FormQuery};
use super::operations::{Operations, routes};
use super::told_port::ToldPortBody;
use super::trace_changes::ChangeBody;
use super::trace_steps::{self, AskedRuleBody, StepBody};
use crate::chart::trace::Picture;
use crate::engine::EngineError;
use crate::problem::Problem;
use crate::refusals::Refusals;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use sim_core::datapath::remedy::{Remedy, Search};
use sim_core::datapath::text::{Words, protocol_word};
use sim_core::datapath::{Flow, Hop, Request, Source, Trace};
use sim_core::ecs::group_filter::{PacketProtocol, parse_address};
use sim_core::ecs::instance::Instance;
use sim_core::id::InstanceId;
use sim_core::{Caller, ErrorCode as E, Outcome, Refusal, World};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use utoipa::ToSchema;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::{OpenApi, RefOr};

/// What the operation can refuse.
pub const REFUSALS: Refusals = &[(
    "trace_flows",
    &[E::InvalidParameter, E::MissingParameter, E::AddressMalformed, E::EniNotFound, E::InstanceNotFound],
)];

/// The most flows in a request.
const MOST_FLOWS: usize = 10_000;
/// The most flows in a request that asks for remedies, each of which is found by many traces, or for pictures.
const MOST_WITH_REMEDIES: usize = 100;
/// The largest body: ten thousand flows with long names of fields.
const BODY_LIMIT: usize = 8 << 20;
/// How many flows are traced before the writer is let in.
const SLICE: usize = 250;

/// The operation on flows.
pub fn router() -> Operations {
    Operations::new().routes(routes!(trace_flows)).layer(DefaultBodyLimit::max(BODY_LIMIT))
}

/// How much of a trace is told.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceBody {
    /// How it ends and nothing else.
    None,
    /// Every step, with what decided.
    #[default]
    Full,
}

/// Flows to be traced.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceFlowsBody {
    /// The flows: 1 to 10,000, with remedies or pictures 1 to 100, and 1 where the answer is a picture.
    #[schema(min_items = 1, max_items = 10000)]
    flows: Vec<FlowBody>,
    /// How much is told: full if absent.
    #[serde(default)]
    evidence: EvidenceBody,
    /// Whether each trace is told in words too, a line for each step.
    #[serde(default)]
    text: bool,
    /// Whether for each refused flow the smallest set of changes is sought that lets it through.
    #[serde(default)]
    remedies: bool,
    /// Whether each trace is drawn too, as SVG.
    #[serde(default)]
    pictures: bool,
}

/// The first packet of a session.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowBody {
    /// The network interface that sends.
    #[serde(default)]
    #[schema(example = "eni-bp16tm3erds1hum36exg")]
    network_interface_id: Option<String>,
    /// The instance that sends, by its primary interface.
    #[serde(default)]
    instance_id: Option<String>,
    /// The address that sends: one of the interface, its first one of the destination's family if absent; or of something
    /// behind the interface, such as a pod. Without an interface and an instance it is a host on the internet.
    #[serde(default)]
    #[schema(example = "10.0.1.10")]
    source_address: Option<String>,
    /// Where to.
    #[schema(example = "10.0.2.9")]
    destination: String,
    /// tcp, udp, icmp, icmpv6, gre, or the number of a protocol; tcp if absent.
    #[serde(default)]
    #[schema(example = "tcp")]
    protocol: Option<String>,
    /// The destination port, for tcp and udp.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 65535, example = 80)]
    port: Option<u16>,
    /// The source port, for tcp and udp; 49152 if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 65535)]
    source_port: Option<u16>,
    /// What is asked for over HTTP on the connection, for tcp. Listeners of HTTP and HTTPS ask their forwarding rules with it,
    /// and ask none without it.
    #[serde(default)]
    request: Option<RequestBody>,
}

/// A request over HTTP.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FlowRequestBody)]
pub struct RequestBody {
    /// What its Host header says: a name or an address, with or without a port; none if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 259, example = "shop.example")]
    host: Option<String>,
    /// Its path with the query: printable ASCII, a slash first; / if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 2048, example = "/cart/1")]
    path: Option<String>,
}

/// What became of the flows.
#[derive(Serialize, ToSchema)]
pub struct TracesBody {
    /// A trace for each flow, in the order of the request.
    #[serde(serialize_with = "TraceBody::one_by_one")]
    #[schema(value_type = Vec<TraceBody>)]
    items: Vec<Traced>,
    /// How many were delivered.
    delivered: u64,
}

/// What is known of a flow, before it is put into words and ids: a tenth of the size of its body.
struct Traced {
    /// The trace; without steps where no evidence is asked for.
    trace: Trace,
    evidence: EvidenceBody,
    /// The forwarding rules that were asked, if a step did.
    asked: Option<Vec<AskedRuleBody>>,
    text: Option<String>,
    remedy: Option<RemedyBody>,
    told_port: Option<ToldPortBody>,
    picture: Option<Picture>,
}

/// What became of a flow.
#[derive(Serialize, ToSchema)]
pub struct TraceBody {
    /// Whether it arrived and its answer came back.
    delivered: bool,
    /// Where it ended: forward, or return if the answer was lost.
    #[schema(example = "forward")]
    leg: &'static str,
    /// How it ended, with what decided.
    end: StepBody,
    /// The source address.
    #[schema(example = "10.0.1.10")]
    source_address: String,
    /// The source port; 0 where the protocol has none.
    source_port: u16,
    /// The destination.
    #[schema(example = "10.0.2.9")]
    destination: String,
    /// The destination port; 0 where the protocol has none.
    port: u16,
    /// The protocol.
    #[schema(example = "tcp")]
    protocol: String,
    /// The request; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestBody>,
    /// The steps there; absent without evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    forward: Option<Vec<StepBody>>,
    /// The steps of the answer; absent without evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#return: Option<Vec<StepBody>>,
    /// The port to which it was delivered, if somebody told it how to answer. That changes nothing of how the trace ends: it
    /// judges the network. Absent if nobody did, it was not delivered to an interface, or without evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    told_port: Option<ToldPortBody>,
    /// What would let it through; absent if it was delivered, was not asked for or no set of changes is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<RemedyBody>,
    /// The trace in words; absent if not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The trace as an SVG image; absent if not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
}

/// What would let a flow through: each change was tried on a copy of the world, and none can be left out.
#[derive(Clone, Serialize, ToSchema)]
pub struct RemedyBody {
    /// The changes in an order in which they can be made. None if what is in transition ends by itself and the flow passes
    /// then.
    changes: Vec<ChangeBody>,
}

/// Trace flows: what becomes of a packet, step by step there and back, and which object and rule decided.
///
/// The order is that of the datapath: security groups of the sender, route by longest prefix in the table of its vSwitch,
/// what the next hop does, groups and state of the receiver, and then the way of the answer. A listener of a load balancer
/// asks its forwarding rules with the flow's request. Nothing is written, and each
/// flow is judged on the world as it is at that moment. One flow that cannot be asked about refuses the whole request.
///
/// A trace judges the network: what the port does to which a packet is delivered changes no end, and is told beside it. As an SVG
/// image a single flow is drawn, with the names of objects in place of their ids, and its remedy if that is asked for.
#[utoipa::path(post, path = "/v1/traces", tag = "Trace", params(FormQuery),
    request_body(content = TraceFlowsBody, examples(
        ("interface" = (summary = "From a network interface", value = json!({"flows": [
            {"network_interface_id": "eni-bp16tm3erds1hum36exg", "destination": "10.0.2.9", "protocol": "tcp", "port": 80}],
            "text": true, "remedies": true}))),
        ("pod" = (summary = "From a pod behind a node", value = json!({"flows": [
            {"instance_id": "i-bp14fshsqp65fwoc0qls", "source_address": "172.20.1.5", "destination": "10.0.2.9",
             "protocol": "udp", "port": 53}]}))),
        ("internet" = (summary = "From the internet", value = json!({"flows": [
            {"source_address": "47.96.1.1", "destination": "8.8.8.8", "port": 443}]}))),
        ("request" = (summary = "A request to a listener with forwarding rules", value = json!({"flows": [
            {"source_address": "47.96.1.1", "destination": "198.19.0.1", "port": 80,
             "request": {"host": "shop.example", "path": "/cart/1"}}], "text": true, "remedies": true}))),
        ("batch" = (summary = "Verdicts of many flows", value = json!({"evidence": "none", "flows": [
            {"network_interface_id": "eni-bp16tm3erds1hum36exg", "destination": "10.0.2.9", "port": 80},
            {"network_interface_id": "eni-bp16tm3erds1hum36exg", "destination": "10.0.2.9", "port": 443},
            {"network_interface_id": "eni-bp16tm3erds1hum36exg", "destination": "10.0.2.9", "protocol": "icmp"}]}))))),
    responses((status = 200, description = "What became of them.", content(
        (TracesBody = "application/json"), (String = "image/svg+xml")))))]
async fn trace_flows(
    ctx: Context,
    Query(query): Query<FormQuery>,
    headers: HeaderMap,
    Body(mut body): Body<TraceFlowsBody>,
) -> Result<Response, Problem> {
    check_size(&body)?;
    let drawn = query.form(&headers) == Form::Svg;
    if drawn {
        check_drawn(&body)?;
        body.pictures = true;
    }
    let mut items = answers(&ctx, &body).await?;
    if body.remedies && items.iter().any(|item| !item.trace.ending.delivered()) {
        let copy = ctx.world.read(World::clone).await?;
        let caller = ctx.caller.clone();
        items = aside(move || {
            add_remedies(copy, &caller, &mut items);
            items
        })
        .await?;
    }
    if let Some(picture) = items.iter().find_map(|item| item.picture.as_ref()).filter(|_| drawn) {
        return Ok(form::svg(picture.svg()));
    }
    let delivered = items.iter().filter(|item| item.trace.ending.delivered()).count() as u64;
    let short = items.len() <= SLICE;
    let body = TracesBody { items, delivered };
    // Megabytes are written where they hold nobody up.
    let text = move || serde_json::to_vec(&body);
    let text = if short { text() } else { aside(text).await? }.expect("traces always encode");
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// Does what takes long on a thread of its own.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| EngineError::Panicked(error.to_string()))
}

fn check_size(body: &TraceFlowsBody) -> Outcome<()> {
    let most = if body.remedies || body.pictures { MOST_WITH_REMEDIES } else { MOST_FLOWS };
    if (1..=most).contains(&body.flows.len()) {
        return Ok(());
    }
    Err(Refusal::new(E::InvalidParameter)
        .field("flows")
        .detail(format!("{} flows were given.", body.flows.len()))
        .accepted(format!("1 to {most}")))
}

/// Refuses to answer with one picture of several flows.
fn check_drawn(body: &TraceFlowsBody) -> Outcome<()> {
    if let [_] = body.flows.as_slice() {
        return Ok(());
    }
    Err(Refusal::new(E::InvalidParameter)
        .field("flows")
        .detail(format!("{} flows were given, and an image shows one.", body.flows.len()))
        .accepted("1, or pictures: true and JSON"))
}

/// Traces all flows, slice by slice.
async fn answers(ctx: &Context, body: &TraceFlowsBody) -> Result<Vec<Traced>, Problem> {
    let mut rest = body.flows.iter().enumerate();
    let mut items = Vec::with_capacity(body.flows.len());
    let slice = |w: &World| {
        for (at, flow) in rest.by_ref().take(SLICE) {
            match answer(w, &ctx.caller, flow, body) {
                Ok(item) => items.push(item),
                Err(refusal) => return ControlFlow::Break(Err(at_flow(refusal, at))),
            }
        }
        if rest.len() == 0 {
            ControlFlow::Break(Ok(std::mem::take(&mut items)))
        } else {
            ControlFlow::Continue(())
        }
    };
    Ok(ctx.world.read_in_slices(slice).await??)
}

fn at_flow(refusal: Refusal, at: usize) -> Refusal {
    let field = refusal.details().field.clone();
    refusal.field(field.map_or_else(|| format!("flows/{at}"), |field| format!("flows/{at}/{field}")))
}

fn answer(w: &World, caller: &Caller, flow: &FlowBody, body: &TraceFlowsBody) -> Outcome<Traced> {
    let question = flow.read(w, caller)?.resolve(w, caller)?;
    let trace = if body.evidence == EvidenceBody::None && !body.text && !body.pictures {
        let ending = question.verdict(w);
        Trace { question, forward: Vec::new(), back: Vec::new(), ending }
    } else {
        question.trace(w)
    };
    let text = body.text.then(|| Words::new(w).trace(&trace));
    let asked = trace_steps::rules_asked(w, &trace);
    let picture = body.pictures.then(|| Picture::of(w, caller, &trace));
    let told_port = trace.told_port(w).filter(|_| body.evidence == EvidenceBody::Full);
    let told_port = told_port.as_ref().map(ToldPortBody::new);
    Ok(Traced { trace, evidence: body.evidence, asked, text, remedy: None, told_port, picture })
}

fn add_remedies(copy: World, caller: &Caller, items: &mut [Traced]) {
    let mut search = Search::new(copy.clone(), caller);
    let words = Words::new(&copy);
    for item in items.iter_mut().filter(|item| !item.trace.ending.delivered()) {
        let found = search.find(&item.trace.question);
        if let Some(text) = &mut item.text {
            text.push_str(&words.remedy(found.as_ref()));
        }
        if let Some(picture) = &mut item.picture {
            picture.add_remedy(&copy, caller, found.as_ref());
        }
        item.remedy = found.map(|Remedy { changes }| RemedyBody {
            changes: changes.iter().map(|change| ChangeBody::new(&copy, &words, change)).collect(),
        });
    }
}

impl FlowBody {
    fn read(&self, w: &World, caller: &Caller) -> Outcome<Flow> {
        let address =
            |text: &Option<String>, field| text.as_deref().map(|text| parse_address(text, field)).transpose();
        let source_address = address(&self.source_address, "source_address")?;
        let protocol = self.protocol.as_deref().map_or(Ok(PacketProtocol::Tcp), PacketProtocol::parse)?;
        let destination = parse_address(&self.destination, "destination")?;
        let source = match (&self.network_interface_id, &self.instance_id, source_address) {
            (Some(_), Some(_), _) => {
                return Err(Refusal::new(E::InvalidParameter)
                    .field("instance_id")
                    .detail("instance_id and network_interface_id exclude each other.")
                    .accepted("one of the two"));
            }
            (Some(id), None, address) => Source::Interface(parse_id(id)?, address),
            (None, Some(id), address) => {
                let instance = w.visible::<Instance>(caller, parse_id::<InstanceId>(id)?)?;
                Source::Interface(instance.primary_eni, address)
            }
            (None, None, Some(address)) => Source::Outside(address),
            (None, None, None) => {
                return Err(Refusal::new(E::MissingParameter)
                    .field("network_interface_id")
                    .accepted("network_interface_id, instance_id or source_address"));
            }
        };
        let request = self.request.as_ref();
        let request = request.map(|r| Request::new(r.host.as_deref(), r.path.as_deref())).transpose()?;
        Ok(Flow { source, protocol, source_port: self.source_port, destination, port: self.port, request })
    }
}

impl RequestBody {
    fn of(request: &Request) -> RequestBody {
        let host = Some(request.host()).filter(|host| !host.is_empty());
        RequestBody { host: host.map(str::to_owned), path: Some(request.path().to_owned()) }
    }
}

impl TraceBody {
    fn new(of: &Traced) -> TraceBody {
        let Traced { trace, evidence, asked, text, remedy, told_port, picture } = of;
        let Trace { question, forward, back, ending } = trace;
        let header = question.header;
        let steps = |hops: &[Hop]| {
            (*evidence == EvidenceBody::Full)
                .then(|| hops.iter().map(|hop| StepBody::of_hop(hop, asked.as_ref())).collect())
        };
        TraceBody {
            delivered: ending.delivered(),
            leg: ending.leg.word(),
            end: StepBody::of_disposition(&ending.disposition),
            source_address: header.source.to_string(),
            source_port: header.source_port,
            destination: header.destination.to_string(),
            port: header.port,
            protocol: protocol_word(header.protocol),
            request: question.request.as_ref().map(RequestBody::of),
            forward: steps(forward),
            r#return: steps(back),
            told_port: told_port.clone(),
            remedy: remedy.clone(),
            text: text.clone(),
            picture: picture.as_ref().map(Picture::svg),
        }
    }

    /// Writes traces as each is made, so that no more than one is there at a time: the steps of ten thousand would take a
    /// hundred megabytes.
    fn one_by_one<S: Serializer>(items: &[Traced], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(items.iter().map(TraceBody::new))
    }
}

/// An answer for each end, made and checked by the test `traces`.
const EXAMPLES: &str = include_str!("../../data/trace-examples.json");

/// Gives the document an example of each end.
pub fn describe(document: &mut OpenApi) {
    let examples: BTreeMap<String, Value> =
        serde_json::from_str(EXAMPLES).expect("the examples are written by a test");
    let operation = document.paths.paths.get_mut("/v1/traces").and_then(|item| item.post.as_mut());
    let response = operation.and_then(|operation| operation.responses.responses.get_mut("200"));
    let Some(RefOr::T(response)) = response else { return };
    if let Some(RefOr::T(content)) = response.content.get_mut("application/json") {
        let example = |value| RefOr::T(ExampleBuilder::new().value(Some(value)).build());
        content.examples.extend(examples.into_iter().map(|(name, value)| (name, example(value))));
    }
}
