//! Sealing secrets: a password or private key becomes a fingerprint before a command exists.
//!
//! The rules of form are the core's (`sim_core::secret`), which also says what a fingerprint is and why it is so short.

use crate::engine::WorldHandle;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sim_core::catalog::Os;
use sim_core::secret::{self, Fingerprint};
use sim_core::{ErrorCode, Outcome, Refusal};

/// The key that a world's fingerprints are made with: its seed.
#[derive(Clone, Copy)]
pub struct Seal(u64);

impl Seal {
    /// The seal of a world.
    pub fn of(world: &WorldHandle) -> Seal {
        Seal(world.seed())
    }

    /// The fingerprint of a secret: the first 32 bits of its HMAC-SHA-256.
    pub fn fingerprint(self, text: &str) -> Fingerprint {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0.to_be_bytes()).expect("a key of any length will do");
        mac.update(text.as_bytes());
        let bytes = mac.finalize().into_bytes();
        Fingerprint(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }
}

/// The secrets of a request, checked and not yet sealed. They live no longer than the request.
pub struct Secrets {
    password: Option<String>,
    private_key: Option<String>,
}

/// The fingerprints of the secrets of a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sealed {
    /// Of the password.
    pub password: Option<Fingerprint>,
    /// Of the private key of a certificate.
    pub private_key: Option<Fingerprint>,
}

impl Secrets {
    /// Checks the password of a request; an empty one counts as absent. `os` is what it will be used on, if that is
    /// known, and `inherits` whether the image's own password is wanted.
    ///
    /// # Errors
    /// [`ErrorCode::PasswordConflict`] and the form of a password.
    pub fn check(password: Option<&str>, inherits: bool, os: Option<Os>) -> Outcome<Secrets> {
        let password = password.filter(|text| !text.is_empty());
        if password.is_some() && inherits {
            return Err(Refusal::new(ErrorCode::PasswordConflict)
                .field("password")
                .accepted("one of the two"));
        }
        password.map(|text| secret::check_password(text, os)).transpose()?;
        Ok(Secrets { password: password.map(Into::into), private_key: None })
    }

    /// The private key of a certificate, which `certificate.rs` has checked.
    pub fn of_private_key(text: &str) -> Secrets {
        Secrets { password: None, private_key: Some(text.to_owned()) }
    }

    /// The fingerprints.
    pub fn seal(self, seal: Seal) -> Sealed {
        let fingerprint = |text: Option<String>| text.map(|text| seal.fingerprint(&text));
        Sealed { password: fingerprint(self.password), private_key: fingerprint(self.private_key) }
    }

    /// Whether there is nothing to seal.
    pub fn is_empty(&self) -> bool {
        self.password.is_none() && self.private_key.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_depends_on_key_and_text() {
        let one = Seal(1);
        assert_eq!(one.fingerprint("Abcdefg1"), one.fingerprint("Abcdefg1"));
        assert_ne!(one.fingerprint("Abcdefg1"), one.fingerprint("Abcdefg2"));
        assert_ne!(one.fingerprint("Abcdefg1"), Seal(2).fingerprint("Abcdefg1"));
    }

    #[test]
    fn secrets_are_checked_first() {
        let code = |outcome: Outcome<Secrets>| outcome.map(|s| s.is_empty()).map_err(|r| r.code());
        assert_eq!(code(Secrets::check(Some(""), true, None)), Ok(true));
        assert_eq!(code(Secrets::check(Some("Abcdefg1"), false, None)), Ok(false));
        assert_eq!(code(Secrets::check(Some("Abcdefg1"), true, None)), Err(ErrorCode::PasswordConflict));
        assert_eq!(code(Secrets::check(Some("short"), false, None)), Err(ErrorCode::PasswordMalformed));
    }
}
