//! Members of pools: by what they are known, and what becomes of them when their addresses go.

use crate::lab::*;
use sim_core::ecs::eni::{Eni, EniKind};
use sim_core::ecs::eni_address::{AssignAddresses, UnassignAddresses};
use sim_core::ecs::eni_wanted::{Want, Wanted};
use sim_core::id::{EniId, InstanceId, LoadBalancerId, VServerGroupId};
use sim_core::slb::backend::{
    AddBackends, Backend, Leaving, Member, NewBackend, Pool, RemoveBackends, ReplaceBackends, Server,
    SetBackends,
};
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::slb::server_group::{CreateVServerGroup, VServerGroup};
use sim_core::{ErrorCode as E, Refusal};
use std::net::Ipv4Addr;

/// A load balancer with a group and a default pool, a host, and an interface with two addresses beside its primary one.
struct Scene {
    lab: Lab,
    balancer: LoadBalancerId,
    group: VServerGroupId,
    host: InstanceId,
    eni: EniId,
    /// The addresses of the interface, the primary one first.
    addresses: Vec<Ipv4Addr>,
}

impl Scene {
    fn new() -> Scene {
        let mut lab = Lab::new();
        let (host, eni) = (lab.running(), lab.eni(EniKind::Secondary, false));
        lab.ok(AssignAddresses { eni, wanted: Wanted { ipv4: Want::Count(2), ..Wanted::default() } });
        let addresses = lab.world.get::<Eni>(&eni).unwrap().ipv4().collect();
        let balancer = lab.ok(crate::random::balancer()).id();
        let (name, backends, tags) = (None, Vec::new(), Vec::new());
        let group = lab.ok(CreateVServerGroup { load_balancer: balancer, name, backends, tags }).id();
        Scene { lab, balancer, group, host, eni, addresses }
    }

    fn pools(&self) -> [Pool; 2] {
        [Pool::Group(self.group), Pool::Default(self.balancer)]
    }

    /// A member of a pool; in a group its port is 80.
    fn member(&self, pool: Pool, server: Server, address: Option<Ipv4Addr>) -> Member {
        Member { server, address, port: matches!(pool, Pool::Group(_)).then_some(80) }
    }

    fn add(&self, pool: Pool, members: &[(Server, Option<Ipv4Addr>)]) -> AddBackends {
        let new = |(server, address): &(Server, Option<Ipv4Addr>)| NewBackend {
            member: self.member(pool, *server, *address),
            weight: None,
            description: None,
        };
        AddBackends { pool, backends: members.iter().map(new).collect() }
    }

    fn remove(&mut self, pool: Pool, server: Server, address: Option<Ipv4Addr>) {
        let leaving = self.member(pool, server, address).into();
        self.lab.ok(RemoveBackends { pool, members: vec![leaving] });
    }

    fn members(&self, pool: Pool) -> &[Backend] {
        match pool {
            Pool::Group(id) => &self.lab.world.get::<VServerGroup>(&id).unwrap().backends,
            Pool::Default(id) => &self.lab.world.get::<LoadBalancer>(&id).unwrap().backends,
        }
    }

    /// The addresses of the members as they are shown, with their weights.
    fn shown(&self, pool: Pool) -> Vec<(Option<Ipv4Addr>, u8)> {
        self.members(pool).iter().map(|b| (b.known_address(&self.lab.world), b.weight)).collect()
    }

    fn lose(&mut self, address: Ipv4Addr) {
        let (ipv4, ipv4_prefixes, ipv6, ipv6_prefixes) = (vec![address], vec![], vec![], vec![]);
        self.lab.ok(UnassignAddresses { eni: self.eni, ipv4, ipv4_prefixes, ipv6, ipv6_prefixes });
    }
}

#[test]
fn a_member_keeps_an_address_that_its_interface_loses_and_goes_by_it() {
    let mut scene = Scene::new();
    let (server, addresses) = (Server::Eni(scene.eni), scene.addresses.clone());
    for pool in scene.pools() {
        let members: Vec<_> = addresses.iter().map(|address| (server, Some(*address))).collect();
        scene.lab.ok(scene.add(pool, &members));
    }
    scene.lose(addresses[2]);
    for pool in scene.pools() {
        let shown: Vec<_> = addresses.iter().map(|address| (Some(*address), 100)).collect();
        assert_eq!(scene.shown(pool), shown);
        scene.remove(pool, server, Some(addresses[2]));
        assert_eq!(scene.shown(pool), shown[..2]);
    }
    scene.lab.check_replay();
}

#[test]
fn an_interface_without_an_address_is_meant_at_its_primary_one_in_a_group_and_at_all_in_a_default_pool() {
    let mut scene = Scene::new();
    let server = Server::Eni(scene.eni);
    let [primary, second, third] = scene.addresses[..] else { panic!("three addresses") };
    for pool in scene.pools() {
        // It comes at its primary address, to both.
        scene.lab.ok(scene.add(pool, &[(server, Some(second)), (server, None), (server, Some(third))]));
        let member = scene.member(pool, server, None);
        let change = NewBackend { member, weight: Some(7), description: None };
        scene.lab.ok(SetBackends { pool, name: None, backends: vec![change] });
    }
    let [group, default] = scene.pools();
    assert_eq!(scene.shown(group), [(Some(second), 100), (Some(primary), 7), (Some(third), 100)]);
    assert_eq!(scene.shown(default), [(Some(second), 7), (Some(primary), 7), (Some(third), 7)]);
    for pool in [group, default] {
        scene.remove(pool, server, None);
    }
    assert_eq!(scene.shown(group), [(Some(second), 100), (Some(third), 100)]);
    assert_eq!(scene.shown(default), []);
    // Once more there is no such member in the group.
    scene.remove(group, server, None);
    let member = scene.member(group, server, None);
    let change = NewBackend { member, weight: Some(7), description: None };
    let set = SetBackends { pool: group, name: None, backends: vec![change] };
    let refusal = scene.lab.refuses("the primary one is gone", set, E::BackendNotMember);
    assert!(refusal.to_string().contains("is no member with port 80"), "{refusal}");
    // With its primary address and without any it is given twice.
    let new = scene.add(group, &[(server, None), (server, Some(primary))]).backends;
    let replace = ReplaceBackends { group: scene.group, old: Vec::new(), new };
    scene.lab.refuses("twice", replace, E::BackendRepeated);
}

#[test]
fn two_servers_do_not_serve_at_one_address_and_port() {
    let mut scene = Scene::new();
    let (host, at_host) = (Server::Instance(scene.host), Server::Eni(scene.lab.primary(scene.host).id));
    let text = |refusal: Refusal| refusal.to_string();
    for pool in scene.pools() {
        let both = scene.add(pool, &[(host, None), (at_host, None)]);
        text(scene.lab.refuses("in one call", both, E::BackendPresent));
        scene.lab.ok(scene.add(pool, &[(at_host, None)]));
        let told = text(scene.lab.refuses("there", scene.add(pool, &[(host, None)]), E::BackendPresent));
        assert!(told.contains("Another server at") && told.contains("is there already"), "{told}");
        assert_eq!(told.contains("port"), matches!(pool, Pool::Group(_)), "{told}");
    }
    // What a member has lost is free for another.
    let (lost, pool) = (scene.addresses[1], Pool::Group(scene.group));
    scene.lab.ok(scene.add(pool, &[(Server::Eni(scene.eni), Some(lost))]));
    let other = scene.lab.eni(EniKind::Secondary, false);
    scene.lose(lost);
    scene.lab.ok(AssignAddresses {
        eni: other,
        wanted: Wanted { ipv4: Want::These(vec![lost]), ..Wanted::default() },
    });
    scene.lab.ok(scene.add(pool, &[(Server::Eni(other), Some(lost))]));
    let lost_by = |b: &&Backend| b.known_address(&scene.lab.world) == Some(lost);
    assert_eq!(scene.members(pool).iter().filter(lost_by).count(), 2);
    scene.lab.check_replay();
}

#[test]
fn what_is_not_there_is_passed_over_when_members_go() {
    let mut scene = Scene::new();
    for pool in scene.pools() {
        scene.lab.ok(scene.add(pool, &[(Server::Instance(scene.host), None)]));
        let known = Leaving::from(scene.member(pool, Server::Eni(scene.eni), None));
        let unknown = Leaving { server: None, ..known };
        scene.lab.ok(RemoveBackends { pool, members: vec![known, unknown] });
        assert_eq!(scene.members(pool).len(), 1);
        // The form of what is passed over counts all the same.
        let port = if unknown.port.is_some() { None } else { Some(80) };
        let wrong = RemoveBackends { pool, members: vec![Leaving { port, ..unknown }] };
        scene.lab.refuses("port", wrong, E::BackendPort);
    }
    let old = vec![Leaving { server: None, address: None, port: Some(80) }];
    scene.lab.ok(ReplaceBackends { group: scene.group, old, new: Vec::new() });
    assert_eq!(scene.members(Pool::Group(scene.group)).len(), 1);
}
