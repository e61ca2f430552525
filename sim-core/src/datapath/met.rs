//! What walks have looked up: the answer meets again what the packet met, and many packets meet the same. Whoever holds this
//! holds the world too, so that nothing of it changes meanwhile and what was found stays true.

use super::routing::TableOf;
use crate::ecs::eni::{Eni, EniStatus};
use crate::ecs::eni_address;
use crate::ecs::group_filter::{Compiled, Packet, Verdict, evaluate_compiled};
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::ecs::outage;
use crate::ecs::security_group_rule::Direction;
use crate::id::{EniId, Id, SecurityGroupId, VSwitchId, VpcId};
use crate::vpc::eip_binding;
use crate::vpc::network_acl_binding;
use crate::vpc::network_acl_filter::Filtering;
use crate::vpc::resident::Resident;
use crate::world::World;
use std::net::IpAddr;

/// An interface, and what packets meet at it.
#[derive(Clone, Copy)]
pub(super) struct Host<'w> {
    /// The interface.
    pub eni: &'w Eni,
    /// Whether it is attached to an instance that runs, and nothing cuts it off.
    pub up: bool,
    /// The network ACL that filters what crosses its vSwitch, if one does.
    pub acl: Option<Filtering<'w>>,
    /// The table that holds for its vSwitch.
    pub table: TableOf<'w>,
    /// The first of its security groups.
    pub group: Option<&'w Compiled>,
}

/// The security groups of one member: the first, which is the only one of most, if it was looked up with the member, and the
/// others.
#[derive(Clone, Copy)]
pub(super) struct Groups<'w> {
    vpc: VpcId,
    first: Option<&'w Compiled>,
    others: &'w [SecurityGroupId],
}

impl<'w> Host<'w> {
    /// Its security groups.
    #[inline]
    pub fn groups(&self) -> Groups<'w> {
        Groups::of_interface(self.eni, self.group)
    }
}

impl<'w> Groups<'w> {
    /// Those of an interface whose first one was looked up.
    #[inline]
    pub fn of_interface(eni: &'w Eni, first: Option<&'w Compiled>) -> Groups<'w> {
        Groups { vpc: eni.vpc, first, others: eni.groups.get(1..).unwrap_or_default() }
    }

    /// Those of a managed resident.
    pub fn of(resident: &'w Resident) -> Groups<'w> {
        Groups { vpc: resident.vpc, first: None, others: &resident.groups }
    }
}

/// What walks have looked up.
#[derive(Default)]
pub(super) struct Met<'w> {
    hosts: Hosts<'w>,
    holders: Known<(VpcId, IpAddr), Option<Host<'w>>>,
    groups: Known<SecurityGroupId, Option<&'w Compiled>>,
}

/// What was looked up of interfaces.
#[derive(Default)]
struct Hosts<'w> {
    known: Known<EniId, Option<Host<'w>>>,
    vswitches: VSwitches<'w>,
}

/// What was looked up of vSwitches.
#[derive(Default)]
struct VSwitches<'w> {
    acls: Known<VSwitchId, Option<Filtering<'w>>>,
    tables: Known<VSwitchId, TableOf<'w>>,
}

impl<'w> Met<'w> {
    /// An interface by its id.
    #[inline]
    pub fn host(&mut self, w: &'w World, id: EniId) -> Option<Host<'w>> {
        self.hosts.get(w, id)
    }

    /// The interface that holds an address of a VPC.
    #[inline]
    pub fn holder(&mut self, w: &'w World, vpc: VpcId, address: IpAddr) -> Option<Host<'w>> {
        holder(&mut self.holders, &mut self.hosts, w, (vpc, address))
    }

    /// The table that holds for a vSwitch of a VPC.
    pub fn table(&mut self, w: &'w World, vpc: VpcId, vswitch: VSwitchId) -> TableOf<'w> {
        self.hosts.vswitches.table(w, vpc, vswitch)
    }

    /// The network ACL that filters what crosses a vSwitch, if one does.
    pub fn acl(&mut self, w: &'w World, vswitch: VSwitchId) -> Option<Filtering<'w>> {
        self.hosts.vswitches.acl(w, vswitch)
    }

    /// What security groups make of a new session of their member.
    #[inline]
    pub fn judge(
        &mut self,
        w: &'w World,
        groups: Groups<'w>,
        direction: Direction,
        packet: &Packet,
    ) -> Verdict {
        let Groups { vpc, first, others } = groups;
        let Met { hosts, holders, groups } = self;
        let compiled = |id: &SecurityGroupId| {
            groups.get(id.number().counter(), *id, || w.indexes().security_groups.compiled.get(id))
        };
        let groups = first.into_iter().chain(others.iter().filter_map(compiled));
        let peer = || holder(holders, hosts, w, (vpc, packet.peer)).map(|host| host.eni);
        evaluate_compiled(w, groups, peer, direction, packet)
    }
}

#[inline]
fn holder<'w>(
    holders: &mut Known<(VpcId, IpAddr), Option<Host<'w>>>,
    hosts: &mut Hosts<'w>,
    w: &'w World,
    (vpc, address): (VpcId, IpAddr),
) -> Option<Host<'w>> {
    let find = || eni_address::holder(w, vpc, address).and_then(|eni| hosts.get(w, eni.id));
    holders.get(mark(address), (vpc, address), find)
}

/// What tells an address from most.
#[inline]
pub(super) fn mark(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => (v6.to_bits() >> 64) as u64 ^ v6.to_bits() as u64,
    }
}

impl<'w> Hosts<'w> {
    #[inline]
    fn get(&mut self, w: &'w World, id: EniId) -> Option<Host<'w>> {
        let Hosts { known, vswitches } = self;
        let find = || w.get::<Eni>(&id).map(|eni| vswitches.host(w, eni));
        known.get(id.number().counter(), id, find)
    }
}

impl<'w> VSwitches<'w> {
    fn table(&mut self, w: &'w World, vpc: VpcId, vswitch: VSwitchId) -> TableOf<'w> {
        self.tables.get(vswitch.number().counter(), vswitch, || TableOf::new(w, vpc, vswitch))
    }

    fn acl(&mut self, w: &'w World, vswitch: VSwitchId) -> Option<Filtering<'w>> {
        let find = || network_acl_binding::in_force(w, vswitch).map(|acl| Filtering::new(w, acl));
        self.acls.get(vswitch.number().counter(), vswitch, find)
    }

    fn host(&mut self, w: &'w World, eni: &'w Eni) -> Host<'w> {
        let runs = |id| w.get::<Instance>(&id).is_some_and(|i| i.status == InstanceStatus::Running);
        Host {
            eni,
            up: eni.status == EniStatus::InUse
                && eni.instance.is_some_and(runs)
                && outage::of_interface(w, eni).is_none(),
            // What has an address in cut-through mode is no more of the vSwitch (provider documentation: network ACL, 2026).
            acl: self.acl(w, eni.vswitch).filter(|_| !eip_binding::is_cut_through(w, eni.id)),
            table: self.table(w, eni.vpc, eni.vswitch),
            group: eni.groups.first().and_then(|id| w.indexes().security_groups.compiled.get(id)),
        }
    }
}

/// Things that were looked up, with what they were looked up by: the last two; once many others were, as many as fit into
/// places.
pub(super) struct Known<K, V, const MOST: usize = MOST_PLACES> {
    last: [Option<(K, V)>; 2],
    places: Vec<Option<(K, V)>>,
    /// How far the place of a key lies from the right in its hash.
    shift: u32,
    /// How many were found anew since there are so many places.
    missed: usize,
}

/// How many are found anew before there are places, how many places there are first, and at most.
const FEW: usize = 8;
const FIRST_PLACES: usize = 256;
const MOST_PLACES: usize = 1 << 16;

impl<K, V, const MOST: usize> Default for Known<K, V, MOST> {
    fn default() -> Self {
        Known { last: [None, None], places: Vec::new(), shift: 0, missed: 0 }
    }
}

impl<K: Copy + PartialEq, V: Copy, const MOST: usize> Known<K, V, MOST> {
    /// What belongs to a key, of which `mark` is a part that tells it from most: as it was found before, or as it is found now.
    #[inline]
    fn get(&mut self, mark: u64, key: K, find: impl FnOnce() -> V) -> V {
        if let Some(value) = self.find(mark, &key) {
            return *value;
        }
        let value = find();
        self.keep(mark, key, value);
        value
    }
}

impl<K: PartialEq, V, const MOST: usize> Known<K, V, MOST> {
    /// What belongs to a key, if it is known.
    #[inline]
    pub fn find(&self, mark: u64, key: &K) -> Option<&V> {
        match (self.places.get(self.place(mark)), &self.last) {
            (Some(Some((known, value))), _) if known == key => Some(value),
            (None, [Some((known, value)), _] | [_, Some((known, value))]) if known == key => Some(value),
            _ => None,
        }
    }

    /// Multiplicative hashing: neighbours, and what differs in its upper bits alone, lie apart (Knuth, volume 3, 6.4).
    #[inline]
    fn place(&self, mark: u64) -> usize {
        (mark.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (self.shift & 63)) as usize
    }

    /// Keeps what belongs to a key; what is known no longer may be asked for again.
    pub fn keep(&mut self, mark: u64, key: K, value: V) {
        self.missed += 1;
        let place = self.place(mark);
        match self.places.get_mut(place) {
            Some(place) => *place = Some((key, value)),
            None => self.last = [Some((key, value)), self.last[0].take()],
        }
        let full = if self.places.is_empty() { FEW } else { self.places.len() };
        if self.missed > full && self.places.len() < MOST {
            let places = (self.places.len() * 4).max(FIRST_PLACES);
            self.places = std::iter::repeat_with(|| None).take(places).collect();
            (self.shift, self.missed) = (64 - places.ilog2(), 0);
        }
    }
}
