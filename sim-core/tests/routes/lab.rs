//! A world with two VPCs and next hops, and short words for commands on routes.

use sim_core::ecs::eni::{Eni, EniKind, EniStatus, TrafficMode};
use sim_core::ecs::instance::{Instance, InstanceStatus};
use sim_core::id::{
    DiskId, EniId, Id, IdNumber, InstanceId, RegionCode, RouteEntryId, RouteTableId, VSwitchId, VpcId,
};
use sim_core::journal::Change;
use sim_core::settings::{ChangeSettings, Provisioning};
use sim_core::vpc::next_hop::{HopChoice, WeightedHop};
use sim_core::vpc::route_entry::{self, *};
use sim_core::vpc::route_table::{self, *};
use sim_core::vpc::vpc::CreateVpc;
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch, VSwitch};
use sim_core::world::Stored;
use sim_core::{
    AccountId, Caller, Command, Entry, ErrorCode as E, Genesis, Outcome, Refusal, Reply, Span, World,
};

pub const NAME_TOO_LONG: usize = 129;

pub fn caller() -> Caller {
    Caller::new(AccountId::DEFAULT, "cn-hangzhou")
}

/// A world with two VPCs, next hops in both, and what has been written to its journal.
pub struct Lab {
    pub world: World,
    pub start: World,
    pub journal: Vec<Entry>,
    pub vpc: VpcId,
    pub other_vpc: VpcId,
    pub system: RouteTableId,
    pub custom: RouteTableId,
    pub web: VSwitchId,
    pub db: VSwitchId,
    pub elsewhere: VSwitchId,
    pub instance: InstanceId,
    pub pending: InstanceId,
    pub foreign: InstanceId,
    pub eni: EniId,
    pub eni6: EniId,
    pub primary: EniId,
    pub eni_two6: EniId,
    pub attaching: EniId,
    pub foreign_eni: EniId,
}

pub fn number(n: u64) -> IdNumber {
    IdNumber::new(1_000_000 + n, 7, RegionCode::from_text("bp1").unwrap())
}

pub fn stored<R: Stored>(row: &R) -> Change {
    let key = postcard::to_stdvec(&row.key()).unwrap();
    Change { table: R::TABLE, version: R::VERSION, key, row: Some(postcard::to_stdvec(row).unwrap()) }
}

/// Next hops as stored rows: what makes them is another subject's.
pub fn host(world: &World, n: u64, vswitch: VSwitchId, ipv6: usize, kind: EniKind, status: EniStatus) -> Eni {
    let vswitch = world.get::<VSwitch>(&vswitch).unwrap();
    Eni {
        id: EniId::from_number(number(n)),
        owner: vswitch.owner.clone(),
        vpc: vswitch.vpc,
        vswitch: vswitch.id,
        kind,
        status,
        mac: n,
        primary_ip: (vswitch.block.bits() + 10 + n as u32).into(),
        secondary_ips: Vec::new(),
        ipv4_prefixes: Vec::new(),
        ipv6: (0..ipv6)
            .map(|i| (vswitch.ipv6.unwrap().bits() + 100 + u128::from(n) * 10 + i as u128).into())
            .collect(),
        ipv6_prefixes: Vec::new(),
        groups: Vec::new(),
        instance: None,
        trunk: None,
        device_index: 0,
        name: Default::default(),
        description: Default::default(),
        resource_group: sim_core::resource_group::default_of(AccountId::DEFAULT),
        delete_on_release: false,
        source_dest_check: true,
        settles: None,
        queues: None,
        traffic_mode: TrafficMode::Standard,
        created: world.now(),
    }
}

pub fn machine(world: &World, n: u64, eni: &Eni, status: InstanceStatus) -> Instance {
    Instance {
        id: InstanceId::from_number(number(n)),
        owner: eni.owner.clone(),
        vpc: eni.vpc,
        vswitch: eni.vswitch,
        zone: world.get::<VSwitch>(&eni.vswitch).unwrap().zone.clone(),
        instance_type: "ecs.g7.large".into(),
        primary_eni: eni.id,
        status,
        name: Default::default(),
        host_name: Default::default(),
        description: Default::default(),
        image: Default::default(),
        resource_group: eni.resource_group,
        deletion_protection: false,
        system_disk: DiskId::from_number(number(1_000 + n)),
        transition: None,
        stopped_mode: None,
        password: None,
        user_data: None,
        public: None,
        metadata: Default::default(),
        maintenance: Default::default(),
        terms: Default::default(),
        ends: None,
        started: None,
        created: world.now(),
    }
}

pub fn vswitch(vpc: VpcId, block: &str, ipv6_subnet: Option<u32>) -> CreateVSwitch {
    CreateVSwitch {
        vpc,
        zone: "cn-hangzhou-k".into(),
        block: BlockChoice::Given(block.parse().unwrap()),
        ipv6_subnet,
        vpc_ipv6_block: None,
        name: None,
        description: None,
        tags: Vec::new(),
    }
}

pub fn table(vpc: VpcId) -> CreateRouteTable {
    CreateRouteTable {
        vpc,
        associate_type: AssociateType::VSwitch,
        name: None,
        description: None,
        tags: Vec::new(),
    }
}

pub fn hop(kind: &str, id: impl ToString) -> HopChoice {
    HopChoice { kind: Some(kind.into()), id: Some(id.to_string().into()), list: Vec::new() }
}

pub fn hops(list: &[(&str, &str, u32)]) -> HopChoice {
    let hop = |&(kind, id, weight): &(&str, &str, u32)| WeightedHop {
        kind: kind.into(),
        id: id.into(),
        weight: Some(weight),
    };
    HopChoice { kind: None, id: None, list: list.iter().map(hop).collect() }
}

pub fn new_entry(table: impl ToString, destination: &str, next_hop: HopChoice) -> NewEntry {
    NewEntry {
        table: table.to_string().into(),
        destination: destination.into(),
        next_hop,
        name: None,
        description: None,
    }
}

pub fn entry(table: impl ToString, destination: &str, next_hop: HopChoice) -> CreateRouteEntry {
    CreateRouteEntry { entry: new_entry(table, destination, next_hop) }
}

pub fn by_id(id: impl ToString) -> EntryRef {
    EntryRef { entry: Some(id.to_string().into()), ..EntryRef::default() }
}

pub fn at(table: impl ToString, destination: &str) -> EntryRef {
    EntryRef { entry: None, table: Some(table.to_string().into()), destination: Some(destination.into()) }
}

pub fn changing(entry: EntryRef, kind: Option<&str>, id: Option<String>) -> ModifyRouteEntry {
    ModifyRouteEntry {
        entry,
        name: None,
        description: None,
        next_hop_kind: kind.map(Into::into),
        next_hop: id.map(Into::into),
    }
}

pub fn deleting(entry: EntryRef) -> DeleteRouteEntry {
    DeleteRouteEntry { entry, next_hop: None, next_hops: Vec::new() }
}

impl Lab {
    pub fn new() -> Lab {
        Lab::with(Genesis::default())
    }

    pub fn with(genesis: Genesis) -> Lab {
        let mut world = World::new(genesis);
        let mut run = |command: Command| world.apply(world.now(), &caller(), command).outcome.unwrap();
        let block = |text: &str| Some(text.parse().unwrap());
        let vpc = run(CreateVpc { block: block("10.0.0.0/8"), ipv6: true, ..CreateVpc::default() }.into());
        let other = run(CreateVpc { block: block("10.0.0.0/8"), ..CreateVpc::default() }.into());
        let Reply::CreatedVpc { vpc, route_table: system, .. } = vpc else { panic!("{vpc:?}") };
        let other_vpc = other.id::<VpcId>();
        let web = run(vswitch(vpc, "10.0.1.0/24", Some(1)).into()).id();
        let db = run(vswitch(vpc, "10.0.2.0/24", Some(3)).into()).id();
        let elsewhere = run(vswitch(other_vpc, "10.0.1.0/24", None).into()).id();
        let custom = run(table(vpc).into()).id();

        let made = |n, vswitch, ipv6, kind, status| host(&world, n, vswitch, ipv6, kind, status);
        let in_use = EniStatus::InUse;
        let first = made(1, web, 1, EniKind::Primary, in_use);
        let second = made(2, web, 0, EniKind::Primary, in_use);
        let third = made(3, elsewhere, 0, EniKind::Primary, in_use);
        let eni = made(4, web, 0, EniKind::Secondary, EniStatus::Available);
        let eni6 = made(5, web, 1, EniKind::Secondary, in_use);
        let eni_two6 = made(6, web, 2, EniKind::Secondary, in_use);
        let attaching = made(7, web, 0, EniKind::Secondary, EniStatus::Attaching);
        let instance = machine(&world, 11, &first, InstanceStatus::Running);
        let pending = machine(&world, 12, &second, InstanceStatus::Pending);
        let foreign = machine(&world, 13, &third, InstanceStatus::Running);
        let mut loader = World::load();
        world.slice(None, 10_000).0.iter().for_each(|row| loader.change(row).unwrap());
        for eni in [&first, &second, &third, &eni, &eni6, &eni_two6, &attaching] {
            loader.change(&stored(eni)).unwrap();
        }
        for instance in [&instance, &pending, &foreign] {
            loader.change(&stored(instance)).unwrap();
        }
        let world = loader.finish(world.seq(), world.now()).unwrap();
        Lab {
            start: world.clone(),
            world,
            journal: Vec::new(),
            vpc,
            other_vpc,
            system,
            custom,
            web,
            db,
            elsewhere,
            instance: instance.id,
            pending: pending.id,
            foreign: foreign.id,
            eni: eni.id,
            eni6: eni6.id,
            primary: first.id,
            eni_two6: eni_two6.id,
            attaching: attaching.id,
            foreign_eni: third.id,
        }
    }

    pub fn run(&mut self, command: impl Into<Command>) -> Outcome<Reply> {
        let applied = self.world.apply(self.world.now(), &caller(), command.into());
        self.journal.extend(applied.entry);
        applied.outcome
    }

    pub fn ok(&mut self, command: impl Into<Command>) -> Reply {
        self.run(command).unwrap()
    }

    pub fn wait(&mut self, ms: i64) {
        let entry = self.world.advance(self.world.now() + Span(ms));
        self.journal.extend(entry);
    }

    pub fn provision(&mut self, provisioning: Provisioning) {
        self.ok(ChangeSettings { provisioning: Some(provisioning), quotas_lifted: None });
    }

    pub fn route(&mut self, table: RouteTableId, destination: &str) -> RouteEntryId {
        let id = self.instance;
        self.ok(entry(table, destination, hop("Instance", id))).id()
    }

    pub fn table(&self, id: RouteTableId) -> &RouteTable {
        self.world.get(&id).unwrap()
    }

    pub fn entries(&self, table: RouteTableId) -> Vec<RouteEntry> {
        route_entry::of_table(&self.world, self.table(table), None).collect()
    }

    pub fn at(&self, table: RouteTableId, destination: &str) -> Option<RouteEntry> {
        route_entry::to_destination(&self.world, self.table(table), destination.parse().unwrap())
    }

    pub fn lookup(&self, table: RouteTableId, address: &str) -> Option<String> {
        let found = route_table::lookup(&self.world, self.table(table), address.parse().unwrap());
        found.map(|e| e.destination.to_string())
    }

    /// The command is refused by the rule and leaves no trace.
    pub fn refuses(&mut self, what: &str, command: impl Into<Command>, rule: E) -> Refusal {
        let digest = self.world.digest();
        let refusal = self.run(command).expect_err(what);
        assert_eq!(refusal.code(), rule, "{what}: {refusal}");
        assert_eq!(self.world.digest(), digest, "{what}");
        refusal
    }

    /// The journal gives the same world again, by its commands and by its rows.
    pub fn check_replay(&self) {
        let mut again = self.start.clone();
        self.journal.iter().for_each(|entry| again.replay(entry).unwrap());
        assert_eq!(again.digest(), self.world.digest());
        let mut loader = World::load();
        self.world.slice(None, 100_000).0.iter().for_each(|row| loader.change(row).unwrap());
        let loaded = loader.finish(self.world.seq(), self.world.now()).unwrap();
        assert_eq!(loaded.digest(), self.world.digest());
        for id in self.world.indexes().route_tables.by_vpc.of(&self.vpc) {
            let table = loaded.get::<RouteTable>(id).unwrap();
            assert_eq!(route_entry::of_table(&loaded, table, None).collect::<Vec<_>>(), self.entries(*id));
        }
    }
}
