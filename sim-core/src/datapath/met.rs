//! What a walk has looked up: the answer meets again what the packet met, and one look at each is enough. A walk holds the
//! world, so that nothing of it changes meanwhile.

use super::routing::TableOf;
use crate::ecs::eni::Eni;
use crate::ecs::eni_address;
use crate::id::{EniId, VSwitchId, VpcId};
use crate::vpc::network_acl::NetworkAcl;
use crate::world::World;
use std::net::IpAddr;

/// What a walk has looked up.
#[derive(Default)]
pub(super) struct Met<'w> {
    enis: [Option<&'w Eni>; 2],
    /// Interfaces that were found to be up.
    pub up: [Option<EniId>; 2],
    /// The table that holds for a vSwitch.
    pub tables: LastTwo<VSwitchId, TableOf<'w>>,
    /// The network ACL in force for a vSwitch, if there is one.
    pub acls: LastTwo<VSwitchId, Option<&'w NetworkAcl>>,
}

impl<'w> Met<'w> {
    /// An interface by its id.
    pub fn eni(&mut self, w: &'w World, id: EniId) -> Option<&'w Eni> {
        let met = self.enis.into_iter().flatten().find(|eni| eni.id == id);
        met.or_else(|| w.get::<Eni>(&id).inspect(|eni| self.meet(eni)))
    }

    /// The interface that holds an address of a VPC: no other can, if one that was met does.
    pub fn holder(&mut self, w: &'w World, vpc: VpcId, address: IpAddr) -> Option<&'w Eni> {
        let met = self.enis.into_iter().flatten().find(|eni| eni.vpc == vpc && eni.holds(address));
        met.or_else(|| eni_address::holder(w, vpc, address).inspect(|eni| self.meet(eni)))
    }

    fn meet(&mut self, eni: &'w Eni) {
        self.enis = [Some(eni), self.enis[0]];
    }
}

/// The last two things that were looked up, with what they were looked up by.
pub(super) struct LastTwo<K, V>([Option<(K, V)>; 2]);

impl<K, V> Default for LastTwo<K, V> {
    fn default() -> Self {
        LastTwo([None, None])
    }
}

impl<K: Copy + PartialEq, V: Copy> LastTwo<K, V> {
    /// What belongs to a key: as it was found before, or found now.
    pub fn get(&mut self, key: K, find: impl FnOnce() -> V) -> V {
        match self.0 {
            [Some((first, value)), _] | [_, Some((first, value))] if first == key => value,
            _ => {
                let value = find();
                self.0 = [Some((key, value)), self.0[0]];
                value
            }
        }
    }
}
