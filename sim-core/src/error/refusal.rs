//! A refusal: a row of the error table and what it means in one case.

use super::ErrorCode;
use crate::id::AnyId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A refused command: which rule said no, about which field, and what would pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal(Box<Details>);

/// What a [`Refusal`] says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The rule.
    pub code: ErrorCode,
    /// The input field at fault, in the native wire's snake case.
    pub field: Option<String>,
    /// What is wrong in this case: the value, and what it clashes with.
    pub detail: String,
    /// A value, or a description of values, that would pass.
    pub accepted: Option<String>,
    /// The objects that stand in the way.
    pub blockers: Vec<AnyId>,
}

/// The outcome of a check or a handler.
pub type Outcome<T> = Result<T, Refusal>;

impl Refusal {
    /// A refusal by the rule `code`.
    pub fn new(code: ErrorCode) -> Refusal {
        Refusal(Box::new(Details {
            code,
            field: None,
            detail: String::new(),
            accepted: None,
            blockers: Vec::new(),
        }))
    }

    /// Names the field at fault.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Refusal {
        self.0.field = Some(field.into());
        self
    }

    /// Names the field at fault as one that is inside of `place`, or the place itself if none is named.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Refusal {
        self.0.field = Some(match self.0.field.take() {
            Some(field) => format!("{place}/{field}"),
            None => place.to_string(),
        });
        self
    }

    /// Says what is wrong in this case, [`bounded`].
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Refusal {
        self.0.detail = bounded(detail.into());
        self
    }

    /// Tells what was given, or its beginning if it is long: a refusal does not repeat a whole request.
    #[must_use]
    pub fn given(self, text: impl AsRef<str>) -> Refusal {
        self.detail(format!("{:?} was given.", beginning(text.as_ref())))
    }

    /// Says what would pass.
    #[must_use]
    pub fn accepted(mut self, accepted: impl Into<String>) -> Refusal {
        self.0.accepted = Some(accepted.into());
        self
    }

    /// Names objects that stand in the way; at most 20 are kept.
    #[must_use]
    pub fn blockers<I: Into<AnyId>>(mut self, ids: impl IntoIterator<Item = I>) -> Refusal {
        self.0.blockers.extend(ids.into_iter().take(20).map(Into::into));
        self
    }

    /// The rule.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// All that the refusal says.
    pub fn details(&self) -> &Details {
        &self.0
    }
}

/// The first 64 characters of a text: as much as an answer repeats of what it was given.
pub fn beginning(text: &str) -> &str {
    text.char_indices().nth(64).map_or(text, |(end, _)| &text[..end])
}

/// The first 1,000 characters of what an answer says of a case, with a sign that there was more: it may repeat what it was given.
pub fn bounded(mut detail: String) -> String {
    if let Some((end, _)) = detail.char_indices().nth(1_000) {
        detail.truncate(end);
        detail.push('…');
    }
    detail
}

impl fmt::Display for Refusal {
    /// The rule, then the case, the blockers and what would pass.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code.row().message)?;
        if !self.0.detail.is_empty() {
            write!(f, " {}", self.0.detail)?;
        }
        if let Some((first, rest)) = self.0.blockers.split_first() {
            write!(f, " Blocked by {first}")?;
            for id in rest {
                write!(f, ", {id}")?;
            }
            f.write_str(".")?;
        }
        match &self.0.accepted {
            Some(accepted) => write!(f, " Accepted: {accepted}."),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Refusal {
        Refusal::new(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_reads_as_a_sentence() {
        let text = Refusal::new(ErrorCode::VSwitchCidrMask)
            .field("cidr_block")
            .detail("10.0.0.0/30 has a mask of 30.")
            .accepted("10.0.0.0/29")
            .to_string();
        assert_eq!(
            text,
            "The mask of a vSwitch block is between 16 and 29. 10.0.0.0/30 has a mask of 30. Accepted: 10.0.0.0/29."
        );
    }
}
