//! Tags: key and value on any object.
//!
//! At most 20 on a resource; a key has 1 to 128 characters and starts with none of `aliyun`, `acs:`,
//! `http://` and `https://`; a value has at most 128 (provider documentation of TagResources). The product Slb wants more: see
//! [`check_balancing`].

use crate::access::{Caller, Owner};
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, IdKind};
use crate::quota::Quota;
use crate::slb::listener::{self, WhichListener};
use crate::table::{Groups, Members, Row};
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One tag of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// The object.
    pub resource: AnyId,
    /// Whose the object is.
    pub owner: Owner,
    /// The key.
    pub key: CompactString,
    /// The value; may be empty.
    pub value: CompactString,
}

/// What tagged objects are grouped by: whose they are, their kind, the tag's key, and its value or any.
pub type TagGroup = (Owner, IdKind, CompactString, Option<CompactString>);

/// The objects by tag.
#[derive(Clone, Debug, Default)]
pub struct TagIndex {
    /// The objects of one kind and owner by key and value, and by key alone.
    pub by_tag: Groups<TagGroup, AnyId>,
}

impl TagIndex {
    /// The caller's objects of a kind that carry a tag; an empty value fits any.
    pub fn tagged(&self, caller: &Caller, kind: IdKind, tag: &TagPair) -> Members<'_, AnyId> {
        let value = (!tag.value.is_empty()).then(|| tag.value.clone());
        self.by_tag.members(&(caller.into(), kind, tag.key.clone(), value))
    }
}

impl Row for Tag {
    type Key = (AnyId, CompactString);
    type Index = TagIndex;

    fn key(&self) -> Self::Key {
        (self.resource, self.key.clone())
    }

    fn reindex(ix: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let group = |tag: &Tag, value| (tag.owner.clone(), tag.resource.kind(), tag.key.clone(), value);
        let by_key = |tag: &Tag| group(tag, None);
        let by_pair = |tag: &Tag| group(tag, Some(tag.value.clone()));
        let Some(resource) = old.or(new).map(|tag| tag.resource) else { return };
        ix.tags.by_tag.shift(&resource, old.map(by_pair), new.map(by_pair));
        ix.tags.by_tag.shift(&resource, old.map(by_key), new.map(by_key));
    }
}

/// A key and a value as a caller gives them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagPair {
    /// The key.
    pub key: CompactString,
    /// The value.
    #[serde(default)]
    pub value: CompactString,
}

/// Checks the form of a list of tags.
///
/// # Errors
/// [`ErrorCode::TagKeyMalformed`], [`ErrorCode::TagValueMalformed`], [`ErrorCode::TagKeyDuplicated`],
/// [`ErrorCode::TagQuotaExceeded`].
pub fn check(tags: &[TagPair]) -> Outcome<()> {
    check_form(tags, false)
}

/// Checks the form of a list of tags of the product Slb: a key has at most 64 characters; neither key nor value starts with
/// `aliyun` or `acs:` or contains `http://` or `https://` (provider documentation: CreateLoadBalancerTCPListener).
///
/// # Errors
/// As [`check`].
pub fn check_balancing(tags: &[TagPair]) -> Outcome<()> {
    check_form(tags, true)
}

const OWN: [&str; 2] = ["aliyun", "acs:"];
const ADDRESSES: [&str; 2] = ["http://", "https://"];

fn check_form(tags: &[TagPair], balancing: bool) -> Outcome<()> {
    let most_key = if balancing { 64 } else { 128 };
    let own_of_value = if balancing { &OWN[..] } else { &OWN[1..] };
    let mut seen = BTreeSet::new();
    for (at, tag) in tags.iter().enumerate() {
        let count = tag.key.chars().count();
        let banned = OWN.iter().chain(&ADDRESSES).find(|p| tag.key.starts_with(**p));
        let inside = ADDRESSES.iter().find(|p| balancing && tag.key.contains(**p));
        if count == 0 || count > most_key || banned.is_some() || inside.is_some() {
            let starts = banned.map(|p| format!("It starts with {p}."));
            let contains = inside.map(|p| format!("It contains {p}."));
            let why = starts.or(contains).unwrap_or_else(|| format!("It has {count} characters."));
            return Err(Refusal::new(ErrorCode::TagKeyMalformed)
                .field(format!("tags/{at}/key"))
                .detail(why)
                .accepted(format!("a key of 1 to {most_key} characters such as env")));
        }
        let count = tag.value.chars().count();
        if count > 128
            || own_of_value.iter().any(|own| tag.value.starts_with(own))
            || ADDRESSES.iter().any(|address| tag.value.contains(address))
        {
            return Err(Refusal::new(ErrorCode::TagValueMalformed)
                .field(format!("tags/{at}/value"))
                .detail(format!("{:?} was given, of {count} characters.", cut(&tag.value)))
                .accepted("a value such as prod"));
        }
        if !seen.insert(&tag.key) {
            return Err(Refusal::new(ErrorCode::TagKeyDuplicated)
                .field(format!("tags/{at}/key"))
                .detail(format!("{:?} stands twice in the list.", cut(&tag.key))));
        }
    }
    let most = u64::from(Quota::TagsPerResource.row().default);
    if tags.len() as u64 > most {
        return Err(Refusal::new(ErrorCode::TagQuotaExceeded)
            .field("tags")
            .detail(format!("{} were given.", tags.len())));
    }
    Ok(())
}

fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Puts checked tags on an object of `owner`.
pub(crate) fn put_all(w: &mut World, owner: &Owner, resource: impl Into<AnyId>, tags: &[TagPair]) {
    let resource = resource.into();
    for tag in tags {
        w.put(Tag { resource, owner: owner.clone(), key: tag.key.clone(), value: tag.value.clone() });
    }
}

/// Takes all tags off an object that goes.
pub(crate) fn clear(w: &mut World, resource: impl Into<AnyId>) {
    let keys: Vec<_> = of(w, resource.into()).map(Row::key).collect();
    for key in keys {
        w.remove::<Tag>(&key);
    }
}

/// The tags of an object by key.
pub fn of(w: &World, resource: impl Into<AnyId>) -> impl Iterator<Item = &Tag> {
    let resource = resource.into();
    w.table::<Tag>()
        .range((resource, CompactString::default())..)
        .take_while(move |tag| tag.resource == resource)
}

/// An object as a caller names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Named {
    /// By its id.
    Id(AnyId),
    /// A listener by its load balancer, port and protocol: the provider gives it no id.
    Listener(WhichListener),
}

impl<I: Into<AnyId>> From<I> for Named {
    fn from(id: I) -> Named {
        Named::Id(id.into())
    }
}

impl Named {
    /// Whether it is one of the product Slb.
    fn balances(&self) -> bool {
        match self {
            Named::Listener(_) => true,
            Named::Id(id) => matches!(
                id.kind(),
                IdKind::LoadBalancer
                    | IdKind::Listener
                    | IdKind::VServerGroup
                    | IdKind::MasterSlaveGroup
                    | IdKind::AccessControlList
                    | IdKind::ServerCertificate
                    | IdKind::CaCertificate
            ),
        }
    }

    /// The object, if it is there and the caller's.
    ///
    /// # Errors
    /// The error of an unknown object; [`ErrorCode::ResourceNotFound`] for a listener.
    pub fn find(&self, w: &World, caller: &Caller) -> Outcome<AnyId> {
        match self {
            Named::Id(id) => crate::resource::find(w, caller, *id).map(|()| *id),
            Named::Listener(l) => match listener::find(w, caller, l.load_balancer, l.port, l.protocol) {
                Ok(found) => Ok(found.id.into()),
                Err(_) => Err(Refusal::new(ErrorCode::ResourceNotFound)
                    .field("resource_ids")
                    .detail(format!("{} has no such listener on port {}.", l.load_balancer, l.port))),
            },
        }
    }
}

/// Looks all objects up before the first is touched.
fn find_all(w: &World, caller: &Caller, named: &[Named]) -> Outcome<Vec<AnyId>> {
    named.iter().map(|named| named.find(w, caller)).collect()
}

/// Puts tags on objects; a key that is there already gets the new value. All or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagResources {
    /// The objects: 1 to 50.
    pub resources: Vec<Named>,
    /// The tags: 1 to 20.
    pub tags: Vec<TagPair>,
}

/// Checks how many tags a call names.
fn check_count(count: usize) -> Outcome<()> {
    if count as u64 <= u64::from(Quota::TagsPerResource.row().default) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::TagListSize)
        .field("tags")
        .detail(format!("{count} were named."))
        .accepted("1 to 20"))
}

/// Handles [`TagResources`].
///
/// # Errors
/// [`ErrorCode::TagListSize`], those of [`check`], the error of an unknown object, [`ErrorCode::TagQuotaExceeded`].
pub fn tag_resources(w: &mut World, caller: &Caller, c: &TagResources) -> Outcome<Reply> {
    check_count(c.tags.len())?;
    check_form(&c.tags, c.resources.iter().any(Named::balances))?;
    let resources = find_all(w, caller, &c.resources)?;
    for &resource in &resources {
        let new = c.tags.iter().filter(|t| w.get::<Tag>(&(resource, t.key.clone())).is_none()).count();
        let used = of(w, resource).count();
        Quota::TagsPerResource.check(
            w,
            caller.account,
            used as u64,
            new as u64,
            ErrorCode::TagQuotaExceeded,
        )?;
    }
    for resource in resources {
        put_all(w, &caller.into(), resource, &c.tags);
    }
    Ok(Reply::Done)
}

/// Takes tags off objects; keys that are not there are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UntagResources {
    /// The objects: 1 to 50.
    pub resources: Vec<Named>,
    /// The keys; `None` means all.
    pub keys: Option<Vec<CompactString>>,
}

/// Handles [`UntagResources`].
///
/// # Errors
/// [`ErrorCode::TagListSize`], the error of an unknown object.
pub fn untag_resources(w: &mut World, caller: &Caller, c: &UntagResources) -> Outcome<Reply> {
    check_count(c.keys.as_ref().map_or(0, Vec::len))?;
    for resource in find_all(w, caller, &c.resources)? {
        match &c.keys {
            None => clear(w, resource),
            Some(keys) => keys.iter().for_each(|key| w.remove::<Tag>(&(resource, key.clone()))),
        }
    }
    Ok(Reply::Done)
}
