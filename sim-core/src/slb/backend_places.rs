//! Where servers stand: how many behind a load balancer, one server in how many pools, and out of all of them when it goes.

use crate::access::Caller;
use crate::ecs::eni::Eni;
use crate::ecs::instance::Instance;
use crate::error::{ErrorCode, Outcome};
use crate::id::{LoadBalancerId, VServerGroupId, VpcId};
use crate::quota::Quota;
use crate::slb::backend::{Backend, Server};
use crate::slb::load_balancer::LoadBalancer;
use crate::slb::master_slave_group;
use crate::slb::server_group::VServerGroup;
use crate::world::World;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// The VPC in which all members of a load balancer lie: its own, or that of the members that it has.
pub(crate) fn network_of(w: &World, balancer: &LoadBalancer) -> Option<VpcId> {
    let home = balancer.home.map(|home| home.vpc);
    let groups = w.indexes().vserver_groups.by_load_balancer.of(&balancer.id);
    let members = groups.filter_map(|id| w.get::<VServerGroup>(id)).flat_map(|group| &group.backends);
    let first = || {
        let of_pairs = master_slave_group::members_of(w, balancer.id);
        let mut all = balancer.backends.iter().chain(members).chain(of_pairs);
        all.find_map(|backend| match backend.server {
            Server::Instance(id) => w.get::<Instance>(&id).map(|instance| instance.vpc),
            Server::Eni(id) => w.get::<Eni>(&id).map(|eni| eni.vpc),
        })
    };
    home.or_else(first)
}

/// How many members all pools of a load balancer have together.
pub fn counted(w: &World, balancer: &LoadBalancer) -> u64 {
    let in_groups = w.indexes().vserver_groups.backends.get(&balancer.id).copied().unwrap_or(0);
    let in_pairs = w.indexes().master_slave_groups.backends.get(&balancer.id).copied().unwrap_or(0);
    balancer.backends.len() as u64 + in_groups + in_pairs
}

/// Checks how many more members a load balancer can have.
pub(crate) fn check_quota(w: &World, caller: &Caller, balancer: &LoadBalancer, more: usize) -> Outcome<()> {
    let used = counted(w, balancer);
    Quota::BackendsPerLoadBalancer.check(
        w,
        caller.account,
        used,
        more as u64,
        ErrorCode::BackendQuotaExceeded,
    )
}

/// How often a server stands in pools of all kinds, with whichever ports.
pub fn attachments(w: &World, server: Server) -> u64 {
    let ix = w.indexes();
    let of = |backends: &[Backend]| backends.iter().filter(|backend| backend.server == server).count();
    let default = ix.load_balancers.by_server.of(&server).filter_map(|id| w.get::<LoadBalancer>(id));
    let groups = ix.vserver_groups.by_server.of(&server).filter_map(|id| w.get::<VServerGroup>(id));
    let pools = default.map(|b| of(&b.backends)).chain(groups.map(|g| of(&g.backends))).sum::<usize>();
    (pools + master_slave_group::attachments(w, server)) as u64
}

/// Checks how often the servers of a pool may stand in pools once `after` is what it has instead of `there`. No source names
/// the code of this quota; that of the load balancer's own stands for it.
///
/// # Errors
/// [`ErrorCode::BackendAttachmentsExceeded`].
pub(crate) fn check_attachments(
    w: &World,
    caller: &Caller,
    there: &[Backend],
    after: &[Backend],
) -> Outcome<()> {
    let often = |backends: &[Backend], server| backends.iter().filter(|b| b.server == server).count() as u64;
    let servers: BTreeSet<Server> = after.iter().map(|backend| backend.server).collect();
    servers.into_iter().try_for_each(|server| {
        let more = often(after, server).saturating_sub(often(there, server));
        if more == 0 {
            return Ok(());
        }
        let (used, code) = (attachments(w, server), ErrorCode::BackendAttachmentsExceeded);
        Quota::AttachmentsPerServer
            .check(w, caller.account, used, more, code)
            .map_err(|refusal| refusal.field("backends").blockers([server.id()]))
    })
}

/// Takes a server that goes out of every pool.
pub(crate) fn forget(w: &mut World, server: Server) {
    let ix = w.indexes();
    let balancers: Vec<LoadBalancerId> = ix.load_balancers.by_server.of(&server).copied().collect();
    let groups: Vec<VServerGroupId> = ix.vserver_groups.by_server.of(&server).copied().collect();
    for id in balancers {
        w.update::<LoadBalancer>(&id, |b| b.backends.retain(|backend| backend.server != server));
    }
    for id in groups {
        w.update::<VServerGroup>(&id, |g| g.backends.retain(|backend| backend.server != server));
    }
    master_slave_group::forget(w, server);
}

/// Whether a server, by its id or by a private address, stands behind a load balancer.
pub fn serves(w: &World, balancer: &LoadBalancer, server: &str) -> bool {
    let groups = w.indexes().vserver_groups.by_load_balancer.of(&balancer.id);
    let members = groups.filter_map(|id| w.get::<VServerGroup>(id)).flat_map(|group| &group.backends);
    let address: Option<Ipv4Addr> = server.parse().ok();
    let members = members.chain(master_slave_group::members_of(w, balancer.id));
    balancer.backends.iter().chain(members).any(|backend| match address {
        Some(address) => backend.known_address(w) == Some(address),
        None => backend.server.id().to_string() == server,
    })
}
