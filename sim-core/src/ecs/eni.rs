//! An elastic network interface: addresses of one vSwitch, a MAC address, and 1 to 10 security groups.
//!
//! A primary interface is born and dies with its instance; a secondary one is attached and detached.
//! Every address it holds is taken out of the pool of its vSwitch.

use crate::access::Owner;
use crate::cidr::{Cidr4, Cidr6};
use crate::id::{EniId, InstanceId, ResourceGroupId, SecurityGroupId, VSwitchId, VpcId};
use crate::resource::Resource;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::world::Indexes;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What sort of interface it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EniKind {
    /// Born and dies with its instance.
    Primary,
    /// Attached and detached at will.
    Secondary,
    /// Carries member interfaces.
    Trunk,
    /// Attached through a trunk.
    Member,
}

/// Where an interface is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EniStatus {
    /// Attached to nothing.
    Available,
    /// Being attached.
    Attaching,
    /// Attached.
    InUse,
    /// Being detached.
    Detaching,
    /// Being deleted.
    Deleting,
}

/// An elastic network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eni {
    /// Its id.
    pub id: EniId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its vSwitch, which gives it zone and addresses.
    pub vswitch: VSwitchId,
    /// What sort it is.
    pub kind: EniKind,
    /// Where it is in its life.
    pub status: EniStatus,
    /// Its MAC address: the low 48 bits.
    pub mac: u64,
    /// Its primary private IPv4 address.
    pub primary_ip: Ipv4Addr,
    /// Its secondary private IPv4 addresses.
    pub secondary_ips: Vec<Ipv4Addr>,
    /// Its IPv4 prefixes: /28 each.
    pub ipv4_prefixes: Vec<Cidr4>,
    /// Its IPv6 addresses.
    pub ipv6: Vec<Ipv6Addr>,
    /// Its IPv6 prefixes: /80 each.
    pub ipv6_prefixes: Vec<Cidr6>,
    /// Its security groups: 1 to 10, all of one kind.
    pub groups: Vec<SecurityGroupId>,
    /// The instance it is attached to, or is being attached to or detached from.
    pub instance: Option<InstanceId>,
    /// The trunk interface through which a member is attached.
    pub trunk: Option<EniId>,
    /// Its place among the interfaces of its instance or the members of its trunk.
    pub device_index: u16,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// Whether it is deleted with its instance.
    pub delete_on_release: bool,
    /// Whether packets with foreign addresses are dropped.
    pub source_dest_check: bool,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from interfaces.
#[derive(Clone, Debug, Default)]
pub struct EniIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, EniId>,
    /// By VPC.
    pub by_vpc: Groups<VpcId, EniId>,
    /// By vSwitch.
    pub by_vswitch: Groups<VSwitchId, EniId>,
    /// By instance.
    pub by_instance: Groups<InstanceId, EniId>,
    /// By security group.
    pub by_group: Groups<SecurityGroupId, EniId>,
    /// How many private addresses the members of a security group hold, as [`crate::ecs::membership::addresses_of`] counts.
    pub addresses_in_group: BTreeMap<SecurityGroupId, u64>,
    /// By security group the distinct sets of groups, in order of their ids, that its members belong to, and how many do.
    pub sets_with_group: BTreeMap<SecurityGroupId, BTreeMap<Vec<SecurityGroupId>, u64>>,
    /// Who holds a private IPv4 address of a VPC.
    pub by_address: BTreeMap<(VpcId, Ipv4Addr), EniId>,
    /// How many private addresses of a VPC are held: each address of each interface, a prefix counting 16.
    pub addresses_in_vpc: BTreeMap<VpcId, u64>,
}

impl Eni {
    /// Its private IPv4 addresses: the primary first.
    pub fn ipv4(&self) -> impl Iterator<Item = Ipv4Addr> {
        std::iter::once(self.primary_ip).chain(self.secondary_ips.iter().copied())
    }
}

impl Row for Eni {
    type Key = EniId;
    type Index = EniIndex;

    fn key(&self) -> EniId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|e| e.id) else { return };
        crate::ecs::membership::reindex(indexes, old, new);
        let ix = &mut indexes.enis;
        ix.by_owner.shift(&id, old.map(|e| e.owner.clone()), new.map(|e| e.owner.clone()));
        ix.by_vpc.shift(&id, old.map(|e| e.vpc), new.map(|e| e.vpc));
        ix.by_vswitch.shift(&id, old.map(|e| e.vswitch), new.map(|e| e.vswitch));
        ix.by_instance.shift(&id, old.and_then(|e| e.instance), new.and_then(|e| e.instance));
    }
}

impl Resource for Eni {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}
