//! Commands and parts of commands that fill quotas, where they are longer than a line.

use compact_str::CompactString;
use sim_core::SimTime;
use sim_core::ecs::prefix_list::AddressFamily;
use sim_core::ecs::security_group_rule::{Policy, Protocol};
use sim_core::id::VpcId;
use sim_core::slb::acl::CreateAccessControlList;
use sim_core::slb::certificate::CertificateFacts;
use sim_core::vpc::network_acl::CreateNetworkAcl;
use sim_core::vpc::network_acl_rule::RuleInput;

pub fn certificate() -> CertificateFacts {
    CertificateFacts {
        common_name: "www.example.com".into(),
        alternative_names: Vec::new(),
        fingerprint: "a4:f6".into(),
        not_before: SimTime(0),
        not_after: SimTime(2_000_000_000_000),
    }
}

pub fn client_list() -> CreateAccessControlList {
    CreateAccessControlList {
        name: "offices".into(),
        family: AddressFamily::Ipv4,
        entries: Vec::new(),
        resource_group: None,
        tags: Vec::new(),
    }
}

pub fn acl(vpc: VpcId) -> CreateNetworkAcl {
    CreateNetworkAcl { vpc, name: None, description: None, tags: Vec::new() }
}

pub fn acl_rule(block: &str) -> RuleInput {
    RuleInput {
        id: None,
        policy: Policy::Drop,
        protocol: Protocol::All,
        block: block.parse().unwrap(),
        ports: None,
        name: CompactString::default(),
        description: CompactString::default(),
    }
}
