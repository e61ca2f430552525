//! Actions on HaVips.

use crate::listing::Rows;
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    BadParams, NumberedPage, Planned, done, optional_id, required_id, show_tags_key_value, sought, tags,
    write,
};
use serde_json::{Value, json};
use sim_core::ecs::eni_address::parse4;
use sim_core::id::{HaVipId, ResourceGroupId, VSwitchId, VpcId};
use sim_core::vpc::ha_vip::{BindType, CreateHaVip, DeleteHaVip, HaVip, HaVipStatus, ModifyHaVip};
use sim_core::vpc::ha_vip_binding::{AssociateHaVip, UnassociateHaVip};
use sim_core::{Caller, World};
use std::net::Ipv4Addr;

pub fn create_ha_vip(p: &Scope<'_>, _: &Caller) -> Planned {
    let command = CreateHaVip {
        vswitch: required_id(p, "VSwitchId")?,
        address: p.str("IpAddress").map(|text| parse4(text, "private_ip_address")).transpose()?,
        name: p.str("Name").map(Into::into),
        description: p.str("Description").map(Into::into),
        resource_group: optional_id(p, "ResourceGroupId")?,
        tags: tags(p)?,
    };
    write(command, |w, _, reply| {
        let id = reply.id::<HaVipId>();
        // A repetition may come when it is deleted already.
        let address = w.get::<HaVip>(&id).map(|vip| vip.address.to_string()).unwrap_or_default();
        json!({ "HaVipId": id.to_string(), "IpAddress": address })
    })
}

pub fn modify_ha_vip_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyHaVip {
        ha_vip: required_id(p, "HaVipId")?,
        name: p.str("Name").map(Into::into),
        description: p.raw("Description").map(Into::into),
    })
}

pub fn delete_ha_vip(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteHaVip { ha_vip: required_id(p, "HaVipId")? })
}

fn bind_type(p: &Scope<'_>) -> Result<BindType, BadParams> {
    Ok(p.str("InstanceType").map_or(Ok(BindType::EcsInstance), BindType::parse)?)
}

pub fn associate_ha_vip(p: &Scope<'_>, _: &Caller) -> Planned {
    done(AssociateHaVip {
        ha_vip: required_id(p, "HaVipId")?,
        bind_type: bind_type(p)?,
        target: p.required("InstanceId")?.into(),
    })
}

pub fn unassociate_ha_vip(p: &Scope<'_>, _: &Caller) -> Planned {
    done(UnassociateHaVip {
        ha_vip: required_id(p, "HaVipId")?,
        bind_type: bind_type(p)?,
        target: p.required("InstanceId")?.into(),
        force: p.bool("Force")?.unwrap_or(false),
    })
}

/// What a filter looks at.
#[derive(Clone, Copy)]
enum FilterKey {
    Id,
    Address,
    Vpc,
    VSwitch,
    Status,
}

const FILTER_KEYS: &[(&str, FilterKey)] = &[
    ("HaVipId", FilterKey::Id),
    ("HaVipAddress", FilterKey::Address),
    ("VpcId", FilterKey::Vpc),
    ("VSwitchId", FilterKey::VSwitch),
    ("Status", FilterKey::Status),
];

/// The values of a filter; one that does not read fits nothing.
fn values<T: std::str::FromStr>(texts: &[&str]) -> Vec<T> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// `Filter.N`: one of its values fits.
fn filtered(rows: Rows<HaVip>, filter: &Scope<'_>) -> Result<Rows<HaVip>, BadParams> {
    let unknown = |e: crate::rpc::params::ParamError| e.with_code("InvalidFilterKey.ValueNotSupported");
    let Some(key) = filter.choice("Key", FILTER_KEYS).map_err(unknown)? else { return Ok(rows) };
    let texts = filter.strings("Value", 10)?;
    Ok(match key {
        FilterKey::Id => rows.named(&texts),
        FilterKey::Address => {
            rows.keep(Some(values::<Ipv4Addr>(&texts)), |_, vip, wanted| wanted.contains(&vip.address))
        }
        FilterKey::Vpc => {
            rows.keep(Some(values::<VpcId>(&texts)), |_, vip, wanted| wanted.contains(&vip.vpc))
        }
        FilterKey::VSwitch => {
            rows.keep(Some(values::<VSwitchId>(&texts)), |_, vip, wanted| wanted.contains(&vip.vswitch))
        }
        FilterKey::Status => {
            let known = HaVipStatus::ALL.iter().filter(|(word, _)| texts.contains(word));
            let wanted: Vec<HaVipStatus> = known.map(|(_, status)| *status).collect();
            rows.keep(Some(wanted), |_, vip, wanted| wanted.contains(&vip.status))
        }
    })
}

pub fn describe_ha_vips(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 50)?;
    let mut rows = Rows::<HaVip>::all(|ix| &ix.ha_vips.by_owner)
        .tagged(super::tags::filter(p, "Tags")?)
        .keep(sought::<ResourceGroupId>(p, "ResourceGroupId"), |_, vip, group| {
            Some(vip.resource_group) == *group
        });
    for filter in p.objects("Filter", 5)? {
        rows = filtered(rows, &filter)?;
    }
    page.list(rows, "HaVips", "HaVip", described)
}

fn described(w: &World, vip: &HaVip) -> Value {
    let bound: Vec<String> = vip.bound_to(w).iter().map(ToString::to_string).collect();
    let eips: Vec<String> = vip.eip(w).map(|eip| eip.address.to_string()).into_iter().collect();
    json!({
        "HaVipId": vip.id.to_string(),
        "Name": vip.name,
        "Description": vip.description,
        "Status": vip.status.text(),
        "VpcId": vip.vpc.to_string(),
        "VSwitchId": vip.vswitch.to_string(),
        "IpAddress": vip.address,
        "RegionId": vip.owner.region.to_string(),
        "ChargeType": "PostPaid",
        "AssociatedInstanceType": if bound.is_empty() { "" } else { vip.bind_type.text() },
        "AssociatedInstances": { "associatedInstance": bound },
        "AssociatedEipAddresses": { "associatedEipAddresse": eips },
        "MasterInstanceId": vip.master(w).map(|eni| vip.called(eni).to_string()).unwrap_or_default(),
        "ResourceGroupId": vip.resource_group.to_string(),
        "CreateTime": vip.created.to_seconds_text(),
        "Tags": show_tags_key_value(w, vip.id),
    })
}
