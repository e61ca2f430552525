//! A small estate, so that a history need not begin with nothing.

use crate::play::callers;
use sim_core::ecs::eni::{CreateEni, EniKind, TrafficMode};
use sim_core::ecs::eni_address::{Want, Wanted};
use sim_core::ecs::instance::Terms;
use sim_core::ecs::instance_create::{CreateInstance, Launch, LaunchInterface, Secondary};
use sim_core::ecs::instance_life::{BatchRule, StartInstances};
use sim_core::ecs::prefix_list::{AddressFamily, CreatePrefixList};
use sim_core::ecs::security_group::{CreateSecurityGroup, GroupKind};
use sim_core::id::{
    EipId, HaVipId, Id, InstanceId, Ipv4GatewayId, Ipv6GatewayId, LoadBalancerId, NatGatewayId, NetworkAclId,
    RouterInterfaceId, SecurityGroupId, SnatTableId, VSwitchId, VpcId,
};
use sim_core::secret::Fingerprint;
use sim_core::slb::backend::{AddBackends, Member, NewBackend, Pool, Server};
use sim_core::slb::certificate::{CertificateFacts, UploadServerCertificate};
use sim_core::slb::domain_extension::CreateDomainExtension;
use sim_core::slb::forwarding_rule::{CreateForwardingRules, NewRule, OwnSettings};
use sim_core::slb::listener::{CreateListener, Protocol, StartListener, WhichListener};
use sim_core::slb::listener_access::AccessSettings;
use sim_core::slb::listener_rules::Settings;
use sim_core::slb::load_balancer::{CreateLoadBalancer, Place};
use sim_core::slb::master_slave_group::{CreateMasterSlaveGroup, NewRoleMember, Role};
use sim_core::slb::server_group::CreateVServerGroup;
use sim_core::slb::spec::{InternetCharge, PayType};
use sim_core::vpc::eip::{AllocateEip, InternetCharge as VpcCharge};
use sim_core::vpc::eip_binding::{AssociateEip, Mode, TargetKind};
use sim_core::vpc::ha_vip::{BindType, CreateHaVip};
use sim_core::vpc::ha_vip_binding::AssociateHaVip;
use sim_core::vpc::ipv4_gateway::{CreateIpv4Gateway, EnableIpv4Gateway};
use sim_core::vpc::ipv6_bandwidth::{AddressRef, AllocateIpv6Bandwidth};
use sim_core::vpc::ipv6_egress_rule::CreateIpv6EgressRule;
use sim_core::vpc::ipv6_gateway::CreateIpv6Gateway;
use sim_core::vpc::nat_gateway::{CreateNatGateway, EipBindMode};
use sim_core::vpc::network_acl::CreateNetworkAcl;
use sim_core::vpc::network_acl_binding::AssociateNetworkAcl;
use sim_core::vpc::route_table::{AssociateType, CreateRouteTable};
use sim_core::vpc::router_connection::ConnectRouterInterface;
use sim_core::vpc::router_interface::{
    CreateRouterInterface, ModifyRouterInterface, Opposite, Role as Side, Spec,
};
use sim_core::vpc::snat::CreateSnatEntry;
use sim_core::vpc::vpc::CreateVpc;
use sim_core::vpc::vpc_peer::CreateVpcPeer;
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch};
use sim_core::{Caller, Command, Reply, SimTime};
use std::net::Ipv4Addr;

/// Gives the commands of the opening to `give`.
pub fn commands(mut give: impl FnMut(&Caller, Command) -> Reply) {
    let [caller, ..] = callers();
    let block = Some("10.0.0.0/16".parse().unwrap());
    let vpc: VpcId = give(&caller, CreateVpc { block, ipv6: true, ..CreateVpc::default() }.into()).id();
    let mut vswitches: Vec<VSwitchId> = Vec::new();
    for (at, block) in ["10.0.0.0/24", "10.0.1.0/29"].into_iter().enumerate() {
        let vswitch = CreateVSwitch {
            vpc,
            zone: "cn-hangzhou-k".into(),
            block: BlockChoice::Given(block.parse().unwrap()),
            ipv6_subnet: Some(at as u32 + 8),
            vpc_ipv6_block: None,
            name: None,
            description: None,
            tags: Vec::new(),
        };
        vswitches.push(give(&caller, vswitch.into()).id());
    }
    let mut groups: Vec<SecurityGroupId> = Vec::new();
    for kind in [GroupKind::Basic, GroupKind::Basic, GroupKind::Enterprise] {
        let group = CreateSecurityGroup {
            vpc: Some(vpc),
            kind,
            name: None,
            description: None,
            resource_group: None,
            tags: Vec::new(),
        };
        groups.push(give(&caller, group.into()).id());
    }
    let (name, description) = (None, None);
    let table =
        CreateRouteTable { vpc, associate_type: AssociateType::VSwitch, name, description, tags: Vec::new() };
    give(&caller, table.into());
    let eni = CreateEni {
        vswitch: vswitches[0],
        kind: EniKind::Secondary,
        groups: vec![groups[0]],
        primary_ip: None,
        wanted: Wanted { ipv6: Want::Count(1), ..Wanted::default() },
        name: None,
        description: None,
        delete_on_release: false,
        source_dest_check: false,
        queues: None,
        traffic_mode: TrafficMode::Standard,
        resource_group: None,
        tags: Vec::new(),
    };
    give(&caller, eni.into());
    // A type that takes a trunk; the two interfaces leave two addresses of the small vSwitch, of which a HaVip gets one.
    let primary = LaunchInterface {
        vswitch: Some(vswitches[1]),
        groups: vec![groups[0]],
        ..LaunchInterface::default()
    };
    let trunk = LaunchInterface { trunk: true, ..LaunchInterface::default() };
    let launch = Launch {
        instance_type: "ecs.u1-c1m4.xlarge".into(),
        image: Some("aliyun_3_x64_20G_alibase_20240819.vhd".into()),
        primary,
        secondary: vec![Secondary::New(trunk)],
        ..Launch::default()
    };
    let host: InstanceId = give(&caller, CreateInstance { launch: Box::new(launch) }.into()).id();
    let (instances, rule) = (vec![host], BatchRule::AllTogether);
    give(&caller, StartInstances { instances, rule }.into());
    // A way out for the hosts of the larger vSwitch.
    let (name, description) = (None, None);
    let gateway = CreateNatGateway {
        vpc,
        vswitch: vswitches[0],
        name,
        description,
        icmp_reply: true,
        bind_mode: EipBindMode::MultiBinded,
        tags: Vec::new(),
    };
    let gateway: NatGatewayId = give(&caller, gateway.into()).id();
    let eip: EipId = give(&caller, AllocateEip::default().into()).id();
    let (kind, target) = (TargetKind::Nat, gateway.to_string().into());
    let bind = AssociateEip { eip, kind, target, private_address: None, mode: Mode::Nat, region: None };
    give(&caller, bind.into());
    let entry = CreateSnatEntry {
        table: SnatTableId::from_number(gateway.number()),
        vswitch: Some(vswitches[0]),
        block: None,
        ips: vec![Ipv4Addr::new(198, 18, 0, 1)],
        name: None,
        affinity: false,
    };
    give(&caller, entry.into());
    let list = CreatePrefixList {
        name: "offices".into(),
        description: None,
        family: AddressFamily::Ipv4,
        max_entries: 5,
        entries: Vec::new(),
        resource_group: None,
        tags: Vec::new(),
    };
    give(&caller, list.into());
    let balancer = CreateLoadBalancer {
        place: Place::Internet,
        name: None,
        // Where random outages are.
        master_zone: Some("cn-hangzhou-k".into()),
        slave_zone: Some("cn-hangzhou-j".into()),
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
    };
    let balancer: LoadBalancerId = give(&caller, balancer.into()).id();
    serve(balancer, host, |command| give(&caller, command));
    forwarding(balancer, |command| give(&caller, command));
    pair(balancer, host, |command| give(&caller, command));
    encrypted(balancer, |command| give(&caller, command));
    ask_for_peering(&caller, vpc, &mut give);
    lead_in(&caller, &mut give);
    let_out(&caller, vpc, &mut give);
    let connection = pair_routers(["10.9.0.0/16", "172.20.0.0/16"], &mut give);
    give(&caller, connection.into());
    // One that a history may make.
    pair_routers(["10.10.0.0/16", "172.21.0.0/16"], &mut give);
    share(&caller, vswitches[1], host, &mut give);
    filter(&caller, vpc, vswitches[0], &mut give);
    let launch = Launch {
        instance_type: "ecs.g7.large".into(),
        image: Some("aliyun_3_x64_20G_alibase_20240819.vhd".into()),
        primary: LaunchInterface {
            vswitch: Some(vswitches[0]),
            groups: vec![groups[0]],
            ..LaunchInterface::default()
        },
        // It may get a static public address.
        terms: Terms { bandwidth_out: 5, ..Terms::default() },
        ..Launch::default()
    };
    give(&caller, CreateInstance { launch: Box::new(launch) }.into());
}

/// A network ACL filters what crosses a vSwitch.
fn filter(caller: &Caller, vpc: VpcId, vswitch: VSwitchId, give: &mut impl FnMut(&Caller, Command) -> Reply) {
    let acl = CreateNetworkAcl { vpc, name: None, description: None, tags: Vec::new() };
    let acl: NetworkAclId = give(caller, acl.into()).id();
    give(caller, AssociateNetworkAcl { acl, vswitches: vec![vswitch] }.into());
}

/// The host answers for a HaVip.
fn share(
    caller: &Caller,
    vswitch: VSwitchId,
    host: InstanceId,
    give: &mut impl FnMut(&Caller, Command) -> Reply,
) {
    let (address, name, description, resource_group) = (None, None, None, None);
    let vip = CreateHaVip { vswitch, address, name, description, resource_group, tags: Vec::new() };
    let ha_vip: HaVipId = give(caller, vip.into()).id();
    let (bind_type, target) = (BindType::EcsInstance, host.to_string().into());
    give(caller, AssociateHaVip { ha_vip, bind_type, target }.into());
}

/// Routers of two accounts have interfaces that name each other; what connects them.
fn pair_routers(
    blocks: [&str; 2],
    give: &mut impl FnMut(&Caller, Command) -> Reply,
) -> ConnectRouterInterface {
    let [caller, _, other, _] = callers();
    let sides = [(&caller, blocks[0], Side::Initiating), (&other, blocks[1], Side::Accepting)];
    let routers = sides.map(|(side, block, _)| {
        let block = Some(block.parse().expect("a block"));
        match give(side, CreateVpc { block, ..CreateVpc::default() }.into()) {
            Reply::CreatedVpc { vrouter, .. } => vrouter,
            made => panic!("{made:?} is no VPC"),
        }
    });
    let mut ends: Vec<RouterInterfaceId> = Vec::new();
    for (n, (side, _, role)) in sides.into_iter().enumerate() {
        let far = sides[1 - n].0;
        let opposite = Opposite {
            region: far.region.clone(),
            account: Some(far.account),
            vrouter: Some(routers[1 - n]),
            router_interface: ends.first().copied(),
        };
        let spec = (role == Side::Initiating).then(|| Spec::parse("Small.1").expect("a specification"));
        let (vrouter, name, description, resource_group, tags) = (routers[n], None, None, None, Vec::new());
        let made =
            CreateRouterInterface { vrouter, role, spec, opposite, name, description, resource_group, tags };
        ends.push(give(side, made.into()).id());
    }
    let change = ModifyRouterInterface {
        router_interface: ends[0],
        name: None,
        description: None,
        opposite_interface: Some(ends[1]),
        opposite_vrouter: None,
        opposite_account: None,
    };
    give(&caller, change.into());
    ConnectRouterInterface { router_interface: ends[0] }
}

/// The IPv6 address of the interface goes to the internet and is not reached from there.
fn let_out(caller: &Caller, vpc: VpcId, give: &mut impl FnMut(&Caller, Command) -> Reply) {
    let (name, description) = (None, None);
    let gateway = CreateIpv6Gateway { vpc, name, description, resource_group: None, tags: Vec::new() };
    let gateway: Ipv6GatewayId = give(caller, gateway.into()).id();
    // The first of the subnet of the first vSwitch.
    let address = AddressRef::Address("2408:4000:0:108::1".parse().expect("an address"));
    let charge = VpcCharge::ByTraffic;
    give(caller, AllocateIpv6Bandwidth { gateway, address, bandwidth: 5, charge }.into());
    let (name, description) = (None, None);
    give(caller, CreateIpv6EgressRule { gateway, address, name, description }.into());
}

/// A VPC with an active IPv4 gateway and a route table for it.
fn lead_in(caller: &Caller, give: &mut impl FnMut(&Caller, Command) -> Reply) {
    let block = Some("10.8.0.0/16".parse().unwrap());
    let vpc: VpcId = give(caller, CreateVpc { block, ..CreateVpc::default() }.into()).id();
    let (name, description) = (None, None);
    let gateway = CreateIpv4Gateway { vpc, name, description, resource_group: None, tags: Vec::new() };
    let gateway: Ipv4GatewayId = give(caller, gateway.into()).id();
    give(caller, EnableIpv4Gateway { gateway, tables: Vec::new() }.into());
    let (name, description) = (None, None);
    let table =
        CreateRouteTable { vpc, associate_type: AssociateType::Gateway, name, description, tags: Vec::new() };
    give(caller, table.into());
}

/// A listener of HTTP with a forwarding rule.
fn forwarding(load_balancer: LoadBalancerId, mut give: impl FnMut(Command) -> Reply) {
    let group = CreateVServerGroup { load_balancer, name: None, backends: Vec::new(), tags: Vec::new() };
    let group = give(group.into()).id();
    give(listener(load_balancer, 8081, Protocol::Http).into());
    let (name, domain, url) = ("opening".into(), "opening.test".into(), "/a".into());
    let rule = NewRule { name, domain, url, group, own: OwnSettings::default() };
    let listener = WhichListener { load_balancer, port: 8081, protocol: None };
    give(CreateForwardingRules { listener, rules: vec![rule] }.into());
}

/// A listener of TCP that forwards to a primary/secondary group.
fn pair(load_balancer: LoadBalancerId, host: InstanceId, mut give: impl FnMut(Command) -> Reply) {
    let member = |role, port| {
        let member = Member { server: Server::Instance(host), address: None, port: Some(port) };
        NewRoleMember { role, backend: NewBackend { member, weight: None, description: None } }
    };
    let members = vec![member(Role::Primary, 3306), member(Role::Secondary, 3307)];
    let pair = CreateMasterSlaveGroup { load_balancer, name: None, members, tags: Vec::new() };
    let pair = Some(give(pair.into()).id());
    give(CreateListener { pair, ..listener(load_balancer, 3306, Protocol::Tcp) }.into());
    let listener = WhichListener { load_balancer, port: 3306, protocol: None };
    give(StartListener { listener }.into());
}

/// A listener of HTTPS with a domain extension.
fn encrypted(load_balancer: LoadBalancerId, mut give: impl FnMut(Command) -> Reply) {
    let facts = CertificateFacts {
        common_name: "opening.test".into(),
        alternative_names: Vec::new(),
        fingerprint: "00".into(),
        not_before: SimTime(0),
        not_after: SimTime::MAX,
    };
    let (name, private_key, resource_group, tags) = (None, Fingerprint(1), None, Vec::new());
    let upload = UploadServerCertificate { name, facts, private_key, resource_group, tags };
    let certificate = Some(give(upload.into()).id());
    let settings = Box::new(Settings { certificate, ..Settings::default() });
    give(CreateListener { settings, ..listener(load_balancer, 8443, Protocol::Https) }.into());
    let listener = WhichListener { load_balancer, port: 8443, protocol: None };
    give(CreateDomainExtension { listener, domain: "opening.test".into(), certificate }.into());
}

fn listener(load_balancer: LoadBalancerId, port: u16, protocol: Protocol) -> CreateListener {
    CreateListener {
        load_balancer,
        port,
        protocol,
        description: None,
        backend_port: Some(80),
        group: None,
        pair: None,
        redirect: None,
        access: AccessSettings::default(),
        settings: Box::default(),
        tags: Vec::new(),
    }
}

/// A host behind a listener that runs.
fn serve(balancer: LoadBalancerId, host: InstanceId, mut give: impl FnMut(Command) -> Reply) {
    let member = Member { server: Server::Instance(host), address: None, port: None };
    let backends = vec![NewBackend { member, weight: None, description: None }];
    give(AddBackends { pool: Pool::Default(balancer), backends }.into());
    give(listener(balancer, 80, Protocol::Tcp).into());
    let listener = WhichListener { load_balancer: balancer, port: 80, protocol: None };
    give(StartListener { listener }.into());
}

/// Another account asks for a way to the VPC of the caller.
fn ask_for_peering(caller: &Caller, vpc: VpcId, give: &mut impl FnMut(&Caller, Command) -> Reply) {
    let [_, _, other, _] = callers();
    let block = Some("172.16.0.0/16".parse().unwrap());
    let theirs: VpcId = give(&other, CreateVpc { block, ..CreateVpc::default() }.into()).id();
    let peer = CreateVpcPeer {
        vpc: theirs,
        accepting_account: caller.account,
        accepting_region: caller.region.clone(),
        accepting_vpc: vpc,
        name: None,
        description: None,
        bandwidth: None,
        link_type: None,
        resource_group: None,
        tags: Vec::new(),
    };
    give(&other, peer.into());
}
