//! Actions on VPC peering connections: the product VpcPeer 2022-01-01. What it publishes is in `tools/vpcpeer.json`.

use super::tags::{self, VPC_PEER_TYPES};
use super::vpc_parts::{TokenPage, any_of_types};
use crate::listing::Rows;
use crate::rpc::params::{MAX_LIST_INDEX, Scope};
use crate::rpc::plan::{
    BadParams, Planned, done, list, optional_id, read, required_id, show_tags_key_value, sought, tags, text,
    write,
};
use serde_json::{Value, json};
use sim_core::id::{IdKind, ResourceGroupId, VpcId, VpcPeerId};
use sim_core::resource_group::MoveToResourceGroup;
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vpc_peer::{
    self, AcceptVpcPeer, CreateVpcPeer, DeleteVpcPeer, LinkType, ModifyVpcPeer, RejectVpcPeer, VpcPeer,
};
use sim_core::{AccountId, Caller, World};

/// Parameters that are taken and change nothing: a connection has the tags and the resource group of its requester.
pub const INERT: &[(&str, &[&str])] =
    &[("AcceptVpcPeerConnection", &["ResourceGroupId", "Tag.N.Key", "Tag.N.Value"])];

pub fn create_vpc_peer_connection(p: &Scope<'_>, _: &Caller) -> Planned {
    let account = p.int("AcceptingAliUid", 0..=i64::MAX)?.ok_or_else(|| p.missing("AcceptingAliUid"))?;
    let command = CreateVpcPeer {
        vpc: required_id(p, "VpcId")?,
        accepting_account: AccountId(account as u64),
        accepting_region: p.required("AcceptingRegionId")?.into(),
        accepting_vpc: required_id(p, "AcceptingVpcId")?,
        name: p.str("Name").map(Into::into),
        description: p.str("Description").map(Into::into),
        bandwidth: bandwidth(p)?,
        link_type: p.str("LinkType").map(LinkType::parse).transpose()?,
        resource_group: optional_id(p, "ResourceGroupId")?,
        tags: tags(p)?,
    };
    write(command, |_, _, reply| json!({ "InstanceId": reply.id::<VpcPeerId>().to_string() }))
}

fn bandwidth(p: &Scope<'_>) -> Result<Option<u32>, BadParams> {
    Ok(p.int("Bandwidth", 0..=i32::MAX.into())?.map(|mbits| mbits as u32))
}

pub fn accept_vpc_peer_connection(p: &Scope<'_>, _: &Caller) -> Planned {
    p.mark_known("ResourceGroupId");
    p.mark_known("Tag");
    done(AcceptVpcPeer { peer: required_id(p, "InstanceId")? })
}

pub fn reject_vpc_peer_connection(p: &Scope<'_>, _: &Caller) -> Planned {
    done(RejectVpcPeer { peer: required_id(p, "InstanceId")? })
}

pub fn modify_vpc_peer_connection(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyVpcPeer {
        peer: required_id(p, "InstanceId")?,
        name: p.str("Name").map(Into::into),
        description: p.raw("Description").map(Into::into),
        bandwidth: bandwidth(p)?,
        link_type: p.str("LinkType").map(LinkType::parse).transpose()?,
    })
}

pub fn delete_vpc_peer_connection(p: &Scope<'_>, _: &Caller) -> Planned {
    let force = p.bool("Force")?.unwrap_or(false);
    done(DeleteVpcPeer { peer: required_id(p, "InstanceId")?, force })
}

pub fn get_vpc_peer_connection_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    let peer = required_id::<VpcPeerId>(p, "InstanceId")?;
    read(move |w, caller| Ok(described(w, vpc_peer::find(w, caller, peer)?)))
}

pub fn list_vpc_peer_connections(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = TokenPage::read(p, "MaxResults", 100, 20)?;
    let mut rows = Rows::<VpcPeer>::all(|ix| &ix.vpc_peers.by_owner)
        .named(p.str("InstanceId").as_slice())
        .tagged(tags::filter(p, "Tags")?)
        .keep(text(p, "Name"), |_, peer, name| peer.name == *name)
        .keep(sought::<ResourceGroupId>(p, "ResourceGroupId"), |_, peer, group| {
            Some(peer.resource_group) == *group
        });
    let texts = p.strings("VpcId", MAX_LIST_INDEX as usize)?;
    if !texts.is_empty() {
        let vpcs: Vec<VpcId> = texts.into_iter().filter_map(|text| text.parse().ok()).collect();
        rows = rows.found(move |w, _| Ok(vpc_peer::of_vpcs(w, &vpcs)));
    }
    let size = page.size;
    list(rows, page.part::<VpcPeerId>(), described, move |found| {
        json!({
            "MaxResults": size,
            "NextToken": found.next.map(|id| id.to_string()).unwrap_or_default(),
            "TotalCount": found.total,
            "VpcPeerConnects": found.items,
        })
    })
}

pub fn tag_resources(p: &Scope<'_>, _: &Caller) -> Planned {
    write(tags::tagging(p, VPC_PEER_TYPES)?, |_, _, _| json!({ "Success": true }))
}

pub fn untag_resources(p: &Scope<'_>, _: &Caller) -> Planned {
    write(tags::untagging(p, VPC_PEER_TYPES, false)?, |_, _, _| json!({ "Success": true }))
}

/// System tags are those of the provider's own services, of which there are none.
pub fn list_tag_resources(p: &Scope<'_>, _: &Caller) -> Planned {
    let none = p.str("Category").is_some_and(|category| category.eq_ignore_ascii_case("System"));
    tags::list(p, VPC_PEER_TYPES, move |caller, size, next, rows| {
        let mut rows = if none { Vec::new() } else { rows };
        for row in &mut rows {
            row["RegionNo"] = json!(caller.region.to_string());
        }
        json!({ "MaxResults": size, "NextToken": next, "TagResources": rows })
    })
}

pub fn move_resource_group(p: &Scope<'_>, _: &Caller) -> Planned {
    let resource = any_of_types(p, &[("PeerConnection", IdKind::VpcPeer)])?;
    let group = required_id(p, "NewResourceGroupId")?;
    write(MoveToResourceGroup { resource, group }, |_, _, _| json!({ "Success": true }))
}

fn described(w: &World, p: &VpcPeer) -> Value {
    // A request that was answered, or needs none, never expires, which the documentation has as null.
    let expires = p.expires.map(|at| at.to_seconds_text());
    json!({
        "InstanceId": p.id.to_string(),
        "GmtCreate": p.created.to_seconds_text(),
        "GmtModified": p.modified.to_seconds_text(),
        "GmtExpired": expires.unwrap_or_default(),
        "Name": p.name,
        "Description": p.description,
        "OwnerId": p.owner.account.0,
        "AcceptingOwnerUid": p.accepter.account.0,
        "RegionId": p.owner.region.to_string(),
        "AcceptingRegionId": p.accepter.region.to_string(),
        "Bandwidth": p.bandwidth.map_or(-1, i64::from),
        "LinkType": p.link_type.map(LinkType::text).unwrap_or_default(),
        "Status": p.status.text(),
        "BizStatus": "Normal",
        "ManagedService": "",
        "ResourceGroupId": p.resource_group.to_string(),
        "Vpc": side(w, p.vpc),
        "AcceptingVpc": side(w, p.accepting_vpc),
        "Tags": show_tags_key_value(w, p.id)["Tag"],
    })
}

fn side(w: &World, id: VpcId) -> Value {
    let vpc = w.get::<Vpc>(&id).expect("a VPC outlives its connections");
    let v4: Vec<String> = vpc.blocks().map(|block| block.to_string()).collect();
    let v6: Vec<String> = vpc.ipv6.iter().map(|b| b.block.to_string()).collect();
    json!({ "VpcId": id.to_string(), "Ipv4Cidrs": v4, "Ipv6Cidrs": v6 })
}
