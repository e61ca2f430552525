//! A forwarding rule: requests to an HTTP or HTTPS listener for a domain, or whose path begins with a URL, go to a vServer
//! group of their own.
//!
//! Names are unique in a listener, and so are domain and URL together. A rule schedules, keeps clients and checks members as
//! its listener does, or in its own way (provider documentation: CreateRules, SetRule). [`super::rule_matching`] says which
//! rule takes a request.

use crate::access::{Caller, Owner};
use crate::balancing::scheduler::Scheduler;
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, ForwardingRuleId, ListenerId, VServerGroupId};
use crate::quota::Quota;
use crate::resource::Resource;
use crate::slb::health_check::{HealthCheck, HealthCheckSettings, unfit};
use crate::slb::listener::{self, Listener, Protocol, WhichListener};
use crate::slb::listener_group;
use crate::slb::listener_rules::{Layer, Rules, Settings, Sticky, needed};
use crate::slb::load_balancer::LoadBalancer;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// A forwarding rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardingRule {
    /// Its id.
    pub id: ForwardingRuleId,
    /// Whose it is.
    pub owner: Owner,
    /// Its listener, with which it goes.
    pub listener: ListenerId,
    /// Its name: 1 to 40 characters.
    pub name: CompactString,
    /// The domain that it is for: a name, or `*.` and one; empty for any.
    pub domain: CompactString,
    /// With what a path begins; empty for any.
    pub url: CompactString,
    /// The group to which requests go.
    pub group: VServerGroupId,
    /// What it does in its own way; absent if it does all as its listener.
    pub own: Option<OwnWay>,
    /// When it was made.
    pub created: SimTime,
}

/// What a rule does in its own way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnWay {
    /// How a member is chosen.
    pub scheduler: Scheduler,
    /// How requests of one client stay with one member.
    pub sticky: Sticky,
    /// How members are checked.
    pub health_check: HealthCheck,
}

/// What is derived from forwarding rules.
#[derive(Clone, Debug, Default)]
pub struct ForwardingRuleIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, ForwardingRuleId>,
    /// By listener.
    pub by_listener: Groups<ListenerId, ForwardingRuleId>,
    /// By group to which requests go.
    pub by_group: Groups<VServerGroupId, ForwardingRuleId>,
}

impl Row for ForwardingRule {
    type Key = ForwardingRuleId;
    type Index = ForwardingRuleIndex;

    fn key(&self) -> ForwardingRuleId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|r| r.id) else { return };
        let ix = &mut indexes.forwarding_rules;
        ix.by_owner.shift(&id, old.map(|r| r.owner.clone()), new.map(|r| r.owner.clone()));
        ix.by_listener.shift(&id, old.map(|r| r.listener), new.map(|r| r.listener));
        ix.by_group.shift(&id, old.map(|r| r.group), new.map(|r| r.group));
    }
}

impl ForwardingRule {
    /// How its members are checked: in its own way, or as those of its listener.
    pub fn check<'a>(&'a self, listener: &'a Listener) -> &'a HealthCheck {
        self.own.as_ref().map_or(&listener.rules.health_check, |own| &own.health_check)
    }
}

impl Resource for ForwardingRule {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The rules of a listener, oldest first.
pub fn of(w: &World, listener: ListenerId) -> impl Iterator<Item = &ForwardingRule> {
    w.indexes().forwarding_rules.by_listener.of(&listener).filter_map(|id| w.get::<ForwardingRule>(id))
}

/// What is asked of a rule's own way; absent fields stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnSettings {
    /// Whether it does all as its listener. Nothing else may be asked then.
    pub as_listener: Option<bool>,
    /// How a member is chosen.
    pub scheduler: Option<Scheduler>,
    /// Whether requests of one client stay with one member.
    pub sticky: Option<bool>,
    /// By whose cookie: true for the load balancer's, false for the backend's.
    pub sticky_insert: Option<bool>,
    /// Seconds for which the load balancer's cookie holds.
    pub cookie_timeout: Option<i32>,
    /// The name of the backend's cookie.
    pub cookie: Option<CompactString>,
    /// How members are checked.
    pub health_check: HealthCheckSettings,
}

impl OwnSettings {
    /// The first thing that is asked of a way of its own.
    fn first(&self) -> Option<&'static str> {
        let all = [
            ("scheduler", self.scheduler.is_some()),
            ("sticky_session", self.sticky.is_some()),
            ("sticky_session_type", self.sticky_insert.is_some()),
            ("cookie_timeout", self.cookie_timeout.is_some()),
            ("cookie", self.cookie.is_some()),
            ("health_check", self.health_check != HealthCheckSettings::default()),
        ];
        all.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }

    /// The own way as it will be. One that is new must say how it schedules, keeps clients and checks members; one that does
    /// all as its listener says nothing of that: to take it and do otherwise would mislead (provider documentation: SetRule,
    /// ListenerSync).
    fn take(&self, old: Option<&OwnWay>) -> Outcome<Option<OwnWay>> {
        if self.as_listener.unwrap_or(old.is_none()) {
            return match self.first() {
                None => Ok(None),
                Some(field) => {
                    Err(unfit(field, "The rule does all as its listener.", "none, or a rule that does not"))
                }
            };
        }
        let missing = [
            ("scheduler", self.scheduler.is_none()),
            ("sticky_session", self.sticky.is_none()),
            ("health_check/enabled", self.health_check.on.is_none()),
        ];
        if let Some((field, _)) = missing.iter().find(|(_, absent)| *absent && old.is_none()) {
            return Err(needed(field, "A rule that does not do as its listener says how it does."));
        }
        let mut rules = Rules::of(Protocol::Http);
        if let (Some(old), Layer::Seven(layer)) = (old, &mut rules.layer) {
            layer.sticky = old.sticky.clone();
            rules.scheduler = old.scheduler;
            rules.health_check = old.health_check.clone();
        }
        let asked = Settings {
            scheduler: self.scheduler,
            sticky: self.sticky,
            sticky_insert: self.sticky_insert,
            cookie_timeout: self.cookie_timeout,
            cookie: self.cookie.clone(),
            health_check: self.health_check.clone(),
            ..Settings::default()
        };
        rules.take(&asked, Protocol::Http)?;
        let sticky = rules.sticky().cloned().unwrap_or_default();
        Ok(Some(OwnWay { scheduler: rules.scheduler, sticky, health_check: rules.health_check }))
    }
}

fn check_name(name: &str, field: &str) -> Outcome<()> {
    if name.is_empty() {
        return Err(Refusal::new(ErrorCode::ForwardingRuleNameMissing).field(field));
    }
    let plain = |c: char| c.is_alphanumeric() || "-/._".contains(c);
    if name.chars().count() <= 40 && name.chars().all(plain) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::ForwardingRuleNameMalformed)
        .field(field)
        .given(name)
        .accepted("1 to 40 letters, digits and - / . _"))
}

/// Whether a text is a domain name of labels with dots between them, at most 80 characters long; `*` may stand for its
/// first labels.
pub(crate) fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        let plain = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (1..=63).contains(&label.len()) && plain && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 80 && text.strip_prefix("*.").unwrap_or(text).split('.').all(label)
}

fn check_domain(domain: &str, field: &str) -> Outcome<()> {
    if is_domain(domain) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::ForwardingRuleDomainMalformed)
        .field(field)
        .given(domain)
        .accepted("a domain such as www.example.com or *.example.com, of at most 80 characters"))
}

fn check_url(url: &str, field: &str) -> Outcome<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-/.%?#&".contains(c);
    if (2..=80).contains(&url.len()) && url.starts_with('/') && url.chars().all(plain) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::ForwardingRuleUrlMalformed)
        .field(field)
        .given(url)
        .accepted("2 to 80 letters, digits and - / . % ? # &, a slash first"))
}

/// A rule that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRule {
    /// Its name: 1 to 40 letters, digits and - / . _
    pub name: CompactString,
    /// The domain that it is for; empty for any. It or the URL is given.
    pub domain: CompactString,
    /// With what a path begins: 2 to 80 characters; empty for any.
    pub url: CompactString,
    /// The group to which requests go.
    pub group: VServerGroupId,
    /// What it does in its own way.
    pub own: OwnSettings,
}

impl NewRule {
    /// The form of it; `at` is its place among those that are given.
    fn check(&self, at: usize) -> Outcome<Option<OwnWay>> {
        let field = |name: &str| format!("rules/{at}/{name}");
        check_name(&self.name, &field("name"))?;
        if self.domain.is_empty() && self.url.is_empty() {
            return Err(Refusal::new(ErrorCode::ForwardingRuleEmpty)
                .field(field("domain"))
                .accepted("a domain, a URL, or both"));
        }
        if !self.domain.is_empty() {
            check_domain(&self.domain, &field("domain"))?;
        }
        if !self.url.is_empty() {
            check_url(&self.url, &field("url"))?;
        }
        self.own.take(None)
    }
}

/// Makes forwarding rules of one listener. All or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateForwardingRules {
    /// The listener.
    pub listener: WhichListener,
    /// The rules: 1 to 10.
    pub rules: Vec<NewRule>,
}

/// Handles [`CreateForwardingRules`].
///
/// # Errors
/// The form of the rules; an unknown load balancer or listener, or one that has no rules; an unknown group, or one of
/// another load balancer; a locked load balancer; a listener that is being changed; a name, or a domain and URL, that is
/// there or given twice; the quotas.
pub fn create(w: &mut World, caller: &Caller, c: &CreateForwardingRules) -> Outcome<Reply> {
    let own = c.rules.iter().enumerate().map(|(at, rule)| rule.check(at)).collect::<Outcome<Vec<_>>>()?;
    check_count(w, caller, c.rules.len(), ErrorCode::ForwardingRulesMissing)?;
    let listener = listener::find(w, caller, c.listener.load_balancer, c.listener.port, c.listener.protocol)?;
    if !listener.protocol.is_http() {
        return Err(Refusal::new(ErrorCode::ForwardingRuleLayer)
            .field("listener_port")
            .detail(format!("The listener speaks {}.", listener.protocol.text())));
    }
    for rule in &c.rules {
        listener_group::check(w, caller, listener.load_balancer, Some(rule.group))?;
    }
    w.visible::<LoadBalancer>(caller, listener.load_balancer)?.check_unlocked()?;
    if listener.redirect.is_some() {
        return Err(Refusal::new(ErrorCode::ListenerRedirects)
            .field("listener_port")
            .blockers([listener.id]));
    }
    listener.check_changeable()?;
    let mut known: Vec<Known<'_>> = of(w, listener.id).map(Known::of).collect();
    for (at, rule) in c.rules.iter().enumerate() {
        let new = Known { id: None, name: &rule.name, domain: &rule.domain, url: &rule.url };
        new.check_apart(&known, &format!("rules/{at}/"))?;
        known.push(new);
    }
    let used = w.indexes().forwarding_rules.by_listener.count(&listener.id);
    let (quota, code) = (Quota::ForwardingRulesPerListener, ErrorCode::ForwardingRuleQuotaExceeded);
    quota.check(w, caller.account, used, c.rules.len() as u64, code)?;
    let (listener, created) = (listener.id, w.now());
    let mut made = Vec::with_capacity(c.rules.len());
    let ids = (0..c.rules.len()).map(|_| w.new_id::<ForwardingRuleId>(&caller.region));
    let ids = ids.collect::<Outcome<Vec<_>>>()?;
    for ((rule, own), id) in c.rules.iter().zip(own).zip(ids) {
        let (owner, name, domain) = (caller.into(), rule.name.clone(), rule.domain.clone());
        let (url, group) = (rule.url.clone(), rule.group);
        w.put(ForwardingRule { id, owner, listener, name, domain, url, group, own, created });
        made.push(AnyId::from(id));
    }
    listener::configure(w, listener);
    Ok(Reply::CreatedMany(made))
}

fn check_count(w: &World, caller: &Caller, count: usize, none: ErrorCode) -> Outcome<()> {
    if count == 0 {
        return Err(Refusal::new(none).field("rules").accepted("1 to 10 rules"));
    }
    let (quota, code) = (Quota::ForwardingRulesPerCall, ErrorCode::ForwardingRuleListSize);
    quota.check(w, caller.account, 0, count as u64, code).map_err(|refusal| refusal.field("rules"))
}

/// What tells rules of one listener apart.
struct Known<'a> {
    id: Option<ForwardingRuleId>,
    name: &'a str,
    domain: &'a str,
    url: &'a str,
}

impl<'a> Known<'a> {
    fn of(rule: &'a ForwardingRule) -> Known<'a> {
        Known { id: Some(rule.id), name: &rule.name, domain: &rule.domain, url: &rule.url }
    }

    fn check_apart(&self, others: &[Known<'_>], path: &str) -> Outcome<()> {
        let named = others.iter().find(|other| other.name == self.name);
        if let Some(other) = named {
            return Err(Refusal::new(ErrorCode::ForwardingRuleNameTaken)
                .field(format!("{path}name"))
                .detail(format!("The listener has a rule {:?}.", self.name))
                .blockers(other.id));
        }
        let same =
            |other: &&Known<'_>| other.domain.eq_ignore_ascii_case(self.domain) && other.url == self.url;
        let Some(other) = others.iter().find(same) else { return Ok(()) };
        Err(Refusal::new(ErrorCode::ForwardingRuleExists)
            .field(format!("{path}domain"))
            .detail(format!("The listener has a rule for {}{}.", self.domain, self.url))
            .blockers(other.id))
    }
}

/// Changes a forwarding rule; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyForwardingRule {
    /// The rule.
    pub rule: ForwardingRuleId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// The group to which requests go from now on.
    pub group: Option<VServerGroupId>,
    /// What it does in its own way.
    pub own: OwnSettings,
}

/// Handles [`ModifyForwardingRule`].
///
/// # Errors
/// The form of its parameters; an unknown rule or group, or a group of another load balancer; a locked load balancer; a
/// listener that is being changed; a name that another rule of the listener has.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyForwardingRule) -> Outcome<Reply> {
    if let Some(name) = &c.name {
        check_name(name, "name")?;
    }
    let rule = w.visible::<ForwardingRule>(caller, c.rule)?;
    let own = c.own.take(rule.own.as_ref())?;
    let listener = w.visible::<Listener>(caller, rule.listener)?;
    listener_group::check(w, caller, listener.load_balancer, c.group)?;
    w.visible::<LoadBalancer>(caller, listener.load_balancer)?.check_unlocked()?;
    listener.check_changeable()?;
    let other = of(w, listener.id).find(|other| other.id != c.rule && Some(&other.name) == c.name.as_ref());
    if let Some(other) = other {
        return Err(Refusal::new(ErrorCode::ForwardingRuleNameTaken).field("name").blockers([other.id]));
    }
    let listener = listener.id;
    w.update::<ForwardingRule>(&c.rule, |rule| {
        rule.name = c.name.clone().unwrap_or_else(|| rule.name.clone());
        rule.group = c.group.unwrap_or(rule.group);
        rule.own = own;
    });
    listener::configure(w, listener);
    Ok(Reply::Done)
}

/// Deletes forwarding rules. All or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteForwardingRules {
    /// The rules: 1 to 10.
    pub rules: Vec<ForwardingRuleId>,
}

/// Handles [`DeleteForwardingRules`].
///
/// # Errors
/// None or too many in a call; an unknown rule; a locked load balancer; a listener that is being changed; rules of several
/// listeners.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteForwardingRules) -> Outcome<Reply> {
    check_count(w, caller, c.rules.len(), ErrorCode::MissingParameter)?;
    let rules = c.rules.iter().map(|&id| w.visible::<ForwardingRule>(caller, id));
    let rules = rules.collect::<Outcome<Vec<_>>>()?;
    let first = rules[0].listener;
    if let Some(other) = rules.iter().find(|rule| rule.listener != first) {
        return Err(Refusal::new(ErrorCode::ForwardingRulesOfSeveral)
            .field("rules")
            .detail(format!("{} and {} belong to two listeners.", rules[0].id, other.id)));
    }
    let listener = w.visible::<Listener>(caller, first)?;
    w.visible::<LoadBalancer>(caller, listener.load_balancer)?.check_unlocked()?;
    listener.check_changeable()?;
    c.rules.iter().for_each(|rule| w.remove::<ForwardingRule>(rule));
    listener::configure(w, first);
    Ok(Reply::Done)
}

/// Takes the rules of a listener out of the world.
pub(crate) fn erase_all(w: &mut World, listener: ListenerId) {
    let rules: Vec<_> = w.indexes().forwarding_rules.by_listener.of(&listener).copied().collect();
    rules.iter().for_each(|rule| w.remove::<ForwardingRule>(rule));
}
