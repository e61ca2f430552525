//! Who is told the steps of a packet's way: what keeps them all, or nothing.

use super::hop::{Hop, Leg};

/// Who is told the steps of a way.
pub(super) trait Sink {
    /// Is told a step; what keeps nothing does not have it made.
    fn step(&mut self, leg: Leg, hop: impl FnOnce() -> Hop);
}

/// Keeps the steps of both legs.
#[derive(Debug, Default)]
pub(super) struct Keep {
    pub forward: Vec<Hop>,
    pub back: Vec<Hop>,
}

impl Sink for Keep {
    fn step(&mut self, leg: Leg, hop: impl FnOnce() -> Hop) {
        match leg {
            Leg::Forward => self.forward.push(hop()),
            Leg::Return => self.back.push(hop()),
        }
    }
}

/// Keeps nothing: for verdicts.
#[derive(Debug)]
pub(super) struct Forget;

impl Sink for Forget {
    fn step(&mut self, _: Leg, _: impl FnOnce() -> Hop) {}
}
