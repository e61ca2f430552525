//! The access keys that a server knows, read from a TOML file.
//!
//! ```toml
//! [[credential]]
//! access_key_id = "testid"
//! access_key_secret = "testsecret"
//! account = "1000000000000001"
//! world = "default"          # optional
//! bearer_token = "opaque"    # optional: accepted in place of a signature
//! security_token = "opaque"  # optional: an STS key, which must send this token too
//! ```

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use subtle::ConstantTimeEq;

/// Most keys of one file.
pub const MAX_CREDENTIALS: usize = 10_000;
/// Longest text in a file's entry, in bytes.
pub const MAX_FIELD_BYTES: usize = 4096;

/// One access key. `Debug` shows no secret.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// Sent with each request. ASCII letters, digits and `- _ .`; unique in the file.
    pub access_key_id: String,
    /// Key of the signature; never sent.
    pub access_key_secret: String,
    /// Account that the key acts for.
    pub account: String,
    /// World that the key sees; the server's default world if absent.
    #[serde(default)]
    pub world: Option<String>,
    /// Token that is accepted in place of a signature; unique in the file.
    #[serde(default)]
    pub bearer_token: Option<String>,
    /// STS token that must come with the signature; without one, a token that a client sends is not looked at.
    #[serde(default)]
    pub security_token: Option<String>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("access_key_id", &self.access_key_id)
            .field("account", &self.account)
            .field("world", &self.world)
            .finish_non_exhaustive()
    }
}

/// Why a credentials file was refused. Messages hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// No TOML, an unknown field, or a field that is missing.
    #[error("credentials file, line {line}: {message}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// No entry at all: a server that refuses everybody is a mistake.
    #[error("credentials file: it names no key; add a [[credential]] entry")]
    Empty,
    /// More than [`MAX_CREDENTIALS`].
    #[error("credentials file: it names {0} keys; at most {MAX_CREDENTIALS} are accepted")]
    TooMany(usize),
    /// A field that breaks a rule.
    #[error("credentials file, entry {entry}: {field} {rule}")]
    Field {
        /// Entry, from 1.
        entry: usize,
        /// Field.
        field: &'static str,
        /// The rule.
        rule: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    credential: Vec<Credential>,
}

/// Access keys by id.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    by_id: BTreeMap<String, Credential>,
}

impl Credentials {
    /// Reads the text of a credentials file.
    ///
    /// # Errors
    /// See [`CredentialsError`]; unknown fields are refused, because a misspelt one would be ignored silently.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        let file: File = crate::objects::read_toml(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start).min(text.len());
            let line = text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
            CredentialsError::Syntax { line, message: error.message().to_owned() }
        })?;
        match file.credential.len() {
            0 => return Err(CredentialsError::Empty),
            count if count > MAX_CREDENTIALS => return Err(CredentialsError::TooMany(count)),
            _ => {}
        }
        let mut known = Self::default();
        for (index, credential) in file.credential.into_iter().enumerate() {
            let refuse = |(field, rule)| CredentialsError::Field { entry: index + 1, field, rule };
            check(&credential).map_err(refuse)?;
            known.add(credential).map_err(refuse)?;
        }
        Ok(known)
    }

    /// One key alone.
    pub fn one(credential: Credential) -> Self {
        Self { by_id: BTreeMap::from([(credential.access_key_id.clone(), credential)]) }
    }

    fn add(&mut self, credential: Credential) -> Result<(), (&'static str, &'static str)> {
        if self.by_id.contains_key(&credential.access_key_id) {
            return Err(("access_key_id", "is used by an earlier entry; give each entry its own"));
        }
        if credential.bearer_token.as_deref().is_some_and(|token| self.by_bearer_token(token).is_some()) {
            return Err(("bearer_token", "is used by an earlier entry; give each entry its own"));
        }
        self.by_id.insert(credential.access_key_id.clone(), credential);
        Ok(())
    }

    /// The key with this id.
    pub fn get(&self, access_key_id: &str) -> Option<&Credential> {
        self.by_id.get(access_key_id)
    }

    /// The key with this bearer token. Every token is compared, each in constant time.
    pub fn by_bearer_token(&self, token: &str) -> Option<&Credential> {
        self.by_id.values().fold(None, |found, credential| {
            let expected = credential.bearer_token.as_deref();
            let same =
                expected.is_some_and(|expected| bool::from(expected.as_bytes().ct_eq(token.as_bytes())));
            if same { Some(credential) } else { found }
        })
    }

    /// All keys in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Credential> {
        self.by_id.values()
    }
}

fn check(credential: &Credential) -> Result<(), (&'static str, &'static str)> {
    let fields = [
        ("access_key_id", Some(&credential.access_key_id)),
        ("access_key_secret", Some(&credential.access_key_secret)),
        ("account", Some(&credential.account)),
        ("world", credential.world.as_ref()),
        ("bearer_token", credential.bearer_token.as_ref()),
        ("security_token", credential.security_token.as_ref()),
    ];
    for (name, value) in fields {
        let Some(value) = value else { continue };
        if value.is_empty() {
            return Err((name, "must not be empty; leave an optional field out"));
        }
        if value.len() > MAX_FIELD_BYTES {
            return Err((name, "is longer than 4096 bytes"));
        }
        if value.trim() != value || value.chars().any(char::is_control) {
            return Err((name, "must not begin or end with a space or hold control characters"));
        }
    }
    let id_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !credential.access_key_id.bytes().all(id_byte) {
        // Commas and '=' would break the Authorization header.
        return Err((
            "access_key_id",
            "may hold only ASCII letters, digits, '-', '_' and '.', for example testid",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str =
        "[[credential]]\naccess_key_id = \"a\"\naccess_key_secret = \"secret-text\"\naccount = \"1\"\n";

    #[test]
    fn reads_entries() {
        let text = format!(
            "{ENTRY}world = \"w\"\n[[credential]]\naccess_key_id='b'\naccess_key_secret='s'\naccount='2'\nbearer_token='t'\n"
        );
        let known = Credentials::parse(&text).unwrap();
        assert_eq!(known.iter().count(), 2);
        assert_eq!(known.get("a").unwrap().world.as_deref(), Some("w"));
        assert_eq!(known.by_bearer_token("t").unwrap().access_key_id, "b");
        assert!(known.by_bearer_token("").is_none());
        assert!(known.get("c").is_none());
        assert!(!format!("{known:?}").contains("secret-text"));
    }

    #[test]
    fn refuses_mistakes_and_says_where() {
        let table = [
            ("", "names no key"),
            ("[[credential]]\naccess_key_id = \"a\"\n", "missing field `access_key_secret`"),
            (&format!("{ENTRY}acount = \"2\"\n"), "line 5: unknown field `acount`"),
            ("[[credentials]]\n", "unknown field `credentials`"),
            ("[[credential]\n", "line 1"),
            (&format!("{ENTRY}{ENTRY}"), "entry 2: access_key_id is used"),
            (&ENTRY.replace("\"a\"", "\"a,b\""), "entry 1: access_key_id may hold only"),
            (&ENTRY.replace("\"1\"", "\"\""), "entry 1: account must not be empty"),
            (&ENTRY.replace("\"1\"", "\" 1\""), "entry 1: account must not begin"),
            (&ENTRY.replace("\"1\"", "1"), "line 4: invalid type"),
        ];
        for (text, expected) in table {
            let message = Credentials::parse(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message:?} should say {expected:?}");
            assert!(!message.contains("secret-text"), "{message:?}");
        }
    }
}
