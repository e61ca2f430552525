//! Certificates of load balancers on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id};
use super::operations::{Operations, routes};
use crate::certificate::{facts, server_facts};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{TagBody, tag_bodies, tag_pairs};
use crate::seal::Seal;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::id::{CaCertificateId, ResourceGroupId, ServerCertificateId};
use sim_core::slb::certificate::{
    CaCertificate, CertificateFacts, DeleteCaCertificate, DeleteServerCertificate, RenameCaCertificate,
    RenameServerCertificate, ServerCertificate, UploadCaCertificate, UploadServerCertificate,
};
use sim_core::{ErrorCode as E, SimTime, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "upload_server_certificate",
        &[
            E::CertificateMalformed,
            E::CertificateNotRsa,
            E::CertificateKeyLength,
            E::PrivateKeyMalformed,
            E::PrivateKeyMismatch,
            E::CertificateNameMalformed,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::RegionNotFound,
            E::ResourceGroupNotFound,
            E::ServerCertificateQuotaExceeded,
        ],
    ),
    ("list_server_certificates", &[]),
    ("get_server_certificate", &[E::ServerCertificateNotFound]),
    ("rename_server_certificate", &[E::CertificateNameMalformed, E::ServerCertificateNotFound]),
    (
        "delete_server_certificate",
        &[E::ServerCertificateNotFound, E::CertificateInUse, E::CertificateInDomainExtension],
    ),
    (
        "upload_ca_certificate",
        &[
            E::CertificateMalformed,
            E::CertificateNameMalformed,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::RegionNotFound,
            E::ResourceGroupNotFound,
            E::CaCertificateQuotaExceeded,
        ],
    ),
    ("list_ca_certificates", &[]),
    ("get_ca_certificate", &[E::CaCertificateNotFound]),
    ("rename_ca_certificate", &[E::CertificateNameMalformed, E::CaCertificateNotFound]),
    ("delete_ca_certificate", &[E::CaCertificateNotFound, E::CertificateInUse]),
];

/// The operations on certificates.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(upload_server_certificate, list_server_certificates))
        .routes(routes!(get_server_certificate, rename_server_certificate, delete_server_certificate))
        .routes(routes!(upload_ca_certificate, list_ca_certificates))
        .routes(routes!(get_ca_certificate, rename_ca_certificate, delete_ca_certificate))
}

/// A certificate. Nothing of a private key is kept that could be shown.
#[derive(Serialize, ToSchema)]
pub struct CertificateBody {
    /// Its id.
    #[schema(example = "cert-bp1l0kk4gxce43kabcde")]
    id: String,
    /// Its name; empty if it has none.
    #[schema(example = "www")]
    name: String,
    /// The common name of its subject; empty if it has none.
    #[schema(example = "www.example.com")]
    common_name: String,
    /// Its alternative names: domains and addresses.
    alternative_names: Vec<String>,
    /// The SHA-1 of its encoding.
    #[schema(example = "a4:f6:dc:35:7e:d6:bc:93:0a:31:a3:4f:71:29:42:82:73:bc:18:01")]
    fingerprint: String,
    /// When it begins to hold.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    not_before: String,
    /// Until when it holds.
    #[schema(example = "2036-01-01T00:00:00.000Z")]
    not_after: String,
    /// Its resource group.
    resource_group_id: String,
    /// When it was uploaded, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn show(
    id: String,
    name: &str,
    facts: &CertificateFacts,
    group: ResourceGroupId,
    created: SimTime,
    tags: Vec<TagBody>,
) -> CertificateBody {
    CertificateBody {
        id,
        name: name.to_owned(),
        common_name: facts.common_name.to_string(),
        alternative_names: facts.alternative_names.iter().map(ToString::to_string).collect(),
        fingerprint: facts.fingerprint.to_string(),
        not_before: facts.not_before.to_string(),
        not_after: facts.not_after.to_string(),
        resource_group_id: group.to_string(),
        created_at: created.to_string(),
        tags,
    }
}

fn show_server(w: &World, c: &ServerCertificate) -> CertificateBody {
    show(c.id.to_string(), &c.name, &c.facts, c.resource_group, c.created, tag_bodies(w, c.id))
}

fn show_ca(w: &World, c: &CaCertificate) -> CertificateBody {
    show(c.id.to_string(), &c.name, &c.facts, c.resource_group, c.created, tag_bodies(w, c.id))
}

/// A server certificate with its private key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "www", "certificate": "-----BEGIN CERTIFICATE-----\n...",
    "private_key": "-----BEGIN RSA PRIVATE KEY-----\n..."}))]
pub struct UploadServerCertificateBody {
    /// Its name: 1 to 80 letters, digits and - / . _
    #[serde(default)]
    name: Option<String>,
    /// The PEM text of the certificate, with those that it hangs on behind it.
    certificate: String,
    /// The PEM text of its RSA key, without a passphrase. It is checked and replaced by a short fingerprint.
    private_key: String,
    /// Its resource group; the account's default one if absent.
    #[serde(default)]
    resource_group_id: Option<String>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Upload a server certificate with its private key.
#[utoipa::path(post, path = "/v1/server-certificates", tag = "Certificate", request_body = UploadServerCertificateBody,
    responses((status = 201, description = "The new certificate.", body = CertificateBody)))]
async fn upload_server_certificate(
    ctx: Context,
    Body(body): Body<UploadServerCertificateBody>,
) -> Result<Response, Problem> {
    let command = UploadServerCertificate {
        name: body.name.map(Into::into),
        facts: server_facts(Some(&body.certificate), Some(&body.private_key))?,
        private_key: Seal::of(&ctx.world).fingerprint(&body.private_key),
        resource_group: body.resource_group_id.as_deref().map(parse_id).transpose()?,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<ServerCertificate>(&reply.id::<ServerCertificateId>())?;
        Some((format!("/v1/server-certificates/{}", made.id), show_server(w, made)))
    })
    .await
}

/// Which certificates to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CertificateFilter {
    /// Only this name.
    name: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List server certificates, oldest first.
#[utoipa::path(get, path = "/v1/server-certificates", tag = "Certificate", params(CertificateFilter),
    responses((status = 200, description = "A page of certificates.", body = Page<CertificateBody>)))]
async fn list_server_certificates(
    ctx: Context,
    Query(filter): Query<CertificateFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let rows = Rows::<ServerCertificate>::all(|ix| &ix.server_certificates.by_owner)
        .keep(filter.name, |_, c, name| c.name == *name);
    ctx.list(&page, rows, show_server).await
}

/// Show a server certificate.
#[utoipa::path(get, path = "/v1/server-certificates/{server_certificate_id}", tag = "Certificate",
    params(("server_certificate_id" = String, Path, description = "The certificate.")),
    responses((status = 200, description = "The certificate.", body = CertificateBody)))]
async fn get_server_certificate(ctx: Context, Path(certificate): Path<String>) -> Result<Response, Problem> {
    let certificate = id::<ServerCertificateId>(&certificate)?;
    ctx.show(|w, caller| Ok(show_server(w, w.visible::<ServerCertificate>(caller, certificate)?))).await
}

/// What can be changed of a certificate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "www-2"}))]
pub struct RenameCertificateBody {
    /// Its new name: 1 to 80 letters, digits and - / . _ It stays as it is if absent.
    #[serde(default)]
    name: Option<String>,
}

/// Rename a server certificate.
#[utoipa::path(patch, path = "/v1/server-certificates/{server_certificate_id}", tag = "Certificate",
    request_body = RenameCertificateBody,
    params(("server_certificate_id" = String, Path, description = "The certificate.")),
    responses((status = 200, description = "The certificate as it is now.", body = CertificateBody)))]
async fn rename_server_certificate(
    ctx: Context,
    Path(certificate): Path<String>,
    Body(body): Body<RenameCertificateBody>,
) -> Result<Response, Problem> {
    let certificate = id::<ServerCertificateId>(&certificate)?;
    let command = RenameServerCertificate { certificate, name: body.name.map(Into::into) };
    ctx.change_row(command, certificate, show_server).await
}

/// Delete a server certificate.
#[utoipa::path(delete, path = "/v1/server-certificates/{server_certificate_id}", tag = "Certificate",
    params(("server_certificate_id" = String, Path, description = "The certificate.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_server_certificate(
    ctx: Context,
    Path(certificate): Path<String>,
) -> Result<Response, Problem> {
    ctx.remove(DeleteServerCertificate { certificate: id(&certificate)? }).await
}

/// A CA certificate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "authority", "certificate": "-----BEGIN CERTIFICATE-----\n..."}))]
pub struct UploadCaCertificateBody {
    /// Its name: 1 to 80 letters, digits and - / . _
    #[serde(default)]
    name: Option<String>,
    /// The PEM text of the certificate.
    certificate: String,
    /// Its resource group; the account's default one if absent.
    #[serde(default)]
    resource_group_id: Option<String>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Upload a CA certificate, by which listeners judge the certificates of clients.
#[utoipa::path(post, path = "/v1/ca-certificates", tag = "Certificate", request_body = UploadCaCertificateBody,
    responses((status = 201, description = "The new certificate.", body = CertificateBody)))]
async fn upload_ca_certificate(
    ctx: Context,
    Body(body): Body<UploadCaCertificateBody>,
) -> Result<Response, Problem> {
    let command = UploadCaCertificate {
        name: body.name.map(Into::into),
        facts: facts(&body.certificate, "certificate")?,
        resource_group: body.resource_group_id.as_deref().map(parse_id).transpose()?,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<CaCertificate>(&reply.id::<CaCertificateId>())?;
        Some((format!("/v1/ca-certificates/{}", made.id), show_ca(w, made)))
    })
    .await
}

/// List CA certificates, oldest first.
#[utoipa::path(get, path = "/v1/ca-certificates", tag = "Certificate", params(CertificateFilter),
    responses((status = 200, description = "A page of certificates.", body = Page<CertificateBody>)))]
async fn list_ca_certificates(
    ctx: Context,
    Query(filter): Query<CertificateFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let rows = Rows::<CaCertificate>::all(|ix| &ix.ca_certificates.by_owner)
        .keep(filter.name, |_, c, name| c.name == *name);
    ctx.list(&page, rows, show_ca).await
}

/// Show a CA certificate.
#[utoipa::path(get, path = "/v1/ca-certificates/{ca_certificate_id}", tag = "Certificate",
    params(("ca_certificate_id" = String, Path, description = "The certificate.")),
    responses((status = 200, description = "The certificate.", body = CertificateBody)))]
async fn get_ca_certificate(ctx: Context, Path(certificate): Path<String>) -> Result<Response, Problem> {
    let certificate = id::<CaCertificateId>(&certificate)?;
    ctx.show(|w, caller| Ok(show_ca(w, w.visible::<CaCertificate>(caller, certificate)?))).await
}

/// Rename a CA certificate.
#[utoipa::path(patch, path = "/v1/ca-certificates/{ca_certificate_id}", tag = "Certificate",
    request_body = RenameCertificateBody,
    params(("ca_certificate_id" = String, Path, description = "The certificate.")),
    responses((status = 200, description = "The certificate as it is now.", body = CertificateBody)))]
async fn rename_ca_certificate(
    ctx: Context,
    Path(certificate): Path<String>,
    Body(body): Body<RenameCertificateBody>,
) -> Result<Response, Problem> {
    let certificate = id::<CaCertificateId>(&certificate)?;
    let command = RenameCaCertificate { certificate, name: body.name.map(Into::into) };
    ctx.change_row(command, certificate, show_ca).await
}

/// Delete a CA certificate.
#[utoipa::path(delete, path = "/v1/ca-certificates/{ca_certificate_id}", tag = "Certificate",
    params(("ca_certificate_id" = String, Path, description = "The certificate.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_ca_certificate(ctx: Context, Path(certificate): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeleteCaCertificate { certificate: id(&certificate)? }).await
}
