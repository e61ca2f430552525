//! An IPv6 gateway: the way of a VPC's IPv6 addresses to the internet, for those that have bandwidth; see
//! `ipv6_bandwidth.rs` (provider documentation: IPv6 gateways, CreateIpv6Gateway, DeleteIpv6Gateway).

use crate::access::{Caller, Owner};
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, Ipv6GatewayId, ResourceGroupId, VpcId};
use crate::resource::Resource;
use crate::settings::Work;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::timer::Due;
use crate::vpc::ipv4_gateway::{DESCRIPTION, NAME};
use crate::vpc::next_hop::NextHop;
use crate::vpc::route_entry::{self, RouteEntry};
use crate::vpc::vpc::Vpc;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where an IPv6 gateway is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ipv6GatewayStatus {
    /// Being made.
    Pending,
    /// Ready.
    Available,
    /// Being deleted.
    Deleting,
}

impl Ipv6GatewayStatus {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            Ipv6GatewayStatus::Pending => "Pending",
            Ipv6GatewayStatus::Available => "Available",
            Ipv6GatewayStatus::Deleting => "Deleting",
        }
    }
}

/// An IPv6 gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ipv6Gateway {
    /// Its id.
    pub id: Ipv6GatewayId,
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
    /// Where it is in its life.
    pub status: Ipv6GatewayStatus,
    /// When it leaves its transition; absent while it is Available.
    pub settles: Option<SimTime>,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from IPv6 gateways.
#[derive(Clone, Debug, Default)]
pub struct Ipv6GatewayIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, Ipv6GatewayId>,
    /// The one of each VPC.
    pub by_vpc: BTreeMap<VpcId, Ipv6GatewayId>,
}

impl Row for Ipv6Gateway {
    type Key = Ipv6GatewayId;
    type Index = Ipv6GatewayIndex;

    fn key(&self) -> Ipv6GatewayId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|g| g.id) else { return };
        let ix = &mut indexes.ipv6_gateways;
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

impl Resource for Ipv6Gateway {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl Ipv6Gateway {
    /// Refuses changes while it is in transition.
    ///
    /// # Errors
    /// [`ErrorCode::Ipv6GatewayStatusIncorrect`].
    pub(crate) fn check_available(&self) -> Outcome<()> {
        if self.status == Ipv6GatewayStatus::Available {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::Ipv6GatewayStatusIncorrect)
            .field("ipv6_gateway_id")
            .detail(format!("{} is {}.", self.id, self.status.text()))
            .accepted("the same request once it is Available"))
    }
}

/// The IPv6 gateway of a VPC.
pub fn of_vpc(w: &World, vpc: VpcId) -> Option<&Ipv6Gateway> {
    w.indexes().ipv6_gateways.by_vpc.get(&vpc).and_then(|id| w.get::<Ipv6Gateway>(id))
}

/// Makes an IPv6 gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateIpv6Gateway {
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

/// Handles [`CreateIpv6Gateway`]. The route ::/0 of the VPC's system table leads to it from then on, unless the table has
/// one already or is full (provider documentation: create and manage IPv6 routes).
///
/// # Errors
/// The form of name, description and tags; an unknown VPC or resource group; a VPC in transition, without IPv6, or with a
/// gateway.
pub fn create(w: &mut World, caller: &Caller, c: &CreateIpv6Gateway) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    tag::check(&c.tags)?;
    let vpc = w.visible::<Vpc>(caller, c.vpc)?;
    let resource_group = crate::resource_group::resolve(w, caller, c.resource_group)?;
    vpc.check_available()?;
    if vpc.ipv6.is_empty() {
        return Err(Refusal::new(ErrorCode::Ipv6GatewayVpcIpv6Disabled)
            .field("vpc_id")
            .detail(format!("{} has no IPv6 block.", vpc.id))
            .accepted("a VPC with IPv6"));
    }
    if let Some(other) = of_vpc(w, c.vpc) {
        return Err(Refusal::new(ErrorCode::VpcHasIpv6GatewayAlready)
            .field("vpc_id")
            .detail(format!("{} is there.", other.id))
            .blockers([other.id]));
    }
    let id = w.new_id::<Ipv6GatewayId>(&caller.region)?;
    tag::put_all(w, &caller.into(), id, &c.tags);
    let created = w.now();
    w.put(Ipv6Gateway {
        id,
        owner: caller.into(),
        vpc: c.vpc,
        name,
        description,
        resource_group,
        status: Ipv6GatewayStatus::Available,
        settles: None,
        created,
    });
    route_entry::add_default(w, caller, c.vpc, NextHop::Ipv6Gateway(id))?;
    begin(w, id, Ipv6GatewayStatus::Pending);
    Ok(id.into())
}

/// Puts a gateway into transition, or through it at once if it takes no time.
fn begin(w: &mut World, id: Ipv6GatewayId, status: Ipv6GatewayStatus) {
    let span = w.settings().provisioning.span(Work::Gateway);
    let ends = w.now() + span;
    w.update::<Ipv6Gateway>(&id, |gateway| {
        gateway.status = status;
        gateway.settles = Some(ends);
    });
    if span.is_zero() {
        settle(w, id);
    } else {
        w.schedule(span, Due::Ipv6Gateway(id));
    }
}

/// Ends a transition.
pub(crate) fn settle(w: &mut World, id: Ipv6GatewayId) {
    let now = w.now();
    let Some(gateway) = w.get::<Ipv6Gateway>(&id).filter(|g| g.settles == Some(now)) else { return };
    if gateway.status == Ipv6GatewayStatus::Deleting {
        tag::clear(w, id);
        w.remove::<Ipv6Gateway>(&id);
        return;
    }
    w.update::<Ipv6Gateway>(&id, |gateway| {
        gateway.status = Ipv6GatewayStatus::Available;
        gateway.settles = None;
    });
}

/// Changes an IPv6 gateway; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyIpv6Gateway {
    /// The gateway.
    pub gateway: Ipv6GatewayId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
}

/// Handles [`ModifyIpv6Gateway`].
///
/// # Errors
/// The form of name and description; an unknown gateway or one in transition.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyIpv6Gateway) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    w.visible::<Ipv6Gateway>(caller, c.gateway)?.check_available()?;
    w.update::<Ipv6Gateway>(&c.gateway, |gateway| {
        if c.name.is_some() {
            gateway.name = name;
        }
        if c.description.is_some() {
            gateway.description = description;
        }
    });
    Ok(Reply::Done)
}

/// Deletes an IPv6 gateway, and the routes to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteIpv6Gateway {
    /// The gateway.
    pub gateway: Ipv6GatewayId,
}

/// Handles [`DeleteIpv6Gateway`].
///
/// # Errors
/// An unknown gateway; one in transition; addresses with bandwidth; egress-only rules; a route to it in transition.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteIpv6Gateway) -> Outcome<Reply> {
    let gateway = w.visible::<Ipv6Gateway>(caller, c.gateway)?;
    gateway.check_available()?;
    if let Some((code, ids)) = dependents(w, gateway).into_iter().next() {
        return Err(Refusal::new(code)
            .field("ipv6_gateway_id")
            .detail(format!("{} is still needed.", gateway.id))
            .blockers(ids));
    }
    let routes = route_entry::next_hop_users(w, c.gateway).into_iter();
    let busy = |id: &_| w.get::<RouteEntry>(id).is_some_and(|entry| entry.check_available().is_err());
    let busy: Vec<AnyId> = routes.filter(busy).map(AnyId::from).collect();
    if !busy.is_empty() {
        return Err(Refusal::new(ErrorCode::Ipv6GatewayRouteBusy)
            .field("ipv6_gateway_id")
            .accepted("the same request once its routes are Available")
            .blockers(busy));
    }
    route_entry::forget_next_hop(w, c.gateway);
    begin(w, c.gateway, Ipv6GatewayStatus::Deleting);
    Ok(Reply::Done)
}

/// What keeps an IPv6 gateway from being deleted.
pub fn dependents(w: &World, gateway: &Ipv6Gateway) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let bandwidths = w.indexes().ipv6_bandwidths.by_gateway.of(&gateway.id).map(|&id| AnyId::from(id));
    let rules = w.indexes().ipv6_egress_rules.by_gateway.of(&gateway.id).map(|&id| AnyId::from(id));
    let all = [
        (ErrorCode::Ipv6GatewayHasBandwidth, bandwidths.collect::<Vec<_>>()),
        (ErrorCode::Ipv6GatewayHasEgressRule, rules.collect()),
    ];
    all.into_iter().filter(|(_, ids)| !ids.is_empty()).collect()
}
