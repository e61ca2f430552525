//! A vRouter: the one router of a VPC. It is born and dies with its VPC.

use crate::access::Owner;
use crate::id::{VRouterId, VpcId};
use crate::resource::Resource;
use crate::table::Row;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// The router of a VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VRouter {
    /// Its id.
    pub id: VRouterId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
}

impl Row for VRouter {
    type Key = VRouterId;
    type Index = ();
    fn key(&self) -> VRouterId {
        self.id
    }
}

impl Resource for VRouter {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}
