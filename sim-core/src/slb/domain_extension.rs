//! A domain extension: the certificate that an HTTPS listener shows to clients that ask for a domain by its name (SNI).
//!
//! An exact domain comes before a wildcard, a narrower wildcard before a wider one; who asks for no such domain sees the
//! listener's own certificate (provider documentation: additional domain names). A change is one of its listener, which
//! carries out one at a time.

use crate::access::{Caller, Owner};
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{DomainExtensionId, ForwardingRuleId, ListenerId, ServerCertificateId};
use crate::quota::Quota;
use crate::resource::Resource;
use crate::slb::certificate::ServerCertificate;
use crate::slb::forwarding_rule::{self, is_domain};
use crate::slb::listener::{self, Listener, Protocol, WhichListener};
use crate::slb::load_balancer::LoadBalancer;
use crate::slb::rule_matching::{self, Condition};
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// A domain extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainExtension {
    /// Its id.
    pub id: DomainExtensionId,
    /// Whose it is.
    pub owner: Owner,
    /// Its listener, with which it goes.
    pub listener: ListenerId,
    /// The domain: a name, or `*.` and one.
    pub domain: CompactString,
    /// The certificate that clients see who ask for it.
    pub certificate: ServerCertificateId,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from domain extensions.
#[derive(Clone, Debug, Default)]
pub struct DomainExtensionIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, DomainExtensionId>,
    /// By listener.
    pub by_listener: Groups<ListenerId, DomainExtensionId>,
    /// By certificate that is shown.
    pub by_certificate: Groups<ServerCertificateId, DomainExtensionId>,
}

impl Row for DomainExtension {
    type Key = DomainExtensionId;
    type Index = DomainExtensionIndex;

    fn key(&self) -> DomainExtensionId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|e| e.id) else { return };
        let ix = &mut indexes.domain_extensions;
        ix.by_owner.shift(&id, old.map(|e| e.owner.clone()), new.map(|e| e.owner.clone()));
        ix.by_listener.shift(&id, old.map(|e| e.listener), new.map(|e| e.listener));
        ix.by_certificate.shift(&id, old.map(|e| e.certificate), new.map(|e| e.certificate));
    }
}

impl Resource for DomainExtension {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The domain extensions of a listener, the oldest first.
pub fn of(w: &World, listener: ListenerId) -> impl Iterator<Item = &DomainExtension> {
    let ids = w.indexes().domain_extensions.by_listener.of(&listener);
    ids.filter_map(|id| w.get::<DomainExtension>(id))
}

/// The certificate that a client of an HTTPS listener sees who asks for a host by its name, empty if for none; absent if the
/// listener speaks no TLS.
pub fn certificate_for(w: &World, listener: &Listener, host: &str) -> Option<ServerCertificateId> {
    let own = listener.rules.tls()?.certificate;
    let all: Vec<&DomainExtension> = of(w, listener.id).collect();
    let conditions = all.iter().map(|extension| Condition { domain: &extension.domain, url: "" });
    let asked = rule_matching::in_order(conditions, host).first().map(|&at| all[at].certificate);
    asked.or(own)
}

/// Makes a domain extension of an HTTPS listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateDomainExtension {
    /// The listener.
    pub listener: WhichListener,
    /// The domain: a name, or `*.` and one, of at most 80 characters.
    pub domain: CompactString,
    /// The certificate that clients see who ask for it; needed.
    pub certificate: Option<ServerCertificateId>,
}

/// Handles [`CreateDomainExtension`].
///
/// # Errors
/// The form of the domain; no certificate; an unknown load balancer, listener or certificate; a listener that is not of
/// HTTPS; a locked load balancer; a listener that is being changed; a domain that the listener has; the quota.
pub fn create(w: &mut World, caller: &Caller, c: &CreateDomainExtension) -> Outcome<Reply> {
    if !is_domain(&c.domain) {
        return Err(Refusal::new(ErrorCode::DomainExtensionDomainMalformed)
            .field("domain")
            .given(&c.domain)
            .accepted("a domain such as www.example.com or *.example.com, of at most 80 characters"));
    }
    let certificate = needed(c.certificate)?;
    let listener = listener::find(w, caller, c.listener.load_balancer, c.listener.port, c.listener.protocol)?;
    if listener.protocol != Protocol::Https {
        return Err(Refusal::new(ErrorCode::DomainExtensionLayer)
            .field("listener_port")
            .detail(format!("The listener speaks {}.", listener.protocol.text()))
            .accepted("a listener of https"));
    }
    w.visible::<ServerCertificate>(caller, certificate)?;
    check_changeable(w, caller, listener)?;
    let same = |other: &&DomainExtension| other.domain.eq_ignore_ascii_case(&c.domain);
    if let Some(other) = of(w, listener.id).find(same) {
        return Err(Refusal::new(ErrorCode::DomainExtensionExists).field("domain").blockers([other.id]));
    }
    let used = w.indexes().domain_extensions.by_listener.count(&listener.id);
    let (quota, code) = (Quota::DomainExtensionsPerListener, ErrorCode::DomainExtensionQuotaExceeded);
    quota.check(w, caller.account, used, 1, code)?;
    let (listener, domain) = (listener.id, c.domain.clone());
    let (id, owner, created) = (w.new_id::<DomainExtensionId>(&caller.region)?, caller.into(), w.now());
    w.put(DomainExtension { id, owner, listener, domain, certificate, created });
    listener::configure(w, listener);
    Ok(id.into())
}

fn needed(certificate: Option<ServerCertificateId>) -> Outcome<ServerCertificateId> {
    certificate.ok_or_else(|| {
        Refusal::new(ErrorCode::DomainExtensionCertificateMissing)
            .field("server_certificate_id")
            .accepted("the id of a server certificate")
    })
}

/// Refuses a change while the load balancer is locked or the listener is being changed.
fn check_changeable(w: &World, caller: &Caller, listener: &Listener) -> Outcome<()> {
    w.visible::<LoadBalancer>(caller, listener.load_balancer)?.check_unlocked()?;
    listener.check_settled()
}

/// Lets a domain extension show another certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyDomainExtension {
    /// The domain extension.
    pub extension: DomainExtensionId,
    /// The certificate that clients see from now on; needed.
    pub certificate: Option<ServerCertificateId>,
}

/// Handles [`ModifyDomainExtension`].
///
/// # Errors
/// No certificate; an unknown domain extension or certificate; a locked load balancer; a listener that is being changed.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyDomainExtension) -> Outcome<Reply> {
    let certificate = needed(c.certificate)?;
    let extension = w.visible::<DomainExtension>(caller, c.extension)?;
    w.visible::<ServerCertificate>(caller, certificate)?;
    let listener = w.visible::<Listener>(caller, extension.listener)?;
    check_changeable(w, caller, listener)?;
    let listener = listener.id;
    w.update::<DomainExtension>(&c.extension, |extension| extension.certificate = certificate);
    listener::configure(w, listener);
    Ok(Reply::Done)
}

/// Deletes a domain extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteDomainExtension {
    /// The domain extension.
    pub extension: DomainExtensionId,
}

/// Handles [`DeleteDomainExtension`]. One whose domain a forwarding rule of its listener has stays (documented code:
/// DomainExtensionRelatedRuleExist, read by its name).
///
/// # Errors
/// An unknown domain extension; a locked load balancer; a listener that is being changed; forwarding rules of the domain.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteDomainExtension) -> Outcome<Reply> {
    let extension = w.visible::<DomainExtension>(caller, c.extension)?;
    let listener = w.visible::<Listener>(caller, extension.listener)?;
    check_changeable(w, caller, listener)?;
    let rules = forwarding_rule::of(w, listener.id);
    let rules = rules.filter(|rule| rule.domain.eq_ignore_ascii_case(&extension.domain));
    let rules: Vec<ForwardingRuleId> = rules.map(|rule| rule.id).collect();
    if !rules.is_empty() {
        return Err(Refusal::new(ErrorCode::DomainExtensionInRule)
            .field("domain_extension_id")
            .blockers(rules));
    }
    let listener = listener.id;
    w.remove::<DomainExtension>(&c.extension);
    listener::configure(w, listener);
    Ok(Reply::Done)
}

/// Refuses to delete a certificate that a domain extension shows.
///
/// # Errors
/// [`ErrorCode::CertificateInDomainExtension`].
pub(crate) fn check_unused(w: &World, certificate: ServerCertificateId) -> Outcome<()> {
    let ids = w.indexes().domain_extensions.by_certificate.of(&certificate);
    let users: Vec<DomainExtensionId> = ids.copied().collect();
    if users.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::CertificateInDomainExtension)
        .field("certificate_id")
        .accepted("the same request once no domain extension shows it")
        .blockers(users))
}

/// Takes the domain extensions of a listener out of the world.
pub(crate) fn erase_all(w: &mut World, listener: ListenerId) {
    let all: Vec<_> = w.indexes().domain_extensions.by_listener.of(&listener).copied().collect();
    all.iter().for_each(|extension| w.remove::<DomainExtension>(extension));
}
