//! Quotas of what listeners name and a region keeps: certificates and access control lists.

use super::{Lab, balancer, listener};
use compact_str::CompactString;
use sim_core::ecs::prefix_list::AddressFamily;
use sim_core::id::{AccessControlListId, LoadBalancerId};
use sim_core::quota::Quota;
use sim_core::secret::Fingerprint;
use sim_core::slb::acl::{AclEntry, AclKind, CreateAccessControlList, ModifyAccessControlList};
use sim_core::slb::certificate::{CertificateFacts, UploadCaCertificate, UploadServerCertificate};
use sim_core::slb::listener::CreateListener;
use sim_core::slb::listener_access::AccessSettings;
use sim_core::slb::tls_policy::CreateTlsPolicy;
use sim_core::{Command, ErrorCode as E, SimTime};

fn certificate() -> CertificateFacts {
    CertificateFacts {
        common_name: "www.example.com".into(),
        alternative_names: Vec::new(),
        fingerprint: "a4:f6".into(),
        not_before: SimTime(0),
        not_after: SimTime(2_000_000_000_000),
    }
}

/// Uploads a server certificate.
pub fn upload_server() -> UploadServerCertificate {
    let (name, facts, private_key) = (None, certificate(), Fingerprint(1));
    UploadServerCertificate { name, facts, private_key, resource_group: None, tags: Vec::new() }
}

fn client_list() -> CreateAccessControlList {
    CreateAccessControlList {
        name: "offices".into(),
        family: AddressFamily::Ipv4,
        entries: Vec::new(),
        resource_group: None,
        tags: Vec::new(),
    }
}

fn more_entries(acl: AccessControlListId, numbers: std::ops::Range<u32>) -> ModifyAccessControlList {
    let entry = |n: u32| AclEntry {
        block: format!("10.{}.{}.0/24", n / 256, n % 256).parse().unwrap(),
        comment: CompactString::default(),
    };
    ModifyAccessControlList { acl, name: None, add: numbers.map(entry).collect(), remove: Vec::new() }
}

/// A listener that lets in whom lists have.
fn guarded(load_balancer: LoadBalancerId, port: u16, acls: Vec<AccessControlListId>) -> CreateListener {
    let access = AccessSettings { on: Some(true), acls: Some(acls), kind: Some(AclKind::White) };
    CreateListener { access, ..listener(load_balancer, port) }
}

/// Fills a quota; gives the command for one more and the error that it must get.
pub fn fill(lab: &mut Lab, quota: Quota) -> (Command, E) {
    let limit = quota.row().default;
    match quota {
        Quota::ServerCertificates => {
            (0..limit).for_each(|_| {
                lab.make(upload_server());
            });
            (upload_server().into(), E::ServerCertificateQuotaExceeded)
        }
        Quota::CaCertificates => {
            let upload = || UploadCaCertificate {
                name: None,
                facts: certificate(),
                resource_group: None,
                tags: Vec::new(),
            };
            (0..limit).for_each(|_| {
                lab.make(upload());
            });
            (upload().into(), E::CaCertificateQuotaExceeded)
        }
        Quota::TlsPolicies => {
            let (name, versions, ciphers) =
                ("modern".into(), vec!["TLSv1.2".into()], vec!["AES128-SHA".into()]);
            let policy = CreateTlsPolicy { name, versions, ciphers };
            (0..limit).for_each(|_| {
                lab.make(policy.clone());
            });
            (policy.into(), E::TlsPolicyQuotaExceeded)
        }
        Quota::AccessControlLists => {
            (0..limit).for_each(|_| {
                lab.make(client_list());
            });
            (client_list().into(), E::AclQuotaExceeded)
        }
        Quota::AccessControlListEntries => {
            let acl = lab.id::<AccessControlListId>(client_list());
            (0..limit / 50).for_each(|n| {
                lab.make(more_entries(acl, 50 * n..50 * (n + 1)));
            });
            (more_entries(acl, limit..limit + 1).into(), E::AclEntryQuotaExceeded)
        }
        Quota::ListenersPerAccessControlList => {
            lab.raise(Quota::ListenersPerLoadBalancer);
            let (balancer, acl) = (lab.id(balancer()), lab.id(client_list()));
            (0..limit as u16).for_each(|at| {
                lab.make(guarded(balancer, 1 + at, vec![acl]));
            });
            (guarded(balancer, 9_000, vec![acl]).into(), E::ListenerAclQuotaExceeded)
        }
        Quota::AclEntriesPerListener => {
            lab.raise(Quota::AccessControlListEntries);
            let (balancer, one, other) = (lab.id(balancer()), lab.id(client_list()), lab.id(client_list()));
            lab.make(guarded(balancer, 1, vec![one]));
            (0..limit / 50).for_each(|n| {
                lab.make(more_entries(one, 50 * n..50 * (n + 1)));
            });
            let grow = more_entries(one, limit..limit + 1);
            assert_eq!(lab.try_do(grow).unwrap_err().code(), E::AclEntryQuotaExceeded);
            lab.make(more_entries(other, limit..limit + 1));
            (guarded(balancer, 2, vec![one, other]).into(), E::ListenerAclEntriesExceeded)
        }
        other => unreachable!("{} is filled elsewhere", other.row().name),
    }
}
