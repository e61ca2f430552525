//! Two router interfaces become one connection, and either is frozen and activated again (provider documentation: the
//! reference pages of ConnectRouterInterface, ActivateRouterInterface and DeactivateRouterInterface).

use crate::access::Caller;
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{RouterInterfaceId, VRouterId, VpcId};
use crate::vpc::router_interface::{Role, RouterInterface, RouterInterfaceStatus, begin};
use crate::world::World;
use serde::{Deserialize, Serialize};

/// The other end of a connection, if both ends are there and name each other.
pub fn other_end<'w>(w: &'w World, own: &RouterInterface) -> Option<&'w RouterInterface> {
    let other = own.opposite.router_interface.and_then(|id| w.get::<RouterInterface>(&id))?;
    let connected = own.connected.is_some() && other.connected.is_some();
    (connected && other.opposite.router_interface == Some(own.id)).then_some(other)
}

/// Where packets come out that a route leads to an interface: the other end, if both are at work.
pub fn across<'w>(w: &'w World, own: &RouterInterface) -> Option<&'w RouterInterface> {
    other_end(w, own).filter(|other| own.is_at_work() && other.is_at_work())
}

/// Two routers have one connection at most (reference page of ConnectRouterInterface). One that is left of a connection
/// whose other end is deleted counts as well: it still stands for it.
pub(crate) fn check_unconnected(w: &World, vpc: VpcId, other: VRouterId) -> Outcome<()> {
    let of_vpc = w.indexes().router_interfaces.by_vpc.of(&vpc).filter_map(|id| w.get::<RouterInterface>(id));
    let mut connected =
        of_vpc.filter(|r| r.opposite.vrouter == Some(other) && r.status != RouterInterfaceStatus::Idle);
    match connected.next() {
        None => Ok(()),
        Some(r) => Err(Refusal::new(ErrorCode::RouterInterfaceOnlyOne)
            .field("opposite_vrouter_id")
            .detail(format!("{} leads to {other} and is {}.", r.id, r.status.text()))
            .blockers([r.id])),
    }
}

/// Connects an initiating interface with its opposite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectRouterInterface {
    /// The interface of the initiating side.
    pub router_interface: RouterInterfaceId,
}

/// Handles [`ConnectRouterInterface`]: both interfaces are Active afterwards.
///
/// # Errors
/// An unknown interface; one that is not of the initiating side or not Idle; an opposite that is not named in full, is the
/// same router, does not exist as it is named, or does not name this interface; two routers that are connected.
pub fn connect(w: &mut World, caller: &Caller, c: &ConnectRouterInterface) -> Outcome<Reply> {
    let own = w.visible::<RouterInterface>(caller, c.router_interface)?;
    if own.role != Role::Initiating {
        return Err(Refusal::new(ErrorCode::RouterInterfaceNotInitiating)
            .field("router_interface_id")
            .detail(format!("{} is of the {}.", own.id, own.role.text()))
            .accepted("an interface of the InitiatingSide"));
    }
    own.check_status(&[RouterInterfaceStatus::Idle])?;
    let other = opposite(w, own)?;
    check_named_back(own, other)?;
    other.check_status(&[RouterInterfaceStatus::Idle])?;
    check_unconnected(w, own.vpc, other.vrouter)?;
    let other = other.id;
    let active = Some(RouterInterfaceStatus::Active);
    begin(w, c.router_interface, RouterInterfaceStatus::Connecting, active);
    begin(w, other, RouterInterfaceStatus::AcceptingConnecting, active);
    Ok(Reply::Done)
}

fn mismatch(code: ErrorCode, field: &str, detail: String) -> Refusal {
    Refusal::new(code).field(field).detail(detail)
}

/// The interface that another one names as its opposite.
fn opposite<'w>(w: &'w World, own: &RouterInterface) -> Outcome<&'w RouterInterface> {
    let named = &own.opposite;
    let (Some(id), Some(vrouter), Some(account)) = (named.router_interface, named.vrouter, named.account)
    else {
        return Err(Refusal::new(ErrorCode::RouterInterfaceOppositeNotSet)
            .field("router_interface_id")
            .detail(format!("{} does not name interface, router and account of the other end.", own.id))
            .accepted("the same request once all three are set"));
    };
    if vrouter == own.vrouter {
        let detail = format!("{vrouter} is its own router.");
        return Err(mismatch(ErrorCode::RouterInterfaceSameRouter, "opposite_vrouter_id", detail));
    }
    let missing = || {
        let detail = format!("There is no {id}.");
        mismatch(ErrorCode::RouterInterfaceOppositeMissing, "opposite_interface_id", detail)
    };
    let other = w.get::<RouterInterface>(&id).ok_or_else(missing)?;
    if other.owner.account != account {
        let detail = format!("{id} is not of account {account}.");
        return Err(mismatch(ErrorCode::RouterInterfaceOppositeAccount, "opposite_account_id", detail));
    }
    if other.owner.region != named.region {
        let detail = format!("{id} is not in {}.", named.region);
        return Err(mismatch(ErrorCode::RouterInterfaceOppositeRegion, "opposite_region_id", detail));
    }
    if other.vrouter != vrouter {
        let detail = format!("{id} is not of {vrouter}.");
        return Err(mismatch(ErrorCode::RouterInterfaceOppositeRouter, "opposite_vrouter_id", detail));
    }
    if other.role != Role::Accepting {
        let detail = format!("{id} is of the {}.", other.role.text());
        return Err(mismatch(ErrorCode::RouterInterfaceOppositeRole, "opposite_interface_id", detail));
    }
    Ok(other)
}

/// The accepting side names the initiating side as the initiating side is.
fn check_named_back(own: &RouterInterface, other: &RouterInterface) -> Outcome<()> {
    let named = &other.opposite;
    let code = if named.router_interface != Some(own.id) {
        ErrorCode::RouterInterfaceBackInterface
    } else if named.vrouter != Some(own.vrouter) {
        ErrorCode::RouterInterfaceBackRouter
    } else if named.account != Some(own.owner.account) {
        ErrorCode::RouterInterfaceBackAccount
    } else if named.region != own.owner.region {
        ErrorCode::RouterInterfaceBackRegion
    } else {
        return Ok(());
    };
    let detail = format!("{} names another one than {}.", other.id, own.id);
    Err(mismatch(code, "opposite_interface_id", detail))
}

/// Activates a frozen interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivateRouterInterface {
    /// The interface.
    pub router_interface: RouterInterfaceId,
}

/// Handles [`ActivateRouterInterface`].
///
/// # Errors
/// An unknown interface; one that is not Inactive; one whose other end is deleted.
pub fn activate(w: &mut World, caller: &Caller, c: &ActivateRouterInterface) -> Outcome<Reply> {
    let own = w.visible::<RouterInterface>(caller, c.router_interface)?;
    own.check_status(&[RouterInterfaceStatus::Inactive])?;
    if other_end(w, own).is_none() {
        return Err(Refusal::new(ErrorCode::RouterInterfaceOppositeDeleted)
            .field("router_interface_id")
            .detail(format!("The other end of {} is deleted.", own.id)));
    }
    let active = Some(RouterInterfaceStatus::Active);
    begin(w, c.router_interface, RouterInterfaceStatus::Activating, active);
    Ok(Reply::Done)
}

/// Freezes an interface: nothing crosses its connection until it is activated again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeactivateRouterInterface {
    /// The interface.
    pub router_interface: RouterInterfaceId,
}

/// Handles [`DeactivateRouterInterface`].
///
/// # Errors
/// An unknown interface; one that is not Active.
pub fn deactivate(w: &mut World, caller: &Caller, c: &DeactivateRouterInterface) -> Outcome<Reply> {
    w.visible::<RouterInterface>(caller, c.router_interface)?
        .check_status(&[RouterInterfaceStatus::Active])?;
    let inactive = Some(RouterInterfaceStatus::Inactive);
    begin(w, c.router_interface, RouterInterfaceStatus::Deactivating, inactive);
    Ok(Reply::Done)
}
