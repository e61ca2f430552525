//! Questions that cannot be asked.

use crate::net::Net;
use sim_core::ErrorCode as E;
use sim_core::datapath::{Flow, Place, Request, Source};
use sim_core::ecs::group_filter::PacketProtocol;
use sim_core::id::{EniId, Id, IdNumber, RegionCode};

#[test]
fn a_question_is_refused_by_its_form() {
    let net = Net::new();
    let unknown: EniId = EniId::from_number(IdNumber::new(9_999, 7, RegionCode::from_text("bp1").unwrap()));
    let front = |address: Option<&str>| Source::Interface(net.front, address.map(|a| a.parse().unwrap()));
    let outside = |address: &str| Source::Outside(address.parse().unwrap());
    let rows = [
        (front(None), "10.0.2.9:80/sctp", E::InvalidParameter, "protocol"),
        (front(None), "10.0.2.9/tcp", E::MissingParameter, "port"),
        // Without brackets the last part is of the address.
        (front(None), "2001:db8::1:80/tcp", E::MissingParameter, "destination"),
        (front(None), "10.0.2.9:80/icmp", E::InvalidParameter, "port"),
        (front(None), "10.0.2.9:0/tcp", E::InvalidParameter, "port"),
        (front(None), "10.0.2.9/icmpv6", E::InvalidParameter, "protocol"),
        (front(None), "2001:db8::1/icmp", E::InvalidParameter, "destination"),
        (front(None), "10.0.2:80/tcp", E::AddressMalformed, "destination"),
        (front(None), "0.0.0.0:80/tcp", E::InvalidParameter, "destination"),
        (front(None), "224.0.0.1:80/udp", E::InvalidParameter, "destination"),
        (front(None), "127.0.0.1:80/tcp", E::InvalidParameter, "destination"),
        (front(None), "255.255.255.255:67/udp", E::InvalidParameter, "destination"),
        (front(None), "[2001:db8::1]:80/tcp", E::InvalidParameter, "destination"),
        (front(Some("2001:db8::2")), "10.0.2.9:80/tcp", E::InvalidParameter, "source_address"),
        (front(Some("0.0.0.0")), "10.0.2.9:80/tcp", E::InvalidParameter, "source_address"),
        (outside("10.0.9.9"), "10.0.2.9:80/tcp", E::InvalidParameter, "source_address"),
        (outside("100.64.0.1"), "10.0.2.9:80/tcp", E::InvalidParameter, "source_address"),
        (outside("2001:db8::2"), "10.0.2.9:80/tcp", E::InvalidParameter, "source_address"),
        (Source::Interface(unknown, None), "10.0.2.9:80/tcp", E::EniNotFound, "network_interface_id"),
    ];
    for (source, target, code, field) in rows {
        let refusal = net.ask(source, target).expect_err(target);
        assert_eq!((refusal.code(), refusal.details().field.as_deref()), (code, Some(field)), "{target}");
    }
}

#[test]
fn a_request_is_refused_by_its_form() {
    let long = format!("/{}", "a".repeat(2048));
    let name = "a".repeat(260);
    for host in
        ["a b", "http://a", "a/b", "[::1", "a:0", "a:65536", ":80", "a:b", "::1", "[a]", "sh\u{f6}p", &name]
    {
        let refusal = Request::new(Some(host), None).expect_err(host);
        let (code, field) = (refusal.code(), refusal.details().field.as_deref());
        assert_eq!((code, field), (E::InvalidParameter, Some("request/host")), "{host}");
    }
    for path in ["", "cart", "/a b", "/\u{f6}", "/a\n", "http://a/", &long] {
        let refusal = Request::new(None, Some(path)).expect_err(path);
        let (code, field) = (refusal.code(), refusal.details().field.as_deref());
        assert_eq!((code, field), (E::InvalidParameter, Some("request/path")), "{path}");
    }
    for host in
        ["shop.example", "SHOP.example.:8080", "10.0.0.1:80", "[2001:db8::1]", "[2001:db8::1]:80", "a_b", ""]
    {
        let request = Request::new(Some(host), Some("/cart?a=%20#b")).expect(host);
        assert_eq!((request.host(), request.path()), (host, "/cart?a=%20#b"));
    }
    assert_eq!(Request::new(None, None).unwrap().path(), "/");
    let net = Net::new();
    let (source, destination) = (Source::Interface(net.front, None), "10.0.2.9".parse().unwrap());
    let request = Some(Request::new(None, None).unwrap());
    for (protocol, port, passes) in [
        (PacketProtocol::Tcp, Some(80), true),
        (PacketProtocol::Udp, Some(80), false),
        (PacketProtocol::Icmp, None, false),
    ] {
        let request = request.clone();
        let flow = Flow { source, protocol, source_port: None, destination, port, request };
        let asked = flow.resolve(&net.lab.world, &crate::lab::caller());
        assert_eq!(
            asked.err().map(|e| e.details().field.clone().unwrap()),
            (!passes).then(|| "request".into())
        );
    }
}

#[test]
fn targets_are_read_as_they_are_written() {
    let net = Net::new();
    for (target, port) in [
        ("10.0.2.9:80", 80),
        ("10.0.2.9:80/tcp", 80),
        ("10.0.2.9:53/udp", 53),
        ("10.0.2.9/icmp", 0),
        ("10.0.2.9/50", 0),
    ] {
        let question = net.ask(Source::Interface(net.front, None), target).unwrap();
        assert_eq!((question.header.port, question.from), (port, Place::Interface(net.front)), "{target}");
        assert_eq!(question.header.source.to_string(), "10.0.1.10");
        assert_eq!(question.header.source_port, if port == 0 { 0 } else { 49_152 });
    }
}

#[test]
fn an_address_that_the_interface_lacks_is_of_something_behind_it() {
    let net = Net::new();
    let pod = "172.20.0.7".parse().unwrap();
    let question = net.ask(Source::Interface(net.front, Some(pod)), "10.0.2.9:80").unwrap();
    assert_eq!((question.from, question.header.source), (Place::Behind(net.front), pod));
}
