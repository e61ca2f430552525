//! Virtual time: integer milliseconds, never a wall clock.
//!
//! The core knows no "now" of its own. Every command carries the instant at which it is judged, and
//! [`crate::World::advance`] moves time between commands.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};

/// An instant of virtual time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SimTime(pub i64);

/// A length of virtual time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub i64);

impl SimTime {
    /// The latest instant that is representable in RFC 3339: 9999-12-31T23:59:59.999Z.
    pub const MAX: SimTime = SimTime(253_402_300_799_999);

    /// The calendar parts in UTC: year, month, day, hour, minute, second, millisecond.
    ///
    /// The day count is turned into a civil date by the usual era arithmetic of the proleptic
    /// Gregorian calendar (400 years have 146,097 days).
    fn civil(self) -> (i64, i64, i64, i64, i64, i64, i64) {
        let ms = self.0.rem_euclid(1000);
        let seconds = self.0.div_euclid(1000);
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + i64::from(month <= 2);
        (year, month, day, of_day / 3600, of_day % 3600 / 60, of_day % 60, ms)
    }

    /// Reads RFC 3339 in UTC: `2026-11-24T03:51:07.250Z`, with or without the fraction, which may have up to nine
    /// digits of which three count. Years 1970 to 9999.
    pub fn parse(text: &str) -> Option<SimTime> {
        let text = text.strip_suffix('Z')?;
        let (date, time) = text.split_once('T')?;
        let number = |text: &str, width: usize| -> Option<i64> {
            (text.len() == width && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
        };
        let mut date = date.splitn(3, '-');
        let (y, mo, d) = (number(date.next()?, 4)?, number(date.next()?, 2)?, number(date.next()?, 2)?);
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let mut time = time.splitn(3, ':');
        let (h, mi, s) = (number(time.next()?, 2)?, number(time.next()?, 2)?, number(time.next()?, 2)?);
        let digits = fraction.len();
        let fraction = number(fraction, digits.clamp(1, 9))?;
        let ms = fraction * 1000 / 10_i64.pow(u32::try_from(digits).ok()?);
        if y < 1970 || !(1..=12).contains(&mo) || h > 23 || mi > 59 || s > 59 {
            return None;
        }
        let instant = SimTime(((SimTime::days(y, mo, d) * 24 + h) * 60 + mi) * 60_000 + s * 1000 + ms);
        // A day that its month does not have comes out as another one.
        (instant.civil().2 == d).then_some(instant)
    }

    /// The days from the epoch to a date: the inverse of the era arithmetic in `civil`, where years begin in March.
    fn days(y: i64, mo: i64, d: i64) -> i64 {
        let year = y - i64::from(mo <= 2);
        let (era, yoe) = (year.div_euclid(400), year.rem_euclid(400));
        let doy = (153 * ((mo + 9) % 12) + 2) / 5 + d - 1;
        era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
    }

    /// The same day and time so many months later, or the last day of a month that has no such day. Saturates at
    /// [`SimTime::MAX`].
    pub fn plus_months(self, months: u32) -> SimTime {
        let (y, mo, d, ..) = self.civil();
        let month = y * 12 + mo - 1 + i64::from(months);
        let first = |month: i64| SimTime::days(month.div_euclid(12), month.rem_euclid(12) + 1, 1);
        let day = d.min(first(month + 1) - first(month));
        let of_day = self.0.rem_euclid(86_400_000);
        SimTime(((first(month) + day - 1) * 86_400_000 + of_day).min(SimTime::MAX.0))
    }

    /// How many months of the calendar this instant's is after another's; 0 if it is before.
    pub fn months_since(self, other: SimTime) -> u32 {
        let month = |t: SimTime| {
            let (y, mo, ..) = t.civil();
            y * 12 + mo
        };
        u32::try_from(month(self) - month(other)).unwrap_or(0)
    }

    /// RFC 3339 in UTC to the second, as the provider prints it: `2026-11-24T03:51:07Z`.
    pub fn to_seconds_text(self) -> String {
        let (y, mo, d, h, mi, s, _) = self.civil();
        format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}Z")
    }

    /// As the ECS actions print it, to the minute: `2026-11-24T03:51Z`.
    pub fn to_minutes_text(self) -> String {
        let (y, mo, d, h, mi, _, _) = self.civil();
        format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}Z")
    }
}

impl fmt::Display for SimTime {
    /// RFC 3339 in UTC with milliseconds: `2026-11-24T03:51:07.250Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (y, mo, d, h, mi, s, ms) = self.civil();
        write!(f, "{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}.{ms:03}Z")
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// A span of whole seconds.
    pub const fn seconds(s: i64) -> Span {
        Span(s * 1000)
    }

    /// A span of whole hours.
    pub const fn hours(h: i64) -> Span {
        Span(h * 3_600_000)
    }

    /// Whether the span is empty.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Add<Span> for SimTime {
    type Output = SimTime;
    /// Saturates at [`SimTime::MAX`].
    fn add(self, span: Span) -> SimTime {
        SimTime(self.0.saturating_add(span.0).min(SimTime::MAX.0))
    }
}

impl Sub for SimTime {
    type Output = Span;
    fn sub(self, other: SimTime) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_known_instants() {
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_827_696_001, "2000-02-29T12:34:56.001Z"),
            (1_795_492_267_250, "2026-11-24T03:51:07.250Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (SimTime::MAX.0, "9999-12-31T23:59:59.999Z"),
        ];
        for (ms, text) in table {
            assert_eq!(SimTime(ms).to_string(), text);
        }
        assert_eq!(SimTime(1_795_492_267_250).to_seconds_text(), "2026-11-24T03:51:07Z");
        assert_eq!(SimTime(1_795_492_267_250).to_minutes_text(), "2026-11-24T03:51Z");
    }

    #[test]
    fn reads_what_it_prints_and_nothing_else() {
        for ms in [0, 951_827_696_001, 1_795_492_267_250, SimTime::MAX.0, 1_709_164_800_000] {
            assert_eq!(SimTime::parse(&SimTime(ms).to_string()), Some(SimTime(ms)));
        }
        assert_eq!(SimTime::parse("1970-01-01T00:00:01Z"), Some(SimTime(1000)));
        assert_eq!(SimTime::parse("1970-01-01T00:00:00.5Z"), Some(SimTime(500)));
        assert_eq!(SimTime::parse("1970-01-01T00:00:00.123456789Z"), Some(SimTime(123)));
        let table = [
            "",
            "Z",
            "T",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00:00+00:00",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z",
            "2026-1-1T00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234567890Z",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00Z",
        ];
        for text in table {
            assert_eq!(SimTime::parse(text), None, "{text}");
        }
    }

    #[test]
    fn never_passes_the_end_of_the_calendar() {
        assert_eq!(SimTime::MAX + Span(i64::MAX), SimTime::MAX);
    }
}
