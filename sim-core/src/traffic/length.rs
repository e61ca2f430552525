//! Lengths of time as people write them: `500ms`, `30s`, `5m`, `1h`.

use crate::time::Span;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// A length of time that reads `500ms`, `30s`, `5m` or `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(pub Span);

impl Length {
    /// In microseconds.
    pub(super) fn us(self) -> u64 {
        self.0.0.unsigned_abs() * 1_000
    }
}

/// Reads a length of time.
///
/// # Errors
/// What is wrong with it, and what would pass.
pub fn parse(text: &str) -> Result<Span, String> {
    let wrong = || format!("{text:?} is no length of time; write 500ms, 30s, 5m or 1h");
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    // Ten digits are some months in milliseconds, and no product of them is too large.
    let number: i64 = Some(number).filter(|_| digits <= 10).and_then(|n| n.parse().ok()).ok_or_else(wrong)?;
    let ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    Ok(Span(number * ms))
}

impl fmt::Display for Length {
    /// In its largest whole unit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.0 {
            ms if ms != 0 && ms % 3_600_000 == 0 => write!(f, "{}h", ms / 3_600_000),
            ms if ms != 0 && ms % 60_000 == 0 => write!(f, "{}m", ms / 60_000),
            ms if ms % 1_000 == 0 => write!(f, "{}s", ms / 1_000),
            ms => write!(f, "{ms}ms"),
        }
    }
}

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Length, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        parse(&text).map(Length).map_err(de::Error::custom)
    }
}
