//! Requests to a listener with forwarding rules: which rule takes one, what is told of it, and what would let it through.

use crate::balancer_sketch::{balancer, listener, rule};
use crate::lab::*;
use crate::net::*;
use crate::warm::judged_alike;
use sim_core::command::Command;
use sim_core::datapath::hop::RuleVerdict;
use sim_core::datapath::remedy::remedy;
use sim_core::datapath::text::Words;
use sim_core::datapath::{Disposition as D, Flow, Hop, Leg, Place, Question, Request, Source, Trace};
use sim_core::ecs::group_filter::PacketProtocol;
use sim_core::ecs::service_port::{Behaviour, PortProtocol, SetServicePort};
use sim_core::id::{EniId, ForwardingRuleId, ListenerId, LoadBalancerId, VServerGroupId};
use sim_core::slb::backend::{Member, NewBackend, Pool, RemoveBackends, Server, SetBackends};
use sim_core::slb::forwarding_rule::{CreateForwardingRules, NewRule};
use sim_core::slb::listener::{Protocol, StartListener, WhichListener};
use sim_core::slb::listener_rules::Settings;
use sim_core::slb::load_balancer::{self as balancers, LoadBalancer};
use sim_core::slb::server_group::CreateVServerGroup;
use std::net::IpAddr;

/// A listener on port 80 whose own group is `front`, and a group with `back` alone and one with `mid` alone.
struct Shop {
    net: Net,
    id: LoadBalancerId,
    listener: ListenerId,
    groups: [VServerGroupId; 3],
    address: IpAddr,
}

impl Shop {
    fn new(protocol: Protocol) -> Shop {
        let mut net = Net::new();
        let id: LoadBalancerId = net.lab.ok(balancer(balancers::Place::Internet)).id();
        let groups = [net.front, net.back, net.mid].map(|eni| {
            let (member, weight, description) = (member(&net, eni), None, None);
            let backends = vec![NewBackend { member, weight, description }];
            let (load_balancer, name, tags) = (id, None, Vec::new());
            net.lab.ok(CreateVServerGroup { load_balancer, name, backends, tags }).id()
        });
        let listener = net.lab.ok(listener(id, 80, protocol, Some(groups[0]), Settings::default())).id();
        net.lab.ok(StartListener { listener: which(id) });
        let address = net.lab.world.get::<LoadBalancer>(&id).unwrap().address;
        Shop { net, id, listener, groups, address }
    }

    /// Adds rules and lets probes have their time.
    fn rules(&mut self, rules: Vec<NewRule>) -> Vec<ForwardingRuleId> {
        let made = self.net.lab.ok(CreateForwardingRules { listener: which(self.id), rules }).ids();
        self.net.lab.wait(10_000);
        made
    }

    /// `shop.test/cart` goes to `back`, every other path of that host to `mid`, `/api` of any host to `back`.
    fn with_rules() -> (Shop, Vec<ForwardingRuleId>) {
        let mut shop = Shop::new(Protocol::Http);
        let [_, back, mid] = shop.groups;
        let rules = vec![
            rule("rest", "shop.test", "", mid),
            rule("cart", "shop.test", "/cart", back),
            rule("api", "", "/api", back),
        ];
        let made = shop.rules(rules);
        (shop, made)
    }

    fn question(&self, request: Option<(&str, &str)>) -> Question {
        let request = request.map(|(host, path)| Request::new(Some(host), Some(path)).unwrap());
        let (source, protocol, port) = (Source::Outside([47, 1, 1, 1].into()), PacketProtocol::Tcp, Some(80));
        let flow = Flow { source, protocol, source_port: None, destination: self.address, port, request };
        flow.resolve(&self.net.lab.world, &caller()).unwrap()
    }

    fn trace(&self, request: Option<(&str, &str)>) -> Trace {
        let question = self.question(request);
        let trace = question.trace(&self.net.lab.world);
        assert_eq!(trace.ending, question.verdict(&self.net.lab.world));
        judged_alike(&self.net.lab.world, &question);
        trace
    }

    /// What would let a request through, in words; it does.
    fn remedy(&mut self, request: (&str, &str)) -> Vec<String> {
        let question = self.question(Some(request));
        let found = remedy(&self.net.lab.world, &caller(), &question).expect("a remedy");
        let words = Words::new(&self.net.lab.world);
        let told = found.changes.iter().map(|change| words.change(change)).collect();
        for change in found.changes {
            self.net.lab.ok(change);
        }
        self.net.lab.wait(60_000);
        self.net.lab.check_replay();
        assert!(self.trace(Some(request)).ending.delivered());
        told
    }
}

fn which(load_balancer: LoadBalancerId) -> WhichListener {
    WhichListener { load_balancer, port: 80, protocol: None }
}

fn member(net: &Net, eni: EniId) -> Member {
    Member { server: Server::Instance(net.instance(eni)), address: None, port: Some(8080) }
}

/// The step at which the rules were asked: how many, and what they made of the request.
fn asked(trace: &Trace) -> Option<(usize, Option<RuleVerdict>)> {
    trace.forward.iter().find_map(|hop| match hop {
        Hop::ForwardingRules { rules, verdict, .. } => Some((*rules, *verdict)),
        _ => None,
    })
}

fn told(shop: &Shop, trace: &Trace) -> String {
    let words = Words::new(&shop.net.lab.world);
    let hop = trace.forward.iter().find(|hop| matches!(hop, Hop::ForwardingRules { .. })).unwrap();
    words.hop(hop)
}

#[test]
fn the_rule_that_takes_a_request_says_where_it_goes() {
    let (shop, rules) = Shop::with_rules();
    let [rest, cart, api] = rules[..] else { panic!("{rules:?}") };
    let Net { front, back, mid, .. } = shop.net;
    for (request, to, nearest, taken_by) in [
        (("shop.test", "/cart/1"), back, Some(cart), Some(cart)),
        (("SHOP.test:80", "/carts"), back, Some(cart), Some(cart)),
        (("shop.test", "/api"), mid, Some(cart), Some(rest)),
        (("other.test", "/api/v1"), back, Some(api), Some(api)),
        (("other.test", "/"), front, Some(api), None),
        (("", "/api"), back, Some(api), Some(api)),
    ] {
        let trace = shop.trace(Some(request));
        shop.net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(to)));
        assert_eq!(asked(&trace), Some((3, Some(RuleVerdict { nearest, taken_by }))), "{request:?}");
        let group = trace.forward.iter().find_map(|hop| match hop {
            Hop::Balanced { pool, .. } => pool.vserver_group(),
            _ => None,
        });
        let place = [front, back, mid].iter().position(|eni| *eni == to).unwrap();
        assert_eq!(group, Some(shop.groups[place]), "{request:?}");
    }
    let listener = shop.listener;
    let told = |request| told(&shop, &shop.trace(request));
    let begins = format!(
        "{listener} asks its 3 rules: {cart} takes the request; shop.test is the nearest domain, and"
    );
    assert_eq!(told(Some(("shop.test", "/cart"))), format!("{begins} /cart is the longest URL that fits"));
    assert!(told(Some(("shop.test", "/"))).ends_with("and it takes the paths that no URL fits"));
    assert!(
        told(Some(("a.test", "/"))).ends_with("any host is the nearest domain, and none of its URLs fits")
    );
}

#[test]
fn without_a_request_no_rule_is_asked() {
    let (shop, _) = Shop::with_rules();
    let trace = shop.trace(None);
    shop.net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(shop.net.front)));
    assert_eq!(asked(&trace), Some((3, None)));
    let says = "does not ask its 3 rules, since there is no request to ask them with";
    assert_eq!(told(&shop, &trace), format!("{} {says}", shop.listener));
    // One that has none does not say so, and one of layer 4 looks at no request.
    for protocol in [Protocol::Http, Protocol::Tcp] {
        let shop = Shop::new(protocol);
        let mut shop = shop;
        shop.net.lab.wait(10_000);
        let trace = shop.trace(Some(("shop.test", "/cart")));
        assert_eq!(asked(&trace), None);
        shop.net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(shop.net.front)));
    }
}

#[test]
fn a_host_that_no_rule_is_for_gets_the_listeners_own_pool() {
    let mut shop = Shop::new(Protocol::Http);
    let back = shop.groups[1];
    shop.rules(vec![rule("cart", "shop.test", "/cart", back)]);
    let trace = shop.trace(Some(("elsewhere.test", "/cart")));
    assert_eq!(asked(&trace), Some((1, Some(RuleVerdict { nearest: None, taken_by: None }))));
    assert!(told(&shop, &trace).ends_with("asks its rule: none is for the host"));
    shop.net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(shop.net.front)));
}

#[test]
fn the_group_of_a_rule_fails_alone_and_is_mended_alone() {
    let (mut shop, rules) = Shop::with_rules();
    let (cart, listener, request) = (rules[1], shop.listener, ("shop.test", "/cart"));
    let instance = shop.net.instance(shop.net.back);
    let (protocol, port, planned) = (PortProtocol::Tcp, 8080, Vec::new());
    let behaviour = Some(Behaviour::Refuses);
    shop.net.lab.ok(SetServicePort { instance, protocol, port, behaviour, planned });
    shop.net.lab.wait(10_000);
    let broken = D::NoHealthyBackend { listener, rule: Some(cart), members: 1 };
    let trace = shop.trace(Some(request));
    shop.net.ends(&trace, Leg::Forward, broken);
    let end = Words::new(&shop.net.lab.world).ending(&trace.ending);
    let whose = format!("the group of {cart}, a rule of {listener}, has 1 backend");
    assert!(end.contains(&whose), "{end}");
    // Other paths of the host, and whoever asks for nothing, are served.
    assert!(shop.trace(Some(("shop.test", "/"))).ending.delivered());
    assert!(shop.trace(None).ending.delivered());
    let mended = format!("8080/tcp of {instance} answering as if nothing was told of it");
    assert_eq!(shop.remedy(request), [mended]);
    // A weight of nothing.
    let (pool, back) = (Pool::Group(shop.groups[1]), member(&shop.net, shop.net.back));
    let backends = vec![NewBackend { member: back, weight: Some(0), description: None }];
    shop.net.lab.ok(SetBackends { pool, name: None, backends });
    let weighed = format!("the weight 100 for {instance} in {}", shop.groups[1]);
    assert_eq!(shop.remedy(request), [weighed]);
    // An empty group: the rule is what is left to change, and then the next one takes the request.
    let change: Command = RemoveBackends { pool, members: vec![back.into()] }.into();
    shop.net.lab.ok(change);
    let empty = D::NoHealthyBackend { listener, rule: Some(cart), members: 0 };
    shop.net.ends(&shop.trace(Some(request)), Leg::Forward, empty);
    assert_eq!(shop.remedy(request), [format!("without forwarding rule {cart}")]);
    let trace = shop.trace(Some(request));
    shop.net.ends(&trace, Leg::Return, D::Delivered(Place::Interface(shop.net.mid)));
}
