//! What clients read of instances.

use super::eni::take_inert;
use crate::listing::Rows;
use crate::rpc::either_page::EitherPage;
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    BadParams, NumberedPage, Planned, read, required_id, show_tags_tag_key, sought, tags, text,
};
use serde_json::{Value, json};
use sim_core::catalog;
use sim_core::ecs::eni::{self, Eni, EniKind};
use sim_core::ecs::eni_address::{holders4, holders6};
use sim_core::ecs::instance::{Instance, InstanceStatus};
use sim_core::id::{EniId, InstanceId, SecurityGroupId, VSwitchId, VpcId};
use sim_core::vpc::eip::Eip;
use sim_core::{Caller, SimTime, World, ZoneId};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] =
    &[("DescribeInstances", DESCRIBE_INERT), ("DescribeInstanceStatus", STATUS_INERT)];
const DESCRIBE_INERT: &[&str] = &["NeedSaleCycle"];
const STATUS_INERT: &[&str] = &["ClusterId"];

/// The end of an instance that is paid by use, as the provider shows it: 2099-12-31T15:59Z.
const NO_END: SimTime = SimTime(4_102_415_940_000);

/// When an instance ends, seen from now on.
fn end(w: &World, i: &Instance) -> SimTime {
    i.ends_at(w.now()).unwrap_or(NO_END)
}

/// What DescribeInstances and DescribeInstanceAttribute both show.
fn common(w: &World, i: &Instance) -> Value {
    let kind = catalog::instance_type(&i.instance_type);
    let eni = i.primary(w);
    let groups: Vec<String> = eni.groups.iter().map(ToString::to_string).collect();
    let public: Vec<Ipv4Addr> = i.public.and_then(|public| public.address).into_iter().collect();
    json!({
        "InstanceId": i.id.to_string(),
        "InstanceName": i.name,
        "HostName": i.host_name,
        "Description": i.description,
        "Status": i.status.text(),
        "StoppedMode": i.stopped_mode.map_or("Not-applicable", |mode| mode.text()),
        "RegionId": i.owner.region.to_string(),
        "ZoneId": i.zone.to_string(),
        "ClusterId": "",
        "ImageId": i.image,
        "InstanceType": i.instance_type,
        "Cpu": kind.map_or(0, |t| t.vcpus),
        "Memory": kind.map_or(0, |t| t.memory_mib),
        "InstanceNetworkType": "vpc",
        "VpcAttributes": {
            "VpcId": i.vpc.to_string(),
            "VSwitchId": i.vswitch.to_string(),
            "PrivateIpAddress": { "IpAddress": [eni.primary_ip] },
            "NatIpAddress": "",
        },
        "InnerIpAddress": { "IpAddress": [] },
        "PublicIpAddress": { "IpAddress": public },
        "EipAddress": super::eip::of_instance(w, i.id),
        "SecurityGroupIds": { "SecurityGroupId": groups },
        "InstanceChargeType": i.terms.charge.text(),
        "InternetChargeType": internet_charge(i),
        "InternetMaxBandwidthIn": i.terms.bandwidth_in,
        "InternetMaxBandwidthOut": i.terms.bandwidth_out,
        "CreditSpecification": i.terms.credit,
        "CreationTime": i.created.to_minutes_text(),
        "ExpiredTime": end(w, i).to_minutes_text(),
        "OperationLocks": { "LockReason": [] },
        "SerialNumber": "",
        "VlanId": "",
    })
}

/// An interface as a part of its instance.
fn interface(e: &Eni) -> Value {
    let private: Vec<Value> =
        e.ipv4().map(|a| json!({ "PrivateIpAddress": a, "Primary": a == e.primary_ip })).collect();
    let ipv6: Vec<Value> = e.ipv6.iter().map(|a| json!({ "Ipv6Address": a, "Primary": false })).collect();
    let prefixes4: Vec<Value> =
        e.ipv4_prefixes.iter().map(|p| json!({ "Ipv4Prefix": p.to_string() })).collect();
    let prefixes6: Vec<Value> =
        e.ipv6_prefixes.iter().map(|p| json!({ "Ipv6Prefix": p.to_string() })).collect();
    json!({
        "NetworkInterfaceId": e.id.to_string(),
        "Type": e.kind.text(),
        "MacAddress": e.mac_text(),
        "PrimaryIpAddress": e.primary_ip,
        "PrivateIpSets": { "PrivateIpSet": private },
        "Ipv6Sets": { "Ipv6Set": ipv6 },
        "Ipv4PrefixSets": { "Ipv4PrefixSet": prefixes4 },
        "Ipv6PrefixSets": { "Ipv6PrefixSet": prefixes6 },
    })
}

/// The words of the metadata options of an instance: whether the service answers, and whether it wants tokens.
fn metadata_words(i: &Instance) -> (&'static str, &'static str) {
    let endpoint = if i.metadata.enabled { "enabled" } else { "disabled" };
    let tokens = if i.metadata.tokens_required { "required" } else { "optional" };
    (endpoint, tokens)
}

/// What DescribeInstances shows; the metadata options only if they were asked for.
fn described(w: &World, i: &Instance, with_metadata: bool) -> Value {
    let image = catalog::image(&i.image);
    let interfaces: Vec<Value> = eni::of_instance(w, i).into_iter().map(interface).collect();
    let mut answer = common(w, i);
    answer["EipAddress"] = super::eip::of_listed_instance(w, i.id);
    answer["InstanceTypeFamily"] = json!(family(&i.instance_type));
    answer["IoOptimized"] = json!(true);
    answer["DeviceAvailable"] = json!(true);
    answer["Recyclable"] = json!(false);
    answer["OSName"] = json!(image.map_or("", |image| image.os_name));
    answer["OSNameEn"] = answer["OSName"].clone();
    answer["OSType"] = json!(image.map_or("", |image| image.os.text()));
    answer["NetworkInterfaces"] = json!({ "NetworkInterface": interfaces });
    answer["RdmaIpAddress"] = json!({ "IpAddress": [] });
    answer["SpotStrategy"] = json!(i.terms.spot.text());
    answer["KeyPairName"] = json!(i.terms.key_pair);
    answer["DeletionProtection"] = json!(i.deletion_protection);
    answer["ResourceGroupId"] = json!(i.resource_group.to_string());
    answer["StartTime"] = json!(i.started.map(SimTime::to_minutes_text).unwrap_or_default());
    answer["AutoReleaseTime"] = json!("");
    answer["Tags"] = show_tags_tag_key(w, i.id);
    let (endpoint, tokens) = metadata_words(i);
    answer["MetadataOptions"] = match with_metadata {
        true => json!({
            "HttpEndpoint": endpoint,
            "HttpTokens": tokens,
            "HttpPutResponseHopLimit": i.metadata.hop_limit,
        }),
        false => json!({ "HttpEndpoint": "", "HttpTokens": "", "HttpPutResponseHopLimit": 0 }),
    };
    answer
}

fn family(instance_type: &str) -> &str {
    instance_type.rsplit_once('.').map_or(instance_type, |(family, _)| family)
}

/// The addresses of a list; one that does not read fits nothing.
fn addresses<T: std::str::FromStr, S: AsRef<str>>(texts: &[S]) -> Vec<T> {
    texts.iter().filter_map(|text| text.as_ref().parse().ok()).collect()
}

/// The instances of interfaces.
fn of_enis(w: &World, enis: impl IntoIterator<Item = EniId>) -> BTreeSet<InstanceId> {
    enis.into_iter().filter_map(|id| w.get::<Eni>(&id)).filter_map(|eni| eni.instance).collect()
}

/// Which instances DescribeInstances is asked for.
fn filtered(p: &Scope<'_>) -> Result<Rows<Instance>, BadParams> {
    let status =
        p.choice("Status", InstanceStatus::ALL).map_err(|e| e.with_code("InvalidStatus.NotFound"))?;
    let vpc = sought::<VpcId>(p, "VpcId");
    let ids = p.json_strings("InstanceIds", 100)?;
    let ipv4 = p.json_strings("PrivateIpAddresses", 100)?;
    let ipv6 = p.strings("Ipv6Address", 100)?;
    let times = times(p)?;
    let hop_limit = p.int("HttpPutResponseHopLimit", 0..=i64::from(u32::MAX))?;
    let mut rows = Rows::<Instance>::all(|ix| &ix.instances.by_owner)
        .named(&ids)
        .of(vpc, |ix| &ix.instances.by_vpc)
        .of::<VSwitchId>(sought(p, "VSwitchId"), |ix| &ix.instances.by_vswitch)
        .in_own(p.str("ZoneId").map(ZoneId::from), |ix| &ix.instances.by_zone, |owner, zone| (owner, zone))
        .tagged(tags(p)?)
        .keep(status, |_, i, status| i.status == *status)
        .keep(text(p, "InstanceName"), |_, i, pattern| matches_pattern(pattern, &i.name))
        .keep(text(p, "ImageId"), |_, i, image| i.image == *image)
        .keep(text(p, "InstanceType"), |_, i, kind| i.instance_type == *kind)
        .keep(text(p, "InstanceTypeFamily"), |_, i, wanted| family(&i.instance_type) == wanted)
        .keep(text(p, "InstanceChargeType"), |_, i, charge| i.terms.charge.text() == charge)
        .keep(text(p, "InternetChargeType"), |_, i, charge| internet_charge(i) == charge)
        .keep(text(p, "KeyPairName"), |_, i, name| i.terms.key_pair == *name)
        .keep(sought(p, "ResourceGroupId"), |_, i, group| Some(i.resource_group) == *group)
        .keep(text(p, "HttpEndpoint"), |_, i, word| metadata_words(i).0.eq_ignore_ascii_case(word))
        .keep(text(p, "HttpTokens"), |_, i, word| metadata_words(i).1.eq_ignore_ascii_case(word))
        .keep(hop_limit, |_, i, limit| i64::from(i.metadata.hop_limit) == *limit)
        .keep(times.made_from, |_, i, from| i.created >= *from)
        .keep(times.made_until, |_, i, until| i.created <= *until)
        .keep(times.ends_from, |w, i, from| end(w, i) >= *from)
        .keep(times.ends_until, |w, i, until| end(w, i) <= *until);
    // The groups of an instance are those of its primary interface.
    if let Some(group) = sought::<SecurityGroupId>(p, "SecurityGroupId") {
        rows = rows.found(move |w, _| {
            let primary = |id: &EniId| w.get::<Eni>(id).filter(|eni| eni.kind == EniKind::Primary);
            let members = group.into_iter().flat_map(|group| w.indexes().enis.by_group.of(&group));
            Ok(members.filter_map(primary).filter_map(|eni| eni.instance).collect())
        });
    }
    if !ipv4.is_empty() {
        let ipv4: Vec<Ipv4Addr> = addresses(&ipv4);
        let vpc = vpc.flatten();
        rows = rows.found(move |w, caller| Ok(of_enis(w, holders4(w, caller, vpc, &ipv4))));
    }
    if !ipv6.is_empty() {
        let ipv6: Vec<Ipv6Addr> = addresses(&ipv6);
        rows = rows.found(move |w, _| Ok(of_enis(w, holders6(w, &ipv6))));
    }
    let public = p.json_strings("EipAddresses", 100)?;
    if !public.is_empty() {
        let public: Vec<Ipv4Addr> = addresses(&public);
        rows = rows.found(move |w, _| {
            let holders = public.iter().filter_map(|a| w.indexes().eips.by_address.get(a));
            let targets = holders.filter_map(|id| w.get::<Eip>(id)?.binding).map(|b| b.target.id());
            Ok(targets.filter_map(|id| InstanceId::try_from(id).ok()).collect())
        });
    }
    let fixed = p.json_strings("PublicIpAddresses", 100)?;
    if !fixed.is_empty() {
        let fixed: Vec<Ipv4Addr> = addresses(&fixed);
        rows = rows.found(move |w, _| {
            let holders = &w.indexes().instances.by_public_address;
            Ok(fixed.iter().filter_map(|address| holders.get(address).copied()).collect())
        });
    }
    if asks_for_nothing(p)? {
        rows = rows.found(|_, _| Ok(BTreeSet::new()));
    }
    Ok(rows)
}

fn internet_charge(i: &Instance) -> &'static str {
    if i.terms.by_bandwidth { "PayByBandwidth" } else { "PayByTraffic" }
}

/// Whether a text fits a pattern in which each `*` stands for any characters.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Filters for what no instance has here.
fn asks_for_nothing(p: &Scope<'_>) -> Result<bool, BadParams> {
    const NETWORKS: &[(&str, bool)] = &[("vpc", false), ("classic", true)];
    let classic =
        p.choice("InstanceNetworkType", NETWORKS).map_err(|e| e.with_code("InvalidNetworkType.NotFound"))?;
    let absent = ["InnerIpAddresses", "RdmaIpAddresses", "LockReason", "HpcClusterId"];
    let absent = absent.iter().filter(|name| p.str(name).is_some()).count() > 0;
    let unlike = p.bool("DeviceAvailable")? == Some(false) || p.bool("IoOptimized")? == Some(false);
    Ok(classic == Some(true) || absent || unlike)
}

/// A time to the minute, as is usual here, or to the second.
pub fn read_minutes(text: &str) -> Option<SimTime> {
    let seconds = text.strip_suffix('Z').filter(|text| text.len() == 16).map(|text| format!("{text}:00Z"));
    SimTime::parse(seconds.as_deref().unwrap_or(text))
}

/// From when and until when instances were made and end.
#[derive(Default)]
struct Times {
    made_from: Option<SimTime>,
    made_until: Option<SimTime>,
    ends_from: Option<SimTime>,
    ends_until: Option<SimTime>,
}

/// `Filter.N.Key` and `Filter.N.Value`.
fn times(p: &Scope<'_>) -> Result<Times, BadParams> {
    let mut times = Times::default();
    for filter in p.objects("Filter", 4)? {
        let (key, value) = (filter.str("Key").unwrap_or_default(), filter.str("Value").unwrap_or_default());
        let place = match key {
            "" => continue,
            "CreationStartTime" => &mut times.made_from,
            "CreationEndTime" => &mut times.made_until,
            "ExpiredStartTime" => &mut times.ends_from,
            "ExpiredEndTime" => &mut times.ends_until,
            _ => {
                return Err(filter
                    .invalid("Key", "it is not known")
                    .with_code("InvalidFilterKey.NotFound")
                    .into());
            }
        };
        *place = Some(read_minutes(value).ok_or_else(|| {
            filter
                .invalid("Value", "it must be a time such as 2026-11-24T03:51Z")
                .with_code("InvalidFilterValue")
        })?);
    }
    Ok(times)
}

pub fn describe_instances(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, DESCRIBE_INERT);
    let page = EitherPage::<InstanceId>::read(p, 100, 100)?;
    let more = p.strings("AdditionalAttributes", 20)?;
    let with_metadata = more.contains(&"META_OPTIONS");
    page.list(filtered(p)?, "Instances", "Instance", move |w, i| described(w, i, with_metadata))
}

pub fn describe_instance_status(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, STATUS_INERT);
    let page = NumberedPage::read(p, 50)?;
    let ids = p.strings("InstanceId", 100)?;
    let zone = p.str("ZoneId").map(ZoneId::from);
    let rows = Rows::<Instance>::all(|ix| &ix.instances.by_owner).named(&ids).in_own(
        zone.clone(),
        |ix| &ix.instances.by_zone,
        |owner, zone| (owner, zone),
    );
    let show = |_: &World, i: &Instance| json!({ "InstanceId": i.id.to_string(), "Status": i.status.text() });
    let plan = page.list(rows, "InstanceStatuses", "InstanceStatus", show)?;
    Ok(plan.checking(move |w, caller| match &zone {
        None => Ok(()),
        Some(zone) => sim_core::region::check_zone(w, &caller.region, zone),
    }))
}

pub fn describe_instance_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<InstanceId>(p, "InstanceId")?;
    read(move |w, caller| {
        let mut answer = common(w, w.visible::<Instance>(caller, id)?);
        // A word here, where DescribeInstances has a truth value.
        answer["IoOptimized"] = json!("optimized");
        Ok(answer)
    })
}

#[cfg(test)]
mod tests {
    use super::matches_pattern;

    #[test]
    fn patterns() {
        for (pattern, text, fits) in [
            ("web", "web", true),
            ("web", "web1", false),
            ("web*", "web1", true),
            ("*web", "my-web", true),
            ("*web", "my-web1", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*", "", true),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(matches_pattern(pattern, text), fits, "{pattern} {text}");
        }
    }
}
