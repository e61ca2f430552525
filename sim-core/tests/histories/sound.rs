//! What is true of the rows of every world, judged from the rows alone.

use sim_core::World;
use sim_core::cidr::{Cidr, Cidr4, reserved};
use sim_core::ecs::disk::Disk;
use sim_core::ecs::eni::{Eni, EniKind, EniStatus};
use sim_core::ecs::instance::{Instance, InstanceStatus};
use sim_core::ecs::outage::Outage;
use sim_core::ecs::prefix_list::PrefixList;
use sim_core::ecs::security_group::SecurityGroup;
use sim_core::ecs::security_group_rule::{Direction, Peer, SecurityGroupRule};
use sim_core::ecs::service_port::ServicePort;
use sim_core::id::{AnyId, VSwitchId, VpcId};
use sim_core::resource_group;
use sim_core::slb::acl::AccessControlList;
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::vpc::cidr_reservation::CidrReservation;
use sim_core::vpc::eip::{ADDRESSES, Eip, EipStatus};
use sim_core::vpc::eip_binding::{self, Binding, Mode, Target};
use sim_core::vpc::forward_entry::ForwardEntry;
use sim_core::vpc::forward_ports::{ForwardProtocol, Ports};
use sim_core::vpc::ha_vip::{BindType, HaVip, HaVipStatus};
use sim_core::vpc::ipv4_gateway::{GatewayStatus, Ipv4Gateway};
use sim_core::vpc::ipv6_bandwidth::Ipv6Bandwidth;
use sim_core::vpc::ipv6_egress_rule::{EgressRuleStatus, Ipv6EgressRule};
use sim_core::vpc::ipv6_gateway::{Ipv6Gateway, Ipv6GatewayStatus};
use sim_core::vpc::nat_gateway::{NatGateway, NatStatus};
use sim_core::vpc::network_acl::{AclStatus, NetworkAcl};
use sim_core::vpc::network_acl_binding::{BindingStatus, NetworkAclBinding};
use sim_core::vpc::resident::Resident;
use sim_core::vpc::route_entry::{self, EntryStatus, RouteEntry};
use sim_core::vpc::route_table::{self, AssociateType, RouteTable, RouteTableKind};
use sim_core::vpc::snat::SnatEntry;
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vswitch::VSwitch;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

pub fn check(w: &World) {
    no_dangling_id(w);
    blocks(w);
    addresses(w);
    interfaces(w);
    hosts(w);
    groups(w);
    routes(w);
    acls(w);
    schedules(w);
    eips(w);
    ha_vips(w);
    crate::sound_balancers::check(w);
    nat(w);
    gateways(w);
    crate::sound_peers::check(w);
    crate::sound_peers::check_router_interfaces(w);
}

/// Every id in every row is that of an object that is there.
fn no_dangling_id(w: &World) {
    let (mut there, mut named) = (BTreeSet::new(), Vec::new());
    for group in [sim_core::AccountId::DEFAULT, sim_core::AccountId(1_000_000_000_000_002)] {
        there.insert(AnyId::from(resource_group::default_of(group)));
    }
    w.for_each_row_json(|table, row| {
        let row: serde_json::Value = serde_json::from_str(&row).unwrap();
        if let Some(id) = row.get("id").and_then(|id| id.as_str()?.parse::<AnyId>().ok()) {
            there.insert(id);
        }
        // A token answers with ids for a day, whatever became of the objects.
        if table != "tokens" {
            ids_in(&row, table, &mut named);
        }
    });
    for (table, field, id) in named {
        // Packets to an interface that is gone are dropped (reference: next-hop loss).
        let black_hole = (table, field.as_str()) == ("route_entries", "network_interface");
        // What a router interface says of its other end is what its owner said.
        let opposite =
            table == "router_interfaces" && ["router_interface", "vrouter"].contains(&field.as_str());
        assert!(
            there.contains(&id) || black_hole || opposite,
            "a row of {table} names {id} in {field}, which does not exist"
        );
    }
}

fn ids_in(value: &serde_json::Value, table: &'static str, out: &mut Vec<(&'static str, String, AnyId)>) {
    fn walk(
        v: &serde_json::Value,
        table: &'static str,
        field: &str,
        out: &mut Vec<(&'static str, String, AnyId)>,
    ) {
        match v {
            serde_json::Value::String(text) => {
                if let Ok(id) = text.parse() {
                    out.push((table, field.to_owned(), id));
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| walk(item, table, field, out)),
            serde_json::Value::Object(fields) => {
                fields.iter().for_each(|(name, v)| walk(v, table, name, out))
            }
            _ => {}
        }
    }
    walk(value, table, "", out);
}

/// Blocks lie where they should and apart from each other.
fn blocks(w: &World) {
    for vpc in w.table::<Vpc>().iter() {
        let all: Vec<_> = vpc.blocks().collect();
        assert!(vpc.original_block.contains(vpc.block), "{} outgrew {}", vpc.block, vpc.original_block);
        assert_apart(&all.iter().map(|&b| b.into()).collect::<Vec<_>>(), "blocks of a VPC");
        let vswitches: Vec<&VSwitch> = w.table::<VSwitch>().iter().filter(|s| s.vpc == vpc.id).collect();
        for s in &vswitches {
            assert_eq!(s.owner, vpc.owner);
            assert!(all.iter().any(|b| b.contains(s.block)), "{} lies outside its VPC", s.block);
            if let Some(v6) = s.ipv6 {
                assert!(vpc.ipv6.iter().any(|b| b.block.contains(v6)), "{v6} lies outside its VPC");
            }
            if let Some(table) = s.route_table {
                let table = w.get::<RouteTable>(&table).expect("a bound table exists");
                assert_eq!((table.vpc, table.kind), (vpc.id, RouteTableKind::Custom));
            }
        }
        assert_apart(&vswitches.iter().map(|s| s.block.into()).collect::<Vec<_>>(), "vSwitches");
        assert_apart(&vswitches.iter().filter_map(|s| Some(s.ipv6?.into())).collect::<Vec<_>>(), "vSwitches");
        let system = w.get::<RouteTable>(&vpc.system_table).expect("a VPC has a system table");
        assert_eq!((system.vpc, system.kind), (vpc.id, RouteTableKind::System));
    }
    for r in w.table::<CidrReservation>().iter() {
        let s = w.get::<VSwitch>(&r.vswitch).expect("a reservation lies in a vSwitch");
        let inside =
            Cidr::from(s.block).contains(r.block) || s.ipv6.is_some_and(|b| Cidr::from(b).contains(r.block));
        assert!(inside && r.vpc == s.vpc && r.owner == s.owner, "{} lies outside {:?}", r.block, s);
    }
}

#[track_caller]
fn assert_apart(blocks: &[Cidr], what: &str) {
    for (at, a) in blocks.iter().enumerate() {
        for b in &blocks[at + 1..] {
            assert!(!a.overlaps(*b), "{what} overlap: {a} and {b}");
        }
    }
}

/// Every address of every vSwitch is free, the system's, reserved or somebody's: none is lost and none is given twice.
fn addresses(w: &World) {
    let mut held: BTreeMap<VSwitchId, Vec<(Cidr, AnyId)>> = BTreeMap::new();
    for eni in w.table::<Eni>().iter() {
        let list = held.entry(eni.vswitch).or_default();
        list.extend(eni.ipv4().map(|a| (Cidr::host(a.into()), eni.id.into())));
        list.extend(eni.ipv4_prefixes.iter().map(|p| (Cidr::from(*p), eni.id.into())));
        list.extend(eni.ipv6.iter().map(|a| (Cidr::host((*a).into()), eni.id.into())));
        list.extend(eni.ipv6_prefixes.iter().map(|p| (Cidr::from(*p), eni.id.into())));
    }
    for g in w.table::<NatGateway>().iter() {
        held.entry(g.vswitch).or_default().push((Cidr::host(g.address.into()), g.id.into()));
    }
    for vip in w.table::<HaVip>().iter() {
        held.entry(vip.vswitch).or_default().push((Cidr::host(vip.address.into()), vip.id.into()));
    }
    for r in w.table::<Resident>().iter() {
        held.entry(r.vswitch).or_default().push((Cidr::host(r.address.into()), r.id.into()));
    }
    for b in w.table::<LoadBalancer>().iter() {
        if let (Some(home), Some(address)) = (b.home, b.private_address()) {
            held.entry(home.vswitch).or_default().push((Cidr::host(address.into()), b.id.into()));
        }
    }
    for s in w.table::<VSwitch>().iter() {
        let held = held.remove(&s.id).unwrap_or_default();
        let (v4, v6): (Vec<_>, Vec<_>) = held.into_iter().partition(|(block, _)| block.is_v4());
        assert_apart(&v4.iter().map(|(b, _)| *b).collect::<Vec<_>>(), "addresses");
        assert_apart(&v6.iter().map(|(b, _)| *b).collect::<Vec<_>>(), "addresses");
        let pool = &w.indexes().vswitches.pools[&s.id];
        let reservations: Vec<Cidr> =
            w.table::<CidrReservation>().iter().filter(|r| r.vswitch == s.id).map(|r| r.block).collect();
        assert_apart(&reservations, "reservations");
        let system: Vec<Cidr> =
            reserved::reserved_addresses(s.block).into_iter().map(|a| Cidr::host(a.into())).collect();
        let mut taken = system.iter().map(|b| b.size()).sum::<u128>();
        for (block, id) in &v4 {
            assert!(Cidr::from(s.block).contains(*block), "{id} holds {block} outside {}", s.block);
            assert!(!system.iter().any(|kept| kept.overlaps(*block)), "{id} holds {block} of the system");
            let in_reservation = reservations.iter().any(|r| r.contains(*block));
            assert!(!in_reservation || block.prefix_len() == 28, "{id} holds the reserved {block}");
            if !in_reservation {
                assert!(
                    !reservations.iter().any(|r| r.overlaps(*block)),
                    "{block} lies half in a reservation"
                );
                taken += block.size();
            }
            let IpAddr::V4(first) = block.first() else { unreachable!() };
            assert!(!pool.is_free(first), "{block} is {id}'s and free");
        }
        taken += reservations.iter().filter(|r| r.is_v4()).map(|r| r.size()).sum::<u128>();
        assert_eq!(u128::from(pool.free_count()), s.block.size() - taken, "free addresses of {}", s.block);
        if let Some(next) = pool.next_free() {
            let next = Cidr::host(next.into());
            assert!(
                !v4.iter().any(|(b, _)| b.overlaps(next)) && !reservations.iter().any(|r| r.overlaps(next))
            );
        }
        let kept: Vec<Ipv4Addr> = reserved::reserved_addresses(s.block);
        assert!(kept.iter().all(|a| !pool.is_free(*a)));
        for (block, id) in &v6 {
            let whole = Cidr::from(s.ipv6.expect("who holds IPv6 addresses has an IPv6 vSwitch"));
            assert!(whole.contains(*block), "{id} holds {block} outside {whole}");
            let reservation = reservations.iter().find(|r| r.overlaps(*block));
            let serves = reservation.is_none_or(|r| r.contains(*block) && block.prefix_len() == 80);
            assert!(serves, "{id} holds the reserved {block}");
        }
        let pool6 = w.indexes().enis.pools6.get(&s.id);
        let users = v6.len() + reservations.iter().filter(|r| !r.is_v4()).count();
        assert_eq!(pool6.map_or(0, |p| p.taken), users as u64, "taken IPv6 addresses of {}", s.id);
    }
    assert!(held.is_empty(), "interfaces without a vSwitch: {held:?}");
}

fn interfaces(w: &World) {
    let mut macs = BTreeSet::new();
    for eni in w.table::<Eni>().iter() {
        assert!(macs.insert(eni.mac), "two interfaces have the MAC address {}", eni.mac_text());
        let vswitch = w.get::<VSwitch>(&eni.vswitch).expect("an interface lies in a vSwitch");
        assert_eq!((eni.vpc, &eni.owner), (vswitch.vpc, &vswitch.owner));
        let groups: Vec<&SecurityGroup> =
            eni.groups.iter().map(|id| w.get::<SecurityGroup>(id).expect("a group exists")).collect();
        assert!(!groups.is_empty() && groups.len() == eni.groups.iter().collect::<BTreeSet<_>>().len());
        assert!(groups.iter().all(|g| g.vpc == eni.vpc && g.kind == groups[0].kind), "groups of {}", eni.id);
        let attached = !matches!(eni.status, EniStatus::Available | EniStatus::Deleting);
        assert_eq!(eni.instance.is_some(), attached, "{} is {}", eni.id, eni.status.text());
        if let Some(instance) = eni.instance {
            let instance = w.get::<Instance>(&instance).expect("an instance exists");
            assert_eq!((instance.vpc, &instance.zone), (eni.vpc, &vswitch.zone));
        }
    }
}

/// Instances, their primary interfaces and their disks come and go together; residents lie where they say.
fn hosts(w: &World) {
    let mut fixed = BTreeSet::new();
    for i in w.table::<Instance>().iter() {
        let eni = w.get::<Eni>(&i.primary_eni).expect("an instance has a primary interface");
        assert_eq!((eni.instance, eni.kind, eni.status), (Some(i.id), EniKind::Primary, EniStatus::InUse));
        assert_eq!((eni.vpc, eni.vswitch, &eni.owner), (i.vpc, i.vswitch, &i.owner));
        let disk = w.get::<Disk>(&i.system_disk).expect("an instance has a system disk");
        assert_eq!((disk.instance, &disk.owner, &disk.zone), (i.id, &i.owner, &i.zone));
        let settled = matches!(i.status, InstanceStatus::Running | InstanceStatus::Stopped);
        assert_eq!(i.transition.is_none(), settled, "{} is {}", i.id, i.status.text());
        assert!(i.transition.is_none_or(|t| t.at > w.now()), "{} is late", i.id);
        if let Some(public) = i.public {
            assert!(i.terms.bandwidth_out > 0, "{} has an address without bandwidth", i.id);
            assert!(eip_binding::of_instance(w, i.id).is_none(), "{} has two public addresses", i.id);
            let taken = |address| w.table::<Eip>().iter().any(|eip| eip.address == address);
            let own =
                public.address.is_none_or(|a| ADDRESSES.contains_address(a) && !taken(a) && fixed.insert(a));
            assert!(own && (public.address.is_some() || !public.in_force), "{} has {public:?}", i.id);
        }
        let enis = w.table::<Eni>().iter().filter(|e| e.instance == Some(i.id));
        let (own, members): (Vec<&Eni>, Vec<&Eni>) = enis.partition(|e| e.trunk.is_none());
        let limits = i.type_row();
        assert!(own.len() as u64 <= u64::from(limits.eni), "{} has {} interfaces", i.id, own.len());
        let places: BTreeSet<u16> = own.iter().map(|e| e.device_index).collect();
        assert_eq!(places.len(), own.len(), "two interfaces of {} have one place", i.id);
        assert!(members.len() as u64 <= u64::from(limits.eni_total.saturating_sub(limits.eni)));
        let of_trunk =
            |e: &&Eni| e.trunk.and_then(|id| w.get::<Eni>(&id)).is_some_and(|t| t.instance == Some(i.id));
        assert!(members.iter().all(of_trunk), "a member of {} hangs on another's trunk", i.id);
        assert!(own.iter().chain(&members).all(|e| e.ipv4_slots() <= u64::from(limits.ipv4_per_eni)));
    }
    let primary = w.table::<Eni>().iter().filter(|e| e.kind == EniKind::Primary).count();
    assert_eq!(
        (primary, w.table::<Disk>().len()),
        (w.table::<Instance>().len(), w.table::<Instance>().len())
    );
    for r in w.table::<Resident>().iter() {
        let vswitch = w.get::<VSwitch>(&r.vswitch).expect("a resident lies in a vSwitch");
        assert_eq!((r.vpc, &r.owner), (vswitch.vpc, &vswitch.owner));
        let groups: Vec<&SecurityGroup> =
            r.groups.iter().map(|id| w.get::<SecurityGroup>(id).expect("a group exists")).collect();
        assert!(!groups.is_empty() && groups.iter().all(|g| g.vpc == r.vpc && g.kind == groups[0].kind));
    }
}

fn groups(w: &World) {
    let mut specs = BTreeSet::new();
    for rule in w.table::<SecurityGroupRule>().iter() {
        let group = w.get::<SecurityGroup>(&rule.group).expect("a rule lies in a group");
        assert!(specs.insert((rule.group, rule.direction, rule.spec)), "a rule is there twice");
        match rule.spec.peer {
            Peer::Block(_) => {}
            Peer::Group(peer) => {
                let peer = w.get::<SecurityGroup>(&peer).expect("a peer exists");
                assert_eq!((peer.vpc, &peer.owner), (group.vpc, &group.owner));
            }
            Peer::List(list) => {
                assert_eq!(w.get::<PrefixList>(&list).expect("a list exists").owner, group.owner)
            }
        }
    }
    for acl in w.table::<AccessControlList>().iter() {
        let distinct: BTreeSet<_> = acl.entries.iter().map(|e| e.block).collect();
        assert!(
            distinct.len() == acl.entries.len() && distinct.iter().all(|block| acl.family.admits(*block))
        );
    }
    for list in w.table::<PrefixList>().iter() {
        let distinct: BTreeSet<_> = list.entries.iter().map(|e| e.cidr).collect();
        assert!(distinct.len() == list.entries.len() && list.entries.len() <= list.max_entries as usize);
    }
}

/// An address is nobody else's; what is bound stands for a private address of its own, in one mode for each interface.
fn eips(w: &World) {
    let (mut public, mut private, mut modes) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
    let mut balancers = BTreeSet::new();
    for eip in w.table::<Eip>().iter() {
        assert!(public.insert(eip.address) && ADDRESSES.contains_address(eip.address), "{}", eip.address);
        let moving = matches!(eip.status, EipStatus::Associating | EipStatus::Unassociating);
        assert_eq!(eip.settles.is_some(), moving, "{} is {}", eip.id, eip.status.text());
        assert!(eip.settles.is_none_or(|at| at > w.now()), "{} is late", eip.id);
        assert_eq!(eip.binding.is_none(), eip.status == EipStatus::Available, "{}", eip.id);
        let Some(Binding { target, mode }) = eip.binding else { continue };
        if let Target::Nat { gateway } = target {
            assert_eq!(w.get::<NatGateway>(&gateway).expect("a bound gateway exists").owner, eip.owner);
            continue;
        }
        if let Target::HaVip { ha_vip } = target {
            let vip = w.get::<HaVip>(&ha_vip).expect("a bound HaVip exists");
            assert_eq!((&vip.owner, vip.eip(w).map(|bound| bound.id)), (&eip.owner, Some(eip.id)));
            continue;
        }
        if let Target::LoadBalancer { load_balancer } = target {
            let balancer = w.get::<LoadBalancer>(&load_balancer).expect("a bound load balancer exists");
            assert!(balancer.private_address().is_some(), "{load_balancer} is an internet one");
            assert_eq!(balancer.owner, eip.owner);
            assert!(balancers.insert(load_balancer), "two addresses stand for {load_balancer}");
            continue;
        }
        let eni = w.get::<Eni>(&target.eni().expect("a target has an interface")).expect("it exists");
        assert_eq!(eni.owner, eip.owner);
        let address = target.private_address(w).expect("a bound address stands for a private one");
        assert!(eni.ipv4().any(|own| own == address), "{} stands for {address}", eip.id);
        assert!(private.insert((eni.id, address)), "two addresses stand for {address}");
        assert_eq!(*modes.entry(eni.id).or_insert(mode), mode, "two modes on {}", eni.id);
        let primary = matches!(target, Target::Instance { .. });
        assert_eq!(primary, eni.kind == EniKind::Primary);
        assert!(mode != Mode::Binded || eni.private_addresses() == 1, "{} has more addresses", eni.id);
    }
}

/// A HaVip is bound to interfaces of its vSwitch, each attached to an instance of its own.
fn ha_vips(w: &World) {
    for vip in w.table::<HaVip>().iter() {
        let vswitch = w.get::<VSwitch>(&vip.vswitch).expect("a HaVip lies in a vSwitch");
        assert_eq!((vip.vpc, &vip.owner), (vswitch.vpc, &vswitch.owner));
        let moving = !matches!(vip.status, HaVipStatus::Available | HaVipStatus::InUse);
        assert_eq!(vip.settles.is_some(), moving, "{} is {}", vip.id, vip.status.text());
        assert!(vip.settles.is_none_or(|at| at > w.now()), "{} is late", vip.id);
        if !moving {
            assert_eq!(vip.bound.is_empty(), vip.status == HaVipStatus::Available, "{}", vip.id);
        }
        let bound = vip.bound.iter().map(|id| w.get::<Eni>(id).expect("a bound interface exists"));
        let mut instances = BTreeSet::new();
        for eni in bound {
            assert_eq!((eni.vswitch, &eni.owner), (vip.vswitch, &vip.owner));
            assert!(instances.insert(eni.instance.expect("it is attached")), "{} is twice there", vip.id);
            assert!(vip.bind_type == BindType::NetworkInterface || eni.kind == EniKind::Primary);
        }
    }
}

/// What is on a schedule is still to come, and what was to begin has begun.
fn schedules(w: &World) {
    for told in w.table::<ServicePort>().iter() {
        let times = || told.planned.iter().map(|planned| planned.at);
        assert!(times().is_sorted() && times().all(|at| at > w.now()), "{told:?} at {}", w.now());
    }
    for outage in w.table::<Outage>().iter() {
        assert_eq!(outage.active, outage.from <= w.now(), "{outage:?} at {}", w.now());
        assert!(outage.until.is_none_or(|until| until > w.now()), "{outage:?} at {}", w.now());
        assert!(outage.since <= outage.from && (outage.active || outage.since == outage.from), "{outage:?}");
    }
}

fn in_vpc(w: &World, vpc: VpcId, block: Cidr4) -> bool {
    w.get::<Vpc>(&vpc).expect("a VPC outlives its gateways").blocks().any(|own| own.contains(block))
}

/// An SNAT entry uses addresses that are bound to its gateway, and a source has one entry.
fn nat(w: &World) {
    let mut sources = BTreeSet::new();
    for entry in w.table::<SnatEntry>().iter() {
        let gateway = w.get::<NatGateway>(&entry.gateway).expect("a gateway outlives its entries");
        assert_eq!((&gateway.owner, gateway.status), (&entry.owner, NatStatus::Available));
        let block = entry.source.block(w).expect("a source outlives its entry");
        assert!(sources.insert((entry.gateway, block)), "{block} has two entries");
        assert!(in_vpc(w, gateway.vpc, block), "{block} is a source outside {}", gateway.vpc);
        assert!(!entry.eips.is_empty(), "{} has no address", entry.id);
        for eip in &entry.eips {
            let target = w.get::<Eip>(eip).and_then(|eip| eip.binding).map(|b| b.target);
            assert_eq!(target, Some(Target::Nat { gateway: entry.gateway }), "{} uses {eip}", entry.id);
        }
    }
    forwards(w);
    for gateway in w.table::<NatGateway>().iter() {
        let vswitch = w.get::<VSwitch>(&gateway.vswitch).expect("a vSwitch outlives its gateways");
        assert_eq!((vswitch.vpc, &vswitch.owner), (gateway.vpc, &gateway.owner));
        assert_eq!(gateway.settles.is_none(), gateway.status == NatStatus::Available);
    }
}

/// A VPC has one gateway of a family, and bandwidth is of an address that its interface holds where the gateway is.
fn gateways(w: &World) {
    let mut vpcs = BTreeSet::new();
    for g in w.table::<Ipv4Gateway>().iter() {
        assert!(vpcs.insert((4, g.vpc)), "{} has two", g.vpc);
        assert_eq!(w.get::<Vpc>(&g.vpc).expect("a VPC outlives its gateways").owner, g.owner);
        assert_eq!(g.settles.is_none(), g.status == GatewayStatus::Created);
        if let Some(table) = g.route_table {
            let table = w.get::<RouteTable>(&table).expect("a bound table exists");
            assert_eq!((table.vpc, table.associate_type), (g.vpc, AssociateType::Gateway));
            assert!(g.enabled);
        }
    }
    for g in w.table::<Ipv6Gateway>().iter() {
        assert!(vpcs.insert((6, g.vpc)), "{} has two", g.vpc);
        let vpc = w.get::<Vpc>(&g.vpc).expect("a VPC outlives its gateways");
        assert!(vpc.owner == g.owner && !vpc.ipv6.is_empty());
        assert_eq!(g.settles.is_none(), g.status == Ipv6GatewayStatus::Available);
    }
    for b in w.table::<Ipv6Bandwidth>().iter() {
        let gateway = w.get::<Ipv6Gateway>(&b.gateway).expect("a gateway outlives its bandwidths");
        let eni = w.get::<Eni>(&b.eni).expect("an interface outlives its bandwidths");
        assert!(eni.ipv6.contains(&b.address) && eni.vpc == gateway.vpc && eni.owner == b.owner);
    }
    let mut ruled = BTreeSet::new();
    for r in w.table::<Ipv6EgressRule>().iter() {
        let gateway = w.get::<Ipv6Gateway>(&r.gateway).expect("a gateway outlives its egress-only rules");
        let eni = w.get::<Eni>(&r.eni).expect("an interface outlives its egress-only rules");
        assert!(eni.ipv6.contains(&r.address) && eni.vpc == gateway.vpc && eni.owner == r.owner);
        assert!(ruled.insert(r.address), "{} has two rules", r.address);
        assert_eq!(r.settles.is_none(), r.status == EgressRuleStatus::Available);
    }
}

/// A DNAT entry uses an address of its gateway, shares no port with another, and no address with an SNAT entry unless it may.
fn forwards(w: &World) {
    let (mut outside, mut inside) = (BTreeSet::new(), BTreeSet::new());
    for entry in w.table::<ForwardEntry>().iter() {
        let gateway = w.get::<NatGateway>(&entry.gateway).expect("a gateway outlives its entries");
        assert_eq!((&gateway.owner, gateway.vpc), (&entry.owner, entry.vpc));
        let target = w.get::<Eip>(&entry.eip).and_then(|eip| eip.binding).map(|b| b.target);
        assert_eq!(target, Some(Target::Nat { gateway: entry.gateway }), "{} uses another's", entry.id);
        assert!(in_vpc(w, entry.vpc, Cidr4::host(entry.address)), "{} leads outside", entry.id);
        let protocols: &[u8] = match entry.protocol {
            ForwardProtocol::Tcp => &[6],
            ForwardProtocol::Udp => &[17],
            ForwardProtocol::Any => &[1, 6, 17],
        };
        let ports = |ports: Ports| ports.map_or(0..=u16::MAX, |p| p.first..=p.last);
        let (external, internal) = (ports(entry.external), ports(entry.internal));
        assert_eq!(external.len(), internal.len(), "{}", entry.id);
        for &protocol in protocols {
            let own = external.clone().filter(|port| *port == 0 || *port > 70).take(40);
            for port in own {
                assert!(outside.insert((entry.eip, protocol, port)), "{} takes {port} too", entry.id);
            }
            for port in internal.clone().filter(|port| *port == 0 || *port > 70).take(40) {
                let key = (entry.gateway, entry.address, protocol, port);
                assert!(inside.insert(key), "{} leads to {port} too", entry.id);
            }
        }
        let kept = entry.external.is_some_and(|p| p.last <= 1024 || entry.port_break);
        let shared = w.table::<SnatEntry>().iter().any(|snat| snat.eips.contains(&entry.eip));
        assert!(kept || !shared, "{} shares its address", entry.id);
    }
}

/// An ACL and its vSwitches share a VPC, only an ACL in transition has bindings in transition, and rules are told apart.
fn acls(w: &World) {
    for acl in w.table::<NetworkAcl>().iter() {
        assert_eq!(acl.owner, w.get::<Vpc>(&acl.vpc).expect("an ACL lies in a VPC").owner);
        for direction in [Direction::Ingress, Direction::Egress] {
            let numbers: BTreeSet<u32> = acl.custom(direction).iter().map(|rule| rule.number).collect();
            assert_eq!(numbers.len(), acl.custom(direction).len(), "rules of {}", acl.id);
            assert!(numbers.iter().all(|&number| number > 15 && number <= acl.last_rule));
        }
    }
    for binding in w.table::<NetworkAclBinding>().iter() {
        let acl = w.get::<NetworkAcl>(&binding.acl).expect("a bound ACL exists");
        let vswitch = w.get::<VSwitch>(&binding.vswitch).expect("a bound vSwitch exists");
        assert_eq!(acl.vpc, vswitch.vpc);
        let settled = binding.status == BindingStatus::Binded;
        assert!(settled || acl.status == AclStatus::Modifying, "{binding:?} of an ACL that is ready");
    }
}

/// Destinations are unique in a table, lie in no vSwitch, and the lookup finds the narrowest one in force.
fn routes(w: &World) {
    for table in w.table::<RouteTable>().iter() {
        let entries: Vec<RouteEntry> = route_entry::of_table(w, table, None).collect();
        let destinations: BTreeSet<Cidr> = entries.iter().map(|e| e.destination).collect();
        assert_eq!(destinations.len(), entries.len(), "destinations of {}", table.id);
        for entry in &entries {
            assert_eq!(route_entry::in_table(w, table, entry.id).as_ref(), Some(entry));
            assert_eq!((entry.table, entry.vpc), (table.id, table.vpc));
        }
        let stored: Vec<&RouteEntry> =
            w.table::<RouteEntry>().iter().filter(|e| e.table == table.id).collect();
        for entry in stored {
            let shown = entries.iter().any(|e| e == entry);
            assert!(shown, "{} is stored and not in its table: {entry:?}", entry.id);
        }
        let edges = entries.iter().flat_map(|e| [e.destination.first(), e.destination.last()]);
        for address in edges.chain(["8.8.8.8".parse().unwrap(), "10.0.0.9".parse().unwrap()]) {
            let fits = entries.iter().filter(|e| e.status != EntryStatus::Pending);
            let best = fits
                .filter(|e| e.destination.contains_address(address))
                .max_by_key(|e| e.destination.prefix_len());
            let found = route_table::lookup(w, table, address);
            assert_eq!(found.as_ref(), best, "the route to {address} in {}", table.id);
        }
    }
}
