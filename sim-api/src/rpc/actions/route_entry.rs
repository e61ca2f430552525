//! Actions on route entries.

use crate::rpc::params::Scope;
use crate::rpc::plan::{BadParams, Planned, done, read, required_id, write};
use compact_str::CompactString;
use serde_json::{Value, json};
use sim_core::cidr::Cidr;
use sim_core::id::{AnyId, RouteEntryId, RouteTableId};
use sim_core::vpc::next_hop::{HopChoice, WeightedHop};
use sim_core::vpc::route_entry::{
    self, CreateRouteEntries, CreateRouteEntry, DeleteRouteEntries, DeleteRouteEntry, EntryRef, MAX_BATCH,
    ModifyRouteEntry, NewEntry, OldEntry, RouteEntry,
};
use sim_core::vpc::route_table::RouteTable;
use sim_core::{Caller, Refusal, Reply};

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[("CreateRouteEntries", &["RouteEntries.N.IpVersion"])];

fn text(p: &Scope<'_>, name: &str) -> Option<CompactString> {
    p.str(name).map(Into::into)
}

pub fn create_route_entry(p: &Scope<'_>, _: &Caller) -> Planned {
    let hop = |hop: &Scope<'_>| -> Result<WeightedHop, BadParams> {
        Ok(WeightedHop {
            kind: hop.required("NextHopType")?.into(),
            id: hop.required("NextHopId")?.into(),
            weight: hop.int("Weight", 0..=i64::from(u32::MAX))?.map(|weight| weight as u32),
        })
    };
    let list = p.objects("NextHopList", 16)?.iter().map(hop).collect::<Result<_, _>>()?;
    let entry = NewEntry {
        table: p.required("RouteTableId")?.into(),
        destination: p.required("DestinationCidrBlock")?.into(),
        next_hop: HopChoice { kind: text(p, "NextHopType"), id: text(p, "NextHopId"), list },
        name: text(p, "RouteEntryName"),
        description: text(p, "Description"),
    };
    write(
        CreateRouteEntry { entry },
        |_, _, reply| json!({ "RouteEntryId": reply.id::<RouteEntryId>().to_string() }),
    )
}

pub fn create_route_entries(p: &Scope<'_>, _: &Caller) -> Planned {
    let read = |item: &Scope<'_>| -> Result<NewEntry, BadParams> {
        item.mark_known("IpVersion");
        Ok(NewEntry {
            table: item.required("RouteTableId")?.into(),
            destination: item.required("DstCidrBlock")?.into(),
            next_hop: HopChoice {
                kind: Some(item.required("NextHopType")?.into()),
                id: Some(item.required("NextHop")?.into()),
                list: Vec::new(),
            },
            name: text(item, "Name"),
            description: text(item, "Description"),
        })
    };
    let items = p.objects("RouteEntries", MAX_BATCH)?;
    let entries: Vec<NewEntry> = items.iter().map(read).collect::<Result<_, _>>()?;
    let sent = entries.clone();
    write(CreateRouteEntries { entries }, move |_, _, reply| {
        let outcomes = batch(reply);
        let made: Vec<String> = outcomes.iter().flatten().flatten().map(ToString::to_string).collect();
        let failed: Vec<Value> = failures(outcomes, &sent)
            .map(|(entry, refusal)| {
                json!({
                    "DstCidrBlock": entry.destination,
                    "NextHop": entry.next_hop.id.clone().unwrap_or_default(),
                    "FailedCode": failed_code(refusal),
                    "FailedMessage": refusal.to_string(),
                })
            })
            .collect();
        json!({
            "SuccessCount": made.len(),
            "FailedCount": failed.len(),
            "RouteEntryIds": made,
            "FailedRouteEntries": failed,
        })
    })
}

type Item = Result<Option<AnyId>, Refusal>;

fn batch(reply: &Reply) -> &[Item] {
    let Reply::Batch(outcomes) = reply else { unreachable!("a batch replies so") };
    outcomes
}

/// What was sent and refused.
fn failures<'a, T>(outcomes: &'a [Item], sent: &'a [T]) -> impl Iterator<Item = (&'a T, &'a Refusal)> {
    sent.iter().zip(outcomes).filter_map(|(sent, outcome)| Some((sent, outcome.as_ref().err()?)))
}

/// The code of a refusal inside the answer of a batch, which has a spelling of its own for some.
fn failed_code(refusal: &Refusal) -> &'static str {
    let codes = refusal.code().row().provider_codes;
    codes.iter().find(|code| code.starts_with("VPC_")).unwrap_or(&codes[0])
}

pub fn delete_route_entry(p: &Scope<'_>, _: &Caller) -> Planned {
    let hop = |hop: &Scope<'_>| -> Result<CompactString, BadParams> {
        hop.str("NextHopType");
        Ok(hop.required("NextHopId")?.into())
    };
    done(DeleteRouteEntry {
        entry: entry_ref(p, "DestinationCidrBlock"),
        next_hop: text(p, "NextHopId"),
        next_hops: p.objects("NextHopList", 8)?.iter().map(hop).collect::<Result<_, _>>()?,
    })
}

fn entry_ref(p: &Scope<'_>, destination: &str) -> EntryRef {
    EntryRef {
        entry: text(p, "RouteEntryId"),
        table: text(p, "RouteTableId"),
        destination: text(p, destination),
    }
}

pub fn delete_route_entries(p: &Scope<'_>, _: &Caller) -> Planned {
    let read = |item: &Scope<'_>| OldEntry {
        entry: entry_ref(item, "DstCidrBlock"),
        next_hop: text(item, "NextHop"),
    };
    let entries: Vec<OldEntry> = p.objects("RouteEntries", MAX_BATCH)?.iter().map(read).collect();
    let sent = entries.clone();
    write(DeleteRouteEntries { entries }, move |_, _, reply| {
        let outcomes = batch(reply);
        let failed: Vec<Value> = failures(outcomes, &sent)
            .map(|(old, refusal)| {
                json!({
                    "RouteEntryId": old.entry.entry.clone().unwrap_or_default(),
                    "DstCidrBlock": old.entry.destination.clone().unwrap_or_default(),
                    "NextHop": old.next_hop.clone().unwrap_or_default(),
                    "FailedCode": failed_code(refusal),
                    "FailedMessage": refusal.to_string(),
                })
            })
            .collect();
        json!({
            "SuccessCount": outcomes.len() - failed.len(),
            "FailedCount": failed.len(),
            "FailedRouteEntries": failed,
        })
    })
}

pub fn modify_route_entry(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyRouteEntry {
        entry: entry_ref(p, "DestinationCidrBlock"),
        name: text(p, "RouteEntryName"),
        description: p.raw("Description").map(Into::into),
        next_hop_kind: text(p, "NewNextHopType"),
        next_hop: text(p, "NewNextHopId"),
    })
}

/// Which entries of a table to show.
#[derive(Default, PartialEq)]
struct EntryFilter {
    id: Option<String>,
    name: Option<String>,
    destinations: Vec<String>,
    v4: Option<bool>,
    kind: Option<&'static str>,
    next_hop: Option<String>,
    next_hop_type: Option<String>,
    service: Option<String>,
}

impl EntryFilter {
    fn read(p: &Scope<'_>) -> Result<EntryFilter, BadParams> {
        let own = |name| p.str(name).map(str::to_owned);
        let version =
            p.choice("IpVersion", &[("IPv4", true), ("IPv6", false), ("ipv4", true), ("ipv6", false)]);
        let kinds = ["Custom", "System", "BGP", "CEN", "ECR"].map(|kind| (kind, kind));
        let mut destinations: Vec<String> =
            p.strings("DestCidrBlockList", 50)?.into_iter().map(str::to_owned).collect();
        destinations.extend(own("DestinationCidrBlock"));
        Ok(EntryFilter {
            id: own("RouteEntryId"),
            name: own("RouteEntryName"),
            destinations,
            v4: version.map_err(|e| e.with_code("IllegalParam.IpVersion"))?,
            kind: p
                .choice("RouteEntryType", &kinds)
                .map_err(|e| e.with_code("IllegalParam.RouteEntryType"))?,
            next_hop: own("NextHopId"),
            next_hop_type: own("NextHopType"),
            service: own("ServiceType"),
        })
    }

    fn is_empty(&self) -> bool {
        *self == EntryFilter::default()
    }

    fn fits(&self, e: &RouteEntry) -> bool {
        let same = |text: &String| Cidr::parse_or_host(text).is_ok_and(|block| block == e.destination);
        self.kind.is_none_or(|kind| e.kind.text() == kind)
            && self.v4.is_none_or(|v4| e.destination.is_v4() == v4)
            && self.next_hop_type.as_ref().is_none_or(|kind| e.next_hop.text() == kind)
            && (self.destinations.is_empty() || self.destinations.iter().any(same))
            && self.name.as_ref().is_none_or(|name| e.name == *name)
            && self.id.as_ref().is_none_or(|id| e.id.to_string() == *id)
            && self.next_hop.as_ref().is_none_or(|id| e.next_hop.id().is_some_and(|hop| hop.to_string() == *id))
            // No cloud service manages entries of its own.
            && self.service.is_none()
    }
}

pub fn describe_route_entry_list(p: &Scope<'_>, _: &Caller) -> Planned {
    let table = required_id::<RouteTableId>(p, "RouteTableId")?;
    let filter = EntryFilter::read(p)?;
    let most = p.int("MaxResult", 1..=500)?.unwrap_or(100) as usize;
    let after = p.str("NextToken").map(str::parse::<RouteEntryId>).transpose();
    let after = after.map_err(|_| {
        p.invalid("NextToken", "it was not issued by this action").with_code("IllegalParam.NextToken")
    })?;
    read(move |w, caller| {
        let table = w.visible::<RouteTable>(caller, table)?;
        table.check_for_vswitches()?;
        let total = match filter.is_empty() {
            true => route_entry::count_of_table(w, table),
            false => route_entry::of_table(w, table, None).filter(|e| filter.fits(e)).count() as u64,
        };
        let mut rest = route_entry::of_table(w, table, after).filter(|e| filter.fits(e));
        let shown: Vec<RouteEntry> = rest.by_ref().take(most).collect();
        let next = rest.next().and_then(|_| shown.last()).map(|last| last.id.to_string());
        Ok(json!({
            "RouteEntrys": { "RouteEntry": shown.iter().map(show).collect::<Vec<_>>() },
            "NextToken": next.unwrap_or_default(),
            "TotalCount": total,
        }))
    })
}

fn show(e: &RouteEntry) -> Value {
    json!({
        "RouteEntryId": e.id.to_string(),
        "RouteTableId": e.table.to_string(),
        "DestinationCidrBlock": e.destination.to_string(),
        "IpVersion": if e.destination.is_v4() { "IPv4" } else { "IPv6" },
        "Type": e.kind.text(),
        "Status": e.status.text(),
        "RouteEntryName": e.name,
        "Description": e.description,
        "GmtModified": e.modified.to_seconds_text(),
        "ServiceType": "",
        "Origin": "",
        "NextHops": next_hops(e, true),
    })
}

/// The list of next hops, which has one member. `wide` adds what only the newer list shows.
pub fn next_hops(e: &RouteEntry, wide: bool) -> Value {
    let mut hop = json!({
        "NextHopType": e.next_hop.text(),
        "NextHopId": e.next_hop.id().map(|id| id.to_string()).unwrap_or_default(),
        "Enabled": i32::from(e.in_force()),
        "Weight": 0,
    });
    if wide {
        hop["NextHopRegionId"] = json!("");
        hop["NextHopRelatedInfo"] = json!({ "InstanceId": "", "InstanceType": "", "RegionId": "" });
    }
    json!({ "NextHop": [hop] })
}
