//! A route table: a list of destinations and next hops that vSwitches of one VPC are bound to.

use crate::access::Owner;
use crate::id::{RouteTableId, VpcId};
use crate::resource::Resource;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::world::Indexes;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// What sort of route table it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteTableKind {
    /// Made with the VPC; holds for every vSwitch that is not bound to another.
    System,
    /// Made by a caller; holds for the vSwitches bound to it.
    Custom,
}

impl RouteTableKind {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            RouteTableKind::System => "System",
            RouteTableKind::Custom => "Custom",
        }
    }
}

/// A route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Its id.
    pub id: RouteTableId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// What sort it is.
    pub kind: RouteTableKind,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Whether it is ready.
    pub status: Status,
    /// When it was made.
    pub created: SimTime,
}

/// Whether an object is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In transition: it refuses writes to itself and its children.
    Pending,
    /// Ready.
    Available,
}

impl Status {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            Status::Pending => "Pending",
            Status::Available => "Available",
        }
    }
}

/// The route tables of each VPC.
#[derive(Clone, Debug, Default)]
pub struct RouteTableIndex {
    /// By VPC.
    pub by_vpc: Groups<VpcId, RouteTableId>,
}

impl Row for RouteTable {
    type Key = RouteTableId;
    type Index = RouteTableIndex;

    fn key(&self) -> RouteTableId {
        self.id
    }

    fn reindex(ix: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|t| t.id) else { return };
        ix.route_tables.by_vpc.shift(&id, old.map(|t| t.vpc), new.map(|t| t.vpc));
    }
}

impl Resource for RouteTable {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}
