//! Who calls: account, region, and the token that makes a retry safe.

use crate::error::{ErrorCode, Outcome, Refusal};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A region's id, for example `cn-hangzhou`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RegionId(pub CompactString);

/// A zone's id, for example `cn-hangzhou-b`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ZoneId(pub CompactString);

/// An account's number: sixteen decimal digits at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub u64);

impl AccountId {
    /// The account that exists in every world.
    pub const DEFAULT: AccountId = AccountId(1_000_000_000_000_001);
}

macro_rules! text {
    ($($type:ident),*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl From<&str> for $type {
            fn from(text: &str) -> Self { $type(text.into()) }
        }
    )*};
}
text!(RegionId, ZoneId);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who issues a command, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The account that owns what the command makes and sees.
    pub account: AccountId,
    /// The region that the command works in.
    pub region: RegionId,
    /// The idempotency token, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// Whether to run every check and change nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

impl Caller {
    /// A caller without token.
    pub fn new(account: AccountId, region: impl Into<RegionId>) -> Caller {
        Caller { account, region: region.into(), token: None, dry_run: false }
    }

    /// The same caller with an idempotency token.
    #[must_use]
    pub fn with_token(mut self, token: Token) -> Caller {
        self.token = Some(token);
        self
    }
}

impl From<RegionId> for CompactString {
    fn from(region: RegionId) -> CompactString {
        region.0
    }
}

/// An idempotency token: 1 to 64 printable ASCII characters (provider: `ClientToken`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(CompactString);

impl Token {
    /// The longest token in characters.
    pub const MAX: usize = 64;

    /// Checks the form of a token.
    ///
    /// # Errors
    /// [`ErrorCode::TokenMalformed`] if it is empty, longer than [`Token::MAX`] or not printable ASCII.
    pub fn parse(text: &str) -> Outcome<Token> {
        let printable = text.bytes().all(|b| (0x20..0x7f).contains(&b));
        if text.is_empty() || text.len() > Token::MAX || !printable {
            return Err(Refusal::new(ErrorCode::TokenMalformed)
                .field("client_token")
                .detail(format!("It has {} characters.", text.chars().count()))
                .accepted("a UUID such as 02fb3da4-130e-11e9-8e44-001600000000"));
        }
        Ok(Token(text.into()))
    }

    /// The token's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Account and region: what every object belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owner {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: RegionId,
}

impl Owner {
    /// Whether the caller may see what this owner has.
    pub fn admits(&self, caller: &Caller) -> bool {
        self.account == caller.account && self.region == caller.region
    }
}

impl From<&Caller> for Owner {
    fn from(caller: &Caller) -> Owner {
        Owner { account: caller.account, region: caller.region.clone() }
    }
}
