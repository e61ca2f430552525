//! What would let a refused packet through: the smallest set of changes, each one tried.
//!
//! Every disposition has a few single changes that lift it. They are applied to a copy of the world, the packet is
//! traced again, and what refuses it next is lifted likewise, with one change first, then two, and so on, until the
//! packet is delivered. A later change can lead the packet past what an earlier one lifted; what became needless so is
//! left out, so that of the set that is told no change can be left out.

use super::balancer_remedy;
use super::flow::{Header, Question};
use super::hop::{Disposition, Hop, Leg, Place};
use super::internet_remedy;
use super::router_remedy;
use super::trace::Trace;
use crate::access::Caller;
use crate::cidr::Cidr;
use crate::command::Command;
use crate::ecs::authorize::{AuthorizeRules, RevokeRules, WhichRules};
use crate::ecs::eni::{Eni, EniStatus, ModifyEni};
use crate::ecs::eni_address;
use crate::ecs::eni_attachment::AttachEni;
use crate::ecs::group_filter::{DecidedBy, PacketProtocol};
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::ecs::instance_life::{BatchRule, StartInstances};
use crate::ecs::outage::EndOutage;
use crate::ecs::rule_input::RuleInput;
use crate::ecs::security_group::{GroupKind, ModifySecurityGroup, SecurityGroup};
use crate::ecs::security_group_rule::{
    Direction, Peer, Policy, PortRange, Protocol, RuleSpec, SecurityGroupRule,
};
use crate::id::{
    EniId, HaVipId, InstanceId, NetworkAclId, NetworkAclRuleId, RouteEntryId, RouteTableId, SecurityGroupId,
};
use crate::time::Span;
use crate::vpc::gateway_route_table::UpdateGatewayRouteEntry;
use crate::vpc::ha_vip::HaVip;
use crate::vpc::ipv6_egress_rule::DeleteIpv6EgressRule;
use crate::vpc::network_acl::NetworkAcl;
use crate::vpc::network_acl_binding::UnassociateNetworkAcl;
use crate::vpc::network_acl_rule::{self, NetworkAclRule, UpdateNetworkAclRules};
use crate::vpc::next_hop::{HopChoice, NextHop, NextHopKind};
use crate::vpc::resident::Resident;
use crate::vpc::route_entry::{CreateRouteEntry, DeleteRouteEntry, EntryRef, NewEntry, RouteEntry};
use crate::vpc::route_table::{self, AssociateType, RouteTable};
use crate::vpc::vpc;
use crate::vpc::vpc_peer::{PeerStatus, VpcPeer};
use crate::vpc::vswitch::VSwitch;
use crate::world::World;
use std::net::IpAddr;

/// The most changes that are tried together.
pub const MAX_CHANGES: usize = 6;
/// How long what is in transition, or what a change begins, is given to end: longer than any provisioning takes.
const SETTLE: Span = Span(600_000);
/// How many objects of a kind are tried as targets of one change.
pub(super) const TRIED: usize = 4;

/// What would let a packet through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// The changes, in an order in which they can be made. None if what is under way ends by itself and the packet
    /// passes then.
    pub changes: Vec<Command>,
}

/// The smallest set of changes that lets a packet through; none if it passes, or if no set is known that does.
pub fn remedy(w: &World, caller: &Caller, question: &Question) -> Option<Remedy> {
    if question.verdict(w).delivered() {
        return None;
    }
    Search::new(w.clone(), caller).find(question)
}

/// A copy of a world on which changes are tried.
pub struct Search {
    w: World,
    caller: Caller,
}

impl Search {
    /// Prepares to try changes on a copy of a world, as the caller would make them.
    pub fn new(mut copy: World, caller: &Caller) -> Search {
        copy.confirm();
        Search { w: copy, caller: Caller::new(caller.account, caller.region.clone()) }
    }

    /// Like [`remedy`], for a packet that does not pass. The copy is as it was afterwards.
    pub fn find(&mut self, question: &Question) -> Option<Remedy> {
        let start = self.w.mark();
        self.settle();
        let settled = self.w.mark();
        let mut changes = Vec::new();
        let found = (0..=MAX_CHANGES).any(|most| self.lifts(question, most, &mut changes));
        self.w.roll_back(settled);
        if found {
            self.leave_out_needless(question, &mut changes);
        }
        self.w.roll_back(start);
        found.then_some(Remedy { changes })
    }

    fn leave_out_needless(&mut self, question: &Question, changes: &mut Vec<Command>) {
        let mut at = 0;
        while at < changes.len() {
            let mut fewer = changes.clone();
            fewer.remove(at);
            if self.passes_with(question, &fewer) {
                *changes = fewer;
                at = 0;
            } else {
                at += 1;
            }
        }
    }

    /// Whether the packet passes after these changes; none is made.
    fn passes_with(&mut self, question: &Question, changes: &[Command]) -> bool {
        let start = self.w.mark();
        let accepted = changes.iter().all(|change| self.try_change(change));
        let passes = accepted && question.verdict(&self.w).delivered();
        self.w.roll_back(start);
        passes
    }

    /// Makes a change and lets it settle; whether it is accepted.
    fn try_change(&mut self, change: &Command) -> bool {
        let accepted = self.w.stage(self.w.now(), &self.caller, change.clone()).outcome.is_ok();
        if accepted {
            self.settle();
        }
        accepted
    }

    /// Whether the packet passes with `most` more changes; they are kept.
    fn lifts(&mut self, question: &Question, most: usize, changes: &mut Vec<Command>) -> bool {
        let trace = question.trace(&self.w);
        if trace.ending.delivered() {
            return true;
        }
        if most == 0 {
            return false;
        }
        for change in candidates(&self.w, &trace) {
            let before = self.w.mark();
            if self.try_change(&change) {
                changes.push(change);
                if self.lifts(question, most - 1, changes) {
                    return true;
                }
                changes.pop();
            }
            self.w.roll_back(before);
        }
        false
    }

    fn settle(&mut self) {
        self.w.stage_advance(self.w.now() + SETTLE, u64::MAX);
    }
}

/// The single changes that may lift what ends a trace, the least intrusive first.
fn candidates(w: &World, trace: &Trace) -> Vec<Command> {
    match trace.ending.disposition {
        Disposition::GroupsDrop { member, direction, decided_by } => {
            groups_drop(w, trace, member, direction, decided_by)
        }
        Disposition::AclDrop { vswitch, acl, direction, rule } => {
            let vswitches = vec![vswitch];
            let unbind = UnassociateNetworkAcl { acl, vswitches }.into();
            let header = last_header(trace);
            accepted_by_acl(w, acl, direction, rule, &header).into_iter().chain([unbind]).collect()
        }
        Disposition::NotAttached { eni, status } => {
            let mut changes = attachments(w, trace, eni, status);
            changes.extend(without_last_route(w, trace));
            changes
        }
        Disposition::InstanceDown { instance, status, .. } => {
            let instances = vec![instance];
            let start = StartInstances { instances, rule: BatchRule::AllTogether };
            let stopped = status == InstanceStatus::Stopped;
            stopped.then(|| start.into()).into_iter().chain(without_last_route(w, trace)).collect()
        }
        Disposition::SourceDestCheck { eni, .. } => vec![
            ModifyEni {
                eni,
                name: None,
                description: None,
                groups: None,
                delete_on_release: None,
                source_dest_check: Some(false),
                queues: None,
                traffic_mode: None,
            }
            .into(),
        ],
        Disposition::NoPublicPath { vpc, address, why } => {
            internet_remedy::opened(w, vpc, address, last_header(trace).destination, why)
        }
        Disposition::NotForwarded { inert: Some(entry), .. } => {
            internet_remedy::in_force_again(w, entry).into_iter().collect()
        }
        Disposition::PublicAddressWaits { instance } => {
            internet_remedy::started_anew(w, instance).into_iter().collect()
        }
        Disposition::NoRoute { table, address, .. } => {
            let mut changes = routes_of_siblings(w, trace, table, address);
            changes.extend(routes_to_peers(w, table, address));
            changes.extend(router_remedy::routes_across(w, table, address));
            changes
        }
        Disposition::EgressOnly { rule, .. } => vec![DeleteIpv6EgressRule { rule }.into()],
        Disposition::RouterInterfaceDown { router_interface, .. } => {
            let mut changes = router_remedy::activated(w, router_interface);
            changes.extend(without_last_route(w, trace));
            changes
        }
        Disposition::NextHopGone { entry, .. } => vec![without_route(w, entry)],
        Disposition::HaVipUnanswered { ha_vip, .. } => started_for(w, ha_vip),
        Disposition::Loop { .. } | Disposition::AnswerAstray { .. } | Disposition::AnswerForeign { .. } => {
            forwarding_routes(trace).map(|entry| without_route(w, entry)).collect()
        }
        Disposition::CutOff { outage, .. } => vec![EndOutage { outage }.into()],
        Disposition::ZonesDown { load_balancer, unserved } => {
            balancer_remedy::powered(w, load_balancer, unserved)
        }
        Disposition::BalancerDown { load_balancer, .. } => balancer_remedy::activated(w, load_balancer),
        Disposition::ListenerStopped { listener, .. } => balancer_remedy::started(w, listener),
        Disposition::ListenerAccessDrop { listener, .. } => {
            balancer_remedy::admitted(w, listener, last_header(trace).source)
        }
        Disposition::NoHealthyBackend { listener, rule, .. } => {
            balancer_remedy::made_to_serve(w, listener, rule)
        }
        // Who should hold an address, serve a port or be reached from outside is for the caller to say.
        Disposition::NobodyThere { .. }
        | Disposition::NotServed { .. }
        | Disposition::NoListener { .. }
        | Disposition::Redirected { .. }
        | Disposition::BackendCallsItself { .. }
        | Disposition::EipNotBound { .. }
        | Disposition::NotForwarded { .. }
        | Disposition::NoPublicAddress { .. }
        | Disposition::PrivateFromOutside { .. }
        | Disposition::Delivered(_) => Vec::new(),
    }
}

/// The steps of the leg on which a trace ends.
fn last_leg(trace: &Trace) -> &[Hop] {
    match trace.ending.leg {
        Leg::Forward => &trace.forward,
        Leg::Return => &trace.back,
    }
}

/// The header with which the packet met its end.
fn last_header(trace: &Trace) -> Header {
    let headers = last_leg(trace).iter().rev().find_map(|hop| match hop {
        Hop::Sent { header, .. }
        | Hop::Translated { header, .. }
        | Hop::Masked { header, .. }
        | Hop::Balanced { header, .. }
        | Hop::Returned { header, .. } => Some(*header),
        _ => None,
    });
    headers.unwrap_or(trace.question.header)
}

fn groups_drop(
    w: &World,
    trace: &Trace,
    member: Place,
    direction: Direction,
    decided_by: DecidedBy,
) -> Vec<Command> {
    let groups: &[SecurityGroupId] = match member {
        Place::Interface(id) | Place::Behind(id) => w.get::<Eni>(&id).map_or(&[], |eni| &eni.groups),
        Place::Resident(id) => w.get::<Resident>(&id).map_or(&[], |resident| &resident.groups),
        Place::CloudService | Place::Internet => &[],
    };
    // Within a priority drop comes first, so that an accept has to stand before the rule that drops.
    let (priority, dropping) = match decided_by {
        DecidedBy::Platform | DecidedBy::InnerAccess(_) => return Vec::new(),
        DecidedBy::Default(_) => (Some(1), None),
        DecidedBy::Rule(id) => {
            let rule = w.get::<SecurityGroupRule>(&id);
            (rule.map(|r| r.spec.priority - 1).filter(|&p| p > 0), rule)
        }
    };
    let header = last_header(trace);
    let accept = |priority: u8| {
        let rule = accepting(&header, direction, priority);
        groups.iter().map(move |&group| AuthorizeRules { group, direction, rules: vec![rule.clone()] }.into())
    };
    let revoke = dropping.map(|rule| {
        let rules = WhichRules::Ids(Some(direction), vec![rule.id]);
        Command::from(RevokeRules { group: rule.group, rules })
    });
    let together = groups.iter().filter_map(|&id| w.get::<SecurityGroup>(&id));
    let together = together.filter(|group| group.kind == GroupKind::Basic && !group.inner_access);
    let peer = together
        .clone()
        .next()
        .and_then(|group| eni_address::holder(w, group.vpc, header.seen(direction).peer));
    let reach_each_other = together.filter(|group| peer.is_some_and(|eni| eni.groups.contains(&group.id)));
    let reach_each_other = reach_each_other.map(|group| {
        let (group, inner_access) = (group.id, Some(true));
        ModifySecurityGroup { group, name: None, description: None, inner_access }.into()
    });
    priority.into_iter().flat_map(accept).chain(revoke).chain(reach_each_other).collect()
}

/// The rules of an ACL with one more that accepts a packet, before the one that drops it.
fn accepted_by_acl(
    w: &World,
    acl: NetworkAclId,
    direction: Direction,
    dropping: NetworkAclRuleId,
    header: &Header,
) -> Option<Command> {
    let row = w.get::<NetworkAcl>(&acl)?;
    let kept = |rule: &NetworkAclRule| network_acl_rule::RuleInput {
        id: Some(rule.id(acl)),
        policy: rule.policy,
        protocol: rule.protocol,
        block: rule.block,
        ports: rule.ports,
        name: rule.name.clone(),
        description: rule.description.clone(),
    };
    let custom = row.custom(direction);
    let place = custom.iter().position(|rule| rule.id(acl) == dropping).unwrap_or(custom.len());
    let mut rules: Vec<_> = custom.iter().map(kept).collect();
    let added = network_acl_rule::RuleInput {
        id: None,
        policy: Policy::Accept,
        protocol: protocol_of(header.protocol),
        block: Cidr::host(header.seen(direction).peer),
        ports: ports_of(header),
        name: Default::default(),
        description: Default::default(),
    };
    rules.insert(place, added);
    let (ingress, egress) = match direction {
        Direction::Ingress => (Some(rules), None),
        Direction::Egress => (None, Some(rules)),
    };
    Some(UpdateNetworkAclRules { acl, ingress, egress }.into())
}

fn protocol_of(protocol: PacketProtocol) -> Protocol {
    match protocol {
        PacketProtocol::Tcp => Protocol::Tcp,
        PacketProtocol::Udp => Protocol::Udp,
        PacketProtocol::Icmp => Protocol::Icmp,
        PacketProtocol::Icmpv6 => Protocol::Icmpv6,
        PacketProtocol::Gre => Protocol::Gre,
        PacketProtocol::Other(_) => Protocol::All,
    }
}

fn ports_of(header: &Header) -> Option<PortRange> {
    header.protocol.has_ports().then_some(PortRange { first: header.port, last: header.port })
}

/// The narrowest rule that accepts a packet.
fn accepting(header: &Header, direction: Direction, priority: u8) -> RuleInput {
    let spec = RuleSpec {
        protocol: protocol_of(header.protocol),
        ports: ports_of(header),
        source_ports: None,
        policy: Policy::Accept,
        priority,
        peer: Peer::Block(Cidr::host(header.seen(direction).peer)),
        own: None,
    };
    RuleInput { spec, peer_as_address: false, own_as_address: false, description: Default::default() }
}

/// Starting one of the instances that would answer for a HaVip.
fn started_for(w: &World, ha_vip: HaVipId) -> Vec<Command> {
    let bound = w.get::<HaVip>(&ha_vip).into_iter().flat_map(|vip| &vip.bound);
    let instances = bound.filter_map(|id| w.get::<Eni>(id)).filter_map(|eni| eni.instance);
    let stopped = |id: &InstanceId| {
        w.get::<Instance>(id).is_some_and(|instance| instance.status == InstanceStatus::Stopped)
    };
    let start = |id| StartInstances { instances: vec![id], rule: BatchRule::AllTogether }.into();
    instances.filter(stopped).take(TRIED).map(start).collect()
}

/// Attaching an interface to an instance of its VPC and zone that runs, and is not the sender's own: what that sends to itself
/// never leaves it.
fn attachments(w: &World, trace: &Trace, id: EniId, status: EniStatus) -> Vec<Command> {
    let Some(eni) = w.get::<Eni>(&id).filter(|_| status == EniStatus::Available) else { return Vec::new() };
    let zone = w.get::<VSwitch>(&eni.vswitch).map(|s| &s.zone);
    let sender = match trace.question.from {
        Place::Interface(from) | Place::Behind(from) => w.get::<Eni>(&from).and_then(|from| from.instance),
        Place::Resident(_) | Place::CloudService | Place::Internet => None,
    };
    let instances = w.indexes().instances.by_vpc.of(&eni.vpc).filter_map(|id| w.get::<Instance>(id));
    instances
        .filter(|i| i.status == InstanceStatus::Running && Some(&i.zone) == zone && Some(i.id) != sender)
        .take(TRIED)
        .map(|i| AttachEni { eni: id, instance: i.id, trunk: None }.into())
        .collect()
}

/// The routes that other tables of the VPC have for an address, for a table that has none; but none back to the sender,
/// who would have nowhere to send the packet.
fn routes_of_siblings(w: &World, trace: &Trace, table: RouteTableId, address: IpAddr) -> Vec<Command> {
    let Some(lacking) = w.get::<RouteTable>(&table) else { return Vec::new() };
    let siblings = w.indexes().route_tables.by_vpc.of(&lacking.vpc).filter_map(|id| w.get::<RouteTable>(id));
    let entries = siblings.filter_map(|sibling| route_table::lookup(w, sibling, address));
    let mut changes: Vec<Command> = Vec::new();
    let sender = |next_hop: NextHop| match (trace.question.from, next_hop) {
        (Place::Interface(from) | Place::Behind(from), NextHop::NetworkInterface(id)) => id == from,
        (Place::Interface(from) | Place::Behind(from), NextHop::Instance(id)) => {
            w.get::<Instance>(&id).is_some_and(|instance| instance.primary_eni == from)
        }
        _ => false,
    };
    let back = trace.ending.leg == Leg::Return;
    for entry in entries.filter(|e| e.next_hop != NextHop::Local && (back || !sender(e.next_hop))) {
        let next_hop = HopChoice {
            kind: Some(entry.next_hop.text().into()),
            id: entry.next_hop.id().map(|id| id.to_string().into()),
            list: Vec::new(),
        };
        let entry = NewEntry {
            table: table.to_string().into(),
            destination: entry.destination.to_string().into(),
            next_hop,
            name: None,
            description: None,
        };
        let change = CreateRouteEntry { entry }.into();
        if changes.len() < TRIED && !changes.contains(&change) {
            changes.push(change);
        }
    }
    changes
}

/// The routes into vSwitches of peered VPCs in which an address lies.
fn routes_to_peers(w: &World, table: RouteTableId, address: IpAddr) -> Vec<Command> {
    let Some(lacking) = w.get::<RouteTable>(&table) else { return Vec::new() };
    let peers = w.indexes().vpc_peers.by_vpc.of(&lacking.vpc).filter_map(|id| w.get::<VpcPeer>(id));
    let block = |peer: &VpcPeer| {
        let there = vpc::vswitches(w, peer.other_side(lacking.vpc)?);
        let mut blocks = there.flat_map(|s| [Some(Cidr::from(s.block)), s.ipv6.map(Cidr::from)]).flatten();
        blocks.find(|block| block.contains_address(address))
    };
    let at_work = peers.filter(|peer| peer.status == PeerStatus::Activated);
    let route = |peer: &VpcPeer| {
        let (kind, id) = (NextHopKind::VpcPeer.text(), peer.id.to_string());
        let next_hop = HopChoice { kind: Some(kind.into()), id: Some(id.into()), list: Vec::new() };
        let (table, destination) = (table.to_string().into(), block(peer)?.to_string().into());
        let entry = NewEntry { table, destination, next_hop, name: None, description: None };
        Some(CreateRouteEntry { entry }.into())
    };
    at_work.filter_map(route).take(TRIED).collect()
}

/// The entries by which the packet was forwarded on the leg where it ended, the last first.
fn forwarding_routes(trace: &Trace) -> impl Iterator<Item = RouteEntryId> {
    last_leg(trace).iter().rev().filter_map(|hop| match hop {
        Hop::Route { entry, next_hop, .. } if *next_hop != NextHop::Local => Some(*entry),
        Hop::GatewayRoute { entry, .. } | Hop::RouterRoute { entry, .. } => Some(*entry),
        _ => None,
    })
}

/// Taking away the route that led to where the packet was lost, if one did: a wider one may go round it.
fn without_last_route(w: &World, trace: &Trace) -> Option<Command> {
    forwarding_routes(trace).next().map(|entry| without_route(w, entry))
}

/// The entry goes, or leads into the VPC again if it is of a gateway's table.
fn without_route(w: &World, entry: RouteEntryId) -> Command {
    let row = w.get::<RouteEntry>(&entry);
    let of_gateway = |row: &&RouteEntry| {
        let table = w.get::<RouteTable>(&row.table);
        table.is_some_and(|table| table.associate_type == AssociateType::Gateway)
    };
    if let Some(row) = row.filter(of_gateway) {
        return UpdateGatewayRouteEntry {
            route_table: row.table,
            destination: row.destination.to_string().into(),
            next_hop_kind: NextHop::Local.text().into(),
            next_hop: None,
            name: None,
            description: None,
        }
        .into();
    }
    let entry = EntryRef { entry: Some(entry.to_string().into()), ..EntryRef::default() };
    DeleteRouteEntry { entry, next_hop: None, next_hops: Vec::new() }.into()
}
