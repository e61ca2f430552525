//! RunInstances and CreateInstance: what new instances should be.

use super::eni::{group_ids, take_inert, traffic};
use super::eni_address::{wanted, wanted_ipv6};
use crate::rpc::params::Scope;
use crate::rpc::plan::{BadParams, Planned, optional_id, tags, write_sealed};
use crate::seal::Secrets;
use serde_json::json;
use sim_core::catalog::{self, Os};
use sim_core::ecs::disk::{DiskCategory, SystemDisk};
use sim_core::ecs::eni::choose_groups;
use sim_core::ecs::eni_address::parse4;
use sim_core::ecs::instance::{ChargeType, Renewal, SpotStrategy, Terms};
use sim_core::ecs::instance_create::{
    CreateInstance, Launch, LaunchInterface, RunInstances, Secondary, choose_primary,
};
use sim_core::ecs::metadata_options::MetadataChange;
use sim_core::ecs::user_data::UserData;
use sim_core::id::{EniId, InstanceId};
use sim_core::subscription::{Period, PeriodUnit};
use sim_core::{Caller, ErrorCode, Refusal, Reply};

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[("RunInstances", RUN_INERT), ("CreateInstance", CREATE_INERT)];
const RUN_INERT: &[&str] = &[
    "Affinity",
    "Arn",
    "AutoPay",
    "AutoReleaseTime",
    "ClockOptions",
    "CpuOptions",
    "DataDisk",
    "DedicatedHostId",
    "DeploymentSetGroupNo",
    "DeploymentSetId",
    "HibernationOptions",
    "HpcClusterId",
    "ImageOptions",
    "IoOptimized",
    "Isp",
    "LaunchTemplateVersion",
    "ManagedHostId",
    "NetworkInterface.N.NetworkCardIndex",
    "NetworkInterface.N.QueuePairNumber",
    "NetworkInterface.N.RxQueueSize",
    "NetworkInterface.N.TxQueueSize",
    "NetworkInterfaceQueueNumber",
    "NetworkOptions",
    "PrivateDnsNameOptions",
    "PrivatePoolOptions",
    "SchedulerOptions",
    "SecurityEnhancementStrategy",
    "SecurityOptions",
    "SpotDuration",
    "SpotInterruptionBehavior",
    "SpotPriceLimit",
    "StorageSetId",
    "StorageSetPartitionNumber",
    "SystemDisk.AutoSnapshotPolicyId",
    "SystemDisk.EncryptAlgorithm",
    "SystemDisk.Encrypted",
    "SystemDisk.KMSKeyId",
    "SystemDisk.ProvisionedIops",
    "SystemDisk.StorageClusterId",
    "Tenancy",
];
const CREATE_INERT: &[&str] = &[
    "Affinity",
    "Arn",
    "ClusterId",
    "DataDisk",
    "DedicatedHostId",
    "DeploymentSetGroupNo",
    "DeploymentSetId",
    "HibernationOptions",
    "HpcClusterId",
    "InnerIpAddress",
    "IoOptimized",
    "ManagedHostId",
    "NodeControllerId",
    "PrivatePoolOptions",
    "SecurityEnhancementStrategy",
    "SpotDuration",
    "SpotInterruptionBehavior",
    "SpotPriceLimit",
    "StorageSetId",
    "StorageSetPartitionNumber",
    "SystemDisk.StorageClusterId",
    "Tenancy",
    "UseAdditionalService",
    "VlanId",
];

pub fn run_instances(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, RUN_INERT);
    check_template(p)?;
    let secrets = secrets(p)?;
    let (primary, secondary) = interfaces(p)?;
    let launch = launch(p, primary, secondary)?;
    let amount = p.int("Amount", 0..=i64::from(u16::MAX))?.unwrap_or(1) as u16;
    let min_amount = p.int("MinAmount", 0..=i64::from(u16::MAX))?.map(|n| n as u16);
    let host_names = p.strings("HostNames", 1000)?.into_iter().map(Into::into).collect();
    let unique_suffix = p.bool("UniqueSuffix")?.unwrap_or(false);
    let make = move |sealed: crate::seal::Sealed| RunInstances {
        launch: Box::new(Launch { password: sealed.password, ..launch }),
        amount,
        min_amount,
        host_names,
        unique_suffix,
    };
    write_sealed(secrets, make, |_, _, reply| {
        let Reply::CreatedMany(made) = reply else { unreachable!("RunInstances replies so") };
        let ids: Vec<String> = made.iter().map(ToString::to_string).collect();
        json!({ "InstanceIdSets": { "InstanceIdSet": ids } })
    })
}

pub fn create_instance(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, CREATE_INERT);
    let secrets = secrets(p)?;
    let primary = LaunchInterface {
        vswitch: optional_id(p, "VSwitchId")?,
        groups: choose_groups(optional_id(p, "SecurityGroupId")?, Vec::new())?,
        primary_ip: p.str("PrivateIpAddress").map(|text| parse4(text, "primary_ip_address")).transpose()?,
        ..LaunchInterface::default()
    };
    let launch = launch(p, primary, Vec::new())?;
    let make = move |sealed: crate::seal::Sealed| CreateInstance {
        launch: Box::new(Launch { password: sealed.password, ..launch }),
    };
    write_sealed(secrets, make, |_, _, reply| json!({ "InstanceId": reply.id::<InstanceId>().to_string() }))
}

/// No launch template exists here, so every one that is named is unknown.
fn check_template(p: &Scope<'_>) -> Result<(), BadParams> {
    match p.first_of(&["LaunchTemplateId", "LaunchTemplateName"]) {
        None => Ok(()),
        Some(_) => Err(Refusal::new(ErrorCode::LaunchTemplateNotFound).field("launch_template_id").into()),
    }
}

/// The password, checked. What it must be like depends on the operating system.
fn secrets(p: &Scope<'_>) -> Result<Secrets, BadParams> {
    let image = p.str("ImageId").and_then(catalog::image);
    let image = image.or_else(|| p.str("ImageFamily").and_then(catalog::newest_of_family));
    let os: Option<Os> = image.map(|image| image.os);
    let inherits = p.bool("PasswordInherit")?.unwrap_or(false);
    Ok(Secrets::check(p.str("Password"), inherits, os)?)
}

/// The primary interface, described by the fields of the instance or by one of `NetworkInterface.N`, and the others.
fn interfaces(p: &Scope<'_>) -> Result<(LaunchInterface, Vec<Secondary>), BadParams> {
    let top = LaunchInterface {
        vswitch: optional_id(p, "VSwitchId")?,
        groups: choose_groups(optional_id(p, "SecurityGroupId")?, group_ids(p, "SecurityGroupIds")?)?,
        primary_ip: p.str("PrivateIpAddress").map(|text| parse4(text, "primary_ip_address")).transpose()?,
        wanted: wanted_ipv6(p)?,
        ..LaunchInterface::default()
    };
    let (mut listed, mut secondary) = (Vec::new(), Vec::new());
    for item in p.objects("NetworkInterface", 100)? {
        let kinds = [("Primary", 'p'), ("Secondary", 's'), ("Trunk", 't')];
        let kind =
            item.choice("InstanceType", &kinds).map_err(|e| e.with_code("InvalidParameter.EniType"))?;
        let existing = optional_id::<EniId>(&item, "NetworkInterfaceId")?;
        let new = interface(&item, kind == Some('t'))?;
        match (kind, existing) {
            (Some('p'), None) => listed.push(new),
            (_, None) => secondary.push(Secondary::New(new)),
            (_, Some(eni)) => secondary.push(Secondary::Existing(eni)),
        }
    }
    Ok((choose_primary(top, listed)?, secondary))
}

fn interface(p: &Scope<'_>, trunk: bool) -> Result<LaunchInterface, BadParams> {
    let (queues, traffic_mode) = traffic(p)?;
    Ok(LaunchInterface {
        vswitch: optional_id(p, "VSwitchId")?,
        groups: choose_groups(optional_id(p, "SecurityGroupId")?, group_ids(p, "SecurityGroupIds")?)?,
        primary_ip: p.str("PrimaryIpAddress").map(|text| parse4(text, "primary_ip_address")).transpose()?,
        wanted: wanted(p)?,
        name: p.str("NetworkInterfaceName").map(Into::into),
        description: p.str("Description").map(Into::into),
        trunk,
        keep: !p.bool("DeleteOnRelease")?.unwrap_or(true),
        source_dest_check: p.bool("SourceDestCheck")?.unwrap_or(false),
        queues,
        traffic_mode: traffic_mode.unwrap_or_default(),
    })
}

/// What both actions read; a password is put in later.
fn launch(p: &Scope<'_>, primary: LaunchInterface, secondary: Vec<Secondary>) -> Result<Launch, BadParams> {
    Ok(Launch {
        instance_type: p.required("InstanceType")?.into(),
        image: p.str("ImageId").map(Into::into),
        image_family: p.str("ImageFamily").map(Into::into),
        zone: p.str("ZoneId").map(Into::into),
        primary,
        secondary,
        name: p.str("InstanceName").map(Into::into),
        host_name: p.str("HostName").map(Into::into),
        description: p.str("Description").map(Into::into),
        deletion_protection: p.bool("DeletionProtection")?.unwrap_or(false),
        system_disk: p.object("SystemDisk").map(|disk| system_disk(&disk)).transpose()?.unwrap_or_default(),
        password: None,
        user_data: UserData::parse(p.str("UserData"))?,
        metadata: metadata_change(p)?,
        terms: terms(p)?,
        resource_group: optional_id(p, "ResourceGroupId")?,
        tags: tags(p)?,
    })
}

fn system_disk(p: &Scope<'_>) -> Result<SystemDisk, BadParams> {
    const LEVELS: &[(&str, u8)] = &[("PL0", 0), ("PL1", 1), ("PL2", 2), ("PL3", 3)];
    let level = p.choice("PerformanceLevel", LEVELS);
    let size = p.int("Size", 0..=i64::from(u32::MAX));
    Ok(SystemDisk {
        category: p.str("Category").map(DiskCategory::parse).transpose()?,
        level: level.map_err(|e| e.with_code("InvalidPerformanceLevel.Malformed"))?,
        size_gib: size.map_err(|e| e.with_code("InvalidSystemDiskSize.ValueNotSupported"))?.map(|n| n as u32),
        name: p.str("DiskName").map(Into::into),
        description: p.str("Description").map(Into::into),
        bursting: p.bool("BurstingEnabled")?.unwrap_or(false),
    })
}

/// `HttpEndpoint`, `HttpTokens` and `HttpPutResponseHopLimit`. The words are checked by their description and hold in any
/// case of their letters.
pub fn metadata_change(p: &Scope<'_>) -> Result<MetadataChange, BadParams> {
    let says = |name, word: &str| p.str(name).map(|text| text.eq_ignore_ascii_case(word));
    let limit = p.int("HttpPutResponseHopLimit", 0..=i64::from(u32::MAX));
    let limit = limit.map_err(|e| e.with_code("InvalidHttpPutResponseHopLimit.NotSupported"))?;
    Ok(MetadataChange {
        enabled: says("HttpEndpoint", "enabled"),
        tokens_required: says("HttpTokens", "required"),
        hop_limit: limit.map(|n| n as u32),
    })
}

fn terms(p: &Scope<'_>) -> Result<Terms, BadParams> {
    const CHARGES: &[(&str, ChargeType)] =
        &[("PostPaid", ChargeType::PostPaid), ("PrePaid", ChargeType::PrePaid)];
    const BIDS: &[(&str, SpotStrategy)] = &[
        ("NoSpot", SpotStrategy::NoSpot),
        ("SpotWithPriceLimit", SpotStrategy::SpotWithPriceLimit),
        ("SpotAsPriceGo", SpotStrategy::SpotAsPriceGo),
    ];
    const TRAFFIC: &[(&str, bool)] = &[("PayByTraffic", false), ("PayByBandwidth", true)];
    const CREDITS: &[(&str, &str)] = &[("Standard", "Standard"), ("Unlimited", "Unlimited")];
    let charge = p.choice("InstanceChargeType", CHARGES);
    let spot = p.choice("SpotStrategy", BIDS);
    let by_bandwidth = p.choice("InternetChargeType", TRAFFIC);
    let credit = p.choice("CreditSpecification", CREDITS);
    let inwards = p.int("InternetMaxBandwidthIn", 0..=200);
    let outwards = p.int("InternetMaxBandwidthOut", 0..=i64::from(u32::MAX));
    let charge = charge.map_err(|e| e.with_code("InvalidInstanceChargeType.NotFound"))?.unwrap_or_default();
    let period = period(p)?;
    // For how long a subscription is paid has no default.
    if charge == ChargeType::PrePaid && period.is_none() {
        return Err(p.missing("Period").with_code("MissingParamter").into());
    }
    Ok(Terms {
        charge,
        period: period.unwrap_or_default(),
        renewal: renewal(p)?,
        spot: spot.map_err(|e| e.with_code("InvalidSpotStrategy"))?.unwrap_or_default(),
        by_bandwidth: by_bandwidth
            .map_err(|e| e.with_code("InvalidInternetChargeType.ValueNotSupported"))?
            .unwrap_or(false),
        bandwidth_in: inwards
            .map_err(|e| e.with_code("InvalidInternetMaxBandwidthIn.Malformed"))?
            .unwrap_or(0) as u32,
        bandwidth_out: outwards
            .map_err(|e| e.with_code("InvalidInternetMaxBandwidthOut.Malformed"))?
            .unwrap_or(0) as u32,
        key_pair: p.str("KeyPairName").unwrap_or_default().into(),
        ram_role: p.str("RamRoleName").unwrap_or_default().into(),
        credit: credit
            .map_err(|e| e.with_code("InvalidParameter.CreditSpecification"))?
            .unwrap_or_default()
            .into(),
    })
}

/// `Period` and `PeriodUnit`, in any case of its letters; a year is twelve months.
fn period(p: &Scope<'_>) -> Result<Option<Period>, BadParams> {
    const UNITS: &[(&str, (PeriodUnit, u32))] = &[
        ("Week", (PeriodUnit::Week, 1)),
        ("Month", (PeriodUnit::Month, 1)),
        ("Year", (PeriodUnit::Month, 12)),
    ];
    let (unit, times) = match p.str("PeriodUnit") {
        None => (PeriodUnit::Month, 1),
        Some(sent) => {
            let found = UNITS.iter().find(|(word, _)| word.eq_ignore_ascii_case(sent));
            let unknown = || p.invalid("PeriodUnit", "it is Week, Month or Year");
            found.ok_or_else(|| unknown().with_code("InvalidPeriodType.ValueNotSupported"))?.1
        }
    };
    let count = p.int("Period", 0..=i64::from(u32::MAX)).map_err(|e| e.with_code("InvalidPeriod"))?;
    Ok(count.map(|count| Period { count: (count as u32).saturating_mul(times), unit }))
}

/// What becomes of a subscription at its end.
fn renewal(p: &Scope<'_>) -> Result<Renewal, BadParams> {
    const MONTHS: &[i64] = &[1, 2, 3, 6, 12, 24, 36, 48, 60];
    let wrong = || {
        let rule = "it must be one of 1, 2, 3, 6, 12, 24, 36, 48, 60";
        p.invalid("AutoRenewPeriod", rule).with_code("InvalidAutoRenewPeriod.ValueNotSupported")
    };
    let months = p.int("AutoRenewPeriod", 0..=60).map_err(|_| wrong())?.filter(|n| *n > 0);
    if months.is_some_and(|n| !MONTHS.contains(&n)) {
        return Err(wrong().into());
    }
    let renews = p.bool("AutoRenew")?.unwrap_or(false);
    Ok(if renews { Renewal::Auto(months.unwrap_or(1) as u16) } else { Renewal::Normal })
}
