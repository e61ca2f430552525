//! What an elastic IP address is bound to, and how it comes there and away: Available, Associating, InUse,
//! Unassociating, Available.
//!
//! An instance gets one by its primary network interface, a secondary interface one for each of its private addresses, an
//! intranet load balancer of a VPC one for its address (provider documentation: AssociateEipAddress, UnassociateEipAddress,
//! associate an EIP with a cloud resource). When what it is bound to goes, or the private address does, the address is
//! Available again at once; a load balancer goes without being asked about it (DeleteLoadBalancer has no code for it).

use crate::access::{Caller, RegionId};
use crate::command::Reply;
use crate::ecs::eni::{Eni, EniKind, EniStatus};
use crate::ecs::eni_address;
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, EipId, EniId, HaVipId, InstanceId, LoadBalancerId, NatGatewayId, VpcId};
use crate::settings::Work;
use crate::slb::load_balancer::{self, LoadBalancer};
use crate::timer::Due;
use crate::vpc::eip::{Eip, EipStatus};
pub use crate::vpc::eip_target::{Binding, Mode, Target, TargetKind};
use crate::vpc::ha_vip::HaVip;
use crate::vpc::nat_gateway::{self, NatGateway};
use crate::vpc::{forward_entry, ha_vip, ipv4_gateway, route_entry, snat};
use crate::world::World;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};

/// The elastic IP addresses that lead to a network interface, by instance or by itself, oldest first.
pub fn of_eni(w: &World, eni: EniId) -> impl Iterator<Item = &Eip> {
    w.indexes().eips.by_eni.of(&eni).filter_map(|id| w.get::<Eip>(id))
}

/// The elastic IP address that stands for a private address of an interface.
pub fn of_address(w: &World, eni: EniId, address: Ipv4Addr) -> Option<&Eip> {
    of_eni(w, eni).find(|eip| eip.binding.is_some_and(|b| b.target.private_address(w) == Some(address)))
}

/// The elastic IP address in use that stands for a private address which an interface holds, or for which it answers.
pub fn used_by<'w>(w: &'w World, eni: &Eni, address: Ipv4Addr) -> Option<&'w Eip> {
    let answers = ha_vip::answers(w, eni, address.into());
    let vip = ha_vip::of_address(w, eni.vpc, address).filter(|_| answers);
    let eip = of_address(w, eni.id, address).or_else(|| vip.and_then(|vip| vip.eip(w)));
    eip.filter(|eip| eip.status == EipStatus::InUse)
}

/// The elastic IP address in use that stands for a private address of a VPC.
pub fn of_host(w: &World, vpc: VpcId, address: Ipv4Addr) -> Option<&Eip> {
    let eip = match eni_address::holder(w, vpc, address.into()) {
        Some(eni) => of_address(w, eni.id, address),
        None => {
            let balancer = || load_balancer::of_address(w, vpc, address);
            let vip = ha_vip::of_address(w, vpc, address).and_then(|vip| vip.eip(w));
            vip.or_else(|| balancer().and_then(|balancer| of_balancer(w, balancer.id)))
        }
    };
    eip.filter(|eip| eip.status == EipStatus::InUse)
}

/// The elastic IP address of a load balancer.
pub fn of_balancer(w: &World, load_balancer: LoadBalancerId) -> Option<&Eip> {
    w.indexes().eips.by_target.of(&load_balancer.into()).next().and_then(|id| w.get::<Eip>(id))
}

/// The elastic IP address of an instance: that of its primary address.
pub fn of_instance(w: &World, instance: InstanceId) -> Option<&Eip> {
    w.indexes().eips.by_target.of(&instance.into()).next().and_then(|id| w.get::<Eip>(id))
}

/// Whether an interface has an elastic IP address in cut-through mode.
pub fn is_cut_through(w: &World, eni: EniId) -> bool {
    of_eni(w, eni).any(|eip| eip.binding.is_some_and(|b| b.mode == Mode::Binded))
}

/// Binds an Available elastic IP address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssociateEip {
    /// The address.
    pub eip: EipId,
    /// The type of what it is bound to.
    pub kind: TargetKind,
    /// The id of what it is bound to.
    pub target: CompactString,
    /// The private address that it stands for. If absent: that of the instance, or the first of the interface that has none.
    pub private_address: Option<Ipv4Addr>,
    /// How it is seen there.
    pub mode: Mode,
    /// The region of the target, if the caller names it.
    pub region: Option<RegionId>,
}

/// Handles [`AssociateEip`].
///
/// # Errors
/// A mode that the target does not know; another region; an unknown address or target; a state of either that does not
/// allow it; a load balancer that serves the internet; a private address that is not the target's; the conflicts of
/// cut-through mode; a second mode; a private address that has one, or to which a DNAT entry leads; an IPv4 gateway of the
/// VPC that is not active.
pub fn associate(w: &mut World, caller: &Caller, c: &AssociateEip) -> Outcome<Reply> {
    if c.mode != Mode::Nat && c.kind != TargetKind::NetworkInterface {
        return Err(Refusal::new(ErrorCode::EipModeOnlyInterface)
            .field("mode")
            .detail(format!("{} was asked for on {}.", c.mode.text(), c.kind.text()))
            .accepted("NAT"));
    }
    if c.region.as_ref().is_some_and(|region| *region != caller.region) {
        return Err(Refusal::new(ErrorCode::EipRegionMismatch)
            .field("target_region_id")
            .accepted(caller.region.to_string()));
    }
    let eip = w.visible::<Eip>(caller, c.eip)?;
    let target = match c.kind {
        TargetKind::EcsInstance => to_instance(w, caller, eip, c)?,
        TargetKind::NetworkInterface => to_eni(w, caller, eip, c)?,
        TargetKind::IpAddress => {
            return Err(Refusal::new(ErrorCode::EipBareAddressUnsupported)
                .field("target_type")
                .accepted("EcsInstance, NetworkInterface, SlbInstance, Nat, HaVip"));
        }
        TargetKind::Nat => to_nat_gateway(w, caller, eip, c)?,
        TargetKind::HaVip => to_ha_vip(w, caller, eip, c)?,
        TargetKind::SlbInstance => to_load_balancer(w, caller, eip, c)?,
    };
    check_ipv4_gateway_active(w, target)?;
    check_not_forwarded(w, target)?;
    let binding = Binding { target, mode: c.mode };
    w.update::<Eip>(&c.eip, |eip| eip.binding = Some(binding));
    begin(w, c.eip, EipStatus::Associating);
    Ok(Reply::Done)
}

/// An IPv4 gateway is activated before addresses are bound in its VPC (provider documentation: AssociateEipAddress, 2024).
fn check_ipv4_gateway_active(w: &World, target: Target) -> Outcome<()> {
    let gateway = target.vpc(w).and_then(|vpc| ipv4_gateway::of_vpc(w, vpc));
    match gateway.filter(|gateway| !gateway.enabled) {
        None => Ok(()),
        Some(gateway) => Err(Refusal::new(ErrorCode::EipIpv4GatewayInactive)
            .field("target_id")
            .detail(format!("{} of {} is not active.", gateway.id, gateway.vpc))
            .accepted("the same request once the gateway is active, or deleted")
            .blockers([gateway.id])),
    }
}

/// No DNAT entry leads to the private address (provider documentation: AssociateEipAddress).
fn check_not_forwarded(w: &World, target: Target) -> Outcome<()> {
    let Some((vpc, address)) = target.vpc(w).zip(target.private_address(w)) else { return Ok(()) };
    let entries: Vec<AnyId> =
        forward_entry::to_address(w, vpc, address).map(|entry| entry.id.into()).collect();
    if entries.is_empty() {
        return Ok(());
    }
    let code = match target {
        Target::HaVip { .. } => ErrorCode::EipHaVipForwarded,
        _ => ErrorCode::EipTargetForwarded,
    };
    Err(Refusal::new(code)
        .field("target_id")
        .detail(format!("A NAT gateway leads to {address}."))
        .accepted("a private address without DNAT entries")
        .blockers(entries))
}

fn missing(c: &AssociateEip) -> Refusal {
    let shown = crate::error::beginning(&c.target);
    Refusal::new(ErrorCode::EipTargetNotFound)
        .field("target_id")
        .detail(format!("There is no {} {shown} for this account in this region.", c.kind.text()))
}

/// The primary address of an instance that is Running or Stopped and has no elastic IP address.
fn to_instance(w: &World, caller: &Caller, eip: &Eip, c: &AssociateEip) -> Outcome<Target> {
    let found = c.target.parse().ok().and_then(|id: InstanceId| w.visible::<Instance>(caller, id).ok());
    let instance = found.ok_or_else(|| missing(c))?;
    let primary = instance.primary(w).primary_ip;
    if c.private_address.is_some_and(|address| address != primary) {
        return Err(Refusal::new(ErrorCode::EipPrivateAddressNotHeld)
            .field("private_ip_address")
            .detail(format!("The primary address of {} is another.", instance.id))
            .accepted(primary.to_string()));
    }
    eip.check_status(&[EipStatus::Available])?;
    check_instance(instance)?;
    if let Some(public) = instance.public {
        let which = public.address.map_or("one at its next start".to_owned(), |address| address.to_string());
        return Err(Refusal::new(ErrorCode::EipInstancePublic)
            .field("target_id")
            .detail(format!("{} has a static public address, {which}.", instance.id))
            .accepted("an instance without one"));
    }
    if let Some(other) = of_instance(w, instance.id) {
        return Err(bound(other, primary));
    }
    Ok(Target::Instance { instance: instance.id, eni: instance.primary_eni })
}

fn bound(other: &Eip, address: Ipv4Addr) -> Refusal {
    Refusal::new(ErrorCode::EipTargetBound)
        .field("target_id")
        .detail(format!("{} stands for {address}.", other.address))
        .blockers([other.id])
}

fn check_instance(instance: &Instance) -> Outcome<()> {
    if matches!(instance.status, InstanceStatus::Running | InstanceStatus::Stopped) {
        return Ok(());
    }
    Err(instance.wrong_status(ErrorCode::EipInstanceStatus, "Running or Stopped"))
}

/// A private address of a secondary interface.
fn to_eni(w: &World, caller: &Caller, eip: &Eip, c: &AssociateEip) -> Outcome<Target> {
    let found = c.target.parse().ok().and_then(|id: EniId| w.visible::<Eni>(caller, id).ok());
    let eni = found.ok_or_else(|| missing(c))?;
    if eni.kind == EniKind::Primary {
        let instance = eni.instance.map(|id| id.to_string()).unwrap_or_default();
        return Err(Refusal::new(ErrorCode::EipInterfacePrimary)
            .field("target_id")
            .detail(format!("{} is the primary interface of {instance}.", eni.id))
            .accepted(format!("{instance}, an EcsInstance")));
    }
    if let Some(address) = c.private_address {
        check_private(eni, address)?;
    }
    eip.check_status(&[EipStatus::Available])?;
    check_eni(eni)?;
    let others: Vec<&Eip> = of_eni(w, eni.id).collect();
    if let Some(other) = others.iter().find(|other| other.binding.is_some_and(|b| b.mode != c.mode)) {
        let mode = other.binding.map_or("", |b| b.mode.text());
        return Err(Refusal::new(ErrorCode::EipModeConflict)
            .field("mode")
            .detail(format!("{} is bound to {} in mode {mode}.", other.id, eni.id))
            .accepted(mode)
            .blockers([other.id]));
    }
    if c.mode == Mode::Binded {
        check_no_ipv4_gateway(w, eni)?;
        check_cut_through(w, eni)?;
    }
    let address = match c.private_address {
        Some(address) => match of_address(w, eni.id, address) {
            Some(other) => return Err(bound(other, address)),
            None => address,
        },
        None => eni.ipv4().find(|&a| of_address(w, eni.id, a).is_none()).ok_or_else(|| {
            Refusal::new(ErrorCode::EipTargetFull)
                .field("target_id")
                .detail(format!("{} has {} addresses.", eni.id, others.len()))
                .blockers(others.iter().map(|other| other.id))
        })?,
    };
    Ok(Target::NetworkInterface { eni: eni.id, address })
}

/// A NAT gateway that takes one more.
fn to_nat_gateway(w: &World, caller: &Caller, eip: &Eip, c: &AssociateEip) -> Outcome<Target> {
    let found = c.target.parse().ok().and_then(|id: NatGatewayId| w.visible::<NatGateway>(caller, id).ok());
    let gateway = found.ok_or_else(|| missing(c))?;
    if let Some(address) = c.private_address {
        return Err(Refusal::new(ErrorCode::EipPrivateAddressNotHeld)
            .field("private_ip_address")
            .detail(format!("{address} was given; a NAT gateway has none to choose."))
            .accepted("no private address"));
    }
    eip.check_status(&[EipStatus::Available])?;
    nat_gateway::check_eip(w, caller, gateway, eip)?;
    Ok(Target::Nat { gateway: gateway.id })
}

/// A HaVip that is settled and has none.
fn to_ha_vip(w: &World, caller: &Caller, eip: &Eip, c: &AssociateEip) -> Outcome<Target> {
    let found = c.target.parse().ok().and_then(|id: HaVipId| w.visible::<HaVip>(caller, id).ok());
    let vip = found.ok_or_else(|| missing(c))?;
    if c.private_address.is_some_and(|address| address != vip.address) {
        return Err(Refusal::new(ErrorCode::EipPrivateAddressNotHeld)
            .field("private_ip_address")
            .detail(format!("The address of {} is another.", vip.id))
            .accepted(vip.address.to_string()));
    }
    eip.check_status(&[EipStatus::Available])?;
    vip.check_settled().map_err(|refusal| refusal.field("target_id"))?;
    match vip.eip(w) {
        Some(other) => Err(bound(other, vip.address)),
        None => Ok(Target::HaVip { ha_vip: vip.id }),
    }
}

/// An intranet load balancer that is not locked and has none. Whether it is active does not matter.
fn to_load_balancer(w: &World, caller: &Caller, eip: &Eip, c: &AssociateEip) -> Outcome<Target> {
    let found =
        c.target.parse().ok().and_then(|id: LoadBalancerId| w.visible::<LoadBalancer>(caller, id).ok());
    let balancer = found.ok_or_else(|| missing(c))?;
    let Some(own) = balancer.private_address() else {
        return Err(Refusal::new(ErrorCode::EipBalancerPublic)
            .field("target_id")
            .detail(format!("{} serves the internet at {} already.", balancer.id, balancer.address))
            .accepted("a load balancer with address_type intranet"));
    };
    if c.private_address.is_some_and(|address| address != own) {
        return Err(Refusal::new(ErrorCode::EipPrivateAddressNotHeld)
            .field("private_ip_address")
            .detail(format!("The address of {} is another.", balancer.id))
            .accepted(own.to_string()));
    }
    eip.check_status(&[EipStatus::Available])?;
    check_balancer(balancer, "target_id")?;
    match of_balancer(w, balancer.id) {
        Some(other) => Err(bound(other, own)),
        None => Ok(Target::LoadBalancer { load_balancer: balancer.id }),
    }
}

/// Nothing of a locked load balancer is changed (chosen here: the documents have a code for a wrong state of a target, and
/// name no state of a load balancer).
fn check_balancer(balancer: &LoadBalancer, field: &str) -> Outcome<()> {
    if !balancer.locked {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::EipBalancerLocked)
        .field(field)
        .detail(format!("{} is locked.", balancer.id))
        .accepted("the same request once the lock is taken off"))
}

fn check_private(eni: &Eni, address: Ipv4Addr) -> Outcome<()> {
    if eni.ipv4().any(|own| own == address) {
        return Ok(());
    }
    let prefix = eni.holds(IpAddr::V4(address));
    let code = if prefix { ErrorCode::EipPrefixAddress } else { ErrorCode::EipPrivateAddressNotHeld };
    let own: Vec<String> = eni.ipv4().take(8).map(|a| a.to_string()).collect();
    Err(Refusal::new(code)
        .field("private_ip_address")
        .detail(format!("{address} was given."))
        .accepted(own.join(", ")))
}

fn check_eni(eni: &Eni) -> Outcome<()> {
    if matches!(eni.status, EniStatus::Available | EniStatus::InUse) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::EipInterfaceStatus)
        .field("target_id")
        .detail(format!("{} is {}.", eni.id, eni.status.text()))
        .accepted("an interface that is Available or InUse"))
}

/// Cut-through mode gives the public address to the interface itself: nothing else may need it.
fn check_cut_through(w: &World, eni: &Eni) -> Outcome<()> {
    check_detached(eni)?;
    if !eni.secondary_ips.is_empty() || !eni.ipv4_prefixes.is_empty() {
        return Err(Refusal::new(ErrorCode::EipInterfaceHasMore)
            .field("target_id")
            .detail(format!("{} holds {} addresses.", eni.id, eni.private_addresses()))
            .accepted("an interface with its primary address alone, or mode NAT"));
    }
    let routes = route_entry::next_hop_users(w, eni.id);
    if routes.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::EipInterfaceNextHop)
        .field("target_id")
        .detail(format!("Route entries lead to {}.", eni.id))
        .accepted("mode NAT")
        .blockers(routes))
}

/// Cut-through mode knows no routes, and so no IPv4 gateway (provider documentation: CreateIpv4Gateway).
fn check_no_ipv4_gateway(w: &World, eni: &Eni) -> Outcome<()> {
    match ipv4_gateway::of_vpc(w, eni.vpc) {
        None => Ok(()),
        Some(gateway) => Err(Refusal::new(ErrorCode::EipModeIpv4Gateway)
            .field("mode")
            .detail(format!("{} has {}.", eni.vpc, gateway.id))
            .accepted("NAT or MULTI_BINDED")
            .blockers([gateway.id])),
    }
}

fn check_detached(eni: &Eni) -> Outcome<()> {
    let Some(instance) = eni.instance else { return Ok(()) };
    Err(Refusal::new(ErrorCode::EipInterfaceAttached)
        .field("target_id")
        .detail(format!("{} is attached to {instance}.", eni.id))
        .accepted("an interface that is Available")
        .blockers([instance]))
}

/// Takes an elastic IP address off what it is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnassociateEip {
    /// The address.
    pub eip: EipId,
    /// The type of what it is bound to, if the caller names it.
    pub kind: Option<TargetKind>,
    /// The id of what it is bound to, if the caller names it.
    pub target: Option<CompactString>,
    /// The private address that it stands for, if the caller names it.
    pub private_address: Option<Ipv4Addr>,
    /// Whether SNAT entries that use it lose it, and DNAT entries go: an SNAT entry that has no other address is deleted.
    pub force: bool,
}

/// Handles [`UnassociateEip`].
///
/// # Errors
/// An unknown address; one that is not InUse; one that is bound to something else; a state of what it is bound to that
/// does not allow it; an interface in cut-through mode that is attached; SNAT or DNAT entries that use it.
pub fn unassociate(w: &mut World, caller: &Caller, c: &UnassociateEip) -> Outcome<Reply> {
    let eip = w.visible::<Eip>(caller, c.eip)?;
    eip.check_status(&[EipStatus::InUse])?;
    let binding = eip.binding.expect("an address that is InUse is bound");
    let target = binding.target;
    let elsewhere = c.kind.is_some_and(|kind| kind != target.kind())
        || c.target.as_ref().is_some_and(|id| id.parse() != Ok(target.id()))
        || c.private_address.is_some_and(|address| target.private_address(w) != Some(address));
    if elsewhere {
        return Err(Refusal::new(ErrorCode::EipNotBoundThere)
            .field("target_id")
            .detail(format!("{} is bound to {}, {}.", eip.id, target.kind().text(), target.id()))
            .accepted(target.id().to_string()));
    }
    match target {
        Target::Instance { instance, .. } => {
            check_instance(w.get::<Instance>(&instance).expect("a bound instance exists"))?;
        }
        Target::NetworkInterface { eni, .. } => {
            let eni = w.get::<Eni>(&eni).expect("a bound interface exists");
            check_eni(eni)?;
            if binding.mode == Mode::Binded {
                check_detached(eni)?;
            }
        }
        // The gateway is Available: it takes no address before, and loses its own when its deletion begins.
        Target::Nat { .. } => check_unused(w, c)?,
        Target::HaVip { ha_vip } => {
            let vip = w.get::<HaVip>(&ha_vip).expect("a bound HaVip exists");
            vip.check_settled().map_err(|refusal| refusal.field("eip_id"))?;
        }
        Target::LoadBalancer { load_balancer } => {
            let balancer = w.get::<LoadBalancer>(&load_balancer).expect("a bound load balancer exists");
            check_balancer(balancer, "eip_id")?;
        }
    }
    snat::release(w, c.eip);
    forward_entry::release(w, c.eip);
    begin(w, c.eip, EipStatus::Unassociating);
    Ok(Reply::Done)
}

/// No SNAT or DNAT entry uses the address, or they may lose it.
fn check_unused(w: &World, c: &UnassociateEip) -> Outcome<()> {
    if c.force {
        return Ok(());
    }
    let ix = w.indexes();
    let sources: Vec<AnyId> = ix.snat_entries.by_eip.of(&c.eip).map(|&id| id.into()).collect();
    let targets: Vec<AnyId> = ix.forward_entries.by_eip.of(&c.eip).map(|&id| id.into()).collect();
    for (code, users) in [(ErrorCode::EipUsedBySnat, sources), (ErrorCode::EipUsedByForward, targets)] {
        if !users.is_empty() {
            return Err(Refusal::new(code).field("eip_id").accepted("force set to true").blockers(users));
        }
    }
    Ok(())
}

/// Starts a transition, or makes it at once if it takes no time.
fn begin(w: &mut World, id: EipId, status: EipStatus) {
    let span = w.settings().provisioning.span(Work::Eip);
    let ends = w.now() + span;
    w.update::<Eip>(&id, |eip| {
        eip.status = status;
        eip.settles = Some(ends);
    });
    if span.is_zero() {
        settle(w, id);
    } else {
        w.schedule(span, Due::Eip(id));
    }
}

/// Ends a transition. A timer of an earlier transition, which something else ended, does nothing.
pub(crate) fn settle(w: &mut World, id: EipId) {
    let now = w.now();
    let Some(eip) = w.get::<Eip>(&id).filter(|eip| eip.settles == Some(now)) else { return };
    match eip.status {
        EipStatus::Associating => w.update::<Eip>(&id, |eip| {
            eip.status = EipStatus::InUse;
            eip.settles = None;
        }),
        EipStatus::Unassociating => free(w, id),
        EipStatus::Available | EipStatus::InUse => {}
    }
}

/// Makes an address Available at once.
fn free(w: &mut World, id: EipId) {
    w.update::<Eip>(&id, |eip| {
        eip.status = EipStatus::Available;
        eip.settles = None;
        eip.binding = None;
    });
}

/// Frees every elastic IP address that leads to an interface that goes.
pub(crate) fn forget_eni(w: &mut World, eni: EniId) {
    let ids: Vec<EipId> = w.indexes().eips.by_eni.of(&eni).copied().collect();
    ids.into_iter().for_each(|id| free_early(w, id));
}

/// Frees the elastic IP address of a load balancer that goes.
pub(crate) fn forget_balancer(w: &mut World, load_balancer: LoadBalancerId) {
    if let Some(id) = of_balancer(w, load_balancer).map(|eip| eip.id) {
        free_early(w, id);
    }
}

/// Frees the elastic IP addresses that stand for private addresses which an interface no longer holds.
pub(crate) fn forget_lost_addresses(w: &mut World, eni: EniId) {
    let Some(row) = w.get::<Eni>(&eni) else { return };
    let lost = |eip: &&Eip| {
        let address = eip.binding.and_then(|b| b.target.private_address(w));
        address.is_some_and(|address| row.ipv4().all(|own| own != address))
    };
    let ids: Vec<EipId> = of_eni(w, eni).filter(lost).map(|eip| eip.id).collect();
    ids.into_iter().for_each(|id| free_early(w, id));
}

/// Frees an address that may be in the middle of a transition.
pub(crate) fn free_early(w: &mut World, id: EipId) {
    if w.get::<Eip>(&id).is_some_and(|eip| eip.settles.is_some()) {
        w.unschedule(Due::Eip(id));
    }
    free(w, id);
}
