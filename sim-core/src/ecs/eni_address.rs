//! The addresses of a network interface: how they are chosen, counted, given and taken back.
//!
//! A list or a count, never both (provider documentation: CreateNetworkInterface, AssignPrivateIpAddresses). An
//! interface that is Available holds up to 49 secondary IPv4 addresses and 10 IPv6 addresses; one in use as many
//! as its instance type allows. A prefix (IPv4 /28, IPv6 /80) takes the slot of one address.

use crate::access::Caller;
use crate::cidr::{Cidr4, Cidr6, PREFIX_LEN_IPV4, PREFIX_LEN_IPV6};
use crate::command::Reply;
use crate::ecs::eni::{Eni, EniIndex, EniKind, EniStatus, TakenIpv6, TrafficMode, count};
pub(crate) use crate::ecs::eni_choice::room_last;
pub use crate::ecs::eni_choice::{Chosen, Primary, choose};
use crate::ecs::eni_choice::{drop_if_empty, fresh6};
pub use crate::ecs::eni_wanted::{
    AVAILABLE_IPV4, AVAILABLE_IPV6, Call, LISTED_AT_CREATE, LISTED_PER_CALL, PER_CALL, Want, Wanted,
    in_addresses, parse_prefix, parse4, parse6,
};
use crate::ecs::instance::{Instance, InstanceStatus, TypeLimits};
use crate::ecs::membership::{addresses_of, check_membership};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{EniId, RouteEntryId, VpcId};
use crate::quota::Quota;
use crate::vpc::route_entry::{self, RouteEntry};
use crate::vpc::vswitch::VSwitch;
use crate::vpc::{eip_binding, ipv6_bandwidth, ipv6_egress_rule};
use crate::world::{Indexes, World};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Checks the quota of private addresses in a VPC.
///
/// # Errors
/// [`ErrorCode::AddressQuotaExceeded`].
pub(crate) fn check_vpc_quota(w: &World, caller: &Caller, vpc: VpcId, more: u64) -> Outcome<()> {
    if more == 0 {
        return Ok(());
    }
    let used = w.indexes().enis.addresses_in_vpc.get(&vpc).copied().unwrap_or(0);
    Quota::PrivateIpsPerVpc.check(w, caller.account, used, more, ErrorCode::AddressQuotaExceeded)
}

/// How many slots an interface has for addresses: those of its instance's type, or those of an Available one.
///
/// # Errors
/// The code for too many addresses differs with what limits them.
pub(crate) fn check_slots(w: &World, eni: &Eni, ipv4: u64, ipv6: u64) -> Outcome<()> {
    let instance = eni.instance.and_then(|id| w.get::<Instance>(&id));
    let Some(instance) = instance else {
        let most4 = AVAILABLE_IPV4 + 1;
        check_slot(
            ErrorCode::EniAvailableIpv4Exceeded,
            "private_ip_addresses",
            ipv4,
            most4,
            "an Available interface",
        )?;
        return check_slot(
            ErrorCode::EniAvailableIpv6Exceeded,
            "ipv6_addresses",
            ipv6,
            AVAILABLE_IPV6,
            "an Available interface",
        );
    };
    check_type_slots(&instance.instance_type, ipv4, ipv6)
}

/// Checks that an interface with so many addresses fits an instance type.
///
/// # Errors
/// [`ErrorCode::EniTypeIpv4Exceeded`], [`ErrorCode::EniTypeNoIpv6`], [`ErrorCode::EniTypeIpv6Exceeded`].
pub(crate) fn check_type_slots(instance_type: &str, ipv4: u64, ipv6: u64) -> Outcome<()> {
    let kind = TypeLimits::of(instance_type);
    let holder = format!("an interface of {instance_type}");
    check_slot(
        ErrorCode::EniTypeIpv4Exceeded,
        "private_ip_addresses",
        ipv4,
        kind.ipv4_per_eni.into(),
        &holder,
    )?;
    if ipv6 > 0 && kind.ipv6_per_eni == 0 {
        return Err(Refusal::new(ErrorCode::EniTypeNoIpv6)
            .field("ipv6_addresses")
            .detail(format!("{ipv6} were wanted for {holder}.")));
    }
    check_slot(ErrorCode::EniTypeIpv6Exceeded, "ipv6_addresses", ipv6, kind.ipv6_per_eni.into(), &holder)
}

fn check_slot(code: ErrorCode, field: &str, wanted: u64, most: u64, holder: &str) -> Outcome<()> {
    if wanted <= most {
        return Ok(());
    }
    let detail =
        format!("It would have {wanted}, prefixes counted as one each; {holder} has at most {most}.");
    Err(Refusal::new(code).field(field).detail(detail).accepted(format!("at most {most} in all")))
}

/// An interface of the traffic mode HighPerformance has no IPv6 (published codes of CreateNetworkInterface).
///
/// # Errors
/// [`ErrorCode::EniTrafficModeIpv6`].
pub(crate) fn check_traffic_mode(mode: TrafficMode, ipv6: u64, field: &str) -> Outcome<()> {
    if mode == TrafficMode::HighPerformance && ipv6 > 0 {
        return Err(Refusal::new(ErrorCode::EniTrafficModeIpv6)
            .field(field)
            .detail(format!("{ipv6} IPv6 addresses or prefixes were wanted or are held."))
            .accepted("the traffic mode Standard, or no IPv6"));
    }
    Ok(())
}

/// An interface to which an IPv6 route leads keeps its one IPv6 address, so that the route leads to that.
fn check_ipv6_routes(w: &World, eni: &Eni, more: u64) -> Outcome<()> {
    if more == 0 || eni.ipv6_slots() + more < 2 {
        return Ok(());
    }
    let entries = route_entry::next_hop_users(w, eni.id).into_iter();
    let leads = |id: &RouteEntryId| w.get::<RouteEntry>(id).is_some_and(|e| !e.destination.is_v4());
    let entries: Vec<RouteEntryId> = entries.filter(leads).collect();
    if entries.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::EniHasIpv6Route).field("network_interface_id").blockers(entries))
}

/// Refuses changes of addresses while interface or instance is in transition.
fn check_state(w: &World, eni: &Eni) -> Outcome<()> {
    if !matches!(eni.status, EniStatus::Available | EniStatus::InUse) {
        return Err(Refusal::new(ErrorCode::EniStatusIncorrect)
            .field("network_interface_id")
            .detail(format!("{} is {}.", eni.id, eni.status.text()))
            .accepted("an interface that is Available or InUse"));
    }
    let instance =
        eni.instance.filter(|_| eni.kind == EniKind::Primary).and_then(|id| w.get::<Instance>(&id));
    match instance {
        Some(i) if !matches!(i.status, InstanceStatus::Running | InstanceStatus::Stopped) => {
            Err(Refusal::new(ErrorCode::EniInstanceStatusIncorrect)
                .field("network_interface_id")
                .detail(format!("{} is {}.", i.id, i.status.text()))
                .accepted("an instance that is Running or Stopped"))
        }
        _ => Ok(()),
    }
}

/// Gives an interface more addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignAddresses {
    /// The interface.
    pub eni: EniId,
    /// The addresses.
    pub wanted: Wanted,
}

/// Handles [`AssignAddresses`].
///
/// # Errors
/// The form of the wanted addresses, or none at all; an unknown interface; its state; addresses that are outside,
/// reserved or in use; IPv6 that its traffic mode or a route to it excludes; more than it can hold; the quota; no free
/// address or prefix.
pub fn assign(w: &mut World, caller: &Caller, c: &AssignAddresses) -> Outcome<Reply> {
    c.wanted.check_form(Call::Assign)?;
    if c.wanted.addresses() == 0 {
        return Err(Refusal::new(ErrorCode::MissingParameter)
            .field("private_ip_addresses")
            .detail("No address was wanted.")
            .accepted("a list of addresses or prefixes, or a count"));
    }
    let eni = w.visible::<Eni>(caller, c.eni)?;
    let vswitch = w.visible::<VSwitch>(caller, eni.vswitch)?;
    check_state(w, eni)?;
    vswitch.check_available()?;
    check_cut_through(w, eni, &c.wanted)?;
    let (_, ipv6) = c.wanted.slots();
    check_traffic_mode(eni.traffic_mode, ipv6, "ipv6_addresses")
        .map_err(|refusal| c.wanted.counted(refusal))?;
    check_ipv6_routes(w, eni, ipv6)?;
    let chosen = choose(w, vswitch, Primary::Present, &c.wanted);
    let chosen = room_last(chosen, || {
        // Only the family that grows: the other may have been filled while a larger type allowed it.
        let grown = |slots: u64, more: u64| if more == 0 { 0 } else { slots + more };
        let ipv4 = grown(eni.ipv4_slots(), c.wanted.ipv4.len() + c.wanted.ipv4_prefixes.len());
        let ipv6 = grown(eni.ipv6_slots(), c.wanted.ipv6.len() + c.wanted.ipv6_prefixes.len());
        check_slots(w, eni, ipv4, ipv6).map_err(|refusal| c.wanted.counted(refusal))?;
        check_membership(
            w,
            caller,
            eni.vpc,
            &eni.groups,
            Some(eni),
            addresses_of(eni) + c.wanted.addresses(),
        )?;
        check_vpc_quota(w, caller, eni.vpc, c.wanted.private_addresses())
    })?;
    w.update::<Eni>(&c.eni, |eni| {
        eni.secondary_ips.extend(&chosen.ipv4);
        eni.ipv4_prefixes.extend(&chosen.ipv4_prefixes);
        eni.ipv6.extend(&chosen.ipv6);
        eni.ipv6_prefixes.extend(&chosen.ipv6_prefixes);
    });
    let Chosen { ipv4, ipv4_prefixes, ipv6, ipv6_prefixes, .. } = chosen;
    Ok(Reply::Addresses { eni: c.eni, ipv4, ipv4_prefixes, ipv6, ipv6_prefixes })
}

/// An interface in cut-through mode has its primary private address alone (provider documentation: AssociateEipAddress).
fn check_cut_through(w: &World, eni: &Eni, wanted: &Wanted) -> Outcome<()> {
    if wanted.private_addresses() == 0 || !eip_binding::is_cut_through(w, eni.id) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::EniCutThrough)
        .field("network_interface_id")
        .detail(format!("{} has an elastic IP address in mode BINDED.", eni.id))
        .blockers(eip_binding::of_eni(w, eni.id).map(|eip| eip.id)))
}

/// Takes addresses from an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnassignAddresses {
    /// The interface.
    pub eni: EniId,
    /// Secondary IPv4 addresses.
    pub ipv4: Vec<Ipv4Addr>,
    /// IPv4 prefixes.
    pub ipv4_prefixes: Vec<Cidr4>,
    /// IPv6 addresses.
    pub ipv6: Vec<Ipv6Addr>,
    /// IPv6 prefixes.
    pub ipv6_prefixes: Vec<Cidr6>,
}

/// Handles [`UnassignAddresses`].
///
/// # Errors
/// The form of the lists, or none at all; an unknown interface; its state; an address that it does not hold, or
/// its primary one.
pub fn unassign(w: &mut World, caller: &Caller, c: &UnassignAddresses) -> Outcome<Reply> {
    let these = Wanted {
        ipv4: Want::choose(c.ipv4.clone(), None, "private_ip_addresses")?,
        ipv4_prefixes: Want::choose(c.ipv4_prefixes.clone(), None, "ipv4_prefixes")?,
        ipv6: Want::choose(c.ipv6.clone(), None, "ipv6_addresses")?,
        ipv6_prefixes: Want::choose(c.ipv6_prefixes.clone(), None, "ipv6_prefixes")?,
    };
    these.check_form(Call::Assign)?;
    if these.addresses() == 0 {
        return Err(Refusal::new(ErrorCode::MissingParameter)
            .field("private_ip_addresses")
            .detail("No address was given.")
            .accepted("a list of secondary addresses or prefixes"));
    }
    let eni = w.visible::<Eni>(caller, c.eni)?;
    check_state(w, eni)?;
    if c.ipv4.contains(&eni.primary_ip) {
        return Err(unassigned(
            "private_ip_addresses",
            format!("{} is its primary address.", eni.primary_ip),
        ));
    }
    check_held("private_ip_addresses", &c.ipv4, &eni.secondary_ips)?;
    check_held("ipv4_prefixes", &c.ipv4_prefixes, &eni.ipv4_prefixes)?;
    check_held("ipv6_addresses", &c.ipv6, &eni.ipv6)?;
    check_held("ipv6_prefixes", &c.ipv6_prefixes, &eni.ipv6_prefixes)?;
    w.update::<Eni>(&c.eni, |eni| {
        eni.secondary_ips.retain(|a| !c.ipv4.contains(a));
        eni.ipv4_prefixes.retain(|p| !c.ipv4_prefixes.contains(p));
        eni.ipv6.retain(|a| !c.ipv6.contains(a));
        eni.ipv6_prefixes.retain(|p| !c.ipv6_prefixes.contains(p));
    });
    eip_binding::forget_lost_addresses(w, c.eni);
    ipv6_bandwidth::forget_lost(w, c.eni);
    ipv6_egress_rule::forget_lost(w, c.eni);
    Ok(Reply::Done)
}

fn check_held<T: PartialEq + ToString>(field: &str, wanted: &[T], held: &[T]) -> Outcome<()> {
    match wanted.iter().find(|a| !held.contains(a)) {
        None => Ok(()),
        Some(other) => Err(unassigned(field, format!("It does not hold {}.", other.to_string()))),
    }
}

fn unassigned(field: &str, detail: String) -> Refusal {
    Refusal::new(ErrorCode::EniAddressUnassigned).field(field).detail(detail)
}

/// Keeps pools, holders and counts true to the addresses of an interface.
pub(crate) fn reindex(indexes: &mut Indexes, old: Option<&Eni>, new: Option<&Eni>) {
    if let (Some(old), Some(new)) = (old, new)
        && old.vswitch == new.vswitch
        && old.primary_ip == new.primary_ip
        && old.secondary_ips == new.secondary_ips
        && old.ipv4_prefixes == new.ipv4_prefixes
        && old.ipv6 == new.ipv6
        && old.ipv6_prefixes == new.ipv6_prefixes
    {
        return;
    }
    // What stays is left alone; what goes is given back before what comes is taken.
    let same = |a: Option<&Eni>, b: &Eni| a.is_some_and(|a| a.vswitch == b.vswitch);
    if let Some(eni) = old {
        let kept = new.filter(|_| same(new, eni));
        change4(indexes, eni, kept, false);
        change6(&mut indexes.enis, eni, kept, false);
    }
    if let Some(eni) = new {
        let kept = old.filter(|_| same(old, eni));
        change4(indexes, eni, kept, true);
        change6(&mut indexes.enis, eni, kept, true);
    }
}

/// Takes or gives back the IPv4 addresses of `eni` that `kept` does not hold.
fn change4(indexes: &mut Indexes, eni: &Eni, kept: Option<&Eni>, take: bool) {
    let pool = indexes.vswitches.pools.get_mut(&eni.vswitch).expect("a vSwitch outlives its interfaces");
    let ix = &mut indexes.enis;
    let stays = |a: Ipv4Addr| kept.is_some_and(|k| k.primary_ip == a || k.secondary_ips.contains(&a));
    let mut changed = 0;
    for address in eni.ipv4().filter(|&a| !stays(a)) {
        let holder = (eni.vpc, address);
        if take {
            pool.take_address(address).expect("the address was checked to be free");
            ix.by_address.insert(holder, eni.id);
        } else {
            pool.give_back(address).expect("the address was taken");
            ix.by_address.remove(&holder);
        }
        changed += 1;
    }
    for &prefix in eni.ipv4_prefixes.iter().filter(|p| kept.is_none_or(|k| !k.ipv4_prefixes.contains(p))) {
        if take {
            pool.take_prefix_block(prefix).expect("the prefix was checked to be free");
            ix.by_prefix.insert((eni.vpc, prefix.first()), eni.id);
        } else {
            pool.give_back_prefix(prefix).expect("the prefix was taken");
            ix.by_prefix.remove(&(eni.vpc, prefix.first()));
        }
        changed += 16;
    }
    count(&mut ix.addresses_in_vpc, Some((&eni.vpc, changed)), take);
}

/// Takes or gives back the IPv6 addresses of `eni` that `kept` does not hold.
fn change6(ix: &mut EniIndex, eni: &Eni, kept: Option<&Eni>, take: bool) {
    let addresses: Cow<'_, [Ipv6Addr]> = match kept {
        None => Cow::Borrowed(&eni.ipv6),
        Some(k) => eni.ipv6.iter().copied().filter(|a| !k.ipv6.contains(a)).collect(),
    };
    let prefixes: Cow<'_, [Cidr6]> = match kept {
        None => Cow::Borrowed(&eni.ipv6_prefixes),
        Some(k) => eni.ipv6_prefixes.iter().copied().filter(|p| !k.ipv6_prefixes.contains(p)).collect(),
    };
    let first = addresses.first().copied().or_else(|| prefixes.first().map(|p| p.first()));
    let Some(first) = first else { return };
    let block = Cidr6::containing(first, 64).expect("64 is a mask");
    let taken = ix.pools6.entry(eni.vswitch).or_insert_with(|| TakenIpv6 { pool: fresh6(block), taken: 0 });
    for &address in addresses.iter() {
        if take {
            taken.pool.take_address(address).expect("the address was checked to be free");
            ix.by_ipv6.insert(address, eni.id);
        } else {
            taken.pool.give_back(address).expect("the address was taken");
            ix.by_ipv6.remove(&address);
        }
    }
    for &prefix in prefixes.iter() {
        if take {
            taken.pool.take_prefix_block(prefix).expect("the prefix was checked to be free");
            ix.by_prefix6.insert(prefix.first(), eni.id);
        } else {
            taken.pool.give_back_prefix(prefix).expect("the prefix was taken");
            ix.by_prefix6.remove(&prefix.first());
        }
    }
    let changed = addresses.len() as u64 + prefixes.len() as u64;
    taken.taken = if take { taken.taken + changed } else { taken.taken - changed };
    drop_if_empty(ix, eni.vswitch);
}

impl Eni {
    /// Whether it holds an address, by itself or in a prefix.
    #[inline]
    pub fn holds(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => {
                self.ipv4().any(|own| own == v4) || self.ipv4_prefixes.iter().any(|p| p.contains_address(v4))
            }
            IpAddr::V6(v6) => {
                self.ipv6.contains(&v6) || self.ipv6_prefixes.iter().any(|p| p.contains_address(v6))
            }
        }
    }
}

/// The interface of a VPC that holds an address, by itself or in a prefix.
pub fn holder(w: &World, vpc: VpcId, address: IpAddr) -> Option<&Eni> {
    match address {
        IpAddr::V4(v4) => {
            let ix = &w.indexes().enis;
            let id = ix.by_address.get(&(vpc, v4)).or_else(|| {
                let prefix = Cidr4::containing(v4, PREFIX_LEN_IPV4).expect("28 is a mask");
                ix.by_prefix.get(&(vpc, prefix.first()))
            });
            w.get::<Eni>(id?)
        }
        IpAddr::V6(v6) => holder6(w, v6).filter(|eni| eni.vpc == vpc),
    }
}

/// The interface of any VPC that holds an IPv6 address, by itself or in a prefix.
pub fn holder6(w: &World, address: Ipv6Addr) -> Option<&Eni> {
    let ix = &w.indexes().enis;
    let id = ix.by_ipv6.get(&address).or_else(|| {
        let prefix = Cidr6::containing(address, PREFIX_LEN_IPV6).expect("80 is a mask");
        ix.by_prefix6.get(&prefix.first())
    });
    w.get::<Eni>(id?)
}

/// The interfaces that hold one of these private IPv4 addresses: in one VPC, or in any of the caller's.
pub fn holders4(w: &World, caller: &Caller, vpc: Option<VpcId>, addresses: &[Ipv4Addr]) -> BTreeSet<EniId> {
    let (holders, own) = (&w.indexes().enis.by_address, caller.into());
    let vpcs = match vpc {
        Some(vpc) => vec![vpc],
        None => w.indexes().vpcs.by_owner.of(&own).copied().collect(),
    };
    let of = |&vpc: &VpcId| addresses.iter().filter_map(move |&a| holders.get(&(vpc, a)).copied());
    vpcs.iter().flat_map(of).collect()
}

/// The interfaces that hold one of these IPv6 addresses.
pub fn holders6(w: &World, addresses: &[Ipv6Addr]) -> BTreeSet<EniId> {
    addresses.iter().filter_map(|a| w.indexes().enis.by_ipv6.get(a).copied()).collect()
}
