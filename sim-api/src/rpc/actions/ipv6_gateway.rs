//! Actions on IPv6 gateways, IPv6 addresses and their internet bandwidth.

use crate::listing::Rows;
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    BadParams, NumberedPage, Planned, done, optional_id, read, required_id, show_tags_key_value, sought,
    tags, text, write,
};
use serde_json::{Value, json};
use sim_core::ecs::eni::Eni;
use sim_core::id::{
    EniId, InstanceId, Ipv6AddressId, Ipv6BandwidthId, Ipv6GatewayId, ResourceGroupId, VSwitchId, VpcId,
};
use sim_core::vpc::eip::InternetCharge;
use sim_core::vpc::ipv6_bandwidth::{
    self, AddressRef, AllocateIpv6Bandwidth, BandwidthRef, DeleteIpv6Bandwidth, Ipv6Bandwidth,
    ModifyIpv6Bandwidth,
};
use sim_core::vpc::ipv6_gateway::{
    self, CreateIpv6Gateway, DeleteIpv6Gateway, Ipv6Gateway, ModifyIpv6Gateway,
};
use sim_core::vpc::vpc::Vpc;
use sim_core::{Caller, ErrorCode, Refusal, World};
use std::net::Ipv6Addr;

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[("DescribeIpv6Addresses", ADDRESS_INERT)];
const ADDRESS_INERT: &[&str] = &["AddressType", "IncludeReservationData"];

pub fn create_ipv6_gateway(p: &Scope<'_>, _: &Caller) -> Planned {
    let command = CreateIpv6Gateway {
        vpc: required_id(p, "VpcId")?,
        name: p.str("Name").map(Into::into),
        description: p.str("Description").map(Into::into),
        resource_group: optional_id(p, "ResourceGroupId")?,
        tags: tags(p)?,
    };
    write(command, |w, _, reply| {
        let id = reply.id::<Ipv6GatewayId>();
        let group = w.get::<Ipv6Gateway>(&id).map(|g| g.resource_group.to_string()).unwrap_or_default();
        json!({ "Ipv6GatewayId": id.to_string(), "ResourceGroupId": group })
    })
}

pub fn modify_ipv6_gateway_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyIpv6Gateway {
        gateway: required_id(p, "Ipv6GatewayId")?,
        name: p.str("Name").map(Into::into),
        description: p.raw("Description").map(Into::into),
    })
}

pub fn delete_ipv6_gateway(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteIpv6Gateway { gateway: required_id(p, "Ipv6GatewayId")? })
}

pub fn describe_ipv6_gateways(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 100)?;
    let mut rows = Rows::<Ipv6Gateway>::all(|ix| &ix.ipv6_gateways.by_owner)
        .named(p.str("Ipv6GatewayId").as_slice())
        .tagged(super::tags::filter(p, "Tags")?)
        .keep(text(p, "Name"), |_, g, name| g.name == *name)
        .keep(sought::<ResourceGroupId>(p, "ResourceGroupId"), |_, g, group| {
            Some(g.resource_group) == *group
        });
    if let Some(vpc) = sought::<VpcId>(p, "VpcId") {
        rows = rows.found(move |w, _| {
            Ok(vpc.and_then(|vpc| ipv6_gateway::of_vpc(w, vpc)).into_iter().map(|g| g.id).collect())
        });
    }
    page.list(rows, "Ipv6Gateways", "Ipv6Gateway", described)
}

fn described(w: &World, g: &Ipv6Gateway) -> Value {
    json!({
        "Ipv6GatewayId": g.id.to_string(),
        "Name": g.name,
        "Description": g.description,
        "VpcId": g.vpc.to_string(),
        "Status": g.status.text(),
        "RegionId": g.owner.region.to_string(),
        "InstanceChargeType": "PostPaid",
        "BusinessStatus": "Normal",
        "ResourceGroupId": g.resource_group.to_string(),
        "CreationTime": g.created.to_seconds_text(),
        "ExpiredTime": "",
        "Tags": show_tags_key_value(w, g.id),
    })
}

pub fn describe_ipv6_gateway_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<Ipv6GatewayId>(p, "Ipv6GatewayId")?;
    read(move |w, caller| {
        let mut shown = described(w, w.visible::<Ipv6Gateway>(caller, id)?);
        shown["GatewayRouteTableId"] = "".into();
        Ok(shown)
    })
}

/// `Bandwidth`: what does not fit is refused by the core.
fn mbits(p: &Scope<'_>) -> Result<u32, BadParams> {
    p.required("Bandwidth")?;
    Ok(p.int("Bandwidth", i64::MIN..=i64::MAX)?.and_then(|n| u32::try_from(n).ok()).unwrap_or(u32::MAX))
}

pub fn allocate_ipv6_internet_bandwidth(p: &Scope<'_>, _: &Caller) -> Planned {
    let charge = p.choice("InternetChargeType", InternetCharge::ALL);
    let address = required_id::<Ipv6AddressId>(p, "Ipv6AddressId")?;
    let command = AllocateIpv6Bandwidth {
        gateway: required_id(p, "Ipv6GatewayId")?,
        address: AddressRef::Id(address),
        bandwidth: mbits(p)?,
        charge: charge.map_err(|e| e.with_code("IllegalParam.InternetChargeType"))?.unwrap_or_default(),
    };
    write(command, move |_, _, reply| {
        json!({
            "InternetBandwidthId": reply.id::<Ipv6BandwidthId>().to_string(),
            "Ipv6AddressId": address.to_string(),
        })
    })
}

/// `Ipv6InternetBandwidthId` or `Ipv6AddressId`.
fn bandwidth_ref(p: &Scope<'_>) -> Result<BandwidthRef, BadParams> {
    let id = optional_id::<Ipv6BandwidthId>(p, "Ipv6InternetBandwidthId")?;
    let address = optional_id::<Ipv6AddressId>(p, "Ipv6AddressId")?;
    match (id, address) {
        (Some(id), None) => Ok(BandwidthRef::Id(id)),
        (None, Some(address)) => Ok(BandwidthRef::Of(AddressRef::Id(address))),
        (Some(_), Some(_)) => Err(Refusal::new(ErrorCode::Ipv6BandwidthExclusive)
            .field("ipv6_bandwidth_id")
            .accepted("one of the two")
            .into()),
        (None, None) => Err(Refusal::new(ErrorCode::Ipv6BandwidthMissing).field("ipv6_bandwidth_id").into()),
    }
}

pub fn modify_ipv6_internet_bandwidth(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyIpv6Bandwidth { bandwidth: bandwidth_ref(p)?, mbits: mbits(p)? })
}

pub fn delete_ipv6_internet_bandwidth(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteIpv6Bandwidth { bandwidth: bandwidth_ref(p)? })
}

/// What a list of addresses asks for; an id that does not parse fits nothing.
struct AddressFilter {
    id: Option<Option<Ipv6AddressId>>,
    address: Option<Ipv6Addr>,
    holder: Option<String>,
    holder_type: Option<String>,
    public: Option<bool>,
    vpc: Option<Option<VpcId>>,
    vswitch: Option<Option<VSwitchId>>,
    bandwidth: Option<Option<Ipv6BandwidthId>>,
    nothing: bool,
}

impl AddressFilter {
    fn read(p: &Scope<'_>) -> Result<AddressFilter, BadParams> {
        super::eni::take_inert(p, ADDRESS_INERT);
        const NETWORKS: &[(&str, bool)] = &[("Public", true), ("Private", false)];
        let public =
            p.choice("NetworkType", NETWORKS).map_err(|e| e.with_code("IllegalParam.NetworkType"))?;
        let address = p.str("Ipv6Address").map(|text| {
            text.parse().map_err(|_| {
                p.invalid("Ipv6Address", "it is no IPv6 address").with_code("IllegalParam.Ipv6Address")
            })
        });
        // Addresses have neither names nor tags nor resource groups of their own, and no service manages one.
        let named = p.str("Name").is_some() | p.str("ResourceGroupId").is_some();
        let nothing = named | !tags(p)?.is_empty() | p.bool("ServiceManaged")?.unwrap_or(false);
        Ok(AddressFilter {
            id: sought(p, "Ipv6AddressId"),
            address: address.transpose()?,
            holder: text(p, "AssociatedInstanceId"),
            holder_type: text(p, "AssociatedInstanceType"),
            public,
            vpc: sought(p, "VpcId"),
            vswitch: sought(p, "VSwitchId"),
            bandwidth: sought(p, "Ipv6InternetBandwidthId"),
            nothing,
        })
    }

    fn fits(&self, w: &World, eni: &Eni, address: Ipv6Addr) -> bool {
        let (kind, holder) = holder(eni);
        let bought = ipv6_bandwidth::of_address(w, address);
        !self.nothing
            && self.id.is_none_or(|id| id == Some(ipv6_bandwidth::address_id(eni.id, address)))
            && self.address.is_none_or(|own| own == address)
            && self.holder.as_ref().is_none_or(|id| *id == holder)
            && self.holder_type.as_ref().is_none_or(|own| own == kind)
            && self.public.is_none_or(|public| public == bought.is_some())
            && self.vpc.is_none_or(|vpc| vpc == Some(eni.vpc))
            && self.vswitch.is_none_or(|vswitch| vswitch == Some(eni.vswitch))
            && self.bandwidth.is_none_or(|id| id.is_some() && id == bought.map(|b| b.id))
    }
}

/// What an address is bound to: the instance whose primary interface holds it, or the interface.
fn holder(eni: &Eni) -> (&'static str, String) {
    match eni.instance.filter(|_| eni.kind == sim_core::ecs::eni::EniKind::Primary) {
        Some(id) => ("EcsInstance", InstanceId::to_string(&id)),
        None => ("NetworkInterface", EniId::to_string(&eni.id)),
    }
}

pub fn describe_ipv6_addresses(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 100)?;
    let filter = AddressFilter::read(p)?;
    read(move |w, caller| {
        let enis = w.indexes().enis.by_owner.of(&caller.into()).filter_map(|id| w.get::<Eni>(id));
        let all = enis.flat_map(|eni| eni.ipv6.iter().map(move |address| (eni, *address)));
        let fitting = all.filter(|(eni, address)| filter.fits(w, eni, *address));
        Ok(page.show(fitting, "Ipv6Addresses", "Ipv6Address", |(eni, address)| shown(w, eni, address)))
    })
}

fn shown(w: &World, eni: &Eni, address: Ipv6Addr) -> Value {
    let (kind, holder) = holder(eni);
    let bought = ipv6_bandwidth::of_address(w, address);
    let blocks = w.get::<Vpc>(&eni.vpc).into_iter().flat_map(|vpc| &vpc.ipv6);
    let isp = blocks.filter(|b| b.block.contains_address(address)).map(|b| b.isp.to_string()).next();
    let gateway = ipv6_gateway::of_vpc(w, eni.vpc).map(|g| g.id.to_string());
    let mut shown = json!({
        "Ipv6AddressId": ipv6_bandwidth::address_id(eni.id, address).to_string(),
        "Ipv6Address": address,
        "Ipv6AddressName": "",
        "Ipv6AddressDescription": "",
        "Ipv6Isp": isp.unwrap_or_default(),
        "Ipv6GatewayId": gateway.unwrap_or_default(),
        "Status": "Available",
        "VpcId": eni.vpc.to_string(),
        "VSwitchId": eni.vswitch.to_string(),
        "AssociatedInstanceType": kind,
        "AssociatedInstanceId": holder,
        "NetworkType": if bought.is_some() { "Public" } else { "Private" },
        "RealBandwidth": bought.map_or(0, |b| b.bandwidth),
        "AllocationTime": eni.created.to_seconds_text(),
        "ResourceGroupId": sim_core::resource_group::default_of(eni.owner.account).to_string(),
        "ServiceManaged": 0,
        "Tags": { "Tag": [] },
    });
    if let Some(b) = bought {
        shown["Ipv6InternetBandwidth"] = bandwidth(b);
    }
    shown
}

fn bandwidth(b: &Ipv6Bandwidth) -> Value {
    json!({
        "Ipv6InternetBandwidthId": b.id.to_string(),
        "Bandwidth": b.bandwidth,
        "InternetChargeType": b.charge.text(),
        "InstanceChargeType": "PostPaid",
        "BusinessStatus": "Normal",
        "HasReservationData": false,
    })
}
