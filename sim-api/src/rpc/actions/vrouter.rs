//! Actions on vRouters.

use crate::rpc::params::Scope;
use crate::rpc::plan::{NumberedPage, Planned, done, read, required_id};
use serde_json::json;
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vrouter::{ModifyVRouter, VRouter};
use sim_core::{Caller, Owner};

pub fn describe_vrouters(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 50)?;
    let id = p.str("VRouterId").map(str::to_owned);
    read(move |w, caller| {
        let all =
            w.indexes().vrouters.by_owner.of(&Owner::from(caller)).filter_map(|id| w.get::<VRouter>(id));
        let wanted = all.filter(|r| id.as_ref().is_none_or(|id| r.id.to_string() == *id));
        Ok(page.show(wanted, "VRouters", "VRouter", |r| {
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
        }))
    })
}

pub fn modify_vrouter_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyVRouter {
        vrouter: required_id(p, "VRouterId")?,
        name: p.str("VRouterName").map(Into::into),
        description: p.raw("Description").map(Into::into),
    })
}
