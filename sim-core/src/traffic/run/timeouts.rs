//! Connections that do not simply end: those whose client is silent for too long, and requests that take too long.
//!
//! A TCP listener forgets a connection without packets after its established_timeout; an HTTP or HTTPS listener closes one
//! without requests after its idle_timeout, and answers 504 for a backend that does not answer within its request_timeout
//! (provider documentation: CreateLoadBalancerTCPListener, CreateLoadBalancerHTTPListener). Chosen here, where nothing is
//! published: the request after a TCP connection was forgotten is answered with a reset; a flow over UDP is forgotten after the
//! 300 s of the Linux virtual server; over UDP and HTTP the next request comes by a new flow or connection; each request over
//! HTTP is scheduled by itself, and nothing is open at a backend between two.

use super::super::length::Length;
use super::super::report::Cause;
use super::super::scenario::{Answers, Scenario};
use super::{End, Run};
use crate::slb::listener::Protocol;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What becomes of a connection that does not simply end; at one instant in this order. A connection that was cut meanwhile
/// belongs to an earlier life of its backend, and nothing more becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// Its backend has not answered in time.
    TimedOut { backend: u32, life: u32 },
    /// Nothing of it is open any more, and its next request comes `again`; `n` is its number, `left` how long it goes on then.
    Left { backend: u32, life: u32, again: u64, n: u64, left: u64 },
    /// The next request over TCP, which is forgotten.
    Reset { backend: u32 },
    /// The next request over UDP or HTTP, and whether it comes by a new flow or connection.
    Again { n: u64, left: u64, anew: bool },
}

/// When a listener loses patience, and the connections with which it will.
pub(super) struct Timeouts {
    protocol: Protocol,
    /// How long a connection without packets is remembered.
    idle: u64,
    /// How long the answer to a request may take, over HTTP.
    answer: Option<u64>,
    /// How long clients are silent between two requests, if that makes a difference.
    interval: Option<u64>,
    waiting: BinaryHeap<Reverse<(u64, Fate)>>,
    /// Connections that are between two requests, with nothing open.
    pub between: u64,
    /// Connections that came by a new connection or flow after they were idle for too long.
    pub reopened: u64,
}

impl Timeouts {
    pub fn new(scenario: &Scenario) -> Timeouts {
        let protocol = scenario.listener.protocol;
        let idle = scenario.listener.idle_timeout().us();
        let interval = scenario.clients.interval.map(|interval| interval.us());
        Timeouts {
            protocol,
            idle,
            answer: scenario.listener.request_timeout().map(|timeout| timeout.us()),
            interval: interval.filter(|interval| protocol.is_http() || *interval > idle),
            waiting: BinaryHeap::new(),
            between: 0,
            reopened: 0,
        }
    }

    /// Whether a backend that answers so is given up before it does.
    pub fn loses_patience(&self, answers: Answers) -> bool {
        matches!((answers, self.answer), (Answers::After(after), Some(most)) if Length(after).us() > most)
    }

    /// When something becomes of a connection next.
    pub fn next(&self) -> Option<u64> {
        self.waiting.peek().map(|Reverse((when, _))| *when)
    }
}

impl Run<'_> {
    /// A connection that is open from now on, for so long if nothing comes between.
    pub(super) fn let_go_on(&mut self, place: usize, n: u64, at: u64, length: u64) {
        let (backend, life) = (place as u32, self.backends[place].life);
        let Timeouts { protocol, idle, answer, interval, .. } = self.timeouts;
        let answers = self.backends[place].spec.answers;
        if let Some(answer) = answer.filter(|_| self.timeouts.loses_patience(answers)) {
            return self.timeouts.waiting.push(Reverse((at + answer, Fate::TimedOut { backend, life })));
        }
        let Some(interval) = interval else { return self.ends.add(End { when: at + length, backend, life }) };
        let after = match answers {
            Answers::After(after) => Length(after).us(),
            Answers::Refuses | Answers::Silent => 0,
        };
        // How long something of it is open: until the answer is there, or until it is forgotten.
        let open = if protocol.is_http() { after.min(interval) } else { idle };
        if interval > length {
            return self.ends.add(End { when: at + length.min(open), backend, life });
        }
        let fate = Fate::Left { backend, life, again: at + interval, n, left: length - interval };
        self.timeouts.waiting.push(Reverse((at + open, fate)));
    }

    /// What becomes of the next connection whose time has come.
    pub(super) fn meet_fate(&mut self) {
        let Some(Reverse((when, fate))) = self.timeouts.waiting.pop() else { return };
        match fate {
            Fate::TimedOut { backend, life } => {
                if self.close(backend, life) {
                    self.counts.fail(when, Some(backend as usize), Cause::RequestTimeout, 1);
                }
            }
            Fate::Left { backend, life, again, n, left } => {
                if self.close(backend, life) {
                    self.timeouts.between += 1;
                    let next = match self.timeouts.protocol {
                        Protocol::Tcp => Fate::Reset { backend },
                        // A flow over UDP was open until it was forgotten.
                        Protocol::Udp => Fate::Again { n, left, anew: true },
                        _ => Fate::Again { n, left, anew: again - when > self.timeouts.idle },
                    };
                    self.timeouts.waiting.push(Reverse((again, next)));
                }
            }
            Fate::Reset { backend } => {
                self.timeouts.between -= 1;
                self.counts.fail(when, Some(backend as usize), Cause::IdleTimeout, 1);
            }
            Fate::Again { n, left, anew } => {
                self.timeouts.between -= 1;
                self.timeouts.reopened += u64::from(anew);
                self.connect(n, when, left);
            }
        }
    }
}
