//! Input that is no question.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A field that breaks a rule of form, so that there is neither a yes nor a no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BadInput {
    /// The field, with its place if it is in a list: `zones/2`.
    pub field: String,
    /// What is wrong with it.
    pub why: String,
    /// What would pass; empty where that depends on what is meant.
    pub accepted: String,
}

impl BadInput {
    pub(super) fn new(
        field: impl Into<String>,
        why: impl Into<String>,
        accepted: impl Into<String>,
    ) -> BadInput {
        BadInput { field: field.into(), why: why.into(), accepted: accepted.into() }
    }
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.why)?;
        if self.accepted.is_empty() { Ok(()) } else { write!(f, "; accepted: {}", self.accepted) }
    }
}

impl std::error::Error for BadInput {}

/// Why there is no yes.
pub(super) enum Unable {
    /// The question cannot be asked.
    Input(BadInput),
    /// The answer is no, for this reason.
    No(String),
}

impl From<BadInput> for Unable {
    fn from(bad: BadInput) -> Unable {
        Unable::Input(bad)
    }
}

/// A prefix length of a vSwitch.
///
/// # Errors
/// If it is none.
pub(super) fn check_vswitch_len(len: u8) -> Result<(), BadInput> {
    if crate::cidr::reserved::VSWITCH_LENGTHS.contains(&len) {
        return Ok(());
    }
    Err(BadInput::new("prefix_len", format!("{len} is no prefix length of a vSwitch"), "16 to 29"))
}
