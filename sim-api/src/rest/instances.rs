//! Instances on the native wire: what they are, and what is done to them.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::disks::DiskBody;
use super::instance_changes::{MaintenanceBody, MetadataOptionsBody, RenewalBody};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, parse_list, tag_bodies};
use crate::rest::places::PlacesOf;
use crate::seal::{Seal, Sealed, Secrets};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ecs::disk::Disk;
use sim_core::ecs::eni;
use sim_core::ecs::eni_address::{holders4, parse4};
use sim_core::ecs::instance::{ChargeType, Instance, StoppedMode};
use sim_core::ecs::instance_life::{
    self, BatchRule, DeleteInstances, RebootInstances, StartInstances, StopInstances,
};
use sim_core::ecs::instance_modify::{ModifyInstance, MoveInstance};
use sim_core::ecs::public_address::{AllocatePublicAddress, PublicAddress};
use sim_core::ecs::user_data::UserData;
use sim_core::id::{InstanceId, VSwitchId, VpcId};
use sim_core::{Command, ErrorCode as E, World, ZoneId};
use std::net::Ipv4Addr;
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    ("list_instances", &[E::VpcNotFound, E::VSwitchNotFound]),
    ("get_instance", &[E::InstanceNotFound]),
    (
        "update_instance",
        &[
            E::InstanceNameMalformed,
            E::InstanceDescriptionMalformed,
            E::HostNameMalformed,
            E::PasswordMalformed,
            E::UserDataBase64,
            E::UserDataSize,
            E::InstanceNotFound,
            E::InstanceProtectionUnsupported,
            E::InstanceInitializing,
            E::InstanceStatusIncorrect,
            E::SecurityGroupsMissing,
            E::SecurityGroupRepeated,
            E::SecurityGroupNotFound,
            E::SecurityGroupVpcMismatch,
            E::SecurityGroupKindsMixed,
            E::SecurityGroupsPerEniExceeded,
            E::EniRulesExceeded,
            E::SecurityGroupFull,
            E::EnterpriseGroupFull,
        ],
    ),
    (
        "delete_instance",
        &[
            E::InstanceNotFound,
            E::InstanceProtected,
            E::InstanceSubscription,
            E::InstanceInitializing,
            E::InstanceStatusIncorrect,
            E::InstanceHasRouteEntry,
        ],
    ),
    ("list_instance_dependents", &[E::InstanceNotFound]),
    ("get_instance_user_data", &[E::InstanceNotFound]),
    (
        "start_instance",
        &[E::InstanceNotFound, E::InstanceInitializing, E::InstanceStatusIncorrect, E::EipExhausted],
    ),
    ("stop_instance", &[E::InstanceNotFound, E::InstanceInitializing, E::InstanceStatusIncorrect]),
    ("reboot_instance", &[E::InstanceNotFound, E::InstanceInitializing, E::InstanceStatusIncorrect]),
    (
        "allocate_public_address",
        &[
            E::AddressMalformed,
            E::EipAddressForeign,
            E::InstanceNotFound,
            E::PublicAddressAllocated,
            E::InstanceInitializing,
            E::InstanceStatusIncorrect,
            E::PublicAddressNoBandwidth,
            E::PublicAddressBesideEip,
            E::PublicAddressForwarded,
            E::EipAddressTaken,
            E::EipExhausted,
        ],
    ),
    (
        "move_instance",
        &[
            E::AddressMalformed,
            E::InstanceNotFound,
            E::VpcNotFound,
            E::VSwitchNotFound,
            E::InstanceVSwitchOtherVpc,
            E::InstanceVSwitchOtherZone,
            E::InstanceInTargetVpc,
            E::InstanceGroupsUnexpected,
            E::SecurityGroupsMissing,
            E::SecurityGroupRepeated,
            E::SecurityGroupNotFound,
            E::SecurityGroupVpcMismatch,
            E::SecurityGroupKindsMixed,
            E::SecurityGroupFull,
            E::EnterpriseGroupFull,
            E::InstanceInitializing,
            E::InstanceStatusIncorrect,
            E::VSwitchStatusIncorrect,
            E::InstanceSecondaryAddresses,
            E::InstanceIpv6Held,
            E::InstanceHasHaVip,
            E::InstanceEniAttached,
            E::InstanceHasRouteEntry,
            E::AddressOutside,
            E::AddressReserved,
            E::AddressInUse,
            E::AddressQuotaExceeded,
            E::AddressExhausted,
            E::SecurityGroupsPerEniExceeded,
            E::EniRulesExceeded,
        ],
    ),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[
    ("allocate_public_address", &[("address", "ip_address")]),
    ("update_instance", &[("security_group_id", "security_group_ids")]),
    ("move_instance", &[("security_group_id", "security_group_ids")]),
];

/// The operations on instances that exist.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(list_instances))
        .routes(routes!(get_instance, update_instance, delete_instance))
        .routes(routes!(list_instance_dependents))
        .routes(routes!(get_instance_user_data))
        .routes(routes!(start_instance))
        .routes(routes!(stop_instance))
        .routes(routes!(reboot_instance))
        .routes(routes!(allocate_public_address))
        .routes(routes!(move_instance))
}

/// An instance.
#[derive(Serialize, ToSchema)]
pub struct InstanceBody {
    /// Its id.
    #[schema(example = "i-bp1gtjxuuvwj17zr9a2b")]
    id: String,
    /// Pending, Starting, Running, Stopping or Stopped.
    #[schema(example = "Running")]
    status: &'static str,
    /// What it keeps while it is stopped: KeepCharging or StopCharging; null for every other status, and for a
    /// subscription.
    stopped_mode: Option<&'static str>,
    /// Its name.
    name: String,
    /// Its host name.
    host_name: String,
    /// Its description; empty if it has none.
    description: String,
    /// Its type.
    #[schema(example = "ecs.g7.large")]
    instance_type: String,
    /// The image it was made from.
    image_id: String,
    /// Its VPC.
    vpc_id: String,
    /// Its vSwitch.
    vswitch_id: String,
    /// Its zone.
    zone_id: String,
    /// The primary address of its primary interface.
    #[schema(example = "10.0.1.1")]
    primary_ip_address: String,
    /// The elastic IP address that stands for its primary address; null if there is none.
    eip_id: Option<String>,
    /// Its static public address; null if there is none.
    #[schema(example = "198.18.0.1")]
    public_ip_address: Option<String>,
    /// Whether packets come in and go out by its static public address; from the next start on if not.
    public_ip_address_in_force: bool,
    /// Its most public traffic outwards, in Mbit/s.
    #[schema(example = 5)]
    internet_max_bandwidth_out: u32,
    /// Its most public traffic inwards, in Mbit/s.
    #[schema(example = 10)]
    internet_max_bandwidth_in: u32,
    /// Its primary interface.
    primary_network_interface_id: String,
    /// All its interfaces but the members of its trunks, the primary one first.
    network_interface_ids: Vec<String>,
    /// Its security groups, which are those of its primary interface.
    security_group_ids: Vec<String>,
    /// Its system disk.
    system_disk: Option<DiskBody>,
    /// Whether a deletion is refused.
    deletion_protection: bool,
    /// Whether it is a subscription.
    subscription: bool,
    /// When its subscription ends, in virtual time, by what was bought and what it has renewed itself for; null for one that
    /// is paid by use.
    ends_at: Option<String>,
    /// What becomes of a subscription at its end.
    renewal: RenewalBody,
    /// The name of its role; empty if it has none.
    ram_role_name: String,
    /// The name of its key pair; empty if it has none.
    key_pair_name: String,
    /// Whether and how the metadata service answers inside of it.
    metadata_options: MetadataOptionsBody,
    /// What it says about its maintenance.
    maintenance: MaintenanceBody,
    /// Whether it has a password. Only a fingerprint of it is kept.
    has_password: bool,
    /// Whether it has user data, which has a page of its own.
    has_user_data: bool,
    /// Its resource group.
    resource_group_id: String,
    /// When it was made, in virtual time.
    created_at: String,
    /// When it last began to start; null if it never did.
    started_at: Option<String>,
    /// Its tags.
    tags: Vec<TagBody>,
}

/// What the native wire shows of an instance.
pub fn show(w: &World, i: &Instance) -> InstanceBody {
    let primary = i.primary(w);
    InstanceBody {
        id: i.id.to_string(),
        status: i.status.text(),
        stopped_mode: i.stopped_mode.map(StoppedMode::text),
        name: i.name.to_string(),
        host_name: i.host_name.to_string(),
        description: i.description.to_string(),
        instance_type: i.instance_type.to_string(),
        image_id: i.image.to_string(),
        vpc_id: i.vpc.to_string(),
        vswitch_id: i.vswitch.to_string(),
        zone_id: i.zone.to_string(),
        primary_ip_address: primary.primary_ip.to_string(),
        eip_id: sim_core::vpc::eip_binding::of_instance(w, i.id).map(|eip| eip.id.to_string()),
        public_ip_address: i.public.and_then(|public| public.address).map(|address| address.to_string()),
        public_ip_address_in_force: i.public.and_then(PublicAddress::working).is_some(),
        internet_max_bandwidth_out: i.terms.bandwidth_out,
        internet_max_bandwidth_in: i.terms.bandwidth_in,
        primary_network_interface_id: primary.id.to_string(),
        network_interface_ids: eni::of_instance(w, i).iter().map(|e| e.id.to_string()).collect(),
        security_group_ids: primary.groups.iter().map(ToString::to_string).collect(),
        system_disk: w.get::<Disk>(&i.system_disk).map(super::disks::show),
        deletion_protection: i.deletion_protection,
        subscription: i.terms.charge == ChargeType::PrePaid,
        ends_at: i.ends_at(w.now()).map(|end| end.to_string()),
        renewal: i.terms.renewal.into(),
        ram_role_name: i.terms.ram_role.to_string(),
        key_pair_name: i.terms.key_pair.to_string(),
        metadata_options: i.metadata.into(),
        maintenance: i.maintenance.into(),
        has_password: i.password.is_some(),
        has_user_data: i.user_data.is_some(),
        resource_group_id: i.resource_group.to_string(),
        created_at: i.created.to_string(),
        started_at: i.started.map(|at| at.to_string()),
        tags: tag_bodies(w, i.id),
    }
}

/// Which instances to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InstanceFilter {
    /// Only those of this VPC.
    vpc_id: Option<String>,
    /// Only those of this vSwitch.
    vswitch_id: Option<String>,
    /// Only those of this zone.
    zone_id: Option<String>,
    /// Only those with this status.
    status: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// Only those of this type.
    instance_type: Option<String>,
    /// Only the one whose interfaces hold this private IPv4 address.
    private_ip_address: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List instances, oldest first.
#[utoipa::path(get, path = "/v1/instances", tag = "Instance", params(InstanceFilter),
    responses((status = 200, description = "A page of instances.", body = Page<InstanceBody>)))]
async fn list_instances(ctx: Context, Query(filter): Query<InstanceFilter>) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let vpc = sought_id::<VpcId>(filter.vpc_id.as_deref())?;
    let zone = filter.zone_id.as_deref().map(ZoneId::from);
    let mut rows = Rows::<Instance>::all(|ix| &ix.instances.by_owner)
        .of(vpc, |ix| &ix.instances.by_vpc)
        .of(sought_id::<VSwitchId>(filter.vswitch_id.as_deref())?, |ix| &ix.instances.by_vswitch)
        .in_own(zone, |ix| &ix.instances.by_zone, |owner, zone| (owner, zone))
        .keep(filter.status, |_, i, status| i.status.text() == status)
        .keep(filter.name, |_, i, name| i.name == *name)
        .keep(filter.instance_type, |_, i, kind| i.instance_type == *kind);
    if let Some(address) = filter.private_ip_address {
        // A text that is no address fits nothing.
        let (vpc, address) = (vpc.flatten(), address.parse::<Ipv4Addr>().ok());
        rows = rows.found(move |w, caller| {
            let holders = holders4(w, caller, vpc, address.as_slice());
            let instances = holders.iter().filter_map(|id| w.get::<eni::Eni>(id)?.instance);
            Ok(instances.collect())
        });
    }
    ctx.list(&page, rows, show).await
}

/// Show an instance.
#[utoipa::path(get, path = "/v1/instances/{instance_id}", tag = "Instance",
    params(("instance_id" = String, Path, description = "The instance.")),
    responses((status = 200, description = "The instance.", body = InstanceBody)))]
async fn get_instance(ctx: Context, Path(instance_id): Path<String>) -> Result<Response, Problem> {
    let instance = id::<InstanceId>(&instance_id)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<Instance>(caller, instance)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "web", "deletion_protection": true}))]
pub struct UpdateInstanceBody {
    /// Its new name; an empty one gives it its id back.
    #[serde(default)]
    name: Option<String>,
    /// Its new host name, which it has once it starts again.
    #[serde(default)]
    host_name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
    /// Whether a deletion is refused.
    #[serde(default)]
    deletion_protection: Option<bool>,
    /// Its new security groups, in place of those it had.
    #[serde(default)]
    security_group_ids: Option<Vec<String>>,
    /// Its new password. Only a fingerprint of it is kept.
    #[serde(default)]
    #[schema(write_only)]
    password: Option<String>,
    /// Its new user data in Base64, at most 32 KiB before.
    #[serde(default)]
    #[schema(write_only)]
    user_data: Option<String>,
}

/// Change an instance that is Running or Stopped.
#[utoipa::path(patch, path = "/v1/instances/{instance_id}", tag = "Instance", request_body = UpdateInstanceBody,
    params(("instance_id" = String, Path, description = "The instance.")),
    responses((status = 200, description = "The instance as it is now.", body = InstanceBody)))]
async fn update_instance(
    ctx: Context,
    Path(instance_id): Path<String>,
    Body(body): Body<UpdateInstanceBody>,
) -> Result<Response, Problem> {
    let instance = id::<InstanceId>(&instance_id)?;
    let secrets = Secrets::check(body.password.as_deref(), false, None)?;
    let sealed = if secrets.is_empty() { Sealed::default() } else { secrets.seal(Seal::of(&ctx.world)) };
    let command = ModifyInstance {
        instance,
        name: body.name.map(Into::into),
        host_name: body.host_name.map(Into::into),
        description: body.description.map(Into::into),
        deletion_protection: body.deletion_protection,
        groups: body.security_group_ids.map(|texts| parse_list(&texts, parse_id)).transpose()?,
        password: sealed.password,
        user_data: UserData::parse(body.user_data.as_deref())?,
    };
    ctx.change_row(command, instance, show).await
}

/// How an instance is deleted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeletionQuery {
    /// Whether it is deleted though it is Running.
    #[serde(default)]
    force: bool,
    /// Whether a subscription is deleted before its end.
    #[serde(default)]
    terminate_subscription: bool,
}

/// Delete an instance with its primary interface and its system disk.
///
/// Other interfaces go with it if their `delete_on_release` says so; the rest become Available.
#[utoipa::path(delete, path = "/v1/instances/{instance_id}", tag = "Instance",
    params(("instance_id" = String, Path, description = "The instance."), DeletionQuery),
    responses((status = 204, description = "It is gone, its addresses are free.")))]
async fn delete_instance(
    ctx: Context,
    Path(instance_id): Path<String>,
    Query(query): Query<DeletionQuery>,
) -> Result<Response, Problem> {
    ctx.remove(DeleteInstances {
        instances: vec![id(&instance_id)?],
        force: query.force,
        terminate_subscription: query.terminate_subscription,
    })
    .await
}

/// List what keeps an instance from being deleted, in the order in which a deletion would report it.
#[utoipa::path(get, path = "/v1/instances/{instance_id}/dependents", tag = "Instance",
    params(("instance_id" = String, Path, description = "The instance.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_instance_dependents(
    ctx: Context,
    Path(instance_id): Path<String>,
) -> Result<Response, Problem> {
    let instance = id::<InstanceId>(&instance_id)?;
    let look = |w: &World, i: &Instance| dependents(instance_life::dependents(w, i));
    ctx.show(|w, caller| Ok(look(w, w.visible::<Instance>(caller, instance)?))).await
}

/// What an instance was handed when it was made or changed.
#[derive(Serialize, ToSchema)]
pub struct UserDataBody {
    /// In Base64, as it was given; null if it has none.
    #[schema(example = "IyEvYmluL3NoCmVjaG8gaGkK")]
    user_data: Option<String>,
}

/// Show the user data of an instance.
#[utoipa::path(get, path = "/v1/instances/{instance_id}/user-data", tag = "Instance",
    params(("instance_id" = String, Path, description = "The instance.")),
    responses((status = 200, description = "Its user data.", body = UserDataBody)))]
async fn get_instance_user_data(ctx: Context, Path(instance_id): Path<String>) -> Result<Response, Problem> {
    let instance = id::<InstanceId>(&instance_id)?;
    let look =
        |i: &Instance| UserDataBody { user_data: i.user_data.as_ref().map(|data| data.encoded().to_owned()) };
    ctx.show(|w, caller| Ok(look(w.visible::<Instance>(caller, instance)?))).await
}

/// Carries out a command on one instance and shows it.
async fn act(ctx: Context, instance: InstanceId, command: impl Into<Command>) -> Result<Response, Problem> {
    ctx.change_row(command, instance, show).await
}

/// Start an instance that is Stopped.
///
/// It is Starting for as long as the world's provisioning takes, then Running.
#[utoipa::path(post, path = "/v1/instances/{instance_id}/start", tag = "Instance",
    params(("instance_id" = String, Path, description = "The instance.")),
    responses((status = 200, description = "The instance as it is now.", body = InstanceBody)))]
async fn start_instance(ctx: Context, Path(instance_id): Path<String>) -> Result<Response, Problem> {
    let instance = id(&instance_id)?;
    act(ctx, instance, StartInstances { instances: vec![instance], rule: BatchRule::AllTogether }).await
}

/// What a stop keeps.
#[derive(Clone, Copy, Deserialize, ToSchema)]
pub enum StoppedModeName {
    /// Everything, and it goes on costing.
    KeepCharging,
    /// Disks and private addresses.
    StopCharging,
}

/// How an instance is stopped.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct StopQuery {
    /// What it keeps: KeepCharging if absent.
    #[param(inline)]
    stopped_mode: Option<StoppedModeName>,
}

/// Stop an instance that is Running.
///
/// It is Stopping for as long as the world's provisioning takes, then Stopped. It keeps its addresses, but for a
/// static public one if it keeps nothing: the next start brings another.
#[utoipa::path(post, path = "/v1/instances/{instance_id}/stop", tag = "Instance",
    params(("instance_id" = String, Path, description = "The instance."), StopQuery),
    responses((status = 200, description = "The instance as it is now.", body = InstanceBody)))]
async fn stop_instance(
    ctx: Context,
    Path(instance_id): Path<String>,
    Query(query): Query<StopQuery>,
) -> Result<Response, Problem> {
    let instance = id(&instance_id)?;
    let mode = query.stopped_mode.map(|mode| match mode {
        StoppedModeName::KeepCharging => StoppedMode::KeepCharging,
        StoppedModeName::StopCharging => StoppedMode::StopCharging,
    });
    let command =
        StopInstances { instances: vec![instance], mode, force: false, rule: BatchRule::AllTogether };
    act(ctx, instance, command).await
}

/// Restart an instance that is Running.
///
/// It is Starting for as long as the world's provisioning takes, then Running.
#[utoipa::path(post, path = "/v1/instances/{instance_id}/reboot", tag = "Instance",
    params(("instance_id" = String, Path, description = "The instance.")),
    responses((status = 200, description = "The instance as it is now.", body = InstanceBody)))]
async fn reboot_instance(ctx: Context, Path(instance_id): Path<String>) -> Result<Response, Problem> {
    let instance = id(&instance_id)?;
    let command = RebootInstances { instances: vec![instance], force: false, rule: BatchRule::AllTogether };
    act(ctx, instance, command).await
}

/// Which static public address an instance gets.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct AllocatePublicAddressBody {
    /// The address wanted, of 198.18.0.0/16; the next one if absent.
    #[serde(default)]
    ip_address: Option<String>,
}

/// Give an instance with public bandwidth outwards its static public address.
///
/// It takes effect when the instance starts the next time. An instance that has one keeps it.
#[utoipa::path(post, path = "/v1/instances/{instance_id}/public-address", tag = "Instance",
    request_body = AllocatePublicAddressBody,
    params(("instance_id" = String, Path, description = "The instance.")),
    responses((status = 200, description = "The instance as it is now.", body = InstanceBody)))]
async fn allocate_public_address(
    ctx: Context,
    Path(instance_id): Path<String>,
    Body(body): Body<AllocatePublicAddressBody>,
) -> Result<Response, Problem> {
    let instance = id(&instance_id)?;
    let address = body.ip_address.as_deref().map(|text| parse4(text, "ip_address")).transpose()?;
    act(ctx, instance, AllocatePublicAddress { instance, address }).await
}

/// Where an instance goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"vswitch_id": "vsw-bp1d0b3cvj5xk2k9f5w7t", "primary_ip_address": "10.0.2.9"}))]
pub struct MoveInstanceBody {
    /// The vSwitch, in the zone of the instance.
    vswitch_id: String,
    /// Its new primary address; the lowest free one of another vSwitch if absent.
    #[serde(default)]
    primary_ip_address: Option<String>,
    /// The VPC of the vSwitch, for a move to another one.
    #[serde(default)]
    vpc_id: Option<String>,
    /// Its groups in another VPC; none in its own.
    #[serde(default)]
    security_group_ids: Vec<String>,
}

/// Move a stopped instance to another vSwitch of its zone, give it another primary address, or both.
#[utoipa::path(post, path = "/v1/instances/{instance_id}/move", tag = "Instance", request_body = MoveInstanceBody,
    params(("instance_id" = String, Path, description = "The instance.")),
    responses((status = 200, description = "The instance as it is now.", body = InstanceBody)))]
async fn move_instance(
    ctx: Context,
    Path(instance_id): Path<String>,
    Body(body): Body<MoveInstanceBody>,
) -> Result<Response, Problem> {
    let instance = id(&instance_id)?;
    let address = body.primary_ip_address.as_deref().map(|text| parse4(text, "primary_ip_address"));
    let command = MoveInstance {
        instance,
        vswitch: parse_id(&body.vswitch_id)?,
        primary_ip: address.transpose()?,
        vpc: body.vpc_id.as_deref().map(parse_id).transpose()?,
        groups: parse_list(&body.security_group_ids, parse_id)?,
    };
    act(ctx, instance, command).await
}
