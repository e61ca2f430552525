//! A world with groups, interfaces and hosts, and short words for commands on them.
#![allow(dead_code)]

use sim_core::ecs::authorize::{AuthorizeRules, RevokeRules, WhichRules};
use sim_core::ecs::eni::{CreateEni, Eni, EniKind, EniStatus, TrafficMode, mac_of};
use sim_core::ecs::eni_address::Wanted;
use sim_core::ecs::instance::{Instance, InstanceStatus};
use sim_core::ecs::rule_input::{RuleFields, RuleInput, RuleTexts};
use sim_core::ecs::security_group::{CreateSecurityGroup, GroupKind};
use sim_core::ecs::security_group_rule::{Direction, SecurityGroupRule, of_group};
use sim_core::id::{
    DiskId, EniId, Id, IdNumber, InstanceId, RegionCode, SecurityGroupId, SecurityGroupRuleId, VSwitchId,
    VpcId,
};
use sim_core::journal::Change;
use sim_core::settings::{ChangeSettings, Provisioning};
use sim_core::vpc::vpc::CreateVpc;
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch, VSwitch};
use sim_core::world::Stored;
use sim_core::{
    AccountId, Caller, Command, Entry, ErrorCode as E, Genesis, Outcome, Refusal, Reply, Span, World,
};

#[allow(unused_imports)]
pub use Direction::{Egress, Ingress};

/// A type with 3 interfaces of 6 addresses of each family.
pub const SMALL: &str = "ecs.g7.large";
/// A type with 3 interfaces of 10 addresses, one of which may be a trunk with 3 members.
pub const TRUNKING: &str = "ecs.u1-c1m4.xlarge";

pub fn caller() -> Caller {
    Caller::new(AccountId::DEFAULT, "cn-hangzhou")
}

pub fn number(n: u64) -> IdNumber {
    IdNumber::new(1_000_000 + n, 7, RegionCode::from_text("bp1").unwrap())
}

/// A row as a journal holds it, for a world whose rows another subject makes.
pub fn stored<R: Stored>(row: &R) -> Change {
    let key = postcard::to_stdvec(&row.key()).unwrap();
    Change { table: R::TABLE, version: R::VERSION, key, row: Some(postcard::to_stdvec(row).unwrap()) }
}

/// A world with two VPCs, groups of both kinds, hosts, and what has been written to its journal.
pub struct Lab {
    pub world: World,
    start: World,
    journal: Vec<Entry>,
    pub vpc: VpcId,
    pub other_vpc: VpcId,
    /// 10.0.1.0/24 with IPv6, in the hosts' zone.
    pub web: VSwitchId,
    /// 10.0.2.0/24 without IPv6, in the hosts' zone.
    pub db: VSwitchId,
    /// 10.0.3.0/29: 4 addresses.
    pub tiny: VSwitchId,
    /// 10.0.4.0/24 in another zone.
    pub away: VSwitchId,
    /// In the other VPC.
    pub elsewhere: VSwitchId,
    pub sg: SecurityGroupId,
    pub sg2: SecurityGroupId,
    pub ent: SecurityGroupId,
    /// In the other VPC.
    pub far: SecurityGroupId,
    /// Running, of a type with 3 interfaces of 6 addresses of each family, in group `sg`.
    pub node: InstanceId,
    /// Stopped, of a type with 3 interfaces of 10 IPv4 and 1 IPv6 address, and 3 members of a trunk.
    pub trunking: InstanceId,
    /// Starting.
    pub starting: InstanceId,
    /// Running, in the other VPC and group `far`.
    pub foreign: InstanceId,
}

pub fn vswitch(vpc: VpcId, block: &str, zone: &str, ipv6_subnet: Option<u32>) -> CreateVSwitch {
    CreateVSwitch {
        vpc,
        zone: zone.into(),
        block: BlockChoice::Given(block.parse().unwrap()),
        ipv6_subnet,
        vpc_ipv6_block: None,
        name: None,
        description: None,
        tags: Vec::new(),
    }
}

pub fn group(vpc: VpcId, kind: GroupKind) -> CreateSecurityGroup {
    CreateSecurityGroup {
        vpc: Some(vpc),
        kind,
        name: None,
        description: None,
        resource_group: None,
        tags: Vec::new(),
    }
}

pub fn eni(vswitch: VSwitchId, groups: &[SecurityGroupId]) -> CreateEni {
    CreateEni {
        vswitch,
        kind: EniKind::Secondary,
        groups: groups.to_vec(),
        primary_ip: None,
        wanted: Wanted::default(),
        name: None,
        description: None,
        delete_on_release: true,
        source_dest_check: false,
        queues: None,
        traffic_mode: TrafficMode::Standard,
        resource_group: None,
        tags: Vec::new(),
    }
}

/// A host and its primary interface, as stored rows: what makes them is another subject's.
pub fn host(
    w: &World,
    n: u64,
    vswitch: VSwitchId,
    group: SecurityGroupId,
    instance_type: &str,
    status: InstanceStatus,
) -> (Eni, Instance) {
    let place = w.get::<VSwitch>(&vswitch).unwrap();
    let (id, eni) = (InstanceId::from_number(number(100 + n)), EniId::from_number(number(n)));
    let resource_group = sim_core::resource_group::default_of(AccountId::DEFAULT);
    let eni = Eni {
        id: eni,
        owner: place.owner.clone(),
        vpc: place.vpc,
        vswitch,
        kind: EniKind::Primary,
        status: EniStatus::InUse,
        settles: None,
        mac: mac_of(eni),
        primary_ip: (place.block.bits() + 200 + n as u32).into(),
        secondary_ips: Vec::new(),
        ipv4_prefixes: Vec::new(),
        ipv6: Vec::new(),
        ipv6_prefixes: Vec::new(),
        groups: vec![group],
        instance: Some(id),
        trunk: None,
        device_index: 0,
        name: Default::default(),
        description: Default::default(),
        resource_group,
        delete_on_release: true,
        source_dest_check: false,
        queues: None,
        traffic_mode: TrafficMode::Standard,
        created: w.now(),
    };
    let instance = Instance {
        id,
        owner: eni.owner.clone(),
        vpc: eni.vpc,
        vswitch,
        zone: place.zone.clone(),
        instance_type: instance_type.into(),
        primary_eni: eni.id,
        status,
        name: Default::default(),
        host_name: Default::default(),
        description: Default::default(),
        image: Default::default(),
        resource_group,
        deletion_protection: false,
        system_disk: DiskId::from_number(number(1_000 + n)),
        transition: None,
        stopped_mode: None,
        password: None,
        user_data: None,
        metadata: Default::default(),
        maintenance: Default::default(),
        terms: Default::default(),
        ends: None,
        public: None,
        started: None,
        created: w.now(),
    };
    (eni, instance)
}

/// The fields of a rule as `protocol=tcp port_range=80/80 peer_cidr=10.0.0.0/8`.
pub fn fields(direction: Direction, text: &str) -> Outcome<RuleFields> {
    let mut texts = RuleTexts::default();
    for word in text.split_ascii_whitespace() {
        let (name, value) = word.split_once('=').unwrap();
        let slot = match name {
            "protocol" => &mut texts.protocol,
            "port_range" => &mut texts.port_range,
            "port_list" => &mut texts.port_list,
            "source_port_range" => &mut texts.source_port_range,
            "policy" => &mut texts.policy,
            "priority" => &mut texts.priority,
            "nic_type" => &mut texts.nic_type,
            "peer_cidr" => &mut texts.peer_cidr,
            "peer_ipv6_cidr" => &mut texts.peer_ipv6_cidr,
            "peer_group" => &mut texts.peer_group,
            "peer_list" => &mut texts.peer_list,
            "own_cidr" => &mut texts.own_cidr,
            "own_ipv6_cidr" => &mut texts.own_ipv6_cidr,
            "description" => &mut texts.description,
            other => panic!("a rule has no {other}"),
        };
        *slot = Some(value);
    }
    texts.read(direction)
}

pub fn input(direction: Direction, text: &str) -> Outcome<RuleInput> {
    fields(direction, text)?.complete(direction)
}

pub fn add(group: SecurityGroupId, direction: Direction, rules: &[&str]) -> AuthorizeRules {
    let rules = rules.iter().map(|text| input(direction, text).unwrap()).collect();
    AuthorizeRules { group, direction, rules }
}

pub fn take(group: SecurityGroupId, direction: Direction, rules: &[&str]) -> RevokeRules {
    let rules = rules.iter().map(|text| input(direction, text).unwrap()).collect();
    RevokeRules { group, rules: WhichRules::Same(direction, rules) }
}

/// So many rules for one port each, from `first` on.
pub fn ports(first: u16, count: u16) -> Vec<String> {
    (first..first + count).map(|n| format!("protocol=tcp port_range={n}/{n} peer_cidr=10.0.0.0/8")).collect()
}

impl Lab {
    pub fn new() -> Lab {
        Lab::with(Genesis::default())
    }

    pub fn with(genesis: Genesis) -> Lab {
        let mut world = World::new(genesis);
        let mut run = |command: Command| world.apply(world.now(), &caller(), command).outcome.unwrap();
        let block = || Some("10.0.0.0/8".parse().unwrap());
        let vpc: VpcId = run(CreateVpc { block: block(), ipv6: true, ..CreateVpc::default() }.into()).id();
        let other_vpc: VpcId = run(CreateVpc { block: block(), ..CreateVpc::default() }.into()).id();
        let (here, there) = ("cn-hangzhou-k", "cn-hangzhou-b");
        let web = run(vswitch(vpc, "10.0.1.0/24", here, Some(1)).into()).id();
        let db = run(vswitch(vpc, "10.0.2.0/24", here, None).into()).id();
        let tiny = run(vswitch(vpc, "10.0.3.0/29", here, None).into()).id();
        let away = run(vswitch(vpc, "10.0.4.0/24", there, None).into()).id();
        let elsewhere = run(vswitch(other_vpc, "10.0.1.0/24", here, None).into()).id();
        let sg = run(group(vpc, GroupKind::Basic).into()).id();
        let sg2 = run(group(vpc, GroupKind::Basic).into()).id();
        let ent = run(group(vpc, GroupKind::Enterprise).into()).id();
        let far = run(group(other_vpc, GroupKind::Basic).into()).id();
        let mut loader = World::load();
        world.slice(None, 10_000).0.iter().for_each(|row| loader.change(row).unwrap());
        let hosts = [
            (1, web, sg, SMALL, InstanceStatus::Running),
            (2, web, sg, TRUNKING, InstanceStatus::Stopped),
            (3, web, sg, SMALL, InstanceStatus::Starting),
            (4, elsewhere, far, SMALL, InstanceStatus::Running),
        ];
        let [node, trunking, starting, foreign] = hosts.map(|(n, vswitch, group, kind, status)| {
            let (eni, instance) = host(&world, n, vswitch, group, kind, status);
            loader.change(&stored(&eni)).unwrap();
            loader.change(&stored(&instance)).unwrap();
            instance.id
        });
        let world = loader.finish(world.seq(), world.now()).unwrap();
        Lab {
            start: world.clone(),
            world,
            journal: Vec::new(),
            vpc,
            other_vpc,
            web,
            db,
            tiny,
            away,
            elsewhere,
            sg,
            sg2,
            ent,
            far,
            node,
            trunking,
            starting,
            foreign,
        }
    }

    pub fn run_as(&mut self, caller: &Caller, command: impl Into<Command>) -> Outcome<Reply> {
        let applied = self.world.apply(self.world.now(), caller, command.into());
        self.journal.extend(applied.entry);
        applied.outcome
    }

    pub fn run(&mut self, command: impl Into<Command>) -> Outcome<Reply> {
        self.run_as(&caller(), command)
    }

    #[track_caller]
    pub fn ok(&mut self, command: impl Into<Command>) -> Reply {
        self.run(command).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    pub fn wait(&mut self, ms: i64) {
        let entry = self.world.advance(self.world.now() + Span(ms));
        self.journal.extend(entry);
    }

    pub fn provision(&mut self, provisioning: Provisioning) {
        self.ok(ChangeSettings { provisioning: Some(provisioning), quotas_lifted: None });
    }

    pub fn group(&mut self) -> SecurityGroupId {
        let vpc = self.vpc;
        self.ok(group(vpc, GroupKind::Basic)).id()
    }

    /// An interface in `web` and these groups.
    pub fn eni(&mut self, groups: &[SecurityGroupId]) -> EniId {
        let web = self.web;
        self.ok(eni(web, groups)).id()
    }

    pub fn get(&self, id: EniId) -> &Eni {
        self.world.get(&id).unwrap()
    }

    pub fn primary(&self, instance: InstanceId) -> EniId {
        self.world.get::<Instance>(&instance).unwrap().primary_eni
    }

    /// Adds rules and gives back their ids.
    #[track_caller]
    pub fn rules(
        &mut self,
        group: SecurityGroupId,
        direction: Direction,
        rules: &[&str],
    ) -> Vec<SecurityGroupRuleId> {
        let Reply::CreatedMany(ids) = self.ok(add(group, direction, rules)) else { panic!("ids") };
        ids.into_iter().map(|id| id.try_into().unwrap()).collect()
    }

    /// Adds so many rules for one port each, 100 in a call.
    pub fn fill(&mut self, group: SecurityGroupId, direction: Direction, first: u16, count: u16) {
        for rules in ports(first, count).chunks(100) {
            let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
            self.rules(group, direction, &rules);
        }
    }

    pub fn rules_of(&self, group: SecurityGroupId) -> Vec<SecurityGroupRule> {
        of_group(&self.world, group).cloned().collect()
    }

    /// The command is refused by the rule and leaves no trace.
    #[track_caller]
    pub fn refuses(&mut self, what: &str, command: impl Into<Command>, rule: E) -> Refusal {
        let digest = self.world.digest();
        match self.run(command) {
            Ok(reply) => panic!("{what} was accepted: {reply:?}"),
            Err(refusal) => {
                assert_eq!(refusal.code(), rule, "{what}: {refusal}");
                assert_eq!(self.world.digest(), digest, "{what}");
                refusal
            }
        }
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
        // What is derived from rows one by one is what is derived from them at once.
        assert_eq!(format!("{:?}", loaded.indexes()), format!("{:?}", self.world.indexes()));
    }
}
