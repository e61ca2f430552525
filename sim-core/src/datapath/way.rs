//! The way between two addresses, for who judges one packet after the other between the same two, as set queries do port by
//! port.
//!
//! The steps that a trace shows are what decides. Where a way ends at an interface and has no steps but routes, security
//! groups and network ACLs, all of it but the groups and ACLs looks at the two addresses alone, and the next packet between
//! them goes the same way. So it is kept who is asked on such a way, in their order, and each further packet is judged by all
//! of them. What is translated, goes to a load balancer or a managed resident, or leaves the world is walked every time.

use super::flow::{Header, Question};
use super::hop::{Disposition, Ending, Hop, Leg, Place};
use super::met::{Groups, Known, Met, mark};
use super::sink::Sink;
use super::{edge, member};
use crate::ecs::eni::Eni;
use crate::ecs::group_filter::Compiled;
use crate::ecs::security_group_rule::Direction;
use crate::id::VSwitchId;
use crate::vpc::network_acl_filter::Filtering;
use crate::vpc::vswitch::VSwitch;
use crate::world::World;
use std::net::IpAddr;

/// Where packets start, and between which addresses they go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    from: Place,
    source: IpAddr,
    destination: IpAddr,
}

impl Ends {
    /// Those of a packet.
    #[inline]
    pub fn of(question: &Question) -> Ends {
        let Header { source, destination, .. } = question.header;
        Ends { from: question.from, source, destination }
    }

    /// What tells them from most.
    #[inline]
    fn mark(&self) -> u64 {
        mark(self.source).rotate_left(32) ^ mark(self.destination)
    }
}

/// Is told the steps of a way, and keeps who is asked on it about more than addresses.
#[derive(Debug, Default)]
pub(super) struct Listen {
    /// Whether the steps of this way are wanted.
    on: bool,
    /// Whether there are steps that look at more than addresses and are not among those asked.
    others: bool,
    asked: Vec<(Leg, Direction, Asked)>,
}

/// Who is asked: the groups of an interface, or the network ACL of a vSwitch.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Groups(Place),
    Acl(VSwitchId),
}

impl Listen {
    /// A way begins.
    pub fn begin(&mut self, on: bool) {
        (self.on, self.others) = (on, false);
        self.asked.clear();
    }
}

impl Sink for Listen {
    #[inline]
    fn step(&mut self, leg: Leg, hop: impl FnOnce() -> Hop) {
        if !self.on {
            return;
        }
        match hop() {
            Hop::Groups { member, direction, .. } => self.asked.push((leg, direction, Asked::Groups(member))),
            Hop::NetworkAcl { vswitch, direction, .. } => {
                self.asked.push((leg, direction, Asked::Acl(vswitch)));
            }
            // These look at addresses alone, or at what was asked on the way there.
            Hop::Sent { .. }
            | Hop::Session { .. }
            | Hop::Route { .. }
            | Hop::GatewayRoute { .. }
            | Hop::Answered { .. }
            | Hop::Forwarded { .. }
            | Hop::Peered { .. }
            | Hop::Crossed { .. }
            | Hop::RouterRoute { .. }
            | Hop::Taken { .. } => {}
            Hop::Translated { .. }
            | Hop::Masked { .. }
            | Hop::StandbyZone { .. }
            | Hop::Listener { .. }
            | Hop::ListenerAccess { .. }
            | Hop::ForwardingRules { .. }
            | Hop::Balanced { .. }
            | Hop::Returned { .. } => self.others = true,
        }
    }
}

/// A way on which packets are judged by groups and network ACLs alone.
pub(super) struct Way<'w> {
    judges: Vec<Judging<'w>>,
    /// Where packets end that all of them let through.
    to: Place,
}

/// Who judges the packet or its answer somewhere on a way.
struct Judging<'w> {
    leg: Leg,
    direction: Direction,
    by: By<'w>,
}

enum By<'w> {
    /// The groups of an interface, of which the first was looked up.
    Groups(&'w Eni, Option<&'w Compiled>),
    /// The network ACL of a vSwitch.
    Acl(&'w VSwitch, Filtering<'w>),
}

impl<'w> Way<'w> {
    /// The way that was listened to, if it is such a one.
    pub fn heard(listen: &Listen, ending: Ending, w: &'w World, met: &mut Met<'w>) -> Option<Way<'w>> {
        let Disposition::Delivered(to @ (Place::Interface(_) | Place::Behind(_))) = ending.disposition else {
            return None;
        };
        if listen.others {
            return None;
        }
        let judging = |&(leg, direction, asked): &(Leg, Direction, Asked)| {
            let by = match asked {
                Asked::Groups(Place::Interface(id)) => {
                    let host = met.host(w, id)?;
                    By::Groups(host.eni, host.group)
                }
                Asked::Groups(_) => return None,
                Asked::Acl(vswitch) => By::Acl(w.get::<VSwitch>(&vswitch)?, met.acl(w, vswitch)?),
            };
            Some(Judging { leg, direction, by })
        };
        let judges = listen.asked.iter().map(judging).collect::<Option<_>>()?;
        Some(Way { judges, to })
    }

    /// How a packet on this way ends.
    #[inline]
    pub fn judge(&self, w: &'w World, met: &mut Met<'w>, header: &Header) -> Ending {
        let reply = header.reply();
        for Judging { leg, direction, by } in &self.judges {
            let (leg, direction) = (*leg, *direction);
            let packet = if leg == Leg::Forward { header } else { &reply }.seen(direction);
            let passed = match by {
                By::Groups(eni, first) => {
                    let verdict = met.judge(w, Groups::of_interface(eni, *first), direction, &packet);
                    member::heed(Place::Interface(eni.id), direction, verdict)
                }
                By::Acl(vswitch, acl) => {
                    edge::heed(vswitch.id, acl.acl.id, direction, acl.judge(direction, &packet))
                }
            };
            if let Err(disposition) = passed {
                return Ending { leg, disposition };
            }
        }
        Ending { leg: Leg::Return, disposition: Disposition::Delivered(self.to) }
    }
}

/// The ways of many packets by their ends: none where a single packet has gone, or others look at more than addresses.
#[derive(Default)]
pub(super) struct Ways<'w>(Known<Ends, Option<Box<Way<'w>>>, MOST_WAYS>);

/// So many are quickly found: whoever asks about more pairs seldom comes back to one soon.
const MOST_WAYS: usize = 1 << 12;

impl<'w> Ways<'w> {
    /// The way between two ends; absent if no packet has gone there, so far as is known.
    #[inline]
    pub fn find(&self, ends: &Ends) -> Option<Option<&Way<'w>>> {
        self.0.find(ends.mark(), ends).map(Option::as_deref)
    }

    /// Keeps that a packet has gone between two ends, and the way if it was listened to.
    pub fn keep(&mut self, ends: Ends, way: Option<Way<'w>>) {
        self.0.keep(ends.mark(), ends, way.map(Box::new));
    }
}
