//! A series of health probes, followed by arithmetic: between two changes of how the backend answers, all probes are
//! alike, so any number of them costs one division.
//!
//! Probe 0 starts with the series, probe n + 1 one interval after probe n ended (provider documentation: CLB health
//! checks; a silent backend is abnormal `timeout x U + interval x (U - 1)` after the start of the first failing probe).
//! A probe is decided by how the backend answers when it starts; an answer that is not complete when the backend
//! changes never comes, and the probe fails at its timeout.
//!
//! At one instant probes come before changes: an answer that is complete then counts, also that of a probe that starts then and
//! is answered at once, so that nothing which happens at an instant takes back what was known at it. A probe that starts at
//! the instant of a change and would be answered later meets the new answering; with several changes at one instant the
//! first under which it is answered at once, or else the last. The provider does not tell, so this is chosen.

use crate::time::{SimTime, Span};
use serde::{Deserialize, Serialize};

/// How probes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rhythm {
    /// From the end of a probe to the start of the next.
    pub interval: Span,
    /// How long an answer is waited for, as configured.
    pub timeout: Span,
    /// How many successes in a row make a backend normal.
    pub healthy: u8,
    /// How many failures in a row make it abnormal.
    pub unhealthy: u8,
}

impl Rhythm {
    /// How long an answer is really waited for: a timeout below the interval counts as the interval (provider
    /// documentation: HealthCheckConnectTimeout).
    pub fn patience(&self) -> Span {
        self.timeout.max(self.interval)
    }
}

/// How a backend answers probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answering {
    /// As it should, after so long.
    Well(Span),
    /// Wrongly, after so long: it refuses the connection or answers another status.
    Badly(Span),
    /// Not at all.
    Silent,
}

/// What a health check says of a backend, in the provider's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Health {
    /// Too few probes have ended.
    Unavailable,
    /// It takes traffic.
    Normal,
    /// It takes none.
    Abnormal,
}

impl Health {
    /// The provider's word in DescribeHealthStatus.
    pub const fn text(self) -> &'static str {
        match self {
            Health::Unavailable => "unavailable",
            Health::Normal => "normal",
            Health::Abnormal => "abnormal",
        }
    }
}

/// A series of probes and what it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSeries {
    rhythm: Rhythm,
    answering: Answering,
    /// When the probe starts that has not ended yet.
    next: SimTime,
    /// That probe began under another answering and fails at its timeout.
    doomed: bool,
    health: Health,
    /// When it became so; absent before the first verdict.
    since: Option<SimTime>,
    /// How many probes in a row ended alike, up to what matters, and how.
    streak: u8,
    success: bool,
}

/// One probe of the present answering: whether it succeeds, and how long it takes.
#[derive(Clone, Copy)]
struct Probe {
    success: bool,
    takes: Span,
}

impl ProbeSeries {
    /// A series whose first probe starts at `start`.
    pub fn new(rhythm: Rhythm, answering: Answering, start: SimTime) -> ProbeSeries {
        let health = Health::Unavailable;
        ProbeSeries {
            rhythm,
            answering,
            next: start,
            doomed: false,
            health,
            since: None,
            streak: 0,
            success: false,
        }
    }

    /// What is known at `at`, once the series was brought there.
    pub fn health(&self) -> Health {
        self.health
    }

    /// Since when that is known, once the series was brought to the present; absent before the first verdict.
    pub fn since(&self) -> Option<SimTime> {
        self.since
    }

    /// How the backend answers at present.
    pub fn answering(&self) -> Answering {
        self.answering
    }

    fn probe(&self, answering: Answering) -> Probe {
        let patience = self.rhythm.patience();
        match answering {
            Answering::Well(takes) if takes <= patience => Probe { success: true, takes },
            Answering::Badly(takes) if takes <= patience => Probe { success: false, takes },
            _ => Probe { success: false, takes: patience },
        }
    }

    /// The probe that has not ended yet.
    fn current(&self) -> Probe {
        if self.doomed {
            return Probe { success: false, takes: self.rhythm.patience() };
        }
        self.probe(self.answering)
    }

    /// Follows all probes that end at or before `at`.
    pub fn bring_to(&mut self, at: SimTime) {
        if self.doomed {
            if self.next + self.current().takes > at {
                return;
            }
            self.end(self.current(), 1);
            self.doomed = false;
        }
        let probe = self.current();
        let first_end = self.next + probe.takes;
        if first_end > at {
            return;
        }
        let period = (probe.takes.0 + self.rhythm.interval.0).max(1);
        self.end(probe, (at.0 - first_end.0) / period + 1);
    }

    /// Counts `number` probes that are all alike.
    fn end(&mut self, probe: Probe, number: i64) {
        let period = probe.takes.0 + self.rhythm.interval.0;
        let first_end = self.next + probe.takes;
        self.next = SimTime(self.next.0 + period * number);
        let before =
            if self.streak > 0 && self.success == probe.success { i64::from(self.streak) } else { 0 };
        self.success = probe.success;
        // A streak matters up to the larger threshold.
        self.streak = (before + number).min(i64::from(u8::MAX)) as u8;
        let (wanted, health) = self.goal(probe.success);
        if self.streak >= wanted && self.health != health {
            self.health = health;
            let more = (i64::from(wanted) - before).max(1);
            self.since = Some(first_end + Span(period * (more - 1)));
        }
    }

    /// How many probes in a row with this outcome make which health.
    fn goal(&self, success: bool) -> (u8, Health) {
        if success {
            (self.rhythm.healthy, Health::Normal)
        } else {
            (self.rhythm.unhealthy, Health::Abnormal)
        }
    }

    /// The backend answers otherwise from `at` on, once all answers that are complete at that instant have counted.
    pub fn change(&mut self, at: SimTime, answering: Answering) {
        self.bring_to(at);
        if answering == self.answering {
            return;
        }
        self.doomed |= self.next < at;
        self.answering = answering;
    }

    /// The series after a change, or as it was if the backend answers as before.
    #[must_use]
    pub fn changed(mut self, at: SimTime, answering: Answering) -> ProbeSeries {
        if answering != self.answering {
            self.change(at, answering);
        }
        self
    }

    /// A series that begins at `start` because at `at` probes came to be made in another way: what is known stays known, what
    /// was counted is not, and the probe under way is given up.
    #[must_use]
    pub fn anew(mut self, at: SimTime, rhythm: Rhythm, answering: Answering, start: SimTime) -> ProbeSeries {
        self.bring_to(at);
        let (health, since) = (self.health, self.since);
        ProbeSeries { health, since, ..ProbeSeries::new(rhythm, answering, start) }
    }

    /// The same series with its instants counted from `origin`.
    #[must_use]
    pub fn counted_from(self, origin: SimTime) -> ProbeSeries {
        let from = |at: SimTime| SimTime(at.0 - origin.0);
        ProbeSeries { next: from(self.next), since: self.since.map(from), ..self }
    }

    /// When what is known will change next, if the backend goes on to answer as it does; `None` if never.
    pub fn next_change(&self) -> Option<SimTime> {
        let mut ahead = *self;
        if ahead.doomed {
            let end = ahead.next + ahead.current().takes;
            ahead.end(ahead.current(), 1);
            ahead.doomed = false;
            if ahead.health != self.health {
                return Some(end);
            }
        }
        let probe = ahead.current();
        let (wanted, health) = ahead.goal(probe.success);
        if ahead.health == health {
            return None;
        }
        let before = if ahead.streak > 0 && ahead.success == probe.success { ahead.streak } else { 0 };
        let more = i64::from(wanted.saturating_sub(before).max(1));
        let period = probe.takes.0 + ahead.rhythm.interval.0;
        Some(ahead.next + Span(period * (more - 1)) + probe.takes)
    }
}
