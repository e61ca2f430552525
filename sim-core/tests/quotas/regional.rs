//! Quotas of what listeners name and a region keeps: certificates and access control lists.

use super::Lab;
use compact_str::CompactString;
use sim_core::ecs::prefix_list::AddressFamily;
use sim_core::id::AccessControlListId;
use sim_core::quota::Quota;
use sim_core::secret::Fingerprint;
use sim_core::slb::acl::{AclEntry, CreateAccessControlList, ModifyAccessControlList};
use sim_core::slb::certificate::{CertificateFacts, UploadCaCertificate, UploadServerCertificate};
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

fn client_list() -> CreateAccessControlList {
    CreateAccessControlList {
        name: "offices".into(),
        family: AddressFamily::Ipv4,
        entries: Vec::new(),
        resource_group: None,
        tags: Vec::new(),
    }
}

/// Fills a quota; gives the command for one more and the error that it must get.
pub fn fill(lab: &mut Lab, quota: Quota) -> (Command, E) {
    let limit = quota.row().default;
    match quota {
        Quota::ServerCertificates => {
            let upload = || UploadServerCertificate {
                name: None,
                facts: certificate(),
                private_key: Fingerprint(1),
                resource_group: None,
                tags: Vec::new(),
            };
            (0..limit).for_each(|_| {
                lab.make(upload());
            });
            (upload().into(), E::ServerCertificateQuotaExceeded)
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
        Quota::AccessControlLists => {
            (0..limit).for_each(|_| {
                lab.make(client_list());
            });
            (client_list().into(), E::AclQuotaExceeded)
        }
        Quota::AccessControlListEntries => {
            let acl = lab.id::<AccessControlListId>(client_list());
            let add = |from: u32, to: u32| {
                let entry = |n: u32| AclEntry {
                    block: format!("10.{}.{}.0/24", n / 256, n % 256).parse().unwrap(),
                    comment: CompactString::default(),
                };
                let add = (from..to).map(entry).collect();
                ModifyAccessControlList { acl, name: None, add, remove: Vec::new() }
            };
            (0..limit / 50).for_each(|n| {
                lab.make(add(50 * n, 50 * (n + 1)));
            });
            (add(limit, limit + 1).into(), E::AclEntryQuotaExceeded)
        }
        other => unreachable!("{} is filled elsewhere", other.row().name),
    }
}
