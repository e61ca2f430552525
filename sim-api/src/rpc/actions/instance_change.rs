//! Actions that change the type of instances, how they are paid for, their metadata service and their maintenance.

use super::eni::take_inert;
use super::instance::metadata_change;
use super::instance_describe::read_minutes;
use crate::rest::context::parse_id;
use crate::rpc::params::Scope;
use crate::rpc::plan::{Planned, done, required_id, write};
use serde_json::{Value, json};
use sim_core::ecs::instance::{ChargeType, Renewal};
use sim_core::ecs::instance_charge::{ModifyInstanceCharge, ModifyRenewal, NewCharge};
use sim_core::ecs::instance_spec::ModifyInstanceSpec;
use sim_core::ecs::maintenance::{MaintenanceAction, MaintenanceWindow, ModifyMaintenance};
use sim_core::ecs::metadata_options::ModifyMetadataOptions;
use sim_core::id::InstanceId;
use sim_core::subscription::PeriodUnit;
use sim_core::{Caller, Outcome};

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[
    ("ModifyInstanceSpec", SPEC_INERT),
    ("ModifyPrepayInstanceSpec", PREPAY_SPEC_INERT),
    ("ModifyInstanceChargeType", CHARGE_INERT),
];
// There are no clusters of hosts, no types that went off sale, no temporary bandwidth; disks stay what they are.
const SPEC_INERT: &[&str] =
    &["AllowMigrateAcrossZone", "Async", "Disk", "ModifyMode", "SystemDisk.Category", "Temporary"];
// A change is for good and of a stopped instance, which is not restarted; disks stay what they are.
const PREPAY_SPEC_INERT: &[&str] = &[
    "AutoPay",
    "Disk",
    "EndTime",
    "MigrateAcrossZone",
    "ModifyMode",
    "OperatorType",
    "RebootTime",
    "RebootWhenFinished",
    "SystemDisk.Category",
];
// Orders are paid as they are made, since nothing costs anything; there are no data disks.
const CHARGE_INERT: &[&str] = &["AutoPay", "IncludeDataDisks"];

/// The most instances that a request may name before the core counts them.
const MOST_NAMED: usize = 1_000;

pub fn modify_instance_spec(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, SPEC_INERT);
    let outwards = p.int("InternetMaxBandwidthOut", 0..=i64::from(u32::MAX));
    let inwards = p.int("InternetMaxBandwidthIn", 0..=i64::from(u32::MAX));
    done(ModifyInstanceSpec {
        instance: required_id(p, "InstanceId")?,
        charge: Some(ChargeType::PostPaid),
        instance_type: p.str("InstanceType").map(Into::into),
        bandwidth_out: outwards.map_err(|e| e.with_code("InvalidParameter"))?.map(|n| n as u32),
        bandwidth_in: inwards.map_err(|e| e.with_code("InvalidParameter.Bandwidth"))?.map(|n| n as u32),
    })
}

/// ModifyPrepayInstanceSpec. Which of two types is the larger one is the provider's to say, who needs not be told.
pub fn modify_prepay_instance_spec(p: &Scope<'_>, _: &Caller) -> Planned {
    const OPERATORS: &[(&str, ())] = &[("upgrade", ()), ("downgrade", ())];
    take_inert(p, PREPAY_SPEC_INERT);
    p.choice("OperatorType", OPERATORS)?;
    if p.str("RebootTime").is_some_and(|text| read_minutes(text).is_none()) {
        let error = p.invalid("RebootTime", "it must be a time such as 2026-11-24T03:51Z");
        return Err(error.with_code("InvalidRebootTime.MalFormed").into());
    }
    let command = ModifyInstanceSpec {
        instance: required_id(p, "InstanceId")?,
        charge: Some(ChargeType::PrePaid),
        instance_type: Some(p.required("InstanceType")?.into()),
        bandwidth_out: None,
        bandwidth_in: None,
    };
    write(command, |_, _, reply| json!({ "OrderId": reply.order().to_string() }))
}

/// ModifyInstanceChargeType: nothing costs anything, so that every fee is 0.
pub fn modify_instance_charge_type(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, CHARGE_INERT);
    let in_advance = p.choice("InstanceChargeType", &[("PrePaid", true), ("PostPaid", false)]);
    let in_advance =
        in_advance.map_err(|e| e.with_code("InvalidInstanceChargeType.ValueNotSupported"))?.unwrap_or(true);
    let period = p.int("Period", 0..=i64::from(u32::MAX)).map_err(|e| e.with_code("InvalidPeriod"))?;
    let unit =
        p.choice("PeriodUnit", PeriodUnit::ALL).map_err(|e| e.with_code("InvalidPeriod.UnitMismatch"))?;
    let charge = match in_advance {
        true => NewCharge::PrePaid { period: period.map(|n| n as u32), unit: unit.unwrap_or_default() },
        false => NewCharge::PostPaid,
    };
    let with_fees = p.bool("IsDetailFee")?.unwrap_or(false) && !in_advance;
    let texts = p.json_strings("InstanceIds", MOST_NAMED);
    let texts = texts.map_err(|e| e.with_code("InvalidParameter.InstanceIds"))?;
    let instances: Vec<InstanceId> = texts.iter().map(|text| parse_id(text)).collect::<Outcome<_>>()?;
    let shown = instances.clone();
    write(ModifyInstanceCharge { instances, charge }, move |_, _, reply| {
        let fee = |id: &InstanceId| json!({ "InstanceId": id.to_string(), "Currency": "CNY", "Fee": "0" });
        let fees: Vec<Value> = shown.iter().filter(|_| with_fees).map(fee).collect();
        json!({ "OrderId": reply.order().to_string(), "FeeOfInstances": { "FeeOfInstance": fees } })
    })
}

/// ModifyInstanceAutoRenewAttribute: `RenewalStatus` goes before `AutoRenew`.
pub fn modify_instance_auto_renew_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    const UNITS: &[(&str, i64)] = &[("Month", 1), ("month", 1), ("Year", 12), ("year", 12)];
    const STATUSES: &[(&str, Renewal)] =
        &[("AutoRenewal", Renewal::Auto(1)), ("Normal", Renewal::Normal), ("NotRenewal", Renewal::Never)];
    let status = p.choice("RenewalStatus", STATUSES);
    let status = status.map_err(|e| e.with_code("InvalidParameter.RenewalStatus"))?;
    let renews = if p.bool("AutoRenew")?.unwrap_or(false) { Renewal::Auto(1) } else { Renewal::Normal };
    let unit =
        p.choice("PeriodUnit", UNITS).map_err(|e| e.with_code("InvalidPeriodUnit.ValueNotSupported"))?;
    let count = p.int("Duration", 0..=60).map_err(|e| e.with_code("InvalidParameter.Duration"))?;
    let renewal = match status.unwrap_or(renews) {
        Renewal::Auto(_) => Renewal::Auto((count.unwrap_or(1) * unit.unwrap_or(1)) as u16),
        other => other,
    };
    let texts = p.commas("InstanceId", MOST_NAMED);
    let texts = texts.map_err(|e| e.with_code("InvalidParameter.ToManyInstanceIds"))?;
    done(ModifyRenewal { instances: texts.into_iter().map(parse_id).collect::<Outcome<_>>()?, renewal })
}

pub fn modify_instance_metadata_options(p: &Scope<'_>, _: &Caller) -> Planned {
    let mut change = metadata_change(p)?;
    if p.str("InstanceMetadataTags").is_some() {
        let error = p.invalid("InstanceMetadataTags", "tags are no part of the metadata here");
        return Err(error.with_code("InvalidInstanceMetadataTags.NotSupported").into());
    }
    // The one parameter that is always sent.
    change.enabled = Some(change.enabled.ok_or_else(|| p.missing("HttpEndpoint"))?);
    done(ModifyMetadataOptions { instance: required_id(p, "InstanceId")?, change })
}

pub fn modify_instance_maintenance_attributes(p: &Scope<'_>, _: &Caller) -> Planned {
    const CODE: &str = "InvalidParameter";
    let texts = p.strings("InstanceId", MOST_NAMED)?;
    let window = p.objects("MaintenanceWindow", 1).map_err(|e| e.with_code(CODE))?;
    let parse = |w: &Scope<'_>| MaintenanceWindow::parse(w.str("StartTime"), w.str("EndTime"));
    done(ModifyMaintenance {
        instances: texts.into_iter().map(parse_id).collect::<Outcome<_>>()?,
        action: p.choice("ActionOnMaintenance", MaintenanceAction::ALL).map_err(|e| e.with_code(CODE))?,
        notify: p.bool("NotifyOnMaintenance")?,
        window: window.first().map(parse).transpose()?,
    })
}
