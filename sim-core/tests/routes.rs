//! vRouters, route tables and route entries: one row for each rule, transitions, replay, and what they refuse to others.

use sim_core::cidr::Cidr;
use sim_core::ecs::eni::{Eni, EniKind, EniStatus, TrafficMode};
use sim_core::ecs::instance::{Instance, InstanceStatus};
use sim_core::id::{
    EniId, Id, IdNumber, InstanceId, RegionCode, RouteEntryId, RouteTableId, VRouterId, VSwitchId, VpcId,
};
use sim_core::journal::Change;
use sim_core::settings::{ChangeSettings, Disputed, Provisioning};
use sim_core::vpc::next_hop::{HopChoice, NextHop, NextHopKind, WeightedHop};
use sim_core::vpc::route_entry::{self, *};
use sim_core::vpc::route_table::{self, *};
use sim_core::vpc::secondary_block::AddSecondaryBlock;
use sim_core::vpc::vpc::{self, CreateVpc, DeleteVpc, Vpc};
use sim_core::vpc::vrouter::{ModifyVRouter, VRouter};
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch, DeleteVSwitch, ModifyVSwitch, VSwitch};
use sim_core::world::Stored;
use sim_core::{AccountId, Caller, Command, Entry, ErrorCode as E, Genesis, Outcome, Refusal, Reply, Span, World};

const NAME_TOO_LONG: usize = 129;

fn caller() -> Caller {
    Caller::new(AccountId::DEFAULT, "cn-hangzhou")
}

/// A world with two VPCs, next hops in both, and what has been written to its journal.
struct Lab {
    world: World,
    start: World,
    journal: Vec<Entry>,
    vpc: VpcId,
    other_vpc: VpcId,
    system: RouteTableId,
    custom: RouteTableId,
    web: VSwitchId,
    db: VSwitchId,
    elsewhere: VSwitchId,
    instance: InstanceId,
    pending: InstanceId,
    foreign: InstanceId,
    eni: EniId,
    eni6: EniId,
    primary: EniId,
    eni_two6: EniId,
    attaching: EniId,
    foreign_eni: EniId,
}

fn number(n: u64) -> IdNumber {
    IdNumber::new(1_000_000 + n, 7, RegionCode::from_text("bp1").unwrap())
}

fn stored<R: Stored>(row: &R) -> Change {
    let key = postcard::to_stdvec(&row.key()).unwrap();
    Change { table: R::TABLE, version: R::VERSION, key, row: Some(postcard::to_stdvec(row).unwrap()) }
}

/// Next hops as stored rows: what makes them is another subject's.
fn host(world: &World, n: u64, vswitch: VSwitchId, ipv6: usize, kind: EniKind, status: EniStatus) -> Eni {
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
        ipv6: (0..ipv6).map(|i| (vswitch.ipv6.unwrap().bits() + 100 + u128::from(n) * 10 + i as u128).into()).collect(),
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

fn machine(world: &World, n: u64, eni: &Eni, status: InstanceStatus) -> Instance {
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
        created: world.now(),
    }
}

fn vswitch(vpc: VpcId, block: &str, ipv6_subnet: Option<u32>) -> CreateVSwitch {
    CreateVSwitch {
        vpc,
        zone: "cn-hangzhou-k".into(),
        block: BlockChoice::Given(block.parse().unwrap()),
        ipv6_subnet,
        name: None,
        description: None,
        tags: Vec::new(),
    }
}

fn table(vpc: VpcId) -> CreateRouteTable {
    CreateRouteTable {
        vpc,
        associate_type: AssociateType::VSwitch,
        name: None,
        description: None,
        tags: Vec::new(),
    }
}

fn hop(kind: &str, id: impl ToString) -> HopChoice {
    HopChoice { kind: Some(kind.into()), id: Some(id.to_string().into()), list: Vec::new() }
}

fn hops(list: &[(&str, &str, u32)]) -> HopChoice {
    let hop = |&(kind, id, weight): &(&str, &str, u32)| WeightedHop {
        kind: kind.into(),
        id: id.into(),
        weight: Some(weight),
    };
    HopChoice { kind: None, id: None, list: list.iter().map(hop).collect() }
}

fn new_entry(table: impl ToString, destination: &str, next_hop: HopChoice) -> NewEntry {
    NewEntry {
        table: table.to_string().into(),
        destination: destination.into(),
        next_hop,
        name: None,
        description: None,
    }
}

fn entry(table: impl ToString, destination: &str, next_hop: HopChoice) -> CreateRouteEntry {
    CreateRouteEntry { entry: new_entry(table, destination, next_hop) }
}

fn by_id(id: impl ToString) -> EntryRef {
    EntryRef { entry: Some(id.to_string().into()), ..EntryRef::default() }
}

fn at(table: impl ToString, destination: &str) -> EntryRef {
    EntryRef {
        entry: None,
        table: Some(table.to_string().into()),
        destination: Some(destination.into()),
    }
}

fn modify(entry: EntryRef, kind: Option<&str>, id: Option<String>) -> ModifyRouteEntry {
    ModifyRouteEntry {
        entry,
        name: None,
        description: None,
        next_hop_kind: kind.map(Into::into),
        next_hop: id.map(Into::into),
    }
}

fn delete(entry: EntryRef) -> DeleteRouteEntry {
    DeleteRouteEntry { entry, next_hop: None, next_hops: Vec::new() }
}

impl Lab {
    fn new() -> Lab {
        Lab::with(Genesis::default())
    }

    fn with(genesis: Genesis) -> Lab {
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

    fn run(&mut self, command: impl Into<Command>) -> Outcome<Reply> {
        let applied = self.world.apply(self.world.now(), &caller(), command.into());
        self.journal.extend(applied.entry);
        applied.outcome
    }

    fn ok(&mut self, command: impl Into<Command>) -> Reply {
        self.run(command).unwrap()
    }

    fn wait(&mut self, ms: i64) {
        let entry = self.world.advance(self.world.now() + Span(ms));
        self.journal.extend(entry);
    }

    fn provision(&mut self, provisioning: Provisioning) {
        self.ok(ChangeSettings { provisioning: Some(provisioning), quotas_lifted: None });
    }

    fn route(&mut self, table: RouteTableId, destination: &str) -> RouteEntryId {
        let id = self.instance;
        self.ok(entry(table, destination, hop("Instance", id))).id()
    }

    fn table(&self, id: RouteTableId) -> &RouteTable {
        self.world.get(&id).unwrap()
    }

    fn entries(&self, table: RouteTableId) -> Vec<RouteEntry> {
        route_entry::of_table(&self.world, self.table(table), None).collect()
    }

    fn at(&self, table: RouteTableId, destination: &str) -> Option<RouteEntry> {
        route_entry::to_destination(&self.world, self.table(table), destination.parse().unwrap())
    }

    fn lookup(&self, table: RouteTableId, address: &str) -> Option<String> {
        let found = route_table::lookup(&self.world, self.table(table), address.parse().unwrap());
        found.map(|e| e.destination.to_string())
    }

    /// The command is refused by the rule and leaves no trace.
    fn refuses(&mut self, what: &str, command: impl Into<Command>, rule: E) -> Refusal {
        let digest = self.world.digest();
        let refusal = self.run(command).expect_err(what);
        assert_eq!(refusal.code(), rule, "{what}: {refusal}");
        assert_eq!(self.world.digest(), digest, "{what}");
        refusal
    }

    /// The journal gives the same world again, by its commands and by its rows.
    fn check_replay(&self) {
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

#[test]
fn system_entries_are_derived_in_every_table() {
    let mut lab = Lab::new();
    for table in [lab.system, lab.custom] {
        let entries = lab.entries(table);
        let mut shown: Vec<String> = entries.iter().map(|e| e.destination.to_string()).collect();
        shown.sort();
        assert_eq!(shown, [
            "10.0.1.0/24",
            "10.0.2.0/24",
            "100.64.0.0/10",
            "2408:4000:0:101::/64",
            "2408:4000:0:103::/64",
        ]);
        for e in &entries {
            assert_eq!((e.kind, e.next_hop, e.status), (EntryKind::System, NextHop::Local, EntryStatus::Available));
            assert_eq!(e.id.to_string().parse::<RouteEntryId>().unwrap(), e.id);
            assert_eq!(route_entry::find(&lab.world, &caller(), e.id).unwrap().1, *e);
            let rest: Vec<_> = route_entry::of_table(&lab.world, lab.table(table), Some(e.id)).collect();
            assert!(rest.iter().all(|later| later.id > e.id));
        }
    }
    let mut ids: Vec<_> = [lab.system, lab.custom].iter().flat_map(|t| lab.entries(*t)).map(|e| e.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10);
    let stranger = Caller::new(AccountId(2), "cn-hangzhou");
    assert_eq!(route_entry::find(&lab.world, &stranger, ids[0]).unwrap_err().code(), E::RouteEntryIdNotFound);
    lab.ok(DeleteVSwitch { vswitch: lab.db });
    assert_eq!(lab.entries(lab.custom).len(), 3);
    let gone = ids.iter().filter(|id| route_entry::find(&lab.world, &caller(), **id).is_err()).count();
    assert_eq!(gone, 4);
}

#[test]
fn route_table_rules() {
    let mut lab = Lab::new();
    let long = Some("x".repeat(NAME_TOO_LONG).into());
    let (custom, system, web, vpc) = (lab.custom, lab.system, lab.web, lab.vpc);
    let unknown = RouteTableId::from_number(number(99));
    let vrouter = lab.world.get::<Vpc>(&vpc).unwrap().vrouter;
    let bind = |route_table, vswitch| AssociateRouteTable { route_table, vswitch };
    let unbind = |route_table, vswitch| UnassociateRouteTable { route_table, vswitch };
    let rename = |name, description| ModifyRouteTable { route_table: custom, name, description, propagation: None };
    let long_text = Some("x".repeat(257).into());
    let http = Some("http://a".into());
    let rows: Vec<(&str, Command, E)> = vec![
        ("long name", CreateRouteTable { name: long.clone(), ..table(vpc) }.into(), E::RouteTableNameMalformed),
        (
            "long description",
            CreateRouteTable { description: long_text.clone(), ..table(vpc) }.into(),
            E::RouteTableDescriptionMalformed,
        ),
        ("no VPC", table(VpcId::from_number(number(99))).into(), E::VpcNotFound),
        (
            "for a gateway",
            CreateRouteTable { associate_type: AssociateType::Gateway, ..table(vpc) }.into(),
            E::RouteTableGatewayUnsupported,
        ),
        ("name", rename(http.clone(), None).into(), E::RouteTableNameMalformed),
        ("description", rename(None, long_text.clone()).into(), E::RouteTableDescriptionMalformed),
        (
            "modify no table",
            ModifyRouteTable { route_table: unknown, name: None, description: None, propagation: None }.into(),
            E::RouteTableNotFound,
        ),
        ("delete no table", DeleteRouteTable { route_table: unknown }.into(), E::RouteTableNotFound),
        ("delete the system table", DeleteRouteTable { route_table: system }.into(), E::RouteTableIsSystem),
        ("bind to no table", bind(unknown, web).into(), E::RouteTableNotFound),
        ("bind no vSwitch", bind(custom, VSwitchId::from_number(number(99))).into(), E::VSwitchNotFound),
        ("bind across VPCs", bind(custom, lab.elsewhere).into(), E::RouteTableOtherVpc),
        ("bind to the system table", bind(system, web).into(), E::RouteTableSwitchToSystem),
        ("unbind from no table", unbind(unknown, web).into(), E::RouteTableNotFound),
        ("unbind no vSwitch", unbind(custom, VSwitchId::from_number(number(99))).into(), E::VSwitchNotFound),
        ("unbind from the system table", unbind(system, web).into(), E::RouteTableUnbindSystem),
        ("unbind what is not bound", unbind(custom, web).into(), E::RouteTableNotAssociated),
        (
            "vRouter name",
            ModifyVRouter { vrouter, name: long, description: None }.into(),
            E::VRouterNameMalformed,
        ),
        (
            "vRouter description",
            ModifyVRouter { vrouter, name: None, description: long_text }.into(),
            E::VRouterDescriptionMalformed,
        ),
        (
            "no vRouter",
            ModifyVRouter { vrouter: VRouterId::from_number(number(99)), name: None, description: None }.into(),
            E::VRouterNotFound,
        ),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    lab.ok(bind(custom, web));
    lab.refuses("bound already", bind(custom, web), E::RouteTableAlreadyAssociated);
    lab.refuses("vSwitch with a table", DeleteVSwitch { vswitch: web }, E::VSwitchHasRouteTable);
    let bound: Vec<_> = lab.table(custom).vswitches(&lab.world).map(|s| s.id).collect();
    assert_eq!(bound, [web]);
    let left: Vec<_> = lab.table(system).vswitches(&lab.world).map(|s| s.id).collect();
    assert_eq!(left, [lab.db]);
    // The codes come in order: vSwitches first, then entries.
    let route = lab.route(custom, "192.168.0.0/16");
    lab.refuses("vSwitches bound", DeleteRouteTable { route_table: custom }, E::RouteTableHasVSwitch);
    lab.ok(unbind(custom, web));
    lab.refuses("entries left", DeleteRouteTable { route_table: custom }, E::RouteTableHasRouteEntry);
    lab.ok(delete(by_id(route)));
    lab.ok(DeleteRouteTable { route_table: custom });
    for _ in 0..9 {
        lab.ok(table(vpc));
    }
    lab.refuses("quota", table(vpc), E::RouteTableQuotaExceeded);
    lab.ok(ModifyVRouter { vrouter, name: Some("core".into()), description: Some("the one".into()) });
    assert_eq!(lab.world.get::<VRouter>(&vrouter).unwrap().name, "core");
    lab.check_replay();
}

#[test]
fn route_entry_rules() {
    let mut lab = Lab::new();
    let (custom, system, instance) = (lab.custom, lab.system, lab.instance);
    let good = || hop("Instance", instance);
    let add = |destination: &str| entry(system, destination, good());
    let to = |kind: &str, id: &str| entry(system, "192.168.0.0/16", hop(kind, id));
    let to6 = |kind: &str, id: &dyn ToString| entry(system, "2001:db8::/32", hop(kind, id.to_string()));
    let list = |table, destination: &str, list: &[(&str, &str, u32)]| entry(table, destination, hops(list));
    let ri = |id| ("RouterInterface", id, 100);
    let two = [ri("ri-a"), ri("ri-b")];
    let mut long_name = new_entry(system, "192.168.0.0/16", good());
    long_name.name = Some("x".repeat(NAME_TOO_LONG).into());
    let mut long_text = new_entry(system, "192.168.0.0/16", good());
    long_text.description = Some("x".repeat(257).into());
    let both = HopChoice { id: Some("i-1".into()), ..hops(&two) };
    let no_id = HopChoice { kind: Some("Instance".into()), ..HopChoice::default() };
    let rows: Vec<(&str, Command, E)> = vec![
        ("long name", CreateRouteEntry { entry: long_name }.into(), E::RouteEntryNameMalformed),
        ("long text", CreateRouteEntry { entry: long_text }.into(), E::RouteEntryDescriptionMalformed),
        ("no hop", entry(system, "192.168.0.0/16", HopChoice::default()).into(), E::RouteNextHopBothNull),
        ("hop and list", entry(system, "192.168.0.0/16", both).into(), E::RouteNextHopBothGiven),
        ("no hop id", entry(system, "192.168.0.0/16", no_id).into(), E::MissingParameter),
        ("hop type", to("Router", "r-1").into(), E::RouteNextHopType),
        ("list of one", list(system, "192.168.0.0/16", &two[..1]).into(), E::RouteEcmpSize),
        ("list of five", list(system, "192.168.0.0/16", &["a", "b", "c", "d", "e"].map(ri)).into(), E::RouteEcmpSize),
        (
            "list of instances",
            list(system, "192.168.0.0/16", &[ri("a"), ("Instance", "b", 0)]).into(),
            E::RouteEcmpType,
        ),
        (
            "weight",
            list(system, "192.168.0.0/16", &[ri("a"), ("RouterInterface", "b", 256)]).into(),
            E::RouteEcmpWeight,
        ),
        ("one hop twice", list(system, "192.168.0.0/16", &[ri("a"), ri("a")]).into(), E::RouteEcmpDuplicate),
        ("host bits", add("192.168.0.1/16").into(), E::RouteDestinationMalformed),
        ("no network", add("net").into(), E::RouteDestinationMalformed),
        ("prefix list", add("pl-bp1hyb7g3mj0kqbmvjp2w").into(), E::RoutePrefixListNotFound),
        ("no table", entry("vtb-1", "192.168.0.0/16", good()).into(), E::RouteTableNotFound),
        (
            "unknown table",
            entry(RouteTableId::from_number(number(99)), "192.168.0.0/16", good()).into(),
            E::RouteTableNotFound,
        ),
        ("a vSwitch", add("10.0.1.0/24").into(), E::RouteDestinationInVSwitch),
        ("in a vSwitch", add("10.0.1.128/25").into(), E::RouteDestinationInVSwitch),
        ("a host of a vSwitch", add("10.0.1.7").into(), E::RouteDestinationInVSwitch),
        ("an IPv6 vSwitch", add("2408:4000:0:101::/64").into(), E::RouteDestinationInVSwitchIpv6),
        ("in an IPv6 vSwitch", add("2408:4000:0:101::1").into(), E::RouteDestinationInVSwitchIpv6),
        ("cloud services", add("100.64.0.0/10").into(), E::RouteDestinationCloudServices),
        ("in cloud services", add("100.100.0.0/16").into(), E::RouteDestinationCloudServices),
        ("no instance", to("Instance", "i-1").into(), E::RouteInstanceNotFound),
        ("instance in transition", to("Instance", &lab.pending.to_string()).into(), E::RouteNextHopStatus),
        ("instance elsewhere", to("Instance", &lab.foreign.to_string()).into(), E::RouteInstanceOtherVpc),
        ("no interface", to("NetworkInterface", "eni-1").into(), E::RouteEniNotFound),
        (
            "interface in transition",
            to("NetworkInterface", &lab.attaching.to_string()).into(),
            E::RouteNextHopStatus,
        ),
        (
            "interface elsewhere",
            to("NetworkInterface", &lab.foreign_eni.to_string()).into(),
            E::RouteEniOtherVpc,
        ),
        ("IPv6 to a primary", to6("NetworkInterface", &lab.primary).into(), E::RouteNextHopPrimaryEni),
        ("IPv6 to none", to6("NetworkInterface", &lab.eni).into(), E::RouteNextHopNoIpv6),
        ("IPv6 to two", to6("NetworkInterface", &lab.eni_two6).into(), E::RouteNextHopManyIpv6),
        ("several", list(system, "192.168.0.0/16", &two).into(), E::RouteNextHopNotFound),
        ("several for IPv6", list(system, "2001:db8::/32", &two).into(), E::RouteEcmpIpv6),
        ("several in a custom table", list(custom, "192.168.0.0/16", &two).into(), E::RouteEcmpCustomTable),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    for kind in NextHopKind::ALL {
        lab.refuses(kind.text(), to(kind.text(), "x-1"), kind.not_found());
    }
    let other_system = lab.world.get::<Vpc>(&lab.other_vpc).unwrap().system_table;
    let foreign = lab.foreign;
    lab.refuses("no IPv6", entry(other_system, "::/0", hop("Instance", foreign)), E::RouteIpv6Disabled);
    for (destination, kept) in [
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("10.0.0.0/16", "10.0.0.0/16"),
        ("10.0.3.0/24", "10.0.3.0/24"),
        ("192.168.1.1", "192.168.1.1/32"),
        ("100.0.0.0/8", "100.0.0.0/8"),
        ("2001:db8::1", "2001:db8::1/128"),
    ] {
        let id = lab.ok(add(destination)).id::<RouteEntryId>();
        let made = lab.world.get::<RouteEntry>(&id).unwrap();
        assert_eq!(made.destination.to_string(), kept);
        let refusal = lab.refuses("twice", add(destination), E::RouteDestinationDuplicate);
        assert_eq!(refusal.details().blockers, [id.into()]);
    }
    let eni6 = lab.eni6;
    lab.ok(entry(custom, "::/0", hop("NetworkInterface", eni6)));
    lab.check_replay();
}

#[test]
fn routes_into_cloud_services_are_a_choice() {
    let disputed = Disputed { routes_in_cloud_services: true, ..Disputed::default() };
    let mut lab = Lab::with(Genesis { disputed, ..Genesis::default() });
    let (system, instance) = (lab.system, lab.instance);
    lab.route(system, "100.100.0.0/16");
    let whole = entry(system, "100.64.0.0/10", hop("Instance", instance));
    lab.refuses("the whole network", whole, E::RouteDestinationCloudServices);
}

#[test]
fn changing_and_deleting_entries() {
    let mut lab = Lab::new();
    let (custom, system, instance) = (lab.custom, lab.system, lab.instance);
    let eni = lab.eni.to_string();
    let route = lab.route(custom, "192.168.0.0/16");
    let local = lab.at(system, "10.0.1.0/24").unwrap().id;
    let custom_local = lab.at(custom, "10.0.1.0/24").unwrap().id;
    let absent = RouteEntryId::from_number(number(99));
    let named = |entry: EntryRef, name: &str| ModifyRouteEntry { name: Some(name.into()), ..modify(entry, None, None) };
    let with_hop = |entry, hop: &str| DeleteRouteEntry { next_hop: Some(hop.into()), ..delete(entry) };
    let with_list = |entry, n: usize| DeleteRouteEntry { next_hops: vec!["ri-1".into(); n], ..delete(entry) };
    let long = "x".repeat(257);
    let both = DeleteRouteEntry { next_hop: Some("i-1".into()), ..with_list(at(custom, "192.168.0.0/16"), 2) };
    let rows: Vec<(&str, Command, E)> = vec![
        ("name", named(by_id(route), &"x".repeat(NAME_TOO_LONG)).into(), E::RouteEntryNameMalformed),
        (
            "description",
            ModifyRouteEntry { description: Some(long.into()), ..modify(by_id(route), None, None) }.into(),
            E::RouteEntryDescriptionMalformed,
        ),
        ("type alone", modify(by_id(route), Some("Instance"), None).into(), E::RouteNextHopIdMissing),
        ("id alone", modify(by_id(route), None, Some(eni.clone())).into(), E::RouteNextHopTypeMissing),
        ("type", modify(by_id(route), Some("x"), Some(eni.clone())).into(), E::RouteNextHopType),
        ("absent id", named(by_id(absent), "a").into(), E::RouteEntryIdNotFound),
        ("no id", named(by_id("rte-1"), "a").into(), E::RouteEntryIdNotFound),
        ("nothing named", named(EntryRef::default(), "a").into(), E::RouteEntryIdMissing),
        ("absent destination", named(at(custom, "1.0.0.0/8"), "a").into(), E::RouteEntryNotFound),
        ("absent address", named(at(custom, "1.0.0.0"), "a").into(), E::RouteEntryNotFound),
        ("bad destination", named(at(custom, "1.0.0.0/33"), "a").into(), E::RouteDestinationMalformed),
        (
            "other table",
            named(EntryRef { table: Some(system.to_string().into()), ..by_id(route) }, "a").into(),
            E::RouteEntryNotFound,
        ),
        ("name of a system entry", named(by_id(local), "a").into(), E::RouteEntrySystemText),
        (
            "hop of a system entry",
            modify(by_id(local), Some("NetworkInterface"), Some(eni.clone())).into(),
            E::RouteNextHopFixed,
        ),
        ("same hop", modify(by_id(route), Some("Instance"), Some(instance.to_string())).into(), E::RouteNextHopUnchanged),
        ("no such hop", modify(by_id(route), Some("NatGateway"), Some("ngw-1".into())).into(), E::RouteNatGatewayNotFound),
        ("id and table", delete(EntryRef { table: Some("vtb-1".into()), ..by_id(route) }).into(), E::RouteEntryIdExclusive),
        ("no hop", delete(at(custom, "192.168.0.0/16")).into(), E::RouteNextHopMissing),
        ("hop and list", both.into(), E::RouteNextHopBothGiven),
        ("list of one", with_list(at(custom, "192.168.0.0/16"), 1).into(), E::RouteEcmpSize),
        ("list", with_list(at(custom, "192.168.0.0/16"), 2).into(), E::RouteEntryNotFound),
        ("other hop", with_hop(at(custom, "192.168.0.0/16"), "i-1").into(), E::RouteEntryNotFound),
        ("absent", with_hop(at(custom, "1.0.0.0/8"), "i-1").into(), E::RouteEntryNotFound),
        ("table", with_hop(at("vtb-1", "1.0.0.0/8"), "i-1").into(), E::RouteTableNotFound),
        ("nothing", delete(EntryRef::default()).into(), E::RouteEntryIdMissing),
        ("system by id", delete(by_id(local)).into(), E::RouteEntryIsSystem),
        ("system by id, custom table", delete(by_id(custom_local)).into(), E::RouteEntryIsSystem),
        ("system by destination", with_hop(at(system, "100.64.0.0/10"), "x").into(), E::RouteEntryIsSystem),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    lab.ok(named(at(custom, "192.168.0.0/16"), "office"));
    lab.ok(modify(by_id(route), Some("NetworkInterface"), Some(eni.clone())));
    let now = lab.world.get::<RouteEntry>(&route).unwrap();
    assert_eq!((now.name.as_str(), now.next_hop), ("office", NextHop::NetworkInterface(lab.eni)));
    assert_eq!(route_entry::next_hop_users(&lab.world, lab.eni), [route]);
    assert!(route_entry::next_hop_users(&lab.world, instance).is_empty());
    lab.ok(with_hop(at(custom, "192.168.0.0/16"), &eni));
    assert!(lab.at(custom, "192.168.0.0/16").is_none());
    lab.check_replay();
}

#[test]
fn a_system_entry_of_a_custom_table_can_be_redirected() {
    let mut lab = Lab::new();
    let (custom, eni) = (lab.custom, lab.eni);
    let before = lab.entries(custom);
    let local = lab.at(custom, "10.0.2.0/24").unwrap();
    lab.ok(modify(by_id(local.id), Some("NetworkInterface"), Some(eni.to_string())));
    let now = lab.at(custom, "10.0.2.0/24").unwrap();
    assert_eq!((now.id, now.kind, now.next_hop), (local.id, EntryKind::Custom, NextHop::NetworkInterface(eni)));
    assert_eq!(lab.entries(custom).len(), before.len());
    assert_eq!(lab.lookup(custom, "10.0.2.9").as_deref(), Some("10.0.2.0/24"));
    lab.refuses("entries left", DeleteRouteTable { route_table: custom }, E::RouteTableHasRouteEntry);
    lab.ok(delete(by_id(local.id)));
    assert_eq!(lab.entries(custom), before);
    // It goes with its vSwitch, and with the IPv6 block of it.
    let local6 = lab.at(custom, "2408:4000:0:103::/64").unwrap();
    let eni6 = lab.eni6;
    lab.ok(modify(by_id(local6.id), Some("NetworkInterface"), Some(eni6.to_string())));
    lab.ok(modify(by_id(local.id), Some("NetworkInterface"), Some(eni.to_string())));
    let db = lab.db;
    lab.ok(ModifyVSwitch { vswitch: db, name: None, description: None, ipv6_subnet: None, disable_ipv6: true });
    lab.ok(DeleteVSwitch { vswitch: db });
    assert_eq!(lab.world.table::<RouteEntry>().len(), 0);
    assert_eq!(lab.lookup(custom, "10.0.2.9"), None);
    lab.check_replay();
}

#[test]
fn a_batch_answers_for_each_item() {
    let mut lab = Lab::new();
    let (system, instance) = (lab.system, lab.instance);
    let good = |destination: &str| new_entry(system, destination, hop("Instance", instance));
    lab.refuses("no item", CreateRouteEntries { entries: Vec::new() }, E::InvalidParameter);
    let many = vec![good("192.168.0.0/16"); MAX_BATCH + 1];
    lab.refuses("too many", CreateRouteEntries { entries: many }, E::InvalidParameter);
    lab.refuses("no item to delete", DeleteRouteEntries { entries: Vec::new() }, E::InvalidParameter);
    let entries = vec![
        good("192.168.0.0/24"),
        good("192.168.0.0/24"),
        good("net"),
        new_entry("vtb-1", "192.168.1.0/24", hop("Instance", instance)),
        good("192.168.1.0/24"),
    ];
    let codes = |reply: Reply| -> Vec<Option<E>> {
        let Reply::Batch(outcomes) = reply else { panic!("{reply:?}") };
        outcomes.iter().map(|o| o.as_ref().err().map(Refusal::code)).collect()
    };
    lab.provision(Provisioning::Documented);
    let reply = lab.ok(CreateRouteEntries { entries });
    let expected = [
        None,
        Some(E::RouteDestinationDuplicate),
        Some(E::RouteDestinationMalformed),
        Some(E::RouteTableNotFound),
        None,
    ];
    assert_eq!(codes(reply), expected);
    let old = |destination: &str, hop: Option<&str>| OldEntry {
        entry: at(system, destination),
        next_hop: hop.map(Into::into),
    };
    let entries = vec![
        old("192.168.0.0/24", Some("i-1")),
        old("192.168.0.0/24", None),
        old("192.168.0.0/24", None),
        old("10.0.1.0/24", None),
    ];
    let busy = lab.ok(DeleteRouteEntries { entries: vec![old("192.168.0.0/24", None)] });
    assert_eq!(codes(busy), [Some(E::RouteEntryStatusIncorrect)]);
    lab.wait(1_000);
    let reply = lab.ok(DeleteRouteEntries { entries });
    let expected = [Some(E::RouteEntryNotFound), None, Some(E::RouteEntryNotFound), Some(E::RouteEntryIsSystem)];
    assert_eq!(codes(reply), expected);
    lab.check_replay();
}

#[test]
fn the_entry_quota_counts_custom_entries() {
    let mut lab = Lab::new();
    let (system, instance) = (lab.system, lab.instance);
    for third in 0..4 {
        let entry = |fourth: u32| new_entry(system, &format!("192.168.{third}.{fourth}"), hop("Instance", instance));
        let entries = (0..50).map(entry).collect();
        let Reply::Batch(made) = lab.ok(CreateRouteEntries { entries }) else { panic!() };
        assert!(made.iter().all(Result::is_ok));
    }
    let one_more = || entry(system, "192.168.9.0/24", hop("Instance", instance));
    lab.refuses("quota", one_more(), E::RouteEntryQuotaExceeded);
    lab.ok(ChangeSettings { provisioning: None, quotas_lifted: Some(true) });
    lab.ok(one_more());
}

#[test]
fn visible_transitions_refuse_only_themselves_and_children() {
    let mut lab = Lab::new();
    lab.provision(Provisioning::Visible);
    let (vpc, system, instance, eni) = (lab.vpc, lab.system, lab.instance, lab.eni.to_string());
    let made: RouteTableId = lab.ok(table(vpc)).id();
    let rename = ModifyRouteTable { route_table: made, name: Some("a".into()), description: None, propagation: None };
    lab.refuses("pending table", rename, E::RouteTableStatusIncorrect);
    let add = |table, destination: &str| entry(table, destination, hop("Instance", instance));
    lab.refuses("child of a pending table", add(made, "192.168.0.0/16"), E::RouteTableStatusIncorrect);
    let bind = |route_table, vswitch| AssociateRouteTable { route_table, vswitch };
    lab.refuses("bind to a pending table", bind(made, lab.web), E::RouteTableStatusIncorrect);
    let unbind = UnassociateRouteTable { route_table: made, vswitch: lab.web };
    lab.refuses("unbind from a pending table", unbind, E::RouteTableStatusIncorrect);
    lab.refuses("delete a pending table", DeleteRouteTable { route_table: made }, E::RouteTableStatusIncorrect);
    let route: RouteEntryId = lab.ok(add(system, "192.168.0.0/16")).id();
    assert_eq!(lab.world.get::<RouteEntry>(&route).unwrap().status, EntryStatus::Pending);
    assert_eq!(lab.lookup(system, "192.168.0.1"), None);
    lab.refuses("pending entry", delete(by_id(route)), E::RouteEntryStatusIncorrect);
    let change = modify(by_id(route), Some("NetworkInterface"), Some(eni));
    lab.refuses("change a pending entry", change.clone(), E::RouteEntryStatusIncorrect);
    lab.ok(add(system, "192.168.0.0/24"));
    lab.wait(200);
    assert_eq!(lab.table(made).status, Status::Available);
    assert_eq!(lab.lookup(system, "192.168.1.1").as_deref(), Some("192.168.0.0/16"));
    lab.ok(change);
    assert_eq!(lab.world.get::<RouteEntry>(&route).unwrap().status, EntryStatus::Modifying);
    assert_eq!(lab.lookup(system, "192.168.1.1").as_deref(), Some("192.168.0.0/16"));
    lab.ok(bind(made, lab.web));
    assert_eq!(lab.world.get::<VSwitch>(&lab.web).unwrap().status, sim_core::vpc::route_table::Status::Pending);
    lab.refuses("bind a pending vSwitch", bind(made, lab.web), E::VSwitchStatusIncorrect);
    let unbind = UnassociateRouteTable { route_table: made, vswitch: lab.web };
    lab.refuses("unbind a pending vSwitch", unbind.clone(), E::VSwitchStatusIncorrect);
    lab.wait(200);
    lab.ok(unbind);
    lab.wait(200);
    lab.ok(delete(by_id(route)));
    let fresh = lab.ok(CreateVpc::default()).id::<VpcId>();
    lab.refuses("table of a pending VPC", table(fresh), E::VpcStatusIncorrect);
    let fresh_table = lab.world.get::<Vpc>(&fresh).unwrap().system_table;
    lab.refuses("entry of a pending VPC", add(fresh_table, "192.168.0.0/16"), E::VpcStatusIncorrect);
    let rename = ModifyRouteTable { route_table: fresh_table, name: None, description: None, propagation: None };
    lab.refuses("system table of a pending VPC", rename, E::VpcStatusIncorrect);
    let vrouter = lab.world.get::<Vpc>(&fresh).unwrap().vrouter;
    let rename = ModifyVRouter { vrouter, name: None, description: None };
    lab.refuses("vRouter of a pending VPC", rename, E::VpcStatusIncorrect);
    lab.check_replay();
}

#[test]
fn documented_transitions_make_the_vpc_busy() {
    let mut lab = Lab::new();
    lab.provision(Provisioning::Documented);
    let (vpc, system, custom, instance) = (lab.vpc, lab.system, lab.custom, lab.instance);
    let add = |table, destination: &str| entry(table, destination, hop("Instance", instance));
    let route: RouteEntryId = lab.ok(add(system, "192.168.0.0/16")).id();
    lab.refuses("same table", add(system, "192.168.0.0/24"), E::RouteEntrySiblingBusy);
    lab.refuses("other table", add(custom, "192.168.0.0/24"), E::VpcBusy);
    lab.refuses("new table", table(vpc), E::VpcBusy);
    lab.refuses("delete a table", DeleteRouteTable { route_table: custom }, E::VpcBusy);
    let bind = AssociateRouteTable { route_table: custom, vswitch: lab.web };
    lab.refuses("bind", bind.clone(), E::VpcBusy);
    let unbind = UnassociateRouteTable { route_table: custom, vswitch: lab.web };
    lab.refuses("unbind", unbind.clone(), E::VpcBusy);
    lab.refuses("new vSwitch", vswitch(vpc, "10.0.9.0/24", None), E::VpcBusy);
    let (other_table, foreign) = (lab.world.get::<Vpc>(&lab.other_vpc).unwrap().system_table, lab.foreign);
    lab.ok(entry(other_table, "192.168.0.0/16", hop("Instance", foreign)));
    lab.wait(1_000);
    lab.ok(bind);
    let refusal = lab.refuses("vSwitch pending", add(system, "192.168.0.0/24"), E::VpcBusy);
    assert_eq!(refusal.details().blockers, [lab.web.into()]);
    lab.refuses("delete while a vSwitch is pending", delete(by_id(route)), E::VpcBusy);
    lab.wait(2_000);
    lab.ok(delete(by_id(route)));
    lab.ok(table(vpc));
    lab.refuses("while a table is pending", add(system, "192.168.0.0/24"), E::VpcBusy);
    lab.wait(1_000);
    lab.ok(add(system, "192.168.0.0/24"));
    lab.check_replay();
}

#[test]
fn routes_stand_in_the_way_of_blocks_and_deletions() {
    let mut lab = Lab::new();
    let (vpc, custom, system) = (lab.vpc, lab.custom, lab.system);
    let narrow = lab.route(custom, "10.0.3.128/25");
    let equal = lab.route(system, "10.0.4.0/24");
    lab.route(system, "10.0.0.0/16");
    lab.route(custom, "2408:4000:0:102::/72");
    let refusal = lab.refuses("contains", vswitch(vpc, "10.0.3.0/24", None), E::VSwitchCidrRouteConflict);
    assert_eq!(refusal.details().blockers, [narrow.into()]);
    assert_eq!(refusal.details().accepted.as_deref(), Some("10.0.0.0/24"));
    lab.refuses("equals", vswitch(vpc, "10.0.4.0/24", None), E::VSwitchCidrRouteConflict);
    lab.refuses("contains IPv6", vswitch(vpc, "10.0.8.0/24", Some(2)), E::VSwitchCidrRouteConflict);
    let by_mask = |mask| CreateVSwitch { block: BlockChoice::Mask(mask), ..vswitch(vpc, "10.0.0.0/24", None) };
    let mut found = Vec::new();
    for mask in [24, 24, 24, 25] {
        let id: VSwitchId = lab.ok(by_mask(mask)).id();
        found.push(lab.world.get::<VSwitch>(&id).unwrap().block.to_string());
    }
    assert_eq!(found, ["10.0.0.0/24", "10.0.5.0/24", "10.0.6.0/24", "10.0.3.0/25"]);
    // Inside a destination a vSwitch may lie.
    lab.ok(vswitch(vpc, "10.0.4.0/25", None));
    assert_eq!(route_entry::conflicts_with(&lab.world, vpc, "10.0.0.0/8".parse::<Cidr>().unwrap()).len(), 3);
    assert!(route_entry::conflicts_with(&lab.world, vpc, "10.0.0.0/24".parse::<Cidr>().unwrap()).is_empty());
    let office = lab.route(system, "192.168.7.0/24");
    let block = AddSecondaryBlock { vpc, block: "192.168.0.0/16".parse().unwrap() };
    lab.refuses("secondary block", block, E::SecondaryCidrRouteConflict);
    let users = route_entry::next_hop_users(&lab.world, lab.instance);
    assert!([narrow, equal, office].iter().all(|id| users.contains(id)));

    let mut lab = Lab::new();
    let (other, foreign) = (lab.other_vpc, lab.foreign);
    let other_system = lab.world.get::<Vpc>(&other).unwrap().system_table;
    lab.ok(entry(other_system, "192.168.0.0/16", hop("Instance", foreign)));
    let extra: RouteTableId = lab.ok(table(other)).id();
    lab.refuses("vSwitch first", DeleteVpc { vpc: other }, E::VpcHasVSwitch);
    let order = |lab: &Lab| -> Vec<E> {
        let all = vpc::dependents(&lab.world, lab.world.get(&other).unwrap());
        all.into_iter().map(|(code, _)| code).filter(|c| c.row().name.starts_with("VpcHas")).take(3).collect()
    };
    assert_eq!(order(&lab), [E::VpcHasVSwitch, E::VpcHasRouteTable, E::VpcHasRouteEntry]);
    lab.ok(DeleteRouteTable { route_table: extra });
    let route = lab.at(other_system, "192.168.0.0/16").unwrap().id;
    lab.ok(delete(by_id(route)));
    assert_eq!(order(&lab), [E::VpcHasVSwitch]);
    let empty = lab.ok(CreateVpc::default()).id::<VpcId>();
    let extra: RouteTableId = lab.ok(table(empty)).id();
    lab.refuses("then tables", DeleteVpc { vpc: empty }, E::VpcHasRouteTable);
    lab.ok(DeleteRouteTable { route_table: extra });
    lab.ok(DeleteVpc { vpc: empty });
}

#[test]
fn a_lookup_follows_every_change() {
    let mut lab = Lab::new();
    let (system, vpc) = (lab.system, lab.vpc);
    let look = |lab: &Lab, address: &str| lab.lookup(system, address).unwrap_or_default();
    assert_eq!(look(&lab, "10.0.1.7"), "10.0.1.0/24");
    assert_eq!(look(&lab, "100.100.1.1"), "100.64.0.0/10");
    assert_eq!(look(&lab, "8.8.8.8"), "");
    let default = lab.route(system, "0.0.0.0/0");
    assert_eq!(look(&lab, "8.8.8.8"), "0.0.0.0/0");
    lab.route(system, "10.0.0.0/16");
    assert_eq!(look(&lab, "10.0.9.1"), "10.0.0.0/16");
    lab.ok(vswitch(vpc, "10.0.9.0/24", Some(9)));
    assert_eq!(look(&lab, "10.0.9.1"), "10.0.9.0/24");
    assert_eq!(look(&lab, "2408:4000:0:109::1"), "2408:4000:0:109::/64");
    // What is taken back is taken back in the compiled table too.
    let mark = lab.world.mark();
    lab.world.stage(lab.world.now(), &caller(), delete(by_id(default)).into()).outcome.unwrap();
    assert_eq!(look(&lab, "8.8.8.8"), "");
    lab.world.roll_back(mark);
    assert_eq!(look(&lab, "8.8.8.8"), "0.0.0.0/0");
    lab.ok(delete(by_id(default)));
    assert_eq!(look(&lab, "8.8.8.8"), "");
}
