//! Changing instances: names, protection and groups, and the place in the network of a stopped one.

use crate::access::Caller;
use crate::catalog::{self, Os};
use crate::command::Reply;
use crate::ecs::eni::{Eni, EniKind};
use crate::ecs::eni_address::{self, Primary, Wanted};
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::ecs::instance_life;
use crate::ecs::instance_name::{self, check_host_name};
use crate::ecs::membership::{addresses_of, check_membership};
use crate::ecs::user_data::UserData;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, InstanceId, SecurityGroupId, VSwitchId, VpcId};
use crate::secret::Fingerprint;
use crate::vpc::route_entry;
use crate::vpc::vpc::Vpc;
use crate::vpc::vswitch::VSwitch;
use crate::world::World;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// Changes an instance; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyInstance {
    /// The instance.
    pub instance: InstanceId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new host name, which it has once it starts again.
    pub host_name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
    /// Whether a deletion is refused.
    pub deletion_protection: Option<bool>,
    /// Its new groups: 1 to 10, in place of those it had.
    pub groups: Option<Vec<SecurityGroupId>>,
    /// The fingerprint of its new password.
    pub password: Option<Fingerprint>,
    /// Its new user data. Scripts in it are not run again. Until March 2024 the provider's page of ModifyInstanceAttribute
    /// wanted the instance Stopped for it; the page of September 2024 does not, and the Terraform provider changes it
    /// while the instance is Running and restarts it then.
    pub user_data: Option<UserData>,
}

/// Handles [`ModifyInstance`].
///
/// # Errors
/// The form of the fields; an unknown instance or group; protection of an instance that takes none; an instance in
/// transition; the limits of groups.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyInstance) -> Outcome<Reply> {
    let name = instance_name::NAME.check(c.name.as_deref())?;
    let description = instance_name::DESCRIPTION.check(c.description.as_deref())?;
    let instance = w.visible::<Instance>(caller, c.instance)?;
    if let Some(host_name) = c.host_name.as_deref() {
        check_host_name(host_name, os_of(instance))?;
    }
    if c.deletion_protection == Some(true) {
        instance.terms.check_protection()?;
    }
    instance.check_settled()?;
    if let Some(groups) = &c.groups {
        let eni = instance.primary(w);
        check_membership(w, caller, eni.vpc, groups, Some(eni), addresses_of(eni))?;
    }
    let primary = instance.primary_eni;
    if let Some(groups) = &c.groups {
        w.update::<Eni>(&primary, |eni| eni.groups.clone_from(groups));
    }
    w.update::<Instance>(&c.instance, |instance| {
        // An instance always has a name: an empty one gives it its id back.
        if c.name.is_some() {
            instance.name = if name.is_empty() { c.instance.to_string().into() } else { name };
        }
        if c.description.is_some() {
            instance.description = description;
        }
        if let Some(host_name) = &c.host_name {
            instance.host_name.clone_from(host_name);
        }
        instance.deletion_protection = c.deletion_protection.unwrap_or(instance.deletion_protection);
        instance.password = c.password.or(instance.password);
        if c.user_data.is_some() {
            instance.user_data.clone_from(&c.user_data);
        }
    });
    Ok(Reply::Done)
}

/// The operating system of an instance. An image that left the catalogue since counts as Linux.
fn os_of(instance: &Instance) -> Os {
    catalog::image(&instance.image).map_or(Os::Linux, |image| image.os)
}

/// Moves a stopped instance to another vSwitch of its zone, gives it another primary address, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveInstance {
    /// The instance.
    pub instance: InstanceId,
    /// The vSwitch.
    pub vswitch: VSwitchId,
    /// Its new primary address; the old one if it stays in its vSwitch, else the lowest free one if absent.
    pub primary_ip: Option<Ipv4Addr>,
    /// The VPC of the vSwitch, for a move to another one.
    pub vpc: Option<VpcId>,
    /// Its groups in another VPC: 1 to 10. None in its own.
    pub groups: Vec<SecurityGroupId>,
}

/// Handles [`MoveInstance`].
///
/// # Errors
/// An unknown instance, VPC, vSwitch or group; a vSwitch of another VPC or zone; groups that are missing or not wanted;
/// an instance that is not Stopped; a VPC or vSwitch in transition; an interface with more addresses than its primary
/// one, or with HaVips; for another VPC a route entry or a second interface; an address outside, reserved or in use; no free one.
pub fn relocate(w: &mut World, caller: &Caller, c: &MoveInstance) -> Outcome<Reply> {
    let instance = w.visible::<Instance>(caller, c.instance)?;
    let target = c.vpc.unwrap_or(instance.vpc);
    let vpc = w.visible::<Vpc>(caller, target)?;
    let vswitch = w.visible::<VSwitch>(caller, c.vswitch)?;
    check_target(instance, vswitch, target, c)?;
    let eni = instance.primary(w);
    let moves = vswitch.vpc != instance.vpc;
    if moves {
        check_membership(w, caller, target, &c.groups, None, addresses_of(eni))?;
    }
    instance.check_status(InstanceStatus::Stopped)?;
    vpc.check_available()?;
    vswitch.check_available()?;
    let same_vswitch = instance.vswitch == c.vswitch;
    if same_vswitch && c.primary_ip.is_none_or(|ip| ip == eni.primary_ip) {
        return Ok(Reply::Done);
    }
    check_movable(w, instance, eni, moves)?;
    let primary = c.primary_ip.map_or(Primary::Lowest, Primary::Given);
    let chosen = eni_address::choose(w, vswitch, primary, &Wanted::default());
    let chosen = eni_address::room_last(chosen, || {
        if moves { eni_address::check_vpc_quota(w, caller, target, 1) } else { Ok(()) }
    })?;
    let (primary_eni, vswitch) = (instance.primary_eni, c.vswitch);
    w.update::<Eni>(&primary_eni, |eni| {
        eni.vpc = target;
        eni.vswitch = vswitch;
        eni.primary_ip = chosen.primary.expect("a primary address was wanted");
        if moves {
            eni.groups.clone_from(&c.groups);
        }
    });
    w.update::<Instance>(&c.instance, |instance| {
        instance.vpc = target;
        instance.vswitch = vswitch;
    });
    Ok(Reply::Done)
}

/// The vSwitch is one of the wanted VPC and of the instance's zone, and groups come with another VPC only.
fn check_target(instance: &Instance, vswitch: &VSwitch, target: VpcId, c: &MoveInstance) -> Outcome<()> {
    let refuse = |code, field: &str, detail: String| Refusal::new(code).field(field).detail(detail);
    if vswitch.vpc != target {
        let detail = format!("{} lies in {}, not in {target}.", vswitch.id, vswitch.vpc);
        return Err(refuse(ErrorCode::InstanceVSwitchOtherVpc, "vswitch_id", detail));
    }
    if vswitch.zone != instance.zone {
        let detail =
            format!("{} lies in {}, {} in {}.", vswitch.id, vswitch.zone, instance.id, instance.zone);
        return Err(refuse(ErrorCode::InstanceVSwitchOtherZone, "vswitch_id", detail)
            .accepted(format!("a vSwitch of {}", instance.zone)));
    }
    if c.vpc == Some(instance.vpc) {
        let detail = format!("{} lies in {target}.", instance.id);
        return Err(refuse(ErrorCode::InstanceInTargetVpc, "vpc_id", detail)
            .accepted("another VPC, or none for a move inside its own"));
    }
    if target == instance.vpc && !c.groups.is_empty() {
        let detail = "The instance stays in its VPC and keeps its groups.".to_owned();
        return Err(refuse(ErrorCode::InstanceGroupsUnexpected, "security_group_ids", detail)
            .accepted("no groups, or those of another VPC with its vpc_id"));
    }
    Ok(())
}

/// What keeps a primary interface where it is.
fn check_movable(w: &World, instance: &Instance, eni: &Eni, moves: bool) -> Outcome<()> {
    let refuse = |code, detail: String| Refusal::new(code).field("instance_id").detail(detail);
    if !eni.secondary_ips.is_empty() || !eni.ipv4_prefixes.is_empty() {
        let detail = format!("{} holds secondary addresses or prefixes.", eni.id);
        return Err(refuse(ErrorCode::InstanceSecondaryAddresses, detail));
    }
    if !eni.ipv6.is_empty() || !eni.ipv6_prefixes.is_empty() {
        return Err(refuse(ErrorCode::InstanceIpv6Held, format!("{} holds IPv6 addresses.", eni.id)));
    }
    let vips: Vec<AnyId> = w.indexes().ha_vips.by_eni.of(&eni.id).map(|&id| id.into()).collect();
    if !vips.is_empty() {
        let detail = format!("HaVips are bound to {}.", instance.id);
        return Err(refuse(ErrorCode::InstanceHasHaVip, detail).blockers(vips));
    }
    if !moves {
        return Ok(());
    }
    let others = w.indexes().enis.by_instance.of(&instance.id).filter_map(|id| w.get::<Eni>(id));
    let others: Vec<AnyId> = others.filter(|e| e.kind != EniKind::Primary).map(|e| e.id.into()).collect();
    if !others.is_empty() {
        let detail = "Its other interfaces stay in their VPC.".to_owned();
        return Err(refuse(ErrorCode::InstanceEniAttached, detail).blockers(others));
    }
    let to_eni = route_entry::next_hop_users(w, eni.id).into_iter().map(AnyId::from);
    let routes: Vec<(ErrorCode, Vec<AnyId>)> = instance_life::dependents(w, instance);
    let routes: Vec<AnyId> = routes.into_iter().flat_map(|(_, ids)| ids).chain(to_eni).collect();
    if routes.is_empty() {
        return Ok(());
    }
    Err(refuse(ErrorCode::InstanceHasRouteEntry, String::new()).blockers(routes))
}
