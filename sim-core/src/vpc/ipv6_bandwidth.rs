//! Internet bandwidth of an IPv6 address: without it an address is private to its VPC (provider documentation: IPv6
//! gateways, AllocateIpv6InternetBandwidth).
//!
//! IPv6 addresses of interfaces are no rows of their own. The id of one is made of the interface's and the address.

use crate::access::{Caller, Owner};
use crate::command::Reply;
use crate::ecs::eni::Eni;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{EniId, Id, IdNumber, Ipv6AddressId, Ipv6BandwidthId, Ipv6GatewayId, mix};
use crate::resource::Resource;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::vpc::eip::InternetCharge;
use crate::vpc::ipv6_gateway::{Ipv6Gateway, Ipv6GatewayStatus};
use crate::world::{Indexes, World};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv6Addr;

/// The internet bandwidth of an IPv6 address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ipv6Bandwidth {
    /// Its id.
    pub id: Ipv6BandwidthId,
    /// Whose it is.
    pub owner: Owner,
    /// The gateway of the address's VPC.
    pub gateway: Ipv6GatewayId,
    /// The address.
    pub address: Ipv6Addr,
    /// The interface that holds it.
    pub eni: EniId,
    /// In Mbit/s.
    pub bandwidth: u32,
    /// What is paid for.
    pub charge: InternetCharge,
    /// When it was bought.
    pub created: SimTime,
}

/// What is derived from bandwidths.
#[derive(Clone, Debug, Default)]
pub struct Ipv6BandwidthIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, Ipv6BandwidthId>,
    /// By gateway.
    pub by_gateway: Groups<Ipv6GatewayId, Ipv6BandwidthId>,
    /// By interface.
    pub by_eni: Groups<EniId, Ipv6BandwidthId>,
    /// The one of each address.
    pub by_address: BTreeMap<Ipv6Addr, Ipv6BandwidthId>,
}

impl Row for Ipv6Bandwidth {
    type Key = Ipv6BandwidthId;
    type Index = Ipv6BandwidthIndex;

    fn key(&self) -> Ipv6BandwidthId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|b| b.id) else { return };
        let ix = &mut indexes.ipv6_bandwidths;
        ix.by_owner.shift(&id, old.map(|b| b.owner.clone()), new.map(|b| b.owner.clone()));
        ix.by_gateway.shift(&id, old.map(|b| b.gateway), new.map(|b| b.gateway));
        ix.by_eni.shift(&id, old.map(|b| b.eni), new.map(|b| b.eni));
        match (old, new) {
            (None, Some(new)) => {
                ix.by_address.insert(new.address, id);
            }
            (Some(old), None) => {
                ix.by_address.remove(&old.address);
            }
            _ => {}
        }
    }
}

impl Resource for Ipv6Bandwidth {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The bandwidth of an address.
pub fn of_address(w: &World, address: Ipv6Addr) -> Option<&Ipv6Bandwidth> {
    w.indexes().ipv6_bandwidths.by_address.get(&address).and_then(|id| w.get::<Ipv6Bandwidth>(id))
}

/// Whether an address reaches the internet and is reached: it has bandwidth, and its gateway is there.
pub fn is_public(w: &World, address: Ipv6Addr) -> bool {
    let gateway = of_address(w, address).and_then(|b| w.get::<Ipv6Gateway>(&b.gateway));
    gateway.is_some_and(|gateway| gateway.status == Ipv6GatewayStatus::Available)
}

/// The id of an IPv6 address of an interface: the interface's own, with a mix of the address laid over its salt.
pub fn address_id(eni: EniId, address: Ipv6Addr) -> Ipv6AddressId {
    let bits = u128::from(address);
    let mask = mix(bits as u64, (bits >> 64) as u64) & crate::id::SALT_MASK;
    Ipv6AddressId::from_number(eni.number().derive(mask.max(1)))
}

/// The address with this id, if an interface of the caller's holds it.
fn find_address<'w>(w: &'w World, caller: &Caller, id: Ipv6AddressId) -> Option<(&'w Eni, Ipv6Addr)> {
    let (first, last) = IdNumber::of_counter(id.number().counter()).into_inner();
    let mut enis = w.table::<Eni>().range(EniId::from_number(first)..=EniId::from_number(last));
    let eni = enis.find(|eni| eni.owner().admits(caller))?;
    eni.ipv6.iter().find(|address| address_id(eni.id, **address) == id).map(|address| (eni, *address))
}

/// An IPv6 address of an interface, as a caller names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressRef {
    /// By its id.
    Id(Ipv6AddressId),
    /// Itself.
    Address(Ipv6Addr),
}

impl AddressRef {
    pub(crate) fn find<'w>(self, w: &'w World, caller: &Caller) -> Outcome<(&'w Eni, Ipv6Addr)> {
        let found = match self {
            AddressRef::Id(id) => find_address(w, caller, id),
            AddressRef::Address(address) => {
                let eni = w.indexes().enis.by_ipv6.get(&address).and_then(|id| w.get::<Eni>(id));
                eni.filter(|eni| eni.owner().admits(caller)).map(|eni| (eni, address))
            }
        };
        found.ok_or_else(|| {
            let named = match self {
                AddressRef::Id(id) => id.to_string(),
                AddressRef::Address(address) => address.to_string(),
            };
            Refusal::new(ErrorCode::Ipv6AddressNotFound)
                .field("ipv6_address")
                .detail(format!("No interface of this account in this region holds {named}."))
        })
    }
}

/// The most bandwidth in Mbit/s (provider documentation: limits of IPv6 gateways).
pub const fn most(charge: InternetCharge) -> u32 {
    match charge {
        InternetCharge::ByBandwidth => 2_000,
        InternetCharge::ByTraffic => 1_000,
    }
}

fn check_bandwidth(charge: InternetCharge, bandwidth: u32) -> Outcome<()> {
    if (1..=most(charge)).contains(&bandwidth) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::Ipv6BandwidthInvalid)
        .field("bandwidth")
        .detail(format!("{bandwidth} Mbit/s were asked for, {}.", charge.text()))
        .accepted(format!("1 to {}", most(charge))))
}

/// Buys internet bandwidth for an IPv6 address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocateIpv6Bandwidth {
    /// The gateway of its VPC.
    pub gateway: Ipv6GatewayId,
    /// The address.
    pub address: AddressRef,
    /// In Mbit/s: 1 to 2,000, or 1,000 if traffic is paid for.
    pub bandwidth: u32,
    /// What is paid for.
    pub charge: InternetCharge,
}

/// Handles [`AllocateIpv6Bandwidth`].
///
/// # Errors
/// A bandwidth out of range; an unknown gateway or address; a gateway in transition or of another VPC; an address that has
/// bandwidth.
pub fn allocate(w: &mut World, caller: &Caller, c: &AllocateIpv6Bandwidth) -> Outcome<Reply> {
    check_bandwidth(c.charge, c.bandwidth)?;
    let gateway = w.visible::<Ipv6Gateway>(caller, c.gateway)?;
    let (eni, address) = c.address.find(w, caller)?;
    gateway.check_available()?;
    if gateway.vpc != eni.vpc {
        return Err(Refusal::new(ErrorCode::Ipv6BandwidthOtherVpc)
            .field("ipv6_gateway_id")
            .detail(format!("{address} is in {}, {} in {}.", eni.vpc, gateway.id, gateway.vpc)));
    }
    if let Some(other) = of_address(w, address) {
        return Err(Refusal::new(ErrorCode::Ipv6BandwidthExists)
            .field("ipv6_address")
            .detail(format!("{address} has {} Mbit/s.", other.bandwidth))
            .blockers([other.id]));
    }
    let (eni, created) = (eni.id, w.now());
    let id = w.new_id::<Ipv6BandwidthId>(&caller.region)?;
    let (gateway, bandwidth, charge) = (c.gateway, c.bandwidth, c.charge);
    w.put(Ipv6Bandwidth { id, owner: caller.into(), gateway, address, eni, bandwidth, charge, created });
    Ok(id.into())
}

/// Changes how much bandwidth there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyIpv6Bandwidth {
    /// Which.
    pub bandwidth: BandwidthRef,
    /// In Mbit/s.
    pub mbits: u32,
}

/// Bandwidth as a caller names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BandwidthRef {
    /// By its id.
    Id(Ipv6BandwidthId),
    /// By its address.
    Of(AddressRef),
}

impl BandwidthRef {
    fn find<'w>(self, w: &'w World, caller: &Caller) -> Outcome<&'w Ipv6Bandwidth> {
        match self {
            BandwidthRef::Id(id) => w.visible::<Ipv6Bandwidth>(caller, id),
            BandwidthRef::Of(address) => {
                let (_, address) = address.find(w, caller)?;
                of_address(w, address).ok_or_else(|| {
                    Refusal::new(ErrorCode::Ipv6BandwidthNotFound)
                        .field("ipv6_address")
                        .detail(format!("{address} has none."))
                })
            }
        }
    }
}

/// Handles [`ModifyIpv6Bandwidth`].
///
/// # Errors
/// Unknown bandwidth; a bandwidth out of range.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyIpv6Bandwidth) -> Outcome<Reply> {
    let row = c.bandwidth.find(w, caller)?;
    check_bandwidth(row.charge, c.mbits)?;
    let id = row.id;
    w.update::<Ipv6Bandwidth>(&id, |row| row.bandwidth = c.mbits);
    Ok(Reply::Done)
}

/// Gives internet bandwidth back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteIpv6Bandwidth {
    /// Which.
    pub bandwidth: BandwidthRef,
}

/// Handles [`DeleteIpv6Bandwidth`].
///
/// # Errors
/// Unknown bandwidth.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteIpv6Bandwidth) -> Outcome<Reply> {
    let id = c.bandwidth.find(w, caller)?.id;
    w.remove::<Ipv6Bandwidth>(&id);
    Ok(Reply::Done)
}

/// Gives back the bandwidth of addresses that an interface no longer holds, of all of them if it goes.
pub(crate) fn forget_lost(w: &mut World, eni: EniId) {
    let held = w.get::<Eni>(&eni).map_or(&[][..], |eni| &eni.ipv6).to_vec();
    let own = w.indexes().ipv6_bandwidths.by_eni.of(&eni).filter_map(|id| w.get::<Ipv6Bandwidth>(id));
    let lost: Vec<Ipv6BandwidthId> = own.filter(|b| !held.contains(&b.address)).map(|b| b.id).collect();
    for id in lost {
        w.remove::<Ipv6Bandwidth>(&id);
    }
}
