//! The words of stories about load balancers and the health of what stands behind them.
//!
//! | words | what they do |
//! |---|---|
//! | `balancer NAME VSWITCH ADDRESS`, `balancer NAME internet` | a load balancer of a VPC, or of the internet |
//! | `pool NAME BALANCER` | a vServer group |
//! | `serve POOL HOST PORT [WEIGHT]` | a host or an interface joins it; the port of a default pool is `-` |
//! | `retire POOL HOST PORT` | it leaves |
//! | `weigh POOL HOST PORT WEIGHT` | its weight |
//! | `listen NAME BALANCER PORT/PROTOCOL POOL [SETTING VALUE]...` | a listener; a number as the pool is the default pool's port |
//! | `tune LISTENER SETTING VALUE...` | what is not named stays |
//! | `rule NAME LISTENER DOMAIN/URL POOL` | a forwarding rule; a domain without URL ends in no slash |
//! | `send NAME BALANCER PORT PORT` | an HTTP listener that sends clients to the HTTPS listener on another port |
//! | `idle BALANCER`, `wake BALANCER`, `lock BALANCER`, `unlock BALANCER` | whether it forwards, and may be changed |
//! | `list NAME BLOCK...` | an access control list; `- ` for an empty one |
//! | `judge LISTENER white LIST...`, `... black LIST...`, `judge LISTENER off` | whom it lets in |
//! | `certificate NAME` | a server certificate |
//! | `open LISTENER`, `close LISTENER` | start it, stop it |
//! | `port HOST PORT/PROTOCOL answers MS STATUS`, `... refuses`, `... silent` | how a port of a host answers |
//! | `port HOST PORT/PROTOCOL forgotten` | as if nobody had told it anything |
//! | `cut NAME [until MS]`, `cut zone ZONE [until MS]` | an outage of a host, an interface or a zone, for so long from now on |
//! | `health BALANCER` | what is known of its backends |
//! | `watch BALANCER MS` | let time pass, and tell each verdict with its instant |
//!
//! Settings: `check` (tcp, http, udp, off), `interval`, `timeout`, `healthy`, `unhealthy`, `codes`, `asks` (the port that is
//! checked), `scheduler`, `certificate`.

use super::words::Story;
use sim_core::balancing::probe_series::Health;
use sim_core::balancing::scheduler::Scheduler;
use sim_core::ecs::outage::{BeginOutage, OutageTarget};
use sim_core::ecs::prefix_list::AddressFamily;
use sim_core::ecs::service_port::{Behaviour, ClearServicePort, PortProtocol, SetServicePort};
use sim_core::id::{IdKind, InstanceId, ListenerId, LoadBalancerId, MasterSlaveGroupId, VServerGroupId};
use sim_core::secret::Fingerprint;
use sim_core::slb::acl::{AclEntry, AclKind, CreateAccessControlList};
use sim_core::slb::backend::{AddBackends, Member, NewBackend, Pool, RemoveBackends, Server, SetBackends};
use sim_core::slb::certificate::{CertificateFacts, UploadServerCertificate};
use sim_core::slb::forwarding_rule::{self, CreateForwardingRules, NewRule, OwnSettings};
use sim_core::slb::health::{self, MemberHealth};
use sim_core::slb::health_check::CheckKind;
use sim_core::slb::listener::{
    self, CreateListener, Listener, ModifyListener, Protocol, StartListener, StopListener, WhichListener,
};
use sim_core::slb::listener_access::AccessSettings;
use sim_core::slb::listener_rules::Settings;
use sim_core::slb::load_balancer::{CreateLoadBalancer, Place};
use sim_core::slb::load_balancer_change::{LockLoadBalancer, ModifyLoadBalancer};
use sim_core::slb::master_slave_group::{CreateMasterSlaveGroup, NewRoleMember, Role};
use sim_core::slb::server_group::CreateVServerGroup;
use sim_core::slb::{serving, spec};
use sim_core::{Command, SimTime, Span};

type Told<'a> = (Option<&'a str>, Command);

impl Story {
    /// The name of what a command makes, if it makes something, and the command; none if the words are others.
    pub fn balancer_command<'a>(&self, words: &[&'a str]) -> Option<Told<'a>> {
        Some(match *words {
            ["balancer", called, "internet"] => (Some(called), balancer(Place::Internet)),
            ["balancer", called, vswitch, address] => {
                let (vswitch, address) = (self.id(vswitch), Some(address.parse().unwrap()));
                (Some(called), balancer(Place::Intranet { vswitch, vpc: None, address }))
            }
            ["pool", called, balancer] => {
                let (load_balancer, name, backends) = (self.id(balancer), None, Vec::new());
                let tags = Vec::new();
                (Some(called), CreateVServerGroup { load_balancer, name, backends, tags }.into())
            }
            ["pair", called, balancer, primary, port, secondary, other] => {
                let member = |role, host, port| {
                    let backend =
                        NewBackend { member: self.member(host, port), weight: None, description: None };
                    NewRoleMember { role, backend }
                };
                let members =
                    vec![member(Role::Primary, primary, port), member(Role::Secondary, secondary, other)];
                let (load_balancer, name, tags) = (self.id(balancer), None, Vec::new());
                (Some(called), CreateMasterSlaveGroup { load_balancer, name, members, tags }.into())
            }
            ["serve", pool, host, port, ref weight @ ..] => {
                let weight = weight.first().map(|weight| weight.parse().unwrap());
                let backends =
                    vec![NewBackend { member: self.member(host, port), weight, description: None }];
                (None, AddBackends { pool: self.pool(pool), backends }.into())
            }
            ["retire", pool, host, port] => {
                let members = vec![self.member(host, port).into()];
                (None, RemoveBackends { pool: self.pool(pool), members }.into())
            }
            ["weigh", pool, host, port, weight] => {
                let (member, weight) = (self.member(host, port), Some(weight.parse().unwrap()));
                let backends = vec![NewBackend { member, weight, description: None }];
                (None, SetBackends { pool: self.pool(pool), name: None, backends }.into())
            }
            ["listen", called, balancer, place, pool, ref set @ ..] => {
                (Some(called), self.listen(balancer, place, pool, set, None))
            }
            ["tune", called, ref set @ ..] => {
                (None, self.change(called, AccessSettings::default(), self.settings(set)))
            }
            ["judge", called, kind, ref lists @ ..] => {
                let acls = (!lists.is_empty()).then(|| lists.iter().map(|list| self.id(list)).collect());
                let access = AccessSettings { on: Some(kind != "off"), acls, kind: AclKind::parse(kind) };
                (None, self.change(called, access, Settings::default()))
            }
            ["send", called, balancer, port, to] => {
                let place = format!("{port}/http");
                (Some(called), self.listen(balancer, &place, "80", &[], Some(to.parse().unwrap())))
            }
            ["list", called, ref blocks @ ..] => {
                let blocks = blocks.iter().filter(|block| **block != "-");
                let entry =
                    |block: &&str| AclEntry { block: block.parse().unwrap(), comment: Default::default() };
                let entries = blocks.map(entry).collect();
                let (name, family) = ((*called).into(), AddressFamily::Ipv4);
                let (resource_group, tags) = (None, Vec::new());
                (Some(called), CreateAccessControlList { name, family, entries, resource_group, tags }.into())
            }
            ["idle" | "wake", balancer] => {
                let (load_balancer, active) = (self.id(balancer), Some(words[0] == "wake"));
                let (name, delete_protection, modification_protection) = (None, None, None);
                let change = ModifyLoadBalancer {
                    load_balancer,
                    name,
                    active,
                    delete_protection,
                    modification_protection,
                };
                (None, change.into())
            }
            ["lock" | "unlock", balancer] => {
                let (load_balancer, locked) = (self.id(balancer), words[0] == "lock");
                (None, LockLoadBalancer { load_balancer, locked }.into())
            }
            ["certificate", called] => (Some(called), certificate(called)),
            ["open", called] => (None, StartListener { listener: self.which(called) }.into()),
            ["close", called] => (None, StopListener { listener: self.which(called) }.into()),
            ["port", host, place, ref rest @ ..] => (None, self.behave(host, place, rest)),
            ["cut", ref named @ ..] => {
                let (target, rest) = match *named {
                    ["zone", zone, ref rest @ ..] => (OutageTarget::Zone(zone.into()), rest),
                    [called, ref rest @ ..] if self.any(called).kind() == IdKind::Instance => {
                        (OutageTarget::Instance(self.id(called)), rest)
                    }
                    [called, ref rest @ ..] => (OutageTarget::Eni(self.id(called)), rest),
                    [] => return None,
                };
                let until = match rest {
                    ["until", ms] => Some(self.world.now() + Span(ms.parse().unwrap())),
                    _ => None,
                };
                (None, BeginOutage { target, from: None, until }.into())
            }
            _ => return None,
        })
    }

    /// Makes a forwarding rule that does all as its listener, and says what came of it.
    pub fn forwarding_rule(&mut self, called: &str, listener: &str, condition: &str, pool: &str) -> String {
        let (domain, url) = condition.split_at(condition.find('/').unwrap_or(condition.len()));
        let (name, domain, url, group) = (called.into(), domain.into(), url.into(), self.id(pool));
        let rules = vec![NewRule { name, domain, url, group, own: OwnSettings::default() }];
        let of: ListenerId = self.id(listener);
        let told = self.give(None, CreateForwardingRules { listener: self.which(listener), rules }.into());
        let made = forwarding_rule::of(&self.world, of).find(|rule| rule.name == called);
        let id = made.map(|rule| rule.id);
        if let Some(id) = id {
            self.names.insert(called.to_owned(), id.into());
        }
        told
    }

    fn pool(&self, called: &str) -> Pool {
        match self.any(called).kind() {
            IdKind::LoadBalancer => Pool::Default(self.id(called)),
            _ => Pool::Group(self.id(called)),
        }
    }

    fn member(&self, host: &str, port: &str) -> Member {
        let server = match self.any(host).kind() {
            IdKind::Instance => Server::Instance(self.id(host)),
            _ => Server::Eni(self.id(host)),
        };
        Member { server, address: None, port: (port != "-").then(|| port.parse().unwrap()) }
    }

    fn which(&self, called: &str) -> WhichListener {
        let l = self.world.get::<Listener>(&self.id::<ListenerId>(called)).expect("the listener is there");
        WhichListener { load_balancer: l.load_balancer, port: l.port, protocol: Some(l.protocol) }
    }

    fn change(&self, called: &str, access: AccessSettings, settings: Settings) -> Command {
        let which = self.which(called);
        ModifyListener {
            load_balancer: which.load_balancer,
            port: which.port,
            protocol: which.protocol.expect("it is named"),
            description: None,
            group: None,
            pair: None,
            same_kind: false,
            access,
            settings: Box::new(settings),
        }
        .into()
    }

    fn listen(
        &self,
        balancer: &str,
        place: &str,
        pool: &str,
        set: &[&str],
        redirect: Option<u16>,
    ) -> Command {
        let (port, protocol) = place.split_once('/').expect("PORT/PROTOCOL");
        let known = Protocol::WORDS.iter().find(|(word, _)| *word == protocol);
        let backend_port = pool.parse().ok();
        let named = if backend_port.is_none() { Some(self.any(pool)) } else { None };
        let group = named.and_then(|id| VServerGroupId::try_from(id).ok());
        let pair = named.and_then(|id| MasterSlaveGroupId::try_from(id).ok());
        CreateListener {
            load_balancer: self.id(balancer),
            port: port.parse().unwrap(),
            protocol: known.unwrap_or_else(|| panic!("nobody listens for {protocol}")).1,
            description: None,
            backend_port,
            group,
            pair,
            redirect,
            access: AccessSettings::default(),
            settings: Box::new(self.settings(set)),
            tags: Vec::new(),
        }
        .into()
    }

    fn behave(&self, host: &str, place: &str, behaviour: &[&str]) -> Command {
        let (port, protocol) = place.split_once('/').expect("PORT/PROTOCOL");
        let (instance, port) = (self.id::<InstanceId>(host), port.parse().unwrap());
        let protocol = PortProtocol::parse(protocol).unwrap();
        let behaviour = match *behaviour {
            ["forgotten"] => return ClearServicePort { instance, protocol, port }.into(),
            ["answers", ms, status] => {
                Behaviour::Answers { after: Span(ms.parse().unwrap()), status: status.parse().unwrap() }
            }
            ["refuses"] => Behaviour::Refuses,
            ["silent"] => Behaviour::Silent,
            ref other => panic!("no port does {other:?}"),
        };
        SetServicePort { instance, protocol, port, behaviour: Some(behaviour), planned: Vec::new() }.into()
    }

    /// What is known of each backend: what it is called here, and its health.
    fn backends(&self, balancer: &str) -> Vec<(String, MemberHealth)> {
        let balancer: LoadBalancerId = self.id(balancer);
        let mut out = Vec::new();
        for l in listener::of(&self.world, balancer) {
            let all = serving::all(&self.world, l);
            for (serving, served) in
                all.iter().flat_map(|serving| serving.members().map(move |m| (serving, m)))
            {
                let server = self.called(served.backend.server.id());
                let name = format!("{}/{} {server}:{}", l.port, l.protocol.text(), served.port);
                out.push((name, health::of_member(&self.world, l, serving, served)));
            }
        }
        out
    }

    /// The health of each backend, a line for each.
    pub fn health(&self, balancer: &str) -> String {
        let line = |(name, health): &(String, MemberHealth)| {
            let since = health.since.map(|since| format!(" since {since}")).unwrap_or_default();
            let takes = if health.takes_traffic { "" } else { ", gets nothing" };
            format!("{name} {}{since}{takes}\n", health.health.text())
        };
        self.backends(balancer).iter().map(line).collect()
    }

    /// Lets time pass and tells what becomes of backends, and when.
    pub fn watch(&mut self, balancer: &str, ms: i64) -> String {
        let end = self.world.now() + Span(ms);
        let mut told = String::new();
        let mut known = self.backends(balancer);
        loop {
            let verdict = known.iter().filter_map(|(_, health)| health.next_change).min();
            let next = verdict.into_iter().chain(self.world.next_due()).min();
            let to: SimTime = next.filter(|next| *next <= end).unwrap_or(end);
            self.journal.extend(self.world.advance(to));
            let now = self.backends(balancer);
            let before = |name: &str| known.iter().find(|(other, _)| other == name).map(|(_, h)| h.health);
            for (name, health) in &now {
                if before(name) != Some(health.health) {
                    told.push_str(&format!("{to} {name} {}\n", word(health.health)));
                }
            }
            known = now;
            if to == end {
                told.push_str(&format!("{end}\n"));
                return told;
            }
        }
    }
}

fn word(health: Health) -> &'static str {
    match health {
        Health::Unavailable => "is unavailable",
        Health::Normal => "is normal",
        Health::Abnormal => "is abnormal",
    }
}

impl Story {
    fn settings(&self, words: &[&str]) -> Settings {
        let mut settings = Settings::default();
        let check = &mut settings.health_check;
        for pair in words.chunks(2) {
            let [name, value] = *pair else { panic!("{words:?} lacks a value") };
            let number = || Some(value.parse().unwrap());
            match name {
                "check" if value == "off" => check.on = Some(false),
                "check" => {
                    check.on = Some(true);
                    check.kind =
                        CheckKind::WORDS.iter().find(|(word, _)| *word == value).map(|(_, kind)| *kind);
                }
                "interval" => check.interval = number(),
                "timeout" => check.timeout = number(),
                "healthy" => check.healthy = number(),
                "unhealthy" => check.unhealthy = number(),
                "asks" => check.port = number(),
                "codes" => check.codes = Some(value.into()),
                "scheduler" => {
                    let known = Scheduler::WORDS.iter().find(|(word, _)| *word == value);
                    settings.scheduler = Some(known.unwrap_or_else(|| panic!("no scheduler {value}")).1);
                }
                "certificate" => settings.certificate = Some(self.id(value)),
                other => panic!("no setting {other}"),
            }
        }
        settings
    }
}

fn certificate(name: &str) -> Command {
    let facts = CertificateFacts {
        common_name: name.into(),
        alternative_names: Vec::new(),
        fingerprint: "00".into(),
        not_before: SimTime(0),
        not_after: SimTime::MAX,
    };
    let (private_key, resource_group, tags) = (Fingerprint(1), None, Vec::new());
    UploadServerCertificate { name: None, facts, private_key, resource_group, tags }.into()
}

fn balancer(place: Place) -> Command {
    CreateLoadBalancer {
        place,
        name: None,
        master_zone: None,
        slave_zone: None,
        instance_charge: None,
        spec: Some("slb.s1.small".into()),
        internet_charge: spec::InternetCharge::ByTraffic,
        bandwidth: -1,
        pay_type: spec::PayType::OnDemand,
        months: None,
        delete_protection: false,
        modification_protection: None,
        resource_group: None,
        tags: Vec::new(),
    }
    .into()
}
