//! What groups make of a new session, as scenarios.
//!
//!     case: what it shows
//!     group NAME [enterprise] [isolated]     a group of the VPC
//!     peer ADDRESS NAME...                   an interface with this address in these groups
//!     list NAME BLOCK...                     a prefix list
//!     rule NAME in|out FIELDS                a rule; $name stands for the id of a group or list
//!     member NAME...                         the interface that is judged, 10.0.1.50, in these groups
//!     in|out PROTOCOL PEER[:PORT] [:PORT] -> allow|deny by platform|inner NAME|rule N|default

use crate::lab::*;
use sim_core::ecs::eni::CreateEni;
use sim_core::ecs::group_filter::{DecidedBy, Packet, PacketProtocol, Verdict, evaluate};
use sim_core::ecs::prefix_list::{AddressFamily, CreatePrefixList, PrefixListEntry};
use sim_core::ecs::security_group::{CreateSecurityGroup, GroupKind, ModifySecurityGroup};
use sim_core::ecs::security_group_rule::Direction;
use sim_core::id::{EniId, PrefixListId, SecurityGroupId, SecurityGroupRuleId};
use std::collections::BTreeMap;
use std::net::IpAddr;

const CASES: &str = "
case: a basic group without rules lets nothing in but its members, and everything out
group a
peer 10.0.1.60 a
member a
in tcp 9.9.9.9:1000 :80 -> deny by default
in tcp 10.0.1.60:1000 :80 -> allow by inner a
in icmp 10.0.1.61 -> deny by default
out tcp 9.9.9.9:443 :1000 -> allow by default
out udp 2001:db8::1:53 :1000 -> allow by default

case: an enterprise group without rules lets nothing in or out
group e enterprise
peer 10.0.1.60 e
member e
in tcp 10.0.1.60:1000 :80 -> deny by default
out tcp 10.0.1.60:80 :1000 -> deny by default
out icmp 9.9.9.9 -> deny by default

case: members of an isolated basic group are judged by the rules
group a isolated
peer 10.0.1.60 a
rule a in protocol=tcp port_range=80/80 peer_cidr=10.0.1.0/24
member a
in tcp 10.0.1.60:1000 :80 -> allow by rule 1
in tcp 10.0.1.60:1000 :81 -> deny by default
out tcp 10.0.1.60:80 :1000 -> allow by default

case: a shared open group outranks a drop rule of priority 1
group a
peer 10.0.1.60 a
rule a in protocol=all port_range=-1/-1 policy=drop priority=1 peer_cidr=0.0.0.0/0
rule a out protocol=all port_range=-1/-1 policy=drop priority=1 peer_cidr=0.0.0.0/0
member a
in tcp 10.0.1.60:1000 :80 -> allow by inner a
out tcp 10.0.1.60:80 :1000 -> allow by inner a
in tcp 10.0.1.61:1000 :80 -> deny by rule 1
out tcp 10.0.1.61:80 :1000 -> deny by rule 2

case: of several shared groups one open group is enough
group a isolated
group b
peer 10.0.1.60 a b
peer 10.0.1.61 a
member a b
in tcp 10.0.1.60:1000 :80 -> allow by inner b
in tcp 10.0.1.61:1000 :80 -> deny by default

case: a group of the other side alone is not shared
group a
group b
peer 10.0.1.60 b
member a
in tcp 10.0.1.60:1000 :80 -> deny by default

case: lower priorities come first, and drop before accept within one
group a
rule a in protocol=tcp port_range=80/80 priority=1 peer_cidr=0.0.0.0/0
rule a in protocol=tcp port_range=80/90 priority=2 policy=drop peer_cidr=0.0.0.0/0
rule a in protocol=tcp port_range=90/90 priority=1 policy=drop peer_cidr=0.0.0.0/0
rule a in protocol=tcp port_range=90/90 priority=1 peer_cidr=0.0.0.0/0
rule a in protocol=tcp port_range=1/65535 priority=100 peer_cidr=0.0.0.0/0
member a
in tcp 9.9.9.9:1 :80 -> allow by rule 1
in tcp 9.9.9.9:1 :85 -> deny by rule 2
in tcp 9.9.9.9:1 :90 -> deny by rule 3
in tcp 9.9.9.9:1 :91 -> allow by rule 5
in udp 9.9.9.9:1 :91 -> deny by default

case: the rules of all groups are merged
group a
group b
rule a in protocol=tcp port_range=80/80 priority=5 peer_cidr=0.0.0.0/0
rule b in protocol=tcp port_range=80/80 priority=4 policy=drop peer_cidr=9.0.0.0/8
rule b in protocol=tcp port_range=80/80 priority=3 peer_cidr=9.9.0.0/16
member a b
in tcp 9.9.9.9:1 :80 -> allow by rule 3
in tcp 9.1.1.1:1 :80 -> deny by rule 2
in tcp 8.8.8.8:1 :80 -> allow by rule 1

case: of equal rules in two groups the older decides
group a
group b
rule b in protocol=tcp port_range=80/80 peer_cidr=0.0.0.0/0
rule a in protocol=tcp port_range=80/80 peer_cidr=0.0.0.0/0
member a b
in tcp 9.9.9.9:1 :80 -> allow by rule 1

case: a rule by group fits any private address of its members
group a
group b
peer 10.0.1.60 b
rule a in protocol=tcp port_range=80/80 peer_group=$b
rule a out protocol=all port_range=-1/-1 policy=drop peer_group=$b
member a
in tcp 10.0.1.60:1 :80 -> allow by rule 1
in tcp 10.0.1.61:1 :80 -> deny by default
out udp 10.0.1.60:1 :1 -> deny by rule 2
out udp 10.0.1.61:1 :1 -> allow by default

case: a rule by prefix list fits its blocks
group a
list l 192.168.0.0/16 172.16.0.0/12
rule a in protocol=all port_range=-1/-1 peer_list=$l
member a
in tcp 192.168.3.4:1 :80 -> allow by rule 1
in gre 172.31.0.1 -> allow by rule 1
in tcp 172.32.0.1:1 :80 -> deny by default

case: five fields
group a
rule a in protocol=udp port_range=500/500 source_port_range=500/500 peer_cidr=9.9.9.9 own_cidr=10.0.1.50
rule a out protocol=udp port_range=500/500 source_port_range=500/500 policy=drop peer_cidr=9.9.9.9 own_cidr=10.0.1.0/24
rule a in protocol=tcp port_range=80/80 peer_cidr=9.9.9.9 own_cidr=10.0.2.0/24
member a
in udp 9.9.9.9:500 :500 -> allow by rule 1
in udp 9.9.9.9:501 :500 -> deny by default
in udp 9.9.9.8:500 :500 -> deny by default
in tcp 9.9.9.9:1 :80 -> deny by default
out udp 9.9.9.9:500 :500 -> deny by rule 2
out udp 9.9.9.9:500 :501 -> allow by default

case: protocols
group a
rule a in protocol=icmp port_range=-1/-1 peer_cidr=0.0.0.0/0
rule a in protocol=icmpv6 port_range=-1/-1 peer_ipv6_cidr=::/0
rule a in protocol=gre port_range=-1/-1 peer_cidr=0.0.0.0/0
member a
in icmp 9.9.9.9 -> allow by rule 1
in icmpv6 2001:db8::1 -> allow by rule 2
in gre 9.9.9.9 -> allow by rule 3
in 50 9.9.9.9 -> deny by default
in tcp 9.9.9.9:1 :1 -> deny by default

case: all fits a protocol that no rule can name
group a
rule a in protocol=all port_range=-1/-1 peer_cidr=0.0.0.0/0
member a
in 50 9.9.9.9 -> allow by rule 1

case: the platform's own flows pass whatever the rules say
group e enterprise
rule e out protocol=all port_range=-1/-1 policy=drop peer_cidr=0.0.0.0/0
member e
out udp 100.100.2.136:53 :1000 -> allow by platform
out udp 100.100.2.138:53 :1000 -> allow by platform
out tcp 100.100.100.200:80 :1000 -> allow by platform
out udp 10.0.1.253:67 :68 -> allow by platform
in udp 10.0.1.253:67 :68 -> allow by platform
in udp 100.100.2.136:53 :1000 -> deny by default
out udp 100.100.2.137:53 :1000 -> deny by rule 1

case: mail to port 25 never leaves
group a
peer 10.0.1.60 a
rule a out protocol=tcp port_range=25/25 priority=1 peer_cidr=0.0.0.0/0
member a
out tcp 9.9.9.9:25 :1000 -> deny by platform
out tcp 10.0.1.60:25 :1000 -> deny by platform
in tcp 10.0.1.60:1000 :25 -> allow by inner a
out udp 9.9.9.9:25 :1000 -> allow by default
";

/// One case under way.
struct Stage {
    lab: Lab,
    groups: BTreeMap<String, SecurityGroupId>,
    lists: BTreeMap<String, PrefixListId>,
    rules: Vec<SecurityGroupRuleId>,
    member: Option<EniId>,
}

impl Stage {
    fn new() -> Stage {
        Stage {
            lab: Lab::new(),
            groups: BTreeMap::new(),
            lists: BTreeMap::new(),
            rules: Vec::new(),
            member: None,
        }
    }

    fn place(&mut self, address: &str, groups: &[&str]) -> EniId {
        let groups: Vec<SecurityGroupId> = groups.iter().map(|name| self.groups[*name]).collect();
        let eni = CreateEni { primary_ip: Some(address.parse().unwrap()), ..eni(self.lab.web, &groups) };
        self.lab.ok(eni).id()
    }

    fn group(&mut self, name: &str, traits: &[&str]) {
        let kind = if traits.contains(&"enterprise") { GroupKind::Enterprise } else { GroupKind::Basic };
        let id = self.lab.ok(CreateSecurityGroup { ..group(self.lab.vpc, kind) }).id();
        if traits.contains(&"isolated") {
            let command =
                ModifySecurityGroup { group: id, name: None, description: None, inner_access: Some(false) };
            self.lab.ok(command);
        }
        self.groups.insert(name.to_owned(), id);
    }

    fn list(&mut self, name: &str, blocks: &[&str]) {
        let entry = |block: &&str| PrefixListEntry { cidr: block.parse().unwrap(), description: "".into() };
        let command = CreatePrefixList {
            name: "list".into(),
            description: None,
            family: AddressFamily::Ipv4,
            max_entries: 10,
            entries: blocks.iter().map(entry).collect(),
            resource_group: None,
            tags: Vec::new(),
        };
        let id = self.lab.ok(command).id();
        self.lists.insert(name.to_owned(), id);
    }

    fn rule(&mut self, group: &str, way: &str, fields: &[&str]) {
        let mut text = fields.join(" ");
        for (name, id) in &self.groups {
            text = text.replace(&format!("peer_group=${name}"), &format!("peer_group={id}"));
        }
        for (name, id) in &self.lists {
            text = text.replace(&format!("peer_list=${name}"), &format!("peer_list={id}"));
        }
        let direction = if way == "in" { Ingress } else { Egress };
        let group = self.groups[group];
        self.rules.extend(self.lab.rules(group, direction, &[&text]));
    }

    fn judge(&self, direction: Direction, words: &[&str]) -> String {
        let protocol = match words[0] {
            "tcp" => PacketProtocol::Tcp,
            "udp" => PacketProtocol::Udp,
            "icmp" => PacketProtocol::Icmp,
            "icmpv6" => PacketProtocol::Icmpv6,
            "gre" => PacketProtocol::Gre,
            number => PacketProtocol::Other(number.parse().unwrap()),
        };
        let ported = matches!(protocol, PacketProtocol::Tcp | PacketProtocol::Udp);
        let (peer, peer_port) = if ported { words[1].rsplit_once(':').unwrap() } else { (words[1], "0") };
        let peer: IpAddr = peer.parse().unwrap();
        let own_port = words.get(2).map_or("0", |port| port.strip_prefix(':').unwrap());
        let own = if peer.is_ipv4() { "10.0.1.50" } else { "2408:4000:0:101::50" };
        let packet = Packet {
            protocol,
            peer,
            own: own.parse().unwrap(),
            peer_port: peer_port.parse().unwrap(),
            own_port: own_port.parse().unwrap(),
        };
        let member = self.lab.get(self.member.expect("the case has a member"));
        let Verdict { allowed, decided_by } = evaluate(&self.lab.world, member, direction, &packet);
        let by = match decided_by {
            DecidedBy::Platform => "platform".to_owned(),
            DecidedBy::Default(_) => "default".to_owned(),
            DecidedBy::InnerAccess(id) => {
                format!("inner {}", self.groups.iter().find(|(_, group)| **group == id).unwrap().0)
            }
            DecidedBy::Rule(id) => {
                format!("rule {}", 1 + self.rules.iter().position(|rule| *rule == id).unwrap())
            }
        };
        format!("{} by {by}", if allowed { "allow" } else { "deny" })
    }
}

#[test]
fn the_order_of_evaluation() {
    let mut stage = Stage::new();
    let mut case = "";
    let mut judged = 0;
    for line in CASES.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words[0] {
            "case:" => {
                (stage, case) = (Stage::new(), line);
            }
            "group" => stage.group(words[1], &words[2..]),
            "peer" => {
                stage.place(words[1], &words[2..]);
            }
            "list" => stage.list(words[1], &words[2..]),
            "rule" => stage.rule(words[1], words[2], &words[3..]),
            "member" => stage.member = Some(stage.place("10.0.1.50", &words[1..])),
            way @ ("in" | "out") => {
                let (packet, expected) = line.split_once(" -> ").unwrap();
                let packet: Vec<&str> = packet.split_ascii_whitespace().skip(1).collect();
                let direction = if way == "in" { Ingress } else { Egress };
                assert_eq!(stage.judge(direction, &packet), expected, "{case}: {line}");
                judged += 1;
            }
            other => panic!("{other} is no word of a scenario"),
        }
    }
    assert!(judged > 50, "{judged} sessions were judged");
}
