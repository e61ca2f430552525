//! A small network of hosts and short words for questions about it.

use crate::lab::*;
use crate::warm::judged_alike;
use sim_core::command::Command;
use sim_core::datapath::text::Words;
use sim_core::datapath::{Disposition, Flow, Leg, Question, Source, Target, Trace};
use sim_core::ecs::authorize::AuthorizeRules;
use sim_core::ecs::eni::ModifyEni;
use sim_core::ecs::instance::{ChargeType, Terms};
use sim_core::ecs::instance_create::{CreateInstance, Launch, LaunchInterface};
use sim_core::ecs::instance_life::{BatchRule, StartInstances};
use sim_core::ecs::public_address::AllocatePublicAddress;
use sim_core::ecs::rule_input::RuleTexts;
use sim_core::ecs::security_group_rule::Direction;
use sim_core::id::{AnyId, EniId, InstanceId, RouteEntryId, RouteTableId, SecurityGroupId, VSwitchId};
use sim_core::vpc::eip::{AllocateEip, InternetCharge, Isp};
use sim_core::vpc::next_hop::HopChoice;
use sim_core::vpc::route_entry::{CreateRouteEntry, NewEntry};
use sim_core::vpc::route_table::{AssociateRouteTable, AssociateType, CreateRouteTable};
use sim_core::{Outcome, Reply};

/// `front` at 10.0.1.10 in `web`, `back` at 10.0.2.9 in `db` and `mid` at 10.0.3.5 in `far`, each with a basic group of
/// its own.
pub struct Net {
    pub lab: Lab,
    pub front: EniId,
    pub back: EniId,
    pub mid: EniId,
    pub front_group: SecurityGroupId,
    pub back_group: SecurityGroupId,
    pub mid_group: SecurityGroupId,
}

impl Net {
    pub fn new() -> Net {
        let mut lab = Lab::new();
        let (web, db, far) = (lab.web, lab.db, lab.far);
        let [a, b, c] = [web, db, far].map(|vswitch| {
            let group = lab.ok(group(lab.vpc, sim_core::ecs::security_group::GroupKind::Basic)).id();
            (vswitch, group)
        });
        let front = host(&mut lab, a.0, a.1, [10, 0, 1, 10]);
        let back = host(&mut lab, b.0, b.1, [10, 0, 2, 9]);
        let mid = host(&mut lab, c.0, c.1, [10, 0, 3, 5]);
        Net { lab, front, back, mid, front_group: a.1, back_group: b.1, mid_group: c.1 }
    }

    /// Like [`Net::new`], with groups that let everything in.
    pub fn open() -> Net {
        let mut net = Net::new();
        for group in [net.front_group, net.back_group, net.mid_group] {
            net.accept(group, "all", "-1/-1", "0.0.0.0/0");
        }
        net
    }

    pub fn accept(&mut self, group: SecurityGroupId, protocol: &str, ports: &str, peer: &str) {
        self.rule(group, Direction::Ingress, "accept", "1", protocol, ports, peer);
    }

    #[allow(clippy::too_many_arguments)]
    pub fn rule(
        &mut self,
        group: SecurityGroupId,
        direction: Direction,
        policy: &str,
        priority: &str,
        protocol: &str,
        ports: &str,
        peer: &str,
    ) {
        let v6 = peer.contains(':');
        let texts = RuleTexts {
            protocol: Some(protocol),
            port_range: Some(ports),
            policy: Some(policy),
            priority: Some(priority),
            peer_cidr: (!v6).then_some(peer),
            peer_ipv6_cidr: v6.then_some(peer),
            ..RuleTexts::default()
        };
        let rules = vec![texts.read(direction).unwrap().complete(direction).unwrap()];
        self.lab.ok(AuthorizeRules { group, direction, rules });
    }

    pub fn instance(&self, eni: EniId) -> InstanceId {
        let eni: &sim_core::ecs::eni::Eni = self.lab.world.get(&eni).unwrap();
        eni.instance.unwrap()
    }

    pub fn check(&mut self, eni: EniId, on: bool) {
        check(&mut self.lab, eni, on);
    }

    /// A custom table for a vSwitch.
    pub fn table(&mut self, vswitch: VSwitchId) -> RouteTableId {
        let (vpc, associate_type) = (self.lab.vpc, AssociateType::VSwitch);
        let route_table = self
            .lab
            .ok(CreateRouteTable { vpc, associate_type, name: None, description: None, tags: Vec::new() })
            .id();
        self.lab.ok(AssociateRouteTable { route_table, vswitch });
        route_table
    }

    pub fn route(&mut self, table: RouteTableId, destination: &str, hop: impl Into<AnyId>) -> RouteEntryId {
        self.lab.ok(entry(table, destination, hop)).id()
    }

    /// Turns a system entry of a custom table to another next hop.
    pub fn redirect(&mut self, table: RouteTableId, destination: &str, hop: EniId) {
        use sim_core::vpc::route_entry::{EntryRef, ModifyRouteEntry};
        let entry = EntryRef {
            entry: None,
            table: Some(table.to_string().into()),
            destination: Some(destination.into()),
        };
        self.lab.ok(ModifyRouteEntry {
            entry,
            name: None,
            description: None,
            next_hop_kind: Some("NetworkInterface".into()),
            next_hop: Some(hop.to_string().into()),
        });
    }

    pub fn ask(&self, source: Source, target: &str) -> Outcome<Question> {
        let Target { address, port, protocol } = Target::parse(target, "destination")?;
        let flow = Flow { source, protocol, source_port: None, destination: address, port, request: None };
        flow.resolve(&self.lab.world, &caller())
    }

    pub fn trace_from(&self, source: Source, target: &str) -> Trace {
        let question = self.ask(source, target).unwrap();
        let trace = question.trace(&self.lab.world);
        assert_eq!(trace.ending, question.verdict(&self.lab.world));
        judged_alike(&self.lab.world, &question);
        trace
    }

    /// The trace from `front`.
    pub fn trace(&self, target: &str) -> Trace {
        self.trace_from(Source::Interface(self.front, None), target)
    }

    pub fn text(&self, trace: &Trace) -> String {
        Words::new(&self.lab.world).trace(trace)
    }

    #[track_caller]
    pub fn ends(&self, trace: &Trace, leg: Leg, disposition: Disposition) {
        assert_eq!(
            (trace.ending.leg, trace.ending.disposition),
            (leg, disposition),
            "\n{}",
            self.text(trace)
        );
    }
}

pub fn entry(table: RouteTableId, destination: &str, hop: impl Into<AnyId>) -> Command {
    let hop = hop.into();
    let kind = match hop.kind() {
        sim_core::id::IdKind::Instance => "Instance",
        sim_core::id::IdKind::HaVip => "HaVip",
        sim_core::id::IdKind::NatGateway => "NatGateway",
        sim_core::id::IdKind::Ipv4Gateway => "Ipv4Gateway",
        sim_core::id::IdKind::Ipv6Gateway => "IPv6Gateway",
        sim_core::id::IdKind::VpcPeer => "VpcPeer",
        sim_core::id::IdKind::RouterInterface => "RouterInterface",
        _ => "NetworkInterface",
    };
    let next_hop = HopChoice { kind: Some(kind.into()), id: Some(hop.to_string().into()), list: Vec::new() };
    let entry = NewEntry {
        table: table.to_string().into(),
        destination: destination.into(),
        next_hop,
        name: None,
        description: None,
    };
    CreateRouteEntry { entry }.into()
}

/// Turns the source/destination check of an interface on or off.
pub fn check(lab: &mut Lab, eni: EniId, on: bool) {
    lab.ok(ModifyEni {
        eni,
        name: None,
        description: None,
        groups: None,
        delete_on_release: None,
        source_dest_check: Some(on),
        queues: None,
        traffic_mode: None,
    });
}

/// A running instance; the answer is its primary interface.
pub fn host(lab: &mut Lab, vswitch: VSwitchId, group: SecurityGroupId, address: [u8; 4]) -> EniId {
    let reply: Reply = lab.ok(run_many(launch_at(vswitch, group, address, 0), 1));
    lab.primary(ids(&reply)[0]).id
}

/// A running instance that has no static public address, or one that is in force or not.
pub fn host_as(
    lab: &mut Lab,
    vswitch: VSwitchId,
    group: SecurityGroupId,
    address: [u8; 4],
    public: Option<bool>,
) -> EniId {
    match public {
        None => host(lab, vswitch, group, address),
        Some(in_force) => public_host(lab, vswitch, group, address, in_force),
    }
}

/// A running instance with a static public address, which may have to wait for its next start.
pub fn public_host(
    lab: &mut Lab,
    vswitch: VSwitchId,
    group: SecurityGroupId,
    address: [u8; 4],
    in_force: bool,
) -> EniId {
    let launch = launch_at(vswitch, group, address, 5);
    if in_force {
        let reply: Reply = lab.ok(run_many(launch, 1));
        return lab.primary(ids(&reply)[0]).id;
    }
    let instance = lab.ok(CreateInstance { launch: Box::new(launch) }).id();
    lab.ok(StartInstances { instances: vec![instance], rule: BatchRule::AllTogether });
    lab.ok(AllocatePublicAddress { instance, address: None });
    lab.primary(instance).id
}

fn launch_at(vswitch: VSwitchId, group: SecurityGroupId, address: [u8; 4], bandwidth_out: u32) -> Launch {
    Launch {
        instance_type: SMALL.into(),
        image: Some(LINUX.into()),
        primary: LaunchInterface {
            vswitch: Some(vswitch),
            groups: vec![group],
            primary_ip: Some(address.into()),
            ..LaunchInterface::default()
        },
        terms: Terms { bandwidth_out, ..Terms::default() },
        ..Launch::default()
    }
}

/// The next elastic IP address.
pub fn allocate() -> AllocateEip {
    AllocateEip {
        address: None,
        bandwidth: None,
        charge: InternetCharge::ByTraffic,
        payment: ChargeType::PostPaid,
        months: None,
        isp: Isp::Bgp,
        name: None,
        description: None,
        resource_group: None,
        tags: Vec::new(),
    }
}
