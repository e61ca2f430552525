//! The answer of a trace: the steps of the way, and how it ends. Ids are the evidence; words are made where they are
//! shown.

use super::flow::Header;
use super::no_path::NoPath;
use crate::balancing::scheduler::Scheduler;
use crate::cidr::Cidr;
use crate::ecs::eni::EniStatus;
use crate::ecs::group_filter::{DecidedBy, Verdict};
use crate::ecs::instance::InstanceStatus;
use crate::ecs::security_group_rule::Direction;
use crate::id::{
    AnyId, EipId, EniId, ForwardEntryId, ForwardingRuleId, HaVipId, InstanceId, Ipv4GatewayId,
    Ipv6EgressRuleId, ListenerId, LoadBalancerId, NatGatewayId, NetworkAclId, NetworkAclRuleId, OutageId,
    ResidentId, RouteEntryId, RouteTableId, RouterInterfaceId, SnatEntryId, VSwitchId, VpcId, VpcPeerId,
};
use crate::slb::backend::Server;
use crate::slb::listener::ListenerStatus;
use crate::slb::listener_access::AccessVerdict;
use crate::slb::serving::ServingPool;
use crate::slb::zones::Unserved;
use crate::time::Span;
use crate::vpc::eip::EipStatus;
use crate::vpc::network_acl_filter;
use crate::vpc::next_hop::NextHop;
use std::net::IpAddr;

/// How long a security group remembers a session without packets (provider documentation: security groups, 2026).
pub const SESSION_LIFETIME: Span = Span(910_000);

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leg {
    /// From the sender to the receiver.
    Forward,
    /// The answer.
    Return,
}

impl Leg {
    /// A word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Leg::Forward => "forward",
            Leg::Return => "return",
        }
    }
}

/// Where a packet starts or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// An interface, at an address that it holds.
    Interface(EniId),
    /// Something behind the instance of an interface, such as a pod: routes lead there by the interface.
    Behind(EniId),
    /// A managed resident.
    Resident(ResidentId),
    /// A service of the provider in 100.64.0.0/10. What answers there is not modelled.
    CloudService,
    /// A host on the internet.
    Internet,
}

/// An entry by which a NAT gateway translates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NatEntryId {
    /// On the way out, and its answers.
    Snat(SnatEntryId),
    /// On the way in, and its answers; for every port both ways.
    Forward(ForwardEntryId),
}

impl NatEntryId {
    /// The SNAT entry, if it is one.
    pub const fn snat(self) -> Option<SnatEntryId> {
        match self {
            NatEntryId::Snat(id) => Some(id),
            NatEntryId::Forward(_) => None,
        }
    }

    /// The DNAT entry, if it is one.
    pub const fn forward(self) -> Option<ForwardEntryId> {
        match self {
            NatEntryId::Forward(id) => Some(id),
            NatEntryId::Snat(_) => None,
        }
    }
}

impl From<NatEntryId> for AnyId {
    fn from(id: NatEntryId) -> AnyId {
        match id {
            NatEntryId::Snat(id) => id.into(),
            NatEntryId::Forward(id) => id.into(),
        }
    }
}

/// What forwarding rules made of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleVerdict {
    /// One of the rules whose domain is nearest to the host, of which alone the URLs are asked; absent if no rule's domain
    /// covers the host.
    pub nearest: Option<ForwardingRuleId>,
    /// The rule that takes the request; absent if none does, and the listener's own pool serves.
    pub taken_by: Option<ForwardingRuleId>,
}

/// A step of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// A packet starts.
    Sent {
        /// Where.
        place: Place,
        /// With this header.
        header: Header,
    },
    /// Security groups judged a new session.
    Groups {
        /// Whose groups: of an interface or a resident.
        member: Place,
        /// Which way the session goes, seen from the member.
        direction: Direction,
        /// What they made of it.
        verdict: Verdict,
    },
    /// Security groups let the answer of a session through that they know; see [`SESSION_LIFETIME`].
    Session {
        /// Whose groups.
        member: Place,
        /// Which way the answer goes.
        direction: Direction,
    },
    /// A network ACL judged what crosses the edge of its vSwitch.
    NetworkAcl {
        /// The vSwitch.
        vswitch: VSwitchId,
        /// Its ACL.
        acl: NetworkAclId,
        /// Whether the packet comes in or goes out.
        direction: Direction,
        /// What the ACL made of it.
        verdict: network_acl_filter::Verdict,
    },
    /// A route was chosen: of the entries of the vSwitch's table that hold the destination, the narrowest.
    Route {
        /// The vSwitch.
        vswitch: VSwitchId,
        /// Its table.
        table: RouteTableId,
        /// The entry.
        entry: RouteEntryId,
        /// The networks that the entry is for.
        destination: Cidr,
        /// Where it leads.
        next_hop: NextHop,
        /// The NAT gateway that asks for what it sends out of its own vSwitch; absent for everybody else.
        gateway: Option<NatGatewayId>,
    },
    /// What came in by an IPv4 gateway asked its route table, which leads elsewhere than to the destination.
    GatewayRoute {
        /// The gateway.
        gateway: Ipv4GatewayId,
        /// Its table.
        table: RouteTableId,
        /// The entry.
        entry: RouteEntryId,
        /// The networks that the entry is for.
        destination: Cidr,
        /// Where it leads.
        next_hop: NextHop,
    },
    /// A HaVip led to the interface that answers for it.
    Answered {
        /// The HaVip.
        ha_vip: HaVipId,
        /// Its master.
        eni: EniId,
    },
    /// An elastic IP address took the place of a private one, or the other way round.
    Translated {
        /// The elastic IP address.
        eip: EipId,
        /// The entry of the NAT gateway that did it; absent if the address stands for the private one alone.
        by: Option<NatEntryId>,
        /// The header from here on.
        header: Header,
    },
    /// The slave zone of a load balancer serves, since its master zone is down.
    StandbyZone {
        /// The load balancer.
        load_balancer: LoadBalancerId,
    },
    /// The static public address of an instance stands for its private one, or the other way round.
    Masked {
        /// The instance.
        instance: InstanceId,
        /// The header with which the packet goes on.
        header: Header,
    },
    /// A listener of a load balancer took the packet.
    Listener {
        /// The load balancer.
        load_balancer: LoadBalancerId,
        /// The listener.
        listener: ListenerId,
    },
    /// The access control of a listener judged the client.
    ListenerAccess {
        /// The listener.
        listener: ListenerId,
        /// What it made of it.
        verdict: AccessVerdict,
    },
    /// A listener that has forwarding rules asked them with the request, or could not, since there is none.
    ForwardingRules {
        /// The listener.
        listener: ListenerId,
        /// How many rules it has.
        rules: usize,
        /// What they made of the request; absent if there is none, and the listener's own pool serves.
        verdict: Option<RuleVerdict>,
    },
    /// A load balancer sent the packet on to one of its backends.
    Balanced {
        /// The load balancer.
        load_balancer: LoadBalancerId,
        /// The listener.
        listener: ListenerId,
        /// The pool whose member it is.
        pool: ServingPool,
        /// How it was chosen.
        scheduler: Scheduler,
        /// The backend.
        server: Server,
        /// The header from here on.
        header: Header,
    },
    /// A load balancer sent an answer on to its client.
    Returned {
        /// The load balancer.
        load_balancer: LoadBalancerId,
        /// The listener.
        listener: ListenerId,
        /// The header from here on.
        header: Header,
    },
    /// An instance passed the packet on that is not for it.
    Forwarded {
        /// The instance.
        instance: InstanceId,
        /// By this interface.
        eni: EniId,
    },
    /// A peering connection carried the packet into its other VPC.
    Peered {
        /// The connection.
        peer: VpcPeerId,
        /// The VPC where the packet is now.
        vpc: VpcId,
    },
    /// A router interface carried the packet to the router of another VPC.
    Crossed {
        /// The interface.
        router_interface: RouterInterfaceId,
        /// The VPC where the packet is now.
        vpc: VpcId,
    },
    /// A router to which a router interface carried the packet chose a route of its system table.
    RouterRoute {
        /// The VPC of the router.
        vpc: VpcId,
        /// The table.
        table: RouteTableId,
        /// The entry.
        entry: RouteEntryId,
        /// The networks that the entry is for.
        destination: Cidr,
        /// Where it leads.
        next_hop: NextHop,
    },
    /// The packet arrived.
    Taken {
        /// Where.
        place: Place,
    },
}

impl Hop {
    /// Whether the packet goes on from here: what judges it may drop it.
    pub const fn lets_through(&self) -> bool {
        match self {
            Hop::Groups { verdict, .. } => verdict.allowed,
            Hop::NetworkAcl { verdict, .. } => verdict.allowed,
            Hop::ListenerAccess { verdict, .. } => verdict.allowed,
            _ => true,
        }
    }
}

/// How a way ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The packet arrived, and its answer came back.
    Delivered(Place),
    /// Security groups drop it.
    GroupsDrop {
        /// Whose groups.
        member: Place,
        /// Which way the session goes, seen from the member.
        direction: Direction,
        /// What decided.
        decided_by: DecidedBy,
    },
    /// A network ACL drops it.
    AclDrop {
        /// The vSwitch.
        vswitch: VSwitchId,
        /// Its ACL.
        acl: NetworkAclId,
        /// Whether the packet comes in or goes out.
        direction: Direction,
        /// The rule that decided.
        rule: NetworkAclRuleId,
    },
    /// An interface that is attached to no instance neither sends nor receives.
    NotAttached {
        /// The interface.
        eni: EniId,
        /// Where it is in its life.
        status: EniStatus,
    },
    /// An instance that does not run neither sends nor receives nor forwards.
    InstanceDown {
        /// The instance.
        instance: InstanceId,
        /// The interface by which the packet would have gone.
        eni: EniId,
        /// Where the instance is in its life.
        status: InstanceStatus,
    },
    /// An outage cuts an interface off: its own, its instance's or its zone's.
    CutOff {
        /// The interface.
        eni: EniId,
        /// The outage.
        outage: OutageId,
    },
    /// An interface drops packets with addresses that it does not hold.
    SourceDestCheck {
        /// The interface.
        eni: EniId,
        /// The foreign address.
        address: IpAddr,
    },
    /// No entry of the table holds the destination, which is no public address.
    NoRoute {
        /// The vSwitch.
        vswitch: VSwitchId,
        /// Its table.
        table: RouteTableId,
        /// The destination.
        address: IpAddr,
    },
    /// The next hop of an entry does not exist any more.
    NextHopGone {
        /// The entry.
        entry: RouteEntryId,
        /// What it names.
        next_hop: NextHop,
    },
    /// Routes lead the packet to a network interface or a router interface that it has passed already.
    Loop {
        /// The network interface or router interface.
        at: AnyId,
        /// The entry that leads back to it.
        entry: RouteEntryId,
    },
    /// A connection of router interfaces carries nothing: one end is not at work, or is deleted.
    RouterInterfaceDown {
        /// The interface that the packet would have crossed.
        router_interface: RouterInterfaceId,
        /// Where it is in its life, in the provider's word.
        status: &'static str,
        /// Where the other end is in its life; absent if it is deleted.
        opposite: Option<&'static str>,
    },
    /// The destination lies in a vSwitch, and nobody there holds it.
    NobodyThere {
        /// The VPC.
        vpc: VpcId,
        /// The destination.
        address: IpAddr,
    },
    /// Nobody answers for a HaVip: it is bound to nothing that works.
    HaVipUnanswered {
        /// The HaVip.
        ha_vip: HaVipId,
        /// To how many interfaces it is bound.
        bound: usize,
    },
    /// A load balancer that is inactive or locked forwards nothing.
    BalancerDown {
        /// The load balancer.
        load_balancer: LoadBalancerId,
        /// Its state in the provider's word.
        status: &'static str,
    },
    /// The master zone of a load balancer is down, and the slave zone does not serve.
    ZonesDown {
        /// The load balancer.
        load_balancer: LoadBalancerId,
        /// Since which outage, and when the slave zone takes over.
        unserved: Unserved,
    },
    /// A load balancer has no listener for the protocol and the port.
    NoListener {
        /// The load balancer.
        load_balancer: LoadBalancerId,
        /// The port; 0 where the protocol has none.
        port: u16,
    },
    /// A listener that does not run forwards nothing.
    ListenerStopped {
        /// The listener.
        listener: ListenerId,
        /// Where it is in its life.
        status: ListenerStatus,
    },
    /// The access control of a listener keeps the client out.
    ListenerAccessDrop {
        /// The listener.
        listener: ListenerId,
        /// What decided.
        verdict: AccessVerdict,
    },
    /// The listener answers itself: it sends the client to another one.
    Redirected {
        /// The listener.
        listener: ListenerId,
        /// The port of the other one.
        port: u16,
    },
    /// None of the listener's members, or of those of its forwarding rule, takes new connections: none has a weight and is
    /// healthy.
    NoHealthyBackend {
        /// The listener.
        listener: ListenerId,
        /// The forwarding rule that takes the request; absent if the listener's own pool serves.
        rule: Option<ForwardingRuleId>,
        /// How many members it has.
        members: usize,
    },
    /// A backend called a listener of layer 4 and was chosen itself: the packet would come back to it with its own address
    /// as the source (provider documentation: CLB FAQ, 2021).
    BackendCallsItself {
        /// The listener.
        listener: ListenerId,
        /// The interface of the backend.
        eni: EniId,
    },
    /// A managed resident serves another port.
    NotServed {
        /// The resident.
        resident: ResidentId,
        /// The port that it serves.
        serves: u16,
    },
    /// The VPC has no way to the internet for the packet.
    NoPublicPath {
        /// The VPC.
        vpc: VpcId,
        /// The address inside the VPC.
        address: IpAddr,
        /// Why.
        why: NoPath,
    },
    /// An egress-only rule of the IPv6 gateway lets no session in to its address.
    EgressOnly {
        /// The rule.
        rule: Ipv6EgressRuleId,
        /// The address.
        address: IpAddr,
    },
    /// The elastic IP address is bound to nothing, or not yet, or no longer.
    EipNotBound {
        /// The elastic IP address.
        eip: EipId,
        /// Where it is in its life.
        status: EipStatus,
    },
    /// The static public address of the instance takes effect when it starts the next time.
    PublicAddressWaits {
        /// The instance.
        instance: InstanceId,
    },
    /// The NAT gateway to which the elastic IP address is bound has no DNAT entry in force for the packet.
    NotForwarded {
        /// The elastic IP address.
        eip: EipId,
        /// The gateway.
        gateway: NatGatewayId,
        /// The entry that is for it, and does nothing while its host has a public address of its own.
        inert: Option<ForwardEntryId>,
    },
    /// Nobody has this public address.
    NoPublicAddress {
        /// The address.
        address: IpAddr,
    },
    /// The internet does not carry packets to private addresses.
    PrivateFromOutside {
        /// The address.
        address: IpAddr,
    },
    /// The answer arrived, but not where the packet came from.
    AnswerAstray {
        /// Where it arrived.
        place: Place,
    },
    /// The answer arrived from another address or port than the packet was sent to, so that the sender does not know it.
    AnswerForeign {
        /// The address.
        address: IpAddr,
        /// The port.
        port: u16,
    },
}

/// The words for dispositions, each once.
macro_rules! words {
    ($($end:pat => $word:literal,)+) => {
        impl Disposition {
            /// Every word, in the order of the dispositions.
            pub const WORDS: &[&str] = &[$($word),+];

            /// A word for programs.
            pub const fn word(self) -> &'static str {
                match self { $($end => $word,)+ }
            }
        }
    };
}

words! {
    Disposition::Delivered(_) => "delivered",
    Disposition::GroupsDrop { .. } => "security_group_drop",
    Disposition::AclDrop { .. } => "network_acl_drop",
    Disposition::NotAttached { .. } => "not_attached",
    Disposition::InstanceDown { .. } => "instance_not_running",
    Disposition::CutOff { .. } => "cut_off",
    Disposition::SourceDestCheck { .. } => "source_dest_check",
    Disposition::NoRoute { .. } => "no_route",
    Disposition::NextHopGone { .. } => "next_hop_gone",
    Disposition::Loop { .. } => "loop",
    Disposition::RouterInterfaceDown { .. } => "router_interface_down",
    Disposition::NobodyThere { .. } => "nobody_there",
    Disposition::HaVipUnanswered { .. } => "ha_vip_unanswered",
    Disposition::BalancerDown { .. } => "load_balancer_down",
    Disposition::ZonesDown { .. } => "load_balancer_zones_down",
    Disposition::NoListener { .. } => "no_listener",
    Disposition::ListenerStopped { .. } => "listener_stopped",
    Disposition::ListenerAccessDrop { .. } => "listener_access_drop",
    Disposition::Redirected { .. } => "redirected",
    Disposition::NoHealthyBackend { .. } => "no_healthy_backend",
    Disposition::BackendCallsItself { .. } => "backend_calls_itself",
    Disposition::NotServed { .. } => "port_not_served",
    Disposition::NoPublicPath { .. } => "no_public_path",
    Disposition::EgressOnly { .. } => "ipv6_egress_only",
    Disposition::EipNotBound { .. } => "eip_not_bound",
    Disposition::PublicAddressWaits { .. } => "public_address_waits",
    Disposition::NotForwarded { .. } => "nat_not_forwarded",
    Disposition::NoPublicAddress { .. } => "no_public_address",
    Disposition::PrivateFromOutside { .. } => "private_from_outside",
    Disposition::AnswerAstray { .. } => "answer_astray",
    Disposition::AnswerForeign { .. } => "answer_foreign",
}

/// How a trace ends, and on which leg: a packet whose answer is lost ends on [`Leg::Return`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The leg on which it ends.
    pub leg: Leg,
    /// How.
    pub disposition: Disposition,
}

impl Ending {
    /// Whether the packet arrived and its answer came back.
    pub const fn delivered(&self) -> bool {
        matches!(self.disposition, Disposition::Delivered(_))
    }
}
