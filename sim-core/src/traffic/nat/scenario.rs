//! What is simulated: hosts, where they connect to, and the SNAT entry that takes them there.

use crate::ecs::service_port::PortProtocol;
use crate::time::Span;
use crate::traffic::bad::{BadScenario, bad, between, number};
use crate::traffic::length::Length;
use crate::traffic::scenario::{LONGEST, MAX_SEED, MOST_CONNECTIONS};
use serde::Deserialize;

/// How many sessions an address has at once to one destination address and port (provider documentation: NAT gateway, Limits).
pub const PORTS: u32 = 55_000;
/// The most addresses of an SNAT entry (provider documentation: NAT gateway, Limits).
const MOST_ADDRESSES: u32 = 64;
/// How long a session without packets is remembered over TCP and over UDP (provider documentation: NAT gateway FAQ).
const IDLE_TCP: Span = Span::seconds(900);
const IDLE_UDP: Span = Span::seconds(60);
/// How long the port of a closed session stays taken: nf_conntrack_tcp_timeout_time_wait of the Linux kernel.
const TIME_WAIT: Span = Span::seconds(120);

/// A whole scenario of hosts behind a NAT gateway.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NatTrafficScenario))]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What draws grow from: 0 to 9007199254740991, which every reader of JSON keeps whole.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 9_007_199_254_740_991_i64))]
    pub seed: u64,
    /// How long hosts connect.
    pub duration: Length,
    /// Who connects, and to where.
    pub hosts: Hosts,
    /// The SNAT entry of a world that takes them out: its addresses and its affinity are taken over.
    #[serde(default)]
    pub of_world: Option<OfWorld>,
    /// The gateway, and the entry that takes them out.
    #[serde(default)]
    pub nat: Nat,
}

/// An SNAT entry of a world.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NatTrafficOfWorld))]
#[serde(deny_unknown_fields)]
pub struct OfWorld {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "snat-bp1vcgcf8tm0plqcg4cs0"))]
    pub snat_entry_id: String,
}

/// Hosts that connect to the internet.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NatTrafficHosts))]
#[serde(deny_unknown_fields)]
pub struct Hosts {
    /// How many there are: 1 to 1,000,000. Each connection is drawn to one of them.
    #[serde(default = "Hosts::usual_number")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub number: u32,
    /// New connections a second, of all of them, evenly spaced: 1 to 1,000,000.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub rate: u32,
    /// To how many different addresses and ports: 1 to 1,000. Each connection is drawn to one of them.
    #[serde(default = "Hosts::usual_destinations")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000))]
    pub destinations: u32,
    /// What they speak: tcp or udp.
    #[serde(default = "Hosts::usual_protocol")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^(tcp|udp)$", default = "tcp"))]
    pub protocol: PortProtocol,
    /// How long a connection lasts at least: until it is closed or abandoned.
    #[serde(default = "Hosts::usual_length")]
    pub connection: Length,
    /// How long it lasts at most; `connection` if absent. Each is drawn evenly between the two.
    #[serde(default)]
    pub connection_max: Option<Length>,
    /// How long a connection is silent between two requests over it; never if absent.
    #[serde(default)]
    pub interval: Option<Length>,
    /// How many of a hundred connections over TCP nobody closes, so that they hold their port until they are forgotten.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub abandoned: u8,
}

impl Hosts {
    fn usual_number() -> u32 {
        100
    }

    fn usual_destinations() -> u32 {
        1
    }

    fn usual_protocol() -> PortProtocol {
        PortProtocol::Tcp
    }

    fn usual_length() -> Length {
        Length(Span::seconds(1))
    }
}

/// A NAT gateway and the SNAT entry that is used.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NatTrafficGateway))]
#[serde(deny_unknown_fields)]
pub struct Nat {
    /// How many elastic IP addresses the entry has: 1 to 64. An entry of a world has its own.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 64, default = 1))]
    pub addresses: Option<u32>,
    /// Whether a host keeps one of the addresses; drawn for each session if not. An entry of a world says so itself.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(default = false))]
    pub affinity: Option<bool>,
    /// How many sessions an address has at once to one destination: 1 to 64,511; the documented 55,000 if absent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 64_511, default = 55_000))]
    pub ports: Option<u32>,
    /// How long a session without packets is remembered: 1s to 24h; the documented 900 s of TCP and 60 s of UDP if absent.
    #[serde(default)]
    pub idle_timeout: Option<Length>,
    /// How long the port of a closed session over TCP stays taken: 0s to 24h; 120s if absent.
    #[serde(default)]
    pub time_wait: Option<Length>,
    /// The specification of the gateway, whose limits hold where none is written; none if absent, as of a gateway that is paid
    /// by use.
    #[serde(default)]
    pub spec: Option<NatSpec>,
    /// Sessions at once at most; the specification's limit if absent.
    #[serde(default)]
    pub max_connections: Option<u32>,
    /// New sessions a second at most; the specification's limit if absent.
    #[serde(default)]
    pub new_per_second: Option<u32>,
    /// The ids of the addresses, if they are of a world.
    #[serde(skip)]
    pub eips: Vec<String>,
}

/// A specification of NAT gateways (provider documentation: Overview of NAT gateways, 2021; newer gateways are paid by use and
/// have none).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NatTrafficSpec))]
pub enum NatSpec {
    /// 10,000 sessions at once, 1,000 new ones a second.
    #[serde(rename = "small")]
    Small,
    /// 50,000 and 5,000.
    #[serde(rename = "middle")]
    Middle,
    /// 200,000 and 10,000.
    #[serde(rename = "large")]
    Large,
    /// 1,000,000 and 50,000.
    #[serde(rename = "xlarge.1")]
    XLarge1,
}

impl NatSpec {
    /// Sessions at once, and new ones a second.
    pub const fn limits(self) -> (u32, u32) {
        match self {
            NatSpec::Small => (10_000, 1_000),
            NatSpec::Middle => (50_000, 5_000),
            NatSpec::Large => (200_000, 10_000),
            NatSpec::XLarge1 => (1_000_000, 50_000),
        }
    }
}

impl Scenario {
    /// How many addresses the entry has.
    pub fn addresses(&self) -> usize {
        self.nat.addresses.unwrap_or(1) as usize
    }

    /// What an address is called: its id in the world, or a number.
    pub(super) fn name(&self, address: usize) -> String {
        self.nat.eips.get(address).cloned().unwrap_or_else(|| format!("eip-{}", address + 1))
    }

    /// How many sessions an address has at once to one destination.
    pub fn ports(&self) -> u32 {
        self.nat.ports.unwrap_or(PORTS)
    }

    /// How long a session without packets is remembered.
    pub fn idle_timeout(&self) -> Length {
        let usual = if self.hosts.protocol == PortProtocol::Tcp { IDLE_TCP } else { IDLE_UDP };
        self.nat.idle_timeout.unwrap_or(Length(usual))
    }

    /// How long the port of a closed session stays taken.
    pub fn time_wait(&self) -> Length {
        self.nat.time_wait.unwrap_or(Length(TIME_WAIT))
    }

    /// The most sessions at once and the most new ones a second.
    pub fn limits(&self) -> (Option<u32>, Option<u32>) {
        let spec = self.nat.spec.map(NatSpec::limits);
        let (open, new) = (spec.map(|(open, _)| open), spec.map(|(_, new)| new));
        (self.nat.max_connections.or(open), self.nat.new_per_second.or(new))
    }

    /// How many connections are tried.
    pub fn connections(&self) -> u64 {
        (self.duration.0.0.unsigned_abs() * u64::from(self.hosts.rate)).div_ceil(1_000)
    }

    /// How many sessions a run may have to make: over UDP a flow that was silent for too long comes anew.
    pub fn sessions(&self) -> u64 {
        let hosts = &self.hosts;
        let udp = hosts.protocol == PortProtocol::Udp;
        let idle = self.idle_timeout().0;
        let anew = hosts.interval.map(|interval| interval.0).filter(|interval| udp && *interval > idle);
        let longest = hosts.connection_max.unwrap_or(hosts.connection).0.min(self.duration.0);
        let more = anew.map_or(0, |interval| longest.0.unsigned_abs() / interval.0.unsigned_abs());
        self.connections().saturating_mul(more + 1)
    }

    /// Checks what the form alone does not.
    ///
    /// # Errors
    /// The first field that is out of its range.
    pub fn check(&self) -> Result<(), BadScenario> {
        if self.of_world.is_some() {
            let problem = "a server has the world; write nat here with the number of addresses";
            return Err(bad("of_world", problem.to_owned()));
        }
        if self.seed > MAX_SEED {
            return Err(bad("seed", format!("{} is out of range; write 0 to {MAX_SEED}", self.seed)));
        }
        between("duration", self.duration.0, Span(1), LONGEST)?;
        self.check_hosts()?;
        self.check_nat()
    }

    fn check_hosts(&self) -> Result<(), BadScenario> {
        let Hosts { connection, connection_max, interval, abandoned, .. } = self.hosts;
        number("hosts.number", self.hosts.number, 1, 1_000_000)?;
        number("hosts.rate", self.hosts.rate, 1, 1_000_000)?;
        number("hosts.destinations", self.hosts.destinations, 1, 1_000)?;
        between("hosts.connection", connection.0, Span::ZERO, LONGEST)?;
        if let Some(most) = connection_max {
            between("hosts.connection_max", most.0, connection.0, LONGEST)?;
        }
        if let Some(interval) = interval {
            between("hosts.interval", interval.0, Span(1), LONGEST)?;
        }
        number("hosts.abandoned", abandoned.into(), 0, 100)?;
        if abandoned > 0 && self.hosts.protocol == PortProtocol::Udp {
            let problem = "over UDP nobody closes anything; write it for tcp alone";
            return Err(bad("hosts.abandoned", problem.to_owned()));
        }
        let sessions = self.sessions();
        if sessions > MOST_CONNECTIONS {
            let problem = format!("{sessions} connections and flows are more than {MOST_CONNECTIONS}");
            return Err(bad("hosts.rate", problem));
        }
        Ok(())
    }

    fn check_nat(&self) -> Result<(), BadScenario> {
        number("nat.addresses", self.nat.addresses.unwrap_or(1), 1, MOST_ADDRESSES)?;
        // 1,024 ports are not given to sessions by any NAT that keeps to RFC 4787.
        number("nat.ports", self.ports(), 1, 64_511)?;
        between("nat.idle_timeout", self.idle_timeout().0, Span::seconds(1), Span::hours(24))?;
        between("nat.time_wait", self.time_wait().0, Span::ZERO, Span::hours(24))?;
        if self.nat.time_wait.is_some() && self.hosts.protocol == PortProtocol::Udp {
            let problem = "over UDP nobody closes anything; write idle_timeout instead";
            return Err(bad("nat.time_wait", problem.to_owned()));
        }
        Ok(())
    }
}
