//! Lists: which rows, in which order, which page, on both wires.
//!
//! A list is the conjunction of conditions. Those that an index answers give candidates: the narrowest of them is
//! walked, the others are asked for each row, and what no index knows is looked at in the row. Where one index answers
//! alone, the total is its count and no row is visited that is not shown, so that a page costs the same whatever the
//! size of the world. Everything else is walked in slices: the world is read for a bounded time, let go, and read on
//! after the last row seen, so that no list holds up the writer. A row that exists throughout is neither missed nor
//! doubled; one that comes or goes meanwhile may or may not be counted.

use sim_core::id::{AnyId, Id};
use sim_core::resource::{Resource, owner_of};
use sim_core::table::{Groups, Members};
use sim_core::tag::TagPair;
use sim_core::world::Indexes;
use sim_core::{Caller, Outcome, Owner, World};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// How many rows a slice looks at: about a millisecond.
const SLICE_ROWS: u64 = 4_000;
/// How many ids a slice passes over without looking at their rows: about a millisecond.
const SLICE_IDS: u64 = 100_000;

/// An id to filter by: absent if nobody asked, `Some(None)` if the text that was given is no id and fits nothing.
pub type Sought<I> = Option<Option<I>>;

/// Where the index of one kind of group lies.
pub type Index<G, I> = fn(&Indexes) -> &Groups<G, I>;

/// The rows that one condition leaves, as an index or a look-up tells.
enum Candidates<'w, I> {
    /// A group of an index whose members all belong to the caller.
    Own(Members<'w, I>),
    /// The caller's objects with a tag.
    Tagged(Members<'w, AnyId>),
    /// Ids that were named or looked up, whosever they are.
    Named(BTreeSet<I>),
}

impl<I: Id> Candidates<'_, I> {
    fn count(&self) -> u64 {
        match self {
            Candidates::Own(members) => members.count(),
            Candidates::Tagged(members) => members.count(),
            Candidates::Named(ids) => ids.len() as u64,
        }
    }

    fn contains(&self, id: I) -> bool {
        match self {
            Candidates::Own(members) => members.contains(&id),
            Candidates::Tagged(members) => members.contains(&id.into()),
            Candidates::Named(ids) => ids.contains(&id),
        }
    }

    fn after(&self, id: Option<I>) -> Box<dyn Iterator<Item = I> + '_> {
        match self {
            Candidates::Own(members) => Box::new(members.after(id.as_ref()).copied()),
            Candidates::Tagged(members) => {
                let ids = members.after(id.map(Into::into).as_ref());
                Box::new(ids.map(|id| I::from_number(id.number())))
            }
            Candidates::Named(ids) => {
                Box::new(ids.iter().copied().filter(move |this| id.is_none_or(|id| *this > id)))
            }
        }
    }
}

type Condition<I> = Box<dyn for<'w> Fn(&'w World, &Caller) -> Outcome<Candidates<'w, I>> + Send>;
type Rule<R> = Box<dyn Fn(&World, &R) -> bool + Send>;

/// Which of the caller's rows of a kind a list shows.
pub struct Rows<R: Resource> {
    by_owner: Index<Owner, R::Key>,
    conditions: Vec<Condition<R::Key>>,
    rules: Vec<Rule<R>>,
}

impl<R: Resource> Rows<R> {
    /// All of the caller's rows.
    pub fn all(by_owner: Index<Owner, R::Key>) -> Rows<R> {
        Rows { by_owner, conditions: Vec::new(), rules: Vec::new() }
    }

    fn condition(
        mut self,
        condition: impl for<'w> Fn(&'w World, &Caller) -> Outcome<Candidates<'w, R::Key>> + Send + 'static,
    ) -> Rows<R> {
        self.conditions.push(Box::new(condition));
        self
    }

    /// Only these, if any were named; a text that is no id fits nothing.
    #[must_use]
    pub fn named<T: AsRef<str>>(self, texts: &[T]) -> Rows<R> {
        if texts.is_empty() {
            return self;
        }
        let ids: BTreeSet<R::Key> = texts.iter().filter_map(|text| text.as_ref().parse().ok()).collect();
        self.condition(move |_, _| Ok(Candidates::Named(ids.clone())))
    }

    /// Only what belongs to an object, such as a VPC, if one was given. A foreign one fits nothing.
    #[must_use]
    pub fn of<G: Id + Send>(self, group: Sought<G>, index: Index<G, R::Key>) -> Rows<R> {
        let Some(group) = group else { return self };
        self.condition(move |w, caller| {
            let own = |group: &G| owner_of(w, (*group).into()).is_some_and(|owner| owner.admits(caller));
            Ok(match group.filter(own) {
                Some(group) => Candidates::Own(index(w.indexes()).members(&group)),
                None => Candidates::Named(BTreeSet::new()),
            })
        })
    }

    /// Only a group of an index whose groups are each one owner's, such as a zone's, if one was given.
    #[must_use]
    pub fn in_own<K: Clone + Send + 'static, G: Ord + Clone + 'static>(
        self,
        key: Option<K>,
        index: Index<G, R::Key>,
        group: fn(Owner, K) -> G,
    ) -> Rows<R> {
        let Some(key) = key else { return self };
        self.condition(move |w, caller| {
            Ok(Candidates::Own(index(w.indexes()).members(&group(caller.into(), key.clone()))))
        })
    }

    /// Only what carries every one of these tags; an empty value fits any.
    #[must_use]
    pub fn tagged(self, tags: Vec<TagPair>) -> Rows<R> {
        tags.into_iter().fold(self, |rows, tag| {
            rows.condition(move |w, caller| {
                Ok(Candidates::Tagged(w.indexes().tags.tagged(caller, R::Key::KIND, &tag)))
            })
        })
    }

    /// Only the rows that a look at the world finds; whosever they are.
    #[must_use]
    pub fn found(
        self,
        find: impl Fn(&World, &Caller) -> Outcome<BTreeSet<R::Key>> + Send + 'static,
    ) -> Rows<R> {
        self.condition(move |w, caller| find(w, caller).map(Candidates::Named))
    }

    /// Only rows that fit what was asked for, if it was, where no index knows.
    #[must_use]
    pub fn keep<T: Send + 'static>(
        mut self,
        asked: Option<T>,
        fits: impl Fn(&World, &R, &T) -> bool + Send + 'static,
    ) -> Rows<R> {
        if let Some(asked) = asked {
            self.rules.push(Box::new(move |w, row| fits(w, row, &asked)));
        }
        self
    }

    /// What each condition leaves; the narrowest comes last.
    fn candidates<'w>(&self, w: &'w World, caller: &Caller) -> Outcome<Vec<Candidates<'w, R::Key>>> {
        let mut all = Vec::with_capacity(self.conditions.len().max(1));
        for condition in &self.conditions {
            all.push(condition(w, caller)?);
        }
        if all.is_empty() {
            all.push(Candidates::Own((self.by_owner)(w.indexes()).members(&caller.into())));
        }
        if let Some(narrowest) = (0..all.len()).min_by_key(|&at| all[at].count()) {
            let narrowest = all.swap_remove(narrowest);
            all.push(narrowest);
        }
        Ok(all)
    }
}

/// Which part of a list is shown.
#[derive(Clone, Copy, Debug)]
pub struct Part<I> {
    /// Only rows after this one.
    pub after: Option<I>,
    /// How many of those are passed over.
    pub skip: u64,
    /// How many are shown at most.
    pub size: usize,
    /// Whether the rows of the whole list are counted.
    pub count: bool,
}

/// A part of a list.
#[derive(Debug)]
pub struct Found<T, I> {
    /// What is shown of its rows.
    pub items: Vec<T>,
    /// How many rows the whole list has; 0 if nobody asked.
    pub total: u64,
    /// The last row shown, if there are more.
    pub next: Option<I>,
}

/// How a row is shown.
pub type Show<R, T> = Box<dyn Fn(&World, &R) -> T + Send>;

/// A list that is being made, slice by slice.
pub struct Walk<R: Resource, T> {
    rows: Rows<R>,
    part: Part<R::Key>,
    show: Show<R, T>,
    /// The last row seen.
    at: Option<R::Key>,
    begun: bool,
    counting: bool,
    skipped: u64,
    total: u64,
    items: Vec<T>,
    /// The last row shown.
    last: Option<R::Key>,
    /// Whether there are rows after it.
    more: bool,
}

impl<R: Resource, T> Walk<R, T> {
    /// A walk that has not begun.
    pub fn new(
        rows: Rows<R>,
        part: Part<R::Key>,
        show: impl Fn(&World, &R) -> T + Send + 'static,
    ) -> Walk<R, T> {
        Walk {
            rows,
            part,
            show: Box::new(show),
            at: None,
            begun: false,
            counting: part.count,
            skipped: 0,
            total: 0,
            items: Vec::new(),
            last: None,
            more: false,
        }
    }

    fn finish(&mut self) -> ControlFlow<Outcome<Found<T, R::Key>>> {
        let items = std::mem::take(&mut self.items);
        ControlFlow::Break(Ok(Found { items, total: self.total, next: self.last.filter(|_| self.more) }))
    }

    /// Does one slice. Breaks with the refusal of a look at the world that the list needs, if one refuses.
    pub fn step(&mut self, w: &World, caller: &Caller) -> ControlFlow<Outcome<Found<T, R::Key>>> {
        let candidates = match self.rows.candidates(w, caller) {
            Ok(candidates) => candidates,
            Err(refusal) => return ControlFlow::Break(Err(refusal)),
        };
        let (narrowest, others) = candidates.split_last().expect("a list has candidates");
        let named = matches!(narrowest, Candidates::Named(_));
        // One index answers alone: its count is the total and its order the list's.
        let exact = !named && others.is_empty() && self.rows.rules.is_empty();
        if !self.begun {
            self.begun = true;
            if exact && self.counting {
                self.total = narrowest.count();
                self.counting = false;
            }
            if !self.counting {
                self.at = self.part.after;
            }
        }
        let mut ids = narrowest.after(self.at);
        if exact && self.skipped < self.part.skip {
            let wanted = (self.part.skip - self.skipped).min(SLICE_IDS);
            let mut passed = 0;
            for id in ids.by_ref().take(wanted as usize) {
                self.at = Some(id);
                passed += 1;
            }
            self.skipped += passed;
            if passed < wanted {
                return self.finish();
            }
            if self.skipped < self.part.skip {
                return ControlFlow::Continue(());
            }
        }
        let mut rows = w.table::<R>().reader();
        for _ in 0..SLICE_ROWS {
            let Some(id) = ids.next() else { return self.finish() };
            self.at = Some(id);
            let Some(row) = rows.get(&id) else { continue };
            let fits = (!named || row.admits(caller))
                && others.iter().all(|other| other.contains(id))
                && self.rows.rules.iter().all(|rule| rule(w, row));
            if fits && self.take(w, id, row) {
                return self.finish();
            }
        }
        ControlFlow::Continue(())
    }

    /// Counts and shows a row that fits; true if nothing more is to be learned.
    fn take(&mut self, w: &World, id: R::Key, row: &R) -> bool {
        self.total += u64::from(self.counting);
        if self.part.after.is_some_and(|after| id <= after) {
            return false;
        }
        if self.skipped < self.part.skip {
            self.skipped += 1;
            return false;
        }
        if self.items.len() < self.part.size {
            self.last = Some(id);
            self.items.push((self.show)(w, row));
            return false;
        }
        self.more = true;
        !self.counting
    }
}
