//! How a port of an instance answers, now and on a schedule in virtual time: what a health check, a trace and a simulated
//! client find there.
//!
//! There is no system inside an instance, so this is told from outside. A port that nothing was told of answers at once,
//! with the HTTP status 200. Whether anything answers at all also hangs on the instance, its interface and outages (see
//! [`crate::ecs::outage`]).

use crate::access::Caller;
use crate::command::Reply;
use crate::ecs::eni::{Eni, EniStatus};
use crate::ecs::eni_address::holder;
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::ecs::outage::{self, Outage, OutageTarget};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{EniId, InstanceId, VpcId};
use crate::table::Row;
use crate::time::{SimTime, Span};
use crate::timer::Due;
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The protocols that have ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortProtocol {
    /// TCP, and HTTP and HTTPS over it.
    Tcp,
    /// UDP.
    Udp,
}

impl PortProtocol {
    /// The word in lower case.
    pub const fn word(self) -> &'static str {
        match self {
            PortProtocol::Tcp => "tcp",
            PortProtocol::Udp => "udp",
        }
    }

    /// Reads the word.
    ///
    /// # Errors
    /// [`ErrorCode::ServicePortInvalid`].
    pub fn parse(text: &str) -> Outcome<PortProtocol> {
        let known = [PortProtocol::Tcp, PortProtocol::Udp].into_iter().find(|known| known.word() == text);
        known.ok_or_else(|| {
            Refusal::new(ErrorCode::ServicePortInvalid).field("protocol").given(text).accepted("tcp or udp")
        })
    }
}

/// How a port answers while its instance works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// It takes connections or datagrams and answers.
    Answers {
        /// How long an answer takes, in milliseconds: 0 to [`MAX_DELAY`].
        after: Span,
        /// The status that it gives over HTTP: 100 to 599.
        status: u16,
    },
    /// Nothing listens: a connection is reset, a datagram is answered by "port unreachable", both at once.
    Refuses,
    /// Whatever comes is dropped.
    Silent,
}

impl Behaviour {
    /// How a port answers that nothing was told of.
    pub const DEFAULT: Behaviour = Behaviour::Answers { after: Span::ZERO, status: 200 };

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Behaviour::Answers { .. } => "answers",
            Behaviour::Refuses => "refuses",
            Behaviour::Silent => "silent",
        }
    }

    fn check(self, field: &str) -> Outcome<()> {
        let Behaviour::Answers { after, status } = self else { return Ok(()) };
        if !(Span::ZERO..=MAX_DELAY).contains(&after) {
            return Err(Refusal::new(ErrorCode::ServiceDelayInvalid)
                .field(format!("{field}after_ms"))
                .detail(format!("{} was given.", after.0))
                .accepted(format!("0 to {}", MAX_DELAY.0)));
        }
        if !(100..=599).contains(&status) {
            return Err(Refusal::new(ErrorCode::ServiceStatusInvalid)
                .field(format!("{field}http_status"))
                .detail(format!("{status} was given."))
                .accepted("100 to 599"));
        }
        Ok(())
    }
}

/// The longest that an answer takes: an hour.
pub const MAX_DELAY: Span = Span(3_600_000);
/// The most changes on the schedule of a port.
pub const MAX_PLANNED: usize = 1_000;

/// A change on the schedule of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedBehaviour {
    /// When, in virtual time.
    pub at: SimTime,
    /// How the port answers from then on.
    pub behaviour: Behaviour,
}

/// How a port of an instance answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePort {
    /// The instance.
    pub instance: InstanceId,
    /// The protocol.
    pub protocol: PortProtocol,
    /// The port.
    pub port: u16,
    /// How it answers now.
    pub behaviour: Behaviour,
    /// How it will answer, in the order of time.
    pub planned: Vec<PlannedBehaviour>,
}

impl Row for ServicePort {
    type Key = (InstanceId, PortProtocol, u16);
    type Index = ();

    fn key(&self) -> Self::Key {
        (self.instance, self.protocol, self.port)
    }
}

/// The ports of an instance that something was told of, TCP before UDP, in order.
pub fn of_instance(w: &World, instance: InstanceId) -> impl Iterator<Item = &ServicePort> {
    let first = (instance, PortProtocol::Tcp, 0);
    w.table::<ServicePort>().range(first..=(instance, PortProtocol::Udp, u16::MAX))
}

/// What somebody finds at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortBehaviour {
    /// The instance works, and the port does this.
    Up(Behaviour),
    /// Nothing comes back, for this reason.
    Down(DownBy),
}

/// Why nothing comes back from an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownBy {
    /// The interface is attached to no instance.
    NotAttached(EniId),
    /// The instance does not run.
    NotRunning(InstanceId),
    /// The interface, the instance or its zone has an outage.
    Outage(crate::id::OutageId),
}

/// What was told of a port of an interface, which is its instance's; absent if nothing was.
pub fn told<'w>(w: &'w World, eni: &Eni, protocol: PortProtocol, port: u16) -> Option<&'w ServicePort> {
    w.get::<ServicePort>(&(eni.instance?, protocol, port))
}

/// What somebody finds at a port of an interface at the present instant. What is on the schedule shows as time passes.
pub fn how_port_answers(w: &World, eni: &Eni, protocol: PortProtocol, port: u16) -> PortBehaviour {
    let Some(instance) = eni.instance.filter(|_| eni.status == EniStatus::InUse) else {
        return PortBehaviour::Down(DownBy::NotAttached(eni.id));
    };
    let running = w.get::<Instance>(&instance).is_some_and(|i| i.status == InstanceStatus::Running);
    if !running {
        return PortBehaviour::Down(DownBy::NotRunning(instance));
    }
    if let Some(outage) = outage::of_interface(w, eni) {
        return PortBehaviour::Down(DownBy::Outage(outage));
    }
    PortBehaviour::Up(told(w, eni, protocol, port).map_or(Behaviour::DEFAULT, |told| told.behaviour))
}

/// What somebody finds at a port of an interface now, and each time that it changes up to `until` by the schedule of the
/// port and by outages. Whatever else may become of the instance is not foreseen.
pub fn how_port_will_answer(
    w: &World,
    eni: &Eni,
    protocol: PortProtocol,
    port: u16,
    until: SimTime,
) -> Vec<(SimTime, PortBehaviour)> {
    let now = w.now();
    let mut found = vec![(now, how_port_answers(w, eni, protocol, port))];
    if let PortBehaviour::Down(DownBy::NotAttached(_) | DownBy::NotRunning(_)) = found[0].1 {
        return found;
    }
    let told = told(w, eni, protocol, port);
    let outages: Vec<&Outage> = outage::foreseen(w, eni).collect();
    let planned = told.iter().flat_map(|told| told.planned.iter().map(|planned| planned.at));
    let edges = outages.iter().flat_map(|outage| [Some(outage.from), outage.until]).flatten();
    let instants: BTreeSet<SimTime> = planned.chain(edges).filter(|&at| now < at && at <= until).collect();
    for at in instants {
        let last = told.and_then(|told| told.planned.iter().take_while(|planned| planned.at <= at).last());
        let behaviour = last.map(|planned| planned.behaviour).or(told.map(|told| told.behaviour));
        let behaviour = PortBehaviour::Up(behaviour.unwrap_or(Behaviour::DEFAULT));
        let down = outages.iter().find(|outage| outage.lasts_at(at));
        let answer = down.map_or(behaviour, |outage| PortBehaviour::Down(DownBy::Outage(outage.id)));
        if found.last().is_none_or(|(_, before)| *before != answer) {
            found.push((at, answer));
        }
    }
    found
}

/// Like [`how_port_answers`], by an address of a VPC; absent if no interface holds it.
pub fn how_address_answers(
    w: &World,
    vpc: VpcId,
    address: IpAddr,
    protocol: PortProtocol,
    port: u16,
) -> Option<PortBehaviour> {
    holder(w, vpc, address).map(|eni| how_port_answers(w, eni, protocol, port))
}

/// Tells how a port answers, from now on and on a schedule. What was told before is forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetServicePort {
    /// The instance.
    pub instance: InstanceId,
    /// The protocol.
    pub protocol: PortProtocol,
    /// The port, from 1.
    pub port: u16,
    /// How it answers now; as it does if absent.
    pub behaviour: Option<Behaviour>,
    /// How it will answer: at most [`MAX_PLANNED`], each after the present and after the one before.
    pub planned: Vec<PlannedBehaviour>,
}

/// Handles [`SetServicePort`].
///
/// # Errors
/// The port, the behaviours and the schedule; an unknown instance.
pub fn set(w: &mut World, caller: &Caller, c: &SetServicePort) -> Outcome<Reply> {
    if c.port == 0 {
        return Err(Refusal::new(ErrorCode::ServicePortInvalid)
            .field("port")
            .detail("0 was given.")
            .accepted("1 to 65535"));
    }
    c.behaviour.map(|behaviour| behaviour.check("")).transpose()?;
    for (at, planned) in c.planned.iter().enumerate() {
        planned.behaviour.check(&format!("schedule/{at}/"))?;
    }
    check_schedule(w.now(), &c.planned)?;
    w.visible::<Instance>(caller, c.instance)?;
    let key = (c.instance, c.protocol, c.port);
    let before = w.get::<ServicePort>(&key).map_or(Behaviour::DEFAULT, |told| told.behaviour);
    drop_schedule(w, key);
    for planned in &c.planned {
        w.schedule(planned.at - w.now(), Due::ServicePort(c.instance, c.protocol, c.port));
    }
    let (instance, protocol, port) = key;
    let behaviour = c.behaviour.unwrap_or(before);
    w.put(ServicePort { instance, protocol, port, behaviour, planned: c.planned.clone() });
    Ok(Reply::Done)
}

fn check_schedule(now: SimTime, planned: &[PlannedBehaviour]) -> Outcome<()> {
    let refuse = |field: String, detail: String, accepted: String| {
        Err(Refusal::new(ErrorCode::ServiceScheduleInvalid).field(field).detail(detail).accepted(accepted))
    };
    if planned.len() > MAX_PLANNED {
        let detail = format!("{} changes were given.", planned.len());
        return refuse("schedule".to_owned(), detail, format!("at most {MAX_PLANNED}"));
    }
    let mut last = now;
    for (at, change) in planned.iter().enumerate() {
        if change.at <= last || change.at > SimTime::MAX {
            let detail = format!("{} is not after {last}.", change.at);
            return refuse(format!("schedule/{at}/at"), detail, format!("an instant after {last}"));
        }
        last = change.at;
    }
    Ok(())
}

/// Takes the timers of a port's schedule back.
fn drop_schedule(w: &mut World, key: (InstanceId, PortProtocol, u16)) {
    if w.get::<ServicePort>(&key).is_some_and(|told| !told.planned.is_empty()) {
        w.unschedule(Due::ServicePort(key.0, key.1, key.2));
    }
}

/// Does what is due on the schedule of a port. A timer of a schedule that was replaced finds nothing due.
pub(crate) fn settle(w: &mut World, key: (InstanceId, PortProtocol, u16)) {
    let now = w.now();
    let due = |told: &ServicePort| told.planned.iter().take_while(|planned| planned.at <= now).count();
    let Some(count) = w.get::<ServicePort>(&key).map(due).filter(|&count| count > 0) else { return };
    w.update::<ServicePort>(&key, |told| {
        told.behaviour = told.planned[count - 1].behaviour;
        told.planned.drain(..count);
    });
}

/// Forgets what was told of a port, so that it answers as one that nothing was told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearServicePort {
    /// The instance.
    pub instance: InstanceId,
    /// The protocol.
    pub protocol: PortProtocol,
    /// The port.
    pub port: u16,
}

/// Handles [`ClearServicePort`].
///
/// # Errors
/// An unknown instance, or a port that nothing was told of.
pub fn clear(w: &mut World, caller: &Caller, c: &ClearServicePort) -> Outcome<Reply> {
    w.visible::<Instance>(caller, c.instance)?;
    let key = (c.instance, c.protocol, c.port);
    if w.get::<ServicePort>(&key).is_none() {
        return Err(Refusal::new(ErrorCode::ServicePortNotFound).field("port").detail(format!(
            "Nothing was told of {}/{} of {}.",
            c.port,
            c.protocol.word(),
            c.instance
        )));
    }
    drop_schedule(w, key);
    w.remove::<ServicePort>(&key);
    Ok(Reply::Done)
}

/// Forgets what was told of an instance that goes.
pub(crate) fn forget(w: &mut World, instance: InstanceId) {
    let keys: Vec<_> = of_instance(w, instance).map(Row::key).collect();
    for key in keys {
        drop_schedule(w, key);
        w.remove::<ServicePort>(&key);
    }
    outage::forget(w, &OutageTarget::Instance(instance));
}
