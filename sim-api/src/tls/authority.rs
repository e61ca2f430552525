//! The local certificate authority: made on first use, kept in a state directory, readable by its owner alone.
//!
//! The directory has two files: `ca-key.pem`, the key and the certificate, with mode 0600; and `ca.pem`, the certificate
//! alone, which is what clients are told to trust.

use super::Issued;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Why there is no certificate. Messages hold no key.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Neither a setting nor a home directory says where the authority is kept.
    #[error("there is no home directory to keep the local authority in; name one with --state-dir")]
    NoDirectory,
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Others may read the key.
    #[error(
        "{path}: others may read the key of the local authority (mode {mode:03o}); chmod 600 it, or remove it for a new one"
    )]
    Readable {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file is not one that this program wrote.
    #[error("{0}: it holds no key and certificate of a local authority; remove it for a new one")]
    Malformed(PathBuf),
    /// No certificate can be made.
    #[error("no certificate can be made: {0}")]
    Certificate(String),
}

impl From<rcgen::Error> for AuthorityError {
    fn from(error: rcgen::Error) -> AuthorityError {
        AuthorityError::Certificate(error.to_string())
    }
}

/// Where the authority is kept unless told otherwise: `$XDG_STATE_HOME/cloudnet`, else `$HOME/.local/state/cloudnet`.
///
/// # Errors
/// If neither is set.
pub fn default_state_dir() -> Result<PathBuf, AuthorityError> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
    Ok(base.ok_or(AuthorityError::NoDirectory)?.join("cloudnet"))
}

const KEY_FILE: &str = "ca-key.pem";
const CERTIFICATE_FILE: &str = "ca.pem";
const CERTIFICATE_MARK: &str = "-----BEGIN CERTIFICATE-----";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A certificate authority whose key is at hand. It has no `Debug`.
pub struct Authority {
    directory: PathBuf,
    key: KeyPair,
    certificate: String,
}

impl Authority {
    /// The authority of this directory; a new one if there is none yet.
    ///
    /// # Errors
    /// See [`AuthorityError`].
    pub fn open(directory: &Path) -> Result<Authority, AuthorityError> {
        let path = directory.join(KEY_FILE);
        match fs::metadata(&path) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => Authority::make(directory, &path)?,
            Err(source) => return Err(AuthorityError::File { path, source }),
        }
        Authority::read(directory, path)
    }

    fn read(directory: &Path, path: PathBuf) -> Result<Authority, AuthorityError> {
        let failed = |source| AuthorityError::File { path: path.clone(), source };
        let mode = fs::metadata(&path).map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(AuthorityError::Readable { path, mode });
        }
        let text = fs::read_to_string(&path).map_err(failed)?;
        let parts = text.find(CERTIFICATE_MARK).map(|at| text.split_at(at));
        let read =
            parts.and_then(|(key, certificate)| Some((KeyPair::from_pem(key).ok()?, certificate.to_owned())));
        let (key, certificate) = read.ok_or_else(|| AuthorityError::Malformed(path.clone()))?;
        Ok(Authority { directory: directory.to_owned(), key, certificate })
    }

    /// Makes a key and a certificate and puts both in place in one step, unless another process was faster.
    fn make(directory: &Path, path: &Path) -> Result<(), AuthorityError> {
        let key = KeyPair::generate()?;
        let certificate = authority_params().self_signed(&key)?;
        let text = format!("{}{}", key.serialize_pem(), certificate.pem());
        let in_directory = |source| AuthorityError::File { path: directory.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(in_directory)?;
        let fresh = fresh_name(path);
        let failed = |source| AuthorityError::File { path: path.to_owned(), source };
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        let linked = fs::hard_link(&fresh, path);
        let _ = fs::remove_file(&fresh);
        match linked {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed(error)),
            _ => Ok(()),
        }
    }

    /// Its certificate, in PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Puts the certificate where clients can be pointed at; where that is.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn publish(&self) -> Result<PathBuf, AuthorityError> {
        let path = self.directory.join(CERTIFICATE_FILE);
        if fs::read_to_string(&path).is_ok_and(|there| there == self.certificate) {
            return Ok(path);
        }
        let failed = |source| AuthorityError::File { path: path.clone(), source };
        let fresh = fresh_name(&path);
        fs::write(&fresh, &self.certificate).map_err(failed)?;
        fs::rename(&fresh, &path).map_err(failed)?;
        Ok(path)
    }

    /// A new certificate for these names and addresses, good for a year, with a key that is nowhere else.
    ///
    /// # Errors
    /// If a name is none.
    pub(super) fn issue(&self, names: &[String]) -> Result<Issued, AuthorityError> {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "cloudnet");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        set_time(&mut params, 365 * DAY);
        let key = KeyPair::generate()?;
        let params_of_authority = authority_params();
        let issuer = Issuer::from_params(&params_of_authority, &self.key);
        let certificate = params.signed_by(&key, &issuer)?;
        let key = PrivateKeyDer::try_from(key.serialize_der());
        let key = key.map_err(|e| AuthorityError::Certificate(e.to_owned()))?;
        Ok((certificate.der().clone(), key))
    }
}

/// A name beside `path` that no other process uses.
fn fresh_name(path: &Path) -> PathBuf {
    path.with_extension(format!("{}.new", uuid::Uuid::new_v4().simple()))
}

/// What the authority's certificate says; the same whenever it is asked, dates aside.
fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "cloudnet local authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_time(&mut params, 3650 * DAY);
    params
}

/// Good from yesterday, for clocks that are behind.
fn set_time(params: &mut CertificateParams, lasting: Duration) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + now.saturating_sub(DAY);
    params.not_after = epoch + now + lasting;
}
