//! Plays a history and checks at every step what holds in all of them.

use crate::commands::{KINDS, Make};
use crate::dice::Dice;
use crate::state::{State, reload, rows};
use crate::{reached::Reached, sound, teardown, usage};
use proptest::prelude::*;
use sim_core::settings::Provisioning;
use sim_core::{AccountId, Applied, Caller, Command, Entry, Genesis, SimTime, Span, Token, World};
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// One command to be made and given, in terms of the world that it will meet.
#[derive(Clone)]
pub struct Step {
    kind: usize,
    who: usize,
    wait: i64,
    token: Option<u8>,
    dry_run: bool,
    /// The command before is given once more, as a client does that lost the answer.
    again: bool,
    dice: Vec<u16>,
}

impl fmt::Debug for Step {
    /// Short: the commands themselves are told with what went wrong.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} +{} {:?}", self.who, KINDS[self.kind].0, self.wait, self.dice)
    }
}

#[derive(Clone, Debug)]
pub struct History {
    provisioning: Provisioning,
    /// Whether the world begins with a VPC, vSwitches, groups and a table of the first caller.
    opening: bool,
    slice: usize,
    steps: Vec<Step>,
}

/// Kinds of commands as often as they are to come.
fn weighted() -> Vec<usize> {
    KINDS.iter().enumerate().flat_map(|(at, &(_, weight, _))| std::iter::repeat_n(at, weight)).collect()
}

fn step() -> impl Strategy<Value = Step> {
    let wait = prop::sample::select(vec![0, 0, 0, 0, 50, 200, 1_000, 3_000, 90_000, 25 * 3_600_000]);
    let token = prop::option::weighted(0.3, 0..2_u8);
    (
        prop::sample::select(weighted()),
        prop::sample::select(vec![0, 0, 0, 0, 0, 0, 1, 2, 3]),
        wait,
        token,
        prop::bool::weighted(0.02),
        prop::bool::weighted(0.05),
        prop::collection::vec(any::<u16>(), 24),
    )
        .prop_map(|(kind, who, wait, token, dry_run, again, dice)| Step {
            kind,
            who,
            wait,
            token,
            dry_run,
            again,
            dice,
        })
}

pub fn history(length: usize) -> impl Strategy<Value = History> {
    let profiles = vec![Provisioning::Instant, Provisioning::Visible, Provisioning::Documented];
    (
        prop::sample::select(profiles),
        prop::bool::weighted(0.8),
        1..9_usize,
        prop::collection::vec(step(), 1..length),
    )
        .prop_map(|(provisioning, opening, slice, steps)| History {
            provisioning,
            opening,
            slice,
            steps,
        })
}

/// Two accounts in two regions.
pub fn callers() -> [Caller; 4] {
    let other = AccountId(1_000_000_000_000_002);
    [
        (AccountId::DEFAULT, "cn-hangzhou"),
        (AccountId::DEFAULT, "cn-beijing"),
        (other, "cn-hangzhou"),
        (other, "cn-beijing"),
    ]
    .map(|(account, region)| Caller::new(account, region))
}

struct Player {
    world: World,
    genesis: Genesis,
    journal: Vec<Entry>,
    /// What the world is after the last step.
    state: Option<State>,
    /// A world that was loaded from rows half-way and goes on beside the first.
    twin: Option<World>,
    reached: Reached,
}

/// Plays a history; what was reached, or what went wrong after which commands.
pub fn play(history: &History) -> Result<Reached, String> {
    let told = RefCell::new(Vec::new());
    let outcome = catch_unwind(AssertUnwindSafe(|| run(history, &told)));
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned())).unwrap_or_default();
        let told = told.into_inner();
        format!("{text}\n{}", told.join("\n"))
    })
}

fn run(history: &History, told: &RefCell<Vec<String>>) -> Reached {
    let genesis = Genesis { provisioning: history.provisioning, seed: 7, ..Genesis::default() };
    let world = World::new(genesis.clone());
    let reached = Reached::default();
    let mut player = Player { world, genesis, journal: Vec::new(), state: None, twin: None, reached };
    if history.opening {
        crate::opening::commands(|caller, command| player.open(caller, command));
    }
    let mut last: Option<(Caller, Command)> = None;
    for (at, step) in history.steps.iter().enumerate() {
        if at == history.steps.len() / 2 {
            player.twin = Some(reload(&player.world, history.slice));
        }
        let (caller, command) = match (&last, step.again) {
            (Some(last), true) => last.clone(),
            _ => player.make(step),
        };
        last = Some((caller.clone(), command.clone()));
        told.borrow_mut().push(format!("+{} ms {caller:?} {command:?}", step.wait));
        player.step(step.wait, &caller, command, at);
    }
    told.borrow_mut().push("-- the end".to_owned());
    player.end()
}

impl Player {
    /// Gives an opening command and waits until nothing is pending.
    fn open(&mut self, caller: &Caller, command: Command) -> sim_core::Reply {
        let applied = self.world.apply(self.world.now(), caller, command);
        self.journal.extend(applied.entry);
        while let Some(due) = self.world.next_due() {
            self.journal.extend(self.world.advance(due));
        }
        // A load balancer that carries out a change has no timer: the instant until when it does is kept.
        if self.genesis.provisioning == Provisioning::Documented {
            self.journal.extend(self.world.advance(self.world.now() + Span(1_000)));
        }
        applied.outcome.expect("the opening is accepted")
    }

    fn make(&self, step: &Step) -> (Caller, Command) {
        let mut caller = callers()[step.who].clone();
        let make: Make = KINDS[step.kind].2;
        let command = make(&mut Dice::new(&self.world, &caller, &step.dice));
        assert_eq!(command.name(), KINDS[step.kind].0, "the list of kinds is wrong");
        caller.dry_run = step.dry_run;
        caller.token = step.token.map(|n| Token::parse(&format!("t-{n}")).unwrap());
        (caller, command)
    }

    fn step(&mut self, wait: i64, caller: &Caller, command: Command, number: usize) {
        let at = self.world.now() + Span(wait);
        let before = self.state.take().unwrap_or_else(|| State::of(&self.world));
        let used = usage::of(&self.world);
        let mark = self.world.mark();
        let tried = self.world.stage(at, caller, command.clone());
        self.world.roll_back(mark);
        State::of(&self.world).assert_same(&before, "rolled back");

        let nothing_written = tried.entry.as_ref().is_none_or(|entry| entry.command.is_none());
        // What time alone makes of the world: nothing, if nothing falls due.
        let due = self.world.next_due().is_some_and(|due| due <= at);
        let idle = (nothing_written && due).then(|| {
            let mut idle = self.world.clone();
            idle.advance(at);
            State::of(&idle)
        });
        let applied = self.world.apply(at, caller, command.clone());
        assert_eq!(applied, tried, "the same command twice in the same world");
        assert_eq!(self.world.now(), at);
        let after = State::of(&self.world);
        if nothing_written {
            let idle = idle.as_ref().unwrap_or(&before);
            after.assert_same_rows(idle, "a command that was not accepted left a trace");
        }
        self.state = Some(after);
        if let Some(twin) = &mut self.twin {
            assert_eq!(twin.apply(at, caller, command.clone()), applied, "after a restart");
        }
        usage::check(&used, &usage::of(&self.world));
        self.check_time(at, number);
        if number.is_multiple_of(4) {
            sound::check(&self.world);
        }
        self.note(caller, &command, &applied);
        self.journal.extend(applied.entry);
    }

    /// Time that passes in two steps does what it does in one, and a month costs no more than what is due in it.
    fn check_time(&self, now: SimTime, number: usize) {
        let (a, b) = (now + Span(150 + number as i64 * 37), now + Span::hours(30 * 24));
        if !number.is_multiple_of(3) || self.world.next_due().is_none() {
            return;
        }
        let (mut once, mut twice) = (self.world.clone(), self.world.clone());
        once.advance(b);
        twice.advance(a);
        twice.advance(b);
        State::of(&twice).assert_same_rows(&State::of(&once), "time in two steps");
        assert_eq!(once.now(), twice.now());
    }

    fn note(&mut self, caller: &Caller, command: &Command, applied: &Applied) {
        self.reached.note(caller, command, applied);
        self.reached.look(&self.world);
    }

    fn end(mut self) -> Reached {
        sound::check(&self.world);
        let end = State::of(&self.world);
        if let Some(twin) = &self.twin {
            State::of(twin).assert_same(&end, "a restart half-way");
        }
        State::of(&reload(&self.world, 5)).assert_same(&end, "indexes derived anew");
        let mut again = World::new(self.genesis.clone());
        let mut loader = World::load();
        rows(&again).iter().for_each(|row| loader.change(row).unwrap());
        for entry in &self.journal {
            again.replay(entry).unwrap_or_else(|error| panic!("{error}: {:?}", entry.command));
            entry.changes.iter().for_each(|change| loader.change(change).unwrap());
        }
        State::of(&again).assert_same_rows(&end, "commands run again");
        let loaded = loader.finish(self.world.seq(), self.world.now()).unwrap();
        State::of(&loaded).assert_same(&end, "changed rows");
        teardown::all(&mut self.world);
        self.reached
    }
}
