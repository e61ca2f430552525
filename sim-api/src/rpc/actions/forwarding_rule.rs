//! Actions on forwarding rules of listeners.

use super::listener::{health_check, int, merge, on_off, sticky_shown, which, word};
use super::server_group::objects;
use crate::rest::context::parse_id;
use crate::rpc::params::{MAX_LIST_INDEX, Scope};
use crate::rpc::plan::{BadParams, Planned, done, optional_id, read, required_id, write};
use serde_json::{Value, json};
use sim_core::balancing::scheduler::Scheduler;
use sim_core::id::ForwardingRuleId;
use sim_core::slb::forwarding_rule::{
    self, CreateForwardingRules, DeleteForwardingRules, ForwardingRule, ModifyForwardingRule, NewRule,
    OwnSettings,
};
use sim_core::slb::health_check::HealthCheck;
use sim_core::slb::listener::{self, Listener, Protocol};
use sim_core::{Caller, World};

fn own(p: &Scope<'_>) -> Result<OwnSettings, BadParams> {
    Ok(OwnSettings {
        as_listener: on_off(p, "ListenerSync")?,
        scheduler: p.choice("Scheduler", Scheduler::WORDS)?,
        sticky: on_off(p, "StickySession")?,
        sticky_insert: p.choice("StickySessionType", &[("insert", true), ("server", false)])?,
        cookie_timeout: int(p, "CookieTimeout")?,
        cookie: p.str("Cookie").map(Into::into),
        health_check: health_check(p, Protocol::Http)?,
    })
}

fn new_rule(p: &Scope<'_>) -> Result<NewRule, BadParams> {
    Ok(NewRule {
        name: p.str("RuleName").unwrap_or_default().into(),
        domain: p.str("Domain").unwrap_or_default().into(),
        url: p.str("Url").unwrap_or_default().into(),
        group: required_id(p, "VServerGroupId")?,
        own: own(p)?,
    })
}

pub fn create_rules(p: &Scope<'_>, _: &Caller) -> Planned {
    let command = CreateForwardingRules { listener: which(p)?, rules: objects(p, "RuleList", new_rule)? };
    write(command, |w, _, reply| {
        let ids = reply.ids::<ForwardingRuleId>();
        let name = |id: &ForwardingRuleId| w.get::<ForwardingRule>(id).map(|rule| rule.name.to_string());
        let shown = ids.iter().map(|id| json!({ "RuleId": id.to_string(), "RuleName": name(id) }));
        json!({ "Rules": { "Rule": shown.collect::<Vec<_>>() } })
    })
}

pub fn set_rule(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyForwardingRule {
        rule: required_id(p, "RuleId")?,
        name: p.str("RuleName").map(Into::into),
        group: optional_id(p, "VServerGroupId")?,
        own: own(p)?,
    })
}

pub fn delete_rules(p: &Scope<'_>, _: &Caller) -> Planned {
    let texts = p.json_strings("RuleIds", MAX_LIST_INDEX as usize)?;
    let rules = texts.iter().map(|text| parse_id(text)).collect::<Result<_, _>>()?;
    done(DeleteForwardingRules { rules })
}

/// What every list shows of a rule.
fn brief(rule: &ForwardingRule) -> Value {
    json!({ "RuleId": rule.id.to_string(), "RuleName": rule.name, "Domain": rule.domain, "Url": rule.url })
}

/// The rules of a listener as its own description shows them.
pub fn of_listener(w: &World, l: &Listener) -> Vec<Value> {
    let shown = |rule: &ForwardingRule| {
        let mut shown = brief(rule);
        shown["VServerGroupId"] = rule.group.to_string().into();
        shown
    };
    forwarding_rule::of(w, l.id).map(shown).collect()
}

/// The rules that send requests to a group.
pub fn of_group(w: &World, group: sim_core::id::VServerGroupId) -> Vec<Value> {
    let rules = w.indexes().forwarding_rules.by_group.of(&group);
    rules.filter_map(|id| w.get::<ForwardingRule>(id)).map(brief).collect()
}

fn health_shown(check: &HealthCheck) -> Value {
    json!({
        "HealthCheck": word(check.on),
        // -520 is how the provider writes "the port of each backend".
        "HealthCheckConnectPort": check.port.map_or(-520, i32::from),
        "HealthCheckTimeout": check.timeout,
        "HealthCheckInterval": check.interval,
        "HealthyThreshold": check.healthy,
        "UnhealthyThreshold": check.unhealthy,
        "HealthCheckDomain": check.domain,
        "HealthCheckURI": check.uri,
        "HealthCheckHttpCode": check.codes(),
    })
}

/// A rule with what it does, in its own way or as its listener.
fn full(l: &Listener, rule: &ForwardingRule) -> Value {
    let own = rule.own.as_ref();
    let mut shown = brief(rule);
    merge(
        &mut shown,
        json!({
            "VServerGroupId": rule.group.to_string(),
            "ListenerSync": word(own.is_none()),
            "Scheduler": own.map_or(l.rules.scheduler, |own| own.scheduler).text(),
        }),
    );
    let sticky = own.map(|own| &own.sticky).or(l.rules.sticky());
    merge(&mut shown, sticky.map_or_else(|| json!({}), sticky_shown));
    merge(&mut shown, health_shown(own.map_or(&l.rules.health_check, |own| &own.health_check)));
    shown
}

pub fn describe_rules(p: &Scope<'_>, _: &Caller) -> Planned {
    let which = which(p)?;
    read(move |w, caller| {
        let l = listener::find(w, caller, which.load_balancer, which.port, which.protocol)?;
        let rules: Vec<Value> = forwarding_rule::of(w, l.id).map(|rule| full(l, rule)).collect();
        Ok(json!({ "Rules": { "Rule": rules } }))
    })
}

pub fn describe_rule_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<ForwardingRuleId>(p, "RuleId")?;
    read(move |w, caller| {
        let rule = w.visible::<ForwardingRule>(caller, id)?;
        let l = w.visible::<Listener>(caller, rule.listener)?;
        let mut shown = full(l, rule);
        shown["LoadBalancerId"] = l.load_balancer.to_string().into();
        shown["ListenerPort"] = l.port.to_string().into();
        Ok(shown)
    })
}
