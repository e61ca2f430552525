//! Actions on IPv4 gateways.

use super::vpc_parts::TokenPage;
use crate::listing::Rows;
use crate::rest::context::parse_id;
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    Planned, done, list, optional_id, read, required_id, show_tags_key_value, sought, tags, text, write,
};
use serde_json::{Value, json};
use sim_core::id::{Ipv4GatewayId, ResourceGroupId, VpcId};
use sim_core::vpc::ipv4_gateway::{
    self, CreateIpv4Gateway, DeleteIpv4Gateway, EnableIpv4Gateway, InternetMode, Ipv4Gateway,
    ModifyIpv4Gateway,
};
use sim_core::{Caller, World};

pub fn create_ipv4_gateway(p: &Scope<'_>, _: &Caller) -> Planned {
    let command = CreateIpv4Gateway {
        vpc: required_id(p, "VpcId")?,
        name: p.str("Ipv4GatewayName").map(Into::into),
        description: p.str("Ipv4GatewayDescription").map(Into::into),
        resource_group: optional_id(p, "ResourceGroupId")?,
        tags: tags(p)?,
    };
    write(command, |w, _, reply| {
        let id = reply.id::<Ipv4GatewayId>();
        let group = w.get::<Ipv4Gateway>(&id).map(|g| g.resource_group.to_string()).unwrap_or_default();
        json!({ "Ipv4GatewayId": id.to_string(), "ResourceGroupId": group })
    })
}

pub fn enable_vpc_ipv4_gateway(p: &Scope<'_>, _: &Caller) -> Planned {
    let gateway = required_id(p, "Ipv4GatewayId")?;
    let tables = p.strings("RouteTableList", 100)?;
    let tables = tables.into_iter().map(parse_id).collect::<Result<_, _>>()?;
    done(EnableIpv4Gateway { gateway, tables })
}

pub fn update_ipv4_gateway_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyIpv4Gateway {
        gateway: required_id(p, "Ipv4GatewayId")?,
        name: p.str("Ipv4GatewayName").map(Into::into),
        description: p.raw("Ipv4GatewayDescription").map(Into::into),
    })
}

pub fn delete_ipv4_gateway(p: &Scope<'_>, _: &Caller) -> Planned {
    let mode = p.str("InternetMode").map(InternetMode::parse).transpose()?.unwrap_or_default();
    done(DeleteIpv4Gateway { gateway: required_id(p, "Ipv4GatewayId")?, mode })
}

pub fn get_ipv4_gateway_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<Ipv4GatewayId>(p, "Ipv4GatewayId")?;
    read(move |w, caller| {
        let g = w.visible::<Ipv4Gateway>(caller, id)?;
        Ok(described(w, g, "CreateTime"))
    })
}

pub fn list_ipv4_gateways(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = TokenPage::read(p, "MaxResults", 100, 10)?;
    let mut rows = Rows::<Ipv4Gateway>::all(|ix| &ix.ipv4_gateways.by_owner)
        .named(p.str("Ipv4GatewayId").as_slice())
        .tagged(super::tags::filter(p, "Tags")?)
        .keep(text(p, "Ipv4GatewayName"), |_, g, name| g.name == *name)
        .keep(sought::<ResourceGroupId>(p, "ResourceGroupId"), |_, g, group| {
            Some(g.resource_group) == *group
        });
    if let Some(vpc) = sought::<VpcId>(p, "VpcId") {
        rows = rows.found(move |w, _| {
            Ok(vpc.and_then(|vpc| ipv4_gateway::of_vpc(w, vpc)).into_iter().map(|g| g.id).collect())
        });
    }
    list(
        rows,
        page.part::<Ipv4GatewayId>(),
        |w, g| described(w, g, "GmtCreate"),
        move |found| {
            json!({
                "TotalCount": found.total.to_string(),
                "NextToken": found.next.map(|id| id.to_string()).unwrap_or_default(),
                "Ipv4GatewayModels": found.items,
            })
        },
    )
}

fn described(w: &World, g: &Ipv4Gateway, created: &str) -> Value {
    json!({
        "Ipv4GatewayId": g.id.to_string(),
        "Ipv4GatewayName": g.name,
        "Ipv4GatewayDescription": g.description,
        "VpcId": g.vpc.to_string(),
        "Status": g.status.text(),
        "Enabled": g.enabled,
        "Ipv4GatewayRouteTableId": g.route_table.map(|id| id.to_string()).unwrap_or_default(),
        "ResourceGroupId": g.resource_group.to_string(),
        created: g.created.to_seconds_text(),
        "Tags": show_tags_key_value(w, g.id)["Tag"],
    })
}
