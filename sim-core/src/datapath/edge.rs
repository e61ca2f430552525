//! The edge of a vSwitch: its network ACL judges what crosses it, answers like everything else.
//!
//! What goes from one interface of a vSwitch to another of the same crosses nothing, and managed residents are no
//! interfaces, so that nothing of theirs is filtered (provider documentation: network ACL, 2026).

use super::flow::Header;
use super::hop::{Disposition, Hop, Sink};
use super::trace::{Step, Walk};
use crate::ecs::security_group_rule::Direction;
use crate::id::VSwitchId;

/// A packet of an interface leaves for another vSwitch, or for none.
pub(super) fn leave<S: Sink>(
    walk: &mut Walk<'_, S>,
    vswitch: VSwitchId,
    to: Option<VSwitchId>,
    header: &Header,
) -> Step<()> {
    if to == Some(vswitch) { Ok(()) } else { judge(walk, vswitch, Direction::Egress, header) }
}

/// A packet comes to an interface from another vSwitch, or from none.
pub(super) fn enter<S: Sink>(
    walk: &mut Walk<'_, S>,
    from: Option<VSwitchId>,
    vswitch: VSwitchId,
    header: &Header,
) -> Step<()> {
    if from == Some(vswitch) { Ok(()) } else { judge(walk, vswitch, Direction::Ingress, header) }
}

fn judge<S: Sink>(
    walk: &mut Walk<'_, S>,
    vswitch: VSwitchId,
    direction: Direction,
    header: &Header,
) -> Step<()> {
    let w = walk.w;
    let Some(filtering) = walk.met.acl(w, vswitch) else { return Ok(()) };
    let verdict = filtering.judge(direction, &header.seen(direction));
    let acl = filtering.acl.id;
    walk.step(|| Hop::NetworkAcl { vswitch, acl, direction, verdict });
    if verdict.allowed {
        return Ok(());
    }
    Err(Disposition::AclDrop { vswitch, acl, direction, rule: verdict.rule })
}
