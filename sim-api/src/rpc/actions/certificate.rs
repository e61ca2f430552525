//! Actions on certificates of load balancers.

use crate::certificate::{facts, server_facts};
use crate::listing::{Part, Rows};
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    Planned, done, list, optional_id, required_id, show_tags_tag_key, sought, tags, write, write_sealed,
};
use crate::seal::{Sealed, Secrets};
use serde_json::{Value, json};
use sim_core::id::{CaCertificateId, Id, ResourceGroupId, ServerCertificateId};
use sim_core::slb::certificate::{
    CaCertificate, CertificateFacts, DeleteCaCertificate, DeleteServerCertificate, RenameCaCertificate,
    RenameServerCertificate, ServerCertificate, UploadCaCertificate, UploadServerCertificate,
};
use sim_core::{Caller, ErrorCode, Outcome, Refusal, SimTime, World};

/// Parameters that are taken and change nothing: there is no certificate service.
pub const INERT: &[(&str, &[&str])] =
    &[("UploadServerCertificate", &["AliCloudCertificateName", "AliCloudCertificateRegionId"])];

pub fn upload_server_certificate(p: &Scope<'_>, _: &Caller) -> Planned {
    if p.str("AliCloudCertificateId").is_some() {
        return Err(Refusal::new(ErrorCode::CertificateServiceUnsupported)
            .field("certificate")
            .accepted("ServerCertificate and PrivateKey")
            .into());
    }
    p.mark_known("AliCloudCertificateName");
    p.mark_known("AliCloudCertificateRegionId");
    let (certificate, key) = (p.str("ServerCertificate"), p.str("PrivateKey"));
    let facts = server_facts(certificate, key)?;
    let name = p.str("ServerCertificateName").map(Into::into);
    let (resource_group, tags) = (optional_id(p, "ResourceGroupId")?, tags(p)?);
    let make = move |sealed: Sealed| UploadServerCertificate {
        name,
        facts,
        private_key: sealed.private_key.expect("a key was sealed"),
        resource_group,
        tags,
    };
    write_sealed(Secrets::of_private_key(key.unwrap_or_default()), make, |w, _, reply| {
        let id = reply.id::<ServerCertificateId>();
        let made = w.get::<ServerCertificate>(&id);
        made.map_or_else(|| json!({ "ServerCertificateId": id.to_string() }), server)
    })
}

pub fn set_server_certificate_name(p: &Scope<'_>, _: &Caller) -> Planned {
    let certificate = required_id(p, "ServerCertificateId")?;
    done(RenameServerCertificate { certificate, name: Some(p.required("ServerCertificateName")?.into()) })
}

pub fn delete_server_certificate(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteServerCertificate { certificate: required_id(p, "ServerCertificateId")? })
}

pub fn upload_ca_certificate(p: &Scope<'_>, _: &Caller) -> Planned {
    let command = UploadCaCertificate {
        name: p.str("CACertificateName").map(Into::into),
        facts: facts(p.required("CACertificate")?, "certificate")?,
        resource_group: optional_id(p, "ResourceGroupId")?,
        tags: tags(p)?,
    };
    write(command, |w, _, reply| {
        let id = reply.id::<CaCertificateId>();
        let made = w.get::<CaCertificate>(&id);
        made.map_or_else(|| json!({ "CACertificateId": id.to_string() }), ca)
    })
}

pub fn set_ca_certificate_name(p: &Scope<'_>, _: &Caller) -> Planned {
    let certificate = required_id(p, "CACertificateId")?;
    done(RenameCaCertificate { certificate, name: Some(p.required("CACertificateName")?.into()) })
}

pub fn delete_ca_certificate(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteCaCertificate { certificate: required_id(p, "CACertificateId")? })
}

/// These lists have no pages.
const WHOLE: usize = usize::MAX;

pub fn describe_server_certificates(p: &Scope<'_>, _: &Caller) -> Planned {
    let rows = Rows::<ServerCertificate>::all(|ix| &ix.server_certificates.by_owner)
        .named(p.str("ServerCertificateId").as_slice())
        .tagged(tags(p)?)
        .keep(sought(p, "ResourceGroupId"), |_, c, group| Some(c.resource_group) == *group);
    let show = |w: &World, c: &ServerCertificate| {
        let mut shown = server(c);
        shown["Tags"] = show_tags_tag_key(w, c.id);
        shown
    };
    let part = Part { after: None, skip: 0, size: WHOLE, count: false };
    let plan = list(
        rows,
        part,
        show,
        |found| json!({ "ServerCertificates": { "ServerCertificate": found.items } }),
    )?;
    let (named, group) = (parsed::<ServerCertificateId>(p, "ServerCertificateId"), group(p));
    Ok(plan.checking(move |w, caller| {
        let found = named.and_then(|id| w.visible::<ServerCertificate>(caller, id).ok());
        check_group(found.map(|c| c.resource_group), group)
    }))
}

/// The id that a parameter is, if it is one.
fn parsed<I: Id>(p: &Scope<'_>, name: &str) -> Option<I> {
    p.str(name).and_then(|text| text.parse().ok())
}

fn group(p: &Scope<'_>) -> Option<ResourceGroupId> {
    parsed(p, "ResourceGroupId")
}

/// A certificate and a resource group that are named together belong together.
fn check_group(of: Option<ResourceGroupId>, named: Option<ResourceGroupId>) -> Outcome<()> {
    match (of, named) {
        (Some(of), Some(named)) if of != named => Err(Refusal::new(ErrorCode::CertificateOtherGroup)
            .field("resource_group_id")
            .given(named.to_string())
            .accepted(of.to_string())),
        _ => Ok(()),
    }
}

pub fn describe_ca_certificates(p: &Scope<'_>, _: &Caller) -> Planned {
    let rows = Rows::<CaCertificate>::all(|ix| &ix.ca_certificates.by_owner)
        .named(p.str("CACertificateId").as_slice())
        .tagged(tags(p)?)
        .keep(sought(p, "ResourceGroupId"), |_, c, group| Some(c.resource_group) == *group);
    let show = |w: &World, c: &CaCertificate| {
        let mut shown = ca(c);
        shown["RegionId"] = c.owner.region.to_string().into();
        shown["Tags"] = show_tags_tag_key(w, c.id);
        shown
    };
    let part = Part { after: None, skip: 0, size: WHOLE, count: false };
    let plan = list(rows, part, show, |found| json!({ "CACertificates": { "CACertificate": found.items } }))?;
    let (named, group) = (parsed::<CaCertificateId>(p, "CACertificateId"), group(p));
    Ok(plan.checking(move |w, caller| {
        let found = named.and_then(|id| w.visible::<CaCertificate>(caller, id).ok());
        check_group(found.map(|c| c.resource_group), group)
    }))
}

/// A server certificate without its tags.
fn server(c: &ServerCertificate) -> Value {
    let mut shown = of_both(&c.facts, c.created);
    shown["ServerCertificateId"] = c.id.to_string().into();
    shown["ServerCertificateName"] = c.name.as_str().into();
    shown["RegionId"] = c.owner.region.to_string().into();
    shown["ResourceGroupId"] = c.resource_group.to_string().into();
    shown["IsAliCloudCertificate"] = 0.into();
    shown["AliCloudCertificateId"] = "".into();
    shown["AliCloudCertificateName"] = "".into();
    shown["SubjectAlternativeNames"] = json!({ "SubjectAlternativeName": c.facts.alternative_names });
    shown
}

/// A CA certificate without its region and tags.
fn ca(c: &CaCertificate) -> Value {
    let mut shown = of_both(&c.facts, c.created);
    shown["CACertificateId"] = c.id.to_string().into();
    shown["CACertificateName"] = c.name.as_str().into();
    shown["ResourceGroupId"] = c.resource_group.to_string().into();
    shown
}

fn of_both(facts: &CertificateFacts, created: SimTime) -> Value {
    json!({
        "CommonName": facts.common_name,
        "Fingerprint": facts.fingerprint,
        "CreateTime": created.to_seconds_text(),
        "CreateTimeStamp": created.0,
        "ExpireTime": facts.not_after.to_seconds_text(),
        "ExpireTimeStamp": facts.not_after.0,
    })
}
