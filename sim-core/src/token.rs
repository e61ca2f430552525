//! Idempotency: a token that succeeded once answers the same again.
//!
//! Success binds a token to account, region and operation for 24 hours of virtual time; a refusal binds
//! nothing. A world keeps at most 100,000 tokens and forgets the oldest first.

use crate::access::{AccountId, Caller, RegionId, Token};
use crate::command::{Command, Reply};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::table::Row;
use crate::time::{SimTime, Span};
use crate::timer::Counter;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long a token is remembered.
pub const LIFETIME: Span = Span::hours(24);
/// How many tokens a world remembers.
pub const CAPACITY: usize = 100_000;

/// What a token is bound to: account, region, operation, text.
pub type TokenKey = (AccountId, RegionId, CompactString, Token);

/// A remembered success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    key: TokenKey,
    seq: u64,
    at: SimTime,
    fingerprint: u128,
    reply: Reply,
}

/// The remembered tokens by age.
#[derive(Clone, Debug, Default)]
pub struct TokenIndex {
    by_age: BTreeMap<u64, TokenKey>,
}

impl Row for Remembered {
    type Key = TokenKey;
    type Index = TokenIndex;

    fn key(&self) -> TokenKey {
        self.key.clone()
    }

    fn reindex(ix: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        if let Some(old) = old {
            ix.tokens.by_age.remove(&old.seq);
        }
        if let Some(new) = new {
            ix.tokens.by_age.insert(new.seq, new.key.clone());
        }
    }
}

fn key_of(caller: &Caller, token: &Token, command: &Command) -> TokenKey {
    (caller.account, caller.region.clone(), command.name().into(), token.clone())
}

/// Same command, same fingerprint.
fn fingerprint(command: &Command) -> u128 {
    let bytes = postcard::to_stdvec(command).expect("a command always encodes");
    xxhash_rust::xxh3::xxh3_128(&bytes)
}

/// The reply that the caller's token is bound to, if it is bound.
///
/// # Errors
/// [`ErrorCode::TokenMismatch`] if it is bound to other parameters.
pub(crate) fn recall(w: &World, caller: &Caller, command: &Command) -> Outcome<Option<Reply>> {
    let Some(token) = &caller.token else { return Ok(None) };
    let Some(row) = w.get::<Remembered>(&key_of(caller, token, command)) else { return Ok(None) };
    if w.now() - row.at > LIFETIME {
        return Ok(None);
    }
    if row.fingerprint != fingerprint(command) {
        return Err(Refusal::new(ErrorCode::TokenMismatch)
            .field("client_token")
            .detail(format!("{:?} was used at {} for another {}.", token.as_str(), row.at, command.name()))
            .accepted("a token that was not used in the last 24 hours, or the parameters of its first use"));
    }
    Ok(Some(row.reply.clone()))
}

/// Binds the caller's token to a success and forgets what is too old or too much.
pub(crate) fn remember(w: &mut World, caller: &Caller, command: &Command, reply: &Reply) {
    let Some(token) = &caller.token else { return };
    // A few at a time, so that one command never pays for a whole day's tokens.
    for _ in 0..4 {
        let Some(key) = w.indexes().tokens.by_age.values().next().cloned() else { break };
        let expired = w.get::<Remembered>(&key).is_some_and(|row| w.now() - row.at > LIFETIME);
        if !expired && w.table::<Remembered>().len() < CAPACITY {
            break;
        }
        w.remove::<Remembered>(&key);
    }
    let seq = w.count_up(Counter::TOKENS);
    let key = key_of(caller, token, command);
    w.put(Remembered { key, seq, at: w.now(), fingerprint: fingerprint(command), reply: reply.clone() });
}
