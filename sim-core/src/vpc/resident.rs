//! A managed resident of a VPC, such as a database instance: another service's machine that holds one address of a
//! vSwitch and belongs to security groups.
//!
//! The network knows of it what it must: where it is, that its address is taken, and that vSwitch, groups and VPC stay
//! as long as it does. What it serves is not modelled.

use crate::access::{Caller, Owner};
use crate::command::Reply;
use crate::ecs::eni_address::{self, Primary, Wanted};
use crate::ecs::membership::{Joining, check_membership_of};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{ResidentId, SecurityGroupId, VSwitchId, VpcId};
use crate::name::TextRule;
use crate::resource::Resource;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::vpc::vswitch::{self, VSwitch};
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A managed resident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resident {
    /// Its id.
    pub id: ResidentId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its vSwitch.
    pub vswitch: VSwitchId,
    /// What it is: `rds`, `redis`, `kafka` or any other word.
    pub kind: CompactString,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its private address, which never changes.
    pub address: Ipv4Addr,
    /// Its security groups: 1 to 10, all of one kind.
    pub groups: Vec<SecurityGroupId>,
    /// The port it serves, if that is known.
    pub port: Option<u16>,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from managed residents.
#[derive(Clone, Debug, Default)]
pub struct ResidentIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, ResidentId>,
    /// By VPC.
    pub by_vpc: Groups<VpcId, ResidentId>,
    /// By vSwitch.
    pub by_vswitch: Groups<VSwitchId, ResidentId>,
    /// By security group.
    pub by_group: Groups<SecurityGroupId, ResidentId>,
    /// Who holds a private address of a VPC.
    pub by_address: BTreeMap<(VpcId, Ipv4Addr), ResidentId>,
}

impl Row for Resident {
    type Key = ResidentId;
    type Index = ResidentIndex;

    fn key(&self) -> ResidentId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|r| r.id) else { return };
        let ix = &mut indexes.residents;
        for group in old.iter().flat_map(|r| &r.groups) {
            ix.by_group.remove(group, &id);
        }
        for group in new.iter().flat_map(|r| &r.groups) {
            ix.by_group.insert(*group, id);
        }
        // Nothing else of a resident changes.
        let (Some(row), came) = (old.xor(new), new.is_some()) else { return };
        let (was, is) = if came { (None, Some(row)) } else { (Some(row), None) };
        ix.by_owner.shift(&id, was.map(|r| r.owner.clone()), is.map(|r| r.owner.clone()));
        ix.by_vpc.shift(&id, was.map(|r| r.vpc), is.map(|r| r.vpc));
        ix.by_vswitch.shift(&id, was.map(|r| r.vswitch), is.map(|r| r.vswitch));
        if came {
            ix.by_address.insert((row.vpc, row.address), id);
        } else {
            ix.by_address.remove(&(row.vpc, row.address));
        }
        vswitch::hold(indexes, row.vpc, row.vswitch, row.address, came);
    }
}

impl Resource for Resident {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The rule for a resident's name.
pub const NAME: TextRule =
    TextRule { min: 2, max: 128, letter_first: true, field: "name", error: ErrorCode::ResidentNameMalformed };

/// Makes a managed resident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateResident {
    /// What it is: 1 to 32 small letters, digits, hyphens and underscores, a letter first.
    pub kind: CompactString,
    /// Its vSwitch.
    pub vswitch: VSwitchId,
    /// Its security groups: 1 to 10.
    pub groups: Vec<SecurityGroupId>,
    /// Its address; the lowest free one if absent.
    pub address: Option<Ipv4Addr>,
    /// Its name.
    pub name: Option<CompactString>,
    /// The port it serves, from 1.
    pub port: Option<u16>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreateResident`].
///
/// # Errors
/// The form of kind, name, port and tags; an unknown vSwitch or group; a vSwitch in transition; the limits of groups; an
/// address outside, reserved or in use; the quota; no free address.
pub fn create(w: &mut World, caller: &Caller, c: &CreateResident) -> Outcome<Reply> {
    check_kind(&c.kind)?;
    let name = NAME.check(c.name.as_deref())?;
    check_port(c.port)?;
    tag::check(&c.tags)?;
    let vswitch = w.visible::<VSwitch>(caller, c.vswitch)?;
    check_membership_of(w, caller, vswitch.vpc, &c.groups, Joining::new(1))?;
    vswitch.check_available()?;
    let primary = c.address.map_or(Primary::Lowest, Primary::Given);
    let chosen = eni_address::choose(w, vswitch, primary, &Wanted::default());
    let chosen = eni_address::room_last(chosen, || eni_address::check_vpc_quota(w, caller, vswitch.vpc, 1));
    let chosen = chosen.map_err(name_field)?;
    let (vpc, created) = (vswitch.vpc, w.now());
    let id = w.new_id::<ResidentId>(&caller.region)?;
    tag::put_all(w, &caller.into(), id, &c.tags);
    w.put(Resident {
        id,
        owner: caller.into(),
        vpc,
        vswitch: c.vswitch,
        kind: c.kind.clone(),
        name,
        address: chosen.primary.expect("a primary address was wanted"),
        groups: c.groups.clone(),
        port: c.port,
        created,
    });
    Ok(id.into())
}

/// The one address of a resident is no primary one.
fn name_field(refusal: Refusal) -> Refusal {
    match refusal.details().field.as_deref() {
        Some("primary_ip_address") => refusal.field("private_ip_address"),
        _ => refusal,
    }
}

fn check_kind(kind: &str) -> Outcome<()> {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if (1..=32).contains(&kind.len()) && kind.as_bytes()[0].is_ascii_lowercase() && kind.bytes().all(word) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::ResidentKindMalformed)
        .field("kind")
        .given(kind)
        .accepted("a word such as rds, redis or kafka"))
}

fn check_port(port: Option<u16>) -> Outcome<()> {
    match port {
        Some(0) => Err(Refusal::new(ErrorCode::ResidentPortInvalid).field("port").accepted("1 to 65535")),
        _ => Ok(()),
    }
}

/// Changes a managed resident; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyResident {
    /// The resident.
    pub resident: ResidentId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new groups: 1 to 10, in place of those it had.
    pub groups: Option<Vec<SecurityGroupId>>,
    /// The port it serves from now on.
    pub port: Option<u16>,
}

/// Handles [`ModifyResident`].
///
/// # Errors
/// The form of the fields; an unknown resident or group; the limits of groups.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyResident) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    check_port(c.port)?;
    let resident = w.visible::<Resident>(caller, c.resident)?;
    if let Some(groups) = &c.groups {
        check_membership_of(w, caller, resident.vpc, groups, Joining::again(&resident.groups, 1))?;
    }
    w.update::<Resident>(&c.resident, |resident| {
        if c.name.is_some() {
            resident.name = name;
        }
        if let Some(groups) = &c.groups {
            resident.groups.clone_from(groups);
        }
        resident.port = c.port.or(resident.port);
    });
    Ok(Reply::Done)
}

/// Deletes a managed resident; its address is free again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteResident {
    /// The resident.
    pub resident: ResidentId,
}

/// Handles [`DeleteResident`].
///
/// # Errors
/// An unknown resident.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteResident) -> Outcome<Reply> {
    w.visible::<Resident>(caller, c.resident)?;
    tag::clear(w, c.resident);
    w.remove::<Resident>(&c.resident);
    Ok(Reply::Done)
}
