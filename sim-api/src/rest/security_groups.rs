//! Security groups on the native wire: the groups, who belongs to them, and which groups name them.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, tag_bodies, tag_pairs};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::ecs::membership::{JoinSecurityGroup, LeaveSecurityGroup, Member, capacity};
use sim_core::ecs::security_group::{
    self, CreateSecurityGroup, DeleteSecurityGroup, GroupKind, ModifySecurityGroup, SecurityGroup,
    inner_access_text, parse_inner_access,
};
use sim_core::id::{AnyId, IdKind, InstanceId, ResourceGroupId, SecurityGroupId, VpcId};
use sim_core::{Outcome, Refusal, World};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_security_group",
        &[
            E::SecurityGroupNameMalformed,
            E::SecurityGroupDescriptionMalformed,
            E::SecurityGroupTypeInvalid,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::SecurityGroupVpcMissing,
            E::EnterpriseGroupVpcMissing,
            E::ResourceGroupNotFound,
            E::VpcNotFound,
            E::VpcStatusIncorrect,
            E::SecurityGroupQuotaExceeded,
        ],
    ),
    ("list_security_groups", &[E::VpcNotFound, E::ResourceGroupNotFound]),
    ("get_security_group", &[E::SecurityGroupNotFound]),
    (
        "update_security_group",
        &[
            E::SecurityGroupNameMalformed,
            E::SecurityGroupDescriptionMalformed,
            E::InnerAccessPolicyInvalid,
            E::SecurityGroupNotFound,
            E::InnerAccessPolicyEnterprise,
        ],
    ),
    (
        "delete_security_group",
        &[E::SecurityGroupNotFound, E::SecurityGroupHasMembers, E::SecurityGroupReferenced],
    ),
    ("list_security_group_dependents", &[E::SecurityGroupNotFound]),
    ("list_security_group_references", &[E::SecurityGroupNotFound]),
    (
        "join_security_group",
        &[
            E::SecurityGroupNotFound,
            E::InstanceNotFound,
            E::EniNotFound,
            E::InstanceGroupVpcMismatch,
            E::InstanceInitializing,
            E::GroupInstanceStatusIncorrect,
            E::GroupEniKindIncorrect,
            E::GroupEniStateIncorrect,
            E::SecurityGroupJoined,
            E::SecurityGroupVpcMismatch,
            E::SecurityGroupKindsMixed,
            E::SecurityGroupsPerEniExceeded,
            E::EniRulesExceeded,
            E::SecurityGroupFull,
            E::EnterpriseGroupFull,
        ],
    ),
    (
        "leave_security_group",
        &[
            E::SecurityGroupNotFound,
            E::InstanceNotFound,
            E::EniNotFound,
            E::InstanceInitializing,
            E::GroupInstanceStatusIncorrect,
            E::GroupEniKindIncorrect,
            E::GroupEniStateIncorrect,
            E::InstanceNotInGroup,
            E::EniNotInGroup,
            E::InstanceLastGroup,
            E::EniLastGroup,
        ],
    ),
];

/// The operations on security groups.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_security_group, list_security_groups))
        .routes(routes!(get_security_group, update_security_group, delete_security_group))
        .routes(routes!(list_security_group_dependents))
        .routes(routes!(list_security_group_references))
        .routes(routes!(join_security_group, leave_security_group))
}

/// A security group.
#[derive(Serialize, ToSchema)]
pub struct SecurityGroupBody {
    /// Its id.
    #[schema(example = "sg-bp1fg655nh68xyz9i6fq")]
    id: String,
    /// normal: members reach each other unless told otherwise; enterprise: members are isolated, many more fit.
    #[schema(example = "normal")]
    r#type: &'static str,
    /// Its VPC.
    vpc_id: String,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// Accept if members reach each other whatever the rules say; Drop if they are isolated.
    #[schema(example = "Accept")]
    inner_access_policy: &'static str,
    /// How many rules it has, both directions.
    #[schema(example = 3)]
    rule_count: u64,
    /// How many network interfaces belong to it.
    #[schema(example = 2)]
    member_count: u64,
    /// How much of its capacity is taken: private addresses in a normal group, interfaces in an enterprise group.
    #[schema(example = 2)]
    capacity_used: u64,
    /// Its resource group.
    resource_group_id: String,
    /// When it was made, in virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn show(w: &World, g: &SecurityGroup) -> SecurityGroupBody {
    SecurityGroupBody {
        id: g.id.to_string(),
        r#type: g.kind.text(),
        vpc_id: g.vpc.to_string(),
        name: g.name.to_string(),
        description: g.description.to_string(),
        inner_access_policy: inner_access_text(g),
        rule_count: w.indexes().security_group_rules.by_group.count(&g.id),
        member_count: w.indexes().enis.by_group.count(&g.id),
        capacity_used: capacity(w, g).0,
        resource_group_id: g.resource_group.to_string(),
        created_at: g.created.to_string(),
        tags: tag_bodies(w, g.id),
    }
}

/// What a new security group should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"vpc_id": "vpc-bp1h2ix3c8njnw9s8k7mq", "name": "web"}))]
pub struct CreateSecurityGroupBody {
    /// Its VPC; none is refused, since the network without VPCs is gone.
    #[serde(default)]
    vpc_id: Option<String>,
    /// normal or enterprise; normal if absent.
    #[serde(default)]
    #[schema(example = "normal")]
    r#type: Option<String>,
    /// Its name: 2 to 128 characters, a letter first.
    #[serde(default)]
    name: Option<String>,
    /// Its description: 2 to 256 characters.
    #[serde(default)]
    description: Option<String>,
    /// Its resource group; the account's default one if absent.
    #[serde(default)]
    resource_group_id: Option<String>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// Make a security group without rules.
///
/// Without rules nothing comes in but from other members of a normal group. Out of a normal group everything goes,
/// out of an enterprise group nothing.
#[utoipa::path(post, path = "/v1/security-groups", tag = "Security group", request_body = CreateSecurityGroupBody,
    responses((status = 201, description = "The new security group.", body = SecurityGroupBody)))]
async fn create_security_group(
    ctx: Context,
    Body(body): Body<CreateSecurityGroupBody>,
) -> Result<Response, Problem> {
    let command = CreateSecurityGroup {
        vpc: body.vpc_id.as_deref().map(parse_id).transpose()?,
        kind: body.r#type.as_deref().map_or(Ok(GroupKind::Basic), GroupKind::parse)?,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        resource_group: body.resource_group_id.as_deref().map(parse_id).transpose()?,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<SecurityGroup>(&reply.id::<SecurityGroupId>())?;
        Some((format!("/v1/security-groups/{}", made.id), show(w, made)))
    })
    .await
}

/// Which security groups to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SecurityGroupFilter {
    /// Only those of this VPC.
    vpc_id: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// Only normal or only enterprise.
    r#type: Option<String>,
    /// Only those of this resource group.
    resource_group_id: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List security groups, oldest first.
#[utoipa::path(get, path = "/v1/security-groups", tag = "Security group", params(SecurityGroupFilter),
    responses((status = 200, description = "A page of security groups.", body = Page<SecurityGroupBody>)))]
async fn list_security_groups(
    ctx: Context,
    Query(filter): Query<SecurityGroupFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let resource_group = sought_id::<ResourceGroupId>(filter.resource_group_id.as_deref())?;
    let rows = Rows::<SecurityGroup>::all(|ix| &ix.security_groups.by_owner)
        .of(sought_id::<VpcId>(filter.vpc_id.as_deref())?, |ix| &ix.security_groups.by_vpc)
        .keep(filter.name, |_, g, name| g.name == *name)
        .keep(filter.r#type, |_, g, kind| g.kind.text() == kind)
        .keep(resource_group, |_, g, group| Some(g.resource_group) == *group);
    ctx.list(&page, rows, show).await
}

/// Show a security group.
#[utoipa::path(get, path = "/v1/security-groups/{security_group_id}", tag = "Security group",
    params(("security_group_id" = String, Path, description = "The security group.")),
    responses((status = 200, description = "The security group.", body = SecurityGroupBody)))]
async fn get_security_group(ctx: Context, Path(group): Path<String>) -> Result<Response, Problem> {
    let group = id::<SecurityGroupId>(&group)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<SecurityGroup>(caller, group)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "web-2", "inner_access_policy": "Drop"}))]
pub struct UpdateSecurityGroupBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
    /// Accept or Drop, for a normal group.
    #[serde(default)]
    inner_access_policy: Option<String>,
}

/// Change a security group.
#[utoipa::path(patch, path = "/v1/security-groups/{security_group_id}", tag = "Security group",
    request_body = UpdateSecurityGroupBody,
    params(("security_group_id" = String, Path, description = "The security group.")),
    responses((status = 200, description = "The security group as it is now.", body = SecurityGroupBody)))]
async fn update_security_group(
    ctx: Context,
    Path(group): Path<String>,
    Body(body): Body<UpdateSecurityGroupBody>,
) -> Result<Response, Problem> {
    let group = id::<SecurityGroupId>(&group)?;
    let command = ModifySecurityGroup {
        group,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        inner_access: body.inner_access_policy.as_deref().map(parse_inner_access).transpose()?,
    };
    ctx.change_row(command, group, show).await
}

/// Delete a security group that has no members and that no other group's rules name. Its rules go with it.
#[utoipa::path(delete, path = "/v1/security-groups/{security_group_id}", tag = "Security group",
    params(("security_group_id" = String, Path, description = "The security group.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_security_group(ctx: Context, Path(group): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeleteSecurityGroup { group: id(&group)? }).await
}

/// List what keeps a security group from being deleted, in the order in which a deletion would report it.
#[utoipa::path(get, path = "/v1/security-groups/{security_group_id}/dependents", tag = "Security group",
    params(("security_group_id" = String, Path, description = "The security group.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_security_group_dependents(
    ctx: Context,
    Path(group): Path<String>,
) -> Result<Response, Problem> {
    let group = id::<SecurityGroupId>(&group)?;
    let look = |w: &World, caller: &sim_core::Caller| {
        let group = w.visible::<SecurityGroup>(caller, group)?;
        Ok(dependents(security_group::dependents(w, group)))
    };
    ctx.show(look).await
}

/// The groups whose rules name a group.
#[derive(Serialize, ToSchema)]
pub struct References {
    /// Their ids, oldest first.
    security_group_ids: Vec<String>,
}

/// List the security groups whose rules name this one as the peer.
#[utoipa::path(get, path = "/v1/security-groups/{security_group_id}/references", tag = "Security group",
    params(("security_group_id" = String, Path, description = "The security group.")),
    responses((status = 200, description = "The groups whose rules name it.", body = References)))]
async fn list_security_group_references(
    ctx: Context,
    Path(group): Path<String>,
) -> Result<Response, Problem> {
    let group = id::<SecurityGroupId>(&group)?;
    ctx.show(|w, caller| {
        w.visible::<SecurityGroup>(caller, group)?;
        let users = security_group::referencing(w, group);
        Ok(References { security_group_ids: users.iter().map(ToString::to_string).collect() })
    })
    .await
}

/// Reads who joins or leaves: an instance or a network interface.
fn member(text: &str) -> Outcome<Member> {
    match text.parse::<AnyId>() {
        Ok(any) if any.kind() == IdKind::Instance => Ok(Member::Instance(parse_id::<InstanceId>(text)?)),
        _ => Ok(Member::Eni(
            parse_id(text)
                .map_err(|refusal: Refusal| refusal.accepted("the id of an interface or instance"))?,
        )),
    }
}

/// Put a network interface or an instance into a security group. An instance's groups are those of its primary
/// interface.
#[utoipa::path(put, path = "/v1/security-groups/{security_group_id}/members/{member_id}", tag = "Security group",
    params(("security_group_id" = String, Path, description = "The security group."),
        ("member_id" = String, Path, description = "A network interface that is no primary one, or an instance.")),
    responses((status = 200, description = "The security group as it is now.", body = SecurityGroupBody)))]
async fn join_security_group(
    ctx: Context,
    Path((group, who)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let group = id::<SecurityGroupId>(&group)?;
    let command = JoinSecurityGroup { group, member: member(&who)? };
    ctx.change_row(command, group, show).await
}

/// Take a network interface or an instance out of a security group that is not its last one.
#[utoipa::path(delete, path = "/v1/security-groups/{security_group_id}/members/{member_id}", tag = "Security group",
    params(("security_group_id" = String, Path, description = "The security group."),
        ("member_id" = String, Path, description = "A network interface that is no primary one, or an instance.")),
    responses((status = 204, description = "It no longer belongs to the group.")))]
async fn leave_security_group(
    ctx: Context,
    Path((group, who)): Path<(String, String)>,
) -> Result<Response, Problem> {
    ctx.remove(LeaveSecurityGroup { group: id(&group)?, member: member(&who)? }).await
}
