//! A world: all state of one simulated cloud, and the one door through which it changes.
//!
//! Invariants:
//! - State changes only in [`World::apply`] and [`World::advance`]; a refused command leaves no trace.
//! - What time did is committed before a command is judged.
//! - The same commands at the same instants give the same rows and the same digest, on every machine.
//! - Indexes are derived from rows and never stored.

use crate::access::Caller;
use crate::command::{Command, Reply};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{Id, IdNumber, MAX_COUNTER, SALT_MASK, mix};
use crate::journal::{Change, Entry, RULES_VERSION};
use crate::settings::{Clock, ClockMode, Disputed, Provisioning, Settings};
use crate::table::{DecodeError, Row, Table, TableId};
use crate::time::SimTime;
use crate::timer::Counter;

/// The one list of tables: number, name, row. Tables whose rows feed others' indexes come first.
macro_rules! tables {
    ($($number:literal $name:ident $row:ty;)*) => {
        /// The rows of a world.
        #[derive(Clone, Debug, Default)]
        pub struct Tables { $($name: Table<$row>),* }

        /// What is derived from the rows of a world.
        #[derive(Clone, Debug, Default)]
        pub struct Indexes { $(#[doc = concat!("Derived from `", stringify!($name), "`.")] pub $name: <$row as Row>::Index),* }

        /// How a change is taken back: the row as it was.
        #[allow(non_camel_case_types)]
        #[derive(Clone, Debug)]
        pub(crate) enum Undo { $($name(<$row as Row>::Key, Option<Box<$row>>)),* }

        /// A row that has its place in the list of tables.
        pub trait Stored: Row {
            /// The table's number.
            const TABLE: TableId;
            /// The table's name.
            const NAME: &'static str;
            #[doc(hidden)]
            fn of(tables: &Tables) -> &Table<Self>;
            #[doc(hidden)]
            fn of_mut(tables: &mut Tables) -> &mut Table<Self>;
            #[doc(hidden)]
            #[allow(private_interfaces)]
            fn undo(key: Self::Key, old: Option<Self>) -> Undo;
        }

        $(impl Stored for $row {
            const TABLE: TableId = $number;
            const NAME: &'static str = stringify!($name);
            fn of(tables: &Tables) -> &Table<Self> { &tables.$name }
            fn of_mut(tables: &mut Tables) -> &mut Table<Self> { &mut tables.$name }
            #[allow(private_interfaces)]
            fn undo(key: Self::Key, old: Option<Self>) -> Undo { Undo::$name(key, old.map(Box::new)) }
        })*

        /// Name and number of every table.
        pub const TABLES: &[(&str, TableId)] = &[$((stringify!($name), $number)),*];

        /// The version in which rows of a table are written.
        fn table_version(table: TableId) -> u8 {
            match table { $($number => <$row as Row>::VERSION,)* _ => 0 }
        }

        /// The row before a change, encoded.
        fn encode_undo_row(undo: &Undo) -> Option<Vec<u8>> {
            match undo { $(Undo::$name(_, old) => old.as_ref().map(|row| encode(row.as_ref()))),* }
        }

        impl World {
            /// Calls `f` with the name of each table and how many rows it has.
            pub fn for_each_table(&self, mut f: impl FnMut(&'static str, u64)) {
                $(f(stringify!($name), self.tables.$name.len() as u64);)*
            }

            fn take_back(&mut self, undo: Undo) {
                match undo { $(Undo::$name(key, old) => self.reset_row::<$row>(key, old.map(|b| *b))),* }
            }

            /// Table and key of a change, encoded.
            fn encode_undo_key(&self, undo: &Undo) -> (TableId, Vec<u8>) {
                match undo { $(Undo::$name(key, _) => ($number, encode_key(key))),* }
            }

            fn encode_now(&self, undo: &Undo) -> Option<Vec<u8>> {
                match undo { $(Undo::$name(key, _) => self.tables.$name.get(key).map(encode)),* }
            }

            /// Calls `f` with each row in canonical order: table, encoded key, version, encoded row.
            pub fn for_each_row(&self, mut f: impl FnMut(TableId, u8, &[u8], &[u8])) {
                $(for row in self.tables.$name.iter() {
                    f($number, <$row as Row>::VERSION, &encode(&row.key()), &encode(row));
                })*
            }

            /// Encodes at most `limit` rows that come after `cursor`, and says where to go on.
            pub fn slice(&self, cursor: Option<&Cursor>, limit: usize) -> (Vec<Change>, Option<Cursor>) {
                let mut out = Vec::new();
                let mut from = cursor;
                $(
                    if from.is_none_or(|c| c.table <= $number) {
                        let key = from.filter(|c| c.table == $number).map(|c| {
                            postcard::from_bytes::<<$row as Row>::Key>(&c.key).expect("a cursor holds a key of its table")
                        });
                        for row in self.tables.$name.after(key.as_ref()) {
                            if out.len() >= limit {
                                let last: &Change = out.last().expect("the limit is at least 1");
                                let next = Cursor { table: last.table, key: last.key.clone() };
                                return (out, Some(next));
                            }
                            out.push(Change {
                                table: $number,
                                version: <$row as Row>::VERSION,
                                key: encode(&row.key()),
                                row: Some(encode(row)),
                            });
                        }
                        from = from.filter(|c| c.table > $number);
                    }
                )*
                let _ = from;
                (out, None)
            }

            fn load_change(&mut self, change: &Change) -> Result<(), DecodeError> {
                match change.table {
                    $($number => match &change.row {
                        Some(bytes) => { self.tables.$name.put(<$row as Row>::upgrade(change.version, bytes)?); }
                        None => {
                            let key = postcard::from_bytes(&change.key).map_err(|_| DecodeError::Malformed)?;
                            self.tables.$name.take(&key);
                        }
                    },)*
                    other => return Err(DecodeError::UnknownTable(other)),
                }
                Ok(())
            }

            /// Builds indexes and digest anew from the rows.
            fn derive_all(&mut self) {
                let mut indexes = Indexes::default();
                let mut digest = 0u128;
                $(for row in self.tables.$name.iter() {
                    <$row as Row>::reindex(&mut indexes, None, Some(row));
                    digest = digest.wrapping_add(row_hash($number, &encode(&row.key()), &encode(row)));
                })*
                self.indexes = indexes;
                self.digest = digest;
            }
        }
    };
}

tables! {
    1 settings Settings;
    2 counters Counter;
    3 timers crate::timer::Timer;
    4 tokens crate::token::Remembered;
    5 quotas crate::quota::QuotaAdjustment;
    6 tags crate::tag::Tag;
    10 vpcs crate::vpc::vpc::Vpc;
    11 vrouters crate::vpc::vrouter::VRouter;
    12 route_tables crate::vpc::route_table::RouteTable;
    // -- routes (13, 16..=19)
    13 route_entries crate::vpc::route_entry::RouteEntry;
    14 vswitches crate::vpc::vswitch::VSwitch;
    15 cidr_reservations crate::vpc::cidr_reservation::CidrReservation;
    20 resource_groups crate::resource_group::ResourceGroup;
    30 security_groups crate::ecs::security_group::SecurityGroup;
    // -- rules, prefix lists (31..=39)
    31 security_group_rules crate::ecs::security_group_rule::SecurityGroupRule;
    32 prefix_lists crate::ecs::prefix_list::PrefixList;
    40 enis crate::ecs::eni::Eni;
    // -- interfaces (41..=44)
    45 instances crate::ecs::instance::Instance;
    // -- instances, disks, residents (46..=59)
}

/// Where a slice-wise walk over all rows goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    table: TableId,
    key: Vec<u8>,
}

/// A row that a command touched, and where its undo lies.
struct Touched {
    key: (TableId, Vec<u8>),
    at: usize,
}

/// The salt of the ids of an era.
fn salt_of(seed: u64) -> u64 {
    mix(seed, 0) & SALT_MASK
}

fn encode<T: serde::Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::to_extend(value, Vec::with_capacity(224)).expect("rows always encode")
}

/// Keys are short: an id takes 15 bytes.
fn encode_key<T: serde::Serialize + ?Sized>(key: &T) -> Vec<u8> {
    postcard::to_extend(key, Vec::with_capacity(24)).expect("keys always encode")
}

/// The 128-bit hash of one row: XXH3 of the row, seeded with the XXH3 of its key, seeded with its table. It finds
/// mistakes, not attackers.
pub(crate) fn row_hash(table: TableId, key: &[u8], row: &[u8]) -> u128 {
    let seed = xxhash_rust::xxh3::xxh3_64_with_seed(key, u64::from(table));
    xxhash_rust::xxh3::xxh3_128_with_seed(row, seed)
}

/// What a new world starts with.
#[derive(Clone, Debug)]
pub struct Genesis {
    /// The seed that ids and streams grow from. A server draws one, a test fixes one.
    pub seed: u64,
    /// Virtual time at the start.
    pub at: SimTime,
    /// The wall clock at the start, milliseconds since 1970; only matters for a clock that follows it.
    pub wall: i64,
    /// How time passes.
    pub clock: ClockMode,
    /// How long changes of state take.
    pub provisioning: Provisioning,
    /// Whether count quotas are lifted.
    pub quotas_lifted: bool,
    /// Choices where the provider's documents disagree.
    pub disputed: Disputed,
    /// Zones beyond the catalogue's.
    pub extra_zones: Vec<(crate::RegionId, crate::ZoneId)>,
}

impl Default for Genesis {
    /// A manual clock at 2026-01-01T00:00:00Z, instant provisioning, documented quotas, seed 0.
    fn default() -> Genesis {
        Genesis {
            seed: 0,
            at: SimTime(1_767_225_600_000),
            wall: 0,
            clock: ClockMode::Manual,
            provisioning: Provisioning::Instant,
            quotas_lifted: false,
            disputed: Disputed::default(),
            extra_zones: Vec::new(),
        }
    }
}

/// All state of one simulated cloud.
#[derive(Clone, Debug)]
pub struct World {
    tables: Tables,
    indexes: Indexes,
    digest: u128,
    now: SimTime,
    seq: u64,
    undo: Vec<Undo>,
}

/// A point to which a world can be rolled back until [`World::confirm`] is called.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    undo: usize,
    digest: u128,
    now: SimTime,
    seq: u64,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The reply or the refusal.
    pub outcome: Outcome<Reply>,
    /// What the journal must keep: the accepted command, or only the passing of time. Absent if nothing changed.
    pub entry: Option<Entry>,
    /// Whether the reply is a repetition owed to an idempotency token.
    pub replayed: bool,
}

impl World {
    /// An empty world.
    pub fn new(genesis: Genesis) -> World {
        let clock = Clock::anchored(genesis.clock, genesis.wall, genesis.at);
        let settings = Settings {
            seed: genesis.seed,
            salt: salt_of(genesis.seed),
            clock,
            provisioning: genesis.provisioning,
            quotas_lifted: genesis.quotas_lifted,
            disputed: genesis.disputed,
            extra_zones: genesis.extra_zones,
        };
        let mut world = World::blank();
        world.now = genesis.at;
        world.tables.settings.put(settings);
        world.derive_all();
        world
    }

    /// Begins a new era under another seed: ids made from now on differ from all that the world, or the world it
    /// was copied from, made under the old seed. Objects keep their ids. A clock that follows the wall clock
    /// goes on from the world's present instant, whatever time has passed since the rows were written.
    ///
    /// This is no command: it makes the first snapshot of a journal of its own (restore, fork), not an entry.
    #[must_use]
    pub fn begin_era(mut self, seed: u64, wall: i64) -> World {
        let now = self.now;
        self.change_settings(|s| {
            s.seed = seed;
            s.salt = salt_of(seed);
            s.clock = Clock::anchored(s.clock.mode, wall, now);
        });
        // Only the digest is wanted: the snapshot holds the rows.
        self.changes_since(0);
        self.confirm();
        self
    }

    /// A world without even settings, to be filled by [`World::load`].
    fn blank() -> World {
        World {
            tables: Tables::default(),
            indexes: Indexes::default(),
            digest: 0,
            now: SimTime(0),
            seq: 0,
            undo: Vec::new(),
        }
    }

    /// Virtual time.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// The number of the last journal entry.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The digest of all rows.
    pub fn digest(&self) -> u128 {
        self.digest
    }

    /// What the world is set to.
    pub fn settings(&self) -> &Settings {
        self.tables.settings.get(&()).expect("every world has settings")
    }

    /// The row with this key.
    pub fn get<R: Stored>(&self, key: &R::Key) -> Option<&R> {
        R::of(&self.tables).get(key)
    }

    /// All rows of a kind.
    pub fn table<R: Stored>(&self) -> &Table<R> {
        R::of(&self.tables)
    }

    /// What is derived from the rows.
    pub fn indexes(&self) -> &Indexes {
        &self.indexes
    }

    /// How many rows there are in all tables.
    pub fn rows(&self) -> u64 {
        let mut count = 0;
        self.for_each_table(|_, rows| count += rows);
        count
    }

    /// Moves time to `at`, judges the command and commits it if it is accepted.
    ///
    /// An `at` before the world's time counts as the world's time.
    pub fn apply(&mut self, at: SimTime, caller: &Caller, command: Command) -> Applied {
        let applied = self.stage(at, caller, command);
        self.confirm();
        applied
    }

    /// Like [`World::apply`], but it can be taken back with [`World::roll_back`] until [`World::confirm`].
    pub fn stage(&mut self, at: SimTime, caller: &Caller, command: Command) -> Applied {
        let start = self.mark();
        let fired = self.pass_time(at);
        let judged = self.mark();
        let (outcome, replayed) = self.judge(caller, &command);
        let accepted = outcome.is_ok() && !replayed && !caller.dry_run;
        if !accepted {
            self.roll_back(judged);
        }
        let command = accepted.then(|| (caller.clone(), command, outcome.clone().expect("accepted")));
        let entry = self.write_entry(start, fired, command);
        Applied { outcome, entry, replayed }
    }

    fn judge(&mut self, caller: &Caller, command: &Command) -> (Outcome<Reply>, bool) {
        match crate::token::recall(self, caller, command) {
            Err(refusal) => return (Err(refusal), false),
            Ok(Some(reply)) => return (Ok(reply), true),
            Ok(None) => {}
        }
        let outcome = crate::command::dispatch(self, caller, command);
        if let Ok(reply) = &outcome {
            crate::token::remember(self, caller, command, reply);
        }
        (outcome, false)
    }

    /// Moves time to `to`, firing what falls due. Returns the entry to keep; none if `to` is not ahead.
    pub fn advance(&mut self, to: SimTime) -> Option<Entry> {
        let entry = self.stage_advance(to, u64::MAX).0;
        self.confirm();
        entry
    }

    /// Fires at most `limit` timers on the way to `to`; true if `to` was reached. Can be taken back like
    /// [`World::stage`].
    pub fn stage_advance(&mut self, to: SimTime, limit: u64) -> (Option<Entry>, bool) {
        let start = self.mark();
        let mut fired = 0;
        while fired < limit && self.fire_next(to) {
            fired += 1;
        }
        let reached = self.next_due().is_none_or(|due| due > to);
        if reached {
            self.now = self.now.max(to);
        }
        // Time that was said to have passed must not be lost with the process, so an entry is made even if no
        // row changed.
        let moved = self.now > start.now || fired > 0;
        (moved.then(|| self.entry(start, fired, None)), reached)
    }

    /// Fires what is due and moves time; how many timers fired.
    fn pass_time(&mut self, at: SimTime) -> u64 {
        let mut fired = 0;
        while self.fire_next(at) {
            fired += 1;
        }
        self.now = self.now.max(at);
        fired
    }

    /// Makes the entry of a judged command and the time before it; none if it was refused and no timer fired.
    fn write_entry(
        &mut self,
        start: Mark,
        fired: u64,
        command: Option<(Caller, Command, Reply)>,
    ) -> Option<Entry> {
        // A command's instant says how far time went before it.
        let told = if command.is_some() { 0 } else { fired };
        (fired > 0 || command.is_some()).then(|| self.entry(start, told, command))
    }

    /// Makes the entry of all changes since `start`.
    fn entry(&mut self, start: Mark, fired: u64, command: Option<(Caller, Command, Reply)>) -> Entry {
        let changes = self.changes_since(start.undo);
        self.seq += 1;
        let (caller, command, reply) = match command {
            Some((caller, command, reply)) => (Some(caller), Some(command), Some(reply)),
            None => (None, None, None),
        };
        let (seq, at, digest) = (self.seq, self.now, self.digest);
        Entry { seq, at, rules: RULES_VERSION, caller, command, reply, fired, changes, digest }
    }

    /// Encodes what changed since `from` and brings the digest up to date.
    fn changes_since(&mut self, from: usize) -> Vec<Change> {
        let mut touched: Vec<Touched> = Vec::with_capacity(self.undo.len() - from);
        for (at, undo) in self.undo[from..].iter().enumerate() {
            touched.push(Touched { key: self.encode_undo_key(undo), at: from + at });
        }
        // The first undo of a row holds the row as it was before; the order is that of table and key.
        touched.sort_by(|a, b| (a.key.0, &a.key.1, a.at).cmp(&(b.key.0, &b.key.1, b.at)));
        touched.dedup_by(|later, first| later.key == first.key);
        let mut changes = Vec::with_capacity(touched.len());
        for Touched { key: (table, key), at } in touched {
            let undo = &self.undo[at];
            let row = self.encode_now(undo);
            let old = encode_undo_row(undo);
            if old == row {
                continue;
            }
            if let Some(old) = old {
                self.digest = self.digest.wrapping_sub(row_hash(table, &key, &old));
            }
            if let Some(row) = &row {
                self.digest = self.digest.wrapping_add(row_hash(table, &key, row));
            }
            changes.push(Change { table, version: table_version(table), key, row });
        }
        changes
    }

    /// The point to roll back to.
    pub fn mark(&self) -> Mark {
        Mark { undo: self.undo.len(), digest: self.digest, now: self.now, seq: self.seq }
    }

    /// Takes back everything since `mark`.
    pub fn roll_back(&mut self, mark: Mark) {
        while self.undo.len() > mark.undo {
            let undo = self.undo.pop().expect("the length was checked");
            self.take_back(undo);
        }
        self.digest = mark.digest;
        self.now = mark.now;
        self.seq = mark.seq;
    }

    /// Makes everything so far final.
    pub fn confirm(&mut self) {
        self.undo.clear();
    }

    /// Re-runs the command of an entry and compares the digest: the check of `cloudnet verify`.
    ///
    /// # Errors
    /// The first difference: a refusal, another sequence number or another digest.
    pub fn replay(&mut self, entry: &Entry) -> Result<(), ReplayError> {
        let made = match (&entry.caller, &entry.command) {
            (Some(caller), Some(command)) => {
                let applied = self.apply(entry.at, caller, command.clone());
                if let Err(refusal) = applied.outcome {
                    return Err(ReplayError::Refused { seq: entry.seq, refusal });
                }
                applied.entry
            }
            _ => {
                let made = self.stage_advance(entry.at, entry.fired).0;
                self.confirm();
                made
            }
        };
        let Some(made) = made else { return Err(ReplayError::NoEffect { seq: entry.seq }) };
        if made.seq != entry.seq || made.digest != entry.digest {
            return Err(ReplayError::Differs { seq: entry.seq, stored: entry.digest, computed: made.digest });
        }
        Ok(())
    }

    /// Rebuilds a world from stored rows and entries, running no rule.
    pub fn load() -> Loader {
        Loader { world: World::blank() }
    }

    /// Takes an entry over by its rows, running no rule: for entries of other rules versions.
    ///
    /// # Errors
    /// If a row does not decode.
    pub fn restore(mut self, entry: &Entry) -> Result<World, DecodeError> {
        for change in &entry.changes {
            self.load_change(change)?;
        }
        Loader { world: self }.finish(entry.seq, entry.at)
    }

    pub(crate) fn set_now(&mut self, now: SimTime) {
        self.now = self.now.max(now);
    }

    /// Writes a row, new or changed.
    pub(crate) fn put<R: Stored>(&mut self, row: R) {
        let key = row.key();
        R::reindex(&mut self.indexes, R::of(&self.tables).get(&key), Some(&row));
        let old = R::of_mut(&mut self.tables).put(row);
        self.undo.push(R::undo(key, old));
    }

    /// Changes a row that exists.
    pub(crate) fn update<R: Stored>(&mut self, key: &R::Key, change: impl FnOnce(&mut R)) {
        let mut row = self.get::<R>(key).expect("the handler looked the row up").clone();
        change(&mut row);
        self.put(row);
    }

    /// Removes a row.
    pub(crate) fn remove<R: Stored>(&mut self, key: &R::Key) {
        if let Some(old) = R::of_mut(&mut self.tables).take(key) {
            R::reindex(&mut self.indexes, Some(&old), None);
            self.undo.push(R::undo(key.clone(), Some(old)));
        }
    }

    fn reset_row<R: Stored>(&mut self, key: R::Key, old: Option<R>) {
        let now = match old {
            Some(row) => {
                R::reindex(&mut self.indexes, R::of(&self.tables).get(&key), Some(&row));
                R::of_mut(&mut self.tables).put(row);
                return;
            }
            None => R::of_mut(&mut self.tables).take(&key),
        };
        R::reindex(&mut self.indexes, now.as_ref(), None);
    }

    pub(crate) fn change_settings(&mut self, change: impl FnOnce(&mut Settings)) {
        self.update::<Settings>(&(), change);
    }

    /// Takes the next id of a kind.
    ///
    /// # Errors
    /// [`ErrorCode::WorldFull`] after 2^36 objects.
    pub(crate) fn new_id<I: Id>(&mut self, region: &crate::RegionId) -> Outcome<I> {
        let counter = self.count_up(Counter::OBJECTS);
        if counter > MAX_COUNTER {
            return Err(Refusal::new(ErrorCode::WorldFull));
        }
        let code = crate::catalog::region_code(&region.0);
        Ok(I::from_number(IdNumber::new(counter, self.settings().salt, code)))
    }
}

/// Why an entry does not replay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The command is refused now.
    #[error("entry {seq} was accepted and is refused now: {refusal}")]
    Refused {
        /// The entry.
        seq: u64,
        /// Why.
        refusal: Refusal,
    },
    /// The command changes nothing now.
    #[error("entry {seq} changed rows and changes none now")]
    NoEffect {
        /// The entry.
        seq: u64,
    },
    /// The rows differ.
    #[error("entry {seq}: the stored digest is {stored:032x}, the computed one {computed:032x}")]
    Differs {
        /// The entry.
        seq: u64,
        /// The digest in the journal.
        stored: u128,
        /// The digest computed now.
        computed: u128,
    },
    /// The entry was written under rules that this program no longer has.
    #[error("entry {seq} was written under rules version {rules}; this program has {RULES_VERSION}")]
    OtherRules {
        /// The entry.
        seq: u64,
        /// The rules it was written under.
        rules: u32,
    },
}

/// Fills a world with stored rows. Rows are absolute, so a snapshot that was written slice by slice while
/// the world went on is brought to one instant by applying the entries since its start over it.
#[derive(Debug)]
pub struct Loader {
    world: World,
}

impl Loader {
    /// Takes a stored row in, or out if the change is a deletion.
    ///
    /// # Errors
    /// If the bytes do not decode or come from a newer program.
    pub fn change(&mut self, change: &Change) -> Result<(), DecodeError> {
        self.world.load_change(change)
    }

    /// Derives indexes and digest: the world as of entry `seq` at `now`.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] if the rows hold no settings.
    pub fn finish(mut self, seq: u64, now: SimTime) -> Result<World, DecodeError> {
        if self.world.tables.settings.get(&()).is_none() {
            return Err(DecodeError::Malformed);
        }
        self.world.derive_all();
        self.world.seq = seq;
        self.world.now = now;
        Ok(self.world)
    }
}
