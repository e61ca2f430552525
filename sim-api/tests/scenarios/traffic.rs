//! The words of stories about hosts and packets.
//!
//! | words | what they do |
//! |---|---|
//! | `host NAME VSWITCH GROUP[,GROUP] [ADDRESS [MBPS]]` | run an instance; its primary interface is called `NAME/eni` |
//! | `stop HOST`, `start HOST` | what they say |
//! | `attach ENI HOST` | attach an interface |
//! | `check ENI on`, `check ENI off` | the source/destination check |
//! | `redirect TABLE BLOCK ENI` | give a system entry of a custom table another next hop |
//! | `resident NAME VSWITCH GROUP ADDRESS [PORT]` | a managed resident |
//! | `acl NAME VPC` | a network ACL, which lets everything through at first |
//! | `permit ACL in PROTOCOL PORTS BLOCK`, `deny ...` | put a rule before the others |
//! | `filter VSWITCH ACL`, `unfilter VSWITCH ACL` | bind it to a vSwitch |
//! | `public HOST ADDRESS` | a static public address for a host with bandwidth |
//! | `eip NAME`, `expose HOST EIP`, `hide EIP` | an elastic IP address; bind it; take it away |
//! | `nat NAME VPC VSWITCH`, `expose NAT EIP` | a NAT gateway; bind an address to it |
//! | `peer NAME VPC VPC` | a peering connection |
//! | `routers NAME NAME VPC VPC`, `freeze NAME` | two router interfaces, connected; freeze one |
//! | `ipv6-gateway NAME VPC`, `public6 GATEWAY HOST` | an IPv6 gateway; internet bandwidth for the address of a host |
//! | `outward NAME GATEWAY HOST`, `inward NAME` | an egress-only rule for it; take it away |
//! | `ipv4-gateway NAME VPC`, `activate NAME` | an IPv4 gateway; make it active |
//! | `snat NAT BLOCK EIP` | let a block out by it |
//! | `dnat NAT EIP PORTS ADDRESS PORTS PROTOCOL` | let in what comes to these ports |
//! | `trace FROM TARGET` | follow a packet and its answer, and say what would let a refused one through |
//! | `trace FROM TARGET HOST/PATH` | the same with a request over HTTP; `/PATH` without a host |
//!
//! A sender is an interface, a host, `NAME@ADDRESS` for something behind it, or an address of the internet. A target is
//! `10.0.2.9:80/tcp` or `10.0.2.9/icmp`; the name of an elastic IP address stands for the address.

use super::words::Story;
use sim_api::chart::trace::Picture;
use sim_core::AccountId;
use sim_core::Command;
use sim_core::datapath::remedy::remedy;
use sim_core::datapath::text::Words;
use sim_core::datapath::{Flow, Request, Source, Target};
use sim_core::ecs::eni::{Eni, ModifyEni};
use sim_core::ecs::eni_attachment::AttachEni;
use sim_core::ecs::instance::{ChargeType, Instance, Terms};
use sim_core::ecs::instance_create::{CreateInstance, Launch, LaunchInterface};
use sim_core::ecs::instance_life::{BatchRule, StartInstances, StopInstances};
use sim_core::ecs::public_address::AllocatePublicAddress;
use sim_core::ecs::security_group_rule::Direction;
use sim_core::id::{
    EipId, EniId, ForwardTableId, Id, IdKind, InstanceId, NatGatewayId, NetworkAclId, RouterInterfaceId,
    SnatTableId,
};
use sim_core::vpc::eip::{AllocateEip, Eip, InternetCharge, Isp};
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind, UnassociateEip};
use sim_core::vpc::forward_entry::{CreateForwardEntry, Mapping};
use sim_core::vpc::forward_ports::{ForwardProtocol, parse_external_port, parse_internal_port};
use sim_core::vpc::gateway_route_table::{AssociateGatewayRouteTable, UpdateGatewayRouteEntry};
use sim_core::vpc::ha_vip::{BindType, CreateHaVip};
use sim_core::vpc::ha_vip_binding::AssociateHaVip;
use sim_core::vpc::ipv4_gateway::{CreateIpv4Gateway, EnableIpv4Gateway};
use sim_core::vpc::ipv6_bandwidth::{AddressRef, AllocateIpv6Bandwidth};
use sim_core::vpc::ipv6_egress_rule::{CreateIpv6EgressRule, DeleteIpv6EgressRule};
use sim_core::vpc::ipv6_gateway::CreateIpv6Gateway;
use sim_core::vpc::nat_gateway::{CreateNatGateway, EipBindMode};
use sim_core::vpc::network_acl::{CreateNetworkAcl, NetworkAcl};
use sim_core::vpc::network_acl_binding::{AssociateNetworkAcl, UnassociateNetworkAcl};
use sim_core::vpc::network_acl_rule::{RuleInput, RuleTexts, UpdateNetworkAclRules};
use sim_core::vpc::resident::CreateResident;
use sim_core::vpc::route_entry::{EntryRef, ModifyRouteEntry};
use sim_core::vpc::route_table::{AssociateType, CreateRouteTable};
use sim_core::vpc::router_connection::{ConnectRouterInterface, DeactivateRouterInterface};
use sim_core::vpc::router_interface::{CreateRouterInterface, ModifyRouterInterface, Opposite, Role, Spec};
use sim_core::vpc::snat::CreateSnatEntry;
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vpc_peer::CreateVpcPeer;
use std::net::Ipv4Addr;

impl Story {
    /// The name of what a command makes, if it makes something, and the command; none if the words are others.
    pub fn traffic_command<'a>(&self, words: &[&'a str]) -> Option<(Option<&'a str>, Command)> {
        let rule = BatchRule::AllTogether;
        Some(match *words {
            ["stop", host] => {
                let instances = vec![self.id::<InstanceId>(host)];
                (None, StopInstances { instances, mode: None, force: false, rule }.into())
            }
            ["start", host] => {
                let instances = vec![self.id::<InstanceId>(host)];
                (None, StartInstances { instances, rule }.into())
            }
            ["public", host, address] => {
                let (instance, address) = (self.id(host), Some(address.parse().unwrap()));
                (None, AllocatePublicAddress { instance, address }.into())
            }
            ["attach", eni, host] => {
                (None, AttachEni { eni: self.id(eni), instance: self.id(host), trunk: None }.into())
            }
            ["check", eni, on] => {
                let (eni, source_dest_check) = (self.interface(eni), Some(on == "on"));
                let (name, description, groups, delete_on_release) = (None, None, None, None);
                let (queues, traffic_mode) = (None, None);
                let change = ModifyEni {
                    eni,
                    name,
                    description,
                    groups,
                    delete_on_release,
                    source_dest_check,
                    queues,
                    traffic_mode,
                };
                (None, change.into())
            }
            ["redirect", table, block, eni] => {
                let table = Some(self.table(table).to_string().into());
                let entry = EntryRef { entry: None, table, destination: Some(block.into()) };
                let next_hop_kind = Some("NetworkInterface".into());
                let next_hop = Some(self.interface(eni).to_string().into());
                let (name, description) = (None, None);
                (None, ModifyRouteEntry { entry, name, description, next_hop_kind, next_hop }.into())
            }
            ["eip", called] => {
                let command = AllocateEip {
                    address: None,
                    bandwidth: None,
                    charge: InternetCharge::ByTraffic,
                    payment: ChargeType::PostPaid,
                    months: None,
                    isp: Isp::Bgp,
                    name: None,
                    description: None,
                    resource_group: None,
                    tags: Vec::new(),
                };
                (Some(called), command.into())
            }
            ["expose", host, eip] => {
                let (eip, target) = (self.id(eip), self.any(host).to_string().into());
                let kind = match self.any(host).kind() {
                    IdKind::HaVip => TargetKind::HaVip,
                    IdKind::NatGateway => TargetKind::Nat,
                    IdKind::LoadBalancer => TargetKind::SlbInstance,
                    _ => TargetKind::EcsInstance,
                };
                let (private_address, mode) = (None, Mode::Nat);
                (None, AssociateEip { eip, kind, target, private_address, mode, region: None }.into())
            }
            ["hide", eip] => {
                let (kind, target, private_address) = (None, None, None);
                (
                    None,
                    UnassociateEip { eip: self.id(eip), kind, target, private_address, force: false }.into(),
                )
            }
            ["havip", called, vswitch, address] => {
                let (vswitch, address) = (self.id(vswitch), Some(address.parse().unwrap()));
                let (name, description, resource_group) = (None, None, None);
                let tags = Vec::new();
                (
                    Some(called),
                    CreateHaVip { vswitch, address, name, description, resource_group, tags }.into(),
                )
            }
            ["share", vip, host] => {
                let (ha_vip, bind_type) = (self.id(vip), BindType::EcsInstance);
                let target = self.any(host).to_string().into();
                (None, AssociateHaVip { ha_vip, bind_type, target }.into())
            }
            ["nat", called, vpc, vswitch] => {
                let (vpc, vswitch, name, description) = (self.id(vpc), self.id(vswitch), None, None);
                let tags = Vec::new();
                let gateway = CreateNatGateway {
                    vpc,
                    vswitch,
                    name,
                    description,
                    icmp_reply: true,
                    bind_mode: EipBindMode::MultiBinded,
                    tags,
                };
                (Some(called), gateway.into())
            }
            ["ipv4-gateway", called, vpc] => {
                let (vpc, name, description, resource_group) = (self.id(vpc), None, None, None);
                let tags = Vec::new();
                (Some(called), CreateIpv4Gateway { vpc, name, description, resource_group, tags }.into())
            }
            ["freeze", interface] => {
                (None, DeactivateRouterInterface { router_interface: self.id(interface) }.into())
            }
            ["ipv6-gateway", called, vpc] => {
                let (vpc, name, description, resource_group) = (self.id(vpc), None, None, None);
                let tags = Vec::new();
                (Some(called), CreateIpv6Gateway { vpc, name, description, resource_group, tags }.into())
            }
            ["public6", gateway, host] => {
                let (gateway, address) = (self.id(gateway), self.address6(host));
                let charge = InternetCharge::ByTraffic;
                (None, AllocateIpv6Bandwidth { gateway, address, bandwidth: 5, charge }.into())
            }
            ["outward", called, gateway, host] => {
                let (gateway, address) = (self.id(gateway), self.address6(host));
                let rule = CreateIpv6EgressRule { gateway, address, name: None, description: None };
                (Some(called), rule.into())
            }
            ["inward", rule] => (None, DeleteIpv6EgressRule { rule: self.id(rule) }.into()),
            ["peer", called, vpc, other] => {
                let command = CreateVpcPeer {
                    vpc: self.id(vpc),
                    accepting_account: AccountId::DEFAULT,
                    accepting_region: "cn-hangzhou".into(),
                    accepting_vpc: self.id(other),
                    name: None,
                    description: None,
                    bandwidth: None,
                    link_type: None,
                    resource_group: None,
                    tags: Vec::new(),
                };
                (Some(called), command.into())
            }
            ["activate", gateway] => {
                (None, EnableIpv4Gateway { gateway: self.id(gateway), tables: Vec::new() }.into())
            }
            ["gateway-table", called, vpc] => {
                let (vpc, name, description, tags) = (self.id(vpc), None, None, Vec::new());
                let associate_type = AssociateType::Gateway;
                (Some(called), CreateRouteTable { vpc, associate_type, name, description, tags }.into())
            }
            ["inbound", gateway, table] => {
                let (route_table, gateway) = (self.id(table), self.id(gateway));
                (None, AssociateGatewayRouteTable { route_table, gateway }.into())
            }
            ["lead", table, block, host] => {
                let (name, description) = (None, None);
                let next_hop = Some(self.any(host).to_string().into());
                let (route_table, destination) = (self.id(table), block.into());
                let next_hop_kind = "Instance".into();
                let change = UpdateGatewayRouteEntry {
                    route_table,
                    destination,
                    next_hop_kind,
                    next_hop,
                    name,
                    description,
                };
                (None, change.into())
            }
            ["snat", nat, block, eip] => {
                let table = SnatTableId::from_number(self.id::<NatGatewayId>(nat).number());
                let (block, ips) = (Some(block.parse().unwrap()), vec![self.address(eip)]);
                let entry = CreateSnatEntry { table, vswitch: None, block, ips, name: None, affinity: false };
                (None, entry.into())
            }
            ["dnat", nat, eip, external, address, internal, protocol] => {
                let mapping = Mapping {
                    external_ip: self.address(eip),
                    external: parse_external_port(external).unwrap(),
                    address: address.parse().unwrap(),
                    internal: parse_internal_port(internal).unwrap(),
                    protocol: ForwardProtocol::parse(protocol).unwrap(),
                    port_break: false,
                };
                let table = ForwardTableId::from_number(self.id::<NatGatewayId>(nat).number());
                (None, CreateForwardEntry { table, mapping, name: None }.into())
            }
            ["acl", called, vpc] => {
                let (vpc, name, description, tags) = (self.id(vpc), None, None, Vec::new());
                (Some(called), CreateNetworkAcl { vpc, name, description, tags }.into())
            }
            ["permit" | "deny", acl, way, protocol, ports, block] => {
                let policy = if words[0] == "permit" { "accept" } else { "drop" };
                (None, self.acl_rule(acl, way, policy, protocol, ports, block))
            }
            ["filter", vswitch, acl] => {
                let (acl, vswitches) = (self.id(acl), vec![self.id(vswitch)]);
                (None, AssociateNetworkAcl { acl, vswitches }.into())
            }
            ["unfilter", vswitch, acl] => {
                let (acl, vswitches) = (self.id(acl), vec![self.id(vswitch)]);
                (None, UnassociateNetworkAcl { acl, vswitches }.into())
            }
            ["resident", called, vswitch, group, address, ref rest @ ..] => {
                let resident = CreateResident {
                    kind: "rds".into(),
                    vswitch: self.id(vswitch),
                    groups: vec![self.id(group)],
                    address: Some(address.parse().unwrap()),
                    name: None,
                    port: rest.first().map(|port| port.parse().unwrap()),
                    tags: Vec::new(),
                };
                (Some(called), resident.into())
            }
            _ => return None,
        })
    }

    /// The address of an elastic IP address.
    fn address(&self, eip: &str) -> Ipv4Addr {
        self.world.get::<Eip>(&self.id(eip)).expect("the address is there").address
    }

    /// The IPv6 address of a host.
    fn address6(&self, host: &str) -> AddressRef {
        let eni = self.world.get::<Eni>(&self.interface(host));
        AddressRef::Address(eni.and_then(|eni| eni.ipv6.first().copied()).expect("the host has one"))
    }

    /// The rules of an ACL with one more before them.
    fn acl_rule(
        &self,
        acl: &str,
        way: &str,
        policy: &str,
        protocol: &str,
        ports: &str,
        block: &str,
    ) -> Command {
        let acl: NetworkAclId = self.id(acl);
        let direction = if way == "in" { Direction::Ingress } else { Direction::Egress };
        let ports = match ports.split_once('-') {
            _ if ports == "-" => "-1/-1".to_owned(),
            Some((first, last)) => format!("{first}/{last}"),
            None => format!("{ports}/{ports}"),
        };
        let (ip_version, name, description) = (None, None, None);
        let ports = ports.as_str();
        let texts = RuleTexts { id: None, policy, protocol, block, ports, ip_version, name, description };
        let row = self.world.get::<NetworkAcl>(&acl).expect("the ACL is there");
        let kept = row.custom(direction).iter().map(|rule| RuleInput {
            id: Some(rule.id(acl)),
            policy: rule.policy,
            protocol: rule.protocol,
            block: rule.block,
            ports: rule.ports,
            name: rule.name.clone(),
            description: rule.description.clone(),
        });
        let rules = Some(std::iter::once(texts.read(direction).unwrap()).chain(kept).collect());
        let (ingress, egress) = match direction {
            Direction::Ingress => (rules, None),
            Direction::Egress => (None, rules),
        };
        UpdateNetworkAclRules { acl, ingress, egress }.into()
    }

    /// Makes a router interface in each of two VPCs, of which the first initiates, and connects them.
    pub fn connect_routers(&mut self, sides: [(&str, &str); 2]) -> String {
        let routers =
            sides.map(|(_, vpc)| self.world.get::<Vpc>(&self.id(vpc)).expect("it is there").vrouter);
        for (n, role) in [Role::Initiating, Role::Accepting].into_iter().enumerate() {
            let far = self.names.get(sides[1 - n].0).and_then(|&id| RouterInterfaceId::try_from(id).ok());
            let opposite = Opposite {
                region: "cn-hangzhou".into(),
                account: Some(AccountId::DEFAULT),
                vrouter: Some(routers[1 - n]),
                router_interface: far.filter(|_| n == 1),
            };
            let spec = (role == Role::Initiating).then(|| Spec::parse("Small.1").expect("a specification"));
            let (name, description, resource_group, tags) = (None, None, None, Vec::new());
            let vrouter = routers[n];
            let made = CreateRouterInterface {
                vrouter,
                role,
                spec,
                opposite,
                name,
                description,
                resource_group,
                tags,
            };
            self.give(Some(sides[n].0), made.into());
        }
        let router_interface = self.id(sides[0].0);
        let other = ModifyRouterInterface {
            router_interface,
            name: None,
            description: None,
            opposite_interface: Some(self.id(sides[1].0)),
            opposite_vrouter: None,
            opposite_account: None,
        };
        self.give(None, other.into());
        self.give(None, ConnectRouterInterface { router_interface }.into());
        sides.map(|(called, _)| self.show(called)).join("\n")
    }

    /// Runs an instance and names it and its interface.
    pub fn run_host(&mut self, called: &str, vswitch: &str, groups: &str, rest: &[&str]) -> String {
        let primary = LaunchInterface {
            vswitch: Some(self.id(vswitch)),
            groups: groups.split(',').map(|group| self.id(group)).collect(),
            primary_ip: rest.first().map(|address| address.parse().unwrap()),
            ..LaunchInterface::default()
        };
        let bandwidth_out = rest.get(1).map_or(0, |mbps| mbps.parse().unwrap());
        let launch = Launch {
            instance_type: "ecs.g7.large".into(),
            image: Some("aliyun_3_x64_20G_alibase_20240819.vhd".into()),
            primary,
            terms: Terms { bandwidth_out, ..Terms::default() },
            ..Launch::default()
        };
        let told = self.give(Some(called), CreateInstance { launch: Box::new(launch) }.into());
        let Some(id) = self.names.get(called).and_then(|&id| InstanceId::try_from(id).ok()) else {
            return told;
        };
        let instance = self.world.get::<Instance>(&id).expect("it was just made");
        self.names.insert(format!("{called}/eni"), instance.primary_eni.into());
        self.give(None, StartInstances { instances: vec![id], rule: BatchRule::AllTogether }.into());
        self.show(called)
    }

    /// An interface by its name, or the primary one of a host.
    pub fn interface(&self, name: &str) -> EniId {
        match self.any(name).kind() {
            IdKind::Instance => {
                let host = self.world.get::<Instance>(&self.id(name));
                host.unwrap_or_else(|| panic!("{name} is gone")).primary_eni
            }
            _ => self.id(name),
        }
    }

    /// Follows a packet and says what would let it through.
    pub fn trace(&mut self, from: &str, target: &str, request: Option<&str>) -> String {
        let source = match (from.split_once('@'), from.parse()) {
            (_, Ok(address)) => Source::Outside(address),
            (Some((name, address)), _) => {
                Source::Interface(self.interface(name), Some(address.parse().unwrap()))
            }
            (None, _) => Source::Interface(self.interface(from), None),
        };
        let (host, rest) = target.split_at(target.find([':', '/']).unwrap_or(target.len()));
        let named = self.names.get(host).and_then(|&id| EipId::try_from(id).ok());
        let named =
            named.and_then(|id| self.world.get::<Eip>(&id)).map(|eip| format!("{}{rest}", eip.address));
        let asked = Target::parse(named.as_deref().unwrap_or(target), "destination").and_then(
            |Target { address, port, protocol }| {
                let split = |text: &str| {
                    let (host, path) = text.split_at(text.find('/').expect("HOST/PATH"));
                    Request::new(Some(host), Some(path))
                };
                let (destination, request) = (address, request.map(split).transpose()?);
                let flow = Flow { source, protocol, source_port: None, destination, port, request };
                flow.resolve(&self.world, &self.caller)
            },
        );
        let question = match asked {
            Ok(question) => question,
            Err(refusal) => return format!("refused, {}: {refusal}", refusal.code().native()),
        };
        let called = |id| self.called(id);
        let (trace, words) = (question.trace(&self.world), Words::with_names(&self.world, &called));
        let mut told = words.trace(&trace);
        let mut picture = Picture::of(&self.world, &self.caller, &trace);
        if !trace.ending.delivered() {
            let remedy = remedy(&self.world, &self.caller, &question);
            told.push_str(&words.remedy(remedy.as_ref()));
            picture.add_remedy(&self.world, &self.caller, remedy.as_ref());
        }
        self.pictures.push((trace.ending, trace.forward.len() + trace.back.len(), picture));
        self.ends.push(trace.ending.disposition.word());
        told
    }
}
