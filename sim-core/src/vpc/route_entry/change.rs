//! Making, changing and deleting route entries.

use super::*;
use crate::command::Reply;
use crate::name::TextRule;
use crate::settings::Provisioning;
use crate::vpc::next_hop::{self, HopChoice, Hops, NextHopKind};
use crate::vpc::route_table::RouteTableKind;

/// The rule for a route entry's name.
pub const NAME: TextRule = TextRule {
    min: 1,
    max: 128,
    letter_first: false,
    field: "name",
    error: ErrorCode::RouteEntryNameMalformed,
};
/// The rule for a route entry's description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 1,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::RouteEntryDescriptionMalformed,
};
/// The most entries that one command makes or deletes (provider documentation: CreateRouteEntries).
pub const MAX_BATCH: usize = 50;

/// What a new entry should be. Texts are judged one by one, so that a batch can answer for each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEntry {
    /// The id of its route table.
    pub table: CompactString,
    /// The networks that it is for: a network or a bare address.
    pub destination: CompactString,
    /// Where it sends packets.
    pub next_hop: HopChoice,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
}

/// Makes a custom entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateRouteEntry {
    /// The entry.
    pub entry: NewEntry,
}

/// Makes up to [`MAX_BATCH`] custom entries, each on its own: the reply says what came of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateRouteEntries {
    /// The entries.
    pub entries: Vec<NewEntry>,
}

/// Handles [`CreateRouteEntry`].
///
/// # Errors
/// In this order: the form of names, destination and next hop; an unknown route table; VPC or table in transition or
/// busy; IPv6 that the VPC lacks; a destination that is taken, in a vSwitch or in the network of cloud services; the
/// quota; a next hop that does not exist, is in transition, in another VPC or unfit for IPv6.
pub fn create(w: &mut World, caller: &Caller, c: &CreateRouteEntry) -> Outcome<Reply> {
    let id = make(w, caller, &c.entry)?;
    begin_transition(w, id, EntryStatus::Pending);
    Ok(id.into())
}

/// Handles [`CreateRouteEntries`].
///
/// # Errors
/// [`ErrorCode::InvalidParameter`] for no entry or too many. What [`create`] would refuse stands in the reply.
pub fn create_many(w: &mut World, caller: &Caller, c: &CreateRouteEntries) -> Outcome<Reply> {
    check_batch(c.entries.len())?;
    let outcomes: Vec<_> = c.entries.iter().map(|entry| make(w, caller, entry)).collect();
    // The transitions start together, so that the entries of one command do not stand in each other's way.
    for id in outcomes.iter().flatten() {
        begin_transition(w, *id, EntryStatus::Pending);
    }
    Ok(Reply::Batch(outcomes.into_iter().map(|made| made.map(|id| Some(id.into()))).collect()))
}

fn check_batch(count: usize) -> Outcome<()> {
    if (1..=MAX_BATCH).contains(&count) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::InvalidParameter)
        .field("entries")
        .detail(format!("{count} route entries were given."))
        .accepted(format!("1 to {MAX_BATCH}")))
}

/// Checks and writes one new entry, Available.
fn make(w: &mut World, caller: &Caller, new: &NewEntry) -> Outcome<RouteEntryId> {
    let name = NAME.check(new.name.as_deref())?;
    let description = DESCRIPTION.check(new.description.as_deref())?;
    let hops = new.next_hop.check()?;
    let destination = check_destination_form(&new.destination)?;
    let table = w.visible::<RouteTable>(caller, parse_id(&new.table)?)?;
    table.check_for_vswitches()?;
    check_writable(w, caller, table)?;
    check_destination(w, caller, table, destination)?;
    let used = w.indexes().route_entries.customs.count(&table.id);
    Quota::RouteEntriesPerTable.check(w, caller.account, used, 1, ErrorCode::RouteEntryQuotaExceeded)?;
    let next_hop = next_hop::resolve(w, caller, table, destination, hops)?;
    let (table, vpc) = (table.id, table.vpc);
    let id = w.new_id::<RouteEntryId>(&caller.region)?;
    let (kind, status, modified) = (EntryKind::Custom, EntryStatus::Available, w.now());
    let with_next_hop = false;
    w.put(RouteEntry {
        id,
        table,
        vpc,
        destination,
        next_hop,
        kind,
        name,
        description,
        status,
        modified,
        with_next_hop,
    });
    Ok(id)
}

/// Destinations that are prefix lists are told from networks by their ids.
fn check_destination_form(text: &str) -> Outcome<Cidr> {
    if text.starts_with("pl-") {
        // Prefix lists as destinations: here the list would be looked up and its networks taken.
        let shown = crate::error::beginning(text);
        let detail = format!("There is no prefix list {shown} that a route could lead to.");
        return Err(Refusal::new(ErrorCode::RoutePrefixListNotFound).field("destination").detail(detail));
    }
    parse_destination(text)
}

/// VPC and table are ready for a change of entries, and no other change is under way.
pub(crate) fn check_writable(w: &World, caller: &Caller, table: &RouteTable) -> Outcome<()> {
    w.visible::<Vpc>(caller, table.vpc)?.check_available()?;
    table.check_available()?;
    if w.settings().provisioning == Provisioning::Documented
        && let Some(&busy) = w.indexes().route_entries.busy.of(&table.id).next()
    {
        return Err(Refusal::new(ErrorCode::RouteEntrySiblingBusy)
            .field("route_table_id")
            .detail(format!("{} changes one entry at a time.", table.id))
            .blockers([busy])
            .accepted("the same request once every entry of the table is Available"));
    }
    route_table::check_idle(w, table.vpc, ErrorCode::VpcBusy)
}

fn check_destination(w: &World, caller: &Caller, table: &RouteTable, destination: Cidr) -> Outcome<()> {
    let refuse = |code, detail: String| Refusal::new(code).field("destination").detail(detail);
    if !destination.is_v4() && w.visible::<Vpc>(caller, table.vpc)?.ipv6.is_empty() {
        return Err(refuse(ErrorCode::RouteIpv6Disabled, format!("{} has none.", table.vpc)));
    }
    if let Some(&other) = w.indexes().route_entries.by_destination.get(&(table.id, destination)) {
        let detail = format!("{destination} is in {}.", table.id);
        return Err(refuse(ErrorCode::RouteDestinationDuplicate, detail).blockers([other]));
    }
    let holds = |s: &&VSwitch| {
        Cidr::from(s.block).contains(destination)
            || s.ipv6.is_some_and(|b| Cidr::from(b).contains(destination))
    };
    if let Some(vswitch) = crate::vpc::vpc::vswitches(w, table.vpc).find(holds) {
        let (code, block) = match destination {
            Cidr::V4(_) => (ErrorCode::RouteDestinationInVSwitch, vswitch.block.to_string()),
            Cidr::V6(_) => (
                ErrorCode::RouteDestinationInVSwitchIpv6,
                vswitch.ipv6.map(|b| b.to_string()).unwrap_or_default(),
            ),
        };
        return Err(refuse(code, format!("{destination} lies in {block}.")).blockers([vswitch.id]));
    }
    let cloud = Cidr::from(reserved::CLOUD_SERVICES);
    let inside_allowed = w.settings().disputed.routes_in_cloud_services;
    if destination == cloud || (cloud.contains(destination) && !inside_allowed) {
        return Err(refuse(ErrorCode::RouteDestinationCloudServices, format!("{destination} was given.")));
    }
    Ok(())
}

/// An entry that exists, by its id or by route table and destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRef {
    /// The id of the entry.
    pub entry: Option<CompactString>,
    /// The id of its route table.
    pub table: Option<CompactString>,
    /// Its destination.
    pub destination: Option<CompactString>,
}

impl EntryRef {
    /// The entry that is meant, and its table.
    fn find<'w>(&self, w: &'w World, caller: &Caller) -> Outcome<(&'w RouteTable, RouteEntry)> {
        match (&self.entry, &self.table, &self.destination) {
            (Some(entry), table, _) => {
                let (found, entry) = find(w, caller, parse_id(entry)?)?;
                if let Some(table) = table
                    && w.visible::<RouteTable>(caller, parse_id(table)?)?.id != found.id
                {
                    let detail = format!("{} is in {}.", entry.id, found.id);
                    return Err(Refusal::new(ErrorCode::RouteEntryNotFound)
                        .field("route_table_id")
                        .detail(detail));
                }
                Ok((found, entry))
            }
            (None, Some(table), Some(destination)) => {
                let destination = check_destination_form(destination)?;
                let table = w.visible::<RouteTable>(caller, parse_id(table)?)?;
                let entry = to_destination(w, table, destination).ok_or_else(|| {
                    let detail = format!("{} has no entry for {destination}.", table.id);
                    Refusal::new(ErrorCode::RouteEntryNotFound).field("destination").detail(detail)
                })?;
                Ok((table, entry))
            }
            _ => Err(Refusal::new(ErrorCode::RouteEntryIdMissing).field("route_entry_id")),
        }
    }
}

/// Changes an entry; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyRouteEntry {
    /// The entry.
    pub entry: EntryRef,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
    /// The provider's word for the type of its new next hop.
    pub next_hop_kind: Option<CompactString>,
    /// The id of its new next hop.
    pub next_hop: Option<CompactString>,
}

/// Handles [`ModifyRouteEntry`].
///
/// # Errors
/// The form of the fields; an unknown entry; what is in transition or busy; another next hop for a system entry of
/// the system table, a name for a system entry, the next hop that it has already; a next hop that does not exist, is
/// in transition, in another VPC or unfit for IPv6.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyRouteEntry) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    let hops = check_new_hop(c)?;
    let (table, entry) = c.entry.find(w, caller)?;
    table.check_for_vswitches()?;
    let is_system = entry.kind == EntryKind::System;
    if is_system && hops.is_none() && (c.name.is_some() || c.description.is_some()) {
        return Err(Refusal::new(ErrorCode::RouteEntrySystemText)
            .field("name")
            .detail(format!("{} is one.", entry.id)));
    }
    if is_system && hops.is_some() && table.kind == RouteTableKind::System {
        let detail = format!("{} leads to {}.", entry.id, entry.destination);
        return Err(Refusal::new(ErrorCode::RouteNextHopFixed).field("next_hop_id").detail(detail));
    }
    entry.check_available()?;
    check_writable(w, caller, table)?;
    let next_hop =
        hops.map(|hops| next_hop::resolve(w, caller, table, entry.destination, hops)).transpose()?;
    if next_hop == Some(entry.next_hop) {
        let refusal = Refusal::new(ErrorCode::RouteNextHopUnchanged).field("next_hop_id");
        return Err(refusal.blockers(entry.next_hop.id()));
    }
    if is_system && next_hop.is_none() {
        return Ok(Reply::Done);
    }
    let name = c.name.as_ref().map(|_| name);
    let description = c.description.as_ref().map(|_| description);
    put_changed(w, entry, next_hop, name, description);
    Ok(Reply::Done)
}

/// Writes an entry as a caller changed it; absent parts stay. One with another next hop is Modifying meanwhile.
pub(crate) fn put_changed(
    w: &mut World,
    entry: RouteEntry,
    next_hop: Option<NextHop>,
    name: Option<CompactString>,
    description: Option<CompactString>,
) {
    let id = entry.id;
    w.put(RouteEntry {
        next_hop: next_hop.unwrap_or(entry.next_hop),
        kind: EntryKind::Custom,
        name: name.unwrap_or_else(|| entry.name.clone()),
        description: description.unwrap_or_else(|| entry.description.clone()),
        modified: w.now(),
        with_next_hop: entry.with_next_hop && next_hop.is_none(),
        ..entry
    });
    if next_hop.is_some() {
        begin_transition(w, id, EntryStatus::Modifying);
    }
}

/// The form of the new next hop: type and id, or neither.
fn check_new_hop(c: &ModifyRouteEntry) -> Outcome<Option<Hops<'_>>> {
    match (&c.next_hop_kind, &c.next_hop) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(Refusal::new(ErrorCode::RouteNextHopIdMissing).field("next_hop_id")),
        (None, Some(_)) => Err(Refusal::new(ErrorCode::RouteNextHopTypeMissing).field("next_hop_type")),
        (Some(kind), Some(id)) => Ok(Some(Hops::One(NextHopKind::parse(kind)?, id))),
    }
}

/// Deletes an entry. A system entry that was given another next hop becomes what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRouteEntry {
    /// The entry: by its id alone, or by table and destination.
    pub entry: EntryRef,
    /// The id of its next hop; needed if the entry is named by its destination.
    pub next_hop: Option<CompactString>,
    /// The ids of its next hops, if it has several.
    pub next_hops: Vec<CompactString>,
}

/// Handles [`DeleteRouteEntry`].
///
/// # Errors
/// An entry that is named twice or not at all, or without its next hop; an unknown entry; a system entry; what is in
/// transition or busy.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteRouteEntry) -> Outcome<Reply> {
    let refuse = |code, field: &str| Err(Refusal::new(code).field(field));
    if c.entry.entry.is_some() && (c.entry.table.is_some() || c.entry.destination.is_some()) {
        return refuse(ErrorCode::RouteEntryIdExclusive, "route_entry_id");
    }
    match (&c.next_hop, c.next_hops.len()) {
        (Some(_), 1..) => return refuse(ErrorCode::RouteNextHopBothGiven, "next_hops"),
        (None, 0) if c.entry.entry.is_none() && c.entry.destination.is_some() => {
            return refuse(ErrorCode::RouteNextHopMissing, "next_hop_id");
        }
        (None, 1 | 5..) => return refuse(ErrorCode::RouteEcmpSize, "next_hops"),
        _ => {}
    }
    // No entry has several next hops, so a list of them is none's.
    let hop = c.next_hop.as_ref().or(c.next_hops.first());
    unmake(w, caller, &c.entry, hop.map(CompactString::as_str))?;
    Ok(Reply::Done)
}

/// An entry of a batch to be deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldEntry {
    /// The entry: by its id, with or without its table, or by table and destination.
    pub entry: EntryRef,
    /// The id of its next hop, if that matters.
    pub next_hop: Option<CompactString>,
}

/// Deletes up to [`MAX_BATCH`] entries, each on its own: the reply says what came of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRouteEntries {
    /// The entries.
    pub entries: Vec<OldEntry>,
}

/// Handles [`DeleteRouteEntries`].
///
/// # Errors
/// [`ErrorCode::InvalidParameter`] for no entry or too many. What [`delete`] would refuse stands in the reply.
pub fn delete_many(w: &mut World, caller: &Caller, c: &DeleteRouteEntries) -> Outcome<Reply> {
    check_batch(c.entries.len())?;
    let delete = |old: &OldEntry| unmake(w, caller, &old.entry, old.next_hop.as_deref()).map(|()| None);
    Ok(Reply::Batch(c.entries.iter().map(delete).collect()))
}

/// Checks that one entry can go, and lets it go.
fn unmake(w: &mut World, caller: &Caller, entry: &EntryRef, next_hop: Option<&str>) -> Outcome<()> {
    let (table, entry) = entry.find(w, caller)?;
    table.check_for_vswitches()?;
    if entry.kind == EntryKind::System {
        let detail = format!("{} leads to {}.", entry.id, entry.destination);
        let rule = match table.kind {
            RouteTableKind::Custom => ErrorCode::RouteEntryKeepsLocal,
            RouteTableKind::System => ErrorCode::RouteEntryIsSystem,
        };
        return Err(Refusal::new(rule).field("route_entry_id").detail(detail));
    }
    if let Some(wanted) = next_hop
        && entry.next_hop.id().map(|id| id.to_string()).as_deref() != Some(wanted)
    {
        let detail = format!("The next hop of {} is another.", entry.id);
        let refusal = Refusal::new(ErrorCode::RouteEntryNotFound).field("next_hop_id").detail(detail);
        return Err(refusal.blockers(entry.next_hop.id()));
    }
    entry.check_available()?;
    check_writable(w, caller, table)?;
    w.remove::<RouteEntry>(&entry.id);
    Ok(())
}
