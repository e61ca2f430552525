//! Actions on VPCs.

use super::vpc_parts::{listed_ids, refuse_given_ipv6, refuse_ipam};
use crate::listing::Rows;
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    NumberedPage, Planned, done, optional_id, read, required_id, show_tags_key_value, sought, tags, text,
    write,
};
use serde_json::{Value, json};
use sim_core::id::VpcId;
use sim_core::vpc::ipv4_gateway;
use sim_core::vpc::vpc::{self, CreateVpc, DeleteVpc, ModifyVpc, Vpc};
use sim_core::{Caller, ErrorCode, Reply, World};

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[("DeleteVpc", &["ForceDelete"])];

pub fn create_vpc(p: &Scope<'_>, _: &Caller) -> Planned {
    refuse_ipam(p, "Ipv4IpamPoolId", &["Ipv4CidrMask"], &["CidrBlock"])?;
    refuse_ipam(p, "Ipv6IpamPoolId", &["Ipv6CidrMask"], &["Ipv6CidrBlock"])?;
    refuse_given_ipv6(p, true)?;
    let user_cidrs = p.commas("UserCidr", 20)?;
    let user_cidr =
        |text: &&str| sim_core::cidr_input::parse4(text, "user_cidrs", ErrorCode::UserCidrMalformed);
    let command = CreateVpc {
        block: p.str("CidrBlock").map(vpc::parse_block).transpose()?,
        name: p.str("VpcName").map(Into::into),
        description: p.str("Description").map(Into::into),
        ipv6: p.bool("EnableIpv6")?.unwrap_or(false),
        ipv6_isp: p.str("Ipv6Isp").map(Into::into),
        dns_hostnames: p.bool("EnableDnsHostname")?.unwrap_or(false),
        user_cidrs: user_cidrs.iter().map(user_cidr).collect::<Result<_, _>>()?,
        resource_group: optional_id(p, "ResourceGroupId")?,
        tags: tags(p)?,
    };
    write(command, |w, _, reply| {
        let Reply::CreatedVpc { vpc, vrouter, route_table } = reply else {
            unreachable!("CreateVpc replies so")
        };
        let group = w.get::<Vpc>(vpc).map(|v| v.resource_group.to_string()).unwrap_or_default();
        json!({
            "VpcId": vpc.to_string(),
            "VRouterId": vrouter.to_string(),
            "RouteTableId": route_table.to_string(),
            "ResourceGroupId": group,
        })
    })
}

pub fn describe_vpcs(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 50)?;
    let rows = Rows::<Vpc>::all(|ix| &ix.vpcs.by_owner)
        .named(&listed_ids(p, "VpcId", ErrorCode::VpcIdListSize)?)
        .tagged(tags(p)?)
        .keep(text(p, "VpcName"), |_, v, name| v.name == *name)
        .keep(p.bool("IsDefault")?, |_, v, is| v.is_default == *is)
        .keep(p.bool("EnableIpv6")?, |_, v, on| v.ipv6.is_empty() != *on)
        .keep(sought(p, "ResourceGroupId"), |_, v, group| Some(v.resource_group) == *group)
        .keep(text(p, "VpcOwnerId"), |_, v, owner| v.owner.account.to_string() == *owner)
        // There are no DHCP options sets, so no VPC has the wanted one.
        .keep(text(p, "DhcpOptionsSetId"), |_, _, _| false);
    page.list(rows, "Vpcs", "Vpc", summary)
}

/// What DescribeVpcs and DescribeVpcAttribute both show.
fn summary(w: &World, vpc: &Vpc) -> Value {
    let vswitches: Vec<String> = vpc::vswitches(w, vpc.id).map(|s| s.id.to_string()).collect();
    json!({
        "VpcId": vpc.id.to_string(),
        "RegionId": vpc.owner.region,
        "Status": vpc.status.text(),
        "VpcName": vpc.name,
        "Description": vpc.description,
        "CidrBlock": vpc.block.to_string(),
        "SecondaryCidrBlocks": { "SecondaryCidrBlock": texts(&vpc.secondary) },
        "UserCidrs": { "UserCidr": texts(&vpc.user_cidrs) },
        "EnabledIpv6": !vpc.ipv6.is_empty(),
        "Ipv6CidrBlock": vpc.ipv6.first().map(|b| b.block.to_string()).unwrap_or_default(),
        "Ipv6CidrBlocks": { "Ipv6CidrBlock": ipv6_blocks(vpc) },
        "IsDefault": vpc.is_default,
        "VRouterId": vpc.vrouter.to_string(),
        "RouterTableIds": { "RouterTableIds": route_tables(w, vpc) },
        "VSwitchIds": { "VSwitchId": vswitches },
        "NatGatewayIds": { "NatGatewayIds": nat_gateways(w, vpc) },
        "ResourceGroupId": vpc.resource_group.to_string(),
        "OwnerId": vpc.owner.account,
        "CreationTime": vpc.created.to_seconds_text(),
        "CenStatus": "Detached",
        "DhcpOptionsSetId": "",
        "DhcpOptionsSetStatus": "Available",
        "DnsHostnameStatus": if vpc.dns_hostnames { "ENABLED" } else { "DISABLED" },
        "Tags": show_tags_key_value(w, vpc.id),
    })
}

fn texts(blocks: &[sim_core::cidr::Cidr4]) -> Vec<String> {
    blocks.iter().map(ToString::to_string).collect()
}

fn ipv6_blocks(vpc: &Vpc) -> Vec<Value> {
    vpc.ipv6.iter().map(|b| json!({ "Ipv6CidrBlock": b.block.to_string(), "Ipv6Isp": b.isp })).collect()
}

fn nat_gateways(w: &World, vpc: &Vpc) -> Vec<String> {
    w.indexes().nat_gateways.by_vpc.of(&vpc.id).map(ToString::to_string).collect()
}

fn route_tables(w: &World, vpc: &Vpc) -> Vec<String> {
    w.indexes().route_tables.by_vpc.of(&vpc.id).map(ToString::to_string).collect()
}

pub fn describe_vpc_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<VpcId>(p, "VpcId")?;
    let is_default = p.bool("IsDefault")?;
    read(move |w, caller| {
        let vpc = w.visible::<Vpc>(caller, id)?;
        if is_default.is_some_and(|is| is != vpc.is_default) {
            return Err(sim_core::resource::missing(id));
        }
        let mut answer = summary(w, vpc);
        let members = answer.as_object_mut().expect("a summary is an object");
        for absent in ["CenStatus", "EnabledIpv6", "NatGatewayIds", "RouterTableIds", "OwnerId"] {
            members.remove(absent);
        }
        members.insert("OwnerId".to_owned(), json!(vpc.owner.account));
        members.insert("ClassicLinkEnabled".to_owned(), json!(false));
        let gateway = ipv4_gateway::of_vpc(w, id).map(|g| g.id.to_string()).unwrap_or_default();
        members.insert("Ipv4GatewayId".to_owned(), json!(gateway));
        members.insert("SupportIpv4Gateway".to_owned(), json!(true));
        members.insert("AssociatedCens".to_owned(), json!({ "AssociatedCen": [] }));
        members
            .insert("AssociatedPropagationSources".to_owned(), json!({ "AssociatedPropagationSources": [] }));
        members
            .insert("CloudResources".to_owned(), json!({ "CloudResourceSetType": cloud_resources(w, vpc) }));
        members.insert("EnabledIpv6".to_owned(), json!(!vpc.ipv6.is_empty()));
        Ok(answer)
    })
}

/// How many of each kind of thing lie in the VPC, as the provider's console counts them.
fn cloud_resources(w: &World, vpc: &Vpc) -> Vec<Value> {
    let vswitches = w.indexes().vswitches.by_vpc.count(&vpc.id);
    let tables = w.indexes().route_tables.by_vpc.count(&vpc.id);
    [("VRouter", 1), ("VSwitch", vswitches), ("RouteTable", tables)]
        .into_iter()
        .filter(|&(_, count)| count > 0)
        .map(|(kind, count)| json!({ "ResourceType": kind, "ResourceCount": count }))
        .collect()
}

pub fn modify_vpc_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    refuse_given_ipv6(p, false)?;
    done(ModifyVpc {
        vpc: required_id(p, "VpcId")?,
        name: p.str("VpcName").map(Into::into),
        description: p.raw("Description").map(Into::into),
        block: p.str("CidrBlock").map(vpc::parse_block).transpose()?,
        ipv6: p.bool("EnableIPv6")?,
        ipv6_isp: p.str("Ipv6Isp").map(Into::into),
        dns_hostnames: p.bool("EnableDnsHostname")?,
    })
}

pub fn delete_vpc(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteVpc { vpc: required_id(p, "VpcId")? })
}
