//! Actions on vServer groups and on what stands behind a load balancer.

use super::forwarding_rule::of_group;
use crate::rpc::params::{MAX_LIST_INDEX, ParamError, Scope};
use crate::rpc::plan::{
    BadParams, Planned, done, has_tags, read, required_id, show_tags_tag_key, tags, text, write,
};
use serde_json::{Value, json};
use sim_core::id::{LoadBalancerId, VServerGroupId};
use sim_core::slb::backend::{
    AddBackends, Backend, Leaving, Member, NewBackend, Pool, RemoveBackends, ReplaceBackends, Server,
    SetBackends,
};
use sim_core::slb::health;
use sim_core::slb::listener::{Listener, Protocol};
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::slb::member::{Served, parse_address};
use sim_core::slb::server_group::{CreateVServerGroup, DeleteVServerGroup, VServerGroup};
use sim_core::slb::serving::{self, Serving};
use sim_core::{Caller, ErrorCode, Refusal, World};
use std::net::Ipv4Addr;

/// Members of backend servers that are taken and change nothing: regions, what the cloud controller manager keeps of its own,
/// and what else a member that goes is described by.
pub const INERT: &[(&str, &[&str])] = &[
    ("AddBackendServers", OF_SERVERS),
    ("AddVServerGroupBackendServers", OF_SERVERS),
    ("CreateVServerGroup", OF_SERVERS),
    ("SetBackendServers", OF_SERVERS),
    ("SetVServerGroupAttribute", OF_SERVERS),
    ("RemoveBackendServers", OF_GONE),
    ("RemoveVServerGroupBackendServers", OF_GONE),
    ("ModifyVServerGroupBackendServers", OF_REPLACED),
];
const OF_SERVERS: &[&str] = &[
    "BackendServers.N.Invalid",
    "BackendServers.N.IsUserManaged",
    "BackendServers.N.NodeName",
    "BackendServers.N.ServerRegionId",
];
const OF_GONE: &[&str] = &[
    "BackendServers.N.Description",
    "BackendServers.N.Invalid",
    "BackendServers.N.IsUserManaged",
    "BackendServers.N.NodeName",
    "BackendServers.N.ServerRegionId",
    "BackendServers.N.Weight",
];
const OF_REPLACED: &[&str] = &[
    "NewBackendServers.N.Invalid",
    "NewBackendServers.N.IsUserManaged",
    "NewBackendServers.N.NodeName",
    "NewBackendServers.N.ServerRegionId",
    "OldBackendServers.N.Description",
    "OldBackendServers.N.Invalid",
    "OldBackendServers.N.IsUserManaged",
    "OldBackendServers.N.NodeName",
    "OldBackendServers.N.ServerRegionId",
    "OldBackendServers.N.Weight",
];

/// The code for members that do not read (the provider's table of common errors; the actions' own have none for that).
const MALFORMED: &str = "BackendServersMalformed";

fn server_id<'p>(p: &Scope<'p>) -> Result<&'p str, ParamError> {
    p.required("ServerId").map_err(|e| e.with_code(MALFORMED))
}

fn address_and_port(p: &Scope<'_>) -> Result<(Option<Ipv4Addr>, Option<u16>), BadParams> {
    let address = p.str("ServerIp").map(|text| parse_address(text, "server_ip")).transpose()?;
    let port = p.int("Port", 0..=65_535).map_err(|e| e.with_code("InvalidParameter"))?;
    Ok((address, port.map(|port| port as u16)))
}

pub(super) fn new_backend(p: &Scope<'_>) -> Result<NewBackend, BadParams> {
    let server = Server::parse(server_id(p)?, p.str("Type"))?;
    let (address, port) = address_and_port(p)?;
    let weight = p.int("Weight", i64::from(i32::MIN)..=i64::from(i32::MAX));
    Ok(NewBackend {
        member: Member { server, address, port },
        weight: weight.map_err(|e| e.with_code("InvalidWeight.Malformed"))?.map(|weight| weight as i32),
        description: p.str("Description").map(Into::into),
    })
}

fn leaving(p: &Scope<'_>) -> Result<Leaving, BadParams> {
    let server = Server::parse_leaving(server_id(p)?, p.str("Type"))?;
    let (address, port) = address_and_port(p)?;
    Ok(Leaving { server, address, port })
}

/// Members of a default pool that go: objects, or ids alone as earlier documentation of RemoveBackendServers has them, of
/// which each tells by itself what it is of.
fn leaving_default(p: &Scope<'_>) -> Result<Vec<Leaving>, BadParams> {
    let mut all = members_in(p, "BackendServers", leaving)?;
    all.iter_mut().for_each(|member| member.port = None);
    let malformed = |e: ParamError| e.with_code(MALFORMED);
    let Some(params) = p.json("BackendServers").map_err(malformed)? else { return Ok(all) };
    let ids = params.root().strings("BackendServers", MAX_LIST_INDEX as usize).map_err(malformed)?;
    for id in ids {
        let kind = if id.starts_with("eni-") { "eni" } else { "ecs" };
        all.push(Leaving { server: Server::parse_leaving(id, Some(kind))?, address: None, port: None });
    }
    Ok(all)
}

/// The members in a JSON array, each read.
fn members_in<T>(
    p: &Scope<'_>,
    name: &str,
    read: impl Fn(&Scope<'_>) -> Result<T, BadParams>,
) -> Result<Vec<T>, BadParams> {
    let malformed = |e: ParamError| e.with_code(MALFORMED);
    let Some(params) = p.json(name).map_err(malformed)? else { return Ok(Vec::new()) };
    let items = params.root().objects(name, MAX_LIST_INDEX as usize).map_err(malformed)?;
    items.iter().map(read).collect()
}

/// The objects of a JSON array, each read.
pub(super) fn objects<T>(
    p: &Scope<'_>,
    name: &str,
    read: impl Fn(&Scope<'_>) -> Result<T, BadParams>,
) -> Result<Vec<T>, BadParams> {
    let Some(params) = p.json(name)? else { return Ok(Vec::new()) };
    params.root().objects(name, MAX_LIST_INDEX as usize)?.iter().map(read).collect()
}

/// Members of a default pool. Only an interface is served at an address that can be chosen, and so has one here: the
/// Terraform provider compares it with what was asked for.
pub fn pool(w: &World, backends: &[Backend]) -> Value {
    let mut shown = members(w, backends, &["ServerId", "ServerIp", "Type", "Weight", "Description"]);
    for member in shown["BackendServer"].as_array_mut().into_iter().flatten() {
        if member["Type"] == "ecs" {
            member["ServerIp"] = "".into();
        }
    }
    shown
}

pub(super) fn show(w: &World, backend: &Backend) -> Value {
    json!({
        "ServerId": backend.server.id().to_string(),
        "ServerIp": backend.known_address(w).map(|address| address.to_string()).unwrap_or_default(),
        "Type": backend.server.type_text(),
        "Port": backend.port.unwrap_or_default(),
        "Weight": backend.weight,
        "Description": backend.description,
    })
}

/// Members with these fields alone.
pub fn members(w: &World, backends: &[Backend], fields: &[&str]) -> Value {
    let shown: Vec<Value> = backends
        .iter()
        .map(|backend| {
            let mut shown = show(w, backend);
            if let Some(fields_of) = shown.as_object_mut() {
                fields_of.retain(|name, _| fields.contains(&name.as_str()));
            }
            shown
        })
        .collect();
    json!({ "BackendServer": shown })
}

const OF_GROUP: &[&str] = &["ServerId", "Type", "Port", "Weight", "Description"];
const OF_REMOVED: &[&str] = &["ServerId", "Type", "Port", "Weight"];
const OF_DEFAULT: &[&str] = &["ServerId", "Type", "Weight", "Description"];

/// The answer about a group as it is now; only its id if it is gone when a request is repeated.
fn group_answer(w: &World, id: VServerGroupId, fields: &[&str], with_name: bool) -> Value {
    let group = w.get::<VServerGroup>(&id);
    let backends = group.map_or(&[][..], |group| group.backends.as_slice());
    let mut answer =
        json!({ "VServerGroupId": id.to_string(), "BackendServers": members(w, backends, fields) });
    if with_name {
        answer["VServerGroupName"] = group.map(|group| group.name.to_string()).unwrap_or_default().into();
    }
    answer
}

pub fn create_vserver_group(p: &Scope<'_>, _: &Caller) -> Planned {
    let command = CreateVServerGroup {
        load_balancer: required_id(p, "LoadBalancerId")?,
        name: p.str("VServerGroupName").map(Into::into),
        backends: members_in(p, "BackendServers", new_backend)?,
        tags: tags(p)?,
    };
    write(command, |w, _, reply| group_answer(w, reply.id::<VServerGroupId>(), OF_GROUP, false))
}

pub fn describe_vserver_groups(p: &Scope<'_>, _: &Caller) -> Planned {
    let balancer = required_id::<LoadBalancerId>(p, "LoadBalancerId")?;
    let (name, wanted) = (text(p, "Description"), tags(p)?);
    let with_listeners = p.bool("IncludeListener")?.unwrap_or(false);
    let with_rules = p.bool("IncludeRule")?.unwrap_or(false);
    read(move |w, caller| {
        w.visible::<LoadBalancer>(caller, balancer)?;
        let all = w.indexes().vserver_groups.by_load_balancer.of(&balancer);
        let rows = all.filter_map(|id| w.get::<VServerGroup>(id));
        let rows = rows.filter(|g| name.as_ref().is_none_or(|name| g.name == *name));
        let shown: Vec<Value> = rows
            .filter(|g| has_tags(w, g.id, &wanted))
            .map(|g| {
                json!({
                    "VServerGroupId": g.id.to_string(),
                    "VServerGroupName": g.name,
                    "ServerCount": g.backends.len(),
                    "CreateTime": g.created.to_minutes_text(),
                    "Tags": show_tags_tag_key(w, g.id),
                    "AssociatedObjects": {
                        "Listeners": { "Listener": if with_listeners { users(w, g) } else { Vec::new() } },
                        "Rules": { "Rule": if with_rules { of_group(w, g.id) } else { Vec::new() } },
                    },
                })
            })
            .collect();
        Ok(json!({ "VServerGroups": { "VServerGroup": shown } }))
    })
}

/// The listeners that forward to a group.
fn users(w: &World, group: &VServerGroup) -> Vec<Value> {
    let listeners = w.indexes().listeners.by_group.of(&group.id).filter_map(|id| w.get::<Listener>(id));
    listeners.map(|l| json!({ "Port": l.port, "Protocol": l.protocol.text() })).collect()
}

pub fn describe_vserver_group_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<VServerGroupId>(p, "VServerGroupId")?;
    read(move |w, caller| {
        let group = w.visible::<VServerGroup>(caller, id)?;
        let mut fields = OF_GROUP.to_vec();
        fields.push("ServerIp");
        Ok(json!({
            "VServerGroupId": id.to_string(),
            "VServerGroupName": group.name,
            "LoadBalancerId": group.load_balancer.to_string(),
            "CreateTime": group.created.to_minutes_text(),
            "Tags": show_tags_tag_key(w, id),
            "BackendServers": members(w, &group.backends, &fields),
        }))
    })
}

pub fn set_vserver_group_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id(p, "VServerGroupId")?;
    let backends = members_in(p, "BackendServers", new_backend)?;
    let name = p.str("VServerGroupName").map(Into::into);
    if name.is_none() && backends.is_empty() {
        let missing = Refusal::new(ErrorCode::MissingParameter).field("name");
        return Err(missing.detail("Neither a name nor members were given.").accepted("one or both").into());
    }
    write(SetBackends { pool: Pool::Group(id), name, backends }, move |w, _, _| {
        group_answer(w, id, OF_GROUP, true)
    })
}

pub fn delete_vserver_group(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteVServerGroup { group: required_id(p, "VServerGroupId")? })
}

pub fn add_to_vserver_group(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id(p, "VServerGroupId")?;
    let backends = members_in(p, "BackendServers", new_backend)?;
    write(AddBackends { pool: Pool::Group(id), backends }, move |w, _, _| {
        group_answer(w, id, OF_GROUP, false)
    })
}

pub fn remove_from_vserver_group(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id(p, "VServerGroupId")?;
    let members = members_in(p, "BackendServers", leaving)?;
    write(RemoveBackends { pool: Pool::Group(id), members }, move |w, _, _| {
        group_answer(w, id, OF_REMOVED, false)
    })
}

pub fn modify_vserver_group(p: &Scope<'_>, _: &Caller) -> Planned {
    let group = required_id(p, "VServerGroupId")?;
    let command = ReplaceBackends {
        group,
        old: members_in(p, "OldBackendServers", leaving)?,
        new: members_in(p, "NewBackendServers", new_backend)?,
    };
    write(command, move |w, _, _| group_answer(w, group, OF_GROUP, false))
}

/// The answer about a default pool as it is now. Two of its actions write weights as texts.
fn default_answer(w: &World, id: LoadBalancerId, weights_as_text: bool) -> Value {
    let backends = w.get::<LoadBalancer>(&id).map_or(&[][..], |balancer| balancer.backends.as_slice());
    let mut shown = members(w, backends, OF_DEFAULT);
    if weights_as_text && let Some(all) = shown["BackendServer"].as_array_mut() {
        all.iter_mut().for_each(|backend| backend["Weight"] = backend["Weight"].to_string().into());
    }
    json!({ "LoadBalancerId": id.to_string(), "BackendServers": shown })
}

fn default_backends(p: &Scope<'_>) -> Result<Vec<NewBackend>, BadParams> {
    let mut backends = members_in(p, "BackendServers", new_backend)?;
    // In a default pool a port has no meaning.
    backends.iter_mut().for_each(|new| new.member.port = None);
    Ok(backends)
}

pub fn add_backend_servers(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id(p, "LoadBalancerId")?;
    let backends = default_backends(p)?;
    write(AddBackends { pool: Pool::Default(id), backends }, move |w, _, _| default_answer(w, id, true))
}

pub fn remove_backend_servers(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id(p, "LoadBalancerId")?;
    let members = leaving_default(p)?;
    write(RemoveBackends { pool: Pool::Default(id), members }, move |w, _, _| default_answer(w, id, false))
}

pub fn set_backend_servers(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id(p, "LoadBalancerId")?;
    let backends = default_backends(p)?;
    write(SetBackends { pool: Pool::Default(id), name: None, backends }, move |w, _, _| {
        default_answer(w, id, true)
    })
}

pub fn describe_health_status(p: &Scope<'_>, _: &Caller) -> Planned {
    let balancer = required_id::<LoadBalancerId>(p, "LoadBalancerId")?;
    let port = p.int("ListenerPort", 0..=65_535)?.map(|port| port as u16);
    let protocol = p.choice("ListenerProtocol", Protocol::WORDS)?;
    read(move |w, caller| {
        let listeners = health::listeners_asked(w, caller, balancer, port, protocol)?;
        let shown: Vec<Value> = listeners.into_iter().flat_map(|l| health_of(w, l)).collect();
        Ok(json!({ "BackendServers": { "BackendServer": shown } }))
    })
}

fn health_of(w: &World, l: &Listener) -> Vec<Value> {
    let show = |serving: &Serving<'_>, served: Served<'_>| {
        json!({
            "ListenerPort": l.port,
            "Protocol": l.protocol.text(),
            "ServerId": served.backend.server.id().to_string(),
            "ServerIp": served.backend.known_address(w).map(|address| address.to_string()).unwrap_or_default(),
            "Port": served.port,
            "ServerHealthStatus": health::of_member(w, l, serving, served).health.text(),
        })
    };
    let all = serving::all(w, l);
    all.iter().flat_map(|serving| serving.members().map(|served| show(serving, served))).collect()
}
