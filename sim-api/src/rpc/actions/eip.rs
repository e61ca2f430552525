//! Actions on elastic IP addresses.

use crate::listing::Rows;
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    BadParams, NumberedPage, Planned, done, optional_id, required_id, show_tags_key_value, sought, tags,
    text, write,
};
use serde_json::{Value, json};
use sim_core::ecs::eni_address::parse4;
use sim_core::ecs::instance::ChargeType;
use sim_core::id::{AnyId, EipId, EniId, InstanceId, ResourceGroupId};
use sim_core::vpc::eip::{self, AllocateEip, Eip, EipStatus, InternetCharge, Isp, ModifyEip, ReleaseEip};
use sim_core::vpc::eip_binding::{self, AssociateEip, Mode, TargetKind, UnassociateEip};
use sim_core::vpc::nat_gateway::ModifyNatGateway;
use sim_core::{Caller, ErrorCode, Refusal, SimTime, World};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[
    ("AllocateEipAddress", ALLOCATE_INERT),
    // Only a target of the type IpAddress has it, and there are none.
    ("AssociateEipAddress", &["VpcId"]),
    ("DescribeEipAddresses", DESCRIBE_INERT),
];
const ALLOCATE_INERT: &[&str] = &["ActivityId", "AutoPay", "InstanceId", "Netmode"];
const DESCRIBE_INERT: &[&str] = &["IncludeReservationData"];

const CHARGES: &[(&str, ChargeType)] =
    &[("PostPaid", ChargeType::PostPaid), ("PrePaid", ChargeType::PrePaid)];

fn bandwidth(p: &Scope<'_>) -> Result<Option<u32>, BadParams> {
    Ok(p.str("Bandwidth").map(eip::parse_bandwidth).transpose()?)
}

/// `Period` in `PricingCycle`s, months if absent.
fn months(p: &Scope<'_>) -> Result<Option<u32>, BadParams> {
    let times = p.choice("PricingCycle", &[("Month", 1), ("Year", 12)])?.unwrap_or(1);
    let count = p.int("Period", 0..=i64::from(u32::MAX))?;
    Ok(count.map(|count| (count as u32).saturating_mul(times)))
}

pub fn allocate_eip_address(p: &Scope<'_>, _: &Caller) -> Planned {
    super::eni::take_inert(p, ALLOCATE_INERT);
    let payment = p.choice("InstanceChargeType", CHARGES)?.unwrap_or_default();
    let charge = p.choice("InternetChargeType", InternetCharge::ALL)?.unwrap_or_default();
    let command = AllocateEip {
        address: p.str("IpAddress").map(|text| parse4(text, "ip_address")).transpose()?,
        bandwidth: bandwidth(p)?,
        charge,
        payment,
        months: months(p)?,
        isp: p.str("ISP").map_or(Ok(Isp::Bgp), Isp::parse)?,
        name: p.str("Name").map(Into::into),
        description: p.str("Description").map(Into::into),
        resource_group: optional_id(p, "ResourceGroupId")?,
        tags: tags(p)?,
    };
    refuse_extras(p)?;
    write(command, |w, _, reply| {
        let id = reply.id::<EipId>();
        // A repetition may come when the address is released already.
        let row = w.get::<Eip>(&id);
        json!({
            "AllocationId": id.to_string(),
            "EipAddress": row.map(|eip| eip.address.to_string()).unwrap_or_default(),
            "ResourceGroupId": row.map(|eip| eip.resource_group.to_string()).unwrap_or_default(),
        })
    })
}

/// What an address could come with and that is not there.
fn refuse_extras(p: &Scope<'_>) -> Result<(), BadParams> {
    let refuse = |code, field: &str| Err(Refusal::new(code).field(field).into());
    if p.str("PublicIpAddressPoolId").is_some() {
        return refuse(ErrorCode::EipPoolNotFound, "public_ip_address_pool_id");
    }
    if p.str("Zone").is_some() {
        return refuse(ErrorCode::EipZoneUnsupported, "zone");
    }
    if !p.strings("SecurityProtectionTypes", 10)?.is_empty() {
        return refuse(ErrorCode::EipProtectionUnsupported, "security_protection_types");
    }
    Ok(())
}

pub fn modify_eip_address_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyEip {
        eip: required_id(p, "AllocationId")?,
        name: p.str("Name").map(Into::into),
        description: p.raw("Description").map(Into::into),
        bandwidth: bandwidth(p)?,
        deletion_protection: None,
    })
}

pub fn release_eip_address(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ReleaseEip { eip: required_id(p, "AllocationId")? })
}

pub fn associate_eip_address(p: &Scope<'_>, _: &Caller) -> Planned {
    super::eni::take_inert(p, &["VpcId"]);
    done(AssociateEip {
        eip: required_id(p, "AllocationId")?,
        kind: p.str("InstanceType").map_or(Ok(TargetKind::EcsInstance), TargetKind::parse)?,
        target: p.required("InstanceId")?.into(),
        private_address: private_address(p)?,
        mode: p.str("Mode").map_or(Ok(Mode::Nat), Mode::parse)?,
        region: p.str("InstanceRegionId").map(Into::into),
    })
}

fn private_address(p: &Scope<'_>) -> Result<Option<Ipv4Addr>, BadParams> {
    Ok(p.str("PrivateIpAddress").map(|text| parse4(text, "private_ip_address")).transpose()?)
}

pub fn unassociate_eip_address(p: &Scope<'_>, _: &Caller) -> Planned {
    done(UnassociateEip {
        eip: required_id(p, "AllocationId")?,
        kind: p.str("InstanceType").map(TargetKind::parse).transpose()?,
        target: p.str("InstanceId").map(Into::into),
        private_address: private_address(p)?,
        force: p.bool("Force")?.unwrap_or(false),
    })
}

/// Protects what several resources can be protected from.
pub fn deletion_protection(p: &Scope<'_>, _: &Caller) -> Planned {
    const TYPES: &[(&str, bool)] = &[("EIP", true), ("NATGW", false)];
    let kind = p.required_choice("Type", TYPES);
    let is_eip = kind.map_err(|e| e.with_code("DeletionProtection.TypeNotSupport"))?;
    let enable = p.bool("ProtectionEnable")?.ok_or_else(|| p.missing("ProtectionEnable"))?;
    let deletion_protection = Some(enable);
    if is_eip {
        let eip = required_id(p, "InstanceId")?;
        return done(ModifyEip { eip, name: None, description: None, bandwidth: None, deletion_protection });
    }
    let gateway = required_id(p, "InstanceId")?;
    done(ModifyNatGateway {
        gateway,
        name: None,
        description: None,
        icmp_reply: None,
        bind_mode: None,
        deletion_protection,
    })
}

/// Which addresses DescribeEipAddresses is asked for.
fn filtered(p: &Scope<'_>) -> Result<Rows<Eip>, BadParams> {
    let too_many = |e: crate::rpc::params::ParamError| e.with_code("InstanceIdLength.Exceed");
    let ids = p.commas("AllocationId", 100).map_err(too_many)?;
    let addresses: Option<Vec<Option<Ipv4Addr>>> = match p.commas("EipAddress", 100)? {
        texts if texts.is_empty() => None,
        texts => Some(texts.into_iter().map(|text| text.parse().ok()).collect()),
    };
    let kind = p
        .choice("AssociatedInstanceType", TargetKind::ALL)
        .map_err(|e| e.with_code("InvalidIAssociatedInstanceType.ValueNotSupported"))?;
    let charge = p.choice("ChargeType", CHARGES)?;
    let status = p.choice("Status", EipStatus::ALL)?;
    let mut rows = Rows::<Eip>::all(|ix| &ix.eips.by_owner)
        .named(&ids)
        .tagged(tags(p)?)
        .keep(text(p, "EipName"), |_, eip, name| eip.name == *name)
        .keep(text(p, "ISP"), |_, eip, isp| eip.isp.text() == isp)
        .keep(sought::<ResourceGroupId>(p, "ResourceGroupId"), |_, eip, group| {
            Some(eip.resource_group) == *group
        })
        .keep(kind, |_, eip, kind| eip.binding.is_some_and(|b| b.target.kind() == *kind))
        .keep(charge, |_, eip, charge| eip.payment == *charge)
        .keep(status, |_, eip, status| eip.status == *status);
    if let Some(addresses) = addresses {
        rows = rows.found(move |w, _| {
            let by_address = &w.indexes().eips.by_address;
            Ok(addresses.iter().flatten().filter_map(|a| by_address.get(a).copied()).collect())
        });
    }
    if let Some(target) = sought_any(p, "AssociatedInstanceId") {
        rows = rows.found(move |w, _| {
            Ok(target.iter().flat_map(|id| w.indexes().eips.by_target.of(id).copied()).collect())
        });
    }
    for filter in p.objects("Filter", 20)? {
        rows = by_time(rows, &filter)?;
    }
    if asks_for_nothing(p)? {
        rows = rows.found(|_, _| Ok(BTreeSet::new()));
    }
    Ok(rows)
}

/// An id of any kind to filter by: one that does not parse fits nothing.
fn sought_any(p: &Scope<'_>, name: &str) -> Option<Option<AnyId>> {
    p.str(name).map(|text| text.parse().ok())
}

/// `Filter.N`: allocated from an instant on, or up to one.
fn by_time(rows: Rows<Eip>, filter: &Scope<'_>) -> Result<Rows<Eip>, BadParams> {
    const KEYS: &[(&str, bool)] = &[("CreationStartTime", true), ("CreationEndTime", false)];
    let from = filter.choice("Key", KEYS).map_err(|e| e.with_code("InvalidFilterKey.NotFound"))?;
    let value = filter.str("Value");
    let Some(from) = from else { return Ok(rows) };
    let time = value.and_then(SimTime::parse).ok_or_else(|| {
        filter
            .invalid("Value", "a time such as 2026-01-01T00:00:00Z is needed")
            .with_code("InvalidFilterValue")
    })?;
    Ok(rows.keep(
        Some(time),
        move |_, eip, time| {
            if from { eip.created >= *time } else { eip.created <= *time }
        },
    ))
}

/// Filters for what no address has here: locks, pools, segments, services that manage it, protection against floods.
fn asks_for_nothing(p: &Scope<'_>) -> Result<bool, BadParams> {
    super::eni::take_inert(p, DESCRIBE_INERT);
    const LOCKS: &[(&str, ())] = &[("financial", ()), ("security", ())];
    let locked = p.choice("LockReason", LOCKS).map_err(|e| e.with_code("InvalidLockReason.NotFound"))?;
    let grouped = p.str("SegmentInstanceId").is_some() | p.str("PublicIpAddressPoolId").is_some();
    let managed = p.bool("ServiceManaged")?.unwrap_or(false);
    let protected = p.bool("SecurityProtectionEnabled")?.unwrap_or(false);
    Ok(locked.is_some() || grouped || managed || protected)
}

pub fn describe_eip_addresses(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 100)?;
    page.list(filtered(p)?, "EipAddresses", "EipAddress", described)
}

fn described(w: &World, eip: &Eip) -> Value {
    let binding = eip.binding;
    let bound = |show: fn(&eip_binding::Binding) -> String| binding.as_ref().map(show).unwrap_or_default();
    // Only the address of an interface can be chosen. The Terraform provider binds an address anew whose private address
    // differs from what was asked for, so of an instance none is shown.
    let chosen = binding.filter(|b| b.target.kind() == TargetKind::NetworkInterface);
    let private = chosen.and_then(|b| b.target.private_address(w));
    json!({
        "AllocationId": eip.id.to_string(),
        "IpAddress": eip.address,
        "Name": eip.name,
        "Description": eip.description,
        "Status": eip.status.text(),
        "RegionId": eip.owner.region.to_string(),
        "InstanceId": bound(|b| b.target.id().to_string()),
        "InstanceType": bound(|b| b.target.kind().text().to_owned()),
        "InstanceRegionId": binding.map(|_| eip.owner.region.to_string()).unwrap_or_default(),
        "Mode": bound(|b| b.mode.text().to_owned()),
        "PrivateIpAddress": private.map(|address| address.to_string()).unwrap_or_default(),
        "Bandwidth": eip.bandwidth.to_string(),
        "EipBandwidth": eip.bandwidth.to_string(),
        "BandwidthPackageId": "",
        "BandwidthPackageType": "",
        "BandwidthPackageBandwidth": "",
        "ISP": eip.isp.text(),
        "Netmode": "public",
        "ChargeType": eip.payment.text(),
        "InternetChargeType": eip.charge.text(),
        "BusinessStatus": "Normal",
        "HDMonitorStatus": "OFF",
        "HasReservationData": "false",
        "DeletionProtection": eip.deletion_protection,
        "SecondLimited": false,
        "ServiceManaged": 0,
        "OperationLocks": { "LockReason": [] },
        "AvailableRegions": { "AvailableRegion": [] },
        "SecurityProtectionTypes": { "SecurityProtectionType": [] },
        "PublicIpAddressPoolId": "",
        "SegmentInstanceId": "",
        "VpcId": "",
        "Zone": "",
        "ExpiredTime": eip.ends.map(SimTime::to_seconds_text).unwrap_or_default(),
        "ResourceGroupId": eip.resource_group.to_string(),
        "AllocationTime": eip.created.to_seconds_text(),
        "Tags": show_tags_key_value(w, eip.id),
    })
}

/// The elastic IP address of a private address, as answers about network interfaces show it.
pub(super) fn associated_public_ip(w: &World, eni: EniId, address: Ipv4Addr) -> Value {
    eip_binding::of_address(w, eni, address).map_or_else(
        || json!({}),
        |eip| json!({ "AllocationId": eip.id.to_string(), "PublicIpAddress": eip.address }),
    )
}

/// The elastic IP address of an instance, as the answer about its attributes shows it.
pub(super) fn of_instance(w: &World, instance: InstanceId) -> Value {
    eip_binding::of_instance(w, instance).map_or_else(
        || json!({ "AllocationId": "", "IpAddress": "", "InternetChargeType": "" }),
        |eip| {
            json!({
                "AllocationId": eip.id.to_string(),
                "IpAddress": eip.address,
                "InternetChargeType": eip.charge.text(),
                "Bandwidth": eip.bandwidth,
            })
        },
    )
}

/// The elastic IP address of an instance, as lists of instances show it.
pub(super) fn of_listed_instance(w: &World, instance: InstanceId) -> Value {
    let mut shown = of_instance(w, instance);
    if shown["AllocationId"] != "" {
        shown["IsSupportUnassociate"] = true.into();
    }
    shown
}
