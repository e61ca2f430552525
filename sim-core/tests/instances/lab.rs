//! A world with two VPCs, vSwitches in two zones and groups, and short words for commands on instances.

use sim_core::ecs::eni::{CreateEni, Eni, EniKind, TrafficMode};
use sim_core::ecs::eni_address::Wanted;
use sim_core::ecs::eni_attachment::AttachEni;
use sim_core::ecs::instance::{Instance, InstanceStatus};
use sim_core::ecs::instance_create::{CreateInstance, Launch, LaunchInterface, RunInstances};
use sim_core::ecs::instance_life::{
    BatchRule, DeleteInstances, RebootInstances, StartInstances, StopInstances,
};
use sim_core::ecs::instance_modify::{ModifyInstance, MoveInstance};
use sim_core::ecs::security_group::{CreateSecurityGroup, GroupKind};
use sim_core::error::ErrorKind;
use sim_core::id::{EniId, InstanceId, RouteEntryId, RouteTableId, SecurityGroupId, VSwitchId, VpcId};
use sim_core::settings::{ChangeSettings, Provisioning};
use sim_core::vpc::next_hop::HopChoice;
use sim_core::vpc::route_entry::{CreateRouteEntry, NewEntry};
use sim_core::vpc::vpc::CreateVpc;
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch};
use sim_core::{
    AccountId, Caller, Command, Entry, ErrorCode as E, Genesis, Outcome, Refusal, Reply, Span, World,
};

pub const LINUX: &str = "aliyun_3_x64_20G_alibase_20240819.vhd";
pub const WINDOWS: &str = "win2022_21H2_x64_dtc_en-us_40G_alibase_20240715.vhd";
pub const ARM: &str = "ubuntu_22_04_arm64_20G_alibase_20240710.vhd";
/// Three interfaces with six IPv4 and six IPv6 addresses each.
pub const SMALL: &str = "ecs.g7.large";

pub fn caller() -> Caller {
    Caller::new(AccountId::DEFAULT, "cn-hangzhou")
}

/// The world, and what has been written to its journal.
pub struct Lab {
    pub world: World,
    start: World,
    pub journal: Vec<Entry>,
    pub vpc: VpcId,
    pub table: RouteTableId,
    pub other_vpc: VpcId,
    /// 10.0.1.0/24 with IPv6 in zone k.
    pub web: VSwitchId,
    /// 10.0.2.0/24 in zone k.
    pub db: VSwitchId,
    /// 10.0.3.0/24 in zone j.
    pub far: VSwitchId,
    /// 10.0.4.0/29 in zone k: four addresses.
    pub tiny: VSwitchId,
    /// 10.0.1.0/24 in zone k of the other VPC.
    pub elsewhere: VSwitchId,
    pub group: SecurityGroupId,
    pub second_group: SecurityGroupId,
    pub enterprise: SecurityGroupId,
    pub other_group: SecurityGroupId,
}

pub fn vswitch(vpc: VpcId, zone: &str, block: &str, ipv6_subnet: Option<u32>) -> Command {
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
    .into()
}

pub fn group(vpc: VpcId, kind: GroupKind) -> Command {
    let vpc = Some(vpc);
    CreateSecurityGroup { vpc, kind, name: None, description: None, resource_group: None, tags: Vec::new() }
        .into()
}

impl Lab {
    pub fn new() -> Lab {
        let mut world = World::new(Genesis::default());
        let start = world.clone();
        let mut journal = Vec::new();
        let mut run = |command: Command| {
            let applied = world.apply(world.now(), &caller(), command);
            journal.extend(applied.entry);
            applied.outcome.unwrap()
        };
        let block = || Some("10.0.0.0/8".parse().unwrap());
        let made = run(CreateVpc { block: block(), ipv6: true, ..CreateVpc::default() }.into());
        let Reply::CreatedVpc { vpc, route_table: table, .. } = made else { panic!("{made:?}") };
        let other_vpc = run(CreateVpc { block: block(), ..CreateVpc::default() }.into()).id();
        let web = run(vswitch(vpc, "cn-hangzhou-k", "10.0.1.0/24", Some(1))).id();
        let db = run(vswitch(vpc, "cn-hangzhou-k", "10.0.2.0/24", None)).id();
        let far = run(vswitch(vpc, "cn-hangzhou-j", "10.0.3.0/24", None)).id();
        let tiny = run(vswitch(vpc, "cn-hangzhou-k", "10.0.4.0/29", None)).id();
        let elsewhere = run(vswitch(other_vpc, "cn-hangzhou-k", "10.0.1.0/24", None)).id();
        let basic = run(group(vpc, GroupKind::Basic)).id();
        let second_group = run(group(vpc, GroupKind::Basic)).id();
        let enterprise = run(group(vpc, GroupKind::Enterprise)).id();
        let other_group = run(group(other_vpc, GroupKind::Basic)).id();
        Lab {
            world,
            start,
            journal,
            vpc,
            table,
            other_vpc,
            web,
            db,
            far,
            tiny,
            elsewhere,
            group: basic,
            second_group,
            enterprise,
            other_group,
        }
    }

    pub fn in_profile(provisioning: Provisioning) -> Lab {
        let mut lab = Lab::new();
        lab.ok(ChangeSettings { provisioning: Some(provisioning), quotas_lifted: None });
        lab
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

    /// The command is refused by the rule and leaves no trace.
    #[track_caller]
    pub fn refuses(&mut self, what: &str, command: impl Into<Command>, rule: E) -> Refusal {
        let digest = self.world.digest();
        let refusal = self.run(command).expect_err(what);
        assert_eq!(refusal.code(), rule, "{what}: {refusal}");
        // A full quota is no field's fault; it names the quota.
        let quota = rule.kind() == ErrorKind::Quota;
        assert!(quota || refusal.details().field.is_some(), "{what}: no field is named");
        assert_eq!(self.world.digest(), digest, "{what}");
        refusal
    }

    /// A launch into `web` with one group.
    pub fn launch(&self) -> Launch {
        Launch {
            instance_type: SMALL.into(),
            image: Some(LINUX.into()),
            primary: LaunchInterface {
                vswitch: Some(self.web),
                groups: vec![self.group],
                ..LaunchInterface::default()
            },
            ..Launch::default()
        }
    }

    pub fn made(&mut self, launch: Launch) -> InstanceId {
        self.ok(CreateInstance { launch: Box::new(launch) }).id()
    }

    /// A running instance in `web`.
    pub fn running(&mut self) -> InstanceId {
        let launch = self.launch();
        ids(&self.ok(run_many(launch, 1)))[0]
    }

    pub fn instance(&self, id: InstanceId) -> &Instance {
        self.world.get(&id).unwrap()
    }

    pub fn status(&self, id: InstanceId) -> InstanceStatus {
        self.instance(id).status
    }

    pub fn primary(&self, id: InstanceId) -> &Eni {
        self.instance(id).primary(&self.world)
    }

    /// An Available interface in `web`.
    pub fn eni(&mut self, kind: EniKind, delete_on_release: bool) -> EniId {
        let command = CreateEni {
            vswitch: self.web,
            kind,
            groups: vec![self.group],
            primary_ip: None,
            wanted: Wanted::default(),
            name: None,
            description: None,
            delete_on_release,
            source_dest_check: false,
            queues: None,
            traffic_mode: TrafficMode::Standard,
            resource_group: None,
            tags: Vec::new(),
        };
        self.ok(command).id()
    }

    pub fn attach(&mut self, eni: EniId, instance: InstanceId, trunk: Option<EniId>) {
        self.ok(AttachEni { eni, instance, trunk });
    }

    /// A route to an instance in the system table.
    pub fn route(&mut self, destination: &str, instance: InstanceId) -> RouteEntryId {
        let next_hop = HopChoice {
            kind: Some("Instance".into()),
            id: Some(instance.to_string().into()),
            list: Vec::new(),
        };
        let table = self.table.to_string().into();
        let destination = destination.into();
        let entry = NewEntry { table, destination, next_hop, name: None, description: None };
        self.ok(CreateRouteEntry { entry }).id()
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
        let derived = |w: &World| format!("{:?}", w.indexes());
        assert_eq!(derived(&loaded), derived(&self.world));
    }
}

pub fn run_many(launch: Launch, amount: u16) -> RunInstances {
    RunInstances {
        launch: Box::new(launch),
        amount,
        min_amount: None,
        host_names: Vec::new(),
        unique_suffix: false,
    }
}

pub fn ids(reply: &Reply) -> Vec<InstanceId> {
    let Reply::CreatedMany(made) = reply else { panic!("{reply:?}") };
    made.iter().map(|id| (*id).try_into().unwrap()).collect()
}

pub fn start(instances: &[InstanceId]) -> StartInstances {
    StartInstances { instances: instances.to_vec(), rule: BatchRule::AllTogether }
}

pub fn stop(instances: &[InstanceId]) -> StopInstances {
    StopInstances { instances: instances.to_vec(), mode: None, force: false, rule: BatchRule::AllTogether }
}

pub fn reboot(instances: &[InstanceId]) -> RebootInstances {
    RebootInstances { instances: instances.to_vec(), force: false, rule: BatchRule::AllTogether }
}

pub fn delete(instances: &[InstanceId], force: bool) -> DeleteInstances {
    DeleteInstances { instances: instances.to_vec(), force, terminate_subscription: false }
}

/// A change of nothing.
pub fn change(instance: InstanceId) -> ModifyInstance {
    ModifyInstance {
        instance,
        name: None,
        host_name: None,
        description: None,
        deletion_protection: None,
        groups: None,
        password: None,
        user_data: None,
    }
}

pub fn relocate(instance: InstanceId, vswitch: VSwitchId) -> MoveInstance {
    MoveInstance { instance, vswitch, primary_ip: None, vpc: None, groups: Vec::new() }
}
