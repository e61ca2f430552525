//! Actions on primary/secondary groups.

use super::server_group::{new_backend, objects, show};
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    BadParams, Planned, done, has_tags, read, required_id, show_tags_tag_key, tags, text, write,
};
use serde_json::{Value, json};
use sim_core::id::{LoadBalancerId, MasterSlaveGroupId};
use sim_core::slb::listener::Listener;
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::slb::master_slave_group::{
    CreateMasterSlaveGroup, DeleteMasterSlaveGroup, MasterSlaveGroup, NewRoleMember, Role,
};
use sim_core::{Caller, ErrorCode, Refusal, World};

/// Members that are taken and change nothing; `ServerType` says which of the two a server is.
pub const INERT: &[(&str, &[&str])] = &[(
    "CreateMasterSlaveServerGroup",
    &[
        "MasterSlaveBackendServers.N.Invalid",
        "MasterSlaveBackendServers.N.IsBackup",
        "MasterSlaveBackendServers.N.IsUserManaged",
        "MasterSlaveBackendServers.N.NodeName",
        "MasterSlaveBackendServers.N.ServerRegionId",
    ],
)];

fn new_member(p: &Scope<'_>) -> Result<NewRoleMember, BadParams> {
    if p.str("ServerId").is_none() {
        return Err(Refusal::new(ErrorCode::MasterSlaveServerMissing).field("server_id").into());
    }
    p.int("Port", 0..=65_535).map_err(|e| e.with_code("RealServerPortNotSupport"))?;
    Ok(NewRoleMember { role: Role::parse(p.str("ServerType"))?, backend: new_backend(p)? })
}

fn members(w: &World, group: Option<&MasterSlaveGroup>) -> Value {
    let shown = group.into_iter().flat_map(MasterSlaveGroup::members).map(|(role, backend)| {
        let mut shown = show(w, backend);
        shown["ServerType"] = role.text().into();
        if let Some(fields) = shown.as_object_mut() {
            fields.remove("ServerIp");
        }
        shown
    });
    json!({ "MasterSlaveBackendServer": shown.collect::<Vec<Value>>() })
}

pub fn create(p: &Scope<'_>, _: &Caller) -> Planned {
    let command = CreateMasterSlaveGroup {
        load_balancer: required_id(p, "LoadBalancerId")?,
        name: p.str("MasterSlaveServerGroupName").map(Into::into),
        members: objects(p, "MasterSlaveBackendServers", new_member)?,
        tags: tags(p)?,
    };
    write(command, |w, _, reply| {
        let id = reply.id::<MasterSlaveGroupId>();
        json!({
            "MasterSlaveServerGroupId": id.to_string(),
            "MasterSlaveBackendServers": members(w, w.get::<MasterSlaveGroup>(&id)),
        })
    })
}

/// What both questions show of a group.
fn common(w: &World, group: &MasterSlaveGroup) -> Value {
    json!({
        "MasterSlaveServerGroupId": group.id.to_string(),
        "MasterSlaveServerGroupName": group.name,
        "CreateTime": group.created.to_minutes_text(),
        "Tags": show_tags_tag_key(w, group.id),
    })
}

pub fn describe_all(p: &Scope<'_>, _: &Caller) -> Planned {
    let balancer = required_id::<LoadBalancerId>(p, "LoadBalancerId")?;
    let (name, wanted) = (text(p, "Description"), tags(p)?);
    let with_listeners = p.bool("IncludeListener")?.unwrap_or(false);
    read(move |w, caller| {
        w.visible::<LoadBalancer>(caller, balancer)?;
        let all = w.indexes().master_slave_groups.by_load_balancer.of(&balancer);
        let rows = all.filter_map(|id| w.get::<MasterSlaveGroup>(id));
        let rows = rows.filter(|g| name.as_ref().is_none_or(|name| g.name == *name));
        let show = |group: &MasterSlaveGroup| {
            let mut shown = common(w, group);
            let listeners = if with_listeners { users(w, group) } else { Vec::new() };
            shown["AssociatedObjects"] = json!({ "Listeners": { "Listener": listeners } });
            shown
        };
        let shown: Vec<Value> = rows.filter(|g| has_tags(w, g.id, &wanted)).map(show).collect();
        Ok(json!({ "MasterSlaveServerGroups": { "MasterSlaveServerGroup": shown } }))
    })
}

/// The listeners that forward to a group.
fn users(w: &World, group: &MasterSlaveGroup) -> Vec<Value> {
    let listeners = w.indexes().listeners.by_pair.of(&group.id).filter_map(|id| w.get::<Listener>(id));
    listeners.map(|l| json!({ "Port": l.port, "Protocol": l.protocol.text() })).collect()
}

pub fn describe_one(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<MasterSlaveGroupId>(p, "MasterSlaveServerGroupId")?;
    read(move |w, caller| {
        let group = w.visible::<MasterSlaveGroup>(caller, id)?;
        let mut shown = common(w, group);
        shown["LoadBalancerId"] = group.load_balancer.to_string().into();
        shown["MasterSlaveBackendServers"] = members(w, Some(group));
        Ok(shown)
    })
}

pub fn delete(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteMasterSlaveGroup { group: required_id(p, "MasterSlaveServerGroupId")? })
}
