//! HaVips of random worlds.

use crate::ha_vips;
use crate::lab::*;
use crate::net::allocate;
use proptest::prelude::*;
use sim_core::ecs::eni::Eni;
use sim_core::id::{EniId, HaVipId, VSwitchId};
use sim_core::vpc::ha_vip::BindType;
use sim_core::vpc::ha_vip_binding::AssociateHaVip;
use sim_core::vpc::vswitch::VSwitch;

/// The vSwitch of a HaVip, the interfaces that it is bound to if they lie there, and whether it has an elastic IP address.
pub type HaVipSketch = (usize, Vec<usize>, bool);

pub fn sketch() -> impl Strategy<Value = Vec<HaVipSketch>> {
    prop::collection::vec((0..3_usize, prop::collection::vec(0..8_usize, 0..6), any::<bool>()), 0..4)
}

/// HaVips at .70 and on of their vSwitches, each with its bindings.
pub fn add(
    lab: &mut Lab,
    sketches: &[HaVipSketch],
    vswitches: &[VSwitchId; 3],
    enis: &[EniId],
) -> Vec<HaVipId> {
    let mut made = Vec::new();
    for (n, (vswitch, bound, eip)) in sketches.iter().enumerate() {
        let vswitch = vswitches[*vswitch];
        let free = 70 + sketches[..n].iter().filter(|other| vswitches[other.0] == vswitch).count();
        let first = lab.world.get::<VSwitch>(&vswitch).unwrap().block.bits();
        let ha_vip: HaVipId = lab.ok(ha_vips::new(vswitch, (first + free as u32).into())).id();
        for eni in bound.iter().map(|n| enis[n % enis.len()]) {
            let bind_type = if n == 2 { BindType::NetworkInterface } else { BindType::EcsInstance };
            let row = lab.world.get::<Eni>(&eni).unwrap();
            let target = match row.instance.filter(|_| bind_type == BindType::EcsInstance) {
                Some(instance) => instance.to_string(),
                None => eni.to_string(),
            };
            let _ = lab.run(AssociateHaVip { ha_vip, bind_type, target: target.into() });
        }
        if *eip {
            let eip = lab.ok(allocate()).id();
            lab.ok(ha_vips::address(eip, ha_vip));
        }
        made.push(ha_vip);
    }
    made
}
