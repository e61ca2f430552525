//! Actions on listeners: four kinds, each with its own names for what one description tells, and three shapes of answers.

use super::domain_extension;
use super::forwarding_rule;
use super::tags::filter;
use super::vpc_parts::TokenPage;
use crate::listing::Rows;
use crate::rest::context::parse_id;
use crate::rpc::params::{ParamError, Scope};
use crate::rpc::plan::{BadParams, Planned, done, list, optional_id, read, required_id, tags, text};
use serde_json::{Map, Value, json};
use sim_core::balancing::scheduler::Scheduler;
use sim_core::id::{Id, ListenerId, LoadBalancerId, MasterSlaveGroupId, VServerGroupId};
use sim_core::slb::acl::AclKind;
use sim_core::slb::health_check::{CheckKind, CheckMethod, HealthCheckSettings};
use sim_core::slb::listener::{
    self, CreateListener, DeleteListener, Listener, ModifyListener, Protocol, StartListener, StopListener,
    WhichListener,
};
use sim_core::slb::listener_access::AccessSettings;
use sim_core::slb::listener_rules::{HEADERS, Layer, Settings, Sticky, headers_of};
use sim_core::{Caller, ErrorCode, Refusal, World, tag};

/// The groups of both kinds, of which a listener has one at most.
type Groups = (Option<VServerGroupId>, Option<MasterSlaveGroupId>);

const ON_OFF: &[(&str, bool)] = &[("on", true), ("off", false)];

pub(super) fn on_off(p: &Scope<'_>, name: &str) -> Result<Option<bool>, BadParams> {
    Ok(p.choice(name, ON_OFF)?)
}

pub(super) fn int(p: &Scope<'_>, name: &str) -> Result<Option<i32>, BadParams> {
    Ok(p.int(name, i64::from(i32::MIN)..=i64::from(i32::MAX))?.map(|n| n as i32))
}

/// The first of several spellings that has a number: some actions write a name with a small letter.
fn int_of(p: &Scope<'_>, names: &[&str]) -> Result<Option<i32>, BadParams> {
    let mut found = None;
    for name in names {
        found = found.or(int(p, name)?);
    }
    Ok(found)
}

/// How a backend is asked: HTTP and HTTPS leave no choice.
fn check_kind(p: &Scope<'_>, protocol: Protocol) -> Result<Option<CheckKind>, ParamError> {
    match protocol {
        Protocol::Tcp => p.choice("HealthCheckType", CheckKind::WORDS),
        Protocol::Udp => p
            .choice("HealthCheckType", CheckKind::WORDS)
            .map_err(|wrong| wrong.with_code("IllegalParam.HealthCheckType")),
        Protocol::Http | Protocol::Https => Ok(None),
    }
}

pub(super) fn health_check(p: &Scope<'_>, protocol: Protocol) -> Result<HealthCheckSettings, BadParams> {
    let on = if protocol.is_http() { "HealthCheck" } else { "HealthCheckSwitch" };
    let timeout = if protocol.is_http() { "HealthCheckTimeout" } else { "HealthCheckConnectTimeout" };
    Ok(HealthCheckSettings {
        on: on_off(p, on)?,
        kind: check_kind(p, protocol)?,
        port: int(p, "HealthCheckConnectPort")?,
        timeout: int(p, timeout)?,
        interval: int_of(p, &["HealthCheckInterval", "healthCheckInterval"])?,
        healthy: int(p, "HealthyThreshold")?,
        unhealthy: int(p, "UnhealthyThreshold")?,
        domain: p.str("HealthCheckDomain").map(Into::into),
        uri: p.str("HealthCheckURI").map(Into::into),
        method: p.choice("HealthCheckMethod", CheckMethod::WORDS)?,
        codes: p.str("HealthCheckHttpCode").map(Into::into),
        request: p.str("healthCheckReq").map(Into::into),
        expected: p.str("healthCheckExp").map(Into::into),
    })
}

fn settings(p: &Scope<'_>, protocol: Protocol) -> Result<Settings, BadParams> {
    let mut headers = [None; HEADERS.len()];
    for (at, name) in headers_of(protocol).iter().enumerate() {
        headers[at] = on_off(p, name)?;
    }
    Ok(Settings {
        bandwidth: int(p, "Bandwidth")?,
        scheduler: p.choice("Scheduler", Scheduler::WORDS)?,
        health_check: health_check(p, protocol)?,
        persistence: int(p, "PersistenceTimeout")?,
        established: int(p, "EstablishedTimeout")?,
        drain: on_off(p, "ConnectionDrain")?,
        drain_timeout: int(p, "ConnectionDrainTimeout")?,
        proxy_protocol: p.bool("ProxyProtocolV2Enabled")?,
        syn_proxy: p.choice("SynProxy", &[("enable", true), ("disable", false)])?,
        idle: int(p, "IdleTimeout")?,
        request: int(p, "RequestTimeout")?,
        gzip: on_off(p, "Gzip")?,
        sticky: on_off(p, "StickySession")?,
        sticky_insert: p.choice("StickySessionType", &[("insert", true), ("server", false)])?,
        cookie_timeout: int(p, "CookieTimeout")?,
        cookie: p.str("Cookie").map(Into::into),
        headers,
        certificate: optional_id(p, "ServerCertificateId")?,
        client_ca: p.raw("CACertificateId").map(|_| optional_id(p, "CACertificateId")).transpose()?,
        tls_policy: p.str("TLSCipherPolicy").map(Into::into),
        http2: on_off(p, "EnableHttp2")?,
    })
}

/// An empty `AclId` is none, as clients send it, but with the access control switched off it takes the lists away: there is no
/// other word for that, and without one a list that a listener ever used could not be deleted.
fn access(p: &Scope<'_>) -> Result<AccessSettings, BadParams> {
    let on = on_off(p, "AclStatus")?;
    let takes_away = on == Some(false) && p.raw("AclId") == Some("");
    let acls: Vec<_> = p.commas("AclId", 10)?.into_iter().map(parse_id).collect::<Result<_, _>>()?;
    Ok(AccessSettings {
        on,
        acls: Some(acls).filter(|acls| takes_away || !acls.is_empty()),
        kind: p.choice("AclType", &[("white", AclKind::White), ("black", AclKind::Black)])?,
    })
}

fn port(p: &Scope<'_>) -> Result<u16, BadParams> {
    Ok(p.required_int("ListenerPort", 0..=65_535)? as u16)
}

/// The groups that a new listener names. Only those of TCP and UDP can name a primary/secondary group in its own place; one
/// in the place of a vServer group is known as such, so that the refusal says what is wrong.
fn groups(p: &Scope<'_>, protocol: Protocol) -> Result<Groups, BadParams> {
    if !protocol.is_http() {
        return Ok((optional_id(p, "VServerGroupId")?, optional_id(p, "MasterSlaveServerGroupId")?));
    }
    match p.str("VServerGroupId").and_then(|text| text.parse().ok()) {
        Some(pair) => Ok((None, Some(pair))),
        None => Ok((optional_id(p, "VServerGroupId")?, None)),
    }
}

/// What becomes of a group of a listener: a flag takes it away, or says that it is named.
fn group_after<I: Id>(p: &Scope<'_>, flag: &str, named: Option<I>) -> Result<Option<Option<I>>, BadParams> {
    match (on_off(p, flag)?, named) {
        (Some(false), Some(named)) => Err(Refusal::new(ErrorCode::ListenerParameter)
            .field(sim_core::resource::field_of(I::KIND))
            .detail(format!("{named} was given, and no group is to be used."))
            .accepted(format!("none with {flag}=off"))
            .into()),
        (Some(false), None) => Ok(Some(None)),
        (Some(true), None) => Err(Refusal::new(ErrorCode::ListenerGroupMissing)
            .field(sim_core::resource::field_of(I::KIND))
            .into()),
        (_, named) => Ok(named.map(Some)),
    }
}

fn create(p: &Scope<'_>, protocol: Protocol) -> Planned {
    let (group, pair) = groups(p, protocol)?;
    let redirect = if protocol == Protocol::Http { on_off(p, "ListenerForward")? } else { None };
    let target = p.int("ForwardPort", 1..=65_535)?.map_or(443, |port| port as u16);
    done(CreateListener {
        load_balancer: required_id(p, "LoadBalancerId")?,
        port: port(p)?,
        protocol,
        description: p.str("Description").map(Into::into),
        backend_port: p.int("BackendServerPort", 1..=65_535)?.map(|port| port as u16),
        group,
        pair,
        redirect: redirect.filter(|on| *on).map(|_| target),
        access: access(p)?,
        settings: Box::new(settings(p, protocol)?),
        tags: tags(p)?,
    })
}

fn set(p: &Scope<'_>, protocol: Protocol) -> Planned {
    let (group, pair) = groups(p, protocol)?;
    let group = group_after(p, "VServerGroup", group)?;
    let pair =
        if protocol.is_http() { pair.map(Some) } else { group_after(p, "MasterSlaveServerGroup", pair)? };
    let switches = on_off(p, "VServerGroup")? == Some(true)
        || !protocol.is_http() && on_off(p, "MasterSlaveServerGroup")? == Some(true);
    done(ModifyListener {
        load_balancer: required_id(p, "LoadBalancerId")?,
        port: port(p)?,
        protocol,
        description: p.str("Description").map(Into::into),
        group,
        pair,
        same_kind: !switches,
        access: access(p)?,
        settings: Box::new(settings(p, protocol)?),
    })
}

pub fn create_tcp(p: &Scope<'_>, _: &Caller) -> Planned {
    create(p, Protocol::Tcp)
}

pub fn create_udp(p: &Scope<'_>, _: &Caller) -> Planned {
    create(p, Protocol::Udp)
}

pub fn create_http(p: &Scope<'_>, _: &Caller) -> Planned {
    create(p, Protocol::Http)
}

pub fn create_https(p: &Scope<'_>, _: &Caller) -> Planned {
    create(p, Protocol::Https)
}

pub fn set_tcp(p: &Scope<'_>, _: &Caller) -> Planned {
    set(p, Protocol::Tcp)
}

pub fn set_udp(p: &Scope<'_>, _: &Caller) -> Planned {
    set(p, Protocol::Udp)
}

pub fn set_http(p: &Scope<'_>, _: &Caller) -> Planned {
    set(p, Protocol::Http)
}

pub fn set_https(p: &Scope<'_>, _: &Caller) -> Planned {
    set(p, Protocol::Https)
}

pub(super) fn which(p: &Scope<'_>) -> Result<WhichListener, BadParams> {
    Ok(WhichListener {
        load_balancer: required_id(p, "LoadBalancerId")?,
        port: port(p)?,
        protocol: p.choice("ListenerProtocol", Protocol::WORDS)?,
    })
}

pub fn start(p: &Scope<'_>, _: &Caller) -> Planned {
    done(StartListener { listener: which(p)? })
}

pub fn stop(p: &Scope<'_>, _: &Caller) -> Planned {
    done(StopListener { listener: which(p)? })
}

pub fn delete(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteListener { listener: which(p)? })
}

pub(super) fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// What every shape shows at its top.
fn common(l: &Listener) -> Value {
    let access = l.access.as_ref();
    let mut shown = json!({
        "LoadBalancerId": l.load_balancer.to_string(),
        "ListenerPort": l.port,
        "Status": l.status.text(),
        "Description": l.description,
        "VServerGroupId": l.group.map(|group| group.to_string()).unwrap_or_default(),
        "Bandwidth": l.rules.bandwidth.map_or(-1, i32::from),
        "Scheduler": l.rules.scheduler.text(),
        "AclStatus": word(access.is_some_and(|access| access.on)),
        "AclId": acl_ids(l).join(","),
        "AclType": access.map(|access| access.kind.text()).unwrap_or_default(),
    });
    // The members of a group have ports of their own (provider documentation: BackendServerPort is not shown with a group).
    if l.group.is_none() && l.pair.is_none() {
        shown["BackendServerPort"] = l.backend_port.unwrap_or_default().into();
    }
    shown
}

/// What a kind of listener shows beside that.
fn config(l: &Listener) -> Value {
    let check = &l.rules.health_check;
    // -520 is how the provider writes "the port of each backend".
    let of_members = if l.group.is_some() || l.pair.is_some() { None } else { l.backend_port };
    let port = check.port.or(of_members).map_or(-520, i32::from);
    let mut out = json!({
        "HealthCheck": word(check.on),
        "HealthCheckConnectPort": port,
        "HealthCheckInterval": check.interval,
        "HealthyThreshold": check.healthy,
        "UnhealthyThreshold": check.unhealthy,
    });
    let http = json!({
        "HealthCheckDomain": check.domain,
        "HealthCheckURI": check.uri,
        "HealthCheckMethod": check.method.text(),
        "HealthCheckHttpCode": check.codes(),
        "HealthCheckType": check.kind.text(),
    });
    match &l.rules.layer {
        Layer::Four(layer) => {
            out["HealthCheckConnectTimeout"] = check.timeout.into();
            out["MasterSlaveServerGroupId"] = l.pair.map(|pair| pair.to_string()).unwrap_or_default().into();
            out["ProxyProtocolV2Enabled"] = layer.proxy_protocol.into();
            out["ConnectionDrain"] = word(layer.drain).into();
            out["ConnectionDrainTimeout"] = layer.drain_timeout.unwrap_or_default().into();
            if l.protocol == Protocol::Tcp {
                out["PersistenceTimeout"] = layer.persistence.into();
                out["EstablishedTimeout"] = layer.established.into();
                out["SynProxy"] = if layer.syn_proxy { "enable" } else { "disable" }.into();
                merge(&mut out, http);
            } else {
                out["HealthCheckReq"] = check.request.as_str().into();
                out["HealthCheckExp"] = check.expected.as_str().into();
            }
        }
        Layer::Seven(layer) => {
            merge(&mut out, http);
            out["HealthCheckTimeout"] = check.timeout.into();
            out["IdleTimeout"] = layer.idle.into();
            out["RequestTimeout"] = layer.request.into();
            out["Gzip"] = word(layer.gzip).into();
            for (at, name) in headers_of(l.protocol).iter().enumerate() {
                out[*name] = word(layer.headers & 1 << at != 0).into();
            }
            merge(&mut out, sticky_shown(&layer.sticky));
            if let Some(tls) = &layer.tls {
                out["ServerCertificateId"] =
                    tls.certificate.map(|id| id.to_string()).unwrap_or_default().into();
                out["CACertificateId"] = tls.client_ca.map(|id| id.to_string()).unwrap_or_default().into();
                out["TLSCipherPolicy"] = tls.policy.as_str().into();
                out["EnableHttp2"] = word(tls.http2).into();
            } else {
                out["ListenerForward"] = word(l.redirect.is_some()).into();
                out["ForwardPort"] = l.redirect.unwrap_or_default().into();
            }
        }
    }
    out
}

/// How requests of one client stay with one backend.
pub(super) fn sticky_shown(sticky: &Sticky) -> Value {
    let (kind, timeout, cookie) = match sticky {
        Sticky::Off => ("", 0, ""),
        Sticky::Insert(timeout) => ("insert", *timeout, ""),
        Sticky::Server(cookie) => ("server", 0, cookie.as_str()),
    };
    json!({
        "StickySession": word(*sticky != Sticky::Off),
        "StickySessionType": kind,
        "CookieTimeout": timeout,
        "Cookie": cookie,
    })
}

pub(super) fn merge(into: &mut Value, from: Value) {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}

fn tag_list(w: &World, l: &Listener) -> Vec<Value> {
    tag::of(w, l.id).map(|t| json!({ "TagKey": t.key, "TagValue": t.value })).collect()
}

fn acl_ids(l: &Listener) -> Vec<String> {
    l.access.iter().flat_map(|access| &access.acls).map(ToString::to_string).collect()
}

/// Members that a flat answer does not have, by kind.
fn not_flat(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::Tcp => &[],
        Protocol::Udp => &["ConnectionDrain", "ConnectionDrainTimeout"],
        Protocol::Http | Protocol::Https => &["HealthCheckType"],
    }
}

/// The flat shape of one kind.
fn flat(w: &World, l: &Listener) -> Value {
    let mut out = common(l);
    merge(&mut out, config(l));
    out["AclIds"] = json!({ "AclId": acl_ids(l) });
    out["Tags"] = json!({ "Tag": tag_list(w, l) });
    if l.protocol.is_http() {
        out["Rules"] = json!({ "Rule": forwarding_rule::of_listener(w, l) });
        out["SecurityStatus"] = "off".into();
    }
    if l.protocol == Protocol::Https {
        out["DomainExtensions"] = json!({ "DomainExtension": domain_extension::of_listener(w, l) });
    }
    without(&mut out, not_flat(l.protocol));
    if l.redirect.is_some() {
        without(&mut out, NOT_REDIRECTED);
    }
    out
}

/// What serves no requests has none of this, as the tests of the provider's Terraform provider expect of a listener that
/// redirects; it makes one anew whose backend port differs from what was asked for.
const NOT_REDIRECTED: &[&str] = &[
    "BackendServerPort",
    "Bandwidth",
    "Cookie",
    "CookieTimeout",
    "Gzip",
    "HealthCheck",
    "HealthCheckConnectPort",
    "HealthCheckDomain",
    "HealthCheckHttpCode",
    "HealthCheckURI",
    "IdleTimeout",
    "RequestTimeout",
    "StickySession",
    "StickySessionType",
];

fn without(value: &mut Value, names: &[&str]) {
    if let Some(members) = value.as_object_mut() {
        members.retain(|name, _| !names.contains(&name.as_str()));
    }
}

/// The nested shape of the list: what a kind shows lies in an object of its own.
fn nested(w: &World, l: &Listener) -> Value {
    let mut out = common(l);
    let mut config = config(l);
    without(&mut config, &["SynProxy"]);
    if let Layer::Four(layer) = &l.rules.layer {
        config["ProxyProtocolV2Enabled"] = layer.proxy_protocol.to_string().into();
    }
    let name = match l.protocol {
        Protocol::Tcp => "TCPListenerConfig",
        Protocol::Udp => "UDPListenerConfig",
        Protocol::Http => "HTTPListenerConfig",
        Protocol::Https => "HTTPSListenerConfig",
    };
    out["ListenerProtocol"] = l.protocol.text().into();
    out["AclIds"] = acl_ids(l).into();
    out["Tags"] = tag_list(w, l).into();
    if l.redirect.is_some() {
        without(&mut out, NOT_REDIRECTED);
        without(&mut config, NOT_REDIRECTED);
    }
    out[name] = config;
    out
}

fn describe(p: &Scope<'_>, protocol: Protocol) -> Planned {
    let balancer = required_id::<LoadBalancerId>(p, "LoadBalancerId")?;
    let port = port(p)?;
    read(move |w, caller| Ok(flat(w, listener::find(w, caller, balancer, port, Some(protocol))?)))
}

pub fn describe_tcp(p: &Scope<'_>, _: &Caller) -> Planned {
    describe(p, Protocol::Tcp)
}

pub fn describe_udp(p: &Scope<'_>, _: &Caller) -> Planned {
    describe(p, Protocol::Udp)
}

pub fn describe_http(p: &Scope<'_>, _: &Caller) -> Planned {
    describe(p, Protocol::Http)
}

pub fn describe_https(p: &Scope<'_>, _: &Caller) -> Planned {
    describe(p, Protocol::Https)
}

pub fn describe_listeners(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = TokenPage::read(p, "MaxResults", 100, 20)?;
    let ids: Vec<LoadBalancerId> =
        p.strings("LoadBalancerId", 11)?.iter().filter_map(|text| text.parse().ok()).collect();
    let protocol = p
        .choice("ListenerProtocol", Protocol::WORDS)
        .map_err(|e| e.with_code("IllegalParam.ListenerProtocol"))?;
    let mut rows = Rows::<Listener>::all(|ix| &ix.listeners.by_owner)
        .tagged(filter(p, "Tag")?)
        .keep(text(p, "Description"), |_, l, description| l.description == *description)
        .keep(p.int("ListenerPort", 0..=65_535)?, |_, l, port| i64::from(l.port) == *port)
        .keep(protocol, |_, l, protocol| l.protocol == *protocol);
    if !p.strings("LoadBalancerId", 11)?.is_empty() {
        rows = rows.found(move |w, _| {
            let of = |id| w.indexes().listeners.by_load_balancer.of(id).copied();
            Ok(ids.iter().flat_map(of).collect())
        });
    }
    let size = page.size;
    list(rows, page.part::<ListenerId>(), nested, move |found| {
        let mut answer = Map::new();
        answer.insert("Listeners".to_owned(), found.items.into());
        answer.insert("TotalCount".to_owned(), found.total.into());
        answer.insert("MaxResults".to_owned(), size.into());
        let next = found.next.map(|id| id.to_string()).unwrap_or_default();
        answer.insert("NextToken".to_owned(), next.into());
        Value::Object(answer)
    })
}

/// The three lists of ports that a load balancer shows.
pub fn ports(w: &World, balancer: LoadBalancerId, shown: &mut Value) {
    let all = || listener::of(w, balancer);
    let misspelt = |l: &Listener| json!({ "ListenerPort": l.port, "ListenerProtocal": l.protocol.text() });
    let full = |l: &Listener| {
        json!({
            "ListenerPort": l.port,
            "ListenerProtocol": l.protocol.text(),
            "Description": l.description,
            "ListenerForward": word(l.redirect.is_some()),
            "ForwardPort": l.redirect.unwrap_or_default(),
        })
    };
    let numbers: Vec<u16> = all().map(|l| l.port).collect();
    shown["ListenerPorts"] = json!({ "ListenerPort": numbers });
    shown["ListenerPortsAndProtocal"] =
        json!({ "ListenerPortAndProtocal": all().map(misspelt).collect::<Vec<_>>() });
    shown["ListenerPortsAndProtocol"] =
        json!({ "ListenerPortAndProtocol": all().map(full).collect::<Vec<_>>() });
}
