//! Names and descriptions: the provider's rules for free text.

use crate::error::{ErrorCode, Outcome, Refusal};
use compact_str::CompactString;

/// What a free text must look like.
#[derive(Clone, Copy, Debug)]
pub struct TextRule {
    /// The fewest characters.
    pub min: usize,
    /// The most characters.
    pub max: usize,
    /// Whether the first character must be a letter (Latin or Chinese).
    pub letter_first: bool,
    /// The field in the native wire's words.
    pub field: &'static str,
    /// The error of a text that breaks the rule.
    pub error: ErrorCode,
}

impl TextRule {
    /// Checks a text; an empty one counts as absent.
    ///
    /// # Errors
    /// The rule's error, with what would pass.
    pub fn check(&self, text: Option<&str>) -> Outcome<CompactString> {
        let Some(text) = text.filter(|t| !t.is_empty()) else {
            return Ok(CompactString::default());
        };
        let count = text.chars().count();
        let scheme = ["http://", "https://"].iter().find(|s| text.starts_with(**s));
        let reason = if count < self.min || count > self.max {
            format!("It has {count} characters.")
        } else if let Some(scheme) = scheme {
            format!("It starts with {scheme}.")
        } else if self.letter_first && !text.chars().next().is_some_and(char::is_alphabetic) {
            "It does not start with a letter.".to_owned()
        } else if text.chars().any(char::is_control) {
            "It contains a control character.".to_owned()
        } else {
            return Ok(text.into());
        };
        let first = if self.letter_first { ", a letter first" } else { "" };
        Err(Refusal::new(self.error)
            .field(self.field)
            .detail(reason)
            .accepted(format!("{} to {} characters{first}", self.min, self.max)))
    }
}
