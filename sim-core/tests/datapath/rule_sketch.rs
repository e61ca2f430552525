//! Random rules of security groups and network ACLs.

use proptest::prelude::*;
use sim_core::cidr::Cidr;
use sim_core::ecs::security_group_rule::{Policy, PortRange, Protocol};
use sim_core::vpc::network_acl_rule::RuleInput;

#[derive(Clone, Debug)]
pub struct RuleSketch {
    /// The group or ACL.
    pub of: usize,
    pub ingress: bool,
    pub protocol: Protocol,
    pub ports: Option<(u16, u16)>,
    pub drop: bool,
    pub priority: u8,
    pub block: &'static str,
    pub peer_group: Option<usize>,
}

const BLOCKS: [&str; 7] =
    ["0.0.0.0/0", "10.0.1.0/24", "10.0.2.0/24", "10.0.0.0/8", "172.20.0.0/16", "10.0.1.11/32", "::/0"];

pub fn rule(of: usize) -> impl Strategy<Value = RuleSketch> {
    let protocol = prop::sample::select(vec![Protocol::All, Protocol::Tcp, Protocol::Udp, Protocol::Icmp]);
    let ports = prop::sample::select(vec![(1, 65535), (80, 80), (22, 443), (49152, 49152), (1, 1023)]);
    let block = prop::sample::select(BLOCKS.to_vec());
    let peer_group = prop::option::weighted(0.25, 0..3_usize);
    (0..of, any::<bool>(), protocol, ports, prop::bool::weighted(0.3), 1..4_u8, block, peer_group).prop_map(
        |(of, ingress, protocol, ports, drop, priority, block, peer_group)| {
            let ports = matches!(protocol, Protocol::Tcp | Protocol::Udp).then_some(ports);
            RuleSketch { of, ingress, protocol, ports, drop, priority, block, peer_group }
        },
    )
}

pub fn acl_rule(rule: &RuleSketch) -> RuleInput {
    RuleInput {
        id: None,
        policy: if rule.drop { Policy::Drop } else { Policy::Accept },
        protocol: match rule.protocol {
            Protocol::Icmp if rule.block == "::/0" => Protocol::Icmpv6,
            protocol => protocol,
        },
        block: rule.block.parse::<Cidr>().unwrap(),
        ports: rule.ports.map(|(first, last)| PortRange { first, last }),
        name: "".into(),
        description: "".into(),
    }
}
