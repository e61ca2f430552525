//! Resource groups: labels by which an account sorts its objects. Every account has a default one.

use crate::access::{AccountId, Caller};
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, Id, IdKind, IdNumber, RegionCode, ResourceGroupId};
use crate::name::TextRule;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// A resource group that a caller made. It belongs to an account, not to a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceGroup {
    /// Its id.
    pub id: ResourceGroupId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name.
    pub name: CompactString,
    /// When it was made.
    pub created: SimTime,
}

/// The groups of each account.
#[derive(Clone, Debug, Default)]
pub struct ResourceGroupIndex {
    /// By account.
    pub by_account: Groups<AccountId, ResourceGroupId>,
}

impl Row for ResourceGroup {
    type Key = ResourceGroupId;
    type Index = ResourceGroupIndex;

    fn key(&self) -> ResourceGroupId {
        self.id
    }

    fn reindex(ix: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|g| g.id) else { return };
        ix.resource_groups.by_account.shift(&id, old.map(|g| g.account), new.map(|g| g.account));
    }
}

/// The default resource group of an account. It exists without being made.
pub fn default_of(account: AccountId) -> ResourceGroupId {
    const CODE: RegionCode = RegionCode::from_text("acf").expect("three letters");
    ResourceGroupId::from_number(IdNumber::new(0, account.0, CODE))
}

/// The group that is wanted, or the account's default one.
///
/// # Errors
/// [`ErrorCode::ResourceGroupNotFound`].
pub fn resolve(w: &World, caller: &Caller, wanted: Option<ResourceGroupId>) -> Outcome<ResourceGroupId> {
    let default = default_of(caller.account);
    match wanted {
        None => Ok(default),
        Some(id) if id == default => Ok(id),
        Some(id) if w.get::<ResourceGroup>(&id).is_some_and(|g| g.account == caller.account) => Ok(id),
        Some(id) => Err(Refusal::new(ResourceGroupId::NOT_FOUND)
            .field("resource_group_id")
            .detail(format!("There is no {id} for this account."))
            .accepted(default.to_string())),
    }
}

const NAME: TextRule = TextRule {
    min: 2,
    max: 50,
    letter_first: true,
    field: "name",
    error: ErrorCode::ResourceGroupNameMalformed,
};

/// Makes a resource group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateResourceGroup {
    /// Its name: 2 to 50 characters, a letter first.
    pub name: CompactString,
}

/// Handles [`CreateResourceGroup`].
///
/// # Errors
/// [`ErrorCode::ResourceGroupNameMalformed`].
pub fn create(w: &mut World, caller: &Caller, c: &CreateResourceGroup) -> Outcome<Reply> {
    let name = NAME.check(Some(&c.name))?;
    if name.is_empty() {
        return Err(Refusal::new(ErrorCode::ResourceGroupNameMalformed).field("name").detail("It is empty."));
    }
    let id = w.new_id::<ResourceGroupId>(&caller.region)?;
    let created = w.now();
    w.put(ResourceGroup { id, account: caller.account, name, created });
    Ok(id.into())
}

/// Deletes a resource group that holds nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteResourceGroup {
    /// The group.
    pub group: ResourceGroupId,
}

/// Handles [`DeleteResourceGroup`].
///
/// # Errors
/// The default group, an unknown one, one that still holds objects.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteResourceGroup) -> Outcome<Reply> {
    if c.group == default_of(caller.account) {
        return Err(Refusal::new(ErrorCode::ResourceGroupDefault).field("resource_group_id"));
    }
    resolve(w, caller, Some(c.group))?;
    if let Some((code, ids)) = dependents(w, c.group).into_iter().next() {
        return Err(Refusal::new(code).field("resource_group_id").blockers(ids));
    }
    w.remove::<ResourceGroup>(&c.group);
    Ok(Reply::Done)
}

/// What keeps a group from being deleted: the objects in it. Rare, so the rows are looked through.
pub fn dependents(w: &World, group: ResourceGroupId) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let ids: Vec<AnyId> = members(w, group).take(100).collect();
    if ids.is_empty() { Vec::new() } else { vec![(ErrorCode::ResourceGroupInUse, ids)] }
}

/// The objects of a group, kind by kind.
fn members(w: &World, group: ResourceGroupId) -> impl Iterator<Item = AnyId> {
    macro_rules! rows {
        ($($row:path),+ $(,)?) => {
            std::iter::empty()
                $(.chain(
                    w.table::<$row>().iter().filter(move |r| r.resource_group == group).map(|r| AnyId::from(r.id)),
                ))+
        };
    }
    rows![
        crate::vpc::vpc::Vpc,
        crate::ecs::security_group::SecurityGroup,
        crate::ecs::prefix_list::PrefixList,
        crate::ecs::eni::Eni,
        crate::ecs::instance::Instance,
        crate::ecs::disk::Disk,
        crate::vpc::eip::Eip,
        crate::vpc::ha_vip::HaVip,
        crate::vpc::ipv4_gateway::Ipv4Gateway,
        crate::vpc::ipv6_gateway::Ipv6Gateway,
        crate::vpc::vpc_peer::VpcPeer,
        crate::vpc::router_interface::RouterInterface,
        crate::slb::load_balancer::LoadBalancer,
        crate::slb::acl::AccessControlList,
        crate::slb::certificate::ServerCertificate,
        crate::slb::certificate::CaCertificate,
    ]
}

/// Moves an object to another group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveToResourceGroup {
    /// The object: a VPC, peering connection, security group, network interface, instance, elastic IP address or load balancer.
    pub resource: AnyId,
    /// The group.
    pub group: ResourceGroupId,
}

/// Handles [`MoveToResourceGroup`].
///
/// # Errors
/// An unknown object or group, a VPC in transition, an object of a kind that has no group of its own.
pub fn move_to(w: &mut World, caller: &Caller, c: &MoveToResourceGroup) -> Outcome<Reply> {
    crate::resource::find(w, caller, c.resource)?;
    let group = resolve(w, caller, Some(c.group))?;
    if let Ok(vpc) = crate::id::VpcId::try_from(c.resource) {
        w.visible::<crate::vpc::vpc::Vpc>(caller, vpc)?.check_available()?;
    }
    let kinds = "a VPC, peering connection, security group, network interface, instance, elastic IP address or load balancer";
    let wrong_kind = || Refusal::new(ErrorCode::ResourceTypeUnknown).field("resource_id").accepted(kinds);
    match c.resource.kind() {
        IdKind::Vpc => {
            let id = c.resource.try_into().map_err(|_| wrong_kind())?;
            w.update::<crate::vpc::vpc::Vpc>(&id, |v| v.resource_group = group);
        }
        IdKind::SecurityGroup => {
            let id = c.resource.try_into().map_err(|_| wrong_kind())?;
            w.update::<crate::ecs::security_group::SecurityGroup>(&id, |g| g.resource_group = group);
        }
        IdKind::Eni => {
            let id = c.resource.try_into().map_err(|_| wrong_kind())?;
            w.update::<crate::ecs::eni::Eni>(&id, |e| e.resource_group = group);
        }
        IdKind::Instance => {
            let id = c.resource.try_into().map_err(|_| wrong_kind())?;
            w.update::<crate::ecs::instance::Instance>(&id, |i| i.resource_group = group);
        }
        IdKind::Eip => {
            let id = c.resource.try_into().map_err(|_| wrong_kind())?;
            w.update::<crate::vpc::eip::Eip>(&id, |e| e.resource_group = group);
        }
        IdKind::VpcPeer => {
            let id = c.resource.try_into().map_err(|_| wrong_kind())?;
            w.update::<crate::vpc::vpc_peer::VpcPeer>(&id, |p| p.resource_group = group);
        }
        IdKind::LoadBalancer => {
            let id = c.resource.try_into().map_err(|_| wrong_kind())?;
            w.update::<crate::slb::load_balancer::LoadBalancer>(&id, |b| b.resource_group = group);
        }
        _ => return Err(wrong_kind()),
    }
    Ok(Reply::Done)
}
