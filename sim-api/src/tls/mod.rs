//! TLS on the port of both wires: a certificate for loopback and for the provider's endpoints, from a local authority.

mod authority;

pub use authority::{Authority, AuthorityError, default_state_dir};

use crate::settings::ExtraZone;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The domain of the provider's endpoints.
const PROVIDER_DOMAIN: &str = "aliyuncs.com";

/// What a server needs to answer in TLS.
#[derive(Clone)]
pub struct Tls {
    /// Makes the handshakes.
    pub acceptor: TlsAcceptor,
    /// The authority's certificate, for clients to trust.
    pub ca: PathBuf,
}

impl Tls {
    /// Reads or makes the authority in the state directory and takes a certificate from it: for loopback, for
    /// `address`, for `hosts` and for the provider's endpoints in the built-in regions and in those of `zones`.
    ///
    /// # Errors
    /// See [`AuthorityError`].
    pub fn new(
        state_dir: &Path,
        address: IpAddr,
        hosts: &[String],
        zones: &[ExtraZone],
    ) -> Result<Tls, AuthorityError> {
        let authority = Authority::open(state_dir)?;
        let ca = authority.publish()?;
        let (certificate, key) = authority.issue(&names(address, hosts, zones))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate], key));
        let mut config = config.map_err(|e| AuthorityError::Certificate(e.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), ca })
    }
}

/// A certificate and its key.
type Issued = (CertificateDer<'static>, PrivateKeyDer<'static>);

/// What the certificate is for. A wildcard stands for one label, so each region has one of its own:
/// `vpc.aliyuncs.com`, `vpc.cn-hangzhou.aliyuncs.com`.
fn names(address: IpAddr, hosts: &[String], zones: &[ExtraZone]) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    if !address.is_unspecified() && !names.contains(&address.to_string()) {
        names.push(address.to_string());
    }
    names.extend(hosts.iter().cloned());
    names.push(format!("*.{PROVIDER_DOMAIN}"));
    let regions = sim_core::catalog::regions().iter().map(|region| region.id);
    let regions: BTreeSet<&str> =
        regions.chain(zones.iter().map(|ExtraZone(region, _)| region.0.as_str())).collect();
    names.extend(regions.into_iter().map(|region| format!("*.{region}.{PROVIDER_DOMAIN}")));
    names
}
