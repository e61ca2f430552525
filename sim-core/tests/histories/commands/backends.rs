//! Random commands on vServer groups and on what stands behind load balancers.

use crate::dice::Dice;
use sim_core::Command;
use sim_core::ecs::eni::Eni;
use sim_core::ecs::instance::Instance;
use sim_core::slb::backend::{
    AddBackends, Backend, Leaving, Member, NewBackend, Pool, RemoveBackends, ReplaceBackends, Server,
    SetBackends,
};
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::slb::master_slave_group::{
    CreateMasterSlaveGroup, DeleteMasterSlaveGroup, MasterSlaveGroup, NewRoleMember, Role,
};
use sim_core::slb::server_group::{CreateVServerGroup, DeleteVServerGroup, VServerGroup};

fn server(d: &mut Dice<'_>) -> Server {
    if d.once_in(2) { Server::Instance(d.id::<Instance>()) } else { Server::Eni(d.id::<Eni>()) }
}

fn member(d: &mut Dice<'_>, in_group: bool) -> Member {
    let server = server(d);
    let address = match server {
        Server::Eni(id) if d.once_in(3) => d.world.get::<Eni>(&id).and_then(|eni| eni.ipv4().last()),
        _ => None,
    };
    let port = if in_group != d.once_in(12) { Some(d.pick(&[80, 443, 8080, 0])) } else { None };
    Member { server, address, port }
}

fn new(d: &mut Dice<'_>, in_group: bool) -> NewBackend {
    let weight = d.maybe(|d| d.pick(&[0, 50, 100, 101]));
    NewBackend { member: member(d, in_group), weight, description: d.text().filter(|_| d.once_in(3)) }
}

fn some_new(d: &mut Dice<'_>, in_group: bool) -> Vec<NewBackend> {
    (0..1 + d.roll(2)).map(|_| new(d, in_group)).collect()
}

pub fn create_group(d: &mut Dice<'_>) -> Command {
    let backends = if d.once_in(3) { some_new(d, true) } else { Vec::new() };
    CreateVServerGroup { load_balancer: d.id::<LoadBalancer>(), name: d.text(), backends, tags: d.tags() }
        .into()
}

pub fn delete_group(d: &mut Dice<'_>) -> Command {
    DeleteVServerGroup { group: d.id::<VServerGroup>() }.into()
}

pub fn create_pair(d: &mut Dice<'_>) -> Command {
    let both = [Role::Primary, Role::Secondary];
    let roles = if d.once_in(8) {
        vec![d.pick(&both)]
    } else if d.once_in(8) {
        Vec::new()
    } else {
        both.to_vec()
    };
    let members = roles.into_iter().map(|role| NewRoleMember { role, backend: new(d, true) }).collect();
    CreateMasterSlaveGroup { load_balancer: d.id::<LoadBalancer>(), name: d.text(), members, tags: d.tags() }
        .into()
}

pub fn delete_pair(d: &mut Dice<'_>) -> Command {
    DeleteMasterSlaveGroup { group: d.id::<MasterSlaveGroup>() }.into()
}

/// A pool, with its members if the caller has it.
fn pool<'w>(d: &mut Dice<'w>) -> (Pool, &'w [Backend]) {
    if d.once_in(2) {
        let own = d.own::<LoadBalancer>();
        let id = own.map_or_else(|| d.id::<LoadBalancer>(), |b| b.id);
        return (Pool::Default(id), own.map_or(&[], |b| b.backends.as_slice()));
    }
    let own = d.own::<VServerGroup>();
    let id = own.map_or_else(|| d.id::<VServerGroup>(), |g| g.id);
    (Pool::Group(id), own.map_or(&[], |g| g.backends.as_slice()))
}

pub fn add(d: &mut Dice<'_>) -> Command {
    let (pool, _) = pool(d);
    AddBackends { pool, backends: some_new(d, matches!(pool, Pool::Group(_))) }.into()
}

/// A member that is there, or any.
fn present(d: &mut Dice<'_>, pool: Pool, there: &[Backend]) -> Member {
    if there.is_empty() || d.once_in(6) {
        return member(d, matches!(pool, Pool::Group(_)));
    }
    d.pick(there).member()
}

/// A member that is named to go: one that is there, at any of its addresses if it is an interface, or nothing that is known.
fn leaving(d: &mut Dice<'_>, pool: Pool, there: &[Backend]) -> Leaving {
    let named = Leaving::from(present(d, pool, there));
    let server = named.server.filter(|_| !d.once_in(10));
    let address = named.address.filter(|_| !d.once_in(4));
    Leaving { server, address, ..named }
}

pub fn remove(d: &mut Dice<'_>) -> Command {
    let (pool, there) = pool(d);
    RemoveBackends { pool, members: vec![leaving(d, pool, there)] }.into()
}

pub fn set(d: &mut Dice<'_>) -> Command {
    let (pool, there) = pool(d);
    let member = present(d, pool, there);
    let change = NewBackend { member, weight: d.maybe(|d| d.pick(&[0, 7, 101])), description: d.text() };
    SetBackends { pool, name: d.text(), backends: vec![change] }.into()
}

pub fn replace(d: &mut Dice<'_>) -> Command {
    let own = d.own::<VServerGroup>();
    let group = own.map_or_else(|| d.id::<VServerGroup>(), |g| g.id);
    let there = own.map_or(&[][..], |g| g.backends.as_slice());
    let old = vec![leaving(d, Pool::Group(group), there)];
    ReplaceBackends { group, old, new: some_new(d, true) }.into()
}
