//! Quotas of elastic IP addresses, NAT gateways and network ACLs.

use super::Lab;
use compact_str::CompactString;
use sim_core::ecs::security_group_rule::{Policy, PortRange, Protocol};
use sim_core::id::{EipId, ForwardTableId, Id, NatGatewayId, NetworkAclId, SnatTableId, VSwitchId, VpcId};
use sim_core::quota::Quota;
use sim_core::vpc::eip::{AllocateEip, Eip, InternetCharge};
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind};
use sim_core::vpc::forward_entry::{CreateForwardEntry, Mapping};
use sim_core::vpc::forward_ports::ForwardProtocol;
use sim_core::vpc::nat_gateway::{CreateNatGateway, NatGateway};
use sim_core::vpc::network_acl::CreateNetworkAcl;
use sim_core::vpc::network_acl_rule::{RuleInput as AclRule, UpdateNetworkAclRules};
use sim_core::vpc::snat::CreateSnatEntry;
use sim_core::{Command, ErrorCode as E};
use std::net::Ipv4Addr;

fn gateway(vpc: VpcId, vswitch: VSwitchId) -> CreateNatGateway {
    CreateNatGateway { vpc, vswitch, name: None, description: None, icmp_reply: true, tags: Vec::new() }
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
        Quota::EipsPerAccount => {
            (0..limit).for_each(|_| {
                lab.make(AllocateEip::default());
            });
            (AllocateEip::default().into(), E::EipQuotaExceeded)
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
