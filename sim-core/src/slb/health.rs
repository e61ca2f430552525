//! The health of what stands behind listeners.
//!
//! Nothing ticks, and nothing is scheduled: a row keeps the series of probes of one member as it was when the way in which
//! the member answers last changed, and who asks for the health follows the series from there to the present (see
//! [`crate::balancing::probe_series`]). A month without a change costs nothing, whatever the number of members.
//!
//! The prober is one, as a verdict is shared among the provider's nodes. A member is probed while its listener runs with
//! its check on. The first probe starts when the listener starts; that of a member that comes later, or under changed
//! parameters, at the next instant that is a whole number of intervals after it. Security groups do not hold probes up
//! (provider documentation: health checks, 2021). A new member is `unavailable` until enough probes succeeded or failed,
//! and takes no traffic until then; the provider does not tell, so this is chosen. Of a primary/secondary group the primary
//! member alone is probed.

use crate::access::Caller;
use crate::balancing::probe_series::{Answering, Health, ProbeSeries};
use crate::ecs::eni::Eni;
use crate::ecs::instance::Instance;
use crate::ecs::outage::{Outage, OutageTarget};
use crate::ecs::service_port::{PortProtocol, how_port_answers};
use crate::error::Outcome;
use crate::id::{EniId, ForwardingRuleId, Id, IdNumber, InstanceId, ListenerId, LoadBalancerId};
use crate::slb::backend::{self, Backend, Server};
use crate::slb::forwarding_rule::ForwardingRule;
use crate::slb::health_check::HealthCheck;
use crate::slb::listener::{self, Listener, Protocol};
use crate::slb::load_balancer::LoadBalancer;
use crate::slb::master_slave_group::Role;
use crate::slb::member::Served;
use crate::slb::server_group::VServerGroup;
use crate::slb::serving::{self, Serving};
use crate::table::Row;
use crate::time::{SimTime, Span};
use crate::vpc::vswitch::VSwitch;
use crate::world::{Indexes, Mark, Undo, World};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// What the check of a member is known by: the listener and the forwarding rule, if it serves by one, and the server with the
/// port; an interface by its address too.
type Key = (ListenerId, Option<ForwardingRuleId>, Server, Option<Ipv4Addr>, u16);

/// The check of a member by a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendCheck {
    /// Who checks.
    pub listener: ListenerId,
    /// The forwarding rule by which the member serves; absent if the listener's own pool has it.
    pub rule: Option<ForwardingRuleId>,
    /// What serves.
    pub server: Server,
    /// The address that was named for the member; matters to its key if it is an interface.
    pub address: Option<Ipv4Addr>,
    /// The port at which it serves, which need not be the one that is probed.
    pub port: u16,
    /// The interface that answers; absent if the server is gone.
    pub eni: Option<EniId>,
    /// The protocol and the port that are probed.
    pub asks: (PortProtocol, u16),
    /// The probes as they were when the member last changed the way in which it answers.
    pub series: ProbeSeries,
}

/// What is derived from checks.
#[derive(Clone, Debug, Default)]
pub struct BackendCheckIndex {
    /// By the interface that answers and what is asked of it.
    by_asked: BTreeSet<(EniId, PortProtocol, u16, Key)>,
    /// By the instants at which a verdict falls if the members go on to answer as they do.
    by_verdict: BTreeSet<(SimTime, Key)>,
}

impl BackendCheckIndex {
    /// When a verdict falls first after `at`: never after the last instant of all.
    fn verdict_after(&self, at: SimTime) -> Option<SimTime> {
        if at == SimTime::MAX {
            return None;
        }
        let later = (at + Span(1), first_key(first_listener()));
        self.by_verdict.range(later..).next().map(|(falls, _)| *falls)
    }

    /// The checks that ask an interface, at one port or at any.
    fn of(&self, eni: EniId, asks: Option<(PortProtocol, u16)>) -> impl Iterator<Item = Key> + use<'_> {
        let (protocol, port) = asks.unwrap_or((PortProtocol::Tcp, 0));
        let from = self.by_asked.range((eni, protocol, port, first_key(first_listener()))..);
        let same = move |at: &&(EniId, PortProtocol, u16, Key)| {
            at.0 == eni && asks.is_none_or(|asks| asks == (at.1, at.2))
        };
        from.take_while(same).map(|at| at.3)
    }

    /// The interfaces that are asked, once for each check.
    fn interfaces(&self) -> impl Iterator<Item = EniId> {
        self.by_asked.iter().map(|at| at.0)
    }
}

fn first_listener() -> ListenerId {
    ListenerId::from_number(*IdNumber::of_counter(0).start())
}

/// The least key of a listener's checks.
fn first_key(listener: ListenerId) -> Key {
    let server = Server::Instance(InstanceId::from_number(*IdNumber::of_counter(0).start()));
    (listener, None, server, None, 0)
}

impl Row for BackendCheck {
    type Key = Key;
    type Index = BackendCheckIndex;

    fn key(&self) -> Key {
        key_of(self.listener, self.rule, self.server, self.address, self.port)
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let ix = &mut indexes.backend_checks;
        for verdict in old.into_iter().flat_map(verdicts) {
            ix.by_verdict.remove(&verdict);
        }
        ix.by_verdict.extend(new.into_iter().flat_map(verdicts));
        let asked =
            |check: Option<&Self>| check.and_then(|check| Some((check.eni?, check.asks, check.key())));
        let (old, new) = (asked(old), asked(new));
        // A verdict that is worked out anew is no other question.
        if old == new {
            return;
        }
        if let Some((eni, (protocol, port), key)) = old {
            ix.by_asked.remove(&(eni, protocol, port, key));
        }
        if let Some((eni, (protocol, port), key)) = new {
            ix.by_asked.insert((eni, protocol, port, key));
        }
    }
}

/// The instants at which what is known of a member changes if it goes on to answer as it does: two at most, since a probe that
/// is lost for certain may end before the others tell.
fn verdicts(check: &BackendCheck) -> impl Iterator<Item = (SimTime, Key)> + use<> {
    let (mut series, key) = (check.series, check.key());
    let falls = std::iter::from_fn(move || {
        let falls = series.next_change()?;
        series.bring_to(falls);
        Some((falls, key))
    });
    falls.take(2)
}

/// When a verdict on some member falls first after the present instant if all go on to answer as they do: no timer fires
/// then, but what is shown changes.
pub fn next_verdict(w: &World) -> Option<SimTime> {
    w.indexes().backend_checks.verdict_after(w.now())
}

/// What is known of a member's health at the present instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberHealth {
    /// What is reported. A member of weight 0 gets nothing and is reported as healthy (provider documentation: health check
    /// FAQ, 2021); one that is not probed as unavailable.
    pub health: Health,
    /// Since when; absent if no verdict has fallen.
    pub since: Option<SimTime>,
    /// When a verdict falls next if nothing changes; absent if none does.
    pub next_change: Option<SimTime>,
    /// Whether the listener lets it take new connections, as far as health and weight go: it has a weight, and is healthy or
    /// not checked at all; a secondary member, if the primary one takes none.
    pub takes_traffic: bool,
}

/// The listeners whose members' health is asked for: the one on a port, or all of a load balancer; of one protocol if one is
/// named.
///
/// # Errors
/// Those of [`listener::find`]; an unknown load balancer.
pub fn listeners_asked<'w>(
    w: &'w World,
    caller: &Caller,
    balancer: LoadBalancerId,
    port: Option<u16>,
    protocol: Option<Protocol>,
) -> Outcome<Vec<&'w Listener>> {
    if let Some(port) = port {
        return Ok(vec![listener::find(w, caller, balancer, port, protocol)?]);
    }
    w.visible::<LoadBalancer>(caller, balancer)?;
    let fits = |l: &&Listener| protocol.is_none_or(|protocol| l.protocol == protocol);
    Ok(listener::of(w, balancer).filter(fits).collect())
}

/// Whether a listener probes at present the members that serve it in this way.
pub fn probes(listener: &Listener, serving: &Serving<'_>) -> bool {
    listener.started.is_some() && serving.health_check.on
}

/// The health of a member that serves a listener.
pub fn of_member(w: &World, listener: &Listener, serving: &Serving<'_>, member: Served<'_>) -> MemberHealth {
    let weighs = member.backend.weight > 0;
    if member.role == Some(Role::Secondary) {
        let mut primary = serving.checked();
        let waits = primary.any(|primary| of_member(w, listener, serving, primary).takes_traffic);
        let takes_traffic = weighs && !waits && listener.started.is_some();
        return MemberHealth { health: Health::Unavailable, since: None, next_change: None, takes_traffic };
    }
    let Some(series) = series(w, listener, serving, member) else {
        let (health, takes_traffic) = (Health::Unavailable, weighs && !serving.health_check.on);
        return MemberHealth { health, since: None, next_change: None, takes_traffic };
    };
    if !weighs {
        return MemberHealth { health: Health::Normal, since: None, next_change: None, takes_traffic: false };
    }
    let health = series.health();
    MemberHealth {
        health,
        since: series.since(),
        next_change: series.next_change(),
        takes_traffic: health == Health::Normal,
    }
}

/// The probes of a member by its listener as they are at the present instant; absent if it is not probed.
pub fn series(
    w: &World,
    listener: &Listener,
    serving: &Serving<'_>,
    member: Served<'_>,
) -> Option<ProbeSeries> {
    let mut series = w.get::<BackendCheck>(&key(listener, serving, member))?.series;
    series.bring_to(w.now());
    Some(series)
}

fn key(listener: &Listener, serving: &Serving<'_>, member: Served<'_>) -> Key {
    let Served { backend: &Backend { server, address, .. }, port, .. } = member;
    key_of(listener.id, serving.rule.map(|rule| rule.id), server, address, port)
}

fn key_of(
    listener: ListenerId,
    rule: Option<ForwardingRuleId>,
    server: Server,
    address: Option<Ipv4Addr>,
    port: u16,
) -> Key {
    (listener, rule, server, address.filter(|_| matches!(server, Server::Eni(_))), port)
}

/// How a member answers probes now. Nothing comes back from a server that is gone or has lost the address.
fn answering(
    w: &World,
    check: &HealthCheck,
    server: Server,
    address: Option<Ipv4Addr>,
    port: u16,
) -> Answering {
    let (protocol, asked) = check.asks(port);
    let served = backend::serving(w, server, address);
    let found = served.map(|(eni, _)| how_port_answers(w, eni, protocol, asked));
    check.answering(found)
}

/// When a series of probes starts that begins at `now`: at the listener's next turn.
fn next_turn(listener: &Listener, check: &HealthCheck, now: SimTime) -> SimTime {
    let Some(started) = listener.started else { return now };
    let (passed, interval) = ((now - started).0, check.rhythm().interval.0);
    started + Span((passed + interval - 1) / interval * interval)
}

/// Whose parameters changed, so that its series of probes begin anew.
#[derive(Default)]
struct Anew {
    /// The listener's.
    listener: bool,
    /// Those of its forwarding rules: their own, or because they took to the listener's or left them.
    rules: BTreeSet<ForwardingRuleId>,
}

impl Anew {
    /// Whether the members that serve in this way are probed otherwise.
    fn holds(&self, serving: &Serving<'_>) -> bool {
        match serving.rule {
            None => self.listener,
            Some(rule) => self.rules.contains(&rule.id) || (rule.own.is_none() && self.listener),
        }
    }
}

/// What changed so that checks have to follow.
#[derive(Default)]
struct Touched {
    /// Listeners whose members may be others, and whose parameters are.
    listeners: BTreeMap<ListenerId, Anew>,
    /// Interfaces that may answer in another way.
    enis: BTreeSet<EniId>,
    /// Ports of interfaces that may.
    ports: BTreeSet<(EniId, PortProtocol, u16)>,
}

/// Lets checks follow what changed since `from`: whatever a row says that a check hangs on, it is seen here, so that
/// no resource has to know of health checks.
pub(crate) fn follow(w: &mut World, from: Mark) {
    let Touched { listeners, enis, ports } = touched(w, from);
    for (&listener, anew) in &listeners {
        match_members(w, listener, anew);
    }
    let ix = &w.indexes().backend_checks;
    let of_enis = enis.into_iter().flat_map(|eni| ix.of(eni, None));
    let of_ports = ports.into_iter().flat_map(|(eni, protocol, port)| ix.of(eni, Some((protocol, port))));
    // A listener that was looked at is up to date.
    let asked = of_enis.chain(of_ports).filter(|key| !listeners.contains_key(&key.0));
    for key in asked.collect::<Vec<Key>>() {
        ask_again(w, &key);
    }
}

fn touched(w: &World, from: Mark) -> Touched {
    let mut touched = Touched::default();
    for undo in w.changed_since(from) {
        match undo {
            Undo::listeners(id, old) => {
                let (old, new) = (old.as_deref(), w.get::<Listener>(id));
                let anew = old.map(|l| &l.rules.health_check) != new.map(|l| &l.rules.health_check);
                touched.listeners.entry(*id).or_default().listener |= anew;
            }
            Undo::forwarding_rules(id, old) => touched.by_rule(w, *id, old.as_deref()),
            Undo::vserver_groups(id, old) => {
                let new = w.get::<VServerGroup>(id);
                if old.as_deref().map(|group| &group.backends) != new.map(|group| &group.backends) {
                    let rules = w.indexes().forwarding_rules.by_group.of(id);
                    let by_rule =
                        rules.filter_map(|id| w.get::<ForwardingRule>(id)).map(|rule| rule.listener);
                    touched.members_of(w.indexes().listeners.by_group.of(id).copied().chain(by_rule));
                }
            }
            Undo::master_slave_groups(id, _) => {
                touched.members_of(w.indexes().listeners.by_pair.of(id).copied());
            }
            Undo::load_balancers(id, old) => {
                let new = w.get::<LoadBalancer>(id);
                if old.as_deref().map(|balancer| &balancer.backends) != new.map(|balancer| &balancer.backends)
                {
                    touched.members_of(listener::of(w, *id).map(|l| l.id));
                }
            }
            Undo::service_ports((instance, protocol, port), _) => {
                let enis = w.indexes().enis.by_instance.of(instance);
                touched.ports.extend(enis.map(|eni| (*eni, *protocol, *port)));
            }
            Undo::instances(id, old) => {
                let status = |instance: &Instance| instance.status;
                if old.as_deref().map(status) != w.get::<Instance>(id).map(status) {
                    touched.interfaces_of(w, *id);
                }
            }
            Undo::enis(id, _) => {
                touched.enis.insert(*id);
            }
            Undo::outages(id, old) => {
                for outage in [old.as_deref(), w.get::<Outage>(id)].into_iter().flatten() {
                    touched.cut_off(w, outage);
                }
            }
            _ => {}
        }
    }
    touched
}

impl Touched {
    fn members_of(&mut self, listeners: impl Iterator<Item = ListenerId>) {
        for listener in listeners {
            self.listeners.entry(listener).or_default();
        }
    }

    /// A forwarding rule came, went or is another.
    fn by_rule(&mut self, w: &World, id: ForwardingRuleId, old: Option<&ForwardingRule>) {
        let new = w.get::<ForwardingRule>(&id);
        let Some(listener) = old.or(new).map(|rule| rule.listener) else { return };
        let anew = self.listeners.entry(listener).or_default();
        let Some(l) = w.get::<Listener>(&listener) else { return };
        if old.map(|rule| rule.check(l)) != new.map(|rule| rule.check(l)) {
            anew.rules.insert(id);
        }
    }

    fn interfaces_of(&mut self, w: &World, instance: InstanceId) {
        self.enis.extend(w.indexes().enis.by_instance.of(&instance));
    }

    fn cut_off(&mut self, w: &World, outage: &Outage) {
        match &outage.target {
            OutageTarget::Eni(id) => {
                self.enis.insert(*id);
            }
            OutageTarget::Instance(id) => self.interfaces_of(w, *id),
            OutageTarget::Zone(zone) => {
                let probed: BTreeSet<EniId> = w.indexes().backend_checks.interfaces().collect();
                let inside = |eni: &Eni| {
                    eni.owner == outage.owner
                        && w.get::<VSwitch>(&eni.vswitch).is_some_and(|vswitch| vswitch.zone == *zone)
                };
                self.enis.extend(probed.into_iter().filter(|id| w.get::<Eni>(id).is_some_and(inside)));
            }
        }
    }
}

/// The checks of a listener.
fn of_listener(w: &World, id: ListenerId) -> impl Iterator<Item = &BackendCheck> {
    let from = w.table::<BackendCheck>().range(first_key(id)..);
    from.take_while(move |check| check.listener == id)
}

/// Makes the checks of a listener those of its members. Where parameters changed, they begin anew, with the health that was
/// known.
fn match_members(w: &mut World, id: ListenerId, anew: &Anew) {
    let there: Vec<Key> = of_listener(w, id).map(Row::key).collect();
    let mut wanted: BTreeMap<Key, BackendCheck> = BTreeMap::new();
    if let Some(listener) = w.get::<Listener>(&id) {
        for serving in serving::all(w, listener).iter().filter(|serving| probes(listener, serving)) {
            let check = |member| check_of(w, listener, serving, member, anew.holds(serving));
            wanted.extend(serving.checked().map(check).map(|check| (check.key(), check)));
        }
    }
    for key in there.iter().filter(|key| !wanted.contains_key(key)) {
        w.remove::<BackendCheck>(key);
    }
    for (key, check) in wanted {
        if w.get::<BackendCheck>(&key) != Some(&check) {
            w.put(check);
        }
    }
}

/// The check of a member as it is to be now.
fn check_of(
    w: &World,
    listener: &Listener,
    serving: &Serving<'_>,
    member: Served<'_>,
    anew: bool,
) -> BackendCheck {
    let (check, now) = (serving.health_check, w.now());
    let start = next_turn(listener, check, now);
    let Served { backend: &Backend { server, address, .. }, port, .. } = member;
    let answering = answering(w, check, server, address, port);
    let series = match w.get::<BackendCheck>(&key(listener, serving, member)).map(|check| check.series) {
        Some(series) if anew => series.anew(now, check.rhythm(), answering, start),
        Some(series) => series.changed(now, answering),
        None => ProbeSeries::new(check.rhythm(), answering, start),
    };
    let (eni, asks, rule) =
        (backend::interface(w, server), check.asks(port), serving.rule.map(|rule| rule.id));
    BackendCheck { listener: listener.id, rule, server, address, port, eni, asks, series }
}

/// Lets the check of a member see how it answers now.
fn ask_again(w: &mut World, key: &Key) {
    let Some(check) = w.get::<BackendCheck>(key) else { return };
    let Some(listener) = w.get::<Listener>(&check.listener) else { return };
    let rule = check.rule.and_then(|rule| w.get::<ForwardingRule>(&rule));
    let parameters = rule.map_or(&listener.rules.health_check, |rule| rule.check(listener));
    let (answering, now) = (answering(w, parameters, check.server, check.address, check.port), w.now());
    if check.series.answering() != answering {
        w.update::<BackendCheck>(key, |check| check.series.change(now, answering));
    }
}
