//! The text of a seed, as the requests that it stands for.

use super::Fault;
use super::tree::{self, Form, Key, Kind, Node, line_of};
use axum::http::Method;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

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
pub(super) fn parse(text: &str, form: Form) -> Result<Vec<Entry>, Fault> {
    let mut reader = Reader { text, form, account: None, region: None, found: Vec::new() };
    for (key, value) in &tree::read(text, form)? {
        match (key.name.as_str(), &value.kind) {
            ("account", _) => reader.account = Some(reader.account_of(value)?),
            ("region", _) => reader.region = Some(reader.text_of("region", value)?),
            ("calls", Kind::List(items)) => {
                for item in items {
                    reader.call(item)?;
                }
            }
            (section, Kind::List(items)) if makers().collections.contains(section) => {
                for item in items {
                    reader.object(section, item)?;
                }
            }
            (section, _) if makers().collections.contains(section) || section == "calls" => {
                let message = format!("{section} is a list of entries; write {}", form.entry_of(section));
                return Err(reader.fault(key.at, message));
            }
            (section, _) => {
                let known: Vec<&str> = makers().collections.iter().map(String::as_str).collect();
                return Err(reader.fault(
                    key.at,
                    format!("there is no section {section:?}; there are calls, {}", known.join(", ")),
                ));
            }
        }
    }
    Ok(reader.in_order())
}

/// The members of a table.
type Table<'t> = &'t [(Key, Node)];

/// Requests with the place where each begins.
struct Reader<'a> {
    text: &'a str,
    form: Form,
    account: Option<String>,
    region: Option<String>,
    found: Vec<(usize, Entry)>,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        line_of(self.text, at)
    }

    fn fault(&self, at: usize, message: String) -> Fault {
        Fault { line: self.line(at), message }
    }

    fn text_of(&self, name: &str, value: &Node) -> Result<String, Fault> {
        let text = value.text().map(str::to_owned);
        text.ok_or_else(|| self.fault(value.at, format!("{name} is a text in quotes")))
    }

    /// An account: its digits, in quotes or not.
    fn account_of(&self, value: &Node) -> Result<String, Fault> {
        let text = match &value.kind {
            Kind::Leaf(Value::Number(number)) => Some(number.to_string()),
            _ => value.text().map(str::to_owned),
        };
        let account = text.filter(|text| text.parse::<u64>().is_ok());
        account.ok_or_else(|| self.fault(value.at, "account is a number such as 1000000000000001".to_owned()))
    }

    /// The table of an entry, and an entry with what all have.
    fn begin<'t>(&self, section: &str, item: &'t Node) -> Result<(Table<'t>, Entry), Fault> {
        let Some(table) = item.table() else {
            let message = format!("an entry of {section} is a table; write {}", self.form.entry_of(section));
            return Err(self.fault(item.at, message));
        };
        let mut entry = Entry {
            line: self.line(item.at),
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
        for (key, value) in table {
            match key.name.as_str() {
                "as" => entry.name = Some(self.text_of("as", value)?),
                "account" => entry.account = Some(self.account_of(value)?),
                "region" => entry.region = Some(self.text_of("region", value)?),
                _ => {}
            }
        }
        Ok((table, entry))
    }

    /// An entry of a collection, and what stands under it.
    fn object(&mut self, section: &str, item: &Node) -> Result<(), Fault> {
        let (table, mut entry) = self.begin(section, item)?;
        let (account, region) = (entry.account.clone(), entry.region.clone());
        entry.path = format!("/v1/{section}");
        let own = &makers().members[section];
        let mut body = Map::new();
        let mut nested = Vec::new();
        for (key, value) in table {
            let name = key.name.as_str();
            let takes = makers().nested.get(&(section.to_owned(), name.to_owned()));
            match takes {
                _ if OWN_KEYS.contains(&name) && !own.contains(name) => {}
                Some(takes_body) if !own.contains(name) => nested.push((key, value, *takes_body)),
                _ => self.member(&mut entry, &mut body, key, value),
            }
        }
        if entry.name.is_none() {
            entry.name = body.get("name").and_then(Value::as_str).map(str::to_owned);
        }
        entry.body = Some(Value::Object(body));
        let parent = self.found.len();
        self.found.push((item.at, entry));
        for (key, value, takes_body) in nested {
            let name = &key.name;
            let section = format!("{section}.{name}");
            let Some(items) = value.list() else {
                let message = format!("{name} is a list of entries; write {}", self.form.entry_of(&section));
                return Err(self.fault(key.at, message));
            };
            for item in items {
                let (table, mut entry) = self.begin(&section, item)?;
                // What stands under an object is its owner's.
                (entry.account, entry.region) = (account.clone(), region.clone());
                entry.path = format!("{}/{{}}/{name}", self.found[parent].1.path);
                entry.parent = Some(parent);
                let body = self.body_of(&mut entry, table, &["as"]);
                entry.body = takes_body.then_some(body);
                self.found.push((item.at, entry));
            }
        }
        Ok(())
    }

    /// An entry of `[[calls]]`: any other request.
    fn call(&mut self, item: &Node) -> Result<(), Fault> {
        let (table, mut entry) = self.begin("calls", item)?;
        let mut called = None;
        for (key, value) in table {
            match key.name.as_str() {
                "call" => called = Some((key.at, self.text_of("call", value)?)),
                "body" => {
                    let Some(table) = value.table() else {
                        return Err(self.fault(value.at, "body is a table".to_owned()));
                    };
                    let body = self.body_of(&mut entry, table, &[]);
                    entry.body = Some(body);
                }
                name if OWN_KEYS.contains(&name) => {}
                name => {
                    let message = format!("a call has no {name:?}; it has call, body, as, account, region");
                    return Err(self.fault(key.at, message));
                }
            }
        }
        let Some((at, text)) = called else {
            let example = self.form.member("call", "PUT /v1/eips/@ip/binding");
            return Err(self.fault(item.at, format!("a call names its request, as in {example}")));
        };
        entry.lines.insert("/call".to_owned(), self.line(at));
        (entry.method, entry.path) = self.request(at, &text)?;
        self.found.push((item.at, entry));
        Ok(())
    }

    /// The method and path of a call.
    fn request(&self, at: usize, text: &str) -> Result<(Method, String), Fault> {
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
                Ok((method, path.to_owned()))
            }
            _ => {
                let message = format!(
                    "{text:?} is no request; write POST, PUT, PATCH or DELETE and a path, as in PUT /v1/eips/@ip/binding"
                );
                Err(self.fault(at, message))
            }
        }
    }

    fn body_of(&self, entry: &mut Entry, table: &[(Key, Node)], without: &[&str]) -> Value {
        let mut body = Map::new();
        for (key, value) in table.iter().filter(|(key, _)| !without.contains(&key.name.as_str())) {
            self.member(entry, &mut body, key, value);
        }
        Value::Object(body)
    }

    fn member(&self, entry: &mut Entry, body: &mut Map<String, Value>, key: &Key, value: &Node) {
        let pointer = format!("/{}", key.name);
        entry.lines.insert(pointer.clone(), self.line(key.at));
        body.insert(key.name.clone(), self.json(entry, &pointer, value));
    }

    /// A value as JSON, with the lines of its members.
    fn json(&self, entry: &mut Entry, pointer: &str, value: &Node) -> Value {
        match &value.kind {
            Kind::Leaf(leaf) => leaf.clone(),
            Kind::List(items) => {
                let mut list = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let pointer = format!("{pointer}/{index}");
                    entry.lines.insert(pointer.clone(), self.line(item.at));
                    list.push(self.json(entry, &pointer, item));
                }
                Value::Array(list)
            }
            Kind::Table(members) => {
                let mut object = Map::new();
                for (key, item) in members {
                    let pointer = format!("{pointer}/{}", key.name);
                    entry.lines.insert(pointer.clone(), self.line(key.at));
                    object.insert(key.name.clone(), self.json(entry, &pointer, item));
                }
                Value::Object(object)
            }
        }
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
