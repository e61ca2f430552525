//! Who reaches whom: questions about sets of interfaces and ports.
//!
//! The answer is computed on sets, not by trying packets: what judges a packet looks at blocks, ranges of ports, groups
//! and states, and cannot tell two packets apart that lie on the same side of every block and range and whose interfaces
//! are alike in the rest. So interfaces and ports fall into classes, and one packet stands for all of its class. A class
//! that reaches another comes with such a packet as its witness, and one that does not with the end of such a packet as
//! the reason.

use super::flow::{Header, Question};
use super::hop::{Disposition, Ending, Place};
use crate::cidr::Cidr;
use crate::ecs::eni::{Eni, EniStatus};
use crate::ecs::group_filter::FIRST_DYNAMIC_PORT;
use crate::ecs::group_filter::PacketProtocol;
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::ecs::prefix_list::PrefixList;
use crate::ecs::security_group::SecurityGroup;
use crate::ecs::security_group_rule::{Peer, PortRange, SecurityGroupRule, of_group};
use crate::id::{EniId, SecurityGroupId, VSwitchId, VpcId};
use crate::vpc::network_acl::NetworkAcl;
use crate::vpc::route_entry;
use crate::vpc::route_table::RouteTable;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A question about sets of interfaces of one VPC: which of some reach which of others by a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetQuestion {
    /// The VPC.
    pub vpc: VpcId,
    /// Who might send.
    pub from: Vec<EniId>,
    /// Who might be reached.
    pub to: Vec<EniId>,
    /// By which protocol.
    pub protocol: PacketProtocol,
    /// On which destination port, for TCP and UDP; any if absent.
    pub port: Option<u16>,
}

/// Addresses of an interface that nothing tells apart: from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// The interface.
    pub eni: EniId,
    /// The first address.
    pub first: IpAddr,
    /// The last address.
    pub last: IpAddr,
}

/// Interfaces that reach others. Each pair of different interfaces of the two sets does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Who reaches.
    pub from: Vec<Run>,
    /// Whom.
    pub to: Vec<Run>,
    /// On which destination ports, ascending and apart; one of 0 for a protocol without ports.
    pub ports: Vec<PortRange>,
    /// A packet that is delivered.
    pub witness: Question,
}

/// Interfaces that do not reach others on any port that was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached {
    /// Who does not reach.
    pub from: Vec<Run>,
    /// Whom.
    pub to: Vec<Run>,
    /// A packet that is refused.
    pub witness: Question,
    /// Why.
    pub ending: Ending,
}

/// The answer: every pair of different interfaces and of addresses of one family stands in one of the two lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reachability {
    /// Who reaches whom.
    pub reached: Vec<Reached>,
    /// Who does not.
    pub unreached: Vec<Unreached>,
}

impl SetQuestion {
    /// How many verdicts the answer costs at most.
    pub fn cost(&self, w: &World) -> u64 {
        let cuts = Cuts::of(w, self.vpc);
        let (from, to) = (classes(w, &cuts, &self.from), classes(w, &cuts, &self.to));
        let ports = Ports::of(&cuts, self.protocol, self.port);
        let counts = [from.len(), to.len(), ports.ports.len(), ports.source_ports.len()];
        counts.iter().fold(1, |product, &count| product * count as u64)
    }

    /// Answers the question.
    pub fn answer(&self, w: &World) -> Reachability {
        let cuts = Cuts::of(w, self.vpc);
        let (from, to) = (classes(w, &cuts, &self.from), classes(w, &cuts, &self.to));
        let ports = Ports::of(&cuts, self.protocol, self.port);
        let mut answer = Reachability::default();
        for (sender, senders) in &from {
            for (_, receivers) in to.iter().filter(|(receiver, _)| receiver.v4 == sender.v4) {
                let pair =
                    senders.iter().find_map(|s| receivers.iter().find(|r| r.eni != s.eni).map(|r| (s, r)));
                let Some((s, r)) = pair else { continue };
                let header = |source_port, port| Question {
                    from: Place::Interface(s.eni),
                    header: Header {
                        protocol: self.protocol,
                        source: s.first,
                        source_port,
                        destination: r.first,
                        port,
                    },
                };
                ports.sort(w, header, senders, receivers, &mut answer);
            }
        }
        answer
    }
}

/// Where the world's rules, ACLs and routes cut the addresses and ports.
#[derive(Default)]
struct Cuts {
    /// The first address of each class, by family.
    v4: BTreeSet<u128>,
    v6: BTreeSet<u128>,
    /// The first port of each class of destination ports and of source ports.
    ports: BTreeSet<u32>,
    source_ports: BTreeSet<u32>,
    /// The interfaces that routes lead to: each is a class of its own.
    hops: BTreeSet<EniId>,
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

impl Cuts {
    fn of(w: &World, vpc: VpcId) -> Cuts {
        let mut cuts = Cuts::default();
        // DHCP and mail, which the platform judges by their ports.
        for port in [25, 67, 68, 546, 547] {
            cuts.range(PortRange { first: port, last: port }, true, true);
        }
        for table in w.indexes().route_tables.by_vpc.of(&vpc).filter_map(|id| w.get::<RouteTable>(id)) {
            for entry in route_entry::of_table(w, table, None) {
                cuts.block(entry.destination);
                let hop = entry.next_hop.id();
                let instance =
                    hop.and_then(|id| w.get::<Instance>(&id.try_into().ok()?)).map(|i| i.primary_eni);
                cuts.hops.extend(instance.or_else(|| hop?.try_into().ok()));
            }
        }
        let forwarders: BTreeSet<SecurityGroupId> =
            cuts.hops.iter().filter_map(|id| w.get::<Eni>(id)).flat_map(|eni| eni.groups.clone()).collect();
        for group in w.table::<SecurityGroup>().iter().filter(|group| group.vpc == vpc) {
            let forwards = forwarders.contains(&group.id);
            of_group(w, group.id).for_each(|rule| cuts.rule(w, rule, forwards));
        }
        for acl in w.table::<NetworkAcl>().iter().filter(|acl| acl.vpc == vpc) {
            for rule in acl.ingress.iter().chain(&acl.egress) {
                cuts.block(rule.block);
                // An ACL judges answers too, whose destination port is the source port of the question.
                rule.ports.into_iter().for_each(|range| cuts.range(range, true, true));
            }
        }
        cuts
    }

    /// The groups of who forwards judge answers that came another way as sessions of their own.
    fn rule(&mut self, w: &World, rule: &SecurityGroupRule, forwards: bool) {
        let spec = &rule.spec;
        match spec.peer {
            Peer::Block(block) => self.block(block),
            Peer::List(list) => {
                let list = w.get::<PrefixList>(&list);
                list.into_iter().flat_map(|list| &list.entries).for_each(|entry| self.block(entry.cidr));
            }
            Peer::Group(_) => {}
        }
        spec.own.into_iter().for_each(|block| self.block(block));
        spec.ports.into_iter().for_each(|range| self.range(range, true, forwards));
        spec.source_ports.into_iter().for_each(|range| self.range(range, forwards, true));
    }

    fn block(&mut self, block: Cidr) {
        let cuts = if block.is_v4() { &mut self.v4 } else { &mut self.v6 };
        cuts.insert(bits(block.first()));
        cuts.extend(bits(block.last()).checked_add(1));
    }

    fn range(&mut self, range: PortRange, ports: bool, source_ports: bool) {
        for at in [u32::from(range.first), u32::from(range.last) + 1] {
            self.ports.extend(ports.then_some(at));
            self.source_ports.extend(source_ports.then_some(at));
        }
    }

    /// The cut at or before an address, which names its class.
    fn class(&self, address: IpAddr) -> u128 {
        let cuts = if address.is_ipv4() { &self.v4 } else { &self.v6 };
        cuts.range(..=bits(address)).next_back().copied().unwrap_or(0)
    }

    /// Cuts the addresses of a block of an interface into runs.
    fn runs(&self, eni: EniId, block: Cidr, out: &mut Vec<Run>) {
        let cuts = if block.is_v4() { &self.v4 } else { &self.v6 };
        let (first, last) = (bits(block.first()), bits(block.last()));
        let address = |bits: u128| match block {
            Cidr::V4(_) => IpAddr::from(Ipv4Addr::from_bits(bits as u32)),
            Cidr::V6(_) => IpAddr::from(Ipv6Addr::from_bits(bits)),
        };
        let inner = cuts.range(first..=last).copied().filter(|&cut| cut > first);
        let mut starts: Vec<u128> = std::iter::once(first).chain(inner).collect();
        starts.dedup();
        for (at, &start) in starts.iter().enumerate() {
            let end = starts.get(at + 1).map_or(last, |next| next - 1);
            out.push(Run { eni, first: address(start), last: address(end) });
        }
    }
}

/// What tells interfaces apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Class {
    v4: bool,
    address: u128,
    vswitch: VSwitchId,
    groups: Vec<SecurityGroupId>,
    source_dest_check: bool,
    status: EniStatus,
    instance: Option<InstanceStatus>,
    /// The interface itself, if routes lead to it.
    hop: Option<EniId>,
}

fn classes(w: &World, cuts: &Cuts, enis: &[EniId]) -> BTreeMap<Class, Vec<Run>> {
    let mut classes: BTreeMap<Class, Vec<Run>> = BTreeMap::new();
    for eni in enis.iter().filter_map(|id| w.get::<Eni>(id)) {
        let mut runs = Vec::new();
        let v4 = eni.ipv4().map(|a| Cidr::host(a.into())).chain(eni.ipv4_prefixes.iter().map(|&p| p.into()));
        let v6 = eni.ipv6.iter().map(|&a| Cidr::host(a.into()));
        let v6 = v6.chain(eni.ipv6_prefixes.iter().map(|&p| p.into()));
        v4.chain(v6).for_each(|block| cuts.runs(eni.id, block, &mut runs));
        let mut groups = eni.groups.clone();
        groups.sort_unstable();
        let instance = eni.instance.and_then(|id| w.get::<Instance>(&id));
        for run in runs {
            let class = Class {
                v4: run.first.is_ipv4(),
                address: cuts.class(run.first),
                vswitch: eni.vswitch,
                groups: groups.clone(),
                source_dest_check: eni.source_dest_check,
                status: eni.status,
                instance: instance.map(|instance| instance.status),
                hop: cuts.hops.contains(&eni.id).then_some(eni.id),
            };
            classes.entry(class).or_default().push(run);
        }
    }
    classes
}

/// The classes of ports that are asked about.
struct Ports {
    /// Destination ports.
    ports: Vec<PortRange>,
    /// One source port of each class, the usual one first.
    source_ports: Vec<u16>,
}

impl Ports {
    fn of(cuts: &Cuts, protocol: PacketProtocol, port: Option<u16>) -> Ports {
        if !protocol.has_ports() {
            return Ports { ports: vec![PortRange { first: 0, last: 0 }], source_ports: vec![0] };
        }
        let ranges = |cuts: &BTreeSet<u32>| {
            let mut starts: Vec<u32> = cuts.iter().copied().filter(|at| (2..=65_535).contains(at)).collect();
            starts.insert(0, 1);
            let ends = starts.iter().skip(1).map(|next| next - 1).chain([65_535]);
            let range = |(first, last): (&u32, u32)| PortRange { first: *first as u16, last: last as u16 };
            starts.iter().zip(ends).map(range).collect::<Vec<_>>()
        };
        let source_ports = ranges(&cuts.source_ports).into_iter().map(|range| range.first);
        Ports {
            ports: port.map_or_else(|| ranges(&cuts.ports), |p| vec![PortRange { first: p, last: p }]),
            source_ports: std::iter::once(FIRST_DYNAMIC_PORT).chain(source_ports).collect(),
        }
    }

    /// Puts a pair of classes into one of the two lists.
    fn sort(
        &self,
        w: &World,
        question: impl Fn(u16, u16) -> Question,
        from: &[Run],
        to: &[Run],
        answer: &mut Reachability,
    ) {
        let (mut open, mut witness): (Vec<PortRange>, Option<Question>) = (Vec::new(), None);
        let mut refused: Option<(Question, Ending)> = None;
        for range in &self.ports {
            let asked = self.source_ports.iter().map(|&source_port| question(source_port, range.first));
            let mut endings = asked.map(|question| (question, question.verdict(w)));
            let Some(first) = endings.next() else { continue };
            let passing = std::iter::once(first).chain(endings).find(|(_, ending)| ending.delivered());
            let Some((passing, _)) = passing else {
                refused.get_or_insert(first);
                continue;
            };
            witness.get_or_insert(passing);
            match open.last_mut() {
                Some(last) if last.last + 1 == range.first => last.last = range.last,
                _ => open.push(*range),
            }
        }
        let (from, to) = (from.to_vec(), to.to_vec());
        match (witness, refused) {
            (Some(witness), _) => answer.reached.push(Reached { from, to, ports: open, witness }),
            (None, Some((witness, ending))) => {
                answer.unreached.push(Unreached { from, to, witness, ending });
            }
            (None, None) => {}
        }
    }
}

impl Reachability {
    /// Why whoever does not reach does not, with how many interfaces each reason stops: the proof behind "nobody".
    pub fn reasons(&self) -> Vec<(Disposition, u64)> {
        let mut reasons: Vec<(Disposition, BTreeSet<EniId>)> = Vec::new();
        for unreached in &self.unreached {
            let reason = unreached.ending.disposition;
            let senders = unreached.from.iter().map(|run| run.eni);
            match reasons.iter_mut().find(|(other, _)| *other == reason) {
                Some((_, stopped)) => stopped.extend(senders),
                None => reasons.push((reason, senders.collect())),
            }
        }
        reasons.into_iter().map(|(reason, stopped)| (reason, stopped.len() as u64)).collect()
    }
}
