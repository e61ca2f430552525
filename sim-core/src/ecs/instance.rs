//! An ECS instance: a host in a vSwitch with its primary network interface.

use crate::access::{Owner, ZoneId};
use crate::id::{EniId, InstanceId, ResourceGroupId, VSwitchId, VpcId};
use crate::resource::Resource;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::world::Indexes;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceStatus {
    /// Being made.
    Pending,
    /// On its way up.
    Starting,
    /// Up.
    Running,
    /// On its way down.
    Stopping,
    /// Down.
    Stopped,
}

impl InstanceStatus {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            InstanceStatus::Pending => "Pending",
            InstanceStatus::Starting => "Starting",
            InstanceStatus::Running => "Running",
            InstanceStatus::Stopping => "Stopping",
            InstanceStatus::Stopped => "Stopped",
        }
    }
}

/// An ECS instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its vSwitch.
    pub vswitch: VSwitchId,
    /// Its zone.
    pub zone: ZoneId,
    /// Its type, for example `ecs.g7.large`.
    pub instance_type: CompactString,
    /// Its primary network interface.
    pub primary_eni: EniId,
    /// Where it is in its life.
    pub status: InstanceStatus,
    /// Its name.
    pub name: CompactString,
    /// Its host name.
    pub host_name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// The image it was made from.
    pub image: CompactString,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// Whether a deletion is refused.
    pub deletion_protection: bool,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from instances.
#[derive(Clone, Debug, Default)]
pub struct InstanceIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, InstanceId>,
    /// By VPC.
    pub by_vpc: Groups<VpcId, InstanceId>,
    /// By vSwitch.
    pub by_vswitch: Groups<VSwitchId, InstanceId>,
    /// By zone.
    pub by_zone: Groups<ZoneId, InstanceId>,
}

impl Instance {
    /// What its type allows. A type that left the catalogue since counts as the smallest shape that the provider
    /// sells: the instance stays usable, and nothing can be added to it.
    pub fn type_row(&self) -> TypeLimits {
        TypeLimits::of(&self.instance_type)
    }
}

/// What an instance type allows on its network interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeLimits {
    /// Interfaces, the primary one included.
    pub eni: u32,
    /// IPv4 addresses of one interface, the primary one included.
    pub ipv4_per_eni: u32,
    /// IPv6 addresses of one interface.
    pub ipv6_per_eni: u32,
    /// Interfaces with the members of trunks.
    pub eni_total: u32,
    /// Whether it takes a trunk interface.
    pub trunk: bool,
}

impl TypeLimits {
    /// The limits of a type of the catalogue.
    pub fn of(name: &str) -> TypeLimits {
        crate::catalog::instance_type(name).map_or(
            TypeLimits { eni: 1, ipv4_per_eni: 1, ipv6_per_eni: 0, eni_total: 1, trunk: false },
            |t| TypeLimits {
                eni: t.eni_quantity.into(),
                ipv4_per_eni: t.ipv4_per_eni.into(),
                ipv6_per_eni: t.ipv6_per_eni.into(),
                eni_total: t.eni_total.into(),
                trunk: t.trunk,
            },
        )
    }
}

impl Row for Instance {
    type Key = InstanceId;
    type Index = InstanceIndex;

    fn key(&self) -> InstanceId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|i| i.id) else { return };
        let ix = &mut indexes.instances;
        ix.by_owner.shift(&id, old.map(|i| i.owner.clone()), new.map(|i| i.owner.clone()));
        ix.by_vpc.shift(&id, old.map(|i| i.vpc), new.map(|i| i.vpc));
        ix.by_vswitch.shift(&id, old.map(|i| i.vswitch), new.map(|i| i.vswitch));
        ix.by_zone.shift(&id, old.map(|i| i.zone.clone()), new.map(|i| i.zone.clone()));
    }
}

impl Resource for Instance {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}
