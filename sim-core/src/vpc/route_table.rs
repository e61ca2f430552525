//! A route table: a list of destinations and next hops that vSwitches of one VPC are bound to.
//!
//! A VPC is born with a system table, which holds for every vSwitch that is not bound to a custom one. A vSwitch
//! always has exactly one table; leaving the custom one takes it back to the system table (provider
//! documentation: route tables, 2026).

use crate::access::{Caller, Owner};
use crate::cidr::Cidr;
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, ResourceGroupId, RouteEntryId, RouteTableId, VSwitchId, VpcId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::settings::{Provisioning, Work};
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::timer::Due;
use crate::vpc::gateway_route_table;
use crate::vpc::longest_prefix::LongestPrefix;
use crate::vpc::next_hop::NextHop;
use crate::vpc::route_entry;
use crate::vpc::vpc::Vpc;
use crate::vpc::vswitch::{self, VSwitch};
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

/// What sort of route table it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteTableKind {
    /// Made with the VPC; holds for every vSwitch that is not bound to another.
    System,
    /// Made by a caller; holds for the vSwitches bound to it.
    Custom,
}

impl RouteTableKind {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            RouteTableKind::System => "System",
            RouteTableKind::Custom => "Custom",
        }
    }
}

/// A route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Its id.
    pub id: RouteTableId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// What sort it is.
    pub kind: RouteTableKind,
    /// What it can be bound to.
    pub associate_type: AssociateType,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Whether it takes routes that others announce. Nothing announces any yet; it is kept and shown.
    pub propagation: bool,
    /// Whether it is ready.
    pub status: Status,
    /// When it was made.
    pub created: SimTime,
}

/// Whether an object is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In transition: it refuses writes to itself and its children.
    Pending,
    /// Ready.
    Available,
}

impl Status {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            Status::Pending => "Pending",
            Status::Available => "Available",
        }
    }
}

/// What is derived from route tables.
#[derive(Clone, Debug, Default)]
pub struct RouteTableIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, RouteTableId>,
    /// By VPC.
    pub by_vpc: Groups<VpcId, RouteTableId>,
    /// Those in transition, by VPC.
    pub pending: Groups<VpcId, RouteTableId>,
    /// The table as the longest-prefix match reads it: compiled by the first lookup after a change, never by a command.
    pub(crate) compiled: BTreeMap<RouteTableId, Compiled>,
}

/// A table as the longest-prefix match reads it, once somebody has looked something up. It is a memory of work done and
/// no part of the derived state, so it is not shown.
#[derive(Clone, Default)]
pub(crate) struct Compiled(OnceLock<Arc<LongestPrefix<Chosen>>>);

/// What a packet has to know of the entry that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// The entry.
    pub id: RouteEntryId,
    /// The networks that it is for.
    pub destination: Cidr,
    /// Where it leads.
    pub next_hop: NextHop,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compiled")
    }
}

impl Row for RouteTable {
    type Key = RouteTableId;
    type Index = RouteTableIndex;

    fn key(&self) -> RouteTableId {
        self.id
    }

    fn reindex(ix: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|t| t.id) else { return };
        let ix = &mut ix.route_tables;
        ix.by_owner.shift(&id, old.map(|t| t.owner.clone()), new.map(|t| t.owner.clone()));
        ix.by_vpc.shift(&id, old.map(|t| t.vpc), new.map(|t| t.vpc));
        let pending = |t: &RouteTable| (t.status == Status::Pending).then_some(t.vpc);
        ix.pending.shift(&id, old.and_then(pending), new.and_then(pending));
        match (old, new) {
            (None, Some(_)) => {
                ix.compiled.insert(id, Compiled::default());
            }
            (Some(_), None) => {
                ix.compiled.remove(&id);
            }
            _ => {}
        }
    }
}

/// Forgets the compiled form of one table.
pub(crate) fn outdate(ix: &mut Indexes, table: RouteTableId) {
    if let Some(slot) = ix.route_tables.compiled.get_mut(&table) {
        *slot = Compiled::default();
    }
}

/// Forgets the compiled form of every table of a VPC, as its system entries change.
pub(crate) fn outdate_all(ix: &mut Indexes, vpc: VpcId) {
    let tables: Vec<RouteTableId> = ix.route_tables.by_vpc.of(&vpc).copied().collect();
    tables.into_iter().for_each(|table| outdate(ix, table));
}

impl Resource for RouteTable {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl RouteTable {
    /// Refuses writes while the table is in transition.
    ///
    /// # Errors
    /// [`ErrorCode::RouteTableStatusIncorrect`].
    pub fn check_available(&self) -> Outcome<()> {
        match self.status {
            Status::Available => Ok(()),
            Status::Pending => Err(Refusal::new(ErrorCode::RouteTableStatusIncorrect)
                .field("route_table_id")
                .detail(format!("{} is Pending.", self.id))
                .accepted("the same request once the route table is Available")),
        }
    }

    /// Refuses what is only for tables of vSwitches.
    ///
    /// # Errors
    /// [`ErrorCode::RouteTableOfGateway`].
    pub fn check_for_vswitches(&self) -> Outcome<()> {
        match self.associate_type {
            AssociateType::VSwitch => Ok(()),
            AssociateType::Gateway => Err(Refusal::new(ErrorCode::RouteTableOfGateway)
                .field("route_table_id")
                .detail(format!("{} is for a gateway.", self.id))
                .accepted("a route table for vSwitches")),
        }
    }

    /// The vSwitches for which the table holds, by age.
    pub fn vswitches<'w>(&self, w: &'w World) -> Box<dyn Iterator<Item = &'w VSwitch> + 'w> {
        match self.kind {
            RouteTableKind::System => {
                Box::new(crate::vpc::vpc::vswitches(w, self.vpc).filter(|s| s.route_table.is_none()))
            }
            RouteTableKind::Custom => Box::new(
                w.indexes().vswitches.by_route_table.of(&self.id).filter_map(|id| w.get::<VSwitch>(id)),
            ),
        }
    }

    /// Its resource group: that of its VPC.
    pub fn resource_group(&self, w: &World) -> Option<ResourceGroupId> {
        w.get::<Vpc>(&self.vpc).map(|vpc| vpc.resource_group)
    }
}

/// With documented provisioning a VPC carries out one change at a time.
///
/// # Errors
/// `rule`, naming what is in transition. Clients try again on one code where tables are changed
/// ([`ErrorCode::RouteTableVpcBusy`]) and on another elsewhere ([`ErrorCode::VpcBusy`]).
pub fn check_idle(w: &World, vpc: VpcId, rule: ErrorCode) -> Outcome<()> {
    if w.settings().provisioning != Provisioning::Documented {
        return Ok(());
    }
    let ix = w.indexes();
    let busy = ix.vswitches.pending.of(&vpc).next().map(|&id| AnyId::from(id));
    let busy = busy.or_else(|| ix.route_tables.pending.of(&vpc).next().map(|&id| id.into()));
    let busy = busy.or_else(|| ix.route_entries.busy_in_vpc.of(&vpc).next().map(|&id| id.into()));
    match busy {
        None => Ok(()),
        Some(busy) => Err(Refusal::new(rule)
            .field("vpc_id")
            .detail(format!("{vpc} carries out one change at a time."))
            .blockers([busy])
            .accepted("the same request a little later")),
    }
}

/// The rule for a route table's name.
pub const NAME: TextRule = TextRule {
    min: 1,
    max: 128,
    letter_first: false,
    field: "name",
    error: ErrorCode::RouteTableNameMalformed,
};
/// The rule for a route table's description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 1,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::RouteTableDescriptionMalformed,
};

/// What a new route table is to be bound to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssociateType {
    /// To vSwitches.
    #[default]
    VSwitch,
    /// To the IPv4 gateway.
    Gateway,
}

impl AssociateType {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            AssociateType::VSwitch => "VSwitch",
            AssociateType::Gateway => "Gateway",
        }
    }
}

/// Makes a custom route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateRouteTable {
    /// Its VPC.
    pub vpc: VpcId,
    /// What it is to be bound to.
    pub associate_type: AssociateType,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreateRouteTable`].
///
/// # Errors
/// The form of name, description and tags; an unknown VPC or one in transition or busy;
/// [`ErrorCode::RouteTableQuotaExceeded`], [`ErrorCode::GatewayTableQuotaExceeded`].
pub fn create(w: &mut World, caller: &Caller, c: &CreateRouteTable) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    tag::check(&c.tags)?;
    let vpc = w.visible::<Vpc>(caller, c.vpc)?;
    vpc.check_available()?;
    check_idle(w, c.vpc, ErrorCode::RouteTableVpcBusy)?;
    let (quota, error) = match c.associate_type {
        AssociateType::VSwitch => (Quota::RouteTablesPerVpc, ErrorCode::RouteTableQuotaExceeded),
        AssociateType::Gateway => (Quota::GatewayRouteTablesPerVpc, ErrorCode::GatewayTableQuotaExceeded),
    };
    quota.check(w, caller.account, counted(w, c.vpc, c.associate_type), 1, error)?;
    let id = w.new_id::<RouteTableId>(&caller.region)?;
    let span = w.settings().provisioning.span(Work::RouteTable);
    if !span.is_zero() {
        w.schedule(span, Due::RouteTable(id));
    }
    tag::put_all(w, &caller.into(), id, &c.tags);
    w.put(RouteTable {
        id,
        owner: caller.into(),
        vpc: c.vpc,
        kind: RouteTableKind::Custom,
        associate_type: c.associate_type,
        name,
        description,
        propagation: true,
        status: if span.is_zero() { Status::Available } else { Status::Pending },
        created: w.now(),
    });
    Ok(id.into())
}

/// How many custom tables of a VPC count against the quota for what they are bound to.
pub fn counted(w: &World, vpc: VpcId, associate_type: AssociateType) -> u64 {
    let tables = w.indexes().route_tables.by_vpc.of(&vpc).filter_map(|id| w.get::<RouteTable>(id));
    let custom = tables.filter(|table| table.kind == RouteTableKind::Custom);
    custom.filter(|table| table.associate_type == associate_type).count() as u64
}

/// Ends a route table's transition.
pub(crate) fn settle(w: &mut World, id: RouteTableId) {
    if w.get::<RouteTable>(&id).is_some() {
        w.update::<RouteTable>(&id, |t| t.status = Status::Available);
    }
}

/// Changes a route table; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyRouteTable {
    /// The route table.
    pub route_table: RouteTableId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
    /// Whether it takes routes that others announce.
    pub propagation: Option<bool>,
}

/// Handles [`ModifyRouteTable`].
///
/// # Errors
/// The form of the fields; an unknown route table or one in transition, as its VPC may be.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyRouteTable) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    let table = w.visible::<RouteTable>(caller, c.route_table)?;
    w.visible::<Vpc>(caller, table.vpc)?.check_available()?;
    table.check_available()?;
    w.update::<RouteTable>(&c.route_table, |t| {
        if c.name.is_some() {
            t.name = name;
        }
        if c.description.is_some() {
            t.description = description;
        }
        t.propagation = c.propagation.unwrap_or(t.propagation);
    });
    Ok(Reply::Done)
}

/// Deletes a custom route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRouteTable {
    /// The route table.
    pub route_table: RouteTableId,
}

/// Handles [`DeleteRouteTable`].
///
/// # Errors
/// An unknown route table; whatever keeps it, in the order of [`dependents`]; a table in transition, a VPC that is
/// busy.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteRouteTable) -> Outcome<Reply> {
    let table = w.visible::<RouteTable>(caller, c.route_table)?;
    if let Some((code, ids)) = dependents(w, table).into_iter().next() {
        return Err(Refusal::new(code).field("route_table_id").blockers(ids));
    }
    table.check_available()?;
    check_idle(w, table.vpc, ErrorCode::RouteTableVpcBusy)?;
    tag::clear(w, c.route_table);
    w.remove::<RouteTable>(&c.route_table);
    Ok(Reply::Done)
}

/// What keeps a route table from being deleted, in the order in which it is reported.
pub fn dependents(w: &World, table: &RouteTable) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let ix = w.indexes();
    let system = (table.kind == RouteTableKind::System).then_some(AnyId::from(table.vpc));
    let bound = ix.vswitches.by_route_table.of(&table.id).map(|&id| AnyId::from(id));
    let gateway = gateway_route_table::gateway_of(w, table).map(|gateway| gateway.id.into());
    let entries = ix.route_entries.replaced.of(&table.id).chain(ix.route_entries.customs.of(&table.id));
    [
        (ErrorCode::RouteTableIsSystem, system.into_iter().collect::<Vec<_>>()),
        (ErrorCode::RouteTableHasVSwitch, bound.collect()),
        (ErrorCode::RouteTableHasGateway, gateway.into_iter().collect()),
        (ErrorCode::RouteTableHasRouteEntry, entries.map(|&id| id.into()).collect()),
    ]
    .into_iter()
    .filter(|(_, ids)| !ids.is_empty())
    .collect()
}

/// Binds a vSwitch to a custom route table, away from the system table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssociateRouteTable {
    /// The route table.
    pub route_table: RouteTableId,
    /// The vSwitch, which is Pending while it is being bound.
    pub vswitch: VSwitchId,
}

/// Handles [`AssociateRouteTable`].
///
/// # Errors
/// An unknown route table or vSwitch; another VPC; the system table; a table for gateways; either of them in
/// transition, or the VPC busy; a vSwitch that is bound already.
pub fn associate(w: &mut World, caller: &Caller, c: &AssociateRouteTable) -> Outcome<Reply> {
    let table = w.visible::<RouteTable>(caller, c.route_table)?;
    let vswitch = w.visible::<VSwitch>(caller, c.vswitch)?;
    check_same_vpc(table, vswitch)?;
    if table.kind == RouteTableKind::System {
        return Err(Refusal::new(ErrorCode::RouteTableSwitchToSystem)
            .field("route_table_id")
            .detail(format!("{} is the system route table.", table.id)));
    }
    table.check_for_vswitches()?;
    table.check_available()?;
    vswitch.check_available()?;
    check_idle(w, table.vpc, ErrorCode::RouteTableVpcBusy)?;
    if let Some(bound) = vswitch.route_table {
        return Err(Refusal::new(ErrorCode::RouteTableAlreadyAssociated)
            .field("vswitch_id")
            .blockers([bound]));
    }
    bind(w, c.vswitch, Some(c.route_table));
    Ok(Reply::Done)
}

/// Takes a vSwitch away from its custom route table, back to the system table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnassociateRouteTable {
    /// The route table.
    pub route_table: RouteTableId,
    /// The vSwitch, which is Pending meanwhile.
    pub vswitch: VSwitchId,
}

/// Handles [`UnassociateRouteTable`].
///
/// # Errors
/// An unknown route table or vSwitch; the system table; either of them in transition, or the VPC busy; a vSwitch
/// that is not bound to the table.
pub fn unassociate(w: &mut World, caller: &Caller, c: &UnassociateRouteTable) -> Outcome<Reply> {
    let table = w.visible::<RouteTable>(caller, c.route_table)?;
    let vswitch = w.visible::<VSwitch>(caller, c.vswitch)?;
    if table.kind == RouteTableKind::System {
        return Err(Refusal::new(ErrorCode::RouteTableUnbindSystem)
            .field("route_table_id")
            .detail(format!("{} is the system route table.", table.id)));
    }
    table.check_available()?;
    vswitch.check_available()?;
    check_idle(w, table.vpc, ErrorCode::RouteTableVpcBusy)?;
    if vswitch.route_table != Some(c.route_table) {
        return Err(Refusal::new(ErrorCode::RouteTableNotAssociated)
            .field("vswitch_id")
            .blockers(vswitch.route_table));
    }
    bind(w, c.vswitch, None);
    Ok(Reply::Done)
}

fn check_same_vpc(table: &RouteTable, vswitch: &VSwitch) -> Outcome<()> {
    if table.vpc == vswitch.vpc {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::RouteTableOtherVpc)
        .field("vswitch_id")
        .detail(format!("{} is in {}, {} is in {}.", table.id, table.vpc, vswitch.id, vswitch.vpc)))
}

fn bind(w: &mut World, vswitch: VSwitchId, table: Option<RouteTableId>) {
    w.update::<VSwitch>(&vswitch, |s| s.route_table = table);
    vswitch::begin_transition(w, vswitch);
}

/// The entry that a packet to `address` takes: the narrowest destination that holds it, among the entries in force.
pub fn lookup(w: &World, table: &RouteTable, address: IpAddr) -> Option<route_entry::RouteEntry> {
    route_entry::in_table(w, table, compiled(w, table.id)?.lookup(address)?.id)
}

/// The entries in force of a table, ready to be looked up.
pub(crate) fn compiled(w: &World, table: RouteTableId) -> Option<&LongestPrefix<Chosen>> {
    let slot = w.indexes().route_tables.compiled.get(&table)?;
    let compile = || {
        let entries = w.get::<RouteTable>(&table).into_iter().flat_map(|t| route_entry::of_table(w, t, None));
        let chosen = |e: route_entry::RouteEntry| {
            let chosen = Chosen { id: e.id, destination: e.destination, next_hop: e.next_hop };
            (e.destination, chosen)
        };
        Arc::new(LongestPrefix::compile(entries.filter(route_entry::RouteEntry::in_force).map(chosen)))
    };
    Some(slot.0.get_or_init(compile))
}
