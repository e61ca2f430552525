//! Due work: what will happen at a known instant if nothing else happens first.

use crate::ecs::service_port::PortProtocol;
use crate::id::{
    EipId, EniId, ForwardEntryId, HaVipId, InstanceId, Ipv4GatewayId, Ipv6EgressRuleId, Ipv6GatewayId,
    ListenerId, NatGatewayId, NetworkAclId, OutageId, RouteEntryId, RouteTableId, RouterInterfaceId,
    SnatEntryId, TlsPolicyId, VSwitchId, VpcId, VpcPeerId,
};
use crate::table::Row;
use crate::time::{SimTime, Span};
use crate::world::{Indexes, World};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Something that falls due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// When.
    pub due: SimTime,
    /// The order among those due at the same instant.
    pub seq: u64,
    /// What.
    pub work: Due,
}

/// What falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Due {
    /// A VPC leaves its transition.
    Vpc(VpcId),
    /// A vSwitch leaves its transition.
    VSwitch(VSwitchId),
    /// A route table leaves its transition.
    RouteTable(RouteTableId),
    /// A route entry leaves its transition.
    RouteEntry(RouteEntryId),
    /// A network interface leaves its transition.
    Eni(EniId),
    /// An instance leaves its transition.
    Instance(InstanceId),
    /// A listener leaves its transition.
    Listener(ListenerId),
    /// An elastic IP address leaves its transition.
    Eip(EipId),
    /// A NAT gateway leaves its transition.
    NatGateway(NatGatewayId),
    /// An SNAT entry leaves its transition.
    SnatEntry(SnatEntryId),
    /// A DNAT entry leaves its transition.
    ForwardEntry(ForwardEntryId),
    /// A HaVip leaves its transition.
    HaVip(HaVipId),
    /// An IPv4 gateway leaves its transition.
    Ipv4Gateway(Ipv4GatewayId),
    /// An IPv6 gateway leaves its transition.
    Ipv6Gateway(Ipv6GatewayId),
    /// An egress-only rule of an IPv6 gateway leaves its transition.
    Ipv6EgressRule(Ipv6EgressRuleId),
    /// A router interface leaves its transition.
    RouterInterface(RouterInterfaceId),
    /// A peering connection leaves its transition, or its request expires.
    VpcPeer(VpcPeerId),
    /// A network ACL and its bindings leave their transition.
    NetworkAcl(NetworkAclId),
    /// The schedule of a port of an instance goes on.
    ServicePort(InstanceId, PortProtocol, u16),
    /// An outage begins or ends.
    Outage(OutageId),
    /// The listeners that use a TLS cipher policy follow its change.
    TlsPolicy(TlsPolicyId),
}

/// What is derived from timers.
#[derive(Clone, Debug, Default)]
pub struct TimerIndex {
    by_work: BTreeSet<(Due, SimTime, u64)>,
}

impl Row for Timer {
    type Key = (SimTime, u64);
    type Index = TimerIndex;
    fn key(&self) -> Self::Key {
        (self.due, self.seq)
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let by_work = &mut indexes.timers.by_work;
        let entry = |timer: &Self| (timer.work, timer.due, timer.seq);
        if let Some(old) = old {
            by_work.remove(&entry(old));
        }
        by_work.extend(new.map(entry));
    }
}

impl World {
    /// Lets `work` fall due after `span`.
    pub(crate) fn schedule(&mut self, span: Span, work: Due) {
        let seq = self.count_up(Counter::TIMERS);
        let due = self.now() + span;
        self.put(Timer { due, seq, work });
    }

    /// Forgets `work` of something that goes before it has ended.
    pub(crate) fn unschedule(&mut self, work: Due) {
        let of_work = self.indexes().timers.by_work.range((work, SimTime(i64::MIN), 0)..);
        let keys: Vec<_> =
            of_work.take_while(|timer| timer.0 == work).map(|&(_, due, seq)| (due, seq)).collect();
        keys.iter().for_each(|key| self.remove::<Timer>(key));
    }

    /// When the next work falls due.
    pub fn next_due(&self) -> Option<SimTime> {
        self.table::<Timer>().iter().next().map(|timer| timer.due)
    }

    /// Fires the first timer that is due at or before `limit`; false if there is none.
    pub(crate) fn fire_next(&mut self, limit: SimTime) -> bool {
        let Some(timer) = self.table::<Timer>().iter().next().filter(|t| t.due <= limit).cloned() else {
            return false;
        };
        self.remove::<Timer>(&timer.key());
        self.set_now(timer.due);
        let start = self.mark();
        match timer.work {
            Due::Vpc(id) => crate::vpc::vpc::settle(self, id),
            Due::VSwitch(id) => crate::vpc::vswitch::settle(self, id),
            // -- routes
            Due::RouteTable(id) => crate::vpc::route_table::settle(self, id),
            Due::RouteEntry(id) => crate::vpc::route_entry::settle(self, id),
            // -- network interfaces
            Due::Eni(id) => crate::ecs::eni_attachment::settle(self, id),
            // -- instances
            Due::Instance(id) => crate::ecs::instance_life::settle(self, id),
            // -- load balancers
            Due::Listener(id) => crate::slb::listener::settle(self, id),
            // -- elastic IP addresses
            Due::Eip(id) => crate::vpc::eip_binding::settle(self, id),
            Due::NatGateway(id) => crate::vpc::nat_gateway::settle(self, id),
            Due::SnatEntry(id) => crate::vpc::snat::settle(self, id),
            Due::ForwardEntry(id) => crate::vpc::forward_entry::settle(self, id),
            // -- gateways
            Due::HaVip(id) => crate::vpc::ha_vip::settle(self, id),
            Due::Ipv4Gateway(id) => crate::vpc::ipv4_gateway::settle(self, id),
            Due::Ipv6Gateway(id) => crate::vpc::ipv6_gateway::settle(self, id),
            Due::Ipv6EgressRule(id) => crate::vpc::ipv6_egress_rule::settle(self, id),
            Due::RouterInterface(id) => crate::vpc::router_interface::settle(self, id),
            Due::VpcPeer(id) => crate::vpc::vpc_peer::settle(self, id),
            // -- network ACLs
            Due::NetworkAcl(id) => crate::vpc::network_acl::settle(self, id),
            // -- how ports answer, outages
            Due::ServicePort(instance, protocol, port) => {
                crate::ecs::service_port::settle(self, (instance, protocol, port));
            }
            Due::Outage(id) => crate::ecs::outage::settle(self, id),
            Due::TlsPolicy(id) => crate::slb::tls_policy::settle(self, id),
        }
        crate::slb::health::follow(self, start);
        true
    }
}

/// A stream of numbers: 1, 2, 3 and so on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// Which stream.
    pub stream: u8,
    /// The last number taken.
    pub last: u64,
}

impl Counter {
    /// Numbers of objects, for ids.
    pub const OBJECTS: u8 = 0;
    /// Numbers of timers, for their order.
    pub const TIMERS: u8 = 1;
    /// Numbers of tokens, for their age.
    pub const TOKENS: u8 = 2;
    /// Numbers of IPv6 blocks given to VPCs.
    pub const IPV6_BLOCKS: u8 = 3;
    /// Numbers of elastic IP addresses, for the addresses themselves.
    pub const EIPS: u8 = 4;
    /// Numbers of internet addresses given to load balancers.
    pub const LOAD_BALANCER_ADDRESSES: u8 = 5;
    /// Numbers of orders.
    pub const ORDERS: u8 = 6;
}

impl Row for Counter {
    type Key = u8;
    type Index = ();
    fn key(&self) -> u8 {
        self.stream
    }
}

impl World {
    /// Takes the next number of a stream.
    pub(crate) fn count_up(&mut self, stream: u8) -> u64 {
        let last = self.get::<Counter>(&stream).map_or(0, |c| c.last) + 1;
        self.put(Counter { stream, last });
        last
    }
}
