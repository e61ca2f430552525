//! Domain extensions of HTTPS listeners on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::listeners::which;
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::id::{DomainExtensionId, ListenerId, ServerCertificateId};
use sim_core::slb::domain_extension::{
    CreateDomainExtension, DeleteDomainExtension, DomainExtension, ModifyDomainExtension,
};
use sim_core::{ErrorCode as E, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_domain_extension",
        &[
            E::DomainExtensionDomainMalformed,
            E::ListenerNotFound,
            E::DomainExtensionLayer,
            E::ServerCertificateNotFound,
            E::LoadBalancerLocked,
            E::ListenerBusy,
            E::ListenerStopping,
            E::DomainExtensionExists,
            E::DomainExtensionQuotaExceeded,
        ],
    ),
    ("list_domain_extensions", &[E::ListenerNotFound, E::ServerCertificateNotFound]),
    ("get_domain_extension", &[E::DomainExtensionNotFound]),
    (
        "update_domain_extension",
        &[
            E::DomainExtensionNotFound,
            E::ServerCertificateNotFound,
            E::LoadBalancerLocked,
            E::ListenerBusy,
            E::ListenerStopping,
        ],
    ),
    (
        "delete_domain_extension",
        &[
            E::DomainExtensionNotFound,
            E::LoadBalancerLocked,
            E::ListenerBusy,
            E::ListenerStopping,
            E::DomainExtensionInRule,
        ],
    ),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[
    ("create_domain_extension", &[("listener_port", "listener_id"), ("load_balancer_id", "listener_id")]),
    (
        "update_domain_extension",
        &[("listener_id", "domain_extension_id"), ("load_balancer_id", "domain_extension_id")],
    ),
];

/// The operations on domain extensions.
pub fn router() -> Operations {
    Operations::new().routes(routes!(create_domain_extension, list_domain_extensions)).routes(routes!(
        get_domain_extension,
        update_domain_extension,
        delete_domain_extension
    ))
}

/// A domain extension.
#[derive(Serialize, ToSchema)]
pub struct DomainExtensionBody {
    /// Its id.
    #[schema(example = "de-bp1q6jdlxn4h2vb9xkq8c")]
    id: String,
    /// Its listener.
    listener_id: String,
    /// The domain: a name, or *. and one.
    #[schema(example = "*.example.com")]
    domain: String,
    /// The certificate that clients see who ask for it.
    server_certificate_id: String,
    /// When it was made, in virtual time.
    created_at: String,
}

fn show(_: &World, e: &DomainExtension) -> DomainExtensionBody {
    DomainExtensionBody {
        id: e.id.to_string(),
        listener_id: e.listener.to_string(),
        domain: e.domain.to_string(),
        server_certificate_id: e.certificate.to_string(),
        created_at: e.created.to_string(),
    }
}

/// What a new domain extension should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"listener_id": "lsn-bp1q6jdlxn4h2vb9xkq8c", "domain": "*.example.com",
    "server_certificate_id": "cert-bp1mv9tjmlqbm05tsp2i"}))]
pub struct CreateDomainExtensionBody {
    /// Its listener, of HTTPS.
    listener_id: String,
    /// The domain: a name, or *. and one, of at most 80 characters.
    domain: String,
    /// The certificate that clients see who ask for it.
    server_certificate_id: String,
}

/// Make a domain extension: let an HTTPS listener show a certificate to clients that ask for a domain by its name.
#[utoipa::path(post, path = "/v1/domain-extensions", tag = "Domain extension", request_body = CreateDomainExtensionBody,
    responses((status = 201, description = "The new domain extension.", body = DomainExtensionBody)))]
async fn create_domain_extension(
    ctx: Context,
    Body(body): Body<CreateDomainExtensionBody>,
) -> Result<Response, Problem> {
    let (listener, _) = which(&ctx, id(&body.listener_id)?).await?;
    let certificate = Some(parse_id(&body.server_certificate_id)?);
    ctx.create(CreateDomainExtension { listener, domain: body.domain.into(), certificate }, |w, reply| {
        let made = w.get::<DomainExtension>(&reply.id::<DomainExtensionId>())?;
        Some((format!("/v1/domain-extensions/{}", made.id), show(w, made)))
    })
    .await
}

/// Which domain extensions to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DomainExtensionFilter {
    /// Only those of this listener.
    listener_id: Option<String>,
    /// Only those that show this certificate.
    server_certificate_id: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List domain extensions, oldest first.
#[utoipa::path(get, path = "/v1/domain-extensions", tag = "Domain extension", params(DomainExtensionFilter),
    responses((status = 200, description = "A page of domain extensions.", body = Page<DomainExtensionBody>)))]
async fn list_domain_extensions(
    ctx: Context,
    Query(filter): Query<DomainExtensionFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let listener = sought_id::<ListenerId>(filter.listener_id.as_deref())?;
    let certificate = sought_id::<ServerCertificateId>(filter.server_certificate_id.as_deref())?;
    let rows = Rows::<DomainExtension>::all(|ix| &ix.domain_extensions.by_owner)
        .of(listener, |ix| &ix.domain_extensions.by_listener)
        .of(certificate, |ix| &ix.domain_extensions.by_certificate);
    ctx.list(&page, rows, show).await
}

/// Show a domain extension.
#[utoipa::path(get, path = "/v1/domain-extensions/{domain_extension_id}", tag = "Domain extension",
    params(("domain_extension_id" = String, Path, description = "The domain extension.")),
    responses((status = 200, description = "The domain extension.", body = DomainExtensionBody)))]
async fn get_domain_extension(ctx: Context, Path(extension): Path<String>) -> Result<Response, Problem> {
    let extension = id::<DomainExtensionId>(&extension)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<DomainExtension>(caller, extension)?))).await
}

/// What to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"server_certificate_id": "cert-bp1mv9tjmlqbm05tsp2i"}))]
pub struct UpdateDomainExtensionBody {
    /// The certificate that clients see from now on.
    server_certificate_id: String,
}

/// Let a domain extension show another certificate. Its domain stays.
#[utoipa::path(patch, path = "/v1/domain-extensions/{domain_extension_id}", tag = "Domain extension",
    request_body = UpdateDomainExtensionBody,
    params(("domain_extension_id" = String, Path, description = "The domain extension.")),
    responses((status = 200, description = "The domain extension as it is now.", body = DomainExtensionBody)))]
async fn update_domain_extension(
    ctx: Context,
    Path(extension): Path<String>,
    Body(body): Body<UpdateDomainExtensionBody>,
) -> Result<Response, Problem> {
    let extension = id::<DomainExtensionId>(&extension)?;
    let certificate = Some(parse_id(&body.server_certificate_id)?);
    ctx.change_row(ModifyDomainExtension { extension, certificate }, extension, show).await
}

/// Delete a domain extension.
#[utoipa::path(delete, path = "/v1/domain-extensions/{domain_extension_id}", tag = "Domain extension",
    params(("domain_extension_id" = String, Path, description = "The domain extension.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_domain_extension(ctx: Context, Path(extension): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeleteDomainExtension { extension: id(&extension)? }).await
}
