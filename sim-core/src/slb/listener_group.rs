//! Which group a listener forwards to: a vServer group, or for TCP and UDP a primary/secondary group.

use crate::access::Caller;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{LoadBalancerId, MasterSlaveGroupId, VServerGroupId};
use crate::slb::listener::{Listener, ModifyListener, Protocol};
use crate::slb::listener_rules::Rules;
use crate::slb::master_slave_group::MasterSlaveGroup;
use crate::slb::server_group::VServerGroup;
use crate::world::World;

/// The groups of both kinds, of which a listener has one at most.
type Groups = (Option<VServerGroupId>, Option<MasterSlaveGroupId>);

/// Checks that a listener of this protocol may have these groups. A TCP listener that forwards to a primary/secondary group
/// checks its health (documented code: OperationDenied.HealthCheckClosedForMasterSlaveMode, which UDP does not have).
///
/// # Errors
/// [`ErrorCode::ListenerGroupsBoth`], [`ErrorCode::ListenerMasterSlaveLayer`],
/// [`ErrorCode::ListenerMasterSlaveUnchecked`].
pub(crate) fn check_form(
    protocol: Protocol,
    rules: &Rules,
    group: Option<VServerGroupId>,
    pair: Option<MasterSlaveGroupId>,
) -> Outcome<()> {
    let Some(pair) = pair else { return Ok(()) };
    let refuse = |code| Refusal::new(code).field("master_slave_server_group_id");
    if let Some(group) = group {
        let detail = format!("{group} and {pair} were given.");
        return Err(refuse(ErrorCode::ListenerGroupsBoth).detail(detail).accepted("one of the two"));
    }
    if protocol.is_http() {
        let detail = format!("The listener is one of {}.", protocol.text());
        return Err(refuse(ErrorCode::ListenerMasterSlaveLayer).detail(detail).accepted("a vServer group"));
    }
    if protocol == Protocol::Tcp && !rules.health_check.on {
        return Err(refuse(ErrorCode::ListenerMasterSlaveUnchecked).accepted("the health check switched on"));
    }
    Ok(())
}

/// The groups of a listener once it is changed: one that is named takes the place of what was there.
///
/// # Errors
/// [`ErrorCode::ListenerGroupsBoth`]; [`ErrorCode::ListenerParameterMissing`] for a group of another kind where that takes a
/// flag.
pub(crate) fn after(listener: &Listener, c: &ModifyListener) -> Outcome<Groups> {
    let stays = |field: &str, there: bool, now: Groups| {
        let refusal = Refusal::new(ErrorCode::ListenerParameterMissing).field(field);
        if there { Ok(now) } else { Err(refusal.detail("The listener forwards elsewhere.").accepted("on")) }
    };
    // One of HTTP has no primary/secondary groups, whatever the flags: its form says so.
    let free = !c.same_kind || c.protocol.is_http() && c.group.flatten().is_none();
    match (c.group, c.pair) {
        (Some(Some(group)), Some(Some(pair))) => Err(Refusal::new(ErrorCode::ListenerGroupsBoth)
            .field("master_slave_server_group_id")
            .detail(format!("{group} and {pair} were given."))
            .accepted("one of the two")),
        (Some(Some(group)), _) => {
            stays("vserver_group", free || listener.group.is_some(), (Some(group), None))
        }
        (_, Some(Some(pair))) => {
            stays("master_slave_server_group", free || listener.pair.is_some(), (None, Some(pair)))
        }
        (group, pair) => Ok((group.unwrap_or(listener.group), pair.unwrap_or(listener.pair))),
    }
}

/// Checks that a vServer group is there, behind the same load balancer.
///
/// # Errors
/// [`ErrorCode::VServerGroupNotFound`], [`ErrorCode::ListenerOtherGroup`].
pub(crate) fn check(
    w: &World,
    caller: &Caller,
    balancer: LoadBalancerId,
    group: Option<VServerGroupId>,
) -> Outcome<()> {
    let Some(group) = group.map(|id| w.visible::<VServerGroup>(caller, id)).transpose()? else {
        return Ok(());
    };
    if group.load_balancer == balancer {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::ListenerOtherGroup)
        .field("vserver_group_id")
        .detail(format!("{} belongs to {}.", group.id, group.load_balancer)))
}

/// Checks that a primary/secondary group is there, behind the same load balancer.
///
/// # Errors
/// [`ErrorCode::MasterSlaveGroupNotFound`], [`ErrorCode::ListenerOtherMasterSlaveGroup`].
pub(crate) fn check_pair(
    w: &World,
    caller: &Caller,
    balancer: LoadBalancerId,
    pair: Option<MasterSlaveGroupId>,
) -> Outcome<()> {
    let Some(pair) = pair.map(|id| w.visible::<MasterSlaveGroup>(caller, id)).transpose()? else {
        return Ok(());
    };
    if pair.load_balancer == balancer {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::ListenerOtherMasterSlaveGroup)
        .field("master_slave_server_group_id")
        .detail(format!("{} belongs to {}.", pair.id, pair.load_balancer)))
}
