//! Random changes of instances: type, bandwidth, payment, metadata service, maintenance, disks.

use super::hosts::{TYPES, some};
use crate::dice::Dice;
use sim_core::Command;
use sim_core::ecs::disk::{Disk, ModifyDisks};
use sim_core::ecs::instance::{ChargeType, Instance, InstanceStatus, Renewal};
use sim_core::ecs::instance_charge::{ModifyInstanceCharge, ModifyRenewal, NewCharge};
use sim_core::ecs::instance_spec::ModifyInstanceSpec;
use sim_core::ecs::maintenance::{MaintenanceAction, MaintenanceWindow, ModifyMaintenance};
use sim_core::ecs::metadata_options::{MetadataChange, ModifyMetadataOptions};
use sim_core::id::InstanceId;
use sim_core::subscription::PeriodUnit;

pub fn spec(d: &mut Dice<'_>) -> Command {
    let instance = some(d, InstanceStatus::Stopped)[0];
    let of_type = d.once_in(2);
    let out = [0, 5, 100, 101];
    ModifyInstanceSpec {
        instance,
        charge: d.maybe(|d| d.pick(&[ChargeType::PostPaid, ChargeType::PrePaid])),
        instance_type: of_type.then(|| d.pick(&TYPES).into()),
        bandwidth_out: if of_type && !d.once_in(8) { None } else { d.maybe(|d| d.pick(&out)) },
        bandwidth_in: if of_type { None } else { d.maybe(|d| d.pick(&[10, 200])) },
    }
    .into()
}

pub fn charge(d: &mut Dice<'_>) -> Command {
    let unit = d.pick(&[PeriodUnit::Week, PeriodUnit::Month]);
    let period = d.maybe(|d| d.pick(&[1, 4, 60, 0]));
    let charge = if d.once_in(2) { NewCharge::PostPaid } else { NewCharge::PrePaid { period, unit } };
    ModifyInstanceCharge { instances: some(d, InstanceStatus::Running), charge }.into()
}

pub fn renewal(d: &mut Dice<'_>) -> Command {
    let all = d.world.table::<Instance>().iter();
    let fit = |i: &&Instance| i.owner.admits(d.caller) && i.terms.charge == ChargeType::PrePaid;
    let fit: Vec<InstanceId> = all.filter(fit).map(|i| i.id).collect();
    let instance = if fit.is_empty() || d.once_in(6) { d.id::<Instance>() } else { d.pick(&fit) };
    let renewal =
        d.pick(&[Renewal::Normal, Renewal::Auto(1), Renewal::Auto(12), Renewal::Auto(4), Renewal::Never]);
    ModifyRenewal { instances: vec![instance], renewal }.into()
}

pub fn metadata(d: &mut Dice<'_>) -> Command {
    let change = MetadataChange {
        enabled: d.maybe(|d| d.once_in(2)),
        tokens_required: d.maybe(|d| d.once_in(2)),
        hop_limit: d.maybe(|d| d.pick(&[1, 2, 64, 65])),
    };
    ModifyMetadataOptions { instance: d.id::<Instance>(), change }.into()
}

pub fn maintenance(d: &mut Dice<'_>) -> Command {
    let window = MaintenanceWindow::parse(Some("23:00:00"), Some("05:00:00"));
    ModifyMaintenance {
        instances: some(d, InstanceStatus::Running),
        action: d.maybe(|d| d.pick(&[MaintenanceAction::Stop, MaintenanceAction::AutoRedeploy])),
        notify: d.maybe(|d| d.once_in(2)),
        window: d.maybe(|_| window.expect("it is a window")),
    }
    .into()
}

pub fn disks(d: &mut Dice<'_>) -> Command {
    ModifyDisks {
        disks: vec![d.id::<Disk>()],
        name: d.text(),
        description: d.text(),
        delete_with_instance: d.maybe(|d| !d.once_in(4)),
        bursting: d.maybe(|d| d.once_in(4)),
        auto_snapshot: d.maybe(|d| d.once_in(2)),
        delete_auto_snapshot: d.maybe(|d| d.once_in(2)),
    }
    .into()
}
