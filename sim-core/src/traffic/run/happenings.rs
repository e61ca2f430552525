//! What happens beside arrivals: ends, faults, verdicts, drained connections, and what protections see.

use super::super::plan::{Member, Plan, Strikes};
use super::super::report::{Cause, What};
use super::super::scenario::Fault;
use super::*;
use crate::balancing::probe_series::Health;
use crate::ecs::service_port::PortBehaviour;

impl State {
    pub(super) fn of(plan: &Plan, member: &Member) -> State {
        let serving = &plan.servings[member.serving as usize];
        let series = serving.check.as_ref().filter(|_| !member.waits).map(|check| {
            let found = found_by_probes(&plan.backends[member.backend as usize], member.checked);
            let start = SimTime(-serving.running_for.0);
            let anew = || ProbeSeries::new(check.rhythm(), check.answering(Some(found)), start);
            let mut series = member.probes.unwrap_or_else(anew);
            series.bring_to(SimTime(0));
            series
        });
        State {
            weight: member.weight,
            checked: member.checked,
            series,
            place: None,
            open: 0,
            life: 0,
            drained: None,
        }
    }

    /// Whether it takes new connections.
    pub(super) fn takes(&self) -> bool {
        self.weight > 0 && self.series.is_none_or(|series| series.health() == Health::Normal)
    }

    fn health(&self) -> Option<Health> {
        self.series.map(|series| series.health())
    }
}

/// What probes of a member find.
fn found_by_probes(backend: &Backend, checked: Option<(Answers, u16)>) -> PortBehaviour {
    match checked {
        Some((answers, status)) => answers.found(status),
        None => backend.to_probes(),
    }
}

impl Run<'_> {
    /// Lets everything happen that falls at or before `at`, in order; at one instant ends come first, then
    /// timeouts, then zones, then faults, then verdicts, then what drained, then what protections measured.
    pub(super) fn bring_to(&mut self, at: u64) {
        loop {
            let fault = self.plan.faults.get(self.next_fault).map(|fault| fault.at);
            let verdict = self.next_verdict.map(|(when, _)| when);
            let fate = self.timeouts.next();
            let zone = self.zones.next();
            let all = [fate, zone, fault, verdict, self.next_drained, self.next_look];
            let first = all.into_iter().flatten().min();
            let first = first.filter(|first| *first <= at);
            while let Some(end) = self.ends.take(first.unwrap_or(at)) {
                self.end_one(end);
            }
            let Some(first) = first else { return };
            if fate == Some(first) {
                self.meet_fate();
            } else if zone == Some(first) {
                self.change_zone();
            } else if fault == Some(first) {
                self.strike();
            } else if verdict == Some(first) {
                self.judge();
            } else if self.next_drained == Some(first) {
                self.cut_drained(first);
            } else {
                self.look(first);
            }
        }
    }

    /// Protections look at the second that ends.
    fn look(&mut self, when: u64) {
        for balancer in 0..self.fronts.len() {
            let Some(guard) = &mut self.fronts[balancer].guard else { continue };
            let changes: Vec<What> = guard.look().collect();
            self.next_look = Some(guard.next_look());
            for what in changes {
                self.note_balancer(when, balancer, what);
                if what == What::BlackHoleBegan {
                    self.cut_all(when, balancer, Cause::BlackHole);
                }
            }
        }
    }

    /// Notes what happened to a load balancer, with its name where it has one.
    pub(super) fn note_balancer(&mut self, when: u64, balancer: usize, what: What) {
        let name = Some(self.plan.balancers[balancer].name.as_str()).filter(|name| !name.is_empty());
        self.counts.note(when, None, name, what);
    }

    /// Every open connection through a load balancer fails.
    pub(super) fn cut_all(&mut self, when: u64, balancer: usize, cause: Cause) {
        let plan = self.plan;
        for (serving, spec) in plan.servings.iter().enumerate() {
            if plan.listener_of(serving).balancer as usize == balancer {
                spec.members.clone().for_each(|member| self.cut(when, member, cause));
            }
        }
    }

    fn strike(&mut self) {
        let plan = self.plan;
        let planned = &plan.faults[self.next_fault];
        self.next_fault += 1;
        match &planned.strikes {
            Strikes::Backend(backend, fault) => self.strike_backend(planned.at, *backend as usize, fault),
            Strikes::Probes { member, answers, status } => {
                let member = *member as usize;
                self.members[member].checked = Some((*answers, *status));
                let spec = &plan.members[member];
                let of = plan.servings[spec.serving as usize].label.as_deref();
                let backend = &plan.backends[spec.backend as usize].name;
                self.counts.note(planned.at, Some(backend), of, What::Fault);
                self.probe_otherwise(planned.at, member);
                self.choose_anew(spec.serving as usize);
            }
        }
        self.find_verdict();
    }

    fn strike_backend(&mut self, when: u64, backend: usize, fault: &Fault) {
        fault.strike(&mut self.backends[backend]);
        let dead = matches!(self.backends[backend].answers, Answers::Refuses | Answers::Silent);
        self.counts.note(when, Some(&fault.backend), None, What::Fault);
        for at in 0..self.members_of[backend].len() {
            let member = self.members_of[backend][at];
            self.members[member].weight = fault.weight.unwrap_or(self.members[member].weight);
            self.probe_otherwise(when, member);
            if dead {
                self.cut(when, member, Cause::Cut);
            }
            self.choose_anew(self.plan.members[member].serving as usize);
        }
    }

    /// The backend of a member answers otherwise, which its probes will find or find at once.
    fn probe_otherwise(&mut self, when: u64, member: usize) {
        let spec = &self.plan.members[member];
        let state = &mut self.members[member];
        let known = state.health();
        let check = &self.plan.servings[spec.serving as usize].check;
        if let (Some(series), Some(check)) = (&mut state.series, check) {
            let found = found_by_probes(&self.backends[spec.backend as usize], state.checked);
            series.change(SimTime((when / US) as i64), check.answering(Some(found)));
        }
        if state.health() != known {
            self.note_health(when, member);
        }
    }

    fn judge(&mut self) {
        let Some((when, member)) = self.next_verdict else { return };
        if let Some(series) = &mut self.members[member].series {
            series.bring_to(SimTime((when / US) as i64));
        }
        self.note_health(when, member);
        self.choose_anew(self.plan.members[member].serving as usize);
        self.find_verdict();
    }

    /// Finds the next verdict.
    pub(super) fn find_verdict(&mut self) {
        let verdict = |(member, state): (usize, &State)| {
            let next = state.series.and_then(|series| series.next_change());
            next.map(|at| (at.0.unsigned_abs() * US, member))
        };
        self.next_verdict = self.members.iter().enumerate().filter_map(verdict).min();
    }

    /// A verdict has fallen: without draining, the connections of an abnormal backend are cut.
    fn note_health(&mut self, when: u64, member: usize) {
        let spec = &self.plan.members[member];
        let serving = spec.serving as usize;
        let drain = self.plan.listener_of(serving).drain;
        let state = &mut self.members[member];
        let Some(health) = state.health() else { return };
        state.drained = (health == Health::Abnormal && state.open > 0).then_some(when + drain);
        self.find_drained();
        let name = &self.plan.backends[spec.backend as usize].name;
        self.counts.note(when, Some(name), self.plan.servings[serving].label.as_deref(), health.into());
        if drain == 0 {
            self.cut_drained(when);
        }
    }

    fn find_drained(&mut self) {
        self.next_drained = self.members.iter().filter_map(|member| member.drained).min();
    }

    fn cut_drained(&mut self, when: u64) {
        for member in 0..self.members.len() {
            if self.members[member].drained.is_some_and(|drained| drained <= when) {
                self.members[member].drained = None;
                self.cut(when, member, Cause::Cut);
            }
        }
        self.find_drained();
    }

    /// Every open connection of a member fails.
    fn cut(&mut self, when: u64, member: usize, cause: Cause) {
        let (serving, crowds) = (self.plan.members[member].serving as usize, self.plan.crowds.len());
        let state = &mut self.members[member];
        let lost = std::mem::take(&mut state.open);
        let place = state.place;
        state.life += 1;
        for crowd in 0..crowds {
            let of_crowd = std::mem::take(&mut self.open_of[member * crowds + crowd]);
            self.counts.fail(when, Whose { crowd, serving, member: Some(member) }, cause, of_crowd);
        }
        self.no_longer_open(member, lost);
        if let Some(place) = place {
            (0..lost).for_each(|_| self.choices[serving].chooser.ended(place));
        }
    }
}
