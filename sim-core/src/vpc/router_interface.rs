//! A router interface: one end of a connection between the vRouters of two VPCs (provider documentation: router interfaces,
//! and the reference pages of CreateRouterInterface, ConnectRouterInterface, ActivateRouterInterface,
//! DeactivateRouterInterface, ModifyRouterInterfaceAttribute, ModifyRouterInterfaceSpec and DeleteRouterInterface).
//!
//! Each side makes an interface of its own, of opposite roles, and names the other's interface, router and account. The
//! initiating side then connects the two, which become Active together; `router_connection.rs` has that. Packets cross
//! while both are at work: whoever freezes its interface cuts the connection. An interface that is connected keeps its
//! opposite for ever; if that is deleted, it is of no more use. A border router (VBR) has none here.

use crate::access::{AccountId, Caller, Owner, RegionId};
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, ResourceGroupId, RouterInterfaceId, VRouterId, VpcId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::settings::Work;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::timer::Due;
use crate::vpc::route_entry;
use crate::vpc::router_connection;
use crate::vpc::vpc::Vpc;
use crate::vpc::vrouter::VRouter;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// Where a router interface is in its life (reference page of DescribeRouterInterfaceAttribute).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouterInterfaceStatus {
    /// Not connected.
    Idle,
    /// The initiating side is being connected.
    Connecting,
    /// The accepting side is being connected.
    AcceptingConnecting,
    /// Being activated again.
    Activating,
    /// At work.
    Active,
    /// Getting another specification; it works on if it did before.
    Modifying,
    /// Being frozen.
    Deactivating,
    /// Frozen.
    Inactive,
    /// Being deleted.
    Deleting,
}

impl RouterInterfaceStatus {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            RouterInterfaceStatus::Idle => "Idle",
            RouterInterfaceStatus::Connecting => "Connecting",
            RouterInterfaceStatus::AcceptingConnecting => "AcceptingConnecting",
            RouterInterfaceStatus::Activating => "Activating",
            RouterInterfaceStatus::Active => "Active",
            RouterInterfaceStatus::Modifying => "Modifying",
            RouterInterfaceStatus::Deactivating => "Deactivating",
            RouterInterfaceStatus::Inactive => "Inactive",
            RouterInterfaceStatus::Deleting => "Deleting",
        }
    }

    /// Whether it stays until somebody does something.
    pub const fn is_settled(self) -> bool {
        matches!(
            self,
            RouterInterfaceStatus::Idle | RouterInterfaceStatus::Active | RouterInterfaceStatus::Inactive
        )
    }
}

/// Which end of a connection an interface is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The end that connects the two, and has a specification.
    Initiating,
    /// The end that is connected.
    Accepting,
}

impl Role {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            Role::Initiating => "InitiatingSide",
            Role::Accepting => "AcceptingSide",
        }
    }

    /// Reads the provider's word.
    ///
    /// # Errors
    /// [`ErrorCode::RouterInterfaceRoleUnknown`].
    pub fn parse(text: &str) -> Outcome<Role> {
        [Role::Initiating, Role::Accepting].into_iter().find(|role| role.text() == text).ok_or_else(|| {
            Refusal::new(ErrorCode::RouterInterfaceRoleUnknown)
                .field("role")
                .given(text)
                .accepted("InitiatingSide, AcceptingSide")
        })
    }
}

/// What an interface carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spec(u8);

/// The provider's words, each with its Mbit/s (reference page of CreateRouterInterface).
const SPECS: &[(&str, u32)] = &[
    ("Mini.2", 2),
    ("Mini.5", 5),
    ("Small.1", 10),
    ("Small.2", 20),
    ("Small.5", 50),
    ("Middle.1", 100),
    ("Middle.2", 200),
    ("Middle.5", 500),
    ("Large.1", 1_000),
    ("Large.2", 2_000),
    ("Large.5", 5_000),
    ("Xlarge.1", 10_000),
];
/// What the accepting side says in place of a specification.
pub const NEGATIVE: &str = "Negative";

impl Spec {
    /// Reads the provider's word.
    ///
    /// # Errors
    /// [`ErrorCode::RouterInterfaceSpecUnknown`].
    pub fn parse(text: &str) -> Outcome<Spec> {
        let at = SPECS.iter().position(|(word, _)| *word == text).ok_or_else(|| {
            let words: Vec<&str> = SPECS.iter().map(|(word, _)| *word).collect();
            Refusal::new(ErrorCode::RouterInterfaceSpecUnknown)
                .field("specification")
                .given(text)
                .accepted(words.join(", "))
        })?;
        Ok(Spec(at as u8))
    }

    /// The provider's word.
    pub fn text(self) -> &'static str {
        SPECS[usize::from(self.0)].0
    }

    /// Its bandwidth in Mbit/s.
    pub fn bandwidth(self) -> u32 {
        SPECS[usize::from(self.0)].1
    }
}

/// What an interface knows of the other end. Nothing of it needs to exist before the two are connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opposite {
    /// The region of the other end.
    pub region: RegionId,
    /// The account of the other end.
    pub account: Option<AccountId>,
    /// The router of the other end.
    pub vrouter: Option<VRouterId>,
    /// The other end.
    pub router_interface: Option<RouterInterfaceId>,
}

/// A router interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterInterface {
    /// Its id.
    pub id: RouterInterfaceId,
    /// Whose it is.
    pub owner: Owner,
    /// Its router.
    pub vrouter: VRouterId,
    /// The VPC of its router.
    pub vpc: VpcId,
    /// Which end it is.
    pub role: Role,
    /// What it carries; absent on the accepting side.
    pub spec: Option<Spec>,
    /// The other end.
    pub opposite: Opposite,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// Where it is in its life.
    pub status: RouterInterfaceStatus,
    /// What its transition makes of it; absent while it is in none, and if it goes.
    pub becomes: Option<RouterInterfaceStatus>,
    /// When its transition ends; absent while it is in none.
    pub settles: Option<SimTime>,
    /// When it was connected, if it was.
    pub connected: Option<SimTime>,
    /// When it was made.
    pub created: SimTime,
    /// When it was made or last changed.
    pub modified: SimTime,
}

/// What is derived from router interfaces.
#[derive(Clone, Debug, Default)]
pub struct RouterInterfaceIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, RouterInterfaceId>,
    /// By the VPC of their router.
    pub by_vpc: Groups<VpcId, RouterInterfaceId>,
    /// By the router that they name as the opposite one.
    pub by_opposite: Groups<VRouterId, RouterInterfaceId>,
}

impl Row for RouterInterface {
    type Key = RouterInterfaceId;
    type Index = RouterInterfaceIndex;

    fn key(&self) -> RouterInterfaceId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|r| r.id) else { return };
        let ix = &mut indexes.router_interfaces;
        ix.by_owner.shift(&id, old.map(|r| r.owner.clone()), new.map(|r| r.owner.clone()));
        ix.by_vpc.shift(&id, old.map(|r| r.vpc), new.map(|r| r.vpc));
        let opposite = |r: &Self| r.opposite.vrouter;
        ix.by_opposite.shift(&id, old.and_then(opposite), new.and_then(opposite));
    }
}

impl Resource for RouterInterface {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl RouterInterface {
    /// Its bandwidth in Mbit/s: that of the initiating side.
    pub fn bandwidth(&self) -> u32 {
        self.spec.map_or(0, Spec::bandwidth)
    }

    /// The provider's word for its specification.
    pub fn spec_text(&self) -> &'static str {
        self.spec.map_or(NEGATIVE, Spec::text)
    }

    /// Whether it carries packets, as far as it depends on this end.
    pub fn is_at_work(&self) -> bool {
        let working = Some(RouterInterfaceStatus::Active);
        self.status == RouterInterfaceStatus::Active
            || self.status == RouterInterfaceStatus::Modifying && self.becomes == working
    }

    /// Refuses what its state does not allow.
    ///
    /// # Errors
    /// [`ErrorCode::RouterInterfaceStatusIncorrect`].
    pub(crate) fn check_status(&self, allowed: &[RouterInterfaceStatus]) -> Outcome<()> {
        if allowed.contains(&self.status) {
            return Ok(());
        }
        let words: Vec<&str> = allowed.iter().map(|status| status.text()).collect();
        Err(Refusal::new(ErrorCode::RouterInterfaceStatusIncorrect)
            .field("router_interface_id")
            .detail(format!("{} is {}.", self.id, self.status.text()))
            .accepted(format!("an interface that is {}", words.join(" or "))))
    }
}

/// The states in which an interface is changed (reference page of ModifyRouterInterfaceAttribute).
const CHANGEABLE: &[RouterInterfaceStatus] =
    &[RouterInterfaceStatus::Active, RouterInterfaceStatus::Idle, RouterInterfaceStatus::Inactive];

/// How many interfaces the router of a VPC has.
pub fn counted(w: &World, vpc: VpcId) -> u64 {
    w.indexes().router_interfaces.by_vpc.count(&vpc)
}

/// Reads the number of the other end's account.
///
/// # Errors
/// [`ErrorCode::RouterInterfaceAccountMalformed`].
pub fn parse_account(text: &str) -> Outcome<AccountId> {
    text.parse().map(AccountId).map_err(|_| {
        Refusal::new(ErrorCode::RouterInterfaceAccountMalformed)
            .field("opposite_account_id")
            .given(text)
            .accepted("the number of an account, such as 1000000000000001")
    })
}

/// The rule for its name.
pub const NAME: TextRule = TextRule {
    min: 2,
    max: 128,
    letter_first: true,
    field: "name",
    error: ErrorCode::RouterInterfaceNameMalformed,
};
/// The rule for its description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 2,
    max: 256,
    letter_first: true,
    field: "description",
    error: ErrorCode::RouterInterfaceDescriptionMalformed,
};

/// Makes a router interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateRouterInterface {
    /// Its router.
    pub vrouter: VRouterId,
    /// Which end it is.
    pub role: Role,
    /// What it carries: one on the initiating side, none on the accepting side.
    pub spec: Option<Spec>,
    /// The other end.
    pub opposite: Opposite,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
    /// Its resource group: the account's default one if absent.
    pub resource_group: Option<ResourceGroupId>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreateRouterInterface`].
///
/// # Errors
/// The form of name, description and tags; a specification that does not fit the role; an unknown region, router or resource
/// group; a VPC in transition; a router that is connected with the opposite one, or has as many interfaces as the quota
/// allows.
pub fn create(w: &mut World, caller: &Caller, c: &CreateRouterInterface) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    tag::check(&c.tags)?;
    check_spec(c.role, c.spec)?;
    crate::region::check(w, &c.opposite.region).map_err(|refusal| refusal.field("opposite_region_id"))?;
    let vpc = w.visible::<VRouter>(caller, c.vrouter)?.vpc;
    let resource_group = crate::resource_group::resolve(w, caller, c.resource_group)?;
    w.visible::<Vpc>(caller, vpc)?.check_available()?;
    if let Some(other) = c.opposite.vrouter {
        router_connection::check_unconnected(w, vpc, other)?;
    }
    let quota = Quota::RouterInterfacesPerVpc;
    quota.check(w, caller.account, counted(w, vpc), 1, ErrorCode::RouterInterfaceQuotaExceeded)?;
    let id = w.new_id::<RouterInterfaceId>(&caller.region)?;
    tag::put_all(w, &caller.into(), id, &c.tags);
    let created = w.now();
    w.put(RouterInterface {
        id,
        owner: caller.into(),
        vrouter: c.vrouter,
        vpc,
        role: c.role,
        spec: c.spec,
        opposite: c.opposite.clone(),
        name,
        description,
        resource_group,
        status: RouterInterfaceStatus::Idle,
        becomes: None,
        settles: None,
        connected: None,
        created,
        modified: created,
    });
    Ok(id.into())
}

/// The initiating side has a specification, and the accepting side has none.
fn check_spec(role: Role, spec: Option<Spec>) -> Outcome<()> {
    let accepted = match (role, spec) {
        (Role::Initiating, Some(_)) | (Role::Accepting, None) => return Ok(()),
        (Role::Initiating, None) => "a specification, such as Small.1",
        (Role::Accepting, Some(_)) => NEGATIVE,
    };
    Err(Refusal::new(ErrorCode::RouterInterfaceSpecRole)
        .field("specification")
        .detail(format!("It is for the {}.", role.text()))
        .accepted(accepted))
}

/// Puts an interface into a transition, or through it at once if it takes no time.
pub(crate) fn begin(
    w: &mut World,
    id: RouterInterfaceId,
    status: RouterInterfaceStatus,
    becomes: Option<RouterInterfaceStatus>,
) {
    let span = w.settings().provisioning.span(Work::Gateway);
    let now = w.now();
    w.update::<RouterInterface>(&id, |r| {
        (r.status, r.becomes, r.settles, r.modified) = (status, becomes, Some(now + span), now);
    });
    if span.is_zero() {
        settle(w, id);
    } else {
        w.schedule(span, Due::RouterInterface(id));
    }
}

/// Ends a transition.
pub(crate) fn settle(w: &mut World, id: RouterInterfaceId) {
    let now = w.now();
    let Some(r) = w.get::<RouterInterface>(&id).filter(|r| r.settles == Some(now)) else { return };
    let Some(status) = r.becomes else {
        tag::clear(w, id);
        w.remove::<RouterInterface>(&id);
        return;
    };
    let connected =
        matches!(r.status, RouterInterfaceStatus::Connecting | RouterInterfaceStatus::AcceptingConnecting);
    w.update::<RouterInterface>(&id, |r| {
        (r.status, r.becomes, r.settles) = (status, None, None);
        if connected {
            r.connected = Some(now);
        }
    });
}

/// Changes a router interface; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyRouterInterface {
    /// The interface.
    pub router_interface: RouterInterfaceId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
    /// The other end, while it is Idle.
    pub opposite_interface: Option<RouterInterfaceId>,
    /// The router of the other end, while it is Idle.
    pub opposite_vrouter: Option<VRouterId>,
    /// The account of the other end, while it is Idle.
    pub opposite_account: Option<AccountId>,
}

/// Handles [`ModifyRouterInterface`].
///
/// # Errors
/// The form of name and description; an unknown interface, or one in transition; another opposite for one that is
/// connected.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyRouterInterface) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    let r = w.visible::<RouterInterface>(caller, c.router_interface)?;
    r.check_status(CHANGEABLE)?;
    let (interface, vrouter) = (c.opposite_interface, c.opposite_vrouter);
    let named = interface.is_some() || vrouter.is_some() || c.opposite_account.is_some();
    if named && r.status != RouterInterfaceStatus::Idle {
        return Err(Refusal::new(ErrorCode::RouterInterfaceConnected)
            .field("opposite_interface_id")
            .detail(format!("{} is {}.", r.id, r.status.text()))
            .accepted("none, or an interface that is Idle"));
    }
    let modified = w.now();
    w.update::<RouterInterface>(&c.router_interface, |r| {
        if c.name.is_some() {
            r.name = name;
        }
        if c.description.is_some() {
            r.description = description;
        }
        r.opposite.router_interface = interface.or(r.opposite.router_interface);
        r.opposite.vrouter = vrouter.or(r.opposite.vrouter);
        r.opposite.account = c.opposite_account.or(r.opposite.account);
        r.modified = modified;
    });
    Ok(Reply::Done)
}

/// Gives the initiating side another specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyRouterInterfaceSpec {
    /// The interface.
    pub router_interface: RouterInterfaceId,
    /// Its new specification; none for [`NEGATIVE`], which no initiating side has.
    pub spec: Option<Spec>,
}

/// Handles [`ModifyRouterInterfaceSpec`].
///
/// # Errors
/// An unknown interface, or one in transition; a specification that does not fit its role.
pub fn modify_spec(w: &mut World, caller: &Caller, c: &ModifyRouterInterfaceSpec) -> Outcome<Reply> {
    let r = w.visible::<RouterInterface>(caller, c.router_interface)?;
    check_spec(r.role, c.spec)?;
    r.check_status(CHANGEABLE)?;
    let status = r.status;
    w.update::<RouterInterface>(&c.router_interface, |r| r.spec = c.spec);
    begin(w, c.router_interface, RouterInterfaceStatus::Modifying, Some(status));
    Ok(Reply::Done)
}

/// Deletes a router interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRouterInterface {
    /// The interface.
    pub router_interface: RouterInterfaceId,
}

/// Handles [`DeleteRouterInterface`]; the other end stays as it is.
///
/// # Errors
/// An unknown interface; one that is neither Idle nor Inactive; routes to it.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteRouterInterface) -> Outcome<Reply> {
    let r = w.visible::<RouterInterface>(caller, c.router_interface)?;
    r.check_status(&[RouterInterfaceStatus::Idle, RouterInterfaceStatus::Inactive])?;
    if let Some((code, ids)) = dependents(w, r).into_iter().next() {
        return Err(Refusal::new(code)
            .field("router_interface_id")
            .detail(format!("{} route entries lead to {}.", ids.len(), r.id))
            .accepted("the same request once they are deleted")
            .blockers(ids));
    }
    begin(w, c.router_interface, RouterInterfaceStatus::Deleting, None);
    Ok(Reply::Done)
}

/// What keeps an interface from being deleted.
pub fn dependents(w: &World, r: &RouterInterface) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let routes: Vec<AnyId> = route_entry::next_hop_users(w, r.id).into_iter().map(AnyId::from).collect();
    [(ErrorCode::RouterInterfaceHasRouteEntry, routes)]
        .into_iter()
        .filter(|(_, ids)| !ids.is_empty())
        .collect()
}
