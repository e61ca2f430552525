//! Actions on network interfaces.

use super::eip::associated_public_ip;
use crate::listing::Rows;
use crate::rpc::either_page::EitherPage;
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    BadParams, Planned, done, optional_id, read, required_id, show_tags_tag_key, sought, tags, text, write,
};
use serde_json::{Value, json};
use sim_core::ecs::eni::{self, CreateEni, DeleteEni, Eni, EniKind, EniStatus, ModifyEni, TrafficMode};
use sim_core::ecs::eni_address;
use sim_core::ecs::eni_attachment::{AttachEni, DetachEni};
use sim_core::id::{EniId, InstanceId, SecurityGroupId, VSwitchId, VpcId};
use sim_core::vpc::vswitch::VSwitch;
use sim_core::{Caller, World};
use std::net::Ipv4Addr;

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[
    ("CreateNetworkInterface", CREATE_INERT),
    ("ModifyNetworkInterfaceAttribute", MODIFY_INERT),
    ("AttachNetworkInterface", ATTACH_INERT),
    ("DescribeNetworkInterfaceAttribute", ATTRIBUTE_INERT),
];
const CREATE_INERT: &[&str] = &[
    "BusinessType",
    "ConnectionTrackingConfiguration",
    "EnablePrimaryIPv6",
    "EnhancedNetwork",
    "NetworkInterfaceTrafficConfig.QueuePairNumber",
    "NetworkInterfaceTrafficConfig.RxQueueSize",
    "NetworkInterfaceTrafficConfig.TxQueueSize",
    "QueuePairNumber",
    "RxQueueSize",
    "TxQueueSize",
    "Visible",
];
const MODIFY_INERT: &[&str] = &[
    "ConnectionTrackingConfiguration",
    "EnablePrimaryIPv6",
    "EnhancedNetwork",
    "NetworkInterfaceTrafficConfig.QueuePairNumber",
    "NetworkInterfaceTrafficConfig.RxQueueSize",
    "NetworkInterfaceTrafficConfig.TxQueueSize",
    "RxQueueSize",
    "TxQueueSize",
];
const ATTACH_INERT: &[&str] = &["NetworkCardIndex", "WaitForNetworkConfigurationReady"];
const ATTRIBUTE_INERT: &[&str] = &["Attribute", "Tag"];

pub(super) fn take_inert(p: &Scope<'_>, names: &[&str]) {
    names.iter().for_each(|name| p.mark_known(name));
}

/// The ids of a numbered list; one that does not parse is one that does not exist.
pub(super) fn group_ids(p: &Scope<'_>, name: &str) -> Result<Vec<SecurityGroupId>, BadParams> {
    let texts = p.strings(name, 100)?;
    Ok(texts.into_iter().map(crate::rest::context::parse_id).collect::<Result<_, _>>()?)
}

/// Queues and traffic mode, at the top or inside `NetworkInterfaceTrafficConfig`.
pub(super) fn traffic(p: &Scope<'_>) -> Result<(Option<u16>, Option<TrafficMode>), BadParams> {
    const MODES: &[(&str, TrafficMode)] =
        &[("Standard", TrafficMode::Standard), ("HighPerformance", TrafficMode::HighPerformance)];
    let read = |p: &Scope<'_>| -> Result<_, BadParams> {
        let queues = p.int("QueueNumber", -1..=1024);
        let queues = queues.map_err(|e| e.with_code("InvalidParameter.InvalidEniQueueNumber"))?;
        let queues = queues.filter(|&n| n > 0).map(|n| n as u16);
        let mode = p
            .choice("NetworkInterfaceTrafficMode", MODES)
            .map_err(|e| e.with_code("InvalidParameter.EniTrafficMode"))?;
        Ok((queues, mode))
    };
    let (queues, mode) = read(p)?;
    let Some(config) = p.object("NetworkInterfaceTrafficConfig") else { return Ok((queues, mode)) };
    take_inert(&config, &["QueuePairNumber", "RxQueueSize", "TxQueueSize"]);
    let (inner_queues, inner_mode) = read(&config)?;
    Ok((queues.or(inner_queues), mode.or(inner_mode)))
}

pub fn create_network_interface(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, CREATE_INERT);
    const KINDS: &[(&str, EniKind)] = &[("Secondary", EniKind::Secondary), ("Trunk", EniKind::Trunk)];
    let kind = p.choice("InstanceType", KINDS).map_err(|e| e.with_code("InvalidParameter"))?;
    let primary =
        p.str("PrimaryIpAddress").map(|text| eni_address::parse4(text, "primary_ip_address")).transpose()?;
    let (queues, traffic_mode) = traffic(p)?;
    let command = CreateEni {
        vswitch: required_id(p, "VSwitchId")?,
        kind: kind.unwrap_or(EniKind::Secondary),
        groups: eni::choose_groups(optional_id(p, "SecurityGroupId")?, group_ids(p, "SecurityGroupIds")?)?,
        primary_ip: primary,
        wanted: super::eni_address::wanted(p)?,
        name: p.str("NetworkInterfaceName").map(Into::into),
        description: p.str("Description").map(Into::into),
        delete_on_release: p.bool("DeleteOnRelease")?.unwrap_or(true),
        source_dest_check: p.bool("SourceDestCheck")?.unwrap_or(false),
        queues,
        traffic_mode: traffic_mode.unwrap_or_default(),
        resource_group: optional_id(p, "ResourceGroupId")?,
        tags: tags(p)?,
    };
    write(command, |w, _, reply| match w.get::<Eni>(&reply.id::<EniId>()) {
        Some(eni) => created(w, eni),
        None => gone(reply.id()),
    })
}

/// What CreateNetworkInterface answers.
fn created(w: &World, e: &Eni) -> Value {
    let addresses: Vec<Value> =
        e.ipv4().map(|a| json!({ "PrivateIpAddress": a, "Primary": a == e.primary_ip })).collect();
    let mut answer = common(w, e);
    answer["PrivateIpSets"] = json!({ "PrivateIpSet": addresses });
    answer
}

/// The answer to a repetition whose interface has been deleted since: its id, and nothing of what it was.
fn gone(id: EniId) -> Value {
    json!({
        "NetworkInterfaceId": id.to_string(),
        "NetworkInterfaceName": "",
        "Description": "",
        "Status": "",
        "Type": "",
        "VpcId": "",
        "VSwitchId": "",
        "ZoneId": "",
        "MacAddress": "",
        "PrivateIpAddress": "",
        "PrivateIpSets": { "PrivateIpSet": [] },
        "Ipv6Sets": { "Ipv6Set": [] },
        "Ipv4PrefixSets": { "Ipv4PrefixSet": [] },
        "Ipv6PrefixSets": { "Ipv6PrefixSet": [] },
        "SecurityGroupIds": { "SecurityGroupId": [] },
        "OwnerId": "",
        "ResourceGroupId": "",
        "ServiceManaged": false,
        "SourceDestCheck": false,
        "Tags": { "Tag": [] },
    })
}

/// The resource group of an interface; empty for the account's default one. Clients that named none expect to read none:
/// the Terraform provider makes an interface anew whose group differs from what was asked for.
fn named_group(e: &Eni) -> String {
    let default = sim_core::resource_group::default_of(e.owner.account);
    if e.resource_group == default { String::new() } else { e.resource_group.to_string() }
}

/// The fields that every answer about an interface has.
fn common(w: &World, e: &Eni) -> Value {
    let zone = w.get::<VSwitch>(&e.vswitch).map(|s| s.zone.to_string()).unwrap_or_default();
    let ipv6: Vec<Value> = e.ipv6.iter().map(|a| json!({ "Ipv6Address": a, "Primary": false })).collect();
    let prefixes4: Vec<Value> =
        e.ipv4_prefixes.iter().map(|p| json!({ "Ipv4Prefix": p.to_string() })).collect();
    let prefixes6: Vec<Value> =
        e.ipv6_prefixes.iter().map(|p| json!({ "Ipv6Prefix": p.to_string() })).collect();
    let groups: Vec<String> = e.groups.iter().map(ToString::to_string).collect();
    json!({
        "NetworkInterfaceId": e.id.to_string(),
        "NetworkInterfaceName": e.name,
        "Description": e.description,
        "Status": e.status.text(),
        "Type": e.kind.text(),
        "VpcId": e.vpc.to_string(),
        "VSwitchId": e.vswitch.to_string(),
        "ZoneId": zone,
        "MacAddress": e.mac_text(),
        "PrivateIpAddress": e.primary_ip,
        "Ipv6Sets": { "Ipv6Set": ipv6 },
        "Ipv4PrefixSets": { "Ipv4PrefixSet": prefixes4 },
        "Ipv6PrefixSets": { "Ipv6PrefixSet": prefixes6 },
        "SecurityGroupIds": { "SecurityGroupId": groups },
        "OwnerId": e.owner.account.to_string(),
        "ResourceGroupId": named_group(e),
        "ServiceManaged": false,
        "SourceDestCheck": e.source_dest_check,
        "Tags": show_tags_tag_key(w, e.id),
    })
}

/// What DescribeNetworkInterfaces and DescribeNetworkInterfaceAttribute both show.
fn described(w: &World, e: &Eni) -> Value {
    let addresses: Vec<Value> = e
        .ipv4()
        .map(|a| {
            let public = associated_public_ip(w, e.id, a);
            json!({ "PrivateIpAddress": a, "Primary": a == e.primary_ip, "AssociatedPublicIp": public })
        })
        .collect();
    let mut answer = common(w, e);
    answer["PrivateIpSets"] = json!({ "PrivateIpSet": addresses });
    answer["AssociatedPublicIp"] = associated_public_ip(w, e.id, e.primary_ip);
    answer["CreationTime"] = json!(e.created.to_seconds_text());
    answer["DeleteOnRelease"] = json!(e.delete_on_release);
    answer["InstanceId"] = json!(e.instance.map(|id| id.to_string()).unwrap_or_default());
    answer["NetworkInterfaceTrafficMode"] = json!(e.traffic_mode.text());
    answer["Attachment"] = attachment(e);
    if let Some(queues) = e.queues {
        answer["QueueNumber"] = json!(queues);
    }
    answer
}

fn attachment(e: &Eni) -> Value {
    let Some(instance) = e.instance else { return json!({}) };
    json!({
        "InstanceId": instance.to_string(),
        "DeviceIndex": e.device_index,
        "NetworkCardIndex": 0,
        "TrunkNetworkInterfaceId": e.trunk.map(|id| id.to_string()).unwrap_or_default(),
    })
}

const STATUSES: &[(&str, EniStatus)] = &[
    ("Available", EniStatus::Available),
    ("Attaching", EniStatus::Attaching),
    ("InUse", EniStatus::InUse),
    ("Detaching", EniStatus::Detaching),
    ("Deleting", EniStatus::Deleting),
];
const KINDS: &[(&str, EniKind)] = &[
    ("Primary", EniKind::Primary),
    ("Secondary", EniKind::Secondary),
    ("Trunk", EniKind::Trunk),
    ("Member", EniKind::Member),
];

/// Which interfaces DescribeNetworkInterfaces is asked for.
fn filtered(p: &Scope<'_>) -> Result<Rows<Eni>, BadParams> {
    let vpc = sought::<VpcId>(p, "VpcId");
    let addresses = p.strings("PrivateIpAddress", 100)?;
    let addresses: Vec<_> =
        addresses.iter().map(|t| eni_address::parse4(t, "private_ip_address")).collect::<Result<_, _>>()?;
    let ipv6 = p.strings("Ipv6Address", 1000)?;
    let ipv6: Vec<_> =
        ipv6.iter().map(|t| eni_address::parse6(t, "ipv6_address")).collect::<Result<_, _>>()?;
    // An address that does not read fits nothing.
    let primary = p.str("PrimaryIpAddress").map(|text| text.parse::<Ipv4Addr>().ok());
    let kind = p.choice("Type", KINDS).map_err(|e| e.with_code("InvalidParameter"))?;
    let status = p.choice("Status", STATUSES).map_err(|e| e.with_code("InvalidParameter"))?;
    let mut rows = Rows::<Eni>::all(|ix| &ix.enis.by_owner)
        .named(&p.strings("NetworkInterfaceId", 1000)?)
        .of::<InstanceId>(sought(p, "InstanceId"), |ix| &ix.enis.by_instance)
        .of(vpc, |ix| &ix.enis.by_vpc)
        .of::<VSwitchId>(sought(p, "VSwitchId"), |ix| &ix.enis.by_vswitch)
        .of::<SecurityGroupId>(sought(p, "SecurityGroupId"), |ix| &ix.enis.by_group)
        .tagged(tags(p)?)
        .keep(text(p, "NetworkInterfaceName"), |_, e, name| e.name == *name)
        .keep(primary, |_, e, ip| Some(e.primary_ip) == *ip)
        .keep(sought(p, "ResourceGroupId"), |_, e, group| Some(e.resource_group) == *group)
        .keep(status, |_, e, status| e.status == *status)
        .keep(kind, |_, e, kind| e.kind == *kind)
        // No service manages interfaces here.
        .keep(p.bool("ServiceManaged")?, |_, _, managed| !managed);
    let vpc = vpc.flatten();
    if let Some(primary) = primary {
        rows = rows.found(move |w, caller| Ok(eni_address::holders4(w, caller, vpc, primary.as_slice())));
    }
    if !addresses.is_empty() {
        rows = rows.found(move |w, caller| Ok(eni_address::holders4(w, caller, vpc, &addresses)));
    }
    if !ipv6.is_empty() {
        rows = rows.found(move |w, _| Ok(eni_address::holders6(w, &ipv6)));
    }
    Ok(rows)
}

pub fn describe_network_interfaces(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = EitherPage::<EniId>::read(p, 500, 500)?;
    page.list(filtered(p)?, "NetworkInterfaceSets", "NetworkInterfaceSet", described)
}

pub fn describe_network_interface_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, ATTRIBUTE_INERT);
    let id = required_id::<EniId>(p, "NetworkInterfaceId")?;
    read(move |w, caller| {
        let e = w.visible::<Eni>(caller, id)?;
        let mut answer = described(w, e);
        let members: Vec<String> = w.indexes().enis.by_trunk.of(&e.id).map(ToString::to_string).collect();
        answer["Attachment"]["MemberNetworkInterfaceIds"] = json!({ "MemberNetworkInterfaceId": members });
        answer["BondInterfaceSpecification"] =
            json!({ "SlaveInterfaceSpecification": { "SlaveInterfaceSpecificationSet": [] } });
        Ok(answer)
    })
}

pub fn modify_network_interface_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, MODIFY_INERT);
    let groups = group_ids(p, "SecurityGroupId")?;
    let (queues, traffic_mode) = traffic(p)?;
    done(ModifyEni {
        eni: required_id(p, "NetworkInterfaceId")?,
        name: p.str("NetworkInterfaceName").map(Into::into),
        description: p.raw("Description").map(Into::into),
        groups: (!groups.is_empty()).then_some(groups),
        delete_on_release: p.bool("DeleteOnRelease")?,
        source_dest_check: p.bool("SourceDestCheck")?,
        queues,
        traffic_mode,
    })
}

pub fn attach_network_interface(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, ATTACH_INERT);
    done(AttachEni {
        eni: required_id(p, "NetworkInterfaceId")?,
        instance: required_id(p, "InstanceId")?,
        trunk: optional_id(p, "TrunkNetworkInstanceId")?,
    })
}

pub fn detach_network_interface(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DetachEni {
        eni: required_id(p, "NetworkInterfaceId")?,
        instance: Some(required_id(p, "InstanceId")?),
        trunk: optional_id(p, "TrunkNetworkInstanceId")?,
    })
}

pub fn delete_network_interface(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteEni { eni: required_id(p, "NetworkInterfaceId")? })
}
