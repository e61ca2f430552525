//! Actions on security groups and on who belongs to them.

use super::eni::take_inert;
use crate::listing::Rows;
use crate::rest::context::parse_id;
use crate::rpc::either_page::EitherPage;
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    BadParams, Planned, done, optional_id, read, required_id, show_tags_tag_key, sought, tags, text, write,
};
use serde_json::{Value, json};
use sim_core::ecs::membership::{JoinSecurityGroup, LeaveSecurityGroup, Member, capacity};
use sim_core::ecs::security_group::{
    CreateSecurityGroup, DeleteSecurityGroup, GroupKind, ModifySecurityGroup, SecurityGroup,
    parse_inner_access, referencing,
};
use sim_core::id::{SecurityGroupId, VpcId};
use sim_core::{Caller, World};

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] =
    &[("CreateSecurityGroup", CREATE_INERT), ("DescribeSecurityGroups", DESCRIBE_INERT)];
const CREATE_INERT: &[&str] = &["ServiceManaged"];
const DESCRIBE_INERT: &[&str] = &["FuzzyQuery"];

pub fn create_security_group(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, CREATE_INERT);
    let command = CreateSecurityGroup {
        vpc: optional_id(p, "VpcId")?,
        kind: p.str("SecurityGroupType").map_or(Ok(GroupKind::Basic), GroupKind::parse)?,
        name: p.str("SecurityGroupName").map(Into::into),
        description: p.str("Description").map(Into::into),
        resource_group: optional_id(p, "ResourceGroupId")?,
        tags: tags(p)?,
    };
    write(command, |_, _, reply| json!({ "SecurityGroupId": reply.id::<SecurityGroupId>().to_string() }))
}

pub fn modify_security_group_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifySecurityGroup {
        group: required_id(p, "SecurityGroupId")?,
        name: p.str("SecurityGroupName").map(Into::into),
        description: p.raw("Description").map(Into::into),
        inner_access: None,
    })
}

pub fn modify_security_group_policy(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifySecurityGroup {
        group: required_id(p, "SecurityGroupId")?,
        name: None,
        description: None,
        inner_access: Some(parse_inner_access(p.required("InnerAccessPolicy")?)?),
    })
}

pub fn delete_security_group(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteSecurityGroup { group: required_id(p, "SecurityGroupId")? })
}

fn member(p: &Scope<'_>) -> Result<Member, BadParams> {
    Ok(Member::choose(optional_id(p, "InstanceId")?, optional_id(p, "NetworkInterfaceId")?)?)
}

pub fn join_security_group(p: &Scope<'_>, _: &Caller) -> Planned {
    done(JoinSecurityGroup { group: required_id(p, "SecurityGroupId")?, member: member(p)? })
}

pub fn leave_security_group(p: &Scope<'_>, _: &Caller) -> Planned {
    done(LeaveSecurityGroup { group: required_id(p, "SecurityGroupId")?, member: member(p)? })
}

/// Which groups DescribeSecurityGroups is asked for.
fn filtered(p: &Scope<'_>) -> Result<Rows<SecurityGroup>, BadParams> {
    let mut ids = p.json_strings("SecurityGroupIds", 100)?;
    ids.extend(p.str("SecurityGroupId").map(str::to_owned));
    let classic = p.choice("NetworkType", &[("vpc", false), ("classic", true)])?;
    let kind = p.str("SecurityGroupType").map(GroupKind::parse).transpose()?;
    Ok(Rows::<SecurityGroup>::all(|ix| &ix.security_groups.by_owner)
        .named(&ids)
        .of::<VpcId>(sought(p, "VpcId"), |ix| &ix.security_groups.by_vpc)
        .tagged(tags(p)?)
        .keep(kind, |_, g, kind| g.kind == *kind)
        .keep(text(p, "SecurityGroupName"), |_, g, name| g.name == *name)
        .keep(sought(p, "ResourceGroupId"), |_, g, group| Some(g.resource_group) == *group)
        // No group lies in the classic network, and no cloud service manages one.
        .keep(classic, |_, _, classic| !classic)
        .keep(p.bool("ServiceManaged")?, |_, _, managed| !managed))
}

pub fn describe_security_groups(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, DESCRIBE_INERT);
    let page = EitherPage::<SecurityGroupId>::read(p, 100, 100).map_err(token_code)?;
    let rows = filtered(p)?;
    let counted = p.bool("IsQueryEcsCount")?.unwrap_or(false);
    let plan = page.list(rows, "SecurityGroups", "SecurityGroup", move |w, g| show(w, g, counted))?;
    Ok(plan.adding(|caller, answer| answer["RegionId"] = json!(caller.region)))
}

/// This action has a code of its own for a token that no answer held.
fn token_code(e: BadParams) -> BadParams {
    match e {
        BadParams::Param(e) if e.name == "NextToken" => e.with_code("InValidParameter.NextToken").into(),
        other => other,
    }
}

fn show(w: &World, g: &SecurityGroup, counted: bool) -> Value {
    let rules = &w.indexes().security_group_rules;
    let mut shown = json!({
        "SecurityGroupId": g.id.to_string(),
        "SecurityGroupName": g.name,
        "SecurityGroupType": g.kind.text(),
        "Description": g.description,
        "VpcId": g.vpc.to_string(),
        "ResourceGroupId": g.resource_group.to_string(),
        "CreationTime": g.created.to_seconds_text(),
        "RuleCount": rules.by_group.count(&g.id),
        "GroupToGroupRuleCount": rules.group_peers.get(&g.id).copied().unwrap_or(0),
        "ServiceManaged": false,
        "Tags": show_tags_tag_key(w, g.id),
    });
    if counted {
        // Clients read 32 bits; a lifted quota has no end.
        let (used, limit) = capacity(w, g);
        shown["EcsCount"] = json!(used);
        shown["AvailableInstanceAmount"] = json!(limit.saturating_sub(used).min(i32::MAX as u64));
    }
    shown
}

pub fn describe_security_group_references(p: &Scope<'_>, _: &Caller) -> Planned {
    let texts = p.strings("SecurityGroupId", 10)?;
    if texts.is_empty() {
        return Err(p.missing("SecurityGroupId").into());
    }
    let ids: Vec<SecurityGroupId> = texts.into_iter().map(parse_id).collect::<Result<_, _>>()?;
    read(move |w, caller| {
        let mut references = Vec::with_capacity(ids.len());
        for &id in &ids {
            let group = w.visible::<SecurityGroup>(caller, id)?;
            let users: Vec<Value> = referencing(w, id)
                .into_iter()
                .map(|user| {
                    json!({ "SecurityGroupId": user.to_string(), "AliUid": group.owner.account.to_string() })
                })
                .collect();
            references.push(json!({
                "SecurityGroupId": id.to_string(),
                "ReferencingSecurityGroups": { "ReferencingSecurityGroup": users },
            }));
        }
        Ok(json!({ "SecurityGroupReferences": { "SecurityGroupReference": references } }))
    })
}
