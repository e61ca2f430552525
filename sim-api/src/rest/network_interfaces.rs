//! Elastic network interfaces on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::interface_changes::AddressesBody;
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, parse_list, tag_bodies, tag_pairs};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::ecs::eni::{self, CreateEni, DeleteEni, Eni, EniKind, ModifyEni, TrafficMode};
use sim_core::ecs::eni_address::{self, in_addresses, parse4};
use sim_core::id::{EniId, InstanceId, SecurityGroupId, VSwitchId, VpcId};
use sim_core::vpc::vswitch::VSwitch;
use sim_core::{Outcome, World};
use std::net::Ipv4Addr;
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_network_interface",
        &[
            E::EniNameMalformed,
            E::EniDescriptionMalformed,
            E::AddressMalformed,
            E::EniAddressCount,
            E::EniAddressRepeated,
            E::EniAddressesConflict,
            E::EniPrefixMalformed,
            E::EniPrefixMask,
            E::VSwitchNotFound,
            E::ResourceGroupNotFound,
            E::SecurityGroupsMissing,
            E::SecurityGroupRepeated,
            E::SecurityGroupNotFound,
            E::SecurityGroupVpcMismatch,
            E::SecurityGroupKindsMixed,
            E::SecurityGroupsPerEniExceeded,
            E::EniRulesExceeded,
            E::SecurityGroupFull,
            E::EnterpriseGroupFull,
            E::VSwitchStatusIncorrect,
            E::AddressOutside,
            E::AddressReserved,
            E::AddressInUse,
            E::Ipv6AddressOutside,
            E::Ipv6AddressInUse,
            E::EniPrefixInUse,
            E::EniPrefixUnreserved,
            E::EniVSwitchIpv6Disabled,
            E::EniQuotaExceeded,
            E::AddressQuotaExceeded,
            E::AddressExhausted,
            E::EniPrefixExhausted,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
        ],
    ),
    (
        "list_network_interfaces",
        &[E::VpcNotFound, E::VSwitchNotFound, E::InstanceNotFound, E::SecurityGroupNotFound],
    ),
    ("get_network_interface", &[E::EniNotFound]),
    (
        "update_network_interface",
        &[
            E::EniNameMalformed,
            E::EniDescriptionMalformed,
            E::EniNotFound,
            E::EniPrimaryFixed,
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
    ("delete_network_interface", &[E::EniNotFound, E::EniKindDenied, E::EniStatusIncorrect]),
    ("list_network_interface_dependents", &[E::EniNotFound]),
];

/// The operations on network interfaces.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_network_interface, list_network_interfaces))
        .routes(routes!(get_network_interface, update_network_interface, delete_network_interface))
        .routes(routes!(list_network_interface_dependents))
}

/// A network interface.
#[derive(Serialize, ToSchema)]
pub struct NetworkInterfaceBody {
    /// Its id.
    #[schema(example = "eni-bp14v2sdd3v8hk5x7qz9")]
    id: String,
    /// Available, Attaching, InUse, Detaching or Deleting.
    #[schema(example = "Available")]
    status: &'static str,
    /// Primary, Secondary, Trunk or Member.
    #[schema(rename = "type", example = "Secondary")]
    #[serde(rename = "type")]
    kind: &'static str,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// Its VPC.
    vpc_id: String,
    /// Its vSwitch.
    vswitch_id: String,
    /// Its zone.
    zone_id: String,
    /// Its MAC address.
    #[schema(example = "00:16:3e:0a:9c:41")]
    mac_address: String,
    /// Its primary private IPv4 address.
    #[schema(example = "10.0.1.1")]
    primary_ip_address: String,
    /// Its secondary private IPv4 addresses.
    private_ip_addresses: Vec<String>,
    /// Its IPv4 prefixes.
    ipv4_prefixes: Vec<String>,
    /// Its IPv6 addresses.
    ipv6_addresses: Vec<String>,
    /// Its IPv6 prefixes.
    ipv6_prefixes: Vec<String>,
    /// The elastic IP addresses that stand for its private ones.
    eip_ids: Vec<String>,
    /// Its security groups.
    security_group_ids: Vec<String>,
    /// The instance it is attached to; null if it is Available.
    instance_id: Option<String>,
    /// The trunk it is attached through; null if it is no member.
    trunk_network_interface_id: Option<String>,
    /// Its place among the interfaces of its instance, or among the members of its trunk.
    device_index: u16,
    /// Whether it is deleted with its instance.
    delete_on_release: bool,
    /// Whether packets with foreign addresses are dropped.
    source_dest_check: bool,
    /// Its resource group.
    resource_group_id: String,
    /// When it was made, in virtual time.
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn texts<T: ToString>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

pub(super) fn show(w: &World, e: &Eni) -> NetworkInterfaceBody {
    NetworkInterfaceBody {
        id: e.id.to_string(),
        status: e.status.text(),
        kind: e.kind.text(),
        name: e.name.to_string(),
        description: e.description.to_string(),
        vpc_id: e.vpc.to_string(),
        vswitch_id: e.vswitch.to_string(),
        zone_id: w.get::<VSwitch>(&e.vswitch).map(|s| s.zone.to_string()).unwrap_or_default(),
        mac_address: e.mac_text(),
        primary_ip_address: e.primary_ip.to_string(),
        private_ip_addresses: texts(&e.secondary_ips),
        ipv4_prefixes: texts(&e.ipv4_prefixes),
        ipv6_addresses: texts(&e.ipv6),
        ipv6_prefixes: texts(&e.ipv6_prefixes),
        eip_ids: sim_core::vpc::eip_binding::of_eni(w, e.id).map(|eip| eip.id.to_string()).collect(),
        security_group_ids: texts(&e.groups),
        instance_id: e.instance.map(|id| id.to_string()),
        trunk_network_interface_id: e.trunk.map(|id| id.to_string()),
        device_index: e.device_index,
        delete_on_release: e.delete_on_release,
        source_dest_check: e.source_dest_check,
        resource_group_id: e.resource_group.to_string(),
        created_at: e.created.to_string(),
        tags: tag_bodies(w, e.id),
    }
}

/// What a new network interface should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"vswitch_id": "vsw-bp1d0b3cvj5xk2k9f5w7t", "security_group_ids": ["sg-bp1fg655nh68xyz9i6fq"]}))]
pub struct CreateNetworkInterfaceBody {
    /// Its vSwitch.
    vswitch_id: String,
    /// Secondary or Trunk; Secondary if absent.
    #[serde(default, rename = "type")]
    kind: Option<InterfaceType>,
    /// Its security groups: 1 to 10 of the VPC.
    security_group_ids: Vec<String>,
    /// Its primary address; the lowest free one if absent.
    #[serde(default)]
    primary_ip_address: Option<String>,
    /// Its other addresses.
    #[serde(default)]
    addresses: AddressesBody,
    /// Its name: 2 to 128 characters, a letter first.
    #[serde(default)]
    name: Option<String>,
    /// Its description: 2 to 256 characters.
    #[serde(default)]
    description: Option<String>,
    /// Whether it is deleted with its instance; true if absent.
    #[serde(default)]
    delete_on_release: Option<bool>,
    /// Whether packets with foreign addresses are dropped.
    #[serde(default)]
    source_dest_check: bool,
    /// Its resource group; the account's default one if absent.
    #[serde(default)]
    resource_group_id: Option<String>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

/// The types of interface that can be made.
#[derive(Clone, Copy, Deserialize, ToSchema)]
pub enum InterfaceType {
    /// Attached and detached at will.
    Secondary,
    /// Carries member interfaces.
    Trunk,
}

fn groups(texts: &[String]) -> Outcome<Vec<SecurityGroupId>> {
    parse_list(texts, parse_id)
}

/// Make a network interface.
///
/// It is Available at once, with the lowest free address of its vSwitch unless one is given.
#[utoipa::path(post, path = "/v1/network-interfaces", tag = "Network interface", request_body = CreateNetworkInterfaceBody,
    responses((status = 201, description = "The new network interface.", body = NetworkInterfaceBody)))]
async fn create_network_interface(
    ctx: Context,
    Body(body): Body<CreateNetworkInterfaceBody>,
) -> Result<Response, Problem> {
    let primary_ip =
        body.primary_ip_address.as_deref().map(|text| parse4(text, "primary_ip_address")).transpose()?;
    let command = CreateEni {
        vswitch: parse_id(&body.vswitch_id)?,
        kind: match body.kind {
            Some(InterfaceType::Trunk) => EniKind::Trunk,
            _ => EniKind::Secondary,
        },
        groups: groups(&body.security_group_ids)?,
        primary_ip,
        wanted: body.addresses.wanted().map_err(in_addresses)?,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        delete_on_release: body.delete_on_release.unwrap_or(true),
        source_dest_check: body.source_dest_check,
        queues: None,
        traffic_mode: TrafficMode::Standard,
        resource_group: body.resource_group_id.as_deref().map(parse_id).transpose()?,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<Eni>(&reply.id::<EniId>())?;
        Some((format!("/v1/network-interfaces/{}", made.id), show(w, made)))
    })
    .await
}

/// Which network interfaces to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NetworkInterfaceFilter {
    /// Only those of this VPC.
    vpc_id: Option<String>,
    /// Only those of this vSwitch.
    vswitch_id: Option<String>,
    /// Only those attached to this instance, members of its trunks too.
    instance_id: Option<String>,
    /// Only those in this security group.
    security_group_id: Option<String>,
    /// Only those with this status.
    status: Option<String>,
    /// Only those of this type.
    r#type: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// Only those that hold this private IPv4 address.
    private_ip_address: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List network interfaces, oldest first.
#[utoipa::path(get, path = "/v1/network-interfaces", tag = "Network interface", params(NetworkInterfaceFilter),
    responses((status = 200, description = "A page of network interfaces.", body = Page<NetworkInterfaceBody>)))]
async fn list_network_interfaces(
    ctx: Context,
    Query(filter): Query<NetworkInterfaceFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let vpc = sought_id::<VpcId>(filter.vpc_id.as_deref())?;
    let mut rows = Rows::<Eni>::all(|ix| &ix.enis.by_owner)
        .of(sought_id::<InstanceId>(filter.instance_id.as_deref())?, |ix| &ix.enis.by_instance)
        .of(sought_id::<VSwitchId>(filter.vswitch_id.as_deref())?, |ix| &ix.enis.by_vswitch)
        .of(sought_id::<SecurityGroupId>(filter.security_group_id.as_deref())?, |ix| &ix.enis.by_group)
        .of(vpc, |ix| &ix.enis.by_vpc)
        .keep(filter.status, |_, e, status| e.status.text() == status)
        .keep(filter.r#type, |_, e, kind| e.kind.text() == kind)
        .keep(filter.name, |_, e, name| e.name == *name);
    if let Some(address) = filter.private_ip_address {
        // A text that is no address fits nothing.
        let (vpc, address) = (vpc.flatten(), address.parse::<Ipv4Addr>().ok());
        rows = rows.found(move |w, caller| Ok(eni_address::holders4(w, caller, vpc, address.as_slice())));
    }
    ctx.list(&page, rows, show).await
}

/// Show a network interface.
#[utoipa::path(get, path = "/v1/network-interfaces/{network_interface_id}", tag = "Network interface",
    params(("network_interface_id" = String, Path, description = "The network interface.")),
    responses((status = 200, description = "The network interface.", body = NetworkInterfaceBody)))]
async fn get_network_interface(
    ctx: Context,
    Path(network_interface_id): Path<String>,
) -> Result<Response, Problem> {
    let eni = id::<EniId>(&network_interface_id)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<Eni>(caller, eni)?))).await
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "web", "source_dest_check": false}))]
pub struct UpdateNetworkInterfaceBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Its new description.
    #[serde(default)]
    description: Option<String>,
    /// Its new security groups, in place of those it had.
    #[serde(default)]
    security_group_ids: Option<Vec<String>>,
    /// Whether it is deleted with its instance.
    #[serde(default)]
    delete_on_release: Option<bool>,
    /// Whether packets with foreign addresses are dropped.
    #[serde(default)]
    source_dest_check: Option<bool>,
}

/// Change a network interface.
#[utoipa::path(patch, path = "/v1/network-interfaces/{network_interface_id}", tag = "Network interface",
    request_body = UpdateNetworkInterfaceBody,
    params(("network_interface_id" = String, Path, description = "The network interface.")),
    responses((status = 200, description = "The network interface as it is now.", body = NetworkInterfaceBody)))]
async fn update_network_interface(
    ctx: Context,
    Path(network_interface_id): Path<String>,
    Body(body): Body<UpdateNetworkInterfaceBody>,
) -> Result<Response, Problem> {
    let eni = id::<EniId>(&network_interface_id)?;
    let command = ModifyEni {
        eni,
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        groups: body.security_group_ids.as_deref().map(groups).transpose()?,
        delete_on_release: body.delete_on_release,
        source_dest_check: body.source_dest_check,
        queues: None,
        traffic_mode: None,
    };
    ctx.change_row(command, eni, show).await
}

/// Delete a network interface that is Available.
#[utoipa::path(delete, path = "/v1/network-interfaces/{network_interface_id}", tag = "Network interface",
    params(("network_interface_id" = String, Path, description = "The network interface.")),
    responses((status = 204, description = "It is gone, its addresses are free.")))]
async fn delete_network_interface(
    ctx: Context,
    Path(network_interface_id): Path<String>,
) -> Result<Response, Problem> {
    let eni = id::<EniId>(&network_interface_id)?;
    ctx.remove(DeleteEni { eni }).await
}

/// List what keeps a network interface from being deleted, in the order in which a deletion would report it.
#[utoipa::path(get, path = "/v1/network-interfaces/{network_interface_id}/dependents", tag = "Network interface",
    params(("network_interface_id" = String, Path, description = "The network interface.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_network_interface_dependents(
    ctx: Context,
    Path(network_interface_id): Path<String>,
) -> Result<Response, Problem> {
    let eni = id::<EniId>(&network_interface_id)?;
    ctx.show(|w, caller| Ok(dependents(eni::dependents(w, w.visible::<Eni>(caller, eni)?)))).await
}
