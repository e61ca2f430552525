//! Actions of other products that clients call at their start: where a product is served, who calls, and the resource
//! groups of the account.

use crate::gate::is_provider_host;
use crate::rpc::actions::is_served_product;
use crate::rpc::params::Scope;
use crate::rpc::plan::{Planned, read, show_tags_tag_key, tags};
use serde_json::{Value, json};
use sim_core::id::ResourceGroupId;
use sim_core::resource_group::{self, ResourceGroup};
use sim_core::tag::TagPair;
use sim_core::{AccountId, Caller, World};

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[("ListResourceGroups", &["IncludeTags"])];

/// The kind of endpoint that there is: none lies in a VPC, so `innerAPI` has none.
const OPEN_API: &str = "openAPI";

/// Location: where a product is served. Here: wherever this request came to, so that a client that asks goes on with the
/// same server; one that uses the service as its proxy addresses the provider's hosts, and is told their names. Of another
/// kind of endpoint there is none, which is no refusal (the provider's older Python SDK: "the endpoint can be still not
/// found").
///
/// # Errors
/// A product that is not served here: code and message are those by which that SDK knows that there is no such product.
pub fn describe_endpoints(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = p.required("Id")?.to_owned();
    let code = p.required("ServiceCode")?.to_owned();
    if !is_served_product(&code) {
        return Err(p.worded("ServiceCode", "Illegal Parameter", "Please check the parameters").into());
    }
    let open = p.str("Type").is_none_or(|kind| kind == OPEN_API);
    let namespace = p.str("Namespace").unwrap_or_default().to_owned();
    let host = p.host().to_owned();
    let protocols: &[&str] = if p.asked().tls { &["HTTP", "HTTPS"] } else { &["HTTP"] };
    let through_proxy = host.is_empty() || is_provider_host(host.split(':').next().unwrap_or_default());
    read(move |w, _| {
        sim_core::region::check(w, &id.as_str().into())?;
        let endpoint = match through_proxy {
            true => format!("{}.{id}.aliyuncs.com", code.to_ascii_lowercase()),
            false => host,
        };
        let found = open.then(|| {
            json!({
                "Endpoint": endpoint,
                "Id": id,
                "Namespace": namespace,
                "SerivceCode": code,
                "Type": OPEN_API,
                "Protocols": { "Protocols": protocols },
            })
        });
        Ok(json!({ "Success": true, "Endpoints": { "Endpoint": Vec::from_iter(found) } }))
    })
}

/// Sts: who calls, the account or a role of it. Only an account has a user's id, and only a role a role's; clients read the
/// user's id of both, so that of a role is empty.
pub fn get_caller_identity(p: &Scope<'_>, _: &Caller) -> Planned {
    let session = p.asked().role.clone();
    read(move |_, caller| {
        let account = caller.account.to_string();
        Ok(match session {
            None => json!({
                "AccountId": account,
                "Arn": format!("acs:ram::{account}:root"),
                "IdentityType": "Account",
                "PrincipalId": account,
                "UserId": account,
            }),
            Some(session) => json!({
                "AccountId": account,
                "Arn": session.arn(),
                "IdentityType": "AssumedRoleUser",
                "PrincipalId": session.principal(),
                "RoleId": session.role_id(),
                "UserId": "",
            }),
        })
    })
}

/// ResourceManager: the resource groups of the account.
pub fn list_resource_groups(p: &Scope<'_>, _: &Caller) -> Planned {
    let number = p.int("PageNumber", 1..=1_000_000)?.unwrap_or(1) as usize;
    let size = p.int("PageSize", 1..=100)?.unwrap_or(10) as usize;
    let id = p.str("ResourceGroupId").map(str::to_owned);
    let name = p.str("Name").map(str::to_owned);
    let display = p.str("DisplayName").map(str::to_owned);
    let ids: Vec<String> = p.strings("ResourceGroupIds", 100)?.into_iter().map(str::to_owned).collect();
    let wanted = tags(p)?;
    let status = p.str("Status").map(str::to_owned);
    read(move |w, caller| {
        let groups: Vec<Value> = groups(w, caller.account)
            .into_iter()
            .filter(|g| {
                id.as_ref().is_none_or(|id| g["Id"] == json!(id))
                    && name.as_ref().is_none_or(|n| g["Name"] == json!(n))
                    && display.as_ref().is_none_or(|n| g["DisplayName"] == json!(n))
                    && (ids.is_empty() || ids.iter().any(|id| g["Id"] == json!(id)))
                    && has_wanted_tags(g, &wanted)
            })
            .filter(|_| status.as_ref().is_none_or(|s| s.eq_ignore_ascii_case("OK")))
            .collect();
        let total = groups.len();
        let shown: Vec<Value> =
            groups.into_iter().skip((number - 1).saturating_mul(size)).take(size).collect();
        Ok(json!({
            "TotalCount": total,
            "PageNumber": number,
            "PageSize": size,
            "ResourceGroups": { "ResourceGroup": shown },
        }))
    })
}

/// Whether a shown group carries every tag of a filter; an empty value in the filter fits any value.
fn has_wanted_tags(group: &Value, wanted: &[TagPair]) -> bool {
    let tags = group["Tags"]["Tag"].as_array().map(Vec::as_slice).unwrap_or_default();
    wanted.iter().all(|want| {
        tags.iter().any(|tag| {
            tag["TagKey"] == *want.key && (want.value.is_empty() || tag["TagValue"] == *want.value)
        })
    })
}

fn groups(w: &World, account: AccountId) -> Vec<Value> {
    let show = |id: ResourceGroupId, name: &str, created: String| {
        json!({
            "Id": id.to_string(), "Name": name, "DisplayName": name, "Status": "OK", "AccountId": account.to_string(),
            "CreateDate": created, "Tags": show_tags_tag_key(w, id),
        })
    };
    let default = resource_group::default_of(account);
    // An account has no row; its own group is as old as the world.
    let start = w.settings().began.to_seconds_text();
    let made =
        w.indexes().resource_groups.by_account.of(&account).filter_map(|id| w.get::<ResourceGroup>(id));
    std::iter::once(show(default, "default", start))
        .chain(made.map(|g| show(g.id, &g.name, g.created.to_seconds_text())))
        .collect()
}
