//! An IPv4 gateway: once it is active, the public IPv4 traffic of its VPC goes where a route leads to it, and nowhere else
//! (provider documentation: IPv4 gateways, CreateIpv4Gateway, EnableVpcIpv4Gateway, DeleteIpv4Gateway).
//!
//! A VPC without an active gateway is free: a host with a public address needs no route. One whose active gateway was
//! deleted stays closed to the internet unless the deletion says otherwise.

use crate::access::{Caller, Owner};
use crate::cidr::{Cidr, Cidr4};
use crate::command::Reply;
use crate::ecs::eni::Eni;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, Ipv4GatewayId, ResourceGroupId, RouteTableId, VpcId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::settings::Work;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::timer::Due;
use crate::vpc::eip::Eip;
use crate::vpc::eip_binding::Mode;
use crate::vpc::next_hop::NextHop;
use crate::vpc::route_entry;
use crate::vpc::route_table::RouteTable;
use crate::vpc::vpc::Vpc;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where an IPv4 gateway is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GatewayStatus {
    /// Being made.
    Creating,
    /// Being activated; the VPC is as it was before.
    Activating,
    /// Ready, active or not.
    Created,
    /// Getting or losing its route table.
    Modifying,
    /// Being deleted.
    Deleting,
}

impl GatewayStatus {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            GatewayStatus::Creating => "Creating",
            GatewayStatus::Activating => "Activating",
            GatewayStatus::Created => "Created",
            GatewayStatus::Modifying => "Modifying",
            GatewayStatus::Deleting => "Deleting",
        }
    }
}

/// An IPv4 gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ipv4Gateway {
    /// Its id.
    pub id: Ipv4GatewayId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC, which has no other.
    pub vpc: VpcId,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// Whether it is active: it never stops being so.
    pub enabled: bool,
    /// The route table that what comes in by it asks.
    pub route_table: Option<RouteTableId>,
    /// Where it is in its life.
    pub status: GatewayStatus,
    /// When it leaves its transition; absent while it is Created.
    pub settles: Option<SimTime>,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from IPv4 gateways.
#[derive(Clone, Debug, Default)]
pub struct Ipv4GatewayIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, Ipv4GatewayId>,
    /// The one of each VPC.
    pub by_vpc: BTreeMap<VpcId, Ipv4GatewayId>,
}

impl Row for Ipv4Gateway {
    type Key = Ipv4GatewayId;
    type Index = Ipv4GatewayIndex;

    fn key(&self) -> Ipv4GatewayId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|g| g.id) else { return };
        let ix = &mut indexes.ipv4_gateways;
        ix.by_owner.shift(&id, old.map(|g| g.owner.clone()), new.map(|g| g.owner.clone()));
        match (old, new) {
            (None, Some(new)) => {
                ix.by_vpc.insert(new.vpc, id);
            }
            (Some(old), None) => {
                ix.by_vpc.remove(&old.vpc);
            }
            _ => {}
        }
    }
}

impl Resource for Ipv4Gateway {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl Ipv4Gateway {
    /// Refuses changes while it is in transition.
    ///
    /// # Errors
    /// [`ErrorCode::Ipv4GatewayStatusIncorrect`].
    pub(crate) fn check_created(&self) -> Outcome<()> {
        if self.status == GatewayStatus::Created {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::Ipv4GatewayStatusIncorrect)
            .field("ipv4_gateway_id")
            .detail(format!("{} is {}.", self.id, self.status.text()))
            .accepted("the same request once it is Created"))
    }
}

/// The IPv4 gateway of a VPC.
pub fn of_vpc(w: &World, vpc: VpcId) -> Option<&Ipv4Gateway> {
    w.indexes().ipv4_gateways.by_vpc.get(&vpc).and_then(|id| w.get::<Ipv4Gateway>(id))
}

/// Whether the public IPv4 traffic of a VPC needs a route to an IPv4 gateway.
pub fn is_controlled(w: &World, vpc: VpcId) -> bool {
    // Nothing about it changes while it is Modifying.
    let works = |g: &Ipv4Gateway| matches!(g.status, GatewayStatus::Created | GatewayStatus::Modifying);
    let active = of_vpc(w, vpc).is_some_and(|g| g.enabled && works(g));
    active || w.get::<Vpc>(&vpc).is_some_and(|vpc| vpc.closed)
}

/// The rule for an IPv4 gateway's name.
pub const NAME: TextRule =
    TextRule { min: 1, max: 128, letter_first: false, field: "name", error: ErrorCode::GatewayNameMalformed };
/// The rule for an IPv4 gateway's description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 1,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::GatewayDescriptionMalformed,
};
/// The most route tables that get a route when a gateway is activated (provider documentation: EnableVpcIpv4Gateway).
pub const MAX_TABLES: usize = 10;

/// Makes an IPv4 gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateIpv4Gateway {
    /// Its VPC.
    pub vpc: VpcId,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
    /// Its resource group: the account's default one if absent.
    pub resource_group: Option<ResourceGroupId>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreateIpv4Gateway`].
///
/// # Errors
/// The form of name, description and tags; an unknown VPC or resource group; a VPC in transition, with a gateway, or with
/// an elastic IP address in cut-through mode.
pub fn create(w: &mut World, caller: &Caller, c: &CreateIpv4Gateway) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    tag::check(&c.tags)?;
    let vpc = w.visible::<Vpc>(caller, c.vpc)?;
    let resource_group = crate::resource_group::resolve(w, caller, c.resource_group)?;
    vpc.check_available()?;
    if let Some(other) = of_vpc(w, c.vpc) {
        return Err(Refusal::new(ErrorCode::VpcHasIpv4GatewayAlready)
            .field("vpc_id")
            .detail(format!("{} is there.", other.id))
            .blockers([other.id]));
    }
    check_no_cut_through(w, vpc)?;
    let id = w.new_id::<Ipv4GatewayId>(&caller.region)?;
    tag::put_all(w, &caller.into(), id, &c.tags);
    let created = w.now();
    w.put(Ipv4Gateway {
        id,
        owner: caller.into(),
        vpc: c.vpc,
        name,
        description,
        resource_group,
        enabled: false,
        route_table: None,
        status: GatewayStatus::Created,
        settles: None,
        created,
    });
    begin(w, id, GatewayStatus::Creating);
    Ok(id.into())
}

/// No elastic IP address of the VPC is bound in cut-through mode, which knows no routes.
fn check_no_cut_through(w: &World, vpc: &Vpc) -> Outcome<()> {
    let direct = |eip: &&Eip| {
        let binding = eip.binding.filter(|b| b.mode == Mode::Binded);
        let eni = binding.and_then(|b| b.target.eni()).and_then(|id| w.get::<Eni>(&id));
        eni.is_some_and(|eni| eni.vpc == vpc.id)
    };
    let eips = w.indexes().eips.by_owner.of(&vpc.owner).filter_map(|id| w.get::<Eip>(id));
    let direct: Vec<AnyId> = eips.filter(direct).map(|eip| eip.id.into()).collect();
    if direct.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::Ipv4GatewayDirectEip)
        .field("vpc_id")
        .accepted("a VPC without elastic IP addresses in mode BINDED")
        .blockers(direct))
}

/// Puts a gateway into transition, or through it at once if it takes no time.
pub(super) fn begin(w: &mut World, id: Ipv4GatewayId, status: GatewayStatus) {
    let span = w.settings().provisioning.span(Work::Gateway);
    let ends = w.now() + span;
    w.update::<Ipv4Gateway>(&id, |gateway| {
        gateway.status = status;
        gateway.settles = Some(ends);
    });
    if span.is_zero() {
        settle(w, id);
    } else {
        w.schedule(span, Due::Ipv4Gateway(id));
    }
}

/// Ends a transition.
pub(crate) fn settle(w: &mut World, id: Ipv4GatewayId) {
    let now = w.now();
    let Some(gateway) = w.get::<Ipv4Gateway>(&id).filter(|g| g.settles == Some(now)) else { return };
    let (status, vpc) = (gateway.status, gateway.vpc);
    if status == GatewayStatus::Deleting {
        tag::clear(w, id);
        w.remove::<Ipv4Gateway>(&id);
        return;
    }
    w.update::<Ipv4Gateway>(&id, |gateway| {
        gateway.enabled |= status == GatewayStatus::Activating;
        gateway.status = GatewayStatus::Created;
        gateway.settles = None;
    });
    if status == GatewayStatus::Activating {
        w.update::<Vpc>(&vpc, |vpc| vpc.closed = false);
    }
}

/// Activates an IPv4 gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnableIpv4Gateway {
    /// The gateway.
    pub gateway: Ipv4GatewayId,
    /// The route tables of its VPC, at most [`MAX_TABLES`], that get the route 0.0.0.0/0 to it.
    pub tables: Vec<RouteTableId>,
}

/// Handles [`EnableIpv4Gateway`].
///
/// # Errors
/// An unknown gateway; one in transition or active; elastic IP addresses in cut-through mode; too many route tables, or one
/// that is unknown, in another VPC, for gateways, in transition, full, or has a route to everywhere.
pub fn enable(w: &mut World, caller: &Caller, c: &EnableIpv4Gateway) -> Outcome<Reply> {
    let gateway = w.visible::<Ipv4Gateway>(caller, c.gateway)?;
    gateway.check_created()?;
    if gateway.enabled {
        return Err(Refusal::new(ErrorCode::Ipv4GatewayEnabledAlready)
            .field("ipv4_gateway_id")
            .detail(format!("{} is active.", gateway.id)));
    }
    check_no_cut_through(w, w.get::<Vpc>(&gateway.vpc).expect("a VPC outlives its gateways"))?;
    let tables: BTreeSet<RouteTableId> = c.tables.iter().copied().collect();
    if tables.len() > MAX_TABLES {
        return Err(Refusal::new(ErrorCode::InvalidParameter)
            .field("route_table_ids")
            .detail(format!("{} route tables were given.", tables.len()))
            .accepted(format!("at most {MAX_TABLES}")));
    }
    for table in &tables {
        check_table(w, caller, gateway, *table)?;
    }
    for table in tables {
        route_entry::put_default(w, caller, table, NextHop::Ipv4Gateway(c.gateway), false)?;
    }
    begin(w, c.gateway, GatewayStatus::Activating);
    Ok(Reply::Done)
}

fn check_table(w: &World, caller: &Caller, gateway: &Ipv4Gateway, table: RouteTableId) -> Outcome<()> {
    let table = w.visible::<RouteTable>(caller, table)?;
    if table.vpc != gateway.vpc {
        return Err(Refusal::new(ErrorCode::RouteTableNotFound)
            .field("route_table_ids")
            .detail(format!("{} is in {}, {} in {}.", table.id, table.vpc, gateway.id, gateway.vpc)));
    }
    table.check_for_vswitches()?;
    table.check_available()?;
    let everywhere = Cidr::V4(Cidr4::v4([0, 0, 0, 0], 0));
    if let Some(entry) = route_entry::to_destination(w, table, everywhere) {
        return Err(Refusal::new(ErrorCode::Ipv4GatewayRouteConflict)
            .field("route_table_ids")
            .detail(format!("{} has a route to {everywhere}.", table.id))
            .blockers([entry.id]));
    }
    let used = w.indexes().route_entries.customs.count(&table.id);
    Quota::RouteEntriesPerTable.check(w, caller.account, used, 1, ErrorCode::RouteEntryQuotaExceeded)
}

/// Changes an IPv4 gateway; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyIpv4Gateway {
    /// The gateway.
    pub gateway: Ipv4GatewayId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
}

/// Handles [`ModifyIpv4Gateway`].
///
/// # Errors
/// The form of name and description; an unknown gateway or one in transition.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyIpv4Gateway) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    w.visible::<Ipv4Gateway>(caller, c.gateway)?.check_created()?;
    w.update::<Ipv4Gateway>(&c.gateway, |gateway| {
        if c.name.is_some() {
            gateway.name = name;
        }
        if c.description.is_some() {
            gateway.description = description;
        }
    });
    Ok(Reply::Done)
}

/// What a VPC is to the internet once its active IPv4 gateway is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InternetMode {
    /// Closed: no public IPv4 traffic.
    #[default]
    Private,
    /// Free: a host with a public address needs no route.
    Public,
}

impl InternetMode {
    /// Each with the provider's word.
    pub const ALL: &'static [(&'static str, InternetMode)] =
        &[("private", InternetMode::Private), ("public", InternetMode::Public)];

    /// Reads the provider's word.
    ///
    /// # Errors
    /// [`ErrorCode::Ipv4GatewayInternetModeUnknown`].
    pub fn parse(text: &str) -> Outcome<InternetMode> {
        let found = InternetMode::ALL.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        found.map(|(_, mode)| *mode).ok_or_else(|| {
            Refusal::new(ErrorCode::Ipv4GatewayInternetModeUnknown)
                .field("internet_mode")
                .given(text)
                .accepted("private, public")
        })
    }
}

/// Deletes an IPv4 gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteIpv4Gateway {
    /// The gateway.
    pub gateway: Ipv4GatewayId,
    /// What its VPC is from then on. A gateway that was never active leaves the VPC as it is.
    pub mode: InternetMode,
}

/// Handles [`DeleteIpv4Gateway`].
///
/// # Errors
/// An unknown gateway; one in transition; what is in the way, in the order of [`dependents`].
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteIpv4Gateway) -> Outcome<Reply> {
    let gateway = w.visible::<Ipv4Gateway>(caller, c.gateway)?;
    gateway.check_created()?;
    if let Some((code, ids)) = dependents(w, gateway).into_iter().next() {
        return Err(Refusal::new(code)
            .field("ipv4_gateway_id")
            .detail(format!("{} is still needed.", gateway.id))
            .blockers(ids));
    }
    let (vpc, enabled) = (gateway.vpc, gateway.enabled);
    if enabled {
        w.update::<Vpc>(&vpc, |vpc| vpc.closed = c.mode == InternetMode::Private);
    }
    begin(w, c.gateway, GatewayStatus::Deleting);
    Ok(Reply::Done)
}

/// What keeps an IPv4 gateway from being deleted, in the order in which it is reported.
pub fn dependents(w: &World, gateway: &Ipv4Gateway) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let routes = route_entry::next_hop_users(w, gateway.id).into_iter().map(AnyId::from);
    let table = gateway.route_table.map(AnyId::from);
    let all: [(ErrorCode, Vec<AnyId>); 2] = [
        (ErrorCode::Ipv4GatewayHasRouteEntry, routes.collect()),
        (ErrorCode::Ipv4GatewayHasRouteTable, table.into_iter().collect()),
    ];
    all.into_iter().filter(|(_, ids)| !ids.is_empty()).collect()
}
