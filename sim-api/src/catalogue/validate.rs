//! The mechanical check of a request: is everything there, does every value have its form and range?
//!
//! Order of the checks, which decides what is reported when several fail: missing parameters first, then values,
//! both in the byte order of the names. Empty values count as absent, because SDKs send them (`NextToken=`).
//! Names that no description has are no error: the real service ignores them. They are returned for a warning.

use crate::rpc::json::double_quoted;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use super::spec::{ActionSpec, Code, Codes, Kind, Param, find};

/// The highest number of a list element; the longest documented lists have 1000.
pub const MAX_LIST_INDEX: u32 = 1000;

/// Names that any request may carry, besides headers written as parameters (`x-acs-…`). `access_key_id` is no
/// documented name, but the load balancer requests of the Go SDK send it.
pub const COMMON: [&str; 18] = [
    "AccessKeyId",
    "Action",
    "BearerToken",
    "Format",
    "OwnerAccount",
    "OwnerId",
    "RegionId",
    "ResourceOwnerAccount",
    "ResourceOwnerId",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
    "access_key_id",
];

/// Which rule a parameter breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A required parameter is absent or empty.
    Missing,
    /// The text is not of the parameter's kind.
    Kind,
    /// A number outside its range.
    Range,
    /// A text that is none of the accepted ones.
    OneOf,
    /// More elements than a list may have.
    MaxItems,
    /// The number of a list element is 0, has leading zeros or is above `MAX_LIST_INDEX`.
    Index,
}

/// A request that the service refuses before it looks at any resource.
///
/// It holds no value of the request: a value may be a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The parameter by its full wire name, such as `Tag.2.Key`.
    pub param: String,
    /// The rule it breaks.
    pub rule: Rule,
    /// The provider's error code: the one documented for the action, else the public convention.
    pub code: String,
    /// The HTTP status documented with the code, else 400.
    pub status: u16,
    /// The message for the caller.
    pub message: String,
    /// What would pass, such as `an integer from 1 to 50`.
    pub accepted: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Violation {}

/// A parameter that the action does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownParam {
    /// Its full wire name.
    pub name: String,
    /// What was probably meant, if that is visible: `Name.1` for a list, or another spelling.
    pub hint: Option<String>,
}

impl ActionSpec {
    /// Checks the flat wire parameters of a request.
    ///
    /// # Errors
    /// The first rule that is broken, in the order described at the top of this file.
    pub fn validate(&self, values: &BTreeMap<String, String>) -> Result<Vec<UnknownParam>, Violation> {
        let pairs: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.validate_sorted(&pairs)
    }

    /// As [`ActionSpec::validate`], for borrowed names and values in ascending order of the names' bytes, each name
    /// once. A request that passes costs no allocation.
    pub fn validate_sorted(&self, values: &[(&str, &str)]) -> Result<Vec<UnknownParam>, Violation> {
        debug_assert!(values.is_sorted_by(|a, b| a.0 < b.0), "names come in order, each once");
        let check = Check { spec: self, values };
        for param in self.params.iter().filter(|param| param.required) {
            check.required(param, param.name, &param.codes)?;
        }
        // Only what was sent is looked at: an action may have a hundred parameters.
        let mut unknown = Vec::new();
        let mut checked = "";
        for (name, value) in values {
            let head = name.split_once('.').map_or(*name, |(head, _)| head);
            let Some(param) = find(&self.params, head) else {
                unknown.extend(self.unknown(name));
                continue;
            };
            if checked != head {
                check.value(param, param.name, &param.codes)?;
                checked = head;
                if head == *name {
                    unknown_inside(param, name, value, &mut unknown);
                }
            }
            if let Resolved::Unknown(hint) = resolve_kind(param, name, head.len()) {
                unknown.extend((!is_common(name)).then(|| UnknownParam { name: (*name).to_owned(), hint }));
            }
        }
        Ok(unknown)
    }

    /// Whether the action has a parameter of this name; `Name.N.Member` stands for a member of a list's elements.
    pub fn has(&self, name: &str) -> bool {
        let first = name.replace(".N.", ".1.");
        self.param(name).is_some() || matches!(resolve(&self.params, &first, 0), Resolved::Known)
    }

    /// The code and status that the action documents for a missing or an unacceptable parameter of this full wire name
    /// (`Tag.1.Key`); `None` if it documents neither for the parameter nor for all of them.
    pub fn documented_code(&self, path: &str, missing: bool) -> Option<Code> {
        let codes =
            self.param(path.split('.').next().unwrap_or(path)).map(|param| param.codes).unwrap_or_default();
        if missing {
            codes.missing.or(self.missing)
        } else {
            codes.value.or(codes.malformed).or(self.invalid)
        }
    }

    /// A name whose first part the description does not have; `None` if any request may carry it.
    fn unknown(&self, name: &str) -> Option<UnknownParam> {
        if is_common(name) {
            return None;
        }
        let head = name.split_once('.').map_or(name, |(head, _)| head);
        let similar = self.params.iter().find(|param| param.name.eq_ignore_ascii_case(head));
        let hint = similar.map(|param| format!("the name is {}", param.name));
        Some(UnknownParam { name: name.to_owned(), hint })
    }

    /// Every code of the mechanical check that the action documents.
    pub fn mechanical_codes(&self) -> impl Iterator<Item = &'static str> {
        let of_params = self.params.iter().flat_map(|p| [p.codes.missing, p.codes.malformed, p.codes.value]);
        of_params.chain([self.missing, self.invalid]).flatten().map(|Code(code, _)| code)
    }
}

/// Whether any request may carry a parameter of this name.
fn is_common(name: &str) -> bool {
    COMMON.binary_search(&name).is_ok()
        || name.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("x-acs-"))
}

struct Check<'a> {
    spec: &'a ActionSpec,
    /// In ascending order of the names.
    values: &'a [(&'a str, &'a str)],
}

impl Check<'_> {
    /// `path` is the full wire name of `param`; `codes` are those of the parameter at the top of the path.
    fn required(&self, param: &Param, path: &str, codes: &Codes) -> Result<(), Violation> {
        if !param.required || self.is_present(param, path) {
            return Ok(());
        }
        let (code, status) = match codes.missing.or(self.spec.missing) {
            Some(Code(code, status)) => (code.to_owned(), status),
            None => (format!("Missing{}", param.name), 400),
        };
        Err(Violation {
            param: path.to_owned(),
            rule: Rule::Missing,
            code,
            status,
            message: format!("{path} is mandatory for this action."),
            accepted: accepted(param, path),
        })
    }

    fn value(&self, param: &Param, path: &str, codes: &Codes) -> Result<(), Violation> {
        let text = self.get(path);
        if let Kind::Object(members) | Kind::JsonObject(members) = &param.kind {
            self.members(members, path, codes)?;
        }
        if let Kind::List(of) | Kind::JsonList(of) = &param.kind {
            self.elements(param, of, path, codes)?;
        }
        if text.is_empty() {
            return Ok(());
        }
        match broken_rule(param, text) {
            Some(rule) => Err(self.invalid(rule, path, accepted(param, path), codes)),
            None => Ok(()),
        }
    }

    /// An object that is present must have its required members; of the others only those sent are looked at.
    fn members(&self, members: &[Param], path: &str, codes: &Codes) -> Result<(), Violation> {
        let sent = self.below(path);
        if sent.is_empty() {
            return Ok(());
        }
        for member in members.iter().filter(|member| member.required) {
            self.required(member, &format!("{path}.{}", member.name), codes)?;
        }
        let mut checked = "";
        for (name, _) in sent {
            let path = part(name, path.len() + 1);
            if checked != path
                && let Some(member) = find(members, &path[path.rfind('.').map_or(0, |dot| dot + 1)..])
            {
                self.value(member, path, codes)?;
            }
            checked = path;
        }
        Ok(())
    }

    fn elements(&self, list: &Param, of: &Param, path: &str, codes: &Codes) -> Result<(), Violation> {
        // The names of one element follow each other: a dot sorts before every digit.
        let (mut count, mut last) = (0_u32, "");
        for (name, _) in self.below(path) {
            let element = part(name, path.len() + 1);
            let digits = &element[path.len() + 1..];
            if element == last || digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            let number = digits.parse().unwrap_or(u32::MAX);
            if digits.starts_with('0') || number > MAX_LIST_INDEX {
                let accepted = format!("element numbers from 1 to {MAX_LIST_INDEX} without leading zeros");
                return Err(self.invalid(Rule::Index, path, accepted, codes));
            }
            (count, last) = (count + 1, element);
        }
        if list.max_items.is_some_and(|max| count > max) {
            return Err(self.invalid(Rule::MaxItems, path, accepted(list, path), codes));
        }
        last = "";
        for (name, _) in self.below(path) {
            let element = part(name, path.len() + 1);
            if element != last && element.as_bytes().get(path.len() + 1).is_some_and(u8::is_ascii_digit) {
                self.value(of, element, codes)?;
            }
            last = element;
        }
        Ok(())
    }

    /// Whether anything is sent in the form that the parameter has; a list without a number is an unknown name.
    fn is_present(&self, param: &Param, path: &str) -> bool {
        let sent = |(_, value): &(&str, &str)| !value.is_empty();
        let numbered = |(name, _): &(&str, &str)| {
            name.as_bytes()[path.len() + 1..].first().is_some_and(u8::is_ascii_digit)
        };
        match &param.kind {
            Kind::List(_) => self.below(path).iter().any(|pair| numbered(pair) && sent(pair)),
            Kind::Object(_) => self.below(path).iter().any(sent),
            Kind::JsonList(_) | Kind::JsonObject(_) => {
                !self.get(path).is_empty() || self.below(path).iter().any(sent)
            }
            _ => !self.get(path).is_empty(),
        }
    }

    /// The value of `path`; empty if it was not sent.
    fn get(&self, path: &str) -> &str {
        self.values.binary_search_by(|(name, _)| (*name).cmp(path)).map_or("", |at| self.values[at].1)
    }

    /// The pairs whose names begin with `path.`.
    fn below(&self, path: &str) -> &[(&str, &str)] {
        let from = self.values.partition_point(|(name, _)| beside_children(name, path) == Ordering::Less);
        let length =
            self.values[from..].partition_point(|(name, _)| beside_children(name, path) == Ordering::Equal);
        &self.values[from..from + length]
    }

    fn invalid(&self, rule: Rule, path: &str, accepted: String, codes: &Codes) -> Violation {
        let own = match rule {
            Rule::Range | Rule::OneOf | Rule::MaxItems => codes.value.or(codes.malformed),
            Rule::Missing | Rule::Kind | Rule::Index => codes.malformed,
        };
        let Code(code, status) = own.or(self.spec.invalid).unwrap_or(Code("InvalidParameter", 400));
        Violation {
            param: path.to_owned(),
            rule,
            code: code.to_owned(),
            status,
            message: format!("The specified parameter \"{path}\" is not valid. It takes {accepted}."),
            accepted,
        }
    }
}

/// The name up to the end of the part that begins at `from`: `Tag.1` of `Tag.1.Key` from 4 on.
fn part(name: &str, from: usize) -> &str {
    name[from..].find('.').map_or(name, |dot| &name[..from + dot])
}

/// Where `name` lies in byte order: before the names `path.…`, among them (equal), or behind them.
fn beside_children(name: &str, path: &str) -> Ordering {
    let (name, path) = (name.as_bytes(), path.as_bytes());
    let shared = name.len().min(path.len());
    name[..shared].cmp(&path[..shared]).then_with(|| match name.get(path.len()) {
        None => Ordering::Less,
        Some(byte) => byte.cmp(&b'.'),
    })
}

/// The rule that a single, non-empty text breaks.
fn broken_rule(param: &Param, text: &str) -> Option<Rule> {
    let in_range = |number: i64| {
        let fits = param.min.is_none_or(|min| min <= number) && param.max.is_none_or(|max| number <= max);
        if fits { None } else { Some(Rule::Range) }
    };
    match &param.kind {
        Kind::Text if param.one_of.is_empty() => None,
        Kind::Text => {
            let same =
                |one: &&str| if param.any_case { one.eq_ignore_ascii_case(text) } else { *one == text };
            if param.one_of.iter().any(same) { None } else { Some(Rule::OneOf) }
        }
        Kind::Int32 => decimal(text)
            .and_then(|number| i32::try_from(number).ok())
            .map_or(Some(Rule::Kind), |number| in_range(number.into())),
        Kind::Int64 => decimal(text).map_or(Some(Rule::Kind), in_range),
        Kind::Number => broken_number(param, text),
        Kind::Boolean if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") => None,
        Kind::Boolean => Some(Rule::Kind),
        Kind::JsonList(of) => broken_json_list(param, of, text),
        Kind::JsonObject(members) => match serde_json::from_str(&double_quoted(text)) {
            Ok(serde_json::Value::Object(object)) => broken_json_members(members, &object),
            _ => Some(Rule::Kind),
        },
        // A plain value where a list or an object belongs is an unknown name, which the real service ignores.
        Kind::List(_) | Kind::Object(_) => None,
    }
}

/// Digits with an optional minus sign; `+5` and ` 5` are no numbers to the provider.
fn decimal(text: &str) -> Option<i64> {
    if text.starts_with('+') { None } else { text.parse().ok() }
}

fn broken_number(param: &Param, text: &str) -> Option<Rule> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    let Some(number) = text.parse::<f64>().ok().filter(|number| plain && number.is_finite()) else {
        return Some(Rule::Kind);
    };
    let above = param.min.is_none_or(|min| min as f64 <= number);
    let below = param.max.is_none_or(|max| number <= max as f64);
    if above && below { None } else { Some(Rule::Range) }
}

fn broken_json_list(list: &Param, of: &Param, text: &str) -> Option<Rule> {
    let Ok(serde_json::Value::Array(elements)) = serde_json::from_str(&double_quoted(text)) else {
        return Some(Rule::Kind);
    };
    if list.max_items.is_some_and(|max| elements.len() > max as usize) {
        return Some(Rule::MaxItems);
    }
    elements.iter().find_map(|element| broken_json(of, element))
}

/// Names of members are found in any case, as the provider's reader finds them.
fn broken_json_members(
    members: &[Param],
    object: &serde_json::Map<String, serde_json::Value>,
) -> Option<Rule> {
    let of = |member: &Param| object.iter().find(|(name, _)| name.eq_ignore_ascii_case(member.name));
    members.iter().find_map(|member| of(member).and_then(|(_, value)| broken_json(member, value)))
}

/// The names inside a parameter's JSON text that its description does not have, as they would be sent one by one:
/// `BackendServers.1.Bogus`. The text was found to be of the parameter's kind.
fn unknown_inside(param: &Param, name: &str, text: &str, found: &mut Vec<UnknownParam>) {
    let described = match &param.kind {
        Kind::JsonList(of) => matches!(&of.kind, Kind::Object(members) if !members.is_empty()),
        Kind::JsonObject(members) => !members.is_empty(),
        _ => false,
    };
    if described && let Ok(value) = serde_json::from_str(&double_quoted(text)) {
        unknown_members(param, name, &value, found);
    }
}

fn unknown_members(param: &Param, path: &str, value: &serde_json::Value, found: &mut Vec<UnknownParam>) {
    use serde_json::Value;
    match (&param.kind, value) {
        (Kind::List(of) | Kind::JsonList(of), Value::Array(elements)) => {
            for (at, element) in elements.iter().enumerate() {
                unknown_members(of, &format!("{path}.{}", at + 1), element, found);
            }
        }
        // An object without described members takes any.
        (Kind::Object(members) | Kind::JsonObject(members), Value::Object(object)) if !members.is_empty() => {
            for (name, value) in object {
                let path = format!("{path}.{name}");
                match members.iter().find(|member| member.name.eq_ignore_ascii_case(name)) {
                    Some(member) => unknown_members(member, &path, value, found),
                    None => found.push(UnknownParam { name: path, hint: None }),
                }
            }
        }
        _ => {}
    }
}

/// JSON values may be written as their text, and numbers and booleans stand for theirs. Null is absent.
fn broken_json(param: &Param, value: &serde_json::Value) -> Option<Rule> {
    use serde_json::Value;
    match (&param.kind, value) {
        (_, Value::Null) => None,
        (Kind::Object(_), Value::String(_)) if param.text_is.is_some() => None,
        (Kind::Object(members) | Kind::JsonObject(members), Value::Object(object)) => {
            broken_json_members(members, object)
        }
        (Kind::List(of) | Kind::JsonList(of), Value::Array(elements)) => {
            elements.iter().find_map(|element| broken_json(of, element))
        }
        (Kind::Object(_) | Kind::JsonObject(_) | Kind::List(_) | Kind::JsonList(_), _) => Some(Rule::Kind),
        (_, Value::Object(_) | Value::Array(_)) => Some(Rule::Kind),
        (_, Value::String(text)) if text.is_empty() => None,
        (_, Value::String(text)) => broken_rule(param, text),
        (_, Value::Number(number)) => broken_rule(param, &number.to_string()),
        (_, Value::Bool(truth)) => broken_rule(param, if *truth { "true" } else { "false" }),
    }
}

/// What a parameter takes, in words.
fn accepted(param: &Param, path: &str) -> String {
    let range = match (param.min, param.max) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        (Some(min), None) => format!(" of at least {min}"),
        (None, Some(max)) => format!(" of at most {max}"),
        (None, None) => String::new(),
    };
    let most = param.max_items.map(|max| format!(" of at most {max} elements")).unwrap_or_default();
    match &param.kind {
        Kind::Text if param.one_of.is_empty() => "a text that is not empty".to_owned(),
        Kind::Text => format!("one of {}", param.one_of.join(", ")),
        Kind::Int32 if range.is_empty() => format!("an integer from {} to {}", i32::MIN, i32::MAX),
        Kind::Int32 | Kind::Int64 => format!("an integer{range}"),
        Kind::Number => format!("a decimal number{range}"),
        Kind::Boolean => "true or false".to_owned(),
        Kind::List(of) => match &of.kind {
            Kind::Object(members) if !members.is_empty() => {
                format!(
                    "a list{most}, sent as {path}.1.{member}, {path}.2.{member}",
                    member = members[0].name
                )
            }
            _ => format!("a list{most}, sent as {path}.1, {path}.2"),
        },
        Kind::JsonList(of) => {
            let example = match &of.kind {
                // Clients know a list of objects by the member that names what it is of.
                Kind::Object(members) => {
                    let id = members.iter().find(|member| member.name.ends_with("Id"));
                    format!(r#"[{{"{}":"value"}}]"#, id.map_or("Name", |member| member.name))
                }
                _ => r#"["a","b"]"#.to_owned(),
            };
            format!("a JSON array{most}, for example {example}")
        }
        Kind::Object(members) => {
            let names: Vec<String> = members.iter().map(|member| format!("{path}.{}", member.name)).collect();
            format!("an object, sent as {}", names.join(", "))
        }
        Kind::JsonObject(_) => "a JSON object".to_owned(),
    }
}

enum Resolved {
    Known,
    Unknown(Option<String>),
}

/// Follows a wire name through the description, from the byte `from` on.
fn resolve(params: &[Param], name: &str, from: usize) -> Resolved {
    let end = name[from..].find('.').map_or(name.len(), |dot| from + dot);
    let head = &name[from..end];
    let Some(param) = find(params, head) else {
        let similar = params.iter().find(|param| param.name.eq_ignore_ascii_case(head));
        return Resolved::Unknown(
            similar.map(|param| format!("the name is {}{}", &name[..from], param.name)),
        );
    };
    resolve_kind(param, name, end)
}

/// As [`resolve`], for the names of members inside a JSON text.
fn resolve_any_case(members: &[Param], name: &str, from: usize) -> Resolved {
    let end = name[from..].find('.').map_or(name.len(), |dot| from + dot);
    match members.iter().find(|member| member.name.eq_ignore_ascii_case(&name[from..end])) {
        Some(member) => resolve_kind(member, name, end),
        None => Resolved::Unknown(None),
    }
}

/// As [`resolve`], behind the part of the name that ends at `end` and means `param`.
fn resolve_kind(param: &Param, name: &str, end: usize) -> Resolved {
    let path = &name[..end];
    let unknown = || Resolved::Unknown(Some(format!("{path} takes {}", accepted(param, path))));
    let more = end < name.len();
    match &param.kind {
        Kind::List(of) | Kind::JsonList(of) if more => {
            let from = end + 1;
            let to = name[from..].find('.').map_or(name.len(), |dot| from + dot);
            let number = &name[from..to];
            if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return unknown();
            }
            match (&param.kind, &of.kind) {
                (Kind::JsonList(_), Kind::Object(members)) if to < name.len() && !members.is_empty() => {
                    resolve_any_case(members, name, to + 1)
                }
                _ => resolve_kind(of, name, to),
            }
        }
        // An object without described members takes any.
        Kind::Object(members) | Kind::JsonObject(members) if more && members.is_empty() => Resolved::Known,
        // A body in JSON brings what is else a text; its names are found in any case, as inside one.
        Kind::JsonObject(members) if more => resolve_any_case(members, name, end + 1),
        Kind::Object(members) | Kind::JsonObject(members) if more => resolve(members, name, end + 1),
        Kind::Object(_) if param.text_is.is_some() => Resolved::Known,
        Kind::List(_) | Kind::Object(_) => unknown(),
        _ if more => Resolved::Unknown(Some(format!("{path} takes a single value, sent as {path}"))),
        _ => Resolved::Known,
    }
}
