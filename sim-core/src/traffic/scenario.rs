//! What is simulated: clients, a listener, its health check, backends and what happens to them.

use super::addresses::{Access, Network};
use super::length::{self, Length};
use super::protection::{Attack, Protection};
use super::zone_outage::ZoneOutage;
use crate::balancing::probe_series::ProbeSeries;
use crate::balancing::scheduler::Scheduler;
use crate::ecs::service_port::{Behaviour, PortBehaviour};
use crate::slb::acl::AclKind;
use crate::slb::health_check::{self, CLASSES, CheckKind};
use crate::slb::listener::Protocol;
use crate::slb::spec::Spec;
use crate::time::Span;
use serde::{Deserialize, Deserializer, de};

/// The longest run, and the longest of everything else that has no limit of its own.
pub(super) const LONGEST: Span = Span::hours(24 * 366);
/// The largest seed: the largest whole number that every reader of JSON keeps whole.
pub(super) const MAX_SEED: u64 = (1 << 53) - 1;
/// The most connections of a run.
pub(super) const MOST_CONNECTIONS: u64 = 1_000_000_000;
/// The most backends: the provider's limit for a load balancer (provider documentation: CLB quotas).
pub(super) const MOST_BACKENDS: usize = 200;
/// The longest name, domain and URL (provider documentation: CreateRules).
pub(super) const LONGEST_NAME: usize = 80;
/// The most faults of a run, with those that schedules of a world hold; each may make the round of backends anew.
pub(super) const MOST_FAULTS: usize = 10_000;

/// A whole scenario.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficScenario))]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What draws grow from: 0 to 9007199254740991, which every reader of JSON keeps whole.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 9_007_199_254_740_991_i64))]
    pub seed: u64,
    /// How long clients come.
    pub duration: Length,
    /// Who comes.
    pub clients: Clients,
    /// The listener of a world that they come to, instead of `listener`, `health_check`, `backend` and `protection`.
    #[serde(default)]
    pub of_world: Option<OfWorld>,
    /// What they come to.
    #[serde(default)]
    pub listener: Listener,
    /// How backends are probed; not at all if absent, and all of them take traffic then.
    #[serde(default)]
    pub health_check: Option<HealthCheck>,
    /// The backends, in the order of their group.
    #[serde(default, rename = "backend")]
    pub backends: Vec<Backend>,
    /// What happens to backends: at most 10,000, with what the schedules of a world hold.
    #[serde(default, rename = "fault")]
    #[cfg_attr(feature = "openapi", schema(max_items = 10_000))]
    pub faults: Vec<Fault>,
    /// How the address is protected against denial of service; not at all if absent.
    #[serde(default)]
    pub protection: Option<Protection>,
    /// What comes in beside clients.
    #[serde(default, rename = "attack")]
    pub attacks: Vec<Attack>,
    /// Outages of the load balancer's zones: at most 100. While its master zone is down, it serves from the slave zone after
    /// 30 seconds.
    #[serde(default, rename = "zone_outage")]
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    pub zone_outages: Vec<ZoneOutage>,
    /// What becomes of the zones of the load balancer, if it is one of a world, in order of time; one serves before.
    #[serde(skip)]
    pub zones: Vec<ZoneChange>,
    /// The forwarding rule that takes the requests, if one of a world does.
    #[serde(skip)]
    pub rule: Option<String>,
}

/// Another zone of the load balancer begins to serve, or none does any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneChange {
    /// When, from the first client on.
    pub at: Length,
    /// Whether a zone serves from then on.
    pub serves: bool,
}

impl ZoneChange {
    /// The changes among what holds from each instant on: that a zone serves at first is none.
    pub(super) fn all(told: impl Iterator<Item = (Span, bool)>) -> Vec<ZoneChange> {
        told.map(|(at, serves)| ZoneChange { at: Length(at), serves })
            .skip_while(|change| change.serves && change.at.0.is_zero())
            .collect()
    }
}

/// A listener of a world.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficOfWorld))]
#[serde(deny_unknown_fields)]
pub struct OfWorld {
    /// Its load balancer.
    #[cfg_attr(feature = "openapi", schema(example = "lb-bp1b6c719dfa08exfuca5"))]
    pub load_balancer_id: String,
    /// Its port.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 65535, example = 80))]
    pub port: u16,
    /// What it speaks; needed where TCP and UDP share the port.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^(tcp|udp|http|https)$"))]
    pub protocol: Option<Protocol>,
    /// What the Host header of the clients' requests says, where it speaks HTTP: with it and `path` its forwarding rules are
    /// asked. Without the two none is, and its own pool serves.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 259, example = "shop.example"))]
    pub host: Option<String>,
    /// The path of the clients' requests with its query, a slash first; `/` if only a host is given.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 2048, example = "/cart/1"))]
    pub path: Option<String>,
}

/// Who comes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficClients))]
#[serde(deny_unknown_fields)]
pub struct Clients {
    /// How many source addresses there are: 1 to 1,000,000. Each connection is drawn to one of them.
    #[serde(default = "Clients::usual_number")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub number: u32,
    /// The networks from which they come: strict CIDR blocks or addresses, 1 to 1,000, of one address family and without an
    /// address in common. Each client has an address of its own, drawn evenly from all of them together; without, clients
    /// have none.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 1000, example = json!(["203.0.113.0/24"])))]
    pub from: Option<Vec<Network>>,
    /// New connections a second, evenly spaced: 1 to 1,000,000.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub rate: u32,
    /// How long a connection lasts at least.
    #[serde(default = "Clients::usual_length")]
    pub connection: Length,
    /// How long it lasts at most; `connection` if absent. Each is drawn evenly between the two.
    #[serde(default)]
    pub connection_max: Option<Length>,
    /// How long a client is silent between two requests over a connection, which come while the connection lasts; packets come
    /// all the time if absent, and over HTTP and HTTPS a connection is one request.
    #[serde(default)]
    pub interval: Option<Length>,
    /// How much each connection brings in, in bytes, all of it when it comes: what a protection measures and bandwidths
    /// limit.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub bytes: u32,
}

impl Clients {
    pub(super) fn usual_number() -> u32 {
        100
    }

    pub(super) fn usual_length() -> Length {
        Length(Span::seconds(1))
    }

    /// How many connections come in so long.
    pub fn connections(&self, duration: Span) -> u64 {
        (duration.0.unsigned_abs() * u64::from(self.rate)).div_ceil(1_000)
    }
}

/// What clients connect to.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficListener))]
#[serde(deny_unknown_fields, default)]
pub struct Listener {
    /// What is spoken. Over UDP a connection is a flow, and a probe that is not answered has succeeded; over HTTP and HTTPS it is
    /// a request, and a status of 500 and above has failed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^(tcp|udp|http|https)$"))]
    pub protocol: Protocol,
    /// Who is next.
    #[serde(deserialize_with = "scheduler")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, default = "wrr", pattern = "^(wrr|rr|wlc|sch|tch|qch)$"))]
    pub scheduler: Scheduler,
    /// How long a source address keeps its backend after its last connection, over TCP and UDP: 0s for never, to 1h.
    pub persistence: Length,
    /// How long the cookie holds that a client gets with its first request, over HTTP and HTTPS: 1s to 24h; none if absent.
    pub cookie: Option<Length>,
    /// How long connections of a backend live that turned abnormal; 0s cuts them at once.
    pub drain: Length,
    /// How long a connection is remembered that nothing comes over: 10s to 900s over TCP, 900s if absent; 1s to 60s over HTTP and
    /// HTTPS, 15s if absent; 1s to 900s over UDP, 300s if absent.
    pub idle_timeout: Option<Length>,
    /// How long the answer of a backend may take over HTTP and HTTPS: 1s to 180s, 60s if absent.
    pub request_timeout: Option<Length>,
    /// The specification by its name, such as slb.s2.small: its limits hold where none is written.
    #[serde(deserialize_with = "spec")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Spec>))]
    pub spec: Option<Spec>,
    /// Connections that are open at once at most; the specification's limit if absent.
    pub max_connections: Option<u32>,
    /// New connections, or requests over HTTP and HTTPS, a second at most; the specification's limit if absent.
    pub new_per_second: Option<u32>,
    /// The bandwidth in Mbit/s that is reserved for the listener and the most that it has: 1 to 5,120. Absent, as -1 of the
    /// interface says, it has all of its load balancer's.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 5120))]
    pub bandwidth: Option<u32>,
    /// The bandwidth in Mbit/s for which the load balancer is paid: 1 to 5,120; no limit if absent, as where traffic is paid.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 5120))]
    pub load_balancer_bandwidth: Option<u32>,
    /// The bandwidth in Mbit/s of the elastic IP address by which clients come: 1 to 500; no limit if absent.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 500))]
    pub eip_bandwidth: Option<u32>,
    /// What its access control does with clients whose addresses `acl` names: white lets only them in, black keeps them out.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^(white|black)$"))]
    pub acl_type: Option<AclKind>,
    /// The networks that its access control names: strict CIDR blocks or addresses, 1 to 1,000 if there is an `acl_type`. It
    /// judges clients by the addresses that they have `from`.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000, example = json!(["203.0.113.128/25"])))]
    pub acl: Vec<Network>,
    /// What it shares with others that have no bandwidth of their own, if it is of a world.
    #[serde(skip)]
    pub shared_bandwidth: Option<u32>,
    /// Its access control in force, if it is of a world.
    #[serde(skip)]
    pub access: Option<Access>,
    /// How long the listener and its health check have run when the first client comes.
    pub running_for: Length,
}

impl Default for Listener {
    fn default() -> Listener {
        Listener {
            protocol: Protocol::Tcp,
            scheduler: Scheduler::WeightedRoundRobin,
            persistence: Length(Span::ZERO),
            cookie: None,
            drain: Length(Span::ZERO),
            idle_timeout: None,
            request_timeout: None,
            spec: None,
            max_connections: None,
            new_per_second: None,
            bandwidth: None,
            load_balancer_bandwidth: None,
            eip_bandwidth: None,
            acl_type: None,
            acl: Vec::new(),
            shared_bandwidth: None,
            access: None,
            running_for: Length(Span::seconds(600)),
        }
    }
}

impl Listener {
    /// The most connections at once and the most new ones a second.
    pub fn limits(&self) -> (Option<u32>, Option<u32>) {
        let row = self.spec.map(Spec::row);
        let new = row.map(|row| {
            if self.protocol.is_http() { row.requests_per_second } else { row.connections_per_second }
        });
        (self.max_connections.or(row.map(|row| row.max_connections)), self.new_per_second.or(new))
    }

    /// How long a client keeps its backend, if it does, and whether each connection makes it anew.
    pub(super) fn keeping(&self) -> Option<(Length, bool)> {
        match self.cookie {
            Some(cookie) => Some((cookie, false)),
            None => Some((self.persistence, true)).filter(|(length, _)| !length.0.is_zero()),
        }
    }
}

pub(super) fn spec<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Spec>, D::Error> {
    let Some(text) = Option::<std::borrow::Cow<'de, str>>::deserialize(d)? else { return Ok(None) };
    Spec::by_name(&text).map(Some).ok_or_else(|| {
        de::Error::custom(format!("{text:?} is no specification; write one of {}", Spec::names()))
    })
}

pub(super) fn scheduler<'de, D: Deserializer<'de>>(d: D) -> Result<Scheduler, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
    let found = Scheduler::WORDS.iter().find(|(word, _)| *word == text);
    found.map(|(_, scheduler)| *scheduler).ok_or_else(|| {
        de::Error::custom(format!("{text:?} is no scheduler; write rr, wrr, wlc, sch, tch or qch"))
    })
}

/// How backends are probed. The defaults are those of a TCP listener.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficHealthCheck))]
#[serde(deny_unknown_fields, default)]
pub struct HealthCheck {
    /// From the end of a probe to the start of the next: 1s to 50s.
    pub interval: Length,
    /// How long an answer is waited for: 1s to 300s.
    pub timeout: Length,
    /// Successes in a row that make a backend normal: 2 to 10.
    #[cfg_attr(feature = "openapi", schema(minimum = 2, maximum = 10))]
    pub healthy: u8,
    /// Failures in a row that make it abnormal: 2 to 10.
    #[cfg_attr(feature = "openapi", schema(minimum = 2, maximum = 10))]
    pub unhealthy: u8,
    /// How a backend is asked: tcp, http or udp; as the listener speaks if absent.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^(tcp|http|udp)$"))]
    pub kind: Option<CheckKind>,
    /// The classes of HTTP statuses that are good, of http_2xx to http_5xx.
    pub codes: Vec<String>,
    /// Whether a UDP probe expects an answer; silence is success if not.
    pub expects_answer: bool,
}

impl Default for HealthCheck {
    fn default() -> HealthCheck {
        HealthCheck {
            interval: Length(Span::seconds(2)),
            timeout: Length(Span::seconds(5)),
            healthy: 3,
            unhealthy: 3,
            kind: None,
            codes: vec![CLASSES[0].to_owned()],
            expects_answer: false,
        }
    }
}

impl HealthCheck {
    /// As a listener of this protocol has it.
    pub(super) fn of_listener(&self, protocol: Protocol) -> health_check::HealthCheck {
        let class = |(at, name): (usize, &&str)| u8::from(self.codes.iter().any(|code| code == *name)) << at;
        health_check::HealthCheck {
            kind: self.kind.unwrap_or_else(|| CheckKind::of(protocol)),
            timeout: whole_seconds(self.timeout) as u16,
            interval: whole_seconds(self.interval) as u8,
            healthy: self.healthy,
            unhealthy: self.unhealthy,
            classes: CLASSES.iter().enumerate().map(class).fold(0, |all, class| all | class),
            expected: if self.expects_answer { "expected".into() } else { Default::default() },
            ..health_check::HealthCheck::of(protocol)
        }
    }
}

fn whole_seconds(length: Length) -> i64 {
    length.0.0 / 1_000
}

/// A backend.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficBackend))]
#[serde(deny_unknown_fields)]
pub struct Backend {
    /// Its name: 1 to 80 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 80))]
    pub name: String,
    /// Its weight, 0 to 100.
    #[serde(default = "Backend::usual_weight")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub weight: u8,
    /// How it answers at first.
    #[serde(default = "Answers::usual")]
    pub answers: Answers,
    /// The status that it answers with, for HTTP.
    #[serde(default = "Backend::usual_status")]
    #[cfg_attr(feature = "openapi", schema(minimum = 100, maximum = 599))]
    pub status: u16,
    /// How it answers probes, where that is another port or path; as it answers clients if absent.
    #[serde(default)]
    pub check_answers: Option<Answers>,
    /// The status that it answers probes with; the one that it answers clients with if absent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 100, maximum = 599))]
    pub check_status: Option<u16>,
    /// Whether it waits, as the secondary member of a primary/secondary group does: it is not probed, and takes connections
    /// while none of the others does. Over TCP and UDP.
    #[serde(default)]
    pub waits: bool,
    /// Its probes up to now, if it is of a world.
    #[serde(skip)]
    pub probes: Option<ProbeSeries>,
    /// What hashing schedulers know it by, if it is of a world and clients have addresses; its name if absent.
    #[serde(skip)]
    pub key: Option<Vec<u8>>,
}

impl Backend {
    /// What a probe finds.
    pub(super) fn to_probes(&self) -> PortBehaviour {
        let status = self.check_status.unwrap_or(self.status);
        self.check_answers.unwrap_or(self.answers).found(status)
    }

    /// What hashing schedulers know it by.
    pub(super) fn ring_key(&self) -> Vec<u8> {
        self.key.clone().unwrap_or_else(|| self.name.clone().into_bytes())
    }

    pub(super) fn usual_weight() -> u8 {
        100
    }

    fn usual_status() -> u16 {
        200
    }
}

/// How a backend answers: a length of time after which it does, `refuses` or `silent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// After so long.
    After(Span),
    /// The connection is refused.
    Refuses,
    /// Nothing comes back.
    Silent,
}

impl Answers {
    fn usual() -> Answers {
        Answers::After(Span(1))
    }

    /// What somebody finds whom it answers so, with this status.
    pub(super) fn found(self, status: u16) -> PortBehaviour {
        PortBehaviour::Up(match self {
            Answers::After(after) => Behaviour::Answers { after, status },
            Answers::Refuses => Behaviour::Refuses,
            Answers::Silent => Behaviour::Silent,
        })
    }
}

impl<'de> Deserialize<'de> for Answers {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Answers, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        match &*text {
            "refuses" => Ok(Answers::Refuses),
            "silent" => Ok(Answers::Silent),
            other => length::parse(other).map(Answers::After).map_err(|_| {
                de::Error::custom(format!(
                    "{other:?} is no answer; write a length of time such as 5ms, refuses or silent"
                ))
            }),
        }
    }
}

/// What happens to a backend. What is absent stays.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficFault))]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// When, from the first client on.
    pub at: Length,
    /// The backend's name.
    pub backend: String,
    /// How it answers from then on.
    #[serde(default)]
    pub answers: Option<Answers>,
    /// The status that it answers with from then on, for HTTP.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 100, maximum = 599))]
    pub status: Option<u16>,
    /// Its weight from then on.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub weight: Option<u8>,
    /// How it answers probes from then on.
    #[serde(default)]
    pub check_answers: Option<Answers>,
    /// The status that it answers probes with from then on.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 100, maximum = 599))]
    pub check_status: Option<u16>,
}

impl Fault {
    /// A fault of a backend that changes nothing yet.
    pub fn of(at: Length, backend: &str) -> Fault {
        let backend = backend.to_owned();
        Fault {
            at,
            backend,
            answers: None,
            status: None,
            weight: None,
            check_answers: None,
            check_status: None,
        }
    }

    pub(super) fn changes(&self) -> bool {
        self.answers.is_some()
            || self.status.is_some()
            || self.weight.is_some()
            || self.check_answers.is_some()
            || self.check_status.is_some()
    }

    /// What becomes of the backend.
    pub(super) fn strike(&self, backend: &mut Backend) {
        backend.answers = self.answers.unwrap_or(backend.answers);
        backend.status = self.status.unwrap_or(backend.status);
        backend.weight = self.weight.unwrap_or(backend.weight);
        backend.check_answers = self.check_answers.or(backend.check_answers);
        backend.check_status = self.check_status.or(backend.check_status);
    }
}

impl Scenario {
    /// The place of a backend in their order.
    pub fn place(&self, name: &str) -> Option<usize> {
        place(&self.backends, name)
    }

    /// How many connections come.
    pub fn connections(&self) -> u64 {
        self.clients.connections(self.duration.0)
    }
}

/// The place of a backend in their order.
pub(super) fn place(backends: &[Backend], name: &str) -> Option<usize> {
    backends.iter().position(|backend| backend.name == name)
}
