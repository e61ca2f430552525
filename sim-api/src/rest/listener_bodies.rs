//! The parts of a listener on the native wire: access control, health check, and what it does with traffic.

use super::context::parse_id;
use crate::rest::common::parse_list;
use crate::rest::places::Places;
use serde::{Deserialize, Serialize};
use sim_core::Outcome;
use sim_core::balancing::scheduler::Scheduler;
use sim_core::slb::acl::AclKind;
use sim_core::slb::health_check::{CheckKind, CheckMethod, HealthCheck, HealthCheckSettings};
use sim_core::slb::listener::Protocol;
use sim_core::slb::listener_access::{Access, AccessSettings};
use sim_core::slb::listener_rules::{HEADERS, Layer, Rules, Settings, Sticky, headers_named};
use utoipa::ToSchema;

/// Where the body of a listener has what the core calls otherwise.
pub const IN_BODY: Places = &[
    ("acl_id", "access_control/acl_ids"),
    ("access_control_list_id", "access_control/acl_ids"),
    ("acl_type", "access_control/type"),
    ("bandwidth", "traffic/bandwidth"),
    ("scheduler", "traffic/scheduler"),
    ("persistence_timeout", "traffic/persistence_timeout"),
    ("established_timeout", "traffic/established_timeout"),
    ("connection_drain", "traffic/connection_drain"),
    ("connection_drain_timeout", "traffic/connection_drain_timeout"),
    ("proxy_protocol", "traffic/proxy_protocol"),
    ("syn_proxy", "traffic/syn_proxy"),
    ("idle_timeout", "traffic/idle_timeout"),
    ("request_timeout", "traffic/request_timeout"),
    ("gzip", "traffic/gzip"),
    ("sticky_session", "traffic/sticky_session"),
    ("sticky_session_type", "traffic/sticky_session_type"),
    ("cookie_timeout", "traffic/cookie_timeout"),
    ("cookie", "traffic/cookie"),
    ("headers", "traffic/headers"),
    ("server_certificate_id", "traffic/server_certificate_id"),
    ("ca_certificate_id", "traffic/ca_certificate_id"),
    ("tls_cipher_policy", "traffic/tls_cipher_policy"),
    ("tls_cipher_policy_id", "traffic/tls_cipher_policy"),
    ("http2", "traffic/http2"),
];

/// What a listener speaks.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProtocolBody {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// HTTP.
    Http,
    /// HTTPS.
    Https,
}

impl From<ProtocolBody> for Protocol {
    fn from(body: ProtocolBody) -> Protocol {
        match body {
            ProtocolBody::Tcp => Protocol::Tcp,
            ProtocolBody::Udp => Protocol::Udp,
            ProtocolBody::Http => Protocol::Http,
            ProtocolBody::Https => Protocol::Https,
        }
    }
}

/// Which sources a list lets through.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum AccessKindBody {
    /// Those on it.
    White,
    /// Those not on it.
    Black,
}

/// Which sources a listener lets through; absent fields stay.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessBody {
    /// Whether it is in force.
    #[serde(default)]
    enabled: Option<bool>,
    /// The access control lists: one to three, or none while it is not in force, which takes away those that are there.
    #[serde(default)]
    acl_ids: Option<Vec<String>>,
    /// Which sources they let through: white or black.
    #[serde(default)]
    r#type: Option<AccessKindBody>,
}

impl AccessBody {
    /// What is asked of the core.
    ///
    /// # Errors
    /// An id that does not read.
    pub fn settings(&self) -> Outcome<AccessSettings> {
        let kind = self.r#type.map(|kind| match kind {
            AccessKindBody::White => AclKind::White,
            AccessKindBody::Black => AclKind::Black,
        });
        let acls = self.acl_ids.as_ref().map(|ids| parse_list(ids, parse_id)).transpose()?;
        Ok(AccessSettings { on: self.enabled, acls, kind })
    }
}

/// Which sources a listener lets through.
#[derive(Serialize, ToSchema)]
pub struct AccessShown {
    /// Whether it is in force.
    enabled: bool,
    /// The access control lists.
    acl_ids: Vec<String>,
    /// white or black.
    #[schema(example = "white")]
    r#type: &'static str,
}

/// Shows an access control.
pub fn access_shown(access: &Access) -> AccessShown {
    AccessShown {
        enabled: access.on,
        acl_ids: access.acls.iter().map(ToString::to_string).collect(),
        r#type: access.kind.text(),
    }
}

/// How a backend is asked.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum CheckKindBody {
    /// A TCP handshake.
    Tcp,
    /// An HTTP request.
    Http,
    /// A datagram.
    Udp,
}

/// The method of an HTTP check.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum CheckMethodBody {
    /// HEAD.
    Head,
    /// GET.
    Get,
}

/// How backends are checked; absent fields stay.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthCheckBody {
    /// Whether backends are checked: true if nothing was ever said.
    #[serde(default)]
    enabled: Option<bool>,
    /// How: tcp or http for a TCP listener, udp, tcp or http for a UDP one.
    #[serde(default)]
    r#type: Option<CheckKindBody>,
    /// The port that is asked; 0 for that of each backend.
    #[serde(default)]
    port: Option<i32>,
    /// Seconds until no answer counts as none: 1 to 300, 5 if nothing was ever said.
    #[serde(default)]
    timeout: Option<i32>,
    /// Seconds between two checks: 1 to 50, 2 if nothing was ever said.
    #[serde(default)]
    interval: Option<i32>,
    /// How many good answers make a backend healthy: 2 to 10.
    #[serde(default)]
    healthy_threshold: Option<i32>,
    /// How many bad ones make it unhealthy: 2 to 10.
    #[serde(default)]
    unhealthy_threshold: Option<i32>,
    /// The host that an HTTP check names: `$_ip`, which is the default, for the backend's address.
    #[serde(default)]
    domain: Option<String>,
    /// The path of an HTTP check: 2 to 80 characters, a slash first.
    #[serde(default)]
    uri: Option<String>,
    /// The method of an HTTP check: head if nothing was ever said, get for TCP and UDP listeners.
    #[serde(default)]
    method: Option<CheckMethodBody>,
    /// Which statuses are good: some of http_2xx, http_3xx, http_4xx and http_5xx with commas between them.
    #[serde(default)]
    http_codes: Option<String>,
    /// What a UDP check sends.
    #[serde(default)]
    request: Option<String>,
    /// What a UDP check expects.
    #[serde(default)]
    expected: Option<String>,
}

impl From<HealthCheckBody> for HealthCheckSettings {
    fn from(body: HealthCheckBody) -> HealthCheckSettings {
        HealthCheckSettings {
            on: body.enabled,
            kind: body.r#type.map(|kind| match kind {
                CheckKindBody::Tcp => CheckKind::Tcp,
                CheckKindBody::Http => CheckKind::Http,
                CheckKindBody::Udp => CheckKind::Udp,
            }),
            port: body.port,
            timeout: body.timeout,
            interval: body.interval,
            healthy: body.healthy_threshold,
            unhealthy: body.unhealthy_threshold,
            domain: body.domain.map(Into::into),
            uri: body.uri.map(Into::into),
            method: body.method.map(|method| match method {
                CheckMethodBody::Head => CheckMethod::Head,
                CheckMethodBody::Get => CheckMethod::Get,
            }),
            codes: body.http_codes.map(Into::into),
            request: body.request.map(Into::into),
            expected: body.expected.map(Into::into),
        }
    }
}

/// How backends are checked.
#[derive(Serialize, ToSchema)]
pub struct HealthCheckShown {
    /// Whether they are.
    enabled: bool,
    /// tcp, http or udp.
    #[schema(example = "tcp")]
    r#type: &'static str,
    /// The port that is asked; null for that of each backend.
    port: Option<u16>,
    /// Seconds until no answer counts as none, as it was asked for.
    timeout: u16,
    /// The same as it holds: never less than the interval.
    effective_timeout: i64,
    /// Seconds between two checks.
    interval: u8,
    /// How many good answers make a backend healthy.
    healthy_threshold: u8,
    /// How many bad ones make it unhealthy.
    unhealthy_threshold: u8,
    /// The host that an HTTP check names; empty for the backend's address.
    domain: String,
    /// The path of an HTTP check.
    uri: String,
    /// head or get.
    #[schema(example = "head")]
    method: &'static str,
    /// Which statuses are good.
    #[schema(example = "http_2xx")]
    http_codes: String,
    /// What a UDP check sends.
    request: String,
    /// What a UDP check expects; empty if silence is health.
    expected: String,
}

/// Shows a health check.
pub fn health_check_shown(check: &HealthCheck) -> HealthCheckShown {
    HealthCheckShown {
        enabled: check.on,
        r#type: check.kind.text(),
        port: check.port,
        timeout: check.timeout,
        effective_timeout: check.rhythm().patience().0 / 1_000,
        interval: check.interval,
        healthy_threshold: check.healthy,
        unhealthy_threshold: check.unhealthy,
        domain: check.domain.to_string(),
        uri: check.uri.to_string(),
        method: check.method.text(),
        http_codes: check.codes(),
        request: check.request.to_string(),
        expected: check.expected.to_string(),
    }
}

/// How a backend is chosen.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SchedulerBody {
    /// In turn, by weight.
    Wrr,
    /// In turn.
    Rr,
    /// By weight and open connections.
    Wlc,
    /// By the source address.
    Sch,
    /// By both addresses and ports.
    Tch,
    /// By the QUIC connection id.
    Qch,
}

impl From<SchedulerBody> for Scheduler {
    fn from(body: SchedulerBody) -> Scheduler {
        match body {
            SchedulerBody::Wrr => Scheduler::WeightedRoundRobin,
            SchedulerBody::Rr => Scheduler::RoundRobin,
            SchedulerBody::Wlc => Scheduler::WeightedLeastConnections,
            SchedulerBody::Sch => Scheduler::SourceHash,
            SchedulerBody::Tch => Scheduler::TupleHash,
            SchedulerBody::Qch => Scheduler::QuicHash,
        }
    }
}

/// Whose cookie keeps requests together.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StickyTypeBody {
    /// The load balancer's.
    Insert,
    /// The backend's.
    Server,
}

/// What a listener does with traffic; absent fields stay, and each belongs to some protocols only.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrafficBody {
    /// The most Mbit/s: 1 to 5,120; -1 for no limit.
    #[serde(default)]
    bandwidth: Option<i32>,
    /// How a backend is chosen: wrr if nothing was ever said.
    #[serde(default)]
    scheduler: Option<SchedulerBody>,
    /// Seconds for which a source address stays with its backend, 0 to 3,600; TCP and UDP.
    #[serde(default)]
    persistence_timeout: Option<i32>,
    /// Seconds after which an idle connection is forgotten, 10 to 900; TCP.
    #[serde(default)]
    established_timeout: Option<i32>,
    /// Whether connections to a backend that leaves go on; TCP and UDP.
    #[serde(default)]
    connection_drain: Option<bool>,
    /// For how many seconds: 10 to 900. Kept while they do not go on.
    #[serde(default)]
    connection_drain_timeout: Option<i32>,
    /// Whether the proxy protocol is spoken to backends; TCP and UDP.
    #[serde(default)]
    proxy_protocol: Option<bool>,
    /// Whether SYN floods are fended off; TCP.
    #[serde(default)]
    syn_proxy: Option<bool>,
    /// Seconds after which an idle connection is closed, 1 to 60; HTTP and HTTPS.
    #[serde(default)]
    idle_timeout: Option<i32>,
    /// Seconds that a backend has for its answer, 1 to 180; HTTP and HTTPS.
    #[serde(default)]
    request_timeout: Option<i32>,
    /// Whether answers are compressed; HTTP and HTTPS.
    #[serde(default)]
    gzip: Option<bool>,
    /// Whether requests of one client stay with one backend; HTTP and HTTPS.
    #[serde(default)]
    sticky_session: Option<bool>,
    /// By whose cookie.
    #[serde(default)]
    sticky_session_type: Option<StickyTypeBody>,
    /// Seconds for which the load balancer's cookie holds: 1 to 86,400.
    #[serde(default)]
    cookie_timeout: Option<i32>,
    /// The name of the backend's cookie: 1 to 200 characters.
    #[serde(default)]
    cookie: Option<String>,
    /// The headers that are added to requests, by name, in place of those before; HTTP and HTTPS. Those of the client's
    /// certificate: HTTPS.
    #[serde(default)]
    headers: Option<Vec<String>>,
    /// The certificate that clients see; HTTPS, and needed there.
    #[serde(default)]
    server_certificate_id: Option<String>,
    /// The CA certificate by which clients are believed, empty for none; HTTPS.
    #[serde(default)]
    ca_certificate_id: Option<String>,
    /// Which versions and ciphers are spoken; HTTPS.
    #[serde(default)]
    tls_cipher_policy: Option<String>,
    /// Whether HTTP/2 is spoken; HTTPS.
    #[serde(default)]
    http2: Option<bool>,
}

/// What is asked of a listener's rules.
///
/// # Errors
/// Ids that do not read, a header that is not known.
pub fn settings(body: TrafficBody, check: HealthCheckBody) -> Outcome<Settings> {
    let headers = body.headers.as_deref().map(headers_named).transpose()?;
    Ok(Settings {
        bandwidth: body.bandwidth,
        scheduler: body.scheduler.map(Into::into),
        health_check: check.into(),
        persistence: body.persistence_timeout,
        established: body.established_timeout,
        drain: body.connection_drain,
        drain_timeout: body.connection_drain_timeout,
        proxy_protocol: body.proxy_protocol,
        syn_proxy: body.syn_proxy,
        idle: body.idle_timeout,
        request: body.request_timeout,
        gzip: body.gzip,
        sticky: body.sticky_session,
        sticky_insert: body.sticky_session_type.map(|kind| kind == StickyTypeBody::Insert),
        cookie_timeout: body.cookie_timeout,
        cookie: body.cookie.map(Into::into),
        headers: headers.unwrap_or_default(),
        certificate: body.server_certificate_id.as_deref().map(parse_id).transpose()?,
        client_ca: match body.ca_certificate_id.as_deref() {
            Some("") => Some(None),
            named => named.map(parse_id).transpose()?.map(Some),
        },
        tls_policy: body.tls_cipher_policy.map(Into::into),
        http2: body.http2,
    })
}

/// What a listener does with traffic; what its protocol does not have is null.
#[derive(Serialize, ToSchema)]
pub struct TrafficShown {
    /// The most Mbit/s; null if it is not limited.
    bandwidth: Option<u16>,
    /// wrr, rr, wlc, sch, tch or qch.
    #[schema(example = "wrr")]
    scheduler: &'static str,
    /// Seconds for which a source address stays with its backend.
    persistence_timeout: Option<u16>,
    /// Seconds after which an idle connection is forgotten.
    established_timeout: Option<u16>,
    /// Whether connections to a backend that leaves go on; else they are cut.
    connection_drain: Option<bool>,
    /// For how many seconds; null if that was never said.
    connection_drain_timeout: Option<u16>,
    /// Whether the proxy protocol is spoken to backends.
    proxy_protocol: Option<bool>,
    /// Whether SYN floods are fended off.
    syn_proxy: Option<bool>,
    /// Seconds after which an idle connection is closed.
    idle_timeout: Option<u16>,
    /// Seconds that a backend has for its answer.
    request_timeout: Option<u16>,
    /// Whether answers are compressed.
    gzip: Option<bool>,
    /// insert or server; null if requests are not kept together.
    sticky_session_type: Option<&'static str>,
    /// Seconds for which the load balancer's cookie holds.
    cookie_timeout: Option<u32>,
    /// The name of the backend's cookie.
    cookie: Option<String>,
    /// The headers that are added to requests.
    headers: Vec<&'static str>,
    /// The certificate that clients see.
    server_certificate_id: Option<String>,
    /// The certificate by which clients are believed; null if they need none.
    ca_certificate_id: Option<String>,
    /// Which versions and ciphers are spoken.
    tls_cipher_policy: Option<String>,
    /// Whether HTTP/2 is spoken.
    http2: Option<bool>,
}

/// Shows what a listener does with traffic.
pub fn traffic_shown(rules: &Rules) -> TrafficShown {
    let (four, seven) = match &rules.layer {
        Layer::Four(layer) => (Some(layer), None),
        Layer::Seven(layer) => (None, Some(layer)),
    };
    let tls = seven.and_then(|layer| layer.tls.as_ref());
    let sticky = seven.map_or(&Sticky::Off, |layer| &layer.sticky);
    let added = |layer: &sim_core::slb::listener_rules::Layer7| {
        let all = HEADERS.iter().enumerate().filter(|(at, _)| layer.headers & 1 << at != 0);
        all.map(|(_, name)| *name).collect()
    };
    TrafficShown {
        bandwidth: rules.bandwidth,
        scheduler: rules.scheduler.text(),
        persistence_timeout: four.map(|layer| layer.persistence),
        established_timeout: four.map(|layer| layer.established),
        connection_drain: four.map(|layer| layer.drain),
        connection_drain_timeout: four.and_then(|layer| layer.drain_timeout),
        proxy_protocol: four.map(|layer| layer.proxy_protocol),
        syn_proxy: four.map(|layer| layer.syn_proxy),
        idle_timeout: seven.map(|layer| layer.idle),
        request_timeout: seven.map(|layer| layer.request),
        gzip: seven.map(|layer| layer.gzip),
        sticky_session_type: match sticky {
            Sticky::Off => None,
            Sticky::Insert(_) => Some("insert"),
            Sticky::Server(_) => Some("server"),
        },
        cookie_timeout: if let Sticky::Insert(timeout) = sticky { Some(*timeout) } else { None },
        cookie: if let Sticky::Server(cookie) = sticky { Some(cookie.to_string()) } else { None },
        headers: seven.map(added).unwrap_or_default(),
        server_certificate_id: tls.and_then(|tls| tls.certificate).map(|id| id.to_string()),
        ca_certificate_id: tls.and_then(|tls| tls.client_ca).map(|id| id.to_string()),
        tls_cipher_policy: tls.map(|tls| tls.policy.to_string()),
        http2: tls.map(|tls| tls.http2),
    }
}
