//! Actions on vSwitches.

use super::vpc_parts::listed_ids;
use crate::listing::Rows;
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    NumberedPage, Planned, done, read, required_id, show_tags_key_value, sought, tags, text, write,
};
use serde_json::{Value, json};
use sim_core::id::{RouteTableId, VSwitchId, VpcId};
use sim_core::vpc::network_acl_binding::NetworkAclBinding;
use sim_core::vpc::route_table::RouteTableKind;
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vswitch::{self, CreateVSwitch, DeleteVSwitch, ModifyVSwitch, VSwitch};
use sim_core::{Caller, ErrorCode, World, ZoneId};

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] =
    &[("CreateVSwitch", &["Ipv6CidrMask"]), ("ModifyVSwitchAttribute", &["Ipv6CidrMask"])];

pub fn create_vswitch(p: &Scope<'_>, _: &Caller) -> Planned {
    let mask = p.int("CidrMask", 0..=32)?.map(|mask| mask as u8);
    let command = CreateVSwitch {
        vpc: required_id(p, "VpcId")?,
        zone: ZoneId::from(p.required("ZoneId")?),
        block: vswitch::choose_block(p.str("CidrBlock"), mask)?,
        ipv6_subnet: p.int("Ipv6CidrBlock", 0..=4095)?.map(|n| n as u32),
        vpc_ipv6_block: p.str("VpcIpv6CidrBlock").map(vswitch::parse_ipv6_parent).transpose()?,
        name: p.str("VSwitchName").map(Into::into),
        description: p.str("Description").map(Into::into),
        tags: tags(p)?,
    };
    write(command, |_, _, reply| json!({ "VSwitchId": reply.id::<VSwitchId>().to_string() }))
}

pub fn describe_vswitches(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 50)?;
    let rows = Rows::<VSwitch>::all(|ix| &ix.vswitches.by_owner)
        .named(&listed_ids(p, "VSwitchId", ErrorCode::VSwitchIdListSize)?)
        .of::<VpcId>(sought(p, "VpcId"), |ix| &ix.vswitches.by_vpc)
        .in_own(p.str("ZoneId").map(ZoneId::from), |ix| &ix.vswitches.by_zone, |owner, zone| (owner, zone))
        .tagged(tags(p)?)
        .keep(text(p, "VSwitchName"), |_, s, name| s.name == *name)
        .keep(p.bool("IsDefault")?, |_, s, is| s.is_default == *is)
        .keep(p.bool("EnableIpv6")?, |_, s, on| s.ipv6.is_some() == *on)
        .keep(text(p, "VSwitchOwnerId"), |_, s, owner| s.owner.account.to_string() == *owner)
        .keep(sought(p, "ResourceGroupId"), |w, s, group| {
            w.get::<Vpc>(&s.vpc).map(|vpc| vpc.resource_group) == *group
        })
        .keep(sought(p, "RouteTableId"), |w, s, table| table.is_some() && route_table(w, s).0 == *table);
    page.list(rows, "VSwitches", "VSwitch", summary)
}

/// The table that holds for a vSwitch, and its type.
fn route_table(w: &World, s: &VSwitch) -> (Option<RouteTableId>, &'static str) {
    let system = w.get::<Vpc>(&s.vpc).map(|vpc| vpc.system_table);
    let kind = if s.route_table.is_some() { RouteTableKind::Custom } else { RouteTableKind::System };
    (s.route_table.or(system), kind.text())
}

/// What DescribeVSwitches and DescribeVSwitchAttributes both show.
fn summary(w: &World, s: &VSwitch) -> Value {
    let (table, kind) = route_table(w, s);
    let group = w.get::<Vpc>(&s.vpc).map(|vpc| vpc.resource_group.to_string()).unwrap_or_default();
    json!({
        "VSwitchId": s.id.to_string(),
        "VpcId": s.vpc.to_string(),
        "ZoneId": s.zone,
        "Status": s.status.text(),
        "VSwitchName": s.name,
        "Description": s.description,
        "CidrBlock": s.block.to_string(),
        "Ipv6CidrBlock": s.ipv6.map(|b| b.to_string()).unwrap_or_default(),
        "EnabledIpv6": s.ipv6.is_some(),
        "AvailableIpAddressCount": s.available_addresses(w),
        "IsDefault": s.is_default,
        "CreationTime": s.created.to_seconds_text(),
        "OwnerId": s.owner.account,
        "ResourceGroupId": group,
        "NetworkAclId": w.get::<NetworkAclBinding>(&s.id).map(|b| b.acl.to_string()).unwrap_or_default(),
        "ShareType": "",
        "RouteTable": {
            "RouteTableId": table.map(|id| id.to_string()).unwrap_or_default(),
            "RouteTableType": kind,
        },
        "Tags": show_tags_key_value(w, s.id),
    })
}

pub fn describe_vswitch_attributes(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<VSwitchId>(p, "VSwitchId")?;
    read(move |w, caller| {
        let s = w.visible::<VSwitch>(caller, id)?;
        let mut answer = summary(w, s);
        let members = answer.as_object_mut().expect("a summary is an object");
        // No source names the kinds that are counted here; those of a VPC are known.
        members.insert("CloudResources".to_owned(), json!({ "CloudResourceSetType": [] }));
        Ok(answer)
    })
}

pub fn modify_vswitch_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    let enable = p.bool("EnableIPv6")?;
    done(ModifyVSwitch {
        vswitch: required_id(p, "VSwitchId")?,
        name: p.str("VSwitchName").map(Into::into),
        description: p.raw("Description").map(Into::into),
        ipv6_subnet: p.int("Ipv6CidrBlock", 0..=4095)?.map(|n| n as u32),
        vpc_ipv6_block: p.str("VpcIpv6CidrBlock").map(vswitch::parse_ipv6_parent).transpose()?,
        enable_ipv6: enable == Some(true),
        disable_ipv6: enable == Some(false),
    })
}

pub fn delete_vswitch(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteVSwitch { vswitch: required_id(p, "VSwitchId")? })
}
