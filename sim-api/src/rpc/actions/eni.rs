//! Actions on network interfaces.

use crate::rpc::either_page::EitherPage;
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    BadParams, Planned, done, has_tags, optional_id, read, required_id, show_tags_tag_key, tags, write,
};
use serde_json::{Value, json};
use sim_core::ecs::eni::{self, CreateEni, DeleteEni, Eni, EniKind, EniStatus, ModifyEni, TrafficMode};
use sim_core::ecs::eni_address;
use sim_core::ecs::eni_attachment::{AttachEni, DetachEni};
use sim_core::id::{EniId, InstanceId, SecurityGroupId, VSwitchId, VpcId};
use sim_core::vpc::vswitch::VSwitch;
use sim_core::{Caller, Owner, World};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

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
    "QueuePairNumber",
    "RxQueueSize",
    "TxQueueSize",
    "Visible",
];
const MODIFY_INERT: &[&str] = &[
    "ConnectionTrackingConfiguration",
    "EnablePrimaryIPv6",
    "EnhancedNetwork",
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
fn traffic(p: &Scope<'_>) -> Result<(Option<u16>, Option<TrafficMode>), BadParams> {
    const MODES: &[(&str, TrafficMode)] =
        &[("Standard", TrafficMode::Standard), ("HighPerformance", TrafficMode::HighPerformance)];
    let read = |p: &Scope<'_>| -> Result<_, BadParams> {
        let queues = p.int("QueueNumber", -1..=1024)?.filter(|&n| n > 0).map(|n| n as u16);
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
        None => json!({ "NetworkInterfaceId": reply.id::<EniId>().to_string() }),
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
        "ResourceGroupId": e.resource_group.to_string(),
        "ServiceManaged": false,
        "SourceDestCheck": e.source_dest_check,
        "Tags": show_tags_tag_key(w, e.id),
    })
}

/// What DescribeNetworkInterfaces and DescribeNetworkInterfaceAttribute both show.
fn described(w: &World, e: &Eni) -> Value {
    let addresses: Vec<Value> = e
        .ipv4()
        .map(|a| json!({ "PrivateIpAddress": a, "Primary": a == e.primary_ip, "AssociatedPublicIp": {} }))
        .collect();
    let mut answer = common(w, e);
    answer["PrivateIpSets"] = json!({ "PrivateIpSet": addresses });
    answer["AssociatedPublicIp"] = json!({});
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

/// Which interfaces DescribeNetworkInterfaces is asked for.
struct Filter {
    ids: Option<BTreeSet<EniId>>,
    addresses: Vec<Ipv4Addr>,
    ipv6: Vec<Ipv6Addr>,
    /// Ids of things an interface belongs to; a text that is no id fits nothing.
    instance: Option<Option<InstanceId>>,
    vpc: Option<Option<VpcId>>,
    vswitch: Option<Option<VSwitchId>>,
    group: Option<Option<SecurityGroupId>>,
    name: Option<String>,
    primary_ip: Option<String>,
    resource_group: Option<String>,
    status: Option<EniStatus>,
    kind: Option<EniKind>,
    service_managed: Option<bool>,
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

impl Filter {
    fn read(p: &Scope<'_>) -> Result<Filter, BadParams> {
        fn known<I: sim_core::id::Id>(p: &Scope<'_>, name: &str) -> Option<Option<I>> {
            p.str(name).map(|text| text.parse().ok())
        }
        let ids = p.strings("NetworkInterfaceId", 1000)?;
        let addresses = p.strings("PrivateIpAddress", 100)?;
        let ipv6 = p.strings("Ipv6Address", 1000)?;
        Ok(Filter {
            ids: (!ids.is_empty()).then(|| ids.iter().filter_map(|text| text.parse().ok()).collect()),
            addresses: addresses
                .iter()
                .map(|t| eni_address::parse4(t, "private_ip_address"))
                .collect::<Result<_, _>>()?,
            ipv6: ipv6.iter().map(|t| eni_address::parse6(t, "ipv6_address")).collect::<Result<_, _>>()?,
            instance: known(p, "InstanceId"),
            vpc: known(p, "VpcId"),
            vswitch: known(p, "VSwitchId"),
            group: known(p, "SecurityGroupId"),
            name: p.str("NetworkInterfaceName").map(str::to_owned),
            primary_ip: p.str("PrimaryIpAddress").map(str::to_owned),
            resource_group: p.str("ResourceGroupId").map(str::to_owned),
            status: p.choice("Status", STATUSES).map_err(|e| e.with_code("InvalidParameter"))?,
            kind: p.choice("Type", KINDS).map_err(|e| e.with_code("InvalidParameter"))?,
            service_managed: p.bool("ServiceManaged")?,
        })
    }

    /// The interfaces that may fit, from the narrowest index, in order of their ids.
    fn candidates<'a>(&'a self, w: &'a World, caller: &Caller) -> Box<dyn Iterator<Item = &'a EniId> + 'a> {
        let ix = &w.indexes().enis;
        if let Some(ids) = &self.ids {
            return Box::new(ids.iter());
        }
        match (&self.instance, &self.vswitch, &self.group, &self.vpc) {
            (Some(None), ..) | (_, Some(None), ..) | (_, _, Some(None), _) | (_, _, _, Some(None)) => {
                Box::new(std::iter::empty())
            }
            (Some(Some(instance)), ..) => Box::new(ix.by_instance.of(instance)),
            (_, _, _, Some(Some(vpc))) if !self.addresses.is_empty() => {
                let holders: BTreeSet<&EniId> =
                    self.addresses.iter().filter_map(|a| ix.by_address.get(&(*vpc, *a))).collect();
                Box::new(holders.into_iter())
            }
            (_, Some(Some(vswitch)), ..) => Box::new(ix.by_vswitch.of(vswitch)),
            (_, _, Some(Some(group)), _) => Box::new(ix.by_group.of(group)),
            (_, _, _, Some(Some(vpc))) => Box::new(ix.by_vpc.of(vpc)),
            _ => Box::new(ix.by_owner.of(&Owner::from(caller))),
        }
    }

    fn fits(&self, e: &Eni) -> bool {
        self.instance.is_none_or(|id| id.is_some() && e.instance == id)
            && self.vpc.is_none_or(|id| Some(e.vpc) == id)
            && self.vswitch.is_none_or(|id| Some(e.vswitch) == id)
            && self.group.is_none_or(|id| id.is_some_and(|id| e.groups.contains(&id)))
            && (self.addresses.is_empty() || e.ipv4().any(|a| self.addresses.contains(&a)))
            && (self.ipv6.is_empty() || e.ipv6.iter().any(|a| self.ipv6.contains(a)))
            && self.name.as_ref().is_none_or(|name| e.name == *name)
            && self.primary_ip.as_ref().is_none_or(|ip| e.primary_ip.to_string() == *ip)
            && self.resource_group.as_ref().is_none_or(|group| e.resource_group.to_string() == *group)
            && self.status.is_none_or(|status| e.status == status)
            && self.kind.is_none_or(|kind| e.kind == kind)
            && self.service_managed != Some(true)
    }
}

pub fn describe_network_interfaces(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = EitherPage::<EniId>::read(p, 500, 500)?;
    let filter = Filter::read(p)?;
    let tags = tags(p)?;
    read(move |w, caller| {
        let wanted = filter
            .candidates(w, caller)
            .filter_map(|id| w.get::<Eni>(id))
            .filter(|e| e.owner.admits(caller) && filter.fits(e) && has_tags(w, e.id, &tags));
        Ok(page.show(wanted, "NetworkInterfaceSets", "NetworkInterfaceSet", |e| e.id, |e| described(w, e)))
    })
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
