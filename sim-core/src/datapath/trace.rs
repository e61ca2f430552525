//! The way of a packet there and of its answer back. `docs/datapath.md` has the order and an example of each end.

use super::balancer::{self, BalancerSession};
use super::flow::{Flow, Header, Question};
use super::hop::{Disposition, Ending, Hop, Leg, NatEntryId, Place};
use super::met::Met;
use super::request::Request;
use super::sink::{Forget, Keep, Sink};
use super::way::{Ends, Listen, Way, Ways};
use super::{internet, routing};
use crate::access::Caller;
use crate::ecs::security_group_rule::Direction;
use crate::error::Outcome;
use crate::id::{EipId, ForwardEntryId, NatGatewayId, RouterInterfaceId, SnatEntryId, VpcId};
use crate::vpc::resident::Resident;
use crate::world::World;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What became of a packet, with every step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// What was asked.
    pub question: Question,
    /// The steps there.
    pub forward: Vec<Hop>,
    /// The steps of the answer.
    pub back: Vec<Hop>,
    /// How it ends.
    pub ending: Ending,
}

/// Follows a flow.
///
/// # Errors
/// Those of [`Flow::resolve`].
pub fn trace(w: &World, caller: &Caller, flow: &Flow) -> Outcome<Trace> {
    Ok(flow.resolve(w, caller)?.trace(w))
}

/// Like [`trace`], without the steps.
///
/// # Errors
/// Those of [`Flow::resolve`].
pub fn verdict(w: &World, caller: &Caller, flow: &Flow) -> Outcome<Ending> {
    Ok(flow.resolve(w, caller)?.verdict(w))
}

impl Question {
    /// Follows the packet and its answer.
    pub fn trace(&self, w: &World) -> Trace {
        let mut walk = Walk::new(w, Keep::default());
        let ending = walk.there_and_back(self);
        let Keep { forward, back } = walk.sink;
        Trace { question: self.clone(), forward, back, ending }
    }

    /// Like [`Question::trace`], without the steps.
    pub fn verdict(&self, w: &World) -> Ending {
        Walk::new(w, Forget).there_and_back(self)
    }
}

/// Judges many packets of one world: what one of them meets is known to the next.
pub struct Judge<'w> {
    walk: Walk<'w, Listen>,
    ways: Ways<'w>,
}

impl<'w> Judge<'w> {
    /// Knows nothing yet.
    pub fn new(w: &'w World) -> Judge<'w> {
        Judge { walk: Walk::new(w, Listen::default()), ways: Ways::default() }
    }

    /// Like [`Question::verdict`].
    pub fn verdict(&mut self, question: &Question) -> Ending {
        let Judge { walk, ways } = self;
        let ends = Ends::of(question);
        let again = match ways.find(&ends) {
            Some(Some(way)) => return way.judge(walk.w, &mut walk.met, &question.header),
            known => known.is_some(),
        };
        // Most are not asked about again: the second packet is listened to.
        walk.sink.begin(again);
        let ending = walk.there_and_back(question);
        if !again {
            ways.keep(ends, None);
        } else if let Some(way) = Way::heard(&walk.sink, ending, walk.w, &mut walk.met) {
            ways.keep(ends, Some(way));
        }
        ending
    }

    /// Like [`Judge::verdict`], where no other packet between the same two addresses is to come: nothing is kept of its way.
    pub fn once(&mut self, question: &Question) -> Ending {
        self.walk.sink.begin(false);
        self.walk.there_and_back(question)
    }
}

/// A packet under way.
pub(super) struct Walk<'w, S> {
    pub w: &'w World,
    pub leg: Leg,
    /// Where the first packet started.
    pub sender: Place,
    /// What is asked for over HTTP on the connection.
    request: Option<Request>,
    /// The sessions that security groups have let through on the way there: whose, and which way.
    pub sessions: Vec<(Place, Direction)>,
    /// The session that a NAT gateway keeps for the answer, if the packet left by an SNAT entry.
    pub snat: Option<SnatSession>,
    /// The session that a NAT gateway keeps for the answer, if the packet came in by a DNAT entry.
    pub dnat: Option<DnatSession>,
    /// The address whose session the IPv6 gateway of its VPC has let out on the way there.
    pub left6: Option<Ipv6Addr>,
    /// The session that a load balancer keeps for the answer, if the packet came by one.
    pub balanced: Option<BalancerSession>,
    /// The router interfaces that the packet has crossed on this leg.
    pub crossed: Vec<RouterInterfaceId>,
    /// What was looked up on the way.
    pub met: Met<'w>,
    /// The header as it is since it was last translated on this leg.
    translated: Option<Header>,
    sink: S,
}

/// What a NAT gateway knows of a session that left by it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SnatSession {
    /// The entry that made it.
    pub entry: SnatEntryId,
    /// The public address that it uses.
    pub eip: EipId,
    /// The VPC.
    pub vpc: VpcId,
    /// The private address that it stands for.
    pub private: Ipv4Addr,
}

/// What a NAT gateway knows of a session that came in by it.
#[derive(Clone, Copy, Debug)]
pub(super) struct DnatSession {
    /// The entry that made it.
    pub entry: ForwardEntryId,
    /// The gateway.
    pub gateway: NatGatewayId,
    /// The public address that it uses.
    pub eip: EipId,
    /// The port of that address.
    pub port: u16,
    /// The private address and port where it leads.
    pub private: (Ipv4Addr, u16),
}

/// A step's end: the way goes on with a value, or ends.
pub(super) type Step<T> = Result<T, Disposition>;

impl<'w, S: Sink> Walk<'w, S> {
    fn new(w: &'w World, sink: S) -> Walk<'w, S> {
        Walk {
            w,
            leg: Leg::Forward,
            sender: Place::Internet,
            request: None,
            sessions: Vec::new(),
            snat: None,
            dnat: None,
            left6: None,
            balanced: None,
            crossed: Vec::new(),
            met: Met::default(),
            translated: None,
            sink,
        }
    }

    /// What the packet asks for; an answer asks for nothing.
    pub(super) fn request(&self) -> Option<&Request> {
        self.request.as_ref().filter(|_| self.leg == Leg::Forward)
    }

    pub(super) fn step(&mut self, hop: impl FnOnce() -> Hop) {
        self.sink.step(self.leg, hop);
    }

    /// The packet goes on with another header.
    pub(super) fn translate(&mut self, eip: EipId, by: Option<NatEntryId>, header: Header) {
        self.pass_on(header, |header| Hop::Translated { eip, by, header });
    }

    /// The packet goes on with another header, by this step.
    pub(super) fn pass_on(&mut self, header: Header, hop: impl FnOnce(Header) -> Hop) {
        self.translated = Some(header);
        self.step(|| hop(header));
    }

    /// Whether a packet is the answer of a session that these groups have let through the other way.
    pub(super) fn answers_session(&self, member: Place, direction: Direction) -> bool {
        let opposite = match direction {
            Direction::Ingress => Direction::Egress,
            Direction::Egress => Direction::Ingress,
        };
        self.leg == Leg::Return && self.sessions.contains(&(member, opposite))
    }

    fn there_and_back(&mut self, question: &Question) -> Ending {
        (self.leg, self.sender) = (Leg::Forward, question.from);
        self.request.clone_from(&question.request);
        self.sessions.clear();
        (self.snat, self.dnat, self.left6, self.balanced, self.translated) = (None, None, None, None, None);
        let disposition = self.both_legs(question).map_or_else(|end| end, Disposition::Delivered);
        Ending { leg: self.leg, disposition }
    }

    fn both_legs(&mut self, question: &Question) -> Step<Place> {
        let Question { from, header, .. } = *question;
        let to = self.travel(from, from, &header)?;
        self.leg = Leg::Return;
        // The answer is to the packet as it arrived.
        let reply = self.translated.take().unwrap_or(header).reply();
        let back = self.travel(to, from, &reply)?;
        if back != from {
            return Err(Disposition::AnswerAstray { place: back });
        }
        // Whoever asked waits for an answer of whom it asked.
        let answer = self.translated.take().unwrap_or(reply);
        if answer.source != header.destination || answer.source_port != header.port {
            return Err(Disposition::AnswerForeign { address: answer.source, port: answer.source_port });
        }
        Ok(to)
    }

    fn vpc_of(&mut self, place: Place) -> Option<VpcId> {
        match place {
            Place::Interface(id) | Place::Behind(id) => self.met.host(self.w, id).map(|host| host.eni.vpc),
            Place::Resident(id) => self.w.get::<Resident>(&id).map(|resident| resident.vpc),
            Place::CloudService | Place::Internet => None,
        }
    }

    /// One leg: from a place to wherever the packet ends; `asked` is where the question came from.
    fn travel(&mut self, from: Place, asked: Place, header: &Header) -> Step<Place> {
        self.crossed.clear();
        self.step(|| Hop::Sent { place: from, header: *header });
        if let Some(session) = balancer::session(self, from) {
            return balancer::back(self, session);
        }
        match from {
            Place::Interface(id) | Place::Behind(id) => {
                let host = self.met.host(self.w, id).expect("the sender was looked up in this world");
                routing::from_interface(self, &host, header)
            }
            Place::Resident(id) => {
                let resident = self.w.get::<Resident>(&id).expect("the packet arrived there in this world");
                routing::from_resident(self, resident, header)
            }
            // It is in no VPC: its packets go to the other side's.
            Place::CloudService => match self.vpc_of(asked) {
                Some(vpc) => routing::from_outside(self, vpc, header),
                None => internet::enter(self, header),
            },
            Place::Internet => internet::enter(self, header),
        }
    }
}
