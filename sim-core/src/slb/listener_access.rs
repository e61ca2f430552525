//! Which sources a listener lets through: access control lists, white or black.

use crate::access::Caller;
use crate::ecs::prefix_list::AddressFamily;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AccessControlListId, ListenerId};
use crate::slb::acl::{AccessControlList, AclKind};
use crate::slb::load_balancer::LoadBalancer;
use crate::world::World;
use serde::{Deserialize, Serialize};

/// The access control of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Whether it is in force.
    pub on: bool,
    /// The lists: one to three.
    pub acls: Vec<AccessControlListId>,
    /// Which sources it lets through.
    pub kind: AclKind,
}

/// What is asked of the access control; absent fields stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessSettings {
    /// Whether it is in force.
    pub on: Option<bool>,
    /// The lists.
    pub acls: Vec<AccessControlListId>,
    /// Which sources it lets through.
    pub kind: Option<AclKind>,
}

/// The most access control lists of a listener.
const MOST_ACLS: usize = 3;

/// The access control as it will be: with lists that are there, of the family of the load balancer's address.
pub(crate) fn take_access(
    w: &World,
    caller: &Caller,
    balancer: &LoadBalancer,
    old: Option<&Access>,
    asked: &AccessSettings,
) -> Outcome<Option<Access>> {
    let on = asked.on.unwrap_or(old.is_some_and(|old| old.on));
    let acls = if asked.acls.is_empty() {
        old.map(|old| old.acls.clone()).unwrap_or_default()
    } else {
        asked.acls.clone()
    };
    let kind = asked.kind.or(old.map(|old| old.kind));
    let missing = |field| Refusal::new(ErrorCode::ListenerParameterMissing).field(field);
    if on && acls.is_empty() {
        return Err(missing("acl_id").accepted("the id of an access control list"));
    }
    if on && kind.is_none() {
        return Err(missing("acl_type").accepted("white or black"));
    }
    if acls.len() > MOST_ACLS {
        let detail = format!("{} were given.", acls.len());
        return Err(Refusal::new(ErrorCode::ListenerAcls).field("acl_id").detail(detail).accepted("1 to 3"));
    }
    for &id in &acls {
        let acl = w.visible::<AccessControlList>(caller, id)?;
        if (acl.family == AddressFamily::Ipv4) != balancer.address.is_ipv4() {
            return Err(Refusal::new(ErrorCode::ListenerAclFamily)
                .field("acl_id")
                .detail(format!("{id} is of the other address family than {}.", balancer.id)));
        }
    }
    Ok(kind.filter(|_| !acls.is_empty()).map(|kind| Access { on, acls, kind }))
}

/// The listeners that use an access control list.
pub fn using(w: &World, acl: AccessControlListId) -> impl Iterator<Item = ListenerId> {
    w.indexes().listeners.by_acl.of(&acl).copied()
}
