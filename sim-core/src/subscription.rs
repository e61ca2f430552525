//! For how long something is paid in advance, and when that ends.
//!
//! The days of a subscription are those of UTC+8: it begins when it is bought, and ends at the midnight after the day of its
//! expiration; renewed, it ends so many months later (provider documentation: billing cycles of subscriptions). Nothing
//! happens at the end here: what the provider stops, locks and after 15 days releases goes on.

use crate::error::{ErrorCode, Outcome, Refusal};
use crate::time::{SimTime, Span};
use serde::{Deserialize, Serialize};

/// How far the days of the provider are before those of UTC.
const ZONE: Span = Span::hours(8);
const DAY: Span = Span::hours(24);

/// The unit of a period that is paid in advance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeriodUnit {
    /// Weeks.
    Week,
    /// Months.
    #[default]
    Month,
}

impl PeriodUnit {
    /// Every unit with the provider's word.
    pub const ALL: &'static [(&'static str, PeriodUnit)] =
        &[("Week", PeriodUnit::Week), ("Month", PeriodUnit::Month)];

    /// How many of it are sold (parameter Period of RunInstances and ModifyInstanceChargeType).
    const fn counts(self) -> &'static [u32] {
        match self {
            PeriodUnit::Week => &[1, 2, 3, 4],
            PeriodUnit::Month => &[1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 24, 36, 48, 60],
        }
    }
}

/// A period that is paid in advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// How many units.
    pub count: u32,
    /// The unit.
    pub unit: PeriodUnit,
}

impl Default for Period {
    /// A month.
    fn default() -> Period {
        Period { count: 1, unit: PeriodUnit::Month }
    }
}

impl Period {
    /// A period for which instances are sold.
    ///
    /// # Errors
    /// [`ErrorCode::InstancePeriod`] for none at all, [`ErrorCode::InstancePeriodUnit`] for a number that is not sold.
    pub fn check(self) -> Outcome<()> {
        let counts = self.unit.counts();
        let code = match self.count {
            0 => ErrorCode::InstancePeriod,
            count if !counts.contains(&count) => ErrorCode::InstancePeriodUnit,
            _ => return Ok(()),
        };
        let listed = counts.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        Err(Refusal::new(code).field("period").detail(format!("{} was given.", self.count)).accepted(listed))
    }

    /// The months for which load balancers and elastic IP addresses are sold: 1 to 9, or 1 to 5 years; one if absent (parameters
    /// Duration of CreateLoadBalancer, Period of AllocateEipAddress).
    ///
    /// # Errors
    /// [`ErrorCode::SubscriptionMonths`].
    pub fn of_months(months: Option<u32>) -> Outcome<Period> {
        let period = Period { count: months.unwrap_or(1), unit: PeriodUnit::Month };
        if PeriodUnit::Month.counts().contains(&period.count) {
            return Ok(period);
        }
        Err(Refusal::new(ErrorCode::SubscriptionMonths)
            .field("months")
            .detail(format!("{} months were given.", period.count))
            .accepted("1 to 9, 12, 24, 36, 48 or 60"))
    }

    /// When a subscription for this period ends that is bought at `start`.
    pub fn end(self, start: SimTime) -> SimTime {
        let start = start + ZONE;
        let last = match self.unit {
            PeriodUnit::Week => start + Span(DAY.0 * 7 * i64::from(self.count)),
            PeriodUnit::Month => start.plus_months(self.count),
        };
        let midnight = SimTime(last.0 - last.0.rem_euclid(DAY.0)) + DAY;
        SimTime(midnight.0 - ZONE.0)
    }
}

/// When a subscription ends that was to end at `end` and has renewed itself for so many months each time: the first such end
/// after `now`. The last instant of the calendar comes after none.
pub fn renewed(end: SimTime, months: u16, now: SimTime) -> SimTime {
    let (first, every) = (end + ZONE, u32::from(months.max(1)));
    let nth = |n: u32| SimTime(first.plus_months(n.saturating_mul(every)).0 - ZONE.0);
    // Renewals before the month of `now`, and then the few that are left.
    let mut n = (now + ZONE).months_since(first) / every;
    let mut at = nth(n);
    while at <= now && nth(n + 1) > at {
        n += 1;
        at = nth(n);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SimTime {
        SimTime::parse(text).unwrap_or_else(|| panic!("{text} is a time"))
    }

    #[test]
    fn periods_end_at_a_midnight_of_the_provider() {
        let month = |count| Period { count, unit: PeriodUnit::Month };
        let week = Period { count: 2, unit: PeriodUnit::Week };
        for (start, period, end) in [
            ("2026-11-24T03:51:07Z", month(1), "2026-12-24T16:00:00Z"),
            // The 25th in UTC+8.
            ("2026-11-24T16:00:00Z", month(1), "2026-12-25T16:00:00Z"),
            ("2026-11-24T15:59:59.999Z", month(1), "2026-12-24T16:00:00Z"),
            ("2026-11-24T03:51:07Z", week, "2026-12-08T16:00:00Z"),
            // No 31st, and a leap day.
            ("2027-01-31T00:00:00Z", month(1), "2027-02-28T16:00:00Z"),
            ("2028-01-31T00:00:00Z", month(1), "2028-02-29T16:00:00Z"),
            ("2028-02-29T00:00:00Z", month(12), "2029-02-28T16:00:00Z"),
            ("2026-12-31T00:00:00Z", month(60), "2031-12-31T16:00:00Z"),
        ] {
            assert_eq!(period.end(at(start)), at(end), "{start} {period:?}");
        }
    }

    #[test]
    fn renewals_go_on_from_the_end() {
        let end = "2026-12-31T16:00:00Z";
        for (months, now, next) in [
            (1, "2026-12-31T15:59:59.999Z", end),
            (1, "2026-12-31T16:00:00Z", "2027-01-31T16:00:00Z"),
            (1, "2027-02-28T15:00:00Z", "2027-02-28T16:00:00Z"),
            (3, "2027-05-01T00:00:00Z", "2027-06-30T16:00:00Z"),
            (12, "2126-12-31T16:00:00Z", "2127-12-31T16:00:00Z"),
        ] {
            assert_eq!(renewed(at(end), months, at(now)), at(next), "{months} {now}");
        }
    }

    #[test]
    fn nothing_ends_after_the_calendar() {
        let last = renewed(at("2026-12-31T16:00:00Z"), 60, SimTime::MAX);
        assert!(last <= SimTime::MAX, "{last}");
        assert!(Period { count: 60, unit: PeriodUnit::Month }.end(SimTime::MAX) <= SimTime::MAX);
    }
}
