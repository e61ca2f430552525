//! Ports and protocol of DNAT entries: how they are written, and which packets they take (provider documentation:
//! CreateForwardEntry).

use crate::ecs::security_group_rule::PortRange;
use crate::error::{ErrorCode, Outcome, Refusal, beginning};
use compact_str::{CompactString, format_compact};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// Which packets an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForwardProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// All, on every port.
    Any,
}

impl ForwardProtocol {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            ForwardProtocol::Tcp => "tcp",
            ForwardProtocol::Udp => "udp",
            ForwardProtocol::Any => "any",
        }
    }

    /// Reads the provider's word, in any case.
    ///
    /// # Errors
    /// [`ErrorCode::ForwardProtocolUnknown`].
    pub fn parse(text: &str) -> Outcome<ForwardProtocol> {
        match text.to_ascii_lowercase().as_str() {
            "tcp" => Ok(ForwardProtocol::Tcp),
            "udp" => Ok(ForwardProtocol::Udp),
            "any" => Ok(ForwardProtocol::Any),
            _ => Err(Refusal::new(ErrorCode::ForwardProtocolUnknown)
                .field("ip_protocol")
                .detail(format!("{:?} was given.", beginning(text)))
                .accepted("TCP, UDP, Any")),
        }
    }

    /// Whether a packet can be of both.
    pub(crate) fn overlaps(self, other: ForwardProtocol) -> bool {
        self == other || self == ForwardProtocol::Any || other == ForwardProtocol::Any
    }
}

/// Ports of a DNAT entry; none stands for all.
pub type Ports = Option<PortRange>;

/// The provider's word for ports: `80`, `10/20` or `any`.
pub fn ports_text(ports: Ports) -> CompactString {
    match ports {
        None => CompactString::const_new("any"),
        Some(PortRange { first, last }) if first == last => format_compact!("{first}"),
        Some(PortRange { first, last }) => format_compact!("{first}/{last}"),
    }
}

/// Reads ports: `80`, `10/20` or `Any`.
///
/// # Errors
/// `error`, for `field`.
fn parse_ports(text: &str, field: &'static str, error: ErrorCode) -> Outcome<Ports> {
    let port = |text: &str| text.parse::<u16>().ok().filter(|&port| port > 0);
    let read = match text.split_once('/') {
        _ if text.eq_ignore_ascii_case("any") => return Ok(None),
        Some((first, last)) => port(first).zip(port(last)).filter(|(first, last)| first <= last),
        None => port(text).map(|port| (port, port)),
    };
    read.map(|(first, last)| Some(PortRange { first, last })).ok_or_else(|| {
        Refusal::new(error)
            .field(field)
            .detail(format!("{:?} was given.", beginning(text)))
            .accepted("a port from 1 to 65535, a range such as 10/20, or Any")
    })
}

/// Reads the external ports.
///
/// # Errors
/// [`ErrorCode::ForwardExternalPortMalformed`].
pub fn parse_external_port(text: &str) -> Outcome<Ports> {
    parse_ports(text, "external_port", ErrorCode::ForwardExternalPortMalformed)
}

/// Reads the internal ports.
///
/// # Errors
/// [`ErrorCode::ForwardInternalPortMalformed`].
pub fn parse_internal_port(text: &str) -> Outcome<Ports> {
    parse_ports(text, "internal_port", ErrorCode::ForwardInternalPortMalformed)
}

fn parse_ip(text: &str, field: &'static str, error: ErrorCode) -> Outcome<Ipv4Addr> {
    text.parse().map_err(|_| {
        Refusal::new(error)
            .field(field)
            .detail(format!("{:?} was given.", beginning(text)))
            .accepted("an IPv4 address")
    })
}

/// Reads the external address.
///
/// # Errors
/// [`ErrorCode::ForwardExternalIpMalformed`].
pub fn parse_external_ip(text: &str) -> Outcome<Ipv4Addr> {
    parse_ip(text, "external_ip", ErrorCode::ForwardExternalIpMalformed)
}

/// Reads the internal address.
///
/// # Errors
/// [`ErrorCode::ForwardInternalIpMalformed`].
pub fn parse_internal_ip(text: &str) -> Outcome<Ipv4Addr> {
    parse_ip(text, "internal_ip", ErrorCode::ForwardInternalIpMalformed)
}

/// The port of `to` that stands where `port` stands in `from`.
pub(crate) fn moved(from: Ports, to: Ports, port: u16) -> Option<u16> {
    match (from, to) {
        (Some(from), Some(to)) if from.first <= port && port <= from.last => {
            Some(to.first + (port - from.first))
        }
        (None, None) => Some(port),
        _ => None,
    }
}

/// Whether a port is of both.
pub(crate) fn overlap(a: Ports, b: Ports) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.first <= b.last && b.first <= a.last,
        _ => true,
    }
}
