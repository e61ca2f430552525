//! Quotas of what hangs on a listener or a group: forwarding rules, domain extensions.

use super::{Lab, balancer};
use compact_str::CompactString;
use sim_core::id::{LoadBalancerId, ServerCertificateId, VServerGroupId};
use sim_core::quota::Quota;
use sim_core::slb::domain_extension::CreateDomainExtension;
use sim_core::slb::forwarding_rule::{CreateForwardingRules, NewRule, OwnSettings};
use sim_core::slb::listener::{CreateListener, Protocol, WhichListener};
use sim_core::slb::listener_access::AccessSettings;
use sim_core::slb::listener_rules::Settings;
use sim_core::slb::server_group::CreateVServerGroup;
use sim_core::{Command, ErrorCode as E};

/// What makes rules with these numbers in a new listener of HTTP.
fn rules(lab: &mut Lab) -> impl Fn(std::ops::Range<u32>) -> CreateForwardingRules + use<> {
    let load_balancer = lab.id::<LoadBalancerId>(balancer());
    lab.make(CreateListener { protocol: Protocol::Http, ..listener(load_balancer, 80) });
    let group = CreateVServerGroup { load_balancer, name: None, backends: Vec::new(), tags: Vec::new() };
    let group = lab.id::<VServerGroupId>(group);
    move |numbers| {
        let rule = |n| NewRule {
            name: format!("r{n}").into(),
            domain: format!("{n}.test").into(),
            url: CompactString::default(),
            group,
            own: OwnSettings::default(),
        };
        let listener = WhichListener { load_balancer, port: 80, protocol: None };
        CreateForwardingRules { listener, rules: numbers.map(rule).collect() }
    }
}

/// What makes a domain extension with this number in a new listener of HTTPS.
fn extensions(lab: &mut Lab) -> impl Fn(u32) -> CreateDomainExtension + use<> {
    let load_balancer = lab.id::<LoadBalancerId>(balancer());
    let certificate = Some(lab.id::<ServerCertificateId>(super::regional::upload_server()));
    let settings = Box::new(Settings { certificate, ..Settings::default() });
    lab.make(CreateListener { protocol: Protocol::Https, settings, ..listener(load_balancer, 443) });
    move |n| {
        let listener = WhichListener { load_balancer, port: 443, protocol: None };
        CreateDomainExtension { listener, domain: format!("{n}.test").into(), certificate }
    }
}

/// Fills a quota; gives the command for one more and the error that it must get.
pub fn fill(lab: &mut Lab, quota: Quota) -> (Command, E) {
    let limit = quota.row().default;
    match quota {
        Quota::ForwardingRulesPerListener => {
            let rules = rules(lab);
            (0..limit / 10).for_each(|n| {
                lab.make(rules(10 * n..10 * (n + 1)));
            });
            (rules(limit..limit + 1).into(), E::ForwardingRuleQuotaExceeded)
        }
        Quota::ForwardingRulesPerCall => {
            let rules = rules(lab);
            lab.make(rules(0..limit));
            (rules(100..limit + 101).into(), E::ForwardingRuleListSize)
        }
        Quota::DomainExtensionsPerListener => {
            let extension = extensions(lab);
            (0..limit).for_each(|n| {
                lab.make(extension(n));
            });
            (extension(limit).into(), E::DomainExtensionQuotaExceeded)
        }
        other => unreachable!("{} is filled elsewhere", other.row().name),
    }
}

/// A listener of TCP.
pub fn listener(load_balancer: LoadBalancerId, port: u16) -> CreateListener {
    CreateListener {
        load_balancer,
        port,
        protocol: Protocol::Tcp,
        description: None,
        backend_port: Some(80),
        group: None,
        pair: None,
        redirect: None,
        access: AccessSettings::default(),
        settings: Box::default(),
        tags: Vec::new(),
    }
}
