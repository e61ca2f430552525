//! What walks have looked up: the answer meets again what the packet met, and many packets meet the same. Whoever holds this
//! holds the world too, so that nothing of it changes meanwhile and what was found stays true.

use super::routing::TableOf;
use crate::ecs::eni::Eni;
use crate::ecs::eni_address;
use crate::ecs::group_filter::Compiled;
use crate::id::{EniId, Id, SecurityGroupId, VSwitchId, VpcId};
use crate::vpc::network_acl_binding;
use crate::vpc::network_acl_filter::Filtering;
use crate::world::World;
use std::net::IpAddr;

/// What walks have looked up.
#[derive(Default)]
pub(super) struct Met<'w> {
    enis: Known<EniId, Option<&'w Eni>>,
    holders: Known<(VpcId, IpAddr), Option<&'w Eni>>,
    groups: Known<SecurityGroupId, Option<&'w Compiled>>,
    acls: Known<VSwitchId, Option<Filtering<'w>>>,
    tables: Known<VSwitchId, TableOf<'w>>,
    up: Known<EniId, bool>,
}

impl<'w> Met<'w> {
    /// With room for what many walks meet.
    pub fn of_many() -> Met<'w> {
        Met {
            enis: Known::many(),
            holders: Known::many(),
            groups: Known::many(),
            acls: Known::many(),
            tables: Known::many(),
            up: Known::many(),
        }
    }

    /// An interface by its id.
    pub fn eni(&mut self, w: &'w World, id: EniId) -> Option<&'w Eni> {
        self.enis.get(id, id, || w.get::<Eni>(&id))
    }

    /// The interface that holds an address of a VPC.
    pub fn holder(&mut self, w: &'w World, vpc: VpcId, address: IpAddr) -> Option<&'w Eni> {
        let place = match address {
            IpAddr::V4(v4) => v4.to_bits() as usize,
            IpAddr::V6(v6) => v6.to_bits() as usize,
        };
        self.holders.at(place, (vpc, address), || eni_address::holder(w, vpc, address))
    }

    /// A security group as packets are judged by it.
    pub fn group(&mut self, w: &'w World, id: SecurityGroupId) -> Option<&'w Compiled> {
        self.groups.get(id, id, || w.indexes().security_groups.compiled.get(&id))
    }

    /// The network ACL that filters what crosses a vSwitch, if one does.
    pub fn acl(&mut self, w: &'w World, vswitch: VSwitchId) -> Option<Filtering<'w>> {
        let find = || network_acl_binding::in_force(w, vswitch).map(|acl| Filtering::new(w, acl));
        self.acls.get(vswitch, vswitch, find)
    }

    /// The table that holds for a vSwitch of a VPC.
    pub fn table(&mut self, w: &'w World, vpc: VpcId, vswitch: VSwitchId) -> TableOf<'w> {
        self.tables.get(vswitch, vswitch, || TableOf::new(w, vpc, vswitch))
    }

    /// Whether an interface is up, as `look` finds out.
    pub fn is_up(&mut self, eni: EniId, look: impl FnOnce() -> bool) -> bool {
        self.up.get(eni, eni, look)
    }
}

/// Things that were looked up, with what they were looked up by: the last two, or as many as fit into places.
struct Known<K, V> {
    last: [Option<(K, V)>; 2],
    places: Vec<Option<(K, V)>>,
}

impl<K, V> Default for Known<K, V> {
    fn default() -> Self {
        Known { last: [None, None], places: Vec::new() }
    }
}

/// Places for what many walks meet; a power of two.
const PLACES: usize = 1_024;

impl<K: Copy + PartialEq, V: Copy> Known<K, V> {
    fn many() -> Known<K, V> {
        Known { last: [None, None], places: vec![None; PLACES] }
    }

    /// What belongs to a key that is, or begins with, an id: as it was found before, or as it is found now.
    fn get(&mut self, id: impl Id, key: K, find: impl FnOnce() -> V) -> V {
        self.at(id.number().counter() as usize, key, find)
    }

    /// The same for a key with this place.
    fn at(&mut self, place: usize, key: K, find: impl FnOnce() -> V) -> V {
        if let Some(place) = self.places.get_mut(place % PLACES) {
            return match place {
                Some((known, value)) if *known == key => *value,
                place => {
                    let value = find();
                    *place = Some((key, value));
                    value
                }
            };
        }
        match self.last {
            [Some((known, value)), _] | [_, Some((known, value))] if known == key => value,
            _ => {
                let value = find();
                self.last = [Some((key, value)), self.last[0]];
                value
            }
        }
    }
}
