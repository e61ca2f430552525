//! Actions on vRouters.

use crate::listing::Rows;
use crate::rpc::params::Scope;
use crate::rpc::plan::{NumberedPage, Planned, done, required_id};
use serde_json::json;
use sim_core::Caller;
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vrouter::{ModifyVRouter, VRouter};

pub fn describe_vrouters(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 50)?;
    let rows = Rows::<VRouter>::all(|ix| &ix.vrouters.by_owner).named(p.str("VRouterId").as_slice());
    page.list(rows, "VRouters", "VRouter", |w, r| {
        let tables = w.indexes().route_tables.by_vpc.of(&r.vpc).map(ToString::to_string);
        json!({
            "VRouterId": r.id.to_string(),
            "VpcId": r.vpc.to_string(),
            "RegionId": r.owner.region,
            "VRouterName": r.name,
            "Description": r.description,
            "CreationTime": w.get::<Vpc>(&r.vpc).map(|v| v.created.to_seconds_text()).unwrap_or_default(),
            "RouteTableIds": { "RouteTableId": tables.collect::<Vec<_>>() },
        })
    })
}

pub fn modify_vrouter_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyVRouter {
        vrouter: required_id(p, "VRouterId")?,
        name: p.str("VRouterName").map(Into::into),
        description: p.raw("Description").map(Into::into),
    })
}
