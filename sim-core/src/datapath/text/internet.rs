//! Why a packet does not get to the internet, or in from there, in words.

use super::Words;
use crate::datapath::no_path::NoPath;
use crate::id::{EipId, ForwardEntryId, NatGatewayId, VpcId};
use crate::vpc::eip_binding;
use crate::vpc::forward_entry::ForwardEntry;
use std::net::IpAddr;

impl Words<'_> {
    /// Why there is no way to the internet for an address of a VPC.
    pub(super) fn no_path(&self, vpc: VpcId, address: IpAddr, why: NoPath) -> String {
        match why {
            NoPath::Private { destination } => {
                format!("{destination} is private to {}, and not of the internet", self.id(vpc))
            }
            NoPath::Closed => {
                format!("{} is closed to the internet since its IPv4 gateway was deleted", self.id(vpc))
            }
            NoPath::Unrouted { vswitch, table, gateway } => {
                let (table, vswitch) = (self.id(table), self.id(vswitch));
                format!("{table}, the table of {vswitch}, has no route to {} for it", self.id(gateway))
            }
            NoPath::Cut { vswitch, table } => {
                let (table, vswitch) = (self.id(table), self.id(vswitch));
                format!(
                    "{address} has no public address, and {table}, the table of {vswitch}, no route for it"
                )
            }
            NoPath::NoIpv6Gateway => format!("{} has no IPv6 gateway", self.id(vpc)),
            NoPath::NoSnatEntry { gateway } => {
                format!("{} has no SNAT entry in force for {address}", self.id(gateway))
            }
            NoPath::NoAddress { gateway } => {
                format!("{address} has no public address to leave with by {}", self.id(gateway))
            }
            NoPath::NoBandwidth => format!("{address} has no internet bandwidth"),
        }
    }

    /// No DNAT entry leads a packet to an elastic IP address on, or one that does nothing.
    pub(super) fn not_forwarded(
        &self,
        eip: EipId,
        gateway: NatGatewayId,
        inert: Option<ForwardEntryId>,
    ) -> String {
        let gateway = self.id(gateway);
        match inert.and_then(|id| self.w.get::<ForwardEntry>(&id)) {
            None => format!("{gateway} has no DNAT entry in force of {} for it", self.id(eip)),
            Some(ForwardEntry { id, vpc, address, .. }) => {
                let own = eip_binding::of_host(self.w, *vpc, *address);
                let own = own.map_or("a static public address".to_owned(), |eip| self.id(eip.id));
                format!("{} of {gateway} does nothing while its host, {address}, has {own}", self.id(*id))
            }
        }
    }

    /// Nobody takes what comes to an address; a NAT gateway has one of its VPC.
    pub(super) fn nobody(&self, vpc: VpcId, address: IpAddr) -> String {
        let of_gateway = match address {
            IpAddr::V4(v4) => self.w.indexes().nat_gateways.by_address.get(&(vpc, v4)),
            IpAddr::V6(_) => None,
        };
        match of_gateway {
            None => format!("nobody in {} holds {address}", self.id(vpc)),
            Some(gateway) => {
                format!(
                    "{address} in {} is of {}, which takes nothing there",
                    self.id(vpc),
                    self.id(*gateway)
                )
            }
        }
    }
}
