//! Actions on TLS cipher policies of load balancers.

use super::vpc_parts::TokenPage;
use crate::listing::Rows;
use crate::rpc::params::{ParamError, Scope};
use crate::rpc::plan::{Planned, done, list, required_id, text, write};
use compact_str::CompactString;
use serde_json::{Value, json};
use sim_core::id::TlsPolicyId;
use sim_core::slb::tls_policy::{CIPHERS, CreateTlsPolicy, DeleteTlsPolicy, ModifyTlsPolicy, TlsPolicy};
use sim_core::{Caller, World};

/// The most versions and ciphers of a call: as many as there are, so that each may be wrong in its own way.
const MOST: usize = CIPHERS.len() + 6;

fn texts(p: &Scope<'_>, name: &str) -> Result<Vec<CompactString>, ParamError> {
    Ok(p.strings(name, MOST)?.into_iter().map(Into::into).collect())
}

pub fn create(p: &Scope<'_>, _: &Caller) -> Planned {
    let (versions, ciphers) = (texts(p, "TLSVersions")?, texts(p, "Ciphers")?);
    let command = CreateTlsPolicy { name: p.required("Name")?.into(), versions, ciphers };
    write(command, |_, _, reply| json!({ "TLSCipherPolicyId": reply.id::<TlsPolicyId>().to_string() }))
}

pub fn set(p: &Scope<'_>, _: &Caller) -> Planned {
    let name = Some(p.required("Name")?.into());
    let (versions, ciphers) = (Some(texts(p, "TLSVersions")?), Some(texts(p, "Ciphers")?));
    let policy = required_id(p, "TLSCipherPolicyId")?;
    // What is under way is seen in the state of the policy, and has no number of its own.
    write(ModifyTlsPolicy { policy, name, versions, ciphers }, |_, _, _| json!({ "TaskId": "" }))
}

pub fn delete(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteTlsPolicy { policy: required_id(p, "TLSCipherPolicyId")? })
}

/// The policies that the caller made. The provider's own are named on listeners and are in no list. IsTruncated is true on the
/// last page (provider documentation: ListTLSCipherPolicies).
pub fn describe(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = TokenPage::read(p, "MaxItems", 100, 20)?;
    let with_listeners = p.bool("IncludeListener")?.unwrap_or(false);
    let rows = Rows::<TlsPolicy>::all(|ix| &ix.tls_policies.by_owner)
        .named(p.str("TLSCipherPolicyId").as_slice())
        .keep(text(p, "Name"), |_, policy, name| policy.name == *name);
    let show = move |w: &World, policy: &TlsPolicy| described(w, policy, with_listeners);
    list(rows, page.part::<TlsPolicyId>(), show, |found| {
        json!({
            "TLSCipherPolicies": found.items,
            "TotalCount": found.total,
            "IsTruncated": found.next.is_none(),
            "NextToken": found.next.map(|id| id.to_string()).unwrap_or_default(),
        })
    })
}

fn described(w: &World, policy: &TlsPolicy, with_listeners: bool) -> Value {
    let of = |l: &sim_core::slb::listener::Listener| {
        json!({
            "LoadBalancerId": l.load_balancer.to_string(),
            "Port": l.port,
            "Protocol": l.protocol.text(),
        })
    };
    let listeners: Vec<Value> =
        if with_listeners { policy.listeners(w).map(of).collect() } else { Vec::new() };
    json!({
        "InstanceId": policy.id.to_string(),
        "Name": policy.name,
        "Status": policy.status(),
        "CreateTime": policy.created.0,
        "TLSVersions": policy.version_names(),
        "Ciphers": policy.cipher_names(),
        "RelateListeners": listeners,
    })
}
