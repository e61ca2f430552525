//! Where rules, ACLs and routes cut addresses and ports into classes.

use super::{Holder, Run, Side};
use crate::cidr::Cidr;
use crate::ecs::eni::{Eni, EniStatus};
use crate::ecs::eni_address;
use crate::ecs::group_filter::{FIRST_DYNAMIC_PORT, PacketProtocol, fits_protocol};
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::ecs::prefix_list::PrefixList;
use crate::ecs::security_group_rule::{Peer, PortRange, SecurityGroupRule, of_group};
use crate::id::{EniId, SecurityGroupId, VSwitchId, VpcId};
use crate::vpc::ha_vip::{self, HaVip};
use crate::vpc::network_acl::NetworkAcl;
use crate::vpc::next_hop::NextHop;
use crate::vpc::route_entry;
use crate::vpc::route_table::RouteTable;
use crate::vpc::router_connection;
use crate::vpc::router_interface::RouterInterface;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first address of each class, by family.
#[derive(Clone, Default)]
pub(super) struct Addresses {
    v4: BTreeSet<u128>,
    v6: BTreeSet<u128>,
}

/// Where the rules of a VPC that can matter cut.
pub(super) struct Cuts {
    protocol: PacketProtocol,
    /// Of senders and of receivers.
    pub senders: Addresses,
    pub receivers: Addresses,
    /// The first port of each class of destination ports and of source ports.
    pub ports: BTreeSet<u32>,
    source_ports: BTreeSet<u32>,
    /// The interfaces that routes lead to: each is a class of its own.
    hops: BTreeSet<EniId>,
}

/// The classes of ports that are asked about.
pub(super) struct PortClasses {
    /// Destination ports.
    pub ports: Vec<PortRange>,
    /// One source port of each class, the usual one first.
    pub source_ports: Vec<u16>,
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The address of a family with these bits.
pub(super) fn address_of(v4: bool, bits: u128) -> IpAddr {
    if v4 { Ipv4Addr::from_bits(bits as u32).into() } else { Ipv6Addr::from_bits(bits).into() }
}

impl Addresses {
    pub fn block(&mut self, block: Cidr) {
        let cuts = if block.is_v4() { &mut self.v4 } else { &mut self.v6 };
        cuts.insert(bits(block.first()));
        cuts.extend(bits(block.last()).checked_add(1));
    }

    /// The first addresses of the classes of a family.
    pub fn of(&self, v4: bool) -> &BTreeSet<u128> {
        if v4 { &self.v4 } else { &self.v6 }
    }

    /// The cut at or before an address, which names its class.
    fn class(&self, address: IpAddr) -> u128 {
        self.of(address.is_ipv4()).range(..=bits(address)).next_back().copied().unwrap_or(0)
    }

    /// Cuts the addresses of a block of an interface into runs.
    fn runs(&self, eni: EniId, block: Cidr, out: &mut Vec<Run>) {
        let (first, last) = (bits(block.first()), bits(block.last()));
        let v4 = block.is_v4();
        let mut push = |first, last| {
            let (first, last) = (address_of(v4, first), address_of(v4, last));
            out.push(Run { holder: Holder::Interface(eni), first, last });
        };
        let mut from = first;
        for &cut in self.of(v4).range(first..=last).filter(|&&cut| cut > first) {
            push(from, cut - 1);
            from = cut;
        }
        push(from, last);
    }
}

impl Cuts {
    /// Where packets between two sets of interfaces, and their answers, are cut.
    pub fn between(w: &World, vpc: VpcId, from: &[EniId], to: &[EniId], protocol: PacketProtocol) -> Cuts {
        // Peering leads into other VPCs, and router interfaces through others.
        let sides = || from.iter().chain(to).filter_map(|id| w.get::<Eni>(id));
        let vpcs = connected(w, sides().map(|eni| eni.vpc).chain([vpc]).collect());
        let mut cuts = Cuts::new(protocol);
        vpcs.iter().for_each(|&vpc| cuts.add_vpc(w, vpc));
        // An address that several of them hold is judged in each by who holds it there.
        for (eni, address) in sides().flat_map(|eni| eni.ipv4().map(move |address| (eni, address))) {
            let held =
                |&&vpc: &&VpcId| vpc != eni.vpc && eni_address::holder(w, vpc, address.into()).is_some();
            if vpcs.len() > 1 && vpcs.iter().any(|vpc| held(&vpc)) {
                cuts.block(Cidr::host(address.into()));
            }
        }
        let (senders, receivers) = (groups_of(w, from), groups_of(w, to));
        cuts.add_rules(w, &senders, &receivers);
        cuts
    }

    /// What the tables and ACLs of a VPC, and the platform, cut.
    pub fn of_vpc(w: &World, vpc: VpcId, protocol: PacketProtocol) -> Cuts {
        let mut cuts = Cuts::new(protocol);
        cuts.add_vpc(w, vpc);
        cuts
    }

    /// What the platform cuts.
    fn new(protocol: PacketProtocol) -> Cuts {
        let mut cuts = Cuts {
            protocol,
            senders: Addresses::default(),
            receivers: Addresses::default(),
            ports: BTreeSet::new(),
            source_ports: BTreeSet::new(),
            hops: BTreeSet::new(),
        };
        // Mail and DHCP, which the platform judges by their ports.
        let platform: &[u16] = match protocol {
            PacketProtocol::Tcp => &[25],
            PacketProtocol::Udp => &[67, 68, 546, 547],
            _ => &[],
        };
        for &port in platform {
            cuts.range(PortRange { first: port, last: port }, true, true);
        }
        cuts
    }

    /// What the tables and ACLs of a VPC cut.
    fn add_vpc(&mut self, w: &World, vpc: VpcId) {
        let protocol = self.protocol;
        for table in w.indexes().route_tables.by_vpc.of(&vpc).filter_map(|id| w.get::<RouteTable>(id)) {
            for entry in route_entry::of_table(w, table, None) {
                self.block(entry.destination);
                self.hops.extend(match entry.next_hop {
                    NextHop::Instance(id) => w.get::<Instance>(&id).map(|i| i.primary_eni),
                    NextHop::NetworkInterface(id) => Some(id),
                    NextHop::HaVip(id) => w.get::<HaVip>(&id).and_then(|vip| vip.master(w)).map(|eni| eni.id),
                    NextHop::Local
                    | NextHop::NatGateway(_)
                    | NextHop::Ipv4Gateway(_)
                    | NextHop::Ipv6Gateway(_)
                    | NextHop::VpcPeer(_)
                    | NextHop::RouterInterface(_) => None,
                });
            }
        }
        for acl in w.indexes().network_acls.by_vpc.of(&vpc).filter_map(|id| w.get::<NetworkAcl>(id)) {
            let of_protocol = acl.ingress.iter().chain(&acl.egress);
            for rule in of_protocol.filter(|rule| fits_protocol(rule.protocol, protocol)) {
                self.block(rule.block);
                // An ACL judges answers too, whose destination port is the source port of the question.
                rule.ports.into_iter().for_each(|range| self.range(range, true, true));
            }
        }
    }

    /// Adds what the groups cut that can judge a packet: those of senders, of receivers, and of whoever forwards.
    pub fn add_rules(
        &mut self,
        w: &World,
        senders: &BTreeSet<SecurityGroupId>,
        receivers: &BTreeSet<SecurityGroupId>,
    ) {
        let hops: Vec<EniId> = self.hops.iter().copied().collect();
        let forwarders = groups_of(w, &hops);
        let all: BTreeSet<SecurityGroupId> =
            senders.iter().chain(receivers).chain(&forwarders).copied().collect();
        for group in all {
            let forwards = forwarders.contains(&group);
            let (sends, receives) = (senders.contains(&group), receivers.contains(&group));
            let protocol = self.protocol;
            for rule in of_group(w, group).filter(|rule| fits_protocol(rule.spec.protocol, protocol)) {
                self.rule(w, rule, sends, receives, forwards);
            }
        }
    }

    /// A rule sees one side as its own and the other as its peer. The groups of who forwards see both as both, and judge
    /// answers that came another way as sessions of their own.
    fn rule(&mut self, w: &World, rule: &SecurityGroupRule, sends: bool, receives: bool, forwards: bool) {
        let spec = &rule.spec;
        let mut peers: Vec<Cidr> = Vec::new();
        match spec.peer {
            Peer::Block(block) => peers.push(block),
            Peer::List(list) => {
                let list = w.get::<PrefixList>(&list);
                peers.extend(list.into_iter().flat_map(|list| &list.entries).map(|entry| entry.cidr));
            }
            Peer::Group(_) => {}
        }
        if receives || forwards {
            peers.iter().for_each(|&block| self.senders.block(block));
            spec.own.into_iter().for_each(|block| self.receivers.block(block));
        }
        if sends || forwards {
            peers.iter().for_each(|&block| self.receivers.block(block));
            spec.own.into_iter().for_each(|block| self.senders.block(block));
        }
        spec.ports.into_iter().for_each(|range| self.range(range, true, forwards));
        spec.source_ports.into_iter().for_each(|range| self.range(range, forwards, true));
    }

    /// A block that both sides are held against.
    pub fn block(&mut self, block: Cidr) {
        self.senders.block(block);
        self.receivers.block(block);
    }

    /// A destination port that is told apart from its neighbours.
    pub fn port(&mut self, port: u16) {
        self.range(PortRange { first: port, last: port }, true, false);
    }

    fn range(&mut self, range: PortRange, ports: bool, source_ports: bool) {
        for at in [u32::from(range.first), u32::from(range.last) + 1] {
            self.ports.extend(ports.then_some(at));
            self.source_ports.extend(source_ports.then_some(at));
        }
    }

    /// The classes of senders.
    pub fn senders(&self, w: &World, enis: &[EniId]) -> Vec<Side> {
        self.classes(w, &self.senders, enis)
    }

    /// The classes of receivers.
    pub fn receivers(&self, w: &World, enis: &[EniId]) -> Vec<Side> {
        self.classes(w, &self.receivers, enis)
    }

    fn classes(&self, w: &World, addresses: &Addresses, enis: &[EniId]) -> Vec<Side> {
        let mut classes: BTreeMap<Class, Vec<Run>> = BTreeMap::new();
        let mut lists: BTreeMap<&[SecurityGroupId], usize> = BTreeMap::new();
        let mut runs = Vec::new();
        // Interfaces and their instances were mostly made one after the other, and are stepped to.
        let (mut rows, mut instances) = (w.table::<Eni>().reader(), w.table::<Instance>().reader());
        for eni in enis.iter().filter_map(|id| rows.get(id)) {
            let v4 = eni.ipv4().map(|a| Cidr::host(a.into()));
            let v4 = v4.chain(eni.ipv4_prefixes.iter().map(|&p| p.into()));
            let v6 = eni.ipv6.iter().map(|&a| Cidr::host(a.into()));
            let v6 = v6.chain(eni.ipv6_prefixes.iter().map(|&p| p.into()));
            v4.chain(v6).for_each(|block| addresses.runs(eni.id, block, &mut runs));
            let own = runs.len();
            for vip in ha_vip::answered_by(w, eni.id) {
                addresses.runs(eni.id, Cidr::host(vip.address.into()), &mut runs);
            }
            let next = lists.len();
            let groups = *lists.entry(&eni.groups).or_insert(next);
            let instance = eni.instance.and_then(|id| instances.get(&id));
            for (n, run) in runs.drain(..).enumerate() {
                let class = Class {
                    v4: run.first.is_ipv4(),
                    vswitch: eni.vswitch,
                    groups,
                    address: addresses.class(run.first),
                    ha_vip: n >= own,
                    source_dest_check: eni.source_dest_check,
                    status: eni.status,
                    instance: instance.map(|instance| instance.status),
                    hop: self.hops.contains(&eni.id).then_some(eni.id),
                };
                classes.entry(class).or_default().push(run);
            }
        }
        classes.into_iter().map(|(class, runs)| Side { v4: class.v4, runs: runs.into() }).collect()
    }

    /// The classes of ports of a question.
    pub fn ports(&self, protocol: PacketProtocol, port: Option<u16>) -> PortClasses {
        if !protocol.has_ports() {
            return PortClasses { ports: vec![PortRange { first: 0, last: 0 }], source_ports: vec![0] };
        }
        let ranges = |cuts: &BTreeSet<u32>| {
            let mut starts: Vec<u32> = cuts.iter().copied().filter(|at| (2..=65_535).contains(at)).collect();
            starts.insert(0, 1);
            let ends = starts.iter().skip(1).map(|next| next - 1).chain([65_535]);
            let range = |(first, last): (&u32, u32)| PortRange { first: *first as u16, last: last as u16 };
            starts.iter().zip(ends).map(range).collect::<Vec<_>>()
        };
        let usual = |range: &PortRange| (range.first..=range.last).contains(&FIRST_DYNAMIC_PORT);
        let classes = ranges(&self.source_ports);
        let source_ports = classes.iter().filter(|range| !usual(range)).map(|range| range.first);
        PortClasses {
            ports: port.map_or_else(|| ranges(&self.ports), |p| vec![PortRange { first: p, last: p }]),
            source_ports: std::iter::once(FIRST_DYNAMIC_PORT).chain(source_ports).collect(),
        }
    }
}

/// Some VPCs and all that router interfaces lead to from them.
fn connected(w: &World, vpcs: BTreeSet<VpcId>) -> BTreeSet<VpcId> {
    let (mut open, mut found): (Vec<VpcId>, _) = (vpcs.iter().copied().collect(), vpcs);
    while let Some(vpc) = open.pop() {
        let own = w.indexes().router_interfaces.by_vpc.of(&vpc).filter_map(|id| w.get::<RouterInterface>(id));
        let next = own.filter_map(|r| router_connection::other_end(w, r)).map(|other| other.vpc);
        open.extend(next.filter(|vpc| found.insert(*vpc)));
    }
    found
}

/// The groups of some interfaces.
pub(super) fn groups_of(w: &World, enis: &[EniId]) -> BTreeSet<SecurityGroupId> {
    let mut rows = w.table::<Eni>().reader();
    let mut groups = BTreeSet::new();
    for eni in enis.iter().filter_map(|id| rows.get(id)) {
        groups.extend(&eni.groups);
    }
    groups
}

/// What tells interfaces apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Class {
    v4: bool,
    vswitch: VSwitchId,
    /// The number of its list of groups. The same groups in another order are another list, which makes a class more.
    groups: usize,
    address: u128,
    /// Whether the address is a HaVip's: rules whose peer is a group do not name it.
    ha_vip: bool,
    source_dest_check: bool,
    status: EniStatus,
    instance: Option<InstanceStatus>,
    /// The interface itself, if routes lead to it.
    hop: Option<EniId>,
}
