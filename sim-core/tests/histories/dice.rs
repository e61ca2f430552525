//! Choices of a random command, made from a short list of numbers: small ones are the usual choices, so that what
//! shrinks becomes usual.

use compact_str::CompactString;
use sim_core::cidr::{AddressBits, Block};
use sim_core::id::{AnyId, Id, IdNumber, RegionCode, ResourceGroupId};
use sim_core::resource::Resource;
use sim_core::resource_group::{self, ResourceGroup};
use sim_core::tag::TagPair;
use sim_core::{Caller, World};

pub struct Dice<'w> {
    pub world: &'w World,
    pub caller: &'w Caller,
    numbers: &'w [u16],
}

impl<'w> Dice<'w> {
    pub fn new(world: &'w World, caller: &'w Caller, numbers: &'w [u16]) -> Dice<'w> {
        Dice { world, caller, numbers }
    }

    /// A number below `n`; 0 once the numbers are used up.
    pub fn roll(&mut self, n: usize) -> usize {
        let Some((first, rest)) = self.numbers.split_first() else { return 0 };
        self.numbers = rest;
        usize::from(*first) % n
    }

    /// True once in so many times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.roll(n) == n - 1
    }

    pub fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.roll(list.len())].clone()
    }

    /// Absent as often as not.
    pub fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.roll(2) == 1).then(|| value(self))
    }

    /// The id of an object: one that the caller has, seldom one of somebody else, or one that nobody has.
    pub fn id<R: Resource>(&mut self) -> R::Key {
        let whose = self.roll(24);
        let all = self.world.table::<R>().iter();
        let ids: Vec<R::Key> = match whose {
            22 => all.map(|row| row.key()).collect(),
            23 => Vec::new(),
            _ => all.filter(|row| row.owner().admits(self.caller)).map(|row| row.key()).collect(),
        };
        self.one_of(&ids)
    }

    /// One of these ids, or one that nobody has if there is none.
    pub fn one_of<I: Id>(&mut self, ids: &[I]) -> I {
        if ids.is_empty() { nobody() } else { self.pick(ids) }
    }

    /// The row of an object that the caller has.
    pub fn own<R: Resource>(&mut self) -> Option<&'w R> {
        let world = self.world;
        let rows: Vec<&R> = world.table::<R>().iter().filter(|row| row.owner().admits(self.caller)).collect();
        if rows.is_empty() { None } else { Some(self.pick(&rows)) }
    }

    pub fn text(&mut self) -> Option<CompactString> {
        match self.roll(12) {
            0..6 => None,
            6..8 => Some("web".into()),
            8..10 => Some("ground floor".into()),
            10 => Some("http://no".into()),
            _ => Some(CompactString::from("x".repeat(513))),
        }
    }

    pub fn tags(&mut self) -> Vec<TagPair> {
        let count = self.roll(6).saturating_sub(3);
        (0..count)
            .map(|_| TagPair {
                key: self.pick(&["env", "team", "cost", "tier", "aliyun"]).into(),
                value: self.pick(&["prod", "", "acs:x"]).into(),
            })
            .collect()
    }

    pub fn resource_group(&mut self) -> Option<ResourceGroupId> {
        match self.roll(8) {
            0..5 => None,
            5 => Some(resource_group::default_of(self.caller.account)),
            _ => {
                let groups = self.world.table::<ResourceGroup>().iter();
                let ids: Vec<_> = groups.filter(|g| g.account == self.caller.account).map(|g| g.id).collect();
                Some(self.one_of(&ids))
            }
        }
    }

    /// A part of a block with a mask in a range, mostly one of the first.
    pub fn part<A: AddressBits>(&mut self, of: Block<A>, masks: std::ops::RangeInclusive<u8>) -> Block<A> {
        let (from, to) = ((*masks.start()).max(of.prefix_len()), *masks.end());
        let mask =
            if from > to { of.prefix_len() } else { from + self.roll(usize::from(to - from) + 1) as u8 };
        let at = [0, 1, 2, 3, 5, 8, 13, 15][self.roll(8)];
        of.subnet(mask, at).or_else(|| of.subnet(mask, 0)).unwrap_or(of)
    }

    /// The id of an object of any kind.
    pub fn resource(&mut self) -> AnyId {
        use sim_core::ecs::{eni::Eni, prefix_list::PrefixList, security_group::SecurityGroup};
        use sim_core::vpc::{route_table::RouteTable, vpc::Vpc, vrouter::VRouter, vswitch::VSwitch};
        match self.roll(12) {
            10 => self.id::<sim_core::slb::load_balancer::LoadBalancer>().into(),
            0 => self.id::<Vpc>().into(),
            1 => self.id::<VSwitch>().into(),
            2 => self.id::<RouteTable>().into(),
            3 => self.id::<SecurityGroup>().into(),
            4 => self.id::<Eni>().into(),
            5 => self.id::<PrefixList>().into(),
            6 => self.id::<VRouter>().into(),
            7 => self.id::<sim_core::vpc::network_acl::NetworkAcl>().into(),
            8 => self.id::<sim_core::slb::acl::AccessControlList>().into(),
            9 => self.id::<sim_core::vpc::eip::Eip>().into(),
            _ => self.id::<sim_core::vpc::cidr_reservation::CidrReservation>().into(),
        }
    }
}

/// An id that no object has.
pub fn nobody<I: Id>() -> I {
    I::from_number(IdNumber::new(1 << 30, 1, RegionCode::from_text("bp1").unwrap()))
}
