//! The world that the measurements are made in: 20 VPCs with 16 vSwitches each, quotas lifted, provisioning instant.

// Each benchmark uses a part of this.
#![allow(dead_code)]

use sim_core::ecs::eni::{CreateEni, EniKind, TrafficMode};
use sim_core::ecs::eni_address::Wanted;
use sim_core::ecs::security_group::{CreateSecurityGroup, GroupKind};
use sim_core::id::{AnyId, EniId, Id, SecurityGroupId, VSwitchId, VpcId};
use sim_core::settings::{ClockMode, Provisioning};
use sim_core::tag::TagPair;
use sim_core::vpc::vpc::CreateVpc;
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch};
use sim_core::{AccountId, Caller, Command, Genesis, SimTime, World};

pub const VPCS: usize = 20;
pub const VSWITCHES: usize = 16;
pub const REGION: &str = "cn-hangzhou";
pub const ZONE: &str = "cn-hangzhou-k";

/// A world with its VPCs, their vSwitches and a security group in each VPC.
pub struct Network {
    pub world: World,
    pub caller: Caller,
    pub vpcs: Vec<VpcId>,
    /// By VPC, in the order of `vpcs`: 16 of each.
    pub vswitches: Vec<VSwitchId>,
    pub groups: Vec<SecurityGroupId>,
}

impl Network {
    /// The network without interfaces; `at` is virtual time and, for a clock that follows it, the wall clock.
    pub fn new(clock: ClockMode, at: i64) -> Network {
        let genesis = Genesis {
            at: SimTime(at),
            wall: at,
            quotas_lifted: true,
            clock,
            provisioning: Provisioning::Instant,
            ..Genesis::default()
        };
        let caller = Caller::new(AccountId::DEFAULT, REGION);
        let (vpcs, vswitches, groups) = (Vec::new(), Vec::new(), Vec::new());
        let mut network = Network { world: World::new(genesis), caller, vpcs, vswitches, groups };
        for _ in 0..VPCS {
            network.add_vpc();
        }
        network
    }

    fn add_vpc(&mut self) {
        let block = Some("10.0.0.0/8".parse().expect("a block"));
        let vpc: VpcId = self.make(CreateVpc { block, ..CreateVpc::default() });
        self.vpcs.push(vpc);
        for number in 0..VSWITCHES {
            let block = BlockChoice::Given(format!("10.{number}.0.0/16").parse().expect("a block"));
            let vswitch = self.make(vswitch(vpc, block));
            self.vswitches.push(vswitch);
        }
        let group = self.make(CreateSecurityGroup {
            vpc: Some(vpc),
            kind: GroupKind::Basic,
            name: None,
            description: None,
            resource_group: None,
            tags: Vec::new(),
        });
        self.groups.push(group);
    }

    /// Carries out a command that makes something.
    pub fn make<I: Id + TryFrom<AnyId>>(&mut self, command: impl Into<Command>) -> I {
        let at = self.world.now();
        self.world.apply(at, &self.caller, command.into()).outcome.expect("it is made").id()
    }

    /// Where the interface of this number goes: one vSwitch after the other, and the group of its VPC.
    pub fn place(&self, number: usize) -> (VSwitchId, SecurityGroupId) {
        let at = number % self.vswitches.len();
        (self.vswitches[at], self.groups[at / VSWITCHES])
    }

    /// The interface of this number.
    pub fn eni(&self, number: usize, tags: Vec<TagPair>) -> CreateEni {
        let (vswitch, group) = self.place(number);
        CreateEni {
            vswitch,
            kind: EniKind::Secondary,
            groups: vec![group],
            primary_ip: None,
            wanted: Wanted::default(),
            name: None,
            description: None,
            delete_on_release: true,
            source_dest_check: false,
            queues: None,
            traffic_mode: TrafficMode::Standard,
            resource_group: None,
            tags,
        }
    }

    /// Makes `count` interfaces, of which every tenth carries the tag `env=bench`.
    pub fn fill(&mut self, count: usize) -> Vec<EniId> {
        let tag = || TagPair { key: "env".into(), value: "bench".into() };
        (0..count)
            .map(|n| {
                let tags = if n % 10 == 0 { vec![tag()] } else { Vec::new() };
                self.make(self.eni(n, tags))
            })
            .collect()
    }
}

/// A vSwitch without name.
pub fn vswitch(vpc: VpcId, block: BlockChoice) -> CreateVSwitch {
    CreateVSwitch {
        vpc,
        zone: ZONE.into(),
        block,
        ipv6_subnet: None,
        vpc_ipv6_block: None,
        name: None,
        description: None,
        tags: Vec::new(),
    }
}
