//! HaVips and what they are bound to.

use crate::dice::Dice;
use compact_str::{CompactString, ToCompactString};
use sim_core::Command;
use sim_core::ecs::eni::Eni;
use sim_core::id::AnyId;
use sim_core::vpc::ha_vip::{BindType, CreateHaVip, HaVip};
use sim_core::vpc::ha_vip_binding::{AssociateHaVip, UnassociateHaVip};
use sim_core::vpc::vswitch::VSwitch;
use std::net::Ipv4Addr;

pub fn create(d: &mut Dice<'_>) -> Command {
    // Mostly where something is to be bound.
    let hosts: Vec<_> = d.world.table::<Eni>().iter().filter(|e| e.instance.is_some()).collect();
    let host = if hosts.is_empty() || d.once_in(6) { None } else { Some(d.pick(&hosts)) };
    let vswitch = host.map_or_else(|| d.id::<VSwitch>(), |eni| eni.vswitch);
    let block = d.world.get::<VSwitch>(&vswitch).map(|s| s.block);
    let address = d.maybe(|d| {
        let at = [0, 5, 9, 20, 300][d.roll(5)];
        block.map_or(Ipv4Addr::new(10, 0, 0, 9), |b| Ipv4Addr::from(u32::from(b.first()) + at))
    });
    CreateHaVip {
        vswitch,
        address,
        name: if d.once_in(4) { d.text() } else { None },
        description: if d.once_in(4) { d.text() } else { None },
        resource_group: d.resource_group(),
        tags: d.tags(),
    }
    .into()
}

fn called(eni: &Eni, bind_type: BindType) -> CompactString {
    let instance = eni.instance.filter(|_| bind_type == BindType::EcsInstance);
    instance.map_or_else(|| AnyId::from(eni.id), AnyId::from).to_compact_string()
}

fn bind_type(d: &mut Dice<'_>) -> BindType {
    if d.once_in(3) { BindType::NetworkInterface } else { BindType::EcsInstance }
}

pub fn associate(d: &mut Dice<'_>) -> Command {
    let vip = d.own::<HaVip>();
    let ha_vip = vip.map_or_else(|| d.id::<HaVip>(), |vip| vip.id);
    let bind_type = bind_type(d);
    // Mostly what lies in its vSwitch.
    let near = vip.filter(|_| !d.once_in(8)).map(|vip| vip.vswitch);
    let enis = d.world.table::<Eni>().iter();
    let enis: Vec<&Eni> = enis.filter(|e| near.is_none_or(|vswitch| e.vswitch == vswitch)).collect();
    let target = if enis.is_empty() { "i-none".into() } else { called(d.pick(&enis), bind_type) };
    AssociateHaVip { ha_vip, bind_type, target }.into()
}

pub fn unassociate(d: &mut Dice<'_>) -> Command {
    let bound: Vec<&HaVip> = d.world.table::<HaVip>().iter().filter(|vip| !vip.bound.is_empty()).collect();
    let force = d.once_in(2);
    if bound.is_empty() || d.once_in(8) {
        let (ha_vip, bind_type) = (d.id::<HaVip>(), bind_type(d));
        let target = d.id::<Eni>().to_compact_string();
        return UnassociateHaVip { ha_vip, bind_type, target, force }.into();
    }
    let vip = d.pick(&bound);
    let targets = vip.bound_to(d.world);
    let target = d.pick(&targets).to_compact_string();
    UnassociateHaVip { ha_vip: vip.id, bind_type: vip.bind_type, target, force }.into()
}
