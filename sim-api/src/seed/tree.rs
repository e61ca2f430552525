//! The text of a seed as a tree of values that know where they stand, out of TOML or YAML.

use super::Fault;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle};
use serde_json::{Number, Value};
use std::borrow::Cow;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// How a seed is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// TOML.
    Toml,
    /// YAML 1.2 with its core schema, without anchors and tags; several documents are one after the other.
    Yaml,
}

impl Form {
    /// How an entry of a list begins, as a message shows it.
    pub fn entry_of(self, section: &str) -> String {
        match self {
            Form::Toml => format!("[[{section}]]"),
            Form::Yaml => {
                format!("{}: and below it - MEMBER: VALUE", section.rsplit('.').next().unwrap_or(section))
            }
        }
    }

    /// How a text member is written, as a message shows it.
    pub fn member(self, name: &str, value: &str) -> String {
        match self {
            Form::Toml => format!("{name} = \"{value}\""),
            Form::Yaml => format!("{name}: {value}"),
        }
    }
}

/// A value and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The byte at which it begins, or one of the same line, in the order of the text.
    pub at: usize,
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A text, number, truth or null.
    Leaf(Value),
    List(Vec<Node>),
    Table(Vec<(Key, Node)>),
}

/// The name of a member and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub at: usize,
    pub name: String,
}

impl Node {
    /// Its text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Leaf(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Its items, if it is a list.
    pub fn list(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    /// Its members, if it is a table.
    pub fn table(&self) -> Option<&[(Key, Node)]> {
        match &self.kind {
            Kind::Table(members) => Some(members),
            _ => None,
        }
    }
}

/// The line of a byte, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// The members of the outermost table, in the order of the text.
///
/// # Errors
/// The first place that does not read, with its line.
pub(super) fn read(text: &str, form: Form) -> Result<Vec<(Key, Node)>, Fault> {
    let mut members = match form {
        Form::Toml => of_toml(text)?,
        Form::Yaml => of_yaml(text)?,
    };
    // A table of TOML is sorted by name.
    members.sort_by_key(|(key, _)| key.at);
    Ok(members)
}

fn of_toml(text: &str) -> Result<Vec<(Key, Node)>, Fault> {
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        Fault { line: line_of(text, at), message: error.message().to_owned() }
    })?;
    members_of(text, table.get_ref())
}

fn members_of(text: &str, table: &DeTable<'_>) -> Result<Vec<(Key, Node)>, Fault> {
    let member = |(key, value): (&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
        Ok((Key { at: key.span().start, name: key.get_ref().to_string() }, node_of(text, value)?))
    };
    table.iter().map(member).collect()
}

fn node_of(text: &str, value: &Spanned<DeValue<'_>>) -> Result<Node, Fault> {
    let at = value.span().start;
    let leaf = |value: Option<Value>, what| match value {
        Some(value) => Ok(Kind::Leaf(value)),
        None => Err(no_value(line_of(text, at), what)),
    };
    let kind = match value.get_ref() {
        DeValue::String(text) => Kind::Leaf(Value::String(text.to_string())),
        DeValue::Boolean(truth) => Kind::Leaf(Value::Bool(*truth)),
        DeValue::Integer(number) => {
            let read = i64::from_str_radix(number.as_str(), number.radix()).ok();
            leaf(read.map(Value::from), "the number")?
        }
        DeValue::Float(number) => leaf(float(number.as_str()), "the number")?,
        DeValue::Datetime(_) => leaf(None, "a date without quotes")?,
        DeValue::Array(items) => {
            Kind::List(items.iter().map(|item| node_of(text, item)).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => Kind::Table(members_of(text, table)?),
    };
    Ok(Node { at, kind })
}

fn no_value(line: usize, what: &str) -> Fault {
    Fault { line, message: format!("{what} is no value of the native wire") }
}

/// A number with a fraction or an exponent; infinities and the like are none.
fn float(text: &str) -> Option<Value> {
    text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
}

/// How deep lists and tables of YAML may stand in each other. No body of the native wire comes near it.
const DEPTH: usize = 32;

/// A list or table of YAML that is not whole yet.
struct Open {
    at: usize,
    kind: Kind,
    /// The key whose value comes next.
    key: Option<Key>,
}

fn of_yaml(text: &str) -> Result<Vec<(Key, Node)>, Fault> {
    let starts: Vec<usize> = std::iter::once(0)
        .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1))
        .collect();
    // Characters are not more than bytes, so the place stays in its line.
    let place = |mark: &Marker| {
        starts.get(mark.line().saturating_sub(1)).map_or(text.len(), |start| start + mark.col())
    };
    let mut composer = Composer { open: Vec::new(), document: None };
    let mut members = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Fault {
            line: error.marker().line().max(1),
            message: error.info().to_owned(),
        })?;
        let fault = |message: String| Fault { line: span.start.line().max(1), message };
        composer.take(event, place(&span.start)).map_err(fault)?;
        match composer.document.take().map(|node| (node.at, node.kind)) {
            None | Some((_, Kind::Leaf(Value::Null))) => {}
            Some((_, Kind::Table(sections))) => members.extend(sections),
            Some((at, _)) => {
                let message = "a seed has sections; write the name of one, as in vpcs:".to_owned();
                return Err(Fault { line: line_of(text, at), message });
            }
        }
    }
    Ok(members)
}

/// Builds the tree out of the events of a parser.
struct Composer {
    open: Vec<Open>,
    /// What a document has, once it is whole.
    document: Option<Node>,
}

impl Composer {
    fn take(&mut self, event: Event<'_>, at: usize) -> Result<(), String> {
        let marked = |anchor: usize, tagged: bool| {
            if anchor > 0 || tagged {
                return Err(
                    "anchors and tags are not read; an entry is called by `as` and meant by \"@NAME\""
                        .to_owned(),
                );
            }
            Ok(())
        };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                marked(anchor, tag.is_some())?;
                let value =
                    if style == ScalarStyle::Plain { plain(&text)? } else { text.into_owned().into() };
                self.put(Node { at, kind: Kind::Leaf(value) })
            }
            Event::SequenceStart(anchor, tag) => {
                marked(anchor, tag.is_some())?;
                self.begin(at, Kind::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                marked(anchor, tag.is_some())?;
                self.begin(at, Kind::Table(Vec::new()))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { at, kind, .. } = self.open.pop().expect("the parser ends what it began");
                self.put(Node { at, kind })
            }
            Event::Alias(_) => marked(1, false),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(&mut self, at: usize, kind: Kind) -> Result<(), String> {
        if self.open.len() >= DEPTH {
            return Err(format!("lists and tables stand more than {DEPTH} deep in each other"));
        }
        if self.open.last().is_some_and(|open| matches!(open.kind, Kind::Table(_)) && open.key.is_none()) {
            return Err("the name of a member is a text".to_owned());
        }
        self.open.push(Open { at, kind, key: None });
        Ok(())
    }

    fn put(&mut self, node: Node) -> Result<(), String> {
        let Some(open) = self.open.last_mut() else {
            self.document = Some(node);
            return Ok(());
        };
        match (&mut open.kind, open.key.take()) {
            (Kind::Table(members), Some(key)) => {
                members.push((key, node));
            }
            (Kind::Table(members), None) => {
                let name = match node.kind {
                    Kind::Leaf(Value::String(name)) => name,
                    _ => return Err("the name of a member is a text".to_owned()),
                };
                if members.iter().any(|(other, _)| other.name == name) {
                    return Err(format!("{name} stands there twice"));
                }
                open.key = Some(Key { at: node.at, name });
            }
            (Kind::List(items), _) => items.push(node),
            (Kind::Leaf(_), _) => unreachable!("a leaf is never open"),
        }
        Ok(())
    }
}

/// A scalar without quotes, by the core schema of YAML 1.2 (chapter 10.3.2).
fn plain(text: &str) -> Result<Value, String> {
    let bad = || format!("{text} is no value of the native wire; put a text in quotes");
    let radix = |digits: &str, radix| i64::from_str_radix(digits, radix).map(Value::from).map_err(|_| bad());
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return radix(octal, 8);
    }
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return radix(hexadecimal, 16);
    }
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return radix(text, 10);
    }
    if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err(bad());
    }
    // The field after a fraction or an exponent: `1.5`, `1e3`, `.5`.
    let numeric = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b));
    match float(text).filter(|_| numeric) {
        Some(number) => Ok(number),
        None => Ok(Value::String(text.to_owned())),
    }
}
