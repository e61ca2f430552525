//! Router interfaces, of one account and of two, mostly with their opposites named right.

use crate::dice::Dice;
use sim_core::Command;
use sim_core::id::RouterInterfaceId;
use sim_core::vpc::router_connection::{
    ActivateRouterInterface, ConnectRouterInterface, DeactivateRouterInterface,
};
use sim_core::vpc::router_interface::{
    CreateRouterInterface, DeleteRouterInterface, ModifyRouterInterface, ModifyRouterInterfaceSpec, Opposite,
    Role, RouterInterface, RouterInterfaceStatus, Spec,
};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vrouter::VRouter;

fn spec(d: &mut Dice<'_>) -> Spec {
    Spec::parse(d.pick(&["Mini.2", "Small.1", "Xlarge.1"])).unwrap()
}

pub fn create(d: &mut Dice<'_>) -> Command {
    let world = d.world;
    // An initiating side that waits gets its other end.
    let waiting: Vec<&RouterInterface> = world
        .table::<RouterInterface>()
        .iter()
        .filter(|r| r.status == RouterInterfaceStatus::Idle && r.role == Role::Initiating)
        .filter(|r| {
            r.opposite
                .vrouter
                .and_then(|id| world.get::<VRouter>(&id))
                .is_some_and(|v| v.owner == d.caller.into())
        })
        .collect();
    let (role, vrouter, opposite) = if waiting.is_empty() || d.once_in(3) {
        let others: Vec<&VRouter> = world.table::<VRouter>().iter().collect();
        let other = if others.is_empty() { None } else { Some(d.pick(&others)) };
        let owner = other.map_or_else(|| d.caller.into(), |other| other.owner.clone());
        let opposite = Opposite {
            region: owner.region,
            account: Some(owner.account),
            vrouter: other.map(|other| other.id),
            router_interface: None,
        };
        (Role::Initiating, d.id::<VRouter>(), opposite)
    } else {
        let first = d.pick(&waiting);
        let opposite = Opposite {
            region: first.owner.region.clone(),
            account: Some(first.owner.account),
            vrouter: Some(first.vrouter),
            router_interface: Some(first.id),
        };
        (Role::Accepting, first.opposite.vrouter.unwrap(), opposite)
    };
    let wrong = d.once_in(12);
    let spec = Some(spec(d)).filter(|_| (role == Role::Initiating) != wrong);
    let tags = if d.once_in(4) { d.tags() } else { Vec::new() };
    CreateRouterInterface {
        vrouter,
        role,
        spec,
        opposite,
        name: d.text(),
        description: None,
        resource_group: d.resource_group(),
        tags,
    }
    .into()
}

/// An interface of the caller's, mostly one in a state.
fn one(d: &mut Dice<'_>, status: RouterInterfaceStatus) -> RouterInterfaceId {
    let own = d.world.table::<RouterInterface>().iter().filter(|r| r.owner == d.caller.into());
    let near: Vec<RouterInterfaceId> = own.filter(|r| r.status == status).map(|r| r.id).collect();
    if near.is_empty() || d.once_in(8) { d.id::<RouterInterface>() } else { d.pick(&near) }
}

/// The first interface is told of the one that names it.
pub fn modify(d: &mut Dice<'_>) -> Command {
    let world = d.world;
    let all = || world.table::<RouterInterface>().iter();
    let named = |id: RouterInterfaceId| all().find(|r| r.opposite.router_interface == Some(id)).map(|r| r.id);
    let lacking: Vec<RouterInterfaceId> = all()
        .filter(|r| {
            r.owner == d.caller.into() && r.opposite.router_interface.is_none() && named(r.id).is_some()
        })
        .map(|r| r.id)
        .collect();
    let router_interface = if lacking.is_empty() || d.once_in(5) {
        one(d, RouterInterfaceStatus::Idle)
    } else {
        d.pick(&lacking)
    };
    ModifyRouterInterface {
        router_interface,
        name: d.text(),
        description: None,
        opposite_interface: named(router_interface),
        opposite_vrouter: if d.once_in(12) { Some(d.id::<VRouter>()) } else { None },
        opposite_account: if d.once_in(12) { d.own::<Vpc>().map(|vpc| vpc.owner.account) } else { None },
    }
    .into()
}

pub fn modify_spec(d: &mut Dice<'_>) -> Command {
    let router_interface = one(d, RouterInterfaceStatus::Active);
    let accepting = d.world.get::<RouterInterface>(&router_interface).is_some_and(|r| r.spec.is_none());
    let spec = Some(spec(d)).filter(|_| !accepting || d.once_in(4));
    ModifyRouterInterfaceSpec { router_interface, spec }.into()
}

/// Mostly one whose other end names it.
pub fn connect(d: &mut Dice<'_>) -> Command {
    let world = d.world;
    let ready = |r: &&RouterInterface| {
        let other = r.opposite.router_interface.and_then(|id| world.get::<RouterInterface>(&id));
        let idle = r.status == RouterInterfaceStatus::Idle && r.role == Role::Initiating;
        idle && r.owner == d.caller.into() && other.is_some_and(|o| o.opposite.router_interface == Some(r.id))
    };
    let ready: Vec<RouterInterfaceId> =
        world.table::<RouterInterface>().iter().filter(ready).map(|r| r.id).collect();
    let router_interface =
        if ready.is_empty() || d.once_in(8) { one(d, RouterInterfaceStatus::Idle) } else { d.pick(&ready) };
    ConnectRouterInterface { router_interface }.into()
}

pub fn activate(d: &mut Dice<'_>) -> Command {
    ActivateRouterInterface { router_interface: one(d, RouterInterfaceStatus::Inactive) }.into()
}

pub fn deactivate(d: &mut Dice<'_>) -> Command {
    DeactivateRouterInterface { router_interface: one(d, RouterInterfaceStatus::Active) }.into()
}

pub fn delete(d: &mut Dice<'_>) -> Command {
    let status = d.pick(&[RouterInterfaceStatus::Inactive, RouterInterfaceStatus::Idle]);
    DeleteRouterInterface { router_interface: one(d, status) }.into()
}
