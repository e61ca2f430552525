//! Commands and parts of commands that fill quotas, where they are longer than a line.

use compact_str::{CompactString, format_compact};
use sim_core::ecs::prefix_list::{AddressFamily, CreatePrefixList};
use sim_core::ecs::rule_input::RuleInput as GroupRule;
use sim_core::ecs::security_group_rule::{Peer, Policy, PortRange, Protocol, RuleSpec};
use sim_core::tag::TagPair;
use sim_core::vpc::vpc::CreateVpc;

pub fn list(max_entries: u32) -> CreatePrefixList {
    CreatePrefixList {
        name: "offices".into(),
        description: None,
        family: AddressFamily::Ipv4,
        max_entries,
        entries: Vec::new(),
        resource_group: None,
        tags: Vec::new(),
    }
}

pub fn rule(port: u16, peer: Peer) -> GroupRule {
    let spec = RuleSpec {
        protocol: Protocol::Tcp,
        ports: Some(PortRange { first: port, last: port }),
        source_ports: None,
        policy: Policy::Accept,
        priority: 1,
        peer,
        own: None,
    };
    GroupRule { spec, peer_as_address: false, own_as_address: false, description: CompactString::default() }
}

pub fn tags(keys: std::ops::Range<u32>) -> Vec<TagPair> {
    keys.map(|n| TagPair { key: format_compact!("key-{n}"), value: CompactString::default() }).collect()
}

pub fn user_cidrs(count: u8) -> CreateVpc {
    let user_cidrs = (0..count).map(|n| format!("30.{n}.0.0/16").parse().unwrap()).collect();
    CreateVpc { user_cidrs, ..CreateVpc::default() }
}
