//! The text of a seed, as the requests that it stands for.

use super::Fault;
use axum::http::Method;
use serde_json::{Map, Number, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One request of a seed.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Where it begins, from 1.
    pub line: usize,
    /// What others call it: `as`, else the `name` of what it makes.
    pub name: Option<String>,
    /// How it is sent.
    pub method: Method,
    /// Where to; `@NAME` segments are references, `{}` is the id of its parent.
    path: String,
    /// The section that it stands in.
    section: String,
    /// The entry that it stands under.
    pub parent: Option<usize>,
    /// Whose it is.
    pub account: Option<String>,
    /// Where it is.
    pub region: Option<String>,
    /// What is sent; nothing where the operation takes no body.
    pub body: Option<Value>,
    /// The line of each member of the body, by JSON Pointer.
    lines: BTreeMap<String, usize>,
}

impl Entry {
    /// Its path, with references replaced. `resolve` is given `None` for the id of the parent.
    pub fn path_with(
        &self,
        resolve: impl Fn(Option<&str>) -> Result<String, String>,
    ) -> Result<String, Fault> {
        let segment = |text: &str| match (text, text.strip_prefix('@')) {
            ("{}", _) => resolve(None),
            (_, Some(reference)) => resolve(Some(reference)),
            _ => Ok(text.to_owned()),
        };
        let segments: Result<Vec<String>, String> = self.path.split('/').map(segment).collect();
        Ok(segments.map_err(|message| Fault { line: self.line_of("/call"), message })?.join("/"))
    }

    /// The line of a member of the body: of the member itself, or of the nearest that holds it.
    pub fn line_of(&self, pointer: &str) -> usize {
        let mut pointer = pointer;
        loop {
            if let Some(line) = self.lines.get(pointer) {
                return *line;
            }
            match pointer.rsplit_once('/') {
                Some((outer, _)) => pointer = outer,
                None => return self.line,
            }
        }
    }

    /// How a message calls it.
    pub fn title(&self) -> String {
        match &self.name {
            Some(name) => format!("{} {name:?}", self.section),
            None => self.section.clone(),
        }
    }

    /// The request as the file has it.
    pub fn request(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What the native wire can make: from its OpenAPI document.
struct Makers {
    /// The collections that take a POST.
    collections: BTreeSet<String>,
    /// What takes a POST under one object of a collection, and whether with a body.
    nested: BTreeMap<(String, String), bool>,
    /// The members of the body that makes an object of a collection.
    members: BTreeMap<String, BTreeSet<String>>,
}

/// What is not content of a world, and would outlive a seed that fails.
const OUTSIDE: [&str; 2] = ["worlds", "faults"];

fn makers() -> &'static Makers {
    static MAKERS: OnceLock<Makers> = OnceLock::new();
    MAKERS.get_or_init(|| {
        let document: Value =
            serde_json::from_slice(&crate::openapi::text()).expect("the document of the native wire reads");
        let mut makers =
            Makers { collections: BTreeSet::new(), nested: BTreeMap::new(), members: BTreeMap::new() };
        for (path, operations) in document["paths"].as_object().into_iter().flatten() {
            let post = &operations["post"];
            let body = post["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
            let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
            match parts[..] {
                _ if post.is_null() || OUTSIDE.contains(&parts[0]) => {}
                [collection] if !post["responses"]["201"].is_null() => {
                    makers.collections.insert(collection.to_owned());
                    let schema = body.and_then(|name| document.pointer(name.trim_start_matches('#')));
                    let members = schema.and_then(|schema| schema["properties"].as_object());
                    let members = members.into_iter().flatten().map(|(name, _)| name.clone()).collect();
                    makers.members.insert(collection.to_owned(), members);
                }
                [collection, id, action] if id.starts_with('{') => {
                    makers.nested.insert((collection.to_owned(), action.to_owned()), body.is_some());
                }
                _ => {}
            }
        }
        makers
    })
}

/// The settings of an entry beside the body.
const OWN_KEYS: [&str; 3] = ["as", "account", "region"];

/// Reads the text of a seed: its requests, in the order of the file.
///
/// # Errors
/// The first mistake, with its line.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, Fault> {
    let mut reader = Reader { text, account: None, region: None, found: Vec::new() };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        reader.fault(at, error.message().to_owned())
    })?;
    // Sections in the order of the file; the table is sorted by name.
    let mut sections: Vec<_> = table.get_ref().iter().collect();
    sections.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in sections {
        let at = key.span().start;
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("account", _) => reader.account = Some(reader.account_of(value)?),
            ("region", _) => reader.region = Some(reader.text_of("region", value)?),
            ("calls", DeValue::Array(items)) => {
                for item in items.iter() {
                    reader.call(item)?;
                }
            }
            (section, DeValue::Array(items)) if makers().collections.contains(section) => {
                for item in items.iter() {
                    reader.object(section, item)?;
                }
            }
            (section, _) if makers().collections.contains(section) || section == "calls" => {
                return Err(reader.fault(at, format!("{section} is a list of entries; write [[{section}]]")));
            }
            (section, _) => {
                let known: Vec<&str> = makers().collections.iter().map(String::as_str).collect();
                return Err(reader.fault(
                    at,
                    format!("there is no section {section:?}; there are calls, {}", known.join(", ")),
                ));
            }
        }
    }
    Ok(reader.in_order())
}

/// Requests with the place where each begins.
struct Reader<'a> {
    text: &'a str,
    account: Option<String>,
    region: Option<String>,
    found: Vec<(usize, Entry)>,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.as_bytes()[..at.min(self.text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
    }

    fn fault(&self, at: usize, message: String) -> Fault {
        Fault { line: self.line(at), message }
    }

    fn text_of(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Result<String, Fault> {
        let text = value.get_ref().as_str().map(str::to_owned);
        text.ok_or_else(|| self.fault(value.span().start, format!("{name} is a text in quotes")))
    }

    /// An account: its digits, in quotes or not.
    fn account_of(&self, value: &Spanned<DeValue<'_>>) -> Result<String, Fault> {
        let text = match value.get_ref() {
            DeValue::Integer(digits) => Some(digits.as_str().to_owned()),
            other => other.as_str().map(str::to_owned),
        };
        let account = text.filter(|text| text.parse::<u64>().is_ok());
        account.ok_or_else(|| {
            self.fault(value.span().start, "account is a number such as 1000000000000001".to_owned())
        })
    }

    /// The table of an entry, and an entry with what all have.
    fn begin<'t, 'v>(
        &self,
        section: &str,
        item: &'t Spanned<DeValue<'v>>,
    ) -> Result<(&'t DeTable<'v>, Entry), Fault> {
        let at = item.span().start;
        let Some(table) = item.get_ref().as_table() else {
            return Err(self.fault(at, format!("an entry of {section} is a table; write [[{section}]]")));
        };
        let mut entry = Entry {
            line: self.line(at),
            name: None,
            method: Method::POST,
            path: String::new(),
            section: section.to_owned(),
            parent: None,
            account: self.account.clone(),
            region: self.region.clone(),
            body: None,
            lines: BTreeMap::new(),
        };
        for (key, value) in table.iter() {
            match key.get_ref().as_ref() {
                "as" => entry.name = Some(self.text_of("as", value)?),
                "account" => entry.account = Some(self.account_of(value)?),
                "region" => entry.region = Some(self.text_of("region", value)?),
                _ => {}
            }
        }
        Ok((table, entry))
    }

    /// An entry of a collection, and what stands under it.
    fn object(&mut self, section: &str, item: &Spanned<DeValue<'_>>) -> Result<(), Fault> {
        let (table, mut entry) = self.begin(section, item)?;
        let (account, region) = (entry.account.clone(), entry.region.clone());
        entry.path = format!("/v1/{section}");
        let own = &makers().members[section];
        let mut body = Map::new();
        let mut nested = Vec::new();
        for (key, value) in table.iter() {
            let name: &str = key.get_ref();
            let takes = makers().nested.get(&(section.to_owned(), name.to_owned()));
            match takes {
                _ if OWN_KEYS.contains(&name) && !own.contains(name) => {}
                Some(takes_body) if !own.contains(name) => nested.push((key, value, *takes_body)),
                _ => self.member(&mut entry, &mut body, key, value)?,
            }
        }
        if entry.name.is_none() {
            entry.name = body.get("name").and_then(Value::as_str).map(str::to_owned);
        }
        entry.body = Some(Value::Object(body));
        let parent = self.found.len();
        self.found.push((item.span().start, entry));
        for (key, value, takes_body) in nested {
            let name: &str = key.get_ref();
            let Some(items) = value.get_ref().as_array() else {
                let message = format!("{name} is a list of entries; write [[{section}.{name}]]");
                return Err(self.fault(key.span().start, message));
            };
            for item in items.iter() {
                let (table, mut entry) = self.begin(&format!("{section}.{name}"), item)?;
                // What stands under an object is its owner's.
                (entry.account, entry.region) = (account.clone(), region.clone());
                entry.path = format!("/v1/{section}/{{}}/{name}");
                entry.parent = Some(parent);
                let body = self.body_of(&mut entry, table, &["as"])?;
                entry.body = takes_body.then_some(body);
                self.found.push((item.span().start, entry));
            }
        }
        Ok(())
    }

    /// An entry of `[[calls]]`: any other request.
    fn call(&mut self, item: &Spanned<DeValue<'_>>) -> Result<(), Fault> {
        let (table, mut entry) = self.begin("calls", item)?;
        let mut called = None;
        for (key, value) in table.iter() {
            match key.get_ref().as_ref() {
                "call" => called = Some((key.span().start, self.text_of("call", value)?)),
                "body" => {
                    let Some(table) = value.get_ref().as_table() else {
                        return Err(self.fault(value.span().start, "body is a table".to_owned()));
                    };
                    let body = self.body_of(&mut entry, table, &[])?;
                    entry.body = Some(body);
                }
                name if OWN_KEYS.contains(&name) => {}
                name => {
                    let message = format!("a call has no {name:?}; it has call, body, as, account, region");
                    return Err(self.fault(key.span().start, message));
                }
            }
        }
        let Some((at, text)) = called else {
            let message = "a call names its request, as in call = \"PUT /v1/eips/@ip/binding\"";
            return Err(self.fault(item.span().start, message.to_owned()));
        };
        entry.lines.insert("/call".to_owned(), self.line(at));
        let method = |word: &str| {
            [Method::POST, Method::PUT, Method::PATCH, Method::DELETE]
                .into_iter()
                .find(|m| m.as_str() == word)
        };
        let request = text.split_once(' ').and_then(|(word, path)| Some((method(word)?, path)));
        match request {
            Some((method, path)) if path.starts_with("/v1/") => {
                if let Some(outside) = OUTSIDE.iter().find(|one| path[4..].starts_with(**one)) {
                    let message =
                        format!("{outside} are no content of a world, so a seed does not make them");
                    return Err(self.fault(at, message));
                }
                (entry.method, entry.path) = (method, path.to_owned());
            }
            _ => {
                let message = format!(
                    "{text:?} is no request; write POST, PUT, PATCH or DELETE and a path, as in PUT /v1/eips/@ip/binding"
                );
                return Err(self.fault(at, message));
            }
        }
        self.found.push((item.span().start, entry));
        Ok(())
    }

    fn body_of(&self, entry: &mut Entry, table: &DeTable<'_>, without: &[&str]) -> Result<Value, Fault> {
        let mut body = Map::new();
        for (key, value) in table.iter().filter(|(key, _)| !without.contains(&key.get_ref().as_ref())) {
            self.member(entry, &mut body, key, value)?;
        }
        Ok(Value::Object(body))
    }

    fn member(
        &self,
        entry: &mut Entry,
        body: &mut Map<String, Value>,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), Fault> {
        let name: &str = key.get_ref();
        let pointer = format!("/{name}");
        entry.lines.insert(pointer.clone(), self.line(key.span().start));
        body.insert(name.to_owned(), self.json(entry, &pointer, value)?);
        Ok(())
    }

    /// A value as JSON, with the lines of its members.
    fn json(&self, entry: &mut Entry, pointer: &str, value: &Spanned<DeValue<'_>>) -> Result<Value, Fault> {
        let at = value.span().start;
        let bad = |what: &str| self.fault(at, format!("{what} is no value of the native wire"));
        Ok(match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(truth) => Value::Bool(*truth),
            DeValue::Integer(number) => {
                let read = i64::from_str_radix(number.as_str(), number.radix());
                Value::Number(read.map_err(|_| bad("the number"))?.into())
            }
            DeValue::Float(number) => {
                let read = number.as_str().parse::<f64>().ok().and_then(Number::from_f64);
                Value::Number(read.ok_or_else(|| bad("the number"))?)
            }
            DeValue::Datetime(_) => return Err(bad("a date without quotes")),
            DeValue::Array(items) => {
                let mut list = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let pointer = format!("{pointer}/{index}");
                    entry.lines.insert(pointer.clone(), self.line(item.span().start));
                    list.push(self.json(entry, &pointer, item)?);
                }
                Value::Array(list)
            }
            DeValue::Table(table) => {
                let mut object = Map::new();
                for (key, item) in table.iter() {
                    let pointer = format!("{pointer}/{}", key.get_ref());
                    entry.lines.insert(pointer.clone(), self.line(key.span().start));
                    object.insert(key.get_ref().to_string(), self.json(entry, &pointer, item)?);
                }
                Value::Object(object)
            }
        })
    }

    /// The requests in the order of the file. What stands under an object stands behind it, so no parent moves behind
    /// its child.
    fn in_order(self) -> Vec<Entry> {
        let mut order: Vec<usize> = (0..self.found.len()).collect();
        order.sort_by_key(|&number| self.found[number].0);
        let mut places = vec![0; order.len()];
        for (place, &number) in order.iter().enumerate() {
            places[number] = place;
        }
        let mut found: Vec<Option<Entry>> = self.found.into_iter().map(|(_, entry)| Some(entry)).collect();
        let take = |number: usize| {
            let mut entry = found[number].take().expect("each number comes once");
            entry.parent = entry.parent.map(|parent| places[parent]);
            entry
        };
        order.into_iter().map(take).collect()
    }
}
