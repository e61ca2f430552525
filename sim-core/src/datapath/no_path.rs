//! Why a packet finds no way between a VPC and the internet.

use crate::id::{AnyId, Ipv4GatewayId, NatGatewayId, RouteTableId, VSwitchId};
use std::net::IpAddr;

/// Why a packet finds no way between a VPC and the internet: one cause each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPath {
    /// A route leads to a gateway to the internet, and the destination is private to the VPC.
    Private {
        /// The destination.
        destination: IpAddr,
    },
    /// The VPC is closed to the internet since its active IPv4 gateway was deleted.
    Closed,
    /// The table has no route to the gateway by which all public traffic of the VPC leaves.
    Unrouted {
        /// The vSwitch: the sender's, or that of the NAT gateway that sends.
        vswitch: VSwitchId,
        /// Its table.
        table: RouteTableId,
        /// The active IPv4 gateway, or the IPv6 gateway.
        gateway: AnyId,
    },
    /// The sender has no public IPv4 address of its own, and its table no route to the internet.
    Cut {
        /// Its vSwitch.
        vswitch: VSwitchId,
        /// Its table.
        table: RouteTableId,
    },
    /// The VPC has no IPv6 gateway.
    NoIpv6Gateway,
    /// No SNAT entry of the NAT gateway is in force for the sender.
    NoSnatEntry {
        /// The gateway.
        gateway: NatGatewayId,
    },
    /// A route leads to the IPv4 gateway, and the sender has no public address.
    NoAddress {
        /// The gateway.
        gateway: Ipv4GatewayId,
    },
    /// The IPv6 address has no internet bandwidth.
    NoBandwidth,
}

impl NoPath {
    /// A word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            NoPath::Private { .. } => "private_destination",
            NoPath::Closed => "vpc_closed",
            NoPath::Unrouted { .. } => "no_route_to_gateway",
            NoPath::Cut { .. } => "no_route_and_no_address",
            NoPath::NoIpv6Gateway => "no_ipv6_gateway",
            NoPath::NoSnatEntry { .. } => "no_snat_entry",
            NoPath::NoAddress { .. } => "no_public_address",
            NoPath::NoBandwidth => "no_ipv6_bandwidth",
        }
    }
}
