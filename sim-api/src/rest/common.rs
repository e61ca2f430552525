//! Shapes that several resources share.

use serde::{Deserialize, Serialize};
use sim_core::id::AnyId;
use sim_core::tag::{self, TagPair};
use sim_core::{ErrorCode, Outcome, World};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use utoipa::ToSchema;

/// A tag.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagBody {
    /// Its key: 1 to 128 characters.
    #[schema(example = "env", min_length = 1, max_length = 128)]
    pub key: String,
    /// Its value: at most 128 characters.
    #[serde(default)]
    #[schema(example = "prod", max_length = 128)]
    pub value: String,
}

/// The tags of an object.
pub fn tag_bodies(w: &World, resource: impl Into<AnyId>) -> Vec<TagBody> {
    tag::of(w, resource).map(|t| TagBody { key: t.key.to_string(), value: t.value.to_string() }).collect()
}

/// Tags as a command takes them.
pub fn tag_pairs(tags: Vec<TagBody>) -> Vec<TagPair> {
    tags.into_iter().map(|t| TagPair { key: t.key.into(), value: t.value.into() }).collect()
}

/// Reads each text of a list.
///
/// # Errors
/// The first text that does not read.
pub fn parse_list<T>(texts: &[String], parse: impl Fn(&str) -> Outcome<T>) -> Outcome<Vec<T>> {
    texts.iter().map(|text| parse(text)).collect()
}

/// Reads each body of a list, of which a refusal names the one at fault by its place in `field`.
///
/// # Errors
/// The first body that does not read.
pub fn read_each<B, T>(bodies: Vec<B>, field: &str, read: fn(B) -> Outcome<T>) -> Outcome<Vec<T>> {
    let at = |(at, body)| read(body).map_err(|refusal| refusal.within(format_args!("{field}/{at}")));
    bodies.into_iter().enumerate().map(at).collect()
}

/// Tells work that goes on beside a request that nobody waits for it any more: that the request was dropped.
#[derive(Default)]
pub struct GiveUp(Arc<AtomicBool>);

impl GiveUp {
    /// What the work looks at from time to time.
    pub fn seen(&self) -> Arc<AtomicBool> {
        self.0.clone()
    }
}

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What keeps an object from being deleted.
#[derive(Serialize, ToSchema)]
pub struct Dependents {
    /// Whether a deletion would pass.
    deletable: bool,
    /// What blocks it, in the order in which a deletion would report it.
    dependents: Vec<Dependent>,
}

/// Things of one sort that block a deletion.
#[derive(Serialize, ToSchema)]
struct Dependent {
    /// The code that a deletion would be refused with.
    #[schema(example = "vpc_has_vswitch")]
    code: String,
    /// The rule in one sentence.
    #[schema(example = "The VPC still has vSwitches.")]
    reason: &'static str,
    /// The things.
    ids: Vec<String>,
}

/// The answer of a `dependents` operation.
pub fn dependents(list: Vec<(ErrorCode, Vec<AnyId>)>) -> Dependents {
    let dependents: Vec<Dependent> = list
        .into_iter()
        .map(|(code, ids)| Dependent {
            code: code.native(),
            reason: code.row().message,
            ids: ids.iter().map(ToString::to_string).collect(),
        })
        .collect();
    Dependents { deletable: dependents.is_empty(), dependents }
}
