//! The catalogue on the provider wire: regions, zones, instance types, images, and what can be had where.
//!
//! Names are English, whatever `AcceptLanguage` asks for. The catalogue knows the figures of an instance type that its
//! network depends on; a filter by any other figure (bandwidth, packets, disks, GPUs, clock speed) is taken as if every
//! type had none of it.

use crate::rpc::params::{MAX_LIST_INDEX, ParamError, Scope};
use crate::rpc::plan::{NumberedPage, Planned, read, tags};
use serde_json::{Value, json};
use sim_core::catalog::{self, Architecture, Image, InstanceType, family};
use sim_core::region::{region_name, regions, zone_name, zones};
use sim_core::{Caller, ErrorCode, Refusal, RegionId, World, ZoneId};

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[
    ("DescribeRegions", &["AcceptLanguage", "InstanceChargeType", "ProductType", "ResourceType"]),
    ("DescribeZones", &["AcceptLanguage", "InstanceChargeType", "SpotStrategy"]),
    (
        "DescribeInstanceTypes",
        &["AdditionalAttributes", "MaximumCpuSpeedFrequency", "MaximumCpuTurboFrequency", "MaximumGPUAmount"],
    ),
    (
        "DescribeAvailableResource",
        &["InstanceChargeType", "ResourceType", "Scope", "SpotDuration", "SpotStrategy"],
    ),
    ("DescribeImages", &["ActionType", "ShowExpired"]),
];

/// The system disks and data disks that can be had everywhere.
const DISKS: [&str; 5] = ["cloud_auto", "cloud_efficiency", "cloud_essd", "cloud_essd_entry", "cloud_ssd"];

fn region(region: &RegionId, product: &str) -> Value {
    json!({
        "RegionId": region,
        "LocalName": region_name(region),
        "RegionEndpoint": format!("{product}.{region}.aliyuncs.com"),
    })
}

pub fn vpc_describe_regions(_: &Scope<'_>, _: &Caller) -> Planned {
    read(|w, _| {
        let shown: Vec<Value> = regions(w).iter().map(|r| region(r, "vpc")).collect();
        Ok(json!({ "Regions": { "Region": shown } }))
    })
}

pub fn ecs_describe_regions(_: &Scope<'_>, _: &Caller) -> Planned {
    read(|w, _| {
        let show = |r: &RegionId| {
            let mut shown = region(r, "ecs");
            shown["Status"] = json!("available");
            shown
        };
        let shown: Vec<Value> = regions(w).iter().map(show).collect();
        Ok(json!({ "Regions": { "Region": shown } }))
    })
}

/// Every zone here is an ordinary one.
const ZONE_TYPE: &str = "AvailabilityZone";

pub fn vpc_describe_zones(p: &Scope<'_>, _: &Caller) -> Planned {
    let ordinary = p.str("ZoneType").is_none_or(|kind| kind == ZONE_TYPE);
    read(move |w, caller| {
        let all = zones(w, &caller.region).into_iter().filter(|_| ordinary);
        let show = |z: ZoneId| json!({ "ZoneId": z, "LocalName": zone_name(&caller.region, &z), "ZoneType": ZONE_TYPE });
        Ok(json!({ "Zones": { "Zone": all.map(show).collect::<Vec<_>>() } }))
    })
}

pub fn ecs_describe_zones(p: &Scope<'_>, _: &Caller) -> Planned {
    let verbose = p.bool("Verbose")?.unwrap_or(true);
    read(move |w, caller| {
        let show = |z: ZoneId| zone(&caller.region, &z, verbose);
        let shown: Vec<Value> = zones(w, &caller.region).into_iter().map(show).collect();
        Ok(json!({ "Zones": { "Zone": shown } }))
    })
}

/// A zone with what can be had in it: everything of the catalogue. Without `verbose` the lists stay empty.
fn zone(region: &RegionId, zone: &ZoneId, verbose: bool) -> Value {
    let all = |items: Vec<String>| if verbose { items } else { Vec::new() };
    let types = || all(catalog::instance_types().iter().map(|t| t.id.to_owned()).collect());
    let disks = || all(DISKS.map(str::to_owned).to_vec());
    let families = all(families().into_iter().map(str::to_owned).collect());
    let mut generations: Vec<String> = families.iter().map(|name| family::generation(name)).collect();
    generations.sort_unstable();
    generations.dedup();
    let resources = json!({
        "IoOptimized": true,
        "SystemDiskCategories": { "supportedSystemDiskCategory": disks() },
        "DataDiskCategories": { "supportedDataDiskCategory": disks() },
        "InstanceTypes": { "supportedInstanceType": types() },
        "InstanceTypeFamilies": { "supportedInstanceTypeFamily": families },
        "InstanceGenerations": { "supportedInstanceGeneration": generations },
        "NetworkTypes": { "supportedNetworkCategory": all(vec!["vpc".to_owned()]) },
    });
    json!({
        "ZoneId": zone,
        "LocalName": zone_name(region, zone),
        "ZoneType": ZONE_TYPE,
        "AvailableResourceCreation": { "ResourceTypes": ["VSwitch", "IoOptimized", "Instance", "Disk"] },
        "AvailableDiskCategories": { "DiskCategories": DISKS },
        "AvailableInstanceTypes": { "InstanceTypes": types() },
        "AvailableResources": { "ResourcesInfo": [resources] },
        "AvailableVolumeCategories": { "VolumeCategories": [] },
        "AvailableDedicatedHostTypes": { "DedicatedHostType": [] },
        "DedicatedHostGenerations": { "DedicatedHostGeneration": [] },
    })
}

/// The families of the catalogue in order.
fn families() -> Vec<&'static str> {
    let mut families: Vec<&'static str> =
        catalog::instance_types().iter().map(InstanceType::family).collect();
    families.sort_unstable();
    families.dedup();
    families
}

pub fn describe_instance_type_families(p: &Scope<'_>, _: &Caller) -> Planned {
    let generation = p.str("Generation").map(str::to_owned);
    read(move |_, _| {
        let wanted = families().into_iter().map(|name| (name, family::generation(name)));
        let wanted = wanted.filter(|(_, g)| generation.as_ref().is_none_or(|wanted| wanted == g));
        let show = |(name, generation)| json!({ "InstanceTypeFamilyId": name, "Generation": generation });
        Ok(json!({ "InstanceTypeFamilies": { "InstanceTypeFamily": wanted.map(show).collect::<Vec<_>>() } }))
    })
}

/// A figure of an instance type.
type Figure = fn(&InstanceType) -> u64;

/// Figures of an instance type that a request can demand at least.
const MINIMA: [(&str, Figure); 5] = [
    ("MinimumCpuCoreCount", |t| t.vcpus.into()),
    ("MinimumEniQuantity", |t| t.eni_quantity.into()),
    ("MinimumEniPrivateIpAddressQuantity", |t| t.ipv4_per_eni.into()),
    ("MinimumEniIpv6AddressQuantity", |t| t.ipv6_per_eni.into()),
    ("MinimumEriQuantity", |_| 0),
];

/// Figures that the catalogue has of no type: none of them is demanded by a minimum of 0 only.
const UNKNOWN_MINIMA: [&str; 14] = [
    "MinimumBaselineCredit",
    "MinimumDiskQuantity",
    "MinimumGPUAmount",
    "MinimumInitialCredit",
    "MinimumInstanceBandwidthRx",
    "MinimumInstanceBandwidthTx",
    "MinimumInstancePpsRx",
    "MinimumInstancePpsTx",
    "MinimumLocalStorageAmount",
    "MinimumLocalStorageCapacity",
    "MinimumPrimaryEniQueueNumber",
    "MinimumQueuePairNumber",
    "MinimumSecondaryEniQueueNumber",
    "MinimumCpuSpeedFrequency",
];

/// Words that the catalogue has of no type: whoever asks for one finds nothing.
const UNKNOWN_WORDS: [&str; 3] = ["GPUSpec", "LocalStorageCategory", "PhysicalProcessorModel"];
const UNKNOWN_LISTS: [&str; 3] = ["GpuSpecs", "LocalStorageCategories", "PhysicalProcessorModels"];

/// A decimal number, whose form was checked.
fn number(p: &Scope<'_>, name: &str) -> Result<Option<f64>, ParamError> {
    let wrong = || p.invalid(name, "it is not a decimal number");
    p.str(name).map(|text| text.parse::<f64>().map_err(|_| wrong())).transpose()
}

/// A word and a list of words that mean the same filter; none fits all.
fn words(p: &Scope<'_>, one: &str, many: &str) -> Result<Vec<String>, ParamError> {
    let list = p.strings(many, MAX_LIST_INDEX as usize)?;
    Ok(p.str(one).into_iter().chain(list).filter(|word| !word.is_empty()).map(str::to_owned).collect())
}

fn fits(wanted: &[String], word: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|w| w.eq_ignore_ascii_case(word))
}

/// What an instance type must have.
fn type_filter(p: &Scope<'_>) -> Result<impl Fn(&InstanceType) -> bool + Send + 'static, ParamError> {
    let ids: Vec<String> =
        p.strings("InstanceTypes", MAX_LIST_INDEX as usize)?.into_iter().map(str::to_owned).collect();
    let families = words(p, "InstanceTypeFamily", "InstanceTypeFamilies")?;
    let categories = words(p, "InstanceCategory", "InstanceCategories")?;
    let architectures = words(p, "CpuArchitecture", "CpuArchitectures")?;
    let level = p.str("InstanceFamilyLevel").map(str::to_owned);
    let most_cores = p.int("MaximumCpuCoreCount", 0..=i64::MAX)?;
    let (least_memory, most_memory) = (number(p, "MinimumMemorySize")?, number(p, "MaximumMemorySize")?);
    let mut minima: Vec<(i64, Figure)> = Vec::new();
    for (name, figure) in MINIMA {
        minima.extend(p.int(name, i64::MIN..=i64::MAX)?.map(|least| (least, figure)));
    }
    let mut none_fits = p.str("NvmeSupport").is_some_and(|nvme| nvme != "unsupported");
    for name in UNKNOWN_MINIMA.into_iter().chain(["MinimumCpuTurboFrequency"]) {
        none_fits |= number(p, name)?.is_some_and(|least| least > 0.0);
    }
    for (one, many) in UNKNOWN_WORDS.into_iter().zip(UNKNOWN_LISTS) {
        none_fits |= !words(p, one, many)?.is_empty();
    }
    Ok(move |t: &InstanceType| {
        let memory = memory_gib(t);
        !none_fits
            && (ids.is_empty() || ids.iter().any(|id| id == t.id))
            && fits(&families, t.family())
            && fits(&categories, family::category(t.family()))
            && fits(&architectures, cpu(t))
            && level.as_ref().is_none_or(|level| level == family::level(t.family()))
            && most_cores.is_none_or(|most| i64::from(t.vcpus) <= most)
            && least_memory.is_none_or(|least| memory >= least)
            && most_memory.is_none_or(|most| memory <= most)
            && minima.iter().all(|(least, figure)| i128::from(figure(t)) >= i128::from(*least))
    })
}

fn memory_gib(t: &InstanceType) -> f64 {
    f64::from(t.memory_mib) / 1024.0
}

fn cpu(t: &InstanceType) -> &'static str {
    match Architecture::of_type(t.id) {
        Architecture::X86 => "X86",
        Architecture::Arm64 => "ARM",
    }
}

pub fn describe_instance_types(p: &Scope<'_>, _: &Caller) -> Planned {
    let wanted = type_filter(p)?;
    let most = p.int("MaxResults", 1..=1600)?.unwrap_or(1600) as usize;
    let after = match p.str("NextToken") {
        None => None,
        Some(token) => Some(catalog::instance_type(token).ok_or_else(|| {
            Refusal::new(ErrorCode::NextTokenInvalid)
                .field("next_token")
                .accepted("NextToken of the page before")
        })?),
    };
    read(move |_, _| {
        let all = catalog::instance_types().iter().filter(|t| after.is_none_or(|after| t.id > after.id));
        let mut wanted = all.filter(|t| wanted(t));
        let page: Vec<&InstanceType> = wanted.by_ref().take(most).collect();
        let next = page.last().filter(|_| wanted.next().is_some()).map_or("", |last| last.id);
        let shown: Vec<Value> = page.iter().map(|t| instance_type(t)).collect();
        Ok(json!({ "InstanceTypes": { "InstanceType": shown }, "NextToken": next }))
    })
}

/// An instance type: what the catalogue has of it. A bandwidth of 0 means that no source has a figure.
fn instance_type(t: &InstanceType) -> Value {
    json!({
        "InstanceTypeId": t.id,
        "InstanceTypeFamily": t.family(),
        "InstanceCategory": family::category(t.family()),
        "InstanceFamilyLevel": family::level(t.family()),
        "CpuCoreCount": t.vcpus,
        "MemorySize": memory_gib(t),
        "CpuArchitecture": cpu(t),
        "EniQuantity": t.eni_quantity,
        "EniTotalQuantity": t.eni_total,
        "EniPrivateIpAddressQuantity": t.ipv4_per_eni,
        "EniIpv6AddressQuantity": t.ipv6_per_eni,
        "EniTrunkSupported": t.trunk,
        "EriQuantity": 0,
        "GPUAmount": 0,
        "GPUSpec": "",
        "LocalStorageAmount": 0,
        "LocalStorageCategory": "",
        "NvmeSupport": "unsupported",
        "InstanceBandwidthRx": 0,
        "InstanceBandwidthTx": 0,
        "InstancePpsRx": 0,
        "InstancePpsTx": 0,
        "NetworkCardQuantity": 0,
        "NetworkCards": { "NetworkCardInfo": [] },
        "Attributes": { "Attribute": [] },
        "SupportedBootModes": { "SupportedBootMode": ["BIOS"] },
    })
}

pub fn describe_available_resource(p: &Scope<'_>, caller: &Caller) -> Planned {
    let destination = p.required("DestinationResource")?.to_ascii_lowercase();
    let cores = p.int("Cores", i64::MIN..=i64::MAX)?;
    let memory = number(p, "Memory")?;
    let wanted_type = p.str("InstanceType").map(str::to_owned);
    if wanted_type.is_some() && (cores.is_some() || memory.is_some()) {
        return Err(Refusal::new(ErrorCode::TypeAndSizeConflict).field("instance_type").into());
    }
    let fits_type = move |t: &&InstanceType| {
        wanted_type.as_ref().is_none_or(|id| t.id == id)
            && cores.is_none_or(|cores| i64::from(t.vcpus) == cores)
            && memory.is_none_or(|memory| memory_gib(t) == memory)
    };
    let optimized = p.str("IoOptimized").is_none_or(|text| text.eq_ignore_ascii_case("optimized"));
    let in_vpc = p.str("NetworkCategory").is_none_or(|text| text.eq_ignore_ascii_case("vpc"));
    let on_host = p.str("DedicatedHostId").is_some();
    let disk = |name: &str| {
        p.str(name).is_none_or(|wanted| DISKS.iter().any(|disk| disk.eq_ignore_ascii_case(wanted)))
    };
    let any = optimized && in_vpc && !on_host && disk("SystemDiskCategory") && disk("DataDiskCategory");
    let only_disk = p.str(if destination == "datadisk" { "DataDiskCategory" } else { "SystemDiskCategory" });
    let only_disk = only_disk.map(str::to_owned);
    let only_zone = p.str("ZoneId").map(str::to_owned);
    let place = caller.region.clone();
    read(move |w, _| {
        let disks = || DISKS.into_iter().filter(|disk| only_disk.as_deref().is_none_or(|only| only == *disk));
        let (kind, found): (&str, Vec<Value>) = match destination.as_str() {
            "instancetype" => (
                "InstanceType",
                catalog::instance_types().iter().filter(&fits_type).map(|t| available(t.id)).collect(),
            ),
            "systemdisk" => ("SystemDisk", disks().map(|disk| sized(disk, 20, 2048)).collect()),
            "datadisk" => ("DataDisk", disks().map(|disk| sized(disk, 20, 32_768)).collect()),
            "iooptimized" => ("IoOptimized", vec![available("optimized")]),
            "network" => ("Network", vec![available("vpc")]),
            "ddh" => ("ddh", Vec::new()),
            _ => ("Zone", zones_of(w, &place, only_zone.as_deref()).map(|z| available(&z.0)).collect()),
        };
        let shown =
            zones_of(w, &place, only_zone.as_deref()).filter(|_| any && !found.is_empty()).map(|zone| {
                json!({
                    "RegionId": place,
                    "ZoneId": zone,
                    "Status": "Available",
                    "StatusCategory": "WithStock",
                    "AvailableResources": { "AvailableResource": [{
                        "Type": kind,
                        "SupportedResources": { "SupportedResource": found },
                    }] },
                })
            });
        Ok(json!({ "AvailableZones": { "AvailableZone": shown.collect::<Vec<_>>() } }))
    })
}

fn zones_of(w: &World, region: &RegionId, only: Option<&str>) -> impl Iterator<Item = ZoneId> {
    zones(w, region).into_iter().filter(move |zone| only.is_none_or(|only| zone.0 == only))
}

fn available(value: &str) -> Value {
    json!({ "Value": value, "Status": "Available", "StatusCategory": "WithStock" })
}

/// A disk with the sizes it can have, in GiB.
fn sized(value: &str, least: u32, most: u32) -> Value {
    let mut shown = available(value);
    shown["Min"] = json!(least);
    shown["Max"] = json!(most);
    shown["Unit"] = json!("GiB");
    shown
}

/// A word of an image.
type ImageWord = fn(&Image) -> &str;

/// What images can be filtered by, beside the parameters of the same names.
const IMAGE_FILTERS: [(&str, ImageWord); 6] = [
    ("ImageId", |i| i.id),
    ("ImageName", |i| i.id),
    ("ImageFamily", |i| i.family),
    ("OSType", |i| i.os.text()),
    ("Architecture", |i| i.architecture.text()),
    ("Platform", |i| i.platform),
];

/// What an image must be, by the filters of [`IMAGE_FILTERS`] and the parameters of the same names.
fn image_filter(
    p: &Scope<'_>,
) -> Result<impl Fn(&Image) -> bool + Send + 'static, crate::rpc::plan::BadParams> {
    let mut wanted: Vec<(Vec<String>, ImageWord)> = Vec::new();
    for (name, of) in IMAGE_FILTERS {
        if let Some(text) = p.str(name) {
            wanted.push((text.split(',').map(|word| word.trim().to_owned()).collect(), of));
        }
    }
    for filter in p.objects("Filter", MAX_LIST_INDEX as usize)? {
        let key = filter.str("Key").unwrap_or_default();
        let Some((_, of)) = IMAGE_FILTERS.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)) else {
            return Err(Refusal::new(ErrorCode::ImageFilterUnknown)
                .field("filter")
                .detail(format!("{key:?} was given."))
                .into());
        };
        let value =
            filter.str("Value").ok_or_else(|| Refusal::new(ErrorCode::ImageFilterValue).field("filter"))?;
        wanted.push((vec![value.to_owned()], *of));
    }
    let for_type = match p.str("InstanceType") {
        None => None,
        Some(id) if catalog::instance_type(id).is_some() => Some(Architecture::of_type(id)),
        Some(id) => {
            return Err(Refusal::new(ErrorCode::InstanceTypeUnlisted)
                .field("instance_type")
                .detail(format!("{id:?} was given."))
                .into());
        }
    };
    Ok(move |image: &Image| {
        wanted.iter().all(|(words, of)| words.iter().any(|word| word.eq_ignore_ascii_case(of(image))))
            && for_type.is_none_or(|architecture| image.architecture == architecture)
    })
}

pub fn describe_images(p: &Scope<'_>, caller: &Caller) -> Planned {
    let page = NumberedPage::read(p, 100)?;
    let wanted = image_filter(p)?;
    // Every image is a public one of the provider that can be used and that nothing was made of.
    let is =
        |name: &str, truth: bool| Ok::<_, ParamError>(p.bool(name)?.is_none_or(|wanted| wanted == truth));
    let mut any =
        is("IsPublic", true)? && is("IsSupportCloudinit", true)? && is("IsSupportIoOptimized", true)?;
    any &= is("Usable", true)?;
    any &= p.str("ImageOwnerAlias").is_none_or(|owner| owner.eq_ignore_ascii_case("system"));
    any &= p.str("Usage").is_none_or(|usage| usage.eq_ignore_ascii_case("none"));
    any &= p.str("Status").is_none_or(|status| status.split(',').any(|word| word.trim() == "Available"));
    any &= p.str("SnapshotId").is_none()
        && p.str("ImageOwnerId").is_none()
        && p.str("ResourceGroupId").is_none();
    any &= tags(p)?.iter().all(|tag| tag.key.is_empty());
    let region = caller.region.clone();
    read(move |_, _| {
        let images = catalog::images().iter().filter(|image| any && wanted(image));
        let mut answer = page.show(images, "Images", "Image", show_image);
        answer["RegionId"] = json!(region);
        Ok(answer)
    })
}

fn show_image(image: &Image) -> Value {
    json!({
        "ImageId": image.id,
        "ImageName": image.id,
        "ImageFamily": image.family,
        "ImageOwnerAlias": "system",
        "ImageVersion": "",
        "Description": "",
        "OSName": image.os_name,
        "OSNameEn": image.os_name,
        "OSType": image.os.text(),
        "Platform": image.platform,
        "Architecture": image.architecture.text(),
        "Size": image.size_gib,
        "Status": "Available",
        "Progress": "100%",
        "Usage": "none",
        "CreationTime": image.created_at(),
        "IsPublic": true,
        "IsCopied": false,
        "IsSelfShared": "",
        "IsSubscribed": false,
        "IsSupportCloudinit": true,
        "IsSupportIoOptimized": true,
        "ProductCode": "",
        "ResourceGroupId": "",
        "DiskDeviceMappings": { "DiskDeviceMapping": [] },
        "Tags": { "Tag": [] },
    })
}
