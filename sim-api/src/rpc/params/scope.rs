//! Single values: text, truth values, numbers, choices; and what is said when one does not fit.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use super::Params;
use crate::rpc::error::ProviderError;
use sim_core::ecs::ram_role::RoleSession;

/// A view of the parameters: the whole request, or one object in it (`Tag.1`).
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    pub(super) params: &'a Params,
    /// What stands before a name: empty, or `Tag.1.`.
    pub(super) prefix: Cow<'a, str>,
    /// Number of the object in its list, from 1; 0 outside of a list.
    pub(super) number: u32,
    pub(super) asked: &'a Asked,
}

/// What an action is told beside its parameters: who asks, and whom.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Whether the service speaks TLS.
    pub tls: bool,
    /// The role that the caller's keys are of; absent for the account itself.
    pub role: Option<RoleSession>,
}

/// The account itself asks, in the clear.
static PLAINLY: Asked = Asked { tls: false, role: None };

impl<'a> Scope<'a> {
    pub(super) fn root(params: &'a Params) -> Self {
        Self { params, prefix: Cow::Borrowed(""), number: 0, asked: &PLAINLY }
    }

    /// The same view for whoever asks.
    #[must_use]
    pub fn of_asked(self, asked: &'a Asked) -> Self {
        Self { asked, ..self }
    }

    /// Who asks, and whom.
    pub fn asked(&self) -> &'a Asked {
        self.asked
    }

    /// The full name of a parameter of this view: `Tag.1.Key` for `Key`.
    pub fn full_name<'n>(&self, name: &'n str) -> Cow<'n, str> {
        if self.prefix.is_empty() {
            Cow::Borrowed(name)
        } else {
            Cow::Owned(format!("{}{name}", self.prefix))
        }
    }

    /// The host that the request was addressed to, with its port; empty if that is not known.
    pub fn host(&self) -> &'a str {
        &self.params.host
    }

    /// Number of this object in its list, from 1; `None` for a view that is no list item.
    pub fn number(&self) -> Option<u32> {
        (self.number > 0).then_some(self.number)
    }

    /// Marks a parameter as known that is taken and changes nothing.
    pub fn mark_known(&self, name: &str) {
        self.params.mark_known(&self.full_name(name));
    }

    /// The value as sent, which may be empty (`Description=` clears a description).
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        self.params.take(&self.full_name(name))
    }

    /// The value unless it is absent or empty. Clients send empty values for what they leave out.
    pub fn str(&self, name: &str) -> Option<&'a str> {
        self.raw(name).filter(|value| !value.is_empty())
    }

    /// The value under the first of several spellings that has one; older ECS actions document
    /// both `Tag.1.Key` and `Tag.1.key`. All spellings become known.
    pub fn first_of(&self, names: &[&str]) -> Option<&'a str> {
        names.iter().fold(None, |found, name| {
            let value = self.str(name);
            found.or(value)
        })
    }

    /// The value, which must be there and not be empty.
    ///
    /// # Errors
    /// [`Problem::Missing`].
    pub fn required(&self, name: &str) -> Result<&'a str, ParamError> {
        self.str(name).ok_or_else(|| self.missing(name))
    }

    /// A truth value: `true` or `false`, with a capital first letter or in capitals too, as Python clients write them.
    ///
    /// # Errors
    /// Any other text.
    pub fn bool(&self, name: &str) -> Result<Option<bool>, ParamError> {
        match self.str(name) {
            None => Ok(None),
            Some("true" | "True" | "TRUE") => Ok(Some(true)),
            Some("false" | "False" | "FALSE") => Ok(Some(false)),
            Some(other) => Err(self.invalid(name, format!("'{}' is neither true nor false", clip(other)))),
        }
    }

    /// A whole number within `range`.
    ///
    /// # Errors
    /// Text that is no whole number, and numbers outside of the range.
    pub fn int(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, ParamError> {
        let Some(text) = self.str(name) else { return Ok(None) };
        let refuse = || {
            let (low, high) = (range.start(), range.end());
            self.invalid(name, format!("'{}' is not a whole number from {low} to {high}", clip(text)))
        };
        let number = text.parse::<i64>().map_err(|_| refuse())?;
        if range.contains(&number) { Ok(Some(number)) } else { Err(refuse()) }
    }

    /// A whole number within `range`, which must be there.
    ///
    /// # Errors
    /// As [`Scope::int`], and [`Problem::Missing`].
    pub fn required_int(&self, name: &str, range: RangeInclusive<i64>) -> Result<i64, ParamError> {
        self.int(name, range)?.ok_or_else(|| self.missing(name))
    }

    /// One of a few words, spelled exactly so.
    ///
    /// # Errors
    /// Any other word; the message lists the choices.
    pub fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<Option<T>, ParamError> {
        let Some(text) = self.str(name) else { return Ok(None) };
        match choices.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let words = choices.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
                Err(self.invalid(name, format!("'{}' is not one of {words}", clip(text))))
            }
        }
    }

    /// One of a few words, which must be there.
    ///
    /// # Errors
    /// As [`Scope::choice`], and [`Problem::Missing`].
    pub fn required_choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<T, ParamError> {
        self.choice(name, choices)?.ok_or_else(|| self.missing(name))
    }

    /// "This parameter is needed and was not sent."
    pub fn missing(&self, name: &str) -> ParamError {
        ParamError { name: self.full_name(name).into_owned(), problem: Problem::Missing, code: None }
    }

    /// "This parameter has a value that does not fit": `rule` says what would.
    pub fn invalid(&self, name: &str, rule: impl Into<String>) -> ParamError {
        let problem = Problem::Invalid { rule: rule.into() };
        ParamError { name: self.full_name(name).into_owned(), problem, code: None }
    }

    /// The error for a value that the provider refuses in words that its clients compare: they are all that is said.
    pub fn worded(&self, name: &str, code: &'static str, words: &'static str) -> ParamError {
        let name = self.full_name(name).into_owned();
        ParamError { name, problem: Problem::Worded(words), code: Some(code.into()) }
    }
}

/// What is wrong with a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Not sent, or empty.
    Missing,
    /// Sent and not acceptable.
    Invalid {
        /// The rule it breaks. Holds no value of a free text parameter, which could be a secret.
        rule: String,
    },
    /// Sent and not acceptable, in the provider's words.
    Worded(&'static str),
}

/// A parameter that an action cannot accept.
///
/// The provider has several code styles for this. The default is that of its gateway,
/// `MissingVpcId` and `InvalidVpcId`; [`ParamError::with_code`] sets what an action documents instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamError {
    /// Full name, `Tag.1.Key`.
    pub name: String,
    /// What is wrong.
    pub problem: Problem,
    /// The code to answer with, if not the gateway's.
    pub code: Option<Cow<'static, str>>,
}

impl ParamError {
    /// The same error under the code that the action documents, such as `MissingParameter` or
    /// `InvalidCidrBlock.Malformed`.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The provider code: the one that was set, else `Missing<Name>` or `Invalid<Name>`.
    pub fn code(&self) -> Cow<'static, str> {
        match (&self.code, &self.problem) {
            (Some(code), _) => code.clone(),
            (None, Problem::Missing) => Cow::Owned(format!("Missing{}", self.name)),
            (None, Problem::Invalid { .. } | Problem::Worded(_)) => {
                Cow::Owned(format!("Invalid{}", self.name))
            }
        }
    }
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Missing => write!(f, "{} is mandatory for this action.", self.name),
            Problem::Invalid { rule } => write!(f, "Specified parameter {} is not valid. {rule}.", self.name),
            Problem::Worded(words) => f.write_str(words),
        }
    }
}

impl std::error::Error for ParamError {}

impl From<ParamError> for ProviderError {
    fn from(error: ParamError) -> Self {
        ProviderError::bad_request(error.code(), error.to_string())
    }
}

/// The start of a value, for a message.
pub(super) fn clip(value: &str) -> &str {
    const SHOWN: usize = 64;
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => &value[..end],
        None => value,
    }
}
