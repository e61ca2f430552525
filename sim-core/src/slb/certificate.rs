//! Certificates of load balancers: those that listeners show to clients, with their private keys, and the CA certificates
//! by which they judge clients.
//!
//! A certificate is read and a private key is checked and replaced by its fingerprint before a command exists, so that
//! rows hold what a certificate says of itself and nothing of a key (see [`crate::secret`]).

use crate::access::{Caller, Owner};
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{CaCertificateId, ResourceGroupId, ServerCertificateId};
use crate::quota::Quota;
use crate::resource::Resource;
use crate::secret::Fingerprint;
use crate::slb::{domain_extension, listener_certificates};
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// The common name of its subject; empty if it has none.
    pub common_name: CompactString,
    /// Its alternative names: domains and addresses.
    pub alternative_names: Vec<CompactString>,
    /// The SHA-1 of its encoding, in pairs of hexadecimal digits with colons between them.
    pub fingerprint: CompactString,
    /// When it begins to hold.
    pub not_before: SimTime,
    /// Until when it holds.
    pub not_after: SimTime,
}

/// A certificate with a private key, for listeners to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerCertificate {
    /// Its id.
    pub id: ServerCertificateId,
    /// Whose it is.
    pub owner: Owner,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// What it says of itself.
    pub facts: CertificateFacts,
    /// What is kept of its private key.
    pub private_key: Fingerprint,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// When it was uploaded.
    pub created: SimTime,
}

/// A certificate of an authority, by which listeners judge the certificates of clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaCertificate {
    /// Its id.
    pub id: CaCertificateId,
    /// Whose it is.
    pub owner: Owner,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// What it says of itself.
    pub facts: CertificateFacts,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// When it was uploaded.
    pub created: SimTime,
}

/// What is derived from server certificates.
#[derive(Clone, Debug, Default)]
pub struct ServerCertificateIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, ServerCertificateId>,
}

/// What is derived from CA certificates.
#[derive(Clone, Debug, Default)]
pub struct CaCertificateIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, CaCertificateId>,
}

impl Row for ServerCertificate {
    type Key = ServerCertificateId;
    type Index = ServerCertificateIndex;

    fn key(&self) -> ServerCertificateId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|c| c.id) else { return };
        let ix = &mut indexes.server_certificates;
        ix.by_owner.shift(&id, old.map(|c| c.owner.clone()), new.map(|c| c.owner.clone()));
    }
}

impl Row for CaCertificate {
    type Key = CaCertificateId;
    type Index = CaCertificateIndex;

    fn key(&self) -> CaCertificateId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|c| c.id) else { return };
        let ix = &mut indexes.ca_certificates;
        ix.by_owner.shift(&id, old.map(|c| c.owner.clone()), new.map(|c| c.owner.clone()));
    }
}

impl Resource for ServerCertificate {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl Resource for CaCertificate {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// A name may be absent.
fn check_name(name: Option<&str>) -> Outcome<CompactString> {
    name.filter(|name| !name.is_empty()).map_or_else(|| Ok(CompactString::default()), check_new_name)
}

/// A name has 1 to 80 letters, digits and `- / . _`.
fn check_new_name(name: &str) -> Outcome<CompactString> {
    let plain = |c: char| c.is_alphanumeric() || "-/._".contains(c);
    if (1..=80).contains(&name.chars().count()) && name.chars().all(plain) {
        return Ok(name.into());
    }
    Err(Refusal::new(ErrorCode::CertificateNameMalformed)
        .field("name")
        .given(name)
        .accepted("1 to 80 letters, digits and - / . _"))
}

/// Uploads a server certificate that was read, with the fingerprint of its private key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadServerCertificate {
    /// Its name.
    pub name: Option<CompactString>,
    /// What it says of itself.
    pub facts: CertificateFacts,
    /// What is kept of its private key.
    pub private_key: Fingerprint,
    /// Its resource group; the account's default one if absent.
    pub resource_group: Option<ResourceGroupId>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`UploadServerCertificate`].
///
/// # Errors
/// The form of name and tags; an unknown region or resource group; [`ErrorCode::ServerCertificateQuotaExceeded`].
pub fn upload_server(w: &mut World, caller: &Caller, c: &UploadServerCertificate) -> Outcome<Reply> {
    let name = check_name(c.name.as_deref())?;
    tag::check_balancing(&c.tags)?;
    crate::region::check(w, &caller.region)?;
    let resource_group = crate::resource_group::resolve(w, caller, c.resource_group)?;
    let owner = Owner::from(caller);
    let used = w.indexes().server_certificates.by_owner.count(&owner);
    Quota::ServerCertificates.check(w, caller.account, used, 1, ErrorCode::ServerCertificateQuotaExceeded)?;
    let id = w.new_id::<ServerCertificateId>(&caller.region)?;
    tag::put_all(w, &owner, id, &c.tags);
    let (facts, private_key, created) = (c.facts.clone(), c.private_key, w.now());
    w.put(ServerCertificate { id, owner, name, facts, private_key, resource_group, created });
    Ok(id.into())
}

/// Gives a server certificate another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenameServerCertificate {
    /// The certificate.
    pub certificate: ServerCertificateId,
    /// Its new name; stays as it is if absent.
    pub name: Option<CompactString>,
}

/// Handles [`RenameServerCertificate`].
///
/// # Errors
/// An unknown certificate; the form of the name.
pub fn rename_server(w: &mut World, caller: &Caller, c: &RenameServerCertificate) -> Outcome<Reply> {
    let certificate = w.visible::<ServerCertificate>(caller, c.certificate)?;
    let Some(name) = &c.name else { return Ok(Reply::Done) };
    let renamed = ServerCertificate { name: check_new_name(name)?, ..certificate.clone() };
    w.put(renamed);
    Ok(Reply::Done)
}

/// Deletes a server certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteServerCertificate {
    /// The certificate.
    pub certificate: ServerCertificateId,
}

/// Handles [`DeleteServerCertificate`].
///
/// # Errors
/// An unknown certificate, or one that a listener or a domain extension uses.
pub fn delete_server(w: &mut World, caller: &Caller, c: &DeleteServerCertificate) -> Outcome<Reply> {
    w.visible::<ServerCertificate>(caller, c.certificate)?;
    listener_certificates::check_unused(w, c.certificate)?;
    domain_extension::check_unused(w, c.certificate)?;
    tag::clear(w, c.certificate);
    w.remove::<ServerCertificate>(&c.certificate);
    Ok(Reply::Done)
}

/// Uploads a CA certificate that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadCaCertificate {
    /// Its name.
    pub name: Option<CompactString>,
    /// What it says of itself.
    pub facts: CertificateFacts,
    /// Its resource group; the account's default one if absent.
    pub resource_group: Option<ResourceGroupId>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`UploadCaCertificate`].
///
/// # Errors
/// The form of name and tags; an unknown region or resource group; [`ErrorCode::CaCertificateQuotaExceeded`].
pub fn upload_ca(w: &mut World, caller: &Caller, c: &UploadCaCertificate) -> Outcome<Reply> {
    let name = check_name(c.name.as_deref())?;
    tag::check_balancing(&c.tags)?;
    crate::region::check(w, &caller.region)?;
    let resource_group = crate::resource_group::resolve(w, caller, c.resource_group)?;
    let owner = Owner::from(caller);
    let used = w.indexes().ca_certificates.by_owner.count(&owner);
    Quota::CaCertificates.check(w, caller.account, used, 1, ErrorCode::CaCertificateQuotaExceeded)?;
    let id = w.new_id::<CaCertificateId>(&caller.region)?;
    tag::put_all(w, &owner, id, &c.tags);
    let (facts, created) = (c.facts.clone(), w.now());
    w.put(CaCertificate { id, owner, name, facts, resource_group, created });
    Ok(id.into())
}

/// Gives a CA certificate another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenameCaCertificate {
    /// The certificate.
    pub certificate: CaCertificateId,
    /// Its new name; stays as it is if absent.
    pub name: Option<CompactString>,
}

/// Handles [`RenameCaCertificate`].
///
/// # Errors
/// An unknown certificate; the form of the name.
pub fn rename_ca(w: &mut World, caller: &Caller, c: &RenameCaCertificate) -> Outcome<Reply> {
    let certificate = w.visible::<CaCertificate>(caller, c.certificate)?;
    let Some(name) = &c.name else { return Ok(Reply::Done) };
    let renamed = CaCertificate { name: check_new_name(name)?, ..certificate.clone() };
    w.put(renamed);
    Ok(Reply::Done)
}

/// Deletes a CA certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteCaCertificate {
    /// The certificate.
    pub certificate: CaCertificateId,
}

/// Handles [`DeleteCaCertificate`].
///
/// # Errors
/// An unknown certificate, or one that a listener uses.
pub fn delete_ca(w: &mut World, caller: &Caller, c: &DeleteCaCertificate) -> Outcome<Reply> {
    w.visible::<CaCertificate>(caller, c.certificate)?;
    listener_certificates::check_unused(w, c.certificate)?;
    tag::clear(w, c.certificate);
    w.remove::<CaCertificate>(&c.certificate);
    Ok(Reply::Done)
}
