//! A listener: what a load balancer does with what comes to one port.
//!
//! It is known by load balancer, port and protocol family: one of TCP, HTTP and HTTPS may share a port with one of UDP. It
//! is born stopped and forwards once it is started (provider documentation: CreateLoadBalancerTCPListener,
//! StartLoadBalancerListener). Changes are done when they are answered, unless provisioning is documented.

use crate::access::{Caller, Owner};
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{
    AccessControlListId, AnyId, ListenerId, LoadBalancerId, MasterSlaveGroupId, TlsPolicyId, VServerGroupId,
};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::settings::{Provisioning, Work};
use crate::slb::domain_extension;
use crate::slb::forwarding_rule;
use crate::slb::listener_access::{Access, AccessSettings, take_access};
use crate::slb::listener_certificates;
use crate::slb::listener_group;
use crate::slb::listener_limits;
use crate::slb::listener_rules::{Rules, Settings};
use crate::slb::load_balancer::LoadBalancer;
pub use crate::slb::protocol::Protocol;
use crate::slb::tls_policy;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::timer::Due;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a listener is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListenerStatus {
    /// It does not forward.
    Stopped,
    /// It will soon.
    Starting,
    /// It forwards.
    Running,
    /// It is being changed; it forwards if it did.
    Configuring {
        /// Whether it forwards.
        running: bool,
    },
    /// It will soon not forward any more.
    Stopping,
}

impl ListenerStatus {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            ListenerStatus::Stopped => "stopped",
            ListenerStatus::Starting => "starting",
            ListenerStatus::Running => "running",
            ListenerStatus::Configuring { .. } => "configuring",
            ListenerStatus::Stopping => "stopping",
        }
    }

    /// Whether it forwards.
    pub const fn forwards(self) -> bool {
        matches!(
            self,
            ListenerStatus::Running
                | ListenerStatus::Stopping
                | ListenerStatus::Configuring { running: true }
        )
    }
}

/// A listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Its id.
    pub id: ListenerId,
    /// Whose it is.
    pub owner: Owner,
    /// Its load balancer, with which it goes.
    pub load_balancer: LoadBalancerId,
    /// Its port.
    pub port: u16,
    /// What it speaks.
    pub protocol: Protocol,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// The port of the members of the default pool.
    pub backend_port: Option<u16>,
    /// The vServer group that it forwards to; the default pool if this and `pair` are absent.
    pub group: Option<VServerGroupId>,
    /// The primary/secondary group that it forwards to; then it has no vServer group.
    pub pair: Option<MasterSlaveGroupId>,
    /// The HTTPS port to which it sends clients instead of forwarding; HTTP only.
    pub redirect: Option<u16>,
    /// Which sources it lets through.
    pub access: Option<Access>,
    /// What it does with traffic.
    pub rules: Rules,
    /// Where it is in its life.
    pub status: ListenerStatus,
    /// Since when it has run: health checks count from here. Absent while it is stopped.
    pub started: Option<SimTime>,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from listeners.
#[derive(Clone, Debug, Default)]
pub struct ListenerIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, ListenerId>,
    /// By load balancer.
    pub by_load_balancer: Groups<LoadBalancerId, ListenerId>,
    /// By vServer group that is forwarded to.
    pub by_group: Groups<VServerGroupId, ListenerId>,
    /// By primary/secondary group that is forwarded to.
    pub by_pair: Groups<MasterSlaveGroupId, ListenerId>,
    /// By access control list that is used.
    pub by_acl: Groups<AccessControlListId, ListenerId>,
    /// By certificate that is used, of a server or a CA.
    pub by_certificate: Groups<AnyId, ListenerId>,
    /// By TLS cipher policy of the caller's own that is used.
    pub by_tls_policy: Groups<TlsPolicyId, ListenerId>,
    /// By load balancer, port, and whether it is UDP.
    pub by_port: BTreeMap<(LoadBalancerId, u16, bool), ListenerId>,
}

impl Row for Listener {
    type Key = ListenerId;
    type Index = ListenerIndex;

    fn key(&self) -> ListenerId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|l| l.id) else { return };
        let ix = &mut indexes.listeners;
        ix.by_owner.shift(&id, old.map(|l| l.owner.clone()), new.map(|l| l.owner.clone()));
        ix.by_load_balancer.shift(&id, old.map(|l| l.load_balancer), new.map(|l| l.load_balancer));
        for acl in old.iter().filter_map(|l| l.access.as_ref()).flat_map(|access| &access.acls) {
            ix.by_acl.remove(acl, &id);
        }
        for acl in new.iter().filter_map(|l| l.access.as_ref()).flat_map(|access| &access.acls) {
            ix.by_acl.insert(*acl, id);
        }
        listener_certificates::reindex(&mut ix.by_certificate, id, old, new);
        ix.by_tls_policy.shift(&id, old.and_then(tls_policy::of), new.and_then(tls_policy::of));
        ix.by_group.shift(&id, old.and_then(|l| l.group), new.and_then(|l| l.group));
        ix.by_pair.shift(&id, old.and_then(|l| l.pair), new.and_then(|l| l.pair));
        match (old, new) {
            (None, Some(l)) => {
                ix.by_port.insert(l.place(), id);
            }
            (Some(l), None) => {
                ix.by_port.remove(&l.place());
            }
            _ => {}
        }
    }
}

impl Resource for Listener {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl Listener {
    fn place(&self) -> (LoadBalancerId, u16, bool) {
        (self.load_balancer, self.port, self.protocol.is_udp())
    }

    /// Refuses changes while an earlier one is under way.
    ///
    /// # Errors
    /// [`ErrorCode::ListenerBusy`], [`ErrorCode::ListenerStopping`].
    pub fn check_settled(&self) -> Outcome<()> {
        self.check_status(ErrorCode::ListenerBusy)
    }

    /// The same for its settings and its forwarding rules, with a code of their own: the Terraform provider tries those again
    /// on another code than to start or delete a listener.
    ///
    /// # Errors
    /// [`ErrorCode::ListenerChanging`], [`ErrorCode::ListenerStopping`].
    pub fn check_changeable(&self) -> Outcome<()> {
        self.check_status(ErrorCode::ListenerChanging)
    }

    fn check_status(&self, busy: ErrorCode) -> Outcome<()> {
        let code = match self.status {
            ListenerStatus::Stopped | ListenerStatus::Running => return Ok(()),
            ListenerStatus::Stopping => ErrorCode::ListenerStopping,
            ListenerStatus::Starting | ListenerStatus::Configuring { .. } => busy,
        };
        Err(Refusal::new(code)
            .field("listener_id")
            .detail(format!("It is {}.", self.status.text()))
            .blockers([self.id])
            .accepted("the same request a little later"))
    }
}

/// The listeners of a load balancer by port.
pub fn of(w: &World, balancer: LoadBalancerId) -> impl Iterator<Item = &Listener> {
    let ports = w.indexes().listeners.by_port.range((balancer, 0, false)..=(balancer, u16::MAX, true));
    ports.filter_map(|(_, id)| w.get::<Listener>(id))
}

/// The listener that takes what comes to a port by UDP, or by TCP.
pub fn at(w: &World, balancer: LoadBalancerId, port: u16, udp: bool) -> Option<&Listener> {
    w.indexes().listeners.by_port.get(&(balancer, port, udp)).and_then(|id| w.get::<Listener>(id))
}

/// The listener on a port: any, or the one of the family of a protocol.
///
/// # Errors
/// An unknown load balancer; [`ErrorCode::ListenerNotFound`]; [`ErrorCode::ListenerAmbiguous`] if the port has two and no
/// protocol is named.
pub fn find<'w>(
    w: &'w World,
    caller: &Caller,
    balancer: LoadBalancerId,
    port: u16,
    protocol: Option<Protocol>,
) -> Outcome<&'w Listener> {
    w.visible::<LoadBalancer>(caller, balancer)?;
    let fits = |l: &&Listener| protocol.is_none_or(|protocol| l.protocol == protocol);
    let on = |udp| at(w, balancer, port, udp).filter(fits);
    match (on(false), on(true)) {
        (Some(_), Some(_)) => Err(Refusal::new(ErrorCode::ListenerAmbiguous)
            .field("listener_protocol")
            .detail(format!("Port {port} has a listener of UDP and another."))),
        (Some(listener), None) | (None, Some(listener)) => Ok(listener),
        (None, None) => Err(Refusal::new(ErrorCode::ListenerNotFound)
            .field("listener_port")
            .detail(format!("{balancer} has no such listener on port {port}."))),
    }
}

/// The rule for a listener's description. The page of CreateLoadBalancerTCPListener names letters, digits and - / . _ alone;
/// other signs are taken too, since to refuse what the service may take breaks a client.
pub const DESCRIPTION: TextRule = TextRule {
    min: 1,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::ListenerDescriptionMalformed,
};

/// The UDP port that the provider keeps for itself.
const RESERVED_UDP: u16 = 4789;

/// Makes a listener, which is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateListener {
    /// Its load balancer.
    pub load_balancer: LoadBalancerId,
    /// Its port, from 1.
    pub port: u16,
    /// What it speaks.
    pub protocol: Protocol,
    /// Its description.
    pub description: Option<CompactString>,
    /// The port of the members of the default pool.
    pub backend_port: Option<u16>,
    /// The vServer group that it forwards to.
    pub group: Option<VServerGroupId>,
    /// The primary/secondary group that it forwards to instead; TCP and UDP.
    pub pair: Option<MasterSlaveGroupId>,
    /// The HTTPS port to which it sends clients instead; HTTP only. Then nothing else counts.
    pub redirect: Option<u16>,
    /// Which sources it lets through.
    pub access: AccessSettings,
    /// What it does with traffic.
    pub settings: Box<Settings>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreateListener`].
///
/// # Errors
/// The form of its parameters; neither a port of the default pool nor a group, or groups of both kinds; an unknown load
/// balancer or group, or a group of another one; a primary/secondary group that does not fit; a locked load balancer, or one
/// of which something is being changed; a port that is taken; no HTTPS listener to send clients to; more bandwidth than is
/// left; the quota.
pub fn create(w: &mut World, caller: &Caller, c: &CreateListener) -> Outcome<Reply> {
    let description = DESCRIPTION.check(c.description.as_deref())?;
    check_port(c)?;
    let mut rules = Rules::of(c.protocol);
    if c.redirect.is_none() {
        rules.take(&c.settings, c.protocol)?;
        listener_group::check_form(c.protocol, &rules, c.group, c.pair)?;
        if c.backend_port.is_none() && c.group.is_none() && c.pair.is_none() {
            return Err(Refusal::new(ErrorCode::ListenerTargetMissing)
                .field("backend_server_port")
                .accepted("a port of the default pool, or a vServer group"));
        }
    }
    tag::check_balancing(&c.tags)?;
    let balancer = w.visible::<LoadBalancer>(caller, c.load_balancer)?;
    let (group, pair) = if c.redirect.is_none() { (c.group, c.pair) } else { (None, None) };
    listener_group::check(w, caller, c.load_balancer, group)?;
    listener_group::check_pair(w, caller, c.load_balancer, pair)?;
    listener_certificates::check(w, caller, &rules)?;
    tls_policy::check(w, caller, &rules)?;
    let access = match c.redirect {
        None => take_access(w, caller, balancer, None, &c.access)?,
        Some(_) => None,
    };
    balancer.check_unlocked()?;
    listener_limits::check_idle(w, balancer)?;
    check_free(w, c)?;
    listener_limits::check_redirect(w, c)?;
    listener_limits::check_bandwidth(w, balancer, None, rules.bandwidth)?;
    let used = w.indexes().listeners.by_load_balancer.count(&c.load_balancer);
    Quota::ListenersPerLoadBalancer.check(w, caller.account, used, 1, ErrorCode::ListenerQuotaExceeded)?;
    let (id, created) = (w.new_id::<ListenerId>(&caller.region)?, w.now());
    tag::put_all(w, &caller.into(), id, &c.tags);
    w.put(Listener {
        id,
        owner: caller.into(),
        load_balancer: c.load_balancer,
        port: c.port,
        protocol: c.protocol,
        description,
        backend_port: c.backend_port,
        group,
        pair,
        redirect: c.redirect,
        access,
        rules,
        status: ListenerStatus::Stopped,
        started: None,
        created,
    });
    Ok(id.into())
}

fn check_port(c: &CreateListener) -> Outcome<()> {
    if c.protocol.is_udp() && c.port == RESERVED_UDP {
        return Err(Refusal::new(ErrorCode::ListenerPortReserved).field("listener_port"));
    }
    for (port, field) in [(Some(c.port), "listener_port"), (c.backend_port, "backend_server_port")] {
        if port == Some(0) {
            return Err(Refusal::new(ErrorCode::ListenerParameter).field(field).accepted("1 to 65535"));
        }
    }
    if c.redirect.is_some() && c.protocol != Protocol::Http {
        return Err(Refusal::new(ErrorCode::ListenerParameter)
            .field("forward_port")
            .detail("Only an HTTP listener sends clients to another.")
            .accepted("none"));
    }
    Ok(())
}

fn check_free(w: &World, c: &CreateListener) -> Outcome<()> {
    match w.indexes().listeners.by_port.get(&(c.load_balancer, c.port, c.protocol.is_udp())) {
        None => Ok(()),
        Some(&other) => Err(Refusal::new(ErrorCode::ListenerPortTaken)
            .field("listener_port")
            .detail(format!("Port {} has a listener.", c.port))
            .blockers([other])),
    }
}

/// Changes a listener; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyListener {
    /// The load balancer.
    pub load_balancer: LoadBalancerId,
    /// The listener's port.
    pub port: u16,
    /// What it speaks.
    pub protocol: Protocol,
    /// Its new description.
    pub description: Option<CompactString>,
    /// The vServer group that it forwards to, in place of any group; `None` inside for none.
    pub group: Option<Option<VServerGroupId>>,
    /// The primary/secondary group that it forwards to, in place of any group; `None` inside for none.
    pub pair: Option<Option<MasterSlaveGroupId>>,
    /// Whether a group that is named takes the place of one of its own kind alone: the provider switches between the default
    /// pool and the two kinds of groups by flags of their own.
    pub same_kind: bool,
    /// Which sources it lets through.
    pub access: AccessSettings,
    /// What it does with traffic.
    pub settings: Box<Settings>,
}

/// Handles [`ModifyListener`].
///
/// # Errors
/// An unknown load balancer, listener or group, or a group of another one; groups of both kinds, a primary/secondary group
/// that does not fit, or one of another kind where that takes a flag; the form of its parameters; a locked load balancer; a
/// listener that sends clients to another; one that is being changed, or a default pool that is; more bandwidth than is left;
/// no port of the default pool.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyListener) -> Outcome<Reply> {
    let description = DESCRIPTION.check(c.description.as_deref())?;
    let listener = find(w, caller, c.load_balancer, c.port, Some(c.protocol))?;
    let mut rules = listener.rules.clone();
    rules.take(&c.settings, c.protocol)?;
    let (group, pair) = listener_group::after(listener, c)?;
    listener_group::check_form(c.protocol, &rules, group, pair)?;
    listener_group::check(w, caller, c.load_balancer, c.group.flatten())?;
    listener_group::check_pair(w, caller, c.load_balancer, c.pair.flatten())?;
    listener_certificates::check(w, caller, &rules)?;
    tls_policy::check(w, caller, &rules).map_err(|refusal| match c.settings.tls_policy {
        // The listener has it, and the call does not name it.
        None => refusal.field("listener_port"),
        Some(_) => refusal,
    })?;
    let balancer = w.visible::<LoadBalancer>(caller, c.load_balancer)?;
    let access = take_access(w, caller, balancer, listener.access.as_ref(), &c.access)?;
    balancer.check_unlocked()?;
    if listener.redirect.is_some() {
        return Err(Refusal::new(ErrorCode::ListenerRedirects)
            .field("listener_port")
            .blockers([listener.id]));
    }
    listener.check_changeable()?;
    listener_limits::check_applied(w, balancer)?;
    listener_limits::check_bandwidth(w, balancer, Some(listener), rules.bandwidth)?;
    if group.is_none() && pair.is_none() && listener.backend_port.is_none() {
        return Err(Refusal::new(ErrorCode::ListenerNeedsGroup)
            .field("vserver_group_id")
            .detail("It was made without a port of the default pool."));
    }
    let id = listener.id;
    configure(w, id);
    w.update::<Listener>(&id, |l| {
        if c.description.is_some() {
            l.description = description;
        }
        (l.group, l.pair) = (group, pair);
        l.access = access;
        l.rules = rules;
    });
    Ok(Reply::Done)
}

/// Which listener is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhichListener {
    /// The load balancer.
    pub load_balancer: LoadBalancerId,
    /// The port.
    pub port: u16,
    /// What it speaks; needed if the port has two.
    pub protocol: Option<Protocol>,
}

/// Starts a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartListener {
    /// The listener.
    pub listener: WhichListener,
}

/// Handles [`StartListener`].
///
/// # Errors
/// An unknown load balancer or listener; a locked load balancer; a listener that is not stopped.
pub fn start(w: &mut World, caller: &Caller, c: &StartListener) -> Outcome<Reply> {
    let listener = settled(w, caller, c.listener)?;
    check_status(listener, ListenerStatus::Stopped)?;
    let id = listener.id;
    let status = transit(w, id, ListenerStatus::Starting, ListenerStatus::Running);
    let now = w.now();
    w.update::<Listener>(&id, |l| {
        l.status = status;
        l.started = status.forwards().then_some(now);
    });
    Ok(Reply::Done)
}

/// Stops a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopListener {
    /// The listener.
    pub listener: WhichListener,
}

/// Handles [`StopListener`].
///
/// # Errors
/// An unknown load balancer or listener; a locked load balancer; a listener that does not run.
pub fn stop(w: &mut World, caller: &Caller, c: &StopListener) -> Outcome<Reply> {
    let listener = settled(w, caller, c.listener)?;
    check_status(listener, ListenerStatus::Running)?;
    let id = listener.id;
    let status = transit(w, id, ListenerStatus::Stopping, ListenerStatus::Stopped);
    w.update::<Listener>(&id, |l| {
        l.status = status;
        l.started = l.started.filter(|_| status.forwards());
    });
    Ok(Reply::Done)
}

/// Deletes a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteListener {
    /// The listener.
    pub listener: WhichListener,
}

/// Handles [`DeleteListener`].
///
/// # Errors
/// An unknown load balancer or listener; a locked load balancer; one that is being changed; one to which another sends
/// clients.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteListener) -> Outcome<Reply> {
    let listener = settled(w, caller, c.listener)?;
    let sender = of(w, listener.load_balancer)
        .find(|other| listener.protocol == Protocol::Https && other.redirect == Some(listener.port));
    if let Some(sender) = sender {
        return Err(Refusal::new(ErrorCode::ListenerRedirected).field("listener_port").blockers([sender.id]));
    }
    let id = listener.id;
    erase(w, id);
    Ok(Reply::Done)
}

/// The listener, of a load balancer that is not locked, when nothing is under way.
fn settled<'w>(w: &'w World, caller: &Caller, which: WhichListener) -> Outcome<&'w Listener> {
    let listener = find(w, caller, which.load_balancer, which.port, which.protocol)?;
    w.visible::<LoadBalancer>(caller, which.load_balancer)?.check_unlocked()?;
    listener.check_settled()?;
    Ok(listener)
}

fn check_status(listener: &Listener, wanted: ListenerStatus) -> Outcome<()> {
    if listener.status == wanted {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::ListenerStatusIncorrect)
        .field("listener_port")
        .detail(format!("The listener is {}.", listener.status.text()))
        .accepted(format!("a listener that is {}", wanted.text())))
}

/// The status at once, or the one in between with the end of it scheduled.
fn transit(w: &mut World, id: ListenerId, between: ListenerStatus, end: ListenerStatus) -> ListenerStatus {
    if w.settings().provisioning != Provisioning::Documented {
        return end;
    }
    let span = w.settings().provisioning.span(Work::Listener);
    w.schedule(span, Due::Listener(id));
    between
}

/// Says that a listener that is settled is being changed, where that takes time.
pub(crate) fn configure(w: &mut World, id: ListenerId) {
    let Some(was) = w.get::<Listener>(&id).map(|listener| listener.status) else { return };
    let between = ListenerStatus::Configuring { running: was == ListenerStatus::Running };
    let status = transit(w, id, between, was);
    w.update::<Listener>(&id, |l| l.status = status);
}

/// Ends a listener's transition.
pub(crate) fn settle(w: &mut World, id: ListenerId) {
    let Some(listener) = w.get::<Listener>(&id) else { return };
    let (status, now) = (listener.status, w.now());
    w.update::<Listener>(&id, |l| {
        l.status = match status {
            ListenerStatus::Starting | ListenerStatus::Configuring { running: true } => {
                ListenerStatus::Running
            }
            ListenerStatus::Stopping | ListenerStatus::Configuring { running: false } => {
                ListenerStatus::Stopped
            }
            settled => settled,
        };
        l.started = if l.status.forwards() { l.started.or(Some(now)) } else { None };
    });
}

/// Takes a listener, its forwarding rules, domain extensions and tags out of the world, and what was under way in it: it
/// may go with its load balancer in the midst of a change.
pub(crate) fn erase(w: &mut World, id: ListenerId) {
    if w.get::<Listener>(&id).is_some_and(|listener| listener.check_settled().is_err()) {
        w.unschedule(Due::Listener(id));
    }
    forwarding_rule::erase_all(w, id);
    domain_extension::erase_all(w, id);
    tag::clear(w, id);
    w.remove::<Listener>(&id);
}
