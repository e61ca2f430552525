//! NAT gateways in the naive evaluator: whom one takes to the internet in place of a narrower route to another VPC.

use crate::facts::{default_nat, is_public, within};
use crate::reference::{Follower, controlled, has_eip};
use sim_core::cidr::Cidr;
use sim_core::id::VSwitchId;
use sim_core::vpc::forward_entry::ForwardEntry;
use sim_core::vpc::next_hop::NextHop;
use sim_core::vpc::snat::{SnatEntry, SnatSource};
use sim_core::vpc::vswitch::VSwitch;
use std::net::IpAddr;

impl Follower<'_> {
    /// The next hop, or the NAT gateway of the default route if that takes the packet.
    pub fn by_nat(&self, vswitch: VSwitchId, hop: NextHop) -> NextHop {
        let h = self.header;
        let outside =
            h.source.is_ipv4() && h.destination.is_ipv4() && is_public(self.w, self.vpc, h.destination);
        if !matches!(hop, NextHop::VpcPeer(_) | NextHop::RouterInterface(_))
            || !outside
            || controlled(self.w, self.vpc)
        {
            return hop;
        }
        let Some(gateway) = default_nat(self.w, self.vpc, vswitch) else { return hop };
        let host = self.w.table::<ForwardEntry>().iter().any(|e| {
            e.gateway == gateway
                && e.external.is_none()
                && IpAddr::from(e.address) == h.source
                && !has_eip(self.w, h.source)
        });
        let source = |e: &SnatEntry| match e.source {
            SnatSource::VSwitch(id) => Cidr::from(self.w.get::<VSwitch>(&id).unwrap().block),
            SnatSource::Block(block) => block.into(),
        };
        let mut snat = self.w.table::<SnatEntry>().iter();
        let translated = snat.any(|e| e.gateway == gateway && within(source(e), h.source));
        if host || translated { NextHop::NatGateway(gateway) } else { hop }
    }
}
