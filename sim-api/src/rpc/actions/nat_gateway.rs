//! Actions on NAT gateways.

use crate::listing::Rows;
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    BadParams, NumberedPage, Planned, done, read, required_id, show_tags_tag_key, sought, tags, text, write,
};
use serde_json::{Value, json};
use sim_core::id::{NatGatewayId, VpcId};
use sim_core::vpc::nat_gateway::{
    CreateNatGateway, DeleteNatGateway, EipBindMode, ModifyNatGateway, NatGateway, NatStatus,
};
use sim_core::vpc::vswitch::VSwitch;
use sim_core::{Caller, ErrorCode, Refusal, World};
use std::collections::BTreeSet;

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[
    ("CreateNatGateway", CREATE_INERT),
    ("ModifyNatGatewayAttribute", MODIFY_INERT),
    ("DescribeNatGateways", DESCRIBE_INERT),
];
const CREATE_INERT: &[&str] = &[
    "AccessMode",
    "AutoPay",
    "AvailabilityMode",
    "Duration",
    "InstanceChargeType",
    "InternetChargeType",
    "Ipv4Prefix",
    "NatIp",
    "PricingCycle",
    "PrivateLinkEnabled",
    "SecurityProtectionEnabled",
    "Spec",
];
const MODIFY_INERT: &[&str] = &["EnableSessionLog", "LogDelivery"];
const DESCRIBE_INERT: &[&str] = &["AvailabilityMode"];

pub fn create_nat_gateway(p: &Scope<'_>, _: &Caller) -> Planned {
    super::eni::take_inert(p, CREATE_INERT);
    refuse_others(p)?;
    let command = CreateNatGateway {
        vpc: required_id(p, "VpcId")?,
        vswitch: required_id(p, "VSwitchId")?,
        name: p.str("Name").map(Into::into),
        description: p.str("Description").map(Into::into),
        icmp_reply: p.bool("IcmpReplyEnabled")?.unwrap_or(true),
        bind_mode: p.choice("EipBindMode", EipBindMode::ALL)?.unwrap_or_default(),
        tags: tags(p)?,
    };
    write(command, |w, _, reply| {
        let id = reply.id::<NatGatewayId>();
        let tables =
            w.get::<NatGateway>(&id).map(|g| (g.snat_table().to_string(), g.forward_table().to_string()));
        let (snat, forward) = tables.unzip();
        json!({
            "NatGatewayId": id.to_string(),
            "SnatTableIds": { "SnatTableId": snat.as_slice() },
            "ForwardTableIds": { "ForwardTableId": forward.as_slice() },
            "FullNatTableIds": { "FullNatTableId": [] },
            "BandwidthPackageIds": { "BandwidthPackageId": [] },
        })
    })
}

/// Gateways of the standard type are no longer sold, and those inside the cloud are not modelled.
fn refuse_others(p: &Scope<'_>) -> Result<(), BadParams> {
    const TYPES: &[(&str, bool)] = &[("Enhanced", true), ("Normal", false)];
    const NETWORKS: &[(&str, bool)] = &[("internet", true), ("intranet", false)];
    let refuse =
        |code, field: &str, accepted: &str| Err(Refusal::new(code).field(field).accepted(accepted).into());
    if p.choice("NatType", TYPES)? == Some(false) {
        return refuse(ErrorCode::NatTypeUnsupported, "nat_type", "Enhanced");
    }
    if p.choice("NetworkType", NETWORKS)? == Some(false) {
        return refuse(ErrorCode::NatNetworkUnsupported, "network_type", "internet");
    }
    Ok(())
}

pub fn modify_nat_gateway_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    super::eni::take_inert(p, MODIFY_INERT);
    done(ModifyNatGateway {
        gateway: required_id(p, "NatGatewayId")?,
        name: p.str("Name").map(Into::into),
        description: p.raw("Description").map(Into::into),
        icmp_reply: p.bool("IcmpReplyEnabled")?,
        bind_mode: p.choice("EipBindMode", EipBindMode::ALL)?,
        deletion_protection: None,
    })
}

pub fn delete_nat_gateway(p: &Scope<'_>, _: &Caller) -> Planned {
    let force = p.bool("Force")?.unwrap_or(false);
    done(DeleteNatGateway { gateway: required_id(p, "NatGatewayId")?, force })
}

/// What every gateway here is: conditions of a list that fit all or none.
fn asks_for_nothing(p: &Scope<'_>) -> bool {
    super::eni::take_inert(p, DESCRIBE_INERT);
    let other = |name: &str, own: &[&str]| p.str(name).is_some_and(|text| !own.contains(&text));
    other("NatType", &["Enhanced"])
        | other("NetworkType", &["internet"])
        | other("InstanceChargeType", &["PostPaid"])
        | other("Spec", &["Small"])
}

pub fn describe_nat_gateways(p: &Scope<'_>, _: &Caller) -> Planned {
    const STATUSES: &[(&str, Option<NatStatus>)] = &[
        ("Creating", Some(NatStatus::Creating)),
        ("Available", Some(NatStatus::Available)),
        ("Deleting", Some(NatStatus::Deleting)),
        // Changes and conversions take no time here.
        ("Modifying", None),
        ("Converting", None),
    ];
    let page = NumberedPage::read(p, 50)?;
    let mut rows = Rows::<NatGateway>::all(|ix| &ix.nat_gateways.by_owner)
        .named(p.str("NatGatewayId").as_slice())
        .of::<VpcId>(sought(p, "VpcId"), |ix| &ix.nat_gateways.by_vpc)
        .tagged(tags(p)?)
        .keep(text(p, "Name"), |_, g, name| g.name == *name)
        .keep(text(p, "ZoneId"), |w, g, zone| zone_of(w, g) == *zone)
        .keep(text(p, "ResourceGroupId"), |_, g, group| default_group(g) == *group)
        .keep(p.choice("Status", STATUSES)?, |_, g, status| Some(g.status) == *status);
    if asks_for_nothing(p) {
        rows = rows.found(|_, _| Ok(BTreeSet::new()));
    }
    page.list(rows, "NatGateways", "NatGateway", described)
}

fn zone_of(w: &World, g: &NatGateway) -> String {
    w.get::<VSwitch>(&g.vswitch).map(|vswitch| vswitch.zone.to_string()).unwrap_or_default()
}

/// A gateway stays in the account's default resource group.
fn default_group(g: &NatGateway) -> String {
    sim_core::resource_group::default_of(g.owner.account).to_string()
}

/// The addresses of a gateway and which table uses each.
fn ips(w: &World, g: &NatGateway) -> Vec<Value> {
    let ix = w.indexes();
    let used = |eip| match (ix.snat_entries.by_eip.count(&eip), ix.forward_entries.by_eip.count(&eip)) {
        (0, 0) => "Idle",
        (0, _) => "UsedByForwardTable",
        _ => "UsedBySnatTable",
    };
    let show = |eip: &sim_core::vpc::eip::Eip| json!({ "AllocationId": eip.id.to_string(), "IpAddress": eip.address, "UsingStatus": used(eip.id) });
    g.eips(w).map(show).collect()
}

fn described(w: &World, g: &NatGateway) -> Value {
    json!({
        "NatGatewayId": g.id.to_string(),
        "Name": g.name,
        "Description": g.description,
        "Status": g.status.text(),
        "VpcId": g.vpc.to_string(),
        "RegionId": g.owner.region.to_string(),
        "NatType": "Enhanced",
        "NetworkType": "internet",
        "InstanceChargeType": "PostPaid",
        "InternetChargeType": "PayByLcu",
        "BusinessStatus": "Normal",
        "Spec": "",
        "AutoPay": false,
        "EcsMetricEnabled": true,
        "PrivateLinkEnabled": false,
        "SecurityProtectionEnabled": false,
        "IcmpReplyEnabled": g.icmp_reply,
        "EipBindMode": g.bind_mode.text(),
        "DeletionProtection": g.deletion_protection,
        "ResourceGroupId": default_group(g),
        "CreationTime": g.created.to_seconds_text(),
        "ExpiredTime": "",
        "IpLists": { "IpList": ips(w, g) },
        "IpPrefixList": { "IpPrefixList": [] },
        "SnatTableIds": { "SnatTableId": [g.snat_table().to_string()] },
        "ForwardTableIds": { "ForwardTableId": [g.forward_table().to_string()] },
        "FullNatTableIds": { "FullNatTableId": [] },
        "BandwidthPackageIds": { "BandwidthPackageId": [] },
        "NatGatewayPrivateInfo": {
            "VswitchId": g.vswitch.to_string(),
            "PrivateIpAddress": g.address,
            "IzNo": zone_of(w, g),
            "EniInstanceId": "",
        },
        "Tags": show_tags_tag_key(w, g.id),
    })
}

pub fn get_nat_gateway_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<NatGatewayId>(p, "NatGatewayId")?;
    read(move |w, caller| {
        let g = w.visible::<NatGateway>(caller, id)?;
        let entries = w.indexes().snat_entries.by_gateway.count(&g.id);
        let forwards = w.indexes().forward_entries.by_gateway.count(&g.id);
        Ok(json!({
            "NatGatewayId": g.id.to_string(),
            "Name": g.name,
            "Description": g.description,
            "Status": g.status.text(),
            "VpcId": g.vpc.to_string(),
            "RegionId": g.owner.region.to_string(),
            "NatType": "Enhanced",
            "NetworkType": "internet",
            "BusinessStatus": "Normal",
            "BillingConfig": {
                "AutoPay": "false",
                "InstanceChargeType": "PostPaid",
                "InternetChargeType": "PayByLcu",
                "Spec": "",
            },
            "EcsMetricEnabled": true,
            "PrivateLinkEnabled": false,
            "DeletionProtectionInfo": { "Enabled": g.deletion_protection },
            "ResourceGroupId": default_group(g),
            "CreationTime": g.created.to_seconds_text(),
            "ExpiredTime": "",
            "IpList": ips(w, g),
            "SnatTable": { "SnatTableId": g.snat_table().to_string(), "SnatEntryCount": entries },
            "ForwardTable": { "ForwardTableId": g.forward_table().to_string(), "ForwardEntryCount": forwards },
            "PrivateInfo": {
                "VswitchId": g.vswitch.to_string(),
                "PrivateIpAddress": g.address,
                "IzNo": zone_of(w, g),
                "EniInstanceId": "",
            },
        }))
    })
}
