//! Random commands on instances and managed residents.

use super::interfaces::{groups_of, wanted};
use crate::dice::Dice;
use sim_core::Command;
use sim_core::ecs::disk::SystemDisk;
use sim_core::ecs::eni::{Eni, EniKind, EniStatus};
use sim_core::ecs::eni_address::Wanted;
use sim_core::ecs::eni_attachment::{AttachEni, DetachEni};
use sim_core::ecs::instance::{ChargeType, Instance, InstanceStatus, StoppedMode, Terms};
use sim_core::ecs::instance_create::{CreateInstance, Launch, LaunchInterface, RunInstances, Secondary};
use sim_core::ecs::instance_life::{
    BatchRule, DeleteInstances, RebootInstances, StartInstances, StopInstances,
};
use sim_core::ecs::instance_modify::{ModifyInstance, MoveInstance};
use sim_core::ecs::outage::{BeginOutage, OutageTarget};
use sim_core::ecs::public_address::AllocatePublicAddress;
use sim_core::ecs::service_port::{
    Behaviour, ClearServicePort, PlannedBehaviour, PortProtocol, ServicePort, SetServicePort,
};
use sim_core::ecs::user_data::UserData;
use sim_core::id::{EniId, InstanceId};
use sim_core::subscription::{Period, PeriodUnit};
use sim_core::vpc::resident::{CreateResident, DeleteResident, ModifyResident, Resident};
use sim_core::vpc::vswitch::VSwitch;
use sim_core::{SimTime, Span};

/// Two that are sold and one that is not.
const PERIODS: [Period; 3] = [
    Period { count: 1, unit: PeriodUnit::Week },
    Period { count: 12, unit: PeriodUnit::Month },
    Period { count: 5, unit: PeriodUnit::Week },
];

/// A type with 3 interfaces of 6 addresses, one whose trunk carries 3 members, one that does not exist.
pub const TYPES: [&str; 4] = ["ecs.g7.large", "ecs.u1-c1m4.xlarge", "ecs.g7.large", "ecs.none.large"];

fn interface(d: &mut Dice<'_>, vswitch: Option<&VSwitch>) -> LaunchInterface {
    LaunchInterface {
        vswitch: Some(vswitch.map_or_else(|| d.id::<VSwitch>(), |s| s.id)),
        groups: groups_of(d, vswitch.map(|s| s.vpc)),
        primary_ip: if d.once_in(4) { vswitch.map(|s| d.part(s.block, 32..=32).first()) } else { None },
        wanted: if d.once_in(5) { wanted(d, vswitch) } else { Wanted::default() },
        ..LaunchInterface::default()
    }
}

fn user_data(d: &mut Dice<'_>) -> Option<UserData> {
    UserData::parse(d.maybe(|d| d.pick(&["QQ==", "IyEvYmluL3NoCg=="]))).expect("they are Base64")
}

fn launch(d: &mut Dice<'_>) -> Launch {
    let own = d.own::<VSwitch>();
    let primary = interface(d, own);
    let secondary = match d.roll(6) {
        3 => vec![Secondary::New(LaunchInterface { keep: d.once_in(2), ..LaunchInterface::default() })],
        4 => vec![Secondary::New(LaunchInterface { trunk: true, ..interface(d, own) })],
        5 => vec![Secondary::Existing(d.id::<Eni>())],
        _ => Vec::new(),
    };
    let charge = if d.once_in(6) { ChargeType::PrePaid } else { ChargeType::PostPaid };
    let image = d.pick(&["aliyun_3_x64_20G_alibase_20240819.vhd", "m-1"]);
    Launch {
        instance_type: d.pick(&TYPES).into(),
        image: Some(
            if image == "m-1" && !d.once_in(4) { "ubuntu_22_04_x64_20G_alibase_20240710.vhd" } else { image }
                .into(),
        ),
        primary,
        secondary,
        name: d.text(),
        description: d.text().filter(|_| d.once_in(2)),
        deletion_protection: d.once_in(8),
        system_disk: SystemDisk { size_gib: d.maybe(|d| d.pick(&[40, 20, 4_000])), ..SystemDisk::default() },
        user_data: user_data(d),
        terms: Terms {
            charge,
            period: d.pick(&PERIODS),
            bandwidth_out: d.pick(&[0, 0, 0, 5, 100, 101]),
            ..Terms::default()
        },
        resource_group: d.resource_group(),
        tags: d.tags(),
        ..Launch::default()
    }
}

pub fn create_instance(d: &mut Dice<'_>) -> Command {
    CreateInstance { launch: Box::new(launch(d)) }.into()
}

pub fn run_instances(d: &mut Dice<'_>) -> Command {
    let amount = d.pick(&[1, 2, 3, 0]);
    let min_amount = d.maybe(|d| d.pick(&[1, 2]));
    RunInstances {
        launch: Box::new(launch(d)),
        amount,
        min_amount,
        host_names: if d.once_in(8) { vec!["a1".into(); usize::from(amount)] } else { Vec::new() },
        unique_suffix: d.once_in(3),
    }
    .into()
}

/// One or two instances, mostly of a status.
pub fn some(d: &mut Dice<'_>, status: InstanceStatus) -> Vec<InstanceId> {
    let all = d.world.table::<Instance>().iter();
    let ids: Vec<_> = all.filter(|i| i.owner.admits(d.caller) && i.status == status).map(|i| i.id).collect();
    let mut instances = vec![if ids.is_empty() || d.once_in(8) { d.id::<Instance>() } else { d.pick(&ids) }];
    if d.once_in(4) {
        instances.push(d.id::<Instance>());
    }
    instances
}

fn rule(d: &mut Dice<'_>) -> BatchRule {
    d.pick(&[BatchRule::AllTogether, BatchRule::SuccessFirst])
}

pub fn start(d: &mut Dice<'_>) -> Command {
    StartInstances { instances: some(d, InstanceStatus::Stopped), rule: rule(d) }.into()
}

pub fn stop(d: &mut Dice<'_>) -> Command {
    let instances = some(d, InstanceStatus::Running);
    let mode = d.maybe(|_| StoppedMode::StopCharging);
    StopInstances { instances, mode, force: false, rule: rule(d) }.into()
}

pub fn public_address(d: &mut Dice<'_>) -> Command {
    let rows = d.world.table::<Instance>().iter();
    let fit: Vec<InstanceId> = rows
        .filter(|i| i.terms.bandwidth_out > 0 && i.owner == d.caller.into())
        .map(|instance| instance.id)
        .collect();
    let instance = if fit.is_empty() || d.once_in(6) { d.id::<Instance>() } else { d.pick(&fit) };
    let address = if d.once_in(4) { Some([198, 18, 0, 1 + d.roll(6) as u8].into()) } else { None };
    AllocatePublicAddress { instance, address }.into()
}

pub fn reboot(d: &mut Dice<'_>) -> Command {
    RebootInstances { instances: some(d, InstanceStatus::Running), force: false, rule: rule(d) }.into()
}

pub fn delete(d: &mut Dice<'_>) -> Command {
    let instances = some(d, InstanceStatus::Stopped);
    DeleteInstances { instances, force: d.once_in(2), terminate_subscription: d.once_in(2) }.into()
}

pub fn modify(d: &mut Dice<'_>) -> Command {
    let own = d.own::<Instance>();
    ModifyInstance {
        instance: own.map_or_else(|| d.id::<Instance>(), |i| i.id),
        name: d.text(),
        host_name: d.maybe(|d| d.pick(&["web", "web-1", "-"]).into()),
        description: d.text(),
        deletion_protection: d.maybe(|d| d.once_in(3)),
        groups: d.maybe(|d| groups_of(d, own.map(|i| i.vpc))),
        password: None,
        user_data: user_data(d),
    }
    .into()
}

pub fn relocate(d: &mut Dice<'_>) -> Command {
    let instance = some(d, InstanceStatus::Stopped)[0];
    let vswitch = d.own::<VSwitch>();
    let home = d.world.get::<Instance>(&instance).map(|i| i.vpc);
    let abroad = vswitch.map(|s| s.vpc).filter(|vpc| Some(*vpc) != home);
    MoveInstance {
        instance,
        vswitch: vswitch.map_or_else(|| d.id::<VSwitch>(), |s| s.id),
        primary_ip: if d.once_in(3) { vswitch.map(|s| d.part(s.block, 32..=32).first()) } else { None },
        vpc: abroad,
        groups: if abroad.is_some() || d.once_in(8) { groups_of(d, abroad) } else { Vec::new() },
    }
    .into()
}

/// An interface that fits, mostly one of the caller's.
fn eni(d: &mut Dice<'_>, fits: impl Fn(&Eni) -> bool) -> EniId {
    let all = d.world.table::<Eni>().iter();
    let ids: Vec<EniId> = all.filter(|e| e.owner.admits(d.caller) && fits(e)).map(|e| e.id).collect();
    if d.once_in(8) { d.id::<Eni>() } else { d.one_of(&ids) }
}

pub fn attach(d: &mut Dice<'_>) -> Command {
    let trunk =
        if d.once_in(2) { Some(eni(d, |e| e.kind == EniKind::Trunk && e.instance.is_some())) } else { None };
    let of_trunk = trunk.and_then(|id| d.world.get::<Eni>(&id)).and_then(|eni| eni.instance);
    let instance = of_trunk.unwrap_or_else(|| d.id::<Instance>());
    let eni = eni(d, |e| e.status == EniStatus::Available);
    AttachEni { eni, instance, trunk }.into()
}

pub fn detach(d: &mut Dice<'_>) -> Command {
    let eni = eni(d, |e| e.status == EniStatus::InUse && e.kind != EniKind::Primary);
    DetachEni { eni, instance: None, trunk: None }.into()
}

pub fn create_resident(d: &mut Dice<'_>) -> Command {
    let own = d.own::<VSwitch>();
    CreateResident {
        kind: d.pick(&["rds", "redis", "kafka", "Rds"]).into(),
        vswitch: own.map_or_else(|| d.id::<VSwitch>(), |s| s.id),
        groups: groups_of(d, own.map(|s| s.vpc)),
        address: d.maybe(|d| own.map(|s| d.part(s.block, 32..=32).first())).flatten(),
        name: d.text(),
        port: d.maybe(|d| d.pick(&[3_306, 0])),
        tags: d.tags(),
    }
    .into()
}

pub fn modify_resident(d: &mut Dice<'_>) -> Command {
    let own = d.own::<Resident>();
    ModifyResident {
        resident: own.map_or_else(|| d.id::<Resident>(), |r| r.id),
        name: d.text(),
        groups: d.maybe(|d| groups_of(d, own.map(|r| r.vpc))),
        port: d.maybe(|d| d.pick(&[6_379, 0])),
    }
    .into()
}

pub fn delete_resident(d: &mut Dice<'_>) -> Command {
    DeleteResident { resident: d.id::<Resident>() }.into()
}

fn behaviour(d: &mut Dice<'_>) -> Behaviour {
    match d.roll(4) {
        0 => Behaviour::Refuses,
        1 => Behaviour::Silent,
        _ => Behaviour::Answers {
            after: Span(d.pick(&[0, 20, 20, 5_000, -1])),
            status: d.pick(&[200, 200, 503, 503, 99]),
        },
    }
}

fn soon(d: &mut Dice<'_>) -> SimTime {
    d.world.now() + Span(d.pick(&[1, 1_000, 5_000, 60_000, 0]))
}

pub fn set_port(d: &mut Dice<'_>) -> Command {
    let planned = (0..d.roll(3)).map(|_| PlannedBehaviour { at: soon(d), behaviour: behaviour(d) }).collect();
    SetServicePort {
        instance: d.id::<Instance>(),
        protocol: d.pick(&[PortProtocol::Tcp, PortProtocol::Udp]),
        port: d.pick(&[80, 80, 80, 443, 0]),
        behaviour: d.maybe(behaviour),
        planned,
    }
    .into()
}

pub fn clear_port(d: &mut Dice<'_>) -> Command {
    let told: Vec<&ServicePort> = d.world.table::<ServicePort>().iter().collect();
    if told.is_empty() || d.once_in(3) {
        let (protocol, port) = (PortProtocol::Tcp, 80);
        return ClearServicePort { instance: d.id::<Instance>(), protocol, port }.into();
    }
    let told = d.pick(&told);
    ClearServicePort { instance: told.instance, protocol: told.protocol, port: told.port }.into()
}

pub fn begin_outage(d: &mut Dice<'_>) -> Command {
    let target = match d.roll(3) {
        0 => OutageTarget::Zone(super::networks::zone(d)),
        1 => OutageTarget::Instance(d.id::<Instance>()),
        _ => OutageTarget::Eni(d.id::<Eni>()),
    };
    BeginOutage { target, from: d.maybe(soon), until: d.maybe(soon) }.into()
}
