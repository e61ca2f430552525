//! Actions on router interfaces. Border routers have none here.

use crate::listing::Rows;
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    BadParams, NumberedPage, Planned, done, optional_id, pair, read, required_id, sought, write,
};
use serde_json::{Value, json};
use sim_core::id::{ResourceGroupId, RouterInterfaceId};
use sim_core::tag::{self, TagPair};
use sim_core::vpc::router_connection::{
    self, ActivateRouterInterface, ConnectRouterInterface, DeactivateRouterInterface,
};
use sim_core::vpc::router_interface::{
    self, CreateRouterInterface, DeleteRouterInterface, ModifyRouterInterface, ModifyRouterInterfaceSpec,
    NEGATIVE, Opposite, Role, RouterInterface, Spec,
};
use sim_core::{AccountId, Caller, ErrorCode, Outcome, Refusal, World};

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[
    ("CreateRouterInterface", CREATE_INERT),
    ("ModifyRouterInterfaceAttribute", MODIFY_INERT),
    ("DescribeRouterInterfaces", DESCRIBE_INERT),
];
const CREATE_INERT: &[&str] = &[
    "AccessPointId",
    "AutoPay",
    "AutoRenew",
    "FastLinkMode",
    "InstanceChargeType",
    "OppositeAccessPointId",
    "Period",
    "PricingCycle",
];
const MODIFY_INERT: &[&str] = &["DeleteHealthCheckIp"];
const DESCRIBE_INERT: &[&str] = &["IncludeReservationData"];

/// The one type of router.
const ROUTER_TYPE: &str = "VRouter";

/// `RouterType` and `OppositeRouterType`, where they are given.
fn check_type(p: &Scope<'_>, name: &str) -> Result<(), BadParams> {
    match p.str(name) {
        None | Some(ROUTER_TYPE) => Ok(()),
        Some(other) => Err(Refusal::new(ErrorCode::RouterInterfaceTypeUnknown)
            .field("router_type")
            .given(other)
            .accepted(ROUTER_TYPE)
            .into()),
    }
}

/// Only border routers check whether the other end is healthy.
fn check_no_health_check(p: &Scope<'_>, names: &[&str]) -> Result<(), BadParams> {
    match names.iter().find(|name| p.str(name).is_some()) {
        None => Ok(()),
        Some(name) => Err(Refusal::new(ErrorCode::RouterInterfaceHealthCheck)
            .field("health_check")
            .detail(format!("{name} is given."))
            .accepted("none")
            .into()),
    }
}

/// `Negative` is none.
fn spec(text: &str) -> Outcome<Option<Spec>> {
    if text == NEGATIVE { Ok(None) } else { Spec::parse(text).map(Some) }
}

/// `Tags.N`: the action has no `Tag.N`.
fn tags(p: &Scope<'_>) -> Result<Vec<TagPair>, BadParams> {
    let all = p.objects("Tags", 100)?;
    all.iter().map(|tag| pair(tag, &["Key"], &["Value"])).collect()
}

pub fn create_router_interface(p: &Scope<'_>, _: &Caller) -> Planned {
    super::eni::take_inert(p, CREATE_INERT);
    p.required("RouterType")?;
    check_type(p, "RouterType")?;
    check_type(p, "OppositeRouterType")?;
    check_no_health_check(p, &["HealthCheckSourceIp", "HealthCheckTargetIp"])?;
    let account = p.str("OppositeInterfaceOwnerId").map(router_interface::parse_account);
    let command = CreateRouterInterface {
        vrouter: required_id(p, "RouterId")?,
        role: Role::parse(p.required("Role")?)?,
        spec: spec(p.required("Spec")?)?,
        opposite: Opposite {
            region: p.required("OppositeRegionId")?.into(),
            account: account.transpose()?,
            vrouter: optional_id(p, "OppositeRouterId")?,
            router_interface: optional_id(p, "OppositeInterfaceId")?,
        },
        name: p.str("Name").map(Into::into),
        description: p.str("Description").map(Into::into),
        resource_group: optional_id(p, "ResourceGroupId")?,
        tags: tags(p)?,
    };
    write(command, |_, _, reply| json!({ "RouterInterfaceId": reply.id::<RouterInterfaceId>().to_string() }))
}

pub fn modify_router_interface_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    super::eni::take_inert(p, MODIFY_INERT);
    check_type(p, "OppositeRouterType")?;
    check_no_health_check(p, &["HealthCheckSourceIp", "HealthCheckTargetIp", "HcThreshold", "HcRate"])?;
    let account = p.int("OppositeInterfaceOwnerId", 0..=i64::MAX)?;
    done(ModifyRouterInterface {
        router_interface: required_id(p, "RouterInterfaceId")?,
        name: p.str("Name").map(Into::into),
        description: p.str("Description").map(Into::into),
        opposite_interface: optional_id(p, "OppositeInterfaceId")?,
        opposite_vrouter: optional_id(p, "OppositeRouterId")?,
        opposite_account: account.map(|account| AccountId(account as u64)),
    })
}

pub fn modify_router_interface_spec(p: &Scope<'_>, _: &Caller) -> Planned {
    let router_interface = required_id(p, "RouterInterfaceId")?;
    let spec = spec(p.required("Spec")?)?;
    write(ModifyRouterInterfaceSpec { router_interface, spec }, move |w, _, _| {
        let row = w.get::<RouterInterface>(&router_interface);
        json!({ "Spec": row.map_or(NEGATIVE, RouterInterface::spec_text) })
    })
}

pub fn connect_router_interface(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ConnectRouterInterface { router_interface: required_id(p, "RouterInterfaceId")? })
}

pub fn activate_router_interface(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ActivateRouterInterface { router_interface: required_id(p, "RouterInterfaceId")? })
}

pub fn deactivate_router_interface(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeactivateRouterInterface { router_interface: required_id(p, "RouterInterfaceId")? })
}

pub fn delete_router_interface(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteRouterInterface { router_interface: required_id(p, "RouterInterfaceId")? })
}

/// A word that picks, and what an interface has of it.
type Filter = (&'static str, fn(&RouterInterface) -> String);

/// By what `Filter.N` picks.
const FILTERS: &[Filter] = &[
    ("RouterInterfaceId", |r| r.id.to_string()),
    ("RouterId", |r| r.vrouter.to_string()),
    ("RouterType", |_| ROUTER_TYPE.to_owned()),
    ("RouterInterfaceOwnerId", |r| r.owner.account.to_string()),
    ("OppositeInterfaceId", |r| shown(r.opposite.router_interface)),
    ("OppositeRouterType", |_| ROUTER_TYPE.to_owned()),
    ("OppositeRouterId", |r| shown(r.opposite.vrouter)),
    ("OppositeInterfaceOwnerId", |r| shown(r.opposite.account)),
    ("Status", |r| r.status.text().to_owned()),
    ("Name", |r| r.name.to_string()),
    ("Role", |r| r.role.text().to_owned()),
    ("Spec", |r| r.spec_text().to_owned()),
];

fn shown(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// What one `Filter.N` asks for: any of its values.
type Wanted = (fn(&RouterInterface) -> String, Vec<String>);

fn filters(p: &Scope<'_>) -> Result<Vec<Wanted>, BadParams> {
    p.objects("Filter", 5)?.iter().map(filter).collect()
}

fn filter(filter: &Scope<'_>) -> Result<Wanted, BadParams> {
    let key = filter.required("Key")?;
    let values = filter.strings("Value", 5)?;
    let known = FILTERS.iter().find(|(word, _)| *word == key);
    let (_, of) = known.ok_or_else(|| {
        let words: Vec<&str> = FILTERS.iter().map(|(word, _)| *word).collect();
        Refusal::new(ErrorCode::RouterInterfaceFilterUnknown)
            .field("filter")
            .given(key)
            .accepted(words.join(", "))
    })?;
    Ok((*of, values.into_iter().map(str::to_owned).collect()))
}

pub fn describe_router_interfaces(p: &Scope<'_>, _: &Caller) -> Planned {
    super::eni::take_inert(p, DESCRIBE_INERT);
    let page = NumberedPage::read(p, 50)?;
    let rows = Rows::<RouterInterface>::all(|ix| &ix.router_interfaces.by_owner)
        .tagged(super::tags::filter(p, "Tags")?)
        .keep(sought::<ResourceGroupId>(p, "ResourceGroupId"), |_, r, group| Some(r.resource_group) == *group)
        .keep(Some(filters(p)?), |_, r, wanted| wanted.iter().all(|(of, values)| values.contains(&of(r))));
    page.list(rows, "RouterInterfaceSet", "RouterInterfaceType", |w, r| {
        let mut shown = described(w, r);
        shown["FastLinkMode"] = false.into();
        shown["Ipv6Status"] = "OFF".into();
        shown
    })
}

pub fn describe_router_interface_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<RouterInterfaceId>(p, "InstanceId")?;
    read(move |w, caller| {
        let r = w.visible::<RouterInterface>(caller, id)?;
        let mut shown = described(w, r);
        shown["FastLinkMode"] = "false".into();
        shown["GmtModified"] = r.modified.to_seconds_text().into();
        shown["Success"] = true.into();
        shown["Code"] = "200".into();
        shown["Message"] = "successful".into();
        Ok(shown)
    })
}

/// The list of tags of this product alone has its own name inside.
fn tags_of(w: &World, r: &RouterInterface) -> Vec<Value> {
    tag::of(w, r.id).map(|t| json!({ "Key": t.key, "Value": t.value })).collect()
}

fn described(w: &World, r: &RouterInterface) -> Value {
    let mut shown = json!({
        "RouterInterfaceId": r.id.to_string(),
        "RouterId": r.vrouter.to_string(),
        "RouterType": ROUTER_TYPE,
        "VpcInstanceId": r.vpc.to_string(),
        "Role": r.role.text(),
        "Spec": r.spec_text(),
        "Bandwidth": r.bandwidth(),
        "Status": r.status.text(),
        "BusinessStatus": "Normal",
        "ChargeType": "AfterPay",
        "HasReservationData": "false",
        "CrossBorder": false,
        "Name": r.name,
        "Description": r.description,
        "ResourceGroupId": r.resource_group.to_string(),
        "CreationTime": r.created.to_seconds_text(),
        "ConnectedTime": r.connected.map_or_else(String::new, |at| at.to_seconds_text()),
        "EndTime": "",
        "AccessPointId": "",
        "OppositeAccessPointId": "",
        "HealthCheckSourceIp": "",
        "HealthCheckTargetIp": "",
        "OppositeRegionId": r.opposite.region.to_string(),
        "OppositeRouterType": ROUTER_TYPE,
        "OppositeInterfaceId": self::shown(r.opposite.router_interface),
        "OppositeRouterId": self::shown(r.opposite.vrouter),
        "OppositeInterfaceOwnerId": self::shown(r.opposite.account),
        "Tags": { "Tags": tags_of(w, r) },
    });
    // What is known of the other end once the two are connected.
    if let Some(other) = router_connection::other_end(w, r) {
        shown["OppositeInterfaceStatus"] = other.status.text().into();
        shown["OppositeInterfaceBusinessStatus"] = "Normal".into();
        shown["OppositeInterfaceSpec"] = other.spec_text().into();
        shown["OppositeBandwidth"] = other.bandwidth().into();
        shown["OppositeVpcInstanceId"] = other.vpc.to_string().into();
    }
    shown
}
