//! A member of a pool that serves a listener, and which of them takes the first connection.

use crate::balancing::scheduler::{Candidate, Scheduler, first};
use crate::ecs::eni_address;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::slb::backend::Backend;
use crate::slb::health;
use crate::slb::listener::Listener;
use crate::slb::master_slave_group::Role;
use crate::slb::serving::Serving;
use crate::world::World;
use compact_str::{CompactString, format_compact};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A member of a pool that serves a listener.
#[derive(Clone, Copy, Debug)]
pub struct Served<'w> {
    /// The member.
    pub backend: &'w Backend,
    /// Its port: its own in a group, the listener's in a default pool.
    pub port: u16,
    /// What it is for in a primary/secondary group; absent in other pools.
    pub role: Option<Role>,
}

/// Reads the address of a member as a caller writes it.
///
/// # Errors
/// [`ErrorCode::BackendIpv6`] for one of IPv6, [`ErrorCode::AddressMalformed`] for a text that is none.
pub fn parse_address(text: &str, field: &str) -> Outcome<Ipv4Addr> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err(Refusal::new(ErrorCode::BackendIpv6)
            .field(field)
            .given(text)
            .accepted("an IPv4 address"));
    }
    eni_address::parse4(text, field)
}

/// What of a connection a hashing scheduler looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The client.
    pub client: (IpAddr, u16),
    /// The address and port that it asked.
    pub asked: (IpAddr, u16),
}

impl Connection {
    /// What a scheduler hashes. A trace has no QUIC connection id; the four-tuple stands for it.
    fn key(&self, scheduler: Scheduler) -> Vec<u8> {
        let mut key = source_key(self.client.0).as_bytes().to_vec();
        if scheduler != Scheduler::SourceHash {
            let rest = format!(",{},{},{}", self.client.1, self.asked.0, self.asked.1);
            key.extend(rest.into_bytes());
        }
        key
    }
}

/// The member that takes a connection if it is the first since the listener began to forward; absent if none takes any.
///
/// Nothing is kept between two questions, so that turns and open connections do not count: in turn it is the first member,
/// by weight the first of the heaviest, with the fewest connections the first; the hashing schedulers choose as always. Of a
/// primary/secondary group at most one takes connections.
pub fn first_choice<'w>(
    w: &'w World,
    listener: &Listener,
    serving: &Serving<'w>,
    connection: &Connection,
) -> Option<Served<'w>> {
    let takes = |served: &Served<'_>| health::of_member(w, listener, serving, *served).takes_traffic;
    let eligible: Vec<Served<'w>> = serving.members().filter(takes).collect();
    let scheduler = serving.scheduler;
    let candidate = |served: &Served<'_>| Candidate {
        key: if scheduler.hashes() { key_of(served) } else { Vec::new() },
        weight: served.backend.weight,
    };
    let candidates: Vec<Candidate> = eligible.iter().map(candidate).collect();
    let key = if scheduler.hashes() { connection.key(scheduler) } else { Vec::new() };
    first(scheduler, &candidates, &key).map(|place| eligible[place])
}

/// What the source hash makes of a client's address.
pub(crate) fn source_key(client: IpAddr) -> CompactString {
    format_compact!("{client}")
}

/// What a member is known by on the ring of a hashing scheduler.
pub(crate) fn key_of(served: &Served<'_>) -> Vec<u8> {
    let Backend { server, address, .. } = served.backend;
    let address = address.map(|address| address.to_string()).unwrap_or_default();
    format!("{},{address},{}", server.id(), served.port).into_bytes()
}
