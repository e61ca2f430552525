//! The edge of a vSwitch: its network ACL judges what crosses it, answers like everything else.
//!
//! An interface with an elastic IP address in cut-through mode is not filtered. What goes from one interface of a vSwitch to
//! another of the same crosses nothing, and managed residents are no interfaces, so that nothing of theirs is filtered (provider
//! documentation: network ACL, 2026).

use super::flow::Header;
use super::hop::{Disposition, Hop};
use super::met::Host;
use super::sink::Sink;
use super::trace::{Step, Walk};
use crate::ecs::security_group_rule::Direction;
use crate::id::{NetworkAclId, VSwitchId};
use crate::vpc::network_acl_filter::Verdict;

/// A packet of an interface leaves for another vSwitch, or for none.
#[inline]
pub(super) fn leave<S: Sink>(
    walk: &mut Walk<'_, S>,
    host: &Host<'_>,
    to: Option<VSwitchId>,
    header: &Header,
) -> Step<()> {
    judge(walk, host, to, Direction::Egress, header)
}

/// A packet comes to an interface from another vSwitch, or from none.
#[inline]
pub(super) fn enter<S: Sink>(
    walk: &mut Walk<'_, S>,
    from: Option<VSwitchId>,
    host: &Host<'_>,
    header: &Header,
) -> Step<()> {
    judge(walk, host, from, Direction::Ingress, header)
}

#[inline]
fn judge<S: Sink>(
    walk: &mut Walk<'_, S>,
    host: &Host<'_>,
    other: Option<VSwitchId>,
    direction: Direction,
    header: &Header,
) -> Step<()> {
    let Some(filtering) = host.acl else { return Ok(()) };
    let vswitch = host.eni.vswitch;
    if other == Some(vswitch) {
        return Ok(());
    }
    let verdict = filtering.judge(direction, &header.seen(direction));
    let acl = filtering.acl.id;
    walk.step(|| Hop::NetworkAcl { vswitch, acl, direction, verdict });
    heed(vswitch, acl, direction, verdict)
}

/// A packet goes on if the network ACL of a vSwitch lets it.
#[inline]
pub(super) fn heed(
    vswitch: VSwitchId,
    acl: NetworkAclId,
    direction: Direction,
    verdict: Verdict,
) -> Step<()> {
    if verdict.allowed {
        return Ok(());
    }
    Err(Disposition::AclDrop { vswitch, acl, direction, rule: verdict.rule })
}
