//! Bugs that random histories found, each with the shortest history that shows it.

use crate::{play::callers, sound};
use sim_core::id::{EniId, RouteTableId, VSwitchId, VpcId};
use sim_core::settings::{ChangeSettings, Provisioning};
use sim_core::vpc::cidr_reservation::{CreateCidrReservation, ReservationChoice};
use sim_core::vpc::route_entry::{EntryRef, EntryStatus, ModifyRouteEntry, RouteEntry, SystemTarget};
use sim_core::vpc::secondary_block::AddSecondaryBlock;
use sim_core::vpc::vpc::ModifyVpc;
use sim_core::vpc::vswitch::ModifyVSwitch;
use sim_core::{Caller, Command, ErrorCode, Genesis, Outcome, Reply, Span, World};

/// A world after the opening, and what came of it.
struct Estate {
    world: World,
    caller: Caller,
    made: Vec<Reply>,
}

impl Estate {
    fn new() -> Estate {
        let [caller, ..] = callers();
        let mut world = World::new(Genesis::default());
        let mut made = Vec::new();
        crate::opening::commands(|caller, command| {
            let reply = world.apply(world.now(), caller, command).outcome.unwrap();
            made.push(reply.clone());
            reply
        });
        Estate { world, caller, made }
    }

    fn give(&mut self, command: impl Into<Command>) -> Outcome<Reply> {
        let outcome = self.world.apply(self.world.now(), &self.caller, command.into()).outcome;
        sound::check(&self.world);
        outcome
    }

    fn vpc(&self) -> VpcId {
        self.made[0].id()
    }

    /// The vSwitch in which nothing is.
    fn other_vswitch(&self) -> VSwitchId {
        self.made[2].id()
    }

    fn table(&self) -> RouteTableId {
        self.made[6].id()
    }

    fn eni(&self) -> EniId {
        self.made[7].id()
    }

    fn ipv6(&mut self, vswitch: VSwitchId, subnet: Option<u32>) -> Outcome<Reply> {
        self.give(ModifyVSwitch {
            vswitch,
            name: None,
            description: None,
            ipv6_subnet: subnet,
            vpc_ipv6_block: None,
            enable_ipv6: false,
            disable_ipv6: subnet.is_none(),
        })
    }
}

#[test]
fn a_vswitch_keeps_its_ipv6_block_while_a_part_of_it_is_reserved() {
    let mut estate = Estate::new();
    let (name, description, tags) = (None, None, Vec::new());
    let block = ReservationChoice::Mask6(80);
    estate
        .give(CreateCidrReservation { vswitch: estate.other_vswitch(), block, name, description, tags })
        .unwrap();
    let vswitch = estate.other_vswitch();
    for subnet in [None, Some(1)] {
        let refusal = estate.ipv6(vswitch, subnet).unwrap_err();
        assert_eq!(refusal.code(), ErrorCode::VSwitchIpv6InUse);
        assert_eq!(refusal.details().blockers.len(), 1);
    }
}

#[test]
fn a_vpc_that_shrank_does_not_regrow_over_a_secondary_block() {
    let mut estate = Estate::new();
    let vpc = estate.vpc();
    let resize = |block: &str| ModifyVpc {
        vpc,
        name: None,
        description: None,
        block: Some(block.parse().unwrap()),
        ipv6: None,
        ipv6_isp: None,
        dns_hostnames: None,
    };
    estate.give(resize("10.0.0.0/17")).unwrap();
    estate.world = crate::state::reload(&estate.world, 3);
    let secondary = AddSecondaryBlock { vpc, block: "10.0.128.0/17".parse().unwrap() };
    estate.give(secondary).unwrap();
    assert_eq!(estate.give(resize("10.0.0.0/16")).unwrap_err().code(), ErrorCode::VpcCidrOverlap);
}

/// A system entry's id is derived, so an entry that was forgotten can come again under its id. A vSwitch keeps its IPv6
/// block while the entry to it changes, and no timer of the first ends the transition of the second.
#[test]
fn an_entry_that_is_forgotten_and_comes_again_has_its_own_transition() {
    let mut estate = Estate::new();
    let (eni, other) = (estate.eni(), estate.other_vswitch());
    let id = SystemTarget::VSwitchIpv6(other).entry_id(estate.table());
    estate.give(ChangeSettings { provisioning: Some(Provisioning::Visible), quotas_lifted: None }).unwrap();
    let divert = ModifyRouteEntry {
        entry: EntryRef { entry: Some(id.to_string().into()), ..EntryRef::default() },
        name: None,
        description: None,
        next_hop_kind: Some("NetworkInterface".into()),
        next_hop: Some(eni.to_string().into()),
    };
    estate.give(divert.clone()).unwrap();
    estate.world.advance(estate.world.now() + Span(100));
    assert_eq!(estate.ipv6(other, None).unwrap_err().code(), ErrorCode::VSwitchRouteEntryBusy);
    estate.world.advance(estate.world.now() + Span(100));
    estate.ipv6(other, None).unwrap();
    estate.ipv6(other, Some(9)).unwrap();
    estate.give(divert).unwrap();
    let status = |w: &World| w.get::<RouteEntry>(&id).unwrap().status;
    estate.world.advance(estate.world.now() + Span(199));
    assert_eq!(status(&estate.world), EntryStatus::Modifying);
    estate.world.advance(estate.world.now() + Span(1));
    assert_eq!(status(&estate.world), EntryStatus::Available);
}
