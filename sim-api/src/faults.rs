//! Faults on the provider wire, for testing that a client retries rightly: throttling, busy answers, errors, delays,
//! answers lost after the commit, stale reads.
//!
//! A world's faults are outside its state: they change no row, no digest and no journal, live as long as the process
//! and go away with the world. Whether a fault strikes is drawn from its seed and from how many requests it has met,
//! so the same requests in the same order meet the same faults.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sim_core::{SimTime, Span, World};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// The most faults that a world has at once.
pub const MAX_FAULTS: usize = 100;
/// A draw is from so many.
pub const MILLION: u32 = 1_000_000;

/// What a fault does to a request that it strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The request is refused and nothing is carried out.
    Refuse {
        /// HTTP status, 400 to 599.
        status: u16,
        /// The provider's code.
        code: String,
        /// The text for people; some clients search it.
        message: String,
    },
    /// The request is carried out later, by the wall clock.
    Delay(Duration),
    /// The request is carried out, and its connection is closed without an answer.
    LostAnswer,
    /// A read is answered by a copy of the world that is brought up to date every so often, in virtual time.
    StaleRead(Span),
}

/// The faults that have a name of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `Throttling.User` with status 400, as for an account that calls too often.
    Throttling,
    /// `OperationConflict` with status 400, unless `code` and `status` say otherwise: another change is under way.
    Busy,
    /// `ServiceUnavailable` with status 503.
    Unavailable,
    /// `InternalError` with status 500.
    InternalError,
    /// The given `code` and `status`.
    Error,
    /// The answer comes `milliseconds` later by the wall clock.
    Delay,
    /// The request is carried out and its connection closed without an answer.
    LostAnswer,
    /// A read sees the world as it was up to `milliseconds` of virtual time ago.
    StaleRead,
}

/// A fault as it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its number in the world, from 1.
    pub number: u64,
    /// The word that it was set by.
    pub kind: Kind,
    /// The action that it strikes; any if absent.
    pub action: Option<String>,
    /// What it does.
    pub effect: Effect,
    /// How likely it strikes, in millionths.
    pub per_million: u32,
    /// How many matching requests pass before it strikes.
    pub skip: u64,
    /// How often it strikes at most.
    pub count: Option<u64>,
    /// From which virtual time it strikes.
    pub from: Option<SimTime>,
    /// Until which virtual time it strikes, which is not included.
    pub until: Option<SimTime>,
    /// What draws grow from.
    pub seed: u64,
}

/// How often a fault met a request, and how often it struck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Matching requests within its time.
    pub seen: u64,
    /// Those that it struck.
    pub struck: u64,
}

struct Standing {
    fault: Fault,
    met: Met,
    replica: Option<Replica>,
}

/// A copy of the world, for stale reads.
#[derive(Clone)]
pub struct Replica {
    /// When it was taken.
    pub at: SimTime,
    /// The copy.
    pub world: Arc<World>,
}

/// What happens to one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Struck {
    /// The faults that struck, in their order.
    pub faults: Vec<u64>,
    /// How much later it is carried out.
    pub delay: Duration,
    /// Status, code and message of its refusal.
    pub refusal: Option<(u16, String, String)>,
    /// Whether its answer is lost.
    pub lost: bool,
    /// Which fault's copy answers it, and how old the copy may be.
    pub stale: Option<(u64, Span)>,
}

/// The faults of a world.
#[derive(Default)]
pub struct Faults {
    standing: Mutex<(u64, Vec<Standing>)>,
}

impl Faults {
    /// Adds a fault and numbers it; `None` if there are [`MAX_FAULTS`].
    pub fn add(&self, mut fault: Fault, replica: Option<Replica>) -> Option<Fault> {
        let mut standing = self.standing.lock();
        let (last, list) = &mut *standing;
        if list.len() >= MAX_FAULTS {
            return None;
        }
        *last += 1;
        fault.number = *last;
        list.push(Standing { fault: fault.clone(), met: Met::default(), replica });
        Some(fault)
    }

    /// All faults in their order.
    pub fn all(&self) -> Vec<(Fault, Met)> {
        self.standing.lock().1.iter().map(|s| (s.fault.clone(), s.met)).collect()
    }

    /// Takes a fault away; false if there is none of that number.
    pub fn remove(&self, number: u64) -> bool {
        let list = &mut self.standing.lock().1;
        let before = list.len();
        list.retain(|s| s.fault.number != number);
        list.len() < before
    }

    /// Takes all faults away.
    pub fn clear(&self) {
        self.standing.lock().1.clear();
    }

    /// Whether there are none, which is the usual case and costs one lock.
    pub fn is_empty(&self) -> bool {
        self.standing.lock().1.is_empty()
    }

    /// What happens to a request for `action` at virtual time `now`. Every matching fault counts it; delays add up, and the
    /// first refusal holds.
    pub fn meet(&self, action: &str, now: SimTime) -> Struck {
        let mut struck = Struck::default();
        for standing in &mut self.standing.lock().1 {
            if standing.meets(action, now) {
                struck.add(&standing.fault);
            }
        }
        struck
    }

    /// The copy that fault `number` answers by, if it is at most `age` old.
    pub fn replica(&self, number: u64, age: Span, now: SimTime) -> Option<Replica> {
        let standing = self.standing.lock();
        let replica = standing.1.iter().find(|s| s.fault.number == number)?.replica.clone()?;
        (now < replica.at + age).then_some(replica)
    }

    /// Gives a fault a new copy to answer by.
    pub fn renew(&self, number: u64, replica: Replica) {
        if let Some(standing) = self.standing.lock().1.iter_mut().find(|s| s.fault.number == number) {
            standing.replica = Some(replica);
        }
    }
}

impl Standing {
    /// Counts a request, and says whether the fault strikes it.
    fn meets(&mut self, action: &str, now: SimTime) -> bool {
        let Fault { skip, count, from, until, seed, per_million, .. } = self.fault;
        let matches = self.fault.action.as_deref().is_none_or(|wanted| wanted == action);
        if !matches || from.is_some_and(|from| now < from) || until.is_some_and(|until| now >= until) {
            return false;
        }
        self.met.seen += 1;
        let ordinal = self.met.seen;
        let strikes = ordinal > skip
            && count.is_none_or(|count| self.met.struck < count)
            && draw(seed, ordinal) < per_million;
        self.met.struck += u64::from(strikes);
        strikes
    }
}

impl Struck {
    fn add(&mut self, fault: &Fault) {
        self.faults.push(fault.number);
        match &fault.effect {
            Effect::Delay(by) => self.delay += *by,
            Effect::LostAnswer => self.lost = true,
            Effect::StaleRead(age) => self.stale = self.stale.or(Some((fault.number, *age))),
            Effect::Refuse { status, code, message } => {
                self.refusal.get_or_insert_with(|| (*status, code.clone(), message.clone()));
            }
        }
    }
}

/// A number below a million, the same for the same seed and ordinal everywhere.
fn draw(seed: u64, ordinal: u64) -> u32 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..].copy_from_slice(&ordinal.to_le_bytes());
    (xxhash_rust::xxh3::xxh3_64(&bytes) % u64::from(MILLION)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(effect: Effect) -> Fault {
        Fault {
            number: 0,
            kind: Kind::Error,
            action: Some("CreateVpc".to_owned()),
            effect,
            per_million: MILLION,
            skip: 0,
            count: None,
            from: None,
            until: None,
            seed: 7,
        }
    }

    fn refusal() -> Effect {
        Effect::Refuse { status: 400, code: "TaskConflict".to_owned(), message: "busy".to_owned() }
    }

    fn strikes(faults: &Faults, action: &str, at: i64) -> bool {
        !faults.meet(action, SimTime(at)).faults.is_empty()
    }

    #[test]
    fn a_fault_strikes_its_action_in_its_time_after_some_and_so_often() {
        let faults = Faults::default();
        let limits = Fault {
            skip: 1,
            count: Some(2),
            from: Some(SimTime(10)),
            until: Some(SimTime(20)),
            ..fault(refusal())
        };
        faults.add(limits, None).unwrap();
        let met =
            [("CreateVpc", 9), ("CreateVpc", 10), ("DeleteVpc", 11), ("CreateVpc", 12), ("CreateVpc", 13)];
        let met: Vec<bool> = met.into_iter().map(|(action, at)| strikes(&faults, action, at)).collect();
        assert_eq!(met, [false, false, false, true, true]);
        assert!(!strikes(&faults, "CreateVpc", 14), "it has struck twice");
        assert_eq!(faults.all()[0].1, Met { seen: 4, struck: 2 });
        let late = Faults::default();
        late.add(Fault { until: Some(SimTime(20)), ..fault(refusal()) }, None).unwrap();
        assert_eq!((strikes(&late, "CreateVpc", 19), strikes(&late, "CreateVpc", 20)), (true, false));
    }

    #[test]
    fn draws_are_the_seeds_own_and_as_likely_as_asked() {
        let run = |seed| -> Vec<bool> {
            let faults = Faults::default();
            let half = Fault { per_million: MILLION / 4, seed, ..fault(refusal()) };
            faults.add(half, None).unwrap();
            (0..4_000).map(|_| strikes(&faults, "CreateVpc", 0)).collect()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let struck = run(1).iter().filter(|s| **s).count();
        assert!((900..1_100).contains(&struck), "{struck} of 4000 at one in four");
    }

    #[test]
    fn several_faults_come_together() {
        let faults = Faults::default();
        for effect in [
            Effect::Delay(Duration::from_millis(3)),
            Effect::Delay(Duration::from_millis(4)),
            Effect::LostAnswer,
            refusal(),
            Effect::StaleRead(Span(50)),
        ] {
            faults.add(Fault { action: None, ..fault(effect) }, None).unwrap();
        }
        let struck = faults.meet("DescribeVpcs", SimTime(0));
        assert_eq!(struck.faults, [1, 2, 3, 4, 5]);
        assert_eq!((struck.delay, struck.lost), (Duration::from_millis(7), true));
        assert_eq!(
            (struck.refusal.unwrap().1, struck.stale),
            ("TaskConflict".to_owned(), Some((5, Span(50))))
        );
        assert!(faults.remove(4) && !faults.remove(4));
        assert_eq!(faults.meet("DescribeVpcs", SimTime(0)).refusal, None);
        faults.clear();
        assert!(faults.is_empty());
    }

    #[test]
    fn a_copy_answers_until_it_is_too_old() {
        let faults = Faults::default();
        let world = Arc::new(World::new(sim_core::Genesis::default()));
        let copy = |at| Replica { at: SimTime(at), world: world.clone() };
        let stale = faults.add(fault(Effect::StaleRead(Span(50))), Some(copy(100))).unwrap();
        let seen = |now| faults.replica(stale.number, Span(50), SimTime(now)).map(|r| r.at);
        assert_eq!((seen(149), seen(150)), (Some(SimTime(100)), None));
        faults.renew(stale.number, copy(150));
        assert_eq!(seen(150), Some(SimTime(150)));
    }

    #[test]
    fn there_are_at_most_a_hundred() {
        let faults = Faults::default();
        for n in 1..=MAX_FAULTS as u64 {
            assert_eq!(faults.add(fault(refusal()), None).unwrap().number, n);
        }
        assert_eq!(faults.add(fault(refusal()), None), None);
    }
}
