//! Names and host names of instances, one or many at a time.
//!
//! Many instances of one call are told apart by numbers: `UniqueSuffix` appends 001, 002 and so on, and a name such as
//! `web-[1,3]-prod` counts web-001-prod, web-002-prod from the first number on (provider documentation: RunInstances,
//! sequential names).

use crate::catalog::Os;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::InstanceId;
use crate::name::TextRule;
use compact_str::{CompactString, format_compact};

/// The rule for an instance's name.
pub const NAME: TextRule =
    TextRule { min: 2, max: 128, letter_first: true, field: "name", error: ErrorCode::InstanceNameMalformed };
/// The rule for an instance's description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 2,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::InstanceDescriptionMalformed,
};

/// How the texts for names and host names are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// As they are, for the one instance of CreateInstance, which documents no patterns.
    AsGiven,
    /// As patterns; true numbers those without one.
    Counted(bool),
}

impl Naming {
    /// Reads a text.
    ///
    /// # Errors
    /// Those of [`Sequence::parse`].
    pub fn read<'a>(self, text: &'a str, field: &str) -> Outcome<Sequence<'a>> {
        match self {
            Naming::AsGiven => Ok(Sequence { before: text, number: None, after: "" }),
            Naming::Counted(unique_suffix) => Sequence::parse(text, unique_suffix, field),
        }
    }
}

/// A text that gives each instance of a call its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence<'a> {
    before: &'a str,
    /// The first number, and its digits at least; absent if every instance gets the same text.
    number: Option<(u32, usize)>,
    after: &'a str,
}

impl<'a> Sequence<'a> {
    /// How `UniqueSuffix` numbers.
    const SUFFIX: (u32, usize) = (1, 3);

    /// Reads a text; `unique_suffix` numbers it unless it has a pattern of its own.
    ///
    /// # Errors
    /// [`ErrorCode::InstanceNamePattern`] for brackets that hold no `[first,digits]`.
    pub fn parse(text: &'a str, unique_suffix: bool, field: &str) -> Outcome<Sequence<'a>> {
        let Some((before, rest)) = text.split_once('[') else {
            return Ok(Sequence {
                before: text,
                number: unique_suffix.then_some(Sequence::SUFFIX),
                after: "",
            });
        };
        let refuse = || {
            Refusal::new(ErrorCode::InstanceNamePattern).field(field).given(text).accepted(
                "one pair of brackets with a first number up to 999999 and 1 to 6 digits: web-[1,3]-prod",
            )
        };
        let (inner, after) = rest.split_once(']').ok_or_else(refuse)?;
        let (first, digits) = inner.split_once(',').ok_or_else(refuse)?;
        // Both numbers may be left out: [,] counts from 0 with six digits.
        let number = |text: &str, absent: u32, most: u32| match text {
            "" => Some(absent),
            _ => text.parse::<u32>().ok().filter(|n| *n <= most && text.bytes().all(|b| b.is_ascii_digit())),
        };
        let first = number(first, 0, 999_999).ok_or_else(refuse)?;
        let digits = number(digits, 6, 6).ok_or_else(refuse)?;
        if after.contains(['[', ']']) {
            return Err(refuse());
        }
        let digits = if digits == 0 { 6 } else { digits };
        Ok(Sequence { before, number: Some((first, digits as usize)), after })
    }

    /// The refusal of a numbered text, which is by `suffix` if the text alone would pass.
    pub fn suffix_or(&self, refusal: Refusal, suffix: ErrorCode, passes: impl Fn(&str) -> bool) -> Refusal {
        let alone = self.after.is_empty() && self.number == Some(Sequence::SUFFIX);
        if !alone || !passes(self.before) {
            return refusal;
        }
        let detail = format!("{} bytes leave no room for a number of three digits.", self.before.len());
        let field = refusal.details().field.clone().unwrap_or_default();
        Refusal::new(suffix).field(field).detail(detail)
    }

    /// The text of instance `at`, from 0.
    pub fn at(&self, at: u32) -> CompactString {
        let Sequence { before, number, after } = *self;
        match number {
            None => format_compact!("{before}{after}"),
            Some((first, digits)) => format_compact!("{before}{:0digits$}{after}", first + at),
        }
    }
}

/// Checks a host name for an operating system.
///
/// Linux: 2 to 64 characters, parts of letters, digits and inner hyphens with single dots between them. Windows: 2 to
/// 15 characters, one such part, not all digits.
///
/// # Errors
/// [`ErrorCode::HostNameMalformed`].
pub fn check_host_name(text: &str, os: Os) -> Outcome<()> {
    let (most, form) = match os {
        Os::Linux => (64, "2 to 64 letters, digits, inner hyphens and single inner dots"),
        Os::Windows => (15, "2 to 15 letters, digits and inner hyphens, not digits alone"),
    };
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
            && !part.contains("--")
    };
    let fine = match os {
        Os::Linux => text.split('.').all(part),
        Os::Windows => part(text) && !text.bytes().all(|b| b.is_ascii_digit()),
    };
    if fine && (2..=most).contains(&text.len()) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::HostNameMalformed)
        .field("host_name")
        .detail(format!("{:?} was given for {}.", text.chars().take(64).collect::<String>(), os.text()))
        .accepted(form))
}

/// The host name of an instance that was given none, in the provider's manner.
pub fn default_host_name(id: InstanceId, os: Os) -> CompactString {
    let text = id.to_string();
    let digits = text.strip_prefix("i-").unwrap_or(&text);
    match os {
        Os::Linux => format_compact!("iZ{digits}Z"),
        Os::Windows => format_compact!("iZ{}Z", &digits[digits.len() - 12..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences() {
        let name = |text, suffix, at| Sequence::parse(text, suffix, "name").map(|s| s.at(at).to_string());
        assert_eq!(name("web", false, 3).unwrap(), "web");
        assert_eq!(name("web", true, 0).unwrap(), "web001");
        assert_eq!(name("web-[1,4]-prod", true, 9).unwrap(), "web-0010-prod");
        assert_eq!(name("web-[99,2]", false, 1).unwrap(), "web-100");
        assert_eq!(name("web-[,]", false, 1).unwrap(), "web-000001");
        for text in ["web[", "web[1]", "web[a,3]", "web[1,7]", "web[+1,2]", "web[1000000,3]", "a[1,2][1,2]"] {
            assert_eq!(name(text, false, 0).unwrap_err().code(), ErrorCode::InstanceNamePattern, "{text}");
        }
    }

    #[test]
    fn host_names() {
        for (text, linux, windows) in [
            ("web", true, true),
            ("web-1.prod.local", true, false),
            ("w", false, false),
            ("-web", false, false),
            ("web-", false, false),
            ("we--b", false, false),
            ("web..a", false, false),
            ("we_b", false, false),
            ("123", true, false),
            ("a234567890123456", true, false),
            (&"a".repeat(65), false, false),
        ] {
            assert_eq!(check_host_name(text, Os::Linux).is_ok(), linux, "{text}");
            assert_eq!(check_host_name(text, Os::Windows).is_ok(), windows, "{text}");
        }
    }
}
