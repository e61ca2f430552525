//! The description of one action, as read from its line of `data/actions.json`.

use serde::Deserialize;

/// One action of the provider wire.
#[derive(Debug)]
pub struct ActionSpec {
    /// The provider's product, such as `Vpc`.
    pub product: &'static str,
    /// The API version, such as `2016-04-28`.
    pub version: &'static str,
    /// The action, such as `CreateVpc`.
    pub name: &'static str,
    /// Whether it reads or writes; `None` where the publication does not say.
    pub kind: Option<ActionKind>,
    /// 1: what controllers and the first Terraform resources call; 2: what the rest of them call.
    pub tier: Option<u8>,
    /// The provider advises against it.
    pub deprecated: bool,
    /// Parameters in ascending order of their names, without those that every request may carry.
    pub params: Vec<Param>,
    /// The documented code for any missing parameter, where the action has one.
    pub(super) missing: Option<Code>,
    /// The documented code for any parameter that is not valid, where the action has one.
    pub(super) invalid: Option<Code>,
}

/// Whether an action changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    /// Changes nothing.
    Read,
    /// May change something.
    Write,
}

/// A parameter, a member of an object parameter, or the element of a list (then without a name).
#[derive(Debug)]
pub struct Param {
    /// The name on the wire, without index; empty for the element of a list.
    pub name: &'static str,
    /// What a value looks like.
    pub kind: Kind,
    /// The action, or the object that this is a member of, is refused without it.
    pub required: bool,
    /// The provider advises against it.
    pub deprecated: bool,
    /// The smallest number.
    pub min: Option<i64>,
    /// The largest number.
    pub max: Option<i64>,
    /// The only values, if not empty.
    pub one_of: Vec<&'static str>,
    /// Whether `one_of` is compared without regard to case.
    pub any_case: bool,
    /// What the service takes when the parameter is absent, in wire form. Not filled in by validation.
    pub default: Option<&'static str>,
    /// The most elements of a list.
    pub max_items: Option<u32>,
    /// The member of an object in a JSON array that a text alone stands for; absent if none does.
    pub text_is: Option<&'static str>,
    /// The documented codes of this parameter, where the action has some.
    pub(super) codes: Codes,
}

/// The form of a value on the wire.
#[derive(Debug)]
pub enum Kind {
    /// Any text. What it must look like is the core's business.
    Text,
    /// A decimal integer that fits in 32 bits.
    Int32,
    /// A decimal integer that fits in 64 bits.
    Int64,
    /// A decimal number.
    Number,
    /// `true` or `false` in any case: Go clients send `true`, Python ones `True`.
    Boolean,
    /// `Name.1`, `Name.2` and so on, or `Name.1.Member` if the elements are objects.
    List(Box<Param>),
    /// A JSON array in one value.
    JsonList(Box<Param>),
    /// `Name.Member`.
    Object(Vec<Param>),
    /// A JSON object in one value; some clients send its members as `Name.Member` instead.
    JsonObject(Vec<Param>),
}

/// An error code of the provider and its HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub &'static str, pub u16);

/// The codes of the mechanical rules, where the action documents them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Codes {
    pub missing: Option<Code>,
    pub malformed: Option<Code>,
    pub value: Option<Code>,
}

impl ActionSpec {
    /// The parameter of this name.
    pub fn param(&self, name: &str) -> Option<&Param> {
        find(&self.params, name)
    }

    pub(super) fn parse(
        product: &'static str,
        version: &'static str,
        name: &'static str,
        json: &'static str,
    ) -> Result<ActionSpec, serde_json::Error> {
        let raw: RawAction<'static> = serde_json::from_str(json)?;
        Ok(ActionSpec {
            product,
            version,
            name,
            kind: raw.kind,
            tier: raw.tier,
            deprecated: raw.deprecated,
            params: params(raw.params)?,
            missing: code(raw.codes.missing),
            invalid: code(raw.codes.invalid),
        })
    }
}

/// Binary search by name.
pub(super) fn find<'a>(params: &'a [Param], name: &str) -> Option<&'a Param> {
    params.binary_search_by(|param| param.name.cmp(name)).ok().map(|at| &params[at])
}

// What a line of the file looks like. Everything borrows from the file, which is part of the program.

type RawCode<'a> = (&'a str, u16);
type RawParams<'a> = std::collections::BTreeMap<&'a str, RawParam<'a>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAction<'a> {
    kind: Option<ActionKind>,
    tier: Option<u8>,
    #[serde(default)]
    deprecated: bool,
    #[serde(borrow, default)]
    codes: RawActionCodes<'a>,
    #[serde(borrow)]
    params: RawParams<'a>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawActionCodes<'a> {
    #[serde(borrow)]
    missing: Option<RawCode<'a>>,
    #[serde(borrow)]
    invalid: Option<RawCode<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawParam<'a> {
    Short(&'a str),
    #[serde(borrow)]
    Full(Box<RawFull<'a>>),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFull<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    deprecated: bool,
    #[serde(default)]
    any_case: bool,
    min: Option<i64>,
    max: Option<i64>,
    #[serde(borrow, default, rename = "enum")]
    one_of: Vec<&'a str>,
    default: Option<&'a str>,
    max_items: Option<u32>,
    text_is: Option<&'a str>,
    #[serde(borrow)]
    of: Option<RawParam<'a>>,
    #[serde(borrow, default)]
    fields: RawParams<'a>,
    #[serde(borrow, default)]
    codes: RawCodes<'a>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCodes<'a> {
    #[serde(borrow)]
    missing: Option<RawCode<'a>>,
    #[serde(borrow)]
    malformed: Option<RawCode<'a>>,
    #[serde(borrow)]
    value: Option<RawCode<'a>>,
}

fn code(raw: Option<RawCode<'static>>) -> Option<Code> {
    raw.map(|(code, status)| Code(code, status))
}

fn params(raw: RawParams<'static>) -> Result<Vec<Param>, serde_json::Error> {
    raw.into_iter().map(|(name, raw)| param(name, raw)).collect()
}

fn param(name: &'static str, raw: RawParam<'static>) -> Result<Param, serde_json::Error> {
    let raw = match raw {
        RawParam::Short(kind) => RawFull { kind, ..RawFull::default() },
        RawParam::Full(full) => *full,
    };
    let element = |of: Option<RawParam<'static>>| match of {
        Some(of) => param("", of).map(Box::new),
        None => Err(serde::de::Error::custom(format!("{name}: a list without `of`"))),
    };
    let kind = match raw.kind {
        "string" => Kind::Text,
        "int32" => Kind::Int32,
        "integer" => Kind::Int64,
        "number" => Kind::Number,
        "boolean" => Kind::Boolean,
        "list" => Kind::List(element(raw.of)?),
        "json_list" => Kind::JsonList(element(raw.of)?),
        "object" => Kind::Object(params(raw.fields)?),
        "json_object" => Kind::JsonObject(params(raw.fields)?),
        other => return Err(serde::de::Error::custom(format!("{name}: no such type {other:?}"))),
    };
    Ok(Param {
        name,
        kind,
        required: raw.required,
        deprecated: raw.deprecated,
        min: raw.min,
        max: raw.max,
        one_of: raw.one_of,
        any_case: raw.any_case,
        default: raw.default,
        max_items: raw.max_items,
        text_is: raw.text_is,
        codes: Codes {
            missing: code(raw.codes.missing),
            malformed: code(raw.codes.malformed),
            value: code(raw.codes.value),
        },
    })
}
