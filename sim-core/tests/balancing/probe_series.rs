//! Health timing: the documented formulas, and a simulation that looks at every millisecond.

use proptest::prelude::*;
use sim_core::balancing::probe_series::{Answering, Health, ProbeSeries, Rhythm};
use sim_core::{SimTime, Span};

fn rhythm(interval: i64, timeout: i64, healthy: u8, unhealthy: u8) -> Rhythm {
    Rhythm { interval: Span(interval), timeout: Span(timeout), healthy, unhealthy }
}

/// When the series changes its mind after a change of the backend at `at`.
fn verdict_after(mut series: ProbeSeries, at: i64, answering: Answering) -> (i64, Health) {
    series.change(SimTime(at), answering);
    let when = series.next_change().expect("it changes");
    series.bring_to(SimTime(when.0 - 1));
    let before = series.health();
    series.bring_to(when);
    assert_ne!(series.health(), before, "not before {when}");
    (when.0, series.health())
}

#[test]
fn the_documented_formulas_hold_to_the_millisecond() {
    // (interval, timeout, healthy, unhealthy, how it answers) and how long after the first such probe starts it is known.
    for (interval, timeout, h, u, answering, takes) in [
        // timeout x U + interval x (U - 1): the default of TCP, 5 x 3 + 2 x 2.
        (2_000, 5_000, 3, 3, Answering::Silent, 19_000),
        // The default of UDP in the console: 10 x 3 + 5 x 2.
        (5_000, 10_000, 3, 3, Answering::Silent, 40_000),
        // A timeout below the interval counts as the interval: 10 x 2 + 10 x 1.
        (10_000, 1_000, 2, 2, Answering::Silent, 30_000),
        // A refusal comes at once: interval x (U - 1).
        (2_000, 5_000, 3, 3, Answering::Badly(Span(0)), 4_000),
        // response time x H + interval x (H - 1).
        (2_000, 5_000, 3, 3, Answering::Well(Span(100)), 4_300),
        (2_000, 5_000, 10, 10, Answering::Well(Span(5_000)), 68_000),
        // An answer after the timeout is none.
        (2_000, 5_000, 2, 2, Answering::Well(Span(5_001)), 12_000),
    ] {
        let series = ProbeSeries::new(rhythm(interval, timeout, h, u), answering, SimTime(1_000));
        assert_eq!(series.health(), Health::Unavailable);
        assert_eq!(series.next_change(), Some(SimTime(1_000 + takes)), "{answering:?}");
    }
}

#[test]
fn a_probe_under_way_at_the_fault_fails_and_counts() {
    let check = rhythm(2_000, 5_000, 3, 3);
    let mut series = ProbeSeries::new(check, Answering::Well(Span(500)), SimTime(0));
    // Probes start at 0, 2500, 5000; the third ends at 5500 and makes it normal.
    assert_eq!(series.next_change(), Some(SimTime(5_500)));
    series.bring_to(SimTime(7_499));
    assert_eq!((series.health(), series.next_change()), (Health::Normal, None));
    // The probe of 7500 is complete at 8000: a fault at that instant comes too late for it.
    assert_eq!(verdict_after(series, 8_000, Answering::Silent), (10_000 + 19_000, Health::Abnormal));
    // A millisecond earlier it fails, at its timeout, and is the first of three.
    assert_eq!(verdict_after(series, 7_999, Answering::Silent), (7_500 + 19_000, Health::Abnormal));
    // A probe that starts at the instant of the fault meets it.
    assert_eq!(verdict_after(series, 7_500, Answering::Silent), (7_500 + 19_000, Health::Abnormal));
}

#[test]
fn a_probe_that_is_answered_at_once_comes_before_a_change_at_its_instant() {
    let series = ProbeSeries::new(rhythm(1_000, 1_000, 1, 1), Answering::Well(Span(0)), SimTime(0));
    assert_eq!(verdict_after(series, 1_999, Answering::Silent), (3_000, Health::Abnormal));
    assert_eq!(verdict_after(series, 2_000, Answering::Silent), (4_000, Health::Abnormal));
    assert_eq!(verdict_after(series, 2_001, Answering::Silent), (4_000, Health::Abnormal));
}

#[test]
fn nothing_that_happens_at_an_instant_takes_back_what_was_known_at_it() {
    let (good, bad) = (Answering::Well(Span(0)), Answering::Badly(Span(0)));
    let check = rhythm(2_000, 5_000, 3, 3);
    let mut series = ProbeSeries::new(check, good, SimTime(0));
    series.bring_to(SimTime(4_000));
    assert_eq!((series.health(), series.since()), (Health::Normal, Some(SimTime(4_000))));
    // Three failures after it, of which the first is at 6000, and 19 s after the first for silence.
    assert_eq!(verdict_after(series, 4_000, bad), (10_000, Health::Abnormal));
    assert_eq!(verdict_after(series, 4_000, Answering::Silent), (25_000, Health::Abnormal));
    // There and back in the same instant changes nothing, nor do other parameters what is known.
    let mut flipped = series;
    flipped.change(SimTime(4_000), bad);
    assert_eq!((flipped.health(), flipped.since()), (Health::Normal, Some(SimTime(4_000))));
    flipped.change(SimTime(4_000), good);
    assert_eq!(flipped, series);
    let never_shown = ProbeSeries::new(check, good, SimTime(0));
    let anew = never_shown.anew(SimTime(4_000), check, bad, SimTime(4_000));
    assert_eq!((anew.health(), anew.since()), (Health::Normal, Some(SimTime(4_000))));
}

#[test]
fn a_probe_at_the_instant_of_several_changes_meets_the_first_that_is_answered_at_once_or_the_last() {
    let check = rhythm(1_000, 1_000, 1, 1);
    let silent = ProbeSeries::new(check, Answering::Silent, SimTime(0));
    let after = |changes: [Answering; 2]| {
        let mut series = silent;
        changes.into_iter().for_each(|answering| series.change(SimTime(0), answering));
        (series.health(), series.next_change())
    };
    let (at_once, later) = (Answering::Badly(Span(0)), Answering::Well(Span(7)));
    assert_eq!(after([at_once, later]), (Health::Abnormal, Some(SimTime(1_007))));
    assert_eq!(after([Answering::Well(Span(9)), later]), (Health::Unavailable, Some(SimTime(7))));
}

#[test]
fn an_opposite_result_begins_the_count_anew() {
    let mut series = ProbeSeries::new(rhythm(1_000, 1_000, 2, 3), Answering::Well(Span(0)), SimTime(0));
    series.change(SimTime(1_500), Answering::Badly(Span(0)));
    assert_eq!(series.health(), Health::Normal);
    // Failures at 2000 and 3000, then a success at 4000: the next failure is the first again.
    series.change(SimTime(3_500), Answering::Well(Span(0)));
    assert_eq!(verdict_after(series, 4_500, Answering::Badly(Span(0))), (7_000, Health::Abnormal));
}

#[test]
fn a_month_is_one_step() {
    let mut series = ProbeSeries::new(rhythm(2_000, 5_000, 3, 3), Answering::Well(Span(3)), SimTime(0));
    series.bring_to(SimTime(31 * 24 * 3_600_000));
    assert_eq!((series.health(), series.next_change()), (Health::Normal, None));
}

/// The same series, one millisecond at a time.
struct Brute {
    check: Rhythm,
    /// When the probe under way began, and how its backend answered then, unless it changed since.
    under_way: Option<(i64, Option<Answering>)>,
    start_at: i64,
    health: Health,
    successes: u8,
    failures: u8,
}

impl Brute {
    fn new(check: Rhythm, start: i64) -> Brute {
        Brute {
            check,
            under_way: None,
            start_at: start,
            health: Health::Unavailable,
            successes: 0,
            failures: 0,
        }
    }

    /// The instant `now`: first ends what ends, then a probe starts, and an answer that takes no time is there at once.
    fn tick(&mut self, now: i64, answering: Answering) {
        self.end_if_due(now);
        if self.under_way.is_none() && now >= self.start_at {
            self.under_way = Some((now, Some(answering)));
            self.end_if_due(now);
        }
    }

    /// After that the backend changes: a probe that has just started meets what is there now, the answer to an earlier one
    /// never comes.
    fn change(&mut self, now: i64, answering: Answering) {
        if let Some((began, as_begun)) = &mut self.under_way {
            *as_begun = (*began == now).then_some(answering);
        }
        self.tick(now, answering);
    }

    fn end_if_due(&mut self, now: i64) {
        let Some((began, answering)) = self.under_way else { return };
        let passed = now - began;
        let patience = self.check.timeout.0.max(self.check.interval.0);
        let success = match answering {
            Some(Answering::Well(takes)) if takes.0 <= patience && passed >= takes.0 => true,
            Some(Answering::Badly(takes)) if takes.0 <= patience && passed >= takes.0 => false,
            _ if passed >= patience => false,
            _ => return,
        };
        self.under_way = None;
        self.start_at = now + self.check.interval.0;
        (self.successes, self.failures) = if success {
            (self.successes.saturating_add(1), 0)
        } else {
            (0, self.failures.saturating_add(1))
        };
        if self.successes >= self.check.healthy {
            self.health = Health::Normal;
        } else if self.failures >= self.check.unhealthy {
            self.health = Health::Abnormal;
        }
    }
}

fn answering() -> impl Strategy<Value = Answering> {
    prop_oneof![
        (0i64..80).prop_map(|ms| Answering::Well(Span(ms))),
        (0i64..80).prop_map(|ms| Answering::Badly(Span(ms))),
        Just(Answering::Silent),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Random rhythms and faults: the same health at every millisecond, and no change that was not foretold.
    #[test]
    fn arithmetic_equals_looking_at_every_millisecond(
        interval in 1i64..40,
        timeout in 1i64..60,
        healthy in 1u8..5,
        unhealthy in 1u8..5,
        start in 0i64..30,
        first in answering(),
        changes in proptest::collection::btree_map(
            0i64..1_500, proptest::collection::vec(answering(), 1..4), 0..12
        ),
    ) {
        let check = rhythm(interval, timeout, healthy, unhealthy);
        let mut series = ProbeSeries::new(check, first, SimTime(start));
        let mut brute = Brute::new(check, start);
        let mut now_answers = first;
        let mut foretold = series.next_change();
        for now in 0..2_000 {
            let before = series.health();
            brute.tick(now, now_answers);
            series.bring_to(SimTime(now));
            prop_assert_eq!(series.health(), brute.health, "at {}", now);
            if series.health() != before {
                prop_assert_eq!(foretold, Some(SimTime(now)), "a change that was not foretold");
            }
            for &answering in changes.get(&now).into_iter().flatten() {
                let shown = brute.health;
                series.change(SimTime(now), answering);
                if answering != now_answers {
                    brute.change(now, answering);
                }
                now_answers = answering;
                // What was known stays known, unless a probe that has just started is answered at once.
                series.bring_to(SimTime(now));
                prop_assert_eq!(series.health(), brute.health, "after a change at {}", now);
                let at_once = matches!(answering, Answering::Well(Span(0)) | Answering::Badly(Span(0)));
                prop_assert!(shown == series.health() || at_once, "{:?} was shown at {}", shown, now);
            }
            foretold = series.next_change();
            prop_assert!(foretold.is_none_or(|at| at.0 > now), "{:?} is past at {}", foretold, now);
        }
    }
}
