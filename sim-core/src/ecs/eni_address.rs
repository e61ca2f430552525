//! The addresses of a network interface: how they are chosen, counted, given and taken back.
//!
//! A list or a count, never both (provider documentation: CreateNetworkInterface, AssignPrivateIpAddresses). An
//! interface that is Available holds up to 49 secondary IPv4 addresses and 10 IPv6 addresses; one in use as many
//! as its instance type allows. A prefix (IPv4 /28, IPv6 /80) takes the slot of one address.

use crate::access::Caller;
use crate::cidr::{AddressPool, AddressPool6, Cidr4, Cidr6, PREFIX_LEN_IPV4, PREFIX_LEN_IPV6, PoolError};
use crate::command::Reply;
use crate::ecs::eni::{Eni, EniIndex, EniKind, EniStatus, TakenIpv6, count};
pub use crate::ecs::eni_wanted::{
    AVAILABLE_IPV4, AVAILABLE_IPV6, Call, LISTED_AT_CREATE, LISTED_PER_CALL, PER_CALL, Want, Wanted,
    parse_prefix, parse4, parse6,
};
use crate::ecs::instance::{Instance, InstanceStatus, TypeLimits};
use crate::ecs::membership::{addresses_of, check_membership};
use crate::error::{ErrorCode, ErrorKind, Outcome, Refusal};
use crate::id::{EniId, VSwitchId, VpcId};
use crate::quota::Quota;
use crate::vpc::eip_binding;
use crate::vpc::vswitch::VSwitch;
use crate::world::{Indexes, World};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which primary address is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primary {
    /// None: the interface has one.
    Present,
    /// The lowest free one.
    Lowest,
    /// This one.
    Given(Ipv4Addr),
}

/// Addresses that are free in a vSwitch and wanted by an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The primary address, if one was wanted.
    pub primary: Option<Ipv4Addr>,
    /// Secondary IPv4 addresses.
    pub ipv4: Vec<Ipv4Addr>,
    /// IPv4 prefixes.
    pub ipv4_prefixes: Vec<Cidr4>,
    /// IPv6 addresses.
    pub ipv6: Vec<Ipv6Addr>,
    /// IPv6 prefixes.
    pub ipv6_prefixes: Vec<Cidr6>,
}

/// Chooses addresses of a vSwitch and changes nothing: given ones first, then the lowest free ones.
///
/// # Errors
/// [`ErrorCode::AddressOutside`], [`ErrorCode::AddressReserved`], [`ErrorCode::AddressInUse`],
/// [`ErrorCode::EniPrefixInUse`], [`ErrorCode::EniVSwitchIpv6Disabled`], [`ErrorCode::AddressExhausted`],
/// [`ErrorCode::EniPrefixExhausted`].
pub fn choose(w: &World, vswitch: &VSwitch, primary: Primary, wanted: &Wanted) -> Outcome<Chosen> {
    let mut chosen = Chosen::default();
    choose4(w, vswitch, primary, wanted, &mut chosen)?;
    if wanted.wants_ipv6() {
        choose6(w, vswitch, wanted, &mut chosen)?;
    }
    Ok(chosen)
}

fn choose4(
    w: &World,
    vswitch: &VSwitch,
    primary: Primary,
    wanted: &Wanted,
    chosen: &mut Chosen,
) -> Outcome<()> {
    let pool = w.indexes().vswitches.pools.get(&vswitch.id).expect("every vSwitch has a pool");
    let alone = wanted.ipv4.is_empty() && wanted.ipv4_prefixes.is_empty();
    if primary == Primary::Lowest && alone {
        // The common case needs no copy of the pool.
        let free = pool.next_free().ok_or_else(|| refusal4(w, vswitch, "vswitch_id", &exhausted(pool)))?;
        chosen.primary = Some(free);
        return Ok(());
    }
    if primary == Primary::Present && alone {
        return Ok(());
    }
    let mut pool = pool.clone();
    let refuse = |field: &'static str| move |e: PoolError| refusal4(w, vswitch, field, &e);
    if let Primary::Given(address) = primary {
        pool.take_address(address).map_err(refuse("primary_ip_address"))?;
        chosen.primary = Some(address);
    }
    if let Want::These(list) = &wanted.ipv4 {
        for &address in list {
            pool.take_address(address).map_err(refuse("private_ip_addresses"))?;
        }
        chosen.ipv4.clone_from(list);
    }
    if let Want::These(list) = &wanted.ipv4_prefixes {
        for &prefix in list {
            pool.take_prefix_block(prefix).map_err(refuse("ipv4_prefixes"))?;
        }
        chosen.ipv4_prefixes.clone_from(list);
    }
    if primary == Primary::Lowest {
        chosen.primary = Some(pool.take().map_err(refuse("vswitch_id"))?);
    }
    if let Want::Count(n) = wanted.ipv4 {
        chosen.ipv4 = (0..n).map(|_| pool.take()).collect::<Result<_, _>>().map_err(refuse("vswitch_id"))?;
    }
    if let Want::Count(n) = wanted.ipv4_prefixes {
        chosen.ipv4_prefixes =
            (0..n).map(|_| pool.take_prefix()).collect::<Result<_, _>>().map_err(refuse("vswitch_id"))?;
    }
    Ok(())
}

fn exhausted(pool: &AddressPool) -> PoolError {
    PoolError::Exhausted { block: pool.block().into() }
}

fn choose6(w: &World, vswitch: &VSwitch, wanted: &Wanted, chosen: &mut Chosen) -> Outcome<()> {
    let Some(block) = vswitch.ipv6 else {
        return Err(Refusal::new(ErrorCode::EniVSwitchIpv6Disabled)
            .field("vswitch_id")
            .detail(format!("{} has no IPv6 block.", vswitch.id))
            .accepted("a vSwitch with IPv6 enabled"));
    };
    let taken = w.indexes().enis.pools6.get(&vswitch.id);
    let mut pool = taken.map_or_else(|| fresh6(block), |taken| taken.pool.clone());
    let refuse = |field: &'static str| move |e: PoolError| refusal6(w, field, &e);
    if let Want::These(list) = &wanted.ipv6 {
        for &address in list {
            pool.take_address(address).map_err(refuse("ipv6_addresses"))?;
        }
        chosen.ipv6.clone_from(list);
    }
    if let Want::These(list) = &wanted.ipv6_prefixes {
        for &prefix in list {
            pool.take_prefix_block(prefix).map_err(refuse("ipv6_prefixes"))?;
        }
        chosen.ipv6_prefixes.clone_from(list);
    }
    if let Want::Count(n) = wanted.ipv6 {
        chosen.ipv6 = (0..n).map(|_| pool.take()).collect::<Result<_, _>>().map_err(refuse("vswitch_id"))?;
    }
    if let Want::Count(n) = wanted.ipv6_prefixes {
        chosen.ipv6_prefixes =
            (0..n).map(|_| pool.take_prefix()).collect::<Result<_, _>>().map_err(refuse("vswitch_id"))?;
    }
    Ok(())
}

fn fresh6(block: Cidr6) -> AddressPool6 {
    AddressPool6::new(block).expect("the IPv6 block of a vSwitch is a /64")
}

/// Says why an IPv4 address or prefix was refused, who holds it, and which address would pass.
pub(crate) fn refusal4(w: &World, vswitch: &VSwitch, field: &'static str, e: &PoolError) -> Refusal {
    let refusal = refusal_of(field, e);
    let refusal = match e {
        PoolError::Taken { what } => match what.first() {
            std::net::IpAddr::V4(address) => {
                let (ix, holder) = (w.indexes(), (vswitch.vpc, address));
                refusal
                    .blockers(ix.enis.by_address.get(&holder).copied())
                    .blockers(ix.residents.by_address.get(&holder).copied())
                    .blockers(ix.load_balancers.by_address.get(&holder).copied())
            }
            std::net::IpAddr::V6(_) => refusal,
        },
        _ => refusal,
    };
    let pool = w.indexes().vswitches.pools.get(&vswitch.id);
    match pool.and_then(AddressPool::next_free) {
        Some(free) if !matches!(refusal.code().kind(), ErrorKind::Exhausted) && field != "ipv4_prefixes" => {
            refusal.accepted(free.to_string())
        }
        _ => refusal,
    }
}

fn refusal6(w: &World, field: &'static str, e: &PoolError) -> Refusal {
    let refusal = refusal_of(field, e);
    match e {
        PoolError::Taken { what } => match what.first() {
            std::net::IpAddr::V6(address) => {
                refusal.blockers(w.indexes().enis.by_ipv6.get(&address).copied())
            }
            std::net::IpAddr::V4(_) => refusal,
        },
        _ => refusal,
    }
}

fn refusal_of(field: &'static str, e: &PoolError) -> Refusal {
    let prefix = field.ends_with("prefixes");
    let code = match e {
        PoolError::Exhausted { .. } => ErrorCode::AddressExhausted,
        PoolError::NoPrefix { .. } => ErrorCode::EniPrefixExhausted,
        PoolError::Outside { .. } => ErrorCode::AddressOutside,
        PoolError::System { .. } => ErrorCode::AddressReserved,
        PoolError::PartLength { .. } | PoolError::Length { .. } => ErrorCode::EniPrefixMask,
        _ if prefix => ErrorCode::EniPrefixInUse,
        _ => ErrorCode::AddressInUse,
    };
    Refusal::new(code).field(field).detail(format!("{e}."))
}

/// Checks quotas between conflicts and lack of room, which is reported last.
///
/// # Errors
/// What `chosen` or `quotas` says.
pub(crate) fn room_last(chosen: Outcome<Chosen>, quotas: impl FnOnce() -> Outcome<()>) -> Outcome<Chosen> {
    match chosen {
        Err(refusal) if refusal.code().kind() != ErrorKind::Exhausted => Err(refusal),
        other => {
            quotas()?;
            other
        }
    }
}

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
/// [`ErrorCode::EniTypeIpv4Exceeded`], [`ErrorCode::EniTypeIpv6Exceeded`].
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
/// reserved or in use; more than it can hold; the quota; no free address or prefix.
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
    let chosen = choose(w, vswitch, Primary::Present, &c.wanted);
    let chosen = room_last(chosen, || {
        // Only the family that grows: the other may have been filled while a larger type allowed it.
        let grown = |slots: u64, more: u64| if more == 0 { 0 } else { slots + more };
        let ipv4 = grown(eni.ipv4_slots(), c.wanted.ipv4.len() + c.wanted.ipv4_prefixes.len());
        let ipv6 = grown(eni.ipv6_slots(), c.wanted.ipv6.len() + c.wanted.ipv6_prefixes.len());
        check_slots(w, eni, ipv4, ipv6)?;
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

/// A vSwitch without IPv6 addresses in use has no pool: it may lose its IPv6 block and get another.
fn drop_if_empty(ix: &mut EniIndex, vswitch: VSwitchId) {
    if ix.pools6.get(&vswitch).is_some_and(|t| t.taken == 0) {
        ix.pools6.remove(&vswitch);
    }
}
