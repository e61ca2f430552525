//! Secrets: what they must look like, and the little that is kept of them.
//!
//! A password or private key is checked and replaced by a [`Fingerprint`] before a command exists, so that it can reach
//! neither journal nor log nor answer. The fingerprint is kept only to tell whether a repeated request is the same
//! one. It is keyed with the world's seed and has 32 bits on purpose: two secrets that differ have different ones as
//! good as always, and still so many secrets share one that a guess cannot be confirmed with it.

use crate::catalog::Os;
use crate::error::{ErrorCode, Outcome, Refusal};
use serde::{Deserialize, Serialize};

/// What is kept of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub u32);

/// The signs that a password may hold beside letters and digits (provider documentation: RunInstances).
const SIGNS: &str = "()`~!@#$%^&*-_+=|{}[]:;'<>,.?/";

/// Checks a password: 8 to 30 characters, of three sorts out of capitals, small letters, digits and signs; on
/// Windows it does not begin with a slash.
///
/// # Errors
/// [`ErrorCode::PasswordMalformed`], which does not repeat the password.
pub fn check_password(text: &str, os: Option<Os>) -> Outcome<()> {
    let refuse = |why: &str| {
        Err(Refusal::new(ErrorCode::PasswordMalformed).field("password").detail(why).accepted(format!(
            "8 to 30 characters of three sorts out of capitals, small letters, digits and {SIGNS}"
        )))
    };
    if !(8..=30).contains(&text.chars().count()) {
        return refuse("Its length is outside the range.");
    }
    if !text.chars().all(|c| c.is_ascii_alphanumeric() || SIGNS.contains(c)) {
        return refuse("It holds a character that is not allowed.");
    }
    let sorts: [fn(char) -> bool; 4] = [
        |c| c.is_ascii_uppercase(),
        |c| c.is_ascii_lowercase(),
        |c| c.is_ascii_digit(),
        |c| !c.is_ascii_alphanumeric(),
    ];
    if sorts.iter().filter(|is| text.chars().any(**is)).count() < 3 {
        return refuse("It holds fewer than three sorts of characters.");
    }
    if os == Some(Os::Windows) && text.starts_with('/') {
        return refuse("It begins with a slash, which Windows does not take.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords() {
        let rows = [
            ("Abcdefg1", true),
            ("abcdefg1!", true),
            ("ABCDEFG1!", true),
            ("Ab1!", false),
            ("abcdefgh", false),
            ("abcdefg1", false),
            ("Abcdefg 1", false),
            ("Abcdefgé1", false),
            (&"Ab1".repeat(10), true),
            (&"Ab1".repeat(11), false),
        ];
        for (text, fine) in rows {
            let outcome = check_password(text, Some(Os::Linux));
            assert_eq!(outcome.is_ok(), fine, "{text}");
            if let Err(refusal) = outcome {
                assert!(!refusal.to_string().contains(text), "a refusal repeats a password");
            }
        }
        assert!(check_password("/Abcdefg1", Some(Os::Windows)).is_err());
        assert!(check_password("/Abcdefg1", Some(Os::Linux)).is_ok());
    }
}
