//! A network ACL: the stateless filter of the vSwitches that are bound to it.
//!
//! Its custom rules stand in an order of their own for each direction and are its alone; before them stand rules for the
//! provider's DNS and metadata servers and behind them one that drops the rest, which nobody can change. It is born with
//! a custom rule that lets everything through (provider documentation: network ACL, 2026).

use crate::access::{Caller, Owner};
use crate::command::Reply;
use crate::ecs::security_group_rule::Direction;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, NetworkAclId, VpcId};
use crate::quota::Quota;
use crate::resource::Resource;
use crate::settings::Work;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::timer::Due;
use crate::vpc::network_acl_binding;
use crate::vpc::network_acl_filter::Compiled;
use crate::vpc::network_acl_rule::NetworkAclRule;
use crate::vpc::vpc::Vpc;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A network ACL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAcl {
    /// Its id.
    pub id: NetworkAclId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// The custom rules for packets into its vSwitches, in the order in which they are tried.
    pub ingress: Vec<NetworkAclRule>,
    /// The custom rules for packets out of its vSwitches, in the order in which they are tried.
    pub egress: Vec<NetworkAclRule>,
    /// The number of the last custom rule that was made.
    pub last_rule: u32,
    /// Whether it is ready.
    pub status: AclStatus,
    /// When it was made.
    pub created: SimTime,
}

/// Whether a network ACL is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AclStatus {
    /// Ready.
    Available,
    /// It, its rules or its bindings are in transition: it refuses changes of rules and bindings.
    Modifying,
}

impl AclStatus {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            AclStatus::Available => "Available",
            AclStatus::Modifying => "Modifying",
        }
    }
}

/// What is derived from network ACLs.
#[derive(Clone, Debug, Default)]
pub struct NetworkAclIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, NetworkAclId>,
    /// By VPC.
    pub by_vpc: Groups<VpcId, NetworkAclId>,
    /// Each ACL as packets are judged by it: compiled by the first one after a change, never by a command.
    pub(crate) compiled: BTreeMap<NetworkAclId, Compiled>,
}

impl Row for NetworkAcl {
    type Key = NetworkAclId;
    type Index = NetworkAclIndex;

    fn key(&self) -> NetworkAclId {
        self.id
    }

    fn reindex(ix: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|acl| acl.id) else { return };
        let ix = &mut ix.network_acls;
        ix.by_owner.shift(&id, old.map(|acl| acl.owner.clone()), new.map(|acl| acl.owner.clone()));
        ix.by_vpc.shift(&id, old.map(|acl| acl.vpc), new.map(|acl| acl.vpc));
        match new {
            Some(_) => ix.compiled.insert(id, Compiled::default()),
            None => ix.compiled.remove(&id),
        };
    }
}

impl Resource for NetworkAcl {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl NetworkAcl {
    /// The custom rules of a direction, in the order in which they are tried.
    pub fn custom(&self, direction: Direction) -> &[NetworkAclRule] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    /// How many custom rules a direction has of the address family that has more: what the quota counts, since it holds
    /// for IPv4 and IPv6 each.
    pub fn counted(&self, direction: Direction) -> u64 {
        let rules = self.custom(direction);
        let v4 = rules.iter().filter(|rule| rule.block.is_v4()).count() as u64;
        v4.max(rules.len() as u64 - v4)
    }

    /// Refuses changes of rules and bindings while the ACL is in transition.
    ///
    /// # Errors
    /// [`ErrorCode::NetworkAclModifying`].
    pub fn check_available(&self) -> Outcome<()> {
        match self.status {
            AclStatus::Available => Ok(()),
            AclStatus::Modifying => Err(Refusal::new(ErrorCode::NetworkAclModifying)
                .field("network_acl_id")
                .detail(format!("{} is Modifying.", self.id))
                .accepted("the same request once the network ACL is Available")),
        }
    }
}

/// Checks a name or a description of an ACL or a rule; an empty one counts as absent. The provider tells a text that is
/// too long from one of the wrong form.
///
/// # Errors
/// `length` or `form`.
pub(crate) fn check_text(
    text: Option<&str>,
    field: &str,
    most: usize,
    form: ErrorCode,
    length: ErrorCode,
) -> Outcome<CompactString> {
    let text = text.unwrap_or_default();
    let count = text.chars().count();
    let accepted = format!("1 to {most} characters that do not start with http:// or https://");
    if count > most {
        let detail = format!("It has {count} characters.");
        return Err(Refusal::new(length).field(field).detail(detail).accepted(accepted));
    }
    let scheme = ["http://", "https://"].iter().find(|scheme| text.starts_with(**scheme));
    let why = match scheme {
        Some(scheme) => format!("It starts with {scheme}."),
        None if text.chars().any(char::is_control) => "It contains a control character.".to_owned(),
        None => return Ok(text.into()),
    };
    Err(Refusal::new(form).field(field).detail(why).accepted(accepted))
}

/// Checks the name of an ACL or a rule: 1 to 128 characters.
///
/// # Errors
/// [`ErrorCode::NetworkAclNameMalformed`], [`ErrorCode::NetworkAclNameLength`].
pub(crate) fn check_name(text: Option<&str>, field: &str) -> Outcome<CompactString> {
    check_text(text, field, 128, ErrorCode::NetworkAclNameMalformed, ErrorCode::NetworkAclNameLength)
}

/// Checks the description of an ACL or a rule: 1 to 256 characters.
///
/// # Errors
/// [`ErrorCode::NetworkAclDescriptionMalformed`], [`ErrorCode::NetworkAclDescriptionLength`].
pub(crate) fn check_description(text: Option<&str>, field: &str) -> Outcome<CompactString> {
    let (form, length) = (ErrorCode::NetworkAclDescriptionMalformed, ErrorCode::NetworkAclDescriptionLength);
    check_text(text, field, 256, form, length)
}

/// Makes a network ACL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateNetworkAcl {
    /// Its VPC.
    pub vpc: VpcId,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreateNetworkAcl`].
///
/// # Errors
/// The form of name, description and tags; an unknown VPC or one in transition;
/// [`ErrorCode::NetworkAclQuotaExceeded`].
pub fn create(w: &mut World, caller: &Caller, c: &CreateNetworkAcl) -> Outcome<Reply> {
    let name = check_name(c.name.as_deref(), "name")?;
    let description = check_description(c.description.as_deref(), "description")?;
    tag::check(&c.tags)?;
    let vpc = w.visible::<Vpc>(caller, c.vpc)?;
    vpc.check_available()?;
    let families: &[bool] = if vpc.ipv6.is_empty() { &[true] } else { &[true, false] };
    let used = w.indexes().network_acls.by_vpc.count(&c.vpc);
    Quota::NetworkAclsPerVpc.check(w, caller.account, used, 1, ErrorCode::NetworkAclQuotaExceeded)?;
    let id = w.new_id::<NetworkAclId>(&caller.region)?;
    let mut acl = NetworkAcl {
        id,
        owner: caller.into(),
        vpc: c.vpc,
        name,
        description,
        ingress: Vec::new(),
        egress: Vec::new(),
        last_rule: NetworkAclRule::LAST_FIXED,
        status: AclStatus::Available,
        created: w.now(),
    };
    for &v4 in families {
        acl.last_rule += 2;
        acl.ingress.push(NetworkAclRule::allow_all(acl.last_rule - 1, v4));
        acl.egress.push(NetworkAclRule::allow_all(acl.last_rule, v4));
    }
    tag::put_all(w, &caller.into(), id, &c.tags);
    w.put(acl);
    begin_transition(w, id);
    Ok(id.into())
}

/// Makes an ACL Modifying for as long as its provisioning takes. What is in transition ends with it.
pub(crate) fn begin_transition(w: &mut World, id: NetworkAclId) {
    let span = w.settings().provisioning.span(Work::NetworkAcl);
    if span.is_zero() {
        return settle(w, id);
    }
    w.update::<NetworkAcl>(&id, |acl| acl.status = AclStatus::Modifying);
    w.schedule(span, Due::NetworkAcl(id));
}

/// Ends an ACL's transition and those of its bindings.
pub(crate) fn settle(w: &mut World, id: NetworkAclId) {
    if w.get::<NetworkAcl>(&id).is_some_and(|acl| acl.status == AclStatus::Modifying) {
        w.update::<NetworkAcl>(&id, |acl| acl.status = AclStatus::Available);
    }
    network_acl_binding::settle(w, id);
}

/// Changes name and description of a network ACL; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyNetworkAcl {
    /// The network ACL.
    pub acl: NetworkAclId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
}

/// Handles [`ModifyNetworkAcl`]. The status does not matter: only rules and bindings are provisioned.
///
/// # Errors
/// The form of the fields; an unknown ACL.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyNetworkAcl) -> Outcome<Reply> {
    let name = check_name(c.name.as_deref(), "name")?;
    let description = check_description(c.description.as_deref(), "description")?;
    w.visible::<NetworkAcl>(caller, c.acl)?;
    w.update::<NetworkAcl>(&c.acl, |acl| {
        if c.name.is_some() {
            acl.name = name;
        }
        if c.description.is_some() {
            acl.description = description;
        }
    });
    Ok(Reply::Done)
}

/// Deletes a network ACL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteNetworkAcl {
    /// The network ACL.
    pub acl: NetworkAclId,
}

/// Handles [`DeleteNetworkAcl`].
///
/// # Errors
/// An unknown ACL or one in transition; [`ErrorCode::NetworkAclInUse`] while vSwitches are bound to it.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteNetworkAcl) -> Outcome<Reply> {
    let acl = w.visible::<NetworkAcl>(caller, c.acl)?;
    acl.check_available()?;
    if let Some((code, ids)) = dependents(w, acl).into_iter().next() {
        return Err(Refusal::new(code).field("network_acl_id").blockers(ids));
    }
    tag::clear(w, c.acl);
    w.remove::<NetworkAcl>(&c.acl);
    Ok(Reply::Done)
}

/// What keeps a network ACL from being deleted.
pub fn dependents(w: &World, acl: &NetworkAcl) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let bound: Vec<AnyId> =
        w.indexes().network_acl_bindings.by_acl.of(&acl.id).map(|&id| id.into()).collect();
    if bound.is_empty() { Vec::new() } else { vec![(ErrorCode::NetworkAclInUse, bound)] }
}
