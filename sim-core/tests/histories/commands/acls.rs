//! Network ACLs, and access control lists, certificates and TLS cipher policies of load balancers.

use crate::dice::Dice;
use compact_str::CompactString;
use sim_core::Command;
use sim_core::SimTime;
use sim_core::ecs::prefix_list::AddressFamily;
use sim_core::ecs::security_group_rule::{Direction, Policy, PortRange, Protocol};
use sim_core::id::VSwitchId;
use sim_core::secret::Fingerprint;
use sim_core::slb::acl::*;
use sim_core::slb::certificate::{CertificateFacts, UploadCaCertificate, UploadServerCertificate};
use sim_core::slb::tls_policy::{CreateTlsPolicy, ModifyTlsPolicy, TlsPolicy};
use sim_core::vpc::network_acl::{CreateNetworkAcl, NetworkAcl};
use sim_core::vpc::network_acl_binding::{AssociateNetworkAcl, NetworkAclBinding, UnassociateNetworkAcl};
use sim_core::vpc::network_acl_rule::{RuleInput, UpdateNetworkAclRules};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vswitch::VSwitch;

pub fn create_acl(d: &mut Dice<'_>) -> Command {
    CreateNetworkAcl { vpc: d.id::<Vpc>(), name: d.text(), description: d.text(), tags: d.tags() }.into()
}

/// Mostly vSwitches of the ACL's VPC.
pub fn associate(d: &mut Dice<'_>) -> Command {
    let own = d.own::<NetworkAcl>();
    let near = d.world.table::<VSwitch>().iter().filter(|s| own.is_some_and(|acl| acl.vpc == s.vpc));
    let near: Vec<VSwitchId> = near.map(|s| s.id).collect();
    let count = 1 + d.roll(8) / 6;
    let one = |d: &mut Dice<'_>| if d.once_in(8) { d.id::<VSwitch>() } else { d.one_of(&near) };
    let vswitches = (0..count).map(|_| one(d)).collect();
    AssociateNetworkAcl { acl: own.map_or_else(|| d.id::<NetworkAcl>(), |acl| acl.id), vswitches }.into()
}

pub fn unassociate(d: &mut Dice<'_>) -> Command {
    let bindings: Vec<&NetworkAclBinding> = d.world.table::<NetworkAclBinding>().iter().collect();
    if bindings.is_empty() || d.once_in(6) {
        let vswitches = (0..d.roll(2)).map(|_| d.id::<VSwitch>()).collect();
        return UnassociateNetworkAcl { acl: d.id::<NetworkAcl>(), vswitches }.into();
    }
    let binding = d.pick(&bindings);
    UnassociateNetworkAcl { acl: binding.acl, vswitches: vec![binding.vswitch] }.into()
}

fn rule(d: &mut Dice<'_>, acl: Option<&NetworkAcl>, direction: Direction) -> RuleInput {
    let protocol = d.pick(&[Protocol::Tcp, Protocol::All, Protocol::Udp, Protocol::Icmp, Protocol::Icmpv6]);
    let range = PortRange { first: 80, last: d.pick(&[80, 90, 90, 90, 79]) };
    let known: Vec<_> =
        acl.iter().flat_map(|acl| acl.custom(direction).iter().map(|r| r.id(acl.id))).collect();
    RuleInput {
        id: if known.is_empty() { None } else { d.maybe(|d| d.pick(&known)) },
        policy: d.pick(&[Policy::Accept, Policy::Drop]),
        protocol,
        block: d.pick(&["10.0.0.0/8", "0.0.0.0/0", "10.0.0.7/32", "::/0"]).parse().unwrap(),
        ports: protocol.has_ports().then_some(range),
        name: d.text().unwrap_or_default(),
        description: d.text().unwrap_or_default(),
    }
}

pub fn update_rules(d: &mut Dice<'_>) -> Command {
    let own = d.own::<NetworkAcl>();
    let acl = own.map_or_else(|| d.id::<NetworkAcl>(), |acl| acl.id);
    let mut side = |direction| {
        d.maybe(|d| {
            let count = d.roll(4);
            (0..count).map(|_| rule(d, own, direction)).collect()
        })
    };
    let (ingress, egress) = (side(Direction::Ingress), side(Direction::Egress));
    UpdateNetworkAclRules { acl, ingress, egress }.into()
}

fn entries(d: &mut Dice<'_>) -> Vec<AclEntry> {
    let blocks = ["10.0.0.0/8", "192.168.0.0/16", "47.0.0.0/8", "2001:db8::/32"];
    let entry = |d: &mut Dice<'_>| AclEntry {
        block: d.pick(&blocks).parse().unwrap(),
        comment: d.text().unwrap_or_default(),
    };
    (0..d.roll(3)).map(|_| entry(d)).collect()
}

pub fn create_list(d: &mut Dice<'_>) -> Command {
    CreateAccessControlList {
        name: d.pick(&["offices", "partners", "partners", "a b"]).into(),
        family: d.pick(&[AddressFamily::Ipv4, AddressFamily::Ipv4, AddressFamily::Ipv6]),
        entries: entries(d),
        resource_group: d.resource_group(),
        tags: d.tags(),
    }
    .into()
}

pub fn modify_list(d: &mut Dice<'_>) -> Command {
    ModifyAccessControlList {
        acl: d.id::<AccessControlList>(),
        name: d.maybe(|d| d.pick(&["offices", ""]).into()),
        add: entries(d),
        remove: entries(d).into_iter().map(|entry| entry.block).collect(),
    }
    .into()
}

fn facts(d: &mut Dice<'_>) -> CertificateFacts {
    CertificateFacts {
        common_name: d.pick(&["www.example.com", "example.com"]).into(),
        alternative_names: vec!["*.example.com".into()],
        fingerprint: "a4:f6".into(),
        not_before: SimTime(0),
        not_after: SimTime(2_000_000_000_000),
    }
}

pub fn upload_server(d: &mut Dice<'_>) -> Command {
    UploadServerCertificate {
        name: d.text(),
        facts: facts(d),
        private_key: Fingerprint(d.roll(3) as u32),
        resource_group: d.resource_group(),
        tags: d.tags(),
    }
    .into()
}

pub fn upload_ca(d: &mut Dice<'_>) -> Command {
    UploadCaCertificate {
        name: d.text(),
        facts: facts(d),
        resource_group: d.resource_group(),
        tags: d.tags(),
    }
    .into()
}

fn versions(d: &mut Dice<'_>) -> Vec<CompactString> {
    d.pick(&[&["TLSv1.2"][..], &["TLSv1.1", "TLSv1.2"], &["TLSv1.2", "TLSv1.2"], &["TLSv1.3"], &[]])
        .iter()
        .map(|version| (*version).into())
        .collect()
}

fn ciphers(d: &mut Dice<'_>) -> Vec<CompactString> {
    d.pick(&[&["AES128-SHA"][..], &["AES128-SHA", "AES256-SHA"], &["TLS_AES_128_GCM_SHA256"], &[]])
        .iter()
        .map(|cipher| (*cipher).into())
        .collect()
}

pub fn create_policy(d: &mut Dice<'_>) -> Command {
    let name = d.pick(&["modern", "older", "1st"]).into();
    CreateTlsPolicy { name, versions: versions(d), ciphers: ciphers(d) }.into()
}

pub fn modify_policy(d: &mut Dice<'_>) -> Command {
    ModifyTlsPolicy {
        policy: d.id::<TlsPolicy>(),
        name: d.maybe(|d| d.pick(&["modern", "older"]).into()),
        versions: d.maybe(versions),
        ciphers: d.maybe(ciphers),
    }
    .into()
}
