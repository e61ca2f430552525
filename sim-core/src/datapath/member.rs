//! What an interface or a managed resident does with a packet: its security groups, its state, and whether it minds
//! foreign addresses.

use super::flow::Header;
use super::hop::{Disposition, Hop, Leg, Place, Sink};
use super::trace::{Step, Walk};
use crate::ecs::eni::{Eni, EniStatus};
use crate::ecs::group_filter::{PacketProtocol, evaluate_compiled};
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::ecs::outage;
use crate::ecs::security_group_rule::Direction;
use crate::id::{SecurityGroupId, VpcId};
use crate::vpc::ha_vip;
use crate::vpc::resident::Resident;
use crate::world::World;
use std::net::IpAddr;

/// A packet leaves an interface into its vSwitch: the instance runs, the source is its own, the groups let it out.
pub(super) fn leave<S: Sink>(walk: &mut Walk<'_, S>, eni: &Eni, header: &Header) -> Step<()> {
    check_up(walk, eni)?;
    check_address(walk, eni, header.source)?;
    judge(walk, Place::Interface(eni.id), eni.vpc, &eni.groups, Direction::Egress, header)
}

/// A packet comes to an interface: the groups let it in, the instance runs, and it is for this interface or may be for
/// another.
pub(super) fn arrive<S: Sink>(walk: &mut Walk<'_, S>, eni: &Eni, header: &Header) -> Step<()> {
    judge(walk, Place::Interface(eni.id), eni.vpc, &eni.groups, Direction::Ingress, header)?;
    check_up(walk, eni)?;
    check_address(walk, eni, header.destination)
}

/// A packet leaves a managed resident.
pub(super) fn leave_resident<S: Sink>(
    walk: &mut Walk<'_, S>,
    resident: &Resident,
    header: &Header,
) -> Step<()> {
    let place = Place::Resident(resident.id);
    judge(walk, place, resident.vpc, &resident.groups, Direction::Egress, header)
}

/// A packet comes to a managed resident, which serves one port if it is known.
pub(super) fn arrive_at_resident<S: Sink>(
    walk: &mut Walk<'_, S>,
    resident: &Resident,
    header: &Header,
) -> Step<()> {
    let place = Place::Resident(resident.id);
    judge(walk, place, resident.vpc, &resident.groups, Direction::Ingress, header)?;
    match resident.port {
        Some(serves) if header.protocol != PacketProtocol::Tcp || header.port != serves => {
            Err(Disposition::NotServed { resident: resident.id, serves })
        }
        _ => Ok(()),
    }
}

/// Security groups are stateful: they judge the first packet of a session and let its answers through.
fn judge<S: Sink>(
    walk: &mut Walk<'_, S>,
    member: Place,
    vpc: VpcId,
    groups: &[SecurityGroupId],
    direction: Direction,
    header: &Header,
) -> Step<()> {
    if walk.answers_session(member, direction) {
        walk.step(|| Hop::Session { member, direction });
        return Ok(());
    }
    let (w, met) = (walk.w, &mut walk.met);
    let compiled = groups.iter().filter_map(|id| met.group(w, *id));
    let verdict = evaluate_compiled(w, vpc, compiled, direction, &header.seen(direction));
    walk.step(|| Hop::Groups { member, direction, verdict });
    if !verdict.allowed {
        return Err(Disposition::GroupsDrop { member, direction, decided_by: verdict.decided_by });
    }
    if walk.leg == Leg::Forward {
        walk.sessions.push((member, direction));
    }
    Ok(())
}

/// An interface works while it is attached to an instance that runs, and nothing cuts it off.
pub(super) fn check_up<S: Sink>(walk: &mut Walk<'_, S>, eni: &Eni) -> Step<()> {
    let w = walk.w;
    let instance = || eni.instance.and_then(|id| w.get::<Instance>(&id));
    let cut_off = || outage::of_interface(w, eni);
    let runs = || instance().is_some_and(|instance| instance.status == InstanceStatus::Running);
    if walk.met.is_up(eni.id, || eni.status == EniStatus::InUse && runs() && cut_off().is_none()) {
        return Ok(());
    }
    let down = Disposition::NotAttached { eni: eni.id, status: eni.status };
    let instance = instance().ok_or(down)?;
    if eni.status != EniStatus::InUse {
        return Err(down);
    }
    match cut_off().filter(|_| runs()) {
        Some(outage) => Err(Disposition::CutOff { eni: eni.id, outage }),
        None => {
            let (instance, status) = (instance.id, instance.status);
            Err(Disposition::InstanceDown { instance, eni: eni.id, status })
        }
    }
}

/// Whether an address is an interface's own: it holds it, or answers for it as the master of a HaVip.
pub(super) fn has(w: &World, eni: &Eni, address: IpAddr) -> bool {
    eni.holds(address) || ha_vip::answers(w, eni, address)
}

/// With the source/destination check on, an interface neither sends from nor takes for an address that is not its own.
fn check_address<S: Sink>(walk: &Walk<'_, S>, eni: &Eni, address: IpAddr) -> Step<()> {
    if eni.source_dest_check && !has(walk.w, eni, address) {
        return Err(Disposition::SourceDestCheck { eni: eni.id, address });
    }
    Ok(())
}
