//! The static public address of an instance: one of the addresses that elastic IP addresses have, which comes with the
//! instance's bandwidth and goes with the instance.
//!
//! RunInstances gives one to every instance with outward bandwidth, CreateInstance to none (provider documentation:
//! RunInstances). One that is allocated later takes effect when the instance starts the next time (AllocatePublicIpAddress).
//! A stop in economical mode gives it back, and the start after it brings another (economical mode). It counts for no quota
//! of elastic IP addresses, and an instance has one or the other (AssociateEipAddress).

use crate::access::Caller;
use crate::command::Reply;
use crate::ecs::eni::Eni;
use crate::ecs::eni_address;
use crate::ecs::instance::{Instance, StoppedMode};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, InstanceId, VpcId};
use crate::vpc::{eip, eip_binding, forward_entry};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// The static public address of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAddress {
    /// The address; absent from a stop in economical mode until the next start.
    pub address: Option<Ipv4Addr>,
    /// Whether packets come in and go out by it: from the next start on.
    pub in_force: bool,
}

impl PublicAddress {
    /// That of an instance that starts with it.
    pub(crate) const fn of_new(address: Ipv4Addr) -> PublicAddress {
        PublicAddress { address: Some(address), in_force: true }
    }

    /// The address, if packets come in and go out by it.
    pub fn working(self) -> Option<Ipv4Addr> {
        self.address.filter(|_| self.in_force)
    }
}

/// The instance that has a public address as its static one.
pub fn of_address(w: &World, address: Ipv4Addr) -> Option<&Instance> {
    w.indexes().instances.by_public_address.get(&address).and_then(|id| w.get::<Instance>(id))
}

/// The instance whose static public address, in force or not, stands for a private address of an interface: for the primary
/// address of its primary interface.
pub fn of_primary<'w>(w: &'w World, eni: &Eni, private: Ipv4Addr) -> Option<&'w Instance> {
    let instance = eni.instance.and_then(|id| w.get::<Instance>(&id))?;
    (instance.primary_eni == eni.id && eni.primary_ip == private && instance.public.is_some())
        .then_some(instance)
}

/// The instance whose static public address is in force for a private address of an interface, and the public address.
pub fn used_by<'w>(w: &'w World, eni: &Eni, private: Ipv4Addr) -> Option<(&'w Instance, Ipv4Addr)> {
    let instance = of_primary(w, eni, private)?;
    Some((instance, instance.public?.working()?))
}

/// Whether a static public address in force stands for a private address of a VPC.
pub fn has_host(w: &World, vpc: VpcId, address: Ipv4Addr) -> bool {
    eni_address::holder(w, vpc, address.into()).is_some_and(|eni| used_by(w, eni, address).is_some())
}

/// Gives an instance its static public address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocatePublicAddress {
    /// The instance, Running or Stopped, whose outward bandwidth is not 0.
    pub instance: InstanceId,
    /// The address wanted; the next one if absent.
    pub address: Option<Ipv4Addr>,
}

/// Handles [`AllocatePublicAddress`]. An instance that has one keeps it, which is no refusal unless another is wanted.
///
/// # Errors
/// An address that is none of the pool or is taken; an unknown instance or one in transition; one with another address,
/// without bandwidth, with an elastic IP address, or to which a DNAT entry leads; no address left.
pub fn allocate(w: &mut World, caller: &Caller, c: &AllocatePublicAddress) -> Outcome<Reply> {
    if let Some(address) = c.address {
        eip::check_address(address)?;
    }
    let instance = w.visible::<Instance>(caller, c.instance)?;
    if let Some(own) = instance.public.and_then(|public| public.address) {
        if c.address.is_none_or(|wanted| wanted == own) {
            return Ok(Reply::Done);
        }
        return Err(Refusal::new(ErrorCode::PublicAddressAllocated)
            .field("ip_address")
            .detail(format!("{} has {own}.", instance.id))
            .accepted(own.to_string()));
    }
    instance.check_settled()?;
    check_public(w, instance)?;
    if let Some(address) = c.address {
        eip::check_free(w, address, &caller.into())?;
    }
    eip::check_room(w, 1)?;
    let address = c.address.unwrap_or_else(|| eip::next_address(w));
    w.update::<Instance>(&c.instance, |instance| {
        instance.public = Some(PublicAddress { address: Some(address), in_force: false });
    });
    Ok(Reply::Done)
}

/// It has bandwidth and no other way to the internet of its own. That a DNAT entry is one is chosen here: of instances with such
/// entries the documents say that they get no public address by ModifyInstanceNetworkSpec.
fn check_public(w: &World, instance: &Instance) -> Outcome<()> {
    if instance.terms.bandwidth_out == 0 {
        return Err(Refusal::new(ErrorCode::PublicAddressNoBandwidth)
            .field("instance_id")
            .detail(format!("{} has 0 Mbit/s outwards.", instance.id))
            .accepted("an instance made with internet_max_bandwidth_out from 1 to 100"));
    }
    if let Some(bound) = eip_binding::of_instance(w, instance.id) {
        return Err(Refusal::new(ErrorCode::PublicAddressBesideEip)
            .field("instance_id")
            .detail(format!("{} stands for {}.", bound.address, instance.id))
            .accepted("an instance without an elastic IP address")
            .blockers([bound.id]));
    }
    let private = instance.primary(w).primary_ip;
    let entries: Vec<AnyId> =
        forward_entry::to_address(w, instance.vpc, private).map(|entry| entry.id.into()).collect();
    if entries.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::PublicAddressForwarded)
        .field("instance_id")
        .detail(format!("A NAT gateway leads to {private}."))
        .accepted("an instance without DNAT entries")
        .blockers(entries))
}

/// There is an address left for each of these instances that gets another one when it starts.
pub(crate) fn check_start(w: &World, ids: &[InstanceId]) -> Outcome<()> {
    let lacks = |id: &&InstanceId| {
        let public = w.get::<Instance>(id).and_then(|instance| instance.public);
        public.is_some_and(|public| public.address.is_none())
    };
    eip::check_room(w, ids.iter().filter(lacks).count() as u64)
}

/// An instance starts: its address takes effect, another one if it was given back.
pub(crate) fn start(w: &mut World, id: InstanceId) {
    let Some(public) = w.get::<Instance>(&id).and_then(|instance| instance.public) else { return };
    let address = public.address.unwrap_or_else(|| eip::next_address(w));
    w.update::<Instance>(&id, |instance| instance.public = Some(PublicAddress::of_new(address)));
}

/// An instance begins to stop: in economical mode it gives its address back.
pub(crate) fn stop(instance: &mut Instance) {
    if instance.stopped_mode == Some(StoppedMode::StopCharging) && instance.public.is_some() {
        instance.public = Some(PublicAddress { address: None, in_force: false });
    }
}
