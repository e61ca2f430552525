//! A TLS cipher policy of the caller's own: which versions of TLS HTTPS listeners speak, and with which ciphers (provider
//! documentation: CreateTLSCipherPolicy). The provider's own policies are in [`SYSTEM`]; they are in no list.
//!
//! A listener names a policy by its id. A policy can be changed while listeners use it, and is `configuring` until they follow:
//! no time at all, unless provisioning is documented. No source says how many policies an account may have; 50 is chosen.

use crate::access::{Caller, Owner};
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{ListenerId, TlsPolicyId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::settings::{Provisioning, Work};
use crate::slb::listener::Listener;
use crate::slb::listener_rules::Rules;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::timer::Due;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// The provider's own policies, the widest first.
pub const SYSTEM: [&str; 5] = [
    "tls_cipher_policy_1_0",
    "tls_cipher_policy_1_1",
    "tls_cipher_policy_1_2",
    "tls_cipher_policy_1_2_strict",
    "tls_cipher_policy_1_2_strict_with_1_3",
];

/// The versions of TLS, in the order of their bits.
pub const VERSIONS: [&str; 4] = ["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/// Bits of versions.
const OLD: u8 = 0b0011;
const TLS_1_2: u8 = 0b0100;
const TLS_1_3: u8 = 0b1000;

/// The ciphers, and the bits of the versions that have them.
pub const CIPHERS: [(&str, u8); 24] = [
    ("ECDHE-ECDSA-AES128-SHA", OLD | TLS_1_2),
    ("ECDHE-ECDSA-AES256-SHA", OLD | TLS_1_2),
    ("ECDHE-RSA-AES128-SHA", OLD | TLS_1_2),
    ("ECDHE-RSA-AES256-SHA", OLD | TLS_1_2),
    ("AES128-SHA", OLD | TLS_1_2),
    ("AES256-SHA", OLD | TLS_1_2),
    ("DES-CBC3-SHA", OLD | TLS_1_2),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", TLS_1_2),
    ("ECDHE-ECDSA-AES256-GCM-SHA384", TLS_1_2),
    ("ECDHE-ECDSA-AES128-SHA256", TLS_1_2),
    ("ECDHE-ECDSA-AES256-SHA384", TLS_1_2),
    ("ECDHE-RSA-AES128-GCM-SHA256", TLS_1_2),
    ("ECDHE-RSA-AES256-GCM-SHA384", TLS_1_2),
    ("ECDHE-RSA-AES128-SHA256", TLS_1_2),
    ("ECDHE-RSA-AES256-SHA384", TLS_1_2),
    ("AES128-GCM-SHA256", TLS_1_2),
    ("AES256-GCM-SHA384", TLS_1_2),
    ("AES128-SHA256", TLS_1_2),
    ("AES256-SHA256", TLS_1_2),
    ("TLS_AES_128_GCM_SHA256", TLS_1_3),
    ("TLS_AES_256_GCM_SHA384", TLS_1_3),
    ("TLS_CHACHA20_POLY1305_SHA256", TLS_1_3),
    ("TLS_AES_128_CCM_SHA256", TLS_1_3),
    ("TLS_AES_128_CCM_8_SHA256", TLS_1_3),
];

/// A TLS cipher policy of the caller's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsPolicy {
    /// Its id.
    pub id: TlsPolicyId,
    /// Whose it is.
    pub owner: Owner,
    /// Its name.
    pub name: CompactString,
    /// Which of [`VERSIONS`] are spoken, a bit each; at least one.
    pub versions: u8,
    /// Which of [`CIPHERS`] are used, a bit each; at least one.
    pub ciphers: u32,
    /// Whether the listeners that use it do not follow a change of it yet.
    pub configuring: bool,
    /// When it was made.
    pub created: SimTime,
}

impl TlsPolicy {
    /// The provider's word for its state.
    pub const fn status(&self) -> &'static str {
        if self.configuring { "configuring" } else { "normal" }
    }

    /// The versions that are spoken.
    pub fn version_names(&self) -> Vec<&'static str> {
        (0..VERSIONS.len()).filter(|at| self.versions & 1 << at != 0).map(|at| VERSIONS[at]).collect()
    }

    /// The ciphers that are used.
    pub fn cipher_names(&self) -> Vec<&'static str> {
        (0..CIPHERS.len()).filter(|at| self.ciphers & 1 << at != 0).map(|at| CIPHERS[at].0).collect()
    }

    /// The listeners that use it.
    pub fn listeners<'w>(&self, w: &'w World) -> impl Iterator<Item = &'w Listener> + use<'w> {
        w.indexes().listeners.by_tls_policy.of(&self.id).filter_map(|id| w.get::<Listener>(id))
    }

    fn check_settled(&self) -> Outcome<()> {
        if !self.configuring {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::TlsPolicyConfiguring)
            .field("tls_cipher_policy_id")
            .blockers([self.id])
            .accepted("the same request a little later"))
    }
}

/// What is derived from TLS cipher policies.
#[derive(Clone, Debug, Default)]
pub struct TlsPolicyIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, TlsPolicyId>,
}

impl Row for TlsPolicy {
    type Key = TlsPolicyId;
    type Index = TlsPolicyIndex;

    fn key(&self) -> TlsPolicyId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|p| p.id) else { return };
        let ix = &mut indexes.tls_policies;
        ix.by_owner.shift(&id, old.map(|p| p.owner.clone()), new.map(|p| p.owner.clone()));
    }
}

impl Resource for TlsPolicy {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The policy of its own that a listener uses, if it is none of the provider's.
pub(crate) fn of(listener: &Listener) -> Option<TlsPolicyId> {
    listener.rules.tls().and_then(|tls| tls.policy.parse().ok())
}

/// Checks that the policy of a listener is one of the provider's, or there and settled.
///
/// # Errors
/// [`ErrorCode::TlsPolicyNotFound`], [`ErrorCode::TlsPolicyConfiguring`].
pub(crate) fn check(w: &World, caller: &Caller, rules: &Rules) -> Outcome<()> {
    let Some(tls) = rules.tls().filter(|tls| !SYSTEM.contains(&tls.policy.as_str())) else { return Ok(()) };
    let missing = || {
        Refusal::new(ErrorCode::TlsPolicyNotFound)
            .field("tls_cipher_policy")
            .given(&tls.policy)
            .accepted(format!("{}, or the id of a policy of yours", SYSTEM.join(", ")))
    };
    let policy = tls.policy.parse::<TlsPolicyId>().map_err(|_| missing())?;
    w.visible::<TlsPolicy>(caller, policy).map_err(|_| missing())?.check_settled()
}

/// The rule for a policy's name. The pages have 1 or 2 and 128 or 200 characters as its limits; the newest is taken.
pub const NAME: TextRule = TextRule {
    min: 2,
    max: 200,
    letter_first: true,
    field: "name",
    error: ErrorCode::TlsPolicyNameMalformed,
};

/// Checks a name, which has letters, digits, dots, underscores and hyphens.
fn check_name(name: &str) -> Outcome<CompactString> {
    let plain = name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
    if name.is_empty() || !plain {
        return Err(Refusal::new(ErrorCode::TlsPolicyNameMalformed)
            .field("name")
            .given(name)
            .accepted("2 to 200 letters, digits, dots, underscores and hyphens, a letter first"));
    }
    NAME.check(Some(name))
}

/// The bits of versions that are named.
fn check_versions(named: &[CompactString]) -> Outcome<u8> {
    let mut bits = 0;
    for (at, name) in named.iter().enumerate() {
        let field = || format!("tls_versions/{at}");
        let Some(bit) = VERSIONS.iter().position(|version| *version == name.as_str()) else {
            return Err(Refusal::new(ErrorCode::TlsVersionUnknown)
                .field(field())
                .given(name)
                .accepted(VERSIONS.join(", ")));
        };
        if bits & 1 << bit != 0 {
            return Err(Refusal::new(ErrorCode::TlsVersionRepeated).field(field()));
        }
        bits |= 1 << bit;
    }
    if bits == 0 {
        return Err(Refusal::new(ErrorCode::TlsVersionsMissing)
            .field("tls_versions")
            .accepted(VERSIONS.join(", ")));
    }
    Ok(bits)
}

/// The bits of ciphers that are named, each of which one of the versions has. TLSv1.3 shares none with the others, so that it
/// needs one of its own.
fn check_ciphers(named: &[CompactString], versions: u8) -> Outcome<u32> {
    let fitting = |wanted: u8| {
        let fits = CIPHERS.iter().filter(|(_, of)| of & wanted != 0).map(|(name, _)| *name);
        fits.collect::<Vec<_>>().join(", ")
    };
    let (mut bits, mut spoken) = (0, 0);
    for (at, name) in named.iter().enumerate() {
        let field = || format!("ciphers/{at}");
        let found = CIPHERS.iter().position(|(cipher, of)| *cipher == name.as_str() && of & versions != 0);
        let Some(bit) = found else {
            return Err(Refusal::new(ErrorCode::TlsCipherUnsupported)
                .field(field())
                .given(name)
                .accepted(fitting(versions)));
        };
        if bits & 1 << bit != 0 {
            return Err(Refusal::new(ErrorCode::TlsCipherRepeated).field(field()));
        }
        (bits, spoken) = (bits | 1 << bit, spoken | CIPHERS[bit].1);
    }
    if bits == 0 {
        return Err(Refusal::new(ErrorCode::TlsCiphersMissing).field("ciphers").accepted(fitting(versions)));
    }
    if versions & TLS_1_3 & !spoken != 0 {
        return Err(Refusal::new(ErrorCode::TlsCipherUnsupported)
            .field("ciphers")
            .detail("TLSv1.3 has none of them.")
            .accepted(fitting(TLS_1_3)));
    }
    Ok(bits)
}

/// Makes a TLS cipher policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateTlsPolicy {
    /// Its name: 2 to 200 letters, digits, dots, underscores and hyphens, a letter first.
    pub name: CompactString,
    /// The versions that are spoken, of [`VERSIONS`].
    pub versions: Vec<CompactString>,
    /// The ciphers that are used, of [`CIPHERS`].
    pub ciphers: Vec<CompactString>,
}

/// Handles [`CreateTlsPolicy`].
///
/// # Errors
/// The form of the name; no version or cipher, one that is none, is given twice, or that no version has; an unknown region;
/// [`ErrorCode::TlsPolicyQuotaExceeded`].
pub fn create(w: &mut World, caller: &Caller, c: &CreateTlsPolicy) -> Outcome<Reply> {
    let name = check_name(&c.name)?;
    let versions = check_versions(&c.versions)?;
    let ciphers = check_ciphers(&c.ciphers, versions)?;
    crate::region::check(w, &caller.region)?;
    let owner = Owner::from(caller);
    let used = w.indexes().tls_policies.by_owner.count(&owner);
    Quota::TlsPolicies.check(w, caller.account, used, 1, ErrorCode::TlsPolicyQuotaExceeded)?;
    let (id, created) = (w.new_id::<TlsPolicyId>(&caller.region)?, w.now());
    w.put(TlsPolicy { id, owner, name, versions, ciphers, configuring: false, created });
    Ok(id.into())
}

/// Changes a TLS cipher policy; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyTlsPolicy {
    /// The policy.
    pub policy: TlsPolicyId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// The versions that are spoken.
    pub versions: Option<Vec<CompactString>>,
    /// The ciphers that are used.
    pub ciphers: Option<Vec<CompactString>>,
}

/// Handles [`ModifyTlsPolicy`].
///
/// # Errors
/// An unknown policy; as [`create`]; one that listeners do not follow yet; a change that changes nothing.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyTlsPolicy) -> Outcome<Reply> {
    let policy = w.visible::<TlsPolicy>(caller, c.policy)?;
    let name = c.name.as_deref().map_or_else(|| Ok(policy.name.clone()), check_name)?;
    let versions = c.versions.as_deref().map_or(Ok(policy.versions), check_versions)?;
    let kept: Vec<CompactString> = policy.cipher_names().into_iter().map(Into::into).collect();
    let ciphers = match &c.ciphers {
        Some(ciphers) => check_ciphers(ciphers, versions)?,
        // The versions are what changes then.
        None => check_ciphers(&kept, versions).map_err(|refusal| refusal.field("tls_versions"))?,
    };
    policy.check_settled()?;
    let same = (policy.versions, policy.ciphers) == (versions, ciphers);
    if same && policy.name == name {
        return Err(Refusal::new(ErrorCode::TlsPolicyUnchanged)
            .field("tls_cipher_policy_id")
            .accepted("another name, other versions or other ciphers"));
    }
    let follows = !same && policy.listeners(w).next().is_some();
    let configuring = follows && w.settings().provisioning == Provisioning::Documented;
    if configuring {
        w.schedule(w.settings().provisioning.span(Work::Listener), Due::TlsPolicy(c.policy));
    }
    w.update::<TlsPolicy>(&c.policy, |policy| {
        policy.name = name;
        (policy.versions, policy.ciphers, policy.configuring) = (versions, ciphers, configuring);
    });
    Ok(Reply::Done)
}

/// The listeners follow.
pub(crate) fn settle(w: &mut World, id: TlsPolicyId) {
    w.update::<TlsPolicy>(&id, |policy| policy.configuring = false);
}

/// Deletes a TLS cipher policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteTlsPolicy {
    /// The policy.
    pub policy: TlsPolicyId,
}

/// Handles [`DeleteTlsPolicy`].
///
/// # Errors
/// An unknown policy, one that listeners do not follow yet, or one that a listener uses.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteTlsPolicy) -> Outcome<Reply> {
    let policy = w.visible::<TlsPolicy>(caller, c.policy)?;
    policy.check_settled()?;
    let users: Vec<ListenerId> = w.indexes().listeners.by_tls_policy.of(&c.policy).copied().collect();
    if !users.is_empty() {
        return Err(Refusal::new(ErrorCode::TlsPolicyInUse)
            .field("tls_cipher_policy_id")
            .accepted("the same request once no listener uses it")
            .blockers(users));
    }
    w.remove::<TlsPolicy>(&c.policy);
    Ok(Reply::Done)
}
