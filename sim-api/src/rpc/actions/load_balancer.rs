//! Actions on load balancers, and what Slb says of regions and zones.

use super::server_group::pool;
use super::tags::filter;
use crate::listing::Rows;
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    BadParams, NumberedPage, Planned, done, optional_id, pair, read, required_id, show_tags_tag_key, sought,
    tags, text, write,
};
use compact_str::CompactString;
use serde_json::{Value, json};
use sim_core::ecs::eni_address::parse4;
use sim_core::id::{LoadBalancerId, VSwitchId, VpcId};
use sim_core::region::{region_name, regions, zone_name, zones};
use sim_core::slb::backend_places;
use sim_core::slb::load_balancer::{CreateLoadBalancer, DeleteLoadBalancer, LoadBalancer, Place};
use sim_core::slb::load_balancer_change::{ModifyLoadBalancer, ModifyLoadBalancerTerms, Terms};
use sim_core::slb::spec::{InstanceCharge, InternetCharge, PayType};
use sim_core::tag::TagPair;
use sim_core::{Caller, SimTime, World};

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[
    ("CreateLoadBalancer", &["AutoPay"]),
    ("ModifyLoadBalancerInternetSpec", &["AutoPay"]),
    ("ModifyLoadBalancerInstanceSpec", &["AutoPay"]),
    ("ModifyLoadBalancerPayType", &["AutoPay"]),
];

/// The end of a load balancer that is paid for afterwards, as the provider shows it: 2999-09-08T16:00:00Z.
const NO_END: SimTime = SimTime(32_493_801_600_000);

const ON_OFF: &[(&str, bool)] = &[("on", true), ("off", false)];

/// One of a few words, whatever its case: the cloud controller manager writes them in small letters, the console not.
fn word<T: Copy>(p: &Scope<'_>, name: &str, choices: &[(&str, T)]) -> Result<Option<T>, BadParams> {
    let Some(sent) = p.str(name) else { return Ok(None) };
    let found = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(sent));
    match found {
        Some((_, value)) => Ok(Some(*value)),
        None => Ok(p.choice(name, choices)?),
    }
}

/// `Duration` in `PricingCycle`s, months if absent.
fn months(p: &Scope<'_>) -> Result<Option<u32>, BadParams> {
    let times = word(p, "PricingCycle", &[("month", 1), ("year", 12)])?.unwrap_or(1);
    let count = p.int("Duration", 1..=i64::from(u32::MAX))?;
    Ok(count.map(|count| (count as u32).saturating_mul(times)))
}

fn instance_charge(p: &Scope<'_>) -> Result<Option<InstanceCharge>, BadParams> {
    let known = InstanceCharge::WORDS;
    if p.str("InstanceChargeType")
        .is_some_and(|sent| !known.iter().any(|(w, _)| w.eq_ignore_ascii_case(sent)))
    {
        let error = p.invalid("InstanceChargeType", "it is PayBySpec or PayByCLCU");
        return Err(error.with_code("IllegalParam.InstanceChargeType").into());
    }
    word(p, "InstanceChargeType", known)
}

/// The modification protection that is asked for: none, or its reason.
fn protection(p: &Scope<'_>) -> Result<Option<Option<CompactString>>, BadParams> {
    const WORDS: &[(&str, bool)] = &[("ConsoleProtection", true), ("NonProtection", false)];
    let on = p
        .choice("ModificationProtectionStatus", WORDS)
        .map_err(|e| e.with_code("InvalidParam.ModificationProtectionStatus"))?;
    let reason = p.str("ModificationProtectionReason").unwrap_or_default();
    Ok(on.map(|on| on.then(|| reason.into())))
}

fn place(p: &Scope<'_>) -> Result<Place, BadParams> {
    let intranet = word(p, "AddressType", &[("internet", false), ("intranet", true)])?;
    let ipv6 = word(p, "AddressIPVersion", &[("ipv4", false), ("ipv6", true)])?.unwrap_or(false);
    let address = p.str("Address").map(|text| parse4(text, "address")).transpose()?;
    let (vswitch, vpc) = (optional_id(p, "VSwitchId")?, optional_id(p, "VpcId")?);
    Ok(Place::choose(intranet, ipv6, vswitch, vpc, address)?)
}

pub fn create_load_balancer(p: &Scope<'_>, _: &Caller) -> Planned {
    let command = CreateLoadBalancer {
        place: place(p)?,
        name: p.str("LoadBalancerName").map(Into::into),
        master_zone: p.str("MasterZoneId").map(Into::into),
        slave_zone: p.str("SlaveZoneId").map(Into::into),
        instance_charge: instance_charge(p)?,
        spec: p.str("LoadBalancerSpec").map(Into::into),
        internet_charge: word(p, "InternetChargeType", InternetCharge::WORDS)?.unwrap_or_default(),
        bandwidth: p.int("Bandwidth", -1..=5_120)?.unwrap_or(-1) as i32,
        pay_type: word(p, "PayType", PayType::WORDS)?.unwrap_or_default(),
        months: months(p)?,
        delete_protection: word(p, "DeleteProtection", ON_OFF)?.unwrap_or(false),
        modification_protection: protection(p)?.flatten(),
        resource_group: optional_id(p, "ResourceGroupId")?,
        tags: all_tags(p)?,
    };
    write(command, |w, _, reply| {
        let id = reply.id::<LoadBalancerId>();
        let Some(made) = w.get::<LoadBalancer>(&id) else {
            // A repeated request whose load balancer is gone.
            return json!({ "LoadBalancerId": id.to_string() });
        };
        json!({
            "LoadBalancerId": id.to_string(),
            "LoadBalancerName": made.name,
            "Address": made.address.to_string(),
            "AddressIPVersion": made.ip_version(),
            "NetworkType": made.network_type(),
            "VpcId": made.home.map(|home| home.vpc.to_string()).unwrap_or_default(),
            "VSwitchId": made.home.map(|home| home.vswitch.to_string()).unwrap_or_default(),
            "ResourceGroupId": made.resource_group.to_string(),
            "OrderId": 0,
        })
    })
}

/// `Tag.N.Key` and `Tag.N.Value`, and the older `Tags`: a JSON array of objects with `TagKey` and `TagValue`.
fn all_tags(p: &Scope<'_>) -> Result<Vec<TagPair>, BadParams> {
    let mut all = tags(p)?;
    all.extend(json_tags(p)?);
    Ok(all)
}

fn json_tags(p: &Scope<'_>) -> Result<Vec<TagPair>, BadParams> {
    let Some(params) = p.json("Tags")? else { return Ok(Vec::new()) };
    let root = params.root();
    let objects = root.objects("Tags", 20)?;
    objects.iter().map(|tag| pair(tag, &["TagKey", "Key"], &["TagValue", "Value"])).collect()
}

/// What both ways of looking at a load balancer show.
fn show(w: &World, b: &LoadBalancer) -> Value {
    json!({
        "LoadBalancerId": b.id.to_string(),
        "LoadBalancerName": b.name,
        "LoadBalancerStatus": b.status(),
        "LoadBalancerSpec": b.spec_name(),
        "Address": b.address.to_string(),
        "AddressType": b.address_type(),
        "AddressIPVersion": b.ip_version(),
        "NetworkType": b.network_type(),
        "VpcId": b.home.map(|home| home.vpc.to_string()).unwrap_or_default(),
        "VSwitchId": b.home.map(|home| home.vswitch.to_string()).unwrap_or_default(),
        "MasterZoneId": b.master_zone,
        "SlaveZoneId": b.slave_zone,
        "RegionId": b.owner.region,
        "RegionIdAlias": b.owner.region,
        "Bandwidth": b.bandwidth.map_or(-1, i32::from),
        "InstanceChargeType": b.instance_charge().text(),
        "InternetChargeType": b.internet_charge.text(),
        "PayType": b.pay_type.text(),
        "DeleteProtection": if b.delete_protection { "on" } else { "off" },
        "ModificationProtectionStatus":
            if b.modification_protection.is_some() { "ConsoleProtection" } else { "NonProtection" },
        "ModificationProtectionReason": b.modification_protection.clone().unwrap_or_default(),
        "ResourceGroupId": b.resource_group.to_string(),
        "CreateTime": b.created.to_minutes_text(),
        "CreateTimeStamp": b.created.0,
        "Tags": show_tags_tag_key(w, b.id),
    })
}

pub fn describe_load_balancers(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 100)?;
    let ids = p.commas("LoadBalancerId", 100)?;
    let mut wanted = filter(p, "Tag")?;
    let invalid = |error| match error {
        BadParams::Param(wrong) => wrong.with_code("InvalidTag").into(),
        other => other,
    };
    wanted.extend(json_tags(p).map_err(invalid)?);
    let names: Vec<String> = p.commas("LoadBalancerName", 10)?.into_iter().map(str::to_owned).collect();
    let rows = Rows::<LoadBalancer>::all(|ix| &ix.load_balancers.by_owner)
        .named(&ids)
        .of::<VpcId>(sought(p, "VpcId"), |ix| &ix.load_balancers.by_vpc)
        .of::<VSwitchId>(sought(p, "VSwitchId"), |ix| &ix.load_balancers.by_vswitch)
        .tagged(wanted)
        .keep((!names.is_empty()).then_some(names), |_, b, names| names.iter().any(|name| b.name == *name))
        .keep(text(p, "Address"), |_, b, address| b.address.to_string() == *address)
        .keep(text(p, "AddressType"), |_, b, kind| b.address_type().eq_ignore_ascii_case(kind))
        .keep(text(p, "AddressIPVersion"), |_, b, family| b.ip_version().eq_ignore_ascii_case(family))
        .keep(text(p, "NetworkType"), |_, b, kind| b.network_type().eq_ignore_ascii_case(kind))
        .keep(text(p, "LoadBalancerStatus"), |_, b, status| b.status() == status)
        .keep(text(p, "MasterZoneId"), |_, b, zone| b.master_zone.0 == *zone)
        .keep(text(p, "SlaveZoneId"), |_, b, zone| b.slave_zone.0 == *zone)
        .keep(text(p, "InternetChargeType"), |_, b, charge| {
            [b.internet_charge.text(), b.internet_charge.number()].contains(&charge.as_str())
        })
        .keep(text(p, "PayType"), |_, b, pay| b.pay_type.text() == pay)
        .keep(text(p, "ResourceGroupId"), |_, b, group| b.resource_group.to_string() == *group)
        .keep(text(p, "ServerId"), |w, b, server| backend_places::serves(w, b, server))
        .keep(text(p, "ServerIntranetAddress"), |w, b, address| backend_places::serves(w, b, address));
    page.list(rows, "LoadBalancers", "LoadBalancer", |w, b| {
        let mut shown = show(w, b);
        shown["InternetChargeTypeAlias"] = b.internet_charge.text().into();
        shown["InternetChargeType"] = b.internet_charge.number().into();
        shown
    })
}

pub fn describe_load_balancer_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<LoadBalancerId>(p, "LoadBalancerId")?;
    read(move |w, caller| {
        let balancer = w.visible::<LoadBalancer>(caller, id)?;
        let mut shown = show(w, balancer);
        let end = balancer.ends.unwrap_or(NO_END);
        shown["EndTime"] = end.to_seconds_text().into();
        shown["EndTimeStamp"] = end.0.into();
        shown["BackendServers"] = pool(w, &balancer.backends);
        super::listener::ports(w, id, &mut shown);
        Ok(shown)
    })
}

pub fn delete_load_balancer(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteLoadBalancer { load_balancer: required_id(p, "LoadBalancerId")? })
}

/// A change of nothing yet.
fn unchanged(p: &Scope<'_>) -> Result<ModifyLoadBalancer, BadParams> {
    Ok(ModifyLoadBalancer {
        load_balancer: required_id(p, "LoadBalancerId")?,
        name: None,
        active: None,
        delete_protection: None,
        modification_protection: None,
    })
}

pub fn set_load_balancer_name(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyLoadBalancer { name: Some(p.required("LoadBalancerName")?.into()), ..unchanged(p)? })
}

pub fn set_load_balancer_status(p: &Scope<'_>, _: &Caller) -> Planned {
    let active = p.required_choice("LoadBalancerStatus", &[("active", true), ("inactive", false)])?;
    done(ModifyLoadBalancer { active: Some(active), ..unchanged(p)? })
}

pub fn set_load_balancer_delete_protection(p: &Scope<'_>, _: &Caller) -> Planned {
    let on = p.required_choice("DeleteProtection", ON_OFF)?;
    done(ModifyLoadBalancer { delete_protection: Some(on), ..unchanged(p)? })
}

pub fn set_load_balancer_modification_protection(p: &Scope<'_>, _: &Caller) -> Planned {
    p.required("ModificationProtectionStatus")?;
    done(ModifyLoadBalancer { modification_protection: protection(p)?, ..unchanged(p)? })
}

fn new_terms(p: &Scope<'_>, terms: Terms) -> Planned {
    let load_balancer = required_id(p, "LoadBalancerId")?;
    done(ModifyLoadBalancerTerms { load_balancer, terms })
}

fn bandwidth(p: &Scope<'_>) -> Result<Option<i32>, BadParams> {
    Ok(p.int("Bandwidth", -1..=5_120)?.map(|bandwidth| bandwidth as i32))
}

fn internet_charge(p: &Scope<'_>) -> Result<Option<InternetCharge>, BadParams> {
    word(p, "InternetChargeType", InternetCharge::WORDS)
}

pub fn modify_load_balancer_internet_spec(p: &Scope<'_>, _: &Caller) -> Planned {
    let (internet_charge, bandwidth) = (internet_charge(p)?, bandwidth(p)?);
    new_terms(p, Terms { internet_charge, bandwidth, ..Terms::default() })
}

pub fn modify_load_balancer_instance_spec(p: &Scope<'_>, _: &Caller) -> Planned {
    new_terms(p, Terms { spec: Some(p.required("LoadBalancerSpec")?.into()), ..Terms::default() })
}

pub fn modify_load_balancer_instance_charge_type(p: &Scope<'_>, _: &Caller) -> Planned {
    let terms = Terms {
        instance_charge: instance_charge(p)?,
        spec: p.str("LoadBalancerSpec").map(Into::into),
        internet_charge: internet_charge(p)?,
        bandwidth: bandwidth(p)?,
        pay_type: None,
        months: None,
    };
    new_terms(p, terms)
}

pub fn modify_load_balancer_pay_type(p: &Scope<'_>, _: &Caller) -> Planned {
    let pay_type = word(p, "PayType", PayType::WORDS)?.unwrap_or(PayType::Subscription);
    new_terms(p, Terms { pay_type: Some(pay_type), months: months(p)?, ..Terms::default() })
}

pub fn slb_describe_regions(_: &Scope<'_>, _: &Caller) -> Planned {
    read(|w, _| {
        let show = |r: &sim_core::RegionId| json!({ "RegionId": r, "LocalName": region_name(r), "RegionEndpoint": format!("slb.{r}.aliyuncs.com") });
        Ok(json!({ "Regions": { "Region": regions(w).iter().map(show).collect::<Vec<_>>() } }))
    })
}

pub fn slb_describe_zones(_: &Scope<'_>, _: &Caller) -> Planned {
    read(|w, caller| {
        let all = zones(w, &caller.region);
        let name = |zone| zone_name(&caller.region, zone);
        let shown: Vec<Value> = all
            .iter()
            .map(|zone| {
                let others = all.iter().filter(|other| *other != zone);
                let slaves: Vec<Value> =
                    others.map(|z| json!({ "ZoneId": z, "LocalName": name(z) })).collect();
                json!({ "ZoneId": zone, "LocalName": name(zone), "SlaveZones": { "SlaveZone": slaves } })
            })
            .collect();
        Ok(json!({ "Zones": { "Zone": shown } }))
    })
}

/// Every pair of zones of the region, with the address types and families that can be had there.
pub fn slb_describe_available_resource(p: &Scope<'_>, _: &Caller) -> Planned {
    let (kind, family) = (text(p, "AddressType"), text(p, "AddressIPVersion"));
    read(move |w, caller| {
        let sold = [("internet", "ipv4"), ("internet", "ipv6"), ("intranet", "ipv4")];
        let fits =
            |asked: &Option<String>, is: &str| asked.as_ref().is_none_or(|a| a.eq_ignore_ascii_case(is));
        let resources: Vec<Value> = sold
            .iter()
            .filter(|(k, f)| fits(&kind, k) && fits(&family, f))
            .map(|(k, f)| json!({ "AddressType": k, "AddressIPVersion": f }))
            .collect();
        let all = zones(w, &caller.region);
        let pairs = all.iter().flat_map(|master| all.iter().map(move |slave| (master, slave)));
        let shown: Vec<Value> = pairs
            .filter(|(master, slave)| master != slave && !resources.is_empty())
            .map(|(master, slave)| {
                json!({
                    "MasterZoneId": master,
                    "SlaveZoneId": slave,
                    "SupportResources": { "SupportResource": resources },
                })
            })
            .collect();
        Ok(json!({ "AvailableResources": { "AvailableResource": shown } }))
    })
}
