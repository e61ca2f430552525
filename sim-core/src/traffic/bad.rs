//! What is wrong with a scenario, and the checks of ranges that say so.

use crate::error::{ErrorCode, Refusal};
use crate::time::Span;

/// What is wrong with a scenario: the field, and what would pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct BadScenario {
    /// The field, as in `clients.rate`.
    pub field: String,
    /// What is wrong and what would pass.
    pub problem: String,
}

impl From<BadScenario> for Refusal {
    /// With the field as a JSON Pointer has it: `backend/2/weight`.
    fn from(bad: BadScenario) -> Refusal {
        let field = bad.field.replace(['.', '['], "/").replace(']', "");
        let (problem, accepted) = bad.problem.split_once("; write ").unwrap_or((&bad.problem, ""));
        let refusal = Refusal::new(ErrorCode::InvalidParameter).field(field).detail(format!("{problem}."));
        if accepted.is_empty() { refusal } else { refusal.accepted(accepted) }
    }
}

pub(super) fn bad(field: &str, problem: String) -> BadScenario {
    BadScenario { field: field.to_owned(), problem }
}

pub(super) fn number(field: &str, value: u32, least: u32, most: u32) -> Result<(), BadScenario> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(bad(field, format!("{value} is out of range; write {least} to {most}")))
}

pub(super) fn between(field: &str, value: Span, least: Span, most: Span) -> Result<(), BadScenario> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(bad(field, format!("{} ms is out of range; write {}ms to {}ms", value.0, least.0, most.0)))
}

/// Checks how many things a list has.
pub(super) fn length(at: &str, number: usize, least: usize, most: usize) -> Result<(), BadScenario> {
    if (least..=most).contains(&number) {
        return Ok(());
    }
    Err(bad(at, format!("there are {number}; write {least} to {most}")))
}
