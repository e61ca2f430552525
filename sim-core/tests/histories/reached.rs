//! What histories reach: a property says little about states that never come up.

use sim_core::balancing::probe_series::Health;
use sim_core::ecs::eni::{Eni, EniKind, EniStatus};
use sim_core::ecs::instance::{Instance, InstanceStatus};
use sim_core::ecs::outage::Outage;
use sim_core::ecs::public_address::PublicAddress;
use sim_core::ecs::security_group_rule::{Peer, SecurityGroupRule};
use sim_core::ecs::service_port::ServicePort;
use sim_core::error::ErrorKind;
use sim_core::slb::health::BackendCheck;
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::slb::zones;
use sim_core::timer::Timer;
use sim_core::token::Remembered;
use sim_core::vpc::cidr_reservation::CidrReservation;
use sim_core::vpc::eip::{Eip, EipStatus};
use sim_core::vpc::eip_binding::{Mode, TargetKind};
use sim_core::vpc::forward_entry::ForwardEntry;
use sim_core::vpc::ha_vip::{HaVip, HaVipStatus};
use sim_core::vpc::ipv4_gateway::{GatewayStatus, Ipv4Gateway};
use sim_core::vpc::ipv6_bandwidth::Ipv6Bandwidth;
use sim_core::vpc::ipv6_egress_rule::{EgressRuleStatus, Ipv6EgressRule};
use sim_core::vpc::network_acl_binding::{BindingStatus, NetworkAclBinding};
use sim_core::vpc::next_hop::NextHop;
use sim_core::vpc::resident::Resident;
use sim_core::vpc::route_entry::{EntryStatus, RouteEntry};
use sim_core::vpc::route_table::{RouteTable, Status};
use sim_core::vpc::router_interface::{RouterInterface, RouterInterfaceStatus};
use sim_core::vpc::snat::{NatEntryStatus, SnatEntry};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vpc_peer::{PeerStatus, VpcPeer};
use sim_core::vpc::vswitch::VSwitch;
use sim_core::{Applied, Caller, Command, ErrorCode, World};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default)]
pub struct Reached {
    pub accepted: BTreeMap<&'static str, u64>,
    pub refused: BTreeMap<&'static str, u64>,
    pub codes: BTreeSet<ErrorCode>,
    pub states: BTreeMap<&'static str, u64>,
}

impl Reached {
    pub fn add(&mut self, other: Reached) {
        let sum = |into: &mut BTreeMap<&'static str, u64>, from: BTreeMap<&'static str, u64>| {
            from.into_iter().for_each(|(name, count)| *into.entry(name).or_default() += count);
        };
        sum(&mut self.accepted, other.accepted);
        sum(&mut self.refused, other.refused);
        sum(&mut self.states, other.states);
        self.codes.extend(other.codes);
    }

    fn state(&mut self, name: &'static str, is: bool) {
        if is {
            *self.states.entry(name).or_default() += 1;
        }
    }

    pub fn note(&mut self, caller: &Caller, command: &Command, applied: &Applied) {
        match &applied.outcome {
            Ok(_) => *self.accepted.entry(command.name()).or_default() += 1,
            Err(refusal) => {
                *self.refused.entry(command.name()).or_default() += 1;
                self.codes.insert(refusal.code());
                let kind = refusal.code().kind();
                self.state("a quota is full", kind == ErrorKind::Quota);
                self.state("something is busy", kind == ErrorKind::Busy);
                self.state("something is needed", kind == ErrorKind::Dependency);
                self.state("the addresses are used up", kind == ErrorKind::Exhausted);
                self.state("something is in transition", kind == ErrorKind::State);
                self.state("a token comes with other parameters", kind == ErrorKind::Token);
            }
        }
        self.state("a token is owed its answer", applied.replayed);
        self.state("a dry run passes", caller.dry_run && applied.outcome.is_ok());
        let fired = applied.entry.as_ref().is_some_and(|e| e.command.is_none());
        self.state("only time is worth an entry", fired);
    }

    pub fn look(&mut self, w: &World) {
        self.state("a VPC is pending", w.table::<Vpc>().iter().any(|v| v.status == Status::Pending));
        self.state("a vSwitch is pending", w.table::<VSwitch>().iter().any(|s| s.status == Status::Pending));
        self.state("a table is pending", w.table::<RouteTable>().iter().any(|t| t.status == Status::Pending));
        let entries = || w.table::<RouteEntry>().iter();
        self.state("an entry is pending", entries().any(|e| e.status == EntryStatus::Pending));
        self.state("an entry is being changed", entries().any(|e| e.status == EntryStatus::Modifying));
        self.state("a system entry has another next hop", entries().any(RouteEntry::replaces_system));
        let lost =
            |e: &RouteEntry| e.next_hop.id().is_some_and(|id| sim_core::resource::owner_of(w, id).is_none());
        self.state("a next hop is gone", entries().any(lost));
        self.state("several things are pending", w.table::<Timer>().len() > 1);
        self.state("a VPC has shrunk", w.table::<Vpc>().iter().any(|v| v.block != v.original_block));
        self.state("a VPC has a second block", w.table::<Vpc>().iter().any(|v| !v.secondary.is_empty()));
        self.state("a vSwitch has a table", w.table::<VSwitch>().iter().any(|s| s.route_table.is_some()));
        let eips = || w.table::<Eip>().iter();
        let mode = |e: &Eip| e.binding.map(|b| b.mode);
        self.state("an elastic IP address is bound", eips().any(|e| e.status == EipStatus::InUse));
        self.state(
            "an elastic IP address is being bound",
            eips().any(|e| e.status == EipStatus::Associating),
        );
        self.state(
            "an elastic IP address is being taken off",
            eips().any(|e| e.status == EipStatus::Unassociating),
        );
        let public = |is: fn(&PublicAddress) -> bool| {
            w.table::<Instance>().iter().filter_map(|i| i.public).any(|p| is(&p))
        };
        self.state("a static public address is in force", public(|p| p.in_force));
        self.state(
            "a static public address waits for a start",
            public(|p| !p.in_force && p.address.is_some()),
        );
        self.state("a static public address was given back", public(|p| p.address.is_none()));
        let vips = || w.table::<HaVip>().iter();
        self.state("a HaVip is bound", vips().any(|vip| vip.status == HaVipStatus::InUse));
        self.state("a HaVip is being bound", vips().any(|vip| vip.status == HaVipStatus::Associating));
        let balanced = eips().any(|e| e.binding.is_some_and(|b| b.target.kind() == TargetKind::SlbInstance));
        self.state("a load balancer has an elastic IP address", balanced);
        self.state("a HaVip has an elastic IP address", vips().any(|vip| vip.eip(w).is_some()));
        let several = |vip: &HaVip| vip.bound.len() > 1;
        self.state("a HaVip is bound to several", vips().any(several));
        self.state("an interface is cut through", eips().any(|e| mode(e) == Some(Mode::Binded)));
        self.state("a port was told to do something", !w.table::<ServicePort>().is_empty());
        self.state("a port has a schedule", w.table::<ServicePort>().iter().any(|p| !p.planned.is_empty()));
        self.state("an outage is under way", w.table::<Outage>().iter().any(|o| o.active));
        self.state("an outage is to come", w.table::<Outage>().iter().any(|o| !o.active));
        let serves = |b: &LoadBalancer| zones::serving(w, b).ok().map(|zone| *zone == b.slave_zone);
        let any = |wanted| w.table::<LoadBalancer>().iter().any(|b| serves(b) == wanted);
        self.state("a load balancer serves from its slave zone", any(Some(true)));
        self.state("a load balancer serves from no zone", any(None));
        let checks = || w.table::<BackendCheck>().iter();
        let known = |wanted: Health| {
            checks().any(|check| {
                let mut series = check.series;
                series.bring_to(w.now());
                series.health() == wanted
            })
        };
        self.state("a backend waits for a verdict", known(Health::Unavailable));
        self.state("a backend is healthy", known(Health::Normal));
        self.state("a backend is unhealthy", known(Health::Abnormal));
        let entries = || w.table::<SnatEntry>().iter();
        self.state("an SNAT entry is there", entries().next().is_some());
        self.state(
            "an SNAT entry is in transition",
            entries().any(|e| e.status != NatEntryStatus::Available),
        );
        let forwards = || w.table::<ForwardEntry>().iter();
        self.state("a DNAT entry is there", forwards().next().is_some());
        self.state(
            "a DNAT entry is in transition",
            forwards().any(|e| e.status != NatEntryStatus::Available),
        );
        let v4 = || w.table::<Ipv4Gateway>().iter();
        self.state("an IPv4 gateway is active", v4().any(|g| g.enabled));
        self.state("an IPv4 gateway is in transition", v4().any(|g| g.status != GatewayStatus::Created));
        self.state("an IPv6 address has bandwidth", w.table::<Ipv6Bandwidth>().iter().next().is_some());
        let outward = |r: &Ipv6EgressRule| r.status == EgressRuleStatus::Available;
        self.state("an egress-only rule is in force", w.table::<Ipv6EgressRule>().iter().any(outward));
        let peers = || w.table::<VpcPeer>().iter();
        self.state("a peering request waits", peers().any(|p| p.status == PeerStatus::Accepting));
        self.state("a peering connection is at work", peers().any(|p| p.status == PeerStatus::Activated));
        self.state("a peering connection leads to another account", {
            peers().any(|p| p.owner.account != p.accepter.account)
        });
        let interfaces = || w.table::<RouterInterface>().iter();
        self.state("router interfaces are connected", interfaces().any(RouterInterface::is_at_work));
        self.state("a router interface is frozen", {
            interfaces().any(|r| r.status == RouterInterfaceStatus::Inactive)
        });
        let leads = |e: &RouteEntry| matches!(e.next_hop, NextHop::RouterInterface(_));
        self.state("a route leads to a router interface", w.table::<RouteEntry>().iter().any(leads));
        let leads = |e: &RouteEntry| matches!(e.next_hop, NextHop::VpcPeer(_));
        self.state("a route leads to a peering connection", w.table::<RouteEntry>().iter().any(leads));
        let bindings = || w.table::<NetworkAclBinding>().iter();
        self.state("an ACL filters", bindings().any(|b| b.status == BindingStatus::Binded));
        self.state("an ACL is being bound", bindings().any(|b| b.status == BindingStatus::Binding));
        self.state("an ACL is being unbound", bindings().any(|b| b.status == BindingStatus::Unbinding));
        let reserved = w.table::<CidrReservation>();
        self.state("IPv4 is reserved", reserved.iter().any(|r| r.block.is_v4()));
        self.state("IPv6 is reserved", reserved.iter().any(|r| !r.block.is_v4()));
        let enis = || w.table::<Eni>().iter();
        self.state("an interface has a prefix", enis().any(|e| !e.ipv4_prefixes.is_empty()));
        self.state("an interface has an IPv6 prefix", enis().any(|e| !e.ipv6_prefixes.is_empty()));
        self.state("an interface has IPv6", enis().any(|e| !e.ipv6.is_empty()));
        self.state("an interface has two groups", enis().any(|e| e.groups.len() > 1));
        self.state("an interface is a member", enis().any(|e| e.kind == EniKind::Member));
        self.state("an interface is being attached", enis().any(|e| e.status == EniStatus::Attaching));
        self.state("an interface is being detached", enis().any(|e| e.status == EniStatus::Detaching));
        let instances = || w.table::<Instance>().iter();
        for (name, status) in [
            ("an instance is pending", InstanceStatus::Pending),
            ("an instance starts", InstanceStatus::Starting),
            ("an instance runs", InstanceStatus::Running),
            ("an instance stops", InstanceStatus::Stopping),
            ("an instance is stopped", InstanceStatus::Stopped),
        ] {
            self.state(name, instances().any(|i| i.status == status));
        }
        self.state("a resident lives in a VPC", !w.table::<Resident>().is_empty());
        let rules = || w.table::<SecurityGroupRule>().iter();
        self.state("a rule names a group", rules().any(|r| matches!(r.spec.peer, Peer::Group(_))));
        self.state("a rule names a list", rules().any(|r| matches!(r.spec.peer, Peer::List(_))));
        self.state("several accounts have VPCs", {
            w.table::<Vpc>().iter().map(|v| &v.owner).collect::<BTreeSet<_>>().len() > 1
        });
        self.state("tokens are remembered", w.table::<Remembered>().len() > 1);
        let full = |pool: &sim_core::cidr::AddressPool| pool.free_count() == 0;
        self.state("a vSwitch is full", w.indexes().vswitches.pools.values().any(full));
    }
}

/// Every state that [`Reached::look`] and [`Reached::note`] know.
pub const STATES: &[&str] = &[
    "a DNAT entry is in transition",
    "a DNAT entry is there",
    "a VPC has a second block",
    "a VPC has shrunk",
    "a VPC is pending",
    "a backend is healthy",
    "a backend is unhealthy",
    "a backend waits for a verdict",
    "a dry run passes",
    "a next hop is gone",
    "a load balancer serves from its slave zone",
    "a load balancer serves from no zone",
    "a peering connection is at work",
    "a peering connection leads to another account",
    "a peering request waits",
    "a port has a schedule",
    "a port was told to do something",
    "a quota is full",
    "a route leads to a peering connection",
    "a route leads to a router interface",
    "a router interface is frozen",
    "a rule names a group",
    "a rule names a list",
    "a system entry has another next hop",
    "a table is pending",
    "a token comes with other parameters",
    "a token is owed its answer",
    "a vSwitch has a table",
    "a vSwitch is full",
    "a vSwitch is pending",
    "an ACL filters",
    "an ACL is being bound",
    "an ACL is being unbound",
    "an elastic IP address is being bound",
    "an elastic IP address is being taken off",
    "an elastic IP address is bound",
    "an IPv4 gateway is active",
    "an IPv4 gateway is in transition",
    "an IPv6 address has bandwidth",
    "an SNAT entry is in transition",
    "an SNAT entry is there",
    "an egress-only rule is in force",
    "an entry is being changed",
    "an entry is pending",
    "an outage is to come",
    "an outage is under way",
    "an interface has IPv6",
    "an interface has a prefix",
    "an interface has an IPv6 prefix",
    "an interface has two groups",
    "an interface is a member",
    "an interface is being attached",
    "an interface is being detached",
    "an interface is cut through",
    "an instance is pending",
    "an instance is stopped",
    "an instance runs",
    "an instance starts",
    "an instance stops",
    "a resident lives in a VPC",
    "IPv4 is reserved",
    "IPv6 is reserved",
    "only time is worth an entry",
    "router interfaces are connected",
    "several accounts have VPCs",
    "several things are pending",
    "something is busy",
    "something is in transition",
    "something is needed",
    "the addresses are used up",
    "tokens are remembered",
];
