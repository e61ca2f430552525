//! What a listener speaks.

use serde::{Deserialize, Serialize};

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// HTTP.
    Http,
    /// HTTPS.
    Https,
}

impl Protocol {
    /// The words of both wires.
    pub const WORDS: &'static [(&'static str, Protocol)] = &[
        ("tcp", Protocol::Tcp),
        ("udp", Protocol::Udp),
        ("http", Protocol::Http),
        ("https", Protocol::Https),
    ];

    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Http => "http",
            Protocol::Https => "https",
        }
    }

    /// Whether it is HTTP or HTTPS.
    pub const fn is_http(self) -> bool {
        matches!(self, Protocol::Http | Protocol::Https)
    }

    /// Whether it is carried by UDP, so that it may share a port with one that is not.
    pub const fn is_udp(self) -> bool {
        matches!(self, Protocol::Udp)
    }
}
