//! What a port was told to do where a packet was delivered. It judges nothing: the network has done its part by then.

use super::flow::Header;
use super::hop::{Disposition, Hop, Place};
use super::trace::Trace;
use crate::ecs::eni::Eni;
use crate::ecs::group_filter::PacketProtocol;
use crate::ecs::service_port::{Behaviour, PortProtocol, told};
use crate::id::InstanceId;
use crate::world::World;

/// A port that a packet was delivered to and that somebody told what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldPort {
    /// The instance.
    pub instance: InstanceId,
    /// The protocol.
    pub protocol: PortProtocol,
    /// The port, to which a load balancer or an entry of a NAT gateway may have sent the packet in place of another.
    pub port: u16,
    /// What it does at present.
    pub behaviour: Behaviour,
}

impl Trace {
    /// The port where the packet was delivered, in the world of the trace; absent if it was not delivered to an interface, if
    /// nobody told the port anything, or if the trace has no steps.
    pub fn told_port(&self, w: &World) -> Option<ToldPort> {
        let Disposition::Delivered(Place::Interface(eni)) = self.ending.disposition else { return None };
        let arrived = self.forward.iter().rev().find_map(header)?;
        let protocol = match arrived.protocol {
            PacketProtocol::Tcp => PortProtocol::Tcp,
            PacketProtocol::Udp => PortProtocol::Udp,
            _ => return None,
        };
        let told = told(w, w.get::<Eni>(&eni)?, protocol, arrived.port)?;
        Some(ToldPort { instance: told.instance, protocol, port: told.port, behaviour: told.behaviour })
    }
}

/// The header with which a packet leaves a step that gives it one.
fn header(hop: &Hop) -> Option<&Header> {
    match hop {
        Hop::Sent { header, .. }
        | Hop::Translated { header, .. }
        | Hop::Masked { header, .. }
        | Hop::Balanced { header, .. }
        | Hop::Returned { header, .. } => Some(header),
        _ => None,
    }
}
