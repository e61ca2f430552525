//! What the internet can reach: public addresses in classes on the one side, and on the other what of this world's public
//! addresses leads to interfaces: elastic IP addresses that are bound to them, static ones of their instances, DNAT entries,
//! IPv6 addresses with internet bandwidth, and load balancers of which they are members, at their own public addresses or at
//! elastic ones.
//!
//! An interface that nothing leads to but load balancers stands with its private address, at which the internet finds
//! nobody, and beside it the load balancers stand with theirs. What comes to one goes to the member that it chooses: where a
//! hash of the source chooses, one host stands for its class all the same.

use super::cuts::{Cuts, PortClasses, address_of, groups_of};
use super::{Holder, Run, SetQuestion, Side};
use crate::cidr::{Cidr, reserved};
use crate::datapath::flow::is_public;
use crate::ecs::eni::Eni;
use crate::ecs::public_address;
use crate::id::{EniId, VpcId};
use crate::slb::acl::AccessControlList;
use crate::slb::load_balancer::LoadBalancer;
use crate::slb::{backend, listener, serving};
use crate::vpc::eip::Eip;
use crate::vpc::ipv6_bandwidth::Ipv6Bandwidth;
use crate::vpc::vpc::Vpc;
use crate::vpc::{eip_binding, forward_entry, ha_vip};
use crate::world::World;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// Both sides of a question about the internet, and the ports.
pub(super) fn sides(w: &World, question: &SetQuestion) -> (Vec<Side>, Vec<Side>, PortClasses) {
    let SetQuestion { vpc, to, protocol, .. } = question;
    let mut cuts = Cuts::of_vpc(w, *vpc, *protocol);
    cuts.add_rules(w, &BTreeSet::new(), &groups_of(w, to));
    cut_public_space(w, *vpc, &mut cuts);
    let enis: Vec<&Eni> = to.iter().filter_map(|id| w.get::<Eni>(id)).collect();
    cut_forwarded_ports(w, &enis, &mut cuts);
    let balancers = balancers(w, to);
    for listener in balancers.iter().flat_map(|(balancer, _)| listener::of(w, balancer.id)) {
        cuts.port(listener.port);
        let access = listener.access.iter().filter(|access| access.on).flat_map(|access| &access.acls);
        let lists = access.filter_map(|id| w.get::<AccessControlList>(id));
        lists.flat_map(|list| &list.entries).for_each(|entry| cuts.senders.block(entry.block));
    }
    let from = [true, false].into_iter().flat_map(|v4| hosts(w, &cuts, v4)).collect();
    let mut to = entries(w, &mut cuts, &enis);
    to.extend(balancers.into_iter().map(|(balancer, address)| {
        let holder = Holder::LoadBalancer(balancer.id);
        Side { v4: address.is_ipv4(), runs: [Run { holder, first: address, last: address }].into() }
    }));
    (from, to, cuts.ports(question))
}

/// The load balancers with public addresses, and these, that have one of these interfaces behind a listener.
fn balancers<'w>(w: &'w World, to: &[EniId]) -> Vec<(&'w LoadBalancer, IpAddr)> {
    let to: BTreeSet<&EniId> = to.iter().collect();
    let serves = |balancer: &LoadBalancer| {
        let pools = listener::of(w, balancer.id).filter_map(|listener| serving::of(w, listener, None));
        let members = pools.flat_map(|serving| serving.members());
        let mut enis = members.filter_map(|member| backend::interface(w, member.backend.server));
        enis.any(|eni| to.contains(&eni))
    };
    let public = |balancer: &'w LoadBalancer| match balancer.home {
        None => Some((balancer, balancer.address)),
        Some(_) => eip_binding::of_balancer(w, balancer.id).map(|eip| (balancer, eip.address.into())),
    };
    w.table::<LoadBalancer>().iter().filter_map(public).filter(|(balancer, _)| serves(balancer)).collect()
}

/// A VPC's own blocks are private to it, whatever they are elsewhere.
fn cut_public_space(w: &World, vpc: VpcId, cuts: &mut Cuts) {
    let special = reserved::SPECIAL_RANGES.iter().map(|range| Cidr::from(range.block));
    special.for_each(|block| cuts.senders.block(block));
    cuts.senders.block("2000::/3".parse().expect("a block"));
    let Some(vpc) = w.get::<Vpc>(&vpc) else { return };
    let own = vpc.blocks().chain(vpc.user_cidrs.iter().copied()).map(Cidr::from);
    own.chain(vpc.ipv6.iter().map(|b| Cidr::from(b.block))).for_each(|block| cuts.senders.block(block));
    for address in held(w) {
        cuts.senders.block(Cidr::host(address));
    }
}

/// The public addresses of this world, which are no hosts on the internet.
fn held(w: &World) -> impl Iterator<Item = IpAddr> {
    let eips = w.table::<Eip>().iter().map(|eip| IpAddr::from(eip.address));
    let fixed = w.indexes().instances.by_public_address.keys().map(|&address| IpAddr::from(address));
    eips.chain(fixed).chain(w.table::<LoadBalancer>().iter().map(|balancer| balancer.address))
}

/// A DNAT entry takes ports to others, so that what cuts those inside cuts these outside.
fn cut_forwarded_ports(w: &World, enis: &[&Eni], cuts: &mut Cuts) {
    for (eni, address) in enis.iter().flat_map(|eni| own(w, eni).map(move |address| (eni, address))) {
        for entry in forward_entry::to_address(w, eni.vpc, address) {
            let (Some(outside), Some(inside)) = (entry.external, entry.internal) else { continue };
            let (first, last) = (u32::from(inside.first), u32::from(inside.last));
            let within: Vec<u32> = cuts.ports.range(first..=last).copied().collect();
            let moved = within.into_iter().map(|cut| cut - first + u32::from(outside.first));
            cuts.ports.extend(moved.chain([outside.first.into(), u32::from(outside.last) + 1]));
        }
    }
}

/// The hosts on the internet, each class of them a run.
fn hosts(w: &World, cuts: &Cuts, v4: bool) -> Vec<Side> {
    let own: BTreeSet<IpAddr> = held(w).collect();
    let last = if v4 { u32::MAX.into() } else { u128::MAX };
    let starts: Vec<u128> = cuts.senders.of(v4).iter().copied().filter(|&at| at <= last).collect();
    let ends = starts.iter().skip(1).map(|next| next - 1).chain([last]);
    let run = |(first, last): (&u128, u128)| {
        let (first, last) = (address_of(v4, *first), address_of(v4, last));
        Run { holder: Holder::Internet, first, last }
    };
    let public = |run: &Run| is_public(run.first) && !own.contains(&run.first);
    let runs = starts.iter().zip(ends).map(run).filter(public);
    runs.map(|run| Side { v4, runs: [run].into() }).collect()
}

/// The private addresses of an interface, and those for which it answers.
fn own<'w>(w: &'w World, eni: &'w Eni) -> impl Iterator<Item = Ipv4Addr> + use<'w> {
    eni.ipv4().chain(ha_vip::answered_by(w, eni.id).map(|vip| vip.address))
}

/// What leads to interfaces, and those that nothing leads to.
fn entries(w: &World, cuts: &mut Cuts, enis: &[&Eni]) -> Vec<Side> {
    let (mut sides, mut private) = (Vec::new(), Vec::new());
    for eni in enis {
        let bound = eip_binding::of_eni(w, eni.id).map(|eip| eip.address);
        let virtual_eips = ha_vip::answered_by(w, eni.id).filter_map(|vip| vip.eip(w));
        let fixed = public_address::of_primary(w, eni, eni.primary_ip);
        let fixed = fixed.and_then(|instance| instance.public?.address);
        let bound = bound.chain(virtual_eips.map(|eip| eip.address)).chain(fixed);
        let forwarded = own(w, eni).flat_map(|address| forward_entry::to_address(w, eni.vpc, address));
        let forwarded = forwarded.filter_map(|entry| w.get::<Eip>(&entry.eip)).map(|eip| eip.address);
        let public: BTreeSet<_> = bound.chain(forwarded).collect();
        let holder = Holder::Interface(eni.id);
        let run = |address: IpAddr| Run { holder, first: address, last: address };
        if public.is_empty() {
            private.push(run(eni.primary_ip.into()));
        }
        sides.extend(public.into_iter().map(|address| Side { v4: true, runs: [run(address.into())].into() }));
    }
    if !private.is_empty() {
        sides.push(Side { v4: true, runs: private.into() });
    }
    let public = enis.iter().flat_map(|eni| w.indexes().ipv6_bandwidths.by_eni.of(&eni.id));
    for bandwidth in public.filter_map(|id| w.get::<Ipv6Bandwidth>(id)) {
        cuts.receivers.block(Cidr::host(bandwidth.address.into()));
    }
    let ids: Vec<EniId> = enis.iter().map(|eni| eni.id).collect();
    sides.extend(cuts.receivers(w, &ids).into_iter().filter(|side| !side.v4));
    sides
}
