//! What a listener does with traffic: scheduling, limits, stickiness, headers, and what only one layer knows.
//!
//! Ranges and defaults are the interface's (provider documentation: CreateLoadBalancerTCPListener and its siblings).

use crate::balancing::scheduler::Scheduler;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{CaCertificateId, ServerCertificateId};
use crate::slb::health_check::{HealthCheck, HealthCheckSettings, unfit, within};
use crate::slb::listener::Protocol;
use crate::slb::tls_policy;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// How requests of one client stay with one backend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sticky {
    /// They do not.
    #[default]
    Off,
    /// By a cookie that the load balancer writes, for so many seconds: 1 to 86,400.
    Insert(u32),
    /// By a cookie of the backend's, which the load balancer rewrites.
    Server(CompactString),
}

/// What only TCP and UDP listeners know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer4 {
    /// Seconds for which a source address stays with its backend: 0 to 3,600; 0 for not at all.
    pub persistence: u16,
    /// Seconds after which an idle connection is forgotten: 10 to 900.
    pub established: u16,
    /// Whether connections to a backend that leaves go on; else they are cut.
    pub drain: bool,
    /// For how many seconds: 10 to 900. It may be said, and is kept, while they are cut; absent if it never was.
    pub drain_timeout: Option<u16>,
    /// Whether the proxy protocol, version 2, is spoken to backends.
    pub proxy_protocol: bool,
    /// Whether SYN floods are fended off.
    pub syn_proxy: bool,
}

/// The headers that an HTTP or HTTPS listener can add to requests, in the order of their bits. Those behind the first
/// [`PLAIN_HEADERS`] tell of the client's certificate, which only HTTPS knows.
pub const HEADERS: [&str; 10] = [
    "XForwardedFor",
    "XForwardedFor_SLBIP",
    "XForwardedFor_SLBID",
    "XForwardedFor_proto",
    "XForwardedFor_SLBPORT",
    "XForwardedFor_ClientSrcPort",
    "XForwardedFor_ClientCertSubjectDN",
    "XForwardedFor_ClientCertIssuerDN",
    "XForwardedFor_ClientCertFingerprint",
    "XForwardedFor_ClientCertClientVerify",
];

/// How many of [`HEADERS`] an HTTP listener can add.
pub const PLAIN_HEADERS: usize = 6;

/// The headers that a listener of a protocol can add.
pub fn headers_of(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::Tcp | Protocol::Udp => &[],
        Protocol::Http => &HEADERS[..PLAIN_HEADERS],
        Protocol::Https => &HEADERS,
    }
}

/// Which of [`HEADERS`] are named: those are added, the others left out.
///
/// # Errors
/// [`ErrorCode::ListenerParameter`] for a name that is none of them, whatever the case of its letters.
pub fn headers_named(names: &[String]) -> Outcome<[Option<bool>; HEADERS.len()]> {
    for (at, name) in names.iter().enumerate() {
        if !HEADERS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            let given = Refusal::new(ErrorCode::ListenerParameter).given(name);
            return Err(given.field(format!("headers/{at}")).accepted(HEADERS.join(", ")));
        }
    }
    Ok(HEADERS.map(|known| Some(names.iter().any(|name| known.eq_ignore_ascii_case(name)))))
}

/// What only HTTP and HTTPS listeners know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer7 {
    /// Seconds after which an idle connection is closed: 1 to 60.
    pub idle: u16,
    /// Seconds that a backend has for its answer: 1 to 180; then the client gets 504.
    pub request: u16,
    /// Whether answers are compressed.
    pub gzip: bool,
    /// How requests of one client stay with one backend.
    pub sticky: Sticky,
    /// Which of [`HEADERS`] are added, a bit each.
    pub headers: u16,
    /// What only HTTPS knows.
    pub tls: Option<Tls>,
}

/// What only HTTPS listeners know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// The certificate that clients see.
    pub certificate: Option<ServerCertificateId>,
    /// The certificate by which clients are believed; absent if they need none.
    pub client_ca: Option<CaCertificateId>,
    /// Which versions and ciphers are spoken: the name of a policy of the provider's, or the id of one of the caller's own.
    pub policy: CompactString,
    /// Whether HTTP/2 is spoken.
    pub http2: bool,
}

/// What depends on the layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// TCP and UDP.
    Four(Layer4),
    /// HTTP and HTTPS.
    Seven(Layer7),
}

/// What a listener does with traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// The most Mbit/s: 1 to 5,120; absent if it is not limited.
    pub bandwidth: Option<u16>,
    /// How a backend is chosen.
    pub scheduler: Scheduler,
    /// How backends are checked.
    pub health_check: HealthCheck,
    /// What depends on the layer.
    pub layer: Layer,
}

/// What is asked of a listener; absent fields stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The most Mbit/s; -1 for no limit.
    pub bandwidth: Option<i32>,
    /// How a backend is chosen.
    pub scheduler: Option<Scheduler>,
    /// How backends are checked.
    pub health_check: HealthCheckSettings,
    /// Seconds for which a source address stays with its backend; TCP and UDP.
    pub persistence: Option<i32>,
    /// Seconds after which an idle connection is forgotten; TCP.
    pub established: Option<i32>,
    /// Whether connections to a backend that leaves go on; TCP and UDP.
    pub drain: Option<bool>,
    /// For how many seconds; needed to turn it on if it was never said.
    pub drain_timeout: Option<i32>,
    /// Whether the proxy protocol is spoken; TCP and UDP.
    pub proxy_protocol: Option<bool>,
    /// Whether SYN floods are fended off; TCP.
    pub syn_proxy: Option<bool>,
    /// Seconds after which an idle connection is closed; HTTP and HTTPS.
    pub idle: Option<i32>,
    /// Seconds that a backend has for its answer; HTTP and HTTPS.
    pub request: Option<i32>,
    /// Whether answers are compressed; HTTP and HTTPS.
    pub gzip: Option<bool>,
    /// Whether requests of one client stay with one backend; HTTP and HTTPS.
    pub sticky: Option<bool>,
    /// By whose cookie: true for the load balancer's, false for the backend's.
    pub sticky_insert: Option<bool>,
    /// Seconds for which the load balancer's cookie holds.
    pub cookie_timeout: Option<i32>,
    /// The name of the backend's cookie.
    pub cookie: Option<CompactString>,
    /// Which of [`HEADERS`] are added or left out; HTTP and HTTPS.
    pub headers: [Option<bool>; HEADERS.len()],
    /// The certificate that clients see; HTTPS.
    pub certificate: Option<ServerCertificateId>,
    /// The certificate by which clients are believed, `None` inside for none; HTTPS.
    pub client_ca: Option<Option<CaCertificateId>>,
    /// Which versions and ciphers are spoken; HTTPS.
    pub tls_policy: Option<CompactString>,
    /// Whether HTTP/2 is spoken; HTTPS.
    pub http2: Option<bool>,
}

impl Settings {
    /// The first parameter that another layer has, or another protocol of the same layer.
    fn foreign(&self, protocol: Protocol) -> Option<&'static str> {
        let four = [
            ("persistence_timeout", self.persistence.is_some()),
            ("connection_drain", self.drain.is_some()),
            ("connection_drain_timeout", self.drain_timeout.is_some()),
            ("proxy_protocol", self.proxy_protocol.is_some()),
        ];
        let tcp =
            [("established_timeout", self.established.is_some()), ("syn_proxy", self.syn_proxy.is_some())];
        let seven = [
            ("idle_timeout", self.idle.is_some()),
            ("request_timeout", self.request.is_some()),
            ("gzip", self.gzip.is_some()),
            ("sticky_session", self.sticky.is_some()),
            ("sticky_session_type", self.sticky_insert.is_some()),
            ("cookie_timeout", self.cookie_timeout.is_some()),
            ("cookie", self.cookie.is_some()),
            ("headers", self.headers.iter().any(Option::is_some)),
        ];
        let https = [
            ("server_certificate_id", self.certificate.is_some()),
            ("ca_certificate_id", self.client_ca.is_some()),
            ("tls_cipher_policy", self.tls_policy.is_some()),
            ("http2", self.http2.is_some()),
            ("headers", self.headers[PLAIN_HEADERS..].contains(&Some(true))),
        ];
        let mut all: Vec<(&'static str, bool)> = Vec::new();
        if protocol.is_http() {
            all.extend(four);
        } else {
            all.extend(seven);
        }
        if protocol != Protocol::Tcp {
            all.extend(tcp);
        }
        if protocol != Protocol::Https {
            all.extend(https);
        }
        all.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }
}

impl Rules {
    /// What only HTTPS knows.
    pub fn tls(&self) -> Option<&Tls> {
        match &self.layer {
            Layer::Seven(layer) => layer.tls.as_ref(),
            Layer::Four(_) => None,
        }
    }

    /// How requests of one client stay with one backend; absent for TCP and UDP.
    pub fn sticky(&self) -> Option<&Sticky> {
        match &self.layer {
            Layer::Seven(layer) => Some(&layer.sticky),
            Layer::Four(_) => None,
        }
    }

    /// What a listener does for which nothing was asked.
    pub fn of(protocol: Protocol) -> Rules {
        let tls = (protocol == Protocol::Https).then(|| Tls {
            certificate: None,
            client_ca: None,
            policy: tls_policy::SYSTEM[0].into(),
            http2: true,
        });
        let layer = if protocol.is_http() {
            Layer::Seven(Layer7 { idle: 15, request: 60, gzip: true, sticky: Sticky::Off, headers: 1, tls })
        } else {
            Layer::Four(Layer4 {
                persistence: 0,
                established: 900,
                drain: false,
                drain_timeout: None,
                proxy_protocol: false,
                syn_proxy: true,
            })
        };
        let health_check = HealthCheck::of(protocol);
        Rules { bandwidth: None, scheduler: Scheduler::default(), health_check, layer }
    }

    /// Takes over what is asked.
    ///
    /// # Errors
    /// [`ErrorCode::ListenerParameter`] for a value out of its range or one that the protocol has not;
    /// [`ErrorCode::ListenerParameterMissing`] for one that another needs.
    pub(crate) fn take(&mut self, asked: &Settings, protocol: Protocol) -> Outcome<()> {
        if let Some(field) = asked.foreign(protocol) {
            return Err(unfit(
                field,
                format!("A listener of {} has no such parameter.", protocol.text()),
                "none",
            ));
        }
        if let Some(bandwidth) = asked.bandwidth {
            let limited = bandwidth != -1;
            self.bandwidth =
                if limited { Some(within("bandwidth", bandwidth, 1, 5_120)? as u16) } else { None };
        }
        if let Some(scheduler) = asked.scheduler {
            if !scheduler.serves(protocol) {
                let fitting = Scheduler::WORDS.iter().filter(|(_, s)| s.serves(protocol));
                let words = fitting.map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
                return Err(unfit("scheduler", format!("{} was given.", scheduler.text()), words));
            }
            self.scheduler = scheduler;
        }
        self.health_check.take(&asked.health_check, protocol)?;
        match &mut self.layer {
            Layer::Four(layer) => layer.take(asked),
            Layer::Seven(layer) => layer.take(asked),
        }
    }
}

/// "Another parameter needs this one."
pub(crate) fn needed(field: &'static str, why: &str) -> Refusal {
    Refusal::new(ErrorCode::ListenerParameterMissing).field(field).detail(why)
}

impl Layer4 {
    /// Seconds for which connections to a backend that leaves go on; absent if they are cut.
    pub fn drains(&self) -> Option<u16> {
        self.drain_timeout.filter(|_| self.drain)
    }

    fn take(&mut self, asked: &Settings) -> Outcome<()> {
        if let Some(persistence) = asked.persistence {
            self.persistence = within("persistence_timeout", persistence, 0, 3_600)? as u16;
        }
        if let Some(established) = asked.established {
            self.established = within("established_timeout", established, 10, 900)? as u16;
        }
        let timeout =
            asked.drain_timeout.map(|t| within("connection_drain_timeout", t, 10, 900)).transpose()?;
        self.drain = asked.drain.unwrap_or(self.drain);
        self.drain_timeout = timeout.map(|t| t as u16).or(self.drain_timeout);
        if self.drain && self.drain_timeout.is_none() {
            return Err(needed("connection_drain_timeout", "Connections that go on do so for a time."));
        }
        self.proxy_protocol = asked.proxy_protocol.unwrap_or(self.proxy_protocol);
        self.syn_proxy = asked.syn_proxy.unwrap_or(self.syn_proxy);
        Ok(())
    }
}

impl Layer7 {
    fn take(&mut self, asked: &Settings) -> Outcome<()> {
        if let Some(idle) = asked.idle {
            self.idle = within("idle_timeout", idle, 1, 60)? as u16;
        }
        if let Some(request) = asked.request {
            self.request = within("request_timeout", request, 1, 180)? as u16;
        }
        self.gzip = asked.gzip.unwrap_or(self.gzip);
        for (at, on) in asked.headers.iter().enumerate() {
            match on {
                Some(true) => self.headers |= 1 << at,
                Some(false) => self.headers &= !(1 << at),
                None => {}
            }
        }
        self.take_sticky(asked)?;
        let Some(tls) = &mut self.tls else { return Ok(()) };
        tls.certificate = asked.certificate.or(tls.certificate);
        if tls.certificate.is_none() {
            return Err(Refusal::new(ErrorCode::ListenerCertificateMissing).field("server_certificate_id"));
        }
        tls.client_ca = asked.client_ca.unwrap_or(tls.client_ca);
        tls.policy = asked.tls_policy.clone().unwrap_or_else(|| tls.policy.clone());
        tls.http2 = asked.http2.unwrap_or(tls.http2);
        Ok(())
    }

    fn take_sticky(&mut self, asked: &Settings) -> Outcome<()> {
        let timeout = asked.cookie_timeout.map(|t| within("cookie_timeout", t, 1, 86_400)).transpose()?;
        if let Some(cookie) = &asked.cookie {
            let fits = cookie.chars().all(|c| c.is_ascii_graphic() && !",; ".contains(c));
            if cookie.is_empty() || cookie.len() > 200 || cookie.starts_with('$') || !fits {
                return Err(unfit("cookie", "", "1 to 200 letters and digits"));
            }
        }
        if asked.sticky.unwrap_or(self.sticky != Sticky::Off) {
            let insert = match (asked.sticky_insert, &self.sticky) {
                (Some(insert), _) => insert,
                (None, Sticky::Insert(_)) => true,
                (None, Sticky::Server(_)) => false,
                (None, Sticky::Off) => {
                    return Err(needed("sticky_session_type", "Whose cookie it is must be said."));
                }
            };
            self.sticky = if insert {
                let old = if let Sticky::Insert(old) = self.sticky { Some(old) } else { None };
                let timeout = timeout.map(|t| t as u32).or(old);
                Sticky::Insert(
                    timeout.ok_or_else(|| needed("cookie_timeout", "The cookie holds for a time."))?,
                )
            } else {
                let old = if let Sticky::Server(old) = &self.sticky { Some(old.clone()) } else { None };
                let cookie = asked.cookie.clone().or(old);
                Sticky::Server(cookie.ok_or_else(|| needed("cookie", "The backend's cookie has a name."))?)
            };
        } else {
            self.sticky = Sticky::Off;
        }
        Ok(())
    }
}
