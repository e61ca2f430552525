//! A route entry: a destination network and the next hop to it, in one route table.
//!
//! System entries are derived, not stored: in every table one for each vSwitch block of the VPC, IPv4 and IPv6, and
//! one for 100.64.0.0/10, the network of cloud services; their next hop is Local (provider documentation: route
//! tables, 2026). Their ids are derived too: the route table's own number with the target laid over its salt, see
//! [`SystemTarget`]. In a custom table such an entry can be given another next hop; it is then a stored, Custom entry
//! under the same id, and deleting it brings the system entry back.

use crate::access::Caller;
use crate::cidr::{Cidr, Cidr4, Cidr6, reserved};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, Id, RouteEntryId, RouteTableId, VSwitchId, VpcId};
use crate::quota::Quota;
use crate::settings::Work;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::timer::Due;
use crate::vpc::next_hop::NextHop;
use crate::vpc::route_table::{self, RouteTable};
use crate::vpc::vpc::Vpc;
use crate::vpc::vswitch::VSwitch;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv6Addr;

mod change;
pub use change::*;

/// Whose entry it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Derived from the VPC's vSwitches, or the network of cloud services.
    System,
    /// Made or changed by a caller.
    Custom,
}

impl EntryKind {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            EntryKind::System => "System",
            EntryKind::Custom => "Custom",
        }
    }
}

/// Where an entry is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryStatus {
    /// Being made; no packet takes it yet.
    Pending,
    /// In force.
    Available,
    /// In force, while its next hop is being changed.
    Modifying,
}

impl EntryStatus {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            EntryStatus::Pending => "Pending",
            EntryStatus::Available => "Available",
            EntryStatus::Modifying => "Modifying",
        }
    }
}

/// A route entry. Only Custom ones are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteEntry {
    /// Its id.
    pub id: RouteEntryId,
    /// Its route table, whose owner is its owner.
    pub table: RouteTableId,
    /// The VPC of its route table.
    pub vpc: VpcId,
    /// The networks that it is for.
    pub destination: Cidr,
    /// Where it sends packets.
    pub next_hop: NextHop,
    /// Whose it is.
    pub kind: EntryKind,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Where it is in its life.
    pub status: EntryStatus,
    /// When it was made or last changed.
    pub modified: SimTime,
    /// Whether it was made with its next hop, a NAT gateway, with which it goes. Who gives it another next hop makes it theirs.
    pub with_next_hop: bool,
}

/// What is derived from stored route entries.
#[derive(Clone, Debug, Default)]
pub struct RouteEntryIndex {
    /// The entries that callers made, by table. These count against the quota.
    pub customs: Groups<RouteTableId, RouteEntryId>,
    /// The system entries that were given another next hop, by table.
    pub replaced: Groups<RouteTableId, RouteEntryId>,
    /// By table and destination.
    pub by_destination: BTreeMap<(RouteTableId, Cidr), RouteEntryId>,
    /// The destinations of entries that callers made, by VPC, in the order of their addresses.
    pub by_vpc: Groups<VpcId, (Cidr, RouteEntryId)>,
    /// By the object that is the next hop.
    pub by_next_hop: Groups<AnyId, RouteEntryId>,
    /// Those in transition, by table.
    pub busy: Groups<RouteTableId, RouteEntryId>,
    /// Those in transition, by VPC.
    pub busy_in_vpc: Groups<VpcId, RouteEntryId>,
}

impl Row for RouteEntry {
    type Key = RouteEntryId;
    type Index = RouteEntryIndex;

    fn key(&self) -> RouteEntryId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|e| e.id) else { return };
        let ix = &mut indexes.route_entries;
        let custom = |e: &RouteEntry| (!e.replaces_system()).then_some(e.table);
        let replaced = |e: &RouteEntry| e.replaces_system().then_some(e.table);
        ix.customs.shift(&id, old.and_then(custom), new.and_then(custom));
        ix.replaced.shift(&id, old.and_then(replaced), new.and_then(replaced));
        ix.by_next_hop.shift(&id, old.and_then(|e| e.next_hop.id()), new.and_then(|e| e.next_hop.id()));
        let busy = |e: &RouteEntry| e.status != EntryStatus::Available;
        ix.busy.shift(
            &id,
            old.filter(|e| busy(e)).map(|e| e.table),
            new.filter(|e| busy(e)).map(|e| e.table),
        );
        ix.busy_in_vpc.shift(
            &id,
            old.filter(|e| busy(e)).map(|e| e.vpc),
            new.filter(|e| busy(e)).map(|e| e.vpc),
        );
        // Table, VPC and destination never change, so only coming and going matters.
        match (old, new) {
            (None, Some(new)) => {
                ix.by_destination.insert((new.table, new.destination), id);
                if !new.replaces_system() {
                    ix.by_vpc.insert(new.vpc, (new.destination, id));
                }
            }
            (Some(old), None) => {
                ix.by_destination.remove(&(old.table, old.destination));
                ix.by_vpc.remove(&old.vpc, &(old.destination, id));
            }
            _ => {}
        }
        let seen = |e: &RouteEntry| e.in_force().then_some(e.next_hop);
        if old.and_then(seen) != new.and_then(seen)
            && let Some(table) = old.or(new).map(|e| e.table)
        {
            route_table::outdate(indexes, table);
        }
    }
}

impl RouteEntry {
    /// Whether it stands in the place of a system entry.
    pub fn replaces_system(&self) -> bool {
        self.table.number().mask_of(self.id.number()).is_some()
    }

    /// Whether packets take it.
    pub fn in_force(&self) -> bool {
        self.status != EntryStatus::Pending
    }

    /// Refuses writes while the entry is in transition.
    ///
    /// # Errors
    /// [`ErrorCode::RouteEntryStatusIncorrect`].
    pub fn check_available(&self) -> Outcome<()> {
        match self.status {
            EntryStatus::Available => Ok(()),
            status => Err(Refusal::new(ErrorCode::RouteEntryStatusIncorrect)
                .field("route_entry_id")
                .detail(format!("{} is {}.", self.id, status.text()))
                .accepted("the same request once the route entry is Available")),
        }
    }
}

/// What a system entry leads to.
///
/// The mask that is laid over the salt of the table's number to make the entry's id is the counter of the vSwitch
/// (36 bits) followed by 14 bits that say which of its entries it is: 1 for IPv4, 2 for IPv6; 3 alone is the network
/// of cloud services. The mask is never 0, and no stored object but the table has the table's counter, so that such
/// an id is never that of a stored entry; and it can be read back without a table of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemTarget {
    /// The IPv4 block of a vSwitch.
    VSwitch(VSwitchId),
    /// The IPv6 block of a vSwitch.
    VSwitchIpv6(VSwitchId),
    /// 100.64.0.0/10.
    CloudServices,
}

const KIND_BITS: u32 = 14;

impl SystemTarget {
    fn mask(self) -> u64 {
        match self {
            SystemTarget::VSwitch(id) => id.number().counter() << KIND_BITS | 1,
            SystemTarget::VSwitchIpv6(id) => id.number().counter() << KIND_BITS | 2,
            SystemTarget::CloudServices => 3,
        }
    }

    /// The id of the entry to this target in a table.
    pub fn entry_id(self, table: RouteTableId) -> RouteEntryId {
        RouteEntryId::from_number(table.number().derive(self.mask()))
    }

    /// The target that an entry of the table leads to by its id, if it is a system entry's and the target exists.
    pub fn of_id(w: &World, table: &RouteTable, id: RouteEntryId) -> Option<SystemTarget> {
        let mask = table.id.number().mask_of(id.number())?;
        if mask == SystemTarget::CloudServices.mask() {
            return Some(SystemTarget::CloudServices);
        }
        let (first, last) = crate::id::IdNumber::of_counter(mask >> KIND_BITS).into_inner();
        let range = VSwitchId::from_number(first)..=VSwitchId::from_number(last);
        let vswitch = w.table::<VSwitch>().range(range).find(|s| s.vpc == table.vpc)?.id;
        [SystemTarget::VSwitch(vswitch), SystemTarget::VSwitchIpv6(vswitch)]
            .into_iter()
            .find(|t| t.mask() == mask)
    }

    /// The network and since when it is there; none if the target is gone.
    fn destination(self, w: &World, table: &RouteTable) -> Option<(Cidr, SimTime)> {
        match self {
            SystemTarget::VSwitch(id) => w.get::<VSwitch>(&id).map(|s| (s.block.into(), s.created)),
            SystemTarget::VSwitchIpv6(id) => {
                w.get::<VSwitch>(&id).and_then(|s| Some((s.ipv6?.into(), s.created)))
            }
            SystemTarget::CloudServices => Some((reserved::CLOUD_SERVICES.into(), table.created)),
        }
    }

    /// The entry of the table: as derived, or as stored if it was given another next hop.
    fn entry(self, w: &World, table: &RouteTable) -> Option<RouteEntry> {
        let id = self.entry_id(table.id);
        let (destination, since) = self.destination(w, table)?;
        if let Some(stored) = w.get::<RouteEntry>(&id) {
            return Some(stored.clone());
        }
        Some(RouteEntry {
            id,
            table: table.id,
            vpc: table.vpc,
            destination,
            next_hop: NextHop::Local,
            kind: EntryKind::System,
            name: CompactString::default(),
            description: CompactString::default(),
            status: EntryStatus::Available,
            // A vSwitch may be older than the table in which its entry is.
            modified: since.max(table.created),
            with_next_hop: false,
        })
    }
}

fn system_targets(w: &World, vpc: VpcId) -> impl Iterator<Item = SystemTarget> {
    let of_vswitch = |s: &VSwitch| {
        let v6 = s.ipv6.map(|_| SystemTarget::VSwitchIpv6(s.id));
        std::iter::once(SystemTarget::VSwitch(s.id)).chain(v6)
    };
    std::iter::once(SystemTarget::CloudServices)
        .chain(crate::vpc::vpc::vswitches(w, vpc).flat_map(of_vswitch))
}

/// The entries of a table after one of them, in the order of their ids: system entries first, then the others by age.
pub fn of_table<'w>(
    w: &'w World,
    table: &RouteTable,
    after: Option<RouteEntryId>,
) -> impl Iterator<Item = RouteEntry> + use<'w> {
    let mut system: Vec<RouteEntry> = system_targets(w, table.vpc)
        .filter(|target| after.is_none_or(|after| target.entry_id(table.id) > after))
        .filter_map(|target| target.entry(w, table))
        .collect();
    system.sort_unstable_by_key(|e| e.id);
    let customs = w.indexes().route_entries.customs.after(&table.id, after.as_ref());
    system.into_iter().chain(customs.filter_map(|id| w.get::<RouteEntry>(id).cloned()))
}

/// How many entries a table has.
pub fn count_of_table(w: &World, table: &RouteTable) -> u64 {
    let system = system_targets(w, table.vpc).filter(|target| target.entry(w, table).is_some()).count();
    system as u64 + w.indexes().route_entries.customs.count(&table.id)
}

/// The entry with this id in a table, stored or derived.
pub fn in_table(w: &World, table: &RouteTable, id: RouteEntryId) -> Option<RouteEntry> {
    match w.get::<RouteEntry>(&id) {
        Some(stored) => (stored.table == table.id).then(|| stored.clone()),
        None => SystemTarget::of_id(w, table, id)?.entry(w, table),
    }
}

/// The entry with this destination in a table, stored or derived.
pub fn to_destination(w: &World, table: &RouteTable, destination: Cidr) -> Option<RouteEntry> {
    if let Some(id) = w.indexes().route_entries.by_destination.get(&(table.id, destination)) {
        return w.get::<RouteEntry>(id).cloned();
    }
    let is_it = |t: &SystemTarget| t.destination(w, table).is_some_and(|(block, _)| block == destination);
    system_targets(w, table.vpc).find(is_it)?.entry(w, table)
}

/// The entry with this id and its table, if the caller may see them.
///
/// # Errors
/// [`ErrorCode::RouteEntryIdNotFound`].
pub fn find<'w>(w: &'w World, caller: &Caller, id: RouteEntryId) -> Outcome<(&'w RouteTable, RouteEntry)> {
    let table = match w.get::<RouteEntry>(&id) {
        Some(stored) => w.get::<RouteTable>(&stored.table),
        None => {
            let (first, last) = crate::id::IdNumber::of_counter(id.number().counter()).into_inner();
            w.table::<RouteTable>()
                .range(RouteTableId::from_number(first)..=RouteTableId::from_number(last))
                .next()
        }
    };
    let seen = table.filter(|t| t.owner.admits(caller)).and_then(|t| Some((t, in_table(w, t, id)?)));
    seen.ok_or_else(|| crate::resource::missing(id))
}

/// The entries made by callers, in any table of the VPC, whose destinations equal `block` or lie inside it: what
/// refuses a vSwitch or a further block of the VPC.
pub fn conflicts_with(w: &World, vpc: VpcId, block: impl Into<Cidr>) -> Vec<RouteEntryId> {
    inside(w, vpc, block.into()).map(|(_, id)| id).collect()
}

/// The destinations of entries made by callers, in any table of the VPC, that lie in `block`.
pub(crate) fn inside(w: &World, vpc: VpcId, block: Cidr) -> impl Iterator<Item = (Cidr, RouteEntryId)> {
    // Of the destinations that begin where the block does, the wider ones come first and are passed over.
    let start = (block, smallest_id());
    let from = w.indexes().route_entries.by_vpc.after(&vpc, Some(&start));
    from.take_while(move |(destination, _)| block.contains(*destination)).copied()
}

/// An id that no object has, before all others.
fn smallest_id() -> RouteEntryId {
    RouteEntryId::from_number(*crate::id::IdNumber::of_counter(0).start())
}

/// The entries whose next hop an object is, in any table.
pub fn next_hop_users(w: &World, id: impl Into<AnyId>) -> Vec<RouteEntryId> {
    w.indexes().route_entries.by_next_hop.of(&id.into()).copied().collect()
}

/// An entry in transition that stands in the place of a system entry to the vSwitch's IPv6 block.
pub(crate) fn busy_to_ipv6(w: &World, vswitch: &VSwitch) -> Option<RouteEntryId> {
    let tables = w.indexes().route_tables.by_vpc.of(&vswitch.vpc);
    let mut ids = tables.map(|table| SystemTarget::VSwitchIpv6(vswitch.id).entry_id(*table));
    ids.find(|id| w.get::<RouteEntry>(id).is_some_and(|entry| entry.status != EntryStatus::Available))
}

/// Forgets what callers made of the system entries to a vSwitch that goes, or of those to its IPv6 block.
pub(crate) fn forget(w: &mut World, vswitch: VSwitchId, only_ipv6: bool) {
    let Some(vpc) = w.get::<VSwitch>(&vswitch).map(|s| s.vpc) else { return };
    let tables: Vec<RouteTableId> = w.indexes().route_tables.by_vpc.of(&vpc).copied().collect();
    for table in tables {
        let v4 = (!only_ipv6).then_some(SystemTarget::VSwitch(vswitch));
        for target in v4.into_iter().chain([SystemTarget::VSwitchIpv6(vswitch)]) {
            let id = target.entry_id(table);
            if w.get::<RouteEntry>(&id).is_some_and(|e| e.status != EntryStatus::Available) {
                w.unschedule(Due::RouteEntry(id));
            }
            w.remove::<RouteEntry>(&id);
        }
    }
}

/// Everything of a family.
fn everywhere(next_hop: NextHop) -> Cidr {
    match next_hop {
        NextHop::Ipv6Gateway(_) => {
            Cidr::V6(Cidr6::containing(Ipv6Addr::UNSPECIFIED, 0).expect("0 is a mask"))
        }
        _ => Cidr::V4(Cidr4::v4([0, 0, 0, 0], 0)),
    }
}

/// Gives a VPC's system table the route to everywhere, which goes with its next hop, if it has none and room for one.
///
/// # Errors
/// [`ErrorCode::WorldFull`].
pub(crate) fn add_default(w: &mut World, caller: &Caller, vpc: VpcId, next_hop: NextHop) -> Outcome<()> {
    let Some(table) = w.get::<Vpc>(&vpc).and_then(|vpc| w.get::<RouteTable>(&vpc.system_table)) else {
        return Ok(());
    };
    let destination = everywhere(next_hop);
    let used = w.indexes().route_entries.customs.count(&table.id);
    let full = used >= Quota::RouteEntriesPerTable.limit(w, caller.account);
    if full || to_destination(w, table, destination).is_some() {
        return Ok(());
    }
    put_default(w, caller, table.id, next_hop, true)
}

/// Puts the route to everywhere into a table, where there is none.
///
/// # Errors
/// [`ErrorCode::WorldFull`].
pub(crate) fn put_default(
    w: &mut World,
    caller: &Caller,
    table: RouteTableId,
    next_hop: NextHop,
    with_next_hop: bool,
) -> Outcome<()> {
    let (vpc, modified) = (w.get::<RouteTable>(&table).expect("the table is there").vpc, w.now());
    let destination = everywhere(next_hop);
    let id = w.new_id(&caller.region)?;
    w.put(RouteEntry {
        id,
        table,
        vpc,
        destination,
        next_hop,
        kind: EntryKind::Custom,
        name: CompactString::default(),
        description: CompactString::default(),
        status: EntryStatus::Available,
        modified,
        with_next_hop,
    });
    Ok(())
}

/// Takes away the entries that lead to an object that goes.
pub(crate) fn forget_next_hop(w: &mut World, hop: impl Into<AnyId>) {
    for id in next_hop_users(w, hop) {
        if w.get::<RouteEntry>(&id).is_some_and(|e| e.status != EntryStatus::Available) {
            w.unschedule(Due::RouteEntry(id));
        }
        w.remove::<RouteEntry>(&id);
    }
}

/// Puts an entry into transition for as long as its provisioning takes.
fn begin_transition(w: &mut World, id: RouteEntryId, status: EntryStatus) {
    let span = w.settings().provisioning.span(Work::RouteEntry);
    if !span.is_zero() {
        w.update::<RouteEntry>(&id, |e| e.status = status);
        w.schedule(span, Due::RouteEntry(id));
    }
}

/// Ends an entry's transition.
pub(crate) fn settle(w: &mut World, id: RouteEntryId) {
    if w.get::<RouteEntry>(&id).is_some() {
        w.update::<RouteEntry>(&id, |e| e.status = EntryStatus::Available);
    }
}

/// The id in a text; one that does not parse is one that does not exist.
fn parse_id<I: Id>(text: &str) -> Outcome<I> {
    text.parse().map_err(|e: crate::id::IdError| {
        Refusal::new(I::NOT_FOUND).field(crate::resource::field_of(I::KIND)).detail(format!("{e}."))
    })
}

/// Reads a destination as a caller writes it: a network, or a bare address for /32 or /128.
///
/// # Errors
/// [`ErrorCode::RouteDestinationMalformed`] with the form that would pass.
pub fn parse_destination(text: &str) -> Outcome<Cidr> {
    Cidr::parse_or_host(text).map_err(|e| {
        let refusal =
            Refusal::new(ErrorCode::RouteDestinationMalformed).field("destination").detail(format!("{e}."));
        match e.suggestion {
            Some(block) => refusal.accepted(block.to_string()),
            None => refusal.accepted("a network such as 192.168.0.0/16, or an address such as 192.168.0.1"),
        }
    })
}

/// What keeps an entry from being deleted: it is a system entry, which only its table's VPC can end.
pub fn dependents(entry: &RouteEntry) -> Vec<(ErrorCode, Vec<AnyId>)> {
    match entry.kind {
        EntryKind::System => vec![(ErrorCode::RouteEntryIsSystem, vec![entry.vpc.into()])],
        EntryKind::Custom => Vec::new(),
    }
}
