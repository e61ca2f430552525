//! How a listener checks its backends: the parameters, with their ranges and defaults.
//!
//! Ranges and defaults are the interface's (provider documentation: CreateLoadBalancerTCPListener and its siblings); the
//! console recommends others for UDP. [`Rhythm`] says how they are taken together.

use crate::balancing::probe_series::{Answering, Rhythm};
use crate::ecs::service_port::{Behaviour, PortBehaviour, PortProtocol};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::slb::listener::Protocol;
use crate::time::Span;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// How a backend is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// A TCP handshake.
    Tcp,
    /// An HTTP request.
    Http,
    /// A datagram: silence is health, unless an answer is expected.
    Udp,
}

impl CheckKind {
    /// The words of both wires.
    pub const WORDS: &'static [(&'static str, CheckKind)] =
        &[("tcp", CheckKind::Tcp), ("http", CheckKind::Http), ("udp", CheckKind::Udp)];

    /// How a listener of a protocol asks unless it is told otherwise.
    pub const fn of(protocol: Protocol) -> CheckKind {
        match protocol {
            Protocol::Tcp => CheckKind::Tcp,
            Protocol::Udp => CheckKind::Udp,
            Protocol::Http | Protocol::Https => CheckKind::Http,
        }
    }

    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            CheckKind::Tcp => "tcp",
            CheckKind::Http => "http",
            CheckKind::Udp => "udp",
        }
    }
}

/// The method of an HTTP check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckMethod {
    /// HEAD: the default of HTTP and HTTPS listeners.
    Head,
    /// GET: what a TCP listener is seen to send (provider documentation: health checks, 2021).
    Get,
}

impl CheckMethod {
    /// The words of both wires.
    pub const WORDS: &'static [(&'static str, CheckMethod)] =
        &[("head", CheckMethod::Head), ("get", CheckMethod::Get)];

    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            CheckMethod::Head => "head",
            CheckMethod::Get => "get",
        }
    }
}

/// The classes of HTTP statuses, as they are written.
pub const CLASSES: [&str; 4] = ["http_2xx", "http_3xx", "http_4xx", "http_5xx"];

/// The health check of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// Whether backends are checked.
    pub on: bool,
    /// How a backend is asked.
    pub kind: CheckKind,
    /// The port that is asked; that of each backend if absent.
    pub port: Option<u16>,
    /// Seconds until no answer counts as none: 1 to 300.
    pub timeout: u16,
    /// Seconds between two checks: 1 to 50.
    pub interval: u8,
    /// How many good answers in a row make a backend healthy: 2 to 10.
    pub healthy: u8,
    /// How many bad ones make it unhealthy: 2 to 10.
    pub unhealthy: u8,
    /// The host that an HTTP check names. Empty, which is how the default is shown, and `$_ip` are the backend's address.
    pub domain: CompactString,
    /// The path of an HTTP check.
    pub uri: CompactString,
    /// The method of an HTTP check.
    pub method: CheckMethod,
    /// Which classes of HTTP statuses are good: bit 0 is 2xx, bit 3 is 5xx.
    pub classes: u8,
    /// What a UDP check sends; empty for the default.
    pub request: CompactString,
    /// What a UDP check expects; empty if silence is health.
    pub expected: CompactString,
}

/// What is asked of a health check; absent fields stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheckSettings {
    /// Whether backends are checked.
    pub on: Option<bool>,
    /// How a backend is asked.
    pub kind: Option<CheckKind>,
    /// The port that is asked; 0 and -520 mean that of each backend.
    pub port: Option<i32>,
    /// Seconds until no answer counts as none.
    pub timeout: Option<i32>,
    /// Seconds between two checks.
    pub interval: Option<i32>,
    /// How many good answers make a backend healthy.
    pub healthy: Option<i32>,
    /// How many bad ones make it unhealthy.
    pub unhealthy: Option<i32>,
    /// The host that an HTTP check names.
    pub domain: Option<CompactString>,
    /// The path of an HTTP check.
    pub uri: Option<CompactString>,
    /// The method of an HTTP check.
    pub method: Option<CheckMethod>,
    /// Which statuses are good: classes with commas between them.
    pub codes: Option<CompactString>,
    /// What a UDP check sends.
    pub request: Option<CompactString>,
    /// What a UDP check expects.
    pub expected: Option<CompactString>,
}

/// A number within its range.
///
/// # Errors
/// [`ErrorCode::ListenerParameter`].
pub(crate) fn within(field: &'static str, value: i32, least: i32, most: i32) -> Outcome<i32> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(Refusal::new(ErrorCode::ListenerParameter)
        .field(field)
        .detail(format!("{value} was given."))
        .accepted(format!("{least} to {most}")))
}

/// "This parameter has a value that does not fit."
pub(crate) fn unfit(field: &'static str, detail: impl Into<String>, accepted: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::ListenerParameter).field(field).detail(detail).accepted(accepted)
}

impl HealthCheck {
    /// The check of a listener for which nothing was asked.
    pub fn of(protocol: Protocol) -> HealthCheck {
        let kind = CheckKind::of(protocol);
        HealthCheck {
            on: true,
            kind,
            port: None,
            timeout: 5,
            interval: 2,
            healthy: 3,
            unhealthy: 3,
            domain: CompactString::default(),
            uri: CompactString::default(),
            method: if protocol.is_http() { CheckMethod::Head } else { CheckMethod::Get },
            classes: 1,
            request: CompactString::default(),
            expected: CompactString::default(),
        }
    }

    /// When probes are made.
    pub fn rhythm(&self) -> Rhythm {
        Rhythm {
            interval: Span::seconds(self.interval.into()),
            timeout: Span::seconds(self.timeout.into()),
            healthy: self.healthy,
            unhealthy: self.unhealthy,
        }
    }

    /// The protocol and the port that are asked of a member that serves at this port.
    pub fn asks(&self, port: u16) -> (PortProtocol, u16) {
        let protocol = if self.kind == CheckKind::Udp { PortProtocol::Udp } else { PortProtocol::Tcp };
        (protocol, self.port.unwrap_or(port))
    }

    /// How a probe is answered that finds this at the port; absent if nobody is there.
    ///
    /// A TCP probe is a handshake, an HTTP one wants a good status, and for a UDP one silence is health unless an answer is
    /// expected, which comes as it should (provider documentation: health checks, 2021).
    pub fn answering(&self, found: Option<PortBehaviour>) -> Answering {
        let silence_is_health = self.kind == CheckKind::Udp && self.expected.is_empty();
        let patience = self.rhythm().patience();
        match found {
            Some(PortBehaviour::Up(Behaviour::Refuses)) => Answering::Badly(Span::ZERO),
            Some(PortBehaviour::Up(Behaviour::Answers { after, status })) => match self.kind {
                CheckKind::Http if !self.is_good(status) => Answering::Badly(after),
                _ if silence_is_health => Answering::Well(after.min(patience)),
                _ => Answering::Well(after),
            },
            Some(PortBehaviour::Up(Behaviour::Silent) | PortBehaviour::Down(_)) | None
                if silence_is_health =>
            {
                Answering::Well(patience)
            }
            Some(PortBehaviour::Up(Behaviour::Silent) | PortBehaviour::Down(_)) | None => Answering::Silent,
        }
    }

    fn is_good(&self, status: u16) -> bool {
        (200..600).contains(&status) && self.classes & 1 << (status / 100 - 2) != 0
    }

    /// The classes of good statuses as they are written.
    pub fn codes(&self) -> String {
        let good = CLASSES.iter().enumerate().filter(|(at, _)| self.classes & 1 << at != 0);
        good.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
    }

    /// Takes over what is asked.
    ///
    /// # Errors
    /// [`ErrorCode::ListenerParameter`] for a value out of its range, a kind of check that the protocol has not, or one
    /// that belongs to another kind; for what a UDP check sends and expects [`ErrorCode::ListenerCheckRequest`] and
    /// [`ErrorCode::ListenerCheckAnswer`], and those of their lengths.
    pub(crate) fn take(&mut self, asked: &HealthCheckSettings, protocol: Protocol) -> Outcome<()> {
        self.on = asked.on.unwrap_or(self.on);
        if let Some(kind) = asked.kind {
            let fits: &[CheckKind] = match protocol {
                Protocol::Tcp => &[CheckKind::Tcp, CheckKind::Http],
                Protocol::Udp => &[CheckKind::Udp, CheckKind::Tcp, CheckKind::Http],
                Protocol::Http | Protocol::Https => &[CheckKind::Http],
            };
            if !fits.contains(&kind) {
                let words = fits.iter().map(|kind| kind.text()).collect::<Vec<_>>().join(", ");
                return Err(unfit("health_check/type", format!("{} was given.", kind.text()), words));
            }
            self.kind = kind;
        }
        if let Some(port) = asked.port {
            let own = matches!(port, 0 | -520);
            let port = if own { None } else { Some(within("health_check/port", port, 1, 65_535)? as u16) };
            self.port = port;
        }
        if let Some(timeout) = asked.timeout {
            self.timeout = within("health_check/timeout", timeout, 1, 300)? as u16;
        }
        if let Some(interval) = asked.interval {
            self.interval = within("health_check/interval", interval, 1, 50)? as u8;
        }
        if let Some(healthy) = asked.healthy {
            self.healthy = within("health_check/healthy_threshold", healthy, 2, 10)? as u8;
        }
        if let Some(unhealthy) = asked.unhealthy {
            self.unhealthy = within("health_check/unhealthy_threshold", unhealthy, 2, 10)? as u8;
        }
        self.take_http(asked)?;
        self.take_udp(asked, protocol)
    }

    fn take_http(&mut self, asked: &HealthCheckSettings) -> Outcome<()> {
        if let Some(domain) = &asked.domain {
            let fits = domain.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
            if domain.len() > 80 || !(fits || domain == "$_ip") {
                let accepted = "$_ip, or 1 to 80 letters, digits, hyphens and dots";
                return Err(unfit("health_check/domain", "", accepted));
            }
            self.domain.clone_from(domain);
        }
        if let Some(uri) = &asked.uri {
            let fits = uri.chars().all(|c| c.is_ascii_alphanumeric() || "-/._%?#&=~".contains(c));
            if !uri.is_empty() && (uri.len() > 80 || !uri.starts_with('/') || uri == "/" || !fits) {
                let accepted = "2 to 80 letters, digits and signs of a path, a slash first";
                return Err(unfit("health_check/uri", "", accepted));
            }
            self.uri.clone_from(uri);
        }
        self.method = asked.method.unwrap_or(self.method);
        if let Some(codes) = &asked.codes {
            let mut classes = 0;
            for code in codes.split(',') {
                let Some(at) = CLASSES.iter().position(|known| *known == code) else {
                    return Err(unfit("health_check/http_codes", "", CLASSES.join(",")));
                };
                classes |= 1 << at;
            }
            self.classes = classes;
        }
        Ok(())
    }

    fn take_udp(&mut self, asked: &HealthCheckSettings, protocol: Protocol) -> Outcome<()> {
        use ErrorCode as E;
        let (request, expected) = ("health_check/request", "health_check/expected");
        for (text, to, field, form, length) in [
            (
                &asked.request,
                &mut self.request,
                request,
                E::ListenerCheckRequest,
                E::ListenerCheckRequestLength,
            ),
            (
                &asked.expected,
                &mut self.expected,
                expected,
                E::ListenerCheckAnswer,
                E::ListenerCheckAnswerLength,
            ),
        ] {
            let Some(text) = text else { continue };
            let accepted = "1 to 64 letters and digits, of a UDP listener";
            if protocol != Protocol::Udp {
                return Err(unfit(field, "", accepted));
            }
            let plain = text.chars().all(|c| c.is_ascii_alphanumeric());
            if let Some(code) = (!plain).then_some(form).or((text.len() > 64).then_some(length)) {
                return Err(Refusal::new(code).field(field).given(text).accepted(accepted));
            }
            to.clone_from(text);
        }
        Ok(())
    }
}
