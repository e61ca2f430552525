//! Products whose actions are addresses instead of parameters: the provider's ROA style, which ACK (Cs) speaks.
//!
//! Newer SDKs sign such a request with version 3 and name the action in a header too; older ones sign method, the headers
//! `Accept`, `Content-MD5`, `Content-Type` and `Date`, all `x-acs-` headers, and the address with its query (provider
//! documentation: "ROA mechanism"). An address stands for an action with the parameters of its path, and goes the way of every
//! other request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::params::Params;
use super::request::RawRequest;

/// An action with an address of its own.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    /// The path; a part in braces is the parameter of that name.
    pub path: &'static str,
    /// The version of the product.
    pub version: &'static str,
    /// The action.
    pub action: &'static str,
}

/// Every such action; all of them are asked with GET.
pub const ADDRESSES: &[Address] =
    &[Address { path: "/clusters/{ClusterId}", version: "2015-12-15", action: "DescribeClusterDetail" }];

impl Address {
    /// The address of a path as it was sent, and the parameters in it, still encoded.
    pub fn find(path: &str) -> Option<(&'static Address, Vec<(&'static str, &str)>)> {
        ADDRESSES.iter().find_map(|address| Some((address, address.parameters(path)?)))
    }

    fn parameters<'a>(&self, path: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
        let (mut wanted, mut sent) = (self.path.split('/'), path.split('/'));
        let mut found = Vec::new();
        loop {
            match (wanted.next(), sent.next()) {
                (None, None) => return Some(found),
                (Some(wanted), Some(sent)) => {
                    match wanted.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
                        Some(name) => found.push((name, sent)),
                        None if wanted == sent => {}
                        None => return None,
                    }
                }
                _ => return None,
            }
        }
    }
}

/// The string that the older signature of an address covers.
pub fn string_to_sign(raw: &RawRequest<'_>, params: &Params) -> String {
    let mut out = format!("{}\n", raw.method);
    for name in ["accept", "content-md5", "content-type", "date"] {
        out.push_str(raw.header(name).unwrap_or_default());
        out.push('\n');
    }
    let mut names: Vec<&str> =
        raw.headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("x-acs-")).collect();
    names.sort_unstable();
    for name in names {
        out.push_str(name);
        out.push(':');
        out.push_str(raw.header(name).unwrap_or_default().trim());
        out.push('\n');
    }
    out.push_str(raw.path);
    for (at, (name, value)) in params.in_query().enumerate() {
        out.push(if at == 0 { '?' } else { '&' });
        out.push_str(name);
        if !value.is_empty() {
            out.push('=');
            out.push_str(value);
        }
    }
    out
}

/// The older signature of a string to sign.
pub fn signature(secret: &str, string_to_sign: &str) -> String {
    BASE64.encode(mac(secret, string_to_sign).finalize().into_bytes())
}

/// Whether `signature` is that of the string, compared in constant time.
pub fn verifies(secret: &str, string_to_sign: &str, signature: &str) -> bool {
    BASE64.decode(signature).is_ok_and(|sent| mac(secret, string_to_sign).verify_slice(&sent).is_ok())
}

fn mac(secret: &str, string_to_sign: &str) -> Hmac<Sha1> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("an HMAC key may have any length");
    mac.update(string_to_sign.as_bytes());
    mac
}

#[cfg(test)]
#[path = "roa_tests.rs"]
mod tests;
