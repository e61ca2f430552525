//! The flat parameters of a request and the typed ways to read them.
//!
//! A list is sent as numbered names (`SecurityGroupIds.1`), a list of objects as
//! `Tag.1.Key`, an object as `DeletionProtectionConfig.Enabled`, and some parameters hold a JSON
//! text or a comma list. A [`Scope`] is the view in which names are read: the whole request, or
//! one object of a list. Reading marks a name as known, so that [`Params::unknown`] can name the rest.
//!
//! Names are case-sensitive, as the provider documents them, except for those inside a JSON text: its reader finds
//! `serverId` for `ServerId`, and the cloud controller manager writes it so.

use std::borrow::Cow;
use std::cmp::Ordering as Order;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::request::{DecodeError, MAX_NAME_BYTES, MAX_PARAMS, MAX_VALUE_BYTES};

mod lists;
mod scope;

pub use crate::catalogue::COMMON;
pub use lists::MAX_LIST_INDEX;
pub use scope::{Asked, ParamError, Problem, Scope};

/// Nobody asked for the parameter.
const UNASKED: u8 = 0;
/// It is taken and changes nothing.
const TAKEN: u8 = 1;
/// A getter asked for it.
const READ: u8 = 2;

#[derive(Clone)]
struct Entry {
    name: String,
    value: String,
    /// Sent in the query, which is the part that a version 3 signature covers by name.
    in_query: bool,
    /// Which of the marks is its.
    mark: usize,
}

/// For each parameter [`UNASKED`], [`TAKEN`] or [`READ`]; views of the same parameters share them. Relaxed ordering: they
/// are notes, nothing hangs on them.
type Marks = Arc<[AtomicU8]>;

/// How names are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// By their bytes.
    #[default]
    Exact,
    /// Without regard to the case of ASCII letters.
    AnyCase,
}

impl Names {
    fn order(self, a: &str, b: &str) -> Order {
        match self {
            Names::Exact => a.cmp(b),
            Names::AnyCase => a
                .bytes()
                .map(|byte| byte.to_ascii_lowercase())
                .cmp(b.bytes().map(|byte| byte.to_ascii_lowercase())),
        }
    }

    fn begins(self, name: &str, prefix: &str) -> bool {
        match self {
            Names::Exact => name.starts_with(prefix),
            Names::AnyCase => {
                name.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix))
            }
        }
    }
}

/// Parameters by name, sorted as [`Names`] compares them, each name once.
///
/// `Debug` shows names only: a value may be a password.
#[derive(Clone, Default)]
pub struct Params {
    entries: Vec<Entry>,
    marks: Marks,
    /// How names are compared: by their bytes, or without regard to the case of ASCII letters.
    names: Names,
    /// The host that the request was addressed to, with its port; empty if that is not known.
    host: Box<str>,
}

impl Params {
    /// Parameters from names and values, as if sent in a form; for tests and tools.
    ///
    /// # Errors
    /// The limits of a request, and one name with two values.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, DecodeError> {
        let mut builder = ParamsBuilder::default();
        for (name, value) in pairs {
            builder.push(name.into(), value.into(), false)?;
        }
        builder.finish()
    }

    /// The view in which all names are read in full.
    pub fn root(&self) -> Scope<'_> {
        Scope::root(self)
    }

    /// The value of `name`, empty or not, without marking it as known.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(|entry| entry.value.as_str())
    }

    /// All names and values in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| (entry.name.as_str(), entry.value.as_str()))
    }

    /// Those that were sent in the query string, in the byte order of the names.
    pub fn in_query(&self) -> impl Iterator<Item = (&str, &str)> {
        let sent = self.entries.iter().filter(|entry| entry.in_query);
        sent.map(|entry| (entry.name.as_str(), entry.value.as_str()))
    }

    /// The same parameters, of a request to this host.
    pub fn to_host(self, host: Option<&str>) -> Params {
        Params { host: host.unwrap_or_default().into(), ..self }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// These parameters without those of the given names.
    pub fn without(&self, names: &[String]) -> Cow<'_, Params> {
        if names.is_empty() {
            return Cow::Borrowed(self);
        }
        let stays = |entry: &&Entry| !names.contains(&entry.name);
        let entries = self.entries.iter().filter(stays).cloned().collect();
        Cow::Owned(Params { entries, marks: self.marks.clone(), names: self.names, host: self.host.clone() })
    }

    /// Names that no getter asked for and that are not [`COMMON`], in byte order. Ask after the
    /// action has read its parameters.
    pub fn unknown(&self) -> Vec<&str> {
        self.used_at_most(UNASKED)
    }

    /// As [`Params::unknown`], with those that were taken by [`Params::mark_known`]: no value of these has an effect.
    pub fn unread(&self) -> Vec<&str> {
        self.used_at_most(TAKEN)
    }

    fn used_at_most(&self, most: u8) -> Vec<&str> {
        let idle = self.entries.iter().filter(|entry| self.marks[entry.mark].load(Ordering::Relaxed) <= most);
        idle.map(|entry| entry.name.as_str()).filter(|name| COMMON.binary_search(name).is_err()).collect()
    }

    /// Marks `name` and everything below it (`name.…`) as known: for a parameter that is accepted
    /// and has no effect here.
    pub fn mark_known(&self, name: &str) {
        for entry in self.find(name).into_iter().chain(self.below(&format!("{name}."))) {
            self.marks[entry.mark].fetch_max(TAKEN, Ordering::Relaxed);
        }
    }

    fn find(&self, name: &str) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|entry| self.names.order(&entry.name, name)).ok()?;
        Some(&self.entries[at])
    }

    /// Finds `name` and marks it as known.
    fn take(&self, name: &str) -> Option<&str> {
        let entry = self.find(name)?;
        self.marks[entry.mark].store(READ, Ordering::Relaxed);
        Some(&entry.value)
    }

    /// The entries whose names begin with `prefix`.
    fn below(&self, prefix: &str) -> &[Entry] {
        let from = self.entries.partition_point(|entry| self.names.order(&entry.name, prefix).is_lt());
        let length = self.entries[from..].partition_point(|entry| self.names.begins(&entry.name, prefix));
        &self.entries[from..from + length]
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.iter().map(|entry| &entry.name)).finish()
    }
}

/// Collects parameters and enforces the limits of a request.
#[derive(Default)]
pub struct ParamsBuilder {
    entries: Vec<Entry>,
    names: Names,
    /// The marks of a view.
    shared: Option<Marks>,
}

impl ParamsBuilder {
    /// A builder of parameters whose names are compared so.
    pub fn of(names: Names) -> Self {
        Self { entries: Vec::new(), names, shared: None }
    }

    /// A builder of a view of some parameters of a request: what is read of it is read of the request.
    fn view(of: &Params, entries: &[Entry], names: Names) -> Self {
        Self { entries: entries.to_vec(), names, shared: Some(of.marks.clone()) }
    }

    /// Adds one parameter; `in_query` if the query string held it.
    ///
    /// # Errors
    /// An empty name, and the limits on count and lengths.
    pub fn push(&mut self, name: String, value: String, in_query: bool) -> Result<(), DecodeError> {
        if name.is_empty() {
            return Err(DecodeError::NoName);
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(DecodeError::NameSize(name.len()));
        }
        if value.len() > MAX_VALUE_BYTES {
            return Err(DecodeError::ValueSize { name, size: value.len() });
        }
        if self.entries.len() == MAX_PARAMS {
            return Err(DecodeError::TooMany);
        }
        if self.entries.is_empty() {
            self.entries.reserve(24);
        }
        self.entries.push(Entry { name, value, in_query, mark: self.entries.len() });
        Ok(())
    }

    /// Sorts and checks that no name has two values. One name sent twice with one value counts once.
    ///
    /// # Errors
    /// [`DecodeError::Conflict`].
    pub fn finish(mut self) -> Result<Params, DecodeError> {
        let (names, count) = (self.names, self.entries.len());
        let same = |a: &Entry, b: &Entry| names.order(&a.name, &b.name).is_eq();
        self.entries.sort_unstable_by(|a, b| names.order(&a.name, &b.name));
        if let Some(pair) =
            self.entries.windows(2).find(|pair| same(&pair[0], &pair[1]) && pair[0].value != pair[1].value)
        {
            return Err(DecodeError::Conflict(pair[0].name.clone()));
        }
        self.entries.dedup_by(|later, earlier| {
            let same = same(later, earlier);
            earlier.in_query |= same && later.in_query;
            same
        });
        let marks = self.shared.unwrap_or_else(|| (0..count).map(|_| AtomicU8::new(UNASKED)).collect());
        Ok(Params { entries: self.entries, marks, names, host: Box::default() })
    }
}

#[cfg(test)]
#[path = "params_tests.rs"]
mod tests;
