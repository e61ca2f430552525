//! Whether and how the metadata service answers inside of an instance (provider documentation: RunInstances,
//! ModifyInstanceMetadataOptions, access modes of instance metadata).

use crate::access::Caller;
use crate::command::Reply;
use crate::ecs::instance::Instance;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::InstanceId;
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// How many routers an answer with a token may cross at most (message of `InvalidHttpPutResponseHopLimit.NotSupported`, and
/// the range that the Terraform provider checks).
pub const HOP_LIMITS: RangeInclusive<u32> = 1..=64;

/// Whether and how the metadata service answers inside of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataOptions {
    /// Whether it answers.
    pub enabled: bool,
    /// Whether a question must carry a token.
    pub tokens_required: bool,
    /// How many routers an answer with a token may cross: 1 to 64. It is kept and shown; no router lies between an instance
    /// and the metadata service here.
    pub hop_limit: u8,
}

impl Default for MetadataOptions {
    /// It answers, with and without tokens, across one router (published defaults of RunInstances; the limit is the
    /// example of ModifyInstanceMetadataOptions).
    fn default() -> MetadataOptions {
        MetadataOptions { enabled: true, tokens_required: false, hop_limit: 1 }
    }
}

/// What is asked for of [`MetadataOptions`]; absent fields stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataChange {
    /// Whether the service answers.
    pub enabled: Option<bool>,
    /// Whether a question must carry a token.
    pub tokens_required: Option<bool>,
    /// How many routers an answer with a token may cross: one of [`HOP_LIMITS`].
    pub hop_limit: Option<u32>,
}

impl MetadataChange {
    /// The options after the change.
    ///
    /// # Errors
    /// [`ErrorCode::MetadataHopLimit`].
    pub fn of(self, options: MetadataOptions) -> Outcome<MetadataOptions> {
        let hop_limit = match self.hop_limit {
            None => options.hop_limit,
            Some(limit) if HOP_LIMITS.contains(&limit) => limit as u8,
            Some(limit) => {
                return Err(Refusal::new(ErrorCode::MetadataHopLimit)
                    .field("hop_limit")
                    .detail(format!("{limit} was given."))
                    .accepted(format!("{} to {}", HOP_LIMITS.start(), HOP_LIMITS.end())));
            }
        };
        Ok(MetadataOptions {
            enabled: self.enabled.unwrap_or(options.enabled),
            tokens_required: self.tokens_required.unwrap_or(options.tokens_required),
            hop_limit,
        })
    }
}

/// Changes whether and how the metadata service answers inside of an instance, whatever its status is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyMetadataOptions {
    /// The instance.
    pub instance: InstanceId,
    /// What changes.
    pub change: MetadataChange,
}

/// Handles [`ModifyMetadataOptions`].
///
/// # Errors
/// An unknown instance; a limit out of range.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyMetadataOptions) -> Outcome<Reply> {
    let options = c.change.of(w.visible::<Instance>(caller, c.instance)?.metadata)?;
    w.update::<Instance>(&c.instance, |instance| instance.metadata = options);
    Ok(Reply::Done)
}
