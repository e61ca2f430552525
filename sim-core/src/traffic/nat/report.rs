//! What came of hosts behind a NAT gateway.

use crate::traffic::report::OfCause;
use serde::{Deserialize, Serialize};

/// The report of a run. Times are milliseconds from the first connection on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NatTrafficReport))]
pub struct Report {
    /// How long hosts connected.
    pub duration_ms: u64,
    /// How long each interval of the counts is; the last may be shorter.
    pub interval_ms: u64,
    /// Connections that were tried.
    pub connections: u64,
    /// Those that got a port and were not reset.
    pub served: u64,
    /// Those that failed.
    pub failed: u64,
    /// How many ports an address has for each destination.
    pub ports: u32,
    /// By address, in the order of the entry.
    pub addresses: Vec<OfAddress>,
    /// By cause, those that occurred.
    pub failures: Vec<OfCause>,
    /// When a destination had no port left, in order of time: the first thousand times.
    pub exhausted: Vec<Exhausted>,
    /// How many times more than those.
    pub exhausted_more: u64,
}

/// What an address carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NatTrafficOfAddress))]
pub struct OfAddress {
    /// Its id in the world, or eip-1, eip-2 and so on.
    pub name: String,
    /// Sessions that it got.
    pub sessions: u64,
    /// The most at once, to all destinations; closed ones count while they hold their port.
    pub most_open: u32,
    /// The most at once to one destination: how many of its ports were in use.
    pub most_ports: u32,
    /// The most sessions at once in each interval, counting from those that were there when it began.
    pub open_by_interval: Vec<u32>,
    /// The most ports in use in each interval, to the destination that had most.
    pub ports_by_interval: Vec<u32>,
}

/// A time in which connections to a destination found no port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NatTrafficExhausted))]
pub struct Exhausted {
    /// The destination, by its number from 1 on.
    pub destination: u32,
    /// When the first connection failed.
    pub from_ms: u64,
    /// When a connection found a port again, and none failed in the ten seconds after the last that did; absent if that did not
    /// come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// How many failed.
    pub failed: u64,
}
