//! Bss: what an account pays for (`sim_core::billing`). Prices and orders are not known here and are left out.

use crate::rpc::params::Scope;
use crate::rpc::plan::{BadParams, Planned, read};
use serde_json::{Value, json};
use sim_core::billing::{self, Paid};
use sim_core::ecs::instance::Renewal;
use sim_core::{AccountId, Caller, SimTime};

/// How many ids a query names (provider documentation of the action).
const MOST_IDS: usize = 100;

/// The objects that the account pays for and that the filters leave. A word that is none of the provider's leaves none.
pub fn query_available_instances(p: &Scope<'_>, _: &Caller) -> Planned {
    let number = p.int("PageNum", 1..=1_000_000)?.unwrap_or(1);
    let size = p.int("PageSize", 1..=300)?.unwrap_or(20);
    let wanted = Wanted::read(p)?;
    read(move |w, caller| {
        let shown = (number - 1).saturating_mul(size)..number.saturating_mul(size);
        let (mut total, mut list) = (0, Vec::new());
        for paid in billing::paid(w, caller.account).filter(|paid| wanted.fits(paid)) {
            if shown.contains(&total) {
                list.push(show(caller.account, &paid));
            }
            total += 1;
        }
        Ok(json!({
            "Success": true,
            "Code": "Success",
            "Message": "Successful!",
            "Data": { "TotalCount": total, "PageNum": number, "PageSize": size, "InstanceList": list },
        }))
    })
}

/// What a query leaves.
struct Wanted {
    ids: Vec<String>,
    region: Option<String>,
    product: Option<String>,
    kind: Option<String>,
    subscription: Option<String>,
    renewal: Option<String>,
    from: Option<SimTime>,
    to: Option<SimTime>,
    ends_from: Option<SimTime>,
    ends_to: Option<SimTime>,
}

impl Wanted {
    fn read(p: &Scope<'_>) -> Result<Wanted, BadParams> {
        let text = |name: &str| p.str(name).map(str::to_owned);
        let time = |name: &str| match p.str(name).map(SimTime::parse) {
            Some(None) => Err(p.invalid(name, "A time is written as 2026-05-23T12:00:00Z")),
            read => Ok(read.flatten()),
        };
        Ok(Wanted {
            ids: p.commas("InstanceIDs", MOST_IDS)?.into_iter().map(str::to_owned).collect(),
            region: text("Region"),
            product: text("ProductCode"),
            kind: text("ProductType"),
            subscription: text("SubscriptionType"),
            renewal: text("RenewStatus"),
            from: time("CreateTimeStart")?,
            to: time("CreateTimeEnd")?,
            ends_from: time("EndTimeStart")?,
            ends_to: time("EndTimeEnd")?,
        })
    }

    fn fits(&self, paid: &Paid) -> bool {
        let id = || paid.id.to_string();
        (self.ids.is_empty() || self.ids.contains(&id()))
            && self.region.as_ref().is_none_or(|region| *region == paid.region.to_string())
            && self.product.as_ref().is_none_or(|product| product == paid.product.code())
            && self.kind.as_deref().is_none_or(|kind| paid.product.kind() == Some(kind))
            && self.subscription.as_ref().is_none_or(|way| way == way_of(paid))
            && self.renewal.as_deref().is_none_or(|renewal| renewal_of(paid) == Some(renewal))
            // Times are shown and asked for in whole seconds.
            && self.from.is_none_or(|from| paid.created.0 / 1000 >= from.0 / 1000)
            && self.to.is_none_or(|to| paid.created.0 / 1000 <= to.0 / 1000)
            // What has no end is in no time of ends.
            && self.ends_from.is_none_or(|from| paid.ends.is_some_and(|end| end.0 / 1000 >= from.0 / 1000))
            && self.ends_to.is_none_or(|to| paid.ends.is_some_and(|end| end.0 / 1000 <= to.0 / 1000))
    }
}

/// The provider's word for how an object is paid.
fn way_of(paid: &Paid) -> &'static str {
    if paid.subscription { "Subscription" } else { "PayAsYouGo" }
}

/// The provider's word for how a subscription goes on, if that is known.
fn renewal_of(paid: &Paid) -> Option<&'static str> {
    paid.renewal.map(|renewal| match renewal {
        Renewal::Auto(_) => "AutoRenewal",
        Renewal::Normal => "ManualRenewal",
        Renewal::Never => "NotRenewal",
    })
}

fn show(account: AccountId, paid: &Paid) -> Value {
    let mut shown = json!({
        "InstanceID": paid.id.to_string(),
        "Region": paid.region.to_string(),
        "ProductCode": paid.product.code(),
        "SubscriptionType": way_of(paid),
        "CreateTime": paid.created.to_seconds_text(),
        "OwnerId": account.0,
    });
    if let Some(end) = paid.ends {
        shown["EndTime"] = end.to_seconds_text().into();
    }
    let known = [("ProductType", paid.product.kind()), ("RenewStatus", renewal_of(paid))];
    for (name, word) in known {
        if let Some(word) = word {
            shown[name] = word.into();
        }
    }
    shown
}
