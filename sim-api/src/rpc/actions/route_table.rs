//! Actions on route tables.

use super::route_entry::next_hops;
use crate::listing::Rows;
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    NumberedPage, Planned, done, optional_id, required_id, show_tags_key_value, sought, tags, text, write,
};
use serde_json::{Value, json};
use sim_core::id::{RouteTableId, VRouterId, VpcId};
use sim_core::vpc::gateway_route_table;
use sim_core::vpc::route_entry::{self, RouteEntry};
use sim_core::vpc::route_table::{
    AssociateRouteTable, AssociateType, CreateRouteTable, DeleteRouteTable, ModifyRouteTable, RouteTable,
    UnassociateRouteTable,
};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vrouter::VRouter;
use sim_core::{Caller, World};

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[("DescribeRouteTables", &["Type"])];

pub fn create_route_table(p: &Scope<'_>, _: &Caller) -> Planned {
    let types = [("VSwitch", AssociateType::VSwitch), ("Gateway", AssociateType::Gateway)];
    let command = CreateRouteTable {
        vpc: required_id(p, "VpcId")?,
        associate_type: p.choice("AssociateType", &types)?.unwrap_or_default(),
        name: p.str("RouteTableName").map(Into::into),
        description: p.str("Description").map(Into::into),
        tags: tags(p)?,
    };
    write(command, |_, _, reply| json!({ "RouteTableId": reply.id::<RouteTableId>().to_string() }))
}

pub fn modify_route_table_attributes(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyRouteTable {
        route_table: required_id(p, "RouteTableId")?,
        name: p.str("RouteTableName").map(Into::into),
        description: p.raw("Description").map(Into::into),
        propagation: p.bool("RoutePropagationEnable")?,
    })
}

pub fn delete_route_table(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteRouteTable { route_table: required_id(p, "RouteTableId")? })
}

pub fn associate_route_table(p: &Scope<'_>, _: &Caller) -> Planned {
    done(AssociateRouteTable {
        route_table: required_id(p, "RouteTableId")?,
        vswitch: required_id(p, "VSwitchId")?,
    })
}

pub fn unassociate_route_table(p: &Scope<'_>, _: &Caller) -> Planned {
    done(UnassociateRouteTable {
        route_table: required_id(p, "RouteTableId")?,
        vswitch: required_id(p, "VSwitchId")?,
    })
}

/// Which route tables both lists can be narrowed to.
fn filtered(p: &Scope<'_>) -> Rows<RouteTable> {
    Rows::<RouteTable>::all(|ix| &ix.route_tables.by_owner)
        .named(p.str("RouteTableId").as_slice())
        // Every router is a VPC's; those of physical connections (VBR) do not exist.
        .keep(text(p, "RouterType"), |_, _, kind| kind == "VRouter")
        .keep(text(p, "RouterId"), |w, t, id| router(w, t) == *id)
        .keep(text(p, "RouteTableName"), |_, t, name| t.name == *name)
        .keep(text(p, "ResourceGroupId"), |w, t, id| group(w, t) == *id)
}

fn router(w: &World, table: &RouteTable) -> String {
    w.get::<Vpc>(&table.vpc).map(|vpc| vpc.vrouter.to_string()).unwrap_or_default()
}

fn group(w: &World, table: &RouteTable) -> String {
    table.resource_group(w).map(|group| group.to_string()).unwrap_or_default()
}

fn vswitches(w: &World, table: &RouteTable) -> Value {
    json!({ "VSwitchId": table.vswitches(w).map(|s| s.id.to_string()).collect::<Vec<_>>() })
}

pub fn describe_route_table_list(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 50)?;
    let rows = filtered(p)
        .of::<VpcId>(sought(p, "VpcId"), |ix| &ix.route_tables.by_vpc)
        .tagged(tags(p)?)
        .keep(text(p, "RouteTableType"), |_, t, kind| t.kind.text() == kind);
    page.list(rows, "RouterTableList", "RouterTableListType", |w, t| {
        let gateway = gateway_route_table::gateway_of(w, t);
        let gateways: Vec<String> = gateway.map(|gateway| gateway.id.to_string()).into_iter().collect();
        json!({
            "RouteTableId": t.id.to_string(),
            "RouteTableName": t.name,
            "RouteTableType": t.kind.text(),
            "AssociateType": t.associate_type.text(),
            "Description": t.description,
            "Status": t.status.text(),
            "VpcId": t.vpc.to_string(),
            "RouterType": "VRouter",
            "RouterId": router(w, t),
            "VSwitchIds": vswitches(w, t),
            "GatewayIds": { "GatewayIds": gateways },
            "RoutePropagationEnable": t.propagation,
            "ResourceGroupId": group(w, t),
            "OwnerId": t.owner.account,
            "CreationTime": t.created.to_seconds_text(),
            "Tags": show_tags_key_value(w, t.id),
        })
    })
}

pub fn describe_route_tables(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 50)?;
    let mut rows = filtered(p);
    p.mark_known("Type");
    if let Some(vrouter) = optional_id::<VRouterId>(p, "VRouterId")? {
        rows = rows.found(move |w, caller| {
            let vpc = w.visible::<VRouter>(caller, vrouter)?.vpc;
            Ok(w.indexes().route_tables.by_vpc.of(&vpc).copied().collect())
        });
    }
    page.list(rows, "RouteTables", "RouteTable", |w, t| {
        let entries: Vec<Value> = route_entry::of_table(w, t, None).map(|e| entry(&e)).collect();
        json!({
            "RouteTableId": t.id.to_string(),
            "RouteTableType": t.kind.text(),
            "VRouterId": router(w, t),
            "Status": t.status.text(),
            "ResourceGroupId": group(w, t),
            "CreationTime": t.created.to_seconds_text(),
            "VSwitchIds": vswitches(w, t),
            "RouteEntrys": { "RouteEntry": entries },
        })
    })
}

/// An entry as the older list shows it: the one next hop stands beside the list of next hops.
fn entry(e: &RouteEntry) -> Value {
    json!({
        "RouteEntryId": e.id.to_string(),
        "RouteTableId": e.table.to_string(),
        "DestinationCidrBlock": e.destination.to_string(),
        "Type": e.kind.text(),
        "Status": e.status.text(),
        "RouteEntryName": e.name,
        "Description": e.description,
        "NextHopType": e.next_hop.text(),
        "InstanceId": e.next_hop.id().map(|id| id.to_string()).unwrap_or_default(),
        "NextHops": next_hops(e, false),
    })
}
