//! A listener of a world as a scenario: scheduler, stickiness, limits, health check, members and how they answer come from
//! its rows, and what the schedules of ports and outages hold for the time of the run comes as faults. Outages of the load
//! balancer's zones move it.
//!
//! Health is what the world's checks know, and goes on from there. Where the clients ask for a host and a path, the forwarding
//! rule that takes their request has its group serve, in its own way if it has one. Access control judges clients by the
//! addresses that they have `from`, and a hashing scheduler takes them where a trace says; bandwidths that are paid limit
//! what comes in.

use super::addresses::{Access, Network};
use super::bad::{BadScenario, bad};
use super::length::Length;
use super::protection::Protection;
use super::scenario::{
    Answers, Backend, Fault, HealthCheck, LONGEST, Listener, OfWorld, Scenario, ZoneChange,
};
use crate::access::Caller;
use crate::datapath::Request;
use crate::ecs::service_port::{Behaviour, PortBehaviour, PortProtocol, how_port_will_answer};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::LoadBalancerId;
use crate::slb::backend::{self, Backend as Member};
use crate::slb::health;
use crate::slb::health_check::{self, CLASSES, CheckKind};
use crate::slb::listener::{self, Protocol};
use crate::slb::listener_limits::shared_bandwidth;
use crate::slb::listener_rules::{Layer, Rules, Sticky};
use crate::slb::load_balancer::LoadBalancer;
use crate::slb::master_slave_group::Role;
use crate::slb::member::{Served, key_of};
use crate::slb::serving::{self, Serving};
use crate::slb::zones;
use crate::time::{SimTime, Span};
use crate::vpc::eip::EipStatus;
use crate::vpc::eip_binding;
use crate::world::World;

/// The bandwidth in Mbit/s of a load balancer whose traffic is paid by what has passed: the ceiling of a region.
const BY_TRAFFIC: u32 = 5_000;
/// How long a cookie of the backend's is taken to hold: the longest that one of the load balancer's does.
const SERVER_COOKIE: Span = Span::hours(24);

/// Takes the listener that a scenario names over into it; a scenario that names none stays as it is.
///
/// A backend is called `i-…:80`, `eni-…:80`, or with its address between the two if a server has several members; a fault may
/// name the server alone if it has one.
///
/// # Errors
/// [`ErrorCode::InvalidParameter`] for a scenario that describes what the world has, or a listener without backends; an
/// unknown load balancer or listener, two of one port; [`ErrorCode::ListenerStatusIncorrect`] for a listener that does not
/// forward.
pub fn take_over(w: &World, caller: &Caller, mut scenario: Scenario) -> Outcome<Scenario> {
    let Some(of_world) = scenario.of_world.take() else { return Ok(scenario) };
    check_apart(&scenario)?;
    let OfWorld { load_balancer_id, port, protocol, host, path } = of_world;
    let id: LoadBalancerId = load_balancer_id
        .parse()
        .map_err(|_| Refusal::new(ErrorCode::LoadBalancerNotFound).field("of_world/load_balancer_id"))?;
    let within = |refusal: Refusal| match refusal.details().field.clone() {
        Some(field) if field == "load_balancer_id" => refusal.field("of_world/load_balancer_id"),
        _ => refusal.field("of_world/port"),
    };
    let listener = listener::find(w, caller, id, port, protocol).map_err(within)?;
    let balancer = w.visible::<LoadBalancer>(caller, id)?;
    check_forwards(balancer, listener, "of_world/port")?;
    check_serves(listener)?;
    check_from(balancer, scenario.clients.from.as_deref(), "clients/from")?;
    let request = request_of(listener, host.as_deref(), path.as_deref())?;
    let serving = serving::of(w, listener, request.as_ref().map(Request::asked));
    let members: Vec<Served<'_>> = serving.iter().flat_map(Serving::members).collect();
    scenario.rule = serving.as_ref().and_then(|serving| serving.rule).map(|rule| rule.id.to_string());
    scenario.listener = listener_of(w, balancer, listener, serving.as_ref());
    let check = serving.as_ref().map_or(&listener.rules.health_check, |serving| serving.health_check);
    scenario.health_check = Some(check).filter(|check| check.on).map(check_of);
    scenario.protection = protection_of(w, balancer);
    let until = end_of(w, scenario.duration);
    scenario.zones = zones_of(w, balancer, until);
    for (serving, &member) in serving.iter().flat_map(|serving| members.iter().map(move |m| (serving, m))) {
        let future = Future { w, member, serving, listener, until };
        let name = future.name(&members);
        // Who names no addresses gets the bytes that names of backends have always given.
        let key = scenario.clients.from.as_ref().map(|_| key_of(&member));
        scenario.backends.push(Backend { key, ..future.backend(&name) });
        scenario.faults.extend(future.faults(&name));
    }
    if scenario.backends.is_empty() {
        return Err(Refusal::new(ErrorCode::InvalidParameter)
            .field("of_world/port")
            .detail(format!("{} has no backends.", listener.id))
            .accepted("a listener with backends"));
    }
    name_in_full(&scenario.backends, &mut scenario.faults);
    Ok(scenario)
}

/// Clients come from networks of the family of the load balancer's address.
///
/// # Errors
/// [`ErrorCode::InvalidParameter`] for this field.
pub(super) fn check_from(balancer: &LoadBalancer, from: Option<&[Network]>, field: &str) -> Outcome<()> {
    let v4 = balancer.address.is_ipv4();
    let Some(at) = from.and_then(|from| from.iter().position(|network| network.0.is_v4() != v4)) else {
        return Ok(());
    };
    let family = if v4 { "IPv4" } else { "IPv6" };
    Err(Refusal::new(ErrorCode::InvalidParameter)
        .field(format!("{field}/{at}"))
        .detail(format!("{} has an {family} address.", balancer.id))
        .accepted(format!("{family} networks")))
}

/// The access control of a listener, if it is in force.
fn access_of(w: &World, listener: &listener::Listener) -> Option<Access> {
    let access = listener.access.as_ref().filter(|access| access.on)?;
    Some(Access {
        kind: access.kind,
        networks: access.networks(w),
        empty_white_admits: w.settings().disputed.empty_white_list_admits,
    })
}

/// The bandwidth in Mbit/s of the elastic IP address by which clients come to a load balancer, if they do.
pub(super) fn eip_bandwidth_of(w: &World, balancer: &LoadBalancer) -> Option<u32> {
    let eip = eip_binding::of_balancer(w, balancer.id)?;
    (eip.status == EipStatus::InUse).then_some(eip.bandwidth)
}

/// What becomes of the zones of a load balancer, of which one serves before all.
pub(super) fn zones_of(w: &World, balancer: &LoadBalancer, until: SimTime) -> Vec<ZoneChange> {
    let told = zones::foreseen(w, balancer, until).into_iter();
    ZoneChange::all(told.map(|(at, zone)| (at - w.now(), zone.is_some())))
}

/// The bandwidth in Mbit/s of the address at which the internet comes: of the load balancer's own, or of the elastic IP address
/// that stands for it; absent if the internet does not come.
fn public_bandwidth(w: &World, balancer: &LoadBalancer) -> Option<u32> {
    match balancer.home {
        None => Some(balancer.bandwidth.map_or(BY_TRAFFIC, u32::from)),
        Some(_) => eip_bandwidth_of(w, balancer),
    }
}

/// How the address of a load balancer is protected: one of the internet.
pub(super) fn protection_of(w: &World, balancer: &LoadBalancer) -> Option<Protection> {
    public_bandwidth(w, balancer).map(Protection::of)
}

/// When a run of so long ends.
pub(super) fn end_of(w: &World, duration: Length) -> SimTime {
    SimTime(w.now().0.saturating_add(duration.0.0.min(LONGEST.0)))
}

/// What the clients ask for.
fn request_of(
    listener: &listener::Listener,
    host: Option<&str>,
    path: Option<&str>,
) -> Outcome<Option<Request>> {
    if host.is_none() && path.is_none() {
        return Ok(None);
    }
    let field = if host.is_some() { "of_world/host" } else { "of_world/path" };
    if !listener.protocol.is_http() {
        return Err(Refusal::new(ErrorCode::InvalidParameter)
            .field(field)
            .detail(format!("The listener speaks {}, which has no requests.", listener.protocol.text()))
            .accepted("neither host nor path"));
    }
    let of_world = |refusal: Refusal| {
        let field = refusal.details().field.as_deref().map(|field| field.replacen("request", "of_world", 1));
        match field {
            Some(field) => refusal.field(field),
            None => refusal,
        }
    };
    Request::new(host, path).map(Some).map_err(of_world)
}

/// What the world has is not described beside it.
fn check_apart(scenario: &Scenario) -> Result<(), BadScenario> {
    let described = [
        ("listener", scenario.listener != Listener::default()),
        ("health_check", scenario.health_check.is_some()),
        ("backend", !scenario.backends.is_empty()),
        ("protection", scenario.protection.is_some()),
        ("zone_outage", !scenario.zone_outages.is_empty()),
    ];
    match described.iter().find(|(_, is)| *is) {
        Some((field, _)) => Err(bad(field, "of_world has it; write one of the two".to_owned())),
        None => Ok(()),
    }
}

/// Clients get to what is behind a listener that runs, of a load balancer that is active and not locked.
///
/// # Errors
/// [`ErrorCode::ListenerStatusIncorrect`] for this field.
pub(super) fn check_forwards(
    balancer: &LoadBalancer,
    listener: &listener::Listener,
    field: &str,
) -> Outcome<()> {
    let detail = match (balancer.forwards(), listener.status.forwards()) {
        (true, true) => return Ok(()),
        (false, _) => format!("{} is {}.", balancer.id, balancer.status()),
        (true, false) => format!("{} does not forward.", listener.id),
    };
    Err(Refusal::new(ErrorCode::ListenerStatusIncorrect)
        .field(field)
        .detail(detail)
        .accepted("a listener that is running, of a load balancer that is active and not locked"))
}

/// Clients of one listener follow no redirect.
fn check_serves(listener: &listener::Listener) -> Outcome<()> {
    let Some(port) = listener.redirect else { return Ok(()) };
    Err(Refusal::new(ErrorCode::ListenerStatusIncorrect)
        .field("of_world/port")
        .detail(format!("It sends clients to port {port}."))
        .accepted("the listener of that port, or a mix, whose clients may follow"))
}

/// A listener as it is at work; where a rule of it serves, as that has it do.
pub(super) fn listener_of(
    w: &World,
    balancer: &LoadBalancer,
    listener: &listener::Listener,
    serving: Option<&Serving<'_>>,
) -> Listener {
    let Rules { scheduler, layer, .. } = &listener.rules;
    let scheduler = serving.map_or(*scheduler, |serving| serving.scheduler);
    let seconds = |seconds: u32| Length(Span::seconds(seconds.into()));
    let (mut persistence, mut drain, mut cookie) = (0, 0, None);
    let (idle, answer) = match layer {
        Layer::Four(layer) => {
            (persistence, drain) = (layer.persistence, layer.drains().unwrap_or(0));
            // A listener of UDP has no such parameter.
            ((listener.protocol == Protocol::Tcp).then_some(layer.established), None)
        }
        Layer::Seven(layer) => {
            cookie = match serving.and_then(|serving| serving.sticky).unwrap_or(&layer.sticky) {
                Sticky::Off => None,
                Sticky::Insert(lasts) => Some(seconds(*lasts)),
                Sticky::Server(_) => Some(Length(SERVER_COOKIE)),
            };
            (Some(layer.idle), Some(layer.request))
        }
    };
    let running_for = listener.started.map_or(Span::ZERO, |started| w.now() - started);
    Listener {
        protocol: listener.protocol,
        scheduler,
        persistence: seconds(persistence.into()),
        cookie,
        drain: seconds(drain.into()),
        idle_timeout: idle.map(|idle| seconds(idle.into())),
        request_timeout: answer.map(|answer| seconds(answer.into())),
        spec: balancer.spec,
        bandwidth: listener.rules.bandwidth.map(u32::from),
        eip_bandwidth: eip_bandwidth_of(w, balancer),
        shared_bandwidth: shared_bandwidth(w, balancer),
        access: access_of(w, listener),
        running_for: Length(running_for.min(LONGEST)),
        ..Listener::default()
    }
}

pub(super) fn check_of(check: &health_check::HealthCheck) -> HealthCheck {
    let classes = CLASSES.iter().enumerate().filter(|(at, _)| check.classes & 1 << at != 0);
    HealthCheck {
        interval: Length(Span::seconds(check.interval.into())),
        timeout: Length(Span::seconds(check.timeout.into())),
        healthy: check.healthy,
        unhealthy: check.unhealthy,
        kind: Some(check.kind),
        codes: classes.map(|(_, class)| (*class).to_owned()).collect(),
        expects_answer: !check.expected.is_empty(),
    }
}

/// A member and how it answers during the run.
pub(super) struct Future<'a> {
    pub w: &'a World,
    pub member: Served<'a>,
    pub serving: &'a Serving<'a>,
    pub listener: &'a listener::Listener,
    pub until: SimTime,
}

impl Future<'_> {
    fn name(&self, members: &[Served<'_>]) -> String {
        let Served { backend: Member { server, address, .. }, port, .. } = self.member;
        let same = members.iter().filter(|other| other.backend.server == *server && other.port == port);
        match address.filter(|_| same.count() > 1) {
            Some(address) => format!("{}:{address}:{port}", server.id()),
            None => format!("{}:{port}", server.id()),
        }
    }

    fn answers(&self, protocol: PortProtocol, port: u16) -> Vec<(SimTime, Answers, u16)> {
        let silent = vec![(self.w.now(), Answers::Silent, 200)];
        let Member { server, address, .. } = self.member.backend;
        let Some((eni, _)) = backend::serving(self.w, *server, *address) else { return silent };
        let found = how_port_will_answer(self.w, eni, protocol, port, self.until);
        let told = found.into_iter().map(|(at, found)| match found {
            PortBehaviour::Up(Behaviour::Answers { after, status }) => (at, Answers::After(after), status),
            PortBehaviour::Up(Behaviour::Refuses) => (at, Answers::Refuses, 200),
            PortBehaviour::Up(Behaviour::Silent) | PortBehaviour::Down(_) => (at, Answers::Silent, 200),
        });
        told.collect()
    }

    /// The port that clients come to.
    pub(super) fn served(&self) -> (PortProtocol, u16) {
        let udp = self.listener.protocol == Protocol::Udp;
        (if udp { PortProtocol::Udp } else { PortProtocol::Tcp }, self.member.port)
    }

    /// The port that is checked, if it is another one.
    fn checked(&self) -> Option<(PortProtocol, u16)> {
        let check = self.serving.health_check;
        let udp = check.kind == CheckKind::Udp;
        let protocol = if udp { PortProtocol::Udp } else { PortProtocol::Tcp };
        Some((protocol, check.port.unwrap_or(self.member.port))).filter(|checked| *checked != self.served())
    }

    /// How the port answers that clients come to.
    pub(super) fn to_clients(&self) -> Vec<(SimTime, Answers, u16)> {
        let (protocol, port) = self.served();
        self.answers(protocol, port)
    }

    /// How the port answers that is checked, if it is another one.
    pub(super) fn to_probes(&self) -> Vec<(SimTime, Answers, u16)> {
        self.checked().map(|(protocol, port)| self.answers(protocol, port)).unwrap_or_default()
    }

    /// The member as a backend.
    pub(super) fn backend(&self, name: &str) -> Backend {
        let (_, answers, status) = self.to_clients()[0];
        let checked = self.to_probes().first().copied();
        Backend {
            name: name.to_owned(),
            weight: self.member.backend.weight,
            answers,
            status,
            check_answers: checked.map(|(_, answers, _)| answers),
            check_status: checked.map(|(_, _, status)| status),
            waits: self.member.role == Some(Role::Secondary),
            probes: health::series(self.w, self.listener, self.serving, self.member)
                .map(|series| series.counted_from(self.w.now())),
            key: None,
        }
    }

    fn faults(&self, name: &str) -> Vec<Fault> {
        let at = |at: SimTime| Fault::of(Length(at - self.w.now()), name);
        let clients = self.to_clients().into_iter().skip(1).map(|(when, answers, status)| Fault {
            answers: Some(answers),
            status: Some(status),
            ..at(when)
        });
        let mut faults: Vec<Fault> = clients.collect();
        for (when, answers, status) in self.to_probes().into_iter().skip(1) {
            let (check_answers, check_status) = (Some(answers), Some(status));
            let together = faults.iter_mut().find(|fault| fault.at.0 == when - self.w.now());
            match together {
                Some(fault) => (fault.check_answers, fault.check_status) = (check_answers, check_status),
                None => faults.push(Fault { check_answers, check_status, ..at(when) }),
            }
        }
        faults
    }
}

/// A fault that names a server alone means its one member.
pub(super) fn name_in_full(backends: &[Backend], faults: &mut [Fault]) {
    for fault in faults {
        let named = |backend: &&Backend| backend.name.split(':').next() == Some(&fault.backend);
        let mut of_server = backends.iter().filter(named);
        if let (Some(backend), None) = (of_server.next(), of_server.next()) {
            fault.backend.clone_from(&backend.name);
        }
    }
}
