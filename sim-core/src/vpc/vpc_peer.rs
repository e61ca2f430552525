//! A VPC peering connection: two VPCs exchange packets by their private addresses where routes of both lead to it
//! (provider documentation: VPC peering connections, and the reference pages of VpcPeer 2022-01-01).
//!
//! The requester asks and the accepter agrees; a request within one account is agreed to at once, another expires after
//! seven days. The VPCs may lie in different regions. Their blocks may overlap: routes are made by hand on both sides and
//! never lead into a vSwitch of the own VPC, so that only what does not overlap is reached. A packet that came over a
//! connection goes to what lies in the VPC and never on by its routes: peering is not transitive. Both sides see the
//! connection by its id, whatever region they call from (the actions take none), and both can change and delete it.

use crate::access::{AccountId, Caller, Owner, RegionId};
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, ResourceGroupId, RouteEntryId, VpcId, VpcPeerId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::settings::Work;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::{SimTime, Span};
use crate::timer::Due;
use crate::vpc::route_entry::{self, RouteEntry};
use crate::vpc::route_table::{RouteTable, Status};
use crate::vpc::vpc::Vpc;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long a request waits for an answer: seven days (provider documentation: VPC peering connections, 2026).
pub const ACCEPT_TIMEOUT: Span = Span(7 * 24 * 3_600_000);
/// The bandwidth of a connection between regions that names none, in Mbit/s, and the most of it.
pub const MAX_BANDWIDTH: u32 = 1_024;

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerStatus {
    /// Being made.
    Creating,
    /// Waiting for the accepter.
    Accepting,
    /// Being agreed to or changed.
    Updating,
    /// At work.
    Activated,
    /// The accepter said no.
    Rejected,
    /// The accepter did not answer in time.
    Expired,
    /// Being deleted.
    Deleting,
}

impl PeerStatus {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            PeerStatus::Creating => "Creating",
            PeerStatus::Accepting => "Accepting",
            PeerStatus::Updating => "Updating",
            PeerStatus::Activated => "Activated",
            PeerStatus::Rejected => "Rejected",
            PeerStatus::Expired => "Expired",
            PeerStatus::Deleting => "Deleting",
        }
    }

    /// Whether it stays until somebody does something, or a request expires.
    const fn is_settled(self) -> bool {
        !matches!(self, PeerStatus::Creating | PeerStatus::Updating | PeerStatus::Deleting)
    }
}

/// The line between two regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkType {
    /// Gold, as if none is named.
    Gold,
    /// Platinum.
    Platinum,
}

impl LinkType {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            LinkType::Gold => "Gold",
            LinkType::Platinum => "Platinum",
        }
    }

    /// Reads the provider's word.
    ///
    /// # Errors
    /// [`ErrorCode::VpcPeerLinkTypeUnknown`].
    pub fn parse(text: &str) -> Outcome<LinkType> {
        [LinkType::Gold, LinkType::Platinum].into_iter().find(|link| link.text() == text).ok_or_else(|| {
            Refusal::new(ErrorCode::VpcPeerLinkTypeUnknown)
                .field("link_type")
                .given(text)
                .accepted("Gold, Platinum")
        })
    }
}

/// A VPC peering connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcPeer {
    /// Its id.
    pub id: VpcPeerId,
    /// The requester.
    pub owner: Owner,
    /// The requester's VPC.
    pub vpc: VpcId,
    /// The accepter: the requester's own account or another, in the region of the accepter's VPC.
    pub accepter: Owner,
    /// The accepter's VPC.
    pub accepting_vpc: VpcId,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// Its bandwidth in Mbit/s; absent inside a region, where it has no limit.
    pub bandwidth: Option<u32>,
    /// Its line; absent inside a region.
    pub link_type: Option<LinkType>,
    /// Where it is in its life.
    pub status: PeerStatus,
    /// What its transition makes of it; absent while it is in none, and if it goes.
    pub becomes: Option<PeerStatus>,
    /// When its transition ends; absent while it is in none.
    pub settles: Option<SimTime>,
    /// When the request expires or has expired.
    pub expires: Option<SimTime>,
    /// When it was made.
    pub created: SimTime,
    /// When it was made or last changed.
    pub modified: SimTime,
}

/// What is derived from connections.
#[derive(Clone, Debug, Default)]
pub struct VpcPeerIndex {
    /// By account and region of either side.
    pub by_owner: Groups<Owner, VpcPeerId>,
    /// By account and region of the requester: these count against its quota.
    pub by_requester: Groups<Owner, VpcPeerId>,
    /// By the VPC of either side.
    pub by_vpc: Groups<VpcId, VpcPeerId>,
}

impl Row for VpcPeer {
    type Key = VpcPeerId;
    type Index = VpcPeerIndex;

    fn key(&self) -> VpcPeerId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let ix = &mut indexes.vpc_peers;
        // Neither side ever changes, so only coming and going matters.
        match (old, new) {
            (None, Some(p)) => {
                ix.by_requester.insert(p.owner.clone(), p.id);
                for side in [&p.owner, &p.accepter] {
                    ix.by_owner.insert(side.clone(), p.id);
                }
                for vpc in [p.vpc, p.accepting_vpc] {
                    ix.by_vpc.insert(vpc, p.id);
                }
            }
            (Some(p), None) => {
                ix.by_requester.remove(&p.owner, &p.id);
                for side in [&p.owner, &p.accepter] {
                    ix.by_owner.remove(side, &p.id);
                }
                for vpc in [p.vpc, p.accepting_vpc] {
                    ix.by_vpc.remove(&vpc, &p.id);
                }
            }
            _ => {}
        }
    }
}

impl Resource for VpcPeer {
    fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Lists show it on both sides.
    fn admits(&self, caller: &Caller) -> bool {
        self.owner.admits(caller) || self.accepter.admits(caller)
    }
}

impl VpcPeer {
    /// Whether the two VPCs lie in different regions.
    pub fn crosses_regions(&self) -> bool {
        self.owner.region != self.accepter.region
    }

    /// The other one of its VPCs; none for a VPC that is neither.
    pub fn other_side(&self, vpc: VpcId) -> Option<VpcId> {
        match vpc {
            vpc if vpc == self.vpc => Some(self.accepting_vpc),
            vpc if vpc == self.accepting_vpc => Some(self.vpc),
            _ => None,
        }
    }

    fn concerns(&self, account: AccountId) -> bool {
        [&self.owner, &self.accepter].iter().any(|side| side.account == account)
    }

    /// Refuses what its state does not allow.
    fn check_status(&self, allowed: impl Fn(PeerStatus) -> bool, words: &str) -> Outcome<()> {
        if allowed(self.status) {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::VpcPeerStatusIncorrect)
            .field("vpc_peer_id")
            .detail(format!("{} is {}.", self.id, self.status.text()))
            .accepted(format!("a connection that is {words}")))
    }

    /// Refuses a limit or a line inside one region.
    fn check_line(&self, bandwidth: Option<u32>, link_type: Option<LinkType>) -> Outcome<()> {
        check_line(self.crosses_regions(), bandwidth, link_type)
    }
}

fn check_line(crosses_regions: bool, bandwidth: Option<u32>, link_type: Option<LinkType>) -> Outcome<()> {
    let refuse = |code, field: &str| Err(Refusal::new(code).field(field).accepted("none"));
    match (bandwidth, link_type) {
        (Some(_), _) if !crosses_regions => refuse(ErrorCode::VpcPeerBandwidthInRegion, "bandwidth"),
        (_, Some(_)) if !crosses_regions => refuse(ErrorCode::VpcPeerLinkTypeInRegion, "link_type"),
        (Some(bandwidth), _) if !(1..=MAX_BANDWIDTH).contains(&bandwidth) => {
            Err(Refusal::new(ErrorCode::VpcPeerBandwidthInvalid)
                .field("bandwidth")
                .detail(format!("{bandwidth} was given."))
                .accepted(format!("1 to {MAX_BANDWIDTH}")))
        }
        _ => Ok(()),
    }
}

/// The connection with this id, if the caller's account is one of its sides.
///
/// # Errors
/// [`ErrorCode::VpcPeerNotFound`].
pub fn find<'w>(w: &'w World, caller: &Caller, id: VpcPeerId) -> Outcome<&'w VpcPeer> {
    w.get::<VpcPeer>(&id).filter(|p| p.concerns(caller.account)).ok_or_else(|| crate::resource::missing(id))
}

/// How many connections of a VPC lead to its own region, or to others.
pub fn counted(w: &World, vpc: VpcId, across_regions: bool) -> u64 {
    let of_vpc = w.indexes().vpc_peers.by_vpc.of(&vpc).filter_map(|id| w.get::<VpcPeer>(id));
    of_vpc.filter(|p| p.crosses_regions() == across_regions).count() as u64
}

/// The rule for a connection's name.
pub const NAME: TextRule =
    TextRule { min: 2, max: 128, letter_first: true, field: "name", error: ErrorCode::VpcPeerNameMalformed };
/// The rule for a connection's description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 2,
    max: 256,
    letter_first: true,
    field: "description",
    error: ErrorCode::VpcPeerDescriptionMalformed,
};

/// Asks for a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateVpcPeer {
    /// The requester's VPC.
    pub vpc: VpcId,
    /// The account of the other VPC.
    pub accepting_account: AccountId,
    /// The region of the other VPC.
    pub accepting_region: RegionId,
    /// The other VPC.
    pub accepting_vpc: VpcId,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
    /// Its bandwidth in Mbit/s, 1 to [`MAX_BANDWIDTH`]; only between regions.
    pub bandwidth: Option<u32>,
    /// Its line; only between regions.
    pub link_type: Option<LinkType>,
    /// Its resource group: the account's default one if absent.
    pub resource_group: Option<ResourceGroupId>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreateVpcPeer`].
///
/// # Errors
/// The form of name, description, tags and bandwidth; unknown VPCs, region or resource group; a VPC with itself; VPCs in
/// transition; a second connection between two VPCs; full quotas.
pub fn create(w: &mut World, caller: &Caller, c: &CreateVpcPeer) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    tag::check(&c.tags)?;
    crate::region::check(w, &c.accepting_region).map_err(|refusal| refusal.field("accepting_region_id"))?;
    let crosses_regions = caller.region != c.accepting_region;
    check_line(crosses_regions, c.bandwidth, c.link_type)?;
    if c.vpc == c.accepting_vpc {
        return Err(Refusal::new(ErrorCode::VpcPeerItself).field("accepting_vpc_id"));
    }
    let vpc = w.visible::<Vpc>(caller, c.vpc)?;
    let resource_group = crate::resource_group::resolve(w, caller, c.resource_group)?;
    vpc.check_available()?;
    let accepter = Owner { account: c.accepting_account, region: c.accepting_region.clone() };
    check_accepting_vpc(w, &accepter, c.accepting_vpc)?;
    check_unconnected(w, c.vpc, c.accepting_vpc)?;
    check_quotas(w, caller, c, crosses_regions)?;
    let id = w.new_id::<VpcPeerId>(&caller.region)?;
    tag::put_all(w, &caller.into(), id, &c.tags);
    let created = w.now();
    w.put(VpcPeer {
        id,
        owner: caller.into(),
        vpc: c.vpc,
        accepter,
        accepting_vpc: c.accepting_vpc,
        name,
        description,
        resource_group,
        bandwidth: crosses_regions.then(|| c.bandwidth.unwrap_or(MAX_BANDWIDTH)),
        link_type: crosses_regions.then(|| c.link_type.unwrap_or(LinkType::Gold)),
        status: PeerStatus::Creating,
        becomes: None,
        settles: None,
        expires: None,
        created,
        modified: created,
    });
    let own = c.accepting_account == caller.account;
    begin(w, id, PeerStatus::Creating, Some(if own { PeerStatus::Activated } else { PeerStatus::Accepting }));
    Ok(id.into())
}

fn check_accepting_vpc(w: &World, accepter: &Owner, id: VpcId) -> Outcome<()> {
    let missing = || {
        let Owner { account, region } = accepter;
        let detail = format!("There is no {id} of account {account} in {region}.");
        Refusal::new(ErrorCode::VpcNotFound).field("accepting_vpc_id").detail(detail)
    };
    let vpc = w.get::<Vpc>(&id).filter(|vpc| vpc.owner == *accepter).ok_or_else(missing)?;
    if vpc.status == Status::Available {
        return Ok(());
    }
    let detail = format!("{id} is {}.", vpc.status.text());
    Err(Refusal::new(ErrorCode::VpcPeerAcceptingVpcStatus).field("accepting_vpc_id").detail(detail))
}

/// Two VPCs have one connection at most, whoever asked for it.
fn check_unconnected(w: &World, vpc: VpcId, other: VpcId) -> Outcome<()> {
    match between(w, vpc, other) {
        None => Ok(()),
        Some(p) => {
            let detail = format!("{} is {}.", p.id, p.status.text());
            Err(Refusal::new(ErrorCode::VpcPeerExists)
                .field("accepting_vpc_id")
                .detail(detail)
                .blockers([p.id]))
        }
    }
}

/// The connection between two VPCs.
pub fn between(w: &World, vpc: VpcId, other: VpcId) -> Option<&VpcPeer> {
    let mut of_vpc = w.indexes().vpc_peers.by_vpc.of(&vpc).filter_map(|id| w.get::<VpcPeer>(id));
    of_vpc.find(|p| p.other_side(vpc) == Some(other))
}

/// The requester's account asks for so many in a region, and either VPC has so many, by the quota of its account.
fn check_quotas(w: &World, caller: &Caller, c: &CreateVpcPeer, crosses_regions: bool) -> Outcome<()> {
    let asked = w.indexes().vpc_peers.by_requester.count(&caller.into());
    Quota::VpcPeersPerRegion.check(w, caller.account, asked, 1, ErrorCode::VpcPeerQuotaExceeded)?;
    let (quota, code) = if crosses_regions {
        (Quota::CrossRegionPeersPerVpc, ErrorCode::VpcPeerCrossRegionQuotaExceeded)
    } else {
        (Quota::IntraRegionPeersPerVpc, ErrorCode::VpcPeerIntraRegionQuotaExceeded)
    };
    for (account, vpc) in [(caller.account, c.vpc), (c.accepting_account, c.accepting_vpc)] {
        quota.check(w, account, counted(w, vpc, crosses_regions), 1, code)?;
    }
    Ok(())
}

/// Puts a connection into a transition, or through it at once if it takes no time.
fn begin(w: &mut World, id: VpcPeerId, status: PeerStatus, ends_in: Option<PeerStatus>) {
    let span = w.settings().provisioning.span(Work::Gateway);
    let now = w.now();
    // A request that waited does not expire any more.
    w.unschedule(Due::VpcPeer(id));
    w.update::<VpcPeer>(&id, |p| {
        p.status = status;
        p.becomes = ends_in;
        p.settles = Some(now + span);
        p.modified = now;
    });
    if span.is_zero() {
        end(w, id);
    } else {
        w.schedule(span, Due::VpcPeer(id));
    }
}

/// Ends a transition, or the time in which a request can be answered.
pub(crate) fn settle(w: &mut World, id: VpcPeerId) {
    let now = w.now();
    let Some(p) = w.get::<VpcPeer>(&id) else { return };
    if p.settles == Some(now) {
        end(w, id);
    } else if p.status == PeerStatus::Accepting && p.expires == Some(now) {
        w.update::<VpcPeer>(&id, |p| p.status = PeerStatus::Expired);
    }
}

fn end(w: &mut World, id: VpcPeerId) {
    let Some(status) = w.get::<VpcPeer>(&id).and_then(|p| p.becomes) else {
        tag::clear(w, id);
        w.remove::<VpcPeer>(&id);
        return;
    };
    let waits = status == PeerStatus::Accepting;
    let expires = w.now() + ACCEPT_TIMEOUT;
    w.update::<VpcPeer>(&id, |p| {
        p.status = status;
        (p.becomes, p.settles) = (None, None);
        p.expires = waits.then_some(expires);
    });
    if waits {
        w.schedule(ACCEPT_TIMEOUT, Due::VpcPeer(id));
    }
}

/// Agrees to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptVpcPeer {
    /// The connection.
    pub peer: VpcPeerId,
}

/// Handles [`AcceptVpcPeer`].
///
/// # Errors
/// An unknown connection; one that another account was asked about; one that waits for no answer.
pub fn accept(w: &mut World, caller: &Caller, c: &AcceptVpcPeer) -> Outcome<Reply> {
    check_answer(w, caller, c.peer)?;
    begin(w, c.peer, PeerStatus::Updating, Some(PeerStatus::Activated));
    Ok(Reply::Done)
}

/// Rejects a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectVpcPeer {
    /// The connection.
    pub peer: VpcPeerId,
}

/// Handles [`RejectVpcPeer`], which takes no time (reference page of RejectVpcPeerConnection).
///
/// # Errors
/// As [`accept`].
pub fn reject(w: &mut World, caller: &Caller, c: &RejectVpcPeer) -> Outcome<Reply> {
    check_answer(w, caller, c.peer)?;
    let modified = w.now();
    w.unschedule(Due::VpcPeer(c.peer));
    w.update::<VpcPeer>(&c.peer, |p| {
        (p.status, p.expires, p.modified) = (PeerStatus::Rejected, None, modified);
    });
    Ok(Reply::Done)
}

fn check_answer(w: &World, caller: &Caller, id: VpcPeerId) -> Outcome<()> {
    let p = find(w, caller, id)?;
    if p.accepter.account != caller.account {
        return Err(Refusal::new(ErrorCode::VpcPeerNotAccepter)
            .field("vpc_peer_id")
            .detail(format!("Account {} was asked.", p.accepter.account)));
    }
    p.check_status(|status| status == PeerStatus::Accepting, "Accepting")
}

/// Changes a connection; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyVpcPeer {
    /// The connection.
    pub peer: VpcPeerId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
    /// Its new bandwidth in Mbit/s.
    pub bandwidth: Option<u32>,
    /// Its new line.
    pub link_type: Option<LinkType>,
}

/// Handles [`ModifyVpcPeer`].
///
/// A changed text may be shorter than a new one and begin with anything (reference page of ModifyVpcPeerConnection). The
/// connection works on while it is changed.
///
/// # Errors
/// The form of name, description and bandwidth; an unknown connection, or one that is not at work.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyVpcPeer) -> Outcome<Reply> {
    let loose = |rule: TextRule| TextRule { min: 1, letter_first: false, ..rule };
    let name = loose(NAME).check(c.name.as_deref())?;
    let description = loose(DESCRIPTION).check(c.description.as_deref())?;
    let p = find(w, caller, c.peer)?;
    p.check_line(c.bandwidth, c.link_type)?;
    p.check_status(|status| status == PeerStatus::Activated, "Activated")?;
    w.update::<VpcPeer>(&c.peer, |p| {
        if c.name.is_some() {
            p.name = name;
        }
        if c.description.is_some() {
            p.description = description;
        }
        p.bandwidth = c.bandwidth.or(p.bandwidth);
        p.link_type = c.link_type.or(p.link_type);
    });
    begin(w, c.peer, PeerStatus::Updating, Some(PeerStatus::Activated));
    Ok(Reply::Done)
}

/// Deletes a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteVpcPeer {
    /// The connection.
    pub peer: VpcPeerId,
    /// Whether routes to it, of both sides, go with it.
    pub force: bool,
}

/// Handles [`DeleteVpcPeer`].
///
/// # Errors
/// An unknown connection; one in transition; routes that lead to it, of either side, unless it is forced.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteVpcPeer) -> Outcome<Reply> {
    let p = find(w, caller, c.peer)?;
    p.check_status(PeerStatus::is_settled, "in no transition")?;
    let routes = route_entry::next_hop_users(w, c.peer);
    if !routes.is_empty() && !c.force {
        return Err(Refusal::new(ErrorCode::VpcPeerHasRouteEntry)
            .field("vpc_peer_id")
            .detail(format!("{} route entries lead to {}.", routes.len(), c.peer))
            .accepted("the same request with force, or without these route entries")
            .blockers(own_routes(w, caller, p)));
    }
    route_entry::forget_next_hop(w, c.peer);
    begin(w, c.peer, PeerStatus::Deleting, None);
    Ok(Reply::Done)
}

/// The routes of the caller's account to a connection.
fn own_routes(w: &World, caller: &Caller, p: &VpcPeer) -> Vec<AnyId> {
    let own = |id: &RouteEntryId| {
        let table = w.get::<RouteEntry>(id).and_then(|entry| w.get::<RouteTable>(&entry.table));
        table.is_some_and(|table| table.owner.account == caller.account)
    };
    route_entry::next_hop_users(w, p.id).into_iter().filter(own).map(AnyId::from).collect()
}

/// What keeps a connection from being deleted without force, in the order in which it is reported: the routes to it that
/// the caller sees.
pub fn dependents(w: &World, caller: &Caller, p: &VpcPeer) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let routes = own_routes(w, caller, p);
    [(ErrorCode::VpcPeerHasRouteEntry, routes)].into_iter().filter(|(_, ids)| !ids.is_empty()).collect()
}

/// The connections that have one of these VPCs on either side.
pub fn of_vpcs(w: &World, vpcs: &[VpcId]) -> BTreeSet<VpcPeerId> {
    vpcs.iter().flat_map(|vpc| w.indexes().vpc_peers.by_vpc.of(vpc)).copied().collect()
}
