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

#[macro_use]
mod tables;
mod load;
mod undo;

pub use load::{Loader, ReplayError};
pub use undo::Mark;
use undo::{encode, encode_key, row_hash};

// The one list of tables: number, name, row. In the order of their numbers; tables whose
// rows feed others' indexes come first.
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
    46 disks crate::ecs::disk::Disk;
    47 residents crate::vpc::resident::Resident;
    // -- how ports answer, outages
    48 service_ports crate::ecs::service_port::ServicePort;
    49 outages crate::ecs::outage::Outage;
    // -- elastic IP addresses, NAT gateways
    50 eips crate::vpc::eip::Eip;
    51 nat_gateways crate::vpc::nat_gateway::NatGateway;
    52 snat_entries crate::vpc::snat::SnatEntry;
    53 forward_entries crate::vpc::forward_entry::ForwardEntry;
    // -- network ACLs
    55 network_acls crate::vpc::network_acl::NetworkAcl;
    56 network_acl_bindings crate::vpc::network_acl_binding::NetworkAclBinding;
    // -- gateways
    57 ipv4_gateways crate::vpc::ipv4_gateway::Ipv4Gateway;
    59 ipv6_gateways crate::vpc::ipv6_gateway::Ipv6Gateway;
    60 ipv6_bandwidths crate::vpc::ipv6_bandwidth::Ipv6Bandwidth;
    61 ha_vips crate::vpc::ha_vip::HaVip;
    // -- peering
    62 vpc_peers crate::vpc::vpc_peer::VpcPeer;
    // -- router interfaces
    63 router_interfaces crate::vpc::router_interface::RouterInterface;
    // -- egress-only rules
    64 ipv6_egress_rules crate::vpc::ipv6_egress_rule::Ipv6EgressRule;
    // -- load balancers (70..=79)
    70 load_balancers crate::slb::load_balancer::LoadBalancer;
    71 listeners crate::slb::listener::Listener;
    72 vserver_groups crate::slb::server_group::VServerGroup;
    73 master_slave_groups crate::slb::master_slave_group::MasterSlaveGroup;
    74 forwarding_rules crate::slb::forwarding_rule::ForwardingRule;
    // -- access control lists of load balancers
    75 access_control_lists crate::slb::acl::AccessControlList;
    // -- certificates
    76 server_certificates crate::slb::certificate::ServerCertificate;
    77 ca_certificates crate::slb::certificate::CaCertificate;
    // -- domain extensions
    78 domain_extensions crate::slb::domain_extension::DomainExtension;
    // -- health
    79 backend_checks crate::slb::health::BackendCheck;
    // -- TLS cipher policies
    83 tls_policies crate::slb::tls_policy::TlsPolicy;
}

/// Where a slice-wise walk over all rows goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    table: TableId,
    key: Vec<u8>,
}

/// The salt of the ids of an era.
fn salt_of(seed: u64) -> u64 {
    mix(seed, 0) & SALT_MASK
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
            began: genesis.at,
            clock,
            provisioning: genesis.provisioning,
            quotas_lifted: genesis.quotas_lifted,
            disputed: genesis.disputed,
            extra_zones: genesis.extra_zones,
        };
        let mut world = World::blank();
        world.now = genesis.at;
        world.tables.settings.put(Box::new(settings));
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
        let start = self.mark();
        let outcome = crate::command::dispatch(self, caller, command);
        if let Ok(reply) = &outcome {
            crate::slb::health::follow(self, start);
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
        let to = to.max(self.now);
        let mut fired = 0;
        while fired < limit && self.fire_next(to) {
            fired += 1;
        }
        let reached = self.next_due().is_none_or(|due| due > to);
        if reached {
            self.now = to;
        }
        // Time that was said to have passed must not be lost with the process, so an entry is made even if no
        // row changed.
        let moved = self.now > start.now || fired > 0;
        (moved.then(|| self.entry(start, fired, None)), reached)
    }

    /// Fires what is due and moves time; how many timers fired.
    ///
    /// After a slice of an advance there may be more timers of the world's very instant; they come first too.
    fn pass_time(&mut self, at: SimTime) -> u64 {
        let at = at.max(self.now);
        let mut fired = 0;
        while self.fire_next(at) {
            fired += 1;
        }
        self.now = at;
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

    pub(crate) fn set_now(&mut self, now: SimTime) {
        self.now = self.now.max(now);
    }

    /// Writes a row, new or changed.
    pub(crate) fn put<R: Stored>(&mut self, row: R) {
        self.place(Box::new(row));
    }

    fn place<R: Stored>(&mut self, row: Box<R>) {
        let key = row.key();
        R::reindex(&mut self.indexes, R::of(&self.tables).get(&key), Some(&row));
        let old = R::of_mut(&mut self.tables).put(row);
        self.undo.push(R::undo(key, old));
    }

    /// Changes a row that exists.
    pub(crate) fn update<R: Stored>(&mut self, key: &R::Key, change: impl FnOnce(&mut R)) {
        let mut row = Box::new(self.get::<R>(key).expect("the handler looked the row up").clone());
        change(&mut row);
        self.place(row);
    }

    /// Removes a row.
    pub(crate) fn remove<R: Stored>(&mut self, key: &R::Key) {
        if let Some(old) = R::of_mut(&mut self.tables).take(key) {
            R::reindex(&mut self.indexes, Some(&old), None);
            self.undo.push(R::undo(key.clone(), Some(old)));
        }
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
