//! TLS cipher policies on the native wire.

use super::context::{Body, Context, Path, Query, id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::id::TlsPolicyId;
use sim_core::slb::tls_policy::{CreateTlsPolicy, DeleteTlsPolicy, ModifyTlsPolicy, TlsPolicy};
use sim_core::{ErrorCode as E, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_tls_cipher_policy",
        &[
            E::TlsPolicyNameMalformed,
            E::TlsVersionsMissing,
            E::TlsVersionUnknown,
            E::TlsVersionRepeated,
            E::TlsCiphersMissing,
            E::TlsCipherUnsupported,
            E::TlsCipherRepeated,
            E::RegionNotFound,
            E::TlsPolicyQuotaExceeded,
        ],
    ),
    ("list_tls_cipher_policies", &[]),
    ("get_tls_cipher_policy", &[E::TlsPolicyNotFound]),
    (
        "update_tls_cipher_policy",
        &[
            E::TlsPolicyNotFound,
            E::TlsPolicyNameMalformed,
            E::TlsVersionsMissing,
            E::TlsVersionUnknown,
            E::TlsVersionRepeated,
            E::TlsCiphersMissing,
            E::TlsCipherUnsupported,
            E::TlsCipherRepeated,
            E::TlsPolicyConfiguring,
            E::TlsPolicyUnchanged,
        ],
    ),
    ("delete_tls_cipher_policy", &[E::TlsPolicyNotFound, E::TlsPolicyConfiguring, E::TlsPolicyInUse]),
];

/// The operations on TLS cipher policies.
pub fn router() -> Operations {
    Operations::new().routes(routes!(create_tls_cipher_policy, list_tls_cipher_policies)).routes(routes!(
        get_tls_cipher_policy,
        update_tls_cipher_policy,
        delete_tls_cipher_policy
    ))
}

/// A TLS cipher policy of the account's own.
#[derive(Serialize, ToSchema)]
pub struct TlsCipherPolicyBody {
    /// Its id.
    #[schema(example = "tls-bp1l0kk4gxce43kabcde")]
    id: String,
    /// normal, or configuring until the listeners that use it follow a change.
    #[schema(example = "normal")]
    status: &'static str,
    /// Its name.
    #[schema(example = "modern")]
    name: String,
    /// The versions of TLS that are spoken.
    #[schema(example = json!(["TLSv1.2"]))]
    tls_versions: Vec<&'static str>,
    /// The ciphers that are used.
    #[schema(example = json!(["ECDHE-RSA-AES128-GCM-SHA256"]))]
    ciphers: Vec<&'static str>,
    /// The listeners that use it.
    listener_ids: Vec<String>,
    /// When it was made, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
}

fn show(w: &World, p: &TlsPolicy) -> TlsCipherPolicyBody {
    TlsCipherPolicyBody {
        id: p.id.to_string(),
        status: p.status(),
        name: p.name.to_string(),
        tls_versions: p.version_names(),
        ciphers: p.cipher_names(),
        listener_ids: p.listeners(w).map(|listener| listener.id.to_string()).collect(),
        created_at: p.created.to_string(),
    }
}

/// What a new policy should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "modern", "tls_versions": ["TLSv1.2"], "ciphers": ["ECDHE-RSA-AES128-GCM-SHA256"]}))]
pub struct CreateTlsCipherPolicyBody {
    /// Its name: 2 to 200 letters, digits, dots, underscores and hyphens, a letter first.
    name: String,
    /// The versions of TLS that are spoken, of TLSv1.0, TLSv1.1, TLSv1.2 and TLSv1.3.
    tls_versions: Vec<String>,
    /// The ciphers that are used, each of which one of the versions has; TLSv1.3 needs one of its own.
    ciphers: Vec<String>,
}

/// Make a TLS cipher policy for HTTPS listeners.
#[utoipa::path(post, path = "/v1/tls-cipher-policies", tag = "Certificate", request_body = CreateTlsCipherPolicyBody,
    responses((status = 201, description = "The new policy.", body = TlsCipherPolicyBody)))]
async fn create_tls_cipher_policy(
    ctx: Context,
    Body(body): Body<CreateTlsCipherPolicyBody>,
) -> Result<Response, Problem> {
    let command = CreateTlsPolicy {
        name: body.name.into(),
        versions: body.tls_versions.into_iter().map(Into::into).collect(),
        ciphers: body.ciphers.into_iter().map(Into::into).collect(),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<TlsPolicy>(&reply.id::<TlsPolicyId>())?;
        Some((format!("/v1/tls-cipher-policies/{}", made.id), show(w, made)))
    })
    .await
}

/// Which policies to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TlsCipherPolicyFilter {
    /// Only this name.
    name: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List the account's own TLS cipher policies, oldest first.
#[utoipa::path(get, path = "/v1/tls-cipher-policies", tag = "Certificate", params(TlsCipherPolicyFilter),
    responses((status = 200, description = "A page of policies.", body = Page<TlsCipherPolicyBody>)))]
async fn list_tls_cipher_policies(
    ctx: Context,
    Query(filter): Query<TlsCipherPolicyFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let rows = Rows::<TlsPolicy>::all(|ix| &ix.tls_policies.by_owner)
        .keep(filter.name, |_, p, name| p.name == *name);
    ctx.list(&page, rows, show).await
}

/// Show a TLS cipher policy.
#[utoipa::path(get, path = "/v1/tls-cipher-policies/{tls_cipher_policy_id}", tag = "Certificate",
    params(("tls_cipher_policy_id" = String, Path, description = "The policy.")),
    responses((status = 200, description = "The policy.", body = TlsCipherPolicyBody)))]
async fn get_tls_cipher_policy(ctx: Context, Path(policy): Path<String>) -> Result<Response, Problem> {
    let policy = id::<TlsPolicyId>(&policy)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<TlsPolicy>(caller, policy)?))).await
}

/// What can be changed of a policy; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "older", "tls_versions": ["TLSv1.1", "TLSv1.2"]}))]
pub struct UpdateTlsCipherPolicyBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// The versions of TLS that are spoken.
    #[serde(default)]
    tls_versions: Option<Vec<String>>,
    /// The ciphers that are used.
    #[serde(default)]
    ciphers: Option<Vec<String>>,
}

/// Change a TLS cipher policy; the listeners that use it follow.
#[utoipa::path(patch, path = "/v1/tls-cipher-policies/{tls_cipher_policy_id}", tag = "Certificate",
    request_body = UpdateTlsCipherPolicyBody,
    params(("tls_cipher_policy_id" = String, Path, description = "The policy.")),
    responses((status = 200, description = "The policy as it is now.", body = TlsCipherPolicyBody)))]
async fn update_tls_cipher_policy(
    ctx: Context,
    Path(policy): Path<String>,
    Body(body): Body<UpdateTlsCipherPolicyBody>,
) -> Result<Response, Problem> {
    let policy = id::<TlsPolicyId>(&policy)?;
    let texts = |list: Vec<String>| list.into_iter().map(Into::into).collect();
    let command = ModifyTlsPolicy {
        policy,
        name: body.name.map(Into::into),
        versions: body.tls_versions.map(texts),
        ciphers: body.ciphers.map(texts),
    };
    ctx.change_row(command, policy, show).await
}

/// Delete a TLS cipher policy that no listener uses.
#[utoipa::path(delete, path = "/v1/tls-cipher-policies/{tls_cipher_policy_id}", tag = "Certificate",
    params(("tls_cipher_policy_id" = String, Path, description = "The policy.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_tls_cipher_policy(ctx: Context, Path(policy): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeleteTlsPolicy { policy: id(&policy)? }).await
}
