//! Which addresses of a vSwitch an interface gets: those it names, if they are free, and the lowest free ones.

use crate::cidr::{AddressPool, AddressPool6, Cidr4, Cidr6, PoolError};
use crate::ecs::eni::{EniIndex, TakenIpv6};
use crate::ecs::eni_wanted::{Want, Wanted};
use crate::error::{ErrorCode, ErrorKind, Outcome, Refusal};
use crate::id::VSwitchId;
use crate::vpc::vswitch::VSwitch;
use crate::world::World;
use std::net::{Ipv4Addr, Ipv6Addr};

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
/// [`ErrorCode::AddressOutside`], [`ErrorCode::AddressReserved`], [`ErrorCode::AddressInUse`] and their counterparts
/// for IPv6, [`ErrorCode::EniPrefixInUse`], [`ErrorCode::EniPrefixUnreserved`], [`ErrorCode::EniVSwitchIpv6Disabled`],
/// [`ErrorCode::AddressExhausted`], [`ErrorCode::EniPrefixExhausted`].
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
            let reserved = pool.reservations();
            if !reserved.is_empty() && !reserved.iter().any(|block| block.contains(prefix)) {
                return Err(unreserved("ipv4_prefixes", &prefix, reserved));
            }
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
    let mut pool = pool6(w, vswitch.id, block);
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
            let reserved = pool.reservations();
            if !reserved.is_empty() && !reserved.iter().any(|block| block.contains(prefix)) {
                return Err(unreserved("ipv6_prefixes", &prefix, reserved));
            }
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

/// Where a vSwitch has reservations, its prefixes come from them (provider documentation: CreateVSwitchCidrReservation).
fn unreserved<B: ToString>(field: &str, prefix: &B, reserved: &[B]) -> Refusal {
    let reserved: Vec<String> = reserved.iter().map(ToString::to_string).collect();
    Refusal::new(ErrorCode::EniPrefixUnreserved)
        .field(field)
        .detail(format!("{} is not reserved.", prefix.to_string()))
        .accepted(format!("a free part of {}", reserved.join(" or ")))
}

pub(super) fn fresh6(block: Cidr6) -> AddressPool6 {
    AddressPool6::new(block).expect("the IPv6 block of a vSwitch is a /64")
}

/// What is taken and reserved of a vSwitch's IPv6 block.
pub(crate) fn pool6(w: &World, vswitch: VSwitchId, block: Cidr6) -> AddressPool6 {
    let taken = w.indexes().enis.pools6.get(&vswitch);
    taken.map_or_else(|| fresh6(block), |taken| taken.pool.clone())
}

/// Keeps a part of a vSwitch's IPv6 block for prefixes, or gives it back.
pub(crate) fn reserve6(ix: &mut EniIndex, vswitch: VSwitchId, part: Cidr6, reserve: bool) {
    let block = Cidr6::containing(part.first(), 64).expect("64 is a mask");
    let taken = ix.pools6.entry(vswitch).or_insert_with(|| TakenIpv6 { pool: fresh6(block), taken: 0 });
    if reserve {
        taken.pool.reserve(part).expect("the block was checked to be free");
        taken.taken += 1;
    } else {
        taken.pool.unreserve(part).expect("the block was reserved");
        taken.taken -= 1;
    }
    drop_if_empty(ix, vswitch);
}

/// Says why an IPv4 address or prefix was refused, who holds it, and which address would pass.
pub(crate) fn refusal4(w: &World, vswitch: &VSwitch, field: &'static str, e: &PoolError) -> Refusal {
    let refusal = refusal_of(field, e, ErrorCode::AddressOutside, ErrorCode::AddressInUse);
    let refusal = match e {
        PoolError::Taken { what } => match what.first() {
            std::net::IpAddr::V4(address) => {
                let (ix, holder) = (w.indexes(), (vswitch.vpc, address));
                refusal
                    .blockers(ix.enis.by_address.get(&holder).copied())
                    .blockers(ix.residents.by_address.get(&holder).copied())
                    .blockers(ix.load_balancers.by_address.get(&holder).copied())
                    .blockers(ix.ha_vips.by_address.get(&holder).copied())
                    .blockers(ix.nat_gateways.by_address.get(&holder).copied())
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
    let refusal = refusal_of(field, e, ErrorCode::Ipv6AddressOutside, ErrorCode::Ipv6AddressInUse);
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

fn refusal_of(field: &'static str, e: &PoolError, outside: ErrorCode, in_use: ErrorCode) -> Refusal {
    let prefix = field.ends_with("prefixes");
    let code = match e {
        PoolError::Exhausted { .. } => ErrorCode::AddressExhausted,
        PoolError::NoPrefix { .. } => ErrorCode::EniPrefixExhausted,
        PoolError::Outside { .. } => outside,
        PoolError::System { .. } => ErrorCode::AddressReserved,
        PoolError::PartLength { .. } | PoolError::Length { .. } => ErrorCode::EniPrefixMask,
        _ if prefix => ErrorCode::EniPrefixInUse,
        _ => in_use,
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

/// A vSwitch without IPv6 addresses in use has no pool: it may lose its IPv6 block and get another.
pub(super) fn drop_if_empty(ix: &mut EniIndex, vswitch: VSwitchId) {
    if ix.pools6.get(&vswitch).is_some_and(|t| t.taken == 0) {
        ix.pools6.remove(&vswitch);
    }
}
