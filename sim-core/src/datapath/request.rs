//! What a client asks for over HTTP once its connection stands. Listeners of HTTP and HTTPS look at it; nothing else does.

use crate::error::{ErrorCode, Outcome, Refusal};
use crate::slb::serving::HttpRequest;
use compact_str::CompactString;
use std::net::Ipv6Addr;

/// The most bytes of a host with its port: a domain name has 253, the port six with its colon.
const LONGEST_HOST: usize = 259;
/// The most bytes of a path. No rule looks further than its URL, of at most 80 letters.
const LONGEST_PATH: usize = 2048;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    host: CompactString,
    path: CompactString,
}

impl Request {
    /// A request: `host` as the Host header has it, a name or an address, with or without a port, none if absent; `path` with
    /// its query, `/` if absent.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidParameter`] for what no client sends as a Host header or as the target of a request (RFC 9110,
    /// 7.2; RFC 9112, 3.2.1), and for more than 259 bytes of the one or 2,048 of the other.
    pub fn new(host: Option<&str>, path: Option<&str>) -> Outcome<Request> {
        let (host, path) = (host.unwrap_or_default(), path.unwrap_or("/"));
        let wrong = |field: &str, detail: String, accepted: &str| {
            Err(Refusal::new(ErrorCode::InvalidParameter).field(field).detail(detail).accepted(accepted))
        };
        if host.len() > LONGEST_HOST || !(host.is_empty() || is_host(host)) {
            let detail = "It is no host as a request names it.".to_owned();
            return wrong(
                "request/host",
                detail,
                "a name or an address, such as shop.example or shop.example:8080",
            );
        }
        if path.len() > LONGEST_PATH {
            let detail = format!("It has {} bytes.", path.len());
            return wrong("request/path", detail, "at most 2048 bytes");
        }
        if !path.starts_with('/') || !path.bytes().all(|b| b.is_ascii_graphic()) {
            let detail = "It is no path as a request has it.".to_owned();
            return wrong(
                "request/path",
                detail,
                "a slash and printable ASCII without spaces, such as /cart/1?a=b",
            );
        }
        Ok(Request { host: host.into(), path: path.into() })
    }

    /// As `, a request to shop.example for /cart`.
    pub(super) fn words(&self) -> String {
        match self.host() {
            "" => format!(", a request for {}", self.path()),
            host => format!(", a request to {host} for {}", self.path()),
        }
    }

    /// What its Host header says; empty if it has none.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its path with the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The same as forwarding rules are asked with it.
    pub(crate) fn asked(&self) -> HttpRequest<'_> {
        HttpRequest { host: &self.host, path: &self.path }
    }
}

/// A name, an IPv4 address or an IPv6 address in brackets, and perhaps a port behind it.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let named = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
    };
    named && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}
