//! Signature nonces that were used: a request that is sent again is refused.

use std::collections::{HashSet, VecDeque};

use sha2::{Digest, Sha256};

use super::sign::{CLOCK_SKEW_SECONDS, SignError};

/// How many nonces a server keeps if nothing else is asked for; about 15 MB when full.
pub const DEFAULT_NONCES: usize = 1 << 18;

/// How long a nonce is kept, in seconds: the whole span in which one timestamp is accepted, from
/// the earliest arrival before it to the latest after it.
pub const NONCE_SECONDS: i64 = 2 * CLOCK_SKEW_SECONDS;

/// The nonces of the last [`NONCE_SECONDS`], at most a fixed number of them.
///
/// When it is full the oldest is forgotten, so that a flood of requests costs memory only up to the
/// bound; a request older than the flood could then be replayed until its timestamp expires.
/// Claim a nonce only after the signature was verified, so that strangers cannot fill it.
#[derive(Debug)]
pub struct NonceCache {
    capacity: usize,
    // Half of a SHA-256: short, of one size, and not open to chosen collisions.
    seen: HashSet<[u8; 16]>,
    /// Time of arrival and nonce, in the order of arrival.
    order: VecDeque<(i64, [u8; 16])>,
}

impl Default for NonceCache {
    fn default() -> Self {
        Self::new(DEFAULT_NONCES)
    }
}

impl NonceCache {
    /// A cache for `capacity` nonces, at least one.
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), seen: HashSet::new(), order: VecDeque::new() }
    }

    /// Takes a nonce of a key into use at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// [`SignError::NonceUsed`] if that key used it within [`NONCE_SECONDS`].
    pub fn claim(&mut self, access_key_id: &str, nonce: &str, now: i64) -> Result<(), SignError> {
        self.forget_before(now.saturating_sub(NONCE_SECONDS));
        let mark = mark(access_key_id, nonce);
        if self.seen.contains(&mark) {
            return Err(SignError::NonceUsed);
        }
        if self.order.len() == self.capacity {
            self.forget_first();
        }
        self.seen.insert(mark);
        self.order.push_back((now, mark));
        Ok(())
    }

    /// How many nonces are kept.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    // Arrival times may step back with the wall clock; a nonce is then kept longer, never shorter.
    fn forget_before(&mut self, time: i64) {
        while self.order.front().is_some_and(|(arrived, _)| *arrived < time) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, mark)) = self.order.pop_front() {
            self.seen.remove(&mark);
        }
    }
}

fn mark(access_key_id: &str, nonce: &str) -> [u8; 16] {
    let mut hash = Sha256::new();
    // The length keeps ("a", "bc") and ("ab", "c") apart.
    hash.update(u64::try_from(access_key_id.len()).unwrap_or(u64::MAX).to_le_bytes());
    hash.update(access_key_id.as_bytes());
    hash.update(nonce.as_bytes());
    let mut mark = [0; 16];
    mark.copy_from_slice(&hash.finalize()[..16]);
    mark
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_nonce_serves_once_per_key() {
        let mut cache = NonceCache::new(10);
        assert_eq!(cache.claim("a", "bc", 100), Ok(()));
        assert_eq!(cache.claim("a", "bc", 100), Err(SignError::NonceUsed));
        assert_eq!(cache.claim("ab", "c", 100), Ok(()));
        assert_eq!(cache.claim("z", "bc", 100), Ok(()));
        assert_eq!(cache.claim("a", "bc", 100 + NONCE_SECONDS), Err(SignError::NonceUsed));
        assert_eq!(cache.claim("a", "bc", 101 + NONCE_SECONDS), Ok(()));
        assert_eq!(cache.len(), 1);
    }

    #[test]
    fn a_full_cache_forgets_the_oldest() {
        let mut cache = NonceCache::new(2);
        for nonce in ["1", "2", "3"] {
            assert_eq!(cache.claim("a", nonce, 0), Ok(()));
        }
        assert_eq!(cache.len(), 2);
        assert_eq!(cache.claim("a", "3", 0), Err(SignError::NonceUsed));
        assert_eq!(cache.claim("a", "1", 0), Ok(()));
    }

    proptest! {
        #[test]
        fn agrees_with_a_list_of_all_claims(claims in prop::collection::vec((0..6_u8, 0..1500_i64), 0..60)) {
            let (mut cache, mut all, mut now) = (NonceCache::new(1000), Vec::<(u8, i64)>::new(), 0);
            for (nonce, step) in claims {
                now += step;
                let used = all.iter().any(|(other, at)| *other == nonce && now - at <= NONCE_SECONDS);
                prop_assert_eq!(cache.claim("a", &nonce.to_string(), now).is_err(), used);
                if !used {
                    all.push((nonce, now));
                }
            }
        }
    }
}
