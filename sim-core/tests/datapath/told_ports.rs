//! What a port was told to do where a packet is delivered: it is told beside the end, by whatever way the packet came, and
//! changes no verdict.

use crate::balancers::{OUTSIDE, Shop};
use crate::nat::{equip, forward, gateway};
use crate::net::Net;
use sim_core::Span;
use sim_core::datapath::{Source, ToldPort, Trace};
use sim_core::ecs::service_port::{Behaviour, ClearServicePort, PortProtocol, SetServicePort};
use sim_core::id::EniId;
use sim_core::vpc::forward_ports::ForwardProtocol;

impl Net {
    fn tell(&mut self, eni: EniId, protocol: PortProtocol, port: u16, behaviour: Behaviour) -> ToldPort {
        let (instance, planned) = (self.instance(eni), Vec::new());
        self.lab.ok(SetServicePort { instance, protocol, port, behaviour: Some(behaviour), planned });
        ToldPort { instance, protocol, port, behaviour }
    }

    /// What is told of the port where a packet is delivered, and in the last line of the text.
    #[track_caller]
    fn told(&self, trace: &Trace) -> (Option<ToldPort>, String) {
        assert!(trace.ending.delivered(), "{}", self.text(trace));
        let text = self.text(trace);
        let last = text.lines().last().unwrap().to_owned();
        (trace.told_port(&self.lab.world), last)
    }
}

#[test]
fn a_port_that_was_told_something_is_told() {
    use PortProtocol::{Tcp, Udp};
    let mut net = Net::open();
    let (back, instance) = (net.back, net.instance(net.back));
    let delivered = format!("delivered to {back}");
    let answers = |ms: i64, status: u16| Behaviour::Answers { after: Span(ms), status };
    assert_eq!(net.told(&net.trace("10.0.2.9:80/tcp")), (None, delivered.clone()));
    for (protocol, behaviour, does) in [
        (Tcp, Behaviour::Refuses, "refuses connections"),
        (Udp, Behaviour::Refuses, "answers that it is unreachable"),
        (Tcp, Behaviour::Silent, "drops what comes"),
        (Tcp, answers(0, 200), "answers at once, over HTTP with the status 200"),
        (Tcp, answers(20, 503), "answers after 20 ms, over HTTP with the status 503"),
        (Udp, answers(20, 503), "answers after 20 ms"),
    ] {
        let told = net.tell(back, protocol, 80, behaviour);
        let target = format!("10.0.2.9:80/{}", protocol.word());
        let words = format!("80/{} of {instance} {does}, as it was told to", protocol.word());
        assert_eq!(net.told(&net.trace(&target)), (Some(told), words));
    }
    // Of another port, of what has no ports, and of another host nothing was told.
    for target in ["10.0.2.9:81/tcp", "10.0.2.9/icmp"] {
        assert_eq!(net.told(&net.trace(target)), (None, delivered.clone()));
    }
    assert_eq!(net.told(&net.trace("10.0.3.5:80/tcp")).0, None);
    net.lab.ok(ClearServicePort { instance, protocol: Tcp, port: 80 });
    assert_eq!(net.told(&net.trace("10.0.2.9:80/tcp")), (None, delivered));
}

#[test]
fn it_is_the_port_where_the_packet_arrives() {
    // A NAT gateway leads to another port than was asked.
    let mut net = Net::open();
    let nat = gateway(&mut net.lab);
    let (_, ip) = equip(&mut net.lab, nat);
    net.lab.ok(forward(nat, ip, (8000, 8009), [10, 0, 1, 10], (80, 89), ForwardProtocol::Tcp));
    let target = format!("{ip}:8003/tcp");
    net.tell(net.front, PortProtocol::Tcp, 8003, Behaviour::Silent);
    assert_eq!(net.told(&net.trace_from(OUTSIDE, &target)).0, None);
    let told = net.tell(net.front, PortProtocol::Tcp, 83, Behaviour::Refuses);
    assert_eq!(net.told(&net.trace_from(OUTSIDE, &target)).0, Some(told));
    // So does a load balancer, to the backend that it chooses. Its check hears the port too, but has not ended.
    let mut shop = Shop::outside();
    let told = [shop.net.back, shop.net.mid]
        .map(|eni| shop.net.tell(eni, PortProtocol::Tcp, 8080, Behaviour::Refuses));
    let found = shop.net.told(&shop.net.trace_from(OUTSIDE, &shop.target)).0;
    assert!(found.is_some_and(|found| told.contains(&found)), "{found:?}");
}

#[test]
fn what_does_not_arrive_is_told_of_no_port() {
    let mut net = Net::new();
    net.tell(net.back, PortProtocol::Tcp, 80, Behaviour::Refuses);
    let trace = net.trace("10.0.2.9:80/tcp");
    assert!(!trace.ending.delivered());
    assert_eq!(trace.told_port(&net.lab.world), None);
    // Nor is what lies behind an interface its instance.
    let mut net = Net::open();
    net.check(net.back, false);
    let table = net.table(net.lab.web);
    net.route(table, "172.20.0.0/16", net.back);
    let home = net.table(net.lab.db);
    net.route(home, "172.20.0.0/16", net.back);
    net.tell(net.back, PortProtocol::Tcp, 80, Behaviour::Refuses);
    let trace = net.trace_from(Source::Interface(net.front, None), "172.20.1.5:80/tcp");
    assert!(trace.ending.delivered(), "{}", net.text(&trace));
    assert_eq!(trace.told_port(&net.lab.world), None);
}
