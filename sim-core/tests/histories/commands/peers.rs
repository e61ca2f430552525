//! VPC peering connections, within an account and between two.

use crate::dice::Dice;
use sim_core::Command;
use sim_core::id::VpcPeerId;
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vpc_peer::{
    AcceptVpcPeer, CreateVpcPeer, DeleteVpcPeer, LinkType, ModifyVpcPeer, PeerStatus, RejectVpcPeer, VpcPeer,
};

pub fn create(d: &mut Dice<'_>) -> Command {
    let vpc = d.id::<Vpc>();
    let itself = d.once_in(12);
    let others: Vec<&Vpc> = d.world.table::<Vpc>().iter().filter(|other| itself || other.id != vpc).collect();
    let other = if others.is_empty() { None } else { Some(d.pick(&others)) };
    let owner = other.map_or_else(|| d.caller.into(), |other| other.owner.clone());
    let crosses = owner.region != d.caller.region;
    let usual = crosses || d.once_in(8);
    CreateVpcPeer {
        vpc,
        accepting_account: owner.account,
        accepting_region: owner.region,
        accepting_vpc: other.map_or_else(crate::dice::nobody, |other| other.id),
        name: d.text(),
        description: None,
        bandwidth: d.maybe(|d| d.pick(&[1, 100, 1_024, 2_000])).filter(|_| usual),
        link_type: d.maybe(|d| d.pick(&[LinkType::Gold, LinkType::Platinum])).filter(|_| usual),
        resource_group: d.resource_group(),
        tags: if d.once_in(3) { d.tags() } else { Vec::new() },
    }
    .into()
}

/// A connection of the caller's account, mostly one in a state.
fn peer(d: &mut Dice<'_>, status: PeerStatus, as_accepter: bool) -> VpcPeerId {
    let account = d.caller.account;
    let all = d.world.table::<VpcPeer>().iter();
    let own: Vec<&VpcPeer> =
        all.filter(|p| p.accepter.account == account || p.owner.account == account).collect();
    let fitting = |p: &&&VpcPeer| p.status == status && (!as_accepter || p.accepter.account == account);
    let near: Vec<VpcPeerId> = own.iter().filter(fitting).map(|p| p.id).collect();
    if near.is_empty() || d.once_in(8) {
        let own: Vec<VpcPeerId> = own.iter().map(|p| p.id).collect();
        d.one_of(&own)
    } else {
        d.pick(&near)
    }
}

pub fn accept(d: &mut Dice<'_>) -> Command {
    AcceptVpcPeer { peer: peer(d, PeerStatus::Accepting, true) }.into()
}

pub fn reject(d: &mut Dice<'_>) -> Command {
    RejectVpcPeer { peer: peer(d, PeerStatus::Accepting, true) }.into()
}

pub fn modify(d: &mut Dice<'_>) -> Command {
    let peer = peer(d, PeerStatus::Activated, false);
    let crosses = d.world.get::<VpcPeer>(&peer).is_some_and(VpcPeer::crosses_regions) || d.once_in(8);
    ModifyVpcPeer {
        peer,
        name: d.text(),
        description: d.text(),
        bandwidth: d.maybe(|d| d.pick(&[1, 512, 5_000])).filter(|_| crosses),
        link_type: d.maybe(|d| d.pick(&[LinkType::Gold, LinkType::Platinum])).filter(|_| crosses),
    }
    .into()
}

pub fn delete(d: &mut Dice<'_>) -> Command {
    DeleteVpcPeer { peer: peer(d, PeerStatus::Activated, false), force: d.once_in(3) }.into()
}
