//! The binding of a vSwitch to a network ACL: one ACL for a vSwitch, many vSwitches for an ACL, all in one VPC.

use crate::access::Caller;
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{NetworkAclId, VSwitchId};
use crate::table::{Groups, Row};
use crate::vpc::network_acl::{self, NetworkAcl};
use crate::vpc::vswitch::VSwitch;
use crate::world::{Indexes, World};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The binding of a vSwitch to a network ACL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAclBinding {
    /// The vSwitch.
    pub vswitch: VSwitchId,
    /// The network ACL.
    pub acl: NetworkAclId,
    /// How far it is.
    pub status: BindingStatus,
}

/// How far a binding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindingStatus {
    /// It is being made and does not filter yet.
    Binding,
    /// It filters.
    Binded,
    /// It is being undone and filters until it is gone.
    Unbinding,
}

impl BindingStatus {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            BindingStatus::Binding => "BINDING",
            BindingStatus::Binded => "BINDED",
            BindingStatus::Unbinding => "UNBINDING",
        }
    }
}

/// What is derived from bindings.
#[derive(Clone, Debug, Default)]
pub struct NetworkAclBindingIndex {
    /// The vSwitches of each ACL.
    pub by_acl: Groups<NetworkAclId, VSwitchId>,
}

impl Row for NetworkAclBinding {
    type Key = VSwitchId;
    type Index = NetworkAclBindingIndex;

    fn key(&self) -> VSwitchId {
        self.vswitch
    }

    fn reindex(ix: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(vswitch) = old.or(new).map(|b| b.vswitch) else { return };
        ix.network_acl_bindings.by_acl.shift(&vswitch, old.map(|b| b.acl), new.map(|b| b.acl));
    }
}

/// The bindings of an ACL, by the age of their vSwitches.
pub fn of_acl(w: &World, acl: NetworkAclId) -> impl Iterator<Item = &NetworkAclBinding> {
    w.indexes().network_acl_bindings.by_acl.of(&acl).filter_map(|vswitch| w.get::<NetworkAclBinding>(vswitch))
}

/// The ACL that filters what crosses a vSwitch, if one does: a binding that is being made does not filter yet.
pub fn in_force(w: &World, vswitch: VSwitchId) -> Option<&NetworkAcl> {
    let binding = w.get::<NetworkAclBinding>(&vswitch).filter(|b| b.status != BindingStatus::Binding)?;
    w.get::<NetworkAcl>(&binding.acl)
}

/// Binds vSwitches to a network ACL: all or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssociateNetworkAcl {
    /// The network ACL.
    pub acl: NetworkAclId,
    /// The vSwitches.
    pub vswitches: Vec<VSwitchId>,
}

/// Handles [`AssociateNetworkAcl`].
///
/// # Errors
/// No vSwitch; an unknown ACL or vSwitch; another VPC; the ACL or a vSwitch in transition; a vSwitch that has an ACL or
/// is named twice.
pub fn associate(w: &mut World, caller: &Caller, c: &AssociateNetworkAcl) -> Outcome<Reply> {
    check_some(&c.vswitches)?;
    let acl = w.visible::<NetworkAcl>(caller, c.acl)?;
    let vswitches = look_up(w, caller, acl, &c.vswitches)?;
    acl.check_available()?;
    vswitches.iter().try_for_each(|vswitch| vswitch.check_available())?;
    let mut seen = BTreeSet::new();
    for &vswitch in &c.vswitches {
        let bound = w.get::<NetworkAclBinding>(&vswitch).map(|binding| binding.acl);
        if bound.is_some() || !seen.insert(vswitch) {
            let refusal = Refusal::new(ErrorCode::NetworkAclAlreadyBound).field("vswitch_id").blockers(bound);
            return Err(match bound {
                Some(_) => refusal.detail(format!("{vswitch} has one.")),
                None => refusal.detail(format!("{vswitch} is named twice.")),
            });
        }
    }
    for &vswitch in &c.vswitches {
        w.put(NetworkAclBinding { vswitch, acl: c.acl, status: BindingStatus::Binding });
    }
    network_acl::begin_transition(w, c.acl);
    Ok(Reply::Done)
}

/// Takes vSwitches away from their network ACL: all or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnassociateNetworkAcl {
    /// The network ACL.
    pub acl: NetworkAclId,
    /// The vSwitches.
    pub vswitches: Vec<VSwitchId>,
}

/// Handles [`UnassociateNetworkAcl`].
///
/// # Errors
/// No vSwitch; an unknown ACL or vSwitch; another VPC; the ACL or a vSwitch in transition; a vSwitch without an ACL, or
/// with another one.
pub fn unassociate(w: &mut World, caller: &Caller, c: &UnassociateNetworkAcl) -> Outcome<Reply> {
    check_some(&c.vswitches)?;
    let acl = w.visible::<NetworkAcl>(caller, c.acl)?;
    let vswitches = look_up(w, caller, acl, &c.vswitches)?;
    acl.check_available()?;
    vswitches.iter().try_for_each(|vswitch| vswitch.check_available())?;
    for &vswitch in &c.vswitches {
        let code = match w.get::<NetworkAclBinding>(&vswitch).map(|binding| binding.acl) {
            Some(bound) if bound == c.acl => continue,
            Some(_) => ErrorCode::NetworkAclOtherBound,
            None => ErrorCode::NetworkAclNotBound,
        };
        return Err(Refusal::new(code)
            .field("vswitch_id")
            .detail(format!("{vswitch} is not bound to {}.", c.acl))
            .blockers(w.get::<NetworkAclBinding>(&vswitch).map(|binding| binding.acl)));
    }
    for vswitch in &c.vswitches {
        w.update::<NetworkAclBinding>(vswitch, |binding| binding.status = BindingStatus::Unbinding);
    }
    network_acl::begin_transition(w, c.acl);
    Ok(Reply::Done)
}

fn check_some(vswitches: &[VSwitchId]) -> Outcome<()> {
    if !vswitches.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::NetworkAclResourcesMissing).field("vswitch_ids").accepted("ids of vSwitches"))
}

/// The vSwitches by their ids, each in the VPC of the ACL.
fn look_up<'w>(
    w: &'w World,
    caller: &Caller,
    acl: &NetworkAcl,
    ids: &[VSwitchId],
) -> Outcome<Vec<&'w VSwitch>> {
    let vswitches: Vec<&VSwitch> =
        ids.iter().map(|&id| w.visible::<VSwitch>(caller, id)).collect::<Outcome<_>>()?;
    match vswitches.iter().find(|vswitch| vswitch.vpc != acl.vpc) {
        None => Ok(vswitches),
        Some(other) => Err(Refusal::new(ErrorCode::NetworkAclOtherVpc)
            .field("vswitch_id")
            .detail(format!("{} is in {}, {} is in {}.", acl.id, acl.vpc, other.id, other.vpc))
            .accepted(format!("a vSwitch of {}", acl.vpc))),
    }
}

/// Ends the transitions of the bindings of an ACL.
pub(crate) fn settle(w: &mut World, acl: NetworkAclId) {
    let moving: Vec<_> = of_acl(w, acl).filter(|b| b.status != BindingStatus::Binded).cloned().collect();
    for binding in moving {
        match binding.status {
            BindingStatus::Unbinding => w.remove::<NetworkAclBinding>(&binding.vswitch),
            _ => w.update::<NetworkAclBinding>(&binding.vswitch, |b| b.status = BindingStatus::Binded),
        }
    }
}
