//! The steps and the end of a trace as the native wire shows them.

use serde::Serialize;
use sim_core::World;
use sim_core::datapath::{Disposition, Header, Hop, NatEntryId, NoPath, Place, Trace};
use sim_core::ecs::group_filter::DecidedBy;
use sim_core::ecs::security_group_rule::Direction;
use sim_core::id::{
    EniId, InstanceId, ListenerId, LoadBalancerId, NetworkAclId, NetworkAclRuleId, RouteTableId,
    RouterInterfaceId, VSwitchId,
};
use sim_core::slb::forwarding_rule::ForwardingRule;
use sim_core::slb::listener::Listener;
use sim_core::slb::listener_access::AccessVerdict;
use sim_core::slb::serving;
use sim_core::vpc::next_hop::NextHop;
use utoipa::ToSchema;

/// A step of a trace, or its end; what does not apply is absent.
#[derive(Default, Serialize, ToSchema)]
#[serde(default)]
pub struct StepBody {
    /// What it is. Steps: sent, security_groups, session, network_acl, route, translated, standby_zone, listener,
    /// listener_access, forwarding_rules, balanced, returned, forwarded, crossed, router_route, taken. Ends: delivered,
    /// security_group_drop, network_acl_drop, not_attached, instance_not_running, cut_off, ha_vip_unanswered,
    /// source_dest_check, no_route, next_hop_gone, loop, nobody_there, router_interface_down, load_balancer_down,
    /// load_balancer_zones_down, no_listener, listener_stopped, listener_access_drop, redirected, no_healthy_backend,
    /// backend_calls_itself, port_not_served, no_public_path, ipv6_egress_only, eip_not_bound, public_address_waits,
    /// nat_not_forwarded, no_public_address, private_from_outside, answer_astray, answer_foreign.
    #[schema(example = "security_groups")]
    kind: &'static str,
    /// Where: interface, behind (something behind the interface's instance), resident, cloud_service or internet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "interface")]
    place: Option<&'static str>,
    /// The interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    network_interface_id: Option<String>,
    /// The managed resident.
    #[serde(skip_serializing_if = "Option::is_none")]
    resident_id: Option<String>,
    /// The instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_id: Option<String>,
    /// Which way the packet goes, seen from the member of the groups: ingress or egress.
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<&'static str>,
    /// Whether it is let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<bool>,
    /// Why there is no public path, one cause each: private_destination, vpc_closed, no_route_to_gateway (with the gateway as the
    /// next hop that the table lacks), no_route_and_no_address, no_ipv6_gateway, no_snat_entry, no_public_address or
    /// no_ipv6_bandwidth.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    /// What decided: platform, inner_access, rule or default for groups; service, custom or system for the rule of a network
    /// ACL.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<&'static str>,
    /// The group whose members reach each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    security_group_id: Option<String>,
    /// The rule that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    security_group_rule_id: Option<String>,
    /// The HaVip.
    #[serde(skip_serializing_if = "Option::is_none")]
    ha_vip_id: Option<String>,
    /// The load balancer.
    #[serde(skip_serializing_if = "Option::is_none")]
    load_balancer_id: Option<String>,
    /// The outage that cuts off the interface, or the master zone of the load balancer.
    #[serde(skip_serializing_if = "Option::is_none")]
    outage_id: Option<String>,
    /// When the slave zone takes over; absent if it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-01-01T00:00:30.000Z")]
    takeover_at: Option<String>,
    /// The listener of a load balancer.
    #[serde(skip_serializing_if = "Option::is_none")]
    listener_id: Option<String>,
    /// The access control list of a listener that names the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_control_list_id: Option<String>,
    /// What a listener uses its access control lists for: white or black.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_control_type: Option<&'static str>,
    /// The forwarding rule that takes the request; absent if none does, and the listener's own pool serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    forwarding_rule_id: Option<String>,
    /// How many forwarding rules the listener has.
    #[serde(skip_serializing_if = "Option::is_none")]
    forwarding_rules: Option<usize>,
    /// Those of them that were asked, in this order: those of the domain nearest to the host, the longest URL first, up to the
    /// one that takes the request. Absent if there is no request to ask them with.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<Vec<AskedRuleBody>>,
    /// The vServer group of a backend, if it stands in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    vserver_group_id: Option<String>,
    /// The primary/secondary group of a backend, if it stands in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    master_slave_server_group_id: Option<String>,
    /// The backend that was chosen: an instance or a network interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_id: Option<String>,
    /// How it was chosen, absent for a primary/secondary group: wrr, rr, wlc, sch, tch or qch.
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduler: Option<&'static str>,
    /// How many members a listener or its forwarding rule has, or to how many interfaces a HaVip is bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<usize>,
    /// The elastic IP address; absent where the static public address of the instance translates.
    #[serde(skip_serializing_if = "Option::is_none")]
    eip_id: Option<String>,
    /// The SNAT entry of a NAT gateway that translates.
    #[serde(skip_serializing_if = "Option::is_none")]
    snat_entry_id: Option<String>,
    /// The DNAT entry of a NAT gateway that translates.
    #[serde(skip_serializing_if = "Option::is_none")]
    forward_entry_id: Option<String>,
    /// The NAT gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    nat_gateway_id: Option<String>,
    /// The IPv4 gateway whose route table was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv4_gateway_id: Option<String>,
    /// The egress-only rule of the IPv6 gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6_egress_only_rule_id: Option<String>,
    /// The network ACL.
    #[serde(skip_serializing_if = "Option::is_none")]
    network_acl_id: Option<String>,
    /// Its rule that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    network_acl_rule_id: Option<String>,
    /// The vSwitch whose table or network ACL was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    vswitch_id: Option<String>,
    /// The route table.
    #[serde(skip_serializing_if = "Option::is_none")]
    route_table_id: Option<String>,
    /// The route entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    route_entry_id: Option<String>,
    /// The networks that the route entry is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_cidr_block: Option<String>,
    /// The type of the next hop.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_hop_type: Option<&'static str>,
    /// The next hop, if it is an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_hop_id: Option<String>,
    /// The peering connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_peer_id: Option<String>,
    /// The router interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    router_interface_id: Option<String>,
    /// The VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_id: Option<String>,
    /// The new source of a translated packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_address: Option<String>,
    /// The new destination of a translated packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<String>,
    /// The address that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// The port: that a resident serves, to which a packet is translated or sent on, from which an answer comes, or that was
    /// asked of a load balancer.
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// Where the interface, instance, listener or load balancer is in its life.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

/// A forwarding rule that was asked.
#[derive(Clone, Serialize, ToSchema)]
pub struct AskedRuleBody {
    /// The rule.
    #[schema(example = "rule-bp1s0vzbfxld0re4r7kcu")]
    forwarding_rule_id: String,
    /// The domain that it is for; empty for any.
    #[schema(example = "shop.example")]
    domain: String,
    /// With what a path begins; empty for any.
    #[schema(example = "/cart")]
    url: String,
}

/// The forwarding rules that were asked on the way of a packet, up to the one that takes its request; absent if none was.
pub fn rules_asked(w: &World, trace: &Trace) -> Option<Vec<AskedRuleBody>> {
    let (listener, taken_by) = trace.forward.iter().find_map(|hop| match *hop {
        Hop::ForwardingRules { listener, verdict: Some(verdict), .. } => Some((listener, verdict.taken_by)),
        _ => None,
    })?;
    let (listener, request) = (w.get::<Listener>(&listener)?, trace.question.request.as_ref()?);
    let all = serving::rules_asked(w, listener, request.host());
    let number = all.iter().position(|rule| Some(rule.id) == taken_by).map_or(all.len(), |at| at + 1);
    let body = |rule: &&ForwardingRule| AskedRuleBody {
        forwarding_rule_id: rule.id.to_string(),
        domain: rule.domain.to_string(),
        url: rule.url.to_string(),
    };
    Some(all[..number].iter().map(body).collect())
}

impl StepBody {
    fn of(kind: &'static str) -> StepBody {
        StepBody { kind, ..StepBody::default() }
    }

    fn at(mut self, place: Place) -> StepBody {
        let (word, eni, resident) = match place {
            Place::Interface(id) => ("interface", Some(id), None),
            Place::Behind(id) => ("behind", Some(id), None),
            Place::Resident(id) => ("resident", None, Some(id)),
            Place::CloudService => ("cloud_service", None, None),
            Place::Internet => ("internet", None, None),
        };
        self.place = Some(word);
        self.network_interface_id = eni.map(|id| id.to_string());
        self.resident_id = resident.map(|id| id.to_string());
        self
    }

    fn eni(mut self, id: EniId) -> StepBody {
        self.network_interface_id = Some(id.to_string());
        self
    }

    fn instance(mut self, id: InstanceId) -> StepBody {
        self.instance_id = Some(id.to_string());
        self
    }

    fn address(mut self, address: impl ToString) -> StepBody {
        self.address = Some(address.to_string());
        self
    }

    fn listener(mut self, id: ListenerId) -> StepBody {
        self.listener_id = Some(id.to_string());
        self
    }

    fn balancer(mut self, id: LoadBalancerId) -> StepBody {
        self.load_balancer_id = Some(id.to_string());
        self
    }

    fn access(mut self, verdict: AccessVerdict) -> StepBody {
        self.allowed = Some(verdict.allowed);
        self.access_control_type = Some(verdict.kind.text());
        self.access_control_list_id = verdict.named_by.map(|id| id.to_string());
        self
    }

    /// The packet goes on with this header.
    fn header(mut self, header: Header) -> StepBody {
        self.source_address = Some(header.source.to_string());
        self.destination = Some(header.destination.to_string());
        self.port = Some(header.port).filter(|&port| port > 0);
        self
    }

    fn table(mut self, vswitch: VSwitchId, table: RouteTableId) -> StepBody {
        self.vswitch_id = Some(vswitch.to_string());
        self.route_table_id = Some(table.to_string());
        self
    }

    fn acl(
        mut self,
        vswitch: VSwitchId,
        acl: NetworkAclId,
        direction: Direction,
        rule: NetworkAclRuleId,
    ) -> StepBody {
        self.vswitch_id = Some(vswitch.to_string());
        self.network_acl_id = Some(acl.to_string());
        self.network_acl_rule_id = Some(rule.to_string());
        self.direction = Some(direction.word());
        self
    }

    fn next_hop(mut self, next_hop: NextHop) -> StepBody {
        self.next_hop_type = Some(next_hop.text());
        self.next_hop_id = next_hop.id().map(|id| id.to_string());
        self
    }

    /// Why there is no way to the internet, and the gateway and table that it is about.
    fn no_path(mut self, why: NoPath) -> StepBody {
        self.cause = Some(why.word());
        match why {
            NoPath::Private { destination } => self.destination = Some(destination.to_string()),
            NoPath::Unrouted { vswitch, table, gateway } => {
                self = self.table(vswitch, table);
                self.next_hop_id = Some(gateway.to_string());
            }
            NoPath::Cut { vswitch, table } => self = self.table(vswitch, table),
            NoPath::NoSnatEntry { gateway } => self.nat_gateway_id = Some(gateway.to_string()),
            NoPath::NoAddress { gateway } => self.ipv4_gateway_id = Some(gateway.to_string()),
            NoPath::Closed | NoPath::NoIpv6Gateway | NoPath::NoBandwidth => {}
        }
        self
    }

    fn judged(mut self, direction: Direction, allowed: bool, decided_by: DecidedBy) -> StepBody {
        self.direction = Some(direction.word());
        self.allowed = Some(allowed);
        let (word, group, rule) = match decided_by {
            DecidedBy::Platform => ("platform", None, None),
            DecidedBy::InnerAccess(group) => ("inner_access", Some(group), None),
            DecidedBy::Rule(rule) => ("rule", None, Some(rule)),
            DecidedBy::Default(_) => ("default", None, None),
        };
        self.decided_by = Some(word);
        self.security_group_id = group.map(|id| id.to_string());
        self.security_group_rule_id = rule.map(|id| id.to_string());
        self
    }

    /// A step, with the forwarding rules that were asked if it is the one at which they were.
    pub fn of_hop(hop: &Hop, asked: Option<&Vec<AskedRuleBody>>) -> StepBody {
        match *hop {
            Hop::Sent { place, header } => StepBody::of("sent").at(place).address(header.source),
            Hop::Groups { member, direction, verdict } => StepBody::of("security_groups").at(member).judged(
                direction,
                verdict.allowed,
                verdict.decided_by,
            ),
            Hop::Session { member, direction } => {
                StepBody { direction: Some(direction.word()), ..StepBody::of("session").at(member) }
            }
            Hop::NetworkAcl { vswitch, acl, direction, verdict } => StepBody {
                allowed: Some(verdict.allowed),
                decided_by: Some(verdict.kind.text()),
                ..StepBody::of("network_acl").acl(vswitch, acl, direction, verdict.rule)
            },
            Hop::Route { vswitch, table, entry, destination, next_hop, gateway } => StepBody {
                nat_gateway_id: gateway.map(|id| id.to_string()),
                route_entry_id: Some(entry.to_string()),
                destination_cidr_block: Some(destination.to_string()),
                ..StepBody::of("route").table(vswitch, table).next_hop(next_hop)
            },
            Hop::GatewayRoute { gateway, table, entry, destination, next_hop } => StepBody {
                ipv4_gateway_id: Some(gateway.to_string()),
                route_table_id: Some(table.to_string()),
                route_entry_id: Some(entry.to_string()),
                destination_cidr_block: Some(destination.to_string()),
                ..StepBody::of("gateway_route").next_hop(next_hop)
            },
            Hop::Answered { ha_vip, eni } => {
                StepBody { ha_vip_id: Some(ha_vip.to_string()), ..StepBody::of("ha_vip").eni(eni) }
            }
            Hop::Translated { eip, by, header } => StepBody {
                snat_entry_id: by.and_then(NatEntryId::snat).map(|id| id.to_string()),
                forward_entry_id: by.and_then(NatEntryId::forward).map(|id| id.to_string()),
                eip_id: Some(eip.to_string()),
                ..StepBody::of("translated").header(header)
            },
            Hop::StandbyZone { load_balancer } => StepBody::of("standby_zone").balancer(load_balancer),
            Hop::Masked { instance, header } => StepBody::of("translated").instance(instance).header(header),
            Hop::Listener { load_balancer, listener } => {
                StepBody::of("listener").balancer(load_balancer).listener(listener)
            }
            Hop::ListenerAccess { listener, verdict } => {
                StepBody::of("listener_access").listener(listener).access(verdict)
            }
            Hop::ForwardingRules { listener, rules, verdict } => StepBody {
                forwarding_rule_id: verdict.and_then(|verdict| verdict.taken_by).map(|id| id.to_string()),
                forwarding_rules: Some(rules),
                asked: asked.cloned(),
                ..StepBody::of("forwarding_rules").listener(listener)
            },
            Hop::Balanced { load_balancer, listener, pool, scheduler, server, header } => StepBody {
                vserver_group_id: pool.vserver_group().map(|id| id.to_string()),
                master_slave_server_group_id: pool.pair().map(|id| id.to_string()),
                scheduler: Some(scheduler.text()).filter(|_| pool.pair().is_none()),
                server_id: Some(server.id().to_string()),
                ..StepBody::of("balanced").balancer(load_balancer).listener(listener).header(header)
            },
            Hop::Returned { load_balancer, listener, header } => {
                StepBody::of("returned").balancer(load_balancer).listener(listener).header(header)
            }
            Hop::Forwarded { instance, eni } => StepBody::of("forwarded").instance(instance).eni(eni),
            Hop::Peered { peer, vpc } => StepBody {
                vpc_peer_id: Some(peer.to_string()),
                vpc_id: Some(vpc.to_string()),
                ..StepBody::of("peered")
            },
            Hop::Crossed { router_interface, vpc } => StepBody {
                router_interface_id: Some(router_interface.to_string()),
                vpc_id: Some(vpc.to_string()),
                ..StepBody::of("crossed")
            },
            Hop::RouterRoute { vpc, table, entry, destination, next_hop } => StepBody {
                vpc_id: Some(vpc.to_string()),
                route_table_id: Some(table.to_string()),
                route_entry_id: Some(entry.to_string()),
                destination_cidr_block: Some(destination.to_string()),
                ..StepBody::of("router_route").next_hop(next_hop)
            },
            Hop::Taken { place } => StepBody::of("taken").at(place),
        }
    }

    /// An end.
    pub fn of_disposition(end: &Disposition) -> StepBody {
        let step = StepBody::of(end.word());
        match *end {
            Disposition::Delivered(place) | Disposition::AnswerAstray { place } => step.at(place),
            Disposition::GroupsDrop { member, direction, decided_by } => {
                step.at(member).judged(direction, false, decided_by)
            }
            Disposition::AclDrop { vswitch, acl, direction, rule } => {
                StepBody { allowed: Some(false), ..step.acl(vswitch, acl, direction, rule) }
            }
            Disposition::NotAttached { eni, status } => {
                StepBody { status: Some(status.text()), ..step.eni(eni) }
            }
            Disposition::InstanceDown { instance, eni, status } => {
                StepBody { status: Some(status.text()), ..step.instance(instance).eni(eni) }
            }
            Disposition::CutOff { eni, outage } => {
                StepBody { outage_id: Some(outage.to_string()), ..step.eni(eni) }
            }
            Disposition::SourceDestCheck { eni, address } => step.eni(eni).address(address),
            Disposition::NoRoute { vswitch, table, address } => step.table(vswitch, table).address(address),
            Disposition::NextHopGone { entry, next_hop } => {
                StepBody { route_entry_id: Some(entry.to_string()), ..step.next_hop(next_hop) }
            }
            Disposition::Loop { at, entry } => {
                let step = EniId::try_from(at).map_or_else(|_| StepBody::of(end.word()), |eni| step.eni(eni));
                let router_interface_id = RouterInterfaceId::try_from(at).ok().map(|id| id.to_string());
                StepBody { route_entry_id: Some(entry.to_string()), router_interface_id, ..step }
            }
            Disposition::RouterInterfaceDown { router_interface, status, .. } => StepBody {
                router_interface_id: Some(router_interface.to_string()),
                status: Some(status),
                ..step
            },
            Disposition::NobodyThere { vpc, address } => {
                StepBody { vpc_id: Some(vpc.to_string()), ..step.address(address) }
            }
            Disposition::NoPublicPath { vpc, address, why } => {
                StepBody { vpc_id: Some(vpc.to_string()), ..step.address(address).no_path(why) }
            }
            Disposition::EipNotBound { eip, status } => {
                StepBody { eip_id: Some(eip.to_string()), status: Some(status.text()), ..step }
            }
            Disposition::PublicAddressWaits { instance } => step.instance(instance),
            Disposition::HaVipUnanswered { ha_vip, bound } => {
                StepBody { ha_vip_id: Some(ha_vip.to_string()), members: Some(bound), ..step }
            }
            Disposition::BalancerDown { load_balancer, status } => {
                StepBody { status: Some(status), ..step.balancer(load_balancer) }
            }
            Disposition::ZonesDown { load_balancer, unserved } => StepBody {
                outage_id: Some(unserved.outage.to_string()),
                takeover_at: unserved.takeover.map(|at| at.to_string()),
                ..step.balancer(load_balancer)
            },
            Disposition::NoListener { load_balancer, port } => {
                StepBody { port: Some(port).filter(|&port| port > 0), ..step.balancer(load_balancer) }
            }
            Disposition::ListenerStopped { listener, status } => {
                StepBody { status: Some(status.text()), ..step.listener(listener) }
            }
            Disposition::ListenerAccessDrop { listener, verdict } => step.listener(listener).access(verdict),
            Disposition::Redirected { listener, port } => {
                StepBody { port: Some(port), ..step.listener(listener) }
            }
            Disposition::NoHealthyBackend { listener, rule, members } => StepBody {
                forwarding_rule_id: rule.map(|id| id.to_string()),
                members: Some(members),
                ..step.listener(listener)
            },
            Disposition::BackendCallsItself { listener, eni } => step.listener(listener).eni(eni),
            Disposition::NotServed { resident, serves } => {
                StepBody { port: Some(serves), ..step.at(Place::Resident(resident)) }
            }
            Disposition::NotForwarded { eip, gateway, inert } => StepBody {
                eip_id: Some(eip.to_string()),
                nat_gateway_id: Some(gateway.to_string()),
                forward_entry_id: inert.map(|id| id.to_string()),
                ..step
            },
            Disposition::EgressOnly { rule, address } => {
                StepBody { ipv6_egress_only_rule_id: Some(rule.to_string()), ..step.address(address) }
            }
            Disposition::AnswerForeign { address, port } => {
                StepBody { port: Some(port).filter(|&port| port > 0), ..step.address(address) }
            }
            Disposition::NoPublicAddress { address } | Disposition::PrivateFromOutside { address } => {
                step.address(address)
            }
        }
    }
}
