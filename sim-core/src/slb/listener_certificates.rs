//! Which certificates an HTTPS listener uses: they are there, and stay as long as it uses them.

use crate::access::Caller;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, ListenerId};
use crate::slb::certificate::{CaCertificate, ServerCertificate};
use crate::slb::listener::Listener;
use crate::slb::listener_rules::Rules;
use crate::table::Groups;
use crate::world::World;

/// The certificates that a listener uses.
fn used(listener: &Listener) -> impl Iterator<Item = AnyId> {
    let tls = listener.rules.tls();
    let server = tls.and_then(|tls| tls.certificate).map(AnyId::from);
    server.into_iter().chain(tls.and_then(|tls| tls.client_ca).map(AnyId::from))
}

/// Keeps the index of who uses which certificate.
pub(crate) fn reindex(
    index: &mut Groups<AnyId, ListenerId>,
    id: ListenerId,
    old: Option<&Listener>,
    new: Option<&Listener>,
) {
    for certificate in old.into_iter().flat_map(used) {
        index.remove(&certificate, &id);
    }
    for certificate in new.into_iter().flat_map(used) {
        index.insert(certificate, id);
    }
}

/// Checks that the certificates of a listener are there.
///
/// # Errors
/// [`ErrorCode::ServerCertificateNotFound`], [`ErrorCode::CaCertificateNotFound`].
pub(crate) fn check(w: &World, caller: &Caller, rules: &Rules) -> Outcome<()> {
    let Some(tls) = rules.tls() else { return Ok(()) };
    tls.certificate.map(|id| w.visible::<ServerCertificate>(caller, id)).transpose()?;
    tls.client_ca.map(|id| w.visible::<CaCertificate>(caller, id)).transpose()?;
    Ok(())
}

/// Refuses to delete a certificate that a listener uses.
///
/// # Errors
/// [`ErrorCode::CertificateInUse`].
pub(crate) fn check_unused(w: &World, certificate: impl Into<AnyId>) -> Outcome<()> {
    let users: Vec<ListenerId> =
        w.indexes().listeners.by_certificate.of(&certificate.into()).copied().collect();
    if users.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::CertificateInUse)
        .field("certificate_id")
        .accepted("the same request once no listener uses it")
        .blockers(users))
}
