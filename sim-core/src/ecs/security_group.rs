//! A security group: rules for the traffic of its member interfaces. Membership is the interfaces' (`Eni::groups`).

use crate::access::Owner;
use crate::id::{ResourceGroupId, SecurityGroupId, VpcId};
use crate::resource::Resource;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::world::Indexes;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// What sort of group it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// `normal` at the provider: members reach each other unless told otherwise; groups can be peers.
    Basic,
    /// `enterprise` at the provider: members are isolated; many more of them.
    Enterprise,
}

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Its id.
    pub id: SecurityGroupId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// What sort it is.
    pub kind: GroupKind,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Whether members of a basic group reach each other.
    pub inner_access: bool,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from security groups.
#[derive(Clone, Debug, Default)]
pub struct SecurityGroupIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, SecurityGroupId>,
    /// By VPC.
    pub by_vpc: Groups<VpcId, SecurityGroupId>,
}

impl Row for SecurityGroup {
    type Key = SecurityGroupId;
    type Index = SecurityGroupIndex;

    fn key(&self) -> SecurityGroupId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|g| g.id) else { return };
        let ix = &mut indexes.security_groups;
        ix.by_owner.shift(&id, old.map(|g| g.owner.clone()), new.map(|g| g.owner.clone()));
        ix.by_vpc.shift(&id, old.map(|g| g.vpc), new.map(|g| g.vpc));
    }
}

impl Resource for SecurityGroup {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}
