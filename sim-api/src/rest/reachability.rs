//! Who reaches whom: questions about sets of network interfaces, and about the internet, on the native wire.

use super::common::TagBody;
use super::context::{Body, Context, parse_id};
use super::operations::{Operations, routes};
use super::trace_steps::StepBody;
use crate::engine::EngineError;
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::GiveUp;
use crate::rest::common::parse_list;
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sim_core::datapath::Question;
use sim_core::datapath::reach::{Holder, Reachability, Run, Senders, SetQuestion, Work};
use sim_core::datapath::text::{self, Words};
use sim_core::ecs::eni::Eni;
use sim_core::ecs::group_filter::PacketProtocol;
use sim_core::ecs::instance::Instance;
use sim_core::ecs::security_group::SecurityGroup;
use sim_core::id::{EniId, IdKind, InstanceId, SecurityGroupId, VSwitchId, VpcId};
use sim_core::tag::TagPair;
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vswitch::VSwitch;
use sim_core::{Caller, ErrorCode as E, Outcome, Refusal, World};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use utoipa::ToSchema;

/// What the operation can refuse.
pub const REFUSALS: Refusals = &[(
    "find_reachability",
    &[
        E::InvalidParameter,
        E::VpcNotFound,
        E::EniNotFound,
        E::InstanceNotFound,
        E::SecurityGroupNotFound,
        E::VSwitchNotFound,
    ],
)];

/// The most runs that an answer may list.
const MOST_RUNS: u64 = 2_000_000;
/// How many verdicts are made before the writer is let in.
const SLICE: u64 = 2_000;

/// The operation on sets.
pub fn router() -> Operations {
    Operations::new().routes(routes!(find_reachability))
}

/// Network interfaces of the VPC, or of a peered one; conditions narrow each other down, and without any all are meant.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InterfacesBody {
    /// Those of this VPC, which a peering connection joins to the question's; of the question's if absent.
    #[serde(default)]
    vpc_id: Option<String>,
    /// These.
    #[serde(default)]
    network_interface_ids: Option<Vec<String>>,
    /// Those of an instance.
    #[serde(default)]
    instance_id: Option<String>,
    /// The members of a security group.
    #[serde(default)]
    security_group_id: Option<String>,
    /// Those of a vSwitch.
    #[serde(default)]
    vswitch_id: Option<String>,
    /// Those that carry a tag, or whose instance does.
    #[serde(default)]
    tag: Option<TagBody>,
}

/// Who might send: network interfaces of the VPC as they are told below, or the internet.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendersBody {
    /// Every host on the internet instead of interfaces.
    #[serde(default)]
    internet: bool,
    /// Those of this VPC, which a peering connection joins to the question's; of the question's if absent.
    #[serde(default)]
    vpc_id: Option<String>,
    /// These interfaces.
    #[serde(default)]
    network_interface_ids: Option<Vec<String>>,
    /// Those of an instance.
    #[serde(default)]
    instance_id: Option<String>,
    /// The members of a security group.
    #[serde(default)]
    security_group_id: Option<String>,
    /// Those of a vSwitch.
    #[serde(default)]
    vswitch_id: Option<String>,
    /// Those that carry a tag, or whose instance does.
    #[serde(default)]
    tag: Option<TagBody>,
}

/// Which interfaces are asked about, and by which protocol and port.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReachabilityBody {
    /// The VPC.
    vpc_id: String,
    /// Who might send.
    #[serde(default)]
    #[schema(inline)]
    from: SendersBody,
    /// Who might be reached.
    #[serde(default)]
    #[schema(inline)]
    to: InterfacesBody,
    /// tcp, udp, icmp, icmpv6, gre, or the number of a protocol; tcp if absent.
    #[serde(default)]
    protocol: Option<String>,
    /// The destination port, for tcp and udp; any if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 65535, example = 3306)]
    port: Option<u16>,
    /// The source port, for tcp and udp; as in a trace 49152 if absent. Clients choose theirs anew for each session, and a
    /// network ACL judges answers by it.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 65535, example = 49152)]
    source_port: Option<u16>,
}

/// Addresses that nothing tells apart.
#[derive(Serialize, ToSchema)]
pub struct RunBody {
    /// The interface that holds them, or that stands behind a public one; absent for hosts on the internet.
    #[serde(skip_serializing_if = "Option::is_none")]
    network_interface_id: Option<String>,
    /// The load balancer that has the address: what comes to it goes to the member that it chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    load_balancer_id: Option<String>,
    /// The first address.
    #[schema(example = "10.0.1.10")]
    first_address: String,
    /// The last address.
    #[schema(example = "10.0.1.10")]
    last_address: String,
}

/// Interfaces that reach others: each of the one list each other one of the other.
#[derive(Serialize, ToSchema)]
pub struct ReachedBody {
    /// Who reaches.
    from: Vec<RunBody>,
    /// Whom.
    to: Vec<RunBody>,
    /// On which destination ports, first/last; -1/-1 for a protocol without ports.
    #[schema(example = json!(["3306/3306"]))]
    ports: Vec<String>,
    /// A packet that is delivered.
    #[schema(example = "tcp 10.0.1.10:49152 -> 10.0.2.9:3306")]
    witness: String,
}

/// Interfaces that do not reach others.
#[derive(Serialize, ToSchema)]
pub struct UnreachedBody {
    /// Who does not reach.
    from: Vec<RunBody>,
    /// Whom.
    to: Vec<RunBody>,
    /// A packet that is refused.
    #[schema(example = "tcp 10.0.3.5:49152 -> 10.0.2.9:3306")]
    witness: String,
    /// Where it is refused: forward, or return if the answer is.
    #[schema(example = "forward")]
    leg: &'static str,
    /// Why.
    end: StepBody,
    /// Why, in words.
    #[schema(
        example = "refused on the way there: the groups of eni-bp16tm3erds1hum36exg do not let it in, by the default of normal groups"
    )]
    text: String,
}

/// Who reaches whom: every pair of different interfaces, address by address of one family, stands in one of the two lists.
#[derive(Serialize, ToSchema)]
pub struct ReachabilityAnswer {
    /// Who reaches whom.
    reached: Vec<ReachedBody>,
    /// Who does not, and why: the proof of nobody, if the first list is empty.
    unreached: Vec<UnreachedBody>,
}

/// Find who reaches whom in a VPC, or what the internet can reach: on which ports, with a packet as the witness.
///
/// It is computed on sets of addresses and ports, not by trying packets: interfaces that no rule, route or ACL tells apart
/// are one class, and what holds for one of them holds for all. Packets have one source port, the same that a trace takes, so
/// that both say the same of a pair; `source_port` asks about another one. icmp goes between IPv4 addresses and icmpv6 between
/// IPv6 addresses alone, and other pairs are left out, as is what an interface sends to itself. The answer is that of one
/// instant. From the internet, `to` names the public addresses that lead to interfaces, and load balancers that have them behind
/// listeners: a packet to one goes to the member that it chooses.
#[utoipa::path(post, path = "/v1/reachability", tag = "Trace",
    request_body(content = ReachabilityBody, examples(
        ("database" = (summary = "Who reaches the database?", value = json!({"vpc_id": "vpc-bp13tecdq2pya5n9s4gp",
            "to": {"tag": {"key": "role", "value": "db"}}, "port": 3306}))),
        ("internet" = (summary = "What can the internet reach?", value = json!({"vpc_id": "vpc-bp13tecdq2pya5n9s4gp",
            "from": {"internet": true}}))),
        ("matrix" = (summary = "Everybody to everybody", value = json!({"vpc_id": "vpc-bp13tecdq2pya5n9s4gp"}))))),
    responses((status = 200, description = "Who reaches whom.", body = ReachabilityAnswer)))]
async fn find_reachability(ctx: Context, Body(body): Body<ReachabilityBody>) -> Result<Response, Problem> {
    let mut asked: Option<(Work, u64)> = None;
    let slice = |w: &World| {
        let (mut work, at) = match asked.take() {
            Some(asked) => asked,
            None => match body.read(w, &ctx.caller) {
                Ok(question) => (question.begin(w), w.seq()),
                Err(refusal) => return ControlFlow::Break(Err(refusal)),
            },
        };
        // Somebody wrote: the rest is answered by a copy, which nobody changes.
        if w.seq() != at {
            return ControlFlow::Break(match body.read(w, &ctx.caller) {
                Ok(question) => Ok(Found::Copy(Box::new(w.clone()), question)),
                Err(refusal) => Err(refusal),
            });
        }
        if work.step(w, SLICE) {
            return ControlFlow::Break(end(work, w).map(Found::Answer));
        }
        asked = Some((work, at));
        ControlFlow::Continue(())
    };
    match ctx.world.read_in_slices(slice).await?? {
        Found::Answer(answer) => Ok(Json(answer).into_response()),
        Found::Copy(copy, question) => {
            let given_up = GiveUp::default();
            let seen = given_up.seen();
            let answer = tokio::task::spawn_blocking(move || answer(&copy, &question, &seen)).await;
            Ok(Json(answer.map_err(|error| EngineError::Panicked(error.to_string()))??).into_response())
        }
    }
}

/// What a walk in slices comes to.
enum Found {
    Answer(ReachabilityAnswer),
    /// The world changed meanwhile.
    Copy(Box<World>, SetQuestion),
}

/// Answers a question on a world that nobody changes. Nobody waits for the answer if it was given up.
fn answer(w: &World, question: &SetQuestion, given_up: &AtomicBool) -> Outcome<ReachabilityAnswer> {
    let mut work = question.begin(w);
    while !work.step(w, SLICE) {
        if given_up.load(Ordering::Relaxed) {
            return Ok(ReachabilityAnswer { reached: Vec::new(), unreached: Vec::new() });
        }
    }
    end(work, w)
}

/// The answer, unless it would be too long to be of use.
fn end(work: Work, w: &World) -> Outcome<ReachabilityAnswer> {
    let size = work.size();
    if size > MOST_RUNS {
        return Err(Refusal::new(E::InvalidParameter)
            .field("from")
            .detail(format!("The answer would list {size} runs of addresses, and {MOST_RUNS} are allowed."))
            .accepted("fewer interfaces, or one port"));
    }
    Ok(show(w, &work.end()))
}

impl ReachabilityBody {
    fn read(&self, w: &World, caller: &Caller) -> Outcome<SetQuestion> {
        let protocol = self.protocol.as_deref().map_or(Ok(PacketProtocol::Tcp), PacketProtocol::parse)?;
        if self.port.is_some() && (!protocol.has_ports() || self.port == Some(0)) {
            return Err(Refusal::new(E::InvalidParameter)
                .field("port")
                .detail("A destination port is of TCP and UDP.")
                .accepted("1 to 65535 with tcp or udp"));
        }
        protocol.source_port(self.source_port)?;
        let vpc = parse_id::<VpcId>(&self.vpc_id)?;
        w.visible::<Vpc>(caller, vpc)?;
        let from = self.from.read(w, caller, vpc).map_err(|refusal| within(refusal, "from"))?;
        let to = self.to.read(w, caller, vpc).map_err(|refusal| within(refusal, "to"))?;
        Ok(SetQuestion { vpc, from, to, protocol, port: self.port, source_port: self.source_port })
    }
}

impl SendersBody {
    fn read(&self, w: &World, caller: &Caller, vpc: VpcId) -> Outcome<Senders> {
        let interfaces = InterfacesBody {
            vpc_id: self.vpc_id.clone(),
            network_interface_ids: self.network_interface_ids.clone(),
            instance_id: self.instance_id.clone(),
            security_group_id: self.security_group_id.clone(),
            vswitch_id: self.vswitch_id.clone(),
            tag: self.tag.clone(),
        };
        if !self.internet {
            return interfaces.read(w, caller, vpc).map(Senders::Interfaces);
        }
        if interfaces.narrows() {
            return Err(Refusal::new(E::InvalidParameter)
                .field("internet")
                .detail("The internet has none of this VPC's interfaces.")
                .accepted("internet alone, or interfaces"));
        }
        Ok(Senders::Internet)
    }
}

fn within(refusal: Refusal, side: &str) -> Refusal {
    match refusal.details().field.clone() {
        Some(field) => refusal.field(format!("{side}/{field}")),
        None => refusal,
    }
}

impl InterfacesBody {
    /// Whether it has a condition.
    fn narrows(&self) -> bool {
        self.vpc_id.is_some()
            || self.network_interface_ids.is_some()
            || self.instance_id.is_some()
            || self.security_group_id.is_some()
            || self.vswitch_id.is_some()
            || self.tag.is_some()
    }

    /// The interfaces of the VPC that are meant, or of a peered one.
    fn read(&self, w: &World, caller: &Caller, vpc: VpcId) -> Outcome<Vec<EniId>> {
        let vpc = self.vpc_id.as_deref().map_or(Ok(vpc), parse_id)?;
        w.visible::<Vpc>(caller, vpc)?;
        let all = || w.indexes().enis.by_vpc.of(&vpc).copied();
        let mut chosen: BTreeSet<EniId> = match &self.network_interface_ids {
            Some(ids) => {
                let known = |text: &str| w.visible::<Eni>(caller, parse_id(text)?).map(|eni| eni.id);
                let named = |refusal: Refusal| refusal.field("network_interface_ids");
                let ids: Vec<EniId> = parse_list(ids, |text| known(text).map_err(named))?;
                all().filter(|id| ids.contains(id)).collect()
            }
            None => all().collect(),
        };
        let of_instance = |id: &EniId| -> Option<InstanceId> { w.get::<Eni>(id)?.instance };
        if let Some(instance) = &self.instance_id {
            let instance = parse_id::<InstanceId>(instance)?;
            w.visible::<Instance>(caller, instance)?;
            chosen.retain(|id| of_instance(id) == Some(instance));
        }
        if let Some(group) = &self.security_group_id {
            let group = parse_id::<SecurityGroupId>(group)?;
            w.visible::<SecurityGroup>(caller, group)?;
            chosen.retain(|id| w.indexes().enis.by_group.contains(&group, id));
        }
        if let Some(vswitch) = &self.vswitch_id {
            let vswitch = parse_id::<VSwitchId>(vswitch)?;
            w.visible::<VSwitch>(caller, vswitch)?;
            chosen.retain(|id| w.indexes().enis.by_vswitch.contains(&vswitch, id));
        }
        if let Some(tag) = &self.tag {
            let tag = TagPair { key: tag.key.as_str().into(), value: tag.value.as_str().into() };
            let tagged = |kind| w.indexes().tags.tagged(caller, kind, &tag);
            let (enis, instances) = (tagged(IdKind::Eni), tagged(IdKind::Instance));
            chosen.retain(|id| {
                enis.contains(&(*id).into())
                    || of_instance(id).is_some_and(|instance| instances.contains(&instance.into()))
            });
        }
        Ok(chosen.into_iter().collect())
    }
}

impl RunBody {
    fn new(run: &Run) -> RunBody {
        let (network_interface_id, load_balancer_id) = match run.holder {
            Holder::Interface(eni) => (Some(eni.to_string()), None),
            Holder::LoadBalancer(balancer) => (None, Some(balancer.to_string())),
            Holder::Internet => (None, None),
        };
        RunBody {
            network_interface_id,
            load_balancer_id,
            first_address: run.first.to_string(),
            last_address: run.last.to_string(),
        }
    }
}

fn show(w: &World, answer: &Reachability) -> ReachabilityAnswer {
    let words = Words::new(w);
    let runs = |runs: &[Run]| runs.iter().map(RunBody::new).collect();
    let witness = |question: &Question| text::header(&question.header);
    let reached = answer.reached.iter().map(|reached| ReachedBody {
        from: runs(&reached.from),
        to: runs(&reached.to),
        ports: reached
            .ports
            .iter()
            .map(|range| match range.first {
                0 => "-1/-1".to_owned(),
                first => format!("{first}/{}", range.last),
            })
            .collect(),
        witness: witness(&reached.witness),
    });
    let unreached = answer.unreached.iter().map(|unreached| UnreachedBody {
        from: runs(&unreached.from),
        to: runs(&unreached.to),
        witness: witness(&unreached.witness),
        leg: unreached.ending.leg.word(),
        end: StepBody::of_disposition(&unreached.ending.disposition),
        text: words.ending(&unreached.ending),
    });
    ReachabilityAnswer { reached: reached.collect(), unreached: unreached.collect() }
}
