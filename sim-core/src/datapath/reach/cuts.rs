//! Where rules, ACLs and routes cut addresses and ports into classes.

use super::{Holder, Run, SetQuestion, Side};
use crate::cidr::Cidr;
use crate::datapath::flow::is_public;
use crate::datapath::internet::has_public_address;
use crate::ecs::eni::{Eni, EniStatus};
use crate::ecs::eni_address;
use crate::ecs::group_filter::{FIRST_DYNAMIC_PORT, PacketProtocol, fits_protocol};
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::ecs::outage;
use crate::ecs::prefix_list::PrefixList;
use crate::ecs::security_group_rule::{Peer, PortRange, SecurityGroupRule, of_group};
use crate::id::{EniId, OutageId, SecurityGroupId, VSwitchId, VpcId};
use crate::vpc::eip::Eip;
use crate::vpc::eip_binding;
use crate::vpc::forward_entry;
use crate::vpc::ha_vip::{self, HaVip};
use crate::vpc::network_acl::NetworkAcl;
use crate::vpc::next_hop::NextHop;
use crate::vpc::route_entry;
use crate::vpc::route_table::RouteTable;
use crate::vpc::router_connection;
use crate::vpc::router_interface::RouterInterface;
use crate::vpc::snat;
use crate::vpc::vpc::Vpc;
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
    /// The first port of each class of destination ports.
    pub ports: BTreeSet<u32>,
    /// The interfaces that routes lead to: each is a class of its own.
    hops: BTreeSet<EniId>,
    /// Whether one of the VPCs has blocks that are public to the others, so that an address of the sender's comes before routes.
    public: bool,
}

/// The classes of ports that are asked about.
pub(super) struct PortClasses {
    /// Destination ports.
    pub ports: Vec<PortRange>,
    /// The source port; 0 where the protocol has none.
    pub source_port: u16,
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

    /// What blocks are cut with.
    fn knife(&self, v4: bool) -> Knife {
        Knife { v4, cuts: self.of(v4).iter().copied().collect(), last: 0 }
    }
}

/// The cuts of a family, for blocks that mostly lie close to one another.
struct Knife {
    v4: bool,
    cuts: Vec<u128>,
    /// How many cuts lie at or before the first address of the last block.
    last: usize,
}

impl Knife {
    /// Cuts the addresses of a block of an interface into runs, each with the cut at or before it, which names its class.
    fn cut(&mut self, eni: EniId, block: Cidr, mut run: impl FnMut(u128, Run)) {
        let (first, end) = (bits(block.first()), bits(block.last()));
        let mut at = self.place(first);
        self.last = at;
        let mut from = first;
        loop {
            let class = if at == 0 { 0 } else { self.cuts[at - 1] };
            let next = self.cuts.get(at).copied().filter(|&cut| cut <= end);
            let last = next.map_or(end, |cut| cut - 1);
            let [first, last] = [from, last].map(|at| address_of(self.v4, at));
            run(class, Run { holder: Holder::Interface(eni), first, last });
            let Some(cut) = next else { return };
            (from, at) = (cut, at + 1);
        }
    }

    /// How many cuts lie at or before an address.
    fn place(&self, address: u128) -> usize {
        let (before, after) = self.cuts.split_at(self.last);
        let same =
            before.last().is_none_or(|cut| *cut <= address) && after.first().is_none_or(|cut| *cut > address);
        if same { self.last } else { self.cuts.partition_point(|cut| *cut <= address) }
    }
}

impl Cuts {
    /// Where packets between two sets of interfaces, and their answers, are cut.
    pub fn between(w: &World, vpc: VpcId, from: &[EniId], to: &[EniId], protocol: PacketProtocol) -> Cuts {
        let (senders, receivers) = (Common::of(w, from), Common::of(w, to));
        // Peering leads into other VPCs, and router interfaces through others.
        let vpcs = connected(w, senders.vpcs.union(&receivers.vpcs).copied().chain([vpc]).collect());
        let mut cuts = Cuts::new(protocol);
        vpcs.iter().for_each(|&vpc| cuts.add_vpc(w, vpc));
        if vpcs.len() > 1 {
            let blocks = vpcs.iter().filter_map(|id| w.get::<Vpc>(id)).flat_map(Vpc::blocks);
            cuts.public = blocks
                .into_iter()
                .any(|block| is_public(block.first().into()) || is_public(block.last().into()));
            if cuts.public {
                vpcs.iter().for_each(|&vpc| cuts.add_translated(w, vpc));
            }
            cuts.add_shared(w, &vpcs, from.iter().chain(to));
        }
        cuts.add_rules(w, &senders.groups, &receivers.groups);
        cuts
    }

    /// Whom the NAT gateways of a VPC take out, where others follow a route to another VPC.
    fn add_translated(&mut self, w: &World, vpc: VpcId) {
        let sources = snat::blocks(w, vpc).map(|(block, _)| block);
        let targets = forward_entry::targets(w, vpc).map(|(block, _)| block);
        sources.chain(targets).for_each(|block| self.block(block.into()));
    }

    /// An address that several VPCs hold is judged in each by who holds it there.
    fn add_shared<'a>(&mut self, w: &World, vpcs: &BTreeSet<VpcId>, enis: impl Iterator<Item = &'a EniId>) {
        for eni in enis.filter_map(|id| w.get::<Eni>(id)) {
            for address in eni.ipv4().map(IpAddr::from) {
                let held = |vpc: &VpcId| *vpc != eni.vpc && eni_address::holder(w, *vpc, address).is_some();
                if vpcs.iter().any(held) {
                    self.block(Cidr::host(address));
                }
            }
        }
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
            hops: BTreeSet::new(),
            public: false,
        };
        // Mail and DHCP, which the platform judges by their ports.
        let platform: &[u16] = match protocol {
            PacketProtocol::Tcp => &[25],
            PacketProtocol::Udp => &[67, 68, 546, 547],
            _ => &[],
        };
        for &port in platform {
            cuts.port(port);
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
                rule.ports.into_iter().for_each(|range| self.range(range));
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
        spec.ports.into_iter().for_each(|range| self.range(range));
        // The answer has the destination port of the question as its source port.
        spec.source_ports.into_iter().filter(|_| forwards).for_each(|range| self.range(range));
    }

    /// A block that both sides are held against.
    pub fn block(&mut self, block: Cidr) {
        self.senders.block(block);
        self.receivers.block(block);
    }

    /// A destination port that is told apart from its neighbours.
    pub fn port(&mut self, port: u16) {
        self.range(PortRange { first: port, last: port });
    }

    fn range(&mut self, range: PortRange) {
        self.ports.extend([u32::from(range.first), u32::from(range.last) + 1]);
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
        let mut classes = Classes::default();
        let mut lists: BTreeMap<&[SecurityGroupId], usize> = BTreeMap::new();
        let mut last: (&[SecurityGroupId], usize) = (&[], 0);
        let [mut v4, mut v6] = [true, false].map(|v4| addresses.knife(v4));
        let eips = !w.table::<Eip>().is_empty();
        // Interfaces and their instances were mostly made one after the other, and are stepped to.
        let (mut rows, mut instances) = (w.table::<Eni>().reader(), w.table::<Instance>().reader());
        for eni in enis.iter().filter_map(|id| rows.get(id)) {
            if last.0 != eni.groups {
                let next = lists.len();
                last = (&eni.groups, *lists.entry(&eni.groups).or_insert(next));
            }
            let instance = eni.instance.and_then(|id| instances.get(&id));
            let class = Class {
                v4: true,
                vswitch: eni.vswitch,
                groups: last.1,
                address: 0,
                ha_vip: false,
                source_dest_check: eni.source_dest_check,
                status: eni.status,
                instance: instance.map(|instance| instance.status),
                cut_off: outage::of_interface(w, eni),
                cut_through: eips && eip_binding::is_cut_through(w, eni.id),
                exposed: false,
                hop: self.hops.contains(&eni.id).then_some(eni.id),
            };
            // Elastic IP addresses stand for single addresses, and none for one of a prefix.
            let exposed = |block: Cidr| match block.first() {
                IpAddr::V4(address) if self.public => has_public_address(w, eni, address),
                _ => false,
            };
            let mut cut = |block: Cidr, ha_vip: bool| {
                let exposed = exposed(block);
                let (knife, v4) = if block.is_v4() { (&mut v4, true) } else { (&mut v6, false) };
                knife.cut(eni.id, block, |address, run| {
                    classes.put(Class { v4, address, ha_vip, exposed, ..class }, run)
                });
            };
            eni.ipv4().for_each(|address| cut(Cidr::host(address.into()), false));
            eni.ipv4_prefixes.iter().for_each(|&prefix| cut(prefix.into(), false));
            eni.ipv6.iter().for_each(|&address| cut(Cidr::host(address.into()), false));
            eni.ipv6_prefixes.iter().for_each(|&prefix| cut(prefix.into(), false));
            ha_vip::answered_by(w, eni.id).for_each(|vip| cut(Cidr::host(vip.address.into()), true));
        }
        classes.end()
    }

    /// The classes of ports of a question.
    pub fn ports(&self, question: &SetQuestion) -> PortClasses {
        if !question.protocol.has_ports() {
            return PortClasses { ports: vec![PortRange { first: 0, last: 0 }], source_port: 0 };
        }
        let all = || {
            let mut starts: Vec<u32> =
                self.ports.iter().copied().filter(|at| (2..=65_535).contains(at)).collect();
            starts.insert(0, 1);
            let ends = starts.iter().skip(1).map(|next| next - 1).chain([65_535]);
            let range = |(first, last): (&u32, u32)| PortRange { first: *first as u16, last: last as u16 };
            starts.iter().zip(ends).map(range).collect::<Vec<_>>()
        };
        PortClasses {
            ports: question.port.map_or_else(all, |port| vec![PortRange { first: port, last: port }]),
            source_port: question.source_port.unwrap_or(FIRST_DYNAMIC_PORT),
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
    Common::of(w, enis).groups
}

/// What some interfaces have, which many of them have in common.
#[derive(Default)]
struct Common {
    vpcs: BTreeSet<VpcId>,
    groups: BTreeSet<SecurityGroupId>,
}

impl Common {
    fn of(w: &World, enis: &[EniId]) -> Common {
        let mut common = Common::default();
        let mut rows = w.table::<Eni>().reader();
        let mut last: Option<&Eni> = None;
        for eni in enis.iter().filter_map(|id| rows.get(id)) {
            // Neighbours mostly have the same.
            if last.is_none_or(|last| (last.vpc, &last.groups) != (eni.vpc, &eni.groups)) {
                common.vpcs.insert(eni.vpc);
                common.groups.extend(&eni.groups);
            }
            last = Some(eni);
        }
        common
    }
}

/// Runs in their classes.
#[derive(Default)]
struct Classes {
    places: BTreeMap<Class, usize>,
    runs: Vec<Vec<Run>>,
    /// The class of the last run, which is mostly that of the next.
    last: Option<(Class, usize)>,
}

impl Classes {
    fn put(&mut self, class: Class, run: Run) {
        let place = match &self.last {
            Some((last, place)) if *last == class => *place,
            _ => {
                let place = *self.places.entry(class).or_insert(self.runs.len());
                if place == self.runs.len() {
                    self.runs.push(Vec::new());
                }
                self.last = Some((class, place));
                place
            }
        };
        self.runs[place].push(run);
    }

    /// The classes in their order.
    fn end(mut self) -> Vec<Side> {
        let places = std::mem::take(&mut self.places);
        let side = |(class, place): (Class, usize)| Side {
            v4: class.v4,
            runs: std::mem::take(&mut self.runs[place]).into(),
        };
        places.into_iter().map(side).collect()
    }
}

/// What tells interfaces apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    cut_off: Option<OutageId>,
    /// Whether it is not filtered by network ACLs.
    cut_through: bool,
    /// Whether the address leaves by a public one of its own where others follow a route.
    exposed: bool,
    /// The interface itself, if routes lead to it.
    hop: Option<EniId>,
}
