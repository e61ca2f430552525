//! Network ACLs: what they make of packets, how their rules are replaced, and how bindings come and go.
//!
//! A case is a list of rules and packets:
//!
//!     in|out POLICY PROTOCOL BLOCK PORTS          a rule, at the end of its direction's list
//!     in|out PROTOCOL ADDRESS[:PORT] -> allow|deny by service N|rule N|last 4|last 6
//!
//! The peer of a packet is its source on the way in and its destination on the way out; the port is its destination port.

use sim_core::ecs::group_filter::{ALWAYS_REACHED, Packet, PacketProtocol};
use sim_core::ecs::security_group_rule::Direction;
use sim_core::id::{NetworkAclId, NetworkAclRuleId, VSwitchId, VpcId};
use sim_core::settings::{ChangeSettings, Provisioning};
use sim_core::vpc::network_acl::{AclStatus, CreateNetworkAcl, DeleteNetworkAcl, NetworkAcl};
use sim_core::vpc::network_acl_binding::{
    AssociateNetworkAcl, BindingStatus, NetworkAclBinding, UnassociateNetworkAcl, in_force,
};
use sim_core::vpc::network_acl_filter::evaluate;
use sim_core::vpc::network_acl_rule::{RuleKind, RuleTexts, UpdateNetworkAclRules, in_order};
use sim_core::vpc::vpc::CreateVpc;
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch};
use sim_core::{AccountId, Caller, Command, ErrorCode as E, Genesis, Outcome, Reply, Span, World};
use std::net::IpAddr;

struct Lab {
    world: World,
    vpc: VpcId,
    acl: NetworkAclId,
}

fn caller() -> Caller {
    Caller::new(AccountId::DEFAULT, "cn-hangzhou")
}

fn acl(vpc: VpcId) -> CreateNetworkAcl {
    CreateNetworkAcl { vpc, name: None, description: None, tags: Vec::new() }
}

impl Lab {
    fn new(ipv6: bool) -> Lab {
        let mut world = World::new(Genesis::default());
        let block = Some("10.0.0.0/8".parse().unwrap());
        let made =
            world.apply(world.now(), &caller(), CreateVpc { block, ipv6, ..CreateVpc::default() }.into());
        let vpc = made.outcome.unwrap().id();
        let acl = world.apply(world.now(), &caller(), acl(vpc).into()).outcome.unwrap().id();
        Lab { world, vpc, acl }
    }

    fn give(&mut self, command: impl Into<Command>) -> Outcome<Reply> {
        self.world.apply(self.world.now(), &caller(), command.into()).outcome
    }

    #[track_caller]
    fn refuses(&mut self, command: impl Into<Command>, code: E) {
        let digest = self.world.digest();
        assert_eq!(self.give(command).unwrap_err().code(), code);
        assert_eq!(self.world.digest(), digest, "a refusal left a trace");
    }

    fn vswitch(&mut self, mask: u8) -> VSwitchId {
        let (vpc, zone) = (self.vpc, "cn-hangzhou-k".into());
        let block = BlockChoice::Mask(mask);
        let (name, description, tags) = (None, None, Vec::new());
        let command = CreateVSwitch {
            vpc,
            zone,
            block,
            ipv6_subnet: None,
            vpc_ipv6_block: None,
            name,
            description,
            tags,
        };
        self.give(command).unwrap().id()
    }

    fn row(&self) -> &NetworkAcl {
        self.world.get::<NetworkAcl>(&self.acl).unwrap()
    }

    fn provisioning(&mut self, provisioning: Provisioning) {
        let provisioning = Some(provisioning);
        self.give(ChangeSettings { provisioning, ..ChangeSettings::default() }).unwrap();
    }

    fn binding(&self, vswitch: VSwitchId) -> Option<BindingStatus> {
        self.world.get::<NetworkAclBinding>(&vswitch).map(|binding| binding.status)
    }
}

const CASES: &str = "
case: without rules nothing passes but the provider's servers
in tcp 10.0.0.1:80 -> deny by last 4
out icmp 9.9.9.9 -> deny by last 4
in udp 2408:4000::1:53 -> deny by last 6
out udp 100.100.2.136:53 -> allow by service 1
in udp 100.100.2.138:40000 -> allow by service 2
out tcp 100.100.100.200:80 -> allow by service 3

case: a rule that drops everything does not reach the provider's servers
out drop all 0.0.0.0/0 -1/-1
out udp 100.100.2.138:53 -> allow by service 2
out udp 100.100.2.137:53 -> deny by rule 1

case: the first rule that fits decides, whatever comes later
in drop tcp 10.0.0.7 22/22
in accept tcp 10.0.0.0/24 20/30
in drop all 0.0.0.0/0 -1/-1
in tcp 10.0.0.7:22 -> deny by rule 1
in tcp 10.0.0.7:23 -> allow by rule 2
in tcp 10.0.0.8:22 -> allow by rule 2
in tcp 10.0.0.8:31 -> deny by rule 3
in udp 10.0.0.8:22 -> deny by rule 3

case: each direction has its own list, and the way back is judged on its own
in accept tcp 0.0.0.0/0 443/443
in tcp 9.9.9.9:443 -> allow by rule 1
out tcp 9.9.9.9:40000 -> deny by last 4

case: ports are destination ports in both directions
in accept tcp 9.9.9.9 443/443
out accept tcp 9.9.9.9 443/443
in tcp 9.9.9.9:443 -> allow by rule 1
out tcp 9.9.9.9:443 -> allow by rule 1
out tcp 9.9.9.9:40000 -> deny by last 4

case: protocols
in accept icmp 0.0.0.0/0 -1/-1
in accept gre 0.0.0.0/0 -1/-1
in accept icmpv6 ::/0 -1/-1
in accept all 10.1.0.0/16 -1/-1
in icmp 9.9.9.9 -> allow by rule 1
in gre 9.9.9.9 -> allow by rule 2
in icmpv6 2408:4000::1 -> allow by rule 3
in 50 9.9.9.9 -> deny by last 4
in 50 10.1.0.1 -> allow by rule 4
in tcp 2408:4000::1:80 -> deny by last 6

case: families do not mix
in accept all 0.0.0.0/0 -1/-1
in tcp 2408:4000::1:80 -> deny by last 6
in tcp 9.9.9.9:80 -> allow by rule 1
";

fn direction(word: &str) -> Direction {
    if word == "in" { Direction::Ingress } else { Direction::Egress }
}

/// `tcp 10.0.0.1:80`; the port is what follows the last colon of a protocol that has ports.
fn packet(way: Direction, protocol: &str, peer: &str) -> Packet {
    let protocol = PacketProtocol::parse(protocol).unwrap();
    let (peer, port) = match peer.rsplit_once(':') {
        Some((address, port)) if protocol.has_ports() => (address, port.parse().unwrap()),
        _ => (peer, 0),
    };
    let (peer_port, own_port) = if way == Direction::Ingress { (5, port) } else { (port, 5) };
    let own: IpAddr = "10.0.0.9".parse().unwrap();
    Packet { protocol, peer: peer.parse().unwrap(), own, peer_port, own_port }
}

#[test]
fn packets_are_judged_by_the_first_rule_that_fits() {
    for case in CASES.split("case: ").skip(1) {
        let (title, lines) = case.split_once('\n').unwrap();
        let mut lab = Lab::new(true);
        let (mut ingress, mut egress) = (Vec::new(), Vec::new());
        let words = |line: &'static str| line.split_whitespace().collect::<Vec<_>>();
        for line in lines.lines().filter(|l| !l.is_empty() && !l.contains("->")) {
            let [way, policy, protocol, block, ports] = words(line)[..] else { panic!("{line}") };
            let texts = RuleTexts { policy, protocol, block, ports, ..RuleTexts::default() };
            let list = if way == "in" { &mut ingress } else { &mut egress };
            list.push(texts.read(direction(way)).unwrap());
        }
        let acl = lab.acl;
        lab.give(UpdateNetworkAclRules { acl, ingress: Some(ingress), egress: Some(egress) }).unwrap();
        for line in lines.lines().filter(|l| l.contains("->")) {
            let [way, protocol, peer, "->", verdict, "by", kind, number] = words(line)[..] else {
                panic!("{line}")
            };
            let way = direction(way);
            let found = evaluate(&lab.world, lab.row(), way, &packet(way, protocol, peer));
            let order = in_order(&lab.world, lab.row(), way);
            let at =
                order.iter().position(|(_, rule)| rule.id(acl) == found.rule).expect("a rule of the ACL");
            assert_eq!(order[at].0, found.kind, "{title}: {line}");
            let by = match found.kind {
                RuleKind::Service => format!("service {}", at + 1),
                RuleKind::Custom => format!("rule {}", at + 1 - ALWAYS_REACHED.len()),
                RuleKind::System => format!("last {}", if order[at].1.block.is_v4() { 4 } else { 6 }),
            };
            let allowed = if found.allowed { "allow" } else { "deny" };
            assert_eq!(
                format!("{allowed} by {by}"),
                format!("{verdict} by {kind} {number}"),
                "{title}: {line}"
            );
        }
    }
}

#[test]
fn a_new_acl_lets_everything_through_of_the_families_that_its_vpc_has() {
    for ipv6 in [false, true] {
        let lab = Lab::new(ipv6);
        for way in [Direction::Ingress, Direction::Egress] {
            let shown: Vec<String> = in_order(&lab.world, lab.row(), way)
                .iter()
                .map(|(kind, rule)| format!("{} {} {}", kind.text(), rule.policy.word(), rule.block))
                .collect();
            let mut expected = vec![
                "service accept 100.100.2.136/32",
                "service accept 100.100.2.138/32",
                "service accept 100.100.100.200/32",
                "custom accept 0.0.0.0/0",
            ];
            expected.extend(ipv6.then_some("custom accept ::/0"));
            expected.push("system drop 0.0.0.0/0");
            expected.extend(ipv6.then_some("system drop ::/0"));
            assert_eq!(shown, expected);
            assert!(evaluate(&lab.world, lab.row(), way, &packet(way, "tcp", "9.9.9.9:80")).allowed);
            assert_eq!(evaluate(&lab.world, lab.row(), way, &packet(way, "tcp", "2408::1:80")).allowed, ipv6);
        }
    }
}

#[test]
fn rules_keep_their_ids_if_they_are_named_by_them_and_no_id_comes_twice() {
    let mut lab = Lab::new(false);
    let acl = lab.acl;
    let rule = |id: Option<NetworkAclRuleId>, block| {
        let id = id.map(|id| id.to_string());
        let texts =
            RuleTexts { policy: "accept", protocol: "all", ports: "-1/-1", block, ..RuleTexts::default() };
        RuleTexts { id: id.as_deref(), ..texts }.read(Direction::Ingress).unwrap()
    };
    let ids = |lab: &Lab| lab.row().ingress.iter().map(|rule| rule.id(acl)).collect::<Vec<_>>();
    let first = ids(&lab)[0];
    let update = |rules| UpdateNetworkAclRules { acl, ingress: Some(rules), egress: None };
    let egress = lab.row().egress.clone();
    lab.give(update(vec![rule(None, "10.1.0.0/16"), rule(Some(first), "10.2.0.0/16")])).unwrap();
    let second = ids(&lab)[0];
    assert_eq!(ids(&lab), [second, first]);
    assert_eq!(lab.row().ingress[1].block, "10.2.0.0/16".parse().unwrap());
    assert_eq!(lab.row().egress, egress, "an absent direction stays");
    lab.give(update(Vec::new())).unwrap();
    lab.give(update(vec![rule(None, "10.1.0.0/16")])).unwrap();
    assert!(![first, second].contains(&ids(&lab)[0]), "an id was used again");
    lab.refuses(update(vec![rule(Some(first), "10.1.0.0/16")]), E::NetworkAclIngressRuleNotFound);
    let twice = rule(Some(ids(&lab)[0]), "10.1.0.0/16");
    lab.refuses(update(vec![twice.clone(), twice]), E::NetworkAclIngressRuleNotFound);
}

#[test]
fn bindings_take_time_and_filter_from_bound_to_gone() {
    let mut lab = Lab::new(false);
    let (vswitch, acl) = (lab.vswitch(24), lab.acl);
    lab.provisioning(Provisioning::Documented);
    let (associate, unassociate) = (
        AssociateNetworkAcl { acl, vswitches: vec![vswitch] },
        UnassociateNetworkAcl { acl, vswitches: vec![vswitch] },
    );
    lab.give(associate.clone()).unwrap();
    assert_eq!(
        (lab.binding(vswitch), lab.row().status),
        (Some(BindingStatus::Binding), AclStatus::Modifying)
    );
    assert_eq!(in_force(&lab.world, vswitch), None);
    lab.refuses(unassociate.clone(), E::NetworkAclModifying);
    lab.refuses(DeleteNetworkAcl { acl }, E::NetworkAclModifying);
    lab.world.advance(lab.world.now() + Span(999));
    assert_eq!(lab.binding(vswitch), Some(BindingStatus::Binding));
    lab.world.advance(lab.world.now() + Span(1));
    assert_eq!((lab.binding(vswitch), lab.row().status), (Some(BindingStatus::Binded), AclStatus::Available));
    assert_eq!(in_force(&lab.world, vswitch).map(|acl| acl.id), Some(acl));
    lab.refuses(associate, E::NetworkAclAlreadyBound);
    lab.refuses(DeleteNetworkAcl { acl }, E::NetworkAclInUse);
    lab.give(unassociate).unwrap();
    assert_eq!(lab.binding(vswitch), Some(BindingStatus::Unbinding));
    assert_eq!(in_force(&lab.world, vswitch).map(|acl| acl.id), Some(acl));
    lab.world.advance(lab.world.now() + Span(1_000));
    assert_eq!((lab.binding(vswitch), in_force(&lab.world, vswitch)), (None, None));
    lab.give(DeleteNetworkAcl { acl }).unwrap();
}

#[test]
fn vswitches_are_bound_all_or_none() {
    let mut lab = Lab::new(false);
    let acl = lab.acl;
    let (one, two) = (lab.vswitch(24), lab.vswitch(24));
    lab.refuses(AssociateNetworkAcl { acl, vswitches: vec![] }, E::NetworkAclResourcesMissing);
    lab.refuses(AssociateNetworkAcl { acl, vswitches: vec![one, one] }, E::NetworkAclAlreadyBound);
    lab.give(AssociateNetworkAcl { acl, vswitches: vec![one] }).unwrap();
    lab.refuses(AssociateNetworkAcl { acl, vswitches: vec![two, one] }, E::NetworkAclAlreadyBound);
    lab.refuses(UnassociateNetworkAcl { acl, vswitches: vec![one, two] }, E::NetworkAclNotBound);
    assert_eq!((lab.binding(one), lab.binding(two)), (Some(BindingStatus::Binded), None));
    lab.give(AssociateNetworkAcl { acl, vswitches: vec![two] }).unwrap();
    lab.give(UnassociateNetworkAcl { acl, vswitches: vec![one, two] }).unwrap();
}
