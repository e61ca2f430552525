//! Signatures of the provider wire: version 1 (HMAC-SHA1 over the parameters) and version 3
//! (ACS3-HMAC-SHA256 over the HTTP request).
//!
//! Version 1 signs `METHOD&%2F&` and the percent-encoded, sorted query and form without `Signature`,
//! with the secret and `&` as key. Version 3 signs the hash of a canonical request made of method,
//! path, sorted query, the headers that the client names, and the hash of the body, with
//! the secret as key. Codes and messages are those of the provider's table of common errors.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, StatusCode};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::credentials::{Credential, Credentials};
use super::encoding::{hex, percent_encode_into, percent_encode_twice_into, unhex32};
use super::error::ProviderError;
use super::params::Params;
use super::request::{RawRequest, RpcRequest, SignatureForm};
use super::roa;

/// How far the timestamp of a request may be from the server's time, in seconds, either way.
pub const CLOCK_SKEW_SECONDS: i64 = 15 * 60;

/// The one signature method of version 1.
pub const V1_METHOD: &str = "HMAC-SHA1";
/// The one signature algorithm of version 3.
pub const V3_ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// Headers that must be among the signed ones if they are there at all, because they change what a request means.
const MUST_SIGN: [&str; 8] = [
    "host",
    "x-acs-accesskey-id",
    "x-acs-action",
    "x-acs-content-sha256",
    "x-acs-date",
    "x-acs-security-token",
    "x-acs-signature-nonce",
    "x-acs-version",
];

/// Who sent a request whose signature is right.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'a> {
    /// The key that signed.
    pub credential: &'a Credential,
}

impl<'a> Verified<'a> {
    /// Id of the key that signed.
    pub fn access_key_id(&self) -> &'a str {
        &self.credential.access_key_id
    }
}

/// Why a request is not believed. `Display` is for logs and holds nothing that the client signed;
/// the answer's message is made by the conversion to [`ProviderError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// A part that every signed request has: `AccessKeyId`, `Signature`, `Timestamp`, `SignatureNonce`.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A key that the credentials file does not name.
    #[error("access key '{0}' is not known")]
    KeyNotFound(String),
    /// A signature that leaves out what it must cover.
    #[error("the signature is incomplete: {0}")]
    Incomplete(String),
    /// A timestamp that is not `YYYY-MM-DDThh:mm:ssZ`.
    #[error("the timestamp is not well formed")]
    TimestampFormat,
    /// A timestamp more than [`CLOCK_SKEW_SECONDS`] away.
    #[error("the timestamp is {0} seconds away from the server's time")]
    TimestampExpired(i64),
    /// A nonce that was used before.
    #[error("the signature nonce was used before")]
    NonceUsed,
    /// Another method than [`V1_METHOD`] and [`V3_ALGORITHM`].
    #[error("signature method '{0}' is not supported")]
    Method(String),
    /// Another `SignatureVersion` than 1.0.
    #[error("signature version '{0}' is not supported")]
    Version(String),
    /// An STS key without its token.
    #[error("the security token is missing")]
    SecurityTokenMissing,
    /// An STS key with another token than its own.
    #[error("the security token is not that of the access key")]
    SecurityTokenMismatch,
    /// A key that has no token, with one.
    #[error("the access key has no security token")]
    SecurityTokenMalformed,
    /// A bearer token that no key has.
    #[error("the bearer token is not known")]
    BearerToken,
    /// `x-acs-content-sha256` is not the hash of the body.
    #[error("x-acs-content-sha256 does not match the body")]
    BodyHash {
        /// The right one.
        actual: String,
    },
    /// Another signature than ours.
    #[error("the signature does not match")]
    Mismatch {
        /// What we signed; clients compare it with what they signed.
        string_to_sign: String,
        /// Version 3: the text whose hash is in the string to sign.
        canonical_request: Option<String>,
    },
}

impl From<SignError> for ProviderError {
    fn from(error: SignError) -> Self {
        let (code, message): (&'static str, String) = match error {
            SignError::Missing(name) => return ProviderError::missing(name),
            SignError::KeyNotFound(_) => {
                let message = "Specified access key is not found.";
                return ProviderError::new(StatusCode::NOT_FOUND, "InvalidAccessKeyId.NotFound", message);
            }
            SignError::Incomplete(rule) => (
                "IncompleteSignature",
                format!("The request signature does not conform to Aliyun standards. {rule}."),
            ),
            SignError::TimestampFormat => {
                let message = "Specified time stamp or date value is not well formatted. Write it as 2026-01-31T08:00:00Z.";
                ("InvalidTimeStamp.Format", message.to_owned())
            }
            SignError::TimestampExpired(_) => {
                ("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.".to_owned())
            }
            SignError::NonceUsed => {
                ("SignatureNonceUsed", "Specified signature nonce was used already.".to_owned())
            }
            SignError::Method(_) => {
                let message =
                    format!("Specified signature method is not valid. Use {V1_METHOD} or {V3_ALGORITHM}.");
                ("InvalidSignatureMethod", message)
            }
            SignError::Version(_) => (
                "InvalidSignatureVersion",
                "Specified parameter SignatureVersion is not valid. Use 1.0.".to_owned(),
            ),
            SignError::SecurityTokenMissing => {
                ("MissingSecurityToken", "SecurityToken is mandatory for this action.".to_owned())
            }
            SignError::SecurityTokenMismatch => (
                "InvalidSecurityToken.MismatchWithAccessKey",
                "Specified SecurityToken mismatch with the AccessKey.".to_owned(),
            ),
            SignError::SecurityTokenMalformed => (
                "InvalidSecurityToken.Malformed",
                "Specified SecurityToken is malformed. The AccessKey has none.".to_owned(),
            ),
            SignError::BearerToken => {
                ("InvalidBearerToken", "Specified parameter BearerToken is not valid.".to_owned())
            }
            SignError::BodyHash { actual } => (
                "SignatureDoesNotMatch",
                format!("Specified x-acs-content-sha256 does not match the body, whose hash is {actual}."),
            ),
            SignError::Mismatch { string_to_sign, canonical_request } => {
                ("SignatureDoesNotMatch", mismatch(&string_to_sign, canonical_request.as_deref()))
            }
        };
        ProviderError::bad_request(code, message)
    }
}

/// The provider's Go client looks for this beginning and compares the rest with what it signed, so
/// that for version 1 nothing may follow the string.
fn mismatch(string_to_sign: &str, canonical_request: Option<&str>) -> String {
    const BEGINNING: &str =
        "Specified signature is not matched with our calculation. server string to sign is:";
    match canonical_request {
        None => format!("{BEGINNING}{string_to_sign}"),
        Some(canonical) => format!("{BEGINNING}{string_to_sign} server canonical request is:{canonical}"),
    }
}

/// Checks who sent a request. `now` is in seconds since 1970. The nonce is only required here;
/// [`super::nonce::NonceCache::claim`] finds a repeated one and is called after this.
///
/// A bearer token stands for itself: it has no timestamp and no nonce. For signatures, the
/// order of the checks: presence, method, timestamp, key, its security token, body hash, signature, a token that the key does not
/// have.
///
/// # Errors
/// See [`SignError`].
pub fn verify<'a>(
    raw: &RawRequest<'_>,
    request: &RpcRequest,
    credentials: &'a Credentials,
    now: i64,
) -> Result<Verified<'a>, SignError> {
    if let SignatureForm::Bearer { token } = &request.signature {
        let credential = credentials.by_bearer_token(token).ok_or(SignError::BearerToken)?;
        return Ok(Verified { credential });
    }
    let access_key_id = request.access_key_id.as_deref().ok_or(SignError::Missing("AccessKeyId"))?;
    if matches!(&request.signature, SignatureForm::Unsigned) {
        return Err(SignError::Missing("Signature"));
    }
    check_method(request)?;
    // The older signature of an address has none.
    if request.nonce.is_none() && !matches!(&request.signature, SignatureForm::Roa { .. }) {
        return Err(SignError::Missing("SignatureNonce"));
    }
    check_timestamp(request, now)?;
    let credential =
        credentials.get(access_key_id).ok_or_else(|| SignError::KeyNotFound(access_key_id.to_owned()))?;
    check_security_token(credential, request.security_token.as_deref())?;
    match &request.signature {
        SignatureForm::V3 { signed_headers, signature, .. } => {
            verify_v3(raw, &request.params, signed_headers, signature, &credential.access_key_secret)?;
        }
        SignatureForm::V1 { signature } => {
            verify_v1(raw.method, &request.params, signature, &credential.access_key_secret)?;
        }
        SignatureForm::Roa { signature } => {
            let string_to_sign = roa::string_to_sign(raw, &request.params);
            if !roa::verifies(&credential.access_key_secret, &string_to_sign, signature) {
                return Err(SignError::Mismatch { string_to_sign, canonical_request: None });
            }
        }
        SignatureForm::Unsigned | SignatureForm::Bearer { .. } => {
            return Err(SignError::Missing("Signature"));
        }
    }
    // One that was added on the way was told by the signature.
    if credential.security_token.is_none() && request.security_token.is_some() {
        return Err(SignError::SecurityTokenMalformed);
    }
    Ok(Verified { credential })
}

fn check_method(request: &RpcRequest) -> Result<(), SignError> {
    if let SignatureForm::V3 { algorithm, .. } = &request.signature {
        return if algorithm == V3_ALGORITHM { Ok(()) } else { Err(SignError::Method(algorithm.clone())) };
    }
    // The provider documents that the method may be left out.
    match request.params.get("SignatureMethod") {
        None | Some("" | V1_METHOD) => {}
        Some(other) => return Err(SignError::Method(other.to_owned())),
    }
    match request.params.get("SignatureVersion") {
        None | Some("" | "1.0") => Ok(()),
        Some(other) => Err(SignError::Version(other.to_owned())),
    }
}

fn check_timestamp(request: &RpcRequest, now: i64) -> Result<(), SignError> {
    let text = request.timestamp.as_deref().ok_or(SignError::Missing("Timestamp"))?;
    let sent = match request.signature {
        SignatureForm::Roa { .. } => parse_http_date(text),
        _ => parse_timestamp(text),
    };
    let sent = sent.ok_or(SignError::TimestampFormat)?;
    let away = now.saturating_sub(sent);
    if (-CLOCK_SKEW_SECONDS..=CLOCK_SKEW_SECONDS).contains(&away) {
        Ok(())
    } else {
        Err(SignError::TimestampExpired(away))
    }
}

/// Whether the token of a key that has one was sent with it.
///
/// # Errors
/// A key with a token that is sent without it or with another.
pub fn check_security_token(credential: &Credential, sent: Option<&str>) -> Result<(), SignError> {
    match (&credential.security_token, sent) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(SignError::SecurityTokenMissing),
        (Some(expected), Some(sent)) if bool::from(expected.as_bytes().ct_eq(sent.as_bytes())) => Ok(()),
        (Some(_), Some(_)) => Err(SignError::SecurityTokenMismatch),
    }
}

fn verify_v1(method: &Method, params: &Params, signature: &str, secret: &str) -> Result<(), SignError> {
    let string_to_sign = v1_string_to_sign(method, params);
    let right = BASE64
        .decode(signature)
        .is_ok_and(|sent| v1_mac(secret, &string_to_sign).verify_slice(&sent).is_ok());
    if right { Ok(()) } else { Err(SignError::Mismatch { string_to_sign, canonical_request: None }) }
}

fn verify_v3(
    raw: &RawRequest<'_>,
    params: &Params,
    signed_headers: &[String],
    signature: &str,
    secret: &str,
) -> Result<(), SignError> {
    for name in MUST_SIGN {
        if raw.headers.contains_key(name) && !signed_headers.iter().any(|signed| signed == name) {
            return Err(SignError::Incomplete(format!("header {name} must be among SignedHeaders")));
        }
    }
    let claimed = raw
        .header("x-acs-content-sha256")
        .ok_or_else(|| SignError::Incomplete("header x-acs-content-sha256 is needed".to_owned()))?;
    let actual = Sha256::digest(raw.body);
    if unhex32(claimed).is_none_or(|claimed| claimed[..] != actual[..]) {
        return Err(SignError::BodyHash { actual: hex(&actual) });
    }
    let canonical = v3_canonical_request(raw, params, signed_headers, claimed)?;
    let string_to_sign = v3_string_to_sign(&canonical);
    let right =
        unhex32(signature).is_some_and(|sent| v3_mac(secret, &string_to_sign).verify_slice(&sent).is_ok());
    if right {
        return Ok(());
    }
    let canonical_request = Some(String::from_utf8_lossy(&canonical).into_owned());
    Err(SignError::Mismatch { string_to_sign, canonical_request })
}

/// The string that version 1 signs; `params` are those of the query and the form, `Signature` is passed over.
pub fn v1_string_to_sign(method: &Method, params: &Params) -> String {
    let mut out = String::with_capacity(1024);
    out.push_str(method.as_str());
    out.push_str("&%2F&");
    let mut first = true;
    for (name, value) in params.iter().filter(|(name, _)| *name != "Signature") {
        if !std::mem::take(&mut first) {
            out.push_str("%26");
        }
        percent_encode_twice_into(&mut out, name);
        out.push_str("%3D");
        percent_encode_twice_into(&mut out, value);
    }
    out
}

/// The version 1 signature of a string to sign.
pub fn v1_signature(secret: &str, string_to_sign: &str) -> String {
    BASE64.encode(v1_mac(secret, string_to_sign).finalize().into_bytes())
}

fn v1_mac(secret: &str, string_to_sign: &str) -> Hmac<Sha1> {
    let key = format!("{secret}&");
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("an HMAC key may have any length");
    mac.update(string_to_sign.as_bytes());
    mac
}

/// The canonical request of version 3. `body_hash` is the value of `x-acs-content-sha256`.
///
/// # Errors
/// [`SignError::Incomplete`] if a header that the client says it signed did not arrive.
pub fn v3_canonical_request(
    raw: &RawRequest<'_>,
    params: &Params,
    signed_headers: &[String],
    body_hash: &str,
) -> Result<Vec<u8>, SignError> {
    let mut head = String::with_capacity(512);
    head.push_str(raw.method.as_str());
    head.push('\n');
    head.push_str(if raw.path.is_empty() { "/" } else { raw.path });
    head.push('\n');
    for (at, (name, value)) in params.in_query().enumerate() {
        if at > 0 {
            head.push('&');
        }
        percent_encode_into(&mut head, name);
        head.push('=');
        percent_encode_into(&mut head, value);
    }
    head.push('\n');
    let mut out = head.into_bytes();
    out.reserve(1024);
    for name in signed_headers {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        push_header_values(&mut out, raw, name)?;
        out.push(b'\n');
    }
    out.push(b'\n');
    for (at, name) in signed_headers.iter().enumerate() {
        if at > 0 {
            out.push(b';');
        }
        out.extend_from_slice(name.as_bytes());
    }
    out.push(b'\n');
    out.extend_from_slice(body_hash.as_bytes());
    Ok(out)
}

/// Values of a header, trimmed, sorted and joined with commas.
fn push_header_values(out: &mut Vec<u8>, raw: &RawRequest<'_>, name: &str) -> Result<(), SignError> {
    let mut values: Vec<&[u8]> =
        raw.headers.get_all(name).iter().map(|value| value.as_bytes().trim_ascii()).collect();
    // A client of a proxy signs the host of its absolute-form target.
    if values.is_empty() && name == "host" {
        values.extend(raw.authority.map(str::as_bytes));
    }
    if values.is_empty() {
        return Err(SignError::Incomplete(format!(
            "header {name} is among SignedHeaders and did not arrive"
        )));
    }
    values.sort_unstable();
    for (at, value) in values.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(value);
    }
    Ok(())
}

/// The string that version 3 signs.
pub fn v3_string_to_sign(canonical_request: &[u8]) -> String {
    format!("{V3_ALGORITHM}\n{}", hex(&Sha256::digest(canonical_request)))
}

/// The version 3 signature of a string to sign.
pub fn v3_signature(secret: &str, string_to_sign: &str) -> String {
    hex(&v3_mac(secret, string_to_sign).finalize().into_bytes())
}

fn v3_mac(secret: &str, string_to_sign: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("an HMAC key may have any length");
    mac.update(string_to_sign.as_bytes());
    mac
}

/// Seconds since 1970 of an HTTP date (RFC 9110, 5.6.7), or `None`.
fn parse_http_date(text: &str) -> Option<i64> {
    let since = httpdate::parse_http_date(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// Seconds since 1970 of `YYYY-MM-DDThh:mm:ssZ`, or `None`. Fractions of a second are not well
/// formed, as with the provider.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if punctuation.iter().any(|&(at, mark)| bytes[at] != mark) {
        return None;
    }
    let number = |from: usize, to: usize| {
        bytes[from..to]
            .iter()
            .try_fold(0_i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    // A leap second is written as :60.
    if !(1..=days_in_month).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days since 0000-03-01 in years that begin in March, so that the leap day comes last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 1;
    const DAYS_TO_1970: i64 = 719_468;
    Some((days - DAYS_TO_1970) * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
#[path = "sign_tests.rs"]
mod tests;
