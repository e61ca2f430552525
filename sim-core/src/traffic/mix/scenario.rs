//! What is simulated in a mix: kinds of clients, load balancers, listeners with forwarding rules, groups and backends.

use crate::balancing::probe_series::ProbeSeries;
use crate::balancing::scheduler::Scheduler;
use crate::slb::acl::AclKind;
use crate::slb::listener::Protocol;
use crate::slb::spec::Spec;
use crate::time::Span;
use crate::traffic::addresses::{Access, Network};
use crate::traffic::length::Length;
use crate::traffic::protection::{Attack, Protection};
use crate::traffic::scenario::{self, Answers, Backend, Fault, HealthCheck, ZoneChange};
use crate::traffic::zone_outage::ZoneOutage;
use serde::Deserialize;

/// A whole mix. Names are 1 to 80 characters, and each is given once among its like.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MixScenario))]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What draws grow from: 0 to 9007199254740991, which every reader of JSON keeps whole.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 9_007_199_254_740_991_i64))]
    pub seed: u64,
    /// How long clients come.
    pub duration: Length,
    /// Who comes: 1 to 32 kinds of clients.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 32))]
    pub clients: Vec<Clients>,
    /// The load balancers, where they have limits or are protected: at most 50.
    #[serde(default, rename = "load_balancer")]
    #[cfg_attr(feature = "openapi", schema(max_items = 50))]
    pub balancers: Vec<LoadBalancer>,
    /// The listeners, unless clients come to those of a world: at most 50.
    #[serde(default, rename = "listener")]
    #[cfg_attr(feature = "openapi", schema(max_items = 50))]
    pub listeners: Vec<Listener>,
    /// How the backends of a listener are probed that has no health check of its own; not at all if absent.
    #[serde(default)]
    pub health_check: Option<HealthCheck>,
    /// Groups of backends: at most 200.
    #[serde(default, rename = "group")]
    #[cfg_attr(feature = "openapi", schema(max_items = 200))]
    pub groups: Vec<Group>,
    /// The backends: at most 200.
    #[serde(default, rename = "backend")]
    #[cfg_attr(feature = "openapi", schema(max_items = 200))]
    pub backends: Vec<Backend>,
    /// What happens to backends, wherever they are members: at most 10,000, with what the schedules of a world hold.
    #[serde(default, rename = "fault")]
    #[cfg_attr(feature = "openapi", schema(max_items = 10_000))]
    pub faults: Vec<Fault>,
    /// What happens to probes of single members of a world.
    #[serde(skip)]
    pub probe_faults: Vec<ProbeFault>,
}

/// Clients who ask for the same, at a rate of their own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MixClients))]
#[serde(deny_unknown_fields)]
pub struct Clients {
    /// What they are called.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 80))]
    pub name: String,
    /// The listener that they come to, by its name; the only one if absent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 80))]
    pub listener: Option<String>,
    /// The listener of a world that they come to, instead; then those of all clients are.
    #[serde(default)]
    pub of_world: Option<OfWorld>,
    /// What they ask for over HTTP and HTTPS: at most 32. Without it no forwarding rule is asked, and the listener's
    /// own group serves.
    #[serde(default, rename = "ask")]
    #[cfg_attr(feature = "openapi", schema(max_items = 32))]
    pub asks: Vec<Ask>,
    /// Whether they follow redirects.
    #[serde(default = "Clients::usually_follows")]
    #[cfg_attr(feature = "openapi", schema(default = true))]
    pub follow: bool,
    /// How many source addresses there are: 1 to 1,000,000, of all clients together at most that. Each connection is
    /// drawn to one of them.
    #[serde(default = "scenario::Clients::usual_number")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub number: u32,
    /// The networks from which they come: strict CIDR blocks or addresses, 1 to 1,000, of one address family and without
    /// an address in common. Each of these clients has an address of its own, drawn evenly from all of them together; those of
    /// another kind may have it too. Without, they have none.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 1000, example = json!(["203.0.113.0/24"])))]
    pub from: Option<Vec<Network>>,
    /// New connections a second, evenly spaced: 1 to 1,000,000.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub rate: u32,
    /// How long a connection lasts at least.
    #[serde(default = "scenario::Clients::usual_length")]
    pub connection: Length,
    /// How long it lasts at most; `connection` if absent. Each is drawn evenly between the two.
    #[serde(default)]
    pub connection_max: Option<Length>,
    /// How long a client is silent between two requests over a connection; packets come all the time if absent, and
    /// over HTTP and HTTPS a connection is one request.
    #[serde(default)]
    pub interval: Option<Length>,
    /// How much each connection brings in, in bytes: what a protection measures and bandwidths limit.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub bytes: u32,
}

impl Clients {
    const fn usually_follows() -> bool {
        true
    }

    /// The same as clients of one listener.
    pub(super) fn alone(&self) -> scenario::Clients {
        let Clients { number, rate, connection, connection_max, interval, bytes, .. } = *self;
        let from = self.from.clone();
        scenario::Clients { number, from, rate, connection, connection_max, interval, bytes }
    }
}

/// A listener of a world.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MixOfWorld))]
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
}

/// What clients ask for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MixAsk))]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// What the Host header says; none if absent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 259, example = "shop.example"))]
    pub host: Option<String>,
    /// The path with its query, a slash first; `/` if absent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 2048, example = "/cart/1"))]
    pub path: Option<String>,
    /// How often it is asked for beside the others of these clients: 1 to 1,000. Each connection is drawn to one by
    /// their shares.
    #[serde(default = "Ask::usual_share")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    pub share: u16,
}

impl Ask {
    const fn usual_share() -> u16 {
        1
    }
}

/// A load balancer, whose limits its listeners share.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MixLoadBalancer))]
#[serde(deny_unknown_fields)]
pub struct LoadBalancer {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 80))]
    pub name: String,
    /// The specification by its name, such as slb.s2.small: its limits hold where none is written.
    #[serde(default, deserialize_with = "scenario::spec")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Spec>))]
    pub spec: Option<Spec>,
    /// Connections that are open at once at most; the specification's limit if absent.
    #[serde(default)]
    pub max_connections: Option<u32>,
    /// New connections a second at most over TCP and UDP, and so many requests over HTTP and HTTPS; the
    /// specification's limits if absent.
    #[serde(default)]
    pub new_per_second: Option<u32>,
    /// The bandwidth in Mbit/s for which it is paid: 1 to 5,120; no limit if absent, as where traffic is paid. Listeners
    /// with a bandwidth of their own have that, others share what is left.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 5120))]
    pub bandwidth: Option<u32>,
    /// The bandwidth in Mbit/s of the elastic IP address by which clients come: 1 to 500; no limit if absent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 500))]
    pub eip_bandwidth: Option<u32>,
    /// How its address is protected against denial of service; not at all if absent.
    #[serde(default)]
    pub protection: Option<Protection>,
    /// What comes in beside clients: at most 20 for all load balancers.
    #[serde(default, rename = "attack")]
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    pub attacks: Vec<Attack>,
    /// Outages of its zones: at most 100. While its master zone is down, it serves from the slave zone after 30 seconds.
    #[serde(default, rename = "zone_outage")]
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    pub zone_outages: Vec<ZoneOutage>,
    /// What becomes of its zones, if it is of a world.
    #[serde(skip)]
    pub zones: Vec<ZoneChange>,
    /// What listeners share that have no bandwidth of their own, if it is of a world.
    #[serde(skip)]
    pub shared_bandwidth: Option<u32>,
}

/// What clients connect to.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MixListener))]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 80))]
    pub name: String,
    /// Its load balancer by its name; the only one if absent, or one without limits if there is none.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 80))]
    pub load_balancer: Option<String>,
    /// What is spoken; tcp if absent.
    #[serde(default = "Listener::usual_protocol")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, default = "tcp", pattern = "^(tcp|udp|http|https)$"))]
    pub protocol: Protocol,
    /// The listener to which it redirects, by its name; both over HTTP or HTTPS. Then nothing else matters but its
    /// protocol, its load balancer, its bandwidth and its access control.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 80))]
    pub redirect: Option<String>,
    /// The group that serves, by its name; all backends with their own weights if absent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 80))]
    pub group: Option<String>,
    /// Its forwarding rules, over HTTP and HTTPS: at most 40.
    #[serde(default, rename = "rule")]
    #[cfg_attr(feature = "openapi", schema(max_items = 40))]
    pub rules: Vec<Rule>,
    /// Who is next; wrr if absent.
    #[serde(default = "Listener::usual_scheduler", deserialize_with = "scenario::scheduler")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, default = "wrr", pattern = "^(wrr|rr|wlc|sch|tch|qch)$"))]
    pub scheduler: Scheduler,
    /// How long a source address keeps its backend after its last connection, over TCP and UDP: 0s for never, to 1h.
    #[serde(default = "Listener::never")]
    pub persistence: Length,
    /// How long the cookie holds that a client gets with its first request, over HTTP and HTTPS: 1s to 24h; none if
    /// absent.
    #[serde(default)]
    pub cookie: Option<Length>,
    /// How its backends are probed; as the mix says if absent.
    #[serde(default)]
    pub health_check: Option<HealthCheck>,
    /// How long connections of a backend live that turned abnormal; 0s cuts them at once.
    #[serde(default = "Listener::never")]
    pub drain: Length,
    /// How long a connection is remembered that nothing comes over: 10s to 900s over TCP, 900s if absent; 1s to 60s
    /// over HTTP and HTTPS, 15s if absent; 1s to 900s over UDP, 300s if absent.
    #[serde(default)]
    pub idle_timeout: Option<Length>,
    /// How long the answer of a backend may take over HTTP and HTTPS: 1s to 180s, 60s if absent.
    #[serde(default)]
    pub request_timeout: Option<Length>,
    /// The bandwidth in Mbit/s that is reserved for it and the most that it has: 1 to 5,120, of all listeners of a load
    /// balancer no more than that has. Absent, as -1 of the interface says, it shares what others leave.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 5120))]
    pub bandwidth: Option<u32>,
    /// What its access control does with clients whose addresses `acl` names: white lets only them in, black keeps them
    /// out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^(white|black)$"))]
    pub acl_type: Option<AclKind>,
    /// The networks that its access control names: strict CIDR blocks or addresses, 1 to 1,000 if there is an `acl_type`.
    /// It judges clients by the addresses that they have `from`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 1000, example = json!(["203.0.113.128/25"])))]
    pub acl: Vec<Network>,
    /// Its access control in force, if it is of a world.
    #[serde(skip)]
    pub access: Option<Access>,
    /// How long it and its health checks have run when the first client comes.
    #[serde(default = "Listener::usual_age")]
    pub running_for: Length,
    /// Its members, if it is of a world.
    #[serde(skip)]
    pub members: Option<Vec<Member>>,
}

impl Listener {
    const fn usual_protocol() -> Protocol {
        Protocol::Tcp
    }

    const fn usual_scheduler() -> Scheduler {
        Scheduler::WeightedRoundRobin
    }

    const fn never() -> Length {
        Length(Span::ZERO)
    }

    const fn usual_age() -> Length {
        Length(Span::seconds(600))
    }

    /// The same as the listener of one kind of clients.
    pub(super) fn alone(&self) -> scenario::Listener {
        scenario::Listener {
            protocol: self.protocol,
            scheduler: self.scheduler,
            persistence: self.persistence,
            cookie: self.cookie,
            drain: self.drain,
            idle_timeout: self.idle_timeout,
            request_timeout: self.request_timeout,
            bandwidth: self.bandwidth,
            acl_type: self.acl_type,
            acl: self.acl.clone(),
            access: self.access.clone(),
            running_for: self.running_for,
            ..scenario::Listener::default()
        }
    }

    /// The same where a rule of it serves.
    pub(super) fn alone_by(&self, rule: &Rule) -> scenario::Listener {
        let (scheduler, cookie) = match &rule.own {
            Some(own) => (own.scheduler, own.cookie),
            None => (self.scheduler, self.cookie),
        };
        scenario::Listener { scheduler, cookie, ..self.alone() }
    }
}

/// A forwarding rule. The domain nearest to the host decides, then the longest URL with which the path begins.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MixRule))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 80))]
    pub name: String,
    /// The domain that it is for: a name, or `*.` and one; any if absent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 80, example = "shop.example"))]
    pub domain: Option<String>,
    /// With what a path begins; any if absent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 80, example = "/cart"))]
    pub url: Option<String>,
    /// The group to which requests go, by its name.
    #[cfg_attr(feature = "openapi", schema(max_length = 80))]
    pub group: String,
    /// What it does in its own way; all as its listener if absent.
    #[serde(default)]
    pub own: Option<OwnWay>,
    /// Its members, if it is of a world.
    #[serde(skip)]
    pub members: Option<Vec<Member>>,
}

/// What a forwarding rule does in its own way.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MixOwnWay))]
#[serde(deny_unknown_fields)]
pub struct OwnWay {
    /// Who is next; wrr if absent.
    #[serde(default = "Listener::usual_scheduler", deserialize_with = "scenario::scheduler")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, default = "wrr", pattern = "^(wrr|rr|wlc)$"))]
    pub scheduler: Scheduler,
    /// How long the cookie holds that a client gets with its first request: 1s to 24h; none if absent.
    #[serde(default)]
    pub cookie: Option<Length>,
    /// How its backends are probed; not at all if absent.
    #[serde(default)]
    pub health_check: Option<HealthCheck>,
}

/// A group of backends, each with its weight there.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MixGroup))]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 80))]
    pub name: String,
    /// Its members, in their order: at most 200.
    #[serde(rename = "member")]
    #[cfg_attr(feature = "openapi", schema(max_items = 200))]
    pub members: Vec<Member>,
}

/// A backend in a group.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MixMember))]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The backend's name.
    pub backend: String,
    /// Its weight in the group, 0 to 100; its own if absent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub weight: Option<u8>,
    /// Whether it waits there, as the secondary member of a primary/secondary group does; as the backend says if
    /// absent.
    #[serde(default)]
    pub waits: Option<bool>,
    /// Its probes up to now, if it is of a world.
    #[serde(skip)]
    pub probes: Option<ProbeSeries>,
    /// How it answers probes, if it is of a world and they go to another port.
    #[serde(skip)]
    pub checked: Option<(Answers, u16)>,
}

/// The place of a listener, and of a rule there if it is that which serves.
pub type ServingPlace = (usize, Option<usize>);

/// How probes of a member are answered from some instant on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeFault {
    /// When, from the first client on.
    pub at: Length,
    /// What it is a member of.
    pub of: ServingPlace,
    /// Its place among the members.
    pub member: usize,
    /// How it answers.
    pub answers: Answers,
    /// With which status.
    pub status: u16,
}

impl Scenario {
    /// How many connections come.
    pub fn connections(&self) -> u64 {
        self.clients.iter().map(|clients| clients.alone().connections(self.duration.0)).sum()
    }

    /// The place of the listener that clients come to.
    pub(super) fn listener_of(&self, clients: &Clients) -> Option<usize> {
        match &clients.listener {
            Some(name) => self.listener(name),
            None => Some(0).filter(|_| self.listeners.len() == 1),
        }
    }

    /// The place of a listener.
    pub(super) fn listener(&self, name: &str) -> Option<usize> {
        self.listeners.iter().position(|listener| listener.name == name)
    }

    /// The listeners of a load balancer.
    pub(super) fn listeners_of(&self, balancer: &str) -> impl Iterator<Item = &Listener> {
        let only = self.balancers.len() == 1;
        self.listeners.iter().filter(move |listener| match &listener.load_balancer {
            Some(name) => name == balancer,
            None => only,
        })
    }

    /// A listener and those on from there where it redirects, each once.
    pub(super) fn on_from(&self, listener: usize) -> Vec<usize> {
        let mut all = Vec::new();
        let mut next = Some(listener);
        while let Some(at) = next.filter(|at| !all.contains(at)) {
            all.push(at);
            next = self.listeners[at].redirect.as_deref().and_then(|name| self.listener(name));
        }
        all
    }

    /// The members of a group; all backends if none is named.
    pub(super) fn members(&self, group: Option<&str>) -> Vec<Member> {
        let member = |backend: &Backend| Member {
            backend: backend.name.clone(),
            weight: None,
            waits: None,
            probes: None,
            checked: None,
        };
        match group {
            Some(name) => {
                let group = self.groups.iter().find(|group| group.name == name);
                group.map(|group| group.members.clone()).unwrap_or_default()
            }
            None => self.backends.iter().map(member).collect(),
        }
    }

    /// The members of each listener that serves, and of each of its rules.
    pub(super) fn members_of(&self, listener: &Listener) -> Vec<Vec<Member>> {
        let own = || self.members(listener.group.as_deref());
        let own = if listener.redirect.is_some() {
            Vec::new()
        } else {
            listener.members.clone().unwrap_or_else(own)
        };
        let of_rule = |rule: &Rule| rule.members.clone().unwrap_or_else(|| self.members(Some(&rule.group)));
        std::iter::once(own).chain(listener.rules.iter().map(of_rule)).collect()
    }
}
