//! How long a listener waits: for the next request of a connection, and for the answer to one. What becomes of a connection
//! then is in `run/timeouts.rs`.

use super::bad::{BadScenario, bad, between};
use super::length::Length;
use super::scenario::{Listener, Scenario};
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

impl Scenario {
    /// How many connections and requests a run has to schedule at most: over HTTP each request of a connection, over UDP
    /// each flow that comes anew.
    pub fn requests(&self) -> u64 {
        let clients = &self.clients;
        let idle = self.listener.idle_timeout().0;
        let anew = match (self.listener.protocol, clients.interval) {
            (Protocol::Http | Protocol::Https, Some(interval)) => Some(interval.0),
            (Protocol::Udp, Some(interval)) => Some(interval.0).filter(|interval| *interval > idle),
            _ => None,
        };
        let longest = clients.connection_max.unwrap_or(clients.connection).0.min(self.duration.0);
        let more = anew.map_or(0, |interval| longest.0.unsigned_abs() / interval.0.unsigned_abs());
        self.connections().saturating_mul(more + 1)
    }

    /// Checks how long the listener waits.
    pub(super) fn check_timeouts(&self) -> Result<(), BadScenario> {
        let listener = &self.listener;
        let (least, most) = match listener.protocol {
            Protocol::Tcp => (10, 900),
            Protocol::Udp => (1, 900),
            Protocol::Http | Protocol::Https => (1, 60),
        };
        let idle = listener.idle_timeout().0;
        between("listener.idle_timeout", idle, Span::seconds(least), Span::seconds(most))?;
        let Some(answer) = listener.request_timeout else { return Ok(()) };
        if !listener.protocol.is_http() {
            let problem = "only a listener of HTTP waits for answers; write idle_timeout instead";
            return Err(bad("listener.request_timeout", problem.to_owned()));
        }
        between("listener.request_timeout", answer.0, Span::seconds(1), Span::seconds(180))
    }
}
