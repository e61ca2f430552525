//! What clients read and change of the disks of instances.

use super::eni::take_inert;
use crate::listing::Rows;
use crate::rest::context::parse_id;
use crate::rpc::either_page::EitherPage;
use crate::rpc::params::Scope;
use crate::rpc::plan::{BadParams, Planned, done, show_tags_tag_key, sought, tags, text};
use serde_json::{Value, json};
use sim_core::ecs::disk::{Disk, ModifyDisks, SYSTEM_DEVICE};
use sim_core::ecs::instance::{ChargeType, Instance};
use sim_core::id::{DiskId, InstanceId};
use sim_core::{Caller, Outcome, World, ZoneId};
use std::collections::BTreeSet;

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[("DescribeDisks", DESCRIBE_INERT)];
const DESCRIBE_INERT: &[&str] = &["AdditionalAttributes", "Filter"];

/// How a disk is paid for: as its instance is.
fn charge(w: &World, d: &Disk) -> ChargeType {
    w.get::<Instance>(&d.instance).map_or(ChargeType::PostPaid, |instance| instance.terms.charge)
}

fn described(w: &World, d: &Disk) -> Value {
    let attached = d.created.to_seconds_text();
    let place =
        json!({ "InstanceId": d.instance.to_string(), "Device": SYSTEM_DEVICE, "AttachedTime": attached });
    json!({
        "DiskId": d.id.to_string(),
        "DiskName": d.name,
        "Description": d.description,
        "RegionId": d.owner.region.to_string(),
        "ZoneId": d.zone.to_string(),
        "InstanceId": d.instance.to_string(),
        "Device": SYSTEM_DEVICE,
        "Type": "system",
        "Status": "In_use",
        "Category": d.category.text(),
        "PerformanceLevel": level_of(d),
        "Size": d.size_gib,
        "ImageId": d.image,
        "DiskChargeType": charge(w, d).text(),
        "Encrypted": false,
        "Portable": false,
        "DeleteWithInstance": true,
        "DeleteAutoSnapshot": d.delete_auto_snapshot,
        "EnableAutoSnapshot": d.auto_snapshot,
        "BurstingEnabled": d.bursting,
        "EnableAutomatedSnapshotPolicy": false,
        "MultiAttach": "Disabled",
        "MountInstanceNum": 1,
        "ResourceGroupId": d.resource_group.to_string(),
        "CreationTime": attached,
        "AttachedTime": attached,
        "DetachedTime": "",
        "Attachments": { "Attachment": [place] },
        "MountInstances": { "MountInstance": [place] },
        "OperationLocks": { "OperationLock": [] },
        "Tags": show_tags_tag_key(w, d.id),
    })
}

pub fn describe_disks(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, DESCRIBE_INERT);
    let page = EitherPage::<DiskId>::read(p, 100, 500)?;
    let mut rows = Rows::<Disk>::all(|ix| &ix.disks.by_owner)
        .named(&p.json_strings("DiskIds", 100)?)
        .in_own(p.str("ZoneId").map(ZoneId::from), |ix| &ix.disks.by_zone, |owner, zone| (owner, zone))
        .tagged(tags(p)?)
        .keep(text(p, "Category"), |_, d, wanted| wanted == "all" || wanted == d.category.text())
        .keep(text(p, "DiskName"), |_, d, name| d.name == *name)
        .keep(text(p, "PerformanceLevel"), |_, d, level| level_of(d) == *level)
        .keep(sought(p, "ResourceGroupId"), |_, d, group| Some(d.resource_group) == *group)
        .keep(p.bool("EnableAutoSnapshot")?, |_, d, wanted| d.auto_snapshot == *wanted)
        .keep(p.bool("DeleteAutoSnapshot")?, |_, d, wanted| d.delete_auto_snapshot == *wanted)
        .keep(charged(p)?, |w, d, wanted| charge(w, d) == *wanted);
    if let Some(instance) = sought::<InstanceId>(p, "InstanceId") {
        rows = rows.found(move |w, _| {
            let instance = instance.and_then(|id| w.get::<Instance>(&id));
            Ok(instance.map(|instance| instance.system_disk).into_iter().collect())
        });
    }
    if asks_for_nothing(p)? {
        rows = rows.found(|_, _| Ok(BTreeSet::new()));
    }
    page.list(rows, "Disks", "Disk", described)
}

/// The performance level, as the provider writes it; empty if the disk has none.
fn level_of(d: &Disk) -> String {
    d.level.map(|level| format!("PL{level}")).unwrap_or_default()
}

/// How the disks are to be paid for.
fn charged(p: &Scope<'_>) -> Result<Option<ChargeType>, BadParams> {
    const CHARGES: &[(&str, ChargeType)] =
        &[("PostPaid", ChargeType::PostPaid), ("PrePaid", ChargeType::PrePaid)];
    Ok(p.choice("DiskChargeType", CHARGES).map_err(|e| e.with_code("InvalidDiskChargeType.NotFound"))?)
}

/// Filters for what no disk is here: every disk is a system disk in use, neither encrypted nor portable nor made of a
/// snapshot, and gone with its instance.
fn asks_for_nothing(p: &Scope<'_>) -> Result<bool, BadParams> {
    const STATUSES: &[(&str, bool)] = &[
        ("In_use", false),
        ("All", false),
        ("Available", true),
        ("Attaching", true),
        ("Detaching", true),
        ("Creating", true),
        ("ReIniting", true),
    ];
    const TYPES: &[(&str, bool)] = &[("all", false), ("system", false), ("data", true)];
    const SHARING: &[(&str, bool)] = &[("Disabled", false), ("Enabled", true), ("LegacyShared", true)];
    let status = p.choice("Status", STATUSES).map_err(|e| e.with_code("InvalidStatus.ValueNotSupported"))?;
    let kind = p.choice("DiskType", TYPES).map_err(|e| e.with_code("InvalidDiskType.ValueNotSupported"))?;
    let sharing =
        p.choice("MultiAttach", SHARING).map_err(|e| e.with_code("InvalidParameter.MultiAttach"))?;
    if (sharing, p.bool("EnableShared")?) == (Some(true), Some(false)) {
        let both = p.invalid("MultiAttach", "it is Enabled, and EnableShared is false");
        return Err(both.with_code("InvalidParameter.MultiAttachAndEnableSharedNotMatch").into());
    }
    let by_choice = [status, kind, sharing].contains(&Some(true));
    let absent = ["AutoSnapshotPolicyId", "KMSKeyId", "LockReason", "SnapshotId"];
    let by_text = absent.iter().filter(|name| p.str(name).is_some()).count() > 0;
    let never = ["EnableAutomatedSnapshotPolicy", "EnableShared", "Encrypted", "Portable"];
    let mut by_truth = p.bool("DeleteWithInstance")? == Some(false);
    for name in never {
        by_truth |= p.bool(name)? == Some(true);
    }
    Ok(by_choice || by_text || by_truth)
}

/// ModifyDiskAttribute: one disk by `DiskId`, or those of `DiskIds.N`. An empty name or description takes it away.
pub fn modify_disk_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    let change = ModifyDisks {
        disks: Vec::new(),
        name: p.raw("DiskName").map(Into::into),
        description: p.raw("Description").map(Into::into),
        delete_with_instance: p.bool("DeleteWithInstance")?,
        bursting: p.bool("BurstingEnabled")?,
        auto_snapshot: p.bool("EnableAutoSnapshot")?,
        delete_auto_snapshot: p.bool("DeleteAutoSnapshot")?,
    };
    let one = p.str("DiskId");
    let many = p.strings("DiskIds", 100)?;
    let texts = match (one, many.is_empty()) {
        (None, true) => return Err(p.missing("DiskId").with_code("MissingParameter.DiskIdOrDiskIds").into()),
        (Some(_), false) => {
            let both = p.invalid("DiskIds", "it is given beside DiskId");
            return Err(both.with_code("ParameterConflict.DiskIdAndDiskIds").into());
        }
        (Some(one), true) => vec![one],
        (None, false) => many,
    };
    done(ModifyDisks { disks: texts.into_iter().map(parse_id).collect::<Outcome<_>>()?, ..change })
}
