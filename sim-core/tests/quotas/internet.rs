//! Quotas of elastic IP addresses, NAT gateways and network ACLs.

use super::{Lab, behind};
use compact_str::CompactString;
use sim_core::ecs::eni::Eni;
use sim_core::ecs::eni_address::{AssignAddresses, Want, Wanted};
use sim_core::ecs::instance_create::{CreateInstance, Launch, LaunchInterface};
use sim_core::ecs::instance_life::{BatchRule, StartInstances};
use sim_core::ecs::security_group::GroupKind;
use sim_core::ecs::security_group_rule::{Policy, PortRange, Protocol};
use sim_core::id::{
    EipId, ForwardTableId, HaVipId, Id, InstanceId, Ipv6GatewayId, NatGatewayId, NetworkAclId, RouteTableId,
    SnatTableId, VSwitchId, VpcId,
};
use sim_core::quota::Quota;
use sim_core::slb::backend::Server;
use sim_core::vpc::eip::{AllocateEip, Eip, InternetCharge};
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind};
use sim_core::vpc::forward_entry::{CreateForwardEntry, Mapping};
use sim_core::vpc::forward_ports::ForwardProtocol;
use sim_core::vpc::ha_vip::{BindType, CreateHaVip};
use sim_core::vpc::ha_vip_binding::AssociateHaVip;
use sim_core::vpc::ipv6_bandwidth::{AddressRef, AllocateIpv6Bandwidth};
use sim_core::vpc::ipv6_egress_rule::CreateIpv6EgressRule;
use sim_core::vpc::ipv6_gateway::CreateIpv6Gateway;
use sim_core::vpc::nat_gateway::{CreateNatGateway, EipBindMode, NatGateway};
use sim_core::vpc::network_acl::CreateNetworkAcl;
use sim_core::vpc::network_acl_rule::{RuleInput as AclRule, UpdateNetworkAclRules};
use sim_core::vpc::next_hop::HopChoice;
use sim_core::vpc::route_entry::{CreateRouteEntry, NewEntry};
use sim_core::vpc::route_table::{AssociateType, CreateRouteTable};
use sim_core::vpc::router_interface::{CreateRouterInterface, Opposite, Role};
use sim_core::vpc::snat::CreateSnatEntry;
use sim_core::vpc::vpc::{CreateVpc, Vpc};
use sim_core::vpc::vpc_peer::CreateVpcPeer;
use sim_core::{AccountId, Caller, Command, ErrorCode as E, Span};
use std::net::Ipv4Addr;

fn gateway(vpc: VpcId, vswitch: VSwitchId) -> CreateNatGateway {
    CreateNatGateway {
        vpc,
        vswitch,
        name: None,
        description: None,
        icmp_reply: true,
        bind_mode: EipBindMode::MultiBinded,
        tags: Vec::new(),
    }
}

fn to_gateway(eip: EipId, nat: NatGatewayId) -> AssociateEip {
    let (kind, mode, target) = (TargetKind::Nat, Mode::Nat, nat.to_string().into());
    AssociateEip { eip, kind, target, private_address: None, mode, region: None }
}

fn snat(table: SnatTableId, block: &str, ips: Vec<Ipv4Addr>) -> CreateSnatEntry {
    let block = Some(block.parse().unwrap());
    CreateSnatEntry { table, vswitch: None, block, ips, name: None, affinity: false }
}

fn forward(table: SnatTableId, external_ip: Ipv4Addr, port: u16) -> CreateForwardEntry {
    let ports = Some(PortRange { first: port, last: port });
    let (external, internal, protocol) = (ports, ports, ForwardProtocol::Tcp);
    let address = Ipv4Addr::new(10, 9, 0, 9);
    let mapping = Mapping { external_ip, external, address, internal, protocol, port_break: false };
    CreateForwardEntry { table: ForwardTableId::from_number(table.number()), mapping, name: None }
}

fn peer(vpc: VpcId, accepting_vpc: VpcId) -> CreateVpcPeer {
    CreateVpcPeer {
        vpc,
        accepting_account: AccountId::DEFAULT,
        accepting_region: "cn-hangzhou".into(),
        accepting_vpc,
        name: None,
        description: None,
        bandwidth: None,
        link_type: None,
        resource_group: None,
        tags: Vec::new(),
    }
}

fn acl(vpc: VpcId) -> CreateNetworkAcl {
    CreateNetworkAcl { vpc, name: None, description: None, tags: Vec::new() }
}

fn acl_rule(block: &str) -> AclRule {
    AclRule {
        id: None,
        policy: Policy::Drop,
        protocol: Protocol::All,
        block: block.parse().unwrap(),
        ports: None,
        name: CompactString::default(),
        description: CompactString::default(),
    }
}

impl Lab {
    fn instance(&mut self, vpc: VpcId, vswitch: VSwitchId) -> InstanceId {
        let groups = vec![self.group(vpc, GroupKind::Basic)];
        let primary = LaunchInterface { vswitch: Some(vswitch), groups, ..LaunchInterface::default() };
        let launch = Launch {
            instance_type: "ecs.g7.large".into(),
            image: Some("aliyun_3_x64_20G_alibase_20240819.vhd".into()),
            primary,
            ..Launch::default()
        };
        let id = self.id(CreateInstance { launch: Box::new(launch) });
        // It is stopped once it is made.
        self.world.advance(self.world.now() + Span(60_000));
        id
    }

    fn place(&mut self) -> (VpcId, VSwitchId) {
        let vpc = self.vpc();
        (vpc, self.vswitch(vpc, 24, None))
    }

    /// The SNAT table of a new gateway with so many addresses, and these.
    fn snat_table(&mut self, vpc: VpcId, vswitch: VSwitchId, count: u32) -> (SnatTableId, Vec<Ipv4Addr>) {
        let nat = self.id::<NatGatewayId>(gateway(vpc, vswitch));
        let one = |_| {
            let eip = self.id::<EipId>(AllocateEip::default());
            self.make(to_gateway(eip, nat));
            self.world.get::<Eip>(&eip).unwrap().address
        };
        let ips = (0..count).map(one).collect();
        (self.world.get::<NatGateway>(&nat).unwrap().snat_table(), ips)
    }
}

/// So many egress-only rules of the gateway of one VPC, and one more.
fn fill_outward(lab: &mut Lab, limit: u32) -> (Command, E) {
    let vpc = lab.vpc();
    let (vswitch, group) = (lab.vswitch(vpc, 24, Some(1)), lab.group(vpc, GroupKind::Basic));
    let (name, description, resource_group, tags) = (None, None, None, Vec::new());
    let gateway: Ipv6GatewayId = lab.id(CreateIpv6Gateway { vpc, name, description, resource_group, tags });
    let mut rules = Vec::new();
    while rules.len() <= limit as usize {
        let eni = lab.eni(vswitch, vec![group], 0);
        lab.make(AssignAddresses { eni, wanted: Wanted { ipv6: Want::Count(10), ..Wanted::default() } });
        for address in lab.world.get::<Eni>(&eni).unwrap().ipv6.clone() {
            let (address, charge) = (AddressRef::Address(address), InternetCharge::ByTraffic);
            lab.make(AllocateIpv6Bandwidth { gateway, address, bandwidth: 1, charge });
            rules.push(CreateIpv6EgressRule { gateway, address, name: None, description: None });
        }
    }
    rules[..limit as usize].iter().for_each(|rule| {
        lab.make(rule.clone());
    });
    (rules[limit as usize].clone().into(), E::Ipv6EgressRuleQuotaExceeded)
}

fn vip(vswitch: VSwitchId) -> CreateHaVip {
    let (name, description, resource_group) = (None, None, None);
    CreateHaVip { vswitch, address: None, name, description, resource_group, tags: Vec::new() }
}

fn bind(ha_vip: HaVipId, instance: InstanceId) -> AssociateHaVip {
    AssociateHaVip { ha_vip, bind_type: BindType::EcsInstance, target: instance.to_string().into() }
}

fn route(table: RouteTableId, n: u32, vip: HaVipId) -> CreateRouteEntry {
    let next_hop =
        HopChoice { kind: Some("HaVip".into()), id: Some(vip.to_string().into()), list: Vec::new() };
    let (table, destination) = (table.to_string().into(), format!("172.16.{n}.0/24").into());
    CreateRouteEntry { entry: NewEntry { table, destination, next_hop, name: None, description: None } }
}

/// Fills a quota of HaVips.
fn fill_vips(lab: &mut Lab, quota: Quota) -> (Command, E) {
    let limit = quota.row().default;
    let (vpc, vswitch) = lab.place();
    match quota {
        Quota::HaVipsPerVpc | Quota::HaVipsPerAccount => {
            // The VPC and the account have one limit: of the account one lies elsewhere.
            let (_, elsewhere) = lab.place();
            let of_account = quota == Quota::HaVipsPerAccount;
            (0..limit).for_each(|n| {
                lab.make(vip(if of_account && n == 0 { elsewhere } else { vswitch }));
            });
            (vip(vswitch).into(), if of_account { E::HaVipQuotaExceeded } else { E::HaVipVpcQuotaExceeded })
        }
        Quota::HaVipsPerInstance => {
            let instance = lab.instance(vpc, vswitch);
            (0..limit).for_each(|_| {
                let vip = lab.id(vip(vswitch));
                lab.make(bind(vip, instance));
            });
            (bind(lab.id(vip(vswitch)), instance).into(), E::HaVipsOnInstanceExceeded)
        }
        Quota::BindingsPerHaVip => {
            let vip = lab.id(vip(vswitch));
            (0..limit).for_each(|_| {
                let instance = lab.instance(vpc, vswitch);
                lab.make(bind(vip, instance));
            });
            (bind(vip, lab.instance(vpc, vswitch)).into(), E::HaVipBoundExceeded)
        }
        other => {
            assert_eq!(other, Quota::HaVipRouteEntries);
            let table = lab.world.get::<Vpc>(&vpc).unwrap().system_table;
            let vip = lab.id(vip(vswitch));
            (0..limit).for_each(|n| {
                lab.make(route(table, n, vip));
            });
            (route(table, limit, vip).into(), E::RouteHaVipQuotaExceeded)
        }
    }
}

/// Fills a quota; gives the command for one more and the error that it must get.
pub fn fill(lab: &mut Lab, quota: Quota) -> (Command, E) {
    let limit = quota.row().default;
    match quota {
        Quota::NatGatewaysPerVpc => {
            let (vpc, vswitch) = lab.place();
            (0..limit).for_each(|_| {
                lab.make(gateway(vpc, vswitch));
            });
            (gateway(vpc, vswitch).into(), E::NatQuotaExceeded)
        }
        Quota::EipsPerNatGateway | Quota::TrafficEipsPerNatGateway => {
            lab.raise(Quota::EipsPerAccount);
            let by_traffic = quota == Quota::TrafficEipsPerNatGateway;
            let charge = if by_traffic { InternetCharge::ByTraffic } else { InternetCharge::ByBandwidth };
            let error = if by_traffic { E::NatTrafficEipQuotaExceeded } else { E::NatEipQuotaExceeded };
            let (vpc, vswitch) = lab.place();
            let nat = lab.id::<NatGatewayId>(gateway(vpc, vswitch));
            let mut bind = || {
                let eip = lab.id::<EipId>(AllocateEip { charge, ..AllocateEip::default() });
                to_gateway(eip, nat)
            };
            let all: Vec<AssociateEip> = (0..=limit).map(|_| bind()).collect();
            all[..limit as usize].iter().for_each(|bind| {
                lab.make(bind.clone());
            });
            (all[limit as usize].clone().into(), error)
        }
        Quota::SnatEntries => {
            let (vpc, vswitch) = lab.place();
            let (table, ip) = lab.snat_table(vpc, vswitch, 1);
            let entry = |n: u32| snat(table, &format!("10.9.{n}.0/24"), ip.clone());
            (0..limit).for_each(|n| {
                lab.make(entry(n));
            });
            (entry(limit).into(), E::SnatQuotaExceeded)
        }
        Quota::ForwardEntries => {
            let (vpc, vswitch) = lab.place();
            let (table, ip) = lab.snat_table(vpc, vswitch, 1);
            let entry = |n: u32| forward(table, ip[0], n as u16 + 1);
            (0..limit).for_each(|n| {
                lab.make(entry(n));
            });
            (entry(limit).into(), E::ForwardQuotaExceeded)
        }
        Quota::EipsPerSnatEntry => {
            lab.raise(Quota::EipsPerAccount);
            lab.raise(Quota::EipsPerNatGateway);
            let (vpc, vswitch) = lab.place();
            let (table, ips) = lab.snat_table(vpc, vswitch, limit + 1);
            lab.make(snat(table, "10.9.0.0/24", ips[1..].to_vec()));
            (snat(table, "10.9.1.0/24", ips).into(), E::SnatIpsExceeded)
        }
        Quota::HaVipsPerVpc
        | Quota::HaVipsPerAccount
        | Quota::HaVipsPerInstance
        | Quota::BindingsPerHaVip
        | Quota::HaVipRouteEntries => fill_vips(lab, quota),
        Quota::AttachmentsPerServer => {
            let ((pool, _), vpc) = (lab.pool(), lab.vpc());
            let vswitch = lab.vswitch(vpc, 24, None);
            let instance = lab.instance(vpc, vswitch);
            lab.make(StartInstances { instances: vec![instance], rule: BatchRule::AllTogether });
            lab.world.advance(lab.world.now() + Span(60_000));
            let server = Server::Instance(instance);
            lab.make(behind(pool, server, 1..41));
            lab.make(behind(pool, server, 41..limit as u16 + 1));
            (behind(pool, server, 9_000..9_001).into(), E::BackendAttachmentsExceeded)
        }
        Quota::GatewayRouteTablesPerVpc => {
            let vpc = lab.vpc();
            let (associate_type, tags) = (AssociateType::Gateway, Vec::new());
            let table = CreateRouteTable { vpc, associate_type, name: None, description: None, tags };
            lab.make(table.clone());
            (table.into(), E::GatewayTableQuotaExceeded)
        }
        Quota::EipsPerAccount => {
            (0..limit).for_each(|_| {
                lab.make(AllocateEip::default());
            });
            (AllocateEip::default().into(), E::EipQuotaExceeded)
        }
        Quota::Ipv6EgressRulesPerVpc => fill_outward(lab, limit),
        Quota::RouterInterfacesPerVpc => {
            let vpc = lab.vpc();
            let vrouter = lab.world.get::<Vpc>(&vpc).unwrap().vrouter;
            let opposite = Opposite {
                region: "cn-hangzhou".into(),
                account: None,
                vrouter: None,
                router_interface: None,
            };
            let (name, description, resource_group, tags) = (None, None, None, Vec::new());
            let (role, spec) = (Role::Accepting, None);
            let one = CreateRouterInterface {
                vrouter,
                role,
                spec,
                opposite,
                name,
                description,
                resource_group,
                tags,
            };
            (0..limit).for_each(|_| {
                lab.make(one.clone());
            });
            (one.into(), E::RouterInterfaceQuotaExceeded)
        }
        Quota::VpcPeersPerRegion => {
            // Seven VPCs make 21 pairs.
            let vpcs: Vec<VpcId> = (0..7).map(|_| lab.vpc()).collect();
            let pairs = (0..7).flat_map(|a| (0..a).map(move |b| (a, b)));
            let all: Vec<CreateVpcPeer> = pairs.map(|(a, b)| peer(vpcs[a], vpcs[b])).collect();
            assert_eq!(all.len(), limit as usize + 1);
            all[..limit as usize].iter().for_each(|one| {
                lab.make(one.clone());
            });
            (all[limit as usize].clone().into(), E::VpcPeerQuotaExceeded)
        }
        Quota::IntraRegionPeersPerVpc => {
            lab.raise(Quota::VpcsPerRegion);
            let vpc = lab.vpc();
            (0..limit).for_each(|_| {
                let other = lab.vpc();
                lab.make(peer(vpc, other));
            });
            (peer(lab.vpc(), vpc).into(), E::VpcPeerIntraRegionQuotaExceeded)
        }
        Quota::CrossRegionPeersPerVpc => {
            lab.raise(Quota::VpcPeersPerRegion);
            lab.raise(Quota::VpcsPerRegion);
            let vpc = lab.vpc();
            let far = Caller::new(AccountId::DEFAULT, "cn-shanghai");
            let mut across = || {
                let made = lab.world.apply(lab.world.now(), &far, CreateVpc::default().into()).outcome;
                let accepting_vpc = made.unwrap().id();
                CreateVpcPeer { accepting_region: "cn-shanghai".into(), ..peer(vpc, accepting_vpc) }
            };
            let all: Vec<CreateVpcPeer> = (0..=limit).map(|_| across()).collect();
            all[..limit as usize].iter().for_each(|one| {
                lab.make(one.clone());
            });
            (all[limit as usize].clone().into(), E::VpcPeerCrossRegionQuotaExceeded)
        }
        Quota::NetworkAclsPerVpc => {
            let vpc = lab.vpc();
            (0..limit).for_each(|_| {
                lab.make(acl(vpc));
            });
            (acl(vpc).into(), E::NetworkAclQuotaExceeded)
        }
        Quota::NetworkAclIngressRules | Quota::NetworkAclEgressRules => {
            // The other direction and the other family, which are full too, do not count.
            let vpc = lab.vpc();
            let acl = lab.id::<NetworkAclId>(acl(vpc));
            let inbound = quota == Quota::NetworkAclIngressRules;
            let update = |ingress: u32, egress: u32| {
                let rules = |v4| {
                    let v6 = (0..limit).map(|_| acl_rule("::/0"));
                    Some((0..v4).map(|_| acl_rule("10.0.0.0/8")).chain(v6).collect())
                };
                UpdateNetworkAclRules { acl, ingress: rules(ingress), egress: rules(egress) }
            };
            lab.make(update(limit, limit));
            let more = if inbound { update(limit + 1, limit) } else { update(limit, limit + 1) };
            (more.into(), E::NetworkAclRuleQuotaExceeded)
        }
        other => panic!("{other:?} is filled elsewhere"),
    }
}
