//! What a load balancer does with a packet: the way through, and one case for each end.

use crate::balancer_sketch::{balancer, elastic, list, listener};
use crate::dispositions::{eip, eip as eip_of_host, kinds};
use crate::lab::*;
use crate::net::*;
use sim_core::SimTime;
use sim_core::balancing::scheduler::Scheduler;
use sim_core::command::Command;
use sim_core::datapath::remedy::remedy;
use sim_core::datapath::{Disposition as D, Hop, Leg, NoPath, Place, Source, Trace};
use sim_core::ecs::outage::{BeginOutage, OutageTarget};
use sim_core::ecs::security_group_rule::Direction;
use sim_core::ecs::service_port::{Behaviour, PortProtocol, SetServicePort};
use sim_core::id::{
    AccessControlListId, EipId, EniId, Ipv4GatewayId, ListenerId, LoadBalancerId, VServerGroupId,
};
use sim_core::secret::Fingerprint;
use sim_core::slb::acl::AclKind;
use sim_core::slb::backend::{AddBackends, Member, NewBackend, Pool, Server, SetBackends};
use sim_core::slb::listener::{
    CreateListener, ListenerStatus, ModifyListener, Protocol, StartListener, StopListener, WhichListener,
};
use sim_core::slb::listener_access::{AccessSettings, AccessVerdict};
use sim_core::slb::listener_rules::Settings;
use sim_core::slb::load_balancer::{self as balancers, LoadBalancer};
use sim_core::slb::load_balancer_change::{LockLoadBalancer, ModifyLoadBalancer};
use sim_core::slb::server_group::CreateVServerGroup;
use sim_core::vpc::eip::{Eip, EipStatus};
use sim_core::vpc::ipv4_gateway::{CreateIpv4Gateway, EnableIpv4Gateway};
use sim_core::vpc::vpc::Vpc;
use std::net::IpAddr;

pub const OUTSIDE: Source = Source::Outside(IpAddr::V4(std::net::Ipv4Addr::new(47, 1, 1, 1)));

/// `front`, `back` and `mid`, whose groups let nothing in, and a load balancer whose TCP listener on port 80 forwards to
/// port 8080 of `back` and `mid`; it has had time to find them healthy.
pub struct Shop {
    pub net: Net,
    pub id: LoadBalancerId,
    group: VServerGroupId,
    listener: ListenerId,
    pub target: String,
}

impl Shop {
    fn new(place: fn(&Net) -> balancers::Place, protocol: Protocol, settings: Settings) -> Shop {
        let mut net = Net::new();
        let place = place(&net);
        let id: LoadBalancerId = net.lab.ok(balancer(place)).id();
        let members = [net.back, net.mid].map(|eni| NewBackend {
            member: Member { server: Server::Instance(net.instance(eni)), address: None, port: Some(8080) },
            weight: None,
            description: None,
        });
        let (name, backends, tags) = (None, members.to_vec(), Vec::new());
        let group = net.lab.ok(CreateVServerGroup { load_balancer: id, name, backends, tags }).id();
        let listener = net.lab.ok(listener(id, 80, protocol, Some(group), settings)).id();
        net.lab.ok(StartListener { listener: which(id) });
        net.lab.wait(10_000);
        let address = net.lab.world.get::<LoadBalancer>(&id).unwrap().address;
        Shop { net, id, group, listener, target: format!("{address}:80/tcp") }
    }

    fn inside() -> Shop {
        Shop::new(in_vpc, Protocol::Tcp, Settings::default())
    }

    pub fn outside() -> Shop {
        Shop::new(|_| balancers::Place::Internet, Protocol::Tcp, Settings::default())
    }

    /// An elastic IP address that is bound to nothing.
    fn free_eip(&mut self) -> (EipId, std::net::Ipv4Addr) {
        let eip = self.net.lab.ok(allocate()).id();
        (eip, self.net.lab.world.get::<Eip>(&eip).unwrap().address)
    }

    fn trace(&self) -> Trace {
        self.net.trace(&self.target)
    }

    #[track_caller]
    fn ends(&self, leg: Leg, disposition: D) {
        self.net.ends(&self.trace(), leg, disposition);
    }

    /// What would let the packet through, in words; it does.
    #[track_caller]
    fn remedy(&mut self) -> Vec<String> {
        let question = self.net.ask(Source::Interface(self.net.front, None), &self.target).unwrap();
        let found = remedy(&self.net.lab.world, &caller(), &question).expect("a remedy");
        let words = sim_core::datapath::text::Words::new(&self.net.lab.world);
        let told = found.changes.iter().map(|change| words.change(change)).collect();
        for change in found.changes {
            self.net.lab.ok(change);
        }
        self.net.lab.wait(60_000);
        self.net.lab.check_replay();
        assert!(self.trace().ending.delivered());
        told
    }

    fn modify(&mut self, access: AccessSettings, settings: Settings) {
        self.net.lab.ok(ModifyListener {
            load_balancer: self.id,
            port: 80,
            protocol: Protocol::Tcp,
            description: None,
            group: None,
            pair: None,
            same_kind: false,
            access,
            settings: Box::new(settings),
        });
    }

    fn weigh(&mut self, eni: EniId, weight: i32) {
        let server = Server::Instance(self.net.instance(eni));
        let member = Member { server, address: None, port: Some(8080) };
        let backends = vec![NewBackend { member, weight: Some(weight), description: None }];
        self.net.lab.ok(SetBackends { pool: Pool::Group(self.group), name: None, backends });
    }

    /// Lets this list judge clients.
    fn judge(&mut self, kind: AclKind, blocks: &[&str]) -> AccessControlListId {
        let acl = self.net.lab.ok(list(blocks)).id();
        let access = AccessSettings { on: Some(true), acls: Some(vec![acl]), kind: Some(kind) };
        self.modify(access, Settings::default());
        acl
    }
}

fn in_vpc(net: &Net) -> balancers::Place {
    balancers::Place::Intranet { vswitch: net.lab.db, vpc: None, address: Some([10, 0, 2, 50].into()) }
}

fn which(load_balancer: LoadBalancerId) -> WhichListener {
    WhichListener { load_balancer, port: 80, protocol: None }
}

fn balanced(trace: &Trace) -> (String, Server) {
    let hop = trace.forward.iter().find_map(|hop| match hop {
        Hop::Balanced { header, server, .. } => Some((sim_core::datapath::text::header(header), *server)),
        _ => None,
    });
    hop.unwrap_or_else(|| panic!("{trace:?}"))
}

#[test]
fn layer_4_keeps_the_clients_address_and_the_answer_comes_back_by_the_load_balancer() {
    let shop = Shop::inside();
    let trace = shop.trace();
    // The groups of the backend let nothing in, and are not asked.
    shop.net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(shop.net.back)));
    let (header, _) = balanced(&trace);
    assert_eq!(header, "tcp 10.0.1.10:49152 -> 10.0.2.9:8080");
    assert_eq!(kinds(&trace.forward), "sent groups route listener balanced groups taken");
    assert_eq!(kinds(&trace.back), "sent returned route session taken");
}

#[test]
fn layer_7_connects_from_the_providers_network() {
    let shop = Shop::new(in_vpc, Protocol::Http, Settings::default());
    let trace = shop.trace();
    assert!(trace.ending.delivered(), "{}", shop.net.text(&trace));
    assert_eq!(balanced(&trace).0, "tcp 100.64.0.1:49152 -> 10.0.2.9:8080");
}

#[test]
fn clients_of_the_internet_are_answered_by_the_load_balancer() {
    let mut shop = Shop::outside();
    let trace = shop.net.trace_from(OUTSIDE, &shop.target);
    assert!(trace.ending.delivered(), "{}", shop.net.text(&trace));
    assert_eq!(balanced(&trace).0, "tcp 47.1.1.1:49152 -> 10.0.2.9:8080");
    // From inside there is a way to it for who has an address of the internet, and the answer comes back to that.
    assert_eq!(shop.trace().ending.disposition.word(), "no_public_path");
    let front = shop.net.front;
    let (_, public) = eip(&mut shop.net, front);
    let trace = shop.trace();
    assert!(trace.ending.delivered(), "{}", shop.net.text(&trace));
    assert_eq!(balanced(&trace).0, format!("tcp {public}:49152 -> 10.0.2.9:8080"));
}

#[test]
fn clients_of_the_internet_come_to_an_intranet_one_by_its_elastic_address() {
    let mut shop = Shop::inside();
    let (eip, public) = shop.free_eip();
    let ask = |shop: &Shop| shop.net.trace_from(OUTSIDE, &format!("{public}:80/tcp"));
    let unbound = D::EipNotBound { eip, status: EipStatus::Available };
    shop.net.ends(&ask(&shop), Leg::Forward, unbound);
    shop.net.lab.ok(elastic(eip, shop.id));
    let trace = ask(&shop);
    shop.net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(shop.net.back)));
    // The address is translated, and the listener and the backend see the client's.
    assert_eq!(balanced(&trace).0, "tcp 47.1.1.1:49152 -> 10.0.2.9:8080");
    assert_eq!(kinds(&trace.forward), "sent translated listener balanced groups taken");
    assert_eq!(kinds(&trace.back), "sent returned translated taken");
    // A host of the VPC reaches it by its private address and, with an address of its own, by the public one.
    assert!(shop.trace().ending.delivered());
    let front = shop.net.front;
    eip_of_host(&mut shop.net, front);
    assert!(shop.net.trace(&format!("{public}:80/tcp")).ending.delivered());
    // A route to a part of the internet comes first, and then the answer goes astray.
    let (table, mid) = (shop.net.lab.world.get::<Vpc>(&shop.net.lab.vpc).unwrap().system_table, shop.net.mid);
    shop.net.route(table, "47.0.0.0/8", mid);
    assert_ne!(ask(&shop).ending.disposition.word(), "delivered");
}

#[test]
fn an_elastic_address_of_a_load_balancer_needs_a_route_where_an_ipv4_gateway_is_active() {
    let mut shop = Shop::inside();
    let (eip, public) = shop.free_eip();
    shop.net.lab.ok(elastic(eip, shop.id));
    let vpc = shop.net.lab.vpc;
    let (name, description, resource_group, tags) = (None, None, None, Vec::new());
    let new = CreateIpv4Gateway { vpc, name, description, resource_group, tags };
    let gateway = shop.net.lab.ok(new).id::<Ipv4GatewayId>();
    shop.net.lab.ok(EnableIpv4Gateway { gateway, tables: Vec::new() });
    let ask = |shop: &Shop| shop.net.trace_from(OUTSIDE, &format!("{public}:80/tcp"));
    let address = shop.net.lab.world.get::<LoadBalancer>(&shop.id).unwrap().address;
    let vswitch = shop.net.lab.world.get::<LoadBalancer>(&shop.id).unwrap().home.unwrap().vswitch;
    let why = NoPath::Unrouted { vswitch, table: shop.net.lab.table, gateway: gateway.into() };
    shop.net.ends(&ask(&shop), Leg::Return, D::NoPublicPath { vpc, address, why });
    let table = shop.net.lab.world.get::<Vpc>(&vpc).unwrap().system_table;
    shop.net.route(table, "0.0.0.0/0", gateway);
    assert!(ask(&shop).ending.delivered());
}

#[test]
fn clients_by_ipv6_are_not_kept_for_backends_that_have_ipv4() {
    let shop = Shop::new(|_| balancers::Place::Internet6, Protocol::Tcp, Settings::default());
    let address = shop.net.lab.world.get::<LoadBalancer>(&shop.id).unwrap().address;
    let source = Source::Outside("2400:3200::1".parse().unwrap());
    let trace = shop.net.trace_from(source, &format!("[{address}]:80/tcp"));
    assert!(trace.ending.delivered(), "{}", shop.net.text(&trace));
    assert_eq!(balanced(&trace).0, "tcp 100.64.0.1:49152 -> 10.0.2.9:8080");
}

#[test]
fn the_first_connection_goes_to_the_heaviest_by_weight_and_to_the_first_in_turn() {
    let mut shop = Shop::inside();
    let [back, mid] = [shop.net.back, shop.net.mid].map(|eni| Server::Instance(shop.net.instance(eni)));
    let eni = shop.net.back;
    shop.weigh(eni, 99);
    assert_eq!(balanced(&shop.trace()).1, mid);
    for scheduler in [Scheduler::RoundRobin, Scheduler::WeightedLeastConnections] {
        shop.modify(
            AccessSettings::default(),
            Settings { scheduler: Some(scheduler), ..Settings::default() },
        );
        assert_eq!(balanced(&shop.trace()).1, back, "{scheduler:?}");
    }
}

#[test]
fn hashing_keeps_a_client_with_its_backend_and_spreads_clients() {
    let settings = Settings { scheduler: Some(Scheduler::SourceHash), ..Settings::default() };
    let mut shop = Shop::new(|_| balancers::Place::Internet, Protocol::Tcp, settings);
    let chosen = |shop: &Shop| -> Vec<Server> {
        let client = |n: u8| Source::Outside([47, 1, 1, n].into());
        (1..60).map(|n| balanced(&shop.net.trace_from(client(n), &shop.target)).1).collect()
    };
    let (first, [back, mid]) = (chosen(&shop), [shop.net.back, shop.net.mid]);
    let of_mid = Server::Instance(shop.net.instance(mid));
    let at_mid = first.iter().filter(|server| **server == of_mid).count();
    assert!((15..45).contains(&at_mid), "{at_mid} of 59");
    assert_eq!(chosen(&shop), first);
    // Who was at the one that stays is not moved.
    shop.weigh(back, 0);
    assert!(chosen(&shop).iter().all(|server| *server == of_mid));
    shop.weigh(back, 100);
    assert_eq!(chosen(&shop), first);
}

#[test]
fn without_a_listener_nothing_answers() {
    let shop = Shop::inside();
    let load_balancer = shop.id;
    for (target, port) in [("10.0.2.50:81/tcp", 81), ("10.0.2.50:80/udp", 80), ("10.0.2.50/icmp", 0)] {
        let trace = shop.net.trace(target);
        shop.net.ends(&trace, Leg::Forward, D::NoListener { load_balancer, port });
    }
}

#[test]
fn a_listener_that_is_stopped_is_started() {
    let mut shop = Shop::inside();
    shop.net.lab.ok(StopListener { listener: which(shop.id) });
    let (listener, status) = (shop.listener, ListenerStatus::Stopped);
    shop.ends(Leg::Forward, D::ListenerStopped { listener, status });
    assert_eq!(shop.remedy(), [format!("{listener} started")]);
}

#[test]
fn a_load_balancer_that_is_inactive_or_locked_forwards_nothing() {
    let mut shop = Shop::inside();
    let load_balancer = shop.id;
    let (name, delete_protection, modification_protection) = (None, None, None);
    let active = Some(false);
    let off: Command =
        ModifyLoadBalancer { load_balancer, name, active, delete_protection, modification_protection }.into();
    shop.net.lab.ok(off);
    shop.ends(Leg::Forward, D::BalancerDown { load_balancer, status: "inactive" });
    shop.net.lab.ok(LockLoadBalancer { load_balancer, locked: true });
    shop.ends(Leg::Forward, D::BalancerDown { load_balancer, status: "locked" });
    let told = [format!("the lock of {load_balancer} taken off"), format!("{load_balancer} active")];
    assert_eq!(shop.remedy(), told);
}

#[test]
fn access_control_judges_the_clients_own_address() {
    let mut shop = Shop::inside();
    let listener = shop.listener;
    let acl = shop.judge(AclKind::White, &["10.0.1.0/24"]);
    assert!(shop.trace().ending.delivered());
    let far = shop.net.trace_from(Source::Interface(shop.net.mid, None), &shop.target);
    let verdict = AccessVerdict { kind: AclKind::White, allowed: false, named_by: None };
    shop.net.ends(&far, Leg::Forward, D::ListenerAccessDrop { listener, verdict });
    let black = shop.judge(AclKind::Black, &["10.0.1.0/24"]);
    assert_ne!(acl, black);
    let verdict = AccessVerdict { kind: AclKind::Black, allowed: false, named_by: Some(black) };
    shop.ends(Leg::Forward, D::ListenerAccessDrop { listener, verdict });
    assert_eq!(shop.remedy(), [format!("{black} without 10.0.1.0/24")]);
    let white = shop.judge(AclKind::White, &["10.0.3.0/24"]);
    assert_eq!(shop.remedy(), [format!("{white} with 10.0.1.10/32")]);
}

#[test]
fn empty_lists_keep_nobody_out_as_the_interface_has_it() {
    let mut shop = Shop::inside();
    shop.judge(AclKind::White, &[]);
    assert!(shop.trace().ending.delivered());
    shop.judge(AclKind::Black, &[]);
    assert!(shop.trace().ending.delivered());
}

#[test]
fn several_lists_count_as_one() {
    let mut shop = Shop::inside();
    let acls: Vec<AccessControlListId> =
        [&[][..], &["10.0.3.0/24"]].iter().map(|blocks| shop.net.lab.ok(list(blocks)).id()).collect();
    let access = |kind| AccessSettings { on: Some(true), acls: Some(acls.clone()), kind: Some(kind) };
    // An empty white list among others lets nobody in.
    shop.modify(access(AclKind::White), Settings::default());
    assert_eq!(shop.trace().ending.disposition.word(), "listener_access_drop");
    shop.modify(access(AclKind::Black), Settings::default());
    assert!(shop.trace().ending.delivered());
}

#[test]
fn a_listener_that_redirects_answers_itself() {
    let mut shop = Shop::inside();
    let (certificate, redirect) = (shop.net.lab.ok(certificate()).id(), Some(443));
    let settings = Settings { certificate: Some(certificate), ..Settings::default() };
    shop.net.lab.ok(listener(shop.id, 443, Protocol::Https, Some(shop.group), settings));
    let sends = listener(shop.id, 8080, Protocol::Http, None, Settings::default());
    let id = shop.net.lab.ok(CreateListener { redirect, ..sends }).id();
    let which = WhichListener { load_balancer: shop.id, port: 8080, protocol: None };
    shop.net.lab.ok(StartListener { listener: which });
    let trace = shop.net.trace("10.0.2.50:8080/tcp");
    shop.net.ends(&trace, Leg::Forward, D::Redirected { listener: id, port: 443 });
}

fn certificate() -> sim_core::slb::certificate::UploadServerCertificate {
    use sim_core::slb::certificate::{CertificateFacts, UploadServerCertificate};
    let facts = CertificateFacts {
        common_name: "www.example.com".into(),
        alternative_names: Vec::new(),
        fingerprint: "00".into(),
        not_before: SimTime(0),
        not_after: SimTime::MAX,
    };
    let (private_key, resource_group, tags) = (Fingerprint(1), None, Vec::new());
    UploadServerCertificate { name: None, facts, private_key, resource_group, tags }
}

#[test]
fn without_a_healthy_backend_there_is_nobody_to_forward_to() {
    let mut shop = Shop::inside();
    let (listener, members) = (shop.listener, 2);
    let nobody = D::NoHealthyBackend { listener, rule: None, members };
    let hosts = [shop.net.back, shop.net.mid].map(|eni| shop.net.instance(eni));
    shop.net.lab.ok(stop(&hosts[..1]));
    let until = Some(shop.net.lab.world.now() + sim_core::Span(3_600_000));
    shop.net.lab.ok(BeginOutage { target: OutageTarget::Instance(hosts[1]), from: None, until });
    // Until the verdict falls they get traffic, the one that is stopped in vain.
    assert_eq!(shop.trace().ending.disposition.word(), "instance_not_running");
    shop.net.lab.wait(18_999);
    assert_eq!(shop.trace().ending.disposition.word(), "instance_not_running");
    shop.net.lab.wait(2_001);
    shop.ends(Leg::Forward, nobody);
    assert_eq!(shop.remedy(), [format!("{} started", hosts[0])]);
    // A backend that refuses, and one without a weight.
    let (protocol, port, planned) = (PortProtocol::Tcp, 8080, Vec::new());
    let behaviour = Some(Behaviour::Refuses);
    shop.net.lab.ok(SetServicePort { instance: hosts[0], protocol, port, behaviour, planned });
    let mid = shop.net.mid;
    shop.weigh(mid, 0);
    shop.net.lab.wait(10_000);
    shop.ends(Leg::Forward, nobody);
    let told = shop.remedy();
    assert_eq!(told, [format!("8080/tcp of {} answering as if nothing was told of it", hosts[0])]);
}

#[test]
fn an_empty_group_has_nobody() {
    let mut shop = Shop::inside();
    let empty =
        CreateVServerGroup { load_balancer: shop.id, name: None, backends: Vec::new(), tags: Vec::new() };
    let group = shop.net.lab.ok(empty).id();
    let id = shop.net.lab.ok(listener(shop.id, 81, Protocol::Tcp, Some(group), Settings::default())).id();
    let which = WhichListener { load_balancer: shop.id, port: 81, protocol: None };
    shop.net.lab.ok(StartListener { listener: which });
    let trace = shop.net.trace("10.0.2.50:81/tcp");
    shop.net.ends(&trace, Leg::Forward, D::NoHealthyBackend { listener: id, rule: None, members: 0 });
}

#[test]
fn a_backend_cannot_call_itself_by_layer_4_but_by_layer_7() {
    let shop = Shop::inside();
    let back = Source::Interface(shop.net.back, None);
    let trace = shop.net.trace_from(back, &shop.target);
    let (listener, eni) = (shop.listener, shop.net.back);
    shop.net.ends(&trace, Leg::Forward, D::BackendCallsItself { listener, eni });
    // Another member is chosen for another client, and this one may call that.
    let mid = Source::Interface(shop.net.mid, None);
    assert!(shop.net.trace_from(mid, &shop.target).ending.delivered());
    let shop = Shop::new(in_vpc, Protocol::Http, Settings::default());
    let back = Source::Interface(shop.net.back, None);
    assert!(shop.net.trace_from(back, &shop.target).ending.delivered());
}

#[test]
fn network_acls_and_routes_of_backends_are_not_asked_but_those_of_clients_are() {
    let mut shop = Shop::inside();
    let (db, web) = (shop.net.lab.db, shop.net.lab.web);
    let drop_all = |net: &mut Net, vswitch| {
        use sim_core::vpc::network_acl::CreateNetworkAcl;
        use sim_core::vpc::network_acl_binding::AssociateNetworkAcl;
        use sim_core::vpc::network_acl_rule::UpdateNetworkAclRules;
        let (vpc, name, description, tags) = (net.lab.vpc, None, None, Vec::new());
        let acl = net.lab.ok(CreateNetworkAcl { vpc, name, description, tags }).id();
        net.lab.ok(UpdateNetworkAclRules { acl, ingress: Some(Vec::new()), egress: Some(Vec::new()) });
        net.lab.ok(AssociateNetworkAcl { acl, vswitches: vec![vswitch] });
    };
    drop_all(&mut shop.net, db);
    let table = shop.net.table(db);
    let mid = shop.net.mid;
    shop.net.redirect(table, "10.0.1.0/24", mid);
    shop.net.rule(shop.net.back_group, Direction::Egress, "drop", "1", "all", "-1/-1", "0.0.0.0/0");
    // The answer leaves the load balancer by the table of its vSwitch, which is the backend's too here.
    let trace = shop.trace();
    assert!(!trace.back.is_empty(), "{}", shop.net.text(&trace));
    let mut shop = Shop::inside();
    drop_all(&mut shop.net, web);
    assert_eq!(shop.trace().ending.disposition.word(), "network_acl_drop");
}

#[test]
fn an_interface_that_lost_the_address_of_a_member_takes_nothing() {
    let mut shop = Shop::inside();
    let eni = shop.net.lab.eni(sim_core::ecs::eni::EniKind::Secondary, false);
    use sim_core::ecs::eni_address::{AssignAddresses, UnassignAddresses, Want, Wanted};
    let wanted = Wanted { ipv4: Want::Count(1), ..Wanted::default() };
    shop.net.lab.ok(AssignAddresses { eni, wanted });
    let own = shop.net.lab.world.get::<sim_core::ecs::eni::Eni>(&eni).unwrap().secondary_ips[0];
    let member = Member { server: Server::Eni(eni), address: Some(own), port: None };
    let backends = vec![NewBackend { member, weight: None, description: None }];
    shop.net.lab.ok(AddBackends { pool: Pool::Default(shop.id), backends });
    let check = sim_core::slb::health_check::HealthCheckSettings { on: Some(false), ..Default::default() };
    let settings = Settings { health_check: check, ..Settings::default() };
    shop.net.lab.ok(listener(shop.id, 81, Protocol::Tcp, None, settings));
    let which = WhichListener { load_balancer: shop.id, port: 81, protocol: None };
    shop.net.lab.ok(StartListener { listener: which });
    assert_eq!(shop.net.trace("10.0.2.50:81/tcp").ending.disposition.word(), "not_attached");
    let (ipv4_prefixes, ipv6, ipv6_prefixes) = (Vec::new(), Vec::new(), Vec::new());
    let ipv4 = vec![own];
    shop.net.lab.ok(UnassignAddresses { eni, ipv4, ipv4_prefixes, ipv6, ipv6_prefixes });
    let vpc = shop.net.lab.vpc;
    let trace = shop.net.trace("10.0.2.50:81/tcp");
    shop.net.ends(&trace, Leg::Forward, D::NobodyThere { vpc, address: own.into() });
}
