//! What an action wants done: a command and how to show its reply, or a look at the world.
//!
//! An action only decodes and encodes. It reads its parameters into a [`Plan`]; every rule is the core's.

use super::params::{MAX_LIST_INDEX, ParamError, Scope};
use crate::listing::{Found, Part, Rows, Sought, Walk};
use crate::seal::{Sealed, Secrets};
use serde_json::{Map, Value, json};
use sim_core::id::Id;
use sim_core::resource::Resource;
use sim_core::tag::{self, TagPair};
use sim_core::{Caller, Command, ErrorCode, Outcome, Refusal, Reply, World};
use std::ops::ControlFlow;

/// Looks at the world and answers.
pub type Look = Box<dyn FnOnce(&World, &Caller) -> Outcome<Value> + Send>;

/// Shows the reply to a command on the world as the command left it.
pub type Show = Box<dyn FnOnce(&World, &Caller, &Reply) -> Value + Send>;

/// Looks at the world slice by slice and answers with the last one.
pub type Slice = Box<dyn FnMut(&World, &Caller) -> ControlFlow<Outcome<Value>> + Send>;

/// What an action wants done.
pub enum Plan {
    /// Look at the world.
    Read(Look),
    /// Look at the world slice by slice.
    List(Slice),
    /// Carry out a command and show its reply on the world as the command left it.
    Write(Command, Show),
    /// Like [`Plan::Write`], with secrets that must be sealed before there is a command.
    Sealed(Secrets, Make, Show),
}

impl Plan {
    /// The same plan, refused if a look at the world before each slice refuses. Only for a list.
    pub fn checking(self, check: impl Fn(&World, &Caller) -> Outcome<()> + Send + 'static) -> Plan {
        let Plan::List(mut slice) = self else { return self };
        Plan::List(Box::new(move |w, caller| match check(w, caller) {
            Ok(()) => slice(w, caller),
            Err(refusal) => ControlFlow::Break(Err(refusal)),
        }))
    }

    /// The same plan, whose answer gets members that no row tells. Only for a list.
    pub fn adding(self, add: impl Fn(&Caller, &mut Value) + Send + 'static) -> Plan {
        let Plan::List(mut slice) = self else { return self };
        Plan::List(Box::new(move |w, caller| {
            let flow = slice(w, caller);
            if let ControlFlow::Break(Ok(mut answer)) = flow {
                add(caller, &mut answer);
                return ControlFlow::Break(Ok(answer));
            }
            flow
        }))
    }
}

/// Makes a command of the fingerprints of its secrets.
pub type Make = Box<dyn FnOnce(Sealed) -> Command + Send>;

/// Why parameters do not make a plan.
#[derive(Debug)]
pub enum BadParams {
    /// A parameter does not read.
    Param(ParamError),
    /// A value breaks a rule of the core.
    Rule(Refusal),
}

impl From<ParamError> for BadParams {
    fn from(error: ParamError) -> BadParams {
        BadParams::Param(error)
    }
}

impl From<Refusal> for BadParams {
    fn from(refusal: Refusal) -> BadParams {
        BadParams::Rule(refusal)
    }
}

/// The outcome of reading parameters.
pub type Planned = Result<Plan, BadParams>;

/// A plan that looks at the world.
pub fn read(look: impl FnOnce(&World, &Caller) -> Outcome<Value> + Send + 'static) -> Planned {
    Ok(Plan::Read(Box::new(look)))
}

/// A plan that shows a part of a list.
pub fn list<R: Resource>(
    rows: Rows<R>,
    part: Part<R::Key>,
    show: impl Fn(&World, &R) -> Value + Send + 'static,
    answer: impl Fn(Found<Value, R::Key>) -> Value + Send + 'static,
) -> Planned {
    let mut walk = Walk::new(rows, part, show);
    let slice = move |w: &World, caller: &Caller| match walk.step(w, caller) {
        ControlFlow::Continue(()) => ControlFlow::Continue(()),
        ControlFlow::Break(found) => ControlFlow::Break(found.map(&answer)),
    };
    Ok(Plan::List(Box::new(slice)))
}

/// A plan that carries out a command whose answer has members of its own.
pub fn write(
    command: impl Into<Command>,
    show: impl FnOnce(&World, &Caller, &Reply) -> Value + Send + 'static,
) -> Planned {
    Ok(Plan::Write(command.into(), Box::new(show)))
}

/// A plan that carries out a command in which secrets are replaced by their fingerprints.
pub fn write_sealed<C: Into<Command>>(
    secrets: Secrets,
    make: impl FnOnce(Sealed) -> C + Send + 'static,
    show: impl FnOnce(&World, &Caller, &Reply) -> Value + Send + 'static,
) -> Planned {
    if secrets.is_empty() {
        return write(make(Sealed::default()), show);
    }
    Ok(Plan::Sealed(secrets, Box::new(|sealed| make(sealed).into()), Box::new(show)))
}

/// A plan that carries out a command whose answer is the request's id alone.
pub fn done(command: impl Into<Command>) -> Planned {
    write(command, |_, _, _| json!({}))
}

/// A required id; one that does not parse is one that does not exist, as at the provider.
///
/// # Errors
/// A missing parameter, the kind's "no such object".
pub fn required_id<I: Id>(scope: &Scope<'_>, name: &str) -> Result<I, BadParams> {
    Ok(crate::rest::context::parse_id(scope.required(name)?)?)
}

/// An id that may be absent.
///
/// # Errors
/// The kind's "no such object" for a text that is no id.
pub fn optional_id<I: Id>(scope: &Scope<'_>, name: &str) -> Result<Option<I>, BadParams> {
    Ok(scope.str(name).map(crate::rest::context::parse_id).transpose()?)
}

/// An id to filter by: one that does not parse fits nothing.
pub fn sought<I: Id>(scope: &Scope<'_>, name: &str) -> Sought<I> {
    scope.str(name).map(|text| text.parse().ok())
}

/// A text to filter by.
pub fn text(scope: &Scope<'_>, name: &str) -> Option<String> {
    scope.str(name).map(str::to_owned)
}

/// The tags of a request: `Tag.N.Key` and `Tag.N.Value`, or the older `Tag.N.key` and `Tag.N.value`.
///
/// # Errors
/// More than the list may hold; those of [`pair`].
pub fn tags(scope: &Scope<'_>) -> Result<Vec<TagPair>, BadParams> {
    let read = |tag: Scope<'_>| pair(&tag, &["Key", "key"], &["Value", "value"]);
    scope.objects("Tag", MAX_LIST_INDEX as usize)?.into_iter().map(read).collect()
}

/// A tag under the spellings of its members. Both may be empty, which some clients send for none.
///
/// # Errors
/// [`ErrorCode::TagKeyMissing`] for a value alone, which no body of the native wire can hold.
pub fn pair(tag: &Scope<'_>, keys: &[&str], values: &[&str]) -> Result<TagPair, BadParams> {
    let (key, value) = (tag.first_of(keys).unwrap_or_default(), tag.first_of(values).unwrap_or_default());
    if key.is_empty() && !value.is_empty() {
        let field = format!("tags/{}/key", tag.number().unwrap_or(1) - 1);
        return Err(Refusal::new(ErrorCode::TagKeyMissing).field(field).accepted("a key such as env").into());
    }
    Ok(TagPair { key: key.into(), value: value.into() })
}

/// The tags of an object in an answer whose members are `Key` and `Value` (Vpc).
pub fn show_tags_key_value(w: &World, resource: impl Into<sim_core::id::AnyId>) -> Value {
    let tags: Vec<Value> = tag::of(w, resource).map(|t| json!({ "Key": t.key, "Value": t.value })).collect();
    json!({ "Tag": tags })
}

/// The tags of an object in an answer whose members are `TagKey` and `TagValue` (Ecs).
pub fn show_tags_tag_key(w: &World, resource: impl Into<sim_core::id::AnyId>) -> Value {
    let tags: Vec<Value> =
        tag::of(w, resource).map(|t| json!({ "TagKey": t.key, "TagValue": t.value })).collect();
    json!({ "Tag": tags })
}

/// Whether an object carries every tag of a filter; an empty value in the filter fits any value.
pub fn has_tags(w: &World, resource: impl Into<sim_core::id::AnyId>, wanted: &[TagPair]) -> bool {
    let resource = resource.into();
    wanted.iter().all(|want| {
        let row = w.get::<tag::Tag>(&(resource, want.key.clone()));
        row.is_some_and(|row| want.value.is_empty() || row.value == want.value)
    })
}

/// Which page of a list, by number.
#[derive(Clone, Copy, Debug)]
pub struct NumberedPage {
    /// The page, from 1.
    pub number: usize,
    /// The items on a page.
    pub size: usize,
}

impl NumberedPage {
    /// `PageNumber` and `PageSize`: 1 and 10 if absent; a size of at most `most`.
    ///
    /// # Errors
    /// Numbers out of range.
    pub fn read(scope: &Scope<'_>, most: i64) -> Result<NumberedPage, BadParams> {
        let number = scope.int("PageNumber", 1..=1_000_000_000)?.unwrap_or(1);
        let size = scope.int("PageSize", 1..=most)?.unwrap_or(10);
        Ok(NumberedPage { number: number as usize, size: size as usize })
    }

    /// A plan that answers with the page of a list: its items under `list.item`, with `TotalCount`, `PageNumber` and
    /// `PageSize`.
    ///
    /// # Errors
    /// None; the result is a plan.
    pub fn list<R: Resource>(
        self,
        rows: Rows<R>,
        list: &'static str,
        item: &'static str,
        show: impl Fn(&World, &R) -> Value + Send + 'static,
    ) -> Planned {
        self::list(rows, self.part(), show, move |found| self.answer(found.total, list, item, found.items))
    }

    /// The part of a list that is asked for.
    pub fn part<I>(self) -> Part<I> {
        let skip = (self.number as u64 - 1).saturating_mul(self.size as u64);
        Part { after: None, skip, size: self.size, count: true }
    }

    /// The answer with these items.
    pub fn answer(self, total: u64, list: &str, item: &str, shown: Vec<Value>) -> Value {
        let mut answer = Map::new();
        answer.insert("TotalCount".to_owned(), total.into());
        answer.insert("PageNumber".to_owned(), self.number.into());
        answer.insert("PageSize".to_owned(), self.size.into());
        answer.insert(list.to_owned(), json!({ item: shown }));
        Value::Object(answer)
    }

    /// The answer: the items of the page under `list.item`, with `TotalCount`, `PageNumber` and `PageSize`.
    pub fn show<R>(
        self,
        items: impl Iterator<Item = R>,
        list: &str,
        item: &str,
        show: impl Fn(R) -> Value,
    ) -> Value {
        let (from, to) = ((self.number - 1).saturating_mul(self.size), self.number.saturating_mul(self.size));
        let mut total = 0;
        let mut shown = Vec::new();
        for row in items {
            if (from..to).contains(&total) {
                shown.push(show(row));
            }
            total += 1;
        }
        self.answer(total as u64, list, item, shown)
    }
}
