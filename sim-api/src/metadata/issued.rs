//! What the metadata service gave out: tokens, and the keys of roles. In memory only, like the provider's sessions: they
//! are in no journal, log or snapshot, and a server that was started again knows none of them.

use crate::rpc::{Credential, ProviderError};
use parking_lot::Mutex;
use sim_core::ecs::instance::Instance;
use sim_core::ecs::ram_role::RoleSession;
use sim_core::id::InstanceId;
use std::collections::{BTreeMap, VecDeque};

/// How many tokens, and how many keys, are remembered; the oldest go first.
const MOST: usize = 10_000;
/// How long the keys of a role are good, in seconds: the example of the page on instance metadata has six hours.
const KEY_SECONDS: i64 = 6 * 60 * 60;
/// How long before their end new ones are given, in seconds.
const RENEWED_BEFORE: i64 = 30 * 60;
/// How the ids of such keys begin.
const KEY_PREFIX: &str = "STS.";

/// What was given out and may come back.
#[derive(Default)]
pub struct Issued {
    tokens: Mutex<Remembered<Token>>,
    keys: Mutex<Remembered<RoleKey>>,
}

/// Which instance a token is for, and until when.
struct Token {
    world: String,
    instance: InstanceId,
    expires: i64,
}

/// The keys of a role as they were given. It has no `Debug`.
#[derive(Clone)]
pub(super) struct RoleKey {
    /// Id, secret and token, for the instance's account and world.
    pub credential: Credential,
    /// When they were made, in seconds since 1970.
    pub given: i64,
    /// When they end.
    pub expires: i64,
    session: RoleSession,
}

impl Issued {
    /// A new token for an instance.
    pub(super) fn give_token(&self, world: &str, instance: InstanceId, expires: i64) -> String {
        let token = random();
        self.tokens.lock().put(token.clone(), Token { world: world.to_owned(), instance, expires });
        token
    }

    /// Whether the instance was given this token and it has not expired.
    pub(super) fn knows_token(&self, token: &str, world: &str, instance: InstanceId, now: i64) -> bool {
        let tokens = self.tokens.lock();
        tokens.get(token).is_some_and(|t| t.world == world && t.instance == instance && now < t.expires)
    }

    /// The keys of the instance's role: those that were given last, unless they end soon.
    pub(super) fn role_keys(&self, world: &str, instance: &Instance, now: i64) -> RoleKey {
        let mut keys = self.keys.lock();
        let same = |key: &&RoleKey| {
            key.session.instance == instance.id
                && key.session.role == instance.terms.ram_role
                && key.credential.world.as_deref() == Some(world)
                && key.expires - RENEWED_BEFORE > now
        };
        if let Some(key) = keys.newest().find(same) {
            return key.clone();
        }
        let credential = Credential {
            access_key_id: format!("{KEY_PREFIX}{}", &random()[..24]),
            access_key_secret: random(),
            account: instance.owner.account.to_string(),
            world: Some(world.to_owned()),
            bearer_token: None,
            security_token: Some(format!("{}{}", random(), random())),
        };
        let key = RoleKey {
            given: now,
            expires: now + KEY_SECONDS,
            session: RoleSession {
                account: instance.owner.account,
                role: instance.terms.ram_role.clone(),
                instance: instance.id,
            },
            credential,
        };
        keys.put(key.credential.access_key_id.clone(), key.clone());
        key
    }

    /// The keys of this id and who acts with them, if a role was given them.
    ///
    /// # Errors
    /// If they have expired.
    pub fn role_key(
        &self,
        access_key_id: &str,
        now: i64,
    ) -> Result<Option<(Credential, RoleSession)>, ProviderError> {
        if !access_key_id.starts_with(KEY_PREFIX) {
            return Ok(None);
        }
        match self.keys.lock().get(access_key_id) {
            None => Ok(None),
            Some(key) if now < key.expires => Ok(Some((key.credential.clone(), key.session.clone()))),
            Some(_) => {
                let message = "Specified SecurityToken is expired; ask the metadata service for new keys.";
                Err(ProviderError::bad_request("InvalidSecurityToken.Expired", message))
            }
        }
    }
}

/// 32 hexadecimal digits that nobody guesses.
fn random() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Things by name, the oldest forgotten first.
struct Remembered<T> {
    by_name: BTreeMap<String, T>,
    order: VecDeque<String>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Remembered<T> {
        Remembered { by_name: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<T> Remembered<T> {
    /// Names are new each time.
    fn put(&mut self, name: String, thing: T) {
        if self.order.len() == MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_name.remove(&oldest);
        }
        self.order.push_back(name.clone());
        self.by_name.insert(name, thing);
    }

    fn get(&self, name: &str) -> Option<&T> {
        self.by_name.get(name)
    }

    fn newest(&self) -> impl Iterator<Item = &T> {
        self.order.iter().rev().filter_map(|name| self.by_name.get(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::id::{Id, IdNumber, RegionCode};

    #[test]
    fn a_token_holds_for_its_instance_until_it_ends() {
        let issued = Issued::default();
        let id = |n| InstanceId::from_number(IdNumber::new(n, 7, RegionCode::from_text("bp1").unwrap()));
        let (one, other) = (id(1), id(2));
        let token = issued.give_token("default", one, 100);
        assert!(issued.knows_token(&token, "default", one, 99));
        assert!(!issued.knows_token(&token, "default", one, 100));
        assert!(!issued.knows_token(&token, "default", other, 99));
        assert!(!issued.knows_token(&token, "copy", one, 99));
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut some = Remembered::default();
        for number in 0..=MOST {
            some.put(number.to_string(), number);
        }
        assert_eq!((some.get("0"), some.get("1"), some.by_name.len()), (None, Some(&1), MOST));
        assert_eq!(some.newest().next(), Some(&MOST));
    }
}
