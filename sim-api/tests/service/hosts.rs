//! A world with security groups, interfaces and hosts: the laboratory of the core's own tests.

#[path = "../../../sim-core/tests/ecs_lab/mod.rs"]
mod ecs_lab;

use super::pairs::Ids;
pub use ecs_lab::stored;
use ecs_lab::{Lab, SMALL, caller, host, vswitch};
use sim_core::ecs::eni::{Eni, EniKind, EniStatus, mac_of};
use sim_core::ecs::instance::InstanceStatus;
use sim_core::id::{EniId, Id, IdNumber, RegionCode, SecurityGroupId, VSwitchId, VpcId};
use sim_core::settings::Provisioning;
use sim_core::vpc::vswitch::VSwitch;
use sim_core::{Genesis, World};

/// Two VPCs: `vpc` with the vSwitches `web` (IPv6), `db` and `tiny` in one zone and `away` in another, the basic groups
/// `sg` and `sg2` and the enterprise group `ent`; `other` with the vSwitch `elsewhere` and the basic group `far`. The
/// hosts `node`, `stopped` (which takes a trunk), `starting` and `foreign` (in `other`) have primary interfaces of the
/// same names with `_eni`, in `sg` and `far`.
pub fn world(provisioning: Provisioning) -> (World, Ids) {
    world_with(Genesis::default(), provisioning)
}

/// The same, set otherwise.
pub fn world_with(genesis: Genesis, provisioning: Provisioning) -> (World, Ids) {
    let mut lab = Lab::with(genesis);
    if provisioning != Provisioning::Instant {
        lab.provision(provisioning);
    }
    let mut ids = Ids::from([
        ("vpc", lab.vpc.to_string()),
        ("other", lab.other_vpc.to_string()),
        ("web", lab.web.to_string()),
        ("db", lab.db.to_string()),
        ("tiny", lab.tiny.to_string()),
        ("away", lab.away.to_string()),
        ("elsewhere", lab.elsewhere.to_string()),
        ("sg", lab.sg.to_string()),
        ("sg2", lab.sg2.to_string()),
        ("ent", lab.ent.to_string()),
        ("far", lab.far.to_string()),
    ]);
    for (name, eni_name, instance) in [
        ("node", "node_eni", lab.node),
        ("stopped", "stopped_eni", lab.trunking),
        ("starting", "starting_eni", lab.starting),
        ("foreign", "foreign_eni", lab.foreign),
    ] {
        ids.insert(name, instance.to_string());
        ids.insert(eni_name, lab.primary(instance).to_string());
    }
    (lab.world, ids)
}

/// The world with so many interfaces more in the enterprise group, as stored rows.
pub fn crowded((mut world, ids): (World, Ids), count: u32) -> (World, Ids) {
    let vpc: VpcId = ids["vpc"].parse().unwrap();
    let group: SecurityGroupId = ids["ent"].parse().unwrap();
    let mut wide = |block: &str| -> VSwitchId {
        let command = vswitch(vpc, block, "cn-hangzhou-k", None).into();
        world.apply(world.now(), &caller(), command).outcome.unwrap().id()
    };
    let places = [wide("10.1.0.0/16"), wide("10.2.0.0/16")];
    let (template, _) = host(&world, 0, places[0], group, SMALL, InstanceStatus::Running);
    let mut loader = World::load();
    world.slice(None, 10_000).0.iter().for_each(|row| loader.change(row).unwrap());
    for n in 0..count {
        // Half of them in each vSwitch, so that no reserved address is touched.
        let (place, at) = (places[n as usize % 2], 1 + n / 2);
        let block = world.get::<VSwitch>(&place).unwrap().block;
        let number = IdNumber::new(2_000_000 + u64::from(n), 7, RegionCode::from_text("bp1").unwrap());
        let id = EniId::from_number(number);
        let eni = Eni {
            id,
            kind: EniKind::Secondary,
            status: EniStatus::Available,
            vswitch: place,
            primary_ip: (block.bits() + at).into(),
            mac: mac_of(id),
            instance: None,
            ..template.clone()
        };
        loader.change(&stored(&eni)).unwrap();
    }
    (loader.finish(world.seq(), world.now()).unwrap(), ids)
}
