//! What packets are judged by is compiled by the first of them: whatever is changed, tried dry or taken back between two
//! questions, the second one is judged by what holds then.

use crate::lab::*;
use crate::net::Net;
use crate::reference::naive;
use crate::warm::judged_alike;
use proptest::prelude::*;
use sim_core::cidr::Cidr;
use sim_core::command::Command;
use sim_core::datapath::{Question, Source};
use sim_core::ecs::authorize::{AuthorizeRules, RevokeRules, WhichRules};
use sim_core::ecs::prefix_list::{AddressFamily, CreatePrefixList, ModifyPrefixList, PrefixListEntry};
use sim_core::ecs::rule_input::RuleInput;
use sim_core::ecs::security_group::ModifySecurityGroup;
use sim_core::ecs::security_group_rule::{Direction, Peer, Policy, PortRange, Protocol, RuleSpec};
use sim_core::id::{NetworkAclId, PrefixListId};
use sim_core::vpc::network_acl::CreateNetworkAcl;
use sim_core::vpc::network_acl_binding::AssociateNetworkAcl;
use sim_core::vpc::network_acl_rule::{self, UpdateNetworkAclRules};

/// A change, by small numbers.
#[derive(Clone, Debug)]
enum Change {
    /// A rule of a group comes or goes: which group, which way, drop, priority, port, peer.
    Rule { group: usize, egress: bool, drop: bool, priority: u8, port: u16, peer: usize, goes: bool },
    /// Whether members of a group reach each other.
    Inner(usize, bool),
    /// A block of the prefix list comes or goes.
    Block(usize, bool),
    /// How many rules the ACL gets, and the one that lets everything in.
    Acl(usize, usize),
}

/// How a change is made: for good, tried dry, or taken back.
#[derive(Clone, Copy, Debug)]
enum How {
    Done,
    Dry,
    TakenBack,
}

const BLOCKS: [&str; 3] = ["10.0.1.0/24", "10.0.1.10/32", "0.0.0.0/0"];

struct Played {
    net: Net,
    list: PrefixListId,
    acl: NetworkAclId,
}

impl Played {
    fn new() -> Played {
        let mut net = Net::new();
        let list = CreatePrefixList {
            name: "hosts".into(),
            description: None,
            family: AddressFamily::Ipv4,
            max_entries: 10,
            entries: Vec::new(),
            resource_group: None,
            tags: Vec::new(),
        };
        let list = net.lab.ok(list).id();
        let (vpc, vswitches) = (net.lab.vpc, vec![net.lab.db]);
        let acl = CreateNetworkAcl { vpc, name: None, description: None, tags: Vec::new() };
        let acl = net.lab.ok(acl).id();
        net.lab.ok(AssociateNetworkAcl { acl, vswitches });
        Played { net, list, acl }
    }

    fn command(&self, change: &Change) -> Command {
        let block = |number: usize| BLOCKS[number % BLOCKS.len()].parse::<Cidr>().unwrap();
        let groups = [self.net.front_group, self.net.back_group, self.net.mid_group];
        match *change {
            Change::Rule { group, egress, drop, priority, port, peer, goes } => {
                let direction = if egress { Direction::Egress } else { Direction::Ingress };
                let peer = match peer {
                    0..3 => Peer::Block(block(peer)),
                    3 => Peer::List(self.list),
                    other => Peer::Group(groups[other % 3]),
                };
                let spec = RuleSpec {
                    protocol: Protocol::Tcp,
                    ports: Some(PortRange { first: port, last: port + 1 }),
                    source_ports: None,
                    policy: if drop { Policy::Drop } else { Policy::Accept },
                    priority,
                    peer,
                    own: None,
                };
                let description = Default::default();
                let input = RuleInput { spec, peer_as_address: false, own_as_address: false, description };
                let (group, rules) = (groups[group], vec![input]);
                if goes {
                    RevokeRules { group, rules: WhichRules::Same(direction, rules) }.into()
                } else {
                    AuthorizeRules { group, direction, rules }.into()
                }
            }
            Change::Inner(group, open) => ModifySecurityGroup {
                group: groups[group],
                name: None,
                description: None,
                inner_access: Some(open),
            }
            .into(),
            Change::Block(number, comes) => {
                let entry = PrefixListEntry { cidr: block(number), description: Default::default() };
                let (add, remove) =
                    if comes { (vec![entry], Vec::new()) } else { (Vec::new(), vec![block(number)]) };
                let (list, name, description, max_entries) = (self.list, None, None, None);
                ModifyPrefixList { list, name, description, max_entries, add, remove }.into()
            }
            Change::Acl(count, open) => {
                let rule = |number: usize| network_acl_rule::RuleInput {
                    id: None,
                    policy: if number == open { Policy::Accept } else { Policy::Drop },
                    protocol: if number == open { Protocol::All } else { Protocol::Tcp },
                    block: "0.0.0.0/0".parse().unwrap(),
                    ports: (number != open)
                        .then_some(PortRange { first: 79 + number as u16, last: 80 + number as u16 }),
                    name: Default::default(),
                    description: Default::default(),
                };
                let rules = (0..count).map(rule).collect();
                UpdateNetworkAclRules { acl: self.acl, ingress: Some(rules), egress: None }.into()
            }
        }
    }

    fn make(&mut self, change: &Change, how: How) {
        let command = self.command(change);
        match how {
            How::Done => {
                let _ = self.net.lab.run(command);
            }
            How::Dry => {
                let mut dry = caller();
                dry.dry_run = true;
                let world = &mut self.net.lab.world;
                let _ = world.apply(world.now(), &dry, command);
            }
            How::TakenBack => {
                let world = &mut self.net.lab.world;
                let mark = world.mark();
                let _ = world.stage(world.now(), &caller(), command);
                // Somebody asks while it is not yet confirmed.
                let asked: Vec<bool> =
                    questions(&self.net).iter().map(|q| q.verdict(&self.net.lab.world).delivered()).collect();
                assert_eq!(asked.len(), 8);
                self.net.lab.world.roll_back(mark);
            }
        }
    }
}

/// From each of two hosts to the third, on ports that rules are about, and back.
fn questions(net: &Net) -> Vec<Question> {
    let ask = |from, target: &str| net.ask(Source::Interface(from, None), target).unwrap();
    let to_back = |from| ["80", "81", "82"].map(|port| ask(from, &format!("10.0.2.9:{port}/tcp")));
    let mut all: Vec<Question> = to_back(net.front).into_iter().chain(to_back(net.mid)).collect();
    all.push(ask(net.back, "10.0.1.10:80/tcp"));
    all.push(ask(net.back, "10.0.3.5:81/tcp"));
    all
}

fn check(net: &Net) {
    for question in questions(net) {
        let ending = question.verdict(&net.lab.world);
        let (leg, word, _) = naive(&net.lab.world, &question);
        assert_eq!((ending.leg, ending.disposition.word()), (leg, word), "{question:?}");
        judged_alike(&net.lab.world, &question);
    }
}

fn change() -> impl Strategy<Value = Change> {
    let rule = (0..3_usize, any::<bool>(), any::<bool>(), 1..4_u8, 79..83_u16, 0..6_usize, any::<bool>());
    prop_oneof![
        6 => rule.prop_map(|(group, egress, drop, priority, port, peer, goes)| Change::Rule {
            group,
            egress,
            drop,
            priority,
            port,
            peer,
            goes,
        }),
        1 => (0..3_usize, any::<bool>()).prop_map(|(group, open)| Change::Inner(group, open)),
        2 => (0..3_usize, any::<bool>()).prop_map(|(number, comes)| Change::Block(number, comes)),
        1 => (1..12_usize, 0..12_usize).prop_map(|(count, open)| Change::Acl(count, open)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_verdict_is_that_of_the_rules_as_they_are(
        changes in prop::collection::vec(
            (change(), prop_oneof![4 => Just(How::Done), 1 => Just(How::Dry), 1 => Just(How::TakenBack)]),
            1..25,
        ),
    ) {
        let mut played = Played::new();
        check(&played.net);
        for (change, how) in &changes {
            // A copy goes on as it was, whatever becomes of the world that it was made from.
            let before = played.net.lab.world.clone();
            let asked = questions(&played.net);
            let known: Vec<_> = asked.iter().map(|question| question.verdict(&before)).collect();
            played.make(change, *how);
            check(&played.net);
            let again: Vec<_> = asked.iter().map(|question| question.verdict(&before)).collect();
            prop_assert_eq!(known, again);
        }
    }
}
