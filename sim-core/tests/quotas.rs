//! Every quota: full, one more is refused, raised by one it passes, lifted it passes, and the usage shown is what the
//! check counts.

#[path = "quotas/forwarding.rs"]
mod forwarding;
#[path = "quotas/internet.rs"]
mod internet;
#[path = "quotas/regional.rs"]
mod regional;

use compact_str::format_compact;
use forwarding::listener;
use sim_core::cidr::Cidr;
use sim_core::ecs::authorize::AuthorizeRules;
use sim_core::ecs::eni::{CreateEni, EniKind, TrafficMode};
use sim_core::ecs::eni_address::{Want, Wanted};
use sim_core::ecs::membership::{JoinSecurityGroup, Member};
use sim_core::ecs::prefix_list::ModifyPrefixList;
use sim_core::ecs::security_group::{CreateSecurityGroup, GroupKind};
use sim_core::ecs::security_group_rule::{Direction, Peer};
use sim_core::id::{AnyId, EniId, Id, LoadBalancerId, PrefixListId, SecurityGroupId, VSwitchId, VpcId};
use sim_core::quota::{AdjustQuota, CEILING_FACTOR, Quota};
use sim_core::quota_usage::QuotaScope;
use sim_core::settings::ChangeSettings;
use sim_core::slb::backend::{AddBackends, Member as Behind, NewBackend, Pool, Server};
use sim_core::slb::load_balancer::{CreateLoadBalancer, Place};
use sim_core::slb::server_group::CreateVServerGroup;
use sim_core::slb::spec::{InternetCharge, PayType};
use sim_core::tag::TagResources;
use sim_core::vpc::cidr_reservation::{CreateCidrReservation, ReservationChoice};
use sim_core::vpc::next_hop::HopChoice;
use sim_core::vpc::route_entry::{CreateRouteEntry, NewEntry};
use sim_core::vpc::route_table::{AssociateType, CreateRouteTable};
use sim_core::vpc::secondary_block::{AddIpv6Block, AddSecondaryBlock};
use sim_core::vpc::vpc::CreateVpc;
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch};
use sim_core::{AccountId, Caller, Command, ErrorCode as E, Genesis, Outcome, Owner, Reply, World};

fn caller() -> Caller {
    Caller::new(AccountId::DEFAULT, "cn-hangzhou")
}

fn owner() -> Owner {
    Owner::from(&caller())
}

#[path = "quota_makers/mod.rs"]
mod makers;
use makers::{list, rule, tags, user_cidrs};

/// A world in which a quota is filled up.
struct Lab {
    world: World,
}

impl Lab {
    fn new() -> Lab {
        Lab { world: World::new(Genesis::default()) }
    }

    fn try_do(&mut self, command: impl Into<Command>) -> Outcome<Reply> {
        self.world.apply(self.world.now(), &caller(), command.into()).outcome
    }

    #[track_caller]
    fn make(&mut self, command: impl Into<Command>) -> Reply {
        self.try_do(command).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    #[track_caller]
    fn id<I: Id + TryFrom<AnyId>>(&mut self, command: impl Into<Command>) -> I {
        self.make(command).id()
    }

    fn lift(&mut self, lifted: bool) {
        self.make(ChangeSettings { quotas_lifted: Some(lifted), ..ChangeSettings::default() });
    }

    fn raise(&mut self, quota: Quota) {
        self.make(AdjustQuota { name: quota.row().name.to_owned(), value: quota.row().ceiling });
    }

    fn vpc(&mut self) -> VpcId {
        self.id(CreateVpc { block: Some("10.0.0.0/8".parse().unwrap()), ipv6: true, ..CreateVpc::default() })
    }

    fn vswitch(&mut self, vpc: VpcId, mask: u8, ipv6_subnet: Option<u32>) -> VSwitchId {
        self.id(vswitch(vpc, mask, ipv6_subnet))
    }

    fn group(&mut self, vpc: VpcId, kind: GroupKind) -> SecurityGroupId {
        self.id(group(vpc, kind))
    }

    fn eni(&mut self, vswitch: VSwitchId, groups: Vec<SecurityGroupId>, prefixes: u16) -> EniId {
        self.id(eni(vswitch, groups, prefixes))
    }

    fn list(&mut self, max_entries: u32) -> PrefixListId {
        self.id(list(max_entries))
    }

    /// An empty vServer group, and an interface to stand in it.
    fn pool(&mut self) -> (Pool, EniId) {
        let load_balancer: LoadBalancerId = self.id(balancer());
        let group = CreateVServerGroup { load_balancer, name: None, backends: Vec::new(), tags: Vec::new() };
        let vpc = self.vpc();
        let (vswitch, security) = (self.vswitch(vpc, 24, None), self.group(vpc, GroupKind::Basic));
        (Pool::Group(self.id(group)), self.eni(vswitch, vec![security], 0))
    }

    /// How much of a quota is in use: in the region, or by the object that uses most.
    fn used(&self, quota: Quota) -> (u64, Option<AnyId>) {
        match quota.used_in_region(&self.world, &owner()) {
            Some(used) => (used, None),
            None => {
                let top = quota.highest(&self.world, &owner(), 1);
                top.first().map_or((0, None), |top| (top.used, Some(top.object)))
            }
        }
    }
}

fn vswitch(vpc: VpcId, mask: u8, ipv6_subnet: Option<u32>) -> CreateVSwitch {
    let zone = "cn-hangzhou-k".into();
    let block = BlockChoice::Mask(mask);
    CreateVSwitch {
        vpc,
        zone,
        block,
        ipv6_subnet,
        vpc_ipv6_block: None,
        name: None,
        description: None,
        tags: Vec::new(),
    }
}

fn group(vpc: VpcId, kind: GroupKind) -> CreateSecurityGroup {
    let (name, description, resource_group) = (None, None, None);
    CreateSecurityGroup { vpc: Some(vpc), kind, name, description, resource_group, tags: Vec::new() }
}

fn eni(vswitch: VSwitchId, groups: Vec<SecurityGroupId>, prefixes: u16) -> CreateEni {
    let ipv4_prefixes = if prefixes == 0 { Want::Nothing } else { Want::Count(prefixes) };
    CreateEni {
        vswitch,
        kind: EniKind::Secondary,
        groups,
        primary_ip: None,
        wanted: Wanted { ipv4_prefixes, ..Wanted::default() },
        name: None,
        description: None,
        delete_on_release: false,
        source_dest_check: false,
        queues: None,
        traffic_mode: TrafficMode::Standard,
        resource_group: None,
        tags: Vec::new(),
    }
}

/// One interface with several ports.
fn backends(pool: Pool, eni: EniId, ports: std::ops::Range<u16>) -> AddBackends {
    behind(pool, Server::Eni(eni), ports)
}

fn behind(pool: Pool, server: Server, ports: std::ops::Range<u16>) -> AddBackends {
    let new = |port| NewBackend {
        member: Behind { server, address: None, port: Some(port) },
        weight: None,
        description: None,
    };
    AddBackends { pool, backends: ports.map(new).collect() }
}

fn balancer() -> CreateLoadBalancer {
    CreateLoadBalancer {
        place: Place::Internet,
        name: None,
        master_zone: None,
        slave_zone: None,
        instance_charge: None,
        spec: Some("slb.s1.small".into()),
        internet_charge: InternetCharge::ByTraffic,
        bandwidth: -1,
        pay_type: PayType::OnDemand,
        months: None,
        delete_protection: false,
        modification_protection: None,
        resource_group: None,
        tags: Vec::new(),
    }
}

fn anyone() -> Peer {
    Peer::Block("0.0.0.0/0".parse::<Cidr>().unwrap())
}

fn authorize(group: SecurityGroupId, ports: std::ops::Range<u16>, peer: Peer) -> AuthorizeRules {
    let rules = ports.map(|port| rule(port, peer)).collect();
    AuthorizeRules { group, direction: Direction::Ingress, rules }
}

fn reservation(vswitch: VSwitchId, block: ReservationChoice) -> CreateCidrReservation {
    CreateCidrReservation { vswitch, block, name: None, description: None, tags: Vec::new() }
}

/// Fills a quota; gives the command for one more and the error that it must get.
fn fill(lab: &mut Lab, quota: Quota) -> (Command, E) {
    let limit = quota.row().default;
    match quota {
        Quota::VpcsPerRegion => {
            // The default VPC does not count.
            lab.make(sim_core::vpc::default_network::CreateDefaultVpc::default());
            (0..limit).for_each(|_| {
                lab.vpc();
            });
            (CreateVpc::default().into(), E::VpcQuotaExceeded)
        }
        Quota::VSwitchesPerVpc => {
            let vpc = lab.vpc();
            (0..limit).for_each(|_| {
                lab.vswitch(vpc, 24, None);
            });
            (vswitch(vpc, 24, None).into(), E::VSwitchQuotaExceeded)
        }
        Quota::SecondaryCidrsPerVpc => {
            let vpc = lab.vpc();
            let block = |n: u32| AddSecondaryBlock { vpc, block: format!("192.{n}.0.0/16").parse().unwrap() };
            (1..=limit).for_each(|n| {
                lab.make(block(n));
            });
            (block(limit + 1).into(), E::SecondaryCidrQuota)
        }
        Quota::SecondaryIpv6CidrsPerVpc => {
            let vpc = lab.vpc();
            let block = AddIpv6Block { vpc, block: None, isp: None };
            (0..limit).for_each(|_| {
                lab.make(block.clone());
            });
            (block.into(), E::SecondaryIpv6Quota)
        }
        Quota::ReservedIpv4PerVpc | Quota::ReservedIpv6PerVpc => {
            let vpc = lab.vpc();
            let vswitch = lab.vswitch(vpc, 16, Some(1));
            let ipv4 = quota == Quota::ReservedIpv4PerVpc;
            let wanted = if ipv4 { ReservationChoice::Mask4(28) } else { ReservationChoice::Mask6(80) };
            (0..limit).for_each(|_| {
                lab.make(reservation(vswitch, wanted));
            });
            (reservation(vswitch, wanted).into(), E::CidrReservationQuota)
        }
        Quota::UserCidrsPerVpc => {
            lab.make(user_cidrs(limit as u8));
            (user_cidrs(limit as u8 + 1).into(), E::UserCidrQuota)
        }
        Quota::PrivateIpsPerVpc => {
            // 160 addresses in prefixes and one of its own on each, then single ones.
            lab.raise(Quota::SecondaryEnis);
            lab.lift(true);
            let vpc = lab.vpc();
            let group = lab.group(vpc, GroupKind::Enterprise);
            let wide: Vec<_> = (0..5).map(|_| lab.vswitch(vpc, 16, None)).collect();
            let narrow = lab.vswitch(vpc, 16, None);
            let (many, single) = (limit / 161, limit % 161);
            (0..many).for_each(|n| {
                lab.eni(wide[n as usize % 5], vec![group], 10);
            });
            (0..single).for_each(|_| {
                lab.eni(narrow, vec![group], 0);
            });
            lab.lift(false);
            (eni(narrow, vec![group], 0).into(), E::AddressQuotaExceeded)
        }
        Quota::TagsPerResource => {
            let vpc = lab.id::<VpcId>(CreateVpc { tags: tags(0..limit), ..CreateVpc::default() });
            (
                TagResources { resources: vec![vpc.into()], tags: tags(limit..limit + 1) }.into(),
                E::TagQuotaExceeded,
            )
        }
        Quota::RouteTablesPerVpc => {
            let vpc = lab.vpc();
            let table = CreateRouteTable {
                vpc,
                associate_type: AssociateType::VSwitch,
                name: None,
                description: None,
                tags: Vec::new(),
            };
            (0..limit).for_each(|_| {
                lab.make(table.clone());
            });
            (table.into(), E::RouteTableQuotaExceeded)
        }
        Quota::RouteEntriesPerTable => {
            let made =
                lab.make(CreateVpc { block: Some("10.0.0.0/8".parse().unwrap()), ..CreateVpc::default() });
            let Reply::CreatedVpc { vpc, route_table, .. } = made else { panic!("{made:?}") };
            let (vswitch, group) = (lab.vswitch(vpc, 24, None), lab.group(vpc, GroupKind::Basic));
            let next = lab.eni(vswitch, vec![group], 0);
            let entry = |n: u32| CreateRouteEntry {
                entry: NewEntry {
                    table: format_compact!("{route_table}"),
                    destination: format_compact!("172.20.{n}.0/24"),
                    next_hop: HopChoice {
                        kind: Some("NetworkInterface".into()),
                        id: Some(format_compact!("{next}")),
                        list: Vec::new(),
                    },
                    name: None,
                    description: None,
                },
            };
            (0..limit).for_each(|n| {
                lab.make(entry(n));
            });
            (entry(limit).into(), E::RouteEntryQuotaExceeded)
        }
        Quota::SecurityGroups => {
            let vpc = lab.vpc();
            (0..limit).for_each(|_| {
                lab.group(vpc, GroupKind::Basic);
            });
            (group(vpc, GroupKind::Enterprise).into(), E::SecurityGroupQuotaExceeded)
        }
        Quota::GroupsPerEni | Quota::RulesPerEni => {
            let vpc = lab.vpc();
            let vswitch = lab.vswitch(vpc, 24, None);
            let (groups, rules) = if quota == Quota::GroupsPerEni { (limit, 0) } else { (limit / 100, 100) };
            let groups: Vec<_> = (0..groups).map(|_| lab.group(vpc, GroupKind::Basic)).collect();
            if quota == Quota::RulesPerEni {
                lab.raise(Quota::GroupsPerEni);
                groups.iter().for_each(|&group| {
                    lab.make(authorize(group, 1..rules + 1, anyone()));
                });
            }
            let one = lab.eni(vswitch, groups, 0);
            let group = lab.group(vpc, GroupKind::Basic);
            lab.make(authorize(group, 1..2, anyone()));
            let join = JoinSecurityGroup { group, member: Member::Eni(one) };
            let error = if quota == Quota::GroupsPerEni {
                E::SecurityGroupsPerEniExceeded
            } else {
                E::EniRulesExceeded
            };
            (join.into(), error)
        }
        Quota::RulesPerGroup => {
            let vpc = lab.vpc();
            let group = lab.group(vpc, GroupKind::Basic);
            // A rule that names a prefix list counts as much as the list may hold.
            let list = lab.list(limit - 150);
            lab.make(authorize(group, 1..101, anyone()));
            lab.make(authorize(group, 101..150, anyone()));
            lab.make(authorize(group, 1..2, Peer::List(list)));
            lab.make(authorize(group, 150..151, anyone()));
            (authorize(group, 151..152, anyone()).into(), E::GroupRulesExceeded)
        }
        Quota::GroupRulesPerGroup => {
            let vpc = lab.vpc();
            let (group, peer) = (lab.group(vpc, GroupKind::Basic), lab.group(vpc, GroupKind::Basic));
            lab.make(authorize(group, 1..limit as u16 + 1, Peer::Group(peer)));
            (authorize(group, 99..100, Peer::Group(peer)).into(), E::GroupPeerRulesExceeded)
        }
        Quota::AddressesPerBasicGroup => {
            lab.raise(Quota::SecondaryEnis);
            let vpc = lab.vpc();
            let (vswitch, group) = (lab.vswitch(vpc, 16, None), lab.group(vpc, GroupKind::Basic));
            (0..limit / 161).for_each(|_| {
                lab.eni(vswitch, vec![group], 10);
            });
            (0..limit % 161).for_each(|_| {
                lab.eni(vswitch, vec![group], 0);
            });
            (eni(vswitch, vec![group], 0).into(), E::SecurityGroupFull)
        }
        Quota::EnisPerEnterpriseGroup => {
            lab.lift(true);
            let vpc = lab.vpc();
            let vswitches: Vec<_> = (0..2).map(|_| lab.vswitch(vpc, 16, None)).collect();
            let group = lab.group(vpc, GroupKind::Enterprise);
            (0..limit).for_each(|n| {
                lab.eni(vswitches[n as usize % 2], vec![group], 0);
            });
            lab.lift(false);
            (eni(vswitches[0], vec![group], 0).into(), E::EnterpriseGroupFull)
        }
        Quota::PermissionsPerCall => {
            let vpc = lab.vpc();
            let group = lab.group(vpc, GroupKind::Basic);
            lab.make(authorize(group, 1..limit as u16 + 1, anyone()));
            lab.raise(Quota::RulesPerGroup);
            (authorize(group, 1_000..limit as u16 + 1_001, anyone()).into(), E::RulesPerCallExceeded)
        }
        Quota::PrefixLists => {
            (0..limit).for_each(|_| {
                lab.list(1);
            });
            (list(1).into(), E::PrefixListQuotaExceeded)
        }
        Quota::PrefixListEntries => {
            let list = lab.list(limit);
            let more = ModifyPrefixList {
                list,
                name: None,
                description: None,
                max_entries: Some(limit + 1),
                add: Vec::new(),
                remove: Vec::new(),
            };
            (more.into(), E::PrefixListMaxEntriesInvalid)
        }
        Quota::PrefixListAssociations => {
            lab.raise(Quota::SecurityGroups);
            let (vpc, list) = (lab.vpc(), lab.list(1));
            for _ in 0..limit {
                let group = lab.group(vpc, GroupKind::Basic);
                lab.make(authorize(group, 1..2, Peer::List(list)));
            }
            let group = lab.group(vpc, GroupKind::Basic);
            (authorize(group, 1..2, Peer::List(list)).into(), E::PrefixListAssociationsExceeded)
        }
        Quota::ServerCertificates
        | Quota::CaCertificates
        | Quota::TlsPolicies
        | Quota::AccessControlLists
        | Quota::AccessControlListEntries
        | Quota::ListenersPerAccessControlList
        | Quota::AclEntriesPerListener => regional::fill(lab, quota),
        Quota::ForwardingRulesPerListener
        | Quota::ForwardingRulesPerCall
        | Quota::DomainExtensionsPerListener => forwarding::fill(lab, quota),
        Quota::NatGatewaysPerVpc
        | Quota::EipsPerNatGateway
        | Quota::TrafficEipsPerNatGateway
        | Quota::SnatEntries
        | Quota::EipsPerSnatEntry
        | Quota::ForwardEntries
        | Quota::EipsPerAccount
        | Quota::GatewayRouteTablesPerVpc
        | Quota::HaVipsPerVpc
        | Quota::HaVipsPerAccount
        | Quota::HaVipsPerInstance
        | Quota::BindingsPerHaVip
        | Quota::HaVipRouteEntries
        | Quota::AttachmentsPerServer
        | Quota::NetworkAclsPerVpc
        | Quota::Ipv6EgressRulesPerVpc
        | Quota::RouterInterfacesPerVpc
        | Quota::VpcPeersPerRegion
        | Quota::IntraRegionPeersPerVpc
        | Quota::CrossRegionPeersPerVpc
        | Quota::NetworkAclIngressRules
        | Quota::NetworkAclEgressRules => internet::fill(lab, quota),
        Quota::SecondaryEnis => {
            let vpc = lab.vpc();
            let (vswitch, group) = (lab.vswitch(vpc, 24, None), lab.group(vpc, GroupKind::Basic));
            (0..limit).for_each(|_| {
                lab.eni(vswitch, vec![group], 0);
            });
            (eni(vswitch, vec![group], 0).into(), E::EniQuotaExceeded)
        }
        // -- load balancers
        Quota::LoadBalancers => {
            (0..limit).for_each(|_| {
                lab.make(balancer());
            });
            (balancer().into(), E::LoadBalancerQuotaExceeded)
        }
        Quota::BackendsPerLoadBalancer => {
            lab.raise(Quota::AttachmentsPerServer);
            let (pool, eni) = lab.pool();
            for first in (0..limit as u16).step_by(40) {
                lab.make(backends(pool, eni, first + 1..first + 41));
            }
            (backends(pool, eni, 9_000..9_001).into(), E::BackendQuotaExceeded)
        }
        Quota::ListenersPerLoadBalancer => {
            let load_balancer = lab.id(balancer());
            (0..limit as u16).for_each(|at| {
                lab.make(listener(load_balancer, 1 + at));
            });
            (listener(load_balancer, 9_000).into(), E::ListenerQuotaExceeded)
        }
        Quota::BackendsPerCall => {
            let (pool, eni) = lab.pool();
            lab.make(backends(pool, eni, 1..limit as u16 + 1));
            (backends(pool, eni, 1_000..limit as u16 + 1_001).into(), E::BackendListSize)
        }
    }
}

#[test]
fn every_quota_is_kept_shown_raised_and_lifted() {
    for &quota in Quota::ALL {
        let row = quota.row();
        let limit = u64::from(row.default);
        let mut lab = Lab::new();
        let (more, error) = fill(&mut lab, quota);
        let counted = quota.scope() != QuotaScope::Call;
        let (used, by) = lab.used(quota);
        assert_eq!(used, if counted { limit } else { 0 }, "{}: in use when full", row.name);
        if let Some(object) = by {
            assert_eq!(
                quota.used_by(&lab.world, &caller(), object),
                Ok(Some(limit)),
                "{}: by {object}",
                row.name
            );
        }

        let digest = lab.world.digest();
        let refusal = lab.try_do(more.clone()).expect_err(row.name);
        assert_eq!(refusal.code(), error, "{}: {refusal}", row.name);
        assert_eq!(lab.world.digest(), digest, "{}: the refusal left a trace", row.name);

        let adjust = |value| AdjustQuota { name: row.name.to_owned(), value };
        let mut lifted = Lab { world: lab.world.clone() };
        lifted.lift(true);
        assert_eq!(quota.limit(&lifted.world, AccountId::DEFAULT), u64::MAX);
        let mut passing = vec![lifted];
        if row.adjustable {
            let accepted = refusal.details().accepted.clone().unwrap_or_default();
            assert!(accepted.contains(row.name), "{}: what would pass is {accepted:?}", row.name);
            lab.make(adjust(row.default + 1));
            assert_eq!(quota.limit(&lab.world, AccountId::DEFAULT), limit + 1);
            passing.push(lab);
        } else {
            assert_eq!(lab.try_do(adjust(1)).unwrap_err().code(), E::QuotaNotAdjustable, "{}", row.name);
        }
        for mut lab in passing {
            lab.try_do(more.clone()).unwrap_or_else(|refusal| panic!("{}: {refusal}", row.name));
            let expected = if counted { limit + 1 } else { 0 };
            assert_eq!(lab.used(quota).0, expected, "{}: in use after one more", row.name);
        }
    }
}

#[test]
fn a_value_is_from_1_to_the_ceiling_and_holds_for_one_account() {
    let mut lab = Lab::new();
    let quota = Quota::VpcsPerRegion;
    let ceiling = quota.row().default * CEILING_FACTOR;
    let adjust = |value| AdjustQuota { name: quota.row().name.to_owned(), value };
    for value in [0, ceiling + 1, u32::MAX] {
        let refusal = lab.try_do(adjust(value)).unwrap_err();
        assert_eq!(refusal.code(), E::QuotaValueInvalid);
        assert_eq!(refusal.details().accepted.as_deref(), Some("1 to 1000"));
    }
    assert_eq!(
        lab.try_do(AdjustQuota { name: "vpcs".into(), value: 1 }).unwrap_err().code(),
        E::QuotaUnknown
    );
    lab.vpc();
    lab.vpc();
    lab.make(adjust(1));
    // Nothing is taken away, and nothing more comes in.
    assert_eq!(lab.used(quota).0, 2);
    assert_eq!(lab.try_do(CreateVpc::default()).unwrap_err().code(), E::VpcQuotaExceeded);
    let other = Caller::new(AccountId(7), "cn-hangzhou");
    assert_eq!(quota.limit(&lab.world, other.account), u64::from(quota.row().default));
    let at = lab.world.now();
    assert!(lab.world.apply(at, &other, CreateVpc::default().into()).outcome.is_ok());
    // The same account has its value in every region, and counts in each by itself.
    let elsewhere = Caller::new(AccountId::DEFAULT, "cn-beijing");
    assert!(lab.world.apply(at, &elsewhere, CreateVpc::default().into()).outcome.is_ok());
    let second = lab.world.apply(at, &elsewhere, CreateVpc::default().into());
    assert_eq!(second.outcome.unwrap_err().code(), E::VpcQuotaExceeded);
}

#[test]
fn the_highest_users_come_in_order_and_foreign_objects_do_not_show() {
    let mut lab = Lab::new();
    let vpcs: Vec<VpcId> = (0..4).map(|_| lab.vpc()).collect();
    for (vpc, count) in vpcs.iter().zip([1, 3, 3, 0]) {
        (0..count).for_each(|_| {
            lab.vswitch(*vpc, 24, None);
        });
    }
    let quota = Quota::VSwitchesPerVpc;
    let shown = |limit| -> Vec<(AnyId, u64)> {
        quota.highest(&lab.world, &owner(), limit).iter().map(|top| (top.object, top.used)).collect()
    };
    let all = [(vpcs[1].into(), 3), (vpcs[2].into(), 3), (vpcs[0].into(), 1)];
    assert_eq!(shown(10), all);
    assert_eq!(shown(2), all[..2]);
    let stranger = Caller::new(AccountId(7), "cn-hangzhou");
    assert_eq!(quota.highest(&lab.world, &Owner::from(&stranger), 10), []);
    let refusal = quota.used_by(&lab.world, &stranger, vpcs[0].into()).unwrap_err();
    assert_eq!(refusal.code(), E::VpcNotFound);
    assert_eq!(quota.used_by(&lab.world, &caller(), vpcs[3].into()), Ok(Some(0)));
    // A quota of interfaces says nothing of a VPC, nor one of enterprise groups of a basic one.
    assert_eq!(Quota::GroupsPerEni.used_by(&lab.world, &caller(), vpcs[0].into()), Ok(None));
    let basic = lab.group(vpcs[0], GroupKind::Basic);
    assert_eq!(Quota::EnisPerEnterpriseGroup.used_by(&lab.world, &caller(), basic.into()), Ok(None));
}
