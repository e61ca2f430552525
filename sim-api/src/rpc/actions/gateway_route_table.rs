//! Actions on route tables of gateways.

use super::vpc_parts::TokenPage;
use crate::rpc::params::Scope;
use crate::rpc::plan::{BadParams, Planned, done, read, required_id};
use serde_json::{Value, json};
use sim_core::Caller;
use sim_core::cidr::Cidr;
use sim_core::id::{RouteEntryId, RouteTableId};
use sim_core::vpc::gateway_route_table::{
    self, AssociateGatewayRouteTable, DissociateGatewayRouteTable, UpdateGatewayRouteEntry,
};
use sim_core::vpc::route_entry::RouteEntry;

fn check_gateway_type(p: &Scope<'_>) -> Result<(), BadParams> {
    match p.str("GatewayType") {
        Some(kind) => Ok(gateway_route_table::check_gateway_type(kind)?),
        None => Ok(()),
    }
}

pub fn associate_route_table_with_gateway(p: &Scope<'_>, _: &Caller) -> Planned {
    check_gateway_type(p)?;
    done(AssociateGatewayRouteTable {
        route_table: required_id(p, "RouteTableId")?,
        gateway: required_id(p, "GatewayId")?,
    })
}

pub fn dissociate_route_table_from_gateway(p: &Scope<'_>, _: &Caller) -> Planned {
    check_gateway_type(p)?;
    done(DissociateGatewayRouteTable {
        route_table: required_id(p, "RouteTableId")?,
        gateway: required_id(p, "GatewayId")?,
    })
}

pub fn update_gateway_route_table_entry_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    // The older name of the parameter counts where the newer one is absent.
    let table = if p.str("GatewayRouteTableId").is_some() {
        "GatewayRouteTableId"
    } else {
        "IPv4GatewayRouteTableId"
    };
    done(UpdateGatewayRouteEntry {
        route_table: required_id(p, table)?,
        destination: p.required("DestinationCidrBlock")?.into(),
        next_hop_kind: p.required("NextHopType")?.into(),
        next_hop: p.str("NextHopId").map(Into::into),
        name: p.str("Name").map(Into::into),
        description: p.str("Description").map(Into::into),
    })
}

pub fn list_gateway_route_table_entries(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = TokenPage::read(p, "MaxResults", 100, 50)?;
    let id = required_id::<RouteTableId>(p, "GatewayRouteTableId")?;
    let destination = p.str("DestinationCidrBlock").map(|text| Cidr::parse_or_host(text).ok());
    let part = page.part::<RouteEntryId>();
    read(move |w, caller| {
        let table = gateway_route_table::find(w, caller, id)?;
        let fits = |e: &RouteEntry| destination.is_none_or(|block| block == Some(e.destination));
        let all: Vec<RouteEntry> = gateway_route_table::entries(w, table).filter(fits).collect();
        let rest = all.iter().filter(|e| part.after.is_none_or(|after| e.id > after));
        let shown: Vec<&RouteEntry> = rest.take(part.size).collect();
        let more = shown.last().filter(|last| all.last().is_some_and(|end| end.id > last.id));
        Ok(json!({
            "TotalCount": all.len().to_string(),
            "NextToken": more.map(|last| last.id.to_string()).unwrap_or_default(),
            "GatewayRouteEntryModels": shown.into_iter().map(described).collect::<Vec<_>>(),
        }))
    })
}

fn described(e: &RouteEntry) -> Value {
    json!({
        "DestinationCidrBlock": e.destination.to_string(),
        "NextHopType": e.next_hop.text(),
        "NextHopId": e.next_hop.id().map(|id| id.to_string()).unwrap_or_default(),
        "Name": e.name,
        "Description": e.description,
        "Status": e.status.text(),
        "NextHops": [],
    })
}
