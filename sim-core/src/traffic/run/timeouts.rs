//! Connections that do not simply end: those whose client is silent for too long, and requests that take too long.
//!
//! A TCP listener forgets a connection without packets after its established_timeout; an HTTP or HTTPS listener closes one
//! without requests after its idle_timeout, and answers 504 for a backend that does not answer within its request_timeout
//! (provider documentation: CreateLoadBalancerTCPListener, CreateLoadBalancerHTTPListener). Chosen here, where nothing is
//! published: the request after a TCP connection was forgotten is answered with a reset; a flow over UDP is forgotten after the
//! 300 s of the Linux virtual server; over UDP and HTTP the next request comes by a new flow or connection; each request over
//! HTTP is scheduled by itself, and nothing is open at a backend between two.

use super::super::length::Length;
use super::super::plan::ListenerPlan;
use super::super::report::Cause;
use super::super::scenario::Answers;
use super::counts::Whose;
use super::{Call, End, Run};
use crate::slb::listener::Protocol;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What becomes of a connection that does not simply end; at one instant in this order. A connection that was cut meanwhile
/// belongs to an earlier life of its member, and nothing more becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// Its backend has not answered in time.
    TimedOut { member: u16, life: u32, crowd: u16 },
    /// Nothing of it is open any more, and its next request comes `again`; `left` is how long it goes on then.
    Left { member: u16, life: u32, again: u64, call: Call, left: u64 },
    /// The next request over TCP, which is forgotten.
    Reset { member: u16, crowd: u16 },
    /// The next request over UDP or HTTP, and whether it comes by a new flow or connection.
    Again { call: Call, left: u64, anew: bool },
}

/// Connections with which a listener will lose patience.
#[derive(Default)]
pub(super) struct Timeouts {
    waiting: BinaryHeap<Reverse<(u64, Fate)>>,
    /// Connections that are between two requests, with nothing open.
    pub between: u64,
    /// Connections that came by a new connection or flow after they were idle for too long.
    pub reopened: u64,
}

impl ListenerPlan {
    /// Whether a backend that answers so is given up before it does.
    pub(super) fn loses_patience(&self, answers: Answers) -> bool {
        matches!((answers, self.answer), (Answers::After(after), Some(most)) if Length(after).us() > most)
    }
}

impl Timeouts {
    /// When something becomes of a connection next.
    pub fn next(&self) -> Option<u64> {
        self.waiting.peek().map(|Reverse((when, _))| *when)
    }

    fn wait(&mut self, when: u64, fate: Fate) {
        self.waiting.push(Reverse((when, fate)));
    }
}

impl Run<'_> {
    /// A connection that is open from now on, for so long if nothing comes between.
    pub(super) fn let_go_on(&mut self, call: Call, place: usize, at: u64, length: u64) {
        let (member, life, crowd) = (place as u16, self.members[place].life, call.crowd);
        let spec = &self.plan.members[place];
        let listener = self.plan.listener_of(spec.serving as usize);
        let answers = self.backends[spec.backend as usize].answers;
        if let Some(answer) = listener.answer.filter(|_| listener.loses_patience(answers)) {
            return self.timeouts.wait(at + answer, Fate::TimedOut { member, life, crowd });
        }
        let interval = self.plan.crowds[usize::from(crowd)].clients.interval.map(Length::us);
        // How long clients are silent makes a difference over HTTP, and where the connection is forgotten.
        let http = listener.protocol.is_http();
        let Some(interval) = interval.filter(|interval| http || *interval > listener.idle) else {
            return self.ends.add(End { when: at + length, member, crowd, life });
        };
        let after = match answers {
            Answers::After(after) => Length(after).us(),
            Answers::Refuses | Answers::Silent => 0,
        };
        // How long something of it is open: until the answer is there, or until it is forgotten.
        let open = if http { after.min(interval) } else { listener.idle };
        if interval > length {
            return self.ends.add(End { when: at + length.min(open), member, crowd, life });
        }
        let fate = Fate::Left { member, life, again: at + interval, call, left: length - interval };
        self.timeouts.wait(at + open, fate);
    }

    /// What becomes of the next connection whose time has come.
    pub(super) fn meet_fate(&mut self) {
        let Some(Reverse((when, fate))) = self.timeouts.waiting.pop() else { return };
        match fate {
            Fate::TimedOut { member, life, crowd } => {
                if self.close(member.into(), crowd.into(), life) {
                    self.counts.fail(when, self.whose(member, crowd), Cause::RequestTimeout, 1);
                }
            }
            Fate::Left { member, life, again, call, left } => {
                if self.close(member.into(), call.crowd.into(), life) {
                    self.timeouts.between += 1;
                    let serving = self.plan.members[usize::from(member)].serving;
                    let listener = self.plan.listener_of(serving as usize);
                    let next = match listener.protocol {
                        Protocol::Tcp => Fate::Reset { member, crowd: call.crowd },
                        // A flow over UDP was open until it was forgotten.
                        Protocol::Udp => Fate::Again { call, left, anew: true },
                        _ => Fate::Again { call, left, anew: again - when > listener.idle },
                    };
                    self.timeouts.wait(again, next);
                }
            }
            Fate::Reset { member, crowd } => {
                self.timeouts.between -= 1;
                self.counts.fail(when, self.whose(member, crowd), Cause::IdleTimeout, 1);
            }
            Fate::Again { call, left, anew } => {
                self.timeouts.between -= 1;
                self.timeouts.reopened += u64::from(anew);
                self.connect(call, when, left);
            }
        }
    }

    fn whose(&self, member: u16, crowd: u16) -> Whose {
        let member = usize::from(member);
        let serving = self.plan.members[member].serving as usize;
        Whose { crowd: crowd.into(), serving, member: Some(member) }
    }
}
