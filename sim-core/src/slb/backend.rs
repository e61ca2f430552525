//! What stands behind a load balancer: instances and network interfaces with ports and weights, in its default pool or
//! in a vServer group.
//!
//! A member of a group is known by its server and port, one that is an interface by its address too; a member of the
//! default pool by its server, since the port there is the listener's (provider documentation: AddBackendServers,
//! AddVServerGroupBackendServers). A server that goes leaves every pool. An address that leaves its interface does not take
//! the member with it, which keeps it and serves nothing: the cloud controller manager takes a member out by what it reads.
//!
//! An interface that is named without an address comes at its primary one. In a group that is also what is meant when
//! members change or go. In a default pool those that change or go are named by their servers alone (provider documentation:
//! RemoveBackendServers, which has no ServerIp; the Terraform provider takes out so what it added at other addresses),
//! and all addresses of the server are meant.
//!
//! With documented provisioning a pool carries out one change at a time: another one comes too early for a second, for which
//! no figure is published. What a new vServer group is made with takes no time.

use crate::access::Caller;
use crate::command::Reply;
use crate::ecs::eni::Eni;
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, EniId, InstanceId, LoadBalancerId, VServerGroupId, VpcId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::settings::{Provisioning, Work};
use crate::slb::backend_places::{check_attachments, check_quota, network_of};
use crate::slb::load_balancer::LoadBalancer;
use crate::slb::server_group::VServerGroup;
use crate::time::SimTime;
use crate::world::World;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// What serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Server {
    /// An instance.
    Instance(InstanceId),
    /// A network interface.
    Eni(EniId),
}

impl Server {
    /// The provider's word for its type.
    pub const fn type_text(self) -> &'static str {
        match self {
            Server::Instance(_) => "ecs",
            Server::Eni(_) => "eni",
        }
    }

    /// Its id.
    pub fn id(self) -> AnyId {
        match self {
            Server::Instance(id) => id.into(),
            Server::Eni(id) => id.into(),
        }
    }

    /// Reads an id and the type that it is said to be of: an instance if nothing is said.
    ///
    /// # Errors
    /// [`ErrorCode::BackendTypeUnknown`] for a type that is none; [`ErrorCode::BackendNotFound`] and
    /// [`ErrorCode::BackendEniNotFound`] for a text that is no id of that type.
    pub fn parse(text: &str, kind: Option<&str>) -> Outcome<Server> {
        let cut = text.chars().take(64).collect::<String>();
        let missing = |code| {
            let refusal = Refusal::new(code).field("server_id").detail(format!("There is no {cut:?}."));
            match (code, text.split_once('-')) {
                (ErrorCode::BackendNotFound, Some(("eni", _))) => {
                    refusal.accepted("type eni for a network interface")
                }
                (ErrorCode::BackendEniNotFound, Some(("i", _))) => {
                    refusal.accepted("type ecs for an instance")
                }
                _ => refusal,
            }
        };
        match kind.unwrap_or("ecs") {
            "ecs" => text.parse().map(Server::Instance).map_err(|_| missing(ErrorCode::BackendNotFound)),
            "eni" => text.parse().map(Server::Eni).map_err(|_| missing(ErrorCode::BackendEniNotFound)),
            // Container instances are not modelled, so none exists.
            "eci" => Err(missing(ErrorCode::BackendNotFound)),
            other => Err(Refusal::new(ErrorCode::BackendTypeUnknown)
                .field("type")
                .detail(format!(
                    "{cut:?} was said to be of type {:?}.",
                    other.chars().take(16).collect::<String>()
                ))
                .accepted("ecs for an instance, eni for a network interface")),
        }
    }

    /// Reads a server that is named to go as [`Server::parse`] does; absent if nothing has that id, since members that are not
    /// there are passed over (provider documentation: RemoveBackendServers, RemoveVServerGroupBackendServers).
    ///
    /// # Errors
    /// [`ErrorCode::BackendTypeUnknown`] for a type that is none.
    pub fn parse_leaving(text: &str, kind: Option<&str>) -> Outcome<Option<Server>> {
        match Server::parse(text, kind) {
            Err(refusal) if refusal.code() != ErrorCode::BackendTypeUnknown => Ok(None),
            read => read.map(Some),
        }
    }
}

/// One member of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    /// What serves.
    pub server: Server,
    /// The address that was named; an instance serves at its primary one if none was, an interface always has one here.
    pub address: Option<Ipv4Addr>,
    /// The port; absent in a default pool, where it is the listener's.
    pub port: Option<u16>,
    /// Its share of new requests, 0 to 100; with 0 it gets none.
    pub weight: u8,
    /// Its description; empty if it has none.
    pub description: CompactString,
}

/// What a member is known by within its pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Member {
    /// What serves.
    pub server: Server,
    /// The address; matters for a network interface only.
    pub address: Option<Ipv4Addr>,
    /// The port; absent in a default pool.
    pub port: Option<u16>,
}

impl Member {
    /// The part that tells members apart.
    fn key(self) -> (Server, Option<Ipv4Addr>, Option<u16>) {
        let address = self.address.filter(|_| matches!(self.server, Server::Eni(_)));
        (self.server, address, self.port)
    }
}

/// A member that is named to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// What serves; absent if nothing has the id that was named, so that no member is meant.
    pub server: Option<Server>,
    /// The address; matters for a network interface only.
    pub address: Option<Ipv4Addr>,
    /// The port; absent in a default pool.
    pub port: Option<u16>,
}

impl Leaving {
    fn member(self) -> Option<Member> {
        Some(Member { server: self.server?, address: self.address, port: self.port })
    }
}

impl From<Member> for Leaving {
    fn from(Member { server, address, port }: Member) -> Leaving {
        Leaving { server: Some(server), address, port }
    }
}

impl Backend {
    /// What it is known by.
    pub fn member(&self) -> Member {
        Member { server: self.server, address: self.address, port: self.port }
    }

    /// Whether it is meant; an interface that is named without an address means any of its addresses.
    fn is(&self, named: Member) -> bool {
        let address = self.address.filter(|_| named.address.is_some());
        Member { address, ..self.member() }.key() == named.key()
    }

    /// The address at which it serves now; absent if the server does not have it any more.
    fn serving_address(&self, w: &World) -> Option<Ipv4Addr> {
        serving(w, self.server, self.address).map(|(_, address)| address)
    }

    /// The address that it came with, whether the server still has it or not; the primary one of an instance for which none
    /// was named.
    pub fn known_address(&self, w: &World) -> Option<Ipv4Addr> {
        self.address.or_else(|| self.serving_address(w))
    }
}

/// The interface at which a server serves: an instance's primary one.
pub fn interface(w: &World, server: Server) -> Option<EniId> {
    match server {
        Server::Instance(id) => w.get::<Instance>(&id).map(|instance| instance.primary_eni),
        Server::Eni(id) => Some(id),
    }
}

/// The interface and the address at which a server serves, the primary one if none is named; absent if it is gone or does
/// not have the address any more.
pub fn serving(w: &World, server: Server, named: Option<Ipv4Addr>) -> Option<(&Eni, Ipv4Addr)> {
    let eni = w.get::<Eni>(&interface(w, server)?)?;
    let address = named.unwrap_or(eni.primary_ip);
    eni.ipv4().find(|own| *own == address).map(|address| (eni, address))
}

/// The address at which an interface serves if none is named; absent for an instance, of which the present one counts.
fn primary(w: &World, server: Server) -> Option<Ipv4Addr> {
    match server {
        Server::Instance(_) => None,
        Server::Eni(id) => w.get::<Eni>(&id).map(|eni| eni.primary_ip),
    }
}

/// The rule for a member's description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 1,
    max: 80,
    letter_first: false,
    field: "description",
    error: ErrorCode::BackendDescriptionMalformed,
};

/// Where members are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// In the default pool of a load balancer.
    Default(LoadBalancerId),
    /// In a vServer group.
    Group(VServerGroupId),
}

impl Pool {
    /// The load balancer and its members, if the caller may see and change them.
    fn open<'w>(self, w: &'w World, caller: &Caller) -> Outcome<(&'w LoadBalancer, &'w [Backend])> {
        let (balancer, backends, applied) = match self {
            Pool::Default(id) => {
                let balancer = w.visible::<LoadBalancer>(caller, id)?;
                (balancer, balancer.backends.as_slice(), balancer.backends_applied)
            }
            Pool::Group(id) => {
                let group = w.visible::<VServerGroup>(caller, id)?;
                let balancer = w.visible::<LoadBalancer>(caller, group.load_balancer)?;
                (balancer, group.backends.as_slice(), group.backends_applied)
            }
        };
        balancer.check_unlocked()?;
        check_applied(w, applied, self.id(), ErrorCode::BackendsConfiguring)?;
        Ok((balancer, backends))
    }

    /// The member that is meant where it changes or goes: an interface without an address, in a group its primary one.
    fn meant(self, w: &World, named: Member) -> Member {
        match self {
            Pool::Default(_) => named,
            Pool::Group(_) => Member { address: named.address.or(primary(w, named.server)), ..named },
        }
    }

    fn id(self) -> AnyId {
        match self {
            Pool::Default(id) => id.into(),
            Pool::Group(id) => id.into(),
        }
    }

    /// What is left of its members.
    fn without(self, w: &World, there: &[Backend], leaving: &[Leaving]) -> Vec<Backend> {
        let gone: Vec<Member> =
            leaving.iter().filter_map(|named| named.member()).map(|named| self.meant(w, named)).collect();
        let stays = |backend: &&Backend| !gone.iter().any(|named| backend.is(*named));
        there.iter().filter(stays).cloned().collect()
    }

    fn put(self, w: &mut World, backends: Vec<Backend>) {
        let takes = w.settings().provisioning == Provisioning::Documented;
        let applied = takes.then(|| w.now() + w.settings().provisioning.span(Work::Listener));
        match self {
            Pool::Default(id) => w.update::<LoadBalancer>(&id, |balancer| {
                (balancer.backends, balancer.backends_applied) = (backends, applied);
            }),
            Pool::Group(id) => w.update::<VServerGroup>(&id, |group| {
                (group.backends, group.backends_applied) = (backends, applied);
            }),
        }
    }
}

/// Refuses changes while an earlier one of a pool is carried out.
///
/// # Errors
/// `code`, which says for whom.
pub(crate) fn check_applied(
    w: &World,
    applied: Option<SimTime>,
    pool: impl Into<AnyId>,
    code: ErrorCode,
) -> Outcome<()> {
    let Some(applied) = applied.filter(|applied| *applied > w.now()) else { return Ok(()) };
    let pool = pool.into();
    Err(Refusal::new(code)
        .field(crate::resource::field_of(pool.kind()))
        .detail(format!("The backend servers of {pool} are being changed until {applied}."))
        .blockers([pool])
        .accepted("the same request a little later"))
}

/// A member that comes, or what becomes of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewBackend {
    /// Which one.
    pub member: Member,
    /// Its share of new requests, 0 to 100. A new one has 100 if it is absent; one that is there keeps its own.
    pub weight: Option<i32>,
    /// Its description. One that is there keeps its own if it is absent.
    pub description: Option<CompactString>,
}

/// Checks the form of members, which have ports in a group only.
pub(crate) fn check_form(backends: &[NewBackend], in_group: bool) -> Outcome<()> {
    for (at, new) in backends.iter().enumerate() {
        let of_this = |refusal: Refusal| refusal.within(format_args!("backends/{at}"));
        check_port(new.member.port, in_group).map_err(of_this)?;
        DESCRIPTION.check(new.description.as_deref()).map_err(of_this)?;
        if let Some(weight) = new.weight.filter(|weight| !(0..=100).contains(weight)) {
            let refusal = Refusal::new(ErrorCode::BackendWeight).field("weight");
            return Err(of_this(refusal.detail(format!("{weight} was given.")).accepted("0 to 100")));
        }
    }
    Ok(())
}

fn check_port(port: Option<u16>, in_group: bool) -> Outcome<()> {
    let fits = match port {
        Some(port) => in_group && port > 0,
        None => !in_group,
    };
    if fits {
        return Ok(());
    }
    let accepted = if in_group { "1 to 65535" } else { "no port: it is the listener's" };
    Err(Refusal::new(ErrorCode::BackendPort).field("port").accepted(accepted))
}

/// How many are named in a call.
fn check_count(w: &World, caller: &Caller, count: usize) -> Outcome<()> {
    let (quota, code) = (Quota::BackendsPerCall, ErrorCode::BackendListSize);
    quota.check(w, caller.account, 0, count as u64, code).map_err(|refusal| refusal.field("backends"))
}

/// The members as they will be, each of which can serve in the network of the load balancer.
pub(crate) fn admit(
    w: &World,
    caller: &Caller,
    balancer: &LoadBalancer,
    new: &[NewBackend],
) -> Outcome<Vec<Backend>> {
    let mut network = network_of(w, balancer);
    let mut out = Vec::with_capacity(new.len());
    for (at, new) in new.iter().enumerate() {
        let vpc = check_server(w, caller, new.member).map_err(|r| r.within(format_args!("backends/{at}")))?;
        if let Some(home) = network.filter(|home| *home != vpc) {
            return Err(Refusal::new(ErrorCode::BackendOtherVpc)
                .field(format!("backends/{at}/server_id"))
                .detail(format!("{} lies in {vpc}.", new.member.server.id()))
                .accepted(format!("a server in {home}")));
        }
        network = Some(vpc);
        out.push(Backend {
            server: new.member.server,
            address: new.member.address.or(primary(w, new.member.server)),
            port: new.member.port,
            weight: new.weight.map_or(100, |weight| weight as u8),
            description: new.description.clone().unwrap_or_default(),
        });
    }
    Ok(out)
}

/// The VPC of a server that exists, runs, and has the address that was named. An interface need not be attached: that servers run
/// is said of instances, and the Terraform provider's own tests add interfaces that nothing holds.
fn check_server(w: &World, caller: &Caller, member: Member) -> Outcome<VpcId> {
    let refuse = |code| Refusal::new(code).field("server_id");
    let missing = |code| refuse(code).detail(format!("There is no {}.", member.server.id()));
    let (vpc, eni) = match member.server {
        Server::Instance(id) => {
            let instance =
                w.visible::<Instance>(caller, id).map_err(|_| missing(ErrorCode::BackendNotFound))?;
            if instance.status != InstanceStatus::Running {
                return Err(refuse(ErrorCode::BackendNotRunning)
                    .detail(format!("{id} is {}.", instance.status.text()))
                    .accepted("an instance that is Running"));
            }
            (instance.vpc, instance.primary_eni)
        }
        Server::Eni(id) => {
            let eni = w.visible::<Eni>(caller, id).map_err(|_| missing(ErrorCode::BackendEniNotFound))?;
            (eni.vpc, id)
        }
    };
    let eni = w.get::<Eni>(&eni).expect("an instance has a primary interface");
    if let Some(address) = member.address
        && !eni.ipv4().any(|own| own == address)
    {
        return Err(Refusal::new(ErrorCode::BackendAddress)
            .field("address")
            .detail(format!("{address} is no address of {}.", eni.id))
            .accepted(eni.ipv4().map(|own| own.to_string()).collect::<Vec<_>>().join(", ")));
    }
    Ok(vpc)
}

/// Refuses a member that is there already, or given twice: the same one, or another that serves at the same address and port
/// (provider documentation: InvalidBackendServers.ServerIpConflict). An address that a member has lost is free for another.
pub(crate) fn check_apart(w: &World, there: &[Backend], coming: &[Backend]) -> Outcome<()> {
    let place = |backend: &Backend| backend.serving_address(w).map(|address| (address, backend.port));
    let mut keys: BTreeSet<_> = there.iter().map(|backend| backend.member().key()).collect();
    let mut places: BTreeSet<_> = there.iter().filter_map(place).collect();
    for (at, backend) in coming.iter().enumerate() {
        let place = place(backend);
        let serves = place.is_some_and(|place| !places.insert(place));
        let what = if !keys.insert(backend.member().key()) {
            backend.server.id().to_string()
        } else if let Some((address, _)) = place.filter(|_| serves) {
            format!("Another server at {address}")
        } else {
            continue;
        };
        return Err(Refusal::new(ErrorCode::BackendPresent)
            .field(format!("backends/{at}"))
            .detail(format!("{what} is there already{}.", with_port(backend.port))));
    }
    Ok(())
}

/// How a refusal tells a member's port, where it has one.
fn with_port(port: Option<u16>) -> String {
    port.map(|port| format!(" with port {port}")).unwrap_or_default()
}

/// Adds members to a pool, at its end. All or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddBackends {
    /// The pool.
    pub pool: Pool,
    /// The new members: 1 to 40.
    pub backends: Vec<NewBackend>,
}

/// Handles [`AddBackends`].
///
/// # Errors
/// The form of ports, weights and descriptions; an unknown pool, or one of a locked load balancer; an unknown server, one
/// that does not run, lies in another VPC or lacks the address; a member that is there already; the quotas.
pub fn add(w: &mut World, caller: &Caller, c: &AddBackends) -> Outcome<Reply> {
    check_form(&c.backends, matches!(c.pool, Pool::Group(_)))?;
    check_count(w, caller, c.backends.len())?;
    let (balancer, there) = c.pool.open(w, caller)?;
    let mut coming = admit(w, caller, balancer, &c.backends)?;
    if matches!(c.pool, Pool::Default(_)) {
        // In a default pool only the first of several with one server counts.
        let mut seen = BTreeSet::new();
        coming.retain(|backend| seen.insert(backend.member().key()));
    }
    check_apart(w, there, &coming)?;
    check_quota(w, caller, balancer, coming.len())?;
    let mut backends = there.to_vec();
    backends.append(&mut coming);
    check_attachments(w, caller, there, &backends)?;
    c.pool.put(w, backends);
    Ok(Reply::Done)
}

/// Takes members out of a pool; those that are not there are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveBackends {
    /// The pool.
    pub pool: Pool,
    /// The members.
    pub members: Vec<Leaving>,
}

/// Handles [`RemoveBackends`].
///
/// # Errors
/// The form of ports; too many in a call; an unknown pool, or one of a locked load balancer.
pub fn remove(w: &mut World, caller: &Caller, c: &RemoveBackends) -> Outcome<Reply> {
    check_members(&c.members, "backends", matches!(c.pool, Pool::Group(_)))?;
    check_count(w, caller, c.members.len())?;
    let (_, there) = c.pool.open(w, caller)?;
    let left = c.pool.without(w, there, &c.members);
    c.pool.put(w, left);
    Ok(Reply::Done)
}

fn check_members(members: &[Leaving], field: &str, in_group: bool) -> Outcome<()> {
    let check = |(at, member): (usize, &Leaving)| {
        check_port(member.port, in_group).map_err(|r| r.within(format_args!("{field}/{at}")))
    };
    members.iter().enumerate().try_for_each(check)
}

/// Changes weights and descriptions of members that are there, and the name of their group. All or nothing; of what is said
/// of one member twice the last counts, since the provider tells of a refusal for ModifyVServerGroupBackendServers alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetBackends {
    /// The pool.
    pub pool: Pool,
    /// The new name of the group; has no effect on a default pool.
    pub name: Option<CompactString>,
    /// The members, with what they become.
    pub backends: Vec<NewBackend>,
}

/// Handles [`SetBackends`].
///
/// # Errors
/// The form of name, ports, weights and descriptions; too many in a call; an unknown pool, or one of a locked load
/// balancer; a server that is no member.
pub fn set(w: &mut World, caller: &Caller, c: &SetBackends) -> Outcome<Reply> {
    let name = crate::slb::server_group::NAME.check(c.name.as_deref())?;
    check_form(&c.backends, matches!(c.pool, Pool::Group(_)))?;
    check_count(w, caller, c.backends.len())?;
    let (_, there) = c.pool.open(w, caller)?;
    let mut backends = there.to_vec();
    for (at, new) in c.backends.iter().enumerate() {
        let named = c.pool.meant(w, new.member);
        let mut meant = backends.iter_mut().filter(|backend| backend.is(named)).peekable();
        if meant.peek().is_none() {
            let (server, port) = (named.server.id(), with_port(named.port));
            return Err(Refusal::new(ErrorCode::BackendNotMember)
                .field(format!("backends/{at}"))
                .detail(format!("{server} is no member{port}.")));
        }
        for backend in meant {
            backend.weight = new.weight.map_or(backend.weight, |weight| weight as u8);
            if let Some(description) = &new.description {
                backend.description.clone_from(description);
            }
        }
    }
    c.pool.put(w, backends);
    if let (Pool::Group(group), Some(_)) = (c.pool, &c.name) {
        w.update::<VServerGroup>(&group, |group| group.name = name);
    }
    Ok(Reply::Done)
}

/// Replaces members of a group by others: the old ones go, the new ones stand at the end. All or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplaceBackends {
    /// The group.
    pub group: VServerGroupId,
    /// The members that go; those that are not there are passed over.
    pub old: Vec<Leaving>,
    /// The members that come.
    pub new: Vec<NewBackend>,
}

/// Handles [`ReplaceBackends`].
///
/// # Errors
/// As [`add`] and [`remove`]; a member that is given twice.
pub fn replace(w: &mut World, caller: &Caller, c: &ReplaceBackends) -> Outcome<Reply> {
    check_form(&c.new, true)?;
    check_members(&c.old, "old", true)?;
    let pool = Pool::Group(c.group);
    let mut keys = BTreeSet::new();
    if let Some(at) = c.new.iter().position(|new| !keys.insert(pool.meant(w, new.member).key())) {
        return Err(Refusal::new(ErrorCode::BackendRepeated).field(format!("new/{at}")));
    }
    check_count(w, caller, c.old.len()).map_err(|refusal| refusal.field("old"))?;
    check_count(w, caller, c.new.len())?;
    let (balancer, there) = pool.open(w, caller)?;
    let mut coming = admit(w, caller, balancer, &c.new)?;
    let mut left = pool.without(w, there, &c.old);
    check_apart(w, &left, &coming)?;
    let more = (left.len() + coming.len()).saturating_sub(there.len());
    check_quota(w, caller, balancer, more)?;
    left.append(&mut coming);
    check_attachments(w, caller, there, &left)?;
    pool.put(w, left);
    Ok(Reply::Done)
}
