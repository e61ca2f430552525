//! Who reaches whom: questions about sets of interfaces and ports.
//!
//! The answer is computed on sets, not by trying packets: what judges a packet looks at blocks, ranges of ports, groups
//! and states, and cannot tell two packets apart that lie on the same side of every block and range and whose interfaces
//! are alike in the rest. So interfaces and ports fall into classes, and one packet stands for all of its class. A class
//! that reaches another comes with such a packet as its witness, and one that does not with the end of such a packet as
//! the reason.
//!
//! Clients choose their source port by themselves, and an answer is judged by it: a network ACL that lets some source ports
//! alone back lets few sessions through. So one source port is asked about, the one that a trace takes if none is given.

mod cuts;
mod internet;

use super::flow::{Header, Question, goes_by};
use super::hop::{Disposition, Ending, Place};
use super::trace::Judge;
use crate::ecs::group_filter::PacketProtocol;
use crate::ecs::security_group_rule::PortRange;
use crate::id::{EniId, LoadBalancerId, VpcId};
use crate::world::World;
use cuts::{Cuts, PortClasses};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// A question about sets of interfaces of one VPC: which of some senders reach which of others by a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetQuestion {
    /// The VPC.
    pub vpc: VpcId,
    /// Who might send.
    pub from: Senders,
    /// Who might be reached.
    pub to: Vec<EniId>,
    /// By which protocol.
    pub protocol: PacketProtocol,
    /// On which destination port, for TCP and UDP; any if absent.
    pub port: Option<u16>,
    /// From which source port, for TCP and UDP; as in a [`super::Flow`] the first dynamic one, 49152, if absent.
    pub source_port: Option<u16>,
}

/// Who might send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Senders {
    /// These interfaces of the VPC.
    Interfaces(Vec<EniId>),
    /// Any host on the internet: every public address that nothing of this world holds.
    Internet,
}

/// Whose addresses they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// An interface that holds them or, if they are public, stands behind them.
    Interface(EniId),
    /// A load balancer: what comes to it is delivered to the member that it chooses.
    LoadBalancer(LoadBalancerId),
    /// Hosts on the internet.
    Internet,
}

/// Addresses that nothing tells apart: from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// Whose they are.
    pub holder: Holder,
    /// The first address.
    pub first: IpAddr,
    /// The last address.
    pub last: IpAddr,
}

/// Who reaches others. Each pair of different interfaces of the two sets does, and each pair of a host on the internet and an
/// interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Who reaches.
    pub from: Vec<Run>,
    /// Whom.
    pub to: Vec<Run>,
    /// On which destination ports, ascending and apart; one of 0 for a protocol without ports.
    pub ports: Vec<PortRange>,
    /// A packet that is delivered.
    pub witness: Question,
}

/// Who does not reach others on any port that was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached {
    /// Who does not reach.
    pub from: Vec<Run>,
    /// Whom.
    pub to: Vec<Run>,
    /// A packet that is refused.
    pub witness: Question,
    /// Why.
    pub ending: Ending,
}

/// The answer: every pair of different interfaces and of addresses of one family that the protocol goes by stands in one of
/// the two lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reachability {
    /// Who reaches whom.
    pub reached: Vec<Reached>,
    /// Who does not.
    pub unreached: Vec<Unreached>,
}

/// Senders or receivers that nothing tells apart.
#[derive(Clone, Debug)]
struct Side {
    v4: bool,
    runs: Arc<[Run]>,
}

/// What came of classes of senders and a receiver.
struct Outcome {
    /// On which destination ports they reach it; none if they do not.
    ports: Vec<PortRange>,
    /// A packet that does, or one that is refused, and how it ends.
    witness: (Question, Ending),
    senders: Vec<usize>,
}

/// An answer that is being worked out. It holds nothing of the world, and is that of the world as long as that does not
/// change.
pub struct Work {
    protocol: PacketProtocol,
    from: Vec<Side>,
    to: Vec<Side>,
    ports: PortClasses,
    /// The receiver that comes next.
    next: usize,
    reached: BTreeMap<Way, Found>,
    unreached: Vec<(Vec<usize>, usize, Question, Ending)>,
}

/// Classes of senders, and the ports on which they reach somebody.
type Way = (Vec<usize>, Vec<PortRange>);

/// Whom: classes of receivers that the same reach in the same way, with a witness.
type Found = (Question, Vec<usize>);

/// How many of a receiver's outcomes a new one is compared with: senders that are alike seldom stand far apart.
const COMPARED: usize = 16;

impl SetQuestion {
    /// Answers the question.
    pub fn answer(&self, w: &World) -> Reachability {
        let mut work = self.begin(w);
        while !work.step(w, u64::MAX) {}
        work.end()
    }

    /// Begins to work out the answer: everything falls into classes.
    pub fn begin(&self, w: &World) -> Work {
        let (from, to, ports) = match &self.from {
            Senders::Interfaces(from) => {
                let cuts = Cuts::between(w, self.vpc, from, &self.to, self.protocol);
                (cuts.senders(w, from), cuts.receivers(w, &self.to), cuts.ports(self))
            }
            Senders::Internet => internet::sides(w, self),
        };
        let protocol = self.protocol;
        let carried = |sides: Vec<Side>| -> Vec<Side> {
            sides.into_iter().filter(|side| goes_by(protocol, side.v4)).collect()
        };
        let (from, to) = (carried(from), carried(to));
        Work { protocol, from, to, ports, next: 0, reached: BTreeMap::new(), unreached: Vec::new() }
    }
}

impl Work {
    /// Works on for some `verdicts`, and a few more to come to an end with a receiver; true once all is done.
    pub fn step(&mut self, w: &World, verdicts: u64) -> bool {
        let (mut spent, mut judge) = (0, Judge::new(w));
        while self.next < self.to.len() && spent < verdicts {
            spent += self.judge(&mut judge, self.next);
            self.next += 1;
        }
        self.next == self.to.len()
    }

    /// Who reaches a receiver; how many verdicts it took.
    fn judge(&mut self, judge: &mut Judge<'_>, receiver: usize) -> u64 {
        let to = self.to[receiver].clone();
        let (mut spent, mut open) = (0, Vec::new());
        let mut outcomes: Vec<Outcome> = Vec::new();
        for (sender, from) in self.from.iter().enumerate().filter(|(_, from)| from.v4 == to.v4) {
            let Some((s, r)) = apart(&from.runs, &to.runs) else { continue };
            let Some(from) = s.holder.sends() else { continue };
            let header = Header {
                protocol: self.protocol,
                source: s.first,
                source_port: self.ports.source_port,
                destination: r.first,
                port: 0,
            };
            let mut question = Question { from, header, request: None };
            let Some((header, ending)) = self.ask(judge, r, &mut question, &mut open, &mut spent) else {
                continue;
            };
            match outcomes.iter_mut().rev().take(COMPARED).find(|other| other.is_like(&open, &ending)) {
                Some(same) => same.senders.push(sender),
                None => {
                    let witness = (Question { header, ..question }, ending);
                    outcomes.push(Outcome { ports: open.clone(), witness, senders: vec![sender] });
                }
            }
        }
        for Outcome { ports, witness: (witness, ending), senders } in outcomes {
            if ports.is_empty() {
                self.unreached.push((senders, receiver, witness, ending));
            } else {
                self.reached.entry((senders, ports)).or_insert((witness, Vec::new())).1.push(receiver);
            }
        }
        spent
    }

    /// Finds the ports on which packets reach a run, and a packet that does or, if there is none, one that is refused; nothing
    /// if there is no port to ask about.
    fn ask(
        &self,
        judge: &mut Judge<'_>,
        to: Run,
        question: &mut Question,
        open: &mut Vec<PortRange>,
        spent: &mut u64,
    ) -> Option<(Header, Ending)> {
        open.clear();
        let (mut witness, mut refused) = (None, None);
        let alone = self.ports.ports.len() == 1;
        for range in &self.ports.ports {
            question.header.port = range.first;
            let ending = if alone { judge.once(question) } else { judge.verdict(question) };
            *spent += 1;
            if !to.holder.is_reached(ending.disposition) {
                refused.get_or_insert((question.header, ending));
                continue;
            }
            witness.get_or_insert((question.header, ending));
            match open.last_mut() {
                Some(last) if last.last + 1 == range.first => last.last = range.last,
                _ => open.push(*range),
            }
        }
        witness.or(refused)
    }

    /// How many runs the answer will list.
    pub fn size(&self) -> u64 {
        let of = |sides: &[Side], which: &[usize]| -> u64 {
            which.iter().map(|&side| sides[side].runs.len() as u64).sum()
        };
        let reached = self.reached.iter().map(|((from, _), (_, to))| of(&self.from, from) + of(&self.to, to));
        let unreached =
            self.unreached.iter().map(|(from, to, ..)| of(&self.from, from) + of(&self.to, &[*to]));
        reached.chain(unreached).sum()
    }

    /// The answer, once all is done.
    pub fn end(self) -> Reachability {
        let runs = |sides: &[Side], which: &[usize]| -> Vec<Run> {
            which.iter().flat_map(|&side| sides[side].runs.iter().copied()).collect()
        };
        let reached = self.reached.into_iter().map(|((from, ports), (witness, to))| Reached {
            from: runs(&self.from, &from),
            to: runs(&self.to, &to),
            ports,
            witness,
        });
        let unreached = self.unreached.into_iter().map(|(from, to, witness, ending)| Unreached {
            from: runs(&self.from, &from),
            to: runs(&self.to, &[to]),
            witness,
            ending,
        });
        Reachability { reached: reached.collect(), unreached: unreached.collect() }
    }
}

impl Holder {
    /// Where its packets start; a load balancer asks for nothing.
    fn sends(self) -> Option<Place> {
        match self {
            Holder::Interface(eni) => Some(Place::Interface(eni)),
            Holder::Internet => Some(Place::Internet),
            Holder::LoadBalancer(_) => None,
        }
    }

    /// Whether a packet that ended so has reached it.
    fn is_reached(self, end: Disposition) -> bool {
        match self {
            Holder::Interface(eni) => end == Disposition::Delivered(Place::Interface(eni)),
            Holder::LoadBalancer(_) => matches!(end, Disposition::Delivered(Place::Interface(_))),
            Holder::Internet => false,
        }
    }
}

impl Outcome {
    /// Whether the same comes of another sender, but for the packet that shows it.
    fn is_like(&self, ports: &[PortRange], ending: &Ending) -> bool {
        self.ports == ports && (!ports.is_empty() || self.witness.1 == *ending)
    }
}

/// Two runs that are not of one interface.
fn apart(from: &[Run], to: &[Run]) -> Option<(Run, Run)> {
    from.iter().find_map(|s| to.iter().find(|r| r.holder != s.holder).map(|r| (*s, *r)))
}

impl Reachability {
    /// Why whoever does not reach does not, with how many senders each reason stops: the proof behind "nobody".
    pub fn reasons(&self) -> Vec<(Disposition, u64)> {
        /// An interface counts once, whatever its addresses.
        type Sender = (Holder, Option<IpAddr>);
        let sender = |run: &Run| -> Sender {
            (run.holder, Some(run.first).filter(|_| run.holder == Holder::Internet))
        };
        let mut reasons: Vec<(Disposition, BTreeSet<Sender>)> = Vec::new();
        for unreached in &self.unreached {
            let reason = unreached.ending.disposition;
            let senders = unreached.from.iter().map(sender);
            match reasons.iter_mut().find(|(other, _)| *other == reason) {
                Some((_, stopped)) => stopped.extend(senders),
                None => reasons.push((reason, senders.collect())),
            }
        }
        reasons.into_iter().map(|(reason, stopped)| (reason, stopped.len() as u64)).collect()
    }
}
