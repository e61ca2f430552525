//! What an interface or a managed resident does with a packet: its security groups, its state, and whether it minds
//! foreign addresses.

use super::flow::Header;
use super::hop::{Disposition, Hop, Leg, Place};
use super::met::{Groups, Host};
use super::sink::Sink;
use super::trace::{Step, Walk};
use crate::ecs::eni::{Eni, EniStatus};
use crate::ecs::group_filter::{PacketProtocol, Verdict};
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::ecs::outage;
use crate::ecs::security_group_rule::Direction;
use crate::vpc::ha_vip;
use crate::vpc::resident::Resident;
use crate::world::World;
use std::net::IpAddr;

/// A packet leaves an interface into its vSwitch: the instance runs, the source is its own, the groups let it out.
#[inline]
pub(super) fn leave<'w, S: Sink>(walk: &mut Walk<'w, S>, host: &Host<'w>, header: &Header) -> Step<()> {
    check_up(walk, host)?;
    check_address(walk, host.eni, header.source)?;
    judge(walk, Place::Interface(host.eni.id), host.groups(), Direction::Egress, header)
}

/// A packet comes to an interface: the groups let it in, the instance runs, and it is for this interface or may be for
/// another.
#[inline]
pub(super) fn arrive<'w, S: Sink>(walk: &mut Walk<'w, S>, host: &Host<'w>, header: &Header) -> Step<()> {
    judge(walk, Place::Interface(host.eni.id), host.groups(), Direction::Ingress, header)?;
    check_up(walk, host)?;
    check_address(walk, host.eni, header.destination)
}

/// A packet leaves a managed resident.
pub(super) fn leave_resident<'w, S: Sink>(
    walk: &mut Walk<'w, S>,
    resident: &'w Resident,
    header: &Header,
) -> Step<()> {
    judge(walk, Place::Resident(resident.id), Groups::of(resident), Direction::Egress, header)
}

/// A packet comes to a managed resident, which serves one port if it is known.
pub(super) fn arrive_at_resident<'w, S: Sink>(
    walk: &mut Walk<'w, S>,
    resident: &'w Resident,
    header: &Header,
) -> Step<()> {
    judge(walk, Place::Resident(resident.id), Groups::of(resident), Direction::Ingress, header)?;
    match resident.port {
        Some(serves) if header.protocol != PacketProtocol::Tcp || header.port != serves => {
            Err(Disposition::NotServed { resident: resident.id, serves })
        }
        _ => Ok(()),
    }
}

/// Security groups are stateful: they judge the first packet of a session and let its answers through.
#[inline]
fn judge<'w, S: Sink>(
    walk: &mut Walk<'w, S>,
    member: Place,
    groups: Groups<'w>,
    direction: Direction,
    header: &Header,
) -> Step<()> {
    if walk.answers_session(member, direction) {
        walk.step(|| Hop::Session { member, direction });
        return Ok(());
    }
    let verdict = walk.met.judge(walk.w, groups, direction, &header.seen(direction));
    walk.step(|| Hop::Groups { member, direction, verdict });
    heed(member, direction, verdict)?;
    if walk.leg == Leg::Forward {
        walk.sessions.push((member, direction));
    }
    Ok(())
}

/// A packet goes on if the groups of a member let it.
#[inline]
pub(super) fn heed(member: Place, direction: Direction, verdict: Verdict) -> Step<()> {
    if verdict.allowed {
        return Ok(());
    }
    Err(Disposition::GroupsDrop { member, direction, decided_by: verdict.decided_by })
}

/// An interface works while it is attached to an instance that runs, and nothing cuts it off.
#[inline]
pub(super) fn check_up<S>(walk: &Walk<'_, S>, host: &Host<'_>) -> Step<()> {
    if host.up { Ok(()) } else { Err(why_down(walk.w, host.eni)) }
}

#[cold]
fn why_down(w: &World, eni: &Eni) -> Disposition {
    let not_attached = Disposition::NotAttached { eni: eni.id, status: eni.status };
    let instance = eni.instance.and_then(|id| w.get::<Instance>(&id));
    let Some(instance) = instance.filter(|_| eni.status == EniStatus::InUse) else { return not_attached };
    match outage::of_interface(w, eni).filter(|_| instance.status == InstanceStatus::Running) {
        Some(outage) => Disposition::CutOff { eni: eni.id, outage },
        None => Disposition::InstanceDown { instance: instance.id, eni: eni.id, status: instance.status },
    }
}

/// Whether an address is an interface's own: it holds it, or answers for it as the master of a HaVip.
#[inline]
pub(super) fn has(w: &World, eni: &Eni, address: IpAddr) -> bool {
    eni.holds(address) || ha_vip::answers(w, eni, address)
}

/// With the source/destination check on, an interface neither sends from nor takes for an address that is not its own.
#[inline]
fn check_address<S>(walk: &Walk<'_, S>, eni: &Eni, address: IpAddr) -> Step<()> {
    if eni.source_dest_check && !has(walk.w, eni, address) {
        return Err(Disposition::SourceDestCheck { eni: eni.id, address });
    }
    Ok(())
}
