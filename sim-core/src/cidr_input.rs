//! Blocks as callers write them: the strict form, and refusals that say what would pass.

use crate::cidr::plan::BadInput;
use crate::cidr::{Cidr4, reserved::RuleError};
use crate::error::{ErrorCode, Outcome, Refusal};

/// Reads an IPv4 block.
///
/// # Errors
/// `code`, with the right form of the block where it can be guessed.
pub fn parse4(text: &str, field: &str, code: ErrorCode) -> Outcome<Cidr4> {
    text.parse::<Cidr4>().map_err(|e| {
        let refusal = Refusal::new(code).field(field).detail(format!("{e}."));
        match e.suggestion {
            Some(block) => refusal.accepted(block.to_string()),
            None => refusal.accepted("a block such as 10.0.0.0/16"),
        }
    })
}

/// Says which rule about blocks is broken, and which block would pass.
pub fn refusal(code: ErrorCode, field: &str, broken: &RuleError) -> Refusal {
    let text = broken.to_string();
    // The rule's own text ends in what would pass, which has a place of its own here.
    let detail = text.split_once("; ").map_or(text.as_str(), |(what, _)| what);
    let refusal = Refusal::new(code).field(field).detail(format!("{detail}."));
    match broken {
        RuleError::Length { passes, .. }
        | RuleError::Forbidden { passes, .. }
        | RuleError::Outside { passes, .. } => refusal.accepted(passes.to_string()),
        RuleError::Ipv6Length { passes, .. } => refusal.accepted(passes.to_string()),
        RuleError::SubnetNumber { max, .. } => refusal.accepted(format!("0 to {max}")),
        RuleError::Overlap { .. } | RuleError::Count { .. } => refusal,
    }
}

impl From<BadInput> for Refusal {
    fn from(bad: BadInput) -> Refusal {
        let refusal =
            Refusal::new(ErrorCode::InvalidParameter).field(bad.field).detail(format!("{}.", bad.why));
        if bad.accepted.is_empty() { refusal } else { refusal.accepted(bad.accepted) }
    }
}
