//! How long a listener waits: for the next request of a connection, and for the answer to one. What becomes of a connection
//! then is in `run/timeouts.rs`.

use super::length::Length;
use super::scenario::{Clients, Listener, Scenario};
use crate::slb::listener::Protocol;
use crate::time::Span;

impl Listener {
    /// How long a connection is remembered that nothing comes over (provider documentation: EstablishedTimeout, IdleTimeout; for
    /// UDP nothing is published, and the Linux virtual server has 300 s).
    pub fn idle_timeout(&self) -> Length {
        self.idle_timeout.unwrap_or(Length(match self.protocol {
            Protocol::Tcp => Span::seconds(900),
            Protocol::Udp => Span::seconds(300),
            Protocol::Http | Protocol::Https => Span::seconds(15),
        }))
    }

    /// How long the answer of a backend may take, over HTTP and HTTPS (provider documentation: RequestTimeout).
    pub fn request_timeout(&self) -> Option<Length> {
        let usual = self.protocol.is_http().then_some(Length(Span::seconds(60)));
        self.request_timeout.or(usual)
    }
}

impl Clients {
    /// How many requests of a connection a run of so long has to schedule beside its first: over HTTP each, over UDP each flow
    /// that comes anew.
    pub(super) fn requests_more(&self, listener: &Listener, duration: Span) -> u64 {
        let idle = listener.idle_timeout().0;
        let anew = match (listener.protocol, self.interval) {
            (Protocol::Http | Protocol::Https, Some(interval)) => Some(interval.0),
            (Protocol::Udp, Some(interval)) => Some(interval.0).filter(|interval| *interval > idle),
            _ => None,
        };
        let longest = self.connection_max.unwrap_or(self.connection).0.min(duration);
        // An interval of nothing is refused, wherever that is checked.
        anew.map_or(0, |interval| longest.0.unsigned_abs() / interval.0.unsigned_abs().max(1))
    }
}

impl Scenario {
    /// How many connections and requests a run has to schedule at most.
    pub fn requests(&self) -> u64 {
        let more = self.clients.requests_more(&self.listener, self.duration.0);
        self.connections().saturating_mul(more + 1)
    }
}
