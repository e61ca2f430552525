//! Actions on domain extensions of HTTPS listeners.

use super::listener::which;
use crate::rpc::params::Scope;
use crate::rpc::plan::{Planned, done, optional_id, read, required_id, sought, write};
use serde_json::{Value, json};
use sim_core::id::DomainExtensionId;
use sim_core::slb::domain_extension::{
    self, CreateDomainExtension, DeleteDomainExtension, DomainExtension, ModifyDomainExtension,
};
use sim_core::slb::listener::{self, Listener, Protocol};
use sim_core::{Caller, World};

fn show(extension: &DomainExtension) -> Value {
    json!({
        "DomainExtensionId": extension.id.to_string(),
        "Domain": extension.domain,
        "ServerCertificateId": extension.certificate.to_string(),
    })
}

/// The domain extensions of a listener, as its own description shows them.
pub fn of_listener(w: &World, l: &Listener) -> Vec<Value> {
    domain_extension::of(w, l.id).map(show).collect()
}

pub fn create(p: &Scope<'_>, _: &Caller) -> Planned {
    let listener = which(p)?;
    let command = CreateDomainExtension {
        listener,
        domain: p.required("Domain")?.into(),
        certificate: optional_id(p, "ServerCertificateId")?,
    };
    write(command, move |_, _, reply| {
        let id = reply.id::<DomainExtensionId>();
        json!({ "DomainExtensionId": id.to_string(), "ListenerPort": listener.port })
    })
}

pub fn describe_all(p: &Scope<'_>, _: &Caller) -> Planned {
    let (which, wanted) = (which(p)?, sought::<DomainExtensionId>(p, "DomainExtensionId"));
    read(move |w, caller| {
        let l = listener::find(w, caller, which.load_balancer, which.port, Some(Protocol::Https))?;
        let fits = |e: &&DomainExtension| wanted.is_none_or(|wanted| wanted == Some(e.id));
        let shown: Vec<Value> = domain_extension::of(w, l.id).filter(fits).map(show).collect();
        Ok(json!({ "DomainExtensions": { "DomainExtension": shown } }))
    })
}

pub fn describe_one(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<DomainExtensionId>(p, "DomainExtensionId")?;
    read(move |w, caller| {
        let extension = w.visible::<DomainExtension>(caller, id)?;
        let l = w.visible::<Listener>(caller, extension.listener)?;
        let mut shown = show(extension);
        shown["LoadBalancerId"] = l.load_balancer.to_string().into();
        shown["ListenerPort"] = l.port.into();
        Ok(shown)
    })
}

pub fn set(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyDomainExtension {
        extension: required_id(p, "DomainExtensionId")?,
        certificate: optional_id(p, "ServerCertificateId")?,
    })
}

pub fn delete(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteDomainExtension { extension: required_id(p, "DomainExtensionId")? })
}
