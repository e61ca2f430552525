//! Which documented parameters have an effect: exactly those that no list of inert ones names.
//!
//! Each parameter of each served action is sent in a request that reads, alone and beside every other one, and is
//! inert if the action never looks at its value.

use sim_api::catalogue::{ActionSpec, Kind, Param};
use sim_api::rpc::actions::{ACTIONS, Action, INERT};
use sim_api::rpc::params::Params;
use sim_core::id::{
    AccessControlListId, CaCertificateId, CidrReservationId, DomainExtensionId, EipId, EniId, ForwardEntryId,
    ForwardTableId, ForwardingRuleId, HaVipId, Id, IdNumber, InstanceId, Ipv4GatewayId, Ipv6AddressId,
    Ipv6BandwidthId, Ipv6GatewayId, LoadBalancerId, NatGatewayId, NetworkAclId, NetworkAclRuleId,
    PrefixListId, RegionCode, ResourceGroupId, RouteEntryId, RouteTableId, RouterInterfaceId,
    SecurityGroupId, SecurityGroupRuleId, ServerCertificateId, SnatEntryId, SnatTableId, VRouterId,
    VServerGroupId, VSwitchId, VpcId, VpcPeerId,
};
use sim_core::{AccountId, Caller};
use std::collections::BTreeSet;

/// What an action needs beside what it requires, to get as far as reading the rest.
const HELP: &[(&str, &[&str])] = &[
    ("AddAccessControlListEntry", &["AclId", "AclEntrys.1.entry"]),
    ("CreateRouteEntry", &["NextHopList.1.NextHopType", "NextHopList.1.NextHopId"]),
    ("CreateVSwitchCidrReservation", &["IpVersion", "VSwitchCidrReservationCidr"]),
    ("DescribeImages", &["Filter.1.Key"]),
    (
        "CreateMasterSlaveServerGroup",
        &["MasterSlaveBackendServers.1.ServerId", "MasterSlaveBackendServers.1.ServerType"],
    ),
    ("JoinResourceGroup", &["ResourceType", "ResourceId"]),
    ("UploadServerCertificate", &["ServerCertificate", "PrivateKey"]),
    (
        "UpdateNetworkAclEntries",
        &[
            "IngressAclEntries.1.Policy",
            "IngressAclEntries.1.Protocol",
            "IngressAclEntries.1.SourceCidrIp",
            "IngressAclEntries.1.Port",
            "EgressAclEntries.1.Policy",
            "EgressAclEntries.1.Protocol",
            "EgressAclEntries.1.DestinationCidrIp",
            "EgressAclEntries.1.Port",
        ],
    ),
];

/// Parameters whose value is looked at only to refuse a wrong one.
const CHECKED: &[(&str, &str)] = &[
    ("DescribeSecurityGroupAttribute", "NicType"),
    ("ModifyPrepayInstanceSpec", "OperatorType"),
    ("ModifyPrepayInstanceSpec", "RebootTime"),
];

/// Read before any action, by the dispatcher.
const DISPATCHED: [&str; 3] = ["ClientToken", "DryRun", "RegionId"];

/// A parameter that holds one value: its wire name, what the lists call it, and a value that reads.
struct Leaf {
    sent: String,
    shown: String,
    value: String,
    required: bool,
}

fn leaves(action: &Action) -> Vec<Leaf> {
    let mut out = Vec::new();
    for param in &action.spec().params {
        if !DISPATCHED.contains(&param.name) {
            collect(action, param, param.name, param.name, param.required, &mut out);
        }
    }
    out
}

fn collect(action: &Action, param: &Param, sent: &str, shown: &str, required: bool, out: &mut Vec<Leaf>) {
    let members = |members: &[Param], sent: &str, shown: &str, out: &mut Vec<Leaf>| {
        for member in members {
            let (sent, shown) = (format!("{sent}.{}", member.name), format!("{shown}.{}", member.name));
            collect(action, member, &sent, &shown, required && member.required, out);
        }
    };
    match &param.kind {
        Kind::List(of) => match &of.kind {
            Kind::Object(of) => members(of, &format!("{sent}.1"), &format!("{shown}.N"), out),
            _ => collect(action, of, &format!("{sent}.1"), shown, required, out),
        },
        // Its members one by one, as a body in JSON brings them: an action reads both alike.
        Kind::JsonList(of) if matches!(&of.kind, Kind::Object(of) if !of.is_empty()) => {
            if let Kind::Object(of) = &of.kind {
                members(of, &format!("{sent}.1"), &format!("{shown}.N"), out);
            }
        }
        Kind::Object(of) => members(of, sent, shown, out),
        kind => {
            let name = shown.rsplit('.').next().unwrap_or(shown);
            let value = value(action, name, param, kind);
            out.push(Leaf { sent: sent.to_owned(), shown: shown.to_owned(), value, required });
        }
    }
}

fn id<I: Id + ToString>() -> String {
    I::from_number(IdNumber::new(1, 7, RegionCode::from_text("bp1").unwrap())).to_string()
}

/// A value that reads.
fn value(action: &Action, name: &str, param: &Param, kind: &Kind) -> String {
    match kind {
        Kind::Int32 | Kind::Int64 | Kind::Number => param.min.unwrap_or(1).max(1).to_string(),
        Kind::Boolean => "true".to_owned(),
        Kind::JsonList(_) => r#"["a"]"#.to_owned(),
        Kind::JsonObject(_) => "{}".to_owned(),
        _ if !param.one_of.is_empty() => param.one_of[0].to_owned(),
        _ => text(action, name),
    }
}

fn text(action: &Action, name: &str) -> String {
    let (ecs, slb) = (action.product == "Ecs", action.product == "Slb");
    let peer = action.product == "VpcPeer";
    match name {
        "InstanceId" | "ResourceId" if peer => id::<VpcPeerId>(),
        "ResourceType" if peer => "PeerConnection".to_owned(),
        "AcceptingVpcId" => id::<VpcId>(),
        "AcceptingRegionId" => "cn-hangzhou".to_owned(),
        "LinkType" => "Gold".to_owned(),
        "Category" if peer => "All".to_owned(),
        "ServerId" if slb => id::<InstanceId>(),
        "ServerType" if slb => "Master".to_owned(),
        "entry" => "10.0.0.0/8".to_owned(),
        "ListenerProtocol" | "HealthCheckType" if slb => "tcp".to_owned(),
        "AclType" if slb => "white".to_owned(),
        "AclId" | "AclIds" if slb => id::<AccessControlListId>(),
        "Scheduler" if slb => "wrr".to_owned(),
        "StickySessionType" => "insert".to_owned(),
        "HealthCheckMethod" => "head".to_owned(),
        "SynProxy" => "enable".to_owned(),
        "AclStatus"
        | "HealthCheck"
        | "HealthCheckSwitch"
        | "StickySession"
        | "Gzip"
        | "ConnectionDrain"
        | "EnableHttp2"
        | "ListenerForward"
        | "VServerGroup"
        | "MasterSlaveServerGroup"
            if slb =>
        {
            "off".to_owned()
        }
        name if slb && name.starts_with("XForwardedFor") => "on".to_owned(),
        "VServerGroupId" => id::<VServerGroupId>(),
        "LoadBalancerId" => id::<LoadBalancerId>(),
        "LoadBalancerStatus" => "active".to_owned(),
        "DeleteProtection" => "on".to_owned(),
        "ModificationProtectionStatus" => "ConsoleProtection".to_owned(),
        "InstanceChargeType" if slb => "PayBySpec".to_owned(),
        "InternetChargeType" if slb => "paybytraffic".to_owned(),
        "PayType" if slb => "PrePay".to_owned(),
        "AddressType" if slb => "internet".to_owned(),
        "AddressIPVersion" if slb => "ipv4".to_owned(),
        "ResourceId" if slb => id::<LoadBalancerId>(),
        "Key" if action.name == "DescribeImages" => "OSType".to_owned(),
        "ResourceType" if action.name.ends_with("NetworkAcl") => "VSwitch".to_owned(),
        "ResourceId" if action.name.ends_with("NetworkAcl") => id::<VSwitchId>(),
        "AclId" => id::<AccessControlListId>(),
        "ServerCertificateId" => id::<ServerCertificateId>(),
        "CACertificateId" => id::<CaCertificateId>(),
        "ServerCertificate" => include_str!("../../../tests/data/certificates/server.pem").to_owned(),
        "PrivateKey" => include_str!("../../../tests/data/certificates/server.key").to_owned(),
        "CACertificate" => include_str!("../../../tests/data/certificates/ca.pem").to_owned(),
        "NetworkAclId" => id::<NetworkAclId>(),
        "NetworkAclEntryId" => id::<NetworkAclRuleId>(),
        "Port" if action.name == "UpdateNetworkAclEntries" => "-1/-1".to_owned(),
        "Protocol" => "tcp".to_owned(),
        "ResourceType" if ecs || slb => "instance".to_owned(),
        "ResourceType" => "vpc".to_owned(),
        "ResourceId" if ecs => id::<InstanceId>(),
        "ResourceId" => id::<VpcId>(),
        "AllocationId" => id::<EipId>(),
        "HaVipId" => id::<HaVipId>(),
        "GatewayId" => id::<Ipv4GatewayId>(),
        "GatewayType" => "Ipv4Gateway".to_owned(),
        "GatewayRouteTableId" | "IPv4GatewayRouteTableId" => id::<RouteTableId>(),
        "NextToken" if action.name == "ListGatewayRouteTableEntries" => id::<RouteEntryId>(),
        "InstanceId" if action.name == "DescribeRouterInterfaceAttribute" => id::<RouterInterfaceId>(),
        "RouterInterfaceId" | "OppositeInterfaceId" => id::<RouterInterfaceId>(),
        "RouterId" | "OppositeRouterId" => id::<VRouterId>(),
        "RouterType" | "OppositeRouterType" => "VRouter".to_owned(),
        "Role" => "AcceptingSide".to_owned(),
        "Spec" => "Negative".to_owned(),
        "OppositeInterfaceOwnerId" => "1000000000000001".to_owned(),
        "Key" if action.name == "DescribeRouterInterfaces" => "Name".to_owned(),
        "InstanceId" if action.name.contains("EgressOnlyRule") => id::<Ipv6AddressId>(),
        "InstanceType" if action.name.contains("EgressOnlyRule") => "Ipv6Address".to_owned(),
        "InstanceType" if action.name.ends_with("HaVip") => "EcsInstance".to_owned(),
        "Key" if action.name == "DescribeHaVips" => "VpcId".to_owned(),
        "NatGatewayId" => id::<NatGatewayId>(),
        "SnatTableId" => id::<SnatTableId>(),
        "SnatEntryId" => id::<SnatEntryId>(),
        "Ipv4GatewayId" => id::<Ipv4GatewayId>(),
        "Ipv6GatewayId" => id::<Ipv6GatewayId>(),
        "Ipv6AddressId" => id::<Ipv6AddressId>(),
        "Ipv6InternetBandwidthId" => id::<Ipv6BandwidthId>(),
        "InternetMode" => "public".to_owned(),
        "ForwardTableId" => id::<ForwardTableId>(),
        "ForwardEntryId" => id::<ForwardEntryId>(),
        "ExternalIp" => "198.18.0.1".to_owned(),
        "InternalIp" => "10.0.0.9".to_owned(),
        "ExternalPort" | "InternalPort" => "80".to_owned(),
        "SnatIp" => "198.18.0.1".to_owned(),
        "EipBindMode" => "NAT".to_owned(),
        "NatType" => "Enhanced".to_owned(),
        "NetworkType" => "internet".to_owned(),
        "SourceCIDR" => "10.0.0.0/24".to_owned(),
        "Status" if action.name == "DescribeNatGateways" => "Available".to_owned(),
        "InstanceId" if action.name == "DeletionProtection" => id::<EipId>(),
        "Type" if action.name == "DeletionProtection" => "EIP".to_owned(),
        "Bandwidth" => "5".to_owned(),
        "ISP" => "BGP".to_owned(),
        "Mode" => "NAT".to_owned(),
        "InternetChargeType" if action.name == "AllocateEipAddress" => "PayByTraffic".to_owned(),
        "InstanceChargeType" | "ChargeType" if action.name.contains("Eip") => "PostPaid".to_owned(),
        "InstanceType" | "AssociatedInstanceType" if action.name.contains("Eip") => "EcsInstance".to_owned(),
        "Status" if action.name == "DescribeEipAddresses" => "InUse".to_owned(),
        "LockReason" if action.name == "DescribeEipAddresses" => "financial".to_owned(),
        "Key" if action.name == "DescribeEipAddresses" => "CreationStartTime".to_owned(),
        "RuleId" => id::<ForwardingRuleId>(),
        "ServiceCode" => "ecs".to_owned(),
        "DomainExtensionId" => id::<DomainExtensionId>(),
        "VpcId" => id::<VpcId>(),
        "VSwitchId" => id::<VSwitchId>(),
        "VRouterId" => id::<VRouterId>(),
        "RouteTableId" => id::<RouteTableId>(),
        "RouteEntryId" => id::<RouteEntryId>(),
        "NetworkInterfaceId" | "TrunkNetworkInstanceId" => id::<EniId>(),
        "InstanceId" | "InstanceIds" | "NextHopId" | "NextHop" | "NewNextHopId" => id::<InstanceId>(),
        "SecurityGroupRuleId" => id::<SecurityGroupRuleId>(),
        "PrefixListId" | "SourcePrefixListId" | "DestPrefixListId" => id::<PrefixListId>(),
        "VSwitchCidrReservationId" => id::<CidrReservationId>(),
        "NextHopType" | "NewNextHopType" => "Instance".to_owned(),
        "IpVersion" => "IPv4".to_owned(),
        "AddressFamily" => "IPv4".to_owned(),
        "IpProtocol" => "tcp".to_owned(),
        "PortRange" | "SourcePortRange" => "80/80".to_owned(),
        "InnerAccessPolicy" => "Accept".to_owned(),
        "Policy" => "accept".to_owned(),
        "Priority" => "1".to_owned(),
        "ZoneId" => "cn-hangzhou-k".to_owned(),
        "ImageId" => sim_core::catalog::images()[0].id.to_owned(),
        "InstanceType" if action.name == "CreateNetworkInterface" => "Secondary".to_owned(),
        "InstanceType" => "ecs.g7.large".to_owned(),
        "NextToken" if action.name == "DescribeInstanceTypes" => "ecs.g7.large".to_owned(),
        "NextToken" if action.name == "DescribeRouteEntryList" => id::<RouteEntryId>(),
        name if name.contains("ResourceGroupId") => id::<ResourceGroupId>(),
        name if name.contains("SecurityGroupId") || name.contains("GroupId") => id::<SecurityGroupId>(),
        name if name.contains("Ipv6Address") => "2408:4000::10".to_owned(),
        name if name.to_lowercase().contains("ipv6") && name.to_lowercase().contains("cidr") => {
            "2408:4000::/56".to_owned()
        }
        name if name.contains("Ipv6Prefix") => "2408:4000::/80".to_owned(),
        name if name.contains("Ipv4Prefix") => "10.0.0.16/28".to_owned(),
        name if name.contains("Cidr") => "10.0.0.0/24".to_owned(),
        name if name.contains("IpAddress") => "10.0.0.10".to_owned(),
        _ => "abc".to_owned(),
    }
}

/// The names among those sent that the action does not look at.
fn unread(action: &Action, sent: &[&Leaf]) -> BTreeSet<String> {
    let pairs: std::collections::BTreeMap<&str, &str> =
        sent.iter().map(|leaf| (leaf.sent.as_str(), leaf.value.as_str())).collect();
    let params = Params::from_pairs(pairs).expect("a small request");
    let _ = (action.plan)(&params.root(), &Caller::new(AccountId::DEFAULT, "cn-hangzhou"));
    params.unread().into_iter().map(str::to_owned).collect()
}

/// The parameters of an action that have no effect, as the lists call them.
fn inert(action: &Action) -> BTreeSet<String> {
    let leaves = leaves(action);
    let needed: Vec<&Leaf> = leaves.iter().filter(|leaf| leaf.required).collect();
    let help = HELP.iter().find(|(name, _)| *name == action.name).map_or(&[][..], |(_, help)| help);
    let help: Vec<&Leaf> = leaves.iter().filter(|leaf| help.contains(&leaf.sent.as_str())).collect();
    let is_inert = |leaf: &&Leaf| {
        let beside = |more: &[&Leaf]| {
            let sent: Vec<&Leaf> =
                needed.iter().copied().chain([*leaf]).chain(more.iter().copied()).collect();
            unread(action, &sent).contains(&leaf.sent)
        };
        beside(&[]) && beside(&help) && leaves.iter().all(|other| beside(&[other]))
    };
    leaves.iter().filter(is_inert).map(|leaf| leaf.shown.clone()).collect()
}

#[test]
fn every_documented_parameter_has_an_effect_or_is_listed_as_inert() {
    let mut faults = Vec::new();
    for action in ACTIONS {
        let found = inert(action);
        let listed: BTreeSet<String> = action.inert().map(str::to_owned).collect();
        // A form that is checked and then forgotten is no effect either.
        let checked =
            CHECKED.iter().filter(|(name, _)| *name == action.name).map(|(_, param)| (*param).to_owned());
        let found: BTreeSet<String> = found.into_iter().chain(checked).collect();
        let covers = |listed: &str, found: &str| {
            found == listed || found.strip_prefix(listed).is_some_and(|rest| rest.starts_with('.'))
        };
        let unlisted = found.iter().filter(|name| !listed.iter().any(|listed| covers(listed, name)));
        faults
            .extend(unlisted.map(|name| format!("{} {}: {name} has no effect", action.product, action.name)));
        let read = listed.iter().filter(|listed| !found.iter().any(|name| covers(listed, name)));
        faults.extend(read.map(|name| format!("{} {}: {name} has an effect", action.product, action.name)));
    }
    assert!(faults.is_empty(), "INERT does not say what the actions do:\n{}", faults.join("\n"));
}

#[test]
fn the_lists_of_inert_parameters_name_served_actions_and_documented_parameters() {
    for (name, params) in INERT.iter().flat_map(|file| file.iter()) {
        let specs: Vec<&ActionSpec> = ACTIONS.iter().filter(|a| a.name == *name).map(Action::spec).collect();
        assert!(!specs.is_empty(), "{name} is not served");
        for param in *params {
            assert!(specs.iter().any(|spec| spec.has(param)), "{name} has no parameter {param}");
        }
    }
}
