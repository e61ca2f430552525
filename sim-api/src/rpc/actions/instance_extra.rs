//! Small questions about instances: renewal, private pools, maintenance, role, console, user data.

use crate::rest::context::parse_id;
use crate::rpc::params::Scope;
use crate::rpc::plan::{BadParams, NumberedPage, Planned, read, required_id};
use serde_json::{Value, json};
use sim_core::ecs::instance::{ChargeType, Instance, InstanceStatus};
use sim_core::ecs::maintenance::{MaintenanceAction, MaintenanceWindow};
use sim_core::ecs::user_data::UserData;
use sim_core::id::InstanceId;
use sim_core::{Caller, ErrorCode, Outcome, Owner, Refusal, World};

/// The instances that are named, or all of the caller's.
fn named_or_all<'w>(w: &'w World, caller: &Caller, ids: &[InstanceId]) -> Outcome<Vec<&'w Instance>> {
    if ids.is_empty() {
        let all = w.indexes().instances.by_owner.of(&Owner::from(caller));
        return Ok(all.filter_map(|id| w.get::<Instance>(id)).collect());
    }
    ids.iter().map(|id| w.visible::<Instance>(caller, *id)).collect()
}

fn parse_ids<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<InstanceId>, BadParams> {
    Ok(texts.into_iter().map(parse_id).collect::<Result<_, _>>()?)
}

/// DescribeInstanceAutoRenewAttribute: only subscriptions renew themselves.
pub fn describe_auto_renew(p: &Scope<'_>, _: &Caller) -> Planned {
    const STATUSES: &[(&str, &str)] =
        &[("AutoRenewal", "AutoRenewal"), ("Normal", "Normal"), ("NotRenewal", "NotRenewal")];
    let page = NumberedPage::read(p, 100)?;
    let status =
        p.choice("RenewalStatus", STATUSES).map_err(|e| e.with_code("InvalidParameter.RenewalStatus"))?;
    let texts = p.commas("InstanceId", 100);
    let ids = parse_ids(texts.map_err(|e| e.with_code("InvalidParameter.ToManyInstanceIds"))?)?;
    if ids.is_empty() && status.is_none() {
        return Err(p.missing("InstanceId").with_code("InvalidParameter.RenewalStatusInstanceId").into());
    }
    read(move |w, caller| {
        let all = named_or_all(w, caller, &ids)?;
        let other = all.iter().find(|i| i.terms.charge == ChargeType::PostPaid);
        if let Some(other) = other.filter(|_| !ids.is_empty()) {
            return Err(Refusal::new(ErrorCode::InstanceNotSubscription)
                .field("instance_id")
                .detail(format!("{} is paid by use.", other.id)));
        }
        let wanted = all.into_iter().filter(|i| {
            let fits = status.is_none_or(|status| status == i.terms.renewal.text());
            i.terms.charge == ChargeType::PrePaid && fits
        });
        let show = |i: &Instance| {
            let renews = i.terms.renewal.months();
            json!({
                "InstanceId": i.id.to_string(),
                "AutoRenewEnabled": renews.is_some(),
                "Duration": renews.unwrap_or(0),
                "PeriodUnit": "Month",
                "RenewalStatus": i.terms.renewal.text(),
            })
        };
        Ok(page.show(wanted, "InstanceRenewAttributes", "InstanceRenewAttribute", show))
    })
}

/// DescribeInstanceAttachmentAttributes: there are no private pools of capacity, so no instance is of one, and each may use
/// an open one, as at the provider where nothing else was asked for.
pub fn describe_attachment(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 100)?;
    let texts = p.json_strings("InstanceIds", 100)?;
    let ids = parse_ids(texts.iter().map(String::as_str))?;
    if ids.is_empty() {
        return Err(p.missing("InstanceIds").into());
    }
    read(move |w, caller| {
        let show = |i: &Instance| {
            json!({
                "InstanceId": i.id.to_string(),
                "PrivatePoolOptionsId": "",
                "PrivatePoolOptionsMatchCriteria": "Open",
            })
        };
        let wanted = named_or_all(w, caller, &ids)?.into_iter();
        Ok(page.show(wanted, "Instances", "Instance", show))
    })
}

/// DescribeInstanceMaintenanceAttributes: what ModifyInstanceMaintenanceAttributes was told, or the provider's defaults.
pub fn describe_maintenance(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 100)?;
    let ids = parse_ids(p.strings("InstanceId", 100)?)?;
    read(move |w, caller| {
        let show = |i: &Instance| -> Value {
            let window =
                |w: MaintenanceWindow| json!({ "StartTime": w.start_text(), "EndTime": w.end_text() });
            let windows: Vec<Value> = i.maintenance.window.map(window).into_iter().collect();
            let supported: Vec<&str> = MaintenanceAction::ALL.iter().map(|(word, _)| *word).collect();
            json!({
                "InstanceId": i.id.to_string(),
                "ActionOnMaintenance": {
                    "Value": i.maintenance.action.text(),
                    "DefaultValue": MaintenanceAction::default().text(),
                    "SupportedValues": { "SupportedValue": supported },
                },
                "MaintenanceWindows": { "MaintenanceWindow": windows },
                "NotifyOnMaintenance": i.maintenance.notify,
            })
        };
        let wanted = named_or_all(w, caller, &ids)?.into_iter();
        Ok(page.show(wanted, "MaintenanceAttributes", "MaintenanceAttribute", show))
    })
}

/// DescribeInstanceRamRole: the names of roles as they were given when the instances were made.
pub fn describe_ram_role(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 50)?;
    let texts = p.json_strings("InstanceIds", 100)?;
    let ids = parse_ids(texts.iter().map(String::as_str))?;
    let role = p.str("RamRoleName").map(str::to_owned);
    if ids.is_empty() && role.is_none() {
        return Err(p.missing("InstanceIds").with_code("InvalidParameter.AllEmpty").into());
    }
    read(move |w, caller| {
        let wanted = named_or_all(w, caller, &ids)?.into_iter();
        let wanted = wanted.filter(|i| role.as_ref().is_none_or(|role| i.terms.ram_role == *role));
        let show = |i: &Instance| json!({ "InstanceId": i.id.to_string(), "RamRoleName": i.terms.ram_role });
        let paged = page.show(wanted, "InstanceRamRoleSets", "InstanceRamRoleSet", show);
        Ok(json!({
            "RegionId": caller.region.to_string(),
            "TotalCount": paged["TotalCount"],
            "InstanceRamRoleSets": paged["InstanceRamRoleSets"],
        }))
    })
}

/// DescribeInstanceVncUrl: an instance here has no screen, so there is no address of one.
pub fn describe_vnc_url(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<InstanceId>(p, "InstanceId")?;
    read(move |w, caller| {
        w.visible::<Instance>(caller, id)?.check_status(InstanceStatus::Running)?;
        Ok(json!({ "VncUrl": "" }))
    })
}

/// DescribeUserData: in Base64, as it was given; empty for an instance without any.
pub fn describe_user_data(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<InstanceId>(p, "InstanceId")?;
    read(move |w, caller| {
        let instance = w.visible::<Instance>(caller, id)?;
        Ok(json!({
            "InstanceId": id.to_string(),
            "RegionId": caller.region.to_string(),
            "UserData": instance.user_data.as_ref().map_or("", UserData::encoded),
        }))
    })
}
