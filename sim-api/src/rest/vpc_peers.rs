//! VPC peering connections on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, tag_bodies, tag_pairs};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::id::{VpcId, VpcPeerId};
use sim_core::vpc::vpc_peer::{
    self, AcceptVpcPeer, CreateVpcPeer, DeleteVpcPeer, LinkType, ModifyVpcPeer, RejectVpcPeer, VpcPeer,
};
use sim_core::{AccountId, ErrorCode as E, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_vpc_peer",
        &[
            E::VpcNotFound,
            E::ResourceGroupNotFound,
            E::RegionNotFound,
            E::VpcPeerNameMalformed,
            E::VpcPeerDescriptionMalformed,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::VpcPeerBandwidthInvalid,
            E::VpcPeerBandwidthInRegion,
            E::VpcPeerLinkTypeUnknown,
            E::VpcPeerLinkTypeInRegion,
            E::VpcPeerItself,
            E::VpcStatusIncorrect,
            E::VpcPeerAcceptingVpcStatus,
            E::VpcPeerExists,
            E::VpcPeerQuotaExceeded,
            E::VpcPeerIntraRegionQuotaExceeded,
            E::VpcPeerCrossRegionQuotaExceeded,
        ],
    ),
    ("get_vpc_peer", &[E::VpcPeerNotFound]),
    (
        "update_vpc_peer",
        &[
            E::VpcPeerNotFound,
            E::VpcPeerNameMalformed,
            E::VpcPeerDescriptionMalformed,
            E::VpcPeerBandwidthInvalid,
            E::VpcPeerBandwidthInRegion,
            E::VpcPeerLinkTypeUnknown,
            E::VpcPeerLinkTypeInRegion,
            E::VpcPeerStatusIncorrect,
        ],
    ),
    ("accept_vpc_peer", &[E::VpcPeerNotFound, E::VpcPeerNotAccepter, E::VpcPeerStatusIncorrect]),
    ("reject_vpc_peer", &[E::VpcPeerNotFound, E::VpcPeerNotAccepter, E::VpcPeerStatusIncorrect]),
    ("delete_vpc_peer", &[E::VpcPeerNotFound, E::VpcPeerStatusIncorrect, E::VpcPeerHasRouteEntry]),
    ("list_vpc_peer_dependents", &[E::VpcPeerNotFound]),
];

/// The operations on peering connections.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_vpc_peer, list_vpc_peers))
        .routes(routes!(get_vpc_peer, update_vpc_peer, delete_vpc_peer))
        .routes(routes!(accept_vpc_peer))
        .routes(routes!(reject_vpc_peer))
        .routes(routes!(list_vpc_peer_dependents))
}

/// A VPC peering connection.
#[derive(Serialize, ToSchema)]
pub struct VpcPeerBody {
    /// Its id.
    #[schema(example = "pcc-bp1h2ix3c8njnw9s8k7mq")]
    id: String,
    /// Creating, Accepting, Updating, Activated, Rejected, Expired or Deleting.
    #[schema(example = "Activated")]
    status: &'static str,
    /// The account that asked for it.
    #[schema(example = "1000000000000001")]
    account_id: String,
    /// The region of the requester's VPC.
    #[schema(example = "cn-hangzhou")]
    region_id: String,
    /// The requester's VPC.
    vpc_id: String,
    /// The account that was asked.
    #[schema(example = "1000000000000001")]
    accepting_account_id: String,
    /// The region of the accepter's VPC.
    #[schema(example = "cn-hangzhou")]
    accepting_region_id: String,
    /// The accepter's VPC.
    accepting_vpc_id: String,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// Its resource group.
    resource_group_id: String,
    /// Its bandwidth in Mbit/s; absent inside a region, where it has no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1024)]
    bandwidth: Option<u32>,
    /// Its line, Gold or Platinum; absent inside a region.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Gold")]
    link_type: Option<&'static str>,
    /// When the request expires or has expired, in virtual time; absent once it was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-01-08T00:00:00.000Z")]
    expires_at: Option<String>,
    /// When it was made, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
    /// When it was made or last changed, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    modified_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn show(w: &World, p: &VpcPeer) -> VpcPeerBody {
    VpcPeerBody {
        id: p.id.to_string(),
        status: p.status.text(),
        account_id: p.owner.account.to_string(),
        region_id: p.owner.region.to_string(),
        vpc_id: p.vpc.to_string(),
        accepting_account_id: p.accepter.account.to_string(),
        accepting_region_id: p.accepter.region.to_string(),
        accepting_vpc_id: p.accepting_vpc.to_string(),
        name: p.name.to_string(),
        description: p.description.to_string(),
        resource_group_id: p.resource_group.to_string(),
        bandwidth: p.bandwidth,
        link_type: p.link_type.map(LinkType::text),
        expires_at: p.expires.map(|at| at.to_string()),
        created_at: p.created.to_string(),
        modified_at: p.modified.to_string(),
        tags: tag_bodies(w, p.id),
    }
}

/// What a new peering connection should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"vpc_id": "vpc-bp1h2ix3c8njnw9s8k7mq", "accepting_vpc_id": "vpc-bp13tecdq2pya5n9s4gp"}))]
pub struct CreateVpcPeerBody {
    /// The VPC from which it is asked for.
    vpc_id: String,
    /// The other VPC.
    accepting_vpc_id: String,
    /// The account of the other VPC: the own one if absent.
    #[serde(default)]
    #[schema(example = "1000000000000002")]
    accepting_account_id: Option<String>,
    /// The region of the other VPC: the own one if absent.
    #[serde(default)]
    #[schema(example = "cn-shanghai")]
    accepting_region_id: Option<String>,
    /// Its name: 2 to 128 characters, a letter first.
    #[serde(default)]
    name: Option<String>,
    /// Its description: 2 to 256 characters, a letter first.
    #[serde(default)]
    description: Option<String>,
    /// Its bandwidth in Mbit/s, between regions only; 1024 if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1024)]
    bandwidth: Option<u32>,
    /// Its line, Gold or Platinum, between regions only; Gold if absent.
    #[serde(default)]
    link_type: Option<String>,
    /// Its resource group: the account's default one if absent.
    #[serde(default)]
    resource_group_id: Option<String>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Ask for a peering connection between two VPCs.
///
/// A request to the own account is agreed to at once; another account has seven days to answer. Nothing goes over the
/// connection before routes of both VPCs lead to it.
#[utoipa::path(post, path = "/v1/vpc-peers", tag = "VPC peering", request_body = CreateVpcPeerBody,
    responses((status = 201, description = "The new peering connection.", body = VpcPeerBody)))]
async fn create_vpc_peer(ctx: Context, Body(body): Body<CreateVpcPeerBody>) -> Result<Response, Problem> {
    let own = (&ctx.caller.account, &ctx.caller.region);
    let account = |text: String| account(&text);
    let command = CreateVpcPeer {
        vpc: parse_id(&body.vpc_id)?,
        accepting_account: body.accepting_account_id.map_or(Ok(*own.0), account)?,
        accepting_region: body.accepting_region_id.map_or_else(|| own.1.clone(), |text| text.as_str().into()),
        accepting_vpc: parse_id(&body.accepting_vpc_id).map_err(|r| r.field("accepting_vpc_id"))?,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        bandwidth: body.bandwidth,
        link_type: body.link_type.as_deref().map(LinkType::parse).transpose()?,
        resource_group: body.resource_group_id.as_deref().map(parse_id).transpose()?,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<VpcPeer>(&reply.id::<VpcPeerId>())?;
        Some((format!("/v1/vpc-peers/{}", made.id), show(w, made)))
    })
    .await
}

/// An account's number; a text that is none is that of nobody, and a VPC of nobody is not found.
fn account(text: &str) -> sim_core::Outcome<AccountId> {
    text.parse().map(AccountId).map_err(|_| {
        sim_core::Refusal::new(E::VpcNotFound)
            .field("accepting_account_id")
            .detail("An account is a number of sixteen digits.")
    })
}

/// Which peering connections to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VpcPeerFilter {
    /// Only those of this VPC, on either side.
    vpc_id: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List the peering connections of which the account has a side in the region, oldest first.
#[utoipa::path(get, path = "/v1/vpc-peers", tag = "VPC peering", params(VpcPeerFilter),
    responses((status = 200, description = "A page of peering connections.", body = Page<VpcPeerBody>)))]
async fn list_vpc_peers(ctx: Context, Query(filter): Query<VpcPeerFilter>) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let mut rows =
        Rows::<VpcPeer>::all(|ix| &ix.vpc_peers.by_owner).keep(filter.name, |_, p, name| p.name == *name);
    if let Some(sought) = sought_id::<VpcId>(filter.vpc_id.as_deref())? {
        let vpcs: Vec<VpcId> = sought.into_iter().collect();
        rows = rows.found(move |w, _| Ok(vpc_peer::of_vpcs(w, &vpcs)));
    }
    ctx.list(&page, rows, show).await
}

/// Show a peering connection.
///
/// Either account sees it, from every region.
#[utoipa::path(get, path = "/v1/vpc-peers/{vpc_peer_id}", tag = "VPC peering",
    params(("vpc_peer_id" = String, Path, description = "The peering connection.")),
    responses((status = 200, description = "The peering connection.", body = VpcPeerBody)))]
async fn get_vpc_peer(ctx: Context, Path(peer): Path<String>) -> Result<Response, Problem> {
    let peer = id::<VpcPeerId>(&peer)?;
    ctx.show(|w, caller| Ok(show(w, vpc_peer::find(w, caller, peer)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "to-shared"}))]
pub struct UpdateVpcPeerBody {
    /// Its new name: 1 to 128 characters.
    #[serde(default)]
    name: Option<String>,
    /// Its new description: 1 to 256 characters.
    #[serde(default)]
    description: Option<String>,
    /// Its new bandwidth in Mbit/s, between regions only.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1024)]
    bandwidth: Option<u32>,
    /// Its new line, Gold or Platinum, between regions only.
    #[serde(default)]
    link_type: Option<String>,
}

/// Change a peering connection that is at work; it works on meanwhile.
#[utoipa::path(patch, path = "/v1/vpc-peers/{vpc_peer_id}", tag = "VPC peering", request_body = UpdateVpcPeerBody,
    params(("vpc_peer_id" = String, Path, description = "The peering connection.")),
    responses((status = 200, description = "The peering connection as it is now.", body = VpcPeerBody)))]
async fn update_vpc_peer(
    ctx: Context,
    Path(peer): Path<String>,
    Body(body): Body<UpdateVpcPeerBody>,
) -> Result<Response, Problem> {
    let peer = id::<VpcPeerId>(&peer)?;
    let link_type = body.link_type.as_deref().map(LinkType::parse).transpose()?;
    let (name, description) = (body.name.map(Into::into), body.description.map(Into::into));
    let command = ModifyVpcPeer { peer, name, description, bandwidth: body.bandwidth, link_type };
    ctx.change_row(command, peer, show).await
}

/// Agree to a peering connection that another account asks for.
#[utoipa::path(post, path = "/v1/vpc-peers/{vpc_peer_id}/accept", tag = "VPC peering",
    params(("vpc_peer_id" = String, Path, description = "The peering connection.")),
    responses((status = 200, description = "The peering connection as it is now.", body = VpcPeerBody)))]
async fn accept_vpc_peer(ctx: Context, Path(peer): Path<String>) -> Result<Response, Problem> {
    let peer = id::<VpcPeerId>(&peer)?;
    ctx.change_row(AcceptVpcPeer { peer }, peer, show).await
}

/// Reject a peering connection that another account asks for.
#[utoipa::path(post, path = "/v1/vpc-peers/{vpc_peer_id}/reject", tag = "VPC peering",
    params(("vpc_peer_id" = String, Path, description = "The peering connection.")),
    responses((status = 200, description = "The peering connection as it is now.", body = VpcPeerBody)))]
async fn reject_vpc_peer(ctx: Context, Path(peer): Path<String>) -> Result<Response, Problem> {
    let peer = id::<VpcPeerId>(&peer)?;
    ctx.change_row(RejectVpcPeer { peer }, peer, show).await
}

/// How to delete.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeleteQuery {
    /// Whether routes to it, of both sides, go with it; false if absent.
    force: Option<bool>,
}

/// Delete a peering connection, from either side.
#[utoipa::path(delete, path = "/v1/vpc-peers/{vpc_peer_id}", tag = "VPC peering",
    params(("vpc_peer_id" = String, Path, description = "The peering connection."), DeleteQuery),
    responses((status = 204, description = "It is gone, or on its way there.")))]
async fn delete_vpc_peer(
    ctx: Context,
    Path(peer): Path<String>,
    Query(query): Query<DeleteQuery>,
) -> Result<Response, Problem> {
    ctx.remove(DeleteVpcPeer { peer: id(&peer)?, force: query.force.unwrap_or(false) }).await
}

/// List what keeps a peering connection from being deleted without force: the own routes to it.
#[utoipa::path(get, path = "/v1/vpc-peers/{vpc_peer_id}/dependents", tag = "VPC peering",
    params(("vpc_peer_id" = String, Path, description = "The peering connection.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_vpc_peer_dependents(ctx: Context, Path(peer): Path<String>) -> Result<Response, Problem> {
    let peer = id::<VpcPeerId>(&peer)?;
    ctx.show(|w, caller| {
        let row = vpc_peer::find(w, caller, peer)?;
        Ok(dependents(vpc_peer::dependents(w, caller, row)))
    })
    .await
}
